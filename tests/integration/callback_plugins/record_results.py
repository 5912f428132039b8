# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A callback that writes each task's whole result as one line of JSON to the file $OFFLINE_GUEST_RESULTS."""

from __future__ import annotations

import json
import os
import typing as t

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: record_results
type: notification
short_description: Write every result as a line of JSON
description:
  - For the integration tests of offline.guest only.
requirements:
  - the environment variable E(OFFLINE_GUEST_RESULTS) names a file
"""


def _plain(value: t.Any) -> t.Any:
    """Return what JSON cannot carry as text; warnings are objects since ansible-core 2.19."""
    event = getattr(value, "event", None)
    return str(getattr(event, "msg", value))


class CallbackModule(CallbackBase):
    """Writes; shows nothing."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "record_results"
    CALLBACK_NEEDS_ENABLED = True

    def _write(self, status: str, result: t.Any) -> None:
        task = result._task
        line = {
            "name": task.get_name(),
            "action": task.action,
            "check": bool(task.check_mode),
            "status": status,
            "result": result._result,
        }
        with open(os.environ["OFFLINE_GUEST_RESULTS"], "a", encoding="utf-8") as stream:
            stream.write(json.dumps(line, default=_plain) + "\n")

    def v2_runner_on_ok(self, result: t.Any) -> None:
        self._write("ok", result)

    def v2_runner_on_failed(self, result: t.Any, ignore_errors: bool = False) -> None:
        self._write("ignored" if ignore_errors else "failed", result)

    def v2_runner_on_skipped(self, result: t.Any) -> None:
        self._write("skipped", result)

    def v2_runner_on_unreachable(self, result: t.Any) -> None:
        self._write("unreachable", result)
