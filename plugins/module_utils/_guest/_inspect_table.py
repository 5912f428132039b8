# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""The partition table of a disk, told from its first sectors.

``part_list`` and its like start parted or sgdisk for each fact, 0.7 to 1.9 s a call under emulation; the sectors that
hold all of it are one read away. What the kernel would refuse is refused here too (a damaged GPT, an MBR whose boot
flags are neither 0 nor 0x80), and then the appliance is asked what it sees.

Layouts: UEFI specification 2.10, sections 5.2 (MBR) and 5.3 (GPT); the kernel's block/partitions.
"""

from __future__ import annotations

import binascii
import dataclasses
import struct
import typing as t
import uuid as _uuid

SECTOR = 512
_EXTENDED = (0x05, 0x0F, 0x85)
_PROTECTIVE = 0xEE
_MAX_LOGICAL = 60
_MAX_ENTRIES = 1024
_LEGACY_BOOT = 1 << 2

ESP_GUID = "C12A7328-F81F-11D2-BA4B-00A0C93EC93B"
# Partitions that hold no file system: BIOS boot, Microsoft reserved, and the two that the kernel's LDM driver takes.
RAW_TYPES = (
    "21686148-6449-6E6F-744E-656564454649",
    "E3C9E316-0B5C-4DB8-817D-F92DF00215AE",
    "5808C8AA-7E8F-42E0-85D2-E1E90434CFB3",
    "AF9B60A0-1431-4F62-BC68-3311714A69AD",
)


class TableUnclear(Exception):
    """The table is damaged or of a kind not understood here."""


class ReadDisk(t.Protocol):
    """Read ``count`` bytes from ``offset`` on; fewer at the end of the disk."""

    def __call__(self, count: int, offset: int) -> bytes: ...


@dataclasses.dataclass(frozen=True)
class Partition:
    """One partition.

    :param number: as in the device's name: /dev/sda**5**.
    :param start: first byte; ``end`` is the last one, inclusive (as libguestfs's part_list counts).
    :param type: GPT: the type's GUID in capitals; msdos: ``0x83``.
    :param guid: GPT: the partition's own GUID; msdos: disk signature and number, as PARTUUID= writes it.
    :param name: GPT only.
    :param bootable: msdos: the active flag; GPT: the attribute for legacy BIOS.
    """

    number: int
    start: int
    end: int
    type: str
    guid: str | None = None
    name: str | None = None
    bootable: bool = False
    extended: bool = False

    @property
    def size(self) -> int:
        """In bytes."""
        return self.end - self.start + 1

    @property
    def is_esp(self) -> bool:
        return self.type in (ESP_GUID, "0xef")


@dataclasses.dataclass(frozen=True)
class Table:
    """A partition table: ``gpt`` or ``msdos``, as libguestfs's part_get_parttype names them."""

    kind: str
    partitions: tuple[Partition, ...]
    guid: str | None = None


def read_table(head: bytes, read: ReadDisk) -> Table | None:
    """Return the table of the disk that begins with ``head``; None where there is none.

    :raises TableUnclear: there is one and it is not plain.
    """
    if head[510:512] != b"\x55\xaa" or _is_boot_sector(head):
        return None
    entries = [_mbr_entry(head, 446 + 16 * index) for index in range(4)]
    if any(flag not in (0x00, 0x80) for flag, _type, _start, _count in entries):
        return None
    if any(kind == _PROTECTIVE for _flag, kind, _start, _count in entries):
        return _gpt(head, read)
    return _msdos(head, entries, read)


def _is_boot_sector(head: bytes) -> bool:
    """A FAT or NTFS that fills the whole disk ends its first sector as an MBR does."""
    return head[3:11] == b"NTFS    " or head[0x36:0x39] == b"FAT" or head[0x52:0x57] == b"FAT32"


def _mbr_entry(sector: bytes, at: int) -> tuple[int, int, int, int]:
    flag, kind, start, count = struct.unpack_from("<B3xB3xII", sector.ljust(SECTOR, b"\0"), at)
    return flag, kind, start, count


def _msdos(head: bytes, entries: list[tuple[int, int, int, int]], read: ReadDisk) -> Table | None:
    signature = int.from_bytes(head[440:444], "little")
    found = [
        _mbr_partition(number, entry, 0, signature) for number, entry in enumerate(entries, 1) if entry[1] and entry[3]
    ]
    for container in [part for part in found if part.extended]:
        found += _logicals(container.start // SECTOR, signature, read)
    return Table("msdos", tuple(found), f"{signature:08x}") if found else None


def _mbr_partition(number: int, entry: tuple[int, int, int, int], base: int, signature: int) -> Partition:
    flag, kind, start, count = entry
    first = (base + start) * SECTOR
    return Partition(
        number=number,
        start=first,
        end=first + count * SECTOR - 1,
        type=f"0x{kind:02x}",
        guid=f"{signature:08x}-{number:02x}",
        bootable=flag == 0x80,
        extended=kind in _EXTENDED,
    )


def _logicals(base: int, signature: int, read: ReadDisk) -> list[Partition]:
    """Follow the chain of extended boot records, whose first entry is relative to itself and second to ``base``."""
    found: list[Partition] = []
    here, seen = base, set()
    while here not in seen and len(found) < _MAX_LOGICAL:
        seen.add(here)
        sector = read(SECTOR, here * SECTOR)
        if sector[510:512] != b"\x55\xaa":
            break
        data, link = _mbr_entry(sector, 446), _mbr_entry(sector, 462)
        if data[1] and data[3]:
            found.append(_mbr_partition(5 + len(found), data, here, signature))
        if link[1] not in _EXTENDED or not link[3]:
            break
        here = base + link[2]
    return found


def _gpt(head: bytes, read: ReadDisk) -> Table:
    header = head[SECTOR : 2 * SECTOR]
    if header[:8] != b"EFI PART":
        raise TableUnclear("no GPT header behind a protective MBR")
    size, crc = struct.unpack_from("<II", header, 12)
    array_at, count, width, array_crc = struct.unpack_from("<QIII", header, 72)
    if not 92 <= size <= SECTOR or binascii.crc32(header[:16] + b"\0\0\0\0" + header[20:size]) != crc:
        raise TableUnclear("the GPT header's checksum is wrong")
    if not 0 < count <= _MAX_ENTRIES or width not in (128, 256, 512) or array_at >= 1 << 40:
        raise TableUnclear("the GPT header makes no sense")
    array = head[array_at * SECTOR : array_at * SECTOR + count * width]
    if len(array) < count * width:
        array = read(count * width, array_at * SECTOR)
    if binascii.crc32(array) != array_crc:
        raise TableUnclear("the checksum of GPT's entries is wrong")
    rows = (_gpt_partition(number, array[width * (number - 1) :][:128]) for number in range(1, count + 1))
    return Table("gpt", tuple(row for row in rows if row), str(_guid(header[56:72])))


def _guid(raw: bytes) -> str:
    return str(_uuid.UUID(bytes_le=raw)).upper()


def _gpt_partition(number: int, entry: bytes) -> Partition | None:
    kind, guid = entry[:16], entry[16:32]
    first, last, attributes = struct.unpack_from("<QQQ", entry, 32)
    if not any(kind) or last < first or last >= 1 << 48:
        return None
    name = entry[56:128].decode("utf-16-le", "replace").split("\0", 1)[0]
    return Partition(
        number=number,
        start=first * SECTOR,
        end=(last + 1) * SECTOR - 1,
        type=_guid(kind),
        guid=_guid(guid),
        name=name,
        bootable=bool(attributes & _LEGACY_BOOT),
    )
