# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""What the runner recorded in the guest, and what follows from it: which scripts the next boot runs.

The files read here come from the guest, so they are hostile: anything may stand in them. Shapes are checked with
voluptuous, and what is damaged counts as the runner counts it, for both must come to the same decision.
"""

from __future__ import annotations

import dataclasses
import traceback
import typing as t

from .._errors import HostError
from ._firstboot_model import Options

MISSING: str | None = None
try:
    import voluptuous as vol
except ImportError:
    MISSING = traceback.format_exc()

RecordState = t.Literal["running", "done", "failed", "timeout", "interrupted"]
_STATES = ("running", "done", "failed", "timeout", "interrupted")

MAX_RECORD = 64 * 1024
_MAX_NUMBER = 10**12 - 1  # as the runner: twelve digits
_MAX_TIME = 2**37  # seconds since the epoch, the year 6325: datetime ends at 9999


@dataclasses.dataclass(frozen=True)
class Record:
    """What the runner knows of a script that it has started.

    :param exit_status: 0 to 255 (128 + signal for one that a signal ended); None while it is not known.
    :param attempts: how often it was started, at least 1.
    :param started: seconds since the epoch by the guest's clock at the first attempt; None where it is not known.
    :param ended: likewise, at the end of the last.
    """

    state: RecordState
    exit_status: int | None = None
    attempts: int = 1
    started: int | None = None
    ended: int | None = None


def parse_record(text: bytes) -> tuple[Record, list[str]]:
    """Read a record; what is damaged in it is left out and named.

    A record that says nothing usable proves that the script was started, so it reads as ``running`` after one attempt.
    """
    limits = {
        "state": _STATES,
        "exit_status": 255,
        "attempts": _MAX_NUMBER,
        "started": _MAX_TIME,
        "ended": _MAX_TIME,
    }
    values, damaged = _parse(text, limits)
    if "state" not in values:
        damaged.append("state")
    values.setdefault("state", "running")
    values["attempts"] = max(1, values.get("attempts", 1))
    return Record(**values), sorted(set(damaged))


def parse_options(text: bytes) -> tuple[Options, list[str]]:
    """Read an options file; what is damaged in it has its default, and is named."""
    limits = {
        "timeout": _MAX_NUMBER,
        "retries": _MAX_NUMBER,
        "retry_delay": _MAX_NUMBER,
        "on_failure": ("continue", "stop"),
        "reboot": ("yes", "no"),
        "wants_network": ("yes", "no"),
        "user": str,
        "identity": str,
    }
    values, damaged = _parse(text, limits)
    for key in ("reboot", "wants_network"):
        if key in values:
            values[key] = values[key] == "yes"
    return Options(**values), sorted(set(damaged))


def may_run(options: Options, record: Record | None) -> bool:
    """Tell whether the runner would start this script, were it the next."""
    if record is None:
        return True
    return record.state == "running" and record.attempts <= options.retries


def runnable(scripts: t.Mapping[str, Options], records: t.Mapping[str, Record]) -> list[str]:
    """Return the names that the runner will run, in its order; those after a failure that stops are not among them."""
    names = []
    for name in sorted(scripts):  # ASCII only, so this is byte order
        record = records.get(name)
        if may_run(scripts[name], record):
            names.append(name)
        elif record is not None and record.state != "done" and scripts[name].on_failure == "stop":
            break
    return names


def state_of(record: Record | None, *, will_run: bool) -> str:
    """Return the state to show: that of the record, or ``pending``, or ``blocked`` behind a failure that stops.

    No script of a stopped guest runs, so one that is recorded as running was cut off.
    """
    if record is not None:
        return "interrupted" if record.state == "running" else record.state
    return "pending" if will_run else "blocked"


def _parse(text: bytes, limits: t.Mapping[str, t.Any]) -> tuple[dict[str, t.Any], list[str]]:
    """Read ``KEY=VALUE`` lines: the known keys with a value that fits, and the names of those whose value does not.

    :param limits: by key the greatest number, or the allowed words, or ``str`` for any text.
    """
    if MISSING:
        raise HostError("The Python that runs this module has no voluptuous.", hint="Install it with pip.")
    values: dict[str, t.Any] = {}
    damaged = []
    for line in text.decode("utf-8", "replace").split("\n"):
        key, _separator, value = line.partition("=")
        if key not in limits or value == "":  # the runner leaves empty what it does not know yet
            continue
        try:
            values[key] = vol.Schema(_validator(limits[key]))(value)
        except vol.Invalid:
            damaged.append(key)
    return values, damaged


def _validator(limit: t.Any) -> t.Any:
    if limit is str:
        return vol.All(str, vol.Length(max=255))
    if isinstance(limit, tuple):
        return vol.In(limit)
    return vol.All(vol.Match(r"\A[0-9]{1,12}\Z"), vol.Coerce(int), vol.Range(max=limit))
