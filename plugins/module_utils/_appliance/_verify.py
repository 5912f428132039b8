# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""The check that an image is what the user says it is.

:func:`verify` comes before QEMU, ``qemu-img`` or libguestfs see the image (design promise 1). Whatever a header names
beyond the image itself has to be declared by the user; of all that a header can name, only the backing file of a qcow2
image can be.
"""

from __future__ import annotations

import os
import re
import typing as t
from dataclasses import dataclass

from .._errors import HeaderError, ImageBusyError, ImageError, OptionError, printable
from ._header import read_source
from ._header_base import Header, Identity, Reference, Source, open_source
from ._image import DEPTH_LIMIT, Image


@dataclass(frozen=True)
class Link:
    """One verified image of a chain."""

    image: Image
    header: Header
    identity: Identity


@dataclass(frozen=True)
class VerifiedImage:
    """An image whose every link is what the user says it is, at the time it was looked at.

    :param chain: the image itself first, then what is below it.
    """

    chain: tuple[Link, ...]

    @property
    def image(self) -> Image:
        return self.chain[0].image

    @property
    def virtual_size(self) -> int:
        """The size of the disk in bytes, as QEMU will present it."""
        return self.chain[0].header.virtual_size

    @property
    def identities(self) -> tuple[Identity, ...]:
        """What tells the files of the chain from any others, and from themselves after a write."""
        return tuple(link.identity for link in self.chain)

    @property
    def write_refused(self) -> str:
        """Why a commit into this image would fail; empty when it would not."""
        return self.chain[0].header.write_refused

    @property
    def grow_refused(self) -> str:
        """Why a commit of a larger disk into this image would fail; empty when it would not."""
        return self.write_refused or self.chain[0].header.grow_refused

    @property
    def warnings(self) -> tuple[str, ...]:
        return tuple(warning for link in self.chain for warning in link.header.warnings)


def verify(image: Image, *, recovering: bool = False) -> VerifiedImage:
    """Check every link of the chain: its header agrees with the stated format and names nothing undeclared.

    :param recovering: the image itself is about to be written to by a recovery, so it may be in a state in which QEMU
        opens it for writing only.
    :raises HeaderError: a header is damaged, contradicts its stated format, or names a file that is not declared.
    :raises ImageError: a file is missing, unreadable, empty or no file, or the chain has a loop.
    :raises OptionError: a stated format is unknown, or the chain is too deep.
    """
    if len(image.chain) > DEPTH_LIMIT:
        raise OptionError(f"The chain of backing images is deeper than {DEPTH_LIMIT}.")
    links: list[Link] = []
    for member in image.chain:
        with open_source(member.path) as source:
            _refuse_loop(source, links)
            header = read_source(source, member.format)
            _refuse_references(source, header)
            if header.read_refused and not (recovering and not links):
                raise source.fail(
                    f"cannot be read: {header.read_refused}", hint="Shut down what uses the image before that."
                )
            _check_backing(source, member, header)
            links.append(Link(member, header, source.identity))
    return VerifiedImage(tuple(links))


def same_file(image: Image, identities: t.Sequence[Identity]) -> None:
    """Check that no file of the chain was replaced or written to since :func:`verify`; to be called before a commit.

    :param identities: :attr:`VerifiedImage.identities` of then.
    :raises ImageError: a path leads to another file now, or to none.
    :raises ImageBusyError: a file was written to meanwhile.
    """
    for link, then in zip(image.chain, identities):
        with open_source(link.path) as source:
            now = source.identity
        shown = printable(link.path)
        if (now.device, now.inode) != (then.device, then.inode):
            raise ImageError(
                f"The image {shown} was replaced by another file while it was worked on.",
                hint="Nothing was written to either of the two. Run the task again.",
            )
        if now != then:
            raise ImageBusyError(
                f"The image {shown} was changed by another program while it was worked on.",
                hint="Nothing was written to it. Find out what uses it (lsof FILE), stop that, and run the task again.",
            )


# Judging one link


def _refuse_loop(source: Source, links: t.Sequence[Link]) -> None:
    for link in links:
        if (link.identity.device, link.identity.inode) == (source.identity.device, source.identity.inode):
            raise ImageError(
                f"The chain of backing images has a loop: {printable(source.path)} is in it twice.",
                hint="An image cannot be its own backing file; correct the backing option.",
            )


_WHY = {
    "external data file": "qcow2 images with an external data file are not supported",
    "extent": "only a VMDK that is one file is supported, not a descriptor that names others",
    "parent": "differencing images are supported as qcow2 only",
}


def _refuse_references(source: Source, header: Header) -> None:
    """Refuse all that a header can name except the backing file of a qcow2 image."""
    for reference in header.references:
        if reference.kind in _WHY:
            name = f" {printable(reference.name)}" if reference.name else ", without naming it"
            raise source.fail(
                f"refers to another file as its {reference.kind}{name}; {_WHY[reference.kind]}",
                hint="Where image and file are your own, make them one: "
                f"qemu-img convert -f {header.format} -O qcow2 IMAGE NEW. Do not do so with an image from a stranger, "
                "because it may name any file of this host.",
            )


def _check_backing(source: Source, image: Image, header: Header) -> None:
    if header.backing is None:
        if image.backing is not None:
            raise source.fail(
                f"has no backing file, but {printable(image.backing.path)} is declared as its backing image",
                hint="Remove the backing option.",
            )
        return
    _refuse_protocol(source, header.backing)
    if image.backing is None:
        raise _undeclared(source, header.backing)
    _check_backing_name(source, header.backing, image.backing)
    _check_backing_format(source, header.backing, image.backing)


def _undeclared(source: Source, reference: Reference) -> HeaderError:
    stated = f" of format {printable(reference.format)}" if reference.format else ""
    return source.fail(
        f"names a backing file that is not declared: {printable(reference.name)}{stated}",
        hint="Where the image is your own, declare it: backing: {image: FILE, format: FORMAT}. An image from a "
        "stranger that names a file of this host should not be used.",
    )


def _refuse_protocol(source: Source, reference: Reference) -> None:
    if _has_protocol(reference.name):
        raise source.fail(
            f"names a backing file by a protocol and not as a plain file: {printable(reference.name)}",
            hint="Only plain files can be declared: qemu-img rebase -u -f qcow2 -F FORMAT -b FILE IMAGE.",
        )


def _check_backing_name(source: Source, reference: Reference, declared: Image) -> None:
    """Check that QEMU, which follows the name in the header, comes to the file that the user means."""
    named = os.path.realpath(os.path.join(os.path.dirname(source.path), reference.name))
    if named != declared.path:
        raise source.fail(
            f"names another backing file than the one that is declared: {printable(reference.name)}, which is "
            f"{printable(named)}, and not {printable(declared.path)}",
            hint="Declare the file that it names, or, where it moved: "
            "qemu-img rebase -u -f qcow2 -F FORMAT -b FILE IMAGE.",
        )


def _check_backing_format(source: Source, reference: Reference, declared: Image) -> None:
    if reference.format is None:
        raise source.fail(
            f"names the backing file {printable(reference.name)} but not its format, so QEMU would guess it",
            hint=f"State it in the image: qemu-img rebase -u -f qcow2 -F {declared.format} -b FILE IMAGE.",
        )
    if reference.format != declared.format:
        raise source.fail(
            f"says that its backing file {printable(reference.name)} is of format {printable(reference.format)}, but "
            f"{declared.format} is declared",
            hint="One of the two is wrong. Correct the option, or the image: "
            "qemu-img rebase -u -f qcow2 -F FORMAT -b FILE IMAGE.",
        )


def _has_protocol(name: str) -> bool:
    """Whether QEMU takes ``name`` as ``protocol:rest``: a colon comes before any slash (its path_has_protocol)."""
    return bool(re.match(r"[^/]*:", name, re.DOTALL))
