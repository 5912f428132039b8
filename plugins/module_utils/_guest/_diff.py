# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""Differences as Ansible shows them under ``--diff``, from guest content that may be anything."""

from __future__ import annotations

import typing as t

# Ansible's own limit (MAX_FILE_SIZE_FOR_DIFF), in bytes.
MAX_DIFF = 104_448


def content_diff(path: str, before: bytes, after: bytes, *, same: bool | None = None) -> dict[str, t.Any]:
    """Return the ``diff`` of a file's content.

    :param same: whether both are equal, where of a large one only more than :data:`MAX_DIFF` bytes are given.

    Content with NUL bytes, or of more than :data:`MAX_DIFF` bytes, is not shown but said to be so, by the keys that
    Ansible's callbacks know. Everything that is shown is harmless on a terminal.
    """
    diff: dict[str, t.Any] = {"before_header": f"{path} (content)", "after_header": f"{path} (content)"}
    for side, name, content in (("dst", "before", before), ("src", "after", after)):
        if before == after if same is None else same:
            diff[name] = ""
        elif b"\0" in content:
            diff[f"{side}_binary"] = 1
        elif len(content) > MAX_DIFF:
            diff[f"{side}_larger"] = MAX_DIFF
        else:
            diff[name] = shown(content)
    return diff


def shown(content: bytes) -> str:
    """Text with what is no UTF-8 and what a terminal would obey as backslash escapes; line ends and tabs stay."""
    text = content.decode("utf-8", "backslashreplace")
    return "".join(
        char if char.isprintable() or char in "\n\t" else char.encode("unicode_escape").decode("ascii") for char in text
    )


def attributes_diff(path: str, difference: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Return the ``diff`` of a file's attributes.

    :param difference: ``before`` and ``after`` with what differs; neither if nothing does.
    """
    return {
        "before_header": f"{path} (file attributes)",
        "after_header": f"{path} (file attributes)",
        **difference,
    }
