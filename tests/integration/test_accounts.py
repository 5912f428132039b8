# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The modules user, group and authorized_key through ``ansible-playbook``, on one guest in one session."""

from __future__ import annotations

import base64
import json

import pytest
from conftest import Copier
from guest_files import GuestStat, list_guest, read_guest_file, stat_guest
from harness import Harness, Task, left_in

pytestmark = pytest.mark.appliance

HASH = "$6$rounds=5000$anothersalt$" + "y" * 86
BLOB = base64.b64encode(b"\0\0\0\x0bssh-ed25519\0\0\0\x20" + b"k" * 32).decode()
KEY = f"ssh-ed25519 {BLOB} deploy@example.com"
EPOCH = "1700000000"  # day 19675
KEYS: Task = {"user": "deploy", "key": KEY}

TASKS: dict[str, Task] = {
    "group": {"offline.guest.group": {"name": "crew", "gid": 1750}},
    "user": {
        "offline.guest.user": {
            "name": "deploy",
            "comment": "Deployer",
            "groups": ["crew", "sudo"],
            "append": True,
            "password": HASH,
            "expires": 1904256000,
            "password_expire_max": 90,
            "shell": "/bin/zsh",
            "uid": 1600,
        }
    },
    "system user": {
        "offline.guest.user": {"name": "svc", "system": True, "home": "/var/lib/deep/svc", "shell": "/bin/false"}
    },
    "removed": {"offline.guest.user": {"name": "alice", "state": "absent", "remove": True}},
    "locked": {"offline.guest.user": {"name": "root", "password_lock": True}},
    "key": {"offline.guest.authorized_key": KEYS},
    "key with options": {
        "offline.guest.authorized_key": {
            **KEYS,
            "path": "/etc/ssh/keys.d/deploy",
            "manage_dir": False,
            "exclusive": True,
            "comment": "c d",
            "key_options": 'from="192.0.2.0/24,::1",no-pty',
        }
    },
    "group removed": {"offline.guest.group": {"name": "tty", "state": "absent"}},
}


def test_accounts(harness: Harness, image_copy: Copier) -> None:
    image = image_copy("debian-like", "raw")
    before = {name: read_guest_file(image, f"/etc/{name}").decode() for name in ("passwd", "shadow", "group")}
    calls = harness.four_calls_in_session([*TASKS.values()], image, environment={"SOURCE_DATE_EPOCH": EPOCH})
    found = dict(zip(TASKS, calls))
    assert HASH not in json.dumps([dict(call.result) for four in calls for call in four])

    created = found["user"][1]
    assert (created["uid"], created["home"], created["password"]) == (1600, "/home/deploy", "NOT_LOGGING_PASSWORD")
    assert "'/bin/zsh' is missing" in created.warnings[0]
    assert created.diff["after"]["home_and_mail"][0] == "make /home/deploy"
    assert found["key"][1]["keyfile"] == "/home/deploy/.ssh/authorized_keys"
    assert found["system user"][1]["uid"] == 104, "the guest's sshd has 105"

    alice = next(line for line in before["passwd"].splitlines(True) if line.startswith("alice:"))
    new = "deploy:x:1600:100:Deployer:/home/deploy:/bin/zsh\nsvc:x:104:100::/var/lib/deep/svc:/bin/false\n"
    assert read_guest_file(image, "/etc/passwd").decode() == before["passwd"].replace(alice, "") + new
    shadow = read_guest_file(image, "/etc/shadow").decode()
    assert shadow.startswith("root:!*:19700:") and "alice" not in shadow
    assert shadow.endswith(f"deploy:{HASH}:19675::90:::22040:\nsvc:!:19675::::::\n")
    group = before["group"].replace("alice\n", "\n").replace("sudo:x:27:", "sudo:x:27:deploy").replace("tty:x:5:\n", "")
    assert read_guest_file(image, "/etc/group").decode() == f"{group}crew:x:1750:deploy\n"
    assert read_guest_file(image, "/etc/gshadow").decode().endswith("crew:!::deploy\n")
    assert read_guest_file(image, "/etc/subuid") == b"deploy:165536:65536\n"

    assert attributes(stat_guest(image, "/etc/shadow")) == (0o640, 0, 42)
    assert attributes(stat_guest(image, "/home/deploy")) == (0o755, 1600, 100)
    assert attributes(stat_guest(image, "/home/deploy/.bashrc")) == (0o644, 1600, 100)
    assert attributes(stat_guest(image, "/var/lib/deep")) == (0o755, 0, 0)
    assert attributes(stat_guest(image, "/var/lib/deep/svc")) == (0o755, 104, 100)
    assert list_guest(image, "/home") == ["deploy"]

    assert read_guest_file(image, "/home/deploy/.ssh/authorized_keys").decode() == f"{KEY}\n"
    assert attributes(stat_guest(image, "/home/deploy/.ssh")) == (0o700, 1600, 100)
    assert attributes(stat_guest(image, "/home/deploy/.ssh/authorized_keys")) == (0o600, 1600, 100)
    line = f'from="192.0.2.0/24,::1",no-pty ssh-ed25519 {BLOB} c d\n'
    assert read_guest_file(image, "/etc/ssh/keys.d/deploy").decode() == line
    assert attributes(stat_guest(image, "/etc/ssh/keys.d")) == (0o755, 0, 0)
    assert left_in(image.parent) == []


def attributes(found: GuestStat | None) -> tuple[int, int, int] | None:
    return None if found is None else (found.mode, found.uid, found.gid)
