#!/usr/bin/python

# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: authorized_key
short_description: Add or remove SSH keys of a user of a guest
version_added: 0.1.0
description:
  - Adds or removes public keys in the C(authorized_keys) file of a user of a guest.
  - Lines that are about other keys stay as they are, and so do comments and lines that are no keys.
  - A key that is there with other options or another comment is changed in its place. If it is there several times, one
    of them stays.
extends_documentation_fragment:
  - offline.guest.attributes
  - offline.guest.image
  - offline.guest.appliance
options:
  user:
    description:
      - The user of the guest. It must be there.
    type: str
    required: true
  key:
    description:
      - The public keys, a line each. Empty lines and comments are left out.
      - A key that is cut off or damaged is refused, and so is the address of a file. Fetch that with the lookup
        P(ansible.builtin.url#lookup), as in the examples.
    type: str
    required: true
  path:
    description:
      - The absolute path of the file in the guest.
      - The default is C(.ssh/authorized_keys) in the home of the user.
    type: str
  manage_dir:
    description:
      - Whether the directory of the file is made where it is missing, and belongs to the user with mode V(0700). The
        file then belongs to the user with mode V(0600), even if the keys do not change.
      - Set this to V(false) for a directory of several users. It is then only made where it is missing, and belongs to
        root. The file still gets its owner and mode if the keys change.
    type: bool
    default: true
  state:
    description:
      - Whether the keys are to be there.
    type: str
    choices: [absent, present]
    default: present
  key_options:
    description:
      - What each key gets as its options, such as V(no-pty,from="192.0.2.0/24"), instead of those before it in O(key).
    type: str
  exclusive:
    description:
      - With O(state=present), whether to remove all other keys, and also lines that cannot be read, because the guest
        may know keys that this module does not. Comments and empty lines stay.
    type: bool
    default: false
  comment:
    description:
      - What each key gets as its comment, instead of the one after it in O(key).
    type: str
  validate_certs:
    description:
      - Accepted because the twin has it. It is about fetching keys, which this module does not do.
    type: bool
    default: true
  follow:
    description:
      - If the file is a symbolic link, whether to change what it leads to, inside the guest. Otherwise a file replaces
        the link, unless the link leads to what is not the user's own, which is refused.
    type: bool
    default: false
notes:
  - The file may have 4 MiB.
seealso:
  - module: ansible.posix.authorized_key
  - module: offline.guest.user
author:
  - offline.guest contributors (@offline-guest)
"""

EXAMPLES = r"""
- name: Let somebody in
  offline.guest.authorized_key:
    image: /srv/images/web.qcow2
    format: qcow2
    user: deploy
    key: "{{ lookup('ansible.builtin.file', 'keys/deploy.pub') }}"

- name: Only these keys, from one network
  offline.guest.authorized_key:
    image: /srv/images/web.qcow2
    format: qcow2
    user: root
    key: "{{ lookup('ansible.builtin.url', 'https://example.com/admins.keys', split_lines=false) }}"
    key_options: from="192.0.2.0/24",no-agent-forwarding
    exclusive: true

- name: Keys in a place of their own
  offline.guest.authorized_key:
    image: /srv/images/web.qcow2
    format: qcow2
    user: deploy
    key: "{{ lookup('ansible.builtin.file', 'keys/deploy.pub') }}"
    path: /etc/ssh/authorized_keys.d/deploy
    manage_dir: false
"""

RETURN = r"""
keyfile:
  description: Where the file is in the guest.
  returned: success
  type: str
  sample: /home/deploy/.ssh/authorized_keys
user:
  description: The option of that name.
  returned: success
  type: str
  sample: deploy
key:
  description: The option of that name.
  returned: success
  type: str
  sample: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA deploy@example.com
path:
  description: The option of that name.
  returned: success
  type: str
  sample: null
manage_dir:
  description: The option of that name.
  returned: success
  type: bool
  sample: true
state:
  description: The option of that name.
  returned: success
  type: str
  sample: present
key_options:
  description: The option of that name.
  returned: success
  type: str
  sample: null
exclusive:
  description: The option of that name.
  returned: success
  type: bool
  sample: false
comment:
  description: The option of that name.
  returned: success
  type: str
  sample: null
validate_certs:
  description: The option of that name.
  returned: success
  type: bool
  sample: true
follow:
  description: The option of that name.
  returned: success
  type: bool
  sample: false
"""

from typing import Any, NoReturn

from ..module_utils._ansible_module import run_guest_module
from ..module_utils._guest._authorized_key import handle

OPTIONS: dict[str, dict[str, Any]] = {
    "user": {"type": "str", "required": True},
    "key": {"type": "str", "required": True, "no_log": False},
    "path": {"type": "str"},
    "manage_dir": {"type": "bool", "default": True},
    "state": {"type": "str", "choices": ["absent", "present"], "default": "present"},
    "key_options": {"type": "str", "no_log": False},
    "exclusive": {"type": "bool", "default": False},
    "comment": {"type": "str"},
    "validate_certs": {"type": "bool", "default": True},
    "follow": {"type": "bool", "default": False},
}


def main() -> NoReturn:
    """Run the module."""
    run_guest_module(argument_spec=OPTIONS, handler=handle, writes=True)


if __name__ == "__main__":
    main()
