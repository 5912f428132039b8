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
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
REPORTS = BUILD / "reports"
PACKAGE = "ansible_collections.offline.guest"


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


def tool(name: str, *arguments: str) -> tuple[str, ...]:
    """Return the command line of a program in the virtual environment that runs this file."""
    return (str(Path(sys.executable).with_name(name)), *arguments)


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
    report = REPORTS / f"{name}.xml"
    return Check(name, (sys.executable, "-m", "pytest", "--durations=25", f"--junit-xml={report}", *arguments), report)


def checks_of(group: str) -> Iterable[Check]:
    if group == "lint":
        return lint_checks()
    if group == "sanity":
        return [Check("ansible-test sanity", (sys.executable, "tests/sanity.py"))]
    if group in ("unit", "integration"):
        return [pytest_check(group, f"tests/{group}")]
    raise SystemExit(f"There is no group of checks named {group!r}.")


def environment() -> dict[str, str]:
    """Return an environment in which Ansible's tools find this checkout as the collection, and nothing else."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    return {**os.environ, "PATH": path, "ANSIBLE_COLLECTIONS_PATH": str(BUILD / "collections")}


def read_report(report: Path) -> tuple[int, int, int]:
    """Return how many tests a JUnit file says passed, failed and were skipped; a file that is not there has none."""
    if not report.exists():
        return 0, 0, 0
    suites = list(ET.parse(report).getroot().iter("testsuite"))
    total, errors, failures, skipped = (
        sum(int(suite.get(key, "0")) for suite in suites) for key in ("tests", "errors", "failures", "skipped")
    )
    return total - errors - failures - skipped, errors + failures, skipped


def run(check: Check) -> Result:
    sys.stdout.write(f"\n== {check.name}\n")
    sys.stdout.flush()
    if check.report:
        check.report.unlink(missing_ok=True)
    start = time.monotonic()
    failed_itself = subprocess.run(check.command, cwd=ROOT, env=environment(), check=False).returncode != 0
    passed, failed, skipped = read_report(check.report) if check.report else (int(not failed_itself), 0, 0)
    # A run that ended badly without a failed test, such as one that found no tests, counts as one failure.
    return Result(check.name, passed, max(failed, int(failed_itself)), skipped, time.monotonic() - start)


def summary(results: list[Result]) -> str:
    lines = ["", f"{'check':<22}{'passed':>8}{'failed':>8}{'skipped':>8}{'seconds':>9}"]
    for result in results:
        counts = f"{result.passed:>8}{result.failed:>8}{result.skipped:>8}"
        lines.append(f"{result.name:<22}{counts}{result.seconds:>9.0f}")
    skipped = sum(result.skipped for result in results)
    last = f"{sum(result.passed for result in results)} passed, {sum(result.failed for result in results)} failed"
    return "\n".join([*lines, "", last + (f", {skipped} skipped" if skipped else "")]) + "\n"


def main(groups: list[str]) -> int:
    REPORTS.mkdir(parents=True, exist_ok=True)
    results = [run(check) for group in groups for check in checks_of(group)]
    sys.stdout.write(summary(results))
    return int(any(result.failed for result in results))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
