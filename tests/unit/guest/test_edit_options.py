# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.offline.guest.plugins.module_utils._errors import OptionError
from ansible_collections.offline.guest.plugins.module_utils._guest._augeas import AugeasEdit
from ansible_collections.offline.guest.plugins.module_utils._guest._edit_block import BlockEdit
from ansible_collections.offline.guest.plugins.module_utils._guest._edit_line import LineEdit
from ansible_collections.offline.guest.plugins.module_utils._guest._edit_options import AnyEdit, parse_edits
from ansible_collections.offline.guest.plugins.module_utils._guest._edit_replace import ReplaceEdit
from ansible_collections.offline.guest.plugins.module_utils._guest._ini import IniEdit, SectionHas

Item = dict[str, t.Any]


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        ({"line": "a"}, LineEdit("a")),
        ({"line": "", "regexp": None}, LineEdit("")),
        ({"line": "a", "regexp": "^a", "backrefs": True}, LineEdit("a", "^a", backrefs=True)),
        ({"regexp": "^a", "state": "absent"}, LineEdit(regexp="^a", state="absent")),
        ({"search_string": "a", "state": "absent"}, LineEdit(search_string="a", state="absent")),
        ({"block": "x", "insertafter": "^a"}, BlockEdit("x", insertafter="^a")),
        ({"block": ""}, BlockEdit("")),
        ({"marker": "{mark}", "state": "absent"}, BlockEdit(marker="{mark}", state="absent")),
        ({"regexp": "a", "replace": "b"}, ReplaceEdit("a", "b")),
        ({"regexp": "a", "after": "x"}, ReplaceEdit("a", after="x")),
        ({"ini": {"section": "s", "option": "o", "value": "v"}}, IniEdit("s", "o", ("v",))),
        ({"ini": {"option": "o", "values": ["v", "w"]}}, IniEdit(None, "o", ("v", "w"))),
        ({"ini": {"section": "s"}}, IniEdit("s", allow_no_value=True)),
        ({"ini": {"section": "s", "state": "absent"}}, IniEdit("s", state="absent")),
        ({"ini": {"option": "o", "allow_no_value": True}}, IniEdit(None, "o", allow_no_value=True)),
        (
            {
                "ini": {
                    "section": "s",
                    "option": "o",
                    "value": "",
                    "section_has_values": [{"option": "a", "value": "b"}],
                }
            },
            IniEdit("s", "o", ("",), section_has_values=(SectionHas("a", ("b",)),)),
        ),
        ({"augeas": {"path": "a", "value": ""}}, AugeasEdit("a", "")),
        ({"augeas": {"path": "a", "state": "absent", "lens": "Sshd"}}, AugeasEdit("a", state="absent", lens="Sshd")),
    ],
)
def test_accepted(item: Item, expected: AnyEdit) -> None:
    assert parse_edits([item]) == (expected,)


@pytest.mark.parametrize(
    ("item", "words"),
    [
        ({}, "none of 'line', 'block', 'replace', 'ini' and 'augeas'"),
        ({"state": "absent"}, "none of"),
        ({"line": "a", "block": "b"}, "'line' does not belong to an edit with 'block'"),
        ({"line": "a", "replace": "b"}, "'line' does not belong to an edit with 'replace'"),
        ({"line": "a", "marker": "b"}, "'line' does not belong to an edit with 'marker'"),
        ({"ini": {}, "augeas": {}}, "'augeas' does not belong to an edit with 'ini'"),
        ({"ini": {}, "state": "absent"}, "'state' does not belong"),
        ({"line": "a", "insertafter": "x", "insertbefore": "y"}, "'insertbefore' and 'insertafter' exclude"),
        ({"line": "a", "regexp": "x", "search_string": "y"}, "'regexp' and 'search_string' exclude"),
        ({"line": "a", "backrefs": True}, "'regexp' is missing"),
        ({"regexp": "a"}, "'line' is missing"),
        ({"marker": "a"}, "'block' is missing"),
        ({"replace": "a"}, "'regexp' is missing"),
        ({"ini": {"option": "o"}}, "one of 'value', 'values' and 'allow_no_value'"),
        ({"ini": {"option": "o", "value": "a", "values": ["a"]}}, "'value' and 'values' exclude"),
        ({"ini": {"value": "a"}}, "'section' is missing"),
        ({"ini": {"section": "s", "value": "a"}}, "needs 'option'"),
        ({"ini": {"state": "absent"}}, "'option' or 'section'"),
        ({"ini": {"option": "o", "value": "v", "section_has_values": [{"option": "a"}]}}, "'section' is missing"),
        ({"augeas": {"path": "a"}}, "'value' is missing"),
        ({"augeas": {"path": "a", "value": "b", "state": "absent"}}, "exclude each other"),
    ],
)
def test_refused(item: Item, words: str) -> None:
    with pytest.raises(OptionError, match=rf"^edits\[1\]: .*{words}"):
        parse_edits([{"line": "fine"}, item])
