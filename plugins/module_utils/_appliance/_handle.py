# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""libguestfs handles: made through its Python bindings and its C library, and set up as this project wants them."""

from __future__ import annotations

import os
import typing as t

from ._allowlist import ServerError

if t.TYPE_CHECKING:
    from ._watchdog import Console

SANDBOX = "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"
FORMATS = ("raw", "qcow2", "vmdk", "vdi", "vhdx", "vpc")

#: Makes a handle, tells its last errno, and has somebody hear its console.
Bindings = tuple[t.Callable[[], t.Any], t.Callable[[t.Any], int], t.Callable[[t.Any, "Console"], None]]


def load_bindings() -> Bindings:
    """Return how to make a handle, how to learn its last errno, and how to hear its console.

    Two things are done in the C library itself (the handle is in a PyCapsule named ``guestfs_h``). The Python bindings
    raise a bare RuntimeError and leave guestfs_last_errno(3) out. And they take what the console prints for UTF-8:
    where it is not, as in an error of the daemon about a file with such a name, they write through a null pointer
    (1.48.6, python/handle.c: the result of Py_BuildValue is not looked at).
    """
    import ctypes  # pylint: disable=import-outside-toplevel

    import guestfs  # pylint: disable=import-error,import-outside-toplevel

    library = ctypes.CDLL("libguestfs.so.0")
    pointer = ctypes.pythonapi.PyCapsule_GetPointer
    pointer.restype, pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    word, size = ctypes.c_void_p, ctypes.c_size_t
    listener = ctypes.CFUNCTYPE(
        None, word, word, ctypes.c_uint64, ctypes.c_int, ctypes.c_int, word, size, word, size
    )  # guestfs_event_callback
    library.guestfs_last_errno.argtypes = [word]
    library.guestfs_set_event_callback.argtypes = [word, listener, ctypes.c_uint64, ctypes.c_int, word]

    def capsule(handle: t.Any) -> t.Any:
        return pointer(handle._o, b"guestfs_h")  # pylint: disable=protected-access

    def hear(handle: t.Any, console: Console) -> None:
        def heard(*event: t.Any) -> None:
            console(ctypes.string_at(event[5], event[6]) if event[5] else b"")

        handle.console_listener = listener(heard)  # which must live as long as the handle
        if (
            library.guestfs_set_event_callback(
                capsule(handle), handle.console_listener, int(guestfs.EVENT_APPLIANCE), 0, None
            )
            < 0
        ):
            raise RuntimeError("the console cannot be heard")

    return (
        lambda: guestfs.GuestFS(python_return_dict=True),
        lambda handle: int(library.guestfs_last_errno(capsule(handle))),
        hear,
    )


def configure(handle: t.Any, options: dict[str, t.Any], accelerator: str) -> None:
    """Set a handle up: backend, accelerator, no network, sandbox, sizes, and the drives with their formats.

    :param options: ``drives`` (list of ``{"path", "format"}``), ``backend``, ``memory_mb``, ``smp``, ``hv``, ``path``,
        ``tmpdir``; a value of None leaves libguestfs's own default, or for ``smp`` under TCG two if the host has two.
    """
    handle.set_backend(options.get("backend") or "direct")
    handle.set_backend_settings([f"force_{accelerator}"])
    handle.set_network(False)
    handle.set_autosync(True)
    handle.set_verbose(False)
    handle.set_trace(False)
    # Under emulation each processor of the appliance is a thread of QEMU's: a second one takes a sixth off a launch.
    processors = options.get("smp") or (min(2, os.cpu_count() or 1) if accelerator == "tcg" else None)
    if processors:
        handle.set_smp(processors)
    for name, setter in (
        ("memory_mb", handle.set_memsize),
        ("hv", handle.set_hv),
        ("path", handle.set_path),
        ("tmpdir", handle.set_tmpdir),
    ):
        if options.get(name):
            setter(options[name])
    if options.get("sandbox", True) and handle.get_backend() == "direct":
        handle.config("-sandbox", SANDBOX)
    for drive in options["drives"]:
        if drive.get("format") not in FORMATS:
            raise ServerError("protocol", "a drive without an explicit format was refused")
        handle.add_drive_opts(drive["path"], format=drive["format"], cachemode="unsafe")
