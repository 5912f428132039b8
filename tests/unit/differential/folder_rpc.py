# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A guest's file system in a folder of the host, behind the ``Rpc`` protocol: what other programs can look at, too.

GuestFiles follows every link itself, so no path that comes here has a link in it but at its end.
"""

from __future__ import annotations

import os
import shutil
import stat
import typing as t
from pathlib import Path

from ansible_collections.offline.guest.plugins.module_utils._appliance._calls import Calls
from ansible_collections.offline.guest.plugins.module_utils._errors import CallError
from ansible_collections.offline.guest.plugins.module_utils._guest._files import GuestFiles

Spec = t.Mapping[str, t.Union[str, bytes, tuple[str], None]]


class FolderRpc:
    """Calls on the files below ``root``."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def call(self, name: str, *args: t.Any, **_kwargs: t.Any) -> t.Any:
        try:
            return getattr(self, f"_call_{name}")(*args)
        except OSError as exc:
            raise CallError(name, str(exc), exc.errno or 0) from exc

    def _at(self, path: str) -> Path:
        return self._root / path.lstrip("/")

    def _call_lstatns(self, path: str) -> dict[str, int]:
        found = os.lstat(self._at(path))
        names = {"st_mode": "st_mode", "st_uid": "st_uid", "st_gid": "st_gid", "st_size": "st_size"}
        return {name: getattr(found, field) for name, field in names.items()} | {"st_mtime_sec": int(found.st_mtime)}

    def _call_readlink(self, path: str) -> str:
        return os.readlink(self._at(path))

    def _call_pread(self, path: str, count: int, offset: int) -> bytes:
        with open(self._at(path), "rb", opener=_no_link) as stream:
            stream.seek(offset)
            return stream.read(count)

    def _call_readdir(self, path: str) -> list[dict[str, t.Any]]:
        return [{"ino": 0, "ftyp": "u", "name": name} for name in [*os.listdir(self._at(path)), ".", ".."]]

    def _call_lgetxattrs(self, _path: str) -> list[dict[str, t.Any]]:
        return []

    def _call_write(self, path: str, content: bytes) -> None:
        self._at(path).write_bytes(content)

    def _call_mkdir_mode(self, path: str, mode: int) -> None:
        self._at(path).mkdir(mode)

    def _call_ln_s(self, target: str, linkname: str) -> None:
        self._at(linkname).symlink_to(target)

    def _call_chmod(self, mode: int, path: str) -> None:
        self._at(path).chmod(mode)

    def _call_lchown(self, owner: int, group: int, path: str) -> None:
        """An ordinary user may run the tests, so owners stay."""

    def _call_rename(self, old: str, new: str) -> None:
        os.rename(self._at(old), self._at(new))

    def _call_rm(self, path: str) -> None:
        self._at(path).unlink()

    def _call_rm_rf(self, path: str) -> None:
        shutil.rmtree(self._at(path))


def _no_link(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW)


def guest_files(root: Path) -> GuestFiles:
    """Return the files below a folder as a guest's."""
    return GuestFiles(Calls(FolderRpc(root)))


def make_tree(root: Path, spec: Spec) -> Path:
    """Make files (text or bytes), links (a tuple of one, the target) and folders (None) below ``root``."""
    root.mkdir(parents=True, exist_ok=True)
    for path, what in spec.items():
        here = root / path.lstrip("/")
        here.parent.mkdir(parents=True, exist_ok=True)
        if what is None:
            here.mkdir(exist_ok=True)
        elif isinstance(what, tuple):
            here.symlink_to(what[0])
        else:
            here.write_bytes(what if isinstance(what, bytes) else what.encode())
    return root


def listing(root: Path) -> dict[str, str]:
    """Return everything below a folder: path → what it is and holds."""
    found = {}
    for folder, folders, names in os.walk(root):
        for name in [*folders, *names]:
            path = Path(folder, name)
            mode = path.lstat().st_mode
            shown = "directory"
            if stat.S_ISLNK(mode):
                shown = f"link to {os.readlink(path)}"
            elif stat.S_ISREG(mode):
                shown = repr(path.read_bytes())
            found["/" + path.relative_to(root).as_posix()] = shown
    return found
