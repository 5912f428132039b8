# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""Files of a guest: bounded reads, atomic writes, links followed inside the guest only.

Every path is resolved here before libguestfs sees it, because some of its calls (``rm_rf`` among them) run a program on
the appliance's own view of the tree, where an absolute link of the guest would lead into the appliance.
"""

from __future__ import annotations

import dataclasses
import errno
import functools
import hashlib
import stat as _stat
import typing as t

from .._appliance._calls import Calls, Struct
from .._errors import CallError, GuestError, OptionError, printable
from ._paths import GuestPath, resolve, resolve_target

if t.TYPE_CHECKING:
    from ._selinux import Labeler

Kind = t.Literal["file", "directory", "link", "char", "block", "fifo", "socket", "other"]

XATTR = "security.selinux"
# Below libguestfs's message limit of 4 MB (guestfs(3), "PROTOCOL LIMITS") even after the socket's base64.
CHUNK = 2 * 1024 * 1024
_MAX_ENTRIES = 100_000
_STATS = 2000  # in one call: about 1 MB as JSON
_NOT_THERE = (errno.ENOENT, errno.ENOTDIR)
_NO_XATTRS = (errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS)
_KINDS: dict[int, Kind] = {
    _stat.S_IFREG: "file",
    _stat.S_IFDIR: "directory",
    _stat.S_IFLNK: "link",
    _stat.S_IFCHR: "char",
    _stat.S_IFBLK: "block",
    _stat.S_IFIFO: "fifo",
    _stat.S_IFSOCK: "socket",
}


@dataclasses.dataclass(frozen=True)
class FileStat:
    """What lstat(2) says of one entry.

    :param mode: permission bits, at most 0o7777.
    :param size: bytes.
    :param mtime: seconds since the epoch.
    :param struct: libguestfs's whole ``statns`` structure.
    """

    kind: Kind
    mode: int
    uid: int
    gid: int
    size: int
    mtime: int
    struct: Struct = dataclasses.field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def of(cls, struct: Struct) -> FileStat:
        """Read libguestfs's ``statns`` structure."""
        return cls(
            kind=_KINDS.get(_stat.S_IFMT(struct["st_mode"]), "other"),
            mode=_stat.S_IMODE(struct["st_mode"]),
            uid=struct["st_uid"],
            gid=struct["st_gid"],
            size=struct["st_size"],
            mtime=struct["st_mtime_sec"],
            struct=struct,
        )


@dataclasses.dataclass(frozen=True)
class HostFile:
    """A file of the host whose content goes into the guest without passing through this process's memory.

    :param size: bytes; the file must not change while it is used.
    """

    path: str
    size: int


@dataclasses.dataclass(frozen=True)
class GuestFile:
    """A regular file of the guest whose content is copied inside the appliance.

    :param path: resolved already.
    """

    path: GuestPath
    size: int


class GuestFiles:
    """The files of the guest whose root file system is mounted.

    Every method takes any absolute path. Unless a method says otherwise it follows symbolic links, the last component
    included, inside the guest. Names and targets of links may be any bytes: those that are not UTF-8 are surrogates in
    the text (surrogateescape, PEP 383), here and in what is returned. CallError is raised for what the appliance could
    not do (EIO, ENOSPC, EROFS …).
    """

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        # Directories that were seen, so that the way to a file is not asked for again with each of its calls (3 ms each
        # under emulation, 300 of them in one task). Only a removal makes a directory something else.
        self._directories: set[GuestPath] = set()
        # Where paths lead. Only a new link, or a link that goes, changes that.
        self._resolved: dict[str, GuestPath] = {}

    @functools.cached_property
    def labeler(self) -> Labeler:
        """SELinux labels by the guest's own policy, read at first use."""
        from ._selinux import Labeler  # much to import, and most tasks make nothing new

        return Labeler.read(self)

    # Reading

    def resolve(self, path: str) -> GuestPath:
        """Return where ``path`` leads, every link followed inside the guest; what does not exist is kept as it is.

        :raises GuestError: too many links, or a link that cannot be read.
        """
        if path not in self._resolved:
            target = resolve(GuestPath(path), self._link_target)
            self._resolved[path] = self._resolved[target] = target
        return self._resolved[path]

    def resolve_target(self, target: str, folder: str) -> GuestPath:
        """Return where a symbolic link in the directory ``folder`` that holds ``target`` leads, or would lead."""
        return resolve_target(target, self.resolve(folder), self._link_target)

    def lstat(self, path: str) -> FileStat | None:
        """Describe the entry itself (a link is not followed, the directories above it are); None when there is none."""
        return self._lstat(self._entry(path))

    def read(self, path: str, *, max_size: int) -> bytes:
        """Return the content of a regular file.

        :param max_size: refuse anything larger, in bytes.
        :raises GuestError: there is no such file, it is not a regular file, it is too large, or it ends early.
        """
        content = self.read_optional(path, max_size=max_size)
        if content is None:
            raise GuestError(f"There is no '{printable(path)}' in the guest.")
        return content

    def read_optional(self, path: str, *, max_size: int) -> bytes | None:
        """As :meth:`read`, but None when there is no such entry."""
        target = self.resolve(path)
        found = self._lstat(target)
        if found is None:
            return None
        _require_file(path, found)
        if found.size > max_size:
            raise GuestError(
                f"'{printable(path)}' in the guest has {found.size} bytes, more than the {max_size} allowed.",
                details={"size": found.size, "max_size": max_size},
            )
        return self._read_all(target, found.size)

    def head(self, path: str, limit: int) -> bytes:
        """Return the beginning of a regular file, at most ``limit`` bytes.

        :raises GuestError: there is no such file, it is not a regular file, or it ends early.
        """
        target, size = self._regular(path)
        return self._read_all(target, min(size, limit))

    def digest(self, path: str, algorithm: str) -> str:
        """Return the checksum of a regular file, in hexadecimal; a large one is read inside the appliance only.

        :param algorithm: ``md5``, ``sha1``, ``sha224``, ``sha256``, ``sha384`` or ``sha512``.
        :raises GuestError: there is no such file, or it is not a regular file.
        """
        target, size = self._regular(path)
        if size > CHUNK:
            return self._calls.checksum(algorithm, target, size=size)
        return hashlib.new(algorithm, self._read_all(target, size)).hexdigest()

    def download(self, path: str, destination: str) -> None:
        """Copy a regular file, of any size, to a file of the host, whose folder must be ours alone.

        :raises GuestError: there is no such file, or it is not a regular file.
        """
        target, size = self._regular(path)
        self._calls.download(target, destination, size=size)

    def read_part(self, path: str, offset: int, count: int) -> bytes:
        """Return at most ``count`` bytes, and at most 2 MiB, of a regular file; fewer where it ends.

        :raises GuestError: there is no such file, or it is not a regular file.
        """
        target, size = self._regular(path)
        count = min(count, CHUNK, size - offset)
        return self._calls.pread(target, count, offset) if count > 0 else b""

    def _regular(self, path: str) -> tuple[GuestPath, int]:
        target = self.resolve(path)
        found = self._lstat(target)
        if found is None:
            raise GuestError(f"There is no '{printable(path)}' in the guest.")
        _require_file(path, found)
        return target, found.size

    def size_of(self, path: str) -> int:
        """Return the size of a regular file.

        :raises GuestError: there is no such file, or it is not a regular file.
        """
        return self._regular(path)[1]

    def link_target(self, path: str) -> str | None:
        """Return what the symbolic link at ``path`` holds; None where there is no link, or nothing at all.

        :raises GuestError: it cannot be read.
        """
        try:
            return self._link_target(self._entry(path))
        except FileNotFoundError:
            return None

    def list_dir(self, path: str) -> list[str]:
        """Return the names in a directory, sorted by code point.

        :raises GuestError: no such directory, or more than 100,000 entries.
        """
        target = self.resolve(path)
        found = self._lstat(target)
        if found is None or found.kind != "directory":
            raise GuestError(f"'{printable(path)}' in the guest is {_what(found)}, not a directory.")
        try:
            entries = self._calls.readdir(target)
        except CallError as exc:
            raise _unreadable(f"The directory '{printable(path)}' of the guest cannot be listed", exc) from exc
        if len(entries) > _MAX_ENTRIES:
            raise GuestError(f"'{printable(path)}' in the guest has more than {_MAX_ENTRIES} entries.")
        return sorted(entry["name"] for entry in entries if entry["name"] not in (".", ".."))

    def list_stats(self, path: str) -> dict[str, FileStat | None]:
        """Return the entries of a directory, sorted by name, each as :meth:`lstat` describes it, in few calls.

        :raises GuestError: as for :meth:`list_dir`. An entry that its file system does not describe is None.
        """
        target = self.resolve(path)
        names = self.list_dir(target)
        structs: list[Struct] = []
        for start in range(0, len(names), _STATS):
            structs += self._calls.lstatnslist(target, names[start : start + _STATS])
        return {name: FileStat.of(struct) if struct["st_ino"] != -1 else None for name, struct in zip(names, structs)}

    # Writing

    def write(
        self,
        path: str,
        content: bytes | HostFile | GuestFile,
        *,
        mode: int | None = None,
        uid: int | None = None,
        gid: int | None = None,
        like: str | None = None,
        follow: bool = True,
    ) -> None:
        """Replace or create a regular file, at one instant.

        A replaced file keeps its mode, owner, group and extended attributes (SELinux label, ACL, capabilities) where
        no other are given. A new one gets mode 0644, root as owner, and its SELinux label by the guest's policy.

        :param like: take those attributes from this file instead.
        :param follow: False to have a new file in the place of a symbolic link.
        :raises GuestError: the parent is no directory, or something other than a regular file is at ``path``.
        """
        target = self.resolve(path) if follow else self._entry(path)
        old = self._lstat(target)
        if old is not None and old.kind == "link":
            self._forget()
            old = None
        if old is not None:
            _require_file(path, old)
        model = target if like is None else self.resolve(like)
        pattern = old if like is None else self._lstat(model)
        born = self._owner_of_new(target.parent)
        temporary = self._free_temporary(target)
        self._write_all(temporary, content)
        # chown drops set-uid bits and capabilities, chmod sets an ACL's mask: so in this order.
        kept = born if pattern is None else (pattern.uid, pattern.gid)
        if (wanted := (_first(uid, kept[0]), _first(gid, kept[1]))) != born:
            self._calls.lchown(*wanted, temporary)
        if pattern is None:
            self._label(temporary, target, "file")
        else:
            self._copy_xattrs(model, temporary)
        self._calls.chmod(_first(mode, pattern.mode if pattern else 0o644), temporary)
        self._calls.rename(temporary, target)

    def make_dir(self, path: str, *, mode: int, uid: int = 0, gid: int = 0) -> None:
        """Make a directory and those missing above it, all with the same mode and owner; keep what is there.

        :raises GuestError: something other than a directory is in the way.
        """
        target = self.resolve(path)
        missing = []
        while target != target.parent and (found := self._lstat(target)) is None:
            missing.append(target)
            target = target.parent
        if target != target.parent and found is not None and found.kind != "directory":
            raise GuestError(f"'{printable(target)}' in the guest is {_what(found)}, not a directory.")
        for directory in reversed(missing):
            self._calls.mkdir_mode(directory, mode)
            self._calls.lchown(uid, gid, directory)
            self._label(directory, directory, "directory")
            self._calls.chmod(mode, directory)

    def symlink(self, target: str, path: str) -> None:
        """Make ``path`` a symbolic link to ``target``, replacing a file or link at one instant.

        :raises GuestError: a directory is at ``path``.
        """
        entry = self._entry(path)
        found = self._lstat(entry)
        if found is not None and found.kind == "directory":
            raise GuestError(f"'{printable(path)}' in the guest is a directory, so no link can replace it.")
        if found is not None and found.kind == "link" and self._link_target(entry) == target:
            return
        temporary = self._free_temporary(entry)
        self._calls.ln_s(target, temporary)
        self._label(temporary, entry, "link")
        self._calls.rename(temporary, entry)
        self._forget()

    def hard_link(self, source: str, path: str) -> None:
        """Make ``path`` another name of the file ``source``, neither followed, replacing what is no directory.

        :raises GuestError: there is no ``source``, or a directory is at one of them.
        """
        entry, existing = self._entry(path), self._entry(source)
        for name, at in ((path, entry), (source, existing)):
            found = self._lstat(at)
            if found is not None and found.kind == "directory":
                raise GuestError(f"'{printable(name)}' in the guest is a directory, which can have no other name.")
        temporary = self._free_temporary(entry)
        self._calls.ln(existing, temporary)
        self._calls.rename(temporary, entry)
        self._forget()

    def set_times(self, path: str, *, atime: int, mtime: int) -> None:
        """Set the times of access and of change of a file or directory, in nanoseconds since the epoch.

        :raises GuestError: there is no such entry, or it is of another kind.
        """
        target = self.resolve(path)
        found = self._lstat(target)
        if found is None or found.kind not in ("file", "directory"):
            raise GuestError(f"'{printable(path)}' in the guest is {_what(found)}, so its times cannot be set.")
        self._calls.utimens(target, atime, mtime)

    def label_of(self, path: str) -> str | None:
        """Return the SELinux label of the entry itself (a link is not followed); None where it has none."""
        raw = self._xattrs(self._entry(path)).get(XATTR)
        return None if raw is None else raw.rstrip(b"\0").decode("utf-8", "surrogateescape")

    def set_label(self, path: str, label: str) -> None:
        """Set the SELinux label of the entry itself."""
        self._calls.lsetxattr(XATTR, label, self._entry(path))

    def flags_of(self, path: str) -> str | None:
        """Return the flags of a file as lsattr(1) letters; None where its file system has none of ext2's.

        :raises CallError: for another reason.
        """
        try:
            return self._calls.get_e2attrs(self.resolve(path))
        except CallError as exc:
            if exc.errno in _NO_XATTRS or "not supported" in str(exc) or "Inappropriate ioctl" in str(exc):
                return None
            raise

    def set_flags(self, path: str, letters: str, *, clear: bool = False) -> None:
        """Set, or clear, flags of a file by their lsattr(1) letters; other flags stay."""
        self._calls.set_e2attrs(self.resolve(path), letters, clear=clear)

    def remove(self, path: str) -> None:
        """Remove one entry that is no directory, a link itself rather than where it leads; nothing when there is none.

        :raises GuestError: it is a directory.
        """
        entry = self._entry(path)
        found = self._lstat(entry)
        if found is None:
            return
        if found.kind == "directory":
            raise GuestError(f"'{printable(path)}' in the guest is a directory, so it is not removed as a file.")
        self._calls.rm(entry)
        self._forget()

    def remove_tree(self, path: str) -> None:
        """Remove an entry and all below it; a link itself, never where it leads; nothing when there is none."""
        entry = self._entry(path)
        if entry == "/":
            raise OptionError("The guest's root directory cannot be removed.")
        if self._lstat(entry) is not None:
            self._calls.rm_rf(entry)
            self._forget()

    def set_attributes(
        self,
        path: str,
        mode: int | None = None,
        uid: int | None = None,
        gid: int | None = None,
        *,
        follow: bool = True,
    ) -> None:
        """Set what is given and differs; as everywhere, a new owner drops set-uid bits that ``mode`` does not set.

        :param follow: False for the entry itself; a link has no mode, so it keeps what it shows.
        :raises GuestError: there is no such entry.
        """
        target = self.resolve(path) if follow else self._entry(path)
        found = self._lstat(target)
        if found is None:
            raise GuestError(f"There is no '{printable(path)}' in the guest.")
        wanted = (_first(uid, found.uid), _first(gid, found.gid))
        if wanted != (found.uid, found.gid):
            self._calls.lchown(*wanted, target)
        if mode is None or found.kind == "link":
            return
        if mode != found.mode or wanted != (found.uid, found.gid):
            self._calls.chmod(mode, target)

    # Helpers; their paths are resolved already

    def _forget(self) -> None:
        """Ask anew which way paths lead: a link was made, or an entry removed."""
        self._directories.clear()
        self._resolved.clear()

    def _entry(self, path: str) -> GuestPath:
        """The directory part followed, the last component not."""
        whole = GuestPath(path)
        return self.resolve(whole.parent).joined(whole.name) if whole.name else whole

    def _link_target(self, path: GuestPath) -> str | None:
        # readlink runs a program in the appliance, at ten times the cost of lstatns, so only links are asked.
        if path in self._directories:
            return None
        found = self._lstat(path)
        if found is None:
            raise FileNotFoundError(path)
        if found.kind == "directory":
            self._directories.add(path)
        if found.kind != "link":
            return None
        try:
            return self._calls.readlink(path)
        except CallError as exc:
            raise _unreadable(f"The symbolic link '{printable(path)}' of the guest cannot be read", exc) from exc

    def _lstat(self, path: GuestPath) -> FileStat | None:
        try:
            return FileStat.of(self._calls.lstatns(path))
        except CallError as exc:
            if exc.errno in _NOT_THERE:
                return None
            raise

    def _read_all(self, path: GuestPath, size: int) -> bytes:
        parts: list[bytes] = []
        done = 0
        while done < size:
            part = self._calls.pread(path, min(CHUNK, size - done), done)
            if not part:
                raise GuestError(f"'{printable(path)}' in the guest ends after {done} of {size} bytes.")
            parts.append(part)
            done += len(part)
        return b"".join(parts)

    def _write_all(self, path: GuestPath, content: bytes | HostFile | GuestFile) -> None:
        if isinstance(content, GuestFile):
            self._calls.copy_file_to_file(content.path, path, size=content.size)
            return
        if isinstance(content, HostFile):
            if content.size > CHUNK:
                self._calls.upload(content.path, path, size=content.size)
                return
            with open(content.path, "rb") as stream:  # three times as fast as an upload
                content = stream.read(CHUNK + 1)
        self._calls.write(path, content[:CHUNK])
        done = min(CHUNK, len(content))
        while done < len(content):
            done += self._calls.pwrite(path, content[done : done + CHUNK], done)

    def _free_temporary(self, target: GuestPath) -> GuestPath:
        """Return a name beside ``target`` at which there is nothing.

        The name is derived, not random, so that the same work leaves the same directory blocks in the image. Whatever
        a former crash or the guest's maker left there is removed, never written through.
        """
        self._require_directory(target.parent)
        name = _temporary_name(target.name)
        temporary = target.parent.joined(name)
        # To ask for one that is missing is an error, and costs four times as much as to have it listed as missing.
        if self._calls.lstatnslist(target.parent, [name])[0]["st_ino"] != -1:
            self.remove(temporary)
        return temporary

    def _owner_of_new(self, directory: GuestPath) -> tuple[int, int]:
        """Return whose a file is that root makes in a directory, which may hand its group down (inode(7))."""
        found = self._require_directory(directory)
        return 0, found.gid if found.mode & _stat.S_ISGID else 0

    def _require_directory(self, path: GuestPath) -> FileStat:
        found = self._lstat(path)
        if found is None or found.kind != "directory":
            raise GuestError(
                f"'{printable(path)}' in the guest is {_what(found)}, not a directory.",
                hint="Make the directory first.",
            )
        return found

    def _xattrs(self, path: GuestPath) -> dict[str, bytes]:
        try:
            return self._calls.lgetxattrs(path)
        except CallError as exc:
            if exc.errno in _NO_XATTRS:
                return {}
            raise

    def _copy_xattrs(self, source: GuestPath, destination: GuestPath) -> None:
        wanted, found = self._xattrs(source), self._xattrs(destination)
        for name in sorted(found.keys() - wanted.keys()):  # from a default ACL of the directory, for example
            self._calls.lremovexattr(name, destination)
        if wanted != found:
            self._calls.copy_attributes(source, destination)

    def _label(self, path: GuestPath, final: GuestPath, kind: Kind) -> None:
        label = self.labeler.label_for(final, kind)
        if label is None:
            return
        try:
            self._calls.lsetxattr(XATTR, label, path)
        except CallError as exc:
            if exc.errno not in _NO_XATTRS:  # vfat has none, and needs none
                raise


def _first(wanted: int | None, otherwise: int) -> int:
    return otherwise if wanted is None else wanted


def _what(found: FileStat | None) -> str:
    names = {"file": "a regular file", "link": "a symbolic link", "char": "a device", "block": "a device"}
    return "missing" if found is None else names.get(found.kind, f"a {found.kind}")


def _require_file(path: str, found: FileStat) -> None:
    if found.kind != "file":
        raise GuestError(
            f"'{printable(path)}' in the guest is {_what(found)}, not a regular file.", details={"kind": found.kind}
        )


def _unreadable(message: str, exc: CallError) -> GuestError:
    return GuestError(f"{message}: {exc.message}", details=exc.details)


def _temporary_name(name: str) -> str:
    """``.NAME.offline-guest``, or a digest in place of a name that would exceed the 255 bytes of a file name."""
    raw = name.encode("utf-8", "surrogateescape")
    short = name if len(raw) <= 200 else hashlib.sha256(raw).hexdigest()[:32]
    return f".{short}.offline-guest"
