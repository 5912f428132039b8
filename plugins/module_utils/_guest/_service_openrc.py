# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""Services of OpenRC: links in /etc/runlevels/LEVEL, as rc-update(8) makes and removes them.

Its rc_service_add() (src/librc/librc.c) makes the link to the absolute path /etc/init.d/NAME, and wants the runlevel to
exist.
"""

from __future__ import annotations

from .._errors import GuestError, printable
from ._unit_tree import Tree

_SCRIPTS = "/etc/init.d"
_LEVELS = "/etc/runlevels"


def set_openrc(tree: Tree, name: str, runlevel: str, *, enabled: bool) -> None:
    """Add a service to a runlevel, or take it away.

    :raises GuestError: there is no such service or runlevel, or no link is in its place.
    """
    script, link = f"{_SCRIPTS}/{name}", f"{_LEVELS}/{runlevel}/{name}"
    kind = tree.kind(link)
    if kind not in (None, "link"):
        raise GuestError(f"'{printable(link)}' in the guest is in the way: it is not a link.")
    if not enabled:
        if kind is None:
            _require_script(tree, script, name)
        tree.remove(link)
        return
    _require_script(tree, script, name)
    if tree.leads_to(f"{_LEVELS}/{runlevel}") != "directory":
        known = ", ".join(printable(level) for level in tree.names(_LEVELS)[:50]) or "none"
        raise GuestError(f"The guest has no runlevel '{printable(runlevel)}'.", hint=f"It has {known}.")
    if not is_enabled_openrc(tree, name, runlevel):
        tree.put_link(link, script)


def is_enabled_openrc(tree: Tree, name: str, runlevel: str) -> bool:
    """Whether a service is in a runlevel; as for OpenRC, a link to nothing does not count."""
    return tree.leads_to(f"{_LEVELS}/{runlevel}/{name}") is not None


def _require_script(tree: Tree, script: str, name: str) -> None:
    if tree.leads_to(script) != "file":
        raise GuestError(
            f"The guest has no service {printable(name)}: there is no {printable(script)}.",
            hint="Is its package installed?",
        )
