# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The modules through ``ansible-playbook``: alone, in a session, and what they refuse.

What they did is read back with debugfs and other tools of the host, never with the product. The files to be edited are
put into the images with debugfs, too.
"""

from __future__ import annotations

import json
import subprocess
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

import images
import pytest
from conftest import Copier
from drives import cut_out, partitions_of
from factory.disk import stable_uuid
from guest_files import as_raw, change_guest, ext_offsets, list_guest, read_guest_file, stat_guest
from harness import Harness, Run, Task, TaskResult, left_in, sha256

pytestmark = pytest.mark.appliance

MIB = 1024 * 1024
SCRIPTS = "/var/lib/offline-guest/firstboot/scripts"
UNIT = "/etc/systemd/system/offline-guest-firstboot.service"
WANTS = "/etc/systemd/system/multi-user.target.wants/offline-guest-firstboot.service"
HOST_NAMES = b"127.0.0.1\tlocalhost\n127.0.1.1\told # mine\n"


@dataclass(frozen=True)
class Case:
    """An edit of one file: its bytes before (None: no file) and after, and what else is asked of it.

    :param at: where the file is, where ``path`` is a link to it.
    :param was: mode, owner and group before; ``becomes``: after.
    """

    path: str
    before: bytes | None
    edits: t.Sequence[t.Mapping[str, t.Any]]
    after: bytes
    options: t.Mapping[str, t.Any] = field(default_factory=dict)
    at: str = ""
    was: tuple[int, int, int] = (0o644, 0, 0)
    becomes: tuple[int, int, int] = (0o644, 0, 0)

    @property
    def file(self) -> str:
        return self.at or self.path

    @property
    def task(self) -> Task:
        return {"offline.guest.edit": {"path": self.path, "edits": list(self.edits), **self.options}}


EDITS = {
    "line": Case(
        "/etc/line.conf",
        b"a=1\n#b=2\nb=3\nc=4\nc=5\n",
        [
            {"regexp": "^#?b=", "line": "b=9"},
            {"line": "d=6", "insertbefore": "^c="},
            {"regexp": "^c=4", "state": "absent"},
            {"line": "e=7", "insertafter": "^a="},
        ],
        b"a=1\ne=7\n#b=2\nb=9\nd=6\nc=5\n",
    ),
    "line with groups": Case(
        "/etc/groups.conf",
        b"timeout 30 seconds\nname old old\n",
        [
            {"regexp": r"^(timeout) \d+ (.*)$", "line": r"\1 60 \2", "backrefs": True},
            {"search_string": "name", "line": "name new", "firstmatch": True},
        ],
        b"timeout 60 seconds\nname new\n",
    ),
    "block": Case(
        "/etc/block.conf",
        b"x\ny\n# BEGIN old\ngone\n# END old\n",
        [
            {"block": "one\n  two\n", "insertafter": "^x"},
            {"marker": "# {mark} old", "state": "absent", "block": ""},
        ],
        b"x\n# BEGIN ANSIBLE MANAGED BLOCK\none\n  two\n# END ANSIBLE MANAGED BLOCK\ny\n",
    ),
    "replace": Case(
        "/etc/replace.conf",
        b"http://a http://b\nhttp://kept\n[end]\nhttp://c\n",
        [
            {"regexp": r"http://([ab])\b", "replace": r"https://\1"},
            {"regexp": "http", "replace": "ftp", "after": "end"},
        ],
        b"https://a https://b\nhttp://kept\n[end]\nftp://c\n",
    ),
    "ini": Case(
        "/etc/ini.conf",
        b"[server]\nport = 80\n;debug = 1\n\n[client]\nold = 1\n",
        [
            {"ini": {"section": "server", "option": "port", "value": "8443"}},
            {"ini": {"section": "client", "option": "old", "state": "absent"}},
            {"ini": {"section": "new", "option": "key", "value": "value", "no_extra_spaces": True}},
        ],
        b"[server]\nport = 8443\n;debug = 1\n\n[client]\n[new]\nkey=value\n",
    ),
    "augeas with a lens": Case(
        "/etc/names.conf",
        HOST_NAMES,
        [{"augeas": {"path": "*[ipaddr='127.0.1.1']/canonical", "value": "web01", "lens": "Hosts"}}],
        HOST_NAMES.replace(b"old", b"web01"),
    ),
    "augeas without a lens": Case(
        "/etc/hosts",
        HOST_NAMES,
        [{"augeas": {"path": "*[ipaddr='127.0.1.1']/canonical", "value": "web01"}}],
        HOST_NAMES.replace(b"old", b"web01"),
    ),
    "every kind at once": Case(
        "/etc/kinds.conf",
        b"[main]\na = 1\nword\n",
        [
            {"ini": {"section": "main", "option": "a", "value": "2"}},
            {"regexp": "^word$", "replace": "WORD"},
            {"line": "last = 1"},
            {"block": "managed = 1", "insertbefore": "BOF"},
        ],
        b"# BEGIN ANSIBLE MANAGED BLOCK\nmanaged = 1\n# END ANSIBLE MANAGED BLOCK\n[main]\na = 2\nWORD\nlast = 1\n",
    ),
    "create, by the guest's names": Case(
        "/srv/made/here/new.conf",
        None,
        [{"line": "made = yes"}],
        b"made = yes\n",
        {"create": True, "mode": "0640", "owner": "alice", "group": "www-data"},
        becomes=(0o640, 1000, 33),
    ),
    "mode, owner and group only": Case(
        "/etc/owned.conf",
        b"as it was\n",
        [{"line": "as it was"}],
        b"as it was\n",
        {"mode": "u=rw,go=", "owner": "sshd", "group": "shadow"},
        was=(0o664, 1000, 33),
        becomes=(0o600, 105, 42),
    ),
    "keeping mode, owner and attributes": Case(
        "/etc/kept.conf",
        b"value = 1\n",
        [{"regexp": "^value", "line": "value = 2"}],
        b"value = 2\n",
        was=(0o2640, 1000, 33),
        becomes=(0o2640, 1000, 33),
    ),
    "backup": Case("/etc/saved.conf", b"old\n", [{"regexp": "^old", "line": "new"}], b"new\n", {"backup": True}),
    "CRLF": Case(
        "/etc/crlf.conf",
        b"one=1\r\ntwo=2\r\n",
        [{"regexp": "^two=2$", "replace": "two=9"}, {"line": "three=3"}],
        b"one=1\r\ntwo=9\r\nthree=3\r\n",
    ),
    "no final newline": Case(
        "/etc/unended.conf", b"alpha\nbeta", [{"regexp": "^alpha", "line": "ALPHA"}], b"ALPHA\nbeta"
    ),
    "not UTF-8": Case(
        "/etc/latin.conf",
        b"name=caf\xe9\nport=1\n\xff\xfe\x00 raw\n",
        [{"regexp": "^port=", "line": "port=2"}, {"regexp": "caf", "replace": "CAF"}],
        b"name=CAF\xe9\nport=2\n\xff\xfe\x00 raw\n",
    ),
    "through an absolute link": Case(
        "/etc/absolute.conf", b"key=1\n", [{"regexp": "^key", "line": "key=2"}], b"key=2\n", at="/srv/absolute.conf"
    ),
    "through a relative link": Case(
        "/etc/relative.conf", b"key=1\n", [{"regexp": "^key", "line": "key=2"}], b"key=2\n", at="/etc/app.d/r.conf"
    ),
}  # fmt: skip
LINKS = {"/etc/absolute.conf": "/srv/absolute.conf", "/etc/relative.conf": "app.d/r.conf"}


def plant(raw: Path, cases: t.Iterable[Case], *more: str) -> None:
    """Put the files as they are before the edits, and the links, into a raw image."""
    requests = ["mkdir /etc/app.d", *(f"symlink {path} {target}" for path, target in LINKS.items())]
    source = raw.with_suffix(".planted")
    for number, case in enumerate(case for case in cases if case.before is not None):
        content = source.with_suffix(f".{number}")
        content.write_bytes(case.before or b"")
        mode, uid, gid = case.was
        if case.file == "/etc/hosts":
            requests.append("rm /etc/hosts")
        requests.append(f"write {content} {case.file}")
        values = {"mode": f"010{mode:04o}", "uid": uid, "gid": gid}
        requests += [f"set_inode_field {case.file} {name} {value}" for name, value in values.items()]
    change_guest(raw, [*requests, *more])


def to_qcow2(raw: Path) -> Path:
    """Convert a raw image, and return the new one."""
    target = raw.with_suffix(".qcow2")
    subprocess.run(["qemu-img", "convert", "-q", "-f", "raw", "-O", "qcow2", str(raw), str(target)], check=True)
    raw.unlink()
    return target


def in_session(steps: t.Sequence[Task]) -> list[Task]:
    """Put steps, whose failures are ignored, between the opening and the commit of a session."""
    return [
        {"name": "open", "offline.guest.session": {"state": "open"}},
        *({**step, "ignore_errors": True} for step in steps),
        {"name": "commit", "offline.guest.session": {"state": "committed"}},
    ]


def assert_nothing_beside(image: Path) -> None:
    assert left_in(image.parent) == []


def launches(harness: Harness) -> int:
    """Return how many appliances were started so far."""
    return sum("-kernel" in command["argv"] for command in harness.recorder.commands())


def refusal(run: Run, name: str) -> str:
    """Return the message of a task that had to fail, and did so in one piece."""
    task = run[name]
    assert task.status == "ignored", f"{name} did not fail: {dict(task.result)}"
    assert "Traceback" not in run.output
    return task.msg


# Alone


def test_edit_alone_on_a_raw_image(harness: Harness, image_copy: Copier) -> None:
    image = image_copy("debian-like", "raw")
    before = image.stat()
    edits = [
        {"regexp": "^#?PermitRootLogin", "line": "PermitRootLogin no"},
        {"block": "Match Group sftp\n  ForceCommand internal-sftp"},
    ]
    task = {"offline.guest.edit": {"path": "/etc/ssh/sshd_config", "edits": edits, "mode": "0600"}}
    calls = harness.four_calls(task, image)
    assert calls[1]["messages"] == ["line replaced", "Block inserted"]
    # The first launch of a session on a host whose KVM does not work warns of it.
    keys = [set(call.result) - {"diff", "invocation", "warnings"} for call in calls]
    assert keys[0] == keys[1] == keys[2] == keys[3]
    assert "-#PermitRootLogin prohibit-password" not in calls[1].diff[0]["after"]
    content = read_guest_file(image, "/etc/ssh/sshd_config").decode()
    assert content == calls[1].diff[0]["after"]
    assert "\nPermitRootLogin no\n" in content
    found = stat_guest(image, "/etc/ssh/sshd_config")
    assert found is not None
    assert found.mode == 0o600
    after = image.stat()
    assert (before.st_ino, before.st_mode, before.st_uid, before.st_size) == (
        *(after.st_ino, after.st_mode, after.st_uid, after.st_size),
    )
    assert_nothing_beside(image)


def test_firstboot_alone_on_a_qcow2_image_and_what_info_modules_see(
    harness: Harness, image_copy: Copier, tmp_path: Path
) -> None:
    image = image_copy("debian-like", "qcow2")
    source = tmp_path / "setup.sh"
    source.write_bytes(b"#!/bin/bash -e\necho caf\xe9\n")
    task = {"offline.guest.firstboot": {"name": "10-setup", "src": str(source), "timeout": 60, "env": {"A": "it's"}}}
    calls = harness.four_calls(task, image, "qcow2")
    assert calls[1]["script_state"] == "pending"
    assert calls[1]["enabled_by"] == "systemd"
    with as_raw(image, "qcow2") as raw:
        assert read_guest_file(raw, f"{SCRIPTS}/10-setup/script") == source.read_bytes()
        found = stat_guest(raw, f"{SCRIPTS}/10-setup/script")
        assert found is not None
        assert (found.mode, found.uid, found.gid) == (0o700, 0, 0)
        assert read_guest_file(raw, WANTS).decode() == UNIT
        assert ext_is_clean(raw)
    before = sha256(image)
    done = harness.play(
        [{"name": "os", "offline.guest.os_info": {}}, {"name": "scripts", "offline.guest.firstboot_info": {}}],
        image=image,
        image_format="qcow2",
    ).ok()
    assert not done["os"].changed
    assert [system["hostname"] for system in done["os"]["systems"]] == ["debian"]
    assert [(script["name"], script["state"]) for script in done["scripts"]["scripts"]] == [("10-setup", "pending")]
    assert done["scripts"]["enabled"]
    assert sha256(image) == before
    assert_nothing_beside(image)


def ext_is_clean(raw: Path, number: int = 0) -> bool:
    """Whether e2fsck finds nothing to say against an ext file system of a raw image."""
    device = f"{raw}?offset={ext_offsets(raw)[number]}"
    return subprocess.run(["e2fsck", "-fn", device], capture_output=True, check=False).returncode == 0


def virtual_size(image: Path) -> int:
    command = ["qemu-img", "info", "--output=json", "-f", "qcow2", str(image)]
    return int(json.loads(subprocess.run(command, capture_output=True, check=True).stdout)["virtual-size"])


def test_resize_alone_on_a_qcow2_image(harness: Harness, image_copy: Copier) -> None:
    image = image_copy("ubuntu-like", "qcow2")
    calls = harness.four_calls({"offline.guest.resize": {"size": "512M"}}, image, "qcow2")
    plan = calls[1]["plan"]
    assert [step["action"] for step in plan] == [
        *("grow_image", "move_gpt_backup", "grow_partition", "grow_filesystem"),
    ]
    assert calls[0]["plan"] == plan
    assert calls[2]["plan"] == calls[3]["plan"] == []
    assert virtual_size(image) == 512 * MIB
    with as_raw(image, "qcow2") as raw:
        start, size = partitions_of(raw)[3]
        assert start + size > 510 * MIB
        with cut_out(raw, start, size) as content:
            said = subprocess.run(["dumpe2fs", "-h", str(content)], capture_output=True, text=True, check=True).stdout
            assert subprocess.run(["e2fsck", "-fn", str(content)], capture_output=True, check=False).returncode == 0
    blocks = next(int(line.split()[-1]) for line in said.splitlines() if line.startswith("Block count"))
    assert blocks * 4096 == plan[-1]["to_bytes"]
    assert_nothing_beside(image)


# In a session


def test_every_kind_of_edit_and_of_script_in_a_session(harness: Harness, image_copy: Copier, tmp_path: Path) -> None:
    image = image_copy("debian-like", "raw")
    plant(image, EDITS.values(), "ea_set /etc/kept.conf user.note kept")
    source = tmp_path / "from-src"
    source.write_bytes(b"\x7fELF not text \xff\x00\n")
    scripts: list[dict[str, t.Any]] = [
        {"name": "10-content", "content": "echo one\necho two\n", "user": "alice", "retries": 3},
        {"name": "20-commands", "commands": ["systemctl enable thing", "echo 'it is' \"so\""], "on_failure": "stop"},
        {"name": "30-packages", "packages": ["qemu-guest-agent", "vim"], "reboot": True},
        {"name": "40-src", "src": str(source), "interpreter": "/usr/bin/python3 -I"},
    ]
    tasks = [
        *(case.task for case in EDITS.values()),
        *({"offline.guest.firstboot": script} for script in scripts),
        {"offline.guest.resize": {"size": "320M"}},
    ]
    calls = harness.four_calls_in_session(tasks, image)
    for (name, case), four in zip(EDITS.items(), calls):
        assert_edited(image, case, four, name)
    link = stat_guest(image, "/etc/relative.conf")
    assert link is not None
    assert link.kind == "link"
    assert {path: read_guest_file(image, path).decode() for path in LINKS} == LINKS
    kept = stat_guest(image, "/etc/kept.conf")
    assert kept is not None
    assert kept.xattrs["user.note"] == "kept"
    made = stat_guest(image, "/srv/made/here")
    assert made is not None
    assert (made.kind, made.mode, made.uid) == ("dir", 0o755, 0)
    backups = [name for name in list_guest(image, "/etc") if name.endswith("~")]
    assert len(backups) == 1
    assert read_guest_file(image, f"/etc/{backups[0]}") == EDITS["backup"].before
    assert list_guest(image, SCRIPTS) == [script["name"] for script in scripts]
    assert read_guest_file(image, f"{SCRIPTS}/10-content/script") == b"echo one\necho two\n"
    assert read_guest_file(image, f"{SCRIPTS}/40-src/script") == source.read_bytes()
    assert b"qemu-guest-agent" in read_guest_file(image, f"{SCRIPTS}/30-packages/script")
    assert [name for name in list_guest(image, "/") if "offline-guest" in name] == []
    assert image.stat().st_size == 320 * MIB
    assert ext_is_clean(image)
    assert calls[-1][1]["size_after"] == 320 * MIB
    assert_info_changes_nothing(harness, image)
    assert_nothing_beside(image)


def assert_edited(image: Path, case: Case, calls: t.Sequence[TaskResult], name: str) -> None:
    """Check content, mode and owner with debugfs, and the results with what it says."""
    assert read_guest_file(image, case.file) == case.after, name
    found = stat_guest(image, case.file)
    assert found is not None
    assert (found.kind, found.mode, found.uid, found.gid) == ("file", *case.becomes), name
    for call in calls:
        assert call["path"] == case.path
        assert call["resolved_path"] == case.file
        assert (call["size"], int(call["mode"], 8)) == (len(case.after), case.becomes[0])
    assert calls[2]["msg"] == ""


def assert_info_changes_nothing(harness: Harness, image: Path) -> None:
    """Run the modules that only look, in a session that is committed."""
    before = sha256(image)
    steps: list[Task] = [
        {"name": "os", "offline.guest.os_info": {"gather": ["all"]}},
        {"name": "scripts", "offline.guest.firstboot_info": {}},
        {"name": "host", "offline.guest.host_info": {}},
    ]
    done = harness.play(in_session(steps), image=image).ok()
    assert sha256(image) == before
    assert [task.name for task in done.tasks if task.changed] == []
    assert done["commit"]["changes"] == []
    assert done["host"]["ready"]
    assert [package["name"] for package in done["os"]["systems"][0]["packages"]][0] == "bash"
    options = {script["name"]: script["options"] for script in done["scripts"]["scripts"]}
    assert options["10-content"]["user"] == "alice"
    assert (options["20-commands"]["on_failure"], options["30-packages"]["reboot"]) == ("stop", True)


def test_selinux_guest_on_lvm_in_a_session(harness: Harness, image_copy: Copier) -> None:
    """New files get the label of the guest's file_contexts, edited ones keep theirs, whatever it is."""
    raw_copy = image_copy("fedora-lvm", "raw")
    odd = Case("/etc/odd.conf", b"key=1\n", [{"regexp": "^key", "line": "key=2"}], b"key=2\n")
    plant(
        raw_copy,
        [odd],
        'ea_set /etc/odd.conf security.selinux "system_u:object_r:httpd_config_t:s0"',
        "ea_set /etc/odd.conf user.note kept",
    )
    image = to_qcow2(raw_copy)
    tasks: list[Task] = [
        odd.task,
        {"offline.guest.edit": {"path": "/etc/hostname", "edits": [{"regexp": ".*", "line": "web01"}]}},
        {"offline.guest.edit": {"path": "/etc/new.conf", "create": True, "edits": [{"line": "new"}]}},
        {
            "offline.guest.edit": {
                "path": "/root/.ssh/authorized_keys",
                "create": True,
                "mode": "0600",
                "edits": [{"line": "ssh-ed25519 AAAA me"}],
            }
        },
        # On file systems of their own: XFS, and a second logical volume.
        {"offline.guest.edit": {"path": "/boot/grub2/grub.cfg", "edits": [{"line": "set timeout=1"}]}},
        {"offline.guest.edit": {"path": "/home/alice/.profile", "edits": [{"line": "umask 077"}], "owner": "root"}},
        {"offline.guest.firstboot": {"name": "10-agent", "packages": ["qemu-guest-agent"]}},
    ]
    calls = harness.four_calls_in_session(tasks, image, "qcow2")
    assert calls[5][1]["owner"] == 0
    labels = {
        "/etc/odd.conf": "httpd_config_t",
        "/etc/hostname": "hostname_etc_t",
        "/etc/new.conf": "etc_t",
        "/root/.ssh": "ssh_home_t",
        "/root/.ssh/authorized_keys": "ssh_home_t",
        UNIT: "systemd_unit_file_t",
        WANTS: "systemd_unit_file_t",
        f"{SCRIPTS}/10-agent": "var_lib_t",
        f"{SCRIPTS}/10-agent/script": "var_lib_t",
    }
    with as_raw(image, "qcow2") as raw:
        for path, kind in labels.items():
            found = stat_guest(raw, path)
            assert found is not None, path
            label = found.xattrs["security.selinux"]
            assert label.replace("\\000", "") == f"system_u:object_r:{kind}:s0", path
        kept = stat_guest(raw, "/etc/odd.conf")
        assert kept is not None
        assert kept.xattrs["user.note"] == "kept"
        assert read_guest_file(raw, "/etc/odd.conf") == odd.after
        assert read_guest_file(raw, "/etc/hostname") == b"web01\n"
        assert b"dnf " in read_guest_file(raw, f"{SCRIPTS}/10-agent/script")
        assert ext_is_clean(raw)
    assert_nothing_beside(image)


# Refused


def test_what_needs_no_appliance_is_refused_before_one_starts(harness: Harness, image_copy: Copier) -> None:
    image, vmdk = image_copy("no-os", "raw"), image_copy("no-os", "vmdk")
    layered = image.with_name("layered.qcow2")
    command = ["qemu-img", "create", "-q", "-f", "qcow2", "-b", str(image), "-F", "raw", str(layered)]
    subprocess.run(command, check=True)
    before = {path: sha256(path) for path in (image, vmdk, layered)}
    started = launches(harness)
    edit = {"path": "/etc/x", "edits": [{"line": "x"}]}
    modules: dict[str, tuple[str, dict[str, t.Any]]] = {
        "missing image": ("edit", {**edit, "image": str(image.with_name("none.raw"))}),
        "a folder": ("edit", {**edit, "image": str(image.parent)}),
        "wrong format": ("edit", {**edit, "format": "qcow2"}),
        "undeclared backing": ("edit", {**edit, "image": str(layered), "format": "qcow2"}),
        "no size": ("resize", {"size": "12XB"}),
        "ambiguous size": ("resize", {"size": "1GB"}),
        "shrink": ("resize", {"size": "10M"}),
        "cannot grow": ("resize", {"size": "1G", "image": str(vmdk), "format": "vmdk"}),
        "no script": ("firstboot", {"name": "x"}),
        "two scripts": ("firstboot", {"name": "x", "content": "a", "commands": ["b"]}),
        "no session": ("session", {"state": "committed"}),
        "unknown kind": ("edit", {"path": "/etc/x", "edits": [{"wish": "x"}]}),
    }
    tasks: list[Task] = [
        {"name": name, f"offline.guest.{module}": options, "ignore_errors": True}
        for name, (module, options) in modules.items()
    ]
    done = harness.play(tasks, image=image).ok()
    said = {name: refusal(done, name) for name in modules}
    wanted = {
        "missing image": "none.raw",
        "a folder": "is a directory. Name the image file in it.",
        "wrong format": "qcow2",
        "undeclared backing": "backing",
        "no size": "'12XB' is not a size.",
        "ambiguous size": "may mean powers of 1000 or of 1024",
        "shrink": "The image has 64 MiB and size asks for 10 MiB: shrinking is not supported.",
        "cannot grow": "An image of the format vmdk cannot be grown in place.",
        "no script": "content, src, commands, packages",
        "two scripts": "mutually exclusive: content|src|commands|packages",
        "no session": "has no open session to commit",
        "unknown kind": "wish",
    }
    assert {name: text for name, text in said.items() if wanted[name] not in text} == {}
    assert launches(harness) == started
    assert {path: sha256(path) for path in before} == before
    assert_nothing_beside(image)


def test_a_refused_edit_leaves_nothing_behind(harness: Harness, image_copy: Copier) -> None:
    image = image_copy("debian-like", "qcow2")
    before = sha256(image)
    tasks: list[Task] = [
        {
            "name": "missing",
            "offline.guest.edit": {"path": "/etc/none", "edits": [{"line": "x"}]},
            "ignore_errors": True,
        }
    ]
    done = harness.play(tasks, image=image, image_format="qcow2").ok()
    assert refusal(done, "missing") == "There is no '/etc/none' in the guest. Set create: true to have it made."
    assert sha256(image) == before
    assert_nothing_beside(image)


def test_an_image_without_a_system_says_what_it_holds(harness: Harness, image_copy: Copier) -> None:
    image = image_copy("no-os", "raw")
    steps: list[Task] = [
        {"name": "info", "offline.guest.os_info": {}},
        {"name": "edit", "offline.guest.edit": {"path": "/etc/x", "edits": [{"line": "x"}], "create": True}},
        {"name": "firstboot", "offline.guest.firstboot": {"name": "x", "content": "x"}},
        {"name": "scripts", "offline.guest.firstboot_info": {}},
    ]
    before = sha256(image)
    done = harness.play(in_session(steps), image=image).ok()
    assert done["info"]["systems"] == []
    for name in ("edit", "firstboot", "scripts"):
        assert "No operating system was found in the image. Found: /dev/sda1 (ext4)." in refusal(done, name)
    assert sha256(image) == before
    assert_nothing_beside(image)


def test_several_systems_and_wrong_options_in_one_session(harness: Harness, image_copy: Copier) -> None:
    """What fails leaves no trace in the session: what succeeds beside it is committed, and only that."""
    image = image_copy("multi-os", "raw")
    locale, line = "/etc/locale.conf", [{"regexp": "^LANG=", "line": "LANG=de_DE.UTF-8"}]
    second = {"root": "LABEL=second", "path": locale}
    repository = "/etc/yum.repos.d/fedora.repo"
    modules: dict[str, tuple[str, dict[str, t.Any]]] = {
        "no root": ("edit", {"path": locale, "edits": line}),
        "unknown root": ("edit", {"path": locale, "edits": line, "root": "/dev/sda9"}),
        "by label": ("edit", {**second, "edits": line}),
        "by uuid": ("edit", {**second, "root": f"UUID={stable_uuid('multi-os', '2')}", "edits": line}),
        "by another name": ("edit", {**second, "root": "/dev/vda2", "edits": line}),
        "not there": ("edit", {"path": locale, "edits": line, "root": "/dev/sda1"}),
        "unknown owner": ("edit", {**second, "edits": line, "owner": "nobody-here"}),
        "no file": ("edit", {**second, "path": "/etc", "edits": line}),
        "too large": ("edit", {**second, "path": "/etc/passwd", "edits": line, "max_size": 10}),
        "bad pattern": ("edit", {**second, "edits": [{"line": "fine"}, {"regexp": "(", "line": "x"}]}),
        "two kinds": ("edit", {**second, "edits": [{"line": "x", "block": "y"}]}),
        "wrong lens": ("edit", {**second, "edits": [{"augeas": {"path": "x", "value": "y", "lens": "Nonesuch"}}]}),
        "bad mode": ("edit", {**second, "edits": line, "mode": "rwx"}),
        "bad name": ("firstboot", {"root": "LABEL=second", "name": "../x", "content": "x"}),
        "followed": ("resize", {"root": "LABEL=second", "size": "512M"}),
        "info": ("os_info", {}),
        "lens found": (
            "edit",
            {**second, "path": repository, "edits": [{"augeas": {"path": "fedora/enabled", "value": "0"}}]},
        ),
    }
    steps: list[Task] = [
        {"name": name, f"offline.guest.{module}": options} for name, (module, options) in modules.items()
    ]
    done = harness.play(in_session(steps), image=image).ok()
    wanted = {
        "no root": "The image holds 2 operating systems: /dev/sda1 (debian 12.8), /dev/sda2 (fedora 40).",
        "unknown root": "'/dev/sda9', names none of the image's operating systems",
        "not there": "There is no '/etc/locale.conf' in the guest.",
        "unknown owner": "nobody-here",
        "no file": "'/etc' in the guest is a directory, not a regular file.",
        "too large": "more than the 10 allowed",
        "bad pattern": "edits[1]",
        "two kinds": "edits[0]",
        "wrong lens": "Nonesuch",
        "bad mode": "rwx",
        "bad name": "../x",
        "followed": "Partition 2 cannot grow: partition 3 follows it",
    }
    said = {name: refusal(done, name) for name in wanted}
    assert {name: text for name, text in said.items() if wanted[name] not in text} == {}
    assert done["no root"]["roots"] == ["/dev/sda1", "/dev/sda2"]
    changed = {name: done[name].changed for name in ("by label", "by uuid", "by another name", "info", "lens found")}
    assert [name for name, value in changed.items() if value] == ["by label", "lens found"]
    assert [system["hostname"] for system in done["info"]["systems"]] == ["first", "second"]
    assert [change["task"] for change in done["commit"]["changes"]] == ["offline.guest.edit"] * 2
    assert read_guest_file(image, locale) == b"LANG=de_DE.UTF-8\n"
    assert read_guest_file(image, repository) == b"[fedora]\nname=Fedora\nenabled=0\n"
    assert read_guest_file(image, "/etc/hostname") == b"first\n"
    assert image.stat().st_size == images.path("multi-os").stat().st_size
    assert ext_is_clean(image, 0)
    assert ext_is_clean(image, 1)
    assert_nothing_beside(image)


KEY, WRONG_KEY = "a-Key-0f-the-te5ts", "n0t-the-Key-0f-it"


def add_key(raw: Path, key: str) -> None:
    """Add a key to the container, whose first one is too plain a word to look for in an output."""
    start, size = partitions_of(raw)[2]
    with cut_out(raw, start, size) as container:
        files = [container.with_suffix(suffix) for suffix in (".old", ".new")]
        for path, content in zip(files, ("test", key)):
            path.write_text(content)
        fast = ["--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000"]
        command = ["cryptsetup", "luksAddKey", "--batch-mode", *fast, "--key-file", str(files[0])]
        subprocess.run([*command, str(container), str(files[1])], check=True)
        with open(raw, "r+b") as target, open(container, "rb") as source:
            target.seek(start)
            target.write(source.read(16 * MIB))


def test_keys_open_an_encrypted_guest_and_are_never_shown(harness: Harness, image_copy: Copier) -> None:
    image = image_copy("luks", "raw")
    add_key(image, KEY)
    device = f"UUID={stable_uuid('luks', 'container')}"
    edit = {"path": "/etc/hostname", "edits": [{"regexp": ".*", "line": "opened"}]}
    right, wrong = [{"device": device, "key": KEY}], [{"device": device, "key": WRONG_KEY}]
    modules: dict[str, tuple[str, dict[str, t.Any]]] = {
        "no key": ("edit", edit),
        "wrong key": ("edit", {**edit, "luks_keys": wrong}),
        "wrong device": ("edit", {**edit, "luks_keys": [{"device": "/dev/sda1", "key": KEY}]}),
        "right key": ("edit", {**edit, "luks_keys": right}),
        "again": ("edit", {**edit, "luks_keys": right}),
        "info": ("os_info", {"luks_keys": right}),
        "grow": ("resize", {"size": "512M", "luks_keys": right}),
    }
    steps: list[Task] = [
        {"name": name, f"offline.guest.{module}": options} for name, (module, options) in modules.items()
    ]
    done = harness.play(in_session(steps), image=image, arguments=["-vvv"]).ok()
    assert "No operating system was found in the image." in refusal(done, "no key")
    assert "luks_keys" in refusal(done, "no key")
    assert "The key given for /dev/sda2 does not open it" in refusal(done, "wrong key")
    assert "names '/dev/sda1', which is no LUKS device of the image" in refusal(done, "wrong device")
    assert "Nothing inside LUKS or RAID can grow yet" in refusal(done, "grow")
    assert (done["right key"].changed, done["again"].changed) == (True, False)
    assert [system["hostname"] for system in done["info"]["systems"]] == ["opened"]
    assert [change["task"] for change in done["commit"]["changes"]] == ["offline.guest.edit"]
    shown = done.output + "".join(str(dict(task.result)) for task in done.tasks) + str(harness.recorder.commands())
    assert KEY not in shown
    assert WRONG_KEY not in shown
    assert "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER" in shown  # -vvv shows the options of each task
    written = [path for path in (harness.folder / "tmp").rglob("*") if path.is_file()]
    assert [path for path in written if KEY.encode() in path.read_bytes()] == []
    assert_nothing_beside(image)


def test_windows_is_described_and_its_files_are_edited(harness: Harness, image_copy: Copier) -> None:
    image = image_copy("windows-like", "raw")
    hosts = "/Windows/System32/drivers/etc/hosts"
    steps: list[Task] = [
        {"name": "info", "offline.guest.os_info": {}},
        {"name": "edit", "diff": True, "offline.guest.edit": {"path": hosts, "edits": [{"line": "192.0.2.1 build"}]}},
        {"name": "again", "offline.guest.edit": {"path": hosts, "edits": [{"line": "192.0.2.1 build"}]}},
        {"name": "firstboot", "offline.guest.firstboot": {"name": "x", "content": "x"}},
        {"name": "grow", "offline.guest.resize": {"size": "200M"}},
    ]
    done = harness.play(in_session(steps), image=image).ok()
    (system,) = done["info"]["systems"]
    found = {key: system[key] for key in ("root", "type", "distro", "major", "product_name", "hostname", "init_system")}
    assert found == {
        "root": "/dev/sda1",
        "type": "windows",
        "distro": "windows",
        "major": 10,
        "product_name": "Windows Server 2022 Standard",
        "hostname": "winguest",
        "init_system": "windows",
    }
    assert (done["edit"].changed, done["again"].changed) == (True, False)
    assert done["edit"].diff[0]["after"].endswith("192.0.2.1 build\\r\n")
    assert "not yet supported in Windows guests" in refusal(done, "firstboot")
    assert "holds ntfs, which cannot be grown here" in refusal(done, "grow")
    start, size = partitions_of(image)[1]
    with cut_out(image, start, size) as content:
        command = ["ntfscat", "--force", str(content), hosts.lstrip("/")]
        said = subprocess.run(command, capture_output=True, check=True).stdout
    assert said == b"127.0.0.1 localhost\r\n192.0.2.1 build\r\n"
    assert_nothing_beside(image)
