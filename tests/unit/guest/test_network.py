# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module network, on a guest in memory; what it writes is read by other parsers where there is one."""

from __future__ import annotations

import configparser
import ipaddress
import pathlib
import re
import stat
import subprocess
import typing as t

import pytest
import yaml
from ansible_collections.offline.guest.plugins.module_utils._errors import GuestError, OptionError
from ansible_collections.offline.guest.plugins.module_utils._guest._net_ifupdown import Interfaces
from ansible_collections.offline.guest.plugins.modules import network
from ansible_collections.offline.guest.tests.unit.guest.fake_rpc import FakeRpc
from ansible_collections.offline.guest.tests.unit.guest.run_module import Refused, four, modes, run
from hypothesis import given, settings
from hypothesis import strategies as st

Params = dict[str, t.Any]
DHCP: Params = {"name": "lan", "interface": "ens3", "dhcp4": True}
STATIC: Params = {
    "name": "lan",
    "interface": "ens3",
    "addresses": ["192.0.2.10/24", "2001:db8::10/64", "192.0.2.11/24", "2001:db8::11/64"],
    "gateway4": "192.0.2.1",
    "gateway6": "fe80::1",
    "nameservers": {"addresses": ["192.0.2.53", "2001:db8::53"], "search": ["example.com", "example.org"]},
    "routes": [
        {"to": "198.51.100.0/24", "via": "192.0.2.254", "metric": 50},
        {"to": "2001:db8:1::/48", "via": "2001:db8::fe"},
    ],
    "mtu": 1400,
}
MAC: Params = {"name": "lan", "mac": "52-54-00-12-34-5A", "dhcp4": True, "dhcp6": True}
PATHS = {
    "netplan": "/etc/netplan/90-lan.yaml",
    "networkmanager": "/etc/NetworkManager/system-connections/lan.nmconnection",
    "networkd": "/etc/systemd/network/10-lan.network",
    "ifcfg": "/etc/sysconfig/network-scripts/ifcfg-ens3",
    "ifupdown": "/etc/network/interfaces.d/lan",
}
SOURCED = b"source /etc/network/interfaces.d/*\n\nauto lo\niface lo inet loopback\n"


def guest(**files: bytes) -> FakeRpc:
    rpc = FakeRpc()
    rpc.add_dir("/etc")
    rpc.add_file("/etc/network/interfaces", SOURCED)
    for name, content in files.items():
        rpc.add_file(name, content)
    return rpc


def suse() -> FakeRpc:
    rpc = guest()
    rpc.add_file(
        "/etc/sysconfig/network/config", b'# c\nNETCONFIG_DNS_STATIC_SERVERS=""\nNETCONFIG_DNS_POLICY="auto"\n'
    )
    return rpc


def written(renderer: str, params: Params, *, path: str | None = None, rpc: FakeRpc | None = None) -> str:
    """Return the file of the connection, after the four calls."""
    rpc = rpc or guest()
    four(network, rpc, **params, renderer=renderer)
    return rpc.nodes[path or PATHS[renderer]].content.decode()


def ini(text: str) -> dict[str, dict[str, list[str]]]:
    """Read a file of sections in which keys may be there several times, and sections too."""
    found: dict[str, dict[str, list[str]]] = {}
    section: dict[str, list[str]] = {}
    for line in text.splitlines():
        if line.startswith("["):
            section = found.setdefault(line.strip("[]"), {})
        elif line and not line.startswith("#"):
            key, _equals, value = line.partition("=")
            section.setdefault(key, []).append(value)
    return found


def shell(text: str, tmp_path: pathlib.Path) -> dict[str, str]:
    """Have a shell read assignments, as the network scripts do."""
    (tmp_path / "ifcfg").write_text(text)
    done = subprocess.run(
        ["/bin/sh", "-c", "set -a; . ./ifcfg; env -0"], cwd=tmp_path, env={}, check=True, capture_output=True, text=True
    )
    pairs = dict(pair.partition("=")[::2] for pair in done.stdout.split("\0") if pair)
    return {key: value for key, value in pairs.items() if key not in ("PWD", "_", "SHLVL", "OLDPWD")}


# NetworkManager


def test_keyfile() -> None:
    parser = configparser.ConfigParser(strict=True, interpolation=None)
    parser.read_string(written("networkmanager", STATIC))
    assert {name: dict(parser[name]) for name in parser.sections()} == {
        "connection": {
            "id": "lan",
            "uuid": "8786cfe7-d5e3-539c-81da-f0aa67b675a6",
            "type": "ethernet",
            "interface-name": "ens3",
            "autoconnect-priority": "100",
        },
        "ethernet": {"mtu": "1400"},
        "ipv4": {
            "method": "manual",
            "address1": "192.0.2.10/24,192.0.2.1",
            "address2": "192.0.2.11/24",
            "dns": "192.0.2.53;",
            "dns-search": "example.com;example.org;",
            "route1": "198.51.100.0/24,192.0.2.254,50",
        },
        "ipv6": {
            "method": "manual",
            "address1": "2001:db8::10/64,fe80::1",
            "address2": "2001:db8::11/64",
            "dns": "2001:db8::53;",
            "dns-search": "example.com;example.org;",
            "route1": "2001:db8:1::/48,2001:db8::fe",
        },
    }


def test_keyfile_by_address_and_without_ipv6() -> None:
    rpc = guest()
    found = ini(written("networkmanager", MAC, rpc=rpc))
    assert found["ethernet"] == {"mac-address": ["52:54:00:12:34:5A"]}
    assert (found["ipv4"], found["ipv6"]) == ({"method": ["auto"]}, {"method": ["auto"]})
    assert modes(rpc, PATHS["networkmanager"]) == ("0600", 0, 0)
    assert ini(written("networkmanager", DHCP))["ipv6"] == {"method": ["ignore"]}


@pytest.mark.parametrize(
    "params",
    [
        {"nameservers": {"addresses": ["2001:db8::53"]}},
        {"routes": [{"to": "default", "via": "2001:db8::1"}]},
    ],
)
def test_what_networkmanager_would_refuse(params: Params) -> None:
    with pytest.raises(OptionError, match="NetworkManager takes"):
        run(network, guest(), **DHCP, **params, renderer="networkmanager")


def test_a_keyfile_that_others_can_read_is_closed() -> None:
    rpc = guest()
    run(network, rpc, **DHCP, renderer="networkmanager")
    rpc.nodes[PATHS["networkmanager"]].mode |= 0o044
    outcome = run(network, rpc, **DHCP, renderer="networkmanager")
    assert outcome.changed and modes(rpc, PATHS["networkmanager"])[0] == "0600"


# systemd-networkd


def test_networkd() -> None:
    text = written("networkd", STATIC)
    assert ini(text) == {
        "Match": {"Name": ["ens3"]},
        "Link": {"MTUBytes": ["1400"]},
        "Network": {
            "DHCP": ["no"],
            "Address": STATIC["addresses"],
            "Gateway": ["192.0.2.1", "fe80::1"],
            "DNS": ["192.0.2.53", "2001:db8::53"],
            "Domains": ["example.com example.org"],
        },
        "Route": {
            "Destination": ["198.51.100.0/24", "2001:db8:1::/48"],
            "Gateway": ["192.0.2.254", "2001:db8::fe"],
            "Metric": ["50"],
        },
    }
    assert text.count("[Route]") == 2


def test_networkd_by_address() -> None:
    found = ini(written("networkd", MAC))
    assert found["Match"] == {"MACAddress": ["52:54:00:12:34:5a"], "Type": ["ether"]}
    assert found["Network"] == {"DHCP": ["yes"]}


def test_networkd_knows_every_key() -> None:
    """Its program holds the keys that it reads as SECTION.KEY."""
    program = next(
        (
            path
            for path in map(pathlib.Path, ("/usr/lib/systemd/systemd-networkd", "/lib/systemd/systemd-networkd"))
            if path.exists()
        ),
        None,
    )
    if program is None:
        pytest.skip("no systemd-networkd here")
    known = program.read_bytes()
    for params in (STATIC, MAC):
        for section, keys in ini(written("networkd", params)).items():
            assert [key for key in keys if f"{section}.{key}\0".encode() not in known] == []


# netplan


def test_netplan() -> None:
    rpc = guest()
    assert yaml.safe_load(written("netplan", STATIC, rpc=rpc)) == {
        "network": {
            "version": 2,
            "ethernets": {
                "ens3": {
                    "dhcp4": False,
                    "dhcp6": False,
                    "addresses": STATIC["addresses"],
                    "routes": [
                        {"to": "0.0.0.0/0", "via": "192.0.2.1"},
                        {"to": "::/0", "via": "fe80::1"},
                        *STATIC["routes"],
                    ],
                    "nameservers": STATIC["nameservers"],
                    "mtu": 1400,
                }
            },
        }
    }
    assert modes(rpc, PATHS["netplan"]) == ("0600", 0, 0)


def test_netplan_by_address() -> None:
    found = yaml.safe_load(written("netplan", {**MAC, "name": "on"}, path="/etc/netplan/90-on.yaml"))
    assert found["network"]["ethernets"] == {
        "on": {"match": {"macaddress": "52:54:00:12:34:5a"}, "dhcp4": True, "dhcp6": True}
    }


# ifcfg


def test_ifcfg_of_rhel(tmp_path: pathlib.Path) -> None:
    rpc = guest()
    assert shell(written("ifcfg", STATIC, rpc=rpc), tmp_path) == {
        "NAME": "lan",
        "UUID": "8786cfe7-d5e3-539c-81da-f0aa67b675a6",
        "TYPE": "Ethernet",
        "DEVICE": "ens3",
        "ONBOOT": "yes",
        "BOOTPROTO": "none",
        "IPADDR": "192.0.2.10",
        "PREFIX": "24",
        "IPADDR1": "192.0.2.11",
        "PREFIX1": "24",
        "GATEWAY": "192.0.2.1",
        "IPV6INIT": "yes",
        "IPV6_AUTOCONF": "no",
        "IPV6ADDR": "2001:db8::10/64",
        "IPV6ADDR_SECONDARIES": "2001:db8::11/64",
        "IPV6_DEFAULTGW": "fe80::1",
        "DNS1": "192.0.2.53",
        "DNS2": "2001:db8::53",
        "DOMAIN": "example.com example.org",
        "MTU": "1400",
    }
    routes = [rpc.nodes[f"/etc/sysconfig/network-scripts/{name}-ens3"].content for name in ("route", "route6")]
    assert routes[0].endswith(b"\n198.51.100.0/24 via 192.0.2.254 metric 50\n")
    assert routes[1].endswith(b"\n2001:db8:1::/48 via 2001:db8::fe\n")
    four(network, rpc, **DHCP, renderer="ifcfg")
    assert "/etc/sysconfig/network-scripts/route-ens3" not in rpc.nodes


def test_ifcfg_of_rhel_by_address(tmp_path: pathlib.Path) -> None:
    text = written("ifcfg", MAC, path="/etc/sysconfig/network-scripts/ifcfg-lan")
    found = shell(text, tmp_path)
    assert found["HWADDR"] == "52:54:00:12:34:5A" and "DEVICE" not in found
    assert (found["BOOTPROTO"], found["DHCPV6C"]) == ("dhcp", "yes")


def test_ifcfg_of_suse(tmp_path: pathlib.Path) -> None:
    rpc = suse()
    text = written("ifcfg", STATIC, rpc=rpc, path="/etc/sysconfig/network/ifcfg-ens3")
    found = shell(text, tmp_path)
    assert [found[f"IPADDR{suffix}"] for suffix in ("", "_1", "_2", "_3")] == STATIC["addresses"]
    assert (found["BOOTPROTO"], found["STARTMODE"]) == ("static", "auto")
    assert rpc.nodes["/etc/sysconfig/network/ifroute-ens3"].content.decode().splitlines()[1:] == [
        "default 192.0.2.1 - ens3",
        "default fe80::1 - ens3",
        "198.51.100.0/24 192.0.2.254 - ens3 metric 50",
        "2001:db8:1::/48 2001:db8::fe - ens3",
    ]
    assert rpc.nodes["/etc/sysconfig/network/config"].content.decode().splitlines() == [
        "# c",
        'NETCONFIG_DNS_STATIC_SERVERS="192.0.2.53 2001:db8::53"',
        'NETCONFIG_DNS_POLICY="auto"',
        'NETCONFIG_DNS_STATIC_SEARCHLIST="example.com example.org"',
    ]


@pytest.mark.parametrize(("renderer", "rpc"), [("ifcfg", suse()), ("ifupdown", guest())])
def test_a_hardware_address_where_only_names_are_known(renderer: str, rpc: FakeRpc) -> None:
    with pytest.raises(OptionError, match="by their names"):
        run(network, rpc, **MAC, renderer=renderer)


# ifupdown


def test_ifupdown() -> None:
    assert written("ifupdown", STATIC).partition("\n\n")[2] == (
        "auto ens3\n"
        "iface ens3 inet static\n"
        "    address 192.0.2.10\n"
        "    netmask 255.255.255.0\n"
        "    gateway 192.0.2.1\n"
        "    up ip -4 addr add 192.0.2.11/24 dev $IFACE\n"
        "    up ip -4 route add 198.51.100.0/24 via 192.0.2.254 metric 50 dev $IFACE\n"
        "    pre-up ip link set dev $IFACE mtu 1400\n"
        "    dns-nameservers 192.0.2.53 2001:db8::53\n"
        "    dns-search example.com example.org\n"
        "\n"
        "iface ens3 inet6 static\n"
        "    address 2001:db8::10\n"
        "    netmask 64\n"
        "    gateway fe80::1\n"
        "    up ip -6 addr add 2001:db8::11/64 dev $IFACE\n"
        "    up ip -6 route add 2001:db8:1::/48 via 2001:db8::fe dev $IFACE\n"
    )


def test_ifupdown_in_the_main_file() -> None:
    """As on Alpine, whose installer leaves the device's stanza there."""
    rpc = guest()
    lo = b"auto lo\niface lo inet loopback\n\n# mine\n"
    before = lo + b"auto eth0 eth1\niface eth0 inet dhcp\n\thostname a\n\niface eth1 inet dhcp\n"
    rpc.nodes["/etc/network/interfaces"].content = before
    four(network, rpc, **{**DHCP, "interface": "eth0"}, renderer="ifupdown")
    kept = "auto lo\niface lo inet loopback\n\n# mine\nauto eth1\n\niface eth1 inet dhcp\n"
    block = "# BEGIN offline.guest.network lan\nauto eth0\niface eth0 inet dhcp\n# END offline.guest.network lan\n"
    assert rpc.nodes["/etc/network/interfaces"].content.decode() == f"{kept}\n{block}"
    four(network, rpc, **{**STATIC, "interface": "eth0"}, renderer="ifupdown")
    text = rpc.nodes["/etc/network/interfaces"].content.decode()
    assert text.startswith(kept) and text.count("# BEGIN") == 1 and "inet6 static" in text
    four(network, rpc, name="lan", state="absent", renderer="ifupdown")
    assert rpc.nodes["/etc/network/interfaces"].content.decode() == kept


def test_ifupdown_moves_to_a_file_when_one_is_read() -> None:
    rpc = guest()
    rpc.nodes["/etc/network/interfaces"].content = b"auto lo\niface lo inet loopback\n"
    run(network, rpc, **DHCP, renderer="ifupdown")
    rpc.nodes["/etc/network/interfaces"].content += b"source-directory interfaces.d\n"
    four(network, rpc, **DHCP, renderer="ifupdown")
    assert b"BEGIN" not in rpc.nodes["/etc/network/interfaces"].content
    assert PATHS["ifupdown"] in rpc.nodes


@pytest.mark.parametrize(
    ("line", "name", "path"),
    [
        ("source /etc/network/interfaces.d/*", "lan", "lan"),
        ("source interfaces.d/*.cfg", "lan", "lan.cfg"),
        ("source-directory /etc/network/interfaces.d", "lan", "lan"),
        ("source-directory /etc/network/interfaces.d/", "lan.1", None),
        ("#source /etc/network/interfaces.d/*", "lan", None),
        ("source /etc/other/*", "lan", None),
        ("source", "lan", None),
    ],
)
def test_where_ifupdown_reads(line: str, name: str, path: str | None) -> None:
    expected = None if path is None else f"/etc/network/interfaces.d/{path}"
    assert Interfaces.parse(f"{line}\n".encode()).file_for(name) == expected


def test_another_file_of_the_device_is_warned_of() -> None:
    rpc, warnings = guest(), list[str]()
    rpc.add_file("/etc/network/interfaces.d/50-cloud-init", b"iface ens3 inet dhcp\n")
    rpc.add_special("/etc/network/interfaces.d/fifo", stat.S_IFIFO)
    run(network, rpc, **STATIC, renderer="ifupdown", warnings=warnings)
    assert len(warnings) == 2 and "resolvconf" in warnings[0] and "50-cloud-init" in warnings[1]


@given(content=st.binary(max_size=80))
@settings(max_examples=300, deadline=None)
def test_interfaces_keep_every_byte(content: bytes) -> None:
    found = Interfaces.parse(content)
    whole = content if not content or content.endswith(b"\n") else content + b"\n"
    assert found.format() == whole
    if b"offline.guest" not in content and not content.endswith(b"\\") and not content.endswith(b"\\\n"):
        back = Interfaces.parse(found.with_block("x", "auto y\n").format()).without_block("x")
        assert back.format().rstrip(b"\n \t\r") == whole.rstrip(b"\n \t\r") or not back.format().strip()


# Which of them


SIGNS: dict[str, tuple[str, ...]] = {
    "netplan": ("/usr/sbin/netplan", "/usr/lib/systemd/systemd-networkd"),
    "ifcfg": ("/etc/sysconfig/network-scripts/ifup", "/usr/sbin/NetworkManager", "/etc/rc.d/rc3.d/S10network"),
    "networkmanager": (
        *("/etc/sysconfig/network-scripts/ifup", "/usr/sbin/NetworkManager", "/usr/lib/systemd/systemd-networkd"),
        "/etc/systemd/system/multi-user.target.wants/NetworkManager.service",
    ),
    "networkd": ("/usr/lib/systemd/systemd-networkd",),
    "ifupdown": (
        *("/sbin/ifup", "/usr/lib/systemd/systemd-networkd"),
        "/etc/systemd/system/multi-user.target.wants/networking.service",
    ),
}


@pytest.mark.parametrize("renderer", SIGNS)
def test_what_the_guest_uses(renderer: str) -> None:
    rpc = guest()
    for path in SIGNS[renderer]:
        rpc.add_file(path)
    assert run(network, rpc, **DHCP).result["renderer"] == renderer


def test_an_alias_says_which_of_two_is_enabled() -> None:
    for target, renderer in (("wicked", "ifcfg"), ("NetworkManager", "networkmanager")):
        rpc = guest()
        rpc.add_file("/usr/sbin/wicked")
        rpc.add_file("/usr/sbin/NetworkManager")
        rpc.add_link("/etc/systemd/system/network.service", f"/usr/lib/systemd/system/{target}.service")
        rpc.add_link("/etc/systemd/system/multi-user.target.wants/NetworkManager.service", "x")
        assert run(network, rpc, **DHCP).result["renderer"] == renderer


def test_a_guest_that_has_none_of_them() -> None:
    with pytest.raises(GuestError, match="not known"):
        run(network, guest(), **DHCP)


# The options


@pytest.mark.parametrize("renderer", PATHS)
def test_a_connection_goes(renderer: str) -> None:
    rpc = guest()
    outcome = run(network, rpc, **STATIC, renderer=renderer)
    assert PATHS[renderer] in outcome.result["files"] and PATHS[renderer] in rpc.nodes
    gone = four(network, rpc, name="lan", interface="ens3", state="absent", renderer=renderer)
    assert PATHS[renderer] not in rpc.nodes and PATHS[renderer] not in gone.result["files"]


@pytest.mark.parametrize("renderer", PATHS)
def test_the_same_in_every_build(renderer: str) -> None:
    one, two = written(renderer, STATIC), written(renderer, STATIC)
    assert one == two
    assert renderer == "networkd" or renderer == "netplan" or renderer == "ifupdown" or re.search("(?i)uuid=", one)


def test_backups() -> None:
    rpc = guest()
    rpc.add_file(PATHS["ifcfg"], b"DEVICE=ens3\n", 0o600)
    outcome = run(network, rpc, **DHCP, renderer="ifcfg", backup=True)
    (kept,) = outcome.result["backup_files"]
    assert kept.startswith("/var/backups/network-ifcfg-ens3.") and rpc.nodes[kept].content == b"DEVICE=ens3\n"
    assert modes(rpc, PATHS["ifcfg"])[0] == "0600"


@pytest.mark.parametrize(
    ("params", "word"),
    [
        ({**DHCP, "dhcp4": False}, "no address"),
        ({"name": "lan", "dhcp4": True}, "no device"),
        ({**DHCP, "name": "../x"}, "name"),
        ({**DHCP, "name": ""}, "name"),
        ({**DHCP, "interface": "a b"}, "interface"),
        ({**DHCP, "interface": "0123456789abcdef"}, "interface"),
        ({**DHCP, "interface": "a\n"}, "interface"),
        ({"name": "x", "mac": "52:54:00:12:34", "dhcp4": True}, "mac"),
        ({**DHCP, "addresses": ["192.0.2.1"]}, "prefix"),
        ({**DHCP, "addresses": ["192.0.2.256/24"]}, "prefix"),
        ({**DHCP, "addresses": ["fe80::1%eth0/64"]}, "prefix"),
        ({**DHCP, "addresses": ["192.0.2.1/24", "192.0.2.1/24"]}, "twice"),
        ({**DHCP, "gateway4": "192.0.2.1"}, "gateway4"),
        ({**STATIC, "gateway4": "fe80::1"}, "gateway4"),
        ({**STATIC, "gateway6": "x\n[y]"}, "gateway6"),
        ({**DHCP, "nameservers": {"addresses": ["dns"]}}, "nameservers"),
        ({**DHCP, "nameservers": {"search": ["a b"]}}, "search"),
        ({**DHCP, "routes": [{"to": "192.0.2.1/24", "via": "192.0.2.1"}]}, "routes.to"),
        ({**DHCP, "routes": [{"to": "2001:db8::/32", "via": "192.0.2.1"}]}, "version"),
        ({**DHCP, "routes": [{"to": "default", "via": "192.0.2.1", "metric": -1}]}, "metric"),
        ({**DHCP, "mtu": 67}, "mtu"),
        ({**STATIC, "mtu": 1279}, "mtu"),
    ],
)
def test_wrong_options(params: Params, word: str) -> None:
    rpc = guest()
    with pytest.raises(OptionError, match=word):
        run(network, rpc, **params, renderer="networkd")
    assert rpc.writes == []


def test_a_device_is_named_in_one_way() -> None:
    with pytest.raises(Refused):
        run(network, guest(), **DHCP, mac="52:54:00:12:34:56")


ADDRESSES = st.lists(
    st.one_of(st.ip_addresses(v=4).map(lambda ip: f"{ip}/24"), st.ip_addresses(v=6).map(lambda ip: f"{ip}/64")),
    min_size=1,
    max_size=4,
    unique_by=ipaddress.ip_interface,
)


@given(addresses=ADDRESSES, mtu=st.one_of(st.none(), st.integers(1280, 65535)))
@settings(max_examples=100, deadline=None)
def test_what_was_asked_for_is_read_back(addresses: list[str], mtu: int | None) -> None:
    params = {"name": "lan", "interface": "ens3", "addresses": addresses, **({"mtu": mtu} if mtu else {})}
    expected = [ipaddress.ip_interface(address) for address in addresses]
    plan = yaml.safe_load(written("netplan", params))["network"]["ethernets"]["ens3"]
    assert ([ipaddress.ip_interface(address) for address in plan["addresses"]], plan.get("mtu")) == (expected, mtu)
    networkd = ini(written("networkd", params))
    assert [ipaddress.ip_interface(address) for address in networkd["Network"]["Address"]] == expected
    keyfile = ini(written("networkmanager", params))
    found = [
        value[0] for family in ("ipv4", "ipv6") for key, value in keyfile[family].items() if key.startswith("address")
    ]
    assert sorted(found) == sorted(map(str, expected))


def test_hostile_files() -> None:
    rpc = guest()
    rpc.add_special(PATHS["networkd"], stat.S_IFIFO)
    with pytest.raises(GuestError, match="not a regular file"):
        run(network, rpc, **DHCP, renderer="networkd")
    rpc = guest()
    rpc.nodes["/etc/network/interfaces"].content = b"x" * 2_000_000
    with pytest.raises(GuestError, match="more than"):
        run(network, rpc, **DHCP, renderer="ifupdown")
    rpc = guest()
    rpc.add_file("/etc/systemd/network", b"")
    with pytest.raises(GuestError, match="not a directory"):
        run(network, rpc, **DHCP, renderer="networkd")
