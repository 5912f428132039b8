# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""What Ansible's modules ``stat`` and ``find`` say of an entry, from the guest."""

from __future__ import annotations

import base64
import stat as _stat
import typing as t

from .._errors import printable
from ._accounts import Accounts
from ._files import FileStat

_KINDS: dict[str, t.Callable[[int], bool]] = {
    "isdir": _stat.S_ISDIR,
    "ischr": _stat.S_ISCHR,
    "isblk": _stat.S_ISBLK,
    "isreg": _stat.S_ISREG,
    "isfifo": _stat.S_ISFIFO,
    "islnk": _stat.S_ISLNK,
    "issock": _stat.S_ISSOCK,
}
_BITS = {
    "wusr": _stat.S_IWUSR,
    "rusr": _stat.S_IRUSR,
    "xusr": _stat.S_IXUSR,
    "wgrp": _stat.S_IWGRP,
    "rgrp": _stat.S_IRGRP,
    "xgrp": _stat.S_IXGRP,
    "woth": _stat.S_IWOTH,
    "roth": _stat.S_IROTH,
    "xoth": _stat.S_IXOTH,
    "isuid": _stat.S_ISUID,
    "isgid": _stat.S_ISGID,
}
_NUMBERS = {
    "uid": "st_uid",
    "gid": "st_gid",
    "size": "st_size",
    "inode": "st_ino",
    "dev": "st_dev",
    "nlink": "st_nlink",
}
TIMES = ("atime", "mtime", "ctime")


def stat_facts(found: FileStat) -> dict[str, t.Any]:
    """Return mode, kind, numbers, times and permissions of an entry under the names that both modules use."""
    struct, mode = found.struct, found.struct["st_mode"]
    return {
        "mode": f"{found.mode:04o}",
        **{name: is_kind(mode) for name, is_kind in _KINDS.items()},
        **{name: struct[field] for name, field in _NUMBERS.items()},
        **{name: time_of(found, name) for name in TIMES},
        **{name: bool(mode & bit) for name, bit in _BITS.items()},
    }


def time_of(found: FileStat, name: str) -> float:
    """Return one of :data:`TIMES`, in seconds since the epoch."""
    return float(found.struct[f"st_{name}_sec"] + found.struct[f"st_{name}_nsec"] / 10**9)


class Names:
    """The names of the guest's numbers, looked up once for many entries."""

    def __init__(self, accounts: Accounts) -> None:
        # Of several names of a number, the first counts, as in getpwuid(3).
        self._users = {user.uid: printable(user.name) for user in reversed(list(accounts.users.values()))}
        self._groups = {gid: printable(name) for name, gid in reversed(list(accounts.groups.items()))}

    def of(self, found: FileStat) -> dict[str, str]:
        """Return ``pw_name`` and ``gr_name``, each only where the guest has a name."""
        pairs = {"pw_name": self._users.get(found.uid), "gr_name": self._groups.get(found.gid)}
        return {key: name for key, name in pairs.items() if name is not None}


def path_facts(path: str, key: str = "path") -> dict[str, str]:
    """Return a path of the guest as a result can show it, and as base64 where that is not the path itself.

    A name may be any bytes. What is not UTF-8 (which ansible-core 2.19 refuses in a result), what a terminal obeys and
    what Ansible might take for a template is shown as an escape; the key that ends in ``_b64`` then has the bytes.
    """
    shown = printable(path, limit=len(path))
    if shown == path:
        return {key: shown}
    raw = path.encode("utf-8", "surrogateescape")
    return {key: shown, f"{key}_b64": base64.b64encode(raw).decode("ascii")}
