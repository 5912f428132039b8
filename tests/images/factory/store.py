# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where images are kept, whether they are the right ones, and who may build them now."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import tempfile
import typing as t
from pathlib import Path

from . import debian_real
from .filesystems import run
from .guests import GUESTS
from .model import Recipe

NAMES: tuple[str, ...] = (debian_real.NAME, *GUESTS)
FORMATS = ("raw", "qcow2", "vmdk", "vdi", "vhdx", "vpc")
_ASSEMBLERS = ("appliance.py", "disk.py", "filesystems.py", "model.py", "tree.py")


def folder() -> Path:
    """Return the folder of the images: build/images of the repository, or $OFFLINE_GUEST_IMAGES."""
    return Path(os.environ.get("OFFLINE_GUEST_IMAGES") or Path(__file__).parents[3] / "build/images")


def recipe(name: str) -> Recipe:
    """Return the recipe of a synthetic guest."""
    return GUESTS[name]()


def digest(name: str) -> str:
    """Return what an image's record must say for the image to be reused."""
    here = Path(__file__).parent
    if name == debian_real.NAME:
        return debian_real.digest((here / "debian_real.py").read_bytes())
    sources = b"".join(hashlib.sha256((here / source).read_bytes()).digest() for source in _ASSEMBLERS)
    return recipe(name).digest(sources)


def record(name: str) -> dict[str, t.Any]:
    """Return what was written down when the image was built; empty where there is none."""
    try:
        found = json.loads((folder() / f"{name}.json").read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def fresh(name: str) -> bool:
    """Whether the image is there and is what its recipe says."""
    return (folder() / f"{name}.raw").exists() and record(name).get("digest") == digest(name)


@contextlib.contextmanager
def locked() -> t.Iterator[Path]:
    """Keep every other builder out, and give a scratch folder on the disk of the images."""
    folder().mkdir(parents=True, exist_ok=True)
    with open(folder() / ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for left in folder().glob(".tmp-*"):  # a builder was killed
            shutil.rmtree(left, ignore_errors=True)
        scratch = Path(tempfile.mkdtemp(prefix=".tmp-", dir=folder()))
        try:
            yield scratch
        finally:
            shutil.rmtree(scratch, ignore_errors=True)


def keep(name: str, made: Path, **facts: t.Any) -> None:
    """Put a finished image in its place, with its record; variants of the old one go."""
    for kind in FORMATS[1:]:
        with contextlib.suppress(FileNotFoundError):
            (folder() / f"{name}.{kind}").unlink()
    found = made.stat()
    facts = {"name": name, "digest": digest(name), "size": found.st_size, "allocated": found.st_blocks * 512, **facts}
    with contextlib.suppress(FileNotFoundError):
        (folder() / f"{name}.json").unlink()
    os.replace(made, folder() / f"{name}.raw")
    staged = made.with_suffix(".json")
    staged.write_text(json.dumps(facts, indent=1) + "\n")
    os.replace(staged, folder() / f"{name}.json")


def variant(name: str, kind: str) -> Path:
    """Return the image in the format ``kind``, converted from the raw one where it was not yet."""
    raw, wanted = folder() / f"{name}.raw", folder() / f"{name}.{kind}"
    if kind == "raw" or wanted.exists():
        return wanted
    with locked() as scratch:
        if not wanted.exists():
            made = scratch / wanted.name
            run("qemu-img", "convert", "-q", "-f", "raw", "-O", kind, raw, made)
            os.replace(made, wanted)
    return wanted
