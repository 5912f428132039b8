# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an image is, as data: a disk, its partitions, and what is in each of them.

A recipe says everything about an image, so that its digest says whether an image on the disk is the right one.
What :func:`needs_appliance` names is made by libguestfs; all else by ordinary programs on files, without a mount.
"""

from __future__ import annotations

import hashlib
import typing as t
from dataclasses import dataclass, field, fields, is_dataclass

from .tree import Tree

MIB = 1024 * 1024


@dataclass(frozen=True)
class Ext:
    """An ext2, ext3 or ext4 file system; ``features`` as in ``mke2fs -O``."""

    tree: Tree
    uuid: str
    label: str = ""
    kind: str = "ext4"
    features: str = ""


@dataclass(frozen=True)
class Xfs:
    """An XFS file system, 300 MiB or more (mkfs.xfs since 5.19 refuses smaller ones)."""

    tree: Tree
    uuid: str
    label: str = ""


@dataclass(frozen=True)
class Btrfs:
    """A btrfs file system: a tree for each subvolume, the empty name for the top level."""

    subvolumes: t.Mapping[str, Tree]
    uuid: str
    label: str = ""
    default: str = ""


@dataclass(frozen=True)
class Vfat:
    """A FAT file system; ``uuid`` as blkid shows it (1234-ABCD)."""

    tree: Tree
    uuid: str
    label: str = "EFI"


@dataclass(frozen=True)
class Ntfs:
    """An NTFS file system."""

    tree: Tree
    label: str = ""


@dataclass(frozen=True)
class Swap:
    """A swap area."""

    uuid: str
    label: str = ""


@dataclass(frozen=True)
class Data:
    """Bytes as they are, from the start; none for an empty partition."""

    content: bytes = b""


@dataclass(frozen=True)
class Luks:
    """A LUKS2 container."""

    inner: Content
    uuid: str
    key: str = "test"


@dataclass(frozen=True)
class Volume:
    """A logical volume."""

    name: str
    mib: int
    content: Content


@dataclass(frozen=True)
class Lvm:
    """A physical volume, and the volume group on it."""

    group: str
    volumes: tuple[Volume, ...]


@dataclass(frozen=True)
class Raid1:
    """The one present half of a mirror."""

    inner: Content
    name: str = "array0"  # not "root": mdadm would find the directory of that name


Content = t.Union[Ext, Xfs, Btrfs, Vfat, Ntfs, Swap, Data, Luks, Lvm, Raid1]


@dataclass(frozen=True)
class Partition:
    """A partition of ``mib`` MiB (0: the rest of the disk); ``type`` as sfdisk takes it, ``name`` for GPT only."""

    content: Content
    mib: int = 0
    type: str = "linux"
    name: str = ""
    bootable: bool = False


@dataclass(frozen=True)
class Recipe:
    """A disk of ``mib`` MiB with a ``gpt`` or ``mbr`` table and partitions, or (``table`` empty) with one content.

    In an MBR table, a partition of type ``extended`` holds all that follow it.
    """

    mib: int
    partitions: tuple[Partition, ...]
    table: str = "gpt"
    summary: str = ""
    luks_keys: t.Mapping[str, str] = field(default_factory=dict)

    def digest(self, salt: bytes = b"") -> str:
        """Return the SHA-256 of all that the recipe says, and of ``salt``."""
        total = hashlib.sha256(salt)
        for piece in _pieces(self):
            total.update(len(piece).to_bytes(8, "big") + piece)
        return total.hexdigest()


def _pieces(value: t.Any) -> t.Iterator[bytes]:
    if isinstance(value, Tree):
        yield from value.describe()
    elif is_dataclass(value):
        yield type(value).__name__.encode()
        for item in fields(value):
            yield from _pieces(getattr(value, item.name))
    elif isinstance(value, dict):
        for key, item in value.items():
            yield str(key).encode()
            yield from _pieces(item)
    elif isinstance(value, tuple):
        yield str(len(value)).encode()
        for item in value:
            yield from _pieces(item)
    else:
        yield repr(value).encode()


def needs_appliance(content: Content) -> bool:
    """Whether only libguestfs can make this content without a mount or a block device of the host."""
    if isinstance(content, Xfs):  # mkfs.xfs -p knows no extended attributes
        return any(entry.xattrs for _path, entry in content.tree.sorted())
    if isinstance(content, Btrfs):  # mkfs.btrfs makes subvolumes since 6.11 only
        return set(content.subvolumes) != {""}
    return isinstance(content, (Ntfs, Luks, Lvm, Raid1))
