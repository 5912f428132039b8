# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""What growing takes: a pure function of the layout and the new size of the disk.

Steps go from the outside in, because each layer can only grow into what the one around it has gained.
"""

from __future__ import annotations

import dataclasses
import typing as t

from .._errors import GuestError
from ._resize_content import Content
from ._resize_read import Layout, Lvm
from ._resize_sizes import SECTOR, human
from ._resize_table import MBR_LAST_SECTOR, Partition, Table

# Tools end the last partition at a whole MiB, which leaves up to 1 MiB free. That is no reason to touch an image.
TAIL = 1 << 20

Action = t.Literal[
    "grow_image", "move_gpt_backup", "grow_partition", "grow_pv", "grow_lv", "grow_filesystem", "grow_swap"
]


@dataclasses.dataclass(frozen=True)
class Step:
    """One layer's growth.

    :param target: the device.
    :param kind: what the device is: ``gpt``, ``msdos``, ``lvm2``, ``ext4`` …; empty for the image itself.
    :param from_bytes: its size now; for the GPT backup, the size of the disk it was made for.
    """

    action: Action
    target: str
    kind: str
    from_bytes: int
    to_bytes: int

    def to_dict(self) -> dict[str, t.Any]:
        """The step as it is returned to the user."""
        return dataclasses.asdict(self)


Plan = tuple[Step, ...]


def make_plan(layout: Layout, target: int) -> Plan:
    """Return the steps that make the image ``target`` bytes large and fill it; none where it is and is filled.

    :param target: at least ``layout.size``, in bytes.
    :raises GuestError: a layer cannot become that large.
    """
    _require_room(layout)
    steps = [*_grow("grow_image", layout.disk, "", layout.size, target)]
    room = target
    if layout.table is not None:
        more, room = _plan_table(layout, layout.table, target)
        steps += more
    content = layout.content
    steps += (
        _plan_lvm(content, layout.holder, room)
        if isinstance(content, Lvm)
        else _plan_content(content, layout.holder, room)
    )
    return tuple(steps)


def _plan_table(layout: Layout, table: Table, target: int) -> tuple[list[Step], int]:
    """Return the steps for the table and the chosen partitions, and the room inside the last one in bytes."""
    steps: list[Step] = []
    sectors = target // SECTOR
    grows = target > layout.size
    if table.kind == "gpt" and table.backup != sectors - 1:
        steps += _grow("move_gpt_backup", layout.disk, "gpt", (table.backup + 1) * SECTOR, sectors * SECTOR)
    elif table.kind == "msdos" and grows and sectors - 1 > MBR_LAST_SECTOR:
        raise GuestError(
            f"An MBR partition table reaches 2 TiB, and size asks for {human(target)}.",
            hint="Ask for 2T or less, or convert the disk to GPT first.",
        )
    limit, room = table.limit(sectors), 0
    for part in layout.chain:
        limit = _new_end(part, limit, 0 if grows else TAIL)
        room = (limit - part.start + 1) * SECTOR
        steps += _grow("grow_partition", f"{layout.disk}{part.number}", table.kind, part.size, room)
    return steps, room


def _new_end(part: Partition, limit: int, tail: int) -> int:
    return limit if (limit - part.end) * SECTOR > tail else part.end


def _plan_lvm(content: Lvm, holder: str, room: int) -> list[Step]:
    group, physical = content.group, content.physical
    extents = group.fitted(physical, room)
    gained, extent = extents - physical.extents, group.extent
    steps = [*_grow("grow_pv", holder, "lvm2", physical.extents * extent, extents * extent)]
    if content.volume is None or content.content is None:
        return steps
    volume = content.volume
    size = volume.size + (group.free + gained) * extent
    steps += _grow("grow_lv", volume.device, "lvm2", volume.size, size)
    return steps + _plan_content(content.content, volume.device, size)


def _plan_content(content: Content, device: str, room: int) -> list[Step]:
    action: Action = "grow_swap" if content.type == "swap" else "grow_filesystem"
    return [*_grow(action, device, content.type, content.size, content.fitted(room))]


def _require_room(layout: Layout) -> None:
    """What is larger than its device now has lost its end, and growing the device would only hide that."""
    room = layout.chain[-1].size if layout.chain else layout.size
    held = layout.content
    if isinstance(held, Lvm):
        physical = held.physical
        _require_fits("physical volume", layout.holder, physical.first + physical.extents * held.group.extent, room)
        if held.volume and held.content:
            _require_fits(held.content.type, held.volume.device, held.content.size, held.volume.size)
    else:
        _require_fits(held.type, layout.holder, held.size, room)


def _require_fits(kind: str, device: str, size: int, room: int) -> None:
    if size > room:
        raise GuestError(
            f"The {kind} on {device} says it has {human(size)}, more than its device: {human(room)}.",
            hint="It is damaged, or the image was cut off.",
        )


def _grow(action: Action, device: str, kind: str, old: int, new: int) -> tuple[Step, ...]:
    return (Step(action, device, kind, old, new),) if new > old else ()
