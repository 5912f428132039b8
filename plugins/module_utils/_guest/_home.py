# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""The home and the mail spool of a user: what is to be done to them, as steps that are decided first and taken later.

As useradd(8), usermod(8) and userdel(8) do it (src/ and libmisc/copydir.c, chowndir.c of shadow 4.13), with links
followed inside the guest only.
"""

from __future__ import annotations

import dataclasses
import errno
import posixpath
import typing as t

from .._appliance._calls import Calls
from .._errors import CallError, GuestError, OfflineGuestError, printable
from ._files import GuestFiles
from ._paths import GuestPath

_MAX_ENTRIES = 100_000
_MAX_COPIED = 64 * 1024 * 1024
_MAX_DEPTH = 100
# Homes of system accounts, which are everybody's: never moved and never removed, whatever "force" says.
_SYSTEM = frozenset(
    "/ /bin /boot /dev /etc /home /lib /lib32 /lib64 /libx32 /media /mnt /opt /proc /root /run /sbin /srv /sys /tmp "
    "/usr /usr/bin /usr/lib /usr/lib32 /usr/lib64 /usr/libexec /usr/libx32 /usr/local /usr/sbin /usr/share "
    "/var /var/cache /var/lib /var/log /var/mail /var/run /var/spool /var/tmp".split()
)


@dataclasses.dataclass(frozen=True)
class MakeDir:
    """A directory to make; those missing above it belong to root, with mode 0755."""

    path: str
    mode: int
    uid: int
    gid: int

    def take(self, files: GuestFiles, _calls: Calls) -> None:
        """Do it."""
        files.make_dir(posixpath.dirname(self.path), mode=0o755)
        files.make_dir(self.path, mode=self.mode, uid=self.uid, gid=self.gid)


@dataclasses.dataclass(frozen=True)
class MakeFile:
    """A file to make."""

    path: str
    content: bytes = dataclasses.field(repr=False)
    mode: int
    uid: int
    gid: int

    def take(self, files: GuestFiles, _calls: Calls) -> None:
        """Do it."""
        files.write(self.path, self.content, mode=self.mode, uid=self.uid, gid=self.gid)


@dataclasses.dataclass(frozen=True)
class MakeLink:
    """A symbolic link to make."""

    path: str
    target: str
    uid: int
    gid: int

    def take(self, files: GuestFiles, calls: Calls) -> None:
        """Do it."""
        files.symlink(self.target, self.path)
        calls.lchown(self.uid, self.gid, entry_of(files, self.path))


@dataclasses.dataclass(frozen=True)
class Own:
    """An entry, perhaps a link, that gets another owner or group."""

    path: str
    uid: int
    gid: int

    def take(self, files: GuestFiles, calls: Calls) -> None:
        """Do it."""
        calls.lchown(self.uid, self.gid, entry_of(files, self.path))


@dataclasses.dataclass(frozen=True)
class Move:
    """A directory that goes elsewhere on its file system."""

    old: str
    new: str

    def take(self, files: GuestFiles, calls: Calls) -> None:
        """Do it.

        :raises GuestError: the other place is on another file system.
        """
        files.make_dir(posixpath.dirname(self.new), mode=0o755)
        try:
            calls.rename(entry_of(files, self.old), entry_of(files, self.new))
        except CallError as exc:
            if exc.errno != errno.EXDEV:
                raise
            raise GuestError(
                f"The home '{printable(self.old)}' cannot be moved to '{printable(self.new)}', on another file system "
                "of the guest.",
                hint="Leave out move_home, and copy what is needed.",
            ) from exc


@dataclasses.dataclass(frozen=True)
class Remove:
    """A file, a link or a whole directory that goes."""

    path: str

    def take(self, files: GuestFiles, _calls: Calls) -> None:
        """Do it."""
        files.remove_tree(self.path)


Step = t.Union[MakeDir, MakeFile, MakeLink, Own, Move, Remove]


def entry_of(files: GuestFiles, path: str) -> GuestPath:
    """Return where an entry is, links above it followed but it itself not."""
    whole = GuestPath(path)
    return files.resolve(whole.parent).joined(whole.name)


def exists(files: GuestFiles, path: str) -> bool:
    """Whether there is anything at ``path``, links followed; not so where it is no path at all."""
    try:
        return files.lstat(files.resolve(path)) is not None
    except OfflineGuestError:
        return False


def made(files: GuestFiles, calls: Calls, home: str, skel: str | None, mode: int, uid: int, gid: int) -> list[Step]:
    """Return the steps that make a home of the skeleton; its mode is the home's own, not the skeleton's.

    :param skel: None for an empty home.
    :raises GuestError: something other than a directory is above it, or the skeleton is too large.
    """
    _require_directory_above(files, home)
    steps: list[Step] = [MakeDir(home, mode, uid, gid)]
    if skel is not None and exists(files, skel) and _is_directory(files, skel):
        steps += _Copy(files, calls, skel, home, uid, gid).steps()
    return steps


def _is_directory(files: GuestFiles, path: str) -> bool:
    found = files.lstat(files.resolve(path))
    return found is not None and found.kind == "directory"


def _require_directory_above(files: GuestFiles, path: str) -> None:
    above = GuestPath(path).parent
    while (found := files.lstat(files.resolve(above))) is None:
        above = above.parent
    if found.kind != "directory":
        raise GuestError(f"'{printable(above)}' in the guest is no directory, so '{printable(path)}' cannot be made.")


@dataclasses.dataclass
class _Copy:
    """A copy of a tree: regular files, directories and links; devices and the like stay behind."""

    files: GuestFiles
    calls: Calls
    source: str
    target: str
    uid: int
    gid: int
    _left: int = _MAX_COPIED

    def steps(self) -> list[Step]:
        """Return the steps; the order is that of the names, so that the same tree is made the same way."""
        steps: list[Step] = []
        for path in walk(self.files, self.source):
            name = posixpath.join(self.target, posixpath.relpath(path, self.source))
            step = self._step(path, name)
            if step is not None:
                steps.append(step)
        return steps

    def _step(self, path: str, name: str) -> Step | None:
        found = self.files.lstat(path)
        if found is None:
            return None
        if found.kind == "directory":
            return MakeDir(name, found.mode, self.uid, self.gid)
        if found.kind == "link":
            return MakeLink(name, self._target(path), self.uid, self.gid)
        if found.kind != "file":
            return None
        content = self.files.read(path, max_size=self._left)
        self._left -= len(content)
        return MakeFile(name, content, found.mode, self.uid, self.gid)

    def _target(self, path: str) -> str:
        """A link into the skeleton becomes one into the home."""
        try:
            target = self.calls.readlink(entry_of(self.files, path))
        except (CallError, UnicodeError) as exc:
            raise GuestError(f"The symbolic link '{printable(path)}' of the guest cannot be read.") from exc
        inside = target == self.source or target.startswith(f"{self.source}/")
        return self.target + target[len(self.source) :] if inside else target


def walk(files: GuestFiles, top: str) -> t.Iterator[str]:
    """Yield the path of every entry below a directory, a directory before what is in it; links are not followed.

    :raises GuestError: more than 100,000 entries, more than 100 levels, or a name that is not UTF-8.
    """
    entries = 0
    left = [(top, 0)]
    while left:
        directory, depth = left.pop()
        names = files.list_dir(directory)
        entries += len(names)
        if entries > _MAX_ENTRIES or depth > _MAX_DEPTH:
            raise GuestError(
                f"'{printable(top)}' in the guest has more than {_MAX_ENTRIES} entries or {_MAX_DEPTH} levels."
            )
        paths = [posixpath.join(directory, name) for name in names]
        yield from paths
        left += [(path, depth + 1) for path in reversed(paths) if _is_real_directory(files, path)]


def _is_real_directory(files: GuestFiles, path: str) -> bool:
    found = files.lstat(path)
    return found is not None and found.kind == "directory"


@dataclasses.dataclass(frozen=True)
class Owners:
    """Who owned what is to be owned by whom."""

    uid: int
    gid: int
    new_uid: int
    new_gid: int

    @property
    def differ(self) -> bool:
        """Whether anything changes hands."""
        return (self.uid, self.gid) != (self.new_uid, self.new_gid)

    def step(self, files: GuestFiles, path: str, name: str) -> Own | None:
        """Return the step that gives away an entry where it is the user's or of the user's group; ``name`` is later."""
        found = files.lstat(path)
        if found is None:
            return None
        uid = self.new_uid if found.uid == self.uid else found.uid
        gid = self.new_gid if found.gid == self.gid else found.gid
        return Own(name, uid, gid) if (uid, gid) != (found.uid, found.gid) else None


def owned(files: GuestFiles, home: str, owners: Owners, *, at: str | None = None) -> list[Step]:
    """Return the steps that give away what is the user's in a home.

    :param at: where the home will be when the steps are taken.
    """
    top = files.resolve(home)
    if not owners.differ or not _is_directory(files, top):
        return []
    place = at or home
    steps = [owners.step(files, top, place)]
    for path in walk(files, top):
        steps.append(owners.step(files, path, posixpath.join(place, posixpath.relpath(path, top))))
    return [step for step in steps if step is not None]


def moved(files: GuestFiles, old: str, new: str) -> list[Step]:
    """Return the step that moves a home; none where there is no old one.

    :raises GuestError: it is no directory of its own, or the new place is inside it.
    """
    found = files.lstat(files.resolve(old)) if exists(files, old) else None
    if found is None:
        return []
    if found.kind != "directory" or is_system(files, old):
        raise GuestError(f"The home '{printable(old)}' is no directory that belongs to one user, so it is not moved.")
    if f"{files.resolve(new)}/".startswith(f"{files.resolve(old)}/"):
        raise GuestError(f"The home '{printable(old)}' cannot be moved into itself.")
    _require_directory_above(files, new)
    return [Move(old, new)]


def is_system(files: GuestFiles, path: str) -> bool:
    """Whether a directory is one of the system's own."""
    return bool({GuestPath(path), files.resolve(path)} & _SYSTEM)


def removed(files: GuestFiles, path: str, uid: int, others: t.Iterable[str], *, force: bool) -> list[Step]:
    """Return the step that removes a home or a mail spool; none where there is none.

    :param others: the homes of other users, none of which may be inside.
    :param force: even where it is another user's, or has another user's home inside.
    :raises GuestError: it is to stay.
    """
    if not exists(files, path):
        return []
    target = files.resolve(path)
    found = files.lstat(target)
    if is_system(files, path):
        raise GuestError(
            f"'{printable(path)}' in the guest is one of the system's own directories, so it is not removed.",
            hint="Leave out remove.",
        )
    inside = [home for home in others if f"{home.rstrip('/')}/".startswith(f"{target}/")]
    if not force and (inside or found is None or found.uid != uid):
        why = f"the home '{printable(inside[0])}' of another user is in it" if inside else "it is not the user's own"
        raise GuestError(
            f"'{printable(path)}' in the guest is not removed: {why}.", hint="Leave out remove, or set force: true."
        )
    return [Remove(path)]
