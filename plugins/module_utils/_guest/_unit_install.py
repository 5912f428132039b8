# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""The links that enable, disable and mask a unit: those that ``systemctl --root=…`` makes and removes.

Everything happens in a :class:`Tree`, so nothing is done to the guest. Where systemctl says that it failed but has done
a part, this raises, and nothing is done.
"""

from __future__ import annotations

import posixpath
import typing as t

from .._errors import GuestError, OfflineGuestError, printable
from . import _unit_name as unit_name
from ._unit_load import Unit, Units
from ._unit_paths import UnitPaths
from ._unit_tree import Tree

Note = t.Callable[[str], None]

# UpheldBy= came with systemd 254; an older one passes over its folder.
_DEPENDENCIES = (("wanted_by", "wants"), ("required_by", "requires"), ("upheld_by", "upholds"))


def enable(tree: Tree, paths: UnitPaths, names: t.Sequence[str], *, force: bool, note: Note) -> None:
    """Make the links of ``systemctl enable``.

    :param force: replace links of other units that are where an alias belongs.
    :param note: is told what is no error but should be known.
    :raises GuestError: a unit is missing, masked, generated, or what its [Install] asks for cannot be.
    """
    units = Units(tree, paths)
    for name in names:
        units.discover_usable(name)
    install(units, force=force, lenient=False, note=note)


def disable(tree: Tree, paths: UnitPaths, names: t.Sequence[str], *, note: Note) -> None:
    """Remove the links of ``systemctl disable``: all that bear the unit's name or lead to it, whoever made them.

    A unit that is missing or cannot be read may have links, too, which are removed by its name.
    """
    units = Units(tree, paths)
    for name in names:
        units.add(name)
    uninstall(units, note=note)


def mask(tree: Tree, paths: UnitPaths, name: str, *, force: bool) -> None:
    """Make the link to /dev/null that masks a unit, be there such a unit or not.

    :raises GuestError: there is a file in its place, or another link and not ``force``.
    """
    _link(tree, paths, "/dev/null", f"{paths.config}/{name}", force=force)


def unmask(tree: Tree, paths: UnitPaths, name: str) -> None:
    """Remove what masks a unit: a link to /dev/null, or an empty file."""
    path = f"{paths.config}/{name}"
    if is_mask(tree, path):
        tree.remove(path)


def is_mask(tree: Tree, path: str) -> bool:
    """Whether what is at a path masks the unit of that name."""
    return tree.kind(path) is not None and (tree.resolve(path) == "/dev/null" or tree.is_empty(path))


def install(units: Units, *, force: bool, lenient: bool, note: Note) -> None:
    """Make the links of all units that were added, and of those that they name in Also=.

    :param lenient: pass over a template that cannot be installed without an instance, as presets do.
    """
    asked = 0
    for unit in units.waiting():
        try:
            units.traverse(unit, follow_config=False)
        except GuestError as exc:
            if not unit.auxiliary:
                raise
            note(f"Passed over a unit named in Also=: {exc}")
            continue
        if unit.mode == "masked":
            note(f"The unit {printable(unit.name)} of the guest is masked, so it was passed over.")
            asked += 1
        if unit.mode == "regular":
            asked += _Installer(units, unit, force=force, lenient=lenient, note=note).run()
    if not asked and not lenient:
        note("The unit has nothing in [Install] to make links of, so it is not meant to be enabled.")


def uninstall(units: Units, *, note: Note) -> None:
    """Remove the links of all units that were added, and of those that they name in Also=."""
    names = set()
    for unit in units.waiting():
        try:
            units.traverse(unit)
        except GuestError as exc:
            note(f"{exc} Only links that bear its name are removed.")
            names.add(unit.name)
            continue
        if unit.mode == "masked":
            note(f"The unit {printable(unit.name)} of the guest is masked, so its links were left alone.")
        elif unit.mode == "regular":
            names.add(unit.name)
    _remove_links(units.tree, units.paths, names)


def _remove_links(tree: Tree, paths: UnitPaths, names: t.AbstractSet[str]) -> None:
    if not names:
        return
    found = [path for path in tree.links_below(paths.config) if _is_of(tree, path.name, str(path), names)]
    for path in found:
        tree.remove(path, up_to=paths.config)


def _is_of(tree: Tree, name: str, path: str, names: t.AbstractSet[str]) -> bool:
    """Whether a link bears one of the names, is an instance of one, or leads to a file of such a name."""
    if unit_name.kind_of(name) is None:
        return False
    if name in names or unit_name.template_of(name) in names:
        return True
    try:
        return tree.resolve(path).name in names
    except OfflineGuestError:  # a loop leads nowhere
        return False


class _Installer:
    """Makes the links of one unit."""

    def __init__(self, units: Units, unit: Unit, *, force: bool, lenient: bool, note: Note) -> None:
        self._units = units
        self._unit = unit
        self._force = force
        self._lenient = lenient
        self._note = note

    def run(self) -> int:
        """Return how many links its [Install] asks for."""
        tree, paths, unit = self._units.tree, self._units.paths, self._unit
        if posixpath.dirname(unit.path) not in paths.search:
            _link(tree, paths, unit.path, f"{paths.config}/{unit.name}", force=self._force)
        asked = sum(self._alias(alias) for alias in unit.aliases)
        for key, folder in _DEPENDENCIES:
            try:
                asked += self._depend(getattr(unit, key), folder)
            except GuestError as exc:
                # With systemctl, too, this is no failure once the unit has other links (install_info_apply).
                if not asked:
                    raise
                self._note(str(exc))
        return asked

    def _alias(self, text: str) -> int:
        name = self._units.expand(self._unit, text)
        if name == self._unit.name:
            return 0
        name = self._checked_alias(name)
        if name != self._unit.name:
            path = f"{self._units.paths.config}/{name}"
            _link(self._units.tree, self._units.paths, self._unit.path, path, force=self._force)
        return 1

    def _checked_alias(self, name: str) -> str:
        """Return the name of the link, which gets the unit's instance where it is itself a template's."""
        own = self._unit.name
        if "/" in name:
            # As in the times before WantedBy=: Alias=multi-user.target.wants/foo.service
            folder, _slash, link = name.rpartition("/")
            parent, dot, kind = folder.rpartition(".")
            kinds = unit_name.kind_of(parent) if dot and kind in ("wants", "requires") else None
            if kinds is None or not unit_name.may_link(link, own, propagates=kinds == "template"):
                raise self._refused(name, "it is not a name that this unit can have")
            return name
        if unit_name.kind_of(name) == "template" and unit_name.kind_of(own) == "instance":
            name = unit_name.instantiated(name, unit_name.instance_of(own))
        fault = unit_name.alias_fault(name, own) if name != own else None
        if fault:
            raise self._refused(name, fault)
        return name

    def _refused(self, name: str, why: str) -> GuestError:
        return GuestError(
            f"The unit {printable(self._unit.name)} of the guest cannot have the alias '{printable(name)}': {why}."
        )

    def _depend(self, targets: t.Sequence[str], kind: str) -> int:
        if not targets:
            return 0
        link, needs_template = self._link_name()
        asked, errors = 0, []
        for text in targets:
            try:
                asked += self._depend_on(self._units.expand(self._unit, text), kind, link, needs_template)
            except GuestError as exc:
                errors.append(exc)
        if errors:
            raise errors[0]
        return asked

    def _depend_on(self, target: str, kind: str, link: str, needs_template: bool) -> int:
        what = unit_name.kind_of(target)
        if what is None or (needs_template and what == "plain"):
            if self._lenient:
                return 0
            raise self._unfit(target, what)
        paths = self._units.paths
        _link(self._units.tree, paths, self._unit.path, f"{paths.config}/{target}.{kind}/{link}", force=True)
        if not self._units.exists(target):
            self._note(f"{printable(link)} is now a dependency of {printable(target)}, which the guest does not have.")
        return 1

    def _unfit(self, target: str, what: str | None) -> GuestError:
        if what is None:
            return GuestError(f"'{printable(target)}' in [Install] of {printable(self._unit.name)} is no unit's name.")
        return GuestError(
            f"The unit {printable(self._unit.name)} of the guest is a template without a DefaultInstance=, "
            f"and {printable(target)} has no instance to give it.",
            hint="Name an instance, as in getty@tty1.service.",
        )

    def _link_name(self) -> tuple[str, bool]:
        """Return the name of the links in .wants folders, and whether only a template or an instance can want them."""
        unit = self._unit
        if unit_name.kind_of(unit.name) != "template":
            return unit.name, False
        if unit.default_instance is None:
            return unit.name, True
        instance = Unit(unit_name.instantiated(unit.name, unit.default_instance))
        self._units.search(instance, load=False)
        if instance.mode == "masked":
            raise GuestError(f"The unit {printable(instance.name)} of the guest is masked.")
        return instance.name, False


def _link(tree: Tree, paths: UnitPaths, target: str, path: str, *, force: bool) -> None:
    """Make a link, unless there is one that means the same.

    :raises GuestError: there is a file, or another link and not ``force``.
    """
    kind = tree.kind(path)
    if kind == "link":
        if _means_same(tree, paths, path, target):
            return
        if not force:
            raise GuestError(
                f"'{printable(path)}' in the guest is a link to '{printable(tree.link(path) or '')}' already.",
                hint="Set force: true to have it replaced.",
            )
    elif kind is not None:
        raise GuestError(
            f"'{printable(path)}' in the guest is there already, and is no link.",
            hint="Remove it first; systemctl does not replace it either.",
        )
    tree.put_link(path, target)


def _means_same(tree: Tree, paths: UnitPaths, path: str, target: str) -> bool:
    """Whether a link leads where one to ``target`` would, or to the unit of that name elsewhere in the search path."""
    text = tree.link(path) or ""
    if text == target or tree.resolve(path) == tree.resolve(target):
        return True
    there = posixpath.normpath(posixpath.join(posixpath.dirname(path), text))
    same_name = posixpath.basename(there) == posixpath.basename(target)
    return same_name and paths.holds(there) and paths.holds(target)
