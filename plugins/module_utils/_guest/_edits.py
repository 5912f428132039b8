# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""The edit engine: bytes in, bytes out, one or several edits.

Two modes. With ``newline="\\n"`` an edit gives byte for byte what its twin module gives (lineinfile, blockinfile,
replace, ini_file), which all write LF. With ``newline="file"`` it keeps what it does not mean to touch: in a file whose
lines mostly end in CRLF the new lines do too and patterns see no CR, and a last line without an end stays so.
"""

from __future__ import annotations

import dataclasses
import typing as t

from .._errors import OfflineGuestError
from ._edit_block import BlockEdit, edit_block
from ._edit_line import LineEdit, edit_line
from ._edit_replace import ReplaceEdit, edit_replace
from ._edited import Edited
from ._ini import IniEdit, edit_ini

Edit = t.Union[LineEdit, BlockEdit, ReplaceEdit, IniEdit]
Newline = t.Literal["file", "\n"]


@dataclasses.dataclass(frozen=True)
class EditResult:
    """The outcome of several edits.

    :param messages: one for each edit, empty where it changed nothing.
    :param changed: whether the content differs, or there was none before.
    """

    content: bytes
    messages: tuple[str, ...]
    changed: bool


def apply_edits(content: bytes | None, edits: t.Sequence[Edit], *, newline: Newline = "file") -> EditResult:
    """Apply the edits in order, each to what the one before it left; ``content`` is None where there is no file yet.

    :raises OptionError: an edit is wrong. :raises GuestError: an edit cannot be applied to this content. Both say the
        number of the edit, from 0.
    """
    current = content
    messages = []
    for index, edit in enumerate(edits):
        try:
            edited = apply_edit(current, edit, newline=newline)
        except OfflineGuestError as exc:
            exc.message = f"edits[{index}]: {exc.message}"
            exc.args = (exc.message,)
            raise
        current = edited.content
        messages.append(edited.message if edited.changed else "")
    return EditResult(current or b"", tuple(messages), content is None or current != content)


def apply_edit(content: bytes | None, edit: Edit, *, newline: Newline) -> Edited:
    """Apply one edit.

    :raises OptionError: the edit is wrong. :raises GuestError: it cannot be applied to this content.
    """
    if newline == "\n":
        return _run(content, edit, strict=True)
    return keep_endings(content, edit, _run_kept)


def _run(content: bytes | None, edit: Edit, *, strict: bool) -> Edited:
    if isinstance(edit, BlockEdit):
        return edit_block(content, edit)
    if isinstance(edit, LineEdit):
        return edit_line(content or b"", edit)
    if isinstance(edit, IniEdit):
        return edit_ini(content or b"", edit, strict=strict)
    return edit_replace(content or b"", edit)


def _run_kept(content: bytes | None, edit: Edit) -> Edited:
    """Run an edit so that a missing end of the last line stays missing, unless the edit is about that line."""
    # A replacement touches nothing but its matches by itself, and its pattern may be about the end of the text.
    if not content or content.endswith(b"\n") or isinstance(edit, ReplaceEdit):
        return _run(content, edit, strict=False)
    last = b"\n" + content.rpartition(b"\n")[2] + b"\n"
    edited = _run(content + b"\n", edit, strict=False)
    if (b"\n" + edited.content).endswith(last):
        return dataclasses.replace(edited, content=edited.content[:-1])
    return edited


def keep_endings(content: bytes | None, edit: Edit, run: t.Callable[[bytes | None, Edit], Edited]) -> Edited:
    """Give ``run`` a content whose ordinary line end is LF, and put the ordinary CRLF back afterwards."""
    mark = _rare_mark(content or b"")
    if mark is None:
        edited = run(content, edit)
    else:
        edited = run(_to_lf(content or b"", mark), _with_lf(edit))
        edited = dataclasses.replace(edited, content=_to_crlf(edited.content, mark))
    return dataclasses.replace(edited, changed=content is None or edited.content != content)


def _rare_mark(content: bytes) -> bytes | None:
    """Return a byte to mark lines that end in a bare LF where CRLF is the rule; None where LF is.

    A control character that the content has not, so that what is put back is what was there.
    """
    crlf = content.count(b"\r\n")
    if crlf <= content.count(b"\n") - crlf:
        return None
    return next((bytes([code]) for code in range(1, 32) if code not in b"\t\n\r\f\v" and code not in content), None)


def _to_lf(content: bytes, mark: bytes) -> bytes:
    return content.replace(b"\n", mark + b"\n").replace(b"\r" + mark + b"\n", b"\n")


def _to_crlf(content: bytes, mark: bytes) -> bytes:
    return content.replace(b"\n", b"\r\n").replace(mark + b"\r\n", b"\n")


def _with_lf(edit: Edit) -> Edit:
    """The edit with LF in its own text, so that none gets two CR."""
    if isinstance(edit, LineEdit) and edit.line is not None:
        return dataclasses.replace(edit, line=edit.line.replace("\r\n", "\n"))
    if isinstance(edit, BlockEdit):
        return dataclasses.replace(edit, block=edit.block.replace("\r\n", "\n"))
    return edit
