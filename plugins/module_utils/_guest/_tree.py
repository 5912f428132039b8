# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""Trees of directories in a guest, however deep: walked without recursion, links never followed, within bounds."""

from __future__ import annotations

import typing as t

from .._errors import GuestError, printable
from ._files import FileStat, GuestFiles
from ._paths import GuestPath

#: Entries of a tree that are looked at; a task that meets more is refused rather than run out of memory.
MAX_ENTRIES = 200_000


def walk(files: GuestFiles, top: GuestPath) -> t.Iterator[tuple[GuestPath, FileStat]]:
    """Yield all that is below the directory ``top``, a directory before what is in it.

    :raises GuestError: there is too much of it.
    """
    waiting = [top]
    seen = 0
    while waiting:
        folder = waiting.pop()
        below = []
        for name, found in files.list_stats(folder).items():
            if found is None:
                continue
            seen += 1
            if seen > MAX_ENTRIES:
                raise GuestError(f"'{printable(top)}' in the guest has more than {MAX_ENTRIES} entries below it.")
            yield folder.joined(name), found
            if found.kind == "directory":
                below.append(folder.joined(name))
        waiting += reversed(below)
