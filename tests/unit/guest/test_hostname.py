# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module hostname: where each family has its name, and /etc/hosts."""

from __future__ import annotations

import stat

import pytest
from ansible_collections.offline.guest.plugins.module_utils._errors import GuestError, OptionError
from ansible_collections.offline.guest.plugins.module_utils._guest._hostname import check_name
from ansible_collections.offline.guest.plugins.module_utils._guest._hosts import rename_host
from ansible_collections.offline.guest.plugins.modules import hostname
from ansible_collections.offline.guest.tests.unit.guest.fake_guest import FakeGuest
from hypothesis import given
from hypothesis import strategies as st


def machine(family: str = "debian", kind: str = "linux") -> FakeGuest:
    return FakeGuest(hostname, {"name": "web01"}, family, kind)


@pytest.mark.parametrize(
    ("family", "before", "after"),
    [
        ("debian", {"/etc/hostname": b"old\n"}, {"/etc/hostname": b"web01\n"}),
        ("debian", {}, {"/etc/hostname": b"web01\n"}),
        ("debian", {"/etc/hostname": b"# why\nold"}, {"/etc/hostname": b"# why\nweb01\n"}),
        ("arch", {}, {"/etc/hostname": b"web01\n"}),
        ("alpine", {"/etc/hostname": b"old\n"}, {"/etc/hostname": b"web01\n"}),
        ("void", {"/etc/hostname": b"old"}, {"/etc/hostname": b"web01\n"}),
        (
            "rhel6",
            {"/etc/sysconfig/network": b"A=1\nHOSTNAME=o\n"},
            {"/etc/sysconfig/network": b"A=1\nHOSTNAME=web01\n"},
        ),
        ("rhel6", {}, {"/etc/sysconfig/network": b"HOSTNAME=web01\n"}),
        ("sles11", {"/etc/HOSTNAME": b"old.example.com\n"}, {"/etc/HOSTNAME": b"web01\n"}),
        ("gentoo", {"/etc/conf.d/hostname": b'hostname="old"\n'}, {"/etc/conf.d/hostname": b'hostname="web01"\n'}),
        # What is not the first place, but has the name too.
        (
            "fedora",
            {"/etc/hostname": b"old\n", "/etc/sysconfig/network": b"NETWORKING=yes\nHOSTNAME=old\n"},
            {"/etc/hostname": b"web01\n", "/etc/sysconfig/network": b"NETWORKING=yes\nHOSTNAME=web01\n"},
        ),
        (
            "fedora",
            {"/etc/sysconfig/network": b"A=1\n"},
            {"/etc/hostname": b"web01\n", "/etc/sysconfig/network": b"A=1\n"},
        ),
        ("debian", {"/etc/machine-info": b"PRETTY_HOSTNAME=Box\n"}, {"/etc/machine-info": b"PRETTY_HOSTNAME=Box\n"}),
        (
            "debian",
            {"/etc/hostname": b"old\n", "/etc/machine-info": b"PRETTY_HOSTNAME=old\n"},
            {"/etc/machine-info": b"PRETTY_HOSTNAME=web01\n"},
        ),
    ],
)
def test_families(family: str, before: dict[str, bytes], after: dict[str, bytes]) -> None:
    guest = machine(family).put(before)
    done = guest.four()
    assert done.changed
    assert done.result["name"] == "web01"
    assert {path: guest.content(path) for path in after} == after


def test_a_link_is_followed() -> None:
    guest = machine("opensuse").put({"/etc/hostname": b"old\n"})
    guest.rpc.add_link("/etc/HOSTNAME", "hostname")
    assert guest.four().result == {
        "name": "web01",
        "before": "old",
        "files": ["/etc/hostname"],
        "msg": "The guest's name is web01.",
    }
    assert guest.target("/etc/HOSTNAME") == "hostname"


def test_bsd() -> None:
    guest = machine(kind="freebsd").put({"/etc/rc.conf": b'sshd_enable="YES"\nhostname="old"\n'})
    guest.four()
    assert guest.content("/etc/rc.conf") == b'sshd_enable="YES"\nhostname="web01"\n'
    guest = machine(kind="openbsd").put({"/etc/myname": b"old.example.com\n"})
    guest.four(use="openbsd", name="web01.example.com")
    assert guest.content("/etc/myname") == b"web01.example.com\n"


@pytest.mark.parametrize("use", ["generic", "macos", "macosx", "darwin", "solaris", "freebsd", "openbsd"])
def test_what_cannot_be_meant_is_refused(use: str) -> None:
    with pytest.raises(OptionError, match=f"use: '{use}'"):
        machine().run(use=use)


def test_use_says_where() -> None:
    guest = machine("fedora")
    guest.four(use="redhat")
    assert guest.content("/etc/sysconfig/network") == b"HOSTNAME=web01\n"
    assert guest.content("/etc/hostname") is None


def test_other_guests() -> None:
    with pytest.raises(GuestError, match="hurd"):
        machine(kind="hurd").run()


@pytest.mark.parametrize(
    "name",
    ["", "-a", "a-", "a..b", ".a", "a.", "a_b", "a b", "ü", "a" * 64, "a." * 32 + "abc", "{{ x }}", "a\n", "192.0.2.1"],
)
def test_no_names(name: str) -> None:
    with pytest.raises(OptionError):
        check_name(name)


@pytest.mark.parametrize("name", ["a", "A1", "1a", "web-01.example.com", "a" * 63, "a." * 31 + "ab"])
def test_names(name: str) -> None:
    check_name(name)


@pytest.mark.parametrize(
    ("before", "old", "new", "after"),
    [
        ("127.0.1.1\tdebian\n", "debian", "web01", "127.0.1.1\tweb01\n"),
        ("127.0.1.1\tdebian\n", "debian", "web.example.com", "127.0.1.1\tweb.example.com\tweb\n"),
        ("127.0.1.1 a.b.org a\n", "a", "web", "127.0.1.1 web.b.org web\n"),
        ("127.0.1.1 a.b.org a # us\r\n", "a", "web.c.net", "127.0.1.1 web.c.net web # us\r\n"),
        ("127.0.1.1 a.b.org a\n", "a.b.org", "web.c.net", "127.0.1.1 web.c.net web\n"),
        ("10.0.0.1 a aa xa a-b db\n", "a", "web", "10.0.0.1 web aa xa a-b db\n"),
        ("10.0.0.1 a.b.org\n", "a", "web", "10.0.0.1 a.b.org\n"),
        ("127.0.0.1 localhost a\n", "localhost", "web", "127.0.0.1 localhost a\n"),
        ("127.0.0.1 localhost.localdomain\n", "localhost.localdomain", "w", "127.0.0.1 localhost.localdomain\n"),
        ("# a\n\xff a\na\n1.2.3.4\n", "a", "web", "# a\n\xff web\na\n1.2.3.4\n"),
        ("127.0.1.1 a a\n", "a", "web", "127.0.1.1 web\n"),
        ("127.0.1.1 A.B.org A\n", "a", "web", "127.0.1.1 web.B.org web\n"),
    ],
)
def test_hosts(before: str, old: str, new: str, after: str) -> None:
    assert rename_host(before.encode(), old, new, own_line=False).decode() == after


@pytest.mark.parametrize(
    ("before", "new", "after"),
    [
        ("127.0.0.1 localhost\n::1 localhost\n", "w", "127.0.0.1 localhost\n127.0.1.1\tw\n::1 localhost\n"),
        ("127.0.0.1 localhost\n", "w.b.org", "127.0.0.1 localhost\n127.0.1.1\tw.b.org\tw\n"),
        ("127.0.1.1 other\n", "w.b.org", "127.0.1.1 w.b.org w other\n"),
        ("10.0.0.1 w\n", "w", "10.0.0.1 w\n"),
        ("", "w", "127.0.1.1\tw\n"),
        ("127.0.0.1 localhost\r\n", "w", "127.0.0.1 localhost\r\n127.0.1.1\tw\r\n"),
    ],
)
def test_hosts_of_debian(before: str, new: str, after: str) -> None:
    assert rename_host(before.encode(), "", new, own_line=True).decode() == after


LABEL = st.from_regex(r"\A[a-z][a-z0-9]{0,5}\Z")
NAME = st.lists(LABEL, min_size=1, max_size=3).map(".".join)
LINE = st.one_of(
    st.tuples(st.sampled_from(["127.0.1.1", "127.0.0.1", "10.0.0.1"]), st.lists(NAME, max_size=4)).map(
        lambda line: " ".join([line[0], *line[1]])
    ),
    st.sampled_from(["", "# remark", "127.0.1.1\told\told.example.com # x", "10.1.1.1 old"]),
)


@given(st.lists(LINE, max_size=5), NAME, NAME, st.booleans())
def test_hosts_a_second_time(lines: list[str], old: str, new: str, own_line: bool) -> None:
    """The second task finds the new name as the old one, and must find nothing to do."""
    once = rename_host("\n".join(lines).encode(), old, new, own_line=own_line)
    assert rename_host(once, new, new, own_line=own_line) == once
    if own_line:
        assert any(new in line.split() for line in once.decode().split("\n"))
    words = [word for line in lines if not line.startswith("#") for word in line.split()[1:]]
    kept = [word for word in words if word.split(".")[0] != old.split(".")[0]]
    after = once.decode().split()
    assert all(word in after for word in kept)


@pytest.mark.parametrize("kind", [stat.S_IFIFO, stat.S_IFBLK, stat.S_IFDIR])
@pytest.mark.parametrize("path", ["/etc/HOSTNAME", "/etc/sysconfig/network", "/etc/conf.d/hostname"])
def test_what_another_family_has_elsewhere_is_no_matter(path: str, kind: int) -> None:
    guest = machine("opensuse")
    if kind == stat.S_IFDIR:
        guest.rpc.add_file(f"{path}/config")
    else:
        guest.rpc.add_special(path, kind)
    assert guest.four().result["files"] == ["/etc/hostname"]


@pytest.mark.parametrize("kind", [stat.S_IFIFO, stat.S_IFBLK, stat.S_IFDIR])
@pytest.mark.parametrize("path", ["/etc/hostname", "/etc/hosts"])
def test_hostile(path: str, kind: int) -> None:
    guest = machine()
    if kind == stat.S_IFDIR:
        guest.rpc.add_dir(path)
    else:
        guest.rpc.add_special(path, kind)
    with pytest.raises(GuestError, match="not a regular file"):
        guest.run()
    assert guest.rpc.writes == []


@pytest.mark.parametrize("content", [b"\0\xff\x1b[31m\n", b"{{ x }}\n", b"a" * 300, b"\r\n\r\n", b"two\nnames\n"])
def test_a_name_that_is_none_is_replaced(content: bytes) -> None:
    guest = machine("arch").put({"/etc/hostname": content, "/etc/hosts": b"10.0.0.1 a\n"})
    done = guest.four()
    assert guest.content("/etc/hostname") == b"web01\n"
    assert guest.content("/etc/hosts") == b"10.0.0.1 a\n"
    assert done.result["before"] in ("", "two")


def test_a_huge_file_is_not_read() -> None:
    guest = machine()
    guest.rpc.add_file("/etc/hostname", b"a", size=2**40)
    with pytest.raises(GuestError, match="bytes, more than"):
        guest.run()
