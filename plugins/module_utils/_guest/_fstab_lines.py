# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""Entries of fstab(5), set and removed as ansible.posix.mount does it, in bytes.

Lines that are no entries, comments among them, and the entries of other mount points stay byte for byte. Where the
module of ansible.posix 2.1 would do harm, this does otherwise:

- Entries are compared with their octal escapes decoded, so ``/mnt/a&b`` is found although the module writes ``&`` as
  ``\\046``, and gets no second entry.
- A ``#`` begins a comment only at the beginning of a field, as fstab(5) has none within one: ``sshfs#host:/dir``.
- Entries that leave out the last two fields, which fstab(5) allows, are removed as well.
- Tabs and line ends in a value are escaped, and so is a ``#`` at its beginning.
"""

from __future__ import annotations

import dataclasses
import re

from .._errors import OptionError
from ._edited import encoded

_ESCAPE = re.compile(rb"\\([0-3][0-7]{2})")
_ESCAPED = {b"\\": b"\\134", b" ": b"\\040", b"&": b"\\046", b"\t": b"\\011", b"\n": b"\\012", b"\r": b"\\015"}


@dataclasses.dataclass(frozen=True)
class Mount:
    """One entry; nothing in it is escaped."""

    src: str
    path: str
    fstype: str
    opts: str
    dump: str
    passno: str

    def fields(self) -> tuple[bytes, ...]:
        """The fields in their order.

        :raises OptionError: one is empty or holds a NUL byte.
        """
        fields = dataclasses.asdict(self)
        for name, value in fields.items():
            if not value or "\0" in value:
                raise OptionError(f"{name}: it is empty or holds a NUL byte, which an entry of fstab cannot have.")
        return tuple(encoded(value) for value in fields.values())


def with_mount(content: bytes, mount: Mount) -> bytes:
    """Return the content with the entry: changed where one is there for its mount point, else added at the end.

    :raises OptionError: the entry cannot be written.
    """
    wanted = mount.fields()
    lines = _lines(content)
    found = [_is_of(line, wanted[1], wanted[0]) for line in lines]
    new = b" ".join(_escaped(field) for field in wanted)
    if not any(found):
        return _joined([*lines, new])
    differs = False
    for index, line in enumerate(lines):
        # After the first that differs the module writes every entry of the mount point anew.
        differs = differs or (found[index] and _fields(line) != list(wanted))
        if found[index] and differs:
            lines[index] = new
    return _joined(lines) if differs else content


def without_mount(content: bytes, path: str, src: str | None) -> bytes:
    """Return the content without the entries of a mount point; of swap space, of which ``src`` says, if it is given."""
    lines = re.findall(rb"[^\n]*\n|[^\n]+", content)  # splitlines() would end one at a CR as well
    gone = encoded(path), None if src is None else encoded(src)
    return b"".join(line for line in lines if not _is_of(line, *gone))


def _lines(content: bytes) -> list[bytes]:
    lines = content.split(b"\n")
    return lines if lines[-1] else lines[:-1]


def _joined(lines: list[bytes]) -> bytes:
    return b"".join(line + b"\n" for line in lines)


def _is_of(line: bytes, path: bytes, src: bytes | None) -> bool:
    """Whether the line is the entry of the mount point; all swap spaces have the same, so there the source counts."""
    fields = _fields(line)
    if not fields or fields[1] != path:
        return False
    is_other_swap = path == b"none" and fields[2] == b"swap" and src is not None and fields[0] != src
    return not is_other_swap


def _fields(line: bytes) -> list[bytes]:
    """Return the fields of an entry, decoded; none where the line is no entry."""
    fields: list[bytes] = []
    for field in re.findall(rb"[^ \t\r\n]+", line):
        if field.startswith(b"#"):
            break
        fields.append(_ESCAPE.sub(lambda match: bytes([int(match[1], 8)]), field))
    return fields if 4 <= len(fields) <= 6 else []


def _escaped(field: bytes) -> bytes:
    written = b"".join(_ESCAPED.get(field[index : index + 1], field[index : index + 1]) for index in range(len(field)))
    return b"\\043" + written[1:] if written.startswith(b"#") else written
