# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""Calls whose texts are not UTF-8, made through the C library.

A name on a Linux file system is any bytes without a slash and a NUL. libguestfs carries them, but its Python bindings
take and return ``str`` by strict UTF-8: ``readdir`` of a directory with one other name in it raises
UnicodeDecodeError, and such a name cannot be given to any call (python/handle.c, ``guestfs_int_py_fromstring``). Here
text is ``str`` with surrogateescape instead (PEP 383), which JSON carries, and every byte survives.

This file goes with the server: standard library only. Everything the library allocates is freed.
"""

from __future__ import annotations

import ctypes
import dataclasses
import typing as t

LIBRARY = "libguestfs.so.0"
_STAT_FIELDS = (
    "st_dev st_ino st_mode st_nlink st_uid st_gid st_rdev st_size st_blksize st_blocks st_atime_sec st_atime_nsec "
    "st_mtime_sec st_mtime_nsec st_ctime_sec st_ctime_nsec st_spare1 st_spare2 st_spare3 st_spare4 st_spare5 st_spare6"
).split()


class _Stat(ctypes.Structure):
    """``struct guestfs_statns``."""

    _fields_ = [(name, ctypes.c_int64) for name in _STAT_FIELDS]


class _Dirent(ctypes.Structure):
    """``struct guestfs_dirent``."""

    _fields_ = [("ino", ctypes.c_int64), ("ftyp", ctypes.c_char), ("name", ctypes.c_char_p)]


class _Xattr(ctypes.Structure):
    """``struct guestfs_xattr``."""

    _fields_ = [("attrname", ctypes.c_char_p), ("attrval_len", ctypes.c_uint32), ("attrval", ctypes.c_void_p)]


class _List(ctypes.Structure):
    """``struct guestfs_…_list``: every one begins so."""

    _fields_ = [("len", ctypes.c_uint32), ("val", ctypes.c_void_p)]


class _CopyOptions(ctypes.Structure):
    """``struct guestfs_copy_attributes_argv``."""

    _fields_ = [("bitmask", ctypes.c_uint64)] + [
        (name, ctypes.c_int) for name in ("all", "mode", "xattributes", "ownership")
    ]


class _FlagOptions(ctypes.Structure):
    """``struct guestfs_set_e2attrs_argv``."""

    _fields_ = [("bitmask", ctypes.c_uint64), ("clear", ctypes.c_int)]


Result = t.Literal["none", "bool", "int", "long", "text", "bytes", "stat", "stats", "entries", "xattrs"]


@dataclasses.dataclass(frozen=True)
class Signature:
    """A function of the C library.

    :param takes: a letter for each argument: ``t`` text, ``i`` int, ``l`` int64, ``b`` bytes and their number, ``n`` a
        list of texts that ends in NULL.
    :param gives: what it returns. Of what is a number, -1 is an error; of what is a pointer, NULL.
    :param options: the structure of its optional arguments, in the order of their bits; ``_argv`` then ends its name.
    """

    takes: str
    gives: Result
    options: type[ctypes.Structure] | None = None


# What is no pointer.
_RETURNS: dict[Result, t.Any] = {
    "none": ctypes.c_int,
    "bool": ctypes.c_int,
    "int": ctypes.c_int,
    "long": ctypes.c_int64,
}

#: What the guest layer calls with a path or a name in its arguments or its result.
CALLS: dict[str, Signature] = {
    "checksum": Signature("tt", "text"),
    "chmod": Signature("it", "none"),
    "copy_attributes": Signature("tt", "none", _CopyOptions),
    "download": Signature("tt", "none"),
    "exists": Signature("t", "bool"),
    "get_e2attrs": Signature("t", "text"),
    "get_e2generation": Signature("t", "long"),
    "lchown": Signature("iit", "none"),
    "lgetxattrs": Signature("t", "xattrs"),
    "ln": Signature("tt", "none"),
    "ln_s": Signature("tt", "none"),
    "lremovexattr": Signature("tt", "none"),
    "lsetxattr": Signature("ttit", "none"),
    "lstatns": Signature("t", "stat"),
    "lstatnslist": Signature("tn", "stats"),
    "mkdir_mode": Signature("ti", "none"),
    "pread": Signature("til", "bytes"),
    "pwrite": Signature("tbl", "int"),
    "readdir": Signature("t", "entries"),
    "readlink": Signature("t", "text"),
    "rename": Signature("tt", "none"),
    "rm": Signature("t", "none"),
    "rm_rf": Signature("t", "none"),
    "rmdir": Signature("t", "none"),
    "set_e2attrs": Signature("tt", "none", _FlagOptions),
    "upload": Signature("tt", "none"),
    "utimens": Signature("tllll", "none"),
    "write": Signature("tb", "none"),
}


class RawNames:
    """Makes calls on the handle of the bindings, with texts of any bytes.

    :param library: the C library.
    :param pointer: from the bindings' handle to the library's.
    """

    def __init__(self, library: ctypes.CDLL, pointer: t.Callable[[t.Any], int]) -> None:
        self._library = library
        self._pointer = pointer
        self._free = ctypes.CDLL(None).free
        self._free.argtypes, self._free.restype = [ctypes.c_void_p], None
        self._last_error = library.guestfs_last_error
        self._last_error.argtypes, self._last_error.restype = [ctypes.c_void_p], ctypes.c_char_p

    @classmethod
    def load(cls) -> RawNames:
        """Return one for the handles of the bindings, which are in PyCapsules named ``guestfs_h``."""
        pointer = ctypes.pythonapi.PyCapsule_GetPointer
        pointer.restype, pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
        # pylint: disable-next=protected-access
        return cls(ctypes.CDLL(LIBRARY), lambda handle: int(pointer(handle._o, b"guestfs_h")))

    @staticmethod
    def knows(name: str) -> bool:
        """Whether :meth:`call` makes this call."""
        return name in CALLS

    def call(self, handle: t.Any, name: str, args: t.Sequence[t.Any], kwargs: t.Mapping[str, t.Any]) -> t.Any:
        """Make a call of :data:`CALLS`; the result is what the bindings would give, were every text UTF-8.

        :raises RuntimeError: with libguestfs's message, as the bindings raise it.
        :raises ValueError: the arguments do not fit, or the call is not one of those.
        """
        signature = CALLS.get(name)
        if signature is None or len(args) != len(signature.takes):
            raise ValueError(f"{name}: not possible with a text that is not UTF-8")
        function = getattr(self._library, f"guestfs_{name}_argv" if signature.options else f"guestfs_{name}")
        function.restype = _RETURNS.get(signature.gives, ctypes.c_void_p)
        given: list[t.Any] = [ctypes.c_void_p(self._pointer(handle))]
        for kind, value in zip(signature.takes, args):
            given += _argument(kind, value)
        if signature.options:
            given.append(ctypes.byref(_options(signature.options, kwargs)))
        return self._made(function, given, signature.gives, handle)

    def _made(self, function: t.Any, given: list[t.Any], gives: Result, handle: t.Any) -> t.Any:
        size = ctypes.c_size_t()
        result = function(*given, ctypes.byref(size)) if gives == "bytes" else function(*given)
        if result is None or (gives in _RETURNS and result == -1):
            said = self._last_error(ctypes.c_void_p(self._pointer(handle)))
            raise RuntimeError((said or b"no reason was given").decode("utf-8", "surrogateescape"))
        if gives in _RETURNS:
            return None if gives == "none" else result
        return self._taken(result, gives, size.value)

    def _taken(self, address: int, gives: Result, size: int) -> t.Any:
        """Copy what the library allocated, and free it."""
        try:
            return _READERS[gives](address, size)
        finally:
            free = self._free
            if gives in _FREED_BY:
                free = getattr(self._library, _FREED_BY[gives])
                free.argtypes, free.restype = [ctypes.c_void_p], None
            free(address)


_FREED_BY: dict[Result, str] = {
    "stat": "guestfs_free_statns",
    "stats": "guestfs_free_statns_list",
    "entries": "guestfs_free_dirent_list",
    "xattrs": "guestfs_free_xattr_list",
}


def _encoded(text: str) -> bytes:
    raw = str(text).encode("utf-8", "surrogateescape")
    if b"\0" in raw:
        raise ValueError("embedded null character")  # as the bindings say it
    return raw


def _argument(kind: str, value: t.Any) -> list[t.Any]:
    if kind == "t":
        return [ctypes.c_char_p(_encoded(value))]
    if kind == "b":
        return [ctypes.c_char_p(value), ctypes.c_size_t(len(value))]
    if kind == "n":
        return [(ctypes.c_char_p * (len(value) + 1))(*map(_encoded, value), None)]
    limit = 2**31 if kind == "i" else 2**63
    if not -limit <= int(value) < limit:
        raise OverflowError(f"{value} is too large")
    return [ctypes.c_int(value) if kind == "i" else ctypes.c_int64(value)]


def _options(structure: type[ctypes.Structure], given: t.Mapping[str, t.Any]) -> ctypes.Structure:
    filled = structure()
    for bit, (name, _type) in enumerate(structure._fields_[1:]):  # type: ignore[misc]
        if name in given:
            filled.bitmask |= 1 << bit
            setattr(filled, name, int(given[name]))
    return filled


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


def _stat_dict(stat: _Stat) -> dict[str, int]:
    return {name: getattr(stat, name) for name in _STAT_FIELDS}


def _items(address: int, structure: type[ctypes.Structure]) -> t.Any:
    found = _List.from_address(address)
    return (structure * found.len).from_address(found.val) if found.len else ()


def _entries(address: int) -> list[dict[str, t.Any]]:
    return [
        {"ino": item.ino, "ftyp": item.ftyp.decode("latin-1"), "name": _text(item.name)}
        for item in _items(address, _Dirent)
    ]


def _xattrs(address: int) -> list[dict[str, t.Any]]:
    return [
        {"attrname": _text(item.attrname), "attrval": ctypes.string_at(item.attrval, item.attrval_len)}
        for item in _items(address, _Xattr)
    ]


_READERS: dict[Result, t.Callable[[int, int], t.Any]] = {
    "text": lambda address, _size: _text(ctypes.string_at(address)),
    "bytes": ctypes.string_at,
    "stat": lambda address, _size: _stat_dict(_Stat.from_address(address)),
    "stats": lambda address, _size: [_stat_dict(item) for item in _items(address, _Stat)],
    "entries": lambda address, _size: _entries(address),
    "xattrs": lambda address, _size: _xattrs(address),
}
