# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Firstboot scripts in guests of every family: what is written, that a second task changes nothing, hostile guests."""

from __future__ import annotations

import dataclasses
import stat
import typing as t
from pathlib import Path

import pytest
from ansible_collections.offline.guest.plugins.module_utils._appliance._calls import Calls
from ansible_collections.offline.guest.plugins.module_utils._errors import GuestError, HostError, OptionError
from ansible_collections.offline.guest.plugins.module_utils._guest import _firstboot, _firstboot_report
from ansible_collections.offline.guest.plugins.module_utils._guest._files import GuestFiles
from ansible_collections.offline.guest.plugins.module_utils._guest._guest import Guest
from ansible_collections.offline.guest.plugins.module_utils._guest._system import OperatingSystem
from ansible_collections.offline.guest.plugins.module_utils._guest._task import Outcome, Task
from ansible_collections.offline.guest.tests.unit.guest.fake_rpc import FakeRpc

BASE = "/var/lib/offline-guest/firstboot"
WANTS = "/etc/systemd/system/multi-user.target.wants/offline-guest-firstboot.service"
UNIT = "/etc/systemd/system/offline-guest-firstboot.service"
PRESET = "/etc/systemd/system-preset/00-offline-guest-firstboot.preset"
INIT_D = "/etc/init.d/offline-guest-firstboot"
RUNLEVEL = "/etc/runlevels/default/offline-guest-firstboot"

DEFAULTS: dict[str, t.Any] = {
    "name": "10-a",
    "state": "present",
    "timeout": 3600,
    "on_failure": "continue",
    "retries": 0,
    "retry_delay": 5,
    "reboot": False,
    "user": "root",
}


@dataclasses.dataclass
class Machine:
    """A guest in memory."""

    rpc: FakeRpc
    system: OperatingSystem
    warnings: list[str] = dataclasses.field(default_factory=list)

    def run(self, *, check: bool = False, **params: t.Any) -> Outcome:
        return _firstboot.handle(self._task({**DEFAULTS, **params}, check=check))

    def present(self, name: str = "10-a", content: str = "true\n", **params: t.Any) -> Outcome:
        source: dict[str, t.Any] = {} if {"commands", "packages", "src"} & set(params) else {"content": content}
        return self.run(name=name, **source, **params)

    def absent(self, name: str = "10-a") -> Outcome:
        return self.run(name=name, state="absent")

    def info(self, **params: t.Any) -> t.Mapping[str, t.Any]:
        return _firstboot_report.handle(self._task({"name": None, "max_log": 65536, **params})).result

    def record(self, name: str, text: str = "state=done\nexit_status=0\nattempts=1\n", log: bytes = b"") -> None:
        """What the runner leaves."""
        self.rpc.add_file(f"{BASE}/results/{name}/record", text.encode(), 0o600)
        self.rpc.add_file(f"{BASE}/results/{name}/log", log, 0o600)

    def runner_ended(self) -> None:
        """What the runner removes when nothing is left to run."""
        for path in (WANTS, PRESET, RUNLEVEL, f"{BASE}/pending"):
            self.rpc.nodes.pop(path, None)

    def text(self, path: str) -> str:
        return self.rpc.nodes[path].content.decode()

    def mode(self, path: str) -> int:
        return stat.S_IMODE(self.rpc.nodes[path].mode)

    def _task(self, params: t.Mapping[str, t.Any], *, check: bool = False) -> Task:
        calls = Calls(self.rpc)
        return Task(params, Guest(calls, GuestFiles(calls), (self.system,)), check, self.warnings.append)


def linux(init: str, package_management: str | None, *folders: str, **links: str) -> Machine:
    rpc = FakeRpc()
    for folder in ("/etc", "/var/lib", *folders):
        rpc.add_dir(folder)
    for path, target in links.items():
        rpc.add_link(path, target)
    system = OperatingSystem("/dev/sda1", "linux", init_system=init, package_management=package_management)
    return Machine(rpc, system)


def sysv_levels(parent: str) -> list[str]:
    return [f"{parent}/rc{level}.d" for level in range(7)]


def debian() -> Machine:
    """With /etc/init.d and runlevel folders beside systemd, as Debian has them to this day."""
    return linux("systemd", "apt", "/etc/systemd/system", "/etc/init.d", *sysv_levels("/etc"))


def rhel6() -> Machine:
    links = {"/etc/init.d": "rc.d/init.d", **{f"/etc/rc{level}.d": f"rc.d/rc{level}.d" for level in range(7)}}
    return linux("sysvinit", "yum", "/etc/rc.d/init.d", *sysv_levels("/etc/rc.d"), **links)


FAMILIES: dict[str, t.Callable[[], Machine]] = {
    "debian": debian,
    "fedora": lambda: linux("systemd", "dnf", "/etc/systemd/system", "/etc/rc.d/init.d"),
    "suse": lambda: linux("systemd", "zypper", "/etc/systemd/system", "/etc/init.d"),
    "arch": lambda: linux("systemd", "pacman", "/etc/systemd/system"),
    "ostree": lambda: linux("systemd", "dnf", "/etc/systemd/system", "/ostree"),
    "alpine": lambda: linux("openrc", "apk", "/etc/init.d", "/etc/runlevels/default"),
    "debian-sysv": lambda: linux("sysvinit", "apt", "/etc/init.d", *sysv_levels("/etc")),
    "suse-sysv": lambda: linux("sysvinit", "zypper", "/etc/init.d", *sysv_levels("/etc/init.d")),
    "rhel6": rhel6,
}

SYSTEMD = {UNIT, WANTS, PRESET}
STARTERS = {
    **dict.fromkeys(("debian", "fedora", "suse", "arch", "ostree"), SYSTEMD),
    "alpine": {INIT_D, RUNLEVEL},
    "debian-sysv": {INIT_D, *(f"/etc/rc{level}.d/S99offline-guest-firstboot" for level in (2, 3, 4, 5))},
    "suse-sysv": {INIT_D, *(f"/etc/init.d/rc{level}.d/S99offline-guest-firstboot" for level in (2, 3, 4, 5))},
    "rhel6": {
        "/etc/rc.d/init.d/offline-guest-firstboot",
        *(f"/etc/rc.d/rc{level}.d/S99offline-guest-firstboot" for level in (2, 3, 4, 5)),
    },
}


@pytest.fixture(params=sorted(FAMILIES))
def family(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def machine(family: str) -> Machine:
    return FAMILIES[family]()


def starters(machine: Machine) -> set[str]:
    """Everything outside our own folder that bears our name."""
    return {path for path in machine.rpc.nodes if path.rsplit("/", 1)[-1].count("offline-guest-firstboot")}


# Every family


def test_exactly_one_init_system_starts_the_runner(machine: Machine, family: str) -> None:
    outcome = machine.present()
    assert starters(machine) == STARTERS[family]
    assert outcome.result["enabled_by"] == machine.system.init_system
    targets = {node.target for path, node in machine.rpc.nodes.items() if path in starters(machine) and node.target}
    assert targets <= starters(machine)


def test_a_second_time_changes_nothing(machine: Machine) -> None:
    first = machine.present(packages=["vim"])
    before = machine.rpc.snapshot()
    machine.rpc.log.clear()
    second = machine.present(packages=["vim"])
    assert (first.changed, second.changed, second.diff) == (True, False, [])
    assert machine.rpc.writes == []
    assert machine.rpc.snapshot() == before
    assert first.result == second.result


@pytest.mark.parametrize("init", ["systemd", "openrc"])
def test_a_folder_on_the_way_may_be_a_link(init: str) -> None:
    machine = linux(init, None, "/srv/etc", **{"/etc": "../srv/etc"})
    assert machine.present().changed
    assert not machine.present().changed


def test_present_and_absent_leave_what_was_there(machine: Machine) -> None:
    folders = {"/etc/systemd/system", "/etc/systemd/system/multi-user.target.wants", "/etc/systemd/system-preset"}
    before = set(machine.rpc.nodes)
    machine.present("a")
    machine.present("b", wants_network=True)
    machine.record("a")
    machine.absent("a")
    machine.absent("b")
    assert set(machine.rpc.nodes) - folders == before - folders
    assert machine.absent("b").changed is False


def test_a_check_only_plans(machine: Machine) -> None:
    outcome = machine.run(content="true\n", check=True)
    assert outcome.changed is True
    assert machine.rpc.writes == []
    assert machine.run(content="true\n").diff == outcome.diff


def test_nothing_is_written_to_usr(machine: Machine) -> None:
    before = set(machine.rpc.nodes)
    machine.present(packages=["vim"])
    assert all(path.startswith(("/etc/", "/var/lib/offline-guest")) for path in set(machine.rpc.nodes) - before)


def test_packages_are_for_the_guests_own_manager(machine: Machine) -> None:
    manager = machine.system.package_management
    machine.present(packages=["vim", "g++"])
    program = machine.text(f"{BASE}/scripts/10-a/script")
    assert f"{'apt-get' if manager == 'apt' else manager} " in program
    assert program.rstrip().endswith("vim g++") or "vim g++\nstatus=$?" in program
    assert "wants_network=yes\n" in machine.text(f"{BASE}/scripts/10-a/options")


# Files


def test_only_root_can_read_what_may_be_secret() -> None:
    machine = debian()
    machine.present(env={"PASSWORD": "s3cret"})
    assert [machine.mode(f"{BASE}{path}") for path in ("", "/scripts", "/scripts/10-a", "/results")] == [0o700] * 4
    script = f"{BASE}/scripts/10-a"
    modes = {part: machine.mode(f"{script}/{part}") for part in ("script", "launch", "options")}
    assert modes == {"script": 0o700, "launch": 0o600, "options": 0o600}
    holders = [path for path, node in machine.rpc.nodes.items() if b"s3cret" in node.content]
    assert holders == [f"{script}/launch"]
    assert all((node.uid, node.gid) == (0, 0) for node in machine.rpc.nodes.values())


def test_modes_and_owners_that_were_changed_are_set_right() -> None:
    machine = debian()
    machine.present()
    machine.rpc.nodes[f"{BASE}/scripts/10-a/script"].mode = stat.S_IFREG | 0o777
    machine.rpc.nodes[f"{BASE}/scripts/10-a/launch"].uid = 1000
    machine.rpc.nodes[BASE].mode = stat.S_IFDIR | 0o755
    outcome = machine.present()
    assert outcome.changed is True
    assert {entry["before_header"] for entry in t.cast("list[dict[str, str]]", outcome.diff)} == {
        f"{BASE} (mode 0755)",
        f"{BASE}/scripts/10-a/script (mode 0777)",
        f"{BASE}/scripts/10-a/launch (mode 0600, not owned by root)",
    }
    assert machine.present().changed is False


def test_the_difference_shows_every_file() -> None:
    machine = debian()
    machine.present(content="old\n")
    (entry,) = [
        entry
        for entry in t.cast("list[dict[str, str]]", machine.present(content="new\n").diff)
        if "/10-a/script " in entry["after_header"]
    ]
    assert (entry["before"], entry["after"]) == ("old\n", "new\n")


def test_a_masked_unit_is_unmasked_and_dev_null_is_left_alone() -> None:
    machine = debian()
    machine.rpc.add_special("/dev/null", stat.S_IFCHR)
    machine.rpc.add_link(UNIT, "/dev/null")
    machine.present()
    assert stat.S_ISREG(machine.rpc.nodes[UNIT].mode)
    assert machine.rpc.nodes["/dev/null"].content == b""
    assert machine.present().changed is False


@pytest.mark.parametrize("path", [BASE, f"{BASE}/scripts", f"{BASE}/runner", f"{BASE}/scripts/10-a/script", WANTS])
@pytest.mark.parametrize("kind", ["link", "fifo", "directory", "file"])
def test_what_is_in_the_way_is_replaced_and_never_followed(path: str, kind: str) -> None:
    machine = debian()
    machine.rpc.add_file("/etc/shadow", b"root:x")
    machine.rpc.add_dir("/srv/data")
    machine.rpc.add_file("/srv/data/scripts", b"data")
    if kind == "link":
        machine.rpc.add_link(path, "/srv/data" if path.endswith(("firstboot", "scripts")) else "/etc/shadow")
    elif kind == "fifo":
        machine.rpc.add_special(path, stat.S_IFIFO)
    elif kind == "directory":
        machine.rpc.add_dir(path)
    else:
        machine.rpc.add_file(path, b"in the way")
    machine.present()
    assert machine.present().changed is False
    assert machine.text("/etc/shadow") == "root:x"
    assert machine.text("/srv/data/scripts") == "data"
    assert machine.text(f"{BASE}/scripts/10-a/script") == "true\n"


def test_another_init_systems_links_are_removed() -> None:
    machine = debian()
    machine.rpc.add_file(INIT_D, b"old")
    machine.rpc.add_link("/etc/rc3.d/S04offline-guest-firstboot", "../init.d/offline-guest-firstboot")
    machine.present()
    assert starters(machine) == SYSTEMD


def test_a_link_that_insserv_has_renumbered_is_kept() -> None:
    machine = FAMILIES["debian-sysv"]()
    machine.present()
    link = machine.rpc.nodes.pop("/etc/rc3.d/S99offline-guest-firstboot")
    machine.rpc.add_link("/etc/rc3.d/S04offline-guest-firstboot", link.target)
    assert machine.present().changed is False


# What has run


def test_a_script_that_ran_is_left_alone_while_it_is_stated_as_it_was() -> None:
    machine = debian()
    machine.present()
    machine.record("10-a")
    machine.runner_ended()
    before = machine.rpc.snapshot()
    outcome = machine.present()
    assert (outcome.changed, outcome.result["script_state"], outcome.result["enabled_by"]) == (False, "done", None)
    assert machine.rpc.snapshot() == before


@pytest.mark.parametrize("state", ["done", "failed", "timeout", "interrupted"])
def test_a_new_release_that_words_a_script_otherwise_does_not_run_it_again(state: str) -> None:
    machine = debian()
    machine.present(packages=["vim"])
    machine.rpc.nodes[f"{BASE}/scripts/10-a/script"].content = b"# worded by an older release\n"
    assert machine.present(packages=["vim"]).changed is True  # it has not run yet, so it may as well be the newer
    machine.rpc.nodes[f"{BASE}/scripts/10-a/script"].content = b"# worded by an older release\n"
    machine.record("10-a", f"state={state}\nattempts=1\n")
    machine.runner_ended()
    assert machine.present(packages=["vim"]).changed is False


CHANGES: list[dict[str, t.Any]] = [
    {"content": "other\n"},
    {"commands": ["true"]},
    {"packages": ["true"]},
    {"interpreter": "/bin/bash"},
    {"env": {"A": "b"}},
    {"user": "app"},
    {"timeout": 1},
    {"on_failure": "stop"},
    {"retries": 1},
    {"retry_delay": 1},
    {"reboot": True},
    {"wants_network": True},
]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: str(next(iter(change))))
def test_a_script_that_is_stated_otherwise_runs_again(change: dict[str, t.Any]) -> None:
    machine = debian()
    machine.present()
    machine.record("10-a")
    machine.runner_ended()
    outcome = machine.present(**change)
    assert (outcome.changed, outcome.result["script_state"]) == (True, "pending")
    assert f"{BASE}/results/10-a" not in machine.rpc.nodes
    assert starters(machine) == SYSTEMD
    assert machine.present(**change).changed is False


def test_commands_and_packages_of_the_same_words_are_not_the_same() -> None:
    machine = debian()
    machine.present(commands=["vim"])
    machine.record("10-a")
    assert machine.present(packages=["vim"]).result["script_state"] == "pending"


def test_a_new_script_enables_what_has_disabled_itself() -> None:
    machine = debian()
    machine.present("b")
    machine.record("b")
    machine.runner_ended()
    outcome = machine.present("a")
    assert outcome.result["to_run"] == ["a"]
    assert starters(machine) == SYSTEMD
    assert machine.text(f"{BASE}/results/b/record").startswith("state=done")


def test_the_order_is_by_name_and_not_by_time_of_adding() -> None:
    machine = debian()
    for name in ("9-x", "b", "10-x", "B"):
        machine.present(name)
    assert machine.present("a").result["to_run"] == ["10-x", "9-x", "B", "a", "b"]


def test_taking_the_last_pending_script_away_disables_the_runner() -> None:
    machine = debian()
    machine.present("a")
    machine.present("b")
    machine.record("a")
    machine.absent("b")
    assert WANTS not in machine.rpc.nodes and PRESET not in machine.rpc.nodes
    assert machine.text(f"{BASE}/results/a/record").startswith("state=done")
    assert machine.info()["enabled"] is False


def test_the_unit_waits_for_the_network_while_a_pending_script_wants_it() -> None:
    machine = debian()
    machine.present("a", wants_network=True)
    machine.present("b")
    assert "network-online" in machine.text(UNIT)
    machine.absent("a")
    assert "network-online" not in machine.text(UNIT)


def test_scripts_behind_a_failure_that_stops_are_blocked() -> None:
    machine = debian()
    machine.present("b", on_failure="stop")
    machine.record("b", "state=failed\nexit_status=1\nattempts=1\n")
    outcome = machine.present("c")
    assert (outcome.result["script_state"], outcome.result["to_run"]) == ("blocked", [])
    assert machine.present("a").result["to_run"] == ["a"]  # before it


def test_an_interrupted_script_with_attempts_left_is_kept_enabled() -> None:
    machine = debian()
    machine.present(retries=1)
    machine.record("10-a", "state=running\nattempts=1\n")
    outcome = machine.present(retries=1)
    assert (outcome.changed, outcome.result["script_state"]) == (False, "interrupted")
    assert outcome.result["to_run"] == ["10-a"]


# What is refused


@pytest.mark.parametrize("name", ["", ".", "..", "../a", "a/b", "-rf", ".a", "a b", "a\n", "é", "a\0", "x" * 201])
def test_names_that_are_none_are_refused(name: str) -> None:
    with pytest.raises(OptionError):
        debian().present(name)
    with pytest.raises(OptionError):
        debian().absent(name)
    with pytest.raises(OptionError):
        debian().info(name=name)


@pytest.mark.parametrize(
    "params",
    [
        {"timeout": -1},
        {"retries": 101},
        {"retry_delay": -1},
        {"user": "a b"},
        {"user": "-x"},
        {"user": "1000"},
        {"interpreter": "python3"},
        {"interpreter": ""},
        {"interpreter": "/bin/sh '"},
        {"env": {"A-B": "x"}},
        {"env": {"A": True}},
        {"env": {"A": None}},
        {"env": {"A": ["x"]}},
        {"env": {"A": "\0"}},
        {"content": "#!/bin/sh\r\ntrue\r\n"},
        {"content": "#!python3\n"},
        {"content": "#!\n"},
        {"content": f"#!/{'x' * 300}\n"},
        {"commands": []},
        {"commands": ["  "]},
        {"packages": []},
        {"packages": ["-y"]},
        {"packages": ["vim-"]},
        {"packages": ["vim; reboot"]},
        {"packages": ["$(reboot)"]},
        {"packages": ["*"]},
        {"packages": ["vim"], "interpreter": "/bin/bash"},
        {"commands": ["true"], "packages": ["vim"]},
    ],
    ids=str,
)
def test_options_that_cannot_be_meant_are_refused_before_anything_is_written(params: dict[str, t.Any]) -> None:
    machine = debian()
    with pytest.raises(OptionError):
        machine.present(**params)
    assert machine.rpc.writes == []


def test_a_script_needs_a_source() -> None:
    with pytest.raises(OptionError, match="content, src, commands and packages"):
        debian().run()


def test_src_may_hold_any_bytes(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"#!/usr/bin/env -S python3 -u\n\xff\0")
    machine = debian()
    machine.present(src=str(source))
    assert machine.rpc.nodes[f"{BASE}/scripts/10-a/script"].content == source.read_bytes()
    assert machine.text(f"{BASE}/scripts/10-a/launch") == "exec /usr/bin/env '-S python3 -u' \"$1\"\n"


def test_a_src_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(HostError, match="missing"):
        debian().present(src=str(tmp_path / "missing"))


def test_numbers_in_the_environment_are_text() -> None:
    machine = debian()
    machine.present(env={"PORT": 80, "RATIO": 0.5})
    assert machine.text(f"{BASE}/scripts/10-a/launch").startswith("export PORT=80\nexport RATIO=0.5\n")


def test_guests_that_cannot_run_scripts_are_refused_with_the_reason() -> None:
    machine = linux("unknown", "apt")
    with pytest.raises(GuestError, match="no init system that firstboot knows"):
        machine.present()
    assert machine.absent().changed is False
    with pytest.raises(GuestError, match="no folders for its scripts"):
        linux("sysvinit", "apt", "/etc/init.d").present()
    for kind, reason in (("windows", "not yet supported in Windows"), ("freebsd", "freebsd")):
        machine.system = OperatingSystem("/dev/sda1", kind, init_system="unknown")
        for task in (machine.present, machine.absent, machine.info):
            with pytest.raises(GuestError, match=reason):
                task()


@pytest.mark.parametrize("manager", [None, "portage"])
def test_an_unknown_package_manager_is_named(manager: str | None) -> None:
    with pytest.raises(GuestError, match=manager or "unknown"):
        linux("systemd", manager).present(packages=["vim"])


# firstboot_info on hostile guests


def test_a_guest_without_firstboot_has_nothing_to_tell() -> None:
    info = debian().info()
    assert info == {
        "runner_installed": False,
        "enabled": False,
        "init_system": "systemd",
        "to_run": [],
        "scripts": [],
    }


def test_only_the_named_script_is_described() -> None:
    machine = debian()
    machine.present("a")
    machine.present("b")
    assert [script["name"] for script in machine.info(name="b")["scripts"]] == ["b"]
    assert machine.info(name="c")["scripts"] == []


def test_options_are_read_back() -> None:
    machine = debian()
    options: dict[str, t.Any] = {"timeout": 7, "on_failure": "stop", "retries": 2, "retry_delay": 3, "reboot": True}
    options["wants_network"] = True
    machine.present(user="app", **options)
    (script,) = machine.info()["scripts"]
    assert script["options"] == {**options, "user": "app"}
    assert (script["state"], script["will_run"], script["attempts"], script["log"]) == ("pending", True, 0, "")
    assert machine.warnings == []


def test_times_are_in_utc_and_absurd_ones_are_left_out() -> None:
    machine = debian()
    machine.present()
    machine.record("10-a", "state=done\nexit_status=0\nattempts=1\nstarted=1767225600\nended=999999999999\n")
    (script,) = machine.info()["scripts"]
    assert (script["started"], script["ended"]) == ("2026-01-01T00:00:00Z", None)
    assert machine.warnings == ["The firstboot record of '10-a' in the guest is damaged: ended."]


@pytest.mark.parametrize("part", ["record", "log"])
@pytest.mark.parametrize("kind", ["directory", "fifo", "huge", "loop", "outside"])
def test_what_is_in_the_place_of_a_result_harms_nobody(part: str, kind: str) -> None:
    machine = debian()
    machine.present()
    machine.record("10-a", log=b"log")
    path = f"{BASE}/results/10-a/{part}"
    del machine.rpc.nodes[path]
    if kind == "directory":
        machine.rpc.add_dir(path)
    elif kind == "fifo":
        machine.rpc.add_special(path, stat.S_IFIFO)
    elif kind == "huge":
        machine.rpc.add_file(path, b"x", size=1 << 50)
    else:
        machine.rpc.add_link(path, path if kind == "loop" else "../../../../../../../../../../etc/missing")
    (script,) = machine.info()["scripts"]
    assert script["state"] in ("done", "pending", "interrupted")
    assert script["log"] in ("log", "")


@pytest.mark.parametrize(
    "text", ["", "\xff\xfe", "state=" + "x" * 60000, "state=done\n" * 5000, "=\n=\n", "attempts=-1"]
)
def test_a_damaged_record_is_read_as_far_as_it_goes(text: str) -> None:
    machine = debian()
    machine.present()
    machine.rpc.add_file(f"{BASE}/results/10-a/record", text.encode("latin-1"))
    (script,) = machine.info()["scripts"]
    assert script["state"] == ("done" if "done" in text else "interrupted")
    assert script["attempts"] == 1
    assert bool(machine.warnings) is ("done" not in text)


def test_damaged_options_have_their_defaults() -> None:
    machine = debian()
    machine.present()
    machine.rpc.add_file(f"{BASE}/scripts/10-a/options", b"timeout=soon\nretries=\non_failure=explode\nreboot=yes\n")
    (script,) = machine.info()["scripts"]
    assert (script["options"]["timeout"], script["options"]["on_failure"]) == (3600, "continue")
    assert script["options"]["reboot"] is True
    (warning,) = machine.warnings
    assert warning.endswith("'10-a' in the guest are damaged: on_failure, timeout.")


def test_names_that_are_none_are_passed_over_with_a_warning() -> None:
    machine = debian()
    machine.present()
    machine.rpc.add_dir(f"{BASE}/scripts/{{{{ evil }}}}\x1b[31m")
    machine.rpc.add_dir(f"{BASE}/scripts/incomplete")
    assert [script["name"] for script in machine.info()["scripts"]] == ["10-a"]
    assert len(machine.warnings) == 2
    assert not any("{{" in warning or "\x1b" in warning for warning in machine.warnings)


@pytest.mark.parametrize("max_log", [-1, 4 * 1024 * 1024 + 1])
def test_the_size_of_logs_is_bounded(max_log: int) -> None:
    with pytest.raises(OptionError, match="max_log"):
        debian().info(max_log=max_log)
