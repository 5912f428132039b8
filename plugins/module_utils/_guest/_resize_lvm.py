# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""LVM as growing sees it: groups, their physical and their logical volumes.

Read by LVM's own reports, five calls of about 0.2 s for one group, so they are made only where LVM is met.
"""

from __future__ import annotations

import dataclasses
import typing as t

from .._appliance._calls import Calls, Struct
from .._errors import GuestError, OptionError, printable
from ._resize_sizes import SECTOR


@dataclasses.dataclass(frozen=True)
class LogicalVolume:
    """A logical volume; ``size`` is in bytes, ``plain`` says that it is made of plain extents (linear or striped)."""

    name: str
    device: str
    size: int
    plain: bool


@dataclasses.dataclass(frozen=True)
class PhysicalVolume:
    """A physical volume of ``extents``, the first of which begins ``first`` bytes into the device.

    It is known by its UUID, without hyphens. The device that ``pvs_full`` names is the kernel's name, which differs
    from libguestfs's where the kernel found the disks in another order: only results that are devices are translated
    back, fields of structures are not (libguestfs, daemon/device-name-translation.c and the generated daemon stubs).
    """

    uuid: str
    extents: int
    first: int
    metadata_areas: int


@dataclasses.dataclass(frozen=True)
class Group:
    """A volume group; ``attributes`` is the vg_attr of vgs(8), ``free`` counts unused extents of ``extent`` bytes."""

    name: str
    attributes: str
    extent: int
    free: int
    physical: tuple[PhysicalVolume, ...]
    logical: tuple[LogicalVolume, ...]

    def fitted(self, physical: PhysicalVolume, room: int) -> int:
        """How many extents pvresize makes of a physical volume on a device of ``room`` bytes."""
        return max(physical.extents, (room - physical.first) // self.extent)


def read_groups(calls: Calls) -> tuple[Group, ...]:
    """Return every volume group that LVM shows in the appliance."""
    physical = {_bare(item["pv_uuid"]): item for item in calls.pvs_full()}
    logical = {_bare(item["lv_uuid"]): item for item in calls.lvs_full()}
    return tuple(_group(calls, item, physical, logical) for item in calls.vgs_full())


def _group(calls: Calls, item: Struct, physical: t.Mapping[str, Struct], logical: t.Mapping[str, Struct]) -> Group:
    name = str(item["vg_name"])
    volumes = [logical[_bare(uuid)] for uuid in calls.vglvuuids(name) if _bare(uuid) in logical]
    disks = [physical[_bare(uuid)] for uuid in calls.vgpvuuids(name) if _bare(uuid) in physical]
    return Group(
        name=name,
        attributes=str(item["vg_attr"]),
        extent=int(item["vg_extent_size"]),
        free=int(item["vg_free_count"]),
        physical=tuple(
            PhysicalVolume(
                uuid=_bare(disk["pv_uuid"]),
                extents=int(disk["pv_pe_count"]),
                first=int(disk["pe_start"]),
                metadata_areas=int(disk["pv_mda_count"]),
            )
            for disk in disks
        ),
        logical=tuple(
            LogicalVolume(
                name=str(volume["lv_name"]),
                device=f"/dev/{name}/{volume['lv_name']}",
                size=int(volume["lv_size"]),
                plain=str(volume["lv_attr"])[:1] == "-",
            )
            for volume in volumes
        ),
    )


def _bare(uuid: object) -> str:
    """``pvs_full`` gives UUIDs without hyphens, ``vgpvuuids`` gives them with."""
    return str(uuid).replace("-", "")


def read_uuid(head: bytes) -> str:
    """Return the UUID of the physical volume that begins with ``head``; empty where there is none.

    The label is in one of the first four sectors: ``LABELONE``, sector, checksum, the offset of what follows, type;
    then the UUID (``struct label_header`` and ``struct pv_header`` of LVM).
    """
    for start in range(0, 4 * SECTOR, SECTOR):
        label = head[start : start + SECTOR]
        if label[:8] == b"LABELONE" and label[24:32] == b"LVM2 001":
            offset = int.from_bytes(label[20:24], "little")
            return label[offset : offset + 32].decode("ascii", "replace")
    return ""


def group_of(groups: t.Sequence[Group], uuid: str, device: str) -> tuple[Group, PhysicalVolume]:
    """Return the group that uses the physical volume ``uuid``, found on ``device``, and that volume.

    :raises GuestError: no group that can be seen and changed does.
    """
    for group in groups:
        for physical in group.physical:
            if physical.uuid == uuid:
                _require_growable(group, physical, device)
                return group, physical
    raise GuestError(f"{device} is an LVM physical volume, but no volume group that can be seen uses it.")


def _require_growable(group: Group, physical: PhysicalVolume, device: str) -> None:
    """Attributes: writeable, resizeable, exported, partial, as vgs(8) has them by position."""
    name = printable(group.name)
    attributes = group.attributes.ljust(4, "-")
    if attributes[0] != "w" or attributes[1] != "z" or attributes[2] == "x":
        raise GuestError(f"The volume group {name} is read-only, exported, or not resizeable.")
    if attributes[3] == "p":
        raise GuestError(f"The volume group {name} has physical volumes that are not in this image.")
    if physical.metadata_areas > 1:
        raise GuestError(f"The physical volume {device} has metadata at its end, which growing would move.")


def find_volume(groups: t.Sequence[Group], device: str) -> tuple[Group, LogicalVolume] | None:
    """Return the logical volume that ``device`` names, as /dev/VG/LV or /dev/mapper/VG-LV."""
    for group in groups:
        for volume in group.logical:
            if device in (volume.device, _mapper(group.name, volume.name)):
                return group, volume
    return None


def choose_volume(group: Group, wanted: str | None, root: str | None) -> LogicalVolume | None:
    """Return the logical volume that takes the free extents: the one asked for, the root's, or the only one.

    :param wanted: ``root``, ``vg/root``, ``/dev/vg/root`` or ``/dev/mapper/vg-root``.
    :param root: the device of the guest's root file system.
    :returns: None where the group has no logical volume at all, so that there is nothing to grow in it.
    :raises OptionError: there is none of that name, or several and nothing says which.
    :raises GuestError: it is not made of plain extents: a snapshot, a RAID, a thin volume or pool.
    """
    names = printable(", ".join(volume.name for volume in group.logical[:20]))
    if wanted:
        found = next((volume for volume in group.logical if wanted in _names(group, volume)), None)
        if found is None:
            raise OptionError(
                f"There is no logical volume '{printable(wanted)}' in the volume group {printable(group.name)}.",
                hint=f"It has: {names}." if names else "It has none.",
            )
    else:
        found = next((volume for volume in group.logical if root and root in _names(group, volume)), None)
        if found is None and len(group.logical) > 1:
            raise OptionError(
                f"The volume group {printable(group.name)} has several logical volumes, and none is known as the root.",
                hint=f"Say with lv which one takes the free space: {names}.",
            )
    found = found or next(iter(group.logical), None)
    if found and not found.plain:
        raise GuestError(
            f"{printable(found.device)} is a snapshot, a mirror, a RAID or a thin volume, or has snapshots."
        )
    return found


def _names(group: Group, volume: LogicalVolume) -> tuple[str, ...]:
    return volume.name, f"{group.name}/{volume.name}", volume.device, _mapper(group.name, volume.name)


def _mapper(group: str, volume: str) -> str:
    """The device mapper doubles the hyphens inside a name, because one hyphen joins the two names."""
    return f"/dev/mapper/{group.replace('-', '--')}-{volume.replace('-', '--')}"
