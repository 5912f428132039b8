# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""A guest's files with changes that are planned but not made.

What enables and disables services works in steps, each of which sees what the one before it did: a unit is unmasked,
then written, then enabled. Here the steps change a :class:`Tree`, which reads from the guest and never writes to it; at
the end, :meth:`Tree.changes` is the difference. So a plan needs no appliance but to read, and a check needs no other
code.
"""

from __future__ import annotations

import dataclasses
import posixpath
import typing as t

from .._errors import GuestError, printable
from ._changes import Change, Directory, File, Link, Unseen
from ._paths import GuestPath, resolve

if t.TYPE_CHECKING:
    from ._changes import Entry
    from ._files import FileStat

MAX_FILE = 1024 * 1024
_MAX_ENTRIES = 20_000
_MAX_DEPTH = 64


class Files(t.Protocol):
    """What is needed of :class:`GuestFiles` to read."""

    def lstat(self, path: str) -> FileStat | None:
        """Describe an entry."""

    def read(self, path: str, *, max_size: int) -> bytes:
        """Return a file's content."""

    def link_target(self, path: str) -> str | None:
        """Return the text of a symbolic link."""

    def list_dir(self, path: str) -> list[str]:
        """Return the names in a directory."""


class Tree:
    """The files of a guest as they will be."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._stats: dict[GuestPath, FileStat | None] = {}
        self._texts: dict[GuestPath, str | None] = {}
        self._listed: dict[GuestPath, list[str]] = {}
        self._planned: dict[GuestPath, Entry | None] = {}

    # Reading

    def resolve(self, path: str) -> GuestPath:
        """Return where a path leads, every link followed inside the guest."""
        return resolve(GuestPath(path), self._link)

    def place(self, path: str) -> GuestPath:
        """Return the path with every link followed but one at its end."""
        whole = GuestPath(path)
        return self.resolve(whole.parent).joined(whole.name) if whole.name else whole

    def kind(self, path: str) -> str | None:
        """Say what is at a path, a link not followed: a kind of :class:`FileStat`, or None."""
        return self._kind(self.place(path))

    def leads_to(self, path: str) -> str | None:
        """Say what is at a path, links followed; None for nothing."""
        return self._kind(self.resolve(path))

    def link(self, path: str) -> str | None:
        """Return the text of a link; None for anything else."""
        try:
            return self._link(self.place(path))
        except FileNotFoundError:
            return None

    def aim(self, path: str) -> GuestPath:
        """Return what the link at a path names, every link on the way followed but one at its end."""
        text = self.link(path) or ""
        folder, name = posixpath.split(text)
        here = GuestPath("/") if text.startswith("/") else self.place(path).parent
        for part in folder.split("/"):
            here = here.parent if part == ".." else self.resolve(here.joined(part))
        return here.parent if name == ".." else GuestPath(here.joined(name))

    def read(self, path: str) -> bytes:
        """Return the content of a file, links followed.

        :raises GuestError: it is no regular file, or has more than 1 MiB.
        """
        target = self.resolve(path)
        planned = self._planned.get(target)
        return planned.content if isinstance(planned, File) else self._files.read(target, max_size=MAX_FILE)

    def is_empty(self, path: str) -> bool:
        """Whether a path leads to an empty file or a device, which is how units are masked (systemd.unit(5))."""
        target = self.resolve(path)
        kind = self._kind(target)
        if kind in ("char", "block"):
            return True
        if kind != "file":
            return False
        planned = self._planned.get(target)
        found = self._stat(target)
        return not planned.content if isinstance(planned, File) else found is not None and found.size == 0

    def names(self, path: str) -> list[str]:
        """Return the names in a directory, links to it followed; none if there is no directory."""
        folder = self.resolve(path)
        if self._kind(folder) != "directory":
            return []
        found = {name for name in self._names(folder) if self._planned.get(folder.joined(name), True) is not None}
        return sorted(found | {path.name for path, entry in self._planned.items() if entry and path.parent == folder})

    def links_below(self, path: str) -> t.Iterator[GuestPath]:
        """Yield the links in a directory and in those below it, which no link leads to.

        :raises GuestError: there are more than 20,000 entries, or a path has more than 64 parts.
        """
        folders, count = [self.resolve(path)], 0
        while folders:
            folder = folders.pop()
            for name in self.names(folder):
                here = folder.joined(name)
                count += 1
                if count > _MAX_ENTRIES or here.count("/") > _MAX_DEPTH:
                    raise GuestError(f"'{printable(path)}' in the guest has too many entries, or too many levels.")
                kind = self._kind(here)
                if kind == "link":
                    yield here
                elif kind == "directory" and not is_hidden(name):
                    folders.append(here)

    # Planning

    def put_link(self, path: str, target: str) -> None:
        """Plan a link, in place of whatever is there but a directory."""
        self._put(path, Link(target))

    def put_file(self, path: str, content: bytes) -> None:
        """Plan a file, in place of whatever is there but a directory; a link is replaced, not followed.

        A file that is there keeps its mode and owner.
        """
        before = self._before(self.place(path))
        self._put(path, dataclasses.replace(before if isinstance(before, File) else File(), content=content))

    def remove(self, path: str, *, up_to: str = "") -> None:
        """Plan to remove one entry that is no directory, and the directories above it that are then empty.

        :param up_to: the directory at which that ends, which stays; if it is not given, no directory is removed.
        """
        place = self.place(path)
        if self._kind(place) is None:
            return
        self._planned[place] = None
        stop = self.resolve(up_to) if up_to else place.parent
        folder = place.parent
        while folder.startswith(f"{stop}/") and not self.names(folder):
            self._planned[folder] = None
            folder = folder.parent

    def changes(self) -> tuple[Change, ...]:
        """Return the difference: what is made, parents first; then what goes, children first."""
        found = [Change(path, self._before(path), after) for path, after in sorted(self._planned.items())]
        differing = [change for change in found if change.before != change.after]
        made = [change for change in differing if change.after is not None]
        return (*made, *(change for change in reversed(differing) if change.after is None))

    def _put(self, path: str, entry: Entry) -> None:
        place = self.place(path)
        if self._kind(place) == "directory":
            raise GuestError(f"'{printable(place)}' in the guest is a directory, so nothing is put in its place.")
        self._make_folder(GuestPath(path).parent)
        self._planned[place] = entry

    def _make_folder(self, folder: GuestPath) -> None:
        place = self.place(folder)
        kind = self._kind(place)
        if kind is None:
            self._make_folder(folder.parent)
            self._planned[place] = Directory()
        elif kind != "directory" and self.leads_to(folder) != "directory":
            what = "a link that does not lead to one" if kind == "link" else "something else"
            raise GuestError(f"'{printable(folder)}' in the guest is in the way: it is no directory, but {what}.")

    def _before(self, path: GuestPath) -> Entry | None:
        found = self._stat(path)
        if found is None:
            return None
        if found.kind == "link":
            return Link(self._text(path) or "")
        if found.kind == "file":
            return File(self._files.read(path, max_size=MAX_FILE), found.mode, found.uid, found.gid)
        return Unseen(found.kind)

    # What is in the guest; paths are resolved

    def _kind(self, place: GuestPath) -> str | None:
        if place in self._planned:
            planned = self._planned[place]
            return planned.kind if planned is not None else None
        found = self._stat(place)
        return found.kind if found is not None else None

    def _stat(self, place: GuestPath) -> FileStat | None:
        if place not in self._stats:
            # Most folders that systemd looks in do not exist, and each question costs a call.
            is_below_nothing = any(folder in self._stats and self._stats[folder] is None for folder in _above(place))
            self._stats[place] = None if is_below_nothing else self._files.lstat(place)
        return self._stats[place]

    def _link(self, path: GuestPath) -> str | None:
        kind = self._kind(path)
        if kind is None:
            raise FileNotFoundError(path)
        if kind != "link":
            return None
        planned = self._planned.get(path)
        return planned.target if isinstance(planned, Link) else self._text(path)

    def _text(self, place: GuestPath) -> str | None:
        if place not in self._texts:
            self._texts[place] = self._files.link_target(place)
        return self._texts[place]

    def _names(self, folder: GuestPath) -> list[str]:
        if folder not in self._listed:
            found = self._stat(folder)
            self._listed[folder] = self._files.list_dir(folder) if found and found.kind == "directory" else []
        return self._listed[folder]


def _above(path: GuestPath) -> t.Iterator[GuestPath]:
    while path != path.parent:
        path = path.parent
        yield path


_BACKUPS = (
    *(".rpmnew .rpmsave .rpmorig .dpkg-old .dpkg-new .dpkg-tmp .dpkg-dist .dpkg-bak .dpkg-backup".split()),
    *(".dpkg-remove .ucf-new .ucf-old .ucf-dist .swp .bak .old .new ~".split()),
)


def is_hidden(name: str) -> bool:
    """Whether systemd passes over an entry of this name (hidden_or_backup_file() in its src/basic/path-util.c)."""
    return name.startswith(".") or name.endswith(_BACKUPS) or name in ("lost+found", "aquota.user", "aquota.group")
