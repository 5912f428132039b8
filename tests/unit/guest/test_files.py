# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import stat

import pytest
from ansible_collections.offline.guest.plugins.module_utils._appliance._calls import Calls
from ansible_collections.offline.guest.plugins.module_utils._errors import CallError, GuestError, OptionError
from ansible_collections.offline.guest.plugins.module_utils._guest._files import CHUNK, GuestFile, GuestFiles
from ansible_collections.offline.guest.plugins.module_utils._guest._paths import GuestPath
from ansible_collections.offline.guest.tests.unit.guest.fake_rpc import FakeRpc

SPECIALS = {"fifo": stat.S_IFIFO, "char": stat.S_IFCHR, "block": stat.S_IFBLK, "socket": stat.S_IFSOCK}
POLICY = (
    b"/.* system_u:object_r:default_t:s0\n/etc/.* system_u:object_r:etc_t:s0\n/etc/ssh -d system_u:object_r:ssh_t:s0\n"
)


def files_of(rpc: FakeRpc) -> GuestFiles:
    return GuestFiles(Calls(rpc))


def with_selinux(rpc: FakeRpc) -> FakeRpc:
    rpc.add_file("/etc/selinux/config", b"SELINUX=enforcing\nSELINUXTYPE=targeted\n")
    rpc.add_file("/etc/selinux/targeted/contexts/files/file_contexts", POLICY)
    return rpc


class TestLstat:
    @pytest.mark.parametrize("kind", SPECIALS)
    def test_special_kinds(self, kind: str) -> None:
        rpc = FakeRpc()
        rpc.add_special("/x", SPECIALS[kind])
        found = files_of(rpc).lstat("/x")
        assert found is not None and found.kind == kind

    def test_fields(self) -> None:
        rpc = FakeRpc()
        rpc.add_file("/x", b"abc", 0o4755, uid=7, gid=8, mtime=9)
        found = files_of(rpc).lstat("/x")
        assert found is not None
        assert (found.kind, found.mode, found.uid, found.gid, found.size, found.mtime) == ("file", 0o4755, 7, 8, 3, 9)

    def test_does_not_follow_the_last_link_but_those_before(self) -> None:
        rpc = FakeRpc()
        rpc.add_link("/d", "real")
        rpc.add_link("/real/l", "nowhere")
        found = files_of(rpc).lstat("/d/l")
        assert found is not None and found.kind == "link"

    @pytest.mark.parametrize("path", ["/none", "/none/below", "/file/below"])
    def test_missing(self, path: str) -> None:
        rpc = FakeRpc()
        rpc.add_file("/file")
        assert files_of(rpc).lstat(path) is None

    def test_root(self) -> None:
        found = files_of(FakeRpc()).lstat("/")
        assert found is not None and found.kind == "directory"


class TestRead:
    @pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK + 5])
    def test_sizes_around_the_chunk(self, size: int) -> None:
        rpc = FakeRpc()
        content = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
        rpc.add_file("/f", content)
        assert files_of(rpc).read("/f", max_size=size) == content

    def test_short_reads_are_continued(self) -> None:
        rpc = FakeRpc(short_reads=3)
        rpc.add_file("/f", b"0123456789")
        assert files_of(rpc).read("/f", max_size=100) == b"0123456789"

    def test_too_large_is_refused_before_reading(self) -> None:
        rpc = FakeRpc()
        rpc.add_file("/f", b"x", size=2**40)
        with pytest.raises(GuestError, match="1099511627776 bytes") as caught:
            files_of(rpc).read("/f", max_size=100)
        assert caught.value.details["max_size"] == 100
        assert "pread" not in [entry[0] for entry in rpc.log]

    def test_a_file_shorter_than_it_says_is_no_content(self) -> None:
        rpc = FakeRpc()
        rpc.add_file("/f", b"abc", size=10)
        with pytest.raises(GuestError, match="ends after 3 of 10"):
            files_of(rpc).read("/f", max_size=100)

    @pytest.mark.parametrize("kind", SPECIALS)
    def test_special_files_are_never_opened(self, kind: str) -> None:
        rpc = FakeRpc()
        rpc.add_special("/x", SPECIALS[kind])
        rpc.add_link("/l", "x")
        with pytest.raises(GuestError, match="not a regular file"):
            files_of(rpc).read("/l", max_size=100)

    def test_directory(self) -> None:
        with pytest.raises(GuestError, match="a directory, not a regular file"):
            files_of(FakeRpc()).read("/", max_size=100)

    def test_links_stay_inside_the_guest(self) -> None:
        rpc = FakeRpc()
        rpc.add_link("/etc/f", "../../../../../../host/secret")
        rpc.add_link("/etc/g", "/host/secret")
        rpc.add_file("/host/secret", b"the guest's own")
        for path in ("/etc/f", "/etc/g"):
            assert files_of(rpc).read(path, max_size=100) == b"the guest's own"

    def test_loop(self) -> None:
        rpc = FakeRpc()
        rpc.add_link("/a", "/b")
        rpc.add_link("/b", "/a")
        with pytest.raises(GuestError, match="loop"):
            files_of(rpc).read("/a", max_size=100)

    def test_target_that_is_not_utf8(self) -> None:
        rpc = FakeRpc()
        rpc.add_link("/a", "x\udcff")
        rpc.add_file("/x\udcff", b"found")
        assert files_of(rpc).read("/a", max_size=100) == b"found"
        assert files_of(rpc).link_target("/a") == "x\udcff"

    def test_missing(self) -> None:
        files = files_of(FakeRpc())
        with pytest.raises(GuestError, match="no '/f'"):
            files.read("/f", max_size=100)
        assert files.read_optional("/f", max_size=100) is None

    def test_optional_still_refuses_what_is_no_file(self) -> None:
        with pytest.raises(GuestError):
            files_of(FakeRpc()).read_optional("/", max_size=100)

    def test_relative_and_parent_paths_are_option_errors(self) -> None:
        for path in ("etc/passwd", "/etc/../x", ""):
            with pytest.raises(OptionError):
                files_of(FakeRpc()).read(path, max_size=1)


class TestListDir:
    def test_sorted_without_dots(self) -> None:
        rpc = FakeRpc()
        for name in ("b", "a", "C"):
            rpc.add_file(f"/d/{name}")
        rpc.add_link("/l", "d")
        assert files_of(rpc).list_dir("/l") == ["C", "a", "b"]

    def test_not_a_directory(self) -> None:
        rpc = FakeRpc()
        rpc.add_file("/f")
        for path in ("/f", "/none"):
            with pytest.raises(GuestError, match="not a directory"):
                files_of(rpc).list_dir(path)

    def test_names_that_are_not_utf8(self) -> None:
        rpc = FakeRpc()
        rpc.add_file("/d/\udcff")
        rpc.add_file("/d/\u00e9")
        assert files_of(rpc).list_dir("/d") == ["\u00e9", "\udcff"]


class TestListStats:
    def test_entries_with_what_lstat_says_in_two_calls(self) -> None:
        rpc = FakeRpc()
        rpc.add_file("/d/b", b"xy")
        rpc.add_link("/d/a", "b")
        files = files_of(rpc)
        files.resolve("/d")
        rpc.log.clear()
        found = files.list_stats("/d")
        assert [(name, stat.kind, stat.size) for name, stat in found.items() if stat] == [
            ("a", "link", 1),
            ("b", "file", 2),
        ]
        assert [entry[0] for entry in rpc.log].count("lstatns") <= 1
        assert [entry[0] for entry in rpc.log][-2:] == ["readdir", "lstatnslist"]

    def test_an_empty_directory(self) -> None:
        rpc = FakeRpc()
        rpc.add_dir("/d")
        assert files_of(rpc).list_stats("/d") == {}


class TestHead:
    def test_no_more_than_asked_for(self) -> None:
        rpc = FakeRpc()
        rpc.add_file("/f", b"0123456789")
        assert (files_of(rpc).head("/f", 4), files_of(rpc).head("/f", 40)) == (b"0123", b"0123456789")

    def test_a_special_file_is_never_opened(self) -> None:
        rpc = FakeRpc()
        rpc.add_special("/x", stat.S_IFIFO)
        with pytest.raises(GuestError, match="not a regular file"):
            files_of(rpc).head("/x", 1)


class TestResolveTarget:
    def test_inside_the_guest(self) -> None:
        rpc = FakeRpc()
        rpc.add_link("/a/l", "/b")
        rpc.add_file("/b/f")
        files = files_of(rpc)
        assert files.resolve_target("../../../a/l/f", "/a") == "/b/f"
        assert files.resolve_target("/../a/l/../f", "/a") == "/f"
        assert files.resolve_target("none", "/a/l") == "/b/none"


class TestWrite:
    def test_a_file_of_the_guest_is_copied_inside(self) -> None:
        rpc = FakeRpc()
        rpc.add_file("/big", b"content")
        files_of(rpc).write("/f", GuestFile(GuestPath("/big"), 7), mode=0o600)
        assert (rpc.nodes["/f"].content, rpc.nodes["/f"].mode) == (b"content", 0o100600)
        assert "pread" not in [entry[0] for entry in rpc.log]

    def test_without_following_a_link_is_replaced(self) -> None:
        rpc = FakeRpc()
        rpc.add_link("/l", "f", uid=9)
        rpc.add_file("/f", b"old")
        files_of(rpc).write("/l", b"new", follow=False)
        assert (rpc.nodes["/l"].content, rpc.nodes["/l"].mode, rpc.nodes["/l"].uid) == (b"new", 0o100644, 0)
        assert rpc.nodes["/f"].content == b"old"

    def test_new_file(self) -> None:
        rpc = FakeRpc()
        files_of(rpc).write("/f", b"new")
        assert (rpc.nodes["/f"].content, rpc.nodes["/f"].mode, rpc.nodes["/f"].uid) == (b"new", 0o100644, 0)
        assert list(rpc.nodes) == ["/", "/f"], "the temporary is gone"

    def test_new_file_with_attributes(self) -> None:
        rpc = FakeRpc()
        files_of(rpc).write("/f", b"new", mode=0o4750, uid=2**31 + 5, gid=7)
        node = rpc.nodes["/f"]
        assert (node.mode, node.uid, node.gid) == (0o104750, 2**31 + 5, 7)

    def test_replacing_keeps_everything_else(self) -> None:
        rpc = FakeRpc()
        kept = {"security.selinux": b"x_t\0", "security.capability": b"\1\0\xff", "user.note": b"\0"}
        rpc.add_file("/f", b"old", 0o6755, uid=3, gid=4, xattrs=dict(kept))
        files_of(rpc).write("/f", b"new")
        node = rpc.nodes["/f"]
        assert (node.content, node.mode, node.uid, node.gid, node.xattrs) == (b"new", 0o106755, 3, 4, kept)

    def test_an_inherited_acl_is_not_added_to_a_replaced_file(self) -> None:
        rpc = FakeRpc()
        rpc.add_dir("/d", xattrs={"system.posix_acl_default": b"acl"})
        rpc.add_file("/d/f", b"old")
        files_of(rpc).write("/d/f", b"new")
        assert rpc.nodes["/d/f"].xattrs == {}
        files_of(rpc).write("/d/g", b"new")
        assert rpc.nodes["/d/g"].xattrs == {"system.posix_acl_access": b"acl"}

    @pytest.mark.parametrize("size", [0, CHUNK, CHUNK + 1, 3 * CHUNK + 1])
    def test_large_content_goes_in_chunks(self, size: int) -> None:
        rpc = FakeRpc(short_reads=CHUNK - 7)
        content = b"0123456789abcdef" * (size // 16) + b"x" * (size % 16)
        files_of(rpc).write("/f", content)
        assert rpc.nodes["/f"].content == content

    def test_link_stays_and_its_target_is_replaced(self) -> None:
        rpc = FakeRpc()
        rpc.add_link("/etc/l", "/../../data/f")
        rpc.add_file("/data/f", b"old")
        files_of(rpc).write("/etc/l", b"new")
        assert rpc.nodes["/etc/l"].target == "/../../data/f"
        assert rpc.nodes["/data/f"].content == b"new"

    def test_nothing_is_written_through_a_planted_temporary(self) -> None:
        rpc = FakeRpc()
        rpc.add_file("/etc/shadow", b"secret")
        rpc.add_link("/tmp/.f.offline-guest", "/etc/shadow")
        files_of(rpc).write("/tmp/f", b"new")
        assert rpc.nodes["/etc/shadow"].content == b"secret"
        assert rpc.nodes["/tmp/f"].content == b"new"
        assert "/tmp/.f.offline-guest" not in rpc.nodes

    def test_a_directory_at_the_temporary_is_an_error(self) -> None:
        rpc = FakeRpc()
        rpc.add_file("/tmp/.f.offline-guest/x")
        before = rpc.snapshot()
        with pytest.raises(GuestError, match="directory"):
            files_of(rpc).write("/tmp/f", b"new")
        assert rpc.snapshot() == before

    def test_long_names(self) -> None:
        rpc = FakeRpc()
        name = "é" * 127
        files_of(rpc).write(f"/{name}", b"new")
        temporary = next(entry[1] for entry in rpc.log if entry[0] == "write")
        assert len(temporary.encode()) <= 256
        assert f"/{name}" in rpc.nodes

    @pytest.mark.parametrize("kind", SPECIALS)
    def test_special_files_are_not_replaced(self, kind: str) -> None:
        rpc = FakeRpc()
        rpc.add_special("/x", SPECIALS[kind])
        with pytest.raises(GuestError, match="not a regular file"):
            files_of(rpc).write("/x", b"new")
        assert rpc.writes == []

    @pytest.mark.parametrize("path", ["/none/f", "/file/f"])
    def test_parent_must_be_a_directory(self, path: str) -> None:
        rpc = FakeRpc()
        rpc.add_file("/file")
        with pytest.raises(GuestError, match="not a directory"):
            files_of(rpc).write(path, b"new")
        assert rpc.writes == []

    def test_selinux_label_of_a_new_file_is_that_of_its_final_name(self) -> None:
        rpc = with_selinux(FakeRpc())
        files_of(rpc).write("/etc/new", b"new")
        assert rpc.nodes["/etc/new"].xattrs == {"security.selinux": b"system_u:object_r:etc_t:s0\0"}

    def test_file_system_without_attributes(self) -> None:
        rpc = with_selinux(FakeRpc(has_xattrs=False))
        rpc.add_file("/boot/efi/old", b"old")
        files_of(rpc).write("/boot/efi/old", b"new")
        files_of(rpc).write("/boot/efi/new", b"new")
        assert rpc.nodes["/boot/efi/old"].content == rpc.nodes["/boot/efi/new"].content == b"new"


class TestMakeDir:
    def test_parents(self) -> None:
        rpc = with_selinux(FakeRpc())
        files_of(rpc).make_dir("/etc/ssh/keys", mode=0o2775, uid=5, gid=6)
        for path in ("/etc/ssh", "/etc/ssh/keys"):
            node = rpc.nodes[path]
            assert (node.mode, node.uid, node.gid) == (stat.S_IFDIR | 0o2775, 5, 6)
        assert rpc.nodes["/etc/ssh"].xattrs["security.selinux"] == b"system_u:object_r:ssh_t:s0\0"

    def test_existing_is_kept(self) -> None:
        rpc = FakeRpc()
        rpc.add_dir("/d", 0o700)
        files_of(rpc).make_dir("/d", mode=0o755)
        assert rpc.nodes["/d"].mode == stat.S_IFDIR | 0o700
        assert rpc.writes == []

    @pytest.mark.parametrize("path", ["/f", "/f/below/it"])
    def test_file_in_the_way(self, path: str) -> None:
        rpc = FakeRpc()
        rpc.add_file("/f")
        with pytest.raises(GuestError, match="not a directory"):
            files_of(rpc).make_dir(path, mode=0o755)

    def test_through_a_link(self) -> None:
        rpc = FakeRpc()
        rpc.add_dir("/real")
        rpc.add_link("/l", "/real")
        files_of(rpc).make_dir("/l/a/b", mode=0o755)
        assert "/real/a/b" in rpc.nodes


class TestSymlinkAndRemove:
    def test_replaces_a_file(self) -> None:
        rpc = with_selinux(FakeRpc())
        rpc.add_file("/etc/localtime", b"old")
        files_of(rpc).symlink("../usr/share/zoneinfo/UTC", "/etc/localtime")
        assert rpc.nodes["/etc/localtime"].target == "../usr/share/zoneinfo/UTC"
        assert rpc.nodes["/etc/localtime"].xattrs["security.selinux"] == b"system_u:object_r:etc_t:s0\0"

    def test_same_link_is_not_written_again(self) -> None:
        rpc = FakeRpc()
        rpc.add_link("/l", "x")
        files_of(rpc).symlink("x", "/l")
        assert rpc.writes == []

    def test_directory_is_not_replaced(self) -> None:
        rpc = FakeRpc()
        rpc.add_dir("/d")
        with pytest.raises(GuestError, match="directory"):
            files_of(rpc).symlink("x", "/d")

    def test_remove_takes_the_link_and_not_its_target(self) -> None:
        rpc = FakeRpc()
        rpc.add_file("/f", b"kept")
        rpc.add_link("/l", "/f")
        files = files_of(rpc)
        files.remove("/l")
        files.remove("/l")
        assert "/l" not in rpc.nodes and rpc.nodes["/f"].content == b"kept"

    def test_remove_refuses_a_directory(self) -> None:
        rpc = FakeRpc()
        rpc.add_dir("/d")
        with pytest.raises(GuestError, match="directory"):
            files_of(rpc).remove("/d")

    def test_remove_tree_resolves_the_parents_itself(self) -> None:
        """``rm -rf`` runs in the appliance, where an absolute link of the guest would lead out of the guest."""
        rpc = FakeRpc()
        rpc.add_link("/l", "/real")
        rpc.add_file("/real/d/f")
        files_of(rpc).remove_tree("/l/d")
        assert ("rm_rf", "/real/d") in rpc.log
        assert "/real/d/f" not in rpc.nodes

    def test_remove_tree_takes_a_link_itself(self) -> None:
        rpc = FakeRpc()
        rpc.add_link("/l", "/real")
        rpc.add_file("/real/f")
        files_of(rpc).remove_tree("/l")
        assert "/l" not in rpc.nodes and "/real/f" in rpc.nodes

    def test_root_is_refused(self) -> None:
        with pytest.raises(OptionError):
            files_of(FakeRpc()).remove_tree("/")


class TestSetAttributes:
    def test_owner_then_mode(self) -> None:
        rpc = FakeRpc()
        rpc.add_file("/f", mode=0o4755)
        rpc.add_link("/l", "f")
        files_of(rpc).set_attributes("/l", mode=0o4755, uid=1)
        assert (rpc.nodes["/f"].mode, rpc.nodes["/f"].uid, rpc.nodes["/f"].gid) == (0o104755, 1, 0)

    def test_what_is_so_already_is_not_touched(self) -> None:
        rpc = FakeRpc()
        rpc.add_file("/f", mode=0o600, uid=1, gid=2)
        files_of(rpc).set_attributes("/f", mode=0o600, uid=1, gid=2)
        assert rpc.writes == []

    def test_missing(self) -> None:
        with pytest.raises(GuestError):
            files_of(FakeRpc()).set_attributes("/f", mode=0o600)


def test_other_errors_keep_their_errno() -> None:
    class Broken(FakeRpc):
        def _call_lstatns(self, path: str) -> dict[str, int]:
            raise CallError("lstatns", "Input/output error", 5)

    with pytest.raises(CallError) as caught:
        files_of(Broken()).read("/f", max_size=1)
    assert caught.value.errno == 5
