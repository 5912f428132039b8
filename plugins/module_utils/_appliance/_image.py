# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""The image a task works on, as the user states it."""

from __future__ import annotations

import os
import typing as t
from dataclasses import dataclass

from .._errors import OptionError, printable

Format = t.Literal["raw", "qcow2", "vmdk", "vdi", "vhdx", "vpc"]

FORMATS: tuple[Format, ...] = ("raw", "qcow2", "vmdk", "vdi", "vhdx", "vpc")
DEPTH_LIMIT = 16
"""How many images a chain may have."""


@dataclass(frozen=True)
class Image:
    """An image file, its stated format, and the image below it where the user declares one.

    :param path: absolute, symbolic links resolved (:meth:`from_params` sees to that).
    """

    path: str
    format: Format
    backing: Image | None = None

    @classmethod
    def from_params(cls, params: t.Mapping[str, t.Any]) -> Image:
        """Return the image that the options ``image``, ``format`` and ``backing`` (the same three again) describe.

        Other keys are ignored. A relative path is relative to the working directory, as everywhere in Ansible.

        :raises OptionError: an option is missing or cannot be meant.
        """
        chain: list[tuple[str, Format]] = []
        following: t.Mapping[str, t.Any] | None = params
        while following:
            if len(chain) == DEPTH_LIMIT:
                raise OptionError(f"The chain of backing images is deeper than {DEPTH_LIMIT}.")
            chain.append((_path_option(following), _format_option(following)))
            following = _backing_option(following)
        image: Image | None = None
        for path, format_name in reversed(chain):
            image = cls(path, format_name, image)
        if image is None:
            raise OptionError("image is required: the path of the disk image.")
        return image

    @property
    def chain(self) -> tuple[Image, ...]:
        """This image, the one below it, and so on."""
        found: list[Image] = []
        image: Image | None = self
        while image is not None:
            found.append(image)
            image = image.backing
        return tuple(found)


# Options


def _path_option(params: t.Mapping[str, t.Any]) -> str:
    value = params.get("image")
    if not isinstance(value, str) or not value:
        raise OptionError("image is required, for a backing image too: the path of the disk image.")
    if "\0" in value:
        raise OptionError(f"{printable(value)} cannot be the name of an image file.")
    resolved = os.path.realpath(value)
    # A link that leads nowhere keeps its own name, for an error that the user recognises.
    return resolved if os.path.exists(resolved) else os.path.abspath(value)


def _format_option(params: t.Mapping[str, t.Any]) -> Format:
    value = params.get("format")
    if value not in FORMATS:
        given = f"{printable(str(value))} is not an image format" if value else "format is required"
        raise OptionError(
            f"{given}, for {printable(str(params.get('image')))}: one of {', '.join(FORMATS)}.",
            hint="It is never guessed from the file, because a guest can write what a guess would go by.",
        )
    return t.cast(Format, value)


def _backing_option(params: t.Mapping[str, t.Any]) -> t.Mapping[str, t.Any] | None:
    value = params.get("backing")
    if value is not None and not isinstance(value, t.Mapping):
        raise OptionError("backing must be a dictionary with image and format.")
    return value or None
