# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""What one task changes in a guest, planned as a list: files, links and directories that are to be, or not to be.

A plan knows what is there and what is to be, so it is the one source of ``changed`` and of the difference, and a check
does all but :func:`apply_changes`.
"""

from __future__ import annotations

import dataclasses
import hashlib
import typing as t

from ._backup import backup_path
from ._diff import content_diff
from ._files import GuestFiles
from ._paths import GuestPath

NEW_MODE = 0o644
HIDDEN = "(content that is not shown)\n"
Diff = dict[str, t.Any]


@dataclasses.dataclass(frozen=True)
class FileState:
    """A regular file."""

    content: bytes = dataclasses.field(repr=False)
    mode: int = NEW_MODE
    uid: int = 0
    gid: int = 0

    @classmethod
    def read(cls, files: GuestFiles, path: str, *, max_size: int) -> FileState | None:
        """Read the file at ``path``, every link followed; None where there is none.

        :raises GuestError: it is larger than ``max_size``, or no regular file.
        """
        target = files.resolve(path)
        content = files.read_optional(target, max_size=max_size)
        found = files.lstat(target)
        if content is None or found is None:
            return None
        return cls(content, found.mode, found.uid, found.gid)

    def shown(self) -> dict[str, t.Any]:
        """Mode and owner as differences have them."""
        return {"mode": f"{self.mode:04o}", "owner": self.uid, "group": self.gid}


@dataclasses.dataclass(frozen=True)
class FileChange:
    """A file as it is and as it is to be; None where there is none.

    :param path: as it is shown; links are followed.
    :param backup: where the file is kept as it was.
    :param is_secret: the content is shown in no difference.
    """

    path: GuestPath
    before: FileState | None
    after: FileState | None
    backup: GuestPath | None = None
    is_secret: bool = False

    @classmethod
    def to(
        cls,
        path: str,
        before: FileState | None,
        content: bytes | None,
        *,
        mode: int | None = None,
        uid: int | None = None,
        gid: int | None = None,
        is_secret: bool = False,
    ) -> FileChange:
        """Plan that the file has this content; what is not given of its mode and owner stays, or is that of a new file.

        :param content: None to have no file.
        """
        after = None
        if content is not None:
            given = {"mode": mode, "uid": uid, "gid": gid}
            after = dataclasses.replace(
                before or FileState(b""), content=content, **{k: v for k, v in given.items() if v is not None}
            )
        return cls(GuestPath(path), before, after, is_secret=is_secret)

    def with_backup(self, path: GuestPath) -> FileChange:
        """Have the file kept as it was, in a file named after ``path``, if its content changes or goes."""
        if self.before is None or (self.after is not None and self.after.content == self.before.content):
            return self
        return dataclasses.replace(self, backup=backup_path(path, hashlib.sha256(self.before.content).hexdigest()))

    @property
    def changed(self) -> bool:
        """Whether anything changes."""
        return self.before != self.after

    def diffs(self) -> t.Iterator[Diff]:
        """Yield what differs as Ansible shows it."""
        before, after = self.before, self.after
        old, new = b"" if before is None else before.content, b"" if after is None else after.content
        if old != new or before is None or after is None:
            yield self._hidden_diff() if self.is_secret else content_diff(self.path, old, new)
        if before is not None and after is not None and before.shown() != after.shown():
            yield _attributes_diff(self.path, before.shown(), after.shown())

    def _hidden_diff(self) -> Diff:
        """Say that the content differs, and no more of it."""
        return {
            "before_header": f"{self.path} (content)",
            "after_header": f"{self.path} (content)",
            "before": "" if self.before is None else HIDDEN,
            "after": "" if self.after is None else HIDDEN.replace("content", "other content", 1),
        }

    def apply(self, files: GuestFiles) -> None:
        """Do it, content and attributes at one instant."""
        if self.backup is not None and self.before is not None:
            files.make_dir(self.backup.parent, mode=0o755)
            files.write(self.backup, self.before.content, like=self.path)
        if self.after is None:
            files.remove(self.path)
        elif self.before is not None and self.before.content == self.after.content:
            files.set_attributes(self.path, self.after.mode, self.after.uid, self.after.gid)
        else:
            files.make_dir(files.resolve(self.path).parent, mode=0o755)
            after = self.after
            files.write(self.path, after.content, mode=after.mode, uid=after.uid, gid=after.gid)


def _attributes_diff(path: str, before: dict[str, t.Any], after: dict[str, t.Any]) -> Diff:
    differing = [key for key in after if before[key] != after[key]]
    return {
        "before_header": f"{path} (file attributes)",
        "after_header": f"{path} (file attributes)",
        "before": {key: before[key] for key in differing},
        "after": {key: after[key] for key in differing},
    }


@dataclasses.dataclass(frozen=True)
class NewDirectory:
    """A directory that is to be made."""

    path: GuestPath
    mode: int = 0o755
    changed: t.ClassVar[bool] = True

    def diffs(self) -> t.Iterator[Diff]:
        """Yield what differs as Ansible shows it."""
        yield _state_diff(self.path, "absent", "directory")

    def apply(self, files: GuestFiles) -> None:
        """Make it, and those missing above it."""
        files.make_dir(self.path, mode=self.mode)


@dataclasses.dataclass(frozen=True)
class NewLink:
    """A symbolic link that is to be made where there is nothing."""

    path: GuestPath
    target: str
    changed: t.ClassVar[bool] = True

    def diffs(self) -> t.Iterator[Diff]:
        """Yield what differs as Ansible shows it."""
        diff = _state_diff(self.path, "absent", "link")
        diff["after"]["src"] = self.target
        yield diff

    def apply(self, files: GuestFiles) -> None:
        """Make it, and the directories above it."""
        files.make_dir(self.path.parent, mode=0o755)
        files.symlink(self.target, self.path)


@dataclasses.dataclass(frozen=True)
class Removal:
    """An entry that is to go, with all below it; a link itself, never where it leads.

    :param kind: what it is.
    """

    path: GuestPath
    kind: str
    changed: t.ClassVar[bool] = True

    def diffs(self) -> t.Iterator[Diff]:
        """Yield what differs as Ansible shows it."""
        yield _state_diff(self.path, self.kind, "absent")

    def apply(self, files: GuestFiles) -> None:
        """Remove it."""
        files.remove_tree(self.path)


Change = t.Union[FileChange, NewDirectory, NewLink, Removal]


def _state_diff(path: GuestPath, before: str, after: str) -> Diff:
    return {
        "before_header": str(path),
        "after_header": str(path),
        "before": {"path": str(path), "state": before},
        "after": {"path": str(path), "state": after},
    }


def removal(files: GuestFiles, path: str) -> list[Removal]:
    """Plan that an entry goes: nothing where there is none."""
    found = files.lstat(path)
    return [] if found is None else [Removal(GuestPath(path), found.kind)]


def any_change(changes: t.Iterable[Change]) -> bool:
    """Whether anything changes."""
    return any(change.changed for change in changes)


def changed_paths(changes: t.Iterable[Change]) -> list[str]:
    """The paths of what changes, in the order of the plan."""
    return [str(change.path) for change in changes if change.changed]


def changes_diff(changes: t.Iterable[Change]) -> list[Diff]:
    """Return the difference of the whole plan."""
    return [diff for change in changes if change.changed for diff in change.diffs()]


def apply_changes(files: GuestFiles, changes: t.Iterable[Change]) -> None:
    """Do what changes, in the order of the plan."""
    for change in changes:
        if change.changed:
            change.apply(files)
