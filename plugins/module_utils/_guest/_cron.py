# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""The module cron: a job or a variable in a crontab of the guest."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from .._errors import GuestError, OptionError, printable
from ._accounts import Accounts
from ._changes import Change, File
from ._cron_spool import MODE, find_spool
from ._cron_table import CronTable, Job, Variable, schedule_of
from ._diff import content_diff
from ._files import GuestFiles
from ._paths import GuestPath
from ._task import Outcome, Task

MAX_SIZE = 1024 * 1024
FOLDER = GuestPath("/etc/cron.d")
# Not beside the crontab: cron would take a file there for the crontab of a user of that name.
BACKUPS = GuestPath("/var/backups")
_TIMES = ("minute", "hour", "day", "month", "weekday")


@dataclasses.dataclass(frozen=True)
class Place:
    """The file that a crontab is in.

    :param title: what it is called in a difference.
    :param mode: what the file is to have; None to leave it as it is.
    :param header: what is above the lines of a new file.
    """

    path: GuestPath
    title: str
    is_system: bool
    mode: int | None = None
    uid: int | None = None
    gid: int | None = None
    header: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Plan:
    """What is to be done: the table afterwards and the change of its file."""

    place: Place
    table: CronTable
    change: Change


def handle(task: Task) -> Outcome:
    """Run the task.

    :raises OptionError: the options are wrong. :raises GuestError: the guest has no such user, no cron, no such
        directory or variable, or the file is too large or no regular file.
    """
    check(task.params, task.warn)
    place = find_place(task.guest.files, task.params, task.warn)
    plan = make_plan(task.guest.files, task.params, place)
    if plan.change.changed and not task.check:
        plan.change.apply(task.guest.files)
    return _outcome(task.params, plan)


def check(params: t.Mapping[str, t.Any], warn: t.Callable[[str], None]) -> None:
    """Check the options.

    :raises OptionError: they cannot be meant.
    """
    if params["state"] == "present":
        _check_present(params)
    if params["env"] and " " in params["name"]:
        raise OptionError("name: the name of a variable has no blank in it.")
    for key in ("name", "user", *_TIMES, "insertafter", "insertbefore"):
        if any(char in (params[key] or "") for char in "\r\n\0"):
            raise OptionError(f"{key}: it holds a line break or a NUL byte, which would make another line of it.")
    if "\0" in (params["job"] or ""):
        raise OptionError("job: it holds a NUL byte.")
    if not params["env"] and re.search(r"[\r\n]", (params["job"] or "").strip("\r\n")):
        warn("The job holds line breaks, and cron takes each line for a job of its own.")


def _check_present(params: t.Mapping[str, t.Any]) -> None:
    if params["cron_file"] and not params["user"]:
        raise OptionError("cron_file needs user as well, because such a file says who runs the job.")
    if params["job"] is None:
        raise OptionError("job is missing.", hint="Give the command, or with env: true the value of the variable.")
    if (params["insertafter"] or params["insertbefore"]) and not params["env"]:
        raise OptionError("insertafter and insertbefore are for variables.", hint="Set env: true, or remove them.")


def find_place(files: GuestFiles, params: t.Mapping[str, t.Any], warn: t.Callable[[str], None]) -> Place:
    """Return the file that the crontab is in.

    :raises OptionError: it cannot be that one. :raises GuestError: there is no place for it.
    """
    if params["cron_file"]:
        return _system_place(files, params["cron_file"], warn)
    name = params["user"] or "root"
    accounts = Accounts.read(files)
    user = accounts.users.get(name)
    if user is None or "/" in name or name in (".", ".."):
        raise GuestError(f"The guest has no user '{printable(name)}'.", hint="Create the user first.")
    spool = find_spool(files, accounts, user)
    return Place(spool.path, f'crontab for user "{name}"', False, MODE, spool.uid, spool.gid, spool.header)


def _system_place(files: GuestFiles, given: str, warn: t.Callable[[str], None]) -> Place:
    path = GuestPath(given if given.startswith("/") else f"{FOLDER}/{given}")
    if path == "/etc/crontab":
        raise OptionError("cron_file: /etc/crontab is not managed by this module.", hint="Use a file in /etc/cron.d.")
    if not re.fullmatch(r"[A-Za-z0-9_-]+", path.name):
        warn(f"cron_file: some crons pass over '{printable(path.name)}'. Use letters, digits, _ and - only.")
    found = files.lstat(files.resolve(path.parent))
    if found is None or found.kind != "directory":
        raise GuestError(
            f"There is no directory {printable(path.parent)} in the guest.",
            hint="Is there a cron that reads it? Otherwise leave cron_file out, to use the crontab of the user.",
        )
    return Place(path, str(path), True)


def make_plan(files: GuestFiles, params: t.Mapping[str, t.Any], place: Place) -> Plan:
    """Decide what is to be done."""
    before = File.read(files, place.path, max_size=MAX_SIZE)
    table = CronTable.parse(before.content if before else b"", has_header=not place.is_system)
    after = edited(table, params)
    if before is None and not table.header:
        after = dataclasses.replace(after, header=place.header)
    # A last line without an end is not run by cron, so it gets one even where nothing else changes.
    if after.lines == table.lines and table.is_ended:
        return Plan(place, table, Change.of_file(place.path, before, before.content if before else None))
    is_gone = place.is_system and not params["env"] and params["state"] == "absent" and after.is_empty
    content = None if is_gone and after.lines != table.lines else after.format()
    change = Change.of_file(place.path, before, content, mode=place.mode, uid=place.uid, gid=place.gid)
    if params["backup"]:
        prefix = "cron.d" if place.is_system else "crontab"
        change = change.with_backup(BACKUPS.joined(f"{prefix}-{place.path.name}"))
    return Plan(place, after, change)


def edited(table: CronTable, params: t.Mapping[str, t.Any]) -> CronTable:
    """Return the table with, or without, the job or variable of the options.

    :raises OptionError: times that exclude each other. :raises GuestError: no variable to be put beside.
    """
    name = params["name"]
    schedule = schedule_of(params["special_time"], tuple(params[key] for key in _TIMES))
    if params["state"] == "absent":
        return table.without_variable(name) if params["env"] else table.without_job(name)
    if params["env"]:
        return table.with_variable(Variable(name, params["job"], params["insertafter"], params["insertbefore"]))
    user = params["user"] if params["cron_file"] else None
    return table.with_job(Job(name, schedule, params["job"], user, params["disabled"]))


def _outcome(params: t.Mapping[str, t.Any], plan: Plan) -> Outcome:
    change, place = plan.change, plan.place
    result: dict[str, t.Any] = {
        "jobs": [printable(name) for name in plan.table.jobs],
        "envs": [printable(name) for name in plan.table.variables],
        "path": str(place.path),
        "state": params["state"],
    }
    if params["cron_file"]:
        result["cron_file"] = params["cron_file"]
    if change.backup is not None:
        result["backup_file"] = str(change.backup)
    diff = content_diff(place.path, *change.contents)
    diff.update(before_header=place.title, after_header=place.title)
    if change.changed and change.after is None:
        diff["after_header"] = "/dev/null"
    what = f"{printable(params['name'])} {'set' if params['state'] == 'present' else 'removed'}"
    return Outcome(change.changed, result, diff, f"{place.title}: {what}" if change.changed else "")
