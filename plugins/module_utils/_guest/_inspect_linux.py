# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""What a mounted file system is: the root of a Linux, its /usr, something else.

The tests and their order are those of libguestfs (guestfs(3), "INSPECTION"): a root has a directory /etc, a /bin that
is a directory or a link to exactly ``usr/bin``, and a regular /etc/fstab or /etc/hosts. The architecture is read from
the ELF header of /bin/bash, ls, echo, rm or sh, where libguestfs runs file(1).
"""

from __future__ import annotations

import dataclasses
import typing as t

from . import _release
from ._inspect_fstab import FstabEntry, parse_crypttab, parse_fstab
from ._inspect_view import View
from ._release import Release

Role = t.Literal["linux", "coreos", "usr", "coreos-usr", "nearly-linux", "foreign", "other"]

_ARCH_BINARIES = ("/bin/bash", "/bin/ls", "/bin/echo", "/bin/rm", "/bin/sh")
_MAX_HOSTNAME = 255  # hostname(7) says 253; one byte more than any name is enough to tell.
# Files that mark the root of a system that only libguestfs itself describes: BSD, Hurd, Minix.
_FOREIGN_MARKS = ("/etc/freebsd-update.conf", "/netbsd", "/bsd", "/hurd/console", "/service/vm")
_FOREIGN_NAMES = ("windows", "winnt", "win32", "win", "reactos", "boot.ini", "fdos", "dos")
_ELF_MACHINES = {
    2: "SPARC",
    3: "i386",
    6: "i386",
    8: "MIPS",
    18: "sparc",
    20: "ppc",
    40: "arm",
    43: "sparc64",
    50: "ia64",
    62: "x86_64",
    183: "aarch64",
    258: "LoongArch",
}


@dataclasses.dataclass(frozen=True)
class Facts:
    """What the files of a root, or of a separate /usr, say.

    :param has_dnf: whether /usr/bin/dnf is there, which decides Fedora's package manager.
    """

    release: Release = dataclasses.field(default_factory=Release)
    arch: str | None = None
    hostname: str | None = None
    init_system: str = "unknown"
    has_dnf: bool = False
    fstab: tuple[FstabEntry, ...] = ()
    crypttab: t.Mapping[str, str] = dataclasses.field(default_factory=dict)


def role_of(view: View) -> Role:
    """Say what a mounted file system is; ``nearly-linux`` has an os-release but not what libguestfs asks for."""
    if any(view.is_file(path) for path in ("/grub/menu.lst", "/grub/grub.conf", "/grub2/grub.cfg")):
        return "other"
    if any(view.is_file(path) for path in _FOREIGN_MARKS):
        return "foreign"
    if view.is_dir("/etc"):
        role = _role_with_etc(view)
        if role is not None:
            return role
    return _role_without_etc(view)


def _role_with_etc(view: View) -> Role | None:
    has_bin = view.is_dir("/bin") or view.link_target("/bin") == "usr/bin"
    has_fstab = view.is_file("/etc/fstab")
    if has_bin and (has_fstab or view.is_file("/etc/hosts")):
        return "linux"
    if all(view.is_dir(path) for path in ("/root", "/home", "/usr")) and view.is_file("/etc/coreos/update.conf"):
        return "coreos"
    if has_bin and view.is_dir("/share") and not view.is_dir("/local") and not has_fstab:
        return "other"
    if not view.is_dir("/share") and view.is_file("/etc/os-release", follow=True):
        return "nearly-linux"
    return None


def _role_without_etc(view: View) -> Role:
    if all(view.is_dir(path) for path in ("/bin", "/local", "/share")):
        if view.is_dir("/src") and not view.is_file("/etc/fstab"):
            return "usr"
        if view.is_dir("/share/coreos"):
            return "coreos-usr"
    names = {name.lower() for name in view.names("/")}
    return "foreign" if names.intersection(_FOREIGN_NAMES) else "other"


def read_root(view: View) -> Facts:
    """Read what a Linux root says of itself."""
    return Facts(
        release=_release.identify(view.text),
        arch=architecture(view),
        hostname=hostname(view),
        init_system=init_system(view),
        has_dnf=view.is_file("/usr/bin/dnf", follow=True),
        fstab=tuple(read_fstab(view) or ()),
        crypttab=parse_crypttab(view.text("/etc/crypttab") or ""),
    )


def read_fstab(view: View, *, optional: bool = True) -> list[FstabEntry] | None:
    """Return the guest's fstab; None, with a warning unless ``optional`` and absent, where it is unusable."""
    text = view.text("/etc/fstab", optional=optional)
    entries, bad = parse_fstab(text or "")
    if bad:
        view.warn(f"/etc/fstab in the guest: {len(bad)} lines are no entries (the first is line {bad[0]}).")
    return None if text is None else entries


def read_coreos_root(view: View) -> Facts:
    """CoreOS's root has no release files and no fstab of its own: those are in /usr."""
    return Facts(release=Release(distro="coreos"), hostname=hostname(view), init_system="systemd")


def read_usr(view: View, *, coreos: bool = False) -> Facts:
    """Read what a /usr of its own says of the system."""
    release = Release(distro="coreos") if coreos else Release()
    os_release = view.text("/lib/os-release")
    if os_release is not None:
        release, _enough = _release.parse_os_release(os_release, release)
    elif coreos:
        release, _enough = _release.parse_lsb_release(view.text("/share/coreos/lsb-release") or "", release)
    systemd = view.is_file("/lib/systemd/systemd")
    return Facts(release=release, arch=architecture(view), init_system="systemd" if systemd else "unknown")


def merged(root: Facts, usr: Facts) -> Facts:
    """Complete a root's facts with those of its /usr, where the root has none."""
    return dataclasses.replace(
        root,
        release=root.release.over(usr.release),
        arch=root.arch or usr.arch,
        init_system=root.init_system if root.init_system != "unknown" else usr.init_system,
    )


def architecture(view: View) -> str | None:
    """Return libguestfs's name of the guest's CPU architecture, from the first program that tells."""
    for path in _ARCH_BINARIES:
        if view.is_file(path, follow=True):
            found = elf_architecture(view.head(path, 20))
            if found:
                return found
    return None


def elf_architecture(header: bytes) -> str | None:
    """Return the architecture of an ELF executable, shared object or relocatable; None for anything else."""
    if len(header) < 20 or header[:4] != b"\x7fELF" or header[4] not in (1, 2) or header[5] not in (1, 2):
        return None
    order: t.Literal["little", "big"] = "little" if header[5] == 1 else "big"
    kind, machine = (int.from_bytes(header[at : at + 2], order) for at in (16, 18))
    bits = 32 * header[4]
    if kind not in (1, 2, 3):
        return None
    if machine == 21:
        return "ppc64" if order == "big" else "ppc64le"
    if machine == 22:
        return "s390x" if bits == 64 else "s390"
    return f"riscv{bits}" if machine == 243 else _ELF_MACHINES.get(machine)


def hostname(view: View) -> str | None:
    """Return the host name: /etc/HOSTNAME, /etc/hostname (its comments passed over), then Red Hat's old file."""
    for path in ("/etc/HOSTNAME", "/etc/hostname"):
        lines = (view.text(path) or "").split("\n")
        names = [line for line in lines if line and not line.startswith("#")]
        if names:
            return _checked_hostname(view, path, names[0])
    if view.is_file("/etc/sysconfig/network"):
        name = _release.parse_assignments(view.text("/etc/sysconfig/network") or "").get("HOSTNAME")
        return _checked_hostname(view, "/etc/sysconfig/network", name) if name else None
    return None


def _checked_hostname(view: View, path: str, name: str) -> str | None:
    if len(name) <= _MAX_HOSTNAME and name.isprintable():
        return name
    view.warn(f"{path} in the guest holds no host name (it is too long or not printable).")
    return None


def init_system(view: View) -> str:
    """Say what starts the guest's services: ``systemd``, ``openrc``, ``sysvinit`` or ``unknown``.

    Two may be installed at once, so /sbin/init decides first, and an inittab beside an init that is no link to systemd
    means SysV's (upstart's guests are run by their init scripts too).
    """
    init = view.resolved("/sbin/init")
    if init.endswith("/systemd"):
        return "systemd"
    if any(view.is_file(path, follow=True) for path in ("/sbin/openrc", "/usr/sbin/openrc", "/sbin/openrc-run")):
        return "openrc"
    has_init = view.is_file("/sbin/init", follow=True)
    if has_init and view.is_file("/etc/inittab", follow=True):
        return "sysvinit"
    if _has_systemd(view):
        return "systemd"
    scripts = view.is_dir("/etc/init.d", follow=True) or view.is_dir("/etc/rc.d", follow=True)
    return "sysvinit" if scripts else "unknown"


def _has_systemd(view: View) -> bool:
    programs = ("/usr/lib/systemd/systemd", "/lib/systemd/systemd")
    return any(view.is_file(path, follow=True) for path in programs) or view.is_dir(
        "/usr/lib/systemd/system", follow=True
    )


def version_text(release: Release) -> str | None:
    """Return the version for people: VERSION_ID as written (``24.04``), unless another file knew more (``12.4``)."""
    if release.version in (None, (0, 0)):
        return release.version_id
    if release.version_id and _release.parse_version(release.version_id) == release.version:
        return release.version_id
    return f"{release.version[0]}.{release.version[1]}" if release.version else None
