# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""The header of a VirtualBox VDI image, as QEMU's block/vdi.c accepts it."""

from __future__ import annotations

import struct
import uuid

from ._header_base import SECTOR, Header, Reference, Source, round_up

MAGIC = (0xBEDA107F).to_bytes(4, "little")
MAGIC_OFFSET = 0x40
# signature, version, header size, type, flags, description, map and data offset, geometry, sector size, unused,
# disk size, block size, extra, blocks, allocated, then four UUIDs: image, last snapshot, link, parent
_LAYOUT = struct.Struct("<4sIIII256sIIIIIIIQIIII16s16s16s16s")
_VERSION = 0x00010001
_TYPES = {1: "dynamic", 2: "static"}
_BLOCK_SIZE = 1 << 20
_BLOCK_LIMIT = 0x1FFFFFFF
_NIL = bytes(16)


def read(source: Source) -> Header:
    """Read a VDI header.

    :raises HeaderError: not VDI, damaged, or of a kind that QEMU would not open.
    """
    fields = source.unpack(_LAYOUT, MAGIC_OFFSET, "header")
    magic, version, _size, kind = fields[:4]
    disk_size, block_size, _extra, blocks = fields[13:17]
    link, parent = fields[20:22]
    if magic != MAGIC:
        raise source.fail("is stated as vdi but has no VDI header")
    if version != _VERSION:
        raise source.fail(f"is VDI of version {version >> 16}.{version & 0xFFFF}, which is not supported; 1.1 is")
    _check_layout(source, sector_size=fields[11], block_size=block_size, offsets=fields[6:8])
    virtual_size = round_up(disk_size)
    if blocks > _BLOCK_LIMIT or not 0 < virtual_size <= blocks * _BLOCK_SIZE:
        raise source.fail(f"claims an impossible virtual size ({disk_size} bytes in {blocks} blocks)")
    backing = _parent(link, parent)
    if kind not in _TYPES and not backing:
        raise source.fail(f"is a VDI of type {kind}, which is not supported; dynamic and static images are")
    return Header(
        format="vdi",
        virtual_size=virtual_size,
        backing=backing,
        features=(f"subformat={_TYPES.get(kind, 'differencing')}",),
        grow_refused="QEMU cannot grow a VDI",
    )


def _check_layout(source: Source, *, sector_size: int, block_size: int, offsets: tuple[int, int]) -> None:
    if sector_size != SECTOR or block_size != _BLOCK_SIZE:
        raise source.fail(f"has VDI sectors of {sector_size} and blocks of {block_size} bytes, which is not supported")
    if any(offset % SECTOR or offset > source.size for offset in offsets):
        raise source.fail("is truncated or damaged: its VDI tables lie outside of the file")


def _parent(link: bytes, parent: bytes) -> Reference | None:
    for value in (parent, link):
        if value != _NIL:
            return Reference("parent", f"UUID {uuid.UUID(bytes_le=value)}")
    return None
