# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""The modules lineinfile, blockinfile, replace and ini_file: one edit, reported as the twin of each reports it.

What the twins do with links is kept, even where it surprises:

* lineinfile, blockinfile and replace write through a link, but owner, group and mode are those of the link itself,
  which has no mode (``load_file_common_arguments`` in ansible/module_utils/basic.py follows for ``follow: true`` only).
* ini_file without ``follow`` reads through a link and puts a file in its place.
* The backup is beside the path that was given, not beside what it leads to.

What is not kept: in check mode a twin does not look at the attributes of a file that is not there (ini_file: of any),
so it predicts less than it does; ours predicts all. ini_file may report the removal of an empty section; ours reports
what differs. Of the difference of attributes replace and ini_file say nothing;
ours adds it.
"""

from __future__ import annotations

import dataclasses
import typing as t

from .._errors import GuestError, OptionError, printable
from ._attributes import entry_facts
from ._diff import content_diff
from ._edit_block import BlockEdit
from ._edit_line import EMPTY_PATTERN, LineEdit
from ._edit_options import line_edit, section_has
from ._edit_replace import ReplaceEdit
from ._edited import Edited
from ._edits import Edit, apply_edit
from ._files import GuestFiles
from ._ini import IniEdit
from ._task import Outcome, Task
from ._text_file import Current, Plan, TextFile

_IS_DIRECTORY = 256
_IS_MISSING = 257
_ATTRIBUTES_CHANGED = "ownership, perms or SE linux context changed"

E = t.TypeVar("E", BlockEdit, ReplaceEdit, IniEdit)


@dataclasses.dataclass(frozen=True)
class _Done:
    """A task that was planned and, unless it is a check, carried out."""

    path: str
    plan: Plan
    edited: Edited

    @property
    def message(self) -> str:
        """The message of the edit, and that attributes changed, as three of the twins say it."""
        said = [self.edited.message, _ATTRIBUTES_CHANGED if self.plan.changes_attributes else ""]
        return " and ".join(part for part in said if part)

    @property
    def backup(self) -> dict[str, str]:
        """The return value ``backup_file``, which is there only where there is a backup."""
        return {"backup_file": printable(self.plan.backup, limit=4096)} if self.plan.backup else {}

    @property
    def both_diffs(self) -> list[dict[str, t.Any]]:
        """The difference of the content and that of the attributes, whether there is one or not."""
        return [self.plan.content_diff(self.path), self.plan.attributes_diff(self.path)]

    def outcome(self, result: t.Mapping[str, t.Any], diff: t.Any) -> Outcome:
        """Return the outcome with the twin's return values."""
        summary = f"{printable(self.path)}: {printable(self.message)}" if self.plan.changed else ""
        return Outcome(changed=self.plan.changed, result=result, diff=diff, summary=summary)


def handle_lineinfile(task: Task) -> Outcome:
    """Run a task of the module lineinfile.

    :raises OptionError: the options are wrong. :raises GuestError: there is no such file, or it cannot be edited.
    """
    edit = _line_edit(task.params)
    if edit.matches_every_line:
        task.warn(EMPTY_PATTERN[0].upper() + EMPTY_PATTERN[1:])
    file, current = _read(task)
    is_absent = edit.state == "absent"
    if current.content is None and is_absent:
        return Outcome(changed=False, result={"msg": "file not present"})
    done = _edit(task, file, current, edit, creates=task.params["create"])
    backup = {"backup": done.backup.get("backup_file", "")}
    found = {"found": done.edited.found} if is_absent else {}
    return done.outcome({"msg": done.message, **backup, **found}, done.both_diffs)


def handle_blockinfile(task: Task) -> Outcome:
    """Run a task of the module blockinfile.

    :raises OptionError: the options are wrong. :raises GuestError: there is no such file, or it cannot be edited.
    """
    edit = _from_options(BlockEdit, task.params)
    file, current = _read(task)
    if current.content is None and task.params["create"] and edit.state == "absent":
        return Outcome(changed=False, result={"msg": f"File {task.params['path']} not present"})
    done = _edit(task, file, current, edit, creates=task.params["create"])
    return done.outcome({"msg": done.message, **done.backup}, done.both_diffs)


def handle_replace(task: Task) -> Outcome:
    """Run a task of the module replace.

    :raises OptionError: the options are wrong. :raises GuestError: there is no such file, or it cannot be edited.
    """
    edit = _from_options(ReplaceEdit, task.params)
    file, current = _read(task)
    done = _edit(task, file, current, edit, creates=False)
    diff = None
    if done.plan.changes_content:
        texts = [_as_utf8(content, edit.encoding) for content in (current.content, done.plan.content)]
        diff = {**content_diff(done.path, *texts), "before_header": done.path, "after_header": done.path}
    return done.outcome({"rc": 0, "msg": done.message, **done.backup}, _with_attributes(done, diff))


def handle_ini_file(task: Task) -> Outcome:
    """Run a task of the module ini_file.

    :raises OptionError: the options are wrong. :raises GuestError: there is no such file, or it cannot be edited.
    """
    edit = _ini_edit(task.params)
    file, current = _read(task, follow=task.params["follow"], replaces_link=True)
    done = _edit(task, file, current, edit, creates=task.params["create"])
    diff = _with_attributes(done, done.plan.content_diff(done.path))
    result = {"msg": done.edited.message, "path": done.path, **_facts(task, file, done.plan), **done.backup}
    return done.outcome(result, diff)


# Reading the options


def _line_edit(params: t.Mapping[str, t.Any]) -> LineEdit:
    keys = [field.name for field in dataclasses.fields(LineEdit)]
    return line_edit({key: params[key] for key in keys if params[key] is not None})


def _from_options(kind: type[E], params: t.Mapping[str, t.Any]) -> E:
    return kind(**{field.name: params[field.name] for field in dataclasses.fields(kind)})


def _ini_edit(params: t.Mapping[str, t.Any]) -> IniEdit:
    value, values = params["value"], params["values"] or []
    if params["state"] == "present" and value is None and not values and not params["allow_no_value"]:
        raise OptionError("One of value, values and allow_no_value must be there with state: present.")
    conditions = params["section_has_values"]
    if conditions is not None:
        conditions = tuple(section_has(condition) for condition in conditions)
    values = tuple(values) if value is None else (value,)
    return _from_options(IniEdit, {**params, "values": values, "section_has_values": conditions})


# Running the task


def _read(task: Task, *, follow: bool = False, replaces_link: bool = False) -> tuple[TextFile, Current]:
    file = TextFile(task, follow=follow, replaces_link=replaces_link)
    try:
        return file, file.read()
    except GuestError as exc:
        if exc.details.get("kind") != "directory":
            raise
        shown = printable(task.params["path"])
        raise GuestError(f"Path {shown} is a directory of the guest.", details={"rc": _IS_DIRECTORY}) from exc


def _edit(task: Task, file: TextFile, current: Current, edit: Edit, *, creates: bool) -> _Done:
    path = task.params["path"]
    if current.content is None and not creates:
        raise GuestError(f"Path {printable(path)} does not exist in the guest.", details={"rc": _IS_MISSING})
    edited = apply_edit(current.content, edit, newline="\n")
    if edited.changed and edited.content == current.content:  # ini_file removes nothing and calls that a change
        edited = dataclasses.replace(edited, changed=False, message="OK")
    # Where it says why it changed nothing, replace leaves the attributes alone as well.
    gives_up = isinstance(edit, ReplaceEdit) and not edited.changed and bool(edited.message)
    content = edited.content if edited.changed else current.content
    plan = file.plan(current, content, keeps_attributes=gives_up)
    file.carry_out(plan)
    return _Done(path, plan, edited)


# Reporting


def _with_attributes(done: _Done, content: dict[str, t.Any] | None) -> t.Any:
    """The twin's difference, and that of the attributes if there is one, of which the twin says nothing."""
    if not done.plan.changes_attributes:
        return content
    attributes = done.plan.attributes_diff(done.path)
    return [attributes] if content is None else [content, attributes]


def _as_utf8(content: bytes | None, encoding: str) -> bytes:
    return (content or b"").decode(encoding, "surrogateescape").encode("utf-8", "surrogateescape")


def _facts(task: Task, file: TextFile, plan: Plan) -> dict[str, t.Any]:
    """What Ansible adds to a result that has a ``path`` at which there is something: here about the guest's entry.

    It is about the path itself: of a link, even one that was followed, it describes the link.
    """
    files, entry, found = task.guest.files, plan.current.entry, plan.found_after
    if task.params["follow"]:
        link = files.lstat(task.params["path"])
        if link is not None and link.kind == "link":
            return entry_facts(entry, link, file.planner.accounts, label=files.label_of(task.params["path"]))
    if found is None:
        return {}
    return entry_facts(entry, found, file.planner.accounts, label=_label(files, plan))


def _label(files: GuestFiles, plan: Plan) -> str | None:
    entry, attributes = plan.current.entry, plan.attributes
    if attributes is not None and attributes.after.context is not None:
        return ":".join(part for part in attributes.after.context if part)
    return files.label_of(entry) if plan.current.found else files.labeler.label_for(entry, "file")
