# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""fstab, sysctl and cron against the modules they must equal: same file before, same file and ``changed`` after.

The twins run whole, in this process, on a file of this host; each program that they would start is a stand-in, so that
nothing of this host is read or set.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import pathlib
import shlex
import shutil
import subprocess
import types
import typing as t
from unittest import mock

import pytest
from ansible.module_utils import basic
from ansible.module_utils.common import warnings
from ansible.module_utils.testing import patch_module_args
from ansible.modules import cron as cron_twin
from ansible_collections.offline.guest.plugins.module_utils._errors import OfflineGuestError
from ansible_collections.offline.guest.plugins.modules import cron, fstab, sysctl
from ansible_collections.offline.guest.tests.unit.guest.fake_rpc import FakeRpc
from ansible_collections.offline.guest.tests.unit.guest.run_module import run
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

EXAMPLES = int(os.environ.get("OFFLINE_GUEST_EXAMPLES", "300"))
few = settings(
    max_examples=EXAMPLES // 3,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
Params = dict[str, t.Any]
PASSWD = b"root:x:0:0::/root:/bin/sh\n"


class Host:
    """What the twins find: a file that is the user's crontab, and programs that succeed and say nothing."""

    def __init__(self, crontab: pathlib.Path) -> None:
        self._crontab = crontab

    def run_command(self, command: str | list[str]) -> tuple[int, str, str]:
        words = shlex.split(command) if isinstance(command, str) else command
        if words[0] != "crontab":
            return 0, "", ""
        if words[-1] == "-l":
            there = self._crontab.exists()
            return (0, self._crontab.read_bytes().decode(), "") if there else (1, "", "no crontab")
        self._crontab.write_bytes(pathlib.Path(words[-1]).read_bytes())
        return 0, "", ""


def theirs(module: types.ModuleType, params: Params, crontab: pathlib.Path) -> Params:
    """Run a twin and return its result."""
    said = io.StringIO()
    host = Host(crontab)
    common = {"_ansible_check_mode": False, "_ansible_diff": True, "_ansible_no_log": True}
    with (
        mock.patch.object(
            basic.AnsibleModule, "run_command", lambda _module, command, **_options: host.run_command(command)
        ),
        mock.patch.object(basic.AnsibleModule, "get_bin_path", lambda _module, name, **_options: name),
        patch_module_args({**params, **common, "_ansible_remote_tmp": str(crontab.parent)}),
        contextlib.redirect_stdout(said),
        contextlib.suppress(SystemExit),
    ):
        module.main()
    for collected in (warnings._global_warnings, warnings._global_deprecations):  # for the whole process, otherwise
        collected.clear()
    return t.cast(Params, json.loads(said.getvalue()))


def compare(
    twin: types.ModuleType,
    ours: types.ModuleType,
    content: bytes | None,
    params: Params,
    where: Params,
    place: pathlib.Path,
) -> None:
    """Run both on a file with ``content`` (None: no file).

    :param where: options that name the file, for the guest; of the twin's, the value is the host's file.
    """
    place.unlink(missing_ok=True)
    rpc = FakeRpc()
    rpc.add_file("/etc/passwd", PASSWD)
    rpc.add_dir("/var/spool/cron/tabs")
    path = next(iter(where.values()), "/var/spool/cron/tabs/root")
    rpc.add_dir(os.path.dirname(path))
    if content is not None:
        place.write_bytes(content)
        rpc.add_file(path, content)
    own_only = {"create_mount_point": False} if ours is fstab else {}
    expected = theirs(twin, {**params, **dict.fromkeys(where, str(place))}, place)
    after = place.read_bytes() if place.exists() else None
    try:
        outcome = run(ours, rpc, given={**params, **where, **own_only})
    except OfflineGuestError:
        assert expected.get("failed"), "only ours refuses"
        return
    assert not expected.get("failed"), expected
    assert (outcome.changed, rpc.nodes[path].content if path in rpc.nodes else None) == (expected["changed"], after)
    same = ("jobs", "envs", "name", "src", "opts", "fstype", "dump", "passno", "boot")
    said = [key for key in same if key in expected and key in outcome.result]
    assert {key: outcome.result[key] for key in said} == {key: expected[key] for key in said}


# cron

CRON_LINES = st.sampled_from(
    [
        *("#Ansible: a", "#Ansible: b", "#Ansible: None", "#Ansible: ", "# x", ""),
        *("* * * * * x", "@daily x", "#* * * * * x", "* * * * * root x", "5 * * * * y"),
        *('A="1"', "A=2", 'B="1"', "MAILTO=root"),
    ]
)
CRON_TEXT = st.builds(
    lambda lines, end: ("\n".join(lines) + end).encode(),
    st.lists(CRON_LINES, max_size=8),
    st.sampled_from(["\n", "", "\n\n"]),
)


def is_cron_task(params: Params) -> bool:
    is_env = params.get("env", False)
    beside = {"insertafter", "insertbefore"} & params.keys()
    return len(beside) < 2 and (is_env or not beside)


CRON_PARAMS = st.fixed_dictionaries(
    {
        "name": st.sampled_from(["a", "b", "A", "B", "None"]),
        "user": st.just("root"),
        "job": st.sampled_from(["x", "y", "1", "x\n"]),
    },
    optional={
        "state": st.sampled_from(["present", "present", "absent"]),
        "env": st.booleans(),
        "minute": st.sampled_from(["*", "5"]),
        "special_time": st.sampled_from(["daily", "reboot"]),
        "disabled": st.booleans(),
        "insertafter": st.sampled_from(["A", "B", "C"]),
        "insertbefore": st.sampled_from(["A", "B"]),
    },
).filter(is_cron_task)  # fmt: skip


@given(content=st.one_of(st.none(), CRON_TEXT), params=CRON_PARAMS, is_file=st.booleans())
@few
def test_cron(content: bytes | None, params: Params, is_file: bool, tmp_path: pathlib.Path) -> None:
    where = {"cron_file": "/etc/cron.d/x"} if is_file else {}
    compare(cron_twin, cron, content, params, where, tmp_path / "x")


HEADER = (
    "# DO NOT EDIT THIS FILE - edit the master and reinstall.\n"
    "# (/tmp/crontab.1 installed on now)\n"
    "# (Cron version 3)\n"
)
CRON_CASES: list[tuple[bytes | None, Params]] = [
    (None, {"name": "a", "job": "x", "user": "root"}),
    (
        None,
        {
            "name": "a",
            "job": "x",
            "user": "root",
            "minute": "5",
            "hour": "1-3",
            "day": "1",
            "month": "JAN",
            "weekday": "1",
        },
    ),
    (None, {"name": "a", "job": "x", "user": "root", "dom": "1", "dow": "2"}),
    (None, {"name": "a", "job": "x", "user": "root", "special_time": "hourly", "disabled": True}),
    (b"#Ansible: a\n* * * * * x\n", {"name": "a", "job": "x", "user": "root"}),
    (b"#Ansible: a\n* * * * * x\n", {"name": "a", "job": "x y", "user": "root", "hour": "2"}),
    (b"#Ansible: a\n* * * * * x\n", {"name": "a", "state": "absent", "user": "root"}),
    (b"#Ansible: a\r\n* * * * * x\r\n", {"name": "a", "state": "absent", "user": "root"}),
    (b"A=1\r\n#Ansible: a\r\n* * * * * x\r\n", {"name": "b", "job": "y", "user": "root"}),
    (b"#Ansible: a\n", {"name": "a", "job": "x", "user": "root"}),
    (b"* * * * * x\n", {"name": "a", "job": "x", "user": "root"}),
    (b"z\n* * * * * x\n", {"name": "a", "job": "x", "user": "root"}),
    (b"#Ansible: None\n* * * * * x\n", {"name": "a", "job": "x", "user": "root"}),
    (b"A=1\n", {"name": "B", "env": True, "value": "2", "user": "root"}),
    (b"A=1\nC=1\n", {"name": "B", "env": True, "value": "2", "insertafter": "A", "user": "root"}),
    (b"A=1\nC=1\n", {"name": "B", "env": True, "value": "2", "insertbefore": "C", "user": "root"}),
    (b'A="1"\nA="2"\n', {"name": "A", "env": True, "value": "2", "user": "root"}),
    (b'A="1"\nx\nA="2"\n', {"name": "A", "env": True, "state": "absent", "user": "root"}),
    (b"x\n\n\n", {"name": "a", "job": "x", "user": "root"}),
    (b"x", {"name": "a", "state": "absent", "user": "root"}),
    (b"", {"name": "a", "state": "absent", "user": "root"}),
    ("é\n".encode(), {"name": "ü", "job": "ä", "user": "root"}),
    (None, {"name": "a", "user": "root"}),
    (None, {"name": "a b", "env": True, "value": "", "user": "root"}),
    (None, {"name": "a", "job": "x", "special_time": "daily", "minute": "1", "user": "root"}),
]


@pytest.mark.parametrize("is_file", [True, False])
@pytest.mark.parametrize(("content", "params"), CRON_CASES)
def test_cron_cases(content: bytes | None, params: Params, is_file: bool, tmp_path: pathlib.Path) -> None:
    compare(cron_twin, cron, content, params, {"cron_file": "/etc/cron.d/x"} if is_file else {}, tmp_path / "x")


def test_the_file_goes_with_its_last_job(tmp_path: pathlib.Path) -> None:
    content = b"#Ansible: a\n* * * * * root x\n\n \n"
    compare(cron_twin, cron, content, {"name": "a", "state": "absent"}, {"cron_file": "/etc/cron.d/x"}, tmp_path / "x")
    assert not (tmp_path / "x").exists()


def test_lines_of_crontab_are_no_lines_of_the_user(tmp_path: pathlib.Path) -> None:
    """Their crontab(1) writes those lines anew, ours keeps them: so without them the two are equal."""
    place = tmp_path / "x"
    place.write_bytes(HEADER.encode() + b"y\n")
    theirs(cron_twin, {"name": "a", "job": "x", "user": "root"}, place)
    rpc = FakeRpc()
    rpc.add_file("/etc/passwd", PASSWD)
    rpc.add_file("/var/spool/cron/tabs/root", HEADER.encode() + b"y\n")
    run(cron, rpc, given={"name": "a", "job": "x"})
    assert rpc.nodes["/var/spool/cron/tabs/root"].content == HEADER.encode() + place.read_bytes()


# fstab


@pytest.fixture(scope="module")
def mount_twin() -> types.ModuleType:
    return pytest.importorskip("ansible_collections.ansible.posix.plugins.modules.mount")


FIELDS = st.sampled_from(
    ["/a", "/b", "none", "x", "UUID=1", "swap", "ext4", "defaults", "ro,noauto", "0", "1", "a\\040b"]
)
FSTAB_LINES = st.one_of(
    st.sampled_from(["", "# comment", "  # x", "x /a ext4 defaults", "x /a ext4 defaults 0 0", "y none swap sw 0 0"]),
    st.builds(
        lambda fields, gap: gap.join(fields), st.lists(FIELDS, min_size=6, max_size=6), st.sampled_from([" ", "\t"])
    ),
    st.builds(" ".join, st.lists(FIELDS, max_size=7)),
)
FSTAB_TEXT = st.builds(
    lambda lines, end: ("\n".join(lines) + end).encode(),
    st.lists(FSTAB_LINES, max_size=6),
    st.sampled_from(["\n", "\n", ""]),
)
FSTAB_PARAMS = st.fixed_dictionaries(
    {
        "path": st.sampled_from(["/a", "/a", "/b", "none", "/a b"]),
        "src": st.sampled_from(["x", "y", "UUID=1", "//s/a b", "a\\b"]),
        "fstype": st.sampled_from(["ext4", "swap", "nfs"]),
        "state": st.sampled_from(["present", "present", "absent_from_fstab"]),
    },
    optional={
        "opts": st.sampled_from(["defaults", "ro,noauto", "sw"]),
        "dump": st.sampled_from(["0", "1"]),
        "passno": st.sampled_from(["0", "2"]),
    },
)


def is_short(content: bytes | None) -> bool:
    """Whether a line leaves out fields, which the twin does not remove."""
    lines = (content or b"").split(b"\n")
    return any(4 <= len(line.split(b"#")[0].split()) < 6 or b"#" in line.strip()[1:] for line in lines)


@given(content=st.one_of(st.none(), FSTAB_TEXT), params=FSTAB_PARAMS)
@few
def test_fstab(content: bytes | None, params: Params, mount_twin: types.ModuleType, tmp_path: pathlib.Path) -> None:
    if params["state"] != "present" and (is_short(content) or content is None):
        return
    compare(mount_twin, fstab, content, params, {"fstab": "/etc/fstab"}, tmp_path / "fstab")


A: Params = {"path": "/a", "src": "x", "fstype": "ext4", "state": "present"}
FSTAB_CASES: list[tuple[bytes | None, Params]] = [
    (None, A),
    (b"", A),
    (b"# only\n", A),
    (b"x /a ext4 defaults 0 0\n", A),
    (b"x /a ext4 defaults 0 0", A),
    (b"x\t/a\text4\tdefaults\t0\t0\n", A),
    (b"x\t/a\text4\tdefaults\t0\t0\n", {**A, "opts": "ro"}),
    (b"x /a ext4 defaults\n", A),
    (b"x /a ext4 defaults 0\n", A),
    (b"x /a ext4 defaults 0 0 0\n", A),
    (b"x /a ext4 defaults 0 0 # mine\n", {**A, "passno": "2"}),
    (b"y /a ext4 defaults 0 0\nx /b ext4 ro 0 0\nx /a ext4 defaults 0 0\n", A),
    (b"x /b ext4 ro 0 0", A),
    (b"x /a\\040b ext4 defaults 0 0\n", {**A, "path": "/a b"}),
    (None, {**A, "src": "//s/a b&c\\d", "opts": "user=a b"}),
    (None, {**A, "boot": False}),
    (None, {**A, "boot": False, "opts": "ro"}),
    (None, {**A, "opts": "noauto"}),
    (b"x /a ext4 defaults 0 0\n", {**A, "dump": "1", "passno": "2"}),
    (b"p none swap sw 0 0\n", {"path": "none", "src": "q", "fstype": "swap", "opts": "sw", "state": "present"}),
    (b"p none swap sw 0 0\n", {"path": "none", "src": "p", "fstype": "swap", "opts": "pri=1", "state": "present"}),
    (b"p none swap sw 0 0\nq none swap sw 0 0\n", {"path": "none", "src": "p", "state": "absent_from_fstab"}),
    (b"x /a ext4 defaults 0 0\ny /b ext4 ro 0 0\n", {"path": "/a", "state": "absent_from_fstab"}),
    (b"x /a ext4 defaults 0 0\ny /b ext4 ro 0 0", {"path": "/a", "state": "absent_from_fstab"}),
    (b"y /b ext4 ro 0 0\nx /a ext4 defaults 0 0", {"path": "/a", "state": "absent_from_fstab"}),
    (b"\nx /a ext4 defaults 0 0", {"path": "/a", "state": "absent_from_fstab"}),
    (b"#x /a ext4 defaults 0 0\n", {"path": "/a", "state": "absent_from_fstab"}),
]  # fmt: skip


@pytest.mark.parametrize(("content", "params"), FSTAB_CASES)
def test_fstab_cases(
    content: bytes | None, params: Params, mount_twin: types.ModuleType, tmp_path: pathlib.Path
) -> None:
    compare(mount_twin, fstab, content, params, {"fstab": "/etc/fstab"}, tmp_path / "fstab")


@pytest.mark.skipif(shutil.which("findmnt") is None, reason="util-linux's findmnt is not here")
@pytest.mark.parametrize("value", ["a b", "a\\b", "a\\040b", "a&b", "a\tb", "a\nb", "#a", "a#b", 'a"b', "é", "a,b=c"])
def test_util_linux_reads_what_is_written(value: str, tmp_path: pathlib.Path) -> None:
    rpc = FakeRpc()
    rpc.add_file("/etc/fstab", b"# comment\nmalformed\n")
    run(
        fstab,
        rpc,
        src=f"/dev/{value}",
        given={"path": f"/{value}", "state": "present"},
        fstype="ext4",
        opts=f"x={value}",
    )
    (tmp_path / "fstab").write_bytes(rpc.nodes["/etc/fstab"].content)
    columns = ["--output", "SOURCE,TARGET,FSTYPE,OPTIONS"]
    command = ["findmnt", "--tab-file", str(tmp_path / "fstab"), "--json", "--list", *columns]
    done = subprocess.run(command, check=True, capture_output=True, env={**os.environ, "LC_ALL": "C.UTF-8"})
    assert json.loads(done.stdout)["filesystems"] == [
        {"source": f"/dev/{value}", "target": f"/{value}", "fstype": "ext4", "options": f"x={value}"}
    ]


# sysctl; the twin would have the host read the file unless it is told not to


@pytest.fixture(scope="module")
def sysctl_twin() -> types.ModuleType:
    return pytest.importorskip("ansible_collections.ansible.posix.plugins.modules.sysctl")


SYSCTL_LINES = st.sampled_from(
    [
        "a.b=1",
        "a.b = 1",
        " a.b=2 ",
        "c=1",
        "c = 2 3",
        "#a.b=1",
        "; c",
        "",
        "  ",
        "x",
        "-a.b=1",
        "a.b=",
        "=",
        "a.b==1",
        "é=é",
    ]
)
SYSCTL_TEXT = st.builds(
    lambda lines, end: (end.join(lines) + end).encode(),
    st.lists(SYSCTL_LINES, max_size=7),
    st.sampled_from(["\n", "\n", "\r\n"]),
)
SYSCTL_PARAMS = st.fixed_dictionaries(
    {
        "name": st.sampled_from(["a.b", "c", " c ", "new"]),
        "value": st.sampled_from(["1", "2", "yes", "Off", " 3 ", "2 3", "é"]),
        "state": st.sampled_from(["present", "present", "absent"]),
    }
)


def has_empty(content: bytes | None) -> bool:
    """Whether a value is empty, which the twin does not remove, or a key is there twice, of which it takes both."""
    keys = [line.partition(b"=")[0].strip() for line in (content or b"").splitlines() if b"=" in line]
    return b"a.b=\n" in (content or b"").replace(b"\r", b"") or len(set(keys)) != len(keys)


@given(content=st.one_of(st.none(), SYSCTL_TEXT), params=SYSCTL_PARAMS)
@few
def test_sysctl(content: bytes | None, params: Params, sysctl_twin: types.ModuleType, tmp_path: pathlib.Path) -> None:
    if params["state"] == "absent" and has_empty(content):
        return
    where = {"sysctl_file": "/etc/sysctl.d/x.conf"}
    compare(sysctl_twin, sysctl, content, {**params, "reload": False}, where, tmp_path / "x.conf")


SYSCTL_CASES: list[tuple[bytes | None, Params]] = [
    (None, {"name": "a", "value": "1"}),
    (None, {"key": "a", "val": "1"}),
    (None, {"name": "a", "state": "absent"}),
    (b"", {"name": "a", "value": "1"}),
    (b"a = 1\n", {"name": "a", "value": "1"}),
    (b"a=1", {"name": "a", "value": "1"}),
    (b"a=1\nb = 2\n", {"name": "a", "value": "3"}),
    (b"a=1\nb = 2\nb = 3\n", {"name": "a", "value": "3"}),
    (b"a=1\na=2\n", {"name": "a", "value": "2"}),
    (b"a=1\na=2\n", {"name": "a", "value": "1"}),
    (b"# c\n\n  x \na=1\n", {"name": "a", "state": "absent"}),
    (b"a=1\tb\n", {"name": "a", "value": "1 b"}),
    (b"a=1\n", {"name": "b", "value": "true"}),
    (b"a=1\r\n", {"name": "b", "value": "1"}),
    (b"a=1\n", {"name": "a", "value": "", "state": "present"}),
    (b"a=1\n", {"name": "", "value": "1"}),
    (b"net.ipv4.tcp_rmem = 4096 87380 16777216\n", {"name": "net.ipv4.tcp_rmem", "value": "4096 87380 16777216"}),
]


@pytest.mark.parametrize(("content", "params"), SYSCTL_CASES)
def test_sysctl_cases(
    content: bytes | None, params: Params, sysctl_twin: types.ModuleType, tmp_path: pathlib.Path
) -> None:
    where = {"sysctl_file": "/etc/sysctl.d/x.conf"}
    compare(sysctl_twin, sysctl, content, {**params, "reload": False}, where, tmp_path / "x.conf")
