# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is quoted for a shell, read back by real shells."""

from __future__ import annotations

import shutil
import string
import subprocess
import sys

import hypothesis
import pytest
from ansible_collections.offline.guest.plugins.module_utils._errors import OptionError
from ansible_collections.offline.guest.plugins.module_utils._guest._firstboot_model import check_variable, launch_text
from ansible_collections.offline.guest.plugins.module_utils._guest._firstboot_programs import commands_script
from hypothesis import strategies as st

SHELLS = [["dash"], ["busybox", "sh"], ["bash", "--posix"]]
# Every shell's own variables that are set in a fresh shell: an assignment may fail, or mean something else.
OWN = [
    "BASHOPTS",
    "BASHPID",
    "BASH_VERSINFO",
    "EUID",
    "LINENO",
    "OPTIND",
    "PPID",
    "RANDOM",
    "SECONDS",
    "SHELLOPTS",
    "UID",
    "_",
]

names = st.text(string.ascii_letters + string.digits + "_", min_size=1, max_size=12)
texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=60)


def is_variable(name: str) -> bool:
    try:
        check_variable(name, "")
    except OptionError:
        return False
    # What would change how the programs of this test start.
    return not name.startswith(("LD_", "PYTHON", "LC_", "LANG", "PATH", "MALLOC", "GCONV", "ENV"))


@hypothesis.settings(max_examples=30, deadline=None, suppress_health_check=[hypothesis.HealthCheck.filter_too_much])
@hypothesis.given(
    env=st.dictionaries(names.filter(is_variable), texts, max_size=5), arguments=st.lists(texts, max_size=3)
)
def test_environment_and_arguments_arrive_as_they_are(env: dict[str, str], arguments: list[str]) -> None:
    show = "import os, sys; print(ascii([sys.argv[1:], dict(os.environ)]))"
    launch = launch_text([sys.executable, "-c", show, *arguments], env)
    for shell in SHELLS:
        program = str(shutil.which(shell[0]))
        command = [program, *shell[1:], "-s", "the script's path"]
        found = subprocess.run(command, input=launch.encode(), env={}, stdout=subprocess.PIPE, check=True).stdout
        arrived, environment = eval(found)  # printed by ourselves a moment ago
        assert arrived == [*arguments, "the script's path"]
        assert {name: environment.get(name) for name in env} == env


@pytest.mark.parametrize("name", [*OWN, "", "1A", "A-B", "A=B", "A B", "é", "A\n"])
def test_a_variable_that_no_shell_could_set_is_refused(name: str) -> None:
    with pytest.raises(OptionError):
        check_variable(name, "")


@hypothesis.settings(max_examples=20, deadline=None)
@hypothesis.given(words=st.lists(texts.filter(str.strip), min_size=1, max_size=4))
def test_commands_arrive_as_they_are(words: list[str], tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("commands")
    (folder / "interpreter.py").write_text(
        f"import sys; open({str(folder / 'seen')!r}, 'a').write(f'{{sys.argv!a}}\\n')"
    )
    script = commands_script(words, [sys.executable, str(folder / "interpreter.py")]).encode()
    for shell in SHELLS:
        subprocess.run([str(shutil.which(shell[0])), *shell[1:]], input=script, stdout=subprocess.DEVNULL, check=True)
        seen = [eval(line) for line in (folder / "seen").read_text().splitlines()]  # written by ourselves
        assert [arguments[1:] for arguments in seen] == [["-c", word] for word in words]
        (folder / "seen").unlink()


def test_no_program_gets_the_environment_as_arguments() -> None:
    *exports, command = launch_text(["/bin/sh"], {"PASSWORD": "s3cret"}).splitlines()
    assert exports == ["export PASSWORD=s3cret"]  # a builtin of every shell
    assert command == 'exec /bin/sh "$1"'
