# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""Writing the account databases: the locks of the shadow suite, the files, and the day that a password is of."""

from __future__ import annotations

import os
import re
import time
import typing as t

from .._errors import GuestError
from ._account_tables import Databases, Table
from ._files import GuestFiles

_DAY = 86400


def today() -> int:
    """Return the days since 1970: of SOURCE_DATE_EPOCH where it is set, so that the same image can be made again."""
    moment = os.environ.get("SOURCE_DATE_EPOCH", "")
    return int(moment if moment.isdecimal() else time.time()) // _DAY


def check_locks(files: GuestFiles, tables: t.Iterable[Table], warn: t.Callable[[str], None]) -> None:
    """Look for the lock files beside what is to be written.

    The shadow suite locks NAME by a file NAME.lock that holds the number of a process (lib/commonio.c). Where that
    process is gone, its tools take the lock over. No process of a stopped guest lives, so a lock with a number is
    nobody's, and stays for the guest's tools to take over. A lock without one is refused, as the tools do for ever.
    /etc/.pwd.lock of lckpwdf(3) says nothing by being there: it is the open file that is locked.

    :raises GuestError: somebody made a lock that holds no number.
    """
    for table in tables:
        path = f"{table.path}.lock"
        found = files.lstat(path)
        if found is None:
            continue
        content = files.read(path, max_size=64) if found.kind == "file" and found.size <= 64 else b""
        if not re.match(rb"[0-9]{1,10}\0*\s*\Z", content):
            raise GuestError(
                f"{table.path} of the guest is locked: {path} is there, without the number of a process in it.",
                hint="Remove that file if nobody means it to be there.",
            )
        warn(f"{path} in the guest was left by a tool that died there; {table.path} is written all the same.")


def write_tables(files: GuestFiles, before: Databases, after: Databases) -> None:
    """Write each file whose bytes differ, once. It keeps its mode, owner and label."""
    for table in after.changed_since(before):
        files.write(table.path, table.format())
