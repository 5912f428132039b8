# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Several files and links as one plan."""

from __future__ import annotations

import stat

import pytest
from ansible_collections.offline.guest.plugins.module_utils._appliance._calls import Calls
from ansible_collections.offline.guest.plugins.module_utils._errors import GuestError
from ansible_collections.offline.guest.plugins.module_utils._guest._changes import apply_changes, changes_diff
from ansible_collections.offline.guest.plugins.module_utils._guest._draft import Draft
from ansible_collections.offline.guest.plugins.module_utils._guest._files import GuestFiles
from ansible_collections.offline.guest.tests.unit.guest.fake_rpc import FakeRpc


def applied(rpc: FakeRpc, draft: Draft) -> None:
    before = rpc.snapshot()
    changes = draft.changes()
    assert rpc.snapshot() == before, "a plan wrote"
    apply_changes(GuestFiles(Calls(rpc)), changes)


def draft_of(rpc: FakeRpc) -> Draft:
    return Draft(GuestFiles(Calls(rpc)))


def test_a_draft_reads_what_it_has_noted() -> None:
    rpc = FakeRpc()
    rpc.add_file("/etc/a", b"1", 0o640, uid=3)
    draft = draft_of(rpc)
    draft.edit("/etc/a", lambda content: content + b"2")
    draft.edit("/etc/a", lambda content: content + b"3")
    draft.edit("/etc/none", lambda content: content + b"x")
    assert draft.read("/etc/a") == b"123"
    applied(rpc, draft)
    node = rpc.nodes["/etc/a"]
    assert (node.content, node.mode & 0o7777, node.uid) == (b"123", 0o640, 3)
    assert "/etc/none" not in rpc.nodes


def test_what_comes_back_to_what_it_was_is_no_change() -> None:
    rpc = FakeRpc()
    rpc.add_file("/a", b"1")
    draft = draft_of(rpc)
    draft.write("/a", b"2")
    draft.write("/a", b"1")
    draft.remove("/b")
    assert draft.changes() == []


def test_a_new_file_gets_its_folders() -> None:
    rpc = FakeRpc()
    draft = draft_of(rpc)
    draft.write("/a/b/c", b"1", mode=0o600)
    draft.link("/d/e", "x")
    applied(rpc, draft)
    assert rpc.nodes["/a/b/c"].mode & 0o7777 == 0o600
    assert rpc.nodes["/a/b"].mode & 0o7777 == 0o755
    assert rpc.nodes["/d/e"].target == "x"


def test_links_are_followed_replaced_or_removed_as_is_said() -> None:
    for verb in ("write", "replace", "remove", "link"):
        rpc = FakeRpc()
        rpc.add_file("/srv/real", b"1")
        rpc.add_link("/etc/a", "/srv/real")
        draft = draft_of(rpc)
        if verb == "remove":
            draft.remove("/etc/a")
        elif verb == "link":
            draft.link("/etc/a", "/elsewhere")
        else:
            getattr(draft, verb)("/etc/a", b"2")
        applied(rpc, draft)
        assert rpc.nodes["/srv/real"].content == (b"2" if verb == "write" else b"1")
        if verb == "remove":
            assert "/etc/a" not in rpc.nodes
        else:
            assert stat.S_ISLNK(rpc.nodes["/etc/a"].mode) == (verb != "replace")


def test_the_difference() -> None:
    rpc = FakeRpc()
    rpc.add_file("/edited", b"1\n")
    rpc.add_file("/removed", b"secret\n")
    rpc.add_link("/linked", "a\x1b")
    draft = draft_of(rpc)
    draft.write("/edited", b"2\n")
    draft.write("/new", b"\0")
    draft.remove("/removed")
    draft.link("/linked", "b")
    found = {item["before_header"]: item for item in changes_diff(draft.changes())}
    assert (found["/edited (content)"]["before"], found["/edited (content)"]["after"]) == ("1\n", "2\n")
    assert found["/new (content)"]["src_binary"] == 1
    assert found["/removed"]["before"] == {"path": "/removed", "state": "file"}
    assert found["/removed"]["after"] == {"path": "/removed", "state": "absent"}
    assert found["/linked"]["before"] == {"path": "/linked", "state": "link", "src": "a\\x1b"}
    assert found["/linked"]["after"] == {"path": "/linked", "state": "link", "src": "b"}
    assert "secret\\n" not in repr((draft.changes(), found))


def test_other_kinds_are_never_replaced() -> None:
    for kind in (stat.S_IFIFO, stat.S_IFCHR, stat.S_IFSOCK):
        rpc = FakeRpc()
        rpc.add_special("/x", kind)
        for work in ("remove", "link", "write"):
            draft = draft_of(rpc)
            with pytest.raises(GuestError):
                getattr(draft, work)(*{"remove": ("/x",), "link": ("/x", "y"), "write": ("/x", b"")}[work])
