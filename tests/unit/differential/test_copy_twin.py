# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module copy against that of ansible.builtin: one source, one task, and one tree on the host and in a guest."""

from __future__ import annotations

import hashlib
import os
import pathlib
import typing as t

import pytest
from ansible.modules import copy as twin
from ansible_collections.offline.guest.plugins.module_utils._appliance._calls import Calls
from ansible_collections.offline.guest.plugins.module_utils._errors import OfflineGuestError
from ansible_collections.offline.guest.plugins.module_utils._guest._copy import handle
from ansible_collections.offline.guest.plugins.module_utils._guest._files import GuestFiles
from ansible_collections.offline.guest.plugins.module_utils._guest._guest import Guest
from ansible_collections.offline.guest.plugins.module_utils._guest._task import Outcome, Task
from ansible_collections.offline.guest.tests.unit.differential.twin_module import (
    Entries,
    build,
    guest_tree,
    host_tree,
    run_module,
)
from ansible_collections.offline.guest.tests.unit.guest.fake_rpc import FakeRpc

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")

LINK = pathlib.PurePosixPath
TREE: Entries = {
    "same": ("new content\n", 0o600, 1, 1),
    "other": ("old content\n", 0o640, 1, 1),
    "suid": ("old content\n", 0o4755, 1, 1),
    "d": (None, 0o750, 1, 1),
    "d/source": ("in d\n", 0o604, 1, 1),
    "setgid": (None, 0o2775, 0, 1),
    "l-same": (LINK("same"), 0, 0, 0),
    "l-other": (LINK("TOP/other"), 0, 1, 1),
    "l-d": (LINK("d"), 0, 0, 0),
    "dangling": (LINK("none"), 0, 0, 0),
}
DEFAULTS: dict[str, t.Any] = {
    "src": None,
    "guest_src": None,
    "content": None,
    "backup": False,
    "force": True,
    "validate": None,
    "mode": None,
    "directory_mode": None,
    "remote_src": False,
    "follow": False,
    "local_follow": None,
    "checksum": None,
}
CASES: dict[str, dict[str, t.Any]] = {
    "new": {"dest": "new"},
    "new with attributes": {"dest": "new", "mode": "0600", "owner": "daemon", "group": "1"},
    "new, symbolic mode": {"dest": "new", "mode": "u+x,o="},
    "new in a set-gid directory": {"dest": "setgid/new"},
    "new, preserved mode": {"dest": "new", "mode": "preserve"},
    "same": {"dest": "same"},
    "same with attributes": {"dest": "same", "mode": "0644", "owner": "root"},
    "same, preserved mode": {"dest": "same", "mode": "preserve"},
    "other": {"dest": "other"},
    "other with attributes": {"dest": "other", "mode": "g+w", "group": "root"},
    "other, set-uid": {"dest": "suid"},
    "other, set-uid and a new owner": {"dest": "suid", "owner": "root"},
    "not forced": {"dest": "other", "force": False},
    "not forced, missing": {"dest": "new", "force": False},
    "not forced, a link": {"dest": "l-other", "force": False},
    "not forced, a dangling link": {"dest": "dangling", "force": False},
    "backup": {"dest": "other", "backup": True, "mode": "0644"},
    "backup of nothing": {"dest": "new", "backup": True},
    "backup without a change": {"dest": "same", "backup": True},
    "into a directory": {"dest": "d"},
    "into a directory with a slash": {"dest": "d/"},
    "into a directory through a link": {"dest": "l-d", "mode": "0600"},
    "into directories that are missing": {
        "dest": "x/y/z/",
        "mode": "0600",
        "owner": "daemon",
        "directory_mode": "0711",
    },
    "into a missing directory without a slash": {"dest": "x/new"},
    "below a link": {"dest": "l-d/new"},
    "below a file": {"dest": "other/new"},
    "in place of a link": {"dest": "l-other"},
    "in place of a link of the same content": {"dest": "l-same", "owner": "1"},
    "in place of a link, with a backup": {"dest": "l-other", "backup": True},
    "in place of a dangling link": {"dest": "dangling"},
    "following a link": {"dest": "l-other", "follow": True, "mode": "0600"},
    "following a link to the same content": {"dest": "l-same", "follow": True, "mode": "0644"},
    "following a dangling link": {"dest": "dangling", "follow": True},
    "right checksum": {"dest": "new", "checksum": "SHA1"},
    "wrong checksum": {"dest": "new", "checksum": "0" * 40},
    "valid": {"dest": "other", "validate": "grep -q content %s"},
    "invalid": {"dest": "other", "validate": "grep -q nothing %s"},
    "same and invalid": {"dest": "same", "validate": "false %s"},
    "no place to put it": {"dest": "other", "validate": "true"},
}


def ours(rpc: FakeRpc, params: t.Mapping[str, t.Any], *, check: bool = False) -> Outcome:
    calls = Calls(rpc)
    return handle(Task({**DEFAULTS, **params}, Guest(calls, GuestFiles(calls)), check, lambda text: None))


@pytest.mark.parametrize("name", CASES)
def test_like_the_twin(name: str, tmp_path: pathlib.Path) -> None:
    top, source = tmp_path / "t", tmp_path / "s"
    top.mkdir()
    rpc = build(top, TREE)
    sources = [source / side / "source" for side in ("theirs", "ours")]
    for path in sources:
        path.parent.mkdir(parents=True)
        path.write_text("new content\n")
        path.chmod(0o604)
    case = {**CASES[name], "dest": f"{top}/{CASES[name]['dest']}"}
    if case.get("checksum") == "SHA1":
        case["checksum"] = hashlib.sha1(b"new content\n").hexdigest()
    theirs = run_module(twin, **{**case, "src": str(sources[0]), "_original_basename": "source"})
    untouched = rpc.snapshot()
    try:
        planned = ours(rpc, {**case, "src": str(sources[1])}, check=True)
        assert rpc.snapshot() == untouched, "a plan changed something"
        done = ours(rpc, {**case, "src": str(sources[1])})
    except OfflineGuestError as exc:
        assert theirs.get("failed"), f"only ours failed: {exc}; theirs: {theirs}"
        assert rpc.snapshot() == untouched
        if name not in ("no place to put it", "below a file"):  # of the second, the twin dies
            assert str(exc)[:18] == theirs["msg"][:18], (str(exc), theirs["msg"])
        return
    assert not theirs.get("failed"), f"only the twin failed: {theirs}"
    assert without_backups(guest_tree(rpc, top)) == without_backups(host_tree(top))
    assert (planned.changed, done.changed) == (theirs["changed"], theirs["changed"])
    keys = set(theirs) - {"invocation", "changed", "diff", "warnings", "failed", "src", "backup_file"}
    assert {key: done.result.get(key) for key in keys} == {key: theirs[key] for key in keys}
    assert ("backup_file" in done.result) == ("backup_file" in theirs)


def without_backups(tree: dict[str, tuple[t.Any, ...]]) -> dict[str, tuple[t.Any, ...]]:
    """Take what differs out of the names of backups."""
    return {path.split(".")[0] + "~" if path.endswith("~") else path: entry for path, entry in tree.items()}
