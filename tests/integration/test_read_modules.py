# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The modules that only read: find_info, stat_info, slurp_info and fetch, in one session on a real appliance."""

from __future__ import annotations

import base64
import os
import stat
import typing as t
from dataclasses import dataclass
from pathlib import Path

import images
import pytest
from guest_files import change_guest, extract_tree
from harness import Harness, Run, Task, sha256
from tasks import COMMIT, OPEN, ended, tried

pytestmark = pytest.mark.appliance

LARGE = int(os.environ.get("OFFLINE_GUEST_LARGE_FILE", 64 * 1024 * 1024))
LATIN = b"/srv/caf\xe9"
LINKS = {
    "/srv/absolute": "/../../../../etc/hostname",
    "/srv/climbing": "../../../../../../etc/hostname",
    "/srv/loop": "loop",
    "/srv/dangling": "/host/secret",
    "/srv/etc": "/../etc",
}
TIMES = ("atime", "ctime")


@dataclass(frozen=True)
class Read:
    """What one session gave, and what it is compared with."""

    run: Run
    image: Path
    copy: Path
    fetched: Path
    large: Path
    unchanged: bool


def read(name: str, module: str, **options: t.Any) -> Task:
    return {"name": name, f"offline.guest.{module}": options}


def b64(raw: bytes) -> str:
    return "base64:" + base64.b64encode(raw).decode()


def plant(image: Path, folder: Path, large: Path) -> None:
    """Put links, special files, names that are not UTF-8 and a large file into the image."""
    content = folder / "content"
    content.write_bytes(b"caf\xe9\n")
    latin = os.fsdecode(LATIN)
    change_guest(
        image,
        [
            *(f"symlink {path} {target}" for path, target in LINKS.items()),
            "cd /srv",
            "mknod fifo p",
            "mknod device c 1 5",
            "cd /",
            f"mkdir {latin}",
            f"write {content} {latin}/na\udcefve",
            f"symlink /srv/to-latin {latin}",
            f"write {large} /srv/large",
        ],
    )


def steps(copy: Path, fetched: Path) -> list[Task]:
    everything = {"recurse": True, "hidden": True, "file_type": "any"}
    tree = {"src": "/etc/passwd", "dest": f"{fetched}/tree"}
    flat = {"src": "/srv/large", "dest": f"{fetched}/flat/large", "flat": True}
    names = ("absolute", "climbing", "loop", "dangling", "etc/passwd", "fifo", "device", "none", "large/x")
    return [
        read("find", "find_info", paths="/etc", get_checksum=True, checksum_algorithm="sha256", **everything),
        {
            "name": "twin find",
            "ansible.builtin.find": {
                "paths": str(copy),
                "get_checksum": True,
                "checksum_algorithm": "sha256",
                **everything,
            },
        },
        read("find latin", "find_info", paths=["/srv", b64(LATIN)], **everything),
        read("find contains", "find_info", paths="/etc", contains="root:", recurse=True, hidden=True),
        *(tried(read(f"stat {name}", "stat_info", path=f"/srv/{name}")) for name in names),
        *(tried(read(f"follow {name}", "stat_info", path=f"/srv/{name}", follow=True)) for name in names),
        *(tried(read(f"slurp {name}", "slurp_info", src=f"/srv/{name}")) for name in names),
        read("stat", "stat_info", path="/etc/passwd"),
        {"name": "twin stat", "ansible.builtin.stat": {"path": f"{copy}/passwd"}},
        read("stat latin", "stat_info", path=b64(LATIN + b"/na\xefve")),
        read("slurp latin", "slurp_info", src=b64(b"/srv/to-latin/na\xefve")),
        {**read("fetch check", "fetch", **tree), "check_mode": True},
        read("fetch", "fetch", **tree),
        read("fetch again", "fetch", **tree),
        {**read("fetch check again", "fetch", **tree), "check_mode": True},
        read("fetch large", "fetch", **flat),
        read("fetch large again", "fetch", **flat),
        {
            "name": "damage",
            "ansible.builtin.copy": {"content": "other", "dest": f"{fetched}/flat/other", "mode": "0640"},
        },
        read("fetch over", "fetch", src="/srv/climbing", dest=f"{fetched}/flat/other", flat=True),
        read("fetch latin", "fetch", src=b64(LATIN + b"/na\xefve"), dest=f"{fetched}/latin/", flat=True),
        read("fetch missing", "fetch", src="/srv/dangling", dest=f"{fetched}/x", fail_on_missing=False),
        *(tried(read(f"fetch {name}", "fetch", src=f"/srv/{name}", dest=f"{fetched}/no/")) for name in names),
    ]


@pytest.fixture(name="reading", scope="module")
def fixture_reading(harness: Harness, tmp_path_factory: pytest.TempPathFactory) -> Read:
    folder = tmp_path_factory.mktemp("reading")
    image = images.copy("debian-like", folder / "image.raw")
    large, fetched = folder / "large", folder / "fetched"
    with open(large, "wb") as stream:
        block = os.urandom(1024 * 1024)
        for number in range(LARGE // len(block)):
            stream.write(number.to_bytes(8, "big") + block[8:])
    plant(image, folder, large)
    copy = extract_tree(image, "/etc", folder)
    before = sha256(image)
    run = harness.play(ended([OPEN, *steps(copy, fetched), COMMIT]), image=image).ok()
    return Read(run, image, copy, fetched, large, sha256(image) == before)


def test_nothing_was_changed(reading: Read) -> None:
    changed = {task.name for task in reading.run.tasks if task.changed} - {"open", "commit"}
    assert {name for name in changed if "fetch" not in name} == {"damage"}
    assert reading.unchanged


def test_find_is_the_twin(reading: Read) -> None:
    """On a copy of the guest's /etc, made with debugfs, whose accounts are the host's and inodes others."""
    differing = {"inode", "dev", "nlink", "ctime", "atime", "pw_name", "gr_name"}

    def comparable(task: str, prefix: str) -> dict[str, t.Any]:
        return {
            item["path"].removeprefix(prefix): {
                key: value
                for key, value in item.items()
                # A directory's size is its file system's affair, and debugfs gives a link no time.
                if key not in differing
                and not (key == "size" and item["isdir"])
                and not (key == "mtime" and item["islnk"])
            }
            for item in reading.run[task]["files"]
        }

    ours, twins = comparable("find", "/etc"), comparable("twin find", str(reading.copy))
    assert {key: {**item, "path": ""} for key, item in ours.items()} == {
        key: {**item, "path": ""} for key, item in twins.items()
    }
    for key in ("matched", "examined", "skipped_paths", "msg"):
        assert reading.run["find"][key] == reading.run["twin find"][key]
    assert "/etc/passwd" in [item["path"] for item in reading.run["find contains"]["files"]]


def test_names_that_are_not_utf8(reading: Read) -> None:
    found = {item["path"]: item for item in reading.run["find latin"]["files"]}
    assert base64.b64decode(found["/srv/caf\\udce9/na\\udcefve"]["path_b64"]) == LATIN + b"/na\xefve"
    assert reading.run["find latin"]["matched"] == len(reading.run["find latin"]["files"])
    assert reading.run["stat latin"]["stat"]["size"] == 5
    assert base64.b64decode(reading.run["slurp latin"]["content"]) == b"caf\xe9\n"
    assert (reading.fetched / "latin" / os.fsdecode(b"na\xefve")).read_bytes() == b"caf\xe9\n"


def test_stat_is_the_twin(reading: Read) -> None:
    ours, twins = dict(reading.run["stat"]["stat"]), dict(reading.run["twin stat"]["stat"])
    for key in ("path", "inode", "dev", "ctime", "atime", "version", "blocks", "attr_flags", "attributes"):
        ours.pop(key), twins.pop(key)
    assert ours == twins
    assert reading.run["stat"]["stat"]["attr_flags"] == "e"
    assert reading.run["stat"]["stat"]["version"].isdecimal()


def test_links_lead_nowhere_but_into_the_guest(reading: Read) -> None:
    run = reading.run
    host_name = (reading.copy / "hostname").read_bytes()
    for name in ("absolute", "climbing"):
        assert run[f"stat {name}"]["stat"]["lnk_source"] == "/etc/hostname"
        assert base64.b64decode(run[f"slurp {name}"]["content"]) == host_name
        assert run[f"follow {name}"]["stat"]["size"] == len(host_name)
    assert (reading.fetched / "flat/other").read_bytes() == host_name
    assert run["follow dangling"]["stat"] == {"exists": False}
    assert not run["stat dangling"]["stat"]["readable"]
    for name in ("follow loop", "slurp loop", "fetch loop"):
        assert "Too many symbolic links" in run[name].msg
    for name in ("fifo", "device"):
        assert not run[f"stat {name}"]["stat"]["isreg"]
        for module in ("slurp", "fetch"):
            assert "regular file" in run[f"{module} {name}"].msg
    for module in ("slurp", "fetch"):
        assert run[f"{module} none"].failed
        assert run[f"{module} dangling"].failed
    assert "Not a directory" in run["stat large/x"].msg
    assert base64.b64decode(run["slurp etc/passwd"]["content"]) == (reading.copy / "passwd").read_bytes()


def test_fetch(reading: Read) -> None:
    run, target = reading.run, reading.fetched / "tree/localhost/etc/passwd"
    assert [run[name].changed for name in ("fetch check", "fetch", "fetch again", "fetch check again")] == [
        *(True, True, False, False),
    ]
    assert target.read_bytes() == (reading.copy / "passwd").read_bytes()
    assert run["fetch"]["dest"] == str(target)
    assert run["fetch"]["checksum"] == run["fetch"]["remote_checksum"] == run["fetch check"]["checksum"]
    assert {"dest", "file", "checksum", "md5sum"} <= set(run["fetch again"].result)
    assert run["fetch"]["md5sum"] == run["fetch again"]["md5sum"]
    assert run["fetch missing"].msg.endswith("not transferring, ignored")
    assert stat.S_IMODE((reading.fetched / "flat/other").stat().st_mode) == 0o640
    left = [path for path in reading.fetched.rglob("*") if path.name.startswith(".offline-guest")]
    assert left == []
    brought = {path.name for path in (reading.fetched / "no").rglob("*") if path.is_file()}
    assert brought == {"absolute", "climbing", "passwd"}


def test_fetch_of_a_large_file(reading: Read) -> None:
    assert reading.run["fetch large"].changed
    assert not reading.run["fetch large again"].changed
    assert sha256(reading.fetched / "flat/large") == sha256(reading.large)
