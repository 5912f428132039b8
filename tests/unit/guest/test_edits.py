# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the module edit asks of the engine beyond its twins; that it equals them is tested in ``differential/``."""

from __future__ import annotations

import pytest
from ansible_collections.offline.guest.plugins.module_utils._errors import OptionError
from ansible_collections.offline.guest.plugins.module_utils._guest._edit_block import BlockEdit
from ansible_collections.offline.guest.plugins.module_utils._guest._edit_line import LineEdit
from ansible_collections.offline.guest.plugins.module_utils._guest._edit_replace import ReplaceEdit
from ansible_collections.offline.guest.plugins.module_utils._guest._edits import Edit, apply_edit, apply_edits
from ansible_collections.offline.guest.plugins.module_utils._guest._ini import IniEdit
from hypothesis import given, settings
from hypothesis import strategies as st

BLOCK = b"# BEGIN ANSIBLE MANAGED BLOCK\r\nx\r\ny\r\n# END ANSIBLE MANAGED BLOCK\r\n"
PORT = IniEdit("s", "port", ("1",))


@pytest.mark.parametrize(
    ("before", "edit", "after"),
    [
        # the ordinary line end is that of most lines
        (b"a\r\nb\r\n", LineEdit("c"), b"a\r\nb\r\nc\r\n"),
        (b"a\r\nb\r\n", LineEdit("c", regexp="^b$"), b"a\r\nc\r\n"),
        (b"a\r\nb\nc\r\n", LineEdit("d"), b"a\r\nb\nc\r\nd\r\n"),
        (b"a\nb\r\nc\n", LineEdit("d"), b"a\nb\r\nc\nd\n"),
        (b"a\nb\r\n", LineEdit("d"), b"a\nb\r\nd\n"),
        (b"a\r\nb", LineEdit("c"), b"a\r\nb\r\nc\r\n"),
        (b"a\r\nb\r\n", LineEdit("b"), b"a\r\nb\r\n"),
        (b"a\r\r\nb\r\n", LineEdit("c"), b"a\r\r\nb\r\nc\r\n"),
        (b"k = 1\r\n", LineEdit(r"\1 = 2", regexp="^(k) = (.*)", backrefs=True), b"k = 2\r\n"),
        (b"a\r\n", BlockEdit("x\ny"), b"a\r\n" + BLOCK),
        (b"a\r\n", BlockEdit("x\r\ny\r\n"), b"a\r\n" + BLOCK),
        (b"a\r\n" + BLOCK, BlockEdit("x\ny"), b"a\r\n" + BLOCK),
        (b"a\r\n" + BLOCK, BlockEdit(state="absent"), b"a\r\n"),
        (b"a\r\nb\r\n", ReplaceEdit("^a$", "c"), b"c\r\nb\r\n"),
        (b"a\r\nb\n", ReplaceEdit("a", "c"), b"c\r\nb\n"),
        (b"[s]\r\nport=2\r\n", PORT, b"[s]\r\nport = 1\r\n"),
        (b"\xff\xfe[s]\r\n[s]\r\n", PORT, b"\xff\xfe[s]\r\n[s]\r\nport = 1\r\n"),
        # a last line without an end keeps that while nobody means it
        (b"a\nb", LineEdit("c", regexp="^a"), b"c\nb"),
        (b"a\nb", LineEdit("b"), b"a\nb"),
        (b"a\nb", LineEdit("c", regexp="^b"), b"a\nc\n"),
        (b"a\nb", LineEdit("a", state="absent"), b"b"),
        (b"a\nb", LineEdit("b", state="absent"), b"a\n"),
        (b"a\nb", BlockEdit(state="absent"), b"a\nb"),
        (b"a\nb", BlockEdit("x", insertbefore="^b", marker="{mark}"), b"a\nBEGIN\nx\nEND\nb"),
        (b"[s]\nport = 1\nlast = 2", PORT, b"[s]\nport = 1\nlast = 2"),
        (b"[s]\nport = 2\nlast = 2", PORT, b"[s]\nport = 1\nlast = 2"),
        (b"a\nb", ReplaceEdit("^", "> "), b"> a\n> b"),
        # nothing there yet
        (b"", PORT, b"[s]\nport = 1\n"),
        (None, LineEdit("a"), b"a\n"),
        (None, BlockEdit(""), b""),
        # arbitrary bytes
        (b"\x00\xff\n\xfea", LineEdit("c"), b"\x00\xff\n\xfea\nc\n"),
        (b"\xef\xbb\xbf[s]\nport=2\n", PORT, b"\xef\xbb\xbf[s]\nport = 1\n"),
        (b"[s]\nx=\xff\rport=2\n", PORT, b"[s]\nx=\xff\rport=2\nport = 1\n"),
    ],
)
def test_keeping(before: bytes | None, edit: Edit, after: bytes) -> None:
    edited = apply_edit(before, edit, newline="file")
    assert edited.content == after
    assert edited.changed == (before != after)
    assert not apply_edit(after, edit, newline="file").changed or isinstance(edit, (ReplaceEdit, LineEdit))


EDITS = st.sampled_from(
    [
        LineEdit("new"),
        LineEdit("foo", regexp="^foo"),
        LineEdit("foo", state="absent"),
        BlockEdit("x\ny", insertafter="^foo"),
        BlockEdit(state="absent"),
        ReplaceEdit("zzz", "y"),
        IniEdit("s", "k", ("1",)),
        IniEdit("s", "k", state="absent"),
    ]
)
TEXT = st.lists(
    st.tuples(
        st.sampled_from([b"foo", b"k=2", b"[s]", b"", b"\xff", b"\x01", b"new"]), st.sampled_from([b"\n", b"\r\n"])
    ),
    max_size=6,
).map(lambda parts: b"".join(line + end for line, end in parts))


@given(content=TEXT, last=st.sampled_from([b"", b"last"]), edit=EDITS)
@settings(deadline=None)
def test_untouched_lines_keep_their_bytes(content: bytes, last: bytes, edit: Edit) -> None:
    """Every line of the result is one of the old lines, with its own end, or is new and has the ordinary end."""
    whole = content + last
    after = apply_edit(whole, edit, newline="file").content
    crlf = whole.count(b"\r\n")
    ordinary = b"\r\n" if crlf > whole.count(b"\n") - crlf else b"\n"
    old = whole.splitlines(True)
    for line in after.splitlines(True):
        assert line in old or line.endswith(ordinary), (old, line)


@given(content=TEXT, last=st.sampled_from([b"", b"last"]), edit=EDITS)
@settings(deadline=None)
def test_a_second_time_nothing_changes(content: bytes, last: bytes, edit: Edit) -> None:
    once = apply_edit(content + last, edit, newline="file").content
    again = apply_edit(once, edit, newline="file")
    assert (again.content, again.changed) == (once, False)


def test_several_edits_follow_each_other() -> None:
    result = apply_edits(b"a\n", [LineEdit("b"), LineEdit("c", regexp="^b"), ReplaceEdit("z", "y"), LineEdit("d")])
    assert result.content == b"a\nc\nd\n"
    assert result.messages == ("line added", "line replaced", "", "line added")
    assert result.changed


def test_edits_that_undo_each_other_change_nothing() -> None:
    assert not apply_edits(b"a\n", [LineEdit("b"), LineEdit("b", state="absent")]).changed


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (LineEdit("x", regexp="("), "regexp: '('"),
        (LineEdit("x", insertafter="["), r"insertafter: '\['"),
        (LineEdit(r"\2", regexp="(a)", backrefs=True), "line: "),
        (BlockEdit("x", insertbefore="*"), "insertbefore: "),
        (BlockEdit("x", marker_begin=r"\1"), "marker_begin: "),
        (ReplaceEdit("a", r"\1"), "replace: "),
        (ReplaceEdit("a", after="("), "after: "),
        (ReplaceEdit("a", encoding="klingon"), "encoding: "),
    ],
)
def test_errors_name_the_edit_and_its_key(edit: Edit, words: str) -> None:
    with pytest.raises(OptionError, match=rf"^edits\[1\]: {words.replace('(', '[(]').replace('*', '[*]')}"):
        apply_edits(b"a\n", [LineEdit("b"), edit])
