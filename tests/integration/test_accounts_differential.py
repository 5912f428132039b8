# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The modules user and group against the real shadow suite: from the same start, the same files, line by line.

The tools are called as ansible.builtin.user and group call them. Needs root (for chroot and owners) and mmdebstrap, and
no appliance: the modules work on the same folder.
"""

from __future__ import annotations

import shutil
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from ansible_collections.offline.guest.plugins.module_utils._appliance._calls import Calls
from ansible_collections.offline.guest.plugins.module_utils._errors import OfflineGuestError
from ansible_collections.offline.guest.plugins.module_utils._guest import _group, _user
from ansible_collections.offline.guest.plugins.module_utils._guest._files import GuestFiles
from ansible_collections.offline.guest.plugins.module_utils._guest._guest import Guest
from ansible_collections.offline.guest.plugins.module_utils._guest._task import Outcome, Task
from ansible_collections.offline.guest.plugins.modules import group as group_module
from ansible_collections.offline.guest.plugins.modules import user as user_module
from ansible_collections.offline.guest.tests.unit.guest.folder_rpc import FolderRpc
from shadow_chroot import EPOCH, HASH, LOGIN_DEFS, OTHER_HASH, START, Chroot, Start, is_possible

pytestmark = pytest.mark.skipif(not is_possible(), reason="this needs root, and the right to mount")

DEFAULTS = {"user": user_module.OPTIONS, "group": group_module.OPTIONS}
HANDLERS: dict[str, t.Callable[[Task], Outcome]] = {"user": _user.handle, "group": _group.handle}


@dataclass(frozen=True)
class Case:
    """What is asked of the tools, and of the product.

    :param tools: command lines, run in order.
    :param tasks: a module's name and its options each.
    :param start: files instead of those of ``START``; None for no such file.
    """

    tools: t.Sequence[str]
    tasks: t.Sequence[tuple[str, dict[str, t.Any]]]
    start: Start = field(default_factory=dict)


def user(*tools: str, start: Start | None = None, **options: t.Any) -> Case:
    return Case(tools, [("user", {"name": "joe", **options})], start or {})


def group(*tools: str, start: Start | None = None, **options: t.Any) -> Case:
    return Case(tools, [("group", {"name": "crew", **options})], start or {})


def more(path: str, text: str) -> dict[str, str]:
    return {path: START[path] + text}


def defs(text: str) -> dict[str, str]:
    return {"/etc/login.defs": LOGIN_DEFS + text}


CASES = {
    # New users
    "plain": user("useradd -m joe"),
    "with a comment and a shell": user("useradd -m -c 'Joe, J.' -s /bin/csh joe", comment="Joe, J.", shell="/bin/csh"),
    "with a uid": user("useradd -m -u 5000 joe", uid=5000),
    "with the uid of a group": user("useradd -m -u 1003 joe", uid=1003),
    "with a uid below the range": user("useradd -m -u 500 joe", uid=500),
    "with a uid that is taken": user("useradd -m -o -u 1000 joe", uid=1000, non_unique=True),
    "with a group": user("useradd -m -g users joe", group="users"),
    "with a group's number": user("useradd -m -g 100 joe", group="100"),
    "whose group is there": user("useradd -m -N joe", start=more("/etc/group", "joe:x:1500:\n")),
    "with more groups": user("useradd -m -G adm,27 joe", groups=["adm", "27"]),
    "with groups in one string": user("useradd -m -G adm,web joe", groups=["adm, web"]),
    "with a password": user(f"useradd -m -p '{HASH}' joe", password=HASH),
    "with a locked password": user(f"useradd -m -p '!{HASH}' joe", password=HASH, password_lock=True),
    "that expires": user("useradd -m -e 2030-05-06 joe", expires=1904256000.0 + 3600),
    "that never expires": user("useradd -m -e '' joe", expires=-1.0),
    "that is disabled some time": user("useradd -m -f 30 joe", password_expire_account_disable=30),
    "whose password expires": user(
        "useradd -m joe", "chage -m 1 -M 90 -W 5 joe", password_expire_min=1, password_expire_max=90,
        password_expire_warn=5,
    ),
    "without a home": user("useradd -M joe", create_home=False),
    "with a home elsewhere": user("useradd -m -d /srv/people/joe joe", home="/srv/people/joe"),
    "with a home that is there": user("useradd -m -d /home/bob joe", home="/home/bob"),
    "with a skeleton": user("useradd -m -k /etc/skel2 joe", skeleton="/etc/skel2"),
    "with a umask": user("useradd -m -K UMASK=027 joe", umask="027"),
    "with HOME_MODE": user("useradd -m joe", start=defs("HOME_MODE 0710\n")),
    "with HOME_MODE and a umask": user("useradd -m -K UMASK=077 joe", start=defs("HOME_MODE 0710\n"), umask="077"),
    "with UMASK": user("useradd -m joe", start=defs("UMASK\t077\n")),
    "of the system": user("useradd -M -r joe", system=True, create_home=False),
    "of the system with a home": user("useradd -m -r joe", system=True),
    "in a range of its own": user("useradd -m -K UID_MIN=2000 -K UID_MAX=3000 joe", uid_min=2000, uid_max=3000),
    "of the system in a range": user("useradd -m -r -K UID_MIN=700 joe", system=True, uid_min=700),
    "after the last number": user("useradd -m joe", start=more("/etc/passwd", "last:x:60000:60000::/:/bin/sh\n")),
    "of the system, after the last": user(
        "useradd -m -r joe", system=True, start=more("/etc/passwd", "first:x:100:100::/:/bin/sh\n")
    ),
    "without gshadow": user("useradd -m -G adm joe", groups=["adm"], start={"/etc/gshadow": None}),
    "without shadow": user(f"useradd -m -p '{HASH}' joe", password=HASH, start={"/etc/shadow": None}),
    "without subordinate ids": user("useradd -m joe", start={"/etc/subuid": None, "/etc/subgid": None}),
    "with a count of 0": user("useradd -m joe", start=defs("SUB_UID_COUNT 0\n")),
    "in a gap of subordinate ids": user(
        "useradd -m joe", start={"/etc/subuid": "a:100000:1000\nb:300000:10\nc:400000:65536\n", "/etc/subgid": ""}
    ),
    "before the lines of NIS": user(
        "useradd -m joe", start={**more("/etc/passwd", "+@net::::::\n-x::::::\n"), **more("/etc/group", "+:::\n")}
    ),
    "after damaged lines": user(
        "useradd -m joe", start={**more("/etc/passwd", "\nx:y\n#old:x:1:1::/:\n"), **more("/etc/shadow", "short:x\n\n")}
    ),
    "without groups of users": user("useradd -m joe", start=defs("USERGROUPS_ENAB no\n")),
    "with a mail spool": user("useradd -m joe", start=more("/etc/default/useradd", "CREATE_MAIL_SPOOL=yes\n")),
    "with a mail spool, no group mail": user(
        "useradd -m joe",
        start={**more("/etc/default/useradd", "CREATE_MAIL_SPOOL=yes\n"), "/etc/group": "root:x:0:\n"},
    ),
    "by the guest's defaults": user(
        "useradd -m -N joe",
        start={
            **more("/etc/group", "joe:x:1500:\n"),
            "/etc/default/useradd": "GROUP=web\nHOME=/srv\nSHELL=/bin/csh\nINACTIVE=9\n"
            "EXPIRE=2031-01-02\nSKEL=/etc/skel2\n",
        },
    ),
    "with octal and quoted settings": user(
        "useradd -m joe", start=defs('UID_MIN 02000\nPASS_MAX_DAYS "0x10"\nPASS_MIN_DAYS x\nPASS_WARN_AGE\n# UMASK 0\n')
    ),
    "left behind in shadow": user(
        "useradd -m joe", start={**more("/etc/shadow", "joe:old:1:2:3:4:5:6:\n"), **more("/etc/gshadow", "joe:x:a:b\n")}
    ),
    # Changes
    "comment": user("usermod -c New alice", name="alice", comment="New"),
    "uid": user("usermod -u 4000 alice", name="alice", uid=4000),
    "uid that is taken": user("usermod -o -u 1002 alice", name="alice", uid=1002, non_unique=True),
    "group": user("usermod -g web alice", name="alice", group="web"),
    "groups": user("usermod -G mail,web alice", name="alice", groups=["web", "mail"]),
    "groups, appended": user("usermod -a -G mail,sudo alice", name="alice", groups=["mail", "sudo"], append=True),
    "no groups": user("usermod -G '' bob", name="bob", groups=[]),
    "home": user("usermod -d /srv/alice alice", name="alice", home="/srv/alice", create_home=False),
    "home, moved": user("usermod -d /srv/alice -m alice", name="alice", home="/srv/alice", move_home=True),
    "home, moved, and all numbers": user(
        "usermod -u 4000 -g web -d /opt/a -m alice", name="alice", uid=4000, group="web", home="/opt/a", move_home=True
    ),
    "home and uid": user("usermod -u 4000 -d /home/bob alice", name="alice", uid=4000, home="/home/bob"),
    "shell": user("usermod -s /bin/zsh alice", name="alice", shell="/bin/zsh"),
    "expiry": user("usermod -e 2031-01-01 bob", name="bob", expires=1924992000.0),
    "no expiry": user("usermod -e '' bob", name="bob", expires=-1.0),
    "inactivity": user("usermod -f 3 bob", name="bob", password_expire_account_disable=3),
    "no inactivity": user("usermod -f -1 bob", name="bob", password_expire_account_disable=-1),
    "ages": user(
        "chage -m 5 -M -1 -W 0 bob", name="bob", password_expire_min=5, password_expire_max=-1, password_expire_warn=0
    ),
    "lock": user("usermod -L alice", name="alice", password_lock=True),
    "lock of a password": user(
        f"usermod -p '!{OTHER_HASH}' alice", name="alice", password=OTHER_HASH, password_lock=True
    ),
    "unlock": user(
        "usermod -U joe", password_lock=False, create_home=False,
        start={**more("/etc/passwd", "joe:x:1005:100::/:\n"), **more("/etc/shadow", f"joe:!{HASH}:1::::::\n")},
    ),
    "unlock of nothing": user("usermod -U bob", name="bob", password_lock=False),
    "password": user(f"usermod -p '{OTHER_HASH}' alice", name="alice", password=OTHER_HASH),
    "password in passwd": user(
        f"usermod -p '{HASH}' joe", password=HASH, create_home=False,
        start=more("/etc/passwd", "joe:old:1005:100::/:\n"),
    ),
    "password without a shadow line": user(
        f"usermod -p '{HASH}' joe", password=HASH, create_home=False, start=more("/etc/passwd", "joe:x:1005:100::/:\n")
    ),
    "all at once": user(
        f"usermod -c c -s /bin/csh -u 4001 -g web -G mail -e 2031-01-01 -f 2 -p '{HASH}' bob", "chage -M 9 bob",
        name="bob", comment="c", shell="/bin/csh", uid=4001, group="web", groups=["mail"], expires=1924992000.0,
        password_expire_account_disable=2, password=HASH, password_expire_max=9,
    ),
    # Removals
    "removed": user("userdel alice", name="alice", state="absent"),
    "removed with the home": user("userdel -r alice", name="alice", state="absent", remove=True),
    "removed, no group of its own": user("userdel -r bob", name="bob", state="absent", remove=True),
    "removed, the group has members": user(
        "userdel alice", name="alice", state="absent",
        start={"/etc/group": START["/etc/group"].replace("alice:x:1000:", "alice:x:1000:bob")},
    ),
    "removed, the group is another's": user(
        "userdel alice", name="alice", state="absent", start=more("/etc/passwd", "joe:x:1005:1000::/:\n")
    ),
    "removed by force": user(
        "userdel -f alice", name="alice", state="absent", force=True, start=more("/etc/passwd", "joe:x:1005:1000::/:\n")
    ),
    "removed, the home is another's, by force": user(
        "userdel -f -r joe", state="absent", remove=True, force=True,
        start=more("/etc/passwd", "joe:x:1005:1000::/home/bob:\n"),
    ),
    "removed, without groups of users": user(
        "userdel alice", name="alice", state="absent", start=defs("USERGROUPS_ENAB no\n")
    ),
    "removed, several ranges": user(
        "userdel alice", name="alice", state="absent",
        start={"/etc/subuid": "alice:1:2\nx:5:6\nalice:9:9\n#c\n", "/etc/subgid": None},
    ),
    # Groups
    "new group": group("groupadd crew"),
    "new group with a number": group("groupadd -g 2000 crew", gid=2000),
    "new group of the system": group("groupadd -r crew", system=True),
    "new group with a number that is taken": group("groupadd -o -g 100 crew", gid=100, non_unique=True),
    "new group in a range": group("groupadd -K GID_MIN=3000 -K GID_MAX=3001 crew", gid_min=3000, gid_max=3001),
    "new group without gshadow": group("groupadd crew", start={"/etc/gshadow": None}),
    "new group before the lines of NIS": group("groupadd crew", start=more("/etc/group", "+:::\n")),
    "new number": group("groupmod -g 2000 web", name="web", gid=2000),
    "new number, with users": group("groupmod -g 2000 users", name="users", gid=2000),
    "new number that is taken": group("groupmod -o -g 27 web", name="web", gid=27, non_unique=True),
    "group removed": group("groupdel web", name="web", state="absent"),
    "group removed by force": group("groupdel -f users", name="users", state="absent", force=True),
    "group removed without gshadow": group("groupdel web", name="web", state="absent", start={"/etc/gshadow": None}),
    # Several at once
    "a group, a user in it, and both gone": Case(
        ["groupadd crew", "useradd -m -G crew joe", "userdel -r joe", "groupdel crew"],
        [
            ("group", {"name": "crew"}),
            ("user", {"name": "joe", "groups": ["crew"]}),
            ("user", {"name": "joe", "state": "absent", "remove": True}),
            ("group", {"name": "crew", "state": "absent"}),
        ],
    ),
}  # fmt: skip

#: What the tools refuse: so do we, and change nothing.
REFUSED = {
    "a uid that is taken": user("useradd -m -u 1000 joe", uid=1000),
    "a group that is missing": user("useradd -m -g none joe", group="none"),
    "further groups that are missing": user("useradd -m -G none joe", groups=["none"]),
    "a change to a uid that is taken": user("usermod -u 1002 alice", name="alice", uid=1002),
    "a change to a group that is missing": user("usermod -g none alice", name="alice", group="none"),
    "no numbers left": user("useradd -m -K UID_MIN=1000 -K UID_MAX=1000 joe", uid_min=1000, uid_max=1000),
    "no range of numbers": user("useradd -m joe", start=defs("UID_MAX 5\n")),
    "no subordinate ids left": user("useradd -m joe", start=defs("SUB_UID_MAX 200000\n")),
    "a user that is there twice": user(
        "usermod -c c alice", name="alice", comment="c", start=more("/etc/passwd", "alice:x:7:7::/:\n")
    ),
    "a colon in the comment": user("useradd -m -c a:b joe", comment="a:b"),
    "a name with a colon": user("useradd -m a:b", name="a:b"),
    "a name like an option": user("useradd -m -- -joe", name="-joe"),
    "expiry without shadow": user("useradd -m -e 2031-01-01 joe", expires=1924992000.0, start={"/etc/shadow": None}),
    "a lock without a process": user("useradd -m joe", start={"/etc/passwd.lock": "mine"}),
    "an empty lock": user("usermod -c c alice", name="alice", comment="c", start={"/etc/passwd.lock": ""}),
    "a gid that is taken": group("groupadd -g 100 crew", gid=100),
    "a change to a gid that is taken": group("groupmod -g 100 web", name="web", gid=100),
    "the group of a user": group("groupdel users", name="users", state="absent"),
}


@pytest.fixture(scope="module")
def chroot(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Chroot]:
    made = Chroot.copy(tmp_path_factory.mktemp("shadow") / "root")
    yield made
    shutil.rmtree(made.folder)  # its /etc/.pwd.lock looks like a lock that the product left


@pytest.fixture(autouse=True)
def day(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", EPOCH)


def perform(folder: Path, module: str, options: dict[str, t.Any], *, check: bool = False) -> Outcome:
    params = {name: spec.get("default") for name, spec in DEFAULTS[module].items()}
    unknown = options.keys() - params.keys()
    assert not unknown, unknown
    calls = Calls(FolderRpc(folder))
    guest = Guest(calls, GuestFiles(calls))
    return HANDLERS[module](Task({**params, **options}, guest, check, lambda _text: None))


@pytest.mark.parametrize("name", CASES)
def test_the_same_files_as_the_tools(chroot: Chroot, name: str) -> None:
    case = CASES[name]
    chroot.reset(case.start)
    before = chroot.snapshot()
    status = chroot.run(case.tools)
    assert status == 0, "the tools refuse this"
    expected = chroot.snapshot()
    chroot.reset(case.start)
    for module, options in case.tasks:
        planned = perform(chroot.folder, module, options, check=True)
        done = perform(chroot.folder, module, options)
        assert (planned.changed, planned.result, planned.diff) == (done.changed, done.result, done.diff)
        again = perform(chroot.folder, module, options)
        assert not again.changed and again.result.items() >= {"name": options["name"]}.items()
    found = chroot.snapshot()
    assert found == expected
    assert (expected != before) == (name not in ("unlock of nothing",)) or len(case.tasks) > 1


@pytest.mark.parametrize("name", REFUSED)
def test_refused_as_by_the_tools(chroot: Chroot, name: str) -> None:
    case = REFUSED[name]
    chroot.reset(case.start)
    before = chroot.snapshot()
    assert chroot.run(case.tools) != 0, "the tools allow this"
    chroot.reset(case.start)
    for module, options in case.tasks:
        with pytest.raises(OfflineGuestError):
            perform(chroot.folder, module, options)
    assert chroot.snapshot() == before
