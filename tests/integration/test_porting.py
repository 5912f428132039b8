# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A role that others wrote runs on a stopped guest with nothing changed but the prefixes of its modules.

The role is grafana.grafana.grafana, as the package ``ansible`` has it. docs/porting.md lists its tasks and what became
of each; OFFLINE_GUEST_PORTING names a file that gets that list from this test.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import typing as t
from pathlib import Path

import pytest
import yaml
from conftest import Copier
from guest_files import read_guest_file, stat_guest
from harness import GROUP, ROOT, Harness, Run, Task, started
from tasks import COMMIT, OPEN, ended

pytestmark = pytest.mark.appliance

ROLE = ROOT / "build" / "community" / "ansible_collections" / "grafana" / "grafana" / "roles" / "grafana"
BLOCKS = ("block", "rescue", "always")
# The modules of which a twin works on a guest.
TWINS = {"blockinfile", "copy", "file", "find", "lineinfile", "replace", "slurp", "stat", "template", "unarchive"}
# Twins that refuse what this role asks of them: to start something.
REFUSED = {"service", "systemd"}
# What is about the play, on the controller. All else needs the machine to run, or the network.
PLAY = {"assert", "fail", "include_tasks", "include_vars", "meta", "set_fact", "tempfile"}
# What the role is asked for: every branch of it that writes a file.
VARIABLES: dict[str, t.Any] = {
    "grafana_ini": {
        "server": {"protocol": "socket", "socket": "/run/grafana/grafana.sock", "http_port": 80},
        "security": {"admin_password": "not-a-secret"},
        "auth": {"ldap": {"enabled": True}},
    },
    "grafana_ldap": {
        "servers": {"host": "ldap.example.org", "port": 389, "attributes": {"name": "givenName"}},
        "group_mappings": [{"id": 1, "groups": [{"org_role": "Admin", "grafana_admin": True}]}],
    },
    "grafana_cap_net_bind_service": True,
    "grafana_provisioning_synced": True,
    "grafana_datasources": [{"name": "prometheus", "type": "prometheus", "url": "http://localhost:9090"}],
    "grafana_alert_notifications": {"notifiers": [{"name": "mail", "type": "email", "uid": "mail"}]},
    "grafana_alert_resources": {"groups": []},
}
ACTIONS = {f"offline.guest.{name}" for name in TWINS}
# One task of the role gives the dashboards to root, a handler gives them to grafana: with the builtin modules, too.
FOUGHT_OVER = {"Copy dashboard files", "Set privileges on provisioned dashboards"}
# What the packages bring that the role installs first.
PACKAGES: list[Task] = [
    {"name": "package", "offline.guest.group": {"name": "grafana", "gid": 471}},
    {
        "name": "package",
        "offline.guest.user": {"name": "grafana", "uid": 471, "group": "grafana", "create_home": False},
    },
    {"name": "package", "offline.guest.file": {"path": "/etc/tmpfiles.d", "state": "directory"}},
]


# An expression of the role that ansible-core no longer takes, for anybody: a loop over a text.
MENDED = (
    "sort | regex_replace(grafana_dashboards_dir + '/*', '')",
    "sort | map('regex_replace', grafana_dashboards_dir + '/*', '') | list",
)


def ported(items: t.Sequence[Task]) -> list[Task]:
    """Return a role's tasks with our prefix; what needs a running machine is left out."""
    found = []
    for item in items:
        task = dict(item)
        for key in BLOCKS:
            if key in task:
                task[key] = ported(task[key])
        module = module_of(task)
        if needs_machine(task):
            continue
        if module in REFUSED:
            task["ignore_errors"] = True
        if module in TWINS | REFUSED and task.get("delegate_to") != "localhost":
            task = {f"offline.guest.{module}" if "." in key else key: value for key, value in task.items()}
        found.append(task)
    return found


def module_of(task: Task) -> str:
    """Return the name of a builtin module, the full name of any other, and nothing for a block."""
    return next((key.removeprefix("ansible.builtin.") for key in task if "." in key), "")


def needs_machine(task: Task) -> bool:
    module = module_of(task)
    return bool(module) and module not in TWINS | REFUSED | PLAY


def port(role: Path) -> list[Task]:
    """Rewrite a copy of the role; returns the tasks that were left out."""
    left_out: list[Task] = []
    for path in [*(role / "tasks").glob("*.yml"), *(role / "handlers").glob("*.yml")]:
        tasks = yaml.safe_load(path.read_text(encoding="utf-8").replace(*MENDED))
        left_out += [task for task in flat(tasks) if needs_machine(task)]
        path.write_text(yaml.safe_dump(ported(tasks), sort_keys=False), encoding="utf-8")
    return left_out


def flat(items: t.Sequence[Task]) -> t.Iterator[Task]:
    for item in items:
        for key in BLOCKS:
            yield from flat(item.get(key, []))
        yield item


def run(harness: Harness, image: Path, role: Path, dashboards: Path) -> Run:
    play = {
        "hosts": "localhost",
        "connection": "local",
        "gather_facts": True,
        "vars": {
            "ansible_python_interpreter": sys.executable,
            "ansible_become": False,
            "grafana_dashboards_dir": str(dashboards),
            **VARIABLES,
        },
        "module_defaults": {GROUP: {"image": str(image), "format": "raw", **started(None)}},
        "tasks": [
            OPEN,
            *ended(
                [
                    *PACKAGES,
                    {"name": "role", "ansible.builtin.include_role": {"name": str(role)}},
                    {"name": "handlers", "ansible.builtin.meta": "flush_handlers"},
                    COMMIT,
                ]
            ),
        ],
    }
    return harness.playbook([play], environment={"CI": "1"}, arguments=["--skip-tags", "grafana_install"])


def test_a_role_of_others_runs_with_its_prefixes_changed(harness: Harness, image_copy: Copier, tmp_path: Path) -> None:
    image = image_copy("debian-like")
    role, dashboards = tmp_path / "grafana", tmp_path / "dashboards"
    shutil.copytree(ROLE, role)
    left_out = port(role)
    (dashboards / "team").mkdir(parents=True)
    (dashboards / "team" / "load.json").write_text('{"title": "Load"}\n')

    first = run(harness, image, role, dashboards).ok()
    ours = [task for task in first.tasks if task.action.startswith("offline.guest.") and task.status != "skipped"]
    refused = [task for task in ours if task.failed]
    assert len(refused) == 2 and all("offline.guest.firstboot" in task.msg for task in refused)
    of_the_role = {(task.name, task.action) for task in ours if task.name != "package"}
    assert len(of_the_role) >= 15, sorted(of_the_role)
    _report(first, left_out)
    again = run(harness, image, role, dashboards).ok()
    changed = {task.name.rpartition(" : ")[2] for task in again.tasks if task.changed and task.action in ACTIONS}
    assert changed == FOUGHT_OVER

    paths = {
        "/etc/grafana/grafana.ini": (0o640, 0, 471),
        "/etc/systemd/system/grafana-server.service.d/overrides.conf": (0o644, 0, 0),
        "/etc/grafana/provisioning/datasources/ansible.yml": (0o640, 0, 471),
        "/etc/tmpfiles.d/grafana.conf": (0o644, 0, 0),
        "/var/lib/grafana/dashboards/team/load.json": (0o644, 471, 471),
    }
    found = {path: stat_guest(image, path) for path in paths}
    assert {path: stat and (stat.mode, stat.uid, stat.gid) for path, stat in found.items()} == paths
    override = read_guest_file(image, "/etc/systemd/system/grafana-server.service.d/overrides.conf")
    assert b"CAP_NET_BIND_SERVICE" in override
    assert b"not-a-secret" in read_guest_file(image, "/etc/grafana/grafana.ini")


def _report(done: Run, left_out: t.Sequence[Task]) -> None:
    target = os.environ.get("OFFLINE_GUEST_PORTING")
    if not target:
        return
    ran = dict.fromkeys((task.name, task.action, task.status) for task in done.tasks if "offline" in task.action)
    refused = [(task.get("name", ""), module_of(task)) for task in left_out]
    Path(target).write_text(json.dumps({"ran": list(ran), "left out": refused}, indent=1))
