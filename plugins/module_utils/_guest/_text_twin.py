# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""What the modules lineinfile, blockinfile, replace and ini_file share: one edit, reported as their twins report it.

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

from .._errors import GuestError, printable
from ._edited import Edited
from ._task import Outcome, Task
from ._text_file import Current, Plan, TextFile

_IS_DIRECTORY = 256
_IS_MISSING = 257
_ATTRIBUTES_CHANGED = "ownership, perms or SE linux context changed"
#: From the content, None where there is no file, to what becomes of it.
Editor = t.Callable[[t.Optional[bytes]], Edited]


@dataclasses.dataclass(frozen=True)
class Done:
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


def options_of(kind: type[t.Any], params: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Return the options that a kind of edit has."""
    return {field.name: params[field.name] for field in dataclasses.fields(kind)}


def read_text(
    task: Task, *, follow: bool = False, replaces_link: bool = False, tells_attributes: bool = False
) -> tuple[TextFile, Current]:
    """Return the file that the option ``path`` names, and how it is; see :class:`TextFile`.

    :raises GuestError: it is no regular file, or too large.
    """
    file = TextFile(task, follow=follow, replaces_link=replaces_link, tells_attributes=tells_attributes)
    try:
        return file, file.read()
    except GuestError as exc:
        if exc.details.get("kind") != "directory":
            raise
        shown = printable(task.params["path"])
        raise GuestError(f"Path {shown} is a directory of the guest.", details={"rc": _IS_DIRECTORY}) from exc


def edit_text(
    task: Task, file: TextFile, current: Current, editor: Editor, *, creates: bool, may_give_up: bool = False
) -> Done:
    """Plan an edit and, unless the task is a check, carry it out.

    :param may_give_up: where the edit says why it changed nothing, the attributes are left alone as well.
    :raises OptionError: the edit is wrong. :raises GuestError: there is no such file, or it cannot be edited.
    """
    path = task.params["path"]
    if current.content is None and not creates:
        raise GuestError(f"Path {printable(path)} does not exist in the guest.", details={"rc": _IS_MISSING})
    edited = editor(current.content)
    if edited.changed and edited.content == current.content:  # ini_file removes nothing and calls that a change
        edited = dataclasses.replace(edited, changed=False, message="OK")
    gives_up = may_give_up and not edited.changed and bool(edited.message)
    content = edited.content if edited.changed else current.content
    plan = file.plan(current, content, keeps_attributes=gives_up)
    file.carry_out(plan)
    return Done(path, plan, edited)


def with_attributes(done: Done, content: dict[str, t.Any] | None) -> t.Any:
    """Return the twin's difference, and that of the attributes if there is one, of which the twin says nothing."""
    if not done.plan.changes_attributes:
        return content
    attributes = done.plan.attributes_diff(done.path)
    return [attributes] if content is None else [content, attributes]
