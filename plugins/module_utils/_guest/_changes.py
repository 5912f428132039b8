# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""Several files and links of a guest that are to become others: one plan, one way to apply it, one difference.

A module notes in a :class:`Draft` what is to be where, and reads through it what its own steps before have noted. The
guest is only read. What then differs is a tuple of :class:`Change`, which is all that ``changed``, the difference and
the work are made of.
"""

from __future__ import annotations

import dataclasses
import typing as t

from .._errors import GuestError, printable
from ._diff import content_diff
from ._paths import GuestPath
from ._task import Outcome, Task

if t.TYPE_CHECKING:
    from ._files import GuestFiles

MAX_FILE = 1024 * 1024
NEW_MODE = 0o644


@dataclasses.dataclass(frozen=True)
class Entry:
    """A file or a link.

    :param content: a file's content, a link's target; None for what is not looked at, because it is to be removed.
    :param mode: of a file; None where it does not matter.
    """

    kind: t.Literal["file", "link"]
    content: bytes | None
    mode: int | None = None


@dataclasses.dataclass(frozen=True)
class Change:
    """One path whose entry is to become another; None where there is nothing."""

    path: GuestPath
    before: Entry | None
    after: Entry | None


class Draft:
    """The files of a guest as they are to be."""

    def __init__(self, files: GuestFiles) -> None:
        self._files = files
        self._before: dict[GuestPath, Entry | None] = {}
        self._after: dict[GuestPath, Entry | None] = {}

    def read(self, path: str, *, max_size: int = MAX_FILE) -> bytes | None:
        """Return a file's content as it is to be, links followed; None when it is missing.

        :raises GuestError: it is no regular file, or has more than ``max_size`` bytes.
        """
        target = self._files.resolve(path)
        if target in self._after:
            planned = self._after[target]
            return planned.content if planned is not None else None
        return self._files.read_optional(target, max_size=max_size)

    def write(self, path: str, content: bytes, *, mode: int | None = None) -> None:
        """Have a file with this content where ``path`` leads; it keeps its mode unless one is given.

        :raises GuestError: something other than a regular file is there.
        """
        target = self._files.resolve(path)
        before = self._file(target)
        kept = before.mode if before is not None else NEW_MODE
        self._put(target, before, Entry("file", content, kept if mode is None else mode))

    def edit(self, path: str, change: t.Callable[[bytes], bytes], *, create: bool = False) -> None:
        """Have a file's content changed by a pure function; without ``create``, only where there is such a file."""
        content = self.read(path)
        if content is not None or create:
            self.write(path, change(content or b""))

    def replace(self, path: str, content: bytes) -> None:
        """Have a file at ``path`` itself: a link there is replaced, not followed."""
        place = self._place(path)
        if self._files.lstat(place) is None or self._files.link_target(place) is None:
            self.write(place, content)
        else:
            self._put(place, self._link(place), Entry("file", content, NEW_MODE))

    def link(self, path: str, target: str) -> None:
        """Have a symbolic link at ``path`` itself.

        :raises GuestError: something other than a regular file or a link is there.
        """
        place = self._place(path)
        before = self._link(place) or self._removable(place)
        self._put(place, before, Entry("link", target.encode("utf-8", "surrogateescape")))

    def remove(self, path: str) -> None:
        """Have nothing at ``path``: a link is removed, not followed. What was in a file is not read, nor shown.

        :raises GuestError: something other than a regular file or a link is there.
        """
        place = self._place(path)
        self._put(place, self._removable(place), None)

    def changes(self) -> tuple[Change, ...]:
        """Return what differs, in the order of the paths."""
        found = (Change(path, self._before[path], after) for path, after in sorted(self._after.items()))
        return tuple(change for change in found if change.before != change.after)

    def _put(self, path: GuestPath, before: Entry | None, after: Entry | None) -> None:
        self._before.setdefault(path, before)
        self._after[path] = after

    def _place(self, path: str) -> GuestPath:
        whole = GuestPath(path)
        return self._files.resolve(whole.parent).joined(whole.name)

    def _file(self, target: GuestPath) -> Entry | None:
        found = self._files.lstat(target)
        content = self._files.read_optional(target, max_size=MAX_FILE)
        return Entry("file", content, found.mode) if found is not None and content is not None else None

    def _link(self, place: GuestPath) -> Entry | None:
        target = self._files.link_target(place)
        return None if target is None else Entry("link", target.encode("utf-8", "surrogateescape"))

    def _removable(self, place: GuestPath) -> Entry | None:
        found = self._files.lstat(place)
        if found is None:
            return None
        if found.kind not in ("file", "link"):
            raise GuestError(
                f"'{printable(place)}' in the guest is neither a file nor a link, so it is not replaced or removed.",
                details={"kind": found.kind},
            )
        return Entry("file" if found.kind == "file" else "link", None)


def apply_changes(files: GuestFiles, changes: t.Iterable[Change]) -> None:
    """Make the guest as planned."""
    for change in changes:
        path, before, after = change.path, change.before, change.after
        if after is None:
            files.remove(path)
            continue
        if before is None:
            files.make_dir(path.parent, mode=0o755)
        content = after.content or b""
        if after.kind == "link":
            files.symlink(content.decode("utf-8", "surrogateescape"), path)
            continue
        if before is not None and before.kind == "link":
            files.remove(path)  # or the file would be written where the link leads
        files.write(path, content, mode=after.mode)


def changes_diff(changes: t.Iterable[Change]) -> list[dict[str, t.Any]]:
    """Return Ansible's difference structure: one entry a path."""
    return [_diff(change) for change in changes]


def outcome(task: Task, draft: Draft, result: t.Mapping[str, t.Any], message: str) -> Outcome:
    """Apply what the draft has, unless the task only checks, and return what became of it.

    :param message: for the session's list of changes, and ``msg`` of the result.
    """
    changes = draft.changes()
    if changes and not task.check:
        apply_changes(task.guest.files, changes)
    return Outcome(
        changed=bool(changes),
        result={**result, "files": [printable(change.path, limit=4096) for change in changes], "msg": message},
        diff=changes_diff(changes),
        summary=message if changes else "",
    )


def _diff(change: Change) -> dict[str, t.Any]:
    path, before, after = printable(change.path, limit=4096), change.before, change.after
    if before is not None and after is not None and before.content == after.content:
        return {"before_header": path, "after_header": path, "before": _mode(before), "after": _mode(after)}
    if all(entry is None or (entry.kind == "file" and entry.content is not None) for entry in (before, after)):
        return content_diff(path, _content(before), _content(after))
    return {"before_header": path, "after_header": path, "before": _shown(before), "after": _shown(after)}


def _content(entry: Entry | None) -> bytes:
    return (entry.content or b"") if entry is not None else b""


def _mode(entry: Entry) -> str:
    return f"(mode {entry.mode:04o})\n" if entry.mode is not None else f"(a {entry.kind})\n"


def _shown(entry: Entry | None) -> str:
    if entry is None:
        return ""
    where = f" to {printable(entry.content, limit=4096)}" if entry.kind == "link" and entry.content else ""
    return f"(a {entry.kind}{where})\n"
