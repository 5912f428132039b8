# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""The module ini_file."""

from __future__ import annotations

import typing as t

from .._errors import OptionError
from ._attributes import entry_facts
from ._files import GuestFiles
from ._ini import IniEdit, edit_ini, section_has
from ._task import Outcome, Task
from ._text_file import Plan, TextFile
from ._text_twin import edit_text, options_of, read_text, with_attributes


def handle(task: Task) -> Outcome:
    """Run a task of the module ini_file.

    :raises OptionError: the options are wrong. :raises GuestError: there is no such file, or it cannot be edited.
    """
    edit = _ini_edit(task.params)
    file, current = read_text(task, follow=task.params["follow"], replaces_link=True, tells_attributes=True)
    done = edit_text(
        task, file, current, lambda content: edit_ini(content or b"", edit, strict=True), creates=task.params["create"]
    )
    diff = with_attributes(done, done.plan.content_diff(done.path))
    result = {"msg": done.edited.message, "path": done.path, **_facts(task, file, done.plan), **done.backup}
    return done.outcome(result, diff)


def _ini_edit(params: t.Mapping[str, t.Any]) -> IniEdit:
    value, values = params["value"], params["values"] or []
    if params["state"] == "present" and value is None and not values and not params["allow_no_value"]:
        raise OptionError("One of value, values and allow_no_value must be there with state: present.")
    conditions = params["section_has_values"]
    if conditions is not None:
        conditions = tuple(section_has(condition) for condition in conditions)
    values = tuple(values) if value is None else (value,)
    return IniEdit(**options_of(IniEdit, {**params, "values": values, "section_has_values": conditions}))


def _facts(task: Task, file: TextFile, plan: Plan) -> dict[str, t.Any]:
    """What Ansible adds to a result that has a ``path`` at which there is something: here about the guest's entry.

    It is about the path itself: of a link, even one that was followed, it describes the link.
    """
    files, entry, found = task.guest.files, plan.current.entry, plan.found_after
    if task.params["follow"]:
        link = files.lstat(task.params["path"])
        if link is not None and link.kind == "link":
            return entry_facts(entry, link, file.planner.names, label=files.label_of(task.params["path"]))
    if found is None:
        return {}
    return entry_facts(entry, found, file.planner.names, label=_label(files, plan))


def _label(files: GuestFiles, plan: Plan) -> str | None:
    entry, attributes = plan.current.entry, plan.attributes
    if attributes is not None and attributes.after.context is not None:
        return ":".join(part for part in attributes.after.context if part)
    return files.label_of(entry) if plan.current.found else files.labeler.label_for(entry, "file")
