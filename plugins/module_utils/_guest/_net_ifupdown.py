# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""A network connection in interfaces(5): of Debian's ifupdown, of ifupdown-ng and of busybox (both Alpine's).

What is written is what all three understand: a netmask of its own, one stanza a family (busybox refuses a second one)
and ``up ip …`` for what has no option everywhere.
"""

from __future__ import annotations

import dataclasses
import fnmatch
import re
import typing as t

from .._errors import OptionError
from ._net_formats import NOTE
from ._net_model import Address, Connection, Family

MAIN = "/etc/network/interfaces"
FOLDER = "/etc/network/interfaces.d"
_KEYWORDS = (
    "iface",
    "mapping",
    "auto",
    "source",
    "source-directory",
    "rename",
    "template",
    "no-auto-down",
    "no-scripts",
)
_STARTS = ("auto", "allow-")
# Names that source-directory takes (interfaces(5)).
_PLAIN = re.compile(r"[A-Za-z0-9_-]+\Z")
_BEGIN, _END = "# BEGIN offline.guest.network {}", "# END offline.guest.network {}"


def stanzas(connection: Connection) -> str:
    """Return the stanzas of a connection.

    :raises OptionError: the device is given by its address, which interfaces(5) cannot do everywhere.
    """
    if connection.interface is None:
        raise OptionError("mac: ifupdown knows devices by their names.", hint="Give interface instead.")
    families: tuple[Family, ...] = (4, 6)
    parts = [_stanza(connection, family) for family in families]
    used = [part for part in parts if part]
    # What is about the device and not about one family is done once.
    used[0] += _common(connection)
    return f"auto {connection.interface}\n" + "\n".join("\n".join(part) + "\n" for part in used)


def _stanza(connection: Connection, family: Family) -> list[str]:
    addresses = connection.addresses_of(family)
    kind = "inet" if family == 4 else "inet6"
    if connection.dhcp(family):
        lines = [f"iface {connection.interface} {kind} dhcp"]
        return lines + [_up(f"addr add {address}", family) for address in addresses] + _routes(connection, family)
    if not addresses:
        return []
    first = addresses[0]
    lines = [f"iface {connection.interface} {kind} static", f"    address {first.ip}", f"    netmask {_netmask(first)}"]
    lines += [f"    gateway {connection.gateway(family)}"] if connection.gateway(family) else []
    lines += [_up(f"addr add {address}", family) for address in addresses[1:]]
    return lines + _routes(connection, family)


def _netmask(address: Address) -> str:
    return str(address.netmask) if address.version == 4 else str(address.network.prefixlen)


def _up(command: str, family: Family) -> str:
    return f"    up ip -{family} {command} dev $IFACE"


def _routes(connection: Connection, family: Family) -> list[str]:
    return [
        _up(f"route add {route.to} via {route.via}{'' if route.metric is None else f' metric {route.metric}'}", family)
        for route in connection.routes_of(family)
    ]


def _common(connection: Connection) -> list[str]:
    lines = [f"    pre-up ip link set dev $IFACE mtu {connection.mtu}"] if connection.mtu else []
    if connection.nameservers:
        lines.append(f"    dns-nameservers {' '.join(str(server) for server in connection.nameservers)}")
    if connection.search:
        lines.append(f"    dns-search {' '.join(connection.search)}")
    return lines


@dataclasses.dataclass(frozen=True)
class Interfaces:
    """The text of /etc/network/interfaces, as lines without their ends; a continued line is one with its ends in it."""

    lines: tuple[str, ...] = ()

    @classmethod
    def parse(cls, content: bytes) -> Interfaces:
        """Read the file; every byte survives."""
        text = content.decode("utf-8", "surrogateescape")
        lines: list[str] = []
        is_continued = False
        for line in text.split("\n")[: -1 if text.endswith("\n") or not text else None]:
            if is_continued:
                lines[-1] += f"\n{line}"
            else:
                lines.append(line)
            is_continued = line.endswith("\\") and not line.lstrip().startswith("#")
        return cls(tuple(lines))

    def format(self) -> bytes:
        """Return the content of the file."""
        return "".join(f"{line}\n" for line in self.lines).encode("utf-8", "surrogateescape")

    def file_for(self, name: str) -> str | None:
        """Return the file in interfaces.d that is read, of the connection's name; None where none is."""
        for candidate in (name, f"{name}.cfg"):
            if any(self._reads(words, candidate) for words in map(str.split, self.lines)):
                return f"{FOLDER}/{candidate}"
        return None

    @staticmethod
    def _reads(words: list[str], name: str) -> bool:
        if len(words) < 2:
            return False
        patterns = [word if word.startswith("/") else f"/etc/network/{word}" for word in words[1:]]
        if words[0] == "source":
            return any(fnmatch.fnmatchcase(f"{FOLDER}/{name}", pattern) for pattern in patterns)
        is_folder = any(fnmatch.fnmatchcase(FOLDER, pattern.rstrip("/")) for pattern in patterns)
        return words[0] == "source-directory" and is_folder and _PLAIN.match(name) is not None

    def defines(self, interface: str) -> bool:
        """Whether there is a stanza of the device."""
        return any(line.split()[:2] == ["iface", interface] for line in self.lines)

    def with_block(self, name: str, text: str) -> Interfaces:
        """Return the file with the text between two marks: where they are, else at the end."""
        begin, end = self._marks(name)
        block = (begin, *text.rstrip("\n").split("\n"), end)
        at = self._block(name)
        if at is None:
            gap = ("",) if self.lines and self.lines[-1].strip() else ()
            return Interfaces((*self.lines, *gap, *block))
        return Interfaces((*self.lines[: at[0]], *block, *self.lines[at[1] :]))

    def without_block(self, name: str) -> Interfaces:
        """Return the file without the text between the marks, and the empty line before it."""
        at = self._block(name)
        if at is None:
            return self
        before = self.lines[: at[0]]
        return Interfaces((*(before[:-1] if before and not before[-1].strip() else before), *self.lines[at[1] :]))

    def without_interface(self, interface: str, *, keep: str) -> Interfaces:
        """Return the file without what it says of a device, but for the block of the connection ``keep``.

        :param keep: the name of a connection, whose block stays as it is.
        """
        at = self._block(keep) or (len(self.lines), len(self.lines))
        kept = [*_without(self.lines[: at[0]], interface), *self.lines[at[0] : at[1]]]
        return Interfaces((*kept, *_without(self.lines[at[1] :], interface)))

    @staticmethod
    def _marks(name: str) -> tuple[str, str]:
        return _BEGIN.format(name), _END.format(name)

    def _block(self, name: str) -> tuple[int, int] | None:
        begin, end = self._marks(name)
        if begin not in self.lines or end not in self.lines[self.lines.index(begin) :]:
            return None
        start = self.lines.index(begin)
        return start, self.lines.index(end, start) + 1


def _without(lines: t.Sequence[str], interface: str) -> t.Iterator[str]:
    """Pass over the device's stanzas, but not over comments and blank lines, and over its name after ``auto``."""
    is_ours = False
    for line in lines:
        words = line.split()
        if words and _is_keyword(words[0]):
            is_ours = words[:2] == ["iface", interface]
        is_text = bool(words) and not words[0].startswith("#")
        if is_ours and is_text:
            continue
        if words and words[0].startswith(_STARTS) and interface in words[1:]:
            others = [word for word in words[1:] if word != interface]
            if others:
                yield " ".join([words[0], *others])
            continue
        yield line


def _is_keyword(word: str) -> bool:
    return word in _KEYWORDS or word.startswith("allow-")


def file_text(text: str) -> str:
    """Return the text as it goes into a file of its own."""
    return f"{NOTE}\n{text}"
