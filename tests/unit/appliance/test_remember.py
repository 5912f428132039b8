# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Answers that are remembered are those that would be given."""

from __future__ import annotations

import typing as t

from ansible_collections.offline.guest.plugins.module_utils._appliance import _allowlist
from ansible_collections.offline.guest.plugins.module_utils._appliance._calls import Calls
from ansible_collections.offline.guest.plugins.module_utils._appliance._remember import _CHANGE_NOTHING, RememberingRpc
from ansible_collections.offline.guest.plugins.module_utils._errors import CallError
from ansible_collections.offline.guest.tests.unit.guest.fake_rpc import FakeRpc
from hypothesis import given
from hypothesis import strategies as st

PATHS = st.sampled_from(["/a", "/b", "/d", "/d/a", "/l", "/none"])
CALLS = st.one_of(
    st.tuples(st.sampled_from(["lstatns", "readlink", "rm", "rm_rf", "readdir", "lgetxattrs"]), PATHS),
    st.tuples(st.just("rename"), PATHS, PATHS),
    st.tuples(st.just("ln_s"), PATHS, PATHS),
    st.tuples(st.just("write"), PATHS, st.binary(max_size=3)),
    st.tuples(st.just("chmod"), st.just(0o600), PATHS),
    st.tuples(st.just("lchown"), st.just(1), st.just(2), PATHS),
    st.tuples(st.just("mkdir_mode"), PATHS, st.just(0o755)),
)


def guest() -> FakeRpc:
    rpc = FakeRpc()
    rpc.add_file("/a", b"1")
    rpc.add_file("/d/a", b"22")
    rpc.add_link("/l", "d")
    return rpc


def outcome(call: t.Callable[..., t.Any], made: tuple[t.Any, ...]) -> t.Any:
    try:
        return call(*made)
    except CallError as exc:
        return (exc.call, exc.errno)


@given(st.lists(CALLS, max_size=12))
def test_whatever_a_task_does_it_is_told_what_is_so(calls: list[tuple[t.Any, ...]]) -> None:
    plain, remembering = guest(), RememberingRpc(guest())
    for made in calls:
        assert outcome(remembering.call, made) == outcome(plain.call, made)


def test_what_is_known_is_not_asked_for_again() -> None:
    rpc = guest()
    calls = Calls(RememberingRpc(rpc))
    for _turn in range(3):
        calls.lstatns("/a")
        calls.pread("/a", 1, 0)
    assert [entry[0] for entry in rpc.log] == ["lstatns", "pread", "pread", "pread"]


def test_an_answer_cannot_be_spoilt_by_who_got_it() -> None:
    calls = Calls(RememberingRpc(guest()))
    calls.lstatns("/a").clear()
    assert calls.lstatns("/a")["st_size"] == 1


def test_only_calls_that_read_leave_answers_standing() -> None:
    assert {_allowlist.CALLS[name] for name in _CHANGE_NOTHING} == {"read"}
