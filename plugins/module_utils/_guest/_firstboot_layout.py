# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""Where firstboot's files lie in a guest, and what starts the runner under each init system.

Everything of its own is below ``/var/lib/offline-guest``: /usr is read-only on ostree systems, /etc and /var are not.
Exactly one init system gets to start the runner, and what is found of the others is removed: libguestfs's firstboot ran
twice where a guest knew both systemd and SysV links (libguestfs commit d394e01c2).
"""

from __future__ import annotations

import dataclasses
import typing as t

from ._firstboot_runner import RUNNER
from ._init_system import InitSystem
from ._paths import GuestPath

HOME = GuestPath("/var/lib/offline-guest")
BASE = HOME.joined("firstboot")
RUN = HOME.joined("run")  # made and removed by the runner: attempts under way
RUNNER_FILE = BASE.joined("runner")
PENDING = BASE.joined("pending")
SCRIPTS = BASE.joined("scripts")
RESULTS = BASE.joined("results")

SERVICE = "offline-guest-firstboot"
UNIT = GuestPath(f"/etc/systemd/system/{SERVICE}.service")
WANTS = GuestPath(f"/etc/systemd/system/multi-user.target.wants/{SERVICE}.service")
PRESET = GuestPath(f"/etc/systemd/system-preset/00-{SERVICE}.preset")
OPENRC_SCRIPT = GuestPath(f"/etc/init.d/{SERVICE}")
OPENRC_LINK = GuestPath(f"/etc/runlevels/default/{SERVICE}")
SYSV_LEVELS = (2, 3, 4, 5)

Kind = t.Literal["file", "directory", "link", "other"]


@dataclasses.dataclass(frozen=True)
class Entry:
    """One entry of the guest's file system.

    :param kind: ``other`` is something that we do not make, or a file too large to be ours.
    :param content: a file's bytes; a link's target; empty for a directory.
    :param mode: permission bits; of a link always 0o777.
    :param owned: by the user and group 0.
    """

    kind: Kind
    content: bytes = b""
    mode: int = 0o777
    owned: bool = True


@dataclasses.dataclass(frozen=True)
class SysvFolders:
    """Where this guest keeps its SysV init scripts, and where its runlevel links go; families differ in both."""

    scripts: GuestPath
    links: tuple[GuestPath, ...]


def is_sysv_link(name: str) -> bool:
    """Tell whether a name in a runlevel folder is a link of ours; insserv(8) renumbers them."""
    return name[:1] in ("K", "S") and name[1:3].isdigit() and name[3:] == SERVICE


def common() -> dict[GuestPath, Entry]:
    """Return the folders, the runner, and the mark by which unit and runner know that there is work."""
    return {
        HOME: Entry("directory", mode=0o755),
        BASE: Entry("directory", mode=0o700),
        SCRIPTS: Entry("directory", mode=0o700),
        RESULTS: Entry("directory", mode=0o700),
        RUNNER_FILE: Entry("file", RUNNER.encode(), 0o700),
        PENDING: Entry("file", b"", 0o600),
    }


def starters(init: InitSystem, *, wants_network: bool, sysv: SysvFolders | None = None) -> dict[GuestPath, Entry]:
    """Return what makes ``init`` start the runner at the next boot.

    :param sysv: needed for ``sysvinit`` only.
    """
    if init == "systemd":
        return _systemd(wants_network)
    if init == "openrc":
        return {
            OPENRC_SCRIPT: Entry("file", _OPENRC.encode(), 0o755),
            OPENRC_LINK: Entry("link", OPENRC_SCRIPT.encode()),
        }
    if sysv is None:
        raise AssertionError("read with the state of a SysV guest")
    script = sysv.scripts.joined(SERVICE)
    links = {link: Entry("link", script.encode()) for link in sysv.links}
    return {script: Entry("file", _SYSV.encode(), 0o755), **links}


def _systemd(wants_network: bool) -> dict[GuestPath, Entry]:
    return {
        UNIT: Entry("file", unit_text(wants_network=wants_network).encode(), 0o644),
        WANTS: Entry("link", UNIT.encode()),
        PRESET: Entry("file", _PRESET.encode(), 0o644),
    }


def unit_text(*, wants_network: bool) -> str:
    """Return the systemd service.

    - It is a file of its own in a unit folder: a unit linked there from elsewhere was killed at a daemon-reload
      (RHBZ#1250955), and every package that a script installs may reload.
    - It is wanted by multi-user.target, not by default.target, which systemd ignores since 233 (RHBZ#1469655).
    - It starts *after* multi-user.target. Before it, a package whose service is ordered after ours, or after the
      target, would wait for us while we wait for it; cloud-init moved its last stage for that (cloud-init issue 2662).
      That stage is awaited too, so that the two do not both configure at once; since it comes after multi-user.target
      in Debian and Ubuntu, After=cloud-final.service alone would be an ordering cycle, for a service is otherwise
      before the target that wants it (systemd.target(5); cloud-init pull request 5830).
    - KillMode=process: what a script leaves running in the background goes on, as under other init systems. The runner
      itself ends a script's processes at a timeout.
    - OOMPolicy=continue: a script that runs out of memory fails, and the runner goes on.
    - IgnoreSIGPIPE=no: or scripts would inherit it ignored, and ``yes | head`` in them would behave otherwise than in a
      shell.
    """
    network = "Wants=network-online.target\nAfter=network-online.target\n" if wants_network else ""
    return f"""\
[Unit]
Description=First boot scripts of offline.guest
After=multi-user.target cloud-final.service
{network}RequiresMountsFor={BASE}
ConditionPathExists={PENDING}

[Service]
Type=oneshot
ExecStart=/bin/sh {RUNNER_FILE}
TimeoutStartSec=infinity
KillMode=process
OOMPolicy=continue
IgnoreSIGPIPE=no
StandardOutput=journal+console
StandardError=journal+console

[Install]
WantedBy=multi-user.target
"""


# Where /etc/machine-id is missing or says "uninitialized", systemd presets all units at boot, and what a distribution
# does not list may be disabled ("disable *" in Fedora; systemd issue 22225, machine-id(5)). Of all preset files, in
# whichever folder, the one whose name sorts first decides (systemd.preset(5)).
_PRESET = f"enable {SERVICE}.service\n"

# In the background: a boot does not wait for the scripts, and a login is possible while one of them hangs.
_OPENRC = f"""\
#!/sbin/openrc-run

description="First boot scripts of offline.guest"
command=/bin/sh
command_args={RUNNER_FILE}
command_background=yes
pidfile=/run/{SERVICE}.pid

depend() {{
    need localmount
    use net
    after *
}}
"""

_SYSV = f"""\
#!/bin/sh
# chkconfig: 2345 99 01
# description: First boot scripts of offline.guest
### BEGIN INIT INFO
# Provides: {SERVICE}
# Required-Start: $remote_fs
# Required-Stop:
# Should-Start: $all
# Default-Start: 2 3 4 5
# Default-Stop:
# Short-Description: First boot scripts of offline.guest
### END INIT INFO

case ${{1:-}} in
    start)
        if [ -e {PENDING} ]; then
            /bin/sh {RUNNER_FILE} </dev/null >/dev/console 2>&1 &
        fi
        ;;
    stop | restart | reload | force-reload | status)
        ;;
    *)
        echo "Usage: $0 start" >&2
        exit 2
        ;;
esac
exit 0
"""
