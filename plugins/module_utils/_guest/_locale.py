# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""The module locale: language and keyboard of a guest."""

from __future__ import annotations

import dataclasses
import functools
import re
import typing as t

from .._errors import GuestError, OptionError, printable
from ._assignments import get_value, remove_key, set_value
from ._draft import Draft, outcome
from ._locale_generated import LOCALE_GEN, enabled_in_locale_gen, has_locale, is_locale
from ._task import Outcome, Task

if t.TYPE_CHECKING:
    from ._system import OperatingSystem

#: What locale.conf(5) lists; LC_ALL is not among them, for it would override all others and systemd ignores it.
VARIABLES = (
    *("LANGUAGE", "LC_CTYPE", "LC_NUMERIC", "LC_TIME", "LC_COLLATE", "LC_MONETARY", "LC_MESSAGES", "LC_PAPER"),
    *("LC_NAME", "LC_ADDRESS", "LC_TELEPHONE", "LC_MEASUREMENT", "LC_IDENTIFICATION"),
)
DEBIAN_LOCALE = "/etc/default/locale"
LOCALE_CONF = "/etc/locale.conf"
VCONSOLE = "/etc/vconsole.conf"
_XKB = ("xkb_layout", "xkb_model", "xkb_variant", "xkb_options")
_KEYBOARD = ("keymap", "font", *_XKB)
_LANGUAGES = re.compile(r"[A-Za-z0-9_.@-]+(:[A-Za-z0-9_.@-]+)*")
_KEY_VALUE = re.compile(r"[A-Za-z0-9_.,:/()+-]*")


@dataclasses.dataclass(frozen=True)
class Format:
    """A file of settings, and how they are written in it.

    :param keys: option → variable.
    """

    path: str
    keys: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    prefix: str = ""
    export: bool = False
    quotes: bool = False


_XKB_KEYS = {option: f"XKB{option[4:].upper()}" for option in _XKB}
_DEBIAN_KEYBOARD = Format("/etc/default/keyboard", _XKB_KEYS, quotes=True)
_SYSTEMD_KEYBOARD = Format(VCONSOLE, {"keymap": "KEYMAP", "font": "FONT", **_XKB_KEYS})
_REDHAT_KEYBOARD = Format(
    "/etc/sysconfig/keyboard",
    {
        "keymap": "KEYTABLE",
        "xkb_layout": "LAYOUT",
        "xkb_model": "MODEL",
        "xkb_variant": "VARIANT",
        "xkb_options": "OPTIONS",
    },
    quotes=True,
)
_GENTOO_KEYMAPS = Format("/etc/conf.d/keymaps", {"keymap": "keymap"}, quotes=True)
_GENTOO_FONT = Format("/etc/conf.d/consolefont", {"font": "consolefont"}, quotes=True)


def handle(task: Task) -> Outcome:
    """Run the task.

    :raises OptionError: a value is none, or means nothing in this guest. :raises GuestError: a file of the guest is not
        what it should be.
    """
    params, system = task.params, task.guest.os
    if system.type != "linux":
        raise GuestError(f"Where a guest of the type '{printable(system.type)}' has its locale is not known.")
    wanted = wanted_variables(params["lang"], params["variables"] or {})
    draft = Draft(task.guest.files)
    if wanted:
        for where in locale_formats(draft, system):
            draft.edit(where.path, functools.partial(_set_all, where=where, wanted=wanted), create=True)
    for option in _KEYBOARD:
        if params[option] is not None:
            set_keyboard(draft, system, option, params[option])
    missing = missing_locales(task, wanted)
    if missing:
        enable_or_warn(task, draft, missing)
    result = {
        "lang": params["lang"],
        "missing": missing,
        "locale_gen_needed": bool(missing) and params["generate"],
        "command": "locale-gen" if missing and params["generate"] else None,
    }
    return outcome(task, draft, result, _message(params, missing))


def wanted_variables(lang: str | None, variables: t.Mapping[t.Any, t.Any]) -> dict[str, str | None]:
    """Return the variables by name; None for one that is to go.

    :raises OptionError: a variable or a value is none.
    """
    wanted: dict[str, str | None] = {} if lang is None else {"LANG": lang}
    for key, value in variables.items():
        if key not in VARIABLES:
            raise OptionError(
                f"variables: '{printable(str(key))}' is not supported.",
                hint=f"Use the option lang, or {', '.join(VARIABLES)}.",
            )
        wanted[key] = None if value in (None, "") else str(value)
    for key, text in wanted.items():
        if text is not None and not (_LANGUAGES.fullmatch(text) if key == "LANGUAGE" else is_locale(text)):
            raise OptionError(f"{key}: '{printable(text)}' is not the name of a locale.", hint="Use de_DE.UTF-8, say.")
    return wanted


def locale_formats(draft: Draft, system: OperatingSystem) -> list[Format]:
    """Return the files that a guest has its locale in.

    Debian has /etc/default/locale, which since 13 is a link to /etc/locale.conf; where both are files, both are kept
    in line. Alpine has nothing but the scripts of its shells' profile; ours comes before its own 20locale.sh, which
    leaves alone what is set.
    """
    if system.package_format == "deb":
        both = [Format(DEBIAN_LOCALE), Format(LOCALE_CONF)]
        return both if draft.read(LOCALE_CONF) is not None else both[:1]
    if system.init_system == "systemd" or draft.read(LOCALE_CONF) is not None:
        return [Format(LOCALE_CONF)]
    if system.distro == "alpinelinux":
        return [Format("/etc/profile.d/10locale.sh", export=True)]
    if system.distro == "gentoo":
        return [Format("/etc/env.d/02locale", quotes=True)]
    if system.distro in ("sles", "opensuse", "suse-based"):
        return [Format("/etc/sysconfig/language", prefix="RC_", quotes=True)]
    if system.package_format == "rpm":
        return [Format("/etc/sysconfig/i18n", quotes=True)]
    return [Format(LOCALE_CONF)]


def keyboard_format(draft: Draft, system: OperatingSystem, option: str) -> Format:
    """Return the file that a guest has a setting of its keyboard in.

    :raises OptionError: it has none for that.
    """
    is_xkb = option in _XKB
    if system.package_format == "deb" and (is_xkb or draft.read(VCONSOLE) is None):
        candidates = [_DEBIAN_KEYBOARD]
    elif system.init_system == "systemd":
        candidates = [_SYSTEMD_KEYBOARD]
    elif system.package_format == "rpm":
        candidates = [_REDHAT_KEYBOARD]
    else:
        candidates = [where for where in (_GENTOO_KEYMAPS, _GENTOO_FONT) if draft.read(where.path) is not None]
    for where in candidates:
        if option in where.keys:
            return where
    raise OptionError(f"{option}: this guest has no file for that.", hint=_hint(system, option))


def set_keyboard(draft: Draft, system: OperatingSystem, option: str, value: str) -> None:
    """Plan for a setting of the keyboard; an empty value removes it.

    :raises OptionError: the value is none, or the guest has no such setting.
    """
    if not _KEY_VALUE.fullmatch(value) or len(value) > 255:
        raise OptionError(f"{option}: '{printable(value)}' cannot be a setting of a keyboard.")
    where = keyboard_format(draft, system, option)
    key = where.keys[option]
    # Debian's own tools write all four variables, empty ones too (keyboard(5)).
    after = None if value == "" and where is not _DEBIAN_KEYBOARD else value
    draft.edit(where.path, lambda content: _set(content, where, key, after), create=after is not None)


def missing_locales(task: Task, wanted: t.Mapping[str, str | None]) -> list[str]:
    """Return the locales that are to be used and that the guest has not."""
    names = dict.fromkeys(value for key, value in wanted.items() if value is not None and key != "LANGUAGE")
    return [name for name in names if not has_locale(task.guest, name)]


def enable_or_warn(task: Task, draft: Draft, missing: t.Sequence[str]) -> None:
    """Plan for missing locales to be generated by the next ``locale-gen``, or say that they are missing.

    :raises GuestError: they are to be generated, and the guest is not one that does that.
    """
    listed = ", ".join(missing)
    if not task.params["generate"]:
        task.warn(f"The guest has no locale {listed}, so its programs fall back to C. See the option generate.")
    elif draft.read(LOCALE_GEN) is None:
        raise GuestError(
            f"The guest has no locale {listed}, and no {LOCALE_GEN} to have it generated by.",
            hint="Have its package installed by offline.guest.firstboot: glibc-langpack-de in Fedora and RHEL, say.",
        )
    else:
        for name in missing:
            draft.edit(LOCALE_GEN, functools.partial(enabled_in_locale_gen, name=name))


def _set_all(content: bytes, where: Format, wanted: t.Mapping[str, str | None]) -> bytes:
    for key, value in wanted.items():
        content = _set(content, where, where.prefix + key, value)
    return content


def _set(content: bytes, where: Format, key: str, value: str | None) -> bytes:
    if value is None:
        return remove_key(content, key) if get_value(content, key) is not None else content
    return set_value(content, key, value, quotes=where.quotes, export=where.export)


def _hint(system: OperatingSystem, option: str) -> str:
    if system.package_format == "deb" and option in ("keymap", "font"):
        return "In Debian and Ubuntu the console has the keyboard of X: use xkb_layout."
    if system.distro == "alpinelinux":
        return "Have 'setup-keymap us us', say, run by offline.guest.firstboot."
    return "Leave it out."


def _message(params: t.Mapping[str, t.Any], missing: t.Sequence[str]) -> str:
    said = "Language and keyboard are as they were asked for."
    if missing and params["generate"]:
        return f"{said} 'locale-gen' must be run in the guest, by offline.guest.firstboot, say."
    return said
