#!/usr/bin/python

# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cloud_init
short_description: Prepare cloud-init in a guest
version_added: 0.1.0
description:
  - Says where cloud-init looks for its data when the guest boots, puts a seed for its data source C(NoCloud) into the
    guest, disables it, or has it begin anew.
  - Nothing is done to what is not asked for. A guest without cloud-init is an error.
  - With several options at once, the guest is cleaned first.
extends_documentation_fragment:
  - offline.guest.attributes
  - offline.guest.image
  - offline.guest.appliance
options:
  datasource_list:
    description:
      - The data sources that cloud-init tries, in this order, such as V([NoCloud, None]).
      - They are written to C(/etc/cloud/cloud.cfg.d/99_offline_guest.cfg), which is read after what distributions have
        there. An empty list removes that file.
    type: list
    elements: str
  meta_data:
    description:
      - The meta data of the seed, such as C(instance-id) and C(local-hostname).
      - cloud-init takes an instance for a new one if its C(instance-id) is new, and does most of its work only then. If
        there is none, it is V(nocloud).
    type: dict
  user_data:
    description:
      - The user data of the seed, which begin with V(#cloud-config), V(#!) or another mark that cloud-init knows.
      - They may hold passwords, so they are shown in no result, log or difference.
    type: str
  vendor_data:
    description:
      - The vendor data of the seed, as O(user_data).
    type: str
  network_config:
    description:
      - The network configuration of the seed, in version 1 or 2 of cloud-init's format. It is shown in results and
        differences. Use C(no_log) for the task if it holds a password.
    type: dict
  seed:
    description:
      - V(absent) removes the whole seed from the guest. No part of it can be given then.
      - V(present) writes the parts that are given, and leaves others as they are. Of the two that C(NoCloud) must
        have, C(meta-data) and C(user-data), a missing one is made empty.
    type: str
    choices: [present, absent]
    default: present
  disabled:
    description:
      - Whether cloud-init does nothing at all when the guest boots. V(true) makes C(/etc/cloud/cloud-init.disabled),
        V(false) removes it.
      - If not set, that stays as it is.
    type: bool
  clean:
    description:
      - Whether to remove what cloud-init remembers of former boots, so that it takes the next one for the first of an
        instance, as C(cloud-init clean --logs) does. That is everything in C(/var/lib/cloud) but the seed, and the
        logs, those that were rotated too.
      - Scripts in C(/etc/cloud/clean.d) are not run. There is a warning if there are any.
    type: bool
    default: false
notes:
  - The files of the seed are in C(/var/lib/cloud/seed/nocloud) and readable by root only. Dictionaries are written as
    JSON, which is YAML.
author:
  - offline.guest contributors (@offline-guest)
"""

EXAMPLES = r"""
- name: Have the guest set itself up, from what is in it alone
  offline.guest.cloud_init:
    image: /srv/images/web.qcow2
    format: qcow2
    clean: true
    datasource_list: [NoCloud, None]
    meta_data:
      instance-id: web-2026-01
      local-hostname: web01
    user_data: "{{ lookup('ansible.builtin.template', 'user-data.j2') }}"
    network_config:
      version: 2
      ethernets:
        ens3:
          dhcp4: true

- name: Let cloud-init do nothing
  offline.guest.cloud_init:
    image: /srv/images/web.qcow2
    format: qcow2
    disabled: true
"""

RETURN = r"""
paths:
  description: The files and directories that changed or would change.
  returned: success
  type: list
  elements: str
  sample: [/etc/cloud/cloud.cfg.d/99_offline_guest.cfg]
removed:
  description: The files and directories of them that are removed as a whole.
  returned: success
  type: list
  elements: str
  sample: [/var/lib/cloud/instance, /var/lib/cloud/instances, /var/log/cloud-init.log]
"""

from typing import NoReturn

from ..module_utils._ansible_module import run_guest_module
from ..module_utils._guest._cloud_init import handle


def main() -> NoReturn:
    """Run the module."""
    run_guest_module(
        argument_spec={
            "datasource_list": {"type": "list", "elements": "str"},
            "meta_data": {"type": "dict"},
            "user_data": {"type": "str", "no_log": True},
            "vendor_data": {"type": "str", "no_log": True},
            "network_config": {"type": "dict"},
            "seed": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "disabled": {"type": "bool"},
            "clean": {"type": "bool", "default": False},
        },
        handler=handle,
        writes=True,
    )


if __name__ == "__main__":
    main()
