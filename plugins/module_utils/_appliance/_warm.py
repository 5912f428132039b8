# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""What a session's server does with the warm store: find its entry, give one up, have one built.

Standard library only: the server imports this file, outside of Ansible.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import typing as t

from . import _warm_hv, _warm_store
from ._warm_store import Entry, Store, Unusable

#: Runs a module of the package that holds this file, from whatever folder it is in.
RUN = "import sys; sys.path.insert(0, sys.argv[1]); __import__(sys.argv[2], fromlist=['main']).main()"
_START_TIMEOUT = 30


class Warm:
    """The warm store, as one session sees it.

    :param options: ``start`` and ``cache_dir``. ``start`` is ``auto``: resume where there is an entry, and have one
        built for the next session where there is none. ``warm``: have it built first. ``cold``: neither.
    :param directory: the session's private folder.
    """

    def __init__(self, options: t.Mapping[str, t.Any], directory: str) -> None:
        self.mode = str(options["start"])
        self._store = Store(options.get("cache_dir") or _warm_store.default_folder())
        self._report = os.path.join(directory, "warm-report")

    def applies(self, options: t.Mapping[str, t.Any]) -> bool:
        """Return whether a machine with these options is one that can be saved: one disk, QEMU run by libguestfs."""
        return (
            self.mode != "cold"
            and len(options["drives"]) == 1
            and (options.get("backend") or "direct") == "direct"
            and os.uname().machine == "x86_64"
        )

    def find(self, handle: t.Any, accelerator: str) -> Entry | None:
        """Return the entry for a handle that is set up, or None where there is none. It was checked.

        :raises Unusable: there is one that must not be used; it was removed if it is this user's own.
        """
        key = _warm_store.key_of(_warm_store.facts_of(handle, accelerator))
        try:
            return self._store.find(key)
        except Unusable:
            with contextlib.suppress(Unusable):
                _warm_store.require_private(self._store.folder, directory=True)
                self._store.drop(key)
            raise

    def find_or_build(self, handle: t.Any, options: t.Mapping[str, t.Any], accelerator: str) -> Entry | None:
        """As :meth:`find`, but in the mode ``warm`` have a missing entry built, and wait for it."""
        entry = self.find(handle, accelerator)
        if entry is None and self.mode == "warm":
            self.build(options, accelerator)
            entry = self.find(handle, accelerator)
        return entry

    def prepare(self, handle: t.Any, entry: Entry) -> None:
        """Have libguestfs resume the entry."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._report)
        os.environ[_warm_hv.REPORT_VARIABLE] = self._report
        handle.set_hv(entry.emulator)
        handle.set_path(entry.folder)

    def give_up(self, entry: Entry, reason: str) -> str:
        """Drop an entry that could not be resumed; returns the reason, as exact as it is known."""
        with contextlib.suppress(OSError), open(self._report, encoding="utf-8") as stream:
            reason = stream.read(1000) or reason
        entry.drop()
        self._store.remember_failure(entry.key, reason)
        return reason

    def build(self, options: t.Mapping[str, t.Any], accelerator: str) -> None:
        """Have the entry built, and wait for it.

        :raises Unusable: it was not built; the text says why.
        """
        process = self._builder()
        said, _nothing = process.communicate(self._config(options, accelerator, again=True))
        answer = (
            json.loads(said) if process.returncode == 0 else {"error": f"its builder ended with {process.returncode}"}
        )
        if "error" in answer:
            raise Unusable(str(answer["error"]))

    def build_for_later(self, options: t.Mapping[str, t.Any], accelerator: str) -> None:
        """Start a process that builds the entry, and let it go on by itself, within its own deadline."""
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            config = self._config(options, accelerator, again=False)
            self._builder().communicate(config, timeout=_START_TIMEOUT)

    def _config(self, options: t.Mapping[str, t.Any], accelerator: str, *, again: bool) -> bytes:
        """Return what the builder reads."""
        config = {
            "store": self._store.folder,
            "options": {**options, "drives": []},
            "accelerator": accelerator,
            "again": again,
        }
        return json.dumps(config).encode()

    @staticmethod
    def _builder() -> subprocess.Popen[bytes]:
        package = __package__ or ""
        place = os.path.abspath(__file__)
        for _level in package.split("."):
            place = os.path.dirname(place)
        return subprocess.Popen(  # pylint: disable=consider-using-with  # it may outlive this one
            [sys.executable, "-I", "-X", "utf8", "-c", RUN, os.path.dirname(place), f"{package}._warm_build"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            cwd="/",
        )
