# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the tasks of a session know of the guest from the tasks before them."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.offline.guest.plugins.module_utils._appliance._session import Session
from ansible_collections.offline.guest.plugins.module_utils._errors import GuestError
from ansible_collections.offline.guest.plugins.module_utils._guest._guest import Access, Guest, GuestOptions, load_guest
from ansible_collections.offline.guest.plugins.module_utils._guest._system import DEFAULT_TYPES
from ansible_collections.offline.guest.tests.unit.guest.fake_disk import FakeDisk
from ansible_collections.offline.guest.tests.unit.guest.test_inspect import luks_disk

KEYED = GuestOptions(filesystems=DEFAULT_TYPES, luks_keys=({"device": "/dev/sda1", "key": "secret"},))
KEYLESS = GuestOptions(filesystems=DEFAULT_TYPES)
WRONG = GuestOptions(filesystems=DEFAULT_TYPES, luks_keys=({"device": "/dev/sda1", "key": "wrong-key"},))


class Kept:
    """What a session keeps between its tasks: the disk, and the notes that the server holds."""

    def __init__(self, disk: FakeDisk) -> None:
        self.disk = disk
        self.status: dict[str, t.Any] = {"notes": {}}
        self.client = self
        self.changes: list[str] = []

    def call(self, name: str, *args: t.Any, **kwargs: t.Any) -> t.Any:
        return self.disk.call(name, *args, **kwargs)

    def note(self, key: str, value: t.Any) -> None:
        self.status["notes"][key] = value

    def load(self, options: GuestOptions, access: Access = "mounted") -> Guest:
        return load_guest(t.cast(Session, self), options, access=access, warn=lambda _text: None)


def test_a_later_task_does_not_look_again() -> None:
    session = Kept(luks_disk())
    first = session.load(KEYED)
    session.disk.log.clear()
    assert session.load(KEYED).os == first.os
    # A task without the key works on what was opened by one that had it.
    assert session.load(KEYLESS).os == first.os
    assert session.disk.log == []


def test_a_task_with_a_key_sees_what_one_without_it_could_not() -> None:
    session = Kept(luks_disk())
    with pytest.raises(GuestError, match=r"Found: .*/dev/sda1 \(crypto_LUKS\)"):
        session.load(KEYLESS)
    assert session.load(KEYED).os.type == "linux"


def test_a_task_with_other_filesystems_looks_for_itself() -> None:
    session = Kept(luks_disk())
    assert session.load(KEYED).systems
    assert not session.load(GuestOptions(filesystems=("xfs",), luks_keys=KEYED.luks_keys), "found").systems


def test_after_a_look_that_failed_nothing_counts_as_mounted() -> None:
    session = Kept(luks_disk())
    session.load(GuestOptions(filesystems=("xfs",)), "found")
    with pytest.raises(GuestError, match="does not open it"):
        session.load(WRONG)
    assert session.status["notes"]["mounted"] is None
    assert session.load(KEYED).os.type == "linux"
    assert session.status["notes"]["mounted"] == session.load(KEYED).os.root
