# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Archives for tests: made from a list of entries, as files of the host."""

from __future__ import annotations

import dataclasses
import io
import stat
import subprocess
import tarfile
import typing as t
import zipfile
from pathlib import Path

TIME = 1_500_000_000
_KINDS = {"directory": tarfile.DIRTYPE, "link": tarfile.SYMTYPE, "hard": tarfile.LNKTYPE, "fifo": tarfile.FIFOTYPE}
_KINDS |= {"char": tarfile.CHRTYPE, "file": tarfile.REGTYPE}


@dataclasses.dataclass(frozen=True)
class Entry:
    """A member to be; ``owner`` and ``group`` are names."""

    name: str
    content: bytes = b""
    kind: str = "file"
    mode: int = 0o644
    target: str = ""
    uid: int = 0
    gid: int = 0
    owner: str = ""
    group: str = ""
    mtime: int = TIME


def folder(name: str, mode: int = 0o755, **fields: t.Any) -> Entry:
    return Entry(name, kind="directory", mode=mode, **fields)


def link(name: str, target: str, **fields: t.Any) -> Entry:
    return Entry(name, kind="link", mode=0o777, target=target, **fields)


def make_tar(path: Path, entries: t.Sequence[Entry]) -> Path:
    """Write a tar archive, compressed by what the end of its name says: gz, bz2, xz or zst."""
    suffix = path.suffix.lstrip(".")
    plain = path.with_suffix(".plain") if suffix == "zst" else path
    mode = f"w:{suffix}" if suffix in ("gz", "bz2", "xz") else "w"
    with tarfile.open(plain, mode, encoding="utf-8", errors="surrogateescape") as archive:  # type: ignore[call-overload]
        for entry in entries:
            info = tarfile.TarInfo(entry.name)
            info.type, info.mode, info.linkname = _KINDS[entry.kind], entry.mode, entry.target
            info.uid, info.gid, info.uname, info.gname = entry.uid, entry.gid, entry.owner, entry.group
            info.mtime, info.size = entry.mtime, len(entry.content)
            archive.addfile(info, io.BytesIO(entry.content))
    if suffix == "zst":
        subprocess.run(["zstd", "-q", "-f", "-o", str(path), str(plain)], check=True)
    return path


def make_zip(path: Path, entries: t.Sequence[Entry]) -> Path:
    """Write a zip archive as a Unix makes it."""
    kinds = {"directory": stat.S_IFDIR, "link": stat.S_IFLNK, "file": stat.S_IFREG, "fifo": stat.S_IFIFO}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for entry in entries:
            name = f"{entry.name}/" if entry.kind == "directory" else entry.name
            info = zipfile.ZipInfo(name, (2017, 7, 14, 2, 40, 0))
            info.create_system, info.external_attr = 3, (kinds[entry.kind] | entry.mode) << 16
            archive.writestr(info, entry.target.encode() if entry.kind == "link" else entry.content)
    return path


def make(path: Path, entries: t.Sequence[Entry]) -> Path:
    return make_zip(path, entries) if path.suffix == ".zip" else make_tar(path, entries)
