#!/usr/bin/python

# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: timezone
short_description: Set the time zone of a guest
version_added: 0.1.0
description:
  - Sets the time zone of a guest, and whether its hardware clock is in UTC. No program of the guest is run.
  - C(/etc/localtime) becomes a link to the zone's file. In guests without systemd, where it is a copy of a zone's file,
    it stays a copy. C(/etc/timezone) and C(/etc/sysconfig/clock) get the name if the guest has these files, and in
    families that need them.
extends_documentation_fragment:
  - offline.guest.attributes
  - offline.guest.image
  - offline.guest.appliance
options:
  name:
    description:
      - The name of the time zone, such as V(Europe/Berlin).
      - The guest must have its file in C(/usr/share/zoneinfo).
      - If not set, the zone stays as it is. At least one of O(name) and O(hwclock) is needed.
    type: str
  hwclock:
    description:
      - Whether the hardware clock is in UTC or in local time.
      - That is written to the third line of C(/etc/adjtime), and to the settings of init scripts where the guest has
        them.
      - If not set, it stays as it is.
    type: str
    aliases: [rtc]
    choices: [local, UTC]
notes:
  - Programs that run in the guest at the first boot see the zone from the start, so nothing has to be restarted.
seealso:
  - module: community.general.timezone
author:
  - offline.guest contributors (@offline-guest)
"""

EXAMPLES = r"""
- name: Set the time zone
  offline.guest.timezone:
    image: /srv/images/web.qcow2
    format: qcow2
    name: Europe/Berlin

- name: Say that the hardware clock is in UTC
  offline.guest.timezone:
    image: /srv/images/web.qcow2
    format: qcow2
    hwclock: UTC
"""

RETURN = r"""
name:
  description: The name of the guest's time zone, empty if its name is not known.
  returned: success
  type: str
  sample: Europe/Berlin
hwclock:
  description: Whether the hardware clock is in V(UTC) or in V(local) time.
  returned: success
  type: str
  sample: UTC
files:
  description: The paths of the files and links in the guest that are changed.
  returned: success
  type: list
  elements: str
  sample: [/etc/localtime, /etc/timezone]
msg:
  description: What the zone is.
  returned: success
  type: str
  sample: The guest's time zone is Europe/Berlin.
"""

from typing import NoReturn

from ..module_utils._ansible_module import run_guest_module
from ..module_utils._guest._timezone import handle


def main() -> NoReturn:
    """Run the module."""
    run_guest_module(
        argument_spec={
            "name": {"type": "str"},
            "hwclock": {"type": "str", "choices": ["local", "UTC"], "aliases": ["rtc"]},
        },
        handler=handle,
        writes=True,
        required_one_of=[["name", "hwclock"]],
    )


if __name__ == "__main__":
    main()
