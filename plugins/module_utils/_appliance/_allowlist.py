# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""What the server does for its client: the libguestfs calls that it makes. None runs a guest's program."""

from __future__ import annotations

import os
import stat
import typing as t

READ = (
    "aug_get aug_match blockdev_getsize64 blockdev_getss btrfs_subvolume_get_default btrfs_subvolume_list "
    "canonical_device_name checksum download exists feature_available get_e2attrs get_e2generation glob_expand "
    "inspect_get_arch inspect_get_distro "
    "inspect_get_drive_mappings inspect_get_filesystems inspect_get_hostname inspect_get_major_version "
    "inspect_get_minor_version inspect_get_mountpoints inspect_get_osinfo inspect_get_package_format "
    "inspect_get_package_management inspect_get_product_name inspect_get_product_variant inspect_get_type "
    "inspect_get_windows_current_control_set inspect_get_windows_systemroot inspect_list_applications2 "
    "lgetxattrs list_devices list_filesystems list_md_devices list_partitions lstatns lstatnslist "
    "lvm_canonical_lv_name lvs "
    "lvs_full mountpoints part_get_bootable part_get_gpt_guid part_get_gpt_type part_get_mbr_id "
    "part_get_mbr_part_type part_get_name part_get_parttype part_list part_to_dev part_to_partnum pread "
    "pread_device pvs pvs_full readdir readlink statvfs tune2fs_l vfs_label vfs_type vfs_uuid vglvuuids vgpvuuids "
    "vgs_full xfs_info"
)
OPEN = (
    "aug_close aug_init aug_load aug_transform cryptsetup_close cryptsetup_open inspect_os lvm_scan mount_vfs "
    "remount sync umount umount_all"
)
WRITE = (
    "aug_rm aug_save aug_set btrfs_filesystem_resize chmod copy_attributes copy_file_to_file e2fsck lchown ln ln_s "
    "lremovexattr lsetxattr mkdir_mode mkswap part_expand_gpt part_resize pvresize pwrite pwrite_device rename "
    "resize2fs rm rm_rf rmdir lvresize_free set_e2attrs upload utimens write xfs_growfs"
)
#: The allowlist: call → what it does to the guest. ``read`` changes nothing; ``open`` makes something reachable (a
#: mount replays a journal, which is no change that anyone asked for); ``write`` changes what the user sees.
CALLS: dict[str, str] = {
    **{name: "read" for name in READ.split()},
    **{name: "open" for name in OPEN.split()},
    **{name: "write" for name in WRITE.split()},
}


class ServerError(Exception):
    """An answer that is an error: ``kind`` names the exception the client raises, ``data`` goes with it."""

    def __init__(self, kind: str, message: str, **data: t.Any) -> None:
        super().__init__(message)
        self.kind = kind
        self.data = data


def require_safe_transfer(name: str, args: list[t.Any]) -> None:
    """Refuse to read anything but a regular file of the host, or to write where others could have put something.

    :raises ServerError: always of kind ``protocol``; the names of other calls are no business of this.
    """
    if name not in ("upload", "download"):
        return
    if len(args) != 2:
        raise ServerError("protocol", f"{name}: it takes two paths")
    path = str(args[0] if name == "upload" else args[1])
    try:
        found = os.stat(path if name == "upload" else os.path.dirname(path))
    except OSError as exc:
        raise ServerError("protocol", f"{name}: {exc}") from exc
    if not os.path.isabs(path):
        raise ServerError("protocol", f"{name}: {path} is not an absolute path")
    if name == "upload" and not stat.S_ISREG(found.st_mode):
        raise ServerError("protocol", f"{name}: {path} is not a regular file")
    if name == "download" and (found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) & 0o077):
        raise ServerError("protocol", f"{name}: the folder of {path} is not private")
