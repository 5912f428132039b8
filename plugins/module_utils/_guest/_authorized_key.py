# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""The module authorized_key: keys by which a user of the guest may log in."""

from __future__ import annotations

import dataclasses
import typing as t

from .._errors import GuestError, OptionError, printable
from ._accounts import Accounts, User
from ._authorized_keys import Key, parse_keys, with_keys, without_keys
from ._diff import content_diff
from ._files import FileStat, GuestFiles
from ._home import entry_of, is_system
from ._paths import GuestPath
from ._task import Outcome, Task

MAX_SIZE = 4 * 1024 * 1024


@dataclasses.dataclass(frozen=True)
class Attributes:
    """Mode and owner, of the file or of its directory."""

    mode: int
    uid: int
    gid: int

    def shown(self) -> dict[str, t.Any]:
        """As differences have them."""
        return {"mode": f"{self.mode:04o}", "owner": self.uid, "group": self.gid}


@dataclasses.dataclass(frozen=True)
class State:
    """The file and its directory; an attribute is None where there is no such thing."""

    content: bytes | None
    file: Attributes | None
    directory: Attributes | None


@dataclasses.dataclass(frozen=True)
class Place:
    """Where the file is.

    :param path: every link above it followed, and it itself where the task says so.
    :param directory: the one that the user is to own, as it was named: it may be a link.
    :param is_link: whether a link is at ``path``, which a file is to replace.
    """

    path: GuestPath
    directory: GuestPath
    is_link: bool


@dataclasses.dataclass(frozen=True)
class Plan:
    """What is to be done."""

    place: Place
    before: State
    after: State

    @property
    def changed(self) -> bool:
        """Whether anything changes."""
        return self.before != self.after

    @property
    def difference(self) -> list[dict[str, t.Any]]:
        """The content, the attributes of the file, and those of its directory."""
        path, directory = (printable(path, limit=4096) for path in (self.place.path, self.place.directory))
        old, new = self.before, self.after
        return [
            content_diff(path, old.content or b"", new.content or b""),
            _attributes_diff(path, old.file, new.file),
            _attributes_diff(directory, old.directory, new.directory),
        ]


def handle(task: Task) -> Outcome:
    """Run the task.

    :raises OptionError: the options are wrong. :raises GuestError: the guest has no such user, or the user has no home.
    """
    plan = make_plan(task.guest.files, task.params)
    if plan.changed and not task.check:
        apply(task.guest.files, plan)
    return _outcome(task.params, plan)


def make_plan(files: GuestFiles, params: t.Mapping[str, t.Any]) -> Plan:
    """Decide what is to be done.

    :raises OptionError: the options are wrong. :raises GuestError: as for :func:`handle`.
    """
    keys = parse_keys(params["key"], options=params["key_options"], comment=params["comment"])
    accounts = Accounts.read(files)
    user = _user(accounts, params["user"])
    place = _place(files, params, accounts.home_of(user.name) if params["path"] is None else None)
    if place.is_link:
        _require_own(files, place.path, user, "Set follow: true to have what it leads to changed.")
    before = _read(files, place)
    content = _content(params, before.content, keys)
    # What a link leads to is not touched. Where nothing else is to be done, the link stays.
    settles = params["state"] == "present" and params["manage_dir"] and not place.is_link
    if content == before.content and not settles:
        return Plan(place, before, before)
    if params["manage_dir"]:
        _check_directory(files, place.directory, user)
    return Plan(place, before, _after(content, before, user, manage_dir=params["manage_dir"]))


def _content(params: t.Mapping[str, t.Any], old: bytes | None, keys: t.Mapping[str, Key]) -> bytes | None:
    if params["state"] == "absent":
        return old if old is None else without_keys(old, keys)
    return with_keys(old or b"", keys, exclusive=params["exclusive"])


def _after(content: bytes | None, before: State, user: User, *, manage_dir: bool) -> State:
    directory = Attributes(0o700, user.uid, user.gid) if manage_dir else before.directory
    return State(content, Attributes(0o600, user.uid, user.gid), directory or Attributes(0o755, 0, 0))


def _user(accounts: Accounts, name: str) -> User:
    user = accounts.users.get(name)
    if user is None:
        raise GuestError(f"The guest has no user '{printable(name)}'.", hint="Create it first, by offline.guest.user.")
    return user


def _place(files: GuestFiles, params: t.Mapping[str, t.Any], home: GuestPath | None) -> Place:
    asked = home.joined(".ssh", "authorized_keys") if home else GuestPath(params["path"])
    path = files.resolve(asked) if params["follow"] else entry_of(files, asked)
    return Place(path, asked.parent, _is_link(files, path))


def _is_link(files: GuestFiles, path: GuestPath) -> bool:
    found = files.lstat(path)
    return found is not None and found.kind == "link"


def _read(files: GuestFiles, place: Place) -> State:
    content = files.read_optional(place.path, max_size=MAX_SIZE)
    found, above = (files.lstat(files.resolve(path)) for path in (place.path, place.directory))
    if above is not None and above.kind != "directory":
        raise GuestError(f"'{printable(place.directory)}' in the guest is no directory.")
    return State(content, _attributes(found), _attributes(above))


def _attributes(found: FileStat | None) -> Attributes | None:
    return None if found is None else Attributes(found.mode, found.uid, found.gid)


def _require_own(files: GuestFiles, path: GuestPath, user: User, hint: str) -> None:
    """Refuse a link by which a user of the guest would get what is not the user's: the content, or the ownership."""
    found = files.lstat(files.resolve(path))
    if found is not None and found.uid != user.uid:
        raise GuestError(f"'{printable(path)}' in the guest is a link to what is not the user's own.", hint=hint)


def _check_directory(files: GuestFiles, path: GuestPath, user: User) -> None:
    if is_system(files, path) or files.resolve(path) == "/etc/ssh":
        raise OptionError(
            f"'{printable(path)}' is not a directory of one user.", hint="Set manage_dir: false to leave it as it is."
        )
    if _is_link(files, path):
        _require_own(files, path, user, "Set manage_dir: false to leave that as it is.")
    if files.lstat(path) is None and files.lstat(files.resolve(path.parent)) is None:
        raise GuestError(
            f"There is no '{printable(path.parent)}' in the guest.",
            hint="Make the home first, by offline.guest.user with create_home.",
        )


def apply(files: GuestFiles, plan: Plan) -> None:
    """Do what was decided."""
    place, file, directory = plan.place, plan.after.file, plan.after.directory
    if file is None or directory is None:
        raise AssertionError("a plan that changes something has a file")
    files.make_dir(place.directory, mode=directory.mode, uid=directory.uid, gid=directory.gid)
    files.set_attributes(place.directory, directory.mode, directory.uid, directory.gid)
    if plan.after.content == plan.before.content:
        files.set_attributes(place.path, file.mode, file.uid, file.gid)
        return
    if place.is_link:
        files.remove(place.path)
    files.write(place.path, plan.after.content or b"", mode=file.mode, uid=file.uid, gid=file.gid)


def _attributes_diff(path: str, old: Attributes | None, new: Attributes | None) -> dict[str, t.Any]:
    before, after = (attributes.shown() if attributes else {} for attributes in (old, new))
    differing = [key for key in after if before.get(key) != after[key]]
    return {
        "before_header": f"{path} (file attributes)",
        "after_header": f"{path} (file attributes)",
        "before": {key: before[key] for key in differing if key in before},
        "after": {key: after[key] for key in differing},
    }


def _outcome(params: t.Mapping[str, t.Any], plan: Plan) -> Outcome:
    names = ("user", "key", "path", "manage_dir", "state", "key_options", "exclusive", "comment", "validate_certs")
    result = {name: params[name] for name in (*names, "follow")}
    return Outcome(
        changed=plan.changed,
        result={**result, "keyfile": printable(plan.place.path, limit=4096)},
        diff=plan.difference,
        summary=f"{printable(plan.place.path)}: keys changed" if plan.changed else "",
    )
