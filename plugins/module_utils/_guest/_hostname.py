# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""The module hostname: the name that a guest bears from its next boot on."""

from __future__ import annotations

import dataclasses
import functools
import re
import typing as t

from .._errors import GuestError, OptionError, printable
from ._assignments import decoded, encoded, get_value, set_value
from ._draft import Draft, outcome
from ._hosts import rename_host
from ._task import Outcome, Task

if t.TYPE_CHECKING:
    from ._files import GuestFiles
    from ._system import OperatingSystem

HOSTNAME = "/etc/hostname"
OLD_HOSTNAME = "/etc/HOSTNAME"
HOSTS = "/etc/hosts"
NETWORK = "/etc/sysconfig/network"
MACHINE_INFO = "/etc/machine-info"
_MAX_NAME = 64  # HOST_NAME_MAX of Linux, hostname(7)
_MAX_FILE = 64 * 1024
_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
# RFC 1123, section 2.1, has no names that look like an address.
_ADDRESS = re.compile(r"[0-9]+(\.[0-9]+){3}")
_REDHAT = ("rhel", "centos", "rocky", "oraclelinux", "scientificlinux", "redhat-based", "fedora")
_SUSE = ("sles", "opensuse", "suse-based")


@dataclasses.dataclass(frozen=True)
class Place:
    """A file that holds the name: alone in it, or as the value of ``key``."""

    path: str
    key: str = ""


PLAIN = Place(HOSTNAME)
SUSE = Place(OLD_HOSTNAME)
REDHAT = Place(NETWORK, "HOSTNAME")
OPENRC = Place("/etc/conf.d/hostname", "hostname")
BSD = Place("/etc/rc.conf", "hostname")
OPENBSD = Place("/etc/myname")
#: The values of the option ``use`` that mean something for a guest: the place, and the types of guest that have it.
STRATEGIES: dict[str, tuple[Place, tuple[str, ...]]] = {
    "alpine": (PLAIN, ("linux",)),
    "debian": (PLAIN, ("linux",)),
    "systemd": (PLAIN, ("linux",)),
    "redhat": (REDHAT, ("linux",)),
    "sles": (SUSE, ("linux",)),
    "openrc": (OPENRC, ("linux",)),
    "freebsd": (BSD, ("freebsd", "netbsd")),
    "openbsd": (OPENBSD, ("openbsd",)),
}
#: Files that, where a guest has them and they have the name, must not go on telling the old one.
_ALSO = (PLAIN, SUSE, REDHAT, OPENRC)


def handle(task: Task) -> Outcome:
    """Run the task.

    :raises OptionError: the name is none, or ``use`` cannot be meant. :raises GuestError: a file of the guest is not
        what it should be, or it is a guest in which nothing is known to hold the name.
    """
    name = task.params["name"]
    check_name(name)
    first = place_of(task.guest.os, task.params["use"])
    files, draft = task.guest.files, Draft(task.guest.files)
    places = [first, *(place for place in _ALSO if place != first and _holds_name(files, draft, place))]
    old = next((found for found in (_read(draft, place) for place in places) if found), "")
    for place in places:
        draft.edit(place.path, functools.partial(_named, place=place, name=name), create=True)
    is_debian = task.guest.os.package_format == "deb"
    draft.edit(HOSTS, lambda content: rename_host(content, old, name, own_line=is_debian))
    draft.edit(MACHINE_INFO, lambda content: _named_in_machine_info(content, old, name))
    return outcome(task, draft, {"name": name, "before": printable(old)}, f"The guest's name is {name}.")


def check_name(name: str) -> None:
    """:raises OptionError: this is no host name by RFC 1123, section 2.1, or has more than the 64 bytes of Linux."""
    labels = name.split(".")
    if len(name) > _MAX_NAME or _ADDRESS.fullmatch(name) or not all(_LABEL.fullmatch(label) for label in labels):
        raise OptionError(
            f"name: '{printable(name)}' is not a host name.",
            hint=f"Use at most {_MAX_NAME} letters, digits and hyphens, and dots between the parts of a full name.",
        )


def place_of(system: OperatingSystem, use: str | None) -> Place:
    """Return where the guest's name is.

    :param use: the option of that name; None to go by the guest.
    :raises OptionError: it names what no guest here is. :raises GuestError: nothing is known to hold the name.
    """
    if use is None:
        return _place_by_system(system)
    if use not in STRATEGIES:
        raise OptionError(
            f"use: '{use}' cannot be meant for an image.", hint=f"Leave it out, or use {', '.join(STRATEGIES)}."
        )
    place, types = STRATEGIES[use]
    if system.type not in types:
        raise OptionError(
            f"use: '{use}' is not for a guest of the type '{printable(system.type)}'.", hint="Leave it out."
        )
    return place


def _place_by_system(system: OperatingSystem) -> Place:
    if system.type in ("freebsd", "netbsd"):
        return BSD
    if system.type == "openbsd":
        return OPENBSD
    if system.type != "linux":
        raise GuestError(f"Where a guest of the type '{printable(system.type)}' has its name is not known.")
    if system.init_system == "sysvinit" and system.distro in _REDHAT:
        return REDHAT
    if system.init_system == "sysvinit" and system.distro in (*_SUSE, "slackware"):
        return SUSE
    return OPENRC if system.init_system == "openrc" and system.distro == "gentoo" else PLAIN


def _holds_name(files: GuestFiles, draft: Draft, place: Place) -> bool:
    """Whether a file of another family is there and has a name; SUSE has a folder where Red Hat has such a file."""
    found = files.lstat(files.resolve(place.path))
    if found is None or found.kind != "file":
        return False
    return not place.key or get_value(draft.read(place.path, max_size=_MAX_FILE) or b"", place.key) is not None


def _read(draft: Draft, place: Place) -> str:
    """Return the name that is in a file; empty for none, and for what is none."""
    content = draft.read(place.path, max_size=_MAX_FILE) or b""
    found = get_value(content, place.key) if place.key else next(iter(_name_lines(content)), "")
    found = (found or "").strip()
    return found if len(found) <= 255 and re.fullmatch(r"[A-Za-z0-9._-]+", found) else ""


def _name_lines(content: bytes) -> list[str]:
    """A file of a name may have comments (hostname(5))."""
    return [line for line in decoded(content).split("\n") if line.strip() and not line.startswith("#")]


def _named(content: bytes, place: Place, name: str) -> bytes:
    if place.key:
        return set_value(content, place.key, name, quotes=place.path != NETWORK)
    lines = _name_lines(content)
    if [line.strip() for line in lines] == [name] and content.endswith(b"\n"):
        return content
    comments = [line for line in decoded(content).split("\n") if line.startswith("#")]
    return encoded("\n".join([*comments, name, ""]))


def _named_in_machine_info(content: bytes, old: str, name: str) -> bytes:
    """A name for people (machine-info(5)) is left alone, unless it is just the old name again."""
    is_old = old and get_value(content, "PRETTY_HOSTNAME") == old
    return set_value(content, "PRETTY_HOSTNAME", name) if is_old else content
