# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""Who uses an image right now: a virtual machine, a loop device, a program that has it open for writing.

QEMU locks single bytes of an image (docs/system/qemu-block-drivers, "Disk image file locking"): from byte 100 on one
for each permission that it has, from byte 200 on one for each that it does not let others have. They are open file
description locks, so the kernel does not tell their process; /proc tells who has the file open.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import os
import struct
import time
import typing as t

from .._errors import ImageBusyError, printable

_F_OFD_GETLK = 36  # fcntl(2); Python has no name for it before 3.9 on all platforms
_FLOCK = "hhqqi4x"  # struct flock of 64-bit Linux: type, whence, start, length, pid
_PERMISSIONS = 100  # RAW_LOCK_PERM_BASE of QEMU's block/file-posix.c
_ALL_LOCKS = 200
_WRITE_BIT = 1  # BLK_PERM_WRITE is the second permission
_POLL = 0.02


@dataclasses.dataclass(frozen=True)
class User:
    """A process that has the image open."""

    pid: int
    name: str
    writes: bool

    def __str__(self) -> str:
        return f"process {self.pid} ({printable(self.name)})"


def require_idle(path: str, *, for_writing: bool) -> None:
    """Refuse an image that is in use.

    :param for_writing: True: nobody else may use it, not even for reading, as a backing image for example.
        False: nobody else may write to it.
    :raises ImageBusyError: it is in use; the message names who holds it, where that can be known.
    """
    locked = _qemu_locks(path, for_writing=for_writing)
    users = [user for user in users_of(path) if user.writes or (locked and for_writing)]
    loops = _loop_devices(path)
    if not (locked or users or loops):
        return
    names = [str(user) for user in users] + [f"the loop device {name}" for name in loops]
    raise ImageBusyError(
        f"The image {printable(path)} is in use by "
        + (", ".join(names) or "a process that this user may not see")
        + ".",
        hint="Shut the virtual machine down, or close what has the image open, and try again.",
        details={"holders": [{"pid": user.pid, "name": printable(user.name)} for user in users]},
    )


def await_unlocked(path: str, *, patience: float) -> None:
    """Wait until no QEMU holds a lock on the file, for ``patience`` seconds at most.

    A dying process closes its files one after the other (exit_files() of the kernel), so a qemu-img that was killed may
    hold its lock on the file for a moment after the image's own lock, which it had inherited, is free.
    """
    until = time.monotonic() + patience
    while _qemu_locks(path, for_writing=True) and time.monotonic() < until:
        time.sleep(_POLL)


def _qemu_locks(path: str, *, for_writing: bool) -> bool:
    """Return whether a QEMU holds locks that we must respect."""
    start, length = (_PERMISSIONS, _ALL_LOCKS) if for_writing else (_PERMISSIONS + _WRITE_BIT, 1)
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return False  # what cannot be opened is reported where it is opened
    try:
        # F_OFD_GETLK may ask for a write lock on a descriptor that is open for reading: it only asks. All of QEMU's
        # locks are shared ones, which a question for a read lock would not find.
        asked = struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, start, length, 0)
        answer = struct.unpack(_FLOCK, fcntl.fcntl(descriptor, _F_OFD_GETLK, asked))
    except OSError:
        return False  # a file system without locks
    finally:
        os.close(descriptor)
    return bool(answer[0] != fcntl.F_UNLCK)


def users_of(path: str) -> list[User]:
    """Return the other processes that have the file open, as far as this user may see them (proc(5))."""
    wanted = os.stat(path)
    found: list[User] = []
    for entry in os.listdir("/proc"):
        if entry.isdigit() and int(entry) != os.getpid():
            with contextlib.suppress(OSError):
                found.extend(_uses(int(entry), wanted))
    return found


def _uses(pid: int, wanted: os.stat_result) -> t.Iterator[User]:
    folder = f"/proc/{pid}/fd"
    writes: bool | None = None
    for number in os.listdir(folder):
        with contextlib.suppress(OSError):
            there = os.stat(f"{folder}/{number}")
            if (there.st_dev, there.st_ino) == (wanted.st_dev, wanted.st_ino):
                writes = bool(writes) or _open_for_writing(pid, number)
    if writes is not None:
        with open(f"/proc/{pid}/comm", encoding="utf-8", errors="replace") as stream:
            yield User(pid, stream.read().strip(), writes)


def _open_for_writing(pid: int, number: str) -> bool:
    with open(f"/proc/{pid}/fdinfo/{number}", encoding="ascii", errors="replace") as stream:
        for line in stream:
            if line.startswith("flags:"):
                return int(line.split()[1], 8) & os.O_ACCMODE != os.O_RDONLY
    return False


def _loop_devices(path: str) -> list[str]:
    """Return the loop devices whose backing file is the image (sysfs; the name is the kernel's view of the path)."""
    found = []
    with contextlib.suppress(OSError):
        for name in os.listdir("/sys/block"):
            backing = f"/sys/block/{name}/loop/backing_file"
            with contextlib.suppress(OSError), open(backing, encoding="utf-8", errors="surrogateescape") as stream:
                if os.path.realpath(stream.read().rstrip("\n")) == path:
                    found.append(f"/dev/{name}")
    return found
