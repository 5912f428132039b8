# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The host's ``systemctl --root=…`` and ours, each on a copy of the same tree."""

from __future__ import annotations

import dataclasses
import functools
import os
import re
import shutil
import subprocess
import typing as t
from pathlib import Path

from ansible_collections.offline.guest.plugins.module_utils._errors import OfflineGuestError
from ansible_collections.offline.guest.plugins.module_utils._guest import _unit_install, _unit_preset, _unit_state
from ansible_collections.offline.guest.plugins.module_utils._guest._changes import apply_changes
from ansible_collections.offline.guest.plugins.module_utils._guest._unit_paths import unit_paths
from ansible_collections.offline.guest.plugins.module_utils._guest._unit_tree import Tree
from ansible_collections.offline.guest.tests.unit.differential.trees import Spec, guest_files, listing, make_tree

PROGRAM = shutil.which("systemctl") or ""
Scope = t.Literal["system", "global"]


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What a tree holds afterwards, and whether it was refused; then the tree counts for nothing.

    What systemctl says is not compared.
    """

    tree: t.Mapping[str, str]
    failed: bool = False
    said: str = dataclasses.field(default="", compare=False)


@functools.cache
def version() -> int:
    """Return the version of the host's systemd; 0 where there is none."""
    if not PROGRAM:
        return 0
    said = subprocess.run([PROGRAM, "--version"], stdout=subprocess.PIPE, text=True, check=True).stdout
    found = re.match(r"systemd (\d+)", said)
    return int(found[1]) if found else 0


def is_compared() -> bool:
    """Whether the host's systemctl is one that ours is to equal in everything: that of systemd 252.

    Later ones fail where a unit that is to be disabled is not there, and know UpheldBy= and presets that say "ignore".
    """
    return version() == 252


@functools.cache
def vendor() -> str:
    """Return the folder of units that the host's systemd was built for."""
    command = ["systemd-path", "systemd-search-system-unit"]
    said = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    return "/lib/systemd/system" if "/lib/systemd/system" in said.strip().split(":") else "/usr/lib/systemd/system"


def merged_root(root: Path, spec: Spec) -> Path:
    """Make a tree whose systemd is built as the host's, with /lib as a link to usr/lib."""
    base: Spec = {
        "/usr/lib/systemd/system": None,
        "/usr/sbin": None,
        "/etc/systemd/system": None,
        "/lib": ("usr/lib",),
        "/sbin": ("usr/sbin",),
        "/usr/sbin/init": (f"{vendor().rpartition('/')[0]}/systemd",),
    }
    return make_tree(root, {**base, **spec})


def copied(root: Path, name: str) -> Path:
    """Return a copy of a tree beside it."""
    return Path(shutil.copytree(root, root.with_name(name), symlinks=True))


def theirs(root: Path, verb: str, *names: str, force: bool = False, scope: Scope = "system", part: str = "") -> Outcome:
    """Run the host's systemctl on a tree.

    :param part: the folder to look at afterwards, where the whole is large.
    """
    options = [*(["--force"] if force else []), *(["--global"] if scope == "global" else [])]
    command = [PROGRAM, f"--root={root}", *options, verb, *names]
    environment = {**os.environ, "LC_ALL": "C", "SYSTEMD_LOG_LEVEL": "info"}
    done = subprocess.run(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    failed = done.returncode != 0
    return Outcome({} if failed else listing(root / part), failed, done.stdout)


def ours(root: Path, verb: str, *names: str, force: bool = False, scope: Scope = "system", part: str = "") -> Outcome:
    """Do the same; a refusal must leave the tree as it was."""
    before = listing(root / part)
    files = guest_files(root)
    tree = Tree(files)
    notes: list[str] = []
    try:
        _VERBS[verb](tree, names, force, scope, notes.append)
    except OfflineGuestError as exc:
        assert listing(root / part) == before
        return Outcome({}, True, str(exc))
    apply_changes(files, tree.changes())
    return Outcome(listing(root / part), False, "\n".join(notes))


def _enable(tree: Tree, names: t.Sequence[str], force: bool, scope: Scope, note: t.Callable[[str], None]) -> None:
    _unit_install.enable(tree, unit_paths(tree, scope), names, force=force, note=note)


def _disable(tree: Tree, names: t.Sequence[str], _force: bool, scope: Scope, note: t.Callable[[str], None]) -> None:
    _unit_install.disable(tree, unit_paths(tree, scope), names, note=note)


def _preset(tree: Tree, names: t.Sequence[str], force: bool, scope: Scope, note: t.Callable[[str], None]) -> None:
    for name in names:
        _unit_preset.preset(tree, unit_paths(tree, scope), name, force=force, note=note)


def _mask(tree: Tree, names: t.Sequence[str], force: bool, scope: Scope, _note: t.Callable[[str], None]) -> None:
    for name in names:
        _unit_install.mask(tree, unit_paths(tree, scope), name, force=force)


def _unmask(tree: Tree, names: t.Sequence[str], _force: bool, scope: Scope, _note: t.Callable[[str], None]) -> None:
    for name in names:
        _unit_install.unmask(tree, unit_paths(tree, scope), name)


_VERBS: dict[str, t.Callable[[Tree, t.Sequence[str], bool, Scope, t.Callable[[str], None]], None]] = {
    "enable": _enable,
    "disable": _disable,
    "preset": _preset,
    "mask": _mask,
    "unmask": _unmask,
}


def their_state(root: Path, name: str) -> str:
    """Return what ``systemctl is-enabled`` says."""
    command = [PROGRAM, f"--root={root}", "is-enabled", name]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() or ("not-found" if "No such file" in done.stderr else "bad")


def our_state(root: Path, name: str) -> str:
    tree = Tree(guest_files(root))
    return _unit_state.state_of(tree, unit_paths(tree, "system"), name)[0]
