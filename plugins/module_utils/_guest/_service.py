# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""The module service: whether a service starts at boot, whatever starts the guest's services."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from .._errors import GuestError, OptionError, printable
from ._changes import carry_out
from ._init_system import InitSystem, init_of
from ._service_openrc import is_enabled_openrc, set_openrc
from ._service_options import refuse_online_options
from ._service_sysv import SysvServices
from ._systemd_unit import Options as UnitOptions
from ._systemd_unit import has_init_script, make_plan, status
from ._task import Outcome, Task
from ._unit_name import mangle
from ._unit_paths import unit_paths
from ._unit_state import state_of
from ._unit_tree import Tree

if t.TYPE_CHECKING:
    from ._system import OperatingSystem

_ONLINE = ("sleep", "pattern", "arguments")
_INITS: tuple[InitSystem, ...] = ("systemd", "openrc", "sysvinit")
# Neither a folder's separator nor a blank, nor a name that is hidden.
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@:+\\-]{0,199}")


@dataclasses.dataclass(frozen=True)
class Result:
    """What a service is afterwards.

    :param status: of a unit of systemd.
    """

    enabled: bool
    status: t.Mapping[str, str] | None = None
    notes: tuple[str, ...] = ()


def handle(task: Task) -> Outcome:
    """Run the task.

    :raises OptionError: the options cannot be meant, or only in a running guest.
    :raises GuestError: there is no such service, or the guest's init system is not known.
    """
    refuse_online_options(task.params, _ONLINE)
    name, runlevel = task.params["name"], task.params["runlevel"]
    init = init_system(task.guest.os, task.params["use"])
    check_names(name, runlevel, init)
    tree = Tree(task.guest.files)
    result = set_service(tree, init, name, runlevel, enabled=task.params["enabled"])
    for note in result.notes:
        task.warn(note)
    message = f"The service {name} {'starts' if result.enabled else 'does not start'} when the guest boots."
    facts = {"name": name, "enabled": result.enabled, "init_system": init, "status": result.status, "msg": message}
    return carry_out(task, tree.changes(), facts, message)


def init_system(system: OperatingSystem, use: str) -> InitSystem:
    """Return what starts the guest's services.

    :param use: the option of that name.
    :raises OptionError: it names none that is known. :raises GuestError: the guest's is not known.
    """
    if use not in ("auto", "service", *_INITS):
        raise OptionError(f"use: '{printable(use)}' is not supported.", hint=f"Use auto, {', '.join(_INITS)}.")
    found = init_of(system) if use in ("auto", "service") else t.cast(InitSystem, use)
    if found is not None and system.type == "linux":
        return found
    raise GuestError(
        "The guest has no init system that is known.",
        hint="Known are systemd, OpenRC and SysV init; see the option use.",
    )


def check_names(name: str, runlevel: str, init: InitSystem) -> None:
    """:raises OptionError: they cannot be the names of a service and a runlevel."""
    if not _NAME.fullmatch(name):
        raise OptionError(f"name: '{printable(name)}' is not the name of a service.")
    if init == "openrc" and not _NAME.fullmatch(runlevel):
        raise OptionError(f"runlevel: '{printable(runlevel)}' is not the name of a runlevel.")


def set_service(tree: Tree, init: InitSystem, name: str, runlevel: str, *, enabled: bool) -> Result:
    """Plan for a service to be enabled or disabled."""
    if init == "openrc":
        set_openrc(tree, name, runlevel, enabled=enabled)
        return Result(is_enabled_openrc(tree, name, runlevel))
    if init == "systemd" and not _is_init_script_only(tree, name):
        plan = make_plan(tree, UnitOptions(name=name, unit=mangle(name), enabled=enabled))
        return Result(plan.enabled, status(mangle(name), plan), plan.notes)
    services = SysvServices(tree)
    services.set(name, enabled=enabled)
    is_enabled = services.is_enabled(name)
    note = (
        f"The service {name} has links that {services.style} leaves alone, because its header does not speak of them."
    )
    return Result(is_enabled, notes=() if is_enabled == enabled else (note,))


def _is_init_script_only(tree: Tree, name: str) -> bool:
    """Whether systemd would run an init script: it hands ``systemctl enable`` of those to update-rc.d or chkconfig."""
    unit = mangle(name)
    return state_of(tree, unit_paths(tree, "system"), unit)[0] == "not-found" and has_init_script(tree, unit)
