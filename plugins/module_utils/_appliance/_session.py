# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""A session: one image, its lock, its overlay and its appliance, from open to commit or discard.

Most tasks join a session that is open, and Ansible has a module compile all that it imports, each time. So what only
the opening and the commit need is imported where they happen; that saves a task a third of its time.
"""

from __future__ import annotations

import contextlib
import dataclasses
import time
import typing as t

from .._errors import ApplianceError, ImageBusyError, ImageError
from ._client import Client
from ._image import Image
from ._lock import ImageLock, lock_path, read_holder

_POLL = 0.25  # seconds between two looks at a lock that somebody else holds


@dataclasses.dataclass(frozen=True)
class ApplianceOptions:
    """How the appliance is started; None leaves libguestfs's own default.

    :param launch_timeout: seconds for one attempt to start it.
    :param call_timeout: seconds for one libguestfs call.
    :param hv: QEMU, or a wrapper that executes it.
    :param path: folder of a fixed appliance.
    :param start: ``auto``, ``warm`` or ``cold``.
    :param cache_dir: folder of the warm store.
    :param tmpdir: where the session's private folder is made.
    """

    backend: str = "direct"
    accelerator: str = "auto"
    memory_mb: int | None = None
    smp: int | None = None
    launch_timeout: int = 600
    call_timeout: int = 300
    hv: str | None = None
    path: str | None = None
    tmpdir: str | None = None
    start: str = "auto"
    cache_dir: str | None = None


class Session:
    """An open session. Use :func:`open_or_join`, and the result as a context manager.

    Leaving the context without :meth:`commit` discards a session of one's own, and leaves a joined one open.
    """

    def __init__(self, client: Client, image: Image, *, joined: bool, throwaway: bool) -> None:
        self.client = client
        self.image = image
        self.joined = joined
        self.throwaway = throwaway
        self.warnings: list[str] = []
        self._info: dict[str, t.Any] = client.status["info"]
        self._launch: dict[str, t.Any] = self._info["launch"]
        self._detached = joined

    # Facts

    @property
    def image_size(self) -> int:
        """Virtual size of the image as it was when the session was opened, in bytes."""
        return int(self._info["virtual_size"])

    @property
    def disk_size(self) -> int:
        """Virtual size of the disk that the appliance sees, in bytes: larger after :meth:`grow`."""
        return int(self.client.status["notes"].get("disk_size", self._info["disk_size"]))

    @property
    def task_size(self) -> int:
        """Virtual size of the disk before this task, in bytes: the image's, or in a joined session the disk's."""
        return self.disk_size if self.joined else self.image_size

    @property
    def changes(self) -> list[dict[str, str]]:
        """What the tasks so far changed: ``{"task", "summary"}`` each."""
        return list(self.client.status["changes"])

    @property
    def accelerator(self) -> str:
        """``kvm`` or ``tcg``."""
        return str(self.client.status["accelerator"])

    @property
    def start(self) -> str:
        """How the appliance was started: ``warm``, resumed from a saved one, or ``cold``."""
        return str(self.client.status["start"])

    # Work

    def launch(self) -> None:
        """Start the appliance, unless it runs already."""
        if self.client.status["state"] == "READY":
            return
        answer = self.client.launch(self._launch)
        self.client.status.update(state="READY", accelerator=answer["accelerator"], start=answer["start"])
        self.warnings.extend(answer["warnings"])

    def grow(self, size: int) -> None:
        """Make the disk ``size`` bytes large. The appliance starts anew, with nothing mounted."""
        if size <= self.disk_size:
            return
        if self._info["grow_refused"]:
            raise ImageError(f"The image {self.image.path} cannot be made larger: {self._info['grow_refused']}.")
        from . import _overlay

        self.client.stop()
        self.client.status["state"] = "CONFIG"
        _overlay.grow_overlay(_overlay.Workspace(self.image), size)
        self.client.note("disk_size", size)
        self.launch()

    def keep(self, idle_timeout: float) -> None:
        """Let the session outlive this process, until it is committed or discarded or ``idle_timeout`` seconds pass."""
        self.client.detach(idle_timeout)
        self._detached = True

    def commit(self) -> bool:
        """Write what was done into the image; a throwaway session, or one without a change, is discarded.

        Returns whether the image was written.
        """
        if self.throwaway or not self.client.status["changes"]:
            self.discard()
            return False
        from . import _overlay
        from ._busy import require_idle
        from ._header_base import Identity
        from ._verify import same_file

        descriptor = self.client.release()
        with ImageLock(lock_path(self.image.path), descriptor), self._handed_over():
            require_idle(self.image.path, for_writing=True)
            same_file(self.image, [Identity(*values) for values in self._info["identities"]])
            _overlay.commit(_overlay.Workspace(self.image, descriptor))
        return True

    @contextlib.contextmanager
    def _handed_over(self) -> t.Iterator[None]:
        """The overlay is ours: it goes when anything fails before the point of no return."""
        from . import _overlay

        try:
            self.client.wait_gone()
            yield
        finally:
            _overlay.discard(_overlay.Workspace(self.image))
            self._detached = True

    def discard(self) -> None:
        """Throw away all that was done; the image is as it was."""
        self.client.discard()
        self._detached = True

    def refresh(self) -> None:
        """Ask the server how the session stands."""
        self.client.status = dict(self.client._request("status", {}, 10))  # pylint: disable=protected-access

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_exc: t.Any) -> None:
        if not self._detached:
            self.client.hang_up_and_wait()
        self.client.close()


def chain_of(image: Image) -> list[list[str]]:
    """Paths and formats of an image and all below it: two tasks with the same ones mean the same image."""
    return [[link.path, link.format] for link in image.chain]


def open_or_join(
    image: Image,
    options: ApplianceOptions,
    *,
    purpose: str,
    throwaway: bool,
    timeout: float,
    joinable: bool = False,
    disk_size: t.Callable[[int], int] | None = None,
) -> Session:
    """Return the open session of the image, or open one.

    :param purpose: who opens it, for those who wait.
    :param throwaway: a check run, or a module that only reads: the overlay is never committed.
    :param timeout: seconds to wait for somebody else's lock, or for a task that uses the open session.
    :param joinable: whether later tasks may join what is opened here.
    :param disk_size: from the virtual size of the image to that of the overlay.
    :raises ImageBusyError: the lock was not to be had in time, or something else uses the image.
    """
    until = time.monotonic() + timeout
    while True:
        session = join_session(image, options, timeout=max(1.0, until - time.monotonic()))
        if session is not None:
            return session
        lock = ImageLock.try_acquire(image.path)
        if lock is not None:
            from ._open import open_session

            return open_session(
                image, options, lock, purpose=purpose, throwaway=throwaway, joinable=joinable, disk_size=disk_size
            )
        if time.monotonic() >= until:
            raise ImageBusyError(
                f"The image {image.path} is held by {read_holder(lock_path(image.path)) or 'another session'} and was "
                f"not free within {timeout:.0f} seconds.",
                hint="Wait until that is done, or raise lock_timeout.",
            )
        time.sleep(_POLL)


def join_session(image: Image, options: ApplianceOptions, *, timeout: float) -> Session | None:
    """Join the open session of ``image``; None where there is none that answers.

    :param timeout: seconds to wait for a task that is using it.
    """
    holder = read_holder(lock_path(image.path))
    if holder is None or not holder.joinable:
        return None
    try:
        client = Client.connect(holder.directory, call_timeout=options.call_timeout, hello_timeout=timeout)
    except ApplianceError:
        return None  # it died or is ending; then its lock is free, or will be
    info = client.status["info"]
    if info["image"] != chain_of(image):
        client.close()
        raise ImageBusyError(
            f"The open session of {image.path} was opened with other values of format or backing.",
            hint="State the same ones in every task of the session.",
        )
    return Session(client, image, joined=True, throwaway=bool(info["throwaway"]))
