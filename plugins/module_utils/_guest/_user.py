# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""The module user: an account of the guest, its home and its mail spool."""

from __future__ import annotations

import dataclasses
import typing as t

from .._errors import GuestError, OptionError, printable
from . import _home
from ._account_files import check_locks, today, write_tables
from ._account_password import shown as shown_password
from ._account_password import unlocked
from ._account_tables import Databases
from ._files import GuestFiles
from ._guest import Guest
from ._login_defs import LoginDefs, UseraddDefaults
from ._paths import GuestPath
from ._task import Outcome, Task
from ._user_options import Wish, parse_user
from ._user_plan import Settings, User, create, is_same_path, modify, remove

_USUAL_SHELL = "/bin/bash"  # useradd's own default


@dataclasses.dataclass(frozen=True)
class Plan:
    """What is to be done.

    :param old: the user as it is, None where there is none; ``new`` so afterwards.
    :param steps: what is done to the home and the mail spool, in order.
    """

    before: Databases
    after: Databases
    old: User | None
    new: User | None
    steps: tuple[_home.Step, ...]

    @property
    def difference(self) -> tuple[dict[str, t.Any], dict[str, t.Any]]:
        """What is shown as before and after; both empty where nothing changes."""
        old, new = _shown(self.old), _shown(self.new)
        keys = [key for key in {**old, **new} if old.get(key) != new.get(key)]
        before = {key: old[key] for key in keys if key in old}
        after = {key: new[key] for key in keys if key in new}
        tables = self.after.changed_since(self.before)
        if tables:
            before["files"], after["files"] = [], [table.path for table in tables]
        if self.steps:
            before["home_and_mail"], after["home_and_mail"] = [], list(_told(self.steps))
        return before, after

    @property
    def changed(self) -> bool:
        """Whether anything changes."""
        before, after = self.difference
        return before != after


def handle(task: Task) -> Outcome:
    """Run the task.

    :raises OptionError: the options are wrong. :raises GuestError: the guest's files do not allow it.
    """
    wish = parse_user(task.params)
    if wish.append and wish.groups is None:
        task.warn("append: it means nothing without groups.")
    plan = make_plan(task, wish)
    check_locks(task.guest.files, plan.after.changed_since(plan.before), task.warn)
    if plan.changed and not task.check:
        apply(task.guest, plan)
    return _outcome(task.params, wish, plan)


def apply(guest: Guest, plan: Plan) -> None:
    """Write the files, then see to the home: a failure of either discards both."""
    write_tables(guest.files, plan.before, plan.after)
    for step in plan.steps:
        step.take(guest.files, guest.calls)


def make_plan(task: Task, wish: Wish) -> Plan:
    """Decide what is to be done; this reads the guest, but changes nothing.

    :raises GuestError: what is asked for cannot be had.
    """
    files = task.guest.files
    before = Databases.read(files)
    old = User.find(before, wish.name)
    defs = LoginDefs.read(files)
    if task.params["state"] == "absent":
        return _removal(task, before, old, defs)
    defaults = UseraddDefaults.read(files)
    settings = Settings(defs, defaults, today(), _default_shell(files, defaults))
    if old is None:
        return _creation(task, before, wish, settings)
    return _change(task, before, wish, settings, old)


def _default_shell(files: GuestFiles, defaults: UseraddDefaults) -> str:
    if defaults.shell is not None:
        return defaults.shell
    return _USUAL_SHELL if _home.exists(files, _USUAL_SHELL) else "/bin/sh"


def _creation(task: Task, before: Databases, wish: Wish, settings: Settings) -> Plan:
    files, warn = task.guest.files, task.warn
    after = create(before, wish, settings)
    new = _found(after, wish.name)
    if new.password == "":
        warn(f"The user '{printable(new.name)}' gets no password: anybody may log in as it.")
    _warn_of_shell(files, new.shell, warn)
    if wish.create_home and _home.exists(files, new.home):
        warn(f"The home '{printable(new.home)}' is in the guest already; it is left as it is.")
    steps = [*_missing_home(task.guest, wish, settings, new)]
    if settings.defaults.mail_spool and not wish.system:
        steps += _mail_spool(files, after, settings.defs, new)
    return Plan(before, after, None, new, tuple(steps))


def _change(task: Task, before: Databases, wish: Wish, settings: Settings, old: User) -> Plan:
    files = task.guest.files
    after = modify(before, wish, settings, old)
    new = _found(after, wish.name)
    if wish.password_lock is False and new.password.startswith("!") and unlocked(new.password) == new.password:
        task.warn(f"The password of '{printable(new.name)}' stays locked: without the lock, anybody could log in.")
    if new.shell != old.shell:
        _warn_of_shell(files, new.shell, task.warn)
    owners = _home.Owners(old.uid, old.gid, new.uid, new.gid)
    steps = _moved_home(task, wish, old, new, owners)
    if not steps:
        steps = _own_home(files, owners, new) + _missing_home(task.guest, wish, settings, new)
    return Plan(before, after, old, new, (*steps, *_own_mail(files, settings.defs, owners, new)))


def _moved_home(task: Task, wish: Wish, old: User, new: User, owners: _home.Owners) -> list[_home.Step]:
    if not wish.move_home or is_same_path(old.home, new.home):
        return []
    files = task.guest.files
    if _home.exists(files, new.home):
        task.warn(f"'{printable(new.home)}' is in the guest already, so the old home is not moved there.")
        return []
    steps = _home.moved(files, old.home, new.home)
    return steps + _home.owned(files, old.home, owners, at=new.home) if steps else []


def _own_home(files: GuestFiles, owners: _home.Owners, new: User) -> list[_home.Step]:
    """Give away the home's files, where the home itself is the user's: that of a system account may be anything."""
    found = files.lstat(files.resolve(new.home)) if _home.exists(files, new.home) else None
    if found is None or found.uid not in (owners.uid, owners.new_uid):
        return []
    return _home.owned(files, new.home, owners)


def _missing_home(guest: Guest, wish: Wish, settings: Settings, new: User) -> list[_home.Step]:
    if not wish.create_home or _home.exists(guest.files, new.home):
        return []
    skel: str | None = wish.skeleton or settings.defaults.skel
    if skel == "/dev/null":
        skel = None
    elif wish.skeleton and not _home.exists(guest.files, wish.skeleton):
        raise GuestError(f"The guest has no skeleton '{printable(wish.skeleton)}'.")
    mode = settings.defs.home_mode(wish.umask)
    return _home.made(guest.files, guest.calls, new.home, skel, mode, new.uid, new.gid)


def _mail_path(defs: LoginDefs, name: str) -> GuestPath | None:
    try:
        return GuestPath(defs.mail_dir or "").joined(name)
    except OptionError:  # none, or no path
        return None


def _mail_spool(files: GuestFiles, after: Databases, defs: LoginDefs, new: User) -> list[_home.Step]:
    path = _mail_path(defs, new.name)
    if path is None or _home.exists(files, path) or not _home.exists(files, path.parent):
        return []
    mail = after.group.get("mail")
    if mail is None:
        return [_home.MakeFile(path, b"", 0o600, new.uid, new.gid)]
    return [_home.MakeFile(path, b"", 0o660, new.uid, int(mail[2]))]


def _own_mail(files: GuestFiles, defs: LoginDefs, owners: _home.Owners, new: User) -> list[_home.Step]:
    path = _mail_path(defs, new.name)
    found = None if path is None else files.lstat(path)
    if path is None or found is None or found.kind != "file" or found.uid != owners.uid or owners.uid == owners.new_uid:
        return []
    return [_home.Own(path, owners.new_uid, found.gid)]


def _removal(task: Task, before: Databases, old: User | None, defs: LoginDefs) -> Plan:
    if old is None:
        return Plan(before, before, None, None, ())
    files, force = task.guest.files, task.params["force"]
    after = remove(before, defs, old, force=force)
    steps: list[_home.Step] = []
    if task.params["remove"]:
        others = [fields[5] for _line, fields in after.passwd.entries()]
        mail = _mail_path(defs, old.name)
        steps += _home.removed(files, mail, old.uid, (), force=force) if mail else []
        steps += _home.removed(files, old.home, old.uid, others, force=force)
    if "USERDEL_CMD" in defs.values:
        task.warn("USERDEL_CMD of the guest's login.defs is a program of the guest, so it is not run.")
    return Plan(before, after, old, None, tuple(steps))


def _found(databases: Databases, name: str) -> User:
    found = User.find(databases, name)
    if found is None:
        raise AssertionError("the plan has just made this user")
    return found


def _warn_of_shell(files: GuestFiles, shell: str, warn: t.Callable[[str], None]) -> None:
    if not shell.startswith("/"):  # empty, or "*" of an account that nobody logs in to
        return
    found = files.lstat(files.resolve(shell)) if _home.exists(files, shell) else None
    if found is None or found.kind != "file" or not found.mode & 0o111:
        warn(f"The shell '{printable(shell)}' is missing in the guest, or no program.")


def _shown(user: User | None) -> dict[str, t.Any]:
    """Describe the user as results and differences may: without the hash, and with text that is harmless."""
    if user is None:
        return {}
    shadow = user.shadow or ("",) * 9
    times = ("password_changed", "expire_min", "expire_max", "expire_warn", "account_disable", "expires")
    return {
        "name": printable(user.name),
        "uid": user.uid,
        "group": user.gid,
        "comment": printable(user.comment, limit=500),
        "home": printable(user.home, limit=4096),
        "shell": printable(user.shell, limit=4096),
        "groups": sorted(printable(group) for group in user.groups),
        "password": shown_password(user.password),
        **dict(zip(times, shadow[2:8])),
    }


def _told(steps: t.Iterable[_home.Step]) -> t.Iterator[str]:
    """Describe the steps; of the many entries that change hands, how many."""
    given = 0
    for step in steps:
        if isinstance(step, _home.Move):
            yield f"move {printable(step.old, limit=4096)} to {printable(step.new, limit=4096)}"
        elif isinstance(step, _home.Remove):
            yield f"remove {printable(step.path, limit=4096)}"
        elif isinstance(step, _home.Own):
            given += 1
        else:
            yield f"make {printable(step.path, limit=4096)}"
    if given:
        yield f"change the owner of {given} entries"


def _outcome(params: t.Mapping[str, t.Any], wish: Wish, plan: Plan) -> Outcome:
    before, after = plan.difference
    header = f"user {printable(wish.name)}"
    diff = {"before_header": header, "after_header": header, "before": before, "after": after}
    done = "created" if plan.old is None else "changed" if plan.new is not None else "removed"
    return Outcome(
        changed=plan.changed,
        result={"name": wish.name, "state": params["state"], **_result(params, wish, plan)},
        diff=diff,
        summary=f"{header} {done}" if plan.changed else "",
    )


def _result(params: t.Mapping[str, t.Any], wish: Wish, plan: Plan) -> dict[str, t.Any]:
    """Return what the twin returns."""
    if plan.new is None:
        return {key: params[key] for key in ("force", "remove")} if plan.old is not None else {}
    keys = ("system", "create_home") if plan.old is None else ("append", "move_home")
    shown = _shown(plan.new)
    result = {key: shown[key] for key in ("uid", "group", "comment", "home", "shell")}
    if wish.groups is not None:
        result["groups"] = ",".join(wish.groups)
    if wish.password is not None:
        result["password"] = "NOT_LOGGING_PASSWORD"
    return {**result, **{key: params[key] for key in keys}}
