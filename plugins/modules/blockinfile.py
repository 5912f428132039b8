#!/usr/bin/python

# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: blockinfile
short_description: Have a marked block of lines in a text file of a guest, or not
version_added: 0.1.0
description:
  - Has a block of lines between two marker lines in a text file of a guest, replaces it, or removes it.
  - What is written, the options and the return values are those of M(ansible.builtin.blockinfile). New lines end in LF.
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
      - If O(marker) is without C({mark}), or has several lines, the block may be added again.
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
      - Whether the block is to be there.
    type: str
    choices: [absent, present]
    default: present
  block:
    description:
      - The text to have between the marker lines. An empty text removes the block.
    type: str
    default: ''
    aliases: [content]
  marker:
    description:
      - The marker lines, where C({mark}) becomes O(marker_begin) and O(marker_end).
      - Give each block of a file a marker of its own.
    type: str
    default: '# {mark} ANSIBLE MANAGED BLOCK'
  marker_begin:
    description:
      - What C({mark}) becomes in the line before the block.
    type: str
    default: BEGIN
  marker_end:
    description:
      - What C({mark}) becomes in the line after the block.
    type: str
    default: END
  insertafter:
    description:
      - A new block goes after the last line that matches this regular expression, or to the end of the file for V(EOF)
        or if none matches.
      - With the flag C((?m)), the expression is applied to the whole text, and the first match counts.
      - V(EOF) if neither this nor O(insertbefore) is set. Excludes O(insertbefore).
    type: str
  insertbefore:
    description:
      - A new block goes before the last line that matches this regular expression, or to the beginning of the file for
        V(BOF). If none matches, it goes to the end.
    type: str
  append_newline:
    description:
      - Whether to have an empty line after the block, unless the file ends there.
    type: bool
    default: false
  prepend_newline:
    description:
      - Whether to have an empty line before the block, unless the file begins there.
    type: bool
    default: false
  create:
    description:
      - Whether to make the file, and the directories above it, if there is none.
    type: bool
    default: false
notes:
  - O(validate) is run in check mode as well, so that the prediction is exact.
seealso:
  - module: ansible.builtin.blockinfile
  - module: offline.guest.edit
  - module: offline.guest.lineinfile
author:
  - offline.guest contributors (@offline-guest)
"""

EXAMPLES = r"""
- name: Let a group transfer files only
  offline.guest.blockinfile:
    image: /srv/images/web.qcow2
    format: qcow2
    path: /etc/ssh/sshd_config
    block: |
      Match Group sftp
        ForceCommand internal-sftp
    prepend_newline: true

- name: Put a block with markers of its own after a line
  offline.guest.blockinfile:
    image: /srv/images/web.qcow2
    format: qcow2
    path: /var/www/html/index.html
    marker: '<!-- {mark} banner -->'
    insertafter: '<body>'
    block: <p>Under construction</p>

- name: Remove it
  offline.guest.blockinfile:
    image: /srv/images/web.qcow2
    format: qcow2
    path: /var/www/html/index.html
    marker: '<!-- {mark} banner -->'
    state: absent
"""

RETURN = r"""
msg:
  description: What changed, empty if nothing did.
  returned: success
  type: str
  sample: Block inserted
backup_file:
  description: The path of the backup in the guest.
  returned: if a backup was made
  type: str
  sample: /etc/ssh/sshd_config.9b1c33d2.2026-01-31@12:00:00~
rc:
  description: Why it failed. 256 is a directory at O(path), 257 is no file there.
  returned: if it failed for one of these reasons
  type: int
  sample: 257
"""

from typing import NoReturn

from ..module_utils._ansible_module import FILE_SPEC, run_guest_module
from ..module_utils._guest._blockinfile import handle


def main() -> NoReturn:
    """Run the module."""
    run_guest_module(
        argument_spec={
            **FILE_SPEC,
            "path": {"type": "str", "required": True, "aliases": ["dest", "destfile", "name"]},
            "state": {"type": "str", "choices": ["absent", "present"], "default": "present"},
            "block": {"type": "str", "default": "", "aliases": ["content"]},
            "marker": {"type": "str", "default": "# {mark} ANSIBLE MANAGED BLOCK"},
            "marker_begin": {"type": "str", "default": "BEGIN"},
            "marker_end": {"type": "str", "default": "END"},
            "insertafter": {"type": "str"},
            "insertbefore": {"type": "str"},
            "append_newline": {"type": "bool", "default": False},
            "prepend_newline": {"type": "bool", "default": False},
            "create": {"type": "bool", "default": False},
            "backup": {"type": "bool", "default": False},
            "validate": {"type": "str"},
            "max_size": {"type": "int", "default": 8 * 1024 * 1024},
        },
        handler=handle,
        writes=True,
        mutually_exclusive=[("insertbefore", "insertafter")],
    )


if __name__ == "__main__":
    main()
