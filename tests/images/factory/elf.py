# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Programs made of bytes: tiny executables that need no compiler.

:func:`program` is an x86-64 Linux executable of a few hundred bytes. It is position independent and static, so the
kernel can start it as a program and as the dynamic loader of another program. It appends its ``argv[0]`` and a newline
to each record file and exits with 0. Without record files it only exits: what ordinary guests have as /bin/ls.
"""

from __future__ import annotations

import struct
import typing as t

_BASE = 0x40 + 0x38  # the ELF header and one program header
_O_FLAGS = 0o2101  # O_WRONLY | O_CREAT | O_APPEND


def program(records: t.Sequence[str] = ()) -> bytes:
    """Return the executable that appends to each of ``records``, absolute paths in the guest."""
    body = _length_of_argv0() if records else b""
    blocks = [_record_code(0) for _record in records]
    end = b"\x31\xff\xb8\x3c\x00\x00\x00\x0f\x05"  # xor edi,edi; mov eax,60 (exit); syscall
    code_size = len(body) + sum(map(len, blocks)) + len(end)
    strings, offset = b"", _BASE + code_size
    for record in records:
        here = _BASE + len(body)
        body += _record_code(offset + len(strings) - here)
        strings += record.encode() + b"\0"
    return _header(code_size + len(strings)) + body + end + strings


def _length_of_argv0() -> bytes:
    """Leave argv[0] in r12 and its length in r13, the end of line in place of its final NUL.

    The stack at the start: argc, argv[0], …; an argv[0] may be missing (argc 0), then nothing is measured.
    """
    return bytes.fromhex(
        "4c 8b 64 24 08"  # mov r12, [rsp+8]
        "45 31 ed"  # xor r13d, r13d
        "4d 85 e4"  # test r12, r12
        "74 14"  # jz done
        "43 80 3c 2c 00"  # again: cmp byte [r12+r13], 0
        "74 05"  # je found
        "49 ff c5"  # inc r13
        "eb f4"  # jmp again
        "43 c6 04 2c 0a"  # found: mov byte [r12+r13], 10
        "49 ff c5"  # inc r13
    )


def _record_code(distance: int) -> bytes:
    """Open the file whose name is ``distance`` bytes after this code, write r13 bytes of r12, close."""
    name = struct.pack("<i", distance - 7)  # relative to the end of the first instruction
    flags = struct.pack("<i", _O_FLAGS)
    return (
        b"\x48\x8d\x3d" + name  # lea rdi, [rip+name]
        + b"\xbe" + flags  # mov esi, flags
        + b"\xba\xb6\x01\x00\x00"  # mov edx, 0666
        + b"\xb8\x02\x00\x00\x00\x0f\x05"  # mov eax, 2 (open); syscall
        + b"\x89\xc7"  # mov edi, eax
        + b"\x4c\x89\xe6\x4c\x89\xea"  # mov rsi, r12; mov rdx, r13
        + b"\xb8\x01\x00\x00\x00\x0f\x05"  # mov eax, 1 (write); syscall
    )  # fmt: skip


def _header(size: int) -> bytes:
    ident = b"\x7fELF" + bytes([2, 1, 1, 0]) + bytes(8)
    header = struct.pack("<HHIQQQIHHHHHH", 3, 62, 1, _BASE, 0x40, 0, 0, 0x40, 0x38, 1, 0x40, 0, 0)
    load = struct.pack("<IIQQQQQQ", 1, 7, 0, 0, 0, _BASE + size, _BASE + size, 0x1000)
    return ident + header + load


def windows_program() -> bytes:
    """Return the headers of a 64-bit Windows console program, enough for ``file`` to name its architecture."""
    dos = b"MZ" + bytes(58) + struct.pack("<I", 0x80) + bytes(64)
    coff = struct.pack("<HHIIIHH", 0x8664, 0, 0, 0, 0, 0xF0, 0x22)
    optional = struct.pack("<H", 0x20B) + bytes(66) + struct.pack("<H", 3) + bytes(0xF0 - 70)
    return (dos + b"PE\0\0" + coff + optional).ljust(1024, b"\0")
