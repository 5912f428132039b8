# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""What all header readers share: the bounded source they read from, and the header they return.

A header comes from an image that nobody trusts yet. So every read states its offset and its length, a read past the
end of the file is an error and not a short answer, and one image may cost no more than :data:`READ_LIMIT` bytes.
"""

from __future__ import annotations

import contextlib
import os
import stat
import struct
import typing as t
from dataclasses import dataclass

from .._errors import HeaderError, ImageError, errno_name, printable
from ._image import Format

SECTOR = 512
READ_LIMIT = 4 << 20
"""How many bytes of one image a header reader may read."""

VIRTUAL_SIZE_LIMIT = (1 << 63) - SECTOR
"""QEMU keeps sizes in a signed 64-bit number."""


@dataclass(frozen=True)
class Reference:
    """Another file that a header names.

    :param kind: what the header says the file is to the image.
    :param name: as the header has it, undecodable bytes as surrogates; hostile, so show it through ``printable()``.
    :param format: the format the header states for that file; ``None`` where it states none.
    """

    kind: t.Literal["backing file", "external data file", "extent", "parent"]
    name: str
    format: str | None = None


@dataclass(frozen=True)
class Header:
    """What a header says; nothing in it has been judged yet, see ``_verify.verify``.

    :param virtual_size: bytes, as QEMU computes it from this header.
    :param backing: the image below this one.
    :param data_file: where a qcow2 image keeps its guest data, if not in itself.
    :param extents: the files a VMDK descriptor is made of.
    :param features: facts worth showing, such as ``version=3`` or ``subformat=streamOptimized``.
    :param read_refused: why QEMU cannot open this image for reading only, as an overlay does; empty when it can.
    :param write_refused: why QEMU cannot write to this image; empty when it can. A commit would fail on it.
    :param grow_refused: why QEMU cannot make this image larger; empty when it can.
    :param warnings: what the user should know although the image is accepted.
    """

    format: Format
    virtual_size: int
    backing: Reference | None = None
    data_file: Reference | None = None
    extents: tuple[Reference, ...] = ()
    features: tuple[str, ...] = ()
    read_refused: str = ""
    write_refused: str = ""
    grow_refused: str = ""
    warnings: tuple[str, ...] = ()

    @property
    def references(self) -> tuple[Reference, ...]:
        """Every other file that this header names."""
        return tuple(ref for ref in (self.backing, self.data_file) if ref is not None) + self.extents


@dataclass(frozen=True)
class Identity:
    """Which file this is, and in which state: it changes when the file is replaced or written to."""

    device: int
    inode: int
    size: int
    mtime_ns: int


class Source:
    """An open image file, read in bounded pieces.

    :param fd: a descriptor of a regular file or a block device, owned by :func:`open_source`.
    """

    def __init__(self, fd: int, path: str, status: os.stat_result) -> None:
        self._fd = fd
        self._left = READ_LIMIT
        self.path = path
        self.is_block_device = stat.S_ISBLK(status.st_mode)
        self.size = os.lseek(fd, 0, os.SEEK_END) if self.is_block_device else status.st_size
        self.identity = Identity(status.st_dev, status.st_ino, self.size, status.st_mtime_ns)

    @property
    def bytes_read(self) -> int:
        return READ_LIMIT - self._left

    def fail(self, what: str, *, hint: str = "") -> HeaderError:
        """Return the error that says ``what`` is wrong with the header of this image."""
        return HeaderError(f"The image {printable(self.path)} {what}.", hint=hint)

    def read(self, offset: int, length: int, what: str) -> bytes:
        """Return exactly ``length`` bytes at ``offset``; HeaderError where the file does not have them."""
        if offset < 0 or length < 0 or offset + length > self.size:
            raise self.fail(f"is truncated or damaged: its {what} would lie outside of the file ({self.size} bytes)")
        if length > self._left:
            raise self.fail(f"has a header of more than {READ_LIMIT} bytes")
        self._left -= length
        data = self._read_all(offset, length)
        if len(data) != length:
            raise self.fail(f"became shorter while its {what} was read", hint="Is another program writing to it?")
        return data

    def read_up_to(self, offset: int, length: int, what: str) -> bytes:
        """Return ``length`` bytes at ``offset``, or as many as there are before the end of the file."""
        return self.read(offset, max(0, min(length, self.size - offset)), what)

    def unpack(self, layout: struct.Struct, offset: int, what: str) -> tuple[t.Any, ...]:
        return layout.unpack(self.read(offset, layout.size, what))

    def _read_all(self, offset: int, length: int) -> bytes:
        pieces = []
        try:
            while length:
                piece = os.pread(self._fd, length, offset)
                if not piece:
                    break
                pieces.append(piece)
                offset, length = offset + len(piece), length - len(piece)
        except OSError as error:
            raise ImageError(f"The image {printable(self.path)} cannot be read: {error.strerror}.") from error
        return b"".join(pieces)


@contextlib.contextmanager
def open_source(path: str) -> t.Iterator[Source]:
    """Open the image ``path`` for reading, without waiting on a FIFO and without trusting what kind of file it is.

    :raises ImageError: it is missing, unreadable, empty, or neither a regular file nor a block device.
    """
    # Looked at before and after: opening some device nodes has an effect, and the name may change in between.
    _check_kind(path, _stat(path))
    fd = _open(path)
    try:
        status = os.fstat(fd)
        _check_kind(path, status)
        source = Source(fd, path, status)
        if source.size == 0:
            raise ImageError(
                f"The image {printable(path)} is empty (0 bytes).",
                hint="Was a download or a copy cut short? A new image is made with qemu-img create.",
            )
        yield source
    finally:
        os.close(fd)


def _stat(path: str) -> os.stat_result:
    try:
        return os.stat(path)
    except (OSError, ValueError) as error:
        raise _unusable(path, error) from error


def _open(path: str) -> int:
    try:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    except (OSError, ValueError) as error:
        raise _unusable(path, error) from error


_OTHER_KINDS = (
    (stat.S_ISDIR, "a directory", "Name the image file in it."),
    (stat.S_ISFIFO, "a FIFO", "Save what it carries to a file first."),
    (stat.S_ISSOCK, "a socket", "Name an image file."),
    (stat.S_ISCHR, "a character device", "Name an image file or a block device."),
)


def _check_kind(path: str, status: os.stat_result) -> None:
    if stat.S_ISREG(status.st_mode) or stat.S_ISBLK(status.st_mode):
        return
    for test, name, hint in _OTHER_KINDS:
        if test(status.st_mode):
            raise ImageError(f"The image {printable(path)} is {name}.", hint=hint)
    raise ImageError(f"The image {printable(path)} is neither a regular file nor a block device.")


def _unusable(path: str, error: OSError | ValueError) -> ImageError:
    shown = printable(path)
    if isinstance(error, ValueError):
        return ImageError(f"The image path {shown} cannot be the name of a file.")
    details = {"errno": error.errno or 0, "errno_name": errno_name(error.errno or 0)}
    if isinstance(error, FileNotFoundError):
        target = f" (a symbolic link to {printable(os.readlink(path))})" if os.path.islink(path) else ""
        return ImageError(
            f"The image {shown}{target} does not exist.",
            hint="Paths are those of the host that the task runs on.",
            details=details,
        )
    if isinstance(error, PermissionError):
        hint = "Give the user that the task runs as access to the file and to every folder above it, or use become."
        return ImageError(f"The image {shown} may not be read by uid {os.geteuid()}.", hint=hint, details=details)
    return ImageError(f"The image {shown} cannot be opened: {error.strerror}.", details=details)


def round_up(size: int) -> int:
    """Return ``size`` bytes in whole sectors, as QEMU counts a disk."""
    return -(-size // SECTOR) * SECTOR


def text(name: bytes) -> str:
    """Return a file name from a header as Python knows file names (undecodable bytes as surrogates)."""
    return os.fsdecode(name)
