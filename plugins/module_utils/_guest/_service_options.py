# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""What the modules that are about services have in common: which options have no meaning while a guest is off."""

from __future__ import annotations

import typing as t

from .._errors import GuestError, OptionError, printable

if t.TYPE_CHECKING:
    from ._system import OperatingSystem

_FIRSTBOOT = "What must happen when the guest runs goes into a script of offline.guest.firstboot."
_ACTIONS = ("reloaded", "restarted", "started", "stopped")


def refuse_online_options(params: t.Mapping[str, t.Any], flags: t.Iterable[str]) -> None:
    """Refuse what only a running guest could do.

    :param flags: options that are refused unless they are false or empty.
    :raises OptionError: one of them is set, or ``state`` is one of a running service.
    """
    if params.get("state") in _ACTIONS:
        raise OptionError(
            f"state: a service cannot be {params['state']}, for the guest is off.",
            hint=f"A service that is enabled starts at the next boot. {_FIRSTBOOT}",
        )
    for flag in flags:
        if params.get(flag):
            raise OptionError(
                f"{flag}: this has no meaning, for the guest is off and reads all its units when it boots.",
                hint=f"Leave it out. {_FIRSTBOOT}",
            )


def require_systemd(system: OperatingSystem) -> None:
    """:raises GuestError: the guest is one that something else starts."""
    if system.type != "linux":
        raise GuestError(f"A guest of the type '{printable(system.type)}' has no systemd.")
    if system.init_system in ("openrc", "sysvinit"):
        raise GuestError(
            f"The guest is started by {system.init_system}, not by systemd.", hint="Use offline.guest.service."
        )
