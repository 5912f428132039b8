# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How arguments reach the C library and results leave it. The library itself is in the integration tests."""

from __future__ import annotations

import ctypes
import typing as t

import pytest
from ansible_collections.offline.guest.plugins.module_utils._appliance import _raw_names

LIBC = ctypes.CDLL(None)
LIBC.malloc.restype, LIBC.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]


def allocated(content: bytes) -> int:
    """Return the address of a copy that free(3) takes, as libguestfs returns its own."""
    address = int(LIBC.malloc(len(content)))
    ctypes.memmove(address, content, len(content))
    return address


class Library:
    """A C library of functions written here; what frees a structure is recorded."""

    def __init__(self, error: bytes = b"") -> None:
        self.given: list[t.Any] = []
        self.freed: list[str] = []
        self.guestfs_last_error = self._function(lambda *_args: error)

    @staticmethod
    def _function(body: t.Callable[..., t.Any]) -> t.Any:
        def function(*args: t.Any) -> t.Any:
            return body(*args)

        return function

    def answers(self, name: str, result: t.Any, size: int = 0) -> None:
        def body(*args: t.Any) -> t.Any:
            self.given = [getattr(arg, "value", arg) for arg in args[1:]]
            if size:
                ctypes.cast(args[-1], ctypes.POINTER(ctypes.c_size_t))[0] = size
            return result

        setattr(self, f"guestfs_{name}", self._function(body))

    def frees(self, kind: str) -> None:
        setattr(self, f"guestfs_free_{kind}", self._function(lambda _address: self.freed.append(kind)))


def made(library: Library, name: str, *args: t.Any, **kwargs: t.Any) -> t.Any:
    return _raw_names.RawNames(t.cast(ctypes.CDLL, library), lambda _handle: 1).call(None, name, args, kwargs)


def test_a_path_is_given_byte_for_byte() -> None:
    library = Library()
    library.answers("rename", 0)
    assert made(library, "rename", "/caf\udce9", "/café") is None
    assert library.given == [b"/caf\xe9", b"/caf\xc3\xa9"]


def test_bytes_go_with_their_number() -> None:
    library = Library()
    library.answers("pwrite", 3)
    assert made(library, "pwrite", "/\udcff", b"a\0b", 2**40) == 3
    assert library.given == [b"/\xff", b"a", 3, 2**40], "a value ends at NUL where ctypes shows it, and only there"


def test_bytes_come_with_their_number() -> None:
    library = Library()
    library.answers("pread", allocated(b"a\0b more"), size=3)
    assert made(library, "pread", "/\udcff", 10, 0) == b"a\0b"


def test_a_text_comes_byte_for_byte() -> None:
    library = Library()
    library.answers("readlink", allocated(b"../\xff\0"))
    assert made(library, "readlink", "/l") == "../\udcff"


def test_structures_are_read_and_freed() -> None:
    library = Library()
    library.frees("dirent_list")
    entries = (_raw_names._Dirent * 2)(_raw_names._Dirent(1, b"d", b"."), _raw_names._Dirent(2, b"r", b"\xff"))
    found = _raw_names._List(2, ctypes.addressof(entries))
    library.answers("readdir", ctypes.addressof(found))
    assert made(library, "readdir", "/") == [
        {"ino": 1, "ftyp": "d", "name": "."},
        {"ino": 2, "ftyp": "r", "name": "\udcff"},
    ]
    assert library.freed == ["dirent_list"]


def test_an_empty_list() -> None:
    library = Library()
    library.frees("xattr_list")
    found = _raw_names._List(0, None)
    library.answers("lgetxattrs", ctypes.addressof(found))
    assert made(library, "lgetxattrs", "/") == []


def test_optional_arguments_are_a_structure() -> None:
    library = Library()
    library.answers("set_e2attrs_argv", 0)
    made(library, "set_e2attrs", "/\udcff", "i", clear=True)
    options = ctypes.cast(library.given[2], ctypes.POINTER(_raw_names._FlagOptions))[0]
    assert (options.bitmask, options.clear) == (1, 1)


@pytest.mark.parametrize(("name", "args", "result"), [("rm", ["/\udcff"], -1), ("readlink", ["/\udcff"], None)])
def test_an_error_is_the_librarys(name: str, args: list[str], result: int | None) -> None:
    library = Library(error=b"rm: /\xff: No such file")
    library.answers(name, result)
    with pytest.raises(RuntimeError) as caught:
        made(library, name, *args)
    assert str(caught.value) == "rm: /\udcff: No such file"


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("part_list", ["/\udcff"]),
        ("rm", ["/\udcff", "more"]),
        ("rm", ["/\udcff\0"]),
        ("rm", ["/\ud800"]),
        ("chmod", [2**31, "/\udcff"]),
    ],
)
def test_what_cannot_be_given_is_no_call(name: str, args: list[t.Any]) -> None:
    library = Library()
    library.answers(name, 0)
    with pytest.raises((ValueError, OverflowError)):
        made(library, name, *args)
    assert library.given == []
