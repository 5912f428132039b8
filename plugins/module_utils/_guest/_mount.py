# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""Mounting an operating system's file systems where its fstab has them.

Writes go to a throwaway overlay, so everything is mounted for writing and no option of the guest's fstab is used: the
type is forced to the one that was found on the device, which must be an allowed one. The fstab is hostile. A mountpoint
is mounted only where an existing directory of the guest stands, reached by no symbolic link: libguestfs would follow a
link in the appliance's own tree, and one could lead over another mountpoint.
"""

from __future__ import annotations

import stat
import typing as t

from .._appliance._calls import Calls
from .._errors import CallError, GuestError, OptionError, printable
from ._inspect_blocks import Warn
from ._inspect_fstab import MAX_MOUNTS
from ._paths import GuestPath
from ._system import DEFAULT_TYPES, OperatingSystem

# Remote and pseudo trees that no fstab of a guest has a reason to cover with a disk.
_NEVER = ("/", "/dev", "/proc", "/run", "/sys")
_REMOUNTABLE = ("ext2", "ext3", "ext4", "xfs")
_NOT_MOUNTED = ("", "swap", "swsuspend", "LVM2_member", "linux_raid_member", "crypto_LUKS")


def mount_system(
    calls: Calls,
    system: OperatingSystem,
    *,
    allowed_types: t.Sequence[str] = DEFAULT_TYPES,
    readonly: bool = False,
    warn: Warn,
) -> dict[str, str]:
    """Mount a system's root at ``/`` and its other file systems below it, instead of whatever is mounted.

    :param allowed_types: file system types that may be mounted.
    :param readonly: mount for reading only; a root that the search has left mounted is used as it is.
    :param warn: told about each file system of the fstab that could not be mounted.
    :returns: mountpoint → mountable of what is mounted now.
    :raises GuestError: the root cannot be mounted.
    """
    _mount_root(calls, system, allowed_types, readonly=readonly)
    mounted = {"/": system.root}
    for mountpoint, (mountable, vfs_type) in sorted(system.mountpoints.items())[:MAX_MOUNTS]:
        if mountpoint == "/" or mountable == system.root:
            continue
        problem = _mount_below(calls, mountpoint, mountable, vfs_type, allowed_types, mounted, readonly=readonly)
        if problem:
            warn(f"{printable(mountable)} is not mounted at '{printable(mountpoint)}': {problem}.")
        else:
            mounted[mountpoint] = mountable
    return mounted


def _mount_root(calls: Calls, system: OperatingSystem, allowed_types: t.Sequence[str], *, readonly: bool) -> None:
    if system.root_type not in allowed_types:
        raise GuestError(
            f"The root file system {system.root} is of type '{printable(system.root_type)}', which may not be mounted.",
            hint="Name the type in the option filesystems to allow it.",
        )
    there = calls.mountpoints()
    if there == {system.root: "/"} and (readonly or _remounted(calls, system.root_type)):
        return
    if there:
        calls.umount_all()
    try:
        calls.mount_vfs("ro" if readonly else "", system.root_type, system.root, "/")
    except CallError as exc:
        raise GuestError(
            f"The root file system {system.root} cannot be mounted: {exc.message}.",
            hint=_remedy(system.root_type, exc),
            details=exc.details,
        ) from exc
    if not readonly and _is_readonly(calls, system.root_type):
        raise GuestError(
            f"The root file system {system.root} can only be mounted for reading.",
            hint=_remedy(system.root_type, None),
        )


def _remounted(calls: Calls, vfs_type: str) -> bool:
    """Have what the search left at ``/`` mounted for writing, at a third of the cost of a mount; False if not."""
    if vfs_type not in _REMOUNTABLE:
        return False
    try:
        calls.remount("/", rw=True)
    except CallError:  # The mount that is then tried says why.
        return False
    return True


def _is_readonly(calls: Calls, vfs_type: str) -> bool:
    """ntfs-3g falls back to reading only, without an error, where Windows is hibernated (ntfs-3g(8))."""
    return vfs_type == "ntfs" and bool(int(calls.statvfs("/")["flag"]) & 1)


def _remedy(vfs_type: str, exc: CallError | None) -> str:
    if vfs_type == "ntfs":
        return (
            "Windows is hibernated, or was shut down with fast startup: start it and shut it down fully (shutdown /p)."
        )
    if exc is not None and "unknown filesystem type" in exc.message:
        return f"The appliance's kernel has no driver for {vfs_type}: use a host whose kernel has one."
    return (
        "The file system is damaged, or needs features that the appliance's kernel lacks: start the machine once and"
        " shut it down, or check the file system."
    )


def _mount_below(
    calls: Calls,
    mountpoint: str,
    mountable: str,
    vfs_type: str,
    allowed_types: t.Sequence[str],
    mounted: t.Mapping[str, str],
    *,
    readonly: bool,
) -> str | None:
    """Mount one file system; return what prevented it, or None."""
    problem = _refused(mountpoint, vfs_type, allowed_types) or _not_a_directory(calls, mountpoint)
    if problem:
        return problem
    if mountable in mounted.values():
        return "it is mounted already"
    try:
        calls.mount_vfs("ro" if readonly else "", vfs_type, mountable, mountpoint)
    except CallError as exc:
        return f"{exc.message}. {_remedy(vfs_type, exc)}".rstrip(".")
    return None


def _refused(mountpoint: str, vfs_type: str, allowed_types: t.Sequence[str]) -> str | None:
    try:
        path = GuestPath(mountpoint)
    except OptionError:
        return "the mountpoint is no plain path"
    if str(path) in _NEVER or path.startswith(tuple(f"{top}/" for top in _NEVER if top != "/")):
        return "nothing is mounted there"
    if not vfs_type:
        return "the appliance has no such device, or it holds no file system"
    if vfs_type in _NOT_MOUNTED:
        return f"it holds no file system but {printable(vfs_type)}"
    if vfs_type not in allowed_types:
        return f"file systems of type {printable(vfs_type)} may not be mounted (option filesystems)"
    return None


def _not_a_directory(calls: Calls, mountpoint: str) -> str | None:
    """Check every component, so that no link stands on the way."""
    here = ""
    for part in [part for part in mountpoint.split("/") if part]:
        here = f"{here}/{part}"
        try:
            mode = calls.lstatns(here)["st_mode"]
        except CallError:
            return f"'{printable(here)}' does not exist in the guest"
        if not stat.S_ISDIR(mode):
            return f"'{printable(here)}' is no directory in the guest"
    return None
