# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import itertools
import re

import pytest
from ansible_collections.offline.guest.plugins.module_utils._appliance._calls import Calls
from ansible_collections.offline.guest.plugins.module_utils._errors import GuestError
from ansible_collections.offline.guest.plugins.module_utils._guest._files import GuestFiles
from ansible_collections.offline.guest.plugins.module_utils._guest._linear_regex import Budget, LinearRegex, Unsupported
from ansible_collections.offline.guest.plugins.module_utils._guest._selinux import (
    Labeler,
    literal_prefix,
    parse_specs,
    parse_substitutions,
    policy_type,
)
from ansible_collections.offline.guest.tests.unit.guest.fake_rpc import FakeRpc
from hypothesis import given, settings
from hypothesis import strategies as st

CONTEXTS = rb"""
# a comment
/.*                        system_u:object_r:default_t:s0
/etc/.*                    system_u:object_r:etc_t:s0
/etc/hosts          --     system_u:object_r:exact_t:s0
/etc/(.*)?                 system_u:object_r:etc2_t:s0
/etc/rc\.d/init\.d  -d     system_u:object_r:initd_t:s0
/etc/secret(/.*)?          <<none>>
/usr/lib(64)?/.*\.so(\.[^/]*)*  --  system_u:object_r:lib_t:s0
/srv/ab?/x                 system_u:object_r:optional_t:s0
/wrong -x system_u:object_r:wrong_t:s0
/too many fields here
/bad\xfflabel sys\xfftem
"""


def labeler(text: bytes = CONTEXTS, **fields: bytes) -> Labeler:
    return Labeler(tuple(parse_specs(text)), tuple(parse_substitutions(subs) for subs in fields.values()))


@pytest.mark.parametrize(
    ("path", "kind", "expected"),
    [
        ("/", "directory", "default_t"),
        ("/opt", "directory", "default_t"),
        ("/etc/fstab", "file", "etc2_t"),  # of two that match, the last
        ("/etc/hosts", "file", "exact_t"),  # literal before pattern, whatever the order
        ("/etc/hosts", "link", "etc2_t"),  # of another kind
        ("/etc/rc.d/init.d", "directory", "initd_t"),
        ("/etc/rcxd/init.d", "directory", "etc2_t"),  # the dot is escaped
        ("/usr/lib64/libc.so.6", "file", "lib_t"),
        ("/usr/lib/libc.so", "file", "lib_t"),
        ("/usr/lib/libc.so.6", "link", "default_t"),
        ("/srv/a/x", "file", "optional_t"),
        ("/srv/ab/x", "file", "optional_t"),
        ("/srv/\udcff\u00e9\n", "file", "default_t"),
    ],
)
def test_label(path: str, kind: str, expected: str) -> None:
    assert labeler().label_for(path, kind) == f"system_u:object_r:{expected}:s0"


def test_none_means_no_label() -> None:
    assert labeler().label_for("/etc/secret/key", "file") is None


def test_later_files_come_after() -> None:
    rpc = FakeRpc()
    base = "/etc/selinux/targeted/contexts/files/file_contexts"
    rpc.add_file("/etc/sysconfig/selinux", b"# c\nSELINUX=Permissive\n")
    rpc.add_link("/etc/selinux/config", "../sysconfig/selinux")
    rpc.add_file(base, b"/home/.* a:b:base_t:s0\n/x/y a:b:base_t:s0\n/data/.* a:b:data_t:s0\n")
    rpc.add_file(base + ".homedirs", b"/home/[^/]+/\\.ssh(/.*)? a:b:ssh_t:s0\n")
    rpc.add_file(base + ".local", b"/x/y a:b:local_t:s0\n")
    rpc.add_file(base + ".subs_dist", b"/run /var/run\n/new/data /data\n")
    rpc.add_file(base + ".subs", b"/mine /new\n")
    found = Labeler.read(GuestFiles(Calls(rpc)))
    assert found.label_for("/home/me/.ssh/authorized_keys", "file") == "a:b:ssh_t:s0"
    assert found.label_for("/home/me/f", "file") == "a:b:base_t:s0"
    assert found.label_for("/x/y", "file") == "a:b:local_t:s0"
    assert found.label_for("/mine/data/f", "file") == "a:b:data_t:s0", "both substitutions, one after the other"
    assert found.label_for("/mineral/f", "file") is None


@pytest.mark.parametrize(
    ("table", "path", "like"),
    [(b"/a /b", "/a", "/b"), (b"/a /b", "/a/x", "/b/x"), (b"/a /b", "/ab", "/ab"), (b"/sysroot /", "/sysroot/x", "/x")],
)
def test_substitution(table: bytes, path: str, like: str) -> None:
    specs = tuple(parse_specs(f"{like} l:l:l".encode()))
    assert Labeler(specs, (parse_substitutions(table),)).label_for(path, "file") == "l:l:l"


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (b"", None),
        (b"SELINUX=disabled\nSELINUXTYPE=targeted\n", None),
        (b"SELINUX=enforcing\n", "targeted"),
        (b"#SELINUX=disabled\n SELINUX = enforcing \nSELINUXTYPE=mls\n", "mls"),
        (b"\xff\0garbage", None),
    ],
)
def test_policy_type(config: bytes, expected: str | None) -> None:
    assert policy_type(config) == expected


@pytest.mark.parametrize("name", [b"../../../etc", b"a/b", b"..", b"", b"x" * 70])
def test_policy_type_that_is_no_name(name: bytes) -> None:
    with pytest.raises(GuestError, match="no policy name"):
        policy_type(b"SELINUX=enforcing\nSELINUXTYPE=" + name)


def test_no_policy_no_label_and_huge_policy_refused() -> None:
    rpc = FakeRpc()
    assert Labeler.read(GuestFiles(Calls(rpc))).label_for("/x", "file") is None
    rpc.add_file("/etc/selinux/config", b"SELINUX=enforcing")
    assert Labeler.read(GuestFiles(Calls(rpc))).label_for("/x", "file") is None
    rpc.add_file("/etc/selinux/targeted/contexts/files/file_contexts", b"", size=2**33)
    with pytest.raises(GuestError, match="more than"):
        Labeler.read(GuestFiles(Calls(rpc)))


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        (r"/etc/a\.b", ("/etc/a.b", True)),
        (r"/etc/a\-b\_c\,d", ("/etc/a-b_c,d", True)),
        (r"/etc/a\d", ("/etc/a", False)),
        (r"/etc(/.*)?", ("/etc", False)),
        (r"/etc/ab?", ("/etc/a", False)),
        (r"/etc/ab+", ("/etc/ab", False)),
        (r"/etc/ab*", ("/etc/a", False)),
        (r"/etc/ab{0,1}", ("/etc/a", False)),
        (r"/a|/b", ("", False)),
        (r"/a(x|y)z|/b", ("", False)),
        (r"/a(x|y)z", ("/a", False)),
        ("/a\\", ("/a", False)),
    ],
)
def test_literal_prefix(pattern: str, expected: tuple[str, bool]) -> None:
    assert literal_prefix(pattern) == expected


class TestLinearRegex:
    PATTERNS = (
        "/a(/.*)?", "a{2,3}b", "(a|b)*c+", "[^/]+/a", "[]a-c]+", "a(?:b|/)?", r"\w+\.", "(a*)*b", "((a?){3}){2}",
        "a|/b", "a||b", "()", "a{0}", "(|a)+", "a{2,}b", "a{x}", "^a.$", "[a\\]-c]*", "a+?b", "[^]a]", r"\D\s?",
    )  # fmt: skip

    @pytest.mark.parametrize("pattern", PATTERNS)
    def test_agrees_with_re_on_every_short_text(self, pattern: str) -> None:
        ours, theirs = LinearRegex(pattern, Budget(10**8)), re.compile(pattern, re.DOTALL)
        for length in range(6):
            for letters in itertools.product("ab/c.]", repeat=length):
                text = "".join(letters)
                assert ours.fullmatch(text) == bool(theirs.fullmatch(text)), text

    @given(st.text("ab/.*+?|()[]{},^$\\d-12:!P<", max_size=12), st.text("ab/12", max_size=8))
    @settings(max_examples=500, deadline=None)
    def test_agrees_with_re_wherever_both_know_the_pattern(self, pattern: str, text: str) -> None:
        try:
            ours = LinearRegex(pattern, Budget(10**6))
        except Unsupported:
            return
        if re.search(r"\{,|\[\[", pattern):
            return  # PCRE and Python differ
        # Ours takes an anchor at an end only, where Python's re has it bind to one branch of an alternative.
        bare = re.compile(pattern.removeprefix("^"), re.DOTALL)
        assert ours.fullmatch(text) == bool(bare.fullmatch(text))

    @pytest.mark.parametrize(
        "pattern",
        [
            "(",
            ")",
            "a)",
            "[a",
            "*a",
            "a**",
            "a++",
            "(?=a)",
            "(?P<x>a)",
            r"\1",
            r"\b",
            "a$b",
            "[[:alpha:]]",
            "a{999}",
            "[b-a]",
        ]
        + ["(" * 60 + ")" * 60, "((((a{200}){200}){200}){200})", "\\"],
    )
    def test_unsupported(self, pattern: str) -> None:
        with pytest.raises(Unsupported):
            LinearRegex(pattern, Budget(10**8))

    def test_patterns_that_explode_when_backtracking(self) -> None:
        budget = Budget(1_000_000)
        for pattern in ("(a|a)*b", "(a*)*b", "((a+)+)+b", "(.*)(.*)(.*)(.*)(.*)b"):
            assert not LinearRegex(pattern, budget).fullmatch("a" * 2000)

    def test_budget(self) -> None:
        with pytest.raises(GuestError, match="too costly"):
            LinearRegex("(a?){200}", Budget(1000)).fullmatch("a" * 100)

    @pytest.mark.parametrize("pattern", [b"/((a?){90}){90}x", b"/((a{90}){90}x)", b"/(" + b"a|" * 2000 + b"a)x"])
    def test_a_policy_of_costly_patterns_ends(self, pattern: bytes) -> None:
        with pytest.raises(GuestError, match="too costly"):
            labeler((pattern + b" a:b:c\n") * 2000).label_for("/" + "a" * 1000, "file")
