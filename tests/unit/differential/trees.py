# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Folders of the host that stand for a guest: made from a description, and listed."""

from __future__ import annotations

import os
import stat
import typing as t
from pathlib import Path

from ansible_collections.offline.guest.plugins.module_utils._appliance._calls import Calls
from ansible_collections.offline.guest.plugins.module_utils._guest._files import GuestFiles
from ansible_collections.offline.guest.tests.unit.guest.folder_rpc import FolderRpc

Spec = t.Mapping[str, t.Union[str, bytes, tuple[str], None]]


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
