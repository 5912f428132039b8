# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""Mounting what may be a root, one file system after the other, and saying what each is."""

from __future__ import annotations

import dataclasses
import typing as t

from .._appliance._calls import Calls, Struct
from .._errors import CallError, printable
from . import _inspect_linux as _linux
from ._inspect_blocks import Block, Inventory, Warn, device_of
from ._inspect_fstab import mountables
from ._inspect_linux import Facts, Role
from ._inspect_view import View

_MAX_SUBVOLUMES = 100
_TOP_LEVEL = 5  # btrfs's own number for the tree that holds all subvolumes (BTRFS_FS_TREE_OBJECTID)
# What a root's fstab mounts here is part of that system and no root of another.
_PART_OF_A_SYSTEM = (
    "/boot",
    "/boot/efi",
    "/efi",
    "/home",
    "/opt",
    "/srv",
    "/tmp",
    "/usr/local",
    "/var",
    "/var/lib",
    "/var/log",
    "/var/log/audit",
    "/var/tmp",
)


@dataclasses.dataclass(frozen=True)
class Found:
    """A file system, or a btrfs subvolume, that was looked into."""

    mountable: str
    block: Block
    role: Role
    facts: Facts


class Search:
    """Looks into every file system of an allowed type.

    The largest goes first: it is most often the root, whose fstab then tells what the others are, and mounting one of
    them to see takes 0.4 s. An EFI system partition is looked into only where no root was found (mounting the first FAT
    takes 1.4 s, and no system's root is on one but DOS's).
    """

    HOLDS_NOTHING: t.ClassVar = (
        "",
        "swap",
        "swsuspend",
        "LVM2_member",
        "linux_raid_member",
        "crypto_LUKS",
        "BitLocker",
    )

    def __init__(self, calls: Calls, inventory: Inventory, allowed_types: t.Sequence[str], warn: Warn) -> None:
        self._calls = calls
        self._inventory = inventory
        self._allowed = allowed_types
        self._warn = warn
        self._found: list[Found] = []
        self._explained: set[str] = set()

    def run(self) -> list[Found]:
        """Return what was found, in the order in which it was looked into."""
        self._calls.umount_all()
        blocks = sorted(filter(self._may_be_mounted, self._inventory.blocks), key=lambda block: -block.size)
        for block in [block for block in blocks if not _is_esp(block)]:
            if block.device not in self._explained:
                self._look_into(block)
        if not any(item.role in ("linux", "coreos", "foreign") for item in self._found):
            for block in filter(_is_esp, blocks):
                self._look_into(block)
        return self._found

    def _may_be_mounted(self, block: Block) -> bool:
        if block.type in self.HOLDS_NOTHING:
            return False
        if block.type not in self._allowed:
            self._warn(
                f"{block.device} holds a file system of type {printable(block.type)}, which is not among those that may"
                " be mounted (option filesystems), so it was not looked into."
            )
            return False
        return True

    def _look_into(self, block: Block) -> None:
        options, subvolumes = ("ro", []) if block.type != "btrfs" else self._btrfs(block)
        try:
            self._calls.umount_all()
            self._calls.mount_vfs(options, block.type, block.device, "/")
        except CallError as exc:
            self._warn(f"{block.device} ({block.type}) cannot be mounted, so it was not looked into: {exc.message}.")
            return
        if not subvolumes:
            self._examine(block.device, block, View(self._calls, warn=self._warn))
            return
        for mountable, path in subvolumes:
            self._examine(mountable, block, View(self._calls, prefix=path, warn=self._warn))
        self._calls.umount_all()  # What is mounted now is not what the bare device's name stands for.

    def _btrfs(self, block: Block) -> tuple[str, list[tuple[str, str]]]:
        """Return how to see all subvolumes at once, and each one's (mountable, path below the top level).

        The default subvolume goes by the device's name, as in list_filesystems.
        """
        try:
            default = self._calls.btrfs_subvolume_get_default(block.device)
            listed = self._calls.btrfs_subvolume_list(block.device)
        except CallError as exc:
            self._warn(f"The subvolumes of {block.device} cannot be listed: {exc.message}.")
            return "ro", []
        if len(listed) > _MAX_SUBVOLUMES:
            self._warn(f"{block.device} has {len(listed)} subvolumes; {_MAX_SUBVOLUMES} of them were looked into.")
        chosen = sorted(listed, key=lambda row: _subvolume_order(row, default))[:_MAX_SUBVOLUMES]
        found = [(block.device, "")] if default == _TOP_LEVEL else []
        for row in chosen:
            path = str(row["btrfssubvolume_path"])
            is_default = row["btrfssubvolume_id"] == default
            found.append((block.device if is_default else f"btrfsvol:{block.device}/{path}", f"/{path}"))
        return f"ro,subvolid={_TOP_LEVEL}", found

    def _examine(self, mountable: str, block: Block, view: View) -> None:
        role = _linux.role_of(view)
        facts = Facts()
        if role in ("linux", "nearly-linux"):
            facts = _linux.read_root(view)
            self._explain(mountable, facts)
        elif role == "coreos":
            facts = _linux.read_coreos_root(view)
        elif role in ("usr", "coreos-usr"):
            facts = _linux.read_usr(view, coreos=role == "coreos-usr")
        self._found.append(Found(mountable, block, role, facts))

    def _explain(self, root: str, facts: Facts) -> None:
        for mountable, mountpoint in mountables(facts.fstab, root, facts.crypttab, self._inventory):
            if mountpoint in _PART_OF_A_SYSTEM:
                self._explained.add(device_of(mountable))


def _is_esp(block: Block) -> bool:
    return block.partition is not None and block.partition.is_esp


def _subvolume_order(row: Struct, default: int) -> tuple[bool, bool, int, str]:
    """The default first, snapshots last, short names before long ones."""
    path = str(row["btrfssubvolume_path"])
    return row["btrfssubvolume_id"] != default, ".snapshots" in path, len(path), path
