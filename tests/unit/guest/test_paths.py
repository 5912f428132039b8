# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Paths followed inside a guest, hostile ones too."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.offline.guest.plugins.module_utils._errors import GuestError, OptionError
from ansible_collections.offline.guest.plugins.module_utils._guest._paths import GuestPath, resolve


class Links:
    """A tree: ``None`` for what is no link."""

    def __init__(self, entries: t.Mapping[str, str | None]) -> None:
        self.entries = entries
        self.asked: list[str] = []

    def __call__(self, path: GuestPath) -> str | None:
        self.asked.append(path)
        if path not in self.entries:
            raise FileNotFoundError(path)
        return self.entries[path]


@pytest.mark.parametrize(
    ("target", "leads_to"),
    [
        ("real", "/etc/real"),
        ("/other/real", "/other/real"),
        ("../../../../other", "/other"),
        ("missing/../real", "/etc/real"),
        ("missing/link/x", "/etc/missing/link/x"),
        ("missing/../again", "/etc/real"),
        ("missing/../../again", "/etc/real"),
        ("missings/x", "/etc/missings/x"),
    ],
)
def test_links_are_followed_inside_the_guest(target: str, leads_to: str) -> None:
    tree = {"/etc": None, "/etc/link": target, "/etc/real": None, "/other": None, "/other/real": None}
    tree |= {"/etc/again": "real", "/again": "etc/real"}
    assert resolve(GuestPath("/etc/link"), Links(tree)) == leads_to


def test_nothing_is_asked_for_below_what_is_not_there() -> None:
    links = Links({"/link": "/" + "x/" * 2000 + "y"})
    assert resolve(GuestPath("/link"), links) == "/" + "x/" * 2000 + "y"
    assert links.asked == ["/link", "/x"]


def test_a_loop_ends() -> None:
    with pytest.raises(GuestError, match="Too many symbolic links"):
        resolve(GuestPath("/a"), Links({"/a": "b", "/b": "a"}))


@pytest.mark.parametrize("value", ["", "etc", "/a\0", "/a/../b", "/" + "é" * 2048, "/\ud800"])
def test_what_is_no_path(value: str) -> None:
    with pytest.raises(OptionError):
        GuestPath(value)


def test_a_name_may_be_any_bytes() -> None:
    assert GuestPath("//caf\udce9/./x/") == "/caf\udce9/x"


def test_a_path_may_be_given_as_its_bytes() -> None:
    assert GuestPath.given("base64:L2NhZuk=") == "/caf\udce9"
    assert GuestPath.given("/base64:L2NhZuk=") == "/base64:L2NhZuk="


@pytest.mark.parametrize("value", ["base64:", "base64:L2NhZuk", "base64:Y2Fm6Q==", "base64:é", "base64:L2EAYg==", "x"])
def test_what_is_no_path_in_base64(value: str) -> None:
    with pytest.raises(OptionError):
        GuestPath.given(value)
