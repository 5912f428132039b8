# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""The option ``edits`` of the module edit: a list of dictionaries, made into edits."""

from __future__ import annotations

import typing as t

from .._errors import OptionError
from ._augeas import AugeasEdit
from ._edit_block import BlockEdit
from ._edit_line import line_edit
from ._edit_replace import ReplaceEdit
from ._edited import exclusive, given_only, needed
from ._edits import Edit, numbered
from ._ini import IniEdit, section_has

AnyEdit = t.Union[Edit, AugeasEdit]
Options = t.Mapping[str, t.Any]

_KEYS = {
    "line": {"line", "regexp", "search_string", "state", "backrefs", "insertafter", "insertbefore", "firstmatch"},
    "block": {"block", "marker", "marker_begin", "marker_end", "state", "insertafter", "insertbefore"}
    | {"append_newline", "prepend_newline"},
    "replace": {"replace", "regexp", "after", "before"},
    "ini": {"ini"},
    "augeas": {"augeas"},
}
# A kind is known by the keys that no other kind has; regexp alone, to remove lines, is a line edit.
_TELLING = {
    "block": {"block", "marker", "marker_begin", "marker_end", "append_newline", "prepend_newline"},
    "replace": {"replace", "after", "before"},
    "ini": {"ini"},
    "augeas": {"augeas"},
    "line": {"line", "search_string", "backrefs", "firstmatch", "regexp"},
}


def parse_edits(items: t.Sequence[Options]) -> tuple[AnyEdit, ...]:
    """Return the edits.

    :param items: as Ansible's argument spec leaves them: types and choices checked, missing keys present as None.
    :raises OptionError: an edit is of no kind or of two, a key is missing, or keys exclude each other. The message
        names the number of the edit, from 0, and the keys.
    """
    edits = []
    for index, item in enumerate(items):
        with numbered(index):
            edits.append(_parse(given_only(item)))
    return tuple(edits)


def removes_only(edit: AnyEdit) -> bool:
    """Whether the edit can do nothing to a file that is not there."""
    return isinstance(edit, ReplaceEdit) or edit.state == "absent"


def _parse(given: dict[str, t.Any]) -> AnyEdit:
    kind = _kind(given)
    extra = sorted(given.keys() - _KEYS[kind])
    if extra:
        raise OptionError(f"'{extra[0]}' does not belong to an edit with '{_telling(given, kind)}'.")
    return _PARSERS[kind](given)


def _kind(given: dict[str, t.Any]) -> str:
    for kind, telling in _TELLING.items():
        if telling & given.keys():
            return kind
    raise OptionError("It has none of 'line', 'block', 'replace', 'ini' and 'augeas'.")


def _telling(given: dict[str, t.Any], kind: str) -> str:
    return sorted(_TELLING[kind] & given.keys())[0]


def _block(given: dict[str, t.Any]) -> BlockEdit:
    exclusive(given, "insertbefore", "insertafter")
    if given.get("state") != "absent":
        needed(given, "block", "it is the text to write")
    return BlockEdit(**given)


def _replace(given: dict[str, t.Any]) -> ReplaceEdit:
    needed(given, "regexp", "it says what to replace")
    return ReplaceEdit(**given)


def _ini(given: dict[str, t.Any]) -> IniEdit:
    ini = given_only(given["ini"])
    exclusive(ini, "value", "values")
    values = tuple([ini.pop("value")] if "value" in ini else ini.pop("values", ()))
    conditions = ini.pop("section_has_values", None)
    if ini.get("state") == "absent":
        if not (ini.get("option") or ini.get("section")):
            raise OptionError("ini: 'option' or 'section' must say what to remove.")
    elif not ini.get("option"):
        needed(ini, "section", "without 'option' it is the section to add")
        if values:
            raise OptionError("ini: a value needs 'option'.")
        ini["allow_no_value"] = True  # the section alone
    elif not values and not ini.get("allow_no_value"):
        raise OptionError("ini: one of 'value', 'values' and 'allow_no_value' is missing.")
    if conditions is not None:
        needed(ini, "section", "'section_has_values' chooses among sections of one name")
        ini["section_has_values"] = tuple(section_has(condition) for condition in conditions)
    return IniEdit(values=values, **ini)


def _augeas(given: dict[str, t.Any]) -> AugeasEdit:
    augeas = given_only(given["augeas"])
    if augeas.get("state") == "absent":
        exclusive({**augeas, "state: absent": True}, "value", "state: absent")
    else:
        needed(augeas, "value", "it is what the node gets")
    return AugeasEdit(**augeas)


_PARSERS: dict[str, t.Callable[[dict[str, t.Any]], AnyEdit]] = {
    "line": line_edit,
    "block": _block,
    "replace": _replace,
    "ini": _ini,
    "augeas": _augeas,
}
