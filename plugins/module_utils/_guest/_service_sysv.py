# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""Services of SysV init: the links S… and K… in the folders of the runlevels.

There are two styles, and the results differ:

- Debian's update-rc.d(8), here without insserv: links are numbered 01, follow the levels of the LSB header, and are
  renamed between S and K in the levels of Default-Start. A service with links keeps their numbers.
- Red Hat's chkconfig(8): every level from 0 to 6 has a link, S or K. The numbers stand in the line ``# chkconfig:``.

What insserv, and chkconfig for scripts with an LSB header, would work out of the dependencies of all scripts is not
done. A number that a link of the service has already is kept, because it may have been worked out so.
"""

from __future__ import annotations

import dataclasses
import posixpath
import re
import typing as t

from .._errors import GuestError, printable
from ._init_system import SYSV_LEVEL_FOLDERS, SYSV_SCRIPT_FOLDERS
from ._unit_tree import Tree

Style = t.Literal["update-rc.d", "chkconfig"]

_LEVELS = "0123456S"
_TOGGLED = "S2345"
_CHKCONFIG = re.compile(r"^\s*#\s*chkconfig:\s*(-|[0-6]+)\s+(\d{1,2})\s+(\d{1,2})\s*$", re.MULTILINE)
_HEADER = re.compile(r"^### BEGIN INIT INFO\s*$(.*?)^### END INIT INFO\s*$", re.MULTILINE | re.DOTALL)
_OVERRIDES = ("/etc/insserv/overrides", "/usr/share/insserv/overrides")
_DEFAULT_NUMBER = 50


@dataclasses.dataclass(frozen=True)
class Script:
    """What an init script says of itself.

    :param start: levels in which it is to run; :param stop: in which it is to be stopped.
    :param numbers: for S and K links, as chkconfig has them; None without such a line.
    """

    start: tuple[str, ...]
    stop: tuple[str, ...]
    numbers: tuple[int, int] | None = None


@dataclasses.dataclass(frozen=True)
class Link:
    """One link of a service in the folder of a runlevel."""

    level: str
    letter: str
    number: str
    path: str


def parse_script(content: bytes) -> Script:
    """Read the LSB header, and the line of chkconfig, whose levels count if there is no header."""
    text = content.decode("utf-8", "surrogateescape")
    header = _HEADER.search(text)
    start = _levels(header[1] if header else "", "Default-Start")
    stop = _levels(header[1] if header else "", "Default-Stop")
    line = _CHKCONFIG.search(text)
    if line is None:
        return Script(start, stop)
    if not header:
        start = tuple(line[1].replace("-", ""))
    return Script(start, stop, (int(line[2]), int(line[3])))


def _levels(header: str, key: str) -> tuple[str, ...]:
    lines = re.findall(rf"^# {key}:[ \t]*(.*)$", header, re.MULTILINE)
    return tuple(level for level in (lines[-1].split() if lines else ()) if len(level) == 1 and level in _LEVELS)


class SysvServices:
    """The services of one guest."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self.style: Style = _style(tree)
        self._levels = _level_folders(tree, self.style)
        folders = [str(folder) for folder in SYSV_SCRIPT_FOLDERS if tree.leads_to(folder) == "directory"]
        wanted = "/etc/rc.d/init.d" if self.style == "chkconfig" else "/etc/init.d"
        self._scripts = wanted if wanted in folders or not folders else folders[0]

    def set(self, name: str, *, enabled: bool) -> None:
        """Enable or disable a service.

        :raises GuestError: there is no such service, or it says of no runlevel that it belongs there.
        """
        path = f"{self._scripts}/{name}"
        if self._tree.leads_to(path) != "file":
            raise GuestError(
                f"The guest has no service {printable(name)}: there is no {printable(path)}.",
                hint="Is its package installed?",
            )
        if self.style == "chkconfig":
            self._chkconfig(name, parse_script(self._tree.read(path)), enabled=enabled)
        else:
            self._update_rc_d(name, path, enabled=enabled)

    def is_enabled(self, name: str) -> bool:
        """Whether a service starts, by the rule of its style: in any level, or in 3 and 5."""
        started = {link.level for link in self.links(name) if link.letter == "S"}
        return {"3", "5"} <= started if self.style == "chkconfig" else bool(started)

    def links(self, name: str) -> list[Link]:
        """Return the links of a service in all levels."""
        pattern = re.compile(rf"([SK])(\d\d){re.escape(name)}")
        found = []
        for level in _LEVELS:
            folder = self._levels.format(level)
            for entry in self._tree.names(folder):
                match = pattern.fullmatch(entry)
                if match:
                    found.append(Link(level, match[1], match[2], f"{folder}/{entry}"))
        return found

    def _update_rc_d(self, name: str, path: str, *, enabled: bool) -> None:
        if self.is_enabled(name) == enabled:
            return
        if enabled and not self.links(name):
            script = parse_script(self._tree.read(path))
            for letter, levels in (("S", script.start), ("K", script.stop)):
                for level in levels:
                    self._put(level, letter, 1, name)
        start = parse_script(self._tree.read(self._header_of(name, path))).start
        links = [link for link in self.links(name) if link.level in start and link.level in _TOGGLED]
        if not links:
            raise GuestError(
                f"The init script '{printable(name)}' of the guest has no links in the levels of its Default-Start.",
                hint="Its header must name at least one of the levels 2, 3, 4, 5 and S.",
            )
        for link in links:
            self._toggle(link, "S" if enabled else "K", name)

    def _header_of(self, name: str, path: str) -> str:
        """An override of insserv's counts before the script itself (update-rc.d, lsb_header_for_script)."""
        candidates = [f"{_OVERRIDES[0]}/{name}", path, f"{_OVERRIDES[1]}/{name}"]
        good = (here for here in candidates if self._tree.leads_to(here) == "file" and not self._tree.is_empty(here))
        return next(good, path)

    def _toggle(self, link: Link, letter: str, name: str) -> None:
        if link.letter != letter:
            text = self._tree.link(link.path)
            if text is None:
                raise GuestError(f"'{printable(link.path)}' in the guest is not a link.")
            self._tree.remove(link.path)
            self._tree.put_link(f"{self._levels.format(link.level)}/{letter}{link.number}{name}", text)

    def _chkconfig(self, name: str, script: Script, *, enabled: bool) -> None:
        if script.numbers is None and not script.start:
            raise GuestError(
                f"The init script '{printable(name)}' of the guest does not support chkconfig.",
                hint="It needs a line '# chkconfig: LEVELS START STOP', or an LSB header with Default-Start.",
            )
        if not self.links(name):
            for level in "0123456":
                letter = "S" if level in script.start else "K"
                self._put(level, letter, self._number(name, letter, script), name)
        started = {link.level for link in self.links(name) if link.letter == "S"} & {"3", "5"}
        if started == ({"3", "5"} if enabled else set()):
            return
        letter = "S" if enabled else "K"
        number = self._number(name, letter, script)
        for level in "2345":
            for link in self.links(name):
                if link.level == level:
                    self._tree.remove(link.path)
            self._put(level, letter, number, name)

    def _number(self, name: str, letter: str, script: Script) -> int:
        numbers = [int(link.number) for link in self.links(name) if link.letter == letter]
        if numbers:
            return numbers[0]
        return script.numbers["SK".index(letter)] if script.numbers else _DEFAULT_NUMBER

    def _put(self, level: str, letter: str, number: int, name: str) -> None:
        folder = self._levels.format(level)
        target = posixpath.relpath(f"{self._scripts}/{name}", folder)
        self._tree.put_link(f"{folder}/{letter}{number:02d}{name}", target)


def _style(tree: Tree) -> Style:
    for program, style in (("update-rc.d", "update-rc.d"), ("chkconfig", "chkconfig")):
        if any(tree.leads_to(f"{folder}/{program}") == "file" for folder in ("/usr/sbin", "/sbin")):
            return t.cast(Style, style)
    return "chkconfig" if tree.leads_to("/etc/rc.d/rc3.d") == "directory" else "update-rc.d"


def _level_folders(tree: Tree, style: Style) -> str:
    wanted = "/etc/rc.d/rc{}.d" if style == "chkconfig" else "/etc/rc{}.d"
    there = [folder for folder in (wanted, *SYSV_LEVEL_FOLDERS) if tree.leads_to(folder.format(3)) == "directory"]
    return there[0] if there else wanted
