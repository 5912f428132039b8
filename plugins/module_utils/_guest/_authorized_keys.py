# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""The lines of an authorized_keys file (sshd(8), "AUTHORIZED_KEYS FILE FORMAT"): pure functions from bytes to bytes.

A line that is no key, or one that nobody asked about, stays as it is.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import re
import typing as t

from .._errors import OptionError, printable

_TYPE = re.compile(r"(?:ssh|ecdsa|sk|webauthn)-[A-Za-z0-9@.+-]{1,80}\Z")
_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}\Z")
# The options end at the first space or tab outside of double quotes, in which a backslash escapes a quote. Nothing may
# be anchored behind these patterns: only so they take linear time.
_QUOTED = r'"[^"\\]*(?:\\.[^"\\]*)*"'
_OPTIONS = re.compile(rf'(?:[^\s"]+|{_QUOTED})+')
_OPTION = re.compile(rf'(?:[^,"]+|{_QUOTED})+')


@dataclasses.dataclass(frozen=True)
class Key:
    """One key. ``blob``, the base64 text, is what makes it this key and no other."""

    type: str
    blob: str
    options: str = ""
    comment: str = ""

    @classmethod
    def parse(cls, line: str) -> Key | None:
        """Read a line; None for a comment, an empty line and what is no key."""
        text = line.strip(" \t\r")
        options = ""
        if not _TYPE.match(re.split(r"[ \t]", text, maxsplit=1)[0]):
            found = _OPTIONS.match(text)
            if found is None or text.startswith("#"):
                return None
            options, text = found[0], text[found.end() :].lstrip(" \t")
        words = re.split(r"[ \t]+", text, maxsplit=2)
        if len(words) < 2 or not _TYPE.match(words[0]) or not _BASE64.match(words[1]):
            return None
        return cls(words[0], words[1], options, words[2] if len(words) > 2 else "")

    def format(self) -> str:
        """Return the line, without its end."""
        return " ".join(part for part in (self.options, self.type, self.blob, self.comment) if part)

    def is_same(self, other: Key) -> bool:
        """Whether both say the same; the order of the options does not matter."""
        return (self.type, self.blob, self.comment) == (other.type, other.blob, other.comment) and sorted(
            _options(self.options)
        ) == sorted(_options(other.options))


def _options(text: str) -> t.Iterator[str]:
    for option in _OPTION.findall(text):
        name, equals, value = option.partition("=")
        yield f"{name.lower()}{equals}{value}"


def parse_keys(text: str, *, options: str | None, comment: str | None) -> dict[str, Key]:
    """Read the keys that a task names, a line each, by their blobs.

    :param options: what every key gets instead of its own options; so ``comment``.
    :raises OptionError: there is none, one of them is damaged, or the text is an address.
    """
    if text.startswith("http"):
        raise OptionError(
            "key: an address is not fetched where the images are.",
            hint="Fetch it where the playbook runs, with lookup('ansible.builtin.url', address, split_lines=false).",
        )
    _check(options, comment)
    keys: dict[str, Key] = {}
    for line in text.splitlines():
        if line.strip() and not line.lstrip().startswith("#"):
            key = _given(line)
            key = dataclasses.replace(key, options=key.options if options is None else options)
            keys[key.blob] = dataclasses.replace(key, comment=key.comment if comment is None else comment.strip())
    if not keys:
        raise OptionError("key: there is no key in it.")
    return keys


def _check(options: str | None, comment: str | None) -> None:
    if comment is not None and re.search(r"[\r\n\0]", comment):
        raise OptionError("comment: it has a line break.")
    found = _OPTIONS.match(options or "")
    if options and (found is None or found.end() < len(options)):
        raise OptionError(
            f"key_options: '{printable(options)}' cannot be the options of a key.",
            hint="Separate them by commas only, and put a value with spaces in double quotes.",
        )


def _given(line: str) -> Key:
    key = Key.parse(line)
    if key is None or "\0" in line or not _is_whole(key):
        raise OptionError(f"key: '{printable(line, limit=60)}' is no public key of SSH, or is cut off.")
    return key


def _is_whole(key: Key) -> bool:
    """Whether the blob is base64 and begins with the key's type, as RFC 4253 section 6.6 has it."""
    try:
        raw = base64.b64decode(key.blob, validate=True)
    except (binascii.Error, ValueError):
        return False
    size = int.from_bytes(raw[:4], "big")
    return raw[4 : 4 + size] == key.type.encode() and len(raw) > 4 + size


def with_keys(content: bytes, keys: t.Mapping[str, Key], *, exclusive: bool) -> bytes:
    """Return the file with every key in it, once, as it is to be.

    A key that is there with other options or another comment is changed in its place.

    :param exclusive: remove whatever else may be a key, so all but comments and empty lines.
    """
    lines: list[str] = []
    seen: set[str] = set()
    for line in _lines(content):
        key = Key.parse(line)
        wanted = keys.get(key.blob) if key else None
        if key is None or wanted is None:
            if not exclusive or not line.strip() or line.lstrip().startswith("#"):
                lines.append(line)
        elif key.blob not in seen:
            lines.append(line if key.is_same(wanted) else wanted.format())
            seen.add(key.blob)
    lines += [key.format() for blob, key in keys.items() if blob not in seen]
    return _content(lines, content)


def without_keys(content: bytes, keys: t.Mapping[str, Key]) -> bytes:
    """Return the file without these keys, whatever their options are there."""
    parsed = ((line, Key.parse(line)) for line in _lines(content))
    return _content([line for line, key in parsed if key is None or key.blob not in keys], content)


def _lines(content: bytes) -> list[str]:
    lines = content.decode("utf-8", "surrogateescape").split("\n")
    return lines[:-1] if lines[-1] == "" else lines


def _content(lines: list[str], before: bytes) -> bytes:
    """Join the lines; where they are the same as before, so is a missing end of the last."""
    if lines == _lines(before):
        return before
    return "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape")
