# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""Start a server process, under an interpreter that has libguestfs's bindings."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import types
import typing as t

from .._errors import ApplianceError, HostError, OfflineGuestError, printable
from . import (
    _accelerator,
    _allowlist,
    _durable,
    _handle,
    _machine,
    _raw_names,
    _server,
    _warm,
    _warm_build,
    _warm_hv,
    _warm_init,
    _warm_store,
    _watchdog,
    _wire,
)
from ._client import Client
from ._lock import ImageLock

#: Where distributions put the interpreter that their own packages are for; the bindings are not on PyPI.
PLATFORM_INTERPRETERS = ("/usr/libexec/platform-python", "/usr/bin/python3", "/usr/local/bin/python3")
_START_TIMEOUT = 60
#: All that runs in the server's process, or is started by it: standard library only.
_SERVER_MODULES = (
    *(_accelerator, _allowlist, _durable, _handle, _machine, _raw_names, _server),
    *(_warm, _warm_build, _warm_hv, _warm_init, _warm_store, _watchdog, _wire),
)


def interpreters() -> list[str]:
    """Return the interpreters to try, the module's own first."""
    candidates = [sys.executable, *PLATFORM_INTERPRETERS]
    return [path for path in dict.fromkeys(candidates) if path and os.access(path, os.X_OK)]


def has_bindings(interpreter: str) -> bool:
    """Return whether an interpreter can import libguestfs's bindings."""
    try:
        done = subprocess.run(
            [interpreter, "-I", "-c", "import guestfs"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_START_TIMEOUT,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return done.returncode == 0


def find_interpreter() -> str:
    """Return the first interpreter that has the bindings.

    :raises HostError: none has.
    """
    tried = interpreters()
    for interpreter in tried:
        if has_bindings(interpreter):
            return interpreter
    raise HostError(
        f"No Python interpreter with libguestfs's bindings was found (tried {', '.join(tried)}).",
        hint="Install python3-guestfs (Debian, Ubuntu) or python3-libguestfs (Fedora, RHEL, SUSE).",
    )


def source_of(module: types.ModuleType) -> str:
    """Return the text of a module's file, also where this module runs from Ansible's zip archive.

    :raises ApplianceError: it was imported from something that keeps no source.
    """
    spec = module.__spec__
    # Not every loader that can is registered as an importlib.abc.InspectLoader: zipimport's is not.
    get_source = getattr(spec.loader, "get_source", None) if spec else None
    source: str | None = get_source(module.__name__) if get_source else None
    if source is None:
        raise ApplianceError(f"The file of {module.__name__} is missing from the module.")
    return source


def write_package(directory: str) -> str:
    """Write what the server is made of into a private folder, as the package ``offline_guest``; returns that folder."""
    package = os.path.join(directory, "lib", "offline_guest")
    os.makedirs(package)
    with open(os.path.join(package, "__init__.py"), "wb"):
        pass
    for module in _SERVER_MODULES:
        name = module.__name__.rpartition(".")[2]
        with open(os.path.join(package, f"{name}.py"), "w", encoding="utf-8") as stream:
            stream.write(source_of(module))
    return os.path.dirname(package)


def start_server(
    directory: str, lock: ImageLock, *, overlay: str, info: t.Mapping[str, t.Any], call_timeout: float
) -> Client:
    """Start a server in the private folder ``directory`` and connect to it.

    The socket is bound here and handed over listening, so that there is nothing to wait for. The server shares the
    lock's descriptor, and with it the lock.

    :raises HostError: no interpreter has the bindings.
    :raises ApplianceError: the server did not come up; the message holds its last words.
    """
    interpreter = find_interpreter()
    command = [interpreter, "-I", "-X", "utf8", "-c", _warm.RUN, write_package(directory), "offline_guest._server"]
    config: dict[str, t.Any] = {"directory": directory, "overlay": overlay, "lock": lock.path, "info": info}
    with _listen(os.path.join(directory, "socket")) as listener:
        config.update(listen_fd=listener.fileno(), lock_fd=lock.descriptor)
        process = _spawn(command, directory, (listener.fileno(), lock.descriptor))
        try:
            if process.stdin is None:
                raise AssertionError("the server is always started with a pipe")
            with process.stdin as pipe:
                pipe.write(json.dumps(config).encode("ascii"))
            client = Client.connect(directory, call_timeout=call_timeout, hello_timeout=_START_TIMEOUT)
            client.process = process
            return client
        except (OSError, OfflineGuestError) as exc:
            said = _last_words(directory)
            with contextlib.suppress(OSError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise ApplianceError(f"The session's server did not start: {said or exc}.") from exc


def _listen(path: str) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    try:
        listener.bind(path)
        listener.listen(16)
    except OSError as exc:
        listener.close()
        raise HostError(
            f"The socket {path} cannot be made: {exc}.", hint="Set appliance.tmpdir to a short path."
        ) from exc
    return listener


def _spawn(command: list[str], directory: str, descriptors: tuple[int, ...]) -> subprocess.Popen[bytes]:
    """Start the server in a session and process group of its own, its output in a file of the private folder."""
    with open(os.path.join(directory, "log"), "wb") as log:
        return subprocess.Popen(  # pylint: disable=consider-using-with
            command,
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            cwd="/",
            pass_fds=descriptors,
            start_new_session=True,
        )


def _last_words(directory: str) -> str:
    with contextlib.suppress(OSError), open(os.path.join(directory, "log"), "rb") as stream:
        return printable(stream.read(64 * 1024)[-600:].strip(), limit=600)
    return ""
