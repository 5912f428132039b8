# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""The module cloud_init: what cloud-init finds in a guest when it boots.

What ``clean`` removes is what ``cloud-init clean --logs`` does (remove_artifacts() in cloud-init's cmd/clean.py): all
of /var/lib/cloud but the seed, and the logs. The scripts in /etc/cloud/clean.d, which that command runs, are not run.
"""

from __future__ import annotations

import json
import re
import typing as t

from .._errors import GuestError, OptionError, printable
from ._changes import (
    Change,
    File,
    Unseen,
    carry_out,
    changed_paths,
)
from ._files import GuestFiles
from ._paths import GuestPath
from ._task import Outcome, Task

MAX_SIZE = 1024 * 1024
STATE = GuestPath("/var/lib/cloud")
SEED = STATE.joined("seed", "nocloud")
# The last file counts, in byte order: Debian and Ubuntu have 90_dpkg.cfg, Ubuntu's installer makes 99-installer.cfg.
DATASOURCES = GuestPath("/etc/cloud/cloud.cfg.d/99_offline_guest.cfg")
DISABLED = GuestPath("/etc/cloud/cloud-init.disabled")
CLEAN_SCRIPTS = GuestPath("/etc/cloud/clean.d")
LOGS = GuestPath("/var/log")
_PROGRAMS = ("/usr/bin/cloud-init", "/usr/local/bin/cloud-init", "/bin/cloud-init")
_LOG = re.compile(r"cloud-init(-output)?\.log([.-].*)?\Z")
_SEED_MODE = 0o600
#: File of the seed → option. The data source wants the first two; either may be empty.
SEED_FILES = {
    "meta-data": "meta_data",
    "user-data": "user_data",
    "vendor-data": "vendor_data",
    "network-config": "network_config",
}
_SECRET = ("user-data", "vendor-data")
_WANTED = ("meta-data", "user-data")
# How cloud-init tells kinds of user data (its documentation, "User data formats").
_KNOWN = ("#", "Content-Type:", "MIME-Version:", "From ", "From:")


def handle(task: Task) -> Outcome:
    """Run the task.

    :raises OptionError: the options are wrong. :raises GuestError: the guest has no cloud-init, or a file is too large
        or no regular file.
    """
    check(task.params, task.warn)
    files = task.guest.files
    if not any(files.lstat(files.resolve(path)) for path in _PROGRAMS):
        raise GuestError(
            f"The guest has no cloud-init: there is none of {', '.join(_PROGRAMS)}.",
            hint="Install it first, for example with the packages of offline.guest.firstboot, or use other modules.",
        )
    changes = plan(task)
    removed = [str(change.path) for change in changes if isinstance(change.before, Unseen)]
    paths = changed_paths(changes)
    summary = f"cloud-init: {len(paths)} files or directories changed"
    return carry_out(task, changes, {"paths": paths, "removed": removed}, summary)


def check(params: t.Mapping[str, t.Any], warn: t.Callable[[str], None]) -> None:
    """Check the options.

    :raises OptionError: they cannot be meant.
    """
    given = [option for option in SEED_FILES.values() if params[option] is not None]
    if params["seed"] == "absent" and given:
        raise OptionError(f"{given[0]}: it cannot be given with seed: absent.")
    for name in params["datasource_list"] or ():
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", name):
            raise OptionError(f"datasource_list: '{printable(name)}' is not the name of a data source.")
    if given and params["datasource_list"] and "NoCloud" not in params["datasource_list"]:
        warn("The seed is read by the data source NoCloud only, which datasource_list leaves out.")
    for option in ("user_data", "vendor_data"):
        if params[option] and not params[option].startswith(_KNOWN):
            warn(f"cloud-init passes over {option} that does not begin with #cloud-config, #! or the like.")


def plan(task: Task) -> list[Change]:
    """Decide what is to be done."""
    files, params = task.guest.files, task.params
    changes = _cleaned(files, task.warn) if params["clean"] else []
    if params["datasource_list"] is not None:
        changes.append(_file(files, DATASOURCES, _datasources(params["datasource_list"])))
    if params["disabled"] is not None:
        changes.append(_disabled(files, wanted=params["disabled"]))
    if params["seed"] == "absent":
        changes += Change.of_removal(files, SEED)
    else:
        changes += _seed(files, params)
    return changes


def _file(files: GuestFiles, path: GuestPath, content: bytes | None) -> Change:
    return Change.of_file(path, File.read(files, path, max_size=MAX_SIZE), content)


def _disabled(files: GuestFiles, *, wanted: bool) -> Change:
    """That the file is there is all that counts, so what is in one that is there stays."""
    before = File.read(files, DISABLED, max_size=MAX_SIZE)
    there = before.content if before else b""
    return Change.of_file(DISABLED, before, there if wanted else None)


def _datasources(names: t.Sequence[str]) -> bytes | None:
    """One line in brackets, all that cloud-init's ds-identify reads; None to leave the choice to cloud-init."""
    return f"datasource_list: [ {', '.join(names)} ]\n".encode() if names else None


def _seed(files: GuestFiles, params: t.Mapping[str, t.Any]) -> list[Change]:
    wanted = {name: _content(params[option]) for name, option in SEED_FILES.items() if params[option] is not None}
    if not wanted:
        return []
    changes: list[Change] = []
    for name in SEED_FILES:
        path = SEED.joined(name)
        before = File.read(files, path, max_size=MAX_SIZE)
        content = wanted.get(name, b"" if name in _WANTED and before is None else None)
        if content is not None:
            changes.append(Change.of_file(path, before, content, mode=_SEED_MODE, is_secret=name in _SECRET))
    return changes


def _content(value: t.Any) -> bytes:
    """Text as it is; anything else as JSON, which is YAML."""
    if isinstance(value, str):
        return value.encode("utf-8", "surrogateescape")
    return (json.dumps(value, indent=2, sort_keys=True) + "\n").encode()


def _cleaned(files: GuestFiles, warn: t.Callable[[str], None]) -> list[Change]:
    changes: list[Change] = []
    for folder, is_kept in ((STATE, lambda name: name == "seed"), (LOGS, lambda name: not _LOG.match(name))):
        found = files.lstat(files.resolve(folder))
        names = files.list_dir(folder) if found is not None and found.kind == "directory" else []
        changes += [
            item for name in names if not is_kept(name) for item in Change.of_removal(files, folder.joined(name))
        ]
    scripts = files.lstat(files.resolve(CLEAN_SCRIPTS))
    if scripts is not None and scripts.kind == "directory" and files.list_dir(CLEAN_SCRIPTS):
        warn(f"The scripts in {CLEAN_SCRIPTS} are not run: no program of a guest is.")
    return changes
