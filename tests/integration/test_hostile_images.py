# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Malicious images through real modules: refused before QEMU sees them, or used as what they are stated to be.

The images are those of the unit tests' header_cases, where other tests show that QEMU itself does give out the secret
of those that are marked so.
"""

from __future__ import annotations

import base64
import json
import os
import struct
import subprocess
import time
import typing as t
from pathlib import Path

import images
import pytest
from ansible_collections.offline.guest.tests.unit.appliance import header_builders as make
from ansible_collections.offline.guest.tests.unit.appliance.header_cases import CASES, SECRET, SECRET_NAME, Case
from guest_files import read_guest_file
from harness import Harness, Run, Task, sha256
from recorder import Recorder
from tasks import COMMIT, OPEN, edit, ended, tried

#: Part of the secret, plain, as hex digits, and in Base64, where it depends on what was before it.
_PART = b"VERYSECRETHASH"
TRACES = [_PART, _PART.hex().encode(), *(base64.b64encode(_PART[skipped:-3])[:12] for skipped in range(3))]


def traces_in(run: Run) -> list[bytes]:
    """Return which traces of the secret are in anything that a run said or returned."""
    said = json.dumps([task.__dict__ for task in run.tasks], default=str) + run.output
    return [trace for trace in TRACES if trace in said.encode("utf-8", "surrogateescape")]


def commands_naming(recorder: Recorder, text: str) -> list[str]:
    """Return the recorded command lines, of QEMU and its tools, in which ``text`` is."""
    lines = [f"{command['program']} {' '.join(command['argv'])}" for command in recorder.commands()]
    return [line for line in lines if text in line]


def _task(number: int, case: Case, params: dict[str, t.Any]) -> Task:
    """Every other case goes to a module that reads, and the rest to one that writes."""
    name = f"{case.format} {case.name}"
    if number % 2:
        return tried(edit(name, "/etc/motd", **params))
    return tried({"name": name, "offline.guest.os_info": params})


def _digests(folder: Path) -> dict[str, str]:
    return {str(path): sha256(path) for path in sorted(folder.rglob("*")) if path.is_file()}


def test_every_malicious_header_is_refused_before_qemu_sees_it(
    harness: Harness, recorder: Recorder, tmp_path: Path
) -> None:
    tasks = []
    for number, case in enumerate(CASES):
        folder = tmp_path / f"case{number}"
        folder.mkdir()
        tasks.append(_task(number, case, case.write(folder)))
    before = _digests(tmp_path)
    # -vvv shows all that Ansible has of a task, and what the module's process said. Pipelining is for the speed.
    run = harness.play(tasks, arguments=["-vvv"], environment={"ANSIBLE_PIPELINING": "1"}).ok()
    assert len(run.tasks) == len(CASES) >= 15
    wrong = [
        f"{task.name}: {task.status}: {task.msg}"
        for task, case in zip(run.tasks, CASES)
        if task.status != "ignored" or case.error not in task.msg
    ]
    assert not wrong, "\n".join(wrong)
    assert traces_in(run) == []
    assert commands_naming(recorder, str(tmp_path)) == []
    assert _digests(tmp_path) == before, "something was changed, or left beside an image"


def test_a_trace_of_the_secret_would_be_noticed() -> None:
    for said in (SECRET.decode(), SECRET.hex(), *(base64.b64encode(SECRET[start:]).decode() for start in range(3))):
        assert traces_in(Run(0, f"It holds {said}", "", ())), said


def _forged_header(secret: Path) -> bytes:
    """Return a qcow2 header whose tables are all in its second sector, so that it fits before an ext4 superblock.

    With clusters of 512 bytes, that sector of zeros is at once the L1 table, the refcount table, and proof that no
    cluster is allocated: everything is read from the backing file.
    """
    extension = make.extension(make.BACKING_FORMAT, b"raw")
    header = bytearray(make.qcow2(cluster_bits=9, size=SECTORS, backing=os.fsencode(secret), extensions=extension))
    assert not any(header[512:1024]), "the path of the secret is too long for the first cluster"
    struct.pack_into(">QQ", header, 40, 512, 512)
    return bytes(header[:1024])


SECTORS = 32 * 1024  # what one L1 entry covers


@pytest.mark.appliance
def test_a_forged_header_in_a_raw_image_stays_data(
    harness: Harness, recorder: Recorder, image_copy: t.Callable[..., Path], tmp_path: Path
) -> None:
    secret = tmp_path / SECRET_NAME
    secret.write_bytes(SECRET)
    image = image_copy("whole-disk-ext4")
    forged = _forged_header(secret)
    with open(image, "r+b") as stream:  # an ext4 file system leaves the first 1024 bytes of the disk to others
        stream.write(forged)
    # The forgery is no toy: whoever guesses the format takes the file for qcow2, and gives out the secret.
    guessed = subprocess.run(["qemu-img", "convert", "-O", "raw", str(image), str(tmp_path / "leaked")], check=False)
    assert guessed.returncode == 0 and SECRET in (tmp_path / "leaked").read_bytes()
    info: Task = {"name": "info", "offline.guest.os_info": {"gather": ["all"]}}
    tasks = [OPEN, info, edit("edit", "/etc/motd.new", create=True), COMMIT]
    run = harness.play(ended(tasks), image=image, diff=True, arguments=["-vvv"]).ok()
    assert run["info"]["systems"][0]["distro"] == "debian"
    assert run["info"]["disk"]["size"] == images.path("whole-disk-ext4").stat().st_size
    assert run["commit"].changed
    assert traces_in(run) == []
    assert commands_naming(recorder, str(image)), "the recorder saw nothing, so it proves nothing"
    assert commands_naming(recorder, SECRET_NAME) == []
    assert read_guest_file(image, "/etc/motd.new") == b"# added\n"
    assert SECRET not in image.read_bytes()
    with open(image, "rb") as stream:
        assert stream.read(1024) == forged


def _has_open(pid: int, path: Path) -> bool:
    wanted = path.stat().st_ino
    folder = Path(f"/proc/{pid}/fd")
    return any(entry.exists() and entry.stat().st_ino == wanted for entry in folder.iterdir())


@pytest.mark.parametrize("image_format", ["raw", "qcow2"])
def test_an_image_that_a_machine_uses_is_refused(
    harness: Harness, image_copy: t.Callable[..., Path], image_format: str
) -> None:
    image = image_copy("no-os", image_format)
    before = sha256(image)
    drive = f"file={image},format={image_format},if=none,id=disk"
    # It stands still before its first instruction, but holds its disk.
    machine = subprocess.Popen(
        ["qemu-system-x86_64", "-S", "-machine", "q35,accel=tcg", "-m", "32", "-nodefaults", "-display", "none"]
        + ["-drive", drive, "-device", "virtio-blk-pci,drive=disk"]
    )
    try:
        until = time.monotonic() + 120
        while not _has_open(machine.pid, image):
            assert machine.poll() is None, "QEMU ended"
            assert time.monotonic() < until, "QEMU never opened its disk"
            time.sleep(0.1)
        task = tried(edit("edit", "/etc/motd"))
        found = harness.play([task], image=image, image_format=image_format, module_defaults={"lock_timeout": 1}).ok()
    finally:
        machine.kill()
        machine.wait()
    assert found["edit"].failed
    assert f"is in use by process {machine.pid} (qemu-system-x86)" in found["edit"].msg
    assert [holder["pid"] for holder in found["edit"]["holders"]] == [machine.pid]
    assert sha256(image) == before
    assert [path.name for path in image.parent.iterdir()] == [image.name]
