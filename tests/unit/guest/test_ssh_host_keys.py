# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module ssh_host_keys: what goes, and whether a guest makes new ones."""

from __future__ import annotations

import stat
import subprocess

import pytest
from ansible_collections.offline.guest.plugins.module_utils._errors import GuestError
from ansible_collections.offline.guest.plugins.module_utils._guest._ssh_host_keys import SCRIPT
from ansible_collections.offline.guest.plugins.modules import ssh_host_keys
from ansible_collections.offline.guest.tests.unit.guest.fake_guest import FakeGuest

UNITS = "/usr/lib/systemd/system"
RESULTS = "/var/lib/offline-guest/firstboot/results/00-ssh-host-keys"
SCRIPTS = "/var/lib/offline-guest/firstboot/scripts/00-ssh-host-keys"
SECRET = b"-----BEGIN OPENSSH PRIVATE KEY-----\nc2VjcmV0\n"
KEYS = [f"/etc/ssh/ssh_host_{kind}_key{end}" for kind in ("ecdsa", "ed25519", "rsa") for end in ("", ".pub")]


def machine(family: str = "debian", *, server: bool = True, keys: bool = True) -> FakeGuest:
    guest = FakeGuest(ssh_host_keys, family=family)
    guest.put({"/etc/ssh/sshd_config": b"Port 22\n", "/etc/ssh/ssh_config": b"", "/etc/ssh/moduli": b""})
    if server:
        guest.put(
            {"/usr/sbin/sshd": b"\x7fELF", f"{UNITS}/ssh.service": b"[Service]\nExecStartPre=/usr/sbin/sshd -t\n"}
        )
    if keys:
        guest.put(dict.fromkeys(KEYS, SECRET))
    return guest


def test_keys_go_and_nothing_else() -> None:
    guest = machine()
    others = {
        "/etc/ssh/ssh_host_rsa_key.bak": b"",
        "/etc/ssh/ssh_host_key_notes": b"",
        "/etc/ssh/x_ssh_host_rsa_key": b"",
    }
    guest.put({**others, "/etc/ssh/ssh_host_key": SECRET, "/etc/ssh/ssh_host_rsa_key-cert.pub": b""})
    guest.rpc.add_link("/etc/ssh/ssh_host_dsa_key", "/srv/keys/dsa")
    guest.put({"/srv/keys/dsa": SECRET})
    done = guest.four(regenerate="never")
    expected = [*KEYS, "/etc/ssh/ssh_host_key", "/etc/ssh/ssh_host_rsa_key-cert.pub", "/etc/ssh/ssh_host_dsa_key"]
    assert done.result["removed"] == sorted(expected)
    left = [path for path in guest.rpc.nodes if path.startswith("/etc/ssh/")]
    assert sorted(left) == sorted([*others, "/etc/ssh/sshd_config", "/etc/ssh/ssh_config", "/etc/ssh/moduli"])
    assert guest.content("/srv/keys/dsa") == SECRET


def test_keys_are_neither_read_nor_shown() -> None:
    guest = machine()
    done = guest.run(regenerate="firstboot")
    assert "c2VjcmV0" not in repr(done)
    assert not [
        entry for entry in guest.rpc.log if entry[0] == "pread" and "host" in entry[1] and "/etc/ssh" in entry[1]
    ]


def test_what_is_no_file_is_left_with_a_warning() -> None:
    guest = machine(keys=False)
    guest.rpc.add_dir("/etc/ssh/ssh_host_rsa_key")
    guest.rpc.add_special("/etc/ssh/ssh_host_dsa_key", stat.S_IFIFO)
    assert guest.run(regenerate="never").result["removed"] == []
    assert len(guest.warnings) == 2


def test_debian_makes_no_keys() -> None:
    guest = machine()
    with pytest.raises(GuestError, match="Nothing in the guest") as caught:
        guest.run()
    assert "regenerate: firstboot" in caught.value.hint
    assert guest.rpc.writes == []


def test_without_a_server_there_is_nobody_to_make_them_for() -> None:
    assert machine(server=False).four().changed
    assert not FakeGuest(ssh_host_keys).four().changed


@pytest.mark.parametrize(
    ("family", "files", "maker"),
    [
        (
            "fedora",
            {
                f"{UNITS}/sshd.service": b"[Unit]\nWants=sshd-keygen.target\n",
                f"{UNITS}/sshd-keygen.target": b"[Unit]\n",
            },
            "sshd-keygen.target",
        ),
        (
            "fedora",
            {
                f"{UNITS}/sshd.service": b"[Unit]\nWants=a.target \\\n sshd-keygen@rsa.service\n",
                f"{UNITS}/sshd-keygen@.service": b"",
            },
            "sshd-keygen@rsa.service",
        ),
        (
            "opensuse",
            {f"{UNITS}/sshd.service": b"[Service]\nExecStartPre=/usr/sbin/sshd-gen-keys-start\n"},
            "sshd.service",
        ),
        (
            "arch",
            {f"{UNITS}/sshd.service": b"Wants=sshdgenkeys.service\n", f"{UNITS}/sshdgenkeys.service": b""},
            "sshdgenkeys.service",
        ),
        (
            "debian",
            {"/etc/systemd/system/ssh.service.d/keys.conf": b"[Service]\nExecStartPre=/usr/bin/ssh-keygen -A\n"},
            "ssh.service",
        ),
        ("alpine", {"/etc/init.d/sshd": b"generate_host_keys() {\n\tssh-keygen -A\n}\n"}, "/etc/init.d/sshd"),
        ("rhel6", {"/etc/rc.d/init.d/sshd": b"KEYGEN=/usr/bin/ssh-keygen\n"}, "/etc/rc.d/init.d/sshd"),
        (
            "debian",
            {"/usr/bin/cloud-init": b"", "/etc/cloud/cloud.cfg": b"cloud_init_modules:\n - seed\n - ssh\n\nx:\n"},
            "cloud-init",
        ),
        (
            "debian",
            {"/usr/bin/cloud-init": b"", "/etc/cloud/cloud.cfg": b"cloud_init_modules: [seed, ssh]\n"},
            "cloud-init",
        ),
    ],
)
def test_who_makes_keys(family: str, files: dict[str, bytes], maker: str) -> None:
    assert machine(family).put(files).four().result["made_by"] == maker


@pytest.mark.parametrize(
    "files",
    [
        {f"{UNITS}/ssh.service": b"[Unit]\nWants=sshd-keygen.target\n"},  # which is not there
        {f"{UNITS}/sshdgenkeys.service": b""},  # which nobody wants
        {
            "/usr/bin/cloud-init": b"",
            "/etc/cloud/cloud.cfg": b"cloud_init_modules:\n - seed\ncloud_config_modules:\n - ssh\n",
        },
        {"/usr/bin/cloud-init": b"", "/etc/cloud/cloud.cfg": b"cloud_init_modules:\n - ssh_import_id\n # - ssh\n"},
        {"/etc/cloud/cloud.cfg": b"cloud_init_modules:\n - ssh\n"},
        {
            "/usr/bin/cloud-init": b"",
            "/etc/cloud/cloud-init.disabled": b"",
            "/etc/cloud/cloud.cfg": b"cloud_init_modules:\n - ssh\n",
        },
        {
            "/usr/bin/cloud-init": b"",
            "/etc/cloud/cloud.cfg": b"cloud_init_modules:\n - ssh\n",
            "/etc/cloud/cloud.cfg.d/99.cfg": b"cloud_init_modules: [seed]\n",
        },
        {"/etc/init.d/ssh": b"ssh-keygen -A\n"},  # which systemd does not run
    ],
)
def test_who_does_not(files: dict[str, bytes]) -> None:
    with pytest.raises(GuestError, match="Nothing in the guest"):
        machine().put(files).run()


def test_an_enabled_unit_counts_and_a_masked_one_does_not() -> None:
    guest = machine().put({f"{UNITS}/regenerate_ssh_host_keys.service": b""})
    wants = "/etc/systemd/system/multi-user.target.wants/regenerate_ssh_host_keys.service"
    guest.rpc.add_link(wants, f"{UNITS}/regenerate_ssh_host_keys.service")
    assert guest.run(check=True).result["made_by"] == "regenerate_ssh_host_keys.service"
    guest.rpc.add_link("/etc/systemd/system/regenerate_ssh_host_keys.service", "/dev/null")
    guest.rpc.add_special("/dev/null", stat.S_IFCHR)
    with pytest.raises(GuestError):
        guest.run()


@pytest.mark.parametrize("family", ["debian", "devuan", "alpine"])
def test_firstboot(family: str) -> None:
    guest = machine(family)
    for level in (2, 3, 4, 5):
        guest.rpc.add_dir(f"/etc/rc{level}.d")
    guest.rpc.add_dir("/etc/init.d")
    done = guest.four(regenerate="firstboot")
    assert done.result["made_by"] == "firstboot"
    assert done.result["firstboot_script"] == "00-ssh-host-keys"
    assert guest.content(f"{SCRIPTS}/script") == SCRIPT.content.encode()
    assert not [path for path in KEYS if path in guest.rpc.nodes]
    # From then on the guest makes them.
    assert not guest.four(regenerate="guest").changed


def test_a_script_that_ran_runs_again() -> None:
    """An image that was booted and is sealed anew: the keys are back, and the script has done its work."""
    guest = machine()
    guest.run(regenerate="firstboot")
    record = b"state=done\nexit_status=0\nattempts=1\nstarted=1\nended=2\nboot=x\n"
    guest.put({f"{RESULTS}/record": record, f"{RESULTS}/log": b"", **dict.fromkeys(KEYS, SECRET)})
    with pytest.raises(GuestError, match="Nothing in the guest"):
        guest.run()
    assert guest.four(regenerate="firstboot").changed
    assert guest.content(f"{RESULTS}/record") is None
    assert guest.content("/var/lib/offline-guest/firstboot/pending") == b""


def test_the_script_is_one() -> None:
    done = subprocess.run(["sh", "-n"], input=SCRIPT.content, text=True, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_hostile() -> None:
    guest = machine()
    for path in (f"{UNITS}/sshd.service", "/etc/init.d/sshd", "/etc/cloud/cloud.cfg"):
        guest.rpc.add_special(path, stat.S_IFIFO)
    guest.put({"/usr/bin/cloud-init": b"", "/etc/cloud/cloud.cfg.d/\x1b.cfg": b"\0\xff" * 1000})
    guest.rpc.add_file(f"{UNITS}/ssh.service", b"x", size=2**40)
    with pytest.raises(GuestError, match="Nothing in the guest"):
        guest.run()
    guest = machine(keys=False)
    guest.rpc.nodes.pop("/etc/ssh/sshd_config")
    for path in [path for path in guest.rpc.nodes if path.startswith("/etc/ssh")]:
        guest.rpc.nodes.pop(path)
    guest.put({"/etc/ssh": b"a file"})
    with pytest.raises(GuestError, match="not a directory"):
        guest.run()
