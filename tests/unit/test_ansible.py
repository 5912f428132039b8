# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Imports from a zip archive without bytecode, in an interpreter of their own as Ansible starts one for a module."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

FINDER = Path(__file__).resolve().parents[2] / "plugins/module_utils/_ansible.py"
FILES = {
    "pack/__init__.py": "",
    "pack/first.py": "from .inner import deep\nfrom . import second\n",
    "pack/second.py": "VALUE = 2\n",
    "pack/inner/__init__.py": "from .deep import WORD\n",
    "pack/inner/deep.py": "WORD = 'deep'\n",
    "pack/broken.py": "1 +\n",
    "pack/quick.py": FINDER.read_text(encoding="utf-8"),
}
#: Counts how often each file of the archive is compiled, imports, and tells what it sees.
PROGRAM = """
import builtins, collections, importlib, json, os, pkgutil, sys
archive, how = sys.argv[1:]
counted, compiled = builtins.compile, collections.Counter()
def compile_and_count(source, name, *rest, **more):
    compiled[os.path.relpath(str(name), archive)] += 1
    return counted(source, name, *rest, **more)
sys.path.insert(0, archive)
import pack
if how == "quick":
    import pack.quick
builtins.compile = compile_and_count
import pack.first, pack.inner
errors = []
for name in ("pack.missing", "pack.broken", "pack.inner.missing"):
    try:
        importlib.import_module(name)
    except Exception as exc:
        errors.append([type(exc).__name__, str(exc).partition(" (")[0]])
modules = [sys.modules[f"pack.{name}"] for name in ("first", "second", "inner", "inner.deep")]
print(json.dumps({
    "files": [os.path.relpath(module.__file__, archive) for module in modules],
    "packages": [module.__package__ for module in modules],
    "paths": [os.path.relpath(path, archive) for path in pack.inner.__path__],
    "source": pkgutil.get_data("pack.inner", "deep.py").decode(),
    "errors": errors,
    "compiled": [compiled[name] for name in ("pack/first.py", "pack/second.py", "pack/inner/deep.py")],
}))
"""


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, object]]:
    archive = tmp_path_factory.mktemp("archive") / "modules.zip"
    with zipfile.ZipFile(archive, "w") as made:
        for name, content in FILES.items():
            made.writestr(name, content)
    found = {}
    for how in ("quick", "slow"):
        command = [sys.executable, "-c", PROGRAM, str(archive), how]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        found[how] = json.loads(done.stdout)
    return found


def test_each_file_is_compiled_once(seen: dict[str, dict[str, object]]) -> None:
    """Ours are, that is: how often zipimport does it is CPython's business."""
    assert seen["quick"]["compiled"] == [1, 1, 1]


def test_modules_are_as_zipimport_makes_them(seen: dict[str, dict[str, object]]) -> None:
    assert {**seen["quick"], "compiled": []} == {**seen["slow"], "compiled": []}
    assert seen["quick"]["files"] == ["pack/first.py", "pack/second.py", "pack/inner/__init__.py", "pack/inner/deep.py"]
    assert seen["quick"]["paths"] == ["pack/inner"]
    assert seen["quick"]["source"] == FILES["pack/inner/deep.py"]
    assert [kind for kind, _text in seen["quick"]["errors"]] == [  # type: ignore[attr-defined]
        "ModuleNotFoundError",
        "SyntaxError",
        "ModuleNotFoundError",
    ]
