# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import binascii
import struct
import typing as t

import pytest
from ansible_collections.offline.guest.plugins.module_utils._errors import GuestError
from ansible_collections.offline.guest.plugins.module_utils._guest._resize_table import Table, read_table
from ansible_collections.offline.guest.tests.unit.guest.resize_disk import (
    MIB,
    SECTOR,
    Part,
    gpt_sectors,
    mbr_sector,
    mbr_sectors,
)
from hypothesis import given
from hypothesis import strategies as st

SIZE = 1024 * MIB
LAST = SIZE // SECTOR - 1
LOGICAL = [
    Part(1, 2048, 4095),
    Part(2, 4096, LAST, 0x05),
    Part(5, 6144, 9999, logical=True),
    Part(6, 16384, LAST, logical=True),
]


def read(sectors: t.Mapping[int, bytes], size: int = SIZE) -> Table | None:
    def pread(count: int, offset: int) -> bytes:
        first, last = offset // SECTOR, -(-(offset + count) // SECTOR)
        return b"".join(sectors.get(index, bytes(SECTOR)) for index in range(first, last))[:count]

    return read_table(pread, size)


def test_gpt_orders_by_position() -> None:
    table = read(gpt_sectors([Part(1, 8192, LAST - 33), Part(14, 2048, 4095)], LAST))
    assert table is not None
    assert [(part.number, part.start, part.end) for part in table.partitions] == [
        (14, 2048, 4095),
        (1, 8192, LAST - 33),
    ]
    assert (table.kind, table.backup, table.array_sectors, table.last_usable) == ("gpt", LAST, 32, LAST - 33)
    assert table.limit(LAST + 1) == LAST - 33
    assert table.limit(2 * LAST + 2) == 2 * LAST + 2 - 2048 - 1


def test_identity_is_all_but_the_end() -> None:
    def identities(end: int, name: str) -> list[bytes]:
        table = read(gpt_sectors([Part(1, 2048, end)], LAST, name=name))
        assert table is not None
        return [part.identity for part in table.partitions]

    assert identities(4095, "root ü") == identities(8191, "root ü")
    assert identities(4095, "root ü") != identities(4095, "root u")


def test_mbr_with_logical_partitions() -> None:
    table = read(mbr_sectors(LOGICAL))
    assert table is not None
    assert [(part.number, part.start, part.end, part.role) for part in table.partitions] == [
        (1, 2048, 4095, "primary"),
        (2, 4096, LAST, "extended"),
        (5, 6144, 9999, "logical"),
        (6, 16384, LAST, "logical"),
    ]
    assert table.limit(1 << 40) == (1 << 32) - 1


def test_no_table() -> None:
    assert read({}) is None
    assert read({0: mbr_sector([])}) is None
    assert read({0: b"XFSB"}) is None


def test_text_of_a_boot_sector_is_no_table() -> None:
    """FAT and NTFS end their boot sector like an MBR, with messages where its entries would be."""
    assert (
        read(
            {0: b"\xeb\x58\x90mkfs.fat".ljust(446, b"\0") + b"No boot device. Press any key" + bytes(35) + b"\x55\xaa"}
        )
        is None
    )


def damaged_gpt(change: t.Callable[[bytearray], None], *, fix: bool) -> dict[int, bytes]:
    sectors = gpt_sectors([Part(1, 2048, 4095)], LAST)
    header = bytearray(sectors[1])
    change(header)
    if fix:
        header[16:20] = bytes(4)
        header[16:20] = struct.pack("<I", binascii.crc32(header[:92]))
    return {**sectors, 1: bytes(header)}


@pytest.mark.parametrize(
    ("offset", "value", "fix", "reason"),
    [
        (48, 1, False, "checksum of the first header"),
        (0, 0, False, "protective entry"),
        (12, 20, True, "wrong length or place"),
        (24, 2, True, "wrong length or place"),
        (80, 1 << 30, True, "absurd"),
        (80, 0, True, "absurd"),
        (84, 100, True, "absurd"),
        (72, 1000, True, "list of partitions is wrong"),
        (32, LAST + 1, True, "made for a disk of"),
        (32, 0, True, "made for a disk of"),
    ],
)
def test_damaged_gpt(offset: int, value: int, fix: bool, reason: str) -> None:
    def change(header: bytearray) -> None:
        struct.pack_into("<Q" if offset in (24, 32, 72) else "<I", header, offset, value)

    with pytest.raises(GuestError, match=reason):
        read(damaged_gpt(change, fix=fix))


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ([Part(1, 2048, LAST + 1)], "beyond the end"),
        ([Part(1, 2048, 9999), Part(2, 9999, 20000)], "overlap"),
        ([Part(1, 2048, 4095, 0x05), Part(2, 8192, 9999, 0x05)], "several extended"),
        ([Part(2, 4096, 8191, 0x05), Part(5, 6144, 9999, logical=True)], "not inside"),
    ],
)
def test_refused_mbr(parts: list[Part], reason: str) -> None:
    with pytest.raises(GuestError, match=reason):
        read(mbr_sectors(parts))


def test_refused_layouts() -> None:
    hybrid = mbr_sector([Part(1, 1, 100, 0xEE), Part(2, 2048, 4095)])
    with pytest.raises(GuestError, match="hybrid"):
        read({**gpt_sectors([], LAST), 0: hybrid})
    with pytest.raises(GuestError, match="sectors of 4096"):
        read({0: mbr_sector([Part(1, 1, 100, 0xEE)]), 8: b"EFI PART".ljust(SECTOR, b"\0")})


def test_a_loop_of_logical_partitions_ends() -> None:
    record = mbr_sector([Part(1, 10, 20), Part(2, 100, 200, 0x05)], b"")
    with pytest.raises(GuestError, match="loop"):
        read({0: mbr_sector([Part(1, 2048, LAST, 0x05)]), 2048: record, 2148: record})


def test_a_broken_chain_of_logical_partitions() -> None:
    sectors = mbr_sectors(LOGICAL)
    del sectors[16384 - 2048]
    with pytest.raises(GuestError, match="chain"):
        read(sectors)


@given(st.binary(min_size=64, max_size=64), st.binary(min_size=512, max_size=512))
def test_hostile_sectors_only_ever_refuse(entries: bytes, rest: bytes) -> None:
    first = bytes(446) + entries + b"\x55\xaa"
    try:
        table = read_table(
            lambda count, offset: first[:count] if offset == 0 else (rest * (count // 512 + 1))[:count], SIZE
        )
    except GuestError:
        return
    for part in table.partitions if table else ():
        assert 0 < part.start <= part.end <= LAST
