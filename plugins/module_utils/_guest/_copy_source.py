# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""What is copied: a file, or all that is in a directory, of the host or of the guest itself.

The action plugin of the module copy walks directories of the controller with this, too.
"""

from __future__ import annotations

import dataclasses
import os
import posixpath
import stat as _stat
import typing as t

from .._errors import OfflineGuestError, OptionError, printable

if t.TYPE_CHECKING:
    from ._files import GuestFiles

#: Entries of a directory that are copied; a task that meets more is refused rather than run out of memory.
MAX_ENTRIES = 100_000
Identity = tuple[int, int]
_HOST_KINDS = {_stat.S_IFREG: "file", _stat.S_IFDIR: "directory", _stat.S_IFLNK: "link"}


@dataclasses.dataclass(frozen=True)
class Found:
    """An entry of a source; ``kind`` is file, directory, link or another word."""

    kind: str
    mode: int
    size: int
    identity: Identity


@dataclasses.dataclass(frozen=True)
class SourceEntry:
    """One thing to be copied.

    :param name: its path below the directory that is copied.
    :param origin: where its content is, every link followed.
    :param target: what a link holds.
    """

    name: str
    kind: t.Literal["file", "directory", "link"]
    origin: str
    mode: int = 0o777
    size: int = 0
    target: str = ""


class Tree(t.Protocol):
    """Where entries are read from."""

    def find(self, path: str) -> Found | None:
        """Describe an entry itself; None where there is none."""

    def names(self, path: str) -> list[str]:
        """Return the names in a directory, sorted."""

    def target(self, path: str) -> str:
        """Return what a link holds."""

    def real(self, path: str) -> str:
        """Return where a path leads, every link followed."""


class HostTree:
    """Entries of the host."""

    def find(self, path: str) -> Found | None:
        """Describe an entry itself."""
        try:
            there = os.lstat(path)
        except (FileNotFoundError, NotADirectoryError):
            return None
        kind = _HOST_KINDS.get(_stat.S_IFMT(there.st_mode), "special file")
        return Found(kind, _stat.S_IMODE(there.st_mode), there.st_size, (there.st_dev, there.st_ino))

    def names(self, path: str) -> list[str]:
        """Return the names in a directory."""
        return sorted(os.listdir(path))

    def target(self, path: str) -> str:
        """Return what a link holds."""
        return os.readlink(path)

    def real(self, path: str) -> str:
        """Return where a path leads."""
        return os.path.realpath(path)


class GuestTree:
    """Entries of the guest; links are followed inside it."""

    def __init__(self, files: GuestFiles) -> None:
        self._files = files

    def find(self, path: str) -> Found | None:
        """Describe an entry itself."""
        there = self._files.lstat(path)
        if there is None:
            return None
        return Found(there.kind, there.mode, there.size, (there.struct["st_dev"], there.struct["st_ino"]))

    def names(self, path: str) -> list[str]:
        """Return the names in a directory."""
        return self._files.list_dir(path)

    def target(self, path: str) -> str:
        """Return what a link holds."""
        return self._files.link_target(path) or ""

    def real(self, path: str) -> str:
        """Return where a path leads."""
        return self._files.resolve(path)


def walk(tree: Tree, top: str, *, follow: bool) -> t.Iterator[SourceEntry]:
    """Yield all that is below the directory ``top``, a directory before what is in it.

    :param follow: whether a link is what it leads to. One that leads nowhere, or to a directory that it is in, stays a
        link all the same, as with ansible.builtin.copy.
    :raises OptionError: there is too much of it, or something that is no file, directory or link.
    """
    start = tree.find(tree.real(top))
    waiting: list[tuple[str, str, frozenset[Identity]]] = [(top, "", frozenset([start.identity] if start else []))]
    seen = 0
    while waiting:
        folder, prefix, above = waiting.pop()
        below = []
        for name in tree.names(folder):
            seen += 1
            if seen > MAX_ENTRIES:
                raise OptionError(f"'{printable(top)}' has more than {MAX_ENTRIES} entries.")
            entry, found = _entry(tree, posixpath.join(folder, name), posixpath.join(prefix, name), above, follow)
            yield entry
            if entry.kind == "directory":
                below.append((entry.origin, entry.name, above | {found.identity}))
        waiting += reversed(below)


def _entry(tree: Tree, path: str, name: str, above: frozenset[Identity], follow: bool) -> tuple[SourceEntry, Found]:
    found, origin = tree.find(path), path
    if found is not None and found.kind == "link" and follow:
        there = _followed(tree, path, above)
        if there is not None:
            found, origin = there, tree.real(path)
    if found is None:
        raise OptionError(f"'{printable(path)}' went away while it was copied.")
    if found.kind == "link":
        return SourceEntry(name, "link", path, target=tree.target(path)), found
    if found.kind == "directory":
        return SourceEntry(name, "directory", origin, found.mode), found
    if found.kind == "file":
        return SourceEntry(name, "file", origin, found.mode, found.size), found
    raise OptionError(f"'{printable(path)}' is a {found.kind}, which cannot be copied.")


def _followed(tree: Tree, path: str, above: frozenset[Identity]) -> Found | None:
    try:
        there = tree.find(tree.real(path))
    except (OSError, OfflineGuestError):  # a loop, for one
        return None
    if there is None or there.kind == "file":
        return there
    return there if there.kind == "directory" and there.identity not in above else None
