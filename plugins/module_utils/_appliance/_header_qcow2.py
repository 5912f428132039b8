# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""The header of a qcow2 image, versions 2 and 3 (QEMU's docs/interop/qcow2, and what its block/qcow2.c accepts)."""

from __future__ import annotations

import struct
import typing as t
from dataclasses import dataclass

from .._errors import printable
from ._header_base import SECTOR, VIRTUAL_SIZE_LIMIT, Header, Reference, Source, text

MAGIC = b"QFI\xfb"
_V2 = struct.Struct(">4sIQIIQIIQQIIQ")
_V3 = struct.Struct(">QQQII")
_V3_LENGTH = _V2.size + _V3.size
_COMPRESSION_OFFSET = 104
_NAME_LIMIT = 1023
_L1_LIMIT = 32 << 20
_SNAPSHOT_LIMIT = 65536

DIRTY, CORRUPT, DATA_FILE, COMPRESSION, EXTENDED_L2 = (1 << bit for bit in range(5))
_INCOMPATIBLE = {
    DIRTY: "dirty",
    CORRUPT: "corrupt",
    DATA_FILE: "external data file",
    COMPRESSION: "compression type",
    EXTENDED_L2: "extended L2 entries",
}
_LAZY_REFCOUNTS = 1
_RAW_DATA_FILE = 2

_EXTENSION = struct.Struct(">II")
_END = 0
_BACKING_FORMAT = 0xE2792ACA
_DATA_FILE_NAME = 0x44415441
_ENCRYPTION = 0x0537BE77
_BITMAPS = 0x23852875


@dataclass(frozen=True)
class _Fields:
    """The fixed part of the header, with version 3's fields as they are assumed for version 2."""

    version: int
    backing_offset: int
    backing_size: int
    cluster_bits: int
    size: int
    encryption: int
    l1_entries: int
    snapshots: int
    incompatible: int = 0
    compatible: int = 0
    autoclear: int = 0
    refcount_order: int = 4
    length: int = _V2.size

    @property
    def cluster_size(self) -> int:
        return 1 << self.cluster_bits


def read(source: Source) -> Header:
    """Read a qcow2 header.

    :raises HeaderError: not qcow2, damaged, marked corrupt, encrypted, or of a kind that QEMU would not open.
    """
    fields = _read_fields(source)
    _check_features(source, fields)
    _check_sizes(source, fields)
    extensions = _read_extensions(source, fields)
    return Header(
        format="qcow2",
        # QEMU counts whole sectors and drops what is left over.
        virtual_size=fields.size // SECTOR * SECTOR,
        backing=_backing(source, fields, extensions),
        data_file=_data_file(fields, extensions),
        features=_features(fields, extensions),
        grow_refused=_grow_refused(fields),
    )


def _read_fields(source: Source) -> _Fields:
    magic, version, offset, name_size, bits, size, encryption, l1_entries, _l1, _refcount, _clusters, snapshots, _at = (
        source.unpack(_V2, 0, "header")
    )
    if magic != MAGIC:
        raise source.fail("is stated as qcow2 but has no qcow2 header")
    if version not in (2, 3):
        raise source.fail(f"is qcow2 of version {version}, which is not supported; versions 2 and 3 are")
    extra: tuple[int, ...] = source.unpack(_V3, _V2.size, "header") if version == 3 else ()
    return _Fields(version, offset, name_size, bits, size, encryption, l1_entries, snapshots, *extra)


def _check_features(source: Source, fields: _Fields) -> None:
    unknown = fields.incompatible & ~sum(_INCOMPATIBLE)
    if unknown:
        raise source.fail(
            f"uses qcow2 features that are unknown here (incompatible feature bits {unknown:#x})",
            hint="Rewrite it with the QEMU that made it: qemu-img convert -f qcow2 -O qcow2 IMAGE NEW.",
        )
    if fields.incompatible & CORRUPT:
        raise source.fail(
            "is marked as corrupt by QEMU",
            hint="Make a copy, then try to repair the image: qemu-img check -r all -f qcow2 IMAGE.",
        )
    if fields.encryption:
        raise _encrypted(source)


def _encrypted(source: Source) -> Exception:
    return source.fail(
        "is encrypted by QEMU (qcow2 encryption), which is not supported",
        hint="Encryption inside the guest (LUKS partitions) is. Decrypt this image with qemu-img convert.",
    )


def _check_sizes(source: Source, fields: _Fields) -> None:
    least_bits = 14 if fields.incompatible & EXTENDED_L2 else 9
    if not least_bits <= fields.cluster_bits <= 21:
        raise source.fail(f"has an invalid qcow2 cluster size (2 to the power of {fields.cluster_bits})")
    least_length = _V2.size if fields.version == 2 else _V3_LENGTH
    if not least_length <= fields.length <= fields.cluster_size or fields.length % 8:
        raise source.fail(f"has an invalid qcow2 header length ({fields.length})")
    if fields.refcount_order > 6:
        raise source.fail(f"has an invalid qcow2 reference count width (2 to the power of {fields.refcount_order})")
    if fields.snapshots > _SNAPSHOT_LIMIT:
        raise source.fail(f"claims to have {fields.snapshots} snapshots; {_SNAPSHOT_LIMIT} is the most there can be")
    _check_l1(source, fields)
    _check_compression(source, fields)


def _check_l1(source: Source, fields: _Fields) -> None:
    if fields.size > VIRTUAL_SIZE_LIMIT:
        raise source.fail(f"claims an impossible virtual size ({fields.size} bytes)")
    if fields.l1_entries * 8 > _L1_LIMIT:
        raise source.fail(f"has an L1 table that is too large ({fields.l1_entries} entries)")
    entry_size = 16 if fields.incompatible & EXTENDED_L2 else 8
    covered_by_entry = fields.cluster_size * (fields.cluster_size // entry_size)
    if fields.l1_entries * covered_by_entry < fields.size:
        raise source.fail(f"has an L1 table that is too small for its virtual size ({fields.size} bytes)")


def _check_compression(source: Source, fields: _Fields) -> None:
    stated = fields.length > _COMPRESSION_OFFSET
    kind = source.read(_COMPRESSION_OFFSET, 1, "header")[0] if stated else 0
    if kind > 1 or bool(kind) != bool(fields.incompatible & COMPRESSION):
        raise source.fail(f"has an invalid qcow2 compression type ({kind})")


def _read_extensions(source: Source, fields: _Fields) -> t.Mapping[int, bytes]:
    """Return the header extensions by type.

    They end with an end mark, or where the backing file's name begins, or with the first cluster. A type that occurs
    twice is refused for all those that are read here: QEMU takes the last one, other readers the first.
    """
    end = fields.backing_offset or fields.cluster_size
    if end > fields.cluster_size:
        raise source.fail("has a backing file name outside of its first cluster")
    offset = fields.length
    found: dict[int, bytes] = {}
    while offset < end:
        kind, length = source.unpack(_EXTENSION, offset, "header extension")
        offset += _EXTENSION.size
        if kind == _END:
            break
        if length > end - offset:
            raise source.fail(f"has a header extension of {length} bytes, which is too long")
        if kind in found:
            raise source.fail(f"has the header extension {kind:#010x} twice")
        found[kind] = source.read(offset, length, "header extension")
        offset += -(-length // 8) * 8
    if _ENCRYPTION in found:
        raise _encrypted(source)
    return found


def _backing(source: Source, fields: _Fields, extensions: t.Mapping[int, bytes]) -> Reference | None:
    if not fields.backing_offset:
        return None
    room = min(_NAME_LIMIT, fields.cluster_size - fields.backing_offset)
    if fields.backing_offset < fields.length or not 0 < fields.backing_size <= room:
        raise source.fail(f"has an invalid backing file name ({fields.backing_size} bytes)")
    name = source.read(fields.backing_offset, fields.backing_size, "backing file name")
    format_name = extensions.get(_BACKING_FORMAT)
    # QEMU ends both at a NUL byte, another reader may not: what is named would depend on who looks.
    if b"\0" in name or b"\0" in (format_name or b""):
        raise source.fail(f"has a NUL byte in the name or format of its backing file {printable(name)}")
    return Reference("backing file", text(name), text(format_name) if format_name else None)


def _data_file(fields: _Fields, extensions: t.Mapping[int, bytes]) -> Reference | None:
    if not fields.incompatible & DATA_FILE and _DATA_FILE_NAME not in extensions:
        return None
    raw = "raw" if fields.autoclear & _RAW_DATA_FILE else None
    return Reference("external data file", text(extensions.get(_DATA_FILE_NAME, b"")), raw)


def _features(fields: _Fields, extensions: t.Mapping[int, bytes]) -> tuple[str, ...]:
    features = [f"version={fields.version}", f"cluster_size={fields.cluster_size}"]
    features += [name for bit, name in _INCOMPATIBLE.items() if fields.incompatible & bit]
    if fields.compatible & _LAZY_REFCOUNTS:
        features.append("lazy refcounts")
    if _BITMAPS in extensions:
        features.append("bitmaps")
    if fields.snapshots:
        features.append(f"snapshots={fields.snapshots}")
    return tuple(features)


def _grow_refused(fields: _Fields) -> str:
    if fields.version == 2 and fields.snapshots:
        return "it is a version 2 qcow2 image with internal snapshots (qemu-img amend -f qcow2 -o compat=1.1 IMAGE)"
    return ""
