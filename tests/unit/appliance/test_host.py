# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is read of the host, and what is made of it."""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib
import typing as t

import pytest
from ansible_collections.offline.guest.plugins.module_utils._appliance import _host_problems
from ansible_collections.offline.guest.plugins.module_utils._appliance._host import (
    Appliance,
    Cache,
    Facts,
    Kernel,
    Library,
    Program,
    System,
    available_memory,
    find_appliance,
    find_kernels,
    read_cache,
    read_facts,
    read_library,
    read_system,
)
from ansible_collections.offline.guest.plugins.module_utils._appliance._host_problems import find_problems, install
from ansible_collections.offline.guest.plugins.module_utils._appliance._session import ApplianceOptions
from ansible_collections.offline.guest.plugins.module_utils._appliance._warm_host import Saved, WarmFacts
from ansible_collections.offline.guest.plugins.module_utils._errors import HostError
from ansible_collections.offline.guest.plugins.module_utils._guest._host_info import HostTask, describe, handle

MIB = 1 << 20

GOOD = Facts(
    system=System("debian", "Debian GNU/Linux 12 (bookworm)", "x86_64"),
    library=Library("1.48.6", "/usr/bin/python3", "/usr/lib/guestfs", "/usr/bin/qemu-system-x86_64", "/var/tmp", 1280),
    bindings_error="",
    qemu=Program("/usr/bin/qemu-system-x86_64", "7.2.22"),
    qemu_img=Program("/usr/bin/qemu-img", "7.2.22"),
    appliance=Appliance("supermin", "/usr/lib/guestfs"),
    supermin="/usr/bin/supermin",
    kernels=(Kernel("/boot/vmlinuz-6.1", True),),
    kvm="usable",
    verdict={"accelerator": "kvm", "reason": ""},
    cache=Cache("/var/tmp/.guestfs-0", 10_000 * MIB, True),
    memory=8_000 * MIB,
    has_voluptuous=True,
)
STORE = WarmFacts("/cache/warm", (Saved("key", 600 << 20, 0),), "")


def changed(**values: t.Any) -> Facts:
    return dataclasses.replace(GOOD, **values)


def library(**values: t.Any) -> Library:
    assert GOOD.library is not None
    return dataclasses.replace(GOOD.library, **values)


class TestProblems:
    def test_none(self) -> None:
        assert find_problems(GOOD) == ()
        assert describe(GOOD, (), STORE)["ready"] is True

    @pytest.mark.parametrize(
        ("facts", "name", "message", "remedy"),
        [
            (
                changed(has_voluptuous=False),
                "voluptuous",
                "voluptuous is missing",
                "apt-get install python3-voluptuous",
            ),
            (changed(library=None, bindings_error="x: No module"), "libguestfs", "x: No module", "python3-guestfs"),
            (changed(library=library(version="1.44.0")), "libguestfs_version", "1.44.0 is too old", "newer release"),
            (changed(qemu=None), "qemu", "QEMU for x86_64 is missing", "apt-get install qemu-system-x86"),
            (changed(qemu_img=None), "qemu_img", "qemu-img is missing", "apt-get install qemu-utils"),
            (changed(appliance=None), "appliance", "no appliance in /usr/lib/guestfs", "LIBGUESTFS_PATH"),
            (changed(supermin=None), "supermin", "supermin is missing", "apt-get install supermin"),
            (changed(kernels=()), "kernel", "no kernel with its modules", "apt-get install linux-image-amd64"),
            (
                changed(kernels=(Kernel("/boot/vmlinuz-6.8", False),)),
                "kernel",
                "/boot/vmlinuz-6.8, from which the appliance is built, may not be read",
                "dpkg-statoverride --update --add root root 0644 /boot/vmlinuz-6.8",
            ),
            (
                changed(system=System("redhat", "Fedora", "x86_64"), kernels=(Kernel("/boot/vmlinuz-6", False),)),
                "kernel",
                "may not be read",
                "chmod 0644 /boot/vmlinuz-6",
            ),
            (changed(cache=Cache("/x", 100 * MIB, False)), "space", "/x has 100 MiB free", "LIBGUESTFS_CACHEDIR"),
            (changed(cache=Cache("/x", None, False)), "space", "cannot be used: /x", "LIBGUESTFS_CACHEDIR"),
        ],
    )
    def test_blocking(self, facts: Facts, name: str, message: str, remedy: str) -> None:
        (problem,) = find_problems(facts)
        assert problem.name == name
        assert problem.blocking
        assert message in problem.message
        assert remedy in problem.remedy
        assert describe(facts, [problem], STORE)["ready"] is False

    @pytest.mark.parametrize(
        ("facts", "name", "message"),
        [
            (changed(kvm="absent", verdict=None), "kvm", "no /dev/kvm"),
            (changed(kvm="denied", verdict=None), "kvm", "may not be used by this user"),
            (changed(verdict={"accelerator": "tcg", "reason": "\x1b[1mMSR"}), "kvm", "QEMU said: \\x1b[1mMSR"),
            (changed(memory=600 * MIB), "memory", "600 MiB of memory are available, and an appliance gets 1280 MiB"),
        ],
    )
    def test_not_blocking(self, facts: Facts, name: str, message: str) -> None:
        (problem,) = find_problems(facts)
        assert (problem.name, problem.blocking) == (name, False)
        assert message in problem.message
        result = describe(facts, [problem], STORE)
        assert result["ready"] is True
        assert result["accelerator"] == ("tcg" if name == "kvm" else "kvm")

    @pytest.mark.parametrize(
        "facts",
        [
            changed(verdict=None),
            changed(memory=None),
            changed(cache=Cache("/x", 1, True)),
            changed(appliance=Appliance("fixed", "/x"), supermin=None, kernels=(), cache=Cache("/x", 1, False)),
            changed(kernels=(Kernel("/boot/vmlinuz-5", True), Kernel("/boot/vmlinuz-6", False))),
        ],
    )
    def test_these_are_no_problems(self, facts: Facts) -> None:
        assert find_problems(facts) == ()

    def test_blocking_ones_come_first(self) -> None:
        found = find_problems(changed(kvm="absent", verdict=None, memory=1, library=None, qemu=None))
        assert [problem.name for problem in found] == ["libguestfs", "qemu", "kvm"]

    @pytest.mark.parametrize("family", list(_host_problems._INSTALL))
    @pytest.mark.parametrize("what", list(_host_problems._PACKAGES))
    @pytest.mark.parametrize("arch", ["x86_64", "aarch64", "s390x"])
    def test_every_remedy_names_one_package(self, family: t.Any, what: str, arch: str) -> None:
        command = install(System(family, "", arch), what)
        tool, package = command.removesuffix(" (from the repository edge/testing)").rsplit(" ", 1)
        assert tool == _host_problems._INSTALL[family]
        assert package
        assert "{" not in package

    def test_unknown_distribution(self) -> None:
        remedy = install(System("unknown", "Gentoo", "x86_64"), "bindings")
        assert "python3-guestfs (debian)" in remedy
        assert "python3-libguestfs (redhat)" in remedy


class TestReaders:
    @pytest.mark.parametrize(
        ("text", "family"),
        [
            ('ID=debian\nPRETTY_NAME="Debian"\n', "debian"),
            ('ID=linuxmint\nID_LIKE="ubuntu debian"\n', "debian"),
            ('ID="almalinux"\nID_LIKE="rhel centos fedora"\n', "redhat"),
            ('ID="opensuse-tumbleweed"\nID_LIKE="opensuse suse"\n', "suse"),
            ("ID=manjaro\nID_LIKE=arch\n", "arch"),
            ("ID=alpine\n", "alpine"),
            ("ID=gentoo\n", "unknown"),
            ("", "unknown"),
            ("\0\xff=\n=", "unknown"),
        ],
    )
    def test_system(self, text: str, family: str) -> None:
        assert read_system(text, "x86_64").family == family

    def test_kernels(self, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("SUPERMIN_KERNEL", raising=False)
        for version in ("6.10.0-1", "6.9.0-2", "5.0-without-modules"):
            (tmp_path / "boot").mkdir(exist_ok=True)
            (tmp_path / "boot" / f"vmlinuz-{version}").touch()
            if "without" not in version:
                (tmp_path / "lib" / "modules" / version).mkdir(parents=True)
                (tmp_path / "lib" / "modules" / version / "modules.dep").touch()
        names = [pathlib.Path(kernel.path).name for kernel in find_kernels(str(tmp_path))]
        assert names == ["vmlinuz-6.9.0-2", "vmlinuz-6.10.0-1"]
        (tmp_path / "boot" / "vmlinuz-6.10.0-1").rename(tmp_path / "lib" / "modules" / "6.10.0-1" / "vmlinuz")
        assert find_kernels(str(tmp_path))[-1].path.endswith("6.10.0-1/vmlinuz")

    def test_stated_kernel(self, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SUPERMIN_KERNEL", str(tmp_path / "gone"))
        assert find_kernels(str(tmp_path)) == (Kernel(str(tmp_path / "gone"), False),)

    def test_appliance(self, tmp_path: pathlib.Path) -> None:
        assert find_appliance(str(tmp_path)) is None
        (tmp_path / "a").mkdir()
        (tmp_path / "b" / "supermin.d").mkdir(parents=True)
        search = f"{tmp_path}/missing:{tmp_path}/a:{tmp_path}/b"
        assert find_appliance(search) == Appliance("supermin", f"{tmp_path}/b")
        for name in ("README.fixed", "kernel", "initrd", "root"):
            assert find_appliance(search) == Appliance("supermin", f"{tmp_path}/b")
            (tmp_path / "a" / name).touch()
        assert find_appliance(search) == Appliance("fixed", f"{tmp_path}/a")

    def test_cache(self, tmp_path: pathlib.Path) -> None:
        cache = read_cache(str(tmp_path))
        assert cache.free is not None
        assert not cache.filled
        assert read_cache(str(tmp_path / "gone")).free is None
        (pathlib.Path(cache.path) / "appliance.d").mkdir(parents=True)
        (pathlib.Path(cache.path) / "appliance.d" / "root").touch()
        assert read_cache(str(tmp_path)).filled

    def test_memory(self) -> None:
        assert available_memory("MemTotal: 9 kB\nMemAvailable:    2048 kB\n") == 2 * MIB
        assert available_memory("") is None

    def test_library_is_asked_of_the_first_that_has_it(self, tmp_path: pathlib.Path) -> None:
        answer: dict[str, t.Any] = {"version": "1.2.3", "path": "/p", "emulator": "/q", "cache": "/c", "memory_mb": 5}
        good, bad = tmp_path / "good", tmp_path / "bad"
        good.write_text(f"#!/bin/sh\necho '{json.dumps(answer)}'\n")
        bad.write_text("#!/bin/sh\necho 'Traceback' >&2; echo 'ImportError: no \033[1mguestfs' >&2; exit 1\n")
        for program in (good, bad):
            program.chmod(0o755)
        found, errors = read_library([str(tmp_path / "gone"), str(bad), str(good), str(bad)])
        assert found == Library(interpreter=str(good), **answer)
        assert errors == f"{tmp_path}/gone: cannot be run, or did not answer; {bad}: ImportError: no \\x1b[1mguestfs"
        assert read_library([str(bad)])[0] is None


def test_this_host() -> None:
    """The real thing: what it says of this host can be checked against the host."""
    facts = read_facts()
    assert facts.system.arch == os.uname().machine
    for program in (facts.qemu, facts.qemu_img):
        assert program is None or os.access(program.path, os.X_OK)
    assert (facts.kvm == "absent") == (not os.path.exists("/dev/kvm"))
    result = dict(handle(HostTask({})).result)
    assert json.loads(json.dumps(result)) == result
    assert set(result) == set(describe(GOOD, (), STORE))


def test_values_are_there_when_nothing_is() -> None:
    nothing = changed(library=None, qemu=None, qemu_img=None, appliance=None, kernels=(), kvm="absent", verdict=None)
    result = describe(nothing, find_problems(nothing), STORE)
    assert set(result) == set(describe(GOOD, (), STORE))
    assert result["libguestfs"] is result["qemu"] is result["appliance"] is None
    assert result["kvm"] == {"present": False, "accessible": False, "works": None}


class TestWarmStore:
    def options(self, folder: pathlib.Path) -> ApplianceOptions:
        return ApplianceOptions(cache_dir=str(folder))

    def filled(self, folder: pathlib.Path) -> HostTask:
        (folder / "key").mkdir(parents=True)
        folder.chmod(0o700)
        return HostTask({"warm": "absent"}, self.options(folder))

    def test_what_is_saved_is_told(self) -> None:
        told = describe(GOOD, (), STORE)["warm"]
        appliances = [{"name": "key", "size_mb": 600, "last_used": "1970-01-01T00:00:00Z"}]
        assert told == {"path": "/cache/warm", "refused": None, "appliances": appliances}

    def test_it_is_removed_once(self, tmp_path: pathlib.Path) -> None:
        task = self.filled(tmp_path / "warm")
        checked = handle(dataclasses.replace(task, check=True))
        assert checked.changed and (tmp_path / "warm" / "key").exists()
        assert [handle(task).changed for _time in range(2)] == [True, False]
        assert handle(task).result["warm"]["appliances"] == []

    def test_what_is_open_to_others_is_told_and_left(self, tmp_path: pathlib.Path) -> None:
        task = self.filled(tmp_path / "warm")
        (tmp_path / "warm").chmod(0o755)
        told = handle(HostTask({}, task.options)).result["warm"]
        assert told["refused"] == f"{tmp_path}/warm is open to other users"
        with pytest.raises(HostError, match="is open to other users"):
            handle(task)
        assert (tmp_path / "warm" / "key").exists()

    def test_a_check_saves_nothing(self, tmp_path: pathlib.Path) -> None:
        task = HostTask({"warm": "built"}, self.options(tmp_path / "warm"), check=True)
        assert handle(task).changed
        assert not (tmp_path / "warm").exists()
