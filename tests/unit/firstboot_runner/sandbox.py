# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A folder of the host that stands for a guest: our handlers write into it, and a real shell runs the runner in it.

What would touch the host is replaced by programs of the sandbox that are first in the PATH: ``sync`` (slow, and it
shows when it was called), ``systemctl`` and ``reboot``.
"""

from __future__ import annotations

import dataclasses
import shutil
import subprocess
import typing as t
from pathlib import Path

from ansible_collections.offline.guest.plugins.module_utils._appliance._calls import Calls
from ansible_collections.offline.guest.plugins.module_utils._guest import _firstboot, _firstboot_report
from ansible_collections.offline.guest.plugins.module_utils._guest._files import GuestFiles
from ansible_collections.offline.guest.plugins.module_utils._guest._guest import Guest
from ansible_collections.offline.guest.plugins.module_utils._guest._system import OperatingSystem
from ansible_collections.offline.guest.plugins.module_utils._guest._task import Outcome, Task
from ansible_collections.offline.guest.tests.unit.guest.folder_rpc import FolderRpc

BASE = "var/lib/offline-guest/firstboot"
PRESENT: dict[str, t.Any] = {
    "state": "present",
    "timeout": 20,
    "on_failure": "continue",
    "retries": 0,
    "retry_delay": 0,
    "reboot": False,
}

_SYSTEMCTL = """\
#!/bin/sh
printf '%s\\n' "$*" >>"{root}/systemctl.log"
[ "$1" != is-system-running ] || cat "{root}/system-state"
"""
_SYNC = """\
#!/bin/sh
printf 'sync\\n' >>"{root}/sync.log"
"""
_REBOOT = """\
#!/bin/sh
printf 'reboot\\n' >>"{root}/reboot.log"
"""


@dataclasses.dataclass(frozen=True)
class Boot:
    """What one boot of the sandbox gave."""

    returncode: int
    output: str


class Sandbox:
    """A guest in a folder.

    :param shell: the command that runs the runner, as ``["busybox", "sh"]``.
    :param path: folders with the guest's programs.
    """

    def __init__(self, root: Path, shell: t.Sequence[str], path: str, *, init: str = "systemd") -> None:
        self.root = root
        self._shell = list(shell)
        self._boots = 0
        self.init = init
        self._path = f"{root}/tools:{path}"
        for folder in ("etc/systemd/system", "run", "proc/sys/kernel/random", "proc/net", "tools", "out"):
            (root / folder).mkdir(parents=True)
        if init == "systemd":
            (root / "run/systemd/system").mkdir(parents=True)
        (root / "out").chmod(0o777)
        (root / "system-state").write_text("running\n")
        for name, text in (("systemctl", _SYSTEMCTL), ("sync", _SYNC), ("reboot", _REBOOT)):
            self.add_tool(name, text.format(root=root))

    def add_tool(self, name: str, text: str) -> None:
        tool = self.root / "tools" / name
        tool.write_text(text)
        tool.chmod(0o755)

    def keep_only(self, programs: t.Iterable[str]) -> None:
        """Leave nothing in the PATH but these."""
        folder = self.root.parent / "programs"
        folder.mkdir()
        folder.chmod(0o755)
        for name in programs:
            found = shutil.which(name, path=self._path)
            assert found, name
            (folder / name).symlink_to(found)
        self._path = f"{self.root}/tools:{folder}"

    # The stopped guest

    def install(self, name: str, content: str = "", **params: t.Any) -> Outcome:
        source = {} if {"commands", "packages", "src"} & set(params) else {"content": content}
        return self._task(_firstboot.handle, {**PRESENT, **source, "name": name, **params})

    def remove(self, name: str) -> Outcome:
        return self._task(_firstboot.handle, {**PRESENT, "name": name, "state": "absent"})

    def info(self, **params: t.Any) -> t.Mapping[str, t.Any]:
        return self._task(_firstboot_report.handle, {"name": None, "max_log": 65536, **params}).result

    def script(self, name: str) -> dict[str, t.Any]:
        """What ``firstboot_info`` says of a script."""
        (described,) = self.info(name=name)["scripts"]
        return dict(described)

    def states(self) -> dict[str, str]:
        return {script["name"]: script["state"] for script in self.info()["scripts"]}

    def _task(self, handler: t.Callable[[Task], Outcome], params: dict[str, t.Any]) -> Outcome:
        calls = Calls(FolderRpc(self.root, owned_by_root=True))
        system = OperatingSystem(root="/dev/sda1", type="linux", init_system=self.init, package_management="apt")
        return handler(Task(params, Guest(calls, GuestFiles(calls), (system,)), False, self._no_warning))

    @staticmethod
    def _no_warning(text: str) -> None:
        raise AssertionError(f"unexpected warning: {text}")

    # The running guest

    def start(self, *, same_boot: bool = False, **env: str) -> subprocess.Popen[str]:
        """Start the runner as the init system of a new boot does."""
        if not same_boot:
            self._boots += 1
        (self.root / "proc/sys/kernel/random/boot_id").write_text(f"b00t-{self._boots}\n")
        return subprocess.Popen(
            [*self._shell, str(self.root / BASE / "runner")],
            env={
                "PATH": self._path,
                "OFFLINE_GUEST_ROOT": str(self.root),
                "OFFLINE_GUEST_GRACE": "1",
                "OFFLINE_GUEST_NETWORK_WAIT": "1",
                **env,
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def boot(self, *, same_boot: bool = False, **env: str) -> Boot:
        """Run the runner to its end."""
        process = self.start(same_boot=same_boot, **env)
        try:
            output, _nothing = process.communicate(timeout=120)
        finally:
            process.kill()
        return Boot(process.returncode, output)

    def lines(self, path: str) -> list[str]:
        """The lines of a file below the root, none if it is not there."""
        file = self.root / path
        return file.read_text().splitlines() if file.exists() else []
