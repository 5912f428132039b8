# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""Edits of a marked block of lines, as ansible.builtin.blockinfile makes them, byte for byte."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ._edited import Edited, compiled, encoded, wrong_pattern

_EOL = b"\n"


@dataclasses.dataclass(frozen=True)
class BlockEdit:
    """The options of blockinfile. An empty ``block`` removes, as ``state=absent`` does."""

    block: str = ""
    marker: str = "# {mark} ANSIBLE MANAGED BLOCK"
    marker_begin: str = "BEGIN"
    marker_end: str = "END"
    state: t.Literal["present", "absent"] = "present"
    insertafter: str | None = None
    insertbefore: str | None = None
    append_newline: bool = False
    prepend_newline: bool = False


def edit_block(content: bytes | None, edit: BlockEdit) -> Edited:
    """Apply one edit; ``content`` is None where there is no file yet.

    :raises OptionError: a wrong regular expression or marker.
    """
    lines = (content or b"").splitlines(True)
    beside = _beside(edit)
    begin, end = _marker_line(edit, "marker_begin"), _marker_line(edit, "marker_end")
    block = _block_lines(edit, begin, end)
    at = _take_out(lines, begin, end)
    if at is None:
        at = _insertion_index(lines, content or b"", beside, edit)
    _put_in(lines, at, block, edit)
    return _outcome(content, b"".join(lines), block)


def _marker_line(edit: BlockEdit, key: t.Literal["marker_begin", "marker_end"]) -> bytes:
    mark = t.cast(str, getattr(edit, key))
    try:
        # blockinfile substitutes with re.sub, so a backslash in the mark is an escape there.
        return re.sub(rb"{mark}", encoded(mark), encoded(edit.marker)) + _EOL
    except (re.error, IndexError) as exc:
        raise wrong_pattern(key, mark, exc) from exc


def _block_lines(edit: BlockEdit, begin: bytes, end: bytes) -> list[bytes]:
    block = encoded(edit.block)
    if edit.state == "absent" or not block:
        return []
    if not block.endswith(_EOL):
        block += _EOL
    return [begin, *block.splitlines(True), end]


def _take_out(lines: list[bytes], begin: bytes, end: bytes) -> int | None:
    """Remove the block (of several markers, the last ones count) and return where it was; None where there is none."""
    first = max((index for index, line in enumerate(lines) if line == begin), default=None)
    last = max((index for index, line in enumerate(lines) if line == end), default=None)
    if first is None or last is None:
        return None
    first, last = min(first, last), max(first, last)
    del lines[first : last + 1]
    return first


def _beside(edit: BlockEdit) -> re.Pattern[bytes] | None:
    if edit.insertafter not in (None, "EOF"):
        return compiled("insertafter", edit.insertafter)
    if edit.insertbefore not in (None, "BOF"):
        return compiled("insertbefore", edit.insertbefore)
    return None


def _insertion_index(lines: list[bytes], content: bytes, beside: re.Pattern[bytes] | None, edit: BlockEdit) -> int:
    if beside is None:
        return 0 if edit.insertbefore is not None else len(lines)
    found = _last_match(lines, content, beside, edit)
    if found is None:
        return len(lines)
    return min(found + (edit.insertafter is not None), len(lines))


def _last_match(lines: list[bytes], content: bytes, beside: re.Pattern[bytes], edit: BlockEdit) -> int | None:
    if not beside.flags & re.MULTILINE:
        return max((index for index, line in enumerate(lines) if beside.search(line)), default=None)
    match = beside.search(content)
    if match is None:
        return None
    # blockinfile takes the match's byte offset for an offset in the decoded text; so must we.
    text = content.decode("utf-8", "surrogateescape")
    return text.count("\n", 0, match.end() if edit.insertafter else match.start())


def _put_in(lines: list[bytes], at: int, block: list[bytes], edit: BlockEdit) -> None:
    present = edit.state == "present"
    if at > 0 and not lines[at - 1].endswith(_EOL):
        lines[at - 1] += _EOL
    if edit.prepend_newline and present and at > 0 and lines[at - 1] != _EOL:
        lines.insert(at, _EOL)
        at += 1
    lines[at:at] = block
    following = at + len(block)
    if edit.append_newline and present and following < len(lines) and lines[following] != _EOL:
        lines.insert(following, _EOL)


def _outcome(before: bytes | None, after: bytes, block: list[bytes]) -> Edited:
    if before == after:
        return Edited(after, False, "")
    if before is None:
        return Edited(after, True, "File created")
    return Edited(after, True, "Block inserted" if block else "Block removed")
