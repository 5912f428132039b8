# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The handlers of the modules user and group, on a guest in memory.

That they leave the files that the shadow suite leaves is shown in tests/integration/test_accounts_differential.py.
"""

from __future__ import annotations

import stat
import typing as t

import pytest
from ansible_collections.offline.guest.plugins.module_utils._appliance._calls import Calls
from ansible_collections.offline.guest.plugins.module_utils._errors import CallError, GuestError, OptionError
from ansible_collections.offline.guest.plugins.module_utils._guest import _group, _user
from ansible_collections.offline.guest.plugins.module_utils._guest._accounts import MAX_SIZE
from ansible_collections.offline.guest.plugins.module_utils._guest._files import GuestFiles
from ansible_collections.offline.guest.plugins.module_utils._guest._guest import Guest
from ansible_collections.offline.guest.plugins.module_utils._guest._task import Outcome, Task
from ansible_collections.offline.guest.plugins.modules import group as group_module
from ansible_collections.offline.guest.plugins.modules import user as user_module
from ansible_collections.offline.guest.tests.unit.guest.fake_rpc import FakeRpc

HASH = "$6$salt$" + "a" * 86
OTHER = "$6$salt$" + "b" * 86
PASSWD = b"root:x:0:0:root:/root:/bin/sh\nalice:x:1000:1000::/home/alice:/bin/sh\nbin:x:2:2::/bin:/bin/sh\n"
GROUP = b"root:x:0:\nadm:x:4:alice\nalice:x:1000:\nusers:x:100:\n"
SHADOW = b"root:*:1::::::\nalice:" + HASH.encode() + b":1:0:99999:7:::\nbin:*:1::::::\n"
DEFS = b"USERGROUPS_ENAB yes\nHOME_MODE 0700\n"


@pytest.fixture(autouse=True)
def day(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", str(19675 * 86400 + 5))


def guest() -> FakeRpc:
    rpc = FakeRpc()
    rpc.add_file("/etc/passwd", PASSWD)
    rpc.add_file("/etc/group", GROUP)
    rpc.add_file("/etc/shadow", SHADOW, 0o640, gid=42)
    rpc.add_file("/etc/gshadow", b"root:*::\nadm:*::alice\nalice:!::\nusers:*::\n", 0o640, gid=42)
    rpc.add_file("/etc/login.defs", DEFS)
    rpc.add_file("/etc/skel/.profile", b"profile\n")
    rpc.add_file("/bin/sh", b"", 0o755)
    rpc.add_dir("/home/alice", 0o700, uid=1000, gid=1000)
    rpc.add_file("/home/alice/f", b"", uid=1000, gid=1000)
    return rpc


def run(
    rpc: FakeRpc, *, check: bool = False, warnings: list[str] | None = None, module: str = "user", **options: t.Any
) -> Outcome:
    specs = {"user": user_module.OPTIONS, "group": group_module.OPTIONS}[module]
    handle = {"user": _user.handle, "group": _group.handle}[module]
    params = {name: spec.get("default") for name, spec in specs.items()}
    assert not options.keys() - params.keys()
    calls = Calls(rpc)
    warn = (warnings if warnings is not None else []).append
    return handle(Task({**params, "name": "joe", **options}, Guest(calls, GuestFiles(calls)), check, warn))


def text(rpc: FakeRpc, path: str) -> str:
    return rpc.nodes[path].content.decode()


class TestOutcome:
    def test_a_new_user(self) -> None:
        rpc = guest()
        outcome = run(rpc, groups=["adm"], comment="Joe", password=HASH)
        assert outcome.result == {
            "name": "joe",
            "state": "present",
            "uid": 1001,
            "group": 1001,
            "comment": "Joe",
            "home": "/home/joe",
            "shell": "/bin/sh",
            "groups": "adm",
            "password": "NOT_LOGGING_PASSWORD",
            "system": False,
            "create_home": True,
        }
        assert outcome.summary == "user joe created"
        assert isinstance(outcome.diff, dict)
        assert outcome.diff["before"] == {"files": [], "home_and_mail": []}
        assert outcome.diff["after"]["files"] == [f"/etc/{name}" for name in ("passwd", "shadow", "group", "gshadow")]
        assert outcome.diff["after"]["home_and_mail"] == ["make /home/joe", "make /home/joe/.profile"]
        assert (outcome.diff["after"]["groups"], outcome.diff["after"]["password"]) == (["adm"], "set")
        assert rpc.nodes["/home/joe"].mode == stat.S_IFDIR | 0o700 and rpc.nodes["/home/joe"].uid == 1001
        assert (rpc.nodes["/etc/shadow"].mode, rpc.nodes["/etc/shadow"].gid) == (stat.S_IFREG | 0o640, 42)

    def test_the_second_time_nothing_is_written(self) -> None:
        rpc = guest()
        options: dict[str, t.Any] = {"groups": ["adm"], "password": HASH, "expires": 1e9, "uid": 1500}
        run(rpc, **options)
        rpc.log.clear()
        outcome = run(rpc, **options)
        assert (outcome.changed, outcome.summary, rpc.writes) == (False, "", [])
        assert isinstance(outcome.diff, dict)
        assert (outcome.diff["before"], outcome.diff["after"]) == ({}, {})
        assert outcome.result.keys() >= {"append", "move_home"}

    @pytest.mark.parametrize(
        "options",
        [
            {"groups": ["adm"]},
            {"name": "alice", "uid": 1200, "home": "/srv/a", "move_home": True},
            {"name": "alice", "state": "absent", "remove": True},
            {"name": "alice", "state": "absent", "remove": True, "force": True},
        ],
    )
    def test_check_plans_the_same_and_writes_nothing(self, options: dict[str, t.Any]) -> None:
        rpc, other = guest(), guest()
        planned, done = run(rpc, check=True, **options), run(other, **options)
        assert rpc.writes == []
        assert done.changed and (planned.result, planned.diff, planned.summary) == (
            done.result,
            done.diff,
            done.summary,
        )

    def test_each_file_is_written_once_and_only_if_it_changes(self) -> None:
        rpc = guest()
        run(rpc, create_home=False, groups=["adm"], expires=1e9, password=HASH)
        assert rpc.writes.count("rename") == 4
        rpc.log.clear()
        run(rpc, create_home=False, comment="new")
        assert [entry[2] for entry in rpc.log if entry[0] == "rename"] == ["/etc/passwd"]

    def test_nobody_to_remove(self) -> None:
        rpc = guest()
        outcome = run(rpc, state="absent", remove=True)
        assert not outcome.changed and outcome.result == {"name": "joe", "state": "absent"} and rpc.writes == []

    def test_a_group(self) -> None:
        rpc = guest()
        outcome = run(rpc, module="group", name="crew", system=True)
        assert outcome.result == {"name": "crew", "state": "present", "gid": 999, "system": True}
        assert outcome.diff == {
            "before_header": "group crew",
            "after_header": "group crew",
            "before": {"files": []},
            "after": {"name": "crew", "gid": 999, "files": ["/etc/group", "/etc/gshadow"]},
        }
        assert not run(rpc, module="group", name="crew").changed
        gone = run(rpc, module="group", name="crew", state="absent")
        assert gone.changed and gone.result == {"name": "crew", "state": "absent"}
        assert text(rpc, "/etc/group") == GROUP.decode()


class TestSecrets:
    @pytest.mark.parametrize(
        "options",
        [
            {"password": OTHER},
            {"name": "alice", "password": OTHER},
            {"name": "alice", "password_lock": True},
            {"name": "alice", "state": "absent"},
            {"name": "alice", "comment": "new"},
        ],
    )
    def test_no_hash_is_shown(self, options: dict[str, t.Any]) -> None:
        rpc = guest()
        warnings: list[str] = []
        outcome = run(rpc, warnings=warnings, **options)
        assert outcome.changed
        said = repr((outcome.result, outcome.diff, outcome.summary, warnings))
        assert HASH not in said and OTHER not in said and "$6$" not in said

    def test_another_password_is_said_to_be_another(self) -> None:
        outcome = run(guest(), name="alice", password=OTHER)
        assert isinstance(outcome.diff, dict)
        assert outcome.diff["after"] == {"password_changed": "19675", "files": ["/etc/shadow"]}

    def test_a_hash_in_a_damaged_file_is_not_shown(self) -> None:
        rpc = guest()
        rpc.add_file("/etc/shadow", SHADOW * 2)
        with pytest.raises(GuestError, match="more than once") as caught:
            run(rpc, name="alice", password=OTHER)
        assert "$6$" not in repr((str(caught.value), caught.value.details))

    def test_plain_text_is_refused_and_not_shown(self) -> None:
        with pytest.raises(OptionError, match="password_hash") as caught:
            run(guest(), password="Sup3rSecret99")
        assert "Sup3r" not in repr((str(caught.value), caught.value.details))

    def test_the_options_are_not_logged(self) -> None:
        for name in ("password", "ssh_key_passphrase"):
            assert user_module.OPTIONS[name]["no_log"] is True

    def test_an_empty_password_is_warned_of(self) -> None:
        warnings: list[str] = []
        run(guest(), password="", warnings=warnings)
        assert "anybody may log in" in warnings[0]

    def test_an_account_without_a_password_is_closed(self) -> None:
        rpc = guest()
        rpc.add_file("/etc/shadow", b"alice::1::::::\n")
        assert run(rpc, name="alice", password="!").changed
        assert text(rpc, "/etc/shadow") == "alice:!:19675::::::\n"

    def test_a_lock_stays_without_a_password_behind_it(self) -> None:
        rpc = guest()
        rpc.add_file("/etc/shadow", b"alice:!!:1::::::\n")
        warnings: list[str] = []
        assert not run(rpc, name="alice", password_lock=False, warnings=warnings).changed
        assert "stays locked" in warnings[0]

    def test_only_new_users_get_the_password(self) -> None:
        rpc = guest()
        assert not run(rpc, name="alice", password=OTHER, update_password="on_create").changed
        run(rpc, password=OTHER, update_password="on_create")
        assert OTHER in text(rpc, "/etc/shadow")

    def test_a_password_moves_to_shadow(self) -> None:
        rpc = guest()
        rpc.add_file("/etc/passwd", PASSWD + f"joe:{HASH}:5:5::/:/bin/sh\n".encode())
        run(rpc, expires=86400.0)
        assert text(rpc, "/etc/passwd").endswith("\njoe:x:5:5::/:/bin/sh\n")
        assert text(rpc, "/etc/shadow").endswith(f"\njoe:{HASH}:19675::::::\n".replace("::::::\n", ":::::1:\n"))


class TestOptions:
    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"generate_ssh_key": True}, "authorized_key"),
            ({"seuser": "user_u"}, "semanage"),
            ({"hidden": True}, "macOS"),
            ({"login_class": "x"}, "BSD"),
            ({"role": "x"}, "Solaris"),
            ({"umask": "27"}, "begin with a zero"),
            ({"umask": "0999"}, "octal"),
            ({"umask": "027", "local": True}, "with local"),
            ({"skeleton": "/x", "create_home": False}, "create_home"),
            ({"uid": -1}, "from 0 to"),
            ({"uid": 2**32 - 1}, "from 0 to"),
            ({"comment": "a:b"}, "colon"),
            ({"comment": "a\nb"}, "line break"),
            ({"home": "relative"}, "home: .*not absolute"),
            ({"home": "/a/../b"}, "home: "),
            ({"home": "/a:b"}, "colon"),
            ({"shell": "bash"}, "absolute"),
            ({"expires": float("nan")}, "seconds"),
            ({"expires": 1e300}, "seconds"),
            ({"password_expire_max": -2}, "or -1"),
            ({"name": ""}, "cannot be the name"),
            ({"name": "a b"}, "cannot be the name"),
            ({"name": "a/b"}, "cannot be the name"),
            ({"name": ".."}, "cannot be the name"),
            ({"name": "-x"}, "cannot be the name"),
            ({"name": "a\x1bb"}, "cannot be shown"),
            ({"name": "1234"}, "is a number"),
            ({"name": "x" * 33}, "at most 32"),
        ],
    )
    def test_refused(self, options: dict[str, t.Any], message: str) -> None:
        rpc = guest()
        with pytest.raises(OptionError, match=message):
            run(rpc, **options)
        assert rpc.writes == []

    def test_a_user_with_an_odd_name_can_be_removed(self) -> None:
        rpc = guest()
        rpc.add_file("/etc/passwd", PASSWD + b"1234:x:7:7::/:/bin/sh\n")
        assert run(rpc, name="1234", state="absent").changed
        assert text(rpc, "/etc/passwd") == PASSWD.decode()

    def test_append_without_groups_is_a_warning_as_in_the_twin(self) -> None:
        warnings: list[str] = []
        assert not run(guest(), name="alice", append=True, warnings=warnings).changed
        assert "without groups" in warnings[0]

    def test_local_changes_nothing(self) -> None:
        rpc, other = guest(), guest()
        run(rpc, local=True)
        run(other)
        assert rpc.snapshot() == other.snapshot()

    def test_a_day_is_a_day_of_utc(self) -> None:
        for seconds, expected in ((-0.5, ""), (0.0, "0"), (86399.9, "0"), (86400.0, "1"), (253402300799.0, "2932896")):
            rpc = guest()
            run(rpc, expires=seconds)
            assert text(rpc, "/etc/shadow").split("\n")[3].split(":")[7] == expected

    def test_expiry_counts_for_a_new_user_of_the_system(self) -> None:
        rpc = guest()
        options: dict[str, t.Any] = {"system": True, "expires": 86400.0, "password_expire_account_disable": 3}
        run(rpc, **options)
        assert text(rpc, "/etc/shadow").endswith("joe:!:19675::::3:1:\n")
        assert not run(rpc, **options).changed

    def test_a_home_with_slashes_is_the_same_home(self) -> None:
        rpc = guest()
        assert not run(rpc, name="alice", home="//home/alice/").changed

    @pytest.mark.parametrize(
        ("shell", "warned"), [("/bin/sh", False), ("/bin/none", True), ("/home", True), ("", False)]
    )
    def test_a_missing_shell_is_a_warning(self, shell: str, warned: bool) -> None:
        warnings: list[str] = []
        assert run(guest(), shell=shell, warnings=warnings).result["shell"] == shell
        assert bool(warnings) is warned

    def test_groups_only_with_gid(self) -> None:
        for options in ({"local": True, "force": True}, {"local": True, "gid_min": 5}, {"gid": -1}, {"name": "a b"}):
            with pytest.raises(OptionError):
                run(guest(), module="group", **options)


class TestHome:
    def test_a_missing_home_is_made_for_a_user_who_is_there(self) -> None:
        rpc = guest()
        rpc.nodes = {path: node for path, node in rpc.nodes.items() if not path.startswith("/home")}
        assert run(rpc, name="alice").changed
        assert rpc.nodes["/home/alice/.profile"].uid == 1000 and rpc.nodes["/home"].uid == 0
        assert not run(rpc, name="alice").changed

    def test_a_home_that_is_no_path(self) -> None:
        rpc = guest()
        rpc.add_file("/etc/passwd", b"alice:x:1000:1000::relative:/bin/sh\n")
        with pytest.raises(OptionError, match="not absolute"):
            run(rpc, name="alice")
        assert not run(rpc, name="alice", create_home=False).changed

    def test_a_home_is_not_moved_onto_another_or_into_itself(self) -> None:
        rpc = guest()
        rpc.add_dir("/srv/there")
        warnings: list[str] = []
        run(rpc, name="alice", home="/srv/there", move_home=True, warnings=warnings)
        assert "is in the guest already" in warnings[0] and "/home/alice/f" in rpc.nodes
        with pytest.raises(GuestError, match="into itself"):
            run(guest(), name="alice", home="/home/alice/sub", move_home=True)

    @pytest.mark.parametrize("name", ["bin", "root"])
    def test_a_home_of_the_system_is_never_moved_or_removed(self, name: str) -> None:
        rpc = guest()
        rpc.add_dir("/root")
        with pytest.raises(GuestError, match="not moved"):
            run(rpc, name=name, home="/srv/x", move_home=True)
        with pytest.raises(GuestError, match="system's own"):
            run(rpc, name=name, state="absent", remove=True, force=True)
        assert rpc.writes == []

    def test_a_home_that_leads_to_the_system_is_not_removed(self) -> None:
        rpc = guest()
        rpc.add_file("/etc/passwd", PASSWD.replace(b"/home/alice", b"/home/link"))
        rpc.add_link("/home/link", "../etc")
        with pytest.raises(GuestError, match="system's own"):
            run(rpc, name="alice", state="absent", remove=True, force=True)

    def test_a_home_of_another_is_not_removed(self) -> None:
        rpc = guest()
        rpc.nodes["/home/alice"].uid = 7
        with pytest.raises(GuestError, match="not the user's own"):
            run(rpc, name="alice", state="absent", remove=True)
        rpc.nodes["/home/alice"].uid = 1000
        rpc.add_file("/etc/passwd", PASSWD + b"joe:x:7:7::/home/alice/joe:/bin/sh\n")
        with pytest.raises(GuestError, match="another user is in it"):
            run(rpc, name="alice", state="absent", remove=True)
        assert rpc.writes == []
        run(rpc, name="alice", state="absent", remove=True, force=True)
        assert "/home/alice" not in rpc.nodes

    def test_a_link_to_a_home_goes_and_what_it_leads_to_stays(self) -> None:
        rpc = guest()
        rpc.add_file("/etc/passwd", PASSWD.replace(b"/home/alice", b"/home/link"))
        rpc.add_link("/home/link", "alice")
        run(rpc, name="alice", state="absent", remove=True)
        assert "/home/link" not in rpc.nodes and "/home/alice/f" in rpc.nodes

    def test_a_move_to_another_file_system_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        rpc = guest()
        original = rpc._call_rename

        def rename(old: str, new: str) -> None:
            if old == "/home/alice":
                raise CallError("rename", "Invalid cross-device link", 18)
            original(old, new)

        monkeypatch.setattr(rpc, "_call_rename", rename)
        with pytest.raises(GuestError, match="another file system"):
            run(rpc, name="alice", home="/srv/a", move_home=True)

    def test_what_stays_behind_of_a_skeleton(self) -> None:
        rpc = guest()
        rpc.add_special("/etc/skel/fifo", stat.S_IFIFO)
        rpc.add_special("/etc/skel/sda", stat.S_IFBLK)
        rpc.add_link("/etc/skel/out", "/etc/shadow")
        rpc.add_link("/etc/skel/in", "/etc/skel/.profile")
        rpc.add_link("/etc/skel/near", "/etc/skeleton")
        run(rpc)
        links = {path: node.target for path, node in rpc.nodes.items() if path.startswith("/home/joe/") and node.target}
        assert links == {
            "/home/joe/out": "/etc/shadow",
            "/home/joe/in": "/home/joe/.profile",
            "/home/joe/near": "/etc/skeleton",
        }
        assert {path for path in rpc.nodes if path.startswith("/home/joe/")} == {*links, "/home/joe/.profile"}
        assert rpc.nodes["/home/joe/out"].uid == 1001

    def test_a_skeleton_that_is_too_large(self) -> None:
        rpc = guest()
        rpc.add_file("/etc/skel/huge", b"", size=2**40)
        with pytest.raises(GuestError, match="more than the"):
            run(rpc)
        assert rpc.writes == []

    def test_a_skeleton_that_is_too_deep(self) -> None:
        rpc = guest()
        rpc.add_dir("/etc/skel" + "/d" * 102)
        with pytest.raises(GuestError, match="100 levels"):
            run(rpc)

    def test_skeletons_that_are_none(self) -> None:
        rpc = guest()
        run(rpc, skeleton="/dev/null")
        assert [path for path in rpc.nodes if path.startswith("/home/joe")] == ["/home/joe"]
        with pytest.raises(GuestError, match="no skeleton '/none'"):
            run(guest(), skeleton="/none")

    def test_a_file_above_the_home(self) -> None:
        with pytest.raises(GuestError, match="no directory"):
            run(guest(), home="/etc/passwd/joe")

    def test_other_files_in_a_home_keep_their_owner(self) -> None:
        rpc = guest()
        rpc.add_file("/home/alice/theirs", b"", uid=7, gid=1000)
        run(rpc, name="alice", uid=3_000_000_000)
        assert (rpc.nodes["/home/alice/theirs"].uid, rpc.nodes["/home/alice/f"].uid) == (7, 3_000_000_000)

    def test_a_system_directory_does_not_change_hands(self) -> None:
        rpc = guest()
        run(rpc, name="bin", uid=1200)
        assert {node.uid for path, node in rpc.nodes.items() if path.startswith("/bin")} == {0}


class TestHostile:
    @pytest.mark.parametrize("name", ["passwd", "shadow", "group", "gshadow", "subuid", "subgid"])
    @pytest.mark.parametrize("kind", [stat.S_IFIFO, stat.S_IFCHR])
    def test_special_files(self, name: str, kind: int) -> None:
        rpc = guest()
        rpc.add_special(f"/etc/{name}", kind)
        with pytest.raises(GuestError, match="not a regular file"):
            run(rpc)
        assert rpc.writes == []

    @pytest.mark.parametrize("name", ["passwd", "shadow", "group", "gshadow", "subuid", "subgid"])
    def test_a_file_that_is_too_large(self, name: str) -> None:
        rpc = guest()
        rpc.add_file(f"/etc/{name}", b"", size=100 * 1024 * 1024)
        with pytest.raises(GuestError, match=f"has 104857600 bytes, more than the {MAX_SIZE} allowed"):
            run(rpc)
        assert "pread" not in [entry[0] for entry in rpc.log if entry[1] == f"/etc/{name}"]

    @pytest.mark.parametrize("path", ["/etc/login.defs", "/etc/default/useradd", "/etc/login.defs.d/a.defs"])
    def test_settings_that_are_too_large_or_no_files(self, path: str) -> None:
        rpc = guest()
        rpc.add_file(path, b"", size=2**40)
        with pytest.raises(GuestError, match="more than"):
            run(rpc)
        rpc.add_special(path, stat.S_IFIFO)
        with pytest.raises(GuestError, match="not a regular file"):
            run(rpc)

    @pytest.mark.parametrize("name", ["passwd", "group"])
    def test_a_guest_without_accounts(self, name: str) -> None:
        rpc = guest()
        del rpc.nodes[f"/etc/{name}"]
        with pytest.raises(GuestError, match=f"no /etc/{name}"):
            run(rpc)

    def test_a_line_as_long_as_the_file(self) -> None:
        rpc = guest()
        long = b"x" * (MAX_SIZE - len(PASSWD))
        rpc.add_file("/etc/passwd", PASSWD + long)
        run(rpc, create_home=False)
        assert rpc.nodes["/etc/passwd"].content == PASSWD + long + b"\njoe:x:1001:1001::/home/joe:/bin/sh"

    def test_a_million_lines(self) -> None:
        rpc = guest()
        rpc.add_file("/etc/group", GROUP + b"\n" * 1_000_000 + b"a:x:5:joe\n")
        run(rpc, create_home=False)
        assert run(rpc, create_home=False, groups=[]).changed
        assert rpc.nodes["/etc/group"].content == GROUP + b"\n" * 1_000_000 + b"a:x:5:\njoe:x:1001:\n"

    def test_odd_bytes_survive(self) -> None:
        odd = b"\xff\xfe:x:5:5::/:\n\0\nroot\0:x:1:1::/:/\n+::::::\nbig:x:4294967296:0::/:\n\r\n"
        odd += b"last:x:1003:1:\xff:/:/bin/sh"
        rpc = guest()
        rpc.add_file("/etc/passwd", PASSWD + odd)
        run(rpc, create_home=False)
        new = b"joe:x:1004:1004::/home/joe:/bin/sh\n"
        assert rpc.nodes["/etc/passwd"].content == PASSWD + odd.replace(b"+", new + b"+", 1)
        run(rpc, state="absent")
        assert rpc.nodes["/etc/passwd"].content == PASSWD + odd

    def test_lines_that_end_in_crlf(self) -> None:
        rpc = guest()
        rpc.add_file("/etc/passwd", PASSWD.replace(b"\n", b"\r\n"))
        outcome = run(rpc, name="alice", comment="new")
        assert outcome.result["shell"] == "/bin/sh"
        assert rpc.nodes["/etc/passwd"].content == PASSWD.replace(b"1000::", b"1000:new:").replace(b"\n", b"\r\n")

    def test_a_link_is_followed_inside_the_guest_and_stays(self) -> None:
        rpc = guest()
        rpc.add_link("/etc/passwd", "../../../usr/etc/passwd")
        rpc.add_file("/usr/etc/passwd", PASSWD)
        run(rpc, create_home=False)
        assert rpc.nodes["/etc/passwd"].target and b"joe" in rpc.nodes["/usr/etc/passwd"].content

    def test_text_of_the_guest_is_harmless(self) -> None:
        rpc = guest()
        rpc.add_file("/etc/passwd", b"alice:x:1000:1000:\x1b[31m{{ evil }}:/home/alice:/bin/sh\n")
        outcome = run(rpc, name="alice", comment="new", create_home=False)
        said = repr((outcome.result, outcome.diff))
        assert "\\\\x1b[31m{\\\\x7b evil" in said

    def test_a_damaged_line_of_the_user(self) -> None:
        rpc = guest()
        rpc.add_file("/etc/passwd", PASSWD + b"joe:x:one:1::/:\n")
        with pytest.raises(GuestError, match="line of 'joe' in the guest's /etc/passwd is damaged"):
            run(rpc)
        assert rpc.writes == []


class TestLocks:
    @pytest.mark.parametrize("content", [b"1234", b"1234\0", b"1\n"])
    def test_a_lock_with_a_number_is_nobodys(self, content: bytes) -> None:
        rpc = guest()
        rpc.add_file("/etc/shadow.lock", content)
        warnings: list[str] = []
        run(rpc, create_home=False, warnings=warnings)
        assert warnings == [
            "/etc/shadow.lock in the guest was left by a tool that died there; /etc/shadow is written all the same."
        ]
        assert rpc.nodes["/etc/shadow.lock"].content == content

    @pytest.mark.parametrize("content", [b"", b"x", b"\0", b"1" * 11, b"1 2", b"1" * 65])
    def test_a_lock_without_one_is_refused(self, content: bytes) -> None:
        rpc = guest()
        rpc.add_file("/etc/group.lock", content)
        with pytest.raises(GuestError, match=r"/etc/group\.lock is there, without the number"):
            run(rpc, module="group")
        assert rpc.writes == []

    def test_a_lock_that_is_no_file_is_refused(self) -> None:
        rpc = guest()
        rpc.add_special("/etc/passwd.lock", stat.S_IFIFO)
        with pytest.raises(GuestError, match="is locked"):
            run(rpc)

    def test_a_lock_of_what_is_not_written_does_not_matter(self) -> None:
        rpc = guest()
        rpc.add_file("/etc/passwd.lock", b"")
        rpc.add_file("/etc/.pwd.lock", b"")
        assert run(rpc, module="group", name="crew").changed
        assert not run(rpc, name="alice").changed


class TestDefaults:
    @pytest.mark.parametrize("line", ["HOME=/a:b", "SHELL=/bin/a:b"])
    def test_defaults_that_would_break_a_line(self, line: str) -> None:
        rpc = guest()
        rpc.add_file("/etc/default/useradd", line.encode())
        with pytest.raises(GuestError, match="cannot be written to /etc/passwd"):
            run(rpc, create_home=False)
        assert rpc.writes == []

    @pytest.mark.parametrize("path", ["relative", "/a/../b", "", "x" * 5000])
    def test_defaults_that_are_no_paths(self, path: str) -> None:
        rpc = guest()
        rpc.add_file("/etc/default/useradd", f"SKEL={path}\r\nCREATE_MAIL_SPOOL=yes\r\nSHELL=/bin/sh\r\n".encode())
        rpc.add_file("/etc/login.defs", DEFS + f"MAIL_DIR {path}\n".encode())
        outcome = run(rpc)
        assert outcome.result["shell"] == "/bin/sh" and "/home/joe" in rpc.nodes
        run(rpc, uid=1300)
        run(rpc, state="absent", remove=True)
        assert "/home/joe" not in rpc.nodes

    def test_a_guest_of_busybox(self) -> None:
        rpc = guest()
        for path in ("/etc/login.defs", "/etc/gshadow"):
            del rpc.nodes[path]
        run(rpc)
        assert text(rpc, "/etc/passwd").endswith("joe:x:1001:1001::/home/joe:/bin/sh\n")
        assert text(rpc, "/etc/group").endswith("joe:!:1001:\n")
        run(rpc, state="absent")
        assert text(rpc, "/etc/group") == GROUP.decode()

    def test_the_usual_shell_where_there_is_one(self) -> None:
        rpc = guest()
        rpc.add_file("/bin/bash", b"", 0o755)
        assert run(rpc).result["shell"] == "/bin/bash"

    def test_settings_of_the_vendor_and_drop_ins(self) -> None:
        rpc = guest()
        rpc.nodes["/usr/etc/login.defs"] = rpc.nodes.pop("/etc/login.defs")
        rpc.add_file("/usr/etc/login.defs", b"UID_MIN 2000\nGID_MIN 2500\n")
        rpc.add_file("/etc/login.defs.d/70-uid.defs", b"UID_MIN 3000\n")
        rpc.add_file("/etc/login.defs.d/80-uid.txt", b"UID_MIN 4000\n")
        assert run(rpc, create_home=False).result["uid"] == 3000

    def test_no_mail_spool_without_its_folder(self) -> None:
        rpc = guest()
        rpc.add_file("/etc/default/useradd", b"CREATE_MAIL_SPOOL=yes\n")
        run(rpc)
        assert not any(path.startswith("/var") for path in rpc.nodes)

    def test_a_program_that_would_be_run_is_warned_of(self) -> None:
        rpc = guest()
        rpc.add_file("/etc/login.defs", DEFS + b"USERDEL_CMD /usr/sbin/userdel_local\n")
        warnings: list[str] = []
        run(rpc, name="alice", state="absent", warnings=warnings)
        assert "USERDEL_CMD" in warnings[0]

    @pytest.mark.parametrize("moment", ["", "yesterday"])
    def test_today(self, moment: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SOURCE_DATE_EPOCH", moment)
        rpc = guest()
        run(rpc)
        assert int(text(rpc, "/etc/shadow").split("\n")[3].split(":")[2]) > 20000

    def test_the_first_day_of_all_is_no_day(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SOURCE_DATE_EPOCH", "0")
        rpc = guest()
        run(rpc)
        assert text(rpc, "/etc/shadow").split("\n")[3].split(":")[2] == ""
