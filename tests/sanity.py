# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run ``ansible-test sanity`` on a copy of this checkout, with no network but PyPI.

ansible-test wants the collection in a folder ``ansible_collections/offline/guest``, so the files that git knows or
would add are copied to one below ``build/sanity``. It makes a virtual environment for each of its tests and bootstraps
pip into them with a script from a server of its own. That script has a place in ansible-test's cache, and what is put
there is used instead: :data:`BOOTSTRAP`, which takes pip from ``ensurepip`` and PyPI. ansible-test also drops most of
the environment, so what the caller told pip through it is handed on as a configuration file.

What :data:`NOT_PUBLISHED` names is left out, as it is from the published collection.

Arguments are handed to ``ansible-test sanity``: ``build/venv/bin/python tests/sanity.py --test pylint``.
"""

from __future__ import annotations

import configparser
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "sanity"
COLLECTION = BUILD / "ansible_collections" / "offline" / "guest"
HOME = BUILD / "home"
PYTHONS = BUILD / "pythons"

# Also in galaxy.yml under build_ignore: the link that names plugins/module_utils for people, not for Ansible.
NOT_PUBLISHED = frozenset({Path("module_utils")})

# The Pythons that a module may run under, which ansible-test imports and compiles the plugins with where it finds them.
VERSIONS = ("3.9", "3.10", "3.11", "3.12", "3.13", "3.14")

BOOTSTRAP = """\
import subprocess
import sys

subprocess.check_call([sys.executable, "-m", "ensurepip"], stdout=subprocess.DEVNULL)
install = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--quiet"]
sys.exit(subprocess.call(install + [arg for arg in sys.argv[1:] if "==" in arg]))
"""


def tracked_files() -> list[Path]:
    """Return the files that git tracks or would add, relative to the checkout; links are not followed."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listing = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout
    paths = sorted({Path(os.fsdecode(name)) for name in listing.split(b"\0") if name})
    return [path for path in paths if path not in NOT_PUBLISHED and os.path.lexists(ROOT / path)]


def copy_collection() -> None:
    """Make :data:`COLLECTION` a fresh copy, and a git repository: ansible-test takes its list of files from git."""
    shutil.rmtree(COLLECTION, ignore_errors=True)
    for path in tracked_files():
        target = COLLECTION / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / path, target, follow_symlinks=False)
    subprocess.run(["git", "init", "--quiet", str(COLLECTION)], check=True)
    subprocess.run(["git", "-C", str(COLLECTION), "add", "--all"], check=True)


def provide_pip_bootstrap() -> None:
    """Put :data:`BOOTSTRAP` where ansible-test keeps the script that it would download, one for each pip version."""
    query = "from ansible_test._internal.python_requirements import get_venv_packages as packages"
    query += "; from ansible_test._internal.host_configs import PosixConfig, NativePythonConfig as Python"
    query += "; print(packages(Python(version='{0}.{1}'.format(*__import__('sys').version_info), path=''))['pip'])"
    found = subprocess.run([sys.executable, "-c", query], check=True, stdout=subprocess.PIPE, text=True)
    script = HOME / ".ansible" / "test" / "cache" / f"get_pip_{found.stdout.strip().replace('.', '_')}.py"
    script.parent.mkdir(parents=True, exist_ok=True)
    script.write_text(BOOTSTRAP, encoding="utf-8")


def provide_pip_settings() -> None:
    """Write a pip configuration that holds the caller's own and what ``PIP_*`` variables say."""
    settings = configparser.RawConfigParser()
    settings.read([Path.home() / ".pip" / "pip.conf", Path.home() / ".config" / "pip" / "pip.conf"])
    if not settings.has_section("global"):
        settings.add_section("global")
    for name, value in os.environ.items():
        if name.startswith("PIP_") and name != "PIP_CONFIG_FILE":
            settings.set("global", name[4:].lower().replace("_", "-"), value)
    settings.set("global", "quiet", "1")
    target = HOME / ".config" / "pip" / "pip.conf"
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("w", encoding="utf-8") as stream:
        settings.write(stream)


def candidates(version: str) -> list[Path]:
    """Return where ``python<version>`` may be: on the PATH, or among those that pyenv keeps."""
    name = f"python{version}"
    folders = [Path(folder) for folder in os.environ.get("PATH", os.defpath).split(os.pathsep)]
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    folders += sorted(pyenv.glob(f"versions/{version}.*/bin"))
    return [folder / name for folder in folders if os.access(folder / name, os.X_OK)]


def is_usable(python: Path) -> bool:
    """Tell whether ``python`` starts (a pyenv shim may not) and can make virtual environments."""
    command = [str(python), "-c", "import ensurepip, venv"]
    return subprocess.run(command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0


def link_pythons() -> list[str]:
    """Fill :data:`PYTHONS` with a link to one usable interpreter of each version, and return the versions found."""
    shutil.rmtree(PYTHONS, ignore_errors=True)
    PYTHONS.mkdir(parents=True)
    found = []
    for version in VERSIONS:
        usable = next((path for path in candidates(version) if is_usable(path)), None)
        if usable:
            (PYTHONS / f"python{version}").symlink_to(usable)
            found.append(version)
    return found


def environment() -> dict[str, str]:
    """Return an environment in which ansible-test sees only the interpreters that work and writes only below build/."""
    path = os.pathsep.join([str(Path(sys.executable).parent), str(PYTHONS), "/usr/bin", "/bin"])
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "PYTHON"))}
    return {**kept, "PATH": path, "HOME": str(HOME), "PYTHONWARNINGS": "ignore::UserWarning"}


def main() -> int:
    copy_collection()
    provide_pip_bootstrap()
    provide_pip_settings()
    sys.stderr.write(f"sanity: Python {', '.join(link_pythons())}\n")
    command = [str(Path(sys.executable).with_name("ansible-test")), "sanity", "--color", "no", *sys.argv[1:]]
    return subprocess.run(command, cwd=COLLECTION, env=environment(), check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
