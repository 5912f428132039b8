# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Guest programs never run: every module against a guest whose every program, library and init records being run."""

from __future__ import annotations

import os
import subprocess
import typing as t
from pathlib import Path

import images
import pytest
from guest_files import ext_offsets, extract, read_guest_file, stat_guest, trap_records
from harness import Harness, Run, Task, sha256
from tasks import COMMIT, DISCARD, OPEN, REPORT, edit, ended, firstboot, tried

MIB = 1024 * 1024
GROWN = 320 * MIB
MODULES = {"session", "os_info", "edit", "firstboot", "firstboot_info", "resize"}


INFO: Task = {"name": "info", "offline.guest.os_info": {"gather": ["all"]}}
GROW: Task = {"name": "resize", "offline.guest.resize": {"size": str(GROWN)}}

#: Every module, each kind of edit, each source of a firstboot script. Owners and groups are names of the guest.
WORK: list[Task] = [
    INFO,
    edit("line", "/etc/ssh/sshd_config", {"regexp": "^#?PermitRootLogin", "line": "PermitRootLogin no"}, backup=True),
    edit("block", "/etc/hosts", {"block": "192.0.2.1 trap"}),
    edit("replace", "/etc/hostname", {"regexp": "trap", "replace": "mouse"}),
    edit("ini", "/etc/app/app.ini", {"ini": {"section": "a", "option": "b", "value": "c"}}, create=True),
    edit("augeas", "/etc/hosts", {"augeas": {"path": "1/canonical", "value": "local"}}),
    edit("lens", "/etc/sysctl.d/1.conf", {"augeas": {"path": "vm.swappiness", "value": "1"}}, create=True),
    edit("owner", "/home/alice/.profile", {"line": "# hers"}, owner="alice", group="users", mode="u=rw,go="),
    edit("program", "/usr/bin/true", {"line": "# appended to a program"}),
    firstboot("10-content", content="#!/bin/bash\necho hello\n", user="alice", env={"A": "b"}),
    firstboot("20-commands", commands=["systemctl daemon-reload", "update-initramfs -u"], reboot=True),
    firstboot("30-packages", packages=["qemu-guest-agent"], retries=1),
    firstboot("40-gone", content="true\n"),
    firstboot("40-gone", state="absent"),
    GROW,
    REPORT,
]


def _modules_in(run: Run) -> set[str]:
    return {task.action.rpartition(".")[2] for task in run.tasks}


@pytest.mark.appliance
def test_no_program_of_the_guest_runs(harness: Harness, image_copy: t.Callable[..., Path]) -> None:
    """One session that is kept, then one that is thrown away after it did everything once more."""
    image = image_copy("trap")
    kept = harness.play(ended([OPEN, *WORK, COMMIT]), image=image, timeout=2400).ok()
    assert _modules_in(kept) == MODULES
    unchanged = {"open", "info", "report"}
    assert {task.name for task in kept.tasks if not task.changed} == unchanged
    assert kept["info"]["systems"][0]["packages"], "the list of packages was not read"
    assert kept["report"]["to_run"] == ["10-content", "20-commands", "30-packages"]
    assert trap_records(image) == {}
    # The work was done, so there was an opportunity to run something.
    assert read_guest_file(image, "/etc/hostname") == b"mouse\n"
    assert image.stat().st_size == GROWN
    before = sha256(image)
    record = tried(edit("record", images.TRAP_RECORDS[0]))
    undone: list[Task] = [
        firstboot("10-content", state="absent"),
        firstboot("20-commands", state="absent"),
        firstboot("30-packages", content="another\n"),
        edit("removed", "/etc/hosts", {"state": "absent", "marker": "# {mark} ANSIBLE MANAGED BLOCK"}),
        {"name": "fill", "offline.guest.resize": {}},  # a larger disk would start the appliance again
    ]
    discarded = harness.play(ended([OPEN, *WORK[:9], *undone, record, DISCARD]), image=image, timeout=2400).ok()
    # What is on the overlay goes with it, so this is asked before, of the appliance.
    assert f"There is no '{images.TRAP_RECORDS[0]}' in the guest" in discarded["record"].msg
    assert len(discarded["discard"]["changes"]) == 4
    assert sha256(image) == before


@pytest.mark.parametrize("program", ["/usr/bin/ls", "/usr/lib64/ld-linux-x86-64.so.2", "/usr/lib/systemd/systemd"])
def test_a_trap_that_is_run_is_found(image_copy: t.Callable[..., Path], tmp_path: Path, program: str) -> None:
    """The same bytes that are in the guest, run here: they record it, and in the guest's image the record is found.

    Only the names of the records are made relative, so that they are in this test's folder and not at the host's root.
    """
    image = image_copy("trap")
    assert trap_records(image) == {}
    trap = extract(image, program, tmp_path / "trap")
    content = trap.read_bytes()
    for record in images.TRAP_RECORDS:
        absolute = record.encode() + b"\0"
        assert absolute in content
        for before in (b"\0", b"\x05"):  # the end of the name before it, or of the code
            content = content.replace(before + absolute, before + absolute[1:] + b"\0")
    trap.write_bytes(content)
    trap.chmod(0o755)
    subprocess.run(["/bin/false"], executable=str(trap), cwd=tmp_path, check=True, timeout=60)
    written = tmp_path / "TRAP-WAS-RUN"
    assert written.read_bytes() == b"/bin/false\n"
    offset = ext_offsets(image)[0]
    subprocess.run(
        ["debugfs", "-w", "-R", f"write {written} {images.TRAP_RECORDS[0].lstrip('/')}", f"{image}?offset={offset}"],
        check=True,
        capture_output=True,
        env={**os.environ, "DEBUGFS_PAGER": "__none__"},
    )
    assert stat_guest(image, images.TRAP_RECORDS[0]) is not None
    assert trap_records(image) == {images.TRAP_RECORDS[0]: b"/bin/false\n"}
