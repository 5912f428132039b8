# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""Finds a unit, follows its links, and reads what its [Install] says, as ``systemctl enable`` does.

Two facts from systemd's src/shared/install.c that its manual does not tell. Of the drop-in folders only ``NAME.d`` and
that of the template are read for [Install]; those of a shortened prefix and of a type (``foo-.service.d``,
``service.d``), which count for everything else, do not. And a unit in the search path may be a link to another name in
it (an alias) or to a file elsewhere (a linked unit), but not to its own name.
"""

from __future__ import annotations

import dataclasses
import posixpath
import typing as t

from .._errors import GuestError, OfflineGuestError, printable
from . import _unit_name as unit_name
from ._paths import GuestPath
from ._unit_file import install_assignments, plain_words, quoted_words
from ._unit_paths import UnitPaths, config_files, is_generated, is_transient
from ._unit_specifiers import Specifiers
from ._unit_tree import Tree

Mode = t.Literal["regular", "linked", "alias", "masked"]
_MAX_LINKS = 64
_MAX_UNITS = 1000
_MAX_LINKS_OF_ONE = 1000


class MissingUnit(GuestError):
    """There is no such unit."""


class DanglingUnit(GuestError):
    """The unit is a link to another unit that is not there."""


class LinkedUnit(GuestError):
    """The unit is a link of the administrator's, which is not followed here."""


@dataclasses.dataclass
class Unit:
    """A unit on its way from a name to what is to be installed.

    :param path: its file, as text of a link to it.
    :param mode: None until it is looked for.
    :param leads_to: where its link leads, if it is one.
    :param auxiliary: it is only named by Also= of another.
    """

    name: str
    path: str = ""
    mode: Mode | None = None
    leads_to: str = ""
    auxiliary: bool = False
    aliases: list[str] = dataclasses.field(default_factory=list)
    wanted_by: list[str] = dataclasses.field(default_factory=list)
    required_by: list[str] = dataclasses.field(default_factory=list)
    upheld_by: list[str] = dataclasses.field(default_factory=list)
    also: list[str] = dataclasses.field(default_factory=list)
    default_instance: str | None = None
    dropins: list[str] = dataclasses.field(default_factory=list)

    @property
    def has_rules(self) -> bool:
        """Whether its [Install] asks for links."""
        return bool(self.aliases or self.wanted_by or self.required_by or self.upheld_by)


class Units:
    """The units that one operation is about: those that are named, and those that they bring with them, in order."""

    def __init__(self, tree: Tree, paths: UnitPaths) -> None:
        self.tree = tree
        self.paths = paths
        self._specifiers = Specifiers(tree)
        self._units: dict[str, Unit] = {}
        self._waiting: list[Unit] = []

    def add(self, name: str, *, path: str = "", auxiliary: bool = False) -> Unit:
        """Return the unit of this name, added to those that wait if it is not known.

        :raises GuestError: it is no name of a unit, or there are more than 1000.
        """
        if unit_name.kind_of(name) is None:
            raise GuestError(f"'{printable(name)}' in the guest is not the name of a unit.")
        found = self._units.get(name)
        if found is not None:
            found.auxiliary = found.auxiliary and auxiliary
            return found
        if len(self._units) >= _MAX_UNITS:
            raise GuestError(f"Units of the guest name more than {_MAX_UNITS} others in Also=.")
        made = Unit(name, path=path, auxiliary=auxiliary)
        self._units[name] = made
        self._waiting.append(made)
        return made

    def knows(self, name: str) -> bool:
        """Whether the unit was added."""
        return name in self._units

    def waiting(self) -> t.Iterator[Unit]:
        """Yield each unit once; those that are added meanwhile too."""
        while self._waiting:
            yield self._waiting.pop(0)

    def expand(self, unit: Unit, text: str) -> str:
        """Return text of a unit's [Install] with its specifiers replaced."""
        return self._specifiers.expand(text, unit.name, unit.default_instance)

    def discover(self, name_or_path: str, *, load: bool = True) -> Unit:
        """Find the unit of a name or of an absolute path, every link followed.

        :param load: whether to read [Install], and to add what it names.
        :raises MissingUnit: there is none. :raises GuestError: it cannot be used as it is.
        """
        if name_or_path.startswith("/"):
            unit = self.add(posixpath.basename(name_or_path), path=str(GuestPath(name_or_path)))
        else:
            unit = self.add(name_or_path)
        return self.traverse(unit, load=load)

    def discover_usable(self, name_or_path: str) -> Unit:
        """As :meth:`discover`.

        :raises GuestError: and the unit is masked, or not a file that stays.
        """
        unit = self.discover(name_or_path)
        if unit.mode == "masked":
            raise GuestError(f"The unit {printable(unit.name)} of the guest is masked.", hint="Set masked: false, too.")
        if is_generated(unit.path):
            what = "transient" if is_transient(unit.path) else "made by a generator when the guest boots"
            raise GuestError(f"The unit {printable(unit.name)} of the guest is {what}, so it cannot be enabled.")
        return unit

    def traverse(self, start: Unit, *, load: bool = True, follow_config: bool = True) -> Unit:
        """Find a unit and follow its links.

        :raises LinkedUnit: not ``follow_config``, and it is a link of the administrator's.
        :raises DanglingUnit: it is a link to a unit that is not there.
        """
        self.search(start, load=load)
        unit, links = start, 0
        while unit.mode in ("alias", "linked"):
            links += 1
            if links > _MAX_LINKS:
                raise GuestError(f"The unit {printable(start.name)} of the guest is a link in a loop.")
            if not follow_config and self.paths.is_config(posixpath.dirname(unit.path)):
                raise LinkedUnit(
                    f"The unit {printable(unit.name)} of the guest is a link to {printable(unit.leads_to)}, "
                    "which systemd neither enables nor presets.",
                    hint="Name the unit that it leads to.",
                )
            unit = self._followed(unit, load=load)
        return unit

    def search(self, unit: Unit, *, load: bool = True) -> None:
        """Look for a unit in the search path, and read it and its drop-ins.

        :raises MissingUnit: there is none. :raises GuestError: it cannot be read as a unit.
        """
        if not self._find(unit, load=load):
            raise _missing(unit.path or unit.name)

    def _find(self, unit: Unit, *, load: bool) -> bool:
        """As :meth:`search`, but False if there is none."""
        if unit.mode is not None:
            return True
        if unit.path:
            return self._load(unit, unit.path, load=load)
        template = unit_name.template_of(unit.name) if unit_name.kind_of(unit.name) == "instance" else None
        names = [unit.name, *([template] if template else [])]
        candidates = (f"{folder}/{name}" for name in names for folder in self.paths.search)
        if not any(self._load(unit, path, load=load) for path in candidates):
            return False
        if unit.mode != "masked":
            folders = [f"{folder}/{name}.d" for name in names for folder in self.paths.search]
            unit.dropins = config_files(self.tree, folders, ".conf")
            for path in unit.dropins if load else ():
                self._load_dropin(unit, path)
        return True

    def exists(self, name: str) -> bool:
        """Whether there is a unit of this name."""
        try:
            Units(self.tree, self.paths).discover(name, load=False)
        except OfflineGuestError:
            return False
        return True

    def _followed(self, unit: Unit, *, load: bool) -> Unit:
        target = posixpath.basename(unit.leads_to)
        if unit.mode == "linked" or target == unit.name:
            return self._entered(unit, load=load)
        if unit_name.kind_of(unit.name) == "instance" and unit_name.kind_of(target) == "template":
            target = unit_name.instantiated(target, unit_name.instance_of(unit.name))
            if target == unit.name:
                return self._entered(unit, load=load)
        following = self.add(target)
        if not self._find(following, load=load):
            raise DanglingUnit(
                f"The unit {printable(unit.name)} of the guest is a link to {printable(unit.leads_to)}, "
                "which is not there."
            )
        return following

    def _entered(self, unit: Unit, *, load: bool) -> Unit:
        unit.path, unit.mode = unit.leads_to, None
        if not self._load(unit, unit.path, load=load):
            raise _missing(unit.path)
        return unit

    def _load(self, unit: Unit, path: str, *, load: bool) -> bool:
        """Read one file; False if there is none."""
        if unit_name.kind_of(unit.name) != "plain" and not unit_name.may_template(unit.name):
            raise GuestError(f"The unit {printable(unit.name)} is of a type that has no templates.")
        kind = self.tree.kind(path)
        if kind is None:
            return False
        if kind == "link":
            self._load_link(unit, path)
        elif self.tree.is_empty(path):
            unit.mode = "masked"
        elif kind != "file":
            raise GuestError(f"'{printable(path)}' in the guest is not a file, so it cannot be a unit.")
        else:
            unit.mode = "regular"
            if load:
                self._read(unit, path)
        unit.path = path
        return True

    def _load_link(self, unit: Unit, path: str) -> None:
        unit.leads_to = str(self.tree.aim(path))
        if unit.leads_to == "/dev/null" or self.tree.is_empty(unit.leads_to):
            unit.mode = "masked"
        elif self.paths.holds(unit.leads_to):
            unit.mode = "alias"
            self._check_alias(path, unit.leads_to)
        else:
            unit.mode = "linked"

    def _check_alias(self, path: str, target: str) -> None:
        own, other = posixpath.basename(path), posixpath.basename(target)
        fault = "it leads to itself" if own == other else unit_name.alias_fault(own, other)
        if fault:
            raise GuestError(
                f"The link '{printable(path)}' in the guest leads to '{printable(target)}', "
                f"which systemd does not accept: {fault}."
            )

    def _load_dropin(self, unit: Unit, path: str) -> None:
        kind = self.tree.leads_to(path)
        if kind is None:
            raise GuestError(f"The drop-in '{printable(path)}' in the guest is a link to nothing.")
        if self.tree.is_empty(path) or self.tree.resolve(path) == "/dev/null":
            return
        self._read(unit, path)

    def _read(self, unit: Unit, path: str) -> None:
        for key, value in install_assignments(self.tree.read(path), path):
            if key in _READERS:
                try:
                    _READERS[key](self, unit, value)
                except (OfflineGuestError, ValueError) as exc:
                    raise GuestError(f"systemd would not load '{printable(path)}' of the guest: {key}=: {exc}") from exc

    def read_alias(self, unit: Unit, value: str) -> None:
        """Alias=, which counts only where the type can have one."""
        if unit_name.may_alias(unit.name):
            _listed(unit.aliases, value)

    def read_also(self, unit: Unit, value: str) -> None:
        """Also=, whose units are added; an empty one takes nothing back."""
        for word in plain_words(value):
            name = self.expand(unit, word)
            self.add(name, auxiliary=True)
            unit.also.append(name)

    def read_default_instance(self, unit: Unit, value: str) -> None:
        """DefaultInstance=, which only a template has."""
        if unit_name.kind_of(unit.name) != "template":
            return
        instance = self.expand(unit, value)
        if instance and not unit_name.is_instance(instance):
            raise ValueError(f"'{printable(instance)}' is no instance")
        unit.default_instance = instance or None


def _listed(names: list[str], value: str) -> None:
    """A list goes on with every assignment, and begins anew with an empty one."""
    if not value:
        names.clear()
    names.extend(quoted_words(value))
    if len(names) > _MAX_LINKS_OF_ONE:
        raise ValueError(f"it has more than {_MAX_LINKS_OF_ONE} names")


_READERS: dict[str, t.Callable[[Units, Unit, str], None]] = {
    "Alias": Units.read_alias,
    "WantedBy": lambda _units, unit, value: _listed(unit.wanted_by, value),
    "RequiredBy": lambda _units, unit, value: _listed(unit.required_by, value),
    "UpheldBy": lambda _units, unit, value: _listed(unit.upheld_by, value),
    "DefaultInstance": Units.read_default_instance,
    "Also": Units.read_also,
}


def _missing(name: str) -> MissingUnit:
    return MissingUnit(f"The guest has no unit {printable(name)}.", hint="Is its package installed?")
