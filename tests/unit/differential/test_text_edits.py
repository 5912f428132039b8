# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The edit engine against the modules it must equal: same bytes in, same bytes, ``changed`` and ``msg`` out.

``OFFLINE_GUEST_EXAMPLES`` is the number of random examples for each of the text editors.
"""

from __future__ import annotations

import os
import pathlib
import types
import typing as t

import pytest
from ansible.modules import blockinfile, lineinfile, replace
from ansible_collections.offline.guest.plugins.module_utils._errors import OfflineGuestError
from ansible_collections.offline.guest.plugins.module_utils._guest._edit_block import BlockEdit
from ansible_collections.offline.guest.plugins.module_utils._guest._edit_line import LineEdit
from ansible_collections.offline.guest.plugins.module_utils._guest._edit_replace import ReplaceEdit
from ansible_collections.offline.guest.plugins.module_utils._guest._edits import Edit, apply_edit
from ansible_collections.offline.guest.tests.unit.differential.twins import TwinOutcome, run_twin
from ansible_collections.offline.guest.tests.unit.guest.test_ini import CASES as INI_CASES
from ansible_collections.offline.guest.tests.unit.guest.test_ini import ini_edit
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

EXAMPLES = int(os.environ.get("OFFLINE_GUEST_EXAMPLES", "2000"))
many = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
some = settings(many, max_examples=-(-EXAMPLES // 4))  # an example of these takes twice as long and more

ENDS = st.sampled_from([b"\n", b"\n", b"\n", b"\r\n", b"\r", b"\r\r\n", b""])
Params = dict[str, t.Any]


def texts(*pieces: str) -> st.SearchStrategy[bytes]:
    """Contents made of likely lines and some bytes that are in no encoding, with all kinds of line ends."""
    raw = [piece.encode() for piece in pieces]
    piece = st.one_of(st.sampled_from(raw), st.sampled_from(raw), st.binary(max_size=3))
    line = st.builds(lambda parts, end: b"".join(parts) + end, st.lists(piece, min_size=1, max_size=2), ENDS)
    return st.lists(line, max_size=7).map(b"".join)


def options(**strategies: st.SearchStrategy[t.Any]) -> st.SearchStrategy[Params]:
    """Any subset of the options."""
    return st.fixed_dictionaries({}, optional=strategies)


def ours(content: bytes | None, edit: Edit) -> TwinOutcome:
    try:
        edited = apply_edit(content, edit, newline="\n")
    except OfflineGuestError as exc:
        return TwinOutcome(content, failed=True, message=exc.message)
    after = edited.content if edited.changed or content is not None else None
    return TwinOutcome(after, edited.changed, edited.message, edited.found)


def assert_same(
    twin: types.ModuleType, content: bytes | None, params: Params, edit: Edit, folder: pathlib.Path
) -> None:
    theirs = run_twin(twin, content, params, folder)
    found = ours(content, edit)
    if theirs.crashed:
        # A defect of theirs that nobody relies on: ours refuses, or does what was meant (blockinfile's insertafter that
        # matches a line break at the end of the file gives it an index beyond the last line).
        assert found.failed or found.content is not None
    elif theirs.failed:
        assert found.failed, f"the module refuses: {theirs.message}"
    else:
        assert found == theirs
        # Our modules go by the bytes. ini_file may remove the lines above the first section where there are none.
        assert theirs.changed == (theirs.content != content) or theirs.message == "section removed"


def one_of(*choices: dict[str, st.SearchStrategy[t.Any]]) -> st.SearchStrategy[Params]:
    """None of the options, or those of one of the choices: of what excludes each other, little would pass a filter."""
    return st.one_of(st.just({}), *(st.fixed_dictionaries(choice) for choice in choices))


def together(*parts: st.SearchStrategy[Params]) -> st.SearchStrategy[Params]:
    """The options of all parts."""
    return st.tuples(*parts).map(lambda chosen: {key: value for part in chosen for key, value in part.items()})


# lineinfile

LINES = texts("foo", "bar", "foo=1", "#foo=2", "", " ", "new", "é", "foo bar")
LINE_PATTERNS = st.sampled_from(
    [
        "^foo",
        "o$",
        "(f)(o+)",
        "^#?(foo)=",
        "bar",
        "",
        "^$",
        ".",
        "é",
        "nothing",
        "(?i)FOO",
        "\r",
        "BOF",
        "EOF",
        "[",
        "(?P<n>f)",
    ]
)
INSERT = st.one_of(LINE_PATTERNS, st.sampled_from(["BOF", "EOF"]))


def line_params() -> st.SearchStrategy[Params]:
    texts_to_write = st.sampled_from(
        ["foo", "bar", "new", "", "é", "new\n", "a\nb", "foo=1", r"\1-\2", r"\g<n>x", "\\", "x\r"]
    )
    wanted = st.one_of(
        st.fixed_dictionaries({"line": texts_to_write}, optional={"state": st.just("present")}),
        st.fixed_dictionaries({"line": texts_to_write}),
        st.fixed_dictionaries({"state": st.just("absent")}, optional={"line": texts_to_write}),
    )
    matched = one_of(
        {"regexp": LINE_PATTERNS},
        {"regexp": LINE_PATTERNS, "backrefs": st.booleans()},
        {"search_string": st.sampled_from(["foo", "o", "", "é", "nothing"])},
    )
    beside = one_of({"insertafter": INSERT}, {"insertbefore": INSERT})
    chosen = together(wanted, matched, beside, options(firstmatch=st.booleans()))
    return chosen.filter(lambda params: bool({"line", "regexp", "search_string"} & params.keys()))


@given(content=LINES, params=line_params())
@many
def test_lineinfile(content: bytes, params: Params, tmp_path: pathlib.Path) -> None:
    assert_same(lineinfile, content, params, LineEdit(**params), tmp_path)


LINE_CASES: list[tuple[bytes, Params]] = [
    (b"", {"line": "a"}),
    (b"a", {"line": "b"}),
    (b"a\r", {"line": "b"}),
    (b"a\r\n", {"line": "a"}),
    (b"a", {"line": "a"}),
    (b"x\na\na\n", {"regexp": "^a", "line": "b"}),
    (b"x\na\na\n", {"regexp": "^a", "line": "b", "firstmatch": True}),
    (b"x\na\na\n", {"search_string": "a", "line": "b", "firstmatch": True}),
    (b"k=1\n", {"regexp": "^(k)=(.*)", "line": r"\1 = \2!", "backrefs": True}),
    (b"k=1\n", {"regexp": "^(z)", "line": r"\1", "backrefs": True}),
    (b"a\nb\n", {"line": "n", "insertafter": "^a"}),
    (b"a\nn\nb\n", {"regexp": "^zz", "line": "n", "insertafter": "^a"}),
    (b"a\nb", {"line": "n", "insertafter": "^b"}),
    (b"a\nb\na\n", {"line": "n", "insertbefore": "^a"}),
    (b"a\nb\na\n", {"line": "n", "insertbefore": "^a", "firstmatch": True}),
    (b"a\nn\n", {"line": "n", "insertafter": "^a", "firstmatch": True}),
    (b"a\n", {"line": "n", "insertbefore": "BOF"}),
    (b"a\n", {"line": "n", "insertafter": "BOF"}),
    (b"a\n", {"line": "n", "insertbefore": "EOF"}),
    (b"a\n", {"line": "n", "insertafter": ""}),
    (b"a\xff\n\xfe", {"line": "\udcff"}),
    (b"a\na\nb\n", {"line": "a", "state": "absent"}),
    (b"a\r\nb\r\n", {"line": "a", "state": "absent"}),
    (b"a\nb\n", {"regexp": "[ab]", "state": "absent"}),
    (b"a\nb\n", {"search_string": "b", "state": "absent"}),
    (b"a\nb\n", {"line": "zz", "state": "absent"}),
]


@pytest.mark.parametrize(("content", "params"), LINE_CASES)
def test_lineinfile_cases(content: bytes, params: Params, tmp_path: pathlib.Path) -> None:
    assert_same(lineinfile, content, params, LineEdit(**params), tmp_path)


# blockinfile

BLOCKS = texts("foo", "bar", "", "# BEGIN ANSIBLE MANAGED BLOCK", "# END ANSIBLE MANAGED BLOCK", "é", "M", "one", "two")


def block_params() -> st.SearchStrategy[Params]:
    anchors = ["^foo", "bar$", "é", "nothing", "", "(?m)^foo", "(?m)bar$", "(?m)\n", "[", "BOF", "EOF"]
    chosen = options(
        block=st.sampled_from(["", "one", "one\n", "one\ntwo", "\n", "é", "one\r\ntwo\n", "\udcff"]),
        marker=st.sampled_from(["M", "# {mark} ANSIBLE MANAGED BLOCK", "{mark}", "#{mark}{mark}", "", "a\nb{mark}"]),
        marker_begin=st.sampled_from(["BEGIN", "", "foo", r"\1", r"\n", "\\"]),
        marker_end=st.sampled_from(["END", "", "bar"]),
        state=st.sampled_from(["present", "present", "absent"]),
        append_newline=st.booleans(),
        prepend_newline=st.booleans(),
    )
    anchor = st.sampled_from(anchors)
    return together(chosen, one_of({"insertafter": anchor}, {"insertbefore": anchor}))


@given(content=BLOCKS, params=block_params())
@many
def test_blockinfile(content: bytes, params: Params, tmp_path: pathlib.Path) -> None:
    assert_same(blockinfile, content, params, BlockEdit(**params), tmp_path)


@given(content=BLOCKS, params=block_params())
@some
def test_blockinfile_again_where_its_block_is_there(content: bytes, params: Params, tmp_path: pathlib.Path) -> None:
    """A second task on what a first one left: random contents rarely hold a whole block."""
    first = run_twin(blockinfile, content, {"block": "old"}, tmp_path)
    params = {key: value for key, value in params.items() if not key.startswith("marker")}
    assert_same(blockinfile, first.content, params, BlockEdit(**params), tmp_path)


MARKED = b"a\n# BEGIN ANSIBLE MANAGED BLOCK\nx\n# END ANSIBLE MANAGED BLOCK\nb\n"
BLOCK_CASES: list[tuple[bytes | None, Params]] = [
    (None, {"block": "x", "create": True}),
    (None, {"block": "", "create": True}),
    (b"", {"block": "x"}),
    (b"a", {"block": "x"}),
    (MARKED, {"block": "x"}),
    (MARKED, {"block": "y\nz"}),
    (MARKED, {"block": ""}),
    (MARKED, {"state": "absent"}),
    (MARKED, {"block": "x", "append_newline": True, "prepend_newline": True}),
    (MARKED.replace(b"\n", b"\r\n"), {"block": "x"}),
    (MARKED + MARKED, {"block": "y"}),
    (b"# END ANSIBLE MANAGED BLOCK\nm\n# BEGIN ANSIBLE MANAGED BLOCK\n", {"block": "y"}),
    (b"a\nb\na\n", {"block": "x", "insertafter": "^a"}),
    (b"a\nb\na\n", {"block": "x", "insertbefore": "^a"}),
    (b"a\nb\n", {"block": "x", "insertbefore": "BOF"}),
    (b"a\nb\n", {"block": "x", "insertafter": "(?m)^a$"}),
    ("é\né\na\nb\n".encode(), {"block": "x", "insertbefore": "(?m)^a$"}),
    (b"a\nb", {"block": "x", "marker": "<!-- {mark} -->", "marker_begin": "open", "marker_end": "close"}),
    (b"a\nb", {"state": "absent"}),
    (b"a\n\nb\n", {"block": "x", "insertafter": "^a", "append_newline": True, "prepend_newline": True}),
]


@pytest.mark.parametrize(("content", "params"), BLOCK_CASES)
def test_blockinfile_cases(content: bytes | None, params: Params, tmp_path: pathlib.Path) -> None:
    edit = BlockEdit(**{key: value for key, value in params.items() if key != "create"})
    assert_same(blockinfile, content, params, edit, tmp_path)


# replace

REPLACE_PATTERNS = st.sampled_from(
    [
        "foo",
        "^",
        "$",
        "^foo$",
        "o+",
        "(f)(o)",
        "",
        r"\s*$",
        ".",
        "é",
        r"[^\n]*\n",
        "(?P<n>b)ar",
        "[",
        "x?",
        r"\Z",
        "(?s).*",
    ]
)


def replace_params() -> st.SearchStrategy[Params]:
    return st.fixed_dictionaries(
        {"regexp": REPLACE_PATTERNS},
        optional={
            "replace": st.sampled_from(["", "X", r"\2\1", r"\g<n>", r"\n", "é", "\\", "foo", r"\g<0>"]),
            "after": st.sampled_from(["foo", "bar\n", "", "^", "nothing", "[", "(?P<subsection>x)"]),
            "before": st.sampled_from(["foo", "bar", "", "$", "nothing", "["]),
            "encoding": st.sampled_from(["utf-8", "utf-8", "latin-1", "ascii", "utf-16", "no such"]),
        },
    )


@given(content=texts("foo", "bar", "", "é", "f", "o", "foo bar foo"), params=replace_params())
@many
def test_replace(content: bytes, params: Params, tmp_path: pathlib.Path) -> None:
    assert_same(replace, content, params, ReplaceEdit(**params), tmp_path)


REPLACE_CASES: list[tuple[bytes, Params]] = [
    (b"", {"regexp": "a"}),
    (b"", {"regexp": "^", "replace": "x"}),
    (b"a\na\n", {"regexp": "^a$", "replace": "b"}),
    (b"a\r\na", {"regexp": "^a$", "replace": "b"}),
    (b"a\xffa", {"regexp": "a", "replace": "b"}),
    (b"a\xff\xfe", {"regexp": ".", "replace": "é"}),
    (b"k = v\n", {"regexp": r"^(\w) = (\w)$", "replace": r"\2 = \1"}),
    (b"a\n", {"regexp": "a", "replace": "a"}),
    (b"1 a [x] a [y] a", {"regexp": "a", "replace": "b", "after": r"\[x\]"}),
    (b"1 a [x] a [y] a", {"regexp": "a", "replace": "b", "before": r"\[y\]"}),
    (b"1 a [x] a [y] a", {"regexp": "a", "replace": "b", "after": r"\[x\]", "before": r"\[y\]"}),
    (b"1 a", {"regexp": "a", "after": "zz", "before": "z"}),
    ("é".encode("latin-1"), {"regexp": "é", "replace": "e", "encoding": "latin-1"}),
    ("é".encode("utf-16"), {"regexp": "é", "replace": "e", "encoding": "utf-16"}),
    (b"a", {"regexp": "a", "replace": "\u20ac", "encoding": "latin-1"}),
]


@pytest.mark.parametrize(("content", "params"), REPLACE_CASES)
def test_replace_cases(content: bytes, params: Params, tmp_path: pathlib.Path) -> None:
    assert_same(replace, content, params, ReplaceEdit(**params), tmp_path)


# ini_file

INI_LINES = texts(
    "[s]",
    "[ s ]",
    "[t]",
    "k=1",
    "k = 1",
    "  k=2",
    "#k=1",
    "; k = 3",
    "k",
    "j=1",
    "",
    "# c",
    "[s",
    "k=",
    "k\t=\t1 ",
    "é=é",
)


def ini_params() -> st.SearchStrategy[Params]:
    values = st.sampled_from(["1", "2", "", "é", "a=b", "1 "])
    condition = st.fixed_dictionaries(
        {"option": st.sampled_from(["k", "j"])}, optional={"values": st.lists(values, max_size=2)}
    )
    return options(
        section=st.sampled_from(["s", "t", "new", " s "]),
        option=st.sampled_from(["k", "k", "j", "new", "é"]),
        values=st.lists(values, min_size=1, max_size=3),
        state=st.sampled_from(["present", "present", "absent"]),
        exclusive=st.booleans(),
        allow_no_value=st.booleans(),
        no_extra_spaces=st.booleans(),
        ignore_spaces=st.booleans(),
        modify_inactive_option=st.booleans(),
        section_has_values=st.lists(condition, max_size=2),
    ).filter(_is_ini_task)


def _is_ini_task(params: Params) -> bool:
    if params.get("section_has_values") and "section" not in params:
        return False  # the module would write a section named by a random digest
    return params.get("state") == "absent" or "values" in params or params.get("allow_no_value", False)


@pytest.fixture(scope="module")
def ini_file() -> types.ModuleType:
    return pytest.importorskip("ansible_collections.community.general.plugins.modules.ini_file")


@given(content=INI_LINES, params=ini_params())
@some
def test_ini_file(content: bytes, params: Params, ini_file: types.ModuleType, tmp_path: pathlib.Path) -> None:
    assert_same(ini_file, content, params, ini_edit(params), tmp_path)


@pytest.mark.parametrize(("content", "params"), [case[:2] for case in INI_CASES])
def test_ini_file_cases(content: bytes, params: Params, ini_file: types.ModuleType, tmp_path: pathlib.Path) -> None:
    assert_same(ini_file, content, params, ini_edit(params), tmp_path)
