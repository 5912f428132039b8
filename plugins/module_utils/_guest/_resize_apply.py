# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""Carrying a plan out, and reading the disk again to see that it was.

Measured with libguestfs 1.48.6 (parted 3.5, GPT fdisk 1.0.9, LVM 2.03.16):

- ``part_resize`` on a GPT fails until ``part_expand_gpt`` has moved the second header to the new end.
- A logical partition cannot grow before the extended one has.
- parted gives an MBR whose first byte is zero its own boot code and a random disk signature, even where it has one.
- ``resize2fs`` of libguestfs runs ``e2fsck`` itself where nothing is mounted, so no call of ours is needed.
- XFS and Btrfs grow only while they are mounted; the mount point is the appliance's own root.
"""

from __future__ import annotations

import contextlib
import typing as t

from .._appliance._calls import Calls
from .._errors import GuestError, printable
from ._resize_content import LAST_PAGE_OFFSET, Swap
from ._resize_plan import Plan, Step, make_plan
from ._resize_read import Choice, Layout, Lvm, read_layout
from ._resize_sizes import SECTOR
from ._resize_table import Partition, Table

Grow = t.Callable[[int], None]


def apply_plan(calls: Calls, layout: Layout, plan: Plan, grow: Grow) -> None:
    """Carry ``plan`` out in its order. Nothing is mounted before, and nothing after.

    :param grow: makes the disk larger: the appliance has to start anew for that.
    """
    for step in plan:
        if step.action == "grow_image":
            grow(step.to_bytes)
        else:
            _STEPS[step.action](calls, layout, step)


def verify(calls: Calls, before: Layout, target: int, choice: Choice) -> None:
    """Read the disk again: everything fills its room, and what was to stay is the same.

    :raises GuestError: a layer is not as planned, or a partition lost its type, name, GUID, place or boot flag.
    """
    after = read_layout(calls, before.disk, target, _same(before, choice))
    left = make_plan(after, target)
    if left:
        raise GuestError(f"After growing, {printable(left[0].target)} still does not have the size that was planned.")
    if _lasting(before.table) != _lasting(after.table):
        raise GuestError("Growing changed more of the partition table than the size of a partition.")


def _same(before: Layout, choice: Choice) -> Choice:
    """The same choice by number, which does not depend on what lies last."""
    volume = before.content.volume if isinstance(before.content, Lvm) else None
    return Choice(
        partition=str(before.chain[-1].number) if before.chain else None,
        lv=volume.device if volume else None,
        root=choice.root,
    )


def _lasting(table: Table | None) -> object:
    """What growing may not change."""
    if table is None:
        return None
    partitions = [(part.number, part.start, part.role, part.identity) for part in table.partitions]
    return table.kind, table.identity, partitions


def _move_gpt_backup(calls: Calls, layout: Layout, step: Step) -> None:
    calls.part_expand_gpt(step.target)


def _grow_partition(calls: Calls, layout: Layout, step: Step) -> None:
    part = _partition(layout, step.target)
    calls.part_resize(layout.disk, part.number, part.start + step.to_bytes // SECTOR - 1)
    if layout.table is not None and layout.table.kind == "msdos":
        _restore_boot_sector(calls, layout.disk, layout.table.identity)


def _restore_boot_sector(calls: Calls, disk: str, start: bytes) -> None:
    """Undo what parted does where the boot code's first byte is zero: its own boot code, and a new disk signature.

    sfdisk leaves no boot code, and boards that need none have none. Their fstab and kernel command line may name
    partitions by PARTUUID, which is that signature.
    """
    if calls.pread_device(disk, len(start), 0) != start:
        calls.pwrite_device(disk, start, 0)


def _partition(layout: Layout, device: str) -> Partition:
    return next(part for part in layout.chain if f"{layout.disk}{part.number}" == device)


def _grow_pv(calls: Calls, layout: Layout, step: Step) -> None:
    calls.pvresize(step.target)


def _grow_lv(calls: Calls, layout: Layout, step: Step) -> None:
    calls.lvresize_free(step.target, 100)


def _grow_filesystem(calls: Calls, layout: Layout, step: Step) -> None:
    if step.kind == "xfs":
        with _mounted(calls, step):
            calls.xfs_growfs("/")
    elif step.kind == "btrfs":
        with _mounted(calls, step):
            calls.btrfs_filesystem_resize("/")
    else:
        calls.resize2fs(step.target)


def _grow_swap(calls: Calls, layout: Layout, step: Step) -> None:
    """Only the number of the last page changes: label, UUID, byte order and page size are the guest's own.

    ``mkswap`` would make a new header, in the appliance's page size and byte order.
    """
    content = layout.content.content if isinstance(layout.content, Lvm) else layout.content
    if not isinstance(content, Swap):
        raise GuestError(f"{step.target} holds no swap space.")
    calls.pwrite_device(step.target, content.last_page(step.to_bytes), LAST_PAGE_OFFSET)


@contextlib.contextmanager
def _mounted(calls: Calls, step: Step) -> t.Iterator[None]:
    calls.mount_vfs("noatime,nodev,nosuid", step.kind, step.target, "/")
    try:
        yield
    finally:
        calls.umount("/")


_STEPS: t.Mapping[str, t.Callable[[Calls, Layout, Step], None]] = {
    "move_gpt_backup": _move_gpt_backup,
    "grow_partition": _grow_partition,
    "grow_pv": _grow_pv,
    "grow_lv": _grow_lv,
    "grow_filesystem": _grow_filesystem,
    "grow_swap": _grow_swap,
}
