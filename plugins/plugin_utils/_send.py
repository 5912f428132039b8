# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin utility is private to this collection: it may change at any time.

"""What action plugins share that send files of the controller to the host that works on the image."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import tarfile
import tempfile
import typing as t

from ansible import constants as C
from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.module_utils.common.text.converters import to_native
from ansible.plugins.action import ActionBase

from ..module_utils._guest._copy_source import HostTree, SourceEntry, walk


class SendingAction(ActionBase):
    """An action plugin that sends files, runs the module of its own name with their paths, and removes them again."""

    TRANSFERS_FILES = True
    #: The module that is run; None for the one that the task names.
    MODULE: str | None = None

    def arguments(self, args: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        """Return the module's arguments, made from the task's.

        :raises AnsibleActionFail: they cannot be meant as they are, or a file is missing.
        """
        raise NotImplementedError

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        module = self.MODULE or self._task.resolved_action
        with contextlib.ExitStack() as self._cleanup:
            self._cleanup.callback(self._remove_tmp_path, self._connection._shell.tmpdir)
            args = self.arguments(dict(self._task.args), task_vars or {})
            result.update(self._execute_module(module_name=module, module_args=args, task_vars=task_vars))
        return result

    def find(self, source: str, folder: str = "files") -> str:
        """Return the path on the controller of what a task names, looked for as Ansible's own actions do.

        :param folder: the folder of a role where it may be, such as ``files`` or ``templates``.
        """
        try:
            return str(self._find_needle(folder, source))
        except AnsibleError as exc:
            raise AnsibleActionFail(to_native(exc)) from exc

    def send(self, local: str, name: str = "source", *, decrypt: bool = True) -> str:
        """Return where the module finds a file of the controller.

        A file encrypted with Ansible Vault is decrypted on the way. Where the module runs on the controller as the same
        user, it reads the file where it is: nothing is copied.
        """
        real = self._real(local, decrypt=decrypt)
        if self._is_here():
            return real
        remote = str(self._connection._shell.join_path(self._connection._shell.tmpdir, name))
        self._transfer_file(real, remote)
        self._fixup_perms2((self._connection._shell.tmpdir, remote))
        return remote

    def send_as(self, local: str, name: str, *, decrypt: bool = True) -> str:
        """Return where the module finds a file of the controller, as :meth:`send`, but under that very name."""
        real = self._real(local, decrypt=decrypt)
        if not self._is_here():
            remote = self._join(self._remote_folder(), name)
            self._transfer_file(real, remote)
            self._fixup_perms2((self._connection._shell.tmpdir, os.path.dirname(remote), remote))
            return remote
        if os.path.basename(real) == name:
            return real
        link = os.path.join(self.private_folder(), name)
        os.symlink(real, link)
        return link

    def send_directory(self, local: str, name: str, *, follow: bool, decrypt: bool = True) -> tuple[str, bool]:
        """Return where the module finds a directory of the controller, and whether links in it were followed already.

        Where the module runs on the controller as the same user, it reads the directory where it is, unless a file in
        it is encrypted. Otherwise all of it travels as one archive.
        """
        entries = list(walk(HostTree(), local, follow=follow))
        real = {item.origin: self._real(item.origin, decrypt=decrypt) for item in entries if item.kind == "file"}
        if self._is_here() and all(path == origin for origin, path in real.items()):
            return local, False
        archive = os.path.join(self.private_folder(), "source.tar")
        _pack(archive, name, entries, real)
        folder = self._remote_folder()
        remote = self._join(folder, "source.tar")
        self._transfer_file(archive, remote)
        self._command(f"tar -x -p -o -f {shlex.quote(remote)} -C {shlex.quote(folder)}")
        self._command(f"rm -f {shlex.quote(remote)}")
        self._hand_over([folder, self._join(folder, name)], execute=True)
        for kind in ("directory", "file"):
            paths = [self._join(folder, name, item.name) for item in entries if item.kind == kind]
            self._hand_over(paths, execute=kind == "directory")
        return self._join(folder, name), True

    def private_folder(self) -> str:
        """Make a folder on the controller that nobody else can look into and that goes with the task."""
        folder = tempfile.mkdtemp(dir=C.DEFAULT_LOCAL_TMP)  # type: ignore[attr-defined]  # made at run time
        self._cleanup.callback(shutil.rmtree, folder, ignore_errors=True)
        return folder

    def _real(self, local: str, *, decrypt: bool) -> str:
        try:
            real = str(self._loader.get_real_file(local, decrypt=decrypt))
        except AnsibleError as exc:
            raise AnsibleActionFail(to_native(exc)) from exc
        if real != local:
            self._cleanup.callback(self._loader.cleanup_tmp_file, real)
        return real

    def _join(self, *parts: str) -> str:
        return str(self._connection._shell.join_path(*parts))

    def _remote_folder(self) -> str:
        """Make a folder of its own in the task's temporary one, so that any name of a file is free in it."""
        folder = self._join(str(self._connection._shell.tmpdir), "source")
        self._command(f"mkdir -m 0700 {shlex.quote(folder)}")
        return folder

    def _command(self, command: str) -> None:
        done = self._low_level_execute_command(command, sudoable=False)
        if done["rc"]:
            raise AnsibleActionFail(f"The host cannot take the source: {to_native(done.get('stderr') or done)}")

    def _hand_over(self, paths: list[str], *, execute: bool) -> None:
        """Let the user read that the module runs as, a hundred paths a command; one who may read all needs nothing."""
        for start in range(0, len(paths) if self._is_become_unprivileged() else 0, 100):
            self._fixup_perms2(paths[start : start + 100], execute=execute)

    def _is_here(self) -> bool:
        return self._connection.transport == "local" and self._connection.become is None


def _pack(archive: str, name: str, entries: t.Iterable[SourceEntry], real: t.Mapping[str, str]) -> None:
    """Write an archive of a directory called ``name``.

    :param real: of the origin of each file, where its content is once it is decrypted.
    """
    with tarfile.open(archive, "w", format=tarfile.PAX_FORMAT) as tar:
        top = tarfile.TarInfo(name)
        top.type, top.mode = tarfile.DIRTYPE, 0o755
        tar.addfile(top)
        for item in entries:
            member = tarfile.TarInfo(f"{name}/{item.name}")
            member.mode = item.mode
            if item.kind == "file":
                member.size = os.path.getsize(real[item.origin])
                with open(real[item.origin], "rb") as stream:
                    tar.addfile(member, stream)
                continue
            member.type = tarfile.DIRTYPE if item.kind == "directory" else tarfile.SYMTYPE
            member.linkname = item.target
            tar.addfile(member)
