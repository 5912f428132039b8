# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""The module file, states link and hard: what is to be done."""

from __future__ import annotations

import dataclasses
import posixpath

from .._errors import GuestError, OptionError, printable
from ._attributes import inherited
from ._file_draft import PATH_LIMIT, Draft, Entry, FilePlan, kept
from ._files import FileStat
from ._steps import MakeHardLink, MakeLink, expected, parent_of


def plan_link(draft: Draft, entry: Entry) -> FilePlan:
    """Have a symbolic link there."""
    current = draft.files.link_target(entry.path) if entry.state == "link" else None
    text = draft.options.src or current
    if text is None:
        raise OptionError("src is required for creating new symlinks", details={"path": entry.shown})
    _require_source(draft, entry)
    _require_replaceable(draft, entry)
    if text != current:
        draft.add(MakeLink(entry.path, text, entry.state == "directory"), entry, "link")
    if text != current and current is not None:
        draft.show({"before": {"src": printable(current, limit=PATH_LIMIT)}, "after": {"src": text}})
    details = {"src": printable(text, limit=PATH_LIMIT)}
    plan = _follow_link(draft, entry, text) if draft.options.follow else _link_itself(draft, entry, text)
    return dataclasses.replace(plan, details=details)


def _require_source(draft: Draft, entry: Entry) -> None:
    """What the link is to lead to must be there, seen as the twin sees it: from a directory that is in its place."""
    source = draft.options.src
    if draft.options.force or source is None:
        return
    folder = entry.path if entry.state == "directory" else entry.path.parent
    if draft.files.lstat(draft.files.resolve_target(source, folder)) is None:
        absolute = printable(posixpath.join(folder, source), limit=PATH_LIMIT)
        raise GuestError(
            f"src file does not exist, use 'force=yes' if you really want to create the link: {absolute}",
            details={"path": entry.shown, "src": source},
        )


def _require_replaceable(draft: Draft, entry: Entry) -> None:
    if entry.state in ("absent", "link"):
        return
    if not draft.options.force:
        raise GuestError(
            f"refusing to convert from {entry.state} to symlink for {entry.shown}",
            hint="Set force: true to have it replaced.",
            details={"path": entry.shown},
        )
    if entry.state == "directory" and draft.files.list_dir(entry.path):
        raise GuestError(
            f"the directory {entry.shown} is not empty, refusing to convert it", details={"path": entry.shown}
        )


def _follow_link(draft: Draft, entry: Entry, text: str) -> FilePlan:
    """Set attributes of what the link leads to once it is there."""
    parent_of(draft.files, entry.path)
    target = draft.look(draft.files.resolve_target(text, entry.path.parent))
    if target.found is None or target.path == entry.path:
        draft.warn(
            "Cannot set fs attributes on a non-existent symlink target. follow should be set to False to avoid this."
        )
    else:
        draft.set(target.path, target.found)
    return FilePlan(entry, _link_stat(draft, entry, text))


def _link_itself(draft: Draft, entry: Entry, text: str) -> FilePlan:
    if entry.found is not None and entry.state == "link" and not draft.steps:
        change = draft.attributes.plan(entry.path, entry.found)
    else:
        change = draft.attributes.plan_new(entry.path, "link", parent_of(draft.files, entry.path))
    draft.set_planned(change)
    target = draft.look(draft.files.resolve_target(text, entry.path.parent))
    if target.found is not None and draft.times.any:
        draft.set_times(target.path, target.found)
    return FilePlan(
        entry, dataclasses.replace(_link_stat(draft, entry, text), uid=change.after.uid, gid=change.after.gid)
    )


def _link_stat(draft: Draft, entry: Entry, text: str) -> FileStat:
    if entry.found is not None and not any(isinstance(step, MakeLink) for step in draft.steps):
        return entry.found
    made = inherited("link", parent_of(draft.files, entry.path))
    return expected("link", made, len(text.encode("utf-8", "surrogateescape")))


def plan_hard(draft: Draft, entry: Entry) -> FilePlan:
    """Have another name of a file there."""
    if draft.options.src is None:
        if entry.state != "hard" or entry.found is None:
            raise OptionError("src is required for creating new hardlinks", details={"path": entry.shown})
        return kept(entry, draft.set(entry.path, entry.found))
    source, details = _source(draft, entry), {"src": draft.options.src}
    if entry.found is None or not _is_linked(draft, entry, source):
        return dataclasses.replace(_new_hard_link(draft, entry, source), details=details)
    return dataclasses.replace(kept(entry, draft.set(entry.path, entry.found)), details=details)


def _source(draft: Draft, entry: Entry) -> Entry:
    text = draft.options.src or ""
    folder, parent = posixpath.split(text)[0] or ".", entry.path.parent
    source = draft.look(draft.files.resolve_target(folder, parent).joined(posixpath.basename(text)))
    there = draft.look(draft.files.resolve_target(text, parent)) if source.state == "link" else source
    if there.found is None:
        raise GuestError("src does not exist", details={"dest": entry.shown, "src": text})
    if there.state == "directory":
        raise GuestError(f"Error while linking: '{there.shown}' is a directory, which can have no other name.")
    return there if draft.options.follow else source


def _is_linked(draft: Draft, entry: Entry, source: Entry) -> bool:
    """Whether nothing is to be done.

    :raises GuestError: something is there that may not be replaced.
    """
    if entry.state == "link" and source.path != entry.path:
        return draft.files.link_target(entry.path) == draft.options.src
    if entry.found is not None and source.found is not None and _inode(entry.found) == _inode(source.found):
        return True
    what = "different hard link" if entry.state in ("hard", "directory") else entry.state
    if not draft.options.force or entry.state == "directory":
        raise GuestError(
            f"Cannot link, {what} exists at destination",
            hint="" if entry.state == "directory" else "Set force: true to have it replaced.",
            details={"dest": entry.shown, "src": draft.options.src},
        )
    return False


def _new_hard_link(draft: Draft, entry: Entry, source: Entry) -> FilePlan:
    if source.found is None:
        raise AssertionError("looked at a moment ago")
    parent_of(draft.files, entry.path)
    draft.add(MakeHardLink(entry.path, source.path), entry, "hard")
    if entry.state == "link":
        old = printable(draft.files.link_target(entry.path) or "", limit=PATH_LIMIT)
        draft.show({"before": {"src": old}, "after": {"src": draft.options.src}})
    change = draft.set(source.path, source.found)
    struct = {**source.found.struct, "st_nlink": source.found.struct.get("st_nlink", 1) + 1}
    after = expected(source.found.kind, change.after, source.found.size, source.found)
    return FilePlan(entry, dataclasses.replace(after, struct=struct))


def _inode(found: FileStat) -> tuple[int, int]:
    return found.struct["st_dev"], found.struct["st_ino"]
