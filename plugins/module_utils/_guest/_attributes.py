# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""The options that Ansible's file modules share: owner, group, mode, SELinux context and flags of one entry.

What they mean is what ``AnsibleModule.set_fs_attributes_if_different`` does, with the guest's accounts and the guest's
policy in place of the host's, and a umask of 022 whatever the builder's own is. As there, the parts of an SELinux
context mean nothing on a system without SELinux. Unlike there, flags that are set already are no change.
"""

from __future__ import annotations

import dataclasses
import functools
import re
import stat as _stat
import typing as t

from .._errors import GuestError, OptionError, printable
from ._files import FileStat, GuestFiles
from ._mode import parse_mode
from ._paths import GuestPath

if t.TYPE_CHECKING:
    from ._accounts import Accounts

NEW_MODE = 0o644
NEW_DIRECTORY_MODE = 0o755
_CONTEXT = ("seuser", "serole", "setype", "selevel")
_FLAGS = re.compile(r"(?P<operator>[+=-]?)(?P<letters>[A-Za-z]*)\Z")


@dataclasses.dataclass(frozen=True)
class AttributeOptions:
    """What a task says of an entry's attributes; None leaves one as it is.

    :param context: user, role, type and level of the SELinux context; ``_default`` is what the policy says.
    :param flags: as chattr(1) takes them: ``+i``, ``=Aa``, ``-d``.
    """

    owner: str | None = None
    group: str | None = None
    mode: t.Any = None
    context: tuple[str | None, ...] = (None, None, None, None)
    flags: str | None = None

    @classmethod
    def of(cls, params: t.Mapping[str, t.Any]) -> AttributeOptions:
        """Read the options of :data:`FILE_SPEC`.

        :raises OptionError: ``unsafe_writes``, or flags that are none.
        """
        if params.get("unsafe_writes"):
            raise OptionError(
                "unsafe_writes: a file of a guest can always be replaced at one instant, so nothing else is done.",
                hint="Remove the option.",
            )
        flags = params.get("attributes")
        if flags is not None and not _FLAGS.match(flags):
            raise OptionError(f"attributes: '{printable(flags)}' is not understood.", hint="Give letters, as in '+i'.")
        return cls(
            owner=params.get("owner"),
            group=params.get("group"),
            mode=params.get("mode"),
            context=tuple(params.get(key) for key in _CONTEXT),
            flags=flags or None,
        )


@dataclasses.dataclass(frozen=True)
class Attributes:
    """The attributes of an entry; ``context`` and ``flags`` are None where nobody asked for them."""

    mode: int
    uid: int
    gid: int
    context: tuple[str, ...] | None = None
    flags: frozenset[str] | None = None


@dataclasses.dataclass(frozen=True)
class AttributeChange:
    """The attributes of an entry as they are and as they are to be."""

    path: GuestPath
    before: Attributes
    after: Attributes
    flags_shown: str = ""

    @property
    def changed(self) -> bool:
        """Whether anything differs."""
        return self.before != self.after

    @property
    def rest(self) -> AttributeChange:
        """What is left to do once mode, owner and group are as they are to be, as they are of an entry just made."""
        done = dataclasses.replace(self.after, context=self.before.context, flags=self.before.flags)
        return dataclasses.replace(self, before=done)

    def diff(self) -> dict[str, dict[str, t.Any]]:
        """Return ``before`` and ``after`` with what differs, as Ansible's own modules show it; neither if nothing."""
        pairs: dict[str, tuple[t.Any, t.Any]] = {}
        if self.before.context != self.after.context:
            pairs["secontext"] = (list(self.before.context or ()), list(self.after.context or ()))
        if self.before.uid != self.after.uid:
            pairs["owner"] = (self.before.uid, self.after.uid)
        if self.before.gid != self.after.gid:
            pairs["group"] = (self.before.gid, self.after.gid)
        if self.before.mode != self.after.mode:
            pairs["mode"] = (f"0{self.before.mode:03o}", f"0{self.after.mode:03o}")
        if self.before.flags != self.after.flags:
            pairs["attributes"] = ("".join(sorted(self.before.flags or ())), self.flags_shown)
        if not pairs:
            return {}
        return {
            "before": {key: before for key, (before, _after) in pairs.items()},
            "after": {key: after for key, (_before, after) in pairs.items()},
        }


class AttributePlanner:
    """Reads and plans the attributes of entries by one task's options; the guest's accounts are read once at most."""

    def __init__(self, files: GuestFiles, options: AttributeOptions, like: AttributePlanner | None = None) -> None:
        self._files = files
        self._options = options
        self._like = like

    def with_mode(self, mode: t.Any) -> AttributePlanner:
        """Return a planner that has another mode in place of the option."""
        return AttributePlanner(self._files, dataclasses.replace(self._options, mode=mode), self)

    @functools.cached_property
    def accounts(self) -> Accounts:
        """The guest's users and groups."""
        from ._accounts import Accounts  # only who names an owner, or is told of one, needs it

        return Accounts.read(self._files) if self._like is None else self._like.accounts

    @functools.cached_property
    def names(self) -> Accounts:
        """The same for who only wants names to show: none where the guest's files cannot be read."""
        from ._accounts import Accounts

        try:
            return self.accounts
        except GuestError:
            return Accounts({}, {})

    def plan(self, path: GuestPath, found: FileStat | None = None, *, mode: t.Any = None) -> AttributeChange:
        """Return the change to an entry that is there; of a link, to the link itself.

        :param found: what lstat says of it, where that is known already.
        :param mode: in place of the option.
        :raises GuestError: there is no such entry, no such user or group, or no such thing as flags on its file system.
        """
        there = found or self._files.lstat(path)
        if there is None:
            raise GuestError(f"There is no '{printable(path)}' in the guest.")
        return self._change(path, there.kind, self.current(path, there), mode)

    def plan_content(self, path: GuestPath, found: FileStat, *, mode: t.Any = None) -> AttributeChange:
        """As :meth:`plan` for a file that gets new content, and with it a new inode, which has no flags."""
        change = self.plan(path, found, mode=mode)
        if change.before.flags is None:
            return change
        before = dataclasses.replace(change.before, flags=frozenset())
        return self._change(path, found.kind, before, mode)

    def plan_new(
        self, path: GuestPath, kind: str = "file", parent: FileStat | None = None, *, mode: t.Any = None
    ) -> AttributeChange:
        """Return the change to an entry that is to be made, from what it is made with.

        :param parent: the directory it is made in, which may hand its group down.
        :param mode: in place of the option.
        :raises GuestError: as :meth:`plan`.
        """
        label = self._files.labeler.label_for(path, kind) if any(self._options.context) else None
        before = dataclasses.replace(inherited(kind, parent), context=None if label is None else _fields(label))
        if self._options.flags is not None and kind in ("file", "directory"):
            before = dataclasses.replace(before, flags=frozenset())
        return self._change(path, kind, before, mode)

    def current(self, path: GuestPath, found: FileStat) -> Attributes:
        """Return the attributes of an entry, of which context and flags cost a call each only if asked for."""
        context, flags = self._current_context(path), self._current_flags(path, found.kind)
        return Attributes(found.mode, found.uid, found.gid, context, flags)

    def for_new(self, kind: str = "file") -> Attributes:
        """Return mode and owner of an entry that is to be made: 0644 or 0755 and root unless the options say more."""
        return self._owned(kind, inherited(kind, None), self._options.mode)

    def _change(self, path: GuestPath, kind: str, before: Attributes, mode: t.Any) -> AttributeChange:
        after = self._wanted(path, kind, before, self._options.mode if mode is None else mode)
        return AttributeChange(path, before, after, "".join(_operator_and_text(self._options.flags or "")))

    def _wanted(self, path: GuestPath, kind: str, before: Attributes, mode: t.Any) -> Attributes:
        wanted = self._owned(kind, before, mode)
        return dataclasses.replace(
            wanted, context=self._wanted_context(path, kind, before.context), flags=self._wanted_flags(before.flags)
        )

    def _owned(self, kind: str, before: Attributes, mode: t.Any) -> Attributes:
        options = self._options
        uid = before.uid if options.owner is None else self.accounts.uid_of(options.owner)
        gid = before.gid if options.group is None else self.accounts.gid_of(options.group)
        if kind == "link":  # which has no mode of its own
            return dataclasses.replace(before, uid=uid, gid=gid)
        start = _kept_by_chown(kind, before, uid, gid)
        wanted = start if mode is None else parse_mode(mode, start, is_directory=kind == "directory")
        return dataclasses.replace(before, mode=wanted, uid=uid, gid=gid)

    def _current_context(self, path: GuestPath) -> tuple[str, ...] | None:
        if not any(self._options.context):
            return None
        label = self._files.label_of(path)
        if label is None and not self._files.labeler.specs:
            return None  # a system without SELinux
        return _fields(label or "")

    def _wanted_context(self, path: GuestPath, kind: str, before: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if before is None:
            return None
        default = _fields(self._files.labeler.label_for(path, kind) or "")
        start = before if any(before) else default
        wanted = [
            start[index] if not given else (default[index] or start[index]) if given == "_default" else given
            for index, given in enumerate(self._options.context)
        ]
        if not all(wanted[:3]):
            raise OptionError(
                f"The SELinux context of '{printable(path)}' is incomplete and the guest has no policy.",
                hint="Give seuser, serole and setype.",
            )
        return tuple(wanted)

    def _current_flags(self, path: GuestPath, kind: str) -> frozenset[str] | None:
        if self._options.flags is None or kind not in ("file", "directory"):
            return None
        flags = self._files.flags_of(path)
        if flags is None:
            raise GuestError(
                f"attributes: the file system of '{printable(path)}' has no such flags.", hint="Remove the option."
            )
        return frozenset(flags)

    def _wanted_flags(self, before: frozenset[str] | None) -> frozenset[str] | None:
        if before is None:
            return None
        operator, text = _operator_and_text(self._options.flags or "")
        letters = frozenset(text)
        if operator == "-":
            return before - letters
        if operator == "+":
            return before | letters
        return letters | (before & _READ_ONLY_FLAGS)


# Set by the file system alone (chattr(1)): extents, encryption, index, inline data, verity.
_READ_ONLY_FLAGS = frozenset("eEINVh")


def _operator_and_text(flags: str) -> tuple[str, str]:
    match = _FLAGS.match(flags)
    if match is None:
        raise AssertionError("checked when the options were read")
    return match["operator"] or "=", match["letters"]


def inherited(kind: str, parent: FileStat | None) -> Attributes:
    """Return what root makes an entry with, under a umask of 022.

    A set-group-ID directory hands its group down, and the bit to directories (inode(7)).
    """
    mode = {"directory": NEW_DIRECTORY_MODE, "link": 0o777}.get(kind, NEW_MODE)
    if parent is None or not parent.mode & _stat.S_ISGID:
        return Attributes(mode, 0, 0)
    return Attributes(mode | _stat.S_ISGID if kind == "directory" else mode, 0, parent.gid)


def _kept_by_chown(kind: str, before: Attributes, uid: int, gid: int) -> int:
    """The mode after a change of owner or group: what is no directory keeps no right to run as the former ones.

    The set-group-ID bit without the group's execute bit gives no such right, and stays (chown(2), NOTES).
    """
    if kind == "directory" or (uid, gid) == (before.uid, before.gid):
        return before.mode
    runs_as_group = before.mode & _stat.S_IXGRP
    return before.mode & ~(_stat.S_ISUID | (_stat.S_ISGID if runs_as_group else 0))


def _fields(label: str) -> tuple[str, ...]:
    """``user:role:type:level``, whose level may hold colons; always four fields."""
    parts = label.split(":", 3)
    return tuple([*parts, "", "", "", ""][:4])


def apply_attributes(files: GuestFiles, change: AttributeChange) -> None:
    """Do what was planned."""
    before, after, path = change.before, change.after, change.path
    # An immutable file takes nothing else, so such a flag goes first and comes last.
    cleared, added = (before.flags or frozenset()) - (after.flags or frozenset()), frozenset[str]()
    if after.flags is not None:
        added = after.flags - (before.flags or frozenset())
    if cleared:
        files.set_flags(path, "".join(sorted(cleared)), clear=True)
    if after.context is not None and after.context != before.context:
        files.set_label(path, ":".join(part for part in after.context if part))
    files.set_attributes(path, after.mode, after.uid, after.gid, follow=False)
    if added:
        files.set_flags(path, "".join(sorted(added)))


def entry_facts(path: str, found: FileStat | None, accounts: Accounts, *, label: str | None = None) -> dict[str, t.Any]:
    """Return what Ansible's file modules add to their result of an entry, from the guest."""
    if found is None:
        return {"state": "absent"}
    facts: dict[str, t.Any] = {
        "uid": found.uid,
        "gid": found.gid,
        "owner": accounts.name_of_uid(found.uid),
        "group": accounts.name_of_gid(found.gid),
        "mode": f"0{found.mode:03o}",
        "state": _state(found),
        "size": found.size,
    }
    if label is not None:
        facts["secontext"] = printable(label, limit=1024)
    return facts


def _state(found: FileStat) -> str:
    if found.kind in ("link", "directory"):
        return found.kind
    return "hard" if found.struct.get("st_nlink", 1) > 1 else "file"
