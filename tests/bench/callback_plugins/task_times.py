# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A callback that writes each task's name and seconds as one line of JSON to the file $OFFLINE_GUEST_TIMES."""

from __future__ import annotations

import json
import os
import time
import typing as t

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: task_times
type: notification
short_description: Write how long every task took as a line of JSON
description:
  - For the benchmarks of offline.guest only.
requirements:
  - the environment variable E(OFFLINE_GUEST_TIMES) names a file
"""


class CallbackModule(CallbackBase):
    """Writes; shows nothing."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "task_times"
    CALLBACK_NEEDS_ENABLED = True

    _began = 0.0

    def v2_playbook_on_task_start(self, task: t.Any, is_conditional: bool) -> None:
        self._began = time.monotonic()

    def v2_runner_on_ok(self, result: t.Any) -> None:
        line = {"name": result._task.get_name(), "seconds": time.monotonic() - self._began}
        with open(os.environ["OFFLINE_GUEST_TIMES"], "a", encoding="utf-8") as stream:
            stream.write(json.dumps(line) + "\n")
