# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A folder of this machine as the file system of a guest: what other programs see of it and do to it, ours do too."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import stat
import typing as t
from pathlib import Path

from ansible_collections.offline.guest.plugins.module_utils._errors import CallError

_TYPES = {stat.S_IFREG: "r", stat.S_IFDIR: "d", stat.S_IFLNK: "l", stat.S_IFIFO: "f"}


class FolderRpc:
    """Calls of the appliance, on what is below ``root``; every path must be resolved, as :class:`GuestFiles` promises.

    Their errors have the errno that libguestfs would report.

    :param owned_by_root: have whoever runs the tests seem to be root, as the appliance is.
    """

    def __init__(self, root: Path, *, owned_by_root: bool = False) -> None:
        self._root = os.path.realpath(root)
        self._ids = {"st_uid": os.getuid(), "st_gid": os.getgid()} if owned_by_root else {}
        self.log: list[str] = []

    def call(self, name: str, *args: t.Any, extra_seconds: float = 0, **kwargs: t.Any) -> t.Any:
        self.log.append(name)
        try:
            return getattr(self, f"_call_{name}")(*args, **kwargs)
        except OSError as exc:
            raise CallError(name, str(exc), exc.errno or 0) from exc

    def _at(self, path: str) -> str:
        parent, name = os.path.split(self._root + path)
        assert os.path.realpath(parent) == parent.rstrip("/"), f"{path} leads through a link"
        return os.path.join(parent, name)

    def _call_lstatns(self, path: str) -> dict[str, int]:
        found = os.lstat(self._at(path))
        names = [name for name in dir(found) if name.startswith("st_") and not name.endswith("_ns")]
        struct = {name: getattr(found, name) for name in names if not name.endswith("time")}
        for name in ("atime", "mtime", "ctime"):
            struct[f"st_{name}_sec"], struct[f"st_{name}_nsec"] = divmod(getattr(found, f"st_{name}_ns"), 10**9)
        return {**struct, **{key: 0 for key, own in self._ids.items() if struct[key] == own}}

    def _call_lstatnslist(self, path: str, names: list[str]) -> list[dict[str, int]]:
        found: list[dict[str, int]] = []
        for name in names:
            with contextlib.suppress(OSError):
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

    def _call_lgetxattrs(self, _path: str) -> list[dict[str, t.Any]]:
        return []

    def _call_write(self, path: str, content: bytes) -> None:
        with open(self._at(path), "wb") as stream:
            stream.write(content)

    def _call_pwrite(self, path: str, content: bytes, offset: int) -> int:
        with open(self._at(path), "r+b") as stream:
            return os.pwrite(stream.fileno(), content, offset)

    def _call_mkdir_mode(self, path: str, mode: int) -> None:
        os.mkdir(self._at(path), mode)

    def _call_ln_s(self, target: str, linkname: str) -> None:
        os.symlink(target, self._at(linkname))

    def _call_chmod(self, mode: int, path: str) -> None:
        os.chmod(self._at(path), mode)

    def _call_lchown(self, owner: int, group: int, path: str) -> None:
        with contextlib.suppress(PermissionError):  # an ordinary user may run the tests
            os.lchown(self._at(path), owner, group)

    def _call_rename(self, old: str, new: str) -> None:
        os.rename(self._at(old), self._at(new))

    def _call_rm(self, path: str) -> None:
        os.unlink(self._at(path))

    def _call_rm_rf(self, path: str) -> None:
        at = self._at(path)
        if os.path.isdir(at) and not os.path.islink(at):
            shutil.rmtree(at)
        else:
            os.unlink(at)
