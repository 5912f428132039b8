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
class Disk:
    """The disk under the guest.

    :param image_size: the virtual size before this task, in bytes: the image's, or what earlier tasks of the session
        made of it. The appliance may see a disk that is larger already.
    :param image_format: the stated format.
    :param grow: makes the disk that many bytes large, starting the appliance anew if it has to, with nothing mounted;
        does nothing where the disk is that large already.
    """

    image_size: int
    image_format: str
    grow: t.Callable[[int], None]


def _keep(_text: str) -> None:
    """Hide nothing: in unit tests there is nothing that shows a result."""


@dataclasses.dataclass(frozen=True)
class Task:
    """One task against one guest.

    :param params: the module's own options, checked against its argument spec.
    :param guest: the guest, its file systems mounted.
    :param check: plan but do not apply. False in an ordinary check run, whose overlay is thrown away.
    :param warn: shows a warning to the user.
    :param disk: what is under the guest; None in unit tests that need none.
    :param hide: has a text kept out of the result, for an option that is secret only if another says so.
    """

    params: t.Mapping[str, t.Any]
    guest: Guest
    check: bool
    warn: t.Callable[[str], None]
    disk: Disk | None = None
    hide: t.Callable[[str], None] = _keep


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
