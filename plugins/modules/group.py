#!/usr/bin/python

# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: group
short_description: Manage a group of a guest
version_added: 0.1.0
description:
  - Creates, changes or removes a group in C(/etc/group) and C(/etc/gshadow) of a guest.
  - The files become what C(groupadd), C(groupmod) and C(groupdel) of the guest would make of them. No program of the
    guest runs.
  - Lines that are not about the group stay as they are, damaged ones too, and so does the order of lines. A file is
    written once, and only if its bytes change.
extends_documentation_fragment:
  - offline.guest.attributes
  - offline.guest.image
  - offline.guest.appliance
options:
  name:
    description:
      - The name of the group.
    type: str
    required: true
  state:
    description:
      - Whether the group is to be there.
    type: str
    choices: [absent, present]
    default: present
  gid:
    description:
      - The number of the group.
      - If it changes, users whose primary group it is keep it. Files that belong to the group keep the old number, as
        with C(groupmod).
      - The default for a new group is a free number by the guest's C(/etc/login.defs).
    type: int
  non_unique:
    description:
      - Whether O(gid) may be another group's, too. Requires O(gid).
    type: bool
    default: false
  system:
    description:
      - Whether a new group gets a number of the system's range. This does not change a group that is there.
    type: bool
    default: false
  force:
    description:
      - With O(state=absent), whether to remove the group even if it is the primary group of a user.
    type: bool
    default: false
  gid_min:
    description:
      - The lowest number for a new group, instead of C(GID_MIN) of the guest's C(login.defs).
    type: int
  gid_max:
    description:
      - The highest number for a new group, instead of C(GID_MAX) of the guest's C(login.defs).
    type: int
  local:
    description:
      - Accepted because the twin has it. What is in a stopped guest is local.
      - Excludes O(force), O(gid_min) and O(gid_max), as in the twin.
    type: bool
    default: false
notes:
  - The backups that the tools keep, such as C(/etc/group-), are neither made nor changed.
  - A lock such as C(/etc/group.lock) with the number of a process is what a tool left that died in the guest. It does
    not count, and there is a warning. A lock without a number is refused, as the tools do.
  - Each of the files may have 4 MiB.
seealso:
  - module: ansible.builtin.group
  - module: offline.guest.user
author:
  - offline.guest contributors (@offline-guest)
"""

EXAMPLES = r"""
- name: A group with a number of its own
  offline.guest.group:
    image: /srv/images/web.qcow2
    format: qcow2
    name: deploy
    gid: 1750

- name: A group of the system
  offline.guest.group:
    image: /srv/images/web.qcow2
    format: qcow2
    name: app
    system: true

- name: Remove a group
  offline.guest.group:
    image: /srv/images/web.qcow2
    format: qcow2
    name: games
    state: absent
"""

RETURN = r"""
name:
  description: The name of the group.
  returned: success
  type: str
  sample: deploy
state:
  description: The state that was asked for.
  returned: success
  type: str
  sample: present
gid:
  description: The number of the group.
  returned: if O(state=present)
  type: int
  sample: 1750
system:
  description: The option of that name.
  returned: if O(state=present)
  type: bool
  sample: false
"""

from typing import Any, NoReturn

from ..module_utils._ansible_module import run_guest_module
from ..module_utils._guest._group import handle

OPTIONS: dict[str, dict[str, Any]] = {
    "name": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["absent", "present"], "default": "present"},
    "gid": {"type": "int"},
    "non_unique": {"type": "bool", "default": False},
    "system": {"type": "bool", "default": False},
    "force": {"type": "bool", "default": False},
    "gid_min": {"type": "int"},
    "gid_max": {"type": "int"},
    "local": {"type": "bool", "default": False},
}


def main() -> NoReturn:
    """Run the module."""
    run_guest_module(argument_spec=OPTIONS, handler=handle, writes=True, required_if=[("non_unique", True, ("gid",))])


if __name__ == "__main__":
    main()
