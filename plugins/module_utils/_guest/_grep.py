# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""Whether a file of the guest contains something, read piece by piece as Python reads a file of the host."""

from __future__ import annotations

import codecs
import dataclasses
import io
import re
import typing as t

from .._errors import GuestError, OptionError, printable
from ._files import CHUNK, GuestFiles

if t.TYPE_CHECKING:
    from ._paths import GuestPath


@dataclasses.dataclass(frozen=True)
class Pattern:
    """What to look for.

    :param whole_file: anywhere in the file as one text; otherwise at the beginning of a line.
    :param max_size: the largest file to look into, in bytes.
    """

    regex: re.Pattern[str]
    encoding: str
    whole_file: bool
    max_size: int

    @classmethod
    def of(cls, pattern: str, *, encoding: str | None, whole_file: bool, max_size: int) -> Pattern:
        """Compile a user's pattern; the encoding is UTF-8 unless given, whatever the host's is.

        :raises OptionError: it is no regular expression, or there is no such encoding of text.
        """
        try:
            regex = re.compile(pattern)
        except (re.error, OverflowError) as exc:
            raise OptionError(f"contains: '{printable(pattern)}' is not a valid regular expression: {exc}.") from exc
        name = encoding or "utf-8"
        try:
            codecs.lookup(name)
            io.TextIOWrapper(io.BytesIO(), encoding=name)
        except LookupError as exc:
            raise OptionError(f"encoding: there is no encoding '{printable(name)}' of text.") from exc
        return cls(regex, name, whole_file, max_size)


def contains(files: GuestFiles, path: GuestPath, size: int, pattern: Pattern) -> bool:
    """Whether a regular file contains it.

    :raises GuestError: the file is larger than allowed, or not in the encoding.
    """
    if size > pattern.max_size:
        raise GuestError(f"it has {size} bytes, more than the {pattern.max_size} that max_size allows")
    raw = io.BufferedReader(_Content(files, path, size), CHUNK)
    try:
        with io.TextIOWrapper(raw, encoding=pattern.encoding) as stream:
            if pattern.whole_file:
                return bool(pattern.regex.search(stream.read()))
            return any(pattern.regex.match(line) for line in stream)
    except UnicodeError as exc:
        raise GuestError(
            f"Failed to read the file due to an encoding error. current encoding: {pattern.encoding}"
        ) from exc


class _Content(io.RawIOBase):
    """The content of a regular file as a stream of the host's."""

    def __init__(self, files: GuestFiles, path: GuestPath, size: int) -> None:
        super().__init__()
        self._files = files
        self._path = path
        self._size = size
        self._done = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: t.Any) -> int:
        wanted = min(len(buffer), self._size - self._done)
        part = self._files.read_part(self._path, self._done, wanted) if wanted > 0 else b""
        buffer[: len(part)] = part
        self._done += len(part)
        return len(part)
