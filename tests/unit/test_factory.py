# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The pure parts of the image factory, and the judge of QEMU's command lines."""

from __future__ import annotations

import dataclasses
import io
import os
import struct
import subprocess
import sys
import tarfile
import threading
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(HERE / "images"))
sys.path.insert(0, str(HERE / "integration"))

from factory import debian_real, store  # noqa: E402
from factory.disk import stable_uuid, table_script  # noqa: E402
from factory.elf import program, windows_program  # noqa: E402
from factory.filesystems import _prototype, copy_into  # noqa: E402
from factory.guests import GUESTS  # noqa: E402
from factory.hive import Key, hive  # noqa: E402
from factory.linux import selinux_label  # noqa: E402
from factory.model import Data, Ext, Partition, Recipe, needs_appliance  # noqa: E402
from factory.tree import Node, Tree, folder, link, text  # noqa: E402
from recorder import Recorder, unstated  # noqa: E402

# --------------------------------------------------------------------------------------------------------- programs


def run_program(tmp_path: Path, content: bytes, name: str = "trap") -> int:
    path = tmp_path / name
    path.write_bytes(content)
    path.chmod(0o755)
    return subprocess.run([str(path), "argument"], check=False).returncode


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="runs x86-64 programs")
def test_program_records_each_run_in_every_file(tmp_path: Path) -> None:
    records = [str(tmp_path / "one"), str(tmp_path / "nowhere" / "two"), str(tmp_path / "three")]
    content = program(records)
    assert run_program(tmp_path, content) == 0
    assert run_program(tmp_path, content, "again") == 0
    expected = f"{tmp_path}/trap\n{tmp_path}/again\n"
    assert (tmp_path / "one").read_text() == expected
    assert (tmp_path / "three").read_text() == expected


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="runs x86-64 programs")
def test_program_serves_as_the_loader_of_another(tmp_path: Path) -> None:
    loader = tmp_path / "ld.so"
    loader.write_bytes(program([str(tmp_path / "record")]))
    loader.chmod(0o755)
    name = str(loader).encode() + b"\0"
    whole = bytearray(program())
    header, load = whole[:0x40], whole[0x40:0x78]
    struct.pack_into("<H", header, 0x38, 2)
    interp = struct.pack("<IIQQQQQQ", 3, 4, 0xB0, 0xB0, 0xB0, len(name), len(name), 1)
    struct.pack_into("<QQ", load, 0x20, 0x1000, 0x1000)
    assert run_program(tmp_path, bytes(header + interp + load + name).ljust(0x1000, b"\0")) == 0
    assert (tmp_path / "record").exists()


def test_program_without_records_only_ends(tmp_path: Path) -> None:
    assert run_program(tmp_path, program()) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["trap"]


def test_windows_program_has_a_pe_header() -> None:
    content = windows_program()
    at = struct.unpack_from("<I", content, 0x3C)[0]
    assert content[:2] == b"MZ"
    assert content[at : at + 6] == b"PE\0\0\x64\x86"


# ------------------------------------------------------------------------------------------------------------ hives


def test_hive_adds_up() -> None:
    root = Key()
    root.at("One\\Two").set(Name="value", Number=7, Data=b"12345")
    content = hive(root, "TEST")
    checksum = 0
    for (word,) in struct.iter_unpack("<I", content[:508]):
        checksum ^= word
    assert struct.unpack_from("<I", content, 508)[0] == checksum
    assert len(content) == 4096 + struct.unpack_from("<I", content, 40)[0]
    position = 4096 + 32
    while position < len(content):
        size = struct.unpack_from("<i", content, position)[0]
        assert size % 8 == 0
        assert size != 0
        position += abs(size)
    assert position == len(content)


def test_hive_is_read_by_hivex(tmp_path: Path) -> None:
    root = Key()
    root.at("One\\Two").set(Name="a value", Number=7)
    (tmp_path / "hive").write_bytes(hive(root, "TEST"))
    script = (
        "import hivex, sys; h = hivex.Hivex(sys.argv[1], write=True); n = h.root()\n"
        "for name in ('one', 'two'): n = h.node_get_child(n, name)\n"
        "print({h.value_key(v): h.value_value(v) for v in h.node_values(n)})\n"
        "h.node_add_child(n, 'new'); h.commit(sys.argv[1])\n"
        "print([h.node_name(c) for c in h.node_children(n)])\n"
    )
    command = ["/usr/bin/python3", "-c", script, str(tmp_path / "hive")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if "No module named 'hivex'" in done.stderr:
        pytest.skip("python3-hivex is not installed")
    assert done.returncode == 0, done.stderr
    assert "'Number': (4, b'\\x07\\x00\\x00\\x00')" in done.stdout
    assert "['new']" in done.stdout


# ------------------------------------------------------------------------------------------------------------ trees


def test_tree_makes_parents_and_keeps_them_before_their_children() -> None:
    tree = Tree().add({"/etc/ssh/key": text("x", 0o600), "/etc.conf": "y", "/etc": folder(0o711)})
    assert [path for path, _entry in tree.sorted()] == [b"/etc", b"/etc/ssh", b"/etc/ssh/key", b"/etc.conf"]
    assert tree.entries[b"/etc"].mode == 0o711
    assert [path for path, _entry in tree.below("/etc").sorted()] == [b"/ssh", b"/ssh/key"]
    assert [path for path, _entry in tree.without("/etc").sorted()] == [b"/etc.conf"]


def test_tree_as_tar_keeps_owner_kind_and_odd_names() -> None:
    tree = Tree().add({
        b"/\xff\xfe": text("x", 0o640, 1, 2),
        "/link": link("target"),
        "/null": Node(kind="char", device=(1, 3), mode=0o666),
        "/fifo": Node(kind="fifo"),
        "/hole": dataclasses.replace(text("start"), size=10),
    })  # fmt: skip
    with tarfile.open(fileobj=io.BytesIO(tree.tar())) as archive:
        members = {os.fsencode(item.name): item for item in archive.getmembers()}
        odd = members[b"./\xff\xfe"]
        assert (odd.mode, odd.uid, odd.gid, odd.isreg()) == (0o640, 1, 2, True)
        assert members[b"./link"].linkname == "target"
        assert (members[b"./null"].ischr(), members[b"./null"].devminor) == (True, 3)
        assert members[b"./fifo"].isfifo()
        hole = archive.extractfile(members[b"./hole"])
        assert hole is not None
        assert hole.read() == b"start" + bytes(5)


def test_prototype_nests_and_ends_every_directory(tmp_path: Path) -> None:
    tree = Tree().add({"/a/b/file": text("1", 0o4755, 5, 6), "/a.txt": "2", "/c/link": link("../a")})
    words = [line.split()[:2] for line in _prototype(tree, tmp_path).splitlines()[2:]]
    assert words == [
        *(["d--755", "0"], ["a", "d--755"], ["b", "d--755"], ["file", "-u-755"], ["$"], ["$"], ["a.txt", "---644"]),
        *(["c", "d--755"], ["link", "l--777"], ["$"], ["$"]),
    ]


def test_last_matching_label_wins() -> None:
    assert selinux_label(b"/etc/shadow", Node()) == "system_u:object_r:shadow_t:s0"
    assert selinux_label(b"/etc/shadow", folder()) == "system_u:object_r:etc_t:s0"
    assert selinux_label(b"/home/alice/.ssh/id", Node()) == "system_u:object_r:ssh_home_t:s0"


# ---------------------------------------------------------------------------------------------------------- recipes


@pytest.mark.parametrize("name", sorted(GUESTS))
def test_recipe_is_the_same_every_time_and_fits_its_disk(name: str) -> None:
    recipe = GUESTS[name]()
    assert recipe.digest() == GUESTS[name]().digest()
    assert sum(part.mib for part in recipe.partitions) < recipe.mib or recipe.table == ""
    assert recipe.summary


def test_digest_sees_every_byte() -> None:
    def made(content: str, mode: int = 0o644, mib: int = 16) -> str:
        tree = Tree().add({"/file": text(content, mode)})
        return Recipe(mib, (Partition(Ext(tree, stable_uuid("x"))),)).digest()

    found = {made("a"), made("b"), made("a", 0o600), made("a", mib=17)}
    assert len(found) == 4
    assert made("a") == made("a")


def test_table_places_partitions_one_after_another() -> None:
    parts = (Partition(Data(), 4), Partition(Data(), 8, name="two"), Partition(Data()))
    lines = table_script(Recipe(64, parts), "x").splitlines()[4:]
    assert [line.split(", ")[:2] for line in lines] == [
        ["start=2048", "size=8192"],
        ["start=10240", "size=16384"],
        ["start=26624", f"size={(64 - 13 - 1) * 2048}"],  # the last MiB is for the second header
    ]
    assert lines[1].endswith('name="two"')


def test_table_leaves_room_before_logical_partitions() -> None:
    parts = (Partition(Data(), 4), Partition(Data(), 0, "extended"), Partition(Data(), 8), Partition(Data(), 8))
    lines = table_script(Recipe(64, parts, "mbr"), "x").splitlines()[4:]
    starts = [int(line.split(", ")[0].partition("=")[2]) // 2048 for line in lines]
    assert starts == [1, 5, 6, 15]


def test_only_containers_need_the_appliance() -> None:
    plain = Ext(Tree(), stable_uuid("x"))
    assert not needs_appliance(plain)
    waiting = {name for name in GUESTS if any(needs_appliance(part.content) for part in GUESTS[name]().partitions)}
    assert {"fedora-lvm", "luks", "md", "windows-like", "opensuse-like", "rhel7-like"} <= waiting
    assert not waiting & {"debian-like", "trap", "hostile", "gpt-xfs", "gpt-btrfs", "alpine-like"}


def test_copy_into_keeps_holes(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    with open(source, "wb") as stream:
        stream.truncate(8 << 20)
        stream.seek(5 << 20)
        stream.write(b"data")
    with open(target, "wb") as stream:
        stream.truncate(32 << 20)
    copy_into(source, target, 16 << 20)
    with open(target, "rb") as stream:
        stream.seek((16 + 5) << 20)
        assert stream.read(4) == b"data"
    assert target.stat().st_blocks * 512 <= 2 << 20


# ------------------------------------------------------------------------------------------------------------ store


def test_image_is_fresh_only_with_the_record_of_its_recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OFFLINE_GUEST_IMAGES", str(tmp_path))
    assert not store.fresh("blank")
    with store.locked() as scratch:
        made = scratch / "made"
        made.write_bytes(bytes(512))
        (tmp_path / "blank.qcow2").write_bytes(b"of the old image")
        store.keep("blank", made, seconds=1.0)
    assert store.fresh("blank")
    assert not (tmp_path / "blank.qcow2").exists()
    (tmp_path / "blank.json").write_text('{"digest": "another"}')
    assert not store.fresh("blank")


def test_one_builder_at_a_time_and_no_scratch_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OFFLINE_GUEST_IMAGES", str(tmp_path))
    (tmp_path / ".tmp-killed").mkdir()
    inside: list[int] = []

    def build() -> None:
        with store.locked():
            inside.append(len(list(tmp_path.glob(".tmp-*"))))

    builders = [threading.Thread(target=build) for _number in range(4)]
    for builder in builders:
        builder.start()
    for builder in builders:
        builder.join()
    assert inside == [1, 1, 1, 1]
    assert list(tmp_path.glob(".tmp-*")) == []


def test_sources_are_the_hosts_own_for_the_release(tmp_path: Path) -> None:
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / "sources.list").write_text("# deb http://no bookworm main\ndeb [arch=amd64] http://a bookworm main\n")
    (tmp_path / "sources.list.d/other.list").write_text("deb https://example.org nodistro main\n")
    (tmp_path / "sources.list.d/debian.sources").write_text(
        "Types: deb\n# a remark\nURIs: http://b\nSuites: bookworm bookworm-updates\nComponents: main\n\n"
        "Types: deb-src\nURIs: http://b\nSuites: bookworm\nComponents: main\n"
    )
    assert debian_real.host_sources("bookworm", tmp_path) == [
        ("list", "deb [arch=amd64] http://a bookworm main\n"),
        ("sources", "Types: deb\nURIs: http://b\nSuites: bookworm bookworm-updates\nComponents: main\n"),
    ]
    assert "http://deb.debian.org/debian trixie main" in debian_real.host_sources("trixie", tmp_path)[0][1]


# --------------------------------------------------------------------------------------------------------- recorder

STATED = [
    "qemu-system-x86_64 -drive file=/x,cache=unsafe,format=qcow2,id=hd0,if=none -kernel /k -initrd /i -append a=b",
    "qemu-system-x86_64 -drive file.filename=/x,driver=raw,if=none",
    "qemu-system-x86_64 -blockdev driver=qcow2,file.driver=file,file.filename=/x,node-name=a",
    'qemu-system-x86_64 -blockdev {"driver":"raw","file":{"driver":"file","filename":"/x"}}',
    "qemu-system-x86_64 -drive if=none,id=empty",
    "qemu-system-x86_64 -display none -machine none,accel=kvm:tcg -qmp stdio",
    "qemu-system-x86_64 -version",
    "qemu-img --version",
    "qemu-img create -f qcow2 -b base -F raw new",
    "qemu-img create -q -f qcow2 -o backing_file=base,backing_fmt=raw new 1G",
    "qemu-img convert -p -f raw -O qcow2 a b",
    "qemu-img convert -fraw -Oqcow2 a b",
    "qemu-img commit -q -f qcow2 -t none over",
    "qemu-img info --output=json -f qcow2 x",
    "qemu-img info --output json -f qcow2 x",
    "qemu-img info --image-opts driver=qcow2,file.driver=file,file.filename=x",
    "qemu-img compare -f raw -F qcow2 a b",
    "qemu-img resize -f raw --shrink a 1G",
    "qemu-img rebase -u -f qcow2 -b base -F raw x",
    "qemu-img check -f qcow2 x",
    "qemu-img measure --size 1G -O qcow2",
    "qemu-io -f qcow2 -c read x",
]
GUESSED = [
    "qemu-system-x86_64 -drive file=/x,if=none",
    "qemu-system-x86_64 -drive file=/x,format=,if=none",
    "qemu-system-x86_64 -drive file=/a,,format=raw,if=none",
    "qemu-system-x86_64 -drive file.driver=qcow2,file.file.filename=/x,if=none",
    "qemu-system-x86_64 -hda /x",
    "qemu-system-x86_64 -cdrom /x",
    "qemu-system-x86_64 -blockdev node-name=a,filename=/x",
    "qemu-system-x86_64 /x",
    "qemu-system-x86_64 -m 1G /x",
    "qemu-img create -f qcow2 -b base new",
    "qemu-img create -f qcow2 -o backing_file=base new",
    "qemu-img create new 1G",
    "qemu-img convert -O qcow2 a b",
    "qemu-img convert -f raw a b",
    "qemu-img convert -f raw -O qcow2 -B base a b",
    "qemu-img commit over",
    "qemu-img info x",
    "qemu-img compare -f raw a b",
    "qemu-img resize a 1G",
    "qemu-img rebase -f qcow2 -b base x",
    "qemu-img snapshot -l x",
    "qemu-img check -q x",
    "qemu-io -c read x",
]


@pytest.mark.parametrize("line", STATED)
def test_command_that_states_its_formats_passes(line: str) -> None:
    program_name, *argv = line.split()
    assert unstated(program_name, argv) == []


@pytest.mark.parametrize("line", GUESSED)
def test_command_that_leaves_a_format_to_guess_is_found(line: str) -> None:
    program_name, *argv = line.split()
    assert unstated(program_name, argv) != []


def test_wrapper_records_and_becomes_the_real_program(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path)
    if "qemu-img" not in recorder.programs:
        pytest.skip("qemu-img is not installed")
    image = tmp_path / "a b.raw"
    environment = {**os.environ, **recorder.environment()}
    subprocess.run(["qemu-img", "create", "-q", "-f", "raw", str(image), "1M"], env=environment, check=True)
    subprocess.run(["qemu-img", "info", str(image)], env=environment, check=True, capture_output=True)
    assert image.stat().st_size == 1 << 20
    assert [command["argv"][0] for command in recorder.commands()] == ["create", "info"]
    assert len(recorder.violations()) == 1
    assert "info without -f" in recorder.violations()[0]
