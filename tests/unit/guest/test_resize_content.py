# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.offline.guest.plugins.module_utils._errors import GuestError
from ansible_collections.offline.guest.plugins.module_utils._guest._resize_content import (
    Btrfs,
    Content,
    Ext,
    Swap,
    Xfs,
    read_content,
)
from ansible_collections.offline.guest.tests.unit.guest.resize_disk import (
    MIB,
    btrfs_head,
    ext_head,
    swap_head,
    xfs_head,
)
from hypothesis import given
from hypothesis import strategies as st

GIB = 1 << 30


def ext(size: int, block: int, group: int, inode_blocks: int, reserved: int, per_block: int, **more: int) -> Ext:
    return Ext(
        type="ext4",
        size=size,
        block=block,
        first=1 if block == 1024 and more.get("cluster", 1) == 1 else 0,
        group=group,
        inode_blocks=inode_blocks,
        reserved_gdt=reserved,
        descriptors=per_block,
        cluster=more.get("cluster", 1),
        sparse=True,
        wide=bool(more.get("wide", 1)),
    )


@pytest.mark.parametrize(
    ("made", "room", "grown"),
    [
        # mke2fs and resize2fs 1.47.0, measured: what a file of `room` bytes got
        (ext(67108864, 4096, 32768, 1024, 7, 64), 1073741824, 1073741824),
        (ext(104857600, 4096, 32768, 1600, 12, 64), 135270400, 134217728),  # a last group of 1 MiB: left out
        (ext(268435456, 4096, 32768, 2048, 31, 64), 404750848, 402653184),
        (ext(20971520, 1024, 8192, 426, 79, 32, wide=0), 43299840, 43298816),  # whole pages
        (ext(20971520, 1024, 8192, 426, 159, 16), 75703296, 75498496),
        (ext(314572800, 1024, 131072, 1600, 149, 16, cluster=16), 1073762304, 1073741824),  # bigalloc: whole clusters
        (ext(268435456, 1024, 8192, 512, 0, 32, wide=0), 674234368, 674234368),
    ],
)
def test_ext_is_what_resize2fs_makes(made: Ext, room: int, grown: int) -> None:
    assert made.fitted(room) == grown


def test_ext_of_32_bits_has_an_end() -> None:
    with pytest.raises(GuestError, match="cannot grow beyond 16 TiB"):
        ext(GIB, 4096, 32768, 512, 0, 64, wide=0).fitted(17 << 40)
    assert ext(GIB, 4096, 32768, 512, 0, 64).fitted(17 << 40) == 17 << 40


def test_read_ext() -> None:
    found = read_content("ext4", ext_head(20 << 40), "/dev/sda1")
    assert isinstance(found, Ext)
    assert (found.size, found.block, found.group, found.wide, found.sparse) == (20 << 40, 4096, 32768, True, True)
    assert read_content("ext2", ext_head(MIB, block=1024), "/dev/sda1").size == MIB


def test_read_xfs() -> None:
    found = read_content("xfs", xfs_head(GIB), "/dev/sda1")
    assert found == Xfs(size=GIB, block=4096, group=32768)
    assert found.fitted(GIB + 16 * MIB) == GIB + 16 * MIB
    assert found.fitted(GIB + 15 * MIB) == GIB, "mkfs.xfs made it so"
    assert found.fitted(2 * GIB + 63 * 4096) == 2 * GIB, "no group below 64 blocks"
    assert found.fitted(2 * GIB + 64 * 4096 + 5) == 2 * GIB + 64 * 4096


def test_read_btrfs() -> None:
    found = read_content("btrfs", btrfs_head(GIB), "/dev/sda1")
    assert found == Btrfs(size=GIB, sector=4096)
    assert found.fitted(GIB + 4095) == GIB
    assert found.fitted(2 * GIB + 512) == 2 * GIB
    assert Btrfs(size=120 * MIB, sector=4096).fitted(200 * MIB) == 120 * MIB, "the kernel refuses less than 256 MiB"


@pytest.mark.parametrize(("page", "order", "name"), [(4096, "<", "little"), (65536, "<", "little"), (4096, ">", "big")])
def test_read_swap(page: int, order: str, name: str) -> None:
    found = read_content("swap", swap_head(64 * MIB, page=page, order=order), "/dev/sda2")
    assert isinstance(found, Swap)
    assert (found.size, found.page, found.order) == (64 * MIB, page, name)
    assert found.fitted(128 * MIB + page - 1) == 128 * MIB
    assert found.last_page(128 * MIB) == swap_head(128 * MIB, page=page, order=order)[1028:1032]


@pytest.mark.parametrize(
    ("kind", "head", "reason"),
    [
        ("", b"", "nothing that is known"),
        ("ntfs", b"", "holds ntfs, which cannot be grown"),
        ("{{ evil }}\x1b[1m", b"", "x7b"),
        ("crypto_LUKS", b"", "encrypted with LUKS"),
        ("linux_raid_member", b"", "RAID"),
        ("swsuspend", b"", "hibernated"),
        ("swap", swap_head(MIB, signature=b"S1SUSPEND"), "hibernated"),
        ("swap", swap_head(MIB, signature=b"LINHIB0001", page=65536), "hibernated"),
        ("swap", bytes(131072), "damaged"),
        ("ext4", b"", "damaged"),
        ("ext4", bytes(131072), "damaged"),
        ("ext4", ext_head(MIB)[:1100], "damaged"),
        ("xfs", bytes(4096), "damaged"),
        ("xfs", xfs_head(MIB, realtime=5), "second device"),
        ("xfs", xfs_head(MIB, log_start=0), "second device"),
        ("btrfs", bytes(131072), "damaged"),
        ("btrfs", btrfs_head(GIB, devices=2), "several devices"),
    ],
)
def test_refused(kind: str, head: bytes, reason: str) -> None:
    with pytest.raises(GuestError, match=reason):
        read_content(kind, head, "/dev/sda1")


def contents() -> st.SearchStrategy[Content]:
    sizes = st.integers(64, 1 << 22).map(lambda blocks: blocks * 4096)
    exts = st.builds(
        ext,
        sizes,
        st.sampled_from([1024, 4096]),
        st.sampled_from([8192, 32768]),
        st.integers(1, 2048),
        st.integers(0, 1024),
        st.sampled_from([16, 32, 64]),
        cluster=st.sampled_from([1, 16]),
    )
    return st.one_of(
        exts,
        st.builds(Xfs, sizes, st.just(4096), st.integers(64, 1 << 20)),
        st.builds(Btrfs, sizes, st.just(4096)),
        st.builds(Swap, sizes, st.sampled_from([4096, 65536]), st.just("little")),
    )


@given(contents(), st.integers(0, 1 << 42))
def test_fitted_neither_shrinks_nor_exceeds_the_room(content: Content, room: int) -> None:
    fitted = content.fitted(max(room, content.size))
    assert content.size <= fitted <= max(room, content.size)
