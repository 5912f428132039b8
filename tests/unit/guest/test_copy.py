# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module copy: directories, copies inside the guest, and guests that want something else to be written."""

from __future__ import annotations

import os
import pathlib
import stat
import typing as t

import pytest
from ansible_collections.offline.guest.plugins.module_utils._appliance._calls import Calls
from ansible_collections.offline.guest.plugins.module_utils._errors import GuestError, OfflineGuestError, OptionError
from ansible_collections.offline.guest.plugins.module_utils._guest import _copy_source
from ansible_collections.offline.guest.plugins.module_utils._guest._copy import handle
from ansible_collections.offline.guest.plugins.module_utils._guest._copy_source import GuestTree, HostTree, walk
from ansible_collections.offline.guest.plugins.module_utils._guest._diff import MAX_DIFF
from ansible_collections.offline.guest.plugins.module_utils._guest._files import CHUNK, GuestFiles
from ansible_collections.offline.guest.plugins.module_utils._guest._guest import Guest
from ansible_collections.offline.guest.plugins.module_utils._guest._task import Outcome, Task
from ansible_collections.offline.guest.tests.unit.guest.fake_rpc import FakeRpc

DEFAULTS: dict[str, t.Any] = {
    "src": None,
    "guest_src": None,
    "content": None,
    "backup": False,
    "force": True,
    "validate": None,
    "mode": None,
    "directory_mode": None,
    "remote_src": False,
    "follow": False,
    "local_follow": None,
    "checksum": None,
}


def guest() -> FakeRpc:
    rpc = FakeRpc()
    rpc.add_file("/etc/passwd", b"root:x:0:0::/root:/bin/sh\nweb:x:33:34::/srv:/bin/sh\n")
    rpc.add_file("/etc/group", b"root:x:0:\nwww:x:44:\n")
    return rpc


def run(rpc: FakeRpc, *, check: bool = False, **params: t.Any) -> Outcome:
    calls = Calls(rpc)
    return handle(Task({**DEFAULTS, **params}, Guest(calls, GuestFiles(calls)), check, lambda text: None))


def run_twice(rpc: FakeRpc, **params: t.Any) -> Outcome:
    """Run, after a plan that must foresee it, and once more, which must change nothing."""
    before = rpc.snapshot()
    planned = run(rpc, check=True, **params)
    assert rpc.snapshot() == before
    done = run(rpc, **params)
    assert (planned.changed, planned.diff, planned.result) == (done.changed, done.diff, done.result)
    rpc.log.clear()
    again = run(rpc, **params)
    assert not again.changed and rpc.writes == []
    return done


def test_what_puts_the_accounts_right_does_not_need_them() -> None:
    rpc = guest()
    rpc.add_file("/etc/passwd-", rpc.nodes["/etc/passwd"].content)
    rpc.add_file("/etc/passwd", b"x" * 2**23)
    with pytest.raises(GuestError, match="'/etc/passwd' in the guest has 8388608 bytes"):
        run(rpc, guest_src="/etc/passwd-", dest="/etc/motd", owner="web")
    done = run(rpc, guest_src="/etc/passwd-", dest="/etc/motd")
    assert (done.changed, done.result["owner"], done.result["uid"]) == (True, "0", 0)
    done = run(rpc, guest_src="/etc/passwd-", dest="/etc/passwd")
    assert done.changed and run(rpc, guest_src="/etc/passwd-", dest="/etc/passwd").result["owner"] == "root"


@pytest.fixture
def site(tmp_path: pathlib.Path) -> pathlib.Path:
    """A directory with files, directories and links of all kinds."""
    top = tmp_path / "site"
    (top / "sub/empty").mkdir(parents=True)
    (top / "index").write_text("index\n")
    (top / "index").chmod(0o600)
    (top / "sub/run").write_bytes(b"\0run")
    (top / "sub/run").chmod(0o755)
    (top / "to-file").symlink_to("index")
    (top / "to-dir").symlink_to("sub/empty")
    (top / "to-nothing").symlink_to("none")
    (top / "sub/up").symlink_to("..")
    return top


def below(rpc: FakeRpc, top: str) -> dict[str, t.Any]:
    """What is below a directory of the guest: a file's content and mode, a link's target, a directory's mode."""
    found: dict[str, t.Any] = {}
    for path, node in sorted(rpc.nodes.items()):
        if path.startswith(f"{top}/"):
            mode = node.mode & 0o7777
            shown = (
                node.target if stat.S_ISLNK(node.mode) else mode if stat.S_ISDIR(node.mode) else (node.content, mode)
            )
            found[path[len(top) + 1 :]] = shown
    return found


class TestDirectory:
    def test_with_a_slash_what_is_in_it(self, site: pathlib.Path) -> None:
        rpc = guest()
        outcome = run_twice(rpc, src=f"{site}/", dest="/srv/www", owner="web", group="www")
        assert below(rpc, "/srv/www") == {
            "index": (b"index\n", 0o644),
            "sub": 0o755,
            "sub/empty": 0o755,
            "sub/run": (b"\0run", 0o644),
            "sub/up": "..",
            "to-dir": 0o755,
            "to-file": (b"index\n", 0o644),
            "to-nothing": "none",
        }
        owners = {(node.uid, node.gid) for path, node in rpc.nodes.items() if path.startswith("/srv/www")}
        assert owners == {(33, 44)}
        assert outcome.result == {"dest": "/srv/www/", "src": f"{site}/"}

    def test_without_a_slash_the_directory_itself(self, site: pathlib.Path) -> None:
        rpc = guest()
        run_twice(rpc, src=str(site), dest="/srv", local_follow=False)
        assert below(rpc, "/srv/site")["to-file"] == "index"
        assert below(rpc, "/srv/site")["to-dir"] == "sub/empty"

    def test_modes(self, site: pathlib.Path) -> None:
        rpc = guest()
        rpc.add_dir("/srv/sub", 0o700)
        run_twice(rpc, src=f"{site}/", dest="/srv", mode="preserve", directory_mode="0750")
        found = below(rpc, "/srv")
        assert (found["index"][1], found["sub/run"][1], found["sub"], found["sub/empty"]) == (
            0o600,
            0o755,
            0o750,
            0o750,
        )

    def test_of_the_host_new_entries_keep_their_modes(self, site: pathlib.Path) -> None:
        rpc = guest()
        (site / "sub").chmod(0o711)
        run_twice(rpc, src=f"{site}/", dest="/srv", remote_src=True)
        found = below(rpc, "/srv")
        assert (found["index"], found["sub"], found["to-file"]) == ((b"index\n", 0o600), 0o711, "index")

    def test_only_what_differs_is_written(self, site: pathlib.Path) -> None:
        rpc = guest()
        run(rpc, src=f"{site}/", dest="/srv")
        rpc.nodes["/srv/index"].content = b"INDEX\n"
        rpc.log.clear()
        outcome = run(rpc, src=f"{site}/", dest="/srv")
        assert rpc.writes.count("rename") == 1
        assert isinstance(outcome.diff, list)
        assert (outcome.diff[0]["before"], outcome.diff[0]["after"]) == ("INDEX\n", "index\n")
        assert set(outcome.diff[-1]["after"]["contents"]) == {"/srv/index"}

    def test_not_forced_only_what_is_missing(self, site: pathlib.Path) -> None:
        rpc = guest()
        rpc.add_file("/srv/index", b"kept")
        run_twice(rpc, src=f"{site}/", dest="/srv", force=False)
        assert rpc.nodes["/srv/index"].content == b"kept"
        assert rpc.nodes["/srv/sub/run"].content == b"\0run"

    def test_an_empty_one(self, tmp_path: pathlib.Path) -> None:
        rpc = guest()
        (tmp_path / "none").mkdir()
        run_twice(rpc, src=str(tmp_path / "none"), dest="/srv/a")
        assert below(rpc, "/srv") == {"a": 0o755, "a/none": 0o755}

    def test_a_special_file_is_never_opened(self, site: pathlib.Path) -> None:
        os.mkfifo(site / "fifo")
        with pytest.raises(OptionError, match="special file"):
            run(guest(), src=str(site), dest="/srv")

    def test_too_much_of_it(self, site: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(_copy_source, "MAX_ENTRIES", 3)
        with pytest.raises(OptionError, match="more than 3"):
            run(guest(), src=str(site), dest="/srv")

    @pytest.mark.parametrize("kind", [stat.S_IFIFO, stat.S_IFCHR, stat.S_IFSOCK])
    def test_what_is_in_the_way_stays(self, site: pathlib.Path, kind: int) -> None:
        rpc = guest()
        rpc.add_special("/srv/index", kind)
        before = rpc.snapshot()
        with pytest.raises(GuestError, match="not a regular file"):
            run(rpc, src=f"{site}/", dest="/srv")
        assert rpc.snapshot() == before

    def test_a_directory_where_a_file_should_be(self, site: pathlib.Path) -> None:
        rpc = guest()
        rpc.add_dir("/srv/index")
        with pytest.raises(GuestError, match="is a directory"):
            run(rpc, src=f"{site}/", dest="/srv")

    def test_links_of_the_guest_lead_no_further_than_the_guest(self, site: pathlib.Path) -> None:
        rpc = guest()
        rpc.add_link("/srv/sub", "/../../../../elsewhere")
        rpc.add_dir("/elsewhere")
        run_twice(rpc, src=f"{site}/", dest="/srv")
        assert rpc.nodes["/elsewhere/run"].content == b"\0run"
        assert stat.S_ISLNK(rpc.nodes["/srv/sub"].mode)


class TestGuestSource:
    def test_a_file(self) -> None:
        rpc = guest()
        rpc.add_file("/a", b"x" * (CHUNK + 1), 0o640)
        outcome = run_twice(rpc, guest_src="/a", dest="/b", mode="preserve")
        assert rpc.nodes["/b"].content == rpc.nodes["/a"].content
        assert (rpc.nodes["/b"].mode & 0o777, outcome.result["src"]) == (0o640, "/a")
        assert "upload" not in rpc.writes

    def test_a_directory(self) -> None:
        rpc = guest()
        rpc.add_file("/a/f", b"f", 0o600)
        rpc.add_link("/a/l", "../../../../etc/passwd")
        rpc.add_link("/a/loop", "loop")
        run_twice(rpc, guest_src="/a/", dest="/b")
        assert below(rpc, "/b") == {"f": (b"f", 0o600), "l": "../../../../etc/passwd", "loop": "loop"}

    def test_followed_inside_the_guest(self) -> None:
        rpc = guest()
        rpc.add_link("/a/l", "../../../../etc/group")
        rpc.add_link("/a/loop", "loop")
        run_twice(rpc, guest_src="/a/", dest="/b", local_follow=True)
        assert below(rpc, "/b") == {"l": (b"root:x:0:\nwww:x:44:\n", 0o644), "loop": "loop"}

    def test_into_itself(self) -> None:
        rpc = guest()
        rpc.add_file("/a/f")
        with pytest.raises(OptionError, match="in the directory that is to be copied"):
            run(rpc, guest_src="/a", dest="/a/b")

    @pytest.mark.parametrize("path", ["/fifo", "/none", "/loop"])
    def test_what_is_no_file(self, path: str) -> None:
        rpc = guest()
        rpc.add_special("/fifo", stat.S_IFIFO)
        rpc.add_link("/loop", "loop")
        with pytest.raises(OfflineGuestError):
            run(rpc, guest_src=path, dest="/b")

    def test_validate_sees_a_copy(self) -> None:
        rpc = guest()
        rpc.add_file("/a", b"content")
        run(rpc, guest_src="/a", dest="/b", validate="grep -q content %s")
        with pytest.raises(OptionError, match="failed to validate"):
            run(rpc, guest_src="/a", dest="/c", validate="grep -q other %s")


class TestContent:
    def test_a_directory_as_its_place(self, tmp_path: pathlib.Path) -> None:
        (tmp_path / "content").write_text("x")
        with pytest.raises(OptionError, match="can not use content with a dir as dest"):
            run(guest(), src=str(tmp_path / "content"), content="", dest="/etc")

    def test_a_large_file_is_not_in_the_difference(self, tmp_path: pathlib.Path) -> None:
        rpc = guest()
        rpc.add_file("/f", b"x" * (MAX_DIFF + 1) + b"y")
        (tmp_path / "f").write_bytes(b"x" * (MAX_DIFF + 1) + b"z")
        outcome = run_twice(rpc, src=str(tmp_path / "f"), dest="/f")
        assert isinstance(outcome.diff, list)
        assert outcome.diff[0]["dst_larger"] == outcome.diff[0]["src_larger"] == MAX_DIFF

    def test_a_file_of_another_size_is_not_read(self, tmp_path: pathlib.Path) -> None:
        rpc = guest()
        rpc.add_file("/f", b"x" * CHUNK * 2)
        (tmp_path / "f").write_bytes(b"x" * CHUNK * 3)
        run(rpc, src=str(tmp_path / "f"), dest="/f")
        assert "checksum" not in [entry[0] for entry in rpc.log]

    def test_nothing_to_copy(self) -> None:
        with pytest.raises(OptionError, match="is required"):
            run(guest(), dest="/f")

    def test_validate_may_spoil_its_copy_only(self, tmp_path: pathlib.Path) -> None:
        rpc = guest()
        (tmp_path / "f").write_text("fine")
        run(rpc, src=str(tmp_path / "f"), dest="/f", validate="truncate -s 0 %s")
        assert (rpc.nodes["/f"].content, (tmp_path / "f").read_text()) == (b"fine", "fine")


class TestAttacks:
    """Nothing but what the path names, seen from inside the guest, is ever read or written."""

    @pytest.mark.parametrize("target", ["/../../host", "../../../../host", "/host"])
    def test_a_link_as_etc(self, target: str, tmp_path: pathlib.Path) -> None:
        rpc = FakeRpc()
        rpc.add_link("/etc", target)
        rpc.add_dir("/host")
        (tmp_path / "f").write_text("x")
        run_twice(rpc, src=str(tmp_path / "f"), dest="/etc/f")
        assert rpc.nodes["/host/f"].content == b"x"

    @pytest.mark.parametrize("path", ["/loop/f", "/loop", "/dangling/f", "/file/f", "/fifo", "/device", "/socket"])
    def test_no_way_through(self, path: str, tmp_path: pathlib.Path) -> None:
        rpc = guest()
        rpc.add_link("/loop", "/loop")
        rpc.add_link("/dangling", "/none")
        rpc.add_file("/file")
        for name, kind in (("/fifo", stat.S_IFIFO), ("/device", stat.S_IFBLK), ("/socket", stat.S_IFSOCK)):
            rpc.add_special(name, kind)
        (tmp_path / "f").write_text("x")
        before = rpc.snapshot()
        with pytest.raises(OfflineGuestError):
            run(rpc, src=str(tmp_path / "f"), dest=path, follow=True)
        assert rpc.snapshot() == before


def test_the_same_walk_on_the_host_and_in_the_guest(site: pathlib.Path) -> None:
    rpc = FakeRpc()
    for path in sorted(site.rglob("*")):
        place = f"/site/{path.relative_to(site)}"
        if path.is_symlink():
            rpc.add_link(place, os.readlink(path))
        elif path.is_dir():
            rpc.add_dir(place)
        else:
            rpc.add_file(place, path.read_bytes())
    tree = GuestTree(GuestFiles(Calls(rpc)))
    for follow in (True, False):
        on_host = [
            (item.name, item.kind, item.target, item.size) for item in walk(HostTree(), str(site), follow=follow)
        ]
        in_guest = [(item.name, item.kind, item.target, item.size) for item in walk(tree, "/site", follow=follow)]
        assert on_host == in_guest
