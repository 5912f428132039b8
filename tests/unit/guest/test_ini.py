# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""INI edits against what ini_file of community.general 11.4.2 was seen to do.

``differential/test_text_edits.py`` runs the same cases through that module itself where it is installed.
"""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.offline.guest.plugins.module_utils._errors import GuestError, OptionError
from ansible_collections.offline.guest.plugins.module_utils._guest._ini import IniEdit, SectionHas, edit_ini

Params = dict[str, t.Any]

S = b"# top\n[s]\nk = 1\n#k = 0\nj=2\n\n# about t\n[t]\nk = 3\n"
R = b"[s]\nid = a\nk = 1\n[s]\nid = b\nk = 2\n[x]\n"
M = b"[s]\nk = 1\nk = 2\n; k = 3\nk=4\n"

#: Content, options, the content afterwards (None: as it was), ``changed``, ``msg``.
CASES: list[tuple[bytes, Params, bytes | None, bool, str]] = [
    (b"", {"section": "s", "option": "k", "values": ["1"]}, b"\n[s]\nk = 1\n", True, "section and option added"),
    (b"", {"option": "k", "values": ["1"]}, b"k = 1\n\n", True, "option added"),
    (
        S,
        {"section": "s", "option": "k", "values": ["1"]},
        b"# top\n[s]\nk = 1\nj=2\n\n# about t\n[t]\nk = 3\n",
        True,
        "option changed",
    ),
    (
        S,
        {"section": "s", "option": "k", "values": ["9"]},
        b"# top\n[s]\nk = 9\nj=2\n\n# about t\n[t]\nk = 3\n",
        True,
        "option changed",
    ),
    (
        S,
        {"section": "t", "option": "n", "values": ["9"]},
        b"# top\n[s]\nk = 1\n#k = 0\nj=2\n\n# about t\n[t]\nk = 3\nn = 9\n",
        True,
        "option added",
    ),
    (
        S,
        {"section": "s", "option": "n", "values": ["9"]},
        b"# top\n[s]\nk = 1\n#k = 0\nj=2\nn = 9\n\n# about t\n[t]\nk = 3\n",
        True,
        "option added",
    ),
    (
        S,
        {"section": "new", "option": "n", "values": ["9"]},
        b"# top\n[s]\nk = 1\n#k = 0\nj=2\n\n# about t\n[t]\nk = 3\n[new]\nn = 9\n",
        True,
        "section and option added",
    ),
    (
        S,
        {"section": " s ", "option": "k", "values": ["9"]},
        b"# top\n[s]\nk = 9\nj=2\n\n# about t\n[t]\nk = 3\n",
        True,
        "option changed",
    ),
    (
        S,
        {"option": "top", "values": ["1"]},
        b"top = 1\n[s]\nk = 1\n#k = 0\nj=2\n\n# about t\n[t]\nk = 3\n",
        True,
        "option changed",
    ),
    (
        S,
        {"section": "s", "option": "j", "values": ["2"]},
        b"# top\n[s]\nk = 1\n#k = 0\nj = 2\n\n# about t\n[t]\nk = 3\n",
        True,
        "option changed",
    ),
    (S, {"section": "s", "option": "j", "values": ["2"], "ignore_spaces": True}, None, False, "OK"),
    (S, {"section": "s", "option": "j", "values": ["2"], "no_extra_spaces": True}, None, False, "OK"),
    (
        S,
        {"section": "s", "option": "k", "values": ["9"], "no_extra_spaces": True},
        b"# top\n[s]\nk=9\nj=2\n\n# about t\n[t]\nk = 3\n",
        True,
        "option changed",
    ),
    (
        b"# top\n[s]\n#k = 0\nj=2\n\n# about t\n[t]\nk = 3\n",
        {"section": "s", "option": "k", "values": ["5"]},
        b"# top\n[s]\nk = 5\nj=2\n\n# about t\n[t]\nk = 3\n",
        True,
        "option changed",
    ),
    (
        b"# top\n[s]\n#k = 0\nj=2\n\n# about t\n[t]\nk = 3\n",
        {"section": "s", "option": "k", "values": ["5"], "modify_inactive_option": False},
        b"# top\n[s]\n#k = 0\nj=2\nk = 5\n\n# about t\n[t]\nk = 3\n",
        True,
        "option added",
    ),
    (
        S,
        {"section": "s", "option": "k", "state": "absent"},
        b"# top\n[s]\n#k = 0\nj=2\n\n# about t\n[t]\nk = 3\n",
        True,
        "option changed",
    ),
    (S, {"section": "s", "state": "absent"}, b"# top\n[t]\nk = 3\n", True, "section removed"),
    (S, {"section": "zz", "state": "absent"}, None, False, "OK"),
    (
        S,
        {"section": "s", "option": "k", "values": ["1"], "state": "absent", "exclusive": False},
        b"# top\n[s]\n#k = 0\nj=2\n\n# about t\n[t]\nk = 3\n",
        True,
        "option changed",
    ),
    (S, {"section": "s", "option": "k", "values": ["7"], "state": "absent", "exclusive": False}, None, False, "OK"),
    (
        S,
        {"section": "s", "option": "flag", "allow_no_value": True},
        b"# top\n[s]\nk = 1\n#k = 0\nj=2\nflag\n\n# about t\n[t]\nk = 3\n",
        True,
        "option added",
    ),
    (
        S,
        {"section": "s", "option": "k", "allow_no_value": True},
        b"# top\n[s]\nk\n#k = 0\nj=2\n\n# about t\n[t]\nk = 3\n",
        True,
        "option changed",
    ),
    (
        S,
        {"section": "new", "allow_no_value": True},
        b"# top\n[s]\nk = 1\n#k = 0\nj=2\n\n# about t\n[t]\nk = 3\n[new]\n",
        True,
        "only section added",
    ),
    (
        S,
        {"section": "new", "option": "flag", "allow_no_value": True},
        b"# top\n[s]\nk = 1\n#k = 0\nj=2\n\n# about t\n[t]\nk = 3\n[new]\nflag\n",
        True,
        "section and option added",
    ),
    (M, {"section": "s", "option": "k", "values": ["1"]}, b"[s]\nk = 1\n", True, "option changed"),
    (M, {"section": "s", "option": "k", "values": ["2", "5"]}, b"[s]\nk = 5\nk = 2\n", True, "option changed"),
    (
        M,
        {"section": "s", "option": "k", "values": ["2", "5", "6", "7", "8"]},
        b"[s]\nk = 5\nk = 2\nk = 6\nk = 7\nk = 8\n",
        True,
        "option added",
    ),
    (
        M,
        {"section": "s", "option": "k", "values": ["5"], "exclusive": False},
        b"[s]\nk = 1\nk = 2\n; k = 3\nk=4\nk = 5\n",
        True,
        "option added",
    ),
    (
        M,
        {"section": "s", "option": "k", "values": ["2", "4"], "exclusive": False},
        b"[s]\nk = 1\nk = 2\n; k = 3\nk = 4\n",
        True,
        "option changed",
    ),
    (
        R,
        {"section": "s", "option": "k", "values": ["9"], "section_has_values": [{"option": "id", "values": ["b"]}]},
        b"[s]\nid = a\nk = 1\n[s]\nid = b\nk = 9\n[x]\n",
        True,
        "option changed",
    ),
    (
        R,
        {"section": "s", "option": "k", "values": ["9"], "section_has_values": [{"option": "id", "values": ["c"]}]},
        b"[s]\nid = a\nk = 1\n[s]\nid = b\nk = 2\n[x]\n[s]\nid = c\nk = 9\n",
        True,
        "section and option added",
    ),
    (
        R,
        {"section": "s", "state": "absent", "section_has_values": [{"option": "id", "values": ["b"]}]},
        b"[s]\nid = a\nk = 1\n[x]\n",
        True,
        "section removed",
    ),
    (
        R,
        {
            "section": "s",
            "option": "id",
            "values": ["d"],
            "exclusive": False,
            "section_has_values": [{"option": "id", "values": ["e"]}],
        },
        b"[s]\nid = a\nk = 1\n[s]\nid = b\nk = 2\n[x]\n[s]\nid = d\nid = e\n",
        True,
        "section and option added",
    ),
    (b"[s]\nk = 1", {"section": "s", "option": "k", "values": ["1"]}, b"[s]\nk = 1\n", True, "OK"),
    (b"[s]\r\nk = 1\r\n", {"section": "s", "option": "k", "values": ["1"]}, None, False, "OK"),
    (b"[s]\r\nk = 1\r\n", {"section": "s", "option": "k", "values": ["2"]}, b"[s]\nk = 2\n", True, "option changed"),
    (
        b"\xef\xbb\xbf[s]\nk = 1\n",
        {"section": "s", "option": "k", "values": ["2"]},
        b"[s]\nk = 2\n",
        True,
        "option changed",
    ),
    (
        b"[\xc3\xa9]\n\xc3\xb6 = \xc3\xbc\n",
        {"section": "é", "option": "ö", "values": ["ß"]},
        b"[\xc3\xa9]\n\xc3\xb6 = \xc3\x9f\n",
        True,
        "option changed",
    ),
    (b"a = 1\n[s]\nk = 1\n", {"state": "absent"}, b"k = 1\n", True, "section removed"),
    (b"[s]\nk = 1  \n", {"section": "s", "option": "k", "values": ["1"]}, b"[s]\nk = 1\n", True, "option changed"),
    (
        b"[s]\nk.a = 1\nkxa = 2\n",
        {"section": "s", "option": "k.a", "values": ["3"]},
        b"[s]\nk.a = 3\nkxa = 2\n",
        True,
        "option changed",
    ),
]


def ini_edit(params: Params) -> IniEdit:
    """The edit for the module's options."""
    fields = {**params, "values": tuple(params.get("values", ()))}
    conditions = params.get("section_has_values")
    if conditions is not None:
        fields["section_has_values"] = tuple(SectionHas(c["option"], tuple(c.get("values", ()))) for c in conditions)
    return IniEdit(**fields)


@pytest.mark.parametrize(("before", "params", "after", "changed", "message"), CASES)
def test_case(before: bytes, params: Params, after: bytes | None, changed: bool, message: str) -> None:
    edited = edit_ini(before, ini_edit(params))
    assert edited.content == (before if after is None else after)
    assert (edited.changed, edited.message) == (changed, message)


def test_bytes_that_are_no_utf8() -> None:
    edit = IniEdit("s", "k", ("2",))
    with pytest.raises(GuestError, match="not UTF-8"):
        edit_ini(b"[s]\nk = \xff\n", edit)
    assert edit_ini(b"[s]\nj=\xff\n", edit, strict=False).content == b"[s]\nj=\xff\nk = 2\n"


def test_a_value_without_an_option() -> None:
    with pytest.raises(OptionError, match="needs an option"):
        edit_ini(b"[s]\nk = 1\n", IniEdit("s", None, ("2",)))


def test_choosing_among_sections_without_a_name() -> None:
    with pytest.raises(OptionError, match="needs the section's name"):
        edit_ini(b"k = 1\n", IniEdit(None, "k", ("2",), section_has_values=(SectionHas("j"),)))
