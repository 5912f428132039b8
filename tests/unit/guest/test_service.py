# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module service on guests in memory: OpenRC, both styles of SysV init, and systemd."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.offline.guest.plugins.module_utils._appliance._calls import Calls
from ansible_collections.offline.guest.plugins.module_utils._errors import GuestError, OfflineGuestError, OptionError
from ansible_collections.offline.guest.plugins.module_utils._guest._files import GuestFiles
from ansible_collections.offline.guest.plugins.module_utils._guest._guest import Guest
from ansible_collections.offline.guest.plugins.module_utils._guest._service import handle
from ansible_collections.offline.guest.plugins.module_utils._guest._service_sysv import Script, parse_script
from ansible_collections.offline.guest.plugins.module_utils._guest._system import OperatingSystem
from ansible_collections.offline.guest.plugins.module_utils._guest._task import Outcome, Task
from ansible_collections.offline.guest.tests.unit.guest.fake_rpc import FakeRpc
from hypothesis import given
from hypothesis import strategies as st

DEFAULTS: dict[str, t.Any] = {
    "name": "sshd",
    "enabled": True,
    "runlevel": "default",
    "use": "auto",
    "state": None,
    "sleep": None,
    "pattern": None,
    "arguments": "",
}
RESULT_KEYS = {"name", "enabled", "init_system", "status", "msg"}
SCRIPT = b"#!/bin/sh\n"
RED_HAT = b"#!/bin/bash\n#\n# sshd  Start up the server\n#\n# chkconfig: 345 55 25\n# description: SSH\n"
LSB = b"### BEGIN INIT INFO\n# Provides: sshd\n# Default-Start: 2 3 4 5\n# Default-Stop: 0 1 6\n### END INIT INFO\n"


def run(rpc: FakeRpc, init: str, *, warnings: list[str] | None = None, check: bool = False, **params: t.Any) -> Outcome:
    calls = Calls(rpc)
    system = OperatingSystem("/dev/sda1", params.pop("type", "linux"), init_system=init)
    warn = (warnings if warnings is not None else []).append
    task = Task({**DEFAULTS, **params}, Guest(calls, GuestFiles(calls), (system,)), check, warn)
    outcome = handle(task)
    assert set(outcome.result) == RESULT_KEYS
    assert outcome.changed == bool(outcome.diff)
    return outcome


def links(rpc: FakeRpc) -> dict[str, str]:
    return {path: node.target for path, node in rpc.nodes.items() if node.target}


class TestOpenRc:
    def guest(self) -> FakeRpc:
        rpc = FakeRpc()
        rpc.add_file("/etc/init.d/sshd", SCRIPT, 0o755)
        rpc.add_dir("/etc/runlevels/default")
        rpc.add_dir("/etc/runlevels/boot")
        return rpc

    def test_add_and_delete(self) -> None:
        rpc = self.guest()
        before = rpc.snapshot()
        assert run(rpc, "openrc", check=True).changed
        assert rpc.snapshot() == before
        done = run(rpc, "openrc")
        assert done.result == {
            "name": "sshd",
            "enabled": True,
            "init_system": "openrc",
            "status": None,
            "msg": "The service sshd starts when the guest boots.",
        }
        assert links(rpc) == {"/etc/runlevels/default/sshd": "/etc/init.d/sshd"}
        assert not run(rpc, "openrc").changed
        assert not run(rpc, "openrc", enabled=False, runlevel="boot").changed
        assert run(rpc, "openrc", enabled=False).changed
        assert rpc.snapshot() == before

    def test_a_link_that_others_made_is_left_as_it_is(self) -> None:
        rpc = self.guest()
        rpc.add_link("/etc/runlevels/default/sshd", "../../init.d/sshd")
        assert not run(rpc, "openrc").changed

    def test_a_link_to_nothing_is_replaced(self) -> None:
        rpc = self.guest()
        rpc.add_link("/etc/runlevels/default/sshd", "/gone")
        assert run(rpc, "openrc").changed
        assert links(rpc) == {"/etc/runlevels/default/sshd": "/etc/init.d/sshd"}

    def test_what_is_missing(self) -> None:
        rpc = self.guest()
        rpc.add_file("/etc/runlevels/boot/sshd")
        with pytest.raises(GuestError, match="no service crond"):
            run(rpc, "openrc", name="crond")
        with pytest.raises(GuestError, match="no service crond"):
            run(rpc, "openrc", name="crond", enabled=False)
        with pytest.raises(GuestError, match="It has boot, default"):
            run(rpc, "openrc", runlevel="other")
        with pytest.raises(GuestError, match="in the way"):
            run(rpc, "openrc", runlevel="boot")
        assert rpc.writes == []

    def test_links_of_a_service_that_is_gone_can_be_removed(self) -> None:
        rpc = self.guest()
        rpc.add_link("/etc/runlevels/default/gone", "/etc/init.d/gone")
        assert run(rpc, "openrc", name="gone", enabled=False).changed
        assert links(rpc) == {}


class TestChkconfig:
    """Expectations by chkconfig(8), "RUNLEVEL FILES", and its leveldb.c."""

    def guest(self, script: bytes = RED_HAT) -> FakeRpc:
        rpc = FakeRpc()
        rpc.add_link("/etc/init.d", "rc.d/init.d")
        rpc.add_file("/etc/rc.d/init.d/sshd", script, 0o755)
        for level in range(7):
            rpc.add_dir(f"/etc/rc.d/rc{level}.d")
            rpc.add_link(f"/etc/rc{level}.d", f"rc.d/rc{level}.d")
        return rpc

    def names(self, rpc: FakeRpc) -> list[str]:
        found = [path.replace("/etc/rc.d/rc", "") for path in links(rpc) if path.startswith("/etc/rc.d/rc")]
        assert all(rpc.nodes[f"/etc/rc.d/rc{path}"].target == "../init.d/sshd" for path in found)
        return sorted(path.replace(".d/", " ") for path in found)

    def test_a_service_without_links_is_added_by_its_header(self) -> None:
        rpc = self.guest()
        assert run(rpc, "sysvinit").result["enabled"]
        assert self.names(rpc) == [
            "0 K25sshd",
            "1 K25sshd",
            "2 K25sshd",
            "3 S55sshd",
            "4 S55sshd",
            "5 S55sshd",
            "6 K25sshd",
        ]
        assert not run(rpc, "sysvinit").changed

    def test_off_and_on(self) -> None:
        rpc = self.guest()
        assert not run(rpc, "sysvinit", enabled=False).result["enabled"]
        assert self.names(rpc) == [f"{level} K25sshd" for level in range(7)]
        run(rpc, "sysvinit")
        assert [name[2] for name in self.names(rpc)] == ["K", "K", "S", "S", "S", "S", "K"]

    def test_numbers_that_are_there_are_kept(self) -> None:
        rpc = self.guest()
        for level in range(7):
            rpc.add_link(f"/etc/rc.d/rc{level}.d/{'K07' if level in (0, 1, 6) else 'S91'}sshd", "../init.d/sshd")
        run(rpc, "sysvinit", enabled=False)
        assert self.names(rpc) == [f"{level} K07sshd" for level in range(7)]

    def test_lsb_header_alone(self) -> None:
        rpc = self.guest(LSB)
        run(rpc, "sysvinit")
        assert [name[2:5] for name in self.names(rpc)] == ["K50", "K50", "S50", "S50", "S50", "S50", "K50"]

    def test_a_script_that_says_nothing(self) -> None:
        with pytest.raises(GuestError, match="does not support chkconfig"):
            run(self.guest(SCRIPT), "sysvinit")

    def test_a_service_whose_name_is_part_of_another(self) -> None:
        rpc = self.guest()
        rpc.add_link("/etc/rc.d/rc3.d/S10sshd-other", "../init.d/sshd-other")
        run(rpc, "sysvinit", enabled=False)
        assert "/etc/rc.d/rc3.d/S10sshd-other" in rpc.nodes


class TestSystemd:
    def guest(self) -> FakeRpc:
        rpc = FakeRpc()
        rpc.add_file("/usr/lib/systemd/system/sshd.service", b"[Install]\nWantedBy=multi-user.target\n")
        rpc.add_file("/usr/lib/systemd/system/multi-user.target", b"[Unit]\n")
        rpc.add_file("/etc/init.d/legacy", LSB)
        rpc.add_file("/etc/init.d/sshd", LSB)
        rpc.add_file("/usr/sbin/update-rc.d", SCRIPT)
        return rpc

    def test_a_unit_counts_before_an_init_script(self) -> None:
        rpc = self.guest()
        done = run(rpc, "systemd")
        assert list(links(rpc)) == ["/etc/systemd/system/multi-user.target.wants/sshd.service"]
        assert done.result["status"]["UnitFileState"] == "enabled"

    def test_an_init_script_without_a_unit(self) -> None:
        rpc = self.guest()
        done = run(rpc, "systemd", name="legacy")
        assert done.result["status"] is None
        assert links(rpc)["/etc/rc3.d/S01legacy"] == "../init.d/legacy"
        assert not run(rpc, "systemd", name="legacy").changed

    def test_neither(self) -> None:
        with pytest.raises(GuestError, match="no unit other.service"):
            run(self.guest(), "systemd", name="other")

    def test_what_the_header_does_not_speak_of_stays_and_is_said(self) -> None:
        rpc = self.guest()
        rpc.add_link("/etc/rc1.d/S07legacy", "../init.d/legacy")
        rpc.add_link("/etc/rc2.d/S07legacy", "../init.d/legacy")
        warnings: list[str] = []
        assert run(rpc, "systemd", name="legacy", enabled=False, warnings=warnings).result["enabled"]
        assert "leaves alone" in warnings[0]


class TestOptions:
    @pytest.mark.parametrize(
        ("params", "message"),
        [
            ({"state": "started"}, "firstboot"),
            ({"state": "restarted", "enabled": None}, "firstboot"),
            ({"sleep": 3}, "sleep"),
            ({"pattern": "x"}, "pattern"),
            ({"arguments": "x"}, "arguments"),
            ({"use": "upstart"}, "use: "),
            ({"name": "../x"}, "name: "),
            ({"name": "a*"}, "name: "),
            ({"name": ""}, "name: "),
            ({"runlevel": "../x"}, "runlevel: "),
        ],
    )
    def test_what_cannot_be_meant_is_refused(self, params: dict[str, t.Any], message: str) -> None:
        rpc = FakeRpc()
        with pytest.raises(OptionError, match=message):
            run(rpc, "openrc", **params)
        assert rpc.writes == []

    def test_the_init_system_can_be_named(self) -> None:
        rpc = TestOpenRc().guest()
        assert run(rpc, "unknown", use="openrc").result["init_system"] == "openrc"
        with pytest.raises(GuestError, match="init system"):
            run(rpc, "unknown")
        with pytest.raises(GuestError, match="init system"):
            run(rpc, "windows", type="windows")


class TestScript:
    def test_header_and_line(self) -> None:
        assert parse_script(RED_HAT) == Script(("3", "4", "5"), (), (55, 25))
        assert parse_script(RED_HAT + LSB) == Script(("2", "3", "4", "5"), ("0", "1", "6"), (55, 25))
        assert parse_script(b"# chkconfig: - 80 20\n") == Script((), (), (80, 20))

    @given(st.binary(max_size=200))
    def test_any_bytes(self, content: bytes) -> None:
        found = parse_script(b"### BEGIN INIT INFO\n# Default-Start: " + content + b"\n### END INIT INFO\n")
        assert set(found.start) <= set("0123456S")

    @given(st.text(alphabet="S0/. \n#-:", max_size=60))
    def test_no_header_makes_anything_outside_of_the_runlevels(self, text: str) -> None:
        rpc = FakeRpc()
        rpc.add_file(
            "/etc/init.d/sshd", b"### BEGIN INIT INFO\n# Default-Start: " + text.encode() + b"\n### END INIT INFO\n"
        )
        try:
            run(rpc, "sysvinit")
        except OfflineGuestError:
            assert rpc.writes == []
        assert all(path.startswith("/etc/rc") for path in links(rpc))
