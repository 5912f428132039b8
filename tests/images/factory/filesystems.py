# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""File systems made in ordinary files by the programs of their authors, without a mount and without root.

What such a program cannot say of a file (its owner, a device node) is said afterwards through ``debugfs``.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import typing as t
from pathlib import Path

from .model import MIB, Btrfs, Content, Data, Ext, Ntfs, Swap, Vfat, Xfs
from .tree import MTIME, Node, Tree

_ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LC_ALL": "C",
    "SOURCE_DATE_EPOCH": str(MTIME),
    "E2FSPROGS_FAKE_TIME": str(MTIME),
    "MTOOLS_SKIP_CHECK": "1",
    "TZ": "UTC",
}


def run(*command: str | bytes | Path, stdin: bytes = b"") -> bytes:
    """Run a host program and return what it wrote to standard output.

    :raises RuntimeError: it failed; the message holds the end of its output.
    """
    done = subprocess.run(command, input=stdin, capture_output=True, env=_ENVIRONMENT, check=False)
    if done.returncode:
        tail = (done.stdout + done.stderr).decode(errors="replace")[-2000:]
        raise RuntimeError(f"{os.fsdecode(command[0])} ended with {done.returncode}: {tail}")
    return done.stdout


def sparse(path: Path, size: int) -> None:
    """Make ``path`` a file of ``size`` bytes that is one hole."""
    with open(path, "wb") as stream:
        stream.truncate(size)


def make(content: Content, path: Path, size: int) -> None:
    """Make the file ``path`` of ``size`` bytes with a file system, or the empty frame of one that is filled later."""
    sparse(path, size)
    for kind, maker in _MAKERS.items():
        if isinstance(content, kind):
            maker(content, path)
            return
    raise RuntimeError(f"{type(content).__name__} is not made on the host.")


def _make_ext(content: Ext, path: Path) -> None:
    options = ["-O", content.features] if content.features else []
    with _written(content.tree) as root:
        run(
            *(
                "mke2fs",
                "-q",
                "-F",
                "-b",
                "4096",
                "-t",
                content.kind,
                *options,
                "-U",
                content.uuid,
                "-L",
                content.label,
            ),
            *("-E", f"root_owner=0:0,hash_seed={content.uuid}", "-d", root, path),
        )
        _finish_ext(content.tree, path, Path(root).parent)


def _finish_ext(tree: Tree, path: Path, scratch: Path) -> None:
    """Say through debugfs what ``mke2fs -d`` could not: owners, device nodes, extended attributes."""
    lines: list[bytes] = []
    for number, (name, entry) in enumerate(tree.sorted()):
        if b"\n" in name:  # debugfs has no way to name it; its owner is whoever built the image
            continue
        lines += _special(name, entry)
        lines += [b'sif "%s" %s %d' % (name, key, value) for key, value in _owner(entry)]
        for attribute, value in entry.xattrs:
            stored = scratch / f"xattr{number}"
            stored.write_bytes(value)
            lines.append(b'ea_set -f %s "%s" %s' % (os.fsencode(stored), name, attribute.encode()))
    script = scratch / "debugfs"
    script.write_bytes(b"\n".join(lines) + b"\n")
    run("debugfs", "-w", "-f", script, path)


def _special(name: bytes, entry: Node) -> list[bytes]:
    if not entry.special:
        return []
    directory, _slash, leaf = name.rpartition(b"/")
    what = {"fifo": b"p", "char": b"c %d %d" % entry.device, "block": b"b %d %d" % entry.device}[entry.kind]
    bits = {"fifo": 0o010000, "char": 0o020000, "block": 0o060000}[entry.kind] | entry.mode
    return [
        b'cd "%s"' % (directory or b"/"),
        b'mknod "%s" %s' % (leaf, what),
        b"cd /",
        b'sif "%s" mode 0%o' % (name, bits),
    ]


def _owner(entry: Node) -> list[tuple[bytes, int]]:
    wanted = ((b"uid", entry.uid, os.getuid()), (b"gid", entry.gid, os.getgid()))
    return [(key, value) for key, value, present in wanted if value != present or entry.special]


def _make_xfs(content: Xfs, path: Path) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        prototype = Path(scratch, "prototype")
        prototype.write_text(_prototype(content.tree, Path(scratch)))
        run(
            *("mkfs.xfs", "-q", "-p", prototype, "-L", content.label[:12]),
            *("-m", f"uuid={content.uuid}", path),
        )


def _prototype(tree: Tree, scratch: Path) -> str:
    """Return the tree in the words of ``mkfs.xfs -p``: directories nest and each ends with ``$``."""
    lines = ["/dummy", "0 0", "d--755 0 0"]
    stack: list[str] = []
    for number, (raw, entry) in enumerate(tree.sorted()):
        *parents, name = raw.decode().strip("/").split("/")
        while stack != parents:
            lines.append("$")
            stack.pop()
        letter = {"file": "-", "dir": "d", "link": "l", "char": "c", "block": "b", "fifo": "p"}[entry.kind]
        ids = ("u" if entry.mode & 0o4000 else "-") + ("g" if entry.mode & 0o2000 else "-")
        mode = f"{letter}{ids}{entry.mode & 0o777:03o}"
        lines.append(f"{name} {mode} {entry.uid} {entry.gid} {_prototype_extra(entry, scratch / str(number))}")
        if entry.kind == "dir":
            stack.append(name)
    return "\n".join(lines + ["$"] * (len(stack) + 1)) + "\n"


def _prototype_extra(entry: Node, stored: Path) -> str:
    if entry.kind == "file":
        stored.write_bytes(entry.content.ljust(entry.size, b"\0"))
        return str(stored)
    if entry.kind == "link":
        return entry.content.decode()
    return " ".join(map(str, entry.device)) if entry.kind in ("char", "block") else ""


def _make_btrfs(content: Btrfs, path: Path) -> None:
    tree = content.subvolumes.get("", Tree()) if set(content.subvolumes) == {""} else Tree()
    with _written(tree) as root:
        run("mkfs.btrfs", "-q", "-f", "-U", content.uuid, "-L", content.label, "-r", root, path)


def _make_vfat(content: Vfat, path: Path) -> None:
    run("mkfs.vfat", "-i", content.uuid.replace("-", ""), "-n", content.label, path)
    with _written(content.tree) as root:
        for name in sorted(os.listdir(root)):
            run("mcopy", "-s", "-m", "-i", path, os.path.join(root, name), "::/")


def _make_ntfs(content: Ntfs, path: Path) -> None:
    run("mkntfs", "-q", "-F", "-Q", "-p", "2048", "-H", "16", "-S", "63", "-s", "512", "-L", content.label, path)


def _make_swap(content: Swap, path: Path) -> None:
    os.chmod(path, 0o600)
    run("mkswap", "-q", "-U", content.uuid, *(["-L", content.label] if content.label else []), path)


def _make_data(content: Data, path: Path) -> None:
    with open(path, "r+b") as stream:
        stream.write(content.content)


_MAKERS: dict[type, t.Callable[[t.Any, Path], None]] = {
    Ext: _make_ext,
    Xfs: _make_xfs,
    Btrfs: _make_btrfs,
    Vfat: _make_vfat,
    Ntfs: _make_ntfs,
    Swap: _make_swap,
    Data: _make_data,
}


class _written:
    """The tree as a directory, for as long as the context lasts; its parent is free for scratch files."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._scratch = ""

    def __enter__(self) -> str:
        self._scratch = tempfile.mkdtemp()
        root = Path(self._scratch, "root")
        root.mkdir()
        self._tree.write(root)
        return str(root)

    def __exit__(self, *_exception: object) -> None:
        for folder, _folders, _files in os.walk(os.fsencode(self._scratch)):
            os.chmod(folder, 0o700)
        shutil.rmtree(os.fsencode(self._scratch))


def copy_into(source: Path, target: Path, offset: int) -> None:
    """Copy the file ``source`` into ``target`` at ``offset``, and leave holes where it has holes or zeros."""
    with open(source, "rb") as reader, open(target, "r+b") as writer:
        position, end = 0, os.fstat(reader.fileno()).st_size
        while position < end:
            try:
                position = os.lseek(reader.fileno(), position, os.SEEK_DATA)
            except OSError:  # ENXIO: a hole to the end
                return
            position = position // 4096 * 4096
            block = os.pread(reader.fileno(), MIB, position)
            if block.count(0) != len(block):
                os.pwrite(writer.fileno(), block, offset + position)
            position += len(block)
