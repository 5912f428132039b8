#!/usr/bin/python

# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cron
short_description: Manage jobs and variables in the crontabs of a guest
version_added: 0.1.0
description:
  - Sets and removes a job, or an environment variable, in the crontab of a user of the guest or in a file of
    C(/etc/cron.d).
  - What is written is what M(ansible.builtin.cron) writes. A job is found by the line C(#Ansible), a colon and its
    name above it.
  - The crontab of a user is where the guest's own cron keeps it, with the owner, group and mode that the guest's
    C(crontab) program gives it. Debian's cron, cronie (Fedora, RHEL, SUSE, Arch Linux) and busybox (Alpine Linux) are
    known.
extends_documentation_fragment:
  - offline.guest.attributes
  - offline.guest.image
  - offline.guest.appliance
options:
  name:
    description:
      - The name of the job or, with O(env), of the variable.
    type: str
    required: true
  user:
    description:
      - The user of the B(guest) whose crontab it is, or, with O(cron_file), who runs the job.
      - If not set, it is V(root). M(ansible.builtin.cron) takes the user that it runs as.
    type: str
  job:
    description:
      - The command or, with O(env), the value of the variable.
      - Required with O(state=present).
    type: str
    aliases: [value]
  state:
    description:
      - Whether the job or variable is to be there.
    type: str
    choices: [absent, present]
    default: present
  cron_file:
    description:
      - A file to use instead of the crontab of a user. If it is not an absolute path, it is in C(/etc/cron.d).
      - It is removed when nothing is left in it. C(/etc/crontab) is refused.
      - Required together with O(user) unless O(state=absent).
    type: str
  backup:
    description:
      - Whether to keep the crontab as it was in C(/var/backups) of the guest, if it changes. M(ansible.builtin.cron)
        keeps it in the temporary directory.
    type: bool
    default: false
  minute:
    description: The minute, such as V(0), V(*/5) or V(0,30). Excludes O(special_time).
    type: str
    default: '*'
  hour:
    description: The hour, such as V(4). Excludes O(special_time).
    type: str
    default: '*'
  day:
    description: The day of the month. Excludes O(special_time).
    type: str
    default: '*'
    aliases: [dom]
  month:
    description: The month. Excludes O(special_time).
    type: str
    default: '*'
  weekday:
    description: The day of the week. Excludes O(special_time).
    type: str
    default: '*'
    aliases: [dow]
  special_time:
    description: A time by its name, which not every busybox knows. Excludes the five options of the time.
    type: str
    choices: [annually, daily, hourly, monthly, reboot, weekly, yearly]
  disabled:
    description: Whether the job is commented out. Has no effect with O(state=absent).
    type: bool
    default: false
  env:
    description:
      - Whether this is about a variable. A new one goes to the top of the crontab.
    type: bool
    default: false
  insertafter:
    description: A new variable goes after this one. Needs O(env).
    type: str
  insertbefore:
    description: A new variable goes before this one. Needs O(env).
    type: str
notes:
  - Above a new crontab on Debian and Ubuntu three lines of comment are written, as C(crontab) does, because
    C(crontab -l) passes over comments at the top. The time in them is that of the environment variable
    C(SOURCE_DATE_EPOCH), or the beginning of 1970, so that the same image can be made again.
  - Whether the guest has a cron that is enabled is not looked at, except that there must be a place for the crontab.
seealso:
  - module: ansible.builtin.cron
author:
  - offline.guest contributors (@offline-guest)
"""

EXAMPLES = r"""
- name: Run a backup every night
  offline.guest.cron:
    image: /srv/images/web.qcow2
    format: qcow2
    name: nightly backup
    minute: '15'
    hour: '3'
    job: /usr/local/bin/backup

- name: The same as a file of its own
  offline.guest.cron:
    image: /srv/images/web.qcow2
    format: qcow2
    name: nightly backup
    cron_file: backup
    user: root
    special_time: daily
    job: /usr/local/bin/backup

- name: Send no mail for the jobs of a user
  offline.guest.cron:
    image: /srv/images/web.qcow2
    format: qcow2
    name: MAILTO
    env: true
    value: ''
    user: deploy
"""

RETURN = r"""
jobs:
  description: The names of the jobs that are there afterwards.
  returned: success
  type: list
  elements: str
  sample: [nightly backup]
envs:
  description: The names of the variables that are there afterwards.
  returned: success
  type: list
  elements: str
  sample: [MAILTO]
path:
  description: The file of the crontab in the guest.
  returned: success
  type: str
  sample: /var/spool/cron/crontabs/root
cron_file:
  description: The option O(cron_file).
  returned: if it was given
  type: str
  sample: backup
state:
  description: The option O(state).
  returned: success
  type: str
  sample: present
backup_file:
  description: The path of the backup in the guest.
  returned: if one was made
  type: str
  sample: /var/backups/crontab-root.0a1b2c3d.2026-01-31@12:00:00~
"""

from typing import NoReturn

from ..module_utils._ansible_module import run_guest_module
from ..module_utils._guest._cron import handle


def main() -> NoReturn:
    """Run the module."""
    run_guest_module(
        argument_spec={
            "name": {"type": "str", "required": True},
            "user": {"type": "str"},
            "job": {"type": "str", "aliases": ["value"]},
            "state": {"type": "str", "choices": ["absent", "present"], "default": "present"},
            "cron_file": {"type": "str"},
            "backup": {"type": "bool", "default": False},
            "minute": {"type": "str", "default": "*"},
            "hour": {"type": "str", "default": "*"},
            "day": {"type": "str", "default": "*", "aliases": ["dom"]},
            "month": {"type": "str", "default": "*"},
            "weekday": {"type": "str", "default": "*", "aliases": ["dow"]},
            "special_time": {
                "type": "str",
                "choices": ["annually", "daily", "hourly", "monthly", "reboot", "weekly", "yearly"],
            },
            "disabled": {"type": "bool", "default": False},
            "env": {"type": "bool", "default": False},
            "insertafter": {"type": "str"},
            "insertbefore": {"type": "str"},
        },
        handler=handle,
        writes=True,
        mutually_exclusive=[["insertafter", "insertbefore"]],
    )


if __name__ == "__main__":
    main()
