# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""The module network: one connection of a guest, in the files of what configures its network."""

from __future__ import annotations

import dataclasses
import typing as t

from .._errors import OptionError, printable
from ._changes import Change, File, carry_out, changed_paths
from ._files import GuestFiles
from ._net_model import Connection, parse_connection, parse_interface, parse_name
from ._net_renderer import Renderer, find_renderer
from ._paths import GuestPath
from ._task import Outcome, Task

MAX_SIZE = 1024 * 1024
_SUSE = GuestPath("/etc/sysconfig/network")
_RHEL = GuestPath("/etc/sysconfig/network-scripts")
_SUSE_CONFIG = _SUSE.joined("config")
_MAX_INTERFACES = 200


@dataclasses.dataclass(frozen=True)
class Wanted:
    """A file as it is to be.

    :param content: None to have none.
    :param mode: None to leave it, or to have 0644.
    """

    path: str
    content: bytes | None
    mode: int | None = None


@dataclasses.dataclass(frozen=True)
class Subject:
    """What the task is about.

    :param connection: None where it is to be absent.
    """

    name: str
    interface: str | None
    connection: Connection | None


def handle(task: Task) -> Outcome:
    """Run the task.

    :raises OptionError: the options are wrong. :raises GuestError: what configures the guest's network is not known, or
        a file is too large or no regular file.
    """
    params, files = task.params, task.guest.files
    subject = parse(params)
    renderer: Renderer = find_renderer(files) if params["renderer"] == "auto" else params["renderer"]
    changes = [
        _change(files, wanted, backup=params["backup"]) for wanted in render(files, renderer, subject, task.warn)
    ]
    return _outcome(task, subject, renderer, changes)


def parse(params: t.Mapping[str, t.Any]) -> Subject:
    """Check the options.

    :raises OptionError: they are wrong.
    """
    name, interface = parse_name(params["name"]), parse_interface(params["interface"])
    if params["state"] == "absent":
        return Subject(name, interface, None)
    if interface is None and params["mac"] is None:
        raise OptionError("The connection has no device.", hint="Give its name as interface, or its address as mac.")
    return Subject(name, interface, parse_connection(params))


def render(
    files: GuestFiles, renderer: Renderer, subject: Subject, warn: t.Callable[[str], None]
) -> t.Iterable[Wanted]:
    """Return the files of the connection as they are to be.

    :raises OptionError: the connection cannot be written for that renderer.
    """
    if renderer == "ifupdown":
        return _ifupdown(files, subject, warn)
    return _ifcfg(files, subject) if renderer == "ifcfg" else [_single(renderer, subject)]


def _single(renderer: Renderer, subject: Subject) -> Wanted:
    """The connection as one file of its name."""
    from ._net_formats import keyfile, netplan, networkd

    connection = subject.connection
    # Of netplan's files the last counts, of networkd's the first that fits.
    path, mode, make = {
        "netplan": (f"/etc/netplan/90-{subject.name}.yaml", 0o600, netplan),
        "networkmanager": (f"/etc/NetworkManager/system-connections/{subject.name}.nmconnection", 0o600, keyfile),
        "networkd": (f"/etc/systemd/network/10-{subject.name}.network", None, networkd),
    }[renderer]
    return Wanted(path, None if connection is None else make(connection).encode(), mode)


# ifcfg


def _ifcfg(files: GuestFiles, subject: Subject) -> t.Iterator[Wanted]:
    # Only RHEL's family has a directory of scripts below the other.
    found = files.lstat(files.resolve(_SUSE))
    is_suse = found is not None and found.kind == "directory"
    return _suse(files, subject) if is_suse else _rhel(subject)


def _rhel(subject: Subject) -> t.Iterator[Wanted]:
    from ._net_ifcfg import rhel_ifcfg, rhel_routes

    connection, suffix = subject.connection, subject.interface or subject.name
    routes4 = rhel_routes(connection.routes_of(4)) if connection else None
    routes6 = rhel_routes(connection.routes_of(6)) if connection else None
    yield Wanted(f"{_RHEL}/ifcfg-{suffix}", rhel_ifcfg(connection).encode() if connection else None)
    yield Wanted(f"{_RHEL}/route-{suffix}", routes4.encode() if routes4 else None)
    yield Wanted(f"{_RHEL}/route6-{suffix}", routes6.encode() if routes6 else None)


def _suse(files: GuestFiles, subject: Subject) -> t.Iterator[Wanted]:
    from ._net_ifcfg import suse_ifcfg, suse_routes, with_suse_dns

    connection, suffix = subject.connection, subject.interface or subject.name
    if connection is None:
        yield Wanted(f"{_SUSE}/ifcfg-{suffix}", None)
        yield Wanted(f"{_SUSE}/ifroute-{suffix}", None)
        return
    routes = suse_routes(connection)
    yield Wanted(f"{_SUSE}/ifcfg-{suffix}", suse_ifcfg(connection).encode())
    yield Wanted(f"{_SUSE}/ifroute-{suffix}", routes.encode() if routes else None)
    if connection.nameservers or connection.search:
        yield Wanted(_SUSE_CONFIG, with_suse_dns(_content(files, _SUSE_CONFIG), connection))


# ifupdown


def _ifupdown(files: GuestFiles, subject: Subject, warn: t.Callable[[str], None]) -> t.Iterator[Wanted]:
    from ._net_ifupdown import MAIN, Interfaces, file_text, stanzas

    content, connection = _content(files, MAIN), subject.connection
    main = Interfaces.parse(content)
    own = main.file_for(subject.name)
    if connection is None:
        after, text = main.without_block(subject.name), None
    else:
        text = stanzas(connection)
        after = main.without_interface(str(connection.interface), keep=subject.name)
        after = after.with_block(subject.name, text) if own is None else after.without_block(subject.name)
        _warn_of(files, connection, own, warn)
    yield Wanted(MAIN, content if after == main else after.format())
    if own is not None:
        yield Wanted(own, None if text is None else file_text(text).encode())


def _warn_of(files: GuestFiles, connection: Connection, own: str | None, warn: t.Callable[[str], None]) -> None:
    from ._net_ifupdown import FOLDER, Interfaces

    if (connection.nameservers or connection.search) and not _is_there(
        files, "/sbin/resolvconf", "/usr/sbin/resolvconf"
    ):
        warn("The guest has no resolvconf, without which ifupdown passes over nameservers. Write /etc/resolv.conf.")
    folder = files.lstat(files.resolve(FOLDER))
    if own is None or folder is None or folder.kind != "directory":
        return
    for name in files.list_dir(FOLDER)[:_MAX_INTERFACES]:
        path = f"{FOLDER}/{name}"
        found = files.lstat(files.resolve(path))
        if path == own or found is None or found.kind != "file" or found.size > MAX_SIZE:
            continue
        if Interfaces.parse(files.read(path, max_size=MAX_SIZE)).defines(str(connection.interface)):
            warn(f"{printable(path)} configures {connection.interface} as well. Remove it if it is not meant to.")


def _is_there(files: GuestFiles, *paths: str) -> bool:
    return any(files.lstat(files.resolve(path)) is not None for path in paths)


def _content(files: GuestFiles, path: str) -> bytes:
    return files.read_optional(path, max_size=MAX_SIZE) or b""


def _change(files: GuestFiles, wanted: Wanted, *, backup: bool) -> Change:
    before = File.read(files, wanted.path, max_size=MAX_SIZE)
    content = wanted.content if before is not None or wanted.content else None
    change = Change.of_file(wanted.path, before, content, mode=wanted.mode if content is not None else None)
    # Beside the file it could be taken for a connection; netplan and others read by the end of the name.
    return change.with_backup(GuestPath(f"/var/backups/network-{change.path.name}")) if backup else change


def _outcome(task: Task, subject: Subject, renderer: Renderer, changes: list[Change]) -> Outcome:
    backups = [change.backup for change in changes if change.backup is not None]
    result = {
        "name": subject.name,
        "renderer": renderer,
        "paths": changed_paths(changes),
        "files": [str(change.path) for change in changes if isinstance(change.after, File)],
        "backup_files": [printable(path, limit=4096) for path in backups],
    }
    what = "set" if subject.connection else "removed"
    return carry_out(task, changes, result, f"connection {subject.name} {what} for {renderer}")
