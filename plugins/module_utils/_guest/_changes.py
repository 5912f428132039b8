# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""What one task changes in a guest, planned as a list: paths whose entry is to become another.

A plan knows what is there and what is to be, so it is the one source of ``changed`` and of the difference, and a check
does all but :func:`apply_changes`. Modules that change one file in one way plan it here; those whose steps see what the
steps before them did, with a ``Draft`` (files and links) or a ``Tree`` (whole directories), which end in such a list.
"""

from __future__ import annotations

import dataclasses
import hashlib
import typing as t

from .._errors import printable
from ._backup import backup_path
from ._diff import attributes_diff, content_diff
from ._files import GuestFiles
from ._paths import GuestPath
from ._task import Outcome, Task

NEW_MODE = 0o644
HIDDEN = "(content that is not shown)\n"
Diff = dict[str, t.Any]


@dataclasses.dataclass(frozen=True)
class File:
    """A regular file."""

    content: bytes = dataclasses.field(default=b"", repr=False)
    mode: int = NEW_MODE
    uid: int = 0
    gid: int = 0
    kind: t.ClassVar[str] = "file"

    @classmethod
    def read(cls, files: GuestFiles, path: str, *, max_size: int) -> File | None:
        """Read the file at ``path``, every link followed; None where there is none.

        :raises GuestError: it is larger than ``max_size``, or no regular file.
        """
        target = files.resolve(path)
        content = files.read_optional(target, max_size=max_size)
        found = files.lstat(target)
        return None if content is None or found is None else cls(content, found.mode, found.uid, found.gid)

    def attributes(self) -> dict[str, t.Any]:
        """Mode and owner as differences have them."""
        return {"mode": f"{self.mode:04o}", "owner": self.uid, "group": self.gid}


@dataclasses.dataclass(frozen=True)
class Link:
    """A symbolic link."""

    target: str
    kind: t.ClassVar[str] = "link"


@dataclasses.dataclass(frozen=True)
class Directory:
    """A directory, which is made with those missing above it."""

    mode: int = 0o755
    kind: t.ClassVar[str] = "directory"


@dataclasses.dataclass(frozen=True)
class Unseen:
    """Something that is only to go or to be replaced, so that nobody looks into it.

    :param kind: as of :class:`FileStat`.
    """

    kind: str


Entry = t.Union[File, Link, Directory, Unseen]


@dataclasses.dataclass(frozen=True)
class Change:
    """The entry at a path as it is and as it is to be; None where there is nothing.

    :param path: as it is shown; of a file that is to be written, links are followed.
    :param backup: where a file is kept as it was.
    :param is_secret: the content is shown in no difference.
    """

    path: GuestPath
    before: Entry | None
    after: Entry | None
    backup: GuestPath | None = None
    is_secret: bool = False

    @classmethod
    def of_file(
        cls,
        path: str,
        before: File | None,
        content: bytes | None,
        *,
        mode: int | None = None,
        uid: int | None = None,
        gid: int | None = None,
        is_secret: bool = False,
    ) -> Change:
        """Plan that a file has this content; what is not given of its mode and owner stays, or is that of a new file.

        :param content: None to have no file.
        """
        after = None
        if content is not None:
            given = {"mode": mode, "uid": uid, "gid": gid}
            after = dataclasses.replace(
                before or File(), content=content, **{k: v for k, v in given.items() if v is not None}
            )
        return cls(GuestPath(path), before, after, is_secret=is_secret)

    @classmethod
    def of_removal(cls, files: GuestFiles, path: str) -> list[Change]:
        """Plan that an entry goes, with all below it; a link itself, never where it leads. Nothing where none is."""
        found = files.lstat(path)
        return [] if found is None else [cls(GuestPath(path), Unseen(found.kind), None)]

    def with_backup(self, path: GuestPath) -> Change:
        """Have a file kept as it was, in a file named after ``path``, if its content changes or goes."""
        before, after = self.before, self.after
        if not isinstance(before, File) or (isinstance(after, File) and after.content == before.content):
            return self
        return dataclasses.replace(self, backup=backup_path(path, hashlib.sha256(before.content).hexdigest()))

    @property
    def changed(self) -> bool:
        """Whether anything changes."""
        return self.before != self.after

    @property
    def contents(self) -> tuple[bytes, bytes]:
        """What is in the file, and what is to be in it; nothing where there is none."""
        before, after = self.before, self.after
        return before.content if isinstance(before, File) else b"", after.content if isinstance(after, File) else b""

    def diffs(self) -> t.Iterator[Diff]:
        """Yield what differs as Ansible shows it: a file's content and attributes, of all else what it is."""
        path, before, after = printable(self.path, limit=4096), self.before, self.after
        if not all(entry is None or isinstance(entry, File) for entry in (before, after)):
            yield {
                "before_header": path,
                "after_header": path,
                "before": _state(path, before),
                "after": _state(path, after),
            }
            return
        old, new = self.contents
        if old != new or before is None or after is None:
            yield self._hidden_diff(path) if self.is_secret else content_diff(path, old, new)
        if isinstance(before, File) and isinstance(after, File):
            yield from _attributes_diff(path, before.attributes(), after.attributes())

    def _hidden_diff(self, path: str) -> Diff:
        """Say that the content differs, and no more of it."""
        return {
            "before_header": f"{path} (content)",
            "after_header": f"{path} (content)",
            "before": "" if self.before is None else HIDDEN,
            "after": "" if self.after is None else HIDDEN.replace("content", "other content", 1),
        }

    def apply(self, files: GuestFiles) -> None:
        """Do it: of a file, content and attributes at one instant."""
        if self.backup is not None and isinstance(self.before, File):
            files.make_dir(self.backup.parent, mode=0o755)
            files.write(self.backup, self.before.content, like=self.path)
        if self.after is None:
            self._remove(files)
        elif isinstance(self.after, Directory):
            files.make_dir(self.path, mode=self.after.mode)
        elif isinstance(self.after, Link):
            files.make_dir(self.path.parent, mode=0o755)
            files.symlink(self.after.target, self.path)
        elif isinstance(self.after, File):
            self._write(files, self.after)

    def _remove(self, files: GuestFiles) -> None:
        if self.before is not None and self.before.kind == "directory":
            files.remove_tree(self.path)
        else:
            files.remove(self.path)

    def _write(self, files: GuestFiles, after: File) -> None:
        if isinstance(self.before, File) and self.before.content == after.content:
            files.set_attributes(self.path, after.mode, after.uid, after.gid)
            return
        if self.before is None:
            files.make_dir(files.resolve(self.path).parent, mode=0o755)
        elif isinstance(self.before, Unseen):
            files.remove(self.path)
        follow = not isinstance(self.before, Link)  # which is to become the file, not to lead to it
        files.write(self.path, after.content, mode=after.mode, uid=after.uid, gid=after.gid, follow=follow)


def _state(path: str, entry: Entry | None) -> dict[str, t.Any]:
    state = {"path": path, "state": "absent" if entry is None else entry.kind}
    return {**state, "src": printable(entry.target, limit=4096)} if isinstance(entry, Link) else state


def _attributes_diff(path: str, before: dict[str, t.Any], after: dict[str, t.Any]) -> t.Iterator[Diff]:
    differing = [key for key in after if before[key] != after[key]]
    if differing:
        sides = {"before": before, "after": after}
        yield attributes_diff(path, {side: {key: found[key] for key in differing} for side, found in sides.items()})


def changed_paths(changes: t.Iterable[Change]) -> list[str]:
    """The paths of what changes, fit to be shown, in the order of the plan."""
    return [printable(change.path, limit=4096) for change in changes if change.changed]


def changes_diff(changes: t.Iterable[Change]) -> list[Diff]:
    """Return the difference of the whole plan."""
    return [diff for change in changes if change.changed for diff in change.diffs()]


def carry_out(task: Task, changes: t.Sequence[Change], result: dict[str, t.Any], summary: str) -> Outcome:
    """Do what changes, unless the task only checks, and return what became of it.

    :param summary: for the session's list of changes.
    """
    changed = any(change.changed for change in changes)
    if changed and not task.check:
        apply_changes(task.guest.files, changes)
    return Outcome(changed, result, changes_diff(changes), summary if changed else "")


def apply_changes(files: GuestFiles, changes: t.Iterable[Change]) -> None:
    """Do what changes, in the order of the plan."""
    for change in changes:
        if change.changed:
            change.apply(files)
