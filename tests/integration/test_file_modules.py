# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""copy, template and file through ``ansible-playbook``: what they write, what they refuse, and what they never show.

What they did is read back with debugfs, never with the product.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import time
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from ansible.parsing.vault import VaultLib, VaultSecret
from conftest import Copier
from guest_files import as_raw, change_guest, ext_offsets, list_guest, read_guest_file, stat_guest
from harness import Harness, Run, Task, left_in
from tasks import COMMIT, OPEN, ended, tried
from watch import Watch

pytestmark = pytest.mark.appliance

MIB = 1024 * 1024
#: How much the test of memory copies. 1024 takes longer than a test should.
COPY_MIB = int(os.environ.get("OFFLINE_GUEST_COPY_MIB", "256"))
SECRET, VAULT_PASSWORD = "a-Secret-0f-the-te5ts", "the key of the vault"
AS_ANOTHER = {"become": True, "become_method": "su"}


@dataclass(frozen=True)
class Entry:
    """What is to be at a path of the guest; ``content`` is a link's target, or None for a directory."""

    content: bytes | None = None
    mode: int = 0o644
    uid: int = 0
    gid: int = 0
    kind: str = "file"


def folder(mode: int = 0o755, uid: int = 0, gid: int = 0) -> Entry:
    return Entry(None, mode, uid, gid, "dir")


def link(target: str) -> Entry:
    return Entry(target.encode(), 0o777, kind="link")


@dataclass(frozen=True)
class Case:
    """A task and what it leaves in the guest: path → entry, None where there is to be nothing."""

    module: str
    options: t.Mapping[str, t.Any]
    leaves: t.Mapping[str, Entry | None]
    keywords: t.Mapping[str, t.Any] = field(default_factory=dict)

    @property
    def task(self) -> Task:
        return {f"offline.guest.{self.module}": dict(self.options), **self.keywords}


TEMPLATES = {
    "plain.j2": "{# gone #}name={{ who }}\n{% if true %}\nkept\n{% endif %}\ninclude={% include 'part.j2' %}\n",
    "part.j2": "part of {{ template_path | basename }}",
    "strings.j2": "[[ who ]] {{ as it is }}\n  <% if true %>\nline\n  <% endif %>\n/* gone */end\n",
    "latin.j2": "caf\u00e9 {{ who }}\nsecond\n",
}


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """The files of the controller that the cases copy."""
    top = tmp_path / "sources"
    (top / "site/sub/empty").mkdir(parents=True)
    (top / "app.conf").write_text("key = value\n")
    (top / "app.conf").chmod(0o640)
    (top / "binary").write_bytes(bytes(range(256)) * 10)
    (top / "large").write_bytes(b"0123456789abcdef" * (3 * MIB // 16))
    (top / "site/index").write_text("index\n")
    (top / "site/sub/run").write_text("#!/bin/sh\n")
    (top / "site/sub/run").chmod(0o755)
    (top / "site/to-index").symlink_to("index")
    (top / "site/to-sub").symlink_to("sub")
    (top / "site/to-nothing").symlink_to("nothing")
    (top / "vaulted").mkdir()
    vault = VaultLib([("default", VaultSecret(VAULT_PASSWORD.encode()))])
    (top / "vaulted/secret").write_bytes(vault.encrypt("decrypted\n"))
    (top / "vaulted/plain").write_text("plain\n")
    for name, text in TEMPLATES.items():
        (top / name).write_text(text, encoding="utf-8")
    (top / "password").write_text(VAULT_PASSWORD)
    return top


def copy_cases(top: Path) -> dict[str, Case]:
    index, run = Entry(b"index\n"), Entry(b"#!/bin/sh\n")
    kept = {"/srv/kept/index": Entry(b"index\n", 0o644), "/srv/kept/sub/run": Entry(b"#!/bin/sh\n", 0o755)}
    return {
        "copy a file": Case(
            "copy", {"src": f"{top}/app.conf", "dest": "/etc/app.conf"}, {"/etc/app.conf": Entry(b"key = value\n")}
        ),
        "copy with attributes": Case(
            "copy",
            {
                "src": f"{top}/binary",
                "dest": "/etc/binary",
                "mode": "u=rw,g=r,o=",
                "owner": "alice",
                "group": "www-data",
            },
            {"/etc/binary": Entry(bytes(range(256)) * 10, 0o640, 1000, 33)},
        ),
        "copy a large file": Case(
            "copy",
            {"src": f"{top}/large", "dest": "/srv/large", "mode": "preserve"},
            {"/srv/large": Entry(b"0123456789abcdef" * (3 * MIB // 16))},
        ),
        "copy into a directory": Case(
            "copy",
            {"src": f"{top}/app.conf", "dest": "/srv", "mode": "preserve"},
            {"/srv/app.conf": Entry(b"key = value\n", 0o640)},
        ),
        "copy into new directories": Case(
            "copy",
            {"src": f"{top}/app.conf", "dest": "/srv/new/deep/", "directory_mode": "0750", "owner": "alice"},
            {
                "/srv/new": folder(0o750, 1000),
                "/srv/new/deep": folder(0o750, 1000),
                "/srv/new/deep/app.conf": Entry(b"key = value\n", uid=1000),
            },
        ),
        "copy content": Case(
            "copy", {"content": "one\ntwo\n", "dest": "/etc/content"}, {"/etc/content": Entry(b"one\ntwo\n")}
        ),
        "copy no content": Case("copy", {"content": "", "dest": "/etc/no-content"}, {"/etc/no-content": Entry(b"")}),
        "copy data as JSON": Case(
            "copy", {"content": {"a": [1, None]}, "dest": "/etc/json"}, {"/etc/json": Entry(b'{"a": [1, null]}')}
        ),
        "copy over a file": Case(
            "copy",
            {"content": "new\n", "dest": "/etc/planted", "backup": True, "validate": "grep -q new %s"},
            {"/etc/planted": Entry(b"new\n", 0o640, 1000, 33)},
        ),
        "copy over a link": Case(
            "copy",
            {"content": "new\n", "dest": "/etc/planted-link"},
            {"/etc/planted-link": Entry(b"new\n"), "/srv/target": Entry(b"old\n")},
        ),
        "copy through a link": Case(
            "copy",
            {"content": "new\n", "dest": "/etc/followed-link", "follow": True},
            {"/etc/followed-link": link("../srv/followed"), "/srv/followed": Entry(b"new\n")},
        ),
        "copy what is missing": Case(
            "copy",
            {"src": f"{top}/app.conf", "dest": "/etc/once", "force": False},
            {"/etc/once": Entry(b"key = value\n")},
        ),
        "copy a directory": Case(
            "copy",
            {"src": f"{top}/site", "dest": "/srv/www", "owner": "sshd", "directory_mode": "0751"},
            {
                "/srv/www/site/index": Entry(b"index\n", uid=105),
                "/srv/www/site/to-index": Entry(b"index\n", uid=105),
                "/srv/www/site/to-sub/run": Entry(b"#!/bin/sh\n", uid=105),
                "/srv/www/site/to-nothing": Entry(b"nothing", 0o777, 105, 0, "link"),
                "/srv/www/site/sub/empty": folder(0o751, 105),
            },
        ),
        "copy what is in a directory": Case(
            "copy",
            {"src": f"{top}/site/", "dest": "/srv/site", "local_follow": False, "mode": "preserve"},
            {
                "/srv/site/index": index,
                "/srv/site/sub/run": Entry(b"#!/bin/sh\n", 0o755),
                "/srv/site/to-sub": link("sub"),
            },
        ),
        "copy a directory as another user": Case(
            "copy",
            {"src": f"{top}/site/", "dest": "/srv/sent"},
            {"/srv/sent/index": index, "/srv/sent/to-sub/run": run},
            AS_ANOTHER,
        ),
        "copy a file as another user": Case(
            "copy",
            {"src": f"{top}/app.conf", "dest": "/srv/sent-file/"},
            {"/srv/sent-file/app.conf": Entry(b"key = value\n")},
            AS_ANOTHER,
        ),
        "copy content as another user": Case(
            "copy", {"content": "sent\n", "dest": "/etc/sent"}, {"/etc/sent": Entry(b"sent\n")}, AS_ANOTHER
        ),
        "copy an encrypted file": Case(
            "copy",
            {"src": f"{top}/vaulted/secret", "dest": "/srv/opened/"},
            {"/srv/opened/secret": Entry(b"decrypted\n")},
        ),
        "copy a directory with an encrypted file": Case(
            "copy",
            {"src": f"{top}/vaulted", "dest": "/srv"},
            {"/srv/vaulted/secret": Entry(b"decrypted\n"), "/srv/vaulted/plain": Entry(b"plain\n")},
        ),
        "copy from the host": Case("copy", {"src": f"{top}/site/", "dest": "/srv/kept", "remote_src": True}, kept),
        "copy inside the guest": Case(
            "copy", {"guest_src": "/etc/hostname", "dest": "/srv/hostname"}, {"/srv/hostname": Entry(b"debian\n")}
        ),
        "copy a directory inside the guest": Case(
            "copy",
            {"guest_src": "/etc/ssh", "dest": "/srv/saved", "owner": "alice"},
            {"/srv/saved/ssh": folder(0o755, 1000)},
        ),
    }


def template_cases(top: Path) -> dict[str, Case]:
    strings = {
        "variable_start_string": "[[",
        "variable_end_string": "]]",
        "block_start_string": "<%",
        "block_end_string": "%>",
        "comment_start_string": "/*",
        "comment_end_string": "*/",
    }
    plain = b"name=guest\nkept\ninclude=part of plain.j2\n"
    return {
        "template": Case(
            "template",
            {"src": f"{top}/plain.j2", "dest": "/etc/plain", "mode": "0600"},
            {"/etc/plain": Entry(plain, 0o600)},
        ),
        "template into a directory": Case(
            "template", {"src": f"{top}/plain.j2", "dest": "/srv/"}, {"/srv/plain.j2": Entry(plain)}
        ),
        "template with other strings": Case(
            "template",
            {
                "src": f"{top}/strings.j2",
                "dest": "/etc/strings",
                "lstrip_blocks": True,
                "trim_blocks": False,
                **strings,
            },
            {"/etc/strings": Entry(b"guest {{ as it is }}\n\nline\n\nend\n")},
        ),
        "template in another encoding": Case(
            "template",
            {"src": f"{top}/latin.j2", "dest": "/etc/latin", "output_encoding": "latin-1", "newline_sequence": r"\r\n"},
            {"/etc/latin": Entry(b"caf\xe9 guest\r\nsecond\r\n")},
        ),
        "template over a file": Case(
            "template",
            {
                "src": f"{top}/plain.j2",
                "dest": "/etc/planted-template",
                "backup": True,
                "validate": "grep -q name=guest %s",
            },
            {"/etc/planted-template": Entry(plain, 0o640, 1000, 33)},
        ),
        "template as another user": Case(
            "template",
            {"src": f"{top}/plain.j2", "dest": "/etc/plain-sent"},
            {"/etc/plain-sent": Entry(plain)},
            AS_ANOTHER,
        ),
    }


FILES: dict[str, Case] = {
    "file attributes": Case(
        "file",
        {"path": "/etc/planted-file", "owner": "root", "group": "shadow", "mode": "a=r"},
        {"/etc/planted-file": Entry(b"old\n", 0o444, 0, 42)},
    ),
    "file directory": Case(
        "file",
        {"path": "/srv/a/b", "state": "directory", "mode": "u=rwx,g=rX,o=", "owner": "alice"},
        {"/srv/a": folder(0o750, 1000), "/srv/a/b": folder(0o750, 1000)},
    ),
    "file recurse": Case(
        "file",
        {"path": "/srv/tree", "state": "directory", "recurse": True, "mode": "u=rwX,g=,o=", "owner": "sshd"},
        {"/srv/tree": folder(0o700, 105), "/srv/tree/deep/leaf": Entry(b"old\n", 0o600, 105, 33)},
    ),
    "file link": Case(
        "file", {"path": "/srv/link", "src": "../etc/hostname", "state": "link"}, {"/srv/link": link("../etc/hostname")}
    ),
    "file link, forced": Case(
        "file",
        {"path": "/srv/forced", "src": "/not/there", "state": "link", "force": True, "follow": False},
        {"/srv/forced": link("/not/there")},
    ),
    "file hard link": Case(
        "file",
        {"path": "/etc/hostname2", "src": "/etc/hostname", "state": "hard"},
        {"/etc/hostname2": Entry(b"debian\n")},
    ),
    "file absent": Case("file", {"path": "/srv/gone", "state": "absent"}, {"/srv/gone": None, "/srv/gone/leaf": None}),
    "file absent link": Case(
        "file", {"path": "/srv/gone-link", "state": "absent"}, {"/srv/gone-link": None, "/srv/target": Entry(b"old\n")}
    ),
    "file touch": Case(
        "file",
        {
            "path": "/srv/touched",
            "state": "touch",
            "mode": "0604",
            "modification_time": "preserve",
            "access_time": "preserve",
        },
        {"/srv/touched": Entry(b"", 0o604)},
    ),
    "file times": Case(
        "file",
        {"path": "/srv/timed", "modification_time": "200102030405.06", "access_time": "200102030405.06"},
        {"/srv/timed": Entry(b"old\n", 0o640, 1000, 33)},
    ),
    "file flags": Case(
        "file", {"path": "/srv/flagged", "attributes": "+Ad"}, {"/srv/flagged": Entry(b"old\n", 0o640, 1000, 33)}
    ),
}
PLANTED = (
    *(
        "/etc/planted",
        "/etc/planted-template",
        "/etc/planted-file",
        "/srv/tree/deep/leaf",
        "/srv/gone/leaf",
        "/srv/timed",
    ),
    *("/srv/flagged",),
)


def plant(raw: Path) -> None:
    """Put what the cases change into the image: files of alice, and links."""
    content = raw.with_suffix(".planted")
    content.write_text("old\n")
    requests = ["mkdir /srv/tree", "mkdir /srv/tree/deep", "mkdir /srv/gone"]
    for path in (*PLANTED, "/srv/target", "/srv/followed"):
        requests.append(f"write {content} {path}")
        is_ours = path in PLANTED
        fields = {
            "mode": "0100640" if is_ours else "0100644",
            "uid": 1000 if is_ours else 0,
            "gid": 33 if is_ours else 0,
        }
        requests += [f"set_inode_field {path} {name} {value}" for name, value in fields.items()]
    links = {"/etc/planted-link": "../srv/target", "/etc/followed-link": "../srv/followed", "/srv/gone-link": "target"}
    change_guest(raw, [*requests, *(f"symlink {path} {target}" for path, target in links.items())])


def test_every_case_four_times(harness: Harness, image_copy: Copier, sources: Path) -> None:
    image = image_copy("debian-like", "raw")
    plant(image)
    cases = {**copy_cases(sources), **template_cases(sources), **FILES}
    calls = harness.four_calls_in_session(
        [case.task for case in cases.values()],
        image,
        variables={"who": "guest"},
        arguments=["--vault-password-file", str(sources / "password")],
        timeout=2400,
    )
    for (name, case), four in zip(cases.items(), calls):
        assert_left(image, case, name)
        if case.options.get("force", True):  # a file that is kept has no checksum, but a message
            keys = [set(call.result) - {"diff", "invocation", "backup_file"} for call in four]
            assert keys[1] == keys[2], name
    assert calls[list(cases).index("copy over a file")][1]["backup_file"].startswith("/etc/planted.")
    backups = [name for name in list_guest(image, "/etc") if name.endswith("~")]
    assert len(backups) == 2
    assert {read_guest_file(image, f"/etc/{name}") for name in backups} == {b"old\n"}
    said = subprocess.run(
        ["debugfs", "-R", "stat /srv/timed", f"{image}?offset={ext_offsets(image)[0]}"], capture_output=True, check=True
    ).stdout.decode()
    moment = int(time.mktime(time.strptime("2001-02-03 04:05:06", "%Y-%m-%d %H:%M:%S")))
    assert f"mtime: 0x{moment:08x}:" in said
    assert ext_is_clean(image)
    assert left_in(image.parent) == []


def assert_left(image: Path, case: Case, name: str) -> None:
    for path, entry in case.leaves.items():
        found = stat_guest(image, path)
        if entry is None:
            assert found is None, f"{name}: {path}"
            continue
        assert found is not None, f"{name}: {path}"
        assert (found.kind, found.mode, found.uid, found.gid) == (entry.kind, entry.mode, entry.uid, entry.gid), (
            f"{name}: {path}"
        )
        if entry.content is not None:
            assert read_guest_file(image, path) == entry.content, f"{name}: {path}"


def ext_is_clean(raw: Path) -> bool:
    device = f"{raw}?offset={ext_offsets(raw)[0]}"
    return subprocess.run(["e2fsck", "-fn", device], capture_output=True, check=False).returncode == 0


# What fails, what twins do, and what is never shown


ATTACKS: dict[str, tuple[str, dict[str, t.Any], str]] = {
    "through a link out of the tree": ("copy", {"content": "x\n", "dest": "/etc/escape/copied"}, ""),
    "a link out of the tree": ("copy", {"content": "x\n", "dest": "/etc/outside/copied"}, "does not exist"),
    "directories through a link out of the tree": ("file", {"path": "/etc/escape/made", "state": "directory"}, ""),
    "a loop": ("copy", {"content": "x\n", "dest": "/etc/self/f"}, "loop"),
    "a loop itself": ("file", {"path": "/etc/self", "state": "file"}, "loop"),
    "a device": ("copy", {"content": "x\n", "dest": "/srv/device"}, "not a regular file"),
    "a fifo": ("copy", {"content": "x\n", "dest": "/srv/fifo"}, "not a regular file"),
    "a fifo to read": ("copy", {"guest_src": "/srv/fifo", "dest": "/srv/read"}, "not a file"),
    "a device to read": ("copy", {"guest_src": "/srv/device", "dest": "/srv/read"}, "not a file"),
    "a fifo in a tree": ("copy", {"guest_src": "/srv/", "dest": "/opt/read"}, "cannot be copied"),
    "a link to a device": ("copy", {"content": "x\n", "dest": "/srv/to-device", "follow": True}, "not a regular file"),
    "a directory in place of a file": ("file", {"path": "/srv", "state": "file"}, "is directory, cannot continue"),
    "touch a fifo": ("file", {"path": "/srv/fifo", "state": "touch"}, "is a fifo"),
    "two dots": ("copy", {"content": "x\n", "dest": "/etc/../x"}, "has a '..' in it"),
    "a relative path": ("file", {"path": "etc/x", "state": "touch"}, "is not absolute"),
    "the root": ("file", {"path": "/", "state": "absent"}, "root directory cannot be removed"),
    "content into a directory": ("copy", {"content": "x\n", "dest": "/srv"}, "can not use content with a dir as dest"),
    "content with a slash": ("copy", {"content": "x\n", "dest": "/srv/"}, "can not use content with a dir as dest"),
    "two sources": ("copy", {"content": "x\n", "src": "/x", "dest": "/y"}, "src and content are mutually exclusive"),
    "no source": ("copy", {"dest": "/y"}, "src (or content) is required"),
    "unsafe writes": ("copy", {"content": "x\n", "dest": "/y", "unsafe_writes": True}, "unsafe_writes"),
    "a program that refuses": ("copy", {"content": "x\n", "dest": "/y", "validate": "false %s"}, "failed to validate"),
    "no such owner": ("file", {"path": "/srv", "owner": "nobody-here"}, "no user 'nobody-here'"),
    "wrong checksum": (
        "copy",
        {"src": "APP", "dest": "/y", "checksum": "0" * 40},
        "does not match the expected checksum",
    ),
    "recursion over links": ("file", {"path": "/opt", "state": "directory", "recurse": True, "mode": "a+rX"}, ""),
}


def twin_tasks(top: Path, host: Path) -> list[Task]:
    """Pairs of tasks: the twin below a folder of the host, ours below a folder of the guest, each twice."""
    pairs: dict[str, tuple[str, dict[str, t.Any]]] = {
        "folder": ("file", {"path": "TOP", "state": "directory", "mode": "0755"}),
        "file": ("copy", {"src": f"{top}/app.conf", "dest": "TOP/app.conf", "mode": "preserve"}),
        "content": ("copy", {"content": "one\n", "dest": "TOP/content"}),
        "changed": ("copy", {"content": "two\n", "dest": "TOP/content", "backup": True}),
        "kept": ("copy", {"content": "three\n", "dest": "TOP/content", "force": False}),
        "tree": ("copy", {"src": f"{top}/site/", "dest": "TOP/site", "directory_mode": "0750"}),
        "links": ("copy", {"src": f"{top}/site", "dest": "TOP/links", "local_follow": False}),
        "template": ("template", {"src": f"{top}/plain.j2", "dest": "TOP/plain", "mode": "0600"}),
        "touch": ("file", {"path": "TOP/touched", "state": "touch"}),
        "link": ("file", {"path": "TOP/link", "src": "content", "state": "link"}),
        "removed": ("file", {"path": "TOP/site/sub", "state": "absent"}),
    }
    tasks: list[Task] = []
    for name, (module, options) in pairs.items():
        for number in (1, 2):
            for collection, place in (("ansible.builtin", str(host)), ("offline.guest", "/srv/twin")):
                given = {
                    key: value.replace("TOP", place) if key != "src" else value
                    for key, value in options.items()
                    if isinstance(value, str)
                }
                arguments = {**options, **given}
                tasks.append(
                    {"name": f"{collection} {name} {number}", f"{collection}.{module}": arguments, "diff": True}
                )
    return tasks


def test_what_is_refused_what_twins_do_and_what_is_never_shown(
    harness: Harness, image_copy: Copier, sources: Path, tmp_path: Path
) -> None:
    image = image_copy("hostile-links", "raw")
    change_guest(image, ["cd /srv", "mknod fifo p", "mknod device b 8 0", "symlink to-device device"])
    plant_accounts(image)
    attacks: list[Task] = [
        tried(
            {
                "name": name,
                f"offline.guest.{module}": {
                    key: str(sources / "app.conf") if value == "APP" else value for key, value in options.items()
                },
            }
        )
        for name, (module, options, _reason) in ATTACKS.items()
    ]
    secrets: list[Task] = [
        {
            "name": "secret",
            "offline.guest.copy": {"content": f"{SECRET}\n", "dest": "/etc/secret"},
            "no_log": True,
            "diff": True,
        },
        {
            "name": "secret again",
            "offline.guest.copy": {"content": f"{SECRET} 2\n", "dest": "/etc/secret"},
            "diff": False,
        },
        {
            "name": "secret template",
            "offline.guest.template": {"src": str(sources / "plain.j2"), "dest": "/etc/templated"},
            "vars": {"who": SECRET},
            "diff": False,
        },
        tried({"name": "refused secret", "offline.guest.copy": {"content": SECRET, "dest": "/srv"}}),
    ]
    host = tmp_path / "host"
    with Watch(harness) as watch:
        done = harness.play(
            ended([OPEN, *attacks, *twin_tasks(sources, host), *secrets, COMMIT]),
            image=image,
            diff=True,
            variables={"who": "guest"},
            arguments=["-vvv"],
            timeout=2400,
        ).ok()
    assert "Traceback" not in done.output
    for name, (_module, _options, reason) in ATTACKS.items():
        assert done[name].failed == bool(reason), f"{name}: {dict(done[name].result)}"
        assert reason in done[name].msg, f"{name}: {done[name].msg}"
    assert read_guest_file(image, "/copied") == b"x\n"  # /etc/escape is the guest's own root
    assert stat_guest(image, "/made") is not None
    assert not Path("/copied").exists() and not Path("/made").exists() and not Path("/tmp/outside").exists()
    assert_like_twins(done, image, host)
    shown = done.output + "".join(str(dict(task.result)) for task in done.tasks) + "".join(sorted(watch.seen))
    assert "AnsiballZ_copy" in shown
    assert SECRET not in shown
    assert read_guest_file(image, "/etc/secret") == f"{SECRET} 2\n".encode()
    assert SECRET.encode() in read_guest_file(image, "/etc/templated")
    assert left_in(image.parent) == []


def plant_accounts(raw: Path) -> None:
    """Replace links of the guest that its owners' names cannot be read through."""
    for name, content in (("passwd", "root:x:0:0::/:/bin/sh\n"), ("group", "root:x:0:\n")):
        source = raw.with_suffix(f".{name}")
        source.write_text(content)
        change_guest(raw, [f"rm /etc/{name}", f"write {source} /etc/{name}"])


def assert_like_twins(done: Run, image: Path, host: Path) -> None:
    ignored = {"invocation", "path", "src", "size", "diff", "backup_file"}
    for task in done.tasks:
        if not task.name.startswith("ansible.builtin "):
            continue
        our = done[task.name.replace("ansible.builtin", "offline.guest")]
        assert our.changed == task.changed, task.name
        keys = {key for key in task.result if not key.startswith("_ansible")} - ignored
        assert keys <= set(our.result), f"{task.name}: {keys - set(our.result)}"
        same = {key: task.result[key] for key in keys}
        moved = {
            key: value.replace(str(host), "/srv/twin") if isinstance(value, str) else value
            for key, value in same.items()
        }
        assert {key: our.result[key] for key in keys} == moved, task.name
    for path in sorted(host.rglob("*")):
        if path.name.endswith("~"):
            continue
        found = stat_guest(image, f"/srv/twin/{path.relative_to(host)}")
        assert found is not None, path
        assert (found.mode, found.uid, found.gid) == (path.lstat().st_mode & 0o7777, 0, 0), path
        if path.is_file() and not path.is_symlink():
            assert read_guest_file(image, f"/srv/twin/{path.relative_to(host)}") == path.read_bytes()


# SELinux


def test_contexts_in_a_guest_with_selinux(harness: Harness, image_copy: Copier, sources: Path) -> None:
    raw_copy = image_copy("fedora-lvm", "raw")
    content = raw_copy.with_suffix(".content")
    content.write_text("old\n")
    change_guest(
        raw_copy,
        [f"write {content} /etc/odd.conf", 'ea_set /etc/odd.conf security.selinux "system_u:object_r:tmp_t:s0"'],
    )
    tasks: list[Task] = [
        {"offline.guest.copy": {"content": "new\n", "dest": "/etc/new.conf"}},
        {
            "offline.guest.copy": {
                "content": "new\n",
                "dest": "/etc/typed.conf",
                "setype": "httpd_config_t",
                "attributes": "+A",
            }
        },
        {"offline.guest.copy": {"content": "new\n", "dest": "/etc/odd.conf", "setype": "_default"}},
        {"offline.guest.copy": {"src": f"{sources}/site/", "dest": "/root/.ssh"}},
        {
            "offline.guest.file": {
                "path": "/etc/hostname",
                "setype": "tmp_t",
                "selevel": "s0:c1,c2",
                "attributes": "+Ad",
            }
        },
        {"offline.guest.file": {"path": "/root/.ssh/made", "state": "directory"}},
        {"offline.guest.file": {"path": "/etc/linked", "src": "hostname", "state": "link", "follow": False}},
        {"offline.guest.template": {"src": f"{sources}/plain.j2", "dest": "/etc/plain", "seuser": "staff_u"}},
        # On file systems of their own: XFS, and a second logical volume.
        {"offline.guest.copy": {"content": "new\n", "dest": "/boot/new"}},
        {"offline.guest.copy": {"content": "new\n", "dest": "/home/alice/new", "owner": "alice"}},
    ]
    calls = harness.four_calls_in_session(tasks, raw_copy, variables={"who": "guest"})
    labels = {
        "/etc/new.conf": "system_u:object_r:etc_t:s0",
        "/etc/typed.conf": "system_u:object_r:httpd_config_t:s0",
        "/etc/odd.conf": "system_u:object_r:etc_t:s0",
        "/root/.ssh": "system_u:object_r:ssh_home_t:s0",
        "/root/.ssh/index": "system_u:object_r:ssh_home_t:s0",
        "/root/.ssh/made": "system_u:object_r:ssh_home_t:s0",
        "/etc/hostname": "system_u:object_r:tmp_t:s0:c1,c2",
        "/etc/linked": "system_u:object_r:etc_t:s0",
        "/etc/plain": "staff_u:object_r:etc_t:s0",
    }
    with as_raw(raw_copy) as raw:
        for path, label in labels.items():
            found = stat_guest(raw, path)
            assert found is not None, path
            assert found.xattrs["security.selinux"].replace("\\000", "") == label, path
    assert calls[2][1]["secontext"] == labels["/etc/odd.conf"]
    assert calls[4][1].diff["after"]["secontext"] == ["system_u", "object_r", "tmp_t", "s0:c1,c2"]
    assert left_in(raw_copy.parent) == []


# Large files


def test_a_large_file_needs_little_memory(harness: Harness, image_copy: Copier, tmp_path: Path) -> None:
    image = image_copy("ubuntu-like", "raw")
    large, block = tmp_path / "large", os.urandom(MIB)
    expected = hashlib.sha1(usedforsecurity=False)
    with open(large, "wb") as stream:
        for number in range(COPY_MIB):
            part = block[number:] + block[:number]
            stream.write(part)
            expected.update(part)
    copy = {"src": str(large), "dest": "/srv/large"}
    steps: list[Task] = [
        {"name": "grow", "offline.guest.resize": {"size": f"{COPY_MIB + 768}M"}},
        {"name": "copy", "offline.guest.copy": copy},
        {"name": "copy again", "offline.guest.copy": copy},
    ]
    with Watch(harness, {"AnsiballZ_copy": "module", "_server": "server"}) as watch:
        done = harness.play(ended([OPEN, *steps, COMMIT]), image=image, timeout=2400).ok()
    print(f"{COPY_MIB} MiB: {watch.peaks}")
    assert [done[name].changed for name in ("copy", "copy again")] == [True, False]
    assert {done[name]["checksum"] for name in ("copy", "copy again")} == {expected.hexdigest()}
    assert set(watch.peaks) == {"module", "server"}
    assert max(watch.peaks.values()) < 150, watch.peaks
    large.unlink()
    found = stat_guest(image, "/srv/large")
    assert found is not None and found.size == COPY_MIB * MIB
