#!/usr/bin/python

# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: firstboot
short_description: Install a script that the guest runs once, when it boots next
version_added: 0.1.0
description:
  - No program of the guest is ever run while its image is changed. What must run in the guest is installed as a script
    that the guest itself runs, once, when it boots.
  - Scripts run one after the other, as root if not told otherwise, in the order of their names (byte order, so V(10-a)
    is before V(9-a)), whichever task added them, and after the boot has reached its usual target and cloud-init has
    ended.
  - A script that was started is never started again, not even if it hung the machine or the power was cut, unless
    O(retries) are left. M(offline.guest.firstboot_info) tells what became of each.
  - Guests with systemd, OpenRC or SysV init are supported. Nothing is needed in the guest but its POSIX shell and the
    usual small programs. When nothing is left to run, what starts the scripts removes itself.
extends_documentation_fragment:
  - offline.guest.attributes
  - offline.guest.image
  - offline.guest.appliance
options:
  name:
    description:
      - The script's name. It is the identity of the script, and scripts run in the order of their names.
      - At most 200 letters, digits, dots, underscores and hyphens, of which the first is a letter or digit.
    type: str
    required: true
  state:
    description:
      - V(present) installs the script, or changes it.
      - A script that has run already does not run again while all its options stay as they were. If one of them
        changes, what is recorded of it is removed and it runs at the next boot.
      - V(absent) removes the script and what is recorded of it. With the last script everything else goes too.
    type: str
    choices: [present, absent]
    default: present
  content:
    description:
      - The script itself.
      - Exactly one of O(content), O(src), O(commands) and O(packages) is needed with O(state=present).
    type: str
  src:
    description:
      - A file on the controller that holds the script. It is looked for as M(ansible.builtin.copy) does, and may be
        encrypted with Ansible Vault.
      - It may hold any bytes.
    type: path
  commands:
    description:
      - Commands to run one after the other, each in a shell of its own. The first that fails ends the script with its
        exit status.
      - What a command changes in its shell, such as the directory or a variable, is not there for the next one.
    type: list
    elements: str
  packages:
    description:
      - Packages to install with the guest's own package manager (apt, dnf, yum, zypper, pacman or apk), after its lists
        were updated, asking nothing. On Arch Linux all packages are updated, because there is no partial update.
      - Names are given as the package manager understands them, so a version or a group can be asked for.
      - On an ostree system C(rpm-ostree) installs them, so O(reboot) is needed before they are there.
    type: list
    elements: str
  interpreter:
    description:
      - The program that runs the script, an absolute path, with arguments if need be.
      - If not set, the first line of the script decides if it begins with C(#!), and otherwise C(/bin/sh) runs it.
      - With O(commands), the program that runs each of them, with C(-c).
      - The interpreter is started and given the script, so file systems mounted C(noexec) and SELinux are no obstacle.
    type: str
  env:
    description:
      - Environment variables for the script.
      - Values are text. Put V(true), V(yes), V(null) and the like in quotes.
      - In the guest only root can read them. In the output of C(--diff) they are shown, as O(content) is, so use
        C(no_log) for the task if they are secret.
    type: dict
  user:
    description:
      - The user of the guest who runs the script. The user may be made by a script before this one.
    type: str
    default: root
  timeout:
    description:
      - How many seconds one attempt may take before it is ended, with all processes that it has started.
      - V(0) sets no limit, so that a script that hangs keeps those after it from running.
    type: int
    default: 3600
  on_failure:
    description:
      - What happens to the scripts after this one if it fails, takes too long, or is interrupted.
      - V(stop) keeps them from running, at later boots too, until this script has changed and succeeded, or is absent.
    type: str
    choices: [continue, stop]
    default: continue
  retries:
    description:
      - How often to try again after a failure, at most 100.
      - An attempt that was interrupted, by a power cut for example, counts. With attempts left it is repeated at the
        next boot.
    type: int
    default: 0
  retry_delay:
    description: Seconds between two attempts.
    type: int
    default: 5
  reboot:
    description:
      - Reboot the guest once the script has succeeded, and then go on with the scripts after it.
    type: bool
    default: false
  wants_network:
    description:
      - Start after the network is online, as far as the guest's init system knows, and wait up to a minute for a
        default route. The script is then run in any case.
      - The default is V(true) with O(packages) and V(false) otherwise.
    type: bool
notes:
  - Everything is below C(/var/lib/offline-guest/firstboot), readable by root only. What starts it is
    C(offline-guest-firstboot.service) under systemd and C(/etc/init.d/offline-guest-firstboot) elsewhere.
  - A script that reboots or shuts down the guest by itself is recorded as it ended. The scripts after it run at the
    next boot. Use O(reboot) instead where possible.
  - A unit that was masked in the guest is unmasked when a script is added.
seealso:
  - module: offline.guest.firstboot_info
    description: Read from the stopped disk what ran, and how it ended.
author:
  - offline.guest contributors (@offline-guest)
"""

EXAMPLES = r"""
- name: Install the agent at the first boot
  offline.guest.firstboot:
    image: /srv/images/web.qcow2
    format: qcow2
    name: 10-agent
    packages: [qemu-guest-agent]
    retries: 3

- name: Run a script of the playbook as an ordinary user
  offline.guest.firstboot:
    image: /srv/images/web.qcow2
    format: qcow2
    name: 20-application
    src: setup-application.py
    user: app
    env:
      APP_ROLE: web
    timeout: 600
    on_failure: stop

- name: Run some commands, reboot, and go on
  offline.guest.firstboot:
    image: /srv/images/web.qcow2
    format: qcow2
    name: 30-grow
    commands:
      - growpart /dev/vda 2
      - resize2fs /dev/vda2
    reboot: true

- name: Take a script out again
  offline.guest.firstboot:
    image: /srv/images/web.qcow2
    format: qcow2
    name: 10-agent
    state: absent
"""

RETURN = r"""
name:
  description: The script's name.
  returned: success
  type: str
  sample: 10-agent
path:
  description: The script in the guest, or nothing if it is absent.
  returned: success
  type: str
  sample: /var/lib/offline-guest/firstboot/scripts/10-agent/script
files:
  description: The script and the two files that say how to run it.
  returned: success
  type: list
  elements: str
  sample:
    - /var/lib/offline-guest/firstboot/scripts/10-agent/script
    - /var/lib/offline-guest/firstboot/scripts/10-agent/launch
    - /var/lib/offline-guest/firstboot/scripts/10-agent/options
script_state:
  description:
    - V(absent), V(pending), or V(blocked) if one before it failed that has O(on_failure=stop).
    - Of a script that ran at an earlier boot, how it ended, V(done), V(failed), V(timeout) or V(interrupted).
  returned: success
  type: str
  sample: pending
to_run:
  description: The names of all scripts that the next boot will run, in their order.
  returned: success
  type: list
  elements: str
  sample: [10-agent, 20-application]
enabled_by:
  description:
    - The init system that will start the scripts, V(systemd), V(openrc) or V(sysvinit), or nothing if none is to run.
  returned: success
  type: str
  sample: systemd
msg:
  description: What will become of the script.
  returned: success
  type: str
  sample: The firstboot script 10-agent runs at the next boot.
"""

import typing as t

from ..module_utils._ansible_module import run_guest_module
from ..module_utils._guest._firstboot import handle


def main() -> t.NoReturn:
    run_guest_module(
        argument_spec={
            "name": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "content": {"type": "str"},
            "src": {"type": "path"},
            "commands": {"type": "list", "elements": "str"},
            "packages": {"type": "list", "elements": "str"},
            "interpreter": {"type": "str"},
            "env": {"type": "dict"},
            "user": {"type": "str", "default": "root"},
            "timeout": {"type": "int", "default": 3600},
            "on_failure": {"type": "str", "choices": ["continue", "stop"], "default": "continue"},
            "retries": {"type": "int", "default": 0},
            "retry_delay": {"type": "int", "default": 5},
            "reboot": {"type": "bool", "default": False},
            "wants_network": {"type": "bool"},
        },
        handler=handle,
        writes=True,
        mutually_exclusive=[["content", "src", "commands", "packages"]],
        required_if=[["state", "present", ["content", "src", "commands", "packages"], True]],
    )


if __name__ == "__main__":
    main()
