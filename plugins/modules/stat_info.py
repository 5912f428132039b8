#!/usr/bin/python

# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: stat_info
short_description: Describe a file of a guest
version_added: 0.1.0
description:
  - Returns what C(stat) and some other tools say of a file, a directory or anything else in a guest.
  - It is the twin of M(ansible.builtin.stat). Names of owners and groups are the guest's.
extends_documentation_fragment:
  - offline.guest.attributes.read_only
  - offline.guest.image
  - offline.guest.appliance
options:
  path:
    description:
      - The absolute path in the guest. Neither C(~) nor variables of the environment are replaced in it.
      - A path that is not UTF-8 is given as V(base64:) with its bytes in base64 after it, such as
        V(base64:L3Nydi9jYWbp).
    type: str
    required: true
    aliases: [dest, name]
  follow:
    description:
      - Whether to describe what a symbolic link leads to, rather than the link itself. It leads inside the guest only.
    type: bool
    default: false
  get_checksum:
    description:
      - Whether to return a checksum of a regular file.
    type: bool
    default: true
  checksum_algorithm:
    description:
      - The algorithm of the checksum.
    type: str
    choices: [md5, sha1, sha224, sha256, sha384, sha512]
    default: sha1
    aliases: [checksum, checksum_algo]
  get_mime:
    description:
      - Whether to return what kind of content a regular file has.
      - The guest's own C(file) never runs. The one of the B(host) that works on the image does, if it has one, and gets
        the first 64 KiB of the content through a pipe. So it may say something else of a large file than it would on
        the guest.
      - Set this to V(false) if the content must not reach a parser of the host.
      - The twin's alias C(mime-type) is not there, because it is no name that a new module may have.
    type: bool
    default: true
    aliases: [mime, mime_type]
  get_attributes:
    description:
      - Whether to return the flags that C(lsattr) shows. Those of ext2, ext3 and ext4 are supported.
    type: bool
    default: true
    aliases: [attr, attributes]
seealso:
  - module: ansible.builtin.stat
  - module: offline.guest.find_info
author:
  - offline.guest contributors (@offline-guest)
"""

EXAMPLES = r"""
- name: Look at a file
  offline.guest.stat_info:
    image: /srv/images/web.qcow2
    format: qcow2
    path: /etc/shadow
    checksum_algorithm: sha256
  register: shadow

- name: Insist that nobody else may read it
  ansible.builtin.assert:
    that:
      - shadow.stat.exists
      - shadow.stat.pw_name == 'root'
      - not shadow.stat.roth
"""

RETURN = r"""
stat:
  description: The description. If there is nothing, it has RV(stat.exists) only.
  returned: success
  type: dict
  contains:
    exists:
      description: Whether there is anything at the path.
      returned: success
      type: bool
      sample: true
    path:
      description:
        - The path, as it was given.
        - Bytes of it that are not UTF-8, and control characters, are shown as escapes. That holds for
          RV(stat.lnk_source) and RV(stat.lnk_target) too.
      returned: if it exists
      type: str
      sample: /etc/shadow
    path_b64:
      description: The bytes of the path in base64.
      returned: if it exists and RV(stat.path) has escapes in it
      type: str
      sample: L3Nydi9jYWbp
    mode:
      description: The permissions, octal.
      returned: if it exists
      type: str
      sample: '0644'
    isdir:
      description: Whether it is a directory.
      returned: if it exists
      type: bool
      sample: false
    ischr:
      description: Whether it is a character device.
      returned: if it exists
      type: bool
      sample: false
    isblk:
      description: Whether it is a block device.
      returned: if it exists
      type: bool
      sample: false
    isreg:
      description: Whether it is a regular file.
      returned: if it exists
      type: bool
      sample: true
    isfifo:
      description: Whether it is a named pipe.
      returned: if it exists
      type: bool
      sample: false
    islnk:
      description: Whether it is a symbolic link.
      returned: if it exists
      type: bool
      sample: false
    issock:
      description: Whether it is a socket.
      returned: if it exists
      type: bool
      sample: false
    uid:
      description: The number of the owner.
      returned: if it exists
      type: int
      sample: 0
    gid:
      description: The number of the group.
      returned: if it exists
      type: int
      sample: 0
    size:
      description: The size in bytes.
      returned: if it exists
      type: int
      sample: 3272
    inode:
      description: The number of the inode.
      returned: if it exists
      type: int
      sample: 12758
    dev:
      description:
        - The number of the device that it is on, in the appliance.
        - It says which entries share a file system, and nothing else.
      returned: if it exists
      type: int
      sample: 2049
    nlink:
      description: How many names it has.
      returned: if it exists
      type: int
      sample: 1
    atime:
      description: The time of the last access, in seconds since the epoch.
      returned: if it exists
      type: float
      sample: 1424348972.575
    mtime:
      description: The time of the last change of the content.
      returned: if it exists
      type: float
      sample: 1424348972.575
    ctime:
      description: The time of the last change of the inode.
      returned: if it exists
      type: float
      sample: 1424348972.575
    wusr:
      description: Whether the owner may write.
      returned: if it exists
      type: bool
      sample: true
    rusr:
      description: Whether the owner may read.
      returned: if it exists
      type: bool
      sample: true
    xusr:
      description: Whether the owner may execute.
      returned: if it exists
      type: bool
      sample: false
    wgrp:
      description: Whether the group may write.
      returned: if it exists
      type: bool
      sample: false
    rgrp:
      description: Whether the group may read.
      returned: if it exists
      type: bool
      sample: true
    xgrp:
      description: Whether the group may execute.
      returned: if it exists
      type: bool
      sample: false
    woth:
      description: Whether others may write.
      returned: if it exists
      type: bool
      sample: false
    roth:
      description: Whether others may read.
      returned: if it exists
      type: bool
      sample: true
    xoth:
      description: Whether others may execute.
      returned: if it exists
      type: bool
      sample: false
    isuid:
      description: Whether it has the set-user-ID bit.
      returned: if it exists
      type: bool
      sample: false
    isgid:
      description: Whether it has the set-group-ID bit.
      returned: if it exists
      type: bool
      sample: false
    blocks:
      description: How many blocks of 512 bytes it takes.
      returned: if it exists
      type: int
      sample: 8
    block_size:
      description: The size of the blocks in which it is best read.
      returned: if it exists
      type: int
      sample: 4096
    device_type:
      description: The number of the device that it stands for, if it is one.
      returned: if it exists
      type: int
      sample: 0
    readable:
      description:
        - Whether root may read it, or, if it is a symbolic link, what it leads to. That holds for the two that follow
          too.
      returned: if it exists
      type: bool
      sample: true
    writeable:
      description: Whether root may write it, which the flag V(immutable) forbids if O(get_attributes) looks for it.
      returned: if it exists
      type: bool
      sample: true
    executable:
      description: Whether root may execute it, or enter it if it is a directory.
      returned: if it exists
      type: bool
      sample: false
    lnk_source:
      description: Where a symbolic link leads in the end, every link followed inside the guest.
      returned: if it is a symbolic link
      type: str
      sample: /usr/share/zoneinfo/Etc/UTC
    lnk_source_b64:
      description: The bytes of that path in base64.
      returned: if RV(stat.lnk_source) has escapes in it
      type: str
      sample: L3Nydi9jYWbp
    lnk_target:
      description: What a symbolic link holds.
      returned: if it is a symbolic link
      type: str
      sample: ../usr/share/zoneinfo/Etc/UTC
    lnk_target_b64:
      description: The bytes of that in base64.
      returned: if RV(stat.lnk_target) has escapes in it
      type: str
      sample: Y2Fm6Q==
    pw_name:
      description: The owner's name.
      returned: if it exists and the guest has a user of that number
      type: str
      sample: root
    gr_name:
      description: The group's name.
      returned: if it exists and the guest has a group of that number
      type: str
      sample: shadow
    checksum:
      description: The checksum of the content, in hexadecimal.
      returned: if it is a regular file, or a link to one and O(follow=true), and O(get_checksum=true)
      type: str
      sample: 50ba294cdf28c0d5bcde25708df53346825a429f
    mimetype:
      description: The kind of content, V(unknown) if the host has no C(file).
      returned: if it exists and O(get_mime=true)
      type: str
      sample: text/plain
    charset:
      description: The encoding of the content, V(unknown) if the host has no C(file).
      returned: if it exists and O(get_mime=true)
      type: str
      sample: us-ascii
    attributes:
      description: The names of the flags.
      returned: if it exists and O(get_attributes=true)
      type: list
      elements: str
      sample: [extents]
    attr_flags:
      description: The letters of the flags.
      returned: if it exists and O(get_attributes=true)
      type: str
      sample: e
    version:
      description: The generation number of the inode, null where its file system has none.
      returned: if it exists and O(get_attributes=true)
      type: str
      sample: "381700746"
"""

import typing as t

from ..module_utils._ansible_module import run_guest_module
from ..module_utils._guest._stat import handle_stat


def main() -> t.NoReturn:
    run_guest_module(
        argument_spec={
            "path": {"type": "str", "required": True, "aliases": ["dest", "name"]},
            "follow": {"type": "bool", "default": False},
            "get_checksum": {"type": "bool", "default": True},
            "checksum_algorithm": {
                "type": "str",
                "default": "sha1",
                "choices": ["md5", "sha1", "sha224", "sha256", "sha384", "sha512"],
                "aliases": ["checksum", "checksum_algo"],
            },
            "get_mime": {"type": "bool", "default": True, "aliases": ["mime", "mime_type"]},
            "get_attributes": {"type": "bool", "default": True, "aliases": ["attr", "attributes"]},
        },
        handler=handle_stat,
        writes=False,
    )


if __name__ == "__main__":
    main()
