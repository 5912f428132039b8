# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module file where it differs from its twin, and in guests that mean harm."""

from __future__ import annotations

import stat
import sys
import typing as t

import pytest
from ansible_collections.offline.guest.plugins.module_utils._appliance._calls import Calls
from ansible_collections.offline.guest.plugins.module_utils._errors import GuestError, OfflineGuestError, OptionError
from ansible_collections.offline.guest.plugins.module_utils._guest import _tree
from ansible_collections.offline.guest.plugins.module_utils._guest._file import handle
from ansible_collections.offline.guest.plugins.module_utils._guest._files import FileStat, GuestFiles
from ansible_collections.offline.guest.plugins.module_utils._guest._guest import Guest
from ansible_collections.offline.guest.plugins.module_utils._guest._paths import GuestPath
from ansible_collections.offline.guest.plugins.module_utils._guest._task import Outcome, Task
from ansible_collections.offline.guest.tests.unit.guest.fake_rpc import FakeRpc

DEFAULTS: dict[str, t.Any] = {
    "state": None,
    "src": None,
    "recurse": False,
    "force": False,
    "follow": True,
    "modification_time": None,
    "modification_time_format": "%Y%m%d%H%M.%S",
    "access_time": None,
    "access_time_format": "%Y%m%d%H%M.%S",
}


def guest() -> FakeRpc:
    rpc = FakeRpc()
    rpc.add_file("/etc/passwd", b"root:x:0:0::/root:/bin/sh\nweb:x:33:34::/srv:/bin/sh\n")
    rpc.add_file("/etc/group", b"root:x:0:\n")
    return rpc


def run(rpc: FakeRpc, *, warnings: list[str] | None = None, **params: t.Any) -> Outcome:
    calls = Calls(rpc)
    warn = (warnings if warnings is not None else []).append
    return handle(Task({**DEFAULTS, **params}, Guest(calls, GuestFiles(calls)), False, warn))


@pytest.mark.parametrize(
    "params",
    [
        {"path": "/srv/a/b", "state": "directory", "mode": "u=rwX,g=s", "owner": "web"},
        {"path": "/srv/l", "state": "link", "src": "../etc", "owner": "web", "follow": False},
        {"path": "/srv/l", "state": "link", "src": "nothing", "force": True, "follow": False},
        {"path": "/srv/h", "state": "hard", "src": "/etc/passwd"},
        {"path": "/srv/h", "state": "hard", "src": "../etc/group"},
        {"path": "/etc", "state": "directory", "recurse": True, "mode": "u=rwX,go=rX", "owner": "web"},
        {"path": "/etc/group", "state": "absent"},
        {"path": "/etc", "state": "absent"},
        {"path": "/srv/t", "state": "touch", "modification_time": "preserve", "access_time": "preserve"},
        {"path": "/etc/group", "state": "file", "modification_time": "200001010000.00"},
    ],
)
def test_a_second_time_nothing_is_done(params: dict[str, t.Any]) -> None:
    rpc = guest()
    rpc.add_dir("/srv")
    assert run(rpc, **params).changed
    rpc.log.clear()
    again = run(rpc, **params)
    assert not again.changed and again.diff["before"] == again.diff["after"]  # type: ignore[call-overload,index]
    assert (rpc.writes, again.summary) == ([], "")


class TestTouch:
    def test_each_time_is_a_change(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
        rpc = guest()
        assert [run(rpc, path="/t", state="touch").changed for _time in range(3)] == [True] * 3

    def test_what_is_made_is_a_change_even_with_its_times_preserved(self) -> None:
        outcome = run(guest(), path="/t", state="touch", modification_time="preserve", access_time="preserve")
        assert outcome.changed and outcome.result["state"] == "file"

    def test_now_is_what_the_environment_says(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")
        rpc = guest()
        run(rpc, path="/etc/group", state="touch")
        assert (rpc.nodes["/etc/group"].atime, rpc.nodes["/etc/group"].mtime) == (86400, 86400)
        assert not run(rpc, path="/etc/group", state="touch").changed


class TestRecurse:
    def test_links_that_go_round_are_looked_at_once(self) -> None:
        rpc = guest()
        rpc.add_file("/srv/d/f", mode=0o600)
        rpc.add_file("/opt/g", mode=0o600)
        for path, target in {
            "up": "..",
            "self": "self",
            "out": "/opt",
            "back": "/srv/d",
            "far": "/../../opt/g",
        }.items():
            rpc.add_link(f"/srv/d/{path}", target)
        rpc.add_link("/opt/home", "/srv")
        outcome = run(rpc, path="/srv", state="directory", recurse=True, mode="0700")
        assert {path for path, node in rpc.nodes.items() if node.mode & 0o7777 == 0o700} == {
            *("/srv", "/srv/d", "/srv/d/f", "/opt", "/opt/g"),
        }
        assert isinstance(outcome.diff, dict)
        assert set(outcome.diff["after"]["contents"]) == {"/srv/d", "/srv/d/f", "/opt", "/opt/g"}

    def test_not_followed_links_stay_where_they_are(self) -> None:
        rpc = guest()
        rpc.add_link("/srv/out", "/etc")
        run(rpc, path="/srv", state="directory", recurse=True, owner="web", follow=False)
        assert (rpc.nodes["/srv/out"].uid, rpc.nodes["/etc"].uid) == (33, 0)

    def test_too_much_of_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(_tree, "MAX_ENTRIES", 1)
        with pytest.raises(GuestError, match="more than 1"):
            run(guest(), path="/etc", state="directory", recurse=True, mode="0700")

    def test_a_tree_deeper_than_python_recurses(self) -> None:
        class Deep(GuestFiles):
            def list_stats(self, path: str) -> dict[str, FileStat | None]:
                return {"d": FileStat("directory", 0o755, 0, 0, 0, 0)} if path.count("/") < depth else {}

        depth = sys.getrecursionlimit() + 10
        assert sum(1 for _entry in _tree.walk(Deep(Calls(guest())), GuestPath("/d"))) == depth - 1


class TestAttacks:
    @pytest.mark.parametrize("state", ["directory", "touch", "absent"])
    @pytest.mark.parametrize("target", ["/../../host", "../../../host", "/host"])
    def test_a_link_as_srv_leads_into_the_guest(self, state: str, target: str) -> None:
        rpc = guest()
        rpc.add_link("/srv", target)
        rpc.add_dir("/host/there")
        run(rpc, path="/srv/new" if state != "absent" else "/srv/there", state=state)
        assert ("/host/new" in rpc.nodes) == (state != "absent")
        assert ("/host/there" in rpc.nodes) == (state != "absent")
        assert stat.S_ISLNK(rpc.nodes["/srv"].mode)

    def test_a_link_is_removed_and_not_what_it_leads_to(self) -> None:
        rpc = guest()
        rpc.add_link("/srv", "etc")
        run(rpc, path="/srv/", state="absent")
        assert "/srv" not in rpc.nodes and "/etc/passwd" in rpc.nodes

    @pytest.mark.parametrize("path", ["/loop/f", "/file/f", "/none/f"])
    @pytest.mark.parametrize("state", ["touch", "link", "hard", "file"])
    def test_no_way_there(self, path: str, state: str) -> None:
        rpc = guest()
        rpc.add_link("/loop", "loop")
        rpc.add_file("/file")
        before = rpc.snapshot()
        with pytest.raises(OfflineGuestError):
            run(rpc, path=path, state=state, src="/etc/passwd" if state in ("link", "hard") else None)
        assert rpc.snapshot() == before

    @pytest.mark.parametrize("kind", [stat.S_IFIFO, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFSOCK])
    def test_special_files_get_attributes_and_are_never_opened(self, kind: int) -> None:
        rpc = guest()
        rpc.add_special("/x", kind)
        assert run(rpc, path="/x", mode="0600").changed
        with pytest.raises(GuestError, match="modification or access time"):
            run(rpc, path="/x", state="touch")

    @pytest.mark.parametrize("path", ["/", "//", "/."])
    def test_the_root_stays(self, path: str) -> None:
        with pytest.raises(OptionError, match="root directory"):
            run(guest(), path=path, state="absent")

    def test_what_a_link_of_the_guest_holds_is_shown_harmless(self) -> None:
        rpc = guest()
        rpc.add_link("/l", "\x1b[2J{{ x }}")
        outcome = run(rpc, path="/l", state="link", force=True, src="f")
        assert "\x1b" not in str(outcome.diff) and "{{" not in str(outcome.diff)


def test_a_link_to_nothing_warns() -> None:
    warnings: list[str] = []
    run(guest(), path="/l", state="link", src="none", force=True, warnings=warnings)
    assert len(warnings) == 1 and "non-existent symlink target" in warnings[0]
