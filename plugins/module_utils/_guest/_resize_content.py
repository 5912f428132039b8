# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""What fills a partition, and how large it says it is: ext2/3/4, XFS, Btrfs and swap, read from their superblocks.

The tools that grow them write even where there is nothing to grow (``resize2fs`` runs ``e2fsck`` first, which stamps
the superblock), and two of them want a mount to tell a size. So the size is read here, by one read of the device, and a
tool is started only to grow. Each class answers two questions: ``size``, and ``fitted(room)``, the size its own tool
would make of a device of ``room`` bytes. The rules of rounding are the tools', so that a grown one counts as full.
"""

from __future__ import annotations

import dataclasses
import struct
import typing as t

from .._errors import GuestError, printable

_MIB = 1 << 20
_GIB = 1 << 30
HEAD_SIZE = 128 * 1024
_SUSPENDED = (b"S1SUSPEND", b"S2SUSPEND", b"ULSUSPEND", b"LINHIB0001", b"\xed\xc3\x02\xe9\x98\x56\xe5\x0c")


@dataclasses.dataclass(frozen=True)
class Ext:
    """ext2, ext3 or ext4. Sizes in bytes, all else in blocks of ``block`` bytes.

    :param first: s_first_data_block: 1 where blocks are 1 KiB, else 0.
    :param group: blocks a group.
    :param inode_blocks: blocks of a group's inode table.
    :param reserved_gdt: s_reserved_gdt_blocks.
    :param descriptors: group descriptors a block.
    :param cluster: blocks a cluster; 1 without bigalloc.
    :param sparse: has the sparse_super feature: only some groups hold a copy of the superblock.
    :param wide: has the 64bit feature.
    """

    type: str
    size: int
    block: int
    first: int
    group: int
    inode_blocks: int
    reserved_gdt: int
    descriptors: int
    cluster: int
    sparse: bool
    wide: bool

    def fitted(self, room: int) -> int:
        """As resize2fs: whole pages and clusters; a last group without space for its own tables is left out.

        The rules are main() and adjust_fs_info() of e2fsprogs' resize/. Less than 64 KiB, the largest page Linux has,
        is never grown into, because resize2fs rounds down to the page of the kernel it runs on.

        :raises GuestError: the file system numbers its blocks in 32 bits and ``room`` has more of them.
        """
        page = max(4096 // self.block, self.cluster, 1)
        blocks = room // self.block // page * page
        if not self.wide and blocks > (1 << 32) - 1:
            raise GuestError(
                f"The {self.type} file system numbers its blocks in 32 bits and cannot grow beyond"
                f" {self.block * 4 // 1024} TiB.",
                hint="Ask for less, or convert it in the guest: resize2fs -b.",
            )
        rest = (blocks - self.first) % self.group
        if blocks - rest == self.size // self.block and rest < self._most_overhead(blocks) + 50:
            return self.size
        if rest and blocks - self.first > self.group and rest < self._overhead(blocks) + 50:
            blocks -= rest
        grown = blocks * self.block
        return grown if grown - self.size >= 64 * 1024 else self.size

    def _overhead(self, blocks: int) -> int:
        """Blocks that the last of the groups of ``blocks`` blocks needs for itself."""
        groups = -(-(blocks - self.first) // self.group)
        copy = 1 + -(-groups // self.descriptors) + self.reserved_gdt
        return 2 + self.inode_blocks + (copy if _has_superblock(groups - 1, self.sparse) else 0)

    def _most_overhead(self, blocks: int) -> int:
        """At least :meth:`_overhead`, before and after growing.

        Reserved blocks become descriptors when the file system grows, so a group that was left out might be taken by
        a second run. A file system that ends with a whole group is therefore full until the most a group can need is
        there: a block holds ``block / 4`` numbers of reserved blocks.
        """
        groups = -(-(blocks - self.first) // self.group)
        return 2 + self.inode_blocks + 1 + -(-groups // self.descriptors) + self.block // 4


@dataclasses.dataclass(frozen=True)
class Xfs:
    """XFS: ``block`` bytes a block, ``group`` blocks an allocation group."""

    size: int
    block: int
    group: int
    type: str = "xfs"

    def fitted(self, room: int) -> int:
        """As the kernel's growfs: a last group of fewer than 64 blocks is left out (XFS_MIN_AG_BLOCKS).

        mkfs.xfs leaves out a last group below 16 MiB, so a file system that ends with a whole group is not grown by
        less than that: it was full when it was made.
        """
        blocks = room // self.block
        if 0 < blocks % self.group < 64:
            blocks -= blocks % self.group
        grown = blocks * self.block
        least = 16 * _MIB if not (self.size // self.block) % self.group else self.block
        return grown if grown - self.size >= least else self.size


@dataclasses.dataclass(frozen=True)
class Btrfs:
    """Btrfs on one device, with sectors of ``sector`` bytes."""

    size: int
    sector: int
    type: str = "btrfs"

    def fitted(self, room: int) -> int:
        """As the kernel's resize ioctl, which takes whole sectors and refuses less than 256 MiB."""
        grown = room // self.sector * self.sector
        return grown if grown > self.size and grown >= 256 * _MIB else self.size


@dataclasses.dataclass(frozen=True)
class Swap:
    """Swap space with pages of ``page`` bytes; ``order`` is the byte order of its header."""

    size: int
    page: int
    order: t.Literal["little", "big"]
    type: str = "swap"

    def fitted(self, room: int) -> int:
        """Whole pages, numbered in 32 bits."""
        grown = min(room // self.page, 1 << 32) * self.page
        return max(grown, self.size)

    def last_page(self, size: int) -> bytes:
        """The header's field ``last_page`` for a swap space of ``size`` bytes; it lies at :data:`LAST_PAGE_OFFSET`."""
        return (size // self.page - 1).to_bytes(4, self.order)


LAST_PAGE_OFFSET = 1028

Content = t.Union[Ext, Xfs, Btrfs, Swap]


def read_content(kind: str, head: bytes, name: str) -> Content:
    """Return what a device holds.

    :param kind: the type libblkid gives (``vfs_type``), which answers nothing where signatures contradict each other.
    :param head: the device's first :data:`HEAD_SIZE` bytes.
    :param name: the device's name, for messages.
    :raises GuestError: the content is not one that can be grown; the message says which and why.
    """
    reader = _READERS.get(kind)
    if reader is None:
        raise GuestError(_REFUSED.get(kind, _UNKNOWN if kind else _EMPTY).format(name=name, kind=printable(kind)))
    try:
        return reader(kind, head)
    except (struct.error, ValueError, ZeroDivisionError) as error:
        raise GuestError(f"The superblock of {name} ({printable(kind)}) is damaged.") from error


_EMPTY = "{name} holds nothing that is known, or contradictory signatures, so it cannot be grown."
_UNKNOWN = "{name} holds {kind}, which cannot be grown here: ext2, ext3, ext4, xfs, btrfs, swap and LVM can."
_REFUSED: t.Mapping[str, str] = {
    "crypto_LUKS": "{name} is encrypted with LUKS, and growing what is inside an encrypted device is not supported yet."
    " Grow it in the running guest: cryptsetup resize, then the file system.",
    "linux_raid_member": "{name} is a member of a RAID array, whose own metadata would be lost at the old end.",
    "swsuspend": "{name} holds the memory of a hibernated machine. Start the guest and shut it down, then grow it.",
}


def _read_ext(kind: str, head: bytes) -> Ext:
    """``struct ext2_super_block``, little endian, 1024 bytes in."""

    def field(form: str, offset: int) -> int:
        return int(struct.unpack_from("<" + form, head, 1024 + offset)[0])

    block_log, cluster_log, group, inodes = field("I", 0x18), field("I", 0x1C), field("I", 0x20), field("I", 0x28)
    compatible, incompatible, read_only = field("I", 0x5C), field("I", 0x60), field("I", 0x64)
    inode_size = field("H", 0x58) if field("I", 0x4C) else 128
    descriptor = field("H", 0xFE)
    wide, bigalloc = bool(incompatible & 0x80), bool(read_only & 0x200)
    _require(head[1024 + 0x38 : 1024 + 0x3A] == b"\x53\xef" and block_log <= 6 and group and cluster_log <= 20)
    block = 1024 << block_log
    return Ext(
        type=kind,
        size=(field("I", 4) + (field("I", 0x150) << 32 if wide else 0)) * block,
        block=block,
        first=field("I", 0x14),
        group=group,
        inode_blocks=-(-inodes * inode_size // block),
        reserved_gdt=field("H", 0xCE) if compatible & 0x10 else 0,
        descriptors=block // (descriptor if wide and descriptor >= 64 else 32) or 1,
        cluster=1 << (cluster_log - block_log) if bigalloc else 1,
        sparse=bool(read_only & 1) and not compatible & 0x200,
        wide=wide,
    )


def _has_superblock(group: int, sparse: bool) -> bool:
    """Copies are in the groups 0, 1 and the powers of 3, 5 and 7, or in all (ext2fs_bg_has_super)."""
    if group <= 1 or not sparse:
        return True
    return any(base**power == group for base in (3, 5, 7) for power in range(1, 33))


def _read_xfs(kind: str, head: bytes) -> Xfs:
    """``struct xfs_dsb``, big endian, at the start."""
    magic, block, blocks, realtime = struct.unpack_from(">4sIQQ", head)
    log_start = struct.unpack_from(">Q", head, 48)[0]
    group = struct.unpack_from(">I", head, 84)[0]
    _require(magic == b"XFSB" and 512 <= block <= 65536 and group >= 64)
    if realtime or not log_start:
        raise GuestError("The xfs file system keeps its log or its data on a second device.")
    return Xfs(size=blocks * block, block=block, group=group)


def _read_btrfs(kind: str, head: bytes) -> Btrfs:
    """``struct btrfs_super_block``, little endian, 64 KiB in; the size is that of its own device item."""
    base = 64 * 1024
    devices, sector = struct.unpack_from("<QI", head, base + 0x88)
    size = struct.unpack_from("<Q", head, base + 0xC9 + 8)[0]
    _require(head[base + 0x40 : base + 0x48] == b"_BHRfS_M" and 512 <= sector <= 65536)
    if devices != 1:
        raise GuestError("The btrfs file system spans several devices, and which one to grow is not clear.")
    return Btrfs(size=size, sector=sector)


def _read_swap(kind: str, head: bytes) -> Swap:
    """``union swap_header``: in the byte order and the page size of the machine that made it; the version is 1."""
    page = next((size for size in (4096, 8192, 16384, 32768, 65536) if head[size - 10 : size] == b"SWAPSPACE2"), 0)
    if not page:
        pages = (4096, 8192, 16384, 32768, 65536)
        hibernated = any(head[size - 10 : size].startswith(_SUSPENDED) for size in pages)
        raise GuestError(_REFUSED["swsuspend"].format(name="The swap space")) if hibernated else ValueError(kind)
    order: t.Literal["little", "big"] = "little" if head[1024:1028] == b"\1\0\0\0" else "big"
    _require(int.from_bytes(head[1024:1028], order) == 1)
    return Swap(size=(int.from_bytes(head[1028:1032], order) + 1) * page, page=page, order=order)


_READERS: t.Mapping[str, t.Callable[[str, bytes], Content]] = {
    "ext2": _read_ext,
    "ext3": _read_ext,
    "ext4": _read_ext,
    "xfs": _read_xfs,
    "btrfs": _read_btrfs,
    "swap": _read_swap,
}


def _require(sane: object) -> None:
    if not sane:
        raise ValueError
