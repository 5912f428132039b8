# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A golden image of a real Debian boots in QEMU, runs its firstboot scripts, and its stopped disk tells what they did.

The image is made by playbooks/golden_image.yml, and by a play before it that adds scripts for what goes wrong on real
machines. All is one session. The machine then boots three times by itself: one script resets it as a power cut would,
and one asks for a reboot.
"""

from __future__ import annotations

import contextlib
import re
import sys
import typing as t
from dataclasses import dataclass
from pathlib import Path

import images
import pytest
from guest_files import as_raw, boot_files, list_guest, read_guest_file, stat_guest
from harness import ROOT, Harness, Run, Task
from machine import Machine, Package, Repository, disk_problems, serving

pytestmark = [pytest.mark.appliance, pytest.mark.boot]

# Installing it makes systemd reload its units, as most packages with a service do.
TOOL = Package(
    "offline-guest-tool", "1.0", "#!/bin/sh\necho 'the tool works'\n", "#!/bin/sh\nsystemctl daemon-reload\n"
)
QUOTED = 'it\'s a "quoted"  value; $(id) `id` $HOME \\ end '
SIZE = 3 * 1024**3
DEADLINE = 1800
FIRSTBOOT = "/var/lib/offline-guest/firstboot"
#: Says in which boot a script runs, and how many seconds after its start.
STAMP = """\
read -r boot </proc/sys/kernel/random/boot_id
read -r uptime idle </proc/uptime
echo "at $boot $uptime"
"""
# What the first boots left behind; the pattern of grep is written so that it does not match itself.
USERS = """\
echo "I am $(id -un) of $(id -gn) in $(pwd)"
printf '<%s>\\n' "$QUOTED"
ls /var/lib/offline-guest/firstboot
echo "left of the hung script: $(grep -l 'sleep.77[7]7' /proc/[0-9]*/cmdline 2>/dev/null | wc -l)"
"""
AFTER = """\
echo "host name: $(uname -n)"
echo "root: $(df --block-size=1 --output=size / | tail -n 1)"
echo "tool: $(offline-guest-tool)"
sshd -T | grep -E '^(permitrootlogin|passwordauthentication|x11forwarding) ' | sort
echo "ssh: $(systemctl is-active ssh)"
yes | head -n 1
"""
# It outlives the script, and the runner: which must have ended for the machine to go down in order.
POWER_OFF = f"""\
(while [ -e {FIRSTBOOT}/pending ]; do sleep 1; done; systemctl poweroff) </dev/null >/dev/null 2>&1 &
"""
#: By name, in the order in which they run. Three more come from the playbook: 10-motd, 20-packages, 30-ssh-host-keys.
SCRIPTS: dict[str, dict[str, t.Any]] = {
    "40-fails": {"content": STAMP + "echo complaint >&2\nexit 3\n", "retries": 1, "retry_delay": 1},
    "45-user": {"commands": ["useradd --create-home worker", "cd /tmp", "pwd"]},
    "50-hangs": {"content": STAMP + "setsid sleep 7777 &\nsleep 7777\n", "timeout": 5},
    "60-worker": {"content": STAMP + USERS, "user": "worker", "env": {"QUOTED": QUOTED}},
    "65-power-cut": {"content": STAMP + "echo b >/proc/sysrq-trigger\nsleep 60\n"},
    "70-reboot": {"content": STAMP, "reboot": True},
    "80-after": {"content": STAMP + AFTER},
    "9-is-after-80": {"content": STAMP},
    "99-power-off": {"content": STAMP + POWER_OFF},
}
ORDER = ["10-motd", "20-packages", "30-ssh-host-keys", *SCRIPTS]
ENDS: dict[str, tuple[str, int | None, int]] = {name: ("done", 0, 1) for name in ORDER}
ENDS["40-fails"] = ("failed", 3, 2)
ENDS["50-hangs"] = ("timeout", 143, 1)
ENDS["65-power-cut"] = ("interrupted", None, 1)


@dataclass(frozen=True)
class Booted:
    """The image after its boots, and what is known of it. ``raw`` is a copy of its disk, for independent looks."""

    image: Path
    raw: Path
    console: str
    requests: tuple[str, ...]
    scripts: dict[str, dict[str, t.Any]]
    info: Run


def preparing(source: str) -> list[Task]:
    """Return the tasks that point apt at our repository alone, and add our scripts: the last is added first."""
    apt: list[Task] = [
        edit("/etc/apt/sources.list", source),
        edit("/etc/apt/apt.conf.d/99-tests", 'Dir::Etc::SourceParts "/dev/null";'),
    ]
    scripts = [{"offline.guest.firstboot": {"name": name, **options}} for name, options in SCRIPTS.items()]
    return [{"offline.guest.session": {"state": "open"}}, *apt, *reversed(scripts)]


def edit(path: str, line: str) -> Task:
    return {"offline.guest.edit": {"path": path, "create": True, "mode": "0644", "edits": [{"line": line}]}}


def customize(harness: Harness, image: Path, repository: Repository) -> str:
    """Make a golden image in one session; returns under which accelerator the appliance ran."""
    defaults = {"group/offline.guest.image": {"image": str(image), "format": "qcow2"}}
    discard = [
        {"offline.guest.session": {"state": "discarded"}},
        {"ansible.builtin.fail": {"msg": "{{ ansible_failed_result.msg | default('a task failed') }}"}},
    ]
    before = {
        "hosts": "localhost",
        "gather_facts": False,
        "module_defaults": defaults,
        "tasks": [{"block": preparing(repository.source), "rescue": discard}],
    }
    golden = {
        "import_playbook": str(ROOT / "playbooks" / "golden_image.yml"),
        "vars": {
            "golden_image_path": str(image),
            "golden_image_format": "qcow2",
            "golden_image_size": str(SIZE),
            "golden_image_packages": [TOOL.name],
        },
    }
    local = ["-c", "local", "-e", f"ansible_python_interpreter={sys.executable}"]
    done = harness.playbook([before, golden], arguments=local).ok()
    sessions = [task for task in done.tasks if task.action == "offline.guest.session"]
    committed = sessions[-1]
    assert committed["state"] == "committed" and committed.changed
    # Both plays worked in one session: our two edits, every script, and three edits and a resize of the playbook.
    assert len(committed["changes"]) == 2 + len(ORDER) + 4, committed.result
    return str(committed["accelerator"])


def boot(harness: Harness, image: Path, folder: Path, accelerator: str) -> str:
    """Run the machine until it powers itself off; returns what was on its console."""
    with as_raw(image, "qcow2") as raw:
        assert not disk_problems(image, "qcow2", raw)
        kernel, initrd = boot_files(raw, folder)
    machine = Machine(image, "qcow2", kernel, initrd, accelerator, folder / "console")
    machine.run(harness.environment(), DEADLINE)
    return machine.said()


def look(harness: Harness, image: Path) -> Run:
    """Ask the product what became of the image, in one session."""
    tasks: list[Task] = [
        {"offline.guest.session": {"state": "open"}},
        {"name": "firstboot", "offline.guest.firstboot_info": {}},
        {"name": "system", "offline.guest.os_info": {"gather": ["details", "filesystems", "packages"]}},
        {"offline.guest.session": {"state": "discarded"}},
    ]
    return harness.play(tasks, image=image, image_format="qcow2").ok()


@pytest.fixture(scope="module")
def booted(harness: Harness, tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Booted]:
    """The image, customized, booted until it powered itself off, and looked into."""
    folder = tmp_path_factory.mktemp("boot")
    image = images.copy(images.REAL, folder / "golden.qcow2", "qcow2")
    (folder / "repository").mkdir()
    with serving(TOOL, folder / "repository") as repository:
        accelerator = customize(harness, image, repository)
        console = boot(harness, image, folder, accelerator)
    info = look(harness, image)
    scripts = {script["name"]: script for script in info["firstboot"]["scripts"]}
    with contextlib.ExitStack() as stack:
        stack.callback(image.unlink)
        raw = stack.enter_context(as_raw(image, "qcow2"))
        yield Booted(image, raw, console, tuple(repository.requests), scripts, info)


def stamp(booted: Booted, name: str) -> list[tuple[str, float]]:
    """Return boot and seconds since its start of every attempt of a script, as it said itself."""
    found = re.findall(r"^at (\S+) (\S+)$", booted.scripts[name]["log"], re.MULTILINE)
    return [(boot_id, float(seconds)) for boot_id, seconds in found]


def test_scripts_ended_as_they_should(booted: Booted) -> None:
    ends = {name: (item["state"], item["exit_status"], item["attempts"]) for name, item in booted.scripts.items()}
    assert ends == ENDS, booted.console[-6000:]
    assert list(booted.scripts) == ORDER
    assert [name for name, item in booted.scripts.items() if item["log_truncated"] or item["will_run"]] == []


def test_scripts_ran_one_after_the_other(booted: Booted) -> None:
    items = list(booted.scripts.values())
    assert [item["started"] for item in items] == sorted(item["started"] for item in items)
    for item, following in zip(items, items[1:]):
        cut_off = item["state"] == "interrupted"
        assert (item["ended"] is None) == cut_off
        assert cut_off or item["started"] <= item["ended"] <= following["started"]


def test_the_machine_booted_three_times_and_each_script_ran_in_its_boot(booted: Booted) -> None:
    first = [item for name in ("40-fails", "50-hangs", "60-worker") for item in stamp(booted, name)]
    second = stamp(booted, "70-reboot")
    third = [item for name in ("80-after", "9-is-after-80", "99-power-off") for item in stamp(booted, name)]
    for attempts, count in ((first, 4), (second, 1), (third, 3)):
        assert len(attempts) == count
        assert len({boot_id for boot_id, _seconds in attempts}) == 1
        assert attempts == sorted(attempts, key=lambda item: item[1])
    assert len({attempts[0][0] for attempts in (first, second, third)}) == 3
    assert booted.console.count("Linux version ") == 3


def test_a_script_that_fails_is_tried_again_and_its_log_has_both_attempts(booted: Booted) -> None:
    log = booted.scripts["40-fails"]["log"]
    before, mark, after = log.partition("\n[offline-guest-firstboot: attempt 2]\n")
    assert mark and before.endswith("complaint\n") and after.endswith("complaint\n")


def test_a_script_that_hangs_is_ended_with_all_that_it_started(booted: Booted) -> None:
    assert "left of the hung script: 0\n" in booted.scripts["60-worker"]["log"]


def test_a_user_made_at_first_boot_runs_a_script_with_its_environment(booted: Booted) -> None:
    assert booted.scripts["60-worker"]["options"]["user"] == "worker"
    log = booted.scripts["60-worker"]["log"]
    assert "I am worker of worker in /\n" in log
    assert f"<{QUOTED}>\n" in log
    assert "Permission denied" in log  # root's folder with the scripts of others, and their values
    assert booted.scripts["45-user"]["log"].endswith("+ pwd\n/\n")  # each command has a shell of its own


def test_a_package_was_installed_from_the_network(booted: Booted) -> None:
    assert any(path.endswith(".deb") for path in booted.requests)
    status = read_guest_file(booted.raw, "/var/lib/dpkg/status").decode()
    entry = next(item for item in status.split("\n\n") if item.startswith(f"Package: {TOOL.name}\n"))
    assert "Status: install ok installed" in entry
    found = [item for item in booted.info["system"]["systems"][0]["packages"] if item["name"] == TOOL.name]
    assert [item["version"] for item in found] == [TOOL.version]
    assert "tool: the tool works\n" in booted.scripts["80-after"]["log"]


def test_the_playbook_changed_the_running_system(booted: Booted) -> None:
    log = booted.scripts["80-after"]["log"]
    assert "host name: golden\n" in log
    assert "passwordauthentication no\npermitrootlogin no\nx11forwarding no\nssh: active\n" in log
    assert log.endswith("\ny\n")  # and no complaint about a broken pipe
    root = re.search(r"^root: +(\d+)$", log, re.MULTILINE)
    assert root and 0.9 * SIZE < int(root.group(1)) < SIZE
    assert b"made from a golden image" in read_guest_file(booted.raw, "/etc/motd")


def test_the_first_boot_applied_presets_and_the_machine_has_an_identity_of_its_own(booted: Booted) -> None:
    assert booted.console.count("Populated /etc with preset unit settings") == 1
    assert re.fullmatch(rb"[0-9a-f]{32}\n", read_guest_file(booted.raw, "/etc/machine-id"))
    key = "/etc/ssh/ssh_host_ed25519_key.pub"
    assert read_guest_file(booted.raw, key) != read_guest_file(images.path(images.REAL), key)


def test_the_runner_has_disabled_itself(booted: Booted) -> None:
    info = booted.info["firstboot"]
    assert (info["enabled"], info["to_run"], info["runner_installed"]) == (False, [], True)
    systemd = "/etc/systemd/system"
    assert stat_guest(booted.raw, f"{systemd}/offline-guest-firstboot.service")
    assert not stat_guest(booted.raw, f"{systemd}/multi-user.target.wants/offline-guest-firstboot.service")
    assert not stat_guest(booted.raw, f"{systemd}-preset/00-offline-guest-firstboot.preset")
    assert list_guest(booted.raw, FIRSTBOOT) == ["results", "runner", "scripts"]
    assert "run" not in list_guest(booted.raw, "/var/lib/offline-guest")


def test_the_disk_is_in_order_and_has_its_new_size(booted: Booted) -> None:
    assert disk_problems(booted.image, "qcow2", booted.raw) == []
    assert booted.raw.stat().st_size == SIZE
