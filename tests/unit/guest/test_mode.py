# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import stat
import typing as t

import pytest
from ansible.module_utils.basic import AnsibleModule
from ansible_collections.offline.guest.plugins.module_utils._errors import OptionError
from ansible_collections.offline.guest.plugins.module_utils._guest._mode import parse_mode
from hypothesis import given, settings
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("0644", 0o644),
        ("644", 0o644),
        ("7777", 0o7777),
        (420, 0o644),
        ("0o644", 0o644),
        (0, 0),
        ("u+x", 0o740),
        ("u", 0o640),
    ],
)
def test_accepted(value: t.Any, expected: int) -> None:
    assert parse_mode(value, 0o640) == expected


@pytest.mark.parametrize("value", ["9", "10000", 0o10000, -1, "-1", "rwx", "x=r", "u=rz", True, 1.5, None])
def test_refused(value: t.Any) -> None:
    with pytest.raises(OptionError, match="is no mode"):
        parse_mode(value, 0o640)


CLAUSE = st.builds(
    lambda users, parts: users + "".join(parts),
    st.sampled_from(["", "a", "u", "g", "o", "ug", "ugo", "uu", "ag", "x"]),
    st.lists(st.builds(str.__add__, st.sampled_from("+-="), st.text("rwxXstugoz", max_size=4)), max_size=3),
)


@given(
    value=st.lists(CLAUSE, min_size=1, max_size=3).map(",".join),
    current=st.integers(0, 0o7777),
    kind=st.sampled_from([stat.S_IFREG, stat.S_IFDIR]),
)
@settings(max_examples=1000, deadline=None)
def test_symbolic_modes_as_ansible_reads_them(value: str, current: int, kind: int) -> None:
    fields = os.stat_result((kind | current, 0, 0, 1, 0, 0, 0, 0, 0, 0))
    previous = os.umask(0o022)
    try:
        theirs: int | None = AnsibleModule._symbolic_mode_to_octal(fields, value)
    except ValueError:
        theirs = None
    finally:
        os.umask(previous)
    try:
        ours: int | None = parse_mode(value, current, is_directory=kind == stat.S_IFDIR)
    except OptionError:
        ours = None
    assert ours == theirs
