#!/usr/bin/python

# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: edit
short_description: Edit one file of a guest
version_added: 0.1.0
description:
  - Applies a list of edits to one file of a guest, in order, as one write with one difference.
  - The file is replaced at one instant. It keeps its mode, owner, group, SELinux label, ACL and capabilities unless
    told otherwise.
  - All bytes survive that no edit is about, whatever their encoding, and so does a missing end of the last line.
  - In a file whose lines mostly end in CRLF, new lines do too, and patterns see LF only.
  - A symbolic link is followed, but only inside the guest, and stays a link.
  - What an edit does is what its twin does, which is M(ansible.builtin.lineinfile), M(ansible.builtin.blockinfile),
    M(ansible.builtin.replace) or M(community.general.ini_file).
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
      - An edit that replaces changes the file again if its pattern matches what it wrote.
options:
  path:
    description:
      - The absolute path of the file in the guest.
    type: str
    required: true
  edits:
    description:
      - The edits, applied in order, each to what the one before it left.
      - Each is one of five kinds, and each kind has keys of its own. An edit with keys of two kinds is refused.
      - V(line) edits have O(edits[].line), or O(edits[].regexp) or O(edits[].search_string) alone to remove lines.
      - V(block) edits have O(edits[].block), or O(edits[].marker) alone to remove a block.
      - V(replace) edits have O(edits[].replace) and O(edits[].regexp).
      - V(ini) edits have O(edits[].ini) and V(augeas) edits have O(edits[].augeas), a dictionary each.
      - Regular expressions are those of Python. Those of line and block edits are applied to bytes, those of replace
        edits to text.
    type: list
    elements: dict
    required: true
    suboptions:
      line:
        description:
          - The line to write, or to remove with O(edits[].state=absent).
        type: str
      regexp:
        description:
          - In a line edit, the line to replace, which is the last one that matches. If none matches, the line is added.
            With O(edits[].state=absent), all lines that match are removed.
          - In a replace edit, what to replace, everywhere. V(^) and V($) match at every line.
        type: str
      search_string:
        description:
          - As O(edits[].regexp) in a line edit, but plain text that is looked for anywhere in a line.
        type: str
      backrefs:
        description:
          - Whether O(edits[].line) may refer to groups of O(edits[].regexp), such as V(\\1).
          - If the pattern does not match, the file is left alone.
          - The default is V(false).
        type: bool
      firstmatch:
        description:
          - Whether the first line that matches counts, and not the last.
          - The default is V(false).
        type: bool
      insertafter:
        description:
          - A new line or block goes after the last line that matches this, or at the end of the file for V(EOF) or if
            none matches. In a line edit, V(BOF) is the beginning of the file.
          - The default is V(EOF).
        type: str
      insertbefore:
        description:
          - A new line or block goes before the last line that matches this, or to the beginning of the file for V(BOF).
            If none matches, it goes to the end.
          - Excludes O(edits[].insertafter).
        type: str
      state:
        description:
          - Whether the line or block is to be there.
          - The default is V(present).
        type: str
        choices: [present, absent]
      block:
        description:
          - The text to have between two marker lines. An empty text removes the block.
        type: str
      marker:
        description:
          - The marker lines, where C({mark}) becomes O(edits[].marker_begin) and O(edits[].marker_end).
          - The default is C(# {mark} ANSIBLE MANAGED BLOCK).
        type: str
      marker_begin:
        description:
          - What C({mark}) becomes in the line before the block.
          - The default is V(BEGIN).
        type: str
      marker_end:
        description:
          - What C({mark}) becomes in the line after the block.
          - The default is V(END).
        type: str
      append_newline:
        description:
          - Whether to have an empty line after the block, unless the file ends there.
          - The default is V(false).
        type: bool
      prepend_newline:
        description:
          - Whether to have an empty line before the block, unless the file begins there.
          - The default is V(false).
        type: bool
      replace:
        description:
          - What every match of O(edits[].regexp) becomes. It may refer to groups, such as V(\\1).
          - The default is nothing, but then the edit needs O(edits[].after) or O(edits[].before), because otherwise it
            is a line edit.
        type: str
      after:
        description:
          - Replace only after the first match of this pattern, in which V(.) matches line ends too.
        type: str
      before:
        description:
          - Replace only before a match of this pattern, which is the first after O(edits[].after) if that is given, and
            else the last.
        type: str
      ini:
        description:
          - An option, or a section, of an INI file.
        type: dict
        suboptions:
          section:
            description:
              - The name of the section, which is added if it is missing.
              - If not set, the option is above the first section.
            type: str
          option:
            description:
              - The name of the option. If not set, the edit is about the section as a whole.
            type: str
          value:
            description: The value of the option. Excludes O(edits[].ini.values).
            type: str
          values:
            description: The values of an option that is there several times.
            type: list
            elements: str
          state:
            description:
              - Whether the option is to be there, or the section if no option is given.
            type: str
            choices: [present, absent]
            default: present
          exclusive:
            description:
              - Whether other lines of the same option go. Otherwise values are added or removed one by one.
            type: bool
            default: true
          allow_no_value:
            description: Whether an option may be there without a value and an equals sign.
            type: bool
            default: false
          no_extra_spaces:
            description: Whether to write no spaces around the equals sign.
            type: bool
            default: false
          ignore_spaces:
            description: Whether to leave a line alone that differs in spaces around the equals sign only.
            type: bool
            default: false
          modify_inactive_option:
            description: Whether a line of the option that is commented out is replaced, rather than a new one added.
            type: bool
            default: true
          section_has_values:
            description:
              - Choose, of several sections of that name, the first one that has all of these options.
            type: list
            elements: dict
            suboptions:
              option:
                description: The name of the option.
                type: str
                required: true
              value:
                description: The value it must have.
                type: str
              values:
                description: The values of which it must have one. If neither is given, any value will do.
                type: list
                elements: str
      augeas:
        description:
          - A node of the tree that Augeas makes of the file.
        type: dict
        suboptions:
          path:
            description:
              - A path expression relative to the file, such as V(PermitRootLogin) or V(*[ipaddr='::1']/canonical). An
                absolute one must be below C(/files) and the path of the file, every symbolic link followed.
            type: str
            required: true
          value:
            description: The value that the node gets. The node is made if it is missing.
            type: str
          state:
            description: Whether the node is to be there. With V(absent), all nodes that match are removed.
            type: str
            choices: [present, absent]
            default: present
          lens:
            description:
              - The lens, such as V(Sshd).
              - If not set, it is the one that Augeas has for the path. Except for some well-known files, finding that
                takes several seconds.
            type: str
  create:
    description:
      - Whether to make the file, and the directories above it, if there is none.
      - If there is none and all edits only remove or replace, nothing is done, whether this is set or not.
    type: bool
    default: false
seealso:
  - module: offline.guest.lineinfile
  - module: offline.guest.blockinfile
  - module: offline.guest.replace
  - module: offline.guest.ini_file
author:
  - offline.guest contributors (@offline-guest)
"""

EXAMPLES = r"""
- name: Harden the SSH server
  offline.guest.edit:
    image: /srv/images/web.qcow2
    format: qcow2
    path: /etc/ssh/sshd_config
    edits:
      - regexp: '^#?PermitRootLogin'
        line: PermitRootLogin no
      - regexp: '^#?PasswordAuthentication'
        line: PasswordAuthentication no
      - block: |
          Match Group sftp
            ForceCommand internal-sftp
    mode: '0600'

- name: Remove lines, replace words and set an INI option
  offline.guest.edit:
    image: /srv/images/web.qcow2
    format: qcow2
    path: /etc/app/app.conf
    edits:
      - regexp: '^debug'
        state: absent
      - regexp: 'http://'
        replace: 'https://'
      - ini:
          section: server
          option: port
          value: '8443'
    backup: true

- name: Change a node that Augeas knows
  offline.guest.edit:
    image: /srv/images/web.qcow2
    format: qcow2
    path: /etc/hosts
    edits:
      - augeas:
          path: "*[ipaddr='127.0.1.1']/canonical"
          value: web01

- name: Make a file that belongs to a user of the guest
  offline.guest.edit:
    image: /srv/images/web.qcow2
    format: qcow2
    path: /home/deploy/.profile
    create: true
    owner: deploy
    group: deploy
    edits:
      - line: export EDITOR=vi
"""

RETURN = r"""
path:
  description: The path of the file, as it was given.
  returned: success
  type: str
  sample: /etc/ssh/sshd_config
resolved_path:
  description: Where that is in the guest, every symbolic link followed.
  returned: success
  type: str
  sample: /etc/ssh/sshd_config
msg:
  description: What changed, empty if nothing did.
  returned: success
  type: str
  sample: line replaced; Block inserted
messages:
  description: What each edit did, empty if nothing.
  returned: success
  type: list
  elements: str
  sample: [line replaced, '', Block inserted]
backup_file:
  description: The path of the backup in the guest, null if none was made.
  returned: success
  type: str
  sample: null
mode:
  description: The permissions of the file, null if there is none.
  returned: success
  type: str
  sample: '0644'
owner:
  description: The number of the file's owner, null if there is no file.
  returned: success
  type: int
  sample: 0
group:
  description: The number of the file's group, null if there is no file.
  returned: success
  type: int
  sample: 0
size:
  description: The size of the file in bytes, null if there is none.
  returned: success
  type: int
  sample: 3272
"""

from typing import NoReturn

from ..module_utils._ansible_module import FILE_SPEC, run_guest_module
from ..module_utils._guest._edit import handle

STATE = {"type": "str", "choices": ["present", "absent"]}

INI = {
    "section": {"type": "str"},
    "option": {"type": "str"},
    "value": {"type": "str"},
    "values": {"type": "list", "elements": "str"},
    "state": {**STATE, "default": "present"},
    "exclusive": {"type": "bool", "default": True},
    "allow_no_value": {"type": "bool", "default": False},
    "no_extra_spaces": {"type": "bool", "default": False},
    "ignore_spaces": {"type": "bool", "default": False},
    "modify_inactive_option": {"type": "bool", "default": True},
    "section_has_values": {
        "type": "list",
        "elements": "dict",
        "options": {
            "option": {"type": "str", "required": True},
            "value": {"type": "str"},
            "values": {"type": "list", "elements": "str"},
        },
    },
}

AUGEAS = {
    "path": {"type": "str", "required": True},
    "value": {"type": "str"},
    "state": {**STATE, "default": "present"},
    "lens": {"type": "str"},
}

EDIT = {
    "line": {"type": "str"},
    "regexp": {"type": "str"},
    "search_string": {"type": "str"},
    "backrefs": {"type": "bool"},
    "firstmatch": {"type": "bool"},
    "insertafter": {"type": "str"},
    "insertbefore": {"type": "str"},
    "state": STATE,
    "block": {"type": "str"},
    "marker": {"type": "str"},
    "marker_begin": {"type": "str"},
    "marker_end": {"type": "str"},
    "append_newline": {"type": "bool"},
    "prepend_newline": {"type": "bool"},
    "replace": {"type": "str"},
    "after": {"type": "str"},
    "before": {"type": "str"},
    "ini": {"type": "dict", "options": INI},
    "augeas": {"type": "dict", "options": AUGEAS},
}


def main() -> NoReturn:
    """Run the module."""
    run_guest_module(
        argument_spec={
            **FILE_SPEC,
            "path": {"type": "str", "required": True},
            "edits": {"type": "list", "elements": "dict", "required": True, "options": EDIT},
            "create": {"type": "bool", "default": False},
            "backup": {"type": "bool", "default": False},
            "validate": {"type": "str"},
            "max_size": {"type": "int", "default": 8 * 1024 * 1024},
        },
        handler=handle,
        writes=True,
    )


if __name__ == "__main__":
    main()
