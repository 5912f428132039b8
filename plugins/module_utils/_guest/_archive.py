# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""Archives on the host, read as streams: tar, plain or compressed, and zip.

No program reads the archive, with one exception: zstd(1) decompresses where it is needed, as Python has no zstd before
3.14. What an archive is, its first bytes say, and not its name.
"""

from __future__ import annotations

import bz2
import contextlib
import dataclasses
import gzip
import hashlib
import lzma
import posixpath
import shutil
import stat
import struct
import subprocess
import tarfile
import time
import typing as t
import zipfile
import zlib

from .._errors import HostError, OptionError, printable

Kind = t.Literal["file", "directory", "link", "hard", "special"]
Handler = t.Literal["ZipArchive", "TgzArchive", "TarArchive", "TarBzipArchive", "TarXzArchive", "TarZstdArchive"]

_MAGIC: tuple[tuple[bytes, Handler], ...] = (
    (b"PK\x03\x04", "ZipArchive"),
    (b"PK\x05\x06", "ZipArchive"),
    (b"\x1f\x8b", "TgzArchive"),
    (b"BZh", "TarBzipArchive"),
    (b"\xfd7zXZ\0", "TarXzArchive"),
    (b"\x28\xb5\x2f\xfd", "TarZstdArchive"),
)
_DAMAGED = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    ValueError,
    OverflowError,
    struct.error,
)
_MAX_TARGET = 4096
_UMASK = 0o022
DIGEST = "sha256"


class Reader(t.Protocol):
    """The content of a member."""

    def read(self, size: int) -> bytes:
        """Return at most that many bytes; none at the end."""


@dataclasses.dataclass(frozen=True)
class Member:
    """What an archive says of one entry.

    :param number: its place in the archive; a name may be there twice.
    :param name: as the archive has it, a directory's with a slash at the end.
    :param path: relative, without ``.`` and empty parts; empty for the destination itself.
    :param owner: by name, empty where the archive has only ``uid``; likewise ``group``.
    :param mtime: nanoseconds since the epoch.
    :param target: of a symbolic link what it holds, of a hard link the ``path`` of another member.
    :param digest: of a file's content.
    """

    number: int
    name: str
    path: str
    kind: Kind
    mode: int
    size: int = 0
    uid: int = 0
    gid: int = 0
    owner: str = ""
    group: str = ""
    mtime: int = 0
    target: str = ""
    digest: str = dataclasses.field(default="", compare=False)


@dataclasses.dataclass(frozen=True)
class Limits:
    """How much an archive may hold.

    :param size: of all content, in bytes.
    """

    members: int
    size: int


@dataclasses.dataclass(frozen=True)
class Archive:
    """An archive file.

    :param buffer: how many bytes are read at once.
    """

    path: str
    handler: Handler
    limits: Limits
    buffer: int

    @classmethod
    def of(cls, path: str, *, limits: Limits, buffer: int) -> Archive:
        """Look at the first bytes of a file.

        :raises OptionError: there is no such file, or nothing in it.
        """
        try:
            with open(path, "rb") as stream:
                start = stream.read(8)
        except OSError as exc:
            raise OptionError(f"Source '{printable(path)}' cannot be read: {exc.strerror}.") from exc
        if not start:
            raise OptionError(f"Invalid archive '{printable(path)}', the file is 0 bytes")
        handler: Handler = next((name for magic, name in _MAGIC if start.startswith(magic)), "TarArchive")
        return cls(path, handler, limits, buffer)

    def members(self) -> list[Member]:
        """Return all that is in it, with digests of the content.

        :raises OptionError: it is no archive, is damaged, or holds more than is allowed.
        """
        return [self._digested(member, reader) for member, reader in self.contents()]

    def contents(self) -> t.Iterator[tuple[Member, Reader | None]]:
        """Give the members in their order, each with its content, which must be read before the next is asked for."""
        total = 0
        with self.intelligible():
            for member, reader in self._zip() if self.handler == "ZipArchive" else self._tar():
                total += member.size
                self._check(member.number + 1, total)
                yield member, _Content(reader, self) if reader is not None else None

    def _check(self, members: int, size: int) -> None:
        if members > self.limits.members:
            raise OptionError(
                f"The archive has more than {self.limits.members} members.", hint="Raise max_members if that is right."
            )
        if size > self.limits.size:
            raise OptionError(
                f"The content of the archive has more than {self.limits.size} bytes.",
                hint="Raise max_size if that is right.",
            )

    def _digested(self, member: Member, reader: Reader | None) -> Member:
        if reader is None:
            return member
        total, read = hashlib.new(DIGEST), 0
        for block in iter(lambda: reader.read(self.buffer), b""):
            total.update(block)
            read += len(block)
        if read != member.size:
            raise OptionError(f"The archive's member '{printable(member.name)}' ends early.")
        return dataclasses.replace(member, digest=total.hexdigest())

    @contextlib.contextmanager
    def intelligible(self) -> t.Iterator[None]:
        """Say of whatever goes wrong while the archive is read that it is the archive's fault."""
        try:
            yield
        except (*_DAMAGED, OSError, RuntimeError, NotImplementedError) as exc:
            raise OptionError(
                f"Failed to read the archive '{printable(self.path)}': {printable(str(exc))}.",
                hint="It must be a tar archive, plain or compressed by gzip, bzip2, xz or zstd, or a zip archive.",
            ) from exc

    # tar

    def _tar(self) -> t.Iterator[tuple[Member, Reader | None]]:
        with (
            self._decompressed() as stream,
            tarfile.open(
                fileobj=stream, mode="r|", bufsize=self.buffer, encoding="utf-8", errors="surrogateescape"
            ) as archive,
        ):
            for number, info in enumerate(archive):
                member = _tar_member(number, info)
                yield member, t.cast(Reader, archive.extractfile(info)) if member.kind == "file" else None

    def _decompressed(self) -> t.Any:
        openers: dict[str, t.Any] = {
            "TgzArchive": gzip.open,
            "TarBzipArchive": bz2.open,
            "TarXzArchive": lzma.open,
            "TarZstdArchive": _Zstd,
            "TarArchive": open,
        }
        return openers[self.handler](self.path, "rb")

    # zip

    def _zip(self) -> t.Iterator[tuple[Member, Reader | None]]:
        with zipfile.ZipFile(self.path) as archive:
            for number, info in enumerate(archive.infolist()):
                kind = _zip_kind(info)
                if kind == "link":
                    target = archive.read(info) if info.file_size <= _MAX_TARGET else b""
                    yield _zip_member(number, info, kind, target.decode("utf-8", "surrogateescape")), None
                elif kind == "file":
                    with archive.open(info) as stream:
                        yield _zip_member(number, info, kind), t.cast(Reader, stream)
                else:
                    yield _zip_member(number, info, kind), None


@dataclasses.dataclass(frozen=True)
class _Content:
    """A content, whose faults are the archive's."""

    stream: Reader
    archive: Archive

    def read(self, size: int) -> bytes:
        with self.archive.intelligible():
            return self.stream.read(size)


class _Zstd:
    """What zstd(1) makes of a file.

    :raises HostError: the host has no such program.
    """

    def __init__(self, path: str, _mode: str) -> None:
        program = shutil.which("zstd")
        if program is None:
            raise HostError(
                "The archive is compressed by zstd, and the host has no such program.", hint="Install zstd."
            )
        with open(path, "rb") as source:
            # pylint: disable-next=consider-using-with  # it ends with this object
            self._process = subprocess.Popen(
                [program, "-d", "-c", "-q"], stdin=source, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
            )

    def __enter__(self) -> _Zstd:
        return self

    def __exit__(self, *_error: object) -> None:
        self._process.kill()  # it may have more to say than a tar archive has to it
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._process.wait()

    def read(self, size: int) -> bytes:
        """Return at most that many bytes, and at the end none, which is no end of a tar archive if zstd failed."""
        return b"" if self._process.stdout is None else self._process.stdout.read(size)


def clean(name: str) -> str:
    """Return a member's name as a relative path: a slash it begins with goes, as tar and unzip do it.

    :raises OptionError: it leads upwards, or has a NUL byte.
    """
    if ".." in name.split("/") or "\0" in name:
        raise OptionError(
            f"The archive has a member '{printable(name)}', which leads out of the destination.",
            hint="Exclude it, or make the archive without it.",
        )
    path = posixpath.normpath(name.lstrip("/") or ".")
    return "" if path == "." else path


def _tar_member(number: int, info: tarfile.TarInfo) -> Member:
    kinds: dict[bytes, Kind] = {tarfile.DIRTYPE: "directory", tarfile.SYMTYPE: "link", tarfile.LNKTYPE: "hard"}
    kind: Kind = kinds.get(info.type, "file" if info.isreg() else "special")
    return Member(
        number=number,
        name=f"{info.name}/" if kind == "directory" else info.name,
        path=info.name,
        kind=kind,
        mode=stat.S_IMODE(info.mode),
        size=info.size if kind == "file" else 0,
        uid=info.uid,
        gid=info.gid,
        owner=info.uname,
        group=info.gname,
        mtime=int(info.mtime * 10**9) if isinstance(info.mtime, float) else info.mtime * 10**9,
        target=info.linkname if kind in ("link", "hard") else "",
    )


def _zip_kind(info: zipfile.ZipInfo) -> Kind:
    kind = stat.S_IFMT(info.external_attr >> 16) if info.create_system == 3 else 0
    if info.is_dir():
        return "directory"
    if kind == stat.S_IFLNK:
        return "link"
    return "file" if kind in (0, stat.S_IFREG) else "special"


def _zip_member(number: int, info: zipfile.ZipInfo, kind: Kind, target: str = "") -> Member:
    """A zip archive has no owners that unzip(1) uses, and of its permissions that takes nine bits, by the umask."""
    mode = info.external_attr >> 16 & 0o777 if info.create_system == 3 else 0
    return Member(
        number=number,
        name=info.filename,
        path=info.filename,
        kind=kind,
        mode=(mode or (0o777 if kind == "directory" else 0o666)) & ~_UMASK,
        size=info.file_size if kind == "file" else 0,
        mtime=_zip_time(info) * 10**9,
        target=target,
    )


def _zip_time(info: zipfile.ZipInfo) -> int:
    """Return seconds since the epoch: by the extended timestamp where there is one, or else by the host's time zone.

    The extra field 0x5455 is described in proginfo/extrafld.txt of Info-ZIP.
    """
    extra = info.extra
    while len(extra) >= 4:
        identity, size = struct.unpack_from("<HH", extra)
        if identity == 0x5455 and size >= 5 and len(extra) >= 9 and extra[4] & 1:
            return int(struct.unpack_from("<i", extra, 5)[0])
        extra = extra[4 + size :]
    return int(time.mktime((*info.date_time, 0, 0, -1)))
