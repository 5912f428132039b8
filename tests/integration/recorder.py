# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the tests' processes tell QEMU and qemu-img: recorded by wrappers, and judged.

Promise 1 of the design: every image that reaches QEMU or qemu-img has an explicit format. The wrappers stand first on
the PATH and in LIBGUESTFS_HV; each writes its command line as a line of JSON and becomes the real program.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import typing as t
from pathlib import Path

_WRAPPER = """#!{python} -IS
import json, os, sys, time
line = json.dumps({{"program": {name!r}, "argv": sys.argv[1:], "pid": os.getpid(), "time": time.time()}}) + "\\n"
log = os.open({log!r}, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
os.write(log, line.encode("utf-8", "surrogateescape"))
os.close(log)
os.execv({real!r}, [sys.argv[0], *sys.argv[1:]])
"""
_PROGRAMS = ("qemu-img", "qemu-io", "qemu-nbd", "qemu-system-x86_64", "qemu-system-aarch64", "qemu-kvm", "kvm")
# Options of QEMU that take an image and have no place for a format, so that QEMU would have to guess.
_BARE_DRIVES = re.compile(r"^--?(hd[abcd]|fd[ab]|cdrom|sd|mtdblock|pflash)$")
#: Options of qemu-img without a value; every other single letter takes one.
_FLAGS = {
    "convert": "cCnpqWU",
    "commit": "dpq",
    "create": "qu",
    "check": "qU",
    "info": "U",
    "map": "U",
    "measure": "U",
    "compare": "psqU",
    "rebase": "pquU",
    "resize": "q",
    "amend": "pq",
    "bench": "nqwU",
    "dd": "U",
    "bitmap": "",
    "snapshot": "lqU",
}
#: Options that qemu-img must have where it opens an image: those of the image, and of a second one.
_NEEDED = {"convert": "fO", "dd": "fO", "compare": "fF", "snapshot": "-"}
_LONG_FLAGS = {
    "backing-chain",
    "image-opts",
    "target-image-opts",
    "shrink",
    "salvage",
    "skip-broken-bitmaps",
    "bitmaps",
}
_LONG_FLAGS |= {"add", "remove", "clear", "enable", "disable", "merge", "force", "no-drain", "target-is-zero"}


class Recorder:
    """The wrappers in ``folder``, and what they wrote."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "commands.jsonl"
        self.programs: dict[str, Path] = {}
        for name in _PROGRAMS:
            real = shutil.which(name)
            if real and Path(real).parent != folder:
                self._wrap(name, real)

    def _wrap(self, name: str, real: str) -> None:
        wrapper = self.folder / name
        python = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable
        wrapper.write_text(_WRAPPER.format(python=python, name=name, log=str(self.log), real=real))
        wrapper.chmod(0o755)
        self.programs[name] = wrapper

    def environment(self) -> dict[str, str]:
        """Return the variables that put the wrappers before the real programs."""
        found = {"PATH": f"{self.folder}{os.pathsep}{os.environ.get('PATH', '')}"}
        emulator = self.programs.get("qemu-system-x86_64")
        return {**found, "LIBGUESTFS_HV": str(emulator)} if emulator else found

    def commands(self) -> list[dict[str, t.Any]]:
        """Return what was run so far: ``program``, ``argv``, ``pid`` and ``time`` of each."""
        if not self.log.exists():
            return []
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def violations(self) -> list[str]:
        """Return a line for each command that left a format to be guessed."""
        return [
            f"{command['program']} {' '.join(command['argv'])}: {reason}"
            for command in self.commands()
            for reason in unstated(command["program"], command["argv"])
        ]


def unstated(program: str, argv: t.Sequence[str]) -> list[str]:
    """Return why this command line leaves the format of an image to be guessed; empty where it does not."""
    if program == "qemu-img":
        return list(_unstated_img(argv))
    if program in ("qemu-io", "qemu-nbd"):
        stated = any(item in ("-f", "--format", "--image-opts") or item.startswith("--format=") for item in argv)
        about_itself = any(item in ("--version", "-V", "--help", "-h") for item in argv)
        return [] if stated or about_itself else ["no -f"]
    return list(_unstated_qemu(argv))


def _unstated_qemu(argv: t.Sequence[str]) -> t.Iterator[str]:
    for position, item in enumerate(argv):
        value = argv[position + 1] if position + 1 < len(argv) else ""
        if _BARE_DRIVES.match(item):
            yield f"{item} has no place for a format"
        elif item in ("-drive", "--drive"):
            yield from _unstated_drive(value)
        elif item in ("-blockdev", "--blockdev") and not _blockdev_driver(value):
            yield f"-blockdev {value} has no driver"
        elif not item.startswith("-") and (position == 0 or not argv[position - 1].startswith("-")):
            yield f"{item} is a bare image"


def _unstated_drive(value: str) -> t.Iterator[str]:
    fields = _fields(value)
    names_image = any(key == "file" or key.endswith(("filename", "file.driver", "path")) for key in fields)
    # "file.driver" says how the innermost bytes are reached, or a layer below: what QEMU guesses is the outermost.
    if names_image and not (fields.get("format") or fields.get("driver")):
        yield f"-drive {value} has no format"


def _blockdev_driver(value: str) -> str:
    if value.startswith("{"):
        return str(json.loads(value).get("driver", ""))
    return _fields(value).get("driver", "")


def _fields(value: str) -> dict[str, str]:
    """Split QEMU's ``key=value,…``; a comma in a value is written twice."""
    parts = value.replace(",,", "\0").split(",")
    pairs = (part.replace("\0", ",").partition("=") for part in parts)
    return {key: item for key, _equals, item in pairs}


def _unstated_img(argv: t.Sequence[str]) -> t.Iterator[str]:
    rest = [item for item in argv if item not in ("-T", "--trace")]
    if not rest or rest[0].startswith("-"):
        return  # --help, --version
    verb, options = rest[0], rest[1:]
    if any(item in ("-h", "--help") for item in options):
        return
    letters, long_names, names = _parsed(verb, options)
    if not names:  # measure --size: no image
        return
    needed = _NEEDED.get(verb, "f")
    if "image-opts" in long_names:
        needed = needed.replace("f", "").replace("-", "")
    for letter in needed:
        if letter == "-":
            yield f"{verb} has no place for a format but --image-opts"
        elif letter not in letters:
            yield f"{verb} without -{letter}"
    backing = letters.get("b") or letters.get("B") or _fields(letters.get("o", "")).get("backing_file", "")
    backing_format = "F" in letters or "backing_fmt" in _fields(letters.get("o", ""))
    if backing and not backing_format and verb != "bitmap":
        yield f"{verb} names the backing file {backing} without its format"


def _parsed(verb: str, options: t.Sequence[str]) -> tuple[dict[str, str], set[str], list[str]]:
    """Return the letters with their values, the names of long options, and the operands."""
    letters: dict[str, str] = {}
    long_names: set[str] = set()
    names: list[str] = []
    queue = list(options)
    while queue:
        item = queue.pop(0)
        if item.startswith("--"):
            name, equals, _value = item[2:].partition("=")
            long_names.add(name)
            if not equals and name not in _LONG_FLAGS and queue:
                queue.pop(0)
        elif item.startswith("-") and len(item) > 1:
            _letters(item[1:], _FLAGS.get(verb, ""), queue, letters)
        else:
            names.append(item)
    return letters, long_names, names


def _letters(cluster: str, flags: str, queue: list[str], letters: dict[str, str]) -> None:
    """Read ``-pqf raw``, ``-fraw`` and the like into ``letters``."""
    for position, letter in enumerate(cluster):
        if letter in flags:
            letters[letter] = ""
            continue
        letters[letter] = cluster[position + 1 :] or (queue.pop(0) if queue else "")
        return
