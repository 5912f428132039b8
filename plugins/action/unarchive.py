# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Send an archive of the controller to the host that works on the image, then run the module of the same name there."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleActionFail
from ansible.module_utils.parsing.convert_bool import boolean

from ..plugin_utils._send import SendingAction


class ActionModule(SendingAction):
    def arguments(self, args: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        source = args.get("src")
        if source is None or args.get("dest") is None:
            raise AnsibleActionFail("src (or content) and dest are required")
        if "copy" in args and "remote_src" in args:
            raise AnsibleActionFail("parameters are mutually exclusive: ('copy', 'remote_src')")
        if "copy" in args:
            args["remote_src"] = not boolean(args.pop("copy"), strict=False)
        decrypt = boolean(args.pop("decrypt", True), strict=False)
        # A URL goes to the module, which says what to do instead.
        if not boolean(args.get("remote_src", False), strict=False) and "://" not in source:
            args["src"] = self.send(self.find(source), decrypt=decrypt)
        return args
