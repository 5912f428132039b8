# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What guests have of their own in names, zones, locales, host keys and boot loaders: for the modules about these."""

from __future__ import annotations

import struct

from .linux import executable
from .tree import Tree, folder, link, text

LOCALE_GEN = (
    "# This file lists locales that you wish to have built.\n\n# de_DE ISO-8859-1\n# de_DE.UTF-8 UTF-8\n"
    "# en_US.UTF-8 UTF-8\n"
)
_KEYGEN = (
    "[Unit]\nDescription=OpenSSH server key generation\nConditionPathExists=!/etc/ssh/ssh_host_rsa_key\n\n[Service]\n"
)
_SSHD = "[Unit]\nDescription=Secure shell\nAfter=network.target{0}\n\n[Service]\n{1}ExecStart=/usr/sbin/sshd -D\n\n"
_INSTALL = "[Install]\nWantedBy=multi-user.target\n"
_UNITS = "/usr/lib/systemd/system"


def _sshd(wants: str = "", before: str = "") -> str:
    return _SSHD.format(f"\nWants={wants}" if wants else "", f"ExecStartPre={before}\n" if before else "") + _INSTALL


def grub_config(arguments: str, *, command: str = "linux") -> str:
    """Return a generated grub.cfg: an entry, and one for recovery."""
    entry = "menuentry '{0}' {{\n\t{1}\t/boot/vmlinuz root=/dev/sda1 ro {2}\n\tinitrd\t/boot/initrd\n}}\n"
    return entry.format("Linux", command, arguments) + entry.format("Linux (recovery)", command, "single")


def locale_archive(*names: str) -> bytes:
    """Return a locale archive with these names and nothing behind them (struct locarhead of glibc)."""
    strings = b"".join(name.encode() + b"\0" for name in names)
    return struct.pack("<8I", 0xDE020109, 1, 56, 0, 0, 56, len(strings), len(strings)).ljust(56, b"\0") + strings


def debian() -> Tree:
    """Nothing makes host keys, and no locale is generated."""
    return Tree().add({
        "/etc/locale.gen": LOCALE_GEN,
        "/var/lib/dbus/machine-id": link("/etc/machine-id"),
        "/boot/grub/grub.cfg": grub_config("quiet"),
        "/usr/bin/ssh-keygen": executable(),
    })  # fmt: skip


def ubuntu() -> Tree:
    """cloud-init makes host keys; a file of the cloud image overrides GRUB's defaults; D-Bus has an id of its own."""
    return Tree().add({
        "/etc/cloud/cloud.cfg": "users:\n  - default\ndisable_root: true\npreserve_hostname: false\n"
        "cloud_init_modules:\n  - migrator\n  - [ssh, always]\n\ncloud_config_modules:\n  - ssh_import_id\n",
        "/etc/default/grub.d/50-cloudimg-settings.cfg": 'GRUB_CMDLINE_LINUX_DEFAULT="console=tty1 console=ttyS0"\n',
        "/etc/locale.gen": LOCALE_GEN,
        "/usr/lib/locale/locale-archive": locale_archive("C.utf8", "en_US.utf8"),
        "/var/lib/dbus/machine-id": "0123456789abcdef0123456789abcdef\n",
    })  # fmt: skip


def fedora() -> Tree:
    """The server wants a target that makes host keys; kernel-install has a template; a language pack is installed."""
    return Tree().add({
        f"{_UNITS}/sshd.service": _sshd("sshd-keygen.target"),
        f"{_UNITS}/sshd-keygen.target": "[Unit]\nWants=sshd-keygen@rsa.service sshd-keygen@ed25519.service\n",
        f"{_UNITS}/sshd-keygen@.service": _KEYGEN + "ExecStart=/usr/libexec/openssh/sshd-keygen %i\n",
        "/etc/kernel/cmdline": "root=/dev/mapper/fedora-root ro\n",
        "/usr/lib/locale/de_DE.utf8/LC_CTYPE": b"not a locale\n",
    })  # fmt: skip


def opensuse() -> Tree:
    """A program that the server's unit runs first makes host keys."""
    return Tree().add({
        f"{_UNITS}/sshd.service": _sshd(before="/usr/sbin/sshd-gen-keys-start"),
        "/usr/sbin/sshd-gen-keys-start": text("#!/bin/sh\n", 0o755),
        "/etc/default/grub": 'GRUB_DISTRIBUTOR=""\nGRUB_CMDLINE_LINUX_DEFAULT="splash=silent mitigations=auto quiet"\n'
        'GRUB_CMDLINE_LINUX=""\n',
        "/boot/grub2/grub.cfg": grub_config("splash=silent mitigations=auto quiet"),
        "/etc/vconsole.conf": "KEYMAP=us\nFONT=eurlatgr.psfu\n",
        "/usr/lib/locale/de_DE.utf8/LC_CTYPE": b"not a locale\n",
    })  # fmt: skip


def arch() -> Tree:
    """A service that the server wants makes host keys."""
    return Tree().add({
        f"{_UNITS}/sshd.service": _sshd("sshdgenkeys.service"),
        f"{_UNITS}/sshdgenkeys.service": _KEYGEN + "ExecStart=/usr/bin/ssh-keygen -A\n",
        "/etc/ssh/ssh_host_ed25519_key": text("not a key\n", 0o600),
        "/etc/ssh/ssh_host_ed25519_key.pub": "ssh-ed25519 AAAA root@guest\n",
        "/etc/default/grub": "GRUB_TIMEOUT=5\nGRUB_CMDLINE_LINUX_DEFAULT='loglevel=3 quiet'\nGRUB_CMDLINE_LINUX=\"\"\n",
        "/etc/locale.gen": LOCALE_GEN.replace("# ", "#"),
    })  # fmt: skip


def alpine() -> Tree:
    """The server's init script makes host keys; extlinux is the boot loader."""
    return Tree().add({
        "/etc/init.d/sshd": text(
            '#!/sbin/openrc-run\ncommand="/usr/sbin/sshd"\ndepend() {\n\tneed net\n}\n\n'
            "generate_host_keys() {\n\tssh-keygen -A\n}\n",
            0o755,
        ),
        "/etc/update-extlinux.conf": "# configuration for extlinux config builder\noverwrite=1\n"
        'default_kernel_opts="quiet rootfstype=ext4"\nmodules=ext4\n',
        "/boot/extlinux.conf": "LABEL virt\n  LINUX vmlinuz-virt\n  INITRD initramfs-virt\n"
        "  APPEND root=UUID=0 modules=ext4 quiet rootfstype=ext4\n",
        "/etc/conf.d/hwclock": '# Set CLOCK to "UTC"\nclock="UTC"\n',
        "/etc/conf.d": folder(),
    })  # fmt: skip


def rhel7() -> Tree:
    """The server wants a service that makes host keys; locales are in an archive."""
    return Tree().add({
        f"{_UNITS}/sshd.service": _sshd("sshd-keygen.service"),
        f"{_UNITS}/sshd-keygen.service": _KEYGEN + "ExecStart=/usr/sbin/sshd-keygen\n",
        "/etc/default/grub": 'GRUB_TIMEOUT=5\nGRUB_CMDLINE_LINUX="crashkernel=auto rhgb \\\nquiet"\n',
        "/boot/grub2/grub.cfg": grub_config("crashkernel=auto rhgb quiet", command="linux16"),
        "/etc/locale.conf": 'LANG="en_US.UTF-8"\n',
        "/etc/vconsole.conf": 'KEYMAP="us"\nFONT="latarcyrheb-sun16"\n',
        "/usr/lib/locale/locale-archive": locale_archive("de_DE", "de_DE.utf8", "en_US.utf8"),
    })  # fmt: skip
