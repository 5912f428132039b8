#!/usr/bin/python

# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: lineinfile
short_description: Have a line in a text file of a guest, or not
version_added: 0.1.0
description:
  - Has one line in a text file of a guest, replaces one that a regular expression finds, or removes lines.
  - What is written, the options and the return values are those of M(ansible.builtin.lineinfile). New lines end in LF.
    To keep the line ends of a file, and for several edits at once, use M(offline.guest.edit).
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
      - A line that O(regexp) or O(search_string) does not find again is added again.
options:
  path:
    description:
      - The absolute path of the file in the guest.
      - A symbolic link is followed inside the guest, and stays a link. As with the twin, O(owner), O(group) and the
        SELinux context are then those of the link, and O(mode) has nothing to change.
    type: str
    required: true
    aliases: [dest, destfile, name]
  state:
    description:
      - Whether the line is to be there.
    type: str
    choices: [absent, present]
    default: present
  line:
    description:
      - The line to write, or to remove with O(state=absent).
      - Required with O(state=present).
    type: str
    aliases: [value]
  regexp:
    description:
      - A regular expression of Python for the line to replace, which is the last one that matches. It is applied to
        bytes.
      - If no line matches, O(line) is added. With O(state=absent), all lines that match are removed.
    type: str
    aliases: [regex]
  search_string:
    description:
      - As O(regexp), but plain text that is looked for anywhere in a line.
      - Excludes O(regexp) and O(backrefs).
    type: str
  backrefs:
    description:
      - Whether O(line) may refer to groups of O(regexp), such as V(\\1) or V(\\g<name>).
      - If no line matches, the file is left alone.
    type: bool
    default: false
  insertafter:
    description:
      - A new line goes after the last line that matches this regular expression, or to the end of the file for V(EOF)
        or if none matches, or to its beginning for V(BOF).
      - V(EOF) if neither this nor O(insertbefore) is set. Excludes O(insertbefore).
    type: str
  insertbefore:
    description:
      - A new line goes before the last line that matches this regular expression, or to the beginning of the file for
        V(BOF). If none matches, it goes to the end.
    type: str
  firstmatch:
    description:
      - Whether the first line that matches counts, and not the last, for O(regexp), O(search_string),
        O(insertafter) and O(insertbefore).
    type: bool
    default: false
  create:
    description:
      - Whether to make the file, and the directories above it, if there is none. Only with O(state=present).
    type: bool
    default: false
notes:
  - O(validate) is run in check mode as well, so that the prediction is exact.
seealso:
  - module: ansible.builtin.lineinfile
  - module: offline.guest.edit
  - module: offline.guest.blockinfile
  - module: offline.guest.replace
author:
  - offline.guest contributors (@offline-guest)
"""

EXAMPLES = r"""
- name: Refuse root at the SSH server
  offline.guest.lineinfile:
    image: /srv/images/web.qcow2
    format: qcow2
    path: /etc/ssh/sshd_config
    regexp: '^#?PermitRootLogin'
    line: PermitRootLogin no

- name: Make a file with one line, which belongs to a user of the guest
  offline.guest.lineinfile:
    image: /srv/images/web.qcow2
    format: qcow2
    path: /home/deploy/.profile
    line: export EDITOR=vi
    create: true
    owner: deploy
    group: deploy
    mode: '0644'

- name: Change a number, if there is one
  offline.guest.lineinfile:
    image: /srv/images/web.qcow2
    format: qcow2
    path: /etc/app.conf
    regexp: '^(timeout) \d+(.*)$'
    line: '\1 60\2'
    backrefs: true
    backup: true

- name: Remove lines
  offline.guest.lineinfile:
    image: /srv/images/web.qcow2
    format: qcow2
    path: /etc/hosts
    search_string: old.example.com
    state: absent
"""

RETURN = r"""
msg:
  description: What changed, empty if nothing did.
  returned: success
  type: str
  sample: line replaced
backup:
  description: The path of the backup in the guest, empty if none was made.
  returned: if there is a file, or one is made
  type: str
  sample: /etc/hosts.9b1c33d2.2026-01-31@12:00:00~
found:
  description: The number of lines that were removed.
  returned: if O(state=absent) and there is a file
  type: int
  sample: 1
rc:
  description: Why it failed. 256 is a directory at O(path), 257 is no file there.
  returned: if it failed for one of these reasons
  type: int
  sample: 257
"""

from typing import NoReturn

from ..module_utils._ansible_module import FILE_SPEC, run_guest_module
from ..module_utils._guest._lineinfile import handle


def main() -> NoReturn:
    """Run the module."""
    run_guest_module(
        argument_spec={
            **FILE_SPEC,
            "path": {"type": "str", "required": True, "aliases": ["dest", "destfile", "name"]},
            "state": {"type": "str", "choices": ["absent", "present"], "default": "present"},
            "line": {"type": "str", "aliases": ["value"]},
            "regexp": {"type": "str", "aliases": ["regex"]},
            "search_string": {"type": "str"},
            "backrefs": {"type": "bool", "default": False},
            "insertafter": {"type": "str"},
            "insertbefore": {"type": "str"},
            "firstmatch": {"type": "bool", "default": False},
            "create": {"type": "bool", "default": False},
            "backup": {"type": "bool", "default": False},
            "validate": {"type": "str"},
            "max_size": {"type": "int", "default": 8 * 1024 * 1024},
        },
        handler=handle,
        writes=True,
        mutually_exclusive=[
            ("insertbefore", "insertafter"),
            ("regexp", "search_string"),
            ("backrefs", "search_string"),
        ],
    )


if __name__ == "__main__":
    main()
