# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Warm starts: the same answers as cold ones, fresh random numbers and time, and a cold start after every fault."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import typing as t
from pathlib import Path

import images
import pytest
from ansible_collections.offline.guest.plugins.module_utils._appliance import _start, _warm, _warm_store
from ansible_collections.offline.guest.plugins.module_utils._appliance._image import Image
from ansible_collections.offline.guest.plugins.module_utils._appliance._session import (
    ApplianceOptions,
    Session,
    open_or_join,
)
from ansible_collections.offline.guest.plugins.module_utils._errors import ApplianceError
from ansible_collections.offline.guest.plugins.module_utils._guest import _os_info
from ansible_collections.offline.guest.plugins.module_utils._guest._guest import GuestOptions, load_guest
from ansible_collections.offline.guest.plugins.module_utils._guest._system import DEFAULT_TYPES
from conftest import Copier
from harness import Harness, sha256

pytestmark = pytest.mark.appliance

RESUMES = 20
SESSIONS = 10
# One for each way in which an appliance finds what is on a disk; all guests of the factory take ten minutes.
KINDS = (
    images.NAMES
    if os.environ.get("OFFLINE_GUEST_ALL_GUESTS")
    else ("debian-like", "fedora-lvm", "lvm-whole-disk", "md", "luks", "gpt-btrfs", "mbr-logical", "windows-like")
)
# In the appliance, as whoever tests it may and no module can (debug is not among the calls of the server).
PROBE = """
import json, os, sys, time
sys.path.insert(0, sys.argv[1])
from offline_guest import _handle, _machine, _watchdog
options = json.loads(sys.argv[2])
found = []
for _resume in range(int(sys.argv[3])):
    appliance = _machine.Appliance(_watchdog.Watch(lambda: False, lambda: True), _handle.load_bindings(), sys.argv[4])
    appliance.launch(options)
    handle = appliance._handle
    clock = float(handle.debug("sh", ["date +%s.%N"]))
    late = time.time() - clock
    random = handle.debug("sh", ["head -c 32 /dev/urandom | od -An -tx1"]).split()
    machine = handle.debug("sh", ["cat /etc/machine-id"]).strip()
    handle.mkswap("/dev/sda")
    swap = handle.vfs_uuid("/dev/sda")
    handle.mke2fs("/dev/sda", fstype="ext4")
    found.append({"start": appliance.start, "late": late, "random": "".join(random), "machine": machine, "swap": swap,
                  "ext4": handle.vfs_uuid("/dev/sda"), "warnings": appliance.warnings})
    appliance.shutdown(60)
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def environment(harness: Harness) -> t.Iterator[None]:
    """The harness's environment for sessions of this very process."""
    with pytest.MonkeyPatch.context() as patch:
        for key, value in harness.environment().items():
            patch.setenv(key, value)
        yield


@pytest.fixture(scope="module")
def saved(environment: None, harness: Harness, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with one entry, which was built because a session asked for it."""
    folder = place(harness)
    image = blank(tmp_path_factory.mktemp("first"))
    with launched(image, start="warm", cache_dir=str(folder)) as session:
        assert (session.start, said(session)) == ("warm", [])
    return folder


def place(harness: Harness) -> Path:
    """Return where a store may be made, by a path that is short enough for one."""
    return Path(tempfile.mkdtemp(prefix="", dir=harness.folder)) / "warm"


@pytest.fixture
def empty(environment: None, harness: Harness) -> Path:
    """The path of a store that is not there yet."""
    return place(harness)


@pytest.fixture
def copied(saved: Path, harness: Harness) -> t.Iterator[Path]:
    """A copy of that store, for a test to spoil; a build that is known to fail keeps the test short."""
    folder = place(harness)
    subprocess.run(["cp", "-a", "--sparse=always", str(saved), str(folder)], check=True)
    _warm_store.Store(str(folder)).remember_failure(entry(folder).name, "the test wants no build")
    yield folder
    shutil.rmtree(folder)


def blank(folder: Path) -> Image:
    path = folder / "blank.raw"
    with open(path, "wb") as stream:
        stream.truncate(64 * 1024 * 1024)
    return Image(str(path), "raw")


def entry(folder: Path) -> Path:
    """Return the one entry of a store."""
    (key,) = _warm_store.Store(str(folder)).entries()
    return folder / key


@contextlib.contextmanager
def launched(image: Image, **options: t.Any) -> t.Iterator[Session]:
    with open_or_join(image, ApplianceOptions(**options), purpose="test", throwaway=True, timeout=60) as session:
        session.launch()
        yield session


def said(session: Session) -> list[str]:
    """Return the warnings of a session, but for that about a KVM that is found to be broken."""
    return [warning for warning in session.warnings if not warning.startswith("/dev/kvm")]


def told(image: Image, name: str, **options: t.Any) -> tuple[str, dict[str, t.Any]]:
    """Return how the appliance was started and all that os_info tells."""
    keys = tuple({"device": device, "key": key} for device, key in images.luks_keys(name).items())
    warnings: list[str] = []
    with launched(image, **options) as session:
        looked = GuestOptions(filesystems=DEFAULT_TYPES, luks_keys=keys)
        guest = load_guest(session, looked, access="found", warn=warnings.append)
        wanted = _os_info.Options(luks_keys=keys)
        result = _os_info.describe(guest.calls, guest.systems, wanted, warnings.append, inventory=guest.inventory)
        assert said(session) == []
        return session.start, {**result, "warnings": warnings}


@pytest.mark.parametrize("name", KINDS)
def test_a_resumed_appliance_sees_what_a_booted_one_sees(saved: Path, image_copy: Copier, name: str) -> None:
    image = Image(str(image_copy(name)), "raw")
    start, warm = told(image, name, start="auto", cache_dir=str(saved))
    assert start == "warm"
    start, cold = told(image, name, start="cold")
    assert start == "cold"
    assert warm == cold


def test_no_two_make_the_same_random_numbers_and_the_clock_is_right(saved: Path, tmp_path: Path) -> None:
    image = blank(tmp_path)
    options = {"start": "auto", "cache_dir": str(saved), "launch_timeout": 300}
    options["drives"] = [{"path": image.path, "format": "raw"}]
    library = _start.write_package(str(tmp_path))
    command = [_start.find_interpreter(), "-I", "-c", PROBE, library, json.dumps(options), str(RESUMES), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert [one["start"] for one in found] == ["warm"] * RESUMES, found
    for key in ("random", "machine", "swap", "ext4"):
        values = [one[key] for one in found]
        assert all(values) and len(set(values)) == RESUMES, (key, values)
    assert all(abs(one["late"]) < 2 for one in found), [one["late"] for one in found]


def truncate(folder: Path) -> None:
    os.truncate(folder / "state", 1000)


def flip(folder: Path) -> None:
    with open(folder / "state", "r+b") as stream:
        stream.seek(stream.seek(0, os.SEEK_END) // 2)
        byte = stream.read(1)[0]
        stream.seek(-1, os.SEEK_CUR)
        stream.write(bytes([byte ^ 16]))


def give_away(folder: Path) -> None:
    os.chown(folder / "root", 12345, 12345)


def open_up(folder: Path) -> None:
    (folder / "hv").chmod(0o777)


def cut_the_state_and_sign_it(folder: Path) -> None:
    """What a full disk or a bug could do: an entry that is in itself whole and cannot be resumed."""
    manifest = json.loads((folder / "machine.json").read_text())
    os.truncate(folder / "state", (folder / "state").stat().st_size // 2)
    manifest["files"]["state"] = _warm_store.digest(str(folder / "state"))
    (folder / "machine.json").write_text(json.dumps(manifest))


def never_awake(folder: Path) -> None:
    manifest = json.loads((folder / "machine.json").read_text())
    manifest["words"]["awake"] = "another word"
    (folder / "machine.json").write_text(json.dumps(manifest))


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (truncate, "its file 'state' is not what was saved"),
        (flip, "its file 'state' is not what was saved"),
        (give_away, "root belongs to another user"),
        (open_up, "hv is open to other users"),
        (cut_the_state_and_sign_it, "the machine is gone"),
        (never_awake, "'awake' instead of 'another word'"),
    ],
)
def test_what_cannot_be_resumed_goes_and_a_cold_start_follows(
    copied: Path, tmp_path: Path, spoil: t.Callable[[Path], None], reason: str
) -> None:
    folder = entry(copied)
    spoil(folder)
    with launched(blank(tmp_path), start="auto", cache_dir=str(copied)) as session:
        assert session.start == "cold"
        (warning,) = said(session)
        assert warning.startswith("The appliance was started cold") and reason in warning
    assert not folder.exists()


def test_a_store_of_another_user_is_left_as_it_is(copied: Path, tmp_path: Path) -> None:
    folder = entry(copied)
    copied.chmod(0o777)
    with launched(blank(tmp_path), start="auto", cache_dir=str(copied)) as session:
        assert session.start == "cold"
        assert "is open to other users" in said(session)[0]
    assert folder.exists()


def test_another_qemu_does_not_get_the_state(copied: Path, tmp_path: Path) -> None:
    emulator = tmp_path / "another-qemu"
    emulator.write_text(f'#!/bin/sh\nexec {os.environ.get("LIBGUESTFS_HV", "qemu-system-x86_64")} "$@"\n')
    emulator.chmod(0o755)
    options = {"hv": str(emulator), "cache_dir": str(copied), "memory_mb": 1024}
    with launched(blank(tmp_path), start="auto", **options) as session:
        assert (session.start, said(session)) == ("cold", [])
    store, until = _warm_store.Store(str(copied)), time.monotonic() + 300
    while len(store.entries()) < 2:  # one is saved for it meanwhile
        assert time.monotonic() < until
        time.sleep(0.5)


def start_builder(folder: Path, library: str) -> subprocess.Popen[bytes]:
    config = {"store": str(folder), "options": {"launch_timeout": 300}, "accelerator": "tcg", "again": True}
    command = [_start.find_interpreter(), "-I", "-c", _warm.RUN, library, "offline_guest._warm_build"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None
    process.stdin.write(json.dumps(config).encode())
    process.stdin.close()
    process.stdin = None
    return process


def users_of(folder: Path, *words: str) -> list[int]:
    """Return the processes whose command line names a folder, and has all these words."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            line = (process / "cmdline").read_bytes().decode(errors="replace").split("\0")
            if f"{folder}/" in " ".join(line) and set(words) <= set(line) and process.name != str(os.getpid()):
                found.append(int(process.name))
    return found


def awaited(look: t.Callable[[], t.Any], patience: float = 60) -> t.Any:
    """Return what ``look`` returns as soon as that is something."""
    until = time.monotonic() + patience
    while time.monotonic() < until:
        found = look()
        if found:
            return found
        time.sleep(0.001)
    raise AssertionError("it did not come to that")


def is_saving(folder: Path) -> bool:
    """Whether a builder has written a part of a machine's state."""
    return any(state.stat().st_size for state in folder.glob("new-*/state"))


@pytest.mark.parametrize("moment", [0.3, 2.0, 6.0, "saving"])
def test_a_build_that_is_killed_leaves_nothing_to_be_used(empty: Path, tmp_path: Path, moment: float | str) -> None:
    folder = empty
    process = start_builder(folder, _start.write_package(str(tmp_path)))
    if isinstance(moment, str):
        awaited(lambda: is_saving(folder))
    else:
        time.sleep(moment)
    process.send_signal(signal.SIGKILL)
    process.wait()
    awaited(lambda: not users_of(folder), 10)
    assert _warm_store.Store(str(folder)).entries() == []
    if folder.exists():
        with _warm_store.Store(str(folder)).building() as mine:
            assert mine
        assert sorted(os.listdir(folder)) == ["lock"]


@contextlib.contextmanager
def killed_while_resuming(folder: Path, victim: t.Callable[[int], int]) -> t.Iterator[None]:
    """Kill a process at the instant at which QEMU takes up a saved machine.

    :param victim: from the pid of that QEMU to who is killed.
    """
    gone: list[int] = []

    def strike() -> None:
        (emulator,) = awaited(lambda: users_of(folder, "-incoming"))
        os.kill(victim(emulator), signal.SIGKILL)
        gone.append(emulator)

    thread = threading.Thread(target=strike)
    thread.start()
    try:
        yield
    finally:
        thread.join()
    assert gone, "nothing was resumed"


def test_a_session_that_is_killed_while_it_resumes_loses_nothing(copied: Path, tmp_path: Path) -> None:
    image = blank(tmp_path)
    before = sha256(Path(image.path))
    options = ApplianceOptions(start="auto", cache_dir=str(copied))
    with open_or_join(image, options, purpose="test", throwaway=True, timeout=60) as session:
        server = int(session.client.status["pid"])
        with killed_while_resuming(copied, lambda _emulator: server), pytest.raises(ApplianceError):
            session.launch()
    awaited(lambda: not users_of(copied), 30)
    assert sha256(Path(image.path)) == before
    with launched(image, start="auto", cache_dir=str(copied)) as session:
        assert session.start == "warm", "the entry is as good as it was"
    assert os.listdir(tmp_path) == ["blank.raw"]


def test_a_qemu_that_is_killed_while_it_resumes_is_replaced(copied: Path, tmp_path: Path) -> None:
    image = blank(tmp_path)
    folder = entry(copied)
    with killed_while_resuming(copied, lambda emulator: emulator):
        with launched(image, start="auto", cache_dir=str(copied)) as session:
            assert session.start == "cold"
            (warning,) = said(session)
            assert warning.startswith("The appliance was started cold")
    assert not folder.exists()
    assert os.listdir(tmp_path) == ["blank.raw"]


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to mount a small disk")
def test_a_full_disk_while_it_is_built(empty: Path, tmp_path: Path) -> None:
    small = empty.parent
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=40m", "tmpfs", str(small)], check=True)
    try:
        with launched(blank(tmp_path), start="warm", cache_dir=str(small / "warm")) as session:
            assert session.start == "cold"
            assert "No space left on device" in said(session)[0]
        assert sorted(os.listdir(small / "warm")) in (["failed.json", "lock"], ["lock"])
    finally:
        subprocess.run(["umount", str(small)], check=True)


def test_many_at_once_build_once(harness: Harness, empty: Path, tmp_path: Path) -> None:
    """Ten modules at once on a store without an entry."""
    tasks, waiting = [], []
    for number in range(SESSIONS):
        (tmp_path / str(number)).mkdir()
        image = blank(tmp_path / str(number))
        appliance = {"start": "warm", "cache_dir": str(empty), "memory_mb": 768}
        arguments = {"image": image.path, "format": "raw", "appliance": appliance, "gather": ["disk"]}
        job = f"job{number}"
        tasks.append({"name": job, "offline.guest.os_info": arguments, "async": 600, "poll": 0, "register": job})
        wait = {"ansible.builtin.async_status": {"jid": f"{{{{ {job}.ansible_job_id }}}}"}, "name": f"wait {number}"}
        waiting.append({**wait, "register": "ended", "until": "ended.finished", "retries": 600, "delay": 1})
    run = harness.play([*tasks, *waiting]).ok()
    answers = [run[f"wait {number}"] for number in range(SESSIONS)]
    assert all(answer["disk"]["size"] == 64 * 1024 * 1024 for answer in answers)
    assert not any("started cold" in warning for answer in answers for warning in answer.warnings)
    assert len(_warm_store.Store(str(empty)).entries()) == 1
    # A boot that names its disks in the wrong order is repeated within one build, so there may be a few.
    building = f"{empty}/new-"
    commands = [" ".join(command["argv"]) for command in harness.recorder.commands()]
    assert 1 <= sum(building in command and " -mon " in command for command in commands) < SESSIONS


def test_host_info_saves_one_tells_of_it_and_removes_it(harness: Harness, empty: Path) -> None:
    def step(name: str, warm: str, **keywords: t.Any) -> dict[str, t.Any]:
        arguments = {"warm": warm, "appliance": {"cache_dir": str(empty)}}
        return {"name": name, "offline.guest.host_info": arguments, **keywords}

    names = ("check", "build", "again", "check removal", "remove", "nothing left")
    steps = [
        *(step("check", "built", check_mode=True), step("build", "built"), step("again", "built")),
        *(step("check removal", "absent", check_mode=True), step("remove", "absent"), step("nothing left", "absent")),
    ]
    run = harness.play(steps).ok()
    assert [run[name].changed for name in names] == [True, True, False, True, True, False]
    assert [len(run[name]["warm"]["appliances"]) for name in names] == [0, 1, 1, 1, 0, 0]
    assert run["build"]["warm"]["path"] == str(empty)
    assert run["build"]["warm"]["appliances"][0]["size_mb"] > 100
