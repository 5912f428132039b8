# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The catalogue: every synthetic guest by name. The real Debian is in :mod:`.debian_real`."""

from __future__ import annotations

import typing as t

from . import debian_like, hostile, layouts, other_linux, windows
from .disk import stable_uuid
from .model import Recipe


def _multi_os() -> Recipe:
    second = other_linux.fedora_tree(f"UUID={stable_uuid('multi-os', '2')} / ext4 defaults 0 1\n", "second")
    return debian_like.multi_os(second)


GUESTS: dict[str, t.Callable[[], Recipe]] = {
    "debian-like": debian_like.debian_like,
    "ubuntu-like": debian_like.ubuntu_like,
    "fedora-lvm": other_linux.fedora_lvm,
    "fedora-btrfs": other_linux.fedora_btrfs,
    "opensuse-like": other_linux.opensuse_like,
    "arch-like": other_linux.arch_like,
    "alpine-like": other_linux.alpine_like,
    "rhel7-like": other_linux.rhel7_like,
    "rhel6-like": other_linux.rhel6_like,
    "coreos-like": other_linux.coreos_like,
    "fedora-coreos": other_linux.fedora_coreos,
    "luks": debian_like.luks,
    "md": debian_like.md,
    "windows-like": windows.windows_like,
    "multi-os": _multi_os,
    "no-os": debian_like.no_os,
    "blank": debian_like.blank,
    "hostile": hostile.hostile,
    "hostile-links": hostile.hostile_links,
    "hostile-etc": hostile.hostile_etc,
    "trap": hostile.trap,
    **layouts.LAYOUTS,
}
