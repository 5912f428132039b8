# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Partition tables: what sfdisk writes is read back, and nothing hostile is believed or loops."""

from __future__ import annotations

import json
import struct
import subprocess
from pathlib import Path

import pytest
from ansible_collections.offline.guest.plugins.module_utils._guest._inspect_table import (
    Table,
    TableUnclear,
    read_table,
)
from ansible_collections.offline.guest.tests.unit.guest.fake_disk import ESP, LINUX, MIB, gpt
from hypothesis import given
from hypothesis import strategies as st


def table_of(disk: bytes, head: int = MIB) -> Table | None:
    return read_table(disk[:head], lambda count, offset: disk[offset : offset + count])


SCRIPTS = {
    "gpt": f"label: gpt\nsize=4M, type={ESP}, name=EFI\nsize=4M, name=räksmörgås\nsize=1M, attrs=LegacyBIOSBootable\n",
    "holes": "label: gpt\n3: size=4M\n7: size=4M\n",
    "msdos": "label: dos\nsize=4M, bootable\nsize=4M, type=82\n",
    "logical": "label: dos\nsize=4M\nsize=20M, type=5\nsize=4M\nsize=4M, type=8e\nsize=2M\nsize=3M\n",
}


@pytest.mark.parametrize("kind", SCRIPTS)
def test_what_sfdisk_writes_is_read(kind: str, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    with disk.open("wb") as file:
        file.truncate(64 * MIB)
    subprocess.run(["sfdisk", "-q", disk], input=SCRIPTS[kind], text=True, check=True, capture_output=True)
    said = json.loads(subprocess.run(["sfdisk", "-J", disk], check=True, capture_output=True).stdout)["partitiontable"]
    table = table_of(disk.read_bytes())
    assert table is not None
    assert {"gpt": "gpt", "dos": "msdos"}[said["label"]] == table.kind
    expected = [
        (int(row["node"][len(str(disk)) :]), row["start"] * 512, row["size"] * 512, row.get("name") or None)
        for row in said["partitions"]
    ]
    assert [(part.number, part.start, part.size, part.name or None) for part in table.partitions] == expected
    if table.kind == "gpt":
        assert [part.guid for part in table.partitions] == [row["uuid"].upper() for row in said["partitions"]]
        assert [part.type for part in table.partitions] == [row["type"].upper() for row in said["partitions"]]
        assert table.guid == said["id"].upper()
    else:
        assert [part.type for part in table.partitions] == [
            f"0x{int(row['type'], 16):02x}" for row in said["partitions"]
        ]
        assert [part.bootable for part in table.partitions] == [
            row.get("bootable", False) for row in said["partitions"]
        ]
        assert table.guid == said["id"][2:]


def test_gpt_attributes_and_esp() -> None:
    table = table_of(gpt((ESP, 1, 4), (LINUX, 5, 4), names=["EFI"]))
    assert table is not None
    assert [part.is_esp for part in table.partitions] == [True, False]
    assert table.partitions[0].end == 5 * MIB - 1


@pytest.mark.parametrize("at", [512, 512 + 16, 512 + 40, 1024, 1024 + 40])
def test_a_damaged_gpt_is_not_believed(at: int) -> None:
    disk = bytearray(gpt((LINUX, 1, 4)))
    disk[at] ^= 1
    with pytest.raises(TableUnclear):
        table_of(bytes(disk))


def test_a_huge_gpt_array_is_not_read() -> None:
    """A checksum can be forged, so the numbers themselves are bounded."""
    import binascii

    disk = bytearray(gpt((LINUX, 1, 4)))
    disk[512 + 80 : 512 + 84] = struct.pack("<I", 0xFFFFFFFF)
    disk[512 + 16 : 512 + 20] = bytes(4)
    disk[512 + 16 : 512 + 20] = struct.pack("<I", binascii.crc32(bytes(disk[512 : 512 + 92])))
    with pytest.raises(TableUnclear, match="makes no sense"):
        table_of(bytes(disk))


def test_a_loop_of_logical_partitions_ends() -> None:
    disk = bytearray(64 * 512)
    disk[510:512] = disk[10 * 512 + 510 : 10 * 512 + 512] = b"\x55\xaa"
    disk[446 + 4] = 5
    disk[446 + 8 : 446 + 16] = struct.pack("<II", 10, 50)
    here = 10 * 512 + 446
    disk[here + 4], disk[here + 16 + 4] = 0x83, 5
    disk[here + 8 : here + 16] = struct.pack("<II", 1, 2)
    disk[here + 24 : here + 32] = struct.pack("<II", 0, 50)  # itself
    table = table_of(bytes(disk))
    assert table is not None
    assert [part.number for part in table.partitions] == [1, 5]


def test_a_file_system_without_a_table_has_none() -> None:
    assert table_of(bytes(MIB)) is None
    fat = bytearray(MIB)
    fat[510:512], fat[0x52:0x5A] = b"\x55\xaa", b"FAT32   "
    fat[446 + 4], fat[446 + 12] = 0x83, 1
    assert table_of(bytes(fat)) is None
    boot_code = bytearray(MIB)
    boot_code[510:512] = b"\x55\xaa"
    boot_code[446] = 0x33
    assert table_of(bytes(boot_code)) is None


@given(st.binary(max_size=4096), st.binary(min_size=512, max_size=2048), st.booleans())
def test_random_bytes_give_an_answer(head: bytes, rest: bytes, protective: bool) -> None:
    sector = bytearray(head[:510].ljust(510, b"\0") + b"\x55\xaa")
    for index in range(4):
        sector[446 + 16 * index] &= 0x80
    if protective:
        sector[450] = 0xEE
    disk = bytes(sector) + (b"EFI PART" if protective else b"") + rest
    try:
        table = table_of(disk)
    except TableUnclear:
        return
    assert table is None or len(table.partitions) <= 64
