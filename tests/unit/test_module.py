# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How an outcome, or an error, becomes the result of a module."""

from __future__ import annotations

import json
import os
import typing as t

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.offline.guest.plugins.module_utils._ansible_module import run_host_module
from ansible_collections.offline.guest.plugins.module_utils._errors import GuestError
from ansible_collections.offline.guest.plugins.module_utils._guest._task import Outcome

RESULT = {"path": "/etc/passwd", "mode": "0604", "owner": 1000, "size": 5}


def _result(
    handler: t.Callable[..., Outcome], capsys: pytest.CaptureFixture[str], *, diff: bool = False
) -> dict[str, t.Any]:
    with patch_module_args({"_ansible_diff": diff}), pytest.raises(SystemExit):
        run_host_module(argument_spec={}, handler=handler)
    said: dict[str, t.Any] = json.loads(capsys.readouterr().out)
    del said["invocation"]
    return said


def test_a_result_is_what_the_outcome_says(capsys: pytest.CaptureFixture[str]) -> None:
    """The host has a file of that path, too: Ansible's own modules would tell its mode, owner and size instead."""
    assert os.path.exists(str(RESULT["path"]))
    assert _result(lambda _params: Outcome(False, RESULT), capsys) == {**RESULT, "changed": False}


def test_an_error_is_a_failure_with_its_hint_and_details(capsys: pytest.CaptureFixture[str]) -> None:
    def fail(_params: t.Any) -> Outcome:
        raise GuestError("It is so.", hint="Do this.", details={"path": "/etc/passwd"})

    assert _result(fail, capsys) == {"failed": True, "msg": "It is so. Do this.", "path": "/etc/passwd"}


@pytest.mark.parametrize("wanted", [True, False])
def test_a_difference_is_in_the_result_only_where_it_is_wanted(
    wanted: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    outcome = Outcome(True, {}, diff={"before": "", "after": "secret"})
    assert ("secret" in str(_result(lambda _params: outcome, capsys, diff=wanted))) is wanted


def test_a_path_that_is_not_utf8_is_escaped(capsys: pytest.CaptureFixture[str]) -> None:
    """ansible-core 2.19 refuses a result that holds the surrogates which stand for such bytes."""
    result = {"path": "/caf\udce9", "diff_of": [{"header": "é\udcff"}], "size": 1}
    wanted = {"path": "/caf\\udce9", "diff_of": [{"header": "é\\udcff"}], "size": 1, "changed": False}
    assert _result(lambda _params: Outcome(False, result), capsys) == wanted
