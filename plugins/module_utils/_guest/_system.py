# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""An operating system of an image: what is known of it, and which one of several is meant."""

from __future__ import annotations

import dataclasses
import typing as t

from .._errors import GuestError, printable

# The file systems that are mounted unless the user says otherwise: what guests are installed on.
DEFAULT_TYPES = ("ext2", "ext3", "ext4", "xfs", "btrfs", "vfat", "ntfs")

_SCHEMA: t.Any = None
try:
    import voluptuous as vol
except ImportError:  # Reported by _ansible_module.py before anything else is done.
    pass
else:
    _TEXT = vol.All(str, vol.Length(max=4096))
    _MAYBE = vol.Any(None, _TEXT)
    _SCHEMA = vol.Schema(
        {
            "root": vol.All(_TEXT, vol.Match(r"^(btrfsvol:)?/dev/")),
            "root_type": _TEXT,
            "root_uuid": _MAYBE,
            "root_label": _MAYBE,
            "type": _TEXT,
            "distro": _MAYBE,
            "version": _MAYBE,
            "major": vol.All(int, vol.Range(min=0)),
            "minor": vol.All(int, vol.Range(min=0)),
            "codename": _MAYBE,
            "product_name": _MAYBE,
            "arch": _MAYBE,
            "hostname": _MAYBE,
            "package_format": _MAYBE,
            "package_management": _MAYBE,
            "init_system": vol.In(("systemd", "openrc", "sysvinit", "unknown", "windows")),
            "mountpoints": {vol.All(_TEXT, vol.Match(r"^/")): vol.ExactSequence([_TEXT, _TEXT])},
        },
        required=True,
    )


@dataclasses.dataclass(frozen=True)
class OperatingSystem:
    """One operating system of an image; None stands for what is not known.

    :param root: the mountable of its root: ``/dev/sda2``, ``/dev/VG/LV``, ``btrfsvol:/dev/sda3/root``.
    :param root_type: the root's file system type.
    :param type: ``linux``, ``windows`` … (guestfs(3), inspect_get_type).
    :param distro: libguestfs's name of the distribution: ``debian``, ``rhel``, ``alpinelinux`` …
    :param version: for people; ``major`` and ``minor`` are for comparisons, 0 where unknown.
    :param init_system: ``systemd``, ``openrc``, ``sysvinit``, ``windows`` or ``unknown``.
    :param mountpoints: mountpoint → (mountable, file system type), as the guest's fstab has it; the type is empty where
        the appliance has no such device.
    """

    root: str
    type: str
    distro: str | None = None
    version: str | None = None
    major: int = 0
    minor: int = 0
    codename: str | None = None
    product_name: str | None = None
    arch: str | None = None
    hostname: str | None = None
    package_format: str | None = None
    package_management: str | None = None
    init_system: str = "unknown"
    mountpoints: t.Mapping[str, tuple[str, str]] = dataclasses.field(default_factory=dict)
    root_type: str = ""
    root_uuid: str | None = None
    root_label: str | None = None

    def to_dict(self) -> dict[str, t.Any]:
        """Return JSON values; :meth:`from_dict` is the inverse."""
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return {**values, "mountpoints": {path: list(where) for path, where in self.mountpoints.items()}}

    @classmethod
    def from_dict(cls, values: t.Mapping[str, t.Any]) -> OperatingSystem:
        """Read what :meth:`to_dict` returned.

        :raises GuestError: it is something else.
        """
        try:
            checked = _SCHEMA(dict(values))
        except vol.Invalid as exc:
            raise GuestError(f"A remembered operating system is not understood: {printable(str(exc))}.") from exc
        places = {path: (where[0], where[1]) for path, where in checked["mountpoints"].items()}
        return cls(**{**checked, "mountpoints": places})

    @property
    def title(self) -> str:
        """One line for messages: ``/dev/sda2 (debian 12.4)``."""
        name = " ".join(printable(part) for part in (self.distro or self.type, self.version) if part)
        return f"{self.root} ({name})"


def select_system(systems: t.Sequence[OperatingSystem], root: str | None, *, found: str = "") -> OperatingSystem:
    """Return the system to work on.

    :param root: the option: a device, ``UUID=``, ``LABEL=``, an LVM name, or a mountable as ``os_info`` shows it.
    :param found: what block devices there are, for the message.
    :raises GuestError: there is none, or there are several and ``root`` does not say which.
    """
    if not systems:
        raise GuestError(
            "No operating system was found in the image." + (f" Found: {found}." if found else ""),
            hint="Is it the right image? For an encrypted one give luks_keys; for a file system of another type name it"
            " in filesystems.",
        )
    if root is None:
        if len(systems) == 1:
            return systems[0]
        raise GuestError(
            f"The image holds {len(systems)} operating systems: {', '.join(system.title for system in systems)}.",
            hint="Name the one to work on in the option root.",
            details={"roots": [system.root for system in systems]},
        )
    matching = [system for system in systems if _is_root(system, root)]
    if len(matching) == 1:
        return matching[0]
    shown = ", ".join(system.title for system in systems)
    raise GuestError(
        f"The option root, '{printable(root)}', names {'several' if matching else 'none'} of the image's operating"
        f" systems: {shown}.",
        hint="Give one of these devices.",
        details={"roots": [system.root for system in systems]},
    )


def _is_root(system: OperatingSystem, root: str) -> bool:
    if root == system.root:
        return True
    # Rarely needed, and half of the inspection comes with it.
    from ._inspect_blocks import Block, device_of, same_device
    from ._inspect_probe import Signature

    block = Block(device_of(system.root), "", Signature(system.root_type, system.root_uuid, system.root_label))
    return not root.startswith("btrfsvol:") and same_device(root, block)
