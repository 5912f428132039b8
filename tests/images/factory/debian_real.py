# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real Debian that boots, built from Debian's packages by mmdebstrap, without a mount or a loop device of our own.

mmdebstrap makes a tar archive (as root, or as an ordinary user who has subordinate ids, in a user namespace);
``mke2fs -d`` makes the file system of its unpacked tree. There is no boot loader: kernel and initrd are read from the
image, and QEMU is given them.
"""

from __future__ import annotations

import os
import re
import tempfile
import typing as t
from pathlib import Path

from .debian_like import GPT_BIOS, GPT_LINUX
from .disk import assemble, slots, stable_uuid
from .filesystems import copy_into, run, sparse
from .model import Data, Partition, Recipe
from .tree import Tree, link

NAME = "debian-real"
MIB = 2048
PACKAGES = (
    "systemd-sysv", "linux-image-cloud-amd64", "initramfs-tools", "zstd", "openssh-server", "dbus", "iproute2", "sudo",
)  # fmt: skip
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
UUID = stable_uuid(NAME, "root")
_RECIPE = Recipe(
    MIB, (Partition(Data(), 1, GPT_BIOS), Partition(Data(), 0, GPT_LINUX, "root")), "gpt", "a Debian that boots"
)


def overlay() -> Tree:
    """Return what is laid over the installed packages."""
    return Tree().add({
        "/etc/fstab": f"UUID={UUID} / ext4 defaults,errors=remount-ro 0 1\n",
        "/etc/hostname": "debian\n",
        "/etc/hosts": "127.0.0.1\tlocalhost\n127.0.1.1\tdebian\n::1\tlocalhost ip6-localhost ip6-loopback\n",
        "/etc/resolv.conf": "nameserver 10.0.2.3\n",  # QEMU's user network
        "/etc/default/locale": "LANG=C.UTF-8\n",
        "/etc/systemd/network/80-dhcp.network": "[Match]\nName=en* eth*\n\n[Network]\nDHCP=yes\n",
        "/etc/systemd/system/multi-user.target.wants/systemd-networkd.service": link(
            "/lib/systemd/system/systemd-networkd.service"
        ),
        "/etc/systemd/system/network-online.target.wants/systemd-networkd-wait-online.service": link(
            "/lib/systemd/system/systemd-networkd-wait-online.service"
        ),
        # A guest without a network card would else wait for two minutes.
        "/etc/systemd/system/systemd-networkd-wait-online.service.d/short.conf": "[Service]\nExecStart=\n"
        "ExecStart=/lib/systemd/systemd-networkd-wait-online --any --timeout=20\n",
        # It asks questions on the console at the first boot, and waits for the answers.
        "/etc/systemd/system/systemd-firstboot.service": link("/dev/null"),
        "/etc/sysctl.d/50-quiet.conf": "kernel.printk = 3 4 1 3\n",
    })  # fmt: skip


def release() -> str:
    """Return the code name of the host's Debian, or ``bookworm`` where the host is another system."""
    fields = dict(line.split("=", 1) for line in Path("/etc/os-release").read_text().splitlines() if "=" in line)
    if fields.get("ID", "").strip('"') == "debian":
        return fields.get("VERSION_CODENAME", "bookworm").strip('"')
    return "bookworm"


def host_sources(codename: str, folder: Path = Path("/etc/apt")) -> list[tuple[str, str]]:
    """Return the host's apt sources for ``codename`` as (suffix, text), Debian's own server if there are none.

    Sources of other publishers are left out: their suites are not named after the release.
    """
    files = [folder / "sources.list", *sorted((folder / "sources.list.d").glob("*"))]
    found = []
    for file in files:
        content = file.read_text() if file.is_file() else ""
        if file.suffix == ".list":
            lines = [line for line in content.splitlines() if _suites_of_line(line, codename)]
            found += [("list", "\n".join(lines) + "\n")] if lines else []
        elif file.suffix == ".sources":
            found += [("sources", stanza) for stanza in _stanzas(content) if _suites_of_stanza(stanza, codename)]
    return found or [("list", f"deb [signed-by={KEYRING}] http://deb.debian.org/debian {codename} main\n")]


def _suites_of_line(line: str, codename: str) -> bool:
    words = re.sub(r"\[[^]]*\]", "", line).split()
    return len(words) > 3 and words[0] == "deb" and words[2].startswith(codename)


def _stanzas(content: str) -> list[str]:
    kept = "\n".join(line for line in content.splitlines() if not line.startswith("#"))
    return [stanza.strip() + "\n" for stanza in re.split(r"\n\s*\n", kept) if stanza.strip()]


def _suites_of_stanza(stanza: str, codename: str) -> bool:
    fields = dict(re.findall(r"(?m)^([A-Za-z-]+):\s*(.*)$", stanza))
    suites = fields.get("Suites", "").split()
    return "deb" in fields.get("Types", "").split() and bool(suites) and all(s.startswith(codename) for s in suites)


def digest(salt: bytes) -> str:
    """Return the digest of the recipe; the versions of the packages are not part of it."""
    words = repr((_RECIPE.digest(salt), PACKAGES, release(), UUID, list(overlay().describe())))
    return Recipe(0, (), "", words).digest()


def build(path: Path, say: t.Callable[[str], None]) -> None:
    """Make the raw image at ``path``."""
    with tempfile.TemporaryDirectory(dir=path.parent) as scratch:
        folder = Path(scratch)
        os.chmod(folder, 0o755)  # an ordinary user's namespace reads it under another uid
        say(f"{NAME}: installing Debian {release()} (about two minutes)")
        _bootstrap(folder)
        say(f"{NAME}: making the file system")
        assemble(_RECIPE, NAME, path)
        slot = slots(path)[1]
        made = folder / "root.ext4"
        sparse(made, slot.size)
        _make_root(folder, made)
        copy_into(made, path, slot.start)


def _bootstrap(folder: Path) -> None:
    (folder / "overlay.tar").write_bytes(overlay().tar())
    sources: list[Path] = []
    for number, (suffix, content) in enumerate(host_sources(release())):
        sources.append(folder / f"{number}.{suffix}")
        sources[-1].write_text(content)
    keyring = [f"--keyring={KEYRING}"] if os.path.exists(KEYRING) else []
    excluded = [f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in ("man", "doc", "locale", "info")]
    mode = "root" if os.geteuid() == 0 else "unshare"
    run(
        *("mmdebstrap", "--quiet", "--variant=minbase", "--architectures=amd64", f"--mode={mode}", *keyring),
        *("--include=" + ",".join(PACKAGES), "--dpkgopt=force-unsafe-io", *excluded),
        *(f"--customize-hook=tar-in {folder}/overlay.tar /", "--format=tar", release()),
        *(folder / "root.tar", *sources),
    )


def _make_root(folder: Path, made: Path) -> None:
    """Unpack the archive and make a file system of it, in one user namespace where we are not root."""
    script = (
        "set -e; mkdir root; "
        "tar -C root --numeric-owner --xattrs --xattrs-include='*' --exclude='./dev/*' -xf root.tar; "
        "echo uninitialized > root/etc/machine-id; "
        f"mke2fs -q -F -t ext4 -U {UUID} -L root -d root '{made}'; rm -rf root root.tar"
    )
    namespace = [] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--map-auto", "--"]
    run(*namespace, "sh", "-c", f"cd '{folder}'; {script}")
