# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module locale: files of each family, and which locales a guest has."""

from __future__ import annotations

import stat
import struct
import typing as t

import pytest
from ansible_collections.offline.guest.plugins.module_utils._errors import GuestError, OptionError
from ansible_collections.offline.guest.plugins.module_utils._guest._locale_generated import (
    enabled_in_locale_gen,
    normalized,
)
from ansible_collections.offline.guest.plugins.modules import locale
from ansible_collections.offline.guest.tests.unit.guest.fake_guest import FakeGuest

ARCHIVE = "/usr/lib/locale/locale-archive"
OPTIONS = ("lang", "variables", "keymap", "font", "xkb_layout", "xkb_model", "xkb_variant", "xkb_options")


def archive(*names: str, magic: int = 0xDE020109) -> bytes:
    strings = b"".join(name.encode() + b"\0" for name in names)
    return struct.pack("<8I", magic, 1, 56, 0, 0, 56, len(strings), 100).ljust(56, b"\0") + strings


def machine(family: str = "debian", *locales: str) -> FakeGuest:
    guest = FakeGuest(locale, family=family)
    return guest.put({ARCHIVE: archive(*(locales or ("de_DE.utf8", "en_US.utf8")))})


@pytest.mark.parametrize(
    ("family", "path", "before", "after"),
    [
        ("debian", "/etc/default/locale", b"LANG=C.UTF-8\n", b"LANG=de_DE.UTF-8\n"),
        ("debian", "/etc/default/locale", b'#  x\nLANG="C"\nLC_ALL=C\n', b'#  x\nLANG="de_DE.UTF-8"\nLC_ALL=C\n'),
        ("fedora", "/etc/locale.conf", b'LANG="en_US.UTF-8"\n', b'LANG="de_DE.UTF-8"\n'),
        ("arch", "/etc/locale.conf", None, b"LANG=de_DE.UTF-8\n"),
        ("void", "/etc/locale.conf", None, b"LANG=de_DE.UTF-8\n"),
        ("rhel6", "/etc/sysconfig/i18n", b'LANG="C"\nSYSFONT="x"\n', b'LANG="de_DE.UTF-8"\nSYSFONT="x"\n'),
        ("sles11", "/etc/sysconfig/language", b'RC_LANG="C"\n', b'RC_LANG="de_DE.UTF-8"\n'),
        ("gentoo", "/etc/env.d/02locale", None, b'LANG="de_DE.UTF-8"\n'),
        ("alpine", "/etc/profile.d/10locale.sh", None, b"export LANG=de_DE.UTF-8\n"),
    ],
)
def test_language(family: str, path: str, before: bytes | None, after: bytes) -> None:
    guest = machine(family).put({} if before is None else {path: before})
    done = guest.four(lang="de_DE.UTF-8")
    assert done.changed
    assert guest.content(path) == after
    assert (done.result["files"], done.result["missing"], guest.warnings) == ([path], [], [])


def test_debian_13_has_a_link() -> None:
    guest = machine().put({"/etc/locale.conf": b"LANG=C\n"})
    guest.rpc.add_link("/etc/default/locale", "../locale.conf")
    assert guest.four(lang="de_DE.UTF-8").result["files"] == ["/etc/locale.conf"]
    assert guest.content("/etc/locale.conf") == b"LANG=de_DE.UTF-8\n"


def test_variables() -> None:
    guest = machine("fedora").put({"/etc/locale.conf": b"LANG=en_US.UTF-8\nLC_TIME=C\nLC_PAPER=C\n"})
    guest.four(variables={"LC_TIME": "de_DE.UTF-8", "LC_PAPER": "", "LC_NAME": None, "LANGUAGE": "de:en_GB:en"})
    assert guest.content("/etc/locale.conf") == b"LANG=en_US.UTF-8\nLC_TIME=de_DE.UTF-8\nLANGUAGE=de:en_GB:en\n"


@pytest.mark.parametrize(
    "params",
    [
        {"lang": "de DE"},
        {"lang": ""},
        {"lang": "../x"},
        {"lang": "a" * 100},
        {"variables": {"LC_ALL": "C"}},
        {"variables": {"PATH": "C"}},
        {"variables": {"LC_TIME": "$(id)"}},
        {"variables": {"LANGUAGE": "de;en"}},
        {"xkb_layout": "de\n"},
        {"xkb_options": "$x"},
        {"keymap": "de"},
        {"font": "x"},
    ],
)
def test_refused(params: dict[str, t.Any]) -> None:
    guest = machine()
    with pytest.raises(OptionError):
        guest.run(**params)
    assert guest.rpc.writes == []


@pytest.mark.parametrize(
    ("family", "params", "path", "before", "after"),
    [
        (
            "debian",
            {"xkb_layout": "de", "xkb_variant": "", "xkb_options": "compose:caps"},
            "/etc/default/keyboard",
            b'XKBMODEL="pc105"\nXKBLAYOUT="us"\n',
            b'XKBMODEL="pc105"\nXKBLAYOUT="de"\nXKBVARIANT=""\nXKBOPTIONS="compose:caps"\n',
        ),
        ("debian", {"keymap": "de"}, "/etc/vconsole.conf", b"FONT=x\n", b"FONT=x\nKEYMAP=de\n"),
        (
            "fedora",
            {"keymap": "de-latin1", "font": "ter-v16n", "xkb_layout": "us,de", "xkb_model": ""},
            "/etc/vconsole.conf",
            b'KEYMAP="us"\nXKBMODEL=x\n',
            b'KEYMAP="de-latin1"\nFONT=ter-v16n\nXKBLAYOUT=us,de\n',
        ),
        ("arch", {"keymap": "de"}, "/etc/vconsole.conf", None, b"KEYMAP=de\n"),
        (
            "rhel6",
            {"keymap": "de", "xkb_layout": "de"},
            "/etc/sysconfig/keyboard",
            None,
            b'KEYTABLE="de"\nLAYOUT="de"\n',
        ),
        ("gentoo", {"keymap": "de"}, "/etc/conf.d/keymaps", b'keymap="us"\n', b'keymap="de"\n'),
    ],
)
def test_keyboard(family: str, params: dict[str, str], path: str, before: bytes | None, after: bytes) -> None:
    guest = machine(family).put({} if before is None else {path: before})
    assert guest.four(**params).changed
    assert guest.content(path) == after


@pytest.mark.parametrize("option", ["keymap", "font", "xkb_layout"])
def test_alpine_has_no_file_for_the_keyboard(option: str) -> None:
    params: dict[str, t.Any] = {option: "de"}
    with pytest.raises(OptionError, match=option) as caught:
        machine("alpine").run(**params)
    assert "setup-keymap" in caught.value.hint


def test_removing_what_is_not_there_makes_no_file() -> None:
    guest = machine("fedora")
    guest.rpc.add_dir("/etc")
    assert not guest.four(xkb_layout="").changed


@pytest.mark.parametrize("name", ["C", "POSIX", "C.UTF-8", "en_US.UTF-8", "en_US.utf8", "de_AT@euro", "fr_FR.UTF-8"])
def test_locales_that_are_there(name: str) -> None:
    guest = machine("fedora", "en_US.utf8", "de_AT@euro")
    guest.rpc.add_dir("/usr/lib/locale/fr_FR.utf8")
    assert guest.run(lang=name).result["missing"] == []
    assert guest.warnings == []


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0" * 10,
        archive("de_DE.utf8", magic=1),
        archive("de_DE.utf8")[:-3],
        struct.pack("<8I", 0xDE020109, 1, 0, 0, 0, 2**32 - 1, 2**32 - 1, 0),
        archive("xde_DE.utf8", "de_DE.utf8x"),
    ],
)
def test_a_locale_that_is_missing_is_said_to_be(content: bytes) -> None:
    guest = machine("fedora").put({ARCHIVE: content})
    done = guest.run(lang="de_DE.UTF-8", variables={"LC_TIME": "de_DE.UTF-8", "LANGUAGE": "de"})
    assert done.result["missing"] == ["de_DE.UTF-8"]
    assert len(guest.warnings) == 1 and "de_DE.UTF-8" in guest.warnings[0]


def test_of_an_archive_only_the_names_are_read() -> None:
    guest = machine("fedora")
    guest.rpc.nodes[ARCHIVE].size = 2**30
    assert guest.run(lang="de_DE.UTF-8").result["missing"] == []
    assert sum(entry[2] for entry in guest.rpc.log if entry[0] == "pread" and entry[1] == ARCHIVE) < 200


def test_any_name_will_do_for_musl() -> None:
    assert machine("alpine").run(lang="xy_XY.UTF-8").result["missing"] == []


@pytest.mark.parametrize(
    ("before", "name", "after"),
    [
        (b"# de_DE.UTF-8 UTF-8\n# x\n", "de_DE.UTF-8", b"de_DE.UTF-8 UTF-8\n# x\n"),
        (b"#de_DE.UTF-8 UTF-8  \n", "de_DE.UTF-8", b"de_DE.UTF-8 UTF-8  \n"),
        (b"de_DE.UTF-8 UTF-8\n# de_DE.UTF-8 UTF-8\n", "de_DE.UTF-8", None),
        (b"# de_DE.UTF-8@x UTF-8\n\xff", "de_DE.UTF-8", b"# de_DE.UTF-8@x UTF-8\n\xff\nde_DE.UTF-8 UTF-8\n"),
        (b"# de_DE ISO-8859-1\n", "de_DE", b"de_DE ISO-8859-1\n"),
        (b"", "de_DE.utf8", b"de_DE.utf8 UTF-8\n"),
    ],
)
def test_locale_gen(before: bytes, name: str, after: bytes | None) -> None:
    assert enabled_in_locale_gen(before, name) == (before if after is None else after)


def test_generate() -> None:
    guest = machine("debian", "en_US.utf8").put({"/etc/locale.gen": b"# de_DE.UTF-8 UTF-8\n"})
    done = guest.four(lang="de_DE.UTF-8", generate=True)
    assert (done.result["locale_gen_needed"], done.result["command"]) == (True, "locale-gen")
    assert guest.content("/etc/locale.gen") == b"de_DE.UTF-8 UTF-8\n"
    assert "locale-gen" in done.result["msg"]
    assert guest.warnings == []


def test_what_cannot_be_generated() -> None:
    with pytest.raises(GuestError, match="no /etc/locale.gen"):
        machine("fedora", "en_US.utf8").run(lang="de_DE.UTF-8", generate=True)
    with pytest.raises(GuestError, match="character set"):
        machine("debian", "C.utf8").put({"/etc/locale.gen": b""}).run(lang="de_DE", generate=True)


def test_normalized() -> None:
    names = ["de_DE.UTF-8", "de_DE.ISO-8859-15@euro", "de_DE@euro", "C", "de_DE.utf8"]
    assert [normalized(name) for name in names] == [
        "de_DE.utf8",
        "de_DE.iso885915@euro",
        "de_DE@euro",
        "C",
        "de_DE.utf8",
    ]


@pytest.mark.parametrize("path", ["/etc/default/locale", "/etc/locale.conf"])
def test_hostile(path: str) -> None:
    guest = machine()
    guest.rpc.add_special(path, stat.S_IFIFO)
    with pytest.raises(GuestError, match="not a regular file"):
        guest.run(lang="de_DE.UTF-8")
    assert guest.rpc.writes == []


def test_a_hostile_archive() -> None:
    guest = machine("fedora")
    guest.rpc.add_special(ARCHIVE, stat.S_IFIFO)
    assert guest.run(lang="de_DE.UTF-8").result["missing"] == ["de_DE.UTF-8"]
