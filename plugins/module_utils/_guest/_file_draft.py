# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""What a plan of the module file is drafted with: the entry as it is, the options, and the steps and the difference."""

from __future__ import annotations

import dataclasses
import typing as t

from .._errors import printable
from ._attributes import AttributeChange, AttributeOptions, AttributePlanner
from ._file_times import Times, times_diff
from ._files import FileStat, GuestFiles
from ._paths import GuestPath
from ._steps import SetAttributes, Step, expected, state_of

PATH_LIMIT = 4096
Sides = t.Mapping[str, t.Mapping[str, t.Any]]


@dataclasses.dataclass(frozen=True)
class FileOptions:
    """The options of the task, but for those about attributes and times."""

    path: str
    state: str | None
    src: str | None
    recurse: bool
    force: bool
    follow: bool

    @classmethod
    def of(cls, params: t.Mapping[str, t.Any]) -> FileOptions:
        """Read them from the task's."""
        return cls(**{field.name: params[field.name] for field in dataclasses.fields(cls)})


@dataclasses.dataclass(frozen=True)
class Entry:
    """An entry of the guest as it is, which may be missing; its path is canonical but for the last component."""

    path: GuestPath
    found: FileStat | None

    @property
    def state(self) -> str:
        """What Ansible calls the kind of entry that it is."""
        return state_of(self.found)

    @property
    def shown(self) -> str:
        """The path as it may be shown."""
        return printable(self.path, limit=PATH_LIMIT)


@dataclasses.dataclass(frozen=True)
class FilePlan:
    """What is to be done.

    :param entry: the entry that the result describes.
    :param after: what lstat is to say of it; None where there is nothing, or where only lstat can tell.
    :param details: further keys of the result.
    :param diff: ``before`` and ``after``, beside the path.
    """

    entry: Entry
    after: FileStat | None
    details: t.Mapping[str, t.Any] = dataclasses.field(default_factory=dict)
    steps: tuple[Step, ...] = ()
    diff: Sides = dataclasses.field(default_factory=dict)

    @property
    def changed(self) -> bool:
        """Whether anything is to be done."""
        return bool(self.steps)


class Draft:
    """Collects steps and the difference that they make; reads the guest and changes nothing."""

    def __init__(
        self, files: GuestFiles, params: t.Mapping[str, t.Any], warn: t.Callable[[str], None] = lambda text: None
    ) -> None:
        self.files = files
        self.options = FileOptions.of(params)
        self.attributes = AttributePlanner(files, AttributeOptions.of(params))
        self.times = Times()
        self.warn = warn
        self.steps: list[Step] = []
        self.diff: dict[str, dict[str, t.Any]] = {"before": {}, "after": {}}

    def look(self, path: GuestPath) -> Entry:
        """Read an entry itself."""
        return Entry(path, self.files.lstat(path))

    def followed(self, entry: Entry) -> Entry:
        """Return where a link leads, if links are to be followed; nothing may be there."""
        if entry.state != "link" or not self.options.follow:
            return entry
        return self.look(self.files.resolve(entry.path))

    def add(self, step: Step, entry: Entry, state: str) -> None:
        """Do something that makes another kind of entry of this one."""
        self.steps.append(step)
        if entry.state != state:
            self.show({"before": {"state": entry.state}, "after": {"state": state}})

    def show(self, diff: Sides) -> None:
        """Show a difference."""
        for side in ("before", "after"):
            self.diff[side].update(diff.get(side, {}))

    def set(self, path: GuestPath, found: FileStat) -> AttributeChange:
        """Set attributes and times of what is there, and show it."""
        change = self.attributes.plan(path, found)
        self.set_planned(change)
        self.set_times(path, found)
        return change

    def set_planned(self, change: AttributeChange) -> None:
        """Set attributes."""
        if change.changed:
            self.steps.append(SetAttributes(change))
            self.show(change.diff())

    def set_times(self, path: GuestPath, found: FileStat) -> None:
        """Set the times of what is there."""
        step = self.times.plan(path, found) if self.times.any else None
        if step is not None:
            self.steps.append(step)
            self.show(times_diff(found, step))

    def set_new_times(self, path: GuestPath) -> None:
        """Set the times of what the steps so far make."""
        step = self.times.plan_new(path)
        if step is not None:
            self.steps.append(step)


def kept(entry: Entry, change: AttributeChange) -> FilePlan:
    """Return the plan for an entry that stays what it is, with other attributes perhaps."""
    if entry.found is None:
        raise AssertionError("only what is there is kept")
    return FilePlan(entry, expected(entry.found.kind, change.after, entry.found.size, entry.found))
