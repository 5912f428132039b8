# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""The return values of ``host_info``."""

from __future__ import annotations

import dataclasses
import typing as t

from .._appliance._host import Facts, read_facts
from .._appliance._host_problems import Problem, find_problems
from ._task import Outcome


def handle(_params: t.Mapping[str, t.Any]) -> Outcome:
    """Look at the host and say whether it can launch an appliance."""
    facts = read_facts()
    return Outcome(changed=False, result=describe(facts, find_problems(facts)))


def describe(facts: Facts, problems: t.Sequence[Problem]) -> dict[str, t.Any]:
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
        "memory_mb": None if facts.memory is None else facts.memory >> 20,
        "os": dataclasses.asdict(facts.system),
    }


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
