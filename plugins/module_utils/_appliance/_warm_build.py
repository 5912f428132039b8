# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""Builds an entry of the warm store: boots an appliance with an empty disk, and saves the machine while it waits.

A process of its own, so that the session that wanted it need not wait. It imports the standard library and what the
server imports, and runs under the same interpreter.
"""

from __future__ import annotations

import array
import contextlib
import ctypes
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import typing as t

from . import _handle, _warm_hv, _warm_init, _warm_store
from ._warm_hv import Port, Unfit, normalized, value_of
from ._warm_store import Store, Unusable

_EMPTY_DISK = 1024 * 1024  # bytes of the disk in whose place a session's disk comes
#: Makes a handle that is set up for the machine, and closes it.
Configured = t.Callable[[], contextlib.AbstractContextManager[t.Any]]
_UNLIMITED = 1 << 40  # bytes a second, for QEMU's migration
_PR_SET_PDEATHSIG = 1


class Qmp:
    """QEMU's monitor (QMP) over a connected socket."""

    def __init__(self, connection: socket.socket, until: float) -> None:
        self._connection = connection
        self._stream = connection.makefile("rb")
        self._until = until
        self._read()
        self.run("qmp_capabilities")

    def run(
        self, command: str, arguments: t.Mapping[str, t.Any] | None = None, *, descriptor: int | None = None
    ) -> t.Any:
        """Run one command and return its result.

        :raises Unfit: QEMU says no, or is gone.
        """
        line = json.dumps({"execute": command, "arguments": dict(arguments or {})}).encode() + b"\n"
        passed = array.array("i", [] if descriptor is None else [descriptor])
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, passed)] if passed else []
        self._connection.sendmsg([line], rights)
        while True:
            answer = self._read()
            if "error" in answer:
                raise Unfit(f"QEMU refuses {command}: {answer['error'].get('desc')}")
            if "return" in answer:
                return answer["return"]

    def _read(self) -> dict[str, t.Any]:
        self._connection.settimeout(max(0.1, self._until - time.monotonic()))
        try:
            line = self._stream.readline()
        except OSError as exc:
            raise Unfit(f"QEMU's monitor does not answer: {exc}") from exc
        if not line:
            raise Unfit("QEMU is gone")
        found: dict[str, t.Any] = json.loads(line)
        return found


def build(store: Store, options: dict[str, t.Any], accelerator: str, *, hv: str, again: bool) -> str:
    """Make the entry for a machine; returns its key. Does nothing where it is there, or where another process builds.

    :param options: as for :func:`_handle.configure`, without drives, and ``launch_timeout`` in seconds.
    :param hv: the text of what libguestfs runs in place of QEMU.
    :param again: also where it could not be made before; and wait for another process that builds.
    :raises Unusable: the store cannot be used.
    :raises Unfit: the machine cannot be saved.
    """
    store.prepare()
    until = time.monotonic() + float(options.get("launch_timeout") or 600)

    bindings = _handle.load_bindings()

    @contextlib.contextmanager
    def configured() -> t.Iterator[t.Any]:
        handle = bindings[0]()
        try:
            _handle.configure(handle, {**options, "drives": []}, accelerator)
            yield handle
        finally:
            handle.close()

    with configured() as handle:
        key = _warm_store.key_of(_warm_store.facts_of(handle, accelerator))
    _build_once(store, key, configured, hv, until, again=again)
    return key


def _build_once(store: Store, key: str, configured: Configured, hv: str, until: float, *, again: bool) -> None:
    if not again and store.failure(key):
        return
    with store.building(until if again else 0) as mine:
        if not mine or os.path.lexists(os.path.join(store.folder, key)):
            return
        staging = store.staging(key)
        try:
            store.publish(key, staging, _build_in(staging, configured, hv, until))
        except (Unfit, Unusable, OSError) as exc:
            store.remember_failure(key, str(exc))
            raise
        finally:
            shutil.rmtree(staging, ignore_errors=True)


def _build_in(staging: str, configured: Configured, hv: str, until: float) -> dict[str, t.Any]:
    """Fill the folder of an entry; returns its manifest."""
    # libguestfs's sockets go with the folder; that of the session which wanted the entry may be gone already.
    os.environ["XDG_RUNTIME_DIR"] = staging
    with configured() as handle:
        emulator = shutil.which(handle.get_hv()) or handle.get_hv()
        manifest = _manifest(emulator)
        _warm_store.write_json(os.path.join(staging, _warm_hv.MANIFEST), manifest)
        _write_program(os.path.join(staging, "hv"), hv)
        argv = _command_line(staging, handle)
    _copy_appliance(staging, argv)
    root = _warm_hv.field(value_of(argv, "-drive", "appliance"), "file")
    _put_root(staging, root)
    while not _boot_and_save(staging, emulator, argv, until):
        _put_root(staging, root)
    for name in ("log", "disk", "argv.json", "init", "offline-guest-reseed"):
        os.unlink(os.path.join(staging, name))
    return {**manifest, "machine": normalized(argv)}


def _manifest(emulator: str) -> dict[str, t.Any]:
    return {
        "emulator": emulator,
        "port": _warm_init.PORT,
        "words": {
            "wake": _warm_init.WAKE,
            "awake": _warm_init.AWAKE,
            "ready": _warm_init.READY,
            "launched": _warm_init.LAUNCH_FLAG,
        },
    }


def _copy_appliance(staging: str, argv: t.Sequence[str]) -> None:
    """Copy what libguestfs takes for a fixed appliance (guestfs(3)), but for its root."""
    for option, name in (("-kernel", "kernel"), ("-initrd", "initrd")):
        copy_sparse(value_of(argv, option), os.path.join(staging, name))
    with open(os.path.join(staging, "README.fixed"), "w", encoding="utf-8") as stream:
        stream.write("A saved appliance of the Ansible collection offline.guest. It can be removed at any time.\n")


def _put_root(staging: str, source: str) -> None:
    """Copy the appliance's file system, and give the copy our init."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(os.path.join(staging, "root"))
    copy_sparse(source, os.path.join(staging, "root"))
    put_init(staging)


def _write_program(path: str, text: str) -> None:
    with open(path, "w", encoding="utf-8") as stream:
        stream.write(text)
    os.chmod(path, 0o700)


def _command_line(staging: str, handle: t.Any) -> list[str]:
    """Return the command line of QEMU for a machine with one empty disk, as libguestfs makes it.

    An ``hv`` whose manifest has no machine yet writes it down instead of starting one, so this launch fails.
    """
    disk = os.path.join(staging, "disk")
    with open(disk, "wb") as stream:
        stream.truncate(_EMPTY_DISK)
    handle.add_drive_opts(disk, format="raw", cachemode="unsafe")
    handle.set_hv(os.path.join(staging, "hv"))
    with contextlib.suppress(RuntimeError):
        handle.launch()
    try:
        with open(os.path.join(staging, "argv.json"), encoding="utf-8") as stream:
            found: list[str] = json.load(stream)["argv"]
            return found
    except OSError as exc:
        raise Unfit("libguestfs did not come to start QEMU") from exc


def copy_sparse(source: str, target: str) -> None:
    """Copy a file and leave its holes out."""
    with open(source, "rb") as old, open(target, "wb") as new:
        for position, block in _warm_store.data_blocks(old):
            new.seek(position)
            new.write(block)
        new.truncate(os.fstat(old.fileno()).st_size)


def put_init(folder: str) -> None:
    """Put our init, and what makes random numbers new, into the appliance's file system (debugfs(8)).

    :raises Unfit: e2fsprogs is missing, or the appliance is no ext2 file system.
    """
    for name, content in (("init", _warm_init.INIT.encode()), ("offline-guest-reseed", _warm_init.reseeder())):
        with open(os.path.join(folder, name), "wb") as stream:
            stream.write(content)
        commands = [f"rm {name}", f"write {name} {name}", f"set_inode_field {name} mode 0100755"]
        commands += [f"set_inode_field {name} uid 0", f"set_inode_field {name} gid 0"]
        _debugfs(folder, "-w", "-f", "-", "root", text="\n".join(commands) + "\n")
        if _debugfs(folder, "-R", f"cat {name}", "root") != content:
            raise Unfit(f"the appliance's file system does not take a new {name}")


def _debugfs(folder: str, *arguments: str, text: str = "") -> bytes:
    program = shutil.which("debugfs", path=os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin")
    if program is None:
        raise Unfit("debugfs (of e2fsprogs) is not installed")
    done = subprocess.run([program, *arguments], cwd=folder, input=text.encode(), capture_output=True, check=False)
    return done.stdout


def _boot_and_save(staging: str, emulator: str, argv: t.Sequence[str], until: float) -> bool:
    """Boot the copies and save the machine; False where the kernel named its disks so that it has to be done again."""
    channel, library = socket.socketpair()
    ours, port = socket.socketpair()
    monitor, control = socket.socketpair()
    command = _boot_command(argv, staging)
    command = _warm_hv.with_ports(command, channel=channel.fileno(), port=port.fileno(), port_name=_warm_init.PORT)
    command += ["-chardev", f"socket,fd={control.fileno()},id=monitor", "-mon", "chardev=monitor,mode=control"]
    with open(os.path.join(staging, "log"), "wb") as log:
        process = subprocess.Popen(
            [emulator, *command],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=(channel.fileno(), port.fileno(), control.fileno()),
            preexec_fn=_die_with_parent,  # pylint: disable=subprocess-popen-preexec-fn  # this process has no threads
        )
    try:
        for end in (channel, port, control):
            end.close()
        said = Port(ours, until - time.monotonic()).hear()
        if said == _warm_init.SWAPPED:
            return False
        if said != _warm_init.PARKED:
            raise Unfit(f"the machine said {said!r} instead of {_warm_init.PARKED!r}")
        library.settimeout(max(1.0, until - time.monotonic()))
        if library.recv(4, socket.MSG_WAITALL).hex() != _warm_init.LAUNCH_FLAG:
            raise Unfit("libguestfs's daemon does not report as it should")
        _save(Qmp(monitor, until), os.path.join(staging, "state"), until)
        process.wait(timeout=max(1.0, until - time.monotonic()))
    except subprocess.TimeoutExpired as exc:
        raise Unfit("QEMU does not end") from exc
    finally:
        process.kill()
        process.wait()
    return True


def _boot_command(argv: t.Sequence[str], staging: str) -> list[str]:
    """Return the command line that boots the copies; the root is written to, because it is saved as well."""
    command = list(argv)
    root = os.path.join(staging, "root").replace(",", ",,")
    for index in range(1, len(command)):
        if command[index - 1] in ("-kernel", "-initrd"):
            command[index] = os.path.join(staging, command[index - 1][1:])
        elif command[index - 1] == "-drive" and _warm_hv.field(command[index], "id") == "appliance":
            command[index] = f"file={root},id=appliance,cache=unsafe,if=none,format=raw"
    return command


def _save(monitor: Qmp, path: str, until: float) -> None:
    """Save a running machine, which then stands still for good, and end QEMU.

    It is not stopped first: a machine that was saved while it was stopped does not go on by itself when it is resumed.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        monitor.run("getfd", {"fdname": "state"}, descriptor=descriptor)
    finally:
        os.close(descriptor)
    monitor.run("migrate-set-parameters", {"max-bandwidth": _UNLIMITED})
    monitor.run("migrate", {"uri": "fd:state"})
    while True:
        found = monitor.run("query-migrate")
        if found.get("status") == "completed":
            break
        if found.get("status") in ("failed", "cancelled") or time.monotonic() > until:
            raise Unfit(f"the machine's state cannot be saved: {found.get('error-desc') or found.get('status')}")
        time.sleep(0.1)
    monitor.run("quit")


def _die_with_parent() -> None:
    """Have the kernel end QEMU with this process, however that ends (prctl(2))."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def main() -> None:
    """Build what the JSON document on standard input asks for, and say on standard output how it went.

    Unless ``again`` is said, it is done in a process of its own that nobody waits for: it is not among the children
    that a server ends with itself, and by then all files are read that a session takes with it.
    """
    config = json.loads(sys.stdin.read())
    with open(_warm_hv.__file__, encoding="utf-8") as stream:
        hv = f"#!{sys.executable} -I\n{stream.read()}"
    if not config["again"]:
        if os.fork():
            os._exit(0)
        os.setsid()
        _close_standard_streams()
    os.umask(0o077)
    os.nice(10)
    signal.signal(signal.SIGTERM, _stop)
    try:
        options, accelerator, again = config["options"], config["accelerator"], config["again"]
        key = build(Store(config["store"]), options, accelerator, hv=hv, again=again)
        answer = {"key": key}
    except (Unfit, Unusable, OSError, RuntimeError) as exc:
        answer = {"error": str(exc).partition("\n")[0]}
    sys.stdout.write(json.dumps(answer) + "\n")


def _stop(_number: int, _frame: t.Any) -> None:
    """End as after an error, so that what is half built goes."""
    raise SystemExit(1)


def _close_standard_streams() -> None:
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nothing, descriptor)
