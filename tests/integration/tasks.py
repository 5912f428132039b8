# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tasks as the tests of hostile guests and of check mode need them."""

from __future__ import annotations

import typing as t

from harness import Task

OPEN: Task = {"name": "open", "offline.guest.session": {"state": "open"}}
COMMIT: Task = {"name": "commit", "offline.guest.session": {"state": "committed"}}
DISCARD: Task = {"name": "discard", "offline.guest.session": {"state": "discarded"}}
REPORT: Task = {"name": "report", "offline.guest.firstboot_info": {}}


def edit(name: str, path: str, *edits: dict[str, t.Any], **options: t.Any) -> Task:
    """Return a task that edits ``path``: by default, one that adds a line."""
    return {
        "name": name,
        "offline.guest.edit": {"path": path, "edits": list(edits) or [{"line": "# added"}], **options},
    }


def firstboot(name: str, **options: t.Any) -> Task:
    """Return a task that installs a script; the task has its name."""
    return {"name": name, "offline.guest.firstboot": {"name": name, **options}}


def tried(task: Task) -> Task:
    """Return the task, after whose failure the play goes on."""
    return {**task, "ignore_errors": True}


def ended(tasks: t.Sequence[Task]) -> list[Task]:
    """Return tasks that open and end a session themselves, with an end for the session if one of them fails."""
    return [{"block": list(tasks), "rescue": [DISCARD, {"name": "give up", "ansible.builtin.fail": {}}]}]
