# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What enables, disables, presets and masks units against the ``systemctl --root=…`` that it must equal.

After every step both trees must be the same, to the text of the last link, and so must be what ``is-enabled`` says of
the units that a case asks about. ``OFFLINE_GUEST_EXAMPLES`` is the number of random examples.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible_collections.offline.guest.tests.unit.differential import systemctl
from ansible_collections.offline.guest.tests.unit.differential.systemctl import copied, merged_root
from ansible_collections.offline.guest.tests.unit.differential.systemctl_cases import CASES
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

# Its src/shared/install.c was rewritten for 251, 252 and 253; what it does since is what is followed here.
pytestmark = pytest.mark.skipif(systemctl.version() < 252, reason="needs the systemctl of systemd 252 or later")

few = settings(
    max_examples=int(os.environ.get("OFFLINE_GUEST_EXAMPLES", "100")),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)


@pytest.mark.parametrize("name", CASES)
def test_same_links_and_states(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    start = merged_root(tmp_path / "start", case.tree)
    their_root, our_root = copied(start, "theirs"), copied(start, "ours")
    for number, (verb, *units) in enumerate(case.steps):
        theirs = systemctl.theirs(their_root, verb, *units, force=case.force, scope=case.scope)
        ours = systemctl.ours(our_root, verb, *units, force=case.force, scope=case.scope)
        assert ours == theirs, f"{verb} {units}\ntheirs: {theirs.said}\nours: {ours.said}"
        assert not theirs.failed or number == len(case.steps) - 1, theirs.said
        if theirs.failed or case.scope == "global":
            continue
        for asked in dict.fromkeys([*(unit for unit in units if "/" not in unit), *case.asked]):
            assert systemctl.our_state(our_root, asked) == systemctl.their_state(their_root, asked), (verb, asked)
    assert ours.failed == case.refused
