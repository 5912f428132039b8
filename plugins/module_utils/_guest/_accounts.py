# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""Users and groups by the guest's own /etc/passwd and /etc/group, parsed as text."""

from __future__ import annotations

import dataclasses
import typing as t

from .._errors import GuestError, OfflineGuestError, OptionError, printable
from ._paths import GuestPath

MAX_SIZE = 4 * 1024 * 1024
# (uid_t) -1 means "leave as it is" to chown(2).
_MAX_ID = 2**32 - 2


class Reader(t.Protocol):
    """What is needed of :class:`GuestFiles`."""

    def read_optional(self, path: str, *, max_size: int) -> bytes | None:
        """Return a file's content, None when it is missing."""


@dataclasses.dataclass(frozen=True)
class User:
    """One line of /etc/passwd."""

    name: str
    uid: int
    gid: int
    home: str
    shell: str


@dataclasses.dataclass(frozen=True)
class Accounts:
    """The guest's users and groups by name; of a name that is there twice, the first counts, as in getpwnam(3)."""

    users: t.Mapping[str, User]
    groups: t.Mapping[str, int]

    @classmethod
    def read(cls, files: Reader) -> Accounts:
        """Read both files, at most 4 MiB each; a missing file is an empty one.

        :raises GuestError: one of them is too large or no regular file.
        """
        return cls.parse(
            files.read_optional("/etc/passwd", max_size=MAX_SIZE) or b"",
            files.read_optional("/etc/group", max_size=MAX_SIZE) or b"",
        )

    @classmethod
    def read_names(cls, files: Reader) -> Accounts:
        """As :meth:`read` for who only wants names to show: none where the guest's files cannot be read.

        Whoever puts a damaged /etc/passwd right, or looks at it, must not fail because it is damaged.
        """
        try:
            return cls.read(files)
        except GuestError:
            return cls({}, {})

    @classmethod
    def parse(cls, passwd: bytes, group: bytes) -> Accounts:
        """Read the text of both files; lines that are damaged, and ``+`` and ``-`` lines of NIS, are passed over."""
        users: dict[str, User] = {}
        for fields in _lines(passwd, 7):
            uid, gid = account_number(fields[2]), account_number(fields[3])
            if uid is not None and gid is not None:
                users.setdefault(fields[0], User(fields[0], uid, gid, fields[5], fields[6]))
        groups: dict[str, int] = {}
        for fields in _lines(group, 4):
            number = account_number(fields[2])
            if number is not None:
                groups.setdefault(fields[0], number)
        return cls(users, groups)

    def uid_of(self, owner: str) -> int:
        """Return the uid of a number or a user's name (a number first, as Ansible does).

        :raises GuestError: no such user. :raises OptionError: a number out of range.
        """
        number = _given_number(owner)
        return self._user(owner).uid if number is None else number

    def gid_of(self, group: str) -> int:
        """Return the gid of a number or a group's name.

        :raises GuestError: no such group. :raises OptionError: a number out of range.
        """
        number = _given_number(group)
        if number is not None:
            return number
        if group not in self.groups:
            raise _unknown("group", group)
        return self.groups[group]

    def name_of_uid(self, uid: int) -> str:
        """Return the name of the first user with that uid, made fit to be shown; its number where there is none."""
        return next((printable(user.name) for user in self.users.values() if user.uid == uid), str(uid))

    def name_of_gid(self, gid: int) -> str:
        """Return the name of the first group with that gid, made fit to be shown; its number where there is none."""
        return next((printable(name) for name, number in self.groups.items() if number == gid), str(gid))

    def home_of(self, name: str) -> GuestPath:
        """Return a user's home directory.

        :raises GuestError: no such user, or a home that is no absolute path.
        """
        home = self._user(name).home
        try:
            return GuestPath(home)
        except OfflineGuestError as exc:
            raise GuestError(
                f"The home '{printable(home)}' of the guest's user '{printable(name)}' is no path."
            ) from exc

    def _user(self, name: str) -> User:
        if name not in self.users:
            raise _unknown("user", name)
        return self.users[name]


def _unknown(what: str, name: str) -> GuestError:
    return GuestError(
        f"The guest has no {what} '{printable(name)}'.", hint=f"Create the {what} first, or give its number."
    )


def _lines(content: bytes, fields: int) -> t.Iterator[list[str]]:
    for line in content.decode("utf-8", "surrogateescape").split("\n"):
        parts = line.split(":")
        if len(parts) == fields and parts[0] and parts[0][0] not in "+-#":
            yield parts


def account_number(text: str) -> int | None:
    """Return the number of a user or group that ``text`` is; None where no account can have it."""
    if not (text.isascii() and text.isdigit()) or len(text) > 10:
        return None
    value = int(text)
    return value if value <= _MAX_ID else None


def _given_number(text: str) -> int | None:
    """None for a name; :raises OptionError: for a number that no account can have."""
    if not (text.isascii() and text.lstrip("-").isdigit()):
        return None
    value = account_number(text)
    if value is None:
        raise OptionError(f"'{printable(text)}' is not a user or group number; it must be from 0 to {_MAX_ID}.")
    return value
