# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The account files as text, and what is chosen and read with them."""

from __future__ import annotations

import pytest
from ansible_collections.offline.guest.plugins.module_utils._errors import GuestError, OptionError
from ansible_collections.offline.guest.plugins.module_utils._guest._account_ids import (
    free_gid,
    free_range,
    free_uid,
)
from ansible_collections.offline.guest.plugins.module_utils._guest._account_members import with_groups
from ansible_collections.offline.guest.plugins.module_utils._guest._account_password import (
    check_password,
    is_other,
    locked,
    shown,
    unlocked,
)
from ansible_collections.offline.guest.plugins.module_utils._guest._account_tables import KINDS, Databases, Kind, Table
from ansible_collections.offline.guest.plugins.module_utils._guest._login_defs import (
    LoginDefs,
    UseraddDefaults,
    c_number,
    days_of_date,
    parse_login_defs,
)
from ansible_collections.offline.guest.plugins.module_utils._guest._user_options import Wish
from ansible_collections.offline.guest.plugins.module_utils._guest._user_plan import Settings, User, create, remove
from hypothesis import given, settings
from hypothesis import strategies as st

HASHES = {
    "md5": "$1$salt$" + "a" * 22,
    "sha256": "$5$rounds=535000$salt$" + "a" * 43,
    "sha512": "$6$salt.salt$" + "a" * 86,
    "sha512 without a salt": "$6$$" + "a" * 86,
    "bcrypt": "$2b$12$" + "a" * 53,
    "yescrypt": "$y$j9T$" + "a" * 22 + "$" + "a" * 43,
    "gost-yescrypt": "$gy$j9T$" + "a" * 22 + "$" + "a" * 43,
    "scrypt": "$7$CU..../...." + "a" * 22 + "$" + "a" * 43,
}
PLAIN = (
    *("secret", "Sup3rSecret99", "$ecret$12$345", "$6$salt$" + "a" * 85, "$6$salt$" + "a" * 87, "$6$sa:lt$" + "a" * 86),
    *(
        "x",
        " ",
        "!secret",
        "*secret",
        "$6$salt$" + "a" * 86 + "\n",
        "$6$sälz$" + "a" * 86,
        "$9$salt$" + "a" * 86,
        "!x!",
    ),
)
SETTINGS = Settings(LoginDefs({"USERGROUPS_ENAB": "yes"}), UseraddDefaults(), 19675, "/bin/sh")
SEPARATORS = st.sampled_from([b":", b"\n", b"\r\n", b"joe", b"x", b"1000", b",", b"+", b"#", b"\0", b"\xff"])
#: Bytes that look like account files, and any others.
CONTENT = st.one_of(st.binary(max_size=200), st.lists(SEPARATORS, max_size=60).map(b"".join))


def table(kind: Kind, text: str) -> Table:
    return Table.parse(kind, text.encode())


class TestTable:
    @pytest.mark.parametrize("kind", KINDS)
    @given(content=CONTENT)
    @settings(deadline=None)
    def test_what_was_parsed_is_formatted_again(self, kind: Kind, content: bytes) -> None:
        parsed = Table.parse(kind, content)
        assert parsed.format() == content
        assert list(parsed.entries()) == list(Table.parse(kind, parsed.format()).entries())

    @pytest.mark.parametrize("kind", KINDS)
    @given(content=CONTENT)
    @settings(deadline=None)
    def test_an_entry_that_is_added_and_removed_leaves_nothing(self, kind: Kind, content: bytes) -> None:
        new = {"passwd": "new:x:1:1::/:", "shadow": "new:!:1::::::", "group": "new:x:1:", "gshadow": "new:!::"}
        fields = new.get(kind, "new:1:1").split(":")
        added = Table.parse(kind, content).with_entry(*fields)
        assert added.get("new") == tuple(fields)
        assert added.without("new").format() == content

    @pytest.mark.parametrize(
        ("kind", "line"),
        [
            ("passwd", "joe:x:1000:1000::/home/joe"),
            ("passwd", "joe:x:1000:1000::/home/joe:/bin/sh:"),
            ("passwd", "joe:x:4294967295:1000::/home/joe:/bin/sh"),
            ("passwd", "joe:x:99999999999999999999:1000::/home/joe:/bin/sh"),
            ("passwd", "joe:x:-1:1000::/home/joe:/bin/sh"),
            ("passwd", "joe:x:١:1000::/home/joe:/bin/sh"),
            ("passwd", "joe:x:1000:1000::/home/joe:/bin/sh\0"),
            ("passwd", "+joe:x:1000:1000::/home/joe:/bin/sh"),
            ("passwd", "#joe:x:1000:1000::/home/joe:/bin/sh"),
            ("passwd", ":x:1000:1000::/home/joe:/bin/sh"),
            ("shadow", "joe:x:1:2:3:4:5:6"),
            ("shadow", "joe:x:one::::::"),
            ("group", "joe:x"),
            ("group", "joe:x:a:"),
            ("gshadow", "joe:!:"),
            ("subuid", "joe:1"),
            ("subgid", "joe:1:x"),
        ],
    )
    def test_what_is_no_entry_survives(self, kind: Kind, line: str) -> None:
        parsed = table(kind, f"{line}\nlast:x\n")
        assert list(parsed.entries()) == []
        assert parsed.get("joe") is None
        assert parsed.format() == f"{line}\nlast:x\n".encode()

    def test_the_first_of_two_counts_but_neither_is_changed(self) -> None:
        twice = table("group", "a:x:1:\nb:x:2:\na:x:3:\n")
        assert twice.get("a") == ("a", "x", "1", "")
        for change in (lambda: twice.without("a"), lambda: twice.with_changed("a", lambda fields: fields)):
            with pytest.raises(GuestError, match="more than once"):
                change()
        with pytest.raises(GuestError, match="more than once"):
            twice.with_each_changed(lambda fields: (*fields[:3], "joe"))

    def test_no_hash_is_in_what_a_table_is_shown_as(self) -> None:
        assert "secret" not in repr(
            Databases(table("passwd", ""), table("group", ""), table("shadow", "a:secret:1::::::"))
        )

    def test_a_name_is_whole(self) -> None:
        parsed = table("passwd", "joe:x:1000:1000::/home/joe:/bin/sh\n")
        assert parsed.get("joe:x") is None and parsed.get("jo") is None and parsed.get("") is None

    def test_a_damaged_line_is_not_joined_by_another(self) -> None:
        with pytest.raises(GuestError, match="damaged"):
            table("passwd", "joe:x:\n").with_entry("joe", "x", "1", "1", "", "/", "")

    def test_new_entries_come_before_those_of_nis(self) -> None:
        assert table("group", "a:x:1:\n+:::\nb:x:2:\n").with_entry("c", "x", "3", "").lines[1] == "c:x:3:"
        assert table("subuid", "+\n").with_appended("c", "3", "4").lines[1] == "c:3:4"

    def test_line_ends_stay(self) -> None:
        members = table("group", "a:x:1:\r\nb:x:2:joe\r\nc:x:3:").with_each_changed(lambda fields: (*fields[:3], "joe"))
        assert members.format() == b"a:x:1:joe\r\nb:x:2:joe\r\nc:x:3:joe"
        assert table("group", "a:x:1:").with_entry("b", "x", "2", "").format() == b"a:x:1:\nb:x:2:"

    def test_a_group_without_members_gets_some(self) -> None:
        databases = Databases(table("passwd", ""), table("group", "a:x:1\nb:x:2:joe,,ann\n"))
        after = with_groups(databases, "joe", {"a"}, append=False)
        assert after.group.format() == b"a:x:1:joe\nb:x:2:ann\n"

    def test_a_million_lines_take_one_pass(self) -> None:
        content = b"g:x:1\n" * 300_000 + b"h:x:2:joe\n" + b"\n" * 700_000
        databases = Databases(table("passwd", ""), Table.parse("group", content))
        after = with_groups(databases, "joe", set(), append=False)
        assert after.group.format() == content.replace(b"joe", b"")


@given(st.fixed_dictionaries({kind: CONTENT for kind in KINDS}), st.booleans())
@settings(deadline=None, max_examples=200)
def test_a_user_that_is_created_and_removed_leaves_the_first_bytes(files: dict[str, bytes], system: bool) -> None:
    before = Databases(**{kind: Table.parse(kind, files[kind]) for kind in KINDS})
    wish = Wish("someone", system=system, expires=20000)
    after = create(before, wish, SETTINGS)
    user = User.find(after, "someone")
    assert user is not None and after.shadow is not None and user.shadow is not None
    assert user.shadow[7] == "20000"
    end = remove(after, SETTINGS.defs, user, force=False)
    assert {one.kind: one.format() for one in end.tables} == files


class TestIds:
    DEFS = LoginDefs({"UID_MIN": "10", "UID_MAX": "12", "SYS_UID_MIN": "5", "GID_MIN": "10", "GID_MAX": "12"})

    def databases(self, *used: int) -> Databases:
        passwd = "".join(f"u{number}:x:{number}:1::/:\n" for number in used)
        group = "".join(f"g{number}:x:{number}:\n" for number in used)
        return Databases(table("passwd", passwd), table("group", group))

    @pytest.mark.parametrize(
        ("used", "system", "expected"),
        [
            ((), False, 10),
            ((0, 9, 13, 65534), False, 10),
            ((10,), False, 11),
            ((11,), False, 12),
            ((12,), False, 10),
            ((10, 12), False, 11),
            ((), True, 9),
            ((9,), True, 8),
            ((7,), True, 6),
            ((5,), True, 9),
            ((5, 9, 8), True, 7),
        ],
    )
    def test_numbers(self, used: tuple[int, ...], system: bool, expected: int) -> None:
        assert free_uid(self.databases(*used), self.DEFS, system=system) == expected

    def test_a_gid_like_the_uid(self) -> None:
        assert free_gid(self.databases(10), self.DEFS, system=False, preferred=12) == 12
        assert free_gid(self.databases(10), self.DEFS, system=False, preferred=10) == 11
        assert free_gid(self.databases(10), self.DEFS, system=False, preferred=3) == 11
        assert free_gid(self.databases(10), LoginDefs({"SYS_GID_MIN": "5"}), system=True, preferred=3) == 3

    def test_all_in_use(self) -> None:
        with pytest.raises(GuestError, match="from 10 to 12 are in use"):
            free_uid(self.databases(10, 11, 12), self.DEFS, system=False)

    @pytest.mark.parametrize("values", [{"UID_MIN": "9", "UID_MAX": "8"}, {"UID_MAX": "99999999999"}])
    def test_no_range(self, values: dict[str, str]) -> None:
        with pytest.raises(GuestError, match="by the guest's login.defs"):
            free_uid(self.databases(), LoginDefs(values), system=False)

    def test_a_range_of_four_billion_is_no_work(self) -> None:
        limits = LoginDefs({"UID_MIN": "0", "UID_MAX": str(2**32 - 2)})
        assert free_uid(self.databases(2**32 - 2, 0, 1), limits, system=False) == 2

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("", 100),
            ("a:100:10\n", 110),
            ("a:110:10\n", 100),
            ("a:109:10\n", 119),
            ("a:50:100\nb:1000:1\n", 150),
            ("a:100:10\nb:120:10\nc:105:2\n", 110),
            ("a:5000:1\n", 100),
            ("a:100:18446744073709551615\nb:x:y\n", None),
            ("a:100:9999999999999999999\n", 0),
        ],
    )
    def test_subordinate_ids(self, text: str, expected: int | None) -> None:
        limits = LoginDefs({"SUB_UID_MIN": "100", "SUB_UID_MAX": "200", "SUB_UID_COUNT": "10"})
        if expected == 0:
            with pytest.raises(GuestError, match="no room for 10"):
                free_range(table("subuid", text), limits, "U")
        else:
            assert free_range(table("subuid", text), limits, "U") == (expected or 100, 10)


class TestLoginDefs:
    def test_lines(self) -> None:
        content = b'A 1\n # B 2\nC "two words" # x\n D\t\t3  \r\nE\n\nA 4\n\xff \xfe\nF "\n'
        assert parse_login_defs(content) == {"A": "4", "C": "two words", "D": "3", "\udcff": "\udcfe", "F": ""}

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            *(("0", 0), ("7", 7), ("-1", -1), ("022", 18), ("0x1F", 31), ("00", 0), ("+5", 5), ("-010", -8)),
            *(("", None), ("08", None), ("1 ", None), ("1_000", None), ("٣", None), ("0o7", None), ("9" * 50, None)),
            *((str(2**63), None), (str(2**63 - 1), 2**63 - 1), ("9" * 39, None)),
        ],
    )
    def test_numbers_of_c(self, text: str, expected: int | None) -> None:
        assert c_number(text) == expected

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("1970-01-02", 1),
            ("2031-01-02", 22281),
            ("99", 99),
            ("-1", -1),
            ("", None),
            ("2031-W01-1", None),
            ("2031-02-30", None),
        ],
    )
    def test_dates(self, text: str, expected: int | None) -> None:
        assert days_of_date(text) == expected

    def test_home_mode(self) -> None:
        assert LoginDefs({}).home_mode(None) == 0o755
        assert LoginDefs({"UMASK": "077"}).home_mode(None) == 0o700
        assert LoginDefs({"UMASK": "077"}).home_mode("027") == 0o750
        assert LoginDefs({"UMASK": "077", "HOME_MODE": "0711"}).home_mode("027") == 0o711

    def test_a_guest_without_the_file_has_groups_of_users(self) -> None:
        assert not LoginDefs({}).has_user_groups and LoginDefs({}, is_there=False).has_user_groups

    def test_useradd(self) -> None:
        content = b"SHELL=/bin/zsh\n# HOME=/x\nSKEL=\nINACTIVE=-5\nEXPIRE=never\nCREATE_MAIL_SPOOL=YES\nGROUP\n"
        assert UseraddDefaults.parse(content) == UseraddDefaults(shell="/bin/zsh", mail_spool=True)


class TestPassword:
    @pytest.mark.parametrize("name", HASHES)
    def test_hashes(self, name: str) -> None:
        check_password(HASHES[name])
        check_password(f"!{HASHES[name]}")

    @pytest.mark.parametrize("password", ["", "!", "*", "!!", "!*", "*************", "*LK*", "*NP*"])
    def test_no_password(self, password: str) -> None:
        check_password(password)

    @pytest.mark.parametrize("password", PLAIN)
    def test_plain_text(self, password: str) -> None:
        with pytest.raises(OptionError, match="password_hash") as caught:
            check_password(password)
        assert len(password.strip()) < 3 or password not in str(caught.value)

    def test_locks(self) -> None:
        assert (locked("a"), locked("!a"), locked("")) == ("!a", "!a", "!")
        assert (unlocked("!a"), unlocked("a"), unlocked("!!a")) == ("a", "a", "!a")
        assert (unlocked("!"), unlocked("!!"), unlocked(""), unlocked("!*")) == ("!", "!!", "", "*")

    @pytest.mark.parametrize(
        ("field", "wanted", "expected"),
        [
            ("a", "a", False),
            ("!a", "a", False),
            ("a", "!a", True),
            ("a", "b", True),
            ("", "!", True),
            ("!!", "!", False),
        ],
    )
    def test_difference(self, field: str, wanted: str, expected: bool) -> None:
        assert is_other(field, wanted) is expected

    def test_what_is_shown(self) -> None:
        fields: dict[str | None, str] = {
            None: "none",
            "": "empty",
            "!": "locked, none set",
            "*": "locked, none set",
        }
        fields.update({"a": "set", "!a": "set, locked"})
        assert {field: shown(field) for field in fields} == fields
