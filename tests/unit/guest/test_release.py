# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Distributions, by the rules of libguestfs."""

from __future__ import annotations

import pytest
from ansible_collections.offline.guest.plugins.module_utils._guest import _release
from hypothesis import given
from hypothesis import strategies as st


def identify(**files: str) -> _release.Release:
    texts = {"/etc/" + name.replace("__", "/").replace("_release", "-release"): text for name, text in files.items()}
    if "/etc/debian_version" not in texts and "debian_version" in files:
        texts["/etc/debian_version"] = files["debian_version"]
    return _release.identify(texts.get)


def os_release(ident: str, version: str | None, pretty: str = "Pretty") -> str:
    lines = [f"ID={ident}", f'PRETTY_NAME="{pretty}"'] + ([f'VERSION_ID="{version}"'] if version else [])
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(
    ("files", "distro", "version", "product"),
    [
        ({"os_release": os_release("ubuntu", "22.04", "Ubuntu 22.04.3 LTS")}, "ubuntu", (22, 4), "Ubuntu 22.04.3 LTS"),
        ({"os_release": os_release("fedora", "39", "Fedora 39")}, "fedora", (39, 0), "Fedora 39"),
        ({"os_release": os_release("arch", None, "Arch Linux")}, "archlinux", (0, 0), "Arch Linux"),
        ({"os_release": os_release("alpine", "3.19.1", "Alpine v3.19")}, "alpinelinux", (3, 19), "Alpine v3.19"),
        ({"os_release": os_release("opensuse-leap", "15.5")}, "opensuse", (15, 5), "Pretty"),
        ({"os_release": os_release("sled", "15.4")}, "sles", (15, 4), "Pretty"),
        ({"os_release": os_release("neokylin", "V7Update2")}, "neokylin", (7, 2), "Pretty"),
        # Debian's os-release has no minor version, so everything comes from the old file.
        ({"os_release": os_release("debian", "12"), "debian_version": "12.4\n"}, "debian", (12, 4), "12.4"),
        ({"os_release": os_release("debian", "12")}, "debian", (12, 0), "Pretty"),
        (
            {"os_release": os_release("centos", "7"), "centos_release": "CentOS Linux release 7.9.2009 (Core)\n"},
            "centos",
            (7, 9),
            "CentOS Linux release 7.9.2009 (Core)",
        ),
        (
            {"os_release": os_release("almalinux", "9.3"), "redhat_release": "AlmaLinux release 9.3 (Shamrock)\n"},
            "redhat-based",
            (9, 3),
            "AlmaLinux release 9.3 (Shamrock)",
        ),
        (
            {"os_release": os_release("rocky", "9.3"), "redhat_release": "Rocky Linux release 9.3\n"},
            "rocky",
            (9, 3),
            "Pretty",
        ),
        ({"redhat_release": "Red Hat Enterprise Linux AS release 4 (Nahant Update 8)\n"}, "rhel", (4, 8), None),
        ({"redhat_release": "CentOS release 6.10 (Final)\n"}, "centos", (6, 10), "CentOS release 6.10 (Final)"),
        ({"redhat_release": "Scientific Linux release 6.1 (Carbon)\n"}, "scientificlinux", (6, 1), None),
        ({"redhat_release": ""}, "redhat-based", None, None),
        (
            {"lsb_release": 'DISTRIB_ID=LinuxMint\nDISTRIB_RELEASE=21.2\nDISTRIB_DESCRIPTION="Linux Mint 21.2"\n'},
            "linuxmint",
            (21, 2),
            "Linux Mint 21.2",
        ),
        (
            {"lsb_release": "LSB_VERSION=1.3\n", "redhat_release": "Red Hat Linux release 9 (Shrike)\n"},
            "rhel",
            (9, 0),
            None,
        ),
        ({"SuSE_release": "SUSE Linux Enterprise Server 11\nVERSION = 11\nPATCHLEVEL = 4\n"}, "sles", (11, 4), None),
        ({"SuSE_release": "openSUSE 13.2 (x86_64)\nVERSION = 13.2\n"}, "opensuse", (13, 2), "openSUSE 13.2 (x86_64)"),
        ({"SuSE_release": ""}, "suse-based", None, None),
        ({"arch_release": ""}, "archlinux", None, None),
        ({"gentoo_release": "Gentoo Base System release 2.14\n"}, "gentoo", (2, 14), None),
        ({}, None, None, None),
    ],
)
def test_identify(
    files: dict[str, str], distro: str | None, version: tuple[int, int] | None, product: str | None
) -> None:
    found = identify(**files)
    assert (found.distro, found.version) == (distro, version)
    if product:
        assert found.product_name == product


def test_cirros_is_told_from_buildroot_by_its_logo() -> None:
    texts = {"/etc/br-version": "2015.05"}
    assert _release.identify(texts.get).distro == "buildroot"
    assert _release.identify({**texts, "/usr/share/cirros/logo": "x"}.get).distro == "cirros"


def test_codename_and_version_id() -> None:
    found = identify(os_release='ID=ubuntu\nPRETTY_NAME=U\nVERSION_ID="22.04"\nVERSION_CODENAME=jammy\n')
    assert (found.codename, found.version_id) == ("jammy", "22.04")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("plain", "plain"),
        ('"a \\"b\\" \\$c"', 'a "b" $c'),
        ("'a \\$b'", "a \\$b"),
        ('"', '"'),
        ("", ""),
        ("\"open'", "\"open'"),
    ],
)
def test_unquote(text: str, value: str) -> None:
    assert _release.unquote(text) == value


def test_a_version_of_many_digits_is_none() -> None:
    assert _release.parse_version("9" * 4000) is None
    assert identify(debian_version="9" * 4000).version is None


@pytest.mark.parametrize(
    ("distro", "major", "has_dnf", "packages"),
    [
        ("fedora", 39, True, ("rpm", "dnf")),
        ("fedora", 39, False, ("rpm", "yum")),
        ("fedora", 0, True, ("rpm", None)),
        ("rhel", 9, False, ("rpm", "dnf")),
        ("rhel", 7, False, ("rpm", "yum")),
        ("rhel", 3, False, ("rpm", "up2date")),
        ("debian", 12, False, ("deb", "apt")),
        ("altlinux", 10, False, ("rpm", "apt")),
        ("alpinelinux", 3, False, ("apk", "apk")),
        ("opensuse", 15, False, ("rpm", "zypper")),
        ("coreos", 1, False, (None, None)),
        (None, 0, False, (None, None)),
    ],
)
def test_packages(distro: str | None, major: int, has_dnf: bool, packages: tuple[str | None, str | None]) -> None:
    assert _release.package_format(distro) == packages[0]
    assert _release.package_management(distro, major, has_dnf=has_dnf) == packages[1]


@given(st.dictionaries(st.sampled_from(sorted({path for path, _rule in _release._RULES})), st.text(max_size=300)))
def test_any_text_gives_an_answer(texts: dict[str, str]) -> None:
    found = _release.identify(texts.get)
    assert found.version is None or all(0 <= part < 10**9 for part in found.version)
