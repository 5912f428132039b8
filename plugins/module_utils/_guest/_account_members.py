# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""Groups and their members in /etc/group and /etc/gshadow (group(5), gshadow(5))."""

from __future__ import annotations

import typing as t

from ._account_tables import Databases, Fields, Table
from ._accounts import account_number

_ADMINS, _MEMBERS = 2, 3


def group_named(table: Table, group: str) -> Fields | None:
    """Return the group of that number or else of that name, as Ansible does; None when there is none."""
    number = account_number(group)
    found = None if number is None else group_with(table, number)
    return found or table.get(group)


def group_with(table: Table, gid: int) -> Fields | None:
    """Return the first group of that number, None when there is none."""
    return next((fields for _line, fields in table.entries() if int(fields[2]) == gid), None)


def members_of(table: Table, user: str) -> t.Iterator[str]:
    """Yield the groups that list the user as a member, in the file's order."""
    return (fields[0] for _line, fields in table.entries() if user in _names(fields, _MEMBERS))


def with_new_group(databases: Databases, name: str, gid: int, *, password: str) -> Databases:
    """Add a group without members."""
    after = databases.with_table(databases.group.with_entry(name, password, str(gid), ""))
    if after.gshadow is not None:
        after = after.with_table(after.gshadow.with_put(name, "!", "", ""))
    return after


def with_groups(databases: Databases, user: str, groups: t.AbstractSet[str], *, append: bool) -> Databases:
    """Make the user a member of these groups and, unless ``append``, of no others."""

    def change(fields: Fields) -> Fields:
        names = _names(fields, _MEMBERS)
        is_member = fields[0] in groups or (append and user in names)
        if is_member == (user in names):
            return fields
        return _with_names(fields, _MEMBERS, [*names, user] if is_member else [name for name in names if name != user])

    return _in_both(databases, change)


def without_member(databases: Databases, user: str) -> Databases:
    """Take the user out of every group, as a member and, in /etc/gshadow, as an administrator."""

    def change(fields: Fields) -> Fields:
        return _without(fields, user, _MEMBERS)

    def change_shadow(fields: Fields) -> Fields:
        return _without(_without(fields, user, _MEMBERS), user, _ADMINS)

    return _in_both(databases, change, change_shadow)


def _without(fields: Fields, user: str, index: int) -> Fields:
    names = _names(fields, index)
    return _with_names(fields, index, [name for name in names if name != user]) if user in names else fields


def _in_both(
    databases: Databases,
    change: t.Callable[[Fields], Fields],
    change_shadow: t.Callable[[Fields], Fields] | None = None,
) -> Databases:
    after = databases.with_table(databases.group.with_each_changed(change))
    if after.gshadow is not None:
        after = after.with_table(after.gshadow.with_each_changed(change_shadow or change))
    return after


def _names(fields: Fields, index: int) -> list[str]:
    return [name for name in fields[index].split(",") if name] if index < len(fields) else []


def _with_names(fields: Fields, index: int, names: t.Sequence[str]) -> Fields:
    whole = fields if index < len(fields) else (*fields, "")  # a group without a field for its members
    return (*whole[:index], ",".join(names), *whole[index + 1 :])
