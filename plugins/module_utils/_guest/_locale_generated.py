# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""Which locales a guest has: those in its locale archive, those in folders, and those that need neither."""

from __future__ import annotations

import re
import struct
import typing as t

from .._errors import GuestError, printable

if t.TYPE_CHECKING:
    from ._guest import Guest

ARCHIVE = "/usr/lib/locale/locale-archive"
FOLDER = "/usr/lib/locale"
LOCALE_GEN = "/etc/locale.gen"
#: glibc has these in itself: C.UTF-8 since 2.35, and distributions long before that.
BUILT_IN = frozenset({"C", "POSIX", "C.utf8"})
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z0-9-]+)?(@[A-Za-z0-9]+)?")
# struct locarhead in glibc's locale/locarchive.h: magic, serial, offset, used and size of the hash table of names, the
# same of the strings, and more.
_HEADER = struct.Struct("<8I")
_MAGIC = 0xDE020109
_MAX_STRINGS = 1024 * 1024


def is_locale(name: str) -> bool:
    """Whether this can be the name of a locale."""
    return len(name) <= 64 and _NAME.fullmatch(name) is not None


def normalized(name: str) -> str:
    """Return a locale's name as glibc stores it, with the codeset in lower case without hyphens: ``de_DE.utf8``."""
    match = re.fullmatch(r"([^.@]*)(?:\.([^@]*))?(@.*)?", name)
    if match is None or match[2] is None:
        return name
    return f"{match[1]}.{match[2].replace('-', '').lower()}{match[3] or ''}"


def has_locale(guest: Guest, name: str) -> bool:
    """Whether a guest has a locale; musl's (Alpine) has them all, for it takes any name."""
    wanted = normalized(name)
    if wanted in BUILT_IN or guest.os.distro == "alpinelinux":
        return True
    found = guest.files.lstat(guest.files.resolve(FOLDER))
    names = guest.files.list_dir(FOLDER) if found is not None and found.kind == "directory" else []
    return wanted in map(normalized, names) or wanted.encode() in archived(guest)


def archived(guest: Guest) -> frozenset[bytes]:
    """Return the names in the locale archive, which may have 200 MiB: of its bytes, only those of the names are read.

    What is no archive, or a damaged one, has none.
    """
    target = guest.files.resolve(ARCHIVE)
    found = guest.files.lstat(target)
    if found is None or found.kind != "file" or found.size < _HEADER.size:
        return frozenset()
    header = guest.calls.pread(target, _HEADER.size, 0)
    if len(header) < _HEADER.size:
        return frozenset()
    magic, _serial, _hashes, _used_hashes, _size, start, used, _room = _HEADER.unpack(header)
    if magic != _MAGIC or used > _MAX_STRINGS or start + used > found.size:
        return frozenset()
    return frozenset(guest.calls.pread(target, used, start).split(b"\0")) if used else frozenset()


def enabled_in_locale_gen(content: bytes, name: str) -> bytes:
    """Return /etc/locale.gen with a locale's line uncommented, or added (locale.gen(5)).

    :raises GuestError: there is no such line, and the name does not say the character set.
    """
    text = content.decode("utf-8", "surrogateescape")
    lines = text.split("\n")
    line = re.compile(rf"(?P<mark>[ \t]*#[# \t]*)?(?P<name>{re.escape(name)})[ \t]+[A-Za-z0-9_.-]+[ \t]*\r?")
    matches = [line.fullmatch(candidate) for candidate in lines]
    if any(match is not None and match["mark"] is None for match in matches):
        return content
    for number, match in enumerate(matches):
        if match is not None:
            lines[number] = lines[number][match.start("name") :]
            return "\n".join(lines).encode("utf-8", "surrogateescape")
    if not normalized(name).partition("@")[0].endswith(".utf8"):
        raise GuestError(
            f"{LOCALE_GEN} of the guest has no line for the locale '{printable(name)}', whose character set is unknown."
        )
    end = "" if not text or text.endswith("\n") else "\n"
    return f"{text}{end}{name} UTF-8\n".encode("utf-8", "surrogateescape")
