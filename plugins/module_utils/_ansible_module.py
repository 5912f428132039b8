# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""Runs a module: the only place that knows AnsibleModule, exit_json and fail_json.

A task joins the open session of its image, or opens one for itself and commits it at the end. Check mode is not a
second code path: the task does the same work on an overlay that is thrown away. Only where a check task joins a session
whose work is to be kept does it plan without applying.
"""

from __future__ import annotations

import typing as t

from ._ansible import AnsibleModule, missing_required_lib
from ._appliance import _schema
from ._appliance._image import FORMATS, Image
from ._appliance._session import ApplianceOptions, Session, open_or_join
from ._errors import OfflineGuestError, OptionError, printable
from ._guest._guest import Access, Guest, GuestOptions, forget_guest, load_guest
from ._guest._system import DEFAULT_TYPES
from ._guest._task import Disk, Outcome, Task

if t.TYPE_CHECKING:
    from ._guest._host_info import HostTask
    from ._guest._session import SessionTask

#: The suboptions of the option ``appliance``; documented in plugins/doc_fragments/appliance.py.
APPLIANCE_SPEC: dict[str, t.Any] = {
    "backend": {"type": "str", "default": "direct"},
    "accelerator": {"type": "str", "choices": ["auto", "kvm", "tcg"], "default": "auto"},
    "memory_mb": {"type": "int"},
    "smp": {"type": "int"},
    "launch_timeout": {"type": "int", "default": 600},
    "call_timeout": {"type": "int", "default": 300},
    "hv": {"type": "path"},
    "path": {"type": "str"},
    "tmpdir": {"type": "path"},
    "start": {"type": "str", "choices": ["auto", "warm", "cold"], "default": "auto"},
    "cache_dir": {"type": "path"},
}

#: The options that every module of the action group ``image`` has; documented in plugins/doc_fragments/image.py.
IMAGE_SPEC: dict[str, t.Any] = {
    "image": {"type": "path", "required": True},
    "format": {"type": "str", "choices": list(FORMATS), "required": True},
    "backing": {
        "type": "dict",
        "options": {
            "image": {"type": "path", "required": True},
            "format": {"type": "str", "choices": list(FORMATS), "required": True},
            "backing": {"type": "dict"},
        },
    },
    "root": {"type": "str"},
    "luks_keys": {
        "type": "list",
        "elements": "dict",
        "no_log": False,  # the keys themselves are
        "options": {
            "device": {"type": "str", "required": True},
            "key": {"type": "str", "required": True, "no_log": True},
        },
    },
    "filesystems": {"type": "list", "elements": "str", "default": list(DEFAULT_TYPES)},
    "lock_timeout": {"type": "int", "default": 60},
    "appliance": {"type": "dict", "options": APPLIANCE_SPEC},
}

#: The options that modules have which write a file; documented in plugins/doc_fragments/files.py.
FILE_SPEC: dict[str, t.Any] = {
    "owner": {"type": "str"},
    "group": {"type": "str"},
    "mode": {"type": "raw"},
    "attributes": {"type": "str", "aliases": ["attr"]},
    "seuser": {"type": "str"},
    "serole": {"type": "str"},
    "setype": {"type": "str"},
    "selevel": {"type": "str"},
    "unsafe_writes": {"type": "bool", "default": False},
}

Handler = t.Callable[[Task], Outcome]


class GuestModule(AnsibleModule):
    """A module whose results are about a guest."""

    def add_path_info(self, kwargs: dict[str, t.Any]) -> dict[str, t.Any]:
        """Add nothing: Ansible would put mode, owner, size … of the *host's* file of that path over the guest's."""
        return kwargs


def run_guest_module(
    *,
    argument_spec: dict[str, t.Any],
    handler: Handler,
    writes: bool,
    access: Access = "mounted",
    disk_size: t.Callable[[t.Mapping[str, t.Any], int], int] | None = None,
    **constraints: t.Any,
) -> t.NoReturn:
    """Run one task against the guest of an image, and end the module.

    :param argument_spec: the module's own options; those of :data:`IMAGE_SPEC` are added.
    :param handler: does the work.
    :param writes: whether the module can change the guest at all.
    :param access: what the handler finds: ``mounted`` (one operating system, its file systems mounted), ``found`` (the
        operating systems known, at most one root mounted, for reading), ``unmounted`` (known, and nothing mounted).
    :param disk_size: from the module's options and the image's virtual size to the size the disk is to have, so that a
        task which makes it larger does not start the appliance twice.
    :param constraints: ``mutually_exclusive``, ``required_one_of`` … as for AnsibleModule.
    """
    module = GuestModule(argument_spec={**IMAGE_SPEC, **argument_spec}, supports_check_mode=True, **constraints)

    def work() -> Outcome:
        size = (lambda current: disk_size(module.params, current)) if disk_size else None
        session = _open(module, throwaway=module.check_mode or not writes, disk_size=size)
        with session:
            return _run_task(module, session, handler, writes=writes, access=access)

    _finish(module, work)


def run_session_module(*, argument_spec: dict[str, t.Any], handler: t.Callable[[SessionTask], Outcome]) -> t.NoReturn:
    """Run the module ``session``, and end it."""
    module = GuestModule(argument_spec={**IMAGE_SPEC, **argument_spec}, supports_check_mode=True)
    _finish(module, lambda: handler(_session_task(module)))


def run_host_module(
    *, argument_spec: dict[str, t.Any], handler: t.Callable[[HostTask], Outcome], **constraints: t.Any
) -> t.NoReturn:
    """Run a module that is about the host and not about an image, and end it."""
    from ._guest._host_info import HostTask  # what it needs, no task on an image needs

    spec = {"appliance": {"type": "dict", "options": APPLIANCE_SPEC}, **argument_spec}
    module = GuestModule(argument_spec=spec, supports_check_mode=True, **constraints)
    task = HostTask(module.params, _appliance_options(module.params), module.check_mode)
    _finish(module, lambda: handler(task), needs_voluptuous=False)


def _finish(module: AnsibleModule, work: t.Callable[[], Outcome], *, needs_voluptuous: bool = True) -> t.NoReturn:
    if needs_voluptuous and _schema.MISSING is not None:
        module.fail_json(msg=missing_required_lib("voluptuous"), exception=_schema.MISSING)
    try:
        outcome = work()
    except OfflineGuestError as exc:
        module.fail_json(msg=str(exc), **_as_utf8(exc.details))
    result = {**outcome.result, "changed": outcome.changed}
    # Without --diff, or with `diff: false` because of a secret, no content of a file is in any output, however verbose.
    if outcome.diff is not None and module._diff:  # pylint: disable=protected-access
        result["diff"] = outcome.diff
    module.exit_json(**_as_utf8(result))


def _as_utf8(value: t.Any) -> t.Any:
    """Return ``value`` with escapes in place of the surrogates that stand for bytes of a path which is not UTF-8.

    ansible-core 2.19 refuses a result that holds one (MODULE_STRICT_UTF8_RESPONSE).
    """
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, t.Mapping):
        return {key: _as_utf8(item) for key, item in value.items()}
    return [_as_utf8(item) for item in value] if isinstance(value, (list, tuple)) else value


def _warn(module: AnsibleModule) -> t.Callable[[str], None]:
    return lambda text: module.warn(printable(text, limit=500))


def _appliance_options(params: t.Mapping[str, t.Any]) -> ApplianceOptions:
    given = params["appliance"] or {}
    return ApplianceOptions(**{key: value for key, value in given.items() if value is not None})


def _open(
    module: AnsibleModule, *, throwaway: bool, disk_size: t.Callable[[int], int] | None = None, joinable: bool = False
) -> Session:
    return open_or_join(
        Image.from_params(module.params),
        _appliance_options(module.params),
        purpose=module._name,  # pylint: disable=protected-access
        throwaway=throwaway,
        timeout=module.params["lock_timeout"],
        joinable=joinable,
        disk_size=disk_size,
    )


def _run_task(module: AnsibleModule, session: Session, handler: Handler, *, writes: bool, access: Access) -> Outcome:
    keeps = writes and not module.check_mode
    if session.joined and session.throwaway and keeps:
        raise OptionError(
            "The open session of the image was opened in check mode, so what this task does would be lost.",
            hint="Run the whole session in check mode, or none of it.",
        )
    session.launch()
    for warning in session.warnings:
        _warn(module)(warning)
    # In a throwaway session the work is done, so that later tasks see it; in one that is kept, a check only plans.
    applies = keeps or (writes and session.throwaway)
    if applies:
        session.client.begin(module._name)  # pylint: disable=protected-access
    guest = load_guest(session, _guest_options(module), access=access, warn=_warn(module), fresh=access == "found")
    outcome = handler(_task(module, session, guest, applies=applies))
    if applies:
        session.client.end(changed=outcome.changed, summary=outcome.summary)
    if not session.joined:
        if applies:
            session.refresh()  # the commit goes by what the tasks said they changed
        session.commit()
    return outcome


def _guest_options(module: AnsibleModule) -> GuestOptions:
    return GuestOptions(
        root=module.params["root"],
        filesystems=tuple(module.params["filesystems"]),
        luks_keys=tuple(module.params["luks_keys"] or ()),
    )


def _task(module: AnsibleModule, session: Session, guest: Guest, *, applies: bool) -> Task:
    def grow(size: int) -> None:
        session.grow(size)
        forget_guest(session)

    return Task(
        params=module.params,
        guest=guest,
        check=not applies,
        warn=_warn(module),
        disk=Disk(session.task_size, session.image.format, grow),
        hide=module.no_log_values.add,
    )


def _session_task(module: AnsibleModule) -> SessionTask:
    from ._guest._session import SessionTask

    def opener() -> Session:
        return _open(module, throwaway=module.check_mode, joinable=True)

    return SessionTask(
        params=module.params,
        image=Image.from_params(module.params),
        options=_appliance_options(module.params),
        check=module.check_mode,
        opener=opener,
        warn=_warn(module),
    )
