# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""A mounted tree, looked at before it is known what it is.

Everything is bounded and nothing is opened before ``lstat`` has said that it is a regular file: reading a FIFO would
hang. Links are followed inside the tree, which may be a directory of what is mounted (a btrfs subvolume below the top
level), so the appliance never follows one. ``lstatns`` costs 3 ms, ``readlink`` 25 ms: links are read only where there
is one, and every answer is kept.
"""

from __future__ import annotations

import stat
import typing as t

from .._appliance._calls import Calls
from .._errors import CallError, GuestError, OptionError, printable
from ._paths import GuestPath, resolve

Warn = t.Callable[[str], None]

# The largest file that identification reads, in bytes; libguestfs stops at 100 kB as well (Augeas).
MAX_FILE = 100_000
_MAX_NAMES = 10_000


class View:
    """The tree below ``prefix``.

    :param calls: the appliance, something mounted at ``/``.
    :param prefix: the directory that is this tree's root; empty for the mounted root itself.
    :param warn: told about files that are there and cannot be used.
    """

    def __init__(self, calls: Calls, *, prefix: str = "", warn: Warn) -> None:
        self._calls = calls
        self._prefix = prefix
        self.warn = warn
        self._stats: dict[str, dict[str, t.Any] | None] = {}
        self._links: dict[str, str | None] = {}

    def is_file(self, path: str, *, follow: bool = False) -> bool:
        return self._is(stat.S_ISREG, path, follow=follow)

    def is_dir(self, path: str, *, follow: bool = False) -> bool:
        return self._is(stat.S_ISDIR, path, follow=follow)

    def link_target(self, path: str) -> str | None:
        """Return what the symbolic link at ``path`` says, None where there is none."""
        located = self._locate(path, follow=False)
        return self._read_link(located) if located is not None and self._lstat(located) is not None else None

    def resolved(self, path: str) -> str:
        """Return where ``path`` leads inside the tree; ``path`` itself where that cannot be said."""
        return self._locate(path, follow=True) or path

    def exists(self, path: str) -> bool:
        """Tell whether there is anything at ``path``, a dangling link included."""
        located = self._locate(path, follow=False)
        return located is not None and self._lstat(located) is not None

    def text(self, path: str, *, max_size: int = MAX_FILE, optional: bool = True) -> str | None:
        """Return a small file's text, undecodable bytes as ``\\xNN``; None where :meth:`read` has nothing."""
        content = self.read(path, max_size=max_size, optional=optional)
        if content is not None and b"\0" in content:
            self.warn(f"'{printable(path)}' in the guest is binary, so it was not used.")
            return None
        return None if content is None else content.decode("utf-8", "backslashreplace")

    def read(self, path: str, *, max_size: int = MAX_FILE, optional: bool = True) -> bytes | None:
        """Return a regular file's content, links followed; None, with a warning if something is there, otherwise.

        :param optional: do not warn when there is no such file.
        """
        located = self._locate(path, follow=True)
        found = None if located is None else self._lstat(located)
        problem = self._problem(path, found, max_size)
        if problem is None and located is not None and found is not None:
            return self._pread(path, located, found["st_size"])
        if problem and not (optional and found is None and not self.exists(path)):
            self.warn(f"'{printable(path)}' in the guest {problem}, so it was not read.")
        return None

    def names(self, path: str) -> list[str]:
        """Return the names in a directory, sorted; empty where it cannot be listed (with a warning if it is there)."""
        located = self._locate(path, follow=True)
        if located is None or not self._is_kind(located, stat.S_ISDIR):
            return []
        try:
            entries = self._calls.readdir(self._prefix + located)
        except (CallError, UnicodeError) as exc:
            self.warn(f"The directory '{printable(path)}' of the guest cannot be listed: {printable(str(exc))}.")
            return []
        if len(entries) > _MAX_NAMES:
            self.warn(f"'{printable(path)}' in the guest has more than {_MAX_NAMES} entries; the others are left out.")
        return sorted(e["name"] for e in entries if e["name"] not in (".", ".."))[:_MAX_NAMES]

    def head(self, path: str, count: int) -> bytes:
        """Return the first bytes of a regular file of any size, links followed; empty where there is none."""
        located = self._locate(path, follow=True)
        if located is None or not self._is_kind(located, stat.S_ISREG):
            return b""
        return self._pread(path, located, count) or b""

    def _problem(self, path: str, found: dict[str, t.Any] | None, max_size: int) -> str | None:
        if found is None:
            return "leads nowhere" if self.exists(path) else "does not exist"
        if not stat.S_ISREG(found["st_mode"]):
            return "is not a regular file"
        size = found["st_size"]
        return f"is {size} bytes large, more than {max_size}" if size > max_size else None

    def _pread(self, path: str, located: str, count: int) -> bytes | None:
        content = b""
        try:
            while len(content) < count:
                chunk = self._calls.pread(self._prefix + located, count - len(content), len(content))
                if not chunk:
                    break
                content += chunk
            return content
        except CallError as exc:
            self.warn(f"'{printable(path)}' in the guest cannot be read: {printable(str(exc))}.")
            return None

    def _is(self, test: t.Callable[[int], bool], path: str, *, follow: bool) -> bool:
        located = self._locate(path, follow=follow)
        return located is not None and self._is_kind(located, test)

    def _is_kind(self, located: str, test: t.Callable[[int], bool]) -> bool:
        found = self._lstat(located)
        return found is not None and test(found["st_mode"])

    def _locate(self, path: str, *, follow: bool) -> str | None:
        """Return the path with its links followed (all, or all but the last); None where they lead round in circles."""
        try:
            wanted = GuestPath(path)
            if follow:
                return resolve(wanted, self._read_link)
            return resolve(wanted.parent, self._read_link).joined(wanted.name) if wanted.name else wanted
        except (GuestError, OptionError):
            return None

    def _read_link(self, path: str) -> str | None:
        found = self._lstat(path)
        if found is None:
            raise FileNotFoundError(path)
        if not stat.S_ISLNK(found["st_mode"]):
            return None
        if path not in self._links:
            try:
                self._links[path] = self._calls.readlink(self._prefix + path)
            except (CallError, UnicodeError):
                self._links[path] = None
        return self._links[path]

    def _lstat(self, path: str) -> dict[str, t.Any] | None:
        if path not in self._stats:
            try:
                self._stats[path] = self._calls.lstatns(self._prefix + path)
            except CallError:
                self._stats[path] = None
        return self._stats[path]
