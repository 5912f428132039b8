# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""What the guest's own files say about new accounts: /etc/login.defs and /etc/default/useradd.

The formats are those of the shadow suite (login.defs(5), useradd(8), "CHANGING THE DEFAULT VALUES"; read in
lib/getdef.c and src/useradd.c of shadow 4.13). A value that cannot be read counts as missing, as it does for the tools.
"""

from __future__ import annotations

import dataclasses
import datetime
import re
import typing as t

from ._accounts import Reader

MAX_SIZE = 1024 * 1024
# The second is where openSUSE keeps the vendor's file (shadow with libeconf); drop-ins are beside both.
_FILES = ("/etc/login.defs", "/usr/etc/login.defs")
_DROP_INS = ("/usr/etc/login.defs.d", "/etc/login.defs.d")
_C_NUMBER = re.compile(r"[+-]?(?:0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*)\Z")
_MAX_NUMBER = 2**63 - 1


class ConfigReader(Reader, t.Protocol):
    """What is needed of :class:`GuestFiles`."""

    def lstat(self, path: str) -> t.Any:
        """Describe an entry, None when there is none."""

    def list_dir(self, path: str) -> list[str]:
        """Return the names in a directory."""


def c_number(text: str) -> int | None:
    """Read a number as strtol(3) does with base 0: ``022`` is octal, ``0x12`` hexadecimal; None for anything else."""
    if len(text) > 40 or not _C_NUMBER.match(text):
        return None
    digits = text.lstrip("+-")
    is_octal = len(digits) > 1 and digits[1] not in "xX" and digits[0] == "0"
    value = int(digits, 8 if is_octal else 0) * (-1 if text[0] == "-" else 1)
    return value if abs(value) <= _MAX_NUMBER else None


@dataclasses.dataclass(frozen=True)
class LoginDefs:
    """The settings of login.defs(5).

    :param values: as they are written.
    :param is_there: whether the guest has such a file at all; one with BusyBox's tools has none.
    """

    values: t.Mapping[str, str]
    is_there: bool = True

    @classmethod
    def read(cls, files: ConfigReader) -> LoginDefs:
        """Read the guest's settings.

        :raises GuestError: a file is larger than 1 MiB or no regular file.
        """
        texts = [content for path in _FILES if (content := files.read_optional(path, max_size=MAX_SIZE)) is not None]
        values = parse_login_defs(texts[0]) if texts else {}
        for folder in _DROP_INS:
            found = files.lstat(folder)
            names = files.list_dir(folder) if found is not None and found.kind == "directory" else []
            for name in names:
                if name.endswith(".defs"):
                    values.update(parse_login_defs(files.read_optional(f"{folder}/{name}", max_size=MAX_SIZE) or b""))
        return cls(values, bool(texts))

    def number(self, name: str, default: int) -> int:
        """Return a number, ``default`` where it is missing or none."""
        value = c_number(self.values.get(name, ""))
        return default if value is None else value

    def count(self, name: str, default: int) -> int:
        """Return a number that is not negative."""
        value = self.number(name, default)
        return value if value >= 0 else default

    @property
    def has_user_groups(self) -> bool:
        """Whether a user gets a group of the same name.

        Not set means no to useradd. Where there is no login.defs at all, the tools are BusyBox's, and they make one.
        """
        return self.values.get("USERGROUPS_ENAB", "" if self.is_there else "yes").lower() == "yes"

    @property
    def mail_dir(self) -> str | None:
        """The folder of the mail spools; None where mail goes to the home."""
        return self.values.get("MAIL_DIR", None if "MAIL_FILE" in self.values else "/var/mail")

    def home_mode(self, umask: str | None) -> int:
        """Return the mode of a new home: HOME_MODE, or else what ``umask`` or UMASK leave."""
        mask = c_number(umask) if umask is not None else None
        return self.number("HOME_MODE", 0o777 & ~(self.number("UMASK", 0o022) if mask is None else mask)) & 0o7777

    def with_values(self, **values: int | None) -> LoginDefs:
        """Return the settings with those that are given in place of the file's."""
        given = {name: str(value) for name, value in values.items() if value is not None}
        return dataclasses.replace(self, values={**self.values, **given})


def parse_login_defs(content: bytes) -> dict[str, str]:
    """Read the lines ``NAME VALUE``; a value may stand in double quotes, the last line of a name counts."""
    values: dict[str, str] = {}
    for line in content.decode("utf-8", "surrogateescape").split("\n"):
        words = line.strip().split(None, 1)
        if len(words) == 2 and not words[0].startswith("#"):
            values[words[0]] = words[1].lstrip(' "\t').split('"', 1)[0]
    return values


@dataclasses.dataclass(frozen=True)
class UseraddDefaults:
    """The settings of /etc/default/useradd, or useradd's own.

    :param group: a name or number, None where none is set.
    :param shell: None where none is set.
    :param expire: days since 1970, -1 for never.
    """

    group: str | None = None
    home: str = "/home"
    shell: str | None = None
    inactive: int = -1
    expire: int = -1
    skel: str = "/etc/skel"
    mail_spool: bool = False

    @classmethod
    def read(cls, files: Reader) -> UseraddDefaults:
        """Read the guest's file; a missing one is an empty one.

        :raises GuestError: it is larger than 1 MiB or no regular file.
        """
        return cls.parse(files.read_optional("/etc/default/useradd", max_size=MAX_SIZE) or b"")

    @classmethod
    def parse(cls, content: bytes) -> UseraddDefaults:
        """Read the lines ``NAME=VALUE``, in which nothing is quoted."""
        values: dict[str, str] = {}
        for line in content.decode("utf-8", "surrogateescape").split("\n"):
            name, equals, value = line.rstrip("\r").partition("=")
            if equals:
                values[name] = value
        return cls(
            group=values.get("GROUP"),
            home=values.get("HOME", "/home"),
            shell=values.get("SHELL"),
            inactive=_at_least_never(c_number(values.get("INACTIVE", ""))),
            expire=_at_least_never(days_of_date(values.get("EXPIRE", ""))),
            skel=values.get("SKEL") or "/etc/skel",
            mail_spool=values.get("CREATE_MAIL_SPOOL", "").lower() == "yes",
        )


def _at_least_never(value: int | None) -> int:
    return -1 if value is None or value < -1 else value


def days_of_date(text: str) -> int | None:
    """Return the days since 1970 of ``YYYY-MM-DD`` or of a number of days; None for anything else."""
    if re.match(r"-?[0-9]{1,9}\Z", text):
        return int(text)
    if not re.match(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z", text):  # newer Pythons read more forms
        return None
    try:
        return datetime.date.fromisoformat(text).toordinal() - datetime.date(1970, 1, 1).toordinal()
    except ValueError:
        return None
