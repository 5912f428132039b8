# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Have the module of the same name put a file of the guest into a private folder, and bring it to the controller.

Where the module runs on the controller as the same user, that folder is beside the destination, and the file is moved.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
import tempfile
import typing as t

from ansible.errors import AnsibleActionFail
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase
from ansible.utils.path import makedirs_safe

from ..module_utils._errors import OptionError, printable
from ..module_utils._guest._paths import GuestPath

_BLOCK = 1024 * 1024


class ActionModule(ActionBase):
    TRANSFERS_FILES = True

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        try:
            dest = self._destination(task_vars or {})
            with self._stage(dest) as stage:
                found = self._from_module(dest, stage, task_vars or {})
                result.update(found if "remote_checksum" not in found else self._brought(found, dest))
        finally:
            self._remove_tmp_path(self._connection._shell.tmpdir)
        return result

    # Where to

    def _destination(self, task_vars: t.Mapping[str, t.Any]) -> str:
        """Return the path of the file to be, on the controller."""
        source, dest = (self._text(key) for key in ("src", "dest"))
        try:
            source = GuestPath.given(source)
        except OptionError as exc:
            raise AnsibleActionFail(str(exc)) from exc
        if boolean(self._task.args.get("flat", False), strict=False):
            path = self._flat(source, dest)
        else:
            host = str(task_vars.get("inventory_hostname") or self._play_context.remote_addr)
            path = f"{self._loader.path_dwim(dest)}/{host}{source}"
        path = os.path.realpath(path)
        if os.path.isdir(path):
            raise AnsibleActionFail(
                f"calculated dest '{_shown(path)}' is an existing directory, use another path that does not point to "
                "an existing directory"
            )
        return path

    def _text(self, key: str) -> str:
        value = self._task.args.get(key)
        if not value or not isinstance(value, str):
            raise AnsibleActionFail("src and dest are required, and must be strings")
        return value

    def _flat(self, source: str, dest: str) -> str:
        if dest.endswith("/"):
            return f"{self._loader.path_dwim(dest)}/{os.path.basename(source)}"
        local = str(self._loader.path_dwim(dest))
        if os.path.isdir(local):
            raise AnsibleActionFail(
                "dest is an existing directory, use a trailing slash if you want to fetch src into that directory"
            )
        return local

    # From where

    def _is_here(self) -> bool:
        return self._connection.transport == "local" and self._connection.become is None

    @contextlib.contextmanager
    def _stage(self, dest: str) -> t.Iterator[str | None]:
        """Give a folder for the module to put the file into; None in check mode, in which nothing is brought."""
        if self._task.check_mode:
            yield None
        elif self._is_here():
            with _folder_near(dest) as folder:
                yield folder
        else:
            yield str(self._connection._shell.tmpdir)

    def _from_module(self, dest: str, stage: str | None, task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        args = {**self._task.args, "_stage": stage}
        if os.path.isfile(dest):
            args.update(_size=os.path.getsize(dest), _checksum=_digests(dest)[0])
        found: dict[str, t.Any] = self._execute_module(
            module_name=self._task.resolved_action, module_args=args, task_vars=task_vars
        )
        return found

    # The file itself

    def _brought(self, found: dict[str, t.Any], dest: str) -> dict[str, t.Any]:
        """Return the result, the file being where it is to be."""
        staged = found.pop("staged")
        has = _digests(dest) if os.path.isfile(dest) else None
        found.update(dest=_shown(dest), remote_md5sum=None, changed=has is None or has[0] != found["remote_checksum"])
        if staged is None or not found["changed"]:
            checksum, md5sum = has if has and not found["changed"] else (found["remote_checksum"], None)
            return {**found, "checksum": checksum, "md5sum": md5sum}
        makedirs_safe(os.path.dirname(dest))
        with _replacing(dest) as temporary:
            if self._is_here():
                _move(staged, temporary)
            else:
                self._connection.fetch_file(staged, temporary)
            found["checksum"], found["md5sum"] = _digests(temporary)
            if self._is_wrong(found):
                raise AnsibleActionFail("checksum mismatch", result={**found, "changed": False})
        return found

    def _is_wrong(self, found: t.Mapping[str, t.Any]) -> bool:
        wanted = boolean(self._task.args.get("validate_checksum", True), strict=False)
        return wanted and found["checksum"] != found["remote_checksum"]


@contextlib.contextmanager
def _folder_near(dest: str) -> t.Iterator[str]:
    """Give a private folder on the file system of ``dest``, whose own folders are made only if there is a file."""
    above = os.path.dirname(dest)
    while not os.path.isdir(above):
        above = os.path.dirname(above)
    try:
        folder = tempfile.mkdtemp(prefix=".offline-guest-", dir=above)
    except OSError:
        folder = tempfile.mkdtemp(prefix="offline-guest-")
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _replacing(dest: str) -> t.Iterator[str]:
    """Give the path of a file that takes the place of ``dest`` at one instant, if nothing goes wrong."""
    descriptor, temporary = tempfile.mkstemp(prefix=".offline-guest-", dir=os.path.dirname(dest))
    os.close(descriptor)
    try:
        yield temporary
        os.chmod(temporary, os.stat(dest).st_mode & 0o7777 if os.path.exists(dest) else 0o666 & ~_umask())
        os.replace(temporary, dest)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)


def _umask() -> int:
    current = os.umask(0o077)
    os.umask(current)
    return current


def _move(source: str, target: str) -> None:
    """Move a file, which is copied only where that is on another file system."""
    try:
        os.replace(source, target)
    except OSError as exc:
        if exc.errno != errno.EXDEV:
            raise
        shutil.copyfile(source, target)


def _digests(path: str) -> tuple[str, str | None]:
    """Return SHA-1 and MD5 of a file, the latter None on a host whose policy has none."""
    digests = [hashlib.sha1()]
    with contextlib.suppress(ValueError):
        digests.append(hashlib.md5())
    with open(path, "rb") as stream:
        for block in iter(lambda: stream.read(_BLOCK), b""):
            for digest in digests:
                digest.update(block)
    return digests[0].hexdigest(), digests[1].hexdigest() if len(digests) > 1 else None


def _shown(path: str) -> str:
    return printable(path, limit=len(path))
