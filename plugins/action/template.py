# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Let ansible.builtin.template make the file on the controller, and copy what it made into the guest.

That plugin asks for the action plugin ``copy`` by name and hands it the file. It gets offline.guest.copy in its place,
and nothing else: whatever else it asked for would work on the host, so it is refused.
"""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleActionFail
from ansible.plugins.action.template import ActionModule as TemplateAction

_COPY = ("ansible.legacy.copy", "ansible.builtin.copy", "copy")


class _Loaders:
    """The plugin loaders of Ansible, of which that for actions has our copy only."""

    def __init__(self, loaders: t.Any) -> None:
        self._loaders = loaders

    @property
    def action_loader(self) -> _Loaders:
        return self

    def get(self, name: str, *args: t.Any, **kwargs: t.Any) -> t.Any:
        """Return our copy for Ansible's own."""
        if name not in _COPY:
            raise _unexpected(name)
        kwargs["shared_loader_obj"] = self._loaders
        return self._loaders.action_loader.get("offline.guest.copy", *args, **kwargs)


class ActionModule(TemplateAction):
    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        loaders: t.Any = _Loaders(self._shared_loader_obj)
        self._shared_loader_obj = loaders
        return dict(super().run(tmp, task_vars))

    def _execute_module(self, *args: t.Any, **kwargs: t.Any) -> t.NoReturn:
        raise _unexpected(str(kwargs.get("module_name") or (args or ("a module",))[0]))


def _unexpected(name: str) -> AnsibleActionFail:
    return AnsibleActionFail(
        f"The action ansible.builtin.template of this version of Ansible uses {name}, which would work on the host and "
        "not on the guest, so it was not run. Use offline.guest.copy with lookup('ansible.builtin.template', ...)."
    )
