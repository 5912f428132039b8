# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""Edits of INI-style files, as community.general.ini_file makes them, byte for byte.

The reference is ini_file of community.general 11.4, some of whose outcomes surprise; each is marked here.
"""

from __future__ import annotations

import dataclasses
import re
import typing as t

from .._errors import GuestError, OptionError
from ._edited import Edited, encoded, exclusive, given_only

_BLANK_OR_COMMENT = re.compile(r"[ \t]*([#;].*)?$")
# Stands for the lines above the first section, which have no header.
_TOP = "[]"
_END = "["


@dataclasses.dataclass(frozen=True)
class SectionHas:
    """Selects, among sections of one name, the one with this option and, where there are ``values``, one of them."""

    option: str
    values: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class IniEdit:
    """The options of ini_file; ``value`` is ``values`` with one element."""

    section: str | None = None
    option: str | None = None
    values: tuple[str, ...] = ()
    state: t.Literal["present", "absent"] = "present"
    exclusive: bool = True
    allow_no_value: bool = False
    no_extra_spaces: bool = False
    ignore_spaces: bool = False
    modify_inactive_option: bool = True
    section_has_values: tuple[SectionHas, ...] | None = None

    def assignment(self, option: str, value: str) -> str:
        """The line that gives ``option`` its ``value``."""
        return f"{option}={value}\n" if self.no_extra_spaces else f"{option} = {value}\n"


@dataclasses.dataclass(frozen=True)
class _Found:
    """An option in a line: whether it is commented out, and its value."""

    commented: bool
    value: str


def edit_ini(content: bytes, edit: IniEdit, *, strict: bool = True) -> Edited:
    """Apply one edit.

    :param strict: as ini_file: the content is UTF-8, its byte order mark goes, every kind of line end becomes LF.
        Otherwise all bytes survive, and no empty line is put at the top of a new file.
    :raises GuestError: not UTF-8, where that is asked for. :raises OptionError: a value without an option.
    """
    text, mark = _decoded(content, strict)
    lines = re.findall(r"[^\n]*\n|[^\n]+", text)
    # Of nothing ini_file makes an empty line first.
    editor = _Editor(lines or (["\n"] if strict else []), edit)
    result = editor.run()
    if not editor.changed:
        return Edited(content, False, editor.message)
    return Edited(mark + encoded("".join(result)), True, editor.message)


def _decoded(content: bytes, strict: bool) -> tuple[str, bytes]:
    if not strict:
        mark = b"\xef\xbb\xbf" if content.startswith(b"\xef\xbb\xbf") else b""
        return content[len(mark) :].decode("utf-8", "surrogateescape"), mark
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        raise GuestError(f"The file is not UTF-8 (byte {exc.start}).") from exc
    return text.replace("\r\n", "\n").replace("\r", "\n"), b""


class _Editor:
    """The lines between two edits; ``changed`` and ``message`` are what ini_file would report."""

    def __init__(self, lines: list[str], edit: IniEdit) -> None:
        self._edit = edit
        self._values = list(dict.fromkeys(edit.values))
        self._done: set[int] = set()
        self._bare_is_there = False
        self._section: list[str] = []
        self.message = "OK"
        # A missing last line end is added, and reported, even where nothing else changes.
        self.changed = bool(lines) and not lines[-1].endswith("\n")
        self._lines = [*lines[:-1], lines[-1] + "\n"] if self.changed else lines

    def run(self) -> list[str]:
        """Return the lines after the edit."""
        lines = [_TOP, *self._lines, _END]
        span = self._find(lines)
        start, end = span or (0, 0)
        self._section = lines[start:end]
        self._edit_section()
        # The first and the last are ours; where the whole top went with its stand-in, ini_file takes a line too many.
        result = (lines[:start] + self._section + lines[end:])[1:-1]
        if span is None and self._edit.state == "present":
            result += self._new_section()
        return result

    # Finding

    def _find(self, lines: list[str]) -> tuple[int, int] | None:
        start = None
        for index, line in enumerate(lines):
            if start is not None and index and line.startswith("["):
                if self._has_values(lines[start:index]):
                    return start, index
                start = None
            if self._is_header(line, index):
                start = index
        return None

    def _is_header(self, line: str, index: int) -> bool:
        if not self._edit.section:
            return index == 0
        name = re.escape(self._edit.section.strip())
        return index > 0 and re.match(rf"\[\s*{name}\s*]", line) is not None

    def _has_values(self, section: list[str]) -> bool:
        return all(
            any(
                found is not None and (not wanted.values or found.value in wanted.values)
                for found in (_find_option(wanted.option, line) for line in section)
            )
            for wanted in self._edit.section_has_values or ()
        )

    def _match(self, line: str) -> _Found | None:
        return _find_option(t.cast(str, self._edit.option), line, inactive=self._edit.modify_inactive_option)

    # Editing the section that was found; its first line is its header

    def _edit_section(self) -> None:
        edit = self._edit
        if edit.state == "absent":
            self._remove()
            return
        if edit.option:
            self._update_same_values()
        if edit.exclusive and not edit.allow_no_value and self._section:
            if edit.option is None:
                raise OptionError("A value needs an option to set it for.")
            self._update_other_values()
            self._remove_others()
        if edit.option:
            self._insert(edit.option)

    def _update_same_values(self) -> None:
        option = t.cast(str, self._edit.option)
        for index, line in enumerate(self._section):
            found = self._match(line)
            if found is None:
                continue
            if found.value in self._values:
                bare = not found.value and self._edit.allow_no_value
                self._update(index, f"{option}\n" if bare else self._edit.assignment(option, found.value))
                self._values.remove(found.value)
                self._bare_is_there |= bare
            elif not self._values and self._edit.allow_no_value:
                self._update(index, f"{option}\n")
                self._bare_is_there = True
                break

    def _update_other_values(self) -> None:
        for index, line in enumerate(self._section):
            if not self._values:
                break
            if index not in self._done and self._match(line):
                self._update(index, self._edit.assignment(t.cast(str, self._edit.option), self._values.pop(0)))

    def _update(self, index: int, new: str) -> None:
        old = self._section[index]
        self._done.add(index)
        if old == new or (self._edit.ignore_spaces and self._same_value(old, new)):
            return
        self._section[index] = new
        self._report("option changed")

    def _same_value(self, old: str, new: str) -> bool:
        option = t.cast(str, self._edit.option)
        before, after = _find_option(option, old), _find_option(option, new)
        return before is not None and after is not None and not before.commented and before.value == after.value

    def _remove_others(self) -> None:
        others = [index for index in range(1, len(self._section)) if index not in self._done]
        others = [index for index in others if self._match(self._section[index])]
        for index in reversed(others):
            del self._section[index]
            self._report("option changed")

    def _insert(self, option: str) -> None:
        """Add what is missing after the section's last line that is neither blank nor a comment."""
        if self._values:
            new = [self._edit.assignment(option, value) for value in self._values]
        elif self._edit.allow_no_value and not self._bare_is_there:
            new = [f"{option}\n"]
        else:
            return
        used = [index for index, line in enumerate(self._section) if not _BLANK_OR_COMMENT.match(line)]
        if used:
            self._section[used[-1] + 1 : used[-1] + 1] = new
            self._report("option added")

    def _remove(self) -> None:
        edit = self._edit
        if not edit.option:
            if self._section:
                self._section = []
                self._report("section removed")
            return
        kept = [line for line in self._section if not self._is_unwanted(line)]
        if kept != self._section:
            self._section = kept
            self._report("option changed")

    def _is_unwanted(self, line: str) -> bool:
        found = _find_option(t.cast(str, self._edit.option), line, inactive=False)
        return found is not None and (self._edit.exclusive or found.value in self._values)

    def _new_section(self) -> list[str]:
        edit = self._edit
        if not edit.section:
            raise OptionError("section_has_values needs the section's name.")
        values = list(self._values)
        lines = [f"[{edit.section}]\n"]
        for wanted in edit.section_has_values or ():
            if wanted.option != edit.option:
                lines += [edit.assignment(wanted.option, value) for value in wanted.values]
                lines += [f"{wanted.option}\n"] if not wanted.values and edit.allow_no_value else []
            elif not edit.exclusive:
                values = list(dict.fromkeys([*values, *wanted.values]))
        if edit.option and values:
            lines += [edit.assignment(edit.option, value) for value in values]
        elif edit.option and edit.allow_no_value:
            lines.append(f"{edit.option}\n")
        has_option = edit.option and (values or edit.allow_no_value)
        self._report("section and option added" if has_option else "only section added")
        return lines

    def _report(self, message: str) -> None:
        self.changed = True
        self.message = message


def _find_option(option: str, line: str, *, inactive: bool = True) -> _Found | None:
    comment = "[#;]?" if inactive else ""
    match = re.match(rf"[ \t]*({comment})[ \t]*{re.escape(option)}[ \t]*(?:=|$)[ \t]*(.*)", line)
    return _Found(bool(match.group(1)), match.group(2)) if match else None


def section_has(item: t.Mapping[str, t.Any]) -> SectionHas:
    """Return one element of ``section_has_values``.

    :raises OptionError: it has both ``value`` and ``values``.
    """
    given = given_only(item)
    exclusive(given, "value", "values")
    return SectionHas(given["option"], tuple([given["value"]] if "value" in given else given.get("values", ())))
