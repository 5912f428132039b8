# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""The server: the one process that holds a libguestfs handle.

It runs under whichever interpreter of the host has the ``guestfs`` bindings, out of Ansible's reach, so it imports the
standard library only, and files beside this one of which the same is true. It speaks JSON-RPC 2.0, one message a line,
over a Unix socket that it inherits already bound and listening, in a directory of mode 0700; it serves one client at a
time, and only its own user.

What it guards:

* Only the libguestfs calls of :data:`CALLS` reach the handle. None of them runs a guest's program.
* Every drive has an explicit format, or there is no drive.
* Every call has a deadline. A watchdog thread kills the appliance when it passes, when the client is gone, and when
  the disk below the overlay is full (QEMU then pauses the appliance, which would wait for ever).
* Whatever ends it (the client's word, the client's death, a signal, the idle time), it takes its appliance, overlay,
  lock and folder with it, unless it handed the overlay and the lock over for a commit.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import select
import shutil
import signal
import socket
import sys
import time
import typing as t

from ._allowlist import CALLS, ServerError
from ._handle import Bindings, load_bindings
from ._machine import Appliance
from ._watchdog import Watch
from ._wire import MAX_LINE, PROTOCOL, decode, encode, peer_uid

FULL_DISK_BYTES = 1024 * 1024


class Workspace:
    """What the server removes when it ends: the overlay, its own folder, and last the lock."""

    def __init__(self, config: dict[str, t.Any]) -> None:
        self.directory: str = config["directory"]
        self.overlay: str | None = config.get("overlay")
        self.lock: str | None = config.get("lock")
        self.lock_fd: int | None = config.get("lock_fd")

    def has_space(self) -> bool:
        """Return whether the disk below the overlay has room for a little more."""
        if not self.overlay:
            return True
        try:
            found = os.statvfs(os.path.dirname(self.overlay))
        except OSError:
            return True
        return found.f_bavail * found.f_frsize > FULL_DISK_BYTES

    def hand_over(self) -> int:
        """Give overlay and lock away; returns the descriptor of the lock."""
        if self.lock_fd is None:
            raise ServerError("protocol", "there is no lock to hand over")
        descriptor, self.lock_fd = self.lock_fd, None
        self.overlay = self.lock = None
        return descriptor

    def remove(self) -> None:
        """Remove what is still ours; the lock last, for it says that the rest is gone."""
        if self.overlay:
            with contextlib.suppress(OSError):
                os.unlink(self.overlay)
        shutil.rmtree(self.directory, ignore_errors=True)
        if self.lock and self.lock_fd is not None:
            with contextlib.suppress(OSError):
                if os.stat(self.lock).st_ino == os.fstat(self.lock_fd).st_ino:
                    os.unlink(self.lock)
        self.overlay = self.lock = None


class Session:
    """What the tasks of a session did so far."""

    def __init__(self) -> None:
        self.changes: list[dict[str, t.Any]] = []
        self.broken = ""
        self.notes: dict[str, t.Any] = {}
        self._task: str | None = None
        self._wrote = False

    def begin(self, task: str) -> None:
        """A task starts."""
        self._task, self._wrote = task, False

    def wrote(self) -> None:
        """A call changed the guest."""
        self._wrote = True

    def end(self, changed: bool, summary: str) -> None:
        """The task came to its end, and says what it did."""
        if changed:
            self.changes.append({"task": self._task or "", "summary": summary})
        self._task, self._wrote = None, False

    def abandon(self) -> None:
        """The task failed or its process died: what it wrote is half a change, so the session can only be discarded."""
        if self._task is not None and self._wrote:
            self.broken = f"the task '{self._task}' ended in the middle of its changes"
        self._task, self._wrote = None, False


class Server:
    """The loop: one client after the other, until somebody or the clock says it is over."""

    def __init__(self, config: dict[str, t.Any], listener: socket.socket, bindings: Bindings) -> None:
        self.workspace = Workspace(config)
        self.session = Session()
        self.idle_timeout: float | None = None  # None: ends with its first client
        self._info = config.get("info", {})
        self._listener = listener
        self._connection: socket.socket | None = None
        self._ended = False
        self._wake_r, self._wake_w = os.pipe()
        os.set_blocking(self._wake_w, False)
        self._signalled = False
        self._watch = Watch(self._must_stop, self.workspace.has_space)
        self._watch.give_up = self._give_up
        self.appliance = Appliance(self._watch, bindings, config["directory"])
        self._methods: dict[str, t.Callable[[dict[str, t.Any]], t.Any]] = {
            "launch": self._do_launch,
            "call": self._do_call,
            "stop": self._do_stop,
            "begin": self._do_begin,
            "end": self._do_end,
            "note": self._do_note,
            "detach": self._do_detach,
            "status": lambda _params: self.status(),
            "release": self._do_release,
            "discard": self._do_discard,
        }

    # Ending

    def on_signal(self, _number: int, _frame: t.Any) -> None:
        """Nothing: the wake-up descriptor has carried the signal to the watchdog already."""

    def install_signals(self) -> None:
        """Let SIGTERM, SIGINT and SIGHUP end the session, also while the main thread is inside libguestfs.

        Python runs signal handlers in the main thread between byte codes, which a blocking call keeps from happening;
        the wake-up descriptor is written at once (signal.set_wakeup_fd). Signals are not blocked instead, because
        QEMU would inherit the mask and then not hear the SIGTERM with which libguestfs stops it.
        """
        signal.set_wakeup_fd(self._wake_w, warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self.on_signal)

    def _must_stop(self) -> bool:
        """Whether a signal came, or the client went away in the middle of a call (asked by the watchdog)."""
        if not self._signalled and select.select([self._wake_r], [], [], 0)[0]:
            self._signalled = True
        return self._signalled or self._client_gone()

    def _client_gone(self) -> bool:
        connection = self._connection
        if connection is None:
            return False
        poll = select.poll()
        try:
            poll.register(connection, select.POLLRDHUP)
        except (ValueError, OSError):
            return True
        return any(event & (select.POLLRDHUP | select.POLLHUP | select.POLLERR) for _fd, event in poll.poll(0))

    def _give_up(self) -> None:
        self.workspace.remove()
        os._exit(3)

    # Serving

    def run(self) -> None:
        """Serve until the end, then remove everything."""
        try:
            while not self._ended and not self._signalled:
                connection = self._accept()
                if connection is None:
                    break
                with connection:
                    self._serve(connection)
                    if self.idle_timeout is None:
                        self._ended = True
                    if self._ended or self._signalled:
                        # Before the client sees the end of the stream, so that it finds nothing left.
                        self._clean()
        finally:
            self._clean()

    def _clean(self) -> None:
        self._connection = None
        self.appliance.kill()
        self.workspace.remove()

    def _accept(self) -> socket.socket | None:
        limit = 60.0 if self.idle_timeout is None else self.idle_timeout
        until = time.monotonic() + limit
        while time.monotonic() < until:
            sources: list[socket.socket | int] = [self._listener, self._wake_r]
            ready = select.select(sources, [], [], until - time.monotonic())[0]
            if self._wake_r in ready:
                self._signalled = True
                return None
            if self._listener in ready:
                connection = self._listener.accept()[0]
                if peer_uid(connection) == os.geteuid():
                    return connection
                connection.close()
        return None

    def _serve(self, connection: socket.socket) -> None:
        self._connection = connection
        buffer = bytearray()
        self._send(connection, {"jsonrpc": "2.0", "method": "hello", "params": self.status()})
        while not self._ended:
            line = self._read_line(connection, buffer)
            if line is None:
                break
            self._answer(connection, line)
        self.session.abandon()
        self._connection = None

    def _read_line(self, connection: socket.socket, buffer: bytearray) -> bytes | None:
        while b"\n" not in buffer:
            if len(buffer) > MAX_LINE:
                return None
            sources: list[socket.socket | int] = [connection, self._wake_r]
            ready = select.select(sources, [], [])[0]
            if self._wake_r in ready or self._signalled:
                self._signalled = True
                return None
            try:
                data = connection.recv(1024 * 1024)
            except OSError:
                return None
            if not data:
                return None
            buffer += data
        line, _newline, rest = bytes(buffer).partition(b"\n")
        buffer[:] = rest
        return line

    def _answer(self, connection: socket.socket, line: bytes) -> None:
        identity: t.Any = None
        try:
            request = json.loads(line)
            identity = request.get("id")
            method = self._methods.get(request.get("method"))
            if request.get("jsonrpc") != "2.0" or method is None:
                raise ServerError("protocol", "no such method")
            answer: dict[str, t.Any] = {"result": encode(method(decode(request.get("params") or {})))}
        except ServerError as exc:
            answer = {"error": {"code": -32000, "message": str(exc), "data": {"kind": exc.kind, **encode(exc.data)}}}
        except (ValueError, LookupError, TypeError, AttributeError) as exc:
            answer = {"error": {"code": -32600, "message": f"bad request: {exc}", "data": {"kind": "protocol"}}}
        self._send(connection, {"jsonrpc": "2.0", "id": identity, **answer})

    def _send(self, connection: socket.socket, message: dict[str, t.Any]) -> None:
        descriptor = self._descriptor
        self._descriptor = None
        data = json.dumps(message).encode("ascii") + b"\n"
        try:
            if descriptor is not None:
                socket.send_fds(connection, [data[:1]], [descriptor])
                data = data[1:]
                os.close(descriptor)
            connection.sendall(data)
        except OSError:
            pass  # the client is gone: the read that follows says so

    _descriptor: int | None = None

    # Methods

    def status(self) -> dict[str, t.Any]:
        """Return what a client needs to know before it says anything."""
        return {
            "protocol": PROTOCOL,
            "pid": os.getpid(),
            "state": self.appliance.state,
            "accelerator": self.appliance.accelerator,
            "start": self.appliance.start,
            "detached": self.idle_timeout is not None,
            "changes": self.session.changes,
            "broken": self.session.broken,
            "notes": self.session.notes,
            "info": self._info,
        }

    def _do_launch(self, params: dict[str, t.Any]) -> dict[str, t.Any]:
        self.appliance.warnings = []
        self.appliance.launch(params)
        return {
            "accelerator": self.appliance.accelerator,
            "start": self.appliance.start,
            "warnings": self.appliance.warnings,
        }

    def _do_call(self, params: dict[str, t.Any]) -> t.Any:
        name = str(params["name"])
        if CALLS.get(name) == "write":
            self.session.wrote()
        return self.appliance.call(name, params.get("args", []), params.get("kwargs", {}), float(params["deadline"]))

    def _do_stop(self, params: dict[str, t.Any]) -> None:
        self.appliance.shutdown(float(params["deadline"]))

    def _do_begin(self, params: dict[str, t.Any]) -> None:
        self.session.begin(str(params["task"]))

    def _do_end(self, params: dict[str, t.Any]) -> None:
        self.session.end(bool(params["changed"]), str(params["summary"]))

    def _do_note(self, params: dict[str, t.Any]) -> None:
        self.session.notes[str(params["key"])] = params["value"]

    def _do_detach(self, params: dict[str, t.Any]) -> None:
        self.idle_timeout = float(params["idle_timeout"])

    def _do_release(self, params: dict[str, t.Any]) -> None:
        if self.session.broken:
            raise ServerError("broken", self.session.broken)
        self.appliance.shutdown(float(params["deadline"]))
        self._descriptor = self.workspace.hand_over()
        self._ended = True

    def _do_discard(self, _params: dict[str, t.Any]) -> None:
        self._ended = True
        self._clean()


def main() -> None:
    """Read the configuration from standard input (one JSON document), then serve."""
    config = json.loads(sys.stdin.read())
    for name in ("listen_fd", "lock_fd"):
        if config.get(name) is not None:
            # Not for QEMU, nor for anything else that libguestfs starts.
            fcntl.fcntl(config[name], fcntl.F_SETFD, fcntl.FD_CLOEXEC)
    # Sockets and temporary files of libguestfs live, and go, with the session's own folder.
    os.environ["XDG_RUNTIME_DIR"] = config["directory"]
    os.umask(0o077)
    with socket.socket(fileno=config["listen_fd"]) as listener:
        server = Server(config, listener, load_bindings())
        server.install_signals()
        server.run()


if __name__ == "__main__":
    main()
