# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""What plans for entries of a guest are made of: steps that are done in order, each by itself."""

from __future__ import annotations

import dataclasses
import typing as t

from .._errors import GuestError, printable
from ._attributes import AttributeChange, Attributes, apply_attributes
from ._files import FileStat, GuestFile, GuestFiles, HostFile, Kind
from ._paths import GuestPath


class Step(t.Protocol):
    """One thing to be done."""

    def apply(self, files: GuestFiles) -> None:
        """Do it."""


@dataclasses.dataclass(frozen=True)
class MakeDirectory:
    """Make a directory whose parent is there by then."""

    attributes: AttributeChange

    def apply(self, files: GuestFiles) -> None:
        wanted = self.attributes.after
        files.make_dir(self.attributes.path, mode=wanted.mode, uid=wanted.uid, gid=wanted.gid)
        _apply_rest(files, self.attributes)


@dataclasses.dataclass(frozen=True)
class WriteFile:
    """Make or replace a regular file.

    :param content: of any size; not shown, because it may be secret.
    :param backup: where the file is kept as it was.
    """

    attributes: AttributeChange
    content: bytes | HostFile | GuestFile = dataclasses.field(default=b"", repr=False)
    backup: GuestPath | None = None

    def apply(self, files: GuestFiles) -> None:
        path, wanted = self.attributes.path, self.attributes.after
        if self.backup is not None:
            model = files.resolve(path)
            size = files.size_of(model)
            files.write(self.backup, GuestFile(model, size), like=model)
        files.write(path, self.content, mode=wanted.mode, uid=wanted.uid, gid=wanted.gid, follow=False)
        _apply_rest(files, self.attributes)


@dataclasses.dataclass(frozen=True)
class MakeLink:
    """Make a symbolic link, in the place of a file, a link or an empty directory that is there."""

    path: GuestPath
    target: str
    replaces_directory: bool = False

    def apply(self, files: GuestFiles) -> None:
        if self.replaces_directory:
            files.remove_tree(self.path)
        files.symlink(self.target, self.path)


@dataclasses.dataclass(frozen=True)
class MakeHardLink:
    """Make another name of a file."""

    path: GuestPath
    source: GuestPath

    def apply(self, files: GuestFiles) -> None:
        files.hard_link(self.source, self.path)


@dataclasses.dataclass(frozen=True)
class Remove:
    """Remove an entry, and all below it."""

    path: GuestPath

    def apply(self, files: GuestFiles) -> None:
        files.remove_tree(self.path)


@dataclasses.dataclass(frozen=True)
class SetAttributes:
    """Set mode, owner, group, context and flags of an entry that is there."""

    change: AttributeChange

    def apply(self, files: GuestFiles) -> None:
        apply_attributes(files, self.change)


@dataclasses.dataclass(frozen=True)
class SetTimes:
    """Set the times of a file or directory, in nanoseconds since the epoch."""

    path: GuestPath
    atime: int
    mtime: int

    def apply(self, files: GuestFiles) -> None:
        files.set_times(self.path, atime=self.atime, mtime=self.mtime)


def _apply_rest(files: GuestFiles, change: AttributeChange) -> None:
    if change.rest.changed:
        apply_attributes(files, change.rest)


def state_of(found: FileStat | None) -> str:
    """Return ``absent``, ``link``, ``directory``, ``hard`` or ``file``, in Ansible's sense of these words."""
    if found is None:
        return "absent"
    if found.kind in ("link", "directory"):
        return found.kind
    return "hard" if found.struct.get("st_nlink", 1) > 1 else "file"


def expected(kind: Kind, after: Attributes, size: int, found: FileStat | None = None) -> FileStat:
    """Return what lstat is to say of an entry when its plan is done."""
    new = FileStat(kind, after.mode, after.uid, after.gid, size, found.mtime if found else 0)
    return dataclasses.replace(new, struct=found.struct) if found and found.kind == kind else new


def canonical(files: GuestFiles, path: str) -> GuestPath:
    """Return the path of an entry itself, every link on the way to it followed."""
    whole = GuestPath(path)
    return files.resolve(whole.parent).joined(whole.name) if whole.name else whole


def parent_of(files: GuestFiles, path: GuestPath) -> FileStat:
    """Describe the directory above an entry.

    :raises GuestError: there is none.
    """
    found = files.lstat(path.parent)
    if found is None or found.kind != "directory":
        raise GuestError(
            f"Destination directory {printable(path.parent)} does not exist", hint="Make the directory first."
        )
    return found


def missing_directories(files: GuestFiles, path: GuestPath) -> tuple[list[GuestPath], FileStat]:
    """Return the directories that are missing down to ``path``, from the top, and what holds the first of them.

    :param path: resolved.
    :raises GuestError: something other than a directory is in the way.
    """
    missing: list[GuestPath] = []
    while (found := files.lstat(path)) is None:
        missing.append(path)
        path = path.parent
    if found.kind != "directory":
        raise GuestError(
            f"There was an issue creating {printable((missing or [path])[-1])} as requested: "
            f"'{printable(path)}' is no directory"
        )
    return missing[::-1], found
