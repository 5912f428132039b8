# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""Replacement by regular expression, as ansible.builtin.replace makes it, byte for byte."""

from __future__ import annotations

import dataclasses
import re

from .._errors import GuestError, OptionError, printable
from ._edited import Edited, wrong_pattern


@dataclasses.dataclass(frozen=True)
class ReplaceEdit:
    """The options of replace: every match of ``regexp`` (multi-line mode) between ``after`` and ``before``."""

    regexp: str
    replace: str = ""
    after: str | None = None
    before: str | None = None
    encoding: str = "utf-8"


def edit_replace(content: bytes, edit: ReplaceEdit) -> Edited:
    """Apply one edit, on text: a character is a character of ``encoding``, and undecodable bytes survive.

    :raises OptionError: a wrong regular expression, replacement or encoding. :raises GuestError: undecodable content.
    """
    text = _decoded(content, edit.encoding)
    section = _section(text, edit)
    if section is None:
        pattern = _section_pattern(edit)
        return Edited(content, False, f"Pattern for before/after params did not match the given file: {pattern}")
    start, end = section
    pattern_re = _compiled("regexp", edit.regexp, re.MULTILINE)
    try:
        result, count = pattern_re.subn(edit.replace, text[start:end])
    except (re.error, IndexError) as exc:
        raise wrong_pattern("replace", edit.replace, exc) from exc
    if not count or result == text[start:end]:
        return Edited(content, False, "")
    return Edited(_encoded(text[:start] + result + text[end:], edit.encoding), True, f"{count} replacements made")


def _section_pattern(edit: ReplaceEdit) -> str:
    if edit.after and edit.before:
        return f"{edit.after}(?P<subsection>.*?){edit.before}"
    if edit.after:
        return f"{edit.after}(?P<subsection>.*)"
    return f"(?P<subsection>.*){edit.before}" if edit.before else ""


def _section(text: str, edit: ReplaceEdit) -> tuple[int, int] | None:
    pattern = _section_pattern(edit)
    if not pattern:
        return 0, len(text)
    match = _compiled("after" if edit.after else "before", pattern, re.DOTALL).search(text)
    return match.span("subsection") if match else None


def _compiled(key: str, pattern: str, flags: int) -> re.Pattern[str]:
    try:
        return re.compile(pattern, flags)
    except (re.error, OverflowError) as exc:
        raise wrong_pattern(key, pattern, exc) from exc


def _decoded(content: bytes, encoding: str) -> str:
    try:
        return content.decode(encoding, "surrogateescape")
    except LookupError as exc:
        raise _no_encoding(encoding) from exc
    except UnicodeError as exc:
        raise GuestError(f"The file is not valid {printable(encoding)}.") from exc


def _encoded(text: str, encoding: str) -> bytes:
    """As Ansible does: bytes that were undecodable stay, and what the encoding has not is replaced (``?``)."""
    try:
        return text.encode(encoding, "surrogateescape")
    except LookupError as exc:  # Python decodes nothing without looking the encoding up
        raise _no_encoding(encoding) from exc
    except UnicodeError:
        return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace").encode(encoding, "replace")


def _no_encoding(encoding: str) -> OptionError:
    return OptionError(f"encoding: there is no encoding '{printable(encoding)}'.")
