# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""The module find_info: the entries below some directories that have certain properties.

What is selected, and in which order the criteria are asked, is as in ``ansible.builtin.find``. The entries of a
directory are asked for together, and each directory's in the order of their names, its files first.
"""

from __future__ import annotations

import contextlib
import dataclasses
import time
import typing as t

from .._errors import GuestError, OfflineGuestError, printable
from ._accounts import Accounts
from ._files import FileStat, GuestFiles
from ._find_options import Criteria, FindOptions
from ._grep import contains
from ._paths import GuestPath
from ._stat_facts import Names, path_facts, stat_facts
from ._task import Outcome, Task

_MAX_WARNINGS = 10  # skipped_paths has them all


@dataclasses.dataclass(frozen=True)
class Place:
    """A directory to be searched.

    :param path: as the result shows it.
    :param real: where that is, every link followed.
    :param depth: of its entries; 1 in a directory that the task names.
    :param above: the directories on the way to it, by device and inode: a link to one of them is a loop.
    """

    path: str
    real: GuestPath
    depth: int
    above: frozenset[tuple[int, int]]


def handle(task: Task) -> Outcome:
    """Run the task.

    :raises OptionError: the options are wrong. :raises GuestError: there is more to look at than ``max_entries``.
    """
    options = FindOptions.of(task.params, now=time.time())
    search = Search(task.guest.files, options, task.warn)
    for path in options.paths:
        search.below(path)
    return Outcome(
        False,
        {
            "files": search.found,
            "matched": len(search.found),
            "examined": search.examined,
            "skipped_paths": search.skipped,
            "msg": search.message(),
        },
    )


class Search:
    """A search and what it found so far."""

    def __init__(self, files: GuestFiles, options: FindOptions, warn: t.Callable[[str], None]) -> None:
        self._files = files
        self._options = options
        self._warn = warn
        self._names = Names(Accounts.read_names(files))
        self.found: list[dict[str, t.Any]] = []
        self.examined = 0
        self.skipped: dict[str, str] = {}

    def message(self) -> str:
        """Return what the result says of the search as a whole."""
        if self.skipped:
            return "Not all paths examined, check warnings for details"
        return "Limit of matches reached" if self._is_full() else "All paths examined"

    def below(self, path: GuestPath) -> None:
        """Search one directory that the task names, and those in it if the options say so."""
        start = self._start(path)
        places = [start] if start else []
        while places:
            deeper = self._in(places.pop())
            if self._is_full() or not self._options.recurse:
                return
            places += reversed(deeper)

    def _is_full(self) -> bool:
        return len(self.found) == self._options.limit

    def _start(self, path: GuestPath) -> Place | None:
        try:
            real = self._files.resolve(path)
            found = self._files.lstat(real)
        except GuestError as exc:
            self._skip(path, str(exc))
            return None
        if found is None or found.kind != "directory":
            self._skip(path, f"'{printable(path)}' is not a directory")
            return None
        return Place(path, real, 1, frozenset([_identity(found)]))

    def _skip(self, path: str, reason: str) -> None:
        if len(self.skipped) < _MAX_WARNINGS:
            self._warn(f"Skipped '{printable(path)}' path due to this access issue: {reason}")
        self.skipped[printable(path, limit=len(path))] = reason

    def _in(self, place: Place) -> list[Place]:
        """Look at the entries of a directory; returns the directories in it that are to be searched."""
        try:
            entries = self._files.list_stats(place.real)
        except GuestError as exc:
            self._skip(place.path, str(exc))
            return []
        self._count(len(entries))
        if self._options.depth and place.depth > self._options.depth:
            return []
        directories = {name for name, found in entries.items() if found is not None and found.kind == "directory"}
        for name in sorted(entries, key=lambda name: (name in directories, name)):
            self._look_at(place, name, entries[name])
            if self._is_full():
                return []
        return self._deeper(place, entries)

    def _count(self, entries: int) -> None:
        self.examined += entries
        if self.examined > self._options.max_entries:
            raise GuestError(
                f"There are more than {self._options.max_entries} entries below the paths.",
                hint="Name deeper paths, set depth or limit, or raise max_entries.",
            )

    def _look_at(self, place: Place, name: str, found: FileStat | None) -> None:
        if name.startswith(".") and not self._options.hidden:
            return
        path = f"{place.path.rstrip('/')}/{name}"
        if found is None:
            self._skip(path, "the guest's file system does not describe it")
            return
        with self._skipping(path):
            if self._is_wanted(place, name, found):
                self.found.append(self._described(place, name, path, found))

    @contextlib.contextmanager
    def _skipping(self, path: str) -> t.Iterator[None]:
        """An entry that cannot be read, or has too long a path, is no reason to give up the others."""
        try:
            yield
        except OfflineGuestError as exc:
            self._skip(path, str(exc))

    def _is_wanted(self, place: Place, name: str, found: FileStat) -> bool:
        criteria: Criteria = self._options.criteria
        if not criteria.select(name, found):
            return False
        if criteria.contains is None or criteria.file_type != "file":
            return True
        return contains(self._files, place.real.joined(name), found.size, criteria.contains)

    def _described(self, place: Place, name: str, path: str, found: FileStat) -> dict[str, t.Any]:
        facts = {**path_facts(path), **stat_facts(found), "pw_name": "", "gr_name": "", **self._names.of(found)}
        if found.kind == "file" and self._options.checksum:
            facts["checksum"] = self._files.digest(place.real.joined(name), self._options.checksum)
        return facts

    def _deeper(self, place: Place, entries: t.Mapping[str, FileStat | None]) -> list[Place]:
        found = []
        for name, entry in entries.items():
            if entry is not None and (entry.kind == "directory" or (entry.kind == "link" and self._options.follow)):
                path = f"{place.path.rstrip('/')}/{name}"
                with self._skipping(path):
                    found += self._place(place, name, path, entry)
        return found

    def _place(self, above: Place, name: str, path: str, entry: FileStat) -> list[Place]:
        real = above.real.joined(name)
        target: FileStat | None = entry
        if entry.kind == "link":
            real = self._files.resolve(real)
            target = self._files.lstat(real)
        if target is None or target.kind != "directory":
            return []
        identity = _identity(target)
        if identity in above.above:
            self._skip(path, "a symbolic link that leads round in a circle")
            return []
        return [Place(path, real, above.depth + 1, above.above | {identity})]


def _identity(found: FileStat) -> tuple[int, int]:
    return found.struct["st_dev"], found.struct["st_ino"]
