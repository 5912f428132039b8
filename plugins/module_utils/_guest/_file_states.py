# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""The module file, states absent, directory, file and touch: what is to be done.

States and messages are those of ansible.builtin.file. Where that tells of a change that is none, or of none where there
is one, this tells what is: a file that ``touch`` makes is a change even if its times are to be preserved.
"""

from __future__ import annotations

import posixpath
import typing as t

from .._errors import GuestError, OptionError, printable
from ._file_draft import PATH_LIMIT, Draft, Entry, FilePlan, kept
from ._files import FileStat
from ._paths import GuestPath
from ._steps import MakeDirectory, Remove, SetAttributes, WriteFile, expected, missing_directories, parent_of
from ._tree import MAX_ENTRIES, walk

_SHOWN = 1000  # entries of a tree that a difference lists


def plan_absent(draft: Draft, entry: Entry) -> FilePlan:
    """Have nothing there."""
    if entry.path == "/":
        raise OptionError("The guest's root directory cannot be removed.")
    if entry.found is not None:
        draft.add(Remove(entry.path), entry, "absent")
    if entry.state == "directory":
        draft.show({"before": {"path_content": _content(draft, entry.path)}})
    return FilePlan(entry, None, {"state": "absent"})


def _content(draft: Draft, path: GuestPath) -> dict[str, list[str]]:
    content: dict[str, list[str]] = {"directories": [], "files": []}
    for number, (below, found) in enumerate(walk(draft.files, path)):
        if number >= _SHOWN:
            content["files"].append(f"… (only the first {_SHOWN} are shown)")
            break
        shown = posixpath.join(draft.options.path, posixpath.relpath(below, path))
        content["directories" if found.kind == "directory" else "files"].append(printable(shown, limit=PATH_LIMIT))
    return content


def plan_file(draft: Draft, entry: Entry) -> FilePlan:
    """Set attributes and times of a file that must be there."""
    entry = draft.followed(entry)
    if entry.found is None or entry.state not in ("file", "hard"):
        raise GuestError(
            f"file ({entry.shown}) is {entry.state}, cannot continue",
            hint="Have it made by state=touch or state=directory, or by another module." if not entry.found else "",
            details={"path": entry.shown, "state": entry.state},
        )
    return kept(entry, draft.set(entry.path, entry.found))


def plan_touch(draft: Draft, entry: Entry) -> FilePlan:
    """Have a file there, and set the times of whatever is there."""
    if entry.found is None:
        change = draft.attributes.plan_new(entry.path, "file", parent_of(draft.files, entry.path))
        draft.add(WriteFile(change), entry, "touch")
        draft.set_new_times(entry.path)
        return FilePlan(entry, expected("file", change.after, 0))
    target = draft.followed(entry)
    if target.found is None:
        raise GuestError(f"Error, could not touch target: '{entry.shown}' leads to '{target.shown}', which is missing.")
    change = draft.set(target.path, target.found)
    if draft.steps:
        draft.show({"before": {"state": entry.state}, "after": {"state": "touch"}})
    return kept(entry, change) if target == entry else FilePlan(entry, entry.found)


def plan_directory(draft: Draft, entry: Entry) -> FilePlan:
    """Have a directory there, those above it too, and set attributes of what is in it if that is asked for."""
    entry = draft.followed(entry)
    if entry.found is None:
        return _new_directory(draft, entry)
    if entry.state != "directory":
        raise GuestError(f"{entry.shown} already exists as a {entry.state}", details={"path": entry.shown})
    change = draft.set(entry.path, entry.found)
    if draft.options.recurse:
        _recurse(draft, entry.path)
    return kept(entry, change)


def _new_directory(draft: Draft, entry: Entry) -> FilePlan:
    missing, parent = missing_directories(draft.files, entry.path)
    for path in missing:
        change = draft.attributes.plan_new(path, "directory", parent)
        parent = expected("directory", change.after, 0)
        draft.add(MakeDirectory(change), entry, "directory")
        draft.show(change.diff())
    draft.set_new_times(entry.path)
    return FilePlan(entry, None)


def _recurse(draft: Draft, top: GuestPath) -> None:
    """Set attributes and times of all below, and of all that links lead to if they are to be followed; each once."""
    changed: dict[str, dict[str, t.Any]] = {"before": {}, "after": {}}
    for path, found in _reached(draft, top):
        change = draft.attributes.plan(path, found)
        if change.changed:
            draft.steps.append(SetAttributes(change))
        times = draft.times.plan(path, found) if draft.times.any and found.kind in ("file", "directory") else None
        if times is not None:
            draft.steps.append(times)
        if (change.changed or times) and len(changed["after"]) < _SHOWN:
            for side in ("before", "after"):
                changed[side][printable(path, limit=PATH_LIMIT)] = change.diff().get(side, {})
    if changed["after"]:
        draft.show({side: {"contents": content} for side, content in changed.items()})


def _reached(draft: Draft, top: GuestPath) -> t.Iterator[tuple[GuestPath, FileStat]]:
    waiting, done = [top], {top}
    while waiting:
        for path, found in walk(draft.files, waiting.pop()):
            target = _followed(draft, Entry(path, found))
            for entry in {path: Entry(path, found), target.path: target}.values():
                if entry.found is None or entry.path in done:
                    continue
                if len(done) > MAX_ENTRIES:
                    raise GuestError(
                        f"Links below '{printable(top)}' in the guest lead to more than {MAX_ENTRIES} entries."
                    )
                done.add(entry.path)
                yield entry.path, entry.found
                if entry.state == "directory" and entry.path != path:
                    waiting.append(entry.path)


def _followed(draft: Draft, entry: Entry) -> Entry:
    """Return where a link leads; one that leads in a loop leads nowhere, as for the twin."""
    try:
        return draft.followed(entry)
    except GuestError:
        return entry
