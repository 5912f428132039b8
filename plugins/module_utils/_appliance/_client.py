# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""The module's end of the socket to the server."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import stat
import subprocess
import time
import typing as t

from .._errors import ApplianceError, CallError, OfflineGuestError, ProtocolError, TransactionError
from ._schema import LAUNCHED, RESPONSE, check_document
from ._wire import MAX_LINE, PROTOCOL, RESUME_LIMIT, decode, encode, peer_uid

_SLOWEST = (
    1024 * 1024
)  # bytes a second that a transfer may be slow to move: an emulated appliance makes fifty times that
GRACE = 45  # seconds after a call's own deadline until the server itself counts as hung


class Client:
    """A connection to a server, and the :class:`Rpc` of its appliance.

    :param call_timeout: deadline of one libguestfs call, in seconds.
    """

    def __init__(self, connection: socket.socket, *, call_timeout: float, hello_timeout: float) -> None:
        self._connection = connection
        self._call_timeout = call_timeout
        self._buffer = bytearray()
        self._id = 0
        self._descriptors: list[int] = []
        self.process: subprocess.Popen[bytes] | None = None  # the server, where this process started it
        if peer_uid(connection) != os.geteuid():
            raise ProtocolError("The server at the other end of the socket belongs to another user.")
        self.status: dict[str, t.Any] = {}
        self.status = self._hello(hello_timeout)

    @classmethod
    def connect(cls, directory: str, *, call_timeout: float, hello_timeout: float) -> Client:
        """Connect to the server whose private folder is ``directory``.

        :raises ProtocolError: the folder is not ours alone, or nobody answers.
        """
        require_private(directory)
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        try:
            connection.settimeout(hello_timeout)
            connection.connect(os.path.join(directory, "socket"))
            return cls(connection, call_timeout=call_timeout, hello_timeout=hello_timeout)
        except OSError as exc:
            connection.close()
            raise ProtocolError(f"The session's server does not answer: {exc}.") from exc
        except OfflineGuestError:
            connection.close()
            raise

    # Requests

    def call(self, name: str, *args: t.Any, extra_seconds: float = 0, **kwargs: t.Any) -> t.Any:
        """Make a libguestfs call; see :class:`Calls` for what it raises."""
        deadline = self._call_timeout + extra_seconds
        params = {"name": name, "args": list(args), "kwargs": kwargs, "deadline": deadline}
        return self._request("call", params, deadline)

    def launch(self, options: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        """Start the appliance; returns ``{"accelerator", "start", "warnings"}``."""
        # Three deadlines: for saving an appliance, for a KVM that turns out to be broken, and for TCG after that.
        answer = self._request("launch", dict(options), 3 * float(options["launch_timeout"]) + RESUME_LIMIT)
        return dict(check_document(LAUNCHED, answer))

    def stop(self) -> None:
        """Stop the appliance in order; the server stays and may launch again."""
        self._request("stop", {"deadline": self._call_timeout}, self._call_timeout)

    def begin(self, task: str) -> None:
        """Say that a task starts."""
        self._request("begin", {"task": task}, 10)

    def end(self, *, changed: bool, summary: str) -> None:
        """Say that the task came to its end."""
        self._request("end", {"changed": changed, "summary": summary}, 10)

    def note(self, key: str, value: t.Any) -> None:
        """Leave a JSON value with the session, for the tasks that come later."""
        self._request("note", {"key": key, "value": value}, 10)
        self.status["notes"][key] = value

    def detach(self, idle_timeout: float) -> None:
        """Let the server outlive this connection."""
        self._request("detach", {"idle_timeout": idle_timeout}, 10)

    def release(self) -> int:
        """Stop the appliance and take over overlay and lock; returns the descriptor of the lock.

        The server ends after this.
        """
        self._request("release", {"deadline": self._call_timeout}, self._call_timeout)
        if len(self._descriptors) != 1:
            raise ProtocolError("The server did not hand the lock over.")
        return self._descriptors.pop()

    def discard(self) -> None:
        """Have the server throw everything away, and wait until it has."""
        self._request("discard", {}, 60)
        self.wait_gone()

    # Ending

    def close(self) -> None:
        """Hang up."""
        for descriptor in self._descriptors:
            os.close(descriptor)
        self._descriptors.clear()
        with contextlib.suppress(OSError):
            self._connection.close()

    def hang_up_and_wait(self) -> None:
        """Hang up our half and wait for the server, which ends with its first client, to be gone."""
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_WR)
        self.wait_gone()

    def wait_gone(self) -> None:
        """Wait until the server closes the stream, the last thing it does; kill it if it does not."""
        with contextlib.suppress(OSError, OfflineGuestError):
            until = time.monotonic() + 60
            while time.monotonic() < until:
                self._connection.settimeout(max(0.1, until - time.monotonic()))
                if not self._connection.recv(64 * 1024):
                    self._reap()
                    return
        self._kill()
        self._reap()

    def _reap(self) -> None:
        if self.process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(timeout=30)

    def _kill(self) -> None:
        """Kill the server with all it started; it leads a process group of its own."""
        if self.status:
            with contextlib.suppress(OSError):
                os.killpg(int(self.status["pid"]), signal.SIGKILL)

    # The wire

    def _hello(self, seconds: float) -> dict[str, t.Any]:
        message = self._receive(time.monotonic() + seconds)
        if message.get("method") != "hello":
            raise ProtocolError("The server did not say hello.")
        status = dict(message["params"])
        if status["protocol"] != PROTOCOL:
            raise ProtocolError(
                "The open session was started by another version of this collection.",
                hint="End it with that version, or stop its process, and open it again.",
            )
        return status

    def _request(self, method: str, params: dict[str, t.Any], seconds: float) -> t.Any:
        self._id += 1
        message = {"jsonrpc": "2.0", "id": self._id, "method": method, "params": encode(params)}
        data = json.dumps(message).encode("ascii") + b"\n"
        if len(data) > MAX_LINE:
            raise ProtocolError(f"{method}: the message is longer than {MAX_LINE} bytes.")
        try:
            self._connection.settimeout(seconds + GRACE)
            self._connection.sendall(data)
        except OSError as exc:
            raise ApplianceError(f"The session's server is gone: {exc}.", hint=_AGAIN) from exc
        answer = self._receive(time.monotonic() + seconds + GRACE)
        if answer.get("id") != self._id:
            raise ProtocolError("The server answered something that was not asked.")
        if "error" in answer:
            raise _error(answer["error"], params)
        return decode(answer["result"])

    def _receive(self, until: float) -> dict[str, t.Any]:
        line = self._receive_line(until)
        try:
            return dict(check_document(RESPONSE, json.loads(line)))
        except ValueError as exc:
            raise ProtocolError(f"The server's answer makes no sense: {exc}.") from exc

    def _receive_line(self, until: float) -> bytes:
        while b"\n" not in self._buffer:
            if len(self._buffer) > 2 * MAX_LINE:
                raise ProtocolError("The server's answer is too long.")
            try:
                self._connection.settimeout(max(0.1, until - time.monotonic()))
                data, descriptors, _flags, _address = socket.recv_fds(self._connection, 1024 * 1024, 1)
            except socket.timeout as exc:
                if not self.status:  # it has not said hello: it is serving somebody else
                    raise ProtocolError("The session is in use by another task.") from exc
                self._kill()
                raise ApplianceError("The session's server hung and was killed.", hint=_AGAIN) from exc
            except OSError as exc:
                raise ApplianceError(f"The session's server is gone: {exc}.", hint=_AGAIN) from exc
            self._descriptors.extend(descriptors)
            if not data:
                raise ApplianceError("The session's server ended.", hint=_AGAIN)
            self._buffer += data
        line, _newline, rest = bytes(self._buffer).partition(b"\n")
        self._buffer[:] = rest
        return line


_AGAIN = "The image is as it was before the session; run the play again."


def _error(error: t.Mapping[str, t.Any], params: t.Mapping[str, t.Any]) -> OfflineGuestError:
    """Return the exception for an error answer of the server."""
    data = dict(decode(error["data"]))
    kind, message = data["kind"], str(error["message"])
    if kind == "call":
        return CallError(str(data.get("call", "")), message, int(data.get("errno", 0)))
    if kind == "launch":
        from ._diagnose import launch_error  # not for the many tasks that join a session

        return launch_error(message, console=str(data.get("console", "")), options=params)
    if kind == "appliance":
        return ApplianceError(
            f"The appliance failed: {message}.", hint=_AGAIN, details={"console": str(data.get("console", ""))}
        )
    if kind == "broken":
        return TransactionError(
            f"The session cannot be committed: {message}.", hint="Discard it (state: discarded) and run the play again."
        )
    return ProtocolError(f"The server refused the request: {message}.")


def require_private(directory: str) -> None:
    """Refuse a session folder that is not ours alone (CVE-2013-4419 is what happens otherwise)."""
    try:
        found = os.lstat(directory)
    except OSError as exc:
        raise ProtocolError(f"The session's folder is gone: {exc}.") from exc
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) & 0o077:
        raise ProtocolError(f"{directory} is not a private folder of this user.")
