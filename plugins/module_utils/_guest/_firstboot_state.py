# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""Read firstboot's state from a guest, and carry out a plan."""

from __future__ import annotations

import re
import typing as t

from .._errors import GuestError, OfflineGuestError, printable
from ._firstboot_layout import (
    BASE,
    HOME,
    OPENRC_LINK,
    OPENRC_SCRIPT,
    PENDING,
    PRESET,
    RESULTS,
    RUN,
    SCRIPTS,
    SERVICE,
    SYSV_LEVELS,
    UNIT,
    WANTS,
    Entry,
    SysvFolders,
    common,
    is_sysv_link,
)
from ._firstboot_model import MAX_NAME, MAX_SCRIPT, Options
from ._firstboot_plan import Change, Plan, State, script_paths
from ._firstboot_results import MAX_RECORD, Record, parse_options, parse_record
from ._init_system import SYSV_LEVEL_FOLDERS, SYSV_SCRIPT_FOLDERS, InitSystem
from ._paths import GuestPath

if t.TYPE_CHECKING:
    from ._files import GuestFiles

Warn = t.Callable[[str], None]

MAX_SCRIPTS = 1000
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def read_state(files: GuestFiles, init: InitSystem | None, name: str, warn: Warn) -> State:
    """Read what a plan for the script ``name`` has to know.

    :raises GuestError: the guest says that it has SysV init, but has not its folders; too many scripts.
    """
    sysv_links = _sysv_links(files, init)
    scripts = read_scripts(files, warn)
    starting = frozenset([WANTS, PRESET, OPENRC_LINK, *sysv_links])
    programs = frozenset([UNIT, *_init_scripts(files)])
    paths = [*common(), PENDING, RUN, *starting, *programs, *script_paths(name), SCRIPTS.joined(name)]
    paths += [RESULTS.joined(name), RESULTS.joined(name, "record"), RESULTS.joined(name, "log")]
    entries = _read_entries(files, paths)
    return State(
        init=init,
        sysv=_sysv_folders(files, sysv_links) if init == "sysvinit" else None,
        scripts=scripts,
        records=read_records(files, {*scripts, name}, warn),
        entries=entries,
        starting=starting,
        programs=programs,
        home_is_ours=set(_names(files, HOME)) <= {BASE.name, RUN.name},
    )


def read_scripts(files: GuestFiles, warn: Warn) -> dict[str, Options]:
    """Return the options of the complete scripts, by name; what the runner passes over is passed over here too."""
    scripts = {}
    for name in _names(files, SCRIPTS):
        if not _NAME.fullmatch(name) or len(name) > MAX_NAME:
            warn(f"'{printable(SCRIPTS.joined(name))}' in the guest is no firstboot script.")
        elif (options := _read_options(files, name, warn)) is not None:
            scripts[name] = options
    if len(scripts) > MAX_SCRIPTS:
        raise GuestError(f"There are more than {MAX_SCRIPTS} firstboot scripts in the guest.")
    return scripts


def read_records(files: GuestFiles, names: t.Iterable[str], warn: Warn) -> dict[str, Record]:
    """Return what the runner has recorded of these scripts."""
    records: dict[str, Record] = {}
    for name in names if _kind(files, RESULTS) == "directory" else ():
        path = RESULTS.joined(name, "record")
        if not _is_file(files, path):
            continue
        try:
            records[name], damaged = parse_record(files.read(path, max_size=MAX_RECORD))
        except GuestError as exc:
            records[name], damaged = parse_record(b"")
            warn(str(exc))
        if damaged:
            warn(f"The firstboot record of '{name}' in the guest is damaged: {', '.join(damaged)}.")
    return records


def read_entry(files: GuestFiles, path: GuestPath) -> Entry | None:
    """Return what is at a path of ours; what does not look like ours has the kind ``other``."""
    found = files.lstat(path)
    if found is None:
        return None
    if found.kind == "link":
        return _read_link(files, path)
    owned = (found.uid, found.gid) == (0, 0)
    if found.kind == "directory":
        return Entry("directory", mode=found.mode, owned=owned)
    if found.kind != "file" or found.size > MAX_SCRIPT:
        return Entry("other", mode=found.mode, owned=owned)
    content = b"" if path.name == "log" else files.read(path, max_size=MAX_SCRIPT)
    return Entry("file", content, found.mode, owned)


def _read_entries(files: GuestFiles, paths: t.Iterable[GuestPath]) -> dict[GuestPath, Entry]:
    entries: dict[GuestPath, Entry] = {}
    for path in sorted(set(paths)):
        # Each look costs some calls, and in a guest without firstboot most would be in vain.
        if BASE in entries or not _is_below_base(path):
            entry = read_entry(files, path)
            if entry is not None:
                entries[path] = entry
    return entries


def _is_below_base(path: GuestPath) -> bool:
    return path.startswith(f"{BASE}/")


def apply_plan(files: GuestFiles, plan: Plan) -> None:
    """Make the guest as the plan wants it."""
    for change in plan.changes:
        if change.after is None:
            files.remove_tree(change.path)
        else:
            _apply(files, change, change.after)


def _apply(files: GuestFiles, change: Change, after: Entry) -> None:
    path = change.path
    if change.before is not None and change.before.kind != after.kind:
        # A link too, for writing goes through it: to /dev/null where somebody has masked the unit.
        files.remove_tree(path)
    if after.kind != "directory" and not _is_below_base(path):  # our own folders are changes of their own
        files.make_dir(path.parent, mode=0o755)
    if after.kind == "link":
        files.symlink(after.content.decode(), path)
    elif after.kind == "directory":
        files.make_dir(path, mode=after.mode)
        files.set_attributes(path, mode=after.mode, uid=0, gid=0)
    else:
        files.write(path, after.content, mode=after.mode, uid=0, gid=0)


def _read_options(files: GuestFiles, name: str, warn: Warn) -> Options | None:
    if not all(_is_file(files, path) for path in script_paths(name)):
        warn(f"The firstboot script '{name}' in the guest is not complete.")
        return None
    try:
        options, damaged = parse_options(files.read(SCRIPTS.joined(name, "options"), max_size=MAX_RECORD))
    except OfflineGuestError as exc:
        options, damaged = Options(), []
        warn(str(exc))
    if damaged:
        warn(f"The options of the firstboot script '{name}' in the guest are damaged: {', '.join(damaged)}.")
    return options


def _read_link(files: GuestFiles, path: GuestPath) -> Entry:
    """A link of ours has the target that we give it, if both lead to the same place."""
    try:
        leads_to = files.resolve(path)
    except GuestError:  # a loop
        return Entry("link")
    targets = (UNIT, OPENRC_SCRIPT, *(folder.joined(SERVICE) for folder in SYSV_SCRIPT_FOLDERS))
    exact = [target for target in targets if target == leads_to]
    for target in exact or [target for target in targets if _place(files, target) == leads_to]:
        return Entry("link", target.encode())
    return Entry("link", leads_to.encode("utf-8", "surrogateescape"))


def _place(files: GuestFiles, path: GuestPath) -> GuestPath:
    """Where an entry is if a folder above it is a link; the path itself where those lead nowhere."""
    try:
        return files.resolve(path.parent).joined(path.name)
    except GuestError:
        return path


def _names(files: GuestFiles, folder: GuestPath) -> list[str]:
    return files.list_dir(folder) if _kind(files, folder) == "directory" else []


def _is_file(files: GuestFiles, path: GuestPath) -> bool:
    return _kind(files, path) == "file"


def _kind(files: GuestFiles, path: GuestPath) -> str | None:
    """What a path leads to; None for nothing, and for links in a loop."""
    try:
        found = files.lstat(files.resolve(path))
    except GuestError:
        return None
    return found.kind if found is not None else None


def _init_scripts(files: GuestFiles) -> t.Iterable[GuestPath]:
    """Return where our init script may be, each place once: RHEL 6 has /etc/init.d as a link to the other folder."""
    by_place = {files.resolve(folder): folder.joined(SERVICE) for folder in reversed(SYSV_SCRIPT_FOLDERS)}
    return by_place.values()


def _sysv_level_folders(files: GuestFiles) -> dict[int, GuestPath]:
    """Return the real folder of each runlevel that this guest has."""
    folders = {}
    for level in range(7):
        candidates = [GuestPath(pattern.format(level)) for pattern in SYSV_LEVEL_FOLDERS]
        found = [path for path in candidates if _kind(files, path) == "directory"]
        if found:
            folders[level] = files.resolve(found[0])
    return folders


def _sysv_links(files: GuestFiles, init: InitSystem | None) -> list[GuestPath]:
    """Return our runlevel links that are there, whatever their number; without our init script there are none."""
    if init != "sysvinit" and not any(_is_file(files, folder.joined(SERVICE)) for folder in SYSV_SCRIPT_FOLDERS):
        return []
    return [
        folder.joined(name)
        for folder in _sysv_level_folders(files).values()
        for name in _names(files, folder)
        if is_sysv_link(name)
    ]


def _sysv_folders(files: GuestFiles, links: t.Sequence[GuestPath]) -> SysvFolders:
    levels = _sysv_level_folders(files)
    scripts = [path for path in SYSV_SCRIPT_FOLDERS if _kind(files, path) == "directory"]
    if not scripts or not set(SYSV_LEVELS) & set(levels):
        raise GuestError(
            "The guest seems to have SysV init, but no folders for its scripts and runlevels.",
            hint="Firstboot needs /etc/init.d (or /etc/rc.d/init.d) and /etc/rc3.d (or /etc/rc.d/rc3.d).",
        )
    wanted = []
    for level in SYSV_LEVELS:
        if level in levels:
            there = [path for path in links if path.parent == levels[level] and path.name.startswith("S")]
            wanted.append(there[0] if there else levels[level].joined(f"S99{SERVICE}"))
    return SysvFolders(scripts[0], tuple(wanted))
