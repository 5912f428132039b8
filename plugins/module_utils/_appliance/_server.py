# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""The server: the one process that holds a libguestfs handle.

This file runs under whichever interpreter of the host has the ``guestfs`` bindings, out of Ansible's reach, so it
imports the standard library only; for a warm start also the files beside it of which the same is true. It speaks
JSON-RPC 2.0, one message a line, over a Unix socket that it inherits already bound and listening, in a directory of
mode 0700; it serves one client at a time, and only its own user.

What it guards:

* Only the libguestfs calls of :data:`CALLS` reach the handle. None of them runs a guest's program.
* Every drive has an explicit format, or there is no drive.
* Every call has a deadline. A watchdog thread kills the appliance when it passes, when the client is gone, and when
  the disk below the overlay is full (QEMU then pauses the appliance, which would wait for ever).
* Whatever ends it (the client's word, the client's death, a signal, the idle time), it takes its appliance, overlay,
  lock and folder with it, unless it handed the overlay and the lock over for a commit.
"""

from __future__ import annotations

import collections
import contextlib
import fcntl
import json
import os
import select
import shutil
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
import typing as t

from ._wire import MAX_LINE, PROTOCOL, RESUME_LIMIT, decode, encode, peer_uid

if t.TYPE_CHECKING:
    from ._raw_names import RawNames
    from ._warm import Warm

CONSOLE_BYTES = 16 * 1024
SANDBOX = "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"
FORMATS = ("raw", "qcow2", "vmdk", "vdi", "vhdx", "vpc")
KVM_SILENCE = 15  # seconds: a kernel under a working KVM says its first word within one
KVM_LAUNCH = 90  # seconds: after that a KVM that boots at all is not worth waiting for
FULL_DISK_BYTES = 1024 * 1024

READ = (
    "aug_get aug_match blockdev_getsize64 blockdev_getss btrfs_subvolume_get_default btrfs_subvolume_list "
    "canonical_device_name checksum download exists feature_available get_e2attrs get_e2generation glob_expand "
    "inspect_get_arch inspect_get_distro "
    "inspect_get_drive_mappings inspect_get_filesystems inspect_get_hostname inspect_get_major_version "
    "inspect_get_minor_version inspect_get_mountpoints inspect_get_osinfo inspect_get_package_format "
    "inspect_get_package_management inspect_get_product_name inspect_get_product_variant inspect_get_type "
    "inspect_get_windows_current_control_set inspect_get_windows_systemroot inspect_list_applications2 "
    "lgetxattrs list_devices list_filesystems list_md_devices list_partitions lstatns lstatnslist "
    "lvm_canonical_lv_name lvs "
    "lvs_full mountpoints part_get_bootable part_get_gpt_guid part_get_gpt_type part_get_mbr_id "
    "part_get_mbr_part_type part_get_name part_get_parttype part_list part_to_dev part_to_partnum pread "
    "pread_device pvs pvs_full readdir readlink statvfs tune2fs_l vfs_label vfs_type vfs_uuid vglvuuids vgpvuuids "
    "vgs_full xfs_info"
)
OPEN = (
    "aug_close aug_init aug_load aug_transform cryptsetup_close cryptsetup_open inspect_os lvm_scan mount_vfs "
    "remount sync umount umount_all"
)
WRITE = (
    "aug_rm aug_save aug_set btrfs_filesystem_resize chmod copy_attributes copy_file_to_file e2fsck lchown ln ln_s "
    "lremovexattr lsetxattr mkdir_mode mkswap part_expand_gpt part_resize pvresize pwrite pwrite_device rename "
    "resize2fs rm rm_rf rmdir lvresize_free set_e2attrs upload utimens write xfs_growfs"
)
#: The allowlist: call → what it does to the guest. ``read`` changes nothing; ``open`` makes something reachable (a
#: mount replays a journal, which is no change that anyone asked for); ``write`` changes what the user sees.
CALLS: dict[str, str] = {
    **{name: "read" for name in READ.split()},
    **{name: "open" for name in OPEN.split()},
    **{name: "write" for name in WRITE.split()},
}


class ServerError(Exception):
    """An answer that is an error: ``kind`` names the exception the client raises, ``data`` goes with it."""

    def __init__(self, kind: str, message: str, **data: t.Any) -> None:
        super().__init__(message)
        self.kind = kind
        self.data = data


def require_safe_transfer(name: str, args: list[t.Any]) -> None:
    """Refuse to read anything but a regular file of the host, or to write where others could have put something.

    :raises ServerError: always of kind ``protocol``; the names of other calls are no business of this.
    """
    if name not in ("upload", "download"):
        return
    path = str(args[0] if name == "upload" else args[1])
    try:
        found = os.stat(path if name == "upload" else os.path.dirname(path))
    except OSError as exc:
        raise ServerError("protocol", f"{name}: {exc}") from exc
    if not os.path.isabs(path):
        raise ServerError("protocol", f"{name}: {path} is not an absolute path")
    if name == "upload" and not stat.S_ISREG(found.st_mode):
        raise ServerError("protocol", f"{name}: {path} is not a regular file")
    if name == "download" and (found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) & 0o077):
        raise ServerError("protocol", f"{name}: the folder of {path} is not private")


# ------------------------------------------------------------------------------------------------------- accelerator


def boot_id() -> str:
    """Return the kernel's id of this boot, empty where there is none (random(4))."""
    with contextlib.suppress(OSError), open("/proc/sys/kernel/random/boot_id", encoding="ascii") as stream:
        return stream.read().strip()
    return ""


def cache_folder() -> str:
    """Return the folder for what is kept from one session to the next, below the XDG cache folder of the user."""
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(cache, "offline-guest")


def verdict_path() -> str:
    """Return the file that keeps the verdict on KVM."""
    return os.path.join(cache_folder(), "accelerator.json")


def qemu_version(emulator: str) -> str:
    """Return the first line that the emulator prints of its version, empty where it cannot be run."""
    try:
        done = subprocess.run([emulator, "-version"], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.partition("\n")[0].strip()


def recall_verdict(key: str) -> dict[str, t.Any] | None:
    """Return the remembered verdict ``{"key", "accelerator", "reason"}`` for ``key``, or None."""
    with contextlib.suppress(OSError, ValueError), open(verdict_path(), encoding="utf-8") as stream:
        verdict = json.loads(stream.read(64 * 1024))
        if isinstance(verdict, dict) and verdict.get("key") == key and verdict.get("accelerator") in ("kvm", "tcg"):
            return verdict
    return None


def remember_verdict(key: str, accelerator: str, reason: str) -> None:
    """Keep a verdict; a cache that cannot be written only means that the next launch finds out again."""
    path = verdict_path()
    with contextlib.suppress(OSError):
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        staged = f"{path}.{os.getpid()}"
        with open(staged, "w", encoding="utf-8") as stream:
            json.dump({"key": key, "accelerator": accelerator, "reason": reason}, stream)
        os.replace(staged, path)


def kvm_state() -> str:
    """Return ``absent``, ``denied`` or ``usable``, as far as the device node tells."""
    if not os.path.exists("/dev/kvm"):
        return "absent"
    return "usable" if os.access("/dev/kvm", os.R_OK | os.W_OK) else "denied"


# --------------------------------------------------------------------------------------------------------- appliance


def children() -> list[int]:
    """Return the pids of this process's direct children (QEMU, libguestfs's recovery process, supermin)."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with contextlib.suppress(OSError, IndexError, ValueError), open(f"/proc/{entry}/stat", "rb") as stream:
                if int(stream.read().rpartition(b")")[2].split()[1]) == os.getpid():
                    found.append(int(entry))
    return found


def emulator_runs() -> bool:
    """Return whether a child boots an appliance; the short runs that probe QEMU's features have no kernel."""
    for pid in children():
        with contextlib.suppress(OSError), open(f"/proc/{pid}/cmdline", "rb") as stream:
            if b"-kernel" in stream.read(64 * 1024).split(b"\0"):
                return True
    return False


def kill_children() -> None:
    """Kill the appliance, at once. libguestfs then fails the call it is in."""
    for pid in children():
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGKILL)


class Console:
    """The last bytes that the appliance's console printed, and whether the kernel was heard at all."""

    def __init__(self) -> None:
        self._parts: collections.deque[bytes] = collections.deque()
        self._size = 0
        self.heard = False

    def __call__(self, data: bytes) -> None:
        # QEMU's own complaints come this way too; anything else is printed by a kernel that runs.
        self.heard = self.heard or not data.startswith(b"qemu")
        self._parts.append(data)
        self._size += len(data)
        while self._size > CONSOLE_BYTES and len(self._parts) > 1:
            self._size -= len(self._parts.popleft())

    def tail(self) -> str:
        """Return what is kept, as text."""
        return b"".join(self._parts)[-CONSOLE_BYTES:].decode("utf-8", "replace")


class Watch:
    """A deadline for whatever the main thread does, and who enforces it: a thread that kills the appliance.

    A libguestfs call cannot be interrupted: it returns when the daemon answers or when the appliance is gone.
    """

    def __init__(self, stop: t.Callable[[], bool], space: t.Callable[[], bool]) -> None:
        self._stop = stop
        self._space = space
        self._lock = threading.Lock()
        self._limit: float | None = None
        self._began = 0.0
        self._trial: Console | None = None
        self._trial_began: float | None = None
        self._killed_at: float | None = None
        self.reason = ""
        self.give_up: t.Callable[[], None] = lambda: os._exit(3)
        threading.Thread(target=self._run, daemon=True, name="watchdog").start()

    @contextlib.contextmanager
    def deadline(self, seconds: float, *, trial: Console | None = None) -> t.Iterator[None]:
        """Kill the appliance when the block takes longer than ``seconds``; :attr:`reason` then says why.

        :param trial: the console of a launch under a KVM that nobody knows to work. It has less time, counted from
            QEMU's start: libguestfs may have to build its appliance first, which takes minutes under any accelerator.
        """
        now = time.monotonic()
        with self._lock:
            self.reason, self._killed_at = "", None
            self._began, self._limit = now, now + seconds
            self._trial, self._trial_began = trial, None
        try:
            yield
        finally:
            with self._lock:
                self._limit = self._trial = None

    def _why_trial(self, now: float, console: Console) -> str:
        if self._trial_began is None:
            self._trial_began = now if emulator_runs() else None
            return ""
        if now > self._trial_began + KVM_SILENCE and not console.heard:
            return f"the appliance's kernel printed nothing within {KVM_SILENCE} seconds"
        return f"not ready within {KVM_LAUNCH} seconds" if now > self._trial_began + KVM_LAUNCH else ""

    def _why(self, now: float) -> str:
        if self._limit is None:
            return ""
        if self._stop():
            return "the session was ended from outside"
        if now > self._limit:
            return f"no answer within {self._limit - self._began:.0f} seconds"
        if self._trial is not None:
            return self._why_trial(now, self._trial)
        if now - self._began > 5 and not self._space():
            return "no space left on the disk that holds the overlay"
        return ""

    def _run(self) -> None:
        while True:
            time.sleep(0.1)
            with self._lock:
                now = time.monotonic()
                reason = "" if self._killed_at else self._why(now)
                if reason:
                    self.reason, self._killed_at = reason, now
                stuck = self._limit is not None and self._killed_at is not None and now - self._killed_at > 20
            if reason:
                kill_children()
            if stuck:
                kill_children()
                self.give_up()


#: Makes a handle, tells its last errno, and has somebody hear its console.
Bindings = tuple[t.Callable[[], t.Any], t.Callable[[t.Any], int], t.Callable[[t.Any, Console], None]]


class Appliance:
    """A handle and its state: CONFIG → LAUNCHING → READY ⇄ BUSY → CLOSED."""

    def __init__(self, watch: Watch, bindings: Bindings, directory: str = "") -> None:
        self._watch = watch
        self._directory = directory
        self._make, self._errno, self._hear = bindings
        self._handle: t.Any = None
        self.console = Console()
        self.state = "CONFIG"
        self.accelerator = ""
        self.start = ""
        self.warnings: list[str] = []
        self._broken: tuple[str, str] | None = None  # key and reason of a KVM that has just failed
        self._raw: RawNames | None = None

    def launch(self, options: dict[str, t.Any]) -> None:
        """Start the appliance as ``options`` say; see :func:`configure` for what they hold."""
        if self.state != "CONFIG":
            raise ServerError("protocol", f"launch is not possible in state {self.state}")
        wanted = options.get("accelerator", "auto")
        if wanted != "auto":
            self._attempt(options, wanted, float(options["launch_timeout"]))
            return
        self._launch_auto(options)

    def _launch_auto(self, options: dict[str, t.Any]) -> None:
        """Try KVM unless it is known to be broken, then fall back to TCG, and remember what was learnt."""
        state = kvm_state()
        if state != "usable":
            if state == "denied":
                self.warnings.append(
                    "/dev/kvm exists but may not be used by this user, so the appliance runs under slow emulation. "
                    "Add the user to the group that owns /dev/kvm."
                )
            self._attempt(options, "tcg", float(options["launch_timeout"]))
            return
        key = f"{boot_id()} {qemu_version(options.get('hv') or self._default_emulator())}"
        verdict = recall_verdict(key)
        # Nothing is resumed, and nothing saved, under a KVM that nobody knows to work.
        tried = options if verdict else {**options, "start": "cold"}
        if (verdict is None or verdict["accelerator"] == "kvm") and self._kvm_works(tried, key):
            return
        self._attempt(options, "tcg", float(options["launch_timeout"]))

    def _default_emulator(self) -> str:
        handle = self._make()
        try:
            return str(handle.get_hv())
        finally:
            handle.close()

    def _kvm_works(self, options: dict[str, t.Any], key: str) -> bool:
        try:
            self._attempt(options, "kvm", float(options["launch_timeout"]), self.console)
        except ServerError as exc:
            if self._watch.reason.startswith("the session"):
                raise
            reason = self._watch.reason or str(exc).partition("\n")[0]
            lines = [line.strip() for line in self.console.tail().splitlines()]
            said = [line for line in lines if "qemu" in line.lower() or "kvm" in line.lower()]
            reason = (said[-1] if said else reason)[:300]
            self._broken = (key, reason)
            self.console = Console()
            self.state = "CONFIG"
            return False
        remember_verdict(key, "kvm", "")
        return True

    def _attempt(
        self, options: dict[str, t.Any], accelerator: str, seconds: float, trial: Console | None = None
    ) -> None:
        warm = load_warm(options, self._directory)
        if warm and self._resume(warm, options, accelerator, seconds):
            return
        self._boot(options, accelerator, seconds, trial)
        if warm and warm.mode == "auto":  # "warm" has just tried in vain
            warm.build_for_later(options, accelerator)

    def _resume(self, warm: Warm, options: dict[str, t.Any], accelerator: str, seconds: float) -> bool:
        """Start from the warm store; False, with one warning where there is a reason, for a cold start instead."""
        self.state = "LAUNCHING"
        handle = self._make()
        entry = None
        try:
            configure(handle, options, accelerator)
            with self._watch.deadline(seconds):  # the builder is a child, and ends with the appliance
                entry = warm.find_or_build(handle, options, accelerator)
            if entry is not None:
                warm.prepare(handle, entry)
                self._hear(handle, self.console)
                with self._watch.deadline(min(seconds, RESUME_LIMIT)):
                    handle.launch()
                self._ready(handle, accelerator, "warm")
                return True
        except (RuntimeError, OSError, ValueError) as exc:
            if self._watch.reason.startswith("the session"):
                self.state = "CLOSED"
                raise ServerError("launch", self._watch.reason, console=self.console.tail()) from exc
            reason = self._watch.reason or str(exc).partition("\n")[0]
            if entry is not None:
                reason = warm.give_up(entry, reason)
            self.warnings.append(f"The appliance was started cold, because no saved one could be resumed: {reason}.")
            self.console = Console()
        with contextlib.suppress(RuntimeError):
            handle.close()
        return False

    def _boot(self, options: dict[str, t.Any], accelerator: str, seconds: float, trial: Console | None = None) -> None:
        self.state = "LAUNCHING"
        handle = self._make()
        try:
            configure(handle, options, accelerator)
            self._hear(handle, self.console)
            with self._watch.deadline(seconds, trial=trial):
                handle.launch()
        except RuntimeError as exc:
            self.state = "CLOSED"
            with contextlib.suppress(RuntimeError):
                handle.close()
            message = self._watch.reason or str(exc)
            raise ServerError("launch", message, console=self.console.tail(), accelerator=accelerator) from exc
        self._ready(handle, accelerator, "cold")

    def _ready(self, handle: t.Any, accelerator: str, start: str) -> None:
        self._handle = handle
        self.accelerator = accelerator
        self.start = start
        self.state = "READY"
        if accelerator == "tcg" and self._broken:
            # Only now is it known that KVM was to blame, and not something that stops any launch.
            remember_verdict(self._broken[0], "tcg", self._broken[1])
            self.warnings.append(
                f"/dev/kvm is there but does not work ({self._broken[1]}), so the appliance runs under slow emulation. "
                "This is remembered until the host boots again or QEMU changes."
            )
            self._broken = None

    def call(self, name: str, args: list[t.Any], kwargs: dict[str, t.Any], seconds: float) -> t.Any:
        """Make one libguestfs call of the allowlist."""
        if name not in CALLS:
            raise ServerError("protocol", f"{name!r} is not one of the calls this server makes")
        if self.state != "READY":
            raise ServerError("appliance", f"the appliance is {self.state}", console=self.console.tail())
        require_safe_transfer(name, args)
        self.state = "BUSY"
        try:
            with self._watch.deadline(seconds):
                result = self._make_call(name, args, kwargs)
        except RuntimeError as exc:
            raise self._failed(name, exc) from exc
        except (TypeError, ValueError, OverflowError) as exc:  # arguments, or a text that has no bytes
            self.state = "READY"
            raise ServerError("call", f"{exc}", call=name, errno=84 if isinstance(exc, UnicodeError) else 22) from exc
        self.state = "READY"
        return result

    def _make_call(self, name: str, args: list[t.Any], kwargs: dict[str, t.Any]) -> t.Any:
        """Make a call through the bindings, or, where a text is not UTF-8, through the C library."""
        if not has_utf8(args):
            return self._raw_names().call(self._handle, name, args, kwargs)
        try:
            return getattr(self._handle, name)(*args, **kwargs)
        except UnicodeDecodeError:  # the result, or libguestfs's message
            if CALLS[name] != "read" or not self._raw_names().knows(name):
                raise
        return self._raw_names().call(self._handle, name, args, kwargs)

    def _raw_names(self) -> RawNames:
        if self._raw is None:
            from ._raw_names import RawNames  # pylint: disable=import-outside-toplevel  # seldom needed

            self._raw = RawNames.load()
        return self._raw

    def _failed(self, name: str, exc: RuntimeError) -> ServerError:
        number = self._errno(self._handle)
        if self._watch.reason or not self._alive():
            self.state = "CLOSED"
            why = self._watch.reason or "the appliance died"
            return ServerError("appliance", f"{name}: {why}", console=self.console.tail(), reason=self._watch.reason)
        self.state = "READY"
        return ServerError("call", str(exc), call=name, errno=number)

    def _alive(self) -> bool:
        try:
            with self._watch.deadline(10):
                self._handle.ping_daemon()
        except RuntimeError:
            return False
        return True

    def shutdown(self, seconds: float) -> None:
        """Unmount, sync and stop the appliance, so that the overlay holds all that was written; back to CONFIG.

        :raises ServerError: QEMU did not end well, so that the overlay cannot be trusted.
        """
        handle, self._handle = self._handle, None
        if handle is None:
            return
        self.state = "CLOSED"
        try:
            with self._watch.deadline(seconds):
                handle.umount_all()
                handle.sync()
                handle.shutdown()
        except RuntimeError as exc:
            raise ServerError("appliance", self._watch.reason or str(exc), console=self.console.tail()) from exc
        finally:
            with contextlib.suppress(RuntimeError):
                handle.close()
        self.state = "CONFIG"

    def kill(self) -> None:
        """Stop the appliance without caring for what it has not written."""
        handle, self._handle = self._handle, None
        self.state = "CLOSED"
        kill_children()
        if handle is not None:
            with self._watch.deadline(30), contextlib.suppress(RuntimeError):
                handle.close()


def load_warm(options: dict[str, t.Any], directory: str) -> Warm | None:
    """Return the warm store as this launch may use it, or None where it is to be cold."""
    if options.get("start", "cold") == "cold":
        return None
    from ._warm import Warm  # which imports this file

    warm = Warm(options, directory)
    return warm if warm.applies(options) else None


def has_utf8(args: t.Iterable[t.Any]) -> bool:
    """Return whether every text is UTF-8, as the bindings want it: other bytes are surrogates here (PEP 383)."""
    for arg in args:
        if isinstance(arg, str):
            if not arg.isascii() and any("\ud800" <= char <= "\udfff" for char in arg):
                return False
        elif isinstance(arg, (list, tuple)) and not has_utf8(arg):
            return False
    return True


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


# ----------------------------------------------------------------------------------------------------------- session


class Workspace:
    """What the server removes when it ends: the overlay, its own folder, and last the lock."""

    def __init__(self, config: dict[str, t.Any]) -> None:
        self.directory: str = config["directory"]
        self.overlay: str | None = config.get("overlay")
        self.lock: str | None = config.get("lock")
        self.lock_fd: int | None = config.get("lock_fd")

    def has_space(self) -> bool:
        """Return whether the disk below the overlay has room for a little more."""
        if not self.overlay:
            return True
        try:
            found = os.statvfs(os.path.dirname(self.overlay))
        except OSError:
            return True
        return found.f_bavail * found.f_frsize > FULL_DISK_BYTES

    def hand_over(self) -> int:
        """Give overlay and lock away; returns the descriptor of the lock."""
        if self.lock_fd is None:
            raise ServerError("protocol", "there is no lock to hand over")
        descriptor, self.lock_fd = self.lock_fd, None
        self.overlay = self.lock = None
        return descriptor

    def remove(self) -> None:
        """Remove what is still ours; the lock last, for it says that the rest is gone."""
        if self.overlay:
            with contextlib.suppress(OSError):
                os.unlink(self.overlay)
        shutil.rmtree(self.directory, ignore_errors=True)
        if self.lock and self.lock_fd is not None:
            with contextlib.suppress(OSError):
                if os.stat(self.lock).st_ino == os.fstat(self.lock_fd).st_ino:
                    os.unlink(self.lock)
        self.overlay = self.lock = None


class Session:
    """What the tasks of a session did so far."""

    def __init__(self) -> None:
        self.changes: list[dict[str, t.Any]] = []
        self.broken = ""
        self.notes: dict[str, t.Any] = {}
        self._task: str | None = None
        self._wrote = False

    def begin(self, task: str) -> None:
        """A task starts."""
        self._task, self._wrote = task, False

    def wrote(self) -> None:
        """A call changed the guest."""
        self._wrote = True

    def end(self, changed: bool, summary: str) -> None:
        """The task came to its end, and says what it did."""
        if changed:
            self.changes.append({"task": self._task or "", "summary": summary})
        self._task, self._wrote = None, False

    def abandon(self) -> None:
        """The task failed or its process died: what it wrote is half a change, so the session can only be discarded."""
        if self._task is not None and self._wrote:
            self.broken = f"the task '{self._task}' ended in the middle of its changes"
        self._task, self._wrote = None, False


class Server:
    """The loop: one client after the other, until somebody or the clock says it is over."""

    def __init__(self, config: dict[str, t.Any], listener: socket.socket, bindings: Bindings) -> None:
        self.workspace = Workspace(config)
        self.session = Session()
        self.idle_timeout: float | None = None  # None: ends with its first client
        self._info = config.get("info", {})
        self._listener = listener
        self._connection: socket.socket | None = None
        self._ended = False
        self._wake_r, self._wake_w = os.pipe()
        os.set_blocking(self._wake_w, False)
        self._signalled = False
        self._watch = Watch(self._must_stop, self.workspace.has_space)
        self._watch.give_up = self._give_up
        self.appliance = Appliance(self._watch, bindings, config["directory"])
        self._methods: dict[str, t.Callable[[dict[str, t.Any]], t.Any]] = {
            "launch": self._do_launch,
            "call": self._do_call,
            "stop": self._do_stop,
            "begin": self._do_begin,
            "end": self._do_end,
            "note": self._do_note,
            "detach": self._do_detach,
            "status": lambda _params: self.status(),
            "release": self._do_release,
            "discard": self._do_discard,
        }

    # Ending

    def on_signal(self, _number: int, _frame: t.Any) -> None:
        """Nothing: the wake-up descriptor has carried the signal to the watchdog already."""

    def install_signals(self) -> None:
        """Let SIGTERM, SIGINT and SIGHUP end the session, also while the main thread is inside libguestfs.

        Python runs signal handlers in the main thread between byte codes, which a blocking call keeps from happening;
        the wake-up descriptor is written at once (signal.set_wakeup_fd). Signals are not blocked instead, because
        QEMU would inherit the mask and then not hear the SIGTERM with which libguestfs stops it.
        """
        signal.set_wakeup_fd(self._wake_w, warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self.on_signal)

    def _must_stop(self) -> bool:
        """Whether a signal came, or the client went away in the middle of a call (asked by the watchdog)."""
        if not self._signalled and select.select([self._wake_r], [], [], 0)[0]:
            self._signalled = True
        return self._signalled or self._client_gone()

    def _client_gone(self) -> bool:
        connection = self._connection
        if connection is None:
            return False
        poll = select.poll()
        try:
            poll.register(connection, select.POLLRDHUP)
        except (ValueError, OSError):
            return True
        return any(event & (select.POLLRDHUP | select.POLLHUP | select.POLLERR) for _fd, event in poll.poll(0))

    def _give_up(self) -> None:
        self.workspace.remove()
        os._exit(3)

    # Serving

    def run(self) -> None:
        """Serve until the end, then remove everything."""
        try:
            while not self._ended and not self._signalled:
                connection = self._accept()
                if connection is None:
                    break
                with connection:
                    self._serve(connection)
                    if self.idle_timeout is None:
                        self._ended = True
                    if self._ended or self._signalled:
                        # Before the client sees the end of the stream, so that it finds nothing left.
                        self._clean()
        finally:
            self._clean()

    def _clean(self) -> None:
        self._connection = None
        self.appliance.kill()
        self.workspace.remove()

    def _accept(self) -> socket.socket | None:
        limit = 60.0 if self.idle_timeout is None else self.idle_timeout
        until = time.monotonic() + limit
        while time.monotonic() < until:
            sources: list[socket.socket | int] = [self._listener, self._wake_r]
            ready = select.select(sources, [], [], until - time.monotonic())[0]
            if self._wake_r in ready:
                self._signalled = True
                return None
            if self._listener in ready:
                connection = self._listener.accept()[0]
                if peer_uid(connection) == os.geteuid():
                    return connection
                connection.close()
        return None

    def _serve(self, connection: socket.socket) -> None:
        self._connection = connection
        buffer = bytearray()
        self._send(connection, {"jsonrpc": "2.0", "method": "hello", "params": self.status()})
        while not self._ended:
            line = self._read_line(connection, buffer)
            if line is None:
                break
            self._answer(connection, line)
        self.session.abandon()
        self._connection = None

    def _read_line(self, connection: socket.socket, buffer: bytearray) -> bytes | None:
        while b"\n" not in buffer:
            if len(buffer) > MAX_LINE:
                return None
            sources: list[socket.socket | int] = [connection, self._wake_r]
            ready = select.select(sources, [], [])[0]
            if self._wake_r in ready or self._signalled:
                self._signalled = True
                return None
            try:
                data = connection.recv(1024 * 1024)
            except OSError:
                return None
            if not data:
                return None
            buffer += data
        line, _newline, rest = bytes(buffer).partition(b"\n")
        buffer[:] = rest
        return line

    def _answer(self, connection: socket.socket, line: bytes) -> None:
        identity: t.Any = None
        try:
            request = json.loads(line)
            identity = request.get("id")
            method = self._methods.get(request.get("method"))
            if request.get("jsonrpc") != "2.0" or method is None:
                raise ServerError("protocol", "no such method")
            answer: dict[str, t.Any] = {"result": encode(method(decode(request.get("params") or {})))}
        except ServerError as exc:
            answer = {"error": {"code": -32000, "message": str(exc), "data": {"kind": exc.kind, **encode(exc.data)}}}
        except (ValueError, KeyError, TypeError, AttributeError) as exc:
            answer = {"error": {"code": -32600, "message": f"bad request: {exc}", "data": {"kind": "protocol"}}}
        self._send(connection, {"jsonrpc": "2.0", "id": identity, **answer})

    def _send(self, connection: socket.socket, message: dict[str, t.Any]) -> None:
        descriptor = self._descriptor
        self._descriptor = None
        data = json.dumps(message).encode("ascii") + b"\n"
        try:
            if descriptor is not None:
                socket.send_fds(connection, [data[:1]], [descriptor])
                data = data[1:]
                os.close(descriptor)
            connection.sendall(data)
        except OSError:
            pass  # the client is gone: the read that follows says so

    _descriptor: int | None = None

    # Methods

    def status(self) -> dict[str, t.Any]:
        """Return what a client needs to know before it says anything."""
        return {
            "protocol": PROTOCOL,
            "pid": os.getpid(),
            "state": self.appliance.state,
            "accelerator": self.appliance.accelerator,
            "start": self.appliance.start,
            "detached": self.idle_timeout is not None,
            "changes": self.session.changes,
            "broken": self.session.broken,
            "notes": self.session.notes,
            "info": self._info,
        }

    def _do_launch(self, params: dict[str, t.Any]) -> dict[str, t.Any]:
        self.appliance.warnings = []
        self.appliance.launch(params)
        return {
            "accelerator": self.appliance.accelerator,
            "start": self.appliance.start,
            "warnings": self.appliance.warnings,
        }

    def _do_call(self, params: dict[str, t.Any]) -> t.Any:
        name = str(params["name"])
        if CALLS.get(name) == "write":
            self.session.wrote()
        return self.appliance.call(name, params.get("args", []), params.get("kwargs", {}), float(params["deadline"]))

    def _do_stop(self, params: dict[str, t.Any]) -> None:
        self.appliance.shutdown(float(params["deadline"]))

    def _do_begin(self, params: dict[str, t.Any]) -> None:
        self.session.begin(str(params["task"]))

    def _do_end(self, params: dict[str, t.Any]) -> None:
        self.session.end(bool(params["changed"]), str(params["summary"]))

    def _do_note(self, params: dict[str, t.Any]) -> None:
        self.session.notes[str(params["key"])] = params["value"]

    def _do_detach(self, params: dict[str, t.Any]) -> None:
        self.idle_timeout = float(params["idle_timeout"])

    def _do_release(self, params: dict[str, t.Any]) -> None:
        if self.session.broken:
            raise ServerError("broken", self.session.broken)
        self.appliance.shutdown(float(params["deadline"]))
        self._descriptor = self.workspace.hand_over()
        self._ended = True

    def _do_discard(self, _params: dict[str, t.Any]) -> None:
        self._ended = True
        self._clean()


def open_handle(drives: list[dict[str, str]], **options: t.Any) -> t.Any:
    """Return a launched handle outside of any server: for the image factory of the tests.

    :param drives: ``{"path", "format"}`` of each.
    :param options: as for :func:`configure`, and ``accelerator``, ``launch_timeout`` in seconds.
    """
    appliance = Appliance(Watch(lambda: False, lambda: True), load_bindings())
    appliance.launch({"launch_timeout": 600, **options, "drives": drives})
    return appliance._handle  # pylint: disable=protected-access


def main() -> None:
    """Read the configuration from standard input (one JSON document), then serve."""
    config = json.loads(sys.stdin.read())
    for name in ("listen_fd", "lock_fd"):
        if config.get(name) is not None:
            # Not for QEMU, nor for anything else that libguestfs starts.
            fcntl.fcntl(config[name], fcntl.F_SETFD, fcntl.FD_CLOEXEC)
    # Sockets and temporary files of libguestfs live, and go, with the session's own folder.
    os.environ["XDG_RUNTIME_DIR"] = config["directory"]
    os.umask(0o077)
    with socket.socket(fileno=config["listen_fd"]) as listener:
        server = Server(config, listener, load_bindings())
        server.install_signals()
        server.run()


if __name__ == "__main__":
    main()
