# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module fstab, on a guest in memory. What the twin does is in tests/unit/differential."""

from __future__ import annotations

import dataclasses
import stat
import typing as t

import pytest
from ansible_collections.offline.guest.plugins.module_utils._errors import GuestError, OptionError
from ansible_collections.offline.guest.plugins.module_utils._guest._fstab_lines import Mount, with_mount, without_mount
from ansible_collections.offline.guest.plugins.module_utils._guest._inspect_fstab import parse_fstab
from ansible_collections.offline.guest.plugins.modules import fstab
from ansible_collections.offline.guest.tests.unit.guest.fake_rpc import FakeRpc
from ansible_collections.offline.guest.tests.unit.guest.run_module import LINUX, Refused, four, modes, run
from hypothesis import example, given, settings
from hypothesis import strategies as st

ROOT = b"# comment\n\nUUID=1 / ext4 defaults 0 1\nnonsense\n"
DATA: dict[str, t.Any] = {"path": "/data", "src": "LABEL=data", "fstype": "xfs", "state": "present"}


def guest(content: bytes = ROOT, **fields: t.Any) -> FakeRpc:
    rpc = FakeRpc()
    rpc.add_file("/etc/fstab", content, **fields)
    return rpc


def entry(**values: str) -> Mount:
    return dataclasses.replace(Mount("LABEL=data", "/data", "xfs", "defaults", "0", "0"), **values)


def test_an_entry_is_added_at_the_end_and_its_mount_point_made() -> None:
    rpc = guest(mode=0o600, uid=3, gid=4)
    outcome = four(fstab, rpc, **DATA)
    assert rpc.nodes["/etc/fstab"].content == ROOT + b"LABEL=data /data xfs defaults 0 0\n"
    assert modes(rpc, "/etc/fstab") == ("0600", 3, 4)
    assert stat.S_ISDIR(rpc.nodes["/data"].mode)
    assert outcome.result == {
        "name": "/data",
        "fstab": "/etc/fstab",
        "backup_file": "",
        "state": "present",
        "src": "LABEL=data",
        "fstype": "xfs",
        "opts": "defaults",
        "dump": "0",
        "passno": "0",
        "boot": "yes",
        "paths": ["/etc/fstab", "/data"],
    }


def test_no_mount_point_is_made_where_that_is_not_wanted() -> None:
    rpc = guest()
    four(fstab, rpc, **DATA, create_mount_point=False)
    assert "/data" not in rpc.nodes


def test_a_missing_mount_point_alone_is_a_change() -> None:
    rpc = guest(ROOT + b"LABEL=data /data xfs defaults 0 0\n")
    outcome = four(fstab, rpc, **DATA)
    assert outcome.result["paths"] == ["/data"]


def test_a_file_that_is_mounted_over_stays_a_file() -> None:
    rpc = guest()
    rpc.add_file("/data", b"x")
    four(fstab, rpc, **DATA)
    assert rpc.nodes["/data"].content == b"x"


def test_a_missing_fstab_is_made_and_nothing_is_removed_from_one() -> None:
    rpc = FakeRpc()
    rpc.add_dir("/etc")
    assert not run(fstab, rpc, path="/data", state="absent").changed
    assert "/etc/fstab" not in rpc.nodes
    four(fstab, rpc, **DATA)
    assert modes(rpc, "/etc/fstab") == ("0644", 0, 0)


@pytest.mark.parametrize("state", ["mounted", "unmounted", "remounted", "ephemeral"])
def test_what_is_about_a_running_system_is_refused(state: str) -> None:
    with pytest.raises(OptionError, match="no system runs in an image"):
        run(fstab, guest(), **{**DATA, "state": state})


def test_present_needs_what_the_twin_needs() -> None:
    with pytest.raises(Refused, match="src, fstype"):
        run(fstab, guest(), path="/data", state="present")


@pytest.mark.parametrize("path", ["data", "", "/a/../b"])
def test_a_mount_point_is_an_absolute_path(path: str) -> None:
    with pytest.raises(OptionError):
        run(fstab, guest(), **{**DATA, "path": path})


@pytest.mark.parametrize("value", ["", "a\0b"])
def test_a_value_that_cannot_be_written_is_refused(value: str) -> None:
    with pytest.raises(OptionError, match="src"):
        run(fstab, guest(), **{**DATA, "src": value})


def test_boot() -> None:
    rpc, warnings = guest(), list[str]()
    outcome = four(fstab, rpc, **DATA, boot=False)
    assert (outcome.result["opts"], outcome.result["boot"]) == ("defaults,noauto", "no")
    run(fstab, rpc, **DATA, opts="ro,noauto", warnings=warnings)
    assert warnings == ["boot is passed over, because noauto is among the opts."]


def test_backup_beside_the_file() -> None:
    rpc = guest(mode=0o600)
    outcome = run(fstab, rpc, **DATA, backup=True)
    assert outcome.result["backup_file"].startswith("/etc/fstab.")
    assert rpc.nodes[outcome.result["backup_file"]].content == ROOT
    assert run(fstab, rpc, **DATA, backup=True).result["backup_file"] == ""


def test_secret_options_are_in_no_difference() -> None:
    rpc, hidden = guest(), list[str]()
    outcome = run(fstab, rpc, **DATA, opts="password=hunter2", opts_no_log=True, hidden=hidden)
    assert hidden == ["password=hunter2"]
    assert "hunter2" not in str(outcome.diff) + outcome.summary


def test_absent_removes_an_empty_mount_point_and_no_other() -> None:
    lines = b"LABEL=a /a xfs defaults 0 0\nLABEL=b /b xfs defaults 0 0\nLABEL=c /c xfs defaults 0 0\n"
    rpc, warnings = guest(ROOT + lines), list[str]()
    rpc.add_dir("/a")
    rpc.add_file("/b/f")
    rpc.add_dir("/c")
    four(fstab, rpc, path="/a", state="absent")
    assert "/a" not in rpc.nodes
    run(fstab, rpc, path="/b", state="absent", warnings=warnings)
    assert "/b/f" in rpc.nodes and "stays" in warnings[0]
    run(fstab, rpc, path="/c", state="absent_from_fstab")
    assert "/c" in rpc.nodes and rpc.nodes["/etc/fstab"].content == ROOT


def test_absent_leaves_what_is_mounted_in_the_session() -> None:
    rpc = guest(ROOT + b"LABEL=a /a xfs defaults 0 0\n")
    rpc.add_dir("/a")
    run(
        fstab,
        rpc,
        path="/a",
        state="absent",
        system=dataclasses.replace(LINUX, mountpoints={"/a": ("/dev/sdb", "xfs")}),
    )
    assert "/a" in rpc.nodes


def test_absent_without_an_entry_leaves_the_directory() -> None:
    rpc = guest()
    rpc.add_dir("/a")
    assert not run(fstab, rpc, path="/a", state="absent").changed
    assert "/a" in rpc.nodes


def test_swap_is_told_apart_by_its_source() -> None:
    rpc = guest(b"/dev/vda2 none swap sw 0 0\n")
    four(fstab, rpc, path="none", src="/swapfile", fstype="swap", opts="sw", state="present")
    assert rpc.nodes["/etc/fstab"].content == b"/dev/vda2 none swap sw 0 0\n/swapfile none swap sw 0 0\n"
    four(fstab, rpc, path="none", src="/dev/vda2", state="absent")
    assert rpc.nodes["/etc/fstab"].content == b"/swapfile none swap sw 0 0\n"


@pytest.mark.parametrize(
    ("line", "path"),
    [
        (b"x /mnt/a\\040b ext4 ro 0 0\n", "/mnt/a b"),
        (b"x /mnt/a&b ext4 ro 0 0\n", "/mnt/a&b"),
        (b"x\t/a\text4\tro\n", "/a"),
    ],
)
def test_an_entry_is_found_however_it_is_written(line: bytes, path: str) -> None:
    mount = Mount("y", path, "ext4", "ro", "0", "0")
    assert with_mount(ROOT + line, mount).count(b"\n") == (ROOT + line).count(b"\n")
    assert without_mount(ROOT + line, path, None) == ROOT


def test_lines_of_others_keep_every_byte() -> None:
    odd = b"\xff\xfe /x ext4\r\n\ta b c d e f g h\nsshfs#u@h:/d /d fuse ro 0 0\r\n#LABEL=data /data xfs ro 0 0\nlast"
    assert with_mount(odd, entry()) == odd + b"\nLABEL=data /data xfs defaults 0 0\n"
    assert without_mount(odd, "/data", None) == odd
    assert b"sshfs" not in without_mount(odd, "/d", None)


def test_nothing_but_what_differs_is_written_anew() -> None:
    line = b"LABEL=data\t/data   xfs defaults 0 0 # mine\n"
    assert with_mount(ROOT + line, entry()) == ROOT + line
    assert with_mount(ROOT + line, entry(opts="ro")) == ROOT + b"LABEL=data /data xfs ro 0 0\n"


VALUES = st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"]), min_size=1, max_size=6)


@given(content=st.binary(max_size=60), src=VALUES, path=VALUES, opts=VALUES)
@example(content=b"a\\b /x y z", src="#", path="/\\040", opts=" ")
@settings(max_examples=300, deadline=None)
def test_what_was_set_is_found_and_removed_again(content: bytes, src: str, path: str, opts: str) -> None:
    mount = Mount(src, f"/{path}", "ext4", opts, "0", "0")
    start = without_mount(content, mount.path, None)
    written = with_mount(start, mount)
    assert with_mount(written, mount) == written
    assert without_mount(written, mount.path, None) == (start if not start or start.endswith(b"\n") else start + b"\n")


@given(src=VALUES, path=VALUES, opts=VALUES)
@settings(max_examples=300, deadline=None)
def test_what_was_written_is_read_as_it_was_meant(src: str, path: str, opts: str) -> None:
    if any(len(text.split()) != 1 and not text.isascii() for text in (src, path, opts)):
        return  # the reader of inspection splits at every kind of space; mount(8) and this only at ASCII's
    written = with_mount(b"", Mount(src, f"/{path}", "ext4", opts, "0", "2")).decode()
    if all(char.isprintable() for char in written.strip("\n")):
        found = parse_fstab(written)[0][0]
        assert (found.spec, found.file, found.options, found.passno) == (src, f"/{path}", opts, 2)


def test_hostile_files() -> None:
    rpc = guest(b"x" * 2_000_000)
    with pytest.raises(GuestError, match="more than"):
        run(fstab, rpc, **DATA)
    rpc = FakeRpc()
    rpc.add_special("/etc/fstab", stat.S_IFIFO)
    with pytest.raises(GuestError, match="not a regular file"):
        run(fstab, rpc, **DATA)
    rpc = FakeRpc()
    rpc.add_link("/etc/fstab", "../../../outside")
    four(fstab, rpc, **DATA)
    assert rpc.nodes["/outside"].content and stat.S_ISLNK(rpc.nodes["/etc/fstab"].mode)
