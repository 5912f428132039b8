# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A disk in memory, behind the ``Rpc`` protocol: enough of one for what growing reads and writes.

The bytes that the readers see (tables, superblocks) are made from a small model, and the calls that grow change the
model the way the tools do (measured with libguestfs 1.48.6). ``log`` has the calls that would write.
"""

from __future__ import annotations

import binascii
import dataclasses
import struct
import typing as t

from ansible_collections.offline.guest.plugins.module_utils._errors import CallError

SECTOR = 512
MIB = 1 << 20
PE_START = MIB
EXTENT = 4 * MIB
READS = {"pread_device", "vfs_type", "vgs_full", "pvs_full", "lvs_full", "vgpvuuids", "vglvuuids"}


@dataclasses.dataclass
class Part:
    number: int
    start: int
    end: int
    type: int = 0x83
    logical: bool = False

    @property
    def extended(self) -> bool:
        return self.type == 0x05


@dataclasses.dataclass
class Content:
    """``size`` in bytes; for LVM2_member the size of all extents, with one logical volume that holds ``inner``."""

    kind: str
    size: int
    inner: Content | None = None
    name: str = "root"
    lvs: int = 1
    attributes: str = "-wi-a-----"
    group: str = "wz--n-"
    lv_size: int = 0


def ext_head(size: int, *, block: int = 4096, ro_compat: int = 0x1, compat: int = 0, **fields: int) -> bytes:
    """A superblock of ext2/3/4 with the 64bit feature, and no reserved descriptors."""
    head = bytearray(128 * 1024)

    def put(form: str, offset: int, value: int | bytes) -> None:
        struct.pack_into("<" + form, head, 1024 + offset, value)

    blocks = size // block
    log = {1024: 0, 2048: 1, 4096: 2}[block]
    put("I", 4, blocks & 0xFFFFFFFF)
    put("I", 0x150, blocks >> 32)
    put("I", 0x14, 1 if block == 1024 else 0)
    put("I", 0x18, log)
    put("I", 0x1C, log)
    put("I", 0x20, block * 8)
    put("I", 0x28, fields.get("inodes", 8192))
    put("H", 0x38, 0xEF53)
    put("I", 0x4C, 1)
    put("H", 0x58, 256)
    put("I", 0x5C, compat)
    put("I", 0x60, fields.get("incompat", 0x80))
    put("I", 0x64, ro_compat)
    put("H", 0xFE, 64)
    return bytes(head)


def xfs_head(size: int, *, group: int = 32768, realtime: int = 0, log_start: int = 7) -> bytes:
    head = bytearray(4096)
    struct.pack_into(">4sIQQ", head, 0, b"XFSB", 4096, size // 4096, realtime)
    struct.pack_into(">Q", head, 48, log_start)
    struct.pack_into(">I", head, 84, group)
    return bytes(head)


def btrfs_head(size: int, *, devices: int = 1) -> bytes:
    head = bytearray(128 * 1024)
    base = 65536
    head[base + 0x40 : base + 0x48] = b"_BHRfS_M"
    struct.pack_into("<QI", head, base + 0x88, devices, 4096)
    struct.pack_into("<Q", head, base + 0xC9 + 8, size)
    return bytes(head)


def swap_head(size: int, *, page: int = 4096, order: str = "<", signature: bytes = b"SWAPSPACE2") -> bytes:
    head = bytearray(128 * 1024)
    struct.pack_into(order + "II", head, 1024, 1, size // page - 1)
    head[page - 10 : page] = signature.ljust(10, b"\0")
    return bytes(head)


def lvm_head() -> bytes:
    """The label in the second sector; the UUID without hyphens."""
    return bytes(SECTOR) + (
        b"LABELONE" + bytes(12) + (32).to_bytes(4, "little") + b"LVM2 001" + b"PV".ljust(32, b"x")
    ).ljust(4096, b"\0")


def render_content(content: Content) -> bytes:
    if content.kind == "LVM2_member":
        return lvm_head()
    make: t.Mapping[str, t.Callable[[int], bytes]] = {"xfs": xfs_head, "btrfs": btrfs_head, "swap": swap_head}
    if content.kind.startswith("ext"):
        return ext_head(content.size)
    return make.get(content.kind, lambda size: bytes(4096))(content.size)


def gpt_sectors(parts: t.Sequence[Part], backup: int, *, name: str = "root") -> dict[int, bytes]:
    """The protective MBR and the first header with its entries, of a table made for a disk that ends at ``backup``."""
    array = bytearray(128 * 128)
    for part in parts:
        entry = struct.pack(
            "<16s16sQQQ72s", b"T" * 16, bytes([part.number]) * 16, part.start, part.end, 4, name.encode("utf-16-le")
        )
        array[(part.number - 1) * 128 : part.number * 128] = entry
    fields = [b"EFI PART", 0x10000, 92, 0, 0, 1, backup, 34, backup - 33, b"D" * 16, 2, 128, 128, binascii.crc32(array)]
    header = struct.pack("<8sIIIIQQQQ16sQIII", *fields)
    fields[3] = binascii.crc32(header)
    header = struct.pack("<8sIIIIQQQQ16sQIII", *fields)
    sectors = {0: mbr_sector([Part(1, 1, 0xFFFFFFFE, 0xEE)]), 1: header.ljust(SECTOR, b"\0")}
    sectors.update({2 + index: bytes(array[index * SECTOR :][:SECTOR]) for index in range(32)})
    return sectors


def mbr_sector(entries: t.Sequence[Part | None], code: bytes = b"\xfa\x31\xc0") -> bytes:
    sector = bytearray(code.ljust(446, b"\x90"))
    for part in entries:
        sector += (
            bytes(16)
            if part is None
            else struct.pack("<B3sB3sII", 0x80, b"", part.type, b"", part.start, part.end - part.start + 1)
        )
    return bytes(sector.ljust(510, b"\0")) + b"\x55\xaa"


def mbr_sectors(parts: t.Sequence[Part]) -> dict[int, bytes]:
    primary: list[Part | None] = [
        next((part for part in parts if part.number == number), None) for number in range(1, 5)
    ]
    sectors = {0: mbr_sector(primary)}
    extended = next((part for part in parts if part.extended), None)
    logicals = [part for part in parts if part.logical]
    for index, part in enumerate(logicals):
        assert extended is not None
        place = extended.start if index == 0 else part.start - 2048
        entries: list[Part | None] = [Part(1, part.start - place, part.end - place, part.type)]
        if index + 1 < len(logicals):
            following = logicals[index + 1].start - 2048 - extended.start
            entries.append(Part(2, following, following + 4096, 0x05))
        sectors[place] = mbr_sector(entries, b"")
    return sectors


class FakeDisk:
    """``/dev/sda`` and what is on it; ``real_size`` is what the appliance sees."""

    def __init__(self, size: int, kind: str | None, parts: t.Sequence[Part], contents: t.Mapping[int, Content]) -> None:
        self.size = self.real_size = size
        self.kind = kind
        self.parts = list(parts)
        self.backup = size // SECTOR - 1
        self.contents = dict(contents)
        self.log: list[tuple[t.Any, ...]] = []
        self.mounted: str | None = None
        self.name = "root"

    def call(self, name: str, *args: t.Any, **kwargs: t.Any) -> t.Any:
        if name not in READS:
            self.log.append((name, *args))
        return getattr(self, "_" + name)(*args, **kwargs)

    def grow(self, size: int) -> None:
        self.log.append(("grow", size))
        self.real_size = max(size, self.real_size)

    def room(self, device: str) -> int:
        part = next((part for part in self.parts if f"/dev/sda{part.number}" == device), None)
        return self.real_size if part is None else (part.end - part.start + 1) * SECTOR

    def content(self, device: str) -> Content:
        if device.startswith("/dev/vg/"):
            inner = next(item for item in self.contents.values() if item.kind == "LVM2_member").inner
            assert inner is not None
            return inner
        return self.contents[int(device[len("/dev/sda") :] or 0)]

    # Reading

    def _pread_device(self, device: str, count: int, offset: int) -> bytes:
        if device != "/dev/sda" or self.kind is None:
            return (
                render_content(self.content(device))[offset : offset + count]
                if offset == 0 or device != "/dev/sda"
                else bytes(count)
            )
        sectors = (
            gpt_sectors(self.parts, self.backup, name=self.name) if self.kind == "gpt" else mbr_sectors(self.parts)
        )
        first, last = offset // SECTOR, -(-(offset + count) // SECTOR)
        data = b"".join(sectors.get(index, bytes(SECTOR)) for index in range(first, last))
        return data[offset - first * SECTOR :][:count]

    def _vfs_type(self, device: str) -> str:
        return self.content(device).kind

    def _pv(self) -> tuple[int, Content]:
        return next((number, item) for number, item in self.contents.items() if item.kind == "LVM2_member")

    def _vgs_full(self) -> list[dict[str, t.Any]]:
        content = self._pv()[1]
        free = (content.size - content.lv_size) // EXTENT
        return [{"vg_name": "vg", "vg_attr": content.group, "vg_extent_size": EXTENT, "vg_free_count": free}]

    def _pvs_full(self) -> list[dict[str, t.Any]]:
        number, content = self._pv()
        return [
            {
                "pv_name": f"/dev/sdb{number or ''}",  # the kernel's name may differ from libguestfs's
                "pv_uuid": "PV".ljust(32, "x"),
                "pv_pe_count": content.size // EXTENT,
                "pe_start": PE_START,
                "pv_mda_count": 1,
            }
        ]

    def _lvs_full(self) -> list[dict[str, t.Any]]:
        content = self._pv()[1]
        return [
            {
                "lv_name": content.name if index == 0 else f"other{index}",
                "lv_uuid": f"LV{index}",
                "lv_attr": content.attributes,
                "lv_size": content.lv_size,
            }
            for index in range(content.lvs)
        ]

    def _vgpvuuids(self, group: str) -> list[str]:
        return ["P-V".ljust(33, "x")]

    def _vglvuuids(self, group: str) -> list[str]:
        return [f"L-V{index}" for index in range(self._pv()[1].lvs)]

    # Growing

    def _part_expand_gpt(self, device: str) -> None:
        if self.kind != "gpt":
            raise CallError("part_expand_gpt", "not a GPT")
        self.backup = self.real_size // SECTOR - 1

    def _part_resize(self, device: str, number: int, end: int) -> None:
        part = next(part for part in self.parts if part.number == number)
        extended = next((item for item in self.parts if item.extended), None)
        last = self.backup - 33 if self.kind == "gpt" else self.real_size // SECTOR - 1
        if part.logical and extended:
            last = extended.end
        if end > last:
            raise CallError("part_resize", "outside of the disk")
        part.end = end

    def _pvresize(self, device: str) -> None:
        self.content(device).size = (self.room(device) - PE_START) // EXTENT * EXTENT

    def _lvresize_free(self, device: str, percent: int) -> None:
        content = self._pv()[1]
        if content.size == content.lv_size:
            raise CallError("lvresize_free", "no free extents")
        content.lv_size = content.size

    def _fill(self, device: str) -> None:
        room = self._pv()[1].lv_size if device.startswith("/dev/vg/") else self.room(device)
        self.content(device).size = room // 4096 * 4096

    def _resize2fs(self, device: str) -> None:
        assert self.mounted is None
        self._fill(device)

    def _mount_vfs(self, options: str, kind: str, device: str, path: str) -> None:
        assert kind == self.content(device).kind
        self.mounted = device

    def _umount(self, path: str) -> None:
        self.mounted = None

    def _xfs_growfs(self, path: str) -> None:
        assert self.mounted
        self._fill(self.mounted)

    _btrfs_filesystem_resize = _xfs_growfs

    def _pwrite_device(self, device: str, content: bytes, offset: int) -> int:
        assert (offset, len(content)) == (1028, 4)
        self.content(device).size = (int.from_bytes(content, "little") + 1) * 4096
        return 4
