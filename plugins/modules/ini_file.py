#!/usr/bin/python

# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ini_file
short_description: Set options in an INI file of a guest
version_added: 0.1.0
description:
  - Adds, changes and removes options and sections of an INI file of a guest.
  - What is written, the options and the return values are those of M(community.general.ini_file). The file must be
    UTF-8. Where something changes, all lines end in LF and a byte order mark goes.
  - A missing end of the last line is added, even if nothing else changes.
  - To keep the line ends and other encodings of a file, and for several edits at once, use M(offline.guest.edit).
extends_documentation_fragment:
  - offline.guest.attributes
  - offline.guest.image
  - offline.guest.appliance
  - offline.guest.files
  - offline.guest.files.backup
  - offline.guest.files.max_size
attributes:
  idempotent:
    support: partial
    details:
      - Of several sections of the same name, O(state=absent) removes one each time.
      - A section is added again if O(section_has_values) asks for an option without a value.
options:
  path:
    description:
      - The absolute path of the file in the guest.
    type: str
    required: true
    aliases: [dest]
  section:
    description:
      - The name of the section, which is added if it is missing.
      - If not set, O(option) is above the first section.
    type: str
  section_has_values:
    description:
      - Choose, of several sections of that name, the first one that has all of these options.
      - If there is none, O(state=present) adds a section that has them.
    type: list
    elements: dict
    suboptions:
      option:
        description: The name of the option.
        type: str
        required: true
      value:
        description: The value it must have. Excludes O(section_has_values[].values).
        type: str
      values:
        description: The values of which it must have one. If neither is given, any value will do.
        type: list
        elements: str
  option:
    description:
      - The name of the option. If not set, the task is about the section as a whole.
    type: str
  value:
    description:
      - The value of the option. Excludes O(values).
    type: str
  values:
    description:
      - The values of an option that is there several times.
    type: list
    elements: str
  state:
    description:
      - Whether the option is to be there, or the section if no option is given.
    type: str
    choices: [absent, present]
    default: present
  exclusive:
    description:
      - Whether other lines of the same option go. Otherwise values are added or removed one by one.
    type: bool
    default: true
  no_extra_spaces:
    description:
      - Whether to write no spaces around the equals sign.
    type: bool
    default: false
  ignore_spaces:
    description:
      - Whether to leave a line alone that differs in spaces around the equals sign only.
    type: bool
    default: false
  allow_no_value:
    description:
      - Whether an option may be there without a value and an equals sign.
    type: bool
    default: false
  modify_inactive_option:
    description:
      - Whether a line of the option that is commented out is replaced, rather than a new one added.
    type: bool
    default: true
  create:
    description:
      - Whether to make the file, and the directories above it, if there is none. Otherwise that is a failure.
    type: bool
    default: true
  follow:
    description:
      - Whether to follow a symbolic link at O(path), inside the guest. Links of the directories above it are always
        followed.
      - If V(false), the content is read through the link and a file with the new content is put in its place, as the
        twin does it.
    type: bool
    default: false
notes:
  - Where the mode, the owner or another attribute changes, the difference has a part that says so. The twin is silent
    about that.
seealso:
  - module: community.general.ini_file
  - module: offline.guest.edit
author:
  - offline.guest contributors (@offline-guest)
"""

EXAMPLES = r"""
- name: Set an option
  offline.guest.ini_file:
    image: /srv/images/web.qcow2
    format: qcow2
    path: /etc/app/app.ini
    section: server
    option: port
    value: '8443'
    mode: '0640'
    backup: true

- name: Have an option several times
  offline.guest.ini_file:
    image: /srv/images/web.qcow2
    format: qcow2
    path: /etc/app/app.ini
    section: server
    option: listen
    values:
      - 192.0.2.1
      - 2001:db8::1

- name: Remove one of several sections of a name
  offline.guest.ini_file:
    image: /srv/images/web.qcow2
    format: qcow2
    path: /etc/wireguard/wg0.conf
    section: Peer
    section_has_values:
      - option: AllowedIPs
        value: 192.0.2.11/32
    state: absent
"""

RETURN = r"""
msg:
  description: What changed in the file, V(OK) if nothing did.
  returned: success
  type: str
  sample: option changed
path:
  description: The path of the file, as it was given.
  returned: success
  type: str
  sample: /etc/app/app.ini
backup_file:
  description: The path of the backup in the guest.
  returned: if a backup was made
  type: str
  sample: /etc/app/app.ini.9b1c33d2.2026-01-31@12:00:00~
state:
  description:
    - What is at O(path), which is V(file), V(hard) (a file with several names) or V(link).
    - Of a link, even one that was followed, this and what follows here is about the link, as with the twin.
  returned: if there is a file
  type: str
  sample: file
mode:
  description: The permissions of the file.
  returned: if there is a file
  type: str
  sample: '0644'
owner:
  description: The file's owner, a name of the guest, or a number if it has none.
  returned: if there is a file
  type: str
  sample: root
group:
  description: The file's group, a name of the guest, or a number if it has none.
  returned: if there is a file
  type: str
  sample: root
uid:
  description: The number of the file's owner.
  returned: if there is a file
  type: int
  sample: 0
gid:
  description: The number of the file's group.
  returned: if there is a file
  type: int
  sample: 0
size:
  description: The size of the file in bytes.
  returned: if there is a file
  type: int
  sample: 3272
secontext:
  description: The SELinux context of the file.
  returned: if the file has one
  type: str
  sample: system_u:object_r:etc_t:s0
rc:
  description: Why it failed. 256 is a directory at O(path), 257 is no file there.
  returned: if it failed for one of these reasons
  type: int
  sample: 257
"""

from typing import NoReturn

from ..module_utils._ansible_module import FILE_SPEC, run_guest_module
from ..module_utils._guest._ini_file import handle


def main() -> NoReturn:
    """Run the module."""
    run_guest_module(
        argument_spec={
            **FILE_SPEC,
            "path": {"type": "str", "required": True, "aliases": ["dest"]},
            "section": {"type": "str"},
            "section_has_values": {
                "type": "list",
                "elements": "dict",
                "options": {
                    "option": {"type": "str", "required": True},
                    "value": {"type": "str"},
                    "values": {"type": "list", "elements": "str"},
                },
                "mutually_exclusive": [("value", "values")],
            },
            "option": {"type": "str"},
            "value": {"type": "str"},
            "values": {"type": "list", "elements": "str"},
            "state": {"type": "str", "choices": ["absent", "present"], "default": "present"},
            "exclusive": {"type": "bool", "default": True},
            "no_extra_spaces": {"type": "bool", "default": False},
            "ignore_spaces": {"type": "bool", "default": False},
            "allow_no_value": {"type": "bool", "default": False},
            "modify_inactive_option": {"type": "bool", "default": True},
            "create": {"type": "bool", "default": True},
            "follow": {"type": "bool", "default": False},
            "backup": {"type": "bool", "default": False},
            "max_size": {"type": "int", "default": 8 * 1024 * 1024},
        },
        handler=handle,
        writes=True,
        mutually_exclusive=[("value", "values")],
    )


if __name__ == "__main__":
    main()
