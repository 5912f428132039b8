# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""The module machine_id: an image that is to be cloned must not have one, or all its clones are one machine.

What a boot makes of /etc/machine-id is in machine-id(5), "FIRST BOOT SEMANTICS":

- *missing*: a first boot; systemd makes an id, presets all units and runs what has ``ConditionFirstBoot=yes``.
- ``uninitialized``: a first boot as well, but the file is there, for systems whose /etc is mounted read-only at that
  time. systemd knows the word since version 247; an older one takes it for a broken id, and makes a new one.
- *empty*: no first boot; systemd just makes an id.
"""

from __future__ import annotations

import re
import typing as t

from .._errors import GuestError, OptionError, printable
from ._draft import Draft, outcome
from ._task import Outcome, Task

if t.TYPE_CHECKING:
    from ._files import GuestFiles

MACHINE_ID = "/etc/machine-id"
DBUS_ID = "/var/lib/dbus/machine-id"
State = t.Literal["empty", "uninitialized", "absent", "present"]
MODE = 0o444
_MAX_FILE = 4096
_HEX = re.compile(r"[0-9a-f]{32}")
_CONTENTS: dict[str, bytes] = {"empty": b"", "uninitialized": b"uninitialized\n"}


def handle(task: Task) -> Outcome:
    """Run the task.

    :raises OptionError: the id is none. :raises GuestError: the guest cannot be meant, or has something else at one of
        the two paths.
    """
    given = task.params["id"]
    wanted = parse_id(given) if given is not None else None
    state: State = "present" if wanted is not None else task.params["state"]
    check_guest(task, state)
    draft = Draft(task.guest.files)
    if state == "absent":
        draft.remove(MACHINE_ID)
    else:
        content = _CONTENTS.get(state, f"{wanted}\n".encode())
        if not _is_it(draft.read(MACHINE_ID, max_size=_MAX_FILE), content):
            draft.write(MACHINE_ID, content, mode=MODE)
        else:
            draft.write(MACHINE_ID, draft.read(MACHINE_ID, max_size=_MAX_FILE) or b"", mode=MODE)
    plan_dbus(draft, task.guest.files, wanted)
    said = {"present": f"is {wanted}", "absent": "is not there", "empty": "is empty", "uninitialized": "is to be made"}
    return outcome(task, draft, {"state": state, "id": wanted}, f"The guest's machine-id {said[state]}.")


def parse_id(given: str) -> str:
    """Return an id as machine-id(5) has it: 32 lower-case hexadecimal digits; a UUID's hyphens are left out.

    :raises OptionError: it is none, or the one that is all zeros, which means none.
    """
    found = given.strip().lower()
    if re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", found):
        found = found.replace("-", "")
    if not _HEX.fullmatch(found) or found == "0" * 32:
        raise OptionError(
            f"id: '{printable(given)}' is not a machine-id.", hint="Use 32 hexadecimal digits that are not all zeros."
        )
    return found


def check_guest(task: Task, state: State) -> None:
    """:raises GuestError: the guest has no machine-id, or takes ``uninitialized`` for one that is broken."""
    system = task.guest.os
    if system.type != "linux":
        raise GuestError(f"A guest of the type '{printable(system.type)}' has no machine-id.")
    if state == "uninitialized" and system.init_system != "systemd":
        raise GuestError(
            f"The guest is started by {printable(system.init_system)}, and only systemd knows the machine-id"
            " 'uninitialized'.",
            hint="Use state: absent.",
        )


def plan_dbus(draft: Draft, files: GuestFiles, wanted: str | None) -> None:
    """Keep D-Bus's own file in line.

    systemd takes an id that D-Bus has over into an empty /etc/machine-id (systemd-machine-id-setup(1)), so all clones
    would have that one. An empty file would not do: ``dbus-uuidgen --ensure`` makes an id where there is no file, and
    gives up where there is a broken one. A link to /etc/machine-id, as nearly all guests have it, is right as it is.
    """
    if files.link_target(DBUS_ID) is not None:
        if files.resolve(DBUS_ID) == files.resolve(MACHINE_ID):
            return
        draft.remove(DBUS_ID)
    elif wanted is None:
        draft.remove(DBUS_ID)
    else:
        draft.edit(DBUS_ID, lambda content: content if _is_it(content, wanted.encode()) else f"{wanted}\n".encode())


def _is_it(found: bytes | None, content: bytes) -> bool:
    return found is not None and found.strip() == content.strip() and (bool(content) or not found)
