# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""What keeps this host from launching an appliance, and the package or command that mends it. Pure: facts in, text out.

Package names differ by distribution and, for QEMU, by machine. The sources are the distributions' own package lists.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from .._errors import printable
from ._host import Facts, Family, System

_INSTALL: dict[Family, str] = {
    "debian": "apt-get install",
    "redhat": "dnf install",
    "suse": "zypper install",
    "arch": "pacman -S",
    "alpine": "apk add",
}
_PACKAGES: dict[str, dict[Family, str]] = {
    "qemu": {
        "debian": "qemu-system",
        "redhat": "qemu-kvm",
        "suse": "qemu",
        "arch": "qemu-system-{arch}",
        "alpine": "qemu-system-{arch}",
    },
    "qemu_img": {
        "debian": "qemu-utils",
        "redhat": "qemu-img",
        "suse": "qemu-img",
        "arch": "qemu-img",
        "alpine": "qemu-img",
    },
    "bindings": {
        "debian": "python3-guestfs",
        "redhat": "python3-libguestfs",
        "suse": "python3-libguestfs",
        "arch": "python-libguestfs",
        "alpine": "py3-libguestfs",
    },
    "appliance": {
        "debian": "libguestfs-tools",
        "redhat": "libguestfs-appliance",
        "suse": "libguestfs",
        "arch": "libguestfs",
        "alpine": "libguestfs",
    },
    "supermin": dict.fromkeys(_INSTALL, "supermin"),
    "kernel": {
        "debian": "linux-image-generic",
        "redhat": "kernel-core",
        "suse": "kernel-default",
        "arch": "linux",
        "alpine": "linux-virt",
    },
    "voluptuous": {
        "debian": "python3-voluptuous",
        "redhat": "python3-voluptuous",
        "suse": "python3-voluptuous",
        "arch": "python-voluptuous",
        "alpine": "py3-voluptuous",
    },
}
# Where one name does not do for all machines: by family, then machine; the empty machine is all others.
_BY_MACHINE: dict[tuple[str, Family], dict[str, str]] = {
    ("qemu", "debian"): {
        "x86_64": "qemu-system-x86",
        "aarch64": "qemu-system-arm",
        "ppc64le": "qemu-system-ppc",
        "": "qemu-system",
    },
    ("qemu", "suse"): {"x86_64": "qemu-x86", "aarch64": "qemu-arm", "ppc64le": "qemu-ppc", "": "qemu"},
    ("kernel", "debian"): {"x86_64": "linux-image-amd64", "aarch64": "linux-image-arm64", "": "linux-image-generic"},
}
_MACHINES = {"x86_64": "x86", "i686": "x86"}  # what Arch calls the packages of QEMU

OLDEST = (1, 48)
"""The oldest libguestfs that the collection is tested with."""

SPACE_NEEDED = 600 << 20
"""What a cached appliance takes, in bytes (measured on Debian 12: 580 MB)."""


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong.

    :param name: what it is about; stable, for playbooks to look at.
    :param remedy: the command or the package that mends it.
    :param blocking: no appliance can be launched until it is mended; otherwise it is only slower or less sure.
    """

    name: str
    message: str
    remedy: str
    blocking: bool = True


def find_problems(facts: Facts) -> tuple[Problem, ...]:
    """Return what is wrong, what blocks first."""
    found = [problem for check in _CHECKS for problem in check(facts)]
    return tuple(sorted(found, key=lambda problem: not problem.blocking))


def install(system: System, what: str) -> str:
    """Return the command that installs ``what`` (a key of the table of packages) on the host's distribution."""
    by_machine = _BY_MACHINE.get((what, system.family), {"": _PACKAGES[what].get(system.family, "")})
    name = by_machine.get(system.arch, by_machine[""])
    if not name:
        others = ", ".join(f"{package} ({family})" for family, package in sorted(_PACKAGES[what].items()))
        return f"Install the package of your distribution; elsewhere it is {others}."
    arch = _MACHINES.get(system.arch, system.arch) if system.family == "arch" else system.arch
    command = f"{_INSTALL[system.family]} {name.format(arch=arch)}"
    if system.family == "alpine" and what in ("bindings", "appliance", "supermin"):
        command += " (from the repository edge/testing)"
    return command


def _check_voluptuous(facts: Facts) -> t.Iterator[Problem]:
    if not facts.has_voluptuous:
        message = "The Python library voluptuous is missing from the Python that runs the modules."
        remedy = f"{install(facts.system, 'voluptuous')}, or in a virtual environment: pip install voluptuous"
        yield Problem("voluptuous", message, remedy)


def _check_library(facts: Facts) -> t.Iterator[Problem]:
    if facts.library is None:
        message = f"No Python of this host has the bindings of libguestfs ({facts.bindings_error})."
        yield Problem("libguestfs", message, install(facts.system, "bindings"))
        return
    version = tuple(int(part) for part in re.findall(r"\d+", facts.library.version)[:2])
    if version < OLDEST:
        message = f"libguestfs {facts.library.version} is too old: {OLDEST[0]}.{OLDEST[1]} is the oldest supported."
        yield Problem("libguestfs_version", message, "Use a newer release of the distribution, or a container of one.")


def _check_qemu(facts: Facts) -> t.Iterator[Problem]:
    if facts.qemu is None:
        wanted = f" ({printable(facts.library.emulator)})" if facts.library else ""
        message = f"QEMU for {facts.system.arch} is missing{wanted}."
        yield Problem("qemu", message, install(facts.system, "qemu"))
    if facts.qemu_img is None:
        yield Problem("qemu_img", "The program qemu-img is missing.", install(facts.system, "qemu_img"))


def _check_appliance(facts: Facts) -> t.Iterator[Problem]:
    if facts.library is None:
        return
    if facts.appliance is None:
        message = f"libguestfs has no appliance in {printable(facts.library.path)}."
        remedy = f"{install(facts.system, 'appliance')}, or set LIBGUESTFS_PATH to the folder of a fixed appliance"
        yield Problem("appliance", message, remedy)
    elif facts.appliance.kind == "supermin":
        yield from _check_supermin(facts)


def _check_supermin(facts: Facts) -> t.Iterator[Problem]:
    if facts.supermin is None:
        yield Problem("supermin", "supermin is missing, which builds the appliance.", install(facts.system, "supermin"))
    if not facts.kernels:
        message = (
            "There is no kernel with its modules in /boot, from which the appliance is built (as in most containers)."
        )
        yield Problem("kernel", message, install(facts.system, "kernel"))
    elif not any(kernel.readable for kernel in facts.kernels):
        path = printable(facts.kernels[-1].path)
        message = f"The kernel {path}, from which the appliance is built, may not be read by this user."
        remedy = f"chmod 0644 {path}"
        if facts.system.family == "debian":
            remedy = f"dpkg-statoverride --update --add root root 0644 {path} (for every new kernel; Ubuntu's are 0600)"
        yield Problem("kernel", message, remedy)


def _check_space(facts: Facts) -> t.Iterator[Problem]:
    built = facts.appliance is None or facts.appliance.kind == "supermin"
    if facts.cache.free is None:
        message = f"The folder for the appliance's cache cannot be used: {printable(facts.cache.path)}."
        yield Problem("space", message, "Set LIBGUESTFS_CACHEDIR to a folder that exists.")
    elif built and not facts.cache.filled and facts.cache.free < SPACE_NEEDED:
        free = facts.cache.free >> 20
        message = f"{printable(facts.cache.path)} has {free} MiB free, and an appliance takes {SPACE_NEEDED >> 20} MiB."
        yield Problem("space", message, "Free space, or set LIBGUESTFS_CACHEDIR to a folder that has it.")


def _check_memory(facts: Facts) -> t.Iterator[Problem]:
    wanted = facts.library.memory_mb if facts.library else 0
    if facts.memory is not None and facts.memory >> 20 < wanted:
        message = f"{facts.memory >> 20} MiB of memory are available, and an appliance gets {wanted} MiB."
        yield Problem("memory", message, "Free memory, or set appliance.memory_mb lower (512 may do).", blocking=False)


def _check_kvm(facts: Facts) -> t.Iterator[Problem]:
    slow = "The appliance is emulated, and takes some 15 seconds to start instead of 3."
    if facts.kvm == "absent":
        message = f"This host has no /dev/kvm. {slow}"
        remedy = (
            "Turn virtualization on (firmware; nested virtualization in a virtual machine; --device /dev/kvm for a "
        )
        yield Problem("kvm", message, f"{remedy}container), or leave it so.", blocking=False)
    elif facts.kvm == "denied":
        message = f"/dev/kvm may not be used by this user. {slow}"
        yield Problem("kvm", message, "usermod -aG kvm USER, then log in again", blocking=False)
    elif facts.verdict is not None and facts.verdict["accelerator"] == "tcg":
        why = printable(facts.verdict.get("reason", ""))
        message = (
            f"/dev/kvm is there but does not work: an earlier launch of this boot found out. {slow} QEMU said: {why}"
        )
        yield Problem("kvm", message, "A newer QEMU or kernel may mend it; nothing has to be done.", blocking=False)


_CHECKS: tuple[t.Callable[[Facts], t.Iterator[Problem]], ...] = (
    _check_voluptuous,
    _check_library,
    _check_qemu,
    _check_appliance,
    _check_space,
    _check_memory,
    _check_kvm,
)
