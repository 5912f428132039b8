# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""The module lineinfile."""

from __future__ import annotations

import typing as t

from ._edit_line import EMPTY_PATTERN, LineEdit, edit_line, line_edit
from ._task import Outcome, Task
from ._text_twin import edit_text, options_of, read_text


def handle(task: Task) -> Outcome:
    """Run a task of the module lineinfile.

    :raises OptionError: the options are wrong. :raises GuestError: there is no such file, or it cannot be edited.
    """
    edit = _line_edit(task.params)
    if edit.matches_every_line:
        task.warn(EMPTY_PATTERN[0].upper() + EMPTY_PATTERN[1:])
    file, current = read_text(task)
    is_absent = edit.state == "absent"
    if current.content is None and is_absent:
        return Outcome(changed=False, result={"msg": "file not present"})
    done = edit_text(
        task, file, current, lambda content: edit_line(content or b"", edit), creates=task.params["create"]
    )
    backup = {"backup": done.backup.get("backup_file", "")}
    found = {"found": done.edited.found} if is_absent else {}
    return done.outcome({"msg": done.message, **backup, **found}, done.both_diffs)


def _line_edit(params: t.Mapping[str, t.Any]) -> LineEdit:
    return line_edit({key: value for key, value in options_of(LineEdit, params).items() if value is not None})
