# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Guests that mean harm, through real modules: each task ends with a result or a clear error, and nothing gets out."""

from __future__ import annotations

import os
import re
import typing as t
from pathlib import Path

import pytest
from guest_files import list_guest, read_guest_file, stat_guest
from harness import Harness, Run, Task, TaskResult, sha256
from tasks import COMMIT, OPEN, REPORT, edit, ended, firstboot, tried

pytestmark = pytest.mark.appliance

#: What a session of reading tasks consists of.
READING: list[Task] = [
    {"name": "info", "offline.guest.os_info": {"gather": ["all"]}},
    # Returned values go through a template here, as they do in playbooks.
    {"name": "templated", "ansible.builtin.debug": {"msg": "{{ found }}"}},
    REPORT,
]
READING[0]["register"] = "found"
#: What a terminal would obey: all control characters but line end and tab.
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def strings_in(value: t.Any) -> t.Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from strings_in(key)
            yield from strings_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from strings_in(item)


def returned(task: TaskResult) -> list[str]:
    """Return the texts of a result, without the arguments that the playbook gave."""
    return list(strings_in({key: item for key, item in task.result.items() if key != "invocation"}))


def assert_harmless(run: Run) -> None:
    """Every task ended by itself, an error is a sentence, and nothing of the guest acts on a terminal or a template."""
    for what in ("Traceback", "MODULE FAILURE", "MODULE_STDERR", "unreachable=1", "no answer within"):
        assert what not in run.output, f"{what}\n{run.output}"
    for task in run.tasks:
        if task.failed:
            assert re.match(r"[A-Z'].*[.?]$", task.msg, re.DOTALL), f"{task.name}: {task.msg!r}"
        for text in [*returned(task), *task.warnings]:
            assert not CONTROL.search(text), f"{task.name}: {text!r}"
    assert not CONTROL.search(run.output), run.output
    assert "uid=0" not in run.output, "a guest's template ran id(1) here"


def assert_no_templates(task: TaskResult) -> None:
    found = [text for text in returned(task) if "{{" in text or "{%" in text]
    assert not found, f"{task.name}: {found}"


def refused(run: Run, name: str, reason: str) -> None:
    task = run[name]
    assert task.failed and reason in task.msg, f"{name}: {dict(task.result)}"


def test_a_guest_whose_files_are_not_what_they_should_be(harness: Harness, image_copy: t.Callable[..., Path]) -> None:
    image = image_copy("hostile")
    before = sha256(image)
    wrong = {
        "huge": ("/etc/fstab", "has 1073741824 bytes, more than the 8388608 allowed"),
        "fifo": ("/etc/os-release", "is a fifo, not a regular file"),
        "endless": ("/usr/lib/os-release", "is a device, not a regular file"),
        "link to endless": ("/etc/localtime", "is a device, not a regular file"),
        "disk": ("/etc/hostname", "is a device, not a regular file"),
        "folder": ("/etc/hosts", "is a directory, not a regular file"),
        "empty folder": ("/etc/machine-id", "is a directory, not a regular file"),
        "root": ("/", "is a directory, not a regular file"),
        "below a file": ("/etc/debian_version/x", "/etc/debian_version"),
        "below a device": ("/dev/sda/x", "/dev/sda"),
    }
    tasks = [tried(edit(name, path, create=True)) for name, (path, _reason) in wrong.items()]
    accounts = [
        tried(edit("absurd owner", "/etc/timezone", owner="big")),
        tried(edit("damaged owner", "/etc/timezone", owner="root")),
        tried(edit("no such group", "/etc/timezone", group="{% raw %}{{ 7*7 }}{% endraw %}")),
    ]
    run = harness.play(
        ended([OPEN, *READING, *tasks, *accounts, COMMIT]), image=image, diff=True, arguments=["-v"]
    ).ok()
    assert_harmless(run)
    assert_no_templates(run["info"])
    for name, (_path, reason) in wrong.items():
        refused(run, name, reason)
    refused(run, "absurd owner", "The guest has no user 'big'")
    refused(run, "damaged owner", "The guest has no user 'root'")
    refused(run, "no such group", "The guest has no group '{\\x7b 7*7 }}'")
    (system,) = run["info"]["systems"]
    assert system["type"] == "linux" and system["machine_id"] == {"state": "invalid", "value": None}
    unknown = ("distro", "product_name", "hostname", "fstab", "packages")
    assert [system[key] for key in unknown] == [None] * len(unknown)
    for path in ("/etc/fstab", "/etc/os-release", "/etc/debian_version", "/etc/hostname", "/etc/machine-id"):
        assert any(path in warning for warning in run["info"].warnings), f"{path}: {run['info'].warnings}"
    assert not run["commit"].changed
    assert sha256(image) == before


def test_a_guest_with_hostile_files_can_be_changed(harness: Harness, image_copy: t.Callable[..., Path]) -> None:
    image = image_copy("hostile")
    name = "/etc/{% raw %}{{ 7*7 }}{% endraw %}.conf"
    tasks = [
        edit("binary", "/etc/ssh/sshd_config", {"line": "PermitRootLogin no"}, owner="0"),
        edit("without nul", "/etc/ssh/sshd_config", {"regexp": "\\x00", "replace": ""}),
        edit("escapes", "/etc/ssh/sshd_config", {"line": "UseDNS no"}),
        edit("templated name", name),
        edit("the longest name", "/etc/" + "n" * 255),
        edit("homoglyph", "/etc/pаsswd"),  # a Cyrillic letter
        firstboot("10-run", commands=["true"]),
        REPORT,
    ]
    run = harness.play(ended([OPEN, *tasks, COMMIT]), image=image, diff=True, arguments=["-v"]).ok()
    assert_harmless(run)
    # What is neither text nor about our lines stays as it was, to the byte.
    expected = b"Port 22\r\n\xff\xfe binary\x1b[2J\r\nPermitRootLogin no\r\nUseDNS no\r\n"
    assert read_guest_file(image, "/etc/ssh/sshd_config") == expected
    assert "\\x1b[2J" in str(run["escapes"].diff)
    assert read_guest_file(image, "/etc/{{ 7*7 }}.conf") == b"templated name\n# added\n"
    assert stat_guest(image, "/etc/49.conf") is None
    assert read_guest_file(image, "/etc/pаsswd") == b"a Cyrillic letter in the name\n# added\n"
    assert read_guest_file(image, "/etc/passwd").startswith(b"root:x:0:0\n::::::\n")
    # /etc/systemd/system leads to the guest's own /tmp, and not to the host's.
    assert run["report"]["to_run"] == ["10-run"]
    assert "offline-guest-firstboot.service" in list_guest(image, "/tmp")
    assert not os.path.exists("/tmp/offline-guest-firstboot.service")


def test_a_guest_whose_links_lead_out_or_nowhere(harness: Harness, image_copy: t.Callable[..., Path]) -> None:
    image = image_copy("hostile-links")
    host_release = Path("/etc/os-release").read_bytes() if os.path.exists("/etc/os-release") else b""
    loops = {
        "loop": "/etc/hostname",
        "itself": "/etc/self",
        "long chain": "/opt/chain0",
        "itself by climbing": "/etc/os-release",
    }
    missing = {"proc": "/etc/passwd", "proc of init": "/etc/group", "no disk": "/etc/shadow", "long": "/etc/long"}
    inside = {
        "/etc/outside": "/tmp/outside",
        "/etc/escape/tmp/climbed": "/tmp/climbed",
        "/etc/dangling": "/nowhere/at/all",
        "/root/.profile.new": "/tmp/.profile.new",
    }
    tasks = [
        *READING,
        *(tried(edit(name, path, create=True)) for name, path in loops.items()),
        *(tried(edit(name, path)) for name, path in missing.items()),
        *(edit(path, path, {"line": "og-test"}, create=True) for path in inside),
        firstboot("10-run", commands=["true"], user="root"),
        {"name": "again", "offline.guest.firstboot_info": {}},
    ]
    run = harness.play(ended([OPEN, *tasks, COMMIT]), image=image, diff=True, arguments=["-v"]).ok()
    assert_harmless(run)
    assert_no_templates(run["info"])
    for name in loops:
        refused(run, name, "Too many symbolic links")
    for name, path in missing.items():
        refused(run, name, f"There is no '{path}' in the guest")
    for path, real in inside.items():
        assert run[path]["resolved_path"] == real
        assert read_guest_file(image, real) == b"og-test\n"
        assert not os.path.exists(real), "a file of the host!"
    assert host_release == (Path("/etc/os-release").read_bytes() if host_release else b"")
    assert all(system["hostname"] is None for system in run["info"]["systems"])
    assert run["again"]["to_run"] == ["10-run"]
    assert [stat_guest(image, path).kind for path in ("/etc/self", "/root", "/etc/outside")] == ["link"] * 3  # type: ignore[union-attr]


def test_a_guest_whose_etc_climbs_above_its_root(harness: Harness, image_copy: t.Callable[..., Path]) -> None:
    """As for libguestfs, it is no operating system, so nothing is done in it; and this host's /etc is left alone."""
    image = image_copy("hostile-etc")
    before = sha256(image)
    host = {path: Path(path).read_bytes() for path in ("/etc/hostname", "/etc/passwd") if os.path.exists(path)}
    tasks = [
        edit("hostname", "/etc/hostname", {"line": "outside"}),
        edit("new", "/etc/og-test/new.conf", create=True),
        firstboot("10-run", commands=["true"]),
        REPORT,
    ]
    steps = [OPEN, READING[0], *map(tried, tasks), COMMIT]
    run = harness.play(ended(steps), image=image, diff=True, arguments=["-v"]).ok()
    assert_harmless(run)
    assert run["info"]["systems"] == []
    for task in tasks:
        refused(run, task["name"], "No operating system was found in the image. Found: /dev/sda1 (ext4)")
    assert not run["commit"].changed
    assert sha256(image) == before
    assert host == {path: Path(path).read_bytes() for path in host}
    assert not os.path.exists("/etc/og-test") and not os.path.exists("/srv/etc/og-test")
