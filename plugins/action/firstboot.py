# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Send the file that ``src`` names to the host that works on the image, then run the module of the same name there."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.module_utils.common.text.converters import to_native
from ansible.plugins.action import ActionBase


class ActionModule(ActionBase):
    TRANSFERS_FILES = True

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        args = dict(self._task.args)
        try:
            if args.get("src") is not None:
                args["src"] = self._send(args["src"])
            result.update(
                self._execute_module(module_name="offline.guest.firstboot", module_args=args, task_vars=task_vars)
            )
        finally:
            self._remove_tmp_path(self._connection._shell.tmpdir)
        return result

    def _send(self, source: str) -> str:
        """Return where the module finds the content; a file encrypted with Ansible Vault is decrypted on the way."""
        try:
            local = self._loader.get_real_file(self._find_needle("files", source), decrypt=True)
        except AnsibleError as exc:
            raise AnsibleActionFail(to_native(exc)) from exc
        remote = self._connection._shell.join_path(self._connection._shell.tmpdir, "source")
        self._transfer_file(local, remote)
        self._fixup_perms2((self._connection._shell.tmpdir, remote))
        return str(remote)
