# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A folder of this machine as the file system of a guest, for reading: what a twin module sees of it, ours sees too."""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import typing as t
from pathlib import Path

from ansible_collections.offline.guest.plugins.module_utils._errors import CallError

_TYPES = {stat.S_IFREG: "r", stat.S_IFDIR: "d", stat.S_IFLNK: "l", stat.S_IFIFO: "f"}


class LocalRpc:
    """Calls of the appliance, answered from ``root``; every path must be resolved, as :class:`GuestFiles` promises."""

    def __init__(self, root: Path) -> None:
        self._root = os.path.realpath(root)
        self.log: list[str] = []

    def call(self, name: str, *args: t.Any, extra_seconds: float = 0, **kwargs: t.Any) -> t.Any:
        self.log.append(name)
        return getattr(self, f"_call_{name}")(*args, **kwargs)

    def _at(self, path: str) -> str:
        parent, name = os.path.split(self._root + path)
        assert os.path.realpath(parent) == parent.rstrip("/"), f"{path} leads through a link"
        return os.path.join(parent, name)

    def _call_lstatns(self, path: str) -> dict[str, int]:
        try:
            found = os.lstat(self._at(path))
        except OSError as exc:
            raise CallError("lstatns", path, exc.errno or 0) from exc
        names = [name for name in dir(found) if name.startswith("st_") and not name.endswith("_ns")]
        struct = {name: getattr(found, name) for name in names if not name.endswith("time")}
        for name in ("atime", "mtime", "ctime"):
            struct[f"st_{name}_sec"], struct[f"st_{name}_nsec"] = divmod(getattr(found, f"st_{name}_ns"), 10**9)
        return struct

    def _call_lstatnslist(self, path: str, names: list[str]) -> list[dict[str, int]]:
        found: list[dict[str, int]] = []
        for name in names:
            with contextlib.suppress(CallError):
                found.append(self._call_lstatns(f"{path}/{name}"))
                continue
            found.append({"st_ino": -1})
        return found

    def _call_readdir(self, path: str) -> list[dict[str, t.Any]]:
        with os.scandir(self._at(path)) as entries:
            found = [(item.name, stat.S_IFMT(item.stat(follow_symlinks=False).st_mode)) for item in entries]
        return [{"ino": 0, "ftyp": _TYPES.get(kind, "u"), "name": name} for name, kind in found]

    def _call_readlink(self, path: str) -> str:
        return os.readlink(self._at(path))

    def _call_pread(self, path: str, count: int, offset: int) -> bytes:
        descriptor = os.open(self._at(path), os.O_RDONLY | os.O_NOFOLLOW | os.O_NOATIME)
        try:
            return os.pread(descriptor, count, offset)
        finally:
            os.close(descriptor)

    def _call_checksum(self, csumtype: str, path: str) -> str:
        with open(self._at(path), "rb") as stream:
            return hashlib.new(csumtype, stream.read()).hexdigest()

    def _call_get_e2attrs(self, _file: str) -> str:
        raise CallError("get_e2attrs", "Operation not supported", 95)
