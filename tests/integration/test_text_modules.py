# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""lineinfile, blockinfile, replace and ini_file beside their twins: the same tasks but for the prefix, in one play.

The twins work on files of this host, ours on files of a guest that hold the same. What ours did is read back with
debugfs. For hundreds of cases without an appliance see ``tests/unit/differential/test_text_modules.py``.
"""

from __future__ import annotations

import os
import re
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from conftest import Copier
from guest_files import change_guest, list_guest, read_guest_file, stat_guest
from harness import ROOT, Harness, Run, Task, TaskResult, collection_link
from tasks import COMMIT, OPEN, ended, tried

pytestmark = pytest.mark.appliance

TWINS = {"ini_file": "community.general.ini_file"}
SECRET = "correct-horse-battery-staple"


@dataclass(frozen=True)
class Case:
    """A task on the file ``name`` below /etc/twins, which changes it."""

    module: str
    name: str
    before: bytes
    options: t.Mapping[str, t.Any]
    backups: int = 0
    link: str = ""
    mode: int = field(default=0o644)

    def task(self, folder: str, *, twin: bool) -> Task:
        ours = f"offline.guest.{self.module}"
        action = TWINS.get(self.module, f"ansible.builtin.{self.module}") if twin else ours
        return {action: {"path": f"{folder}/{self.link or self.name}", **self.options}}


CASES = [
    Case(
        "lineinfile",
        "sshd_config",
        b"#PermitRootLogin yes\nX11Forwarding no\nMatch all\n",
        {"regexp": "^#?PermitRootLogin", "line": "PermitRootLogin no", "mode": "0600", "backup": True},
        backups=1,
        mode=0o600,
    ),
    Case(
        "lineinfile",
        "mixed.conf",
        "one\r\ntwo\r\ncafé".encode(),  # of what is not UTF-8 Ansible cannot show the twin's difference at all
        {"line": "three", "insertafter": "^one", "validate": "grep -q three %s"},
    ),
    Case("lineinfile", "absent.conf", b"a=1\nb=2\na=3\n", {"search_string": "a=", "state": "absent"}),
    Case(
        "lineinfile",
        "linked.conf",
        b"timeout 30 s\n",
        {"regexp": r"^(timeout) \d+ (.*)$", "line": r"\1 60 \2", "backrefs": True},
        link="link.conf",
    ),
    Case(
        "blockinfile",
        "page.html",
        b"<html>\n<body>\n</body>",
        {
            "block": "<p>One</p>\n<p>Two</p>",
            "marker": "<!-- {mark} banner -->",
            "insertafter": "<body>",
            "append_newline": True,
            "prepend_newline": True,
        },
    ),
    Case(
        "blockinfile",
        "block.conf",
        b"x\n# BEGIN ANSIBLE MANAGED BLOCK\nold\n# END ANSIBLE MANAGED BLOCK\ny\n",
        {"state": "absent", "backup": True},
        backups=1,
    ),
    Case(
        "replace",
        "sections.conf",
        b"a\n[x]\na\na\n[y]\na\n",
        {"regexp": "^(a)$", "replace": r"# \1", "after": r"\[x\]", "before": r"\[y\]"},
    ),
    Case(
        "replace",
        "latin.conf",
        b"name=caf\xe9\n",
        {"regexp": "é", "replace": "e", "encoding": "latin-1", "backup": True},
        backups=1,
    ),
    Case(
        "ini_file",
        "server.ini",
        b"[server]\nport=80\n;debug = 1\n\n[peer]\nip = 1\n[peer]\nip = 2",
        {"section": "peer", "section_has_values": [{"option": "ip", "value": "2"}], "option": "key", "value": "k"},
    ),
    Case(
        "ini_file",
        "values.ini",
        b"[s]\nk = 1\nk = 2\nj = 1\n",
        {"section": "s", "option": "k", "values": ["2", "3"], "no_extra_spaces": True, "mode": "u=rw,go="},
        mode=0o600,
    ),
]  # fmt: skip


@pytest.fixture
def twins() -> t.Mapping[str, str]:
    """Have plays find community.general, which has the twin of ini_file."""
    community = ROOT / "build" / "community"
    if not (community / "ansible_collections" / "community" / "general").exists():
        pytest.skip("community.general is not there")
    return {"ANSIBLE_COLLECTIONS_PATH": f"{collection_link()}{os.pathsep}{community}"}


def plant(image: Path, folder: Path) -> None:
    """Put the files of the cases into a folder of this host, and into the guest."""
    requests = ["mkdir /etc/twins"]
    for case in CASES:
        here = folder / case.name
        here.write_bytes(case.before)
        here.chmod(0o644)
        requests += [f"write {here} /etc/twins/{case.name}"]
        requests += [f"set_inode_field /etc/twins/{case.name} mode 0100644"]
        if case.link:
            (folder / case.link).symlink_to(case.name)
            requests.append(f"symlink /etc/twins/{case.link} /../../etc/twins/{case.name}")
    change_guest(image, requests)


def said(result: TaskResult, folder: str) -> dict[str, t.Any]:
    """What a module said of content and attributes, with the path of the other."""
    shown = {key: result.result.get(key) for key in ("changed", "msg", "found", "rc")}
    backup = result.result.get("backup") or result.result.get("backup_file")
    return {**shown, "kept": re.sub(r"\.[0-9a-f]+\.[-\d@:]+~", "", backup or "").replace(folder, "/etc/twins")}


def test_the_same_tasks_beside_their_twins(
    harness: Harness, image_copy: Copier, tmp_path: Path, twins: t.Mapping[str, str]
) -> None:
    image = image_copy("debian-like")
    folder = tmp_path / "twins"
    folder.mkdir()
    plant(image, folder)
    tasks = [
        case.task(place, twin=twin) for case in CASES for place, twin in (("/etc/twins", False), (str(folder), True))
    ]
    calls = harness.four_calls_in_session(tasks, image, environment=twins)
    names = list_guest(image, "/etc/twins")
    for number, case in enumerate(CASES):
        ours, theirs = calls[2 * number], calls[2 * number + 1]
        for call in (1, 2):
            assert said(ours[call], "/etc/twins") == said(theirs[call], str(folder)), case.name
        here, there = folder / case.name, f"/etc/twins/{case.name}"
        assert read_guest_file(image, there) == here.read_bytes() != case.before
        found = stat_guest(image, there)
        assert found is not None
        assert found.mode == here.stat().st_mode & 0o7777 == case.mode
        backups = [name for name in names if name.startswith(f"{case.name}.") and name.endswith("~")]
        assert [read_guest_file(image, f"/etc/twins/{name}") for name in backups] == [case.before] * case.backups
        assert len(list(folder.glob(f"{case.name}.*~"))) == case.backups
    assert stat_guest(image, "/etc/twins/link.conf").kind == "link"  # type: ignore[union-attr]


def refusal(run: Run, name: str) -> str:
    assert run[name].status == "ignored", f"{name} did not fail: {dict(run[name].result)}"
    return run[name].msg


def test_links_that_lead_out_and_secrets(harness: Harness, image_copy: Copier, tmp_path: Path) -> None:
    """Nothing of this host is read or written; and nothing of a secret is in any output, however verbose."""
    image = image_copy("debian-like")
    victim = tmp_path / "victim"
    victim.write_bytes(b"of the host\n")
    source = tmp_path / "secrets"
    source.write_bytes(f"password = {SECRET}-before\n".encode())
    change_guest(
        image,
        [
            f"symlink /etc/out {'../' * 30}{str(victim).lstrip('/')}",
            f"symlink /etc/outdir {'../' * 30}{str(tmp_path).lstrip('/')}",
            "symlink /etc/loop loop",
            "symlink /etc/inside /../../srv/inside.conf",
            f"write {source} /srv/inside.conf",
            f"write {source} /etc/secrets",
            "cd /etc",
            "mknod fifo p",
            "mknod device c 1 5",
        ],
    )
    attacks = {
        "out": ("/etc/out", "does not exist"),
        "outdir": ("/etc/outdir/victim", "does not exist"),
        "loop": ("/etc/loop", "Too many symbolic links"),
        "fifo": ("/etc/fifo", "not a regular file"),
        "device": ("/etc/device", "not a regular file"),
        "directory": ("/etc", "is a directory"),
    }
    hidden: list[Task] = [
        {"offline.guest.lineinfile": {"path": "/etc/secrets", "line": f"a {SECRET}"}, "no_log": True},
        {"offline.guest.blockinfile": {"path": "/etc/secrets", "block": f"b {SECRET}"}, "no_log": True},
        {"offline.guest.replace": {"path": "/etc/secrets", "regexp": "b", "replace": f"c-{SECRET}"}, "no_log": True},
        {"offline.guest.ini_file": {"path": "/etc/secrets", "option": "d", "value": SECRET}, "no_log": True},
        {"offline.guest.lineinfile": {"path": "/etc/secrets", "line": SECRET, "regexp": "("}, "no_log": True},
        # Its own options are no secret; the file is.
        {"offline.guest.lineinfile": {"path": "/etc/secrets", "line": "e"}, "diff": False},
    ]
    tasks = [
        *(tried({"name": n, "offline.guest.lineinfile": {"path": p, "line": "x"}}) for n, (p, _m) in attacks.items()),
        *(
            tried({"name": f"ini {name}", "offline.guest.ini_file": {"path": path, "option": "x", "value": "y"}})
            for name, (path, _message) in attacks.items()
            if name in ("loop", "fifo", "directory")
        ),
        {
            "name": "inside",
            "offline.guest.replace": {"path": "/etc/inside", "regexp": "^password.*", "replace": "was here"},
            "no_log": True,
        },
        *(tried({**task, "name": f"secret {number}"}) for number, task in enumerate(hidden)),
    ]
    run = harness.play(ended([OPEN, *tasks, COMMIT]), image=image, diff=True, arguments=["-vvv"]).ok()
    for name, (_path, message) in attacks.items():
        assert message in refusal(run, name)
        if f"ini {name}" in [task.name for task in run.tasks]:
            assert message in refusal(run, f"ini {name}")
    assert victim.read_bytes() == b"of the host\n"
    assert sorted(os.listdir(tmp_path)) == sorted([image.name, "secrets", "victim"])
    assert read_guest_file(image, "/srv/inside.conf") == b"was here\n"
    assert SECRET not in run.output
    written = read_guest_file(image, "/etc/secrets").decode()
    assert f"d = {SECRET}" in written and written.endswith("\ne\n")
    assert [run[f"secret {number}"].changed for number in range(len(hidden))] == [True, True, True, True, False, True]
    assert "Traceback" not in run.output
