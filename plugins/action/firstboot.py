# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Send the file that ``src`` names to the host that works on the image, then run the module of the same name there."""

from __future__ import annotations

import typing as t

from ..plugin_utils._send import SendingAction


class ActionModule(SendingAction):
    def arguments(self, args: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        if args.get("src") is not None:
            args["src"] = self.send(self.find(args["src"]))
        return args
