# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""What this host has for launching an appliance. Read here, judged by ``_host_problems``.

Nothing is launched and nothing is written. Every program that is started is one that a session would start too.
"""

from __future__ import annotations

import glob
import json
import os
import re
import shutil
import subprocess
import typing as t
from dataclasses import dataclass

from .._errors import printable
from . import _schema
from ._accelerator import boot_id, kvm_state, qemu_version, recall_verdict
from ._start import interpreters

_TIMEOUT = 60
_TEXT_LIMIT = 64 << 10

Family = t.Literal["debian", "redhat", "suse", "arch", "alpine", "unknown"]
_FAMILIES: dict[str, Family] = {
    "debian": "debian",
    "ubuntu": "debian",
    "fedora": "redhat",
    "rhel": "redhat",
    "centos": "redhat",
    "suse": "suse",
    "opensuse": "suse",
    "sles": "suse",
    "opensuse-leap": "suse",
    "opensuse-tumbleweed": "suse",
    "arch": "arch",
    "alpine": "alpine",
}


@dataclass(frozen=True)
class System:
    """The distribution's family, its name as it calls itself, and the machine (``x86_64``, ``aarch64`` …)."""

    family: Family
    name: str
    arch: str


@dataclass(frozen=True)
class Program:
    """A program that exists; ``version`` is empty where it does not say one."""

    path: str
    version: str


@dataclass(frozen=True)
class Library:
    """libguestfs, as the first interpreter that has its bindings sees it.

    :param path: the folders in which libguestfs looks for its appliance, separated by colons.
    :param emulator: the QEMU that libguestfs would run.
    :param memory_mb: what an appliance gets where nobody says another size.
    """

    version: str
    interpreter: str
    path: str
    emulator: str
    cache: str
    memory_mb: int


@dataclass(frozen=True)
class Appliance:
    """Where the appliance comes from: built from the host's packages by supermin, or made beforehand."""

    kind: t.Literal["supermin", "fixed"]
    path: str


@dataclass(frozen=True)
class Kernel:
    """A kernel that supermin would consider: one whose modules are there."""

    path: str
    readable: bool


@dataclass(frozen=True)
class Cache:
    """Where libguestfs keeps the appliance that supermin built; ``free`` in bytes, None where it cannot be known."""

    path: str
    free: int | None
    filled: bool


@dataclass(frozen=True)
class Facts:
    """All that is known of the host. What is missing is None.

    :param bindings_error: what the interpreters said that do not have the bindings.
    :param verdict: what an earlier launch of this boot learnt of KVM: ``accelerator`` and ``reason``.
    :param memory: bytes that new processes can have.
    """

    system: System
    library: Library | None
    bindings_error: str
    qemu: Program | None
    qemu_img: Program | None
    appliance: Appliance | None
    supermin: str | None
    kernels: tuple[Kernel, ...]
    kvm: str
    verdict: t.Mapping[str, str] | None
    cache: Cache
    memory: int | None
    has_voluptuous: bool


def read_facts() -> Facts:
    """Look at the host; a second or so, most of it for starting interpreters."""
    library, bindings_error = read_library(interpreters())
    kvm = kvm_state()
    return Facts(
        system=read_system(_read_text("/etc/os-release") or _read_text("/usr/lib/os-release"), os.uname().machine),
        library=library,
        bindings_error=bindings_error,
        qemu=_program(library.emulator if library else f"qemu-system-{os.uname().machine}", "/usr/libexec/qemu-kvm"),
        qemu_img=_program("qemu-img"),
        appliance=find_appliance(library.path) if library else None,
        supermin=shutil.which("supermin"),
        kernels=find_kernels(),
        kvm=kvm,
        verdict=_verdict(library.emulator) if library and kvm == "usable" else None,
        cache=read_cache(library.cache if library else "/var/tmp"),
        memory=available_memory(_read_text("/proc/meminfo")),
        has_voluptuous=_schema.MISSING is None,
    )


def read_system(os_release: str, arch: str) -> System:
    """Tell the family from the text of os-release(5): the id itself, or the first known one that it is like."""
    values = dict(re.findall(r'^(\w+)=["\']?([^"\'\n]*)["\']?$', os_release, re.MULTILINE))
    names = [values.get("ID", ""), *values.get("ID_LIKE", "").split()]
    known = [_FAMILIES[name] for name in names if name in _FAMILIES]
    shown = values.get("PRETTY_NAME") or values.get("ID") or "unknown"
    return System(known[0] if known else "unknown", printable(shown), arch)


_QUERY = """
import guestfs, json
handle = guestfs.GuestFS(python_return_dict=True)
version = handle.version()
print(json.dumps({
    "version": "%d.%d.%d%s" % (version["major"], version["minor"], version["release"], version["extra"]),
    "path": handle.get_path(), "emulator": handle.get_hv(), "cache": handle.get_cachedir(),
    "memory_mb": handle.get_memsize(),
}))
"""


def read_library(candidates: t.Sequence[str]) -> tuple[Library | None, str]:
    """Ask the first interpreter that has the bindings; also return what the others before it said."""
    errors = []
    for interpreter in candidates:
        done = _run([interpreter, "-I", "-c", _QUERY])
        if done is None:
            errors.append(f"{interpreter}: cannot be run, or did not answer")
        elif done.returncode == 0:
            return Library(interpreter=interpreter, **json.loads(done.stdout)), "; ".join(errors)
        else:
            errors.append(f"{interpreter}: {printable((done.stderr.strip().splitlines() or ['failed'])[-1])}")
    return None, "; ".join(errors)


def find_appliance(search_path: str) -> Appliance | None:
    """Return the first appliance on the search path, as libguestfs looks for it (guestfs-internals(1))."""
    for folder in filter(None, search_path.split(":")):
        if os.path.isdir(os.path.join(folder, "supermin.d")):
            return Appliance("supermin", folder)
        if all(os.path.exists(os.path.join(folder, name)) for name in ("README.fixed", "kernel", "initrd", "root")):
            return Appliance("fixed", folder)
    return None


def find_kernels(root: str = "/") -> tuple[Kernel, ...]:
    """Return the kernels that have modules, the newest last: supermin takes modules of the same version.

    ``SUPERMIN_KERNEL`` names the only one, where it is set.
    """
    stated = os.environ.get("SUPERMIN_KERNEL")
    if stated:
        return (Kernel(stated, os.access(stated, os.R_OK)),)
    modules = os.path.join(root, "lib/modules")
    found = []
    for path in glob.glob(os.path.join(root, "boot/vmlinu[xz]-*")):
        version = os.path.basename(path).partition("-")[2]
        found.append((version, path))
    for path in glob.glob(os.path.join(modules, "*/vmlinuz")):
        found.append((os.path.basename(os.path.dirname(path)), path))
    usable = [item for item in found if os.path.exists(os.path.join(modules, item[0], "modules.dep"))]
    return tuple(Kernel(path, os.access(path, os.R_OK)) for _version, path in sorted(usable, key=_by_version))


def _by_version(item: tuple[str, str]) -> list[tuple[int, str]]:
    """Sort 6.9 before 6.10: numbers as numbers, what is between them as text."""
    return [(int(part), "") if part.isdigit() else (0, part) for part in re.findall(r"\d+|\D+", item[0])]


def read_cache(folder: str) -> Cache:
    """Look at the cache folder of libguestfs, which has one folder a user in it."""
    path = os.path.join(folder, f".guestfs-{os.geteuid()}")
    try:
        free: int | None = shutil.disk_usage(folder).free
    except OSError:
        free = None
    return Cache(path, free, os.path.exists(os.path.join(path, "appliance.d", "root")))


def available_memory(meminfo: str) -> int | None:
    """Return the bytes that proc(5) says are available for new processes."""
    found = re.search(r"^MemAvailable:\s+(\d+) kB$", meminfo, re.MULTILINE)
    return int(found.group(1)) << 10 if found else None


def _verdict(emulator: str) -> t.Mapping[str, str] | None:
    return recall_verdict(f"{boot_id()} {qemu_version(emulator)}")


def _program(*names: str) -> Program | None:
    for name in names:
        path = shutil.which(name)
        if path:
            done = _run([path, "--version"])
            found = re.search(r"version (\d[\w.]*)", done.stdout) if done else None
            return Program(path, found.group(1) if found else "")
    return None


def _run(command: t.Sequence[str]) -> subprocess.CompletedProcess[str] | None:
    try:
        return subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_TIMEOUT,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return None


def _read_text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            return stream.read(_TEXT_LIMIT)
    except OSError:
        return ""
