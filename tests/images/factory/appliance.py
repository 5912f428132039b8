# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What only an appliance can make: volumes, containers, subvolumes and NTFS, for all images in one launch.

The appliance is launched by the product's own server files, so that the factory finds a working accelerator as the
product does. File systems inside containers are made on the host, added as further drives and copied device to device.
"""

from __future__ import annotations

import functools
import importlib
import itertools
import os
import sys
import tempfile
import types
import typing as t
from dataclasses import dataclass
from pathlib import Path

from .disk import Slot, stable_uuid
from .filesystems import copy_into, make, run, sparse
from .model import MIB, Btrfs, Content, Luks, Lvm, Ntfs, Raid1, Xfs
from .tree import Tree

_APPLIANCE = Path(__file__).parents[3] / "plugins/module_utils/_appliance"
_BATCH = 200  # drives in one launch: virtio-scsi takes 255


@dataclass(frozen=True)
class Job:
    """A content to make at a place of the raw disk ``disk``; ``name`` is the image's."""

    name: str
    disk: Path
    content: Content
    slot: Slot


def launch(disks: t.Sequence[Path]) -> t.Any:
    """Return a launched handle that has ``disks`` (raw) as /dev/sda, /dev/sdb and so on."""
    package = types.ModuleType("offline_guest")
    package.__path__ = [str(_APPLIANCE)]
    sys.modules.setdefault(package.__name__, package)
    machine = importlib.import_module("offline_guest._machine")
    return machine.open_handle([{"path": str(disk), "format": "raw"} for disk in disks])


def fill(jobs: t.Sequence[Job], scratch: Path) -> None:
    """Do all ``jobs`` in as few launches as possible (one)."""
    for first in range(0, len(jobs), _BATCH // 4):
        _fill(jobs[first : first + _BATCH // 4], scratch)


def _fill(jobs: t.Sequence[Job], scratch: Path) -> None:
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        filler = _Filler(Path(folder))
        plans = [filler.prepare(job) for job in jobs]
        filler.handle = launch(filler.disks)
        try:
            for plan in plans:
                plan()
            filler.handle.shutdown()
        finally:
            filler.handle.close()


@dataclass(frozen=True)
class _Place:
    """Where a content goes: a device of the appliance, and where that lies on a disk of the host, if it does."""

    device: str
    size: int
    name: str
    disk: Path | None = None
    start: int = 0

    def inside(self, device: str, size: int) -> _Place:
        """Return the place of a device that the appliance makes on this one."""
        return _Place(device, size, self.name)


class _Filler:
    """Two steps for each content: ``prepare`` makes files and names drives; what it returns acts on the appliance."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._counter = itertools.count()
        self.disks: list[Path] = []
        self.handle: t.Any = None

    def prepare(self, job: Job) -> t.Callable[[], None]:
        if job.disk not in self.disks:
            self.disks.append(job.disk)
        device = self._device(job.disk) + (str(job.slot.number) if job.slot.number else "")
        return self._prepare(job.content, _Place(device, job.slot.size, job.name, job.disk, job.slot.start))

    def _device(self, disk: Path) -> str:
        number = self.disks.index(disk)
        letters = ""
        while number >= 0:  # sda … sdz sdaa …
            letters, number = chr(97 + number % 26) + letters, number // 26 - 1
        return f"/dev/sd{letters}"

    def _prepare(self, content: Content, place: _Place) -> t.Callable[[], None]:
        if isinstance(content, Lvm):
            return self._lvm(content, place)
        if isinstance(content, Luks):
            return self._luks(content, place)
        if isinstance(content, Raid1):
            inner = self._prepare(content.inner, place.inside(f"/dev/md/{content.name}", place.size - 2 * MIB))
            return lambda: self._raid(content, place.device, inner)
        made = self._folder / f"content{next(self._counter)}"
        if isinstance(content, Btrfs):
            make(Btrfs({"": Tree()}, content.uuid, content.label), made, place.size)
            return self._steps(self._bring(made, place), lambda: self._btrfs(content, place.device))
        make(content, made, place.size)
        steps = [self._bring(made, place)]
        if isinstance(content, Ntfs):
            steps.append(functools.partial(self._ntfs, content, place.device))
        elif isinstance(content, Xfs):
            steps.append(functools.partial(self._xfs, content, place.device))
        return self._steps(*steps)

    @staticmethod
    def _steps(*steps: t.Callable[[], None]) -> t.Callable[[], None]:
        def act() -> None:
            for step in steps:
                step()

        return act

    def _bring(self, made: Path, place: _Place) -> t.Callable[[], None]:
        """Copy the file ``made`` to its place: now, where that is on a disk of the host, else in the appliance."""
        if place.disk:
            copy_into(made, place.disk, place.start)
            made.unlink()
            return lambda: None
        self.disks.append(made)
        source = self._device(made)
        # Both have the same number of bytes, or the target has a few more.
        return lambda: self.handle.copy_device_to_device(
            source, place.device, size=self.handle.blockdev_getsize64(source), sparse=True
        )

    def _lvm(self, content: Lvm, place: _Place) -> t.Callable[[], None]:
        volumes = [
            (
                volume,
                self._prepare(volume.content, place.inside(f"/dev/{content.group}/{volume.name}", volume.mib * MIB)),
            )
            for volume in content.volumes
        ]

        def act() -> None:
            self.handle.pvcreate(place.device)
            self.handle.vgcreate(content.group, [place.device])
            for volume, inner in volumes:
                self.handle.lvcreate(volume.name, content.group, volume.mib)
                inner()
            self.handle.vg_activate(False, [content.group])

        return act

    def _luks(self, content: Luks, place: _Place) -> t.Callable[[], None]:
        header = self._folder / f"content{next(self._counter)}"
        sparse(header, place.size)
        # Few iterations: the default key derivation takes seconds, and ten times that in an emulated appliance.
        run(
            *("cryptsetup", "luksFormat", "-q", "--type", "luks2", "--uuid", content.uuid, "--key-file", "-"),
            *("--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000", header),
            stdin=content.key.encode(),
        )
        bring = self._bring(header, place)
        mapped = "crypt" + stable_uuid(place.name)[:8]
        inner = self._prepare(content.inner, place.inside(f"/dev/mapper/{mapped}", place.size - 16 * MIB))

        def act() -> None:
            bring()
            self.handle.cryptsetup_open(place.device, content.key, mapped)
            inner()
            self.handle.cryptsetup_close(f"/dev/mapper/{mapped}")

        return act

    def _raid(self, content: Raid1, device: str, inner: t.Callable[[], None]) -> None:
        self.handle.md_create(content.name, [device], missingbitmap=2, nrdevices=2, level="raid1")
        inner()
        self.handle.md_stop(f"/dev/md/{content.name}")

    def _btrfs(self, content: Btrfs, device: str) -> None:
        self.handle.mount_vfs("", "btrfs", device, "/")
        for name, tree in sorted(content.subvolumes.items()):
            if name:
                self.handle.mkdir_p(os.path.dirname("/" + name))
                self.handle.btrfs_subvolume_create("/" + name)
            self._unpack(tree, "/" + name)
        if content.default:
            number = next(
                item["btrfssubvolume_id"]
                for item in self.handle.btrfs_subvolume_list("/")
                if item["btrfssubvolume_path"] == content.default
            )
            self.handle.btrfs_subvolume_set_default(number, "/")
        self.handle.umount_all()

    def _ntfs(self, content: Ntfs, device: str) -> None:
        self.handle.mount_vfs("", "ntfs-3g", device, "/")
        self._unpack(content.tree, "/")
        self.handle.umount_all()

    def _xfs(self, content: Xfs, device: str) -> None:
        self.handle.mount_vfs("", "xfs", device, "/")
        for path, entry in content.tree.sorted():
            for name, value in entry.xattrs:
                # The binding takes text, and a length that may count the NUL which ends it.
                self.handle.lsetxattr(name, value[:-1].decode(), len(value), os.fsdecode(path))
        self.handle.umount_all()

    def _unpack(self, tree: Tree, directory: str) -> None:
        if tree.entries:
            archive = self._folder / "tree.tar"
            archive.write_bytes(tree.tar())
            self.handle.tar_in(str(archive), directory)
