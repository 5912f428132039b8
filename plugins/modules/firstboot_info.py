#!/usr/bin/python

# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: firstboot_info
short_description: Read from a stopped disk which firstboot scripts ran and how they ended
version_added: 0.1.0
description:
  - Lists the scripts that M(offline.guest.firstboot) installed, and what the guest recorded of them when it booted,
    with their exit status, times and logs.
extends_documentation_fragment:
  - offline.guest.attributes.read_only
  - offline.guest.image
  - offline.guest.appliance
options:
  name:
    description:
      - Describe only this script.
      - If not set, all scripts are described.
    type: str
  max_log:
    description:
      - How many bytes to return of the end of each log, at most 4 MiB.
      - The guest itself keeps about the first MiB of what a script says.
    type: int
    default: 65536
seealso:
  - module: offline.guest.firstboot
author:
  - offline.guest contributors (@offline-guest)
"""

EXAMPLES = r"""
- name: Read what ran
  offline.guest.firstboot_info:
    image: /srv/images/web.qcow2
    format: qcow2
  register: firstboot

- name: Insist that all went well
  ansible.builtin.assert:
    that: firstboot.scripts | rejectattr('state', 'equalto', 'done') | length == 0
"""

RETURN = r"""
runner_installed:
  description: Whether the program that runs the scripts is in the guest.
  returned: success
  type: bool
  sample: true
enabled:
  description: Whether the guest's init system will start it at the next boot. It disables itself when nothing is left.
  returned: success
  type: bool
  sample: false
init_system:
  description: The guest's init system if it can start the runner, V(systemd), V(openrc) or V(sysvinit), or nothing.
  returned: success
  type: str
  sample: systemd
to_run:
  description: The names of the scripts that the next boot will run, in their order.
  returned: success
  type: list
  elements: str
  sample: []
scripts:
  description: The scripts in the order in which they run.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The script's name.
      returned: success
      type: str
      sample: 10-agent
    path:
      description: The script in the guest.
      returned: success
      type: str
      sample: /var/lib/offline-guest/firstboot/scripts/10-agent/script
    state:
      description:
        - V(pending) if it was not started yet.
        - V(blocked) if it was not, and will not be, because one before it failed that has
          O(offline.guest.firstboot#module:on_failure=stop).
        - V(done) if it ended with exit status 0, V(failed) if with another, V(timeout) if it took too long.
        - V(interrupted) if the guest stopped while it ran.
      returned: success
      type: str
      sample: done
    will_run:
      description: Whether the next boot will run it, for the first time or, with attempts left, again.
      returned: success
      type: bool
      sample: false
    exit_status:
      description: The exit status of the last attempt, 128 and the signal's number if a signal ended it, or nothing.
      returned: success
      type: int
      sample: 0
    attempts:
      description: How often it was started.
      returned: success
      type: int
      sample: 1
    started:
      description: When the first attempt began by the guest's clock, in UTC, or nothing.
      returned: success
      type: str
      sample: "2026-01-31T09:15:02Z"
    ended:
      description: When the last attempt ended by the guest's clock, in UTC, or nothing.
      returned: success
      type: str
      sample: "2026-01-31T09:15:40Z"
    log:
      description:
        - The end of what it wrote to its standard output and error.
        - Control characters are shown as escapes, and bytes that are no UTF-8 as U+FFFD.
      returned: success
      type: str
      sample: "Setting up qemu-guest-agent ..."
    log_truncated:
      description: Whether RV(scripts[].log) lacks something of the log in the guest.
      returned: success
      type: bool
      sample: false
    options:
      description: How it is run.
      returned: success
      type: dict
      contains:
        timeout:
          description: Seconds that one attempt may take, V(0) for no limit.
          returned: success
          type: int
          sample: 3600
        on_failure:
          description: V(continue) or V(stop).
          returned: success
          type: str
          sample: continue
        retries:
          description: How often it is tried again.
          returned: success
          type: int
          sample: 0
        retry_delay:
          description: Seconds between two attempts.
          returned: success
          type: int
          sample: 5
        reboot:
          description: Whether the guest reboots after it.
          returned: success
          type: bool
          sample: false
        wants_network:
          description: Whether it waits for the network.
          returned: success
          type: bool
          sample: true
        user:
          description: Who runs it.
          returned: success
          type: str
          sample: root
"""

import typing as t

from ..module_utils._ansible_module import run_guest_module
from ..module_utils._guest._firstboot_report import handle


def main() -> t.NoReturn:
    run_guest_module(
        argument_spec={"name": {"type": "str"}, "max_log": {"type": "int", "default": 65536}},
        handler=handle,
        writes=False,
    )


if __name__ == "__main__":
    main()
