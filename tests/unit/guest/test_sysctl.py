# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module sysctl, on a guest in memory. What the twin does is in tests/unit/differential."""

from __future__ import annotations

import dataclasses
import stat
import typing as t

import pytest
from ansible_collections.offline.guest.plugins.module_utils._errors import GuestError, OptionError
from ansible_collections.offline.guest.plugins.module_utils._guest._sysctl import with_value
from ansible_collections.offline.guest.plugins.modules import sysctl
from ansible_collections.offline.guest.tests.unit.guest.fake_rpc import FakeRpc
from ansible_collections.offline.guest.tests.unit.guest.run_module import LINUX, Refused, four, modes, run
from hypothesis import given, settings
from hypothesis import strategies as st

FORWARD: dict[str, t.Any] = {"name": "net.ipv4.ip_forward", "value": "yes"}
LINK = "/etc/sysctl.d/99-sysctl.conf"
OPENRC = dataclasses.replace(LINUX, init_system="openrc")


def guest(
    content: bytes | None = b"# comment\nvm.swappiness = 5\nmalformed\n", *, link: str | None = "../sysctl.conf"
) -> FakeRpc:
    rpc = FakeRpc()
    rpc.add_dir("/etc")
    if content is not None:
        rpc.add_file("/etc/sysctl.conf", content, 0o640, uid=1)
    if link is not None:
        rpc.add_link(LINK, link)
    return rpc


def test_a_parameter_is_set_and_removed() -> None:
    rpc = guest()
    outcome = four(sysctl, rpc, **FORWARD)
    assert rpc.nodes["/etc/sysctl.conf"].content == b"# comment\nvm.swappiness=5\nmalformed\nnet.ipv4.ip_forward=1\n"
    assert modes(rpc, "/etc/sysctl.conf") == ("0640", 1, 0)
    assert outcome.result == {
        "name": "net.ipv4.ip_forward",
        "value": "1",
        "path": "/etc/sysctl.conf",
        "paths": ["/etc/sysctl.conf"],
    }
    four(sysctl, rpc, key="net.ipv4.ip_forward", state="absent")
    assert rpc.nodes["/etc/sysctl.conf"].content == b"# comment\nvm.swappiness=5\nmalformed\n"


def test_a_file_of_its_own_and_its_folder_are_made() -> None:
    rpc = guest(None, link=None)
    four(sysctl, rpc, **FORWARD, sysctl_file="/etc/sysctl.d/60-x.conf")
    assert rpc.nodes["/etc/sysctl.d/60-x.conf"].content == b"net.ipv4.ip_forward=1\n"
    assert modes(rpc, "/etc/sysctl.d/60-x.conf") == ("0644", 0, 0)
    assert LINK not in rpc.nodes


def test_systemd_is_made_to_read_the_file() -> None:
    rpc = guest(link=None)
    outcome = four(sysctl, rpc, **FORWARD)
    assert outcome.result["paths"] == ["/etc/sysctl.conf", LINK]
    assert rpc.nodes[LINK].target == "../sysctl.conf"


def test_others_read_it_by_themselves() -> None:
    rpc = guest(link=None)
    four(sysctl, rpc, **FORWARD, system=OPENRC)
    assert LINK not in rpc.nodes


def test_nothing_is_linked_to_remove_a_parameter() -> None:
    rpc = guest(b"a=1\n", link=None)
    four(sysctl, rpc, name="a", state="absent")
    assert LINK not in rpc.nodes


def test_a_link_that_leads_elsewhere_is_somebodys_decision() -> None:
    rpc, warnings = guest(link="/dev/null"), list[str]()
    run(sysctl, rpc, **FORWARD, warnings=warnings)
    assert "systemd does not read" in warnings[0]
    assert rpc.nodes[LINK].target == "/dev/null"


def test_a_name_that_systemd_passes_over_is_warned_of() -> None:
    warnings = list[str]()
    run(sysctl, guest(), **FORWARD, sysctl_file="/etc/sysctl.d/60-x", warnings=warnings)
    assert ".conf" in warnings[0]


@pytest.mark.parametrize(
    "params",
    [
        {**FORWARD, "sysctl_set": True},
        {"name": " ", "value": "1"},
        {"name": "a=b", "value": "1"},
        {"name": "a\nb", "value": "1"},
        {"name": "a", "value": " "},
        {"name": "a", "value": "1\nb=2"},
        {"name": "a", "value": "1", "sysctl_file": "etc/x"},
    ],
)
def test_wrong_options(params: dict[str, t.Any]) -> None:
    rpc = guest()
    with pytest.raises(OptionError):
        run(sysctl, rpc, **params)
    assert rpc.writes == []


def test_a_value_is_needed() -> None:
    with pytest.raises(Refused, match="value"):
        run(sysctl, guest(), name="a")


def test_the_last_of_several_counts() -> None:
    assert with_value(b"a=1\na=2\n", "a", "2") == b"a=1\na=2\n"
    assert with_value(b"a=1\na=2\n", "a", "1") == b"a=1\n"


def test_an_empty_value_is_removed_as_well() -> None:
    assert with_value(b"a=\nb=1\n", "a", None) == b"b=1\n"


@given(content=st.lists(st.sampled_from([b"a=1", b" b = 2 ", b"#a=1", b";", b"", b"\xff", b"a", b"-a=1", b"\r"])))
@settings(max_examples=200, deadline=None)
def test_what_was_set_stays_set(content: list[bytes]) -> None:
    once = with_value(b"\n".join(content), "a", "7")
    assert with_value(once, "a", "7") == once
    gone = with_value(once, "a", None)
    assert with_value(gone, "a", None) == gone and b"\na=" not in b"\n" + gone


def test_hostile_files() -> None:
    rpc = guest(b"x" * 2_000_000)
    with pytest.raises(GuestError, match="more than"):
        run(sysctl, rpc, **FORWARD)
    rpc = guest(None)
    rpc.add_special("/etc/sysctl.conf", stat.S_IFIFO)
    with pytest.raises(GuestError, match="not a regular file"):
        run(sysctl, rpc, **FORWARD)
