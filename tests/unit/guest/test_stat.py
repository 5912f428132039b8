# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""stat_info and slurp_info against their twins on the same tree, and in hostile guests."""

from __future__ import annotations

import base64
import os
import shutil
import stat
import typing as t
from pathlib import Path

import pytest
from ansible_collections.offline.guest.plugins.module_utils._errors import GuestError, OptionError
from ansible_collections.offline.guest.plugins.module_utils._guest._files import CHUNK
from ansible_collections.offline.guest.tests.unit.guest.fake_rpc import FakeRpc
from ansible_collections.offline.guest.tests.unit.guest.folder_rpc import FolderRpc
from ansible_collections.offline.guest.tests.unit.guest.reading import Module, twin

# Of ext2's flags the tree has none to ask for: those are in the integration tests.
WITHOUT_FLAGS: dict[str, t.Any] = {"get_attributes": False}


@pytest.fixture(name="tree", scope="module")
def fixture_tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("guest")
    (root / "etc").mkdir()
    for name in ("passwd", "group"):
        shutil.copy(f"/etc/{name}", root / "etc" / name)
    (root / "srv").mkdir(mode=0o2750)
    contents = {
        "text": b"some text\n",
        "script": b"#!/bin/sh\necho\n",
        "latin": b"caf\xe9\n",
        "elf": b"\x7fELF\2\1\1\0",
    }
    contents |= {"empty": b"", "large": b"a line\n" * (CHUNK // 5), "utf8": "é\n".encode()}
    for name, content in contents.items():
        (root / "srv" / name).write_bytes(content)
    (root / "srv/script").chmod(0o4711)
    (root / "srv/text").chmod(0)
    os.mkfifo(root / "srv/fifo")
    for name, target in (("link", "text"), ("dangling", "nowhere"), ("to-dir", "../etc"), ("loop", "loop")):
        (root / "srv" / name).symlink_to(target)
    return root


def as_guest(value: t.Any, root: Path) -> t.Any:
    return {key: item.replace(str(root), "") if isinstance(item, str) else item for key, item in value.items()}


@pytest.mark.skipif(os.geteuid() != 0, reason="the twin says what its user may do, and ours what root may")
@pytest.mark.parametrize("follow", [False, True])
@pytest.mark.parametrize(
    "path",
    [
        *("/srv/text", "/srv/script", "/srv/latin", "/srv/elf", "/srv/empty", "/srv/large", "/srv/utf8", "/srv/fifo"),
        *("/srv", "/srv/", "/srv/link", "/srv/dangling", "/srv/to-dir", "/srv/none", "/srv/none/below"),
        *("/srv/to-dir/passwd", "/etc"),
    ],
)
def test_as_the_twin(path: str, follow: bool, tree: Path) -> None:
    # The twin's file(1) never follows, and calls a link to nowhere "unknown".
    has_same_mime = path != "/srv/dangling" and not (follow and path in ("/srv/link", "/srv/to-dir"))
    get_mime = shutil.which("file") is not None and has_same_mime
    found = Module("stat_info").run(FolderRpc(tree), path=path, follow=follow, get_mime=get_mime, **WITHOUT_FLAGS)
    wanted = twin("stat", path=f"{tree}{path}", follow=follow, get_mime=get_mime, **WITHOUT_FLAGS)
    assert not found.changed
    for result in (found.result, wanted):
        result["stat"].pop("atime", None)  # which looking changes
    assert found.result["stat"] == as_guest(wanted["stat"], tree)


@pytest.mark.parametrize("algorithm", ["md5", "sha1", "sha224", "sha256", "sha384", "sha512"])
def test_checksums(algorithm: str, tree: Path) -> None:
    options: dict[str, t.Any] = {**WITHOUT_FLAGS, "checksum_algorithm": algorithm}
    found = Module("stat_info").run(FolderRpc(tree), path="/srv/latin", **options).result["stat"]
    assert found["checksum"] == twin("stat", path=f"{tree}/srv/latin", **options)["stat"]["checksum"]


def test_a_path_below_a_file_is_an_error_as_in_the_twin(tree: Path) -> None:
    with pytest.raises(GuestError, match="Not a directory"):
        Module("stat_info").run(FolderRpc(tree), path="/srv/text/below/it")
    assert twin("stat", path=f"{tree}/srv/text/below/it")["msg"] == "Not a directory"


def test_a_loop_is_an_error_only_where_it_is_followed(tree: Path) -> None:
    with pytest.raises(GuestError, match="Too many symbolic links"):
        Module("stat_info").run(FolderRpc(tree), path="/srv/loop", follow=True)


def test_flags() -> None:
    rpc = FakeRpc()
    rpc.add_file("/f", b"", 0o400, flags=frozenset("ie"))
    rpc.add_link("/l", "f")
    found = Module("stat_info").run(rpc, path="/f", get_mime=False).result["stat"]
    assert (found["attr_flags"], sorted(found["attributes"])) == ("ei", ["extents", "immutable"])
    assert found["version"] == "381700746"
    assert (found["readable"], found["writeable"], found["executable"]) == (True, False, False)
    link = Module("stat_info").run(rpc, path="/l", get_mime=False).result["stat"]
    assert (link["attr_flags"], link["attributes"], link["version"]) == ("", [], None)


def test_names_are_the_guests() -> None:
    rpc = FakeRpc()
    rpc.add_file("/etc/passwd", b"alice:x:1000:1000::/:/bin/sh\nagain:x:1000:1::/:/bin/sh\n")
    rpc.add_file("/f", uid=1000, gid=99999)
    found = Module("stat_info").run(rpc, path="/f", get_mime=False).result["stat"]
    assert found["pw_name"] == "alice"
    assert "gr_name" not in found


def test_names_that_are_not_utf8() -> None:
    rpc = FakeRpc()
    rpc.add_file("/caf\udce9", b"content")
    rpc.add_link("/l", "caf\udce9")
    found = Module("stat_info").run(rpc, path="/l", get_mime=False, follow=False).result["stat"]
    assert (found["lnk_target"], base64.b64decode(found["lnk_target_b64"])) == ("caf\\udce9", b"caf\xe9")
    assert (found["lnk_source"], base64.b64decode(found["lnk_source_b64"])) == ("/caf\\udce9", b"/caf\xe9")
    slurped = Module("slurp_info").run(rpc, src="base64:L2NhZuk=").result
    assert base64.b64decode(slurped["content"]) == b"content"
    assert base64.b64decode(slurped["source_b64"]) == b"/caf\xe9"


@pytest.mark.parametrize("kind", [stat.S_IFIFO, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFSOCK])
def test_special_files_are_described_and_never_opened(kind: int) -> None:
    rpc = FakeRpc()
    rpc.add_special("/x", kind)
    found = Module("stat_info").run(rpc, path="/x").result["stat"]
    assert "checksum" not in found
    assert found["mimetype"].startswith("inode/")
    with pytest.raises(GuestError, match="not a regular file"):
        Module("slurp_info").run(rpc, src="/x")


@pytest.mark.parametrize("size", [0, 1, CHUNK + 1])
def test_slurp_as_the_twin(size: int, tree: Path) -> None:
    (tree / "srv/slurped").write_bytes(os.urandom(size))
    found = Module("slurp_info").run(FolderRpc(tree), src="/srv/slurped")
    wanted = twin("slurp", src=f"{tree}/srv/slurped")
    assert found.result == as_guest(wanted, tree)


@pytest.mark.parametrize(
    ("src", "message"),
    [
        ("/none", "File not found: /none"),
        ("/d", "Source is a directory and must be a file: /d"),
        ("/large", "has 1099511627776 bytes, more than the 8388608 allowed"),
        ("/loop", "Too many symbolic links"),
    ],
)
def test_what_slurp_refuses(src: str, message: str) -> None:
    rpc = FakeRpc()
    rpc.add_dir("/d")
    rpc.add_link("/loop", "/loop")
    rpc.add_file("/large", size=2**40)
    with pytest.raises(GuestError, match=message):
        Module("slurp_info").run(rpc, src=src)


@pytest.mark.parametrize("max_size", [-1, 2**29])
def test_a_bound_that_is_none(max_size: int) -> None:
    with pytest.raises(OptionError, match="max_size"):
        Module("slurp_info").run(FakeRpc(), src="/f", max_size=max_size)
