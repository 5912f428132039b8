# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A file tree in memory: what a guest is made of before it becomes a file system.

A :class:`Tree` maps absolute paths (``bytes``, so that a name may be in no encoding) to :class:`Node`. It can be
written to a directory, or to a tar archive, and lists what an ordinary user cannot write (owners, device nodes).
"""

from __future__ import annotations

import dataclasses
import io
import os
import posixpath
import stat
import tarfile
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

MTIME = 1704164645  # 2024-01-02 03:04:05 UTC: every build gives the same time stamps
_TAR_TYPES = {"link": tarfile.SYMTYPE, "dir": tarfile.DIRTYPE, "char": tarfile.CHRTYPE, "block": tarfile.BLKTYPE}


@dataclass(frozen=True)
class Node:
    """One entry: ``kind`` is file, dir, link, char, block or fifo; ``size`` adds a hole at a file's end."""

    kind: str = "file"
    content: bytes = b""
    mode: int = 0o644
    uid: int = 0
    gid: int = 0
    device: tuple[int, int] = (0, 0)
    xattrs: tuple[tuple[str, bytes], ...] = ()
    size: int = 0

    @property
    def special(self) -> bool:
        """Whether only root may make this entry on a host, or no user should (a fifo blocks who opens it)."""
        return self.kind in ("char", "block", "fifo")


def text(content: str | bytes, mode: int = 0o644, uid: int = 0, gid: int = 0) -> Node:
    """Return a regular file."""
    data = content.encode() if isinstance(content, str) else content
    return Node(content=data, mode=mode, uid=uid, gid=gid)


def folder(mode: int = 0o755, uid: int = 0, gid: int = 0) -> Node:
    """Return a directory."""
    return Node(kind="dir", mode=mode, uid=uid, gid=gid)


def link(target: str | bytes) -> Node:
    """Return a symbolic link."""
    return Node(kind="link", content=target.encode() if isinstance(target, str) else target, mode=0o777)


def node(kind: str, major: int = 0, minor: int = 0, mode: int = 0o600) -> Node:
    """Return a fifo, or a character or block device."""
    return Node(kind=kind, device=(major, minor), mode=mode)


Entry = t.Union[Node, str, bytes]


@dataclass
class Tree:
    """Entries by absolute path. Parent directories come into being by themselves, mode 0755 of root."""

    entries: dict[bytes, Node] = field(default_factory=dict)

    def add(self, items: t.Mapping[t.Any, Entry]) -> Tree:
        """Add ``items`` (text stands for a file with it) and return the tree; a later entry replaces an earlier."""
        for path, entry in items.items():
            raw = path if isinstance(path, bytes) else path.encode()
            self._parents(raw)
            self.entries[raw] = entry if isinstance(entry, Node) else text(entry)
        return self

    def without(self, *paths: str) -> Tree:
        """Return a copy that lacks ``paths`` and what is below them."""
        gone = [path.encode() for path in paths]
        return Tree(
            {
                path: entry
                for path, entry in self.entries.items()
                if not any(path == root or path.startswith(root + b"/") for root in gone)
            }
        )

    def below(self, root: str) -> Tree:
        """Return a copy of what is below the directory ``root``, which becomes the root of the new tree."""
        prefix = root.encode().rstrip(b"/") + b"/"
        found = {path[len(prefix) - 1 :]: entry for path, entry in self.entries.items() if path.startswith(prefix)}
        return Tree(found)

    def labelled(self, label: t.Callable[[bytes, Node], str | None]) -> Tree:
        """Return a copy whose entries bear the SELinux label that ``label`` gives for the path."""
        marked = {}
        for path, entry in self.entries.items():
            context = label(path, entry)
            xattrs = entry.xattrs + ((("security.selinux", context.encode() + b"\0"),) if context else ())
            marked[path] = dataclasses.replace(entry, xattrs=xattrs)
        return Tree(marked)

    def _parents(self, path: bytes) -> None:
        parent = posixpath.dirname(path)
        if parent not in (b"/", b"") and parent not in self.entries:
            self._parents(parent)
            self.entries[parent] = folder()

    def sorted(self) -> list[tuple[bytes, Node]]:
        """Return the entries with what is in a directory right after it."""
        return sorted(self.entries.items(), key=lambda item: item[0].split(b"/"))

    def describe(self) -> t.Iterator[bytes]:
        """Yield all that makes the tree what it is, for a digest."""
        for path, entry in self.sorted():
            yield path
            yield repr(entry).encode()

    def write(self, root: Path) -> None:
        """Write the tree below the directory ``root`` as its present user can: no special entries, no owners."""
        for path, entry in self.sorted():
            if not entry.special:
                _write(os.fsencode(root) + path, entry)
        for path, entry in reversed(self.sorted()):
            if not entry.special:
                os.utime(os.fsencode(root) + path, (MTIME, MTIME), follow_symlinks=False)
        os.utime(root, (MTIME, MTIME))

    def tar(self) -> bytes:
        """Return the tree as an uncompressed tar archive, owners and device nodes and all."""
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as archive:
            for path, entry in self.sorted():
                archive.addfile(_tar_info(path, entry), io.BytesIO(entry.content.ljust(entry.size, b"\0")))
        return buffer.getvalue()


def _write(path: bytes, entry: Node) -> None:
    if entry.kind == "dir":
        os.mkdir(path)
    elif entry.kind == "link":
        os.symlink(entry.content, path)
        return
    else:
        with open(path, "wb") as stream:
            stream.write(entry.content)
            stream.truncate(max(entry.size, len(entry.content)))
    os.chmod(path, entry.mode)


def _tar_info(path: bytes, entry: Node) -> tarfile.TarInfo:
    info = tarfile.TarInfo("." + os.fsdecode(path))
    info.mode, info.uid, info.gid, info.mtime = entry.mode, entry.uid, entry.gid, MTIME
    info.type = _TAR_TYPES.get(entry.kind, tarfile.FIFOTYPE if entry.kind == "fifo" else tarfile.REGTYPE)
    info.devmajor, info.devminor = entry.device
    if entry.kind == "link":
        info.linkname = os.fsdecode(entry.content)
    elif entry.kind == "file":
        info.size = max(entry.size, len(entry.content))
    return info


def mode_bits(entry: Node) -> int:
    """Return the whole ``st_mode`` of an entry: type and permissions."""
    kinds = {
        "file": stat.S_IFREG,
        "dir": stat.S_IFDIR,
        "link": stat.S_IFLNK,
        "char": stat.S_IFCHR,
        "block": stat.S_IFBLK,
        "fifo": stat.S_IFIFO,
    }
    return kinds[entry.kind] | entry.mode
