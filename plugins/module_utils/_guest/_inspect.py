# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""Which operating systems an image holds.

:func:`inspect` recognises plain Linux roots itself, in about 1 s where libguestfs's ``inspect_os`` takes 11 to 24 s
under emulation, and its answers must equal libguestfs's. Only what it cannot describe (Windows, BSD, dynamic disks)
goes to ``inspect_os``, and only if every file system of the image is of an allowed type, because ``inspect_os`` mounts
whatever it finds (guestfs-security(1) asks for a stated type).

Where the answer differs from libguestfs on purpose: a snapshot of a system (btrfs, snapper) is not a second system;
None stands for libguestfs's ``unknown``; a root that has an os-release and neither /etc/fstab nor /etc/hosts as a
regular file (NixOS, minimal images) is a root if there is no other.
"""

from __future__ import annotations

import dataclasses
import typing as t

from .._appliance._calls import Calls
from .._errors import CallError, printable
from . import _inspect_linux as _linux
from . import _release
from ._inspect_blocks import Inventory, LuksKeys, Warn, device_of, scan
from ._inspect_fstab import MAX_MOUNTS, mountables
from ._inspect_linux import Facts
from ._inspect_search import Found, Search
from ._system import DEFAULT_TYPES, OperatingSystem, select_system

_LDM_TYPES = ("5808C8AA-7E8F-42E0-85D2-E1E90434CFB3", "AF9B60A0-1431-4F62-BC68-3311714A69AD", "0x42")


@dataclasses.dataclass(frozen=True)
class Inspection:
    """What :func:`inspect` found: the systems, in the order of their devices, and every block device."""

    systems: tuple[OperatingSystem, ...]
    inventory: Inventory

    def select(self, root: str | None = None) -> OperatingSystem:
        """Return the one system, or the one that the option ``root`` names. See :func:`select_system`."""
        return select_system(self.systems, root, found=self.inventory.describe())


def find_systems(
    calls: Calls,
    *,
    allowed_types: t.Sequence[str] = DEFAULT_TYPES,
    luks_keys: LuksKeys = (),
    warn: Warn,
    disks: t.Sequence[str] = ("/dev/sda",),
) -> list[OperatingSystem]:
    """Return the operating systems of the image; see :func:`inspect`."""
    return list(inspect(calls, allowed_types=allowed_types, luks_keys=luks_keys, warn=warn, disks=disks).systems)


def inspect(
    calls: Calls,
    *,
    allowed_types: t.Sequence[str] = DEFAULT_TYPES,
    luks_keys: LuksKeys = (),
    warn: Warn,
    disks: t.Sequence[str] = ("/dev/sda",),
) -> Inspection:
    """Look for operating systems. Unmounts what was mounted; one file system may be left mounted, read-only, at ``/``.

    :param allowed_types: file system types that may be mounted.
    :param luks_keys: ``{"device": "/dev/sda2" or "UUID=…", "key": "…"}`` for each LUKS device to open.
    :param warn: told about everything that was there and was not looked into.
    :param disks: the drives that were added, in order.
    :raises OptionError: a key names no LUKS device.
    :raises GuestError: a key does not fit.
    """
    inventory = scan(calls, disks=disks, luks_keys=luks_keys, warn=warn)
    _warn_of_hibernation(inventory, warn)
    found = Search(calls, inventory, allowed_types, warn).run()
    systems = _without_snapshots(_linux_systems(found, inventory))
    if _is_unusual(found, systems, inventory):
        systems += _others(calls, inventory, systems, allowed_types, warn)
    order = {block.device: index for index, block in enumerate(inventory.blocks)}
    systems.sort(key=lambda system: (order.get(device_of(system.root), len(order)), system.root.count("/")))
    return Inspection(tuple(systems), inventory)


def _warn_of_hibernation(inventory: Inventory, warn: Warn) -> None:
    for block in inventory.blocks:
        if block.type == "swsuspend":
            warn(
                f"{block.device} holds the memory of a hibernated system. What is changed now may be lost when it"
                " resumes, or damage its file systems: start it and shut it down fully first."
            )


def _linux_systems(found: t.Sequence[Found], inventory: Inventory) -> list[OperatingSystem]:
    roots = [item for item in found if item.role in ("linux", "coreos")]
    roots = roots or [item for item in found if item.role == "nearly-linux"]
    return [_system(root, found, inventory) for root in roots]


def _system(root: Found, found: t.Sequence[Found], inventory: Inventory) -> OperatingSystem:
    places = mountables(root.facts.fstab, root.mountable, root.facts.crypttab, inventory)
    facts = root.facts
    usr = _usr_of(root, [mountable for mountable, _mountpoint in places], found)
    if usr is not None:
        facts = _linux.merged(facts, usr.facts)
    if root.role == "coreos":
        places = [(usr.mountable, "/usr")] if usr else []
        places.append((root.mountable, "/"))
    return _describe(root, facts, places, inventory)


def _usr_of(root: Found, in_fstab: t.Sequence[str], found: t.Sequence[Found]) -> Found | None:
    """Return the separate /usr of a root: CoreOS has two, and the newer is taken for the active one."""
    if root.role == "coreos":
        both = [item for item in found if item.role == "coreos-usr"]
        return max(both, key=lambda item: item.facts.release.version or (0, 0), default=None)
    usrs = (item for item in found if item.role == "usr" and item.mountable in in_fstab)
    distro = root.facts.release.distro
    return next((item for item in usrs if distro is None or item.facts.release.distro in (None, distro)), None)


def _describe(root: Found, facts: Facts, places: t.Sequence[tuple[str, str]], inventory: Inventory) -> OperatingSystem:
    release = facts.release
    major, minor = release.version or (0, 0)
    mountpoints: dict[str, tuple[str, str]] = {}
    for mountable, mountpoint in places:
        if mountpoint.startswith("/") and len(mountpoints) < MAX_MOUNTS:
            mountpoints.setdefault(mountpoint, (mountable, inventory.type_of(mountable)))
    return OperatingSystem(
        root=root.mountable,
        type="linux",
        distro=release.distro,
        version=_bounded(_linux.version_text(release)),
        major=major,
        minor=minor,
        codename=_bounded(release.codename),
        product_name=_bounded(release.product_name),
        arch=facts.arch,
        hostname=facts.hostname,
        package_format=_release.package_format(release.distro),
        package_management=_release.package_management(release.distro, major, has_dnf=facts.has_dnf),
        init_system=facts.init_system,
        mountpoints=mountpoints if places else {"/": (root.mountable, root.block.type)},
        root_type=root.block.type,
        root_uuid=root.block.signature.uuid,
        root_label=inventory.label(root.block),
    )


def _bounded(value: str | None) -> str | None:
    return value[:1000] if value else None


def _without_snapshots(systems: list[OperatingSystem]) -> list[OperatingSystem]:
    """Leave out the copies of a system: their fstab mounts another root of the same btrfs at ``/``."""
    roots = {_plain(system.root) for system in systems}

    def is_copy(system: OperatingSystem) -> bool:
        mounted = _plain(system.mountpoints.get("/", ("", ""))[0])
        own = _plain(system.root)
        return mounted != own and mounted in roots and device_of(mounted) == device_of(own)

    kept = [system for system in systems if not is_copy(system)]
    return kept or systems[:1]


def _plain(mountable: str) -> str:
    """``btrfsvol:/dev/sda2//@`` and ``btrfsvol:/dev/sda2/@`` are the same subvolume."""
    return mountable.replace("//", "/").rstrip("/")


def _is_unusual(found: t.Sequence[Found], systems: t.Sequence[OperatingSystem], inventory: Inventory) -> bool:
    if any(item.role == "foreign" for item in found):
        return True
    dynamic = any(block.partition and block.partition.type in _LDM_TYPES for block in inventory.blocks)
    not_ours = any(block.type not in (*DEFAULT_TYPES, *Search.HOLDS_NOTHING) for block in inventory.blocks)
    return not systems and (dynamic or not_ours)


def _others(
    calls: Calls,
    inventory: Inventory,
    systems: t.Sequence[OperatingSystem],
    allowed_types: t.Sequence[str],
    warn: Warn,
) -> list[OperatingSystem]:
    """Let libguestfs describe the roots that are no plain Linux."""
    refused = sorted({b.type for b in inventory.blocks} - {*allowed_types, *Search.HOLDS_NOTHING})
    if refused:
        warn(
            "The image may hold a system that only libguestfs's own inspection describes, and that would mount file"
            f" systems of types that are not allowed: {printable(', '.join(refused))}. Name them in the option"
            " filesystems to allow it."
        )
        return []
    try:
        roots = calls.inspect_os()
    except CallError as exc:  # One link in a loop is enough for that (measured with 1.48.6).
        warn(f"libguestfs's own inspection of the image failed, so systems may be missing: {exc.message}.")
        return []
    known = {_plain(system.root) for system in systems}
    described = [_from_libguestfs(calls, root, inventory) for root in roots if _plain(root) not in known]
    # A Linux that libguestfs sees and we did not report was left out on purpose, as a snapshot.
    return [system for system in described if system.type != "linux" or not systems]


def _from_libguestfs(calls: Calls, root: str, inventory: Inventory) -> OperatingSystem:
    def text(field: str) -> str | None:
        value = _inspected(calls, field, root)
        return None if value in (None, "unknown") else str(value)[:1000]

    kind = text("type") or "unknown"
    major, minor = (max(0, int(_inspected(calls, field, root) or 0)) for field in ("major_version", "minor_version"))
    places = dict(_inspected(calls, "mountpoints", root) or {"/": root})
    block = inventory.find(device_of(root))
    return OperatingSystem(
        root=root,
        type=kind,
        distro=text("distro"),
        version=f"{major}.{minor}" if major or minor else None,
        major=major,
        minor=minor,
        product_name=text("product_name"),
        arch=text("arch"),
        hostname=text("hostname"),
        package_format=text("package_format"),
        package_management=text("package_management"),
        init_system="windows" if kind == "windows" else "unknown",
        mountpoints={path: (where, inventory.type_of(where)) for path, where in list(places.items())[:MAX_MOUNTS]},
        root_type=block.type if block else "",
        root_uuid=block.signature.uuid if block else None,
        root_label=inventory.label(block) if block else None,
    )


def _inspected(calls: Calls, field: str, root: str) -> t.Any:
    try:
        return calls.inspect_get(field, root)
    except CallError:
        return None
