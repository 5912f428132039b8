#!/bin/sh
# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Bring a Debian or Ubuntu machine to where the tests, the demo and the bench can run. Does nothing when all is there.
#
# - system packages, with apt, when one is missing (sudo is used when the caller is not root)
# - a virtual environment build/venv with the versions of tests/requirements.txt
# - build/community with community.general and ansible.posix, whose modules the differential tests compare with, and a
#   role of grafana.grafana, which the tests run on a guest
# - build/collections, through which Ansible, pytest and mypy see this checkout as the collection offline.guest
#
# PYTHON=... chooses the interpreter of the virtual environment (3.11 or later).

set -eu
cd "$(dirname "$0")/.."

packages="guestfs-tools libguestfs-tools libguestfs-xfs python3-guestfs python3-hivex python3-libvirt
 qemu-system-x86 qemu-utils mmdebstrap busybox dash shellcheck systemd git python3-venv"

say() {
    printf 'setup: %s\n' "$*" >&2
}

fail() {
    say "$*"
    exit 1
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        fail "this needs root, and there is no sudo: $*"
    fi
}

is_installed() {
    # shellcheck disable=SC2016  # the format is dpkg-query's
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

missing_packages() {
    for package in $packages; do
        is_installed "$package" || printf ' %s' "$package"
    done
    # The appliance boots a kernel of the host. A cloud kernel is enough, and any that is there already will do.
    for kernel in /boot/vmlinuz-*; do
        [ -e "$kernel" ] && [ -d "/lib/modules/${kernel#/boot/vmlinuz-}" ] && return
    done
    # shellcheck source=/dev/null
    case "$(. /etc/os-release && echo "$ID")" in
        ubuntu) printf ' linux-image-virtual' ;;
        *) printf ' linux-image-cloud-%s' "$(dpkg --print-architecture)" ;;
    esac
}

install_packages() {
    missing=$(missing_packages)
    [ -n "$missing" ] || return 0
    command -v apt-get >/dev/null || fail "these packages are missing, and there is no apt-get:$missing"
    say "installing$missing"
    as_root apt-get update -q
    # shellcheck disable=SC2086  # a list of words
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $missing
}

make_kernel_readable() {
    # Ubuntu makes kernels readable for root alone, and the appliance is built from one by whoever runs it.
    for kernel in /boot/vmlinuz-*; do
        [ -e "$kernel" ] || continue
        [ -r "$kernel" ] || {
            say "making $kernel readable: the appliance is built from it"
            as_root chmod 0644 "$kernel"
        }
    done
}

is_usable_python() {
    "$1" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

find_python() {
    for python in "${PYTHON:-/usr/bin/python3}" python3 python3.13 python3.12 python3.11; do
        if is_usable_python "$python"; then
            command -v "$python"
            return
        fi
    done
    fail "there is no Python 3.11 or later with venv and ensurepip; name one with PYTHON=..."
}

make_venv() {
    stamp=build/venv/.stamp
    wanted=$(cksum <tests/requirements.txt)
    if [ -x build/venv/bin/python ] && [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ] &&
        build/venv/bin/python -c '' 2>/dev/null; then
        return 0
    fi
    python=$(find_python)
    say "making build/venv with $python"
    rm -rf build/venv
    "$python" -m venv build/venv
    build/venv/bin/python -m pip install --quiet --disable-pip-version-check -r tests/requirements.txt
    printf '%s\n' "$wanted" >"$stamp"
}

# The community's collections are on Galaxy, but PyPI has them too, as the package "ansible".
fetch_community() {
    folder=build/community
    stamp=$folder/.stamp
    version=12.2.0
    wanted="$version community.general ansible.posix grafana.grafana"
    [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ] && return 0
    say "fetching community.general, ansible.posix and a role of grafana.grafana from ansible $version"
    rm -rf "$folder"
    mkdir -p "$folder"
    build/venv/bin/python -m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: \
        --dest "$folder" "ansible==$version"
    build/venv/bin/python - "$folder" <<'END'
import pathlib, sys, zipfile

folder = pathlib.Path(sys.argv[1])
for wheel in folder.glob("*.whl"):
    with zipfile.ZipFile(wheel) as archive:
        wanted = (
            "ansible_collections/community/general/",
            "ansible_collections/ansible/posix/",
            "ansible_collections/grafana/grafana/roles/grafana/",
        )
        archive.extractall(folder, [name for name in archive.namelist() if name.startswith(wanted)])
    wheel.unlink()
END
    printf '%s\n' "$wanted" >"$stamp"
}

link_collection() {
    mkdir -p build/collections/ansible_collections/offline
    ln -sfn ../../../.. build/collections/ansible_collections/offline/guest
}

mkdir -p build
exec 9>build/.setup.lock
flock 9
install_packages
make_kernel_readable
make_venv
fetch_community
link_collection
