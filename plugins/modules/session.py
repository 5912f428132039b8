#!/usr/bin/python

# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: session
short_description: Open, commit or discard a session on a disk image
version_added: 0.1.0
description:
  - Opens a session on a disk image, so that the tasks that follow share one appliance and are committed or discarded as
    one.
  - Later tasks find the open session by the image that they name. Nothing else ties them together.
  - All changes go to a throwaway layer over the image. O(state=committed) writes them into the image, all or nothing,
    and only if a task changed something.
  - A session that nobody uses for O(idle_timeout) seconds discards itself. The image is then as it was.
extends_documentation_fragment:
  - offline.guest.attributes
  - offline.guest.image
  - offline.guest.appliance
attributes:
  check_mode:
    details:
      - In check mode the whole session is a throwaway. Its tasks do their work, so that each sees what those before it
        would have done, and O(state=committed) reports what would have changed.
  diff_mode:
    support: none
    details:
      - The tasks of the session show their own differences.
options:
  state:
    description:
      - V(open) opens a session, or leaves it as it is if one is open.
      - V(committed) ends the open session and writes what its tasks changed into the image. It fails if there is no
        open session, or if a task of it ended in the middle of its changes.
      - V(discarded) ends the open session, if there is one, and throws its changes away.
    type: str
    choices: [open, committed, discarded]
    required: true
  idle_timeout:
    description:
      - After how many seconds without a task an open session discards itself.
      - Used with O(state=open).
    type: int
    default: 600
notes:
  - O(state=open) never reports a change, because the image stays as it was until the commit.
  - The session belongs to the user who opened it, on the host where it was opened.
author:
  - offline.guest contributors (@offline-guest)
"""

EXAMPLES = r"""
- name: Change an image in one session
  module_defaults:
    group/offline.guest.image:
      image: /srv/images/web.qcow2
      format: qcow2
  block:
    - name: Open the session
      offline.guest.session:
        state: open

    - name: Forbid root to log in
      offline.guest.edit:
        path: /etc/ssh/sshd_config
        edits:
          - regexp: '^#?PermitRootLogin'
            line: PermitRootLogin no

    - name: Write all changes into the image
      offline.guest.session:
        state: committed
  rescue:
    - name: Leave the image as it was
      offline.guest.session:
        state: discarded
"""

RETURN = r"""
state:
  description:
    - The state of the session now.
    - V(open) after O(state=committed) in a check task of a session that was not opened in check mode.
  returned: success
  type: str
  sample: committed
changes:
  description: What the tasks of the session changed so far, in their order.
  returned: success
  type: list
  elements: dict
  contains:
    task:
      description: The module that made the change.
      returned: success
      type: str
      sample: offline.guest.edit
    summary:
      description: The change in one line.
      returned: success
      type: str
      sample: Edited /etc/ssh/sshd_config.
accelerator:
  description: V(kvm) or V(tcg), or nothing if no session was open.
  returned: success
  type: str
  sample: kvm
start:
  description:
    - How the appliance was started. V(warm) is resumed from a saved one, V(cold) is booted.
    - Nothing if no session was open.
  returned: success
  type: str
  sample: warm
"""

import typing as t

from ..module_utils._ansible_module import run_session_module
from ..module_utils._guest._session import handle


def main() -> t.NoReturn:
    run_session_module(
        argument_spec={
            "state": {"type": "str", "choices": ["open", "committed", "discarded"], "required": True},
            "idle_timeout": {"type": "int", "default": 600},
        },
        handler=handle,
    )


if __name__ == "__main__":
    main()
