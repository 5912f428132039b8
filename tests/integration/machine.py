# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a boot of a customized image needs: QEMU as its machine, a package server, and checks of its disk."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import http.server
import subprocess
import threading
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

from guest_files import ext_offsets

#: The host, as a guest sees it through QEMU's user network.
HOST = "10.0.2.2"
_TAIL = 6000


@dataclass(frozen=True)
class Machine:
    """A PC without a boot loader: QEMU loads ``kernel`` and ``initrd`` itself, at every reset.

    :param accelerator: ``kvm`` or ``tcg``, as the product found out.
    :param console: where its serial console is written.
    """

    image: Path
    image_format: str
    kernel: Path
    initrd: Path
    accelerator: str
    console: Path

    def command(self) -> list[str]:
        """Return QEMU's command line. Reboots are part of the tests, so it ends with a power-off only."""
        drive = f"file={str(self.image).replace(',', ',,')},format={self.image_format},if=virtio,cache=unsafe"
        return [
            *("qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none", "-machine", "pc"),
            *("-accel", self.accelerator, "-m", "768", "-smp", "2", "-drive", drive),
            *("-netdev", "user,id=net", "-device", "virtio-net-pci,netdev=net,romfile="),
            *("-device", "virtio-rng-pci", "-serial", f"file:{self.console}"),
            *("-kernel", str(self.kernel), "-initrd", str(self.initrd)),
            # With "ro", systemd cannot apply its presets at the first boot, which is what threatens units.
            # On a machine that does much else, an emulated service can take longer to start than systemd's 90 s.
            *("-append", "root=LABEL=root rw console=ttyS0 systemd.default_timeout_start_sec=600"),
        ]

    def run(self, environment: t.Mapping[str, str], deadline: float) -> None:
        """Let the machine run until it powers itself off; after ``deadline`` seconds it is ended and the test fails."""
        with open(self.console.with_suffix(".qemu"), "wb") as said:
            process = subprocess.Popen(
                self.command(), env=dict(environment), stdin=subprocess.DEVNULL, stdout=said, stderr=said
            )
            try:
                status: int | None = process.wait(deadline)
            except subprocess.TimeoutExpired:
                status = None
            finally:
                process.kill()
                process.wait()
        if status != 0:
            why = "did not end in time" if status is None else f"ended with {status}"
            errors = self.console.with_suffix(".qemu").read_text(errors="replace")
            raise AssertionError(f"QEMU {why}\n{errors}\n{self.said()[-_TAIL:]}")

    def said(self) -> str:
        """Return what was written to the console so far."""
        return self.console.read_text(errors="replace") if self.console.exists() else ""


@dataclass(frozen=True)
class Package:
    """A Debian package of one program ``/usr/bin/NAME``; ``postinst`` runs when it has been unpacked."""

    name: str
    version: str
    program: str
    postinst: str

    def control(self) -> str:
        fields = {
            "Package": self.name,
            "Version": self.version,
            "Architecture": "all",
            "Maintainer": "Nobody <nobody@example.com>",
            "Description": "A package of the tests",
        }
        return "".join(f"{key}: {value}\n" for key, value in fields.items())

    def build(self, folder: Path) -> Path:
        """Make the .deb below ``folder`` with dpkg-deb and return it."""
        tree = folder / "tree"
        for path, content in (
            ("DEBIAN/control", self.control()),
            ("DEBIAN/postinst", self.postinst),
            (f"usr/bin/{self.name}", self.program),
        ):
            target = tree / path
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
            target.write_text(content)
            target.chmod(0o644 if path.endswith("control") else 0o755)
        made = folder / f"{self.name}_{self.version}_all.deb"
        subprocess.run(["dpkg-deb", "--root-owner-group", "--build", str(tree), str(made)], check=True)
        return made


@dataclass
class Repository:
    """An apt repository without signatures at ``http://127.0.0.1:port/``; ``requests`` are the paths asked for."""

    port: int = 0
    requests: list[str] = field(default_factory=list)

    @property
    def source(self) -> str:
        """The line for a guest's sources.list."""
        return f"deb [trusted=yes] http://{HOST}:{self.port}/ ./"


class _Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves a folder, and keeps what was asked for in ``seen``."""

    def __init__(self, *args: t.Any, seen: list[str], **options: t.Any) -> None:
        self.seen = seen
        super().__init__(*args, **options)

    def log_message(self, format: str, *args: t.Any) -> None:
        self.seen.append(self.path)


@contextlib.contextmanager
def serving(package: Package, folder: Path) -> t.Iterator[Repository]:
    """Serve a repository that holds ``package`` from ``folder``, for as long as the context lasts."""
    deb = package.build(folder)
    digest = hashlib.sha256(deb.read_bytes()).hexdigest()
    entry = f"Filename: ./{deb.name}\nSize: {deb.stat().st_size}\nSHA256: {digest}\n"
    (folder / "Packages").write_text(package.control() + entry)
    repository = Repository()
    handler = functools.partial(_Quiet, directory=str(folder), seen=repository.requests)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    repository.port = server.server_port
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield repository
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def disk_problems(image: Path, image_format: str, raw: Path) -> list[str]:
    """Return what ``qemu-img check`` says of the image, and ``e2fsck`` of its raw copy: nothing for a disk in order."""
    commands = [["qemu-img", "check", "-q", "-f", image_format, str(image)]]
    commands += [["e2fsck", "-f", "-n", f"{raw}?offset={offset}"] for offset in ext_offsets(raw)]
    found = []
    for command in commands:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            found.append(f"{' '.join(command)} ended with {done.returncode}\n{done.stdout}{done.stderr}")
    return found
