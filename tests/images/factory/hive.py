# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Windows registry hives, written from nothing.

The format, as described at https://github.com/msuhanov/regf: a base block of 4096 bytes, then one bin of cells. A key
is an ``nk`` cell with a list of its subkeys (``lh``) and of its values (``vk``); all keys share one ``sk`` cell.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

SZ, EXPAND_SZ, BINARY, DWORD = 1, 2, 3, 4
_NONE = 0xFFFFFFFF
_TIME = 133486694450000000  # 2024-01-02 as a FILETIME: units of 100 ns since 1601
# A self-relative security descriptor: owner and group Administrators, everyone may do all
_ADMINS = bytes.fromhex("010200000000000520000000 20020000")
_EVERYONE = bytes.fromhex("010100000000000100000000")
_ACL = bytes.fromhex("02001c0001000000 00021400 3f000f00") + _EVERYONE
_SECURITY = struct.pack("<BBHIIII", 1, 0, 0x8004, 20, 36, 0, 52) + _ADMINS + _ADMINS + _ACL


@dataclass
class Key:
    """A registry key: values as (type, bytes) by name, and keys by name."""

    values: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    keys: dict[str, Key] = field(default_factory=dict)

    def at(self, path: str) -> Key:
        """Return the key below this one at ``path`` (names apart by backslashes), made where it is missing."""
        here = self
        for name in path.split("\\"):
            here = here.keys.setdefault(name, Key())
        return here

    def set(self, **values: str | int | bytes) -> Key:
        """Set values: text is a REG_SZ, a number a REG_DWORD, bytes a REG_BINARY."""
        for name, value in values.items():
            self.values[name] = _encoded(value)
        return self


def _encoded(value: str | int | bytes) -> tuple[int, bytes]:
    if isinstance(value, str):
        return SZ, value.encode("utf-16-le") + b"\0\0"
    if isinstance(value, int):
        return DWORD, struct.pack("<I", value)
    return BINARY, value


class _Cells:
    """The one bin of a hive, growing."""

    def __init__(self) -> None:
        self.data = bytearray(b"hbin" + bytes(28))

    def add(self, content: bytes) -> int:
        """Append an allocated cell and return its offset, as other cells refer to it."""
        offset = len(self.data)
        size = (len(content) + 4 + 7) // 8 * 8
        self.data += struct.pack("<i", -size) + content.ljust(size - 4, b"\0")
        return offset

    def patch(self, offset: int, position: int, value: int) -> None:
        """Set a 32-bit number at ``position`` of the content of a cell."""
        struct.pack_into("<I", self.data, offset + 4 + position, value)

    def finished(self) -> bytes:
        """Return the bin, filled up with one free cell to a whole number of pages."""
        free = -len(self.data) % 4096
        if free:
            self.data += struct.pack("<i", free) + bytes(free - 4)
        struct.pack_into("<IIIIQI", self.data, 4, 0, len(self.data), 0, 0, _TIME, 0)
        return bytes(self.data)


def hive(root: Key, name: str) -> bytes:
    """Return the hive file with the keys below ``root``; ``name`` is what its base block calls it."""
    cells = _Cells()
    security = cells.add(b"sk\0\0" + struct.pack("<IIII", 0, 0, _count(root), len(_SECURITY)) + _SECURITY)
    cells.patch(security, 4, security)
    cells.patch(security, 8, security)
    top = _add_key(cells, root, "ROOT", 0, security, flags=0x2C)
    bins = cells.finished()
    base = bytearray(b"regf" + struct.pack("<IIQIIIIIII", 1, 1, _TIME, 1, 3, 0, 1, top, len(bins), 1))
    base += name.encode("utf-16-le")[:62].ljust(64, b"\0")
    base = base.ljust(508, b"\0")
    checksum = 0
    for (word,) in struct.iter_unpack("<I", bytes(base)):
        checksum ^= word
    base += struct.pack("<I", checksum)
    return bytes(base.ljust(4096, b"\0")) + bins


def _count(key: Key) -> int:
    return 1 + sum(_count(child) for child in key.keys.values())


def _add_key(cells: _Cells, key: Key, name: str, parent: int, security: int, *, flags: int = 0x20) -> int:
    values = _add_values(cells, key)
    longest = max([len(value) for value in key.values] + [0]) * 2
    largest = max([len(data) for _kind, data in key.values.values()] + [0])
    deepest = max([len(child) for child in key.keys] + [0]) * 2
    numbers = (
        *(0, parent, len(key.keys), 0, _NONE, _NONE, len(key.values), values, security, _NONE),
        *(deepest, 0, longest, largest, 0),
    )
    content = b"nk" + struct.pack("<HQ", flags, _TIME) + struct.pack("<15I", *numbers)
    offset = cells.add(content + struct.pack("<HH", len(name), 0) + name.encode("ascii"))
    if key.keys:
        children = [
            (child, _add_key(cells, key.keys[child], child, offset, security))
            for child in sorted(key.keys, key=str.upper)
        ]
        items = b"".join(struct.pack("<II", place, _hash(child)) for child, place in children)
        cells.patch(offset, 28, cells.add(b"lh" + struct.pack("<H", len(children)) + items))
    return offset


def _add_values(cells: _Cells, key: Key) -> int:
    offsets = [_add_value(cells, name, kind, data) for name, (kind, data) in key.values.items()]
    return cells.add(struct.pack(f"<{len(offsets)}I", *offsets)) if offsets else _NONE


def _add_value(cells: _Cells, name: str, kind: int, data: bytes) -> int:
    if len(data) <= 4:  # short data is kept in the place of its offset
        size, place = len(data) | 0x80000000, int.from_bytes(data.ljust(4, b"\0"), "little")
    else:
        size, place = len(data), cells.add(data)
    head = struct.pack("<HIIIHH", len(name), size, place, kind, 1 if name else 0, 0)
    return cells.add(b"vk" + head + name.encode("ascii"))


def _hash(name: str) -> int:
    value = 0
    for char in name.upper():
        value = (value * 37 + ord(char)) & 0xFFFFFFFF
    return value
