# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""docs/from_virt_customize.md has every option of the programs it is about, and only modules and options there are."""

from __future__ import annotations

import importlib
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from ansible_collections.offline.guest.tests.unit.test_meta import PACKAGE, fragment_options, modules

PAGE = Path(__file__).resolve().parents[2] / "docs" / "from_virt_customize.md"
ROW = re.compile(r"^\| (?P<option>`[^|]+) \| (?P<task>[^|]*) \| (?P<options>[^|]*)\| (?P<remarks>.*)\|$", re.MULTILINE)
# --help prints them beside another spelling, or they belong to the other program's build.
SPELLINGS = {"--colors", "--colour", "--colours", "--dryrun", "--operation"}


def rows() -> list[re.Match[str]]:
    return list(ROW.finditer(PAGE.read_text(encoding="utf-8")))


def words(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def test_every_named_module_and_option_exists() -> None:
    known = modules()
    checked = 0
    for row in rows():
        for module in re.findall(r"offline\.guest\.(\w+)", row["task"] + row["remarks"]):
            assert module in known, row[0]
        if row["task"] == "none":
            assert not words(row["options"]) and row["remarks"].strip(), f"no reason is given: {row[0]}"
            continue
        fragments = ["image"] if row["task"] == "every module" else []
        options = set(fragment_options()) if fragments else own_options(words(row["task"])[0])
        assert set(words(row["options"])) <= options, row[0]
        checked += 1
    assert checked > 60


def own_options(name: str) -> set[str]:
    """Return the options of a module, those of its fragments among them."""
    documented = modules()[name.rpartition(".")[2]]
    found = set(documented["options"])
    for fragment in documented["extends_documentation_fragment"]:
        _namespace, _collection, file, *part = fragment.split(".")
        holder = importlib.import_module(f"{PACKAGE}.doc_fragments.{file}").ModuleDocFragment
        text = getattr(holder, part[0].upper() if part else "DOCUMENTATION")
        found |= set(yaml.safe_load(text).get("options") or {})
    return found


@pytest.mark.parametrize("program", ["virt-customize", "virt-sysprep"])
def test_every_option_of_the_program_is_there(program: str) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    shown = subprocess.run([program, "--help"], check=True, capture_output=True, text=True).stdout
    theirs = {
        word for line in shown.splitlines() if line.startswith("  -") for word in re.findall(r"--[a-z-]+", line[:40])
    }
    named = {word for row in rows() for word in words(row["option"])}
    assert theirs - SPELLINGS - named == set()


def test_every_operation_of_virt_sysprep_is_there() -> None:
    if shutil.which("virt-sysprep") is None:
        pytest.skip("virt-sysprep is not installed")
    shown = subprocess.run(["virt-sysprep", "--list-operations"], check=True, capture_output=True, text=True).stdout
    operations = {line.split()[0] for line in shown.splitlines() if line.strip()}
    assert operations - {word for row in rows() for word in words(row["option"])} == set()
