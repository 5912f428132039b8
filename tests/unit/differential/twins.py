# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs the real text modules of Ansible in this process on a temporary file, thousands of times a minute."""

from __future__ import annotations

import dataclasses
import os
import pathlib
import types
import typing as t

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator


@dataclasses.dataclass(frozen=True)
class TwinOutcome:
    """What the module left and said; ``failed`` when it refused or died, ``crashed`` when it died of a traceback."""

    content: bytes | None
    changed: bool = False
    message: str = ""
    found: int | None = None
    failed: bool = False
    crashed: bool = dataclasses.field(default=False, compare=False)


class _Exit(BaseException):
    """Ends the module; not an Exception, so that no handler of the module sees it."""

    def __init__(self, result: dict[str, t.Any]) -> None:
        super().__init__()
        self.result = result


class _Module:
    """As much of AnsibleModule as these modules use."""

    given: t.ClassVar[dict[str, t.Any]] = {}
    tmpdir: t.ClassVar[str] = ""
    check_mode = False
    _diff = False

    def __init__(self, argument_spec: dict[str, t.Any], **constraints: t.Any) -> None:
        constraints = {key: value for key, value in constraints.items() if key in ("mutually_exclusive", "required_by")}
        spec = {**argument_spec, "unsafe_writes": {"type": "bool", "default": False}}
        checked = ArgumentSpecValidator(spec, **constraints).validate(self.given)
        if checked.error_messages:
            raise _Exit({"failed": True, "msg": checked.error_messages[0]})
        self.params = checked.validated_parameters

    def fail_json(self, msg: str, **result: t.Any) -> t.NoReturn:
        raise _Exit({**result, "msg": msg, "failed": True})

    def exit_json(self, **result: t.Any) -> t.NoReturn:
        raise _Exit(result)

    def atomic_move(self, source: str, destination: str, **_unused: t.Any) -> None:
        os.replace(source, destination)

    def load_file_common_arguments(self, _params: t.Any) -> dict[str, t.Any]:
        return {}

    def set_fs_attributes_if_different(self, _args: t.Any, changed: bool, diff: t.Any = None) -> bool:
        return changed

    def set_file_attributes_if_different(self, _args: t.Any, changed: bool, diff: t.Any = None) -> bool:
        return changed

    def boolean(self, value: t.Any) -> bool:
        return bool(value)

    def warn(self, _message: str) -> None:
        pass


def run_twin(
    module: types.ModuleType, content: bytes | None, params: dict[str, t.Any], folder: pathlib.Path
) -> TwinOutcome:
    """Run the module's ``main`` on a file with ``content`` (None: no file)."""
    path = folder / "file"
    path.unlink(missing_ok=True)
    if content is not None:
        path.write_bytes(content)
    fake = type("AnsibleModule", (_Module,), {"given": {**params, "path": str(path)}, "tmpdir": str(folder)})
    original = module.AnsibleModule
    module.AnsibleModule = fake  # type: ignore[attr-defined]
    try:
        result = _result(module)
    finally:
        module.AnsibleModule = original  # type: ignore[attr-defined]
    after = path.read_bytes() if path.exists() else None
    if result.get("failed"):
        return TwinOutcome(after, failed=True, message=str(result.get("msg")), crashed=bool(result.get("crashed")))
    return TwinOutcome(after, result["changed"], result.get("msg", ""), result.get("found"))


def _result(module: types.ModuleType) -> dict[str, t.Any]:
    try:
        module.main()
    except _Exit as ended:
        return ended.result
    except Exception as exc:  # the module died of a traceback: for a user that is a failed task
        return {"failed": True, "crashed": True, "msg": repr(exc)}
    raise AssertionError("the module returned without a result")
