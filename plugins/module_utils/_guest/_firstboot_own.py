# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""Firstboot scripts that other modules than ``firstboot`` install, because something is left to do in the guest."""

from __future__ import annotations

import dataclasses
import typing as t

from ._changes import apply_changes, changes_diff
from ._draft import Draft
from ._firstboot import init_of, require_linux
from ._firstboot_model import Options, Script
from ._firstboot_plan import Plan, State, diff, make_plan
from ._firstboot_results import runnable
from ._firstboot_state import apply_plan, read_state
from ._task import Outcome, Task


@dataclasses.dataclass(frozen=True)
class OwnScript:
    """A script that is to run at the next boot."""

    name: str
    content: str

    def model(self) -> Script:
        """Return it as firstboot knows it."""
        content = self.content.encode()
        return Script(self.name, content, content, options=Options(timeout=600))


def plan_script(task: Task, script: OwnScript) -> Plan:
    """Plan for a script to run at the next boot, also where it ran at one before.

    :raises GuestError: the guest cannot run firstboot scripts.
    """
    require_linux(task.guest.os)
    state = read_state(task.guest.files, init_of(task.guest.os), script.name, task.warn)
    return make_plan(_as_new(state, script.name), script.name, script.model())


def outcome_with_script(
    task: Task, draft: Draft, script: Plan | None, result: t.Mapping[str, t.Any], message: str
) -> Outcome:
    """Apply what the draft and the script's plan have, unless the task only checks, and return what became of it."""
    changes = draft.changes()
    changed = bool(changes) or bool(script and script.changes)
    if changed and not task.check:
        apply_changes(task.guest.files, changes)
        if script is not None:
            apply_plan(task.guest.files, script)
    return Outcome(
        changed=changed,
        result={**result, "msg": message},
        diff=[*changes_diff(changes), *(diff(script) if script is not None else [])],
        summary=message if changed else "",
    )


def _as_new(state: State, name: str) -> State:
    """Forget a script that has run, so that the plan installs it anew and clears what is recorded of it."""
    if name not in state.scripts or name in runnable(dict(state.scripts), dict(state.records)):
        return state
    others = {other: options for other, options in state.scripts.items() if other != name}
    return dataclasses.replace(state, scripts=others)
