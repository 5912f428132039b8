# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""The task ``firstboot``: a script that the guest runs once, when it boots next."""

from __future__ import annotations

import dataclasses
import shlex
import typing as t

from .._errors import GuestError, HostError, OptionError, printable
from ._firstboot_model import DEFAULT_INTERPRETER, MAX_SCRIPT, Options, Script, check_name, shebang
from ._firstboot_plan import Plan, diff, make_plan, script_paths
from ._firstboot_programs import commands_script, packages_script
from ._firstboot_state import apply_plan, read_state
from ._init_system import InitSystem, init_of
from ._task import Outcome, Task

if t.TYPE_CHECKING:
    from ._system import OperatingSystem

_SOURCES = ("content", "src", "commands", "packages")


_Interpreter = t.Optional[tuple[str, ...]]


def handle(task: Task) -> Outcome:
    """Install, change or remove one script.

    :raises OptionError: the options cannot be meant as they are.
    :raises HostError: ``src`` cannot be read.
    :raises GuestError: the guest cannot run firstboot scripts, or not this one.
    """
    name = task.params["name"]
    check_name(name)
    require_linux(task.guest.os)
    wanted = script_of(task.params, task.guest.os) if task.params["state"] == "present" else None
    state = read_state(task.guest.files, init_of(task.guest.os), name, task.warn)
    plan = make_plan(state, name, wanted)
    if plan.changes and not task.check:
        apply_plan(task.guest.files, plan)
    return _outcome(name, state.init, plan)


def require_linux(system: OperatingSystem) -> None:
    """:raises GuestError: firstboot has no runner for this operating system."""
    if system.type == "windows":
        raise GuestError(
            "Firstboot scripts are not yet supported in Windows guests.", hint="Use unattend.xml, or cloudbase-init."
        )
    if system.type != "linux":
        raise GuestError(f"Firstboot scripts are not supported in a guest of the type '{printable(system.type)}'.")


def script_of(params: t.Mapping[str, t.Any], system: OperatingSystem) -> Script:
    """Return the script that the options state.

    :raises OptionError: not exactly one of the sources is there, or a value cannot be meant.
    :raises GuestError: the guest's package manager is not known.
    """
    given = [source for source in _SOURCES if params.get(source) is not None]
    if len(given) != 1:
        raise OptionError("Exactly one of content, src, commands and packages is needed.")
    interpreter = _interpreter(params.get("interpreter"))
    script = _SCRIPTS[given[0]](params[given[0]], interpreter, system)
    return dataclasses.replace(script, name=params["name"], env=_env(params.get("env")), options=_options(params))


def _program(content: bytes, interpreter: _Interpreter) -> Script:
    found = interpreter or shebang(content) or DEFAULT_INTERPRETER
    return Script("x", content, content, found)


def _from_content(value: str, interpreter: _Interpreter, _system: OperatingSystem) -> Script:
    return _program(value.encode("utf-8", "surrogateescape"), interpreter)


def _from_src(value: str, interpreter: _Interpreter, _system: OperatingSystem) -> Script:
    try:
        with open(value, "rb") as file:
            content = file.read(MAX_SCRIPT + 1)
    except OSError as exc:
        raise HostError(f"The file '{printable(value)}' cannot be read: {exc.strerror}.") from exc
    return _program(content, interpreter)


def _from_commands(value: list[str], interpreter: _Interpreter, _system: OperatingSystem) -> Script:
    chosen = interpreter or DEFAULT_INTERPRETER
    content = commands_script(value, chosen).encode("utf-8", "surrogateescape")
    return Script("x", content, ["commands", *chosen, "", *value])


def _from_packages(value: list[str], interpreter: _Interpreter, system: OperatingSystem) -> Script:
    if interpreter is not None:
        raise OptionError("The option interpreter has no meaning with packages.")
    manager = system.package_management or "unknown"
    return Script("x", packages_script(manager, value).encode(), ["packages", manager, *value])


_SCRIPTS: dict[str, t.Callable[[t.Any, _Interpreter, t.Any], Script]] = {
    "content": _from_content,
    "src": _from_src,
    "commands": _from_commands,
    "packages": _from_packages,
}


def _interpreter(value: str | None) -> _Interpreter:
    if value is None:
        return None
    try:
        parts = tuple(shlex.split(value))
    except ValueError as exc:
        raise OptionError(f"The interpreter '{printable(value)}' has an open quote.") from exc
    if not parts:
        raise OptionError("The option interpreter is empty.")
    return parts


def _env(value: t.Mapping[t.Any, t.Any] | None) -> dict[str, str]:
    env = {}
    for key, item in (value or {}).items():
        if not isinstance(item, (str, int, float)) or isinstance(item, bool):
            raise OptionError(
                f"The value of the environment variable '{printable(str(key))}' is no text.",
                hint="Put it in quotes: YAML reads a bare yes, no, true or null as something else.",
            )
        env[str(key)] = str(item)
    return env


def _options(params: t.Mapping[str, t.Any]) -> Options:
    wants_network = params.get("wants_network")
    if wants_network is None:
        wants_network = params.get("packages") is not None
    return Options(
        timeout=params["timeout"],
        on_failure=params["on_failure"],
        retries=params["retries"],
        retry_delay=params["retry_delay"],
        reboot=params["reboot"],
        wants_network=wants_network,
        user="" if params.get("user") in (None, "root") else params["user"],
    )


def _outcome(name: str, init: InitSystem | None, plan: Plan) -> Outcome:
    absent = plan.state == "absent"
    paths = [str(path) for path in script_paths(name)]
    done = "Removed" if absent else "Installed"
    return Outcome(
        changed=bool(plan.changes),
        result={
            "name": name,
            "path": None if absent else paths[0],
            "files": [] if absent else paths,
            "script_state": plan.state,
            "to_run": list(plan.to_run),
            "enabled_by": init if plan.to_run else None,
            "msg": _message(name, plan),
        },
        diff=diff(plan),
        summary=f"{done} the firstboot script {name}." if plan.changes else "",
    )


def _message(name: str, plan: Plan) -> str:
    said = {
        "absent": "is not in the guest",
        "pending": "runs at the next boot",
        "blocked": "does not run, because one before it failed whose on_failure is stop",
        "done": "ran and succeeded; it does not run again unless it changes",
    }
    again = " and is tried again at the next boot" if name in plan.to_run else ""
    return f"The firstboot script {name} {said.get(plan.state, f'ran and ended as {plan.state}{again}')}."
