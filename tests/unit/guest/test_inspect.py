# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finding systems on disks of every shape, and choosing one."""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible_collections.offline.guest.plugins.module_utils._errors import CallError, GuestError, OptionError
from ansible_collections.offline.guest.plugins.module_utils._guest import _inspect
from ansible_collections.offline.guest.plugins.module_utils._guest._inspect_blocks import device_of, mapper_name
from ansible_collections.offline.guest.plugins.module_utils._guest._system import OperatingSystem, select_system
from ansible_collections.offline.guest.tests.unit.guest.fake_disk import ESP, LINUX, FakeDisk, debian, gpt
from ansible_collections.offline.guest.tests.unit.guest.fake_rpc import FakeRpc
from hypothesis import given
from hypothesis import strategies as st

ROOT_UUID = "11111111-2222-3333-4444-555555555555"
SLOW = {"list_devices", "list_partitions", "list_filesystems", "inspect_os", "lvs", "vfs_type", "vfs_uuid", "vfs_label"}


def inspect(disk: FakeDisk, **options: t.Any) -> tuple[_inspect.Inspection, list[str]]:
    warnings: list[str] = []
    return _inspect.inspect(disk.calls, warn=warnings.append, **options), warnings


def plain_disk(fstab: bytes = b"UUID=%s / ext4 defaults 0 1\n/dev/vda1 /boot/efi vfat defaults 0 1\n") -> FakeDisk:
    disk = FakeDisk()
    disk.devices["/dev/sda"] = gpt((ESP, 1, 4), (LINUX, 5, 10))
    disk.add("/dev/sda1", "vfat", FakeRpc())
    disk.add("/dev/sda2", "ext4", debian(fstab=fstab.replace(b"%s", ROOT_UUID.encode())), ident=ROOT_UUID)
    return disk


def test_a_plain_debian_is_found_without_a_slow_call() -> None:
    disk = plain_disk()
    found, warnings = inspect(disk)
    assert warnings == []
    (system,) = found.systems
    assert (system.root, system.distro, system.version, system.arch) == ("/dev/sda2", "debian", "12.4", "x86_64")
    assert system.mountpoints == {"/": ("/dev/sda2", "ext4"), "/boot/efi": ("/dev/sda1", "vfat")}
    assert (system.root_type, system.root_uuid) == ("ext4", ROOT_UUID)
    assert not SLOW.intersection(disk.names())
    assert disk.names().count("mount_vfs") == 1, "the ESP need not be looked into"
    assert (disk.mounted, disk.options) == ({"/": "/dev/sda2"}, {"/": "ro"})


def test_the_type_is_forced_and_must_be_allowed() -> None:
    disk = plain_disk()
    found, warnings = inspect(disk, allowed_types=("xfs",))
    assert found.systems == ()
    assert "mount_vfs" not in disk.names()
    assert any("/dev/sda2" in warning and "ext4" in warning for warning in warnings)
    assert "/dev/sda2 (ext4)" in found.inventory.describe()


def test_libguestfs_is_not_let_loose_on_types_that_are_not_allowed() -> None:
    disk = FakeDisk()
    disk.devices["/dev/sda"] = gpt((LINUX, 1, 4), (LINUX, 5, 10))
    windows = FakeRpc()
    windows.add_dir("/Windows/System32")
    disk.add("/dev/sda1", "ntfs", windows)
    disk.add("/dev/sda2", "iso9660")
    disk.answers["vfs_type"] = lambda device: {"/dev/sda2": "iso9660"}[device]
    found, warnings = inspect(disk)
    assert found.systems == ()
    assert "inspect_os" not in disk.names()
    assert any("iso9660" in warning and "filesystems" in warning for warning in warnings)


def test_windows_is_described_by_libguestfs() -> None:
    disk = FakeDisk()
    disk.devices["/dev/sda"] = gpt((LINUX, 1, 4))
    windows = FakeRpc()
    windows.add_dir("/Windows/System32")
    disk.add("/dev/sda1", "ntfs", windows)
    said = {
        "inspect_os": ["/dev/sda1"],
        "inspect_get_type": "windows",
        "inspect_get_distro": "windows",
        "inspect_get_major_version": 10,
        "inspect_get_minor_version": 0,
        "inspect_get_product_name": "Windows 10 Pro",
        "inspect_get_arch": "x86_64",
        "inspect_get_hostname": "unknown",
        "inspect_get_package_format": "unknown",
        "inspect_get_package_management": CallError("inspect_get_package_management", "no"),
        "inspect_get_mountpoints": {"/": "/dev/sda1"},
        "vfs_label": "",
    }
    disk.answers.update(said)
    (system,) = inspect(disk)[0].systems
    assert (system.type, system.product_name, system.version) == ("windows", "Windows 10 Pro", "10.0")
    assert (system.hostname, system.package_format, system.package_management) == (None, None, None)
    assert (system.init_system, system.mountpoints) == ("windows", {"/": ("/dev/sda1", "ntfs")})


def test_an_inspection_that_fails_is_a_warning() -> None:
    disk = plain_disk()
    windows = FakeRpc()
    windows.add_dir("/Windows/System32")
    disk.devices["/dev/sda"] = gpt((LINUX, 1, 4), (LINUX, 5, 10), (LINUX, 15, 4))
    disk.add("/dev/sda3", "ntfs", windows)
    disk.answers["inspect_os"] = CallError("inspect_os", "stat: /etc/os-release: Too many levels of symbolic links")
    found, warnings = inspect(disk)
    assert [system.root for system in found.systems] == ["/dev/sda2"]
    assert any("Too many levels" in warning for warning in warnings)


def test_a_blank_disk_has_no_system() -> None:
    disk = FakeDisk()
    disk.devices["/dev/sda"] = bytes(2 << 20)
    disk.answers["list_partitions"] = []
    found, warnings = inspect(disk)
    assert (found.systems, warnings) == ((), [])
    with pytest.raises(GuestError, match="No operating system"):
        found.select()


def test_a_damaged_table_is_left_to_libguestfs() -> None:
    disk = plain_disk()
    damaged = bytearray(disk.devices["/dev/sda"])
    damaged[512 + 20] ^= 0xFF
    disk.devices["/dev/sda"] = bytes(damaged)
    disk.answers["list_partitions"] = ["/dev/sda1", "/dev/sda2", "/dev/sdb1"]
    found, warnings = inspect(disk)
    assert [system.root for system in found.systems] == ["/dev/sda2"]
    assert any("damaged" in warning for warning in warnings)


def test_a_mount_that_fails_is_a_warning() -> None:
    disk = plain_disk()
    del disk.trees["/dev/sda2"]
    found, warnings = inspect(disk)
    assert found.systems == ()
    assert any("/dev/sda2" in warning and "cannot be mounted" in warning for warning in warnings)


def test_logical_volumes_are_looked_for_only_where_there_is_a_physical_one() -> None:
    disk = FakeDisk()
    disk.devices["/dev/sda"] = gpt((LINUX, 1, 4), (LINUX, 5, 10))
    boot = FakeRpc()
    boot.add_file("/grub2/grub.cfg", b"")
    disk.add("/dev/sda1", "xfs", boot, ident="22222222-2222-3333-4444-555555555555")
    disk.add("/dev/sda2", "LVM2_member")
    fstab = (
        b"/dev/mapper/vg--0-root / ext4\n/dev/mapper/vg--0-swap none swap\n"
        b"UUID=22222222-2222-3333-4444-555555555555 /boot xfs\n"
    )
    disk.add("/dev/vg-0/root", "ext4", debian(fstab=fstab))
    disk.add("/dev/vg-0/swap", "swap")
    disk.answers["lvs"] = ["/dev/vg-0/root", "/dev/vg-0/swap"]
    found, warnings = inspect(disk)
    (system,) = found.systems
    assert warnings == []
    assert system.mountpoints == {"/": ("/dev/vg-0/root", "ext4"), "/boot": ("/dev/sda1", "xfs")}
    for name in ("/dev/vg-0/root", "/dev/mapper/vg--0-root", "vg-0/root"):
        assert found.select(name) is system


def luks_disk() -> FakeDisk:
    disk = FakeDisk()
    disk.devices["/dev/sda"] = gpt((LINUX, 1, 4))
    disk.add("/dev/sda1", "crypto_LUKS", ident=ROOT_UUID)

    def opened(device: str, key: str, name: str) -> None:
        if key != "secret":
            raise CallError("cryptsetup_open", "No key available with this passphrase.")
        assert device == "/dev/sda1"
        disk.add(f"/dev/mapper/{name}", "ext4", debian(fstab=b"/dev/mapper/crypt / ext4\n"))
        disk.trees[f"/dev/mapper/{name}"][1].add_file("/etc/crypttab", f"crypt UUID={ROOT_UUID} none luks\n".encode())

    disk.answers["cryptsetup_open"] = opened
    return disk


def test_luks_without_a_key_is_named() -> None:
    found, warnings = inspect(luks_disk())
    assert found.systems == ()
    assert any("/dev/sda1" in warning and ROOT_UUID in warning and "luks_keys" in warning for warning in warnings)


@pytest.mark.parametrize("device", ["/dev/sda1", "/dev/vda1", f"UUID={ROOT_UUID}", f"UUID={ROOT_UUID.upper()}"])
def test_luks_is_opened_and_its_name_in_fstab_found(device: str) -> None:
    found, warnings = inspect(luks_disk(), luks_keys=[{"device": device, "key": "secret"}])
    (system,) = found.systems
    assert warnings == []
    assert system.mountpoints == {"/": (f"/dev/mapper/luks-{ROOT_UUID}", "ext4")}
    assert system.root == f"/dev/mapper/luks-{ROOT_UUID}"


def test_an_open_luks_device_is_not_opened_again() -> None:
    disk = luks_disk()
    keys = [{"device": "/dev/sda1", "key": "secret"}]
    first, _warnings = inspect(disk, luks_keys=keys)
    second, _warnings = inspect(disk, luks_keys=keys)
    assert first.systems == second.systems
    assert disk.names().count("cryptsetup_open") == 1


def test_a_wrong_key_is_an_error_without_the_key() -> None:
    with pytest.raises(GuestError, match="/dev/sda1") as caught:
        inspect(luks_disk(), luks_keys=[{"device": "/dev/sda1", "key": "wrong-key"}])
    assert "wrong-key" not in str(caught.value)


def test_a_key_for_no_luks_device_is_an_error() -> None:
    with pytest.raises(OptionError, match="/dev/sda9"):
        inspect(luks_disk(), luks_keys=[{"device": "/dev/sda9", "key": "secret"}])


def test_a_hostile_luks_header_gives_a_harmless_name() -> None:
    disk = luks_disk()
    disk.add("/dev/sda1", "crypto_LUKS", ident="../../etc; rm -rf")
    found, _warnings = inspect(disk, luks_keys=[{"device": "/dev/sda1", "key": "secret"}])
    assert found.systems[0].root == "/dev/mapper/luks-sda1"


def two_systems() -> FakeDisk:
    disk = FakeDisk()
    disk.devices["/dev/sda"] = gpt((LINUX, 1, 4), (LINUX, 5, 10))
    disk.add("/dev/sda1", "ext4", debian(fstab=b"/dev/sda1 / ext4\n"), ident=ROOT_UUID)
    disk.add("/dev/sda2", "ext4", debian(fstab=b"/dev/sda2 / ext4\n"))
    return disk


def test_several_systems_and_the_option_root() -> None:
    found, _warnings = inspect(two_systems())
    assert [system.root for system in found.systems] == ["/dev/sda1", "/dev/sda2"]
    with pytest.raises(GuestError, match="2 operating systems") as caught:
        found.select()
    assert caught.value.details == {"roots": ["/dev/sda1", "/dev/sda2"]}
    assert found.select("/dev/vda2").root == "/dev/sda2"
    assert found.select(f"UUID={ROOT_UUID}").root == "/dev/sda1"
    with pytest.raises(GuestError, match="none of the image's"):
        found.select("LABEL=other")


def btrfs_disk(fstab: bytes, subvolumes: dict[int, str], default: int) -> FakeDisk:
    disk = FakeDisk()
    disk.devices["/dev/sda"] = gpt((LINUX, 1, 4))
    top = FakeRpc()
    for path in subvolumes.values():
        top.add_dir(f"/{path}")
        for name, node in debian(fstab=fstab).nodes.items():
            top.nodes[f"/{path}{name}".rstrip("/")] = node
    disk.add("/dev/sda1", "btrfs", top, ident=ROOT_UUID)
    disk.answers["btrfs_subvolume_list"] = [
        {"btrfssubvolume_id": number, "btrfssubvolume_top_level_id": 5, "btrfssubvolume_path": path}
        for number, path in subvolumes.items()
    ]
    disk.answers["btrfs_subvolume_get_default"] = default
    return disk


def test_fedoras_root_subvolume() -> None:
    disk = btrfs_disk(b"UUID=%s / btrfs subvol=root 0 0\n" % ROOT_UUID.encode(), {256: "root"}, 5)
    (system,) = inspect(disk)[0].systems
    assert system.root == "btrfsvol:/dev/sda1/root"
    assert system.mountpoints == {"/": ("btrfsvol:/dev/sda1/root", "btrfs")}
    assert disk.mounted == {}, "the top level is not what the device's name stands for"


def test_the_default_subvolume_goes_by_the_devices_name_and_snapshots_are_no_systems() -> None:
    fstab = b"UUID=%s / btrfs defaults 0 0\n" % ROOT_UUID.encode()
    subvolumes = {256: "@/.snapshots/1/snapshot", 257: "@/.snapshots/2/snapshot", 258: "@/.snapshots/3/snapshot"}
    (system,) = inspect(btrfs_disk(fstab, subvolumes, 257))[0].systems
    assert system.root == "/dev/sda1"


def test_snapshots_by_name_are_no_systems() -> None:
    fstab = b"UUID=%s / btrfs subvol=/@ 0 0\n" % ROOT_UUID.encode()
    (system,) = inspect(btrfs_disk(fstab, {256: "@", 300: "timeshift/x/@"}, 5))[0].systems
    assert system.root == "btrfsvol:/dev/sda1/@"


def test_a_root_without_fstab_and_hosts_counts_if_there_is_no_other() -> None:
    disk = plain_disk()
    del disk.trees["/dev/sda2"][1].nodes["/etc/fstab"]
    found, _warnings = inspect(disk)
    assert [system.distro for system in found.systems] == ["debian"]
    assert found.systems[0].mountpoints == {"/": ("/dev/sda2", "ext4")}


def test_coreos_has_its_facts_in_usr() -> None:
    disk = FakeDisk()
    disk.devices["/dev/sda"] = gpt((LINUX, 1, 4), (LINUX, 5, 10))
    usr = FakeRpc()
    for path in ("/bin", "/share/coreos", "/local"):
        usr.add_dir(path)
    usr.add_file("/lib/os-release", b"ID=coreos\nPRETTY_NAME=CoreOS\nVERSION_ID=647.0.0\n")
    root = FakeRpc()
    for path in ("/root", "/home", "/usr"):
        root.add_dir(path)
    root.add_file("/etc/coreos/update.conf")
    root.add_file("/etc/hostname", b"core\n")
    disk.add("/dev/sda1", "ext4", usr)
    disk.add("/dev/sda2", "ext4", root)
    (system,) = inspect(disk)[0].systems
    assert (system.distro, system.major, system.product_name, system.hostname) == ("coreos", 647, "CoreOS", "core")
    assert system.mountpoints == {"/usr": ("/dev/sda1", "ext4"), "/": ("/dev/sda2", "ext4")}


def test_an_fstab_of_thousands_of_mountpoints_is_bounded() -> None:
    lines = b"".join(b"/dev/sda2 /m%d ext4\n" % number for number in range(5000))
    disk = plain_disk(b"/dev/sda2 / ext4\n" + lines[:90_000])
    (system,) = inspect(disk)[0].systems
    assert len(system.mountpoints) == 64


def test_systems_survive_the_way_through_json() -> None:
    (system,) = inspect(plain_disk())[0].systems
    assert OperatingSystem.from_dict(json.loads(json.dumps(system.to_dict()))) == system


@given(
    st.dictionaries(
        st.sampled_from(sorted(OperatingSystem("/dev/sda1", "linux").to_dict())),
        st.one_of(st.none(), st.integers(), st.text(max_size=20), st.lists(st.text(max_size=5), max_size=3)),
    )
)
def test_a_remembered_system_is_checked(changes: dict[str, t.Any]) -> None:
    values = {**OperatingSystem("/dev/sda1", "linux", root_type="ext4").to_dict(), **changes}
    try:
        system = OperatingSystem.from_dict(values)
    except GuestError:
        return
    assert system.root.startswith(("/dev/", "btrfsvol:/dev/"))
    assert isinstance(system.major, int)


def test_a_hibernated_system_is_a_warning() -> None:
    disk = plain_disk()
    disk.devices["/dev/sda1"] = bytes(4086) + b"S1SUSPEND\0" + bytes(100)
    _found, warnings = inspect(disk)
    assert any("/dev/sda1" in warning and "hibernated" in warning for warning in warnings)


def test_a_forgotten_field_is_an_error() -> None:
    values = OperatingSystem("/dev/sda1", "linux").to_dict()
    del values["arch"]
    with pytest.raises(GuestError, match="not understood"):
        OperatingSystem.from_dict(values)


def test_select_system_without_systems_says_what_was_found() -> None:
    with pytest.raises(GuestError, match=r"Found: /dev/sda1 \(swap\)"):
        select_system([], None, found="/dev/sda1 (swap)")


@pytest.mark.parametrize(
    ("mountable", "device"),
    [
        ("/dev/sda1", "/dev/sda1"),
        ("btrfsvol:/dev/sda1/root", "/dev/sda1"),
        ("btrfsvol:/dev/sda1//@/home", "/dev/sda1"),
        ("btrfsvol:/dev/vg/lv/@", "/dev/vg/lv"),
        ("btrfsvol:/dev/mapper/luks-1/@/x", "/dev/mapper/luks-1"),
        ("btrfsvol:/dev/md127/root", "/dev/md127"),
        ("btrfsvol:/dev/sdata/lv/@", "/dev/sdata/lv"),
    ],
)
def test_device_of(mountable: str, device: str) -> None:
    assert device_of(mountable) == device


@pytest.mark.parametrize(
    ("device", "name"),
    [("/dev/vg-a/lv-b", "vg--a-lv--b"), ("/dev/mapper/luks-1", "luks-1"), ("/dev/sda1", ""), ("/dev/md127", "")],
)
def test_mapper_name(device: str, name: str) -> None:
    assert mapper_name(device) == name
