# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""The option ``backup``: where a file is kept as it was."""

from __future__ import annotations

import hashlib
import os
import time

from ._paths import GuestPath


def backup_path(path: GuestPath, content: bytes) -> GuestPath:
    """Return ``NAME.ID.YYYY-MM-DD@HH:MM:SS~``, Ansible's form.

    Where Ansible has the process id, this has a digest of the content, and the time is that of SOURCE_DATE_EPOCH where
    it is set, in UTC: so the same image can be made again.
    """
    moment = os.environ.get("SOURCE_DATE_EPOCH", "")
    stamp = time.strftime("%Y-%m-%d@%H:%M:%S", time.gmtime(int(moment) if moment.isdecimal() else None))
    return path.parent.joined(f"{path.name}.{hashlib.sha256(content).hexdigest()[:8]}.{stamp}~")
