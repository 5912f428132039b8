# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""Opening a session: recover, verify, make the overlay, start a server.

Apart from ``_session.py`` because most tasks join a session that is open, and need none of this.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import shutil
import stat
import tempfile
import time
import typing as t

from .._errors import HostError, ImageBusyError, ImageError, OfflineGuestError
from . import _overlay
from ._busy import require_idle
from ._client import require_private
from ._image import Image
from ._lock import Holder, ImageLock
from ._session import ApplianceOptions, Session, chain_of
from ._start import start_server
from ._verify import VerifiedImage, verify

_PREFIX = "offline-guest-"
_ORPHAN = 15.0  # seconds until a killed server's QEMU has ended: libguestfs looks every 2 s whether its caller lives
_POLL = 0.25  # seconds between two looks at an image that is still in use


def open_session(
    image: Image,
    options: ApplianceOptions,
    lock: ImageLock,
    *,
    purpose: str,
    throwaway: bool,
    joinable: bool,
    disk_size: t.Callable[[int], int] | None,
) -> Session:
    """Recover, verify, make the overlay and start a server; the appliance is not launched yet."""
    with contextlib.ExitStack() as stack:
        stack.enter_context(lock)
        verify(image, recovering=True)  # before a recovery writes to it
        warnings = _recover(image, lock)
        verified = verify(image)
        _await_idle(image, for_writing=not throwaway, patience=_ORPHAN if lock.stale else 0)
        size = disk_size(verified.virtual_size) if disk_size else verified.virtual_size
        _require_writable(verified, throwaway=throwaway, grows=size > verified.virtual_size)
        work = _overlay.Workspace(image)
        _overlay.create_overlay(work, size)
        stack.callback(_overlay.discard, work)
        directory = _make_directory(options)
        stack.callback(shutil.rmtree, directory, ignore_errors=True)
        holder = dataclasses.replace(Holder.myself(purpose), directory=directory)
        lock.announce(holder)  # whoever finds us dead knows what to remove
        info = _info(image, verified, options, work, size, throwaway)
        client = start_server(directory, lock, overlay=work.overlay, info=info, call_timeout=options.call_timeout)
        lock.announce(dataclasses.replace(holder, pid=client.status["pid"], joinable=joinable))
        stack.pop_all()  # the server has them now
        lock.forget()
    session = Session(client, image, joined=False, throwaway=throwaway)
    session.warnings.extend([*warnings, *verified.warnings])
    return session


def _require_writable(verified: VerifiedImage, *, throwaway: bool, grows: bool) -> None:
    """Refuse now what the commit could not do at the end."""
    if stat.S_ISBLK(os.stat(verified.image.path).st_mode):
        raise ImageError(
            f"{verified.image.path} is a block device, beside which no lock and no overlay can be made.",
            hint="Copy it to a file: qemu-img convert -f raw -O qcow2 DEVICE FILE.",
        )
    refused = verified.grow_refused if grows else "" if throwaway else verified.write_refused
    if refused:
        raise ImageError(f"The image {verified.image.path} cannot be written: {refused}.")


def _await_idle(image: Image, *, for_writing: bool, patience: float) -> None:
    """Refuse an image in use; the appliance of a session that was killed gets some time to end."""
    until = time.monotonic() + patience
    while True:
        try:
            return require_idle(image.path, for_writing=for_writing)
        except ImageBusyError:
            if time.monotonic() >= until:
                raise
        time.sleep(_POLL)


def _make_directory(options: ApplianceOptions) -> str:
    try:
        return tempfile.mkdtemp(prefix=_PREFIX, dir=options.tmpdir)
    except OSError as exc:
        raise HostError(
            f"The session's folder cannot be made: {exc}.", hint="appliance.tmpdir must be a writable folder."
        ) from exc


def _info(
    image: Image,
    verified: VerifiedImage,
    options: ApplianceOptions,
    work: _overlay.Workspace,
    size: int,
    throwaway: bool,
) -> dict[str, t.Any]:
    """What the session's server keeps for those who join."""
    launch = {**dataclasses.asdict(options), "drives": [{"path": work.overlay, "format": "qcow2"}]}
    # libguestfs's temporary files go into the session's own folder, whatever tmpdir says: it names where that is.
    launch.pop("call_timeout")
    launch.pop("tmpdir")
    return {
        "image": chain_of(image),
        "identities": [dataclasses.astuple(identity) for identity in verified.identities],
        "virtual_size": verified.virtual_size,
        "disk_size": size,
        "grow_refused": verified.grow_refused,
        "throwaway": throwaway,
        "launch": launch,
    }


def _recover(image: Image, lock: ImageLock) -> list[str]:
    """Clean up after a session that died: its folder, its overlay, or its commit, which is finished."""
    if lock.stale and lock.stale.directory and os.path.basename(lock.stale.directory).startswith(_PREFIX):
        with contextlib.suppress(OfflineGuestError):
            require_private(lock.stale.directory)
            shutil.rmtree(lock.stale.directory, ignore_errors=True)
    done = _overlay.recover(_overlay.Workspace(image, lock.descriptor))
    return [f"{image.path}: {done}"] if done else []
