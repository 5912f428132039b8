# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""The module file: attributes, kind, links and times of one entry, and of all below a directory."""

from __future__ import annotations

import dataclasses
import posixpath
import typing as t

from .._errors import OptionError, printable
from ._attributes import entry_facts
from ._file_draft import Draft, Entry, FilePlan
from ._file_links import plan_hard, plan_link
from ._file_states import plan_absent, plan_directory, plan_file, plan_touch
from ._file_times import Times
from ._steps import canonical
from ._task import Outcome, Task

_PLANNERS: dict[str, t.Callable[[Draft, Entry], FilePlan]] = {
    "absent": plan_absent,
    "directory": plan_directory,
    "file": plan_file,
    "hard": plan_hard,
    "link": plan_link,
    "touch": plan_touch,
}
_AS_DEST = ("hard", "link", "touch")  # the states whose result has the path as ``dest``


def handle(task: Task) -> Outcome:
    """Run the task.

    :raises OptionError: the options cannot be meant. :raises GuestError: what is in the guest does not allow it.
    """
    draft = Draft(task.guest.files, task.params, task.warn)
    entry = _inside(draft, draft.look(canonical(draft.files, draft.options.path)))
    state = draft.options.state or _state_now(draft, entry)
    plan = make_plan(draft, entry, state, task.params)
    if plan.changed and not task.check:
        for step in plan.steps:
            step.apply(draft.files)
    return _outcome(draft, plan, state, applied=not task.check)


def make_plan(draft: Draft, entry: Entry, state: str, params: t.Mapping[str, t.Any]) -> FilePlan:
    """Decide what is to be done.

    :raises OptionError: the options do not go together, or a time is none.
    """
    if draft.options.recurse and state != "directory":
        raise OptionError("recurse option requires state to be 'directory'", details={"path": entry.shown})
    if draft.options.src and state not in ("link", "hard"):
        raise OptionError("src option requires state to be 'link' or 'hard'", details={"path": entry.shown})
    draft.times = Times.of(params, default="now" if state == "touch" else "preserve")
    plan = _PLANNERS[state](draft, entry)
    return dataclasses.replace(plan, steps=tuple(draft.steps), diff=draft.diff)


def _inside(draft: Draft, entry: Entry) -> Entry:
    """With a source, what is meant is the entry of its name in a directory that is at the path; not so for a link."""
    source = draft.options.src
    if not source or draft.options.state in ("link", "absent"):
        return entry
    there = draft.look(draft.files.resolve(entry.path))
    return draft.look(there.path.joined(posixpath.basename(source))) if there.state == "directory" else entry


def _state_now(draft: Draft, entry: Entry) -> str:
    if entry.found is not None:
        return entry.state
    return "directory" if draft.options.recurse else "file"


def _outcome(draft: Draft, plan: FilePlan, state: str, *, applied: bool) -> Outcome:
    key = "dest" if state in _AS_DEST else "path"
    shown = draft.options.path if plan.entry.path == canonical(draft.files, draft.options.path) else plan.entry.shown
    facts = _facts(draft, plan, applied=applied)
    diff = {side: {"path": shown, **plan.diff.get(side, {})} for side in ("before", "after")}
    summary = f"{printable(shown)}: {_said(plan, state)}" if plan.changed else ""
    return Outcome(plan.changed, {key: shown, **plan.details, **facts}, diff, summary)


def _facts(draft: Draft, plan: FilePlan, *, applied: bool) -> dict[str, t.Any]:
    """Describe the entry as it is by now, or as far as a plan that is not carried out can tell what it will be."""
    after = plan.after
    if after is None and applied:
        after = draft.files.lstat(plan.entry.path)
    if after is None:
        return {}
    is_there = applied or plan.entry.found is not None
    label = draft.files.label_of(plan.entry.path) if is_there else None
    return entry_facts(plan.entry.path, after, draft.attributes.names, label=label)


def _said(plan: FilePlan, state: str) -> str:
    if "state" in plan.diff.get("after", {}):
        return {"absent": "removed", "touch": "touched"}.get(state, f"made a {state}")
    return "attributes changed"
