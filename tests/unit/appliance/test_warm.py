# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The warm store and the conversation with a saved machine, without an appliance."""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import threading
import typing as t

import pytest
from ansible_collections.offline.guest.plugins.module_utils._appliance import _warm_hv, _warm_init, _warm_store
from ansible_collections.offline.guest.plugins.module_utils._appliance._warm_store import Store, Unusable
from hypothesis import given
from hypothesis import strategies as st

KEY = "k" * 16
COLD = [
    *("-machine", "accel=tcg", "-m", "1280", "-kernel", "/var/tmp/kernel", "-initrd", "/var/tmp/initrd"),
    *("-drive", "file=/images/a,,b.qcow2,cache=unsafe,format=qcow2,id=hd0,if=none", "-device", "scsi-hd,drive=hd0"),
    *("-drive", "file=/var/tmp/root,snapshot=on,id=appliance,if=none,format=raw", "-device", "scsi-hd,drive=appliance"),
    *("-chardev", "socket,path=/tmp/guestfsd.sock,id=channel0", "-append", "panic=1 root=UUID=1"),
]


def changed(argv: list[str], old: str, new: str) -> list[str]:
    found = [item.replace(old, new) for item in argv]
    assert found != argv
    return found


class TestCommandLine:
    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ("/images/a,,b.qcow2", "/other"),
            ("/var/tmp/", "/store/"),
            ("/tmp/guestfsd.sock", "/run/sock"),
            ("UUID=1", "UUID=2"),
        ],
    )
    def test_where_files_are_makes_no_other_machine(self, old: str, new: str) -> None:
        assert _warm_hv.normalized(changed(COLD, old, new)) == _warm_hv.normalized(COLD)

    @pytest.mark.parametrize(
        ("old", "new"), [("1280", "512"), ("tcg", "kvm"), ("scsi-hd,drive=hd0", "virtio-blk,drive=hd0"), ("hd0", "hd1")]
    )
    def test_what_the_machine_is_does(self, old: str, new: str) -> None:
        assert _warm_hv.normalized(changed(COLD, old, new)) != _warm_hv.normalized(COLD)

    def test_a_second_disk_makes_another_machine(self) -> None:
        second = ["-drive", "file=/b,format=raw,id=hd1,if=none", "-device", "scsi-hd,drive=hd1"]
        assert _warm_hv.normalized([*COLD, *second]) != _warm_hv.normalized(COLD)

    def test_the_drive_and_its_format_stay_as_libguestfs_said(self) -> None:
        command = _warm_hv.with_ports(COLD, channel=7, port=8, port_name="name")
        assert "file=/images/a,,b.qcow2,cache=unsafe,format=qcow2,id=hd0,if=none" in command
        assert "socket,fd=7,id=channel0" in command
        assert not any("path=" in item for item in command)

    def test_a_missing_value_is_said(self) -> None:
        with pytest.raises(_warm_hv.Unfit, match="no -drive other"):
            _warm_hv.value_of(COLD, "-drive", "other")

    @given(st.text(st.characters(codec="utf-8", exclude_characters="\0")))
    def test_a_comma_in_a_name_is_a_comma(self, name: str) -> None:
        value = f"id=x,file={name.replace(',', ',,')},format=raw"
        assert _warm_hv.field(value, "file") == name
        assert _warm_hv.field(value, "format") == "raw"


class Machine(threading.Thread):
    """Plays the saved machine at the other end of its port: says ``answers``, one for each line it hears."""

    def __init__(self, answers: t.Sequence[str]) -> None:
        super().__init__()
        self.ours, self._port = socket.socketpair()
        self._answers = answers
        self.heard: list[str] = []

    def run(self) -> None:
        with self._port, self._port.makefile("rw") as stream:
            for answer in self._answers:
                self.heard.append(stream.readline().strip())
                stream.write(answer)
                stream.flush()


WORDS = {"wake": _warm_init.WAKE, "awake": _warm_init.AWAKE, "ready": _warm_init.READY}


class TestWaking:
    def wake(self, *answers: str, patience: float = 10) -> Machine:
        machine = Machine(answers)
        machine.start()
        try:
            _warm_hv.wake(_warm_hv.Port(machine.ours, patience), WORDS)
        finally:
            machine.ours.close()
            machine.join()
        return machine

    def test_the_seed_is_another_each_time(self) -> None:
        seeds = {self.wake("awake\n", "ready\n").heard[1].split()[1] for _time in range(20)}
        assert len(seeds) == 20
        assert all(len(seed) == 64 * 4 for seed in seeds)

    def test_the_seed_is_what_bash_prints_as_bytes(self) -> None:
        seed = self.wake("awake\n", "ready\n").heard[1].split()[1]
        printed = subprocess.run(["bash", "-c", 'printf %b "$1"', "bash", seed], check=True, capture_output=True).stdout
        assert printed.hex() == seed.replace("\\x", "")

    def test_another_word_is_refused(self) -> None:
        with pytest.raises(_warm_hv.Unfit, match="'panic' instead of 'awake'"):
            self.wake("panic\n")

    def test_a_machine_that_is_gone(self) -> None:
        with pytest.raises(_warm_hv.Unfit, match="is gone"):
            self.wake("awake\n")

    def test_a_machine_that_hangs(self) -> None:
        ours, _theirs = socket.socketpair()
        with pytest.raises(_warm_hv.Unfit, match="did not answer in time"):
            _warm_hv.wake(_warm_hv.Port(ours, 0.1), WORDS)

    def test_a_line_without_an_end_is_bounded(self) -> None:
        with pytest.raises(_warm_hv.Unfit, match="is gone"):
            self.wake("x" * 20000)


@pytest.fixture
def store() -> t.Iterator[Store]:
    folder = pathlib.Path(tempfile.mkdtemp(prefix="warm-"))  # pytest's own paths are too long for one
    made = Store(str(folder / "store"))
    made.prepare()
    yield made
    shutil.rmtree(folder)


def add(store: Store, key: str = KEY, *, size: int = 3 * 1024 * 1024) -> str:
    """Put an entry into the store; returns its folder."""
    staging = store.staging(key)
    for name in _warm_store.FILES:
        path = os.path.join(staging, name)
        with open(path, "wb") as stream:
            stream.write(name.encode())
            stream.truncate(size)
        os.chmod(path, 0o700 if name == "hv" else 0o600)
    store.publish(key, staging, {"emulator": "/bin/true"})
    return os.path.join(store.folder, key)


class TestStore:
    def test_what_was_put_in_is_found(self, store: Store) -> None:
        assert store.find(KEY) is None
        folder = add(store)
        found = store.find(KEY)
        assert found is not None and found.emulator == f"{folder}/hv"
        assert store.find("other") is None

    def test_no_store_is_an_empty_one(self, tmp_path: pathlib.Path) -> None:
        assert Store(str(tmp_path / "none")).find(KEY) is None

    @pytest.mark.parametrize("name", _warm_store.FILES)
    def test_a_flipped_bit_is_seen(self, store: Store, name: str) -> None:
        folder = add(store)
        assert store.find(KEY)  # checked once, so that it is the stamp that has to notice
        with open(os.path.join(folder, name), "r+b") as stream:
            first = stream.read(1)[0]
            stream.seek(0)
            stream.write(bytes([first ^ 4]))
        with pytest.raises(Unusable, match=f"'{name}' is not what was saved"):
            store.find(KEY)

    @pytest.mark.parametrize("name", _warm_store.FILES)
    def test_a_truncated_file_is_seen(self, store: Store, name: str) -> None:
        os.truncate(os.path.join(add(store), name), 2)
        with pytest.raises(Unusable, match="is not what was saved"):
            store.find(KEY)

    @pytest.mark.parametrize("name", ["", *_warm_store.FILES, "machine.json"])
    @pytest.mark.parametrize("mode", [0o777, 0o710, 0o702])
    def test_what_others_may_write_or_read_is_refused(self, store: Store, name: str, mode: int) -> None:
        os.chmod(os.path.join(add(store), name), mode)
        with pytest.raises(Unusable, match="is open to other users"):
            store.find(KEY)

    @pytest.mark.skipif(os.geteuid() != 0, reason="needs root to give a file away")
    @pytest.mark.parametrize("name", ["", *_warm_store.FILES, "machine.json"])
    def test_what_somebody_else_owns_is_refused(self, store: Store, name: str) -> None:
        os.chown(os.path.join(add(store), name), 12345, 12345)
        with pytest.raises(Unusable, match="belongs to another user"):
            store.find(KEY)

    def test_a_link_is_refused(self, store: Store, tmp_path: pathlib.Path) -> None:
        folder = add(store)
        shutil.move(f"{folder}/state", tmp_path / "state")
        os.symlink(tmp_path / "state", f"{folder}/state")
        with pytest.raises(Unusable, match="is not a regular file"):
            store.find(KEY)

    def test_a_store_open_to_others_is_refused_whole(self, store: Store) -> None:
        add(store)
        os.chmod(store.folder, 0o755)
        with pytest.raises(Unusable, match="is open to other users"):
            store.find(KEY)

    def test_an_entry_under_another_key_is_refused(self, store: Store) -> None:
        os.rename(add(store), os.path.join(store.folder, "other"))
        with pytest.raises(Unusable, match="of another machine"):
            store.find("other")

    @pytest.mark.parametrize("text", ["", "[]", "{", "{}", '{"key": 1}', '{"files": 7}'])
    def test_a_manifest_that_is_none_is_refused(self, store: Store, text: str) -> None:
        pathlib.Path(add(store), "machine.json").write_text(text)
        with pytest.raises(Unusable):
            store.find(KEY)

    def test_a_copy_is_checked_anew_and_accepted(self, store: Store) -> None:
        folder = add(store)
        assert store.find(KEY)
        stamp = json.loads(pathlib.Path(folder, "checked.json").read_text())
        shutil.copytree(folder, f"{folder}.copy")
        shutil.rmtree(folder)
        os.rename(f"{folder}.copy", folder)
        assert store.find(KEY)
        assert json.loads(pathlib.Path(folder, "checked.json").read_text()) != stamp

    def test_what_is_half_built_is_no_entry_and_goes(self, store: Store) -> None:
        staging = store.staging(KEY)
        assert store.find(KEY) is None and store.entries() == []
        with store.building() as mine:
            assert mine and not os.path.exists(staging)

    def test_one_builds_at_a_time(self, store: Store) -> None:
        with store.building() as first, store.building() as second:
            assert first and not second
        with store.building() as third:
            assert third

    def test_the_least_recently_used_goes_first(self, store: Store) -> None:
        for number, key in enumerate(("a", "b", "c")):
            os.utime(add(store, key), (number, number))
        store.find("a")
        store.prune(keep="c", limit=2 * _warm_store.size_of(os.path.join(store.folder, "a")))
        assert store.entries() == ["a", "c"]

    def test_a_path_that_libguestfs_does_not_bear_is_refused(self, tmp_path: pathlib.Path) -> None:
        with pytest.raises(Unusable, match="has more than 55 bytes"):
            Store(str(tmp_path / ("x" * 56))).prepare()

    def test_a_failure_is_remembered_for_its_key(self, store: Store) -> None:
        store.remember_failure(KEY, "no debugfs")
        assert store.failure(KEY) == "no debugfs"
        assert store.failure("other") == ""


@given(st.lists(st.tuples(st.integers(0, 5), st.binary(max_size=40)), max_size=4), st.integers(0, 200))
def test_a_digest_is_of_the_content_and_not_of_the_holes(parts: list[tuple[int, bytes]], extra: int) -> None:
    block = 512 * 1024
    content = bytearray(max([place * block + len(data) for place, data in parts], default=0) + extra)
    for place, data in parts:
        content[place * block : place * block + len(data)] = data
    folder = pathlib.Path("/dev/shm" if os.path.isdir("/dev/shm") else "/tmp", f"offline-guest-digest-{os.getpid()}")
    folder.mkdir(exist_ok=True)
    try:
        (folder / "full").write_bytes(content)
        with open(folder / "sparse", "wb") as stream:
            for place, data in sorted(parts, key=lambda part: part[0]):
                stream.seek(place * block)
                stream.write(content[place * block : place * block + len(data)])
            stream.truncate(len(content))
        assert _warm_store.digest(str(folder / "full")) == _warm_store.digest(str(folder / "sparse"))
        if content:
            content[len(content) // 2] ^= 1
            (folder / "other").write_bytes(content)
            assert _warm_store.digest(str(folder / "full")) != _warm_store.digest(str(folder / "other"))
    finally:
        shutil.rmtree(folder)


FACTS: dict[str, t.Any] = {"emulator": ["/usr/bin/qemu", "1", ""], "memory_mb": 1280, "smp": 2, "accelerator": "tcg"}


@pytest.mark.parametrize("name", FACTS)
def test_every_fact_makes_another_key(name: str) -> None:
    assert _warm_store.key_of({**FACTS, name: "other"}) != _warm_store.key_of(FACTS)


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="it is a program for x86-64")
def test_the_reseeder_runs_and_tells_when_it_may_not(tmp_path: pathlib.Path) -> None:
    program = tmp_path / "reseed"
    program.write_bytes(_warm_init.reseeder())
    program.chmod(0o755)
    if os.geteuid() == 0:
        assert subprocess.run([program], check=False).returncode == 0
        command = ["setpriv", "--reuid=65534", "--clear-groups", "--inh-caps=-all", str(program)]
        tmp_path.chmod(0o755)
        for parent in tmp_path.parents[:3]:
            if os.stat(parent).st_uid == os.geteuid() and parent != pathlib.Path("/tmp"):
                parent.chmod(0o755)
    else:
        command = [str(program)]
    assert subprocess.run(command, check=False).returncode == 1  # EPERM


def test_the_init_is_a_script_that_shellcheck_likes(tmp_path: pathlib.Path) -> None:
    script = tmp_path / "init"
    script.write_text(_warm_init.INIT)
    assert "@" not in _warm_init.INIT.replace('"@$now"', "")
    shown = subprocess.run(["shellcheck", "-s", "bash", str(script)], capture_output=True, text=True, check=False)
    assert shown.returncode == 0, shown.stdout
