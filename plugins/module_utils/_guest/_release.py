# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""Which distribution a Linux tree is, by the rules of libguestfs's own inspection.

The answers must equal those of ``inspect_os`` (guestfs(3), "INSPECTION"), so its choices are kept where they surprise:

- *Debian, CentOS, Rocky*: an os-release without a minor version is not believed; the version **and the product name**
  then come from the old release file, so a Debian's product name is ``12.4``, not ``Debian GNU/Linux 12 (bookworm)``.
- An id that libguestfs does not know (``almalinux``, ``ol``, ``raspbian``) leaves the distribution to the old files:
  AlmaLinux is ``redhat-based``.
- ``sled`` is ``sles``; every ``opensuse-…`` is ``opensuse``; rolling distributions have version 0.0.

Checked against libguestfs 1.48.6. All text here is the guest's and hostile; the caller bounds what is read.
"""

from __future__ import annotations

import dataclasses
import functools
import re
import typing as t

# os-release(5) and lsb-release ids, and libguestfs's names for them (guestfs(3), inspect_get_distro).
_OS_RELEASE_IDS = {
    "alpine": "alpinelinux",
    "altlinux": "altlinux",
    "arch": "archlinux",
    "centos": "centos",
    "coreos": "coreos",
    "debian": "debian",
    "fedora": "fedora",
    "frugalware": "frugalware",
    "gentoo": "gentoo",
    "kali": "kalilinux",
    "kylin": "kylin",
    "mageia": "mageia",
    "neokylin": "neokylin",
    "openmandriva": "openmandriva",
    "opensuse": "opensuse",
    "pardus": "pardus",
    "pld": "pldlinux",
    "rhel": "rhel",
    "rocky": "rocky",
    "sled": "sles",
    "sles": "sles",
    "ubuntu": "ubuntu",
    "void": "voidlinux",
}
_LSB_IDS = {"CoreOS": "coreos", "LinuxMint": "linuxmint", "Mageia": "mageia", "Ubuntu": "ubuntu"}
_NEEDS_MINOR = ("debian", "centos", "rocky")
_ROLLING = ("archlinux", "gentoo", "voidlinux")
_RHEL_FAMILY = ("centos", "rocky", "oraclelinux", "redhat-based", "rhel", "scientificlinux")
_RPM = (
    *_RHEL_FAMILY,
    "altlinux",
    "fedora",
    "mageia",
    "mandriva",
    "meego",
    "neokylin",
    "openmandriva",
    "opensuse",
    "sles",
    "suse-based",
)
_DEB = ("debian", "kalilinux", "kylin", "linuxmint", "ubuntu")
_PACKAGE_FORMATS = {
    **dict.fromkeys(_RPM, "rpm"),
    **dict.fromkeys(_DEB, "deb"),
    "archlinux": "pacman",
    "gentoo": "ebuild",
    "pardus": "pisi",
    "alpinelinux": "apk",
    "voidlinux": "xbps",
}
_PACKAGE_MANAGERS = {
    **dict.fromkeys(_DEB, "apt"),
    "altlinux": "apt",
    "meego": "yum",
    "neokylin": "dnf",
    "openmandriva": "dnf",
    "archlinux": "pacman",
    "gentoo": "portage",
    "pardus": "pisi",
    "mageia": "urpmi",
    "mandriva": "urpmi",
    "opensuse": "zypper",
    "sles": "zypper",
    "suse-based": "zypper",
    "alpinelinux": "apk",
    "voidlinux": "xbps",
}


@dataclasses.dataclass(frozen=True)
class Release:
    """What the release files say; None where they say nothing.

    :param version: major and minor number.
    :param version_id: os-release's VERSION_ID as written.
    :param codename: VERSION_CODENAME or DISTRIB_CODENAME.
    """

    distro: str | None = None
    product_name: str | None = None
    version: tuple[int, int] | None = None
    version_id: str | None = None
    codename: str | None = None

    def over(self, other: Release) -> Release:
        """Return this release with what it lacks taken from ``other``."""
        mine = {key: value for key, value in dataclasses.asdict(self).items() if value is not None}
        return dataclasses.replace(other, **mine)


class ReadText(t.Protocol):
    """Read one of the guest's small files."""

    def __call__(self, path: str, /) -> str | None:
        """Return the file's text, links followed; None where there is no such regular file or it cannot be used."""


Rule = t.Callable[[str, Release], "tuple[Release, bool]"]


def unquote(value: str) -> str:
    """Take shell quotes off a value of os-release(5): ``"a \\"b\\""`` → ``a "b"``."""
    if len(value) < 2 or value[0] not in "\"'" or value[-1] != value[0]:
        return value
    inner = value[1:-1]
    return re.sub(r'\\([$`\\"])', r"\1", inner) if value[0] == '"' else inner


def parse_assignments(text: str) -> dict[str, str]:
    """Read ``KEY=value`` lines; comments, blank lines and lines without ``=`` are passed over, the last one wins."""
    pairs = {}
    for line in text.split("\n"):
        key, equals, value = line.partition("=")
        if equals and key and not key.startswith("#"):
            pairs[key.strip()] = unquote(value.rstrip())
    return pairs


def parse_version(text: str) -> tuple[int, int] | None:
    """Return the first ``major.minor``, else the first number as ``(number, 0)``; ten digits and more are none."""
    found = re.search(r"([0-9]+)\.([0-9]+)", text) or re.search(r"([0-9]+)", text)
    if not found or any(len(part) > 9 for part in found.groups()):
        return None
    numbers = [int(part) for part in found.groups()]
    return numbers[0], numbers[1] if len(numbers) > 1 else 0


def parse_os_release(text: str, known: Release) -> tuple[Release, bool]:
    """Apply /etc/os-release; the second value tells whether it said enough."""
    pairs = parse_assignments(text)
    ident = pairs.get("ID", "")
    distro = "opensuse" if ident.startswith("opensuse-") else _OS_RELEASE_IDS.get(ident)
    found = Release(
        distro=distro,
        product_name=pairs.get("PRETTY_NAME"),
        version=_os_release_version(pairs.get("VERSION_ID", "")),
        version_id=pairs.get("VERSION_ID") or None,
        codename=pairs.get("VERSION_CODENAME") or None,
    ).over(known)
    if found.distro is None or found.product_name is None:
        return found, False
    if found.version is None and found.distro in _ROLLING:
        return dataclasses.replace(found, version=(0, 0)), True
    vague = found.version is None or (found.distro in _NEEDS_MINOR and found.version[1] == 0)
    return found, not vague


def _os_release_version(value: str) -> tuple[int, int] | None:
    neokylin = re.fullmatch(r"V([0-9]{1,9})Update([0-9]{1,9})", value)
    return (int(neokylin.group(1)), int(neokylin.group(2))) if neokylin else parse_version(value)


def parse_lsb_release(text: str, known: Release) -> tuple[Release, bool]:
    """Apply /etc/lsb-release; one that holds only LSB_VERSION says nothing."""
    pairs = parse_assignments(text)
    distro = _LSB_IDS.get(pairs.get("DISTRIB_ID", ""))
    product = pairs.get("DISTRIB_DESCRIPTION")
    found = Release(
        distro=distro,
        product_name=product,
        version=parse_version(pairs.get("DISTRIB_RELEASE", "")),
        codename=pairs.get("DISTRIB_CODENAME") or None,
    )
    return found.over(known), distro is not None or product is not None


def _first_line(distro: str, pattern: str | None, text: str, known: Release) -> tuple[Release, bool]:
    """Apply a release file whose first line is the product name.

    With a pattern the line must match it, and yet the distribution and product name are taken even if it does not.
    """
    line = text.split("\n", 1)[0]
    if not line:
        return known, False
    found = dataclasses.replace(known, distro=distro, product_name=line)
    if pattern is None:
        return dataclasses.replace(found, version=parse_version(line) or known.version), True
    match = re.search(pattern, line)
    if not match:
        return found, False
    groups = [int(group) for group in match.groups() if group is not None and len(group) <= 9]
    version = (groups[0], groups[1] if len(groups) > 1 else 0) if groups else known.version
    return dataclasses.replace(found, version=version), True


def _always(distro: str, _text: str, known: Release) -> tuple[Release, bool]:
    return dataclasses.replace(known, distro=distro), True


def _suse(text: str, known: Release) -> tuple[Release, bool]:
    """Apply /etc/SuSE-release: the name, then ``VERSION = 11``, then ``PATCHLEVEL = 4``."""
    if not text:
        return known, False
    lines = text.split("\n")
    found = dataclasses.replace(known, product_name=lines[0])
    second = lines[1] if len(lines) > 1 else ""
    if re.match(r"SUSE (Linux|LINUX) Enterprise |Novell Linux Desktop ", lines[0]):
        major = re.match(r"VERSION = ([0-9]{1,9})", second)
        minor = re.match(r"PATCHLEVEL = ([0-9]{1,9})", lines[2] if len(lines) > 2 else "")
        version = (int(major.group(1)), int(minor.group(1)) if minor else 0) if major else None
        return dataclasses.replace(found, distro="sles", version=version), True
    if re.match(r"(openSUSE|SuSE Linux|SUSE LINUX) ", lines[0]):
        found = dataclasses.replace(found, distro="opensuse", version=parse_version(second) or known.version)
    return found, True


def _generic(path: str, distro: str, *patterns: str) -> list[tuple[str, Rule]]:
    return [
        (path, functools.partial(_first_line, distro, pattern)) for pattern in (t.cast("t.Any", patterns) or (None,))
    ]


def _releases(name: str, *, old: bool = True) -> tuple[str, ...]:
    updates = (rf"{name}.*release ([0-9]+).*Update ([0-9]+)",) if old else ()
    return (*updates, rf"{name}.*release ([0-9]+)\.([0-9]+)", rf"{name}.*release ([0-9]+)")


# Tried in this order, first success ends; libguestfs's order.
_RULES: list[tuple[str, Rule]] = [
    ("/etc/os-release", parse_os_release),
    ("/etc/lsb-release", parse_lsb_release),
    *_generic("/etc/openmandriva-release", "openmandriva", r"OpenMandriva.*release ([0-9]+)\.([0-9]+)\.?[0-9]* .*"),
    *_generic("/etc/oracle-release", "oraclelinux", *_releases("Oracle Linux")),
    *_generic("/etc/centos-release", "centos", *_releases("CentOS")),
    *_generic("/etc/rocky-release", "rocky", *_releases("Rocky Linux", old=False)),
    *_generic("/etc/altlinux-release", "altlinux"),
    *_generic("/etc/redhat-release", "fedora", r"Fedora release ([0-9]+)"),
    *_generic("/etc/redhat-release", "rhel", *_releases("Red Hat")),
    *_generic("/etc/redhat-release", "centos", *_releases("CentOS")),
    *_generic("/etc/redhat-release", "rocky", *_releases("Rocky Linux", old=False)),
    *_generic("/etc/redhat-release", "scientificlinux", *_releases("Scientific Linux")),
    *_generic("/etc/redhat-release", "redhat-based"),
    ("/etc/redhat-release", functools.partial(_always, "redhat-based")),
    *_generic("/etc/debian_version", "debian"),
    *_generic("/etc/pardus-release", "pardus"),
    ("/etc/arch-release", functools.partial(_always, "archlinux")),
    *_generic("/etc/gentoo-release", "gentoo"),
    *_generic("/etc/meego-release", "meego"),
    *_generic("/etc/slackware-version", "slackware"),
    *_generic("/etc/ttylinux-target", "ttylinux"),
    ("/etc/SuSE-release", _suse),
    ("/etc/SuSE-release", functools.partial(_always, "suse-based")),
    *_generic("/etc/cirros/version", "cirros"),
    *_generic("/etc/br-version", "buildroot"),
    *_generic("/etc/alpine-release", "alpinelinux"),
    *_generic("/etc/frugalware-release", "frugalware", r"Frugalware ([0-9]+)\.([0-9]+)"),
    *_generic("/etc/pld-release", "pldlinux", r"([0-9]+)\.([0-9]+) PLD Linux"),
]


def identify(read: ReadText) -> Release:
    """Say which Linux distribution a root file system holds."""
    known = Release()
    texts: dict[str, str | None] = {}
    for path, rule in _RULES:
        if path not in texts:
            texts[path] = read(path)
        text = texts[path]
        if text is None:
            continue
        known, done = rule(text, known)
        if done:
            break
    if known.distro == "buildroot" and read("/usr/share/cirros/logo") is not None:
        return dataclasses.replace(known, distro="cirros")
    return known


def package_format(distro: str | None) -> str | None:
    """Return libguestfs's package format of a distribution, None where it knows none."""
    return _PACKAGE_FORMATS.get(distro or "")


def package_management(distro: str | None, major: int, *, has_dnf: bool) -> str | None:
    """Return libguestfs's package manager of a distribution; ``has_dnf`` matters for Fedora only."""
    if distro == "fedora":
        return "dnf" if major >= 22 and has_dnf else "yum" if major >= 1 else None
    if distro in _RHEL_FAMILY:
        return "dnf" if major >= 8 else "yum" if major >= 5 else "up2date" if major >= 2 else None
    return _PACKAGE_MANAGERS.get(distro or "")
