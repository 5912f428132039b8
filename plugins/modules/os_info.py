#!/usr/bin/python

# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: os_info
short_description: Tell which operating systems a disk image holds
version_added: 0.1.0
description:
  - Looks into a disk image and tells which operating systems it holds, and what its disk is made of.
  - Nothing of the guest is run and nothing is changed. Everything is read from the guest's files and from the disk.
  - Type, distribution, version, product name, architecture, host name, package format, package manager and mountpoints
    are those that libguestfs's own inspection gives. Where libguestfs says C(unknown), this module returns V(none).
  - Works on images with several operating systems, and with none.
extends_documentation_fragment:
  - offline.guest.attributes.read_only
  - offline.guest.image
  - offline.guest.appliance
options:
  gather:
    description:
      - What to tell beside what identifies each operating system.
      - V(details) adds fstab, kernels, machine id, SSH host keys, cloud-init and SELinux.
      - V(filesystems) adds the file systems with type, label, UUID, size and used space. They are mounted for that.
      - V(disk) adds the partition table and every device, once for the image.
      - V(packages) adds the installed packages. On guests with rpm, and on Windows, this starts the full inspection of
        libguestfs, which takes a while.
      - V(all) is all of these. V(min) adds nothing.
    type: list
    elements: str
    choices: [all, min, details, filesystems, disk, packages]
    default: [details, filesystems, disk]
notes:
  - This module tells of every operating system. The option O(root) has no effect.
  - What a guest says of itself is not to be trusted. It is returned bounded, on one line, with control characters and
    template markers as escapes.
  - A file that is missing, too large, binary or no regular file gives a warning, and V(none) in its place.
author:
  - offline.guest contributors (@offline-guest)
"""

EXAMPLES = r"""
- name: Look into an image
  offline.guest.os_info:
    image: /srv/images/web.qcow2
    format: qcow2
  register: web

- name: Refuse anything but Debian 12
  ansible.builtin.assert:
    that:
      - web.systems | length == 1
      - web.systems[0].distro == 'debian'
      - web.systems[0].major == 12

- name: List the packages of an encrypted image
  offline.guest.os_info:
    image: /srv/images/laptop.raw
    format: raw
    luks_keys:
      - device: /dev/sda3
        key: "{{ laptop_passphrase }}"
    gather: [packages]
  register: laptop

- name: Find images that were not sealed
  offline.guest.os_info:
    image: "{{ item }}"
    format: qcow2
    gather: [details]
  loop: "{{ images }}"
  register: looked
  failed_when: looked.systems | selectattr('machine_id.state', 'equalto', 'set') | list | length > 0
"""

RETURN = r"""
systems:
  description: The operating systems, in the order of their devices.
  returned: success
  type: list
  elements: dict
  contains:
    root:
      description:
        - The device of the root file system, as the option O(root) of the other modules takes it.
        - A btrfs subvolume is written as libguestfs does, V(btrfsvol:/dev/sda2/root).
      returned: success
      type: str
      sample: /dev/sda2
    type:
      description: The kind of system, such as V(linux) or V(windows).
      returned: success
      type: str
      sample: linux
    distro:
      description: The distribution, by its name in libguestfs.
      returned: success
      type: str
      sample: debian
    version:
      description: The version for people to read.
      returned: success
      type: str
      sample: "12.11"
    major:
      description: The major version, 0 if it is not known.
      returned: success
      type: int
      sample: 12
    minor:
      description: The minor version, 0 if it is not known.
      returned: success
      type: int
      sample: 11
    codename:
      description: The code name of the version.
      returned: success
      type: str
      sample: bookworm
    product_name:
      description:
        - The name of the product, as libguestfs gives it.
        - For Debian this is the content of C(/etc/debian_version).
      returned: success
      type: str
      sample: "12.11"
    arch:
      description: The architecture of the guest's programs.
      returned: success
      type: str
      sample: x86_64
    hostname:
      description: The host name.
      returned: success
      type: str
      sample: web01
    package_format:
      description: The format of the guest's packages.
      returned: success
      type: str
      sample: deb
    package_management:
      description: The guest's package manager.
      returned: success
      type: str
      sample: apt
    init_system:
      description: What starts the guest's services, V(systemd), V(openrc), V(sysvinit), V(windows) or V(unknown).
      returned: success
      type: str
      sample: systemd
    mountpoints:
      description: From mountpoint to device, as the guest's fstab has it.
      returned: success
      type: dict
      sample: {"/": "/dev/sda2", "/boot/efi": "/dev/sda1"}
    fstab:
      description: The entries of the guest's fstab, V(none) if there is no usable one.
      returned: if O(gather) has V(details)
      type: list
      elements: dict
      contains:
        spec:
          description: The first field as written.
          returned: success
          type: str
          sample: UUID=0a3407de-014b-458b-b5c1-848e92a327a3
        device:
          description: The device that the first field means, V(none) if it is no device of the image.
          returned: success
          type: str
          sample: /dev/sda2
        mountpoint:
          description: Where it is mounted.
          returned: success
          type: str
          sample: /
        type:
          description: The file system type.
          returned: success
          type: str
          sample: ext4
        options:
          description: The mount options.
          returned: success
          type: list
          elements: str
          sample: [errors=remount-ro]
        dump:
          description: The fifth field.
          returned: success
          type: int
          sample: 0
        passno:
          description: The sixth field, the order of file system checks.
          returned: success
          type: int
          sample: 1
    kernels:
      description: The installed kernels, the oldest version first.
      returned: if O(gather) has V(details)
      type: list
      elements: dict
      contains:
        version:
          description: The version, from the name of the image or of the folder of modules.
          returned: success
          type: str
          sample: 6.1.0-13-amd64
        image:
          description: The kernel's image, V(none) if there are only modules.
          returned: success
          type: str
          sample: /boot/vmlinuz-6.1.0-13-amd64
        initrd:
          description: The initial RAM disk that belongs to it.
          returned: success
          type: str
          sample: /boot/initrd.img-6.1.0-13-amd64
        modules:
          description: Whether its modules are installed.
          returned: success
          type: bool
          sample: true
    machine_id:
      description: What C(/etc/machine-id) holds.
      returned: if O(gather) has V(details)
      type: dict
      contains:
        state:
          description: One of V(absent), V(empty), V(uninitialized), V(set) and V(invalid).
          returned: success
          type: str
          sample: empty
        value:
          description: The id, if it is set.
          returned: success
          type: str
          sample: 4f2a8c0e9b1d4e7f8a6b5c3d2e1f0a9b
    ssh_host_keys:
      description: The names of the private host keys in C(/etc/ssh).
      returned: if O(gather) has V(details)
      type: list
      elements: str
      sample: [ssh_host_ed25519_key]
    cloud_init:
      description: Whether cloud-init is installed.
      returned: if O(gather) has V(details)
      type: bool
      sample: true
    selinux:
      description: What C(/etc/selinux/config) says.
      returned: if O(gather) has V(details)
      type: dict
      contains:
        mode:
          description: V(enforcing), V(permissive) or V(disabled), V(none) if SELinux is not set up.
          returned: success
          type: str
          sample: enforcing
        policy:
          description: The name of the policy.
          returned: success
          type: str
          sample: targeted
    filesystems:
      description: The root file system and those of the guest's fstab.
      returned: if O(gather) has V(filesystems)
      type: list
      elements: dict
      contains:
        device:
          description: The device.
          returned: success
          type: str
          sample: /dev/sda2
        mountpoint:
          description: Where the guest mounts it.
          returned: success
          type: str
          sample: /
        type:
          description: The type that was found on the device, V(none) if the image has no such device.
          returned: success
          type: str
          sample: ext4
        uuid:
          description: The file system's UUID.
          returned: success
          type: str
          sample: 0a3407de-014b-458b-b5c1-848e92a327a3
        label:
          description: The file system's label.
          returned: success
          type: str
          sample: rootfs
        size:
          description: How many bytes the file system holds, V(none) if it was not mounted.
          returned: success
          type: int
          sample: 1052770304
        used:
          description: How many bytes are used.
          returned: success
          type: int
          sample: 436207616
        available:
          description: How many bytes unprivileged users can still write.
          returned: success
          type: int
          sample: 545259520
    packages:
      description: The installed packages by name, V(none) if they cannot be told.
      returned: if O(gather) has V(packages)
      type: list
      elements: dict
      contains:
        name:
          description: The name.
          returned: success
          type: str
          sample: openssh-server
        epoch:
          description: The epoch, 0 if there is none.
          returned: success
          type: int
          sample: 1
        version:
          description: The version.
          returned: success
          type: str
          sample: 9.2p1
        release:
          description: The release of the package, V(none) if its version has no such part.
          returned: success
          type: str
          sample: 2+deb12u7
        arch:
          description: The architecture, V(none) if the database does not have it in its index.
          returned: success
          type: str
          sample: amd64
disk:
  description: The disk of the image.
  returned: if O(gather) has V(disk)
  type: dict
  contains:
    device:
      description: The disk's name in the appliance.
      returned: success
      type: str
      sample: /dev/sda
    size:
      description: The virtual size in bytes.
      returned: success
      type: int
      sample: 2147483648
    parttype:
      description: The kind of partition table, V(gpt), V(msdos), or V(none) if there is none that is understood.
      returned: success
      type: str
      sample: gpt
    guid:
      description: The table's GUID, or the disk signature of a V(msdos) table.
      returned: success
      type: str
      sample: E0E053C6-52B8-984B-B9AF-4877D34BBD22
    partitions:
      description: The partitions by number.
      returned: success
      type: list
      elements: dict
      contains:
        device:
          description: The partition's name in the appliance.
          returned: success
          type: str
          sample: /dev/sda1
        number:
          description: The number.
          returned: success
          type: int
          sample: 1
        start:
          description: The first byte.
          returned: success
          type: int
          sample: 1048576
        end:
          description: The last byte.
          returned: success
          type: int
          sample: 22020095
        size:
          description: The size in bytes.
          returned: success
          type: int
          sample: 20971520
        type:
          description: The GUID of its type, or V(0x83) and the like in a V(msdos) table.
          returned: success
          type: str
          sample: C12A7328-F81F-11D2-BA4B-00A0C93EC93B
        guid:
          description: The partition's own GUID, as C(PARTUUID=) has it.
          returned: success
          type: str
          sample: 6107452D-11AE-8141-A927-7667B31C187A
        name:
          description: The partition's name, V(none) in a V(msdos) table.
          returned: success
          type: str
          sample: EFI system
        bootable:
          description: The active flag of a V(msdos) table, or the attribute for legacy BIOS of a V(gpt) one.
          returned: success
          type: bool
          sample: false
    devices:
      description: Every device that could hold something, and what it holds.
      returned: success
      type: list
      elements: dict
      contains:
        device:
          description: The device.
          returned: success
          type: str
          sample: /dev/vg/root
        kind:
          description: V(disk) for a disk without partitions, V(partition), V(md), V(lv), or V(luks) for an opened one.
          returned: success
          type: str
          sample: lv
        parent:
          description: The encrypted device of an opened one.
          returned: success
          type: str
          sample: /dev/sda3
        type:
          description: What it holds, such as V(ext4), V(swap), V(LVM2_member) or V(crypto_LUKS), V(none) if unknown.
          returned: success
          type: str
          sample: ext4
        uuid:
          description: The UUID of the content.
          returned: success
          type: str
          sample: 0a3407de-014b-458b-b5c1-848e92a327a3
        label:
          description: The label of the content.
          returned: success
          type: str
          sample: rootfs
        size:
          description: The size in bytes, V(none) if it is no partition.
          returned: success
          type: int
          sample: 270532608
"""

import typing as t

from ..module_utils._ansible_module import run_guest_module
from ..module_utils._guest._os_info import DEFAULT_SUBSETS, SUBSETS, handle


def main() -> t.NoReturn:
    run_guest_module(
        argument_spec={
            "gather": {
                "type": "list",
                "elements": "str",
                "choices": ["all", "min", *SUBSETS],
                "default": list(DEFAULT_SUBSETS),
            },
        },
        handler=handle,
        writes=False,
        access="found",
    )


if __name__ == "__main__":
    main()
