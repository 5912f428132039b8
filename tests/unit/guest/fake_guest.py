# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A guest in memory of a family of distributions, and a module that is run on it."""

from __future__ import annotations

import dataclasses
import types
import typing as t

from ansible_collections.offline.guest.plugins.module_utils._guest._system import OperatingSystem
from ansible_collections.offline.guest.plugins.module_utils._guest._task import Outcome
from ansible_collections.offline.guest.tests.unit.guest.fake_rpc import FakeRpc
from ansible_collections.offline.guest.tests.unit.guest.run_module import four_calls, run

#: distribution, package format, init system
FAMILIES: dict[str, tuple[str, str | None, str]] = {
    "debian": ("debian", "deb", "systemd"),
    "devuan": ("debian", "deb", "sysvinit"),
    "fedora": ("fedora", "rpm", "systemd"),
    "rhel6": ("rhel", "rpm", "sysvinit"),
    "opensuse": ("opensuse", "rpm", "systemd"),
    "sles11": ("sles", "rpm", "sysvinit"),
    "arch": ("archlinux", "pacman", "systemd"),
    "alpine": ("alpinelinux", "apk", "openrc"),
    "gentoo": ("gentoo", "ebuild", "openrc"),
    "void": ("voidlinux", "xbps", "unknown"),
}


@dataclasses.dataclass
class FakeGuest:
    """A guest of a family, and the module that is tested.

    :param usual: options of every run that does not say otherwise.
    """

    module: types.ModuleType
    usual: t.Mapping[str, t.Any] = dataclasses.field(default_factory=dict)
    family: str = "debian"
    type: str = "linux"
    rpc: FakeRpc = dataclasses.field(default_factory=FakeRpc)
    warnings: list[str] = dataclasses.field(default_factory=list)

    def add(self, **files: bytes) -> FakeGuest:
        """Add files; ``etc__hosts`` stands for /etc/hosts."""
        for name, content in files.items():
            self.rpc.add_file("/" + name.replace("__", "/"), content)
        return self

    def put(self, files: t.Mapping[str, bytes]) -> FakeGuest:
        for path, content in files.items():
            self.rpc.add_file(path, content)
        return self

    def run(self, *, check: bool = False, **params: t.Any) -> Outcome:
        """Run the module once, with what it knows of the files forgotten."""
        distro, packages, init = FAMILIES[self.family]
        system = OperatingSystem("/dev/sda1", self.type, distro=distro, package_format=packages, init_system=init)
        given = {name: value for name, value in {**self.usual, **params}.items() if value is not None}
        return run(self.module, self.rpc, check=check, system=system, warnings=self.warnings, given=given)

    def four(self, **params: t.Any) -> Outcome:
        """Check, run, run again, check again; return what the run did."""
        before = self.rpc.snapshot()
        done = four_calls(lambda check: self.run(check=check, **params), self.rpc)
        assert done.changed == (self.rpc.snapshot() != before) == bool(done.diff)
        assert self.run(check=True, **params).diff == []
        return done

    def content(self, path: str) -> bytes | None:
        """Return a file's content, None where there is nothing."""
        node = self.rpc.nodes.get(path)
        return node.content if node is not None else None

    def mode(self, path: str) -> int:
        return self.rpc.nodes[path].mode & 0o7777

    def target(self, path: str) -> str:
        return self.rpc.nodes[path].target
