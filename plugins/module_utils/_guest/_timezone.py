# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""The module timezone: the time zone of a guest, and whether its hardware clock is in UTC."""

from __future__ import annotations

import posixpath
import re
import typing as t

from .._errors import GuestError, OptionError, printable
from ._assignments import encoded, get_value, set_value
from ._draft import Draft, outcome
from ._task import Outcome, Task

if t.TYPE_CHECKING:
    from ._files import GuestFiles
    from ._system import OperatingSystem

ZONEINFO = "/usr/share/zoneinfo"
LOCALTIME = "/etc/localtime"
TIMEZONE = "/etc/timezone"
CLOCK = "/etc/sysconfig/clock"
ADJTIME = "/etc/adjtime"
OPENRC_CLOCK = "/etc/conf.d/hwclock"
DEBIAN_CLOCK = "/etc/default/rcS"
_MAX_ZONE = 64 * 1024
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+){0,3}")
_SUSE = ("sles", "opensuse", "suse-based")
# What hwclock(8) writes where there is no file; three lines, of which the last names the clock's time.
_NEW_ADJTIME = "0.0 0 0.0\n0\n{}\n"


def handle(task: Task) -> Outcome:
    """Run the task.

    :raises OptionError: the name is none. :raises GuestError: the guest has no such zone, or a file of it is not what
        it should be.
    """
    if task.guest.os.type != "linux":
        raise GuestError(f"A guest of the type '{printable(task.guest.os.type)}' has its time zone elsewhere.")
    name, hwclock = task.params["name"], task.params["hwclock"]
    files, draft = task.guest.files, Draft(task.guest.files)
    said = []
    if name is not None:
        set_zone(draft, files, task.guest.os, name)
        said.append(f"The guest's time zone is {name}.")
    if hwclock is not None:
        set_clock(draft, is_utc=hwclock == "UTC")
        said.append(f"Its hardware clock is in {'UTC' if hwclock == 'UTC' else 'local time'}.")
    result = {
        "name": name if name is not None else printable(zone_of(files, draft) or ""),
        "hwclock": clock_of(draft),
    }
    return outcome(task, draft, result, " ".join(said))


def set_zone(draft: Draft, files: GuestFiles, system: OperatingSystem, name: str) -> None:
    """Plan for the zone to be that of the guest.

    systemd wants /etc/localtime to be a link into /usr/share/zoneinfo, and takes the zone's name from it
    (localtime(5)). In guests without systemd, a copy of the zone's file stays a copy.

    :raises OptionError: the name is none. :raises GuestError: the guest has no such zone.
    """
    zone = read_zone(files, name)
    found = files.lstat(LOCALTIME)
    if found is not None and found.kind == "file" and system.init_system != "systemd":
        draft.replace(LOCALTIME, zone)
    elif zone_of(files) != name:
        draft.link(LOCALTIME, link_text(system, files.link_target(LOCALTIME), name))
    if draft.read(TIMEZONE) is not None or (system.distro == "gentoo" and system.init_system != "systemd"):
        draft.edit(TIMEZONE, lambda content: _named(content, name), create=True)
    content = draft.read(CLOCK)
    if content is not None or (system.init_system == "sysvinit" and system.package_format == "rpm"):
        key = _clock_key(content or b"", system)
        draft.edit(CLOCK, lambda before: set_value(before, key, name, quotes=True), create=True)


def read_zone(files: GuestFiles, name: str) -> bytes:
    """Return the zone's file of the guest.

    :raises OptionError: this is no name of a zone. :raises GuestError: the guest has none of that name, or what it has
        is none: a link out of the zones, such as Debian's /usr/share/zoneinfo/localtime, or no TZif (tzfile(5)).
    """
    if not _NAME.fullmatch(name) or len(name) > 100:
        raise OptionError(f"name: '{printable(name)}' is not the name of a time zone.", hint="Use Europe/Berlin, say.")
    path = f"{ZONEINFO}/{name}"
    folder, target = files.resolve(ZONEINFO), files.resolve(path)
    found = files.lstat(target)
    if found is None or found.kind != "file":
        what = "is a folder of zones" if found is not None and found.kind == "directory" else "is missing"
        raise GuestError(
            f"The guest has no time zone '{name}': '{path}' {what}.",
            hint="Names are case-sensitive. A guest without any zones needs its package tzdata first.",
        )
    if not target.startswith(f"{folder}/"):
        raise GuestError(f"'{path}' in the guest is a link to '{printable(target)}', which is not among the zones.")
    content = files.read(target, max_size=_MAX_ZONE)
    if not content.startswith(b"TZif"):
        raise GuestError(f"'{path}' in the guest is not the file of a time zone.")
    return content


def zone_of(files: GuestFiles, draft: Draft | None = None) -> str | None:
    """Return the zone that the link /etc/localtime names, or else /etc/timezone if a draft is given; None for none.

    By what the link says, not by where it leads: zones are links to one another, and people mean what they write.
    """
    target = files.link_target(LOCALTIME)
    if target is not None:
        path = posixpath.normpath(posixpath.join("/etc", target))
        if path.startswith(f"{ZONEINFO}/"):
            return path[len(ZONEINFO) + 1 :]
    if draft is None:
        return None
    content = draft.read(TIMEZONE)
    if content is not None:
        return content.decode("utf-8", "replace").strip()
    content = draft.read(CLOCK) or b""
    return get_value(content, "ZONE") or get_value(content, "TIMEZONE")


def link_text(system: OperatingSystem, before: str | None, name: str) -> str:
    """Return what the link is to hold: relative as systemd has it; absolute where it was so, and as Debian's tzdata."""
    absolute = before.startswith("/") if before else system.package_format == "deb" or system.init_system != "systemd"
    return f"{ZONEINFO}/{name}" if absolute else f"..{ZONEINFO}/{name}"


def set_clock(draft: Draft, *, is_utc: bool) -> None:
    """Plan for the hardware clock's time: /etc/adjtime, and the settings of init scripts where there are any."""
    content = draft.read(ADJTIME)
    if content is not None or not is_utc:  # without the file it is UTC (hwclock(8))
        draft.write(ADJTIME, adjusted(content, is_utc=is_utc))
    for path, key, values in (
        (OPENRC_CLOCK, "clock", ("UTC", "local")),
        (DEBIAN_CLOCK, "UTC", ("yes", "no")),
        (CLOCK, "UTC", ("true", "false")),
        (CLOCK, "HWCLOCK", ("-u", "--localtime")),
    ):
        known = draft.read(path)
        if known is not None and (path == OPENRC_CLOCK or get_value(known, key) is not None):
            draft.write(path, set_value(known, key, values[0 if is_utc else 1], quotes=True))


def adjusted(content: bytes | None, *, is_utc: bool) -> bytes:
    """Return /etc/adjtime with its third line changed; a file with fewer lines is completed (adjtime_config(5))."""
    word = "UTC" if is_utc else "LOCAL"
    if not content:
        return _NEW_ADJTIME.format(word).encode()
    lines = content.decode("utf-8", "surrogateescape").split("\n")
    found = lines[2].strip() if len(lines) > 2 else ""
    if (found or "UTC") == word:
        return content
    given = [line for line in lines[:2] if line]
    start = given + ["0.0 0 0.0", "0"][len(given) :]
    return encoded("\n".join([*start, word, *(lines[3:] or [""])]))


def clock_of(draft: Draft) -> t.Literal["UTC", "local"]:
    """Return what /etc/adjtime says."""
    lines = (draft.read(ADJTIME) or b"").split(b"\n")
    return "local" if len(lines) > 2 and lines[2].strip() == b"LOCAL" else "UTC"


def _clock_key(content: bytes, system: OperatingSystem) -> str:
    for key in ("ZONE", "TIMEZONE"):
        if get_value(content, key) is not None:
            return key
    return "TIMEZONE" if system.distro in _SUSE else "ZONE"


def _named(content: bytes, name: str) -> bytes:
    return content if content.strip() == name.encode() else f"{name}\n".encode()
