# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.offline.guest.plugins.module_utils._appliance import _diagnose
from ansible_collections.offline.guest.plugins.module_utils._errors import CallError, errno_name, printable
from hypothesis import given
from hypothesis import strategies as st


@given(st.one_of(st.text(), st.binary()), st.integers(min_value=1, max_value=300))
def test_what_is_shown_is_one_bounded_harmless_line(value: str | bytes, limit: int) -> None:
    shown = printable(value, limit=limit)
    assert shown.isprintable() or shown == ""
    assert "{{" not in shown and "{%" not in shown
    assert len(shown) <= limit * 10 + 1
    shown.encode("utf-8")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("plain", "plain"),
        ("žluťoučký", "žluťoučký"),
        ("\x1b[2Jgone", "\\x1b[2Jgone"),
        ("a\nb", "a\\nb"),
        (b"\xff\xfe", "\\xff\\xfe"),
        ("{{ lookup('pipe', 'id') }}", "{\\x7b lookup('pipe', 'id') }}"),
        ("{{{", "{\\x7b{"),
        ("\u202eevil", "\\u202eevil"),
        ("\udcff", "\\udcff"),
        ("x" * 300, "x" * 200 + "…"),
    ],
)
def test_printable(value: str | bytes, shown: str) -> None:
    assert printable(value) == shown


def test_a_call_error_names_its_errno() -> None:
    error = CallError("pread", "open: /etc/x: No such file or directory", 2)
    assert str(error) == "libguestfs pread: open: /etc/x: No such file or directory (ENOENT)"
    assert error.details == {"call": "pread", "errno": 2, "errno_name": "ENOENT"}
    assert errno_name(0) == "" and errno_name(99999) == ""


@pytest.mark.parametrize(
    ("said", "cause"),
    [
        (
            "supermin exited with error status 1\nsupermin: open: /boot/vmlinuz-6: Permission denied",
            "no kernel that this",
        ),
        ("cannot find any suitable libguestfs supermin, fixed or old-style appliance on LIBGUESTFS_PATH", "is missing"),
        ("Could not access KVM kernel module: Permission denied", "KVM cannot be used"),
        ("write: /var/tmp/.guestfs-0: No space left on device", "no space left"),
        ('qemu-system-x86_64: Failed to get "write" lock', "another process uses"),
        ("qemu-system-x86_64: cannot set up guest memory 'pc.ram': Cannot allocate memory", "not enough memory"),
        ("Could not open '/srv/x.overlay': Permission denied", "may not read the image"),
        ("no answer within 600 seconds", "did not come up in time"),
    ],
)
def test_a_launch_that_fails_names_its_cause(said: str, cause: str) -> None:
    error = _diagnose.launch_error(said, console="", options={"accelerator": "auto"})
    assert cause in error.message
    assert error.hint


def test_a_cause_that_nobody_knows_is_shown_as_it_is() -> None:
    error = _diagnose.launch_error("guestfs_launch failed.\nand more", console="last words", options={})
    assert error.message == "The appliance did not start: guestfs_launch failed."
    assert "host_info" in error.hint
    assert error.details["console"] == "last words"
