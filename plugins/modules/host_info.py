#!/usr/bin/python

# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: host_info
short_description: Find out whether this host can start an appliance, and what is missing
version_added: 0.1.0
description:
  - Looks for all that the other modules of this collection need on the host that opens the images.
  - For each thing that is missing, names the package or the command that mends it, on Debian, Ubuntu, Fedora, RHEL,
    SUSE, Arch and Alpine Linux.
  - Starts no appliance and changes nothing, unless O(warm) is given.
extends_documentation_fragment:
  - offline.guest.attributes
  - offline.guest.appliance
attributes:
  check_mode:
    description:
      - Changes nothing in C(check_mode).
      - Predicts for O(warm=built) that an appliance would be saved only where none is, whatever its options.
    support: partial
    details: Which saved appliance is wanted is known only when libguestfs is asked for it.
  diff_mode:
    description: There is never a difference to show.
    support: none
  idempotent:
    description: When run twice in a row with the same arguments, the second invocation changes nothing.
options:
  warm:
    description:
      - What is to become of the saved appliances, from which sessions are resumed instead of booted.
      - V(built) has one saved for O(appliance), unless there is one, and resumes it once to see that it works.
      - V(absent) removes all of them.
      - If not set, they are only looked at.
    type: str
    choices: [built, absent]
notes:
  - Works without libguestfs, without QEMU and without voluptuous, and says that they are missing.
  - Whether KVM works where it is present is known only after the first launch of an appliance since the host booted.
seealso:
  - module: offline.guest.session
    description: Open an image, which starts an appliance.
author:
  - offline.guest contributors (@offline-guest)
"""

EXAMPLES = r"""
- name: Look at the host
  offline.guest.host_info:
  register: host

- name: Stop where it cannot start an appliance
  ansible.builtin.assert:
    that: host.ready
    fail_msg: "{{ host.problems | selectattr('blocking') | map(attribute='remedy') | join('; ') }}"

- name: Have an appliance saved, in a container image or a cache of CI for example
  offline.guest.host_info:
    warm: built
    appliance:
      cache_dir: /opt/offline-guest/warm
"""

RETURN = r"""
ready:
  description: Whether an appliance can be started, as far as this can be told without starting one.
  returned: success
  type: bool
  sample: true
problems:
  description: What is missing or wrong, what keeps an appliance from starting first.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description:
        - What the problem is about.
        - One of V(voluptuous), V(libguestfs), V(libguestfs_version), V(qemu), V(qemu_img), V(appliance), V(supermin),
          V(kernel), V(space), V(memory), V(kvm).
      returned: success
      type: str
      sample: supermin
    message:
      description: What is wrong.
      returned: success
      type: str
      sample: supermin is missing, which builds the appliance.
    remedy:
      description: The package or the command that mends it.
      returned: success
      type: str
      sample: apt-get install supermin
    blocking:
      description: Whether no appliance can be started until it is mended. Otherwise it is only slower or less sure.
      returned: success
      type: bool
      sample: true
backend:
  description: The libguestfs backend that the modules use where they are not told another.
  returned: success
  type: str
  sample: direct
accelerator:
  description: What the next appliance would run on, V(kvm) or V(tcg).
  returned: success
  type: str
  sample: tcg
kvm:
  description: The host's KVM.
  returned: success
  type: dict
  contains:
    present:
      description: Whether C(/dev/kvm) exists.
      returned: success
      type: bool
      sample: true
    accessible:
      description: Whether this user may read and write it.
      returned: success
      type: bool
      sample: true
    works:
      description: Whether a launch since the host booted succeeded with it. Null if none tried.
      returned: success
      type: bool
      sample: false
qemu:
  description: The QEMU that runs the appliance. Null if there is none.
  returned: success
  type: dict
  contains:
    path:
      description: Its path.
      returned: success
      type: str
      sample: /usr/bin/qemu-system-x86_64
    version:
      description: Its version, empty if it does not say one.
      returned: success
      type: str
      sample: 7.2.22
qemu_img:
  description: The program C(qemu-img), with the same keys as RV(qemu). Null if there is none.
  returned: success
  type: dict
  contains:
    path:
      description: Its path.
      returned: success
      type: str
      sample: /usr/bin/qemu-img
    version:
      description: Its version, empty if it does not say one.
      returned: success
      type: str
      sample: 7.2.22
libguestfs:
  description: The libguestfs that the modules use. Null if no Python of the host has its bindings.
  returned: success
  type: dict
  contains:
    version:
      description: Its version.
      returned: success
      type: str
      sample: 1.48.6
    interpreter:
      description: The Python that has its bindings.
      returned: success
      type: str
      sample: /usr/bin/python3
appliance:
  description: Where the appliance comes from. Null if there is none, or no libguestfs.
  returned: success
  type: dict
  contains:
    kind:
      description: V(supermin) if it is built from the packages of the host, V(fixed) if it was made beforehand.
      returned: success
      type: str
      sample: supermin
    path:
      description: The folder it is in.
      returned: success
      type: str
      sample: /usr/lib/x86_64-linux-gnu/guestfs
    kernel:
      description: The newest kernel that it can be built with. Null if there is none, and for a fixed appliance.
      returned: success
      type: str
      sample: /boot/vmlinuz-6.1.0-49-amd64
    cache:
      description: The folder where the built appliance is kept.
      returned: success
      type: str
      sample: /var/tmp/.guestfs-0
    cached:
      description: Whether it is there already. Otherwise the first launch builds it, which takes longer.
      returned: success
      type: bool
      sample: true
    cache_free_mb:
      description: The space that is free there, in MiB. Null if it cannot be known.
      returned: success
      type: int
      sample: 76546
warm:
  description: The saved appliances, from which sessions are resumed instead of booted.
  returned: success
  type: dict
  contains:
    path:
      description: The folder that holds them.
      returned: success
      type: str
      sample: /root/.cache/offline-guest/warm
    refused:
      description: Why none of them is used, such as a folder that others may write to. Null if they are.
      returned: success
      type: str
      sample: null
    appliances:
      description: Each of them, the most recently used first.
      returned: success
      type: list
      elements: dict
      contains:
        name:
          description: A digest of all that it depends on.
          returned: success
          type: str
          sample: ffa302f625fce7181a384c621571acf4f734ee6e
        size_mb:
          description: The space that it takes, in MiB.
          returned: success
          type: int
          sample: 580
        last_used:
          description: When it was last resumed.
          returned: success
          type: str
          sample: "2026-11-22T17:00:00Z"
memory_mb:
  description: The memory that is available for an appliance, in MiB. Null if it cannot be known.
  returned: success
  type: int
  sample: 20480
os:
  description: The host's own operating system.
  returned: success
  type: dict
  contains:
    family:
      description: One of V(debian), V(redhat), V(suse), V(arch), V(alpine), V(unknown). Remedies depend on it.
      returned: success
      type: str
      sample: debian
    name:
      description: What it calls itself.
      returned: success
      type: str
      sample: Debian GNU/Linux 12 (bookworm)
    arch:
      description: Its machine.
      returned: success
      type: str
      sample: x86_64
"""

import typing as t

from ..module_utils._ansible_module import run_host_module
from ..module_utils._guest._host_info import handle


def main() -> t.NoReturn:
    run_host_module(
        argument_spec={"warm": {"type": "str", "choices": ["built", "absent"]}},
        handler=handle,
    )


if __name__ == "__main__":
    main()
