# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every module that works on an image documents: ``IMAGE_SPEC`` in ``module_utils/_ansible_module.py``."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  image:
    description:
      - The image file to work on.
      - Only its B(stopped) machine may own it. Writing to an image that a running machine, another session or another
        tool holds is refused.
    type: path
    required: true
  format:
    description:
      - The format of O(image). It is stated, never guessed.
      - An image whose header contradicts the format, or names a backing file, external data file or extent that was
        not declared, is refused before QEMU opens it.
      - An image stated as V(raw) is used as raw, whatever its first bytes look like.
    type: str
    choices: [raw, qcow2, vmdk, vdi, vhdx, vpc]
    required: true
  backing:
    description:
      - The backing image that the header of O(image) names.
      - Required if, and only if, O(image) has one. A chain is declared link by link.
    type: dict
    suboptions:
      image:
        description: The backing image file.
        type: path
        required: true
      format:
        description: The format of the backing image.
        type: str
        choices: [raw, qcow2, vmdk, vdi, vhdx, vpc]
        required: true
      backing:
        description:
          - The backing image of the backing image, with the same keys as O(backing).
        type: dict
  root:
    description:
      - Which operating system to work on, named by its root file system.
      - Either a device such as V(/dev/sda1), a logical volume such as V(/dev/vg/root), V(UUID=...) or V(LABEL=...).
      - Devices are named V(/dev/sdX) whatever the machine will call them. A UUID, a label or a logical volume is the
        better name, because it does not depend on the order of disks.
      - Needed only if the image holds several operating systems.
    type: str
  luks_keys:
    description:
      - Keys for encrypted devices in the image.
      - They are never shown, logged or written to a file. They may reach the swap space of the host.
    type: list
    elements: dict
    suboptions:
      device:
        description:
          - The encrypted device, such as V(/dev/sda2) or V(UUID=...).
        type: str
        required: true
      key:
        description: The passphrase.
        type: str
        required: true
  filesystems:
    description:
      - The file system types that may be mounted. A file system of any other type is left alone.
      - The type is always given to the mount, never detected by the kernel, so a forged file system cannot reach a
        driver that is not in this list.
    type: list
    elements: str
    default: [ext2, ext3, ext4, xfs, btrfs, vfat, ntfs]
  lock_timeout:
    description:
      - How many seconds to wait for an image that another session holds, before failing with the name of the holder.
    type: int
    default: 60
requirements:
  - libguestfs 1.48 or later with its Python bindings, in any Python of the host (C(python3-guestfs) on Debian)
  - qemu-img
  - voluptuous, in the Python that runs the module
attributes:
  action_group:
    description: Use C(group/offline.guest.image) in C(module_defaults) to set defaults for this module.
    support: full
    membership:
      - offline.guest.image
seealso:
  - module: offline.guest.session
    description: Do several tasks as one transaction and start the appliance once.
  - module: offline.guest.host_info
    description: Find out whether this host can start an appliance, and what is missing.
"""
