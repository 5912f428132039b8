# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""The shapes of the documents that come over the socket or from a lock file, checked with voluptuous.

voluptuous is not part of the standard library: where it is missing, every use fails with :data:`MISSING`, which
``_ansible_module.py`` reports before anything else is done.
"""

from __future__ import annotations

import traceback
import typing as t

MISSING: str | None = None
try:
    import voluptuous as vol
except ImportError:
    MISSING = traceback.format_exc()
    HOLDER = STATUS = LAUNCHED = RESPONSE = None
else:
    _CHANGE = {vol.Required("task"): str, vol.Required("summary"): str}

    HOLDER = vol.Schema(
        {
            vol.Required("pid"): vol.All(int, vol.Range(min=1)),
            vol.Required("user"): str,
            vol.Required("host"): str,
            vol.Required("purpose"): str,
            vol.Required("directory"): str,
            vol.Required("joinable"): bool,
        }
    )

    STATUS = vol.Schema(
        {
            vol.Required("protocol"): int,
            vol.Required("pid"): vol.All(int, vol.Range(min=1)),
            vol.Required("state"): vol.In(["CONFIG", "LAUNCHING", "READY", "BUSY", "CLOSED"]),
            vol.Required("accelerator"): str,
            vol.Required("start"): vol.In(["", "warm", "cold"]),
            vol.Required("detached"): bool,
            vol.Required("changes"): [_CHANGE],
            vol.Required("broken"): str,
            vol.Required("notes"): {str: object},
            vol.Required("info"): {str: object},
        }
    )

    LAUNCHED = vol.Schema(
        {
            vol.Required("accelerator"): vol.In(["kvm", "tcg"]),
            vol.Required("start"): vol.In(["warm", "cold"]),
            vol.Required("warnings"): [str],
        }
    )

    # vol.Any by itself would compile what it is made of for each document anew.
    RESPONSE = vol.Schema(
        vol.Any(
            {vol.Required("jsonrpc"): "2.0", vol.Required("id"): int, vol.Required("result"): object},
            {
                vol.Required("jsonrpc"): "2.0",
                vol.Required("id"): vol.Any(int, None),
                vol.Required("error"): {
                    vol.Required("code"): int,
                    vol.Required("message"): str,
                    vol.Required("data"): vol.Schema({vol.Required("kind"): str}, extra=vol.ALLOW_EXTRA),
                },
            },
            {vol.Required("jsonrpc"): "2.0", vol.Required("method"): "hello", vol.Required("params"): STATUS},
        )
    )


def check_document(schema: t.Any, document: t.Any) -> t.Any:
    """Return ``document`` as ``schema`` has checked it.

    :raises ValueError: it does not have that shape; the message names the place.
    """
    try:
        return schema(document)
    except vol.Invalid as exc:
        raise ValueError(str(exc)) from exc
