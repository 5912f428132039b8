# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""The kernel's command line as text: which arguments are in it, and how it is changed without touching the others.

A boot loader's configuration may have it in several pieces (two variables of GRUB's defaults, several ``options`` lines
of an entry), which the kernel gets as one line. Blanks, quotes and continued lines stay as they are.
"""

from __future__ import annotations

import dataclasses
import re
import typing as t

from .._errors import GuestError, OptionError, printable

_BLANK = r"(?:\s|\\\r?\n)+"
# An argument: bare, escaped and quoted parts. A quote that nobody closes is a character like any other.
_TOKEN = re.compile(r'(?:\\(?!\r?\n).|"[^"\n]*"|[^\s\\"]|"|\\$)+', re.DOTALL)
_ARGUMENT = re.compile(r"[^\s\"'\\$`\x00-\x1f\x7f]{1,512}")
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.\-]*")

GRUBENV_SIZE = 1024
_GRUBENV_HEAD = b"# GRUB Environment Block\n"


@dataclasses.dataclass(frozen=True)
class Wanted:
    """What is to be there, or not to be there.

    :param args: whole arguments.
    :param name: with ``present``, other arguments of this name go; with ``absent`` and no ``args``, all of it.
    """

    args: tuple[str, ...]
    is_present: bool
    name: str | None = None

    def is_unwanted(self, token: str) -> bool:
        """Whether an argument is to go."""
        if self.is_present:
            is_other = not any(same(token, arg) for arg in self.args)
            return self.name is not None and name_of(token) == name_of(self.name) and is_other
        if self.name is not None and not self.args:
            return name_of(token) == name_of(self.name)
        return any(same(token, arg) for arg in self.args)


def parse_wanted(args: t.Sequence[str] | None, name: str | None, value: str | None, *, is_present: bool) -> Wanted:
    """Return what the options of the module mean.

    :raises OptionError: there is no argument, or one that no boot loader's files can hold as it is.
    """
    if name is not None:
        if not _NAME.fullmatch(name):
            raise OptionError(f"name: '{printable(name)}' is not the name of a kernel argument.")
        argument = name if value is None else f"{name}={value}"
        given: tuple[str, ...] = () if value is None and not is_present else (argument,)
        return Wanted(tuple(checked(item) for item in given), is_present, name)
    if not args:
        raise OptionError("args: the list is empty.")
    return Wanted(tuple(dict.fromkeys(checked(arg) for arg in args)), is_present)


def checked(argument: str) -> str:
    """Return a kernel argument.

    :raises OptionError: it is none, or holds what the shell and GRUB would read as something else.
    """
    if not _ARGUMENT.fullmatch(argument):
        raise OptionError(
            f"'{printable(argument)}' cannot be a kernel argument here.",
            hint="Give each argument by itself, without blanks, quotes, backslashes, '$' and '`', which shells read.",
        )
    return argument


def name_of(argument: str) -> str:
    """Return an argument's name; to the kernel '-' and '_' are the same in it (parameqn() in kernel/params.c)."""
    return argument.partition("=")[0].replace("-", "_")


def same(one: str, other: str) -> bool:
    """Whether two arguments are the same to the kernel."""
    return name_of(one) == name_of(other) and one.partition("=")[1:] == other.partition("=")[1:]


def tokens(piece: str) -> list[str]:
    """Return the arguments of a piece of a command line."""
    return [match.group() for match in _TOKEN.finditer(piece)]


def edit_pieces(pieces: t.Sequence[str], wanted: Wanted, *, add_to: int) -> list[str]:
    """Return the pieces of one command line changed as wanted.

    :param add_to: the piece that gets what is missing, at its end.
    """
    result = [_without(piece, wanted) for piece in pieces]
    if not wanted.is_present:
        return result
    there = [token for piece in result for token in tokens(piece)]
    missing = [arg for arg in wanted.args if not any(same(arg, token) for token in there)]
    if missing:
        result[add_to] = _with(result[add_to], missing)
    return result


def _without(piece: str, wanted: Wanted) -> str:
    found = list(_TOKEN.finditer(piece))
    for number in range(len(found) - 1, -1, -1):
        if not wanted.is_unwanted(found[number].group()):
            continue
        begin, end = found[number].span()
        if number + 1 < len(found):  # the blanks after it go too
            end = found[number + 1].start()
        elif number:
            begin = found[number - 1].end()
        piece = piece[:begin] + piece[end:]
        found = list(_TOKEN.finditer(piece))
    return piece


def _with(piece: str, missing: t.Sequence[str]) -> str:
    found = list(_TOKEN.finditer(piece))
    added = " ".join(missing)
    if not found:
        return piece + added
    end = found[-1].end()
    return f"{piece[:end]} {added}{piece[end:]}"


def edit_entry(content: str, wanted: Wanted) -> str:
    """Return a Boot Loader Specification entry changed as wanted (its ``options`` lines are one command line).

    What is missing is not added where a line has ``$kernelopts``, which GRUB's environment block holds.
    """
    lines = content.split("\n")
    at = [number for number, line in enumerate(lines) if re.match(r"options[ \t]", line)]
    if not at:
        return _entry_with_options(lines, wanted)
    prefixes = [t.cast("re.Match[str]", re.match(r"options[ \t]+", lines[number])).group() for number in at]
    pieces = [lines[number][len(prefix) :] for number, prefix in zip(at, prefixes)]
    if has_kernelopts(content):
        changed = [_without(piece, wanted) for piece in pieces]
    else:
        changed = edit_pieces(pieces, wanted, add_to=len(pieces) - 1)
    for number, prefix, piece in zip(at, prefixes, changed):
        lines[number] = prefix + piece
    return "\n".join(lines)


def _entry_with_options(lines: list[str], wanted: Wanted) -> str:
    kernels = [number for number, line in enumerate(lines) if re.match(r"(linux|efi|uki)[ \t]", line)]
    if kernels and wanted.is_present:
        lines = [*lines[: kernels[-1] + 1], f"options {' '.join(wanted.args)}", *lines[kernels[-1] + 1 :]]
    return "\n".join(lines)


def has_kernelopts(content: str) -> bool:
    """Whether an entry takes its command line from GRUB's environment block, as in RHEL 8."""
    return any("$kernelopts" in tokens(line) for line in content.split("\n") if re.match(r"options[ \t]", line))


def edit_grubenv(content: bytes, wanted: Wanted) -> bytes:
    """Return GRUB's environment block with the variable ``kernelopts`` changed as wanted.

    It is 1024 bytes, whatever is in it, and ends in a padding of ``#``, because GRUB itself writes to its blocks on the
    disk (GRUB manual, "The GRUB environment block").

    :raises GuestError: it is no such block, has no ``kernelopts``, or has no room for more.
    """
    if len(content) != GRUBENV_SIZE or not content.startswith(_GRUBENV_HEAD):
        raise GuestError("The environment block of GRUB in the guest (grubenv) is damaged.")
    lines = content.rstrip(b"#").split(b"\n")
    at = [number for number, line in enumerate(lines) if line.startswith(b"kernelopts=")]
    if not at:
        raise GuestError(
            "The boot entries of the guest have $kernelopts, but GRUB's environment block (grubenv) has it not.",
            hint="Boot the guest once and run grub2-mkconfig there, which writes it.",
        )
    before = lines[at[-1]][len(b"kernelopts=") :].decode("utf-8", "surrogateescape")
    after = edit_pieces([before], wanted, add_to=0)[0]
    lines[at[-1]] = b"kernelopts=" + after.encode("utf-8", "surrogateescape")
    used = b"\n".join(lines)
    if len(used) > GRUBENV_SIZE:
        raise GuestError(f"The kernel's command line does not fit into the {GRUBENV_SIZE} bytes of grubenv.")
    return used.ljust(GRUBENV_SIZE, b"#")
