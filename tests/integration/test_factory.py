# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The images are what they say, as independent tools see them; and the harness runs playbooks. No appliance here."""

from __future__ import annotations

import json
import subprocess
import typing as t
from pathlib import Path

import images
import pytest
from guest_files import boot_files, ext_offsets, list_guest, read_guest_file, stat_guest, trap_records
from harness import Harness, left_in, sha256


def blkid(image: Path, offset: int) -> dict[str, str]:
    """Return what low-level probing finds at an offset: TYPE, LABEL, UUID …"""
    command = ["blkid", "--probe", "--output", "export", "--offset", str(offset), str(image)]
    said = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    return dict(line.split("=", 1) for line in said.splitlines() if "=" in line)


def partitions(image: Path) -> list[dict[str, t.Any]]:
    said = subprocess.run(["sfdisk", "--json", str(image)], capture_output=True, text=True, check=True).stdout
    return list(json.loads(said)["partitiontable"]["partitions"])


def types(image: Path) -> list[str]:
    return [blkid(image, item["start"] * 512).get("TYPE", "") for item in partitions(image)]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("debian-like", ["ext4"]),
        ("ubuntu-like", ["", "vfat", "ext4"]),
        ("fedora-lvm", ["vfat", "xfs", "LVM2_member"]),
        ("fedora-btrfs", ["ext4", "btrfs"]),
        ("opensuse-like", ["", "btrfs"]),
        ("alpine-like", ["ext4", "swap", "ext4"]),
        ("rhel7-like", ["ext4", "xfs"]),
        ("coreos-like", ["vfat", "", "ext2", "", "", "ext4", "", "", "ext4"]),
        ("luks", ["ext4", "crypto_LUKS"]),
        ("md", ["ext4", "linux_raid_member"]),
        ("windows-like", ["ntfs"]),
        ("gpt-xfs", ["", "vfat", "xfs"]),
        ("gpt-btrfs", ["", "vfat", "btrfs"]),
        ("mbr-ext3", ["ext3"]),
        ("gpt-swap-last", ["ext4", "swap"]),
        ("lvm-xfs", ["", "LVM2_member"]),
    ],
)
def test_partitions_hold_what_the_recipe_says(name: str, expected: list[str]) -> None:
    assert types(images.path(name)) == expected


def test_logical_partitions_are_inside_the_extended_one() -> None:
    extended = next(item for item in partitions(images.path("mbr-logical")) if item["type"] in ("5", "f"))
    logical = [item for item in partitions(images.path("mbr-logical")) if item["node"][-1] in "56789"]
    assert len(logical) == 2
    assert all(extended["start"] < item["start"] < extended["start"] + extended["size"] for item in logical)
    assert blkid(images.path("mbr-logical"), logical[-1]["start"] * 512)["TYPE"] == "ext4"


def test_whole_disk_file_system_has_no_table() -> None:
    assert blkid(images.path("whole-disk-ext4"), 0)["TYPE"] == "ext4"
    assert blkid(images.path("lvm-whole-disk"), 0)["TYPE"] == "LVM2_member"
    assert ext_offsets(images.path("whole-disk-ext4")) == [0]


@pytest.mark.parametrize(
    "name", ["debian-like", "ubuntu-like", "arch-like", "rhel6-like", "trap", "hostile", "hostile-links"]
)
def test_ext_file_systems_are_clean(name: str, tmp_path: Path) -> None:
    image = images.path(name)
    offset = ext_offsets(image)[-1]
    part = tmp_path / "part"
    size = next(item["size"] for item in partitions(image) if item["start"] * 512 == offset) * 512
    with open(image, "rb") as source, open(part, "wb") as target:
        source.seek(offset)
        for _block in range(0, size, 1 << 20):
            target.write(source.read(1 << 20))
    done = subprocess.run(["e2fsck", "-f", "-n", str(part)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("image_format", ["raw", "qcow2"])
def test_files_have_owner_mode_and_content(image_format: str) -> None:
    image = images.path("debian-like", image_format)
    shadow = stat_guest(image, "/etc/shadow", image_format)
    assert shadow is not None
    assert (shadow.kind, shadow.mode, shadow.uid, shadow.gid) == ("file", 0o640, 0, 42)
    mine = stat_guest(image, "/home/alice/.profile", image_format)
    assert mine is not None
    assert (mine.uid, mine.gid) == (1000, 1000)
    assert read_guest_file(image, "/etc/hostname", image_format) == b"debian\n"
    assert read_guest_file(image, "/etc/os-release", image_format) == b"../usr/lib/os-release"
    assert list_guest(image, "/home", image_format) == ["alice"]
    assert stat_guest(image, "/etc/nothing", image_format) is None
    with pytest.raises(FileNotFoundError):
        read_guest_file(image, "/etc/nothing", image_format)


def test_selinux_labels_are_on_the_files() -> None:
    shadow = stat_guest(images.path("multi-os"), "/etc/selinux/config")
    assert shadow is not None
    assert shadow.xattrs["security.selinux"].startswith("system_u:object_r:selinux_config_t:s0")


def test_hostile_guest_has_the_wrong_kinds() -> None:
    image = images.path("hostile")
    kinds = {name: stat_guest(image, name) for name in ("/etc/os-release", "/etc/hostname", "/etc/hosts", "/etc/fstab")}
    found = {name: (what.kind if what else None) for name, what in kinds.items()}
    assert found == {"/etc/os-release": "fifo", "/etc/hostname": "block", "/etc/hosts": "dir", "/etc/fstab": "file"}
    fstab = kinds["/etc/fstab"]
    assert fstab is not None
    assert fstab.size == 1024**3


def test_trap_has_no_record_yet_and_every_program_is_one() -> None:
    image = images.path("trap")
    for record in images.TRAP_RECORDS:
        assert stat_guest(image, record) is None
    for program in (
        "/usr/bin/bash",
        "/usr/sbin/load_policy",
        "/usr/lib64/ld-linux-x86-64.so.2",
        "/usr/lib/systemd/systemd",
    ):
        assert b"/TRAP-WAS-RUN\0" in read_guest_file(image, program)
    assert trap_records(image) == {}


def test_real_debian_has_a_kernel_and_boots_from_its_label(tmp_path: Path) -> None:
    image = images.path(images.REAL)
    kernel, initrd = boot_files(image, tmp_path)
    assert kernel.read_bytes()[0x202:0x206] == b"HdrS"  # the x86 boot protocol's signature
    assert initrd.stat().st_size > 5_000_000
    root = blkid(image, ext_offsets(image)[0])
    assert f"UUID={root['UUID']} / ext4" in read_guest_file(image, "/etc/fstab").decode()
    assert read_guest_file(image, "/etc/machine-id") == b"uninitialized\n"
    status = read_guest_file(image, "/var/lib/dpkg/status").decode()
    assert all(f"\nPackage: {name}\n" in "\n" + status for name in ("systemd", "openssh-server", "systemd-sysv"))


@pytest.mark.parametrize("image_format", ["qcow2", "vmdk", "vdi", "vhdx", "vpc"])
def test_variants_hold_the_same_bytes(image_format: str, image_copy: t.Callable[..., Path], tmp_path: Path) -> None:
    image = image_copy("no-os", image_format)
    command = ["qemu-img", "compare", "-f", image_format, "-F", "raw", str(image), str(images.path("no-os"))]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0


def test_copy_is_sparse_and_equal(image_copy: t.Callable[..., Path]) -> None:
    image = image_copy("debian-like")
    assert sha256(image) == sha256(images.path("debian-like"))
    assert image.stat().st_blocks * 512 < image.stat().st_size / 4


def test_play_gives_whole_results(harness: Harness, tmp_path: Path) -> None:
    target = tmp_path / "file"
    tasks: list[dict[str, t.Any]] = [
        {"name": "write", "ansible.builtin.copy": {"content": "one\n", "dest": str(target)}},
        {"name": "fail", "ansible.builtin.fail": {"msg": "as it should"}, "ignore_errors": True},
        {"name": "skip", "ansible.builtin.debug": {"msg": "no"}, "when": False},
    ]
    checked = harness.play(tasks, check=True, diff=True).ok()
    assert checked["write"].changed
    assert not target.exists()
    done = harness.play(tasks, diff=True).ok()
    assert done["write"].diff == checked["write"].diff
    assert done["write"].diff[0]["after"] == "one\n"
    assert [task.status for task in done.tasks] == ["ok", "ignored", "skipped"]
    assert done["fail"].failed
    assert done["fail"].msg == "as it should"
    assert target.read_text() == "one\n"


def test_recorder_sees_what_playbooks_run(harness: Harness, tmp_path: Path) -> None:
    image = tmp_path / "made.qcow2"
    command = f"qemu-img create -q -f qcow2 {image} 1M"
    harness.play([{"name": "make", "ansible.builtin.command": command}]).ok()
    assert image.exists()
    assert ["create", "-q", "-f", "qcow2", str(image), "1M"] in [item["argv"] for item in harness.recorder.commands()]


def test_leftovers_are_found(harness: Harness, tmp_path: Path) -> None:
    (tmp_path / ".disk.raw.lock").touch()
    (tmp_path / "offline-guest-x").mkdir()
    assert len(left_in(tmp_path)) == 2
    (tmp_path / ".disk.raw.lock").unlink()
    (tmp_path / "offline-guest-x").rmdir()
    child = subprocess.Popen(["sleep", "60"], env=harness.environment())
    try:
        assert any(f"process {child.pid}:" in line for line in harness.leftovers(patience=0))
    finally:
        child.kill()
        child.wait()
    assert harness.leftovers() == []
