# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What os_info tells, of plain guests and of hostile ones."""

from __future__ import annotations

import dataclasses
import json
import stat
import typing as t

import pytest
from ansible_collections.offline.guest.plugins.module_utils._appliance._calls import Calls
from ansible_collections.offline.guest.plugins.module_utils._errors import CallError
from ansible_collections.offline.guest.plugins.module_utils._guest import _os_info, _os_info_packages
from ansible_collections.offline.guest.plugins.module_utils._guest._inspect import find_systems
from ansible_collections.offline.guest.plugins.module_utils._guest._inspect_view import View
from ansible_collections.offline.guest.plugins.module_utils._guest._os_info import Options
from ansible_collections.offline.guest.tests.unit.guest.fake_disk import ESP, LINUX, FakeDisk, debian, gpt
from ansible_collections.offline.guest.tests.unit.guest.fake_rpc import FakeRpc
from hypothesis import given
from hypothesis import strategies as st


def disk_of(tree: FakeRpc) -> FakeDisk:
    disk = FakeDisk()
    disk.devices["/dev/sda"] = gpt((ESP, 1, 4), (LINUX, 5, 10), names=["EFI {{ x }}"])
    disk.add("/dev/sda1", "vfat", FakeRpc())
    disk.add("/dev/sda2", "ext4", tree)
    return disk


def describe(disk: FakeDisk, *gather: str, **options: t.Any) -> tuple[dict[str, t.Any], list[str]]:
    warnings: list[str] = []
    wanted = Options(gather=frozenset(gather or _os_info.DEFAULT_SUBSETS), **options)
    systems = find_systems(disk.calls, warn=warnings.append)
    result = _os_info.describe(disk.calls, systems, wanted, warnings.append)
    json.dumps(result)
    return result, warnings


def full_debian() -> FakeRpc:
    tree = debian(fstab=b"/dev/vda2 / ext4 errors=remount-ro,noatime 0 1\n/dev/vda1 /boot/efi vfat\n")
    tree.add_dir("/boot/efi")
    tree.add_file("/boot/vmlinuz-6.1.0-13-amd64")
    tree.add_file("/boot/initrd.img-6.1.0-13-amd64")
    tree.add_file("/boot/vmlinuz-6.1.0-9-amd64")
    tree.add_dir("/usr/lib/modules/6.1.0-13-amd64")
    tree.add_dir("/usr/lib/modules/6.10.0-1-amd64")
    tree.add_file("/etc/machine-id", b"4f2a8c0e9b1d4e7f8a6b5c3d2e1f0a9b\n")
    tree.add_file("/etc/ssh/ssh_host_rsa_key", b"secret")
    tree.add_file("/etc/ssh/ssh_host_rsa_key.pub", b"public")
    tree.add_file("/etc/cloud/cloud.cfg", b"users: []\n")
    tree.add_file("/etc/selinux/config", b"# x\nSELINUX=Permissive\nSELINUXTYPE=targeted\n")
    tree.add_file("/var/lib/dpkg/status", STATUS)
    return tree


STATUS = b"""\
Package: openssh-server
Status: install ok installed
Architecture: amd64
Version: 1:9.2p1-2+deb12u7
Description: secure shell
 Version: 666

Package: gone
Status: deinstall ok config-files
Version: 1

Package: base-files
Status: hold ok installed
Version: 12.4
"""


def test_a_full_debian() -> None:
    result, warnings = describe(disk_of(full_debian()), "details", "filesystems", "disk", "packages")
    assert warnings == []
    (system,) = result["systems"]
    assert (system["root"], system["distro"], system["hostname"]) == ("/dev/sda2", "debian", "web01")
    assert system["mountpoints"] == {"/": "/dev/sda2", "/boot/efi": "/dev/sda1"}
    assert system["fstab"][0] == {
        "spec": "/dev/vda2",
        "device": "/dev/sda2",
        "mountpoint": "/",
        "type": "ext4",
        "options": ["errors=remount-ro", "noatime"],
        "dump": 0,
        "passno": 1,
    }
    assert [(row["version"], row["image"], row["modules"]) for row in system["kernels"]] == [
        ("6.1.0-9-amd64", "/boot/vmlinuz-6.1.0-9-amd64", False),
        ("6.1.0-13-amd64", "/boot/vmlinuz-6.1.0-13-amd64", True),
        ("6.10.0-1-amd64", None, True),
    ]
    assert system["kernels"][1]["initrd"] == "/boot/initrd.img-6.1.0-13-amd64"
    assert system["machine_id"] == {"state": "set", "value": "4f2a8c0e9b1d4e7f8a6b5c3d2e1f0a9b"}
    assert system["ssh_host_keys"] == ["ssh_host_rsa_key"]
    assert system["cloud_init"] is True
    assert system["selinux"] == {"mode": "permissive", "policy": "targeted"}
    assert [(row["mountpoint"], row["type"], row["size"], row["used"]) for row in system["filesystems"]] == [
        ("/", "ext4", 1024000, 614400),
        ("/boot/efi", "vfat", 1024000, 614400),
    ]
    assert [(row["name"], row["epoch"], row["version"], row["release"]) for row in system["packages"]] == [
        ("base-files", 0, "12.4", None),
        ("openssh-server", 1, "9.2p1", "2+deb12u7"),
    ]
    assert (result["disk"]["parttype"], result["disk"]["size"]) == ("gpt", 1 << 20)
    assert [row["device"] for row in result["disk"]["partitions"]] == ["/dev/sda1", "/dev/sda2"]
    assert result["disk"]["devices"][0] == {
        "device": "/dev/sda1",
        "kind": "partition",
        "parent": None,
        "type": "vfat",
        "uuid": "ABCD-1234",
        "label": None,
        "size": 4 << 20,
    }


def test_guest_text_cannot_be_templated() -> None:
    result, _warnings = describe(disk_of(full_debian()), "disk")
    assert "{{" not in json.dumps(result)
    assert result["disk"]["partitions"][0]["name"].startswith("EFI {")


def test_the_minimum_needs_no_mount() -> None:
    disk = disk_of(full_debian())
    warnings: list[str] = []
    systems = find_systems(disk.calls, warn=warnings.append)
    disk.log.clear()
    result = _os_info.describe(disk.calls, systems, Options(gather=frozenset()), warnings.append)
    assert disk.log == []
    assert "disk" not in result
    assert "fstab" not in result["systems"][0]


def test_the_disks_size_is_not_asked_for_twice() -> None:
    disk = disk_of(full_debian())
    result, _warnings = describe(disk, "disk", disk_size=12345)
    assert result["disk"]["size"] == 12345
    assert "blockdev_getsize64" not in disk.names()


def test_a_label_that_blkid_must_tell_is_asked_for_before_the_mount() -> None:
    """ntfslabel refuses a device that is mounted."""
    disk = disk_of(full_debian())
    disk.add("/dev/sda1", "ntfs", FakeRpc())

    def label(device: str) -> str:
        if device in disk.mounted.values():
            raise CallError("vfs_label", "the device is busy")
        return "System"

    disk.answers["vfs_label"] = label
    result, _warnings = describe(disk)
    assert result["systems"][0]["filesystems"][1]["label"] == "System"
    assert disk.names().count("vfs_label") == 1


def test_no_system_is_no_error() -> None:
    disk = FakeDisk()
    disk.devices["/dev/sda"] = gpt((LINUX, 1, 4))
    disk.add("/dev/sda1", "swap")
    result, _warnings = describe(disk)
    assert result["systems"] == []
    assert [row["type"] for row in result["disk"]["devices"]] == ["swap"]


def test_a_system_that_cannot_be_mounted_still_has_its_entry() -> None:
    disk = disk_of(full_debian())
    systems = find_systems(disk.calls, warn=lambda _text: None)
    disk.call("umount_all")
    disk.answers["mount_vfs"] = CallError("mount_vfs", "input/output error", 5)
    warnings: list[str] = []
    result = _os_info.describe(disk.calls, systems, Options(), warnings.append)
    (system,) = result["systems"]
    assert (system["distro"], system["fstab"], system["kernels"]) == ("debian", None, None)
    assert system["filesystems"][0]["size"] is None
    assert len(warnings) == 1


@pytest.mark.parametrize("path", ["/etc/fstab", "/usr/lib/os-release", "/etc/hostname"])
def test_a_missing_file_is_a_warning_and_nothing(path: str) -> None:
    tree = full_debian()
    tree.add_file("/etc/hosts")
    del tree.nodes[path]
    result, warnings = describe(disk_of(tree), "details")
    (system,) = result["systems"]
    assert len(set(warnings)) == 1
    told = {
        "/etc/fstab": system["fstab"],
        "/usr/lib/os-release": system["codename"],
        "/etc/hostname": system["hostname"],
    }
    assert told[path] is None


@pytest.mark.parametrize("path", ["/etc/fstab", "/etc/hostname", "/etc/machine-id", "/etc/selinux/config"])
def test_a_fifo_hangs_nothing(path: str) -> None:
    tree = full_debian()
    tree.add_file("/etc/hosts")
    del tree.nodes[path]
    tree.add_special(path, stat.S_IFIFO)
    result, warnings = describe(disk_of(tree), "details")
    assert [warning for warning in warnings if path in warning]
    assert result["systems"][0]["arch"] == "x86_64"


def view_of(**files: bytes) -> View:
    tree = FakeRpc()
    for path, content in files.items():
        tree.add_file("/" + path.replace("__", "/").replace("_", "-"), content)
    return View(Calls(tree), warn=lambda _text: None)


@pytest.mark.parametrize(
    ("content", "state"),
    [
        (b"", "empty"),
        (b"\n", "empty"),
        (b"uninitialized\n", "uninitialized"),
        (b"A" * 32 + b"\n", "set"),
        (b"a" * 31, "invalid"),
        (b"{{ lookup('pipe','x') }}", "invalid"),
        (b"a" * 200_000, "invalid"),
    ],
)
def test_machine_id(content: bytes, state: str) -> None:
    said = _os_info.machine_id(view_of(etc__machine_id=content))
    assert said == {"state": state, "value": "a" * 32 if state == "set" else None}


def test_machine_id_absent_and_dangling() -> None:
    tree = FakeRpc()
    assert _os_info.machine_id(View(Calls(tree), warn=lambda _text: None))["state"] == "absent"
    tree.add_link("/etc/machine-id", "/nowhere")
    assert _os_info.machine_id(View(Calls(tree), warn=lambda _text: None))["state"] == "invalid"


@pytest.mark.parametrize(
    ("text", "mode", "policy"),
    [
        (b"SELINUX = enforcing\nSELINUXTYPE=mls\n", "enforcing", "mls"),
        (b"SELINUX=nonsense\n", None, None),
        (b"#SELINUX=enforcing\n", None, None),
        (b"SELINUX=disabled\r\n", "disabled", None),
    ],
)
def test_selinux(text: bytes, mode: str | None, policy: str | None) -> None:
    assert _os_info.selinux(view_of(etc__selinux__config=text)) == {"mode": mode, "policy": policy}


def test_apk_and_pacman() -> None:
    (musl,) = _os_info_packages.parse_apk_installed("C:Q1\nP:musl\nV:1.2.4-r2\nA:x86_64\nF:lib\n\nP:broken\n")
    assert (musl["name"], musl["version"], musl["release"], musl["arch"]) == ("musl", "1.2.4", "r2", "x86_64")
    (glibc,) = _os_info_packages.parse_pacman_names(["gcc-libs-2:13.2.1-3", "ALPM_DB_VERSION"])
    assert (glibc["name"], glibc["epoch"], glibc["version"], glibc["release"]) == ("gcc-libs", 2, "13.2.1", "3")


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("1:2.3-4", (1, "2.3", "4")),
        ("2.3-beta-4", (0, "2.3-beta", "4")),
        ("20230311", (0, "20230311", None)),
        ("x:1-2", (0, "x:1", "2")),
    ],
)
def test_split_version(text: str, parts: tuple[int, str, str | None]) -> None:
    assert _os_info_packages.split_version(text) == parts


@given(st.text(max_size=300))
def test_any_package_database_gives_an_answer(text: str) -> None:
    _os_info_packages.parse_dpkg_status(text)
    _os_info_packages.parse_apk_installed(text)
    _os_info_packages.parse_pacman_names(text.split("\n"))


def test_rpms_are_listed_by_libguestfs() -> None:
    disk = disk_of(debian())
    (system,) = find_systems(disk.calls, warn=lambda _text: None)
    disk.answers["inspect_os"] = ["/dev/sda2"]
    row = {"app2_name": "bash", "app2_epoch": 0, "app2_version": "5.2", "app2_release": "1.fc39", "app2_arch": "x86_64"}
    disk.answers["inspect_list_applications2"] = [row]
    rpm = dataclasses.replace(system, package_format="rpm")
    result = _os_info.describe(disk.calls, [rpm], Options(gather=frozenset(["packages"])), lambda _text: None)
    expected = {"name": "bash", "epoch": 0, "version": "5.2", "release": "1.fc39", "arch": "x86_64"}
    assert result["systems"][0]["packages"] == [expected]


def test_kernel_names_cannot_break_the_order() -> None:
    tree = FakeRpc()
    for name in ("vmlinuz-", "vmlinuz-linux", "vmlinuz-" + "9" * 200, "vmlinuz-6.1\u0663"):
        tree.add_file(f"/boot/{name}")
    found = _os_info.kernels(View(Calls(tree), warn=lambda _text: None))
    assert len(found) == 4
