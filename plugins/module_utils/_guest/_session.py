# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""The task ``session``: open, commit or discard what later tasks work in."""

from __future__ import annotations

import dataclasses
import typing as t

from .._appliance._image import Image
from .._appliance._session import ApplianceOptions, Session, join_session
from .._errors import GuestError, OptionError
from ._task import Outcome


@dataclasses.dataclass(frozen=True)
class SessionTask:
    """What the module ``session`` was asked for.

    :param check: whether this is a check run: a session that it opens is thrown away whatever happens.
    :param opener: joins the open session of the image or opens one.
    """

    params: t.Mapping[str, t.Any]
    image: Image
    options: ApplianceOptions
    check: bool
    opener: t.Callable[[], Session]
    warn: t.Callable[[str], None]


def handle(task: SessionTask) -> Outcome:
    """Bring the session of the image into the wanted state."""
    return {"open": _open, "committed": _commit, "discarded": _discard}[task.params["state"]](task)


def _open(task: SessionTask) -> Outcome:
    with task.opener() as session:
        if session.joined and session.throwaway != task.check:
            raise OptionError(
                f"The image has an open session that was {'' if session.throwaway else 'not '}opened in check mode.",
                hint="Discard it (state: discarded) first.",
            )
        session.launch()
        for warning in session.warnings:
            task.warn(warning)
        if not session.joined:
            session.keep(task.params["idle_timeout"])
        # An open session has changed nothing yet: the image is byte for byte what it was.
        return Outcome(changed=False, result=_result("open", session))


def _commit(task: SessionTask) -> Outcome:
    session = _join(task)
    if session is None:
        raise GuestError(
            f"The image {task.image.path} has no open session to commit.",
            hint="It was not opened, or it discarded itself: after its idle_timeout, or because its process was ended. "
            "The image is as it was before that session.",
        )
    with session:
        if task.check and not session.throwaway:
            return Outcome(changed=bool(session.changes), result=_result("open", session))
        result = _result("committed", session)
        changed = bool(session.changes)
        session.commit()
        return Outcome(changed=changed, result=result)


def _discard(task: SessionTask) -> Outcome:
    session = _join(task)
    if session is None:
        return Outcome(changed=False, result={"state": "discarded", "changes": [], "accelerator": None, "start": None})
    with session:
        result = _result("discarded", session)
        if not task.check or session.throwaway:
            session.discard()
        return Outcome(changed=False, result=result)


def _join(task: SessionTask) -> Session | None:
    return join_session(task.image, task.options, timeout=max(1, task.params["lock_timeout"]))


def _result(state: str, session: Session) -> dict[str, t.Any]:
    return {
        "state": state,
        "changes": session.changes,
        "accelerator": session.accelerator,
        "start": session.start,
    }
