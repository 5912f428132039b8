# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Small guests of the other families: Fedora, RHEL, openSUSE, Arch, Alpine, CoreOS."""

from __future__ import annotations

import dataclasses

from . import config, identity
from .debian_like import GPT_BIOS, GPT_EFI, GPT_LINUX, GPT_LVM
from .disk import stable_uuid
from .linux import (
    accounts,
    etc,
    executable,
    kernel,
    os_release,
    selinux,
    selinux_label,
    skeleton,
    ssh,
    systemd,
    union,
    zone,
)  # fmt: skip
from .model import Btrfs, Data, Ext, Lvm, Partition, Recipe, Swap, Vfat, Volume, Xfs
from .tree import Node, Tree, folder, link, text

_FEDORA = os_release(
    NAME="Fedora Linux", VERSION="40 (Server Edition)", ID="fedora", VERSION_ID="40", VERSION_CODENAME="",
    PLATFORM_ID="platform:f40", PRETTY_NAME="Fedora Linux 40 (Server Edition)", VARIANT_ID="server",
)  # fmt: skip
_RHEL7 = os_release(
    NAME="Red Hat Enterprise Linux Server", VERSION="7.9 (Maipo)", ID="rhel", ID_LIKE="fedora", VERSION_ID="7.9",
    PRETTY_NAME="Red Hat Enterprise Linux Server 7.9 (Maipo)",
)  # fmt: skip
_SUSE = os_release(
    NAME="openSUSE Leap", VERSION="15.6", ID="opensuse-leap", ID_LIKE="suse opensuse", VERSION_ID="15.6",
    PRETTY_NAME="openSUSE Leap 15.6",
)  # fmt: skip
_ARCH = os_release(NAME="Arch Linux", PRETTY_NAME="Arch Linux", ID="arch", BUILD_ID="rolling")
_ALPINE = os_release(NAME="Alpine Linux", ID="alpine", VERSION_ID="3.20.3", PRETTY_NAME="Alpine Linux v3.20")
_COREOS = os_release(
    NAME="Container Linux by CoreOS", ID="coreos", VERSION="2512.3.0", VERSION_ID="2512.3.0",
    PRETTY_NAME="Container Linux by CoreOS 2512.3.0 (Rhyolite)",
)  # fmt: skip
_FCOS = os_release(
    NAME="Fedora Linux", VERSION="40.20240701.3.0 (CoreOS)", ID="fedora", VERSION_ID="40", VARIANT_ID="coreos",
    PRETTY_NAME="Fedora CoreOS 40.20240701.3.0", OSTREE_VERSION="40.20240701.3.0",
)  # fmt: skip


def fedora_tree(fstab: str, hostname: str = "fedora") -> Tree:
    """Return a small Fedora root with SELinux enforcing, every entry labelled."""
    tree = union(
        skeleton(),
        accounts(admins="wheel"),
        etc(hostname=hostname, fstab=fstab, os_release=_FEDORA, machine_id="uninitialized\n"),
        systemd(unit="sshd.service"),
        ssh(),
        kernel("6.8.5-301.fc40.x86_64", "vmlinuz", "initramfs-{0}.img"),
        selinux(),
        Tree().add({
            "/etc/fedora-release": "Fedora release 40 (Forty)\n",
            "/etc/redhat-release": link("fedora-release"),
            "/etc/system-release": link("fedora-release"),
            "/etc/locale.conf": "LANG=en_US.UTF-8\n",
            "/etc/vconsole.conf": "KEYMAP=us\n",
            "/etc/default/grub": 'GRUB_TIMEOUT=5\nGRUB_CMDLINE_LINUX="rhgb quiet"\nGRUB_ENABLE_BLSCFG=true\n',
            "/etc/NetworkManager/system-connections/ens3.nmconnection": text(
                "[connection]\nid=ens3\ntype=ethernet\ninterface-name=ens3\n\n[ipv4]\nmethod=auto\n", 0o600
            ),
            "/usr/lib/sysimage/rpm": folder(),
            "/var/lib/rpm": link("../../usr/lib/sysimage/rpm"),
            "/etc/yum.repos.d/fedora.repo": "[fedora]\nname=Fedora\nenabled=1\n",
            "/usr/bin/rpm": executable(),
            "/usr/bin/dnf": executable(),
            "/boot/loader/entries/0123-6.8.5-301.fc40.x86_64.conf": "title Fedora\nversion 6.8.5-301.fc40.x86_64\n"
            "linux /vmlinuz-6.8.5-301.fc40.x86_64\ninitrd /initramfs-6.8.5-301.fc40.x86_64.img\n"
            "options root=/dev/mapper/fedora-root ro\n",
            "/boot/grub2/grub.cfg": "blscfg\n",
        }),
    )  # fmt: skip
    return tree.labelled(selinux_label)


def _rooted(tree: Tree, *mountpoints: str) -> Tree:
    """Return ``tree`` with the ``mountpoints``, which are file systems of their own, empty."""
    return tree.without(*mountpoints).add({path: folder() for path in mountpoints})


def fedora_lvm() -> Recipe:
    """Return Fedora's server layout: EFI, XFS /boot, and a volume group with root, home and swap."""
    root, home, boot = (stable_uuid("fedora-lvm", name) for name in ("root", "home", "boot"))
    fstab = (
        f"/dev/mapper/fedora-root / ext4 defaults 0 0\nUUID={boot} /boot xfs defaults 0 0\n"
        "UUID=1A2B-3C4D /boot/efi vfat umask=0077,shortname=winnt 0 2\n"
        "/dev/mapper/fedora-home /home ext4 defaults 0 0\n/dev/mapper/fedora-swap none swap defaults 0 0\n"
    )
    tree = union(fedora_tree(fstab), identity.fedora().labelled(selinux_label), config.fedora().labelled(selinux_label))
    group = Lvm(
        "fedora",
        (
            Volume("root", 128, Ext(_rooted(tree, "/boot", "/home"), root, "root")),
            Volume("home", 32, Ext(tree.below("/home"), home, "home")),
            Volume("swap", 16, Swap(stable_uuid("fedora-lvm", "swap"))),
        ),
    )
    return Recipe(
        640,
        (
            Partition(Vfat(Tree().add({"/EFI/fedora/grub.cfg": "configfile\n"}), "1A2B-3C4D", "EFI"), 64, GPT_EFI),
            Partition(Xfs(tree.below("/boot").add({"/efi": folder()}), boot, "boot"), 320, GPT_LINUX),
            Partition(group, 0, GPT_LVM),
        ),
        "gpt",
        "Fedora 40, GPT, EFI, XFS /boot, LVM with root, home and swap (ext4), SELinux",
    )


def fedora_btrfs() -> Recipe:
    """Return Fedora's workstation layout: ext4 /boot, btrfs with the subvolumes root and home."""
    root, boot = stable_uuid("fedora-btrfs", "root"), stable_uuid("fedora-btrfs", "boot")
    fstab = (
        f"UUID={root} / btrfs subvol=root,compress=zstd:1 0 0\nUUID={boot} /boot ext4 defaults 1 2\n"
        f"UUID={root} /home btrfs subvol=home,compress=zstd:1 0 0\n"
    )
    tree = fedora_tree(fstab).add({"/etc/machine-id": text("", 0o444)})
    subvolumes = {"root": _rooted(tree, "/boot", "/home"), "home": tree.below("/home")}
    return Recipe(
        512,
        (
            Partition(Ext(tree.below("/boot"), boot, "boot"), 64, GPT_LINUX),
            Partition(Btrfs(subvolumes, root, "fedora"), 0, GPT_LINUX),
        ),
        "gpt",
        "Fedora 40, ext4 /boot, btrfs subvolumes root and home",
    )


def opensuse_like() -> Recipe:
    """Return openSUSE's layout: subvolumes below @, the default subvolume a snapshot."""
    root = stable_uuid("opensuse-like", "root")
    parts = {"/home": "@/home", "/var": "@/var", "/usr/local": "@/usr/local", "/.snapshots": "@/.snapshots"}
    fstab = f"UUID={root} / btrfs defaults 0 0\n" + "".join(
        f"UUID={root} {path} btrfs subvol=/{name} 0 0\n" for path, name in parts.items()
    )
    tree = union(
        skeleton(),
        accounts(admins="wheel"),
        etc(hostname="suse", fstab=fstab, os_release=_SUSE, machine_id="fedcba9876543210fedcba9876543210\n"),
        systemd(unit="sshd.service"),
        ssh(),
        kernel("6.4.0-150600.21-default", "vmlinuz", "initrd-{0}"),
        Tree().add({
            "/etc/HOSTNAME": link("hostname"),
            "/etc/sysconfig/network/config": 'NETCONFIG_DNS_POLICY="auto"\n',
            "/etc/sysconfig/network/ifcfg-eth0": "BOOTPROTO='dhcp'\nSTARTMODE='auto'\n",
            "/etc/locale.conf": "LANG=en_US.UTF-8\n",
            "/usr/lib/sysimage/rpm": folder(),
            "/usr/bin/zypper": executable(),
            "/usr/bin/rpm": executable(),
            "/etc/zypp/zypp.conf": "[main]\n",
        }),
        identity.opensuse(), config.opensuse(),
    )  # fmt: skip
    snapshot = "@/.snapshots/1/snapshot"
    subvolumes = {
        "@": Tree(),
        "@/.snapshots": Tree().add({"/1": folder(), "/1/info.xml": "<snapshot/>\n"}),
        snapshot: _rooted(tree, "/home", "/var", "/usr/local").add({"/.snapshots": folder(0o750)}),
        "@/home": tree.below("/home"),
        "@/var": tree.below("/var"),
        "@/usr/local": Tree(),
    }
    return Recipe(
        384,
        (Partition(Data(), 8, GPT_BIOS), Partition(Btrfs(subvolumes, root, "ROOT", snapshot), 0, GPT_LINUX)),
        "gpt",
        "openSUSE Leap 15.6, btrfs: subvolumes below @, the default one a snapshot",
    )


def arch_like() -> Recipe:
    """Return an Arch with an ext4 root."""
    root = stable_uuid("arch-like", "root")
    tree = union(
        skeleton(),
        accounts(shell="/usr/bin/bash", admins="wheel"),
        etc(hostname="arch", fstab=f"UUID={root} / ext4 rw,relatime 0 1\n", os_release=_ARCH, machine_id=""),
        systemd(unit="sshd.service"),
        ssh(keys=False),
        Tree().add({
            "/boot/vmlinuz-linux": b"not a kernel\n",
            "/boot/initramfs-linux.img": b"not an initrd\n",
            "/etc/arch-release": "",
            "/etc/pacman.conf": "[options]\nHoldPkg = pacman glibc\n",
            "/usr/bin/pacman": executable(),
            "/var/lib/pacman/local/bash-5.2.026-2/desc": "%NAME%\nbash\n\n%VERSION%\n5.2.026-2\n\n%ARCH%\nx86_64\n\n",
            "/etc/locale.conf": "LANG=C.UTF-8\n",
            "/etc/systemd/network/20-wired.network": "[Match]\nName=en*\n\n[Network]\nDHCP=yes\n",
        }),
        identity.arch(), config.arch(),
    )  # fmt: skip
    return Recipe(
        256,
        (Partition(Data(), 1, GPT_BIOS), Partition(Ext(tree, root, "arch"), 0, GPT_LINUX)),
        "gpt",
        "Arch Linux, ext4, systemd-networkd",
    )


def alpine_like() -> Recipe:
    """Return an Alpine: OpenRC, busybox, apk; swap and root as its installer lays them out."""
    root, boot = stable_uuid("alpine-like", "root"), stable_uuid("alpine-like", "boot")
    fstab = f"UUID={root}\t/\text4\trw,relatime 0 1\nUUID={boot}\t/boot\text4\trw,relatime 0 2\n"
    script = '#!/sbin/openrc-run\ncommand="/usr/sbin/sshd"\ndepend() {\n\tneed net\n}\n'
    runlevels = {"sysinit": "devfs", "boot": "hostname", "default": "sshd"}
    tree = union(
        skeleton(merged=False).without("/lib64", "/bin/bash", "/usr/bin/python3"),
        accounts(shell="/bin/ash", admins="wheel"),
        etc(hostname="alpine", fstab=fstab, os_release=_ALPINE),
        ssh(),
        Tree().add({
            "/etc/alpine-release": "3.20.3\n",
            "/bin/busybox": executable(),
            "/lib/ld-musl-x86_64.so.1": executable(),
            **{f"/bin/{name}": link("/bin/busybox") for name in ("sh", "ash", "ls", "cat", "rm", "echo")},
            "/sbin/init": link("/bin/busybox"),
            "/sbin/openrc": executable(),
            "/sbin/openrc-run": executable(),
            "/sbin/rc-update": executable(),
            "/sbin/apk": executable(),
            "/etc/inittab": "::sysinit:/sbin/openrc sysinit\n::sysinit:/sbin/openrc boot\n"
            "::wait:/sbin/openrc default\n",
            **{f"/etc/init.d/{name}": text(script, 0o755) for name in ("sshd", "hostname", "devfs", "local", "crond")},
            **{f"/etc/runlevels/{level}/{name}": link(f"/etc/init.d/{name}") for level, name in runlevels.items()},
            "/etc/runlevels/shutdown": folder(),
            "/etc/rc.conf": '#rc_parallel="NO"\n',
            "/etc/local.d": folder(),
            "/etc/apk/repositories": "https://dl-cdn.alpinelinux.org/alpine/v3.20/main\n",
            "/etc/apk/world": "alpine-base\nopenssh-server\n",
            "/lib/apk/db/installed": "C:Q1x=\nP:busybox\nV:1.36.1-r29\nA:x86_64\nS:1\nI:1\nT:tools\nU:https://busybox.net\n\n",
            "/etc/network/interfaces": "auto lo\niface lo inet loopback\n\nauto eth0\niface eth0 inet dhcp\n",
            "/boot/vmlinuz-virt": b"not a kernel\n",
            "/boot/initramfs-virt": b"not an initrd\n",
            "/lib/modules/6.6.54-0-virt/modules.dep": "",
            "/etc/localtime": zone("UTC"),
        }),
        identity.alpine(), config.alpine(),
    ).without("/etc/machine-id")  # fmt: skip
    return Recipe(
        256,
        (
            Partition(Ext(tree.below("/boot"), boot), 32, "83", bootable=True),
            Partition(Swap(stable_uuid("alpine-like", "swap")), 16, "82"),
            Partition(Ext(_rooted(tree, "/boot"), root), 0, "83"),
        ),
        "mbr",
        "Alpine 3.20, MBR, ext4 /boot, swap, ext4 root, OpenRC, apk",
    )


def _rhel_extras(release: str, hostname: str) -> Tree:
    return Tree().add({
        "/etc/redhat-release": release,
        "/etc/system-release": link("redhat-release"),
        "/etc/sysconfig/network": f"NETWORKING=yes\nHOSTNAME={hostname}\n",
        "/etc/sysconfig/network-scripts/ifcfg-eth0": "DEVICE=eth0\nBOOTPROTO=dhcp\nONBOOT=yes\n"
        "HWADDR=52:54:00:12:34:56\n",
        "/var/lib/rpm": folder(),
        "/usr/bin/yum": executable(),
        "/etc/yum.repos.d": folder(),
        "/boot/grub2/grub.cfg": "linux\n",
    })  # fmt: skip


def rhel7_like() -> Recipe:
    """Return a RHEL 7: XFS root and /boot, systemd, SELinux, network scripts."""
    root, boot = stable_uuid("rhel7-like", "root"), stable_uuid("rhel7-like", "boot")
    fstab = f"UUID={root} / xfs defaults 0 0\nUUID={boot} /boot ext4 defaults 0 0\n"
    tree = union(
        skeleton(),
        accounts(admins="wheel"),
        etc(hostname="rhel7", fstab=fstab, os_release=_RHEL7, machine_id="00112233445566778899aabbccddeeff\n"),
        systemd(unit="sshd.service"),
        ssh(),
        kernel("3.10.0-1160.el7.x86_64", "vmlinuz", "initramfs-{0}.img"),
        selinux(),
        _rhel_extras("Red Hat Enterprise Linux Server release 7.9 (Maipo)\n", "rhel7"),
        identity.rhel7(),
        config.rhel7(),
    ).labelled(selinux_label)
    return Recipe(
        512,
        (
            Partition(Ext(tree.below("/boot"), boot, "boot"), 64, "83", bootable=True),
            Partition(Xfs(_rooted(tree, "/boot"), root, "root"), 0, "83"),
        ),
        "mbr",
        "RHEL 7.9, MBR, ext4 /boot, XFS root, SELinux, ifcfg",
    )


def rhel6_like() -> Recipe:
    """Return a RHEL 6: no os-release, SysV init, ext4 without the features that came later."""
    root = stable_uuid("rhel6-like", "root")
    script = (
        "#!/bin/bash\n# chkconfig: 2345 55 25\n### BEGIN INIT INFO\n# Provides: sshd\n# Required-Start: $network\n"
        "# Default-Start: 2 3 4 5\n# Default-Stop: 0 1 6\n### END INIT INFO\nexit 0\n"
    )
    tree = union(
        skeleton(merged=False),
        accounts(uid=500, admins="wheel"),
        etc(hostname="rhel6", fstab=f"UUID={root} / ext4 defaults 1 1\n", os_release=""),
        ssh(),
        kernel("2.6.32-754.el6.x86_64", "vmlinuz", "initramfs-{0}.img", "/lib"),
        _rhel_extras("Red Hat Enterprise Linux Server release 6.10 (Santiago)\n", "rhel6"),
        Tree().add({
            "/sbin/init": executable(),
            "/etc/inittab": "id:3:initdefault:\n",
            "/etc/rc.d/init.d/sshd": text(script, 0o755),
            "/etc/init.d": link("rc.d/init.d"),
            "/etc/rc.d/rc.local": text("#!/bin/sh\ntouch /var/lock/subsys/local\n", 0o755),
            **{f"/etc/rc.d/rc{level}.d/S55sshd": link("../init.d/sshd") for level in "2345"},
            **{f"/etc/rc.d/rc{level}.d/K25sshd": link("../init.d/sshd") for level in "016"},
            **{f"/etc/rc{level}.d": link(f"rc.d/rc{level}.d") for level in "0123456"},
            "/boot/grub/grub.conf": "default=0\ntitle RHEL\n",
            "/etc/localtime": zone("UTC"),
        }),
    ).without("/etc/os-release", "/usr/lib/os-release", "/etc/hostname", "/etc/machine-id")  # fmt: skip
    features = "^metadata_csum,^64bit,^metadata_csum_seed,^orphan_file"
    return Recipe(
        256,
        (
            Partition(Ext(tree, root, "", "ext4", features), 208, "83", bootable=True),
            Partition(Swap(stable_uuid("rhel6-like", "swap")), 0, "82"),
        ),
        "mbr",
        "RHEL 6.10, MBR, ext4, SysV init, no os-release",
    )


def coreos_like() -> Recipe:
    """Return Container Linux's nine partitions: two /usr of which the first is in use, the root last."""
    usr = union(
        skeleton(),
        etc(hostname="core", fstab="", os_release=_COREOS),
        systemd(unit="sshd.service"),
        ssh(),
        Tree().add({"/usr/share/coreos/release": "COREOS_RELEASE_VERSION=2512.3.0\nCOREOS_RELEASE_BOARD=amd64-usr\n"}),
    )
    root = Tree().add(
        {f"/{name}": folder() for name in ("dev", "home", "media", "opt", "proc", "root", "run", "sys", "usr", "var")}
    )
    root.add({
        **{f"/{name}": link(f"usr/{name}") for name in ("bin", "lib", "lib64", "sbin")},
        "/etc/coreos/update.conf": "GROUP=stable\n",
        "/etc/hostname": "core1\n",
        "/etc/os-release": link("../usr/lib/os-release"),
        "/etc/passwd": "root:x:0:0:root:/root:/bin/bash\ncore:x:500:500:CoreOS Admin:/home/core:/bin/bash\n",
        "/etc/group": "root:x:0:\ncore:x:500:\n",
        "/etc/shadow": text("root:*:15887:0:::::\ncore:*:15887:0:::::\n", 0o640),
        "/etc/machine-id": text("uninitialized\n", 0o444),
        "/etc/ssh": folder(),
        "/etc/systemd/system/multi-user.target.wants": folder(),
        "/home/core": folder(0o755, 500, 500),
        "/tmp": folder(0o1777),
        "/var/log": folder(),
    })  # fmt: skip
    esp = Vfat(Tree().add({"/coreos/vmlinuz-a": b"not a kernel\n"}), "C0DE-0001", "EFI-SYSTEM")
    growing = "3884DD41-8582-4404-B9A8-E9B84F2DF50E"
    verity = "5DFBF5F4-2848-4BAC-AA5E-0D9A20B745A6"
    return Recipe(
        512,
        (
            Partition(esp, 64, GPT_EFI, "EFI-SYSTEM"),
            Partition(Data(), 2, GPT_BIOS, "BIOS-BOOT"),
            Partition(Ext(usr.below("/usr"), stable_uuid("coreos-like", "usr"), "USR-A", "ext2"), 64, verity, "USR-A"),
            Partition(Data(), 64, verity, "USR-B"),
            Partition(Data(), 1, GPT_LINUX, "ROOT-C"),
            Partition(Ext(Tree(), stable_uuid("coreos-like", "oem"), "OEM"), 32, GPT_LINUX, "OEM"),
            Partition(Data(), 16, GPT_LINUX, "OEM-CONFIG"),
            Partition(Data(), 1, GPT_LINUX, "reserved"),
            Partition(Ext(root, stable_uuid("coreos-like", "root"), "ROOT"), 0, growing, "ROOT"),
        ),
        "gpt",
        "Container Linux, nine partitions, a /usr of its own that is read-only",
    )  # fmt: skip


def fedora_coreos() -> Recipe:
    """Return the ostree layout of Fedora CoreOS: no /etc or /usr at the top, deployments below /ostree."""
    root, boot = stable_uuid("fedora-coreos", "root"), stable_uuid("fedora-coreos", "boot")
    deployed = fedora_tree(f"UUID={root} / xfs defaults 0 0\n", "fcos").add({"/usr/lib/os-release": _FCOS})
    home = "/ostree/deploy/fedora-coreos"
    deployment = f"{home}/deploy/" + "ab" * 32 + ".0"
    tree = Tree().add(
        {f"/{name}": folder() for name in ("boot", "dev", "home", "proc", "run", "sys", "sysroot", "tmp", "var")}
    )
    tree.add({
        "/ostree/repo/config": "[core]\nmode=bare\n",
        "/ostree/boot.1": folder(),
        f"{home}/var/home": folder(),
        **{deployment.encode() + path: _plain(entry) for path, entry in deployed.entries.items()},
    })  # fmt: skip
    return Recipe(
        512,
        (
            Partition(Data(), 1, GPT_BIOS, "BIOS-BOOT"),
            Partition(Vfat(Tree(), "7B77-95E7", "EFI-SYSTEM"), 64, GPT_EFI, "EFI-SYSTEM"),
            Partition(Ext(deployed.below("/boot"), boot, "boot"), 64, GPT_LINUX, "boot"),
            Partition(Xfs(tree, root, "root"), 0, GPT_LINUX, "root"),
        ),
        "gpt",
        "Fedora CoreOS, an ostree deployment on XFS (libguestfs's inspection finds no system here)",
    )


def _plain(entry: Node) -> Node:
    return dataclasses.replace(entry, xattrs=())
