# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module kernel_cmdline: the command line as text, and the places that guests have it in."""

from __future__ import annotations

import shutil
import stat
import subprocess
import typing as t

import pytest
from ansible_collections.offline.guest.plugins.module_utils._errors import GuestError, OptionError
from ansible_collections.offline.guest.plugins.module_utils._guest._cmdline import (
    GRUBENV_SIZE,
    Wanted,
    edit_entry,
    edit_grubenv,
    edit_pieces,
    parse_wanted,
    same,
    tokens,
)
from ansible_collections.offline.guest.plugins.module_utils._guest._cmdline_grub import edit_defaults, is_built
from ansible_collections.offline.guest.plugins.modules import kernel_cmdline
from ansible_collections.offline.guest.tests.unit.guest.fake_guest import FakeGuest
from hypothesis import given, settings
from hypothesis import strategies as st

DEFAULTS = "/etc/default/grub"
ENTRY = "/boot/loader/entries/0123-6.8.conf"
GRUB_KEYS = ("GRUB_CMDLINE_LINUX", "GRUB_CMDLINE_LINUX_DEFAULT")


def present(*args: str) -> Wanted:
    return Wanted(args, True)


def absent(*args: str) -> Wanted:
    return Wanted(args, False)


def machine(family: str = "debian") -> FakeGuest:
    return FakeGuest(kernel_cmdline, family=family)


@pytest.mark.parametrize(
    ("pieces", "wanted", "after"),
    [
        ([""], present("a"), ["a"]),
        (["ro quiet"], present("a", "b=1"), ["ro quiet a b=1"]),
        (["ro quiet  "], present("a"), ["ro quiet a  "]),
        (["ro", "quiet"], present("quiet", "a"), ["ro", "quiet a"]),
        (["console=tty0"], present("console=ttyS0"), ["console=tty0 console=ttyS0"]),
        (["ro  quiet\tsplash"], absent("quiet"), ["ro  splash"]),
        (["quiet"], absent("quiet"), [""]),
        (["ro quiet "], absent("quiet"), ["ro "]),
        ([" quiet ro"], absent("quiet"), [" ro"]),
        (["quiet quiet=1 quietly"], absent("quiet"), ["quiet=1 quietly"]),
        (["a-b=1"], present("a_b=1"), ["a-b=1"]),
        (["ro \\\nquiet"], absent("quiet"), ["ro"]),
        (["ro \\\nquiet splash"], absent("quiet"), ["ro \\\nsplash"]),
        (['x="a quiet b"'], absent("quiet"), ['x="a quiet b"']),
        (['x=\\"a\\" quiet'], absent("quiet"), ['x=\\"a\\"']),
        (["a=1 b a=2"], Wanted(("a=3",), True, "a"), ["b a=3"]),
        (["a=1 b a=2"], Wanted(("a=2",), True, "a"), ["b a=2"]),
        (["a=1 b", "a c"], Wanted((), False, "a"), ["b", "c"]),
        (["a=1 a=2"], Wanted(("a=2",), False, "a"), ["a=1"]),
    ],
)
def test_pieces(pieces: list[str], wanted: Wanted, after: list[str]) -> None:
    assert edit_pieces(pieces, wanted, add_to=len(pieces) - 1) == after
    assert edit_pieces(after, wanted, add_to=len(pieces) - 1) == after


ARGUMENT = st.from_regex(r"\A[a-c][_-]?[a-c](=[0-2])?\Z")
BLANKS = st.sampled_from([" ", "  ", "\t", " \\\n"])
PIECE = st.lists(st.tuples(ARGUMENT, BLANKS), max_size=6).map(
    lambda pairs: "".join(a + b for a, b in pairs).rstrip("\\\n")
)


@given(st.lists(PIECE, min_size=1, max_size=3), st.lists(ARGUMENT, min_size=1, max_size=3, unique=True), st.booleans())
def test_pieces_keep_what_is_not_meant(pieces: list[str], args: list[str], is_present: bool) -> None:
    wanted = Wanted(tuple(args), is_present)
    after = edit_pieces(pieces, wanted, add_to=0)
    assert edit_pieces(after, wanted, add_to=0) == after
    found = [token for piece in after for token in tokens(piece)]
    for arg in args:
        assert any(same(arg, token) for token in found) == is_present
    others = [[token for token in tokens(piece) if not any(same(token, arg) for arg in args)] for piece in pieces]
    assert [
        [token for token in tokens(piece) if not any(same(token, arg) for arg in args)] for piece in after
    ] == others


@given(st.text(max_size=60))
def test_any_text_survives_what_is_not_in_it(piece: str) -> None:
    assert edit_pieces([piece], absent("xyzzy=1"), add_to=0) == [piece]


@pytest.mark.parametrize("argument", ["", "a b", 'a="b"', "a\\b", "$a", "`a`", "a\nb", "a'b", "a" * 600, "a\0"])
def test_no_arguments(argument: str) -> None:
    with pytest.raises(OptionError):
        parse_wanted([argument], None, None, is_present=True)
    with pytest.raises(OptionError):
        parse_wanted(None, "name", argument or "a b", is_present=True)


def test_options() -> None:
    assert parse_wanted(None, "a", "1", is_present=True) == Wanted(("a=1",), True, "a")
    assert parse_wanted(None, "a", None, is_present=True) == Wanted(("a",), True, "a")
    assert parse_wanted(None, "a", None, is_present=False) == Wanted((), False, "a")
    assert parse_wanted(["a", "a", "b=1"], None, None, is_present=False) == absent("a", "b=1")
    wrongs: list[dict[str, t.Any]] = [{"args": []}, {"name": "a=b"}, {"name": ""}]
    for wrong in wrongs:
        with pytest.raises(OptionError):
            parse_wanted(wrong.get("args"), wrong.get("name"), None, is_present=True)


@pytest.mark.parametrize(
    ("content", "wanted", "after"),
    [
        (b'GRUB_CMDLINE_LINUX=""\n', present("a"), b'GRUB_CMDLINE_LINUX="a"\n'),
        (b"GRUB_CMDLINE_LINUX=\n", present("a"), b"GRUB_CMDLINE_LINUX=a\n"),
        (b"GRUB_CMDLINE_LINUX=a\n", present("b"), b'GRUB_CMDLINE_LINUX="a b"\n'),
        (b"GRUB_CMDLINE_LINUX='a' # x\n", present("b"), b"GRUB_CMDLINE_LINUX='a b' # x\n"),
        (b'GRUB_CMDLINE_LINUX="a \\\nquiet"\n', present("b"), b'GRUB_CMDLINE_LINUX="a \\\nquiet b"\n'),
        (b'GRUB_CMDLINE_LINUX_DEFAULT="quiet"\n', present("quiet"), b'GRUB_CMDLINE_LINUX_DEFAULT="quiet"\n'),
        (
            b'GRUB_CMDLINE_LINUX_DEFAULT="quiet"',
            present("a"),
            b'GRUB_CMDLINE_LINUX_DEFAULT="quiet"\nGRUB_CMDLINE_LINUX="a"\n',
        ),
        (
            b'GRUB_CMDLINE_LINUX="a quiet"\nGRUB_CMDLINE_LINUX_DEFAULT="quiet splash"\n',
            absent("quiet"),
            b'GRUB_CMDLINE_LINUX="a"\nGRUB_CMDLINE_LINUX_DEFAULT="splash"\n',
        ),
        (b'# GRUB_CMDLINE_LINUX="a"\n', absent("a"), b'# GRUB_CMDLINE_LINUX="a"\n'),
        # What a later one overrides does not count, what it refers to does.
        (
            b'GRUB_CMDLINE_LINUX="a"\nGRUB_CMDLINE_LINUX="b"\n',
            present("a"),
            b'GRUB_CMDLINE_LINUX="a"\nGRUB_CMDLINE_LINUX="b a"\n',
        ),
        (
            b'GRUB_CMDLINE_LINUX="a"\nGRUB_CMDLINE_LINUX="$GRUB_CMDLINE_LINUX b"\n',
            present("a"),
            b'GRUB_CMDLINE_LINUX="a"\nGRUB_CMDLINE_LINUX="$GRUB_CMDLINE_LINUX b"\n',
        ),
        (b'GRUB_CMDLINE_LINUX="x"\r\n\xff\n', present("a"), b'GRUB_CMDLINE_LINUX="x a"\r\n\xff\n'),
    ],
)
def test_grub(content: bytes, wanted: Wanted, after: bytes) -> None:
    assert edit_defaults({DEFAULTS: content}, wanted, GRUB_KEYS) == {DEFAULTS: after}
    assert edit_defaults({DEFAULTS: after}, wanted, GRUB_KEYS) == {DEFAULTS: after}


SETTINGS = st.sampled_from(
    [
        'GRUB_CMDLINE_LINUX="a=1 b"',
        "GRUB_CMDLINE_LINUX='b  a=2'",
        "GRUB_CMDLINE_LINUX=a=1",
        'GRUB_CMDLINE_LINUX="$GRUB_CMDLINE_LINUX b"',
        'GRUB_CMDLINE_LINUX="c \\\n a=1"',
        'GRUB_CMDLINE_LINUX_DEFAULT="a=1 quiet" # b',
        "# GRUB_CMDLINE_LINUX=b",
        "GRUB_TIMEOUT=5",
    ]
)


@pytest.mark.skipif(shutil.which("sh") is None, reason="there is no shell")
@settings(max_examples=60, deadline=None)
@given(
    st.lists(SETTINGS, max_size=4),
    st.lists(st.sampled_from(["a=1", "a=3", "b"]), min_size=1, unique=True),
    st.booleans(),
)
def test_a_shell_gets_what_was_meant(lines: list[str], args: list[str], is_present: bool) -> None:
    """grub-mkconfig sources the file, and puts both variables on the kernel's line."""
    content = "".join(f"{line}\n" for line in lines).encode()
    after = edit_defaults({DEFAULTS: content}, Wanted(tuple(args), is_present), GRUB_KEYS)[DEFAULTS]
    script = after.decode() + '\nprintf "%s" "$GRUB_CMDLINE_LINUX $GRUB_CMDLINE_LINUX_DEFAULT"'
    done = subprocess.run(["sh", "-c", script], check=True, capture_output=True, text=True)
    assert {arg: arg in done.stdout.split() for arg in args} == dict.fromkeys(args, is_present)


@pytest.mark.parametrize("raw", [b'a"b c"', b'"a" "b"x"c"'[:3] + b"'b'", b"a\\ b"])
def test_grub_that_cannot_be_changed(raw: bytes) -> None:
    with pytest.raises(GuestError, match="quoted in several parts"):
        edit_defaults({DEFAULTS: b"GRUB_CMDLINE_LINUX=" + raw + b"\n"}, present("x"), GRUB_KEYS)


def test_a_file_that_overrides_gets_it() -> None:
    contents = {DEFAULTS: b'GRUB_CMDLINE_LINUX="a"\n', "/etc/default/grub.d/50.cfg": b'GRUB_CMDLINE_LINUX="b"\n'}
    after = edit_defaults(contents, present("c"), GRUB_KEYS)
    assert after == {**contents, "/etc/default/grub.d/50.cfg": b'GRUB_CMDLINE_LINUX="b c"\n'}


@pytest.mark.parametrize(
    ("before", "wanted", "after"),
    [
        ("title x\noptions root=/dev/sda1 ro\n", present("a"), "title x\noptions root=/dev/sda1 ro a\n"),
        ("options a\noptions\tb\n", absent("a"), "options \noptions\tb\n"),
        ("options a\noptions b\n", present("a", "c"), "options a\noptions b c\n"),
        ("title x\nlinux /k\ninitrd /i\n", present("a"), "title x\nlinux /k\noptions a\ninitrd /i\n"),
        ("title x\nlinux /k\n", absent("a"), "title x\nlinux /k\n"),
        ("options $kernelopts $tuned_params\n", present("a"), "options $kernelopts $tuned_params\n"),
        ("options $kernelopts a\n", absent("a"), "options $kernelopts\n"),
        ("optionsx a\n# options a\n", absent("a"), "optionsx a\n# options a\n"),
    ],
)
def test_entries(before: str, wanted: Wanted, after: str) -> None:
    assert edit_entry(before, wanted) == after
    assert edit_entry(after, wanted) == after


def grubenv(*lines: str) -> bytes:
    return ("# GRUB Environment Block\n" + "".join(f"{line}\n" for line in lines)).encode().ljust(GRUBENV_SIZE, b"#")


def test_grubenv() -> None:
    before = grubenv("saved_entry=x", "kernelopts=root=/dev/sda1 ro", "boot_success=0")
    after = edit_grubenv(before, present("a"))
    assert after == grubenv("saved_entry=x", "kernelopts=root=/dev/sda1 ro a", "boot_success=0")
    assert edit_grubenv(after, absent("a")) == before


@pytest.mark.parametrize(
    "content",
    [
        b"",
        grubenv("kernelopts=a")[:-1],
        b"x" * GRUBENV_SIZE,
        grubenv("saved_entry=x"),
        grubenv("kernelopts=" + "a" * 960),
    ],
)
def test_grubenv_that_cannot_be_changed(content: bytes) -> None:
    with pytest.raises(GuestError):
        edit_grubenv(content, present("b" * 40))


@pytest.mark.parametrize(
    ("config", "wanted", "built"),
    [
        (None, present("a"), False),
        (None, absent("a"), True),
        ("blscfg\n", present("a"), False),
        ("\tlinux /k ro a\n\tlinux /k ro single\n", present("a"), True),
        ("\tlinux16 /k ro b\n", present("a", "b"), False),
        ("\tlinux /k ro a\n\tlinux /k ro\n", absent("a"), False),
        ("  APPEND root=x a\n", present("a"), True),
        ("\tlinux /k a=1 a=2\n", Wanted(("a=2",), True, "a"), False),
    ],
)
def test_built(config: str | None, wanted: Wanted, built: bool) -> None:
    assert is_built(config, wanted) == built


@pytest.mark.parametrize(
    ("family", "files", "command"),
    [
        ("debian", {DEFAULTS: b"GRUB_CMDLINE_LINUX=a\n", "/boot/grub/grub.cfg": b"\tlinux /k a\n"}, "update-grub"),
        ("arch", {DEFAULTS: b""}, "grub-mkconfig -o /boot/grub/grub.cfg"),
        (
            "opensuse",
            {DEFAULTS: b"", "/boot/grub2/grub.cfg": b"\tlinux /k\n"},
            "grub2-mkconfig -o /boot/grub2/grub.cfg",
        ),
        (
            "fedora",
            {DEFAULTS: b"", "/boot/efi/EFI/redhat/grub.cfg": b"\tlinuxefi /k\n"},
            "grub2-mkconfig -o /boot/efi/EFI/redhat/grub.cfg",
        ),
        ("fedora", {DEFAULTS: b"GRUB_ENABLE_BLSCFG=true\n", ENTRY: b"options ro\n"}, None),
        ("fedora", {"/etc/kernel/cmdline": b"ro\n", ENTRY: b"options ro\n"}, None),
        ("alpine", {"/etc/update-extlinux.conf": b'default_kernel_opts="quiet"\n'}, "update-extlinux"),
        ("debian", {DEFAULTS: b"", "/boot/grub/grub.cfg": b"\tlinux /k x=1\n"}, None),
    ],
)
def test_places(family: str, files: dict[str, bytes], command: str | None) -> None:
    guest = machine(family).put(files)
    done = guest.four(args=["x=1"])
    assert done.changed
    assert (done.result["command"], done.result["rebuild_needed"]) == (command, command is not None)
    for path in files:
        if "grub.cfg" not in path:
            assert b"x=1" in (guest.content(path) or b"")
        else:
            assert guest.content(path) == files[path]
    assert sorted(done.result["places"]) == sorted(path for path in files if "grub.cfg" not in path)
    assert guest.four(args=["x=1"], state="absent").changed
    assert not any(b"x=1" in (guest.content(path) or b"") for path in done.result["places"])


def test_kernelopts() -> None:
    guest = machine("fedora").put({ENTRY: b"options $kernelopts\n", "/boot/grub2/grubenv": grubenv("kernelopts=ro")})
    guest.four(name="x", value="1")
    assert guest.content("/boot/grub2/grubenv") == grubenv("kernelopts=ro x=1")
    assert guest.content(ENTRY) == b"options $kernelopts\n"


def test_firstboot() -> None:
    guest = machine().put({DEFAULTS: b"", "/boot/grub/grub.cfg": b"\tlinux /k\n"})
    done = guest.four(args=["x"], rebuild="firstboot")
    assert done.result["firstboot_script"] == "05-boot-loader"
    assert "firstboot" in done.result["msg"]
    script = guest.content("/var/lib/offline-guest/firstboot/scripts/05-boot-loader/script")
    assert script is not None and script.endswith(b"\nupdate-grub\n")


def test_no_script_where_nothing_is_to_be_built() -> None:
    guest = machine().put({DEFAULTS: b"", "/boot/grub/grub.cfg": b"\tlinux /k x\n"})
    assert guest.four(args=["x"], rebuild="firstboot").result["firstboot_script"] is None
    assert not [path for path in guest.rpc.nodes if "offline-guest" in path]


def test_nothing_is_known() -> None:
    with pytest.raises(GuestError, match="not known"):
        machine().run(args=["x"])


@pytest.mark.parametrize("path", [DEFAULTS, "/etc/kernel/cmdline", "/etc/update-extlinux.conf", ENTRY])
def test_hostile(path: str) -> None:
    guest = machine().put({"/etc/fstab": b""})
    guest.rpc.add_special(path, stat.S_IFIFO)
    with pytest.raises(GuestError, match="not a regular file"):
        guest.run(args=["x"])
    del guest.rpc.nodes[path]
    guest.rpc.add_file(path, b"x", size=2**40)
    with pytest.raises(GuestError, match="bytes, more than"):
        guest.run(args=["x"])
    assert guest.rpc.writes == []


def test_too_many_entries() -> None:
    files: dict[str, t.Any] = {f"/boot/loader/entries/{number}.conf": b"" for number in range(501)}
    with pytest.raises(GuestError, match="more than 500"):
        machine().put(files).run(args=["x"])
