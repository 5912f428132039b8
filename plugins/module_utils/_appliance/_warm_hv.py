# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""What libguestfs runs in place of QEMU when an appliance is resumed: it becomes QEMU, on a saved machine's state.

This file is complete in itself: it is written into the entry of the warm store that it resumes, with a first line that
names the interpreter. Standard library only.

libguestfs's own command line says what the machine is to be. It must be the one that was saved but for the image, the
socket, and where the appliance's files are; then QEMU is started with what it says, the saved state, and a port of its
own on which the machine is woken up. A child does that, and kills QEMU where it fails; libguestfs then reports a launch
that failed, and whoever asked for it starts a cold one.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import sys
import time
import typing as t

MANIFEST = "machine.json"
#: Names the file that is told why a machine was not resumed.
REPORT_VARIABLE = "OFFLINE_GUEST_WARM_REPORT"
#: Seconds in which a resumed machine must be ready, under emulation on a busy host.
PATIENCE = 60
_SEED_BYTES = 64
_MAX_LINE = 4096


class Unfit(RuntimeError):
    """The machine cannot be resumed; the text says why."""


def normalized(argv: t.Sequence[str]) -> list[str]:
    """Return a command line with all that may differ between two launches of the same machine taken out.

    That is where the kernel and the disks are (and what QEMU does with their files), the socket, and the kernel's
    arguments, which a machine that has booted does not read again.
    """
    found = list(argv)
    for index in range(1, len(found)):
        option, value = found[index - 1], found[index]
        if option in ("-kernel", "-initrd", "-append"):
            found[index] = "*"
        elif option == "-chardev" and value.startswith("socket,"):
            found[index] = f"socket,id={field(value, 'id')}"
        elif option == "-drive":
            found[index] = f"id={field(value, 'id')}"
    return found


def field(value: str, key: str) -> str:
    """Return one value of QEMU's ``key=value,…``; a comma in a value is written twice."""
    for part in value.replace(",,", "\0").split(","):
        name, _equals, text = part.partition("=")
        if name == key:
            return text.replace("\0", ",")
    return ""


def value_of(argv: t.Sequence[str], option: str, identity: str = "") -> str:
    """Return the value of the first ``option`` of a command line, of the one whose id is ``identity`` if one is given.

    :raises Unfit: there is none.
    """
    for index in range(1, len(argv)):
        if argv[index - 1] == option and (not identity or field(argv[index], "id") == identity):
            return argv[index]
    raise Unfit(f"libguestfs gave QEMU no {option} {identity}".rstrip())


def with_ports(argv: t.Sequence[str], *, channel: int, port: int, port_name: str) -> list[str]:
    """Return a command line with libguestfs's channel and our port on descriptors that QEMU inherits."""
    command = list(argv)
    for index in range(1, len(command)):
        if command[index - 1] == "-chardev" and field(command[index], "id") == "channel0":
            command[index] = f"socket,fd={channel},id=channel0"
    device = f"virtserialport,chardev=warm,name={port_name}"
    return [*command, "-chardev", f"socket,fd={port},id=warm", "-device", device]


class Port:
    """The saved machine's port, seen from the host: lines of text, with one deadline for all of them.

    :raises Unfit: the machine was not in time, or is gone.
    """

    def __init__(self, connection: socket.socket, patience: float) -> None:
        self._connection = connection
        self._until = time.monotonic() + patience
        self._buffer = b""

    def say(self, line: str) -> None:
        try:
            self._connection.sendall(line.encode("ascii") + b"\n")
        except OSError as exc:
            raise Unfit(f"the machine is gone: {exc}") from exc

    def expect(self, line: str) -> None:
        """Wait for one line."""
        said = self.hear()
        if said != line:
            raise Unfit(f"the machine said {said!r} instead of {line!r}")

    def hear(self) -> str:
        """Wait for a line, whatever it says."""
        while b"\n" not in self._buffer:
            left = self._until - time.monotonic()
            if left <= 0 or not select.select([self._connection], [], [], left)[0]:
                raise Unfit("the machine did not answer in time")
            try:
                data = self._connection.recv(_MAX_LINE)
            except OSError as exc:
                raise Unfit(f"the machine is gone: {exc}") from exc
            if not data or len(self._buffer) > _MAX_LINE:
                raise Unfit("the machine is gone")
            self._buffer += data
        line, _newline, self._buffer = self._buffer.partition(b"\n")
        return line.decode("ascii", "replace").strip()


def wake(port: Port, words: t.Mapping[str, str]) -> None:
    """Wake a machine that has been resumed, and give it the time and random bytes when it asks for them."""
    port.say(words["wake"])
    port.expect(words["awake"])
    seed = "".join(f"\\x{byte:02x}" for byte in os.urandom(_SEED_BYTES))
    port.say(f"{time.time():.3f} {seed}")
    port.expect(words["ready"])


def report(reason: str) -> None:
    """Leave the reason where whoever asked for the launch looks for it."""
    path = os.environ.get(REPORT_VARIABLE)
    if path:
        with open(path, "w", encoding="utf-8") as stream:
            stream.write(reason)


def _attend(connection: socket.socket, channel: socket.socket, words: t.Mapping[str, str], emulator: int) -> None:
    """In a child: wake the machine and tell libguestfs that it is there, or end QEMU.

    :param emulator: a descriptor of the process that becomes QEMU (pidfd_open(2)): its number may be another's by then.
    """
    for descriptor in (0, 1, 2):  # libguestfs's: it waits for their end
        os.close(descriptor)
    try:
        wake(Port(connection, PATIENCE), words)
        channel.sendall(bytes.fromhex(words["launched"]))
    except (Unfit, OSError) as exc:
        report(str(exc))
        signal.pidfd_send_signal(emulator, signal.SIGKILL)


def _start(folder: str, argv: list[str]) -> t.NoReturn:
    with open(os.path.join(folder, MANIFEST), encoding="utf-8") as stream:
        manifest = json.load(stream)
    if "machine" not in manifest:  # it is being built, and this is how its builder learns the command line
        with open(os.path.join(folder, "argv.json"), "w", encoding="utf-8") as stream:
            json.dump({"argv": argv}, stream)
        raise Unfit("the machine is not saved yet")
    if normalized(argv) != manifest["machine"]:
        raise Unfit("libguestfs describes another machine than the saved one")
    emulator: str = manifest["emulator"]
    state = os.open(os.path.join(folder, "state"), os.O_RDONLY)
    channel = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    channel.connect(field(value_of(argv, "-chardev", "channel0"), "path"))
    ours, port = socket.socketpair()
    emulator_process = os.pidfd_open(os.getpid())
    # Two forks, so that the one that attends is no child of QEMU's, which would not wait for it.
    first = os.fork()
    if first == 0:
        if os.fork() == 0:
            port.close()
            os.close(state)
            _attend(ours, channel, manifest["words"], emulator_process)
        os._exit(0)
    os.waitpid(first, 0)
    ours.close()
    for descriptor in (state, channel.fileno(), port.fileno()):
        os.set_inheritable(descriptor, True)
    command = with_ports(argv, channel=channel.fileno(), port=port.fileno(), port_name=manifest["port"])
    os.execv(emulator, [emulator, *command, "-incoming", f"fd:{state}"])


def main() -> None:
    """Become QEMU: on the saved state where a machine is to be started, as it is where libguestfs asks it something."""
    folder = os.path.dirname(os.path.abspath(sys.argv[0]))
    argv = sys.argv[1:]
    try:
        if "-kernel" in argv:
            _start(folder, argv)
        with open(os.path.join(folder, MANIFEST), encoding="utf-8") as stream:
            emulator = json.load(stream)["emulator"]
        os.execv(emulator, [emulator, *argv])
    except (Unfit, OSError, ValueError, KeyError) as exc:
        report(str(exc))
        raise SystemExit(f"offline.guest: the saved appliance cannot be resumed: {exc}") from exc


if __name__ == "__main__":
    main()
