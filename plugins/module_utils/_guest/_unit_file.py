# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""The section [Install] of a unit file, read as systemd reads it.

systemd.syntax(7) says how lines are joined and which are comments; what it leaves open is as in config_parse() of
systemd's src/shared/conf-parser.c: a line ends at LF, CR or NUL, a comment between continued lines is passed over, a
section header without its bracket or a line that is not UTF-8 makes the whole file unusable.
"""

from __future__ import annotations

import re
import typing as t

from .._errors import GuestError, printable

_LINE_END = re.compile(rb"\r\n|\n\r|[\n\r\0]")
_BLANK = b" \t\n\r"
_WORD = re.compile(r"""(?:[^\s'"]|'[^']*'|"[^"]*")+""", re.ASCII)
_BOM = b"\xef\xbb\xbf"


def install_assignments(content: bytes, shown: str) -> list[tuple[str, str]]:
    """Return the assignments of the sections [Install], in order, repeated keys included.

    :param shown: the file's path, for messages.
    :raises GuestError: systemd would not load the file.
    """
    found: list[tuple[str, str]] = []
    section = ""
    for raw in _joined_lines(content):
        line = _text(raw, shown)
        if line.startswith("["):
            section = _section(line, shown)
        elif section == "Install":
            key, equals, value = line.partition("=")
            if equals and key.strip():
                found.append((key.strip(), value.strip()))
    return found


def quoted_words(value: str) -> t.Iterator[str]:
    """Split a list of names at blanks, quotes removed; what follows an open quote is passed over, as systemd does."""
    position = 0
    while position < len(value):
        match = _WORD.match(value, position)
        if match is None:
            if not value[position].isspace():
                return
            position += 1
            continue
        if match.end() < len(value) and value[match.end()] in "'\"":
            return  # a quote that is opened within the word, and not closed
        yield re.sub(r"""(['"])(.*?)\1""", r"\2", match[0])
        position = match.end()


def plain_words(value: str) -> list[str]:
    """Split a list at blanks where quotes mean nothing and a backslash goes (Also=).

    :raises ValueError: the last character is a backslash.
    """
    if re.search(r"(?<!\\)(?:\\\\)*\\\Z", value):
        raise ValueError("it ends in a backslash")
    # An escaped blank does not end a word.
    return [re.sub(r"\\(.)", r"\1", word) for word in re.findall(r"(?:\\.|[^\s\\])+", value)]


def _joined_lines(content: bytes) -> t.Iterator[bytes]:
    """Yield lines without comments and blanks around them, continued ones in one piece."""
    pending: list[bytes] = []  # joined once, for a hostile file may go on in half a million lines
    lines = _LINE_END.split(content[len(_BOM) :] if content.startswith(_BOM) else content)
    for line in lines:
        if line.lstrip(_BLANK)[:1] in (b"#", b";"):
            continue
        if _is_continued(line):
            pending.append(line[:-1] + b" ")
            continue
        whole = b"".join([*pending, line]).strip(_BLANK)
        pending.clear()
        if whole:
            yield whole
    whole = b"".join(pending).strip(_BLANK)
    if whole:
        yield whole


def _is_continued(line: bytes) -> bool:
    return (len(line) - len(line.rstrip(b"\\"))) % 2 == 1


def _text(line: bytes, shown: str) -> str:
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError as exc:
        raise GuestError(f"systemd would not load '{printable(shown)}' of the guest: it is not UTF-8.") from exc


def _section(line: str, shown: str) -> str:
    if not line.endswith("]"):
        raise GuestError(
            f"systemd would not load '{printable(shown)}' of the guest: "
            f"'{printable(line)}' is not the header of a section."
        )
    return line[1:-1]
