# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""The task ``resize``: grow an image and everything between its end and the last file system."""

from __future__ import annotations

import typing as t

from .._errors import OptionError
from ._resize_apply import apply_plan, verify
from ._resize_plan import Plan, make_plan
from ._resize_read import Choice, Layout, read_layout
from ._resize_sizes import human, require_growable, target_size
from ._task import Outcome, Task

# A session has one image, and libguestfs calls its first drive so whatever the guest will call it.
_DISK = "/dev/sda"


def disk_size(params: t.Mapping[str, t.Any], current: int) -> int:
    """Return the size in bytes that the disk of an image of ``current`` bytes is to have, before anything is started.

    :raises OptionError: ``size`` is malformed, absurd, or less than the image has, or the format cannot be grown.
    """
    target = target_size(current, params["size"])
    require_growable(params["format"], current, target)
    return target


def handle(task: Task) -> Outcome:
    """Grow the image of a task. Nothing is mounted when it starts, and nothing when it ends."""
    return resize(task, _DISK)


def resize(task: Task, device: str) -> Outcome:
    """Read the layout, plan, and unless ``task.check`` grow; a refusal comes before anything is changed.

    :param device: the disk, for the appliance may have several.
    :raises OptionError: the options cannot be meant as they are for this image.
    :raises GuestError: the layout cannot be grown; the message says why.
    """
    if task.disk is None:
        raise AssertionError("_ansible_module.py always gives the disk")
    size, calls = task.disk.image_size, task.guest.calls
    target = disk_size({"size": task.params["size"], "format": task.disk.image_format}, size)
    choice = Choice(partition=task.params["partition"], lv=task.params["lv"], root=_root(task))
    layout = read_layout(calls, device, size, choice)
    plan = make_plan(layout, target)
    _require_mountable(plan, task.guest.options.filesystems)
    if plan and not task.check:
        apply_plan(calls, layout, plan, task.disk.grow)
        verify(calls, layout, target, choice)
    return _outcome(layout, plan, target)


def _root(task: Task) -> str | None:
    """The root of the operating system, where there is one; of several only if the user says which or has to."""
    guest = task.guest
    several = len(guest.systems) > 1
    if guest.options.root or len(guest.systems) == 1 or (several and not task.params["partition"]):
        return guest.os.root
    return None


def _require_mountable(plan: Plan, allowed: t.Collection[str]) -> None:
    """XFS and Btrfs grow while they are mounted, and the user says what may be mounted."""
    for step in plan:
        if step.kind in ("xfs", "btrfs") and step.kind not in allowed:
            raise OptionError(
                f"{step.target} has to be mounted to grow, and filesystems does not allow {step.kind}.",
                hint=f"Add {step.kind} to filesystems.",
            )


def _outcome(layout: Layout, plan: Plan, target: int) -> Outcome:
    grown = f"Grew the image from {human(layout.size)} to {human(target)}." if target > layout.size else ""
    return Outcome(
        changed=bool(plan),
        result={
            "plan": [step.to_dict() for step in plan],
            "device": layout.holder,
            "size_before": layout.size,
            "size_after": target,
        },
        diff={
            "before_header": layout.disk,
            "after_header": layout.disk,
            "before": "".join(f"{step.action} {step.target}: {step.from_bytes} bytes\n" for step in plan),
            "after": "".join(f"{step.action} {step.target}: {step.to_bytes} bytes\n" for step in plan),
        },
        summary=grown or (f"Grew {plan[-1].target} to fill the image." if plan else ""),
    )
