#!/usr/bin/python

# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: systemd_unit
short_description: Enable, mask and write units of systemd in a guest
version_added: 0.1.0
description:
  - Makes and removes the very links that C(systemctl --root) would, by what the unit and its drop-ins say in
    C([Install]).
  - Writes and removes unit files and drop-ins of the administrator.
  - Everything is resolved inside the guest, and no program of the guest runs.
  - The links bear the paths that the guest's own systemd would give them, such as C(/lib/systemd/system) in Debian 12.
  - If several things are asked for, the order is to unmask, write the file, disable, remove the file, enable or preset,
    and mask.
extends_documentation_fragment:
  - offline.guest.attributes
  - offline.guest.image
  - offline.guest.appliance
options:
  name:
    description:
      - The name of the unit. Without a type such as C(.timer) it is a service.
      - For O(enabled=true) it may be the absolute path of a unit file of the guest that systemd does not look for by
        itself. It is linked, too.
    type: str
    required: true
    aliases: [service, unit]
  enabled:
    description:
      - Whether the unit is to start at boot.
      - V(true) makes all links that C([Install]) asks for, also if there are some already. A unit without C([Install])
        is left alone, with a warning.
      - V(false) removes all links that bear the unit's name or lead to it, from whatever unit, as C(systemctl disable)
        does, and those of the units that it names in C(Also=).
    type: bool
  preset:
    description:
      - Whether to enable or disable the unit as the guest's presets say.
      - Excludes O(enabled).
    type: bool
    default: false
  masked:
    description:
      - Whether the unit is to be masked, so that nothing can start it. It need not exist.
      - A unit that has a file of its own in C(/etc/systemd/system) cannot be masked.
    type: bool
  content:
    description:
      - The content of the unit file, or of the drop-in that O(dropin) names.
      - An existing file keeps its mode, owner and SELinux label. A new one gets V('0644'), root, and the label of the
        guest's policy.
    type: str
  dropin:
    description:
      - The name of a drop-in, such as V(10-limits.conf), that O(content) is for, or O(state=absent).
      - It is in C(/etc/systemd/system/NAME.d).
    type: str
  state:
    description:
      - Whether the file that O(content) and O(dropin) are about is to be there. V(present) is meant if O(content) is
        set.
      - V(absent) removes the unit file in C(/etc/systemd/system), or the drop-in. One in C(/usr) then counts again. Add
        O(enabled=false) to remove the unit's links, too.
      - The other values are those of M(ansible.builtin.systemd_service). They are refused, for the guest is off. Use
        M(offline.guest.firstboot) for what must be done when it runs.
    type: str
    choices: [present, absent, reloaded, restarted, started, stopped]
  force:
    description:
      - Whether links of other units may be replaced, that are where an alias, a mask or the file belongs. Files are not
        replaced by links.
    type: bool
    default: false
  scope:
    description:
      - V(system) is about the units of the system.
      - V(global) is about those that every user has, in C(/etc/systemd/user).
      - V(user) is refused.
    type: str
    choices: [system, user, global]
    default: system
  daemon_reload:
    description:
      - V(true) is refused. A guest reads all its units when it boots.
    type: bool
    default: false
  daemon_reexec:
    description:
      - V(true) is refused.
    type: bool
    default: false
  no_block:
    description:
      - V(true) is refused.
    type: bool
    default: false
notes:
  - M(ansible.builtin.systemd_service) looks at C(systemctl is-enabled) only, and does nothing if any link is there.
    This module makes all links.
  - In C([Install]), specifiers about the machine, such as C(%m) and C(%H), are answered by the guest's files. A unit
    with one that only a running guest could answer, such as C(%b), is refused.
  - As in systemd, drop-ins of a shortened name or of a type, such as C(service.d), do not count for C([Install]).
  - Links in folders of C(UpheldBy=) are made always. Versions before 254 pass over them.
seealso:
  - module: ansible.builtin.systemd_service
  - module: offline.guest.service
  - module: offline.guest.firstboot
author:
  - offline.guest contributors (@offline-guest)
"""

EXAMPLES = r"""
- name: Enable a service
  offline.guest.systemd_unit:
    image: /srv/images/web.qcow2
    format: qcow2
    name: nginx
    enabled: true

- name: Disable a timer, and have nothing start the unit that it is for
  offline.guest.systemd_unit:
    image: /srv/images/web.qcow2
    format: qcow2
    name: "{{ item.name }}"
    enabled: false
    masked: "{{ item.masked }}"
  loop:
    - {name: apt-daily.timer, masked: false}
    - {name: apt-daily.service, masked: true}

- name: Write a unit and enable it
  offline.guest.systemd_unit:
    image: /srv/images/web.qcow2
    format: qcow2
    name: app.service
    content: |
      [Service]
      ExecStart=/usr/bin/app

      [Install]
      WantedBy=multi-user.target
    enabled: true

- name: Change a unit of a package by a drop-in
  offline.guest.systemd_unit:
    image: /srv/images/web.qcow2
    format: qcow2
    name: nginx.service
    dropin: 10-limits.conf
    content: |
      [Service]
      LimitNOFILE=65536

- name: Have a login on the second serial port
  offline.guest.systemd_unit:
    image: /srv/images/web.qcow2
    format: qcow2
    name: serial-getty@ttyS1.service
    enabled: true

- name: Do what the distribution has preset
  offline.guest.systemd_unit:
    image: /srv/images/web.qcow2
    format: qcow2
    name: sshd.socket
    preset: true
"""

RETURN = r"""
name:
  description: The name of the unit, as it was given.
  returned: success
  type: str
  sample: nginx
enabled:
  description:
    - Whether C(systemctl is-enabled) would say yes afterwards, which it does of static and indirect units and of
      aliases, too.
  returned: success
  type: bool
  sample: true
masked:
  description: Whether the unit is masked afterwards.
  returned: success
  type: bool
  sample: false
path:
  description: The path of the file that O(content) or O(state=absent) was about, null if none was.
  returned: success
  type: str
  sample: /etc/systemd/system/nginx.service.d/10-limits.conf
status:
  description:
    - What C(systemctl show) says that is known while the guest is off, in its own words.
  returned: success
  type: dict
  contains:
    Id:
      description: The name of the unit that the name leads to.
      returned: success
      type: str
      sample: nginx.service
    LoadState:
      description: V(loaded), V(masked), V(not-found) or V(error).
      returned: success
      type: str
      sample: loaded
    UnitFileState:
      description: What C(systemctl is-enabled) says, empty if there is no such unit.
      returned: success
      type: str
      sample: enabled
    FragmentPath:
      description: The path of the unit file, empty if there is none.
      returned: success
      type: str
      sample: /lib/systemd/system/nginx.service
    DropInPaths:
      description: The paths of the drop-ins that count for C([Install]), with blanks between them.
      returned: success
      type: str
      sample: /etc/systemd/system/nginx.service.d/10-limits.conf
msg:
  description: The state of the unit in words.
  returned: success
  type: str
  sample: The unit nginx.service is enabled in the guest.
"""

from typing import NoReturn

from ..module_utils._ansible_module import run_guest_module
from ..module_utils._guest._systemd_unit import handle


def main() -> NoReturn:
    run_guest_module(
        argument_spec={
            "name": {"type": "str", "required": True, "aliases": ["service", "unit"]},
            "enabled": {"type": "bool"},
            "preset": {"type": "bool", "default": False},
            "masked": {"type": "bool"},
            "content": {"type": "str"},
            "dropin": {"type": "str"},
            "state": {
                "type": "str",
                "choices": ["present", "absent", "reloaded", "restarted", "started", "stopped"],
            },
            "force": {"type": "bool", "default": False},
            "scope": {"type": "str", "choices": ["system", "user", "global"], "default": "system"},
            "daemon_reload": {"type": "bool", "default": False},
            "daemon_reexec": {"type": "bool", "default": False},
            "no_block": {"type": "bool", "default": False},
        },
        handler=handle,
        writes=True,
    )


if __name__ == "__main__":
    main()
