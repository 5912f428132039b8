# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""unarchive on a real appliance: every kind of archive four times in one session, and what must not be written."""

from __future__ import annotations

import json
import os
import stat
import sys
import typing as t
from pathlib import Path

import pytest
from conftest import Copier
from guest_files import change_guest, list_guest, read_guest_file, stat_guest
from harness import Harness, Task
from tasks import tried

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "unit" / "guest"))

from archives import Entry, folder, link, make

pytestmark = pytest.mark.appliance

MIB = 1024 * 1024
LARGE = os.urandom(MIB) * 5
ENTRIES = [
    folder("app", 0o750, owner="root", group="www-data"),
    Entry("app/run", b"#!/bin/sh\n", mode=0o755, owner="alice", group="nowhere", uid=5, gid=77),
    Entry("app/deep/er/file", b"deep", mode=0o600),
    link("app/current", "deep/er"),
    Entry("app/large", LARGE),
    Entry("caf\u00e9", b"name"),
]
EXTRA = [Entry("app/again", kind="hard", target="app/run", mode=0o755), Entry("na\udcefve", b"latin")]
SUFFIXES = ("tar", "tar.gz", "tar.bz2", "tar.xz", "tar.zst", "zip")


def unarchive(source: Path, dest: str, **options: t.Any) -> Task:
    return {"offline.guest.unarchive": {"src": str(source), "dest": dest, **options}}


def folders(*names: str) -> list[str]:
    return [f"mkdir /srv/{name}" for name in names]


def test_archives_of_every_kind(harness: Harness, image_copy: Copier, tmp_path: Path) -> None:
    image = image_copy("debian-like")
    names = [suffix.replace(".", "-") for suffix in SUFFIXES]
    planted = tmp_path / "planted"
    planted.write_bytes(b"old content, of another size")
    change_guest(
        image,
        [
            *folders(*names, "owned", "mended", "mended/app", "usr", "links", "links/real"),
            f"write {planted} /srv/mended/app/run",
            "ea_set /srv/mended/app/run user.note old",
            "symlink /srv/mended/app/current /etc",
            "symlink /srv/links/lib real",
        ],
    )
    archives = {
        suffix: make(tmp_path / f"a.{suffix}", ENTRIES + (EXTRA if suffix != "zip" else [])) for suffix in SUFFIXES
    }
    through = make(tmp_path / "through.tar", [folder("lib"), Entry("lib/x", b"1")])
    tasks = [
        *(unarchive(archives[suffix], f"/srv/{name}", list_files=True) for suffix, name in zip(SUFFIXES, names)),
        unarchive(archives["tar.gz"], "/srv/owned", owner="alice", group="33", mode="u=rwX,go=", exclude=["large"]),
        unarchive(archives["tar"], "/srv/mended", include=["app"], remote_src=True),
        unarchive(through, "/srv/links"),
    ]
    calls = harness.four_calls_in_session(tasks, image)
    for four in calls:
        keys = [set(call.result) - {"diff", "invocation"} for call in four]
        assert keys[0] == keys[1] == keys[2] == keys[3]
    for suffix, name in zip(SUFFIXES, names):
        assert_extracted(image, f"/srv/{name}", is_zip=suffix == "zip")
    assert calls[1][1]["handler"] == "TgzArchive"
    assert "na\\udcefve" in calls[1][1]["files"]
    assert owners(image, "/srv/owned/app/run") == (0o700, 1000, 33)
    assert "large" not in list_guest(image, "/srv/owned/app")
    mended = stat_guest(image, "/srv/mended/app/run")
    assert mended is not None and "user.note" not in mended.xattrs
    assert read_guest_file(image, "/srv/mended/app/current") == b"deep/er"
    assert list_guest(image, "/srv/mended") == ["app"]
    assert read_guest_file(image, "/srv/links/lib") == b"real"
    assert read_guest_file(image, "/srv/links/real/x") == b"1"


def owners(image: Path, path: str) -> tuple[int, int, int]:
    found = stat_guest(image, path)
    assert found is not None, path
    return stat.S_IMODE(found.mode), found.uid, found.gid


def assert_extracted(image: Path, root: str, *, is_zip: bool) -> None:
    assert owners(image, f"{root}/app") == (0o750, 0, 0 if is_zip else 33)
    assert owners(image, f"{root}/app/run") == ((0o755, 0, 0) if is_zip else (0o755, 1000, 77))
    assert owners(image, f"{root}/app/deep/er/file") == (0o600, 0, 0)
    assert read_guest_file(image, f"{root}/app/deep/er/file") == b"deep"
    assert read_guest_file(image, f"{root}/app/large") == LARGE
    assert read_guest_file(image, f"{root}/app/current") == b"deep/er"
    assert read_guest_file(image, f"{root}/caf\u00e9") == b"name"
    if not is_zip:
        first, second = stat_guest(image, f"{root}/app/run"), stat_guest(image, f"{root}/app/again")
        assert first is not None and second is not None and first.inode == second.inode
        assert os.fsdecode(b"na\xefve") in list_guest(image, root)


def test_archives_and_guests_that_lead_astray(harness: Harness, image_copy: Copier, tmp_path: Path) -> None:
    """Every task is refused, and the image stays as it is; nothing of the host is touched either."""
    image = image_copy("debian-like")
    outside = tmp_path / "outside"
    outside.mkdir()
    change_guest(image, [*folders("dest"), "symlink /srv/dest/out /../../etc", f"symlink /srv/dest/host {outside}"])
    attacks = {
        "upwards": [Entry("../../etc/evil")],
        "own link": [link("x", "/etc"), Entry("x/evil")],
        "own link of the host": [link("x", str(outside)), Entry("x/evil")],
        "the guest's link": [Entry("out/evil")],
        "the guest's link of the host": [Entry("host/evil")],
        "hard link": [Entry("x", kind="hard", target="out/shadow")],
        "device": [Entry("x", kind="char")],
        "set-user-ID": [Entry("x", mode=0o4755)],
        "bomb": [Entry("x", b"0" * 1001)],
    }
    steps = [
        tried({"name": name, **unarchive(make(tmp_path / f"{number}.tar.gz", entries), "/srv/dest", max_size=1000)})
        for number, (name, entries) in enumerate(attacks.items())
    ]
    fine = unarchive(make(tmp_path / "fine.tar", [Entry("f")]), "/srv/dest")["offline.guest.unarchive"]
    refused = {
        "extra_opts": {**fine, "extra_opts": ["--transform"]},
        "url": {**fine, "src": "https://example.com/a.tar", "remote_src": True},
        "url from here": {**fine, "src": "https://example.com/a.tar"},
        "both": {**fine, "copy": True, "remote_src": True},
        "no directory": {**fine, "dest": "/srv/none"},
    }
    steps += [tried({"name": name, "offline.guest.unarchive": options}) for name, options in refused.items()]
    skipped = {"name": "creates", "offline.guest.unarchive": {**fine, "creates": "/etc/passwd"}}
    before = image.read_bytes()
    done = harness.play(
        [
            {"name": "open", "offline.guest.session": {"state": "open"}},
            *steps,
            skipped,
            {"name": "commit", "offline.guest.session": {"state": "committed"}},
        ],
        image=image,
    ).ok()
    for name in (*attacks, *refused):
        assert done[name].status == "ignored", f"{name}: {json.dumps(dict(done[name].result))[:500]}"
    assert done["creates"].status == "skipped" or done["creates"]["skipped"]
    assert "Traceback" not in done.output
    assert image.read_bytes() == before
    assert list(outside.iterdir()) == []
