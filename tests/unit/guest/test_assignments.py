# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``KEY=value`` lines, compared with what a shell makes of them."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from ansible_collections.offline.guest.plugins.module_utils._guest._assignments import (
    find_assignments,
    get_value,
    quoted,
    remove_key,
    set_value,
    unquoted,
)
from hypothesis import given
from hypothesis import strategies as st

VALUES = st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"]), max_size=30)
LINES = st.lists(
    st.one_of(
        st.sampled_from(
            ["# K=comment", "", "K=old", 'export K="old value"', "OTHER='x # y'", "  K=a # remark", "K+=b"]
        ),
        st.text(st.characters(blacklist_characters="\n\"'\\", blacklist_categories=["Cs"]), max_size=20),
    ),
    max_size=6,
)


@pytest.mark.parametrize(
    ("content", "value"),
    [
        (b"K=v\n", "v"),
        (b"K=a\nK=b\n", "b"),
        (b"K='a b' # remark\n", "a b"),
        (b'K="a \\"b\\" \\$c"\n', 'a "b" $c'),
        (b"K=a\\ b\n", "a b"),
        (b"K=a\"b c\"'d'\n", "ab cd"),
        (b'K="one \\\ntwo"\n', "one two"),
        (b"\texport K=v\n", "v"),
        (b"K=v\r\n", "v"),
        (b"K=", ""),
        (b"# K=v\nXK=v\n", None),
        (b'OTHER="\nK=v\n"\n', None),
        (b"K = v\n", None),
    ],
)
def test_get(content: bytes, value: str | None) -> None:
    assert get_value(content, "K") == value


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"", b"K=new\n"),
        (b"A=1", b"A=1\nK=new\n"),
        (b"A=1\r\n", b"A=1\r\nK=new\r\n"),
        (b"K=old # why\nA=1\n", b"K=new # why\nA=1\n"),
        (b'export K="old"\r\n', b'export K="new"\r\n'),
        (b"K='old'", b"K='new'"),
        (b"K=a\nK=b\n", b"K=a\nK=new\n"),
        (b'K="a \\\nb"\n\xff\n', b'K="new"\n\xff\n'),
        (b"#K=old\n", b"#K=old\nK=new\n"),
    ],
)
def test_set_touches_one_value(before: bytes, after: bytes) -> None:
    assert set_value(before, "K", "new") == after
    assert set_value(after, "K", "new") == after


def test_a_new_line_as_it_is_asked_for() -> None:
    assert set_value(b"", "K", "v", quotes=True) == b'K="v"\n'
    assert set_value(b"", "K", "v", export=True) == b"export K=v\n"


def test_quotes_that_cannot_hold_a_value_are_replaced() -> None:
    assert set_value(b"K='old'\n", "K", "it's") == b'K="it\'s"\n'
    assert set_value(b"K=old\n", "K", "two words") == b'K="two words"\n'


def test_remove() -> None:
    assert remove_key(b"A=1\nexport K='x\ny' # z\nB=2\nK=", "K") == b"A=1\nB=2\n"


@given(LINES, VALUES)
def test_what_was_set_is_there_and_nothing_else_changed(lines: list[str], value: str) -> None:
    before = "\n".join(lines).encode()
    after = set_value(before, "K", value)
    assert get_value(after, "K") == value
    assert set_value(after, "K", value) == after
    others = [found for found in find_assignments(before.decode()) if found.key != "K"]
    kept = [found for found in find_assignments(after.decode()) if found.key != "K"]
    assert [(found.key, found.raw) for found in kept] == [(found.key, found.raw) for found in others]


@given(LINES)
def test_what_was_removed_is_gone(lines: list[str]) -> None:
    assert get_value(remove_key("\n".join(lines).encode(), "K"), "K") is None


@given(VALUES, st.sampled_from(["", '"', "'"]))
def test_quoted_is_undone_by_unquoted(value: str, style: str) -> None:
    assert unquoted(quoted(value, style)) == value


@pytest.mark.skipif(shutil.which("sh") is None, reason="there is no shell")
@pytest.mark.parametrize(
    "value", ["a b", "it's", 'say "no"', "$HOME `id` \\n", "*", "a;b|c&d", "", "ü\t~", "two\nlines"]
)
@pytest.mark.parametrize("start", ["", "K=old\n", 'K="old"\n', "K='old'\n"])
def test_a_shell_reads_what_was_meant(value: str, start: str) -> None:
    content = set_value(start.encode(), "K", value)
    script = content.decode() + '\nprintf %s "$K"'
    done = subprocess.run(["sh", "-c", script], check=True, capture_output=True)
    assert done.stdout.decode() == value


def test_a_hostile_file_takes_no_time() -> None:
    content = b'K="' + b"a\\" * 100_000 + b"\nK='" * 50_000
    assert set_value(content, "K", "v") != content
