# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is compared: for each row our command or task, the peer's that does the same work, and the ratio to reach."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import subprocess
import typing as t

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = ROOT / "build"
FIRST = BUILD / "bench-first"  # a store of its own for the row about the first session
PYTHON = str(BUILD / "venv/bin/python")
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBenchBenchBenchBenchBenchBenchBenchBenchBen bench"
HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl bench"
PASSWORD = "$6$salt$egUAHvRYLbPfWDPpX.lxuNEkEQ.aB5xUUNIPTqCTlLkF0CtnCtTMDKMHWMDJJkoOYl0hUiZWHcI.yVLd5/Jvb1"
HASH = "root:$6$bench$bench:19000:0:99999:7:::"
LARGE = 1024**3  # bytes of the file that is copied in and out
LARGE_FILE = BUILD / "bench-large"  # on the host
LARGE_PATH = "/var/tmp/bench-large"  # in the guest

Command = t.Callable[[pathlib.Path, str], list[str]]
Task = dict[str, t.Any]


@dataclasses.dataclass(frozen=True)
class Row:
    """One comparison.

    :param ours: from the image's path, and how the appliance is to be started, to our command.
    :param theirs: the same for the peer's command, which does not mind the start.
    :param targets: by the start of our appliance the ratio of the medians, ours by theirs, that is to be reached; None
        where none is.
    :param base: the image of which each run gets a fresh copy: ``small`` is the Debian image, ``roomy`` has space for a
        large file, ``filled`` holds one.
    """

    name: str
    against: str
    ours: Command
    theirs: Command
    targets: t.Mapping[str, float | None]
    base: str = "small"


@dataclasses.dataclass(frozen=True)
class TaskRow:
    """A comparison of single tasks within one play, by turns: ours in an open session, theirs on the host.

    :param ours: from the number of the turn to our task.
    :param theirs: from the number of the turn and a folder of the host to the other task.
    """

    name: str
    against: str
    ours: t.Callable[[int], Task]
    theirs: t.Callable[[int, pathlib.Path], Task]
    target: float


def playbook(image: pathlib.Path, start: str, tasks: list[Task], *, session: bool) -> list[str]:
    """Return the command that runs ``tasks`` on ``image``, in one session or without.

    :param start: ``cold``, ``warm``, or ``first``: as ``auto`` on a store that is empty.
    """
    appliance = {"start": "auto", "cache_dir": str(FIRST)} if start == "first" else {"start": start}
    if session:
        opened: Task = {"offline.guest.session": {"state": "open"}}
        tasks = [opened, *tasks, {"offline.guest.session": {"state": "committed"}}]
    play = {
        "hosts": "localhost",
        "gather_facts": False,
        "module_defaults": {
            "group/offline.guest.image": {"image": str(image), "format": "raw", "appliance": appliance}
        },
        "tasks": tasks,
    }
    path = image.with_suffix(".yml")
    path.write_text(json.dumps([play]), encoding="utf-8")
    program = str(BUILD / "venv/bin/ansible-playbook")
    return [program, "-i", "localhost,", "-c", "local", "-e", f"ansible_python_interpreter={PYTHON}", str(path)]


def edit(path: str, *edits: dict[str, t.Any], **options: t.Any) -> Task:
    """Return a task with the module edit."""
    return {"offline.guest.edit": {"path": path, "edits": list(edits), **options}}


def ten_changes(image: pathlib.Path, start: str) -> list[str]:
    """Ten changes with today's modules. A symbolic link is none of them, so the time zone is Debian's text file."""
    new = {"create": True, "mode": "0644"}
    return playbook(
        image,
        start,
        [
            edit("/etc/bench.conf", {"line": "written = yes"}, **new),
            edit("/opt/bench", {"line": "a new file"}, **new),
            edit("/etc/profile", {"line": "export BENCH=1"}),
            edit("/etc/ssh/sshd_config", {"regexp": "^#?PermitRootLogin.*", "replace": "PermitRootLogin no"}),
            edit(
                "/etc/systemd/journald.conf", {"ini": {"section": "Journal", "option": "Storage", "value": "volatile"}}
            ),
            edit("/etc/hostname", {"regexp": ".*", "line": "bench"}, **new),
            edit("/etc/timezone", {"regexp": ".*", "line": "Europe/Prague"}, **new),
            {"offline.guest.firstboot": {"name": "bench", "commands": ["echo bench"]}},
            edit("/root/.ssh/authorized_keys", {"line": KEY}, create=True, mode="0600"),
            edit("/etc/shadow", {"regexp": "^root:", "line": HASH}),
        ],
        session=True,
    )


def virt_customize(image: pathlib.Path, _start: str) -> list[str]:
    """The same ten."""
    return [
        *("virt-customize", "--quiet", "--no-network", "--format", "raw", "-a", str(image)),
        *("--write", "/etc/bench.conf:written = yes\n"),
        *("--write", "/opt/bench:a new file\n"),
        *("--append-line", "/etc/profile:export BENCH=1"),
        *("--edit", "/etc/ssh/sshd_config:s/^#?PermitRootLogin.*/PermitRootLogin no/"),
        *("--edit", "/etc/systemd/journald.conf:s/^#?Storage=.*/Storage=volatile/"),
        *("--hostname", "bench"),
        *("--timezone", "Europe/Prague"),
        *("--firstboot-command", "echo bench"),
        *("--ssh-inject", f"root:string:{KEY}"),
        *("--edit", f"/etc/shadow:s|^root:.*|{HASH.replace('$', chr(92) + '$')}|"),
    ]


def one_edit(image: pathlib.Path, start: str) -> list[str]:
    """One edit without a session."""
    return playbook(image, start, [edit("/etc/hostname", {"regexp": ".*", "line": "bench"})], session=False)


def virt_edit(image: pathlib.Path, _start: str) -> list[str]:
    """The same edit."""
    return ["virt-edit", "--format=raw", "-a", str(image), "/etc/hostname", "-e", "s/.*/bench/"]


def os_info(image: pathlib.Path, start: str) -> list[str]:
    """Everything that os_info tells but the list of packages."""
    return playbook(image, start, [{"offline.guest.os_info": {}}], session=False)


def virt_inspector(image: pathlib.Path, _start: str) -> list[str]:
    """What virt-inspector tells but the list of packages."""
    return ["virt-inspector", "--no-applications", "--no-icon", "--format=raw", "-a", str(image)]


def resize(image: pathlib.Path, start: str) -> list[str]:
    """Grow the image by 1 GiB in place."""
    size = image.stat().st_size + 1024**3
    return playbook(image, start, [{"offline.guest.resize": {"size": str(size)}}], session=False)


def virt_resize(image: pathlib.Path, _start: str) -> list[str]:
    """The same, to a second disk that must exist."""
    target = image.with_suffix(".target")
    with open(target, "wb") as stream:
        stream.truncate(image.stat().st_size + 1024**3)
    expand = ["--expand", last_partition(image)]
    return ["virt-resize", "--quiet", "--format", "raw", "--output-format", "raw", *expand, str(image), str(target)]


def last_partition(image: pathlib.Path) -> str:
    """Return virt-resize's name for the image's last partition."""
    shown = subprocess.run(["sfdisk", "--json", str(image)], check=True, capture_output=True, text=True)
    partitions = json.loads(shown.stdout)["partitiontable"]["partitions"]
    last = max(partitions, key=lambda partition: int(partition["start"]))
    return "/dev/sda" + str(last["node"])[len(str(image)) :]


READY = """
import sys
from ansible_collections.offline.guest.plugins.module_utils._appliance._image import Image
from ansible_collections.offline.guest.plugins.module_utils._appliance._session import ApplianceOptions, open_or_join
from ansible_collections.offline.guest.plugins.module_utils._guest._guest import GuestOptions, load_guest
options = GuestOptions(filesystems=("ext4", "vfat"))
image = Image(sys.argv[1], "raw")
with open_or_join(image, ApplianceOptions(start=sys.argv[2]), purpose="bench", throwaway=True, timeout=60) as session:
    session.launch()
    load_guest(session, options, access="mounted", warn=print)
"""


def ready(image: pathlib.Path, start: str) -> list[str]:
    """Our server, ready, with the root mounted."""
    return [PYTHON, "-c", READY, str(image), start]


def guestfish(image: pathlib.Path, _start: str) -> list[str]:
    """A bare launch, nothing looked at and nothing mounted."""
    return ["guestfish", "--format=raw", "-a", str(image), "run"]


def booted_edit(image: pathlib.Path, _start: str) -> list[str]:
    """The edit without a session, on an appliance that is booted."""
    return one_edit(image, "cold")


def booted_ready(image: pathlib.Path, _start: str) -> list[str]:
    """Our server, ready, with the root mounted, on an appliance that is booted."""
    return ready(image, "cold")


def copy_in(image: pathlib.Path, start: str) -> list[str]:
    """One large file into the image."""
    task = {"offline.guest.copy": {"src": str(LARGE_FILE), "dest": LARGE_PATH, "mode": "0644"}}
    return playbook(image, start, [task], session=False)


def virt_copy_in(image: pathlib.Path, _start: str) -> list[str]:
    """The same."""
    return ["virt-copy-in", "--format=raw", "-a", str(image), str(LARGE_FILE), str(pathlib.Path(LARGE_PATH).parent)]


def copy_out(image: pathlib.Path, start: str) -> list[str]:
    """One large file out of the image."""
    task = {"offline.guest.fetch": {"src": LARGE_PATH, "dest": str(image.with_suffix(".out")), "flat": True}}
    return playbook(image, start, [task], session=False)


def virt_copy_out(image: pathlib.Path, _start: str) -> list[str]:
    """The same."""
    return ["virt-copy-out", "--format=raw", "-a", str(image), LARGE_PATH, str(image.parent)]


UNIT = "[Service]\nExecStart=/bin/true\n\n[Install]\nWantedBy=multi-user.target\n"
JOB = "17 3 * * * root /bin/true\n"


def fifteen_settings(image: pathlib.Path, start: str) -> list[str]:
    """Fifteen tasks about identity, accounts, services and configuration."""
    unit = {"name": "bench.service", "content": UNIT, "enabled": True}
    user = {"name": "bench", "uid": 1750, "group": "bench", "shell": "/bin/bash", "password": PASSWORD}
    tasks: list[Task] = [
        {"hostname": {"name": "bench"}},
        {"timezone": {"name": "Europe/Prague"}},
        {"locale": {"lang": "C.UTF-8"}},
        {"group": {"name": "bench", "gid": 1750}},
        {"user": user},
        {"authorized_key": {"user": "bench", "key": HOST_KEY}},
        {"copy": {"dest": "/etc/sudoers.d/bench", "content": "bench ALL=(ALL) ALL\n", "mode": "0440"}},
        {"systemd_unit": unit},
        {"systemd_unit": {"name": "apt-daily.timer", "enabled": False}},
        {"cron": {"name": "bench", "cron_file": "bench", "user": "root", "job": "/bin/true"}},
        {"sysctl": {"name": "vm.swappiness", "value": "5"}},
        {"fstab": {"path": "/srv/data", "src": "LABEL=data", "fstype": "ext4", "opts": "nofail", "state": "present"}},
        {"network": {"name": "lan", "interface": "ens3", "addresses": ["192.0.2.10/24"], "gateway4": "192.0.2.1"}},
        {"ssh_host_keys": {"regenerate": "firstboot"}},
        {"machine_id": {"state": "empty"}},
    ]
    return playbook(
        image,
        start,
        [{f"offline.guest.{module}": options for module, options in task.items()} for task in tasks],
        session=True,
    )


def virt_customize_settings(image: pathlib.Path, _start: str) -> list[str]:
    """What virt-customize can do of them, with the guest's own programs where it has no option."""
    network = "[Match]\nName=ens3\n\n[Network]\nAddress=192.0.2.10/24\nGateway=192.0.2.1\n"
    return [
        *("virt-customize", "--quiet", "--no-network", "--format", "raw", "-a", str(image)),
        *("--hostname", "bench", "--timezone", "Europe/Prague", "--write", "/etc/default/locale:LANG=C.UTF-8\n"),
        *("--run-command", "groupadd -g 1750 bench && useradd -m -u 1750 -g bench -s /bin/bash bench"),
        *("--password", "bench:password:bench", "--ssh-inject", f"bench:string:{HOST_KEY}"),
        *("--write", "/etc/sudoers.d/bench:bench ALL=(ALL) ALL\n", "--chmod", "0440:/etc/sudoers.d/bench"),
        *("--write", f"/etc/systemd/system/bench.service:{UNIT}"),
        *("--run-command", "systemctl enable bench.service && systemctl disable apt-daily.timer"),
        *("--write", f"/etc/cron.d/bench:{JOB}", "--append-line", "/etc/sysctl.conf:vm.swappiness=5"),
        *("--append-line", "/etc/fstab:LABEL=data /srv/data ext4 nofail 0 0", "--mkdir", "/srv/data"),
        *("--write", f"/etc/systemd/network/10-lan.network:{network}"),
        *("--run-command", "rm -f /etc/ssh/ssh_host_*", "--firstboot-command", "ssh-keygen -A"),
        *("--truncate", "/etc/machine-id"),
    ]


def line_in_guest(turn: int) -> Task:
    """A line into a file of the guest."""
    return {"offline.guest.lineinfile": {"path": "/etc/profile", "line": f"export BENCH{turn}=1"}}


def line_on_host(turn: int, folder: pathlib.Path) -> Task:
    """The same line into a file of the host."""
    return {
        "ansible.builtin.lineinfile": {"path": str(folder / "profile"), "line": f"export BENCH{turn}=1", "create": True}
    }


def content_in_guest(turn: int) -> Task:
    """A small file into the guest."""
    return {"offline.guest.copy": {"content": f"{turn}\n", "dest": f"/etc/bench{turn}"}}


def content_on_host(turn: int, folder: pathlib.Path) -> Task:
    """The same file onto the host."""
    return {"ansible.builtin.copy": {"content": f"{turn}\n", "dest": str(folder / f"bench{turn}"), "mode": "0644"}}


def user_in_guest(_turn: int) -> Task:
    """A user who is there already."""
    return {"offline.guest.user": {"name": "root", "shell": "/bin/bash"}}


def user_on_host(_turn: int, _folder: pathlib.Path) -> Task:
    """The same on the host, where nothing changes either."""
    return {"ansible.builtin.user": {"name": "root", "home": "/root"}}


TASK_ROWS = {
    "lineinfile": TaskRow("lineinfile in an open session", "on a file of the host", line_in_guest, line_on_host, 1.3),
    "user": TaskRow("user in an open session", "on the host, nothing to do", user_in_guest, user_on_host, 1.3),
    "content": TaskRow("copy in an open session", "on a file of the host", content_in_guest, content_on_host, 1.3),
}

ROWS = {
    "playbook": Row(
        "playbook of 10 changes in one session",
        "virt-customize, the same ten",
        ten_changes,
        virt_customize,
        {"cold": 0.50, "warm": 0.25},
    ),
    "edit": Row("one edit without a session", "virt-edit", one_edit, virt_edit, {"cold": 0.80, "warm": 0.25}),
    "os_info": Row(
        "os_info", "virt-inspector --no-applications", os_info, virt_inspector, {"cold": 0.65, "warm": 0.25}
    ),
    "settings": Row(
        "playbook of 15 settings in one session",
        "virt-customize, what it can of them",
        fifteen_settings,
        virt_customize_settings,
        {"cold": None, "warm": 0.45},
    ),
    "resize": Row("resize by 1 GiB", "virt-resize --expand", resize, virt_resize, {"cold": 0.35}),
    "ready": Row("server ready, root mounted", "guestfish run", ready, guestfish, {"cold": 1.25}),
    "resume": Row("server ready, root mounted", "the same, booted", ready, booted_ready, {"warm": 0.25}),
    "first": Row(
        "first edit, an appliance saved meanwhile", "the same, none saved", one_edit, booted_edit, {"first": 1.15}
    ),
    "copy_in": Row("1 GiB into an image", "virt-copy-in", copy_in, virt_copy_in, {"warm": 1.1}, base="roomy"),
    "copy_out": Row("1 GiB out of an image", "virt-copy-out", copy_out, virt_copy_out, {"warm": 1.1}, base="filled"),
}
