# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""Where systemd looks for units and presets (systemd.unit(5), "Unit File Load Path"; systemd.preset(5))."""

from __future__ import annotations

import dataclasses
import posixpath
import typing as t

from ._paths import GuestPath
from ._unit_tree import Tree

Scope = t.Literal["system", "global"]

_BEFORE = (
    *("/etc/systemd/system.control", "/run/systemd/system.control", "/run/systemd/transient"),
    *("/run/systemd/generator.early", "/etc/systemd/system", "/etc/systemd/system.attached", "/run/systemd/system"),
    *("/run/systemd/system.attached", "/run/systemd/generator", "/usr/local/lib/systemd/system"),
)
_USER = (
    *("/etc/systemd/user", "/run/systemd/user", "/usr/local/share/systemd/user", "/usr/share/systemd/user"),
    *("/usr/local/lib/systemd/user", "/usr/lib/systemd/user"),
)
_GENERATED = ("/run/systemd/generator", "/run/systemd/generator.early", "/run/systemd/generator.late")
_TRANSIENT = "/run/systemd/transient"


@dataclasses.dataclass(frozen=True)
class UnitPaths:
    """The directories of one manager.

    :param config: where links and files of the administrator go.
    :param search: where units are looked for, the most important directory first.
    :param presets: where preset files are looked for, likewise.
    """

    config: str
    search: tuple[str, ...]
    presets: tuple[str, ...]

    def holds(self, path: str) -> bool:
        """Whether a path is in or below a directory of the search path."""
        return any(path.startswith(f"{folder}/") for folder in self.search)

    def is_config(self, folder: str) -> bool:
        """Whether a directory is the administrator's, for ever or until the next boot."""
        return folder in (self.config, f"/run{self.config[len('/etc') :]}")


def unit_paths(tree: Tree, scope: Scope) -> UnitPaths:
    """Return the directories as the guest's own systemd was built to have them.

    Debian until 12 and Ubuntu until 23.10 have /lib/systemd/system before /usr/lib/systemd/system, and so links to
    the former, also where /lib is a link to usr/lib. Other systems do not know the former.
    """
    presets = [f"{base}/systemd/{'system' if scope == 'system' else 'user'}-preset" for base in ("/etc", "/run")]
    presets += [
        f"/usr{local}/lib/systemd/{'system' if scope == 'system' else 'user'}-preset" for local in ("/local", "")
    ]
    if scope == "global":
        return UnitPaths(_USER[0], _USER, tuple(presets))
    split = ("/lib/systemd/system",) if has_split_usr(tree) else ()
    search = (*_BEFORE, *split, "/usr/lib/systemd/system", "/run/systemd/generator.late")
    more = ("/lib/systemd/system-preset",) if split else ()
    return UnitPaths("/etc/systemd/system", search, (*presets, *more))


def has_split_usr(tree: Tree) -> bool:
    """Whether the guest's systemd was built for a /lib that is not a part of /usr.

    Its package says so by the link /sbin/init, or by the list of its files where no init is installed.
    """
    text = tree.link("/sbin/init")
    if text is not None:
        start = tree.resolve("/sbin")
        return posixpath.normpath(posixpath.join(start, text)).startswith("/lib/systemd/")
    listed = "/var/lib/dpkg/info/systemd.list"
    if tree.leads_to(listed) == "file":
        return b"/lib/systemd/systemd" in tree.read(listed).split(b"\n")
    return tree.kind("/lib") == "directory" and tree.leads_to("/lib/systemd/system") == "directory"


def is_generated(path: str) -> bool:
    """Whether a unit is made by a generator, or by a program, while the system runs."""
    return posixpath.dirname(path) in (*_GENERATED, _TRANSIENT)


def is_transient(path: str) -> bool:
    """Whether a unit is one that a program made while the system ran."""
    return posixpath.dirname(path) == _TRANSIENT


def is_runtime(path: str) -> bool:
    """Whether a path is gone at the next boot."""
    return GuestPath(path) == "/run" or path.startswith("/run/")


def config_files(tree: Tree, folders: t.Iterable[str], suffix: str) -> list[str]:
    """Return the files of a set of directories, sorted by name; of two of one name that of the earlier directory."""
    found: dict[str, str] = {}
    for folder in folders:
        for name in tree.names(folder):
            here = f"{folder}/{name}"
            if name.endswith(suffix) and not name.startswith(".") and tree.kind(here) in ("file", "link"):
                found.setdefault(name, here)
    return [found[name] for name in sorted(found)]
