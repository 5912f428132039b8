# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What lineinfile, blockinfile, replace and ini_file do in a guest that no twin can be compared with.

That is a hostile guest, what ours refuses, and where ours says more. For the rest see ``tests/unit/differential``.
"""

from __future__ import annotations

import stat
import typing as t

import pytest
from ansible_collections.offline.guest.plugins.module_utils._appliance._calls import Calls
from ansible_collections.offline.guest.plugins.module_utils._errors import GuestError, OfflineGuestError, OptionError
from ansible_collections.offline.guest.plugins.module_utils._guest import _blockinfile, _ini_file, _lineinfile, _replace
from ansible_collections.offline.guest.plugins.module_utils._guest._files import GuestFiles
from ansible_collections.offline.guest.plugins.module_utils._guest._guest import Guest
from ansible_collections.offline.guest.plugins.module_utils._guest._task import Outcome, Task
from ansible_collections.offline.guest.tests.unit.guest.fake_rpc import FakeRpc

COMMON = {
    **dict.fromkeys(["owner", "group", "mode", "attributes", "seuser", "serole", "setype", "selevel", "validate"]),
    "path": "/etc/f",
    "backup": False,
    "create": True,
    "unsafe_writes": False,
    "max_size": 1000,
}
LINE = {
    **dict.fromkeys(["regexp", "search_string", "insertafter", "insertbefore"]),
    **dict.fromkeys(["backrefs", "firstmatch"], False),
    "line": "new",
    "state": "present",
}
BLOCK = {
    **dict.fromkeys(["insertafter", "insertbefore"]),
    **dict.fromkeys(["append_newline", "prepend_newline"], False),
    "block": "new",
    "state": "present",
    "marker": "# {mark}",
    "marker_begin": "BEGIN",
    "marker_end": "END",
}
REPLACE = {"regexp": "$", "replace": "new\n", "after": None, "before": None, "encoding": "utf-8"}
INI = {
    **dict.fromkeys(["section", "section_has_values", "values"]),
    **dict.fromkeys(["no_extra_spaces", "ignore_spaces", "allow_no_value", "follow"], False),
    **dict.fromkeys(["exclusive", "modify_inactive_option"], True),
    "option": "k",
    "value": "1",
    "state": "present",
}
HANDLERS: dict[str, tuple[t.Callable[[Task], Outcome], dict[str, t.Any]]] = {
    "lineinfile": (_lineinfile.handle, LINE),
    "blockinfile": (_blockinfile.handle, BLOCK),
    "replace": (_replace.handle, REPLACE),
    "ini_file": (_ini_file.handle, INI),
}
every_module = pytest.mark.parametrize("module", HANDLERS)
POLICY = b"/.*  system_u:object_r:default_t:s0\n/etc(/.*)?  system_u:object_r:etc_t:s0\n"


def guest() -> FakeRpc:
    rpc = FakeRpc()
    rpc.add_file("/etc/passwd", b"root:x:0:0::/root:/bin/sh\nweb:x:33:34::/srv:/bin/sh\n")
    rpc.add_file("/etc/group", b"root:x:0:\nwww:x:44:\n")
    rpc.add_file("/etc/f", b"old\n", 0o640, uid=1, gid=2)
    return rpc


def with_policy() -> FakeRpc:
    rpc = guest()
    rpc.add_file("/etc/selinux/config", b"SELINUX=enforcing\nSELINUXTYPE=targeted\n")
    rpc.add_file("/etc/selinux/targeted/contexts/files/file_contexts", POLICY)
    return rpc


def run(
    rpc: FakeRpc, module: str = "lineinfile", *, check: bool = False, warnings: list[str] | None = None, **params: t.Any
) -> Outcome:
    handle, own = HANDLERS[module]
    calls = Calls(rpc)
    warn = (warnings if warnings is not None else []).append
    return handle(Task({**COMMON, **own, **params}, Guest(calls, GuestFiles(calls)), check=check, warn=warn))


def refused(rpc: FakeRpc, module: str, **params: t.Any) -> OfflineGuestError:
    """Return the error of a task that must leave all as it was."""
    before = rpc.snapshot()
    with pytest.raises(OfflineGuestError) as caught:
        run(rpc, module, **params)
    assert rpc.snapshot() == before
    return caught.value


class TestLinks:
    """Nothing outside the guest can be named: the appliance sees paths that hold no link any more."""

    @every_module
    @pytest.mark.parametrize("target", ["/../../data/f", "../../../../data/f", "/data/f"])
    def test_one_that_climbs_stays_below_the_guest_s_root(self, module: str, target: str) -> None:
        rpc = guest()
        rpc.add_file("/data/f", b"old\n")
        rpc.add_link("/etc/l", target)
        rpc.log.clear()
        run(rpc, module, path="/etc/l", follow=True)
        assert rpc.nodes["/data/f"].content != b"old\n"
        assert rpc.nodes["/etc/l"].target == target
        assert "/etc/l" not in [entry[-1] for entry in rpc.log if entry[0] in ("write", "pwrite", "rename")]

    @every_module
    def test_a_directory_that_is_one(self, module: str) -> None:
        rpc = guest()
        rpc.add_dir("/data")
        rpc.add_file("/data/f", b"old\n")
        rpc.add_link("/conf", "/../../data")
        run(rpc, module, path="/conf/f")
        assert rpc.nodes["/data/f"].content != b"old\n"
        assert not any(
            str(part).startswith("/conf/") for entry in rpc.log if entry[0] in ("write", "rename") for part in entry
        )

    @every_module
    def test_a_loop(self, module: str) -> None:
        rpc = guest()
        rpc.add_link("/etc/a", "b")
        rpc.add_link("/etc/b", "a")
        assert "Too many symbolic links" in refused(rpc, module, path="/etc/a").message

    @every_module
    def test_one_to_nowhere(self, module: str) -> None:
        rpc = guest()
        rpc.add_link("/etc/l", "/none/f")
        if module == "ini_file":  # as its twin, it puts a file in the place of the link
            run(rpc, module, path="/etc/l")
            assert stat.S_ISREG(rpc.nodes["/etc/l"].mode)
        else:
            refused(rpc, module, path="/etc/l")
        assert "/none" not in rpc.nodes

    def test_the_temporary_file_is_no_way_out(self) -> None:
        """A link that waits where the new content is written first is removed, never written through."""
        rpc = guest()
        rpc.add_file("/data/f", b"precious\n")
        rpc.add_link("/etc/.f.offline-guest", "/data/f")
        run(rpc)
        assert rpc.nodes["/data/f"].content == b"precious\n"
        assert rpc.nodes["/etc/f"].content == b"old\nnew\n"

    def test_the_backup_is_no_way_out(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Its name can be foreseen, so a link may wait there: what it leads to inside the guest must be a file."""
        monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")
        rpc = guest()
        rpc.add_link("/etc/f.01d09d19.1970-01-02@00:00:00~", "/../../data/b")
        rpc.add_dir("/data")
        run(rpc, backup=True)
        assert rpc.nodes["/data/b"].content == b"old\n"
        assert all(path.startswith(("/etc", "/data")) or path == "/" for path in rpc.nodes)


class TestOtherKinds:
    @every_module
    @pytest.mark.parametrize("kind", [stat.S_IFIFO, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFSOCK])
    def test_what_is_no_file(self, module: str, kind: int) -> None:
        """The guest in memory fails the test if something would hang at it."""
        rpc = guest()
        rpc.add_special("/etc/x", kind)
        assert "not a regular file" in refused(rpc, module, path="/etc/x").message
        rpc.add_link("/etc/l", "x")
        assert "not a regular file" in refused(rpc, module, path="/etc/l").message

    @every_module
    @pytest.mark.parametrize("path", ["/etc", "/", "/etc/"])
    def test_a_directory(self, module: str, path: str) -> None:
        error = refused(guest(), module, path=path)
        assert (error.details, "is a directory" in error.message) == ({"rc": 256}, True)

    @every_module
    def test_a_file_where_a_directory_should_be(self, module: str) -> None:
        refused(guest(), module, path="/etc/f/g")

    @every_module
    def test_too_large(self, module: str) -> None:
        rpc = guest()
        rpc.nodes["/etc/f"].content = b"x" * 1001
        assert "more than the 1000 allowed" in refused(rpc, module).message

    @every_module
    def test_a_size_that_the_file_has_not(self, module: str) -> None:
        rpc = guest()
        rpc.nodes["/etc/f"].size = 999
        assert "ends after" in refused(rpc, module).message


class TestOptions:
    @every_module
    def test_unsafe_writes(self, module: str) -> None:
        assert "unsafe_writes" in refused(guest(), module, unsafe_writes=True).message

    @every_module
    @pytest.mark.parametrize("path", ["etc/f", "~/f", "/etc/../f", ""])
    def test_a_path_that_is_none_of_a_guest(self, module: str, path: str) -> None:
        assert isinstance(refused(guest(), module, path=path), OptionError)

    @every_module
    def test_a_file_that_is_missing(self, module: str) -> None:
        error = refused(guest(), module, path="/etc/none", create=False)
        assert (error.details, "does not exist" in error.message) == ({"rc": 257}, True)

    @pytest.mark.parametrize("params", [{"regexp": ""}, {"search_string": ""}])
    def test_an_empty_pattern_is_warned_about(self, params: dict[str, t.Any]) -> None:
        warnings: list[str] = []
        run(guest(), warnings=warnings, **params)
        assert warnings == ["An empty pattern matches every line. Use '^' if that is what you want."]

    def test_a_new_section_needs_a_name(self) -> None:
        """The twin would write one that is named by a digest."""
        conditions = [{"option": "a", "value": "b", "values": None}]
        assert "section's name" in refused(guest(), "ini_file", section_has_values=conditions).message

    @pytest.mark.parametrize("module", sorted(HANDLERS.keys() - {"ini_file"}))  # which has no such option
    @pytest.mark.parametrize("check", [True, False])
    def test_validate_looks_at_the_new_content_in_a_check_too(self, module: str, check: bool) -> None:
        refuses = {"validate": "grep -q none %s", "check": check}
        assert "failed to validate: rc:1" in refused(guest(), module, **refuses).message
        assert run(guest(), module, validate="grep -q new %s", check=check).changed

    def test_validate_is_not_run_where_nothing_is_written(self) -> None:
        assert not run(guest(), line="old", validate="false %s").changed


class TestAttributes:
    @every_module
    def test_names_are_those_of_the_guest(self, module: str) -> None:
        rpc = guest()
        outcome = run(rpc, module, owner="web", group="www")
        assert (rpc.nodes["/etc/f"].uid, rpc.nodes["/etc/f"].gid) == (33, 44)
        assert isinstance(outcome.diff, list)
        assert outcome.diff[1]["after"] == {"owner": 33, "group": 44}
        assert refused(guest(), module, owner="daemon").message == "The guest has no user 'daemon'."

    @every_module
    def test_a_change_of_the_mode_alone_is_shown(self, module: str) -> None:
        rpc = guest()
        run(rpc, module)
        rpc.log.clear()
        same: dict[str, t.Any] = {"regexp": "none"} if module == "replace" else {}
        outcome = run(rpc, module, mode="0600", **same)
        assert (outcome.changed, rpc.writes) == (True, ["chmod"])
        assert isinstance(outcome.diff, list)
        assert outcome.diff[-1]["after"] == {"mode": "0600"}

    @every_module
    def test_a_new_owner_gets_no_set_id_bits_and_that_is_shown(self, module: str) -> None:
        rpc = guest()
        rpc.nodes["/etc/f"].mode |= 0o4010
        outcome = run(rpc, module, owner="web")
        assert rpc.nodes["/etc/f"].mode & 0o7777 == 0o650
        assert isinstance(outcome.diff, list)
        assert outcome.diff[1]["after"] == {"owner": 33, "mode": "0650"}

    @every_module
    def test_flags_are_set_after_the_content(self, module: str) -> None:
        rpc = guest()
        run(rpc, module, attributes="+i", mode="0600")
        assert rpc.nodes["/etc/f"].flags == {"i"}
        assert rpc.nodes["/etc/f"].mode & 0o7777 == 0o600
        assert rpc.writes[-1] == "set_e2attrs"

    @pytest.mark.parametrize("module", sorted(HANDLERS.keys() - {"replace"}))  # which makes no file
    def test_the_label_of_a_new_file_is_the_policy_s_unless_the_task_says_more(self, module: str) -> None:
        rpc = with_policy()
        run(rpc, module, path="/etc/new")
        assert rpc.nodes["/etc/new"].xattrs["security.selinux"].startswith(b"system_u:object_r:etc_t:s0")
        outcome = run(rpc, module, path="/etc/other", setype="shadow_t")
        assert rpc.nodes["/etc/other"].xattrs["security.selinux"].startswith(b"system_u:object_r:shadow_t:s0")
        assert isinstance(outcome.diff, list)
        assert outcome.diff[1]["after"] == {"secontext": ["system_u", "object_r", "shadow_t", "s0"]}

    @every_module
    def test_a_label_of_the_policy(self, module: str) -> None:
        rpc = with_policy()
        rpc.nodes["/etc/f"].xattrs["security.selinux"] = b"system_u:object_r:tmp_t:s0\0"
        assert run(rpc, module, setype="_default").changed
        assert rpc.nodes["/etc/f"].xattrs["security.selinux"].startswith(b"system_u:object_r:etc_t:s0")

    def test_what_ini_file_says_of_a_file_is_about_the_guest_s(self) -> None:
        rpc = guest()
        rpc.nodes["/etc/f"].xattrs["security.selinux"] = b"system_u:object_r:tmp_t:s0\0"
        assert run(rpc, "ini_file", owner="web", mode="0604").result == {
            "msg": "option added",
            "path": "/etc/f",
            "state": "file",
            "size": 10,
            "mode": "0604",
            "uid": 33,
            "gid": 2,
            "owner": "web",
            "group": "2",
            "secontext": "system_u:object_r:tmp_t:s0",
        }


class TestBackup:
    @every_module
    def test_it_is_the_file_as_it_was(self, module: str) -> None:
        rpc = guest()
        rpc.nodes["/etc/f"].xattrs["user.a"] = b"x"
        rpc.nodes["/etc/f"].mtime = 1234
        result = run(rpc, module, backup=True, mode="0600").result
        node = rpc.nodes[result["backup" if module == "lineinfile" else "backup_file"]]
        assert (node.content, node.mode & 0o7777, node.uid, node.gid) == (b"old\n", 0o640, 1, 2)
        assert (node.mtime, node.xattrs) == (1234, {"user.a": b"x"})


@every_module
def test_a_second_time_nothing_is_written(module: str) -> None:
    rpc = with_policy()
    own: dict[str, t.Any] = {"regexp": "old", "replace": "new"} if module == "replace" else {}
    options = {"owner": "web", "mode": "u=rw,go=", "setype": "user_t", "attributes": "+d", "backup": True, **own}
    assert run(rpc, module, **options).changed
    rpc.log.clear()
    again = run(rpc, module, **options)
    assert (again.changed, again.summary, rpc.writes) == (False, "", [])


def test_few_calls() -> None:
    """A task that finds all as it should be costs the way to the file, and the file."""
    rpc = guest()
    run(rpc, line="old")
    assert len(rpc.log) <= 7, rpc.log


def test_a_wrong_pattern_is_no_traceback() -> None:
    assert "not a valid regular expression" in refused(guest(), "lineinfile", regexp="(").message
    assert isinstance(refused(guest(), "replace", encoding="none"), OptionError)
    rpc = guest()
    rpc.add_file("/etc/odd", b"odd")
    assert isinstance(refused(rpc, "replace", path="/etc/odd", encoding="utf-16"), GuestError)
