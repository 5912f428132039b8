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
from ._edit_line import LineEdit
from ._edit_replace import ReplaceEdit
from ._edits import Edit, numbered
from ._ini import IniEdit, SectionHas

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
            edits.append(_parse(_given(item)))
    return tuple(edits)


def removes_only(edit: AnyEdit) -> bool:
    """Whether the edit can do nothing to a file that is not there."""
    return isinstance(edit, ReplaceEdit) or edit.state == "absent"


def _given(item: Options) -> dict[str, t.Any]:
    return {key: value for key, value in item.items() if value is not None}


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


def _exclusive(given: Options, *keys: str) -> None:
    both = [key for key in keys if given.get(key) is not None]
    if len(both) > 1:
        raise OptionError(f"'{both[0]}' and '{both[1]}' exclude each other.")


def _needed(given: Options, key: str, why: str) -> None:
    if given.get(key) is None:
        raise OptionError(f"'{key}' is missing; {why}.")


def line_edit(given: dict[str, t.Any]) -> LineEdit:
    """Return the edit of lineinfile's options, which lack what is None.

    :raises OptionError: a key is missing, or keys exclude each other.
    """
    _exclusive(given, "insertbefore", "insertafter")
    _exclusive(given, "regexp", "search_string")
    if given.get("backrefs"):
        _exclusive(given, "backrefs", "search_string")
    if given.get("state") == "absent":
        if not {"line", "regexp", "search_string"} & given.keys():
            raise OptionError("One of 'line', 'regexp' and 'search_string' must say which lines to remove.")
    else:
        _needed(given, "line", "it is the line to write")
        if given.get("backrefs"):
            _needed(given, "regexp", "'backrefs' refers to its groups")
    return LineEdit(**given)


def _block(given: dict[str, t.Any]) -> BlockEdit:
    _exclusive(given, "insertbefore", "insertafter")
    if given.get("state") != "absent":
        _needed(given, "block", "it is the text to write")
    return BlockEdit(**given)


def _replace(given: dict[str, t.Any]) -> ReplaceEdit:
    _needed(given, "regexp", "it says what to replace")
    return ReplaceEdit(**given)


def _ini(given: dict[str, t.Any]) -> IniEdit:
    ini = _given(given["ini"])
    _exclusive(ini, "value", "values")
    values = tuple([ini.pop("value")] if "value" in ini else ini.pop("values", ()))
    conditions = ini.pop("section_has_values", None)
    if ini.get("state") == "absent":
        if not (ini.get("option") or ini.get("section")):
            raise OptionError("ini: 'option' or 'section' must say what to remove.")
    elif not ini.get("option"):
        _needed(ini, "section", "without 'option' it is the section to add")
        if values:
            raise OptionError("ini: a value needs 'option'.")
        ini["allow_no_value"] = True  # the section alone
    elif not values and not ini.get("allow_no_value"):
        raise OptionError("ini: one of 'value', 'values' and 'allow_no_value' is missing.")
    if conditions is not None:
        _needed(ini, "section", "'section_has_values' chooses among sections of one name")
        ini["section_has_values"] = tuple(section_has(condition) for condition in conditions)
    return IniEdit(values=values, **ini)


def section_has(item: Options) -> SectionHas:
    """Return one element of ``section_has_values``.

    :raises OptionError: it has both ``value`` and ``values``.
    """
    given = _given(item)
    _exclusive(given, "value", "values")
    return SectionHas(given["option"], tuple([given["value"]] if "value" in given else given.get("values", ())))


def _augeas(given: dict[str, t.Any]) -> AugeasEdit:
    augeas = _given(given["augeas"])
    if augeas.get("state") == "absent":
        _exclusive({**augeas, "state: absent": True}, "value", "state: absent")
    else:
        _needed(augeas, "value", "it is what the node gets")
    return AugeasEdit(**augeas)


_PARSERS: dict[str, t.Callable[[dict[str, t.Any]], AnyEdit]] = {
    "line": line_edit,
    "block": _block,
    "replace": _replace,
    "ini": _ini,
    "augeas": _augeas,
}
