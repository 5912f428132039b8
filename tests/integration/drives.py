# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One appliance with many images, for tests of the guest layer: a launch costs more than what is done with it.

Modules give an appliance one disk. Here the product's own server gets an overlay over each of several images, so that
each image is worked on as if it were alone, and what was done can be looked at afterwards with the host's own tools.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import tempfile
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

import images
import pytest
from ansible_collections.offline.guest.plugins.module_utils._appliance import _allowlist
from ansible_collections.offline.guest.plugins.module_utils._appliance._calls import Calls
from ansible_collections.offline.guest.plugins.module_utils._appliance._client import Client
from ansible_collections.offline.guest.plugins.module_utils._appliance._lock import ImageLock
from ansible_collections.offline.guest.plugins.module_utils._appliance._start import start_server
from harness import Harness

_TIMEOUT = 1800  # inspect_os looks at all drives in one call


@dataclass
class Watched:
    """An :class:`Rpc` that remembers the calls made through it, and their results."""

    client: Client
    made: list[tuple[str, t.Any]] = field(default_factory=list)

    def call(self, name: str, *args: t.Any, **kwargs: t.Any) -> t.Any:
        result = self.client.call(name, *args, **kwargs)
        self.made.append((name, result))
        return result

    def writes(self) -> list[str]:
        """Return the calls that change what is on a disk."""
        return [name for name, _result in self.made if _allowlist.CALLS[name] == "write"]

    def results(self, wanted: str) -> list[t.Any]:
        """Return what the calls of one name returned."""
        return [result for name, result in self.made if name == wanted]


@dataclass(frozen=True)
class Fleet:
    """A running appliance: ``devices`` and ``overlays`` by the name of the image."""

    rpc: Watched
    devices: t.Mapping[str, str]
    overlays: t.Mapping[str, Path]
    folder: Path

    @property
    def calls(self) -> Calls:
        return Calls(self.rpc)

    def stop(self) -> None:
        """Stop the appliance in order, so that the overlays hold all that was done."""
        self.rpc.client.stop()

    @contextlib.contextmanager
    def raw(self, name: str) -> t.Iterator[Path]:
        """Give what became of an image as a raw file, for as long as the context lasts; only after :meth:`stop`."""
        target = self.folder / f"{name}.raw"
        command = ["qemu-img", "convert", "-q", "-f", "qcow2", "-O", "raw", str(self.overlays[name]), str(target)]
        subprocess.run(command, check=True)
        try:
            yield target
        finally:
            target.unlink()


def drive_name(index: int) -> str:
    """Return libguestfs's name of a drive: /dev/sda to /dev/sdz."""
    return f"/dev/sd{chr(ord('a') + index)}"


@contextlib.contextmanager
def fleet(harness: Harness, folder: Path, names: t.Sequence[str], *, size: int | None = None) -> t.Iterator[Fleet]:
    """Launch an appliance with an overlay over each of the images ``names``.

    :param folder: for the overlays.
    :param size: the virtual size of every overlay in bytes; None for that of its image.
    """
    overlays = {name: folder / f"{name}.qcow2" for name in names}
    environment = harness.environment()
    private = tempfile.mkdtemp(prefix="offline-guest-", dir=environment["TMPDIR"])
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, private, ignore_errors=True)
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        for key, value in environment.items():
            patch.setenv(key, value)
        for name, overlay in overlays.items():
            stack.callback(overlay.unlink, missing_ok=True)
            _create(overlay, images.path(name), size)
        lock = ImageLock.try_acquire(str(folder / "fleet"))
        assert lock is not None
        # The server removes its overlay when it ends. These are ours, so it is told of one that does not exist.
        client = start_server(private, lock, overlay=str(folder / "none"), info={}, call_timeout=_TIMEOUT)
        lock.forget()
        stack.callback(client.close)
        stack.callback(client.hang_up_and_wait)
        drives = [{"path": str(overlay), "format": "qcow2"} for overlay in overlays.values()]
        client.launch({"drives": drives, "accelerator": "auto", "memory_mb": 1024, "launch_timeout": _TIMEOUT})
        devices = {name: drive_name(index) for index, name in enumerate(names)}
        yield Fleet(Watched(client), devices, overlays, folder)


def _create(overlay: Path, image: Path, size: int | None) -> None:
    command = ["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", str(image), str(overlay)]
    subprocess.run(command + ([] if size is None else [str(size)]), check=True)


def partitions_of(raw: Path) -> dict[int, tuple[int, int]]:
    """Return start and size in bytes of each partition of a raw image, by number; none where there is no table."""
    done = subprocess.run(["sfdisk", "--json", str(raw)], capture_output=True, text=True, check=False)
    entries = json.loads(done.stdout)["partitiontable"]["partitions"] if done.returncode == 0 else []
    number = len(str(raw))
    return {int(entry["node"][number:]): (entry["start"] * 512, entry["size"] * 512) for entry in entries}


@contextlib.contextmanager
def cut_out(raw: Path, start: int, size: int) -> t.Iterator[Path]:
    """Give a part of a raw image as a file of its own, for tools that know of no offset."""
    target = raw.with_suffix(".part")
    flags = ["iflag=skip_bytes,count_bytes", "conv=sparse", "bs=1M", "status=none"]
    subprocess.run(["dd", f"if={raw}", f"of={target}", f"skip={start}", f"count={size}", *flags], check=True)
    os.truncate(target, size)
    try:
        yield target
    finally:
        target.unlink()
