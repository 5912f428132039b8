# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""The module copy, which the module template runs as well: a file, or a directory with all that is in it."""

from __future__ import annotations

import dataclasses
import posixpath
import typing as t

from .._errors import HostError, OptionError, printable
from ._attributes import AttributeOptions, entry_facts
from ._copy_content import Content, GuestContent, HostContent
from ._copy_plan import CopyOptions, CopyPlanner, EntryCopy
from ._copy_source import Found, GuestTree, HostTree, SourceEntry, Tree, walk
from ._diff import MAX_DIFF, attributes_diff, content_diff
from ._files import GuestFiles
from ._paths import GuestPath
from ._steps import canonical, state_of
from ._task import Outcome, Task

_PATH_LIMIT = 4096
_CONTENTS_SHOWN = 50  # differences of contents that one task shows
_ENTRIES_SHOWN = 1000


@dataclasses.dataclass(frozen=True)
class Source:
    """What is copied: the file or directory at ``path``."""

    tree: Tree
    path: str
    found: Found

    @property
    def name(self) -> str:
        """What it is called where it is put into a directory."""
        return posixpath.basename(self.path.rstrip("/"))

    def content(self, files: GuestFiles, origin: str, size: int) -> Content:
        """Return the content of a file."""
        if isinstance(self.tree, HostTree):
            return HostContent(origin, size)
        return GuestContent(files, files.resolve(origin), size)


@dataclasses.dataclass(frozen=True)
class CopyPlan:
    """What is to be done.

    :param dest: where to, as it is shown.
    :param entries: in the order of their steps.
    :param file: the one that the task is about; None where that is a directory.
    """

    dest: str
    entries: tuple[EntryCopy, ...]
    file: EntryCopy | None = None
    content: Content | None = None

    @property
    def changed(self) -> bool:
        """Whether anything is to be done."""
        return any(entry.changed for entry in self.entries)


def handle(task: Task) -> Outcome:
    """Run the task.

    :raises OptionError: the options cannot be meant. :raises GuestError: what is in the guest does not allow it.
    :raises HostError: the source cannot be read.
    """
    files, params = task.guest.files, task.params
    try:
        source = find_source(files, params)
        planner = CopyPlanner(files, _options(params, source), AttributeOptions.of({**params, "mode": None}))
        make_plan = _plan_directory if source.found.kind == "directory" else _plan_file
        plan = make_plan(files, planner, source, params)
        _validate(plan, params["validate"])
        diff = _diff(files, plan)  # of the contents as they are now
    except OSError as exc:
        raise HostError(f"Source {printable(str(params['src']))} not readable: {printable(str(exc))}") from exc
    if plan.changed and not task.check:
        for entry in plan.entries:
            for step in entry.steps:
                step.apply(files)
    return _outcome(files, planner, plan, params, diff, applied=not task.check)


def find_source(files: GuestFiles, params: t.Mapping[str, t.Any]) -> Source:
    """Look at what is to be copied.

    :raises OptionError: it is not there, or is no file or directory.
    """
    path = params["guest_src"] or params["src"]
    if not path:
        raise OptionError("src (or content) is required")
    tree: Tree = GuestTree(files) if params["guest_src"] else HostTree()
    real = tree.real(path.rstrip("/") or "/")
    found = tree.find(real)
    if found is None:
        raise OptionError(f"Source {printable(path)} not found")
    if found.kind not in ("file", "directory"):
        raise OptionError(f"Cannot copy invalid source '{printable(path)}': not a file")
    return Source(tree, path, found)


def _options(params: t.Mapping[str, t.Any], source: Source) -> CopyOptions:
    is_tree = source.found.kind == "directory"
    return CopyOptions(
        backup=params["backup"],
        force=params["force"],
        follow=params["follow"],
        mode=params["mode"],
        directory_mode=params["directory_mode"],
        keeps_modes=is_tree and not _is_from_controller(params),
    )


def _plan_file(files: GuestFiles, planner: CopyPlanner, source: Source, params: t.Mapping[str, t.Any]) -> CopyPlan:
    content = source.content(files, source.tree.real(source.path), source.found.size)
    if params["checksum"] and params["checksum"] != content.sha1:
        raise OptionError(
            "Copied file does not match the expected checksum. Transfer failed.",
            details={"checksum": content.sha1, "expected_checksum": params["checksum"]},
        )
    dest, folder = params["dest"], _folder(files, params["dest"])
    if folder is None:
        path, made = canonical(files, dest), []
    elif params["content"] is not None:
        raise OptionError("can not use content with a dir as dest", hint="Name the file in it.")
    else:
        dest, path, made = posixpath.join(dest, source.name), folder.joined(source.name), planner.directories(folder)
    entry = planner.file(path, content, source.found.mode)
    shown = dest if entry.path == path else printable(entry.path, limit=_PATH_LIMIT)
    return CopyPlan(shown, (*made, entry), entry, content)


def _folder(files: GuestFiles, dest: str) -> GuestPath | None:
    """The directory that a file is to go into; None where ``dest`` is the file itself."""
    real = files.resolve(dest)
    found = files.lstat(real)
    return real if dest.endswith("/") or (found is not None and found.kind == "directory") else None


def _plan_directory(files: GuestFiles, planner: CopyPlanner, source: Source, params: t.Mapping[str, t.Any]) -> CopyPlan:
    dest = posixpath.join(params["dest"], "")
    top = files.resolve(dest if source.path.endswith("/") else posixpath.join(dest, source.name))
    _require_apart(source, top)
    entries = planner.directories(top)
    follow = _is_from_controller(params) if params["local_follow"] is None else params["local_follow"]
    folders = {"": top}
    for item in walk(source.tree, source.path.rstrip("/") or "/", follow=follow):
        head, name = posixpath.split(item.name)
        entries.append(_plan_entry(files, planner, source, item, folders[head].joined(name)))
        if item.kind == "directory":
            folders[item.name] = entries[-1].path
    return CopyPlan(dest, tuple(entries))


def _require_apart(source: Source, top: GuestPath) -> None:
    inside = isinstance(source.tree, GuestTree) and f"{top}/".startswith(f"{source.tree.real(source.path)}/")
    if inside:
        raise OptionError(f"'{printable(top)}' is in the directory that is to be copied there.")


def _is_from_controller(params: t.Mapping[str, t.Any]) -> bool:
    return not (params["remote_src"] or params["guest_src"])


def _plan_entry(
    files: GuestFiles, planner: CopyPlanner, source: Source, item: SourceEntry, path: GuestPath
) -> EntryCopy:
    if item.kind == "directory":
        return planner.directory(path, item.mode)
    if item.kind == "link":
        return planner.link(path, item.target)
    return planner.file(path, source.content(files, item.origin, item.size), item.mode)


def _validate(plan: CopyPlan, command: str | None) -> None:
    for entry in plan.entries if command else ():
        if entry.content is not None and command:
            entry.content.validate(command)


# Results


def _diff(files: GuestFiles, plan: CopyPlan) -> list[dict[str, t.Any]]:
    if plan.file is not None:
        return [_content_diff(files, plan.dest, plan.file), _attributes_diff(plan.dest, plan.file)]
    written = [entry for entry in plan.entries if entry.content is not None][:_CONTENTS_SHOWN]
    diff = [_content_diff(files, printable(entry.path, limit=_PATH_LIMIT), entry) for entry in written]
    return [*diff, _entries_diff(plan)]


def _content_diff(files: GuestFiles, path: str, entry: EntryCopy) -> dict[str, t.Any]:
    if entry.content is None:
        return content_diff(path, b"", b"")
    before = b"" if entry.old is None else files.head(entry.old, MAX_DIFF + 1)
    after = entry.content.head(MAX_DIFF + 1)
    return content_diff(path, before, after, same=False if len(before) > MAX_DIFF else None)


def _attributes_diff(path: str, entry: EntryCopy) -> dict[str, t.Any]:
    diff = entry.change.diff() if entry.change is not None else {}
    if entry.is_new and entry.change is not None:
        after = entry.change.after
        shown = {"mode": f"0{after.mode:03o}", "owner": after.uid, "group": after.gid}
        diff = {"before": {}, "after": {**shown, **diff.get("after", {}), "state": entry.kind}}
        diff["before"]["state"] = state_of(entry.before)
    return attributes_diff(path, {"before": diff.get("before", {}), "after": diff.get("after", {})})


def _entries_diff(plan: CopyPlan) -> dict[str, t.Any]:
    changed = [entry for entry in plan.entries if entry.changed][:_ENTRIES_SHOWN]
    shown: dict[str, dict[str, t.Any]] = {"before": {"path": plan.dest}, "after": {"path": plan.dest}}
    for entry in changed:
        part = _attributes_diff(plan.dest, entry)
        for side in ("before", "after"):
            shown[side].setdefault("contents", {})[printable(entry.path, limit=_PATH_LIMIT)] = part[side]
    return attributes_diff(plan.dest, shown)


def _outcome(
    files: GuestFiles,
    planner: CopyPlanner,
    plan: CopyPlan,
    params: t.Mapping[str, t.Any],
    diff: list[dict[str, t.Any]],
    *,
    applied: bool,
) -> Outcome:
    result: dict[str, t.Any] = {"dest": plan.dest, "src": params["guest_src"] or params["src"]}
    if plan.file is not None:
        result.update(_file_result(files, planner, plan, plan.file, applied=applied))
    summary = f"{printable(plan.dest)}: {_said(plan)}" if plan.changed else ""
    return Outcome(plan.changed, result, diff, summary)


def _file_result(
    files: GuestFiles, planner: CopyPlanner, plan: CopyPlan, entry: EntryCopy, *, applied: bool
) -> dict[str, t.Any]:
    result: dict[str, t.Any] = {}
    if entry.is_kept:
        result["msg"] = "file already exists"
    elif plan.content is not None:
        result.update(checksum=plan.content.sha1, md5sum=plan.content.md5)
    if entry.backup is not None:
        result["backup_file"] = printable(entry.backup, limit=_PATH_LIMIT)
    label = files.label_of(entry.path) if applied or entry.before is not None else None
    return {**result, **entry_facts(entry.path, entry.after, planner.attributes.names, label=label)}


def _said(plan: CopyPlan) -> str:
    if plan.file is None:
        return f"{sum(entry.changed for entry in plan.entries)} entries copied"
    return "copied" if plan.file.content is not None else "attributes changed"
