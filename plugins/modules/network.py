#!/usr/bin/python

# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: network
short_description: Configure a network connection of a guest
version_added: 0.1.0
description:
  - Writes a connection, static or by DHCP, in the form that the guest's own network configuration reads, which can be
    NetworkManager, systemd-networkd, netplan, ifupdown, or the ifcfg files of RHEL and SUSE.
  - A connection is one file of its own, with the files of its routes where the form wants that. What other files say
    stays, except with ifupdown, see O(renderer).
  - Nothing is started. The guest uses the connection from its next boot.
extends_documentation_fragment:
  - offline.guest.attributes
  - offline.guest.image
  - offline.guest.appliance
options:
  name:
    description:
      - The name of the connection, which is the identity of the file.
      - At most 64 letters, digits, dots, underscores and hyphens, of which the first is a letter or digit.
    type: str
    required: true
  state:
    description:
      - Whether the connection is to be there. With V(absent), only the files of O(name) are removed (for ifcfg those
        of O(interface), if it is given).
    type: str
    choices: [present, absent]
    default: present
  interface:
    description:
      - The name of the network device, such as V(ens3).
      - Exactly one of O(interface) and O(mac) is needed with O(state=present).
    type: str
  mac:
    description:
      - The hardware address of the network device, such as V(52:54:00:12:34:56).
      - ifupdown and the ifcfg files of SUSE know devices by their names only, so there it is refused.
    type: str
  dhcp4:
    description: Whether to ask for an IPv4 address.
    type: bool
    default: false
  dhcp6:
    description:
      - Whether to ask for an IPv6 address. NetworkManager then takes one from router advertisements as well.
      - Without this and without an IPv6 address in O(addresses), IPv6 is left as the guest has it by default.
    type: bool
    default: false
  addresses:
    description:
      - Addresses of both versions of IP, each with the length of its prefix, such as V(192.0.2.10/24).
      - One of O(addresses), O(dhcp4) and O(dhcp6) is needed with O(state=present).
    type: list
    elements: str
  gateway4:
    description: The IPv4 gateway. Needs an IPv4 address in O(addresses).
    type: str
  gateway6:
    description: The IPv6 gateway. Needs an IPv6 address in O(addresses).
    type: str
  nameservers:
    description:
      - The name servers. SUSE has them for all connections together, in C(/etc/sysconfig/network/config), where
        O(state=absent) leaves them. ifupdown needs C(resolvconf) for them, and there is a warning without it.
    type: dict
    suboptions:
      addresses:
        description: Their addresses.
        type: list
        elements: str
      search:
        description: Domains in which names are looked for.
        type: list
        elements: str
  routes:
    description: Further routes.
    type: list
    elements: dict
    suboptions:
      to:
        description: The network, such as V(198.51.100.0/24), or V(default).
        type: str
        required: true
      via:
        description: The address of the gateway to it.
        type: str
        required: true
      metric:
        description: The metric of the route. The lowest is used.
        type: int
  mtu:
    description: The size of the largest packet.
    type: int
  renderer:
    description:
      - In what form to write.
      - V(auto) is what the guest uses. Of V(netplan), V(ifcfg), V(networkmanager), V(networkd) and V(ifupdown), in this
        order, it is the first whose program is installed and enabled, and if none is enabled, the first that is
        installed. netplan is enabled if it is there.
      - V(netplan) is C(/etc/netplan/90-NAME.yaml), mode V(0600), which is read after others. It has the device's name
        as its identifier, or the connection's with O(mac).
      - V(networkmanager) is C(/etc/NetworkManager/system-connections/NAME.nmconnection), mode V(0600). Its UUID is made
        from the name, so that the same image can be made again. Its priority is 100, before others of the device.
      - V(networkd) is C(/etc/systemd/network/10-NAME.network).
      - V(ifcfg) is C(ifcfg-INTERFACE), or C(ifcfg-NAME) with O(mac), in C(/etc/sysconfig/network-scripts), or in
        C(/etc/sysconfig/network) if the guest has no directory of that name below it, as on SUSE.
      - V(ifupdown) is C(/etc/network/interfaces.d/NAME) if C(/etc/network/interfaces) reads it, and else a part of
        C(/etc/network/interfaces) between two comments. Whatever else C(/etc/network/interfaces) says of the device
        is removed, because it would be in force as well. If another file does, there is a warning.
    type: str
    choices: [auto, netplan, ifcfg, networkmanager, networkd, ifupdown]
    default: auto
  backup:
    description:
      - Whether to keep files as they were, in C(/var/backups) of the guest, if their content changes.
    type: bool
    default: false
author:
  - offline.guest contributors (@offline-guest)
"""

EXAMPLES = r"""
- name: Give the guest a static address
  offline.guest.network:
    image: /srv/images/web.qcow2
    format: qcow2
    name: lan
    interface: ens3
    addresses: [192.0.2.10/24, '2001:db8::10/64']
    gateway4: 192.0.2.1
    gateway6: fe80::1
    nameservers:
      addresses: [192.0.2.53]
      search: [example.com]

- name: Use DHCP on the device with that hardware address
  offline.guest.network:
    image: /srv/images/web.qcow2
    format: qcow2
    name: lan
    mac: 52:54:00:12:34:56
    dhcp4: true
    mtu: 9000

- name: Write for systemd-networkd, whatever else the guest has
  offline.guest.network:
    image: /srv/images/web.qcow2
    format: qcow2
    name: backend
    interface: ens4
    addresses: [198.51.100.10/24]
    routes:
      - to: 203.0.113.0/24
        via: 198.51.100.1
        metric: 50
    renderer: networkd
"""

RETURN = r"""
name:
  description: The name of the connection.
  returned: success
  type: str
  sample: lan
renderer:
  description: In what form it is written.
  returned: success
  type: str
  sample: networkmanager
files:
  description: The files that hold the connection afterwards.
  returned: success
  type: list
  elements: str
  sample: [/etc/NetworkManager/system-connections/lan.nmconnection]
paths:
  description: The files and directories that changed or would change.
  returned: success
  type: list
  elements: str
  sample: [/etc/NetworkManager/system-connections/lan.nmconnection]
backup_files:
  description: The paths of the backups in the guest.
  returned: success
  type: list
  elements: str
  sample: []
"""

from typing import NoReturn

from ..module_utils._ansible_module import run_guest_module
from ..module_utils._guest._network import handle


def main() -> NoReturn:
    """Run the module."""
    run_guest_module(
        argument_spec={
            "name": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "interface": {"type": "str"},
            "mac": {"type": "str"},
            "dhcp4": {"type": "bool", "default": False},
            "dhcp6": {"type": "bool", "default": False},
            "addresses": {"type": "list", "elements": "str"},
            "gateway4": {"type": "str"},
            "gateway6": {"type": "str"},
            "nameservers": {
                "type": "dict",
                "options": {
                    "addresses": {"type": "list", "elements": "str"},
                    "search": {"type": "list", "elements": "str"},
                },
            },
            "routes": {
                "type": "list",
                "elements": "dict",
                "options": {
                    "to": {"type": "str", "required": True},
                    "via": {"type": "str", "required": True},
                    "metric": {"type": "int"},
                },
            },
            "mtu": {"type": "int"},
            "renderer": {
                "type": "str",
                "choices": ["auto", "netplan", "ifcfg", "networkmanager", "networkd", "ifupdown"],
                "default": "auto",
            },
            "backup": {"type": "bool", "default": False},
        },
        handler=handle,
        writes=True,
        mutually_exclusive=[["interface", "mac"]],
    )


if __name__ == "__main__":
    main()
