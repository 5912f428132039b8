# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""The options of the module user, checked and refused."""

from __future__ import annotations

import dataclasses
import math
import re
import typing as t

from .._errors import OfflineGuestError, OptionError, printable
from ._account_password import check_password
from ._accounts import account_number
from ._paths import GuestPath

_DAY = 86400
_LAST_DAY = 2_932_896  # 9999-12-31, the last date that useradd can be told
_MAX_NAME = 32
_MAX_DAYS = 2**31 - 1

# What a stopped guest cannot be given, or a Linux guest does not have.
_REFUSED = {
    "generate_ssh_key": "ssh-keygen would be a program of the guest: make the keys on the host, write them with "
    "offline.guest.copy, and let them in with offline.guest.authorized_key",
    "seuser": "the mapping of logins is compiled into the guest's SELinux policy by semanage, a program of the guest: "
    "let offline.guest.firstboot run it",
    "hidden": "only macOS has it",
    "login_class": "only BSD systems have it",
    "profile": "only Solaris has it",
    "authorization": "only Solaris has it",
    "role": "only Solaris has it",
}
_NOT_WITH_LOCAL = ("umask", "uid_min", "uid_max")


@dataclasses.dataclass(frozen=True)
class Wish:
    """What the user is to be; None is whatever it is, or the guest's default for a new one.

    :param groups: names or numbers; empty for none but the primary group.
    :param expires: days since 1970, -1 for never; so the other times in days.
    """

    name: str
    uid: int | None = None
    non_unique: bool = False
    group: str | None = None
    groups: tuple[str, ...] | None = None
    append: bool = False
    comment: str | None = None
    home: str | None = None
    shell: str | None = None
    password: str | None = dataclasses.field(default=None, repr=False)
    always_password: bool = True
    password_lock: bool | None = None
    expires: int | None = None
    inactive: int | None = None
    min_days: int | None = None
    max_days: int | None = None
    warn_days: int | None = None
    system: bool = False
    create_home: bool = True
    move_home: bool = False
    skeleton: str | None = None
    umask: str | None = None
    uid_min: int | None = None
    uid_max: int | None = None


def parse_user(params: t.Mapping[str, t.Any]) -> Wish:
    """Check the options.

    :raises OptionError: one of them cannot be meant; never with the password in it.
    """
    _refuse(params)
    if params["password"] is not None:
        check_password(params["password"])
    if params["umask"] is not None and not re.match(r"0[0-7]{1,4}\Z", params["umask"]):
        raise OptionError("umask: it must be octal and begin with a zero.", hint="Quote it, as in '027'.")
    return Wish(
        name=params["name"],
        uid=_id("uid", params["uid"]),
        non_unique=params["non_unique"],
        group=params["group"],
        groups=_groups(params["groups"]),
        append=params["append"],
        comment=_field("comment", params["comment"]),
        home=_home(params["home"]),
        shell=_shell(params["shell"]),
        password=params["password"],
        always_password=params["update_password"] == "always",
        password_lock=params["password_lock"],
        expires=_expiry_day(params["expires"]),
        inactive=_days("password_expire_account_disable", params),
        min_days=_days("password_expire_min", params),
        max_days=_days("password_expire_max", params),
        warn_days=_days("password_expire_warn", params),
        system=params["system"],
        create_home=params["create_home"],
        move_home=params["move_home"],
        skeleton=params["skeleton"],
        umask=params["umask"],
        uid_min=_id("uid_min", params["uid_min"]),
        uid_max=_id("uid_max", params["uid_max"]),
    )


def _refuse(params: t.Mapping[str, t.Any]) -> None:
    for name, reason in _REFUSED.items():
        if params[name]:
            raise OptionError(f"{name}: this cannot be done to a stopped guest; {reason}.")
    for name in _NOT_WITH_LOCAL if params["local"] else ():
        if params[name] is not None:
            raise OptionError(f"{name}: it cannot be used with local.")
    if params["skeleton"] is not None and not params["create_home"]:
        raise OptionError("skeleton: it needs create_home.")


def check_new_name(what: t.Literal["user", "group"], name: str) -> None:
    """Refuse a name that the guest's tools and files could not hold.

    Distributions differ in what they allow (Debian nearly everything, Fedora and upstream little). This is what the
    most liberal one allows without what would break a file, lead out of /home, or look like a number or a NIS line.

    :raises OptionError: it is such a name.
    """
    is_short = 0 < len(name.encode("utf-8", "surrogateescape")) <= _MAX_NAME
    if not is_short or name in (".", "..") or name[0] in "-+~" or re.search(r"[\s:,/\0#]", name):
        raise OptionError(
            f"'{printable(name)}' cannot be the name of a {what}.",
            hint=f"Use at most {_MAX_NAME} letters, digits, '_', '-' and '.', beginning with a letter or '_'.",
        )
    if not name.isprintable() or (name.isascii() and name.isdigit()):
        raise OptionError(f"'{printable(name)}' cannot be the name of a {what}: it is a number, or cannot be shown.")


def _id(option: str, value: int | None) -> int | None:
    if value is not None and account_number(str(value)) is None:
        raise OptionError(f"{option}: {value} is no number of a user; it must be from 0 to {2**32 - 2}.")
    return value


def _groups(value: t.Sequence[str] | None) -> tuple[str, ...] | None:
    """As the twin does: an element may itself be a list with commas, and an empty one is none."""
    if value is None:
        return None
    names = (name.strip() for name in ",".join(value).split(","))
    return tuple(dict.fromkeys(name for name in names if name))


def _field(option: str, value: str | None) -> str | None:
    if value is not None and re.search(r"[:\r\n\0]", value):
        raise OptionError(f"{option}: '{printable(value)}' has a colon or a line break, which /etc/passwd cannot hold.")
    return value


def _home(value: str | None) -> str | None:
    if value is None:
        return None
    try:
        return str(GuestPath(_field("home", value) or ""))
    except OfflineGuestError as exc:
        raise OptionError(f"home: {exc.message}", hint=exc.hint) from exc


def _shell(value: str | None) -> str | None:
    # An empty one means /bin/sh (passwd(5)).
    if value and value[0] not in "/*":
        raise OptionError(f"shell: '{printable(value)}' is no absolute path.")
    return _field("shell", value)


def _expiry_day(value: float | None) -> int | None:
    if value is None:
        return None
    if not math.isfinite(value) or value > (_LAST_DAY + 1) * _DAY - 1:
        raise OptionError("expires: it must be seconds since 1970, or negative for never.")
    return max(-1, math.floor(value / _DAY))


def _days(option: str, params: t.Mapping[str, t.Any]) -> int | None:
    value: int | None = params[option]
    if value is not None and not -1 <= value <= _MAX_DAYS:
        raise OptionError(f"{option}: it must be days, or -1 for none.")
    return value
