# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""From what is in the guest and what is wanted to the changes between them: a pure function.

The rule of enablement: what starts the runner is there if, and only if, the next boot has something to run. So adding a
script enables what an earlier boot has removed, unmasks what was masked, and taking the last one away disables it.
"""

from __future__ import annotations

import dataclasses
import typing as t

from .._errors import GuestError, printable
from ._firstboot_layout import (
    BASE,
    HOME,
    PENDING,
    RESULTS,
    RUN,
    RUNNER_FILE,
    SCRIPTS,
    Entry,
    SysvFolders,
    common,
    starters,
)
from ._firstboot_model import Options, Script
from ._firstboot_results import Record, may_run, runnable, state_of
from ._init_system import InitSystem
from ._paths import GuestPath

_MAX_SHOWN = 64 * 1024


@dataclasses.dataclass(frozen=True)
class State:
    """What was found in the guest.

    :param init: None where it is none that can start the runner.
    :param scripts: the complete scripts by name.
    :param records: what ran, by name; also of scripts that are no longer there.
    :param entries: what is at the paths that a plan may touch; a path with nothing at it is not in it.
    :param starting: paths that make an init system start the runner, of all of them; removed when nothing is to be run.
    :param programs: the files behind those; removed with the last script only.
    :param home_is_ours: nothing but firstboot's is below /var/lib/offline-guest.
    """

    init: InitSystem | None
    sysv: SysvFolders | None
    scripts: t.Mapping[str, Options]
    records: t.Mapping[str, Record]
    entries: t.Mapping[GuestPath, Entry]
    starting: frozenset[GuestPath] = frozenset()
    programs: frozenset[GuestPath] = frozenset()
    home_is_ours: bool = True


@dataclasses.dataclass(frozen=True)
class Change:
    """One path whose entry is to become another; None where there is nothing."""

    path: GuestPath
    before: Entry | None
    after: Entry | None


@dataclasses.dataclass(frozen=True)
class Plan:
    """What to change, and what the next boot will then run.

    :param changes: folders before what is in them; what is removed after that, the deepest first.
    :param to_run: names in the order in which they will run.
    :param state: the script's state afterwards: ``absent``, ``pending``, ``blocked`` or how it ended.
    """

    changes: tuple[Change, ...]
    to_run: tuple[str, ...]
    state: str


def make_plan(state: State, name: str, wanted: Script | None) -> Plan:
    """Plan for the script ``name`` to be as wanted, or to be absent.

    :raises GuestError: a script is to run, and nothing could start it.
    """
    scripts, records = dict(state.scripts), dict(state.records)
    if wanted is None:
        scripts.pop(name, None)
        records.pop(name, None)
        desired: dict[GuestPath, Entry | None] = dict.fromkeys(_below(state, name))
    else:
        desired = _present(state, wanted)
        if RESULTS.joined(name) in desired:
            records.pop(name, None)
        scripts[name] = dataclasses.replace(wanted.options, identity=wanted.identity)
    to_run = runnable(scripts, records)
    desired.update(_enablement(state, scripts, to_run) if scripts else _nothing(state))
    shown = "absent" if wanted is None else state_of(records.get(name), will_run=name in to_run)
    return Plan(tuple(_changes(state, desired)), tuple(to_run), shown)


def script_paths(name: str) -> list[GuestPath]:
    """Return the three files of a script, the program itself first."""
    return [SCRIPTS.joined(name, part) for part in ("script", "launch", "options")]


def diff(plan: Plan) -> list[dict[str, str]]:
    """Return Ansible's difference structure: one entry a path."""
    return [
        {
            "before_header": _header(change.path, change.before),
            "after_header": _header(change.path, change.after),
            "before": _shown(change.before),
            "after": _shown(change.after),
        }
        for change in plan.changes
    ]


def _present(state: State, wanted: Script) -> dict[GuestPath, Entry | None]:
    """A script that ran, and is stated as it was then, is left alone; one that is stated otherwise runs again."""
    name = wanted.name
    installed, record = state.scripts.get(name), state.records.get(name)
    same = installed is not None and installed.identity == wanted.identity
    if same and not may_run(wanted.options, record):
        return {}
    folder = SCRIPTS.joined(name)
    desired: dict[GuestPath, Entry | None] = {folder: Entry("directory", mode=0o700)}
    for part, (mode, content) in wanted.files().items():
        desired[folder.joined(part)] = Entry("file", content, mode)
    if not same:
        desired.update(dict.fromkeys(path for path in _below(state, name) if path not in desired))
    return desired


def _below(state: State, name: str) -> list[GuestPath]:
    """What a script has in the guest: its folder and its results."""
    folders = (SCRIPTS.joined(name), RESULTS.joined(name))
    return [*folders, *(path for path in state.entries if path.parent in folders)]


def _enablement(
    state: State, scripts: t.Mapping[str, Options], to_run: t.Sequence[str]
) -> dict[GuestPath, Entry | None]:
    desired: dict[GuestPath, Entry | None] = dict.fromkeys([*state.starting, PENDING])
    if to_run:
        if state.init is None:
            raise GuestError(
                "The guest has no init system that firstboot knows, so nothing would start its scripts.",
                hint="Known are systemd, OpenRC and SysV init.",
            )
        wants_network = any(scripts[name].wants_network for name in to_run)
        desired.update(dict.fromkeys(state.programs))
        desired.update(common())
        desired.update(starters(state.init, wants_network=wants_network, sysv=state.sysv))
    return desired


def _nothing(state: State) -> dict[GuestPath, Entry | None]:
    own = [path for path in state.entries if path == BASE or BASE in _above(path)]
    home = [HOME] if state.home_is_ours else []
    return dict.fromkeys([*own, *home, RUN, RUNNER_FILE, *state.starting, *state.programs])


def _above(path: GuestPath) -> list[GuestPath]:
    parents = []
    while path != path.parent:
        path = path.parent
        parents.append(path)
    return parents


def _changes(state: State, desired: t.Mapping[GuestPath, Entry | None]) -> t.Iterator[Change]:
    def changes(paths: t.Iterable[GuestPath]) -> t.Iterator[Change]:
        for path in paths:
            if state.entries.get(path) != desired[path]:
                yield Change(path, state.entries.get(path), desired[path])

    yield from changes(sorted(path for path, entry in desired.items() if entry is not None))
    yield from changes(sorted((path for path, entry in desired.items() if entry is None), reverse=True))


def _header(path: GuestPath, entry: Entry | None) -> str:
    if entry is None or entry.kind == "link":
        return str(path)
    return f"{path} (mode {entry.mode:04o}{'' if entry.owned else ', not owned by root'})"


def _shown(entry: Entry | None) -> str:
    if entry is None:
        return ""
    if entry.kind == "file":
        text = entry.content[:_MAX_SHOWN].decode("utf-8", "backslashreplace")
        return text if len(entry.content) <= _MAX_SHOWN else f"{text}\n… {len(entry.content)} bytes in all\n"
    return f"(a {entry.kind}{' to ' + printable(entry.content) if entry.content else ''})\n"
