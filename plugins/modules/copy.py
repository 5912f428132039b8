#!/usr/bin/python

# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: copy
short_description: Copy a file or a directory into a guest
version_added: 0.1.0
description:
  - Copies a file or a directory from the controller, from the host that works on the image, or from the guest itself to
    a place in the guest.
  - The options and results are those of M(ansible.builtin.copy), so that a task moves over by its prefix.
  - A file is compared by its size and digest, and replaced at one instant if it differs. Files of any size are copied
    without being held in memory.
  - Links of the guest are followed inside the guest only, wherever they lead.
extends_documentation_fragment:
  - offline.guest.attributes
  - offline.guest.image
  - offline.guest.appliance
  - offline.guest.files
  - offline.guest.files.backup
  - offline.guest.files.validate
attributes:
  diff_mode:
    details:
      - Of a directory, the contents of at most 50 files and the attributes of at most 1000 entries are shown.
options:
  src:
    description:
      - The file or directory on the controller. It is looked for as M(ansible.builtin.copy) does.
      - Of a directory whose path ends in a slash, what is in it is copied, and otherwise the directory itself.
      - With O(remote_src=true), it is a path on the host that works on the image.
    type: path
  guest_src:
    description:
      - A file or directory of the guest to copy, an absolute path.
      - Excludes O(src), O(content) and O(remote_src). The same holds for a slash at its end.
    type: str
  content:
    description:
      - What the file is to hold, in place of O(src). A dictionary or a list is written as JSON.
      - O(dest) must be a file then.
      - It is never part of a log, a result or the arguments of a process. The difference shows it, unless that is
        turned off by C(diff) or C(no_log).
    type: str
  dest:
    description:
      - Where to copy to, an absolute path in the guest.
      - If it is a directory, or ends in a slash, a file is copied into it. Directories that are missing are made if it
        ends in a slash or if a directory is copied, and only then.
    type: str
    required: true
  force:
    description:
      - Whether a file that is there is replaced if its content differs.
    type: bool
    default: true
  mode:
    description:
      - The permissions of the files, octal such as V('0644') (quote it), or symbolic such as V(u=rw,go=r).
      - With V(preserve), those that the source has.
      - A new file gets V('0644') if this is not set, whatever the umask of the host is. In a directory that is copied
        from O(guest_src), or with O(remote_src=true), a file that gets new content gets the permissions of its source.
    type: raw
  directory_mode:
    description:
      - The permissions of the directories that are copied, or made above O(dest), given as O(mode) is.
      - A new directory gets V('0755') if this is not set, or those of its source if that is O(guest_src) or with
        O(remote_src=true).
    type: raw
  remote_src:
    description:
      - Whether O(src) is on the host that works on the image, which is the managed host, and not on the controller.
    type: bool
    default: false
  follow:
    description:
      - Whether a link at O(dest) is followed to the file it leads to. Otherwise a file takes its place.
      - Links on the way to O(dest) are followed always.
    type: bool
    default: false
  local_follow:
    description:
      - Whether links in a directory that is copied are followed. Otherwise they are copied as links.
      - One that leads nowhere, or to a directory that it is in, is copied as a link in any case.
      - The default is V(true) for a directory of the controller and V(false) for one of the host or the guest.
    type: bool
  checksum:
    description:
      - The SHA-1 digest that the source must have. Holds for a file only.
    type: str
  decrypt:
    description:
      - Whether files of the controller that are encrypted with Ansible Vault are decrypted.
    type: bool
    default: true
notes:
  - A path with C(..) in it is refused, and so is a O(dest) that is a device, a socket or a named pipe.
  - A directory is copied even if it is empty.
seealso:
  - module: ansible.builtin.copy
  - module: offline.guest.file
  - module: offline.guest.template
author:
  - offline.guest contributors (@offline-guest)
"""

EXAMPLES = r"""
- name: Copy a file, with an owner of the guest
  offline.guest.copy:
    image: /srv/images/web.qcow2
    format: qcow2
    src: app.conf
    dest: /etc/app/app.conf
    owner: app
    mode: '0640'

- name: Write a secret, and show no difference
  offline.guest.copy:
    image: /srv/images/web.qcow2
    format: qcow2
    content: "{{ api_token }}"
    dest: /etc/app/token
    mode: '0600'
  no_log: true

- name: Check a file by a program of the host before the guest gets it
  offline.guest.copy:
    image: /srv/images/web.qcow2
    format: qcow2
    src: sudoers
    dest: /etc/sudoers.d/app
    mode: '0440'
    validate: visudo -cf %s

- name: Copy what is in a directory
  offline.guest.copy:
    image: /srv/images/web.qcow2
    format: qcow2
    src: site/
    dest: /var/www/html/
    owner: www-data
    directory_mode: '0755'

- name: Copy a file from one place of the guest to another
  offline.guest.copy:
    image: /srv/images/web.qcow2
    format: qcow2
    guest_src: /usr/share/doc/app/examples/app.conf
    dest: /etc/app/app.conf
    force: false
"""

RETURN = r"""
dest:
  description: The file, or the directory with a slash at its end if a directory was copied.
  returned: success
  type: str
  sample: /etc/app/app.conf
src:
  description: What was copied, where the host that works on the image found it.
  returned: success
  type: str
  sample: /root/.ansible/tmp/ansible-tmp-1700000000.0-1-1/source/app.conf
checksum:
  description: The SHA-1 digest of the file.
  returned: if a file was copied
  type: str
  sample: 6e642bb8dd5c2e027bf21dd923337cbb4214f827
md5sum:
  description: The MD5 digest of the file, or nothing if the host may not compute it.
  returned: if a file was copied
  type: str
  sample: 2a5aeecc61dc98c4d780b14b330e3282
backup_file:
  description: Where the file is kept as it was.
  returned: if O(backup=true) and the content changed
  type: str
  sample: /etc/app/app.conf.01d09d19.2025-01-02@03:04:05~
msg:
  description: Why nothing was done.
  returned: if O(force=false) and there is a file
  type: str
  sample: file already exists
state:
  description: What is there.
  returned: if a file was copied
  type: str
  sample: file
uid:
  description: The owner's number.
  returned: if a file was copied
  type: int
  sample: 1000
gid:
  description: The group's number.
  returned: if a file was copied
  type: int
  sample: 1000
owner:
  description: The owner's name in the guest, or its number if it has no name.
  returned: if a file was copied
  type: str
  sample: app
group:
  description: The group's name in the guest, or its number if it has no name.
  returned: if a file was copied
  type: str
  sample: app
mode:
  description: The permissions.
  returned: if a file was copied
  type: str
  sample: '0640'
size:
  description: The size in bytes.
  returned: if a file was copied
  type: int
  sample: 1220
secontext:
  description: The SELinux context.
  returned: if a file was copied and has one
  type: str
  sample: system_u:object_r:etc_t:s0
"""

import typing as t

from ..module_utils._ansible_module import FILE_SPEC, run_guest_module
from ..module_utils._guest._copy import handle


def main() -> t.NoReturn:
    run_guest_module(
        argument_spec={
            "src": {"type": "path"},
            "guest_src": {"type": "str"},
            # What it held comes as the file ``src``; then it is here and empty.
            "content": {"type": "str", "no_log": True},
            "dest": {"type": "str", "required": True},
            "backup": {"type": "bool", "default": False},
            "force": {"type": "bool", "default": True},
            "validate": {"type": "str"},
            "directory_mode": {"type": "raw"},
            "remote_src": {"type": "bool", "default": False},
            "follow": {"type": "bool", "default": False},
            "local_follow": {"type": "bool"},
            "checksum": {"type": "str"},
            "decrypt": {"type": "bool", "default": True},
            **FILE_SPEC,
        },
        handler=handle,
        writes=True,
    )


if __name__ == "__main__":
    main()
