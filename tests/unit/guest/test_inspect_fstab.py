# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""fstab: parsed as mount(8) does, its devices found as libguestfs finds them."""

from __future__ import annotations

import pytest
from ansible_collections.offline.guest.plugins.module_utils._guest._inspect_fstab import (
    MAX_LINES,
    canonical_mountpoint,
    find_device,
    mountables,
    parse_crypttab,
    parse_fstab,
)
from hypothesis import given
from hypothesis import strategies as st

LVM = "/dev/disk/by-id/dm-uuid-LVM-" + "a" * 32 + "b" * 32


class Devices:
    """Two disks, one of them with a volume group, one LUKS device opened."""

    tags = {
        ("UUID", "1111"): "/dev/sda2",
        ("LABEL", "my root"): "/dev/sda2",
        ("PARTUUID", "77"): "/dev/sda1",
        ("PARTLABEL", "EFI"): "/dev/sda1",
        ("UUID", "luks"): "/dev/sda3",
    }
    mapper = {"vg-root": "/dev/vg/root", "luks-77": "/dev/mapper/luks-77"}

    def __init__(self, disks: int = 2) -> None:
        self.disks = ["/dev/sda", "/dev/sdb"][:disks]

    def by_tag(self, tag: str, value: str) -> str | None:
        return self.tags.get((tag, value))

    def by_mapper(self, name: str) -> str | None:
        return self.mapper.get(name)

    def opened_from(self, device: str) -> str | None:
        return "/dev/mapper/luks-77" if device == "/dev/sda3" else None

    def by_lvm_uuids(self, group: str, volume: str) -> str | None:
        return "/dev/vg/root" if (group, volume) == ("a" * 32, "b" * 32) else None

    def disk(self, index: int) -> str | None:
        return self.disks[index] if 0 <= index < len(self.disks) else None

    def disk_count(self) -> int:
        return len(self.disks)


@pytest.mark.parametrize(
    ("spec", "device"),
    [
        ("UUID=1111", "/dev/sda2"),
        ('UUID="1111"', "/dev/sda2"),
        ("UUID=2222", None),
        ("LABEL=my root", "/dev/sda2"),
        ("PARTUUID=77", "/dev/sda1"),
        ("PARTLABEL=EFI", "/dev/sda1"),
        ("/dev/root", "/dev/ROOT"),
        ("/dev/vda1", "/dev/sda1"),
        ("/dev/xvdb2", "/dev/sdb2"),
        ("/dev/hda", "/dev/sda"),
        ("/dev/sdb1", "/dev/sdb1"),
        ("/dev/nvme0n1p2", "/dev/sda2"),
        ("/dev/mmcblk1p1", "/dev/sdb1"),
        # What cannot be translated is kept as it is, as libguestfs does.
        ("/dev/vdz1", "/dev/vdz1"),
        ("/dev/nvme9n1p2", "/dev/nvme9n1p2"),
        ("/dev/mapper/vg-root", "/dev/vg/root"),
        ("/dev/mapper/other", "/dev/mapper/other"),
        ("/dev/mapper/crypt", "/dev/mapper/luks-77"),
        ("/dev/mapper/loop", "/dev/mapper/loop"),
        ("/dev/vg/root", "/dev/vg/root"),
        (LVM, "/dev/vg/root"),
        ("/dev/disk/by-uuid/1111", "/dev/sda2"),
        ("/dev/disk/by-partlabel/EFI", "/dev/sda1"),
        ("/dev/disk/by-id/ata-SAMSUNG-part1", "/dev/disk/by-id/ata-SAMSUNG-part1"),
        ("tmpfs", None),
        ("server:/export", None),
        ("//server/share", None),
        ("overlay=x", None),
    ],
)
def test_find_device(spec: str, device: str | None) -> None:
    crypttab = parse_crypttab("# name device\ncrypt UUID=luks none luks\nloop /dev/mapper/loop\nshort\n")
    assert find_device(spec, "/dev/ROOT", crypttab, Devices()) == device


def test_a_serial_number_means_something_only_with_one_disk() -> None:
    assert find_device("/dev/disk/by-id/ata-X-part3", "", {}, Devices(1)) == "/dev/sda3"
    assert find_device("/dev/disk/by-path/pci-0-part3", "", {}, Devices(1)) == "/dev/sda3"


FSTAB = """\
# comment
  # indented comment
UUID=1111 /  btrfs subvol=@,compress=zstd 0 1
UUID=1111\t///home//  btrfs  noatime,subvol=@/home
UUID=1111 /mnt btrfs defaults
/dev/sda1 /boot/efi vfat umask=0077 0 2
/dev/sda1 /mnt/my\\040disk ext4
/dev/sdb1 none swap sw 0 0
proc /proc proc defaults 0 0
/dev/sda1 /proc/x ext4 defaults
/dev/sda1 /dev/shm ext4 defaults
/dev/fd0 /floppy auto
/dev/cdrom /cd iso9660
/dev/sr0 /media/cdrom0 udf
UUID=missing /lost ext4
two fields
"""


def test_mountables_are_those_of_libguestfs() -> None:
    entries, bad = parse_fstab(FSTAB)
    assert bad == [FSTAB.count("\n")]
    assert mountables(entries, "/dev/sda2", {}, Devices()) == [
        ("btrfsvol:/dev/sda2/@", "/"),
        ("btrfsvol:/dev/sda2/@/home", "/home"),
        ("/dev/sda2", "/mnt"),
        ("/dev/sda1", "/boot/efi"),
        ("/dev/sda1", "/mnt/my disk"),
        ("/dev/sdb1", "none"),
    ]


def test_numbers_of_an_entry() -> None:
    (entry,), _bad = parse_fstab("a b c d 1 x\n")
    assert (entry.freq, entry.passno, entry.options) == (1, 0, "d")


def test_lines_are_bounded() -> None:
    entries, _bad = parse_fstab("/dev/sda1 /x ext4\n" * (MAX_LINES + 5))
    assert len(entries) == MAX_LINES


@pytest.mark.parametrize(
    ("file", "path"), [("/", "/"), ("//a///b//", "/a/b"), ("none", "none"), ("/a/../b", "/a/../b")]
)
def test_canonical_mountpoint(file: str, path: str) -> None:
    assert canonical_mountpoint(file) == path


@given(st.text(max_size=400))
def test_any_text_gives_an_answer(text: str) -> None:
    entries, bad = parse_fstab(text)
    found = mountables(entries, "/dev/sda1", parse_crypttab(text), Devices())
    assert len(found) <= len(entries) <= text.count("\n") + 1
    assert all(1 <= number <= text.count("\n") + 1 for number in bad)
