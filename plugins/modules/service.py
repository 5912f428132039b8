#!/usr/bin/python

# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: service
short_description: Enable and disable services of a guest
version_added: 0.1.0
description:
  - Says whether a service starts when the guest boots, whether systemd, OpenRC or SysV init starts it.
  - With systemd, this does what M(offline.guest.systemd_unit) does. An init script without a unit is treated as with
    SysV init.
  - With OpenRC, this adds the service to a runlevel or takes it away, as C(rc-update) does.
  - With SysV init, this makes the links of C(update-rc.d) or of C(chkconfig), whichever the guest has.
extends_documentation_fragment:
  - offline.guest.attributes
  - offline.guest.image
  - offline.guest.appliance
options:
  name:
    description:
      - The name of the service.
    type: str
    required: true
  enabled:
    description:
      - Whether the service is to start at boot.
    type: bool
  runlevel:
    description:
      - The runlevel of OpenRC that the service is added to or taken away from. Other init systems have no use for it.
    type: str
    default: default
  use:
    description:
      - The init system to work for, V(systemd), V(openrc) or V(sysvinit). V(auto) and V(service) take the one that is
        found in the guest.
    type: str
    default: auto
  state:
    description:
      - All values are refused, for the guest is off. A service that is enabled starts at the next boot. Use
        M(offline.guest.firstboot) for what must be done when the guest runs.
    type: str
    choices: [reloaded, restarted, started, stopped]
  sleep:
    description:
      - Refused, for it has no meaning without O(state).
    type: int
  pattern:
    description:
      - Refused, for it has no meaning without O(state).
    type: str
  arguments:
    description:
      - Refused unless it is empty, for it has no meaning without O(state).
    type: str
    default: ''
    aliases: [args]
notes:
  - With SysV init, the links' numbers are C(01) where C(update-rc.d) is, and those of the line C(chkconfig) elsewhere.
    Links that are there keep their numbers. What C(insserv) would work out of the dependencies of all scripts is not
    done.
seealso:
  - module: ansible.builtin.service
  - module: offline.guest.systemd_unit
  - module: offline.guest.firstboot
author:
  - offline.guest contributors (@offline-guest)
"""

EXAMPLES = r"""
- name: Have the SSH server start at boot
  offline.guest.service:
    image: /srv/images/web.qcow2
    format: qcow2
    name: sshd
    enabled: true

- name: Set the clock early in the boot of an Alpine
  offline.guest.service:
    image: /srv/images/alpine.qcow2
    format: qcow2
    name: hwclock
    runlevel: boot
    enabled: true
"""

RETURN = r"""
name:
  description: The name of the service, as it was given.
  returned: success
  type: str
  sample: sshd
enabled:
  description: Whether the service starts at boot afterwards; with OpenRC, in the runlevel that was given.
  returned: success
  type: bool
  sample: true
init_system:
  description: What starts the service, V(systemd), V(openrc) or V(sysvinit).
  returned: success
  type: str
  sample: openrc
status:
  description:
    - What is known of the unit of systemd, as RV(offline.guest.systemd_unit#module:status); null for other services.
  returned: success
  type: dict
  sample: null
msg:
  description: The same in words.
  returned: success
  type: str
  sample: The service sshd starts when the guest boots.
"""

from typing import NoReturn

from ..module_utils._ansible_module import run_guest_module
from ..module_utils._guest._service import handle


def main() -> NoReturn:
    run_guest_module(
        argument_spec={
            "name": {"type": "str", "required": True},
            "enabled": {"type": "bool"},
            "runlevel": {"type": "str", "default": "default"},
            "use": {"type": "str", "default": "auto"},
            "state": {"type": "str", "choices": ["reloaded", "restarted", "started", "stopped"]},
            "sleep": {"type": "int"},
            "pattern": {"type": "str"},
            "arguments": {"type": "str", "default": "", "aliases": ["args"]},
        },
        required_one_of=[("state", "enabled")],
        handler=handle,
        writes=True,
    )


if __name__ == "__main__":
    main()
