# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""Partition tables, read from the disk's own sectors.

A read of the disk's start, and one for each logical partition, replace a dozen calls that start parted, and give what
parted does not tell: where GPT's second header lies, and every field that growing has to leave alone. The disk is
hostile: each number is checked before it is used, a loop of logical partitions ends, and whatever is not understood is
refused. Writing is left to parted and sgdisk.

Layouts: UEFI specification 2.10, sections 5.2 (MBR) and 5.3 (GPT).
"""

from __future__ import annotations

import binascii
import dataclasses
import struct
import typing as t

from .._errors import GuestError
from ._resize_sizes import SECTOR

# What growing may not go beyond: MBR counts sectors in 32 bits.
MBR_LAST_SECTOR = (1 << 32) - 1
_MAX_LOGICALS = 128
_ALIGNMENT = 2048  # sectors: 1 MiB
_MAX_GPT_ARRAY = 256 * 1024
_EXTENDED_TYPES = (0x05, 0x0F, 0x85)
_PROTECTIVE = 0xEE
# From MyLBA on; FirstUsableLBA is skipped.
_GPT_HEADER = struct.Struct("<QQ8xQ16sQIII")

Role = t.Literal["primary", "extended", "logical"]


class ReadDisk(t.Protocol):
    """Read ``count`` bytes of the disk from ``offset`` on; shorter at its end."""

    def __call__(self, count: int, offset: int) -> bytes: ...


@dataclasses.dataclass(frozen=True)
class Partition:
    """One partition; ``start`` and ``end`` are sectors, the end inclusive.

    :param identity: every byte of its entry that growing must leave alone: type, GUID, name, attributes, boot flag.
    """

    number: int
    start: int
    end: int
    role: Role = "primary"
    identity: bytes = b""

    @property
    def size(self) -> int:
        """In bytes."""
        return (self.end - self.start + 1) * SECTOR


@dataclasses.dataclass(frozen=True)
class Table:
    """A partition table.

    :param kind: ``gpt`` or ``msdos``, as libguestfs names them.
    :param partitions: in the order of their position on the disk.
    :param backup: GPT: the sector of the second header; 0 for msdos.
    :param array_sectors: GPT: how many sectors an array of entries takes; 0 for msdos.
    :param last_usable: GPT: the last sector a partition may use, as the header says; 0 for msdos.
    :param identity: what growing must leave alone: the disk's GUID, or of an MBR all before its entries, which is boot
        code and the signature that PARTUUIDs are made of.
    """

    kind: t.Literal["gpt", "msdos"]
    partitions: tuple[Partition, ...]
    backup: int = 0
    array_sectors: int = 0
    last_usable: int = 0
    identity: bytes = b""

    def limit(self, sectors: int) -> int:
        """The last sector that a partition may use on a disk of ``sectors``."""
        if self.kind == "msdos":
            return min(sectors - 1, MBR_LAST_SECTOR)
        if self.backup == sectors - 1:
            return self.last_usable
        # A whole MiB: where the first partition may start at one, GPT fdisk (1.0.9) moves the second header so that the
        # last sector in use lies one, too, and parted then refuses what the header does not allow.
        usable = sectors - 1 - self.array_sectors
        return usable // _ALIGNMENT * _ALIGNMENT - 1


def read_table(read: ReadDisk, size: int) -> Table | None:
    """Return the partition table of a disk of ``size`` bytes, or None where it has none.

    :raises GuestError: there is one, but it is damaged, of a kind that cannot be grown, or longer than the disk.
    """
    first = read(SECTOR, 0)
    if read(8, SECTOR) != b"EFI PART" and read(8, 4096) == b"EFI PART":
        raise GuestError("The partition table was made for sectors of 4096 bytes, and this disk has sectors of 512.")
    if len(first) < SECTOR or first[510:] != b"\x55\xaa":
        return None
    types = [first[446 + 16 * index + 4] for index in range(4)]
    table = _read_gpt(read, types) if _PROTECTIVE in types else _read_mbr(read, first)
    if table is not None:
        _check_ranges(table, size // SECTOR)
    return table


def _read_gpt(read: ReadDisk, types: t.Sequence[int]) -> Table:
    if any(kind not in (0, _PROTECTIVE) for kind in types):
        raise GuestError(
            "The disk has a hybrid partition table, GPT and MBR at once: growing the one would drop the other.",
            hint="Give it a plain protective MBR first, as gdisk does with its commands x and n.",
        )
    raw = read(SECTOR, SECTOR)
    if len(raw) < SECTOR or raw[:8] != b"EFI PART":
        raise _damaged("its protective entry is there, its first header is not")
    length, checksum = struct.unpack_from("<II", raw, 12)
    here, backup, last, guid, where, count, entry_size, array_sum = _GPT_HEADER.unpack_from(raw, 24)
    if not 92 <= length <= SECTOR or here != 1:
        raise _damaged("the first header has a wrong length or place")
    if binascii.crc32(raw[:16] + bytes(4) + raw[20:length]) != checksum:
        raise _damaged("the checksum of the first header is wrong")
    if entry_size < 128 or entry_size % 128 or not 0 < count * entry_size <= _MAX_GPT_ARRAY:
        raise _damaged("the size of its list of partitions is absurd")
    array = read(count * entry_size, where * SECTOR) if where < 1 << 48 else b""
    if binascii.crc32(array) != array_sum:
        raise _damaged("the checksum of its list of partitions is wrong")
    entries = (_gpt_entry(index + 1, array[index * entry_size :][:entry_size]) for index in range(count))
    return Table(
        kind="gpt",
        partitions=_ordered(entry for entry in entries if entry is not None),
        backup=backup,
        array_sectors=-(-count * entry_size // SECTOR),
        last_usable=last,
        identity=guid,
    )


def _gpt_entry(number: int, entry: bytes) -> Partition | None:
    if not any(entry[:16]):
        return None
    start, end = struct.unpack_from("<QQ", entry, 32)
    return Partition(number, start, end, identity=entry[:40] + entry[48:])


def _read_mbr(read: ReadDisk, first: bytes) -> Table | None:
    """An MBR whose entries are all empty is a boot sector without a table: a file system may own the whole disk."""
    entries = [first[446 + 16 * index :][:16] for index in range(4)]
    if not any(map(any, entries)) or any(entry[0] not in (0, 0x80) for entry in entries):
        return None
    partitions: list[Partition] = []
    for number, entry in enumerate(entries, 1):
        start, count = struct.unpack_from("<II", entry, 8)
        if entry[4] and start and count:
            role: Role = "extended" if entry[4] in _EXTENDED_TYPES else "primary"
            partitions.append(_mbr_partition(number, start, count, role, entry))
    extended = [part for part in partitions if part.role == "extended"]
    if len(extended) > 1:
        raise GuestError("The partition table has several extended partitions, and only one can be grown.")
    if extended:
        partitions += _read_logicals(read, extended[0])
    return Table(kind="msdos", partitions=_ordered(partitions), identity=first[:446])


def _mbr_partition(number: int, start: int, count: int, role: Role, entry: bytes) -> Partition:
    return Partition(number, start, start + count - 1, role, identity=entry[:1] + entry[4:5])


def _read_logicals(read: ReadDisk, extended: Partition) -> t.Iterator[Partition]:
    """Follow the chain of boot records, each of which holds one logical partition and the place of the next record."""
    place = extended.start
    for number in range(5, 5 + _MAX_LOGICALS):
        record = read(SECTOR, place * SECTOR)
        if len(record) < SECTOR or record[510:] != b"\x55\xaa":
            if number == 5:
                return
            raise _damaged("the chain of logical partitions is broken")
        start, count = struct.unpack_from("<II", record, 446 + 8)
        if record[446 + 4] and count:
            yield _mbr_partition(number, place + start, count, "logical", record[446:462])
        following, length = struct.unpack_from("<II", record, 462 + 8)
        if not following or not length:
            return
        place = extended.start + following
    raise _damaged(f"it has more than {_MAX_LOGICALS} logical partitions, or a loop of them")


def _ordered(partitions: t.Iterable[Partition]) -> tuple[Partition, ...]:
    """By position; an extended partition comes before the logical ones inside it."""
    return tuple(sorted(partitions, key=lambda part: (part.start, -part.end)))


def _check_ranges(table: Table, sectors: int) -> None:
    if table.kind == "gpt" and not 1 < table.backup < sectors:
        raise GuestError(
            f"The partition table was made for a disk of {table.backup + 1} sectors, and this disk has {sectors}.",
            hint="The image was cut off. Its end cannot be brought back by growing it.",
        )
    for part in table.partitions:
        if not 0 < part.start <= part.end < sectors:
            raise GuestError(f"Partition {part.number} reaches beyond the end of the disk, or is damaged.")
    _check_overlaps([part for part in table.partitions if part.role != "logical"], None)
    extended = next((part for part in table.partitions if part.role == "extended"), None)
    _check_overlaps([part for part in table.partitions if part.role == "logical"], extended)


def _check_overlaps(partitions: t.Sequence[Partition], around: Partition | None) -> None:
    for left, right in zip(partitions, partitions[1:]):
        if right.start <= left.end:
            raise GuestError(f"The partitions {left.number} and {right.number} overlap.")
    for part in partitions:
        if around and not around.start < part.start <= part.end <= around.end:
            raise GuestError(f"The logical partition {part.number} is not inside the extended one.")


def _damaged(why: str) -> GuestError:
    return GuestError(
        f"The partition table is damaged: {why}.", hint="Repair it with the guest's own tools, then grow the image."
    )
