# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module machine_id."""

from __future__ import annotations

import stat

import pytest
from ansible_collections.offline.guest.plugins.module_utils._errors import GuestError, OptionError
from ansible_collections.offline.guest.plugins.module_utils._guest._machine_id import parse_id
from ansible_collections.offline.guest.plugins.modules import machine_id
from ansible_collections.offline.guest.tests.unit.guest.fake_guest import FakeGuest

ID = "0123456789abcdef0123456789abcdef"
OTHER = "f" * 32
PATH, DBUS = "/etc/machine-id", "/var/lib/dbus/machine-id"


def machine(family: str = "debian") -> FakeGuest:
    guest = FakeGuest(machine_id, family=family)
    guest.rpc.add_dir("/etc")
    return guest


@pytest.mark.parametrize("before", [None, b"", b"uninitialized\n", f"{ID}\n".encode(), b"\n", b"\0\xff"])
@pytest.mark.parametrize(
    ("params", "after"),
    [
        ({"state": "empty"}, b""),
        ({"state": "uninitialized"}, b"uninitialized\n"),
        ({"state": "absent"}, None),
        ({"id": OTHER}, f"{OTHER}\n".encode()),
    ],
)
def test_every_state_from_every_other(before: bytes | None, params: dict[str, str], after: bytes | None) -> None:
    guest = machine()
    if before is not None:
        guest.rpc.add_file(PATH, before, 0o444)
    done = guest.four(**params)
    assert done.changed == (before != after)
    assert guest.content(PATH) == after
    if after is not None:
        assert guest.mode(PATH) == 0o444
    assert done.result["state"] == params.get("state", "present")
    assert done.result["id"] == params.get("id")


def test_the_mode_is_kept_right() -> None:
    guest = machine()
    guest.rpc.add_file(PATH, b"", 0o644)
    assert guest.four(state="empty").diff == [
        {
            "before_header": f"{PATH} (file attributes)",
            "after_header": f"{PATH} (file attributes)",
            "before": {"mode": "0644"},
            "after": {"mode": "0444"},
        }
    ]
    assert guest.mode(PATH) == 0o444


@pytest.mark.parametrize("target", [PATH, "../../../etc/machine-id"])
@pytest.mark.parametrize("params", [{"state": "empty"}, {"state": "absent"}, {"id": OTHER}])
def test_a_link_of_dbus_is_kept(target: str, params: dict[str, str]) -> None:
    guest = machine().put({PATH: f"{ID}\n".encode()})
    guest.rpc.add_link(DBUS, target)
    guest.four(**params)
    assert guest.target(DBUS) == target


@pytest.mark.parametrize("state", ["empty", "uninitialized", "absent"])
def test_a_file_of_dbus_goes(state: str) -> None:
    guest = machine().put({PATH: b"", DBUS: f"{ID}\n".encode()})
    assert guest.four(state=state).changed
    assert guest.content(DBUS) is None


def test_a_file_of_dbus_gets_the_id() -> None:
    guest = machine().put({DBUS: f"{ID}\n".encode()})
    guest.four(id=OTHER)
    assert guest.content(DBUS) == f"{OTHER}\n".encode()
    assert guest.content(PATH) == f"{OTHER}\n".encode()


def test_a_link_of_dbus_to_elsewhere_goes() -> None:
    guest = machine()
    guest.rpc.add_link(DBUS, "/srv/id")
    guest.four(state="empty")
    assert DBUS not in guest.rpc.nodes


@pytest.mark.parametrize("given", [ID.upper(), "01234567-89ab-cdef-0123-456789abcdef", f" {ID}\n"])
def test_ids(given: str) -> None:
    assert parse_id(given) == ID


@pytest.mark.parametrize("given", ["", "0" * 32, "g" * 32, ID[1:], ID + "0", "0-1", "uninitialized"])
def test_no_ids(given: str) -> None:
    with pytest.raises(OptionError):
        parse_id(given)


def test_only_systemd_knows_uninitialized() -> None:
    with pytest.raises(GuestError, match="openrc") as caught:
        machine("alpine").run(state="uninitialized")
    assert "absent" in caught.value.hint
    assert machine("alpine").four(state="empty").changed
    assert not machine("alpine").four(state="absent").changed


@pytest.mark.parametrize("path", [PATH, DBUS])
@pytest.mark.parametrize("state", ["empty", "absent"])
def test_hostile(path: str, state: str) -> None:
    for kind in (stat.S_IFIFO, stat.S_IFCHR, stat.S_IFDIR):
        guest = machine()
        if kind == stat.S_IFDIR:
            guest.rpc.add_dir(path)
        else:
            guest.rpc.add_special(path, kind)
        with pytest.raises(GuestError):
            guest.run(state=state)
        assert guest.rpc.writes == []


def test_a_huge_file_is_not_read() -> None:
    guest = machine()
    guest.rpc.add_file(PATH, b"a", size=2**40)
    with pytest.raises(GuestError, match="bytes"):
        guest.run(state="empty")
    assert guest.four(state="absent").changed
