# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""KVM or emulation: what the host has, and the verdict on a KVM that was tried, kept from one session to the next."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import typing as t


def boot_id() -> str:
    """Return the kernel's id of this boot, empty where there is none (random(4))."""
    with contextlib.suppress(OSError), open("/proc/sys/kernel/random/boot_id", encoding="ascii") as stream:
        return stream.read().strip()
    return ""


def cache_folder() -> str:
    """Return the folder for what is kept from one session to the next, below the XDG cache folder of the user."""
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(cache, "offline-guest")


def verdict_path() -> str:
    """Return the file that keeps the verdict on KVM."""
    return os.path.join(cache_folder(), "accelerator.json")


def qemu_version(emulator: str) -> str:
    """Return the first line that the emulator prints of its version, empty where it cannot be run."""
    try:
        done = subprocess.run([emulator, "-version"], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.partition("\n")[0].strip()


def recall_verdict(key: str) -> dict[str, t.Any] | None:
    """Return the remembered verdict ``{"key", "accelerator", "reason"}`` for ``key``, or None."""
    with contextlib.suppress(OSError, ValueError), open(verdict_path(), encoding="utf-8") as stream:
        verdict = json.loads(stream.read(64 * 1024))
        if isinstance(verdict, dict) and verdict.get("key") == key and verdict.get("accelerator") in ("kvm", "tcg"):
            return verdict
    return None


def remember_verdict(key: str, accelerator: str, reason: str) -> None:
    """Keep a verdict; a cache that cannot be written only means that the next launch finds out again."""
    path = verdict_path()
    with contextlib.suppress(OSError):
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        staged = f"{path}.{os.getpid()}"
        with open(staged, "w", encoding="utf-8") as stream:
            json.dump({"key": key, "accelerator": accelerator, "reason": reason}, stream)
        os.replace(staged, path)


def kvm_state() -> str:
    """Return ``absent``, ``denied`` or ``usable``, as far as the device node tells."""
    if not os.path.exists("/dev/kvm"):
        return "absent"
    return "usable" if os.access("/dev/kvm", os.R_OK | os.W_OK) else "denied"
