# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every layout that ``resize`` grows, and those that it refuses, in one appliance; judged by the host's own tools.

The size to grow to is odd on purpose: neither a partition nor a file system can end exactly there.
"""

from __future__ import annotations

import os
import re
import struct
import subprocess
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

import images
import pytest
from ansible_collections.offline.guest.plugins.module_utils._errors import OfflineGuestError
from ansible_collections.offline.guest.plugins.module_utils._guest._files import GuestFiles
from ansible_collections.offline.guest.plugins.module_utils._guest._guest import Guest, GuestOptions
from ansible_collections.offline.guest.plugins.module_utils._guest._inspect import inspect
from ansible_collections.offline.guest.plugins.module_utils._guest._resize import resize
from ansible_collections.offline.guest.plugins.module_utils._guest._system import DEFAULT_TYPES, OperatingSystem
from ansible_collections.offline.guest.plugins.module_utils._guest._task import Disk, Outcome, Task
from drives import Fleet, cut_out, fleet, partitions_of
from factory.disk import stable_uuid
from guest_files import read_guest_file
from harness import Harness

pytestmark = pytest.mark.appliance

MIB = 1024 * 1024
SIZE = 768 * MIB + 3 * 512
FIRST_EXTENT = MIB  # where LVM puts it unless told otherwise

IMAGE = ("grow_image", "{disk}", "")
BACKUP = ("move_gpt_backup", "{disk}", "gpt")


@dataclass(frozen=True)
class Layout:
    """A layout: the root's device, the steps of the plan, and the option ``partition`` where it has to be given."""

    root: str
    steps: tuple[tuple[str, str, str], ...]
    partition: str | None = None

    @property
    def kind(self) -> str:
        """What grows last: a type of file system, or swap."""
        return self.steps[-1][2]


def _plain(number: int, kind: str, table: str = "gpt") -> Layout:
    part = f"{{disk}}{number}"
    head = (IMAGE, BACKUP) if table == "gpt" else (IMAGE,)
    return Layout(part, (*head, ("grow_partition", part, table), ("grow_filesystem", part, kind)))


def _swap(table: str) -> Layout:
    head = (IMAGE, BACKUP) if table == "gpt" else (IMAGE,)
    steps = (*head, ("grow_partition", "{disk}2", table), ("grow_swap", "{disk}2", "swap"))
    return Layout("{disk}1", steps, "2")


def _lvm(group: str, kind: str, *head: tuple[str, str, str]) -> Layout:
    root = f"/dev/vg_{group}/root"
    holder = "{disk}2" if head else "{disk}"
    rest = (("grow_pv", holder, "lvm2"), ("grow_lv", root, "lvm2"), ("grow_filesystem", root, kind))
    return Layout(root, (IMAGE, *head, *rest))


_GPT_PART = (BACKUP, ("grow_partition", "{disk}2", "gpt"))
LAYOUTS = {
    "gpt-ext4": _plain(3, "ext4"),
    "gpt-xfs": _plain(3, "xfs"),
    "gpt-btrfs": _plain(3, "btrfs"),
    "mbr-ext4": _plain(1, "ext4", "msdos"),
    "mbr-ext3": _plain(1, "ext3", "msdos"),
    "mbr-logical": Layout(
        "{disk}6",
        (
            IMAGE,
            ("grow_partition", "{disk}2", "msdos"),
            ("grow_partition", "{disk}6", "msdos"),
            ("grow_filesystem", "{disk}6", "ext4"),
        ),
    ),
    "gpt-swap-last": _swap("gpt"),
    "mbr-swap-last": _swap("msdos"),
    "lvm-ext4": _lvm("lvm_ext4", "ext4", *_GPT_PART),
    "lvm-xfs": _lvm("lvm_xfs", "xfs", *_GPT_PART),
    "lvm-whole-disk": _lvm("lvm_whole_disk", "ext4"),
    "whole-disk-ext4": Layout("{disk}", (IMAGE, ("grow_filesystem", "{disk}", "ext4"))),
}
FILLED = ("mbr-logical", "lvm-ext4")  # asked once more, without a size
REFUSED = {
    "gpt-swap-last": "Partition 1 cannot grow: partition 2 follows it",
    "mbr-swap-last": "Partition 1 cannot grow: partition 2 follows it",
    "luks": "is encrypted with LUKS",
    "md": "is a member of a RAID array",
    "windows-like": "holds ntfs, which cannot be grown here",
    "blank": "holds nothing that is known",
}


@dataclass
class Grown:
    """What happened to one image: four calls and one without a size; the calls that wrote during each."""

    device: str
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    writes: dict[str, list[str]] = field(default_factory=dict)
    refusal: str = ""
    error: str = ""


@dataclass(frozen=True)
class Lab:
    """The appliance after all was done in it, and what was done."""

    fleet: Fleet
    grown: t.Mapping[str, Grown]


def _guest(ships: Fleet, system: OperatingSystem | None) -> Guest:
    calls = ships.calls
    systems = () if system is None else (system,)
    return Guest(calls, GuestFiles(calls), systems, GuestOptions(filesystems=DEFAULT_TYPES))


def _task(guest: Guest, now: int, size: int | None, *, check: bool, partition: str | None) -> Task:
    params = {"size": None if size is None else str(size), "partition": partition, "lv": None}
    # The appliance has seen the disk at its new size from the start, as it does where a task stands alone.
    return Task(params, guest, check, pytest.fail, Disk(now, "qcow2", lambda _size: None))


def _grow(ships: Fleet, name: str, system: OperatingSystem, done: Grown) -> None:
    guest, partition = _guest(ships, system), LAYOUTS[name].partition
    before = images.path(name).stat().st_size
    plan: dict[str, tuple[int, int | None, bool]] = {
        "check": (before, SIZE, True),
        "run": (before, SIZE, False),
        "again": (SIZE, SIZE, False),
    }
    if name in FILLED:
        plan["fill"] = (SIZE, None, False)
    for call, (now, size, check) in plan.items():
        ships.rpc.made.clear()
        task = _task(guest, now, size, check=check, partition=partition)
        done.outcomes[call] = resize(task, done.device)
        done.writes[call] = ships.rpc.writes()


def _refuse(ships: Fleet, name: str, system: OperatingSystem | None, done: Grown) -> None:
    ships.rpc.made.clear()
    try:
        resize(
            _task(_guest(ships, system), images.path(name).stat().st_size, SIZE, check=False, partition=None),
            done.device,
        )
    except OfflineGuestError as exc:
        done.refusal = str(exc)
    done.writes["refusal"] = ships.rpc.writes()


@pytest.fixture(scope="module")
def lab(harness: Harness, tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Lab]:
    names = [*LAYOUTS, *(name for name in REFUSED if name not in LAYOUTS)]
    with fleet(harness, tmp_path_factory.mktemp("layouts"), names, size=SIZE) as ships:
        devices = [ships.devices[name] for name in LAYOUTS]
        systems = {system.root: system for system in inspect(ships.calls, warn=pytest.fail, disks=devices).systems}
        ships.calls.umount_all()
        grown = {name: Grown(ships.devices[name]) for name in names}
        for name, done in grown.items():
            root = LAYOUTS[name].root.format(disk=done.device) if name in LAYOUTS else ""
            try:
                if name in REFUSED:
                    _refuse(ships, name, systems[root] if root else None, done)
                if name in LAYOUTS:
                    _grow(ships, name, systems[root], done)
            except (OfflineGuestError, KeyError) as exc:
                done.error = f"{type(exc).__name__}: {exc}"
        ships.stop()
        yield Lab(ships, grown)


@pytest.mark.parametrize("name", LAYOUTS)
def test_the_plan_is_shown_then_carried_out_then_empty(lab: Lab, name: str) -> None:
    layout, done = LAYOUTS[name], lab.grown[name]
    assert not done.error
    steps = [(action, target.format(disk=done.device), kind) for action, target, kind in layout.steps]
    checked, ran = done.outcomes["check"], done.outcomes["run"]
    assert [(step["action"], step["target"], step["kind"]) for step in checked.result["plan"]] == steps
    assert all(step["from_bytes"] < step["to_bytes"] for step in checked.result["plan"])
    assert (checked.changed, checked.result, checked.diff) == (ran.changed, ran.result, ran.diff)
    assert ran.changed
    assert (ran.result["size_before"], ran.result["size_after"]) == (images.path(name).stat().st_size, SIZE)
    for call in set(done.outcomes) - {"check", "run"}:
        assert not done.outcomes[call].changed
        assert done.outcomes[call].result["plan"] == []
    assert set(done.outcomes) == {"check", "run", "again", *(["fill"] if name in FILLED else [])}
    assert [call for call, writes in done.writes.items() if writes] == ["run"]


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_grow_is_refused_with_the_reason(lab: Lab, name: str) -> None:
    assert REFUSED[name] in lab.grown[name].refusal
    assert lab.grown[name].writes["refusal"] == []


@pytest.mark.parametrize("name", LAYOUTS)
def test_the_tools_of_the_host_find_it_whole_and_full(lab: Lab, name: str) -> None:
    """Size, UUID and consistency, read off the disk by programs that are not the appliance's."""
    layout = LAYOUTS[name]
    size = lab.grown[name].outcomes["run"].result["plan"][-1]["to_bytes"]
    with lab.fleet.raw(name) as raw:
        assert raw.stat().st_size == SIZE
        start, room = _place(raw, layout)
        if "gpt" in {kind for _action, _target, kind in layout.steps}:
            assert "No problems found" in _said("sgdisk", "-v", str(raw))
        with cut_out(raw, start, room) as content:
            assert _uuid(content) == stable_uuid(name, "swap" if layout.kind == "swap" else "root")
            assert _checked(layout.kind, content) == size
        assert room - 17 * MIB < size <= room  # a file system may leave less than one group at its end
        assert SIZE - (start + room) < 5 * MIB  # alignment, the second GPT header, less than one extent
        if layout.kind == "ext4" and "lvm" not in name:
            assert read_guest_file(raw, "/etc/hostname").strip().decode() == name


def _place(raw: Path, layout: Layout) -> tuple[int, int]:
    """Return start and size of what grew last; a logical volume fills its physical one without a gap."""
    number = re.search(
        r"\{disk\}(\d+)$", next((target for action, target, _kind in reversed(layout.steps) if "disk" in target))
    )
    start, size = partitions_of(raw)[int(number.group(1))] if number else (0, SIZE)
    if layout.root.startswith("/dev/vg_"):
        extents = _extents(raw, start)
        return start + FIRST_EXTENT, extents * 4 * MIB
    return start, size


def _extents(raw: Path, start: int) -> int:
    """Return how many extents the one physical and the one logical volume have by the newest text of LVM."""
    with open(raw, "rb") as stream:
        stream.seek(start)
        area = stream.read(FIRST_EXTENT).decode("latin-1")
    texts = re.findall(r"seqno = (\d+)(.*?)\0", area, re.DOTALL)
    newest = max(texts, key=lambda text: int(text[0]))[1]
    physical = re.findall(r"\bpe_count = (\d+)", newest)
    logical = re.findall(r"extent_count = (\d+)", newest)
    assert physical == logical, newest  # one linear segment that holds every extent
    return int(physical[0])


def _said(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout


def _uuid(content: Path) -> str:
    return _said("blkid", "--probe", "--output", "value", "--match-tag", "UUID", str(content)).strip()


def _checked(kind: str, content: Path) -> int:
    """Check a file system or swap space, and return its size in bytes."""
    if kind.startswith("ext"):
        _said("e2fsck", "-fn", str(content))
        said = _said("dumpe2fs", "-h", str(content))
        return _number(r"Block count: +(\d+)", said) * _number(r"Block size: +(\d+)", said)
    if kind == "xfs":
        _said("xfs_repair", "-n", "-f", str(content))
        said = _said("xfs_db", "-f", "-r", "-c", "sb 0", "-c", "print dblocks blocksize", str(content))
        return _number(r"dblocks = (\d+)", said) * _number(r"blocksize = (\d+)", said)
    if kind == "btrfs":
        _said("btrfs", "check", "--force", str(content))
        said = _said("btrfs", "inspect-internal", "dump-super", str(content))
        return _number(r"dev_item.total_bytes\s+(\d+)", said)
    with open(content, "rb") as stream:
        head = os.pread(stream.fileno(), 4096, 0)
    assert head[4086:] == b"SWAPSPACE2"
    version, last_page = struct.unpack_from("<II", head, 1024)
    assert version == 1
    return (int(last_page) + 1) * 4096


def _number(pattern: str, text: str) -> int:
    found = re.search(pattern, text)
    assert found, text
    return int(found.group(1))
