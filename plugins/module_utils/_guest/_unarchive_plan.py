# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""What extracting an archive changes in a guest: decided from the members and the guest's entries, link by link.

The entries that members make are part of the picture for the members that follow. So a link of the archive is followed
as it would be once it is there, and what leads out of the destination by it is refused before anything is written.
"""

from __future__ import annotations

import dataclasses
import typing as t

from .._errors import GuestError, OptionError, printable
from ._archive import DIGEST, Member
from ._files import FileStat, GuestFiles
from ._paths import GuestPath, resolve


@dataclasses.dataclass(frozen=True)
class Step:
    """An entry as it is to be.

    :param path: where it is, every link above it followed.
    :param before: what is there; None for nothing.
    :param source: the path of the file of which this is another name.
    :param writes: whether it is made or its content replaced; otherwise at most mode, owner and time are set.
    :param differs: what is not as wanted.
    """

    path: GuestPath
    member: Member
    mode: int
    uid: int
    gid: int
    before: FileStat | None
    source: GuestPath | None = None
    writes: bool = False
    differs: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether anything is to be done."""
        return self.writes or bool(self.differs)


class Planner:
    """Makes the plan, member by member.

    :param dest: the directory, every link followed.
    :param attributes: from a member to mode, uid and gid.
    """

    def __init__(
        self,
        files: GuestFiles,
        dest: GuestPath,
        attributes: t.Callable[[Member], tuple[int, int, int]],
        *,
        keep_newer: bool,
    ) -> None:
        self._files = files
        self._dest = dest
        self._attributes = attributes
        self._keep_newer = keep_newer
        self._steps: dict[GuestPath, Step] = {}
        self._followed: dict[GuestPath, str] = {}
        self._parents: set[GuestPath] = set()  # of what is planned: those that are not there will be made

    def plan(self, members: t.Iterable[Member]) -> list[Step]:
        """Return the steps in their order; of a name that is there twice, the last counts.

        :raises OptionError: a member is not to be extracted. :raises GuestError: something in the guest is in its way.
        """
        for member in members:
            step = self._step(member)
            if step is not None:
                self._require_same_kind(step)
                self._steps[step.path] = step
                self._add_parents(step.path.parent)
        self._finish_links()
        return list(self._steps.values())

    def _finish_links(self) -> None:
        """Look at hard links again, now that it is known what becomes of the files that they name."""
        seen: set[GuestPath] = set()
        for path, step in self._steps.items():
            seen.add(path)
            if step.member.kind != "hard":
                continue
            linked = self._linked(step)
            if linked.source in self._steps and linked.source not in seen:
                raise OptionError(
                    f"The archive's member '{printable(step.member.name)}' is another name of one that comes later.",
                    hint="Exclude it, or make the archive anew.",
                )
            self._steps[path] = linked

    def _require_same_kind(self, step: Step) -> None:
        other = self._steps.get(step.path)
        if other is not None and (other.member.kind != step.member.kind or step.member.kind == "hard"):
            raise OptionError(
                f"The archive has two members '{printable(step.member.name)}' that are not of the same kind.",
                hint="Exclude it, or make the archive anew.",
            )

    def _add_parents(self, path: GuestPath) -> None:
        while path not in self._parents and path != path.parent:
            self._parents.add(path)
            path = path.parent

    def _step(self, member: Member) -> Step | None:
        if member.kind == "special":
            raise OptionError(
                f"The archive's member '{printable(member.name)}' is a device or a pipe, which is not made in a guest.",
                hint="Exclude it.",
            )
        path = self._place(member)
        there = self._kind(path)
        if there is not None and (there == "directory") != (member.kind == "directory"):
            raise GuestError(
                f"'{printable(path)}' in the guest is a {there}, and the member '{printable(member.name)}' is not.",
                hint="Remove it first, or exclude it.",
            )
        if path in self._followed and (member.kind != "link" or member.target != self._followed[path]):
            raise OptionError(
                f"The archive's member '{printable(member.name)}' replaces a symbolic link through which others go.",
                hint="Exclude it.",
            )
        before = self._files.lstat(path)
        if self._is_kept(member, before):
            return None
        mode, uid, gid = self._attributes(member)
        step = Step(path, member, mode, uid, gid, before)
        return self._compared(step) if member.kind != "hard" else self._linked(step)

    # Where

    def _place(self, member: Member) -> GuestPath:
        """Return where a member goes: the links above it are followed, one at its own place only by a directory."""
        whole = self._dest.joined(member.path)
        if whole == self._dest:
            if member.kind != "directory":
                raise OptionError(f"The archive's member '{printable(member.name)}' is the destination itself.")
            return whole
        parent = self._resolved(whole.parent, member)
        self._require_directory(parent)
        path = parent.joined(whole.name)
        if member.kind == "directory" and self._kind(path) == "link":
            target = self._resolved(path, member)
            return target if self._kind(target) == "directory" else path
        return path

    def _require_directory(self, path: GuestPath) -> None:
        above: GuestPath = path
        while (kind := self._kind(above)) is None and above != above.parent:
            above = above.parent
        if kind != "directory":
            raise GuestError(
                f"'{printable(above)}' in the guest is a {kind}, and the archive needs a directory there.",
                hint="Remove it first.",
            )

    def _resolved(self, path: GuestPath, member: Member) -> GuestPath:
        real = resolve(path, self._read_link)
        if real != self._dest and not real.startswith(f"{self._dest.rstrip('/')}/"):
            raise OptionError(
                f"The archive's member '{printable(member.name)}' would be '{printable(real)}' in the guest, because a "
                "symbolic link leads out of the destination.",
                hint="Exclude it, or name the place it leads to as dest.",
            )
        return real

    def _read_link(self, path: GuestPath) -> str | None:
        planned = self._steps.get(path)
        if planned is not None:
            target = planned.member.target if planned.member.kind == "link" else None
        else:
            # What is not there yet may be there by another member further down, so nothing is said to be missing.
            target = self._files.link_target(path)
        if target is not None:
            self._followed[path] = target
        return target

    def _kind(self, path: GuestPath) -> str | None:
        """Return what will be there when all that is planned so far is done; None for nothing."""
        planned = self._steps.get(path)
        if planned is not None:
            return "file" if planned.member.kind == "hard" else planned.member.kind
        if path in self._parents:
            return "directory"
        found = self._files.lstat(path)
        return found.kind if found is not None else None

    # What

    def _is_kept(self, member: Member, before: FileStat | None) -> bool:
        if not self._keep_newer or before is None or member.kind == "directory":
            return False
        return before.mtime >= member.mtime // 10**9

    def _compared(self, step: Step) -> Step:
        before, member = step.before, step.member
        if before is None or before.kind != member.kind:
            return dataclasses.replace(step, writes=True, differs=("state",))
        differs = [
            name
            for name, is_so in (
                ("mode", member.kind != "link" and before.mode != step.mode),
                ("owner", before.uid != step.uid),
                ("group", before.gid != step.gid),
                ("mtime", member.kind == "file" and before.mtime != member.mtime // 10**9),
            )
            if is_so
        ]
        writes = self._content_differs(step, before)
        return dataclasses.replace(step, writes=writes, differs=tuple([*differs, *(["content"] if writes else [])]))

    def _content_differs(self, step: Step, before: FileStat) -> bool:
        if step.member.kind == "link":
            return self._files.link_target(step.path) != step.member.target
        if step.member.kind != "file":
            return False
        return before.size != step.member.size or self._files.digest(step.path, DIGEST) != step.member.digest

    def _linked(self, step: Step) -> Step:
        source = self._place(dataclasses.replace(step.member, path=step.member.target))
        if self._kind(source) not in ("file", "link") or source == step.path:
            raise OptionError(
                f"The archive's member '{printable(step.member.name)}' is another name of "
                f"'{printable(step.member.target)}', which is not there.",
                hint="Include that, too.",
            )
        planned = self._steps.get(source)
        is_new = planned is not None and planned.writes
        same = not is_new and step.before is not None and _inode(step.before) == _inode(self._files.lstat(source))
        return dataclasses.replace(step, source=source, writes=not same, differs=() if same else ("state",))


def _inode(found: FileStat | None) -> tuple[int, int] | None:
    return (found.struct["st_dev"], found.struct["st_ino"]) if found is not None else None
