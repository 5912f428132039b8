# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.offline.guest.plugins.module_utils._appliance._calls import Calls
from ansible_collections.offline.guest.plugins.module_utils._errors import GuestError, OptionError
from ansible_collections.offline.guest.plugins.module_utils._guest._accounts import MAX_SIZE, Accounts
from ansible_collections.offline.guest.plugins.module_utils._guest._files import GuestFiles
from ansible_collections.offline.guest.tests.unit.guest.fake_rpc import FakeRpc
from hypothesis import given, settings
from hypothesis import strategies as st

PASSWD = b"""\
root:x:0:0:root:/root:/bin/bash
web:x:1000:1001:Web,,,:/srv/web:/bin/sh
web:x:9:9::/second:/bin/sh
big:x:4294967294:4294967294::/:/bin/sh
odd:x:7:7::relative/home:/bin/sh
1234:x:5:5::/digits:/bin/sh
+nis::::::
broken:x:one:2::/:
toolarge:x:4294967295:0::/:/bin/sh
neg:x:-1:0::/:/bin/sh
short:x:1
\xff\xfe:x:77:77::/odd:/bin/sh"""
GROUP = b"root:x:0:\nwheel:x:10:web,root\n\nwheel:x:11:\nbad:x:x:\n"


def test_users_and_groups() -> None:
    accounts = Accounts.parse(PASSWD, GROUP)
    assert set(accounts.users) == {"root", "web", "big", "odd", "1234", "\udcff\udcfe"}
    assert accounts.uid_of("web") == 1000, "the first of two counts"
    assert accounts.uid_of("big") == 2**32 - 2
    assert accounts.groups == {"root": 0, "wheel": 10}
    assert (accounts.gid_of("wheel"), accounts.gid_of("55")) == (10, 55)
    assert accounts.home_of("web") == "/srv/web"


def test_a_number_is_a_number_even_where_a_user_is_named_so() -> None:
    assert Accounts.parse(PASSWD, GROUP).uid_of("1234") == 1234


@pytest.mark.parametrize("number", ["4294967295", "-1", "99999999999999999999"])
def test_numbers_out_of_range(number: str) -> None:
    with pytest.raises(OptionError, match="must be from 0"):
        Accounts.parse(b"", b"").uid_of(number)


def test_unknown_names() -> None:
    accounts = Accounts.parse(PASSWD, GROUP)
    with pytest.raises(GuestError, match="no user 'nobody'"):
        accounts.uid_of("nobody")
    with pytest.raises(GuestError, match="no group 'web'"):
        accounts.gid_of("web")
    with pytest.raises(GuestError, match="is no path"):
        accounts.home_of("odd")


def test_missing_files_are_empty() -> None:
    assert Accounts.read(GuestFiles(Calls(FakeRpc()))) == Accounts({}, {})


def test_a_huge_passwd_is_refused() -> None:
    rpc = FakeRpc()
    rpc.add_file("/etc/passwd", b"", size=MAX_SIZE + 1)
    assert Accounts.read_names(GuestFiles(Calls(rpc))) == Accounts({}, {})
    with pytest.raises(GuestError, match="more than"):
        Accounts.read(GuestFiles(Calls(rpc)))


@given(st.binary(), st.binary())
@settings(deadline=None)
def test_any_bytes_are_parsed(passwd: bytes, group: bytes) -> None:
    accounts = Accounts.parse(passwd, group)
    assert all(0 <= user.uid < 2**32 - 1 for user in accounts.users.values())
