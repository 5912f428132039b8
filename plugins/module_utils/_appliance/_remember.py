# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""Answers that need not be asked for twice.

A task asks several times what an entry is: on the way to it, before it is read, before it is written. Each question
costs a millisecond or two. Nobody else changes the guest while a task runs, so an answer holds until this task makes a
call that is not known to change nothing.
"""

from __future__ import annotations

import typing as t

from .._errors import CallError
from ._calls import Rpc

_REMEMBERED = frozenset({"lstatns", "readlink"})
_CHANGE_NOTHING = _REMEMBERED | {
    *("checksum", "download", "exists", "get_e2attrs", "get_e2generation", "lgetxattrs", "lstatnslist", "mountpoints"),
    *("pread", "pread_device", "readdir", "statvfs", "vfs_type"),
}
_LIMIT = 4096  # answers


class RememberingRpc:
    """An :class:`Rpc` that asks another one, once."""

    def __init__(self, rpc: Rpc) -> None:
        self._rpc = rpc
        self._answers: dict[tuple[t.Any, ...], t.Any] = {}

    def call(self, name: str, *args: t.Any, **kwargs: t.Any) -> t.Any:
        """See :meth:`Rpc.call`."""
        if name not in _CHANGE_NOTHING:
            self._answers.clear()
        if name not in _REMEMBERED:
            return self._rpc.call(name, *args, **kwargs)
        key = (name, *args)
        if key not in self._answers:
            if len(self._answers) >= _LIMIT:
                self._answers.clear()
            self._answers[key] = self._asked(name, args)
        answer = self._answers[key]
        if isinstance(answer, CallError):
            raise answer
        return answer

    def _asked(self, name: str, args: t.Sequence[t.Any]) -> t.Any:
        try:
            return self._rpc.call(name, *args)
        except CallError as exc:
            return exc
