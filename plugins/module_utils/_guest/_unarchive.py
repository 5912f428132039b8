# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""The module unarchive: an archive of the host, extracted into a directory of the guest."""

from __future__ import annotations

import dataclasses
import os
import tempfile
import typing as t

from .._errors import GuestError, OptionError, printable
from ._archive import Archive, Limits, Member, Reader
from ._attributes import AttributeChange, AttributeOptions, AttributePlanner, apply_attributes, entry_facts
from ._files import CHUNK, GuestFiles, HostFile
from ._paths import GuestPath
from ._stat_facts import path_facts
from ._task import Outcome, Task
from ._unarchive_options import Ownership, Selection
from ._unarchive_plan import Planner, Step

_MAX_SHOWN = 1000


@dataclasses.dataclass(frozen=True)
class Plan:
    """What is to be done.

    :param dest: the directory, every link followed.
    :param labels: what the options ask of SELinux contexts and flags of entries that are there.
    """

    dest: GuestPath
    steps: tuple[Step, ...]
    labels: tuple[AttributeChange, ...]

    @property
    def changed(self) -> bool:
        """Whether anything changes."""
        return any(step.changed for step in self.steps) or any(change.changed for change in self.labels)

    def diff(self) -> dict[str, t.Any]:
        """Return what differs, entry by entry, of the first thousand of them."""
        found = [step for step in self.steps if step.changed][:_MAX_SHOWN]
        return {
            "before": {printable(step.path, limit=4096): _before(step) for step in found},
            "after": {printable(step.path, limit=4096): _after(step) for step in found},
        }


def handle(task: Task) -> Outcome:
    """Run the task.

    :raises OptionError: the options cannot be meant, the archive cannot be read, or a member is not to be extracted.
    :raises GuestError: there is no such directory, or something is in the way.
    """
    params, files = task.params, task.guest.files
    _require_meant(params)
    if params["creates"] is not None and _exists(files, GuestPath.given(params["creates"])):
        return Outcome(False, {"skipped": True, "msg": f"skipped, since {printable(params['creates'])} exists"})
    dest = _destination(files, params["dest"])
    limits = Limits(members=params["max_members"], size=params["max_size"])
    archive = Archive.of(params["src"], limits=limits, buffer=params["io_buffer_size"])
    selection = Selection(tuple(params["include"]), tuple(params["exclude"]), archive.handler)
    members = _members(archive, selection)
    labels = AttributePlanner(
        files, dataclasses.replace(AttributeOptions.of(params), owner=None, group=None, mode=None)
    )
    plan = _planned(files, dest, members, params, labels)
    if plan.changed and not task.check:
        _apply(files, archive, plan, labels)
    return _outcome(files, params, archive, members, plan, labels)


def _require_meant(params: t.Mapping[str, t.Any]) -> None:
    if params["extra_opts"]:
        raise OptionError(
            "extra_opts: no tar or unzip program is run, so there is nothing to give options to.",
            hint="Remove the option; include, exclude, keep_newer, owner, group and mode say most of it.",
        )
    if "://" in params["src"]:
        raise OptionError(
            "src: archives are not downloaded.",
            hint="Fetch it with ansible.builtin.get_url or ansible.builtin.uri, and set remote_src: true.",
        )
    for name in ("io_buffer_size", "max_members", "max_size"):
        if params[name] <= 0:
            raise OptionError(f"{name} must be above 0.")


def _exists(files: GuestFiles, path: GuestPath) -> bool:
    return files.lstat(files.resolve(path)) is not None


def _destination(files: GuestFiles, given: str) -> GuestPath:
    dest = files.resolve(GuestPath.given(given))
    found = files.lstat(dest)
    if found is None or found.kind != "directory":
        raise GuestError(f"Destination '{printable(given)}' is not a directory", hint="Make it first.")
    return dest


def _members(archive: Archive, selection: Selection) -> list[Member]:
    members = archive.members()
    if not members:
        raise OptionError(
            f"There are no files in the archive '{printable(archive.path)}'. Empty archive files are not supported."
        )
    return selection.of(members)


def _planned(
    files: GuestFiles,
    dest: GuestPath,
    members: t.Sequence[Member],
    params: t.Mapping[str, t.Any],
    labels: AttributePlanner,
) -> Plan:
    ownership = Ownership.of(params, labels.accounts)
    planner = Planner(files, dest, ownership.wanted, keep_newer=params["keep_newer"])
    steps = planner.plan(members)
    there = [step for step in steps if step.before is not None and step.member.kind in ("file", "directory")]
    wanted = any(params[name] for name in ("seuser", "serole", "setype", "selevel", "attributes"))
    changes = [labels.plan(step.path, step.before) for step in there if not step.writes] if wanted else []
    return Plan(dest, tuple(steps), tuple(changes))


# Doing it


def _apply(files: GuestFiles, archive: Archive, plan: Plan, labels: AttributePlanner) -> None:
    """Do what was decided: directories and contents first, then links, and last the times of directories."""
    changed = [step for step in plan.steps if step.changed]
    for step in changed:
        if step.member.kind == "directory":
            files.make_dir(step.path, mode=0o755)
            files.set_attributes(step.path, step.mode, step.uid, step.gid)
    _write_contents(files, archive, changed)
    for step in changed:
        if step.member.kind in ("link", "hard"):
            _link(files, step)
        elif step.member.kind == "file" and not step.writes:
            files.set_attributes(step.path, step.mode, step.uid, step.gid, follow=False)
            _set_time(files, step)
    _apply_labels(files, plan, labels)
    _set_times_of_directories(files, plan)


def _write_contents(files: GuestFiles, archive: Archive, changed: t.Sequence[Step]) -> None:
    wanted = {step.member.number: step for step in changed if step.writes and step.member.kind == "file"}
    if not wanted:
        return
    for member, reader in archive.contents():
        if member.number in wanted and reader is not None:
            _write(files, wanted[member.number], reader)


def _write(files: GuestFiles, step: Step, reader: Reader) -> None:
    """Write a file. As tar does it, another is removed first: none of its attributes stay, and no link is followed."""
    files.make_dir(step.path.parent, mode=0o755)
    if step.before is not None:
        files.remove(step.path)
    owned: dict[str, t.Any] = {"mode": step.mode, "uid": step.uid, "gid": step.gid}
    if step.member.size <= CHUNK:
        files.write(step.path, b"".join(_blocks(reader, step.member)), **owned)
    else:
        with tempfile.NamedTemporaryFile(prefix="offline-guest-") as staged:
            for block in _blocks(reader, step.member):
                staged.write(block)
            staged.flush()
            files.write(step.path, HostFile(staged.name, step.member.size), **owned)
    _set_time(files, step)


def _blocks(reader: Reader, member: Member) -> t.Iterator[bytes]:
    left = member.size
    while left:
        block = reader.read(min(left, CHUNK))
        if not block:
            raise OptionError(f"The archive's member '{printable(member.name)}' ends early.")
        left -= len(block)
        yield block


def _link(files: GuestFiles, step: Step) -> None:
    files.make_dir(step.path.parent, mode=0o755)
    if step.source is not None:
        files.hard_link(step.source, step.path)
        return
    files.symlink(step.member.target, step.path)
    files.set_attributes(step.path, None, step.uid, step.gid, follow=False)


def _set_time(files: GuestFiles, step: Step) -> None:
    files.set_times(step.path, atime=step.member.mtime, mtime=step.member.mtime)


def _apply_labels(files: GuestFiles, plan: Plan, labels: AttributePlanner) -> None:
    new = [step for step in plan.steps if step.writes and step.member.kind in ("file", "directory")]
    for change in [*plan.labels, *(labels.plan(step.path) for step in new)]:
        if change.changed:
            apply_attributes(files, change)


def _set_times_of_directories(files: GuestFiles, plan: Plan) -> None:
    """Give directories of the archive their time where they or something in them changed, the deepest first."""
    touched = {step.path.parent for step in plan.steps if step.writes}
    ours = [step for step in plan.steps if step.member.kind == "directory" and (step.changed or step.path in touched)]
    for step in sorted(ours, key=lambda step: -len(step.path)):
        _set_time(files, step)


# Telling it


def _before(step: Step) -> dict[str, t.Any]:
    if step.before is None:
        return {"state": "absent"}
    return _shown(step, step.before.kind, step.before.mode, step.before.uid, step.before.gid, step.before.mtime)


def _after(step: Step) -> dict[str, t.Any]:
    shown = _shown(step, step.member.kind, step.mode, step.uid, step.gid, step.member.mtime // 10**9)
    return {**shown, "content": "from the archive"} if "content" in step.differs else shown


def _shown(step: Step, kind: str, mode: int, uid: int, gid: int, mtime: int) -> dict[str, t.Any]:
    facts = {"state": kind, "mode": f"{mode:04o}", "owner": uid, "group": gid, "mtime": mtime}
    return {key: value for key, value in facts.items() if key in step.differs}


def _outcome(
    files: GuestFiles,
    params: t.Mapping[str, t.Any],
    archive: Archive,
    members: t.Sequence[Member],
    plan: Plan,
    labels: AttributePlanner,
) -> Outcome:
    result = {
        "src": os.path.abspath(params["src"]),
        **path_facts(params["dest"], "dest"),
        "handler": archive.handler,
        **entry_facts(plan.dest, files.lstat(plan.dest), labels.names),
    }
    if params["list_files"]:
        result["files"] = [printable(member.name.lstrip("/"), limit=4096) for member in members]
    count = sum(step.changed for step in plan.steps)
    summary = f"{printable(params['dest'])}: {count} entries of {printable(os.path.basename(params['src']))}"
    return Outcome(plan.changed, result, diff=plan.diff(), summary=summary if plan.changed else "")
