# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""The warm store as a host's administrator sees it: what is in it, filling it, emptying it."""

from __future__ import annotations

import contextlib
import os
import tempfile
import typing as t
from dataclasses import dataclass

from .._errors import ApplianceError, HostError, printable
from . import _warm_store
from ._image import Image
from ._session import ApplianceOptions, open_or_join
from ._warm_store import Store, Unusable

_EMPTY_IMAGE = 1024 * 1024  # bytes


@dataclass(frozen=True)
class Saved:
    """One saved appliance.

    :param size: bytes that it takes on the disk.
    :param used: seconds since the epoch, when it was last resumed.
    """

    key: str
    size: int
    used: int


@dataclass(frozen=True)
class WarmFacts:
    """A warm store; ``refused`` says why none of it would be used, empty where it would."""

    folder: str
    saved: tuple[Saved, ...]
    refused: str


def read_store(cache_dir: str | None) -> WarmFacts:
    """Look at a store; one that does not exist is empty."""
    store = Store(cache_dir or _warm_store.default_folder())
    return WarmFacts(store.folder, tuple(_saved(store)), _refused(store))


def _refused(store: Store) -> str:
    if os.path.lexists(store.folder):
        try:
            _warm_store.require_private(store.folder, directory=True)
        except Unusable as exc:
            return printable(str(exc))
    return ""


def _saved(store: Store) -> t.Iterator[Saved]:
    for key in store.entries():
        folder = os.path.join(store.folder, key)
        with contextlib.suppress(OSError):
            yield Saved(key, _warm_store.size_of(folder), int(os.stat(folder).st_mtime))


def save(options: ApplianceOptions) -> None:
    """Have an appliance with these options saved, unless it is, and resume it once.

    :raises ApplianceError: it cannot be; the message says why.
    :raises HostError: there is no place for temporary files.
    """
    try:
        folder = tempfile.TemporaryDirectory(prefix="offline-guest-", dir=options.tmpdir)
    except OSError as exc:
        raise HostError(f"No temporary folder can be made: {exc}.", hint="Set appliance.tmpdir.") from exc
    with folder as place:
        path = os.path.join(place, "empty.raw")
        with open(path, "wb") as stream:
            stream.truncate(_EMPTY_IMAGE)
        with open_or_join(Image(path, "raw"), options, purpose="warm", throwaway=True, timeout=0) as session:
            session.launch()
            if session.start != "warm":
                why = " ".join(session.warnings) or "This host's appliances cannot be saved."
                raise ApplianceError(f"No appliance was saved. {why}")


def drop_all(cache_dir: str | None) -> None:
    """Remove every saved appliance.

    :raises HostError: the store is not this user's.
    """
    store = Store(cache_dir or _warm_store.default_folder())
    refused = _refused(store)
    if refused:
        raise HostError(f"The saved appliances are not removed: {refused}.", hint="Remove the folder yourself.")
    for key in store.entries():
        store.drop(key)
