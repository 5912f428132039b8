# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""The option ``mode`` as Ansible's file modules take it: octal, or symbolic as in chmod(1)."""

from __future__ import annotations

import re
import typing as t

from .._errors import OptionError, printable

# What applies to permissions that are given without a user; the builder's own umask must not matter to an image.
_UMASK = 0o022
_SHIFTS = {"u": 6, "g": 3, "o": 0}
_SPECIAL = {"u": ("s", 0o4000), "g": ("s", 0o2000), "o": ("t", 0o1000)}
_CLAUSE = re.compile(r"(?P<users>[ugo]*|a)(?P<rest>(?:[+=-][rwxXstugo]*)*)\Z")


def parse_mode(value: t.Any, current: int, *, is_directory: bool = False) -> int:
    """Return the mode that ``value`` asks for.

    :param value: a number, ``"0644"``, or a symbolic mode such as ``"u=rw,g-w,o="``.
    :param current: the mode that a symbolic one starts from.
    :raises OptionError: it is none of these.
    """
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise _wrong(value)
    number = value if isinstance(value, int) else _octal(value)
    if number is None:
        return _symbolic(str(value), current, is_directory)
    if not 0 <= number <= 0o7777:
        raise _wrong(value)
    return number


def _wrong(value: t.Any) -> OptionError:
    return OptionError(
        f"mode: '{printable(str(value))}' is no mode.", hint="Quote an octal mode, as in '0644', or use u=rw,go=r."
    )


def _octal(value: str) -> int | None:
    try:
        return int(value, 8)
    except ValueError:
        return None


def _symbolic(value: str, mode: int, is_directory: bool) -> int:
    for clause in value.split(","):
        match = _CLAUSE.match(clause)
        if match is None:
            raise _wrong(value)
        users = match["users"]
        for operator, letters in re.findall(r"([+=-])([^+=-]*)", match["rest"]):
            for user in "ugo" if users in ("", "a") else users:
                bits = _bits(user, letters, mode, is_directory, 0 if users else _UMASK)
                mode = _applied(operator, user, bits, mode)
    return mode


def _bits(user: str, letters: str, mode: int, is_directory: bool, umask: int) -> int:
    shift = _SHIFTS[user]
    allowed = ~(umask >> shift)
    values = {"r": 4 & allowed, "w": 2 & allowed, "x": 1 & allowed, "X": 1 if is_directory or mode & 0o111 else 0}
    values.update({other: mode >> _SHIFTS[other] & 7 for other in "ugo"})
    special, special_bit = _SPECIAL[user]
    bits = 0
    for letter in letters:
        bits |= special_bit if letter == special else values.get(letter, 0) << shift
    return bits


def _applied(operator: str, user: str, bits: int, mode: int) -> int:
    if operator == "+":
        return mode | bits
    if operator == "-":
        return mode & ~bits
    return mode & ~(7 << _SHIFTS[user] | _SPECIAL[user][1]) | bits
