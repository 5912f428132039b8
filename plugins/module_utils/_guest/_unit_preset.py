# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""Presets: what the distribution, or the administrator, wants enabled (systemd.preset(5))."""

from __future__ import annotations

import dataclasses
import fnmatch
import re
import typing as t

from .._errors import GuestError, printable
from . import _unit_name as unit_name
from ._unit_install import Note, install, uninstall
from ._unit_load import Units
from ._unit_paths import UnitPaths, config_files
from ._unit_tree import Tree

Action = t.Literal["enable", "disable", "ignore"]

_RULE = re.compile(r"(enable|disable|ignore)\s+(\S.*)", re.DOTALL)
_MAX_RULES = 20_000


@dataclasses.dataclass(frozen=True)
class Rule:
    """One line of a preset file.

    :param instances: those of a template that are meant.
    """

    action: Action
    pattern: str
    instances: tuple[str, ...] = ()

    def matches(self, name: str) -> bool:
        """Whether the rule is about a unit."""
        if self.instances and self._names(name):
            return True
        # Of the patterns of glob(7), those of Python differ in the negation of a set.
        return fnmatch.fnmatchcase(name, self.pattern.replace("[^", "[!"))

    def _names(self, name: str) -> bool:
        is_template = unit_name.kind_of(name) == "template"
        return unit_name.template_of(name) == self.pattern and (
            is_template or unit_name.instance_of(name) in self.instances
        )


def read_rules(tree: Tree, paths: UnitPaths) -> list[Rule]:
    """Return the rules of all preset files, in the order in which they count.

    :raises GuestError: there are more than 20,000, or a file cannot be read.
    """
    rules: list[Rule] = []
    for path in config_files(tree, paths.presets, ".preset"):
        if tree.leads_to(path) == "file":
            rules += parse_rules(tree.read(path))
        if len(rules) > _MAX_RULES:
            raise GuestError(f"The guest has more than {_MAX_RULES} lines of presets.")
    return rules


def parse_rules(content: bytes) -> list[Rule]:
    """Return the rules of a file; lines that are none are passed over."""
    lines = (line.strip() for line in content.decode("utf-8", "surrogateescape").splitlines())
    rules = (_rule(line) for line in lines if line and line[0] not in "#;")
    return [rule for rule in rules if rule is not None]


def _rule(line: str) -> Rule | None:
    match = _RULE.fullmatch(line)
    if match is None:
        return None
    action, rest = match.groups()
    if action != "enable":
        return Rule(t.cast(Action, action), rest)
    pattern, *instances = rest.split()
    if instances and unit_name.kind_of(pattern) != "template":
        return None
    return Rule("enable", pattern, tuple(instances))


def decide(rules: t.Iterable[Rule], name: str) -> Rule:
    """Return the first rule that is about a unit; what no rule is about is enabled."""
    return next((rule for rule in rules if rule.matches(name)), Rule("enable", "*"))


def preset(tree: Tree, paths: UnitPaths, name: str, *, force: bool, note: Note) -> Action:
    """Enable or disable a unit as ``systemctl preset`` does.

    :return: what the presets say.
    :raises GuestError: the unit is missing, or is to be enabled and cannot be.
    """
    found = Units(tree, paths).discover(name, load=False)
    if found.name != name:
        note(f"{printable(name)} is an alias of {printable(found.name)}, and presets are not applied to aliases.")
        return "ignore"
    rule = decide(read_rules(tree, paths), name)
    if rule.action == "enable":
        _enable(Units(tree, paths), _named(rule, name), force=force, note=note)
    elif rule.action == "disable":
        units = Units(tree, paths)
        units.discover(name, load=False)  # so what it names in Also= is left alone
        uninstall(units, note=note)
    return rule.action


def _named(rule: Rule, name: str) -> t.Sequence[str]:
    if rule.instances and unit_name.kind_of(name) == "template":
        return [unit_name.instantiated(name, instance) for instance in rule.instances]
    return [name]


def _enable(units: Units, names: t.Iterable[str], *, force: bool, note: Note) -> None:
    for name in names:
        units.discover_usable(name)
    install(units, force=force, lenient=True, note=note)
