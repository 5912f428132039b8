# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""Reading what lies between the end of the disk and the last file system, and choosing what is to grow."""

from __future__ import annotations

import dataclasses
import functools
import re
import typing as t

from .._appliance._calls import Calls
from .._errors import GuestError, OptionError, printable
from ._resize_content import HEAD_SIZE, Content, read_content
from ._resize_lvm import (
    Group,
    LogicalVolume,
    PhysicalVolume,
    choose_volume,
    find_volume,
    group_of,
    read_groups,
    read_uuid,
)
from ._resize_table import Partition, ReadDisk, Table, read_table

_ANY_DISK = re.compile(r"/dev/(?:(?:sd|hd|vd|xvd|ubd)(?P<letter>[a-z]{1,2})|nvme0n1p|mmcblk0p)(?P<number>[0-9]{1,3})")
_BTRFS_VOLUME = "btrfsvol:"

# Asks LVM at the first call only.
ReadGroups = t.Callable[[], tuple[Group, ...]]


@dataclasses.dataclass(frozen=True)
class Choice:
    """What is to grow.

    :param partition: a number, or a device such as /dev/sda2; None for the root's, or the last one.
    :param lv: the logical volume that takes the free extents; None for the root's, or the only one.
    :param root: the mountable of the guest's root file system; None where there is no operating system.
    """

    partition: str | None = None
    lv: str | None = None
    root: str | None = None


@dataclasses.dataclass(frozen=True)
class Disk:
    """A disk with a partition table."""

    device: str
    table: Table


@dataclasses.dataclass(frozen=True)
class Lvm:
    """What a physical volume holds; ``volume`` and ``content`` are None where its group has no logical volume."""

    group: Group
    physical: PhysicalVolume
    volume: LogicalVolume | None
    content: Content | None


@dataclasses.dataclass(frozen=True)
class Layout:
    """A disk, as far as growing it is concerned.

    :param disk: the canonical device.
    :param size: in bytes, before anything is grown.
    :param table: None where the content has the whole disk.
    :param chain: the partitions to grow, outermost first: one, or the extended and the logical one, or none.
    :param holder: the device that holds the content.
    """

    disk: str
    size: int
    table: Table | None
    chain: tuple[Partition, ...]
    holder: str
    content: Content | Lvm


def read_layout(calls: Calls, disk: str, size: int, choice: Choice) -> Layout:
    """Read the disk and choose; nothing is written.

    :param size: the disk's size before it is grown: the appliance may see it larger already.
    :raises OptionError: the choice names nothing that is there, or is needed.
    :raises GuestError: the layout cannot be grown; the message says why.
    """
    table = read_table(_disk_reader(calls, disk), size)
    chain: tuple[Partition, ...] = ()
    groups = functools.lru_cache(maxsize=None)(lambda: read_groups(calls))
    if table is not None:
        chain = choose_partitions(table, _wanted_number(calls, groups, Disk(disk, table), choice))
    elif choice.partition:
        raise OptionError(
            "The disk has no partition table, so there is no partition to choose.", hint="Omit partition."
        )
    holder = f"{disk}{chain[-1].number}" if chain else disk
    return Layout(disk, size, table, chain, holder, _read_holder(calls, groups, holder, choice))


def _disk_reader(calls: Calls, disk: str) -> ReadDisk:
    """One call brings the start of the disk, where a GPT is, because a call costs more than what it reads."""
    start = _head(calls, disk)

    def read(count: int, offset: int) -> bytes:
        end = offset + count
        return start[offset:end] if end <= len(start) else calls.pread_device(disk, count, offset)

    return read


def choose_partitions(table: Table, number: int | None) -> tuple[Partition, ...]:
    """Return the partitions to grow, outermost first, so that ``number``, or else the last one, gets larger.

    :raises OptionError: there is no such partition.
    :raises GuestError: another one follows it, and growing never moves a partition.
    """
    last = next((part for part in reversed(table.partitions) if part.role != "extended"), None)
    found = last if number is None else next((part for part in table.partitions if part.number == number), None)
    if found is None:
        raise OptionError(
            "The partition table is empty." if number is None else f"There is no partition {number}.",
            hint=f"The disk has: {', '.join(str(part.number) for part in table.partitions) or 'none'}.",
        )
    if found.role == "extended":
        raise OptionError(f"Partition {found.number} is the extended one.", hint="Name the logical one inside it.")
    follower = next((part for part in table.partitions if part.start > found.end), None)
    if follower is not None:
        raise GuestError(
            f"Partition {found.number} cannot grow: partition {follower.number} follows it on the disk.",
            hint="Only the last partition can grow in place, because growing never moves one.",
        )
    extended = [part for part in table.partitions if part.role == "extended" and found.role == "logical"]
    return (*extended, found)


def _wanted_number(calls: Calls, groups: ReadGroups, disk: Disk, choice: Choice) -> int | None:
    if choice.partition:
        return _number(disk.device, choice.partition)
    if not choice.root:
        return None
    number = _root_number(calls, groups, disk, choice.root)
    if number is None:
        raise GuestError(
            f"The root file system is on {printable(choice.root)}, and which partition that is on is not clear.",
            hint="Say with partition which one is to grow. Nothing inside LUKS or RAID can grow yet.",
        )
    return number


def _number(disk: str, wanted: str) -> int:
    """A number, or a device under any of the names that Linux gives a first disk; ours is the canonical one."""
    if re.fullmatch(r"[1-9][0-9]{0,2}", wanted):
        return int(wanted)
    match = _ANY_DISK.fullmatch(wanted)
    if not match or (match.group("letter") or disk[-1]) != disk[-1] or int(match.group("number")) < 1:
        raise OptionError(
            f"'{printable(wanted)}' is not a partition of this image.", hint=f"Use a number, or a device as {disk}1."
        )
    return int(match.group("number"))


def _root_number(calls: Calls, groups: ReadGroups, disk: Disk, root: str) -> int | None:
    """The number of the partition that holds the root, or of the last one that its volume group has on the disk."""
    subvolume = root.startswith(_BTRFS_VOLUME)
    device = root[len(_BTRFS_VOLUME) :] if subvolume else root
    match = re.match(re.escape(disk.device) + r"([1-9][0-9]{0,2})" + ("(?:/|$)" if subvolume else "$"), device)
    if match:
        return int(match.group(1))
    if subvolume:
        device = "/".join(device.split("/")[:4])
    found = find_volume(groups(), device)
    uuids = {physical.uuid for physical in found[0].physical} if found else set()
    for part in reversed(disk.table.partitions if uuids else ()):
        if part.role != "extended" and read_uuid(_head(calls, f"{disk.device}{part.number}")) in uuids:
            return part.number
    return None


def _head(calls: Calls, device: str) -> bytes:
    return calls.pread_device(device, HEAD_SIZE, 0)


def _read_holder(calls: Calls, groups: ReadGroups, holder: str, choice: Choice) -> Content | Lvm:
    kind = calls.vfs_type(holder)
    if kind == "LVM2_member":
        return _read_lvm(calls, groups(), holder, choice)
    if choice.lv:
        raise OptionError(f"{holder} holds {printable(kind) or 'nothing known'}, not LVM.", hint="Omit lv.")
    return read_content(kind, _head(calls, holder), holder)


def _read_lvm(calls: Calls, groups: t.Sequence[Group], holder: str, choice: Choice) -> Lvm:
    group, physical = group_of(groups, read_uuid(_head(calls, holder)), holder)
    volume = choose_volume(group, choice.lv, choice.root)
    if volume is None:
        return Lvm(group, physical, None, None)
    content = read_content(calls.vfs_type(volume.device), _head(calls, volume.device), printable(volume.device))
    return Lvm(group, physical, volume, content)
