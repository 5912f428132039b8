# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""The init systems that a guest may have, and where SysV init, wherever it comes from, keeps its files."""

from __future__ import annotations

import typing as t

from ._paths import GuestPath

if t.TYPE_CHECKING:
    from ._system import OperatingSystem

InitSystem = t.Literal["systemd", "openrc", "sysvinit"]

# RHEL 6 has links /etc/init.d and /etc/rc3.d to the first ones; SUSE had the second.
SYSV_SCRIPT_FOLDERS = (GuestPath("/etc/rc.d/init.d"), GuestPath("/etc/init.d"))
SYSV_LEVEL_FOLDERS = ("/etc/rc.d/rc{}.d", "/etc/init.d/rc{}.d", "/etc/rc{}.d")


def init_of(system: OperatingSystem) -> InitSystem | None:
    """Return the init system of a guest, None for one that is not known here."""
    known: tuple[InitSystem, ...] = ("systemd", "openrc", "sysvinit")
    return next((init for init in known if init == system.init_system), None)
