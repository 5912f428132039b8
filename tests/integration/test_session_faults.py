# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Live sessions that go wrong: whoever dies, hangs or runs out of space, the image is whole and nothing is left."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import pathlib
import random
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
import typing as t

import pytest
from ansible_collections.offline.guest.plugins.module_utils._appliance import _session
from ansible_collections.offline.guest.plugins.module_utils._appliance._calls import Calls
from ansible_collections.offline.guest.plugins.module_utils._appliance._client import Client
from ansible_collections.offline.guest.plugins.module_utils._appliance._image import Image
from ansible_collections.offline.guest.plugins.module_utils._appliance._lock import ImageLock, lock_path, read_holder
from ansible_collections.offline.guest.plugins.module_utils._appliance._session import ApplianceOptions, Session
from ansible_collections.offline.guest.plugins.module_utils._errors import (
    ApplianceError,
    CallError,
    ImageBusyError,
    TransactionError,
)

SIZE = 64 * 1024 * 1024


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A whole-disk ext4 with a file and a FIFO: to open a FIFO hangs, which is the honest way to hang a call."""
    folder = tmp_path_factory.mktemp("pristine")
    tree = folder / "tree"
    (tree / "etc").mkdir(parents=True)
    (tree / "etc" / "motd").write_text("old\n", encoding="utf-8")
    os.mkfifo(tree / "etc" / "fifo")
    image = folder / "image.raw"
    with open(image, "wb") as stream:
        stream.truncate(SIZE)
    subprocess.run(["mke2fs", "-q", "-F", "-t", "ext4", "-d", str(tree), str(image)], check=True)
    return image


@pytest.fixture
def temporary() -> t.Iterator[pathlib.Path]:
    """A short folder for the sessions' private ones, and the proof that none is left."""
    folder = tempfile.mkdtemp(prefix="ogt-")
    yield pathlib.Path(folder)
    try:
        assert os.listdir(folder) == []
    finally:
        shutil.rmtree(folder)


@pytest.fixture
def image(pristine: pathlib.Path, tmp_path: pathlib.Path) -> Image:
    shutil.copyfile(pristine, tmp_path / "disk.raw")
    return Image(str(tmp_path / "disk.raw"), "raw")


def options(temporary: pathlib.Path, **given: t.Any) -> ApplianceOptions:
    return ApplianceOptions(tmpdir=str(temporary), **given)


def open_session(image: Image, temporary: pathlib.Path, **given: t.Any) -> Session:
    settings = {"purpose": "a test", "throwaway": False, "timeout": 1.0}
    appliance = {key: given.pop(key) for key in ("call_timeout", "hv", "accelerator", "start") if key in given}
    return _session.open_or_join(image, options(temporary, **appliance), **{**settings, **given})


def mounted(session: Session) -> Calls:
    session.launch()
    calls = Calls(session.client)
    calls.mount_vfs("", "ext4", "/dev/sda", "/")
    return calls


def digest(image: Image) -> str:
    return hashlib.sha256(pathlib.Path(image.path).read_bytes()).hexdigest()


def motd(image: Image) -> str:
    shown = subprocess.run(["debugfs", "-R", "cat /etc/motd", image.path], capture_output=True, text=True, check=True)
    return shown.stdout


def is_clean(image: Image) -> bool:
    return subprocess.run(["e2fsck", "-fn", image.path], capture_output=True, check=False).returncode == 0


def leftovers(image: Image) -> list[str]:
    folder, name = os.path.split(image.path)
    return sorted(entry for entry in os.listdir(folder) if entry.startswith(f".{name}."))


def descendants(pid: int) -> list[int]:
    """All processes of the group that a server leads."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with contextlib.suppress(OSError, ValueError):
                fields = pathlib.Path(f"/proc/{entry}/stat").read_bytes().rpartition(b")")[2].split()
                if int(fields[2]) == pid and fields[0] != b"Z":
                    found.append(int(entry))
    return found


def wait_until(condition: t.Callable[[], bool], what: str, seconds: float = 90) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, f"still waiting: {what}"
        time.sleep(0.05)


def test_a_hung_call_ends_at_its_deadline(image: Image, temporary: pathlib.Path) -> None:
    before = digest(image)
    with open_session(image, temporary, call_timeout=6) as session:
        calls = mounted(session)
        with pytest.raises(CallError) as missing:
            calls.pread("/etc/nothing", 10, 0)
        assert missing.value.details["errno_name"] == "ENOENT"
        server = session.client.status["pid"]
        with pytest.raises(ApplianceError, match="pread: no answer within 6 seconds") as caught:
            calls.pread("/etc/fifo", 10, 0)
        assert "guestfsd" in caught.value.details["console"]
        with pytest.raises(ApplianceError, match="the appliance is CLOSED"):
            calls.pread("/etc/motd", 10, 0)
    assert descendants(server) == []
    assert (leftovers(image), digest(image)) == ([], before)


def test_an_open_session_and_those_who_come_to_it(image: Image, temporary: pathlib.Path) -> None:
    """One appliance for all of it: joining, waiting, a task that dies, a refused commit, a signal."""
    before = digest(image)
    with open_session(image, temporary, joinable=True) as session:
        mounted(session)
        # The second opener, while the first has not let it go yet.
        with pytest.raises(ImageBusyError, match=r"held by 'a test' \(process \d+ of user \w+"):
            _session.open_or_join(
                image, options(temporary), purpose="another", throwaway=False, timeout=1.0, joinable=False
            )
        session.keep(600)
    holder = read_holder(lock_path(image.path))
    assert holder is not None and holder.joinable
    assert stat.S_IMODE(os.stat(holder.directory).st_mode) == 0o700
    # A joiner who states another format is told so.
    with pytest.raises(ImageBusyError, match="other values of format or backing"):
        _session.join_session(Image(image.path, "qcow2"), options(temporary), timeout=5)
    # A client that vanishes in the middle of its changes leaves a session that cannot be committed.
    with open_session(image, temporary) as joined:
        assert joined.joined
        joined.client.begin("half a task")
        Calls(joined.client).write("/etc/motd", b"half")
        joined.client.close()
    with open_session(image, temporary) as joined:
        with pytest.raises(TransactionError, match="'half a task' ended in the middle of its changes"):
            joined.client.end(changed=True, summary="none")
            joined.refresh()
            joined.commit()
    # SIGTERM ends it, and everything with it.
    server = read_holder(lock_path(image.path))
    assert server is not None
    os.kill(server.pid, signal.SIGTERM)
    wait_until(lambda: not leftovers(image), "the server's end")
    wait_until(lambda: not descendants(server.pid), "the appliance's end")
    assert digest(image) == before


def test_a_killed_server_is_recovered_from(image: Image, temporary: pathlib.Path) -> None:
    before = digest(image)
    with open_session(image, temporary) as session:
        calls = mounted(session)
        calls.write("/etc/motd", b"new\n")
        server = session.client.status["pid"]
        os.kill(server, signal.SIGKILL)
        with pytest.raises(ApplianceError, match="server (ended|is gone)"):
            calls.pread("/etc/motd", 10, 0)
    # libguestfs's own recovery process ends QEMU when the library's process is gone.
    wait_until(lambda: not descendants(server), "the orphaned appliance's end")
    assert leftovers(image) == [".disk.raw.lock", ".disk.raw.overlay"]
    with open_session(image, temporary) as session:
        assert "died was removed" in session.warnings[0]
    assert (leftovers(image), digest(image)) == ([], before)


def test_a_server_nobody_uses_ends_itself(image: Image, temporary: pathlib.Path) -> None:
    before = digest(image)
    with open_session(image, temporary, joinable=True) as session:
        Calls(session.client)
        session.keep(1.0)
    wait_until(lambda: not leftovers(image), "the end of the idle time")
    assert digest(image) == before


MODULE = """
import sys
from ansible_collections.offline.guest.plugins.module_utils._appliance._calls import Calls
from ansible_collections.offline.guest.plugins.module_utils._appliance._image import Image
from ansible_collections.offline.guest.plugins.module_utils._appliance._session import ApplianceOptions, open_or_join
settings = ApplianceOptions(tmpdir=sys.argv[2])
with open_or_join(Image(sys.argv[1], "raw"), settings, purpose="trial", throwaway=False, timeout=60) as session:
    print(session.client.status["pid"], flush=True)
    session.launch()
    calls = Calls(session.client)
    calls.mount_vfs("", "ext4", "/dev/sda", "/")
    session.client.begin("trial")
    print("mounted", flush=True)
    for number in range(20):
        calls.write(f"/etc/file{number}", b"x" * 100000)
    calls.write("/etc/motd", b"new\\n")
    session.client.end(changed=True, summary="trial")
    session.refresh()
    print("writing done", flush=True)
    session.commit()
    print("committed", flush=True)
"""


@pytest.mark.parametrize("trial", range(6))
def test_a_live_session_killed_at_a_random_instant(image: Image, temporary: pathlib.Path, trial: int) -> None:
    """Module, server and appliance die at once, or only the module; then somebody else comes."""
    before = digest(image)
    process = subprocess.Popen(
        [sys.executable, "-c", MODULE, image.path, str(temporary)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    server = int(process.stdout.readline())
    # Two while it boots, two while it writes, two while it commits.
    for _line in range(trial // 2):
        process.stdout.readline()
    time.sleep(random.uniform(0, (5.0, 0.2, 0.6)[trial // 2]))
    process.kill()
    if trial % 2:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server, signal.SIGKILL)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    wait_until(lambda: not descendants(server), "the end of the server's group")
    with open_session(image, temporary, timeout=60.0):
        pass
    assert leftovers(image) == []
    assert is_clean(image)
    assert motd(image) in ("old\n", "new\n")
    if motd(image) == "old\n":
        assert digest(image) == before


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to mount a small disk")
def test_a_full_disk_under_the_overlay(pristine: pathlib.Path, tmp_path: pathlib.Path, temporary: pathlib.Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(small)], check=True)
    try:
        subprocess.run(["cp", "--sparse=always", str(pristine), str(small / "disk.raw")], check=True)
        image = Image(str(small / "disk.raw"), "raw")
        before = digest(image)
        with open_session(image, temporary) as session:
            calls = mounted(session)
            with pytest.raises(ApplianceError, match="no space left on the disk that holds the overlay"):
                for number in range(12):
                    calls.write(f"/etc/big{number}", random.randbytes(3 * 1024 * 1024))
                calls.sync()
        assert (leftovers(image), digest(image)) == ([], before)
    finally:
        subprocess.run(["umount", str(small)], check=True)


def test_another_program_writes_to_the_image_meanwhile(image: Image, temporary: pathlib.Path) -> None:
    """The overlay was made for other bytes than these: to commit it would mix the two."""
    with open_session(image, temporary) as session:
        session.client.begin("t")
        session.client.end(changed=True, summary="s")
        session.refresh()
        with open(image.path, "r+b") as stream:
            stream.seek(SIZE - 1)
            stream.write(b"!")
        before = digest(image)
        with pytest.raises(ImageBusyError, match="changed by another program while it was worked on"):
            session.commit()
    assert (leftovers(image), digest(image)) == ([], before)


def open_and_discard(image: Image, temporary: pathlib.Path) -> bool:
    """Return False, which makes a caller try again: whoever holds the image has not locked it yet."""
    open_session(image, temporary).discard()
    return False


class TestInUse:
    def test_by_a_virtual_machine(self, image: Image, temporary: pathlib.Path) -> None:
        before = digest(image)
        machine = ["qemu-system-x86_64", "-nodefaults", "-display", "none", "-S", "-accel", "tcg"]
        with subprocess.Popen([*machine, "-drive", f"file={image.path},format=raw,if=virtio"]) as running:
            try:
                with pytest.raises(ImageBusyError, match=rf"in use by process {running.pid} \(qemu-system"):
                    wait_until(lambda: open_and_discard(image, temporary), "QEMU's lock", 10)
            finally:
                running.kill()
        assert (leftovers(image), digest(image)) == ([], before)

    def test_by_a_program_that_writes(self, image: Image, temporary: pathlib.Path) -> None:
        with subprocess.Popen(["sleep", "600"], stdout=open(image.path, "r+b")) as running:
            try:
                with pytest.raises(ImageBusyError, match=rf"process {running.pid} \(sleep\)"):
                    open_session(image, temporary)
            finally:
                running.kill()
        assert leftovers(image) == []


class TestWhoMayJoin:
    def test_a_session_folder_that_others_may_enter_is_refused(self, image: Image, temporary: pathlib.Path) -> None:
        with open_session(image, temporary, joinable=True) as session:
            holder = read_holder(lock_path(image.path))
            assert holder is not None
            os.chmod(holder.directory, 0o755)
            with pytest.raises(ApplianceError, match="not a private folder of this user"):
                Client.connect(holder.directory, call_timeout=5, hello_timeout=5)
            assert session.client.status["state"] == "CONFIG"

    def test_a_lock_that_points_elsewhere_is_not_followed(self, image: Image, temporary: pathlib.Path) -> None:
        """A lock file left by a session that died must not have us remove just any folder."""
        precious = temporary / "precious"
        precious.mkdir(mode=0o700)
        (precious / "file").write_text("keep", encoding="utf-8")
        stale = {"pid": 1, "user": "u", "host": "h", "purpose": "p", "directory": str(precious), "joinable": False}
        pathlib.Path(lock_path(image.path)).write_text(json.dumps(stale), encoding="utf-8")
        with open_session(image, temporary):
            assert (precious / "file").exists()
        shutil.rmtree(precious)

    def test_a_server_that_is_not_there_is_no_session(self, image: Image, temporary: pathlib.Path) -> None:
        stale = {"pid": 1, "user": "u", "host": "h", "purpose": "p", "directory": "/nowhere", "joinable": True}
        pathlib.Path(lock_path(image.path)).write_text(json.dumps(stale), encoding="utf-8")
        with open_session(image, temporary) as session:
            assert not session.joined
        assert ImageLock.try_acquire(image.path) is not None
        os.unlink(lock_path(image.path))


KVM = os.access("/dev/kvm", os.R_OK | os.W_OK)
WRAPPER = """#!/bin/sh
# A QEMU whose KVM {what}; everything else is the real one.
case "$*" in
    *accel=kvm*-kernel*) echo launch >> {record}; {action};;
    *) exec qemu-system-x86_64 "$@";;
esac
# A machine that never runs its first instruction; -S would not be reached under a KVM that is really broken.
for word in "$@"; do
    shift
    case "$word" in *accel=kvm*) word=accel=tcg;; esac
    set -- "$@" "$word"
done
exec qemu-system-x86_64 "$@" $hang
"""


@pytest.mark.skipif(not KVM, reason="needs a /dev/kvm, working or not")
@pytest.mark.parametrize(
    ("what", "action", "reason"),
    [
        ("aborts", "echo 'qemu-system-x86_64: error: failed to set MSR' >&2; exit 134", "failed to set MSR"),
        ("hangs at boot", "hang=-S", "printed nothing within 15 seconds"),
    ],
)
def test_a_broken_kvm_is_found_out_once(
    image: Image,
    temporary: pathlib.Path,
    tmp_path: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
    what: str,
    action: str,
    reason: str,
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    record = tmp_path / "record"
    wrapper = tmp_path / "qemu-wrapper"
    wrapper.write_text(WRAPPER.format(what=what, action=action, record=record), encoding="utf-8")
    wrapper.chmod(0o755)
    with open_session(image, temporary, hv=str(wrapper), start="cold") as session:
        session.launch()
        assert session.accelerator == "tcg"
        assert reason in session.warnings[0]
        # Known from now on: a second start does not try KVM again, and says nothing.
        session.warnings.clear()
        session.client.stop()
        session.client.status["state"] = "CONFIG"
        session.launch()
        assert session.warnings == []
    assert record.read_text(encoding="utf-8") == "launch\n"
