# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""What runs first in an appliance whose boot is kept: it boots as libguestfs's own init does, waits, and wakes up.

Standard library only: the server imports this file, outside of Ansible.

The machine is saved while :data:`INIT` waits for a word on a virtio port of its own. Whoever resumes it says ``wake``
there, and is asked for the time and for random bytes, so that both are of that moment. Only then is the disk read: the
machine was saved with an empty one. libguestfs's daemon runs already and has reported, to whoever saved the machine; so
whoever resumes it reports in its place when the machine says that it is ready.

udev is there while the machine boots and gone when it is saved: each program that a call starts in the appliance would
wait for it. Without it the kernel makes the nodes of disks and partitions (devtmpfs), and device-mapper's library makes
its own (libdevmapper does so where no udevd listens at /run/udev/control).
"""

from __future__ import annotations

import struct

#: The virtio port on which a saved appliance is woken up.
PORT = "org.offline-guest.warm"
#: What the appliance says there: it may be saved; it is awake and wants time and seed; its disk is ready.
PARKED, AWAKE, READY = "parked", "awake", "ready"
#: What it says first where the kernel has named the disks in another order, so that it is not to be saved.
SWAPPED = "swapped"
#: What is said to it.
WAKE = "wake"
#: What the daemon says when it has started (GUESTFS_LAUNCH_FLAG of libguestfs's protocol, as XDR).
LAUNCH_FLAG = "f5f55ff5"

_RNDRESEEDCRNG = 0x5207  # _IO('R', 7) of linux/random.h
_LOADED_AT = 0x400000


def reseeder() -> bytes:
    """Return an x86-64 program that makes the kernel take a new key for its random numbers from its entropy pool.

    Random bytes written to /dev/urandom go into the pool only; the kernel takes a new key from it at times of its own,
    up to a minute later (random(4); drivers/char/random.c, crng_has_old_seed), and until then two appliances resumed
    from one state would make the same UUIDs, salts and keys. QEMU's generation id would do it, but kernels lack the
    driver (Debian 12's have no CONFIG_VMGENID), and no program in an appliance makes this one ioctl(2). So here it is:
    open("/dev/random", O_RDWR), ioctl(fd, RNDRESEEDCRNG), exit(errno).
    """
    path = b"/dev/random\0"
    code = bytes.fromhex(
        "b802000000"  # mov eax, 2            open(2)
        "488d3d22000000"  # lea rdi, [rip+34]  the path, right after the code
        "be02000000"  # mov esi, 2            O_RDWR
        "0f05"  # syscall
        "89c7"  # mov edi, eax
        "be" + struct.pack("<I", _RNDRESEEDCRNG).hex() + "31d2"  # mov esi, request; xor edx, edx
        "b810000000"  # mov eax, 16           ioctl(2)
        "0f05"  # syscall
        "f7d8"  # neg eax
        "89c7"  # mov edi, eax
        "b83c000000"  # mov eax, 60           exit(2)
        "0f05"  # syscall
    )
    start = 64 + 56  # after the ELF header and the one program header (elf(5))
    size = start + len(code) + len(path)
    ident = b"\x7fELF\x02\x01\x01".ljust(16, b"\0")
    header = ident + struct.pack("<HHIQQQIHHHHHH", 2, 62, 1, _LOADED_AT + start, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    segment = struct.pack("<IIQQQQQQ", 1, 5, 0, _LOADED_AT, _LOADED_AT, size, size, 0x1000)
    return header + segment + code + path


#: The script that takes the place of the appliance's own /init, read by the appliance's bash.
INIT = (
    r"""#!/bin/bash
# The init of an appliance whose boot is kept; made by the Ansible collection offline.guest.

export PATH=/sbin:/usr/sbin:/bin:/usr/bin LVM_SYSTEM_DIR=/run/lvm-config

mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/pts /dev/shm /sysroot /tmp /var/tmp /run
mount -t devpts devpts /dev/pts
mount -t tmpfs -o mode=1777 shm /dev/shm
mount -t tmpfs -o nosuid,mode=0755,size=20% run /run
mkdir -p /run/lock /run/tmpfiles.d "$LVM_SYSTEM_DIR"
[ -e /dev/fd ] || ln -s /proc/self/fd /dev/fd
[ -e /var/lock ] || ln -s ../run/lock /var/lock
[ -e /etc/mtab ] || ln -s /proc/mounts /etc/mtab

# Nodes of modules that are loaded at first use, such as /dev/fuse.
kmod static-nodes --format=tmpfiles --output=/run/tmpfiles.d/kmod.conf
systemd-tmpfiles --prefix=/dev --prefix=/run --create --boot

for udevd in /lib/systemd/systemd-udevd /usr/lib/systemd/systemd-udevd /sbin/udevd /lib/udev/udevd; do
    [ -x "$udevd" ] && break
done
"$udevd" --daemon
udevadm trigger
udevadm settle --timeout=600
udevadm control --exit
rm -rf /run/udev

ip address add 127.0.0.1/8 dev lo
ip link set lo up
for module in dm_mod dm_crypt loop fuse ext4 xfs btrfs vfat virtio_rng; do
    modprobe -q "$module"
done
for timeout in /sys/block/sd*/device/timeout; do
    echo 300 > "$timeout"
done
cat > "$LVM_SYSTEM_DIR/lvm.conf" << 'END'
activation {
    udev_sync = 0
    udev_rules = 0
}
devices {
    obtain_device_list_from_udev = 0
    use_devicesfile = 0
}
END

# What a session uses first is read into memory before the machine is saved.
blkid -p /dev/sda
lvm pvs
date
mdadm -As
mount -t ext4 /dev/sda /sysroot
/offline-guest-reseed
sync

guestfsd &
daemon=$!
exec 3<> /dev/virtio-ports/@PORT@
# The kernel names disks in the order in which it is done with them, and the first one is the session's.
set -- /sys/bus/scsi/devices/*:0:0:0/block/sda
[ -e "$1" ] || echo @SWAPPED@ >&3
echo @PARKED@ >&3
read -r word <&3
[ "$word" = @WAKE@ ] || exit 1

# Awake, perhaps years later and not for the first time.
echo @AWAKE@ >&3
read -r now seed <&3
date -s "@$now" > /dev/null &
clock=$!
printf '%b' "$seed" > /dev/urandom
/offline-guest-reseed || exit 1
id=${seed//\\x/}
echo "${id:0:32}" > /etc/machine-id

# The disk that the machine was saved with was empty: read its size and its partitions.
echo 1 > /sys/block/sda/device/rescan
blockdev --rereadpt /dev/sda
found=$(blkid -p -o export /dev/sda*)
case $found in
*_raid_member*) mdadm -As --auto=yes --no-degraded ;;
esac
case $found in
*TYPE=LVM2_member* | *_raid_member*) lvm pvscan --cache --activate ay ;;
esac
case $found in
*_raid_member*) mdadm -As --auto=yes --run ;;
esac
case $found in
*PART_ENTRY_TYPE=0x42* | *5808c8aa-7e8f-42e0-85d2-e1e90434cfb3* | *af9b60a0-1431-4f62-bc68-3311714a69ad*)
    ldmtool create all ;;
esac
case $found in
*TYPE=btrfs*) btrfs device scan ;;
esac

wait "$clock" && echo @READY@ >&3
exec 3>&-
wait "$daemon"
sync
reboot -f
""".replace("@PORT@", PORT)
    .replace("@SWAPPED@", SWAPPED)
    .replace("@PARKED@", PARKED)
    .replace("@WAKE@", WAKE)
    .replace("@AWAKE@", AWAKE)
    .replace("@READY@", READY)
)
