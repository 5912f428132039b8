# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What enables, disables, presets and masks units against the ``systemctl --root=…`` that it must equal.

After every step both trees must be the same, to the text of the last link, and so must be what ``is-enabled`` says of
the units that a case asks about. ``OFFLINE_GUEST_EXAMPLES`` is the number of random examples.
"""

from __future__ import annotations

import os
import tempfile
import typing as t
from pathlib import Path

import pytest
from ansible_collections.offline.guest.tests.unit.differential import systemctl
from ansible_collections.offline.guest.tests.unit.differential.systemctl import copied, merged_root
from ansible_collections.offline.guest.tests.unit.differential.systemctl_cases import CASES, CONFIG, VENDOR
from ansible_collections.offline.guest.tests.unit.differential.trees import listing
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.skipif(not systemctl.is_compared(), reason="needs the systemctl of systemd 252")

few = settings(
    max_examples=int(os.environ.get("OFFLINE_GUEST_EXAMPLES", "60")),
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


# Random units

UNITS = ("a.service", "b.service", "c-d.service", "t@.service", "u@.service", "s.socket", "m.mount", "x.target")
NAMED = (*UNITS, "t@1.service", "u@2.service", "gone.service")
ALIASES = (
    "other.service",
    "other@.service",
    "other@1.service",
    "other.socket",
    "x.target.wants/a.service",
    "b.service",
)
TARGETS = (
    "x.target",
    "y.target",
    "x@.target",
    "x@%i.target",
    "%p.target",
    "%n",
    "%j.target",
    "y.target 'z.target'",
    "no",
)


def assignments(aliases: t.Sequence[str]) -> st.SearchStrategy[str]:
    """One line of [Install], or one that only looks like it."""

    def line(key: str, values: t.Sequence[str]) -> st.SearchStrategy[str]:
        words = st.lists(st.sampled_from(values), max_size=2).map(" ".join)
        return st.builds("{}{}{}".format, st.just(key), st.sampled_from(["=", " = ", "=\\\n "]), words)

    return st.one_of(
        line("WantedBy", TARGETS),
        line("WantedBy", TARGETS[:2]),
        line("RequiredBy", TARGETS[:5]),
        line("Alias", aliases),
        line("Also", NAMED),
        line("DefaultInstance", ("1", "2", "%p")),
        st.sampled_from(["[Unit]", "[Install]", "# x", "WantedBy", "[X-Y]", "; \\"]),
    )


def unit_files(aliases: t.Sequence[str]) -> st.SearchStrategy[str]:
    lines = st.lists(assignments(aliases), max_size=4)
    return lines.map(lambda lines: "\n".join(["[Service]", "[Install]", *lines, ""]))


def trees(aliases: t.Sequence[str]) -> st.SearchStrategy[dict[str, t.Any]]:
    """Unit files in several folders, and drop-ins."""
    folders = st.sampled_from([VENDOR, VENDOR, CONFIG, "/run/systemd/system"])
    dropins = st.sampled_from(["", "", "", ".d/1.conf", ".d/2.conf"])
    names = st.sampled_from(UNITS + ("t@1.service",))
    paths = st.builds("{}/{}{}".format, folders, names, dropins)
    return st.dictionaries(paths, unit_files(aliases), min_size=1, max_size=5)


LINK_NAMES = ("x.target.wants/a.service", "y.target.wants/t@1.service", "l.service")
RULES = (*UNITS, "*", "[ab]*", "t@.service 1")
LINKS = st.dictionaries(
    st.builds("{}/{}".format, st.just(CONFIG), st.sampled_from(LINK_NAMES)),
    st.sampled_from([("/dev/null",), (f"{VENDOR}/a.service",), ("../b.service",), (f"{VENDOR}/t@.service",)]),
    max_size=2,
)
PRESET = st.lists(
    st.builds("{} {}".format, st.sampled_from(["enable", "disable"]), st.sampled_from(RULES)),
    max_size=3,
).map("\n".join)


@few
@given(
    tree=trees(ALIASES),
    links=LINKS,
    rules=PRESET,
    steps=st.lists(
        st.tuples(st.sampled_from(["enable", "enable", "disable", "preset", "mask", "unmask"]), st.sampled_from(NAMED)),
        min_size=1,
        max_size=4,
    ),
)
def test_random_units_are_treated_as_by_systemctl(
    tree: dict[str, t.Any], links: dict[str, t.Any], rules: str, steps: list[tuple[str, str]]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        start = merged_root(Path(folder, "start"), {**links, **tree, f"{VENDOR}-preset/1.preset": rules})
        their_root, our_root = copied(start, "theirs"), copied(start, "ours")
        for verb, name in steps:
            theirs = systemctl.theirs(their_root, verb, name)
            ours = systemctl.ours(our_root, verb, name)
            assert ours == theirs, f"{verb} {name}\ntheirs: {theirs.said}\nours: {ours.said}"
            if theirs.failed:
                return
            assert systemctl.our_state(our_root, name) == systemctl.their_state(their_root, name)


@few
@given(tree=trees(["other.service", "other@.service", "other.socket"]), name=st.sampled_from(NAMED))
def test_disabling_takes_back_what_enabling_did(tree: dict[str, t.Any], name: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = merged_root(Path(folder, "root"), tree)
        before = listing(root)
        enabled = systemctl.ours(root, "enable", name)
        if not enabled.failed:
            after = systemctl.ours(root, "disable", name)
            assert after.tree == before, f"enabling: {enabled.said}\ndisabling: {after.said}"
