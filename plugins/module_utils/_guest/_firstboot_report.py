# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""The task ``firstboot_info``: what ran at the guest's boots, read from its stopped disk."""

from __future__ import annotations

import dataclasses
import datetime
import re
import typing as t

from .._errors import GuestError, OptionError, printable
from ._firstboot import require_linux
from ._firstboot_layout import PENDING, RESULTS, RUNNER_FILE, SCRIPTS
from ._firstboot_model import Options, check_name
from ._firstboot_results import Record, runnable, state_of
from ._firstboot_state import read_records, read_scripts, read_state
from ._init_system import init_of
from ._task import Outcome, Task

MAX_LOG = 4 * 1024 * 1024  # the runner keeps about 1 MiB, so more is not its own


def handle(task: Task) -> Outcome:
    """Describe the runner, and all scripts or one.

    :raises OptionError: ``max_log`` is negative, or more than 4 MiB; ``name`` is no script's name.
    :raises GuestError: this kind of guest has no firstboot scripts.
    """
    if not 0 <= task.params["max_log"] <= MAX_LOG:
        raise OptionError(f"The option max_log must be between 0 and {MAX_LOG}.")
    require_linux(task.guest.os)
    files = task.guest.files
    scripts = read_scripts(files, task.warn)
    records = read_records(files, scripts, task.warn)
    to_run = runnable(scripts, records)
    chosen = _chosen(scripts, task.params.get("name"))
    return Outcome(
        changed=False,
        result={
            **_runner(task),
            "to_run": to_run,
            "scripts": [_describe(task, name, scripts[name], records.get(name), name in to_run) for name in chosen],
        },
    )


def _chosen(scripts: t.Collection[str], name: str | None) -> list[str]:
    if name is None:
        return sorted(scripts)
    check_name(name)
    return [name] if name in scripts else []


def _runner(task: Task) -> dict[str, t.Any]:
    state = read_state(task.guest.files, init_of(task.guest.os), "none", lambda _text: None)
    links = [path for path in state.starting if path in state.entries and state.entries[path].kind == "link"]
    return {
        "runner_installed": RUNNER_FILE in state.entries,
        "enabled": PENDING in state.entries and bool(links),
        "init_system": state.init,
    }


def _describe(task: Task, name: str, options: Options, record: Record | None, will_run: bool) -> dict[str, t.Any]:
    log, truncated = _log(task, name)
    shown = dataclasses.asdict(options)
    del shown["identity"]
    return {
        "name": name,
        "path": str(SCRIPTS.joined(name, "script")),
        "state": state_of(record, will_run=will_run),
        "will_run": will_run,
        "exit_status": record.exit_status if record else None,
        "attempts": record.attempts if record else 0,
        "started": _time(record.started) if record else None,
        "ended": _time(record.ended) if record else None,
        "log": log,
        "log_truncated": truncated,
        "options": {**shown, "user": printable(options.user) or "root"},
    }


def _log(task: Task, name: str) -> tuple[str, bool]:
    """Return the end of a script's log, where a failure is told, and whether something is missing before it."""
    limit = task.params["max_log"]
    path = RESULTS.joined(name, "log")
    try:
        content = task.guest.files.read_optional(path, max_size=MAX_LOG) or b""
    except GuestError as exc:
        task.warn(str(exc))
        return "", True
    kept = content[len(content) - limit :] if len(content) > limit else content
    return log_text(kept), len(content) > limit


def log_text(content: bytes) -> str:
    """Return a log safe to show: line breaks and tabs stay, everything else as :func:`printable` has it.

    Bytes that are not UTF-8 become U+FFFD.
    """
    text = content.decode("utf-8", "replace")
    return "".join(
        part if part in ("\n", "\t") else printable(part, limit=len(part)) for part in re.split(r"([\n\t])", text)
    )


def _time(seconds: int | None) -> str | None:
    """Return ISO 8601 in UTC."""
    if seconds is None:
        return None
    moment = datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=seconds)
    return f"{moment.isoformat()}Z"
