# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compare speed with the libguestfs tools, side by side in one run, on the real Debian image.

A row's commands do the same work on fresh copies of the same image, and are run in turn: ours on an appliance that is
booted, ours on one that is resumed, theirs, and again … What counts is the ratio of the medians, because a machine's
own speed drifts. All are whole processes, ours with all of ansible-playbook; but some rows are about single tasks of
one play. Results go to build/reports/bench.json,
too, each row beside those of earlier runs.

    python tests/bench/run.py [--runs 5] [row …]
"""

from __future__ import annotations

import argparse
import contextlib
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

from rows import (
    BUILD,
    FIRST,
    LARGE,
    LARGE_FILE,
    PYTHON,
    READY,
    ROOT,
    ROWS,
    TASK_ROWS,
    Command,
    Row,
    Task,
    TaskRow,
    copy_in,
    playbook,
)

TURNS = 10  # of each side in a row about tasks


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


def base_image(name: str) -> pathlib.Path:
    """Return the image that a row's runs get copies of; made on first use and kept."""
    source = BUILD / "images" / "debian-real.raw"
    if name == "small":
        return source
    image = BUILD / f"bench-{name}.raw"
    if not image.exists() or image.stat().st_mtime < source.stat().st_mtime:
        make_large_file()
        staged = image.with_suffix(".new")
        subprocess.run(["cp", "--sparse=always", str(source), str(staged)], check=True)
        size = str(source.stat().st_size + 4 * LARGE)
        run_command(playbook(staged, "warm", [{"offline.guest.resize": {"size": size}}], session=False))
        if name == "filled":
            run_command(copy_in(staged, "warm"))
        os.replace(staged, image)
    return image


def make_large_file() -> None:
    """Make the file to copy, of bytes that no layer can leave out or make smaller."""
    if LARGE_FILE.exists() and LARGE_FILE.stat().st_size == LARGE:
        return
    with open(LARGE_FILE, "wb") as stream:
        for _block in range(LARGE // 2**20):
            stream.write(os.urandom(2**20))


def run_command(words: list[str], **settings: str) -> None:
    """Run a command to its end.

    :raises SystemExit: it failed; its output is shown.
    """
    done = subprocess.run(words, env={**environment(), **settings}, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(words)} failed:\n{done.stdout}\n{done.stderr}")


@contextlib.contextmanager
def fresh_copy(base: str = "small") -> t.Iterator[pathlib.Path]:
    """Give a copy of an image in a folder of its own, gone afterwards."""
    source = base_image(base)
    with tempfile.TemporaryDirectory(dir=BUILD, prefix="bench-") as folder:
        image = pathlib.Path(folder) / "image.raw"
        subprocess.run(["cp", "--sparse=always", str(source), str(image)], check=True)
        yield image


def timed(command: Command, start: str, base: str, settings: dict[str, str]) -> float:
    """Return how many seconds one run on a fresh copy took."""
    with fresh_copy(base) as image:
        words = command(image, start)
        began = time.monotonic()
        run_command(words, **settings)
        seconds = time.monotonic() - began
    if start == "first":
        await_saved()
    return seconds


def await_saved() -> None:
    """Wait until the appliance is saved that the first session has asked for, and forget it."""
    until = time.monotonic() + 300
    while not list(FIRST.glob("[0-9a-f]*/machine.json")) or list(FIRST.glob("new-*")):
        if time.monotonic() > until:
            sys.exit("The first session's appliance was not saved.")
        time.sleep(0.5)
    shutil.rmtree(FIRST)


def measure(row: Row, runs: int, settings: dict[str, str]) -> list[dict[str, t.Any]]:
    """Run all sides in turn; one round before does not count."""
    ours: dict[str, list[float]] = {start: [] for start in row.targets}
    theirs: list[float] = []
    for run in range(runs + 1):
        taken = {start: timed(row.ours, start, row.base, {}) for start in row.targets}
        their = timed(row.theirs, "", row.base, settings)
        shown = ", ".join(f"{start} {seconds:.1f} s" for start, seconds in taken.items())
        print(f"  {row.name}: {shown}, against {their:.1f} s{'' if run else ' (not counted)'}", flush=True)
        if run:
            theirs.append(their)
            for start, seconds in taken.items():
                ours[start].append(seconds)
    return [result(row, start, ours[start], theirs) for start in row.targets]


def result(row: Row, start: str, ours: list[float], theirs: list[float]) -> dict[str, t.Any]:
    """Return what is known of one start in one row."""
    return compared(row, start, ours, theirs, row.targets[start])


def compared(
    row: Row | TaskRow, start: str, ours: list[float], theirs: list[float], target: float | None
) -> dict[str, t.Any]:
    """Return two sides and their ratio, as the report has them."""
    ratio = statistics.median(ours) / statistics.median(theirs)
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


def measure_tasks(row: TaskRow) -> list[dict[str, t.Any]]:
    """Run the tasks of both sides by turns in one play on a session that is open."""
    with fresh_copy() as image:
        tasks: list[Task] = []
        for turn in range(TURNS + 1):
            tasks.append({"name": "ours", **row.ours(turn)})
            tasks.append({"name": "theirs", **row.theirs(turn, image.parent)})
        times = image.with_suffix(".times")
        settings = {
            "ANSIBLE_CALLBACK_PLUGINS": str(ROOT / "tests/bench/callback_plugins"),
            "ANSIBLE_CALLBACKS_ENABLED": "task_times",
            "OFFLINE_GUEST_TIMES": str(times),
        }
        run_command(playbook(image, "warm", tasks, session=True), **settings)
        lines = [json.loads(line) for line in times.read_text(encoding="utf-8").splitlines()]
    # The first of each side does not count: it finds and mounts the guest, and Ansible packs the module.
    ours, theirs = ([line["seconds"] for line in lines if line["name"] == side][1:] for side in ("ours", "theirs"))
    print(f"  {row.name}: {statistics.median(ours):.2f} s, against {statistics.median(theirs):.2f} s", flush=True)
    return [compared(row, "warm", ours, theirs, row.target)]


def table(results: list[dict[str, t.Any]]) -> str:
    """Return the results as a table in Markdown."""
    lines = ["| work | start | against | ours, s | theirs, s | ratio | to reach |", "|---|---|---|---|---|---|---|"]
    for result in results:
        mark = "" if result["reached"] else " (not reached)"
        target = "" if result["target"] is None else f"≤ {result['target']:.2f}"
        lines.append(
            f"| {result['work']} | {result['start']} | {result['against']} | {result['ours_median']:.3g} "
            f"| {result['theirs_median']:.3g} | {result['ratio']:.2f}{mark} | {target} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Run the comparison."""
    parser = argparse.ArgumentParser(description="Compare speed with the libguestfs tools.")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("rows", nargs="*", choices=[*ROWS, *TASK_ROWS, []], default=[])
    options = parser.parse_args()
    subprocess.run(["/usr/bin/python3", str(ROOT / "tests/images/build.py"), "debian-real"], check=True)
    settings = peer_settings()
    report = BUILD / "reports" / "bench.json"
    report.parent.mkdir(exist_ok=True)
    known = json.loads(report.read_text(encoding="utf-8")) if report.exists() else {"rows": {}}
    for name in options.rows or [*ROWS, *TASK_ROWS]:
        measured = measure(ROWS[name], options.runs, settings) if name in ROWS else measure_tasks(TASK_ROWS[name])
        known["rows"][name] = measured
        known["settings"] = settings
        report.write_text(json.dumps(known, indent=2) + "\n", encoding="utf-8")
    results = [result for name in (*ROWS, *TASK_ROWS) for result in known["rows"].get(name, [])]
    print(f"\nmedians of {options.runs}, {settings['LIBGUESTFS_BACKEND_SETTINGS']}\n\n{table(results)}")


if __name__ == "__main__":
    main()
