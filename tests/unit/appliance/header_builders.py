# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Builds image headers byte by byte, right ones and wrong ones, without any tool: the data of the hostile tests."""

from __future__ import annotations

import struct
import typing as t
import uuid

SECTOR = 512
CLUSTER = 65536
MIB = 1 << 20

BACKING_FORMAT = 0xE2792ACA
DATA_FILE = 0x44415441
ENCRYPTION = 0x0537BE77


def extension(kind: int, data: bytes, *, length: int | None = None) -> bytes:
    """A qcow2 header extension; ``length`` is what it claims to be."""
    claimed = len(data) if length is None else length
    return struct.pack(">II", kind, claimed) + data + bytes(-len(data) % 8)


def qcow2(
    *,
    version: int = 3,
    size: int = MIB,
    backing: bytes = b"",
    backing_offset: int | None = None,
    backing_size: int | None = None,
    extensions: bytes = b"",
    cluster_bits: int = 16,
    encryption: int = 0,
    incompatible: int = 0,
    compatible: int = 0,
    autoclear: int = 0,
    refcount_order: int = 4,
    header_length: int = 112,
    l1_entries: int = 1,
    snapshots: int = 0,
    allocated: bool = False,
    magic: bytes = b"QFI\xfb",
) -> bytes:
    """An empty image of five clusters (header, refcount table and block, L1 and L2 table) that QEMU opens.

    ``allocated`` maps the first guest cluster to offset 0, which is where it is in an external data file.
    """
    start = 72 if version == 2 else 112
    name_at = start + len(extensions) + 8
    if backing_offset is None:
        backing_offset = name_at if backing else 0
    if backing_size is None:
        backing_size = len(backing)
    fields = (magic, version, backing_offset, backing_size, cluster_bits, size, encryption)
    tables = (l1_entries, 3 * CLUSTER, CLUSTER, 1, snapshots, 0)
    header = struct.pack(">4sIQIIQIIQQIIQ", *fields, *tables)
    if version != 2:
        header += struct.pack(">QQQII", incompatible, compatible, autoclear, refcount_order, header_length) + bytes(8)
    first = (header + extensions + bytes(8) + backing).ljust(CLUSTER, b"\0")
    table = struct.pack(">Q", 2 * CLUSTER).ljust(CLUSTER, b"\0")
    counts = struct.pack(">5H", 1, 1, 1, 1, 1).ljust(CLUSTER, b"\0")
    once = 1 << 63
    upper = struct.pack(">Q", 4 * CLUSTER | once if allocated else 0).ljust(CLUSTER, b"\0")
    lower = struct.pack(">Q", once if allocated else 0).ljust(CLUSTER, b"\0")
    return first + table + counts + upper + lower


DESCRIPTOR = """# Disk DescriptorFile
version=1
CID={cid}
parentCID={parent_cid}
createType="{kind}"
{hint}
# Extent description
{extents}

# The Disk Data Base
#DDB
ddb.virtualHWVersion = "4"
ddb.geometry.cylinders = "2"
ddb.geometry.heads = "16"
ddb.geometry.sectors = "63"
ddb.adapterType = "ide"
"""


def vmdk_descriptor(
    extents: str, *, kind: str = "monolithicFlat", hint: str = "", parent_cid: str = "ffffffff"
) -> bytes:
    hint = f'parentFileNameHint="{hint}"' if hint else ""
    filled = DESCRIPTOR.format(cid="b1b3cac2", parent_cid=parent_cid, kind=kind, hint=hint, extents=extents)
    return filled.encode()


def vmdk_sparse(
    *,
    descriptor: bytes | None = None,
    capacity: int = 2048,
    version: int = 1,
    descriptor_offset: int = 1,
    descriptor_size: int = 20,
    directory_offset: int = 26,
    compression: int = 0,
    grain_size: int = 128,
    footer: bytes = b"",
) -> bytes:
    """A monolithicSparse image of 1 MiB without data that QEMU opens."""
    if descriptor is None:
        descriptor = vmdk_descriptor('RW 2048 SPARSE "image.vmdk"', kind="monolithicSparse")
    header = vmdk_header(
        capacity,
        version,
        descriptor_offset,
        descriptor_size,
        directory_offset=directory_offset,
        compression=compression,
    )
    return header.ljust(SECTOR, b"\0") + descriptor.ljust(127 * SECTOR, b"\0") + bytes(128 * SECTOR) + footer


def vmdk_header(
    capacity: int,
    version: int = 1,
    descriptor_offset: int = 1,
    descriptor_size: int = 20,
    *,
    directory_offset: int = 26,
    compression: int = 0,
    grain_size: int = 128,
) -> bytes:
    sizes = (capacity, grain_size, descriptor_offset, descriptor_size, 512, 21, directory_offset, 128)
    return struct.pack("<4sIIQQQQIQQQB4sH", b"KDMV", version, 3, *sizes, 0, b"\n \r\n", compression)


def vmdk_footer(capacity: int, *, kind: int = 3, **fields: t.Any) -> bytes:
    """The three sectors at the end of a stream, which overrule the header at its start; ``kind`` 3 marks a footer."""
    marker = struct.pack("<QII", 0, 0, kind).ljust(SECTOR, b"\0")
    return marker + vmdk_header(capacity, **fields).ljust(SECTOR, b"\0") + bytes(SECTOR)


def vdi(
    *,
    size: int = MIB,
    kind: int = 1,
    version: int = 0x00010001,
    blocks: int = 1,
    link: bytes = bytes(16),
    parent: bytes = bytes(16),
    block_size: int = MIB,
    sector_size: int = SECTOR,
    map_offset: int = SECTOR,
) -> bytes:
    layout = (version, 400, kind, 0, b"", map_offset, 1024, 0, 0, 0, sector_size, 0)
    header = struct.pack("<64s4sIIII256sIIIIIII", b"<<< test >>>", (0xBEDA107F).to_bytes(4, "little"), *layout)
    header += struct.pack("<QIIII", size, block_size, 0, blocks, 0) + b"\x01" * 32 + link + parent
    return header.ljust(SECTOR, b"\0") + b"\xff" * SECTOR + bytes(SECTOR)


def vhd_footer(
    *,
    kind: int = 3,
    size: int = MIB,
    creator: bytes = b"qem2",
    geometry: tuple[int, int, int] = (65535, 16, 255),
    data_offset: int = SECTOR,
    checksum: int | None = None,
) -> bytes:
    start = struct.pack(
        ">8sIIQI4sHH4sQQHBBI",
        b"conectix",
        2,
        0x10000,
        data_offset,
        0,
        creator,
        5,
        3,
        b"Wi2k",
        size,
        size,
        *geometry,
        kind,
    )
    rest = (b"\x07" * 16).ljust(SECTOR - 68, b"\0")
    right = ~sum(start + rest) & 0xFFFFFFFF
    return start + struct.pack(">I", right if checksum is None else checksum) + rest


def vhd_dynamic(
    *,
    footer: bytes | None = None,
    magic: bytes = b"cxsparse",
    entries: int = 1,
    block_size: int = 2 * MIB,
    parent_id: bytes = bytes(16),
    parent_name: str = "",
    locator: bytes = bytes(4),
    end: bytes | None = None,
) -> bytes:
    footer = vhd_footer() if footer is None else footer
    name = parent_name.encode("utf-16-be")
    header = struct.pack(
        ">8sQQIIII16sII512s", magic, 2**64 - 1, 3 * SECTOR, 0x10000, entries, block_size, 0, parent_id, 0, 0, name
    )
    header += locator.ljust(24, b"\0")
    table = b"\xff" * SECTOR
    return footer + header.ljust(2 * SECTOR, b"\0") + table + (footer if end is None else end)


def _guid(value: str) -> bytes:
    return uuid.UUID(value).bytes_le


VHDX_METADATA = _guid("8b7ca206-4790-4b9a-b8fe-575f050f886e")
VHDX_TABLE = _guid("2dc27766-f623-4200-9d64-115e9bfd4a08")
VHDX_ITEMS = {
    "parameters": _guid("caa16737-fa36-4d43-b3b6-33f0aa44e76b"),
    "size": _guid("2fa54224-cd1b-4876-b211-5dbed83bf4b8"),
    "page83": _guid("beca12ab-b2e6-4523-93ef-c309e000c746"),
    "sector": _guid("8141bf1d-a96f-4709-ba47-f233a8faab5f"),
    "physical": _guid("cda348c7-445d-4471-9cc9-e9885251c556"),
    "locator": _guid("a8d35f2d-b30b-454d-abf7-d3d84834ab0c"),
}
UNKNOWN_GUID = _guid("00112233-4455-6677-8899-aabbccddeeff")


def vhdx(
    checksum: t.Callable[[bytes], int],
    *,
    size: int = MIB,
    flags: int = 0,
    sector: int = SECTOR,
    log: bytes = bytes(16),
    locator: bytes = b"",
    metadata_at: int = 2 * MIB,
    extra_region: bytes = b"",
    extra_item: bytes = b"",
    repeat_item: bool = False,
    block_size: int = MIB,
    without: str = "",
) -> bytes:
    """An empty dynamic image that QEMU opens; ``checksum`` is CRC-32C.

    ``without`` names a metadata item to leave out, or the region ``table``.
    """

    def sealed(data: bytes) -> bytes:
        return data[:4] + struct.pack("<I", checksum(data)) + data[8:]

    image = bytearray(4 * MIB)
    image[:8] = b"vhdxfile"
    for index, place in enumerate((1 << 16, 2 << 16)):
        head = struct.pack("<4sIQ16s16s16sHHIQ", b"head", 0, index + 1, b"\x01" * 16, b"\x02" * 16, log, 0, 1, MIB, MIB)
        image[place : place + 4096] = sealed(head.ljust(4096, b"\0"))
    regions = struct.pack("<16sQII", VHDX_TABLE, 3 * MIB, MIB, 1) + struct.pack(
        "<16sQII", VHDX_METADATA, metadata_at, MIB, 1
    )
    regions = (regions[32:] if without == "table" else regions) + extra_region
    for place in (3 << 16, 4 << 16):
        table = struct.pack("<4sIII", b"regi", 0, len(regions) // 32, 0) + regions
        image[place : place + 65536] = sealed(table.ljust(65536, b"\0"))
    values = {
        "parameters": struct.pack("<II", block_size, flags),
        "size": struct.pack("<Q", size),
        "page83": b"\x03" * 16,
        "sector": struct.pack("<I", sector),
        "physical": struct.pack("<I", 4096),
    }
    if locator:
        values["locator"] = locator
    values.pop(without, None)
    items, offset = b"", 65536
    for name, value in values.items():
        items += struct.pack("<16sIIII", VHDX_ITEMS[name], offset, len(value), 4 if name != "parameters" else 6, 0)
        image[2 * MIB + offset : 2 * MIB + offset + len(value)] = value
        offset += len(value)
    items += extra_item + (items[:32] if repeat_item else b"")
    image[2 * MIB : 2 * MIB + 32 + len(items)] = struct.pack("<8sHH20x", b"metadata", 0, len(items) // 32) + items
    return bytes(image)


def vhdx_locator(path: str) -> bytes:
    key, value = "relative_path".encode("utf-16-le"), path.encode("utf-16-le")
    entry = struct.pack("<IIHH", 32, 32 + len(key), len(key), len(value))
    start = struct.pack("<16sHH", _guid("b04aefb7-d19e-4a81-b789-25b8e9445913"), 0, 1)
    return (start + entry).ljust(32, b"\0") + key + value
