# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The modules user, group and authorized_key through ``ansible-playbook``: what they do, what nobody sees of it, and
what they make of the files of a hostile guest.
"""

from __future__ import annotations

import base64
import hashlib
import json
import typing as t
from dataclasses import dataclass
from pathlib import Path

import pytest
from conftest import Copier
from guest_files import GuestStat, change_guest, list_guest, read_guest_file, stat_guest
from harness import Harness, Task, in_session, left_in
from tasks import tried
from watch import Watch

pytestmark = pytest.mark.appliance

HASH = "$6$rounds=5000$anothersalt$" + "y" * 86
OTHER_HASH = "$6$thirdsalt$" + "z" * 86
PLAIN, PASSPHRASE, DISK_KEY = "a plain Passw0rd", "the phrase of a key", "the key of a disk"
PRIVATE = "b3BlbnNzaC1rZXktdjEAAAAA-private"
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


DONE: dict[str, Task] = {
    "create": {"offline.guest.user": {"name": "deploy", "password": HASH}},
    "change": {"offline.guest.user": {"name": "alice", "password": OTHER_HASH, "password_expire_max": 90}},
    "lock": {"offline.guest.user": {"name": "alice", "password_lock": True}},
    "key": {"offline.guest.authorized_key": KEYS},
    "host keys": {"offline.guest.ssh_host_keys": {"regenerate": "never"}},
    "remove": {"offline.guest.user": {"name": "alice", "state": "absent"}},
}
REFUSED: dict[str, Task] = {
    "plain": {"offline.guest.user": {"name": "deploy", "password": PLAIN}},
    "generate": {"offline.guest.user": {"name": "deploy", "generate_ssh_key": True, "ssh_key_passphrase": PASSPHRASE}},
    "no disk": {"offline.guest.group": {"name": "crew", "luks_keys": [{"device": "/dev/sda9", "key": DISK_KEY}]}},
}


def test_nobody_sees_a_secret(harness: Harness, image_copy: Copier, tmp_path: Path) -> None:
    """Not in what ``-vvv --diff`` prints, in a result, in Ansible's log, or in any process's arguments or environment.

    A public key is no secret: it is in results and differences as in those of the module's twin. It is in no process's
    arguments all the same.
    """
    image, key = image_copy("debian-like", "raw"), tmp_path / "key"
    key.write_text(f"-----BEGIN OPENSSH PRIVATE KEY-----\n{PRIVATE}\n-----END OPENSSH PRIVATE KEY-----\n")
    place = "/etc/ssh/ssh_host_ed25519_key"
    change_guest(image, [f"rm {place}", f"write {key} {place}"])
    old_hash = next(line.split(":")[1] for line in shadow_of(image) if line.startswith("alice:"))
    steps: list[Task] = []
    for name, task in DONE.items():
        steps += [{"name": f"check {name}", "check_mode": True, **task}, {"name": name, **task}]
    steps += [tried({"name": name, **task}) for name, task in REFUSED.items()]
    log = tmp_path / "ansible.log"
    with Watch(harness) as watch:
        done = harness.play(
            in_session(steps),
            image=image,
            diff=True,
            arguments=["-vvv"],
            environment={"ANSIBLE_LOG_PATH": str(log)},
        ).ok()
    assert [task.name for task in done.tasks if task.failed] == list(REFUSED)
    assert "password_hash" in done["plain"].msg and "/dev/sda9" in done["no disk"].msg
    assert done["remove"].changed and place in done["host keys"]["removed"]

    results = "".join(json.dumps(dict(task.result)) for task in done.tasks)
    processes = "\n".join(sorted(watch.seen))
    assert "AnsiballZ_user" in processes and "_server" in processes, "the processes were watched"
    assert "TASK [change]" in log.read_text() and "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER" in done.output
    places = {"output": done.output, "results": results, "log": log.read_text(), "processes": processes}
    secrets = (HASH, OTHER_HASH, old_hash, PLAIN, PASSPHRASE, DISK_KEY, PRIVATE)
    pieces = {piece for secret in secrets for piece in (secret, json.dumps(secret)[1:-1], secret.rpartition("$")[2])}
    assert [(where, piece) for where, text in places.items() for piece in pieces if piece in text] == []
    assert BLOB not in processes
    assert f"deploy:{HASH}:" in "\n".join(shadow_of(image))


def shadow_of(image: Path) -> list[str]:
    return read_guest_file(image, "/etc/shadow").decode().splitlines()


@dataclass(frozen=True)
class Hostile:
    """A database of a guest that somebody made to do harm, and what a task makes of it.

    :param content: what is in the database, given what was.
    :param after: what is in it then; as before, where the task is refused.
    :param refused: a part of the reason.
    """

    database: str
    content: t.Callable[[bytes], bytes]
    task: Task
    after: t.Callable[[bytes], bytes] = bytes
    refused: str = ""


def user(name: str, **options: t.Any) -> Task:
    return {"offline.guest.user": {"name": name, "create_home": False, "shell": "/bin/sh", **options}}


def line_of(name: str, number: int) -> bytes:
    return f"{name}:x:{number}:100::/home/{name}:/bin/sh\n".encode()


DAN = user("dan", uid=1700, group="users")
HOSTILE = {
    "a million lines": Hostile(
        "group",
        lambda old: old + b"\n" * 1_000_000,
        {"offline.guest.group": {"name": "crew", "gid": 1750}},
        lambda content: content + b"crew:x:1750:\n",
    ),
    "100 MB in a line": Hostile("passwd", lambda old: old + b"x" * 100_000_000, DAN, refused="bytes, more than the"),
    "100 MB of shadow": Hostile("shadow", lambda old: old + b"x" * 100_000_000, DAN, refused="bytes, more than the"),
    "NUL bytes": Hostile(
        "passwd",
        lambda old: old + b"dan\0:x:0:0::/:/bin/sh\n\0\0\n",
        DAN,
        lambda content: content + line_of("dan", 1700),
    ),
    "a name twice": Hostile(
        "passwd",
        lambda old: old + line_of("eve", 2000) + line_of("eve", 0),
        user("eve", comment="new"),
        refused="'eve' is there more than once",
    ),
    "a number that overflows": Hostile(
        "passwd",
        lambda old: old + line_of("big", 2**32) + line_of("huge", 10**30) + b"minus:x:-1:-1::/:\n",
        user("fay", group="users", uid=1701),
        lambda content: content + line_of("fay", 1701),
    ),
    "lines of NIS": Hostile(
        "passwd",
        lambda old: old + b"+alice::::::\n-mallory\n+::::::",
        user("gil", uid=1702, group="users"),
        lambda content: content.replace(b"+alice", line_of("gil", 1702) + b"+alice"),
    ),
    "no end of the last line": Hostile(
        "passwd",
        lambda old: old + b"odd",
        user("hal", uid=1703, group="users"),
        lambda content: content + b"\n" + line_of("hal", 1703)[:-1],
    ),
    "CRLF": Hostile(
        "passwd",
        lambda old: old.replace(b"\n", b"\r\n"),
        user("alice", comment="new", shell="/bin/bash"),
        lambda content: content.replace(b"Alice Example,,,", b"new"),
    ),
    "a damaged line": Hostile(
        "passwd", lambda old: old + b"ivy:x:one:1::/:\n", user("ivy", uid=1704), refused="is damaged or missing"
    ),
}
#: MiB for the module and for the server each, whatever a guest has in its files.
MEMORY = 200


def test_files_of_a_hostile_guest(harness: Harness, image_copy: Copier, tmp_path: Path) -> None:
    """Each is put into the guest as it is, and what is not changed in it is there afterwards, byte for byte."""
    image = image_copy("ubuntu-like", "raw")
    databases = {name: read_guest_file(image, f"/etc/{name}") for name in ("passwd", "shadow", "group")}
    change_guest(image, ["cd /etc", "rm gshadow", "mknod gshadow p"])
    steps: list[Task] = [
        {"name": "grow", "offline.guest.resize": {"size": "1G"}},
        tried({"name": "a fifo", **DAN}),
        {"name": "no fifo", "offline.guest.file": {"path": "/etc/gshadow", "state": "absent"}},
    ]
    for name, case in HOSTILE.items():
        source, path = tmp_path / name, f"/etc/{case.database}"
        source.write_bytes(case.content(databases[case.database]))
        steps += [
            {"name": f"make {name}", "offline.guest.copy": {"src": str(source), "dest": path}},
            tried({"name": name, **case.task}),
            tried({"name": f"{name} again", **case.task}),
            {"name": f"what is in {name}", "offline.guest.stat_info": {"path": path}},
        ]
        before = databases[case.database].decode()
        steps.append({"name": f"after {name}", "offline.guest.copy": {"content": before, "dest": path}})
    steps += [
        {"name": "moved", "offline.guest.copy": {"content": databases["passwd"].decode(), "dest": "/usr/lib/passwd"}},
        {
            "name": "linked",
            "offline.guest.file": {
                "path": "/etc/passwd",
                "src": "/../../usr/lib/passwd",
                "state": "link",
                "force": True,
            },
        },
        {"name": "a link", **user("dan", uid=1700, group="users")},
    ]
    with Watch(harness, {"AnsiballZ_user": "user", "AnsiballZ_group": "group", "_server": "server"}) as watch:
        done = harness.play(in_session(steps), image=image, timeout=2400).ok()
    assert "Traceback" not in done.output
    assert set(watch.peaks) == {"user", "group", "server"} and max(watch.peaks.values()) < MEMORY, watch.peaks
    assert "not a regular file" in done["a fifo"].msg
    for name, case in HOSTILE.items():
        content = (tmp_path / name).read_bytes()
        wanted = content if case.refused else case.after(content)
        assert case.refused in done[name].msg and done[name].failed == bool(case.refused), (name, done[name].msg)
        assert done[name].changed != bool(case.refused) and not done[f"{name} again"].changed, name
        found = done[f"what is in {name}"]["stat"]
        assert found["checksum"] == hashlib.sha1(wanted, usedforsecurity=False).hexdigest(), name
    place = stat_guest(image, "/etc/passwd")
    assert place is not None and place.kind == "link"
    assert read_guest_file(image, "/usr/lib/passwd") == databases["passwd"] + line_of("dan", 1700)
    assert left_in(image.parent) == []
