# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""Names of systemd units: ``PREFIX.TYPE``, templates ``PREFIX@.TYPE`` and their instances ``PREFIX@INSTANCE.TYPE``.

The rules are those of systemd.unit(5), "Description", and of unit_name_is_valid() in systemd's src/basic/unit-name.c.
"""

from __future__ import annotations

import re
import typing as t

from .._errors import GuestError, OptionError, printable

NameKind = t.Literal["plain", "template", "instance"]

_TYPES = ("service", "socket", "target", "device", "mount", "automount", "swap", "timer", "path", "slice", "scope")
_MAY_ALIAS = frozenset({"service", "socket", "target", "device", "timer", "path"})
_MAY_TEMPLATE = frozenset({"service", "socket", "target", "timer", "path"})
_MAX_NAME = 255
_CHARACTERS = r"[A-Za-z0-9:_.\\-]"
_NAME = re.compile(
    rf"(?P<prefix>{_CHARACTERS}+)(?P<at>@(?P<instance>(?:{_CHARACTERS}|@)*))?\.(?P<type>{'|'.join(_TYPES)})"
)
_INSTANCE = re.compile(rf"(?:{_CHARACTERS}|@)+")


def kind_of(name: str) -> NameKind | None:
    """Say what kind of a unit's name this is; None if it is none."""
    match = _NAME.fullmatch(name) if len(name) <= _MAX_NAME else None
    if match is None:
        return None
    if match["at"] is None:
        return "plain"
    return "instance" if match["instance"] else "template"


def type_of(name: str) -> str:
    """Return the type of a valid name, such as ``service``."""
    return name.rpartition(".")[2]


def may_template(name: str) -> bool:
    """Whether units of this type can be templates and instances."""
    return type_of(name) in _MAY_TEMPLATE


def may_alias(name: str) -> bool:
    """Whether units of this type can have aliases."""
    return type_of(name) in _MAY_ALIAS


def prefix_of(name: str) -> str:
    """Return what stands before the ``@``, or before the type."""
    return name.partition("@")[0] if "@" in name else name.rpartition(".")[0]


def instance_of(name: str) -> str:
    """Return what stands between ``@`` and the type; empty for a template and for a plain name."""
    return name.partition("@")[2].rpartition(".")[0]


def template_of(name: str) -> str | None:
    """Return the template of an instance; a template's own name; None for a plain name."""
    return f"{prefix_of(name)}@.{type_of(name)}" if kind_of(name) in ("template", "instance") else None


def instantiated(name: str, instance: str) -> str:
    """Return the name with another instance.

    :raises GuestError: that makes no valid name.
    """
    made = f"{prefix_of(name)}@{instance}.{type_of(name)}"
    if kind_of(made) != "instance":
        raise GuestError(f"'{printable(made)}', made of a template and an instance in the guest, is no name of a unit.")
    return made


def is_instance(text: str) -> bool:
    """Whether this text can be the instance in a name."""
    return _INSTANCE.fullmatch(text) is not None


def mangle(name: str) -> str:
    """Return the name that ``systemctl`` makes of its argument: without a type it is that of a service.

    :raises OptionError: it is a pattern, or no name of a unit.
    """
    if re.search(r"[*?\[]", name):
        raise OptionError(f"name: '{printable(name)}' is a pattern; exactly one unit is needed.")
    whole = name if _has_type(name) else f"{name}.service"
    if kind_of(whole) is None:
        raise OptionError(
            f"name: '{printable(name)}' is not the name of a unit.",
            hint="Use a name such as nginx or getty@tty1.service.",
        )
    return whole


def _has_type(name: str) -> bool:
    return type_of(name) in _TYPES and "." in name


def alias_fault(source: str, target: str) -> str | None:
    """Say why the unit ``source`` cannot be a link to the unit ``target`` of another name; None if it can.

    systemd.unit(5), "[Install] Section Options", Alias=: same type, and only a template or the same instance.
    """
    own, other = kind_of(source), kind_of(target)
    if own is None or type_of(source) not in _MAY_ALIAS or (own != "plain" and not may_template(source)):
        return "it cannot be an alias"
    if other is None or type_of(target) != type_of(source):
        return "it is of another type"
    if own != other and (own, other) != ("instance", "template"):
        return "only one of them is a template or an instance"
    if other == "instance" and instance_of(source) != instance_of(target):
        return "they are different instances"
    return None


def may_link(name: str, target: str, *, propagates: bool) -> bool:
    """Whether a link ``name`` in a .wants or .requires folder may lead to the unit ``target``.

    :param propagates: the folder is that of a template, so a template in it will get its instance.
    """
    if name == target and kind_of(name) in ("plain", "instance"):
        return True
    template = template_of(name)
    return template is not None and (template == target or (propagates and name == target))
