# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The runner under real shells: what runs, in which order, how often, and what firstboot_info reads of it."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
import typing as t
from pathlib import Path

import pytest
from ansible_collections.offline.guest.plugins.module_utils._guest._firstboot_runner import RUNNER
from ansible_collections.offline.guest.tests.unit.firstboot_runner.sandbox import BASE, Sandbox

LIMIT = 1024 * 1024
# All that the runner cannot do without.
PROGRAMS = ["cat", "chmod", "date", "dd", "mkdir", "mkfifo", "mv", "rm", "rmdir", "sleep", "wc"]


def say(guest: Sandbox, word: str) -> str:
    return f"echo {word} >>{guest.root}/out/said\n"


def said(guest: Sandbox) -> list[str]:
    return guest.lines("out/said")


def wait_for(what: t.Callable[[], t.Any], *, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state not in ("Z", "X")


def pids(guest: Sandbox, count: int) -> list[int]:
    wait_for(lambda: len(guest.lines("out/pids")) >= count)
    return [int(line) for line in guest.lines("out/pids")]


def test_the_runner_is_clean_for_shellcheck() -> None:
    checked = subprocess.run(
        ["shellcheck", "--shell=sh", "--norc", "-"], input=RUNNER, text=True, stdout=subprocess.PIPE, check=False
    )
    assert checked.stdout == ""
    assert checked.returncode == 0


# Order and results


def test_scripts_run_in_byte_order_of_their_names_not_in_order_of_adding(guest: Sandbox) -> None:
    names = ["b", "9-x", "10-x", "Z", "a.b", "a-b", "a_b", "a"]
    for name in names:
        guest.install(name, say(guest, name))
    guest.boot(LC_ALL="en_US.UTF-8")
    assert said(guest) == sorted(names) == ["10-x", "9-x", "Z", "a", "a-b", "a.b", "a_b", "b"]


def test_results_are_read_back_from_the_disk(guest: Sandbox) -> None:
    guest.install("10-good", "echo to output; echo to error >&2\n")
    guest.install("20-bad", "echo no; exit 42\n")
    before = int(time.time())
    assert guest.boot().returncode == 0
    good, bad = guest.script("10-good"), guest.script("20-bad")
    assert (good["state"], good["exit_status"], good["attempts"]) == ("done", 0, 1)
    assert good["log"] == "to output\nto error\n"
    assert (bad["state"], bad["exit_status"], bad["log"]) == ("failed", 42, "no\n")
    assert time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(before)) <= good["started"] <= good["ended"]
    assert good["ended"] <= bad["started"] <= bad["ended"]


def test_nothing_runs_twice(guest: Sandbox) -> None:
    guest.install("a", say(guest, "a"))
    guest.boot()
    (guest.root / BASE / "pending").touch()  # even if something starts the runner again
    guest.boot()
    assert said(guest) == ["a"]


def test_a_script_added_later_runs_at_the_next_boot_alone(guest: Sandbox) -> None:
    guest.install("m", say(guest, "m"))
    guest.boot()
    guest.install("a", say(guest, "a"))
    guest.boot()
    assert said(guest) == ["m", "a"]
    assert guest.states() == {"a": "done", "m": "done"}


def test_a_changed_script_runs_again_and_an_unchanged_one_does_not(guest: Sandbox) -> None:
    guest.install("a", say(guest, "old"))
    guest.install("b", say(guest, "b"))
    guest.boot()
    assert guest.install("b", say(guest, "b")).changed is False
    assert guest.install("a", say(guest, "new")).changed is True
    guest.boot()
    assert said(guest) == ["old", "b", "new"]


def test_the_longest_name_works(guest: Sandbox) -> None:
    name = "x" * 200
    guest.install(name, say(guest, "long"))
    guest.boot()
    assert said(guest) == ["long"]
    assert guest.states() == {name: "done"}


def test_what_is_no_script_is_passed_over(guest: Sandbox) -> None:
    guest.install("good", say(guest, "good"))
    scripts = guest.root / BASE / "scripts"
    for name in ["-rf", "a b", "new\nline", "$(touch oops)", ".hidden", "é"]:
        (scripts / name).mkdir()
        for part in ("script", "launch", "options"):
            (scripts / name / part).write_text(say(guest, "hostile"))
    (scripts / "a-file").write_text("")
    (scripts / "incomplete").mkdir()
    assert guest.boot().returncode == 0
    assert said(guest) == ["good"]


# Failures


def test_after_a_failure_the_others_run(guest: Sandbox) -> None:
    guest.install("a", "exit 1\n")
    guest.install("b", say(guest, "b"))
    guest.boot()
    assert said(guest) == ["b"]


def test_stop_keeps_the_rest_from_running_until_the_failure_is_mended(guest: Sandbox) -> None:
    guest.install("a", "exit 1\n", on_failure="stop")
    guest.install("b", say(guest, "b"))
    guest.boot()
    assert guest.states() == {"a": "failed", "b": "blocked"}
    assert guest.info()["enabled"] is False
    (guest.root / BASE / "pending").touch()
    guest.boot()
    assert said(guest) == []
    assert guest.install("a", say(guest, "a"), on_failure="stop").result["to_run"] == ["a", "b"]
    guest.boot()
    assert said(guest) == ["a", "b"]


def test_retries_until_it_succeeds(guest: Sandbox) -> None:
    content = f"{say(guest, 'try')}echo out; [ $(wc -l <{guest.root}/out/said) -eq 3 ]\n"
    guest.install("a", content, retries=5)
    guest.boot()
    script = guest.script("a")
    assert (script["state"], script["attempts"], len(said(guest))) == ("done", 3, 3)
    assert script["log"].count("out\n") == 3


def test_retries_come_to_an_end(guest: Sandbox) -> None:
    guest.install("a", f"{say(guest, 'try')}exit 9\n", retries=2)
    guest.boot()
    script = guest.script("a")
    assert (script["state"], script["attempts"], script["exit_status"], len(said(guest))) == ("failed", 3, 9, 3)


def test_a_timeout_ends_all_that_the_script_has_started(guest: Sandbox) -> None:
    guest.install(
        "a",
        f"""\
trap '' TERM
pids={guest.root}/out/pids
sleep 300 & echo $! >>$pids
setsid sh -c 'echo $$ >>'$pids'; exec sleep 300' &
echo $$ >>$pids
while :; do sleep 1; done
""",
        timeout=1,
    )
    guest.install("b", say(guest, "b"))
    guest.boot()
    assert guest.states() == {"a": "timeout", "b": "done"}
    assert [pid for pid in pids(guest, 3) if is_alive(pid)] == []


def test_a_timeout_is_a_failure_that_may_be_retried(guest: Sandbox) -> None:
    guest.install(
        "a", f"[ ! -e {guest.root}/out/said ] || exit 0\n{say(guest, 'try')}sleep 300\n", timeout=1, retries=1
    )
    guest.boot()
    assert (guest.script("a")["state"], guest.script("a")["attempts"]) == ("done", 2)


def test_without_setsid_a_timeout_works_too(guest: Sandbox) -> None:
    guest.keep_only(PROGRAMS)
    guest.install("a", f"sleep 300 & echo $! >{guest.root}/out/pids; wait\n", timeout=1)
    guest.boot()
    assert guest.script("a")["state"] == "timeout"
    assert not is_alive(pids(guest, 1)[0])


# At most once


def test_started_is_on_the_disk_before_the_script_runs(guest: Sandbox) -> None:
    guest.install("a", f"cp {guest.root}/{BASE}/results/a/record {guest.root}/sync.log {guest.root}/out/\n")
    guest.boot()
    assert "state=running" in guest.lines("out/record")
    assert len(guest.lines("out/sync.log")) >= 2  # the record beside the old one, and the rename


def test_after_a_power_cut_a_script_is_interrupted_and_not_run_again(guest: Sandbox) -> None:
    guest.install("a", f"echo $$ >>{guest.root}/out/pids; echo before; exec sleep 300\n")
    guest.install("b", say(guest, "b"))
    runner = guest.start()
    script = pids(guest, 1)[0]
    runner.kill()  # no trap, no cleaning up
    os.kill(script, signal.SIGKILL)
    runner.wait()
    assert guest.states() == {"a": "interrupted", "b": "pending"}
    guest.boot()
    assert len(pids(guest, 1)) == 1
    assert said(guest) == ["b"]
    state = guest.script("a")
    assert (state["state"], state["exit_status"], state["attempts"]) == ("interrupted", None, 1)
    assert guest.info()["enabled"] is False


def test_a_script_that_hangs_every_boot_is_tried_as_often_as_its_retries_say(guest: Sandbox) -> None:
    guest.install("a", f"echo $$ >>{guest.root}/out/pids; exec sleep 300\n", retries=1)
    for boot in (1, 2):
        runner = guest.start()
        script = pids(guest, boot)[-1]
        runner.kill()
        os.kill(script, signal.SIGKILL)
        runner.wait()
        assert guest.script("a")["will_run"] is (boot == 1)
    guest.boot()
    assert len(pids(guest, 2)) == 2
    assert (guest.script("a")["state"], guest.script("a")["attempts"]) == ("interrupted", 2)


@pytest.mark.parametrize("record", ["", "state=\n", "garbage\0\n", "state=running\nattempts=x\n", "state=DONE\n"])
def test_a_damaged_record_proves_that_the_script_was_started(guest: Sandbox, record: str) -> None:
    guest.install("a", say(guest, "a"))
    results = guest.root / BASE / "results/a"
    results.mkdir()
    (results / "record").write_text(record)
    guest.boot()
    assert said(guest) == []
    assert guest.script("a")["state"] == "interrupted"


def test_what_cannot_be_recorded_is_not_run(guest: Sandbox) -> None:
    guest.install("a", say(guest, "a"))
    results = guest.root / BASE / "results"
    results.rmdir()
    results.write_text("in the way")
    assert guest.boot().returncode == 1
    assert said(guest) == []
    assert (guest.root / BASE / "pending").exists()


def test_told_to_stop_it_ends_the_script_and_leaves_the_rest_for_the_next_boot(guest: Sandbox) -> None:
    guest.install("a", f"echo $$ >{guest.root}/out/pids; sleep 300\n")
    guest.install("b", say(guest, "b"))
    runner = guest.start()
    script = pids(guest, 1)[0]
    runner.terminate()
    assert runner.wait(timeout=60) == 0
    assert not is_alive(script)
    assert guest.states() == {"a": "interrupted", "b": "pending"}
    guest.boot()
    assert said(guest) == ["b"]


def test_a_script_that_ends_by_itself_in_a_shutdown_is_recorded_as_it_ended(guest: Sandbox) -> None:
    content = f"kill -TERM $(cat {guest.root}/out/runner); sleep 0.3 2>/dev/null || sleep 1; echo last words; exit 5\n"
    guest.install("a", f"until [ -s {guest.root}/out/runner ]; do :; done; {content}", timeout=100)
    guest.install("b", say(guest, "b"))
    runner = guest.start(OFFLINE_GUEST_GRACE="30")
    (guest.root / "out/runner").write_text(f"{runner.pid}\n")
    assert runner.wait(timeout=60) == 0
    script = guest.script("a")
    assert (script["state"], script["exit_status"], script["log"]) == ("failed", 5, "last words\n")
    assert said(guest) == []
    assert guest.states()["b"] == "pending"
    guest.boot()
    assert said(guest) == ["b"]


def test_told_to_stop_between_two_attempts_it_leaves_the_second_for_the_next_boot(guest: Sandbox) -> None:
    guest.install("a", f"{say(guest, 'try')}exit 1\n", retries=1, retry_delay=3000)
    runner = guest.start()
    assert runner.stdout is not None
    while "tried again" not in runner.stdout.readline():
        pass
    runner.terminate()
    assert runner.wait(timeout=60) == 0
    assert (guest.script("a")["state"], guest.script("a")["will_run"]) == ("interrupted", True)
    guest.boot()
    assert (guest.script("a")["state"], guest.script("a")["attempts"], len(said(guest))) == ("failed", 2, 2)


def test_two_runners_at_once_run_each_script_once(guest: Sandbox) -> None:
    for name in "abc":
        guest.install(name, f"sleep 0.3 2>/dev/null || sleep 1; {say(guest, name)}")
    runners = [guest.start(), guest.start(same_boot=True), guest.start(same_boot=True)]
    for runner in runners:
        runner.communicate(timeout=60)
    assert said(guest) == ["a", "b", "c"]


# Reboots


def test_it_reboots_after_the_script_and_goes_on_after_the_reboot(guest: Sandbox) -> None:
    guest.install("a", say(guest, "a"), reboot=True)
    guest.install("b", say(guest, "b"))
    guest.boot()
    assert guest.lines("systemctl.log")[-1] == "--no-block reboot"
    assert said(guest) == ["a"]
    assert guest.states() == {"a": "done", "b": "pending"}
    assert guest.info()["enabled"] is True
    guest.boot(same_boot=True)  # in what is left of that boot nothing may start the rest
    assert said(guest) == ["a"]
    guest.boot()
    assert said(guest) == ["a", "b"]
    assert guest.lines("systemctl.log").count("--no-block reboot") == 1


def test_with_no_systemd_reboot_is_called(make_guest: t.Callable[..., Sandbox]) -> None:
    guest = make_guest(init="openrc")
    guest.install("a", say(guest, "a"), reboot=True)
    guest.boot()
    assert guest.lines("reboot.log") == ["reboot"]
    assert guest.info()["enabled"] is False  # nothing is left, so the next boot need not start it


def test_after_a_failure_there_is_no_reboot(guest: Sandbox) -> None:
    guest.install("a", "exit 1\n", reboot=True)
    guest.install("b", say(guest, "b"))
    guest.boot()
    assert "--no-block reboot" not in guest.lines("systemctl.log")
    assert said(guest) == ["b"]


def test_a_script_that_shuts_down_by_itself_does_not_take_the_next_one_along(guest: Sandbox) -> None:
    guest.install("a", f"echo stopping >{guest.root}/system-state\n")
    guest.install("b", say(guest, "b"))
    guest.boot()
    assert said(guest) == []
    assert guest.states() == {"a": "done", "b": "pending"}
    (guest.root / "system-state").write_text("running\n")
    guest.boot()
    assert said(guest) == ["b"]


# What a script finds


def test_a_script_finds_a_plain_environment(guest: Sandbox) -> None:
    guest.install(
        "a", "umask; pwd; echo ${HOME}; cat; grep SigIgn /proc/self/status; echo ${OFFLINE_GUEST_ROOT-none}\n"
    )
    guest.boot()
    umask, directory, home, ignored, root = guest.script("a")["log"].splitlines()
    assert (int(umask, 8), directory, home, root) == (0o022, "/", "/root", "none")
    mask = int(ignored.split()[1], 16)
    assert not mask & (1 << signal.SIGPIPE - 1)
    assert not mask & (1 << signal.SIGTERM - 1)


def test_the_first_line_of_a_script_names_its_interpreter(guest: Sandbox) -> None:
    guest.install("a", f"#!{sys.executable} -I\nimport sys\nprint(sys.flags.isolated)\n")
    guest.install("b", "print(6 * 7)\n", interpreter=f"{sys.executable} -I")
    guest.boot()
    assert (guest.script("a")["log"], guest.script("b")["log"]) == ("1\n", "42\n")


def test_an_interpreter_that_is_not_there_is_a_failure(guest: Sandbox) -> None:
    guest.install("a", "x\n", interpreter="/no/such/interpreter")
    guest.boot()
    assert guest.script("a")["state"] == "failed"
    assert guest.script("a")["exit_status"] in (126, 127)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can run a script as somebody else")
@pytest.mark.parametrize("tool", ["as it is", "su only"])
def test_a_script_runs_as_the_user(guest: Sandbox, tool: str) -> None:
    if tool == "su only":
        guest.keep_only([*PROGRAMS, "setsid", "su", "chown", "cp", "id"])
    content = f'id -un; cat "$0" >/dev/null && echo readable; cat {guest.root}/{BASE}/scripts/b/script; echo "$X"\n'
    guest.install("a", content, user="nobody", env={"X": "it's $HOME\n "})
    guest.install("b", "echo secret\n")
    guest.boot()
    log = guest.script("a")["log"]
    assert log.startswith("nobody\nreadable\n") and log.endswith("\nit's $HOME\n \n")
    assert "secret" not in log
    assert not (guest.root / "var/lib/offline-guest/run").exists()


def test_a_user_who_is_not_there_is_a_failure(guest: Sandbox) -> None:
    guest.install("a", say(guest, "a"), user="no-such-user")
    guest.install("b", say(guest, "b"))
    guest.boot()
    assert guest.states() == {"a": "failed", "b": "done"}
    assert said(guest) == ["b"]


def test_it_waits_for_a_route_but_not_for_ever(guest: Sandbox) -> None:
    guest.install("a", say(guest, "a"), wants_network=True)
    guest.boot()
    assert said(guest) == ["a"]


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("route", "Iface\tDestination\tGateway\neth0\t00000000\t0102A8C0\t0003\n"),
        ("ipv6_route", f"{'0' * 32} 00 {'0' * 32} 00 fe80 00000400 00000001 00000000 00000003     eth0\n"),
    ],
)
def test_with_a_default_route_it_does_not_wait(guest: Sandbox, file: str, text: str) -> None:
    (guest.root / "proc/net" / file).write_text(text)
    guest.add_tool("sleep", f"#!/bin/sh\necho slept >>{guest.root}/out/slept\n")
    guest.install("a", say(guest, "a"), wants_network=True, timeout=0)
    assert "waits for a network" not in guest.boot(OFFLINE_GUEST_NETWORK_WAIT="60").output
    assert said(guest) == ["a"]


def test_a_route_of_the_loopback_device_is_none(guest: Sandbox) -> None:
    line = f"{'0' * 32} 00 {'0' * 32} 00 {'0' * 32} ffffffff 00000001 00000000 00200200       lo\n"
    (guest.root / "proc/net/ipv6_route").write_text(line)
    (guest.root / "proc/net/route").write_text("Iface\tDestination\neth0\t0002A8C0\n")
    guest.add_tool("sleep", f"#!/bin/sh\necho slept >>{guest.root}/out/slept\n")
    guest.install("a", say(guest, "a"), wants_network=True, timeout=0)
    assert "waits for a network" in guest.boot(OFFLINE_GUEST_NETWORK_WAIT="60").output
    assert len(guest.lines("out/slept")) >= 60
    assert said(guest) == ["a"]


# Logs


def test_a_log_is_bounded_and_the_script_is_not_disturbed(guest: Sandbox) -> None:
    guest.install("a", "yes 0123456789abcde | head -c 50000000; echo end >&2\n")
    guest.boot()
    size = (guest.root / BASE / "results/a/log").stat().st_size
    assert LIMIT <= size <= LIMIT + 300_000
    script = guest.script("a")
    assert (script["state"], script["exit_status"], script["log_truncated"]) == ("done", 0, True)
    assert script["log"].endswith("[offline-guest-firstboot: the rest is not kept]\n")


def test_a_log_may_hold_anything(guest: Sandbox) -> None:
    guest.install("a", r"printf 'a\000b\033[31m\377{{ x }}\tend\n'" + "\n")
    guest.boot()
    assert guest.script("a")["log"] == "a\\x00b\\x1b[31m\ufffd{\\x7b x }}\tend\n"
    assert (guest.root / BASE / "results/a/log").read_bytes() == b"a\0b\x1b[31m\xff{{ x }}\tend\n"


def test_only_the_end_of_a_log_is_returned(guest: Sandbox) -> None:
    guest.install("a", "echo 1234567890\n")
    guest.boot()
    (script,) = guest.info(max_log=4)["scripts"]
    assert (script["log"], script["log_truncated"]) == ("890\n", True)


def test_what_a_script_leaves_in_the_background_holds_nothing_up(guest: Sandbox) -> None:
    guest.install("a", f"echo said; sleep 300 & echo $! >{guest.root}/out/pids\n", timeout=100)
    guest.install("b", say(guest, "b"))
    try:
        guest.boot()
        assert is_alive(pids(guest, 1)[0])
    finally:
        os.kill(pids(guest, 1)[0], signal.SIGKILL)
    assert said(guest) == ["b"]
    assert (guest.script("a")["state"], guest.script("a")["log"]) == ("done", "said\n")


def test_no_sleep_is_left_behind(guest: Sandbox) -> None:
    seconds = random.randrange(100_000, 1_000_000)  # nobody else's: other tests run the same at the same time
    guest.install("a", "true\n", timeout=seconds)
    guest.boot()
    left = ["pgrep", "-f", f"sleep {seconds}$"]
    wait_for(lambda: subprocess.run(left, stdout=subprocess.DEVNULL, check=False).returncode)


# The end


LINKS = {
    "systemd": [
        "etc/systemd/system/multi-user.target.wants/offline-guest-firstboot.service",
        "etc/systemd/system-preset/00-offline-guest-firstboot.preset",
    ],
    "openrc": ["etc/runlevels/default/offline-guest-firstboot"],
    "sysvinit": [f"etc/rc{level}.d/S99offline-guest-firstboot" for level in (2, 3, 4, 5)],
}


@pytest.mark.parametrize("init", sorted(LINKS))
def test_with_nothing_left_it_is_started_no_more(make_guest: t.Callable[..., Sandbox], init: str) -> None:
    guest = make_guest(init=init)
    for folder in ("init.d", *(f"rc{level}.d" for level in range(7))):
        (guest.root / "etc" / folder).mkdir()
    guest.install("a", say(guest, "a"))
    assert all(os.path.lexists(guest.root / link) for link in LINKS[init])
    assert guest.info()["enabled"] is True
    if init == "sysvinit":  # insserv gave it another number meanwhile
        (guest.root / LINKS[init][0]).rename(guest.root / "etc/rc2.d/S04offline-guest-firstboot")
    guest.boot()
    assert [link for link in LINKS[init] if os.path.lexists(guest.root / link)] == []
    assert not (guest.root / "etc/rc2.d/S04offline-guest-firstboot").is_symlink()
    info = guest.info()
    assert (info["enabled"], info["runner_installed"], info["to_run"]) == (False, True, [])
    assert guest.boot().output == ""  # started by hand, it does nothing
    guest.install("b", say(guest, "b"))
    assert all(os.path.lexists(guest.root / link) for link in LINKS[init])


def test_a_lock_of_another_boot_is_no_obstacle(guest: Sandbox) -> None:
    guest.install("a", say(guest, "a"))
    stale = guest.root / BASE / "lock.an0ther-b00t"
    stale.mkdir()
    guest.boot()
    assert said(guest) == ["a"]
    assert not stale.exists()
    assert [name for name in os.listdir(guest.root / BASE) if name.startswith("lock")] == []


# Programs made from lists


def test_commands_stop_at_the_first_that_fails(guest: Sandbox) -> None:
    commands = ["cd /tmp; X=1", 'echo "$X|$PWD"; exit 0', "echo it''s; (exit 7)", "echo never"]
    guest.install("a", commands=commands)
    guest.boot()
    script = guest.script("a")
    assert (script["state"], script["exit_status"]) == ("failed", 7)
    assert script["log"].splitlines() == [
        f"+ {commands[0]}",
        f"+ {commands[1]}",
        "|/",
        f"+ {commands[2]}",
        "its",
        "+ failed with exit status 7",
    ]


def test_packages_are_installed_by_the_guests_package_manager(guest: Sandbox) -> None:
    guest.add_tool("apt-get", f'#!/bin/sh\necho "$DEBIAN_FRONTEND" "$@" >>{guest.root}/out/said\n')
    guest.install("a", packages=["qemu-guest-agent", "g++", "vim=2:9.0"])
    guest.boot()
    assert guest.script("a")["state"] == "done"
    update, install = said(guest)
    assert update.startswith("noninteractive ") and update.endswith(" update")
    assert install.endswith(" -y install qemu-guest-agent g++ vim=2:9.0")
