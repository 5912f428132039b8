# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""What ``os_info`` tells about the operating systems of an image and about its disk.

Everything is read from the guest's files and sectors; nothing of it is run. What the guest wrote goes out bounded and
through ``printable``: one line, no control characters, no ``{{``.
"""

from __future__ import annotations

import dataclasses
import fnmatch
import re
import typing as t

from .._appliance._calls import Calls
from .._errors import CallError, GuestError, printable
from ._inspect_blocks import Block, Disk, Inventory, LuksKeys, Warn, device_of, scan
from ._inspect_fstab import FstabEntry, find_device, parse_crypttab
from ._inspect_linux import read_fstab
from ._inspect_table import Partition
from ._inspect_view import View
from ._mount import mount_system
from ._os_info_packages import read_packages
from ._system import DEFAULT_TYPES, OperatingSystem
from ._task import Outcome, Task

SUBSETS = ("details", "filesystems", "disk", "packages")
DEFAULT_SUBSETS = ("details", "filesystems", "disk")

_MAX_TEXT = 1000
_MAX_ITEMS = 500
_KERNEL_NAMES = ("vmlinuz-*", "vmlinux-*", "kernel-*")
_INITRD_NAMES = ("initrd.img-{}", "initramfs-{}.img", "initrd-{}", "initramfs-{}")
_MACHINE_ID = re.compile(r"[0-9a-fA-F]{32}")


@dataclasses.dataclass(frozen=True)
class Options:
    """What is to be told.

    :param gather: of :data:`SUBSETS`.
    :param disk_size: the disk's virtual size in bytes, where it is known; asking the appliance takes 0.4 s.
    """

    gather: frozenset[str] = frozenset(DEFAULT_SUBSETS)
    filesystems: tuple[str, ...] = DEFAULT_TYPES
    luks_keys: LuksKeys = ()
    disks: tuple[str, ...] = ("/dev/sda",)
    disk_size: int | None = None

    @classmethod
    def of(cls, task: Task) -> Options:
        """Read the module's options; ``all`` means every subset, ``min`` none beside those named with it."""
        wanted = set(task.params["gather"])
        return cls(
            gather=frozenset(SUBSETS if "all" in wanted else wanted - {"min"}),
            filesystems=tuple(task.guest.options.filesystems) or DEFAULT_TYPES,
            luks_keys=task.guest.options.luks_keys,
            disk_size=task.disk.image_size if task.disk else None,
        )


def handle(task: Task) -> Outcome:
    """Run the module ``os_info``; it never changes anything and does not mind several systems, or none."""
    guest = task.guest
    result = describe(guest.calls, guest.systems, Options.of(task), task.warn, inventory=guest.inventory)
    return Outcome(changed=False, result=result, summary=f"{len(task.guest.systems)} operating systems")


def describe(
    calls: Calls,
    systems: t.Sequence[OperatingSystem],
    options: Options,
    warn: Warn,
    *,
    inventory: Inventory | None = None,
) -> dict[str, t.Any]:
    """Return ``{"systems": […], "disk": {…}}``. Mounts and unmounts; the last system may be left mounted.

    :param inventory: the block devices, where they were looked for a moment ago.
    """
    warn = _once(warn)
    if options.gather.intersection(("disk", "filesystems", "details")):
        if inventory is None:
            inventory = scan(calls, disks=options.disks, luks_keys=options.luks_keys, warn=_silent)
        inventory = inventory.labelled()
    result: dict[str, t.Any] = {
        "systems": [_describe_system(calls, system, inventory, options, warn) for system in systems]
    }
    if inventory is not None and "disk" in options.gather:
        result["disk"] = _describe_disk(calls, inventory, options.disk_size)
    return result


def _silent(_text: str) -> None:
    """What the scan warns of was said when the systems were looked for."""


def _once(warn: Warn) -> Warn:
    said: set[str] = set()

    def say(text: str) -> None:
        if text not in said:
            said.add(text)
            warn(text)

    return say


def _shown(value: str | None) -> str | None:
    return None if value is None else printable(value, limit=_MAX_TEXT)


def _describe_system(
    calls: Calls, system: OperatingSystem, inventory: Inventory | None, options: Options, warn: Warn
) -> dict[str, t.Any]:
    told = {key: _shown(value) if isinstance(value, str) else value for key, value in system.to_dict().items()}
    for key in ("root_type", "root_uuid", "root_label"):
        del told[key]
    told["mountpoints"] = {
        printable(path): printable(mountable) for path, (mountable, _type) in system.mountpoints.items()
    }
    if options.gather:
        told.update(_look_inside(calls, system, inventory, options, warn))
    return told


def _look_inside(
    calls: Calls, system: OperatingSystem, inventory: Inventory | None, options: Options, warn: Warn
) -> dict[str, t.Any]:
    """Gather what needs the system's file systems; a system that cannot be mounted still has its entry."""
    if not options.gather.intersection(("details", "filesystems", "packages")):
        return {}
    try:
        mounted = mount_system(calls, system, allowed_types=options.filesystems, readonly=True, warn=warn)
    except GuestError as exc:
        warn(str(exc))
        mounted = {}
    told: dict[str, t.Any] = {}
    view = View(calls, warn=warn) if mounted else None
    if "details" in options.gather and inventory is not None:
        told.update(_details(view, system, inventory))
    if "filesystems" in options.gather and inventory is not None:
        told["filesystems"] = _filesystems(calls, system, inventory, mounted)
    if "packages" in options.gather:
        told["packages"] = read_packages(calls, view, system, options.filesystems, warn) if view else None
    return told


# Details


def _details(view: View | None, system: OperatingSystem, inventory: Inventory) -> dict[str, t.Any]:
    if view is None or system.type != "linux":
        return dict.fromkeys(("fstab", "kernels", "machine_id", "ssh_host_keys", "cloud_init", "selinux"))
    view.text("/etc/os-release", optional=False)  # Only for its warning: what it says is in the system already.
    if system.hostname is None:
        view.warn("The guest has no host name (/etc/hostname).")
    return {
        "fstab": _fstab(view, system, inventory),
        "kernels": kernels(view),
        "machine_id": machine_id(view),
        "ssh_host_keys": [
            printable(name) for name in view.names("/etc/ssh") if fnmatch.fnmatchcase(name, "ssh_host_*_key")
        ][:_MAX_ITEMS],
        "cloud_init": any(view.is_file(path, follow=True) for path in ("/usr/bin/cloud-init", "/etc/cloud/cloud.cfg")),
        "selinux": selinux(view),
    }


def _fstab(view: View, system: OperatingSystem, inventory: Inventory) -> list[dict[str, t.Any]] | None:
    entries = read_fstab(view, optional=False)
    if entries is None:
        return None
    crypttab = parse_crypttab(view.text("/etc/crypttab") or "")
    return [_fstab_entry(entry, system.root, crypttab, inventory) for entry in entries[:_MAX_ITEMS]]


def _fstab_entry(entry: FstabEntry, root: str, crypttab: t.Mapping[str, str], inventory: Inventory) -> dict[str, t.Any]:
    return {
        "spec": _shown(entry.spec),
        "device": _shown(find_device(entry.spec, root, crypttab, inventory)),
        "mountpoint": _shown(entry.file),
        "type": _shown(entry.vfstype),
        "options": [printable(option) for option in entry.options.split(",")[:_MAX_ITEMS]],
        "dump": entry.freq,
        "passno": entry.passno,
    }


def kernels(view: View) -> list[dict[str, t.Any]]:
    """Return the installed kernels: the images of /boot, and the module folders, by version."""
    boot = view.names("/boot")
    images: dict[str, str] = {}
    for pattern in _KERNEL_NAMES:
        for name in fnmatch.filter(boot, pattern):
            images.setdefault(name.partition("-")[2], name)
    folders = [name for name in view.names("/lib/modules") if view.is_dir(f"/lib/modules/{name}", follow=True)]
    found = sorted(set(images).union(folders), key=_version_order)[:_MAX_ITEMS]
    return [_kernel(version, images.get(version), boot, folders) for version in found]


def _kernel(version: str, image: str | None, boot: t.Sequence[str], folders: t.Sequence[str]) -> dict[str, t.Any]:
    initrds = [name for name in (form.format(version) for form in _INITRD_NAMES) if name in boot]
    return {
        "version": _shown(version),
        "image": _shown(f"/boot/{image}") if image else None,
        "initrd": _shown(f"/boot/{initrds[0]}") if initrds else None,
        "modules": version in folders,
    }


def _version_order(version: str) -> list[tuple[int, str]]:
    return [
        (int(part), "") if part.isdecimal() and len(part) < 19 else (-1, part)
        for part in re.split(r"([0-9]+)", version)
    ]


def machine_id(view: View) -> dict[str, t.Any]:
    """Return the state of machine-id(5): ``absent``, ``empty``, ``uninitialized``, ``set`` or ``invalid``."""
    if not view.exists("/etc/machine-id"):
        return {"state": "absent", "value": None}
    text = view.text("/etc/machine-id", optional=False)
    value = (text or "").strip()
    if text is not None and not value:
        return {"state": "empty", "value": None}
    if value == "uninitialized":
        return {"state": "uninitialized", "value": None}
    known = _MACHINE_ID.fullmatch(value)
    return {"state": "set" if known else "invalid", "value": value.lower() if known else None}


def selinux(view: View) -> dict[str, str | None]:
    """Return mode and policy of /etc/selinux/config (selinux_config(5)); both None where SELinux is not set up."""
    found: dict[str, str] = {}
    for line in (view.text("/etc/selinux/config") or "").split("\n"):
        key, equals, value = line.partition("=")
        if equals and key.strip() in ("SELINUX", "SELINUXTYPE"):
            found[key.strip()] = value.strip()
    mode = found.get("SELINUX", "").lower()
    known = mode if mode in ("enforcing", "permissive", "disabled") else None
    return {"mode": known, "policy": _shown(found.get("SELINUXTYPE") or None)}


# File systems and the disk


def _filesystems(
    calls: Calls, system: OperatingSystem, inventory: Inventory, mounted: t.Mapping[str, str]
) -> list[dict[str, t.Any]]:
    """Return the system's file systems: what its fstab mounts, and its root."""
    places = {"/": (system.root, system.root_type), **system.mountpoints}
    told = []
    for mountpoint, (mountable, vfs_type) in sorted(places.items()):
        block = inventory.find(device_of(mountable))
        told.append(
            {
                "device": printable(mountable),
                "mountpoint": printable(mountpoint),
                "type": _shown(vfs_type) or None,
                "uuid": _shown(block.signature.uuid) if block else None,
                "label": _shown(inventory.label(block)) if block else None,
                **_space(calls, mountpoint if mountpoint in mounted else None),
            }
        )
    return told


def _space(calls: Calls, mountpoint: str | None) -> dict[str, int | None]:
    """Return size, used and available in bytes as df(1) does; all None for what is not mounted."""
    if mountpoint is not None:
        try:
            said = calls.statvfs(mountpoint)
            unit = int(said["frsize"])
            blocks, free, available = (int(said[key]) for key in ("blocks", "bfree", "bavail"))
            return {"size": blocks * unit, "used": (blocks - free) * unit, "available": available * unit}
        except CallError:
            pass
    return {"size": None, "used": None, "available": None}


def _describe_disk(calls: Calls, inventory: Inventory, size: int | None) -> dict[str, t.Any]:
    disk = inventory.disks[0]
    table = disk.table
    return {
        "device": disk.device,
        "size": calls.blockdev_getsize64(disk.device) if size is None else size,
        "parttype": table.kind if table else None,
        "guid": table.guid if table else None,
        "partitions": [_partition(disk, part) for part in table.partitions] if table else [],
        "devices": [_device(inventory, block) for block in inventory.blocks],
    }


def _partition(disk: Disk, part: Partition) -> dict[str, t.Any]:
    return {
        "device": f"{disk.device}{part.number}",
        "number": part.number,
        "start": part.start,
        "end": part.end,
        "size": part.size,
        "type": part.type,
        "guid": part.guid,
        "name": _shown(part.name),
        "bootable": part.bootable,
    }


def _device(inventory: Inventory, block: Block) -> dict[str, t.Any]:
    return {
        "device": printable(block.device),
        "kind": block.kind,
        "parent": block.parent,
        "type": _shown(block.type) or None,
        "uuid": _shown(block.signature.uuid),
        "label": _shown(inventory.label(block)),
        "size": block.size or None,
    }
