# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Disks put together: a sparse file, a partition table by sfdisk, and the contents at their places."""

from __future__ import annotations

import json
import tempfile
import typing as t
import uuid
from dataclasses import dataclass
from pathlib import Path

from .filesystems import copy_into, make, run, sparse
from .model import MIB, Content, Partition, Recipe, needs_appliance

_SPACE = uuid.UUID("6f66666c-696e-4e2e-8775-657374696d67")
_SECTOR = 512


@dataclass(frozen=True)
class Slot:
    """Where a content lies: the number of its partition (0: the whole disk), start and size in bytes."""

    number: int
    start: int
    size: int


def stable_uuid(*words: str) -> str:
    """Return the UUID that these words always have."""
    return str(uuid.uuid5(_SPACE, "/".join(words)))


def table_script(recipe: Recipe, name: str) -> str:
    """Return the partition table as input for sfdisk; partitions start at whole MiB and follow one another."""
    label = {"gpt": "gpt", "mbr": "dos"}[recipe.table]
    disk_id = stable_uuid(name) if label == "gpt" else "0x" + stable_uuid(name)[:8]
    lines = [f"label: {label}", f"label-id: {disk_id}", "unit: sectors", ""]
    position = 1
    for number, partition in enumerate(recipe.partitions, 1):
        inside = label == "dos" and any(item.type == "extended" for item in recipe.partitions[: number - 1])
        position += int(inside)  # each logical partition has a table of its own before it
        spare = 1 if label == "gpt" else 0
        mib = partition.mib or recipe.mib - position - spare
        lines.append(_table_line(partition, name, number, position, mib, label))
        position += 0 if partition.type == "extended" else mib
    return "\n".join(lines) + "\n"


def _table_line(partition: Partition, name: str, number: int, start: int, mib: int, label: str) -> str:
    words = [f"start={start * MIB // _SECTOR}", f"size={mib * MIB // _SECTOR}", f"type={partition.type}"]
    if label == "gpt":
        words.append(f"uuid={stable_uuid(name, str(number))}")
        words += [f'name="{partition.name}"'] if partition.name else []
    return ", ".join(words + (["bootable"] if partition.bootable else []))


def slots(path: Path) -> list[Slot]:
    """Return where the partitions of the raw image at ``path`` lie, as sfdisk sees them."""
    table = json.loads(run("sfdisk", "--json", path))["partitiontable"]
    return [
        Slot(number, item["start"] * _SECTOR, item["size"] * _SECTOR)
        for number, item in enumerate(table["partitions"], 1)
    ]


def _numbered(recipe: Recipe, found: list[Slot]) -> list[tuple[Partition, Slot]]:
    """Pair partitions with their places; logical partitions have the numbers from 5 on."""
    pairs: list[tuple[Partition, Slot]] = []
    logical = 0
    for partition, slot in zip(recipe.partitions, found):
        inside = any(item.type == "extended" for item, _slot in pairs)
        logical += int(inside)
        pairs.append((partition, Slot(4 + logical, slot.start, slot.size) if inside else slot))
    return pairs


def assemble(recipe: Recipe, name: str, path: Path) -> list[tuple[Content, Slot]]:
    """Make the raw disk at ``path`` and return what is left for the appliance to make, with its place."""
    sparse(path, recipe.mib * MIB)
    if not recipe.table:
        pairs = [(recipe.partitions[0], Slot(0, 0, recipe.mib * MIB))] if recipe.partitions else []
    else:
        script = table_script(recipe, name).encode()
        run("sfdisk", "--quiet", "--no-reread", "--no-tell-kernel", path, stdin=script)
        pairs = _numbered(recipe, slots(path))
    later: list[tuple[Content, Slot]] = []
    for partition, slot in pairs:
        if partition.type == "extended":
            continue
        if needs_appliance(partition.content):
            later.append((partition.content, slot))
        else:
            place(partition.content, path, slot)
    return later


def place(content: Content, disk: Path, slot: Slot) -> None:
    """Make a content beside the disk and copy it to its place."""
    with tempfile.TemporaryDirectory(dir=disk.parent) as scratch:
        made = Path(scratch, "content")
        make(content, made, slot.size)
        copy_into(made, disk, slot.start)


def frames(contents: t.Iterable[Content]) -> t.Iterator[Content]:
    """Yield the contents in ``contents`` and, for containers, what is in them."""
    for content in contents:
        yield content
        inner = getattr(content, "inner", None)
        volumes = getattr(content, "volumes", ())
        yield from frames([inner] if inner else [])
        yield from frames(volume.content for volume in volumes)
