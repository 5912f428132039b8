# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""The module blockinfile."""

from __future__ import annotations

from .._errors import printable
from ._edit_block import BlockEdit, edit_block
from ._task import Outcome, Task
from ._text_twin import edit_text, options_of, read_text


def handle(task: Task) -> Outcome:
    """Run a task of the module blockinfile.

    :raises OptionError: the options are wrong. :raises GuestError: there is no such file, or it cannot be edited.
    """
    edit = BlockEdit(**options_of(BlockEdit, task.params))
    file, current = read_text(task)
    if current.content is None and task.params["create"] and edit.state == "absent":
        return Outcome(changed=False, result={"msg": f"File {printable(task.params['path'])} not present"})
    done = edit_text(task, file, current, lambda content: edit_block(content, edit), creates=task.params["create"])
    return done.outcome({"msg": done.message, **done.backup}, done.both_diffs)
