# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Small guests of the Debian family, and Debian-like roots for other purposes."""

from __future__ import annotations

import typing as t

from . import config, identity
from .disk import stable_uuid
from .linux import accounts, dpkg, etc, executable, kernel, os_release, skeleton, ssh, systemd, union
from .model import Data, Ext, Luks, Partition, Raid1, Recipe, Swap, Vfat
from .tree import Tree, folder, link, text

GPT_EFI = "C12A7328-F81F-11D2-BA4B-00A0C93EC93B"
GPT_BIOS = "21686148-6449-6E6F-744E-656564454649"
GPT_LINUX = "0FC63DAF-8483-4772-8E79-3D69D8477DE4"
GPT_SWAP = "0657FD6D-A4AB-43C4-84E5-0933C84B4F4F"
GPT_LVM = "E6D6D379-F507-44C2-A23C-238F2A3DF928"
GPT_RAID = "A19D880F-05FC-4D3B-A006-743F0F84911E"
DEBIAN = os_release(
    PRETTY_NAME="Debian GNU/Linux 12 (bookworm)", NAME="Debian GNU/Linux", VERSION_ID="12",
    VERSION="12 (bookworm)", VERSION_CODENAME="bookworm", ID="debian",
)  # fmt: skip
UBUNTU = os_release(
    PRETTY_NAME="Ubuntu 24.04.1 LTS", NAME="Ubuntu", VERSION_ID="24.04", VERSION="24.04.1 LTS (Noble Numbat)",
    VERSION_CODENAME="noble", ID="ubuntu", ID_LIKE="debian", UBUNTU_CODENAME="noble",
)  # fmt: skip


def debian_tree(fstab: str, hostname: str = "debian", *, os_text: str = DEBIAN) -> Tree:
    """Return a small Debian root."""
    return union(
        skeleton(),
        accounts(),
        etc(hostname=hostname, fstab=fstab, os_release=os_text, machine_id="0123456789abcdef0123456789abcdef\n"),
        systemd(),
        ssh(),
        kernel(),
        dpkg("bash=5.2.15-2+b7", "coreutils=9.1-1", "openssh-server=1:9.2p1-2", "systemd=252.30-1~deb12u2"),
        Tree().add({
            "/etc/debian_version": "12.8\n",
            "/etc/timezone": "Etc/UTC\n",
            "/etc/default/locale": "LANG=C.UTF-8\n",
            "/etc/default/keyboard": 'XKBLAYOUT="us"\n',
            "/etc/default/grub": 'GRUB_TIMEOUT=5\nGRUB_CMDLINE_LINUX_DEFAULT="quiet"\nGRUB_CMDLINE_LINUX=""\n',
            "/etc/network/interfaces": "source /etc/network/interfaces.d/*\nauto lo\niface lo inet loopback\n",
            "/etc/network/interfaces.d": folder(),
            "/var/lib/dhcp/dhclient.eth0.leases": "lease {}\n",
            "/var/log/dpkg.log": "installed\n",
            "/usr/sbin/update-rc.d": executable(),
        }),
    )  # fmt: skip


def ubuntu_tree(fstab: str) -> Tree:
    """Return a small Ubuntu root: netplan and cloud-init."""
    return union(
        debian_tree(fstab, "ubuntu", os_text=UBUNTU).without("/etc/network", "/etc/debian_version"),
        Tree().add({
            "/etc/debian_version": "trixie/sid\n",
            "/etc/lsb-release": 'DISTRIB_ID=Ubuntu\nDISTRIB_RELEASE=24.04\nDISTRIB_CODENAME=noble\n'
            'DISTRIB_DESCRIPTION="Ubuntu 24.04.1 LTS"\n',
            "/etc/netplan/50-cloud-init.yaml": text(
                "network:\n  version: 2\n  ethernets:\n    ens3:\n      dhcp4: true\n", 0o600
            ),
            "/usr/sbin/netplan": executable(),
            "/usr/bin/cloud-init": executable(),
            "/etc/cloud/cloud.cfg": "users:\n  - default\ndisable_root: true\npreserve_hostname: false\n",
            "/etc/cloud/cloud.cfg.d/90_dpkg.cfg": "datasource_list: [ NoCloud, None ]\n",
            "/usr/lib/systemd/system/cloud-init.service": "[Unit]\nDescription=cloud-init\n\n"
            "[Service]\nExecStart=/usr/bin/cloud-init\n",
            "/var/lib/cloud/instance": link("/var/lib/cloud/instances/i-1"),
            "/var/lib/cloud/instances/i-1/obj.pkl": b"\x80",
            "/etc/machine-id": text("", 0o444),
        }),
    )  # fmt: skip


def debian_like() -> Recipe:
    """Return the plainest guest: MBR, one ext4 root, swap after it is none."""
    uuid = stable_uuid("debian-like", "root")
    tree = union(debian_tree(f"UUID={uuid} / ext4 errors=remount-ro 0 1\n"), identity.debian(), config.debian())
    return Recipe(256, (Partition(Ext(tree, uuid, "root"), bootable=True),), "mbr", "Debian 12, MBR, ext4")


def ubuntu_like() -> Recipe:
    """Return a cloud image layout: BIOS boot and EFI partitions before an ext4 root that is last."""
    uuid = stable_uuid("ubuntu-like", "root")
    fstab = (
        "LABEL=cloudimg-rootfs\t/\text4\tdiscard,commit=30,errors=remount-ro\t0 1\n"
        "LABEL=UEFI\t/boot/efi\tvfat\tumask=0077\t0 1\n"
    )
    tree = union(ubuntu_tree(fstab), identity.ubuntu(), config.ubuntu()).add({"/boot/efi": folder()})
    grub = Tree().add({"/EFI/BOOT/BOOTX64.EFI": b"not a loader\n", "/EFI/ubuntu/grub.cfg": "configfile\n"})
    return Recipe(
        384,
        (
            Partition(Data(), 4, GPT_BIOS),
            Partition(Vfat(grub, "A1B2-C3D4", "UEFI"), 64, GPT_EFI),
            Partition(Ext(tree, uuid, "cloudimg-rootfs"), 0, GPT_LINUX),
        ),
        "gpt",
        "Ubuntu 24.04, GPT with BIOS boot and EFI, ext4, netplan, cloud-init",
    )


def _with_boot(name: str, wrap: t.Callable[[Ext], t.Any], kind: str, summary: str, keys: dict[str, str]) -> Recipe:
    root, boot = stable_uuid(name, "root"), stable_uuid(name, "boot")
    fstab = f"UUID={root} / ext4 defaults 0 1\nUUID={boot} /boot ext4 defaults 0 2\n"
    tree = debian_tree(fstab, name)
    return Recipe(
        384,
        (
            Partition(Ext(tree.below("/boot"), boot, "boot"), 64, GPT_LINUX),
            Partition(wrap(Ext(union(tree.without("/boot"), Tree().add({"/boot": folder()})), root, "root")), 0, kind),
        ),
        "gpt",
        summary,
        keys,
    )


def luks() -> Recipe:
    """Return a guest whose root is in a LUKS2 container; the key is ``test``."""
    uuid = stable_uuid("luks", "container")
    keys = {f"UUID={uuid}": "test"}
    summary = "Debian 12, ext4 /boot, ext4 root in LUKS2 (key: test)"
    return _with_boot("luks", lambda root: Luks(root, uuid), GPT_LINUX, summary, keys)


def md() -> Recipe:
    """Return a guest whose root is on a mirror with one disk present."""
    return _with_boot("md", Raid1, GPT_RAID, "Debian 12, ext4 /boot, ext4 root on a RAID1 of one disk", {})


def no_os() -> Recipe:
    """Return a disk with an empty file system."""
    return Recipe(64, (Partition(Ext(Tree(), stable_uuid("no-os"), "data")),), "mbr", "an empty ext4, no system")


def blank() -> Recipe:
    """Return a disk of zeros."""
    return Recipe(16, (), "", "nothing at all")


def multi_os(other: Tree) -> Recipe:
    """Return a disk with Debian on the first partition, and ``other`` on the second."""
    one, two = stable_uuid("multi-os", "1"), stable_uuid("multi-os", "2")
    return Recipe(
        384,
        (
            Partition(Ext(debian_tree(f"UUID={one} / ext4 defaults 0 1\n", "first"), one, "first"), 160, GPT_LINUX),
            Partition(Ext(other, two, "second"), 160, GPT_LINUX),
            Partition(Swap(stable_uuid("multi-os", "swap")), 0, GPT_SWAP),
        ),
        "gpt",
        "two systems: Debian 12 on the first partition, Fedora on the second",
    )
