# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module file against ansible.builtin.file: one task, and one tree on the host and in a guest."""

from __future__ import annotations

import os
import pathlib
import typing as t

import pytest
from ansible.modules import file as twin
from ansible_collections.offline.guest.plugins.module_utils._appliance._calls import Calls
from ansible_collections.offline.guest.plugins.module_utils._errors import OfflineGuestError
from ansible_collections.offline.guest.plugins.module_utils._guest._file import handle
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
    "f": ("content", 0o640, 1, 1),
    "suid": ("content", 0o4755, 1, 1),
    "d": (None, 0o750, 1, 1),
    "d/a": ("a", 0o600, 0, 0),
    "d/b": ("b", 0o755, 1, 1),
    "d/s": (None, 0o700, 0, 0),
    "d/s/c": ("c", 0o644, 0, 0),
    "d/l": (LINK("../f"), 0, 0, 0),
    "d/e": (None, 0o755, 0, 0),
    "d/le": (LINK("e"), 0, 0, 0),
    "setgid": (None, 0o2775, 0, 1),
    "empty": (None, 0o755, 0, 0),
    "lf": (LINK("f"), 0, 0, 0),
    "ld": (LINK("TOP/d"), 0, 0, 0),
    "dangling": (LINK("none"), 0, 0, 0),
    "dangling-d": (LINK("TOP/deep/none"), 0, 0, 0),
}
DEFAULTS = {
    "state": None,
    "src": None,
    "recurse": False,
    "force": False,
    "follow": True,
    "modification_time": None,
    "modification_time_format": "%Y%m%d%H%M.%S",
    "access_time": None,
    "access_time_format": "%Y%m%d%H%M.%S",
}
TIME = "197001020000.00"
CASES: dict[str, dict[str, t.Any]] = {
    "nothing asked": {"path": "f"},
    "mode": {"path": "f", "mode": "0600"},
    "mode as a number": {"path": "f", "mode": 0o600},
    "symbolic mode": {"path": "f", "mode": "u+x,g=u,o="},
    "owner by name": {"path": "f", "owner": "root", "group": "0"},
    "owner takes set-uid": {"path": "suid", "owner": "root"},
    "owner and set-uid": {"path": "suid", "owner": "root", "mode": "u=srwx,go=rx"},
    "file": {"path": "f", "state": "file", "mode": "a+X"},
    "file is missing": {"path": "none", "state": "file"},
    "file is a directory": {"path": "d", "state": "file"},
    "missing, no state": {"path": "none", "mode": "0600"},
    "file through a link": {"path": "lf", "state": "file", "mode": "0600"},
    "file is a link": {"path": "lf", "state": "file", "follow": False, "mode": "0600"},
    "link, no state": {"path": "lf", "mode": "0600", "owner": "root"},
    "link itself, no state": {"path": "lf", "owner": "1", "follow": False},
    "dangling, no state": {"path": "dangling", "force": True, "mode": "0600"},
    "directory": {"path": "new", "state": "directory"},
    "directory with attributes": {"path": "new", "state": "directory", "mode": "0700", "owner": "1", "group": "daemon"},
    "directories, symbolic mode": {"path": "x/y/z", "state": "directory", "mode": "u=rwx,g=rX,o="},
    "directory in a set-gid directory": {"path": "setgid/x/y", "state": "directory"},
    "directory there": {"path": "d", "state": "directory", "mode": "g+w", "owner": "0"},
    "directory is a file": {"path": "f", "state": "directory"},
    "directory below a file": {"path": "f/x", "state": "directory"},
    "directory through a link": {"path": "ld", "state": "directory", "mode": "0700"},
    "directory is a link": {"path": "ld", "state": "directory", "follow": False},
    "directory through a dangling link": {"path": "dangling-d", "state": "directory", "mode": "0711"},
    "directory below a link": {"path": "ld/new/deep", "state": "directory", "group": "1"},
    "recurse": {"path": "d", "state": "directory", "recurse": True, "mode": "u=rwX,g=rX,o=", "owner": "daemon"},
    "recurse, no state": {"path": "d", "recurse": True, "group": "1", "state": "directory"},
    "recurse, not following": {"path": "d", "state": "directory", "recurse": True, "owner": "1", "follow": False},
    "recurse and nothing to do": {"path": "empty", "state": "directory", "recurse": True, "mode": "0755"},
    "recurse makes a directory": {"path": "new", "recurse": True},
    "recurse for a file": {"path": "f", "recurse": True},
    "link new": {"path": "new", "src": "f", "state": "link"},
    "link new, absolute": {"path": "new", "src": "TOP/f", "state": "link"},
    "link new with attributes": {"path": "new", "src": "f", "state": "link", "mode": "0600", "owner": "root"},
    "link new, its own attributes": {"path": "new", "src": "f", "state": "link", "owner": "1", "follow": False},
    "link in a directory": {"path": "d/new", "src": "../d/s", "state": "link"},
    "link there": {"path": "lf", "src": "f", "state": "link"},
    "link changed": {"path": "lf", "src": "TOP/f", "state": "link"},
    "link without src": {"path": "lf", "state": "link", "mode": "0600"},
    "link without src, missing": {"path": "none", "state": "link"},
    "link without src, of a file": {"path": "f", "state": "link", "force": True},
    "link to nothing": {"path": "new", "src": "none", "state": "link"},
    "link to nothing, forced": {"path": "new", "src": "none", "state": "link", "force": True},
    "link in place of a file": {"path": "f", "src": "d/a", "state": "link"},
    "link in place of a file, forced": {"path": "f", "src": "d/a", "state": "link", "force": True},
    "link in place of a directory": {"path": "empty", "src": "TOP/f", "state": "link"},
    "link in place of a directory, forced": {"path": "empty", "src": "TOP/f", "state": "link", "force": True},
    "link in place of a full directory": {"path": "d", "src": "TOP/f", "state": "link", "force": True},
    "hard new": {"path": "new", "src": "TOP/f", "state": "hard"},
    "hard new with attributes": {"path": "new", "src": "TOP/f", "state": "hard", "mode": "0600"},
    "hard without src": {"path": "new", "state": "hard"},
    "hard, no such src": {"path": "new", "src": "TOP/none", "state": "hard"},
    "hard in place of a file": {"path": "suid", "src": "TOP/f", "state": "hard"},
    "hard in place of a file, forced": {"path": "suid", "src": "TOP/f", "state": "hard", "force": True},
    "hard in place of a link": {"path": "lf", "src": "TOP/f", "state": "hard"},
    "hard into a directory": {"path": "d", "src": "TOP/f", "state": "hard"},
    "absent": {"path": "f", "state": "absent"},
    "absent already": {"path": "none", "state": "absent"},
    "absent below nothing": {"path": "none/x", "state": "absent"},
    "absent directory": {"path": "d", "state": "absent"},
    "absent link": {"path": "ld", "state": "absent"},
    "absent dangling link": {"path": "dangling", "state": "absent"},
    "absent through a link": {"path": "ld/s", "state": "absent"},
    "src and file": {"path": "f", "src": "x", "state": "file"},
    "src and no state": {"path": "new", "src": "x"},
    "touch new": {"path": "new", "state": "touch", "mode": "0600", "owner": "1"},
    "touch new in a set-gid directory": {"path": "setgid/new", "state": "touch"},
    "touch new at a time": {"path": "new", "state": "touch", "modification_time": TIME, "access_time": TIME},
    "touch there": {"path": "f", "state": "touch"},
    "touch a directory": {"path": "d", "state": "touch", "mode": "0711"},
    "touch through a link": {"path": "lf", "state": "touch", "mode": "0600"},
    "touch at a time": {"path": "f", "state": "touch", "modification_time": TIME, "access_time": TIME},
    "touch and preserve": {
        "path": "f",
        "state": "touch",
        "modification_time": "preserve",
        "access_time": "preserve",
        "mode": "0600",
    },
    "touch and preserve, nothing to do": {
        "path": "f",
        "state": "touch",
        "modification_time": "preserve",
        "access_time": "preserve",
    },
    "touch a dangling link": {"path": "dangling", "state": "touch"},
    "touch below nothing": {"path": "none/x", "state": "touch"},
    "time": {"path": "f", "modification_time": TIME},
    "time in a format": {"path": "f", "access_time": "2001-02-03", "access_time_format": "%Y-%m-%d", "state": "file"},
    "times there": {"path": "d", "state": "directory", "modification_time": "preserve"},
    "no time": {"path": "f", "modification_time": "yesterday"},
    "times, recursively": {"path": "d", "state": "directory", "recurse": True, "access_time": TIME, "follow": False},
    "times of a link's file": {"path": "lf", "state": "link", "modification_time": TIME},
}
# Where the twin shows nothing although something changes, or a change of state although nothing does; and the bits that
# a chown takes, which the twin sees only once it has done it.
OTHER_DIFF = {
    "touch new",
    "touch new in a set-gid directory",
    "touch new at a time",
    "touch there",
    "touch a directory",
}
OTHER_DIFF |= {
    "owner takes set-uid",
    "owner and set-uid",
    "absent below nothing",
    "touch through a link",
    "touch and preserve, nothing to do",
    "absent already",
}
OTHER_MESSAGE = {"directory below a file", "touch below nothing", "touch a dangling link", "no time"}
OTHER_MESSAGE |= {"link without src, of a file"}  # the twin dies of it
NOT_COMPARED = {"mtime", "atime", "contents"}


def ours(rpc: FakeRpc, params: t.Mapping[str, t.Any], *, check: bool = False) -> Outcome:
    calls = Calls(rpc)
    task = Task({**DEFAULTS, **params}, Guest(calls, GuestFiles(calls)), check, lambda text: None)
    return handle(task)


@pytest.mark.parametrize("name", CASES)
def test_like_the_twin(name: str, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    top = tmp_path / "t"
    top.mkdir()
    rpc = build(top, TREE)
    case = dict(CASES[name])
    case["path"] = f"{top}/{case['path']}"
    if "src" in case:
        case["src"] = case["src"].replace("TOP", str(top))
    theirs = run_module(twin, **case)
    untouched = rpc.snapshot()
    try:
        planned = ours(rpc, case, check=True)
        assert rpc.snapshot() == untouched, "a plan changed something"
        done = ours(rpc, case)
    except OfflineGuestError as exc:
        assert theirs.get("failed"), f"only ours failed: {exc}; theirs: {theirs}"
        assert rpc.snapshot() == untouched
        assert str(exc)[:20] == theirs["msg"][:20] or name in OTHER_MESSAGE, (str(exc), theirs["msg"])
        return
    assert not theirs.get("failed"), f"only the twin failed: {theirs}"
    assert guest_tree(rpc, top) == host_tree(top)
    assert done.changed == theirs["changed"]
    assert planned.changed == done.changed
    keys = set(theirs) - {"invocation", "changed", "diff", "warnings", "failed"}
    assert keys <= set(done.result), keys - set(done.result)
    same = {key: theirs[key] for key in keys if not (key == "size" and theirs["state"] == "directory")}
    if same.get("src", "") is None:  # the twin reads a link only where it follows it to something
        del same["src"]
    assert {key: done.result[key] for key in same} == same
    if name not in OTHER_DIFF:
        compare_diff(done.diff, theirs.get("diff"))


def compare_diff(our: t.Any, their: t.Any) -> None:
    for side in ("before", "after"):
        mine = {key: value for key, value in our[side].items() if key not in NOT_COMPARED}
        twins = {key: value for key, value in their[side].items() if key not in NOT_COMPARED}
        content, other = mine.pop("path_content", None), twins.pop("path_content", None)
        assert mine == twins
        if content != other:  # the twin takes a link to a directory for a directory
            assert sorted(content["directories"] + content["files"]) == sorted(other["directories"] + other["files"])
