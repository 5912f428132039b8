# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""Edits through Augeas, inside the appliance, on a scratch copy.

Learned with libguestfs 1.48.6 and its Augeas 1.14:

* The ``root`` of ``aug_init`` is a path of the guest.
* Flag 64 (AUG_NO_MODL_AUTOLOAD) makes ``aug_init`` take 5 ms in place of 6 s. A following ``aug_transform`` names the
  only lens and file, and takes effect at ``aug_load``, which compiles that lens (0.3 s).
* A wrong lens name, and a file that does not parse, are no error of ``aug_load``: they show below ``/augeas//error``.
  When ``aug_save`` fails, its own message says "No error" and the reason is there too.
* Augeas reads a file up to its first NUL byte and would save only that.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fnmatch
import posixpath
import typing as t

from .._appliance._calls import Calls
from .._errors import CallError, GuestError, OfflineGuestError, OptionError, printable
from ._edited import Edited
from ._endings import keep_endings, keep_last_line
from ._paths import GuestPath

_NO_LOAD = 32
_NO_MODULE_AUTOLOAD = 64
_MAX_SIZE = 1024 * 1024  # lenses are slow, and no configuration file is larger
_SCRATCH = GuestPath("/.offline-guest-augeas")
_NAME = "file"
# The lenses that Augeas itself would choose; finding out takes it 6 s.
_LENSES = {
    "/etc/default/grub": "Shellvars",
    "/etc/fstab": "Fstab",
    "/etc/group": "Group",
    "/etc/hostname": "Hostname",
    "/etc/hosts": "Hosts",
    "/etc/login.defs": "Login_defs",
    "/etc/nsswitch.conf": "Nsswitch",
    "/etc/ntp.conf": "Ntp",
    "/etc/passwd": "Passwd",
    "/etc/resolv.conf": "Resolv",
    "/etc/shadow": "Shadow",
    "/etc/ssh/sshd_config": "Sshd",
    "/etc/sudoers": "Sudoers",
    "/etc/sysctl.conf": "Sysctl",
}
_GLOB = frozenset("*?[]\\")
_NAME_SPECIAL = frozenset(" \t|[]()=!,'\"\\*")


@dataclasses.dataclass(frozen=True)
class AugeasEdit:
    """Set or remove a node of a file's tree.

    :param path: a path expression relative to the file's node, or an absolute one below ``/files/PATH``.
    :param lens: the lens, such as ``Sshd`` or ``Sshd.lns``; by default the one that Augeas has for the file's path.
    """

    path: str
    value: str | None = None
    state: t.Literal["present", "absent"] = "present"
    lens: str | None = None


class ScratchFiles(t.Protocol):
    """What is needed of :class:`GuestFiles`."""

    def read(self, path: str, *, max_size: int) -> bytes:
        """Return a file's content."""

    def remove_tree(self, path: str) -> None:
        """Remove a directory and all in it."""


def edit_augeas(
    calls: Calls, files: ScratchFiles, path: GuestPath, content: bytes, edit: AugeasEdit, *, is_on_disk: bool
) -> Edited:
    """Apply one edit to ``content``.

    :param path: where the file is, every link followed.
    :param is_on_disk: ``content`` is what the guest has at ``path``. Then an edit that changes nothing, and a file that
        does not parse, are found out without writing anything.
    :raises OptionError: a wrong lens or path expression. :raises GuestError: the file does not parse, or cannot hold
        what is asked for.
    """
    if b"\0" in content or len(content) > _MAX_SIZE:
        raise GuestError(f"Augeas cannot edit '{printable(path)}': it has NUL bytes, or more than {_MAX_SIZE} bytes.")
    lens = edit.lens or _LENSES.get(path) or _find_lens(calls, path)
    relative = _relative(edit.path, path)
    if is_on_disk and not _GLOB & set(path):
        with _tree(calls, GuestPath("/"), path, lens) as tree:
            if not tree.apply(edit, relative):
                return Edited(content, False, "")

    def run(text: bytes) -> Edited:
        return _staged(calls, files, text, lens, edit, relative)

    return keep_endings(content, lambda text, _mark: keep_last_line(text or b"", run))


def _staged(calls: Calls, files: ScratchFiles, content: bytes, lens: str, edit: AugeasEdit, relative: str) -> Edited:
    """Run the edit on a copy. Only an uncommitted overlay ever sees that copy, so where it lies does not matter."""
    files.remove_tree(_SCRATCH)
    calls.mkdir_mode(_SCRATCH, 0o700)
    try:
        calls.write(_SCRATCH.joined(_NAME), content)
        with _tree(calls, _SCRATCH, GuestPath("/" + _NAME), lens) as tree:
            changed = tree.apply(edit, relative)
            if changed:
                tree.save()
        after = files.read(_SCRATCH.joined(_NAME), max_size=2 * _MAX_SIZE)
    finally:
        files.remove_tree(_SCRATCH)
    return Edited(after, changed, ("node set" if edit.state == "present" else "node removed") if changed else "")


def _relative(expression: str, path: GuestPath) -> str:
    """Return the expression below the file's node.

    :raises OptionError: it is about something else, or the file's node itself: without that Augeas deletes the file.
    """
    if expression and not expression.startswith("/"):
        return expression
    for base in (f"/files{path}", _escaped(path)):
        if expression.startswith(base + "/") and expression.strip("/") != base.strip("/"):
            return expression[len(base) :].lstrip("/")
    raise OptionError(
        f"augeas: the path '{printable(expression)}' is not below /files{printable(path)}.",
        hint="Give it relative to the file, such as PermitRootLogin.",
    )


def _escaped(path: str) -> str:
    return "/files" + "".join("\\" + char if char in _NAME_SPECIAL else char for char in path)


class _Tree:
    """One file's tree, loaded."""

    def __init__(self, calls: Calls, base: str) -> None:
        self._calls = calls
        self._base = base

    def apply(self, edit: AugeasEdit, relative: str) -> bool:
        """Change the tree and tell whether that made a difference."""
        expression = f"{self._base}/{relative}"
        with _as_option_error(edit.path):
            if edit.state == "absent":
                return self._calls.aug_rm(expression) > 0
            found = self._calls.aug_match(expression)
            if len(found) == 1 and self._calls.aug_get(expression) == edit.value:
                return False
            self._calls.aug_set(expression, edit.value or "")
            return True

    def save(self) -> None:
        """:raises GuestError: the lens cannot write the tree."""
        try:
            self._calls.aug_save()
        except CallError as exc:
            raise self.error("cannot be written as asked") or exc from exc

    def error(self, what: str) -> OfflineGuestError | None:
        """Return what Augeas says is wrong, if anything is."""
        found = self._calls.aug_match("/augeas//error")
        if not found:
            return None
        kind = self._calls.aug_get(found[0])
        message = self._optional(found[0] + "/message")
        line = self._optional(found[0] + "/line")
        if kind.startswith("Can not find lens"):
            return OptionError(
                f"augeas: {printable(kind)}.", hint="Name a lens of the appliance's Augeas, such as Sshd."
            )
        where = f" in line {printable(line)}" if line else ""
        reason = printable(message.strip().split("\n")[0] or kind)
        return GuestError(
            f"augeas: The file {what}{where}: {reason}.", details={"augeas": printable(message, limit=500)}
        )

    def _optional(self, path: str) -> str:
        return self._calls.aug_get(path) if self._calls.aug_match(path) else ""


@contextlib.contextmanager
def _tree(calls: Calls, root: GuestPath, path: GuestPath, lens: str) -> t.Iterator[_Tree]:
    calls.aug_init(root, _NO_MODULE_AUTOLOAD)
    try:
        calls.aug_transform(lens if "." in lens else f"{lens}.lns", path)
        calls.aug_load()
        tree = _Tree(calls, _escaped(path))
        wrong = tree.error("does not parse")
        if wrong is not None:
            raise wrong
        yield tree
    finally:
        calls.aug_close()


@contextlib.contextmanager
def _as_option_error(expression: str) -> t.Iterator[None]:
    try:
        yield
    except CallError as exc:
        raise OptionError(f"augeas: the path '{printable(expression)}' does not work: {exc.message}") from exc


def _find_lens(calls: Calls, path: GuestPath) -> str:
    """Ask Augeas which of all its lenses is for this path."""
    quote = '"' if "'" in path else "'"
    if quote == '"' and '"' in path:
        raise OptionError("augeas: name the lens, because this path has both kinds of quotes.")
    calls.aug_init("/", _NO_LOAD)
    try:
        for node in calls.aug_match(f"/augeas/load/*[{quote}{path}{quote} =~ glob(incl)]"):
            if not any(_is_excluded(path, calls.aug_get(name)) for name in calls.aug_match(f"{node}/excl")):
                return calls.aug_get(f"{node}/lens").lstrip("@")
    finally:
        calls.aug_close()
    raise OptionError(f"augeas: Augeas has no lens for '{printable(path)}'.", hint="Name one with 'lens'.")


def _is_excluded(path: GuestPath, pattern: str) -> bool:
    return fnmatch.fnmatchcase(path if "/" in pattern else posixpath.basename(path), pattern)
