# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What small Linux guests have in common: the files that inspection and our modules look at, as trees."""

from __future__ import annotations

import re
import struct
import typing as t

from .elf import program
from .tree import Node, Tree, folder, link, text

DIRECTORIES = """boot dev etc home media mnt opt proc run srv sys usr var"""
PROGRAMS = """bash sh ls rm cp mv cat echo env false true sed grep install mkdir rmdir chmod chown ln tar sleep"""
KERNEL = "6.1.0-21-amd64"
_MERGED = {"bin": "usr/bin", "sbin": "usr/sbin", "lib": "usr/lib", "lib64": "usr/lib64"}


def executable(record: t.Sequence[str] = ()) -> Node:
    """Return a program file of mode 0755."""
    return text(program(record), 0o755)


def skeleton(*, merged: bool = True) -> Tree:
    """Return the directories and programs of a Linux root; ``merged`` makes /bin and its like links into /usr."""
    tree = Tree().add({f"/{name}": folder() for name in DIRECTORIES.split()})
    tree.add({"/tmp": folder(0o1777), "/var/tmp": folder(0o1777), "/root": folder(0o700), "/var/log": folder()})
    tree.add({"/var/lib": folder(), "/var/cache": folder(), "/var/spool": folder(), "/var/run": link("/run")})
    home = "/usr/" if merged else "/"
    for name, target in _MERGED.items():
        tree.add({f"/usr/{name}": folder()})
        tree.add({f"/{name}": link(target) if merged else folder()})
    tree.add({f"{home}bin/{name}": executable() for name in PROGRAMS.split()})
    tree.add({f"{home}lib64/ld-linux-x86-64.so.2": executable()})
    return tree.add({"/usr/bin/python3": executable(), "/usr/bin/vi": executable(), "/usr/local": folder()})


def accounts(*, shell: str = "/bin/bash", user: str = "alice", uid: int = 1000, admins: str = "sudo") -> Tree:
    """Return the account files, the home of root and of one user."""
    people = [
        ("root", 0, 0, "root", "/root", shell),
        ("daemon", 1, 1, "daemon", "/usr/sbin", "/usr/sbin/nologin"),
        ("mail", 8, 8, "mail", "/var/mail", "/usr/sbin/nologin"),
        ("sshd", 105, 65534, "", "/run/sshd", "/usr/sbin/nologin"),
        ("nobody", 65534, 65534, "nobody", "/nonexistent", "/usr/sbin/nologin"),
        (user, uid, uid, "Alice Example,,,", f"/home/{user}", shell),
    ]
    groups = [
        *[("root", 0, ""), ("daemon", 1, ""), ("adm", 4, user), ("mail", 8, ""), ("shadow", 42, ""), ("tty", 5, "")],
        *[(admins, 27, user), ("www-data", 33, ""), ("users", 100, ""), ("nogroup", 65534, ""), (user, uid, "")],
    ]
    hashed = "$6$rounds=5000$offlineguest$" + "x" * 86
    skel = {".bashrc": "# bashrc\n", ".profile": "# profile\n"}
    return Tree().add({
        "/etc/passwd": "".join(f"{n}:x:{u}:{g}:{c}:{h}:{s}\n" for n, u, g, c, h, s in people),
        "/etc/group": "".join(f"{n}:x:{g}:{m}\n" for n, g, m in groups),
        "/etc/shadow": text(
            "".join(f"{n}:{hashed if n == user else '*'}:19700:0:99999:7:::\n" for n, *_rest in people), 0o640, 0, 42
        ),
        "/etc/gshadow": text("".join(f"{n}:*::{m}\n" for n, _g, m in groups), 0o640, 0, 42),
        "/etc/subuid": f"{user}:100000:65536\n",
        "/etc/subgid": f"{user}:100000:65536\n",
        "/etc/login.defs": "UID_MIN 1000\nUID_MAX 60000\nSYS_UID_MIN 100\nSYS_UID_MAX 999\nGID_MIN 1000\n"
        "GID_MAX 60000\nSYS_GID_MIN 100\nSYS_GID_MAX 999\nUMASK 022\nENCRYPT_METHOD SHA512\n",
        "/etc/shells": "/bin/sh\n/bin/bash\n",
        **{f"/etc/skel/{name}": content for name, content in skel.items()},
        "/etc/sudoers": text("root ALL=(ALL:ALL) ALL\n@includedir /etc/sudoers.d\n", 0o440),
        "/etc/sudoers.d": folder(0o750),
        "/root/.bashrc": "# root\n",
        "/root/.bash_history": text("ls\n", 0o600),
        f"/home/{user}": folder(0o755, uid, uid),
        **{f"/home/{user}/{name}": text(content, 0o644, uid, uid) for name, content in skel.items()},
    })  # fmt: skip


def etc(*, hostname: str, fstab: str, os_release: str, machine_id: str = "", hosts: str = "") -> Tree:
    """Return the files of /etc that every distribution has in the same shape."""
    return Tree().add({
        "/etc/hostname": hostname + "\n",
        "/etc/hosts": hosts or f"127.0.0.1\tlocalhost\n127.0.1.1\t{hostname}\n::1\tlocalhost ip6-localhost\n",
        "/etc/fstab": fstab,
        "/usr/lib/os-release": os_release,
        "/etc/os-release": link("../usr/lib/os-release"),
        "/etc/machine-id": text(machine_id, 0o444),
        "/etc/resolv.conf": "nameserver 192.0.2.1\n",
        "/etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
        "/etc/profile": "# profile\n",
        "/etc/issue": "Welcome\n",
        "/etc/crontab": "17 * * * * root true\n",
        "/etc/cron.d": folder(),
        "/etc/sysctl.conf": "# kernel.printk = 3 4 1 3\n",
        "/etc/sysctl.d": folder(),
        "/etc/app.ini": "[main]\nname = value ; with a remark\n\n[other]\nname=other\n",
        "/etc/localtime": link("/usr/share/zoneinfo/Etc/UTC"),
        **{f"/usr/share/zoneinfo/{name}": zone(name) for name in ("Etc/UTC", "UTC", "Europe/Berlin", "Asia/Tokyo")},
    })  # fmt: skip


def zone(name: str) -> Node:
    """Return a time zone file: a version 2 TZif with one type and a footer."""
    rule = {"Europe/Berlin": "CET-1CEST,M3.5.0,M10.5.0/3", "Asia/Tokyo": "JST-9"}.get(name, "UTC0")
    block = b"TZif2" + bytes(15) + struct.pack(">6I", 0, 0, 0, 0, 1, 4) + struct.pack(">iBB", 0, 0, 0) + b"UTC\0"
    return text(block * 2 + b"\n" + rule.encode() + b"\n")


_INSTALLED = "[Service]\nExecStart=/usr/bin/true\n\n[Install]\nWantedBy=multi-user.target\n"


def systemd(*, unit: str = "ssh.service", merged: bool = True) -> Tree:
    """Return the parts of systemd: the program, targets, one enabled service and one that is not."""
    home = "/usr/lib/systemd" if merged else "/lib/systemd"
    service = "[Unit]\nDescription={0}\nAfter=network.target\n\n" + _INSTALLED
    target = "[Unit]\nDescription={0}\n"
    targets = ["multi-user", "graphical", "network", "network-online", "timers", "sysinit", "basic", "local-fs"]
    return Tree().add({
        f"{home}/systemd": executable(),
        "/usr/sbin/init" if merged else "/sbin/init": link(f"{home}/systemd"),
        **{f"{home}/system/{name}.target": target.format(name) for name in targets},
        f"{home}/system/default.target": link("graphical.target"),
        f"{home}/system/{unit}": service.format("Secure shell"),
        f"{home}/system/unused.service": service.format("Not enabled"),
        f"{home}/system/getty@.service": service.format("Getty on %I").replace(
            "WantedBy=multi-user.target", "WantedBy=getty.target\nDefaultInstance=tty1"
        ),
        f"/etc/systemd/system/multi-user.target.wants/{unit}": link(f"{home}/system/{unit}"),
        f"{home}/system-preset/90-systemd.preset": f"enable getty@.service\nenable {unit}\n",
        "/usr/bin/systemctl" if merged else "/bin/systemctl": executable(),
        "/var/lib/systemd/random-seed": text(bytes(range(256)) * 2, 0o600),
        "/etc/systemd/journald.conf": "[Journal]\n#Storage=auto\n",
    })  # fmt: skip


def ssh(*, keys: bool = True) -> Tree:
    """Return the OpenSSH server's files; ``keys`` adds host keys (of no use: their content is no key)."""
    tree = Tree().add({
        "/etc/ssh/sshd_config": text(
            "# This is the sshd server system-wide configuration file.\nInclude /etc/ssh/sshd_config.d/*.conf\n"
            "#Port 22\n#PermitRootLogin prohibit-password\nX11Forwarding yes\nUsePAM yes\n"
            "Subsystem sftp /usr/lib/openssh/sftp-server\n"
        ),
        "/etc/ssh/sshd_config.d": folder(),
        "/usr/sbin/sshd": executable(),
    })  # fmt: skip
    if keys:
        for kind in ("rsa", "ecdsa", "ed25519"):
            tree.add({
                f"/etc/ssh/ssh_host_{kind}_key": text(f"not a {kind} key\n", 0o600),
                f"/etc/ssh/ssh_host_{kind}_key.pub": f"ssh-{kind} AAAA root@guest\n",
            })  # fmt: skip
    return tree


def kernel(
    version: str = KERNEL, image: str = "vmlinuz", initrd: str = "initrd.img-{0}", lib: str = "/usr/lib"
) -> Tree:
    """Return a kernel, its initrd and its modules (none of which works)."""
    return Tree().add({
        f"/boot/{image}-{version}": b"not a kernel\n",
        "/boot/" + initrd.format(version): b"not an initrd\n",
        f"/boot/config-{version}": "CONFIG_BTRFS_FS=m\nCONFIG_XFS_FS=m\n",
        f"{lib}/modules/{version}/modules.dep": "kernel/fs/ext4/ext4.ko:\n",
        f"{lib}/modules/{version}/kernel/fs/ext4/ext4.ko": b"not a module\n",
    })  # fmt: skip


def dpkg(*packages: str) -> Tree:
    """Return a dpkg database; ``packages`` as ``name=version``."""
    record = (
        "Package: {0}\nStatus: install ok installed\nPriority: optional\nSection: admin\nInstalled-Size: 100\n"
        "Maintainer: Nobody <nobody@example.org>\nArchitecture: amd64\nVersion: {1}\nDescription: {0} for tests\n\n"
    )
    status = "".join(record.format(*package.split("=")) for package in packages)
    return Tree().add({
        "/var/lib/dpkg/status": status,
        "/var/lib/dpkg/info": folder(),
        "/var/lib/apt/lists/lock": text("", 0o640),
        "/var/cache/apt/archives/cached_1.0_amd64.deb": b"not a package\n",
        "/usr/bin/dpkg": executable(),
        "/usr/bin/apt-get": executable(),
        "/etc/apt/sources.list": "deb http://deb.debian.org/debian stable main\n",
    })  # fmt: skip


#: A targeted policy in small: (regular expression, type of file or empty, type), the last that matches wins.
SELINUX = (
    ("/.*", "", "default_t"),
    ("/", "", "root_t"),
    ("/(bin|sbin|lib|lib64)", "-l", "bin_t"),
    ("/boot(/.*)?", "", "boot_t"),
    ("/etc(/.*)?", "", "etc_t"),
    ("/etc/shadow", "--", "shadow_t"),
    ("/etc/gshadow", "--", "shadow_t"),
    ("/etc/passwd", "--", "passwd_file_t"),
    ("/etc/group", "--", "passwd_file_t"),
    ("/etc/hostname", "--", "hostname_etc_t"),
    ("/etc/localtime", "", "locale_t"),
    ("/etc/machine-id", "--", "machineid_t"),
    ("/etc/selinux(/.*)?", "", "selinux_config_t"),
    ("/etc/ssh/ssh_host_.*_key", "--", "sshd_key_t"),
    ("/etc/systemd/system(/.*)?", "", "systemd_unit_file_t"),
    ("/home", "-d", "home_root_t"),
    ("/home/[^/]+", "-d", "user_home_dir_t"),
    ("/home/[^/]+/.+", "", "user_home_t"),
    ("/home/[^/]+/\\.ssh(/.*)?", "", "ssh_home_t"),
    ("/root(/.*)?", "", "admin_home_t"),
    ("/root/\\.ssh(/.*)?", "", "ssh_home_t"),
    ("/tmp", "-d", "tmp_t"),
    ("/usr(/.*)?", "", "usr_t"),
    ("/usr/bin(/.*)?", "", "bin_t"),
    ("/usr/sbin(/.*)?", "", "bin_t"),
    ("/usr/lib(64)?(/.*)?", "", "lib_t"),
    ("/usr/lib/systemd/system(/.*)?", "", "systemd_unit_file_t"),
    ("/var(/.*)?", "", "var_t"),
    ("/var/lib(/.*)?", "", "var_lib_t"),
    ("/var/log(/.*)?", "", "var_log_t"),
)
_LETTERS = {"file": "--", "dir": "-d", "link": "-l", "char": "-c", "block": "-b", "fifo": "-p"}


def selinux(*, mode: str = "enforcing") -> Tree:
    """Return the files of the SELinux policy; :func:`selinux_label` says what they say."""
    lines = [
        f"{pattern}\t{kind}\tsystem_u:object_r:{label}:s0".replace("\t\t", "\t") for pattern, kind, label in SELINUX
    ]
    home = "/etc/selinux/targeted/contexts/files"
    return Tree().add({
        "/etc/selinux/config": f"# SELinux\nSELINUX={mode}\nSELINUXTYPE=targeted\n",
        f"{home}/file_contexts": "\n".join(lines) + "\n/proc(/.*)?\t<<none>>\n",
        f"{home}/file_contexts.homedirs": "",
        f"{home}/file_contexts.subs_dist": "/run /var/run\n/usr/lib64 /usr/lib\n",
        f"{home}/file_contexts.local": "",
        "/etc/selinux/targeted/policy/policy.33": b"not a policy\n",
        "/usr/sbin/load_policy": executable(),
        "/usr/sbin/setfiles": executable(),
    })  # fmt: skip


def selinux_label(path: bytes, entry: Node) -> str | None:
    """Return the label that the policy of :data:`SELINUX` has for an entry."""
    name = path.decode(errors="replace")
    for pattern, kind, label in reversed(SELINUX):
        if kind in ("", _LETTERS[entry.kind]) and re.fullmatch(pattern, name):
            return f"system_u:object_r:{label}:s0"
    return None


def union(*trees: Tree) -> Tree:
    """Return one tree with the entries of all; a later tree replaces what an earlier one has."""
    result = Tree()
    for tree in trees:
        result.add(tree.entries)
    return result


def os_release(**fields: str) -> str:
    """Return the text of an os-release file."""
    return "".join(f'{key}="{value}"\n' for key, value in fields.items())
