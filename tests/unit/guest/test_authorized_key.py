# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module authorized_key: the lines of the file, and the handler on a guest in memory."""

from __future__ import annotations

import base64
import stat
import typing as t

import pytest
from ansible_collections.offline.guest.plugins.module_utils._appliance._calls import Calls
from ansible_collections.offline.guest.plugins.module_utils._errors import GuestError, OfflineGuestError, OptionError
from ansible_collections.offline.guest.plugins.module_utils._guest._authorized_key import MAX_SIZE, handle
from ansible_collections.offline.guest.plugins.module_utils._guest._authorized_keys import (
    Key,
    parse_keys,
    with_keys,
    without_keys,
)
from ansible_collections.offline.guest.plugins.module_utils._guest._files import GuestFiles
from ansible_collections.offline.guest.plugins.module_utils._guest._guest import Guest
from ansible_collections.offline.guest.plugins.module_utils._guest._task import Outcome, Task
from ansible_collections.offline.guest.plugins.modules import authorized_key as module
from ansible_collections.offline.guest.tests.unit.guest.fake_rpc import FakeRpc
from hypothesis import given, settings
from hypothesis import strategies as st

FILE = "/home/joe/.ssh/authorized_keys"


def blob(kind: str, content: bytes) -> str:
    parts = (kind.encode(), content)
    return base64.b64encode(b"".join(len(part).to_bytes(4, "big") + part for part in parts)).decode()


ED = f"ssh-ed25519 {blob('ssh-ed25519', b'1' * 32)}"
RSA = f"ssh-rsa {blob('ssh-rsa', b'2' * 256)}"
SK = f"sk-ssh-ed25519@openssh.com {blob('sk-ssh-ed25519@openssh.com', b'3' * 32)}"
OPTIONS = r'from="10.0.0.0/8,!10.1.0.0/16",command="echo \"a b\", c",no-pty'
KEEP = b"# mine\n\nnot a key\nssh-future QQ== later\n\tssh-rsa AAAA cut off  \n\xff\xfe\n"


class TestLines:
    @pytest.mark.parametrize(
        ("line", "key"),
        [
            ("ssh-rsa AAAA", Key("ssh-rsa", "AAAA")),
            ("ssh-rsa AAAA a  comment # here ", Key("ssh-rsa", "AAAA", "", "a  comment # here")),
            ("\t ssh-rsa\t \tAAAA\tx\r", Key("ssh-rsa", "AAAA", "", "x")),
            (f"{OPTIONS} ssh-rsa AAAA x", Key("ssh-rsa", "AAAA", OPTIONS, "x")),
            ('a="ssh-rsa AAAA" ecdsa-sha2-nistp256 AAAA==', Key("ecdsa-sha2-nistp256", "AAAA==", 'a="ssh-rsa AAAA"')),
            *((line, None) for line in ("", " ", "#", "# ssh-rsa AAAA", "ssh-rsa", "ssh-rsa *", "x", "1024 37 12345")),
            *((line, None) for line in ('a="b ssh-rsa AAAA', 'a"b" c ssh-rsa AAAA', "ssh-rsa AAAA=AA", '"')),
        ],
    )
    def test_parse(self, line: str, key: Key | None) -> None:
        assert Key.parse(line) == key

    def test_a_key_is_formatted_as_it_was(self) -> None:
        for line in (ED, f"{RSA} me", f"{OPTIONS} {SK} me too"):
            parsed = Key.parse(line)
            assert parsed is not None and parsed.format() == line

    @pytest.mark.parametrize(
        ("one", "other", "same"),
        [
            ("a,b", "b,a", True),
            ("No-Pty", "no-pty", True),
            ('from="A"', 'from="a"', False),
            ('x="a,b"', 'x="b,a"', False),
            ("a", "", False),
            ("a,a", "a", False),
        ],
    )
    def test_options_in_another_order_are_the_same(self, one: str, other: str, same: bool) -> None:
        assert Key("ssh-rsa", "A", one).is_same(Key("ssh-rsa", "A", other)) is same

    def test_a_line_without_an_end_of_its_quotes_takes_linear_time(self) -> None:
        for text in ('"' + "a" * 1_000_000, "a" * 1_000_000, '"\\"' * 300_000, ',"' * 500_001, 'a"b"' * 300_000):
            assert Key.parse(text) is None
            assert Key("ssh-rsa", "A", text).is_same(Key("ssh-rsa", "A", text))


class TestGiven:
    def test_keys(self) -> None:
        keys = parse_keys(f"# two\n{ED} a\n\n  {OPTIONS} {RSA}\r\n", options=None, comment=None)
        assert [(key.type, key.options, key.comment) for key in keys.values()] == [
            ("ssh-ed25519", "", "a"),
            ("ssh-rsa", OPTIONS, ""),
        ]

    def test_options_and_comment_are_those_of_the_task(self) -> None:
        given_one = f"no-pty {ED} a"
        keys = parse_keys(given_one, options="no-x11-forwarding", comment=" b c ")
        assert [(key.options, key.comment) for key in keys.values()] == [("no-x11-forwarding", "b c")]
        keys = parse_keys(given_one, options="", comment="")
        assert [key.format() for key in keys.values()] == [ED]

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("https://github.com/joe.keys", r"lookup\('ansible.builtin.url'"),
            ("", "no key"),
            ("# comment\n", "no key"),
            ("secret", "is no public key"),
            ("ssh-rsa AAAAB3Nza", "cut off"),
            (ED[:-9], "cut off"),
            (ED.replace("ssh-ed25519", "ssh-rsa", 1), "is no public key"),
            (f"{ED}\nssh-rsa\n", "is no public key"),
            (f"{ED} a\0b", "is no public key"),
            ("-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNza", "is no public key"),
        ],
    )
    def test_refused_keys(self, text: str, message: str) -> None:
        with pytest.raises(OptionError, match=message):
            parse_keys(text, options=None, comment=None)

    @pytest.mark.parametrize("options", ["a b", 'from="a', "a\nssh-rsa", " ", "a, b", '"a" "b"'])
    def test_refused_options(self, options: str) -> None:
        with pytest.raises(OptionError, match="key_options"):
            parse_keys(ED, options=options, comment=None)

    def test_a_refused_comment(self) -> None:
        with pytest.raises(OptionError, match="line break"):
            parse_keys(ED, options=None, comment=f"a\n{RSA}")


def given_keys(text: str) -> dict[str, Key]:
    return parse_keys(text, options=None, comment=None)


class TestContent:
    def test_added_after_what_is_there(self) -> None:
        assert with_keys(KEEP, given_keys(f"{RSA}\n{ED} b"), exclusive=False) == KEEP + f"{RSA}\n{ED} b\n".encode()
        assert with_keys(b"x", given_keys(ED), exclusive=False) == f"x\n{ED}\n".encode()

    def test_changed_in_its_place(self) -> None:
        content = KEEP + f"no-pty {ED} old\n{RSA}\n".encode()
        expected = KEEP + f"{ED} new\n{RSA}\n".encode()
        assert with_keys(content, given_keys(f"{ED} new"), exclusive=False) == expected

    @pytest.mark.parametrize("content", [f" {ED}  a", f"{ED} a\r\n", f"b,a {ED} a\nx"])
    def test_the_same_key_stays_as_it_is_written(self, content: str) -> None:
        options = "a,b " if content.startswith("b") else ""
        assert with_keys(content.encode(), given_keys(f"{options}{ED} a"), exclusive=False) == content.encode()

    def test_a_key_that_is_there_several_times_is_there_once(self) -> None:
        content = f"{ED}\n{RSA}\nno-pty {ED}\n".encode()
        assert with_keys(content, given_keys(f"no-pty {ED}"), exclusive=False) == f"no-pty {ED}\n{RSA}\n".encode()

    def test_exclusive_leaves_comments_only(self) -> None:
        content = KEEP + f"{RSA}\n{ED}\n".encode()
        expected = f"# mine\n\n{ED}\n{SK}\n".encode()
        assert with_keys(content, given_keys(f"{SK}\n{ED}"), exclusive=True) == expected

    def test_removed_with_any_options(self) -> None:
        content = KEEP + f"{OPTIONS} {ED} x\n{RSA}\n{ED}".encode()
        assert without_keys(content, given_keys(ED)) == KEEP + f"{RSA}\n".encode()

    @given(
        st.one_of(st.binary(), st.lists(st.sampled_from([ED, RSA, OPTIONS, " ", "\n", "\r", '"', "x"])).map("".join))
    )
    @settings(deadline=None)
    def test_any_bytes(self, content: bytes | str) -> None:
        before = content.encode() if isinstance(content, str) else content
        keys = given_keys(SK)
        added = with_keys(before, keys, exclusive=False)
        assert added.endswith(f"{SK}\n".encode())
        assert without_keys(before, keys) == before
        end = b"" if before.endswith(b"\n") or not before else b"\n"
        assert without_keys(added, keys) == before + end
        assert with_keys(added, keys, exclusive=False) == added
        only = with_keys(before, keys, exclusive=True)
        assert with_keys(only, keys, exclusive=True) == only
        assert [key for line in only.decode("latin-1").split("\n") if (key := Key.parse(line))] == [*keys.values()]


def guest() -> FakeRpc:
    rpc = FakeRpc()
    rpc.add_file("/etc/passwd", b"root:x:0:0::/root:/bin/sh\njoe:x:1000:1001::/home/joe:/bin/sh\nodd:x:5:5::odd:/\n")
    rpc.add_file("/etc/shadow", b"root:*:::::::\n", 0o640)
    rpc.add_dir("/home/joe", 0o750, uid=1000, gid=1001)
    return rpc


def run(rpc: FakeRpc, *, check: bool = False, **options: t.Any) -> Outcome:
    params = {name: spec.get("default") for name, spec in module.OPTIONS.items()}
    calls = Calls(rpc)
    task = Task(
        {**params, "user": "joe", "key": ED, **options}, Guest(calls, GuestFiles(calls)), check, lambda _text: None
    )
    return handle(task)


def attributes(rpc: FakeRpc, path: str) -> tuple[int, int, int]:
    node = rpc.nodes[path]
    return stat.S_IMODE(node.mode), node.uid, node.gid


class TestHandler:
    def test_the_first_key(self) -> None:
        rpc = guest()
        planned = run(rpc, check=True)
        assert rpc.writes == []
        outcome = run(rpc)
        assert outcome.changed and (planned.result, planned.diff) == (outcome.result, outcome.diff)
        assert rpc.nodes[FILE].content == f"{ED}\n".encode()
        assert attributes(rpc, FILE) == (0o600, 1000, 1001)
        assert attributes(rpc, "/home/joe/.ssh") == (0o700, 1000, 1001)
        assert outcome.result["keyfile"] == FILE and outcome.result["key"] == ED
        assert isinstance(outcome.diff, list)
        assert outcome.diff[0]["after"] == f"{ED}\n"
        assert outcome.diff[1]["after"] == {"mode": "0600", "owner": 1000, "group": 1001}
        assert outcome.diff[2]["after"] == {"mode": "0700", "owner": 1000, "group": 1001}

    def test_the_second_time_nothing_is_written(self) -> None:
        rpc = guest()
        run(rpc)
        rpc.log.clear()
        outcome = run(rpc)
        assert (outcome.changed, rpc.writes, outcome.summary) == (False, [], "")
        assert isinstance(outcome.diff, list)
        assert all(part["before"] == part["after"] for part in outcome.diff)

    def test_owner_and_mode_are_put_right(self) -> None:
        rpc = guest()
        run(rpc)
        rpc.nodes[FILE].uid, rpc.nodes["/home/joe/.ssh"].mode = 0, stat.S_IFDIR | 0o777
        assert run(rpc).changed
        assert attributes(rpc, FILE) == (0o600, 1000, 1001)
        assert attributes(rpc, "/home/joe/.ssh") == (0o700, 1000, 1001)

    def test_a_directory_of_several_users(self) -> None:
        rpc = guest()
        options: dict[str, t.Any] = {"path": "/etc/ssh/keys/joe", "manage_dir": False}
        run(rpc, **options)
        assert attributes(rpc, "/etc/ssh/keys") == (0o755, 0, 0)
        assert attributes(rpc, "/etc/ssh/keys/joe") == (0o600, 1000, 1001)
        rpc.nodes["/etc/ssh/keys/joe"].mode = stat.S_IFREG | 0o644
        assert not run(rpc, **options).changed

    @pytest.mark.parametrize("path", ["/etc/ssh/joe", "/etc/joe", "/joe", "/home/joe.keys"])
    def test_a_directory_of_the_system_is_not_given_away(self, path: str) -> None:
        rpc = guest()
        with pytest.raises(OptionError, match="manage_dir: false"):
            run(rpc, path=path)
        assert rpc.writes == []

    def test_absent(self) -> None:
        rpc = guest()
        assert not run(rpc, state="absent").changed
        run(rpc, key=f"{ED}\n{RSA}")
        assert run(rpc, state="absent").changed
        assert rpc.nodes[FILE].content == f"{RSA}\n".encode()
        assert run(rpc, state="absent", key=RSA).changed
        assert rpc.nodes[FILE].content == b""
        assert not run(rpc, state="absent", key=RSA).changed

    @pytest.mark.parametrize(
        ("user", "message"), [("nobody", "no user 'nobody'"), ("1000", "no user"), ("odd", "is no path")]
    )
    def test_users_without(self, user: str, message: str) -> None:
        with pytest.raises(GuestError, match=message):
            run(guest(), user=user)

    def test_a_missing_home(self) -> None:
        rpc = guest()
        del rpc.nodes["/home/joe"]
        with pytest.raises(GuestError, match="no '/home/joe' in the guest"):
            run(rpc)


class TestLinks:
    def test_a_link_is_replaced(self) -> None:
        rpc = guest()
        rpc.add_link(FILE, "../keys")
        rpc.add_file("/home/joe/keys", RSA.encode(), 0o644, uid=1000)
        run(rpc)
        assert rpc.nodes[FILE].content == f"{RSA}\n{ED}\n".encode() and rpc.nodes[FILE].target == ""
        assert rpc.nodes["/home/joe/keys"].content == RSA.encode()

    def test_a_link_is_followed(self) -> None:
        rpc = guest()
        rpc.add_link(FILE, "/srv/keys/joe")
        rpc.add_dir("/srv/keys")
        outcome = run(rpc, follow=True)
        assert outcome.result["keyfile"] == "/srv/keys/joe"
        assert rpc.nodes["/srv/keys/joe"].content == f"{ED}\n".encode() and rpc.nodes[FILE].target
        assert attributes(rpc, "/srv/keys") == (0o755, 0, 0), "it is the directory of the link that is the user's"
        assert attributes(rpc, "/home/joe/.ssh") == (0o700, 1000, 1001)
        assert not run(rpc, follow=True).changed

    def test_a_link_that_stays_as_nothing_changes(self) -> None:
        rpc = guest()
        rpc.add_link(FILE, "../keys")
        rpc.add_file("/home/joe/keys", f"{ED}\n".encode(), 0o644, uid=1000)
        assert not run(rpc).changed

    def test_a_link_to_nothing_is_replaced(self) -> None:
        rpc = guest()
        rpc.add_link(FILE, "none")
        run(rpc)
        assert rpc.nodes[FILE].content == f"{ED}\n".encode()

    def test_a_user_does_not_get_the_file_of_another(self) -> None:
        rpc = guest()
        rpc.add_link(FILE, "/etc/shadow")
        with pytest.raises(GuestError, match="not the user's own"):
            run(rpc)
        assert rpc.writes == []

    @pytest.mark.parametrize("target", ["/etc", "/srv/other"])
    def test_a_user_does_not_get_the_directory_of_another(self, target: str) -> None:
        rpc = guest()
        rpc.add_dir("/srv/other")
        rpc.add_link("/home/joe/.ssh", target)
        with pytest.raises(OfflineGuestError, match="manage_dir: false"):
            run(rpc)
        assert rpc.writes == []


class TestHostile:
    def test_too_large(self) -> None:
        rpc = guest()
        rpc.add_file(FILE, b"", size=MAX_SIZE + 1)
        with pytest.raises(GuestError, match="more than"):
            run(rpc)

    @pytest.mark.parametrize("kind", [stat.S_IFIFO, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFSOCK])
    def test_special_files(self, kind: int) -> None:
        rpc = guest()
        rpc.add_special(FILE, kind)
        with pytest.raises(GuestError, match="not a regular file"):
            run(rpc)

    def test_a_directory_and_a_file_in_the_wrong_places(self) -> None:
        rpc = guest()
        rpc.add_dir(FILE)
        with pytest.raises(GuestError, match="a directory, not a regular file"):
            run(rpc)
        rpc = guest()
        rpc.add_file("/home/joe/.ssh")
        with pytest.raises(GuestError, match="no directory"):
            run(rpc)

    def test_what_is_shown_is_harmless(self) -> None:
        rpc = guest()
        rpc.add_file(FILE, b"\x1b]0;evil\x07\n\xff\n")
        outcome = run(rpc)
        assert rpc.nodes[FILE].content == b"\x1b]0;evil\x07\n\xff\n" + f"{ED}\n".encode()
        assert isinstance(outcome.diff, list) and outcome.diff[0]["before"] == "\\x1b]0;evil\\x07\n\\xff\n"
