# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Look into an image without the product and without an appliance: debugfs on ext file systems.

debugfs reads inodes as they lie on the disk, so what it says is independent of libguestfs and of any mount. Only ext2,
ext3 and ext4 that lie on a partition or a whole disk can be read, and so can the first logical volume of a physical
one; other volumes, XFS and btrfs cannot.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import tempfile
import typing as t
from dataclasses import dataclass
from pathlib import Path

from images import TRAP_RECORDS

_EXT_MAGIC = b"\x53\xef"
_FIRST_EXTENT = 1024 * 1024  # where LVM puts it unless told otherwise
_KINDS = {
    "regular": "file",
    "directory": "dir",
    "symlink": "link",
    "character": "char",
    "block": "block",
    "FIFO": "fifo",
    "socket": "socket",
}


@dataclass(frozen=True)
class GuestStat:
    """What debugfs says of an inode; ``kind`` is file, dir, link, char, block, fifo or socket."""

    inode: int
    kind: str
    mode: int
    uid: int
    gid: int
    size: int
    xattrs: t.Mapping[str, str]


def ext_offsets(raw: Path) -> list[int]:
    """Return where on the raw image an ext file system begins, in bytes, in the order of the partitions."""
    starts = [0]
    done = subprocess.run(["sfdisk", "--json", str(raw)], capture_output=True, check=False)
    if done.returncode == 0:
        starts = [item["start"] * 512 for item in json.loads(done.stdout)["partitiontable"]["partitions"]]
    with open(raw, "rb") as stream:
        descriptor = stream.fileno()
        starts = [
            start + (_FIRST_EXTENT if os.pread(descriptor, 8, start + 512) == b"LABELONE" else 0) for start in starts
        ]
        return [start for start in starts if os.pread(descriptor, 2, start + 1080) == _EXT_MAGIC]


@contextlib.contextmanager
def as_raw(image: Path, image_format: str = "raw") -> t.Iterator[Path]:
    """Give the image as a raw file: itself, or a converted copy for as long as the context lasts."""
    if image_format == "raw":
        yield image
        return
    with tempfile.TemporaryDirectory(dir=image.parent) as folder:
        raw = Path(folder, "image.raw")
        command = ["qemu-img", "convert", "-q", "-f", image_format, "-O", "raw", str(image), str(raw)]
        subprocess.run(command, check=True)
        yield raw


def _debugfs(raw: Path, offset: int, request: str) -> tuple[bytes, str]:
    command = ["debugfs", "-R", request, f"{raw}?offset={offset}"]
    done = subprocess.run(command, capture_output=True, check=False, env={**os.environ, "DEBUGFS_PAGER": "__none__"})
    return done.stdout, done.stderr.decode(errors="replace")


def _quoted(path: str) -> str:
    return '"' + path.replace('"', '""') + '"'


def _find(raw: Path, path: str) -> tuple[int, GuestStat] | None:
    for offset in ext_offsets(raw):
        found = _stat_at(raw, offset, path)
        if found:
            return offset, found
    return None


def _stat_at(raw: Path, offset: int, path: str) -> GuestStat | None:
    output, _errors = _debugfs(raw, offset, f"stat {_quoted(path)}")
    said = output.decode(errors="replace")
    head = re.search(r"Inode: (\d+)\s+Type: (\w+)[ \w]*?\s+Mode:\s+(\d+)", said)
    owner = re.search(r"User:\s*(\d+)\s+Group:\s*(\d+)(?:\s+Project:\s*\d+)?\s+Size: (\d+)", said)
    if not head:
        return None
    uid, gid, size = (int(number) for number in owner.groups()) if owner else (0, 0, 0)
    xattrs = dict(re.findall(r'^  ([\w.]+) \(\d+\)(?: = "(.*)")?$', said, re.MULTILINE))
    for name in [name for name, value in xattrs.items() if not value]:  # 40 bytes and more are left out
        shown = _debugfs(raw, offset, f"ea_get {_quoted(path)} {name}")[0].decode(errors="replace")
        xattrs[name] = shown.partition(' = "')[2].rstrip().rstrip('"')
    kind = _KINDS.get(head.group(2), head.group(2))
    return GuestStat(int(head.group(1)), kind, int(head.group(3), 8), uid, gid, size, xattrs)


def stat_guest(image: Path, path: str, image_format: str = "raw") -> GuestStat | None:
    """Return what is at ``path`` on the first ext file system that has it (links are not followed at the end)."""
    with as_raw(image, image_format) as raw:
        found = _find(raw, path)
        return found[1] if found else None


def read_guest_file(image: Path, path: str, image_format: str = "raw") -> bytes:
    """Return the content of a regular file, or the target of a link.

    :raises FileNotFoundError: no ext file system of the image has it.
    """
    with as_raw(image, image_format) as raw:
        found = _find(raw, path)
        if not found:
            raise FileNotFoundError(f"{path} is on no ext file system of {image}")
        offset, what = found
        if what.kind == "link":
            return _link_target(raw, offset, path)
        return _debugfs(raw, offset, f"cat {_quoted(path)}")[0]


def _link_target(raw: Path, offset: int, path: str) -> bytes:
    said = _debugfs(raw, offset, f"stat {_quoted(path)}")[0]
    fast = re.search(rb'Fast link dest: "(.*)"\n', said, re.DOTALL)
    return fast.group(1) if fast else _debugfs(raw, offset, f"cat {_quoted(path)}")[0]


def list_guest(image: Path, path: str, image_format: str = "raw") -> list[str]:
    """Return the names in a directory, sorted, without ``.`` and ``..``.

    :raises FileNotFoundError: no ext file system of the image has it.
    """
    with as_raw(image, image_format) as raw:
        found = _find(raw, path)
        if not found:
            raise FileNotFoundError(f"{path} is on no ext file system of {image}")
        said = _debugfs(raw, found[0], f"ls -p {_quoted(path)}")[0].decode(errors="surrogateescape")
    names = [line.split("/")[5] for line in said.splitlines() if line.count("/") >= 6]
    return sorted(name for name in names if name not in (".", ".."))


def extract(image: Path, path: str, target: Path, image_format: str = "raw") -> Path:
    """Copy a (large) file of the guest to ``target``; a link at the end of ``path`` is followed once."""
    with as_raw(image, image_format) as raw:
        found = _find(raw, path)
        if found and found[1].kind == "link":
            path = "/" + _link_target(raw, found[0], path).decode().lstrip("/")
            found = _find(raw, path)
        if not found:
            raise FileNotFoundError(f"{path} is on no ext file system of {image}")
        _debugfs(raw, found[0], f"dump {_quoted(path)} {target}")
    return target


def extract_tree(image: Path, path: str, target: Path) -> Path:
    """Copy a directory of a raw image, with owners, permissions and times, into the folder ``target``."""
    found = _find(image, path)
    if not found:
        raise FileNotFoundError(f"{path} is on no ext file system of {image}")
    _debugfs(image, found[0], f"rdump {_quoted(path)} {target}")
    return target / Path(path).name


def boot_files(image: Path, folder: Path, image_format: str = "raw") -> tuple[Path, Path]:
    """Take the newest kernel and its initrd out of /boot of the image: what QEMU's -kernel and -initrd want."""
    with as_raw(image, image_format) as raw:
        names = [name for name in list_guest(raw, "/boot") if name.startswith("vmlinuz-")]
        if not names:
            raise FileNotFoundError(f"there is no kernel in /boot of {image}")
        version = sorted(names, key=_version)[-1].partition("-")[2]
        kernel = extract(raw, f"/boot/vmlinuz-{version}", folder / "vmlinuz")
        return kernel, extract(raw, f"/boot/initrd.img-{version}", folder / "initrd.img")


def _version(name: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", name)]


def change_guest(raw: Path, requests: t.Sequence[str], number: int = 0) -> None:
    """Carry out requests of debugfs, such as ``write HOSTFILE /etc/file``, in one of the image's ext file systems.

    A name that is not UTF-8 is text with surrogates (surrogateescape).

    :param number: which one, in the order of :func:`ext_offsets`.
    :raises AssertionError: debugfs complained.
    """
    target = f"{raw}?offset={ext_offsets(raw)[number]}"
    command = ["debugfs", "-w", "-f", "-", target]
    said = "\n".join(requests) + "\n"
    done = subprocess.run(command, input=said, capture_output=True, text=True, errors="surrogateescape", check=False)
    complaints = [line for line in done.stderr.splitlines() if line and not line.startswith("debugfs 1.")]
    assert not complaints, f"{requests}: {complaints}\n{done.stdout}"


def trap_records(image: Path, image_format: str = "raw") -> dict[str, bytes]:
    """Return what the programs of the guest ``trap`` recorded of being run, by record file: nothing, if all is well."""
    found = {}
    with as_raw(image, image_format) as raw:
        for record in TRAP_RECORDS:
            with contextlib.suppress(FileNotFoundError):
                found[record] = read_guest_file(raw, record)
    return found
