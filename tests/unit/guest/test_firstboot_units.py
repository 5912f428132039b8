# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What starts the runner, judged by the programs that read it: systemd itself, offline, and shells."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest
from ansible_collections.offline.guest.plugins.module_utils._guest._firstboot_layout import (
    PENDING,
    PRESET,
    SERVICE,
    UNIT,
    WANTS,
    Entry,
    SysvFolders,
    starters,
    unit_text,
)
from ansible_collections.offline.guest.plugins.module_utils._guest._init_system import InitSystem
from ansible_collections.offline.guest.plugins.module_utils._guest._paths import GuestPath

# As Debian and Ubuntu have it: the last stage of cloud-init comes after the target that wants our service.
CLOUD_FINAL = """\
[Unit]
After=multi-user.target

[Service]
Type=oneshot
ExecStart=/bin/true
"""


def run(command: list[str], **env: str) -> str:
    done = subprocess.run(
        command, env={**os.environ, **env}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    return done.stdout


def verify(folder: Path, unit: str) -> str:
    """Let systemd load multi-user.target with our service and cloud-init's in it; return its complaints."""
    (folder / f"{SERVICE}.service").write_text(unit)
    (folder / "cloud-final.service").write_text(CLOUD_FINAL)
    wants = folder / "multi-user.target.wants"
    wants.mkdir()
    for name in (SERVICE, "cloud-final"):
        (wants / f"{name}.service").symlink_to(folder / f"{name}.service")
    command = ["systemd-analyze", "verify", "--man=no", "multi-user.target", f"{SERVICE}.service"]
    return run(command, SYSTEMD_UNIT_PATH=f"{folder}:")


@pytest.mark.parametrize("wants_network", [False, True])
def test_systemd_has_nothing_to_say_against_the_unit(tmp_path: Path, wants_network: bool) -> None:
    assert verify(tmp_path, unit_text(wants_network=wants_network)) == ""


def test_systemd_would_say_so_if_the_unit_made_a_cycle_with_cloud_init(tmp_path: Path) -> None:
    unit = unit_text(wants_network=False).replace("After=multi-user.target ", "After=")
    assert "ordering cycle" in verify(tmp_path, unit)


def write(root: Path, entries: dict[GuestPath, Entry]) -> None:
    for path, entry in entries.items():
        host = Path(f"{root}{path}")
        host.parent.mkdir(parents=True, exist_ok=True)
        if entry.kind == "link":
            host.symlink_to(entry.content.decode())
        else:
            host.write_bytes(entry.content)


def fedora_like(root: Path) -> None:
    """Presets that disable what they do not list, under the names that Fedora gives them."""
    folder = root / "usr/lib/systemd/system-preset"
    folder.mkdir(parents=True)
    (folder / "90-default.preset").write_text("enable sshd.service\n")
    (folder / "99-default-disable.preset").write_text("disable *\n")


def systemctl(root: Path, *arguments: str) -> str:
    return run(["systemctl", f"--root={root}", *arguments])


def test_an_empty_machine_id_does_not_disable_the_unit(tmp_path: Path) -> None:
    fedora_like(tmp_path)
    write(tmp_path, starters("systemd", wants_network=False))
    systemctl(tmp_path, "preset-all")  # what systemd does at a first boot
    assert systemctl(tmp_path, "is-enabled", SERVICE).strip() == "enabled"
    assert os.path.lexists(f"{tmp_path}{WANTS}")


def test_without_our_preset_it_would(tmp_path: Path) -> None:
    fedora_like(tmp_path)
    write(tmp_path, starters("systemd", wants_network=False))
    Path(f"{tmp_path}{PRESET}").unlink()
    systemctl(tmp_path, "preset-all")
    assert not os.path.lexists(f"{tmp_path}{WANTS}")


def test_after_the_runner_has_disabled_itself_a_first_boot_does_not_enable_it(tmp_path: Path) -> None:
    fedora_like(tmp_path)
    write(tmp_path, starters("systemd", wants_network=False))
    for path in (WANTS, PRESET):
        Path(f"{tmp_path}{path}").unlink()
    systemctl(tmp_path, "preset-all")
    assert systemctl(tmp_path, "is-enabled", SERVICE).strip() == "disabled"


def test_systemctl_makes_the_same_link_as_we(tmp_path: Path) -> None:
    entries = starters("systemd", wants_network=False)
    write(tmp_path, {UNIT: entries[UNIT]})
    systemctl(tmp_path, "enable", SERVICE)
    assert os.readlink(f"{tmp_path}{WANTS}").encode() == entries[WANTS].content


@pytest.mark.parametrize("wants_network", [False, True])
def test_the_network_is_awaited_if_a_script_wants_it(wants_network: bool) -> None:
    assert ("After=network-online.target" in unit_text(wants_network=wants_network)) is wants_network
    assert ("Wants=network-online.target" in unit_text(wants_network=wants_network)) is wants_network


def test_nothing_is_executed_that_needs_an_selinux_label() -> None:
    (line,) = [line for line in unit_text(wants_network=False).splitlines() if line.startswith("Exec")]
    assert line == "ExecStart=/bin/sh /var/lib/offline-guest/firstboot/runner"


SYSV = SysvFolders(GuestPath("/etc/init.d"), (GuestPath("/etc/rc2.d/S99offline-guest-firstboot"),))


def script_of(init: InitSystem) -> str:
    entries = starters(init, wants_network=False, sysv=SYSV)
    (script,) = [entry for entry in entries.values() if entry.kind == "file"]
    assert script.mode == 0o755
    return script.content.decode()


@pytest.mark.parametrize("shell", [["dash"], ["busybox", "sh"], ["bash", "--posix"]])
def test_the_sysv_script_starts_the_runner_in_the_background_if_there_is_work(tmp_path: Path, shell: list[str]) -> None:
    script = script_of("sysvinit").replace("/var/lib", f"{tmp_path}").replace("/dev/console", f"{tmp_path}/console")
    runner = Path(f"{tmp_path}/offline-guest/firstboot/runner")
    runner.parent.mkdir(parents=True)
    os.mkfifo(tmp_path / "gate")
    runner.write_text(f"read -r line <{tmp_path}/gate; echo $line\n")
    assert run([*shell, "-c", script, "init", "start"]) == ""
    assert not (tmp_path / "console").exists()
    (tmp_path / "offline-guest/firstboot/pending").touch()
    assert run([*shell, "-c", script, "init", "start"]) == ""  # it is back although the runner waits at the gate
    (tmp_path / "gate").write_text("through\n")
    deadline = time.monotonic() + 60
    while (tmp_path / "console").read_text() != "through\n":
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_the_sysv_script_is_clean_for_shellcheck_and_has_the_headers_of_lsb_and_chkconfig() -> None:
    script = script_of("sysvinit")
    checked = subprocess.run(["shellcheck", "-"], input=script, stdout=subprocess.PIPE, text=True, check=False)
    assert checked.stdout == ""
    header = script.split("### BEGIN INIT INFO\n")[1].split("### END INIT INFO")[0]
    assert "# Provides: offline-guest-firstboot\n" in header
    assert "# Default-Start: 2 3 4 5\n" in header
    assert "\n# chkconfig: 2345 99 " in script


def test_the_openrc_script_declares_itself_to_openrc(tmp_path: Path) -> None:
    script = script_of("openrc")
    assert script.startswith("#!/sbin/openrc-run\n")
    source = tmp_path / "script"
    source.write_text(script)
    words = "; ".join(f'{word}() {{ echo {word} "$@"; }}' for word in ("need", "use", "after"))
    ask = f'set -f; . {source}; depend; echo "$command $command_args $command_background"'
    said = run(["busybox", "sh", "-c", f"{words}; {ask}"])
    assert said == "need localmount\nuse net\nafter *\n/bin/sh /var/lib/offline-guest/firstboot/runner yes\n"


def test_the_mark_of_work_is_where_the_unit_looks() -> None:
    assert f"ConditionPathExists={PENDING}\n" in unit_text(wants_network=False)
