# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""The headers of a VHDX image, as QEMU's block/vhdx.c accepts it (Microsoft's [MS-VHDX] has the layout)."""

from __future__ import annotations

import struct
import typing as t
import uuid

from ._header_base import SECTOR, VIRTUAL_SIZE_LIMIT, Header, Reference, Source

MAGIC = b"vhdxfile"
_HEADER_OFFSETS = (64 << 10, 128 << 10)
_HEADER_SIZE = 4 << 10
_HEADER = struct.Struct("<4sIQ16s16s16sHHIQ")
_REGIONS_OFFSET = 192 << 10
_TABLE_SIZE = 64 << 10
_TABLE_START = struct.Struct("<4sIII")
_REGION = struct.Struct("<16sQII")
_METADATA_START = struct.Struct("<8sHH20s")
_ITEM = struct.Struct("<16sIIII")
_REGION_LIMIT = _ITEM_LIMIT = 2047
_REQUIRED_REGION, _REQUIRED_ITEM = 1, 4
_LOWEST_REGION = 1 << 20
_HAS_PARENT = 2
_LOCATOR_START = struct.Struct("<16sHH")
_LOCATOR_ENTRY = struct.Struct("<IIHH")
_LOCATOR_LIMIT = 64 << 10

# QEMU replays the log only when it opens the image for writing.
_UNCLEAN = "it was not closed cleanly, and its VHDX log has to be replayed (qemu-img check -r all -f vhdx IMAGE)"


def _guid(value: str) -> bytes:
    return uuid.UUID(value).bytes_le


_METADATA = _guid("8b7ca206-4790-4b9a-b8fe-575f050f886e")
_BLOCK_TABLE = _guid("2dc27766-f623-4200-9d64-115e9bfd4a08")
_PARAMETERS = _guid("caa16737-fa36-4d43-b3b6-33f0aa44e76b")
_DISK_SIZE = _guid("2fa54224-cd1b-4876-b211-5dbed83bf4b8")
_SECTOR_SIZE = _guid("8141bf1d-a96f-4709-ba47-f233a8faab5f")
_PHYSICAL_SECTOR_SIZE = _guid("cda348c7-445d-4471-9cc9-e9885251c556")
_PAGE_83 = _guid("beca12ab-b2e6-4523-93ef-c309e000c746")
_PARENT_LOCATOR = _guid("a8d35f2d-b30b-454d-abf7-d3d84834ab0c")
_KNOWN_ITEMS = (_PARAMETERS, _DISK_SIZE, _SECTOR_SIZE, _PHYSICAL_SECTOR_SIZE, _PAGE_83, _PARENT_LOCATOR)


def read(source: Source) -> Header:
    """Read the headers, the region table and the metadata of a VHDX image.

    :raises HeaderError: not VHDX, damaged, with a log to replay, or of a kind that QEMU would not open.
    """
    if source.read_up_to(0, len(MAGIC), "header") != MAGIC:
        raise source.fail("is stated as vhdx but has no VHDX header")
    log = _active_log(source)
    metadata = _find_metadata(source)
    items = _read_items(source, metadata)
    block_size, flags = t.cast("tuple[int, int]", _item(source, items, _PARAMETERS, "<II"))
    (virtual_size,) = _item(source, items, _DISK_SIZE, "<Q")
    (sector_size,) = _item(source, items, _SECTOR_SIZE, "<I")
    backing = _parent(source, items) if flags & _HAS_PARENT or _PARENT_LOCATOR in items else None
    if not backing:
        _check_sizes(source, block_size, virtual_size, sector_size)
    return Header(
        format="vhdx",
        virtual_size=virtual_size,
        backing=backing,
        features=("subformat=" + ("fixed" if flags & 1 else "dynamic"),),
        read_refused=_UNCLEAN if log != bytes(16) else "",
        grow_refused="QEMU cannot grow a VHDX",
    )


def _check_sizes(source: Source, block_size: int, virtual_size: int, sector_size: int) -> None:
    if not 1 << 20 <= block_size <= 256 << 20 or block_size & (block_size - 1):
        raise source.fail(f"has an invalid VHDX block size ({block_size})")
    # QEMU 7.2 does not open such a disk; the code of earlier ones counts its sectors as if they had 512 bytes.
    if sector_size != SECTOR:
        raise source.fail(
            f"has logical sectors of {sector_size} bytes, which QEMU does not support",
            hint="Convert it to 512-byte sectors with Hyper-V (Convert-VHD, Set-VHD).",
        )
    if not 0 < virtual_size <= VIRTUAL_SIZE_LIMIT or virtual_size % SECTOR:
        raise source.fail(f"claims an impossible virtual size ({virtual_size} bytes)")


def _active_log(source: Source) -> bytes:
    """Return the identifier of the log of the newer header, zeros where there is nothing to replay."""
    valid = []
    for offset in _HEADER_OFFSETS:
        data = source.read(offset, _HEADER_SIZE, "header")
        signature, _sum, sequence, _file, _write, log, _log_version, version, _length, _at = _HEADER.unpack_from(data)
        if signature == b"head" and version == 1 and _checksum_is_right(data):
            valid.append((sequence, log))
    if not valid:
        raise source.fail("is damaged: neither of its two VHDX headers is valid")
    return bytes(max(valid)[1])


def _find_metadata(source: Source) -> int:
    data = source.read(_REGIONS_OFFSET, _TABLE_SIZE, "region table")
    signature, _sum, count, _reserved = _TABLE_START.unpack_from(data)
    if signature != b"regi" or count > _REGION_LIMIT or not _checksum_is_right(data):
        raise source.fail("is damaged: its VHDX region table is invalid")
    found: dict[bytes, int] = {}
    for index in range(count):
        guid, offset, length, flags = _REGION.unpack_from(data, _TABLE_START.size + index * _REGION.size)
        if guid in found:
            raise source.fail("is damaged: its VHDX region table has an entry twice")
        if guid not in (_METADATA, _BLOCK_TABLE) and flags & _REQUIRED_REGION:
            raise source.fail(f"needs a VHDX feature that is unknown here ({uuid.UUID(bytes_le=guid)})")
        if offset < _LOWEST_REGION or offset + length > source.size:
            raise source.fail("is truncated or damaged: a VHDX region lies outside of the file")
        found[guid] = offset
    if _METADATA not in found or _BLOCK_TABLE not in found:
        raise source.fail("is damaged: its VHDX region table is incomplete")
    return found[_METADATA]


def _read_items(source: Source, start: int) -> dict[bytes, tuple[int, int]]:
    """Return where each metadata item is and how long, by its GUID."""
    data = source.read(start, _TABLE_SIZE, "metadata table")
    signature, _reserved, count, _rest = _METADATA_START.unpack_from(data)
    if signature != b"metadata" or count > _ITEM_LIMIT:
        raise source.fail("is damaged: its VHDX metadata table is invalid")
    items: dict[bytes, tuple[int, int]] = {}
    for index in range(count):
        guid, offset, length, flags, _zero = _ITEM.unpack_from(data, _METADATA_START.size + index * _ITEM.size)
        if guid in items:
            raise source.fail("is damaged: its VHDX metadata table has an entry twice")
        if guid not in _KNOWN_ITEMS and flags & _REQUIRED_ITEM:
            raise source.fail(f"needs a VHDX feature that is unknown here ({uuid.UUID(bytes_le=guid)})")
        items[guid] = (start + offset, length)
    return items


def _item(source: Source, items: t.Mapping[bytes, tuple[int, int]], guid: bytes, layout: str) -> tuple[t.Any, ...]:
    if guid not in items:
        raise source.fail("is damaged: its VHDX metadata is incomplete")
    return source.unpack(struct.Struct(layout), items[guid][0], "metadata")


def _parent(source: Source, items: t.Mapping[bytes, tuple[int, int]]) -> Reference:
    """Return the parent by the name that the locator has for it; by none where the locator is missing or damaged."""
    offset, length = items.get(_PARENT_LOCATOR, (0, 0))
    if not _LOCATOR_START.size <= length <= _LOCATOR_LIMIT:
        return Reference("parent", "")
    data = source.read(offset, length, "parent locator")
    values = _locator_values(data)
    for key in ("relative_path", "absolute_win32_path", "volume_path", "parent_linkage"):
        if values.get(key):
            return Reference("parent", values[key])
    return Reference("parent", "")


def _locator_values(data: bytes) -> dict[str, str]:
    _kind, _reserved, count = _LOCATOR_START.unpack_from(data)
    count = min(count, (len(data) - _LOCATOR_START.size) // _LOCATOR_ENTRY.size)
    values = {}
    for index in range(count):
        entry = _LOCATOR_ENTRY.unpack_from(data, _LOCATOR_START.size + index * _LOCATOR_ENTRY.size)
        key_at, value_at, key_size, value_size = entry
        key = data[key_at : key_at + key_size].decode("utf-16-le", "replace")
        values[key] = data[value_at : value_at + value_size].decode("utf-16-le", "replace")
    return values


def _checksum_is_right(data: bytes) -> bool:
    return struct.unpack_from("<I", data, 4)[0] == crc32c(data[:4] + bytes(4) + data[8:])


def crc32c(data: bytes) -> int:
    """Return the Castagnoli checksum of ``data``, which the standard library lacks; about 5 ms for 64 KiB."""
    value = 0xFFFFFFFF
    for byte in data:
        value = _CRC_TABLE[(value ^ byte) & 0xFF] ^ (value >> 8)
    return value ^ 0xFFFFFFFF


def _crc_entry(value: int) -> int:
    for _bit in range(8):
        value = (value >> 1) ^ (0x82F63B78 if value & 1 else 0)
    return value


_CRC_TABLE = tuple(_crc_entry(value) for value in range(256))
