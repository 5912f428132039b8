# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names and files of units, and trees of what is planned."""

from __future__ import annotations

import stat

import pytest
from ansible_collections.offline.guest.plugins.module_utils._appliance._calls import Calls
from ansible_collections.offline.guest.plugins.module_utils._errors import GuestError, OptionError
from ansible_collections.offline.guest.plugins.module_utils._guest import _unit_name as unit_name
from ansible_collections.offline.guest.plugins.module_utils._guest._changes import (
    Change,
    Directory,
    File,
    Link,
    apply_changes,
)
from ansible_collections.offline.guest.plugins.module_utils._guest._files import GuestFiles
from ansible_collections.offline.guest.plugins.module_utils._guest._paths import GuestPath
from ansible_collections.offline.guest.plugins.module_utils._guest._unit_file import (
    install_assignments,
    plain_words,
    quoted_words,
)
from ansible_collections.offline.guest.plugins.module_utils._guest._unit_paths import has_split_usr, unit_paths
from ansible_collections.offline.guest.plugins.module_utils._guest._unit_preset import Rule, decide, parse_rules
from ansible_collections.offline.guest.plugins.module_utils._guest._unit_specifiers import Specifiers
from ansible_collections.offline.guest.plugins.module_utils._guest._unit_tree import Tree
from ansible_collections.offline.guest.tests.unit.guest.fake_rpc import FakeRpc
from hypothesis import given
from hypothesis import strategies as st


def tree_of(rpc: FakeRpc) -> Tree:
    return Tree(GuestFiles(Calls(rpc)))


class TestName:
    @pytest.mark.parametrize(
        ("name", "kind"),
        [
            ("a.service", "plain"),
            ("a@.service", "template"),
            ("a@b.service", "instance"),
            ("a@b@c.d.service", "instance"),
            (r"dev-a\x2db.device", "plain"),
            ("a.b.timer", "plain"),
            ("@.service", None),
            ("@b.service", None),
            (".service", None),
            ("a.snapshot", None),
            ("a", None),
            ("a/b.service", None),
            ("a b.service", None),
            ("ä.service", None),
            ("a.service\n", None),
            ("a" * 247 + ".service", "plain"),
            ("a" * 248 + ".service", None),
        ],
    )
    def test_kinds(self, name: str, kind: str | None) -> None:
        assert unit_name.kind_of(name) == kind

    @pytest.mark.parametrize(
        ("given_name", "name"),
        [("nginx", "nginx.service"), ("a.timer", "a.timer"), ("a.b", "a.b.service"), ("a@b", "a@b.service")],
    )
    def test_what_is_given_without_a_type_is_a_service(self, given_name: str, name: str) -> None:
        assert unit_name.mangle(given_name) == name

    @pytest.mark.parametrize("name", ["", "a*", "a[b].service", "a?", "a b", "../a", "a/b", "{{ x }}", "a\n"])
    def test_what_is_no_name_is_refused(self, name: str) -> None:
        with pytest.raises(OptionError, match="name: "):
            unit_name.mangle(name)

    def test_parts(self) -> None:
        assert unit_name.template_of("a@b.service") == unit_name.template_of("a@.service") == "a@.service"
        assert unit_name.template_of("a.service") is None
        assert unit_name.prefix_of("a.b.service") == "a.b"
        assert unit_name.prefix_of("a@b.service") == "a"
        assert unit_name.instance_of("a@b.c.service") == "b.c"

    def test_an_instance_from_the_guest_cannot_leave_the_folder(self) -> None:
        with pytest.raises(GuestError):
            unit_name.instantiated("a@.service", "../../x")


class TestUnitFile:
    def test_a_file_of_nothing_but_continued_lines_is_read_in_time(self) -> None:
        assert install_assignments(b"\\\n" * 500_000, "x") == []

    @given(st.binary(max_size=200))
    def test_any_bytes_are_read_or_refused(self, content: bytes) -> None:
        try:
            found = install_assignments(b"[Install]\n" + content, "/x")
        except GuestError:
            return
        assert all(key and key == key.strip() for key, _value in found)

    @given(st.text(max_size=50))
    def test_words_hold_no_blanks_unless_quoted(self, value: str) -> None:
        for word in quoted_words(value):
            assert not set(word) & set(" \t\n") or "'" in value or '"' in value

    def test_words(self) -> None:
        assert list(quoted_words(" a 'b c' d\"e f\"g  ''  ")) == ["a", "b c", "de fg", ""]
        assert list(quoted_words("a b' c")) == ["a"]
        assert plain_words(r"a\x2d b\ c 'd'") == ["ax2d", "b c", "'d'"]
        with pytest.raises(ValueError, match="backslash"):
            plain_words("a\\")


class TestTree:
    def test_a_plan_leaves_the_guest_alone_until_it_is_applied(self) -> None:
        rpc = FakeRpc()
        rpc.add_file("/etc/old", b"old")
        before = rpc.snapshot()
        tree = tree_of(rpc)
        tree.put_link("/etc/new/link", "../old")
        tree.remove("/etc/old")
        assert rpc.snapshot() == before
        assert tree.names("/etc") == ["new"]
        assert tree.resolve("/etc/new/link") == "/etc/old"
        assert tree.changes() == (
            Change(GuestPath("/etc/new"), None, Directory()),
            Change(GuestPath("/etc/new/link"), None, Link("../old")),
            Change(GuestPath("/etc/old"), File(b"old"), None),
        )
        apply_changes(GuestFiles(Calls(rpc)), tree.changes())
        assert sorted(rpc.nodes) == ["/", "/etc", "/etc/new", "/etc/new/link"]

    def test_what_is_done_and_taken_back_is_no_change(self) -> None:
        rpc = FakeRpc()
        rpc.add_link("/etc/a", "x")
        tree = tree_of(rpc)
        tree.put_link("/etc/a", "y")
        tree.put_link("/etc/b/c", "y")
        tree.put_link("/etc/a", "x")
        tree.remove("/etc/b/c", up_to="/etc")
        assert tree.changes() == ()

    def test_a_folder_that_is_not_empty_stays(self) -> None:
        rpc = FakeRpc()
        rpc.add_file("/etc/a/b/c")
        rpc.add_file("/etc/a/other")
        tree = tree_of(rpc)
        tree.remove("/etc/a/b/c", up_to="/etc")
        assert [change.path for change in tree.changes()] == ["/etc/a/b/c", "/etc/a/b"]

    def test_a_file_replaces_a_link_and_not_what_it_leads_to(self) -> None:
        rpc = FakeRpc()
        rpc.add_file("/target", b"kept")
        rpc.add_link("/etc/a", "/target")
        tree = tree_of(rpc)
        tree.put_file("/etc/a", b"new")
        apply_changes(GuestFiles(Calls(rpc)), tree.changes())
        assert (rpc.nodes["/target"].content, rpc.nodes["/etc/a"].content) == (b"kept", b"new")
        assert stat.S_ISREG(rpc.nodes["/etc/a"].mode)

    def test_folders_that_are_links_are_one_place(self) -> None:
        rpc = FakeRpc()
        rpc.add_link("/lib", "usr/lib")
        rpc.add_dir("/usr/lib/x")
        tree = tree_of(rpc)
        tree.put_link("/lib/x/a", "1")
        assert tree.link("/usr/lib/x/a") == "1"
        assert [change.path for change in tree.changes()] == ["/usr/lib/x/a"]

    def test_a_file_in_the_way_of_a_folder(self) -> None:
        rpc = FakeRpc()
        rpc.add_file("/etc/a")
        with pytest.raises(GuestError, match="in the way"):
            tree_of(rpc).put_link("/etc/a/b", "x")

    def test_devices_are_not_read(self) -> None:
        rpc = FakeRpc()
        rpc.add_special("/etc/fifo", stat.S_IFIFO)
        rpc.add_special("/etc/char", stat.S_IFCHR)
        tree = tree_of(rpc)
        assert not tree.is_empty("/etc/fifo")
        assert tree.is_empty("/etc/char")
        with pytest.raises(GuestError, match="fifo"):
            tree.read("/etc/fifo")


class TestPaths:
    @pytest.mark.parametrize(
        ("init", "split"),
        [("/lib/systemd/systemd", True), ("../lib/systemd/systemd", False), ("/usr/lib/systemd/systemd", False)],
    )
    def test_the_link_init_tells_where_systemd_was_built_for(self, init: str, split: bool) -> None:
        rpc = FakeRpc()
        rpc.add_link("/lib", "usr/lib")
        rpc.add_link("/sbin", "usr/sbin")
        rpc.add_link("/usr/sbin/init", init)
        assert has_split_usr(tree_of(rpc)) == split
        assert ("/lib/systemd/system" in unit_paths(tree_of(rpc), "system").search) == split

    def test_without_an_init_the_package_tells(self) -> None:
        rpc = FakeRpc()
        rpc.add_file("/var/lib/dpkg/info/systemd.list", b"/.\n/lib\n/lib/systemd\n/lib/systemd/systemd\n")
        assert has_split_usr(tree_of(rpc))

    def test_a_lib_that_is_no_part_of_usr(self) -> None:
        rpc = FakeRpc()
        rpc.add_dir("/lib/systemd/system")
        assert has_split_usr(tree_of(rpc))


class TestPreset:
    def test_the_first_rule_counts(self) -> None:
        rules = parse_rules(b"# x\n  enable a*\n\ndisable ab.service\nnonsense\nenable\nignore c.service\ndisable *")
        assert rules == [
            Rule("enable", "a*"),
            Rule("disable", "ab.service"),
            Rule("ignore", "c.service"),
            Rule("disable", "*"),
        ]
        assert [decide(rules, name).action for name in ("ab.service", "c.service", "d.service")] == [
            *("enable", "ignore", "disable"),
        ]
        assert decide([], "x.service").action == "enable"

    @given(st.binary(max_size=200))
    def test_any_bytes(self, content: bytes) -> None:
        decide(parse_rules(content), "a@b.service")


class TestSpecifiers:
    def guest(self) -> FakeRpc:
        rpc = FakeRpc()
        rpc.add_file("/etc/hostname", b"# the name\nweb01.example.org\n")
        rpc.add_file("/etc/machine-info", b'PRETTY_HOSTNAME="Web 1"\n')
        rpc.add_file("/etc/machine-id", b"0123456789abcdef0123456789abcdef\n")
        rpc.add_file("/usr/lib/os-release", b"ID=debian\nVERSION_ID='12'\n")
        return rpc

    @pytest.mark.parametrize(
        ("text", "expanded"),
        [
            ("%H", "web01.example.org"),
            ("%l", "web01"),
            ("%q", "Web 1"),
            ("%m", "0123456789abcdef0123456789abcdef"),
            ("%o-%w%W", "debian-12"),
            ("%u%U%g%G", "root0root0"),
            ("%i|%j|%n|%N|%p", "x|b|a-b@x.service|a-b@x|a-b"),
            ("%%H %Z %", "%H %Z %"),
        ],
    )
    def test_what_the_guest_says_of_itself(self, text: str, expanded: str) -> None:
        assert Specifiers(tree_of(self.guest())).expand(text, "a-b@x.service", None) == expanded

    @pytest.mark.parametrize("letter", "abvm")
    def test_what_is_not_known(self, letter: str) -> None:
        rpc = self.guest()
        rpc.nodes["/etc/machine-id"].content = b"uninitialized\n"
        with pytest.raises(GuestError, match=f"%{letter}.*firstboot"):
            Specifiers(tree_of(rpc)).expand(f"x%{letter}", "a.service", None)

    def test_a_name_that_is_too_long(self) -> None:
        with pytest.raises(GuestError, match="too long"):
            Specifiers(tree_of(self.guest())).expand("%p" * 100, "abc.service", None)
