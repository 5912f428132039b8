# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""What ``systemctl is-enabled`` says of a unit (systemctl(1), "is-enabled")."""

from __future__ import annotations

import posixpath
import typing as t

from .._errors import OfflineGuestError
from . import _unit_name as unit_name
from ._unit_load import MissingUnit, Unit, Units
from ._unit_paths import UnitPaths, is_generated, is_runtime, is_transient
from ._unit_tree import Tree, is_hidden

_FOLDERS = (".wants", ".requires", ".upholds")

#: States in which a unit starts at boot, or when something else starts: those for which systemctl ends with 0.
ENABLED = frozenset({"enabled", "enabled-runtime", "static", "indirect", "alias", "generated"})


def state_of(tree: Tree, paths: UnitPaths, name: str) -> tuple[str, Unit | None]:
    """Return the state, ``not-found`` or ``bad`` where there is none, and the unit that the name leads to."""
    try:
        unit = Units(tree, paths).discover(name)
    except MissingUnit:
        return "not-found", None
    except OfflineGuestError:
        return "bad", None
    if unit.mode == "masked":
        return ("masked-runtime" if is_runtime(unit.path) else "masked"), unit
    return _state(tree, paths, name, unit), unit


def _state(tree: Tree, paths: UnitPaths, name: str, unit: Unit) -> str:
    if name != posixpath.basename(unit.path) and unit_name.kind_of(unit.name) != "instance":
        return "alias"
    if is_generated(unit.path):
        return "transient" if is_transient(unit.path) else "generated"
    looker = _Looker(tree, paths, unit)
    found = looker.look(match_name=True)
    if found:
        return found
    if looker.look(match_name=False):
        return "indirect"
    if unit.has_rules:
        return "disabled"
    return "indirect" if unit.also else "static"


class _Looker:
    """Looks for links to a unit, in the search path from the top."""

    def __init__(self, tree: Tree, paths: UnitPaths, unit: Unit) -> None:
        self._tree = tree
        self._paths = paths
        self._unit = unit
        self._known = {unit.name, *unit.aliases}
        if unit.default_instance and unit_name.kind_of(unit.name) == "template":
            self._known.add(unit_name.instantiated(unit.name, unit.default_instance))

    def look(self, *, match_name: bool) -> str:
        """Return the state that links give the unit; empty if there are none.

        :param match_name: only links count whose names [Install] knows.
        """
        runtime = vendor = False
        linked = ""
        below_unit = False
        for folder in self._searched():
            found, same_name = self._in_folder(folder, match_name=match_name, ignore_same_name=below_unit)
            if found and folder == self._paths.config:
                return "enabled"
            runtime |= found and is_runtime(folder)
            vendor |= found and not is_runtime(folder)
            if same_name and not found and not linked:
                linked = self._linked(folder)
            below_unit |= self._unit.path.startswith(f"{folder}/")
        if runtime:
            return "enabled-runtime"
        return "static" if vendor and unit_name.kind_of(self._unit.name) == "instance" else linked

    def _searched(self) -> t.Iterator[str]:
        """What the vendor links counts for instances only, and there are hundreds of files to look at."""
        is_instance = unit_name.kind_of(self._unit.name) == "instance"
        for folder in self._paths.search:
            if is_instance or folder == self._paths.config or is_runtime(folder):
                yield folder

    def _linked(self, folder: str) -> str:
        if folder == self._paths.config:
            return "linked"
        return "linked-runtime" if is_runtime(folder) else ""

    def _in_folder(self, folder: str, *, match_name: bool, ignore_same_name: bool) -> tuple[bool, bool]:
        """Return whether a link is found, and whether the unit itself is a link of its own name in the folder."""
        for place in self._dependencies(folder):
            if any(self._bears(link) and self._counts(link, match_name) for link in self._links(place)):
                return True, False
        same_name = False
        for link in self._links(folder):
            leads = posixpath.basename(self._tree.link(f"{folder}/{link}") or "") == self._unit.name
            bears = link == self._unit.name and not ignore_same_name
            if leads and bears:
                same_name |= folder == self._paths.config
                if folder == self._paths.config:
                    continue
            if (leads or bears) and self._counts(link, match_name):
                return True, same_name
        return False, same_name

    def _dependencies(self, folder: str) -> t.Iterator[str]:
        for name in self._tree.names(folder):
            if name.endswith(_FOLDERS) and not is_hidden(name) and self._tree.kind(f"{folder}/{name}") == "directory":
                yield f"{folder}/{name}"

    def _bears(self, link: str) -> bool:
        return link == self._unit.name or unit_name.template_of(link) == self._unit.name

    def _counts(self, link: str, match_name: bool) -> bool:
        return not match_name or link in self._known

    def _links(self, folder: str) -> list[str]:
        names = (name for name in self._tree.names(folder) if not is_hidden(name))
        return [name for name in names if self._tree.kind(f"{folder}/{name}") == "link"]
