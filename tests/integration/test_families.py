# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Linux guests of every family in one appliance: what is found in them, and firstboot.

What is found must equal what libguestfs's own inspection says. That takes minutes for so many guests, but is the same
for the same images, so it is asked once and kept beside the images, with their digests.
"""

from __future__ import annotations

import json
import typing as t
from dataclasses import dataclass, field

import images
import pytest
from ansible_collections.offline.guest.plugins.module_utils._appliance._host import read_facts
from ansible_collections.offline.guest.plugins.module_utils._errors import OfflineGuestError
from ansible_collections.offline.guest.plugins.module_utils._guest import _firstboot, _firstboot_report
from ansible_collections.offline.guest.plugins.module_utils._guest._files import GuestFiles
from ansible_collections.offline.guest.plugins.module_utils._guest._guest import Guest, GuestOptions
from ansible_collections.offline.guest.plugins.module_utils._guest._inspect import OperatingSystem, inspect
from ansible_collections.offline.guest.plugins.module_utils._guest._mount import mount_system
from ansible_collections.offline.guest.plugins.module_utils._guest._task import Outcome, Task
from drives import Fleet, fleet
from factory.disk import stable_uuid
from guest_files import list_guest, read_guest_file, stat_guest
from harness import ROOT, Harness

pytestmark = pytest.mark.appliance

KEPT_ANSWERS = ROOT / "build" / "inspected.json"
#: System → where its root is ({disk} is the image's), and what the factory made it to be.
SYSTEMS: dict[str, tuple[str, dict[str, t.Any]]] = {
    "debian-like": ("{disk}1", {"distro": "debian", "major": 12, "minor": 8, "init_system": "systemd"}),
    "ubuntu-like": ("{disk}3", {"distro": "ubuntu", "major": 24, "minor": 4, "hostname": "ubuntu"}),
    "fedora-lvm": ("/dev/fedora/root", {"distro": "fedora", "major": 40, "package_format": "rpm"}),
    "fedora-btrfs": ("btrfsvol:{disk}2/root", {"distro": "fedora", "major": 40, "package_management": "dnf"}),
    "opensuse-like": ("{disk}2", {"major": 15, "minor": 6, "hostname": "suse"}),
    "arch-like": ("{disk}2", {"distro": "archlinux", "package_format": "pacman", "init_system": "systemd"}),
    "alpine-like": ("{disk}3", {"distro": "alpinelinux", "major": 3, "minor": 20, "init_system": "openrc"}),
    "rhel7-like": ("{disk}2", {"distro": "rhel", "major": 7, "minor": 9, "package_management": "yum"}),
    "rhel6-like": ("{disk}1", {"distro": "rhel", "major": 6, "minor": 10, "init_system": "sysvinit"}),
    "coreos-like": ("{disk}9", {"distro": "coreos", "major": 2512, "minor": 3, "hostname": "core1"}),
    "md": ("/dev/md127", {"distro": "debian", "hostname": "md"}),
    "luks": (f"/dev/mapper/luks-{stable_uuid('luks', 'container')}", {"distro": "debian", "hostname": "luks"}),
    "multi-os first": ("{disk}1", {"distro": "debian", "hostname": "first"}),
    "multi-os second": ("{disk}2", {"distro": "fedora", "hostname": "second", "init_system": "systemd"}),
    images.REAL: ("{disk}2", {"distro": "debian", "init_system": "systemd", "package_management": "apt"}),
}
#: What installs packages, as its command is named.
MANAGERS = {"apt": "apt-get", "dnf": "dnf", "yum": "yum", "zypper": "zypper", "pacman": "pacman", "apk": "apk"}
#: Guests whose scripts stay, to be looked at with debugfs in the end.
KEPT = ("debian-like", "alpine-like", "rhel6-like", "multi-os second")
FIELDS = (
    *("type", "distro", "major_version", "minor_version", "product_name", "arch", "hostname"),
    *("package_format", "package_management", "mountpoints"),
)

BASE = "/var/lib/offline-guest/firstboot"
UNIT = "/etc/systemd/system/offline-guest-firstboot.service"
STARTERS = {
    "systemd": {
        UNIT: 0o644,
        "/etc/systemd/system/multi-user.target.wants/offline-guest-firstboot.service": "link",
        "/etc/systemd/system-preset/00-offline-guest-firstboot.preset": 0o644,
    },
    "openrc": {
        "/etc/init.d/offline-guest-firstboot": 0o755,
        "/etc/runlevels/default/offline-guest-firstboot": "link",
    },
    "sysvinit": {
        "/etc/rc.d/init.d/offline-guest-firstboot": 0o755,
        **{f"/etc/rc.d/rc{level}.d/S99offline-guest-firstboot": "link" for level in (2, 3, 4, 5)},
    },
}
#: Where anything of firstboot could be.
PLACES = ("/etc/init.d", "/etc/rc.d", "/etc/runlevels", "/etc/systemd", "/var/lib/offline-guest")
DEFAULTS: dict[str, t.Any] = {
    **{key: None for key in ("content", "src", "commands", "packages", "interpreter", "env", "wants_network")},
    "state": "present",
    "user": "root",
    "timeout": 3600,
    "on_failure": "continue",
    "retries": 0,
    "retry_delay": 5,
    "reboot": False,
}
CONTENT = "#!/bin/sh\necho Grüße from {{ nobody }}\n"


@dataclass
class Booted:
    """What firstboot did in one guest."""

    calls: list[Outcome] = field(default_factory=list)
    packages: list[Outcome] = field(default_factory=list)
    package_script: str = ""
    before: dict[str, str] = field(default_factory=dict)
    during: dict[str, str] = field(default_factory=dict)
    after: dict[str, str] = field(default_factory=dict)
    report: dict[str, t.Any] = field(default_factory=dict)
    error: str = ""


@dataclass(frozen=True)
class Lab:
    """All that was seen in the appliance, by name of the system; ``theirs`` is libguestfs's inspection, by root."""

    fleet: Fleet
    ours: t.Mapping[str, OperatingSystem]
    theirs: t.Mapping[str, t.Mapping[str, t.Any]]
    found: list[str]
    inspect_calls: int
    warnings: list[str]
    booted: t.Mapping[str, Booted]


def _image(system: str) -> str:
    return system.split()[0]


@pytest.fixture(scope="module")
def lab(harness: Harness, tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Lab]:
    names = list(dict.fromkeys(_image(system) for system in SYSTEMS))
    with fleet(harness, tmp_path_factory.mktemp("families"), names) as ships:
        warnings: list[str] = []
        keys = [{"device": device, "key": key} for name in names for device, key in images.luks_keys(name).items()]
        disks = list(ships.devices.values())
        found = inspect(ships.calls, luks_keys=keys, warn=warnings.append, disks=disks).systems
        inspect_calls = len(ships.rpc.results("inspect_os"))
        wanted = {name: root.format(disk=ships.devices[_image(name)]) for name, (root, _facts) in SYSTEMS.items()}
        ours = {name: system for name, root in wanted.items() for system in found if system.root == root}
        theirs = _libguestfs_says(ships)
        booted = {name: _boot(ships, name, system) for name, system in ours.items()}
        ships.stop()
        yield Lab(ships, ours, theirs, [system.root for system in found], inspect_calls, warnings, booted)


def _libguestfs_says(ships: Fleet) -> dict[str, dict[str, t.Any]]:
    """Return libguestfs's inspection by root; asked where images, their order or libguestfs are not what they were."""
    library = read_facts().library
    drives = [[device, str(images.facts(name)["digest"])] for name, device in ships.devices.items()]
    key = {"version": 1, "libguestfs": library.version if library else "", "drives": drives}
    kept = json.loads(KEPT_ANSWERS.read_text()) if KEPT_ANSWERS.exists() else {}
    if kept.get("key") != key:
        kept = {"key": key, "answers": {root: _ask(ships, root) for root in ships.calls.inspect_os()}}
        KEPT_ANSWERS.write_text(json.dumps(kept, indent=1))
    return dict(kept["answers"])


def _ask(ships: Fleet, root: str) -> dict[str, t.Any]:
    return {name: ships.calls.inspect_get(name, root) for name in FIELDS}


def _boot(ships: Fleet, name: str, system: OperatingSystem) -> Booted:
    """Add a script four times and one for packages, look, remove both; in some guests put the first back."""
    done = Booted()
    try:
        mount_system(ships.calls, system, warn=lambda _text: None)
        guest = Guest(ships.calls, GuestFiles(ships.calls), (system,), GuestOptions())
        done.before = _tree(guest.files)
        script: dict[str, t.Any] = {"name": "10-first", "content": CONTENT, "env": {"COLOUR": "it's red"}}
        done.calls = [_run(guest, check=check, **script) for check in (True, False, False, True)]
        if system.package_management:
            done.packages = [_run(guest, name="20-more", packages=["vim"]) for _call in range(2)]
            done.package_script = guest.files.read(f"{BASE}/scripts/20-more/script", max_size=65536).decode()
        done.during = _tree(guest.files)
        report = Task({"name": None, "max_log": 1024}, guest, False, pytest.fail)
        done.report = dict(_firstboot_report.handle(report).result)
        for added in ("10-first", "20-more"):
            _run(guest, name=added, state="absent")
        done.after = _tree(guest.files)
        if name in KEPT:
            _run(guest, **script)
    except OfflineGuestError as exc:
        done.error = f"{type(exc).__name__}: {exc}"
    return done


def _run(guest: Guest, *, check: bool = False, **params: t.Any) -> Outcome:
    return _firstboot.handle(Task({**DEFAULTS, **params}, guest, check, pytest.fail))


def _tree(files: GuestFiles) -> dict[str, str]:
    """Return kind, mode and owner of everything below the places of firstboot."""
    found: dict[str, str] = {}
    waiting = list(PLACES)
    while waiting:
        path = waiting.pop()
        what = files.lstat(path)
        if what is not None:
            found[path] = f"{what.kind} {what.mode:04o} {what.uid}:{what.gid}"
            if what.kind == "directory":
                waiting += [f"{path}/{name}" for name in files.list_dir(path)]
    return found


def test_every_system_is_found_and_no_other(lab: Lab) -> None:
    assert sorted(lab.ours) == sorted(SYSTEMS), lab.found
    assert sorted(lab.found) == sorted(lab.theirs)


def test_linux_needs_no_slow_inspection(lab: Lab) -> None:
    assert lab.inspect_calls == 0
    assert lab.warnings == []


@pytest.mark.parametrize("name", SYSTEMS)
def test_our_inspection_equals_that_of_libguestfs(lab: Lab, name: str) -> None:
    system = lab.ours[name]
    ours = {
        **{key: getattr(system, key) or "unknown" for key in FIELDS if hasattr(system, key)},
        "major_version": system.major,
        "minor_version": system.minor,
        "mountpoints": {path: mountable for path, (mountable, _type) in system.mountpoints.items()},
    }
    assert ours == lab.theirs[system.root]


@pytest.mark.parametrize("name", SYSTEMS)
def test_a_system_is_what_the_factory_made(lab: Lab, name: str) -> None:
    facts = SYSTEMS[name][1]
    assert {key: getattr(lab.ours[name], key) for key in facts} == facts


@pytest.mark.parametrize("name", SYSTEMS)
def test_firstboot_is_idempotent_in_every_family(lab: Lab, name: str) -> None:
    done = lab.booted[name]
    assert not done.error
    assert [call.changed for call in done.calls] == [True, True, False, False]
    assert done.calls[0].diff == done.calls[1].diff
    assert done.calls[2].diff == done.calls[3].diff == []
    assert done.calls[0].result == done.calls[1].result == done.calls[3].result
    assert [call.changed for call in done.packages] == ([True, False] if lab.ours[name].package_management else [])


@pytest.mark.parametrize("name", SYSTEMS)
def test_firstboot_is_started_by_the_guests_own_init_system(lab: Lab, name: str) -> None:
    done, init = lab.booted[name], lab.ours[name].init_system
    added = {path: what for path, what in done.during.items() if path not in done.before}
    for path, mode in STARTERS[init].items():
        assert added[path] == (f"file {mode:04o} 0:0" if isinstance(mode, int) else "link 0777 0:0")
    others = [path for other, paths in STARTERS.items() if other != init for path in paths]
    assert not [path for path in others if path in added]
    assert added[f"{BASE}/runner"] == added[f"{BASE}/scripts/10-first/script"] == "file 0700 0:0"
    assert added[BASE] == "directory 0700 0:0"
    assert all(done.during[path] == what for path, what in done.before.items())
    names = ["10-first", "20-more"] if done.packages else ["10-first"]
    assert (done.report["enabled"], done.report["init_system"], done.report["to_run"]) == (True, init, names)
    assert {script["state"] for script in done.report["scripts"]} == {"pending"}


@pytest.mark.parametrize("name", [name for name in SYSTEMS if name != "coreos-like"])
def test_packages_are_installed_by_the_guests_own_manager(lab: Lab, name: str) -> None:
    manager = lab.ours[name].package_management
    assert manager is not None
    command = MANAGERS[manager]
    assert f"{command} " in lab.booted[name].package_script
    assert not [other for other in set(MANAGERS.values()) - {command} if f"{other} " in lab.booted[name].package_script]


@pytest.mark.parametrize("name", SYSTEMS)
def test_without_scripts_nothing_of_firstboot_stays(lab: Lab, name: str) -> None:
    done = lab.booted[name]
    # A folder for presets is kept: others may have put a preset there meanwhile.
    left = {path: what for path, what in done.after.items() if done.before.get(path) != what}
    assert set(left) <= {"/etc/systemd/system-preset"}


@pytest.mark.parametrize("name", KEPT)
def test_debugfs_sees_the_same_files(lab: Lab, name: str) -> None:
    init = lab.ours[name].init_system
    with lab.fleet.raw(_image(name)) as raw:
        for path, mode in STARTERS[init].items():
            found = stat_guest(raw, path)
            assert found is not None
            assert (found.kind, found.uid, found.gid) == ("link" if mode == "link" else "file", 0, 0)
            assert mode == "link" or found.mode == mode
        assert read_guest_file(raw, f"{BASE}/scripts/10-first/script").decode() == CONTENT
        assert list_guest(raw, f"{BASE}/scripts/10-first") == ["launch", "options", "script"]


def test_what_firstboot_writes_has_the_labels_of_the_guests_policy(lab: Lab) -> None:
    types = {UNIT: "systemd_unit_file_t", f"{BASE}/runner": "var_lib_t", f"{BASE}/scripts/10-first": "var_lib_t"}
    types["/etc/systemd/system/multi-user.target.wants/offline-guest-firstboot.service"] = "systemd_unit_file_t"
    with lab.fleet.raw("multi-os") as raw:
        for path, kind in types.items():
            found = stat_guest(raw, path)
            assert found is not None
            assert found.xattrs["security.selinux"].startswith(f"system_u:object_r:{kind}:s0")
