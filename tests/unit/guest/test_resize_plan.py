# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.offline.guest.plugins.module_utils._errors import GuestError
from ansible_collections.offline.guest.plugins.module_utils._guest._resize_content import (
    Btrfs,
    Content,
    Ext,
    Swap,
    Xfs,
)
from ansible_collections.offline.guest.plugins.module_utils._guest._resize_lvm import (
    Group,
    LogicalVolume,
    PhysicalVolume,
)
from ansible_collections.offline.guest.plugins.module_utils._guest._resize_plan import Plan, Step, make_plan
from ansible_collections.offline.guest.plugins.module_utils._guest._resize_read import Layout, Lvm
from ansible_collections.offline.guest.plugins.module_utils._guest._resize_table import Partition, Table
from hypothesis import assume, given
from hypothesis import strategies as st

MIB = 1 << 20
GIB = 1 << 30
ORDER = ["grow_image", "move_gpt_backup", "grow_partition", "grow_pv", "grow_lv", "grow_filesystem", "grow_swap"]


def ext4(size: int) -> Ext:
    return Ext("ext4", size, 4096, 0, 32768, 512, 10, 64, 1, True, True)


def content(draw: st.DrawFn, room: int) -> Content:
    size = draw(st.integers(1, room // 4096)) * 4096
    choices: list[Content] = [ext4(size), Xfs(size, 4096, 16384), Btrfs(size, 4096), Swap(size, 4096, "little")]
    return draw(st.sampled_from(choices))


def lvm(draw: st.DrawFn, room: int) -> Lvm:
    extent = 4 * MIB
    extents = draw(st.integers(1, (room - MIB) // extent))
    used = draw(st.integers(1, extents))
    elsewhere = draw(st.integers(0, 100))
    physical = PhysicalVolume("PV", extents, MIB, 1)
    volume = LogicalVolume("root", "/dev/vg/root", used * extent, True)
    group = Group("vg", "wz--n-", extent, extents - used + elsewhere, (physical,), (volume,))
    if draw(st.booleans()):
        return Lvm(group, physical, volume, content(draw, used * extent))
    return Lvm(dataclasses.replace(group, logical=()), physical, None, None)


@st.composite
def layouts(draw: st.DrawFn) -> Layout:
    sectors = draw(st.integers(64 * MIB // 512, 100 * GIB // 512))
    kind = draw(st.sampled_from(["gpt", "msdos", "logical", "whole"]))
    table: Table | None = None
    chain: tuple[Partition, ...] = ()
    holder, room = "/dev/sda", sectors * 512
    if kind != "whole":
        backup = draw(st.integers(48 * MIB // 512, sectors - 1))
        last = backup - 33 if kind == "gpt" else sectors - 1
        end = draw(st.integers(32 * MIB // 512, last))
        inner = draw(st.integers(24 * MIB // 512, end))
        part = Partition(5 if kind == "logical" else 1, 4096, inner, "logical" if kind == "logical" else "primary")
        chain = (Partition(2, 2048, end, "extended"), part) if kind == "logical" else (part,)
        holder, room = f"/dev/sda{part.number}", part.size
        table = Table("gpt", chain, backup, 32, backup - 33) if kind == "gpt" else Table("msdos", chain)
    held = lvm(draw, room) if draw(st.booleans()) else content(draw, room)
    return Layout("/dev/sda", sectors * 512, table, chain, holder, held)


targets = st.one_of(st.just(0), st.integers(1, 4 * GIB // 512)).map(lambda sectors: sectors * 512)


def grown(layout: Layout, plan: Plan, target: int) -> Layout:
    """What the tools make of ``layout``."""
    for step in plan:
        layout = grow_one(layout, step)
    return dataclasses.replace(layout, size=target)


def grow_one(layout: Layout, step: Step) -> Layout:
    table, held = layout.table, layout.content
    if step.action == "move_gpt_backup" and table:
        backup = step.to_bytes // 512 - 1
        return dataclasses.replace(layout, table=dataclasses.replace(table, backup=backup, last_usable=backup - 33))
    if step.action == "grow_partition" and table:
        chain = tuple(
            dataclasses.replace(part, end=part.start + step.to_bytes // 512 - 1)
            if f"/dev/sda{part.number}" == step.target
            else part
            for part in layout.chain
        )
        return dataclasses.replace(layout, chain=chain, table=dataclasses.replace(table, partitions=chain))
    if step.action in ("grow_pv", "grow_lv") and isinstance(held, Lvm):
        return dataclasses.replace(layout, content=grow_lvm(held, step))
    if step.action in ("grow_filesystem", "grow_swap"):
        if not isinstance(held, Lvm):
            return dataclasses.replace(layout, content=dataclasses.replace(held, size=step.to_bytes))
        assert held.content
        inner = dataclasses.replace(held.content, size=step.to_bytes)
        return dataclasses.replace(layout, content=dataclasses.replace(held, content=inner))
    return layout


def grow_lvm(held: Lvm, step: Step) -> Lvm:
    group, physical = held.group, held.physical
    if step.action == "grow_pv":
        extents = step.to_bytes // group.extent
        free = group.free + extents - physical.extents
        grown_pv = dataclasses.replace(physical, extents=extents)
        return dataclasses.replace(held, group=dataclasses.replace(group, free=free), physical=grown_pv)
    assert held.volume
    volume = dataclasses.replace(held.volume, size=step.to_bytes)
    return dataclasses.replace(held, group=dataclasses.replace(group, free=0), volume=volume)


@given(layouts(), targets)
def test_every_step_grows_and_the_order_is_from_the_outside_in(layout: Layout, more: int) -> None:
    plan = make_plan(layout, layout.size + more)
    assert all(step.to_bytes > step.from_bytes for step in plan)
    positions = [ORDER.index(step.action) for step in plan]
    assert positions == sorted(positions)
    assert [step.target for step in plan if step.action == "grow_partition"] in (
        [],
        [layout.holder],
        ["/dev/sda2"],
        ["/dev/sda2", layout.holder],
    )


@given(layouts(), targets)
def test_after_growing_there_is_nothing_to_grow(layout: Layout, more: int) -> None:
    target = layout.size + more
    after = grown(layout, make_plan(layout, target), target)
    assert make_plan(after, target) == ()


@given(layouts(), targets)
def test_nothing_is_larger_than_what_is_around_it(layout: Layout, more: int) -> None:
    target = layout.size + more
    plan = make_plan(layout, target)
    after = grown(layout, plan, target)
    ends = [(part.end + 1) * 512 for part in after.chain]
    assert all(end <= target - (33 * 512 if after.table and after.table.kind == "gpt" else 0) for end in ends)
    assert ends == sorted(ends, reverse=True)
    if isinstance(after.content, Lvm) and after.content.volume and after.content.content:
        assert after.content.content.size <= after.content.volume.size
    elif not isinstance(after.content, Lvm):
        assert after.content.size <= (after.chain[-1].size if after.chain else target)


@given(layouts(), targets)
def test_a_larger_image_is_filled(layout: Layout, more: int) -> None:
    """Where the image grows the last partition ends where the table allows: for GPT at the last whole MiB."""
    assume(more and layout.table)
    assert layout.table
    target = layout.size + more
    after = grown(layout, make_plan(layout, target), target)
    limit = (target // 512 - 33) // 2048 * 2048 - 1 if layout.table.kind == "gpt" else target // 512 - 1
    assert [part.end for part in after.chain] == [max(limit, part.end) for part in layout.chain]


def one(kind: str, end: int, *, size: int = GIB, fs: Content | None = None) -> Layout:
    part = Partition(1, 2048, end)
    sectors = size // 512
    table = Table("gpt", (part,), sectors - 1, 32, sectors - 34) if kind == "gpt" else Table("msdos", (part,))
    return Layout("/dev/sda", size, table, (part,), "/dev/sda1", fs or ext4(part.size // 4096 * 4096))


@pytest.mark.parametrize("kind", ["gpt", "msdos"])
def test_the_alignment_of_other_tools_is_no_reason_to_grow(kind: str) -> None:
    last = GIB // 512 - (34 if kind == "gpt" else 1)
    assert make_plan(one(kind, last - 2048), GIB) == ()
    assert [step.action for step in make_plan(one(kind, last - 2049), GIB)][0] == "grow_partition"
    assert "grow_partition" in [step.action for step in make_plan(one(kind, last - 2048), GIB + 512)]


def test_only_the_file_system_is_too_small() -> None:
    layout = one("msdos", GIB // 512 - 1, fs=ext4(GIB // 2))
    assert make_plan(layout, GIB) == (Step("grow_filesystem", "/dev/sda1", "ext4", GIB // 2, GIB - MIB),)


def test_exact_plan_of_a_gpt() -> None:
    layout = one("gpt", GIB // 512 - 34)
    assert [step.to_dict() for step in make_plan(layout, 2 * GIB)] == [
        {"action": action, "target": target, "kind": kind, "from_bytes": old, "to_bytes": new}
        for action, target, kind, old, new in [
            ("grow_image", "/dev/sda", "", GIB, 2 * GIB),
            ("move_gpt_backup", "/dev/sda", "gpt", GIB, 2 * GIB),
            ("grow_partition", "/dev/sda1", "gpt", GIB - MIB - 33 * 512, 2 * GIB - 2 * MIB),
            ("grow_filesystem", "/dev/sda1", "ext4", GIB - MIB - 5 * 4096, 2 * GIB - 2 * MIB),
        ]
    ]


def test_mbr_ends_at_2_tib() -> None:
    layout = one("msdos", GIB // 512 - 1)
    assert make_plan(layout, 2 << 40)[1].to_bytes == (2 << 40) - MIB
    with pytest.raises(GuestError, match="reaches 2 TiB, and size asks for 3 TiB"):
        make_plan(layout, 3 << 40)
    larger = one("msdos", GIB // 512 - 1, size=3 << 40)
    assert make_plan(larger, 3 << 40)[0].to_bytes == (2 << 40) - MIB, (
        "it is that large already: fill what can be filled"
    )


def test_a_file_system_larger_than_its_device() -> None:
    with pytest.raises(GuestError, match="damaged, or the image was cut off"):
        make_plan(one("msdos", GIB // 512 - 1, fs=ext4(2 * GIB)), 4 * GIB)
