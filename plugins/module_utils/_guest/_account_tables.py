# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""The account databases of a guest as text: /etc/passwd, shadow, group, gshadow, subuid and subgid.

Lossless: a line that nobody asked to change stays as it is, whatever it holds, and so does the order of the lines and a
missing end of the last one. What counts as an entry is what the shadow suite counts as one (lib/commonio.c and its
parsers, 4.13). A new entry goes where that puts it: at the end, but before the first line of NIS (``+`` or ``-``).
"""

from __future__ import annotations

import dataclasses
import typing as t

from .._errors import GuestError, printable
from ._accounts import MAX_SIZE, Reader, account_number

Fields = tuple[str, ...]
Kind = t.Literal["passwd", "shadow", "group", "gshadow", "subuid", "subgid"]

KINDS: tuple[Kind, ...] = ("passwd", "shadow", "group", "gshadow", "subuid", "subgid")
# Without these two there is nothing that a user or a group could be in.
_REQUIRED = ("passwd", "group")


def _is_passwd(fields: Fields) -> bool:
    return len(fields) == 7 and account_number(fields[2]) is not None and account_number(fields[3]) is not None


def _is_shadow(fields: Fields) -> bool:
    return len(fields) == 9 and all(not text or _is_digits(text) for text in fields[2:])


def _is_group(fields: Fields) -> bool:
    return len(fields) in (3, 4) and account_number(fields[2]) is not None


def _is_gshadow(fields: Fields) -> bool:
    return len(fields) == 4


def _is_range(fields: Fields) -> bool:
    return len(fields) == 3 and _is_digits(fields[1]) and _is_digits(fields[2])


def _is_digits(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 19


_VALID: dict[Kind, t.Callable[[Fields], bool]] = {
    "passwd": _is_passwd,
    "shadow": _is_shadow,
    "group": _is_group,
    "gshadow": _is_gshadow,
    "subuid": _is_range,
    "subgid": _is_range,
}


def _split(line: str) -> Fields:
    return tuple((line[:-1] if line.endswith("\r") else line).split(":"))


def _changed(line: str, change: t.Callable[[Fields], Fields]) -> str:
    """A line end of CRLF stays one."""
    return ":".join(change(_split(line))) + ("\r" if line.endswith("\r") else "")


@dataclasses.dataclass(frozen=True)
class Table:
    """One file.

    :param lines: without their ends; a CR before the LF is part of the end, but kept here. Never shown: there are
        hashes in them.
    :param ends: whether the last line has an end.
    """

    kind: Kind
    lines: tuple[str, ...] = dataclasses.field(repr=False)
    ends: bool = True

    @classmethod
    def parse(cls, kind: Kind, content: bytes) -> Table:
        """Read any bytes."""
        lines = content.decode("utf-8", "surrogateescape").split("\n")
        ends = lines[-1] == ""
        return cls(kind, tuple(lines[:-1] if ends else lines), ends)

    def format(self) -> bytes:
        """Return the bytes; those that were parsed, where nothing was changed."""
        text = "\n".join(self.lines) + ("\n" if self.ends and self.lines else "")
        return text.encode("utf-8", "surrogateescape")

    @property
    def path(self) -> str:
        """Where the file is."""
        return f"/etc/{self.kind}"

    def entries(self) -> t.Iterator[tuple[int, Fields]]:
        """Yield the number of each line that is an entry, and its fields."""
        for number, line in enumerate(self.lines):
            fields = self._fields(line)
            if fields is not None:
                yield number, fields

    def get(self, name: str) -> Fields | None:
        """Return the entry of that name, the first of several as getpwnam(3) does; None when there is none."""
        found = (self._fields(line) for line in self._of(name))
        return next((fields for fields in found if fields is not None and fields[0] == name), None)

    def with_entry(self, *fields: str) -> Table:
        """Add an entry.

        :raises GuestError: a line begins with that name already, which is no entry.
        """
        if next(self._of(fields[0]), None) is not None:
            raise self._damaged(fields[0])
        return self.with_appended(*fields)

    def with_put(self, *fields: str) -> Table:
        """Add an entry, in the place of one of that name that was left behind.

        :raises GuestError: what was left behind is no entry, or is there several times.
        """
        if self.get(fields[0]) is None:
            return self.with_entry(*fields)
        return self.with_changed(fields[0], lambda _old: fields)

    def with_appended(self, *fields: str) -> Table:
        """Add an entry, whether or not there are others of that name: a user may have several ranges of ids.

        :raises GuestError: it would be none, because a default of the guest has a colon for example.
        """
        if self._fields(line := ":".join(fields)) != fields:
            raise GuestError(
                f"'{printable(fields[0])}' cannot be written to {self.path}: a field of it has a colon or the like.",
                hint="See the defaults in the guest's /etc/default/useradd.",
            )
        place = len(self.lines)
        if self.kind not in ("subuid", "subgid"):
            place = next((number for number, line in enumerate(self.lines) if line[:1] in ("+", "-")), place)
        return self._with_lines((*self.lines[:place], line, *self.lines[place:]))

    def with_changed(self, name: str, change: t.Callable[[Fields], Fields]) -> Table:
        """Change the entry of that name.

        :raises GuestError: there is none, or there are several: the shadow suite refuses those, too.
        """
        only = self._only(name)
        return self._with_lines(
            tuple(_changed(line, change) if number == only else line for number, line in enumerate(self.lines))
        )

    def with_each_changed(self, change: t.Callable[[Fields], Fields]) -> Table:
        """Change any number of entries, in one pass.

        :raises GuestError: an entry that changes is there several times.
        """
        lines = list(self.lines)
        changed: set[str] = set()
        for number, fields in self.entries():
            if change(fields) != fields:
                lines[number] = _changed(lines[number], change)
                changed.add(fields[0])
        self._require_single(changed)
        return self._with_lines(tuple(lines))

    def without(self, name: str) -> Table:
        """Remove the entry of that name.

        :raises GuestError: there is none, or there are several.
        """
        number = self._only(name)
        return self._with_lines((*self.lines[:number], *self.lines[number + 1 :]))

    def without_all(self, name: str) -> Table:
        """Remove every entry of that name."""
        gone = {number for number, fields in self.entries() if fields[0] == name}
        return self._with_lines(tuple(line for number, line in enumerate(self.lines) if number not in gone))

    def _fields(self, line: str) -> Fields | None:
        # A line of NIS is none, and neither is one with a NUL byte, at which a program in C sees its end.
        if not line or line[0] in "+-#" or "\0" in line:
            return None
        fields = _split(line)
        return fields if fields[0] and _VALID[self.kind](fields) else None

    def _of(self, name: str) -> t.Iterator[str]:
        prefix = f"{name}:"
        return (line for line in self.lines if line.startswith(prefix))

    def _only(self, name: str) -> int:
        self._require_single({name})
        prefix = f"{name}:"
        found = next((number for number, line in enumerate(self.lines) if line.startswith(prefix)), None)
        if found is None or self._fields(self.lines[found]) is None:
            raise self._damaged(name)
        return found

    def _require_single(self, names: t.AbstractSet[str]) -> None:
        seen: set[str] = set()
        for line in self.lines if names else ():
            name = line.partition(":")[0]
            if name in seen:
                raise GuestError(
                    f"'{printable(name)}' is there more than once in the guest's {self.path}.",
                    hint="Remove all but one of these lines first, with offline.guest.edit for example.",
                )
            if name in names:
                seen.add(name)

    def _damaged(self, name: str) -> GuestError:
        return GuestError(
            f"The line of '{printable(name)}' in the guest's {self.path} is damaged or missing.",
            hint="Repair it first, with offline.guest.edit for example.",
        )

    def _with_lines(self, lines: tuple[str, ...]) -> Table:
        return dataclasses.replace(self, lines=lines)


@dataclasses.dataclass(frozen=True)
class Databases:
    """All files; those that a guest may lack are None where it does."""

    passwd: Table
    group: Table
    shadow: Table | None = None
    gshadow: Table | None = None
    subuid: Table | None = None
    subgid: Table | None = None

    @classmethod
    def read(cls, files: Reader) -> Databases:
        """Read the files, at most 4 MiB each.

        :raises GuestError: /etc/passwd or /etc/group is missing, or a file is too large or no regular file.
        """
        found: dict[str, Table] = {}
        for kind in KINDS:
            content = files.read_optional(f"/etc/{kind}", max_size=MAX_SIZE)
            if content is not None:
                found[kind] = Table.parse(kind, content)
            elif kind in _REQUIRED:
                raise GuestError(
                    f"The guest has no /etc/{kind}.", hint="Its accounts are elsewhere, or it has none at all."
                )
        return cls(**found)

    @property
    def tables(self) -> tuple[Table, ...]:
        """Those that there are."""
        found = (self.passwd, self.shadow, self.group, self.gshadow, self.subuid, self.subgid)
        return tuple(table for table in found if table is not None)

    def with_table(self, table: Table) -> Databases:
        """Return the databases with another version of one file."""
        return dataclasses.replace(self, **{table.kind: table})

    def changed_since(self, before: Databases) -> tuple[Table, ...]:
        """Return the files whose bytes differ."""
        old = {table.kind: table for table in before.tables}
        return tuple(table for table in self.tables if table != old[table.kind])
