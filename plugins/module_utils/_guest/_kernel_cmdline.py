# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""The module kernel_cmdline: arguments of the kernel, wherever a guest's boot loader gets them from.

What is changed is what people and tools edit: GRUB's defaults, Boot Loader Specification entries, the template that
kernel-install(8) makes those from, GRUB's environment block where the entries refer to it, and the settings of
update-extlinux. What is generated from them, grub.cfg and extlinux.conf, is never edited: the guest makes it anew.
"""

from __future__ import annotations

import dataclasses
import functools
import typing as t

from .._errors import GuestError, printable
from ._assignments import decoded, encoded, get_value
from ._cmdline import Wanted, edit_entry, edit_grubenv, edit_pieces, has_kernelopts, parse_wanted
from ._cmdline_grub import ALL, NORMAL, edit_defaults, has_kernel_lines, is_built
from ._draft import Draft
from ._firstboot_own import OwnScript, outcome_with_script, plan_script
from ._task import Outcome, Task

if t.TYPE_CHECKING:
    from ._files import GuestFiles

DEFAULTS = "/etc/default/grub"
DEFAULTS_FOLDER = "/etc/default/grub.d"
ENTRY_FOLDERS = ("/boot/loader/entries", "/efi/loader/entries", "/boot/efi/loader/entries")
TEMPLATE = "/etc/kernel/cmdline"
GRUBENVS = ("/boot/grub2/grubenv", "/boot/grub/grubenv")
EXTLINUX = "/etc/update-extlinux.conf"
EXTLINUX_CONFIG = "/boot/extlinux.conf"
EXTLINUX_KEY = "default_kernel_opts"
GRUB_CONFIGS = ("/boot/grub2/grub.cfg", "/boot/grub/grub.cfg")
SCRIPT = "05-boot-loader"
_MAX_CONFIG = 1024 * 1024
_MAX_FILE = 64 * 1024
_MAX_ENTRIES = 500


@dataclasses.dataclass
class Places:
    """Where the command line was found.

    :param commands: what the guest has to run, of each generated configuration that is out of date.
    """

    paths: list[str] = dataclasses.field(default_factory=list)
    commands: list[str] = dataclasses.field(default_factory=list)


def handle(task: Task) -> Outcome:
    """Run the task.

    :raises OptionError: an argument cannot be meant. :raises GuestError: the guest has the command line in none of the
        places that are known, or in one that cannot be changed.
    """
    params = task.params
    wanted = parse_wanted(params["args"], params["name"], params["value"], is_present=params["state"] == "present")
    draft, places = Draft(task.guest.files), Places()
    has_entries = edit_entries(task.guest.files, draft, wanted, places)
    edit_template(draft, wanted, places)
    edit_grub(task, draft, wanted, places, has_entries=has_entries)
    edit_extlinux(draft, wanted, places)
    if not places.paths:
        raise GuestError(
            "Where the guest has the kernel's command line is not known.",
            hint="Known are GRUB's defaults, boot loader entries, /etc/kernel/cmdline and /etc/update-extlinux.conf.",
        )
    command = " && ".join(places.commands) or None
    script = None
    if command is not None and params["rebuild"] == "firstboot":
        script = plan_script(
            task, OwnScript(SCRIPT, f"#!/bin/sh\n# Has the boot loader use new arguments.\n{command}\n")
        )
    result = {
        "places": places.paths,
        "rebuild_needed": command is not None,
        "command": command,
        "firstboot_script": SCRIPT if script is not None else None,
    }
    return outcome_with_script(task, draft, script, result, _message(wanted, command, is_installed=script is not None))


def edit_entries(files: GuestFiles, draft: Draft, wanted: Wanted, places: Places) -> bool:
    """Change the Boot Loader Specification entries, and GRUB's environment block if one of them refers to it.

    :returns: whether there are any.
    """
    found: dict[str, str] = {}
    for path in _entries(files):
        content = draft.read(path, max_size=_MAX_FILE)
        if content is not None:
            found[path] = decoded(content)
    for path, text in found.items():
        draft.write(path, encoded(edit_entry(text, wanted)))
    places.paths += found
    if any(has_kernelopts(text) for text in found.values()):
        _edit_grubenv(draft, wanted, places)
    return bool(found)


def edit_template(draft: Draft, wanted: Wanted, places: Places) -> None:
    """Change /etc/kernel/cmdline, which entries of kernels that come later are made from (kernel-install(8))."""
    content = draft.read(TEMPLATE, max_size=_MAX_FILE)
    if content is not None:
        draft.write(TEMPLATE, encoded(edit_pieces([decoded(content)], wanted, add_to=0)[0]))
        places.paths.append(TEMPLATE)


def edit_grub(task: Task, draft: Draft, wanted: Wanted, places: Places, *, has_entries: bool) -> None:
    """Change GRUB's defaults, and say how its configuration is made anew.

    Where that just reads the entries (GRUB_ENABLE_BLSCFG, as in Fedora), it need not be.
    """
    contents = _grub_defaults(task.guest.files, draft)
    if not contents:
        return
    for path, content in edit_defaults(contents, wanted, (ALL, NORMAL)).items():
        draft.write(path, content)
    places.paths += contents
    reads_entries = has_entries and get_value(contents[DEFAULTS], "GRUB_ENABLE_BLSCFG") == "true"
    config = _grub_config(task.guest.files, draft)
    if not reads_entries and not is_built(_text(draft, config), wanted):
        is_debian = task.guest.os.package_format == "deb"
        tool = "grub2-mkconfig" if config.startswith("/boot/grub2/") or "/EFI/" in config else "grub-mkconfig"
        places.commands.append("update-grub" if is_debian else f"{tool} -o {config}")


def edit_extlinux(draft: Draft, wanted: Wanted, places: Places) -> None:
    """Change the settings of Alpine's update-extlinux."""
    content = draft.read(EXTLINUX, max_size=_MAX_FILE)
    if content is None:
        return
    draft.write(EXTLINUX, edit_defaults({EXTLINUX: content}, wanted, (EXTLINUX_KEY,))[EXTLINUX])
    places.paths.append(EXTLINUX)
    if not is_built(_text(draft, EXTLINUX_CONFIG), wanted):
        places.commands.append("update-extlinux")


def _entries(files: GuestFiles) -> list[str]:
    seen: dict[str, None] = {}
    for folder in ENTRY_FOLDERS:
        target = files.resolve(folder)
        found = files.lstat(target)
        if found is not None and found.kind == "directory":
            names = [name for name in files.list_dir(target) if name.endswith(".conf")]
            seen.update(dict.fromkeys(target.joined(name) for name in names))
    if len(seen) > _MAX_ENTRIES:
        raise GuestError(f"There are more than {_MAX_ENTRIES} boot loader entries in the guest.")
    return list(seen)


def _edit_grubenv(draft: Draft, wanted: Wanted, places: Places) -> None:
    for path in GRUBENVS:
        if draft.read(path, max_size=_MAX_FILE) is not None:
            draft.edit(path, functools.partial(edit_grubenv, wanted=wanted))
            places.paths.append(path)
            return
    raise GuestError("The boot entries of the guest have $kernelopts, but there is no environment block of GRUB.")


def _grub_defaults(files: GuestFiles, draft: Draft) -> dict[str, bytes]:
    """Return GRUB's defaults in the order in which they are sourced; nothing where there are none."""
    first = draft.read(DEFAULTS, max_size=_MAX_FILE)
    if first is None:
        return {}
    contents = {DEFAULTS: first}
    found = files.lstat(files.resolve(DEFAULTS_FOLDER))
    if found is not None and found.kind == "directory":
        for name in files.list_dir(DEFAULTS_FOLDER):
            path = f"{DEFAULTS_FOLDER}/{name}"
            content = draft.read(path, max_size=_MAX_FILE) if name.endswith(".cfg") else None
            if content is not None:
                contents[path] = content
    return contents


def _grub_config(files: GuestFiles, draft: Draft) -> str:
    """Return the path of GRUB's generated configuration.

    It is that with entries in it, which RHEL 7 has on its EFI partition, or else the usual one.
    """
    vendors = files.resolve("/boot/efi/EFI")
    found = files.lstat(vendors)
    names = files.list_dir(vendors) if found is not None and found.kind == "directory" else []
    candidates = [*GRUB_CONFIGS, *(f"/boot/efi/EFI/{name}/grub.cfg" for name in names if name.isalnum())]
    there = [path for path in candidates if draft.read(path, max_size=_MAX_CONFIG) is not None]
    filled = [path for path in there if has_kernel_lines(_text(draft, path) or "")]
    if filled or any(path in GRUB_CONFIGS for path in there):
        return (filled or there)[0]
    is_two = files.lstat("/boot/grub2") is not None or files.lstat("/usr/sbin/grub2-mkconfig") is not None
    return GRUB_CONFIGS[0 if is_two else 1]


def _text(draft: Draft, path: str) -> str | None:
    content = draft.read(path, max_size=_MAX_CONFIG)
    return None if content is None else decoded(content)


def _message(wanted: Wanted, command: str | None, *, is_installed: bool) -> str:
    what = " ".join(wanted.args) or wanted.name or ""
    said = f"The kernel {'gets' if wanted.is_present else 'does not get'} '{printable(what)}'"
    if command is None:
        return f"{said} from the next boot on."
    if is_installed:
        return f"{said} from the boot after the next on, whose firstboot script runs '{printable(command)}'."
    return f"{said} once '{printable(command)}' was run in the guest; rebuild: firstboot has that done."
