# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two clones of one golden image boot: all that was configured is in force, and what must differ does.

The image is a real Debian, made ready in one session. Each clone says at its first boot how it sees itself, and powers
itself off; the rest is read from its stopped disk by the product's own modules.
"""

from __future__ import annotations

import base64
import subprocess
import typing as t
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import images
import pytest
from guest_files import boot_files
from harness import Harness, Run, Task
from machine import Machine
from tasks import COMMIT, DISCARD, OPEN, ended

pytestmark = [pytest.mark.appliance, pytest.mark.boot]

DEADLINE = 1800
NAMES = ("first", "second")
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl deploy@example.com"
#: Of "secret", with the salt "salt".
HASH = "$6$salt$egUAHvRYLbPfWDPpX.lxuNEkEQ.aB5xUUNIPTqCTlLkF0CtnCtTMDKMHWMDJJkoOYl0hUiZWHcI.yVLd5/Jvb1"
ADDRESS = "10.0.2.40/24"  # in QEMU's user network
UNIT = """\
[Unit]
Description=Ours

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh -c 'echo ours >/run/ours'

[Install]
WantedBy=multi-user.target
"""
REPORT = f"""\
tries=0
until ip -4 -o addr show scope global | grep -q '{ADDRESS}' || [ "$tries" -ge 60 ]; do
    tries=$((tries + 1))
    sleep 1
done
echo "address: $(ip -4 -o addr show scope global | awk '{{print $4}}')"
echo "route: $(ip -4 route show default | awk '{{print $3}}')"
echo "name: $(uname -n)"
echo "zone: $(date +%Z)"
echo "groups: $(id -Gn deploy)"
echo "sudo: $(su -c 'sudo -n id -un' deploy)"
echo "unit: $(systemctl is-active ours) $(cat /run/ours)"
echo "ssh: $(systemctl is-active ssh)"
"""
POWER_OFF = """\
exec </dev/null >/dev/null 2>&1
(while [ -e /var/lib/offline-guest/firstboot/pending ]; do sleep 1; done; systemctl poweroff) &
"""
CHANGES: list[Task] = [
    {"offline.guest.hostname": {"name": "clone"}},
    {"offline.guest.timezone": {"name": "Asia/Tokyo"}},
    {"offline.guest.group": {"name": "deploy", "gid": 1750}},
    {
        "offline.guest.user": {
            "name": "deploy",
            "uid": 1750,
            "group": "deploy",
            "groups": ["sudo", "users"],
            "shell": "/bin/bash",
            "password": HASH,
        }
    },
    {"offline.guest.authorized_key": {"user": "deploy", "key": KEY}},
    {
        "offline.guest.copy": {
            "dest": "/etc/sudoers.d/deploy",
            "content": "deploy ALL=(ALL) NOPASSWD: ALL\n",
            "mode": "0440",
        }
    },
    {"offline.guest.systemd_unit": {"name": "ours.service", "content": UNIT, "enabled": True}},
    {
        "offline.guest.network": {
            "name": "lan",
            "mac": "52:54:00:12:34:56",  # what QEMU gives the first card
            "addresses": [ADDRESS],
            "gateway4": "10.0.2.2",
        }
    },
    {"offline.guest.ssh_host_keys": {"state": "absent", "regenerate": "firstboot"}},
    {"offline.guest.machine_id": {"state": "empty"}},
    {"offline.guest.firstboot": {"name": "90-report", "content": REPORT, "timeout": 300}},
    {"offline.guest.firstboot": {"name": "99-power-off", "content": POWER_OFF}},
]
EXPECTED = {
    "address": ADDRESS,
    "route": "10.0.2.2",
    "name": "clone",
    "zone": "JST",
    "groups": "deploy sudo users",
    "sudo": "root",
    "unit": "active ours",
    "ssh": "active",
}


def golden(harness: Harness, image: Path) -> str:
    """Make the image; returns under which accelerator the appliance ran. A second time there is nothing to do."""
    done = harness.play([OPEN, *ended([*CHANGES, COMMIT])], image=image).ok()
    assert all(task.changed for task in done.tasks if task.name not in ("open", "commit")), done.output
    again = harness.play([OPEN, *ended([*CHANGES, COMMIT])], image=image).ok()
    assert [task.action for task in again.tasks if task.changed] == []
    return str(again["commit"]["accelerator"])


def boot(harness: Harness, image: Path, accelerator: str) -> str:
    """Run a clone until it powers itself off; returns what was on its console."""
    folder = image.parent
    kernel, initrd = boot_files(image, folder)
    machine = Machine(image, "raw", kernel, initrd, accelerator, folder / "console")
    machine.run(harness.environment(), DEADLINE)
    return machine.said()


def look(harness: Harness, image: Path) -> Run:
    """Ask the product what became of a clone."""
    files = {"id": "/etc/machine-id", "key": "/etc/ssh/ssh_host_ed25519_key.pub", "shadow": "/etc/shadow"}
    reads: list[Task] = [{"name": name, "offline.guest.slurp": {"src": path}} for name, path in files.items()]
    again = {**CHANGES[3], "name": "user", "check_mode": True}
    return harness.play(
        [OPEN, {"name": "scripts", "offline.guest.firstboot_info": {}}, *reads, again, DISCARD], image=image
    ).ok()


@pytest.fixture(scope="module")
def clones(harness: Harness, tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[list[tuple[str, Run]]]:
    """Console, and what our modules say, of each clone after its boot."""
    folder = tmp_path_factory.mktemp("clones")
    image = images.copy(images.REAL, folder / "golden.raw", "raw")
    accelerator = golden(harness, image)
    copies = [folder / name / "clone.raw" for name in NAMES]
    for copy in copies:
        copy.parent.mkdir()
        subprocess.run(["cp", "--sparse=always", str(image), str(copy)], check=True)
    with ThreadPoolExecutor(len(copies)) as pool:
        consoles = list(pool.map(lambda copy: boot(harness, copy, accelerator), copies))
    yield [(console, look(harness, copy)) for console, copy in zip(consoles, copies)]
    for path in (image, *copies):
        path.unlink()


def content(run: Run, name: str) -> str:
    return base64.b64decode(run[name]["content"]).decode()


def test_each_clone_is_as_it_was_made(clones: list[tuple[str, Run]]) -> None:
    for console, run in clones:
        scripts = {script["name"]: script for script in run["scripts"]["scripts"]}
        said = dict(line.split(": ", 1) for line in scripts["90-report"]["log"].splitlines() if ": " in line)
        assert said == EXPECTED, console[-4000:]
        assert not run["user"].changed
        assert f"deploy:{HASH}:" in content(run, "shadow")


def test_what_clones_must_not_share_is_fresh(clones: list[tuple[str, Run]]) -> None:
    for name, length in (("id", 33), ("key", 60)):
        values = [content(run, name) for _console, run in clones]
        assert len(set(values)) == len(NAMES), values
        assert all(len(value) >= length for value in values), values


def test_no_password_is_shown(clones: list[tuple[str, Run]]) -> None:
    for _console, run in clones:
        assert HASH not in run.output
