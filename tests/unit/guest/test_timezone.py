# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module timezone: links, copies and the files with a name in them."""

from __future__ import annotations

import pytest
from ansible_collections.offline.guest.plugins.module_utils._errors import GuestError, OptionError
from ansible_collections.offline.guest.plugins.module_utils._guest._timezone import adjusted
from ansible_collections.offline.guest.plugins.modules import timezone
from ansible_collections.offline.guest.tests.unit.guest.fake_guest import FakeGuest
from hypothesis import given
from hypothesis import strategies as st

BERLIN, TOKYO, UTC = b"TZif2 Berlin", b"TZif2 Tokyo", b"TZif2 UTC"


def machine(family: str = "debian", kind: str = "linux") -> FakeGuest:
    guest = FakeGuest(timezone, family=family, type=kind)
    zones = {"Europe/Berlin": BERLIN, "Asia/Tokyo": TOKYO, "Etc/UTC": UTC, "zone1970.tab": b"AD", "leapseconds": b"#"}
    return guest.put({f"/usr/share/zoneinfo/{name}": content for name, content in zones.items()})


@pytest.mark.parametrize(
    ("family", "before", "after"),
    [
        ("debian", "/usr/share/zoneinfo/Etc/UTC", "/usr/share/zoneinfo/Europe/Berlin"),
        ("debian", "../usr/share/zoneinfo/Etc/UTC", "../usr/share/zoneinfo/Europe/Berlin"),
        ("debian", None, "/usr/share/zoneinfo/Europe/Berlin"),
        ("fedora", None, "../usr/share/zoneinfo/Europe/Berlin"),
        ("fedora", "../usr/share/zoneinfo/Asia/Tokyo", "../usr/share/zoneinfo/Europe/Berlin"),
        ("arch", "/usr/share/zoneinfo/Asia/Tokyo", "/usr/share/zoneinfo/Europe/Berlin"),
        ("alpine", "/etc/zoneinfo/Asia/Tokyo", "/usr/share/zoneinfo/Europe/Berlin"),
        ("debian", "/dev/null", "/usr/share/zoneinfo/Europe/Berlin"),
    ],
)
def test_the_link(family: str, before: str | None, after: str) -> None:
    guest = machine(family)
    if before is not None:
        guest.rpc.add_link("/etc/localtime", before)
    done = guest.four(name="Europe/Berlin")
    assert done.changed
    assert guest.target("/etc/localtime") == after
    assert done.result["files"] == ["/etc/localtime"]
    assert guest.content("/etc/timezone") is None


def test_the_right_zone_is_left_alone_however_the_link_is_written() -> None:
    guest = machine("fedora")
    guest.rpc.add_link("/etc/localtime", "/usr/share/../share/zoneinfo/Europe/Berlin")
    assert not guest.four(name="Europe/Berlin").changed


def test_a_copy_stays_a_copy_without_systemd() -> None:
    guest = machine("rhel6").put({"/etc/localtime": UTC, "/etc/sysconfig/clock": b'ZONE="Etc/UTC"\nUTC=true\n'})
    guest.four(name="Asia/Tokyo")
    assert guest.content("/etc/localtime") == TOKYO
    assert guest.content("/etc/sysconfig/clock") == b'ZONE="Asia/Tokyo"\nUTC=true\n'


def test_a_copy_becomes_a_link_with_systemd() -> None:
    guest = machine("fedora").put({"/etc/localtime": TOKYO})
    guest.four(name="Asia/Tokyo")
    assert guest.target("/etc/localtime") == "../usr/share/zoneinfo/Asia/Tokyo"


@pytest.mark.parametrize(
    ("family", "path", "before", "after"),
    [
        ("debian", "/etc/timezone", b"Etc/UTC\n", b"Asia/Tokyo\n"),
        ("debian", "/etc/timezone", b"Asia/Tokyo", b"Asia/Tokyo"),
        ("gentoo", "/etc/timezone", None, b"Asia/Tokyo\n"),
        ("sles11", "/etc/sysconfig/clock", b"", b'TIMEZONE="Asia/Tokyo"\n'),
        ("sles11", "/etc/sysconfig/clock", None, b'TIMEZONE="Asia/Tokyo"\n'),
        ("opensuse", "/etc/sysconfig/clock", b'TIMEZONE="x"\n', b'TIMEZONE="Asia/Tokyo"\n'),
        ("opensuse", "/etc/sysconfig/clock", None, None),
        ("rhel6", "/etc/sysconfig/clock", None, b'ZONE="Asia/Tokyo"\n'),
    ],
)
def test_files_with_the_name(family: str, path: str, before: bytes | None, after: bytes | None) -> None:
    guest = machine(family).put({} if before is None else {path: before})
    guest.rpc.add_dir("/etc")
    guest.four(name="Asia/Tokyo")
    assert guest.content(path) == after


@pytest.mark.parametrize(
    "name", ["", "../etc/passwd", "Europe/../UTC", "/etc/passwd", ".", "a b", "x" * 200, "a/b/c/d/e"]
)
def test_no_names(name: str) -> None:
    with pytest.raises(OptionError):
        machine().run(name=name)


@pytest.mark.parametrize("name", ["Europe", "Mars/Base", "leapseconds", "localtime", "loop", "fifo", "europe/berlin"])
def test_no_zones(name: str) -> None:
    guest = machine()
    guest.rpc.add_link("/usr/share/zoneinfo/localtime", "/etc/localtime")
    guest.rpc.add_file("/etc/localtime", BERLIN)
    guest.rpc.add_link("/usr/share/zoneinfo/loop", "loop")
    guest.rpc.add_special("/usr/share/zoneinfo/fifo", 0o010000)
    with pytest.raises(GuestError):
        guest.run(name=name)
    assert guest.rpc.writes == []


def test_zones_may_be_links_to_one_another() -> None:
    guest = machine()
    guest.rpc.add_link("/usr/share/zoneinfo/Japan", "Asia/Tokyo")
    guest.four(name="Japan")
    assert guest.target("/etc/localtime").endswith("/Japan")
    assert guest.four(name="Asia/Tokyo").changed


@pytest.mark.parametrize(
    ("before", "word", "after"),
    [
        (None, "local", b"0.0 0 0.0\n0\nLOCAL\n"),
        (b"1.5 2 0.0\n3\nUTC\n", "local", b"1.5 2 0.0\n3\nLOCAL\n"),
        (b"1.5 2 0.0\n3\nLOCAL\n", "UTC", b"1.5 2 0.0\n3\nUTC\n"),
        (b"1.5 2 0.0\n", "local", b"1.5 2 0.0\n0\nLOCAL\n"),
        (b"1.5 2 0.0\n3\nLOCAL", "UTC", b"1.5 2 0.0\n3\nUTC\n"),
        (b"1.5 2 0.0\n3\nLOCAL\nmore\n", "UTC", b"1.5 2 0.0\n3\nUTC\nmore\n"),
        (b"1.5 2 0.0\n3\n", "UTC", b"1.5 2 0.0\n3\n"),
    ],
)
def test_the_hardware_clock(before: bytes | None, word: str, after: bytes) -> None:
    guest = machine().put({} if before is None else {"/etc/adjtime": before})
    guest.rpc.add_dir("/etc")
    done = guest.four(hwclock=word)
    assert guest.content("/etc/adjtime") == after
    assert done.result["hwclock"] == word


def test_without_a_file_it_is_utc() -> None:
    guest = machine()
    guest.rpc.add_dir("/etc")
    assert not guest.four(hwclock="UTC").changed


def test_settings_of_init_scripts() -> None:
    guest = machine("alpine").put({"/etc/conf.d/hwclock": b'# x\nclock="UTC"\n', "/etc/default/rcS": b"UTC=yes\n"})
    guest.four(hwclock="local")
    assert guest.content("/etc/conf.d/hwclock") == b'# x\nclock="local"\n'
    assert guest.content("/etc/default/rcS") == b"UTC=no\n"


def test_the_name_is_told_where_it_is_not_asked_for() -> None:
    guest = machine()
    guest.rpc.add_link("/etc/localtime", "../usr/share/zoneinfo/Asia/Tokyo")
    assert guest.run(hwclock="UTC").result["name"] == "Asia/Tokyo"
    guest = machine().put({"/etc/timezone": b"\x1b[31m\n", "/etc/localtime": UTC})
    assert guest.run(hwclock="UTC").result["name"] == "\\x1b[31m"


@given(st.lists(st.sampled_from(["UTC", "LOCAL", "0", "", "x"]), max_size=5).map("\n".join), st.booleans())
def test_adjtime_a_second_time(text: str, is_utc: bool) -> None:
    once = adjusted(text.encode(), is_utc=is_utc)
    assert adjusted(once, is_utc=is_utc) == once
    lines = once.split(b"\n")
    assert ((lines[2] if len(lines) > 2 else b"").strip() or b"UTC") == (b"UTC" if is_utc else b"LOCAL")


def test_other_guests() -> None:
    with pytest.raises(GuestError, match="freebsd"):
        machine(kind="freebsd").run(name="Etc/UTC")
