# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""The guest that a task works on: found once in a session, mounted once, and remembered for the tasks that follow."""

from __future__ import annotations

import dataclasses
import typing as t

from .._appliance._calls import Calls
from .._appliance._remember import RememberingRpc
from .._appliance._session import Session
from ._files import GuestFiles
from ._system import OperatingSystem, select_system

if t.TYPE_CHECKING:
    from ._inspect_blocks import Inventory

#: What a task finds: one operating system with its file systems mounted; the operating systems known, and a root that
#: the search left mounted for reading perhaps still so; or the operating systems known and nothing mounted.
Access = t.Literal["mounted", "found", "unmounted"]

Warn = t.Callable[[str], None]


@dataclasses.dataclass(frozen=True)
class GuestOptions:
    """The options that say what is looked at in an image.

    :param root: the option ``root``.
    :param filesystems: types that may be mounted.
    :param luks_keys: ``{"device", "key"}`` each.
    """

    root: str | None = None
    filesystems: tuple[str, ...] = ()
    luks_keys: tuple[t.Mapping[str, str], ...] = dataclasses.field(default=(), repr=False)


@dataclasses.dataclass(frozen=True)
class Guest:
    """A guest seen through the appliance.

    :param systems: the operating systems that were found.
    :param options: what the task may look at.
    :param inventory: the block devices, where it was this task that looked for them.
    :param found: the block devices and what is on them, for the message where there is no system.
    """

    calls: Calls
    files: GuestFiles
    systems: tuple[OperatingSystem, ...] = ()
    options: GuestOptions = dataclasses.field(default_factory=GuestOptions)
    found: str = ""
    inventory: Inventory | None = None

    @property
    def os(self) -> OperatingSystem:
        """The system to work on.

        :raises GuestError: there is none, or several and the option ``root`` does not say which.
        """
        return select_system(self.systems, self.options.root, found=self.found)


def load_guest(session: Session, options: GuestOptions, *, access: Access, warn: Warn, fresh: bool = False) -> Guest:
    """Return the guest of a launched session, as much of it known and mounted as ``access`` says.

    :param fresh: look again if a task of the session has changed something since: for who tells what a system says of
        itself, such as its host name. Other tasks need only what does not change, and save the time.
    :raises GuestError: no operating system, or several, where one is to be mounted.
    """
    calls = Calls(RememberingRpc(session.client))
    if fresh and session.client.status["notes"].get("changes") != len(session.changes):
        forget_guest(session)
    known, inventory = _known(session, calls, options, warn)
    systems = tuple(OperatingSystem.from_dict(system) for system in known["systems"])
    guest = Guest(calls, GuestFiles(calls), systems, options, str(known["found"]), inventory)
    if access == "mounted":
        _mount(session, guest, warn)
    elif access == "unmounted" or session.client.status["notes"].get("mounted"):
        session.client.note("mounted", None)
        calls.umount_all()
    return guest


def forget_guest(session: Session) -> None:
    """Have the next task look again: the appliance was started anew, or something else was mounted."""
    session.client.note("systems", None)
    session.client.note("mounted", None)


def _known(
    session: Session, calls: Calls, options: GuestOptions, warn: Warn
) -> tuple[dict[str, t.Any], Inventory | None]:
    """Return the note of the systems that an earlier task found, unless this one may see more and looks anew."""
    known = session.client.status["notes"].get("systems")
    if known is not None and _covers(known, options):
        return known, None
    from ._inspect import inspect  # much to import, and later tasks of a session have no need of it

    session.client.note("mounted", None)
    seen = inspect(calls, allowed_types=options.filesystems, luks_keys=options.luks_keys, warn=warn)
    known = {
        "systems": [system.to_dict() for system in seen.systems],
        "found": seen.inventory.describe(),
        "filesystems": sorted(options.filesystems),
        "keys": sorted(key["device"] for key in options.luks_keys),
    }
    session.client.note("systems", known)
    session.client.note("changes", len(session.changes))
    return known, seen.inventory


def _covers(known: t.Mapping[str, t.Any], options: GuestOptions) -> bool:
    """Whether a task with these options would find no other systems: a session's first task may have lacked a key."""
    devices = {key["device"] for key in options.luks_keys}
    return known["filesystems"] == sorted(options.filesystems) and devices <= set(known["keys"])


def _mount(session: Session, guest: Guest, warn: Warn) -> None:
    """Mount the chosen system, unless an earlier task of the session has."""
    chosen = guest.os
    if session.client.status["notes"].get("mounted") != chosen.root:
        from ._mount import mount_system

        mount_system(guest.calls, chosen, allowed_types=guest.options.filesystems, warn=warn)
        session.client.note("mounted", chosen.root)
