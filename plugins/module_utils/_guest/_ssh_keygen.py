# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""What makes a guest's SSH host keys when they are missing at boot, found in its files.

Debian and Ubuntu make them when the package is installed and never again (Debian bug 594175 is about that), so a clone
without keys has an SSH server that does not start. Others make them at each boot where they are missing.
"""

from __future__ import annotations

import re
import typing as t

from .._errors import GuestError
from ._paths import GuestPath

if t.TYPE_CHECKING:
    from ._files import GuestFiles
    from ._system import OperatingSystem

MAX_FILE = 256 * 1024
_SERVERS = ("/usr/sbin/sshd", "/usr/bin/sshd", "/usr/local/sbin/sshd")
# In the order in which systemd looks for them (systemd.unit(5)).
_UNIT_FOLDERS = (
    "/etc/systemd/system",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
)
_UNITS = ("ssh.service", "sshd.service")
_WANTS = ("multi-user.target.wants", "ssh.service.wants", "sshd.service.wants", "sshd-keygen.target.wants")
_INIT_SCRIPTS = ("/etc/init.d/sshd", "/etc/rc.d/init.d/sshd", "/etc/init.d/ssh", "/etc/sv/sshd/run")
# sshd-keygen.target (Fedora), sshd-keygen.service (RHEL 7), sshdgenkeys.service (Arch), sshd-gen-keys-start (openSUSE),
# regenerate_ssh_host_keys.service (Raspberry Pi OS), and what administrators call theirs.
_MAKER = re.compile(r"key-?gen|gen-?keys|regenerate[_-]ssh", re.IGNORECASE)
_NEEDS = re.compile(r"^(?:Wants|Requires|BindsTo)[ \t]*=(.*)$", re.MULTILINE)
_RUNS = re.compile(r"^ExecStart(?:Pre)?[ \t]*=(.*)$", re.MULTILINE)
_CLOUD_MODULES = re.compile(r"^cloud_init_modules:[ \t]*(\[[^\]]*\]|(?:\n[ \t]*(?:-.*|#.*)?(?=\n|\Z))*)", re.MULTILINE)
_SSH_MODULE = re.compile(r"""(?:^|[\s\[,'"])ssh(?=$|[\s\],'"])""", re.MULTILINE)


class Reader:
    """Reads small files of a guest; what is not a regular file of a fair size is as good as missing."""

    def __init__(self, files: GuestFiles) -> None:
        self._files = files

    def text(self, path: str) -> str:
        """Return a file's text, empty for none."""
        try:
            content = self._files.read_optional(path, max_size=MAX_FILE)
        except GuestError:
            return ""
        return (content or b"").decode("utf-8", "replace").replace("\\\n", " ")

    def is_file(self, path: str) -> bool:
        """Whether a path leads to a regular file."""
        try:
            found = self._files.lstat(self._files.resolve(path))
        except GuestError:
            return False
        return found is not None and found.kind == "file"

    def names(self, path: str) -> list[str]:
        """Return the names in a directory, none where it is none."""
        try:
            return self._files.list_dir(path)
        except GuestError:
            return []


def has_server(reader: Reader) -> bool:
    """Whether OpenSSH's server is installed."""
    return any(reader.is_file(path) for path in _SERVERS)


def key_maker(reader: Reader, system: OperatingSystem) -> str | None:
    """Return what will make host keys at the next boot: a unit, an init script, ``cloud-init``; None for nothing."""
    if system.init_system == "systemd":
        found = _maker_of_systemd(reader)
    else:
        found = next((path for path in _INIT_SCRIPTS if "ssh-keygen" in reader.text(path)), None)
    return found or ("cloud-init" if cloud_init_makes_keys(reader) else None)


def _maker_of_systemd(reader: Reader) -> str | None:
    for name in _UNITS:
        text = unit_text(reader, name)
        needed = [unit for line in _NEEDS.findall(text) for unit in line.split()]
        for unit in needed:
            if _MAKER.search(unit) and _unit_file(reader, unit):
                return unit
        if any(_MAKER.search(line) for line in _RUNS.findall(text)):
            return name
    enabled = [unit for folder in _WANTS for unit in reader.names(f"/etc/systemd/system/{folder}")]
    return next((unit for unit in enabled if _MAKER.search(unit) and _unit_file(reader, unit)), None)


def unit_text(reader: Reader, name: str) -> str:
    """Return a unit's text with that of its drop-ins, of which those in /etc come last."""
    path = _unit_file(reader, name)
    if path is None:
        return ""
    parts = [reader.text(path)]
    for folder in reversed(_UNIT_FOLDERS):
        dropins = f"{folder}/{name}.d"
        parts += [reader.text(f"{dropins}/{file}") for file in reader.names(dropins) if file.endswith(".conf")]
    return "\n".join(parts)


def _unit_file(reader: Reader, name: str) -> str | None:
    """Return the file of a unit, or of its template; None where it is masked, which is a link to /dev/null."""
    if not re.fullmatch(r"[A-Za-z0-9:_.@\\-]{1,255}", name):
        return None
    template = re.sub(r"@[^.]+\.", "@.", name)
    for folder in _UNIT_FOLDERS:
        for candidate in dict.fromkeys((name, template)):
            path = GuestPath(f"{folder}/{candidate}")
            if candidate in reader.names(folder):
                return path if reader.is_file(path) else None
    return None


def cloud_init_makes_keys(reader: Reader) -> bool:
    """Whether cloud-init is there, not disabled, and has its module ssh among those that run early.

    It makes keys once for each instance id that its data source tells (cloud-init, "Module Reference", SSH).
    """
    if not any(reader.is_file(path) for path in ("/usr/bin/cloud-init", "/usr/local/bin/cloud-init")):
        return False
    if reader.is_file("/etc/cloud/cloud-init.disabled"):
        return False
    folder = "/etc/cloud/cloud.cfg.d"
    paths = ["/etc/cloud/cloud.cfg", *(f"{folder}/{name}" for name in reader.names(folder) if name.endswith(".cfg"))]
    modules = ""
    for path in paths:  # a list in a later file replaces that of an earlier one
        found = _CLOUD_MODULES.findall(reader.text(path))
        modules = found[-1] if found else modules
    return bool(_SSH_MODULE.search(re.sub(r"#.*", "", modules)))
