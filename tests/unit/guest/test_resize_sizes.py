# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.offline.guest.plugins.module_utils._errors import OptionError
from ansible_collections.offline.guest.plugins.module_utils._guest._resize_sizes import (
    human,
    require_growable,
    target_size,
)
from hypothesis import given
from hypothesis import strategies as st

GIB = 1 << 30


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ("20G", 20 * GIB),
        ("20g", 20 * GIB),
        ("20GiB", 20 * GIB),
        ("20 GiB", 20 * GIB),
        ("1.5T", 1536 * GIB),
        ("2097152K", 2 * GIB),
        ("2048M", 2 * GIB),
        ("2147483648", 2 * GIB),
        ("2147483648B", 2 * GIB),
        ("2147483649", 2 * GIB + 512),
        ("+5G", 6 * GIB),
        ("+1", GIB + 512),
        ("1P", 1 << 50),
        ("1G", GIB),
        (None, GIB),
        ("", GIB),
    ],
)
def test_target(size: str | None, expected: int) -> None:
    assert target_size(GIB, size) == expected


@pytest.mark.parametrize(
    "size", ["G", "-5G", "5G5", "5 G G", "0", "+0G", "1e10", "0x10", "5E", "1.5", "five", "+", "٣G", "1G\n2", "1" * 25]
)
def test_no_size(size: str) -> None:
    with pytest.raises(OptionError, match="is not a size"):
        target_size(0, size)


@pytest.mark.parametrize("size", ["20GB", "20gb", "+5MB", "1kB"])
def test_ambiguous(size: str) -> None:
    with pytest.raises(OptionError, match="powers of 1000 or of 1024"):
        target_size(0, size)


def test_shrinking_and_absurd() -> None:
    with pytest.raises(OptionError, match=r"has 1 GiB and size asks for 512 MiB: shrinking"):
        target_size(GIB, "512M")
    with pytest.raises(OptionError, match="more than 1 PiB"):
        target_size(GIB, "2000T")
    with pytest.raises(OptionError, match="more than 1 PiB"):
        target_size(GIB, "+1P")


@given(st.integers(0, 1 << 40).map(lambda sectors: sectors * 512), st.integers(1, 1 << 49))
def test_never_shrinks_and_is_whole(current: int, size: int) -> None:
    grown = target_size(current, f"+{size}") if current + size <= 1 << 50 else current
    assert grown >= current and grown % 512 == 0
    assert target_size(grown, str(grown)) == grown if grown else True


def test_formats() -> None:
    require_growable("vmdk", GIB, GIB)
    require_growable("raw", GIB, 2 * GIB)
    require_growable("qcow2", GIB, 2 * GIB)
    for name in ("vmdk", "vdi", "vhdx", "vpc"):
        with pytest.raises(OptionError, match=f"{name} cannot be grown.*qemu-img convert"):
            require_growable(name, GIB, 2 * GIB)


def test_human() -> None:
    assert [human(size) for size in (0, 512, 1024, 3 * GIB // 2, GIB + 512)] == [
        "0 B",
        "512 B",
        "1 KiB",
        "1.5 GiB",
        "1 GiB (1073742336 B)",
    ]
