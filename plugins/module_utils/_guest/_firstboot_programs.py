# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""Programs made from a list of commands or packages."""

from __future__ import annotations

import re
import shlex
import typing as t

from .._errors import GuestError, OptionError, printable

# Names, versions (foo=1.2, foo-1.2), architectures (foo:amd64, foo.x86_64), groups (@core), repositories (extra/foo).
# Neither globs nor options; and no '-' at the end, by which apt-get understands "remove".
_PACKAGE = re.compile(r"@?[A-Za-z0-9][A-Za-z0-9+._:=~^/<>-]{0,250}")

_START = "#!/bin/sh\n# Made by the Ansible collection offline.guest.\n"

# Only the first step needs repeating: mirrors and the network may not be ready, and nobody waits for the lists' lock.
_AGAIN = """\
again() {
    left=10
    until "$@"; do
        left=$((left - 1))
        [ "$left" -gt 0 ] || return 1
        sleep 10
    done
}
"""

_OSTREE = """\
if [ -e /run/ostree-booted ]; then
    exec rpm-ostree install --assumeyes --idempotent --allow-inactive %s
fi
"""

# needrestart would restart the service that this very script runs in; the configuration of a package asks nothing.
_APT = """\
export DEBIAN_FRONTEND=noninteractive DEBIAN_PRIORITY=critical NEEDRESTART_SUSPEND=1 UCF_FORCE_CONFFOLD=1
again apt-get -o DPkg::Lock::Timeout=600 update || exit
set -- -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold
exec apt-get -o DPkg::Lock::Timeout=600 "$@" -y install %s
"""

# dnf and yum wait for each other's lock, and refresh what is old, by themselves.
_DNF = _OSTREE + "again dnf -y makecache || exit\nexec dnf -y install %s\n"
_YUM = _OSTREE + "again yum -y makecache || exit\nexec yum -y install %s\n"

# 102 and 103 say that all went well and a reboot, or another run, is advised: zypper(8), "EXIT CODES".
_ZYPPER = """\
export ZYPP_LOCK_TIMEOUT=600
again zypper --non-interactive refresh || exit
zypper --non-interactive install --auto-agree-with-licenses %s
status=$?
case $status in
    102 | 103) exit 0 ;;
esac
exit "$status"
"""

# Arch supports no partial upgrade, so -Sy alone would not do; pacman does not wait for its lock.
_PACMAN = """\
left=60
while [ -e /var/lib/pacman/db.lck ] && [ "$left" -gt 0 ]; do
    left=$((left - 1))
    sleep 10
done
again pacman -Syu --noconfirm --needed %s
"""

_APK = "again apk update --wait 600 || exit\nexec apk add --wait 600 %s\n"

_MANAGERS = {"apt": _APT, "dnf": _DNF, "yum": _YUM, "zypper": _ZYPPER, "pacman": _PACMAN, "apk": _APK}


def packages_script(manager: str, packages: t.Sequence[str]) -> str:
    """Return a script that installs ``packages`` with the guest's own package manager, asking nothing.

    :param manager: as libguestfs names it (``apt``, ``dnf`` …).
    :raises OptionError: there is no package, or something is no package's name.
    :raises GuestError: the manager is not known here.
    """
    if manager not in _MANAGERS:
        raise GuestError(
            f"The guest's package manager is '{printable(manager)}', which firstboot cannot drive.",
            hint=f"Use 'commands' instead of 'packages'. Known are {', '.join(sorted(_MANAGERS))}.",
        )
    for package in packages:
        if not _PACKAGE.fullmatch(package) or package.endswith("-"):
            raise OptionError(f"'{printable(package)}' is not the name of a package.")
    if not packages:
        raise OptionError("The list 'packages' is empty.")
    quoted = shlex.join(packages)
    return _START + _AGAIN + _MANAGERS[manager].replace("%s", quoted)


def commands_script(commands: t.Sequence[str], interpreter: t.Sequence[str]) -> str:
    """Return a script that runs each command by ``INTERPRETER -c``, and ends with the first that fails.

    Each has a shell of its own: a directory or variable that one sets is not the next one's, a syntax error in one does
    not hide the others, and ``exit 0`` ends only its own.

    :raises OptionError: there is no command, or one holds a NUL character.
    """
    if not commands:
        raise OptionError("The list 'commands' is empty.")
    for command in commands:
        if "\0" in command or not command.strip():
            raise OptionError(f"The command '{printable(command)}' is empty or holds a NUL character.")
    run = f"""\
run() {{
    printf '+ %s\\n' "$1"
    {shlex.join(interpreter)} -c "$1"
    status=$?
    if [ "$status" != 0 ]; then
        printf '+ failed with exit status %s\\n' "$status"
        exit "$status"
    fi
}}
"""
    return _START + run + "".join(f"run {shlex.quote(command)}\n" for command in commands)
