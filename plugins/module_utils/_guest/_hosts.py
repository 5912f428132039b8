# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""The names of a machine in its own /etc/hosts."""

from __future__ import annotations

import re
import typing as t

from ._assignments import decoded, encoded

# Where Debian has a machine's own name: "The host name resolution" in the Debian Reference, section 5.1.1.
OWN_ADDRESS = "127.0.1.1"
_LINE = re.compile(r"(?P<address>[ \t]*[^#\s]+)(?P<names>(?:[ \t]+[^#\s]+)+)(?P<rest>.*)", re.DOTALL)
_NAME = re.compile(r"([ \t]+)([^#\s]+)")


def short(name: str) -> str:
    """Return a host name without its domain."""
    return name.partition(".")[0]


def rename_host(content: bytes, old: str, new: str, *, own_line: bool) -> bytes:
    """Return /etc/hosts with a machine's old name replaced, as whole words.

    The short form is replaced by the short form; the full one by the full one, and keeps its domain where the new name
    has none. Where the new name is a full one, it comes first. ``localhost`` in any form stays. No other line changes.

    :param old: empty where it is not known.
    :param own_line: as in Debian, the name has to be there: it goes to the line of 127.0.1.1, made if it is missing.
    """
    lines = decoded(content).split("\n")
    if old != new and short(old).lower() not in ("", "localhost"):
        lines = [_renamed(line, old, new) for line in lines]
    if own_line and not any(new.lower() in _names(line) for line in lines):
        lines = _with_own_line(lines, new)
    return encoded("\n".join(lines))


def _names(line: str) -> list[str]:
    match = _LINE.match(line)
    return [name.lower() for name in match["names"].split()] if match else []


def _renamed(line: str, old: str, new: str) -> str:
    match = _LINE.match(line)
    if match is None:
        return line
    own = match["address"].strip() == OWN_ADDRESS
    fields = _NAME.findall(match["names"])
    names = [_new_name(name, old, new, own=own) for _space, name in fields]
    if all(name is None for name in names):
        return line
    spaces = [space for space, _name in fields]
    return match["address"] + _joined(spaces, [name for _space, name in fields], names, new) + match["rest"]


def _joined(spaces: t.Sequence[str], before: t.Sequence[str], names: t.Sequence[str | None], new: str) -> str:
    """Write the names of a line, each once, the full name before the short one."""
    kept = {name.lower() for name, changed in zip(before, names) if changed is None}
    done: list[str] = []
    for space, name, changed in zip(spaces, before, names):
        if changed is None:
            done.append(space + name)
            continue
        wanted = [new, changed] if "." in new and "." not in changed else [changed]
        for item in wanted:
            if item.lower() not in kept:
                kept.add(item.lower())
                done.append(space + item)
    return "".join(done)


def _new_name(name: str, old: str, new: str, *, own: bool) -> str | None:
    """Return what a name becomes; None where it is not the machine's."""
    lower, stem = name.lower(), short(old).lower()
    if lower not in (old.lower(), stem) and not (own and lower.startswith(f"{stem}.")):
        return None
    if "." not in name:
        return short(new)
    return new if "." in new else new + name[name.index(".") :]


def _with_own_line(lines: list[str], new: str) -> list[str]:
    names = [new, short(new)] if "." in new else [new]
    for number, line in enumerate(lines):
        match = _LINE.match(line)
        if match is not None and match["address"].strip() == OWN_ADDRESS:
            space = _NAME.findall(match["names"])[0][0]
            start = match.end("address")
            added = "".join(space + name for name in names if name.lower() not in _names(line))
            return [*lines[:number], line[:start] + added + line[start:], *lines[number + 1 :]]
    at = max((number + 1 for number, line in enumerate(lines) if line.startswith("127.0.0.1")), default=0)
    end = "\r" if lines[0].endswith("\r") else ""
    return [*lines[:at], "\t".join([OWN_ADDRESS, *names]) + end, *lines[at:]]
