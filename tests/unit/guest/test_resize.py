# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The whole task against a disk in memory: what is called, what is refused, and that a second run calls nothing."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.offline.guest.plugins.module_utils._appliance._calls import Calls
from ansible_collections.offline.guest.plugins.module_utils._errors import GuestError, OptionError
from ansible_collections.offline.guest.plugins.module_utils._guest._files import GuestFiles
from ansible_collections.offline.guest.plugins.module_utils._guest._guest import Guest, GuestOptions
from ansible_collections.offline.guest.plugins.module_utils._guest._resize import disk_size, handle
from ansible_collections.offline.guest.plugins.module_utils._guest._system import OperatingSystem
from ansible_collections.offline.guest.plugins.module_utils._guest._task import Disk, Outcome, Task
from ansible_collections.offline.guest.tests.unit.guest.resize_disk import (
    EXTENT,
    MIB,
    SECTOR,
    Content,
    FakeDisk,
    Part,
)

GIB = 1 << 30
SIZE = GIB
LAST = SIZE // SECTOR - 1
ALL = ("ext2", "ext3", "ext4", "xfs", "btrfs")
GROWN = ["grow", "part_expand_gpt", "part_resize"]


def system(root: str) -> OperatingSystem:
    return OperatingSystem(root=root, type="linux")


def run(
    disk: FakeDisk,
    size: str | None = None,
    *,
    roots: t.Sequence[str] = (),
    check: bool = False,
    image_format: str = "qcow2",
    filesystems: tuple[str, ...] = ALL,
    **params: t.Any,
) -> Outcome:
    calls = Calls(disk)
    guest = Guest(calls, GuestFiles(calls), tuple(map(system, roots)), GuestOptions(filesystems=filesystems))
    task = Task(
        params={"size": size, "partition": None, "lv": None, **params},
        guest=guest,
        check=check,
        warn=pytest.fail,
        disk=Disk(disk.size, image_format, disk.grow),
    )
    outcome = handle(task)
    if outcome.changed and not check:
        disk.size = outcome.result["size_after"]
    return outcome


def gpt(kind: str, **more: t.Any) -> FakeDisk:
    parts = [Part(1, 2048, 4095), Part(2, 4096, LAST - 33)]
    return FakeDisk(
        SIZE, "gpt", parts, {1: Content("vfat", MIB), 2: Content(kind, (LAST - 33 - 4095) // 8 * 4096, **more)}
    )


def gpt_lvm(**more: t.Any) -> FakeDisk:
    size = 255 * EXTENT - 4 * MIB
    inner = Content("ext4", 100 * EXTENT)
    return gpt_content(Content("LVM2_member", size, inner, lv_size=100 * EXTENT, **more))


def gpt_content(content: Content) -> FakeDisk:
    disk = gpt("ext4")
    disk.contents[2] = content
    return disk


def logical() -> FakeDisk:
    parts = [
        Part(1, 2048, 4095),
        Part(2, 4096, LAST, 0x05),
        Part(5, 6144, 9999, 0x82, logical=True),
        Part(6, 16384, LAST, logical=True),
    ]
    return FakeDisk(SIZE, "msdos", parts, {6: Content("ext4", (LAST - 16383) // 8 * 4096)})


LAYOUTS: dict[str, tuple[t.Callable[[], FakeDisk], list[str]]] = {
    "gpt ext4": (lambda: gpt("ext4"), [*GROWN, "resize2fs"]),
    "gpt xfs": (lambda: gpt("xfs"), [*GROWN, "mount_vfs", "xfs_growfs", "umount"]),
    "gpt btrfs": (lambda: gpt("btrfs"), [*GROWN, "mount_vfs", "btrfs_filesystem_resize", "umount"]),
    "gpt swap": (lambda: gpt("swap"), [*GROWN, "pwrite_device"]),
    "gpt lvm": (gpt_lvm, [*GROWN, "pvresize", "lvresize_free", "resize2fs"]),
    "logical": (logical, ["grow", "part_resize", "part_resize", "resize2fs"]),
    "whole": (lambda: FakeDisk(SIZE, None, [], {0: Content("ext4", SIZE)}), ["grow", "resize2fs"]),
    "whole pv": (
        lambda: FakeDisk(
            SIZE, None, [], {0: Content("LVM2_member", 255 * EXTENT, Content("ext4", EXTENT), lv_size=EXTENT)}
        ),
        ["grow", "pvresize", "lvresize_free", "resize2fs"],
    ),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_grow_then_nothing_to_do(name: str) -> None:
    make, expected = LAYOUTS[name]
    disk = make()
    planned = run(disk, "2G", check=True)
    assert disk.log == [] and disk.real_size == SIZE
    done = run(disk, "2G")
    assert done.changed and done == planned, "check mode says what is done"
    assert [entry[0] for entry in disk.log] == expected
    assert disk.mounted is None
    disk.log.clear()
    for size in ("2G", None, str(2 * GIB)):
        again = run(disk, size)
        assert not again.changed and again.result["plan"] == [] and again.diff is not None
        assert set(again.result) == set(done.result)
    assert disk.log == []


def test_a_disk_that_the_appliance_sees_larger_already() -> None:
    """A task of its own starts the appliance with the new size at once; `before` is still the image's."""
    disk = gpt("ext4")
    disk.real_size = 2 * GIB
    done = run(disk, "+1G")
    assert (done.result["size_before"], done.result["size_after"]) == (GIB, 2 * GIB)
    assert disk.parts[1].end == (2 * GIB - MIB) // SECTOR - 1


def test_relative_sizes_grow_every_time() -> None:
    disk = gpt("ext4")
    assert [run(disk, "+512M").result["size_after"] for _time in range(3)] == [GIB + n * 512 * MIB for n in (1, 2, 3)]


def test_fill_an_image_enlarged_by_another_tool() -> None:
    disk = gpt("ext4")
    disk.size = disk.real_size = 2 * GIB
    done = run(disk)
    assert [step["action"] for step in done.result["plan"]] == ["move_gpt_backup", "grow_partition", "grow_filesystem"]
    assert done.summary == "Grew /dev/sda2 to fill the image."
    assert not run(disk).changed


@pytest.mark.parametrize(
    ("root", "device"),
    [("/dev/sda2", "/dev/sda2"), ("btrfsvol:/dev/sda2/@", "/dev/sda2")],
)
def test_the_partition_of_the_root(root: str, device: str) -> None:
    assert run(gpt("btrfs"), "2G", roots=[root]).result["device"] == device


@pytest.mark.parametrize("root", ["/dev/vg/root", "/dev/mapper/vg-root"])
def test_the_root_on_lvm(root: str) -> None:
    done = run(gpt_lvm(lvs=2), "2G", roots=[root])
    assert done.result["plan"][-1]["target"] == "/dev/vg/root"


@pytest.mark.parametrize("lv", ["root", "vg/root", "/dev/vg/root", "/dev/mapper/vg-root"])
def test_the_logical_volume_asked_for(lv: str) -> None:
    assert run(gpt_lvm(lvs=2), "2G", lv=lv).result["plan"][-1]["target"] == "/dev/vg/root"


@pytest.mark.parametrize("partition", ["2", "/dev/sda2", "/dev/vda2", "/dev/nvme0n1p2"])
def test_the_partition_asked_for(partition: str) -> None:
    assert run(gpt("ext4"), "2G", roots=["/dev/sda1"], partition=partition).changed


REFUSED: list[tuple[t.Callable[[], FakeDisk], dict[str, t.Any], type[Exception], str]] = [
    (lambda: gpt("ext4"), {"size": "512M"}, OptionError, "shrinking is not supported"),
    (lambda: gpt("ext4"), {"size": "2G", "image_format": "vmdk"}, OptionError, "vmdk cannot be grown"),
    (lambda: gpt("ext4"), {"size": "2G", "partition": "1"}, GuestError, "partition 2 follows it"),
    (lambda: gpt("ext4"), {"size": "2G", "roots": ["/dev/sda1"]}, GuestError, "partition 2 follows it"),
    (lambda: gpt("ext4"), {"size": "2G", "partition": "9"}, OptionError, "no partition 9.*has: 1, 2"),
    (lambda: gpt("ext4"), {"size": "2G", "partition": "/dev/sdb2"}, OptionError, "not a partition of this image"),
    (lambda: gpt("ext4"), {"size": "2G", "partition": "two"}, OptionError, "not a partition of this image"),
    (lambda: gpt("ext4"), {"size": "2G", "lv": "root"}, OptionError, "holds ext4, not LVM"),
    (lambda: gpt("ntfs"), {"size": "2G"}, GuestError, "holds ntfs"),
    (lambda: gpt(""), {"size": "2G"}, GuestError, "nothing that is known"),
    (lambda: gpt("crypto_LUKS"), {"size": "2G"}, GuestError, "LUKS"),
    (lambda: gpt("xfs"), {"size": "2G", "filesystems": ("ext4",)}, OptionError, "filesystems does not allow xfs"),
    (lambda: gpt("ext4"), {"size": "2G", "roots": ["/dev/sda2", "/dev/sda1"]}, GuestError, "root"),
    (gpt_lvm, {"size": "2G", "lv": "home"}, OptionError, "no logical volume 'home'.*has: root"),
    (gpt_lvm, {"size": "2G", "roots": ["/dev/mapper/luks"]}, GuestError, "is not clear"),
    (lambda: gpt_lvm(lvs=2), {"size": "2G"}, OptionError, "several logical volumes.*root, other1"),
    (lambda: gpt_lvm(attributes="Vwi-a-tz--"), {"size": "2G"}, GuestError, "thin volume"),
    (lambda: gpt_lvm(group="wz-pn-"), {"size": "2G"}, GuestError, "not in this image"),
    (lambda: gpt_lvm(group="rz--n-"), {"size": "2G"}, GuestError, "read-only"),
    (logical, {"size": "2G", "partition": "5"}, GuestError, "partition 6 follows it"),
    (logical, {"size": "2G", "partition": "2"}, OptionError, "extended one"),
    (LAYOUTS["whole"][0], {"size": "2G", "partition": "1"}, OptionError, "no partition table"),
    (lambda: FakeDisk(SIZE, "gpt", [], {}), {"size": "2G"}, OptionError, "is empty"),
]


@pytest.mark.parametrize(("make", "options", "error", "reason"), REFUSED)
def test_refused_before_anything_is_changed(
    make: t.Callable[[], FakeDisk], options: dict[str, t.Any], error: type[Exception], reason: str
) -> None:
    disk = make()
    with pytest.raises(error, match=reason):
        run(disk, **options)
    assert disk.log == []


def test_a_tool_that_changes_more_than_it_should_is_found_out() -> None:
    disk = gpt("ext4")
    grow = disk.grow

    def rename(size: int) -> None:
        disk.name = "another"
        grow(size)

    disk.grow = rename  # type: ignore[method-assign]
    with pytest.raises(GuestError, match="changed more of the partition table"):
        run(disk, "2G")


class Booted(FakeDisk):
    """A disk with an MBR that begins with ``start``; parted does what it does where the first byte is zero."""

    def __init__(self, start: bytes) -> None:
        super().__init__(SIZE, "msdos", [Part(1, 2048, LAST)], {1: Content("ext4", (LAST - 2047) // 8 * 4096)})
        self.start = start

    def _part_resize(self, device: str, number: int, end: int) -> None:
        super()._part_resize(device, number, end)
        if not self.start[0]:
            self.start = b"\xfa" * 440 + b"news" + bytes(2)

    def _pread_device(self, device: str, count: int, offset: int) -> bytes:
        found = super()._pread_device(device, count, offset)
        return (self.start + found[446:])[:count] if (device, offset) == ("/dev/sda", 0) else found

    def _pwrite_device(self, device: str, content: bytes, offset: int) -> int:
        assert (device, offset, len(content)) == ("/dev/sda", 0, 446)
        self.start = content
        return len(content)


@pytest.mark.parametrize("code", [bytes(440), b"\0" + b"\x90" * 439, b"\xeb" * 440])
@pytest.mark.parametrize("signature", [bytes(6), b"sign\0\0"])
def test_boot_code_and_signature_stay_although_parted_replaces_them(code: bytes, signature: bytes) -> None:
    disk = Booted(code + signature)
    assert run(disk, "2G").changed
    assert disk.start == code + signature
    assert any(name == "pwrite_device" for name, *_args in disk.log) == (not code[0])


def test_a_tool_that_does_too_little_is_found_out() -> None:
    disk = gpt("ext4")
    disk._resize2fs = lambda device: None  # type: ignore[method-assign]
    with pytest.raises(GuestError, match="/dev/sda2 still does not have the size"):
        run(disk, "2G")


def test_nothing_stays_mounted_after_a_failure() -> None:
    disk = gpt("xfs")

    def fail(path: str) -> None:
        raise GuestError("no")

    disk._xfs_growfs = fail  # type: ignore[method-assign]
    with pytest.raises(GuestError, match="^no$"):
        run(disk, "2G")
    assert disk.mounted is None


def test_disk_size_is_known_before_the_start() -> None:
    assert disk_size({"size": "+1G", "format": "raw"}, GIB) == 2 * GIB
    assert disk_size({"size": None, "format": "vdi"}, GIB) == GIB
    with pytest.raises(OptionError, match="vdi cannot be grown"):
        disk_size({"size": "2G", "format": "vdi"}, GIB)
