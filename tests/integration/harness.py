# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The harness: real playbooks through ``ansible-playbook``, their whole results, and what must hold after them.

Modules run under the interpreter of the tests, which has no libguestfs bindings: so every test shows that modules need
none. Images are copies of what the factory made (``tests/images``).
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

from recorder import Recorder

ROOT = Path(__file__).resolve().parents[2]
COLLECTIONS = ROOT / "build" / "collections"
MARK = "OFFLINE_GUEST_TEST_SESSION"
#: How this run of the tests starts appliances: ``auto``, ``cold``, or ``drop``, which is ``auto`` with the store of
#: saved ones removed again and again.
START = os.environ.get("OFFLINE_GUEST_START", "auto")
GROUP = "group/offline.guest.image"
Task = dict[str, t.Any]


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file."""
    total = hashlib.sha256()
    with open(path, "rb") as stream:
        for block in iter(lambda: stream.read(1024 * 1024), b""):
            total.update(block)
    return total.hexdigest()


def collection_link() -> Path:
    """Make this checkout the collection offline.guest below build/collections, and return that folder."""
    link = COLLECTIONS / "ansible_collections" / "offline" / "guest"
    if not link.is_symlink():
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to("../../../..")
    return COLLECTIONS


@dataclass(frozen=True)
class TaskResult:
    """One task of a run: ``status`` is ok, failed, ignored, skipped or unreachable; ``result`` all it returned."""

    name: str
    action: str
    check: bool
    status: str
    result: t.Mapping[str, t.Any]

    def __getitem__(self, key: str) -> t.Any:
        return self.result[key]

    @property
    def changed(self) -> bool:
        return bool(self.result.get("changed"))

    @property
    def failed(self) -> bool:
        return self.status in ("failed", "ignored", "unreachable")

    @property
    def msg(self) -> str:
        return str(self.result.get("msg", ""))

    @property
    def diff(self) -> t.Any:
        return self.result.get("diff")

    @property
    def warnings(self) -> list[str]:
        return [str(warning) for warning in self.result.get("warnings") or []]


class Process(t.NamedTuple):
    """A process as /proc shows it, with spaces for the NULs of the kernel."""

    pid: int
    arguments: str
    environment: str


@dataclass(frozen=True)
class Run:
    """A finished ``ansible-playbook``."""

    rc: int
    stdout: str
    stderr: str
    tasks: tuple[TaskResult, ...]

    def __getitem__(self, name: str) -> TaskResult:
        """Return the result of the task ``name`` (the last, where several bear it)."""
        found = [task for task in self.tasks if task.name == name]
        if not found:
            raise KeyError(f"{name}: no such task ran, only {[task.name for task in self.tasks]}\n{self.output}")
        return found[-1]

    @property
    def output(self) -> str:
        """All that a user would have seen."""
        return self.stdout + self.stderr

    def ok(self) -> Run:
        """Return the run, or fail the test with its output."""
        assert self.rc == 0, f"ansible-playbook ended with {self.rc}\n{self.output}"
        return self


def started(module_defaults: t.Mapping[str, t.Any] | None) -> dict[str, t.Any]:
    """Return the option ``appliance`` that has appliances started as this run of the tests wants it."""
    if START != "cold":
        return {}
    return {"appliance": {**((module_defaults or {}).get("appliance") or {}), "start": "cold"}}


def _fresh_environment() -> dict[str, str]:
    """Return the environment without settings of Ansible and of libguestfs that the developer has."""
    prefixes = ("ANSIBLE_", "LIBGUESTFS_", "SUPERMIN_", "PYTHON")
    return {key: value for key, value in os.environ.items() if not key.startswith(prefixes)}


@dataclass
class Harness:
    """Runs playbooks for one test session: ``folder`` is its own temporary folder, short enough for sockets."""

    folder: Path
    recorder: Recorder
    mark: str
    _count: int = field(default=0)

    def environment(self) -> dict[str, str]:
        """Return the environment of a playbook: recorded, marked, and with all its temporary files below our folder."""
        temporary = self.folder / "tmp"
        temporary.mkdir(exist_ok=True)
        settings = self.folder / "ansible.cfg"
        settings.touch()  # empty: neither the developer's settings nor those of the machine
        return {
            **_fresh_environment(),
            **self.recorder.environment(),
            MARK: self.mark,
            "TMPDIR": str(temporary),
            # TMPDIR would move libguestfs's cache as well, and cost a build of its appliance for each test session.
            "XDG_CACHE_HOME": str(self.folder / "cache"),
            "LIBGUESTFS_CACHEDIR": os.environ.get("LIBGUESTFS_CACHEDIR", "/var/tmp"),
            "ANSIBLE_HOME": str(self.folder / "ansible"),
            "ANSIBLE_LOCAL_TEMP": str(temporary),
            "ANSIBLE_REMOTE_TEMP": str(temporary),
            "ANSIBLE_COLLECTIONS_PATH": str(collection_link()),
            "ANSIBLE_CALLBACK_PLUGINS": str(Path(__file__).with_name("callback_plugins")),
            "ANSIBLE_CALLBACKS_ENABLED": "record_results",
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_LOCALHOST_WARNING": "0",
            "ANSIBLE_INVENTORY_UNPARSED_WARNING": "0",
            "ANSIBLE_RETRY_FILES_ENABLED": "0",
            "ANSIBLE_CONFIG": str(settings),
        }

    def play(
        self,
        tasks: t.Sequence[Task],
        *,
        image: Path | None = None,
        image_format: str = "raw",
        check: bool = False,
        diff: bool = False,
        module_defaults: t.Mapping[str, t.Any] | None = None,
        variables: t.Mapping[str, t.Any] | None = None,
        environment: t.Mapping[str, str] | None = None,
        arguments: t.Sequence[str] = (),
        timeout: float = 1200,
    ) -> Run:
        """Run ``tasks`` as one play on localhost. Text is templated by Ansible, as in any playbook.

        :param image: what every module of the collection gets as ``image``, and ``image_format`` as ``format``.
        :param module_defaults: more defaults for the collection's modules, such as ``root`` or ``appliance``.
        :param environment: variables for ``ansible-playbook``, over those of the harness.
        :param arguments: further arguments of ``ansible-playbook``, such as ``-vvv``.
        """
        common = {"image": str(image), "format": image_format} if image else {}
        play = {
            "hosts": "localhost",
            "gather_facts": False,
            "connection": "local",
            "vars": {"ansible_python_interpreter": sys.executable, **(variables or {})},
            "module_defaults": {GROUP: {**common, **(module_defaults or {}), **started(module_defaults)}},
            "tasks": list(tasks),
        }
        return self.playbook(
            [play], check=check, diff=diff, environment=environment, arguments=arguments, timeout=timeout
        )

    def playbook(
        self,
        plays: t.Sequence[t.Mapping[str, t.Any]] | Path,
        *,
        check: bool = False,
        diff: bool = False,
        environment: t.Mapping[str, str] | None = None,
        arguments: t.Sequence[str] = (),
        timeout: float = 1200,
    ) -> Run:
        """Run plays, or a playbook that exists."""
        self._count += 1
        if START == "drop" and self._count % 5 == 0:
            shutil.rmtree(self.folder / "cache" / "offline-guest" / "warm", ignore_errors=True)
        results = self.folder / f"results{self._count}.jsonl"
        path = plays if isinstance(plays, Path) else self.folder / f"playbook{self._count}.yml"
        if not isinstance(plays, Path):
            path.write_text(json.dumps(plays, indent=1))  # JSON is YAML
        flags = [flag for flag, wanted in (("--check", check), ("--diff", diff)) if wanted]
        command = [
            str(Path(sys.executable).with_name("ansible-playbook")),
            "-i",
            "localhost,",
            *flags,
            *arguments,
            str(path),
        ]
        done = subprocess.run(
            command,
            env={**self.environment(), "OFFLINE_GUEST_RESULTS": str(results), **(environment or {})},
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="surrogateescape",
            timeout=timeout,
            check=False,
        )
        lines = results.read_text().splitlines() if results.exists() else []
        return Run(done.returncode, done.stdout, done.stderr, tuple(TaskResult(**json.loads(line)) for line in lines))

    def four_calls(self, task: Task, image: Path, image_format: str = "raw", **options: t.Any) -> list[TaskResult]:
        """Check, run, run again, check again, each alone (so four launches), in one ``ansible-playbook``.

        ``changed`` must be True, True, False, False; the first two diffs equal, the last two without a difference; and
        the image the same, byte for byte, after the check and after the calls that change nothing.
        """
        names = ("check", "run", "run again", "check again")
        tasks: list[Task] = [_digest_task("before", image)]
        for name in names:
            tasks.append({**task, "name": name, "check_mode": name.startswith("check"), "diff": True})
            tasks.append(_digest_task(f"after {name}", image))
        done = self.play(tasks, image=image, image_format=image_format, **options).ok()
        calls = [done[name] for name in names]
        _assert_four(calls)
        digests = [done[name]["stat"]["checksum"] for name in ("before", *(f"after {name}" for name in names))]
        assert digests[0] == digests[1], "a check changed the image"
        assert digests[1] != digests[2], "the image is the same after a change"
        assert digests[2] == digests[3] == digests[4], "changed=false, but the image is another"
        return calls

    def four_calls_in_session(
        self, tasks: t.Sequence[Task], image: Path, image_format: str = "raw", **options: t.Any
    ) -> list[list[TaskResult]]:
        """As :meth:`four_calls` for many independent tasks, in two sessions (two launches) for all of them.

        Each task is called four times in the first session, which is committed. The second session runs all once more:
        nothing may change, and the image must stay as it is. Returns the four results of each task.
        """
        steps: list[Task] = []
        for number, task in enumerate(tasks):
            for call in range(4):
                steps.append({**task, "name": f"{number}.{call}", "check_mode": call in (0, 3), "diff": True})
        done = self.play(in_session(steps), image=image, image_format=image_format, **options).ok()
        calls = [[done[f"{number}.{call}"] for call in range(4)] for number in range(len(tasks))]
        for four in calls:
            _assert_four(four)
        before = sha256(image)
        again = [{**task, "name": f"again {number}"} for number, task in enumerate(tasks)]
        repeated = self.play(in_session(again), image=image, image_format=image_format, **options).ok()
        changed = [item.action for item in repeated.tasks if item.name.startswith("again") and item.changed]
        assert not changed, f"a second session found something to change: {changed}"
        assert sha256(image) == before, "a session without a change changed the image"
        return calls

    def leftovers(self, patience: float = 60) -> list[str]:
        """Return what the session left behind: processes, sockets, temporary folders; a process has ``patience``."""
        until = time.monotonic() + patience
        while any(self.processes()) and time.monotonic() < until:
            time.sleep(0.2)
        found = [f"process {process.pid}: {process.arguments[:300]}" for process in self.processes()]
        return found + left_in(self.folder / "tmp")

    def processes(self) -> t.Iterator[Process]:
        """Yield the processes that our playbooks started, however far down: they inherit the mark."""
        wanted = f"{MARK}={self.mark}".encode()
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit() or int(entry.name) == os.getpid():
                continue
            try:
                environment = (entry / "environ").read_bytes()
                if wanted in environment.split(b"\0"):
                    yield Process(int(entry.name), _spaced((entry / "cmdline").read_bytes()), _spaced(environment))
            except OSError:
                continue  # gone meanwhile, or another user's

    def close(self) -> None:
        """Remove the session's folder."""
        shutil.rmtree(self.folder, ignore_errors=True)


def _spaced(strings: bytes) -> str:
    return strings.replace(b"\0", b" ").decode(errors="replace")


def left_in(folder: Path) -> list[str]:
    """Return what must not be left below ``folder``: locks, overlays, commits, sockets, folders of a server."""
    beside = re.compile(r"\..+\.(lock|overlay|commit)")  # pytest has a ".lock" of its own
    found = []
    for place, folders, files in os.walk(folder):
        found += [f"folder {place}/{name}" for name in folders if name.startswith("offline-guest-")]
        for name in files:
            path = Path(place, name)
            if beside.fullmatch(name) or path.is_socket():
                found.append(f"file {path}")
    return found


def _digest_task(name: str, image: Path) -> Task:
    arguments = {"path": str(image), "get_checksum": True, "checksum_algorithm": "sha256"}
    return {"name": name, "ansible.builtin.stat": arguments, "check_mode": False}


def in_session(steps: t.Sequence[Task]) -> list[Task]:
    """Put ``steps`` between the opening and the commit of a session; a failure discards it."""
    return [
        {
            "block": [
                {"name": "open", "offline.guest.session": {"state": "open"}},
                *steps,
                {"name": "commit", "offline.guest.session": {"state": "committed"}},
            ],
            "rescue": [
                {"name": "discard", "offline.guest.session": {"state": "discarded"}},
                {"name": "give up", "ansible.builtin.fail": {"msg": "a task of the session failed"}},
            ],
        }
    ]


def _assert_four(calls: t.Sequence[TaskResult]) -> None:
    shown = "\n".join(f"{call.name}: {dict(call.result)}" for call in calls)
    assert [call.changed for call in calls] == [True, True, False, False], shown
    assert calls[0].diff == calls[1].diff, f"check and run show another diff\n{shown}"
    assert calls[2].diff == calls[3].diff, f"the calls that change nothing show another diff\n{shown}"
    for call in calls[2:]:
        assert _no_difference(call.diff), f"no change, but a diff\n{shown}"


def _no_difference(diff: t.Any) -> bool:
    if isinstance(diff, list):
        return all(_no_difference(item) for item in diff)
    return not diff or ("prepared" not in diff and diff.get("before") == diff.get("after"))
