# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""The module group: a group of the guest, as groupadd(8), groupmod(8) and groupdel(8) make, change and remove it."""

from __future__ import annotations

import dataclasses
import typing as t

from .._errors import GuestError, OptionError, printable
from ._account_files import check_locks, write_tables
from ._account_ids import free_gid
from ._account_members import group_with, with_new_group
from ._account_tables import Databases, Fields
from ._accounts import account_number
from ._login_defs import LoginDefs
from ._task import Outcome, Task
from ._user_options import check_new_name
from ._user_plan import primary_users


@dataclasses.dataclass(frozen=True)
class Wish:
    """What the group is to be; the options of the module."""

    name: str
    gid: int | None = None
    non_unique: bool = False
    system: bool = False
    force: bool = False
    gid_min: int | None = None
    gid_max: int | None = None


@dataclasses.dataclass(frozen=True)
class Plan:
    """What is to be done: the databases before and after."""

    name: str
    before: Databases
    after: Databases

    @property
    def gid(self) -> int | None:
        """The number of the group afterwards, None where there is none."""
        found = self.after.group.get(self.name)
        return None if found is None else int(found[2])

    @property
    def difference(self) -> tuple[dict[str, t.Any], dict[str, t.Any]]:
        """What is shown as before and after; both empty where nothing changes."""
        tables = self.after.changed_since(self.before)
        if not tables:
            return {}, {}
        before, after = (_shown(databases.group.get(self.name)) for databases in (self.before, self.after))
        return {**before, "files": []}, {**after, "files": [table.path for table in tables]}

    @property
    def changed(self) -> bool:
        """Whether anything changes."""
        before, after = self.difference
        return before != after


def handle(task: Task) -> Outcome:
    """Run the task.

    :raises OptionError: the options are wrong. :raises GuestError: the guest's files do not allow it.
    """
    wish = parse_group(task.params)
    files = task.guest.files
    before = Databases.read(files)
    is_wanted = task.params["state"] == "present"
    after = present(before, wish, LoginDefs.read(files)) if is_wanted else remove(before, wish)
    plan = Plan(wish.name, before, after)
    check_locks(files, after.changed_since(before), task.warn)
    if plan.changed and not task.check:
        write_tables(files, before, after)
    return _outcome(task.params, wish, plan)


def parse_group(params: t.Mapping[str, t.Any]) -> Wish:
    """Check the options.

    :raises OptionError: one of them cannot be meant.
    """
    for name in ("gid", "gid_min", "gid_max"):
        if params[name] is not None and account_number(str(params[name])) is None:
            raise OptionError(f"{name}: {params[name]} is no number of a group; it must be from 0 to {2**32 - 2}.")
    for name in ("force", "gid_min", "gid_max"):
        if params["local"] and params[name] not in (None, False):
            raise OptionError(f"{name}: it cannot be used with local.")
    return Wish(**{field.name: params[field.name] for field in dataclasses.fields(Wish)})


def present(before: Databases, wish: Wish, defs: LoginDefs) -> Databases:
    """Return the databases with the group.

    :raises GuestError: the number is taken, or none is free.
    """
    found = before.group.get(wish.name)
    if wish.gid is not None and (found is None or int(found[2]) != wish.gid):
        _require_free(before, wish, wish.gid)
    if found is None:
        check_new_name("group", wish.name)
        limits = defs.with_values(GID_MIN=wish.gid_min, GID_MAX=wish.gid_max)
        gid = free_gid(before, limits, system=wish.system) if wish.gid is None else wish.gid
        return with_new_group(before, wish.name, gid, password="x")
    if wish.gid is None or int(found[2]) == wish.gid:
        return before
    return _renumbered(before, wish.name, found[2], str(wish.gid))


def _require_free(databases: Databases, wish: Wish, gid: int) -> None:
    owner = group_with(databases.group, gid)
    if owner is not None and not wish.non_unique:
        raise GuestError(
            f"The gid {gid} is taken in the guest, by '{printable(owner[0])}'.", hint="non_unique: true allows it."
        )


def _renumbered(databases: Databases, name: str, old: str, new: str) -> Databases:
    """The users whose primary group it is keep it; the files that belong to the group stay with the old number."""
    after = databases.with_table(databases.group.with_changed(name, lambda fields: (*fields[:2], new, *fields[3:])))
    number = int(old)
    return after.with_table(
        after.passwd.with_each_changed(
            lambda fields: (*fields[:3], new, *fields[4:]) if int(fields[3]) == number else fields
        )
    )


def remove(before: Databases, wish: Wish) -> Databases:
    """Return the databases without the group.

    :raises GuestError: it is the primary group of a user.
    """
    found = before.group.get(wish.name)
    if found is None:
        return before
    users = primary_users(before.passwd, int(found[2]))
    if users and not wish.force:
        raise GuestError(
            f"The group '{printable(wish.name)}' is the primary group of '{printable(users[0])}' in the guest.",
            hint="Remove that user first, or set force: true.",
        )
    after = before.with_table(before.group.without(wish.name))
    if after.gshadow is not None and after.gshadow.get(wish.name) is not None:
        after = after.with_table(after.gshadow.without(wish.name))
    return after


def _shown(fields: Fields | None) -> dict[str, t.Any]:
    return {} if fields is None else {"name": printable(fields[0]), "gid": int(fields[2])}


def _outcome(params: t.Mapping[str, t.Any], wish: Wish, plan: Plan) -> Outcome:
    before, after = plan.difference
    header = f"group {printable(wish.name)}"
    result: dict[str, t.Any] = {"name": wish.name, "state": params["state"]}
    if plan.gid is not None:
        result.update(system=wish.system, gid=plan.gid)
    was, is_there = plan.before.group.get(wish.name) is not None, plan.gid is not None
    done = "changed" if was and is_there else "created" if is_there else "removed"
    return Outcome(
        changed=plan.changed,
        result=result,
        diff={"before_header": header, "after_header": header, "before": before, "after": after},
        summary=f"{header} {done}" if plan.changed else "",
    )
