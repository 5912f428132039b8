# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A guest's file system in memory, behind the ``Rpc`` protocol, for tests of pure logic.

It behaves as the appliance does (checked against libguestfs 1.48.6): errno of each failure, ``write`` and ``pread``
that follow links as the kernel does, a chown that drops set-uid bits, a umask of 022, ``pread`` that may be short. What
real libguestfs would hang on, such as reading a fifo, fails the test.
"""

from __future__ import annotations

import dataclasses
import errno
import hashlib
import os
import pathlib
import posixpath
import stat
import typing as t

from ansible_collections.offline.guest.plugins.module_utils._errors import CallError

MAX_MESSAGE = 4 * 1024 * 1024


@dataclasses.dataclass
class Node:
    """One inode. ``mode`` has the type bits; ``target`` is a link's; ``size`` overrides what lstat says."""

    mode: int
    content: bytes = b""
    target: str = ""
    uid: int = 0
    gid: int = 0
    mtime: int = 1_000_000
    atime: int = 1_000_000
    flags: frozenset[str] = frozenset()
    xattrs: dict[str, bytes] = dataclasses.field(default_factory=dict)
    size: int | None = None


class FakeRpc:
    """Paths → nodes; build the guest with the ``add_*`` methods, then look at ``nodes`` and ``log``."""

    def __init__(self, *, short_reads: int | None = None, has_xattrs: bool = True) -> None:
        self.nodes: dict[str, Node] = {"/": Node(stat.S_IFDIR | 0o755)}
        self.log: list[tuple[t.Any, ...]] = []
        self._short_reads = short_reads
        self._has_xattrs = has_xattrs

    # Building

    def add_dir(self, path: str, mode: int = 0o755, **fields: t.Any) -> Node:
        parent = posixpath.dirname(path)
        if parent not in self.nodes:
            self.add_dir(parent)
        return self._add(path, Node(stat.S_IFDIR | mode, **fields))

    def add_file(self, path: str, content: bytes = b"", mode: int = 0o644, **fields: t.Any) -> Node:
        return self._in_dir(path, Node(stat.S_IFREG | mode, content, **fields))

    def add_link(self, path: str, target: str, **fields: t.Any) -> Node:
        return self._in_dir(path, Node(stat.S_IFLNK | 0o777, target=target, **fields))

    def add_special(self, path: str, kind: int) -> Node:
        """``kind`` is S_IFIFO, S_IFCHR, S_IFBLK or S_IFSOCK."""
        return self._in_dir(path, Node(kind | 0o644))

    def _in_dir(self, path: str, node: Node) -> Node:
        if posixpath.dirname(path) not in self.nodes:
            self.add_dir(posixpath.dirname(path))
        return self._add(path, node)

    def _add(self, path: str, node: Node) -> Node:
        self.nodes[path] = node
        return node

    def snapshot(self) -> dict[str, tuple[t.Any, ...]]:
        """Everything a user could see, to compare before and after."""
        return {path: dataclasses.astuple(node) for path, node in self.nodes.items()}

    @property
    def writes(self) -> list[str]:
        """The names of the calls made so far that change the guest."""
        return [entry[0] for entry in self.log if entry[0] in _WRITES]

    # Rpc

    def call(self, name: str, *args: t.Any, extra_seconds: float = 0, **kwargs: t.Any) -> t.Any:
        self.log.append((name, *args))
        return getattr(self, f"_call_{name}")(*args, **kwargs)

    def _walk(self, path: str, call: str, *, follow: bool) -> str:
        """The real path of an entry, as the kernel finds it below a chroot; its parent exists."""
        done, rest, links = "/", [part for part in path.split("/") if part], 0
        while rest:
            part = rest.pop(0)
            if part == "..":
                done = posixpath.dirname(done)
                continue
            if part == ".":
                continue
            self._directory(done, call)
            here = posixpath.join(done, part)
            node = self.nodes.get(here)
            if node is not None and stat.S_ISLNK(node.mode) and (rest or follow):
                links += 1
                if links > 40:
                    raise CallError(call, path, errno.ELOOP)
                done = "/" if node.target.startswith("/") else done
                rest[:0] = [piece for piece in node.target.split("/") if piece]
                continue
            done = here
        return done

    def _directory(self, path: str, call: str) -> None:
        if path not in self.nodes:
            raise CallError(call, path, errno.ENOENT)
        if not stat.S_ISDIR(self.nodes[path].mode):
            raise CallError(call, path, errno.ENOTDIR)

    def _node(self, path: str, call: str, *, follow: bool = False) -> Node:
        real = self._walk(path, call, follow=follow)
        if real not in self.nodes:
            raise CallError(call, f"{path}: No such file or directory", errno.ENOENT)
        return self.nodes[real]

    def _opened(self, path: str, call: str) -> Node:
        node = self._node(path, call, follow=True)
        assert stat.S_IFMT(node.mode) in (stat.S_IFREG, stat.S_IFDIR), f"{call} of a special file would hang: {path}"
        if stat.S_ISDIR(node.mode):
            raise CallError(call, path, errno.EISDIR)
        return node

    def _call_lstatns(self, path: str) -> dict[str, int]:
        node = self._node(path, "lstatns")
        size = len(node.content or os.fsencode(node.target)) if node.size is None else node.size
        return {
            "st_mode": node.mode,
            "st_uid": node.uid,
            "st_gid": node.gid,
            "st_size": size,
            "st_mtime_sec": node.mtime,
            "st_mtime_nsec": 0,
            "st_atime_sec": node.atime,
            "st_atime_nsec": 0,
            "st_ctime_sec": node.mtime,
            "st_ctime_nsec": 0,
            "st_ino": min(index for index, path in enumerate(sorted(self.nodes)) if self.nodes[path] is node) + 2,
            "st_dev": 2048,
            "st_rdev": 0,
            "st_nlink": sum(other is node for other in self.nodes.values()),
            "st_blksize": 4096,
            "st_blocks": -(-size // 512),
        }

    def _call_exists(self, path: str) -> int:
        try:
            self._node(path, "exists", follow=True)
        except CallError:
            return 0
        return 1

    def _call_readlink(self, path: str) -> str:
        node = self._node(path, "readlink")
        if not stat.S_ISLNK(node.mode):
            raise CallError("readlink", path, errno.EINVAL)
        return node.target

    def _call_pread(self, path: str, count: int, offset: int) -> bytes:
        assert count < MAX_MESSAGE
        node = self._opened(path, "pread")
        part = node.content[offset : offset + count]
        return part if self._short_reads is None else part[: self._short_reads]

    def _call_readdir(self, path: str) -> list[dict[str, t.Any]]:
        real = self._walk(path, "readdir", follow=True)
        self._directory(real, "readdir")
        names = [posixpath.basename(other) for other in self.nodes if posixpath.dirname(other) == real and other != "/"]
        return [{"ino": 0, "ftyp": self._ftyp(real, name), "name": name} for name in [*names, ".", ".."]]

    def _ftyp(self, folder: str, name: str) -> str:
        kinds = {stat.S_IFREG: "r", stat.S_IFDIR: "d", stat.S_IFLNK: "l", stat.S_IFIFO: "f", stat.S_IFSOCK: "s"}
        return (
            "d" if name in (".", "..") else kinds.get(stat.S_IFMT(self.nodes[posixpath.join(folder, name)].mode), "u")
        )

    def _call_lgetxattrs(self, path: str) -> list[dict[str, t.Any]]:
        node = self._node(path, "lgetxattrs")
        if not self._has_xattrs:
            raise CallError("lgetxattrs", path, errno.ENOTSUP)
        return [{"attrname": name, "attrval": value} for name, value in node.xattrs.items()]

    def _call_write(self, path: str, content: bytes) -> None:
        assert len(content) < MAX_MESSAGE
        real = self._walk(path, "write", follow=True)
        if real not in self.nodes:
            self._new(real, Node(stat.S_IFREG | 0o644), "write")
        self._opened(real, "write").content = content

    def _call_pwrite(self, path: str, content: bytes, offset: int) -> int:
        assert len(content) < MAX_MESSAGE
        node = self._opened(path, "pwrite")
        done = content if self._short_reads is None else content[: self._short_reads]
        node.content = node.content[:offset].ljust(offset, b"\0") + done + node.content[offset + len(done) :]
        return len(done)

    def _new(self, path: str, node: Node, call: str) -> None:
        parent = posixpath.dirname(path)
        self._directory(parent, call)
        if path in self.nodes:
            raise CallError(call, path, errno.EEXIST)
        inherited = self.nodes[parent].xattrs.get("system.posix_acl_default")
        if inherited is not None and not stat.S_ISLNK(node.mode):
            node.xattrs["system.posix_acl_access"] = inherited
        is_new = not any(node is other for other in self.nodes.values())
        if is_new and self.nodes[parent].mode & stat.S_ISGID:
            node.gid = self.nodes[parent].gid
            node.mode |= stat.S_ISGID if stat.S_ISDIR(node.mode) else 0
        self.nodes[path] = node

    def _call_mkdir_mode(self, path: str, mode: int) -> None:
        real = self._walk(path, "mkdir_mode", follow=False)
        self._new(real, Node(stat.S_IFDIR | (mode & ~0o022 & 0o1777)), "mkdir_mode")

    def _call_ln_s(self, target: str, linkname: str) -> None:
        self._new(self._walk(linkname, "ln_s", follow=False), Node(stat.S_IFLNK | 0o777, target=target), "ln_s")

    def _call_lstatnslist(self, path: str, names: list[str]) -> list[dict[str, int]]:
        return [self._listed(posixpath.join(path, name)) for name in names]

    def _listed(self, path: str) -> dict[str, int]:
        try:
            return self._call_lstatns(path)
        except CallError:
            return {"st_ino": -1, "st_mode": 0}

    def _call_checksum(self, csumtype: str, path: str) -> str:
        return hashlib.new(csumtype, self._opened(path, "checksum").content).hexdigest()

    def _call_download(self, remotefilename: str, filename: str) -> None:
        pathlib.Path(filename).write_bytes(self._opened(remotefilename, "download").content)

    def _call_upload(self, filename: str, remotefilename: str) -> None:
        content = pathlib.Path(filename).read_bytes()
        self._call_write(remotefilename, b"")
        self._opened(remotefilename, "upload").content = content

    def _call_copy_file_to_file(self, src: str, dest: str) -> None:
        content = self._opened(src, "copy_file_to_file").content
        self._call_write(dest, b"")
        self._opened(dest, "copy_file_to_file").content = content

    def _call_ln(self, target: str, linkname: str) -> None:
        node = self._node(target, "ln")
        self._new(self._walk(linkname, "ln", follow=False), node, "ln")

    def _call_utimens(self, path: str, asec: int, ansec: int, msec: int, mnsec: int) -> None:
        node = self._opened_or_directory(path)
        node.atime, node.mtime = asec, msec
        assert 0 <= ansec < 10**9 and 0 <= mnsec < 10**9

    def _opened_or_directory(self, path: str) -> Node:
        node = self._node(path, "utimens", follow=True)
        assert stat.S_IFMT(node.mode) in (stat.S_IFREG, stat.S_IFDIR), f"utimens of a special file hangs: {path}"
        return node

    def _call_get_e2attrs(self, file: str) -> str:
        return "".join(sorted(self._node(file, "get_e2attrs", follow=True).flags))

    def _call_get_e2generation(self, file: str) -> int:
        self._node(file, "get_e2generation", follow=True)
        return 381_700_746

    def _call_set_e2attrs(self, file: str, attrs: str, *, clear: bool) -> None:
        node = self._node(file, "set_e2attrs", follow=True)
        node.flags = node.flags - set(attrs) if clear else node.flags | set(attrs)

    def _call_chmod(self, mode: int, path: str) -> None:
        node = self._node(path, "chmod", follow=True)
        node.mode = stat.S_IFMT(node.mode) | mode

    def _call_lchown(self, owner: int, group: int, path: str) -> None:
        node = self._node(path, "lchown")
        assert -(2**31) <= owner < 2**31 and -(2**31) <= group < 2**31, "the protocol's integers are signed"
        node.uid, node.gid = owner % 2**32, group % 2**32
        if stat.S_ISREG(node.mode):
            node.mode &= ~0o6000
        node.xattrs.pop("security.capability", None)

    def _call_lsetxattr(self, name: str, value: str, length: int, path: str) -> None:
        node = self._node(path, "lsetxattr")
        if not self._has_xattrs:
            raise CallError("lsetxattr", path, errno.ENOTSUP)
        raw = value.encode() + b"\0"
        assert "\0" not in value and length <= len(raw), "libguestfs would store memory of its daemon"
        node.xattrs[name] = raw[:length]

    def _call_lremovexattr(self, name: str, path: str) -> None:
        node = self._node(path, "lremovexattr")
        if name not in node.xattrs:
            raise CallError("lremovexattr", path, errno.ENODATA)
        del node.xattrs[name]

    def _call_copy_attributes(self, source: str, destination: str, *, xattributes: bool) -> None:
        assert xattributes
        self._node(destination, "copy_attributes", follow=True).xattrs.update(
            self._node(source, "copy_attributes", follow=True).xattrs
        )

    def _call_rename(self, old: str, new: str) -> None:
        node = self._node(old, "rename")
        real_old, real_new = self._walk(old, "rename", follow=False), self._walk(new, "rename", follow=False)
        self._directory(posixpath.dirname(real_new), "rename")
        there = self.nodes.get(real_new)
        if there is not None and stat.S_ISDIR(there.mode) and not stat.S_ISDIR(node.mode):
            raise CallError("rename", new, errno.EISDIR)
        moved = {path: self.nodes.pop(path) for path in list(self.nodes) if (path + "/").startswith(real_old + "/")}
        for path, item in moved.items():
            self.nodes[real_new + path[len(real_old) :]] = item

    def _call_rm(self, path: str) -> None:
        node = self._node(path, "rm")
        if stat.S_ISDIR(node.mode):
            raise CallError("rm", path, errno.EISDIR)
        del self.nodes[self._walk(path, "rm", follow=False)]

    def _call_rmdir(self, path: str) -> None:
        real = self._walk(path, "rmdir", follow=False)
        self._directory(real, "rmdir")
        if any(posixpath.dirname(other) == real for other in self.nodes):
            raise CallError("rmdir", path, errno.ENOTEMPTY)
        del self.nodes[real]

    def _call_rm_rf(self, path: str) -> None:
        for real in [other for other in self.nodes if (other + "/").startswith(path.rstrip("/") + "/")]:
            del self.nodes[real]


_WRITES = {
    *("write", "pwrite", "rename", "rm", "rmdir", "rm_rf", "mkdir_mode", "ln_s"),
    *(
        "chmod",
        "lchown",
        "lsetxattr",
        "lremovexattr",
        "copy_attributes",
        "copy_file_to_file",
        "upload",
        "ln",
        "utimens",
        "set_e2attrs",
    ),
}
