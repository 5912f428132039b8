# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""File systems told by their superblocks: the same as blkid tells."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from ansible_collections.offline.guest.plugins.module_utils._guest._inspect_probe import PROBE_SIZE, Signature, probe
from ansible_collections.offline.guest.tests.unit.guest.fake_disk import MIB
from hypothesis import given
from hypothesis import strategies as st

UUID = "0a3407de-014b-458b-b5c1-848e92a327a3"
MAKERS = {
    "ext2": ["mke2fs", "-q", "-t", "ext2", "-L", "lab el", "-U", UUID],
    "ext3": ["mke2fs", "-q", "-t", "ext3", "-L", "label", "-U", UUID],
    "ext4": ["mke2fs", "-q", "-t", "ext4", "-L", "label", "-U", UUID],
    "ext4-plain": ["mke2fs", "-q", "-t", "ext4", "-O", "^has_journal"],
    "ext-dev": ["mke2fs", "-q", "-O", "journal_dev"],
    "xfs": ["mkfs.xfs", "-q", "-L", "label", "-m", f"uuid={UUID}"],
    "btrfs": ["mkfs.btrfs", "-q", "-L", "label", "-U", UUID],
    "swap": ["mkswap", "-q", "-L", "label", "-U", UUID],
    "vfat16": ["mkfs.vfat", "-F", "16", "-n", "LABEL", "-i", "ABCD1234"],
    "vfat32": ["mkfs.vfat", "-F", "32", "-n", "LABEL", "-i", "ABCD1234"],
    "vfat-unnamed": ["mkfs.vfat", "-F", "16"],
    "ntfs": ["mkfs.ntfs", "-q", "-Q", "-F", "-L", "label"],
    "luks2": [
        "cryptsetup",
        "-q",
        "luksFormat",
        "--type",
        "luks2",
        "--pbkdf",
        "pbkdf2",
        "--pbkdf-force-iterations",
        "1000",
        "--label",
        "label",
        "--uuid",
        UUID,
    ],
    "luks1": ["cryptsetup", "-q", "luksFormat", "--type", "luks1", "--pbkdf-force-iterations", "1000", "--uuid", UUID],
}


@pytest.mark.parametrize("kind", MAKERS)
def test_the_same_as_blkid(kind: str, tmp_path: Path) -> None:
    command = MAKERS[kind]
    if not shutil.which(command[0]):
        pytest.skip(f"{command[0]} is not installed")
    disk = tmp_path / "disk"
    with disk.open("wb") as file:
        file.truncate(320 * MIB)
    subprocess.run([*command, disk], input=b"secret", check=True, capture_output=True)
    said = dict(
        line.split("=", 1)
        for line in subprocess.run(["blkid", "-p", "-o", "export", disk], check=True, capture_output=True, text=True)
        .stdout.replace("\\ ", " ")
        .splitlines()
    )
    with disk.open("rb") as file:
        found = probe(file.read(PROBE_SIZE))
    assert found is not None
    assert (found.type, found.uuid) == (said["TYPE"], said.get("UUID"))
    if found.label_known:
        assert found.label == said.get("LABEL")


def test_lvm_has_blkids_uuid() -> None:
    head = bytearray(PROBE_SIZE)
    head[512:520], head[536:544] = b"LABELONE", b"LVM2 001"
    head[512 + 20] = 32
    head[544:576] = b"abcdefGHIJKLmnopqrstuvwxyz012345"
    assert probe(bytes(head)) == Signature("LVM2_member", "abcdef-GHIJ-KLmn-opqr-stuv-wxyz-012345")


def test_a_container_goes_before_what_an_earlier_use_left() -> None:
    head = bytearray(PROBE_SIZE)
    head[1024 + 0x38 : 1024 + 0x3A] = b"\x53\xef"
    assert probe(bytes(head)) == Signature("ext2")
    head[:8] = b"LUKS\xba\xbe\0\x01"
    found = probe(bytes(head))
    assert found is not None
    assert found.type == "crypto_LUKS"


def test_nothing_and_unknown_are_different() -> None:
    assert probe(bytes(PROBE_SIZE)) == Signature("")
    assert probe(b"\x01" * PROBE_SIZE) is None


@given(st.binary(max_size=5000))
def test_short_and_random_devices_give_an_answer(head: bytes) -> None:
    found = probe(head)
    assert found is None or isinstance(found.type, str)


@given(st.sampled_from([b"LABELONE", b"XFSB", b"LUKS\xba\xbe", b"\xfc\x4e\x2b\xa9"]), st.binary(max_size=64))
def test_truncated_superblocks_give_an_answer(magic: bytes, rest: bytes) -> None:
    probe(magic + rest)
    probe(magic + bytes(16) + b"\xff\xff\xff\xffLVM2 001" + rest)
