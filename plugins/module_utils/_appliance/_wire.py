# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""What both ends of the socket between a module and its server have to agree on.

Standard library only: the server imports this file, outside of Ansible.
"""

from __future__ import annotations

import base64
import socket
import struct
import typing as t

PROTOCOL = 2
MAX_LINE = 8 * 1024 * 1024  # libguestfs's own messages end at 4 MB, which base64 makes 5.6
RESUME_LIMIT = 90  # seconds: longer than a resumed machine is waited for by whoever wakes it up


def encode(value: t.Any) -> t.Any:
    """Return ``value`` as JSON can carry it: ``bytes`` become ``{"$bytes": base64}``."""
    if isinstance(value, bytes):
        return {"$bytes": base64.b64encode(value).decode("ascii")}
    if isinstance(value, dict):
        return {str(key): encode(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [encode(item) for item in value]
    return value


def decode(value: t.Any) -> t.Any:
    """Undo :func:`encode`."""
    if isinstance(value, dict):
        if set(value) == {"$bytes"}:
            return base64.b64decode(value["$bytes"])
        return {key: decode(item) for key, item in value.items()}
    if isinstance(value, list):
        return [decode(item) for item in value]
    return value


def peer_uid(connection: socket.socket) -> int:
    """Return the uid of the process at the other end (SO_PEERCRED, unix(7))."""
    size = struct.calcsize("3i")
    _pid, uid, _gid = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))
    return int(uid)
