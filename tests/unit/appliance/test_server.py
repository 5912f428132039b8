# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The server's own logic: what reaches the handle, how it is set up, and what a session remembers."""

from __future__ import annotations

import ast
import errno
import inspect
import json
import os
import pathlib
import socket
import threading
import time
import typing as t

import pytest
from ansible_collections.offline.guest.plugins.module_utils._appliance import (
    _accelerator,
    _allowlist,
    _calls,
    _handle,
    _machine,
    _raw_names,
    _server,
    _watchdog,
    _wire,
)
from hypothesis import given, settings
from hypothesis import strategies as st

# Calls of guestfs(3) that run a guest's program, run a program of the appliance on request, reach the host's files or
# the network, or are known to be unsafe on hostile data (guestfs-security(1)).
FORBIDDEN = (
    "command command_lines sh sh_lines debug debug_upload upload_offset download_offset copy_in "
    "copy_out tar_in tar_out tgz_in tgz_out cpio_out base64_in base64_out ll llz strings strings_e inspect_get_icon "
    "mount mount_options mount_ro mount_loop mount_local mount_local_run disk_format disk_has_backing_file "
    "disk_virtual_size add_drive add_drive_opts add_domain add_libvirt_dom add_drive_ro config set_hv set_qemu "
    "set_append launch shutdown close kill_subprocess hopen_device scrub_file set_network setcon selinux_relabel "
    "initrd_cat e2fsck_f ntfsfix user_cancel rsync rsync_in rsync_out yara_load yara_scan __class__ __init__ "
    "__getattribute__ __dict__"
).split()


class RecordingHandle:
    """Stands where a libguestfs handle does, and keeps the names of what is asked of it."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.arguments: dict[str, t.Any] = {}

    def __getattr__(self, name: str) -> t.Callable[..., t.Any]:
        def method(*args: t.Any, **kwargs: t.Any) -> t.Any:
            self.seen.append(name)
            self.arguments[name] = (args, kwargs)
            return "direct" if name == "get_backend" else 0

        return method


def bindings_of(handle: RecordingHandle) -> _handle.Bindings:
    return lambda: handle, lambda _handle: 0, lambda _handle, _console: None


def ready_appliance() -> tuple[_machine.Appliance, RecordingHandle]:
    handle = RecordingHandle()
    appliance = _machine.Appliance(_watchdog.Watch(lambda: False, lambda: True), bindings_of(handle))
    appliance.launch({"drives": [{"path": "/x", "format": "qcow2"}], "accelerator": "tcg", "launch_timeout": 60})
    handle.seen.clear()
    return appliance, handle


READY = ready_appliance()


# The calls that touch a file of the host, and look at their arguments first.
TRANSFERS = {"upload", "download"}


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("upload", ["/dev/zero", "/x"]),
        ("upload", ["/nowhere/at/all", "/x"]),
        ("upload", [os.path.relpath(__file__), "/x"]),
        ("upload", ["-", "/x"]),
        ("download", ["/x", "/tmp/x"]),
        ("download", ["/x", "x"]),
        ("download", ["/x", "/nowhere/at/all"]),
        ("download", ["/x"]),
        ("upload", []),
    ],
)
def test_a_transfer_reads_regular_files_and_writes_into_private_folders(name: str, args: list[str]) -> None:
    appliance, handle = READY
    handle.seen.clear()
    with pytest.raises(_allowlist.ServerError) as caught:
        appliance.call(name, args, {}, 10)
    assert caught.value.kind == "protocol"
    assert handle.seen == []


def test_a_transfer_into_a_private_folder_is_made(tmp_path: pathlib.Path) -> None:
    appliance, handle = READY
    handle.seen.clear()
    tmp_path.chmod(0o700)
    appliance.call("download", ["/x", str(tmp_path / "x")], {}, 10)
    assert handle.seen == ["download"]


class RecordingLibrary:
    """Stands where the C library does, for calls with texts that are not UTF-8."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, list[t.Any]]] = []

    def knows(self, name: str) -> bool:
        return _raw_names.RawNames.knows(name)

    def call(self, _handle: t.Any, name: str, args: list[t.Any], _kwargs: dict[str, t.Any]) -> t.Any:
        self.seen.append((name, args))
        return "through the library"


def strict(_path: str) -> t.NoReturn:
    """What the bindings do with a name in the result that is not UTF-8."""
    b"\xff".decode()
    raise AssertionError


def test_a_name_that_is_not_utf8_goes_through_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    appliance, handle = READY
    library = RecordingLibrary()
    monkeypatch.setattr(appliance, "_raw", library)
    handle.seen.clear()
    for name, args in (("rm", ["/\udcff"]), ("lstatnslist", ["/", ["a", "\udce9"]])):
        assert appliance.call(name, args, {}, 10) == "through the library"
    assert handle.seen == [], "the bindings would raise UnicodeEncodeError"
    assert library.seen == [("rm", ["/\udcff"]), ("lstatnslist", ["/", ["a", "\udce9"]])]
    assert appliance.call("rm", ["/é"], {}, 10) == 0
    assert handle.seen == ["rm"]


def test_a_result_that_is_not_utf8_is_asked_for_again_where_that_changes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    appliance, handle = READY
    library = RecordingLibrary()
    monkeypatch.setattr(appliance, "_raw", library)
    for name in ("readdir", "rename", "vfs_label"):
        monkeypatch.setattr(handle, name, strict, raising=False)
    assert appliance.call("readdir", ["/d"], {}, 10) == "through the library"
    for name in ("rename", "vfs_label"):
        with pytest.raises(_allowlist.ServerError) as caught:
            appliance.call(name, ["/a"], {}, 10)
        assert caught.value.data["errno"] == errno.EILSEQ
    assert library.seen == [("readdir", ["/d"])]


def test_the_allowlist_has_all_that_the_library_is_asked_for() -> None:
    assert set(_raw_names.CALLS) <= set(_allowlist.CALLS)


@given(
    st.one_of(st.sampled_from(FORBIDDEN), st.text(max_size=40), st.sampled_from(sorted(_allowlist.CALLS))).filter(
        lambda name: name not in TRANSFERS  # which look at their arguments
    )
)
@settings(max_examples=500, deadline=None)
def test_only_the_allowlist_reaches_the_handle(name: str) -> None:
    appliance, handle = READY
    handle.seen.clear()
    if name in _allowlist.CALLS:
        appliance.call(name, [], {}, 10)
        assert handle.seen == [name]
        return
    with pytest.raises(_allowlist.ServerError) as caught:
        appliance.call(name, ["argument"], {}, 10)
    assert caught.value.kind == "protocol"
    assert handle.seen == []


def test_the_allowlist_holds_nothing_dangerous() -> None:
    assert sorted(set(_allowlist.CALLS) & set(FORBIDDEN)) == []
    assert [name for name in _allowlist.CALLS if "command" in name or name.startswith(("sh_", "debug", "_"))] == []


def test_the_allowlist_is_exactly_what_is_used() -> None:
    """What nobody calls has no business on the list. The typed face names each call in a literal."""
    tree = ast.parse(inspect.getsource(_calls))
    used = set()
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "call"
            and node.args
        ):
            name = node.args[0]
            if isinstance(name, ast.Constant):
                used.add(str(name.value))
    fields = {name for name in _allowlist.CALLS if name.startswith("inspect_get_")}
    assert used | fields == set(_allowlist.CALLS)


def test_a_drive_without_a_format_is_refused() -> None:
    for drive in (
        {"path": "/x"},
        {"path": "/x", "format": ""},
        {"path": "/x", "format": "auto"},
        {"path": "/x", "format": None},
    ):
        handle = RecordingHandle()
        with pytest.raises(_allowlist.ServerError, match="without an explicit format"):
            _handle.configure(handle, {"drives": [drive]}, "tcg")
        assert "add_drive_opts" not in handle.seen


def test_the_appliance_has_no_network_and_a_sandbox() -> None:
    handle = RecordingHandle()
    _handle.configure(handle, {"drives": [{"path": "/x", "format": "qcow2"}]}, "tcg")
    assert handle.arguments["set_network"] == ((False,), {})
    assert handle.arguments["config"][0][0] == "-sandbox"
    assert "spawn=deny" in handle.arguments["config"][0][1]
    assert handle.arguments["add_drive_opts"] == (("/x",), {"format": "qcow2", "cachemode": "unsafe"})
    assert handle.arguments["set_backend_settings"] == ((["force_tcg"],), {})


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(values)
def test_values_survive_the_wire(value: t.Any) -> None:
    assert _wire.decode(json.loads(json.dumps(_wire.encode(value)))) == value


class TestSession:
    def test_a_change_is_kept(self) -> None:
        session = _server.Session()
        session.begin("edit")
        session.wrote()
        session.end(True, "Edited.")
        session.abandon()
        assert session.changes == [{"task": "edit", "summary": "Edited."}]
        assert session.broken == ""

    def test_a_task_that_dies_in_its_changes_breaks_the_session(self) -> None:
        session = _server.Session()
        session.begin("edit")
        session.wrote()
        session.abandon()
        assert "edit" in session.broken

    def test_a_task_that_dies_before_its_changes_does_not(self) -> None:
        session = _server.Session()
        session.begin("edit")
        session.abandon()
        assert session.broken == ""


class TestWatch:
    def test_a_deadline_kills_the_children_and_says_why(self) -> None:
        child = os.spawnvp(os.P_NOWAIT, "sleep", ["sleep", "600"])
        watch = _watchdog.Watch(lambda: False, lambda: True)
        with watch.deadline(0.3):
            _pid, status = os.waitpid(child, 0)
        assert os.WIFSIGNALED(status)
        assert watch.reason == "no answer within 0 seconds"

    def test_a_full_disk_is_named(self) -> None:
        child = os.spawnvp(os.P_NOWAIT, "sleep", ["sleep", "600"])
        watch = _watchdog.Watch(lambda: False, lambda: False)
        with watch.deadline(60):
            os.waitpid(child, 0)
        assert "no space left" in watch.reason

    def test_outside_a_deadline_nothing_is_killed(self) -> None:
        child = os.spawnvp(os.P_NOWAIT, "sleep", ["sleep", "600"])
        watch = _watchdog.Watch(lambda: True, lambda: False)
        time.sleep(0.5)
        assert os.waitpid(child, os.WNOHANG) == (0, 0)
        assert watch.reason == ""
        os.kill(child, 9)
        os.waitpid(child, 0)


class TestVerdict:
    def test_is_kept_for_its_key_only(self, monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
        assert _accelerator.recall_verdict("boot-1 QEMU 7") is None
        _accelerator.remember_verdict("boot-1 QEMU 7", "tcg", "it aborted")
        assert _accelerator.recall_verdict("boot-1 QEMU 7") == {
            "key": "boot-1 QEMU 7",
            "accelerator": "tcg",
            "reason": "it aborted",
        }
        assert _accelerator.recall_verdict("boot-2 QEMU 7") is None
        assert _accelerator.recall_verdict("boot-1 QEMU 8") is None

    @pytest.mark.parametrize("text", ["", "[]", "{", '{"key": "k", "accelerator": "magic"}', "\0" * 100])
    def test_a_damaged_memory_is_no_memory(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path, text: str
    ) -> None:
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
        path = pathlib.Path(_accelerator.verdict_path())
        path.parent.mkdir(parents=True)
        path.write_text(text, encoding="utf-8")
        assert _accelerator.recall_verdict("k") is None

    def test_a_cache_that_cannot_be_written_is_no_error(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
    ) -> None:
        (tmp_path / "file").write_text("", encoding="utf-8")
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
        _accelerator.remember_verdict("k", "tcg", "")
        assert _accelerator.recall_verdict("k") is None


class LoopServer:
    """A server over a fake handle in a thread, to talk to over its real socket."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder / "private"
        self.folder.mkdir(mode=0o700)
        (folder / "overlay").write_text("", encoding="utf-8")
        self.overlay = folder / "overlay"
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(self.folder / "socket"))
        self.listener.listen()
        config = {"directory": str(self.folder), "overlay": str(self.overlay)}
        self.handle = RecordingHandle()
        self.server = _server.Server(config, self.listener, bindings_of(self.handle))
        self.thread = threading.Thread(target=self.server.run)
        self.thread.start()
        self.client = socket.socket(socket.AF_UNIX)
        self.client.connect(str(self.folder / "socket"))
        self.stream = self.client.makefile("rb")

    def ask(self, line: bytes) -> dict[str, t.Any]:
        self.client.sendall(line + b"\n")
        return dict(json.loads(self.stream.readline()))

    def end(self) -> None:
        self.stream.close()
        self.client.close()
        self.thread.join(timeout=30)
        self.listener.close()
        assert not self.thread.is_alive()


@pytest.fixture
def loop(tmp_path: pathlib.Path) -> t.Iterator[LoopServer]:
    server = LoopServer(tmp_path)
    yield server
    if server.thread.is_alive():
        server.end()


class TestWire:
    @pytest.mark.parametrize(
        "line",
        [
            b"",
            b"{}",
            b"[]",
            b"null",
            b"not json",
            b'{"jsonrpc": "2.0", "id": 1, "method": "nothing"}',
            b'{"jsonrpc": "1.0", "id": 1, "method": "status"}',
            b'{"jsonrpc": "2.0", "id": 1, "method": "call", "params": {"name": "sh", "deadline": 1}}',
            b'{"jsonrpc": "2.0", "id": 1, "method": "call", "params": {}}',
            b'{"jsonrpc": "2.0", "id": 1, "method": "launch", "params": {"launch_timeout": "x"}}',
            b'{"jsonrpc": "2.0", "id": 1, "method": "release", "params": {"deadline": 1}}',
            b"\xff\xfe\x00",
        ],
    )
    def test_nonsense_gets_an_error_and_the_server_goes_on(self, loop: LoopServer, line: bytes) -> None:
        assert json.loads(loop.stream.readline())["method"] == "hello"
        assert "error" in loop.ask(line)
        assert loop.ask(b'{"jsonrpc": "2.0", "id": 7, "method": "status"}')["result"]["state"] in ("CONFIG", "CLOSED")

    def test_the_end_of_its_first_client_is_its_own(self, loop: LoopServer) -> None:
        loop.end()
        assert not loop.folder.exists()
        assert not loop.overlay.exists()

    def test_a_detached_server_lives_until_its_idle_time(self, loop: LoopServer) -> None:
        loop.stream.readline()
        loop.ask(b'{"jsonrpc": "2.0", "id": 1, "method": "detach", "params": {"idle_timeout": 1.0}}')
        loop.client.close()
        loop.stream.close()
        loop.client = socket.socket(socket.AF_UNIX)
        loop.client.connect(str(loop.folder / "socket"))
        loop.stream = loop.client.makefile("rb")
        assert json.loads(loop.stream.readline())["params"]["detached"] is True
        loop.end()
        assert not loop.folder.exists()

    def test_discard_leaves_nothing(self, loop: LoopServer) -> None:
        loop.stream.readline()
        assert loop.ask(b'{"jsonrpc": "2.0", "id": 1, "method": "discard"}')["result"] is None
        assert not loop.overlay.exists()
        assert not loop.folder.exists()
        assert loop.stream.read() == b""
