# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The images, for tests: where they are, fresh copies of them, and what tests know of them.

Put ``tests/images`` on the path and ``import images``. Nothing here needs the libguestfs bindings: what is missing is
built by the platform's interpreter.
"""

from __future__ import annotations

import functools
import os
import subprocess
import typing as t
from pathlib import Path

from factory import debian_real, hostile, store

NAMES = store.NAMES
FORMATS = store.FORMATS
REAL = debian_real.NAME
TRAP_RECORDS = hostile.TRAP_RECORDS
#: Guests in which libguestfs's inspection finds exactly one Linux.
LINUX = (
    *("debian-like", "ubuntu-like", "fedora-lvm", "fedora-btrfs", "opensuse-like", "arch-like", "alpine-like"),
    *("rhel7-like", "rhel6-like", "coreos-like", "md"),
)
_PYTHON = os.environ.get("OFFLINE_GUEST_PLATFORM_PYTHON", "/usr/bin/python3")


@functools.cache
def _built(name: str) -> None:
    if not store.fresh(name):
        builder = Path(__file__).with_name("build.py")
        subprocess.run([_PYTHON, str(builder), name], check=True)


def path(name: str, image_format: str = "raw") -> Path:
    """Return the image, built or converted first where it has to be. Work on a :func:`copy`, never on this file."""
    if name not in NAMES or image_format not in FORMATS:
        raise ValueError(f"There is no image {name!r} in the format {image_format!r}.")
    _built(name)
    return store.variant(name, image_format)


def copy(name: str, target: Path, image_format: str = "raw") -> Path:
    """Copy an image to ``target`` (a file, or a folder that gets NAME.FORMAT), sparse, and return where it is."""
    source = path(name, image_format)
    wanted = target / f"{name}.{image_format}" if target.is_dir() else target
    command = ["cp", "--sparse=always", "--reflink=auto", str(source), str(wanted)]
    subprocess.run(command, check=True)
    os.chmod(wanted, 0o644)
    return wanted


def luks_keys(name: str) -> dict[str, str]:
    """Return the keys of the image's containers by ``UUID=…``."""
    return {} if name == REAL else dict(store.recipe(name).luks_keys)


def facts(name: str) -> t.Mapping[str, t.Any]:
    """Return the record of the build: size, allocated, seconds, digest."""
    return store.record(name)
