# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""Free numbers for new accounts, chosen as the shadow suite does (libmisc/find_new_*.c, lib/subordinateio.c)."""

from __future__ import annotations

import itertools
import typing as t

from .._errors import GuestError
from ._account_tables import Databases, Table
from ._login_defs import LoginDefs

_MAX_ID = 2**32 - 2
Letter = t.Literal["U", "G"]


def free_uid(databases: Databases, defs: LoginDefs, *, system: bool) -> int:
    """Return a free uid.

    :raises GuestError: there is none in the range of the guest's login.defs, or that is no range.
    """
    low, high = id_range(defs, "U", system=system)
    return _free(used_ids(databases.passwd), low, high, system=system)


def free_gid(databases: Databases, defs: LoginDefs, *, system: bool, preferred: int | None = None) -> int:
    """Return a free gid: ``preferred``, the user's own uid, where it is one.

    :raises GuestError: there is none in the range of the guest's login.defs, or that is no range.
    """
    low, high = id_range(defs, "G", system=system)
    used = used_ids(databases.group)
    # A system group that is asked for may be below the range from which others are chosen.
    if preferred is not None and (1 if system else low) <= preferred <= high and preferred not in used:
        return preferred
    return _free(used, low, high, system=system)


def used_ids(table: Table) -> set[int]:
    """Return the numbers in /etc/passwd or /etc/group."""
    return {int(fields[2]) for _line, fields in table.entries()}


def id_range(defs: LoginDefs, letter: Letter, *, system: bool) -> tuple[int, int]:
    """Return the lowest and the highest number for new users (``U``) or groups (``G``).

    :raises GuestError: the guest's settings are no range.
    """
    if system:
        low = max(1, defs.count(f"SYS_{letter}ID_MIN", 101))
        high = defs.count(f"SYS_{letter}ID_MAX", defs.count(f"{letter}ID_MIN", 1000) - 1)
    else:
        low, high = defs.count(f"{letter}ID_MIN", 1000), defs.count(f"{letter}ID_MAX", 60000)
    if not low <= high <= _MAX_ID:
        raise GuestError(
            f"The numbers for new {'users' if letter == 'U' else 'groups'} are to be from {low} to {high}, "
            "by the guest's login.defs and the task's options."
        )
    return low, high


def _free(used: t.AbstractSet[int], low: int, high: int, *, system: bool) -> int:
    """Return a free number.

    One beyond all that are used, so that nobody inherits the files of a user who was removed: above them, or below
    them for a system account. Only where that leaves the range, a gap in it.
    """
    inside = [number for number in used if low <= number <= high]
    if system:
        beyond = min(inside, default=high + 1) - 1
        tried = itertools.chain(range(beyond, low - 1, -1), range(high, low - 1, -1))
    else:
        beyond = max(inside, default=low - 1) + 1
        tried = itertools.chain(range(beyond, high + 1), range(low, high + 1))
    for number in tried:
        if number not in used:
            return number
    raise GuestError(f"All numbers from {low} to {high} are in use in the guest.")


def free_range(table: Table, defs: LoginDefs, letter: Letter) -> tuple[int, int]:
    """Return start and count of a free range of subordinate ids: the lowest gap that is large enough.

    :raises GuestError: there is none, or the guest's settings are no range.
    """
    low = defs.count(f"SUB_{letter}ID_MIN", 100_000)
    high = defs.count(f"SUB_{letter}ID_MAX", 600_100_000)
    count = defs.count(f"SUB_{letter}ID_COUNT", 65536)
    for first, size in sorted((int(fields[1]), int(fields[2])) for _line, fields in table.entries()):
        if min(first, high + 1) - low >= count:
            break
        low = max(low, first + size)
    if not 0 < count <= high - low + 1:
        raise GuestError(
            f"There is no room for {count} more subordinate ids in the guest's {table.path}.",
            hint="Change SUB_UID_* and SUB_GID_* in its /etc/login.defs; SUB_UID_COUNT 0 does without.",
        )
    return low, count
