# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""The options of find_info, read and compiled once."""

from __future__ import annotations

import dataclasses
import fnmatch
import re
import typing as t

from .._errors import OptionError, printable
from ._files import FileStat
from ._grep import Pattern
from ._mode import parse_mode
from ._paths import GuestPath
from ._stat_facts import time_of

_AGE = re.compile(r"(-?\d+)([smhdw]?)")
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_SIZE = re.compile(r"(-?\d+)([bkmgt]?)")
_BYTES = {"": 1, "b": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}
_KINDS = {"file": "file", "directory": "directory", "link": "link"}


@dataclasses.dataclass(frozen=True)
class Criteria:
    """What an entry must be; all but ``contains`` can be told from its name and what lstat says.

    :param patterns: its name matches one of these, and none of ``excludes``.
    :param age: it is at least that many seconds old, or if negative at most; likewise ``size``, of files only.
    """

    file_type: str
    patterns: tuple[re.Pattern[str], ...]
    excludes: tuple[re.Pattern[str], ...]
    age: int | None
    age_stamp: str
    size: int | None
    mode: int | None
    exact_mode: bool
    contains: Pattern | None
    now: float

    def select(self, name: str, found: FileStat) -> bool:
        """Whether an entry is wanted, apart from its content."""
        return (
            self.file_type in ("any", found.kind)
            and any(pattern.match(name) for pattern in self.patterns)
            and not any(pattern.match(name) for pattern in self.excludes)
            and (self.age is None or _reaches(self.now - time_of(found, self.age_stamp), self.age))
            and (self.size is None or found.kind != "file" or _reaches(found.size, self.size))
            and self._has_mode(found.mode)
        )

    def _has_mode(self, mode: int) -> bool:
        if self.mode is None:
            return True
        return mode == self.mode if self.exact_mode else bool(mode & self.mode)


@dataclasses.dataclass(frozen=True)
class FindOptions:
    """A search.

    :param checksum: the algorithm, or None for none.
    :param depth: how many levels; None or 0 for all.
    :param limit: after how many matches the search ends.
    :param max_entries: how many entries may be looked at.
    """

    paths: tuple[GuestPath, ...]
    criteria: Criteria
    recurse: bool
    follow: bool
    hidden: bool
    depth: int | None
    limit: int | None
    max_entries: int
    checksum: str | None

    @classmethod
    def of(cls, params: t.Mapping[str, t.Any], *, now: float) -> FindOptions:
        """Read the options.

        :raises OptionError: one of them cannot be meant.
        """
        for name in ("limit", "max_entries"):
            if params[name] is not None and params[name] <= 0:
                raise OptionError(f"{name} cannot be {params[name]}.", hint="Give a number above 0.")
        return cls(
            paths=tuple(GuestPath.given(path) for path in params["paths"]),
            criteria=_criteria(params, now),
            recurse=params["recurse"],
            follow=params["follow"],
            hidden=params["hidden"],
            depth=params["depth"],
            limit=params["limit"],
            max_entries=params["max_entries"],
            checksum=params["checksum_algorithm"] if params["get_checksum"] else None,
        )


def _criteria(params: t.Mapping[str, t.Any], now: float) -> Criteria:
    is_regex = params["use_regex"]
    return Criteria(
        file_type=params["file_type"],
        patterns=_patterns("patterns", params["patterns"] or [".*" if is_regex else "*"], is_regex),
        excludes=_patterns("excludes", params["excludes"] or [], is_regex),
        age=_amount("age", params["age"], _AGE, _SECONDS),
        age_stamp=params["age_stamp"],
        size=_amount("size", params["size"], _SIZE, _BYTES),
        mode=_mode(params["mode"]),
        exact_mode=params["exact_mode"],
        contains=_contains(params),
        now=now,
    )


def _contains(params: t.Mapping[str, t.Any]) -> Pattern | None:
    if params["contains"] is None:
        return None
    return Pattern.of(
        params["contains"],
        encoding=params["encoding"],
        whole_file=params["read_whole_file"],
        max_size=params["max_size"],
    )


def _patterns(key: str, given: t.Sequence[str], is_regex: bool) -> tuple[re.Pattern[str], ...]:
    return tuple(compiled(key, text if is_regex else fnmatch.translate(text)) for text in given)


def compiled(key: str, pattern: str) -> re.Pattern[str]:
    """Compile a user's pattern for names.

    :raises OptionError: it is no regular expression.
    """
    try:
        return re.compile(pattern)
    except (re.error, OverflowError) as exc:
        raise OptionError(f"{key}: '{printable(pattern)}' is not a valid regular expression: {exc}.") from exc


def _amount(key: str, given: str | None, form: re.Pattern[str], units: t.Mapping[str, int]) -> int | None:
    if given is None:
        return None
    match = form.fullmatch(given.lower())
    if match is None:
        raise OptionError(
            f"failed to process {key}: '{printable(given)}'.", hint=f"Use a number and {'/'.join(units)}."
        )
    return int(match[1]) * units[match[2]]


def _mode(given: t.Any) -> int | None:
    if not given:
        return None
    if not isinstance(given, str):
        raise OptionError(
            f"argument 'mode' is not a string and conversion is not allowed, value is of type {type(given).__name__}"
        )
    return parse_mode(given, 0)


def _reaches(value: float, bound: int) -> bool:
    return value >= bound if bound >= 0 else value <= -bound
