# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compare speed with the libguestfs tools, side by side in one run, on the real Debian image.

Each row is a pair of commands that do the same work on a fresh copy of the same image, run in turn: ours, theirs, ours,
theirs … What counts is the ratio of the medians, because a machine's own speed drifts. Both sides are whole processes,
ours with all of ansible-playbook. Results go to build/reports/bench.json, too.

    python tests/bench/run.py [--runs 5] [row …]
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
import typing as t

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = ROOT / "build"
PYTHON = str(BUILD / "venv/bin/python")
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBenchBenchBenchBenchBenchBenchBenchBenchBen bench"
HASH = "root:$6$bench$bench:19000:0:99999:7:::"


@dataclasses.dataclass(frozen=True)
class Row:
    """One comparison.

    :param ours: from the image's path to our command.
    :param theirs: from the image's path to the peer's command.
    :param target: the ratio of the medians, ours by theirs, that is to be reached.
    """

    name: str
    against: str
    ours: t.Callable[[pathlib.Path], list[str]]
    theirs: t.Callable[[pathlib.Path], list[str]]
    target: float


def playbook(image: pathlib.Path, tasks: list[dict[str, t.Any]], *, session: bool) -> list[str]:
    """Return the command that runs ``tasks`` on ``image``, in one session or without."""
    if session:
        opened: dict[str, t.Any] = {"offline.guest.session": {"state": "open"}}
        tasks = [opened, *tasks, {"offline.guest.session": {"state": "committed"}}]
    play = {
        "hosts": "localhost",
        "gather_facts": False,
        "module_defaults": {"group/offline.guest.image": {"image": str(image), "format": "raw"}},
        "tasks": tasks,
    }
    path = image.with_suffix(".yml")
    path.write_text(json.dumps([play]), encoding="utf-8")
    program = str(BUILD / "venv/bin/ansible-playbook")
    return [program, "-i", "localhost,", "-c", "local", "-e", f"ansible_python_interpreter={PYTHON}", str(path)]


def edit(path: str, *edits: dict[str, t.Any], **options: t.Any) -> dict[str, t.Any]:
    """Return a task with the module edit."""
    return {"offline.guest.edit": {"path": path, "edits": list(edits), **options}}


def ten_changes(image: pathlib.Path) -> list[str]:
    """Ten changes with today's modules. A symbolic link is none of them, so the time zone is Debian's text file."""
    new = {"create": True, "mode": "0644"}
    return playbook(
        image,
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


def virt_customize(image: pathlib.Path) -> list[str]:
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


def one_edit(image: pathlib.Path) -> list[str]:
    """One edit without a session."""
    return playbook(image, [edit("/etc/hostname", {"regexp": ".*", "line": "bench"})], session=False)


def virt_edit(image: pathlib.Path) -> list[str]:
    """The same edit."""
    return ["virt-edit", "--format=raw", "-a", str(image), "/etc/hostname", "-e", "s/.*/bench/"]


def os_info(image: pathlib.Path) -> list[str]:
    """Everything that os_info tells but the list of packages."""
    return playbook(image, [{"offline.guest.os_info": {}}], session=False)


def virt_inspector(image: pathlib.Path) -> list[str]:
    """What virt-inspector tells but the list of packages."""
    return ["virt-inspector", "--no-applications", "--no-icon", "--format=raw", "-a", str(image)]


def resize(image: pathlib.Path) -> list[str]:
    """Grow the image by 1 GiB in place."""
    size = image.stat().st_size + 1024**3
    return playbook(image, [{"offline.guest.resize": {"size": str(size)}}], session=False)


def virt_resize(image: pathlib.Path) -> list[str]:
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
with open_or_join(image, ApplianceOptions(), purpose="bench", throwaway=True, timeout=60) as session:
    session.launch()
    load_guest(session, options, access="mounted", warn=print)
"""


def ready(image: pathlib.Path) -> list[str]:
    """Our server, ready, with the root mounted."""
    return [PYTHON, "-c", READY, str(image)]


def guestfish(image: pathlib.Path) -> list[str]:
    """A bare launch, nothing looked at and nothing mounted."""
    return ["guestfish", "--format=raw", "-a", str(image), "run"]


ROWS = {
    "playbook": Row(
        "playbook of 10 changes in one session", "virt-customize, the same ten", ten_changes, virt_customize, 0.50
    ),
    "edit": Row("one edit without a session", "virt-edit", one_edit, virt_edit, 0.80),
    "os_info": Row("os_info", "virt-inspector --no-applications", os_info, virt_inspector, 0.65),
    "resize": Row("resize by 1 GiB", "virt-resize --expand", resize, virt_resize, 0.35),
    "ready": Row("server ready, root mounted", "guestfish run", ready, guestfish, 1.25),
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
    """Return what makes the peers use the accelerator that our own server chose on this host."""
    program = READY.replace("load_guest(", "print(session.accelerator); load_guest(")
    with fresh_copy() as image:
        done = subprocess.run(
            [PYTHON, "-c", program, str(image)], env=environment(), check=True, capture_output=True, text=True
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


def timed(command: t.Callable[[pathlib.Path], list[str]], settings: dict[str, str]) -> float:
    """Return how many seconds one run on a fresh copy took.

    :raises SystemExit: it failed; its output is shown.
    """
    with fresh_copy() as image:
        words = command(image)
        began = time.monotonic()
        done = subprocess.run(words, env={**environment(), **settings}, capture_output=True, text=True, check=False)
        seconds = time.monotonic() - began
    if done.returncode != 0:
        sys.exit(f"{' '.join(words)} failed:\n{done.stdout}\n{done.stderr}")
    return seconds


def measure(row: Row, runs: int, settings: dict[str, str]) -> dict[str, t.Any]:
    """Run both sides in turn; one pair before does not count."""
    ours, theirs = [], []
    for run in range(runs + 1):
        pair = timed(row.ours, {}), timed(row.theirs, settings)
        print(f"  {row.name}: {pair[0]:.1f} s against {pair[1]:.1f} s{'' if run else ' (not counted)'}", flush=True)
        if run:
            ours.append(pair[0])
            theirs.append(pair[1])
    ratio = statistics.median(ours) / statistics.median(theirs)
    return {
        "work": row.name,
        "against": row.against,
        "ours": ours,
        "theirs": theirs,
        "ours_median": statistics.median(ours),
        "theirs_median": statistics.median(theirs),
        "ratio": ratio,
        "target": row.target,
        "reached": ratio <= row.target,
    }


def table(results: list[dict[str, t.Any]]) -> str:
    """Return the results as a table in Markdown."""
    lines = ["| work | against | ours, s | theirs, s | ratio | to reach |", "|---|---|---|---|---|---|"]
    for result in results:
        mark = "" if result["reached"] else " (not reached)"
        lines.append(
            f"| {result['work']} | {result['against']} | {result['ours_median']:.1f} | {result['theirs_median']:.1f} "
            f"| {result['ratio']:.2f}{mark} | ≤ {result['target']:.2f} |"
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
    results = [measure(ROWS[name], options.runs, settings) for name in options.rows or ROWS]
    report = BUILD / "reports" / "bench.json"
    report.parent.mkdir(exist_ok=True)
    report.write_text(json.dumps({"settings": settings, "rows": results}, indent=2) + "\n", encoding="utf-8")
    print(f"\nmedians of {options.runs}, {settings['LIBGUESTFS_BACKEND_SETTINGS']}\n\n{table(results)}")


if __name__ == "__main__":
    main()
