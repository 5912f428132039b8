#!/usr/bin/python

# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: resize
short_description: Grow a disk image and what is in it
version_added: 0.1.0
description:
  - Grows a disk image in place, and with it everything between the end of the disk and the last file system, namely
    the partition table, the partition, an LVM physical and logical volume, and the file system or swap space.
  - Partition tables are MBR (with logical partitions) and GPT. A file system may also have the whole disk.
  - Contents are ext2, ext3, ext4, xfs, btrfs (on one device), swap, and LVM with one of these inside.
  - Layers that are too small for what is around them are grown even if the image already has its size, so a second
    run changes nothing, and an image that somebody else enlarged is filled.
  - Nothing is ever moved or made smaller. Types, names, GUIDs, UUIDs, labels and flags stay as they are, which is
    verified after growing.
  - What cannot be grown is refused with the reason before anything is changed.
extends_documentation_fragment:
  - offline.guest.attributes
  - offline.guest.image
  - offline.guest.appliance
attributes:
  idempotent:
    support: partial
    details:
      - A O(size) that begins with a plus is relative to the present size, so it grows the image on every run. Every
        other task is idempotent.
options:
  size:
    description:
      - The virtual size that the image is to have, such as V(20G), or how much it is to gain, such as V(+5G).
      - V(K), V(M), V(G), V(T) and V(P), and V(KiB) to V(PiB), are powers of 1024, in upper or lower case. Without a
        unit, or with V(B), it is a number of bytes. A fraction such as V(1.5G) is allowed.
      - V(KB), V(MB), V(GB), V(TB) and V(PB) are refused, because some read them as powers of 1000 and some as powers of
        1024.
      - The size is rounded up to a multiple of 512 bytes. The largest is V(1P).
      - Less than the image has is refused, because shrinking is not supported.
      - If not set, the image keeps its size and is filled.
      - Only V(raw) and V(qcow2) images can get a larger size. Images of other formats can be filled.
    type: str
  partition:
    description:
      - The partition that is to grow, as a number such as V(2) or a device such as V(/dev/sda2).
      - It must be the last one on the disk by position. Its number does not matter.
      - If not set, it is the partition that holds the root file system, or the volume group of that. In an image
        without operating system it is the last one.
    type: str
  lv:
    description:
      - The logical volume that takes all free space of its volume group, as V(root), V(vg/root) or V(/dev/vg/root).
      - If not set, it is the root file system's, or the only one of the volume group.
      - Free space that was left in the volume group on purpose is taken too.
    type: str
notes:
  - Up to 1 MiB between the last partition and the end of the disk is left free if the image does not grow, because
    partitioning tools leave it for alignment.
  - An MBR partition table ends at 2 TiB. A larger O(size) is refused.
  - LUKS, RAID members, hibernated swap space, LVM thin pools, snapshots, mirrors and RAID volumes, NTFS and FAT are
    refused.
  - XFS and Btrfs grow while they are mounted, so their type must be in O(filesystems).
  - The appliance may have to start a second time in a session, because a disk gets its size when the appliance starts.
    A task without a session does not need that.
seealso:
  - name: virt-resize(1)
    description: Copies a guest to a larger or smaller disk.
    link: https://libguestfs.org/virt-resize.1.html
author:
  - offline.guest contributors (@offline-guest)
"""

EXAMPLES = r"""
- name: Make the image and its root file system larger
  offline.guest.resize:
    image: /srv/images/web.qcow2
    format: qcow2
    size: 20G

- name: Fill an image that was enlarged with another tool
  offline.guest.resize:
    image: /srv/images/web.raw
    format: raw

- name: Give 5 GiB more to the logical volume of the data
  offline.guest.resize:
    image: /srv/images/db.qcow2
    format: qcow2
    size: +5G
    partition: 3
    lv: data
"""

RETURN = r"""
plan:
  description:
    - What was grown, or in check mode would be, from the outside in.
    - Empty if there was nothing to grow.
  returned: success
  type: list
  elements: dict
  sample:
    - action: grow_image
      target: /dev/sda
      kind: ''
      from_bytes: 10737418240
      to_bytes: 21474836480
    - action: move_gpt_backup
      target: /dev/sda
      kind: gpt
      from_bytes: 10737418240
      to_bytes: 21474836480
    - action: grow_partition
      target: /dev/sda1
      kind: gpt
      from_bytes: 10736352768
      to_bytes: 21473771008
    - action: grow_filesystem
      target: /dev/sda1
      kind: ext4
      from_bytes: 10736349184
      to_bytes: 21473767424
  contains:
    action:
      description:
        - One of V(grow_image), V(move_gpt_backup), V(grow_partition), V(grow_pv), V(grow_lv), V(grow_filesystem) and
          V(grow_swap).
      type: str
    target:
      description: The device, under the name that the appliance gives it.
      type: str
    kind:
      description:
        - What the device is, such as V(gpt), V(msdos), V(lvm2) or V(ext4). Empty for the image itself.
      type: str
    from_bytes:
      description:
        - The size before, in bytes. For V(move_gpt_backup) it is the size of the disk that the partition table was made
          for.
      type: int
    to_bytes:
      description: The size after, in bytes.
      type: int
device:
  description: The partition that was to grow, or the disk if there is no partition table.
  returned: success
  type: str
  sample: /dev/sda1
size_before:
  description: The virtual size of the image before the task, in bytes.
  returned: success
  type: int
  sample: 10737418240
size_after:
  description: The virtual size of the image after the task, in bytes.
  returned: success
  type: int
  sample: 21474836480
"""

import typing as t

from ..module_utils._ansible_module import run_guest_module
from ..module_utils._guest._resize import disk_size, handle


def main() -> t.NoReturn:
    run_guest_module(
        argument_spec={
            "size": {"type": "str"},
            "partition": {"type": "str"},
            "lv": {"type": "str"},
        },
        handler=handle,
        writes=True,
        access="unmounted",
        disk_size=disk_size,
    )


if __name__ == "__main__":
    main()
