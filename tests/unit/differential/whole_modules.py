# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whole modules, in this process: a twin on a folder of this host, ours on a guest in memory that holds the same.

Both go through their own ``main`` and a real AnsibleModule, so options, attributes and results are the real ones.
"""

from __future__ import annotations

import contextlib
import dataclasses
import io
import json
import os
import pathlib
import re
import stat
import types
import typing as t
from unittest import mock

from ansible.module_utils import basic
from ansible.module_utils.testing import patch_module_args
from ansible_collections.offline.guest.plugins.module_utils import _ansible_module
from ansible_collections.offline.guest.plugins.module_utils._appliance._calls import Calls
from ansible_collections.offline.guest.plugins.module_utils._guest._files import GuestFiles
from ansible_collections.offline.guest.plugins.module_utils._guest._guest import Guest
from ansible_collections.offline.guest.plugins.module_utils._guest._task import Outcome, Task
from ansible_collections.offline.guest.tests.unit.guest.fake_rpc import FakeRpc

Result = dict[str, t.Any]
LABEL = "security.selinux"
_BACKUP = re.compile(r"\.[0-9a-f]+\.\d{4}-\d\d-\d\d@\d\d:\d\d:\d\d~")
_UMASK = 0o022


@dataclasses.dataclass(frozen=True)
class Entry:
    """One entry of a tree: a directory, a link to ``target`` or, else, a file with ``content``."""

    content: bytes | None = None
    target: str | None = None
    mode: int = 0o644
    uid: int = 0
    gid: int = 0
    label: str = ""


Tree = t.Mapping[str, Entry]


# This host


def build(root: pathlib.Path, tree: Tree) -> None:
    """Make the tree below a folder of this host; absolute links stay below it."""
    for path, entry in tree.items():
        here = root / path[1:]
        here.parent.mkdir(parents=True, exist_ok=True)
        if entry.target is not None:
            here.symlink_to(f"{root}{entry.target}" if entry.target.startswith("/") else entry.target)
        elif entry.content is None:
            here.mkdir(exist_ok=True)
        else:
            here.write_bytes(entry.content)
        if (entry.uid, entry.gid) != (here.lstat().st_uid, here.lstat().st_gid):
            os.lchown(here, entry.uid, entry.gid)
        if entry.target is None:
            here.chmod(entry.mode)
        if entry.label:
            os.setxattr(here, LABEL, entry.label.encode() + b"\0", follow_symlinks=False)


def tree_of(root: pathlib.Path) -> dict[str, Entry]:
    """Return what is below a folder, backups by a name that has neither process nor time."""
    found = {}
    for here in sorted(root.rglob("*")):
        status = here.lstat()
        content = here.read_bytes() if stat.S_ISREG(status.st_mode) else None
        target = str(here.readlink()).removeprefix(str(root)) if here.is_symlink() else None
        label = ""
        with contextlib.suppress(OSError):
            label = os.getxattr(here, LABEL, follow_symlinks=False).rstrip(b"\0").decode()
        mode = stat.S_IMODE(status.st_mode)
        found[_named(f"/{here.relative_to(root)}")] = Entry(content, target, mode, status.st_uid, status.st_gid, label)
    return found


def run_twin_module(module: types.ModuleType, params: Result, root: pathlib.Path, *, check: bool = False) -> Result:
    """Run a module of Ansible on the tree below ``root``, and return its result with paths as a guest has them."""
    paths: Result = {key: f"{root}{params[key]}" for key in ("path", "dest", "destfile", "name") if key in params}
    umask = os.umask(_UMASK)
    try:
        result = _run(module.main, {**params, **paths}, check=check, folder=root.parent)
    finally:
        os.umask(umask)
    return t.cast(Result, json.loads(_named(json.dumps(result).replace(str(root), ""))))


# A guest


def guest_with(tree: Tree) -> FakeRpc:
    """Make a guest that holds the tree."""
    rpc = FakeRpc()
    for path, entry in tree.items():
        owner = {"uid": entry.uid, "gid": entry.gid}
        if entry.target is not None:
            node = rpc.add_link(path, entry.target, **owner)
        elif entry.content is None:
            node = rpc.add_dir(path, entry.mode, **owner)
        else:
            node = rpc.add_file(path, entry.content, entry.mode, **owner)
            node.flags = frozenset("e")  # as on any ext4
        if entry.label:
            node.xattrs[LABEL] = entry.label.encode() + b"\0"
    return rpc


def tree_in(rpc: FakeRpc) -> dict[str, Entry]:
    """As :func:`tree_of`, of a guest."""
    found = {}
    for path, node in sorted(rpc.nodes.items()):
        content = node.content if stat.S_ISREG(node.mode) else None
        target = node.target if stat.S_ISLNK(node.mode) else None
        label = node.xattrs.get(LABEL, b"").rstrip(b"\0").decode()
        found[_named(path)] = Entry(content, target, stat.S_IMODE(node.mode), node.uid, node.gid, label)
    del found["/"]
    return found


def run_our_module(module: types.ModuleType, params: Result, rpc: FakeRpc, *, check: bool = False) -> Result:
    """Run a module of the collection on a guest in memory, where a check only plans, and return its result."""

    def run_guest_module(
        *, argument_spec: Result, handler: _ansible_module.Handler, writes: bool, **rest: t.Any
    ) -> t.NoReturn:
        assert writes
        spec = {**_ansible_module.IMAGE_SPEC, **argument_spec}
        run = _ansible_module.GuestModule(argument_spec=spec, supports_check_mode=True, **rest)
        calls = Calls(rpc)
        task = Task(run.params, Guest(calls, GuestFiles(calls)), check=run.check_mode, warn=run.warn)

        def work() -> Outcome:
            return handler(task)

        _ansible_module._finish(run, work, needs_voluptuous=False)

    with mock.patch.object(module, "run_guest_module", run_guest_module):
        result = _run(module.main, {"image": "/srv/image", "format": "raw", **params}, check=check, folder=None)
    return t.cast(Result, json.loads(_named(json.dumps(result))))


# Both


def _run(main: t.Callable[[], t.Any], params: Result, *, check: bool, folder: pathlib.Path | None) -> Result:
    internal: Result = {"_ansible_check_mode": check, "_ansible_diff": True, "_ansible_no_log": True}
    if folder is not None:
        internal["_ansible_remote_tmp"] = str(folder)
    said = io.StringIO()
    with patch_module_args({**params, **internal}), contextlib.redirect_stdout(said), _fresh_warnings():
        try:
            main()
        except SystemExit:
            pass
        except Exception as exc:  # for a user that is a failed task
            return {"failed": True, "crashed": True, "msg": repr(exc)}
    result: Result = json.loads(said.getvalue())
    result.pop("invocation", None)
    return result


@contextlib.contextmanager
def _fresh_warnings() -> t.Iterator[None]:
    """Ansible collects them for the whole process."""
    from ansible.module_utils.common import warnings

    warnings._global_warnings.clear()
    yield
    warnings._global_warnings.clear()


def _named(text: str) -> str:
    return _BACKUP.sub(".BACKUP", text)


class HostPolicy:
    """SELinux as Ansible's modules see it, on a host that has none: real labels, and one default for everything."""

    DEFAULT = "system_u:object_r:etc_t:s0"

    is_selinux_enabled = is_selinux_mls_enabled = staticmethod(lambda: 1)

    @staticmethod
    def matchpathcon(_path: str, _mode: int) -> list[t.Any]:
        return [0, HostPolicy.DEFAULT]

    @staticmethod
    def lgetfilecon_raw(path: str) -> list[t.Any]:
        label = os.getxattr(path, LABEL, follow_symlinks=False)
        return [len(label), label.rstrip(b"\0").decode()]

    @staticmethod
    def lsetfilecon(path: str, label: str) -> int:
        os.setxattr(path, LABEL, label.encode() + b"\0", follow_symlinks=False)
        return 0


@contextlib.contextmanager
def selinux() -> t.Iterator[None]:
    """Have Ansible's modules take this host for one with SELinux."""
    with (
        mock.patch.object(basic, "HAVE_SELINUX", new=True),
        mock.patch.object(basic, "selinux", HostPolicy, create=True),
    ):
        yield
