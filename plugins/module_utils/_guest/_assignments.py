# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""``KEY=value`` lines as a shell reads them: /etc/default/*, /etc/sysconfig/*, locale.conf and their like.

Nothing is expanded and nothing is run. A change touches the value of one assignment and no other byte: comments,
blanks, ``export``, the kind of quotes, continued lines and line ends stay. systemd reads such files by about the same
rules (locale.conf(5)).
"""

from __future__ import annotations

import dataclasses
import re
import typing as t

# A word of sh(1): pieces that are bare, escaped, or quoted, a quoted one perhaps over several lines. No two of the
# alternatives begin alike, so that what matches is found in one pass whatever the guest has put there.
_WORD = r"""(?:[^\s"'\\;&|<>()]|\\(?:.|\n)|"(?:[^"\\]|\\(?:.|\n))*"|'[^']*')*"""
_ASSIGNMENT = re.compile(
    rf"^[ \t]*(?:export[ \t]+)?(?P<key>[A-Za-z_][A-Za-z0-9_]*)(?P<operator>\+?=)(?P<value>{_WORD})", re.MULTILINE
)
_PIECE = re.compile(
    r"""(?P<bare>[^"'\\]+)|\\(?P<escaped>.|\n)|"(?P<double>(?:[^"\\]|\\(?:.|\n))*)"|'(?P<single>[^']*)'"""
)
_SAFE = re.compile(r"[A-Za-z0-9_.,:/@%+=-]*")


@dataclasses.dataclass(frozen=True)
class Assignment:
    """One assignment in a text.

    :param raw: the value as it is written, quotes and all.
    :param start: where ``raw`` begins in the text.
    :param appends: it is ``KEY+=``.
    """

    key: str
    raw: str
    start: int
    appends: bool = False

    @property
    def end(self) -> int:
        """Where ``raw`` ends in the text."""
        return self.start + len(self.raw)

    @property
    def value(self) -> str:
        """The value without its quotes."""
        return unquoted(self.raw)


def decoded(content: bytes) -> str:
    """Return text from which :func:`encoded` makes the same bytes."""
    return content.decode("utf-8", "surrogateescape")


def encoded(text: str) -> bytes:
    """Return the bytes of a text."""
    return text.encode("utf-8", "surrogateescape")


def find_assignments(text: str, *keys: str) -> list[Assignment]:
    """Return the assignments in their order, of these keys only if any are given."""
    return [
        Assignment(match["key"], match["value"], match.start("value"), match["operator"] == "+=")
        for match in _ASSIGNMENT.finditer(text)
        if not keys or match["key"] in keys
    ]


def get_value(content: bytes, key: str) -> str | None:
    """Return the value of the last assignment of ``key``, which is the one that counts; None where there is none."""
    found = find_assignments(decoded(content), key)
    return found[-1].value if found else None


def set_value(content: bytes, key: str, value: str, *, quotes: bool = False, export: bool = False) -> bytes:
    """Return the content with ``key`` having that value; the same bytes where it has.

    :param quotes: put a new assignment in double quotes even where it needs none.
    :param export: write ``export`` before a new assignment.
    """
    text = decoded(content)
    found = find_assignments(text, key)
    if not found:
        word = quoted(value, '"' if quotes else "")
        return encoded(_with_line(text, f"{'export ' if export else ''}{key}={word}"))
    last = found[-1]
    if last.value == value and not last.appends:
        return content
    return encoded(text[: last.start] + quoted(value, last.raw[:1]) + text[last.end :])


def remove_key(content: bytes, key: str) -> bytes:
    """Return the content without the lines that assign ``key``."""
    text = decoded(content)
    for found in reversed(find_assignments(text, key)):
        begin = text.rfind("\n", 0, found.start) + 1
        end = text.find("\n", found.end) + 1 or len(text)
        text = text[:begin] + text[end:]
    return encoded(text)


def unquoted(raw: str) -> str:
    """Take quotes and backslashes off a word, as sh(1) does after its expansions, of which none is made."""
    parts = []
    for piece in _PIECE.finditer(raw):
        if piece["double"] is not None:
            parts.append(re.sub(r'\\([$`"\\])', r"\1", piece["double"].replace("\\\n", "")))
        elif piece["escaped"] is not None:
            parts.append("" if piece["escaped"] == "\n" else piece["escaped"])
        else:
            parts.append(piece["bare"] or piece["single"] or "")
    return "".join(parts)


def quoted(value: str, style: str) -> str:
    """Write a value as a word.

    :param style: the quotes to use if they will do; others are used only where they are needed.
    """
    if style == "'" and "'" not in value:
        return f"'{value}'"
    if style not in ("'", '"') and _SAFE.fullmatch(value):
        return value
    return '"' + re.sub(r'([$`"\\])', r"\\\1", value) + '"'


def _with_line(text: str, line: str) -> str:
    end = "\r\n" if text.count("\r\n") * 2 > text.count("\n") else "\n"
    return text + ("" if not text or text.endswith("\n") else end) + line + end


def edit_values(content: bytes, keys: t.Sequence[str], change: t.Callable[[list[Assignment]], list[str]]) -> bytes:
    """Return the content with the raw values of some keys changed by a pure function, which returns them all."""
    text = decoded(content)
    found = find_assignments(text, *keys)
    for assignment, raw in reversed(list(zip(found, change(found)))):
        text = text[: assignment.start] + raw + text[assignment.end :]
    return encoded(text)
