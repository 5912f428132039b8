# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""The module edit: several edits of one file as one write with one difference."""

from __future__ import annotations

import typing as t

from .._errors import GuestError, printable
from ._augeas import AugeasEdit, edit_augeas
from ._edit_line import EMPTY_PATTERN, LineEdit
from ._edit_options import AnyEdit, parse_edits, removes_only
from ._edits import apply_edit, numbered
from ._guest import Guest
from ._task import Outcome, Task
from ._text_file import Current, Plan, TextFile


def handle(task: Task) -> Outcome:
    """Run the task.

    :raises OptionError: the options are wrong. :raises GuestError: there is no such file, it is no regular file, it is
        larger than ``max_size``, or an edit cannot be applied to it.
    """
    edits = parse_edits(task.params["edits"])
    _warn(edits, task.warn)
    file = TextFile(task, follow=True, tells_attributes=True)
    current = file.read()
    content, messages = _edited_or_none(task, current, edits)
    plan = file.plan(current, content)
    file.carry_out(plan)
    return _outcome(task.params["path"], plan, messages)


def _edited_or_none(task: Task, current: Current, edits: t.Sequence[AnyEdit]) -> tuple[bytes | None, tuple[str, ...]]:
    """Return the content after the edits, and a message of each; None where there is no file and will be none.

    :raises GuestError: there is no file and none is to be made.
    """
    if current.content is None and edits and all(removes_only(edit) for edit in edits):
        return None, ("",) * len(edits)
    if current.content is None and not task.params["create"]:
        raise GuestError(
            f"There is no '{printable(task.params['path'])}' in the guest.", hint="Set create: true to have it made."
        )
    return _edited(task.guest, current, edits)


def _edited(guest: Guest, current: Current, edits: t.Sequence[AnyEdit]) -> tuple[bytes, tuple[str, ...]]:
    content = current.content
    messages = []
    for index, edit in enumerate(edits):
        with numbered(index):
            if isinstance(edit, AugeasEdit):
                is_on_disk = content is not None and content == current.content
                edited = edit_augeas(
                    guest.calls, guest.files, current.path, content or b"", edit, is_on_disk=is_on_disk
                )
            else:
                edited = apply_edit(content, edit, newline="file")
        content = edited.content
        messages.append(edited.message if edited.changed else "")
    return content or b"", tuple(messages)


def _warn(edits: t.Sequence[AnyEdit], warn: t.Callable[[str], None]) -> None:
    for index, edit in enumerate(edits):
        if isinstance(edit, LineEdit) and edit.matches_every_line:
            warn(f"edits[{index}]: {EMPTY_PATTERN}")


def _outcome(path: str, plan: Plan, messages: tuple[str, ...]) -> Outcome:
    message = "; ".join(_notes(plan, messages))
    result = {
        "path": path,
        "resolved_path": printable(plan.current.path, limit=4096),
        "msg": message,
        "messages": list(messages),
        "backup_file": printable(plan.backup, limit=4096) if plan.backup else None,
        "size": len(plan.content) if plan.content is not None else None,
        **_shown_attributes(plan),
    }
    summary = f"{printable(path)}: {message}" if plan.changed else ""
    return Outcome(
        changed=plan.changed, result=result, diff=[plan.content_diff(path), plan.attributes_diff(path)], summary=summary
    )


def _shown_attributes(plan: Plan) -> dict[str, t.Any]:
    if plan.attributes is None:
        return {"mode": None, "owner": None, "group": None}
    after = plan.attributes.after
    return {"mode": f"{after.mode:04o}", "owner": after.uid, "group": after.gid}


def _notes(plan: Plan, messages: tuple[str, ...]) -> t.Iterator[str]:
    is_new = plan.content is not None and plan.current.content is None
    if is_new:
        yield "file created"
    if plan.changes_content:
        yield from dict.fromkeys(message for message in messages if message)
    if plan.changes_attributes and not is_new:
        yield "attributes changed"
