# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""Every block device of the guest that could hold something, and what is on it.

Two or three reads of sectors instead of ``list_filesystems``, which takes 2.5 to 12 s under emulation, most of it in
parted. Volume groups are active when the appliance is up (guestfs(3), "LVM2"); LUKS devices are opened here with the
keys that the user gave, and what LVM they hold is activated.
"""

from __future__ import annotations

import dataclasses
import functools
import re
import typing as t

from .._appliance._calls import Calls
from .._errors import CallError, GuestError, OptionError, printable
from ._inspect_probe import NOTHING, PROBE_SIZE, Signature, probe
from ._inspect_table import RAW_TYPES, Partition, Table, TableUnclear, read_table

Warn = t.Callable[[str], None]
LuksKeys = t.Sequence[t.Mapping[str, str]]

# Covers the partition table and, where the first partition begins at 1 MiB as it does since 2010, its superblock.
_HEAD_SIZE = (1 << 20) + PROBE_SIZE
_MAX_BLOCKS = 256
_PLAIN_DEVICE = re.compile(r"(?:[hsv]d|xvd)[a-z]{1,2}[0-9]*|md[0-9]+(?:p[0-9]+)?")


@dataclasses.dataclass(frozen=True)
class Block:
    """A block device that is not cut up further.

    :param kind: ``disk`` (one without a partition table), ``partition``, ``md``, ``lv`` or ``luks`` (an open one).
    :param size: bytes; 0 where it was not asked for.
    :param parent: LUKS: the device that was opened.
    """

    device: str
    kind: str
    signature: Signature
    size: int = 0
    partition: Partition | None = None
    parent: str | None = None

    @property
    def type(self) -> str:
        return self.signature.type


@dataclasses.dataclass(frozen=True)
class Disk:
    """A disk of the guest; ``table`` is None where it has none that is understood."""

    device: str
    table: Table | None


@dataclasses.dataclass(frozen=True)
class Inventory:
    """What :func:`scan` found; answers fstab's questions (``_inspect_fstab.Devices``)."""

    calls: Calls
    disks: tuple[Disk, ...]
    blocks: tuple[Block, ...]

    def find(self, device: str) -> Block | None:
        return next((block for block in self.blocks if block.device == device), None)

    def type_of(self, mountable: str) -> str:
        """Return the file system type of a device or a btrfs subvolume; empty for one that is not there."""
        block = self.find(device_of(mountable))
        return block.type if block else ""

    def by_tag(self, tag: str, value: str) -> str | None:
        for block in self.blocks:
            if value and value.lower() == (self._tag(block, tag) or "").lower():
                return block.device
        return self._ask_blkid(tag, value) if tag == "LABEL" else None

    @staticmethod
    def _tag(block: Block, tag: str) -> str | None:
        part = block.partition
        if tag.startswith("PART"):
            return None if part is None else part.guid if tag == "PARTUUID" else part.name
        return block.signature.uuid if tag == "UUID" else block.signature.label

    def _ask_blkid(self, tag: str, value: str) -> str | None:
        """Some labels are not in a device's first sectors (NTFS, FAT's root directory)."""
        if all(block.signature.label_known for block in self.blocks):
            return None
        return next((b.device for b in self.blocks if not b.signature.label_known and self.label(b) == value), None)

    def label(self, block: Block) -> str | None:
        """Return a block's label, asking blkid where only it can tell."""
        if block.signature.label_known:
            return block.signature.label
        return _ask(self.calls.vfs_label, block.device)

    def labelled(self) -> Inventory:
        """Return the inventory with every label asked for. Unmounts: ntfslabel refuses a device that is mounted."""
        if all(block.signature.label_known for block in self.blocks):
            return self
        self.calls.umount_all()
        return dataclasses.replace(self, blocks=tuple(self._labelled(block) for block in self.blocks))

    def _labelled(self, block: Block) -> Block:
        signature = dataclasses.replace(block.signature, label=self.label(block), label_known=True)
        return dataclasses.replace(block, signature=signature)

    def by_mapper(self, name: str) -> str | None:
        return next((b.device for b in self.blocks if mapper_name(b.device) == name), None)

    def opened_from(self, device: str) -> str | None:
        return next((b.device for b in self.blocks if b.kind == "luks" and b.parent == device), None)

    def by_lvm_uuids(self, group: str, volume: str) -> str | None:
        """Ubuntu's installer writes these names into fstab; two calls of 1 s are made only for them."""
        try:
            groups = [row["vg_name"] for row in self.calls.vgs_full() if row["vg_uuid"].replace("-", "") == group]
            volumes = [row["lv_name"] for row in self.calls.lvs_full() if row["lv_uuid"].replace("-", "") == volume]
        except CallError:
            return None
        return f"/dev/{groups[0]}/{volumes[0]}" if groups and volumes else None

    def disk(self, index: int) -> str | None:
        return self.disks[index].device if 0 <= index < len(self.disks) else None

    def disk_count(self) -> int:
        return len(self.disks)

    def describe(self) -> str:
        """Return ``/dev/sda1 (vfat), /dev/sda2 (crypto_LUKS)`` for messages."""
        shown = [f"{block.device} ({printable(block.type) or 'nothing known'})" for block in self.blocks]
        return ", ".join(shown) or "no partition and no file system"


def device_of(mountable: str) -> str:
    """Return the device of a mountable: ``btrfsvol:/dev/sda2/root`` → ``/dev/sda2``, ``btrfsvol:/dev/vg/lv/@`` → LV.

    A subvolume's name may hold slashes, so the device is the two components after /dev for a volume group, and the
    one component for a plain disk; the names that libguestfs gives to disks tell which.
    """
    if not mountable.startswith("btrfsvol:"):
        return mountable
    parts = mountable[len("btrfsvol:") :].split("/")
    plain = len(parts) > 2 and _PLAIN_DEVICE.fullmatch(parts[2])
    return "/".join(parts[:3] if plain else parts[:4])


def mapper_name(device: str) -> str:
    """Return device-mapper's name of a logical volume or of an open LUKS device; empty for others (lvm(8), dashes)."""
    parts = device.split("/")
    if len(parts) != 4:
        return ""
    return parts[3] if parts[2] == "mapper" else f"{parts[2].replace('-', '--')}-{parts[3].replace('-', '--')}"


def scan(calls: Calls, *, disks: t.Sequence[str], luks_keys: LuksKeys, warn: Warn) -> Inventory:
    """Look at every disk, its partitions, arrays, logical volumes and, with keys, what is encrypted.

    :raises OptionError: a key names a device that is not there or holds no LUKS.
    :raises GuestError: a key does not open its device.
    """
    found_disks: list[Disk] = []
    blocks: list[Block] = []
    for disk in disks:
        table, parts = _scan_disk(calls, disk, warn)
        found_disks.append(Disk(disk, table))
        blocks += parts
    blocks += _arrays(calls, blocks)
    blocks += _logical_volumes(calls, blocks)
    blocks = blocks[:_MAX_BLOCKS]
    opened = _open_luks(calls, blocks, luks_keys, warn)
    if any(block.type == "LVM2_member" for block in opened):
        calls.lvm_scan(True)
        opened += [block for block in _logical_volumes(calls, opened) if block not in blocks]
    return Inventory(calls, tuple(found_disks), tuple(blocks + opened))


def read_device(calls: Calls, device: str, count: int, offset: int) -> bytes:
    """Read ``count`` bytes of a device; fewer only where it ends."""
    content = b""
    while len(content) < count:
        chunk = calls.pread_device(device, count - len(content), offset + len(content))
        if not chunk:
            break
        content += chunk
    return content


def _scan_disk(calls: Calls, disk: str, warn: Warn) -> tuple[Table | None, list[Block]]:
    head = read_device(calls, disk, _HEAD_SIZE, 0)
    try:
        table = read_table(head, functools.partial(read_device, calls, disk))
    except TableUnclear as exc:
        warn(f"The partition table of {disk} is damaged or unusual ({exc}); libguestfs is asked what it sees.")
        return None, _ask_partitions(calls, disk)
    if table is not None:
        return table, [_partition_block(calls, disk, part, head) for part in table.partitions if not part.extended]
    signature = probe(head)
    if signature is not None and signature.type:
        return None, [Block(disk, "disk", signature)]
    return None, _ask_partitions(calls, disk) or [Block(disk, "disk", signature or _ask_blkid(calls, disk))]


def _ask_partitions(calls: Calls, disk: str) -> list[Block]:
    names = [name for name in calls.list_partitions() if name.startswith(disk) and name[len(disk) :].isdigit()]
    return [Block(name, "partition", _probe_device(calls, name)) for name in names]


def _partition_block(calls: Calls, disk: str, part: Partition, head: bytes) -> Block:
    device = f"{disk}{part.number}"
    if part.type in RAW_TYPES:
        signature = NOTHING
    elif part.start + PROBE_SIZE <= len(head):
        signature = probe(head[part.start : part.start + PROBE_SIZE]) or _ask_blkid(calls, device)
    else:
        signature = _probe_device(calls, device)
    return Block(device, "partition", signature, part.size, part)


def _probe_device(calls: Calls, device: str) -> Signature:
    try:
        head = read_device(calls, device, PROBE_SIZE, 0)
    except CallError:  # The kernel did not take it (it overlaps, or lies beyond the end of the disk).
        return NOTHING
    return probe(head) or _ask_blkid(calls, device)


def _ask_blkid(calls: Calls, device: str) -> Signature:
    kind = _ask(calls.vfs_type, device)
    if not kind:
        return NOTHING
    return Signature(kind, _ask(calls.vfs_uuid, device), None, label_known=False)


def _ask(call: t.Callable[[str], str], device: str) -> str | None:
    try:
        return call(device) or None
    except CallError:
        return None


def _arrays(calls: Calls, blocks: list[Block]) -> list[Block]:
    """Add Linux software RAID, and let blkid name the members whose metadata is at their end (0.9 and 1.0)."""
    arrays = calls.list_md_devices()
    if not arrays:
        return []
    for index, block in enumerate(blocks):
        if block.type and block.type != "linux_raid_member":
            blocks[index] = dataclasses.replace(block, signature=_checked_for_raid(calls, block))
    return [Block(device, "md", _probe_device(calls, device)) for device in arrays]


def _checked_for_raid(calls: Calls, block: Block) -> Signature:
    kind = _ask(calls.vfs_type, block.device)
    return Signature(kind) if kind and kind.endswith("_raid_member") else block.signature


def _logical_volumes(calls: Calls, blocks: list[Block]) -> list[Block]:
    """``lvs`` takes 1 s, so it is asked only where there is a physical volume."""
    if not any(block.type == "LVM2_member" for block in blocks):
        return []
    return [Block(device, "lv", _probe_device(calls, device)) for device in calls.lvs()]


def _open_luks(calls: Calls, blocks: list[Block], luks_keys: LuksKeys, warn: Warn) -> list[Block]:
    encrypted = [block for block in blocks if block.type == "crypto_LUKS"]
    keys: dict[str, str] = {}
    for entry in luks_keys:
        keys[_keyed_device(entry["device"], encrypted)] = entry["key"]
    opened = []
    for block in encrypted:
        if block.device in keys:
            opened.append(_open_one(calls, block, keys[block.device]))
        else:
            warn(
                f"{block.device} (UUID={printable(block.signature.uuid or '')}) is encrypted with LUKS and was not"
                " looked into. Give its key in the option luks_keys."
            )
    return opened


def _keyed_device(wanted: str, encrypted: list[Block]) -> str:
    for block in encrypted:
        if same_device(wanted, block):
            return block.device
    found = ", ".join(block.device for block in encrypted) or "none"
    raise OptionError(
        f"luks_keys names '{printable(wanted)}', which is no LUKS device of the image.",
        hint=f"LUKS devices found: {found}.",
    )


def same_device(wanted: str, block: Block) -> bool:
    """Tell whether a user's name (device, ``UUID=``, ``LABEL=``, LVM name) means this block.

    Device names are translated as libguestfs does: /dev/vda2 and /dev/hda2 mean /dev/sda2.
    """
    tag, equals, value = wanted.partition("=")
    if equals and tag in ("UUID", "LABEL"):
        found = block.signature.uuid if tag == "UUID" else block.signature.label
        return found is not None and found.lower() == value.strip("\"'").lower()
    if not wanted.startswith("/dev/"):
        wanted = f"/dev/{wanted}"
    if wanted.startswith("/dev/mapper/"):
        return mapper_name(block.device) == wanted[len("/dev/mapper/") :]
    for prefix in ("/dev/vd", "/dev/hd", "/dev/xvd"):
        if wanted.startswith(prefix):
            wanted = "/dev/sd" + wanted[len(prefix) :]
    return wanted == block.device


def _open_one(calls: Calls, block: Block, key: str) -> Block:
    """Open a LUKS device under the name that systemd gives it, so that the guest's own fstab finds it."""
    ident = block.signature.uuid or ""
    name = f"luks-{ident}" if re.fullmatch(r"[0-9a-fA-F-]{1,40}", ident) else f"luks-{block.device.rsplit('/', 1)[-1]}"
    device = f"/dev/mapper/{name}"
    try:
        signature = _opened_before(calls, device) or _open_fresh(calls, block.device, key, name, device)
    except CallError as exc:
        raise GuestError(
            f"The key given for {block.device} does not open it: {printable(str(exc))}.", hint="Check luks_keys."
        ) from exc
    return Block(device, "luks", signature, parent=block.device)


def _opened_before(calls: Calls, device: str) -> Signature | None:
    """A session's second task finds the device open."""
    try:
        head = read_device(calls, device, PROBE_SIZE, 0)
    except CallError:
        return None
    return probe(head) or _ask_blkid(calls, device)


def _open_fresh(calls: Calls, source: str, key: str, name: str, device: str) -> Signature:
    calls.cryptsetup_open(source, key, name)
    return _probe_device(calls, device)
