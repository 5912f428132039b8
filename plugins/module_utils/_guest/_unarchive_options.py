# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""The options of unarchive: which members are wanted, and what becomes of their attributes."""

from __future__ import annotations

import dataclasses
import fnmatch
import typing as t

from .._errors import OptionError, printable
from ._accounts import Accounts
from ._archive import Handler, Member, clean
from ._mode import parse_mode

_SET_ID = 0o6000


@dataclasses.dataclass(frozen=True)
class Selection:
    """Which members are extracted."""

    include: tuple[str, ...]
    exclude: tuple[str, ...]
    handler: Handler

    def of(self, members: t.Sequence[Member]) -> list[Member]:
        """Return the members that are wanted, their paths and those of their targets made clean.

        :raises OptionError: one leads out of the destination, or nothing bears a name that is to be included.
        """
        for wanted in self.include:
            if not any(self._matches(member.name, wanted) for member in members):
                raise OptionError(f"include: '{printable(wanted)}' is not in the archive.")
        return [_cleaned(member) for member in members if self._wants(member.name)]

    def _wants(self, name: str) -> bool:
        if self.include:
            return any(self._matches(name, wanted) for wanted in self.include)
        return not any(self._is_excluded(name, pattern) for pattern in self.exclude)

    def _matches(self, name: str, wanted: str) -> bool:
        """As tar does it, a name or all below it; as unzip does it, a pattern."""
        if self.handler == "ZipArchive":
            return fnmatch.fnmatchcase(name, wanted)
        name, wanted = _plain(name), _plain(wanted)
        return name == wanted or name.startswith(f"{wanted}/")

    def _is_excluded(self, name: str, pattern: str) -> bool:
        """As unzip does it, by the whole name; as tar does it, by any part of it, with all that is below."""
        if self.handler == "ZipArchive":
            return fnmatch.fnmatchcase(name, pattern)
        parts = name.strip("/").split("/")
        pieces = ["/".join(parts[start:end]) for start in range(len(parts)) for end in range(start + 1, len(parts) + 1)]
        return any(fnmatch.fnmatchcase(piece, pattern.rstrip("/")) for piece in pieces)


def _plain(name: str) -> str:
    return name.removeprefix("./").strip("/")


def _cleaned(member: Member) -> Member:
    target = clean(member.target) if member.kind == "hard" else member.target
    return dataclasses.replace(member, path=clean(member.path), target=target)


@dataclasses.dataclass(frozen=True)
class Ownership:
    """Mode and owners of what is extracted: the archive's, unless the options say otherwise.

    A name of the archive is one of the guest, as it is for tar that root runs; the number counts where it is none.
    """

    accounts: Accounts
    uid: int | None
    gid: int | None
    mode: t.Any
    allow_setuid: bool

    @classmethod
    def of(cls, params: t.Mapping[str, t.Any], accounts: Accounts) -> Ownership:
        """Read the options.

        :raises GuestError: there is no such user or group.
        """
        return cls(
            accounts=accounts,
            uid=None if params["owner"] is None else accounts.uid_of(params["owner"]),
            gid=None if params["group"] is None else accounts.gid_of(params["group"]),
            mode=params["mode"],
            allow_setuid=params["allow_setuid"],
        )

    def wanted(self, member: Member) -> tuple[int, int, int]:
        """Return mode, uid and gid.

        :raises OptionError: a file would have a set-user-ID or set-group-ID bit.
        """
        user = self.accounts.users.get(member.owner)
        uid = self.uid if self.uid is not None else user.uid if user else member.uid
        gid = self.gid if self.gid is not None else self.accounts.groups.get(member.group, member.gid)
        mode = member.mode
        if self.mode is not None:
            mode = parse_mode(self.mode, mode, is_directory=member.kind == "directory")
        if member.kind == "file" and mode & _SET_ID and not self.allow_setuid:
            raise OptionError(
                f"The archive's member '{printable(member.name)}' has a set-user-ID or set-group-ID bit.",
                hint="Set allow_setuid: true, or a mode without it.",
            )
        return mode, uid, gid
