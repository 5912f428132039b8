# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""The header of a VMDK image: a sparse file with its descriptor inside, or a text descriptor that names other files.

Only the first kind can be used: a text descriptor is a list of host files to open (CVE-2024-32498). What QEMU's
block/vmdk.c does with such a file decides what has to be looked at:

- a sparse header with a capacity of 0 makes it open the embedded descriptor's extents as files;
- in every other sparse file it ignores the extents, and takes ``parentFileNameHint`` from anywhere in the 20 sectors
  after the first one, wherever the header says that the descriptor is;
- where the header says that the grain directory is at the end, a second header at the end of the file replaces it.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass

from ._header_base import SECTOR, VIRTUAL_SIZE_LIMIT, Header, Reference, Source, round_up, text

MAGIC = b"KDMV"
_COWD = b"COWD"
_SPARSE = struct.Struct("<4sIIQQQQIQQQB4sH")
_MARKER = struct.Struct("<QII")
_FOOTER_MARKER, _END_OF_STREAM_MARKER = 3, 0
_DIRECTORY_AT_END = 0xFFFFFFFFFFFFFFFF
_DEFLATE = 1
_DESCRIPTOR_OFFSET = SECTOR
_DESCRIPTOR_SIZE = 20 * SECTOR
_DESCRIPTOR_LIMIT = 64 << 10
_TEXT_LIMIT = (1 << 20) - 1

_EXTENT = re.compile(
    rb'^[ \t]*(?:RW|RDONLY|NOACCESS)[ \t]+(\d{1,19})[ \t]+(\w{1,20})(?:[ \t]+"([^"\r\n]*)")?', re.MULTILINE
)
_FIELD = re.compile(rb'^[ \t]*(\w{1,40})[ \t]*=[ \t]*"?([^"\r\n]*)"?', re.MULTILINE)
_HINT = b"parentFileNameHint"
_HINT_VALUE = re.compile(rb'parentFileNameHint[^"\r\n]{0,8}"([^"\r\n\0]*)')
_NO_PARENT = 0xFFFFFFFF


@dataclass(frozen=True)
class _Sparse:
    version: int
    capacity: int
    grain_size: int
    descriptor_offset: int
    descriptor_size: int
    table_entries: int
    directory_offset: int
    data_offset: int
    compression: int


@dataclass(frozen=True)
class _Extent:
    sectors: int
    kind: str
    name: str


def read(source: Source) -> Header:
    """Read a VMDK header or descriptor.

    :raises HeaderError: not VMDK, damaged, or of a kind that cannot be used as one file.
    """
    magic = source.read_up_to(0, 4, "header")
    if magic == MAGIC:
        return _read_sparse(source)
    if magic == _COWD:
        raise source.fail(
            "is a VMDK of the COWD kind (ESX copy-on-write), which is not supported",
            hint="Convert it where it comes from, for example with vmkfstools -i.",
        )
    return _read_text(source)


def _read_text(source: Source) -> Header:
    content = source.read_up_to(0, _TEXT_LIMIT, "descriptor")
    extents = _extents(content)
    if not extents or not re.search(rb"createType", content):
        raise source.fail("is stated as vmdk but has neither a VMDK header nor a VMDK descriptor")
    return Header(
        format="vmdk",
        virtual_size=sum(extent.sectors for extent in extents) * SECTOR,
        extents=tuple(Reference("extent", extent.name) for extent in extents),
        features=("descriptor",),
    )


def _read_sparse(source: Source) -> Header:
    first = _unpack_sparse(source, 0)
    descriptor = _read_descriptor(source, first)
    effective = _footer(source) if first.capacity and first.directory_offset == _DIRECTORY_AT_END else first
    extents = _foreign_extents(descriptor, opened=first.capacity == 0)
    if not extents:
        _check_sparse(source, effective)
    compressed = effective.compression == _DEFLATE
    return Header(
        format="vmdk",
        virtual_size=effective.capacity * SECTOR,
        backing=_parent(source, descriptor),
        extents=extents,
        features=(f"version={effective.version}", "subformat=" + ("streamOptimized" if compressed else "sparse")),
        write_refused=_write_refused(effective, compressed),
        grow_refused="QEMU cannot grow a VMDK",
    )


def _unpack_sparse(source: Source, offset: int) -> _Sparse:
    (
        magic,
        version,
        _flags,
        capacity,
        grain,
        desc_offset,
        desc_size,
        entries,
        _rgd,
        directory,
        data,
        _u,
        _c,
        packed,
    ) = source.unpack(_SPARSE, offset, "header")
    if magic != MAGIC:
        raise source.fail("has no VMDK footer where its header says that there is one")
    return _Sparse(version, capacity, grain, desc_offset, desc_size, entries, directory, data, packed)


def _footer(source: Source) -> _Sparse:
    """Return the header at the end of a stream: one sector for its marker, itself, and the end-of-stream marker."""
    start = round_up(source.size) - 3 * SECTOR
    first = source.unpack(_MARKER, start, "footer")
    last = source.unpack(_MARKER, start + 2 * SECTOR, "footer")
    if first[1:] != (0, _FOOTER_MARKER) or last != (0, 0, _END_OF_STREAM_MARKER):
        raise source.fail("has no VMDK footer where its header says that there is one")
    return _unpack_sparse(source, start + SECTOR)


def _read_descriptor(source: Source, header: _Sparse) -> bytes:
    size = header.descriptor_size * SECTOR
    if header.descriptor_offset * SECTOR != _DESCRIPTOR_OFFSET or not 0 < size <= _DESCRIPTOR_LIMIT:
        raise source.fail("has its VMDK descriptor at an unusual place, which is not supported")
    # All that QEMU may look at: a hint behind the descriptor's stated end counts for it too.
    content = source.read_up_to(_DESCRIPTOR_OFFSET, max(size, _DESCRIPTOR_SIZE), "descriptor")
    if not _field(content, b"CID"):
        raise source.fail("has no VMDK descriptor")
    return content


def _check_sparse(source: Source, header: _Sparse) -> None:
    if header.version not in (1, 2, 3):
        raise source.fail(f"is VMDK of version {header.version}, which is not supported")
    if not 0 < header.capacity * SECTOR <= VIRTUAL_SIZE_LIMIT:
        raise source.fail(f"claims an impossible virtual size ({header.capacity} sectors)")
    if not 0 < header.table_entries <= 512 or not 0 < header.grain_size <= 0x200000:
        raise source.fail("has an invalid VMDK grain table")
    if header.data_offset * SECTOR > round_up(source.size):
        raise source.fail("is truncated: its data would begin behind the end of the file")
    if header.compression > _DEFLATE:
        raise source.fail(f"has an unknown VMDK compression ({header.compression})")


def _extents(descriptor: bytes) -> list[_Extent]:
    found = _EXTENT.findall(descriptor)
    return [_Extent(int(size), text(kind), text(name)) for size, kind, name in found]


def _foreign_extents(descriptor: bytes, *, opened: bool) -> tuple[Reference, ...]:
    """Return the extents that are not this file itself.

    The one extent of an embedded descriptor is the file under the name it was made with. QEMU does not open it by
    that name, and people rename images, so any plain name is the file itself, unless ``opened``.
    """
    extents = _extents(descriptor)
    if not opened and len(extents) == 1 and extents[0].kind == "SPARSE" and _is_plain(extents[0].name):
        return ()
    return tuple(Reference("extent", extent.name) for extent in extents)


def _is_plain(name: str) -> bool:
    return bool(name) and not re.search(r"[/:\\\0]", name)


def _parent(source: Source, descriptor: bytes) -> Reference | None:
    hint = _HINT_VALUE.search(descriptor)
    if hint or _HINT in descriptor:
        return Reference("parent", text(hint.group(1)) if hint else "", "vmdk")
    try:
        parent = int(_field(descriptor, b"parentCID") or b"", 16)
    except ValueError as error:
        raise source.fail("has a damaged VMDK descriptor: no parentCID") from error
    return None if parent == _NO_PARENT else Reference("parent", f"parentCID={parent:08x}", "vmdk")


def _field(descriptor: bytes, name: bytes) -> bytes | None:
    for key, value in _FIELD.findall(descriptor):
        if key == name:
            return bytes(value).strip()
    return None


def _write_refused(header: _Sparse, compressed: bool) -> str:
    if compressed:
        return "QEMU cannot overwrite data in a streamOptimized VMDK (qemu-img convert -f vmdk -O qcow2 IMAGE NEW)"
    if header.version == 3:
        return "QEMU opens a VMDK of version 3 for reading only (qemu-img convert -f vmdk -O qcow2 IMAGE NEW)"
    return ""
