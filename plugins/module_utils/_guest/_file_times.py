# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""The options of the module file about times: what they ask for, and what that makes of an entry's times."""

from __future__ import annotations

import dataclasses
import os
import time
import typing as t

from .._errors import GuestError, OptionError, printable
from ._files import FileStat
from ._paths import GuestPath
from ._steps import SetTimes

_BILLION = 10**9


def now() -> int:
    """Return the time in nanoseconds; that of SOURCE_DATE_EPOCH where it is set, so that an image can be made again."""
    moment = os.environ.get("SOURCE_DATE_EPOCH", "")
    return int(moment) * _BILLION if moment.isdecimal() else time.time_ns()


@dataclasses.dataclass(frozen=True)
class Times:
    """What is asked for, in nanoseconds since the epoch; None leaves a time as it is.

    :param explicit: whether one of them is a date, which a new entry does not have by itself.
    """

    atime: int | None = None
    mtime: int | None = None
    explicit: bool = False

    @classmethod
    def of(cls, params: t.Mapping[str, t.Any], *, default: str) -> Times:
        """Read the options.

        :param default: ``now`` or ``preserve``.
        :raises OptionError: a time does not have the format that goes with it.
        """
        moment = now()
        atime, mtime = (
            _parsed(params[name] or default, params[f"{name}_format"], moment)
            for name in ("access_time", "modification_time")
        )
        explicit = any(params[name] not in (None, "now", "preserve") for name in ("access_time", "modification_time"))
        return cls(atime, mtime, explicit)

    @property
    def any(self) -> bool:
        """Whether anything is asked for."""
        return self.atime is not None or self.mtime is not None

    def plan(self, path: GuestPath, found: FileStat) -> SetTimes | None:
        """Return what is to be done to an entry that is there.

        :raises GuestError: it is of a kind whose times cannot be set.
        """
        atime, mtime = times_of(found)
        wanted = SetTimes(
            path, atime if self.atime is None else self.atime, mtime if self.mtime is None else self.mtime
        )
        if (wanted.atime, wanted.mtime) == (atime, mtime):
            return None
        if found.kind not in ("file", "directory"):
            raise GuestError(
                f"Error while updating modification or access time: '{printable(path)}' is a {found.kind}."
            )
        return wanted

    def plan_new(self, path: GuestPath) -> SetTimes | None:
        """Return what is to be done to an entry that will have been made a moment ago, with the times of then."""
        if not self.explicit:
            return None
        moment = now()
        return SetTimes(path, *(moment if given is None else given for given in (self.atime, self.mtime)))


def times_of(found: FileStat) -> tuple[int, int]:
    """Return the times of access and of modification, in nanoseconds."""
    struct = found.struct
    return (
        struct["st_atime_sec"] * _BILLION + struct["st_atime_nsec"],
        struct["st_mtime_sec"] * _BILLION + struct["st_mtime_nsec"],
    )


def times_diff(found: FileStat | None, step: SetTimes) -> dict[str, dict[str, float]]:
    """Return ``before`` and ``after`` with the times that differ, in seconds, as os.stat(2) tells them in Python."""
    atime, mtime = (None, None) if found is None else times_of(found)
    diff: dict[str, dict[str, float]] = {"before": {}, "after": {}}
    for key, old, new in (("mtime", mtime, step.mtime), ("atime", atime, step.atime)):
        if old != new and old is not None:
            diff["before"][key], diff["after"][key] = old / _BILLION, new / _BILLION
    return diff


def _parsed(text: str, layout: str, moment: int) -> int | None:
    if text == "preserve":
        return None
    if text == "now":
        return moment
    try:
        return int(time.mktime(time.strptime(text, layout))) * _BILLION
    except (ValueError, OverflowError) as exc:
        raise OptionError(
            f"Error while obtaining timestamp for time {printable(text)} using format {printable(layout)}: "
            f"{printable(str(exc))}",
            hint="Give a time in that format, 'now' or 'preserve'.",
        ) from exc
