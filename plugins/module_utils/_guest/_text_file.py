# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""One text file of a guest: what it is, what a task makes of it, and how that gets there.

It is what the modules have in common that edit a file: content, attributes, backup and validation.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import typing as t

from .._errors import GuestError, printable
from ._backup import backup_path
from ._diff import attributes_diff, content_diff
from ._files import FileStat, GuestFiles
from ._paths import GuestPath
from ._task import Task

if t.TYPE_CHECKING:
    from ._attributes import AttributeChange, AttributePlanner

#: The names of ``FILE_SPEC``, which is of the layer above.
ATTRIBUTES = ("owner", "group", "mode", "attributes", "seuser", "serole", "setype", "selevel", "unsafe_writes")


@dataclasses.dataclass(frozen=True)
class Current:
    """The file as it is.

    :param entry: the entry whose attributes the task is about; a link, where the task does not follow it.
    :param found: what lstat says of the entry; None where there is none.
    :param path: where the content is, every link followed.
    :param content: None when there is no such file.
    """

    entry: GuestPath
    found: FileStat | None
    path: GuestPath
    content: bytes | None

    @property
    def is_link(self) -> bool:
        """Whether the entry is a link."""
        return self.found is not None and self.found.kind == "link"


@dataclasses.dataclass(frozen=True)
class Plan:
    """What is to be done.

    :param content: the content afterwards; None when there will be no file.
    :param written: where new content goes.
    :param attributes: those of the entry; None when there will be none, or where they stay as they are.
    :param backup: where the file is kept as it was; None where it is not.
    """

    current: Current
    content: bytes | None
    written: GuestPath
    attributes: AttributeChange | None
    backup: GuestPath | None

    @property
    def changes_content(self) -> bool:
        """Whether the file is written."""
        return self.content != self.current.content

    @property
    def changes_attributes(self) -> bool:
        """Whether attributes become other than the entry has them, or has them by itself when it is made."""
        return self.attributes is not None and self.attributes.changed

    @property
    def changed(self) -> bool:
        """Whether anything changes."""
        return self.changes_content or self.changes_attributes

    @property
    def found_after(self) -> FileStat | None:
        """What lstat says of the entry afterwards, as far as the plan knows; None where there will be none."""
        if self.attributes is None:
            return None
        after, found = self.attributes.after, self.current.found
        if found is None or (self.changes_content and self.written == self.current.entry):  # a new inode
            return FileStat("file", after.mode, after.uid, after.gid, len(self.content or b""), 0)
        return dataclasses.replace(found, mode=after.mode, uid=after.uid, gid=after.gid)

    def content_diff(self, path: str) -> dict[str, t.Any]:
        """Return the difference of the content, for the path as it was given."""
        return content_diff(path, self.current.content or b"", self.content or b"")

    def attributes_diff(self, path: str) -> dict[str, t.Any]:
        """Return the difference of the attributes, for the path as it was given."""
        return attributes_diff(path, self.attributes.diff() if self.attributes else {})


class TextFile:
    """The file of a task whose options are those of ``FILE_SPEC``, and ``path``, ``max_size`` and ``backup``.

    :param follow: whether a link at the end of the path has its target's attributes changed, not its own.
    :param replaces_link: whether such a link, where it is not followed, makes room for what is written.
    :param tells_attributes: whether attributes are planned, to be told of, also where the task asks for none.
    """

    def __init__(
        self, task: Task, *, follow: bool, replaces_link: bool = False, tells_attributes: bool = False
    ) -> None:
        self._task = task
        self._files = task.guest.files
        self._follow = follow
        self._replaces_link = replaces_link and not follow
        given = [task.params.get(name) for name in ATTRIBUTES]
        asks = any(value is not None and value is not False for value in given)  # a mode may be 0
        self._has_attributes = asks or tells_attributes

    @functools.cached_property
    def planner(self) -> AttributePlanner:
        """What plans the attributes of the entry.

        :raises OptionError: the options that say what they are to be are wrong.
        """
        from ._attributes import AttributeOptions, AttributePlanner  # not for the many tasks without such options

        return AttributePlanner(self._files, AttributeOptions.of(self._task.params))

    def read(self) -> Current:
        """Return the file as it is.

        :raises GuestError: it is no regular file, or larger than ``max_size``.
        """
        path = GuestPath(self._task.params["path"])
        target = self._files.resolve(path)
        content = self._files.read_optional(target, max_size=self._task.params["max_size"])
        entry = target if self._follow or not path.name else self._files.resolve(path.parent).joined(path.name)
        return Current(entry, self._files.lstat(entry), target, content)

    def plan(self, current: Current, content: bytes | None, *, keeps_attributes: bool = False) -> Plan:
        """Decide what is to be done for the file to have that content, and the attributes that the task asks for.

        :param content: None when there is no file and will be none.
        :param keeps_attributes: whatever the task asks for.
        :raises GuestError: there is no such user or group, or a link leads to where no file can be made.
        """
        changes = content != current.content
        replaced = self._replaces_link and changes and current.is_link
        attributes = None
        if content is not None and self._has_attributes and not keeps_attributes:
            attributes = self._attributes(current, replaced=replaced)
        backup = None
        if changes and self._task.params["backup"] and current.content is not None:
            backup = backup_path(current.entry, hashlib.sha256(current.content).hexdigest())
        plan = Plan(current, content, current.entry if replaced else current.path, attributes, backup)
        self._require_folder(plan)
        return plan

    def carry_out(self, plan: Plan) -> None:
        """Show the content to the program of ``validate``; then do what was decided, unless this is a check.

        :raises OptionError: the program refuses the content.
        """
        if plan.changes_content:
            self._validate(plan.content or b"")
        if plan.changed and not self._task.check:
            self._apply(plan)

    def _validate(self, content: bytes) -> None:
        command = self._task.params.get("validate")
        if command is not None:
            from ._validate import validate  # not for the many tasks without that option

            validate(command, content)

    def _require_folder(self, plan: Plan) -> None:
        """Refuse to make a file behind a link to a directory that is not there; the one of the link is made."""
        if plan.current.content is not None or plan.content is None or plan.written == plan.current.entry:
            return
        found = self._files.lstat(plan.written.parent)
        if found is None or found.kind != "directory":
            raise GuestError(
                f"'{printable(plan.current.entry)}' in the guest is a link, and there is no directory where it leads.",
                hint="Make the directory first.",
            )

    def _attributes(self, current: Current, *, replaced: bool) -> AttributeChange:
        found = self._files.lstat(current.path) if replaced else current.found
        if found is None:
            return self.planner.plan_new(current.entry, parent=self._files.lstat(current.entry.parent))
        return self.planner.plan(current.entry, found)

    def _apply(self, plan: Plan) -> None:
        """Do what was decided, the content and its mode and owner at one instant."""
        change = plan.attributes
        if plan.changes_content:
            if plan.backup is not None:
                _keep(self._files, plan.current.path, plan.backup, plan.current.content or b"")
            change = self._write(plan)
        if change is not None and change.changed:
            from ._attributes import apply_attributes

            apply_attributes(self._files, change)

    def _write(self, plan: Plan) -> AttributeChange | None:
        """Write the content, and return what remains to be done to the attributes of the entry."""
        change, content = plan.attributes, plan.content or b""
        if plan.current.content is None:
            self._files.make_dir(plan.current.entry.parent, mode=0o755)
        like = plan.current.path if plan.current.content is not None else None
        if change is None or plan.written != plan.current.entry:  # behind a link, whose attributes are another matter
            self._files.write(plan.written, content, like=like, follow=False)
            return change
        after = change.after
        self._files.write(plan.written, content, mode=after.mode, uid=after.uid, gid=after.gid, like=like, follow=False)
        if after.context is None and after.flags is None:
            return None
        # A new inode has the flags that its directory gives it, and the context of the old file or of the policy.
        return self.planner.plan(plan.written, mode=after.mode)


def _keep(files: GuestFiles, path: GuestPath, backup: GuestPath, content: bytes) -> None:
    """Copy the file with all its attributes and its times."""
    found = files.lstat(path)
    files.write(backup, content, like=path)
    if found is not None:
        struct = found.struct
        files.set_times(
            backup,
            atime=struct["st_atime_sec"] * 10**9 + struct["st_atime_nsec"],
            mtime=struct["st_mtime_sec"] * 10**9 + struct["st_mtime_nsec"],
        )
