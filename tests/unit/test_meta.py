# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the collection says of itself agrees with what it holds."""

from __future__ import annotations

import ast
import importlib
import os
import re
import subprocess
import sys
import tarfile
import typing as t
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = "ansible_collections.offline.guest.plugins"
HEADER = (
    "Copyright (c) 2026, the offline.guest contributors",
    "SPDX-License-Identifier: GPL-3.0-or-later",
)
# Files without a place for a header: REUSE.toml speaks for those that are generated or data.
WITHOUT_HEADER = re.compile(r"(COPYING|LICENSES/.*|CHANGELOG\.md|changelogs/changelog\.yaml|.*/\.keep|.*\.json)$")


def text(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def tracked() -> list[str]:
    """Return the regular files that git tracks; where this is not a checkout there is nothing to say."""
    command = ["git", "ls-files", "--cached"]
    try:
        names = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    return [name for name in names if (ROOT / name).is_file() and not (ROOT / name).is_symlink()]


def modules() -> dict[str, dict[str, t.Any]]:
    """Return the documentation of every module by its name."""
    return {path.stem: documentation(path) for path in sorted((ROOT / "plugins" / "modules").glob("*.py"))}


def documentation(path: Path) -> dict[str, t.Any]:
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "DOCUMENTATION":
            return yaml.safe_load(ast.literal_eval(node.value))
    raise AssertionError(f"{path} has no DOCUMENTATION")


def fragment_options() -> dict[str, t.Any]:
    """Return the options that the modules of the action group share, from both fragments that document them."""
    found: dict[str, t.Any] = {}
    for name in ("image", "appliance"):
        fragment = importlib.import_module(f"{PACKAGE}.doc_fragments.{name}").ModuleDocFragment
        found.update(yaml.safe_load(fragment.DOCUMENTATION)["options"])
    return found


def image_spec() -> dict[str, t.Any]:
    return importlib.import_module(f"{PACKAGE}.module_utils._ansible_module").IMAGE_SPEC


def test_the_options_about_attributes_are_known_to_who_looks_for_them() -> None:
    spec = importlib.import_module(f"{PACKAGE}.module_utils._ansible_module").FILE_SPEC
    names = importlib.import_module(f"{PACKAGE}.module_utils._guest._text_file").ATTRIBUTES
    assert sorted(names) == sorted(spec)


def test_a_module_that_works_on_an_image_documents_how_its_appliance_starts() -> None:
    for name, documented in modules().items():
        fragments = documented.get("extends_documentation_fragment", [])
        assert ("offline.guest.image" in fragments) <= ("offline.guest.appliance" in fragments), name


def test_the_action_group_is_every_module_that_works_on_an_image() -> None:
    group = yaml.safe_load(text("meta/runtime.yml"))["action_groups"]["image"]
    on_image = [
        name
        for name, documented in modules().items()
        if "offline.guest.image" in documented.get("extends_documentation_fragment", [])
    ]
    assert sorted(group) == on_image


def test_every_module_says_when_it_came() -> None:
    assert {name: documented.get("version_added") for name, documented in modules().items()} == dict.fromkeys(
        modules(), "0.1.0"
    )


def test_the_image_options_are_documented_as_they_are_checked() -> None:
    assert as_spec(fragment_options()) == as_spec(image_spec())


def as_spec(options: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Reduce documentation or an argument spec to what both say."""
    same = ("type", "required", "default", "choices", "elements")
    return {
        name: {key: option[key] for key in same if option.get(key) not in (None, False)}
        | {"options": as_spec(option.get("suboptions") or option.get("options") or {})}
        for name, option in options.items()
    }


def test_keys_are_not_logged() -> None:
    assert image_spec()["luks_keys"]["options"]["key"]["no_log"] is True


def test_every_file_says_its_licence() -> None:
    def has_header(name: str) -> bool:
        top = (ROOT / name).read_bytes()[:600].decode("utf-8", "replace")
        return all(line in top for line in HEADER)

    assert [name for name in tracked() if not WITHOUT_HEADER.match(name) and not has_header(name)] == []


def test_nothing_is_ignored_by_the_sanity_tests() -> None:
    assert list((ROOT / "tests" / "sanity").glob("ignore*")) == []


def test_the_version_has_a_changelog() -> None:
    version = yaml.safe_load(text("galaxy.yml"))["version"]
    assert version in yaml.safe_load(text("changelogs/changelog.yaml"))["releases"]


def test_ci_runs_what_the_readme_names() -> None:
    commands = [line for line in text(".ci/run").splitlines() if line and not line.startswith("#")]
    assert commands[-1] == "exec make test"
    assert "`make test`" in text("README.md")


def test_every_documented_target_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", text("Makefile"), re.MULTILINE))
    named = set(re.findall(r"[`']make ([a-z]+)", text("README.md") + text("CONTRIBUTING.md") + text("Makefile")))
    assert {"demo", "test", "unit", "lint", "bench"} <= targets
    assert named - targets == set()


def test_the_tests_use_a_core_that_the_collection_allows() -> None:
    pinned = re.search(r"^ansible-core==(\d+)\.(\d+)", text("tests/requirements.txt"), re.MULTILINE)
    allowed = re.search(r">=(\d+)\.(\d+)", yaml.safe_load(text("meta/runtime.yml"))["requires_ansible"])
    assert pinned and allowed
    assert [int(part) for part in pinned.groups()] >= [int(part) for part in allowed.groups()]


def test_what_is_published_is_the_collection_and_nothing_else(tmp_path: Path) -> None:
    galaxy = Path(sys.executable).with_name("ansible-galaxy")
    if not galaxy.exists():
        pytest.skip("this interpreter has no ansible-galaxy beside it")
    environment = {**os.environ, "ANSIBLE_HOME": str(tmp_path / "home")}
    command = [str(galaxy), "collection", "build", "--output-path", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL)
    with tarfile.open(next(tmp_path.glob("offline-guest-*.tar.gz"))) as archive:
        names = {member.name.rstrip("/") for member in archive.getmembers()}
    assert {name for name in tracked() if name.startswith("plugins/")} <= names
    unwanted = {"build", "module_utils", ".git", ".ci", ".ansible"}
    assert {name.split("/")[0] for name in names} & unwanted == set()
