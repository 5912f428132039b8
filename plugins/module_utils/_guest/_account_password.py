# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""Password fields of /etc/shadow: what may be written there, and what locking makes of it (crypt(5), shadow(5)).

A hash is never shown: not in a result, a difference, a message or a warning.
"""

from __future__ import annotations

import re

from .._errors import OptionError

# What is there where nobody may log in by password: "!", "*", "!!" of Red Hat, "!*", and names of other systems.
_LOCKED = re.compile(r"[!*]+\Z|\*(?:LK|NP)\*\Z")
# A scheme of crypt(5), its parameters, salt and digest. Whatever else is no hash that any guest could check.
_DIGEST = r"[./0-9A-Za-z]"
_HASHES = (
    rf"\$1\$[^$]{{0,8}}\${_DIGEST}{{22}}",
    rf"\$5\$(?:rounds=[0-9]{{1,9}}\$)?[^$]{{0,16}}\${_DIGEST}{{43}}",
    rf"\$6\$(?:rounds=[0-9]{{1,9}}\$)?[^$]{{0,16}}\${_DIGEST}{{86}}",
    rf"\$2[abxy]\$[0-9]{{2}}\${_DIGEST}{{53}}",
    rf"\$g?y\${_DIGEST}+\${_DIGEST}{{0,86}}\${_DIGEST}{{43}}",
    rf"\$7\${_DIGEST}{{11,97}}\${_DIGEST}{{43}}",
    rf"\$sha1\$[0-9]{{1,10}}\${_DIGEST}{{1,64}}\${_DIGEST}{{28}}",
    rf"\$md5[$,][^:*!;\\]*\${_DIGEST}{{22}}",
)
# The salt, too, is printable ASCII without what means something in the file (crypt(5), "AVAILABLE HASHING METHODS").
_HASH = re.compile(rf"!*(?=[!-~]*\Z)(?![^:]*[:;*!\\])(?:{'|'.join(_HASHES)})\Z")


def check_password(password: str) -> None:
    """Refuse what is no hash; the message does not show it.

    Nothing at all is allowed: an account without a password, as an image for tests may want it.

    :raises OptionError: it is a password in plain text, or a hash that is cut off.
    """
    if password and not _LOCKED.match(password) and not _HASH.match(password):
        raise OptionError(
            "password: this is no hash of a password that crypt(5) knows.",
            hint="Make one with the filter password_hash('sha512'), or lock the password with '!'.",
        )


def is_locked(field: str) -> bool:
    """Whether the field has the lock of ``usermod --lock``."""
    return field.startswith("!")


def locked(field: str) -> str:
    """Return the field with the lock before it."""
    return field if is_locked(field) else f"!{field}"


def unlocked(field: str) -> str:
    """Return the field without the lock; unchanged where nothing would be left and anybody could come in."""
    return field[1:] if is_locked(field) and field.strip("!") else field


def is_other(field: str, wanted: str) -> bool:
    """Whether ``wanted`` is another password than that of the field, locks aside.

    A lock counts where it is asked for and missing, so that ``!`` closes an account that has no password at all.
    """
    return field.lstrip("!") != wanted.lstrip("!") or (is_locked(wanted) and not is_locked(field))


def shown(field: str | None) -> str:
    """Describe the field without what is in it."""
    if field is None:
        return "none"
    if not field:
        return "empty"
    if not field.strip("!*"):
        return "locked, none set"
    return "set, locked" if is_locked(field) else "set"
