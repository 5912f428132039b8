# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""The module replace."""

from __future__ import annotations

from ._diff import content_diff
from ._edit_replace import ReplaceEdit, edit_replace
from ._task import Outcome, Task
from ._text_twin import edit_text, options_of, read_text, with_attributes


def handle(task: Task) -> Outcome:
    """Run a task of the module replace.

    :raises OptionError: the options are wrong. :raises GuestError: there is no such file, or it cannot be edited.
    """
    edit = ReplaceEdit(**options_of(ReplaceEdit, task.params))
    file, current = read_text(task)
    done = edit_text(
        task, file, current, lambda content: edit_replace(content or b"", edit), creates=False, may_give_up=True
    )
    diff = None
    if done.plan.changes_content:
        texts = [_as_utf8(content, edit.encoding) for content in (current.content, done.plan.content)]
        diff = {**content_diff(done.path, *texts), "before_header": done.path, "after_header": done.path}
    return done.outcome({"rc": 0, "msg": done.message, **done.backup}, with_attributes(done, diff))


def _as_utf8(content: bytes | None, encoding: str) -> bytes:
    return (content or b"").decode(encoding, "surrogateescape").encode("utf-8", "surrogateescape")
