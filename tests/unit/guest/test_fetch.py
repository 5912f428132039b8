# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""fetch: what the module gives to its action plugin, and how that puts it in its place."""

from __future__ import annotations

import hashlib
import os
import stat
import typing as t
from pathlib import Path

import pytest
from ansible_collections.offline.guest.plugins.action import fetch as action
from ansible_collections.offline.guest.plugins.module_utils._errors import GuestError, HostError, OptionError
from ansible_collections.offline.guest.plugins.module_utils._guest._files import CHUNK
from ansible_collections.offline.guest.tests.unit.guest.fake_rpc import FakeRpc
from ansible_collections.offline.guest.tests.unit.guest.reading import Module

CONTENT = b"content of the guest"
SHA1 = hashlib.sha1(CONTENT).hexdigest()


def guest() -> FakeRpc:
    rpc = FakeRpc()
    rpc.add_file("/etc/file", CONTENT)
    rpc.add_link("/etc/link", "file")
    rpc.add_link("/etc/loop", "loop")
    rpc.add_link("/etc/dangling", "/../host/secret")
    rpc.add_special("/etc/fifo", stat.S_IFIFO)
    return rpc


def run(rpc: FakeRpc, src: str, **options: t.Any) -> t.Mapping[str, t.Any]:
    outcome = Module("fetch").run(rpc, src=src, dest="/anywhere", **options)
    assert not outcome.changed
    assert rpc.writes == []
    return outcome.result


@pytest.mark.parametrize("src", ["/etc/file", "/etc/link", "base64:L2V0Yy9maWxl"])
def test_a_file_is_staged(src: str, tmp_path: Path) -> None:
    found = run(guest(), src, _stage=str(tmp_path))
    staged = Path(found["staged"])
    assert staged.read_bytes() == CONTENT
    assert found["remote_checksum"] == SHA1
    assert stat.S_IMODE(staged.parent.stat().st_mode) == 0o700


def test_what_the_controller_has_is_not_moved(tmp_path: Path) -> None:
    rpc = guest()
    found = run(rpc, "/etc/file", _stage=str(tmp_path), _size=len(CONTENT), _checksum=SHA1)
    assert (found["staged"], found["remote_checksum"]) == (None, SHA1)
    assert "download" not in [entry[0] for entry in rpc.log]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("have", [{"_size": 5, "_checksum": SHA1}, {"_size": len(CONTENT), "_checksum": "0" * 40}])
def test_what_differs_is_moved(have: dict[str, t.Any], tmp_path: Path) -> None:
    rpc = guest()
    assert run(rpc, "/etc/file", _stage=str(tmp_path), **have)["staged"]
    names = [entry[0] for entry in rpc.log]
    assert names.count("download") == 1
    assert ("pread" in names) == (have["_size"] == len(CONTENT)), "a file of another size is another file"


def test_in_check_mode_there_is_only_a_checksum() -> None:
    rpc = guest()
    rpc.add_file("/etc/large", b"x" * (CHUNK + 1))
    assert run(rpc, "/etc/file") == {"file": "/etc/file", "remote_checksum": SHA1, "size": len(CONTENT), "staged": None}
    run(rpc, "/etc/large")
    assert "checksum" in [entry[0] for entry in rpc.log], "a large file is read inside the appliance only"


@pytest.mark.parametrize(
    ("src", "match"),
    [
        ("/etc/none", "does not exist"),
        ("/etc/dangling", "does not exist"),
        ("/etc", "is a directory"),
        ("/etc/fifo", "no regular file"),
    ],
)
def test_what_is_missing(src: str, match: str, tmp_path: Path) -> None:
    with pytest.raises(GuestError, match=match):
        run(guest(), src, _stage=str(tmp_path))
    found = run(guest(), src, _stage=str(tmp_path), fail_on_missing=False)
    assert match in found["msg"] and found["msg"].endswith("not transferring, ignored")
    assert "remote_checksum" not in found
    assert list(tmp_path.iterdir()) == []


def test_paths_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(GuestError, match="Too many symbolic links"):
        run(guest(), "/etc/loop", _stage=str(tmp_path))
    with pytest.raises(OptionError):
        run(guest(), "/etc/../../host", _stage=str(tmp_path))


def test_a_folder_that_somebody_prepared_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "fetched").mkdir()
    with pytest.raises(HostError, match="no room"):
        run(guest(), "/etc/file", _stage=str(tmp_path))


class TestReplacing:
    def test_a_new_file_has_the_permissions_that_the_umask_leaves(self, tmp_path: Path) -> None:
        before = os.umask(0o027)
        try:
            with action._replacing(str(tmp_path / "new")) as temporary:
                Path(temporary).write_bytes(b"new")
        finally:
            os.umask(before)
        assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o640
        assert [path.name for path in tmp_path.iterdir()] == ["new"]

    def test_a_failure_leaves_the_old_one(self, tmp_path: Path) -> None:
        (tmp_path / "old").write_bytes(b"old")
        (tmp_path / "old").chmod(0o604)
        with pytest.raises(ZeroDivisionError), action._replacing(str(tmp_path / "old")) as temporary:
            Path(temporary).write_bytes(b"half")
            raise ZeroDivisionError
        assert (tmp_path / "old").read_bytes() == b"old"
        assert [path.name for path in tmp_path.iterdir()] == ["old"]
        with action._replacing(str(tmp_path / "old")) as temporary:
            Path(temporary).write_bytes(b"new")
        assert stat.S_IMODE((tmp_path / "old").stat().st_mode) == 0o604
        assert (tmp_path / "old").read_bytes() == b"new"

    def test_the_stage_is_near_and_private_and_makes_no_folders(self, tmp_path: Path) -> None:
        with action._folder_near(str(tmp_path / "not/there/yet")) as folder:
            assert os.path.dirname(folder) == str(tmp_path)
            assert stat.S_IMODE(os.stat(folder).st_mode) == 0o700
        assert list(tmp_path.iterdir()) == []


def test_digests(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(CONTENT)
    assert action._digests(str(tmp_path / "f")) == (SHA1, hashlib.md5(CONTENT).hexdigest())
