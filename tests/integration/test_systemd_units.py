# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Services: every unit of a real Debian against the host's systemctl, and the modules on guests of three init systems.

For the first, debugfs takes the unit files out of the image, so there is no appliance.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import images
import pytest
from ansible_collections.offline.guest.tests.unit.differential import systemctl
from conftest import Copier
from guest_files import change_guest, ext_offsets, list_guest, read_guest_file
from harness import Harness, Task

CONFIG = "/etc/systemd/system"
VERBS = ("enable", "disable", "preset", "mask", "unmask")
APP = "[Service]\nExecStart=/usr/bin/true\n\n[Install]\nWantedBy=multi-user.target\nAlias=app-alias.service\n"
INIT_SCRIPT = (
    "#!/bin/sh\n### BEGIN INIT INFO\n# Provides: legacy\n# Required-Start:\n# Required-Stop:\n"
    "# Default-Start: 2 3 4 5\n# Default-Stop: 0 1 6\n### END INIT INFO\nexit 0\n"
)


def debian_units(folder: Path) -> Path:
    """Take what is about units out of the real Debian."""
    image = images.path(images.REAL)
    device = f"{image}?offset={ext_offsets(image)[0]}"
    made = systemctl.merged_root(folder / "debian", {"/etc/machine-id": "0123456789abcdef0123456789abcdef\n"})
    for path in ("/usr/lib/systemd/system", "/usr/lib/systemd/system-preset", "/etc/systemd"):
        target = made / path.lstrip("/")
        shutil.rmtree(target, ignore_errors=True)
        target.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["debugfs", "-R", f"rdump {path} {target.parent}", device], capture_output=True, check=True)
    return made


@pytest.mark.skipif(not systemctl.is_compared(), reason="needs the systemctl of systemd 252")
def test_every_unit_of_a_real_debian_gets_the_links_of_systemctl(tmp_path: Path) -> None:
    theirs = debian_units(tmp_path)
    vendor = theirs / "usr/lib/systemd/system"
    ours = systemctl.copied(theirs, "ours")
    units = sorted(path.name for path in vendor.iterdir() if path.is_symlink() or path.is_file())
    assert len(units) > 150
    units += ["getty@tty3.service", "serial-getty@ttyS0.service", "systemd-nspawn@x.service", "missing.service"]
    failed = set()
    for unit in units:
        assert systemctl.our_state(ours, unit) == systemctl.their_state(theirs, unit), unit
        for verb in VERBS:
            wanted = systemctl.theirs(theirs, verb, unit, part="etc/systemd")
            found = systemctl.ours(ours, verb, unit, part="etc/systemd")
            assert found == wanted, f"{verb} {unit}\ntheirs: {wanted.said}\nours: {found.said}"
            if wanted.failed:  # systemctl may have done a part
                failed.add(unit)
                shutil.rmtree(theirs / "etc/systemd")
                shutil.copytree(ours / "etc/systemd", theirs / "etc/systemd", symlinks=True)
    assert len(failed) < len(units) / 2, "most units can be enabled, or have nothing to enable"


SYSTEMD_TASKS: list[Task] = [
    {"offline.guest.systemd_unit": {"name": "unused", "enabled": True}},
    {"offline.guest.systemd_unit": {"name": "ssh.service", "enabled": False}},
    {"offline.guest.systemd_unit": {"name": "app", "content": APP, "enabled": True}},
    {"offline.guest.systemd_unit": {"name": "ssh", "dropin": "10-x.conf", "content": "[Service]\nNice=1\n"}},
    {"offline.guest.systemd_unit": {"name": "network-online.target", "masked": True}},
    {"offline.guest.systemd_unit": {"name": "getty@.service", "preset": True}},
    {"offline.guest.systemd_unit": {"name": "gone.service", "state": "absent", "enabled": False}},
    {"offline.guest.service": {"name": "legacy", "enabled": True}},
]


@pytest.mark.appliance
def test_services_of_a_debian_are_enabled_and_disabled(harness: Harness, image_copy: Copier, tmp_path: Path) -> None:
    image = image_copy("debian-like")
    script = tmp_path / "legacy"
    script.write_text(INIT_SCRIPT)
    gone = tmp_path / "gone"
    gone.write_text(APP)
    requests = ["mkdir /etc/init.d", f"write {script} /etc/init.d/legacy"]
    requests += ["set_inode_field /etc/init.d/legacy mode 0100755", f"write {gone} {CONFIG}/gone.service"]
    requests += [f"symlink {CONFIG}/multi-user.target.wants/gone.service ../gone.service"]
    change_guest(image, requests)
    before = set(list_guest(image, f"{CONFIG}/multi-user.target.wants"))
    calls = harness.four_calls_in_session(SYSTEMD_TASKS, image)
    states = [four[1]["status"]["UnitFileState"] for four in calls[:-1]]
    assert states == ["enabled", "disabled", "enabled", "disabled", "masked", "enabled", ""]
    assert calls[-1][1]["init_system"] == "systemd" and calls[-1][1]["enabled"]
    vendor = "/usr/lib/systemd/system"
    links = {
        f"{CONFIG}/multi-user.target.wants/unused.service": f"{vendor}/unused.service",
        f"{CONFIG}/multi-user.target.wants/app.service": f"{CONFIG}/app.service",
        f"{CONFIG}/app-alias.service": f"{CONFIG}/app.service",
        f"{CONFIG}/network-online.target": "/dev/null",
        f"{CONFIG}/getty.target.wants/getty@tty1.service": f"{vendor}/getty@.service",
        "/etc/rc3.d/S01legacy": "../init.d/legacy",
        "/etc/rc6.d/K01legacy": "../init.d/legacy",
    }
    assert {path: read_guest_file(image, path).decode() for path in links} == links
    wanted = before - {"gone.service", "ssh.service"} | {"app.service", "unused.service"}
    assert set(list_guest(image, f"{CONFIG}/multi-user.target.wants")) == wanted
    assert "gone.service" not in list_guest(image, CONFIG)
    assert read_guest_file(image, f"{CONFIG}/app.service").decode() == APP
    assert read_guest_file(image, f"{CONFIG}/ssh.service.d/10-x.conf") == b"[Service]\nNice=1\n"


@pytest.mark.appliance
def test_services_of_an_alpine_are_enabled_and_disabled(harness: Harness, image_copy: Copier) -> None:
    image = image_copy("alpine-like")
    before = {level: set(list_guest(image, f"/etc/runlevels/{level}")) for level in ("boot", "default")}
    tasks: list[Task] = [
        {"offline.guest.service": {"name": "crond", "enabled": True}},
        {"offline.guest.service": {"name": "sshd", "enabled": False}},
        {"offline.guest.service": {"name": "local", "enabled": True, "runlevel": "boot"}},
    ]
    calls = harness.four_calls_in_session(tasks, image)
    assert [four[1]["enabled"] for four in calls] == [True, False, True]
    assert {four[1]["init_system"] for four in calls} == {"openrc"}
    assert read_guest_file(image, "/etc/runlevels/default/crond") == b"/etc/init.d/crond"
    assert set(list_guest(image, "/etc/runlevels/default")) == before["default"] - {"sshd"} | {"crond"}
    assert set(list_guest(image, "/etc/runlevels/boot")) == before["boot"] | {"local"}
