# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""find_info against ``ansible.builtin.find`` on the same tree, and in hostile guests."""

from __future__ import annotations

import base64
import os
import shutil
import stat
import time
import typing as t
from pathlib import Path

import pytest
from ansible_collections.offline.guest.plugins.module_utils._errors import GuestError, OptionError
from ansible_collections.offline.guest.tests.unit.guest.fake_rpc import FakeRpc
from ansible_collections.offline.guest.tests.unit.guest.folder_rpc import FolderRpc
from ansible_collections.offline.guest.tests.unit.guest.reading import Module, twin

NOW = int(time.time())
DAY = 86400
# Path → content, mode, days since it was changed.
FILES = {
    "srv/a.log": (b"error: one\nfine\n", 0o644, 1),
    "srv/b.log": (b"fine\n  error: two\n", 0o640, 10),
    "srv/c.txt": (b"x" * 5000, 0o600, 30),
    "srv/.hidden.log": (b"error\r\nlast", 0o4755, 2),
    "srv/empty": (b"", 0o666, 0),
    "srv/sub/d.log": (b"caf\xc3\xa9\nerror", 0o644, 3),
    "srv/sub/deep/e.log": (b"line\rerror after CR\n", 0o2644, 20),
    "srv/sub/deep/deeper/f.log": (b"1234", 0o644, 5),
    "srv/.dark/g.log": (b"error", 0o644, 0),
    "other/h.log": (b"error", 0o644, 0),
}
LINKS = {"srv/to-file": "a.log", "srv/to-dir": "../other", "srv/dangling": "nowhere", "srv/sub/absolute": "/other"}


@pytest.fixture(name="tree", scope="module")
def fixture_tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("guest")
    for name, (content, mode, days) in FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        path.chmod(mode)
        os.utime(path, (NOW - days * DAY, NOW - days * DAY))
    for name, target in LINKS.items():
        (root / name).symlink_to(f"{root}{target}" if target.startswith("/") else target)
    os.mkfifo(root / "srv/fifo")
    (root / "etc").mkdir()
    for name in ("passwd", "group"):
        shutil.copy(f"/etc/{name}", root / "etc" / name)
    return root


def as_guest(value: t.Any, root: Path) -> t.Any:
    """Return a result of the twin with paths as the guest would have them."""
    if isinstance(value, dict):
        return {as_guest(key, root): as_guest(item, root) for key, item in value.items()}
    if isinstance(value, list):
        return [as_guest(item, root) for item in value]
    return value.replace(str(root), "") if isinstance(value, str) else value


def by_path(result: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    ordered = {"files": sorted(result["files"], key=lambda item: str(item["path"]))}
    return {**result, **ordered}


CASES: dict[str, dict[str, t.Any]] = {
    "plain": {},
    "recurse": {"recurse": True},
    "any": {"file_type": "any", "recurse": True, "hidden": True},
    "directories": {"file_type": "directory", "recurse": True},
    "links": {"file_type": "link", "recurse": True},
    "hidden": {"hidden": True, "recurse": True},
    "depth 1": {"recurse": True, "depth": 1},
    "depth 2": {"recurse": True, "depth": 2, "file_type": "any"},
    "depth 3, hidden": {"recurse": True, "depth": 3, "hidden": True},
    "depth 0": {"recurse": True, "depth": 0},
    "depth without recurse": {"depth": 3},
    "patterns": {"patterns": ["*.log", "emp*"], "recurse": True},
    "patterns as text": {"patterns": "*.txt,*.log"},
    "excludes": {"excludes": ["*.log"], "recurse": True, "hidden": True},
    "patterns and excludes": {"patterns": ["*.log"], "excludes": ["[ab]*"], "recurse": True},
    "regex": {"patterns": [r"[a-c]\.", r".*\.txt$"], "use_regex": True},
    "regex and excludes": {"patterns": [r".*log"], "excludes": [r"a", r"\."], "use_regex": True, "recurse": True},
    "excludes by regex alone": {"excludes": [r".*log$"], "use_regex": True, "file_type": "any"},
    "age": {"age": "4d", "recurse": True},
    "young": {"age": "-4d", "recurse": True},
    "age in weeks": {"age": "2W", "recurse": True},
    "age by ctime": {"age": "-1h", "age_stamp": "ctime", "recurse": True},
    "age by atime in seconds": {"age": str(3 * DAY), "age_stamp": "atime", "recurse": True},
    "size": {"size": "10", "recurse": True},
    "small": {"size": "-10b", "recurse": True, "hidden": True},
    "size in k, of any": {"size": "1k", "file_type": "any"},
    "mode": {"mode": "0644", "recurse": True},
    "mode, symbolic": {"mode": "u=rw,g=r", "recurse": True},
    "a bit of the mode": {"mode": "u+s,g+s", "exact_mode": False, "hidden": True, "recurse": True},
    "mode of directories": {"mode": "0755", "file_type": "directory"},
    "mode of all, octal bits": {"mode": "0222", "exact_mode": False, "file_type": "any"},
    "contains": {"contains": "error", "recurse": True, "hidden": True},
    "contains, not at the beginning": {"contains": " *error", "recurse": True},
    "contains, whole file": {"contains": r"two\n\Z", "read_whole_file": True, "recurse": True},
    "contains, with an encoding": {"contains": "caf\u00c3", "encoding": "latin-1", "recurse": True},
    "contains is for files": {"contains": "nothing has this", "file_type": "any"},
    "checksum": {"get_checksum": True, "recurse": True},
    "checksum, sha256, of any": {
        "get_checksum": True, "checksum_algorithm": "sha256", "file_type": "any", "hidden": True,
    },
    "follow": {"follow": True, "recurse": True, "file_type": "any"},
    "two paths, one missing": {"paths": ["/srv/sub", "/none"], "recurse": True},
    "a file as path": {"paths": ["/srv/a.log"]},
    "a link as path": {"paths": ["/srv/to-dir"]},
    "a slash at the end": {"paths": ["/srv/sub/"], "recurse": True, "depth": 1},
    "limit over all": {"limit": 100, "recurse": True},
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_as_the_twin(name: str, tree: Path) -> None:
    options = {"paths": ["/srv"], **CASES[name]}
    found = Module("find_info").run(Chroot(tree), **options)  # first, because the twin changes times of access
    wanted = twin("find", **{**options, "paths": [f"{tree}{path}" for path in options["paths"]]})
    assert not found.changed
    assert by_path(found.result) == by_path({key: as_guest(wanted[key], tree) for key in wanted if key != "changed"})


class Chroot(FolderRpc):
    """The tree, whose absolute links begin with its path on this machine, as the guest that has them without."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self._prefix = str(root)

    def _call_readlink(self, path: str) -> str:
        return super()._call_readlink(path).removeprefix(self._prefix)


def test_a_limit_takes_the_first_by_name(tree: Path) -> None:
    rpc = Chroot(tree)
    result = Module("find_info").run(rpc, paths=["/srv"], recurse=True, limit=3).result
    assert [item["path"] for item in result["files"]] == ["/srv/a.log", "/srv/b.log", "/srv/c.txt"]
    assert result["msg"] == "Limit of matches reached"
    assert rpc.log.count("readdir") == 1, "what is not needed is not read"


def test_a_directory_takes_two_calls() -> None:
    rpc = FakeRpc()
    for number in range(500):
        rpc.add_file(f"/d/{number}")
    assert Module("find_info").run(rpc, paths=["/d"]).result["matched"] == 500
    assert len([entry for entry in rpc.log if entry[0].startswith(("lstat", "readdir"))]) < 10


@pytest.mark.parametrize(
    "options",
    [
        {"age": "4 days"},
        {"age": "x"},
        {"size": "1.5k"},
        {"size": "-"},
        {"mode": 420},
        {"mode": "rubbish"},
        {"limit": 0},
        {"limit": -1},
        {"max_entries": 0},
        {"patterns": ["("], "use_regex": True},
        {"excludes": ["["], "use_regex": True},
        {"contains": "("},
        {"contains": "x", "encoding": "no-such"},
        {"contains": "x", "encoding": "rot13"},
        {"paths": ["relative"]},
        {"paths": ["/srv/../etc"]},
    ],
    ids=str,
)
def test_what_cannot_be_meant(options: dict[str, t.Any]) -> None:
    rpc = FakeRpc()
    rpc.add_dir("/srv")
    with pytest.raises(OptionError):
        Module("find_info").run(rpc, **{"paths": ["/srv"], **options})


class TestHostile:
    def test_names_that_are_not_utf8(self) -> None:
        rpc = FakeRpc()
        rpc.add_file("/d/caf\udce9/x\n{{y}}", b"1")
        result = Module("find_info").run(rpc, paths=["/d"], recurse=True, get_checksum=True).result
        found = result["files"][0]
        assert found["path"] == "/d/caf\\udce9/x\\n{\\x7by}}"
        assert base64.b64decode(found["path_b64"]) == b"/d/caf\xe9/x\n{{y}}"
        assert found["checksum"] == "356a192b7913b04c54574d18c28d46e6395428ab"

    def test_names_that_are_plain_have_no_second_form(self) -> None:
        rpc = FakeRpc()
        rpc.add_file("/d/é \\x")
        assert "path_b64" not in Module("find_info").run(rpc, paths=["/d"]).result["files"][0]

    def test_loops(self) -> None:
        rpc = FakeRpc()
        rpc.add_file("/d/sub/file")
        rpc.add_link("/d/sub/up", "..")
        rpc.add_link("/d/sub/itself", "/d/sub")
        rpc.add_link("/d/sub/around", "around")
        module = Module("find_info")
        result = module.run(rpc, paths=["/d"], recurse=True, follow=True).result
        assert [item["path"] for item in result["files"]] == ["/d/sub/file"]
        assert set(result["skipped_paths"]) == {"/d/sub/up", "/d/sub/itself", "/d/sub/around"}
        assert result["msg"] == "Not all paths examined, check warnings for details"
        assert len(module.warnings) == 3

    def test_links_do_not_lead_out(self) -> None:
        rpc = FakeRpc()
        rpc.add_link("/d/out", "../../../../etc")
        rpc.add_file("/etc/own")
        result = Module("find_info").run(rpc, paths=["/d"], recurse=True, follow=True).result
        assert [item["path"] for item in result["files"]] == ["/d/out/own"]

    def test_more_entries_than_allowed(self) -> None:
        rpc = FakeRpc()
        for number in range(20):
            rpc.add_file(f"/d/{number % 4}/{number}")
        with pytest.raises(GuestError, match="more than 15 entries"):
            Module("find_info").run(rpc, paths=["/d"], recurse=True, max_entries=15)
        assert Module("find_info").run(rpc, paths=["/d"], recurse=True, max_entries=24).result["matched"] == 20

    def test_content_that_is_too_large_or_no_text(self) -> None:
        rpc = FakeRpc()
        rpc.add_file("/d/binary", b"\xff\xfe\n")
        rpc.add_file("/d/large", b"x" * 101)
        rpc.add_file("/d/text", b"x")
        module = Module("find_info")
        result = module.run(rpc, paths=["/d"], contains="x", max_size=100).result
        assert [item["path"] for item in result["files"]] == ["/d/text"]
        assert set(result["skipped_paths"]) == {"/d/binary", "/d/large"}
        assert "max_size" in result["skipped_paths"]["/d/large"]

    def test_many_skipped_paths_are_few_warnings(self) -> None:
        rpc = FakeRpc()
        for number in range(100):
            rpc.add_file(f"/d/{number}", b"\xff")
        module = Module("find_info")
        assert len(module.run(rpc, paths=["/d"], contains="x").result["skipped_paths"]) == 100
        assert len(module.warnings) == 10

    def test_special_files_are_never_opened(self) -> None:
        rpc = FakeRpc()
        for name, kind in (("fifo", stat.S_IFIFO), ("char", stat.S_IFCHR)):
            rpc.add_special(f"/d/{name}", kind)
        result = Module("find_info").run(rpc, paths=["/d"], file_type="any", get_checksum=True, contains="x").result
        assert result["matched"] == 2

    def test_paths_longer_than_the_kernel_takes(self) -> None:
        rpc = FakeRpc()
        rpc.add_dir("/d")
        path = "/d"
        for _level in range(20):
            path += "/" + "x" * 240
            rpc.nodes[path] = rpc.add_dir("/tmp")
        result = Module("find_info").run(rpc, paths=["/d"], recurse=True, file_type="directory").result
        assert result["matched"] == 17
        assert len(result["skipped_paths"]) == 1
