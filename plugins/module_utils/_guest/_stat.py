# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""The modules stat_info and slurp_info: one entry of the guest, described or read."""

from __future__ import annotations

import base64
import contextlib
import os
import shutil
import subprocess
import typing as t

from ansible.module_utils.common.file import FILE_ATTRIBUTES

from .._errors import CallError, GuestError, OptionError, printable
from ._accounts import Accounts
from ._files import FileStat, GuestFiles
from ._guest import Guest
from ._paths import GuestPath
from ._stat_facts import Names, path_facts, stat_facts
from ._task import Outcome, Task

MAX_SLURP = 256 * 1024 * 1024  # base64 and JSON make several copies of it
_MAGIC_BYTES = 64 * 1024
_MAGIC_SECONDS = 10
# As file(1) says it of what has no content to look at.
_MIME_OF_KIND = {
    "directory": "inode/directory",
    "link": "inode/symlink",
    "char": "inode/chardevice",
    "block": "inode/blockdevice",
    "fifo": "inode/fifo",
    "socket": "inode/socket",
}


def handle_stat(task: Task) -> Outcome:
    """Describe an entry.

    :raises GuestError: what is above it is no directory, or links lead round in circles.
    """
    path = GuestPath.given(task.params["path"])
    files = task.guest.files
    found = files.lstat(files.resolve(path) if task.params["follow"] else path)
    if found is None:
        require_directories(files, path)
        return Outcome(False, {"stat": {"exists": False}})
    return Outcome(False, {"stat": _described(task, path, found)})


def handle_slurp(task: Task) -> Outcome:
    """Read a file.

    :raises OptionError: ``max_size`` is out of range. :raises GuestError: there is no such file, or it is too large.
    """
    source, limit = GuestPath.given(task.params["src"]), task.params["max_size"]
    if not 0 <= limit <= MAX_SLURP:
        raise OptionError(f"max_size must be from 0 to {MAX_SLURP}.", hint="Use offline.guest.fetch for larger files.")
    found = task.guest.files.lstat(task.guest.files.resolve(source))
    if found is None:
        raise GuestError(f"File not found: {printable(source)}")
    if found.kind == "directory":
        raise GuestError(f"Source is a directory and must be a file: {printable(source)}")
    content = task.guest.files.read(source, max_size=limit)
    text = base64.b64encode(content).decode("ascii")
    return Outcome(
        False, {"content": text, "encoding": "base64", **path_facts(_as_given(task.params["src"], source), "source")}
    )


def require_directories(files: GuestFiles, path: GuestPath) -> None:
    """Refuse a path below something other than a directory, as ENOTDIR; nothing at all being there is fine.

    :raises GuestError: it is one.
    """
    above = files.resolve(path.parent)
    while above != above.parent and (found := files.lstat(above)) is None:
        above = above.parent
    if above != above.parent and found is not None and found.kind != "directory":
        raise GuestError(
            f"Not a directory: '{printable(above)}' in the guest, so there is no '{printable(path)}' either."
        )


def _as_given(value: str, path: GuestPath) -> str:
    """As it was written, with a slash at its end for example; its bytes where they were given instead."""
    return value if value.startswith("/") else path


def _described(task: Task, path: GuestPath, found: FileStat) -> dict[str, t.Any]:
    files, params = task.guest.files, task.params
    facts = {
        "exists": True,
        **path_facts(_as_given(params["path"], path)),
        **stat_facts(found),
        "blocks": found.struct["st_blocks"],
        "block_size": found.struct["st_blksize"],
        "device_type": found.struct["st_rdev"],
        **Names(Accounts.read_names(files)).of(found),
    }
    if found.kind == "link":
        facts.update(path_facts(files.resolve(path), "lnk_source"))
        facts.update(path_facts(files.link_target(path) or "", "lnk_target"))
    if params["get_checksum"] and found.kind == "file":
        facts["checksum"] = files.digest(path, params["checksum_algorithm"])
    if params["get_mime"]:
        facts["mimetype"], facts["charset"] = _mime(files, path, found)
    flags = _flags(task.guest, path, found) if params["get_attributes"] else {}
    return {**facts, **_access(_followed(files, path, found), flags), **flags}


def _followed(files: GuestFiles, path: GuestPath, found: FileStat) -> FileStat | None:
    with contextlib.suppress(GuestError):
        return files.lstat(files.resolve(path)) if found.kind == "link" else found
    return None


def _access(found: FileStat | None, flags: t.Mapping[str, t.Any]) -> dict[str, bool]:
    """What access(2) says to root, who may read and write all, and execute what has any such bit."""
    if found is None:  # a link to nowhere
        return {"readable": False, "writeable": False, "executable": False}
    executable = found.kind == "directory" or bool(found.mode & 0o111)
    writeable = "i" not in flags.get("attr_flags", "")
    return {"readable": True, "writeable": writeable, "executable": executable}


def _flags(guest: Guest, path: GuestPath, found: FileStat) -> dict[str, t.Any]:
    nothing: dict[str, t.Any] = {"version": None, "attributes": [], "attr_flags": ""}
    if found.kind not in ("file", "directory"):
        return nothing
    target = guest.files.resolve(path)
    letters = guest.files.flags_of(target)
    if letters is None:
        return nothing
    names = [FILE_ATTRIBUTES[letter] for letter in letters if letter in FILE_ATTRIBUTES]
    return {"version": _generation(guest, target), "attributes": names, "attr_flags": letters}


def _generation(guest: Guest, path: GuestPath) -> str | None:
    try:
        return str(guest.calls.get_e2generation(path))
    except CallError:  # of another file system
        return None


def _mime(files: GuestFiles, path: GuestPath, found: FileStat) -> tuple[str, str]:
    if found.kind != "file":
        return _MIME_OF_KIND.get(found.kind, "unknown"), "binary"
    if not found.size:
        return "inode/x-empty", "binary"
    return _magic(files.head(path, _MAGIC_BYTES))


def _magic(start: bytes) -> tuple[str, str]:
    """Ask the host's file(1), which reads a pipe: it gets the first bytes, no name and no way to the guest."""
    program = shutil.which("file")
    if program is None:
        return "unknown", "unknown"
    command = [program, "--brief", "--mime-type", "--mime-encoding", "-"]
    environment = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        done = subprocess.run(
            command, input=start, capture_output=True, timeout=_MAGIC_SECONDS, check=False, env=environment
        )
        mimetype, separator, charset = done.stdout.decode("ascii", "replace").strip().partition("; charset=")
        if done.returncode == 0 and separator:
            return printable(mimetype), printable(charset)
    return "unknown", "unknown"
