# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""The module ssh_host_keys: an image that is to be cloned must not have any, or all its clones have the same."""

from __future__ import annotations

import re
import typing as t

from .._errors import GuestError, printable
from ._draft import Draft
from ._firstboot_own import OwnScript, outcome_with_script, plan_script
from ._firstboot_results import runnable
from ._firstboot_state import read_records, read_scripts
from ._ssh_keygen import Reader, has_server, key_maker
from ._task import Outcome, Task

if t.TYPE_CHECKING:
    from ._files import GuestFiles

FOLDER = "/etc/ssh"
# ssh_host_key is that of protocol 1 (RHEL 6); a certificate is of no use without its key.
_KEY = re.compile(r"ssh_host(_[A-Za-z0-9-]+)*_key(\.pub|-cert\.pub)?")
SCRIPT = OwnScript(
    "00-ssh-host-keys",
    """\
#!/bin/sh
# Makes the SSH host keys that were removed from the image, and starts the server that could not start without them.
ssh-keygen -A || exit
if [ -d /run/systemd/system ]; then
    for unit in ssh sshd; do
        systemctl reset-failed "$unit.socket" "$unit.service" 2>/dev/null
        if systemctl is-enabled --quiet "$unit.socket" 2>/dev/null; then
            systemctl start "$unit.socket" || exit
        elif systemctl is-enabled --quiet "$unit.service" 2>/dev/null; then
            systemctl restart "$unit.service" || exit
        fi
    done
    exit 0
fi
for script in /etc/init.d/ssh /etc/init.d/sshd; do
    if [ -x "$script" ]; then
        exec "$script" restart
    fi
done
""",
)


def handle(task: Task) -> Outcome:
    """Run the task.

    :raises GuestError: nothing in the guest would make new keys, or ``/etc/ssh`` is not what it should be.
    """
    system = task.guest.os
    if system.type != "linux":
        raise GuestError(f"Where a guest of the type '{printable(system.type)}' has its SSH host keys is not known.")
    draft = Draft(task.guest.files)
    keys = find_keys(task.guest.files, task.warn)
    for path in keys:
        draft.remove(path)
    reader = Reader(task.guest.files)
    regenerate = task.params["regenerate"]
    needs_keys = regenerate != "never" and has_server(reader)
    script = plan_script(task, SCRIPT) if needs_keys and regenerate == "firstboot" else None
    maker = "firstboot" if script is not None else _maker(task, reader)
    if needs_keys and maker is None:
        raise GuestError(
            "Nothing in the guest makes new SSH host keys at boot, so its SSH server would not start without them.",
            hint="Set regenerate: firstboot to have that done, or regenerate: never if you see to it yourself.",
        )
    result = {"removed": keys, "made_by": maker, "firstboot_script": SCRIPT.name if script is not None else None}
    return outcome_with_script(task, draft, script, result, _message(keys, maker))


def find_keys(files: GuestFiles, warn: t.Callable[[str], None]) -> list[str]:
    """Return the paths of the host keys, files and links only.

    :raises GuestError: /etc/ssh cannot be listed.
    """
    found = files.lstat(files.resolve(FOLDER))
    keys = []
    for name in files.list_dir(FOLDER) if found is not None else ():
        if not _KEY.fullmatch(name):
            continue
        path = f"{FOLDER}/{name}"
        entry = files.lstat(path)
        if entry is not None and entry.kind in ("file", "link"):
            keys.append(path)
        else:
            warn(f"'{path}' in the guest is neither a file nor a link, so it is left alone.")
    return keys


def _maker(task: Task, reader: Reader) -> str | None:
    """Return what makes new keys, our own script included, if an earlier task has installed it."""
    found = key_maker(reader, task.guest.os)
    if found is not None:
        return found
    scripts = read_scripts(task.guest.files, task.warn)
    records = read_records(task.guest.files, scripts, task.warn)
    return "firstboot" if SCRIPT.name in runnable(scripts, records) else None


def _message(keys: t.Sequence[str], maker: str | None) -> str:
    said = f"{len(keys)} files of SSH host keys are removed" if keys else "The guest has no SSH host keys"
    return f"{said}; {f'{printable(maker)} makes new ones' if maker else 'nothing makes new ones'} at the next boot."
