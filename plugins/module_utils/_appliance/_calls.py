# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""The libguestfs calls that the collection makes, with types.

One method a call, named as guestfs(3) names it; what a call means, and which errors it has, is said there. A mountable
(``btrfsvol:/dev/sda1/root``) is a ``str``; a device and a path are the types of ``_guest/_paths.py``, which both are
``str``; a name of a file that is not UTF-8 is text with surrogates (surrogateescape). Every method raises
:class:`CallError` when libguestfs reports an error, with the appliance's errno where the call has one, and
:class:`ApplianceError` when the appliance died or the call's deadline passed.

Costs differ by a factor of 300 (design, "Calls"): ``pread``, ``lstatns``, ``readlink``, ``lgetxattrs`` and ``write``
are about 1 ms; ``vfs_type``, ``list_devices``, ``mount_vfs`` and ``read_file`` are 200 ms and more under emulation.
"""

from __future__ import annotations

import typing as t

Struct = dict[str, t.Any]


class Rpc(t.Protocol):
    """Who carries a call to the handle: the client of the server process, or a fake in a unit test."""

    def call(self, name: str, *args: t.Any, **kwargs: t.Any) -> t.Any:
        """Make the libguestfs call ``name`` and return its result (``bytes`` for buffers, ``dict`` for structs).

        :param kwargs: the call's optional arguments, and ``extra_seconds`` for its deadline, of a call that moves much.
        """


# Bytes a second that a transfer may be slow to move; an emulated appliance makes fifty times that.
_SLOWEST = 1024 * 1024


class Calls:
    """The typed face of an :class:`Rpc`."""

    def __init__(self, rpc: Rpc) -> None:
        self._rpc = rpc

    # Files: reading

    def exists(self, path: str) -> bool:
        return bool(self._rpc.call("exists", path))

    def lstatns(self, path: str) -> Struct:
        """Stat without following: ``st_mode st_uid st_gid st_size st_ino st_dev st_nlink st_mtime_sec`` …"""
        return dict(self._rpc.call("lstatns", path))

    def readlink(self, path: str) -> str:
        return str(self._rpc.call("readlink", path))

    def pread(self, path: str, count: int, offset: int) -> bytes:
        """Read at most ``count`` bytes (fewer than 4 MB) from ``offset``; short at the end of the file."""
        return bytes(self._rpc.call("pread", path, count, offset))

    def readdir(self, path: str) -> list[Struct]:
        """Entries as ``{"ino", "ftyp", "name"}``, with ``.`` and ``..``; ``ftyp`` is ``d``, ``r``, ``l``, ``u`` …"""
        return list(self._rpc.call("readdir", path))

    def glob_expand(self, pattern: str) -> list[str]:
        return list(self._rpc.call("glob_expand", pattern, directoryslash=False))

    def lgetxattrs(self, path: str) -> dict[str, bytes]:
        """Extended attributes by name, ``security.selinux`` and ACLs among them."""
        return {str(item["attrname"]): bytes(item["attrval"]) for item in self._rpc.call("lgetxattrs", path)}

    def lstatnslist(self, path: str, names: t.Sequence[str]) -> list[Struct]:
        """:meth:`lstatns` of several entries of the directory ``path``; ``st_ino`` is -1 for one that failed."""
        return list(self._rpc.call("lstatnslist", path, list(names)))

    def checksum(self, csumtype: str, path: str, *, size: int) -> str:
        """Checksum of a file that is never a link, computed inside the appliance: ``md5``, ``sha1``, ``sha256`` …"""
        return str(self._rpc.call("checksum", csumtype, path, extra_seconds=size / _SLOWEST))

    def download(self, remotefilename: str, filename: str, *, size: int) -> None:
        """Copy a file of the guest to a file of the host, in chunks."""
        self._rpc.call("download", remotefilename, filename, extra_seconds=size / _SLOWEST)

    def get_e2attrs(self, file: str) -> str:
        """Flags of a file on ext2, ext3 and ext4 as the letters of chattr(1); a CallError on other file systems."""
        return str(self._rpc.call("get_e2attrs", file))

    def get_e2generation(self, file: str) -> int:
        """Generation number of a file's inode on ext2, ext3 and ext4; a CallError on other file systems."""
        return int(self._rpc.call("get_e2generation", file))

    def statvfs(self, path: str) -> Struct:
        return dict(self._rpc.call("statvfs", path))

    # Files: writing

    def write(self, path: str, content: bytes) -> None:
        """Create or truncate ``path`` and write ``content`` (fewer than 4 MB; longer goes through :meth:`pwrite`)."""
        self._rpc.call("write", path, content)

    def pwrite(self, path: str, content: bytes, offset: int) -> int:
        return int(self._rpc.call("pwrite", path, content, offset))

    def upload(self, filename: str, remotefilename: str, *, size: int) -> None:
        """Create or truncate ``remotefilename`` and copy a file of the host there, in chunks."""
        self._rpc.call("upload", filename, remotefilename, extra_seconds=size / _SLOWEST)

    def copy_file_to_file(self, src: str, dest: str, *, size: int) -> None:
        """Create or truncate ``dest`` and copy a file of the guest there, inside the appliance."""
        self._rpc.call("copy_file_to_file", src, dest, extra_seconds=size / _SLOWEST)

    def ln(self, target: str, linkname: str) -> None:
        self._rpc.call("ln", target, linkname)

    def utimens(self, path: str, atime: int, mtime: int) -> None:
        """Set both times, in nanoseconds since the epoch."""
        (asec, ansec), (msec, mnsec) = divmod(atime, 10**9), divmod(mtime, 10**9)
        self._rpc.call("utimens", path, asec, ansec, msec, mnsec)

    def set_e2attrs(self, file: str, attrs: str, *, clear: bool) -> None:
        self._rpc.call("set_e2attrs", file, attrs, clear=clear)

    def mkdir_mode(self, path: str, mode: int) -> None:
        self._rpc.call("mkdir_mode", path, mode)

    def chmod(self, mode: int, path: str) -> None:
        self._rpc.call("chmod", mode, path)

    def lchown(self, owner: int, group: int, path: str) -> None:
        """Set owner and group, from 0 to 2**32 - 2; the protocol's integers are signed, so the upper half is folded."""
        signed = [number - 2**32 if number >= 2**31 else number for number in (owner, group)]
        self._rpc.call("lchown", *signed, path)

    def rename(self, old: str, new: str) -> None:
        self._rpc.call("rename", old, new)

    def rm(self, path: str) -> None:
        self._rpc.call("rm", path)

    def rmdir(self, path: str) -> None:
        self._rpc.call("rmdir", path)

    def rm_rf(self, path: str) -> None:
        self._rpc.call("rm_rf", path)

    def ln_s(self, target: str, linkname: str) -> None:
        self._rpc.call("ln_s", target, linkname)

    def lsetxattr(self, name: str, text: str, path: str) -> None:
        """Set an attribute to ``text`` and a NUL byte after it, as SELinux labels are stored.

        The bindings take a C string, so other binary values are out of reach here: see :meth:`copy_attributes`. A
        length beyond that NUL would store memory of the daemon in the guest (measured with 1.48.6).
        """
        length = len(text.encode("utf-8", "surrogateescape")) + 1
        self._rpc.call("lsetxattr", name, text, length, path)

    def copy_attributes(self, source: str, destination: str) -> None:
        """Give ``destination`` every extended attribute of ``source``, binary ones too; others that it has stay.

        The call's ``mode`` and ``ownership`` are not used: it sets them in an order that loses set-uid bits (1.48.6).
        """
        self._rpc.call("copy_attributes", source, destination, xattributes=True)

    def lremovexattr(self, name: str, path: str) -> None:
        self._rpc.call("lremovexattr", name, path)

    # Devices and what is on them

    def list_devices(self) -> list[str]:
        return list(self._rpc.call("list_devices"))

    def list_partitions(self) -> list[str]:
        return list(self._rpc.call("list_partitions"))

    def list_filesystems(self) -> dict[str, str]:
        """Mountable → type (``ext4``, ``swap``, ``unknown`` …); about 2.5 s under emulation."""
        return dict(self._rpc.call("list_filesystems"))

    def list_md_devices(self) -> list[str]:
        return list(self._rpc.call("list_md_devices"))

    def vfs_type(self, mountable: str) -> str:
        """Type of the content (``ext4``, ``LVM2_member``, ``crypto_LUKS`` …), empty where there is none known."""
        return str(self._rpc.call("vfs_type", mountable))

    def vfs_label(self, mountable: str) -> str:
        return str(self._rpc.call("vfs_label", mountable))

    def vfs_uuid(self, mountable: str) -> str:
        return str(self._rpc.call("vfs_uuid", mountable))

    def blockdev_getsize64(self, device: str) -> int:
        return int(self._rpc.call("blockdev_getsize64", device))

    def blockdev_getss(self, device: str) -> int:
        return int(self._rpc.call("blockdev_getss", device))

    def pread_device(self, device: str, count: int, offset: int) -> bytes:
        return bytes(self._rpc.call("pread_device", device, count, offset))

    def canonical_device_name(self, device: str) -> str:
        return str(self._rpc.call("canonical_device_name", device))

    def btrfs_subvolume_list(self, mountable: str) -> list[Struct]:
        return list(self._rpc.call("btrfs_subvolume_list", mountable))

    def btrfs_subvolume_get_default(self, mountable: str) -> int:
        return int(self._rpc.call("btrfs_subvolume_get_default", mountable))

    def feature_available(self, groups: t.Sequence[str]) -> bool:
        return bool(self._rpc.call("feature_available", list(groups)))

    def pwrite_device(self, device: str, content: bytes, offset: int) -> int:
        return int(self._rpc.call("pwrite_device", device, content, offset))

    # Mounting; the type is always stated (guestfs-security(1))

    def mount_vfs(self, options: str, vfstype: str, mountable: str, mountpoint: str) -> None:
        self._rpc.call("mount_vfs", options, vfstype, mountable, mountpoint)

    def remount(self, mountpoint: str, *, rw: bool) -> None:
        self._rpc.call("remount", mountpoint, rw=rw)

    def umount(self, path_or_device: str) -> None:
        self._rpc.call("umount", path_or_device)

    def umount_all(self) -> None:
        self._rpc.call("umount_all")

    def mountpoints(self) -> dict[str, str]:
        """Device → mountpoint of what is mounted now."""
        return dict(self._rpc.call("mountpoints"))

    def sync(self) -> None:
        self._rpc.call("sync")

    # Partition tables

    def part_get_parttype(self, device: str) -> str:
        """``gpt``, ``msdos`` …; a CallError where the device has no table."""
        return str(self._rpc.call("part_get_parttype", device))

    def part_list(self, device: str) -> list[Struct]:
        """``part_num part_start part_end part_size`` of each partition, in bytes, the end inclusive."""
        return list(self._rpc.call("part_list", device))

    def part_get_bootable(self, device: str, number: int) -> bool:
        return bool(self._rpc.call("part_get_bootable", device, number))

    def part_get_mbr_id(self, device: str, number: int) -> int:
        return int(self._rpc.call("part_get_mbr_id", device, number))

    def part_get_mbr_part_type(self, device: str, number: int) -> str:
        """``primary``, ``logical`` or ``extended``."""
        return str(self._rpc.call("part_get_mbr_part_type", device, number))

    def part_get_gpt_type(self, device: str, number: int) -> str:
        return str(self._rpc.call("part_get_gpt_type", device, number))

    def part_get_gpt_guid(self, device: str, number: int) -> str:
        return str(self._rpc.call("part_get_gpt_guid", device, number))

    def part_get_name(self, device: str, number: int) -> str:
        return str(self._rpc.call("part_get_name", device, number))

    def part_to_dev(self, partition: str) -> str:
        return str(self._rpc.call("part_to_dev", partition))

    def part_to_partnum(self, partition: str) -> int:
        return int(self._rpc.call("part_to_partnum", partition))

    def part_expand_gpt(self, device: str) -> None:
        self._rpc.call("part_expand_gpt", device)

    def part_resize(self, device: str, number: int, end_sector: int) -> None:
        self._rpc.call("part_resize", device, number, end_sector)

    # Growing what is in a partition

    def tune2fs_l(self, device: str) -> dict[str, str]:
        return dict(self._rpc.call("tune2fs_l", device))

    def e2fsck(self, device: str, *, correct: bool = False) -> None:
        self._rpc.call("e2fsck", device, correct=correct)

    def resize2fs(self, device: str) -> None:
        self._rpc.call("resize2fs", device)

    def xfs_info(self, path_or_device: str) -> Struct:
        return dict(self._rpc.call("xfs_info", path_or_device))

    def xfs_growfs(self, mountpoint: str) -> None:
        self._rpc.call("xfs_growfs", mountpoint)

    def btrfs_filesystem_resize(self, mountpoint: str) -> None:
        self._rpc.call("btrfs_filesystem_resize", mountpoint)

    def mkswap(self, device: str, *, label: str | None = None, uuid: str | None = None) -> None:
        options = {key: value for key, value in (("label", label), ("uuid", uuid)) if value}
        self._rpc.call("mkswap", device, **options)

    # LVM and LUKS

    def lvs(self) -> list[str]:
        return list(self._rpc.call("lvs"))

    def lvs_full(self) -> list[Struct]:
        return list(self._rpc.call("lvs_full"))

    def vgs_full(self) -> list[Struct]:
        return list(self._rpc.call("vgs_full"))

    def pvs_full(self) -> list[Struct]:
        return list(self._rpc.call("pvs_full"))

    def pvs(self) -> list[str]:
        return list(self._rpc.call("pvs"))

    def vgpvuuids(self, group: str) -> list[str]:
        """UUIDs of a group's physical volumes, with hyphens, unlike those of :meth:`pvs_full`."""
        return list(self._rpc.call("vgpvuuids", group))

    def vglvuuids(self, group: str) -> list[str]:
        """UUIDs of a group's logical volumes, with hyphens, unlike those of :meth:`lvs_full`."""
        return list(self._rpc.call("vglvuuids", group))

    def lvm_canonical_lv_name(self, device: str) -> str:
        return str(self._rpc.call("lvm_canonical_lv_name", device))

    def lvm_scan(self, activate: bool) -> None:
        self._rpc.call("lvm_scan", activate)

    def pvresize(self, device: str) -> None:
        self._rpc.call("pvresize", device)

    def lvresize_free(self, device: str, percent: int) -> None:
        self._rpc.call("lvresize_free", device, percent)

    def cryptsetup_open(self, device: str, key: str, mapname: str) -> None:
        self._rpc.call("cryptsetup_open", device, key, mapname)

    def cryptsetup_close(self, device: str) -> None:
        self._rpc.call("cryptsetup_close", device)

    # Inspection

    def inspect_os(self) -> list[str]:
        """The root mountables libguestfs finds; 11 s under emulation, unmounts everything."""
        return list(self._rpc.call("inspect_os"))

    def inspect_get(self, field: str, root: str) -> t.Any:
        """``inspect_get_<field>`` of a root that :meth:`inspect_os` found: ``type distro arch mountpoints`` …"""
        return self._rpc.call(f"inspect_get_{field}", root)

    def inspect_list_applications2(self, root: str) -> list[Struct]:
        return list(self._rpc.call("inspect_list_applications2", root))

    # Augeas

    def aug_init(self, root: str, flags: int) -> None:
        self._rpc.call("aug_init", root, flags)

    def aug_close(self) -> None:
        self._rpc.call("aug_close")

    def aug_transform(self, lens: str, file: str) -> None:
        self._rpc.call("aug_transform", lens, file)

    def aug_load(self) -> None:
        self._rpc.call("aug_load")

    def aug_save(self) -> None:
        self._rpc.call("aug_save")

    def aug_get(self, path: str) -> str:
        return str(self._rpc.call("aug_get", path))

    def aug_set(self, path: str, value: str) -> None:
        self._rpc.call("aug_set", path, value)

    def aug_rm(self, path: str) -> int:
        return int(self._rpc.call("aug_rm", path))

    def aug_match(self, path: str) -> list[str]:
        return list(self._rpc.call("aug_match", path))
