# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run groups of checks, each to its end whatever the others said, and sum up.

The arguments name the groups: lint, sanity, unit, integration. The last line counts every test, and every check that is
not made of tests as one. Start it with ``make``, which prepares what the checks need.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
REPORTS = BUILD / "reports"
PACKAGE = "ansible_collections.offline.guest"
#: As many appliances at once as 4 GiB of memory hold with ease.
WORKERS = 4


@dataclass(frozen=True)
class Check:
    """A command to run at the top of the checkout; ``report`` is where it leaves a JUnit file, if it does."""

    name: str
    command: tuple[str, ...]
    report: Path | None = None


@dataclass(frozen=True)
class Result:
    name: str
    passed: int
    failed: int
    skipped: int
    seconds: float
    names: tuple[str, ...] = ()  # of the tests that failed


def tool(name: str, *arguments: str) -> tuple[str, ...]:
    """Return the command line of a program in the virtual environment that runs this file."""
    return (str(Path(sys.executable).with_name(name)), *arguments)


def platform_python() -> str:
    """Return the interpreter that has the libguestfs bindings."""
    return os.environ.get("OFFLINE_GUEST_PLATFORM_PYTHON", "/usr/bin/python3")


def shell_scripts() -> list[str]:
    """Return the files that git knows or would add and that are shell scripts by name or by their first line."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    return sorted(name for name in set(names) if is_shell_script(ROOT / name))


def is_shell_script(path: Path) -> bool:
    if path.is_symlink() or not path.is_file():
        return False
    with path.open("rb") as stream:
        first = stream.readline(100)
    return path.suffix == ".sh" or first.startswith((b"#!/bin/sh", b"#!/bin/bash", b"#!/usr/bin/env bash"))


def lint_checks() -> Iterator[Check]:
    yield Check("ruff", tool("ruff", "check", "."))
    yield Check("ruff format", tool("ruff", "format", "--check", "."))
    yield Check("mypy", tool("mypy", "-p", f"{PACKAGE}.plugins", "-p", f"{PACKAGE}.tests"))
    yield Check("ansible-lint", tool("ansible-lint", "--profile", "production"))
    yield Check("antsibull-docs", tool("antsibull-docs", "lint-collection-docs", "--plugin-docs", "."))
    yield Check("antsibull-changelog", tool("antsibull-changelog", "lint"))
    yield Check("shellcheck", ("shellcheck", *shell_scripts()))


def pytest_check(name: str, *arguments: str) -> Check:
    """Return the check that runs the tests of ``tests/NAME``, side by side where the machine has processors for it."""
    report = REPORTS / f"{name}.xml"
    workers = ("--numprocesses=auto", f"--maxprocesses={WORKERS}")
    command = (sys.executable, "-m", "pytest", *workers, "--durations=25", f"--junit-xml={report}")
    return Check(name, (*command, *arguments, f"tests/{name}"), report)


def checks_of(group: str) -> Iterable[Check]:
    if group == "lint":
        return lint_checks()
    if group == "sanity":
        return [Check("ansible-test sanity", (sys.executable, "tests/sanity.py"))]
    if group == "unit":
        return [pytest_check(group)]
    if group == "integration":
        # All in one appliance, before workers ask for one after the other; the tests of a file share what it prepares.
        images = Check("test images", (platform_python(), "tests/images/build.py"))
        return [images, pytest_check(group, "--dist=loadfile")]
    raise SystemExit(f"There is no group of checks named {group!r}.")


def environment() -> dict[str, str]:
    """Return an environment in which Ansible's tools find this checkout as the collection, and nothing else."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    return {**os.environ, "PATH": path, "ANSIBLE_COLLECTIONS_PATH": str(BUILD / "collections")}


def read_report(report: Path) -> Result | None:
    """Return what a JUnit file says, or None where there is no such file. A test's name is ``file::test``."""
    if not report.exists():
        return None
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    failed = []
    for case in ET.parse(report).getroot().iter("testcase"):
        kinds = {element.tag for element in case}
        kind = "failed" if kinds & {"failure", "error"} else "skipped" if "skipped" in kinds else "passed"
        counts[kind] += 1
        if kind == "failed":
            failed.append(f"{case.get('classname')}::{case.get('name')}")
    return Result(report.stem, **counts, seconds=0, names=tuple(failed))


def run(check: Check) -> Result:
    sys.stdout.write(f"\n== {check.name}\n")
    sys.stdout.flush()
    if check.report:
        check.report.unlink(missing_ok=True)
    start = time.monotonic()
    ended_well = subprocess.run(check.command, cwd=ROOT, env=environment(), check=False).returncode == 0
    seconds = time.monotonic() - start
    found = read_report(check.report) if check.report else None
    if found is None:
        return Result(check.name, int(ended_well), int(not ended_well), 0, seconds)
    # A run that ended badly without a failed test, such as one that found no tests, counts as one failure.
    return replace(found, name=check.name, failed=max(found.failed, int(not ended_well)), seconds=seconds)


def summary(results: Sequence[Result]) -> str:
    lines = ["", f"{'check':<22}{'passed':>8}{'failed':>8}{'skipped':>8}{'seconds':>9}"]
    for result in results:
        counts = f"{result.passed:>8}{result.failed:>8}{result.skipped:>8}"
        lines.append(f"{result.name:<22}{counts}{result.seconds:>9.0f}")
    failed = [f"failed: {name}" for result in results if result.failed for name in result.names or [result.name]]
    skipped = sum(result.skipped for result in results)
    last = f"{sum(result.passed for result in results)} passed, {sum(result.failed for result in results)} failed"
    if skipped:
        last += f", {skipped} skipped"
    return "\n".join([*lines, "", *failed, last]) + "\n"


def main(groups: list[str]) -> int:
    REPORTS.mkdir(parents=True, exist_ok=True)
    results = [run(check) for group in groups for check in checks_of(group)]
    sys.stdout.write(summary(results))
    return int(any(result.failed for result in results))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
