# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""What a block device holds, told from its first 68 KiB.

``vfs_type``, ``vfs_uuid`` and ``vfs_label`` start blkid each, 0.3 s under emulation; one ``pread_device`` (0.13 s, most
of it waiting for udev) has all three. The names are blkid's, and what is not understood here is left to blkid. A wrong
guess is harmless: the type is forced when mounting, so the kernel refuses it.

Offsets: the kernel's Documentation/filesystems, ext4's and xfs's on-disk format, cryptsetup's LUKS documents.
"""

from __future__ import annotations

import dataclasses
import struct
import uuid as _uuid

# Bytes from a device's start that hold every superblock known here; btrfs's is the last, at 64 KiB.
PROBE_SIZE = 0x10000 + 4096

_EXT_INCOMPAT_EXT3 = 0x0002 | 0x0004 | 0x0010  # filetype, needs_recovery, meta_bg
_EXT_RO_COMPAT_EXT3 = 0x0001 | 0x0002 | 0x0004  # sparse_super, large_file, btree_dir


@dataclasses.dataclass(frozen=True)
class Signature:
    """What was recognised.

    :param type: blkid's name: ``ext4``, ``swap``, ``LVM2_member``, ``crypto_LUKS`` …; empty for nothing known.
    :param uuid: as blkid writes it; None where there is none.
    :param label: None where there is none.
    :param label_known: False where only blkid can tell the label.
    """

    type: str
    uuid: str | None = None
    label: str | None = None
    label_known: bool = True


NOTHING = Signature("")


def probe(head: bytes) -> Signature | None:
    """Recognise the first bytes of a device; None where only blkid can tell.

    A container (LUKS, LVM, RAID) goes before a file system whose superblock an earlier use may have left behind.
    """
    if not head.strip(b"\0"):
        return NOTHING
    for recognise in (_luks, _lvm, _raid, _xfs, _btrfs, _ext, _swap, _ntfs, _fat, _f2fs):
        found = recognise(head)
        if found:
            return found
    return None


def _text(raw: bytes) -> str | None:
    return raw.split(b"\0", 1)[0].decode("utf-8", "backslashreplace") or None


def _hex_uuid(raw: bytes) -> str | None:
    return str(_uuid.UUID(bytes=raw)) if len(raw) == 16 and any(raw) else None


def _u32(head: bytes, offset: int) -> int:
    return int.from_bytes(head[offset : offset + 4], "little")


def _luks(head: bytes) -> Signature | None:
    if head[:6] != b"LUKS\xba\xbe":
        return None
    second = head[6:8] == b"\0\x02"
    return Signature("crypto_LUKS", _text(head[168:208]), _text(head[24:72]) if second else None)


def _lvm(head: bytes) -> Signature | None:
    for sector in range(0, 2048, 512):
        if head[sector : sector + 8] == b"LABELONE" and head[sector + 24 : sector + 32] == b"LVM2 001":
            start = sector + struct.unpack_from("<I", head, sector + 20)[0]
            ident = head[start : start + 32].decode("ascii", "replace")
            cuts = (0, 6, 10, 14, 18, 22, 26, 32)
            return Signature("LVM2_member", "-".join(ident[a:b] for a, b in zip(cuts, cuts[1:])))
    return None


def _raid(head: bytes) -> Signature | None:
    """Linux RAID, metadata 1.1 and 1.2; the older ones lie at the device's end, see the caller."""
    for start in (0, 4096):
        if head[start : start + 4] == b"\xfc\x4e\x2b\xa9":
            return Signature(
                "linux_raid_member", _hex_uuid(head[start + 16 : start + 32]), _text(head[start + 32 : start + 64])
            )
    return None


def _xfs(head: bytes) -> Signature | None:
    return Signature("xfs", _hex_uuid(head[32:48]), _text(head[108:120])) if head[:4] == b"XFSB" else None


def _btrfs(head: bytes) -> Signature | None:
    block = head[0x10000:]
    if block[0x40:0x48] != b"_BHRfS_M":
        return None
    return Signature("btrfs", _hex_uuid(block[0x20:0x30]), _text(block[0x12B : 0x12B + 256]))


def _ext(head: bytes) -> Signature | None:
    block = head[1024:2048]
    if block[0x38:0x3A] != b"\x53\xef":
        return None
    compat, incompat, ro_compat = (_u32(block, offset) for offset in (0x5C, 0x60, 0x64))
    if incompat & 0x0008:
        kind = "jbd"
    elif incompat & ~_EXT_INCOMPAT_EXT3 or ro_compat & ~_EXT_RO_COMPAT_EXT3:
        kind = "ext4"
    elif compat & 0x0004:
        kind = "ext3"
    else:
        kind = "ext2"
    return Signature(kind, _hex_uuid(block[0x68:0x78]), _text(block[0x78:0x88]))


def _swap(head: bytes) -> Signature | None:
    for page in (4096, 65536):
        if head[page - 10 : page] in (b"SWAPSPACE2", b"SWAP-SPACE"):
            return Signature("swap", _hex_uuid(head[1036:1052]), _text(head[1052:1068]))
        if head[page - 10 : page] in (b"S1SUSPEND\0", b"S2SUSPEND\0"):
            return Signature("swsuspend", _hex_uuid(head[1036:1052]), _text(head[1052:1068]))
    return None


def _ntfs(head: bytes) -> Signature | None:
    if head[3:11] != b"NTFS    ":
        return None
    return Signature("ntfs", f"{int.from_bytes(head[0x48:0x50], 'little'):016X}", None, label_known=False)


def _fat(head: bytes) -> Signature | None:
    if head[510:512] != b"\x55\xaa":
        return None
    for name_at, serial_at, names in ((0x36, 0x27, (b"FAT12   ", b"FAT16   ")), (0x52, 0x43, (b"FAT32   ",))):
        if head[name_at : name_at + 8] in names:
            serial = _u32(head, serial_at)
            label = head[name_at - 11 : name_at].rstrip(b" \0")
            # The label in the root directory is the one that counts; the boot sector may still say "NO NAME".
            known = label != b"NO NAME"
            shown = label.decode("utf-8", "backslashreplace") or None
            return Signature("vfat", f"{serial >> 16:04X}-{serial & 0xFFFF:04X}", shown if known else None, known)
    return None


def _f2fs(head: bytes) -> Signature | None:
    if head[1024:1028] != b"\x10\x20\xf5\xf2":
        return None
    block = head[1024:]
    label = block[124 : 124 + 1024].decode("utf-16-le", "replace").split("\0", 1)[0]
    return Signature("f2fs", _hex_uuid(block[108:124]), label or None)
