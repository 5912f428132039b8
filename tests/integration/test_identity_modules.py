# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Guests of every family through the modules for identity, accounts and services, all of them in one session a guest.

What differs between families is in ``FAMILIES``, what does not in :func:`tasks_of`. Each task is called four times
(check, run, run, check), and all once more in a second session, after which the image must be the same byte for byte.
So a guest costs two launches, however many modules there are.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from conftest import Copier
from guest_files import as_raw, read_guest_file, stat_guest
from harness import Harness, Task, TaskResult, in_session

pytestmark = pytest.mark.appliance

ID = "5d3a0f60c2a94d9b8f0c7b6d1e2f3a4b"
SCRIPTS = "/var/lib/offline-guest/firstboot/scripts"
CONSOLE = "console=ttyS0,115200"
HOST_KEYS = tuple(f"/etc/ssh/ssh_host_{kind}_key{end}" for kind in ("ecdsa", "ed25519", "rsa") for end in ("", ".pub"))


@dataclass(frozen=True)
class Family:
    """What is asked of a guest, and what must be there then.

    :param options: by module; every module of :func:`tasks_of` is run in every guest.
    :param files: path → content, or the target of a link. They are compared with what the differences show, and with
        what debugfs reads where it can, which is on ext file systems.
    :param gone: paths at which there must be nothing.
    :param results: module → return values of the run.
    :param warnings: modules that warn.
    """

    options: t.Mapping[str, Task]
    files: t.Mapping[str, str]
    gone: t.Sequence[str] = HOST_KEYS
    results: t.Mapping[str, t.Mapping[str, t.Any]] = field(default_factory=dict)
    warnings: t.Sequence[str] = ()
    has_ext: bool = True


FAMILIES = {
    "debian-like": Family(
        {
            "hostname": {"name": "web01.example.com"},
            "timezone": {"name": "Europe/Berlin", "hwclock": "local"},
            "locale": {"lang": "de_DE.UTF-8", "xkb_layout": "de", "generate": True},
            "machine_id": {"state": "empty"},
            "ssh_host_keys": {"regenerate": "firstboot"},
            "kernel_cmdline": {"args": [CONSOLE], "rebuild": "firstboot"},
        },
        {
            "/etc/hostname": "web01.example.com\n",
            "/etc/hosts": "127.0.0.1\tlocalhost\n127.0.1.1\tweb01.example.com\tweb01\n::1\tlocalhost ip6-localhost\n",
            "/etc/localtime": "/usr/share/zoneinfo/Europe/Berlin",
            "/etc/timezone": "Europe/Berlin\n",
            "/etc/adjtime": "0.0 0 0.0\n0\nLOCAL\n",
            "/etc/default/locale": "LANG=de_DE.UTF-8\n",
            "/etc/default/keyboard": 'XKBLAYOUT="de"\n',
            "/etc/machine-id": "",
            "/etc/default/grub": 'GRUB_TIMEOUT=5\nGRUB_CMDLINE_LINUX_DEFAULT="quiet"\n'
            f'GRUB_CMDLINE_LINUX="{CONSOLE}"\n',
        },
        results={
            "locale": {"command": "locale-gen", "missing": ["de_DE.UTF-8"]},
            "ssh_host_keys": {"made_by": "firstboot", "firstboot_script": "00-ssh-host-keys"},
            "kernel_cmdline": {"command": "update-grub", "firstboot_script": "05-boot-loader"},
        },
    ),
    "ubuntu-like": Family(
        {
            "hostname": {"name": "web01", "use": "systemd"},
            "timezone": {"name": "Asia/Tokyo"},
            "locale": {"lang": "en_US.UTF-8", "variables": {"LC_TIME": "de_DE.UTF-8"}},
            "machine_id": {"id": ID},
            "ssh_host_keys": {},
            "kernel_cmdline": {"name": "console", "value": "ttyS0,115200"},
        },
        {
            "/etc/hostname": "web01\n",
            "/etc/hosts": "127.0.0.1\tlocalhost\n127.0.1.1\tweb01\n::1\tlocalhost ip6-localhost\n",
            "/etc/localtime": "/usr/share/zoneinfo/Asia/Tokyo",
            "/etc/timezone": "Asia/Tokyo\n",
            "/etc/default/locale": "LANG=en_US.UTF-8\nLC_TIME=de_DE.UTF-8\n",
            "/etc/machine-id": f"{ID}\n",
            "/var/lib/dbus/machine-id": f"{ID}\n",
            "/etc/default/grub.d/50-cloudimg-settings.cfg": 'GRUB_CMDLINE_LINUX_DEFAULT=""\n',
        },
        results={
            "locale": {"missing": ["de_DE.UTF-8"], "locale_gen_needed": False},
            "ssh_host_keys": {"made_by": "cloud-init"},
            "kernel_cmdline": {"rebuild_needed": True, "firstboot_script": None},
        },
        warnings=["locale"],
    ),
    "fedora-lvm": Family(
        {
            "hostname": {"name": "web01"},
            "timezone": {"name": "Europe/Berlin"},
            "locale": {"lang": "de_DE.UTF-8", "keymap": "de-nodeadkeys"},
            "machine_id": {"state": "empty"},
            "ssh_host_keys": {},
            "kernel_cmdline": {"args": ["rhgb", "quiet"], "state": "absent"},
        },
        {
            "/etc/hostname": "web01\n",
            "/etc/hosts": "127.0.0.1\tlocalhost\n127.0.1.1\tweb01\n::1\tlocalhost ip6-localhost\n",
            "/etc/localtime": "/usr/share/zoneinfo/Europe/Berlin",
            "/etc/locale.conf": "LANG=de_DE.UTF-8\n",
            "/etc/vconsole.conf": "KEYMAP=de-nodeadkeys\n",
            "/etc/machine-id": "",
            "/etc/default/grub": 'GRUB_TIMEOUT=5\nGRUB_CMDLINE_LINUX=""\nGRUB_ENABLE_BLSCFG=true\n',
        },
        results={"ssh_host_keys": {"made_by": "sshd-keygen.target"}, "kernel_cmdline": {"rebuild_needed": False}},
    ),
    "opensuse-like": Family(
        {
            "hostname": {"name": "web01"},
            "timezone": {"name": "Europe/Berlin"},
            "locale": {"lang": "de_DE.UTF-8", "keymap": "de", "xkb_layout": "de"},
            "machine_id": {"state": "uninitialized"},
            "ssh_host_keys": {},
            "kernel_cmdline": {"name": "mitigations", "state": "absent", "rebuild": "firstboot"},
        },
        {
            "/etc/hostname": "web01\n",
            "/etc/localtime": "/usr/share/zoneinfo/Europe/Berlin",
            "/etc/locale.conf": "LANG=de_DE.UTF-8\n",
            "/etc/vconsole.conf": "KEYMAP=de\nFONT=eurlatgr.psfu\nXKBLAYOUT=de\n",
            "/etc/machine-id": "uninitialized\n",
            "/etc/default/grub": 'GRUB_DISTRIBUTOR=""\nGRUB_CMDLINE_LINUX_DEFAULT="splash=silent quiet"\n'
            'GRUB_CMDLINE_LINUX=""\n',
        },
        results={
            "ssh_host_keys": {"made_by": "sshd.service"},
            "kernel_cmdline": {"command": "grub2-mkconfig -o /boot/grub2/grub.cfg"},
        },
        has_ext=False,
    ),
    "arch-like": Family(
        {
            "hostname": {"name": "web01"},
            "timezone": {"name": "Europe/Berlin", "hwclock": "local"},
            "locale": {"lang": "en_US.UTF-8", "generate": True},
            "machine_id": {"state": "absent"},
            "ssh_host_keys": {},
            "kernel_cmdline": {"args": [CONSOLE, "quiet"]},
        },
        {
            "/etc/hostname": "web01\n",
            "/etc/localtime": "/usr/share/zoneinfo/Europe/Berlin",
            "/etc/adjtime": "0.0 0 0.0\n0\nLOCAL\n",
            "/etc/locale.conf": "LANG=en_US.UTF-8\n",
            "/etc/default/grub": "GRUB_TIMEOUT=5\nGRUB_CMDLINE_LINUX_DEFAULT='loglevel=3 quiet'\n"
            f'GRUB_CMDLINE_LINUX="{CONSOLE}"\n',
        },
        gone=["/etc/machine-id", "/etc/ssh/ssh_host_ed25519_key", "/etc/ssh/ssh_host_ed25519_key.pub"],
        results={
            "ssh_host_keys": {"made_by": "sshdgenkeys.service"},
            "kernel_cmdline": {"command": "grub-mkconfig -o /boot/grub/grub.cfg"},
        },
    ),
    "alpine-like": Family(
        {
            "hostname": {"name": "web01"},
            "timezone": {"name": "Europe/Berlin", "hwclock": "local"},
            "locale": {"lang": "de_DE.UTF-8"},
            "machine_id": {"id": ID},
            "ssh_host_keys": {},
            "kernel_cmdline": {"args": [CONSOLE], "rebuild": "firstboot"},
        },
        {
            "/etc/hostname": "web01\n",
            "/etc/localtime": "TZif2",
            "/etc/conf.d/hwclock": '# Set CLOCK to "UTC"\nclock="local"\n',
            "/etc/profile.d/10locale.sh": "export LANG=de_DE.UTF-8\n",
            "/etc/machine-id": f"{ID}\n",
            "/etc/update-extlinux.conf": "# configuration for extlinux config builder\noverwrite=1\n"
            f'default_kernel_opts="quiet rootfstype=ext4 {CONSOLE}"\nmodules=ext4\n',
        },
        results={
            "ssh_host_keys": {"made_by": "/etc/init.d/sshd"},
            "kernel_cmdline": {"command": "update-extlinux", "firstboot_script": "05-boot-loader"},
        },
    ),
    "rhel7-like": Family(
        {
            "hostname": {"name": "web01.example.com"},
            "timezone": {"name": "Europe/Berlin"},
            "locale": {"lang": "de_DE.UTF-8", "keymap": "de"},
            "machine_id": {"state": "empty"},
            "ssh_host_keys": {},
            "kernel_cmdline": {"args": ["rhgb", "quiet"], "state": "absent", "rebuild": "firstboot"},
        },
        {
            "/etc/hostname": "web01.example.com\n",
            "/etc/sysconfig/network": "NETWORKING=yes\nHOSTNAME=web01.example.com\n",
            "/etc/localtime": "/usr/share/zoneinfo/Europe/Berlin",
            "/etc/locale.conf": 'LANG="de_DE.UTF-8"\n',
            "/etc/vconsole.conf": 'KEYMAP="de"\nFONT="latarcyrheb-sun16"\n',
            "/etc/machine-id": "",
            "/etc/default/grub": 'GRUB_TIMEOUT=5\nGRUB_CMDLINE_LINUX="crashkernel=auto"\n',
        },
        results={
            "locale": {"missing": []},
            "ssh_host_keys": {"made_by": "sshd-keygen.service"},
            "kernel_cmdline": {"command": "grub2-mkconfig -o /boot/grub2/grub.cfg"},
        },
        has_ext=False,
    ),
}
MODULES = ("hostname", "timezone", "locale", "machine_id", "ssh_host_keys", "kernel_cmdline")
HASH = "$6$salt$egUAHvRYLbPfWDPpX.lxuNEkEQ.aB5xUUNIPTqCTlLkF0CtnCtTMDKMHWMDJJkoOYl0hUiZWHcI.yVLd5/Jvb1"
UNIT = "[Service]\nExecStart=/bin/true\n\n[Install]\nWantedBy=multi-user.target\n"
#: What is asked of every guest alike.
ACCOUNTS: t.Mapping[str, Task] = {
    "group": {"name": "deploy", "gid": 1750},
    "user": {"name": "deploy", "uid": 1750, "group": "deploy", "shell": "/bin/sh", "password": HASH},
    "authorized_key": {
        "user": "deploy",
        "key": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl deploy",
    },
}


def service_of(name: str) -> Task:
    """Return a task that has a service start with the guest."""
    if name == "alpine-like":
        return {"offline.guest.service": {"name": "crond", "enabled": True}}
    return {"offline.guest.systemd_unit": {"name": "ours.service", "content": UNIT, "enabled": True}}


def enabled_by(name: str) -> str:
    """Return the link that such a task makes."""
    if name == "alpine-like":
        return "/etc/runlevels/default/crond"
    return "/etc/systemd/system/multi-user.target.wants/ours.service"


def tasks_of(name: str) -> list[Task]:
    own = [{f"offline.guest.{module}": dict(FAMILIES[name].options[module])} for module in MODULES]
    accounts = [{f"offline.guest.{module}": dict(options)} for module, options in ACCOUNTS.items()]
    return [*own, *accounts, service_of(name)]


@pytest.mark.parametrize("name", FAMILIES)
def test_identity(harness: Harness, image_copy: Copier, name: str) -> None:
    family = FAMILIES[name]
    image = image_copy(name)
    calls = dict(zip(MODULES, harness.four_calls_in_session(tasks_of(name), image)))
    for module, wanted in family.results.items():
        for call in calls[module]:
            assert {key: call[key] for key in wanted} == wanted, module
    assert [module for module in MODULES if calls[module][1].warnings] == list(family.warnings)
    assert calls["ssh_host_keys"][1]["removed"] == [path for path in family.gone if path.startswith("/etc/ssh/")]
    shown = shown_after(calls)
    for path, content in family.files.items():
        assert shown[path].startswith(content) if content else shown[path] == "", path
    assert not [text for text in shown.values() if "not a rsa key" in text]
    if family.has_ext:
        assert_on_disk(image, family)
        assert b"\ndeploy:x:1750:1750:" in read_guest_file(image, "/etc/passwd")
        assert f"\ndeploy:{HASH}:".encode() in read_guest_file(image, "/etc/shadow")
        link = stat_guest(image, enabled_by(name))
        assert link is not None and link.kind == "link"


def shown_after(calls: t.Mapping[str, t.Sequence[TaskResult]]) -> dict[str, str]:
    """Return what the differences of the runs say that is at each path, a link as its target without our folders."""
    found = {}
    for four in calls.values():
        for item in four[1].diff:
            path, after = item["after_header"].partition(" ")[0], item.get("after", "TZif2")  # which is binary
            if isinstance(after, str):
                found[path] = after
            elif "state" in after:
                found[path] = after.get("src", "").removeprefix("..")
    return found


def assert_on_disk(image: Path, family: Family) -> None:
    """Look at the files with debugfs: content, owner, mode, and that what should be gone is gone."""
    with as_raw(image) as raw:
        for path, content in family.files.items():
            found = stat_guest(raw, path)
            assert found is not None, path
            read = read_guest_file(raw, path).decode("utf-8", "replace").removeprefix("..")
            assert read == content or (content == "TZif2" and read.startswith(content)), path
            assert (found.uid, found.gid) == (0, 0), path
            modes = {"/etc/machine-id": 0o444}
            assert found.kind == "link" or found.mode == modes.get(path, 0o644), path
        for path in family.gone:
            assert stat_guest(raw, path) is None, path


def test_labels(harness: Harness, image_copy: Copier) -> None:
    """What is new gets the label of the guest's policy, what is replaced keeps its own."""
    image = image_copy("fedora-lvm")
    steps: list[Task] = [
        {"name": "id", "offline.guest.machine_id": {"state": "absent"}},
        {"name": "new id", "offline.guest.machine_id": {"id": ID}},
        {"name": "zone", "offline.guest.timezone": {"name": "Asia/Tokyo", "hwclock": "local"}},
        {"name": "name", "offline.guest.hostname": {"name": "web01"}},
        {"name": "keys", "offline.guest.ssh_host_keys": {"regenerate": "firstboot"}},
        {"name": "bad zone", "offline.guest.timezone": {"name": "Mars/Base"}, "ignore_errors": True},
        {"name": "bad name", "offline.guest.hostname": {"name": "no_name"}, "ignore_errors": True},
        {
            "name": "bad locale",
            "offline.guest.locale": {"lang": "fr_FR.UTF-8", "generate": True},
            "ignore_errors": True,
        },
        {"name": "bad use", "offline.guest.hostname": {"name": "x", "use": "solaris"}, "ignore_errors": True},
    ]
    done = harness.play(in_session(steps), image=image).ok()
    assert [task.name for task in done.tasks if task.failed] == [step["name"] for step in steps[-4:]]
    assert "no time zone 'Mars/Base'" in done["bad zone"].msg
    assert "glibc-langpack" in done["bad locale"].msg
    labels = {
        "/etc/machine-id": "machineid_t",
        "/etc/localtime": "locale_t",
        "/etc/adjtime": "etc_t",
        "/etc/hostname": "hostname_etc_t",
        f"{SCRIPTS}/00-ssh-host-keys/script": "var_lib_t",
    }
    with as_raw(image) as raw:
        for path, kind in labels.items():
            found = stat_guest(raw, path)
            assert found is not None, path
            label = found.xattrs["security.selinux"].replace("\\000", "")
            assert label == f"system_u:object_r:{kind}:s0", path
