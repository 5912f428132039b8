# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""A network connection as the module network takes it: checked, and in no distribution's format yet."""

from __future__ import annotations

import dataclasses
import ipaddress
import re
import typing as t

from .._errors import OptionError, printable

Address = t.Union[ipaddress.IPv4Interface, ipaddress.IPv6Interface]
Host = t.Union[ipaddress.IPv4Address, ipaddress.IPv6Address]
Network = t.Union[ipaddress.IPv4Network, ipaddress.IPv6Network]
Family = t.Literal[4, 6]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}\Z")
# The kernel allows more (dev_valid_name()), but no configuration of these has a way to write it.
_INTERFACE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,14}\Z")
_MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}\Z")
_DOMAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,252}\Z")
_DEFAULTS: dict[Family, str] = {4: "0.0.0.0/0", 6: "::/0"}


@dataclasses.dataclass(frozen=True)
class Route:
    """A route other than the one by the gateways."""

    to: Network
    via: Host
    metric: int | None = None


@dataclasses.dataclass(frozen=True)
class Connection:
    """One connection.

    :param interface: the name of the device, or
    :param mac: its hardware address, in lower case.
    """

    name: str
    interface: str | None = None
    mac: str | None = None
    dhcp4: bool = False
    dhcp6: bool = False
    addresses: tuple[Address, ...] = ()
    gateway4: Host | None = None
    gateway6: Host | None = None
    nameservers: tuple[Host, ...] = ()
    search: tuple[str, ...] = ()
    routes: tuple[Route, ...] = ()
    mtu: int | None = None

    def dhcp(self, family: Family) -> bool:
        """Whether addresses of the family are asked for."""
        return self.dhcp4 if family == 4 else self.dhcp6

    def gateway(self, family: Family) -> Host | None:
        """Where what has no other route goes."""
        return self.gateway4 if family == 4 else self.gateway6

    def addresses_of(self, family: Family) -> list[Address]:
        """The addresses of one family."""
        return [address for address in self.addresses if address.version == family]

    def nameservers_of(self, family: Family) -> list[Host]:
        """The name servers that have an address of that family."""
        return [server for server in self.nameservers if server.version == family]

    def routes_of(self, family: Family) -> list[Route]:
        """The routes of one family."""
        return [route for route in self.routes if route.to.version == family]

    def all_routes(self) -> list[Route]:
        """The routes, and those by the gateways before them."""
        return [*self.default_routes(), *self.routes]

    def default_routes(self) -> list[Route]:
        """The routes by the gateways."""
        families: tuple[Family, ...] = (4, 6)
        gateways = [(family, self.gateway(family)) for family in families]
        return [Route(ipaddress.ip_network(_DEFAULTS[family]), via) for family, via in gateways if via is not None]


def parse_name(name: str) -> str:
    """Check the name of a connection, which becomes a part of file names.

    :raises OptionError: it is none.
    """
    if not _NAME.match(name):
        raise OptionError(
            f"name: '{printable(name)}' is not the name of a connection.",
            hint="Use letters, digits, _, . and -, and begin with a letter or digit.",
        )
    return name


def parse_interface(interface: str | None) -> str | None:
    """Check the name of a device.

    :raises OptionError: it is none.
    """
    if interface is not None and not _INTERFACE.match(interface):
        raise OptionError(f"interface: '{printable(interface)}' is not the name of a network device.")
    return interface


def parse_connection(params: t.Mapping[str, t.Any]) -> Connection:
    """Read the options.

    :raises OptionError: they are wrong, or do not belong together.
    """
    nameservers = params["nameservers"] or {}
    connection = Connection(
        name=parse_name(params["name"]),
        interface=parse_interface(params["interface"]),
        mac=_mac(params["mac"]),
        dhcp4=params["dhcp4"],
        dhcp6=params["dhcp6"],
        addresses=tuple(_address(text) for text in params["addresses"] or ()),
        gateway4=_gateway("gateway4", params["gateway4"], 4),
        gateway6=_gateway("gateway6", params["gateway6"], 6),
        nameservers=tuple(_host("nameservers.addresses", text) for text in nameservers.get("addresses") or ()),
        search=tuple(_domain(text) for text in nameservers.get("search") or ()),
        routes=tuple(_route(route) for route in params["routes"] or ()),
        mtu=params["mtu"],
    )
    _check(connection)
    return connection


def _check(connection: Connection) -> None:
    if not (connection.dhcp4 or connection.dhcp6 or connection.addresses):
        raise OptionError("The connection has no address.", hint="Set dhcp4 or dhcp6, or give addresses.")
    if len(set(connection.addresses)) != len(connection.addresses):
        raise OptionError("addresses: one of them is there twice.")
    families: tuple[Family, ...] = (4, 6)
    for family in families:
        if connection.gateway(family) is not None and not connection.addresses_of(family):
            raise OptionError(
                f"gateway{family} needs an IPv{family} address among the addresses.",
                hint="With DHCP the server says which gateway there is.",
            )
    # 68 is what IPv4 needs (RFC 791), 1280 what IPv6 does (RFC 8200).
    least = 1280 if connection.dhcp6 or connection.addresses_of(6) else 68
    if connection.mtu is not None and not least <= connection.mtu <= 65535:
        raise OptionError(f"mtu: {connection.mtu} is not from {least} to 65535.")


def _mac(text: str | None) -> str | None:
    if text is None:
        return None
    mac = text.lower().replace("-", ":")
    if not _MAC.match(mac):
        raise OptionError(f"mac: '{printable(text)}' is not a hardware address, such as 52:54:00:12:34:56.")
    return mac


def _address(text: str) -> Address:
    try:
        if "/" in text and "%" not in text:
            return ipaddress.ip_interface(text)
    except ValueError:
        pass
    raise OptionError(
        f"addresses: '{printable(text)}' is not an address with the length of its prefix.",
        hint="Write it as 192.0.2.10/24 or 2001:db8::10/64.",
    )


def _host(option: str, text: str) -> Host:
    try:
        if "%" not in text:
            return ipaddress.ip_address(text)
    except ValueError:
        pass
    raise OptionError(f"{option}: '{printable(text)}' is not an IP address.")


def _gateway(option: str, text: str | None, family: Family) -> Host | None:
    if text is None:
        return None
    host = _host(option, text)
    if host.version != family:
        raise OptionError(f"{option}: {host} is not an address of IPv{family}.")
    return host


def _domain(text: str) -> str:
    if not _DOMAIN.match(text):
        raise OptionError(f"nameservers.search: '{printable(text)}' is not a domain.")
    return text


def _route(given: t.Mapping[str, t.Any]) -> Route:
    via = _host("routes.via", given["via"])
    wanted = _DEFAULTS[via.version] if given["to"] == "default" else given["to"]
    try:
        to = ipaddress.ip_network(wanted)
    except ValueError as exc:
        raise OptionError(f"routes.to: '{printable(given['to'])}' is no network: {printable(str(exc))}.") from exc
    if to.version != via.version:
        raise OptionError(f"routes: {to} cannot be reached by {via}, which is of the other version of IP.")
    metric = given["metric"]
    if metric is not None and not 0 <= metric < 2**32:
        raise OptionError(f"routes.metric: {metric} is not from 0 to {2**32 - 1}.")
    return Route(to, via, metric)
