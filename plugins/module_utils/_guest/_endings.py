# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""Keeping the line ends of a text through an edit that knows LF only."""

from __future__ import annotations

import dataclasses
import typing as t

from ._edited import Edited

_SPACES = b"\t\n\r\f\v"


def keep_endings(content: bytes | None, run: t.Callable[[bytes | None, bytes], Edited]) -> Edited:
    """Give ``run`` the content with LF where CRLF is the rule in it, and put the CRLF back into what it returns.

    A line that ends in a bare LF nevertheless gets a mark before it, the second argument of ``run`` (empty if there is
    none). ``changed`` then says whether the content differs, or there was none before.
    """
    mark = _rare_byte(content or b"")
    if content is None or mark is None:
        edited = run(content, b"")
    else:
        edited = run(_to_lf(content, mark), mark)
        edited = dataclasses.replace(edited, content=_to_crlf(edited.content, mark))
    return dataclasses.replace(edited, changed=content is None or edited.content != content)


def keep_last_line(content: bytes, run: t.Callable[[bytes], Edited]) -> Edited:
    """Have a last line without an end keep that, unless the edit is about that line."""
    if not content or content.endswith(b"\n"):
        return run(content)
    last = b"\n" + content.rpartition(b"\n")[2] + b"\n"
    edited = run(content + b"\n")
    if (b"\n" + edited.content).endswith(last):
        return dataclasses.replace(edited, content=edited.content[:-1])
    return edited


def _rare_byte(content: bytes) -> bytes | None:
    """Return a control character that the content has not, so that what is put back is what was there.

    None where LF is the rule, and where the content has them all.
    """
    crlf = content.count(b"\r\n")
    if crlf <= content.count(b"\n") - crlf:
        return None
    return next((bytes([code]) for code in range(1, 32) if code not in _SPACES and code not in content), None)


def _to_lf(content: bytes, mark: bytes) -> bytes:
    return content.replace(b"\n", mark + b"\n").replace(b"\r" + mark + b"\n", b"\n")


def _to_crlf(content: bytes, mark: bytes) -> bytes:
    return content.replace(b"\n", b"\r\n").replace(mark + b"\r\n", b"\n")
