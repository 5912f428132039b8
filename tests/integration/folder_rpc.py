# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A folder of this host as a guest's file system, behind the ``Rpc`` protocol.

For comparisons with programs that ran in a chroot of that folder. Only the calls of GuestFiles are there, and only for
paths that GuestFiles has resolved: nothing here keeps a link from leading out of the folder.
"""

from __future__ import annotations

import os
import shutil
import typing as t
from pathlib import Path

from ansible_collections.offline.guest.plugins.module_utils._errors import CallError


class FolderRpc:
    """The calls; their errors have the errno that libguestfs would report."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def call(self, name: str, *args: t.Any, **_options: t.Any) -> t.Any:
        """Make a call."""
        try:
            return getattr(self, f"_call_{name}")(*args)
        except OSError as exc:
            raise CallError(name, str(exc), exc.errno or 0) from exc

    def _at(self, path: str) -> str:
        return f"{self._folder}{path}"

    def _call_lstatns(self, path: str) -> dict[str, int]:
        found = os.lstat(self._at(path))
        fields = {key: getattr(found, key) for key in ("st_mode", "st_uid", "st_gid", "st_size", "st_ino", "st_dev")}
        return {**fields, "st_mtime_sec": int(found.st_mtime)}

    def _call_readlink(self, path: str) -> str:
        return os.readlink(self._at(path))

    def _call_pread(self, path: str, count: int, offset: int) -> bytes:
        with open(self._at(path), "rb") as stream:
            return os.pread(stream.fileno(), count, offset)

    def _call_readdir(self, path: str) -> list[dict[str, t.Any]]:
        return [{"name": name} for name in os.listdir(self._at(path))]

    def _call_lgetxattrs(self, _path: str) -> list[dict[str, t.Any]]:
        return []

    def _call_write(self, path: str, content: bytes) -> None:
        Path(self._at(path)).write_bytes(content)

    def _call_mkdir_mode(self, path: str, mode: int) -> None:
        os.mkdir(self._at(path), mode)

    def _call_ln_s(self, target: str, linkname: str) -> None:
        os.symlink(target, self._at(linkname))

    def _call_chmod(self, mode: int, path: str) -> None:
        os.chmod(self._at(path), mode)

    def _call_lchown(self, owner: int, group: int, path: str) -> None:
        os.lchown(self._at(path), owner, group)

    def _call_rename(self, old: str, new: str) -> None:
        os.rename(self._at(old), self._at(new))

    def _call_rm(self, path: str) -> None:
        os.unlink(self._at(path))

    def _call_rm_rf(self, path: str) -> None:
        at = Path(self._at(path))
        if at.is_dir() and not at.is_symlink():
            shutil.rmtree(at)
        else:
            at.unlink()
