# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What guests have of cron, sysctl, cloud-init and the network: for the modules about these."""

from __future__ import annotations

from .linux import accounts, executable
from .tree import Tree, folder, link, text

CRONTAB_GID = 104
_WANTS = "/etc/systemd/system/multi-user.target.wants"
_UNITS = "/usr/lib/systemd/system"
_UNIT = (
    "[Unit]\nDescription=part of the guest\n\n[Service]\nExecStart=/usr/bin/true\n\n"
    "[Install]\nWantedBy=multi-user.target\n"
)


def _cloud_init() -> Tree:
    """cloud-init that has run once, of an instance with a seed of its own."""
    return Tree().add({
        "/usr/bin/cloud-init": executable(),
        "/etc/cloud/cloud.cfg": "users:\n  - default\n",
        "/etc/cloud/cloud.cfg.d": folder(),
        "/var/lib/cloud/instance": link("/var/lib/cloud/instances/i-1"),
        "/var/lib/cloud/instances/i-1/obj.pkl": b"\x80",
        "/var/lib/cloud/sem/config_scripts_per_once.once": "",
        "/var/log/cloud-init.log": "started\n",
    })  # fmt: skip


def _units(*names: str) -> Tree:
    """Units that are enabled."""
    return Tree().add({
        **{f"{_UNITS}/{name}.service": _UNIT for name in names},
        **{f"{_WANTS}/{name}.service": link(f"{_UNITS}/{name}.service") for name in names},
    })  # fmt: skip


def _cronie(spool: str) -> Tree:
    return Tree().add({spool: folder(0o700), "/usr/sbin/crond": executable(), "/usr/bin/crontab": executable()})


def _debian_cron() -> Tree:
    groups = accounts().entries[b"/etc/group"].content
    return Tree().add({
        "/etc/group": groups + f"crontab:x:{CRONTAB_GID}:\n".encode(),
        "/var/spool/cron": folder(),
        "/var/spool/cron/crontabs": folder(0o1730, 0, CRONTAB_GID),
        "/usr/bin/crontab": executable(),
        "/etc/sysctl.d/99-sysctl.conf": link("../sysctl.conf"),
    })  # fmt: skip


def debian() -> Tree:
    """Debian's cron and ifupdown."""
    tree = _units("networking", "cron").add(_debian_cron().entries).add(_cloud_init().entries)
    return tree.add({"/usr/sbin/ifup": executable()})


def ubuntu() -> Tree:
    """Debian's cron; netplan and cloud-init are there."""
    return _debian_cron().add({"/var/log/cloud-init.log": "started\n", "/var/log/cloud-init-output.log": "started\n"})


def fedora() -> Tree:
    """Cronie and NetworkManager."""
    tree = _units("NetworkManager", "crond").add(_cronie("/var/spool/cron").entries).add(_cloud_init().entries)
    return tree.add({"/usr/sbin/NetworkManager": executable(), "/etc/sysctl.d/99-sysctl.conf": link("../sysctl.conf")})


def opensuse() -> Tree:
    """Cronie in a directory of SUSE's own, and wicked."""
    tree = _units("cron").add(_cronie("/var/spool/cron/tabs").entries).add(_cloud_init().entries)
    return tree.add({
        "/usr/sbin/wicked": executable(),
        f"{_UNITS}/wicked.service": _UNIT,
        "/etc/systemd/system/network.service": link(f"{_UNITS}/wicked.service"),
        "/etc/sysctl.d/99-sysctl.conf": link("../sysctl.conf"),
    })  # fmt: skip


def arch() -> Tree:
    """Cronie and systemd-networkd; nothing reads /etc/sysctl.conf."""
    tree = _units("systemd-networkd", "cronie").add(_cronie("/var/spool/cron").entries).add(_cloud_init().entries)
    return tree.add({"/usr/lib/systemd/systemd-networkd": executable()})


def alpine() -> Tree:
    """Busybox's cron and ifup."""
    return _cloud_init().add({
        "/etc/crontabs/root": text("*/15 * * * * run-parts /etc/periodic/15min\n", 0o600),
        "/var/spool/cron/crontabs": link("/etc/crontabs"),
        "/sbin/ifup": link("/bin/busybox"),
        "/etc/init.d/networking": text("#!/sbin/openrc-run\n", 0o755),
        "/etc/runlevels/boot/networking": link("/etc/init.d/networking"),
    })  # fmt: skip


def rhel7() -> Tree:
    """Cronie, and network scripts beside NetworkManager."""
    tree = _units("NetworkManager", "crond").add(_cronie("/var/spool/cron").entries).add(_cloud_init().entries)
    return tree.add({
        "/usr/sbin/NetworkManager": executable(),
        "/etc/sysconfig/network-scripts/ifup": text("#!/bin/bash\n", 0o755),
        "/etc/rc.d/init.d/network": text("#!/bin/bash\n# chkconfig: 2345 10 90\n", 0o755),
        "/etc/rc.d/rc3.d/S10network": link("../init.d/network"),
        "/etc/sysctl.d/99-sysctl.conf": link("../sysctl.conf"),
    })  # fmt: skip
