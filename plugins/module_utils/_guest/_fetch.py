# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""The module fetch: a file of the guest is put where its action plugin can take it from, unless that has it already."""

from __future__ import annotations

import hashlib
import os
import typing as t

from .._errors import GuestError, HostError, printable
from ._files import GuestFiles
from ._paths import GuestPath
from ._stat_facts import path_facts
from ._task import Outcome, Task

ALGORITHM = "sha1"  # the twin's
_BLOCK = 1024 * 1024


def handle(task: Task) -> Outcome:
    """Run the task.

    :raises GuestError: there is no such file and ``fail_on_missing`` is set, or it is no regular file.
    :raises HostError: the folder for it cannot be used.
    """
    params, files = task.params, task.guest.files
    source = GuestPath.given(params["src"])
    facts = path_facts(source, "file")
    problem = _problem(files, source)
    if problem and params["fail_on_missing"]:
        raise GuestError(f"{problem}.", details=facts)
    if problem:
        return Outcome(False, {**facts, "msg": f"{problem}, not transferring, ignored"})
    return Outcome(False, {**facts, **_taken(files, source, params)})


def _problem(files: GuestFiles, source: GuestPath) -> str:
    found = files.lstat(files.resolve(source))
    if found is None:
        return f"the remote file does not exist: '{printable(source)}' is not in the guest"
    if found.kind == "directory":
        return "remote file is a directory, fetch cannot work on directories"
    return "" if found.kind == "file" else f"'{printable(source)}' in the guest is no regular file"


def _taken(files: GuestFiles, source: GuestPath, params: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Return the checksum of the file and where it is now: nowhere if it is there already, or not to be taken."""
    found = files.lstat(files.resolve(source))
    size = found.size if found else 0
    if params["_stage"] is None or params["_size"] == size:
        checksum = files.digest(source, ALGORITHM)
        if params["_stage"] is None or checksum == params["_checksum"]:
            return {"remote_checksum": checksum, "size": size, "staged": None}
    staged = _staging(params["_stage"])
    files.download(source, staged)
    for path in (staged, os.path.dirname(staged)):
        os.chown(path, os.stat(params["_stage"]).st_uid, -1)
    return {"remote_checksum": checksum_of(staged), "size": size, "staged": staged}


def _staging(folder: str) -> str:
    """Return the path of a file to be, in a folder that is this user's alone until the file is there.

    It goes to the owner of the folder above, who is the one that connects, where this user became another.
    """
    private = os.path.join(folder, "fetched")
    try:
        os.mkdir(private, 0o700)
    except OSError as exc:
        raise HostError(
            f"There is no room for the file: {exc}.", hint="Connect as the user who works on the image, or become root."
        ) from exc
    return os.path.join(private, "content")


def checksum_of(path: str) -> str:
    """Return the checksum of a file of the host."""
    total = hashlib.new(ALGORITHM)
    with open(path, "rb") as stream:
        for block in iter(lambda: stream.read(_BLOCK), b""):
            total.update(block)
    return total.hexdigest()
