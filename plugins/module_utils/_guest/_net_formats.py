# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""A network connection as one file of NetworkManager, systemd-networkd or netplan.

Everything that comes here is checked, so nothing has to be quoted but for YAML's types.
"""

from __future__ import annotations

import json
import typing as t
import uuid

from .._errors import OptionError
from ._net_model import Connection, Family, Route

NOTE = "# Made by offline.guest.network: changes made here are lost when it runs again.\n"
# Of several connections that fit a device, NetworkManager starts the one with the highest; 0 if not set.
_PRIORITY = 100


def connection_uuid(name: str) -> str:
    """Return the UUID of a connection, made from its name: the same in each build."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"offline.guest/network/{name}"))


def _sections(sections: t.Iterable[tuple[str, t.Iterable[tuple[str, t.Any]]]]) -> str:
    parts = []
    for name, pairs in sections:
        lines = [f"{key}={value}\n" for key, value in pairs if value not in (None, "")]
        if lines:
            parts.append(f"[{name}]\n{''.join(lines)}")
    return NOTE + "\n" + "\n".join(parts)


# NetworkManager


def keyfile(connection: Connection) -> str:
    """Return a keyfile (nm-settings-keyfile(5)).

    :raises OptionError: name servers or routes of a version of IP that the connection does not have, with which
        NetworkManager would refuse the file.
    """
    return _sections([
        (
            "connection",
            [
                ("id", connection.name),
                ("uuid", connection_uuid(connection.name)),
                ("type", "ethernet"),
                ("interface-name", connection.interface),
                ("autoconnect-priority", _PRIORITY),
            ],
        ),
        ("ethernet", [("mac-address", (connection.mac or "").upper()), ("mtu", connection.mtu)]),
        ("ipv4", _keyfile_family(connection, 4, otherwise="disabled")),
        ("ipv6", _keyfile_family(connection, 6, otherwise="ignore")),
    ])  # fmt: skip


def _keyfile_family(connection: Connection, family: Family, *, otherwise: str) -> t.Iterator[tuple[str, str]]:
    addresses, servers = connection.addresses_of(family), connection.nameservers_of(family)
    routes = connection.routes_of(family)
    is_used = connection.dhcp(family) or bool(addresses)
    if not is_used and (servers or routes):
        raise OptionError(
            f"NetworkManager takes name servers and routes of IPv{family} only with addresses of IPv{family}.",
            hint=f"Set dhcp{family}, give an address, or leave them out.",
        )
    yield "method", "auto" if connection.dhcp(family) else "manual" if addresses else otherwise
    gateway = connection.gateway(family)
    for number, address in enumerate(addresses, 1):
        has_gateway = number == 1 and gateway is not None
        yield f"address{number}", f"{address},{gateway}" if has_gateway else str(address)
    yield "dns", "".join(f"{server};" for server in servers)
    yield "dns-search", "".join(f"{domain};" for domain in connection.search) if is_used else ""
    for number, route in enumerate(routes, 1):
        metric = "" if route.metric is None else f",{route.metric}"
        yield f"route{number}", f"{route.to},{route.via}{metric}"


# systemd-networkd


def networkd(connection: Connection) -> str:
    """Return a file of systemd.network(5)."""
    both = {(True, True): "yes", (True, False): "ipv4", (False, True): "ipv6", (False, False): "no"}
    # A bridge or VLAN has the address of the device below it, so an address alone could match two.
    match = [("Name", connection.interface), ("MACAddress", connection.mac)]
    match += [("Type", "ether")] if connection.mac else []
    network = [("DHCP", both[connection.dhcp4, connection.dhcp6])]
    network += [("Address", str(address)) for address in connection.addresses]
    network += [("Gateway", str(route.via)) for route in connection.default_routes()]
    network += [("DNS", str(server)) for server in connection.nameservers]
    network += [("Domains", " ".join(connection.search))]
    routes = [("Route", _networkd_route(route)) for route in connection.routes]
    return _sections([("Match", match), ("Link", [("MTUBytes", connection.mtu)]), ("Network", network), *routes])


def _networkd_route(route: Route) -> list[tuple[str, t.Any]]:
    return [("Destination", route.to), ("Gateway", route.via), ("Metric", route.metric)]


# netplan


def netplan(connection: Connection) -> str:
    """Return YAML for netplan; its ``gateway4`` and ``gateway6`` are deprecated, so they are routes."""
    lines = ["network:", "  version: 2", "  ethernets:", f"    {json.dumps(connection.interface or connection.name)}:"]
    if connection.mac:
        lines += ["      match:", f"        macaddress: {json.dumps(connection.mac)}"]
    lines += [f"      dhcp4: {_yaml_bool(connection.dhcp4)}", f"      dhcp6: {_yaml_bool(connection.dhcp6)}"]
    lines += _yaml_list("      ", "addresses", connection.addresses)
    routes = connection.all_routes()
    lines += ["      routes:"] if routes else []
    for route in routes:
        lines += [f'        - to: "{route.to}"', f'          via: "{route.via}"']
        lines += [] if route.metric is None else [f"          metric: {route.metric}"]
    if connection.nameservers or connection.search:
        lines.append("      nameservers:")
        lines += _yaml_list("        ", "addresses", connection.nameservers)
        lines += _yaml_list("        ", "search", connection.search)
    lines += [] if connection.mtu is None else [f"      mtu: {connection.mtu}"]
    return NOTE + "\n".join(lines) + "\n"


def _yaml_bool(value: bool) -> str:
    return "true" if value else "false"


def _yaml_list(indent: str, key: str, values: t.Iterable[t.Any]) -> list[str]:
    items = [f"{indent}  - {json.dumps(str(value))}" for value in values]
    return [f"{indent}{key}:", *items] if items else []
