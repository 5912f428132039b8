# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""Which program configures a guest's network: by what is installed and enabled in it.

A guest may have several. Of those that are enabled the first of :data:`RENDERERS` counts; where none is, because a
preset will do that at the first boot, the first that is installed.

- netplan writes the configuration of others, so it comes first, and is enabled by being there.
- RHEL 7 has both its network scripts and NetworkManager, which reads their files, enabled: so the scripts come before.
"""

from __future__ import annotations

import dataclasses
import typing as t

from .._errors import GuestError
from ._files import GuestFiles

Renderer = t.Literal["netplan", "ifcfg", "networkmanager", "networkd", "ifupdown"]

_UNITS = "/etc/systemd/system"
_WANTS = (
    f"{_UNITS}/multi-user.target.wants",
    f"{_UNITS}/network-online.target.wants",
    f"{_UNITS}/sysinit.target.wants",
)


@dataclasses.dataclass(frozen=True)
class Signs:
    """By what a program is known: one of each will do."""

    installed: tuple[str, ...]
    enabled: tuple[str, ...]


def _wanted(unit: str) -> tuple[str, ...]:
    return tuple(f"{folder}/{unit}" for folder in _WANTS)


def _levels(script: str) -> tuple[str, ...]:
    return f"/etc/runlevels/boot/{script}", f"/etc/runlevels/default/{script}"


_NETPLAN = ("/usr/sbin/netplan", "/usr/bin/netplan")
RENDERERS: dict[Renderer, Signs] = {
    "netplan": Signs(_NETPLAN, _NETPLAN),
    "ifcfg": Signs(
        ("/etc/sysconfig/network-scripts/ifup", "/usr/sbin/wicked"),
        (
            *_wanted("wicked.service"),
            f"{_UNITS}/network.service",  # an alias, to wicked's or NetworkManager's unit on SUSE
            *_wanted("network.service"),
            "/etc/rc.d/rc3.d/S10network",
        ),
    ),
    "networkmanager": Signs(
        ("/usr/sbin/NetworkManager", "/usr/bin/NetworkManager"),
        (*_wanted("NetworkManager.service"), *_levels("networkmanager")),
    ),
    "networkd": Signs(
        ("/usr/lib/systemd/systemd-networkd", "/lib/systemd/systemd-networkd"), _wanted("systemd-networkd.service")
    ),
    "ifupdown": Signs(("/usr/sbin/ifup", "/sbin/ifup"), (*_wanted("networking.service"), *_levels("networking"))),
}


def find_renderer(files: GuestFiles) -> Renderer:
    """Return what the guest uses.

    :raises GuestError: there is no sign of any.
    """
    installed = [name for name, signs in RENDERERS.items() if _any(files, signs.installed)]
    for name in installed:
        if any(_enables(files, path, name) for path in RENDERERS[name].enabled):
            return name
    if installed:
        return installed[0]
    raise GuestError(
        f"What configures the guest's network is not known: it has none of {', '.join(RENDERERS)}.",
        hint="Say it in the option renderer.",
    )


def _any(files: GuestFiles, paths: t.Iterable[str]) -> bool:
    return any(files.lstat(files.resolve(path)) is not None for path in paths)


def _enables(files: GuestFiles, path: str, name: Renderer) -> bool:
    if name == "netplan":
        return files.lstat(files.resolve(path)) is not None
    if files.lstat(path) is None:  # a link there says all, wherever it leads
        return False
    is_alias = path == f"{_UNITS}/network.service"
    return not is_alias or "NetworkManager" not in (files.link_target(path) or "")
