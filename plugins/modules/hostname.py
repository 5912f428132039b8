#!/usr/bin/python

# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: hostname
short_description: Set the name of a guest
version_added: 0.1.0
description:
  - Sets the name that the guest bears from its next boot on. No program of the guest is run.
  - The name goes where the guest's family has it. That is C(/etc/hostname) in nearly all, C(HOSTNAME=) in
    C(/etc/sysconfig/network) in Red Hat's before 7, C(/etc/HOSTNAME) in SUSE's before systemd, C(/etc/conf.d/hostname)
    in Gentoo with OpenRC, C(/etc/myname) in OpenBSD and C(hostname=) in C(/etc/rc.conf) in FreeBSD and NetBSD. The
    others of these files are kept in line if a Linux guest has them.
  - In C(/etc/hosts), the old name is replaced as a whole word, the full name by the full name and the short one by the
    short one. Where the new name has no domain, a full name keeps its domain. Other words and C(localhost) stay.
  - In Debian and its relatives, C(/etc/hosts) also gets a line for 127.0.1.1 with the new name if no line has it.
extends_documentation_fragment:
  - offline.guest.attributes
  - offline.guest.image
  - offline.guest.appliance
options:
  name:
    description:
      - The name, short or full. It has at most 64 letters, digits, hyphens and dots.
    type: str
    required: true
  use:
    description:
      - Where the name is kept. If not set, that is decided by the guest.
      - V(alpine), V(debian) and V(systemd) all mean C(/etc/hostname).
      - V(generic), V(macos), V(macosx), V(darwin) and V(solaris) are refused, because no such guest can be opened.
    type: str
    choices: [alpine, debian, freebsd, generic, macos, macosx, darwin, openbsd, openrc, redhat, sles, solaris, systemd]
notes:
  - No facts are returned, unlike by M(ansible.builtin.hostname), because they would replace those of the host.
  - A name for people in C(/etc/machine-info) is only changed if it was the same as the old name.
  - In a guest with cloud-init, the data source may give it another name at boot, unless C(preserve_hostname) is set.
seealso:
  - module: ansible.builtin.hostname
author:
  - offline.guest contributors (@offline-guest)
"""

EXAMPLES = r"""
- name: Name the machine
  offline.guest.hostname:
    image: /srv/images/web.qcow2
    format: qcow2
    name: web01

- name: Name it in full
  offline.guest.hostname:
    image: /srv/images/web.qcow2
    format: qcow2
    name: web01.example.com
"""

RETURN = r"""
name:
  description: The name of the guest.
  returned: success
  type: str
  sample: web01
before:
  description: The name that the guest had, empty if it had none.
  returned: success
  type: str
  sample: localhost
files:
  description: The paths of the files in the guest that are changed.
  returned: success
  type: list
  elements: str
  sample: [/etc/hostname, /etc/hosts]
msg:
  description: What the name is.
  returned: success
  type: str
  sample: The guest's name is web01.
"""

from typing import NoReturn

from ..module_utils._ansible_module import run_guest_module
from ..module_utils._guest._hostname import handle

USES = ["alpine", "debian", "freebsd", "generic", "macos", "macosx", "darwin", "openbsd", "openrc", "redhat", "sles"]


def main() -> NoReturn:
    """Run the module."""
    run_guest_module(
        argument_spec={
            "name": {"type": "str", "required": True},
            "use": {"type": "str", "choices": [*USES, "solaris", "systemd"]},
        },
        handler=handle,
        writes=True,
    )


if __name__ == "__main__":
    main()
