# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Against QEMU: images that qemu-img makes are read as qemu-img reads them, or refused for what they are."""

from __future__ import annotations

import json
import pathlib
import shutil
import struct
import subprocess
import typing as t

import pytest
from ansible_collections.offline.guest.plugins.module_utils._appliance._header import read_header
from ansible_collections.offline.guest.plugins.module_utils._appliance._image import Image
from ansible_collections.offline.guest.plugins.module_utils._appliance._verify import verify
from ansible_collections.offline.guest.plugins.module_utils._errors import HeaderError
from ansible_collections.offline.guest.tests.unit.appliance import header_builders as make

pytestmark = pytest.mark.skipif(shutil.which("qemu-img") is None, reason="qemu-utils is not installed")


def _qemu_img(*args: str, cwd: pathlib.Path) -> str:
    for _attempt in range(10):
        done = subprocess.run(["qemu-img", *args], cwd=cwd, capture_output=True, text=True, timeout=120, check=False)
        # On a busy machine QEMU cannot measure how long a key derivation takes, and gives up (crypto/pbkdf.c).
        if "Unable to get accurate CPU usage" not in done.stderr:
            break
    assert done.returncode == 0, done.stderr
    return done.stdout


def _create(folder: pathlib.Path, format_name: str, size: str, options: str = "") -> pathlib.Path:
    extra = ["-o", options] if options else []
    _qemu_img("create", "-q", "-f", format_name, *extra, "image", size, cwd=folder)
    return folder / "image"


def _qemu_size(path: pathlib.Path, format_name: str) -> int:
    shown = _qemu_img("info", "-f", format_name, "--output", "json", str(path), cwd=path.parent)
    return int(json.loads(shown)["virtual-size"])


ACCEPTED = [
    ("raw", ""),
    ("raw", "preallocation=falloc"),
    ("qcow2", ""),
    ("qcow2", "compat=0.10"),
    ("qcow2", "lazy_refcounts=on"),
    ("qcow2", "cluster_size=512"),
    ("qcow2", "cluster_size=2M"),
    ("qcow2", "extended_l2=on"),
    ("qcow2", "compression_type=zstd"),
    ("qcow2", "refcount_bits=1"),
    ("qcow2", "preallocation=metadata"),
    ("vmdk", ""),
    ("vmdk", "subformat=streamOptimized"),
    ("vmdk", "adapter_type=lsilogic,hwversion=10"),
    ("vmdk", "zeroed_grain=on"),
    ("vdi", ""),
    ("vdi", "static=on"),
    ("vhdx", ""),
    ("vhdx", "subformat=fixed"),
    ("vhdx", "block_size=1M"),
    ("vpc", ""),
    ("vpc", "subformat=fixed"),
    ("vpc", "force_size=on"),
    ("vpc", "subformat=fixed,force_size=on"),
]


@pytest.mark.parametrize("size", ["1M", "10M", "33554944", "48M"])
@pytest.mark.parametrize(("format_name", "options"), ACCEPTED)
def test_same_size_as_qemu(format_name: t.Any, options: str, size: str, tmp_path: pathlib.Path) -> None:
    path = _create(tmp_path, format_name, size, options)
    verified = verify(Image.from_params({"image": str(path), "format": format_name}))
    assert verified.virtual_size == _qemu_size(path, format_name)
    assert verified.warnings == ()


@pytest.mark.parametrize(
    ("format_name", "options"),
    [("raw", ""), ("qcow2", ""), ("vmdk", ""), ("vdi", ""), ("vhdx", ""), ("vpc", ""), ("vpc", "force_size=on")],
)
@pytest.mark.parametrize("size", ["5G", "300G", "1T"])
def test_same_size_as_qemu_when_large(format_name: t.Any, options: str, size: str, tmp_path: pathlib.Path) -> None:
    path = _create(tmp_path, format_name, size, options)
    assert read_header(str(path), format_name).virtual_size == _qemu_size(path, format_name)


@pytest.mark.parametrize("creator", [b"vpc ", b"qemu", b"qem2", b"win ", b"d2v ", b"CTXS", b"tap\0", b"abcd"])
@pytest.mark.parametrize("geometry", [(30, 4, 17), (65535, 16, 255)])
def test_size_of_vhd_by_creator(creator: bytes, geometry: tuple[int, int, int], tmp_path: pathlib.Path) -> None:
    """Whether geometry or size counts depends on who made the image, and on the geometry being the largest."""
    path = tmp_path / "image"
    footer = make.vhd_footer(creator=creator, geometry=geometry, size=make.MIB)
    path.write_bytes(make.vhd_dynamic(footer=footer))
    assert read_header(str(path), "vpc").virtual_size == _qemu_size(path, "vpc")


@pytest.mark.parametrize("size", [1, 511, 513, 1000, 1048577])
def test_raw_that_is_no_whole_sectors(size: int, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "image"
    path.write_bytes(b"x" * size)
    verified = verify(Image(str(path), "raw"))
    assert verified.virtual_size == _qemu_size(path, "raw")
    assert "no whole sectors" in verified.warnings[0]


def test_odd_qcow2_and_vdi_sizes(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "image"
    path.write_bytes(make.qcow2(size=make.MIB - 100))
    assert read_header(str(path), "qcow2").virtual_size == _qemu_size(path, "qcow2")
    path.write_bytes(make.vdi(size=make.MIB - 100))
    assert read_header(str(path), "vdi").virtual_size == _qemu_size(path, "vdi")


def test_converted_stream_optimized(tmp_path: pathlib.Path) -> None:
    """A real stream has its header at the end."""
    _create(tmp_path, "raw", "3M")
    _qemu_img("convert", "-f", "raw", "-O", "vmdk", "-o", "subformat=streamOptimized", "image", "stream", cwd=tmp_path)
    header = read_header(str(tmp_path / "stream"), "vmdk")
    assert header.virtual_size == 3 << 20
    assert "subformat=streamOptimized" in header.features
    assert header.write_refused


@pytest.mark.parametrize(
    ("format_name", "options", "error"),
    [
        ("qcow2", "data_file=data", "external data file data"),
        ("qcow2", "data_file=data,data_file_raw=on", "external data file data"),
        ("qcow2", "encrypt.format=luks,encrypt.key-secret=key", "encrypted by QEMU"),
        ("vmdk", "subformat=monolithicFlat", "extent image-flat"),
        ("vmdk", "subformat=twoGbMaxExtentSparse", "extent image-s001"),
        ("vmdk", "subformat=twoGbMaxExtentFlat", "extent image-f001"),
    ],
)
def test_refused_kinds(format_name: t.Any, options: str, error: str, tmp_path: pathlib.Path) -> None:
    secret = ["--object", "secret,id=key,data=abc"] if "key-secret" in options else []
    _qemu_img("create", "-q", *secret, "-f", format_name, "-o", options, "image", "1M", cwd=tmp_path)
    with pytest.raises(HeaderError, match=error):
        verify(Image(str(tmp_path / "image"), format_name))


def test_vmdk_on_another_is_refused(tmp_path: pathlib.Path) -> None:
    _qemu_img("create", "-q", "-f", "vmdk", "base", "1M", cwd=tmp_path)
    _qemu_img("create", "-q", "-f", "vmdk", "-b", "base", "-F", "vmdk", "image", cwd=tmp_path)
    with pytest.raises(HeaderError, match="parent base"):
        verify(Image(str(tmp_path / "image"), "vmdk"))


@pytest.mark.parametrize("base_format", ["raw", "qcow2", "vmdk", "vdi", "vhdx", "vpc"])
def test_chain(base_format: t.Any, tmp_path: pathlib.Path) -> None:
    _qemu_img("create", "-q", "-f", base_format, "base", "10M", cwd=tmp_path)
    _qemu_img("create", "-q", "-f", "qcow2", "-b", "base", "-F", base_format, "middle", cwd=tmp_path)
    _qemu_img("create", "-q", "-f", "qcow2", "-b", str(tmp_path / "middle"), "-F", "qcow2", "top", "20M", cwd=tmp_path)
    base = {"image": str(tmp_path / "base"), "format": base_format}
    middle = {"image": str(tmp_path / "middle"), "format": "qcow2", "backing": base}
    verified = verify(Image.from_params({"image": str(tmp_path / "top"), "format": "qcow2", "backing": middle}))
    assert [link.image.format for link in verified.chain] == ["qcow2", "qcow2", base_format]
    assert verified.virtual_size == 20 << 20
    assert verified.chain[2].header.virtual_size == _qemu_size(tmp_path / "base", base_format)


def test_azure_hint_works(tmp_path: pathlib.Path) -> None:
    """The command that the refusal suggests gives an image of the full size, with this version of QEMU too."""
    path = tmp_path / "image"
    path.write_bytes(make.vhd_dynamic(footer=make.vhd_footer(creator=b"wa\0\0", geometry=(2, 4, 17))))
    with pytest.raises(HeaderError) as caught:
        read_header(str(path), "vpc")
    command = caught.value.hint.split("qemu-img ")[1].rstrip(".").replace("IMAGE", str(path)).replace("NEW", "new")
    _qemu_img(*command.split(), cwd=tmp_path)
    assert _qemu_size(tmp_path / "new", "qcow2") == make.MIB


def test_dirty_and_corrupt_bits(tmp_path: pathlib.Path) -> None:
    path = _create(tmp_path, "qcow2", "1M")
    content = bytearray(path.read_bytes())
    content[72:80] = struct.pack(">Q", 1)
    path.write_bytes(content)
    assert "dirty" in read_header(str(path), "qcow2").features
    content[72:80] = struct.pack(">Q", 2)
    path.write_bytes(content)
    with pytest.raises(HeaderError, match="marked as corrupt"):
        read_header(str(path), "qcow2")
