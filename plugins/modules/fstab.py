#!/usr/bin/python

# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: fstab
short_description: Say what a guest mounts when it boots
version_added: 0.1.0
description:
  - Sets and removes entries of C(/etc/fstab) in a guest, as M(ansible.posix.mount) does with O(state=present) and
    O(state=absent).
  - Nothing is mounted and nothing is checked for being there. The guest mounts what is in the file when it boots.
  - Comments, empty lines, lines that are no entries and the entries of other mount points stay byte for byte, and all
    keep their order.
extends_documentation_fragment:
  - offline.guest.attributes
  - offline.guest.image
  - offline.guest.appliance
options:
  path:
    description:
      - The mount point, an absolute path, or V(none) for swap space.
      - An entry is found by its mount point. If there are several, all are changed or removed. Entries of V(none) with
        the type V(swap) are told apart by O(src).
    type: str
    required: true
    aliases: [name]
  src:
    description:
      - What is mounted, such as a device, V(UUID=...), V(LABEL=...) or a network share.
      - Required with O(state=present).
    type: str
  fstype:
    description:
      - The type of the file system.
      - Required with O(state=present).
    type: str
  opts:
    description:
      - The mount options, separated by commas.
      - The default is V(defaults).
    type: str
  opts_no_log:
    description:
      - Whether O(opts) hold a secret. They are then hidden in the result, and the content of the file is not shown in
        the difference.
    type: bool
    default: false
  dump:
    description: Whether V(dump) saves the file system, the fifth field.
    type: str
    default: '0'
  passno:
    description: In which pass the file system is checked at boot, the sixth field.
    type: str
    default: '0'
  boot:
    description:
      - Whether the file system is mounted at boot. With V(false), V(noauto) is added to O(opts).
      - If O(opts) have V(noauto), this is passed over with a warning.
    type: bool
    default: true
  state:
    description:
      - V(present) sets the entry, and makes the mount point, see O(create_mount_point).
      - V(absent_from_fstab) removes the entry.
      - V(absent) removes the entry and, if there was one, the directory of the mount point. A directory that is not
        empty, or that is mounted while the image is open, stays with a warning.
      - V(mounted), V(unmounted), V(remounted) and V(ephemeral) are about a running system, and are refused.
    type: str
    required: true
    choices: [absent, absent_from_fstab, mounted, present, unmounted, remounted, ephemeral]
  fstab:
    description:
      - The file to use instead of C(/etc/fstab).
    type: str
  backup:
    description:
      - Whether to keep the file as it was beside it, in the guest, if it changes.
    type: bool
    default: false
  create_mount_point:
    description:
      - Whether to make the directory of the mount point, with those above it, if nothing is there. They belong to root
        and have the mode V(0755).
      - M(ansible.posix.mount) does that when it mounts, with O(ignore:state=mounted).
    type: bool
    default: true
notes:
  - Entries are compared by what they mean, so V(/mnt/a\\040b) in the file is C(/mnt/a b). Spaces, tabs, line ends,
    backslashes and ampersands are escaped when they are written.
  - Unlike M(ansible.posix.mount), this finds entries that leave out the last two fields when it removes, and keeps the
    line ends of other lines.
seealso:
  - module: ansible.posix.mount
author:
  - offline.guest contributors (@offline-guest)
"""

EXAMPLES = r"""
- name: Mount a data disk when the guest boots
  offline.guest.fstab:
    image: /srv/images/db.qcow2
    format: qcow2
    path: /srv/data
    src: LABEL=data
    fstype: xfs
    opts: defaults,noatime,nofail
    passno: '2'
    state: present

- name: Use a swap file
  offline.guest.fstab:
    image: /srv/images/db.qcow2
    format: qcow2
    path: none
    src: /swapfile
    fstype: swap
    opts: sw
    state: present

- name: Mount the floppy no more
  offline.guest.fstab:
    image: /srv/images/db.qcow2
    format: qcow2
    path: /media/floppy
    state: absent
"""

RETURN = r"""
name:
  description: The mount point.
  returned: success
  type: str
  sample: /srv/data
src:
  description: What is mounted.
  returned: with O(state=present)
  type: str
  sample: LABEL=data
fstype:
  description: The type of the file system.
  returned: with O(state=present)
  type: str
  sample: xfs
opts:
  description: The mount options as they are in the file.
  returned: with O(state=present)
  type: str
  sample: defaults,noatime,nofail
dump:
  description: The fifth field.
  returned: with O(state=present)
  type: str
  sample: '0'
passno:
  description: The sixth field.
  returned: with O(state=present)
  type: str
  sample: '2'
boot:
  description: Whether it is mounted at boot, V(yes) or V(no).
  returned: with O(state=present)
  type: str
  sample: 'yes'
fstab:
  description: The file.
  returned: success
  type: str
  sample: /etc/fstab
state:
  description: The option O(state).
  returned: success
  type: str
  sample: present
backup_file:
  description: The path of the backup in the guest, empty if none was made.
  returned: success
  type: str
  sample: ''
paths:
  description: The files and directories that changed or would change.
  returned: success
  type: list
  elements: str
  sample: [/etc/fstab, /srv/data]
"""

from typing import NoReturn

from ..module_utils._ansible_module import run_guest_module
from ..module_utils._guest._fstab import handle


def main() -> NoReturn:
    """Run the module."""
    run_guest_module(
        argument_spec={
            "path": {"type": "str", "required": True, "aliases": ["name"]},
            "src": {"type": "str"},
            "fstype": {"type": "str"},
            "opts": {"type": "str"},
            "opts_no_log": {"type": "bool", "default": False},
            "dump": {"type": "str", "default": "0"},
            "passno": {"type": "str", "default": "0", "no_log": False},
            "boot": {"type": "bool", "default": True},
            "state": {
                "type": "str",
                "required": True,
                "choices": [
                    "absent",
                    "absent_from_fstab",
                    "mounted",
                    "present",
                    "unmounted",
                    "remounted",
                    "ephemeral",
                ],
            },
            "fstab": {"type": "str"},
            "backup": {"type": "bool", "default": False},
            "create_mount_point": {"type": "bool", "default": True},
        },
        handler=handle,
        writes=True,
        required_if=[["state", "present", ["src", "fstype"]]],
    )


if __name__ == "__main__":
    main()
