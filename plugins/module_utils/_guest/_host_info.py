# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""The return values of ``host_info``."""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

from .._appliance import _schema
from .._appliance._host import Facts, read_facts
from .._appliance._host_problems import Problem, find_problems
from .._appliance._session import ApplianceOptions
from .._appliance._warm_host import WarmFacts, drop_all, read_store, save
from .._errors import HostError
from ._task import Outcome


@dataclasses.dataclass(frozen=True)
class HostTask:
    """One task about the host.

    :param check: say what would be done, and do nothing.
    """

    params: t.Mapping[str, t.Any]
    options: ApplianceOptions = dataclasses.field(default_factory=ApplianceOptions)
    check: bool = False


def handle(task: HostTask) -> Outcome:
    """Look at the host and say whether it can launch an appliance; save one, or remove those that are saved."""
    changed = _bring_about(task)
    facts = read_facts()
    store = read_store(task.options.cache_dir)
    return Outcome(changed=changed, result=describe(facts, find_problems(facts), store))


def _bring_about(task: HostTask) -> bool:
    """Bring the warm store into the wanted state; returns whether that is, or would be, a change."""
    before = {saved.key for saved in read_store(task.options.cache_dir).saved}
    wanted = task.params.get("warm")
    if wanted is None or (wanted == "absent" and not before):
        return False
    if task.check:  # which one is wanted is known only to whoever can ask libguestfs
        return wanted == "absent" or not before
    if wanted == "absent":
        drop_all(task.options.cache_dir)
        return True
    if _schema.MISSING is not None:
        raise HostError("Without voluptuous no appliance is started.", hint="Install python3-voluptuous.")
    save(dataclasses.replace(task.options, start="warm"))
    return {saved.key for saved in read_store(task.options.cache_dir).saved} != before


def describe(facts: Facts, problems: t.Sequence[Problem], store: WarmFacts) -> dict[str, t.Any]:
    """Return the module's return values: every key is there, its value None where a thing is missing."""
    return {
        "ready": not any(problem.blocking for problem in problems),
        "problems": [dataclasses.asdict(problem) for problem in problems],
        "backend": "direct",
        "accelerator": _accelerator(facts),
        "kvm": _kvm(facts),
        "qemu": dataclasses.asdict(facts.qemu) if facts.qemu else None,
        "qemu_img": dataclasses.asdict(facts.qemu_img) if facts.qemu_img else None,
        "libguestfs": _library(facts),
        "appliance": _appliance(facts),
        "warm": _warm(store),
        "memory_mb": None if facts.memory is None else facts.memory >> 20,
        "os": dataclasses.asdict(facts.system),
    }


def _warm(store: WarmFacts) -> dict[str, t.Any]:
    return {
        "path": store.folder,
        "refused": store.refused or None,
        "appliances": [
            {"name": saved.key, "size_mb": saved.size >> 20, "last_used": _date(saved.used)} for saved in store.saved
        ],
    }


def _date(seconds: int) -> str:
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def _accelerator(facts: Facts) -> str:
    broken = facts.verdict is not None and facts.verdict["accelerator"] == "tcg"
    return "kvm" if facts.kvm == "usable" and not broken else "tcg"


def _kvm(facts: Facts) -> dict[str, t.Any]:
    return {
        "present": facts.kvm != "absent",
        "accessible": facts.kvm == "usable",
        "works": None if facts.verdict is None else facts.verdict["accelerator"] == "kvm",
    }


def _library(facts: Facts) -> dict[str, t.Any] | None:
    if facts.library is None:
        return None
    return {"version": facts.library.version, "interpreter": facts.library.interpreter}


def _appliance(facts: Facts) -> dict[str, t.Any] | None:
    if facts.appliance is None:
        return None
    readable = [kernel.path for kernel in facts.kernels if kernel.readable]
    free = facts.cache.free
    return {
        "kind": facts.appliance.kind,
        "path": facts.appliance.path,
        "kernel": readable[-1] if readable and facts.appliance.kind == "supermin" else None,
        "cache": facts.cache.path,
        "cached": facts.cache.filled,
        "cache_free_mb": None if free is None else free >> 20,
    }
