# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hostile headers: refused with a message that helps, bounded in what they cost, and never a byte of the secret."""

from __future__ import annotations

import pathlib
import shutil
import subprocess
import typing as t

import pytest
from ansible_collections.offline.guest.plugins.module_utils._appliance import _header, _header_base
from ansible_collections.offline.guest.plugins.module_utils._appliance._header_vhdx import crc32c
from ansible_collections.offline.guest.plugins.module_utils._appliance._image import Image
from ansible_collections.offline.guest.plugins.module_utils._appliance._verify import verify
from ansible_collections.offline.guest.plugins.module_utils._errors import HeaderError, ImageError, OptionError
from ansible_collections.offline.guest.tests.unit.appliance import header_builders as make
from ansible_collections.offline.guest.tests.unit.appliance.header_cases import (
    ACCEPTED_AS_RAW,
    CASES,
    SECRET,
    Case,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

needs_qemu = pytest.mark.skipif(shutil.which("qemu-io") is None, reason="qemu-utils is not installed")


def _name(case: Case) -> str:
    return f"{case.format}-{case.name}"


@pytest.mark.parametrize("case", CASES, ids=_name)
def test_refused(case: Case, tmp_path: pathlib.Path) -> None:
    image = Image.from_params(case.write(tmp_path))
    with pytest.raises(ImageError) as caught:
        verify(image)
    message = str(caught.value)
    assert case.error in message
    assert message.isprintable()
    assert "{{" not in message
    assert "{%" not in message
    for start in range(len(SECRET) - 8):
        assert SECRET[start : start + 8].decode() not in message


@pytest.mark.parametrize("case", [case for case in CASES if case.leaks], ids=_name)
@needs_qemu
def test_leaks_through_qemu(case: Case, tmp_path: pathlib.Path) -> None:
    """The cases that claim it are real attacks: QEMU itself shows the secret."""
    options = case.write(tmp_path)
    command = ["qemu-io", "-r", "-f", case.format, "-c", "read -v 0 512", options["image"]]
    shown = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert "VERYSECRETHASH" in "".join(line[60:76] for line in shown.stdout.splitlines()), shown


@pytest.mark.parametrize("case", ACCEPTED_AS_RAW, ids=_name)
def test_accepted_as_raw(case: Case, tmp_path: pathlib.Path) -> None:
    image = Image.from_params(case.write(tmp_path))
    verified = verify(image)
    header = verified.chain[0].header
    assert header.references == ()
    assert verified.virtual_size == -(-(tmp_path / "image").stat().st_size // 512) * 512
    assert "is used as raw" in verified.warnings[0]


def test_collection_is_large_enough() -> None:
    assert len({_name(case) for case in CASES}) == len(CASES) >= 30
    assert sum(case.leaks for case in CASES) >= 10


def test_unknown_format(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "image"
    path.write_bytes(bytes(1024))
    with pytest.raises(OptionError, match="qcow is not an image format"):
        _header.read_header(str(path), t.cast("_header.Format", "qcow"))


@pytest.mark.parametrize(
    ("format_name", "content"),
    [
        ("qcow2", make.qcow2()),
        ("qcow2", make.qcow2(version=2)),
        ("qcow2", make.qcow2(incompatible=1, compatible=1)),
        ("qcow2", make.qcow2(compatible=1 << 40, autoclear=1 << 41)),
        ("vmdk", make.vmdk_sparse()),
        ("vmdk", make.vmdk_sparse(directory_offset=2**64 - 1, capacity=4096, footer=make.vmdk_footer(2048))),
        ("vdi", make.vdi(size=make.MIB - 100)),
        ("vpc", make.vhd_dynamic()),
        ("vpc", bytes(make.MIB) + make.vhd_footer(kind=2)),
        ("vhdx", make.vhdx(crc32c)),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
@needs_qemu
def test_built_images_are_accepted_and_qemu_agrees(format_name: t.Any, content: bytes, tmp_path: pathlib.Path) -> None:
    """The builders make images that QEMU opens, so that each refusal is for the one thing a case gets wrong."""
    path = tmp_path / "image"
    path.write_bytes(content)
    header = _header.read_header(str(path), format_name)
    assert header.virtual_size == make.MIB
    assert header.references == ()
    command = ["qemu-io", "-r", "-f", format_name, "-c", "length", str(path)]
    shown = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert shown.stdout.strip() == "1 MiB"


def test_stream_optimized_cannot_be_written(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "image"
    path.write_bytes(make.vmdk_sparse(compression=1))
    assert "streamOptimized" in _header.read_header(str(path), "vmdk").write_refused
    path.write_bytes(make.vmdk_sparse(version=3))
    assert "version 3" in _header.read_header(str(path), "vmdk").write_refused
    path.write_bytes(make.vmdk_sparse())
    assert _header.read_header(str(path), "vmdk").write_refused == ""


def test_recovery_may_open_an_unclean_vhdx(tmp_path: pathlib.Path) -> None:
    """A commit that was killed leaves a log behind, and the commit that is repeated replays it."""
    path = tmp_path / "image"
    path.write_bytes(make.vhdx(crc32c, log=b"\x09" * 16))
    image = Image(str(path), "vhdx")
    assert verify(image, recovering=True).virtual_size == make.MIB
    top = tmp_path / "top"
    top.write_bytes(make.qcow2(backing=b"image", extensions=make.extension(make.BACKING_FORMAT, b"vhdx")))
    with pytest.raises(HeaderError, match="log has to be replayed"):
        verify(Image(str(top), "qcow2", image), recovering=True)


def test_version_2_with_snapshots_cannot_grow(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "image"
    path.write_bytes(make.qcow2(version=2, snapshots=1))
    assert "snapshots" in _header.read_header(str(path), "qcow2").grow_refused


# Fuzzing: whatever the bytes are, a reader returns a header or raises an ImageError, within the limit of its reads.

_SEEDS: dict[str, list[bytes]] = {
    "raw": [make.qcow2()[:4096], make.vhd_dynamic()],
    "qcow2": [
        make.qcow2(backing=b"base", extensions=make.extension(make.BACKING_FORMAT, b"raw"))[:4096],
        make.qcow2(version=2)[:4096],
    ],
    "vmdk": [make.vmdk_sparse(), make.vmdk_sparse(directory_offset=2**64 - 1, footer=make.vmdk_footer(2048))],
    "vdi": [make.vdi()],
    "vpc": [make.vhd_dynamic(), bytes(1024) + make.vhd_footer(kind=2, size=1024)],
    "vhdx": [make.vhdx(crc32c), make.vhdx(crc32c, flags=2, locator=make.vhdx_locator("parent"))],
}
_WHERE = {"vhdx": [0, 1 << 16, 2 << 16, 3 << 16, 2 << 20, (2 << 20) + 65536], "vmdk": [0, 512, 1024]}


def _read_hostile(folder: pathlib.Path, format_name: t.Any, content: bytes) -> None:
    path = folder / "image"
    path.write_bytes(content)
    if not content:
        return
    with _header_base.open_source(str(path)) as source:
        try:
            header = _header.read_source(source, format_name)
        except HeaderError as error:
            assert str(error).isprintable()
        else:
            assert 0 <= header.virtual_size < 1 << 63 or header.references
        assert source.bytes_read <= _header_base.READ_LIMIT


_fuzz = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@pytest.mark.parametrize("format_name", _header.FORMATS)
@_fuzz
@given(data=st.data())
def test_mutated_headers(format_name: str, tmp_path: pathlib.Path, data: st.DataObject) -> None:
    content = bytearray(data.draw(st.sampled_from(_SEEDS[format_name])))
    for _change in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.sampled_from(_WHERE.get(format_name, [0, len(content) - 512])))
        place = min(len(content) - 1, start + data.draw(st.integers(0, 511)))
        patch = data.draw(st.one_of(st.binary(min_size=1, max_size=16), st.sampled_from([b"\0" * 8, b"\xff" * 8])))
        content[place : place + len(patch)] = patch[: len(content) - place]
    end = data.draw(st.one_of(st.none(), st.integers(1, len(content))))
    _read_hostile(tmp_path, format_name, bytes(content[:end]))


@pytest.mark.parametrize("format_name", _header.FORMATS)
@_fuzz
@given(rest=st.binary(max_size=2048), keep=st.integers(0, 72))
def test_random_headers(format_name: str, tmp_path: pathlib.Path, rest: bytes, keep: int) -> None:
    _read_hostile(tmp_path, format_name, _SEEDS[format_name][0][:keep] + rest)


@_fuzz
@given(name=st.binary(min_size=1, max_size=1023))
def test_any_backing_name_is_shown_safely(tmp_path: pathlib.Path, name: bytes) -> None:
    path = tmp_path / "image"
    path.write_bytes(make.qcow2(backing=name, extensions=make.extension(make.BACKING_FORMAT, b"raw")))
    with pytest.raises(HeaderError) as caught:
        verify(Image(str(path), "qcow2"))
    message = str(caught.value)
    assert message.isprintable()
    assert "{{" not in message
    assert "{%" not in message
    assert len(message) < 3000


def test_limit_of_reads(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "image"
    path.write_bytes(bytes(1024))
    with _header_base.open_source(str(path)) as source:
        for _time in range(_header_base.READ_LIMIT // 1024):
            source.read(0, 1024, "header")
        with pytest.raises(HeaderError, match="header of more than"):
            source.read(0, 1, "header")


def test_crc32c() -> None:
    """The check value of CRC-32C in the catalogue of parametrised CRC algorithms."""
    assert crc32c(b"123456789") == 0xE3069283
