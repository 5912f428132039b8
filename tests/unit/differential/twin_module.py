# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs file modules of Ansible in this process with the real AnsibleModule, and trees that are there twice.

A tree on the host and its likeness in a guest in memory have the same absolute paths, so that one task fits both.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import pathlib
import stat
import types
import typing as t

from ansible.module_utils import basic
from ansible_collections.offline.guest.tests.unit.guest.fake_rpc import FakeRpc


def run_module(module: types.ModuleType, *, check: bool = False, **params: t.Any) -> dict[str, t.Any]:
    """Run the module's ``main`` in diff mode under a umask of 022, and return its result."""
    settings = {"_ansible_check_mode": check, "_ansible_diff": True, "_ansible_remote_tmp": "/tmp"}
    before = basic._ANSIBLE_ARGS, basic._ANSIBLE_PROFILE
    basic._ANSIBLE_ARGS = json.dumps({"ANSIBLE_MODULE_ARGS": {**params, **settings}}).encode()
    basic._ANSIBLE_PROFILE = "legacy"
    said, umask = io.StringIO(), os.umask(0o022)
    try:
        with contextlib.redirect_stdout(said), contextlib.suppress(SystemExit):
            module.main()
    except Exception as exc:  # the twin died of it
        return {"failed": True, "msg": str(exc)}
    finally:
        os.umask(umask)
        basic._ANSIBLE_ARGS, basic._ANSIBLE_PROFILE = before
    return dict(json.loads(said.getvalue()))


#: What an entry is: text of a file, None for a directory, a link's target as a path, and mode, uid and gid.
Entries = t.Mapping[str, tuple[t.Union[str, None, pathlib.PurePosixPath], int, int, int]]


def build(top: pathlib.Path, entries: Entries) -> FakeRpc:
    """Make the entries below ``top``, on the host and in a guest."""
    rpc = FakeRpc()
    rpc.add_file("/etc/passwd", b"root:x:0:0::/root:/bin/sh\ndaemon:x:1:1::/:/bin/sh\n")
    rpc.add_file("/etc/group", b"root:x:0:\ndaemon:x:1:\n")
    rpc.add_dir(str(top))
    for name, (what, mode, uid, gid) in entries.items():
        path = top / name
        if what is None:
            path.mkdir()
            rpc.add_dir(str(path), mode, uid=uid, gid=gid)
        elif isinstance(what, pathlib.PurePosixPath):
            target = str(what).replace("TOP", str(top))
            path.symlink_to(target)
            rpc.add_link(str(path), target, uid=uid, gid=gid)
        else:
            path.write_text(what)
            rpc.add_file(str(path), what.encode(), mode, uid=uid, gid=gid)
        os.chown(path, uid, gid, follow_symlinks=False)
        if not path.is_symlink():
            path.chmod(mode)
            os.utime(path, (1_000_000, 1_000_000))
    return rpc


def host_tree(top: pathlib.Path) -> dict[str, tuple[t.Any, ...]]:
    """Return kind, mode, owner, group, and content or target of all entries below ``top``."""
    found = {}
    for path in sorted(top.rglob("*")):
        there = path.lstat()
        what = os.readlink(path) if path.is_symlink() else path.read_bytes() if path.is_file() else ""
        found[str(path)] = (stat.S_IFMT(there.st_mode), stat.S_IMODE(there.st_mode), there.st_uid, there.st_gid, what)
    return found


def guest_tree(rpc: FakeRpc, top: pathlib.Path) -> dict[str, tuple[t.Any, ...]]:
    """Return the same of the guest."""
    found = {}
    for path, node in rpc.nodes.items():
        if path.startswith(f"{top}/"):
            kind = stat.S_IFMT(node.mode)
            what = node.target if kind == stat.S_IFLNK else node.content if kind == stat.S_IFREG else ""
            found[path] = (kind, stat.S_IMODE(node.mode), node.uid, node.gid, what)
    return found
