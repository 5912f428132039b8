# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""What the module copy is to do: from the source, the options and the guest as it is to steps, one entry at a time."""

from __future__ import annotations

import dataclasses
import typing as t

from .._errors import GuestError, printable
from ._attributes import AttributeChange, AttributeOptions, AttributePlanner
from ._backup import backup_path
from ._copy_content import Content
from ._files import FileStat, GuestFiles
from ._paths import GuestPath
from ._steps import (
    MakeDirectory,
    MakeLink,
    SetAttributes,
    Step,
    WriteFile,
    expected,
    missing_directories,
    parent_of,
    state_of,
)


@dataclasses.dataclass(frozen=True)
class CopyOptions:
    """The options that say how an entry is copied.

    :param keeps_modes: whether new files and directories get the permissions of their sources if nothing says which.
    """

    backup: bool = False
    force: bool = True
    follow: bool = False
    mode: t.Any = None
    directory_mode: t.Any = None
    keeps_modes: bool = False

    @property
    def preserves(self) -> bool:
        """Whether a file is to have the permissions of its source, new or not."""
        return self.mode == "preserve"


@dataclasses.dataclass(frozen=True)
class EntryCopy:
    """What is to be done to one entry.

    :param kind: file, directory or link.
    :param before: what is there; None where there is nothing.
    :param change: its attributes; None where they stay.
    :param content: of a file that is written.
    :param old: the regular file whose content is there now, if there is one.
    :param is_kept: whether it stays because of ``force=false``.
    """

    path: GuestPath
    kind: t.Literal["file", "directory", "link"]
    before: FileStat | None
    after: FileStat
    steps: tuple[Step, ...] = ()
    change: AttributeChange | None = None
    content: Content | None = None
    old: GuestPath | None = None
    is_kept: bool = False

    @property
    def changed(self) -> bool:
        """Whether anything is to be done."""
        return bool(self.steps)

    @property
    def is_new(self) -> bool:
        """Whether another kind of entry, or nothing, was there."""
        return self.before is None or self.before.kind != self.kind

    @property
    def backup(self) -> GuestPath | None:
        """Where the file is kept as it was."""
        return next((step.backup for step in self.steps if isinstance(step, WriteFile)), None)


class CopyPlanner:
    """Plans entries, each after the directories above it; reads the guest and changes nothing."""

    def __init__(self, files: GuestFiles, options: CopyOptions, attributes: AttributeOptions) -> None:
        self._files = files
        self._options = options
        planner = AttributePlanner(files, attributes)
        self.attributes = planner.with_mode(None if options.preserves else options.mode)
        self._for_directories = planner.with_mode(options.directory_mode)
        self._for_links = planner.with_mode(None)
        self._made: dict[GuestPath, FileStat] = {}

    def directories(self, path: GuestPath) -> list[EntryCopy]:
        """Make the directories that are missing down to ``path``, which is resolved."""
        missing, parent = missing_directories(self._files, path)
        plans = []
        for directory in missing:
            plans.append(self._new_directory(directory, None, parent))
            parent = plans[-1].after
        return plans

    def directory(self, path: GuestPath, mode: int) -> EntryCopy:
        """Have a directory there; a link that leads to one will do.

        :param mode: the permissions of the source.
        """
        before = self._find(path)
        if before is not None and before.kind == "link":
            path = self._files.resolve(path)
            before = self._files.lstat(path)
        if before is None:
            return self._new_directory(path, mode, self._parent(path))
        if before.kind != "directory":
            raise GuestError(f"{printable(path)} already exists as a {state_of(before)}")
        change = self._for_directories.plan(path, before)
        steps = (SetAttributes(change),) if change.changed else ()
        return EntryCopy(path, "directory", before, expected("directory", change.after, before.size), steps, change)

    def _new_directory(self, path: GuestPath, mode: int | None, parent: FileStat) -> EntryCopy:
        given = self._options.directory_mode
        wanted = mode if given is None and self._options.keeps_modes else None
        change = self._for_directories.plan_new(path, "directory", parent, mode=wanted)
        after = expected("directory", change.after, 0)
        self._made[path] = after
        return EntryCopy(path, "directory", None, after, (MakeDirectory(change),), change)

    def link(self, path: GuestPath, target: str) -> EntryCopy:
        """Have a link there."""
        before = self._find(path)
        if before is not None and before.kind == "directory" and self._files.list_dir(path):
            raise GuestError(f"the directory {printable(path)} is not empty, refusing to convert it")
        if before is not None and before.kind == "link" and self._files.link_target(path) == target:
            change = self._for_links.plan(path, before)
            steps: tuple[Step, ...] = (SetAttributes(change),) if change.changed else ()
            return EntryCopy(path, "link", before, expected("link", change.after, before.size), steps, change)
        change = self._for_links.plan_new(path, "link", self._parent(path))
        steps = (MakeLink(path, target, before is not None and before.kind == "directory"),)
        steps += (SetAttributes(change),) if change.changed else ()
        return EntryCopy(path, "link", before, expected("link", change.after, len(target)), steps, change)

    def file(self, path: GuestPath, content: Content, mode: int) -> EntryCopy:
        """Have a file of that content there.

        :param path: canonical but for the last component.
        :param mode: the permissions of the source.
        """
        before = self._find(path)
        there, old = before, path
        if before is not None and before.kind == "link":
            old = self._files.resolve(path)
            there = self._files.lstat(old)
            if there is not None and self._options.follow:
                path, before = old, there
        if before is not None and there is not None and not self._options.force:
            return EntryCopy(path, "file", before, before, is_kept=True)
        self._require_replaceable(path, before, there)
        exact = f"{mode:04o}" if self._options.preserves else None
        if before is not None and before.kind == "file":
            if self._is_same(path, before, content):
                return self._same_file(path, before, exact)
            loose = self._loose(mode)
            change = self.attributes.plan_content(path, before, mode=exact or loose)
        else:
            change = self.attributes.plan_new(path, "file", self._parent(path), mode=exact or self._loose(mode))
        backup = self._backup(path, old) if there is not None and there.kind == "file" else None
        after = expected("file", change.after, content.handle.size)
        step = WriteFile(change, content.handle, backup)
        kept = old if there is not None else None
        return EntryCopy(path, "file", before, after, (step,), change, content, kept)

    def _loose(self, mode: int) -> str | None:
        """The mode of a file that gets new content, where no option says another."""
        return f"{mode:04o}" if self._options.keeps_modes and self._options.mode is None else None

    def _same_file(self, path: GuestPath, before: FileStat, mode: str | None) -> EntryCopy:
        change = self.attributes.plan(path, before, mode=mode)
        steps = (SetAttributes(change),) if change.changed else ()
        return EntryCopy(path, "file", before, expected("file", change.after, before.size, before), steps, change)

    def _is_same(self, path: GuestPath, before: FileStat, content: Content) -> bool:
        if before.size != content.handle.size:
            return False
        return not before.size or self._files.digest(path, "sha1") == content.sha1

    def _backup(self, path: GuestPath, old: GuestPath) -> GuestPath | None:
        return backup_path(path, self._files.digest(old, "sha256")) if self._options.backup else None

    def _require_replaceable(self, path: GuestPath, before: FileStat | None, there: FileStat | None) -> None:
        if there is not None and there.kind == "directory":
            raise GuestError(f"'{printable(path)}' in the guest is a directory, so no file can replace it.")
        if before is not None and before.kind not in ("file", "link"):
            raise GuestError(
                f"'{printable(path)}' in the guest is a {before.kind}, not a regular file.",
                hint="Remove it first, if that is what you want.",
            )

    def _find(self, path: GuestPath) -> FileStat | None:
        return None if path.parent in self._made else self._files.lstat(path)

    def _parent(self, path: GuestPath) -> FileStat:
        return self._made.get(path.parent) or parent_of(self._files, path)
