# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""The packages of a stopped guest, from its package database.

dpkg, apk and pacman keep text and are read here. rpm's database and the Windows registry are read by libguestfs
(``inspect_list_applications2``), which must run its own inspection first: 11 s and more under emulation.
"""

from __future__ import annotations

import re
import typing as t

from .._appliance._calls import Calls
from .._errors import CallError, printable
from ._inspect_blocks import Warn
from ._inspect_view import View
from ._mount import mount_system
from ._system import OperatingSystem

# Debian's status file of a full desktop has 6 MB.
MAX_DATABASE = 32 * 1024 * 1024
MAX_PACKAGES = 50_000
_MAX_TEXT = 200

Package = dict[str, t.Any]


def read_packages(
    calls: Calls, view: View, system: OperatingSystem, allowed_types: t.Sequence[str], warn: Warn
) -> list[Package] | None:
    """Return the installed packages, sorted; None, with a warning, where they cannot be told."""
    packages = _read(calls, view, system, allowed_types, warn)
    if packages is None:
        warn(f"The packages of {system.title} cannot be listed.")
        return None
    if len(packages) > MAX_PACKAGES:
        warn(f"The guest has {len(packages)} packages; {MAX_PACKAGES} of them are listed.")
    return sorted(packages, key=lambda item: (item["name"], item["arch"] or "", item["version"]))[:MAX_PACKAGES]


def _read(
    calls: Calls, view: View, system: OperatingSystem, allowed_types: t.Sequence[str], warn: Warn
) -> list[Package] | None:
    if system.package_format == "deb":
        text = view.text("/var/lib/dpkg/status", max_size=MAX_DATABASE)
        return None if text is None else parse_dpkg_status(text)
    if system.package_format == "apk":
        text = view.text("/lib/apk/db/installed", max_size=MAX_DATABASE)
        return None if text is None else parse_apk_installed(text)
    if system.package_format == "pacman":
        return parse_pacman_names(view.names("/var/lib/pacman/local"))
    if system.package_format == "rpm" or system.type == "windows":
        return _ask_libguestfs(calls, system, allowed_types, warn)
    return None


def _package(name: str, version: str, arch: str | None, *, release: str | None = None, epoch: int = 0) -> Package:
    return {
        "name": printable(name, limit=_MAX_TEXT),
        "epoch": epoch,
        "version": printable(version, limit=_MAX_TEXT),
        "release": printable(release, limit=_MAX_TEXT) if release else None,
        "arch": printable(arch, limit=_MAX_TEXT) if arch else None,
    }


def split_version(text: str) -> tuple[int, str, str | None]:
    """Split ``epoch:version-release`` (deb-version(7)); the release begins after the last hyphen."""
    epoch, colon, rest = text.partition(":")
    if not colon or not re.fullmatch(r"[0-9]{1,9}", epoch):
        epoch, rest = "0", text
    version, hyphen, release = rest.rpartition("-")
    return int(epoch), version if hyphen else rest, release if hyphen else None


def parse_dpkg_status(text: str) -> list[Package]:
    """Return the packages whose status is ``installed``; a paragraph without name or version is passed over."""
    found = []
    for paragraph in re.split(r"\n[ \t]*\n", text):
        fields = _fields(paragraph, ("Package", "Status", "Version", "Architecture"))
        if fields.get("Status", "").split()[-1:] == ["installed"] and "Package" in fields and "Version" in fields:
            epoch, version, release = split_version(fields["Version"])
            arch = fields.get("Architecture")
            found.append(_package(fields["Package"], version, arch, release=release, epoch=epoch))
    return found


def _fields(paragraph: str, wanted: t.Collection[str]) -> dict[str, str]:
    found = {}
    for line in paragraph.split("\n"):
        key, colon, value = line.partition(":")
        if colon and key in wanted:
            found[key] = value.strip()
    return found


def parse_apk_installed(text: str) -> list[Package]:
    """Return the packages of Alpine's database: paragraphs with ``P:`` name, ``V:`` version and ``A:`` architecture."""
    found = []
    for paragraph in text.split("\n\n"):
        fields = _fields(paragraph, ("P", "V", "A"))
        if "P" in fields and "V" in fields:
            version, hyphen, release = fields["V"].rpartition("-")
            plain = version if hyphen else fields["V"]
            found.append(_package(fields["P"], plain, fields.get("A"), release=release if hyphen else None))
    return found


def parse_pacman_names(names: t.Sequence[str]) -> list[Package]:
    """Read pacman's folders, ``name-epoch:version-release``; the architecture is only in the files inside."""
    found = []
    for name in names:
        match = re.fullmatch(r"(.+)-(?:([0-9]{1,9}):)?([^-]+)-([^-]+)", name)
        if match:
            epoch = int(match.group(2) or 0)
            found.append(_package(match.group(1), match.group(3), None, release=match.group(4), epoch=epoch))
    return found


def _ask_libguestfs(
    calls: Calls, system: OperatingSystem, allowed_types: t.Sequence[str], warn: Warn
) -> list[Package] | None:
    try:
        roots = calls.inspect_os()
        mount_system(calls, system, allowed_types=allowed_types, readonly=True, warn=warn)
        rows = calls.inspect_list_applications2(system.root) if system.root in roots else None
    except CallError as exc:
        warn(f"libguestfs cannot list the packages: {exc.message}.")
        return None
    if rows is None:
        return None
    return [
        _package(
            row["app2_name"],
            row["app2_version"],
            row["app2_arch"],
            release=row["app2_release"],
            epoch=int(row["app2_epoch"]),
        )
        for row in rows
    ]
