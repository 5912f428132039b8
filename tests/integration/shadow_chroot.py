# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A chroot with the real shadow suite of Debian, and the accounts in it.

mmdebstrap unpacks the package passwd and what it needs, without running anything; that is done once and kept below
build/. A test works on a copy, whose account files, homes and mail spools are made anew for each run.
"""

from __future__ import annotations

import fcntl
import os
import shlex
import shutil
import stat
import subprocess
import tempfile
import typing as t
from dataclasses import dataclass
from pathlib import Path

from factory.debian_real import KEYRING, host_sources, release
from harness import ROOT

#: 14 November 2023, which the tools and the product take for today.
EPOCH = "1700000000"
DATABASES = ("passwd", "shadow", "group", "gshadow", "subuid", "subgid")
HASH = "$6$rounds=5000$offlineguest$" + "x" * 86
OTHER_HASH = "$y$j9T$" + "a" * 22 + "$" + "b" * 43

LOGIN_DEFS = """\
MAIL_DIR /var/mail
UMASK 022
PASS_MAX_DAYS 99999
PASS_MIN_DAYS 0
PASS_WARN_AGE 7
UID_MIN 1000
UID_MAX 60000
SYS_UID_MIN 100
GID_MIN 1000
GID_MAX 60000
SYS_GID_MIN 100
SUB_UID_MIN 100000
SUB_UID_MAX 600100000
SUB_UID_COUNT 65536
SUB_GID_MIN 100000
SUB_GID_MAX 600100000
SUB_GID_COUNT 65536
USERGROUPS_ENAB yes
"""
#: What every run starts from; a case replaces files, or leaves them out with None.
START: dict[str, str] = {
    "/etc/passwd": "root:x:0:0:root:/root:/bin/bash\n"
    "daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin\n"
    "mail:x:8:8:mail:/var/mail:/usr/sbin/nologin\n"
    "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n"
    "messages:x:998:998::/run/messages:/usr/sbin/nologin\n"
    "alice:x:1000:1000:Alice Example,,,:/home/alice:/bin/bash\n"
    "bob:x:1002:100:Bob:/home/bob:/bin/sh\n",
    "/etc/shadow": "root:*:19000:0:99999:7:::\n"
    "daemon:*:19000:0:99999:7:::\n"
    "mail:*:19000:0:99999:7:::\n"
    "nobody:*:19000:0:99999:7:::\n"
    "messages:!:19000::::::\n"
    f"alice:{HASH}:19100:0:99999:7:::\n"
    "bob:!:19200:1:60:7:14:20000:\n",
    "/etc/group": "root:x:0:\nadm:x:4:alice\nmail:x:8:\nsudo:x:27:alice,bob\nusers:x:100:\nnogroup:x:65534:\n"
    "messages:x:998:\nalice:x:1000:\nweb:x:1003:bob\n",
    "/etc/gshadow": "root:*::\nadm:*::alice\nmail:*::\nsudo:*:alice:alice,bob\nusers:*::\nnogroup:*::\n"
    "messages:!::\nalice:!::\nweb:!:bob:bob\n",
    "/etc/subuid": "alice:100000:65536\nbob:165536:65536\n",
    "/etc/subgid": "alice:100000:65536\nbob:165536:65536\n",
    "/etc/login.defs": LOGIN_DEFS,
    "/etc/default/useradd": "# Defaults\nSHELL=/bin/sh\n",
}
Start = t.Mapping[str, t.Optional[str]]
#: Folders that are made anew for each run, and compared after it.
_PLACES = ("home", "srv", "var/mail", "opt", "etc/skel", "etc/skel2")


def template() -> Path:
    """Return the unpacked chroot, made where it is not there yet."""
    made = ROOT / "build" / f"shadow-chroot-{release()}"
    with open(made.with_suffix(".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            with tempfile.TemporaryDirectory(dir=made.parent) as scratch:
                _unpack(Path(scratch, "chroot"))
                os.rename(Path(scratch, "chroot"), made)
    return made


def is_possible() -> bool:
    """Whether this user may make a /proc of its own, as root may where it is root of the machine."""
    command = ["unshare", "--mount", "--pid", "--fork", "--mount-proc", "true"]
    return os.geteuid() == 0 and subprocess.run(command, capture_output=True, check=False).returncode == 0


def _unpack(target: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        sources = []
        for number, (suffix, content) in enumerate(host_sources(release())):
            sources.append(Path(folder, f"{number}.{suffix}"))
            sources[-1].write_text(content)
        keyring = [f"--keyring={KEYRING}"] if os.path.exists(KEYRING) else []
        command = [
            *("mmdebstrap", "--quiet", "--variant=extract", "--mode=root", "--format=directory", "--include=passwd"),
            *(*keyring, release(), str(target), *map(str, sources)),
        ]
        subprocess.run(command, check=True)


@dataclass(frozen=True)
class Chroot:
    """The chroot, at ``folder``."""

    folder: Path

    @classmethod
    def copy(cls, folder: Path) -> Chroot:
        """Make one of the template."""
        subprocess.run(["cp", "-a", str(template()), str(folder)], check=True)
        return cls(folder)

    def reset(self, start: Start) -> None:
        """Make the account files, homes and mail spools as they are to be at first."""
        for name in DATABASES:
            for path in self.folder.glob(f"etc/{name}*"):
                path.unlink()
        for place in _PLACES:
            shutil.rmtree(self.folder / place, ignore_errors=True)
            (self.folder / place).mkdir(parents=True)
        for name, content in {**START, **start}.items():
            if content is None:
                (self.folder / name[1:]).unlink(missing_ok=True)
            else:
                (self.folder / name[1:]).write_text(content)
        for name in ("shadow", "gshadow"):
            if (self.folder / "etc" / name).exists():
                self._own(f"etc/{name}", 0o640, 0, 42)
        self._make_skeletons()
        self._make_homes()

    def _make_skeletons(self) -> None:
        self._file("etc/skel/.profile", 0o644, 0, 0)
        self._file("etc/skel/.private", 0o600, 0, 0)
        self._file("etc/skel/.config/app/settings", 0o640, 0, 0)
        self._own("etc/skel/.config", 0o2750, 0, 0)
        os.symlink(".profile", self.folder / "etc/skel/link")
        os.symlink("/etc/skel/.config/app", self.folder / "etc/skel/inside")
        self._file("etc/skel2/other", 0o755, 0, 0)

    def _make_homes(self) -> None:
        for user, uid, gid in (("alice", 1000, 1000), ("bob", 1002, 100)):
            self._file(f"home/{user}/mine", 0o644, uid, gid)
            self._file(f"home/{user}/theirs", 0o600, 8, 1000)
            self._file(f"home/{user}/deep/er/file", 0o600, uid, 8)
            self._own(f"home/{user}/deep", 0o700, uid, gid)
            os.symlink("/etc/passwd", self.folder / f"home/{user}/link")
            os.lchown(self.folder / f"home/{user}/link", uid, gid)
            self._own(f"home/{user}", 0o750, uid, gid)
            self._file(f"var/mail/{user}", 0o660, uid, 8)

    def _file(self, path: str, mode: int, uid: int, gid: int) -> None:
        (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / path).write_text(f"{path}\n")
        self._own(path, mode, uid, gid)

    def _own(self, path: str, mode: int, uid: int, gid: int) -> None:
        os.chown(self.folder / path, uid, gid)
        os.chmod(self.folder / path, mode)

    @property
    def _apart(self) -> list[str]:
        """With a /proc of their own: fchmodat(3) of glibc needs one, and userdel looks for processes there."""
        (self.folder / "proc").mkdir(exist_ok=True)
        return ["unshare", "--mount", "--pid", "--fork", f"--mount-proc={self.folder}/proc"]

    def run(self, commands: t.Iterable[str]) -> int:
        """Run commands of the shadow suite, as far as they succeed; return the last one's exit status."""
        status = 0
        for command in commands:
            words = [*self._apart, "chroot", str(self.folder), *shlex.split(command)]
            environment = {"SOURCE_DATE_EPOCH": EPOCH, "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"}
            status = subprocess.run(words, env=environment, capture_output=True, check=False).returncode
            if status:
                break
        return status

    def snapshot(self) -> dict[str, tuple[t.Any, ...]]:
        """Return what a user would see: the databases without their backups, homes and mail spools."""
        paths = [self.folder / "etc" / name for name in DATABASES]
        for place in _PLACES:
            paths += [self.folder / place, *(self.folder / place).rglob("*")]
        return {str(path.relative_to(self.folder)): _entry(path) for path in paths if os.path.lexists(path)}


def _entry(path: Path) -> tuple[t.Any, ...]:
    found = path.lstat()
    content: bytes | str = ""
    if stat.S_ISLNK(found.st_mode):
        content = os.readlink(path)
    elif stat.S_ISREG(found.st_mode):
        content = path.read_bytes()
    return (stat.filemode(found.st_mode), found.st_uid, found.st_gid, content)
