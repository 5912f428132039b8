# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The links of SysV init against Debian's own update-rc.d, whose program is made to work below another root."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import typing as t
from pathlib import Path

import pytest
from ansible_collections.offline.guest.plugins.module_utils._errors import GuestError
from ansible_collections.offline.guest.plugins.module_utils._guest._changes import apply_changes
from ansible_collections.offline.guest.plugins.module_utils._guest._service_sysv import SysvServices
from ansible_collections.offline.guest.plugins.module_utils._guest._unit_tree import Tree
from ansible_collections.offline.guest.tests.unit.differential.systemctl import copied
from ansible_collections.offline.guest.tests.unit.differential.trees import Spec, guest_files, listing, make_tree
from hypothesis import given, settings
from hypothesis import strategies as st

PROGRAM = shutil.which("update-rc.d", path="/usr/sbin:/sbin") or ""

pytestmark = pytest.mark.skipif(not PROGRAM or not shutil.which("perl"), reason="needs Debian's update-rc.d")

few = settings(max_examples=int(os.environ.get("OFFLINE_GUEST_EXAMPLES", "60")), deadline=None)


def header(start: str, stop: str = "0 1 6") -> str:
    return (
        f"#!/bin/sh\n### BEGIN INIT INFO\n# Provides: x\n# Default-Start: {start}\n# Default-Stop: {stop}\n"
        "### END INIT INFO\n# Default-Start: 1\n"
    )


def rooted_program(root: Path) -> Path:
    """Return a copy of the program that has ``root`` before all its paths, and no other init system to speak to."""
    text = Path(PROGRAM).read_text()
    text = re.sub(r"\$dpkg_root(?=/)", "", text)
    text = re.sub(r'(?<=")/(?=(etc|usr|sbin|bin|run|lib)/)', f"{root}/", text)
    made = root.with_name(f"{root.name}.pl")
    made.write_text(text)
    return made


def update_rc_d(root: Path, *arguments: str) -> bool:
    environment = {key: value for key, value in os.environ.items() if key != "DPKG_ROOT"}
    command = ["perl", str(rooted_program(root)), *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, check=False)
    return done.returncode == 0


def theirs(root: Path, name: str, *, enabled: bool) -> bool:
    """Do what Ansible's service module has update-rc.d do."""
    links = [path for path in listing(root) if re.fullmatch(rf"/etc/rc.\.d/[SK]..{re.escape(name)}", path)]
    if any("/S" in path for path in links) == enabled:
        return True
    if enabled and not any("/K" in path for path in links) and not update_rc_d(root, name, "defaults"):
        return False
    return update_rc_d(root, name, "enable" if enabled else "disable")


def ours(root: Path, name: str, *, enabled: bool) -> bool:
    files = guest_files(root)
    tree = Tree(files)
    try:
        SysvServices(tree).set(name, enabled=enabled)
    except GuestError:
        return False
    apply_changes(files, tree.changes())
    return True


def assert_same(tree: Spec, steps: t.Sequence[bool], folder: Path) -> None:
    start = make_tree(folder / "start", {"/usr/sbin/update-rc.d": "#!", "/etc/init.d": None, **tree})
    their_root, our_root = copied(start, "theirs"), copied(start, "ours")
    for enabled in steps:
        done = theirs(their_root, "x", enabled=enabled)
        assert ours(our_root, "x", enabled=enabled) == done
        if not done:
            return
        assert listing(our_root) == listing(their_root)


LINK = ("../init.d/x",)
CASES: dict[str, Spec] = {
    "new": {"/etc/init.d/x": header("2 3 4 5")},
    "of the boot": {"/etc/init.d/x": header("S", "")},
    "no header": {"/etc/init.d/x": "#!/bin/sh\n"},
    "nothing to start": {"/etc/init.d/x": header("", "0 6")},
    "numbered": {
        "/etc/init.d/x": header("2 3 4 5"),
        **{f"/etc/rc{level}.d/S17x": LINK for level in "2345"},
        "/etc/rc6.d/K03x": LINK,
    },
    "disabled": {"/etc/init.d/x": header("2 3"), "/etc/rc2.d/K05x": LINK, "/etc/rc3.d/K05x": ("/etc/init.d/x",)},
    "enabled in one level": {"/etc/init.d/x": header("2 3"), "/etc/rc2.d/S05x": LINK, "/etc/rc3.d/K05x": LINK},
    "in levels that the header has not": {"/etc/init.d/x": header("5"), "/etc/rc2.d/S05x": LINK},
    "override": {
        "/etc/init.d/x": header("2 3 4"),
        "/etc/insserv/overrides/x": header("3"),
        **{f"/etc/rc{level}.d/S17x": LINK for level in "234"},
    },
    "others": {
        "/etc/init.d/x": header("2"),
        "/etc/rc2.d/S01xx": LINK,
        "/etc/rc2.d/S01ax": LINK,
        "/etc/rc2.d/S1x": LINK,
    },
    "single user": {"/etc/init.d/x": header("1", "0 2 3 4 5 6")},
}


@pytest.mark.parametrize("name", CASES)
def test_same_links(name: str, tmp_path: Path) -> None:
    assert_same(CASES[name], [True, True, False, False, True], tmp_path)


LEVELS = st.lists(st.sampled_from("0123456S"), unique=True, max_size=5).map(" ".join)


@few
@given(
    start=LEVELS,
    stop=LEVELS,
    links=st.dictionaries(
        st.builds("{}{}".format, st.sampled_from("023S"), st.sampled_from("SK")), st.just(LINK), max_size=3
    ),
    steps=st.lists(st.booleans(), min_size=1, max_size=3),
)
def test_same_links_for_random_headers(start: str, stop: str, links: dict[str, t.Any], steps: list[bool]) -> None:
    there = {f"/etc/rc{key[0]}.d/{key[1]}07x": link for key, link in links.items()}
    with tempfile.TemporaryDirectory() as folder:
        assert_same({"/etc/init.d/x": header(start, stop), **there}, steps, Path(folder))
