#!/usr/bin/python

# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: fetch
short_description: Bring a file of a guest to the controller
version_added: 0.1.0
description:
  - Copies a file of a guest to the controller, into a tree of folders named after hosts, or to a path of its own.
  - It is the twin of M(ansible.builtin.fetch), and also works in check mode.
  - The content is moved only if the controller does not have it. It goes from the image to a private folder of the host
    that works on it, and from there to the controller. Where that is the same host and user, it is moved once, straight
    to the folder of the destination.
  - The file at the destination is replaced at one instant, by all of the new content or not at all. It keeps its
    permissions. A new one has those that the umask of the controller leaves.
  - The content may be of any size and is never held in memory.
extends_documentation_fragment:
  - offline.guest.attributes.read_only
  - offline.guest.image
  - offline.guest.appliance
attributes:
  check_mode:
    description: Can run in C(check_mode) and return changed status prediction without modifying the controller.
  idempotent:
    description:
      - When run twice in a row outside check mode, with the same arguments, the second invocation changes nothing.
      - The image stays byte for byte as it was.
options:
  src:
    description:
      - The absolute path of the file in the guest. Symbolic links are followed, but only inside the guest.
      - A path that is not UTF-8 is given as V(base64:) with its bytes in base64 after it, such as
        V(base64:L3Nydi9jYWbp).
    type: str
    required: true
  dest:
    description:
      - The folder on the controller below which the file is saved, in a folder with the name of the host in the
        inventory and the path in the guest. With V(/backup), V(/etc/profile) of the host V(builder) becomes
        V(/backup/builder/etc/profile).
      - With O(flat=true), the path of the file, or if it ends in a slash, the folder that gets the file.
    type: str
    required: true
  flat:
    description: Whether O(dest) is used without the name of the host and the path in the guest.
    type: bool
    default: false
  fail_on_missing:
    description: Whether to fail if there is no such file. Otherwise nothing is done.
    type: bool
    default: true
  validate_checksum:
    description: Whether to compare the checksum of the new file with that of what left the guest, before it is used.
    type: bool
    default: true
  _stage:
    description: For the action plugin alone. The folder to put the file into.
    type: path
  _size:
    description: For the action plugin alone. The size of the file on the controller.
    type: int
  _checksum:
    description: For the action plugin alone. The SHA-1 of the file on the controller.
    type: str
seealso:
  - module: ansible.builtin.fetch
  - module: offline.guest.slurp_info
author:
  - offline.guest contributors (@offline-guest)
"""

EXAMPLES = r"""
- name: Keep the log of the installation, as logs/HOST/var/log/installer/syslog
  offline.guest.fetch:
    image: /srv/images/web.qcow2
    format: qcow2
    src: /var/log/installer/syslog
    dest: logs

- name: Take the kernel out of the image
  offline.guest.fetch:
    image: /srv/images/web.qcow2
    format: qcow2
    src: /vmlinuz
    dest: boot/
    flat: true
"""

RETURN = r"""
dest:
  description: The path of the file on the controller.
  returned: if there is such a file
  type: str
  sample: /backup/builder/etc/profile
file:
  description: The path of the file in the guest.
  returned: success
  type: str
  sample: /etc/profile
file_b64:
  description: The bytes of that path in base64.
  returned: if RV(file) has escapes in it, because it is not UTF-8 or has control characters
  type: str
  sample: L3Nydi9jYWbp
checksum:
  description: The SHA-1 of the file on the controller, in check mode of the one that would be there.
  returned: if there is such a file
  type: str
  sample: 16fac7be61a6e4591a33ef4b729c5c3302307523
remote_checksum:
  description: The SHA-1 of what left the guest.
  returned: if there is such a file
  type: str
  sample: 16fac7be61a6e4591a33ef4b729c5c3302307523
md5sum:
  description: The MD5 of the file on the controller, null in check mode if the file would change.
  returned: if there is such a file
  type: str
  sample: 9dcc7a71f6d4a3e0e8b5a1ecb8b2f2d0
remote_md5sum:
  description: Always null, as in the twin.
  returned: if there is such a file
  type: str
  sample: null
size:
  description: The size of the file in bytes.
  returned: if there is such a file
  type: int
  sample: 3272
msg:
  description: Why nothing was done.
  returned: if there is no such file and O(fail_on_missing=false)
  type: str
  sample: remote file is a directory, fetch cannot work on directories, not transferring, ignored
"""

import typing as t

from ..module_utils._ansible_module import run_guest_module
from ..module_utils._guest._fetch import handle


def main() -> t.NoReturn:
    run_guest_module(
        argument_spec={
            "src": {"type": "str", "required": True},
            "dest": {"type": "str", "required": True},
            "flat": {"type": "bool", "default": False},
            "fail_on_missing": {"type": "bool", "default": True},
            "validate_checksum": {"type": "bool", "default": True},
            # From the action plugin: the folder to put the file into, and what the controller has.
            "_stage": {"type": "path"},
            "_size": {"type": "int"},
            "_checksum": {"type": "str"},
        },
        handler=handle,
        writes=False,
    )


if __name__ == "__main__":
    main()
