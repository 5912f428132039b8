#!/usr/bin/python

# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ssh_host_keys
short_description: Remove the SSH host keys of a guest
version_added: 0.1.0
description:
  - Removes the keys by which the SSH server of a guest proves that it is this machine, so that each clone of the image
    has its own.
  - Removed are the files and links in C(/etc/ssh) that are named as OpenSSH names them, such as
    C(ssh_host_ed25519_key) and C(ssh_host_ed25519_key.pub), and certificates for them.
  - An SSH server without keys does not start. So the task fails if nothing in the guest makes new ones at boot. In
    Debian and Ubuntu that is so, unless cloud-init does it. Fedora, RHEL, openSUSE, Arch and Alpine make them.
extends_documentation_fragment:
  - offline.guest.attributes
  - offline.guest.image
  - offline.guest.appliance
options:
  state:
    description:
      - The keys are removed. They are never made on the host, because all who have seen the image would know them.
    type: str
    choices: [absent]
    default: absent
  regenerate:
    description:
      - Who makes new keys.
      - V(guest) is the guest by itself. The task fails if it does not. A firstboot script of an earlier task counts.
      - V(firstboot) installs a firstboot script with the name C(00-ssh-host-keys). It runs C(ssh-keygen -A) at the next
        boot, and starts the SSH server, which could not start before.
      - V(never) does not look. Choose this if the keys are provided by other means.
    type: str
    choices: [guest, firstboot, never]
    default: guest
notes:
  - What makes keys is found by reading. These are the units that the SSH server's unit wants, what it runs before it
    starts, enabled units whose names say it, init scripts that call C(ssh-keygen), and the configuration of cloud-init.
  - cloud-init makes keys once for each instance id, so clones with the same instance id as the image get none from it.
  - Keys in other places that C(HostKey) in C(sshd_config) names, and the keys of Dropbear, are left alone.
seealso:
  - module: offline.guest.firstboot
author:
  - offline.guest contributors (@offline-guest)
"""

EXAMPLES = r"""
- name: Remove the host keys
  offline.guest.ssh_host_keys:
    image: /srv/images/golden.qcow2
    format: qcow2

- name: Remove the host keys of a Debian, and have new ones made
  offline.guest.ssh_host_keys:
    image: /srv/images/golden.qcow2
    format: qcow2
    regenerate: firstboot
"""

RETURN = r"""
removed:
  description: The paths of what is removed.
  returned: success
  type: list
  elements: str
  sample: [/etc/ssh/ssh_host_ed25519_key, /etc/ssh/ssh_host_ed25519_key.pub]
made_by:
  description:
    - What makes new keys at the next boot. That is a unit, an init script, V(cloud-init) or V(firstboot), null if
      nothing is known to.
  returned: success
  type: str
  sample: sshd-keygen.target
firstboot_script:
  description: The name of the firstboot script that this task wants, null if it wants none.
  returned: success
  type: str
  sample: null
msg:
  description: What became of the keys.
  returned: success
  type: str
  sample: 6 files of SSH host keys are removed; sshd-keygen.target makes new ones at the next boot.
"""

from typing import NoReturn

from ..module_utils._ansible_module import run_guest_module
from ..module_utils._guest._ssh_host_keys import handle


def main() -> NoReturn:
    """Run the module."""
    run_guest_module(
        argument_spec={
            "state": {"type": "str", "choices": ["absent"], "default": "absent"},
            "regenerate": {"type": "str", "choices": ["guest", "firstboot", "never"], "default": "guest"},
        },
        handler=handle,
        writes=True,
    )


if __name__ == "__main__":
    main()
