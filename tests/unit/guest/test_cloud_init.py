# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module cloud_init, on a guest in memory."""

from __future__ import annotations

import stat
import typing as t

import pytest
import yaml
from ansible_collections.offline.guest.plugins.module_utils._errors import GuestError, OptionError
from ansible_collections.offline.guest.plugins.modules import cloud_init
from ansible_collections.offline.guest.tests.unit.guest.fake_rpc import FakeRpc
from ansible_collections.offline.guest.tests.unit.guest.run_module import call_of, diffs, four, modes, run

SEED = "/var/lib/cloud/seed/nocloud"
DATASOURCES = "/etc/cloud/cloud.cfg.d/99_offline_guest.cfg"
DISABLED = "/etc/cloud/cloud-init.disabled"
SECRET = "#cloud-config\npassword: hunter2\n"


def guest() -> FakeRpc:
    rpc = FakeRpc()
    rpc.add_file("/usr/bin/cloud-init", b"#!", 0o755)
    rpc.add_file("/etc/cloud/cloud.cfg.d/90_dpkg.cfg", b"datasource_list: [ Ec2 ]\n")
    return rpc


def booted() -> FakeRpc:
    rpc = guest()
    for path in (
        "instances/i-1/obj.pkl",
        "sem/a",
        "data/instance-id",
        "scripts/per-boot/mine",
        "seed/nocloud/user-data",
    ):
        rpc.add_file(f"/var/lib/cloud/{path}")
    rpc.add_link("/var/lib/cloud/instance", "/var/lib/cloud/instances/i-1")
    for name in ("cloud-init.log", "cloud-init-output.log", "cloud-init.log.1.gz", "cloud-init.log-20260101", "syslog"):
        rpc.add_file(f"/var/log/{name}")
    return rpc


def test_data_sources() -> None:
    rpc = guest()
    outcome = four(cloud_init, rpc, datasource_list=["NoCloud", "None"])
    assert rpc.nodes[DATASOURCES].content == b"datasource_list: [ NoCloud, None ]\n"
    assert outcome.result == {"paths": [DATASOURCES], "removed": []}
    # The last in this order counts, for cloud-init and for its ds-identify.
    assert sorted(path for path in rpc.nodes if path.startswith("/etc/cloud/cloud.cfg.d/"))[-1] == DATASOURCES
    four(cloud_init, rpc, datasource_list=[])
    assert DATASOURCES not in rpc.nodes


def test_a_seed() -> None:
    rpc = guest()
    network = {"version": 2, "ethernets": {"ens3": {"dhcp4": True}}}
    meta = {"instance-id": "i-1", "local-hostname": "web01"}
    outcome = four(cloud_init, rpc, meta_data=meta, user_data=SECRET, network_config=network)
    assert yaml.safe_load(rpc.nodes[f"{SEED}/meta-data"].content) == meta
    assert yaml.safe_load(rpc.nodes[f"{SEED}/network-config"].content) == network
    assert rpc.nodes[f"{SEED}/user-data"].content == SECRET.encode()
    assert modes(rpc, f"{SEED}/user-data") == modes(rpc, f"{SEED}/network-config") == ("0600", 0, 0)
    assert "web01" in str(outcome.diff)
    assert "hunter2" not in f"{outcome.diff}{outcome.result}{outcome.summary}"


def test_the_data_source_needs_both_files_and_keeps_what_is_there() -> None:
    rpc = guest()
    four(cloud_init, rpc, user_data=SECRET)
    assert rpc.nodes[f"{SEED}/meta-data"].content == b""
    assert f"{SEED}/vendor-data" not in rpc.nodes
    four(cloud_init, rpc, meta_data={"instance-id": "2"})
    assert rpc.nodes[f"{SEED}/user-data"].content == SECRET.encode()


def test_another_secret_is_a_difference_that_is_not_shown() -> None:
    rpc = guest()
    run(cloud_init, rpc, user_data=SECRET)
    outcome = four(cloud_init, rpc, user_data=SECRET.replace("2", "3"), vendor_data="#!/bin/sh\nhunter4\n")
    assert "hunter" not in str(outcome.diff)
    assert diffs(outcome)[0]["before"] != diffs(outcome)[0]["after"]


def test_a_seed_that_others_can_read_is_closed() -> None:
    rpc = guest()
    rpc.add_file(f"{SEED}/user-data", SECRET.encode(), 0o644)
    rpc.add_file(f"{SEED}/meta-data", b"", 0o644)
    outcome = four(cloud_init, rpc, user_data=SECRET)
    assert modes(rpc, f"{SEED}/user-data")[0] == "0600"
    assert outcome.result["paths"] == [f"{SEED}/user-data"]


def test_no_seed() -> None:
    rpc = booted()
    outcome = four(cloud_init, rpc, seed="absent")
    assert outcome.result["removed"] == [SEED]
    assert SEED not in rpc.nodes and "/var/lib/cloud/sem/a" in rpc.nodes


def test_disabled() -> None:
    rpc = guest()
    assert not run(cloud_init, rpc).changed
    four(cloud_init, rpc, disabled=True)
    assert rpc.nodes[DISABLED].content == b""
    rpc.nodes[DISABLED].content = b"by hand\n"
    assert not run(cloud_init, rpc, disabled=True).changed
    four(cloud_init, rpc, disabled=False)
    assert DISABLED not in rpc.nodes


def test_clean_leaves_the_seed_and_other_logs() -> None:
    rpc = booted()
    outcome = four(cloud_init, rpc, clean=True)
    left = {path for path, node in rpc.nodes.items() if not stat.S_ISDIR(node.mode) and path.startswith("/var")}
    assert left == {f"{SEED}/user-data", "/var/log/syslog"}
    assert "/var/lib/cloud/instance" in outcome.result["removed"]


def test_clean_removes_links_and_not_where_they_lead() -> None:
    rpc = guest()
    rpc.add_file("/srv/kept")
    rpc.add_link("/var/lib/cloud/instances", "/srv")
    four(cloud_init, rpc, clean=True)
    assert "/srv/kept" in rpc.nodes and "/var/lib/cloud/instances" not in rpc.nodes


def test_clean_and_a_new_seed_at_once() -> None:
    rpc = booted()
    four(cloud_init, rpc, clean=True, user_data=SECRET, meta_data={})
    assert rpc.nodes[f"{SEED}/user-data"].content == SECRET.encode()


def test_scripts_of_clean_are_not_run_but_named() -> None:
    rpc, warnings = booted(), list[str]()
    rpc.add_file("/etc/cloud/clean.d/10-x")
    run(cloud_init, rpc, clean=True, warnings=warnings)
    assert "/etc/cloud/clean.d" in warnings[0]


def test_a_guest_without_cloud_init() -> None:
    with pytest.raises(GuestError, match="has no cloud-init"):
        run(cloud_init, FakeRpc(), disabled=True)


def test_secrets_are_marked_for_ansible() -> None:
    spec = call_of(cloud_init)["argument_spec"]
    assert {name for name, option in spec.items() if option.get("no_log")} == {"user_data", "vendor_data"}


@pytest.mark.parametrize(
    "params",
    [{"datasource_list": ["a]\nx: y"]}, {"datasource_list": [""]}, {"seed": "absent", "user_data": "#x"}],
)
def test_wrong_options(params: dict[str, t.Any]) -> None:
    with pytest.raises(OptionError):
        run(cloud_init, guest(), **params)


@pytest.mark.parametrize(
    ("params", "word"),
    [
        ({"datasource_list": ["Ec2"], "user_data": "#!/bin/sh"}, "NoCloud"),
        ({"user_data": "password: x"}, "#cloud-config"),
    ],
)
def test_what_cloud_init_would_pass_over_is_warned_of(params: dict[str, t.Any], word: str) -> None:
    warnings = list[str]()
    run(cloud_init, guest(), **params, warnings=warnings)
    assert word in warnings[0]


def test_hostile_files() -> None:
    rpc = guest()
    rpc.add_dir(f"{SEED}/user-data")
    with pytest.raises(GuestError, match="not a regular file"):
        run(cloud_init, rpc, user_data=SECRET)
    rpc = guest()
    rpc.add_file(DATASOURCES, b"x" * 2_000_000)
    with pytest.raises(GuestError, match="more than"):
        run(cloud_init, rpc, datasource_list=["None"])
