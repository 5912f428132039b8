#!/usr/bin/python

# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: replace
short_description: Replace what a regular expression finds in a text file of a guest
version_added: 0.1.0
description:
  - Replaces everything that a regular expression finds in a text file of a guest.
  - What is written, the options and the return values are those of M(ansible.builtin.replace).
    For several edits at once use M(offline.guest.edit).
extends_documentation_fragment:
  - offline.guest.attributes
  - offline.guest.image
  - offline.guest.appliance
  - offline.guest.files
  - offline.guest.files.backup
  - offline.guest.files.max_size
  - offline.guest.files.validate
attributes:
  idempotent:
    support: partial
    details:
      - The file is changed again if O(regexp) matches what was written.
options:
  path:
    description:
      - The absolute path of the file in the guest.
      - A symbolic link is followed inside the guest, and stays a link. As with the twin, O(owner), O(group) and the
        SELinux context are then those of the link, and O(mode) has nothing to change.
    type: str
    required: true
    aliases: [dest, destfile, name]
  regexp:
    description:
      - A regular expression of Python. V(^) and V($) match at every line, and V(.) matches no line end.
    type: str
    required: true
  replace:
    description:
      - What every match becomes. It may refer to groups, such as V(\\1) or V(\\g<name>).
    type: str
    default: ''
  after:
    description:
      - Replace only after the first match of this regular expression, in which V(.) matches line ends too, and V(^) and
        V($) only the beginning and the end of the file.
    type: str
  before:
    description:
      - Replace only before a match of this regular expression, which is the first after O(after) if that is given, and
        else the last.
    type: str
  encoding:
    description:
      - The encoding of the file. Bytes that are not valid in it survive, but patterns see no character in them.
    type: str
    default: utf-8
notes:
  - O(validate) is run in check mode as well, so that the prediction is exact.
  - Where the mode, the owner or another attribute changes, the difference has a part that says so. The twin is silent
    about that.
seealso:
  - module: ansible.builtin.replace
  - module: offline.guest.edit
  - module: offline.guest.lineinfile
author:
  - offline.guest contributors (@offline-guest)
"""

EXAMPLES = r"""
- name: Use the mirror of the house
  offline.guest.replace:
    image: /srv/images/web.qcow2
    format: qcow2
    path: /etc/apt/sources.list
    regexp: 'http://deb\.debian\.org'
    replace: https://mirror.example.com

- name: Comment out a section, with a backup
  offline.guest.replace:
    image: /srv/images/web.qcow2
    format: qcow2
    path: /etc/app.conf
    after: '\[old\]\n'
    before: '\[new\]'
    regexp: '^(.+)$'
    replace: '# \1'
    backup: true
"""

RETURN = r"""
msg:
  description: What changed, empty if nothing did.
  returned: success
  type: str
  sample: 3 replacements made
backup_file:
  description: The path of the backup in the guest.
  returned: if a backup was made
  type: str
  sample: /etc/app.conf.9b1c33d2.2026-01-31@12:00:00~
rc:
  description: Always 0, except that 256 is a directory at O(path) and 257 is no file there, which is why it failed.
  returned: always, except for other failures
  type: int
  sample: 0
"""

from typing import NoReturn

from ..module_utils._ansible_module import FILE_SPEC, run_guest_module
from ..module_utils._guest._replace import handle


def main() -> NoReturn:
    """Run the module."""
    run_guest_module(
        argument_spec={
            **FILE_SPEC,
            "path": {"type": "str", "required": True, "aliases": ["dest", "destfile", "name"]},
            "regexp": {"type": "str", "required": True},
            "replace": {"type": "str", "default": ""},
            "after": {"type": "str"},
            "before": {"type": "str"},
            "encoding": {"type": "str", "default": "utf-8"},
            "backup": {"type": "bool", "default": False},
            "validate": {"type": "str"},
            "max_size": {"type": "int", "default": 8 * 1024 * 1024},
        },
        handler=handle,
        writes=True,
    )


if __name__ == "__main__":
    main()
