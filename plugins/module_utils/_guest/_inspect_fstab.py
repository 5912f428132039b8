# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""The guest's fstab and crypttab: parsed, and its devices found in the appliance.

The rules are those of libguestfs's inspection (guestfs(3), inspect_get_mountpoints): pseudo file systems, floppies and
CD-ROMs are passed over, a ``UUID=`` or ``LABEL=`` that nothing has is passed over, a ``/dev`` name that cannot be
translated is kept as it is. Three differ, each to the user's gain: ``\\040`` is decoded as mount(8) does, NVMe names
are translated, and a line that cannot be parsed loses itself and not the whole file.
"""

from __future__ import annotations

import dataclasses
import posixpath
import re
import typing as t

from ._release import unquote

# The most lines and mountpoints that are looked at.
MAX_LINES = 2000
MAX_MOUNTS = 64

_PSEUDO = ("/dev", "/proc", "/selinux", "/sys")
_XDEV = re.compile(r"/dev/(?:h|s|v|xv)d([a-z]{1,2})([0-9]{0,4})")
_NVME = re.compile(r"/dev/(?:nvme([0-9]{1,2})n1|mmcblk([0-9]{1,2}))(?:p([0-9]{1,4}))?")
_BY_PART = re.compile(r"/dev/disk/by-(?:id|path)/.*-part([0-9]{1,4})")
_DM_UUID = re.compile(r"/dev/disk/by-id/dm-uuid-LVM-([0-9a-zA-Z]{32})([0-9a-zA-Z]{32})")


@dataclasses.dataclass(frozen=True)
class FstabEntry:
    """One line of fstab(5), its octal escapes decoded."""

    spec: str
    file: str
    vfstype: str
    options: str
    freq: int
    passno: int

    @property
    def subvolume(self) -> str | None:
        """The btrfs subvolume that the options name."""
        for option in self.options.split(","):
            name, _equals, value = option.partition("=")
            if name == "subvol" and value:
                return value
        return None


class Devices(t.Protocol):
    """Where the appliance's devices are looked up; None where there is no such device."""

    def by_tag(self, tag: str, value: str) -> str | None:
        """``tag`` is UUID, LABEL, PARTUUID or PARTLABEL."""

    def by_mapper(self, name: str) -> str | None:
        """The device behind ``/dev/mapper/name``."""

    def opened_from(self, device: str) -> str | None:
        """The open LUKS device whose encrypted content is on ``device``."""

    def by_lvm_uuids(self, group: str, volume: str) -> str | None:
        """The logical volume of these UUIDs (no hyphens)."""

    def disk(self, index: int) -> str | None:
        """The disk at this place, 0 for the first."""

    def disk_count(self) -> int:
        """How many disks there are."""


def parse_fstab(text: str) -> tuple[list[FstabEntry], list[int]]:
    """Return the entries, and the numbers of the lines that are none (from 1)."""
    entries, bad = [], []
    for number, line in enumerate(text.split("\n")[:MAX_LINES], 1):
        fields = line.split()
        if not fields or fields[0].startswith("#"):
            continue
        if len(fields) < 3:
            bad.append(number)
            continue
        spec, file, vfstype = (_unescape(field) for field in fields[:3])
        options = _unescape(fields[3]) if len(fields) > 3 else "defaults"
        entries.append(FstabEntry(spec, file, vfstype, options, _number(fields[4:5]), _number(fields[5:6])))
    return entries, bad


def _unescape(field: str) -> str:
    return re.sub(r"\\([0-3][0-7]{2})", lambda match: chr(int(match.group(1), 8)), field)


def _number(field: list[str]) -> int:
    return int(field[0]) if field and re.fullmatch(r"[0-9]{1,4}", field[0]) else 0


def parse_crypttab(text: str) -> dict[str, str]:
    """Return name → device of crypttab(5)."""
    rows = (line.split() for line in text.split("\n")[:MAX_LINES])
    return {row[0]: row[1] for row in rows if len(row) > 1 and not row[0].startswith("#")}


def canonical_mountpoint(file: str) -> str:
    """Return ``///usr//local//`` as ``/usr/local``; what is no path (``none``, ``swap``) as it is."""
    if not file.startswith("/"):
        return file
    return "/" + "/".join(part for part in file.split("/") if part)


def mountables(
    entries: t.Iterable[FstabEntry], root: str, crypttab: t.Mapping[str, str], devices: Devices
) -> list[tuple[str, str]]:
    """Return (mountable, mountpoint) of each entry that counts, swap among them, in fstab's order."""
    found = []
    for entry in entries:
        mountpoint = canonical_mountpoint(entry.file)
        if _ignored(entry.spec, mountpoint):
            continue
        device = find_device(entry.spec, root, crypttab, devices)
        if device is None:
            continue
        if entry.vfstype == "btrfs" and entry.subvolume and not device.startswith("btrfsvol:"):
            device = f"btrfsvol:{device}/{entry.subvolume}"
        found.append((device, mountpoint))
    return found


def _ignored(spec: str, mountpoint: str) -> bool:
    floppy_or_cd = re.match(r"/dev/(fd|cd)[0-9]", spec) or spec in ("/dev/floppy", "/dev/cdrom")
    pseudo = any(mountpoint == top or mountpoint.startswith(top + "/") for top in _PSEUDO)
    return bool(floppy_or_cd) or pseudo or mountpoint.startswith("/media/") or spec.startswith("/dev/iso9660/")


def find_device(spec: str, root: str, crypttab: t.Mapping[str, str], devices: Devices) -> str | None:
    """Return the appliance's device for a first field of fstab; None where it is no device or nothing bears the tag."""
    tag, equals, value = spec.partition("=")
    if equals and tag in ("UUID", "LABEL", "PARTUUID", "PARTLABEL"):
        return devices.by_tag(tag, unquote(value))
    if spec == "/dev/root":
        return root
    return _translate(spec, root, crypttab, devices) or spec if spec.startswith("/dev/") else None


def _translate(spec: str, root: str, crypttab: t.Mapping[str, str], devices: Devices) -> str | None:
    """Turn a ``/dev`` name of the guest into the appliance's; None where that cannot be known."""
    for prefix, tag in (("uuid", "UUID"), ("label", "LABEL"), ("partuuid", "PARTUUID"), ("partlabel", "PARTLABEL")):
        start = f"/dev/disk/by-{prefix}/"
        if spec.startswith(start):
            return devices.by_tag(tag, spec[len(start) :])
    if spec.startswith("/dev/mapper/"):
        return _mapper(posixpath.basename(spec), root, crypttab, devices)
    lvm = _DM_UUID.fullmatch(spec)
    if lvm:
        return devices.by_lvm_uuids(lvm.group(1), lvm.group(2))
    by_part = _BY_PART.fullmatch(spec)
    if by_part:  # The serial number was the real machine's; only a single disk leaves no doubt.
        return f"{devices.disk(0)}{by_part.group(1)}" if devices.disk_count() == 1 else None
    return _by_position(spec, devices)


def _mapper(name: str, root: str, crypttab: t.Mapping[str, str], devices: Devices) -> str | None:
    known = devices.by_mapper(name)
    if known or name not in crypttab:
        return known
    source = crypttab[name]
    device = None if source.startswith("/dev/mapper/") else find_device(source, root, {}, devices)
    return devices.opened_from(device) if device else None


def _by_position(spec: str, devices: Devices) -> str | None:
    """``/dev/vdb1`` is the first partition of the second disk, provided the disks come in the machine's order."""
    plain = _XDEV.fullmatch(spec)
    if plain:
        index = 0
        for letter in plain.group(1):
            index = index * 26 + ord(letter) - ord("a") + 1
        disk = devices.disk(index - 1)
        return disk + plain.group(2) if disk else None
    nvme = _NVME.fullmatch(spec)
    if nvme:
        disk = devices.disk(int(nvme.group(1) or nvme.group(2)))
        return disk + (nvme.group(3) or "") if disk else None
    return None
