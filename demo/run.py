# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The demo: customizes a copy of an image with playbooks/golden_image.yml, twice.

The environment says which image: IMAGE and FORMAT, or none for a Debian that is made from Debian's packages.
"""

from __future__ import annotations

import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
GIBIBYTE = 1024**3


def say(text: str) -> None:
    """Print a headline."""
    print(f"\n\033[1m{text}\033[0m" if sys.stdout.isatty() else f"\n== {text}", flush=True)


def make_debian() -> tuple[pathlib.Path, str]:
    """Return the Debian image of the tests and its format; it is made if it is not there."""
    say("Making a Debian image from Debian's packages (kept for the next time)")
    subprocess.run(["/usr/bin/python3", str(ROOT / "tests/images/build.py"), "debian-real"], check=True)
    return BUILD / "images" / "debian-real.raw", "raw"


def copy(source: pathlib.Path) -> pathlib.Path:
    """Return a copy to work on."""
    folder = BUILD / "demo"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    target = folder / ("golden" + "".join(source.suffixes[-1:]))
    subprocess.run(["cp", "--sparse=always", "--reflink=auto", str(source), str(target)], check=True)
    return target


def virtual_size(image: pathlib.Path, image_format: str) -> int:
    """Return the virtual size in bytes; the format is stated, as everywhere."""
    done = subprocess.run(
        ["qemu-img", "info", "-f", image_format, "--output", "json", str(image)],
        check=True,
        capture_output=True,
        text=True,
    )
    return int(json.loads(done.stdout)["virtual-size"])


def sha256(path: pathlib.Path) -> str:
    """Return the digest of a file."""
    with open(path, "rb") as stream:
        digest = hashlib.sha256()
        while chunk := stream.read(1024 * 1024):
            digest.update(chunk)
    return digest.hexdigest()


def play(image: pathlib.Path, image_format: str, size: int) -> int:
    """Run the golden image playbook, shown to the user as it runs; return how many tasks reported a change."""
    variables = {
        "ansible_python_interpreter": str(BUILD / "venv/bin/python"),
        "golden_image_path": str(image),
        "golden_image_format": image_format,
        "golden_image_size": str(size),
    }
    process = subprocess.Popen(
        [str(BUILD / "venv/bin/ansible-playbook"), "-i", "localhost,", "-c", "local", "--diff"]
        + ["-e", json.dumps(variables), str(ROOT / "playbooks/golden_image.yml")],
        env={
            **os.environ,
            "ANSIBLE_COLLECTIONS_PATH": str(BUILD / "collections"),
            "ANSIBLE_FORCE_COLOR": "1" if sys.stdout.isatty() else "0",
            "ANSIBLE_CALLBACK_RESULT_FORMAT": "yaml",
            "ANSIBLE_DISPLAY_SKIPPED_HOSTS": "0",
        },
        stdout=subprocess.PIPE,
        text=True,
    )
    changed = -1
    assert process.stdout is not None
    for line in process.stdout:
        print(line, end="", flush=True)
        found = re.search(r"\bchanged=(\d+)", line)
        changed = int(found.group(1)) if found else changed
    if process.wait() != 0:
        sys.exit("The playbook failed. The image is as it was before.")
    return changed


def main() -> None:
    """Run the demo; exit status 0 when the second run changed nothing."""
    given = os.environ.get("IMAGE", "")
    image_format = os.environ.get("FORMAT", "")
    if given and not image_format:
        sys.exit("State the format of the image, too: make demo IMAGE=disk.qcow2 FORMAT=qcow2. It is never guessed.")
    source, image_format = (pathlib.Path(given), image_format) if given else make_debian()
    if not source.is_file():
        sys.exit(f"There is no image {source}.")
    image = copy(source)
    size = virtual_size(image, image_format) + GIBIBYTE

    say(f"First run of playbooks/golden_image.yml on {image.relative_to(ROOT)}")
    before = sha256(image)
    first = play(image, image_format, size)
    middle = sha256(image)

    say("Second run of the same playbook")
    second = play(image, image_format, size)
    after = sha256(image)

    say("Summary")
    print(f"first run   changed={first:<3} SHA-256 {before[:16]}… -> {middle[:16]}…")
    print(f"second run  changed={second:<3} SHA-256 {middle[:16]}… -> {after[:16]}…")
    if first <= 0 or second != 0 or middle != after:
        sys.exit("That is not what was promised: a first run that changes, and a second that changes nothing.")
    print("The second run changed nothing, and the image is byte for byte what it was.")
    print(f"The customized image: {image.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
