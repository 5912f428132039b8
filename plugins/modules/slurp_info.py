#!/usr/bin/python

# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: slurp_info
short_description: Read a file of a guest
version_added: 0.1.0
description:
  - Returns the content of a file of a guest, in base64.
  - It is the twin of M(ansible.builtin.slurp).
  - The whole content passes through the memory of the controller. Use M(offline.guest.fetch) for a large file.
extends_documentation_fragment:
  - offline.guest.attributes.read_only
  - offline.guest.image
  - offline.guest.appliance
options:
  src:
    description:
      - The absolute path of the file in the guest. Symbolic links are followed, but only inside the guest.
      - A path that is not UTF-8 is given as V(base64:) with its bytes in base64 after it, such as
        V(base64:L3Nydi9jYWbp).
    type: str
    required: true
    aliases: [path]
  max_size:
    description:
      - The size of the largest file to read, in bytes, at most 256 MiB. A larger one is refused.
    type: int
    default: 8388608
seealso:
  - module: ansible.builtin.slurp
  - module: offline.guest.fetch
author:
  - offline.guest contributors (@offline-guest)
"""

EXAMPLES = r"""
- name: Read the host's public key
  offline.guest.slurp_info:
    image: /srv/images/web.qcow2
    format: qcow2
    src: /etc/ssh/ssh_host_ed25519_key.pub
  register: key

- name: Show it
  ansible.builtin.debug:
    msg: "{{ key.content | b64decode }}"
"""

RETURN = r"""
content:
  description: The content of the file, in base64.
  returned: success
  type: str
  sample: MjE3OQo=
encoding:
  description: How RV(content) is encoded.
  returned: success
  type: str
  sample: base64
source:
  description:
    - The path of the file, as it was given.
    - Bytes of it that are not UTF-8, and control characters, are shown as escapes.
  returned: success
  type: str
  sample: /var/run/sshd.pid
source_b64:
  description: The bytes of the path in base64.
  returned: success, if RV(source) has escapes in it
  type: str
  sample: L3Nydi9jYWbp
"""

import typing as t

from ..module_utils._ansible_module import run_guest_module
from ..module_utils._guest._stat import handle_slurp


def main() -> t.NoReturn:
    run_guest_module(
        argument_spec={
            "src": {"type": "str", "required": True, "aliases": ["path"]},
            "max_size": {"type": "int", "default": 8 * 1024 * 1024},
        },
        handler=handle_slurp,
        writes=False,
    )


if __name__ == "__main__":
    main()
