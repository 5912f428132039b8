# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""What an edit of a text returns, and what all kinds of edits need."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from .._errors import OptionError, printable


@dataclasses.dataclass(frozen=True)
class Edited:
    """The outcome of one edit.

    :param content: the whole content after the edit.
    :param changed: whether the twin module would report a change.
    :param message: the twin module's ``msg``.
    :param found: lines that matched, where the twin module counts them.
    """

    content: bytes
    changed: bool
    message: str
    found: int | None = None


def encoded(text: str) -> bytes:
    """UTF-8; bytes that were no UTF-8 on their way through Ansible come out as they were."""
    return text.encode("utf-8", "surrogateescape")


def compiled(key: str, pattern: str, flags: int = 0) -> re.Pattern[bytes]:
    """Compile a user's pattern for bytes.

    :raises OptionError: it is no regular expression; the message names ``key``.
    """
    try:
        return re.compile(encoded(pattern), flags)
    except (re.error, OverflowError) as exc:
        raise wrong_pattern(key, pattern, exc) from exc


def wrong_pattern(key: str, pattern: str, exc: Exception) -> OptionError:
    """The error for an option that holds a wrong regular expression or replacement."""
    return OptionError(f"{key}: '{printable(pattern)}' is not a valid regular expression: {printable(str(exc))}.")


def given_only(item: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    return {key: value for key, value in item.items() if value is not None}


def exclusive(given: t.Mapping[str, t.Any], *keys: str) -> None:
    both = [key for key in keys if given.get(key) is not None]
    if len(both) > 1:
        raise OptionError(f"'{both[0]}' and '{both[1]}' exclude each other.")


def needed(given: t.Mapping[str, t.Any], key: str, why: str) -> None:
    if given.get(key) is None:
        raise OptionError(f"'{key}' is missing; {why}.")
