# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What anybody on the host can see of a playbook's processes while it runs: /proc, read again and again."""

from __future__ import annotations

import threading
import typing as t
from pathlib import Path

from harness import Harness


class Watch(threading.Thread):
    """Notes the arguments and the environment of every process of a harness, and the peak memory of some of them.

    :param measured: what to call a process by something in its command line.

    Attributes: ``seen`` is every command line and every environment that there was (NUL as a space); ``peaks`` the most
    memory that was resident, in MiB, by the names of ``measured``.
    """

    def __init__(self, harness: Harness, measured: t.Mapping[str, str] | None = None) -> None:
        super().__init__(daemon=True)
        self._harness = harness
        self._measured = measured or {}
        self._done = threading.Event()
        self.seen: set[str] = set()
        self.peaks: dict[str, float] = {}

    def run(self) -> None:
        while not self._done.wait(0.05):
            for process in self._harness.processes():
                self.seen |= {process.arguments, process.environment}
                for part, name in self._measured.items():
                    if part in process.arguments:
                        self.peaks[name] = max(self.peaks.get(name, 0), peak_of(process.pid))

    def __enter__(self) -> Watch:
        self.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._done.set()
        self.join()


def peak_of(pid: int) -> float:
    """Return the most memory that the process ever had resident, in MiB; 0 when it is gone."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")), 0)
