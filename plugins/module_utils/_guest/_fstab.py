# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""The module fstab: what a guest mounts when it boots."""

from __future__ import annotations

import dataclasses
import typing as t

from .._errors import OptionError, printable
from ._changes import (
    Change,
    Directory,
    File,
    carry_out,
    changed_paths,
)
from ._fstab_lines import Mount, with_mount, without_mount
from ._paths import GuestPath
from ._task import Outcome, Task

MAX_SIZE = 1024 * 1024
#: Mount points of what is not mounted anywhere.
NOWHERE = ("none", "swap")
_LIVE = "state: {0} is about what a running system has mounted, and no system runs in an image."
_HINTS = {
    "mounted": "Use state: present. The guest mounts it when it boots.",
    "unmounted": "Use state: absent to have it mounted no more.",
    "remounted": "Use state: present with the opts that it is to have. The guest mounts it with them when it boots.",
    "ephemeral": "Use state: present, or mount it with offline.guest.firstboot.",
}


@dataclasses.dataclass(frozen=True)
class Wish:
    """The options, checked.

    :param path: a mount point, or one of :data:`NOWHERE`.
    :param mount: the entry; None where there is to be none.
    """

    path: str
    src: str | None
    mount: Mount | None
    fstab: GuestPath


def handle(task: Task) -> Outcome:
    """Run the task.

    :raises OptionError: the options are wrong. :raises GuestError: fstab is too large or no regular file.
    """
    if task.params["opts_no_log"] and task.params["opts"]:
        task.hide(task.params["opts"])
    wish = parse(task.params, task.warn)
    changes = plan(task, wish)
    return _outcome(task, wish, changes)


def parse(params: t.Mapping[str, t.Any], warn: t.Callable[[str], None]) -> Wish:
    """Check the options.

    :raises OptionError: the state cannot be meant offline, or a value is wrong.
    """
    state = params["state"]
    if state in _HINTS:
        raise OptionError(_LIVE.format(state), hint=_HINTS[state])
    path = params["path"] if params["path"] in NOWHERE else str(GuestPath(params["path"]))
    mount = None
    if state == "present":
        numbers = {key: params[key] if params[key] is not None else "0" for key in ("dump", "passno")}
        mount = Mount(params["src"], path, params["fstype"], _opts(params, warn), **numbers)
    return Wish(path, params["src"], mount, GuestPath(params["fstab"] or "/etc/fstab"))


def _opts(params: t.Mapping[str, t.Any], warn: t.Callable[[str], None]) -> str:
    given = "defaults" if params["opts"] is None else str(params["opts"])
    is_noauto = "noauto" in given.split(",")
    if params["boot"] and is_noauto:
        warn("boot is passed over, because noauto is among the opts.")
    return given if params["boot"] or is_noauto else f"{given},noauto"


def plan(task: Task, wish: Wish) -> list[Change]:
    """Decide what is to be done."""
    before = File.read(task.guest.files, wish.fstab, max_size=MAX_SIZE)
    content = before.content if before else b""
    after = with_mount(content, wish.mount) if wish.mount else without_mount(content, wish.path, wish.src)
    changes: list[Change] = []
    if before is not None or after:
        change = Change.of_file(wish.fstab, before, after, is_secret=task.params["opts_no_log"])
        changes.append(change.with_backup(task.guest.files.resolve(wish.fstab)) if task.params["backup"] else change)
    return [*changes, *_mount_point(task, wish, has_entry_gone=after != content)]


def _mount_point(task: Task, wish: Wish, *, has_entry_gone: bool) -> list[Change]:
    if wish.path in NOWHERE:
        return []
    path = GuestPath(wish.path)
    there = task.guest.files.lstat(task.guest.files.resolve(path))
    if wish.mount is not None:  # a file may be mounted over as well, so whatever is there stays
        return [Change(path, None, Directory())] if there is None and task.params["create_mount_point"] else []
    if task.params["state"] != "absent" or not has_entry_gone:
        return []
    found = task.guest.files.lstat(path)
    if found is None or found.kind != "directory":
        return []
    is_mounted = any(system.mountpoints.get(path) for system in task.guest.systems)
    if is_mounted or task.guest.files.list_dir(path):
        task.warn(f"The directory {printable(path)} stays, because it is not empty or is mounted in this session.")
        return []
    return [Change(path, Directory(), None)]


def _outcome(task: Task, wish: Wish, changes: list[Change]) -> Outcome:
    params = task.params
    result: dict[str, t.Any] = {
        "name": wish.path,
        "fstab": str(wish.fstab),
        "backup_file": "",
        "state": params["state"],
    }
    if wish.mount is not None:
        entry = dataclasses.asdict(wish.mount)
        result.update({key: entry[key] for key in ("src", "fstype", "opts", "dump", "passno")})
        result["boot"] = "yes" if params["boot"] else "no"
    for change in changes:
        if change.backup is not None:
            result["backup_file"] = printable(change.backup, limit=4096)
    result["paths"] = changed_paths(changes)
    what = "set" if wish.mount is not None else "removed"
    return carry_out(task, changes, result, f"{wish.fstab}: entry of {printable(wish.path)} {what}")
