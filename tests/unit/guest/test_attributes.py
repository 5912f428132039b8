# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Owner, group, mode, SELinux context and flags, compared with what AnsibleModule itself does to a file of the host."""

from __future__ import annotations

import json
import os
import pathlib
import stat
import typing as t

import pytest
from ansible.module_utils import basic
from ansible_collections.offline.guest.plugins.module_utils._appliance._calls import Calls
from ansible_collections.offline.guest.plugins.module_utils._errors import GuestError, OptionError
from ansible_collections.offline.guest.plugins.module_utils._guest._attributes import (
    AttributeChange,
    AttributeOptions,
    AttributePlanner,
    apply_attributes,
    entry_facts,
)
from ansible_collections.offline.guest.plugins.module_utils._guest._files import GuestFiles
from ansible_collections.offline.guest.plugins.module_utils._guest._paths import GuestPath
from ansible_collections.offline.guest.tests.unit.guest.fake_rpc import FakeRpc
from hypothesis import given, settings
from hypothesis import strategies as st

POLICY = b"/etc/.* system_u:object_r:etc_t:s0\n/srv(/.*)? -d system_u:object_r:srv_t:s0\n"
AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")


def guest(*, selinux: bool = False) -> FakeRpc:
    rpc = FakeRpc()
    rpc.add_file("/etc/passwd", b"root:x:0:0::/root:/bin/sh\nweb:x:33:34::/srv:/bin/sh\n")
    rpc.add_file("/etc/group", b"root:x:0:\nwww:x:44:\n")
    rpc.add_file("/etc/f", b"content", 0o640, uid=1, gid=2)
    if selinux:
        rpc.add_file("/etc/selinux/config", b"SELINUX=enforcing\nSELINUXTYPE=targeted\n")
        rpc.add_file("/etc/selinux/targeted/contexts/files/file_contexts", POLICY)
    return rpc


def plan(rpc: FakeRpc, path: str = "/etc/f", **params: t.Any) -> AttributeChange:
    return AttributePlanner(GuestFiles(Calls(rpc)), AttributeOptions.of(params)).plan(GuestPath(path))


def set_attributes(rpc: FakeRpc, path: str = "/etc/f", **params: t.Any) -> AttributeChange:
    """Plan, apply, and see that a second plan finds nothing to do."""
    change = plan(rpc, path, **params)
    apply_attributes(GuestFiles(Calls(rpc)), change)
    again = plan(rpc, path, **params)
    assert not again.changed and again.diff() == {}
    return change


@pytest.fixture(scope="module")
def module() -> t.Iterator[basic.AnsibleModule]:
    before = basic._ANSIBLE_ARGS, basic._ANSIBLE_PROFILE
    basic._ANSIBLE_ARGS = json.dumps({"ANSIBLE_MODULE_ARGS": {}}).encode()
    basic._ANSIBLE_PROFILE = "legacy"
    umask = os.umask(0o022)
    yield basic.AnsibleModule(argument_spec={}, add_file_common_args=True)
    os.umask(umask)
    basic._ANSIBLE_ARGS, basic._ANSIBLE_PROFILE = before


class TestLikeAnsible:
    """The same options on a file of the host through the real AnsibleModule and on one of the guest."""

    @AS_ROOT
    @given(
        kind=st.sampled_from(["file", "directory", "link"]),
        old=st.integers(0, 0o7777),
        owner=st.sampled_from([None, "0", "1", "7", "root"]),
        group=st.sampled_from([None, "0", "2", "8", "root"]),
        mode=st.sampled_from([None, "0644", "4755", "2755", 0o600, "u+s", "g+w,o=", "a+X", "ug=rwX,o=rX", "+x", "g=u"]),
    )
    @settings(max_examples=400, deadline=None)
    def test_owner_group_and_mode(
        self,
        module: basic.AnsibleModule,
        tmp_path_factory: pytest.TempPathFactory,
        kind: str,
        old: int,
        owner: str | None,
        group: str | None,
        mode: t.Any,
    ) -> None:
        path = tmp_path_factory.mktemp("twin") / "entry"
        rpc = self.pair(path, kind, old)
        args = module.load_file_common_arguments({"path": str(path), "owner": owner, "group": group, "mode": mode})
        diff: dict[str, t.Any] = {}
        changed = module.set_fs_attributes_if_different(args, False, diff)
        change = set_attributes(rpc, "/entry", owner=owner, group=group, mode=mode)
        assert change.changed == changed
        there = os.lstat(path)
        node = rpc.nodes["/entry"]
        assert (stat.S_IMODE(there.st_mode), there.st_uid, there.st_gid) == (node.mode & 0o7777, node.uid, node.gid)
        self.compare(change.diff(), diff, kind, changed=changed)

    @staticmethod
    def pair(path: pathlib.Path, kind: str, mode: int) -> FakeRpc:
        """Make the same entry on the host and in a guest; it belongs to user 1 and group 2."""
        rpc = guest()
        if kind == "link":
            path.symlink_to("nowhere")
            rpc.add_link("/entry", "nowhere", uid=1, gid=2)
        elif kind == "directory":
            path.mkdir()
            rpc.add_dir("/entry", mode, uid=1, gid=2)
        else:
            path.touch()
            rpc.add_file("/entry", b"", mode, uid=1, gid=2)
        os.lchown(path, 1, 2)
        if kind != "link":
            path.chmod(mode)
        return rpc

    @staticmethod
    def compare(ours: dict[str, t.Any], theirs: dict[str, t.Any], kind: str, *, changed: bool) -> None:
        """The twin does not show the bits that a chown took, and shows a mode for a link, which gets none."""
        for side in ("before", "after"):
            for key in ("owner", "group"):
                assert ours.get(side, {}).get(key) == theirs.get(side, {}).get(key)
        if kind != "link" and "mode" in theirs.get("after", {}) and "mode" in ours.get("after", {}):
            assert ours["after"]["mode"] == theirs["after"]["mode"]
        assert bool(ours) == changed


class TestOwner:
    def test_by_the_names_of_the_guest(self) -> None:
        rpc = guest()
        change = set_attributes(rpc, owner="web", group="www")
        assert change.diff() == {"before": {"owner": 1, "group": 2}, "after": {"owner": 33, "group": 44}}
        assert (rpc.nodes["/etc/f"].uid, rpc.nodes["/etc/f"].gid) == (33, 44)

    def test_unknown(self) -> None:
        with pytest.raises(GuestError, match="no user 'nobody'"):
            plan(guest(), owner="nobody")
        with pytest.raises(GuestError, match="no group 'staff'"):
            plan(guest(), group="staff")

    @pytest.mark.parametrize(
        ("old", "new"), [(0o4755, 0o755), (0o6755, 0o755), (0o2755, 0o755), (0o2640, 0o2640), (0o1755, 0o1755)]
    )
    def test_a_new_owner_gets_no_right_to_run_as_the_old_one(self, old: int, new: int) -> None:
        rpc = guest()
        rpc.nodes["/etc/f"].mode = stat.S_IFREG | old
        assert set_attributes(rpc, owner="web").after.mode == new
        assert stat.S_IMODE(rpc.nodes["/etc/f"].mode) == new

    def test_a_symbolic_mode_starts_from_what_the_chown_left(self) -> None:
        rpc = guest()
        rpc.nodes["/etc/f"].mode = stat.S_IFREG | 0o4755
        assert set_attributes(rpc, owner="web", mode="g+w").after.mode == 0o775

    def test_asked_for_they_stay(self) -> None:
        rpc = guest()
        rpc.nodes["/etc/f"].mode = stat.S_IFREG | 0o4755
        change = set_attributes(rpc, owner="web", mode="4755")
        assert stat.S_IMODE(rpc.nodes["/etc/f"].mode) == 0o4755
        assert change.diff()["after"] == {"owner": 33}

    def test_a_directory_keeps_them(self) -> None:
        rpc = guest()
        rpc.add_dir("/srv", 0o2775)
        assert set_attributes(rpc, "/srv", owner="web").after.mode == 0o2775


class TestMode:
    @pytest.mark.parametrize(("mode", "shown"), [("0600", "0600"), ("4755", "04755"), ("1777", "01777")])
    def test_shown_as_ansible_shows_it(self, mode: str, shown: str) -> None:
        assert plan(guest(), mode=mode).diff() == {"before": {"mode": "0640"}, "after": {"mode": shown}}

    def test_in_place_of_the_option(self) -> None:
        planner = AttributePlanner(GuestFiles(Calls(guest())), AttributeOptions.of({"mode": "preserve"}))
        assert planner.plan(GuestPath("/etc/f"), mode="0755").after.mode == 0o755

    def test_a_link_has_none(self) -> None:
        rpc = guest()
        rpc.add_link("/etc/l", "f")
        assert not plan(rpc, "/etc/l", mode="0600").changed


class TestContext:
    def test_parts(self) -> None:
        rpc = guest(selinux=True)
        rpc.nodes["/etc/f"].xattrs["security.selinux"] = b"system_u:object_r:etc_t:s0:c1,c2\0"
        change = set_attributes(rpc, setype="shadow_t")
        assert rpc.nodes["/etc/f"].xattrs["security.selinux"] == b"system_u:object_r:shadow_t:s0:c1,c2\0"
        assert change.diff() == {
            "before": {"secontext": ["system_u", "object_r", "etc_t", "s0:c1,c2"]},
            "after": {"secontext": ["system_u", "object_r", "shadow_t", "s0:c1,c2"]},
        }

    def test_default_is_what_the_policy_says(self) -> None:
        rpc = guest(selinux=True)
        rpc.nodes["/etc/f"].xattrs["security.selinux"] = b"staff_u:object_r:tmp_t:s0\0"
        set_attributes(rpc, setype="_default")
        assert rpc.nodes["/etc/f"].xattrs["security.selinux"] == b"staff_u:object_r:etc_t:s0\0"

    def test_default_without_an_answer_of_the_policy_changes_nothing(self) -> None:
        rpc = guest(selinux=True)
        rpc.add_file("/opt/f", xattrs={"security.selinux": b"u:r:t:s0\0"})
        assert not plan(rpc, "/opt/f", setype="_default").changed

    def test_an_entry_without_a_label_starts_from_the_policy(self) -> None:
        rpc = guest(selinux=True)
        set_attributes(rpc, setype="shadow_t")
        assert rpc.nodes["/etc/f"].xattrs["security.selinux"] == b"system_u:object_r:shadow_t:s0\0"

    def test_a_guest_without_selinux_is_left_alone(self) -> None:
        rpc = guest()
        assert not plan(rpc, setype="shadow_t", seuser="_default").changed
        planner = AttributePlanner(GuestFiles(Calls(rpc)), AttributeOptions.of({"setype": "shadow_t"}))
        assert not planner.plan_new(GuestPath("/etc/new")).changed

    def test_incomplete(self) -> None:
        rpc = guest(selinux=True)
        rpc.add_file("/opt/f")
        with pytest.raises(OptionError, match="incomplete"):
            plan(rpc, "/opt/f", setype="shadow_t")

    def test_nobody_asked(self) -> None:
        rpc = guest(selinux=True)
        plan(rpc, mode="0600")
        assert "lgetxattrs" not in [entry[0] for entry in rpc.log]


class TestFlags:
    @pytest.mark.parametrize(
        ("old", "option", "new", "shown"),
        [
            ("e", "+i", "ei", "+i"),
            ("ei", "+i", "ei", None),
            ("ei", "-i", "e", "-i"),
            ("eA", "i", "ei", "=i"),
            ("eA", "=id", "dei", "=id"),
            ("e", "", "e", None),
            ("e", "+", "e", None),
        ],
    )
    def test_operators(self, old: str, option: str, new: str, shown: str | None) -> None:
        rpc = guest()
        rpc.nodes["/etc/f"].flags = frozenset(old)
        change = set_attributes(rpc, attributes=option)
        assert rpc.nodes["/etc/f"].flags == frozenset(new)
        assert change.diff().get("after", {}).get("attributes") == shown

    def test_immutable_comes_last_and_goes_first(self) -> None:
        rpc = guest()
        rpc.log.clear()
        set_attributes(rpc, attributes="+i", mode="0600")
        assert rpc.writes == ["chmod", "set_e2attrs"]
        rpc.log.clear()
        set_attributes(rpc, attributes="-i", mode="0644")
        assert rpc.writes == ["set_e2attrs", "chmod"]

    def test_no_flags(self) -> None:
        with pytest.raises(OptionError, match="not understood"):
            AttributeOptions.of({"attributes": "+i -a"})


class TestNew:
    def planner(self, rpc: FakeRpc, **params: t.Any) -> AttributePlanner:
        return AttributePlanner(GuestFiles(Calls(rpc)), AttributeOptions.of(params))

    def test_defaults(self) -> None:
        planner = self.planner(guest())
        for kind, mode in (("file", 0o644), ("directory", 0o755)):
            change = planner.plan_new(GuestPath("/etc/n"), kind)
            assert (change.after.mode, change.after.uid, change.after.gid, change.changed) == (mode, 0, 0, False)
            assert planner.for_new(kind) == change.after

    def test_a_symbolic_mode_starts_from_the_default(self) -> None:
        assert self.planner(guest(), mode="o=,g+X").plan_new(GuestPath("/etc/n")).after.mode == 0o640
        assert self.planner(guest(), mode="o=,g+X").plan_new(GuestPath("/etc/n"), "directory").after.mode == 0o750

    def test_a_set_group_id_directory_hands_its_group_down(self) -> None:
        rpc = guest()
        rpc.add_dir("/srv", 0o2775, gid=44)
        parent = GuestFiles(Calls(rpc)).lstat("/srv")
        file = self.planner(rpc).plan_new(GuestPath("/srv/n"), "file", parent).after
        directory = self.planner(rpc).plan_new(GuestPath("/srv/n"), "directory", parent).after
        assert (file.mode, file.gid, directory.mode, directory.gid) == (0o644, 44, 0o2755, 44)

    def test_the_rest_is_context_and_flags(self) -> None:
        rpc = guest(selinux=True)
        change = self.planner(rpc, mode="0600", owner="web", setype="x_t", attributes="+i").plan_new(
            GuestPath("/etc/n")
        )
        assert set(change.rest.diff()["after"]) == {"secontext", "attributes"}
        assert not self.planner(rpc, mode="0600", owner="web").plan_new(GuestPath("/etc/n")).rest.changed


def test_unsafe_writes_are_refused() -> None:
    with pytest.raises(OptionError, match="unsafe_writes"):
        AttributeOptions.of({"unsafe_writes": True})


class TestFacts:
    def test_as_ansible_adds_them(self) -> None:
        rpc = guest()
        rpc.nodes["/etc/f"].mode = stat.S_IFREG | 0o4711
        files = GuestFiles(Calls(rpc))
        planner = AttributePlanner(files, AttributeOptions())
        facts = entry_facts("/etc/f", files.lstat("/etc/f"), planner.accounts)
        assert facts == {
            "uid": 1,
            "gid": 2,
            "owner": "1",
            "group": "2",
            "mode": "04711",
            "state": "file",
            "size": 7,
        }

    def test_states(self) -> None:
        rpc = guest()
        rpc.nodes["/etc/other"] = rpc.nodes["/etc/f"]
        rpc.add_link("/etc/l", "f")
        files = GuestFiles(Calls(rpc))
        planner = AttributePlanner(files, AttributeOptions())
        paths = {"/etc/f": "hard", "/etc/l": "link", "/etc": "directory", "/etc/none": "absent"}
        assert {path: entry_facts(path, files.lstat(path), planner.accounts)["state"] for path in paths} == paths
