# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fixtures of the integration tests, and the checks at the end of them: recorded formats, and nothing left behind."""

from __future__ import annotations

import os
import sys
import tempfile
import typing as t
import uuid
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "images"))

import images
from harness import Harness, Run, left_in
from recorder import Recorder


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "appliance: launches a libguestfs appliance")
    config.addinivalue_line("markers", "boot: boots an image in QEMU")


@pytest.fixture(scope="session")
def recorder(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Recorder]:
    """What the session's processes told QEMU and qemu-img; the session fails where a format was left to be guessed."""
    found = Recorder(tmp_path_factory.mktemp("recorder"))
    yield found
    report = os.environ.get("OFFLINE_GUEST_COMMANDS")
    if report and found.log.exists():
        Path(report).write_bytes(found.log.read_bytes())
    assert not found.violations(), "\n".join(found.violations())


@pytest.fixture(scope="session")
def harness(recorder: Recorder, tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Harness]:
    """The session's harness; the session fails where a process, socket, lock, overlay or folder is left at its end."""
    # Not below pytest's folder: the path of a socket may have 107 bytes.
    made = Harness(Path(tempfile.mkdtemp(prefix="og-test-")), recorder, uuid.uuid4().hex)
    yield made
    left = made.leftovers() + left_in(tmp_path_factory.getbasetemp())
    made.close()
    assert not left, "left behind:\n" + "\n".join(left)


@pytest.fixture
def play(harness: Harness) -> t.Callable[..., Run]:
    """``play(tasks, image=…, image_format=…, check=…, diff=…)``: see :meth:`Harness.play`."""
    return harness.play


class Copier(t.Protocol):
    """The type of the fixture ``image_copy``."""

    def __call__(self, name: str, image_format: str = "raw") -> Path:
        """Return a fresh copy of the image ``name``."""


@pytest.fixture
def image_copy(tmp_path: Path) -> t.Iterator[Copier]:
    """``image_copy(name, image_format)``: the path of a fresh copy, which goes with the test."""
    made: list[Path] = []

    def copy(name: str, image_format: str = "raw") -> Path:
        made.append(images.copy(name, tmp_path / f"{name}-{len(made)}.{image_format}", image_format))
        return made[-1]

    yield copy
    for path in made:  # locks and overlays beside it stay, for the check at the end of the session
        path.unlink(missing_ok=True)
