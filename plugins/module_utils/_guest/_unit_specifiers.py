# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""Specifiers in the section [Install], such as ``%i`` (systemd.unit(5), "Specifiers", the last table).

What is about the machine is answered by the guest's files. ``systemctl --root`` takes some of it from the host that it
runs on, which is never meant here. What only a running guest has, such as its boot ID, is refused.
"""

from __future__ import annotations

import re
import typing as t

from .._errors import GuestError, printable
from . import _unit_name as unit_name
from ._unit_tree import Tree

_MAX_NAME = 255
_RELEASE = {"A": "IMAGE_VERSION", "B": "BUILD_ID", "M": "IMAGE_ID", "o": "ID", "w": "VERSION_ID", "W": "VARIANT_ID"}
_FIXED = {"u": "root", "U": "0", "g": "root", "G": "0"}
_UNKNOWABLE = "abv"
_MACHINE_ID = re.compile(r"[0-9a-f]{32}")


class Specifiers:
    """Expands the specifiers in names."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree

    def expand(self, text: str, name: str, default_instance: str | None) -> str:
        """Return ``text`` with its specifiers replaced.

        :param name: the unit's name.
        :param default_instance: of a template.
        :raises GuestError: what one stands for is not known, or the result is too long for a name.
        """

        def value(match: re.Match[str]) -> str:
            return self._value(match[1], name, default_instance or "", match[0])

        expanded = re.sub(r"%(.)", value, text)
        if len(expanded) > _MAX_NAME:
            raise GuestError(f"'{printable(text)}' in the unit {printable(name)} of the guest makes too long a name.")
        return expanded

    def _value(self, letter: str, name: str, default_instance: str, otherwise: str) -> str:
        own = _of_name(letter, name, default_instance)
        found = own if own is not None else self._of_guest(letter, name)
        return found if found is not None else otherwise

    def _of_guest(self, letter: str, name: str) -> str | None:
        if letter in _FIXED:
            return _FIXED[letter]
        if letter in _RELEASE:
            return _assigned(self._lines("/etc/os-release", "/usr/lib/os-release"), _RELEASE[letter])
        if letter in _MACHINE:
            found = _MACHINE[letter](self)
            if found:
                return found
        elif letter not in _UNKNOWABLE:
            return None
        raise GuestError(
            f"The unit {printable(name)} of the guest has %{letter} in [Install], which is not known while it is off.",
            hint="Make the links in a firstboot script (offline.guest.firstboot).",
        )

    def machine_id(self) -> str:
        """Return the guest's machine ID; empty while it has none."""
        lines = self._lines("/etc/machine-id")
        return lines[0].strip() if lines and _MACHINE_ID.fullmatch(lines[0].strip()) else ""

    def host_name(self) -> str:
        """Return the guest's host name; empty if it has none."""
        names = (line.strip() for line in self._lines("/etc/hostname"))
        return next((name for name in names if name and not name.startswith("#")), "")

    def pretty_host_name(self) -> str:
        """Return the guest's host name for people."""
        return _assigned(self._lines("/etc/machine-info"), "PRETTY_HOSTNAME") or self.host_name()

    def _lines(self, *paths: str) -> list[str]:
        for path in paths:
            if self._tree.leads_to(path) == "file":
                return self._tree.read(path).decode("utf-8", "surrogateescape").split("\n")
        return []


def _of_name(letter: str, name: str, default_instance: str) -> str | None:
    instance = unit_name.instance_of(name) or default_instance
    prefix = unit_name.prefix_of(name)
    is_template = unit_name.kind_of(name) == "template"
    values = {
        "%": "%",
        "i": instance,
        "j": prefix.rpartition("-")[2],
        "n": unit_name.instantiated(name, instance) if is_template and default_instance else name,
        "N": name.rpartition(".")[0] + (default_instance if is_template else ""),
        "p": prefix,
    }
    return values.get(letter)


def _assigned(lines: t.Sequence[str], key: str) -> str:
    """Return what a file like os-release(5) assigns; the last assignment counts."""
    values = [line.partition("=")[2].strip() for line in lines if line.strip().startswith(f"{key}=")]
    return re.sub(r"""\A(['"])(.*)\1\Z""", r"\2", values[-1]) if values else ""


_MACHINE: dict[str, t.Callable[[Specifiers], str]] = {
    "m": Specifiers.machine_id,
    "H": Specifiers.host_name,
    "l": lambda specifiers: specifiers.host_name().partition(".")[0],
    "q": Specifiers.pretty_host_name,
}
