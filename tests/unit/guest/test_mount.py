# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Mounting a system as its fstab says, as far as that can be trusted."""

from __future__ import annotations

import dataclasses
import errno
import stat
import typing as t

import pytest
from ansible_collections.offline.guest.plugins.module_utils._errors import CallError, GuestError
from ansible_collections.offline.guest.plugins.module_utils._guest._mount import mount_system
from ansible_collections.offline.guest.plugins.module_utils._guest._system import OperatingSystem
from ansible_collections.offline.guest.tests.unit.guest.fake_disk import FakeDisk
from ansible_collections.offline.guest.tests.unit.guest.fake_rpc import FakeRpc

BOOT, EFI = "/dev/sda1", "/dev/sda3"


def tree(*directories: str) -> FakeRpc:
    made = FakeRpc()
    for path in directories:
        made.add_dir(path)
    return made


def disk_with(**trees: tuple[str, FakeRpc]) -> FakeDisk:
    disk = FakeDisk()
    disk.trees = {f"/dev/{name}": held for name, held in trees.items()}
    return disk


def system(**mountpoints: tuple[str, str]) -> OperatingSystem:
    places = {"/" + path.replace("__", "/"): where for path, where in mountpoints.items()}
    return OperatingSystem("/dev/sda2", "linux", root_type="ext4", mountpoints={"/": ("/dev/sda2", "ext4"), **places})


def mount(disk: FakeDisk, guest: OperatingSystem, **options: t.Any) -> tuple[dict[str, str], list[str]]:
    warnings: list[str] = []
    return mount_system(disk.calls, guest, warn=warnings.append, **options), warnings


def test_nested_mountpoints_in_order() -> None:
    disk = disk_with(sda1=("ext4", tree("/efi")), sda2=("ext4", tree("/boot")), sda3=("vfat", tree()))
    guest = system(boot__efi=(EFI, "vfat"), boot=(BOOT, "ext4"))
    mounted, warnings = mount(disk, guest)
    assert mounted == {"/": "/dev/sda2", "/boot": BOOT, "/boot/efi": EFI} == disk.mounted
    assert warnings == []
    assert set(disk.options.values()) == {""}, "no option of the guest's fstab is used"


def test_a_root_that_the_search_left_mounted_is_made_writable_where_it_is() -> None:
    disk = disk_with(sda2=("ext4", tree()))
    disk.call("mount_vfs", "ro", "ext4", "/dev/sda2", "/")
    mount(disk, system())
    assert (disk.mounted, disk.options) == ({"/": "/dev/sda2"}, {"/": ""})
    assert "umount_all" not in disk.names()


@pytest.mark.parametrize("refused", [True, False])
def test_a_root_that_cannot_be_made_writable_is_mounted_anew(refused: bool) -> None:
    kind = "ext4" if refused else "btrfs"
    disk = disk_with(sda2=(kind, tree()))
    disk.call("mount_vfs", "ro", kind, "/dev/sda2", "/")
    disk.answers["remount"] = CallError("remount", "cannot remount read-write", errno.EROFS)
    mount(disk, dataclasses.replace(system(), root_type=kind))
    assert (disk.mounted, disk.options) == ({"/": "/dev/sda2"}, {"/": ""})
    assert ("remount" in disk.names()) is refused


def test_what_is_mounted_gives_way_to_the_system() -> None:
    disk = disk_with(sda1=("ext4", tree("/boot")), sda2=("ext4", tree("/boot")))
    disk.call("mount_vfs", "ro", "ext4", "/dev/sda1", "/")
    mount(disk, system())
    assert disk.mounted == {"/": "/dev/sda2"}


def test_a_root_that_the_search_left_is_used_for_reading_only() -> None:
    disk = disk_with(sda2=("ext4", tree()))
    disk.call("mount_vfs", "ro", "ext4", "/dev/sda2", "/")
    mount(disk, system(), readonly=True)
    assert disk.names().count("mount_vfs") == 1
    mount(disk, system())
    assert disk.options["/"] == "", "mounted again for writing"


def test_everything_is_read_only_where_asked() -> None:
    disk = disk_with(sda1=("ext4", tree()), sda2=("ext4", tree("/boot")))
    mount(disk, system(boot=(BOOT, "ext4")), readonly=True)
    assert disk.options == {"/": "ro", "/boot": "ro"}


@pytest.mark.parametrize("path", ["/proc", "/dev/shm", "/run/x", "/sys", "/a/../b", "/x\0y"])
def test_a_hostile_mountpoint_is_refused(path: str) -> None:
    disk = disk_with(sda1=("ext4", tree()), sda2=("ext4", tree("/proc", "/dev/shm", "/run/x", "/sys", "/a", "/b")))
    guest = dataclasses.replace(system(), mountpoints={path: (BOOT, "ext4")})
    mounted, warnings = mount(disk, guest)
    assert mounted == {"/": "/dev/sda2"} == disk.mounted
    assert len(warnings) == 1


def test_no_link_stands_on_the_way() -> None:
    root = tree("/etc", "/real")
    root.add_link("/boot", "etc")
    root.add_link("/way", "/real")
    root.add_file("/file")
    root.add_special("/fifo", stat.S_IFIFO)
    root.add_dir("/real/inside")
    disk = disk_with(sda1=("ext4", tree()), sda2=("ext4", root))
    for path in ("/boot", "/way/inside", "/file", "/fifo", "/missing"):
        guest = dataclasses.replace(system(), mountpoints={path: (BOOT, "ext4")})
        mounted, warnings = mount(disk, guest)
        assert mounted == {"/": "/dev/sda2"}
        assert len(warnings) == 1, path


@pytest.mark.parametrize(
    ("kind", "words"),
    [("", "no such device"), ("swap", "swap"), ("iso9660", "may not be mounted"), ("xfs", "wrong fs type")],
)
def test_what_cannot_be_mounted_is_a_warning(kind: str, words: str) -> None:
    disk = disk_with(sda1=("ext4", tree()), sda2=("ext4", tree("/boot")))
    mounted, warnings = mount(disk, system(boot=(BOOT, kind)))
    assert mounted == {"/": "/dev/sda2"}
    assert len(warnings) == 1
    assert words in warnings[0]


def test_one_device_at_two_places_is_mounted_once() -> None:
    disk = disk_with(sda1=("ext4", tree()), sda2=("ext4", tree("/a", "/b", "/c")))
    mounted, warnings = mount(disk, system(a=(BOOT, "ext4"), b=(BOOT, "ext4"), c=("/dev/sda2", "ext4")))
    assert mounted == {"/": "/dev/sda2", "/a": BOOT}
    assert len(warnings) == 1


def test_a_root_of_a_type_that_is_not_allowed_is_an_error() -> None:
    disk = disk_with(sda2=("ext4", tree()))
    with pytest.raises(GuestError, match="filesystems"):
        mount(disk, system(), allowed_types=("xfs",))
    assert disk.names() == []


def test_a_root_that_cannot_be_mounted_says_what_to_do() -> None:
    with pytest.raises(GuestError, match="wrong fs type") as caught:
        mount(disk_with(), system())
    assert caught.value.hint
    assert caught.value.details["call"] == "mount_vfs"


def test_a_hibernated_windows_is_not_written_to() -> None:
    """ntfs-3g mounts it for reading only, and reports no error."""
    disk = disk_with(sda2=("ntfs", tree()))
    disk.answers["statvfs"] = {"flag": 1}
    guest = dataclasses.replace(system(), type="windows", root_type="ntfs", mountpoints={"/": ("/dev/sda2", "ntfs")})
    with pytest.raises(GuestError, match="shut it down fully"):
        mount(disk, guest)
    assert mount(disk, guest, readonly=True)[0] == {"/": "/dev/sda2"}
