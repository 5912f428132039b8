# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""The module sysctl: kernel parameters that a guest sets when it boots.

Files are written as ansible.posix.sysctl 2.1 writes them: when anything changes, every ``key = value`` of the file
becomes ``key=value``, of a key that is there twice the first place stays, and blanks around lines go.

systemd-sysctl(8) reads the directories of sysctl.d(5) and not /etc/sysctl.conf. Debian up to 12, Ubuntu, Fedora and
RHEL ship a link /etc/sysctl.d/99-sysctl.conf to it, Arch and Debian 13 do not; there the link is made, since otherwise
nothing would ever read the file. OpenRC's sysctl and busybox's init scripts read it by themselves.
"""

from __future__ import annotations

import re
import typing as t

from .._errors import OptionError, printable
from ._changes import (
    Change,
    File,
    Link,
    carry_out,
    changed_paths,
)
from ._edited import encoded
from ._files import GuestFiles
from ._paths import GuestPath
from ._task import Outcome, Task

MAX_SIZE = 1024 * 1024
DEFAULT_FILE = "/etc/sysctl.conf"
LINK = GuestPath("/etc/sysctl.d/99-sysctl.conf")
LINK_TARGET = "../sysctl.conf"
_VENDOR_LINKS = (GuestPath("/usr/lib/sysctl.d/99-sysctl.conf"), GuestPath("/lib/sysctl.d/99-sysctl.conf"))
_TRUE = ("y", "yes", "on", "1", "true", "t")
_FALSE = ("n", "no", "off", "0", "false", "f")


def handle(task: Task) -> Outcome:
    """Run the task.

    :raises OptionError: the options are wrong. :raises GuestError: the file is too large or no regular file.
    """
    name, value = parse(task.params)
    path = GuestPath(task.params["sysctl_file"])
    if path.parent.name == "sysctl.d" and not path.name.endswith(".conf"):
        task.warn(f"Nothing reads '{printable(path)}', because its name does not end in .conf (sysctl.d(5)).")
    changes = plan(task.guest.files, path, name, value)
    if value is not None and path == DEFAULT_FILE and task.guest.os.init_system == "systemd":
        changes += link_changes(task.guest.files, task.warn)
    result = {"name": name, "value": value, "path": str(path), "paths": changed_paths(changes)}
    summary = f"{printable(path)}: {printable(name)} {'removed' if value is None else 'set'}"
    return carry_out(task, changes, result, summary)


def parse(params: t.Mapping[str, t.Any]) -> tuple[str, str | None]:
    """Return the name and the value; None where the parameter is to be absent.

    :raises OptionError: one of them is wrong, or an option cannot be meant offline.
    """
    if params["sysctl_set"]:
        raise OptionError(
            "sysctl_set sets a parameter of a running kernel, and none runs in an image.",
            hint="Remove the option. The guest sets what is in the file when it boots.",
        )
    name = params["name"].strip()
    if not name or re.search(r"[=\r\n\0]", name) or name.startswith(("#", ";")):
        raise OptionError(f"name: '{printable(name)}' is not the name of a kernel parameter.")
    if params["state"] == "absent":
        return name, None
    value = normalised(params["value"] or "")
    if not value or re.search(r"[\r\n\0]", value):
        raise OptionError("value: it is blank, or holds a line break or a NUL byte.")
    return name, value


def normalised(value: str) -> str:
    """Return the value as it is written: a number for a boolean, and no blanks around it."""
    if value.lower() in _TRUE:
        return "1"
    return "0" if value.lower() in _FALSE else value.strip()


def plan(files: GuestFiles, path: GuestPath, name: str, value: str | None) -> list[Change]:
    """Decide what becomes of the file."""
    before = File.read(files, path, max_size=MAX_SIZE)
    content = before.content if before else b""
    after = with_value(content, name, value)
    if before is None and not after:
        return []
    return [Change.of_file(path, before, after)]


def with_value(content: bytes, name: str, value: str | None) -> bytes:
    """Return the content with the parameter, or, where ``value`` is None, without it."""
    text = content.decode("utf-8", "surrogateescape").replace("\r\n", "\n").replace("\r", "\n")
    lines = [line.strip() for line in (text[:-1] if text.endswith("\n") else text).split("\n")] if text else []
    found = [assignment[1] for line in lines if (assignment := _assignment(line)) and assignment[0] == name]
    # The last one counts for who reads the file.
    if found[-1:] == ([] if value is None else [value]):
        return content
    return encoded("".join(f"{line}\n" for line in _fixed(lines, name, value)))


def _assignment(line: str) -> tuple[str, str] | None:
    if not line or line.startswith(("#", ";")) or "=" not in line:
        return None
    key, _equals, value = line.partition("=")
    return key.strip(), value.strip()


def _fixed(lines: list[str], name: str, value: str | None) -> t.Iterator[str]:
    seen: set[str] = set()
    for line in lines:
        assignment = _assignment(line)
        if assignment is None:
            yield line
        elif assignment[0] not in seen:
            seen.add(assignment[0])
            wanted = value if assignment[0] == name else assignment[1]
            if wanted is not None:
                yield f"{assignment[0]}={wanted}"
    if name not in seen and value is not None:
        yield f"{name}={value}"


def link_changes(files: GuestFiles, warn: t.Callable[[str], None]) -> list[Change]:
    """Have systemd read /etc/sysctl.conf, unless somebody has decided otherwise."""
    there = next((path for path in (LINK, *_VENDOR_LINKS) if files.lstat(path) is not None), None)
    if there is None:
        return [Change(LINK, None, Link(LINK_TARGET))]
    if files.resolve(there) != files.resolve(DEFAULT_FILE):
        warn(
            f"systemd does not read {DEFAULT_FILE} of this guest, because {there} is something else. Give sysctl_file a"
            " file in /etc/sysctl.d."
        )
    return []
