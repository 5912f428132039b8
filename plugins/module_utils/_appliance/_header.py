# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""Reads the header of an image in the format that the user states, without QEMU and without guessing.

Tools that probe are themselves the target of a forged header (CVE-2024-4467: ``qemu-img info`` can be made to open host
files), so this runs before any of them sees the image. It starts no program and reads at most
:data:`~._header_base.READ_LIMIT` bytes.
"""

from __future__ import annotations

import typing as t

from .._errors import HeaderError, OptionError, printable
from . import _header_qcow2, _header_vdi, _header_vhdx, _header_vmdk, _header_vpc
from ._header_base import SECTOR, Header, Reference, Source, open_source, round_up
from ._image import FORMATS, Format

__all__ = ["FORMATS", "Format", "Header", "Reference", "read_header", "read_source", "signatures"]


def read_header(path: str, format: Format) -> Header:
    """Return what the header of the image ``path`` says, read as ``format``.

    The references in it are reported, not judged: that is what ``_image.verify`` is for.

    :raises HeaderError: the header contradicts the format, is damaged, or of a kind that is not supported.
    :raises ImageError: the file is missing, unreadable, empty, or no file.
    :raises OptionError: ``format`` is none of :data:`FORMATS`.
    """
    with open_source(path) as source:
        return read_source(source, format)


def read_source(source: Source, format: Format) -> Header:
    """Do the same for an image that is open already."""
    if format not in _READERS:
        raise OptionError(f"{printable(str(format))} is not an image format; use one of {', '.join(FORMATS)}.")
    try:
        header = _READERS[format](source)
    except HeaderError as error:
        raise _with_hint(source, format, error) from error
    if header.virtual_size <= 0 and not header.references:
        raise source.fail("has a virtual size of 0 bytes", hint="Grow it with qemu-img resize, or state another image.")
    return header


def signatures(source: Source) -> tuple[Format, ...]:
    """Return the formats whose signature the file bears. For messages only: nothing is ever decided by it."""
    start = source.read_up_to(0, SECTOR, "header")
    end = source.read_up_to(max(0, source.size - SECTOR), SECTOR, "footer")
    vdi = slice(_header_vdi.MAGIC_OFFSET, _header_vdi.MAGIC_OFFSET + 4)
    borne: dict[Format, bool] = {
        "qcow2": start.startswith(_header_qcow2.MAGIC),
        "vmdk": start.startswith((_header_vmdk.MAGIC, b"# Disk DescriptorFile")),
        "vdi": start[vdi] == _header_vdi.MAGIC,
        "vhdx": start.startswith(_header_vhdx.MAGIC),
        "vpc": start.startswith(_header_vpc.MAGIC) or end.startswith(_header_vpc.MAGIC),
    }
    return tuple(name for name, is_borne in borne.items() if is_borne)


def _read_raw(source: Source) -> Header:
    warnings = []
    other = signatures(source)
    if other:
        warnings.append(
            f"The image {printable(source.path)} bears the signature of {' and '.join(other)} but is stated as raw, "
            "and is used as raw: the guest sees these bytes as its disk."
        )
    virtual_size = round_up(source.size)
    if virtual_size != source.size:
        # QEMU reads zeros behind the end, and a commit that writes to the last sector makes the file that long.
        warnings.append(
            f"The image {printable(source.path)} has {source.size} bytes, which are no whole sectors. QEMU uses it as "
            f"a disk of {virtual_size} bytes, and the file grows to that size when it is changed."
        )
    return Header(
        format="raw",
        virtual_size=virtual_size,
        grow_refused="it is a block device" if source.is_block_device else "",
        warnings=tuple(warnings),
    )


_READERS: dict[str, t.Callable[[Source], Header]] = {
    "raw": _read_raw,
    "qcow2": _header_qcow2.read,
    "vmdk": _header_vmdk.read,
    "vdi": _header_vdi.read,
    "vhdx": _header_vhdx.read,
    "vpc": _header_vpc.read,
}


def _with_hint(source: Source, format: Format, error: HeaderError) -> HeaderError:
    """Say which signature the file bears instead, where that explains the error."""
    other = signatures(source)
    if error.hint or format in other:
        return error
    if other:
        seen = f"The file bears the signature of {' and '.join(other)}."
    else:
        seen = "The file bears the signature of no format known here, as a raw image does."
    return HeaderError(
        error.message,
        hint=f"{seen} State the format that the image was made in; where it comes from a stranger, do not go by what "
        "its first bytes claim.",
        details=error.details,
    )
