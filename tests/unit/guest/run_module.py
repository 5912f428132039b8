# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs a module of the collection on a guest in memory: its own argument spec, its own handler, and no appliance."""

from __future__ import annotations

import types
import typing as t
from unittest import mock

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.offline.guest.plugins.module_utils._appliance._calls import Calls
from ansible_collections.offline.guest.plugins.module_utils._guest._files import GuestFiles
from ansible_collections.offline.guest.plugins.module_utils._guest._guest import Guest
from ansible_collections.offline.guest.plugins.module_utils._guest._system import OperatingSystem
from ansible_collections.offline.guest.plugins.module_utils._guest._task import Outcome, Task
from ansible_collections.offline.guest.tests.unit.guest.fake_rpc import FakeRpc

LINUX = OperatingSystem(root="/dev/sda1", type="linux", init_system="systemd")


class Refused(Exception):
    """The options do not fit the argument spec."""


def call_of(module: types.ModuleType) -> dict[str, t.Any]:
    """Return what the module hands to the runner: its argument spec, its handler and the constraints."""
    with mock.patch.object(module, "run_guest_module") as runner:
        module.main()
    return dict(runner.call_args.kwargs)


def run(
    module: types.ModuleType,
    rpc: FakeRpc,
    *,
    check: bool = False,
    system: OperatingSystem = LINUX,
    warnings: list[str] | None = None,
    hidden: list[str] | None = None,
    given: t.Mapping[str, t.Any] | None = None,
    **params: t.Any,
) -> Outcome:
    """Run the module once.

    :param given: options whose names are those of this function's own.
    """
    call = call_of(module)
    spec, handler = call.pop("argument_spec"), call.pop("handler")
    assert call.pop("writes")
    checked = ArgumentSpecValidator(spec, **call).validate({**params, **(given or {})})
    if checked.error_messages:
        raise Refused("; ".join(checked.error_messages))
    calls = Calls(rpc)
    warn = ([] if warnings is None else warnings).append
    hide = ([] if hidden is None else hidden).append
    guest = Guest(calls, GuestFiles(calls), (system,))
    return t.cast(Outcome, handler(Task(checked.validated_parameters, guest, check, warn, hide=hide)))


def four(module: types.ModuleType, rpc: FakeRpc, **options: t.Any) -> Outcome:
    """Check, run, run again and check again; return what the second call did, which must be a change."""
    done = four_calls(lambda check: run(module, rpc, check=check, **options), rpc)
    assert done.changed
    return done


def four_calls(call: t.Callable[[bool], Outcome], rpc: FakeRpc) -> Outcome:
    """Check, run, run again and check again; return what the second call did.

    The check must write nothing and promise what the run does; the last two must find and write nothing.
    """
    rpc.log.clear()
    planned = call(True)
    assert rpc.writes == [], "a check wrote"
    done = call(False)
    assert (planned.changed, planned.diff, planned.summary) == (done.changed, done.diff, done.summary)
    assert planned.result == done.result
    assert done.changed == bool(done.summary) == bool(rpc.writes)
    rpc.log.clear()
    for is_check in (False, True):
        again = call(is_check)
        assert (again.changed, again.summary, rpc.writes) == (False, "", [])
        assert_no_difference(again.diff)
    return done


def assert_no_difference(diff: t.Any) -> None:
    """Fail where a difference is shown."""
    for item in diff if isinstance(diff, list) else [diff or {}]:
        assert item.get("before") == item.get("after")


def diffs(outcome: Outcome) -> list[t.Mapping[str, t.Any]]:
    """Return the parts of what is shown as the difference."""
    if outcome.diff is None or isinstance(outcome.diff, t.Mapping):
        return [outcome.diff or {}]
    return list(outcome.diff)


def contents(rpc: FakeRpc, *paths: str) -> list[bytes]:
    """Return the contents of files."""
    return [rpc.nodes[path].content for path in paths]


def modes(rpc: FakeRpc, path: str) -> tuple[str, int, int]:
    """Return mode, owner and group of an entry."""
    node = rpc.nodes[path]
    return f"{node.mode & 0o7777:04o}", node.uid, node.gid
