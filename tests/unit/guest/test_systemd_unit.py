# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The handler of the module systemd_unit, on a guest in memory. Its links are compared with systemctl's elsewhere."""

from __future__ import annotations

import stat
import typing as t

import pytest
from ansible_collections.offline.guest.plugins.module_utils._appliance._calls import Calls
from ansible_collections.offline.guest.plugins.module_utils._errors import GuestError, OfflineGuestError, OptionError
from ansible_collections.offline.guest.plugins.module_utils._guest._files import GuestFiles
from ansible_collections.offline.guest.plugins.module_utils._guest._guest import Guest
from ansible_collections.offline.guest.plugins.module_utils._guest._system import OperatingSystem
from ansible_collections.offline.guest.plugins.module_utils._guest._systemd_unit import handle
from ansible_collections.offline.guest.plugins.module_utils._guest._task import Outcome, Task
from ansible_collections.offline.guest.tests.unit.guest.fake_rpc import FakeRpc
from hypothesis import given
from hypothesis import strategies as st

DEFAULTS: dict[str, t.Any] = {
    "name": "a",
    "enabled": None,
    "preset": False,
    "masked": None,
    "content": None,
    "dropin": None,
    "state": None,
    "force": False,
    "scope": "system",
    "daemon_reload": False,
    "daemon_reexec": False,
    "no_block": False,
}
RESULT_KEYS = {"name", "enabled", "masked", "path", "status", "msg"}
VENDOR = "/usr/lib/systemd/system"
CONFIG = "/etc/systemd/system"
WANTED = b"[Service]\nExecStart=/x\n[Install]\nWantedBy=multi-user.target\n"
WANTS = f"{CONFIG}/multi-user.target.wants/a.service"


def guest() -> FakeRpc:
    rpc = FakeRpc()
    rpc.add_link("/usr/sbin/init", "../lib/systemd/systemd")
    rpc.add_link("/sbin", "usr/sbin")
    rpc.add_link("/lib", "usr/lib")
    rpc.add_file(f"{VENDOR}/a.service", WANTED)
    rpc.add_file(f"{VENDOR}/multi-user.target", b"[Unit]\n")
    rpc.add_dir(CONFIG)
    return rpc


def run(
    rpc: FakeRpc, *, check: bool = False, warnings: list[str] | None = None, init: str = "systemd", **params: t.Any
) -> Outcome:
    calls = Calls(rpc)
    system = OperatingSystem("/dev/sda1", "linux", init_system=init)
    warn = (warnings if warnings is not None else []).append
    task = Task({**DEFAULTS, **params}, Guest(calls, GuestFiles(calls), (system,)), check, warn)
    outcome = handle(task)
    assert set(outcome.result) == RESULT_KEYS
    assert outcome.changed == bool(outcome.diff)
    return outcome


def test_enable() -> None:
    rpc = guest()
    warnings: list[str] = []
    outcome = run(rpc, enabled=True, warnings=warnings)
    assert rpc.nodes[WANTS].target == f"{VENDOR}/a.service"
    assert warnings == []
    assert outcome.result == {
        "name": "a",
        "enabled": True,
        "masked": False,
        "path": None,
        "status": {
            "Id": "a.service",
            "LoadState": "loaded",
            "UnitFileState": "enabled",
            "FragmentPath": f"{VENDOR}/a.service",
            "DropInPaths": "",
        },
        "msg": "The unit a.service is enabled in the guest.",
    }
    assert isinstance(outcome.diff, list)
    assert outcome.diff[-1]["after"]["src"] == f"{VENDOR}/a.service"
    assert not run(rpc, enabled=True).changed


@pytest.mark.parametrize(
    "params",
    [
        {"enabled": True},
        {"masked": True},
        {"name": "b", "content": WANTED.decode(), "enabled": True},
        {"dropin": "x.conf", "content": "[Install]\nWantedBy=x.target\n", "enabled": True},
        {"preset": True},
        {"name": "gone", "state": "absent", "enabled": False},
        {"masked": True, "enabled": False, "name": "gone"},
    ],
)
def test_check_says_what_run_does_and_the_second_run_does_nothing(params: dict[str, t.Any]) -> None:
    rpc = guest()
    rpc.add_file("/run/systemd/system/gone.service", WANTED)
    rpc.add_file(f"{CONFIG}/gone.service.d/1.conf", b"[Unit]\n")
    rpc.add_link(f"{CONFIG}/x.target.wants/gone.service", "../gone.service")
    before = rpc.snapshot()
    checked = run(rpc, check=True, **params)
    assert rpc.snapshot() == before
    done = run(rpc, **params)
    assert checked == done
    assert done.changed
    after = rpc.snapshot()
    again = run(rpc, **params)
    assert not again.changed
    assert again.result == done.result
    assert rpc.snapshot() == after


def test_a_unit_is_written_enabled_disabled_and_removed() -> None:
    rpc = guest()
    before = rpc.snapshot()
    done = run(rpc, name="b", content="[Install]\nAlias=c.service\nWantedBy=multi-user.target\n", enabled=True)
    assert done.result["path"] == f"{CONFIG}/b.service"
    node = rpc.nodes[f"{CONFIG}/b.service"]
    assert (stat.S_IMODE(node.mode), node.uid, node.gid) == (0o644, 0, 0)
    assert rpc.nodes[f"{CONFIG}/c.service"].target == f"{CONFIG}/b.service"
    gone = run(rpc, name="b", state="absent", enabled=False)
    assert gone.result["status"]["LoadState"] == "not-found"
    assert rpc.snapshot() == before


def test_a_dropin_counts_at_once_and_goes_with_its_folder() -> None:
    rpc = guest()
    done = run(rpc, dropin="x.conf", content="[Install]\nWantedBy=\nWantedBy=other.target\n", enabled=True)
    assert f"{CONFIG}/other.target.wants/a.service" in rpc.nodes
    assert done.result["status"]["DropInPaths"] == f"{CONFIG}/a.service.d/x.conf"
    run(rpc, dropin="x.conf", state="absent")
    assert f"{CONFIG}/a.service.d" not in rpc.nodes


def test_a_vendor_unit_counts_again_when_the_administrators_goes() -> None:
    rpc = guest()
    rpc.add_file(f"{CONFIG}/a.service", b"[Install]\nWantedBy=own.target\n")
    rpc.add_link(f"{CONFIG}/own.target.wants/a.service", f"{CONFIG}/a.service")
    run(rpc, state="absent", enabled=True)
    assert rpc.nodes[WANTS].target == f"{VENDOR}/a.service"


def test_upheld_by_gets_a_folder_of_its_own() -> None:
    rpc = guest()
    rpc.add_file(f"{VENDOR}/b.service", b"[Install]\nUpheldBy=multi-user.target\n")
    assert run(rpc, name="b", enabled=True).result["status"]["UnitFileState"] == "enabled"
    assert rpc.nodes[f"{CONFIG}/multi-user.target.upholds/b.service"].target == f"{VENDOR}/b.service"
    assert not run(rpc, name="b", enabled=True).changed


def test_labels() -> None:
    rpc = guest()
    rpc.add_file("/etc/selinux/config", b"SELINUX=enforcing\nSELINUXTYPE=targeted\n")
    rpc.add_file("/etc/selinux/targeted/contexts/files/file_contexts", b"/etc/systemd/.* u:r:unit_t:s0\n")
    run(rpc, name="b", content=WANTED.decode(), enabled=True)
    for path in (f"{CONFIG}/b.service", f"{CONFIG}/multi-user.target.wants", WANTS.replace("a.service", "b.service")):
        assert rpc.nodes[path].xattrs["security.selinux"].startswith(b"u:r:unit_t:s0"), path


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"state": "started", "enabled": True}, "firstboot"),
        ({"state": "restarted"}, "firstboot"),
        ({"daemon_reload": True}, "daemon_reload: .*firstboot"),
        ({"daemon_reexec": True, "enabled": True}, "daemon_reexec"),
        ({"no_block": True, "enabled": True}, "no_block"),
        ({"scope": "user", "enabled": True}, "scope: global"),
        ({}, "Nothing is asked for"),
        ({"preset": True, "enabled": False}, "exclude"),
        ({"masked": True, "enabled": True}, "masked and enabled"),
        ({"masked": True, "preset": True}, "masked and enabled or preset"),
        ({"masked": True, "content": "x"}, "file of its own"),
        ({"content": ""}, "would mask"),
        ({"content": "x", "state": "absent"}, "exclude"),
        ({"state": "present"}, "needs content"),
        ({"dropin": "x.conf", "enabled": True}, "dropin needs content"),
        ({"dropin": "x", "content": "y"}, "not the name of a drop-in"),
        ({"dropin": "../x.conf", "content": "y"}, "not the name of a drop-in"),
        ({"dropin": ".x.conf", "content": "y"}, "not the name of a drop-in"),
        ({"name": "a*", "enabled": True}, "pattern"),
    ],
)
def test_what_cannot_be_meant_is_refused(params: dict[str, t.Any], message: str) -> None:
    rpc = guest()
    with pytest.raises(OptionError, match=message):
        run(rpc, **params)
    assert rpc.writes == []


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"name": "missing", "enabled": True}, "no unit missing.service"),
        ({"name": "missing", "enabled": False}, "no unit missing.service"),
        ({"name": "legacy", "enabled": True}, "offline.guest.service"),
        ({"name": "legacy", "enabled": False}, "offline.guest.service"),
        ({"name": "masked", "enabled": True}, "masked: false"),
        ({"name": "masked", "content": "[Unit]\n"}, "masked: false"),
        ({"name": "aliased", "content": "[Unit]\n"}, "force: true"),
        ({"name": "aliased", "enabled": True}, "is a link to .*/a.service"),
        ({"name": "own", "masked": True}, "there already"),
        ({"name": "t@", "enabled": True}, "Name an instance"),
        ({"name": "boot", "enabled": True}, "%b .*firstboot"),
        ({"name": "folder", "enabled": True}, "not a file"),
    ],
)
def test_what_the_guest_does_not_allow_is_refused(params: dict[str, t.Any], message: str) -> None:
    rpc = guest()
    rpc.add_file("/etc/init.d/legacy", b"#!/bin/sh\n")
    rpc.add_link(f"{CONFIG}/masked.service", "/dev/null")
    rpc.add_link(f"{CONFIG}/aliased.service", f"{VENDOR}/a.service")
    rpc.add_file(f"{CONFIG}/own.service", WANTED)
    rpc.add_file(f"{VENDOR}/t@.service", WANTED)
    rpc.add_file(f"{VENDOR}/boot.service", b"[Install]\nWantedBy=x@%b.target\n")
    rpc.add_dir(f"{VENDOR}/folder.service")
    with pytest.raises(GuestError, match=message):
        run(rpc, **params)
    assert rpc.writes == []


def test_a_masked_unit_is_unmasked_written_and_enabled_in_one_task() -> None:
    rpc = guest()
    rpc.add_link(f"{CONFIG}/a.service", "/dev/null")
    run(rpc, masked=False, content=WANTED.decode(), enabled=True)
    assert rpc.nodes[f"{CONFIG}/a.service"].content == WANTED
    assert rpc.nodes[WANTS].target == f"{CONFIG}/a.service"


def test_force_replaces_a_link() -> None:
    rpc = guest()
    rpc.add_link(f"{CONFIG}/b.service", f"{VENDOR}/a.service")
    run(rpc, name="b", content="[Unit]\n", force=True)
    assert rpc.nodes[f"{CONFIG}/b.service"].content == b"[Unit]\n"
    assert rpc.nodes[f"{VENDOR}/a.service"].content == WANTED


def test_a_unit_that_is_not_meant_to_be_enabled_is_no_failure() -> None:
    rpc = guest()
    warnings: list[str] = []
    outcome = run(rpc, name="multi-user.target", enabled=True, warnings=warnings)
    assert not outcome.changed
    assert outcome.result["status"]["UnitFileState"] == "static"
    assert "[Install]" in warnings[0]


def test_another_init_system_is_refused() -> None:
    with pytest.raises(GuestError, match="offline.guest.service"):
        run(guest(), enabled=True, init="openrc")


def test_units_of_all_users() -> None:
    rpc = guest()
    rpc.add_file("/usr/lib/systemd/user/b.service", WANTED)
    run(rpc, name="b", enabled=True, scope="global")
    link = "/etc/systemd/user/multi-user.target.wants/b.service"
    assert rpc.nodes[link].target == "/usr/lib/systemd/user/b.service"


@pytest.mark.parametrize("verb", [{"enabled": True}, {"enabled": False}, {"preset": True}, {"masked": True}])
@pytest.mark.parametrize("content", [b"", b"\0" * 5000, b"[Install]\nWantedBy=" + b"x.target " * 5000, b"\xff\xfe"])
def test_hostile_unit_files(content: bytes, verb: dict[str, t.Any]) -> None:
    rpc = guest()
    rpc.add_file(f"{VENDOR}/b.service", content)
    try:
        run(rpc, name="b", **verb)
    except OfflineGuestError:
        assert rpc.writes == []
    assert len(rpc.nodes) < 100


def test_hostile_links_do_not_stop_others_from_being_disabled() -> None:
    rpc = guest()
    rpc.add_link(WANTS, f"{VENDOR}/a.service")
    rpc.add_link(f"{CONFIG}/loop.service", "loop.service")
    rpc.add_link(f"{CONFIG}/long.service", "/x" * 2040 + "/../../y/" + "z" * 200)
    rpc.add_link(f"{CONFIG}/out.service", "../../../../../../../etc/passwd")
    rpc.add_special(f"{CONFIG}/fifo.service", stat.S_IFIFO)
    run(rpc, enabled=False)
    assert WANTS not in rpc.nodes
    assert f"{CONFIG}/loop.service" in rpc.nodes


def test_folders_without_end_are_refused() -> None:
    rpc = guest()
    rpc.add_link(WANTS, f"{VENDOR}/a.service")
    rpc.add_dir(CONFIG + "/d" * 70)
    with pytest.raises(GuestError, match="too many levels"):
        run(rpc, enabled=False)
    assert rpc.writes == []


@pytest.mark.parametrize("target", ["/d" * 1500, "/nowhere", "loop", "/usr/lib/systemd/system/a.service"])
def test_a_folder_that_is_a_link_to_no_folder(target: str) -> None:
    rpc = guest()
    rpc.add_link(f"{CONFIG}/loop", "loop")
    rpc.add_link(f"{CONFIG}/multi-user.target.wants", target)
    with pytest.raises(GuestError):
        run(rpc, enabled=True)
    assert rpc.writes == []


def test_a_folder_that_is_a_link_to_a_folder() -> None:
    rpc = guest()
    rpc.add_dir("/srv/wants")
    rpc.add_link(f"{CONFIG}/multi-user.target.wants", "/srv/wants")
    assert run(rpc, enabled=True).changed
    assert rpc.nodes["/srv/wants/a.service"].target == f"{VENDOR}/a.service"
    assert not run(rpc, enabled=True).changed


def test_a_unit_that_is_too_large_is_refused() -> None:
    rpc = guest()
    rpc.add_file(f"{VENDOR}/b.service", b"x", size=2**40)
    with pytest.raises(GuestError, match="more than"):
        run(rpc, name="b", enabled=True)


ALIASES = st.text(alphabet="ab./@ %-\\'\"\x07", max_size=30)


@given(
    st.lists(
        st.tuples(st.sampled_from(["Alias", "WantedBy", "Also", "RequiredBy", "DefaultInstance"]), ALIASES), max_size=4
    )
)
def test_no_install_section_makes_anything_outside_of_the_configuration(lines: list[tuple[str, str]]) -> None:
    rpc = guest()
    rpc.add_file(f"{VENDOR}/b@.service", ("[Install]\n" + "\n".join("=".join(line) for line in lines)).encode())
    before = set(rpc.nodes)
    try:
        run(rpc, name="b@x", enabled=True)
    except OfflineGuestError:
        assert rpc.writes == []
    made = set(rpc.nodes) - before
    assert all(path.startswith(f"{CONFIG}/") and path.count("/") <= 5 for path in made)
