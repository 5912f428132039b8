# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""unarchive: what is extracted, that a second task changes nothing, and archives and guests that lead astray."""

from __future__ import annotations

import os
import shutil
import stat
import typing as t
from pathlib import Path

import pytest
from ansible_collections.offline.guest.plugins.module_utils._errors import GuestError, HostError, OptionError
from ansible_collections.offline.guest.plugins.module_utils._guest._files import CHUNK
from ansible_collections.offline.guest.plugins.module_utils._guest._task import Outcome
from ansible_collections.offline.guest.tests.unit.guest.archives import (
    TIME,
    Entry,
    folder,
    link,
    make,
    make_tar,
    make_zip,
)
from ansible_collections.offline.guest.tests.unit.guest.fake_rpc import FakeRpc
from ansible_collections.offline.guest.tests.unit.guest.reading import Module, twin
from hypothesis import given, settings
from hypothesis import strategies as st

SUFFIXES = ("tar", "tar.gz", "tar.bz2", "tar.xz", "tar.zst", "zip")
HANDLERS = dict(
    zip(SUFFIXES, ("TarArchive", "TgzArchive", "TarBzipArchive", "TarXzArchive", "TarZstdArchive", "ZipArchive"))
)
ENTRIES = [
    folder("app"),
    Entry("app/run", b"#!/bin/sh\n", mode=0o750),
    Entry("app/data/deep/file", b"x" * 3000, mode=0o640, uid=7, gid=8),
    folder("app/private", 0o700, uid=12, gid=13),
    Entry("app/empty"),
    link("app/current", "data/deep"),
    Entry("caf\u00e9", b"name"),
    Entry("app/large", os.urandom(1000) * (CHUNK // 1000 + 1)),
]
HARD = [Entry("app/again", kind="hard", target="app/run", mode=0o750)]
# Of a zip archive, everything belongs to root; of a tar archive there are hard links, too.
IS_TWIN = pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("unzip"), reason="the twin must be root, and run unzip"
)


def guest() -> FakeRpc:
    rpc = FakeRpc()
    rpc.add_file("/etc/passwd", b"alice:x:1000:1000::/:/bin/sh\n")
    rpc.add_file("/etc/group", b"staff:x:50:\n")
    rpc.add_dir("/srv")
    return rpc


def extract(rpc: FakeRpc, archive: Path, dest: str = "/srv", **options: t.Any) -> Outcome:
    return Module("unarchive").run(rpc, src=str(archive), dest=dest, **options)


def tree(rpc: FakeRpc, root: str) -> dict[str, tuple[t.Any, ...]]:
    """What a user sees below a directory, but for the times of links."""
    return {
        path[len(root) + 1 :]: (
            *(stat.S_IFMT(node.mode), stat.S_IMODE(node.mode), node.uid, node.gid, node.content, node.target),
            0 if stat.S_ISLNK(node.mode) else node.mtime,
        )
        for path, node in rpc.nodes.items()
        if path.startswith(f"{root}/")
    }


def local_tree(root: Path) -> dict[str, tuple[t.Any, ...]]:
    found = {}
    for path in root.rglob("*"):
        entry = path.lstat()
        is_link, is_file = stat.S_ISLNK(entry.st_mode), stat.S_ISREG(entry.st_mode)
        found[str(path.relative_to(root))] = (
            *(stat.S_IFMT(entry.st_mode), stat.S_IMODE(entry.st_mode), entry.st_uid, entry.st_gid),
            *(path.read_bytes() if is_file else b"", os.readlink(path) if is_link else ""),
            0 if is_link else int(entry.st_mtime),
        )
    return found


OPTIONS: list[dict[str, t.Any]] = [
    *({"owner": "1234", "group": "77"}, {"mode": "u=rwX,go="}, {"exclude": ["data"], "list_files": True}),
    *({"exclude": ["*e*"]}, {"exclude": ["app/d*", "caf*"], "list_files": True, "keep_newer": True}),
]


@IS_TWIN
@pytest.mark.parametrize(
    ("suffix", "options"),
    [
        *((suffix, {}) for suffix in SUFFIXES),
        *((suffix, options) for suffix in ("tar", "zip") for options in OPTIONS),
        *(("tar", {"include": ["app/data"]}), ("zip", {"include": ["app/data/*"]})),
    ],
    ids=str,
)
def test_as_the_twin(suffix: str, options: dict[str, t.Any], tmp_path: Path) -> None:
    """The same archive by the twin, with the host's tar and unzip; its umask is that of the guest."""
    archive = make(tmp_path / f"a.{suffix}", ENTRIES if suffix == "zip" else ENTRIES + HARD)
    (tmp_path / "srv").mkdir()
    umask = os.umask(0o022)
    try:
        wanted = twin("unarchive", src=str(archive), dest=str(tmp_path / "srv"), remote_src=True, **options)
    finally:
        os.umask(umask)
    assert wanted["changed"], wanted
    rpc = guest()
    found = extract(rpc, archive, **options)
    assert found.changed
    assert without_times(tree(rpc, "/srv")) == without_times(local_tree(tmp_path / "srv"))
    # GNU tar knows the other compressions by itself, so the twin never comes to its handlers for them.
    assert wanted["handler"] == HANDLERS[suffix if suffix in ("zip", "tar.gz") else "tar"]
    if "list_files" in options:
        assert found.result["files"] == wanted["files"]
    assert not extract(rpc, archive, **options).changed


def without_times(found: dict[str, tuple[t.Any, ...]]) -> dict[str, tuple[t.Any, ...]]:
    """Neither tar nor unzip restores the time of a directory into which it has to come back later."""
    return {path: item[:-1] if item[0] == stat.S_IFDIR else item for path, item in found.items()}


def test_directories_have_the_times_of_the_archive(tmp_path: Path) -> None:
    archive = make(tmp_path / "a.tar", [folder("a"), folder("a/b"), Entry("a/b/c"), Entry("a/d"), link("a/e", "d")])
    rpc = guest()
    extract(rpc, archive)
    assert {rpc.nodes[path].mtime for path in ("/srv/a", "/srv/a/b")} == {TIME}


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_four_calls(suffix: str, tmp_path: Path) -> None:
    archive = make(tmp_path / f"a.{suffix}", ENTRIES)
    rpc = guest()
    before = rpc.snapshot()
    checked = extract(rpc, archive, check=True)
    assert checked.changed and rpc.snapshot() == before
    done = extract(rpc, archive)
    assert done.diff == checked.diff
    after = rpc.snapshot()
    for check in (False, True):
        again = extract(rpc, archive, check=check)
        assert not again.changed
        assert again.diff == {"before": {}, "after": {}}
    assert rpc.snapshot() == after
    assert done.result == again.result
    assert (done.result["handler"], done.result["state"], done.result["mode"]) == (
        HANDLERS[suffix],
        "directory",
        "0755",
    )


@pytest.mark.parametrize(
    ("change", "differs"),
    [
        (lambda node: setattr(node, "content", b"#!/bin/SH\n"), {"content": "from the archive"}),
        (lambda node: setattr(node, "content", b"longer than before"), {"content": "from the archive"}),
        (lambda node: setattr(node, "mode", 0o100755), {"mode": "0750"}),
        (lambda node: setattr(node, "uid", 5), {"owner": 0}),
        (lambda node: setattr(node, "gid", 5), {"group": 0}),
        (lambda node: setattr(node, "mtime", 5), {"mtime": TIME}),
    ],
)
def test_one_difference_is_mended_and_nothing_else(
    change: t.Callable[[t.Any], None], differs: dict[str, t.Any], tmp_path: Path
) -> None:
    archive = make(tmp_path / "a.tar", ENTRIES)
    rpc = guest()
    extract(rpc, archive)
    wanted = rpc.snapshot()
    change(rpc.nodes["/srv/app/run"])
    rpc.log.clear()
    outcome = extract(rpc, archive)
    assert outcome.changed
    assert isinstance(outcome.diff, dict) and outcome.diff["after"] == {"/srv/app/run": differs}
    assert rpc.snapshot() == wanted
    assert ("write" in rpc.writes) == ("content" in differs)


def test_owners_are_the_guests_by_name(tmp_path: Path) -> None:
    archive = make(
        tmp_path / "a.tar", [Entry("f", owner="alice", group="staff", uid=9, gid=9), Entry("g", owner="nobody", uid=9)]
    )
    rpc = guest()
    extract(rpc, archive)
    assert [(rpc.nodes[path].uid, rpc.nodes[path].gid) for path in ("/srv/f", "/srv/g")] == [(1000, 50), (9, 0)]


def test_a_replaced_file_keeps_nothing(tmp_path: Path) -> None:
    """A capability of an old program must not go to a new one; and its other names keep the old content."""
    rpc = guest()
    rpc.add_file("/srv/f", b"old", 0o4755, xattrs={"security.capability": b"x"})
    rpc.nodes["/srv/other"] = rpc.nodes["/srv/f"]
    extract(rpc, make(tmp_path / "a.tar", [Entry("f", b"new")]))
    assert (rpc.nodes["/srv/f"].content, rpc.nodes["/srv/f"].xattrs) == (b"new", {})
    assert rpc.nodes["/srv/other"].content == b"old"


def test_hard_links(tmp_path: Path) -> None:
    archive = make(tmp_path / "a.tar", [Entry("f", b"1"), Entry("d/g", kind="hard", target="f")])
    rpc = guest()
    extract(rpc, archive)
    assert rpc.nodes["/srv/f"] is rpc.nodes["/srv/d/g"]
    assert not extract(rpc, archive).changed
    rpc.nodes["/srv/f"].content = b"2"
    assert extract(rpc, archive).changed
    assert rpc.nodes["/srv/f"] is rpc.nodes["/srv/d/g"]
    assert rpc.nodes["/srv/d/g"].content == b"1"


def test_of_a_name_that_is_there_twice_the_last_counts(tmp_path: Path) -> None:
    archive = make(tmp_path / "a.tar", [Entry("f", b"1"), Entry("./f", b"22"), link("l", "a"), link("l", "b")])
    rpc = guest()
    extract(rpc, archive)
    assert (rpc.nodes["/srv/f"].content, rpc.nodes["/srv/l"].target) == (b"22", "b")
    assert not extract(rpc, archive).changed


def test_names_that_are_not_utf8(tmp_path: Path) -> None:
    archive = make_tar(tmp_path / "a.tar", [Entry("caf\udce9", b"1"), link("l", "caf\udce9")])
    rpc = guest()
    result = extract(rpc, archive, list_files=True).result
    assert rpc.nodes["/srv/caf\udce9"].content == b"1"
    assert rpc.nodes["/srv/l"].target == "caf\udce9"
    assert result["files"] == ["caf\\udce9", "l"]
    assert not extract(rpc, archive).changed


def test_keep_newer(tmp_path: Path) -> None:
    archive = make(tmp_path / "a.tar", [Entry("new", b"archive"), Entry("old", b"archive")])
    rpc = guest()
    rpc.add_file("/srv/new", b"guest", mtime=TIME + 1)
    rpc.add_file("/srv/old", b"guest", mtime=TIME - 1)
    extract(rpc, archive, keep_newer=True)
    assert (rpc.nodes["/srv/new"].content, rpc.nodes["/srv/old"].content) == (b"guest", b"archive")


def test_creates(tmp_path: Path) -> None:
    archive = make(tmp_path / "a.tar", [Entry("f")])
    rpc = guest()
    outcome = extract(rpc, archive, creates="/etc/passwd")
    assert (outcome.changed, outcome.result["skipped"]) == (False, True)
    assert rpc.writes == []
    assert extract(rpc, archive, creates="/etc/none").changed


class TestAstray:
    """Nothing is written outside of the destination, and nothing at all where a member would be."""

    @staticmethod
    def refused(rpc: FakeRpc, archive: Path, match: str, **options: t.Any) -> None:
        before = rpc.snapshot()
        with pytest.raises((OptionError, GuestError), match=match):
            extract(rpc, archive, **options)
        assert rpc.snapshot() == before
        assert rpc.writes == []

    @pytest.mark.parametrize("suffix", ["tar", "zip"])
    @pytest.mark.parametrize("name", ["../etc/evil", "a/../../etc/evil", "..", "/../etc/evil", "a/.."])
    def test_names_that_lead_upwards(self, name: str, suffix: str, tmp_path: Path) -> None:
        self.refused(guest(), make(tmp_path / f"a.{suffix}", [Entry("fine"), Entry(name)]), "leads out of")

    @pytest.mark.parametrize("suffix", ["tar", "zip"])
    def test_absolute_names_stay_below(self, suffix: str, tmp_path: Path) -> None:
        rpc = guest()
        extract(rpc, make(tmp_path / f"a.{suffix}", [Entry("/etc/passwd", b"evil"), Entry("//x", b"evil")]))
        assert rpc.nodes["/srv/etc/passwd"].content == rpc.nodes["/srv/x"].content == b"evil"
        assert rpc.nodes["/etc/passwd"].content.startswith(b"alice")

    @pytest.mark.parametrize("suffix", ["tar", "zip"])
    @pytest.mark.parametrize("target", ["/etc", "../etc", "../../../../etc", "/proc/self/root/etc", "two"])
    def test_links_of_the_archive(self, target: str, suffix: str, tmp_path: Path) -> None:
        entries = [link("one", target), link("two", "/etc"), Entry("one/evil")]
        self.refused(guest(), make(tmp_path / f"a.{suffix}", entries), "symbolic link leads out of")

    @pytest.mark.parametrize("member", [Entry("out/evil"), folder("out/evil"), link("out/evil", "x"), folder("out")])
    def test_links_of_the_guest(self, member: Entry, tmp_path: Path) -> None:
        rpc = guest()
        rpc.add_link("/srv/out", "/etc")
        self.refused(rpc, make(tmp_path / "a.tar", [member]), "symbolic link leads out of")

    def test_a_link_out_of_the_destination_is_only_a_link(self, tmp_path: Path) -> None:
        archive = make(tmp_path / "a.tar", [link("out", "/etc")])
        rpc = guest()
        extract(rpc, archive)
        assert rpc.nodes["/srv/out"].target == "/etc"
        assert not extract(rpc, archive).changed

    def test_a_file_replaces_a_link_and_is_not_written_through_it(self, tmp_path: Path) -> None:
        rpc = guest()
        rpc.add_link("/srv/f", "/etc/passwd")
        extract(rpc, make(tmp_path / "a.tar", [Entry("f", b"evil")]))
        assert rpc.nodes["/srv/f"].content == b"evil"
        assert rpc.nodes["/etc/passwd"].content.startswith(b"alice")

    def test_a_hard_link_to_the_outside(self, tmp_path: Path) -> None:
        for target in ("../etc/passwd", "/../etc/passwd"):
            self.refused(guest(), make(tmp_path / "a.tar", [Entry("f", kind="hard", target=target)]), "leads out of")
        self.refused(guest(), make(tmp_path / "a.tar", [Entry("f", kind="hard", target="/etc/passwd")]), "is not there")
        rpc = guest()
        rpc.add_link("/srv/out", "/etc")
        archive = make(tmp_path / "a.tar", [Entry("f", kind="hard", target="out/passwd")])
        self.refused(rpc, archive, "symbolic link leads out of")

    def test_a_directory_that_is_a_link_inside_stays_one(self, tmp_path: Path) -> None:
        rpc = guest()
        rpc.add_dir("/srv/usr/lib", 0o755, mtime=TIME)
        rpc.add_link("/srv/lib", "usr/lib")
        archive = make(tmp_path / "a.tar", [folder("lib"), Entry("lib/x", b"1")])
        extract(rpc, archive)
        assert rpc.nodes["/srv/lib"].target == "usr/lib"
        assert rpc.nodes["/srv/usr/lib/x"].content == b"1"
        assert not extract(rpc, archive).changed

    @pytest.mark.parametrize("kind", ["fifo", "char"])
    def test_devices(self, kind: str, tmp_path: Path) -> None:
        self.refused(guest(), make_tar(tmp_path / "a.tar", [Entry("f", kind=kind)]), "a device or a pipe")
        archive = make_tar(tmp_path / "a.tar", [Entry("f", kind=kind), Entry("g")])
        assert extract(guest(), archive, exclude=["f"]).changed

    def test_set_user_id(self, tmp_path: Path) -> None:
        archive = make_tar(tmp_path / "a.tar", [Entry("f", mode=0o4755), folder("d", 0o2775)])
        self.refused(guest(), archive, "set-user-ID")
        rpc = guest()
        extract(rpc, archive, allow_setuid=True, owner="alice")
        assert (rpc.nodes["/srv/f"].mode, rpc.nodes["/srv/f"].uid) == (0o104755, 1000)
        assert not extract(rpc, archive, allow_setuid=True, owner="alice").changed
        rpc = guest()
        extract(rpc, archive, mode="u-s,g-s")
        assert rpc.nodes["/srv/f"].mode == 0o100755

    @pytest.mark.parametrize(
        ("there", "members", "match"),
        [
            ("file", [folder("x")], "'/srv/x' in the guest is a file"),
            ("directory", [Entry("x")], "'/srv/x' in the guest is a directory"),
            ("directory", [link("x", "y")], "'/srv/x' in the guest is a directory"),
            ("file", [Entry("x/y/z")], "needs a directory"),
            ("fifo", [Entry("x/y")], "needs a directory"),
            ("", [Entry("y"), Entry("y/z")], "needs a directory"),
            ("", [Entry("y/z"), Entry("y")], "is a directory"),
        ],
    )
    def test_something_in_the_way(self, there: str, members: list[Entry], match: str, tmp_path: Path) -> None:
        rpc = guest()
        if there == "file":
            rpc.add_file("/srv/x")
        elif there == "directory":
            rpc.add_dir("/srv/x")
        elif there:
            rpc.add_special("/srv/x", stat.S_IFIFO)
        self.refused(rpc, make_tar(tmp_path / "a.tar", members), match)

    def test_loops(self, tmp_path: Path) -> None:
        self.refused(
            guest(), make_tar(tmp_path / "a.tar", [link("a", "b"), link("b", "a"), Entry("a/f")]), "Too many symbolic"
        )

    def test_bombs(self, tmp_path: Path) -> None:
        archive = make(tmp_path / "a.tar.gz", [Entry(f"f{number}", b"0" * 1000) for number in range(20)])
        self.refused(guest(), archive, "more than 19999 bytes", max_size=19_999)
        self.refused(guest(), archive, "more than 19 members", max_members=19)
        assert extract(guest(), archive, max_size=20_000, max_members=20).changed
        zipped = make_zip(tmp_path / "a.zip", [Entry("f", b"0" * 1_000_000)])
        self.refused(guest(), zipped, "more than 999999 bytes", max_size=999_999)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_damaged_archive_is_refused_and_nothing_is_written(suffix: str, tmp_path: Path) -> None:
    whole = make(tmp_path / f"a.{suffix}", [Entry("f", os.urandom(100_000)), Entry("g", b"1" * 1000)]).read_bytes()
    damaged = tmp_path / f"b.{suffix}"
    for content in (whole[: len(whole) // 2], whole[:20], whole[:600]):
        damaged.write_bytes(content)
        rpc = guest()
        with pytest.raises(OptionError, match="archive"):
            extract(rpc, damaged)
        assert rpc.writes == []


@pytest.mark.parametrize("content", [b"", b"no archive", b"x" * 4096, b"PK\x03\x04 no", b"\x1f\x8b no", b"\0" * 10240])
def test_what_is_no_archive(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.tar.gz").write_bytes(content)
    with pytest.raises(OptionError, match="archive"):
        extract(guest(), tmp_path / "a.tar.gz")


@given(
    st.binary(min_size=1, max_size=2000), st.sampled_from([b"", b"PK\x03\x04", b"\x1f\x8b\x08", b"BZh9", b"\xfd7zXZ\0"])
)
@settings(max_examples=200, deadline=None)
def test_any_bytes_are_an_archive_or_refused(rest: bytes, start: bytes) -> None:
    path = Path(f"/tmp/offline-guest-any-{os.getpid()}")
    path.write_bytes(start + rest)
    try:
        with pytest.raises(OptionError):
            extract(guest(), path)
    finally:
        path.unlink()


def test_without_zstd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = make(tmp_path / "a.tar.zst", [Entry("f")])
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(HostError, match="zstd"):
        extract(guest(), archive)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"extra_opts": ["--transform"]}, "extra_opts"),
        ({"unsafe_writes": True}, "unsafe_writes"),
        ({"max_size": 0}, "max_size"),
        ({"io_buffer_size": -1}, "io_buffer_size"),
        ({"include": ["none"]}, "not in the archive"),
        ({"dest": "relative"}, "not absolute"),
        ({"dest": "/none"}, "is not a directory"),
        ({"dest": "/etc/passwd"}, "is not a directory"),
        ({"owner": "nobody"}, "no user"),
        ({"src": "/nowhere/at/all.tar"}, "cannot be read"),
        ({"src": "https://example.com/a.tar", "remote_src": True}, "get_url"),
    ],
)
def test_what_cannot_be_meant(options: dict[str, t.Any], match: str, tmp_path: Path) -> None:
    archive = make(tmp_path / "a.tar", [Entry("f")])
    rpc = guest()
    with pytest.raises((OptionError, GuestError), match=match):
        Module("unarchive").run(rpc, **{"src": str(archive), "dest": "/srv", **options})
    assert rpc.writes == []


def test_labels_and_flags(tmp_path: Path) -> None:
    archive = make(tmp_path / "a.tar", [folder("d"), Entry("d/f", b"1")])
    rpc = guest()
    rpc.add_file("/etc/selinux/config", b"SELINUX=enforcing\nSELINUXTYPE=targeted\n")
    rpc.add_file("/etc/selinux/targeted/contexts/files/file_contexts", b"/.* system_u:object_r:default_t:s0\n")
    options = {"setype": "a_t", "seuser": "a_u", "serole": "a_r", "attributes": "+A"}
    assert extract(rpc, archive, **options).changed
    for path in ("/srv/d", "/srv/d/f"):
        assert rpc.nodes[path].xattrs["security.selinux"].startswith(b"a_u:a_r:a_t")
        assert "A" in rpc.nodes[path].flags
    assert not extract(rpc, archive, **options).changed
    assert extract(rpc, archive, **{**options, "attributes": "-A"}).changed
    assert "A" not in rpc.nodes["/srv/d/f"].flags


NAMES = st.lists(st.sampled_from(["a", "b", "c", ".", ".."]), min_size=1, max_size=4).map("/".join)
TARGETS = st.sampled_from(
    ["a", "b", "c/a", ".", "..", "../..", "/etc", "/srv", "/srv/a", "../etc", "../srv/b", "/none"]
)
MEMBERS = st.one_of(
    st.builds(Entry, NAMES, st.binary(max_size=3), mode=st.sampled_from([0o644, 0o600])),
    st.builds(folder, NAMES, st.sampled_from([0o755, 0o700])),
    st.builds(link, NAMES, TARGETS),
    st.builds(lambda name, target: Entry(name, kind="hard", target=target), NAMES, NAMES),
)
PLANTED = st.dictionaries(
    st.sampled_from(["/srv/a", "/srv/b", "/srv/c", "/srv/a/b"]), st.one_of(TARGETS, st.none()), max_size=3
)


@given(st.lists(MEMBERS, min_size=1, max_size=6), PLANTED)
@settings(max_examples=1000, deadline=None)
def test_whatever_the_archive_and_the_guest_are_nothing_outside_is_touched(
    members: list[Entry], planted: dict[str, str | None]
) -> None:
    """Either all is refused and nothing written, or all is as the archive says, below the destination alone."""
    rpc = guest()
    for path, target in sorted(planted.items()):
        if target is None or "/srv/a/b" in path:
            rpc.add_dir(path)
        else:
            rpc.add_link(path, target)
    archive = Path(f"/tmp/offline-guest-tar-{os.getpid()}")
    make_tar(archive, members)
    before = rpc.snapshot()
    try:
        extract(rpc, archive)
    except (OptionError, GuestError):
        assert rpc.writes == []
        return
    finally:
        archive.unlink()

    def outside(tree: dict[str, tuple[t.Any, ...]]) -> dict[str, tuple[t.Any, ...]]:
        return {name: node for name, node in tree.items() if not name.startswith("/srv")}

    assert outside(rpc.snapshot()) == outside(before)
    make_tar(archive, members)
    try:
        assert not extract(rpc, archive).changed
    finally:
        archive.unlink()
