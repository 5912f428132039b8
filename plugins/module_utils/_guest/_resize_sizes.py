# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""Sizes as the user writes them, and the size an image gets.

Pure, so that the new size is known before anything is started.
"""

from __future__ import annotations

import re
import typing as t
from fractions import Fraction

from .._errors import OptionError, printable

SECTOR = 512
MAX_SIZE = 1 << 50
GROWABLE_FORMATS = ("raw", "qcow2")

_SIZE = re.compile(r"(?P<plus>\+?)(?P<number>[0-9]{1,20}(?:\.[0-9]{1,9})?) ?(?P<unit>[A-Za-z]{0,3})")
_UNITS: t.Mapping[str, int] = {
    "": 1,
    "b": 1,
    **{letter: 1024**power for power, letter in enumerate("kmgtp", 1)},
    **{letter + "ib": 1024**power for power, letter in enumerate("kmgtp", 1)},
}
_AMBIGUOUS = ("kb", "mb", "gb", "tb", "pb")
_HINT = "Write a number with K, M, G or T (powers of 1024) or a plain number of bytes, as in 20G or +512M."


def target_size(current: int, size: str | None) -> int:
    """Return the virtual size in bytes that an image of ``current`` bytes gets when the user asks for ``size``.

    ``20G`` is that size, ``+5G`` is that much more than ``current``, and None or an empty text keeps ``current``. The
    result is rounded up to whole sectors of 512 bytes, which is what QEMU can address and what ``qemu-img`` does too.

    :raises OptionError: the text is no size, asks for less than ``current``, or for more than 1 PiB.
    """
    if not size:
        return current
    relative, amount = _parse(size)
    wanted = _whole_sectors(current + amount if relative else amount)
    if wanted > MAX_SIZE:
        raise OptionError(f"The size '{printable(size)}' is more than 1 PiB.", hint="Is the unit right?")
    if wanted < current:
        raise OptionError(
            f"The image has {human(current)} and size asks for {human(wanted)}: shrinking is not supported.",
            hint="It would lose what lies beyond the new end. Leave size out to fill the image's present size.",
        )
    return wanted


def require_growable(image_format: str, current: int, target: int) -> None:
    """Refuse to grow an image whose format cannot be grown in place.

    ``qemu-img commit`` grows a base that is smaller than its overlay, for which the format's driver has to be able to
    truncate. QEMU's vmdk, vdi, vhdx and vpc drivers are not ("Image format driver does not support resize").

    :raises OptionError: ``target`` is more than ``current`` and the format is neither raw nor qcow2.
    """
    if target > current and image_format not in GROWABLE_FORMATS:
        raise OptionError(
            f"An image of the format {printable(image_format)} cannot be grown in place.",
            hint=f"Convert it first: qemu-img convert -f {printable(image_format)} -O qcow2 OLD NEW.",
        )


def human(size: int) -> str:
    """Return ``size`` for people: ``20 GiB``, ``1.5 MiB``, or ``1.5 MiB (1572865 B)`` where that is not exact."""
    for power, unit in ((1 << 40, "TiB"), (1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")):
        if size >= power:
            whole, rest = divmod(size * 10, power)
            return f"{whole / 10:g} {unit}" + ("" if not rest else f" ({size} B)")
    return f"{size} B"


def _parse(size: str) -> tuple[bool, int]:
    match = _SIZE.fullmatch(size.strip())
    unit = match.group("unit").lower() if match else ""
    if unit in _AMBIGUOUS:
        raise OptionError(
            f"The size '{printable(size)}' may mean powers of 1000 or of 1024.",
            hint=f"Write {unit[0].upper()} or {unit[0].upper()}iB for powers of 1024, or a plain number of bytes.",
        )
    if not match or unit not in _UNITS:
        raise OptionError(f"'{printable(size)}' is not a size.", hint=_HINT)
    amount = Fraction(match.group("number")) * _UNITS[unit]
    if not amount or (_UNITS[unit] == 1 and amount.denominator != 1):
        raise OptionError(f"'{printable(size)}' is not a size of one byte or more.", hint=_HINT)
    return bool(match.group("plus")), -int(-amount // 1)


def _whole_sectors(size: int) -> int:
    return -(-size // SECTOR) * SECTOR
