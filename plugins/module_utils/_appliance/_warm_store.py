# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""The warm store: saved appliances of one user, from which sessions are resumed.

Standard library only: the server imports this file, outside of Ansible.

The store is a private folder below the user's XDG cache folder. Each entry is a folder named by its key, the digest of
everything that a saved machine depends on, and holds ``kernel``, ``initrd``, ``root`` (the appliance as it was when the
machine was saved, never written again), ``state`` (the machine), ``hv`` (what libguestfs runs in place of QEMU) and
``machine.json`` (sizes and digests of the others, and the command line of the machine). An entry is made in a folder of
another name and renamed when it is whole.

Whoever could write an entry could run programs in the appliance and as QEMU, so nothing that is not the user's own and
closed to others is used, as ssh does with its keys. An entry is checked by its digests when it is first used where it
is, and after that by what stat(2) says of its files: whoever changes one changes its times.
"""

from __future__ import annotations

import contextlib
import fcntl
import glob
import hashlib
import json
import os
import shutil
import stat
import time
import typing as t

from . import _accelerator, _warm_hv, _warm_init
from ._durable import flush

#: Changes with anything that makes an entry written by another version of this collection unfit.
VERSION = 1
FILES = ("kernel", "initrd", "root", "state", "hv")
_MANIFEST = _warm_hv.MANIFEST
_STAMP = "checked.json"
_FAILED = "failed.json"
_POLL = 0.1
_RETRY = 24 * 3600  # seconds until what could not be made, or not be resumed, is tried again
_BUILDING = "new-"
_BLOCK = 1024 * 1024
_MAX_JSON = 1024 * 1024
#: Bytes that all entries together may take on the disk; the least recently used go first.
MAX_BYTES = 3 * 1024**3
#: Bytes of the path of a store. libguestfs gets the path of a program in it, and 1.48.6 damages its heap with some that
#: have between 85 and 135 bytes (glibc's malloc said "corrupted size vs. prev_size", and MALLOC_CHECK_ agreed).
MAX_PATH = 55
_PACKAGE_DATABASES = (
    "/var/lib/dpkg/status",
    "/var/lib/rpm/rpmdb.sqlite",
    "/var/lib/rpm/Packages",
    "/usr/lib/sysimage/rpm/rpmdb.sqlite",
    "/usr/lib/sysimage/rpm/Packages.db",
    "/var/lib/pacman/local/ALPM_DB_VERSION",
)


class Unusable(RuntimeError):
    """A store or an entry cannot be used; the text says why."""


def default_folder() -> str:
    """Return the user's warm store, below the XDG cache folder."""
    return os.path.join(_accelerator.cache_folder(), "warm")


# ---------------------------------------------------------------------------------------------------------------- key


def key_of(facts: t.Mapping[str, t.Any]) -> str:
    """Return the name of the entry for a machine that depends on ``facts``: JSON values."""
    text = json.dumps({**facts, "version": VERSION}, sort_keys=True)
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:16]


def facts_of(handle: t.Any, accelerator: str) -> dict[str, t.Any]:
    """Return what a saved machine depends on, from a libguestfs handle that is set up and not launched."""
    emulator = os.path.realpath(shutil.which(handle.get_hv()) or handle.get_hv())
    with open(emulator, "rb") as stream:  # the QEMU behind a wrapper can change while the wrapper stays
        is_wrapper = stream.read(4) != b"\x7fELF"
    version = handle.version()
    return {
        "emulator": [emulator, digest(emulator), _accelerator.qemu_version(emulator) if is_wrapper else ""],
        "libguestfs": [version[part] for part in ("major", "minor", "release", "extra")],
        "appliance": _appliance_facts(handle.get_path()),
        "accelerator": accelerator,
        "processor": _processor() if accelerator == "kvm" else os.uname().machine,
        "memory_mb": handle.get_memsize(),
        "smp": handle.get_smp(),
        "kernel": str(handle.get_append() or ""),
        "sources": _own_sources(),
    }


def _own_sources() -> str:
    """Digest of what is written into an entry."""
    return hashlib.sha256((_warm_init.INIT + _warm_init.reseeder().hex()).encode()).hexdigest()


def _appliance_facts(path: str) -> dict[str, t.Any]:
    """Describe what libguestfs makes its appliance of: the first folder of its path that has one (guestfs(3))."""
    for folder in path.split(":"):
        parts = os.path.join(folder, "supermin.d")
        if os.path.isdir(parts):
            return {
                "supermin": {name: digest(os.path.join(parts, name)) for name in sorted(os.listdir(parts))},
                "kernels": _times(glob.glob("/boot/vmlinu*") + glob.glob("/lib/modules/*")),
                # supermin, too, builds anew when the host's packages have changed (supermin(1), --if-newer).
                "packages": {name: digest(name) for name in _PACKAGE_DATABASES if os.path.isfile(name)},
            }
        if os.path.isfile(os.path.join(folder, "README.fixed")):
            return {"fixed": _times([os.path.join(folder, name) for name in ("kernel", "initrd", "root")])}
    raise Unusable(f"libguestfs has no appliance in {path}")


def _times(paths: t.Iterable[str]) -> list[list[t.Any]]:
    found = []
    for path in sorted(paths):
        with contextlib.suppress(OSError):
            known = os.stat(path)
            found.append([path, known.st_size, known.st_mtime_ns])
    return found


def _processor() -> str:
    """Digest of the first processor's model and features, without what changes from boot to boot."""
    with contextlib.suppress(OSError), open("/proc/cpuinfo", encoding="ascii", errors="replace") as stream:
        first = stream.read(64 * 1024).partition("\n\n")[0]
        kept = [line for line in first.splitlines() if not line.startswith(("cpu MHz", "bogomips", "microcode"))]
        return hashlib.sha256("\n".join(kept).encode()).hexdigest()
    return ""


def digest(path: str) -> str:
    """Return the SHA-256 of a file's data and of where in the file they are; holes and blocks of zeros are left out.

    :raises OSError: it cannot be read.
    """
    total = hashlib.sha256()
    with open(path, "rb") as stream:
        total.update(b"%d" % os.fstat(stream.fileno()).st_size)
        for position, block in data_blocks(stream):
            total.update(b":%d:" % position)
            total.update(block)
    return total.hexdigest()


def data_blocks(stream: t.BinaryIO) -> t.Iterator[tuple[int, bytes]]:
    """Yield the blocks of a file, 1 MiB each but the last, that are not all zeros, with their positions in bytes."""
    size = os.fstat(stream.fileno()).st_size
    position = 0
    while position < size:
        try:
            position = os.lseek(stream.fileno(), position, os.SEEK_DATA)
        except OSError:  # ENXIO: nothing but a hole is left
            return
        position -= position % _BLOCK
        stream.seek(position)
        block = stream.read(_BLOCK)
        if block.strip(b"\0"):
            yield position, block
        position += _BLOCK


# -------------------------------------------------------------------------------------------------------------- store


class Entry:
    """A saved appliance that was found fit to be used."""

    def __init__(self, store: Store, key: str) -> None:
        self._store = store
        self.key = key
        self.folder = os.path.join(store.folder, key)

    @property
    def emulator(self) -> str:
        """What libguestfs is to run in place of QEMU."""
        return os.path.join(self.folder, "hv")

    def drop(self) -> None:
        """Remove the entry, at one instant for all others. Machines that run on it keep what they have open."""
        self._store.drop(self.key)

    def check(self) -> None:
        """Compare the entry with what was written into it.

        :raises Unusable: it is not what was written, or somebody else could have written it.
        """
        require_private(self.folder, directory=True)
        manifest = read_json(os.path.join(self.folder, _MANIFEST))
        if manifest.get("key") != self.key or set(manifest.get("files", {})) != set(FILES):
            raise Unusable("its manifest is of another machine")
        stamp = {name: _stamp(os.path.join(self.folder, name)) for name in FILES}
        with contextlib.suppress(Unusable):
            if read_json(os.path.join(self.folder, _STAMP)) == {"files": stamp}:
                return
        for name in FILES:
            if digest(os.path.join(self.folder, name)) != manifest["files"][name]:
                raise Unusable(f"its file '{name}' is not what was saved")
        with contextlib.suppress(OSError):  # a store that cannot be written is checked each time
            write_json(os.path.join(self.folder, _STAMP), {"files": stamp})


class Store:
    """A warm store. The folder is made when the first entry is.

    :param folder: an absolute path.
    """

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def find(self, key: str) -> Entry | None:
        """Return the entry for ``key`` if there is one.

        :raises Unusable: there is one, or a store, that must not be used.
        """
        if not os.path.lexists(self.folder):
            return None
        self._require_usable()
        entry = Entry(self, key)
        if not os.path.lexists(entry.folder):
            return None
        entry.check()
        with contextlib.suppress(OSError):
            os.utime(entry.folder)  # when it was last used
        return entry

    def failure(self, key: str) -> str:
        """Return why an entry could lately not be made or resumed, empty where nothing is known of that."""
        with contextlib.suppress(Unusable, KeyError, TypeError):
            known = read_json(os.path.join(self.folder, _FAILED))
            if known["key"] == key and time.time() - known["time"] < _RETRY:
                return str(known["reason"])
        return ""

    def remember_failure(self, key: str, reason: str) -> None:
        """Keep the reason for a day, in which nobody tries again by itself."""
        with contextlib.suppress(OSError, Unusable):
            self.prepare()
            value = {"key": key, "reason": reason[:1000], "time": time.time()}
            write_json(os.path.join(self.folder, _FAILED), value)

    def entries(self) -> list[str]:
        """Return the keys of all entries, the most recently used first."""
        with contextlib.suppress(OSError):
            names = [name for name in os.listdir(self.folder) if os.path.isdir(os.path.join(self.folder, name))]
            kept = [name for name in names if not name.startswith(_BUILDING)]
            return sorted(kept, key=lambda name: -os.stat(os.path.join(self.folder, name)).st_mtime_ns)
        return []

    def drop(self, key: str) -> None:
        """Remove an entry."""
        gone = os.path.join(self.folder, f"{_BUILDING}gone-{key}-{os.getpid()}")
        with contextlib.suppress(OSError):
            os.rename(os.path.join(self.folder, key), gone)
        shutil.rmtree(gone, ignore_errors=True)

    def prepare(self) -> None:
        """Make the store's folder.

        :raises Unusable: it cannot be made, or is not private.
        """
        try:
            os.makedirs(self.folder, mode=0o700, exist_ok=True)
        except OSError as exc:
            raise Unusable(f"the folder {self.folder} cannot be made: {exc.strerror}") from exc
        self._require_usable()

    def _require_usable(self) -> None:
        require_private(self.folder, directory=True)
        if len(os.fsencode(self.folder)) > MAX_PATH:
            raise Unusable(f"the path of the folder {self.folder} has more than {MAX_PATH} bytes")

    @contextlib.contextmanager
    def building(self, until: float = 0) -> t.Iterator[bool]:
        """Hold the right to build; the value is False where somebody else is building. Ends with the process.

        :param until: wait for that process until then, on the monotonic clock.
        """
        path = os.path.join(self.folder, "lock")
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            if not _lock(descriptor, until):
                yield False
                return
            self._remove_unfinished()
            yield True
        finally:
            os.close(descriptor)

    def _remove_unfinished(self) -> None:
        for name in os.listdir(self.folder):
            if name.startswith(_BUILDING):
                shutil.rmtree(os.path.join(self.folder, name), ignore_errors=True)

    def staging(self, key: str) -> str:
        """Make the folder in which an entry is built, which :meth:`publish` renames."""
        path = os.path.join(self.folder, f"{_BUILDING}{key}")
        os.mkdir(path, 0o700)
        return path

    def publish(self, key: str, staging: str, manifest: t.Mapping[str, t.Any]) -> None:
        """Make a built entry durable and known, and remove the least recently used ones beyond the store's bound."""
        files = {name: digest(os.path.join(staging, name)) for name in FILES}
        write_json(os.path.join(staging, _MANIFEST), {**manifest, "key": key, "files": files})
        for name in (*FILES, _MANIFEST, ""):
            flush(os.path.join(staging, name))
        os.rename(staging, os.path.join(self.folder, key))
        flush(self.folder)
        self.prune(keep=key)

    def prune(self, *, keep: str, limit: int = MAX_BYTES) -> None:
        """Remove entries, the least recently used first, until the others take no more than ``limit`` bytes."""
        total = 0
        for key in self.entries():
            total += size_of(os.path.join(self.folder, key))
            if total > limit and key != keep:
                self.drop(key)


def _lock(descriptor: int, until: float) -> bool:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if time.monotonic() >= until:
                return False
        time.sleep(_POLL)


def size_of(folder: str) -> int:
    """Return the bytes that a folder's files take on the disk."""
    total = 0
    with contextlib.suppress(OSError):
        for entry in os.scandir(folder):
            total += entry.stat(follow_symlinks=False).st_blocks * 512
    return total


def require_private(path: str, *, directory: bool = False) -> os.stat_result:
    """Refuse what another user could have written, or can read.

    :raises Unusable: it is not this user's, open to others, a link, or not what it should be.
    """
    try:
        found = os.lstat(path)
    except OSError as exc:
        raise Unusable(f"{path} cannot be read: {exc.strerror}") from exc
    if not (stat.S_ISDIR if directory else stat.S_ISREG)(found.st_mode):
        raise Unusable(f"{path} is not a {'folder' if directory else 'regular file'}")
    if found.st_uid != os.geteuid():
        raise Unusable(f"{path} belongs to another user")
    if found.st_mode & 0o077:
        raise Unusable(f"{path} is open to other users")
    return found


def _stamp(path: str) -> list[int]:
    found = require_private(path)
    return [found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns]


def read_json(path: str) -> dict[str, t.Any]:
    """Read a private file.

    :raises Unusable: it is not private, or no JSON object.
    """
    require_private(path)
    try:
        with open(path, encoding="utf-8") as stream:
            value = json.loads(stream.read(_MAX_JSON))
    except (OSError, ValueError) as exc:
        raise Unusable(f"{path} cannot be read: {exc}") from exc
    if not isinstance(value, dict):
        raise Unusable(f"{path} is not understood")
    return value


def write_json(path: str, value: t.Mapping[str, t.Any]) -> None:
    """Write a private file, at one instant."""
    staged = f"{path}.{os.getpid()}"
    descriptor = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    try:
        with open(descriptor, "w", encoding="utf-8") as stream:
            json.dump(value, stream, indent=1, sort_keys=True)
        os.replace(staged, path)
    except OSError:
        os.unlink(staged)
        raise
