# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check mode is exact: a whole playbook under ``--check --diff``, tasks that only plan, and sessions in check mode."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from guest_files import read_guest_file, stat_guest
from harness import Harness, Run, Task, TaskResult, sha256
from tasks import COMMIT, DISCARD, OPEN, REPORT, edit, ended, firstboot, tried

pytestmark = pytest.mark.appliance

MIB = 1024 * 1024
CONFIG = "/etc/app/server.conf"


def ini(**options: t.Any) -> dict[str, t.Any]:
    return {"ini": {"section": "server", **options}}


#: Most tasks would fail, or show another difference, without what those before them did.
CHAIN: list[Task] = [
    edit("create", CONFIG, ini(option="port", value="80", ignore_spaces=True), create=True, owner="alice"),
    edit("change a line of it", CONFIG, {"regexp": "^port = 80$", "replace": "port=80"}),
    edit("add to it", CONFIG, ini(option="host", value="::")),
    edit("its mode", CONFIG, {"regexp": "^nothing$", "state": "absent"}, mode="0640", group="www-data"),
    edit("beside it", "/etc/app/client.conf", {"line": "Include server.conf"}, create=True),
    edit("comment", "/etc/sysctl.d/app.conf", {"line": "# for the app"}, create=True),
    edit("augeas", "/etc/sysctl.d/app.conf", {"augeas": {"path": "vm.swappiness", "value": "10", "lens": "Sysctl"}}),
    edit("block", "/etc/hosts", {"block": "192.0.2.7 app"}),
    edit("after the block", "/etc/hosts", {"line": "192.0.2.8 db", "insertafter": "^# END"}),
    edit("host name", "/etc/hostname", {"regexp": "^.+", "line": "app"}, backup=True),
    {"name": "info", "offline.guest.os_info": {}},
    firstboot("20-app", content="#!/bin/sh\necho app\n"),
    firstboot("10-agent", packages=["qemu-guest-agent"]),
    REPORT,
    {"name": "resize", "offline.guest.resize": {"size": "288M"}},
    {"name": "sizes", "offline.guest.os_info": {"gather": ["filesystems", "disk"]}},
    edit("after the resize", CONFIG, {"line": "; end"}),
]
READ_ONLY = {"open", "info", "report", "sizes"}


def play_chain(harness: Harness, image: Path, image_format: str, *, check: bool) -> Run:
    return harness.play(
        ended([OPEN, *CHAIN, COMMIT]),
        image=image,
        image_format=image_format,
        check=check,
        diff=True,
        environment={"SOURCE_DATE_EPOCH": "1700000000"},  # for the name of the backup
        timeout=2400,
    ).ok()


@pytest.mark.parametrize("image_format", ["qcow2"])  # raw passes as well; five launches are enough
def test_a_check_shows_what_the_run_then_does(
    harness: Harness, image_copy: t.Callable[..., Path], image_format: str
) -> None:
    image = image_copy("debian-like", image_format)
    before = sha256(image)
    checked = play_chain(harness, image, image_format, check=True)
    assert sha256(image) == before, "a check changed the image"
    assert [path.name for path in image.parent.iterdir()] == [image.name]
    done = play_chain(harness, image, image_format, check=False)
    assert sha256(image) != before
    assert [task.name for task in checked.tasks] == [task.name for task in done.tasks]
    for foreseen, seen in zip(checked.tasks, done.tasks):
        assert foreseen.check and not seen.check
        assert comparable(foreseen) == comparable(seen), seen.name
        assert seen.changed == (seen.name not in READ_ONLY), seen.name
    assert_was_done(done, image, image_format)
    written = sha256(image)
    again = play_chain(harness, image, image_format, check=False)
    assert [task.name for task in again.tasks if task.changed] == []
    assert again["commit"]["changes"] == []
    assert sha256(image) == written, "changed=false, but the image is another"


def comparable(task: TaskResult) -> dict[str, t.Any]:
    """Return a whole result less what says that it was a check, and how the appliance happened to be started.

    The counts of free blocks differ with every mount.
    """
    found = {key: value for key, value in task.result.items() if key not in ("invocation", "warnings", "start")}
    for system in found.get("systems", []):
        for filesystem in system.get("filesystems") or []:
            filesystem.pop("used", None)
            filesystem.pop("available", None)
    return found


def assert_was_done(run: Run, image: Path, image_format: str) -> None:
    """Look at the image, and at what the later tasks of the session saw of the earlier ones."""
    expected = b"[server]\nport=80\nhost = ::\n; end\n"
    assert read_guest_file(image, CONFIG, image_format) == expected
    assert "-port = 80" not in str(run["after the resize"].diff)
    assert run["change a line of it"].diff[0]["before"] == "[server]\nport = 80\n"
    found = stat_guest(image, CONFIG, image_format)
    assert found is not None and (found.uid, found.gid, found.mode) == (1000, 33, 0o640)
    assert run["info"]["systems"][0]["hostname"] == "app", "os_info did not see what an edit before it did"
    assert run["report"]["to_run"] == ["10-agent", "20-app"]
    assert [script["state"] for script in run["report"]["scripts"]] == ["pending", "pending"]
    assert run["sizes"]["disk"]["size"] == 288 * MIB
    assert run["sizes"]["systems"][0]["filesystems"][0]["size"] > 240 * MIB
    # Of the guest's file and not of the host's by the same name, which Ansible itself would add.
    about = ("mode", "owner", "group", "size")
    assert [run["host name"][key] for key in about] == ["0644", 0, 0, len("app\n")]
    assert not {"uid", "gid", "state"} & set(run["host name"].result)
    backup = run["host name"]["backup_file"]
    assert read_guest_file(image, backup, image_format) == b"debian\n"


def test_a_checked_task_of_a_kept_session_only_plans(harness: Harness, image_copy: t.Callable[..., Path]) -> None:
    image = image_copy("debian-like")
    before = sha256(image)
    make = edit("make", "/etc/planned.conf", {"line": "planned"}, create=True)
    script = firstboot("10-run", commands=["true"])
    resize: Task = {"name": "resize", "offline.guest.resize": {"size": "288M"}}
    checked = [{**task, "check_mode": True, "diff": True} for task in (make, script, resize)]
    tasks: list[Task] = [
        OPEN,
        *checked,
        tried(edit("depends on it", "/etc/planned.conf")),
        REPORT,
        {"name": "sizes", "offline.guest.os_info": {"gather": ["disk"]}},
        {**COMMIT, "name": "commit in check mode", "check_mode": True},
        edit("still open", "/etc/motd.new", create=True),
        {**COMMIT, "name": "commit that would be", "check_mode": True},
        {**DISCARD, "name": "discard in check mode", "check_mode": True},
        DISCARD,
        tried(COMMIT),
    ]
    run = harness.play(ended(tasks), image=image).ok()
    for task in checked:
        assert run[task["name"]].changed and run[task["name"]].diff
    assert "There is no '/etc/planned.conf' in the guest" in run["depends on it"].msg
    assert run["report"]["scripts"] == [] and not run["report"]["runner_installed"]
    assert run["sizes"]["disk"]["size"] == 256 * MIB
    assert (run["commit in check mode"]["state"], run["commit in check mode"].changed) == ("open", False)
    assert (run["commit that would be"]["state"], run["commit that would be"].changed) == ("open", True)
    assert [change["task"] for change in run["discard"]["changes"]] == ["offline.guest.edit"]
    assert "has no open session to commit" in run["commit"].msg
    assert sha256(image) == before
    assert [path.name for path in image.parent.iterdir()] == [image.name]


def test_a_session_in_check_mode_takes_no_work_that_is_to_last(
    harness: Harness, image_copy: t.Callable[..., Path]
) -> None:
    image = image_copy("debian-like", "qcow2")
    before = sha256(image)
    make = edit("make", "/etc/new.conf", {"line": "new"}, create=True)
    tasks: list[Task] = [
        {**OPEN, "check_mode": True},
        {**make, "name": "in earnest", "ignore_errors": True},
        {**OPEN, "name": "open in earnest", "ignore_errors": True},
        {"name": "info", "offline.guest.os_info": {"gather": ["min"]}},
        {**make, "check_mode": True},
        {**edit("depends on it", "/etc/new.conf", {"line": "more"}), "check_mode": True},
        {**COMMIT, "check_mode": True},
        {**DISCARD, "name": "nothing is open"},
    ]
    run = harness.play(ended(tasks), image=image, image_format="qcow2").ok()
    assert "was opened in check mode, so what this task does would be lost" in run["in earnest"].msg
    assert "has an open session that was opened in check mode" in run["open in earnest"].msg
    assert run["info"]["systems"][0]["distro"] == "debian"
    assert run["make"].changed and run["depends on it"].changed
    assert run["commit"].changed and len(run["commit"]["changes"]) == 2
    assert run["nothing is open"]["changes"] == []
    assert sha256(image) == before
    assert [path.name for path in image.parent.iterdir()] == [image.name]
