# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""lineinfile, blockinfile, replace and ini_file against their twins, as whole modules.

The same task, on the same bytes, leaves the same tree and says the same: ``changed``, ``msg``, backup and difference.
Two differences are wanted, and taken out before results are compared: ours shows content as escapes where a terminal
would obey it, and shows none where nothing changes.
"""

from __future__ import annotations

import dataclasses
import importlib
import os
import pathlib
import types
import typing as t
from unittest import mock

import pytest
from ansible.module_utils.basic import FILE_COMMON_ARGUMENTS
from ansible.modules import blockinfile, lineinfile, replace
from ansible_collections.offline.guest.plugins.module_utils._guest._diff import shown
from ansible_collections.offline.guest.tests.unit.differential.whole_modules import (
    Entry,
    Result,
    build,
    guest_with,
    run_our_module,
    run_twin_module,
    selinux,
    tree_in,
    tree_of,
)

PLUGINS = "ansible_collections.offline.guest.plugins.modules"
OURS = {
    name: importlib.import_module(f"{PLUGINS}.{name}") for name in ("lineinfile", "blockinfile", "replace", "ini_file")
}
SYMBOLS = {"context": "unconfined_u:object_r:user_t:s0:c1"}
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="gives files away")


def twin_of(name: str) -> types.ModuleType:
    if name == "ini_file":
        return pytest.importorskip("ansible_collections.community.general.plugins.modules.ini_file")
    return {"lineinfile": lineinfile, "blockinfile": blockinfile, "replace": replace}[name]


@dataclasses.dataclass(frozen=True)
class Case:
    """A task on ``/etc/f``, unless ``options`` name another file.

    :param before: the content of ``/etc/f``; None: no file.
    :param more: further entries of the tree, or another ``/etc/f``.
    :param own_diff: the twin shows another difference than there is: ini_file reads any line end as LF, and no module
        shows the set-uid bits that a new owner drops.
    """

    before: bytes | None
    options: Result
    more: t.Mapping[str, Entry] = dataclasses.field(default_factory=dict)
    own_diff: bool = False

    @property
    def tree(self) -> dict[str, Entry]:
        passwd = {path: Entry(pathlib.Path(path).read_bytes()) for path in ("/etc/passwd", "/etc/group")}
        own = {} if self.before is None else {"/etc/f": Entry(self.before)}
        return {"/etc": folder(), **passwd, **own, **self.more}

    @property
    def params(self) -> Result:
        named = {"path", "dest", "destfile", "name"} & self.options.keys()
        return self.options if named else {"path": "/etc/f", **self.options}


def owned(content: bytes, mode: int = 0o640, uid: int = 0, gid: int = 0, label: str = "") -> dict[str, Entry]:
    return {"/etc/f": Entry(content, mode=mode, uid=uid, gid=gid, label=label)}


def folder(mode: int = 0o755, gid: int = 0) -> Entry:
    return Entry(mode=mode, gid=gid)


LINK = {"/etc/l": Entry(target="/data/f"), "/data/f": Entry(b"old\n", mode=0o600)}
DANGLING = {"/etc/l": Entry(target="../data/f"), "/data": folder()}
NOWHERE = {"/etc/l": Entry(target="/none/f")}
KEYS = b"a=1\n#b=2\nb=3\nc=4\n"
MARKED = b"x\n# BEGIN ANSIBLE MANAGED BLOCK\nold\n# END ANSIBLE MANAGED BLOCK\ny\n"
INI = b"top=0\n[s]\n; k = 9\nk = 1\nk=2\nj\n\n[t]\nk=3\n"

LINES: dict[str, Case] = {
    "add": Case(b"old\n", {"line": "new"}),
    "there already": Case(b"old\nnew\n", {"line": "new"}),
    "an empty file": Case(b"", {"line": "new"}),
    "no final newline": Case(b"old", {"line": "new"}),
    "CRLF": Case(b"one\r\ntwo\r\n", {"line": "two\r", "regexp": "^one"}),
    "not UTF-8": Case(b"caf\xe9\n\xff\xfe\0\n", {"line": "new", "insertafter": "caf"}),
    "terminal escapes": Case(b"\x1b[2J\n", {"line": "new"}),
    "dest and value": Case(b"old\n", {"dest": "/etc/f", "value": "new"}),
    "destfile": Case(b"old\n", {"destfile": "/etc/f", "line": "new"}),
    "name": Case(b"old\n", {"name": "/etc/f", "line": "new"}),
    "regexp": Case(KEYS, {"regexp": "^#?b=", "line": "b=9"}),
    "regex": Case(KEYS, {"regex": "^a=", "line": "a=9"}),
    "firstmatch": Case(KEYS, {"regexp": "^#?b=", "line": "b=9", "firstmatch": True}),
    "an empty regexp": Case(KEYS, {"regexp": "", "line": "z"}),
    "search_string": Case(KEYS, {"search_string": "b=", "line": "b=9"}),
    "backrefs": Case(KEYS, {"regexp": r"^(?P<k>b)=(\d)", "line": r"\g<k> = \2", "backrefs": True}),
    "backrefs without a match": Case(KEYS, {"regexp": "^(z)", "line": r"\1", "backrefs": True}),
    "backrefs without a regexp": Case(KEYS, {"line": "z", "backrefs": True}),
    "backrefs, absent": Case(KEYS, {"line": "a=1", "backrefs": True, "state": "absent"}),
    "insertafter": Case(KEYS, {"line": "n", "insertafter": "b="}),
    "insertafter BOF": Case(KEYS, {"line": "n", "insertafter": "BOF"}),
    "insertafter, firstmatch": Case(KEYS, {"line": "n", "insertafter": "b=", "firstmatch": True}),
    "insertbefore": Case(KEYS, {"line": "n", "insertbefore": "b="}),
    "insertbefore BOF": Case(KEYS, {"line": "n", "insertbefore": "BOF"}),
    "absent by line": Case(b"a\nb\na\n", {"line": "a", "state": "absent"}),
    "absent by regexp": Case(KEYS, {"regexp": "b", "state": "absent"}),
    "absent by search_string": Case(KEYS, {"search_string": "=4", "state": "absent"}),
    "absent, not there": Case(KEYS, {"line": "z", "state": "absent"}),
    "absent, no file": Case(None, {"line": "z", "state": "absent"}),
    "absent, nothing named": Case(KEYS, {"state": "absent"}),
    "no line": Case(KEYS, {"regexp": "a"}),
    "no file": Case(None, {"line": "new"}),
    "create": Case(None, {"path": "/etc/a/b/f", "line": "new", "create": True}),
    "create with a mode": Case(None, {"line": "new", "create": True, "mode": "0600"}),
    "create, backrefs without a match": Case(None, {"line": "n", "regexp": "a", "backrefs": True, "create": True}),
    "a directory": Case(b"", {"path": "/etc", "line": "new"}),
    "backup": Case(b"old\n", {"line": "new", "backup": True}, owned(b"old\n", 0o600)),
    "backup of no change": Case(b"old\n", {"line": "old", "backup": True}),
    "validate": Case(b"old\n", {"line": "new", "validate": "grep -q new %s"}),
    "validate refuses": Case(b"old\n", {"line": "new", "validate": "grep -q none %s"}),
    "validate without a place": Case(b"old\n", {"line": "new", "validate": "true"}),
    "excluding options": Case(KEYS, {"line": "z", "insertafter": "a", "insertbefore": "b"}),
    "mode": Case(b"old\n", {"line": "new", "mode": "0600"}),
    "a symbolic mode": Case(b"old\n", {"line": "old", "mode": "u+x,g-r,o=u"}),
    "a mode of none": Case(b"old\n", {"line": "new", "mode": 0}),
    "attributes": Case(b"old\n", {"line": "old", "attributes": "+d"}),
    "through a link": Case(None, {"path": "/etc/l", "line": "new", "backup": True}, LINK),
    "through a link to nothing": Case(None, {"path": "/etc/l", "line": "new", "create": True}, DANGLING),
    "through a link to nowhere": Case(None, {"path": "/etc/l", "line": "new", "create": True}, NOWHERE),
    "a link to a directory": Case(None, {"path": "/etc/l", "line": "new"}, {"/etc/l": Entry(target="/etc")}),
}  # fmt: skip

BLOCKS: dict[str, Case] = {
    "insert": Case(b"x\ny\n", {"block": "one\ntwo"}),
    "content": Case(b"x\ny", {"dest": "/etc/f", "content": "one\n"}),
    "replace": Case(MARKED, {"block": "new"}),
    "there already": Case(MARKED, {"block": "old"}),
    "CRLF": Case(MARKED.replace(b"\n", b"\r\n"), {"block": "old"}),
    "not UTF-8": Case(b"\xff\n", {"block": "new"}),
    "an empty file": Case(b"", {"block": "new"}),
    "remove": Case(MARKED, {"state": "absent"}),
    "remove by an empty block": Case(MARKED, {"block": ""}),
    "remove where there is none": Case(b"x\n", {"state": "absent"}),
    "markers": Case(
        b"x\n", {"block": "b", "marker": "<!-- {mark} -->", "marker_begin": "open", "marker_end": "close"}
    ),
    "insertafter": Case(b"x\ny\nx\n", {"block": "b", "insertafter": "^x"}),
    "insertafter in many lines": Case(b"x\ny\nx\n", {"block": "b", "insertafter": "(?m)^x$"}),
    "insertbefore": Case(b"x\ny\n", {"block": "b", "insertbefore": "^y"}),
    "insertbefore BOF": Case(b"x\ny\n", {"block": "b", "insertbefore": "BOF"}),
    "newlines around": Case(
        b"x\ny\n", {"block": "b", "insertafter": "^x", "append_newline": True, "prepend_newline": True}
    ),
    "no file": Case(None, {"block": "b"}),
    "no file, absent": Case(None, {"state": "absent"}),
    "no file, absent, create": Case(None, {"state": "absent", "create": True}),
    "create": Case(None, {"name": "/etc/a/f", "block": "b", "create": True}),
    "create an empty file": Case(None, {"create": True}),
    "create with a mode": Case(None, {"block": "b", "create": True, "mode": "0600"}),
    "a directory": Case(b"", {"destfile": "/etc", "block": "b"}),
    "backup": Case(MARKED, {"block": "new", "backup": True}),
    "backup of no change": Case(MARKED, {"block": "old", "backup": True}),
    "validate": Case(b"x\n", {"block": "b", "validate": "grep -q b %s"}),
    "validate refuses": Case(b"x\n", {"block": "b", "validate": "grep -q none %s"}),
    "mode only": Case(MARKED, {"block": "old", "mode": "0600"}),
    "attributes": Case(MARKED, {"block": "old", "attr": "+A"}),
    "through a link": Case(None, {"path": "/etc/l", "block": "b", "backup": True}, LINK),
}  # fmt: skip

REPLACEMENTS: dict[str, Case] = {
    "replace": Case(b"a b\na\n", {"regexp": "a", "replace": "c"}),
    "remove": Case(b"a b\na\n", {"name": "/etc/f", "regexp": "^a "}),
    "groups": Case(b"k = v\n", {"regexp": r"^(\w) = (?P<v>\w)$", "replace": r"\g<v> = \1"}),
    "no match": Case(b"a\n", {"dest": "/etc/f", "regexp": "z", "replace": "c"}),
    "no change": Case(b"a\n", {"destfile": "/etc/f", "regexp": "a", "replace": "a"}),
    "after": Case(b"a [x] a\n", {"regexp": "a", "replace": "b", "after": r"\[x\]"}),
    "before": Case(b"a [x] a\n", {"regexp": "a", "replace": "b", "before": r"\[x\]"}),
    "after and before": Case(b"a [x] a [y] a\n", {"regexp": "a", "replace": "b", "after": "x", "before": "y"}),
    "after nothing, and then no mode": Case(b"a\n", {"regexp": "a", "after": "z", "mode": "0600"}),
    "latin-1": Case(b"caf\xe9\n", {"regexp": "é", "replace": "e", "encoding": "latin-1"}),
    "utf-16": Case("é\n".encode("utf-16"), {"regexp": "é", "replace": "e", "encoding": "utf-16"}),
    "not UTF-8": Case(b"a\xff\r\n", {"regexp": "a", "replace": "b"}),
    "CRLF and no final newline": Case(b"a\r\na", {"regexp": "^a$", "replace": "b"}),
    "an empty file": Case(b"", {"regexp": "^", "replace": "b"}),
    "no file": Case(None, {"regexp": "a"}),
    "a directory": Case(b"", {"path": "/etc", "regexp": "a"}),
    "a wrong regexp": Case(b"a\n", {"regexp": "("}),
    "a wrong replacement": Case(b"a\n", {"regexp": "a", "replace": r"\9"}),
    "backup": Case(b"a\n", {"regexp": "a", "replace": "b", "backup": True}),
    "validate": Case(b"a\n", {"regexp": "a", "replace": "b", "validate": "grep -q b %s"}),
    "validate refuses": Case(b"a\n", {"regexp": "a", "replace": "b", "validate": "grep -q a %s"}),
    "mode": Case(b"a\n", {"regexp": "a", "replace": "b", "mode": "0600"}),
    "mode only": Case(b"a\n", {"regexp": "z", "mode": "0600"}),
    "attributes only": Case(b"a\n", {"regexp": "z", "attributes": "+d"}),
    "through a link": Case(None, {"path": "/etc/l", "regexp": "old", "replace": "new", "backup": True}, LINK),
}  # fmt: skip

INIS: dict[str, Case] = {
    "set": Case(INI, {"section": "t", "option": "k", "value": "9"}),
    "there already": Case(INI, {"section": "t", "option": "k", "value": "3", "no_extra_spaces": True}),
    "add": Case(INI, {"dest": "/etc/f", "section": "t", "option": "new", "value": "9"}),
    "a new section": Case(INI, {"section": "u", "option": "k", "value": "9"}),
    "a section alone": Case(INI, {"section": "u", "allow_no_value": True}),
    "above the sections": Case(INI, {"option": "top", "value": "1"}),
    "values": Case(INI, {"section": "s", "option": "k", "values": ["2", "5"]}),
    "not exclusive": Case(INI, {"section": "s", "option": "k", "values": ["7"], "exclusive": False}),
    "ignore_spaces": Case(INI, {"section": "t", "option": "k", "value": "3", "ignore_spaces": True}),
    "inactive options stay": Case(
        INI, {"section": "s", "option": "k", "value": "9", "modify_inactive_option": False}
    ),
    "no value": Case(INI, {"section": "s", "option": "new", "allow_no_value": True}),
    "neither value nor leave": Case(INI, {"section": "s", "option": "k"}),
    "value and values": Case(INI, {"section": "s", "option": "k", "value": "1", "values": ["2"]}),
    "section_has_values": Case(
        INI + b"[s]\nk=5\n",
        {"section": "s", "section_has_values": [{"option": "k", "value": "5"}], "option": "k", "value": "6"},
    ),
    "section_has_values, any of them": Case(
        INI, {"section": "s", "section_has_values": [{"option": "j"}], "option": "k", "value": "6"}
    ),
    "section_has_values, a new one": Case(
        INI,
        {"section": "s", "section_has_values": [{"option": "q", "values": ["1", "2"]}], "option": "k", "value": "6"},
    ),
    "absent": Case(INI, {"section": "s", "option": "k", "state": "absent"}),
    "one value absent": Case(INI, {"section": "s", "option": "k", "value": "2", "exclusive": False, "state": "absent"}),
    "a section absent": Case(INI, {"section": "s", "state": "absent"}),
    "absent, no file": Case(None, {"section": "s", "state": "absent"}),
    "the lines above the sections absent": Case(INI, {"state": "absent"}),
    "no file": Case(None, {"path": "/etc/a/f", "section": "s", "option": "k", "value": "1"}),
    "no file and no create": Case(None, {"section": "s", "option": "k", "value": "1", "create": False}),
    "an empty file": Case(b"", {"section": "s", "option": "k", "value": "1"}),
    "no final newline": Case(b"[s]\nk = 1", {"section": "s", "option": "k", "value": "1"}),
    "CRLF": Case(b"[s]\r\nk=1\r\n", {"section": "s", "option": "k", "value": "2"}, own_diff=True),
    "a byte order mark": Case(b"\xef\xbb\xbf[s]\nk=1\n", {"section": "s", "option": "k", "value": "2"}, own_diff=True),
    "not UTF-8": Case(b"[s]\nk=\xff\n", {"section": "s", "option": "k", "value": "2"}),
    "a directory": Case(b"", {"path": "/etc", "section": "s", "option": "k", "value": "2"}),
    "backup": Case(INI, {"section": "t", "option": "k", "value": "9", "backup": True}),
    "mode": Case(INI, {"section": "t", "option": "k", "value": "9", "mode": "u=rw,go="}),
    "mode only": Case(INI, {"section": "t", "option": "new", "state": "absent", "mode": "0600"}),
    "a new file with a mode": Case(None, {"section": "s", "option": "k", "value": "1", "mode": "0600"}),
    "attributes": Case(INI, {"section": "t", "option": "new", "state": "absent", "attributes": "+d"}),
    "in place of a link": Case(None, {"path": "/etc/l", "option": "k", "value": "1", "backup": True}, LINK),
    "in place of a link, with a mode": Case(
        None, {"path": "/etc/l", "option": "k", "value": "1", "mode": "0640"}, LINK
    ),
    "in place of a link to nothing": Case(None, {"path": "/etc/l", "option": "k", "value": "1"}, DANGLING),
    "a link without a change": Case(None, {"path": "/etc/l", "option": "k", "state": "absent", "mode": "0640"}, LINK),
    "following a link": Case(
        None, {"path": "/etc/l", "option": "k", "value": "1", "follow": True, "mode": "0640", "backup": True}, LINK
    ),
    "following a link to nothing": Case(
        None, {"path": "/etc/l", "option": "k", "value": "1", "follow": True}, DANGLING
    ),
}  # fmt: skip

# What every module has, tried with each.
CHANGES: dict[str, Result] = {
    "lineinfile": {"line": "new"},
    "blockinfile": {"block": "new"},
    "replace": {"regexp": "old", "replace": "new"},
    "ini_file": {"option": "k", "value": "1"},
}
GIVEN_AWAY: dict[str, Case] = {
    "owner and group": Case(None, {"owner": "12", "group": "34"}, owned(b"old\n")),
    "owner and group by name": Case(None, {"owner": "daemon", "group": "daemon"}, owned(b"old\n")),
    "owner of a set-uid file": Case(None, {"owner": "12"}, owned(b"old\n", 0o4755), own_diff=True),
    "owner that it has, and mode": Case(None, {"owner": "12", "mode": "0604"}, owned(b"old\n", 0o640, 12, 34)),
    "owner of a link": Case(None, {"path": "/etc/l", "owner": "12", "group": "34"}, LINK),
    "owner of a link to nothing": Case(None, {"path": "/etc/l", "owner": "12"}, DANGLING),
    "a directory that hands its group down": Case(
        None, {"path": "/srv/f", "create": True, "mode": "0640"}, {"/srv": folder(0o2755, 34)}
    ),
    "a user that there is not": Case(None, {"owner": "nobody-of-that-name"}, owned(b"old\n")),
}
LABELS: dict[str, Result] = {
    "type": {"setype": "user_home_t"},
    "all parts": {"seuser": "system_u", "serole": "object_r", "setype": "etc_t", "selevel": "s0"},
    "the type that it has": {"setype": "user_t"},
}

CASES = [
    (module, name, case)
    for module, cases in (
        ("lineinfile", LINES),
        ("blockinfile", BLOCKS),
        ("replace", REPLACEMENTS),
        ("ini_file", INIS),
    )
    for name, case in cases.items()
]


def results(module: str, case: Case, root: pathlib.Path, *, check: bool = False) -> tuple[Result, Result]:
    """Run the task through both, compare what it left, and return what they say."""
    build(root, case.tree)
    rpc = guest_with(case.tree)
    before = tree_in(rpc)
    assert tree_of(root) == before, "both begin with the same"
    theirs = run_twin_module(twin_of(module), case.params, root, check=check)
    found = run_our_module(OURS[module], case.params, rpc, check=check)
    if theirs.get("failed"):
        assert tree_in(rpc) == before, "a task that fails leaves all as it was"
    elif check:
        assert tree_in(rpc) == before == tree_of(root)
    else:
        assert tree_in(rpc) == tree_of(root)
    return theirs, found


def assert_same(module: str, case: Case, theirs: Result, found: Result) -> None:
    assert bool(found.get("failed")) == bool(theirs.get("failed")), (theirs, found)
    assert bool(found.pop("warnings", None)) == bool(theirs.pop("warnings", None))
    if found.get("failed"):
        assert theirs.get("rc") in (None, found.get("rc")), (theirs, found)
        return
    their_diff, our_diff = expected_diff(theirs.pop("diff", None)), found.pop("diff", None)
    if module in ("replace", "ini_file"):
        our_diff = without_attributes(our_diff)
    if not case.own_diff:
        assert our_diff == their_diff
    if theirs.get("state") == "link":  # whose target is longer on this host
        del found["size"], theirs["size"]
    assert found == theirs


def expected_diff(diff: t.Any) -> t.Any:
    """The twin's difference, as ours shows it."""
    if isinstance(diff, list):
        return [expected_diff(part) for part in diff]
    if not isinstance(diff, dict) or not isinstance(diff.get("before"), str):
        return diff
    if diff["before"] == diff["after"] or not diff["before"] and diff["after"] == "\n":
        return {**diff, "before": "", "after": ""}
    sides = {key: diff[key].encode("utf-8", "surrogateescape") for key in ("before", "after")}
    named = {"before": "dst_binary", "after": "src_binary"}
    texts = {named[key] if b"\0" in side else key: 1 if b"\0" in side else shown(side) for key, side in sides.items()}
    return {**{key: value for key, value in diff.items() if key not in sides}, **texts}


def without_attributes(diff: t.Any) -> t.Any:
    """The part that these twins have; that of the attributes is ours, and is there only where attributes change."""
    if not isinstance(diff, list):
        return diff
    assert diff[-1]["before_header"].endswith("(file attributes)") and diff[-1]["before"] != diff[-1]["after"]
    return diff[0] if len(diff) == 2 else None


@pytest.mark.parametrize(("module", "name", "case"), CASES, ids=[f"{module}-{name}" for module, name, _case in CASES])
def test_case(module: str, name: str, case: Case, tmp_path: pathlib.Path) -> None:
    assert_same(module, case, *results(module, case, tmp_path / "root"))


@pytest.mark.parametrize(("module", "name", "case"), CASES, ids=[f"{module}-{name}" for module, name, _case in CASES])
def test_a_check_predicts_all_that_a_run_says(module: str, name: str, case: Case) -> None:
    rpc, other = guest_with(case.tree), guest_with(case.tree)
    twin_of(module)  # skips what cannot be compared at all
    assert run_our_module(OURS[module], case.params, rpc, check=True) == run_our_module(
        OURS[module], case.params, other
    )
    assert rpc.writes == []


@needs_root
@pytest.mark.parametrize("name", GIVEN_AWAY)
@pytest.mark.parametrize("module", CHANGES)
def test_owner(module: str, name: str, tmp_path: pathlib.Path) -> None:
    options = {**CHANGES[module], **GIVEN_AWAY[name].options}
    if module == "replace":
        options.pop("create", None)
    case = dataclasses.replace(GIVEN_AWAY[name], options=options)
    assert_same(module, case, *results(module, case, tmp_path / "root"))


@needs_root
@pytest.mark.parametrize("name", LABELS)
@pytest.mark.parametrize("module", CHANGES)
def test_selinux(module: str, name: str, tmp_path: pathlib.Path) -> None:
    case = Case(None, {**CHANGES[module], **LABELS[name]}, owned(b"old\n", label=SYMBOLS["context"]))
    with selinux():
        assert_same(module, case, *results(module, case, tmp_path / "root"))


# The options themselves


def spec_of(module: types.ModuleType, runner: str) -> tuple[Result, Result]:
    """Return the argument spec that a module gives to its runner, and its other arguments."""
    with mock.patch.object(module, runner, side_effect=_Asked) as asked, pytest.raises(_Asked):
        module.main()
    arguments = dict(asked.call_args.kwargs)
    return arguments.pop("argument_spec"), arguments


class _Asked(Exception):
    """The module has said what it takes."""


def as_compared(spec: Result) -> Result:
    """A spec with all that it leaves unsaid, and with the path of a guest, which is a text: ``~`` is no home there."""
    full = {}
    for name, option in spec.items():
        # ANSIBLE_UNSAFE_WRITES is about the files of the host.
        said = {key: value for key, value in option.items() if value not in (None, False) and key != "fallback"}
        full[name] = {**said, "type": "str" if said.get("type") == "path" else said["type"]}
        if "options" in said:
            full[name]["options"] = as_compared(said["options"])
            full[name]["mutually_exclusive"] = [set(pair) for pair in said["mutually_exclusive"]]
    return full


@pytest.mark.parametrize("module", OURS)
def test_the_options_are_the_twin_s(module: str) -> None:
    theirs, others = spec_of(twin_of(module), "AnsibleModule")
    ours, more = spec_of(OURS[module], "run_guest_module")
    assert others["add_file_common_args"] and others["supports_check_mode"]
    assert as_compared(ours) == as_compared({**theirs, **FILE_COMMON_ARGUMENTS, "max_size": ours["max_size"]})
    exclusions = [{frozenset(pair) for pair in found.get("mutually_exclusive", ())} for found in (more, others)]
    assert exclusions[0] == exclusions[1]


@pytest.mark.parametrize("module", OURS)
def test_every_option_is_compared(module: str) -> None:
    """Of what changes attributes once for all modules, see ``GIVEN_AWAY`` and ``LABELS``; unsafe_writes is refused."""
    ours, _others = spec_of(OURS[module], "run_guest_module")
    names = {alias for name, option in ours.items() for alias in (name, *option.get("aliases", ()))}
    tried = {key for other, _name, case in CASES if other == module for key in case.params}
    tried |= {key for case in GIVEN_AWAY.values() for key in case.options}
    tried |= {key for options in LABELS.values() for key in options}
    assert names - tried - {"unsafe_writes", "max_size"} in ({"attr"}, {"attributes"})
