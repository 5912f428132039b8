# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Guests that mean harm: files that are not what they should be, and programs that tell when they are run."""

from __future__ import annotations

import dataclasses
import re

from .debian_like import debian_tree
from .disk import stable_uuid
from .linux import executable, union
from .model import Ext, Partition, Recipe
from .tree import Node, Tree, folder, link, node, text

#: Where a program of the trap guest writes when it is run: seen from the guest's root, and from the appliance's.
TRAP_RECORDS = ("/TRAP-WAS-RUN", "/sysroot/TRAP-WAS-RUN")
GIB = 1024**3

_PROGRAMS = """
bash sh dash zsh ash busybox ls rm cp mv cat echo env false true sed awk gawk mawk grep egrep find xargs install mkdir
rmdir chmod chown chgrp chcon ln tar gzip gunzip bzip2 xz zstd sleep touch stat readlink realpath dirname basename
head tail cut sort uniq wc tr tee od date hostname uname id whoami su sudo login getty agetty passwd useradd usermod
userdel groupadd groupmod groupdel chage chpasswd newusers pwck grpck vipw mount umount swapon swapoff blkid lsblk
findmnt fsck mkswap mkfs e2fsck resize2fs tune2fs xfs_growfs xfs_repair btrfs lvm pvs vgs lvs mdadm cryptsetup
systemctl journalctl systemd-sysusers systemd-tmpfiles systemd-machine-id-setup systemd-firstboot hostnamectl
timedatectl localectl udevadm service chkconfig update-rc.d rc-update openrc openrc-run init telinit shutdown reboot
poweroff halt dpkg dpkg-query dpkg-reconfigure dpkg-divert apt apt-get apt-cache apt-key rpm dnf yum zypper pacman apk
ldconfig locale-gen localedef update-initramfs dracut mkinitcpio grub-mkconfig grub-install update-grub grubby depmod
modprobe insmod kmod ip ifconfig netplan ifup ifdown networkctl nmcli dhclient resolvectl ssh sshd ssh-keygen
cloud-init setfiles restorecon semodule load_policy setenforce getenforce selinuxenabled fixfiles setfattr getfattr
getfacl setfacl perl python python3 python2 ruby lua vi vim nano ed crontab cron anacron at logrotate openssl
update-ca-certificates update-ca-trust curl wget git file ldd strings debconf which command tzselect zdump zic
lsb_release virt-what dmidecode chroot nsenter unshare
"""
_LOADERS = """
/usr/lib64/ld-linux-x86-64.so.2 /usr/lib/ld-linux.so.2 /usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2
/usr/lib/ld-musl-x86_64.so.1 /usr/lib/systemd/systemd /usr/lib/systemd/systemd-udevd /usr/lib/systemd/systemd-logind
"""
_LIBRARIES = """
libc.so.6 libm.so.6 libpthread.so.0 libdl.so.2 libselinux.so.1 libcrypt.so.1 libpam.so.0 libblkid.so.1
"""


def trap() -> Recipe:
    """Return a Debian in which every program, the loader, init and the libraries record that they were run."""
    uuid = stable_uuid("trap", "root")
    program = executable(TRAP_RECORDS)
    places = [
        f"/usr/{place}/{name}" for place in ("bin", "sbin", "local/bin", "local/sbin") for name in _PROGRAMS.split()
    ]
    places += _LOADERS.split() + [f"/usr/lib/x86_64-linux-gnu/{name}" for name in _LIBRARIES.split()]
    places += [f"/etc/init.d/{name}" for name in ("ssh", "hwclock", "networking")]
    places += ["/etc/kernel/postinst.d/zz", "/etc/NetworkManager/dispatcher.d/01-run", "/etc/cron.daily/run"]
    tree = union(
        debian_tree(f"UUID={uuid} / ext4 defaults 0 1\n", "trap"),
        Tree().add({place: program for place in places}),
    )
    return Recipe(256, (Partition(Ext(tree, uuid, "root"), bootable=True),), "mbr", "Debian 12, every program a trap")


def _recipe(name: str, tree: Tree, summary: str) -> Recipe:
    return Recipe(256, (Partition(Ext(tree, stable_uuid(name, "root"), "root"), bootable=True),), "mbr", summary)


def hostile() -> Recipe:
    """Return a Debian whose files are of the wrong kind, size and encoding."""
    noise = bytes((i * 7 + i // 256) % 256 for i in range(65536))
    tree = debian_tree("", "hostile").without(
        "/etc/os-release",
        "/usr/lib/os-release",
        "/etc/hostname",
        "/etc/machine-id",
        "/etc/hosts",
        "/etc/systemd/system",
    )
    tree.add({
        "/etc/fstab": _huge(b"UUID=\xff\xfe{{ 7*7 }} / ext4 \x1b[31mdefaults\n" + noise),
        "/etc/os-release": node("fifo"),
        "/usr/lib/os-release": node("char", 1, 5),  # /dev/zero: never ends
        "/etc/debian_version": b"\xff\xfe\x00{{ lookup('pipe', 'id') }}\x1b]0;title\x07\n",
        "/etc/hostname": node("block", 8, 0),  # the appliance's first disk
        "/etc/hosts": folder(),
        "/etc/machine-id": folder(),
        "/etc/shadow": node("fifo"),
        "/etc/passwd": b"root:x:0:0\n::::::\n\xff\xfe:x:0:0:\x00:/:/\n+::::::\n" + b"a" * 100000 + b":x:1:1::/:/\n"
        b"big:x:99999999999:1::/:/\n",
        "/etc/localtime": link("/dev/zero"),
        "/dev/zero": node("char", 1, 5, 0o666),
        "/dev/sda": node("block", 8, 0),
        "/etc/ssh/sshd_config": b"Port 22\r\n\x00\xff\xfe binary\x1b[2J\r\n",
        "/etc/{{ 7*7 }}.conf": "templated name\n",
        "/etc/\x1b[31mred.conf": "escape in a name\n",
        b"/etc/\xff\xfe\x80.conf": text("not UTF-8\n"),
        "/etc/pаsswd": "a Cyrillic letter in the name\n",
        "/etc/line\nbreak.conf": "a line break in a name\n",
        "/etc/" + "n" * 255: "the longest name\n",
        "/etc/ spaced name ": "blanks\n",
        b"/root/\xe9t\xe9.txt": text("Latin-1 name\n"),
        "/root/set-id": text(b"\x7fELF", 0o6755),
        "/etc/systemd/system": link("/../../../../../../tmp"),
    })  # fmt: skip
    return _recipe("hostile", tree, "files of the wrong kind, size and encoding")


def _huge(start: bytes) -> Node:
    """Return a file of 1 GiB, all but its start a hole."""
    return dataclasses.replace(text(start), size=GIB)


def hostile_links() -> Recipe:
    """Return a Debian with links that loop, dangle and lead out of the tree."""
    tree = debian_tree("", "links").without(
        "/etc/hostname", "/etc/os-release", "/etc/passwd", "/etc/group", "/etc/shadow", "/root"
    )
    tree.add({
        "/etc/hostname": link("hostname.a"),
        "/etc/hostname.a": link("hostname.b"),
        "/etc/hostname.b": link("hostname"),
        "/etc/os-release": link("../../../../../../../../etc/os-release"),  # outside on a host; itself in the guest
        "/etc/passwd": link("/proc/self/environ"),
        "/etc/group": link("/../../../../proc/1/environ"),
        "/etc/shadow": link("/dev/sda"),
        "/etc/outside": link("/../../../../../../tmp/outside"),
        "/etc/escape": link("../../../../.."),
        "/etc/dangling": link("/nowhere/at/all"),
        "/etc/self": link("self"),
        "/etc/long": link("/" + "x/" * 2000 + "y"),
        "/root": link("/etc/escape/tmp"),
        **{f"/opt/chain{number}": link(f"chain{number + 1}") for number in range(60)},
        "/opt/chain60": "the end of a chain of sixty links\n",
    })  # fmt: skip
    return _recipe("hostile-links", tree, "links that loop, dangle and lead out of the tree")


def hostile_etc() -> Recipe:
    """Return a Debian whose /etc is a link out of the tree that ends in the tree again."""
    tree = debian_tree("", "elsewhere")
    moved = {re.sub(b"^/etc", b"/srv/etc", path): entry for path, entry in tree.entries.items()}
    result = Tree().add(moved).add({"/etc": link("../../../../../srv/etc")})
    return _recipe("hostile-etc", result, "/etc is a link that climbs above the root, and comes back")
