# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""The kernel's command line in the defaults of GRUB, /etc/default/grub and what is sourced after it."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from .._errors import GuestError, printable
from ._assignments import Assignment, decoded, encoded, find_assignments, quoted
from ._cmdline import Wanted, edit_pieces, same, tokens

#: For all entries, and for all but those of the recovery mode (GRUB manual, "Simple configuration handling").
ALL = "GRUB_CMDLINE_LINUX"
NORMAL = "GRUB_CMDLINE_LINUX_DEFAULT"
_QUOTED = re.compile(r"""(?P<quote>["'])(?P<inner>.*)(?P=quote)""", re.DOTALL)
_KERNEL_LINE = re.compile(r"^[ \t]*(?:linux(?:16|efi)?|append|kernel)[ \t]+(.*)$", re.MULTILINE | re.IGNORECASE)


@dataclasses.dataclass(frozen=True)
class Piece:
    """One assignment of one of the variables, in one of the files.

    :param text: the value between its quotes, as it is written there.
    """

    path: str
    assignment: Assignment
    text: str

    def rewritten(self, text: str) -> str:
        """Return the raw value with another text between its quotes."""
        match = _QUOTED.fullmatch(self.assignment.raw)
        if match is not None:
            return f"{match['quote']}{text}{match['quote']}"
        return text if quoted(text, "") == text and text else f'"{text}"'


def edit_defaults(contents: t.Mapping[str, bytes], wanted: Wanted, keys: t.Sequence[str]) -> dict[str, bytes]:
    """Return the files changed as wanted.

    What is missing is added to the last assignment of the first of the keys, which is made in the first file if there
    is none. What a later assignment overrides does not count as being there.

    :param contents: by path, in the order in which they are sourced.
    :param keys: the variables that together are the command line.
    :raises GuestError: a value is written in a way that cannot be changed.
    """
    pieces = [piece for path, content in contents.items() for piece in _pieces(path, content, keys)]
    counts = [number for number in range(len(pieces)) if not _is_overridden(pieces, number)]
    target = [number for number in counts if pieces[number].assignment.key == keys[0]]
    texts = [piece.text for piece in pieces]
    live = [texts[number] for number in counts] + ([] if target else [""])
    changed = edit_pieces(live, wanted, add_to=counts.index(target[-1]) if target else len(live) - 1)
    after = {**dict(enumerate(texts)), **dict(zip(counts, changed))}
    result = _rewritten(contents, pieces, after)
    if not target and changed[-1]:
        first = next(iter(result))
        result[first] = _with_line(result[first], f'{keys[0]}="{changed[-1]}"')
    return result


def is_built(config: str | None, wanted: Wanted) -> bool:
    """Whether a boot loader's generated configuration has the command line as wanted already."""
    lines = [tokens(line) for line in _KERNEL_LINE.findall(config or "")]
    if not wanted.is_present:
        return not any(wanted.is_unwanted(token) for line in lines for token in line)
    return any(
        all(any(same(arg, token) for token in line) for arg in wanted.args)
        and not any(wanted.is_unwanted(token) for token in line)
        for line in lines
    )


def has_kernel_lines(config: str) -> bool:
    """Whether there are entries in a configuration, and not just a reference to another."""
    return _KERNEL_LINE.search(config) is not None


def _pieces(path: str, content: bytes, keys: t.Sequence[str]) -> t.Iterator[Piece]:
    for assignment in find_assignments(decoded(content), *keys):
        raw = assignment.raw
        match = _QUOTED.fullmatch(raw)
        inner = match["inner"] if match is not None else raw
        if match is None and re.search(r"""["'\\]""", raw) or match is not None and _has_quote(inner, match["quote"]):
            raise GuestError(
                f"The value of {assignment.key} in '{printable(path)}' of the guest is quoted in several parts.",
                hint="Put it into one pair of quotes.",
            )
        yield Piece(path, assignment, inner)


def _has_quote(inner: str, quote: str) -> bool:
    return quote in re.sub(r"\\.", "", inner, flags=re.DOTALL) if quote == '"' else quote in inner


def _is_overridden(pieces: t.Sequence[Piece], number: int) -> bool:
    key = pieces[number].assignment.key
    return any(
        piece.assignment.key == key
        and not piece.assignment.appends
        and not re.search(rf"\${{?{key}(?![A-Za-z0-9_])", piece.text)
        for piece in pieces[number + 1 :]
    )


def _rewritten(
    contents: t.Mapping[str, bytes], pieces: t.Sequence[Piece], after: t.Mapping[int, str]
) -> dict[str, bytes]:
    result = {path: decoded(content) for path, content in contents.items()}
    for number in reversed(range(len(pieces))):
        piece = pieces[number]
        if after[number] != piece.text:
            text, place = result[piece.path], piece.assignment
            result[piece.path] = text[: place.start] + piece.rewritten(after[number]) + text[place.end :]
    return {path: encoded(text) for path, text in result.items()}


def _with_line(content: bytes, line: str) -> bytes:
    start = content if not content or content.endswith(b"\n") else content + b"\n"
    return start + encoded(line) + b"\n"
