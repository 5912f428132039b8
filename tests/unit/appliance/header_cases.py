# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Malicious, damaged and deceptive images: each is refused before QEMU sees it, and none shows a byte of the secret.

Every case builds its image in a folder that also holds :data:`SECRET_NAME`, a host file that the image tries to reach.
Unit tests give the images to the verifier, integration tests to whole modules.
"""

from __future__ import annotations

import pathlib
import struct
import typing as t
from dataclasses import dataclass

from ansible_collections.offline.guest.plugins.module_utils._appliance._header_vhdx import crc32c
from ansible_collections.offline.guest.tests.unit.appliance import header_builders as make

SECRET_NAME = "host-secret.txt"
SECRET = (b"root:$6$VERYSECRETHASH$" * 30)[:512]
"""What the secret file holds: one sector, so that a reader of sectors would show all of it."""

ESCAPES = "\x1b[31m\n{{ lookup('file','x') }}{% raw %}\u202e\udcff"


@dataclass(frozen=True)
class Case:
    """One image.

    :param build: returns the image's bytes, given the path of the secret.
    :param error: what the refusal has to say, among other things.
    :param backing: the options of the declared backing image, given the folder.
    :param leaks: QEMU gives out the secret's bytes when it opens this image; a test shows that it is not a toy.
    """

    name: str
    format: str
    build: t.Callable[[str], bytes]
    error: str
    backing: t.Callable[[pathlib.Path], dict[str, t.Any]] | None = None
    leaks: bool = False

    def write(self, folder: pathlib.Path) -> dict[str, t.Any]:
        """Write the secret and the image into ``folder``; return the image's options."""
        secret = folder / SECRET_NAME
        secret.write_bytes(SECRET)
        image = folder / "image"
        image.write_bytes(self.build(str(secret)))
        params: dict[str, t.Any] = {"image": str(image), "format": self.format}
        if self.backing is not None:
            params["backing"] = self.backing(folder)
        return params


def _qcow2_on(name: str | bytes, format_name: bytes = b"raw", **fields: t.Any) -> bytes:
    raw = name if isinstance(name, bytes) else name.encode("utf-8", "surrogateescape")
    extensions = make.extension(make.BACKING_FORMAT, format_name) if format_name else b""
    return make.qcow2(backing=raw, extensions=extensions, **fields)


def _with_data_file(name: str, *, bit: bool = True, **fields: t.Any) -> bytes:
    extensions = make.extension(make.DATA_FILE, name.encode()) if name else b""
    return make.qcow2(extensions=extensions, incompatible=4 if bit else 0, allocated=bit, **fields)


def _two_links(folder: pathlib.Path) -> dict[str, t.Any]:
    """A middle image that names the secret, declared without a backing image of its own."""
    (folder / "middle").write_bytes(_qcow2_on(str(folder / SECRET_NAME)))
    return {"image": str(folder / "middle"), "format": "qcow2"}


def _secret_as_qcow2(folder: pathlib.Path) -> dict[str, t.Any]:
    return {"image": str(folder / SECRET_NAME), "format": "qcow2"}


def _other_file(folder: pathlib.Path) -> dict[str, t.Any]:
    (folder / "other").write_bytes(bytes(make.MIB))
    return {"image": str(folder / "other"), "format": "raw"}


def _itself(folder: pathlib.Path) -> dict[str, t.Any]:
    return {"image": str(folder / "image"), "format": "qcow2"}


def _itself_endless(folder: pathlib.Path) -> dict[str, t.Any]:
    return {**_itself(folder), "backing": {**_itself(folder), "backing": _itself(folder)}}


def _secret_as_raw(folder: pathlib.Path) -> dict[str, t.Any]:
    return {"image": str(folder / SECRET_NAME), "format": "raw"}


_STREAM: dict[str, t.Any] = {"directory_offset": 2**64 - 1}
_PARENT_ID = b"\x55" * 16

QCOW2 = [
    Case("backing-secret", "qcow2", _qcow2_on, "a backing file that is not declared", leaks=True),
    Case("backing-v2-secret", "qcow2", lambda secret: _qcow2_on(secret, version=2), "not declared", leaks=True),
    Case(
        "backing-relative", "qcow2", lambda _secret: _qcow2_on(SECRET_NAME), f"not declared: {SECRET_NAME}", leaks=True
    ),
    Case("backing-traversal", "qcow2", lambda _secret: _qcow2_on("../../etc/shadow"), "not declared: ../../etc/shadow"),
    Case("backing-no-format", "qcow2", lambda secret: _qcow2_on(secret, b""), "not declared", leaks=True),
    Case(
        "backing-no-format-declared",
        "qcow2",
        lambda _secret: _qcow2_on(SECRET_NAME, b""),
        "but not its format, so QEMU would guess it",
        backing=_secret_as_raw,
    ),
    Case(
        "backing-other-format",
        "qcow2",
        lambda _secret: _qcow2_on(SECRET_NAME),
        "is of format raw, but qcow2 is declared",
        backing=_secret_as_qcow2,
    ),
    Case("backing-other-file", "qcow2", _qcow2_on, "names another backing file", backing=_other_file),
    Case(
        "backing-json",
        "qcow2",
        lambda secret: _qcow2_on(f'json:{{"driver":"raw","file":{{"driver":"file","filename":"{secret}"}}}}'),
        "by a protocol and not as a plain file: json:",
        leaks=True,
    ),
    Case("backing-nbd", "qcow2", lambda _secret: _qcow2_on("nbd:127.0.0.1:10809"), "by a protocol"),
    Case("backing-nbd-uri", "qcow2", lambda _secret: _qcow2_on("nbd+unix:///?socket=/run/x"), "by a protocol"),
    Case("backing-http", "qcow2", lambda _secret: _qcow2_on("http://169.254.169.254/latest"), "by a protocol"),
    Case("backing-file-protocol", "qcow2", lambda secret: _qcow2_on(f"file:{secret}"), "by a protocol", leaks=True),
    Case("backing-escapes", "qcow2", lambda _secret: _qcow2_on(ESCAPES), "\\x1b[31m\\n{\\x7b lookup"),
    Case("backing-nul", "qcow2", lambda secret: _qcow2_on(f"{secret}\0.qcow2"), "NUL byte", leaks=True),
    Case("backing-format-nul", "qcow2", lambda secret: _qcow2_on(secret, b"raw\0x"), "NUL byte"),
    Case(
        "backing-twice-format",
        "qcow2",
        lambda secret: make.qcow2(
            backing=secret.encode(),
            extensions=make.extension(make.BACKING_FORMAT, b"qcow2") + make.extension(make.BACKING_FORMAT, b"raw"),
        ),
        "header extension 0xe2792aca twice",
        leaks=True,
    ),
    Case(
        "backing-past-end",
        "qcow2",
        lambda _secret: make.qcow2(backing_offset=2**40, backing_size=100),
        "outside of its first cluster",
    ),
    Case(
        "backing-past-cluster",
        "qcow2",
        lambda _secret: make.qcow2(backing_offset=65500, backing_size=1023),
        "invalid backing file name",
    ),
    Case(
        "backing-in-header",
        "qcow2",
        lambda _secret: make.qcow2(backing_offset=8, backing_size=8),
        "invalid backing file name",
    ),
    Case(
        "backing-huge-name",
        "qcow2",
        lambda _secret: make.qcow2(backing_offset=200, backing_size=2**32 - 1),
        "invalid backing file name",
    ),
    Case("backing-empty-name", "qcow2", lambda _secret: make.qcow2(backing_offset=200), "invalid backing file name"),
    Case(
        "backing-second-link",
        "qcow2",
        lambda _secret: _qcow2_on("middle", b"qcow2"),
        "not declared",
        backing=_two_links,
        leaks=True,
    ),
    Case("backing-itself", "qcow2", lambda _secret: _qcow2_on("image", b"qcow2"), "loop", backing=_itself),
    Case(
        "backing-itself-endless", "qcow2", lambda _secret: _qcow2_on("image", b"qcow2"), "loop", backing=_itself_endless
    ),
    Case(
        "backing-declared-absent",
        "qcow2",
        lambda _secret: make.qcow2(),
        "has no backing file, but",
        backing=_other_file,
    ),
    Case("data-file", "qcow2", _with_data_file, "as its external data file", leaks=True),
    Case(
        "data-file-raw",
        "qcow2",
        lambda secret: _with_data_file(secret, autoclear=2),
        "as its external data file",
        leaks=True,
    ),
    Case(
        "data-file-json",
        "qcow2",
        lambda secret: _with_data_file(f'json:{{"driver":"file","filename":"{secret}"}}'),
        "data file json:",
    ),
    Case(
        "data-file-unnamed",
        "qcow2",
        lambda _secret: _with_data_file(""),
        "as its external data file, without naming it",
    ),
    Case(
        "data-file-without-bit", "qcow2", lambda secret: _with_data_file(secret, bit=False), "as its external data file"
    ),
    Case(
        "extension-huge",
        "qcow2",
        lambda _secret: make.qcow2(extensions=make.extension(make.DATA_FILE, b"", length=2**32 - 1)),
        "too long",
    ),
    Case("header-huge", "qcow2", lambda _secret: make.qcow2(header_length=2**32 - 8), "header length"),
    Case("header-short", "qcow2", lambda _secret: make.qcow2(header_length=72), "header length"),
    Case("features-unknown", "qcow2", lambda _secret: make.qcow2(incompatible=1 << 5 | 1 << 63), "0x8000000000000020"),
    Case("features-compression", "qcow2", lambda _secret: make.qcow2(incompatible=8), "compression type"),
    Case("corrupt", "qcow2", lambda _secret: make.qcow2(incompatible=2), "qemu-img check -r all -f qcow2"),
    Case("encrypted-aes", "qcow2", lambda _secret: make.qcow2(encryption=1), "is encrypted by QEMU"),
    Case("encrypted-luks", "qcow2", lambda _secret: make.qcow2(encryption=2), "is encrypted by QEMU"),
    Case(
        "encrypted-by-extension",
        "qcow2",
        lambda _secret: make.qcow2(extensions=make.extension(make.ENCRYPTION, bytes(16))),
        "is encrypted by QEMU",
    ),
    Case("refcounts-wide", "qcow2", lambda _secret: make.qcow2(refcount_order=7), "reference count width"),
    Case("cluster-huge", "qcow2", lambda _secret: make.qcow2(cluster_bits=63), "cluster size"),
    Case("cluster-tiny", "qcow2", lambda _secret: make.qcow2(cluster_bits=0), "cluster size"),
    Case("version-1", "qcow2", lambda _secret: make.qcow2(version=1), "version 1, which is not supported"),
    Case("size-huge", "qcow2", lambda _secret: make.qcow2(size=2**64 - 1), "impossible virtual size"),
    Case("size-beyond-table", "qcow2", lambda _secret: make.qcow2(size=2**50), "too small for its virtual size"),
    Case("size-zero", "qcow2", lambda _secret: make.qcow2(size=0), "virtual size of 0 bytes"),
    Case("table-huge", "qcow2", lambda _secret: make.qcow2(l1_entries=2**32 - 1), "too large"),
    Case("snapshots-many", "qcow2", lambda _secret: make.qcow2(snapshots=2**32 - 1), "snapshots"),
    Case("truncated", "qcow2", lambda _secret: make.qcow2()[:80], "truncated"),
    Case("raw-content", "qcow2", lambda _secret: bytes(make.MIB), "has no qcow2 header"),
    Case("vmdk-content", "qcow2", lambda _secret: make.vmdk_sparse(), "The file bears the signature of vmdk"),
]

VMDK = [
    Case(
        "flat-secret",
        "vmdk",
        lambda secret: make.vmdk_descriptor(f'RW 1 FLAT "{secret}" 0'),
        "as its extent",
        leaks=True,
    ),
    Case(
        "flat-relative",
        "vmdk",
        lambda _secret: make.vmdk_descriptor(f'RW 1 FLAT "{SECRET_NAME}" 0'),
        f"extent {SECRET_NAME}",
        leaks=True,
    ),
    Case(
        "flat-traversal",
        "vmdk",
        lambda _secret: make.vmdk_descriptor('RW 1 FLAT "../../../etc/shadow" 0'),
        "extent ../../../etc/shadow",
    ),
    Case(
        "vmfs-secret",
        "vmdk",
        lambda secret: make.vmdk_descriptor(f'RW 1 VMFS "{secret}"', kind="vmfs"),
        "as its extent",
        leaks=True,
    ),
    Case(
        "flat-second",
        "vmdk",
        lambda secret: make.vmdk_descriptor(f'RW 1 FLAT "image" 0\nRW 1 FLAT "{secret}" 0'),
        "as its extent image",
    ),
    Case(
        "flat-escapes", "vmdk", lambda _secret: make.vmdk_descriptor('RW 1 FLAT "\x1b]0;{{ x }}" 0'), "\\x1b]0;{\\x7b x"
    ),
    Case(
        "sparse-without-capacity",
        "vmdk",
        lambda secret: make.vmdk_sparse(capacity=0, descriptor=make.vmdk_descriptor(f'RW 1 FLAT "{secret}" 0')),
        "as its extent",
        leaks=True,
    ),
    Case(
        "sparse-without-capacity-itself",
        "vmdk",
        lambda _secret: make.vmdk_sparse(capacity=0),
        "as its extent image.vmdk",
    ),
    Case(
        "sparse-two-extents",
        "vmdk",
        lambda secret: make.vmdk_sparse(descriptor=make.vmdk_descriptor(f'RW 1 SPARSE "a"\nRW 1 FLAT "{secret}" 0')),
        "as its extent a",
    ),
    Case(
        "sparse-path",
        "vmdk",
        lambda secret: make.vmdk_sparse(descriptor=make.vmdk_descriptor(f'RW 1 SPARSE "{secret}"')),
        "as its extent",
    ),
    Case(
        "parent-hint",
        "vmdk",
        lambda secret: make.vmdk_sparse(descriptor=make.vmdk_descriptor("", kind="monolithicSparse", hint=secret)),
        "as its parent",
    ),
    Case(
        "parent-hint-hidden",
        "vmdk",
        lambda secret: make.vmdk_sparse(
            descriptor=make.vmdk_descriptor("").ljust(9000, b"\n") + f'#parentFileNameHint="{secret}"'.encode(),
            descriptor_size=1,
        ),
        "as its parent",
    ),
    Case(
        "parent-cid",
        "vmdk",
        lambda _secret: make.vmdk_sparse(descriptor=make.vmdk_descriptor("", parent_cid="12345678")),
        "parentCID=12345678",
    ),
    Case("descriptor-elsewhere", "vmdk", lambda _secret: make.vmdk_sparse(descriptor_offset=9), "unusual place"),
    Case("descriptor-huge", "vmdk", lambda _secret: make.vmdk_sparse(descriptor_size=2**63), "unusual place"),
    Case("descriptor-missing", "vmdk", lambda _secret: make.vmdk_sparse(descriptor=b""), "has no VMDK descriptor"),
    Case("capacity-huge", "vmdk", lambda _secret: make.vmdk_sparse(capacity=2**64 - 1), "impossible virtual size"),
    Case("footer-missing", "vmdk", lambda _secret: make.vmdk_sparse(**_STREAM), "no VMDK footer"),
    Case(
        "footer-size",
        "vmdk",
        lambda _secret: make.vmdk_sparse(**_STREAM, footer=make.vmdk_footer(2**60)),
        "impossible virtual size",
    ),
    Case(
        "footer-marker",
        "vmdk",
        lambda _secret: make.vmdk_sparse(**_STREAM, footer=make.vmdk_footer(2048, kind=2)),
        "no VMDK footer",
    ),
    Case(
        "footer-header",
        "vmdk",
        lambda _secret: make.vmdk_sparse(**_STREAM, footer=make.vmdk_footer(2048).replace(b"KDMV", b"KDMW")),
        "no VMDK footer",
    ),
    Case(
        "grain-size",
        "vmdk",
        lambda _secret: make.vmdk_sparse(**_STREAM, footer=make.vmdk_footer(2048, grain_size=0)),
        "invalid VMDK grain table",
    ),
    Case("compression", "vmdk", lambda _secret: make.vmdk_sparse(compression=7), "unknown VMDK compression (7)"),
    Case("version-9", "vmdk", lambda _secret: make.vmdk_sparse(version=9), "version 9"),
    Case("cowd", "vmdk", lambda _secret: b"COWD".ljust(4096, b"\0"), "COWD"),
    Case("truncated", "vmdk", lambda _secret: make.vmdk_sparse()[:600], "truncated"),
    Case("short", "vmdk", lambda _secret: b"KD", "neither a VMDK header nor a VMDK descriptor"),
    Case("raw-content", "vmdk", lambda _secret: bytes(make.MIB), "neither a VMDK header nor a VMDK descriptor"),
    Case("qcow2-content", "vmdk", _qcow2_on, "The file bears the signature of qcow2"),
]

VDI = [
    Case("parent", "vdi", lambda _secret: make.vdi(kind=4, parent=_PARENT_ID), "parent UUID 55555555-"),
    Case("parent-as-dynamic", "vdi", lambda _secret: make.vdi(parent=_PARENT_ID), "parent UUID 55555555-"),
    Case("link", "vdi", lambda _secret: make.vdi(link=_PARENT_ID), "parent UUID 55555555-"),
    Case("type", "vdi", lambda _secret: make.vdi(kind=3), "VDI of type 3"),
    Case("version", "vdi", lambda _secret: make.vdi(version=0x00020000), "version 2.0"),
    Case("size", "vdi", lambda _secret: make.vdi(size=2**62), "impossible virtual size"),
    Case("blocks", "vdi", lambda _secret: make.vdi(blocks=2**32 - 1), "impossible virtual size"),
    Case("block-size", "vdi", lambda _secret: make.vdi(block_size=0), "blocks of 0 bytes"),
    Case("map-outside", "vdi", lambda _secret: make.vdi(map_offset=2**31), "outside of the file"),
    Case("truncated", "vdi", lambda _secret: make.vdi()[:300], "truncated"),
    Case("raw-content", "vdi", lambda _secret: bytes(make.MIB), "has no VDI header"),
]

_FORGED_FIXED = make.vhd_dynamic(end=bytes(make.MIB) + make.vhd_footer(kind=2))

VPC = [
    Case(
        "parent",
        "vpc",
        lambda secret: make.vhd_dynamic(
            footer=make.vhd_footer(kind=4), parent_id=_PARENT_ID, parent_name=secret[-200:]
        ),
        f"{SECRET_NAME}; differencing images",
    ),
    Case("parent-as-dynamic", "vpc", lambda _secret: make.vhd_dynamic(parent_id=_PARENT_ID), "parent UUID 5555"),
    Case("parent-locator", "vpc", lambda _secret: make.vhd_dynamic(locator=b"W2ru"), "as its parent"),
    Case("forged-in-fixed", "vpc", lambda _secret: _FORGED_FIXED, "is ambiguous"),
    Case("fixed-at-start", "vpc", lambda _secret: make.vhd_dynamic(footer=make.vhd_footer(kind=2)), "is ambiguous"),
    Case("dynamic-at-end", "vpc", lambda _secret: bytes(1024) + make.vhd_footer(), "without a header at its start"),
    Case("fixed-truncated", "vpc", lambda _secret: bytes(1024) + make.vhd_footer(kind=2), "truncated"),
    Case("type", "vpc", lambda _secret: make.vhd_dynamic(footer=make.vhd_footer(kind=9)), "VHD of type 9"),
    Case("checksum", "vpc", lambda _secret: make.vhd_dynamic(footer=make.vhd_footer(checksum=7)), "checksum is wrong"),
    Case(
        "size", "vpc", lambda _secret: make.vhd_dynamic(footer=make.vhd_footer(size=2**62)), "impossible virtual size"
    ),
    Case(
        "azure-size",
        "vpc",
        lambda _secret: make.vhd_dynamic(footer=make.vhd_footer(creator=b"wa\0\0", geometry=(2, 4, 17))),
        "by Azure",
    ),
    Case(
        "header-outside",
        "vpc",
        lambda _secret: make.vhd_dynamic(footer=make.vhd_footer(data_offset=2**63)),
        "truncated or damaged",
    ),
    Case(
        "header-magic",
        "vpc",
        lambda _secret: make.vhd_dynamic(magic=b"cxsparsf"),
        "header of the dynamic disk is missing",
    ),
    Case("block-size", "vpc", lambda _secret: make.vhd_dynamic(block_size=3), "invalid VHD block table"),
    Case("table-huge", "vpc", lambda _secret: make.vhd_dynamic(entries=2**32 - 1), "block table would lie outside"),
    Case("short", "vpc", lambda _secret: b"conectix", "truncated"),
    Case("raw-content", "vpc", lambda _secret: bytes(make.MIB), "has no VHD footer"),
]

_ITEM_AT_END = struct.pack("<16sIIII", make.UNKNOWN_GUID, 0, 0, 4, 0)
_REGION = struct.pack("<16sQII", make.UNKNOWN_GUID, 3 * make.MIB, 0, 1)

VHDX = [
    Case(
        "parent", "vhdx", lambda secret: make.vhdx(crc32c, flags=2, locator=make.vhdx_locator(secret)), "as its parent"
    ),
    Case("parent-unflagged", "vhdx", lambda secret: make.vhdx(crc32c, locator=make.vhdx_locator(secret)), SECRET_NAME),
    Case("parent-unnamed", "vhdx", lambda _secret: make.vhdx(crc32c, flags=2), "as its parent, without naming it"),
    Case(
        "parent-locator-damaged",
        "vhdx",
        lambda _secret: make.vhdx(crc32c, flags=2, locator=b"\xff" * 40),
        "as its parent",
    ),
    Case("log", "vhdx", lambda _secret: make.vhdx(crc32c, log=b"\x09" * 16), "qemu-img check -r all -f vhdx"),
    Case("checksum", "vhdx", lambda _secret: make.vhdx(lambda _data: 7), "neither of its two VHDX headers is valid"),
    Case(
        "region-unknown",
        "vhdx",
        lambda _secret: make.vhdx(crc32c, extra_region=_REGION),
        "feature that is unknown here (00112233",
    ),
    Case("region-outside", "vhdx", lambda _secret: make.vhdx(crc32c, metadata_at=2**62), "region lies outside"),
    Case(
        "item-unknown",
        "vhdx",
        lambda _secret: make.vhdx(crc32c, extra_item=_ITEM_AT_END),
        "feature that is unknown here (00112233",
    ),
    Case(
        "region-twice",
        "vhdx",
        lambda _secret: make.vhdx(crc32c, extra_region=_REGION.replace(make.UNKNOWN_GUID, make.VHDX_METADATA)),
        "region table has an entry twice",
    ),
    Case("region-missing", "vhdx", lambda _secret: make.vhdx(crc32c, without="table"), "region table is incomplete"),
    Case(
        "regions-changed",
        "vhdx",
        lambda _secret: make.vhdx(crc32c).replace(make.VHDX_TABLE, make.UNKNOWN_GUID),
        "region table is invalid",
    ),
    Case(
        "metadata-elsewhere",
        "vhdx",
        lambda _secret: make.vhdx(crc32c, metadata_at=3 * make.MIB),
        "metadata table is invalid",
    ),
    Case("item-missing", "vhdx", lambda _secret: make.vhdx(crc32c, without="size"), "metadata is incomplete"),
    Case("block-size", "vhdx", lambda _secret: make.vhdx(crc32c, block_size=3 * make.MIB), "invalid VHDX block size"),
    Case("item-twice", "vhdx", lambda _secret: make.vhdx(crc32c, repeat_item=True), "entry twice"),
    Case("sector-4096", "vhdx", lambda _secret: make.vhdx(crc32c, sector=4096), "logical sectors of 4096"),
    Case("size", "vhdx", lambda _secret: make.vhdx(crc32c, size=2**64 - 512), "impossible virtual size"),
    Case("truncated", "vhdx", lambda _secret: make.vhdx(crc32c)[: 2 * make.MIB], "region lies outside"),
    Case("short", "vhdx", lambda _secret: b"vhdxfile", "truncated"),
    Case("raw-content", "vhdx", lambda _secret: bytes(make.MIB), "has no VHDX header"),
]

CASES = QCOW2 + VMDK + VDI + VPC + VHDX

ACCEPTED_AS_RAW = [
    Case("qcow2-content", "raw", _qcow2_on, ""),
    Case("vmdk-content", "raw", lambda secret: make.vmdk_descriptor(f'RW 1 FLAT "{secret}" 0'), ""),
    Case("vmdk-sparse-content", "raw", lambda _secret: make.vmdk_sparse(), ""),
    Case("vdi-content", "raw", lambda _secret: make.vdi(), ""),
    Case("vpc-content", "raw", lambda _secret: make.vhd_dynamic(), ""),
    Case("vpc-fixed-content", "raw", lambda _secret: bytes(make.MIB) + make.vhd_footer(kind=2), ""),
    Case("vhdx-content", "raw", lambda _secret: make.vhdx(crc32c), ""),
]
"""Raw images whose bytes look like another format: the guest's own doing, used as raw and only as raw."""
