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

import contextlib
import dataclasses
import typing as t

from .._errors import OfflineGuestError
from ._edit_block import BlockEdit, edit_block
from ._edit_line import LineEdit, edit_line
from ._edit_replace import ReplaceEdit, edit_replace
from ._edited import Edited
from ._endings import keep_endings, keep_last_line
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
        with numbered(index):
            edited = apply_edit(current, edit, newline=newline)
        current = edited.content
        messages.append(edited.message if edited.changed else "")
    return EditResult(current or b"", tuple(messages), content is None or current != content)


@contextlib.contextmanager
def numbered(index: int) -> t.Iterator[None]:
    """Have an error that leaves say which edit it is about."""
    try:
        yield
    except OfflineGuestError as exc:
        exc.message = f"edits[{index}]: {exc.message}"
        raise


def apply_edit(content: bytes | None, edit: Edit, *, newline: Newline) -> Edited:
    """Apply one edit.

    :raises OptionError: the edit is wrong. :raises GuestError: it cannot be applied to this content.
    """
    if newline == "\n":
        return _run(content, edit, strict=True)
    kept = _with_lf(edit)

    def run(text: bytes | None, mark: bytes) -> Edited:
        # A replacement touches nothing but its matches by itself, and its pattern may be about the end of the text.
        if text is None or isinstance(kept, ReplaceEdit):
            return _run(text, kept, strict=False)
        return keep_last_line(text, lambda whole: _run(whole, kept, strict=False, mark=mark))

    return keep_endings(content, run)


def _run(content: bytes | None, edit: Edit, *, strict: bool, mark: bytes = b"") -> Edited:
    if isinstance(edit, BlockEdit):
        return edit_block(content, edit)
    if isinstance(edit, LineEdit):
        return edit_line(content or b"", edit, mark=mark)
    if isinstance(edit, IniEdit):
        return edit_ini(content or b"", edit, strict=strict)
    return edit_replace(content or b"", edit)


def _with_lf(edit: Edit) -> Edit:
    """The edit with LF in its own text, which then gets the file's line end."""
    if isinstance(edit, LineEdit) and edit.line is not None:
        return dataclasses.replace(edit, line=edit.line.replace("\r\n", "\n"))
    if isinstance(edit, BlockEdit):
        return dataclasses.replace(edit, block=edit.block.replace("\r\n", "\n"))
    return edit
