# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin utility is private to this collection: it may change at any time.

"""What action plugins share that send files of the controller to the host that works on the image."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.module_utils.common.text.converters import to_native
from ansible.plugins.action import ActionBase


class SendingAction(ActionBase):
    """An action plugin that sends files, runs the module of its own name with their paths, and removes them again."""

    TRANSFERS_FILES = True

    def arguments(self, args: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        """Return the module's arguments, made from the task's.

        :raises AnsibleActionFail: they cannot be meant as they are, or a file is missing.
        """
        raise NotImplementedError

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        try:
            args = self.arguments(dict(self._task.args), task_vars or {})
            result.update(
                self._execute_module(module_name=self._task.resolved_action, module_args=args, task_vars=task_vars)
            )
        finally:
            self._remove_tmp_path(self._connection._shell.tmpdir)
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
        try:
            real = str(self._loader.get_real_file(local, decrypt=decrypt))
        except AnsibleError as exc:
            raise AnsibleActionFail(to_native(exc)) from exc
        if self._is_here():
            return real
        remote = str(self._connection._shell.join_path(self._connection._shell.tmpdir, name))
        self._transfer_file(real, remote)
        self._fixup_perms2((self._connection._shell.tmpdir, remote))
        return remote

    def _is_here(self) -> bool:
        return self._connection.transport == "local" and self._connection.become is None
