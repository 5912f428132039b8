#!/usr/bin/python

# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: kernel_cmdline
short_description: Add or remove arguments of a guest's kernel
version_added: 0.1.0
description:
  - Adds arguments to the command line of a guest's kernel, or removes them, in all places that the guest has it in.
  - These are C(GRUB_CMDLINE_LINUX) and C(GRUB_CMDLINE_LINUX_DEFAULT) in C(/etc/default/grub) and in the files of
    C(/etc/default/grub.d), the C(options) of boot loader entries in C(/boot/loader/entries), C(kernelopts) in GRUB's
    environment block where the entries refer to it, C(/etc/kernel/cmdline), and C(default_kernel_opts) in
    C(/etc/update-extlinux.conf).
  - A file that is generated from these, such as C(grub.cfg), is never edited. The result says whether it has to be made
    anew in the guest, and by which command.
extends_documentation_fragment:
  - offline.guest.attributes
  - offline.guest.image
  - offline.guest.appliance
options:
  args:
    description:
      - The arguments, each by itself. With O(state=present) those that are missing are added at the end, and others
        stay, also those of the same name, because C(console=) for example may be there several times.
      - With O(state=absent), exactly these are removed.
      - An argument with blanks, quotes, backslashes, V($) or a backtick is refused, because shells would read it.
    type: list
    elements: str
  name:
    description:
      - The name of one argument. With O(state=present) it is there once, with O(value), and others of the name go.
      - With O(state=absent) and no O(value), all arguments of the name are removed.
      - Exactly one of O(args) and O(name) is needed.
    type: str
  value:
    description:
      - The value of the argument O(name). If not set, it is an argument without a value, such as V(quiet).
    type: str
  state:
    description: Whether the arguments are to be there.
    type: str
    choices: [present, absent]
    default: present
  rebuild:
    description:
      - What happens if the boot loader's configuration has to be generated anew.
      - V(hint) only says so.
      - V(firstboot) installs a firstboot script with the name C(05-boot-loader), which runs RV(command) at the next
        boot. The arguments then count from the boot after that on.
    type: str
    choices: [hint, firstboot]
    default: hint
notes:
  - What is added goes to C(GRUB_CMDLINE_LINUX), which is for all entries, those of the recovery mode too. What is in
    C(GRUB_CMDLINE_LINUX_DEFAULT) counts as being there.
  - Hyphens and underscores in names are the same, as they are for the kernel.
seealso:
  - module: offline.guest.firstboot
author:
  - offline.guest contributors (@offline-guest)
"""

EXAMPLES = r"""
- name: Have a serial console
  offline.guest.kernel_cmdline:
    image: /srv/images/web.qcow2
    format: qcow2
    args:
      - console=tty0
      - console=ttyS0,115200

- name: Set one argument, whatever its value was, and have GRUB's configuration made at the next boot
  offline.guest.kernel_cmdline:
    image: /srv/images/web.qcow2
    format: qcow2
    name: net.ifnames
    value: '0'
    rebuild: firstboot

- name: Show what happens at boot
  offline.guest.kernel_cmdline:
    image: /srv/images/web.qcow2
    format: qcow2
    args: [quiet, rhgb, splash]
    state: absent
"""

RETURN = r"""
places:
  description: The paths of the files in the guest that the command line is made of.
  returned: success
  type: list
  elements: str
  sample: [/etc/default/grub]
rebuild_needed:
  description:
    - Whether the generated configuration of the boot loader does not have the arguments as they are asked for. Then it
      has to be generated in the guest.
  returned: success
  type: bool
  sample: true
command:
  description: The command that does so, null if it is not needed.
  returned: success
  type: str
  sample: update-grub
firstboot_script:
  description: The name of the firstboot script that runs it, null if there is none.
  returned: success
  type: str
  sample: null
msg:
  description: From when on the arguments count.
  returned: success
  type: str
  sample: The kernel gets 'quiet' once 'update-grub' was run in the guest; rebuild=firstboot has that done.
"""

from typing import NoReturn

from ..module_utils._ansible_module import run_guest_module
from ..module_utils._guest._kernel_cmdline import handle


def main() -> NoReturn:
    """Run the module."""
    run_guest_module(
        argument_spec={
            "args": {"type": "list", "elements": "str"},
            "name": {"type": "str"},
            "value": {"type": "str"},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "rebuild": {"type": "str", "choices": ["hint", "firstboot"], "default": "hint"},
        },
        handler=handle,
        writes=True,
        mutually_exclusive=[["args", "name"]],
        required_one_of=[["args", "name"]],
        required_by={"value": ["name"]},
    )


if __name__ == "__main__":
    main()
