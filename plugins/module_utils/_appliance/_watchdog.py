# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""Deadlines for libguestfs, which cannot be interrupted: a thread that kills the appliance when one passes."""

from __future__ import annotations

import collections
import contextlib
import os
import signal
import threading
import time
import typing as t

CONSOLE_BYTES = 16 * 1024
KVM_SILENCE = 15  # seconds: a kernel under a working KVM says its first word within one
KVM_LAUNCH = 90  # seconds: after that a KVM that boots at all is not worth waiting for


def children() -> list[int]:
    """Return the pids of this process's direct children (QEMU, libguestfs's recovery process, supermin)."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with contextlib.suppress(OSError, IndexError, ValueError), open(f"/proc/{entry}/stat", "rb") as stream:
                if int(stream.read().rpartition(b")")[2].split()[1]) == os.getpid():
                    found.append(int(entry))
    return found


def emulator_runs() -> bool:
    """Return whether a child boots an appliance; the short runs that probe QEMU's features have no kernel."""
    for pid in children():
        with contextlib.suppress(OSError), open(f"/proc/{pid}/cmdline", "rb") as stream:
            if b"-kernel" in stream.read(64 * 1024).split(b"\0"):
                return True
    return False


def kill_children() -> None:
    """Kill the appliance, at once. libguestfs then fails the call it is in."""
    for pid in children():
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGKILL)


class Console:
    """The last bytes that the appliance's console printed, and whether the kernel was heard at all."""

    def __init__(self) -> None:
        self._parts: collections.deque[bytes] = collections.deque()
        self._size = 0
        self.heard = False

    def __call__(self, data: bytes) -> None:
        # QEMU's own complaints come this way too; anything else is printed by a kernel that runs.
        self.heard = self.heard or not data.startswith(b"qemu")
        self._parts.append(data)
        self._size += len(data)
        while self._size > CONSOLE_BYTES and len(self._parts) > 1:
            self._size -= len(self._parts.popleft())

    def tail(self) -> str:
        """Return what is kept, as text."""
        return b"".join(self._parts)[-CONSOLE_BYTES:].decode("utf-8", "replace")


class Watch:
    """A deadline for whatever the main thread does, and who enforces it: a thread that kills the appliance.

    A libguestfs call cannot be interrupted: it returns when the daemon answers or when the appliance is gone.
    """

    def __init__(self, stop: t.Callable[[], bool], space: t.Callable[[], bool]) -> None:
        self._stop = stop
        self._space = space
        self._lock = threading.Lock()
        self._limit: float | None = None
        self._began = 0.0
        self._trial: Console | None = None
        self._trial_began: float | None = None
        self._killed_at: float | None = None
        self.reason = ""
        self.give_up: t.Callable[[], None] = lambda: os._exit(3)
        threading.Thread(target=self._run, daemon=True, name="watchdog").start()

    @contextlib.contextmanager
    def deadline(self, seconds: float, *, trial: Console | None = None) -> t.Iterator[None]:
        """Kill the appliance when the block takes longer than ``seconds``; :attr:`reason` then says why.

        :param trial: the console of a launch under a KVM that nobody knows to work. It has less time, counted from
            QEMU's start: libguestfs may have to build its appliance first, which takes minutes under any accelerator.
        """
        now = time.monotonic()
        with self._lock:
            self.reason, self._killed_at = "", None
            self._began, self._limit = now, now + seconds
            self._trial, self._trial_began = trial, None
        try:
            yield
        finally:
            with self._lock:
                self._limit = self._trial = None

    def _why_trial(self, now: float, console: Console) -> str:
        if self._trial_began is None:
            self._trial_began = now if emulator_runs() else None
            return ""
        if now > self._trial_began + KVM_SILENCE and not console.heard:
            return f"the appliance's kernel printed nothing within {KVM_SILENCE} seconds"
        return f"not ready within {KVM_LAUNCH} seconds" if now > self._trial_began + KVM_LAUNCH else ""

    def _why(self, now: float) -> str:
        if self._limit is None:
            return ""
        if self._stop():
            return "the session was ended from outside"
        if now > self._limit:
            return f"no answer within {self._limit - self._began:.0f} seconds"
        if self._trial is not None:
            return self._why_trial(now, self._trial)
        if now - self._began > 5 and not self._space():
            return "no space left on the disk that holds the overlay"
        return ""

    def _run(self) -> None:
        while True:
            time.sleep(0.1)
            with self._lock:
                now = time.monotonic()
                reason = "" if self._killed_at else self._why(now)
                if reason:
                    self.reason, self._killed_at = reason, now
                stuck = self._limit is not None and self._killed_at is not None and now - self._killed_at > 20
            if reason:
                kill_children()
            if stuck:
                kill_children()
                self.give_up()
