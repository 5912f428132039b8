#!/usr/bin/python

# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: machine_id
short_description: Remove or set the machine-id of a guest
version_added: 0.1.0
description:
  - Removes the id by which a machine is known to systemd, to D-Bus and often to DHCP servers, so that each clone of the
    image makes its own, or sets it to a value.
  - C(/etc/machine-id) is written with the mode 0444. D-Bus's own file, C(/var/lib/dbus/machine-id), is kept if it is a
    link to it. If it is a file, it gets the same id, or is removed if there is to be none, because systemd would take
    the id over from it.
extends_documentation_fragment:
  - offline.guest.attributes
  - offline.guest.image
  - offline.guest.appliance
options:
  state:
    description:
      - What becomes of C(/etc/machine-id). See the manual page machine-id(5), section "First boot semantics".
      - V(empty) leaves an empty file. systemd makes an id at the next boot, which is B(not) taken for a first boot, so
        units stay enabled and disabled as they are. This is the right one for most golden images.
      - V(uninitialized) leaves a file with this word in it. systemd makes an id, and the next boot is a first boot. All
        units are enabled or disabled by their presets, and what has C(ConditionFirstBoot=yes) is run. Only for guests
        with systemd, of which those before version 247 just make an id.
      - V(absent) removes the file. With systemd this is a first boot as well. It needs an C(/etc) that can be written
        to early at boot. In guests without systemd this is the right one.
      - Exactly one of O(state) and O(id) is needed.
    type: str
    choices: [empty, uninitialized, absent]
  id:
    description:
      - The id that the guest is to have, 32 hexadecimal digits that are not all zeros. A UUID with hyphens will do.
    type: str
author:
  - offline.guest contributors (@offline-guest)
"""

EXAMPLES = r"""
- name: Have each clone make its own id
  offline.guest.machine_id:
    image: /srv/images/golden.qcow2
    format: qcow2
    state: empty

- name: Have the next boot be a first boot
  offline.guest.machine_id:
    image: /srv/images/golden.qcow2
    format: qcow2
    state: uninitialized

- name: Set the id
  offline.guest.machine_id:
    image: /srv/images/web01.qcow2
    format: qcow2
    id: 5d3a0f60c2a94d9b8f0c7b6d1e2f3a4b
"""

RETURN = r"""
state:
  description: What became of the id, V(empty), V(uninitialized), V(absent) or V(present).
  returned: success
  type: str
  sample: empty
id:
  description: The id of the guest, null if it has none.
  returned: success
  type: str
  sample: null
files:
  description: The paths of the files in the guest that are changed.
  returned: success
  type: list
  elements: str
  sample: [/etc/machine-id]
msg:
  description: What became of the id.
  returned: success
  type: str
  sample: The guest's machine-id is empty.
"""

from typing import NoReturn

from ..module_utils._ansible_module import run_guest_module
from ..module_utils._guest._machine_id import handle


def main() -> NoReturn:
    """Run the module."""
    run_guest_module(
        argument_spec={
            "state": {"type": "str", "choices": ["empty", "uninitialized", "absent"]},
            "id": {"type": "str"},
        },
        handler=handle,
        writes=True,
        mutually_exclusive=[["state", "id"]],
        required_one_of=[["state", "id"]],
    )


if __name__ == "__main__":
    main()
