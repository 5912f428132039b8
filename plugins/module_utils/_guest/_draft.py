# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""Files and links of a guest as they are to be.

A module notes in a :class:`Draft` what is to be where, and reads through it what its own steps before have noted. The
guest is only read. What then differs is a list of :class:`Change`.
"""

from __future__ import annotations

import typing as t

from .._errors import GuestError, printable
from ._changes import Change, File, Link, Unseen, carry_out, changed_paths
from ._paths import GuestPath
from ._task import Outcome, Task

if t.TYPE_CHECKING:
    from ._changes import Entry
    from ._files import GuestFiles

MAX_FILE = 1024 * 1024


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
            return planned.content if isinstance(planned, File) else None
        return self._files.read_optional(target, max_size=max_size)

    def write(self, path: str, content: bytes, *, mode: int | None = None) -> None:
        """Have a file with this content where ``path`` leads; it keeps its mode unless one is given.

        :raises GuestError: something other than a regular file is there.
        """
        target = self._files.resolve(path)
        change = Change.of_file(target, File.read(self._files, target, max_size=MAX_FILE), content, mode=mode)
        self._put(target, change.before, change.after)

    def edit(self, path: str, change: t.Callable[[bytes], bytes], *, create: bool = False) -> None:
        """Have a file's content changed by a pure function; without ``create``, only where there is such a file."""
        content = self.read(path)
        if content is not None or create:
            self.write(path, change(content or b""))

    def replace(self, path: str, content: bytes) -> None:
        """Have a file at ``path`` itself: a link there is replaced, not followed."""
        place = self._place(path)
        link = self._link(place)
        if link is None:
            self.write(place, content)
        else:
            self._put(place, link, File(content))

    def link(self, path: str, target: str) -> None:
        """Have a symbolic link at ``path`` itself.

        :raises GuestError: something other than a regular file or a link is there.
        """
        place = self._place(path)
        self._put(place, self._link(place) or self._removable(place), Link(target))

    def remove(self, path: str) -> None:
        """Have nothing at ``path``: a link is removed, not followed. What was in a file is not read, nor shown.

        :raises GuestError: something other than a regular file or a link is there.
        """
        place = self._place(path)
        self._put(place, self._removable(place), None)

    def changes(self) -> list[Change]:
        """Return what differs, in the order of the paths."""
        found = (Change(path, self._before[path], after) for path, after in sorted(self._after.items()))
        return [change for change in found if change.changed]

    def _put(self, path: GuestPath, before: Entry | None, after: Entry | None) -> None:
        self._before.setdefault(path, before)
        self._after[path] = after

    def _place(self, path: str) -> GuestPath:
        whole = GuestPath(path)
        return self._files.resolve(whole.parent).joined(whole.name)

    def _link(self, place: GuestPath) -> Link | None:
        target = self._files.link_target(place)
        return None if target is None else Link(target)

    def _removable(self, place: GuestPath) -> Unseen | None:
        found = self._files.lstat(place)
        if found is None:
            return None
        if found.kind not in ("file", "link"):
            raise GuestError(
                f"'{printable(place)}' in the guest is neither a file nor a link, so it is not replaced or removed.",
                details={"kind": found.kind},
            )
        return Unseen(found.kind)


def outcome(task: Task, draft: Draft, result: t.Mapping[str, t.Any], message: str) -> Outcome:
    """Apply what the draft has, unless the task only checks, and return what became of it.

    :param message: for the session's list of changes, and ``msg`` of the result.
    """
    changes = draft.changes()
    return carry_out(task, changes, {**result, "files": changed_paths(changes), "msg": message}, message)
