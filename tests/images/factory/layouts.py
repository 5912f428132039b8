# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Disks for growing: one small Debian root in every layout that ``resize`` knows, or has to refuse."""

from __future__ import annotations

import typing as t

from .debian_like import GPT_BIOS, GPT_EFI, GPT_LINUX, GPT_LVM, GPT_SWAP, debian_tree
from .disk import stable_uuid
from .model import Btrfs, Data, Ext, Lvm, Partition, Recipe, Swap, Vfat, Volume, Xfs
from .tree import Tree, folder


def _tree(uuid: str, kind: str, hostname: str) -> Tree:
    return debian_tree(f"UUID={uuid} / {kind} defaults 0 1\n", hostname)


def _root(name: str, kind: str) -> Ext | Xfs | Btrfs:
    uuid = stable_uuid(name, "root")
    tree = _tree(uuid, kind, name)
    if kind == "xfs":
        return Xfs(tree, uuid, "root")
    if kind == "btrfs":
        return Btrfs({"": tree}, uuid, "root")
    return Ext(tree, uuid, "root", kind)


def gpt(name: str, kind: str, mib: int) -> Recipe:
    """Return a GPT whose last partition is the root, after a BIOS boot and an EFI partition."""
    efi = Vfat(Tree().add({"/EFI": folder()}), "EF10-0001", "EFI")
    partitions = (
        Partition(Data(), 1, GPT_BIOS),
        Partition(efi, 40, GPT_EFI, "ESP"),
        Partition(_root(name, kind), 0, GPT_LINUX, "root"),
    )
    return Recipe(mib, partitions, "gpt", f"GPT, EFI, {kind} root last")


def mbr(name: str, kind: str, mib: int) -> Recipe:
    """Return an MBR with one partition."""
    return Recipe(mib, (Partition(_root(name, kind), 0, "83", bootable=True),), "mbr", f"MBR, {kind} root")


def mbr_logical(name: str, kind: str, mib: int) -> Recipe:
    """Return an MBR whose root is the last logical partition."""
    partitions = (
        Partition(Ext(Tree(), stable_uuid(name, "boot"), "boot"), 32, "83", bootable=True),
        Partition(Data(), 0, "extended"),
        Partition(Swap(stable_uuid(name, "swap")), 16, "82"),
        Partition(_root(name, kind), mib - 32 - 16 - 4, "83"),
    )
    return Recipe(mib, partitions, "mbr", f"MBR, extended partition with swap and the {kind} root as logical ones")


def swap_last(name: str, kind: str, mib: int, table: str = "gpt") -> Recipe:
    """Return a table in which swap comes after the root."""
    linux, swap = (GPT_LINUX, GPT_SWAP) if table == "gpt" else ("83", "82")
    partitions = (
        Partition(_root(name, kind), mib - 32 - 2, linux),
        Partition(Swap(stable_uuid(name, "swap"), "swap"), 0, swap),
    )
    return Recipe(mib, partitions, table, f"{table.upper()}, {kind} root, swap last")


def lvm(name: str, kind: str, mib: int, root_mib: int) -> Recipe:
    """Return a GPT whose last partition is a physical volume with the root and some free extents."""
    group = Lvm("vg_" + name.replace("-", "_"), (Volume("root", root_mib, _root(name, kind)),))
    partitions = (Partition(Data(), 1, GPT_BIOS), Partition(group, 0, GPT_LVM))
    return Recipe(mib, partitions, "gpt", f"GPT, a volume group with an {kind} root and free extents")


def whole_disk(name: str, kind: str, mib: int) -> Recipe:
    """Return a file system without a partition table."""
    return Recipe(mib, (Partition(_root(name, kind)),), "", f"{kind} root on the whole disk, no partition table")


def whole_disk_lvm(name: str, kind: str, mib: int) -> Recipe:
    """Return a physical volume without a partition table."""
    group = Lvm("vg_" + name.replace("-", "_"), (Volume("root", mib - 32, _root(name, kind)),))
    return Recipe(mib, (Partition(group),), "", f"a physical volume on the whole disk, {kind} root")


LAYOUTS: dict[str, t.Callable[[], Recipe]] = {
    "gpt-ext4": lambda: gpt("gpt-ext4", "ext4", 256),
    "gpt-xfs": lambda: gpt("gpt-xfs", "xfs", 512),
    "gpt-btrfs": lambda: gpt("gpt-btrfs", "btrfs", 384),
    "mbr-ext4": lambda: mbr("mbr-ext4", "ext4", 256),
    "mbr-ext3": lambda: mbr("mbr-ext3", "ext3", 192),
    "mbr-logical": lambda: mbr_logical("mbr-logical", "ext4", 256),
    "gpt-swap-last": lambda: swap_last("gpt-swap-last", "ext4", 256),
    "mbr-swap-last": lambda: swap_last("mbr-swap-last", "ext4", 256, "mbr"),
    "lvm-ext4": lambda: lvm("lvm-ext4", "ext4", 256, 160),
    "lvm-xfs": lambda: lvm("lvm-xfs", "xfs", 512, 320),
    "lvm-whole-disk": lambda: whole_disk_lvm("lvm-whole-disk", "ext4", 256),
    "whole-disk-ext4": lambda: whole_disk("whole-disk-ext4", "ext4", 128),
}
