# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""What is to become of a user in the account databases: pure functions from databases to databases.

They do what useradd(8), usermod(8), userdel(8) and chage(1) of the shadow suite do (read in src/ of 4.13), called as
ansible.builtin.user calls them.
"""

from __future__ import annotations

import dataclasses
import posixpath
import typing as t

from .._errors import GuestError, printable
from ._account_ids import free_gid, free_range, free_uid, used_ids
from ._account_members import group_named, members_of, with_groups, with_new_group, without_member
from ._account_password import is_locked, is_other, locked, unlocked
from ._account_tables import Databases, Fields, Table
from ._login_defs import LoginDefs, UseraddDefaults
from ._user_options import Wish, check_new_name

# The fields of /etc/passwd (passwd(5)) and /etc/shadow (shadow(5)); the second is the password in both.
_UID, _GID, _COMMENT, _HOME, _SHELL = range(2, 7)
_PASSWORD, _CHANGED, _MIN, _MAX, _WARN, _INACTIVE, _EXPIRE = range(1, 8)
_IN_SHADOW = "x"
_LOCKED = "!"


@dataclasses.dataclass(frozen=True)
class Settings:
    """What a plan needs to know beside the databases.

    :param today: days since 1970, which a new password is said to be of.
    :param shell: the shell of a new user that is given none.
    """

    defs: LoginDefs
    defaults: UseraddDefaults
    today: int
    shell: str


@dataclasses.dataclass(frozen=True)
class User:
    """A user as the databases have it.

    :param password: the field, from wherever it is; never shown.
    :param shadow: the line of /etc/shadow, None where there is none.
    :param groups: those that list the user as a member.
    """

    name: str
    uid: int
    gid: int
    comment: str
    home: str
    shell: str
    password: str = dataclasses.field(repr=False)
    shadow: Fields | None = dataclasses.field(repr=False)
    groups: tuple[str, ...]

    @classmethod
    def find(cls, databases: Databases, name: str) -> User | None:
        """Return the user, None when there is none."""
        found = databases.passwd.get(name)
        if found is None:
            return None
        shadow = databases.shadow.get(name) if databases.shadow else None
        password = found[1] if shadow is None or len(found[1]) > 1 else shadow[_PASSWORD]
        groups = tuple(members_of(databases.group, name))
        return cls(name, int(found[2]), int(found[3]), found[4], found[5], found[6], password, shadow, groups)


def create(before: Databases, wish: Wish, settings: Settings) -> Databases:
    """Add the user.

    :raises GuestError: a group that is asked for is missing, a number is taken, or none is free.
    """
    check_new_name("user", wish.name)
    defs = settings.defs.with_values(UID_MIN=wish.uid_min, UID_MAX=wish.uid_max)
    uid = _new_uid(before, wish, defs)
    after, gid = _with_primary_group(before, wish, uid, settings, defs)
    after = _with_account(after, wish, settings, uid, gid)
    after = _with_subordinate_ids(after, wish, defs)
    after = _aged(after, wish, settings)
    return with_groups(after, wish.name, _named(before, wish.groups or ()), append=True)


def _with_account(databases: Databases, wish: Wish, settings: Settings, uid: int, gid: int) -> Databases:
    password = _LOCKED if wish.password is None else wish.password
    if wish.password and wish.password_lock:
        password = locked(password)
    home = wish.home or f"{settings.defaults.home.rstrip('/')}/{wish.name}"
    shell = settings.shell if wish.shell is None else wish.shell
    in_passwd = password if databases.shadow is None else _IN_SHADOW
    line = (wish.name, in_passwd, str(uid), str(gid), wish.comment or "", home, shell)
    after = databases.with_table(databases.passwd.with_entry(*line))
    if after.shadow is None:
        return after
    return after.with_table(after.shadow.with_put(*_new_shadow(wish, password, settings)))


def _new_uid(databases: Databases, wish: Wish, defs: LoginDefs) -> int:
    if wish.uid is None:
        return free_uid(databases, defs, system=wish.system)
    _require_free(databases, wish, wish.uid)
    return wish.uid


def _require_free(databases: Databases, wish: Wish, uid: int) -> None:
    if not wish.non_unique and uid in used_ids(databases.passwd):
        owner = next(fields[0] for _line, fields in databases.passwd.entries() if int(fields[2]) == uid)
        raise GuestError(
            f"The uid {uid} is taken in the guest, by '{printable(owner)}'.", hint="non_unique: true allows it."
        )


def _with_primary_group(
    before: Databases, wish: Wish, uid: int, settings: Settings, defs: LoginDefs
) -> tuple[Databases, int]:
    if wish.group is not None:
        return before, int(_group(before, wish.group)[2])
    if not settings.defs.has_user_groups or before.group.get(wish.name) is not None:
        # As the twin does, which then calls useradd with -N: the group of that name is somebody else's.
        return before, _default_gid(before, settings.defaults)
    gid = free_gid(before, defs, system=wish.system, preferred=uid)
    return with_new_group(before, wish.name, gid, password="x" if before.gshadow else "!"), gid


def _default_gid(databases: Databases, defaults: UseraddDefaults) -> int:
    found = None if defaults.group is None else group_named(databases.group, defaults.group)
    return 100 if found is None else int(found[2])


def _new_shadow(wish: Wish, password: str, settings: Settings) -> Fields:
    defs, defaults = settings.defs, settings.defaults
    if wish.system:
        return (wish.name, password, _day(settings.today), "", "", "", "", "", "")
    ages = [_days(defs.number(f"PASS_{name}", -1)) for name in ("MIN_DAYS", "MAX_DAYS", "WARN_AGE")]
    return (
        *(wish.name, password, _day(settings.today), *ages),
        *(_days(defaults.inactive), _days(defaults.expire), ""),
    )


def _day(today: int) -> str:
    """Day 0 would mean that the password must be changed at once, so no day is said instead, as useradd does."""
    return str(today) if today > 0 else ""


def _days(value: int) -> str:
    return str(value) if value >= 0 else ""


def _with_subordinate_ids(databases: Databases, wish: Wish, defs: LoginDefs) -> Databases:
    low, high = defs.count("UID_MIN", 1000), defs.count("UID_MAX", 60000)
    if wish.system or (wish.uid and not low <= wish.uid <= high):
        return databases
    after = databases
    for table, letter in ((databases.subuid, "U"), (databases.subgid, "G")):
        if table is not None and defs.count(f"SUB_{letter}ID_COUNT", 65536) > 0:
            start, count = free_range(table, defs, "U" if letter == "U" else "G")
            after = after.with_table(table.with_appended(wish.name, str(start), str(count)))
    return after


def modify(before: Databases, wish: Wish, settings: Settings, user: User) -> Databases:
    """Make the user what is asked for.

    :raises GuestError: a group that is asked for is missing, a number is taken, or the guest has no shadow file where
        one is needed.
    """
    if wish.uid is not None and wish.uid != user.uid:
        _require_free(before, wish, wish.uid)
    gid = user.gid if wish.group is None else int(_group(before, wish.group)[2])
    wanted = {
        _UID: None if wish.uid in (None, user.uid) else str(wish.uid),
        _GID: None if gid == user.gid else str(gid),
        _COMMENT: wish.comment,
        _HOME: None if wish.home is None or is_same_path(wish.home, user.home) else wish.home,
        _SHELL: wish.shell,
    }
    after = before.with_table(_with_fields(before.passwd, wish.name, wanted))
    after = _with_password(after, wish, settings, user)
    after = _aged(after, wish, settings)
    return _with_wanted_groups(after, wish, user)


def is_same_path(one: str, other: str) -> bool:
    """Whether two homes differ by nothing but slashes."""
    return posixpath.normpath(f"/{one}") == posixpath.normpath(f"/{other}")


def _with_fields(table: Table, name: str, wanted: t.Mapping[int, str | None]) -> Table:
    """Set fields of an entry; None leaves one as it is. A line in which nothing changes need not be the only one."""

    def change(fields: Fields) -> Fields:
        return tuple(old if (new := wanted.get(index)) is None else new for index, old in enumerate(fields))

    current = table.get(name)
    return table if current is not None and change(current) == current else table.with_changed(name, change)


def _with_wanted_groups(databases: Databases, wish: Wish, user: User) -> Databases:
    if wish.groups is None:
        return databases
    names = _named(databases, wish.groups)
    current = set(user.groups)
    if names <= current if wish.append else names == current:
        return databases
    return with_groups(databases, wish.name, names, append=wish.append)


def _with_password(databases: Databases, wish: Wish, settings: Settings, user: User) -> Databases:
    """Set, lock or unlock the password, in every file that has it."""
    change = _password_change(wish, user.password)
    if change is None:
        return databases
    is_new, field = change
    after = databases
    passwd = databases.passwd.get(wish.name)
    is_in_passwd = passwd is not None and passwd[1] != _IN_SHADOW
    if databases.shadow is None or is_in_passwd:
        after = after.with_table(_with_fields(after.passwd, wish.name, {_PASSWORD: field}))
    if databases.shadow is not None and (user.shadow is not None or (is_new and not is_in_passwd)):
        after = _with_shadow_line(after, wish, settings)
        changed = {_PASSWORD: field, **({_CHANGED: _day(settings.today)} if is_new else {})}
        after = _with_shadow(after, wish.name, changed)
    return after


def _password_change(wish: Wish, current: str) -> tuple[bool, str] | None:
    """Return whether the password is another one, and the field to write; None where all is as it should be."""
    if wish.password is not None and wish.always_password and is_other(current, wish.password):
        return True, locked(wish.password) if wish.password_lock else wish.password
    if wish.password_lock and not is_locked(current):
        return False, locked(current)
    if wish.password_lock is False and unlocked(current) != current:
        return False, unlocked(current)
    return None


def _aged(databases: Databases, wish: Wish, settings: Settings) -> Databases:
    """Set the times after which a password or the account ends."""
    asked = {
        _MIN: wish.min_days,
        _MAX: wish.max_days,
        _WARN: wish.warn_days,
        _INACTIVE: wish.inactive,
        _EXPIRE: wish.expires,
    }
    wanted = {index: _days(value) for index, value in asked.items() if value is not None}
    if not wanted:
        return databases
    if databases.shadow is None:
        if any(wanted.values()):
            raise GuestError("The guest has no /etc/shadow, so neither accounts nor passwords can expire in it.")
        return databases
    current = databases.shadow.get(wish.name)
    if current is None and not any(wanted.values()):
        return databases
    return _with_shadow(_with_shadow_line(databases, wish, settings), wish.name, wanted)


def _with_shadow_line(databases: Databases, wish: Wish, settings: Settings) -> Databases:
    """Add a line for a user whose password is in /etc/passwd; it moves there.

    usermod --expiredate leaves it in /etc/passwd as well, by mistake: it comments that it moves it, and chage does.
    """
    shadow, passwd = databases.shadow, databases.passwd.get(wish.name)
    if shadow is None or passwd is None or shadow.get(wish.name) is not None:
        return databases
    ages = [_days(settings.defs.number(f"PASS_{name}", -1)) for name in ("MIN_DAYS", "MAX_DAYS", "WARN_AGE")]
    line = (wish.name, passwd[1], _day(settings.today), *ages, "", "", "")
    after = databases.with_table(shadow.with_entry(*line))
    return after.with_table(_with_fields(after.passwd, wish.name, {_PASSWORD: _IN_SHADOW}))


def _with_shadow(databases: Databases, name: str, wanted: t.Mapping[int, str]) -> Databases:
    return databases.with_table(_with_fields(databases.shadow, name, wanted)) if databases.shadow else databases


def remove(before: Databases, defs: LoginDefs, user: User, *, force: bool) -> Databases:
    """Remove the user from every file, and the group of that name where it is the user's alone.

    :param force: also where the group is another user's primary one.
    """
    after = before.with_table(before.passwd.without(user.name))
    if after.shadow is not None and after.shadow.get(user.name) is not None:
        after = after.with_table(after.shadow.without(user.name))
    for table in (after.subuid, after.subgid):
        if table is not None:
            after = after.with_table(table.without_all(user.name))
    after = without_member(after, user.name)
    if defs.has_user_groups and _is_own_group(after, user, force=force):
        after = after.with_table(after.group.without(user.name))
        if after.gshadow is not None and after.gshadow.get(user.name) is not None:
            after = after.with_table(after.gshadow.without(user.name))
    return after


def _is_own_group(after: Databases, user: User, *, force: bool) -> bool:
    group = after.group.get(user.name)
    if group is None or int(group[2]) != user.gid or (len(group) == 4 and group[3]):
        return False
    return force or not any(int(fields[3]) == user.gid for _line, fields in after.passwd.entries())


def _group(databases: Databases, group: str) -> Fields:
    found = group_named(databases.group, group)
    if found is None:
        raise GuestError(
            f"The guest has no group '{printable(group)}'.", hint="Create it first, by offline.guest.group."
        )
    return found


def _named(databases: Databases, groups: t.Sequence[str]) -> frozenset[str]:
    return frozenset(_group(databases, group)[0] for group in groups)


def primary_users(passwd: Table, gid: int) -> list[str]:
    """Return the users whose primary group it is."""
    return [fields[0] for _line, fields in passwd.entries() if int(fields[3]) == gid]
