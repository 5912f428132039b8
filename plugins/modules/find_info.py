#!/usr/bin/python

# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: find_info
short_description: Find files of a guest
version_added: 0.1.0
description:
  - Returns the files below some directories of a guest that meet all of the criteria.
  - It is the twin of M(ansible.builtin.find). Names of owners and groups are the guest's.
  - In a directory, files come before directories, and each in the order of their names. So O(limit) always selects the
    same.
  - Of a path that is not UTF-8, or that has control characters, the result has RV(files[].path_b64) as well. Modules
    such as M(offline.guest.fetch) take it as V(base64:{{ item.path_b64 }}).
extends_documentation_fragment:
  - offline.guest.attributes.read_only
  - offline.guest.image
  - offline.guest.appliance
options:
  paths:
    description:
      - The absolute paths of the directories in the guest. Neither C(~) nor variables of the environment are replaced.
      - What is no directory is passed over with a warning.
      - A path that is not UTF-8 is given as V(base64:) with its bytes in base64 after it, such as
        V(base64:L3Nydi9jYWbp).
    type: list
    elements: str
    required: true
    aliases: [name, path]
  patterns:
    description:
      - Shell patterns, or with O(use_regex=true) regular expressions, of which the name of a file must match one. A
        regular expression must match at the beginning of the name.
      - If not set, every name matches.
    type: list
    elements: str
    default: []
    aliases: [pattern]
  excludes:
    description:
      - Likewise, patterns of which the name must match none.
    type: list
    elements: str
    aliases: [exclude]
  use_regex:
    description: Whether O(patterns) and O(excludes) are regular expressions of Python.
    type: bool
    default: false
  file_type:
    description: The kind to select.
    type: str
    choices: [any, directory, file, link]
    default: file
  contains:
    description:
      - A regular expression that must match a line of the file from its beginning, or with O(read_whole_file=true)
        the file anywhere.
      - Only used with O(file_type=file). A file that is not in O(encoding), or is larger than O(max_size), is passed
        over with a warning.
    type: str
  read_whole_file:
    description: Whether O(contains) is looked for in the file as one text, and not line by line.
    type: bool
    default: false
  encoding:
    description:
      - The encoding of the files in which O(contains) is looked for.
      - If not set, it is UTF-8, whatever the host's is.
    type: str
  max_size:
    description: The size of the largest file in which O(contains) is looked for, in bytes.
    type: int
    default: 67108864
  age:
    description:
      - Select what is at least that old by the clock of the host, or, with a negative number, at most.
      - It is a number of seconds, or of minutes, hours, days or weeks with V(m), V(h), V(d) or V(w) after it.
    type: str
  age_stamp:
    description: The time that O(age) is about.
    type: str
    choices: [atime, ctime, mtime]
    default: mtime
  size:
    description:
      - Select files that have at least that many bytes, or, with a negative number, at most.
      - Units are V(b), V(k), V(m), V(g) and V(t), powers of 1024.
    type: str
  mode:
    description:
      - Select what has these permissions, octal such as V('0644') (quote it), or symbolic such as V(u=rw,go=r).
    type: raw
  exact_mode:
    description: Whether O(mode) must be the permissions as a whole. Otherwise one common bit is enough.
    type: bool
    default: true
  hidden:
    description: Whether to select what has a name that begins with a dot.
    type: bool
    default: false
  recurse:
    description: Whether to search the directories below, too.
    type: bool
    default: false
  depth:
    description:
      - How many levels to search with O(recurse=true), where V(1) is the entries of O(paths).
      - If not set, or V(0), all of them.
    type: int
  follow:
    description:
      - Whether to search the directories that symbolic links lead to, too, inside the guest. A link that leads to a
        directory above it is passed over with a warning.
    type: bool
    default: false
  limit:
    description:
      - After how many matches to end the search.
      - If not set, there is no limit.
    type: int
  max_entries:
    description:
      - How many entries may be looked at. If there are more, the task fails.
      - A single directory may have 100,000 entries.
    type: int
    default: 1000000
  get_checksum:
    description: Whether to return a checksum of each regular file.
    type: bool
    default: false
  checksum_algorithm:
    description:
      - The algorithm of the checksum.
    type: str
    choices: [md5, sha1, sha224, sha256, sha384, sha512]
    default: sha1
    aliases: [checksum, checksum_algo]
seealso:
  - module: ansible.builtin.find
  - module: offline.guest.stat_info
author:
  - offline.guest contributors (@offline-guest)
"""

EXAMPLES = r"""
- name: Find old logs
  offline.guest.find_info:
    image: /srv/images/web.qcow2
    format: qcow2
    paths: /var/log
    patterns: ['*.log', '*.gz']
    age: 4w
    recurse: true
  register: logs

- name: Find what has the set-user-ID bit
  offline.guest.find_info:
    image: /srv/images/web.qcow2
    format: qcow2
    paths: [/usr, /opt]
    mode: u+s
    exact_mode: false
    recurse: true
    hidden: true
"""

RETURN = r"""
files:
  description: What was found.
  returned: success
  type: list
  elements: dict
  contains:
    path:
      description:
        - The path, made of one of O(paths) and what is below it.
        - Bytes of it that are not UTF-8, and control characters, are shown as escapes.
      returned: success
      type: str
      sample: /var/log/dpkg.log
    path_b64:
      description: The bytes of the path in base64.
      returned: if RV(files[].path) has escapes in it
      type: str
      sample: L3Nydi9jYWbp
    mode:
      description: The permissions, octal.
      returned: success
      type: str
      sample: '0644'
    isdir:
      description: Whether it is a directory.
      returned: success
      type: bool
      sample: false
    ischr:
      description: Whether it is a character device.
      returned: success
      type: bool
      sample: false
    isblk:
      description: Whether it is a block device.
      returned: success
      type: bool
      sample: false
    isreg:
      description: Whether it is a regular file.
      returned: success
      type: bool
      sample: true
    isfifo:
      description: Whether it is a named pipe.
      returned: success
      type: bool
      sample: false
    islnk:
      description: Whether it is a symbolic link.
      returned: success
      type: bool
      sample: false
    issock:
      description: Whether it is a socket.
      returned: success
      type: bool
      sample: false
    uid:
      description: The number of the owner.
      returned: success
      type: int
      sample: 0
    gid:
      description: The number of the group.
      returned: success
      type: int
      sample: 0
    size:
      description: The size in bytes.
      returned: success
      type: int
      sample: 3272
    inode:
      description: The number of the inode.
      returned: success
      type: int
      sample: 12758
    dev:
      description:
        - The number of the device that it is on, in the appliance.
        - It says which entries share a file system, and nothing else.
      returned: success
      type: int
      sample: 2049
    nlink:
      description: How many names it has.
      returned: success
      type: int
      sample: 1
    atime:
      description: The time of the last access, in seconds since the epoch.
      returned: success
      type: float
      sample: 1424348972.575
    mtime:
      description: The time of the last change of the content.
      returned: success
      type: float
      sample: 1424348972.575
    ctime:
      description: The time of the last change of the inode.
      returned: success
      type: float
      sample: 1424348972.575
    wusr:
      description: Whether the owner may write.
      returned: success
      type: bool
      sample: true
    rusr:
      description: Whether the owner may read.
      returned: success
      type: bool
      sample: true
    xusr:
      description: Whether the owner may execute.
      returned: success
      type: bool
      sample: false
    wgrp:
      description: Whether the group may write.
      returned: success
      type: bool
      sample: false
    rgrp:
      description: Whether the group may read.
      returned: success
      type: bool
      sample: true
    xgrp:
      description: Whether the group may execute.
      returned: success
      type: bool
      sample: false
    woth:
      description: Whether others may write.
      returned: success
      type: bool
      sample: false
    roth:
      description: Whether others may read.
      returned: success
      type: bool
      sample: true
    xoth:
      description: Whether others may execute.
      returned: success
      type: bool
      sample: false
    isuid:
      description: Whether it has the set-user-ID bit.
      returned: success
      type: bool
      sample: false
    isgid:
      description: Whether it has the set-group-ID bit.
      returned: success
      type: bool
      sample: false
    pw_name:
      description: The owner's name, empty if the guest has no user of that number.
      returned: success
      type: str
      sample: root
    gr_name:
      description: The group's name, empty if the guest has no group of that number.
      returned: success
      type: str
      sample: adm
    checksum:
      description: The checksum of the content, in hexadecimal.
      returned: if it is a regular file and O(get_checksum=true)
      type: str
      sample: 50ba294cdf28c0d5bcde25708df53346825a429f
matched:
  description: How many RV(files) there are.
  returned: success
  type: int
  sample: 14
examined:
  description: How many entries were looked at.
  returned: success
  type: int
  sample: 34
skipped_paths:
  description: The paths that were passed over, and why.
  returned: success
  type: dict
  sample: {/srv/none: "'/srv/none' is not a directory"}
msg:
  description: Whether the search came to its end.
  returned: success
  type: str
  sample: All paths examined
"""

import typing as t

from ..module_utils._ansible_module import run_guest_module
from ..module_utils._guest._find import handle


def main() -> t.NoReturn:
    run_guest_module(
        argument_spec={
            "paths": {"type": "list", "elements": "str", "required": True, "aliases": ["name", "path"]},
            "patterns": {"type": "list", "elements": "str", "default": [], "aliases": ["pattern"]},
            "excludes": {"type": "list", "elements": "str", "aliases": ["exclude"]},
            "use_regex": {"type": "bool", "default": False},
            "file_type": {"type": "str", "choices": ["any", "directory", "file", "link"], "default": "file"},
            "contains": {"type": "str"},
            "read_whole_file": {"type": "bool", "default": False},
            "encoding": {"type": "str"},
            "max_size": {"type": "int", "default": 64 * 1024 * 1024},
            "age": {"type": "str"},
            "age_stamp": {"type": "str", "choices": ["atime", "ctime", "mtime"], "default": "mtime"},
            "size": {"type": "str"},
            "mode": {"type": "raw"},
            "exact_mode": {"type": "bool", "default": True},
            "hidden": {"type": "bool", "default": False},
            "recurse": {"type": "bool", "default": False},
            "depth": {"type": "int"},
            "follow": {"type": "bool", "default": False},
            "limit": {"type": "int"},
            "max_entries": {"type": "int", "default": 1_000_000},
            "get_checksum": {"type": "bool", "default": False},
            "checksum_algorithm": {
                "type": "str",
                "default": "sha1",
                "choices": ["md5", "sha1", "sha224", "sha256", "sha384", "sha512"],
                "aliases": ["checksum", "checksum_algo"],
            },
        },
        handler=handle,
        writes=False,
    )


if __name__ == "__main__":
    main()
