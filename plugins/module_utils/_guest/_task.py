# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""What a task handler is given, and what it returns."""

from __future__ import annotations

import dataclasses
import typing as t

if t.TYPE_CHECKING:
    from ._guest import Guest


@dataclasses.dataclass(frozen=True)
class Task:
    """One task against one guest.

    :param params: the module's own options, checked against its argument spec.
    :param guest: the guest, its file systems mounted.
    :param check: plan but do not apply. False in an ordinary check run, whose overlay is thrown away.
    :param warn: shows a warning to the user.
    """

    params: t.Mapping[str, t.Any]
    guest: Guest
    check: bool
    warn: t.Callable[[str], None]


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What a task did, or would do.

    :param changed: whether the guest differs from what it was before.
    :param result: the module's return values, the same whether changed or not.
    :param diff: Ansible's difference structure, shown under ``--diff``.
    :param summary: one line for the session's list of changes.
    """

    changed: bool
    result: t.Mapping[str, t.Any] = dataclasses.field(default_factory=dict)
    diff: t.Mapping[str, t.Any] | t.Sequence[t.Mapping[str, t.Any]] | None = None
    summary: str = ""
