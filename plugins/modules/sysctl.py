#!/usr/bin/python

# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: sysctl
short_description: Set kernel parameters that a guest uses from its next boot
version_added: 0.1.0
description:
  - Sets and removes a parameter in C(/etc/sysctl.conf), or another file, of a guest.
  - The file is written as M(ansible.posix.sysctl) writes it. When anything changes, all of its parameters become
    C(key=value), and of one that is there twice the first line stays. Comments and lines that are no parameters stay,
    without blanks around them.
extends_documentation_fragment:
  - offline.guest.attributes
  - offline.guest.image
  - offline.guest.appliance
options:
  name:
    description: The name of the parameter, such as V(net.ipv4.ip_forward).
    type: str
    required: true
    aliases: [key]
  value:
    description:
      - The value. V(yes), V(on), V(true) and the like become V(1), their opposites V(0).
      - Required with O(state=present).
    type: str
    aliases: [val]
  state:
    description: Whether the parameter is to be in the file.
    type: str
    choices: [present, absent]
    default: present
  ignoreerrors:
    description:
      - Whether to pass over a parameter that the kernel does not know. There is no kernel to ask in an image, so this
        is always so, and the option is there for tasks that were written for M(ansible.posix.sysctl).
    type: bool
    default: false
  reload:
    description:
      - Whether to have the running system read the file. No system runs in an image, so nothing is done, and the guest
        reads the file when it boots.
    type: bool
    default: true
  sysctl_file:
    description:
      - The file, an absolute path. A new one gets the mode V(0644).
      - systemd does not read C(/etc/sysctl.conf) by itself. Most distributions have a link
        C(/etc/sysctl.d/99-sysctl.conf) to it. In a guest with systemd that has none, such as Arch Linux or Debian 13,
        the link is made as well when a parameter is set in C(/etc/sysctl.conf). If something else has that name, it
        stays, and there is a warning.
    type: str
    default: /etc/sysctl.conf
  sysctl_set:
    description:
      - Refused if V(true), because it sets the parameter of a running kernel.
    type: bool
    default: false
seealso:
  - module: ansible.posix.sysctl
author:
  - offline.guest contributors (@offline-guest)
"""

EXAMPLES = r"""
- name: Forward packets
  offline.guest.sysctl:
    image: /srv/images/router.qcow2
    format: qcow2
    name: net.ipv4.ip_forward
    value: '1'

- name: Use a file of its own
  offline.guest.sysctl:
    image: /srv/images/db.qcow2
    format: qcow2
    name: vm.swappiness
    value: '5'
    sysctl_file: /etc/sysctl.d/60-database.conf
"""

RETURN = r"""
name:
  description: The name of the parameter.
  returned: success
  type: str
  sample: net.ipv4.ip_forward
value:
  description: The value as it is written, null with O(state=absent).
  returned: success
  type: str
  sample: '1'
path:
  description: The file.
  returned: success
  type: str
  sample: /etc/sysctl.conf
paths:
  description: The files and directories that changed or would change.
  returned: success
  type: list
  elements: str
  sample: [/etc/sysctl.conf, /etc/sysctl.d/99-sysctl.conf]
"""

from typing import NoReturn

from ..module_utils._ansible_module import run_guest_module
from ..module_utils._guest._sysctl import handle


def main() -> NoReturn:
    """Run the module."""
    run_guest_module(
        argument_spec={
            "name": {"type": "str", "required": True, "aliases": ["key"]},
            "value": {"type": "str", "aliases": ["val"]},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "ignoreerrors": {"type": "bool", "default": False},
            "reload": {"type": "bool", "default": True},
            "sysctl_file": {"type": "str", "default": "/etc/sysctl.conf"},
            "sysctl_set": {"type": "bool", "default": False},
        },
        handler=handle,
        writes=True,
        required_if=[["state", "present", ["value"]]],
    )


if __name__ == "__main__":
    main()
