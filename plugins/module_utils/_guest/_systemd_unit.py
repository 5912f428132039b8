# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""The module systemd_unit: the file, the drop-ins and the links of one unit."""

from __future__ import annotations

import dataclasses
import posixpath
import re
import typing as t

from .._errors import GuestError, OptionError, printable
from ._changes import Change, carry_out
from ._service_options import refuse_online_options, require_systemd
from ._task import Outcome, Task
from ._unit_install import disable, enable, is_mask, mask, unmask
from ._unit_load import Unit
from ._unit_name import mangle
from ._unit_paths import Scope, UnitPaths, unit_paths
from ._unit_preset import preset
from ._unit_state import ENABLED, state_of
from ._unit_tree import MAX_FILE, Tree

_DROPIN = re.compile(r"[^/.\0\n][^/\0\n]*\.conf")
_ONLINE = ("daemon_reload", "daemon_reexec", "no_block")
_SYSV_FOLDERS = ("/etc/init.d", "/etc/rc.d/init.d")


@dataclasses.dataclass(frozen=True)
class Options:
    """What is wanted of a unit.

    :param name: as it was given; :param unit: with its type. An absolute path is a unit that is to be linked.
    :param content: of the file; None if nothing is said of it.
    :param removes: the file is to be absent.
    :param dropin: the name of the drop-in that the file is; empty for the unit's own file.
    """

    name: str
    unit: str
    enabled: bool | None = None
    masked: bool | None = None
    preset: bool = False
    force: bool = False
    scope: Scope = "system"
    content: bytes | None = None
    removes: bool = False
    dropin: str = ""

    @property
    def link_from(self) -> str:
        """What ``systemctl enable`` would be given."""
        return self.name if self.name.startswith("/") else self.unit

    def file(self, paths: UnitPaths) -> str:
        """Return the path of the file that is written or removed."""
        own = f"{paths.config}/{self.unit}"
        return f"{own}.d/{self.dropin}" if self.dropin else own


@dataclasses.dataclass(frozen=True)
class Plan:
    """What is to be done, and what the unit is afterwards.

    :param state: as ``systemctl is-enabled`` says it.
    :param unit: None if there will be none.
    :param path: of the file that was asked for; empty if none was.
    """

    changes: tuple[Change, ...]
    state: str
    unit: Unit | None
    path: str
    notes: tuple[str, ...]

    @property
    def enabled(self) -> bool:
        """Whether ``systemctl is-enabled`` would end well."""
        return self.state in ENABLED


def handle(task: Task) -> Outcome:
    """Run the task.

    :raises OptionError: the options cannot be meant, or only in a running guest.
    :raises GuestError: there is no such unit, it cannot be enabled, or something is in the way.
    """
    options = parse_options(task.params)
    require_systemd(task.guest.os)
    return run_plan(task, options)


def run_plan(task: Task, options: Options) -> Outcome:
    """Plan, and apply unless it is a check."""
    plan = make_plan(Tree(task.guest.files), options)
    for note in plan.notes:
        task.warn(note)
    return _outcome(task, options, plan)


def parse_options(params: t.Mapping[str, t.Any]) -> Options:
    """Return what the options ask for.

    :raises OptionError: they cannot be meant, or only in a running guest.
    """
    refuse_online_options(params, _ONLINE)
    if params["scope"] == "user":
        raise OptionError(
            "scope: units of one user are not supported.", hint="Use scope: global, for the units of all users."
        )
    name, content = params["name"], params["content"]
    options = Options(
        name=name,
        unit=mangle(posixpath.basename(name) if name.startswith("/") else name),
        enabled=params["enabled"],
        masked=params["masked"],
        preset=bool(params["preset"]),
        force=bool(params["force"]),
        scope=params["scope"],
        content=None if content is None else content.encode("utf-8", "surrogateescape"),
        removes=params["state"] == "absent",
        dropin=params["dropin"] or "",
    )
    if params["state"] == "present" and content is None:
        raise OptionError("state: present needs content.")
    _check(options)
    return options


def _check(options: Options) -> None:
    has_content = options.content is not None
    _check_links(options, has_file=has_content or options.removes)
    if has_content and options.removes:
        raise OptionError("content and state: absent exclude each other.")
    if options.dropin and not (has_content or options.removes):
        raise OptionError("dropin needs content, or state: absent.")
    if options.dropin and not _DROPIN.fullmatch(options.dropin):
        raise OptionError(
            f"dropin: '{printable(options.dropin)}' is not the name of a drop-in.",
            hint="Use a name like 10-limits.conf.",
        )
    _check_content(options)


def _check_links(options: Options, *, has_file: bool) -> None:
    if not (has_file or options.preset) and options.enabled is None and options.masked is None:
        raise OptionError("Nothing is asked for.", hint="Set enabled, masked, preset, content or state.")
    if options.preset and options.enabled is not None:
        raise OptionError("preset and enabled exclude each other.")
    if options.masked and (options.enabled or options.preset):
        raise OptionError("A unit cannot be masked and enabled or preset.")


def _check_content(options: Options) -> None:
    if options.content is None:
        return
    if len(options.content) > MAX_FILE:
        raise OptionError(f"content has more than {MAX_FILE} bytes.")
    if options.dropin:
        return
    if not options.content:
        raise OptionError("An empty file would mask the unit.", hint="Set masked: true if that is meant.")
    if options.masked:
        raise OptionError("A unit cannot be masked and have a file of its own.", hint="Leave content or masked out.")


def make_plan(tree: Tree, options: Options) -> Plan:
    """Decide what is to be done. The tree is changed, the guest is not.

    The order: unmask, write, disable, remove, enable or preset, mask. So each step finds what it needs.
    """
    paths = unit_paths(tree, options.scope)
    notes: list[str] = []
    path = options.file(paths) if options.content is not None or options.removes else ""
    if options.masked is False:
        unmask(tree, paths, options.unit)
    if options.content is not None:
        _write(tree, path, options.content, force=options.force)
    if options.enabled is False:
        _disable(tree, paths, options, notes.append)
    if options.removes:
        _remove(tree, paths, path, is_dropin=bool(options.dropin))
    if options.enabled:
        _enable(tree, paths, options, notes.append)
    if options.preset:
        preset(tree, paths, options.unit, force=options.force, note=notes.append)
    if options.masked:
        mask(tree, paths, options.unit, force=options.force)
    state, unit = state_of(tree, paths, options.unit)
    return Plan(tree.changes(), state, unit, path, tuple(dict.fromkeys(notes)))


def _enable(tree: Tree, paths: UnitPaths, options: Options, note: t.Callable[[str], None]) -> None:
    if options.link_from == options.unit:
        _require_unit(tree, paths, options.unit)
    enable(tree, paths, [options.link_from], force=options.force, note=note)


def _disable(tree: Tree, paths: UnitPaths, options: Options, note: t.Callable[[str], None]) -> None:
    """As systemctl, but a unit that is not there is a mistake, as for Ansible, unless it is to be absent."""
    if not options.removes:
        _require_unit(tree, paths, options.unit)
    if options.removes or options.masked:
        note = _ignore  # that it is not there, or masked already, is what was asked for
    disable(tree, paths, [options.unit], note=note)


def _ignore(_text: str) -> None:
    pass


def _require_unit(tree: Tree, paths: UnitPaths, name: str) -> None:
    """:raises GuestError: there is no such unit."""
    if state_of(tree, paths, name)[0] != "not-found":
        return
    message, hint = f"The guest has no unit {printable(name)}", "Is its package installed?"
    if has_init_script(tree, name):
        message, hint = f"{message}, but an init script of that name", "Use offline.guest.service."
    raise GuestError(f"{message}.", hint=hint)


def has_init_script(tree: Tree, unit: str) -> bool:
    """Whether there is a SysV init script of which systemd would make a unit of this name."""
    name, _dot, kind = unit.rpartition(".")
    return kind == "service" and any(tree.leads_to(f"{folder}/{name}") == "file" for folder in _SYSV_FOLDERS)


def _write(tree: Tree, path: str, content: bytes, *, force: bool) -> None:
    """:raises GuestError: a link is there, and not ``force``."""
    if tree.kind(path) == "link" and not force:
        masks = is_mask(tree, path)
        hint = "Set masked: false, too." if masks else "Set force: true to have the link replaced by the file."
        raise GuestError(f"'{printable(path)}' in the guest is a link{', which masks it' if masks else ''}.", hint=hint)
    if tree.kind(path) != "file" or tree.read(path) != content:
        tree.put_file(path, content)


def _remove(tree: Tree, paths: UnitPaths, path: str, *, is_dropin: bool) -> None:
    """Remove the file; a unit's mask stays, because the option ``masked`` is about it."""
    if is_dropin or not is_mask(tree, path):
        tree.remove(path, up_to=paths.config)


def _outcome(task: Task, options: Options, plan: Plan) -> Outcome:
    message = _message(options, plan)
    result = {
        "name": options.name,
        "enabled": plan.enabled,
        "masked": plan.state.startswith("masked"),
        "path": printable(plan.path, limit=4096) if plan.path else None,
        "status": status(options.unit, plan),
        "msg": message,
    }
    return carry_out(task, plan.changes, result, message)


def _message(options: Options, plan: Plan) -> str:
    return f"The unit {printable(options.unit)} is {plan.state} in the guest."


def status(name: str, plan: Plan) -> dict[str, str]:
    """Return of ``systemctl show`` what is known while a guest is off."""
    load = {"not-found": "not-found", "bad": "error", "masked": "masked", "masked-runtime": "masked"}
    unit = plan.unit
    return {
        "Id": printable(unit.name if unit is not None else name),
        "LoadState": load.get(plan.state, "loaded"),
        "UnitFileState": "" if plan.state in ("not-found", "bad") else plan.state,
        "FragmentPath": printable(unit.path, limit=4096) if unit is not None else "",
        "DropInPaths": " ".join(printable(path, limit=4096) for path in unit.dropins) if unit is not None else "",
    }
