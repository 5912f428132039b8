# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""Contents that are copied: of any size, never in memory as a whole, digested once."""

from __future__ import annotations

import functools
import hashlib
import os
import tempfile
import typing as t

from ._files import GuestFile, GuestFiles, HostFile
from ._paths import GuestPath
from ._validate import validate

_BLOCK = 1024 * 1024


class Content(t.Protocol):
    """The content of a file that is copied."""

    @property
    def handle(self) -> HostFile | GuestFile:
        """What :meth:`GuestFiles.write` takes."""

    @property
    def sha1(self) -> str:
        """The digest that Ansible compares files by."""

    @property
    def md5(self) -> str | None:
        """The digest that Ansible returns as well; None on a host that may not compute it."""

    def head(self, limit: int) -> bytes:
        """Return the beginning."""

    def validate(self, command: str) -> None:
        """Have a program of the host check it."""


class HostContent:
    """A file of the host; an OSError is left to who asks."""

    def __init__(self, path: str, size: int) -> None:
        self.handle = HostFile(path, size)

    @property
    def sha1(self) -> str:
        """Return the digest that Ansible compares files by."""
        return self._digests[0]

    @property
    def md5(self) -> str | None:
        """Return the digest that Ansible returns as well."""
        return self._digests[1]

    @functools.cached_property
    def _digests(self) -> tuple[str, str | None]:
        wanted = [hashlib.sha1(usedforsecurity=False), _md5()]
        with open(self.handle.path, "rb") as stream:
            while block := stream.read(_BLOCK):
                for digest in filter(None, wanted):
                    digest.update(block)
        sha1, md5 = (digest and digest.hexdigest() for digest in wanted)
        return sha1 or "", md5

    def head(self, limit: int) -> bytes:
        """Return the beginning."""
        with open(self.handle.path, "rb") as stream:
            return stream.read(limit)

    def validate(self, command: str) -> None:
        """Have a program of the host check it."""
        validate(command, self.handle)


class GuestContent:
    """A file of the guest."""

    def __init__(self, files: GuestFiles, path: GuestPath, size: int) -> None:
        self._files = files
        self.handle = GuestFile(path, size)

    @functools.cached_property
    def sha1(self) -> str:
        """Return the digest that Ansible compares files by."""
        return self._files.digest(self.handle.path, "sha1")

    @functools.cached_property
    def md5(self) -> str | None:
        """Return the digest that Ansible returns as well."""
        return self._files.digest(self.handle.path, "md5")

    def head(self, limit: int) -> bytes:
        """Return the beginning."""
        return self._files.head(self.handle.path, limit)

    def validate(self, command: str) -> None:
        """Have a program of the host check it."""
        with tempfile.TemporaryDirectory(prefix="offline-guest-") as folder:
            path = os.path.join(folder, "content")
            self._files.download(self.handle.path, path)
            validate(command, HostFile(path, self.handle.size))


def _md5() -> t.Any:
    try:
        return hashlib.md5(usedforsecurity=False)
    except ValueError:  # a host in FIPS mode
        return None
