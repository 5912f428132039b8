# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""Paths and devices of a guest, kept apart by type.

libguestfs itself is ambiguous here: a file may be called ``/dev/sda1`` (guestfs(3), "Ambiguity between devices and
paths"). So a :class:`GuestPath` and a :class:`Device` are two types, and no function takes either.
"""

from __future__ import annotations

import base64
import posixpath
import re
import typing as t

from .._errors import GuestError, OptionError, printable

_DEVICE = re.compile(r"^/dev/[A-Za-z0-9][A-Za-z0-9._+/-]{0,200}$")
_MAX_PATH = 4096
_ENCODED = "base64:"  # which no path begins with, for it begins with a slash
_MAX_LINKS = 40


class GuestPath(str):
    """An absolute, normalized path inside the guest's file system tree (mounted below the guest's own ``/``).

    A name in it may be any bytes: those that are not UTF-8 are surrogates (surrogateescape, PEP 383).

    :raises OptionError: the text is empty, relative, too long (over 4096 bytes), or holds a NUL byte or a ``..``.
    """

    __slots__ = ()

    def __new__(cls, value: str) -> GuestPath:
        if not value.startswith("/"):
            raise OptionError(
                f"The guest path '{printable(value)}' is not absolute.", hint="Start it with a slash, as in /etc/hosts."
            )
        if "\0" in value or not 0 < _length(value) <= _MAX_PATH:
            raise OptionError(f"The guest path '{printable(value)}' holds a NUL byte or is longer than {_MAX_PATH}.")
        if ".." in value.split("/"):
            raise OptionError(f"The guest path '{printable(value)}' has a '..' in it.", hint="Name the file directly.")
        normal = posixpath.normpath(value)
        return super().__new__(cls, normal[1:] if normal.startswith("//") else normal)

    @classmethod
    def given(cls, value: str) -> GuestPath:
        """Read an option: a path, or ``base64:`` and the bytes of one, for AnsibleModule takes only UTF-8.

        (Its ``_log_invocation`` of ansible-core 2.19 encodes every option strictly.)

        :raises OptionError: it is neither.
        """
        if not value.startswith(_ENCODED):
            return cls(value)
        try:
            raw = base64.b64decode(value[len(_ENCODED) :], validate=True)
        except ValueError as exc:
            raise OptionError(f"'{printable(value)}' is not base64 of a path.") from exc
        return cls(raw.decode("utf-8", "surrogateescape"))

    @property
    def parent(self) -> GuestPath:
        """The directory that holds this entry; the root is its own parent."""
        return GuestPath(posixpath.dirname(self))

    @property
    def name(self) -> str:
        """The last component; empty for the root."""
        return posixpath.basename(self)

    def joined(self, *names: str) -> GuestPath:
        """Return the path of an entry below this one."""
        return GuestPath(posixpath.join(self, *names))


def _length(value: str) -> int:
    """Return the number of bytes; 0 for text that stands for none, such as half of a surrogate pair."""
    try:
        return len(value.encode("utf-8", "surrogateescape"))
    except UnicodeEncodeError:
        return 0


class Device(str):
    """A block device as the appliance names it: ``/dev/sda2``, ``/dev/VG/LV``, ``/dev/mapper/NAME``, ``/dev/md127``.

    :raises OptionError: the text is no device name.
    """

    __slots__ = ()

    def __new__(cls, value: str) -> Device:
        if not _DEVICE.match(value) or ".." in value.split("/"):
            raise OptionError(
                f"'{printable(value)}' is not a device name.", hint="Use /dev/sda2, /dev/VG/LV or the like."
            )
        return super().__new__(cls, value)


class LinkReader(t.Protocol):
    """What :func:`resolve` needs to know of a file system."""

    def __call__(self, path: GuestPath) -> str | None:
        """Return the target of the symbolic link at ``path``, or None where there is no link.

        :raises FileNotFoundError: nothing at all is there, so nothing below it will be asked for.
        """


class _Links:
    """Reads links, but none below what is not there: a hostile link of 4096 bytes has 2000 names, a call each."""

    def __init__(self, read: LinkReader) -> None:
        self._read = read
        self._missing: str | None = None

    def target(self, path: GuestPath) -> str | None:
        if self._missing is not None and path.startswith(self._missing):
            return None
        try:
            return self._read(path)
        except FileNotFoundError:
            self._missing = f"{path}/"
            return None


def resolve(path: GuestPath, read_link: LinkReader) -> GuestPath:
    """Return ``path`` with every symbolic link followed *inside the guest*, the last component included.

    An absolute target starts again at the guest's root and ``..`` stops there, as in a chroot, so no link leads out
    of the guest. Components that do not exist are kept as they are.

    :raises GuestError: more than 40 links (Linux's own limit, path_resolution(7)).
    """
    return _follow(GuestPath("/"), path, read_link)


def resolve_target(target: str, folder: GuestPath, read_link: LinkReader) -> GuestPath:
    """Return where a symbolic link in ``folder`` that holds ``target`` leads, as :func:`resolve` does.

    :param folder: resolved already.
    """
    return _follow(GuestPath("/") if target.startswith("/") else folder, target, read_link)


def _follow(done: GuestPath, path: str, read_link: LinkReader) -> GuestPath:
    reader = _Links(read_link)
    rest = path.split("/")
    links = 0
    while rest:
        part = rest.pop(0)
        if part in ("", "."):
            continue
        if part == "..":
            done = done.parent
            continue
        here = done.joined(part)
        target = reader.target(here)
        if target is None:
            done = here
            continue
        links += 1
        if links > _MAX_LINKS:
            raise GuestError(f"Too many symbolic links on the way to '{printable(path)}' in the guest: a loop?")
        if target.startswith("/"):
            done = GuestPath("/")
        rest[:0] = target.split("/")
    return done
