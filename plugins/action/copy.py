# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Send what ``src`` names, or what ``content`` holds, to the host that works on the image, then run the module there.

What ``content`` holds travels as a file, so that it is in no argument, log or result.
"""

from __future__ import annotations

import json
import os
import stat
import typing as t

from ansible.errors import AnsibleActionFail
from ansible.module_utils.common.text.converters import to_bytes
from ansible.module_utils.parsing.convert_bool import boolean

from ..module_utils._errors import OfflineGuestError
from ..plugin_utils._send import SendingAction


class ActionModule(SendingAction):
    MODULE = "offline.guest.copy"  # which the module template runs as well

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result = super().run(tmp, task_vars)
        if self._task.no_log or not self._task.diff:
            result.pop("diff", None)  # -vvv would show it all the same
        return result

    def arguments(self, args: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        _check(args)
        if args.get("content") is not None:
            return {**args, "src": self._send_content(args["content"]), "content": "", "remote_src": False}
        if args.get("guest_src") or boolean(args.get("remote_src", False), strict=False):
            return args
        try:
            return {**args, **self._send_source(str(args["src"]), args)}
        except (OSError, OfflineGuestError) as exc:
            raise AnsibleActionFail(str(exc)) from exc

    def _send_content(self, content: t.Any) -> str:
        text = json.dumps(content) if isinstance(content, (dict, list)) else content
        path = os.path.join(self.private_folder(), "content")
        with open(path, "wb") as stream:
            stream.write(to_bytes(text))
        return self.send_as(path, "content", decrypt=False)

    def _send_source(self, named: str, args: dict[str, t.Any]) -> dict[str, t.Any]:
        source, decrypt = self.find(named), boolean(args.get("decrypt", True), strict=False)
        name = os.path.basename(source.rstrip("/")) or "source"
        if not os.path.isdir(source):
            mode = args.get("mode")
            if mode == "preserve":
                mode = f"0{stat.S_IMODE(os.stat(source).st_mode):03o}"
            return {"src": self.send_as(source, name, decrypt=decrypt), "mode": mode}
        follow = boolean(args.get("local_follow", True), strict=False)
        sent, followed = self.send_directory(source.rstrip("/") or "/", name, follow=follow, decrypt=decrypt)
        # The trailing slash, which says whether the directory is meant or what is in it, is lost in the search.
        return {"src": os.path.join(sent, "") if named.endswith("/") else sent, "local_follow": follow and not followed}


def _check(args: t.Mapping[str, t.Any]) -> None:
    sources = [key for key in ("src", "guest_src") if args.get(key)]
    sources += ["content"] if args.get("content") is not None else []
    if not sources:
        raise AnsibleActionFail("src (or content) is required")
    if len(sources) > 1:
        raise AnsibleActionFail(f"{' and '.join(sources)} are mutually exclusive")
    if "guest_src" in sources and boolean(args.get("remote_src") or False, strict=False):
        raise AnsibleActionFail("guest_src and remote_src are mutually exclusive")
    if not args.get("dest"):
        raise AnsibleActionFail("dest is required")
    if "content" in sources and str(args["dest"]).endswith("/"):
        raise AnsibleActionFail("can not use content with a dir as dest")
