# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An import goes down the layers, never up (see CONTRIBUTING.md), and each outside dependency has its one place."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = "ansible_collections.offline.guest"
HANDLE = "plugins/module_utils/_appliance/_handle.py"
# What runs in the server's process, or is started by it. The last is written into a file of its own, and stands alone.
ALONE = "plugins/module_utils/_appliance/_warm_hv.py"
WITH_SERVER = (
    "plugins/module_utils/_appliance/_accelerator.py",
    "plugins/module_utils/_appliance/_allowlist.py",
    "plugins/module_utils/_appliance/_durable.py",
    HANDLE,
    "plugins/module_utils/_appliance/_machine.py",
    "plugins/module_utils/_appliance/_raw_names.py",
    "plugins/module_utils/_appliance/_server.py",
    "plugins/module_utils/_appliance/_warm.py",
    "plugins/module_utils/_appliance/_warm_build.py",
    ALONE,
    "plugins/module_utils/_appliance/_warm_init.py",
    "plugins/module_utils/_appliance/_warm_store.py",
    "plugins/module_utils/_appliance/_watchdog.py",
    "plugins/module_utils/_appliance/_wire.py",
)
RUNNER = "plugins/module_utils/_ansible_module.py"
ANSIBLE = "plugins/module_utils/_ansible.py"

# From the top down. A file belongs to the first layer that its path begins with.
LAYERS = (
    ("modules", "plugins/modules/"),
    ("action", "plugins/action/"),
    ("inventory", "plugins/inventory/"),
    ("controller", "plugins/plugin_utils/"),
    ("module runner", RUNNER),
    ("Ansible", ANSIBLE),
    ("guest", "plugins/module_utils/_guest/"),
    ("appliance", "plugins/module_utils/_appliance/"),
    ("errors", "plugins/module_utils/_errors.py"),
    ("documentation", "plugins/doc_fragments/"),
)
ORDER = [name for name, _prefix in LAYERS]
# Nothing imports these: Ansible loads them.
FACES = frozenset({"modules", "action", "inventory", "documentation"})


@dataclass(frozen=True)
class Import:
    """One thing that a file imports; ``name`` is absolute and includes what stands after ``import``."""

    line: int
    name: str
    top_level: bool


def module_name(path: str) -> str:
    """Return the dotted name of a file of the collection: ``plugins/modules/edit.py`` → ``….plugins.modules.edit``."""
    parts = PurePosixPath(path).with_suffix("").parts
    return ".".join((PACKAGE, *parts))


def layer_of(name: str) -> str | None:
    """Return the layer of a dotted name, or None for what is not in the collection.

    A name that no layer has, such as ``plugins`` itself, counts as the top: importing it may reach everything.
    """
    if name != PACKAGE and not name.startswith(PACKAGE + "."):
        return None
    path = name[len(PACKAGE) + 1 :].replace(".", "/") + "/"
    return next((layer for layer, prefix in LAYERS if path.startswith(prefix.removesuffix(".py"))), ORDER[0])


def imports_of(path: str, source: str) -> Iterator[Import]:
    tree = ast.parse(source, path)
    inside = {id(node) for function in functions(tree) for node in ast.walk(function)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(node.lineno, alias.name, id(node) not in inside)
        elif isinstance(node, ast.ImportFrom):
            base = absolute_base(path, node)
            for alias in node.names:
                yield Import(node.lineno, f"{base}.{alias.name}", id(node) not in inside)


def functions(tree: ast.AST) -> Iterator[ast.AST]:
    return (node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)))


def absolute_base(path: str, node: ast.ImportFrom) -> str:
    """Return what a ``from`` names, with the leading dots resolved as Python does it."""
    if not node.level:
        return node.module or ""
    package = module_name(path).split(".")[: -node.level]
    return ".".join([*package, node.module] if node.module else package)


def dynamic_imports_of(path: str, source: str) -> Iterator[int]:
    """Yield the lines that import by a computed name, which no reader and no check can follow."""
    for node in ast.walk(ast.parse(source, path)):
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            if name in ("__import__", "import_module") or name.endswith(".import_module"):
                yield node.lineno


def upward(path: str, source: str) -> Iterator[str]:
    """Yield a sentence for each import of ``path`` that does not go down."""
    own = layer_of(module_name(path))
    for found in imports_of(path, source):
        other = layer_of(found.name)
        if own is None or other is None:
            continue
        is_up = ORDER.index(other) < ORDER.index(own)
        is_face = other in FACES
        if is_up or is_face:
            yield f"{path}:{found.line} ({own}) imports {found.name} ({other})"
    for line in dynamic_imports_of(path, source):
        yield f"{path}:{line} imports by a computed name"


def misplaced(path: str, source: str) -> Iterator[str]:
    """Yield a sentence for each import of an outside dependency that has its place elsewhere."""
    for found in imports_of(path, source):
        root = found.name.split(".")[0]
        where = f"{path}:{found.line} imports {found.name}"
        if root == "guestfs" and (path != HANDLE or found.top_level):
            yield f"{where}: only functions of {HANDLE} may"
        if path in WITH_SERVER and root != "guestfs" and not is_with_server(path, found.name):
            yield f"{where}: the server runs alone, under an interpreter that may have nothing else"
        if found.name.startswith("ansible.module_utils.basic") and path != ANSIBLE:
            yield f"{where}: only the module runner knows AnsibleModule"


def is_with_server(path: str, name: str) -> bool:
    """Whether the server's process has what is imported: the standard library, and the files that go with it."""
    if name.split(".")[0] in sys.stdlib_module_names:
        return True
    return path != ALONE and any(f"{name}.".startswith(f"{module_name(other)}.") for other in WITH_SERVER)


def sources() -> dict[str, str]:
    files = sorted((ROOT / "plugins").rglob("*.py"))
    return {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in files}


def test_every_plugin_file_has_a_layer() -> None:
    prefixes = tuple(prefix for _name, prefix in LAYERS)
    assert [path for path in sources() if not path.startswith(prefixes)] == []


def test_imports_go_down() -> None:
    assert [fault for path, source in sources().items() for fault in upward(path, source)] == []


def test_outside_dependencies_have_one_place() -> None:
    assert [fault for path, source in sources().items() for fault in misplaced(path, source)] == []


def test_the_server_is_looked_at() -> None:
    """The rules above name files; a file that moved would make them say nothing."""
    assert set(WITH_SERVER) <= set(sources())
    assert any(found.name.split(".")[0] == "guestfs" for found in imports_of(HANDLE, sources()[HANDLE]))


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("plugins/module_utils/_guest/_a.py", "from .._ansible_module import run_guest_module"),
        ("plugins/module_utils/_guest/_a.py", "from ... import modules"),
        ("plugins/module_utils/_guest/_a.py", f"from {PACKAGE}.plugins.modules import edit"),
        ("plugins/module_utils/_guest/_a.py", f"import {PACKAGE}.plugins.module_utils._ansible_module as m"),
        ("plugins/module_utils/_appliance/_a.py", "from .._guest._paths import GuestPath"),
        ("plugins/module_utils/_appliance/_a.py", "from .. import _guest"),
        ("plugins/module_utils/_appliance/_a.py", "def f():\n    from .._guest import _paths"),
        ("plugins/module_utils/_appliance/_a.py", "if TYPE_CHECKING:\n    from .._guest import _paths"),
        ("plugins/module_utils/_appliance/_a.py", "import importlib\nimportlib.import_module(name)"),
        ("plugins/module_utils/_errors.py", "from ._appliance._calls import Calls"),
        ("plugins/module_utils/_errors.py", "from . import _appliance"),
        ("plugins/modules/edit.py", "from .session import handle"),
        ("plugins/action/firstboot.py", "from ..modules.firstboot import DOCUMENTATION"),
        ("plugins/doc_fragments/image.py", "from ..module_utils._ansible_module import IMAGE_SPEC"),
    ],
)
def test_an_import_that_goes_up_is_found(path: str, source: str) -> None:
    assert len(list(upward(path, source))) == 1


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("plugins/modules/edit.py", "from ..module_utils._ansible_module import run_guest_module"),
        ("plugins/modules/edit.py", "from ..module_utils._guest._edit import handle"),
        ("plugins/action/firstboot.py", "from ..module_utils._errors import OptionError"),
        (RUNNER, "from ._guest import _task\nfrom ._appliance._session import Session"),
        (
            "plugins/module_utils/_guest/_a.py",
            "from . import _b\nfrom ._b import c\nfrom .._appliance import _calls",
        ),
        ("plugins/module_utils/_appliance/_a.py", "from .._errors import HostError\nimport json"),
    ],
)
def test_an_import_that_goes_down_is_allowed(path: str, source: str) -> None:
    assert list(upward(path, source)) == []


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("plugins/module_utils/_appliance/_client.py", "def f():\n    import guestfs"),
        ("plugins/module_utils/_guest/_files.py", "from guestfs import GuestFS"),
        (HANDLE, "import guestfs"),
        (HANDLE, "import voluptuous"),
        (HANDLE, "from .._errors import HostError"),
        ("plugins/modules/edit.py", "from ansible.module_utils.basic import AnsibleModule"),
    ],
)
def test_a_misplaced_dependency_is_found(path: str, source: str) -> None:
    assert len(list(misplaced(path, source))) == 1


def test_the_server_may_import_the_bindings_in_a_function() -> None:
    assert list(misplaced(HANDLE, "import json\ndef f():\n    import guestfs")) == []
