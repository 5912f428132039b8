# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import shutil
import subprocess
import tempfile
import typing as t
from pathlib import Path

import pytest
from ansible_collections.offline.guest.tests.unit.firstboot_runner.sandbox import Sandbox

HOST = "/usr/sbin:/usr/bin:/sbin:/bin"
# With busybox its shell and all its programs, as in Alpine; never those that would stop the host.
SHELLS = {"dash": ["dash"], "busybox": ["busybox", "sh"], "bash": ["bash", "--posix"]}
_DANGEROUS = {"reboot", "halt", "poweroff", "init", "switch_root", "run-init", "sync"}


def open_folder() -> Path:
    """A new folder that the user can enter whom a script runs as, unlike pytest's own."""
    folder = Path(tempfile.mkdtemp(prefix="offline-guest-firstboot-"))
    folder.chmod(0o755)
    return folder


@pytest.fixture(scope="session")
def busybox_programs() -> t.Iterator[Path]:
    folder = open_folder()
    path = shutil.which("busybox")
    assert path, "busybox is needed: apt-get install busybox"
    names = subprocess.run([path, "--list"], check=True, stdout=subprocess.PIPE, text=True).stdout.split()
    for name in set(names) - _DANGEROUS:
        (folder / name).symlink_to(path)
    if "su" not in names:  # Debian's busybox leaves it out
        (folder / "su").symlink_to(str(shutil.which("su")))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(params=sorted(SHELLS))
def shell(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def make_guest(shell: str, busybox_programs: Path) -> t.Iterator[t.Callable[..., Sandbox]]:
    folder = open_folder()

    def make(**options: t.Any) -> Sandbox:
        path = f"{busybox_programs}" if shell == "busybox" else HOST
        program, *arguments = SHELLS[shell]
        found = shutil.which(program)
        assert found, f"{program} is needed: apt-get install {program}"
        return Sandbox(folder / "guest", [found, *arguments], path, **options)

    yield make
    shutil.rmtree(folder)

    return make


@pytest.fixture
def guest(make_guest: t.Callable[..., Sandbox]) -> Sandbox:
    return make_guest()
