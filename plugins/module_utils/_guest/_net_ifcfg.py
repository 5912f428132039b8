# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""A network connection as ifcfg files: of the RHEL family (initscripts' sysconfig.txt), and of SUSE (ifcfg(5)).

All values are checked, so none needs quotes but those with blanks in them.
"""

from __future__ import annotations

import re
import typing as t

from .._errors import OptionError
from ._net_formats import NOTE, connection_uuid
from ._net_model import Connection, Route

Pairs = t.Iterable[tuple[str, t.Any]]
#: Variable of /etc/sysconfig/network/config → what it holds. SUSE has name servers for all connections together only.
SUSE_DNS = {"NETCONFIG_DNS_STATIC_SERVERS": "nameservers", "NETCONFIG_DNS_STATIC_SEARCHLIST": "search"}


def _assignments(pairs: Pairs) -> str:
    return NOTE + "".join(f"{key}={_quoted(str(value))}\n" for key, value in pairs if value not in (None, ""))


def _quoted(value: str) -> str:
    return f'"{value}"' if " " in value else value


def _joined(values: t.Iterable[t.Any]) -> str:
    return " ".join(str(value) for value in values)


# RHEL


def rhel_ifcfg(connection: Connection) -> str:
    """Return an ifcfg file of the RHEL family."""
    return _assignments([
        ("NAME", connection.name),
        ("UUID", connection_uuid(connection.name)),
        ("TYPE", "Ethernet"),
        ("DEVICE", connection.interface),
        ("HWADDR", (connection.mac or "").upper()),
        ("ONBOOT", "yes"),
        ("BOOTPROTO", "dhcp" if connection.dhcp4 else "none"),
        *_rhel_ipv4(connection),
        *_rhel_ipv6(connection),
        *[(f"DNS{number}", server) for number, server in enumerate(connection.nameservers, 1)],
        ("DOMAIN", _joined(connection.search)),
        ("MTU", connection.mtu),
    ])  # fmt: skip


def _rhel_ipv4(connection: Connection) -> Pairs:
    for number, address in enumerate(connection.addresses_of(4)):
        suffix = str(number) if number else ""
        yield f"IPADDR{suffix}", address.ip
        yield f"PREFIX{suffix}", address.network.prefixlen
    yield "GATEWAY", connection.gateway4


def _rhel_ipv6(connection: Connection) -> Pairs:
    addresses = connection.addresses_of(6)
    if not addresses and not connection.dhcp6:
        return
    yield "IPV6INIT", "yes"
    yield "DHCPV6C", "yes" if connection.dhcp6 else None
    yield "IPV6_AUTOCONF", None if connection.dhcp6 else "no"
    yield "IPV6ADDR", addresses[0] if addresses else None
    yield "IPV6ADDR_SECONDARIES", _joined(addresses[1:])
    yield "IPV6_DEFAULTGW", connection.gateway6


def rhel_routes(routes: t.Sequence[Route]) -> str | None:
    """Return a route file, in the form of ip-route(8); None where there is no route."""
    if not routes:
        return None
    return NOTE + "".join(f"{route.to} via {route.via}{_metric(route)}\n" for route in routes)


def _metric(route: Route) -> str:
    return "" if route.metric is None else f" metric {route.metric}"


# SUSE


def suse_ifcfg(connection: Connection) -> str:
    """Return an ifcfg file of SUSE.

    :raises OptionError: the device is given by its address, which no such file can do.
    """
    if connection.interface is None:
        raise OptionError("mac: SUSE's ifcfg files know devices by their names only.", hint="Give interface instead.")
    both = {(True, True): "dhcp", (True, False): "dhcp4", (False, True): "dhcp6", (False, False): "static"}
    return _assignments([
        ("NAME", connection.name),
        ("STARTMODE", "auto"),
        ("BOOTPROTO", both[connection.dhcp4, connection.dhcp6]),
        *[(f"IPADDR{f'_{number}' if number else ''}", address) for number, address in enumerate(connection.addresses)],
        ("MTU", connection.mtu),
    ])  # fmt: skip


def suse_routes(connection: Connection) -> str | None:
    """Return an ifroute file (ifroute(5)): destination, gateway, netmask, device; None where there is no route."""
    routes = [
        f"{'default' if route.to.prefixlen == 0 else route.to} {route.via} - {connection.interface}{_metric(route)}\n"
        for route in connection.all_routes()
    ]
    return NOTE + "".join(routes) if routes else None


def with_suse_dns(content: bytes, connection: Connection) -> bytes:
    """Return /etc/sysconfig/network/config with the name servers; what the connection does not give stays."""
    for variable, option in SUSE_DNS.items():
        values = getattr(connection, option)
        if values:
            content = _with_variable(content, variable, _joined(values))
    return content


def _with_variable(content: bytes, variable: str, value: str) -> bytes:
    line = f'{variable}="{value}"\n'.encode()
    pattern = re.compile(rf"^{variable}=.*(?:\n|\Z)".encode(), re.MULTILINE)
    if pattern.search(content):
        return pattern.sub(lambda _match: line, content)
    return content + (b"" if not content or content.endswith(b"\n") else b"\n") + line
