# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The handler of the module edit, on a guest in memory."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.offline.guest.plugins.module_utils._appliance._calls import Calls
from ansible_collections.offline.guest.plugins.module_utils._errors import GuestError, OptionError
from ansible_collections.offline.guest.plugins.module_utils._guest._diff import MAX_DIFF, content_diff, shown
from ansible_collections.offline.guest.plugins.module_utils._guest._edit import handle
from ansible_collections.offline.guest.plugins.module_utils._guest._files import GuestFiles
from ansible_collections.offline.guest.plugins.module_utils._guest._guest import Guest
from ansible_collections.offline.guest.plugins.module_utils._guest._task import Outcome, Task
from ansible_collections.offline.guest.tests.unit.guest.fake_rpc import FakeRpc

DEFAULTS = {
    "path": "/etc/f",
    "edits": [{"line": "new"}],
    "create": False,
    "owner": None,
    "group": None,
    "mode": None,
    "backup": False,
    "max_size": 1000,
}
RESULT_KEYS = {"path", "resolved_path", "msg", "messages", "backup_file", "mode", "owner", "group", "size"}


def guest() -> FakeRpc:
    rpc = FakeRpc()
    rpc.add_file("/etc/passwd", b"root:x:0:0::/root:/bin/sh\nweb:x:33:34::/srv:/bin/sh\n")
    rpc.add_file("/etc/group", b"root:x:0:\nwww:x:44:\n")
    rpc.add_file("/etc/f", b"old\n", 0o640, uid=1, gid=2)
    return rpc


def run(rpc: FakeRpc, *, check: bool = False, warnings: list[str] | None = None, **params: t.Any) -> Outcome:
    calls = Calls(rpc)
    warn = (warnings if warnings is not None else []).append
    task = Task(params={**DEFAULTS, **params}, guest=Guest(calls, GuestFiles(calls)), check=check, warn=warn)
    outcome = handle(task)
    assert set(outcome.result) == RESULT_KEYS
    return outcome


def content_part(outcome: Outcome) -> dict[str, t.Any]:
    assert isinstance(outcome.diff, list)
    return outcome.diff[0]


def attributes_part(outcome: Outcome) -> dict[str, t.Any]:
    assert isinstance(outcome.diff, list)
    return outcome.diff[1]


def test_edit() -> None:
    rpc = guest()
    outcome = run(rpc)
    assert rpc.nodes["/etc/f"].content == b"old\nnew\n"
    assert outcome.changed
    assert outcome.result == {
        "path": "/etc/f",
        "resolved_path": "/etc/f",
        "msg": "line added",
        "messages": ["line added"],
        "backup_file": None,
        "mode": "0640",
        "owner": 1,
        "group": 2,
        "size": 8,
    }
    assert (content_part(outcome)["before"], content_part(outcome)["after"]) == ("old\n", "old\nnew\n")
    assert content_part(outcome)["before_header"] == "/etc/f (content)"
    assert "after" not in attributes_part(outcome)
    assert outcome.summary == "/etc/f: line added"


def test_a_second_time_nothing_is_written() -> None:
    rpc = guest()
    run(rpc, mode="0600", owner="web")
    rpc.log.clear()
    outcome = run(rpc, mode="0600", owner="web")
    assert not outcome.changed
    assert rpc.writes == []
    assert (outcome.result["msg"], outcome.summary) == ("", "")
    assert (content_part(outcome)["before"], content_part(outcome)["after"]) == ("", "")


def test_check_plans_the_same_and_writes_nothing() -> None:
    rpc, other = guest(), guest()
    params: dict[str, t.Any] = {
        "mode": "u+x",
        "group": "www",
        "backup": True,
        "edits": [{"line": "a"}, {"regexp": "old", "replace": "b"}],
    }
    planned, done = run(rpc, check=True, **params), run(other, **params)
    assert rpc.writes == []
    assert (planned.changed, planned.diff, planned.summary) == (done.changed, done.diff, done.summary)


def test_several_edits_are_one_write() -> None:
    rpc = guest()
    edits = [{"line": "a"}, {"line": "b"}, {"ini": {"section": "s", "option": "o", "value": "v"}}, {"block": "x"}]
    outcome = run(rpc, edits=edits)
    assert rpc.writes.count("write") == rpc.writes.count("rename") == 1
    assert outcome.result["messages"] == ["line added", "line added", "section and option added", "Block inserted"]
    assert outcome.result["msg"] == "line added; section and option added; Block inserted"


def test_one_wrong_edit_and_nothing_is_done() -> None:
    rpc = guest()
    with pytest.raises(OptionError, match=r"edits\[1\]"):
        run(rpc, edits=[{"line": "a"}, {"regexp": "(", "replace": "x"}])
    assert rpc.writes == []


class TestMissing:
    def test_without_create(self) -> None:
        with pytest.raises(GuestError, match="no '/etc/none'") as caught:
            run(guest(), path="/etc/none")
        assert "create" in caught.value.hint

    def test_with_create(self) -> None:
        rpc = guest()
        outcome = run(rpc, path="/etc/a/b/c", create=True, owner="web", group="www", mode=0o600)
        node = rpc.nodes["/etc/a/b/c"]
        assert (node.content, node.mode & 0o7777, node.uid, node.gid) == (b"new\n", 0o600, 33, 44)
        assert rpc.nodes["/etc/a"].mode & 0o7777 == 0o755
        assert outcome.result["msg"] == "file created; line added"
        assert attributes_part(outcome)["after"] == {"mode": "0600", "owner": 33, "group": 44}

    def test_create_without_edits_makes_an_empty_file(self) -> None:
        rpc = guest()
        assert run(rpc, path="/etc/c", create=True, edits=[]).changed
        assert (rpc.nodes["/etc/c"].content, rpc.nodes["/etc/c"].mode & 0o7777) == (b"", 0o644)

    @pytest.mark.parametrize("create", [True, False])
    def test_removing_from_no_file_is_done_already(self, create: bool) -> None:
        rpc = guest()
        outcome = run(rpc, path="/etc/none", create=create, edits=[{"line": "x", "state": "absent"}])
        assert not outcome.changed
        assert rpc.writes == []
        assert (outcome.result["mode"], outcome.result["size"]) == (None, None)


class TestAttributes:
    def test_names_are_those_of_the_guest(self) -> None:
        rpc = guest()
        outcome = run(rpc, edits=[], owner="web", group="44")
        assert (rpc.nodes["/etc/f"].uid, rpc.nodes["/etc/f"].gid) == (33, 44)
        assert outcome.result["msg"] == "attributes changed"
        assert attributes_part(outcome)["before"] == {"owner": 1, "group": 2}
        assert attributes_part(outcome)["after"] == {"owner": 33, "group": 44}
        assert "write" not in rpc.writes

    def test_unknown_owner(self) -> None:
        rpc = guest()
        with pytest.raises(GuestError, match="no user 'daemon'"):
            run(rpc, owner="daemon")
        assert rpc.writes == []

    @pytest.mark.parametrize("edits", [[], [{"line": "new"}]])
    def test_a_new_owner_gets_no_set_id_bits_that_nobody_asked_for(self, edits: list[dict[str, str]]) -> None:
        rpc = guest()
        rpc.nodes["/etc/f"].mode |= 0o6010
        assert run(rpc, edits=edits, owner="web").result["mode"] == "0650"
        assert rpc.nodes["/etc/f"].mode & 0o7777 == 0o650

    def test_without_a_new_owner_they_stay(self) -> None:
        rpc = guest()
        rpc.nodes["/etc/f"].mode |= 0o6000
        assert run(rpc).result["mode"] == "6640"
        assert rpc.nodes["/etc/f"].mode & 0o7777 == 0o6640

    def test_symbolic_mode(self) -> None:
        assert run(guest(), edits=[], mode="g-r,o=u").result["mode"] == "0606"


class TestBackup:
    def test_it_is_the_old_file_with_its_attributes(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")
        rpc = guest()
        rpc.nodes["/etc/f"].xattrs["security.selinux"] = b"x\0"
        name = run(rpc, backup=True, mode="0600").result["backup_file"]
        assert name == "/etc/f.01d09d19.1970-01-02@00:00:00~"
        node = rpc.nodes[name]
        assert (node.content, node.mode & 0o7777, node.uid, node.gid) == (b"old\n", 0o640, 1, 2)
        assert node.xattrs == {"security.selinux": b"x\0"}

    @pytest.mark.parametrize("params", [{"edits": [{"line": "old"}]}, {"edits": [], "mode": "0600"}])
    def test_none_where_the_content_stays(self, params: dict[str, t.Any]) -> None:
        rpc = guest()
        assert run(rpc, backup=True, **params).result["backup_file"] is None
        assert sorted(rpc.nodes) == ["/", "/etc", "/etc/f", "/etc/group", "/etc/passwd"]


class TestHostile:
    def test_a_link_is_followed_inside_the_guest_and_stays(self) -> None:
        rpc = guest()
        rpc.add_link("/etc/l", "/../../../data/f")
        rpc.add_file("/data/f", b"")
        outcome = run(rpc, path="/etc/l")
        assert outcome.result["resolved_path"] == "/data/f"
        assert rpc.nodes["/data/f"].content == b"new\n"
        assert rpc.nodes["/etc/l"].target == "/../../../data/f"

    def test_a_link_to_nothing_is_made_only_with_create(self) -> None:
        rpc = guest()
        rpc.add_link("/etc/l", "../data/f")
        with pytest.raises(GuestError):
            run(rpc, path="/etc/l")
        run(rpc, path="/etc/l", create=True)
        assert rpc.nodes["/data/f"].content == b"new\n"

    def test_too_large(self) -> None:
        rpc = guest()
        rpc.nodes["/etc/f"].content = b"x" * 1001
        with pytest.raises(GuestError, match="more than the 1000 allowed"):
            run(rpc)

    def test_a_directory(self) -> None:
        with pytest.raises(GuestError, match="not a regular file"):
            run(guest(), path="/etc")

    def test_a_target_with_terminal_escapes_is_shown_harmless(self) -> None:
        rpc = guest()
        rpc.add_link("/etc/l", "\x1b[2J{{ x }}")
        rpc.add_file("/etc/\x1b[2J{{ x }}", b"")
        shown_path = run(rpc, path="/etc/l").result["resolved_path"]
        assert "\x1b" not in shown_path and "{{" not in shown_path

    def test_augeas_is_not_given_what_it_would_cut(self) -> None:
        rpc = guest()
        rpc.nodes["/etc/f"].content = b"a\0b"
        with pytest.raises(GuestError, match=r"edits\[0\]: Augeas cannot edit"):
            run(rpc, edits=[{"augeas": {"path": "a", "value": "b"}}])

    @pytest.mark.parametrize("path", ["/files/etc/other/x", "/augeas/save", "/files/etc/f", "/files/etc/f/", ""])
    def test_augeas_stays_in_the_file(self, path: str) -> None:
        with pytest.raises(OptionError, match="not below /files/etc/f"):
            run(guest(), edits=[{"augeas": {"path": path, "value": "b", "lens": "Sshd"}}])


def test_warning_about_an_empty_pattern() -> None:
    warnings: list[str] = []
    run(guest(), warnings=warnings, edits=[{"line": "a"}, {"line": "b", "regexp": ""}])
    assert len(warnings) == 1 and warnings[0].startswith("edits[1]:")


class TestDiff:
    def test_binary_content_is_not_dumped(self) -> None:
        diff = content_diff("/f", b"a\0b", b"ab")
        assert (diff["dst_binary"], diff["after"]) == (1, "ab")
        assert content_diff("/f", b"ab", b"a\0b")["src_binary"] == 1

    def test_large_content_is_not_dumped(self) -> None:
        large = b"x" * (MAX_DIFF + 1)
        diff = content_diff("/f", large, large + b"y")
        assert diff["dst_larger"] == diff["src_larger"] == MAX_DIFF
        assert "before" not in diff and "after" not in diff

    def test_shown(self) -> None:
        assert shown("é\t\x1b[0m\r\n\u202e".encode() + b"\xff\n") == "é\t\\x1b[0m\\r\n\\u202e\\xff\n"
