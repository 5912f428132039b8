# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a mounted tree is and what it says, hostile ones included."""

from __future__ import annotations

import stat
import typing as t

import pytest
from ansible_collections.offline.guest.plugins.module_utils._appliance._calls import Calls
from ansible_collections.offline.guest.plugins.module_utils._guest import _inspect_linux as linux
from ansible_collections.offline.guest.plugins.module_utils._guest._inspect_view import MAX_FILE, View
from ansible_collections.offline.guest.plugins.module_utils._guest._release import Release
from ansible_collections.offline.guest.tests.unit.guest.fake_disk import debian
from ansible_collections.offline.guest.tests.unit.guest.fake_rpc import FakeRpc
from hypothesis import given
from hypothesis import strategies as st


def view_of(tree: FakeRpc, prefix: str = "") -> tuple[View, list[str]]:
    warnings: list[str] = []
    return View(Calls(tree), prefix=prefix, warn=warnings.append), warnings


def tree_of(*paths: str) -> FakeRpc:
    """A tree of directories (``/x/``), links (``/x -> y``) and files."""
    tree = FakeRpc()
    for path in paths:
        where, arrow, target = path.partition(" -> ")
        if arrow:
            tree.add_link(where, target)
        elif path.endswith("/"):
            tree.add_dir(path.rstrip("/"))
        else:
            tree.add_file(path, b"x\n")
    return tree


@pytest.mark.parametrize(
    ("paths", "role"),
    [
        (["/etc/fstab", "/bin/"], "linux"),
        (["/etc/hosts", "/bin -> usr/bin"], "linux"),
        # libguestfs knows the link by its exact words.
        (["/etc/hosts", "/bin -> /usr/bin"], "other"),
        (["/etc/hosts", "/bin -> /usr/bin", "/etc/os-release"], "nearly-linux"),
        (["/etc/fstab -> hosts", "/etc/hosts -> fstab", "/bin/"], "other"),
        (["/etc/os-release", "/usr/bin/"], "nearly-linux"),
        (["/grub/menu.lst", "/etc/fstab", "/bin/"], "other"),
        (["/grub2/grub.cfg"], "other"),
        (["/etc/coreos/update.conf", "/root/", "/home/", "/usr/"], "coreos"),
        (["/bin/", "/share/coreos/", "/local/"], "coreos-usr"),
        (["/bin/", "/share/", "/local/", "/src/"], "usr"),
        (["/bin/", "/share/", "/etc/"], "other"),
        (["/etc/freebsd-update.conf", "/etc/fstab", "/bin/"], "foreign"),
        (["/Windows/System32/", "/pagefile.sys"], "foreign"),
        (["/FDOS/"], "foreign"),
        (["/lost+found/", "/log/"], "other"),
        ([], "other"),
    ],
)
def test_roles(paths: list[str], role: str) -> None:
    view, _warnings = view_of(tree_of(*paths))
    assert linux.role_of(view) == role


def test_a_debian() -> None:
    view, warnings = view_of(debian())
    assert linux.role_of(view) == "linux"
    facts = linux.read_root(view)
    assert (facts.release.distro, facts.release.version) == ("debian", (12, 4))
    assert (facts.arch, facts.hostname, facts.init_system) == ("x86_64", "web01", "systemd")
    assert warnings == []


def test_links_stay_inside_a_subvolume() -> None:
    """Below a prefix an absolute link means the subvolume's own root, and ``..`` stops there."""
    tree = FakeRpc()
    tree.add_file("/usr/lib/os-release", b"ID=outside\n")
    tree.add_file("/sub/usr/lib/os-release", b"ID=inside\n")
    tree.add_link("/sub/etc/os-release", "/usr/lib/os-release")
    tree.add_link("/sub/etc/up", "../../../../../usr/lib/os-release")
    view, _warnings = view_of(tree, "/sub")
    assert view.text("/etc/os-release") == "ID=inside\n"
    assert view.text("/etc/up") == "ID=inside\n"


HOSTILE = {
    "fifo": lambda tree, path: tree.add_special(path, stat.S_IFIFO),
    "device": lambda tree, path: tree.add_special(path, stat.S_IFCHR),
    "directory": lambda tree, path: tree.add_dir(path),
    "loop": lambda tree, path: tree.add_link(path, path),
    "dangling": lambda tree, path: tree.add_link(path, "/nowhere"),
    "to a fifo": lambda tree, path: (tree.add_special("/fifo", stat.S_IFIFO), tree.add_link(path, "/fifo")),
    "huge": lambda tree, path: tree.add_file(path, b"x", size=1 << 50),
    "binary": lambda tree, path: tree.add_file(path, b"a\0b\n"),
}


@pytest.mark.parametrize("kind", HOSTILE)
@pytest.mark.parametrize("path", ["/etc/fstab", "/usr/lib/os-release", "/etc/hostname", "/etc/debian_version"])
def test_a_hostile_file_is_a_warning_and_nothing(path: str, kind: str) -> None:
    tree = debian()
    tree.add_file("/etc/hosts", b"127.0.0.1 localhost\n")
    del tree.nodes[path]
    HOSTILE[kind](tree, path)
    view, warnings = view_of(tree)
    assert linux.role_of(view) == "linux"
    facts = linux.read_root(view)
    assert facts.arch == "x86_64"
    assert any(path in warning or "/etc/os-release" in warning for warning in warnings)
    if path == "/etc/fstab":
        assert facts.fstab == ()
    if path == "/etc/hostname":
        assert facts.hostname is None
    if path == "/etc/debian_version":
        assert facts.release.version == (12, 0)


def test_missing_files_are_no_warning() -> None:
    view, warnings = view_of(tree_of("/etc/hosts", "/bin/"))
    facts = linux.read_root(view)
    assert (facts.hostname, facts.fstab, facts.arch, facts.init_system) == (None, (), None, "unknown")
    assert warnings == []


def test_a_file_of_the_largest_size_is_read() -> None:
    tree = FakeRpc(short_reads=4096)
    tree.add_file("/a", b"x" * MAX_FILE)
    tree.add_file("/b", b"x" * (MAX_FILE + 1))
    view, warnings = view_of(tree)
    assert view.read("/a") == b"x" * MAX_FILE
    assert view.read("/b") is None
    assert len(warnings) == 1


@pytest.mark.parametrize(
    ("files", "name"),
    [
        ({"/etc/hostname": b"# comment\n\nhost\n"}, "host"),
        ({"/etc/HOSTNAME": b"suse\n", "/etc/hostname": b"other\n"}, "suse"),
        ({"/etc/sysconfig/network": b"NETWORKING=yes\nHOSTNAME=rhel6.example.com\n"}, "rhel6.example.com"),
        ({"/etc/hostname": b"\n", "/etc/sysconfig/network": b'HOSTNAME="q"\n'}, "q"),
        ({"/etc/hostname": b"a" * 256}, None),
        ({"/etc/hostname": b"a\x1b[2J\n"}, None),
        ({"/etc/hostname": b"h\xe4\n"}, "h\\xe4"),
    ],
)
def test_hostname(files: dict[str, bytes], name: str | None) -> None:
    tree = FakeRpc()
    for path, content in files.items():
        tree.add_file(path, content)
    view, _warnings = view_of(tree)
    assert linux.hostname(view) == name


def elf(machine: int, *, bits: int = 2, order: int = 1, kind: int = 3) -> bytes:
    endian: t.Literal["little", "big"] = "little" if order == 1 else "big"
    return b"\x7fELF" + bytes([bits, order]) + bytes(10) + kind.to_bytes(2, endian) + machine.to_bytes(2, endian)


@pytest.mark.parametrize(
    ("header", "arch"),
    [
        (elf(62), "x86_64"),
        (elf(3, bits=1), "i386"),
        (elf(183), "aarch64"),
        (elf(40, bits=1), "arm"),
        (elf(21), "ppc64le"),
        (elf(21, order=2), "ppc64"),
        (elf(22, order=2), "s390x"),
        (elf(22, bits=1, order=2), "s390"),
        (elf(243), "riscv64"),
        (elf(62, kind=4), None),
        (elf(9999), None),
        (elf(62)[:19], None),
        (b"#!/bin/sh\n" + bytes(20), None),
        (b"\x7fELF" + bytes(16), None),
        (b"", None),
    ],
)
def test_elf_architecture(header: bytes, arch: str | None) -> None:
    assert linux.elf_architecture(header) == arch


@given(st.binary(max_size=30))
def test_any_header_gives_an_answer(header: bytes) -> None:
    linux.elf_architecture(header)
    linux.elf_architecture(b"\x7fELF" + header)


def test_the_first_program_that_tells_gives_the_architecture() -> None:
    tree = FakeRpc()
    tree.add_file("/bin/bash", b"#!/bin/sh\n" * 10)
    tree.add_link("/bin/ls", "/bin/busybox")
    tree.add_file("/bin/busybox", elf(183) + bytes(100))
    tree.add_special("/bin/echo", stat.S_IFIFO)
    view, _warnings = view_of(tree)
    assert linux.architecture(view) == "aarch64"


@pytest.mark.parametrize(
    ("paths", "init"),
    [
        (["/sbin/init -> ../lib/systemd/systemd", "/etc/inittab"], "systemd"),
        (["/sbin/init", "/lib/systemd/systemd", "/etc/inittab"], "sysvinit"),
        (["/sbin/init -> /bin/busybox", "/bin/busybox", "/sbin/openrc", "/etc/inittab", "/etc/init.d/"], "openrc"),
        (["/sbin/init", "/usr/lib/systemd/systemd"], "systemd"),
        (["/usr/lib/systemd/system/"], "systemd"),
        (["/sbin/init", "/etc/init.d/"], "sysvinit"),
        (["/sbin/init"], "unknown"),
        ([], "unknown"),
    ],
)
def test_init_system(paths: list[str], init: str) -> None:
    view, _warnings = view_of(tree_of(*paths))
    assert linux.init_system(view) == init


def test_a_separate_usr_completes_the_root() -> None:
    root = linux.Facts(hostname="h")
    usr = tree_of("/bin/", "/share/", "/local/", "/src/", "/lib/systemd/systemd")
    usr.add_file("/lib/os-release", b"ID=fedora\nPRETTY_NAME=F\nVERSION_ID=39\n")
    usr.add_file("/bin/bash", elf(62) + bytes(50))
    view, _warnings = view_of(usr)
    merged = linux.merged(root, linux.read_usr(view))
    assert (merged.release.distro, merged.arch, merged.hostname) == ("fedora", "x86_64", "h")
    assert merged.init_system == "systemd"


def test_a_directory_is_listed_in_order_and_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ansible_collections.offline.guest.plugins.module_utils._guest._inspect_view._MAX_NAMES", 2)
    view, warnings = view_of(tree_of("/d/c", "/d/a", "/d/b"))
    assert view.names("/d") == ["a", "b"]
    assert len(warnings) == 1
    assert view.names("/none") == []


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_random_release_and_fstab_give_an_answer(release: bytes, fstab: bytes) -> None:
    tree = debian(fstab=fstab)
    tree.nodes["/usr/lib/os-release"].content = release
    view, _warnings = view_of(tree)
    assert linux.read_root(view).arch == "x86_64"


@pytest.mark.parametrize(
    ("version", "version_id", "text"),
    [
        ((24, 4), "24.04", "24.04"),
        ((12, 4), "12", "12.4"),
        ((3, 19), "3.19.1", "3.19.1"),
        ((39, 0), "39", "39"),
        ((6, 10), None, "6.10"),
        ((0, 0), None, None),
        (None, None, None),
        (None, "rolling", "rolling"),
    ],
)
def test_version_text(version: tuple[int, int] | None, version_id: str | None, text: str | None) -> None:
    assert linux.version_text(Release(version=version, version_id=version_id)) == text
