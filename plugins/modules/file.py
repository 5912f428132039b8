#!/usr/bin/python

# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: file
short_description: Manage a file, directory or link of a guest and its attributes
version_added: 0.1.0
description:
  - Sets the owner, permissions and times of files, directories and links of a guest, makes directories, links and
    empty files, and removes entries of any kind.
  - The options and results are those of M(ansible.builtin.file), so that a task moves over by its prefix.
  - Links are followed inside the guest only, wherever they lead.
extends_documentation_fragment:
  - offline.guest.attributes
  - offline.guest.image
  - offline.guest.appliance
  - offline.guest.files
attributes:
  diff_mode:
    details:
      - Attributes and kinds of entries are shown, and what a directory held that is removed. Contents are not.
  idempotent:
    support: partial
    details:
      - With O(state=touch), or with a time of V(now), every run is a change, as with the C(touch) program.
options:
  path:
    description:
      - The absolute path in the guest.
    type: str
    required: true
    aliases: [dest, name]
  state:
    description:
      - With V(absent), there is nothing at the path afterwards. A directory goes with all that is in it, a link goes
        itself.
      - With V(directory), there is a directory, and those above it are made if they are missing, with the same
        attributes.
      - With V(file), the attributes of a file are set, which must be there.
      - With V(hard), the path is another name of the file O(src).
      - With V(link), the path is a symbolic link to O(src).
      - With V(touch), an empty file is made if there is nothing, and otherwise the times are set of what is there.
      - If not set, it is what there is, and if there is nothing, V(directory) with O(recurse) and V(file) without.
    type: str
    choices: [absent, directory, file, hard, link, touch]
  src:
    description:
      - What O(state=link) and O(state=hard) link to, in the guest.
      - A relative path starts at the directory of the link.
    type: str
  recurse:
    description:
      - Whether the attributes are set of all that is in a directory, too. Needs O(state=directory).
      - A task that would meet more than 200000 entries is refused.
    type: bool
    default: false
  force:
    description:
      - Whether a link is made although there is nothing where it leads, and whether a link replaces a file or an empty
        directory.
    type: bool
    default: false
  follow:
    description:
      - Whether a link at the path is followed, so that the attributes are set of what it leads to. With O(recurse),
        that holds for links in the directory, too.
    type: bool
    default: true
  modification_time:
    description:
      - The time of modification, V(now) or V(preserve).
      - The default is V(now) with O(state=touch) and V(preserve) otherwise.
      - A time without a zone is one of the host's zone. If the environment variable C(SOURCE_DATE_EPOCH) is set, it is
        what V(now) means, so that the same image can be made again.
    type: str
  modification_time_format:
    description:
      - The format of O(modification_time), as Python's C(time.strptime) takes it.
    type: str
    default: "%Y%m%d%H%M.%S"
  access_time:
    description:
      - The time of access, given as O(modification_time) is.
    type: str
  access_time_format:
    description:
      - The format of O(access_time), as Python's C(time.strptime) takes it.
    type: str
    default: "%Y%m%d%H%M.%S"
notes:
  - A path with C(..) in it is refused.
  - Flags of O(attributes) that are set already are no change here.
seealso:
  - module: ansible.builtin.file
  - module: offline.guest.copy
  - module: offline.guest.template
author:
  - offline.guest contributors (@offline-guest)
"""

EXAMPLES = r"""
- name: Set owner and permissions, by the names of the guest
  offline.guest.file:
    image: /srv/images/web.qcow2
    format: qcow2
    path: /etc/app/secrets.conf
    owner: app
    group: app
    mode: '0640'

- name: Make a directory and those above it
  offline.guest.file:
    image: /srv/images/web.qcow2
    format: qcow2
    path: /srv/app/data
    state: directory
    mode: '0750'

- name: Make a symbolic link
  offline.guest.file:
    image: /srv/images/web.qcow2
    format: qcow2
    path: /etc/localtime
    src: /usr/share/zoneinfo/Europe/Berlin
    state: link
    force: true

- name: Give a whole directory to a user
  offline.guest.file:
    image: /srv/images/web.qcow2
    format: qcow2
    path: /srv/app
    state: directory
    recurse: true
    owner: app
    mode: u=rwX,g=rX,o=

- name: Remove what the build has left
  offline.guest.file:
    image: /srv/images/web.qcow2
    format: qcow2
    path: /var/tmp/build
    state: absent
"""

RETURN = r"""
path:
  description: The path, or where it leads if it is a link that was followed.
  returned: if O(state) is V(absent), V(directory) or V(file)
  type: str
  sample: /etc/app
dest:
  description: The path, as it was given.
  returned: if O(state) is V(hard), V(link) or V(touch)
  type: str
  sample: /etc/localtime
src:
  description: What the link leads to.
  returned: if O(state) is V(hard) or V(link)
  type: str
  sample: /usr/share/zoneinfo/Europe/Berlin
state:
  description: What is there, which is V(absent), V(directory), V(file), V(hard) or V(link).
  returned: success
  type: str
  sample: directory
uid:
  description: The owner's number.
  returned: if something is there
  type: int
  sample: 1000
gid:
  description: The group's number.
  returned: if something is there
  type: int
  sample: 1000
owner:
  description: The owner's name in the guest, or its number if it has no name.
  returned: if something is there
  type: str
  sample: app
group:
  description: The group's name in the guest, or its number if it has no name.
  returned: if something is there
  type: str
  sample: app
mode:
  description: The permissions.
  returned: if something is there
  type: str
  sample: '0750'
size:
  description: The size in bytes.
  returned: if something is there
  type: int
  sample: 4096
secontext:
  description: The SELinux context.
  returned: if there is one
  type: str
  sample: system_u:object_r:etc_t:s0
"""

import typing as t

from ..module_utils._ansible_module import FILE_SPEC, run_guest_module
from ..module_utils._guest._file import handle


def main() -> t.NoReturn:
    run_guest_module(
        argument_spec={
            "path": {"type": "str", "required": True, "aliases": ["dest", "name"]},
            "state": {"type": "str", "choices": ["absent", "directory", "file", "hard", "link", "touch"]},
            "src": {"type": "str"},
            "recurse": {"type": "bool", "default": False},
            "force": {"type": "bool", "default": False},
            "follow": {"type": "bool", "default": True},
            "modification_time": {"type": "str"},
            "modification_time_format": {"type": "str", "default": "%Y%m%d%H%M.%S"},
            "access_time": {"type": "str"},
            "access_time_format": {"type": "str", "default": "%Y%m%d%H%M.%S"},
            **FILE_SPEC,
        },
        handler=handle,
        writes=True,
    )


if __name__ == "__main__":
    main()
