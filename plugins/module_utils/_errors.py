# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""The exception tree.

Every layer raises these; only ``_ansible_module.py`` turns them into a task result. A message says what happened and,
in ``hint``, what to do next. Text that came from an image goes through :func:`printable` before it enters a message.
"""

from __future__ import annotations

import errno as _errno
import typing as t


def printable(value: str | bytes, *, limit: int = 200) -> str:
    """Return ``value`` safe to show: one line, no control or template characters, at most about ``limit`` characters.

    Guest data is hostile: it may hold terminal escapes, line breaks, bytes in no encoding, or ``{{``, which Ansible
    would template. Whatever is not a printable character is shown as a backslash escape.
    """
    if isinstance(value, bytes):
        value = value[: limit * 4].decode("utf-8", "backslashreplace")
    shown = "".join(
        char if char.isprintable() else char.encode("unicode_escape", "surrogatepass").decode("ascii")
        for char in value[:limit]
    )
    shown = shown.replace("{{", "{\\x7b").replace("{%", "{\\x25")
    return shown + ("…" if len(value) > limit else "")


def errno_name(number: int) -> str:
    """Return the symbolic name of an errno (``ENOENT``), or an empty string for 0 and for unknown numbers."""
    return _errno.errorcode.get(number, "")


class OfflineGuestError(Exception):
    """Base of everything the collection raises on purpose.

    :param message: what happened.
    :param hint: what the user can do next; shown after the message.
    :param details: further facts for the task result (JSON values only).
    """

    def __init__(self, message: str, *, hint: str = "", details: t.Mapping[str, t.Any] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.details: dict[str, t.Any] = dict(details or {})

    def __str__(self) -> str:
        return f"{self.message} {self.hint}" if self.hint else self.message


class OptionError(OfflineGuestError):
    """The task's options cannot be meant as they are."""


class HostError(OfflineGuestError):
    """This host lacks something that is needed: a program, a binding, a permission, space."""


class ImageError(OfflineGuestError):
    """The image file cannot be used as stated."""


class HeaderError(ImageError):
    """The image's header is damaged, contradicts the stated format, or names a file that was not declared."""


class ImageBusyError(ImageError):
    """Somebody else holds the image."""


class TransactionError(ImageError):
    """Overlay, commit or recovery failed; the message says in which state the image is."""


class ApplianceError(OfflineGuestError):
    """The appliance did not start, died, or did not answer in time; ``details['console']`` holds its last words."""


class ProtocolError(ApplianceError):
    """Server and client do not understand each other, or the peer is not who it should be."""


class CallError(ApplianceError):
    """A libguestfs call failed.

    :param call: the libguestfs name of the call.
    :param message: libguestfs's own message.
    :param errno: the errno inside the appliance, 0 where the call has none.
    """

    def __init__(self, call: str, message: str, errno: int = 0) -> None:
        name = errno_name(errno)
        shown = printable(message, limit=500)
        super().__init__(
            f"libguestfs {call}: {shown}" + (f" ({name})" if name else ""),
            details={"call": call, "errno": errno, "errno_name": name},
        )
        self.call = call
        self.errno = errno


class GuestError(OfflineGuestError):
    """What was found in the guest does not allow what was asked for."""
