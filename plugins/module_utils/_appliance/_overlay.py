# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""Overlay, commit and recovery: what makes a session all or nothing.

All writes of a session go to ``.NAME.overlay``, a qcow2 layer over the image. A commit makes it durable, renames it to
``.NAME.commit`` (the point of no return) and lets ``qemu-img commit`` write it down into the image. From the rename on
the file is a redo log: to repeat the commit is harmless, so whoever next takes the lock finishes it.

Everything here is done by somebody who holds the image's lock.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import shutil
import stat
import subprocess

from .._errors import HostError, TransactionError, printable
from ._busy import await_unlocked
from ._durable import flush
from ._header import read_header
from ._image import Image

_QEMU_IMG_TIMEOUT = 6 * 3600  # a commit of a terabyte to a slow disk ends; a hung one must, too
_DYING = 10  # seconds in which a qemu-img that was killed lets go of its files
_MARGIN = 8 * 1024 * 1024  # metadata that a commit adds to a qcow2 image, above the data itself


@dataclasses.dataclass(frozen=True)
class Workspace:
    """The files beside an image that a session uses.

    :param lock: descriptor of the image's lock. The qemu-img that commits inherits it, so that the image stays locked
        when this process dies and that one lives on.
    """

    image: Image
    lock: int | None = None

    def _beside(self, suffix: str) -> str:
        folder, name = os.path.split(self.image.path)
        return os.path.join(folder, f".{name}.{suffix}")

    @property
    def overlay(self) -> str:
        """The layer that takes all writes."""
        return self._beside("overlay")

    @property
    def redo(self) -> str:
        """The layer after the point of no return."""
        return self._beside("commit")


def qemu_img(*arguments: str, hold: int | None = None) -> None:
    """Run qemu-img. Callers state the format of every image among the arguments.

    :param hold: a descriptor that it inherits.
    :raises HostError: it is not installed.
    :raises TransactionError: it failed; the message is its own.
    """
    program = shutil.which("qemu-img")
    if program is None:
        raise HostError("qemu-img is not installed.", hint="Install qemu-utils (Debian) or qemu-img (Fedora, SUSE).")
    try:
        done = subprocess.run(
            [program, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_QEMU_IMG_TIMEOUT,
            check=False,
            pass_fds=() if hold is None else (hold,),
            umask=0o077,  # what a guest keeps secret is as secret in its overlay
            env={**os.environ, "LC_ALL": "C"},
        )
    except subprocess.TimeoutExpired as exc:
        raise TransactionError(f"qemu-img {arguments[0]} did not end within {_QEMU_IMG_TIMEOUT} seconds.") from exc
    if done.returncode != 0:
        said = printable(done.stderr.strip(), limit=600) or f"exit status {done.returncode}"
        raise TransactionError(f"qemu-img {arguments[0]} failed: {said}")


def create_overlay(work: Workspace, virtual_size: int) -> None:
    """Make the overlay, ``virtual_size`` bytes large, over the image with its stated format.

    With ``-u`` qemu-img does not open the image, so that nothing but our own reader has looked at it so far.
    """
    try:
        qemu_img(
            *("create", "-q", "-u", "-f", "qcow2", "-F", work.image.format, "-b", work.image.path),
            *(work.overlay, str(virtual_size)),
        )
    except TransactionError as exc:
        discard(work)
        raise TransactionError(f"The overlay {work.overlay} cannot be made: {exc.message}", hint=_SPACE) from exc


_SPACE = "Free space on the disk that holds the image; the image is as it was."


def grow_overlay(work: Workspace, virtual_size: int) -> None:
    """Make the overlay's virtual disk larger."""
    qemu_img("resize", "-q", "-f", "qcow2", work.overlay, str(virtual_size))


def discard(work: Workspace) -> None:
    """Remove the overlay; the image is as it was."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(work.overlay)


def commit(work: Workspace) -> None:
    """Write the overlay down into the image, all or nothing.

    :raises TransactionError: nothing was written (the overlay is gone and the image as it was), or, when the message
        says so, the commit has begun and will be finished by the next task that opens the image.
    """
    try:
        _require_space(work)
        flush(work.overlay)
        os.rename(work.overlay, work.redo)
    except OSError as exc:
        discard(work)
        raise TransactionError(f"The overlay cannot be made durable: {exc}.", hint=_SPACE) from exc
    except TransactionError:
        discard(work)
        raise
    redo(work)


def _require_space(work: Workspace) -> None:
    """Refuse a commit that would run out of space half way: it may have to add all that the overlay holds."""
    needed = os.stat(work.overlay).st_blocks * 512 + _MARGIN
    found = os.statvfs(os.path.dirname(work.image.path))
    free = found.f_bavail * found.f_frsize
    if free < needed:
        raise TransactionError(
            f"The commit may need {needed} bytes, and {free} are free on the disk that holds the image.", hint=_SPACE
        )


def redo(work: Workspace, *, interrupted: bool = False) -> None:
    """Finish a commit whose point of no return has passed. To repeat it is harmless.

    :param interrupted: it had begun before and was killed, so the clusters that it left to nobody are given back, too.
        That is done before the redo log goes: killed in between, whoever comes next does it again.
    """
    try:
        flush(os.path.dirname(work.image.path))
        # -d leaves the redo log as it is: emptied, it could not be repeated.
        qemu_img("commit", "-q", "-d", "-f", "qcow2", "-t", "writeback", work.redo, hold=work.lock)
        if interrupted and work.image.format == "qcow2":
            # QEMU writes a cluster's count before the reference to it, so a kill leaves no other damage than this.
            qemu_img("check", "-q", "-r", "leaks", "-f", "qcow2", work.image.path, hold=work.lock)
        flush(work.image.path)
        os.unlink(work.redo)
        flush(os.path.dirname(work.image.path))
    except (OSError, TransactionError) as exc:
        raise TransactionError(
            f"The commit has begun but could not be finished: {exc}.",
            hint=f"Mend the cause and run any task on the image: it finishes the commit from {work.redo}. "
            "Until then do not use the image and do not remove that file.",
        ) from exc


def recover(work: Workspace) -> str:
    """Bring the image to a whole state after a session that died; returns what was done, empty for nothing.

    :raises TransactionError: a redo log is there that is not of this image, or that cannot be finished.
    """
    done = ""
    if os.path.lexists(work.redo):
        _require_ours(work)
        for path in (work.redo, work.image.path):
            await_unlocked(path, patience=_DYING)
        redo(work, interrupted=True)
        done = "An interrupted commit was finished."
    if os.path.lexists(work.overlay):
        os.unlink(work.overlay)
        done = done or "The overlay of a session that died was removed; the image is as it was before that session."
    return done


def _require_ours(work: Workspace) -> None:
    """Refuse a redo log that would write anywhere but into the image: its name alone proves nothing."""
    found = os.lstat(work.redo)
    hint = "Remove it if you know where it comes from, and check the image."
    if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid():
        raise TransactionError(f"{work.redo} is not a redo log of this user.", hint=hint)
    header = read_header(work.redo, "qcow2")
    backing = header.backing
    if backing is None or header.data_file is not None or backing.name != work.image.path:
        raise TransactionError(f"{work.redo} is not the redo log of {work.image.path}.", hint=hint)
    if backing.format != work.image.format:
        raise TransactionError(
            f"{work.redo} is the redo log of a {printable(str(backing.format))} image.",
            hint=f"State format: {printable(str(backing.format))}.",
        )
