# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs reading modules of ours on a guest in memory or in a folder, and Ansible's own on that folder."""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
import io
import json
import typing as t

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.testing import patch_module_args
from ansible_collections.offline.guest.plugins.module_utils._appliance._calls import Calls, Rpc
from ansible_collections.offline.guest.plugins.module_utils._guest._files import GuestFiles
from ansible_collections.offline.guest.plugins.module_utils._guest._guest import Guest
from ansible_collections.offline.guest.plugins.module_utils._guest._task import Outcome, Task


@dataclasses.dataclass
class Module:
    """A module of ours: ``name`` is its file's, whose own argument spec checks the options."""

    name: str
    warnings: list[str] = dataclasses.field(default_factory=list)

    def run(self, rpc: Rpc, *, check: bool = False, **options: t.Any) -> Outcome:
        spec, handler = self._wiring()
        checked = ArgumentSpecValidator(spec).validate(options)
        assert not checked.error_messages, checked.error_messages
        calls = Calls(rpc)
        guest = Guest(calls, GuestFiles(calls))
        return handler(Task(dict(checked.validated_parameters), guest, check, self.warnings.append))

    def _wiring(self) -> tuple[dict[str, t.Any], t.Callable[[Task], Outcome]]:
        module: t.Any = importlib.import_module(f"ansible_collections.offline.guest.plugins.modules.{self.name}")
        found: dict[str, t.Any] = {}
        original = module.run_guest_module
        module.run_guest_module = found.update  # it has keywords only
        try:
            module.main()
        finally:
            module.run_guest_module = original
        return found["argument_spec"], found["handler"]


def twin(name: str, **options: t.Any) -> dict[str, t.Any]:
    """Run ``ansible.builtin.NAME`` in this process and return its result, warnings left out."""
    module = importlib.import_module(f"ansible.modules.{name}")
    said = io.StringIO()
    with patch_module_args(options), contextlib.redirect_stdout(said), contextlib.suppress(SystemExit):
        module.main()
    result: dict[str, t.Any] = json.loads(said.getvalue())
    for key in ("invocation", "warnings"):
        result.pop(key, None)
    return result
