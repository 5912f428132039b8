# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compare speed with the libguestfs tools, side by side in one run, on the real Debian image.

A row's commands do the same work on fresh copies of the same image, and are run in turn: ours on an appliance that is
booted, ours on one that is resumed, theirs, and again … What counts is the ratio of the medians, because a machine's
own speed drifts. All are whole processes, ours with all of ansible-playbook. Results go to build/reports/bench.json,
too, each row beside those of earlier runs.

    python tests/bench/run.py [--runs 5] [row …]
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import typing as t

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = ROOT / "build"
FIRST = BUILD / "bench-first"  # a store of its own for the row about the first session
PYTHON = str(BUILD / "venv/bin/python")
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBenchBenchBenchBenchBenchBenchBenchBenchBen bench"
HASH = "root:$6$bench$bench:19000:0:99999:7:::"


Command = t.Callable[[pathlib.Path, str], list[str]]


@dataclasses.dataclass(frozen=True)
class Row:
    """One comparison.

    :param ours: from the image's path, and how the appliance is to be started, to our command.
    :param theirs: the same for the peer's command, which does not mind the start.
    :param targets: by the start of our appliance the ratio of the medians, ours by theirs, that is to be reached; None
        where none is.
    """

    name: str
    against: str
    ours: Command
    theirs: Command
    targets: t.Mapping[str, float | None]


def playbook(image: pathlib.Path, start: str, tasks: list[dict[str, t.Any]], *, session: bool) -> list[str]:
    """Return the command that runs ``tasks`` on ``image``, in one session or without.

    :param start: ``cold``, ``warm``, or ``first``: as ``auto`` on a store that is empty.
    """
    appliance = {"start": "auto", "cache_dir": str(FIRST)} if start == "first" else {"start": start}
    if session:
        opened: dict[str, t.Any] = {"offline.guest.session": {"state": "open"}}
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


def edit(path: str, *edits: dict[str, t.Any], **options: t.Any) -> dict[str, t.Any]:
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
    "resize": Row("resize by 1 GiB", "virt-resize --expand", resize, virt_resize, {"cold": 0.35}),
    "ready": Row("server ready, root mounted", "guestfish run", ready, guestfish, {"cold": 1.25}),
    "resume": Row("server ready, root mounted", "the same, booted", ready, booted_ready, {"warm": 0.25}),
    "first": Row(
        "first edit, an appliance saved meanwhile", "the same, none saved", one_edit, booted_edit, {"first": 1.15}
    ),
}


def environment() -> dict[str, str]:
    """Return the environment of both sides. The peers cannot tell that KVM is broken: they are told."""
    values = {
        **os.environ,
        "ANSIBLE_COLLECTIONS_PATH": str(BUILD / "collections"),
        "PYTHONPATH": str(BUILD / "collections"),
    }
    values["LIBGUESTFS_BACKEND"] = "direct"
    return values


def peer_settings() -> dict[str, str]:
    """Return what makes the peers use the accelerator that our server chose on this host; saves an appliance, too."""
    program = READY.replace("load_guest(", "print(session.accelerator); load_guest(")
    with fresh_copy() as image:
        done = subprocess.run(
            [PYTHON, "-c", program, str(image), "warm"], env=environment(), check=True, capture_output=True, text=True
        )
    accelerator = done.stdout.split()[0]
    return {"LIBGUESTFS_BACKEND_SETTINGS": f"force_{accelerator}"}


class fresh_copy:
    """A copy of the Debian image in a folder of its own, gone afterwards."""

    def __enter__(self) -> pathlib.Path:
        self._folder = tempfile.TemporaryDirectory(dir=BUILD, prefix="bench-")
        image = pathlib.Path(self._folder.name) / "image.raw"
        source = BUILD / "images" / "debian-real.raw"
        subprocess.run(["cp", "--sparse=always", str(source), str(image)], check=True)
        return image

    def __exit__(self, *_exc: object) -> None:
        self._folder.cleanup()


def timed(command: Command, start: str, settings: dict[str, str]) -> float:
    """Return how many seconds one run on a fresh copy took.

    :raises SystemExit: it failed; its output is shown.
    """
    with fresh_copy() as image:
        words = command(image, start)
        began = time.monotonic()
        done = subprocess.run(words, env={**environment(), **settings}, capture_output=True, text=True, check=False)
        seconds = time.monotonic() - began
    if done.returncode != 0:
        sys.exit(f"{' '.join(words)} failed:\n{done.stdout}\n{done.stderr}")
    if start == "first":
        await_saved()
    return seconds


def await_saved() -> None:
    """Wait until the appliance is saved that the first session has asked for, and forget it."""
    until = time.monotonic() + 300
    while not list(FIRST.glob("*/machine.json")) or list(FIRST.glob("building-*")):
        if time.monotonic() > until:
            sys.exit("The first session's appliance was not saved.")
        time.sleep(0.5)
    shutil.rmtree(FIRST)


def measure(row: Row, runs: int, settings: dict[str, str]) -> list[dict[str, t.Any]]:
    """Run all sides in turn; one round before does not count."""
    ours: dict[str, list[float]] = {start: [] for start in row.targets}
    theirs: list[float] = []
    for run in range(runs + 1):
        taken = {start: timed(row.ours, start, {}) for start in row.targets}
        their = timed(row.theirs, "", settings)
        shown = ", ".join(f"{start} {seconds:.1f} s" for start, seconds in taken.items())
        print(f"  {row.name}: {shown}, against {their:.1f} s{'' if run else ' (not counted)'}", flush=True)
        if run:
            theirs.append(their)
            for start, seconds in taken.items():
                ours[start].append(seconds)
    return [result(row, start, ours[start], theirs) for start in row.targets]


def result(row: Row, start: str, ours: list[float], theirs: list[float]) -> dict[str, t.Any]:
    """Return what is known of one start in one row."""
    ratio = statistics.median(ours) / statistics.median(theirs)
    target = row.targets[start]
    return {
        "work": row.name,
        "start": start,
        "against": row.against,
        "ours": ours,
        "theirs": theirs,
        "ours_median": statistics.median(ours),
        "theirs_median": statistics.median(theirs),
        "ratio": ratio,
        "target": target,
        "reached": target is None or ratio <= target,
    }


def table(results: list[dict[str, t.Any]]) -> str:
    """Return the results as a table in Markdown."""
    lines = ["| work | start | against | ours, s | theirs, s | ratio | to reach |", "|---|---|---|---|---|---|---|"]
    for result in results:
        mark = "" if result["reached"] else " (not reached)"
        target = "" if result["target"] is None else f"≤ {result['target']:.2f}"
        lines.append(
            f"| {result['work']} | {result['start']} | {result['against']} | {result['ours_median']:.1f} "
            f"| {result['theirs_median']:.1f} | {result['ratio']:.2f}{mark} | {target} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Run the comparison."""
    parser = argparse.ArgumentParser(description="Compare speed with the libguestfs tools.")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("rows", nargs="*", choices=[*ROWS, []], default=[])
    options = parser.parse_args()
    subprocess.run(["/usr/bin/python3", str(ROOT / "tests/images/build.py"), "debian-real"], check=True)
    settings = peer_settings()
    report = BUILD / "reports" / "bench.json"
    report.parent.mkdir(exist_ok=True)
    known = json.loads(report.read_text(encoding="utf-8")) if report.exists() else {"rows": {}}
    for name in options.rows or ROWS:
        known["rows"][name] = measure(ROWS[name], options.runs, settings)
        known["settings"] = settings
        report.write_text(json.dumps(known, indent=2) + "\n", encoding="utf-8")
    results = [result for name in ROWS for result in known["rows"].get(name, [])]
    print(f"\nmedians of {options.runs}, {settings['LIBGUESTFS_BACKEND_SETTINGS']}\n\n{table(results)}")


if __name__ == "__main__":
    main()
