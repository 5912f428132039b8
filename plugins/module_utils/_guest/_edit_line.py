# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""Edits of one line, as ansible.builtin.lineinfile makes them, byte for byte."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from .._errors import OptionError
from ._edited import Edited, compiled, encoded, exclusive, needed, wrong_pattern

_EOL = b"\n"
_ENDS = b"\r\n"
#: The warning about an edit that matches every line.
EMPTY_PATTERN = "an empty pattern matches every line. Use '^' if that is what you want."


@dataclasses.dataclass(frozen=True)
class LineEdit:
    """The options of lineinfile. With ``state=present``, ``line`` is needed; with ``backrefs``, ``regexp`` is."""

    line: str | None = None
    regexp: str | None = None
    search_string: str | None = None
    state: t.Literal["present", "absent"] = "present"
    backrefs: bool = False
    insertafter: str | None = None
    insertbefore: str | None = None
    firstmatch: bool = False

    @property
    def matches_every_line(self) -> bool:
        """Whether the pattern is empty, which few mean."""
        return "" in (self.regexp, self.search_string)


@dataclasses.dataclass(frozen=True)
class _Places:
    """Where in the lines something was found; -1 is nowhere.

    :param line: the line to replace.
    :param match: the regular expression's match there; None where the place was found otherwise.
    :param insert: the index to insert a new line at.
    """

    line: int = -1
    match: re.Match[bytes] | None = None
    insert: int = -1


def line_edit(given: dict[str, t.Any]) -> LineEdit:
    """Return the edit of lineinfile's options, which lack what is None.

    :raises OptionError: a key is missing, or keys exclude each other.
    """
    exclusive(given, "insertbefore", "insertafter")
    exclusive(given, "regexp", "search_string")
    if given.get("backrefs"):
        exclusive(given, "backrefs", "search_string")
    if given.get("state") == "absent":
        if not {"line", "regexp", "search_string"} & given.keys():
            raise OptionError("One of 'line', 'regexp' and 'search_string' must say which lines to remove.")
    else:
        needed(given, "line", "it is the line to write")
        if given.get("backrefs"):
            needed(given, "regexp", "'backrefs' refers to its groups")
    return LineEdit(**given)


def edit_line(content: bytes, edit: LineEdit, *, mark: bytes = b"") -> Edited:
    """Apply one edit.

    :param mark: a byte that, like CR, is no part of a line where it stands before the line's end.
    :raises OptionError: a wrong regular expression, or a wrong back reference.
    """
    lines = content.split(_EOL)
    lines = [part + _EOL for part in lines[:-1]] + ([lines[-1]] if lines[-1] else [])
    ends = _ENDS + mark
    return _absent(lines, edit, ends) if edit.state == "absent" else _present(lines, edit, ends)


def _absent(lines: list[bytes], edit: LineEdit, ends: bytes) -> Edited:
    matches = _matcher(edit)
    if matches is None:
        exact = encoded(edit.line or "")
        kept = [line for line in lines if line.rstrip(ends) != exact]
    else:
        kept = [line for line in lines if not matches(line)]
    found = len(lines) - len(kept)
    return Edited(b"".join(kept), found > 0, f"{found} line(s) removed" if found else "", found)


def _matcher(edit: LineEdit) -> t.Callable[[bytes], t.Any] | None:
    if edit.regexp is not None:
        return compiled("regexp", edit.regexp).search
    if edit.search_string is not None:
        wanted = encoded(edit.search_string)
        return lambda line: wanted in line
    return None


def _present(lines: list[bytes], edit: LineEdit, ends: bytes) -> Edited:
    line = encoded(edit.line or "")
    places = _find(lines, line, edit, ends)
    if places.line >= 0:
        return _replaced(lines, places, line, edit)
    if edit.backrefs:  # without a match there is nothing to refer to
        return Edited(b"".join(lines), False, "")
    return _inserted(lines, places.insert, line, edit, ends)


def _find(lines: list[bytes], line: bytes, edit: LineEdit, ends: bytes) -> _Places:
    beside, matches = _beside(edit), _matcher(edit)
    found = _Places()
    for index, current in enumerate(lines if matches else ()):
        match = matches(current) if matches else None
        if match:
            found = _Places(index, match if isinstance(match, re.Match) else None)
            if edit.firstmatch:
                break
    return found if found.line >= 0 else _find_insertion(lines, line, edit, beside, ends)


def _find_insertion(
    lines: list[bytes], line: bytes, edit: LineEdit, beside: re.Pattern[bytes] | None, ends: bytes
) -> _Places:
    """Look for the line itself and for the place beside which to put it, in one pass that ``firstmatch`` ends."""
    exact = insert = -1
    for index, current in enumerate(lines):
        if current.rstrip(ends) == line:
            exact = index
        elif beside is not None and beside.search(current):
            insert = index if edit.insertbefore else index + 1
            if edit.firstmatch:
                break
    return _Places(exact, None, insert)


def _beside(edit: LineEdit) -> re.Pattern[bytes] | None:
    """An empty pattern is valid but finds nothing, as in lineinfile."""
    after = compiled("insertafter", edit.insertafter) if edit.insertafter not in (None, "BOF", "EOF") else None
    before = compiled("insertbefore", edit.insertbefore) if edit.insertbefore not in (None, "BOF") else None
    return (after if edit.insertafter else None) or (before if edit.insertbefore else None)


def _replaced(lines: list[bytes], places: _Places, line: bytes, edit: LineEdit) -> Edited:
    new = line
    if edit.backrefs and places.match is not None:
        try:
            new = places.match.expand(line)
        except (re.error, IndexError) as exc:
            raise wrong_pattern("line", edit.line or "", exc) from exc
    if not new.endswith(_EOL):
        new += _EOL
    if lines[places.line] == new:
        return Edited(b"".join(lines), False, "")
    lines[places.line] = new
    return Edited(b"".join(lines), True, "line replaced")


def _inserted(lines: list[bytes], insert: int, line: bytes, edit: LineEdit, ends: bytes) -> Edited:
    if "BOF" in (edit.insertbefore, edit.insertafter):
        lines.insert(0, line + _EOL)
    elif insert < 0:
        if lines and lines[-1][-1:] not in (b"\n", b"\r"):
            lines.append(_EOL)
        lines.append(line + _EOL)
    elif edit.insertafter and _is_there(lines, insert, line, ends):
        return Edited(b"".join(lines), False, "")
    else:
        lines.insert(insert, line + _EOL)
    return Edited(b"".join(lines), True, "line added")


def _is_there(lines: list[bytes], insert: int, line: bytes, ends: bytes) -> bool:
    """After the last line it is that line that is compared, otherwise the one that would follow the new one."""
    return lines[min(insert, len(lines) - 1)].rstrip(ends) == line
