# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""The lock of an image: a file beside it, locked for as long as a session lives.

It is a file of its own because QEMU puts byte-range locks on the image itself, which on some network file systems
collide with a lock of the whole file. The file also says who holds it, and where the session can be joined.
The kernel frees the lock when its last holder dies, however it dies; the file may then stay behind, which does no harm.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import json
import os
import socket
import stat
import typing as t

from .._errors import HostError, ImageBusyError, printable
from ._schema import HOLDER, check_document

_MAX_HOLDER = 16 * 1024


@dataclasses.dataclass(frozen=True)
class Holder:
    """Who holds a lock, as they say themselves.

    :param pid: of the process that took the lock.
    :param purpose: the task or module that opened the image.
    :param directory: the private folder of the session, empty while there is none.
    :param joinable: whether tasks may join: a session that ``state: open`` made.
    """

    pid: int
    user: str
    host: str
    purpose: str
    directory: str = ""
    joinable: bool = False

    @classmethod
    def myself(cls, purpose: str) -> Holder:
        """Return this process as a holder."""
        import getpass  # brings the terminal's modules with it, which a task that joins does not need

        try:
            user = getpass.getuser()
        except (KeyError, OSError):  # a uid without a name; getpass raises OSError from Python 3.13 on
            user = str(os.geteuid())
        return cls(pid=os.getpid(), user=user, host=socket.gethostname(), purpose=purpose)

    def __str__(self) -> str:
        return printable(f"'{self.purpose}' (process {self.pid} of user {self.user} on {self.host})")


def lock_path(image_path: str) -> str:
    """Return the path of the lock of the image at ``image_path``."""
    folder, name = os.path.split(image_path)
    return os.path.join(folder, f".{name}.lock")


def read_holder(path: str) -> Holder | None:
    """Return who says to hold the lock at ``path``; None where there is no such file or it makes no sense."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    with os.fdopen(descriptor, "rb") as stream:
        return _parse_holder(stream.fileno(), stream.read(_MAX_HOLDER))


def _parse_holder(descriptor: int, text: bytes) -> Holder | None:
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode) or found.st_uid not in (os.geteuid(), 0):
        return None  # somebody else's word is not to be believed: it names a folder that we would talk to
    try:
        return Holder(**check_document(HOLDER, json.loads(text)))
    except (ValueError, TypeError):
        return None


class ImageLock:
    """A lock that this process holds, or held until it gave its descriptor to the server."""

    def __init__(self, path: str, descriptor: int, stale: Holder | None = None) -> None:
        self.path = path
        self.descriptor = descriptor
        self.stale = stale  # who held it last and died, where somebody did

    @classmethod
    def try_acquire(cls, image_path: str) -> ImageLock | None:
        """Take the lock; None when somebody else has it.

        :raises HostError: the folder of the image is not writable.
        :raises ImageBusyError: something that is not our lock is in its place.
        """
        path = lock_path(image_path)
        while True:
            descriptor = _open_lock(path)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(descriptor)
                return None
            if _is_at(descriptor, path):
                break
            os.close(descriptor)  # its last holder removed the file between our open and our lock
        return cls(path, descriptor, _parse_holder(descriptor, os.pread(descriptor, _MAX_HOLDER, 0)))

    def announce(self, holder: Holder) -> None:
        """Write down who holds the lock."""
        text = json.dumps(dataclasses.asdict(holder)).encode("ascii")
        # In one write over what is there: a reader sees the old text, or the new, padded with blanks.
        size = os.fstat(self.descriptor).st_size
        os.pwrite(self.descriptor, text.ljust(size), 0)

    def release(self) -> None:
        """Remove the file while it is still locked, then let go."""
        with contextlib.suppress(OSError):
            if _is_at(self.descriptor, self.path):
                os.unlink(self.path)
        self.forget()

    def forget(self) -> None:
        """Close the descriptor without unlocking: the server has it."""
        with contextlib.suppress(OSError):
            os.close(self.descriptor)

    def __enter__(self) -> ImageLock:
        return self

    def __exit__(self, *_exc: t.Any) -> None:
        self.release()


def _is_at(descriptor: int, path: str) -> bool:
    try:
        there = os.lstat(path)
    except FileNotFoundError:
        return False
    held = os.fstat(descriptor)
    return (there.st_dev, there.st_ino) == (held.st_dev, held.st_ino)


def _open_lock(path: str) -> int:
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        descriptor = os.open(path, flags, 0o644)
    except OSError as exc:
        holder = read_holder(path)
        if holder:
            raise ImageBusyError(f"The image is held by {holder}.", hint="Wait until that is done.") from exc
        raise HostError(
            f"The lock {path} cannot be made: {exc.strerror}.",
            hint="The folder of an image must be writable: lock and overlay are made beside it.",
        ) from exc
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode) or (found.st_uid != os.geteuid() and os.geteuid() != 0):
        os.close(descriptor)
        raise ImageBusyError(f"{path} is not a lock of this user.", hint="Remove it if nobody uses the image.")
    return descriptor
