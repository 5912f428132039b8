# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""The footer of a VHD image (QEMU calls the format ``vpc``), as QEMU's block/vpc.c accepts it.

A dynamic image has a copy of its footer at the start; a fixed one has guest data there. The guest of a fixed image can
therefore forge that copy, so the two ends must agree.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from .._errors import printable
from ._header_base import SECTOR, Header, Reference, Source

MAGIC = b"conectix"
_FOOTER = struct.Struct(">8sIIQI4sHH4sQQHBBII16sB427s")
_CHECKSUM_AT = 64
_FIXED, _DYNAMIC, _DIFFERENCING = 2, 3, 4
_NAMES = {_FIXED: "fixed", _DYNAMIC: "dynamic", _DIFFERENCING: "differencing"}

_SPARSE_MAGIC = b"cxsparse"
_SPARSE = struct.Struct(">8sQQIIII16sII512s")
_LOCATOR = struct.Struct(">4sIIIQ")
_LOCATORS = 8

_GEOMETRY_LIMIT = 65535 * 16 * 255
_SECTOR_LIMIT = 0xFF000000
# Who writes a size that is meant; the others mean the geometry, which cannot express every size.
_SIZE_CREATORS = (b"win ", b"qem2", b"d2v ", b"CTXS", b"tap\0")
_AZURE = b"wa\0\0"


@dataclass(frozen=True)
class _Footer:
    data_offset: int
    creator: bytes
    current_size: int
    geometry: int
    """Sectors by cylinders, heads and sectors."""
    kind: int


def read(source: Source) -> Header:
    """Read a VHD footer and, for a dynamic disk, the header it points to.

    :raises HeaderError: not VHD, damaged, ambiguous, or of a kind that QEMU would not open.
    """
    footer = _find_footer(source)
    sectors = _sectors(source, footer)
    if not 0 < sectors <= _SECTOR_LIMIT:
        raise source.fail(f"claims an impossible virtual size ({sectors} sectors)")
    backing = None
    if footer.kind == _FIXED:
        if sectors * SECTOR > source.size - SECTOR:
            raise source.fail(f"is truncated: {sectors * SECTOR} bytes of data do not fit into {source.size} bytes")
    else:
        backing = _read_sparse(source, footer, sectors)
    return Header(
        format="vpc",
        virtual_size=sectors * SECTOR,
        backing=backing,
        features=(f"subformat={_NAMES[footer.kind]}", f"creator={printable(footer.creator)}"),
        grow_refused="QEMU cannot grow a VHD",
    )


def _find_footer(source: Source) -> _Footer:
    at_start = source.read_up_to(0, SECTOR, "header")
    if len(at_start) < SECTOR:
        raise source.fail(f"is truncated: a VHD image has more than {source.size} bytes")
    at_end = source.read(source.size - SECTOR, SECTOR, "footer") if source.size >= 2 * SECTOR else b""
    if not at_start.startswith(MAGIC):
        if not at_end.startswith(MAGIC):
            raise source.fail("is stated as vpc but has no VHD footer")
        footer = _parse_footer(source, at_end)
        if footer.kind != _FIXED:
            raise source.fail(f"is a {_NAMES[footer.kind]} VHD without a header at its start")
        return footer
    footer = _parse_footer(source, at_start)
    claims_fixed = at_end.startswith(MAGIC) and _parse_footer(source, at_end).kind == _FIXED
    if footer.kind == _FIXED or claims_fixed:
        raise source.fail(
            "is ambiguous: it ends as a fixed VHD but begins with a VHD header",
            hint="A guest can write such a header into a fixed disk to have it read as something else.",
        )
    return footer


def _parse_footer(source: Source, data: bytes) -> _Footer:
    values = _FOOTER.unpack(data)
    cylinders, heads, per_track, kind, checksum = values[11:16]
    without = data[:_CHECKSUM_AT] + bytes(4) + data[_CHECKSUM_AT + 4 :]
    if checksum != ~sum(without) & 0xFFFFFFFF:
        raise source.fail("has a damaged VHD footer: its checksum is wrong")
    if kind not in _NAMES:
        raise source.fail(f"is a VHD of type {kind}, which is not supported; fixed and dynamic disks are")
    return _Footer(values[3], values[5], values[10], cylinders * heads * per_track, kind)


def _sectors(source: Source, footer: _Footer) -> int:
    by_size = footer.current_size // SECTOR
    if footer.creator in _SIZE_CREATORS or footer.geometry == _GEOMETRY_LIMIT:
        return by_size
    if footer.creator == _AZURE and by_size != footer.geometry:
        # QEMU before 10.0 goes by the geometry and cuts the end of the disk off, later ones go by the size.
        raise source.fail(
            f"was exported by Azure, and its size depends on the version of QEMU "
            f"({footer.geometry * SECTOR} or {footer.current_size} bytes)",
            hint="Convert it once: qemu-img convert --image-opts driver=vpc,force_size_calc=current_size,"
            "file.driver=file,file.filename=IMAGE -O qcow2 NEW.",
        )
    return footer.geometry


def _read_sparse(source: Source, footer: _Footer, sectors: int) -> Reference | None:
    values = source.unpack(_SPARSE, footer.data_offset, "dynamic disk header")
    magic, _next, table, _version, entries, block_size, _checksum, parent_id, _stamp, _reserved, name = values
    if magic != _SPARSE_MAGIC:
        raise source.fail("has a damaged VHD header: the header of the dynamic disk is missing")
    parent = _parent(source, footer, parent_id, name)
    if parent:
        return parent
    if block_size < SECTOR or block_size & (block_size - 1) or entries * block_size < sectors * SECTOR:
        raise source.fail(f"has an invalid VHD block table ({entries} blocks of {block_size} bytes)")
    if table + entries * 4 > source.size:
        raise source.fail("is truncated or damaged: its block table would lie outside of the file")
    return None


def _parent(source: Source, footer: _Footer, parent_id: bytes, name: bytes) -> Reference | None:
    locators = source.read(footer.data_offset + _SPARSE.size, _LOCATOR.size * _LOCATORS, "parent locators")
    used = any(code != bytes(4) for code, *_rest in _LOCATOR.iter_unpack(locators))
    if footer.kind != _DIFFERENCING and parent_id == bytes(16) and not used:
        return None
    shown = name.decode("utf-16-be", "replace").split("\0", 1)[0]
    return Reference("parent", shown or f"UUID {parent_id.hex()}")
