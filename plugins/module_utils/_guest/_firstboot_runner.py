# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""The runner: the one program that is put into a guest, a POSIX ``sh`` script that its init system starts.

It is data here, a string, because Ansible ships only the Python modules that a module imports.

What it promises, and how:

- *Each script once, in byte order of the names.* Order by the time of adding, or by a counter, is what libguestfs's
  firstboot began with, and a second run of the tool interleaved.
- *At most once.* ``state=running`` is on the disk before a script starts (written beside, synced, renamed, synced). A
  boot that finds it there knows that the script was cut off: it is recorded as ``interrupted`` and not run again,
  unless its retries are not used up. So a script that hangs or crashes the machine at every boot is left behind
  (RHBZ#1159651).
- *Bounded.* A timeout ends the script's session (``setsid``) and whatever else carries the attempt's mark in its
  environment, for su(1) starts a session of its own. A log is kept up to about 1 MiB. The clock is not asked: at a
  first boot it often jumps, so a timeout is a ``sleep``.
- *One runner.* The lock bears the id of the boot, so it needs no breaking: that of another boot is stale by its name.
- *A shutdown is no failure.* A script under way gets ten seconds to end by itself, so that one which has started the
  shutdown is recorded as it ended. The scripts after it are left for the next boot.
- *It ends itself.* With nothing left to run it removes what starts it, with ``rm`` and no tool of the init system.
- *Nothing is executed by path.* ``/bin/sh RUNNER``, ``/bin/sh LAUNCH``, ``INTERPRETER SCRIPT``: a /var that is mounted
  ``noexec`` does not matter, and no file needs the SELinux label of an executable. (Under the targeted policy systemd
  may execute the shell, but not a file labelled ``var_lib_t``: the service ends with 203/EXEC.)

Settings for tests, by environment: ``OFFLINE_GUEST_ROOT`` (a folder to take for ``/``), ``OFFLINE_GUEST_GRACE``
(seconds to end by itself, and again after SIGTERM, 10), ``OFFLINE_GUEST_NETWORK_WAIT`` (seconds to wait for a default
route, 60).
"""

from __future__ import annotations

RUNNER = r"""#!/bin/sh
# Runs the scripts below /var/lib/offline-guest/firstboot/scripts, each once, in the byte order of their names.
# Installed by the Ansible collection offline.guest; what it did is below /var/lib/offline-guest/firstboot/results.

say() {
    printf 'offline-guest-firstboot: %s\n' "$*"
}

die() {
    say "$*"
    release
    exit 1
}

is_number() {
    case $1 in
        '' | *[!0-9]* | ?????????????*) return 1 ;;
    esac
}

# A part of a second where this sleep knows parts of seconds.
nap() {
    sleep 0.1 2>/dev/null || sleep 1
}

# A sleep that a signal to this shell ends, whenever it comes; a wait would sleep through one that came just before it.
pause() {
    left=$1
    while [ "$left" -gt 0 ] && [ -z "$stopping" ]; do
        sleep 1
        left=$((left - 1))
    done
}

# One lock a boot: mkdir is atomic, a lock of another boot is stale by its name alone, and nobody has to break one.
lock() {
    boot=
    read -r boot <"$root/proc/sys/kernel/random/boot_id"
    case $boot in
        '' | *[!0-9a-zA-Z-]*) say 'no boot id: /proc is not mounted'; exit 1 ;;
    esac
    for old in "$base"/lock.*; do
        [ "$old" = "$base/lock.$boot" ] || rm -rf "$old"
    done
    if mkdir "$base/lock.$boot" 2>/dev/null; then
        held=yes
        rm -rf "$run"
    elif [ -d "$base/lock.$boot" ]; then
        say 'another runner holds the lock of this boot'
        exit 0
    else
        say "there is no writing to $base"
        exit 1
    fi
}

release() {
    [ -z "$held" ] || rmdir "$base/lock.$boot"
    held=
}

# The names in byte order; what is no name, or not complete, was not put there by the collection.
names() {
    LC_ALL=C
    export LC_ALL
    cd "$base/scripts" 2>/dev/null || return 0
    for candidate in *; do
        case $candidate in
            [!0-9A-Za-z]* | *[!0-9A-Za-z._-]*) continue ;;
        esac
        if [ -f "$candidate/script" ] && [ -f "$candidate/launch" ] && [ -f "$candidate/options" ]; then
            printf '%s\n' "$candidate"
        fi
    done
}

read_options() {
    timeout=3600 retries=0 retry_delay=5 on_failure=continue reboot=no wants_network=no user=
    while IFS='=' read -r key value; do
        case $key in
            timeout) is_number "$value" && timeout=$value ;;
            retries) is_number "$value" && retries=$value ;;
            retry_delay) is_number "$value" && retry_delay=$value ;;
            on_failure) on_failure=$value ;;
            reboot) reboot=$value ;;
            wants_network) wants_network=$value ;;
            user) user=$value ;;
        esac
    done <"$base/scripts/$name/options"
}

read_record() {
    state='' attempts=0 exit_status='' started='' ended=''
    [ -f "$base/results/$name/record" ] || return 0
    while IFS='=' read -r key value; do
        case $key in
            state) state=$value ;;
            attempts) is_number "$value" && attempts=$value ;;
            started) is_number "$value" || value=''; started=$value ;;
        esac
    done <"$base/results/$name/record"
    # A record that cannot be read proves that the script was started, and no more.
    case $state in
        done | failed | timeout | interrupted) ;;
        *) state=running ;;
    esac
    [ "$attempts" -gt 0 ] || attempts=1
}

# Durable before it returns: a record that a power cut takes back would let a script run twice.
write_record() {
    mkdir -p "$base/results/$name" &&
        printf 'state=%s\nexit_status=%s\nattempts=%s\nstarted=%s\nended=%s\nboot=%s\n' \
            "$state" "$exit_status" "$attempts" "$started" "$ended" "$boot" >"$base/results/$name/record.new" &&
        sync && mv -f "$base/results/$name/record.new" "$base/results/$name/record" && sync
}

# Sets name, its options and its record to those of the script to run next; fails when there is none.
# A record that says "running" here is of a boot that ended in the middle of the script.
next_script() {
    for name in $(names); do
        read_options
        read_record
        if [ "$state" = running ] && [ "$attempts" -gt "$retries" ]; then
            say "$name was interrupted: it is not run again"
            state=interrupted
            write_record || die 'the results cannot be written'
        fi
        case $state in
            done) ;;
            failed | timeout | interrupted) [ "$on_failure" != stop ] || return 1 ;;
            *) return 0 ;;
        esac
    done
    return 1
}

has_route() {
    while read -r _ destination _; do
        [ "$destination" != 00000000 ] || return 0
    done <"$root/proc/net/route"
    while read -r destination prefix _ _ _ _ _ _ _ device; do
        [ "$destination/$prefix" != 00000000000000000000000000000000/00 ] || [ "$device" = lo ] || return 0
    done <"$root/proc/net/ipv6_route"
    return 1
} 2>/dev/null

# Init systems differ in what "online" means, and many never say it, so a default route decides; once, and not for ever.
wait_for_network() {
    while [ "$network_wait" -gt 0 ] && [ -z "$stopping" ] && ! has_route; do
        [ "$network_wait" != 60 ] || say "$name waits for a network"
        network_wait=$((network_wait - 1))
        sleep 1
    done
    network_wait=0
}

is_shutting_down() {
    if [ -d "$root/run/systemd/system" ]; then
        [ "$(systemctl is-system-running 2>/dev/null)" = stopping ]
    elif command -v rc-status >/dev/null; then
        case $(rc-status -r 2>/dev/null) in
            shutdown | reboot) return 0 ;;
        esac
        return 1
    else
        case $(runlevel 2>/dev/null) in
            *' 0' | *' 6') return 0 ;;
        esac
        return 1
    fi
}

leave() {
    say 'the system is shutting down, or somebody wants an end: the rest is for the next boot'
    release
    exit 0
}

# A script that shuts the system down itself would take the next one with it.
leave_at_shutdown() {
    if [ -n "$stopping" ] || is_shutting_down; then
        leave
    fi
}

log_size() {
    echo $(($(wc -c <"$log")))
}

# Copies standard input to the log, at most about $log_limit bytes of it, and swallows the rest.
# dd writes what it has read at once (head keeps it back) and its count bounds what one round can add.
# It lives as long as what the script has left running, so it must not hold our own output open.
collect() {
    exec >/dev/null 2>&1
    before=$(log_size)
    while [ "$before" -lt "$log_limit" ]; do
        dd bs=4096 count=64 >>"$log"
        after=$(log_size)
        [ "$after" -gt "$before" ] || break
        before=$after
    done
    [ "$before" -lt "$log_limit" ] || printf '\n[offline-guest-firstboot: the rest is not kept]\n' >>"$log"
    cat
    : >"$work/collected"
}

# Signals whatever carries the mark of this attempt in its environment: su(1) and daemons leave the process group.
# Shells pass over the NUL characters there; busybox's grep ends at the first.
signal_marked() {
    for process in /proc/[0-9]*; do
        while read -r line || [ -n "$line" ]; do
            case $line in
                *"OFFLINE_GUEST_RUN=$mark"*) kill "-$1" "${process#/proc/}" ;;
            esac
        done <"$process/environ"
    done
} 2>/dev/null

# The process group, or the one process where there was no setsid to make a group.
signal_script() {
    kill "-$1" "-$child" || kill "-$1" "$child"
} 2>/dev/null

end_script() {
    signal_script TERM
    signal_marked TERM
    left=$((grace * 10))
    while [ "$left" -gt 0 ] && signal_script 0; do
        nap
        left=$((left - 1))
    done
    signal_script KILL
    signal_marked KILL
}

# watch SECONDS WHY ends the script after its time, unless it has ended before.
# Of the end of the script and the end of its time only one can rename the file, which takes no room on a full disk.
# $! is another process until there is the sleep: a variable would be set too late for a signal in between. SIGKILL:
# a copy of this shell that is not a sleep yet would catch a SIGTERM by this shell's trap, and go on.
watch() {
    exec >/dev/null 2>&1
    other=$!
    trap '[ "$!" = "$other" ] || kill -KILL "$!"; exit' TERM
    [ -e "$work/running" ] || exit # told to end before there was a trap
    sleep "$1" &
    wait "$!"
    trap '' TERM
    mv "$work/running" "$work/$2" || exit
    end_script
}

# A user cannot reach root's folder, so the script is lent to him in a folder of his own.
lend() {
    mkdir "$work/lent" && cp "$launch" "$script" "$work/lent/" || return 1
    launch=$work/lent/launch script=$work/lent/script
    chmod 711 "$work" && chmod 500 "$launch" "$script" && chown "$user" "$work/lent" "$launch" "$script"
}

# Replaces this (sub)shell by the script. A session of its own, where setsid is there, is what a timeout ends.
launch_script() {
    launch=$base/scripts/$name/launch script=$base/scripts/$name/script
    trap - TERM INT HUP PIPE
    cd / || exit 126
    unset OLDPWD
    umask 022
    OFFLINE_GUEST_RUN=$mark
    export OFFLINE_GUEST_RUN
    set -- /bin/sh "$launch" "$script"
    if [ -n "$user" ]; then
        lend || exit 126
        as=su
        ! command -v runuser >/dev/null || as=runuser
        set -- "$as" -s /bin/sh -c "exec /bin/sh '$launch' '$script'" "$user"
    fi
    ! command -v setsid >/dev/null || set -- setsid "$@"
    exec "$@"
}

make_work() {
    work=$run/$name.$attempts
    rm -rf "$work"
    mkdir -p "$run" && chmod 711 "$run" && mkdir "$work" && mkfifo "$work/output" && : >"$work/running" && : >>"$log"
}

# A signal to this shell ends the wait and nothing else. The script gets a little time to end by itself, for it may be
# what has started the shutdown.
wait_for_script() {
    if [ -z "$stopping" ]; then
        wait "$child" 2>/dev/null
        exit_status=$?
    fi
    [ -n "$stopping" ] || return 0
    say "told to stop while $name runs"
    watch "$grace" stopped &
    stopper=$!
    trap '' TERM INT HUP
    wait "$child" 2>/dev/null
    again=$?
    [ "$again" = 127 ] || exit_status=$again # 127: the first wait has had it
}

# One attempt; sets state and exit_status.
attempt() {
    mark=$boot.$$.$name.$attempts.
    log=$base/results/$name/log
    make_work || die "no room to run $name"
    [ "$attempts" = 1 ] || printf '\n[offline-guest-firstboot: attempt %s]\n' "$attempts" >>"$log"
    collect <"$work/output" &
    launch_script <"/dev/null" >"$work/output" 2>&1 &
    child=$!
    watcher='' stopper=''
    if [ "$timeout" -gt 0 ]; then
        watch "$timeout" timeout &
        watcher=$!
    fi
    wait_for_script
    conclude
}

conclude() {
    state=failed
    [ "$exit_status" != 0 ] || state='done'
    if ! mv "$work/running" "$work/over" 2>/dev/null; then
        [ ! -e "$work/timeout" ] || state=timeout
        [ ! -e "$work/stopped" ] || state=stopped
    fi
    for process in $watcher $stopper; do # one that is ending the script does not mind
        kill "$process" 2>/dev/null
        wait "$process"
    done
    # What the script left running may hold its output open for ever, so the log is not waited for long.
    left=20
    while [ "$left" -gt 0 ] && ! [ -e "$work/collected" ]; do
        nap
        left=$((left - 1))
    done
    rm -rf "$work"
}

run_script() {
    [ "$wants_network" != yes ] || wait_for_network
    [ -n "$started" ] || started=$(date +%s)
    while :; do
        attempts=$((attempts + 1))
        state=running exit_status='' ended=''
        write_record || die "the results cannot be written, so $name is not run"
        say "$name: attempt $attempts"
        attempt
        # The record goes on to say "running", for the next boot to make that an interruption or another attempt.
        [ "$state" != stopped ] || leave
        [ "$state" != 'done' ] || break
        [ "$attempts" -le "$retries" ] || break
        say "$name: $state, exit status $exit_status; it is tried again in $retry_delay s"
        leave_at_shutdown
        pause "$retry_delay"
        leave_at_shutdown
    done
    ended=$(date +%s)
    say "$name: $state, exit status $exit_status"
    write_record || die "the result of $name cannot be written"
}

# The records say what ran, so all that is left to do is to be started no more.
disable() {
    rm -f "$base/pending" \
        "$root/etc/systemd/system/multi-user.target.wants/offline-guest-firstboot.service" \
        "$root/etc/systemd/system-preset/00-offline-guest-firstboot.preset" \
        "$root/etc/runlevels/default/offline-guest-firstboot" \
        "$root"/etc/rc[0-6].d/[KS][0-9][0-9]offline-guest-firstboot \
        "$root"/etc/rc.d/rc[0-6].d/[KS][0-9][0-9]offline-guest-firstboot \
        "$root"/etc/init.d/rc[0-6].d/[KS][0-9][0-9]offline-guest-firstboot
    rm -rf "$run"
    sync
}

# The lock stays, so that nothing is started in what is left of this boot.
reboot_guest() {
    say 'rebooting'
    sync
    if [ -d "$root/run/systemd/system" ]; then
        systemctl --no-block reboot
    else
        reboot
    fi
    exit
}

main() {
    umask 077
    root=${OFFLINE_GUEST_ROOT:-}
    grace=${OFFLINE_GUEST_GRACE:-10}
    network_wait=${OFFLINE_GUEST_NETWORK_WAIT:-60}
    unset OFFLINE_GUEST_ROOT OFFLINE_GUEST_GRACE OFFLINE_GUEST_NETWORK_WAIT
    base=$root/var/lib/offline-guest/firstboot
    run=$root/var/lib/offline-guest/run
    log_limit=1048576
    held='' stopping=''
    PATH=${PATH:-/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin}
    HOME=${HOME:-/root} USER=${USER:-root} LOGNAME=${LOGNAME:-root}
    export PATH HOME USER LOGNAME
    [ -e "$base/pending" ] || exit 0
    lock
    trap 'stopping=yes' TERM INT HUP
    trap '' PIPE
    while next_script; do
        leave_at_shutdown
        run_script
        if [ "$state" = 'done' ] && [ "$reboot" = yes ]; then
            next_script || disable
            reboot_guest
        fi
    done
    disable
    release
    say 'nothing is left to run'
}

main "$@"; exit
"""
