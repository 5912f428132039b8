# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Crash trials over lock, overlay, rename and ``qemu-img commit``: no appliance, the real files and processes.

A child process takes the lock, recovers, makes an overlay, writes to it and commits. It is killed with all that it
started at a random instant. Then somebody else takes the lock and recovers: the guest's data must be the old or the new
to the byte, and the image must be one that ``qemu-img check`` finds no fault with.
"""

from __future__ import annotations

import dataclasses
import fcntl
import hashlib
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import time
import typing as t

import pytest
from ansible_collections.offline.guest.plugins.module_utils._appliance import _overlay
from ansible_collections.offline.guest.plugins.module_utils._appliance._image import Image
from ansible_collections.offline.guest.plugins.module_utils._appliance._lock import ImageLock, lock_path
from ansible_collections.offline.guest.plugins.module_utils._appliance._verify import verify
from ansible_collections.offline.guest.plugins.module_utils._errors import ImageBusyError, TransactionError

SIZE = 24 * 1024 * 1024
GROWN = 32 * 1024 * 1024
TRIALS = int(os.environ.get("OFFLINE_GUEST_CRASH_TRIALS", "220"))

# What the product does between two looks at the image, less the appliance: qemu-io stands for the guest's writes.
WORKER = """
import subprocess, sys
from ansible_collections.offline.guest.plugins.module_utils._appliance import _overlay
from ansible_collections.offline.guest.plugins.module_utils._appliance._image import Image
from ansible_collections.offline.guest.plugins.module_utils._appliance._lock import Holder, ImageLock
image = Image(sys.argv[1], sys.argv[2])
lock = ImageLock.try_acquire(image.path)
lock.announce(Holder.myself("crash trial"))
work = _overlay.Workspace(image, lock.descriptor)
_overlay.recover(work)
_overlay.create_overlay(work, int(sys.argv[3]))
commands = [part for number in range(0, 20) for part in ("-c", f"write -q -P {number + 1} {number}M 900k")]
subprocess.run(["qemu-io", "-f", "qcow2", *commands, work.overlay], check=True)
print("committing", flush=True)
_overlay.commit(work)
lock.release()
print("committed", flush=True)
"""


def qemu_img(*arguments: str) -> None:
    subprocess.run(["qemu-img", *arguments], check=True, stdout=subprocess.DEVNULL)


def contents(image: Image) -> str:
    """Digest of the disk as a guest would see it."""
    flat = f"{image.path}.flat"
    qemu_img("convert", "-f", image.format, "-O", "raw", image.path, flat)
    try:
        return hashlib.sha256(pathlib.Path(flat).read_bytes()).hexdigest()
    finally:
        os.unlink(flat)


def start(image: Image, *, size: int = SIZE) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WORKER, image.path, image.format, str(size)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def recover(image: Image) -> str:
    """What whoever comes next does; waits, as they do, for a qemu-img that outlived its parent."""
    until = time.monotonic() + 60
    while (lock := ImageLock.try_acquire(image.path)) is None:
        assert time.monotonic() < until, "the lock of a dead process was never freed"
        time.sleep(0.01)
    with lock:
        verify(image)
        return _overlay.recover(_overlay.Workspace(image, lock.descriptor))


def leftovers(image: Image) -> list[str]:
    folder, name = os.path.split(image.path)
    return [entry for entry in os.listdir(folder) if entry.startswith(f".{name}.")]


@dataclasses.dataclass
class Case:
    """An image, a pristine copy of it, and what its disk looks like before and after the worker's change."""

    image: Image
    pristine: str
    size: int
    old: str
    new: str = ""

    def reset(self) -> None:
        shutil.copyfile(self.pristine, self.image.path)


@pytest.fixture(scope="module", params=["qcow2", "raw", "qcow2-grown", "raw-grown"])
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Case:
    folder = tmp_path_factory.mktemp("crash")
    image_format, _dash, grown = str(request.param).partition("-")
    image = Image(str(folder / "image"), t.cast(t.Any, image_format))
    source = folder / "source"
    source.write_bytes(random.Random(7).randbytes(6 * 1024 * 1024).ljust(SIZE, b"\0"))
    qemu_img("convert", "-f", "raw", "-O", image_format, str(source), image.path)
    shutil.copyfile(image.path, folder / "pristine")
    made = Case(image, str(folder / "pristine"), GROWN if grown else SIZE, contents(image))
    worker = start(image, size=made.size)
    said, errors = worker.communicate(timeout=120)
    assert "committed" in said, errors
    made.new = contents(image)
    assert made.new != made.old
    return made


def test_killed_at_any_instant_the_image_is_old_or_new(case: Case) -> None:
    seen = {"old": 0, "new": 0, "redone": 0}
    dice = random.Random(int.from_bytes(os.urandom(4), "big"))
    longest = _duration(case)
    for trial in range(TRIALS // 4):
        case.reset()
        worker = start(case.image, size=case.size)
        if trial % 2:  # every other one inside the commit, which is short beside the rest
            assert worker.stdout is not None
            worker.stdout.readline()
            time.sleep(dice.uniform(0, 0.12))
        else:
            time.sleep(dice.uniform(0, longest))
        # Every fourth time the module alone dies and its qemu-img lives on.
        if trial % 4 == 3:
            worker.kill()
        else:
            os.killpg(worker.pid, signal.SIGKILL)
        worker.communicate()
        seen["redone"] += "finished" in recover(case.image)
        found = contents(case.image)
        assert found in (case.old, case.new), f"trial {trial}: neither the old image nor the new one"
        seen["new" if found == case.new else "old"] += 1
        if case.image.format == "qcow2":
            qemu_img("check", "-f", "qcow2", case.image.path)
        assert leftovers(case.image) == []
    print(f"{case.image.format} grown={case.size != SIZE}: {seen}")
    assert seen["old"] and seen["new"], f"the kills never hit one of the two sides: {seen}"


def _duration(case: Case) -> float:
    case.reset()
    began = time.monotonic()
    start(case.image, size=case.size).communicate(timeout=120)
    return time.monotonic() - began


def test_a_recovery_that_is_killed_is_repeated(case: Case) -> None:
    """The redo log is good for any number of tries."""
    case.reset()
    work = _overlay.Workspace(case.image)
    _overlay.create_overlay(work, case.size)
    writes = [part for number in range(20) for part in ("-c", f"write -q -P {number + 1} {number}M 900k")]
    subprocess.run(["qemu-io", "-f", "qcow2", *writes, work.overlay], check=True)
    os.rename(work.overlay, work.redo)
    program = (
        "import sys; from ansible_collections.offline.guest.plugins.module_utils._appliance import _overlay;"
        "from ansible_collections.offline.guest.plugins.module_utils._appliance._image import Image;"
        "print('go', flush=True); _overlay.recover(_overlay.Workspace(Image(sys.argv[1], sys.argv[2])))"
    )
    for delay in (0.0, 0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.08, 0.1, 0.12):
        victim = subprocess.Popen(
            [sys.executable, "-c", program, case.image.path, case.image.format],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        assert victim.stdout is not None
        victim.stdout.readline()
        time.sleep(delay)
        os.killpg(victim.pid, signal.SIGKILL)
        victim.communicate()
    recover(case.image)
    assert contents(case.image) == case.new
    if case.image.format == "qcow2":
        qemu_img("check", "-f", "qcow2", case.image.path)


@pytest.fixture
def small_disk(tmp_path: pathlib.Path) -> t.Iterator[pathlib.Path]:
    """A file system of 48 MiB of its own."""
    folder = tmp_path / "small"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=48m", "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def make_image(folder: pathlib.Path, image_format: str) -> Image:
    image = Image(str(folder / "image"), t.cast(t.Any, image_format))
    qemu_img("create", "-f", image_format, image.path, "64M")
    subprocess.run(
        ["qemu-io", "-f", image_format, "-c", "write -q -P 77 0 8M", image.path], check=True, stdout=subprocess.DEVNULL
    )
    return image


def fill(folder: pathlib.Path, *, leave: int) -> pathlib.Path:
    """Use the disk up but for ``leave`` bytes."""
    found = os.statvfs(folder)
    filler = folder / "filler"
    with open(filler, "wb") as stream:
        stream.write(b"x" * max(0, found.f_bavail * found.f_frsize - leave))
    return filler


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to mount a small disk")
@pytest.mark.parametrize("image_format", ["qcow2", "raw"])
class TestFullDisk:
    def test_while_the_overlay_is_made(self, small_disk: pathlib.Path, image_format: str) -> None:
        image = make_image(small_disk, image_format)
        before = contents_of_file(image)
        fill(small_disk, leave=4096)
        with pytest.raises(TransactionError, match="image is as it was"):
            _overlay.create_overlay(_overlay.Workspace(image), 64 * 1024 * 1024)
        assert contents_of_file(image) == before
        assert leftovers(image) == []

    def test_before_the_commit_it_is_refused(self, small_disk: pathlib.Path, image_format: str) -> None:
        image = make_image(small_disk, image_format)
        before = contents_of_file(image)
        work = _overlay.Workspace(image)
        _overlay.create_overlay(work, 64 * 1024 * 1024)
        subprocess.run(["qemu-io", "-f", "qcow2", "-c", "write -q -P 5 8M 12M", work.overlay], check=True)
        fill(small_disk, leave=10 * 1024 * 1024)
        with pytest.raises(TransactionError, match="are free on the disk"):
            _overlay.commit(work)
        assert contents_of_file(image) == before
        assert leftovers(image) == []

    def test_in_the_middle_of_the_commit_it_can_be_finished(self, small_disk: pathlib.Path, image_format: str) -> None:
        """Space that was free before the point of no return may be gone after it."""
        image = make_image(small_disk, image_format)
        work = _overlay.Workspace(image)
        _overlay.create_overlay(work, 64 * 1024 * 1024)
        subprocess.run(["qemu-io", "-f", "qcow2", "-c", "write -q -P 5 8M 12M", work.overlay], check=True)
        os.rename(work.overlay, work.redo)
        filler = fill(small_disk, leave=3 * 1024 * 1024)
        with pytest.raises(TransactionError, match="could not be finished.*Mend the cause"):
            _overlay.redo(work)
        assert os.path.exists(work.redo)
        filler.unlink()
        assert "finished" in recover(image)
        patterns = ["-c", "read -q -P 77 0 8M", "-c", "read -q -P 5 8M 12M", "-c", "read -q -P 0 20M 44M"]
        shown = subprocess.run(
            ["qemu-io", "-f", image_format, *patterns, image.path], check=True, capture_output=True, text=True
        )
        assert "failed" not in shown.stdout + shown.stderr
        if image_format == "qcow2":
            qemu_img("check", "-f", "qcow2", image.path)
        assert leftovers(image) == []


@pytest.fixture
def doomed(tmp_path: pathlib.Path) -> t.Iterator[pathlib.Path]:
    """A folder for what a test plants, or leaves half-done: it goes with the test, so nothing of it counts as left."""
    folder = tmp_path / "doomed"
    folder.mkdir()
    yield folder
    shutil.rmtree(folder)


def contents_of_file(image: Image) -> str:
    return hashlib.sha256(pathlib.Path(image.path).read_bytes()).hexdigest()


def test_a_redo_log_of_somebody_else_is_not_obeyed(doomed: pathlib.Path) -> None:
    """Whoever may write beside an image could plant a file that makes a commit write anywhere."""
    victim = doomed / "victim"
    victim.write_bytes(b"v" * 1024 * 1024)
    image = make_image(doomed, "raw")
    work = _overlay.Workspace(image)
    qemu_img("create", "-f", "qcow2", "-F", "raw", "-b", str(victim), work.redo)
    subprocess.run(["qemu-io", "-f", "qcow2", "-c", "write -q -P 5 0 64k", work.redo], check=True)
    with pytest.raises(TransactionError, match="is not the redo log of"):
        recover(image)
    assert victim.read_bytes() == b"v" * 1024 * 1024
    os.unlink(work.redo)
    os.symlink(victim, work.redo)
    with pytest.raises(TransactionError, match="is not a redo log of this user"):
        recover(image)


def test_a_redo_log_under_another_stated_format_is_not_obeyed(doomed: pathlib.Path) -> None:
    image = make_image(doomed, "qcow2")
    work = _overlay.Workspace(image)
    _overlay.create_overlay(work, 64 * 1024 * 1024)
    os.rename(work.overlay, work.redo)
    with pytest.raises(TransactionError, match="State format: qcow2"):
        recover(Image(image.path, "raw"))


def test_commit_keeps_what_the_file_is(tmp_path: pathlib.Path) -> None:
    image = make_image(tmp_path, "qcow2")
    os.chmod(image.path, 0o640)
    os.setxattr(image.path, "user.origin", b"here")
    if os.geteuid() == 0:
        os.chown(image.path, 12345, 23456)
    before = os.stat(image.path)
    work = _overlay.Workspace(image)
    _overlay.create_overlay(work, 96 * 1024 * 1024)
    subprocess.run(["qemu-io", "-f", "qcow2", "-c", "write -q -P 5 70M 1M", work.overlay], check=True)
    _overlay.commit(work)
    after = os.stat(image.path)
    assert (after.st_ino, after.st_mode, after.st_uid, after.st_gid) == (
        *(before.st_ino, before.st_mode, before.st_uid, before.st_gid),
    )
    assert os.getxattr(image.path, "user.origin") == b"here"
    assert verify(image).virtual_size == 96 * 1024 * 1024


def test_the_overlay_is_private(doomed: pathlib.Path) -> None:
    image = make_image(doomed, "raw")
    work = _overlay.Workspace(image)
    old = os.umask(0)
    try:
        _overlay.create_overlay(work, 64 * 1024 * 1024)
    finally:
        os.umask(old)
    assert os.stat(work.overlay).st_mode & 0o077 == 0


class TestLock:
    def test_the_second_is_refused_and_the_first_named(self, tmp_path: pathlib.Path) -> None:
        image = make_image(tmp_path, "raw")
        with ImageLock.try_acquire(image.path) as lock:  # type: ignore[union-attr]  # nobody else is here
            assert lock.descriptor
            assert ImageLock.try_acquire(image.path) is None
        assert leftovers(image) == []

    def test_a_stale_file_is_taken_over(self, tmp_path: pathlib.Path) -> None:
        image = make_image(tmp_path, "raw")
        pathlib.Path(lock_path(image.path)).write_bytes(b"\xff{}nonsense")
        lock = ImageLock.try_acquire(image.path)
        assert lock is not None and lock.stale is None
        lock.release()
        assert leftovers(image) == []

    def test_many_at_once_only_ever_one(self, tmp_path: pathlib.Path) -> None:
        """The file is removed at each release, so every taker races with a removal."""
        image = make_image(tmp_path, "raw")
        program = (
            "import sys, os; from ansible_collections.offline.guest.plugins.module_utils._appliance._lock import *\n"
            "won = 0\n"
            "while won < 60:\n"
            "    lock = ImageLock.try_acquire(sys.argv[1])\n"
            "    if lock is None: continue\n"
            "    fd = os.open(sys.argv[1] + '.inside', os.O_CREAT | os.O_EXCL)\n"
            "    os.close(fd); os.unlink(sys.argv[1] + '.inside'); lock.release(); won += 1\n"
        )
        crowd = [
            subprocess.Popen(
                [sys.executable, "-c", program, image.path],
                env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
                stderr=subprocess.PIPE,
                text=True,
            )
            for _member in range(4)
        ]
        for member in crowd:
            assert member.communicate(timeout=120)[1] == ""
            assert member.returncode == 0

    def test_what_is_no_lock_of_ours_is_left_alone(self, doomed: pathlib.Path) -> None:
        image = make_image(doomed, "raw")
        os.mkfifo(lock_path(image.path))
        with pytest.raises(ImageBusyError, match="not a lock of this user"):
            ImageLock.try_acquire(image.path)
        assert os.path.exists(lock_path(image.path))

    def test_a_lock_survives_in_whoever_inherits_it(self, tmp_path: pathlib.Path) -> None:
        image = make_image(tmp_path, "raw")
        lock = ImageLock.try_acquire(image.path)
        assert lock is not None
        heir = subprocess.Popen(["sleep", "60"], pass_fds=(lock.descriptor,))
        lock.forget()
        try:
            assert ImageLock.try_acquire(image.path) is None
        finally:
            heir.kill()
            heir.wait()
        second = ImageLock.try_acquire(image.path)
        assert second is not None
        fcntl.flock(second.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        second.release()
