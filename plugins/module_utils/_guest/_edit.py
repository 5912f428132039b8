# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""The module edit: several edits of one file as one write with one difference."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import time
import typing as t

from .._errors import GuestError, printable
from ._accounts import Accounts
from ._augeas import AugeasEdit, edit_augeas
from ._diff import attributes_diff, content_diff
from ._edit_line import LineEdit
from ._edit_options import AnyEdit, parse_edits, removes_only
from ._edits import apply_edit, numbered
from ._files import GuestFiles
from ._guest import Guest
from ._mode import parse_mode
from ._paths import GuestPath
from ._task import Outcome, Task

NEW_MODE = 0o644
_SET_ID = 0o6000


@dataclasses.dataclass(frozen=True)
class Attributes:
    """Mode and owner of a file."""

    mode: int
    uid: int
    gid: int

    def shown(self) -> dict[str, t.Any]:
        """As results and differences have them."""
        return {"mode": f"{self.mode:04o}", "owner": self.uid, "group": self.gid}


@dataclasses.dataclass(frozen=True)
class Current:
    """The file as it is.

    :param path: where it is, every link followed.
    :param content: None when there is no such file; so is ``attributes``.
    """

    path: GuestPath
    content: bytes | None
    attributes: Attributes | None


@dataclasses.dataclass(frozen=True)
class Plan:
    """What is to be done.

    :param content: the content afterwards; None when there will be no file.
    :param messages: one for each edit.
    """

    current: Current
    content: bytes | None
    attributes: Attributes | None
    messages: tuple[str, ...]
    backup: GuestPath | None

    @property
    def changes_content(self) -> bool:
        """Whether the file is written."""
        return self.content != self.current.content

    @property
    def changes_attributes(self) -> bool:
        """Whether mode, owner or group change, of a file that is there."""
        return self.current.attributes is not None and self.attributes != self.current.attributes

    @property
    def changed(self) -> bool:
        """Whether anything changes."""
        return self.changes_content or self.changes_attributes


def handle(task: Task) -> Outcome:
    """Run the task.

    :raises OptionError: the options are wrong. :raises GuestError: there is no such file, it is no regular file, it is
        larger than ``max_size``, or an edit cannot be applied to it.
    """
    edits = parse_edits(task.params["edits"])
    _warn(edits, task.warn)
    current = read(task.guest.files, task.params["path"], max_size=task.params["max_size"])
    plan = make_plan(task, current, edits)
    if plan.changed and not task.check:
        apply(task.guest.files, plan)
    return _outcome(task.params["path"], plan)


def read(files: GuestFiles, path: str, *, max_size: int) -> Current:
    """Read the file as it is."""
    target = files.resolve(path)
    content = files.read_optional(target, max_size=max_size)
    found = files.lstat(target)
    if content is None or found is None:
        return Current(target, None, None)
    return Current(target, content, Attributes(found.mode, found.uid, found.gid))


def make_plan(task: Task, current: Current, edits: t.Sequence[AnyEdit]) -> Plan:
    """Decide what is to be done. With Augeas this asks the appliance; otherwise it is pure.

    :raises GuestError: there is no file and none is to be made.
    """
    if current.content is None and edits and all(removes_only(edit) for edit in edits):
        return Plan(current, None, None, ("",) * len(edits), None)
    if current.content is None and not task.params["create"]:
        raise GuestError(
            f"There is no '{printable(task.params['path'])}' in the guest.", hint="Set create: true to have it made."
        )
    content, messages = _edited(task.guest, current, edits)
    attributes = _wanted(task.guest.files, task.params, current.attributes)
    backup = None
    if task.params["backup"] and current.content is not None and content != current.content:
        backup = backup_path(current.path, current.content)
    return Plan(current, content, attributes, messages, backup)


def apply(files: GuestFiles, plan: Plan) -> None:
    """Do what was decided, the content and its attributes at one instant."""
    path, wanted = plan.current.path, plan.attributes
    if wanted is None:
        raise AssertionError("a plan that changes something has a file")
    if not plan.changes_content:
        files.set_attributes(path, wanted.mode, wanted.uid, wanted.gid)
        return
    if plan.backup is not None:
        files.write(plan.backup, plan.current.content or b"", like=path)
    if plan.current.content is None:
        files.make_dir(path.parent, mode=0o755)
    files.write(path, plan.content or b"", mode=wanted.mode, uid=wanted.uid, gid=wanted.gid)


def backup_path(path: GuestPath, content: bytes) -> GuestPath:
    """Return ``NAME.ID.YYYY-MM-DD@HH:MM:SS~``, Ansible's form.

    Where Ansible has the process id, this has a digest of the content, and the time is that of SOURCE_DATE_EPOCH where
    it is set, in UTC: so the same image can be made again.
    """
    moment = os.environ.get("SOURCE_DATE_EPOCH", "")
    stamp = time.strftime("%Y-%m-%d@%H:%M:%S", time.gmtime(int(moment) if moment.isdecimal() else None))
    return path.parent.joined(f"{path.name}.{hashlib.sha256(content).hexdigest()[:8]}.{stamp}~")


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


def _wanted(files: GuestFiles, params: t.Mapping[str, t.Any], current: Attributes | None) -> Attributes:
    start = current or Attributes(NEW_MODE, 0, 0)
    uid, gid = start.uid, start.gid
    if params["owner"] is not None or params["group"] is not None:
        accounts = Accounts.read(files)
        uid = uid if params["owner"] is None else accounts.uid_of(params["owner"])
        gid = gid if params["group"] is None else accounts.gid_of(params["group"])
    if params["mode"] is not None:
        return Attributes(parse_mode(params["mode"], start.mode), uid, gid)
    # As everywhere, a file that goes to another owner keeps no right to run as that owner.
    keeps_ids = (uid, gid) == (start.uid, start.gid)
    return Attributes(start.mode if keeps_ids else start.mode & ~_SET_ID, uid, gid)


def _warn(edits: t.Sequence[AnyEdit], warn: t.Callable[[str], None]) -> None:
    for index, edit in enumerate(edits):
        if isinstance(edit, LineEdit) and "" in (edit.regexp, edit.search_string):
            warn(f"edits[{index}]: an empty pattern matches every line. Use '^' if that is what you want.")


def _outcome(path: str, plan: Plan) -> Outcome:
    message = "; ".join(_notes(plan))
    attributes = plan.attributes.shown() if plan.attributes else {"mode": None, "owner": None, "group": None}
    result = {
        "path": path,
        "resolved_path": printable(plan.current.path, limit=4096),
        "msg": message,
        "messages": list(plan.messages),
        "backup_file": printable(plan.backup, limit=4096) if plan.backup else None,
        "size": len(plan.content) if plan.content is not None else None,
        **attributes,
    }
    diff = [
        content_diff(path, plan.current.content or b"", plan.content or b""),
        attributes_diff(
            path,
            plan.current.attributes.shown() if plan.current.attributes else {},
            plan.attributes.shown() if plan.attributes else {},
        ),
    ]
    summary = f"{printable(path)}: {message}" if plan.changed else ""
    return Outcome(changed=plan.changed, result=result, diff=diff, summary=summary)


def _notes(plan: Plan) -> t.Iterator[str]:
    if plan.content is not None and plan.current.content is None:
        yield "file created"
    if plan.changes_content:
        yield from dict.fromkeys(message for message in plan.messages if message)
    if plan.changes_attributes:
        yield "mode, owner or group changed"
