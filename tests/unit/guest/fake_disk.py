# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A disk with devices and mountable trees behind the ``Rpc`` protocol, for tests of inspection and mounting.

Devices are bytes; trees are :class:`FakeRpc` file systems. Like the appliance it refuses a mount of a type that the
device does not hold, a mount on what is no directory, and file calls when nothing is mounted.
"""

from __future__ import annotations

import binascii
import errno
import struct
import typing as t
import uuid

from ansible_collections.offline.guest.plugins.module_utils._appliance._calls import Calls
from ansible_collections.offline.guest.plugins.module_utils._errors import CallError
from ansible_collections.offline.guest.tests.unit.guest.fake_rpc import FakeRpc

LINUX = "0FC63DAF-8483-4772-8E79-3D69D8477DE4"
ESP = "C12A7328-F81F-11D2-BA4B-00A0C93EC93B"
MIB = 1 << 20


class FakeDisk:
    """Devices → bytes, mountables → (type, tree)."""

    def __init__(self) -> None:
        self.devices: dict[str, bytes] = {}
        self.trees: dict[str, tuple[str, FakeRpc]] = {}
        self.mounted: dict[str, str] = {}
        self.options: dict[str, str] = {}
        self.log: list[tuple[t.Any, ...]] = []
        self.answers: dict[str, t.Any] = {"list_md_devices": []}

    @property
    def calls(self) -> Calls:
        return Calls(self)

    def add(self, device: str, kind: str, tree: FakeRpc | None = None, *, ident: str = "") -> None:
        """Put a file system on a device that the partition table has."""
        self.devices[device] = superblock(kind, ident)
        if tree is not None:
            self.trees[device] = (kind, tree)

    def names(self) -> list[str]:
        return [entry[0] for entry in self.log]

    def call(self, name: str, *args: t.Any, **kwargs: t.Any) -> t.Any:
        self.log.append((name, *args))
        if name in self.answers:
            answer = self.answers[name]
            if isinstance(answer, Exception):
                raise answer
            return answer(*args) if callable(answer) else answer
        own = getattr(self, f"_call_{name}", None)
        return own(*args, **kwargs) if own else self._file_call(name, *args, **kwargs)

    def _file_call(self, name: str, path: str, *args: t.Any, **kwargs: t.Any) -> t.Any:
        if not self.mounted:
            raise CallError(name, "you must call 'mount' first to mount the root filesystem")
        point = max((p for p in self.mounted if path == p or path.startswith(p.rstrip("/") + "/")), key=len)
        tree = self.trees[self.mounted[point]][1]
        below = path[len(point.rstrip("/")) :] or "/"
        return tree.call(name, below, *args, **kwargs)

    def _call_pread_device(self, device: str, count: int, offset: int) -> bytes:
        assert count < 4 * MIB
        if device not in self.devices:
            raise CallError("pread_device", f"{device}: No such file or directory", errno.ENOENT)
        # Short, as the appliance may be.
        return self.devices[device][offset : offset + min(count, 300_000)]

    def _call_mount_vfs(self, options: str, vfstype: str, mountable: str, mountpoint: str) -> None:
        held, _tree = self.trees.get(mountable, ("", None))
        if held != vfstype:
            raise CallError("mount_vfs", f"mount: wrong fs type, bad option, bad superblock on {mountable}")
        if mountpoint != "/":
            assert self._file_call("lstatns", mountpoint)["st_mode"] & 0o170000 == 0o040000, "mounted on no directory"
        self.mounted[mountpoint] = mountable
        self.options[mountpoint] = options

    def _call_remount(self, mountpoint: str, *, rw: bool) -> None:
        self.options[mountpoint] = "" if rw else "ro"

    def _call_umount_all(self) -> None:
        self.mounted.clear()

    def _call_mountpoints(self) -> dict[str, str]:
        return {mountable: point for point, mountable in self.mounted.items()}

    def _call_statvfs(self, _path: str) -> dict[str, int]:
        return {"frsize": 1024, "blocks": 1000, "bfree": 400, "bavail": 300, "flag": 0}

    def _call_blockdev_getsize64(self, device: str) -> int:
        return len(self.devices[device])

    def _call_vfs_type(self, _device: str) -> str:
        return ""


# Where each type has its mark, and where its UUID.
_MARKS: dict[str, tuple[dict[int, bytes], int | None]] = {
    "ext4": ({1024 + 0x38: b"\x53\xef", 1024 + 0x60: b"\x40"}, 1024 + 0x68),
    "xfs": ({0: b"XFSB"}, 32),
    "btrfs": ({0x10040: b"_BHRfS_M"}, 0x10020),
    "swap": ({4086: b"SWAPSPACE2"}, 1036),
    "vfat": ({510: b"\x55\xaa", 0x52: b"FAT32   ", 0x43: b"\x34\x12\xcd\xab"}, None),
    "ntfs": ({3: b"NTFS    "}, None),
    "LVM2_member": ({512: b"LABELONE", 536: b"LVM2 001"}, None),
    "linux_raid_member": ({4096: b"\xfc\x4e\x2b\xa9"}, 4112),
    "iso9660": ({0x8001: b"CD001"}, None),
}


def superblock(kind: str, ident: str = "") -> bytes:
    """The first bytes of a file system of this type, enough to be recognised."""
    block = bytearray(0x10000 + 4096)
    if kind == "crypto_LUKS":
        block[:8], block[168 : 168 + len(ident)] = b"LUKS\xba\xbe\0\x02", ident.encode()
        return bytes(block)
    marks, ident_at = _MARKS[kind]
    for at, mark in marks.items():
        block[at : at + len(mark)] = mark
    if ident and ident_at is not None:
        block[ident_at : ident_at + 16] = uuid.UUID(ident).bytes
    return bytes(block)


def gpt(*partitions: tuple[str, int, int], names: t.Sequence[str] = ()) -> bytes:
    """A GPT of (type, first MiB, size in MiB)."""
    array = b""
    for index, (kind, start, size) in enumerate(partitions):
        name = (names[index] if index < len(names) else "").encode("utf-16-le").ljust(72, b"\0")
        first = start * MIB // 512
        guid = uuid.UUID(int=index + 1).bytes_le
        array += uuid.UUID(kind).bytes_le + guid + struct.pack("<QQQ", first, first + size * 2048 - 1, 0) + name
    array = array.ljust(128 * 128, b"\0")
    fields = (1, 1 << 22, 34, (1 << 22) - 34, uuid.UUID(int=99).bytes_le, 2, 128, 128, binascii.crc32(array))
    header = b"EFI PART" + struct.pack("<IIIIQQQQ16sQIII", 0x10000, 92, 0, 0, *fields)
    header = header[:16] + struct.pack("<I", binascii.crc32(header)) + header[20:]
    mbr = bytes(450) + b"\xee" + bytes(3) + struct.pack("<II", 1, 0xFFFFFFFF) + bytes(48) + b"\x55\xaa"
    return (mbr + header.ljust(512, b"\0") + array).ljust(MIB, b"\0")


def debian(*, fstab: bytes = b"/dev/vda1 / ext4 defaults 0 1\n", tree: FakeRpc | None = None) -> FakeRpc:
    """A small Debian's tree."""
    tree = tree or FakeRpc()
    tree.add_dir("/usr/bin")
    tree.add_link("/bin", "usr/bin")
    tree.add_file("/usr/bin/bash", b"\x7fELF\x02\x01" + bytes(10) + b"\x03\0\x3e\0" + bytes(40))
    tree.add_file("/etc/fstab", fstab)
    tree.add_file("/etc/hostname", b"web01\n")
    tree.add_link("/etc/os-release", "../usr/lib/os-release")
    tree.add_file(
        "/usr/lib/os-release",
        b'ID=debian\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\n',
    )
    tree.add_file("/etc/debian_version", b"12.4\n")
    tree.add_file("/usr/lib/systemd/systemd", b"#", mode=0o755)
    tree.add_link("/sbin", "usr/sbin")
    tree.add_link("/usr/sbin/init", "/lib/systemd/systemd")
    tree.add_link("/lib", "usr/lib")
    return tree
