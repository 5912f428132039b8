# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""Why a launch failed, said so that the reader can mend it.

libguestfs reports every failed launch with the same paragraph; what users need (peers: the complaint that recurs most)
is which of a handful of causes it was. The rules look at what the library, supermin and QEMU said, and at the host.
"""

from __future__ import annotations

import glob
import os
import re
import typing as t

from .._errors import ApplianceError

_RULES: tuple[tuple[str, str, str], ...] = (
    (
        r"no space left on device|disk full|enospc",
        "there is no space left for the appliance or the overlay",
        "libguestfs caches its appliance (about 600 MB) in /var/tmp, or where LIBGUESTFS_CACHEDIR or TMPDIR says.",
    ),
    (
        r"/boot/vmlinuz[^ ]*: permission denied|permission denied[^\n]*vmlinuz|failed to find a suitable kernel",
        "supermin found no kernel that this user may read",
        "Install a kernel package (linux-image-cloud-amd64 on Debian), and make /boot/vmlinuz-* readable "
        "(chmod 0644 /boot/vmlinuz-*; Ubuntu installs it 0600).",
    ),
    (
        r"cannot find any suitable libguestfs supermin|could not find appliance|libguestfs_path",
        "the appliance is missing",
        "Install libguestfs-tools (Debian) or libguestfs (Fedora), or point appliance.path at a fixed appliance.",
    ),
    (
        r"could not access kvm kernel module|/dev/kvm: permission denied|failed to initialize kvm",
        "KVM cannot be used",
        "Add the user to the group that owns /dev/kvm, or set appliance.accelerator to auto or tcg.",
    ),
    (
        r"could not open '[^']*': permission denied|cannot access storage file|cannot access backing file",
        "the backend may not read the image",
        "With backend libvirt QEMU runs as another user: use appliance.backend direct, or let it read the image.",
    ),
    (
        r"failed to get [^\n]*lock|is another process using the image",
        "another process uses the image",
        "Shut down what uses it and try again.",
    ),
    (
        r"cannot allocate memory|cannot set up guest memory|out of memory",
        "there is not enough memory for the appliance",
        "Free memory, or set appliance.memory_mb lower.",
    ),
    (
        r"no answer within|printed nothing|timed out",
        "the appliance did not come up in time",
        "Raise appliance.launch_timeout; offline.guest.host_info says whether KVM is in use.",
    ),
    (
        r"no such file or directory[^\n]*qemu|qemu[^\n]*no such file|failed to execute|not found in \$path",
        "QEMU is missing or cannot be run",
        "Install qemu-system-x86 (Debian) or qemu-kvm (Fedora), or correct appliance.hv.",
    ),
)
_GENERAL = "offline.guest.host_info says what this host lacks; libguestfs-test-tool prints all of a launch."


def explain(text: str) -> tuple[str, str]:
    """Return (cause, remedy) for what was said during a launch; the cause is empty when no rule knows it."""
    for pattern, cause, remedy in _RULES:
        if re.search(pattern, text, re.IGNORECASE):
            return cause, remedy
    return "", _GENERAL


def unreadable_kernels() -> bool:
    """Return whether there are kernels in /boot and this user may read none of them."""
    kernels = glob.glob("/boot/vmlinuz*")
    return bool(kernels) and not any(os.access(kernel, os.R_OK) for kernel in kernels)


def launch_error(message: str, *, console: str, options: t.Mapping[str, t.Any]) -> ApplianceError:
    """Return the error for a failed launch.

    :param message: what libguestfs or the watchdog said.
    :param console: the last output of supermin, QEMU and the appliance.
    :param options: the launch request.
    """
    cause, remedy = explain(f"{message}\n{console}")
    if not cause and "supermin" in message and unreadable_kernels():
        cause, remedy = explain("failed to find a suitable kernel")
    first = message.strip().partition("\n")[0].rstrip(".")
    return ApplianceError(
        f"The appliance did not start: {cause or first}.",
        hint=remedy,
        details={"console": console[-4000:], "reason": message[:2000], "accelerator": options.get("accelerator")},
    )
