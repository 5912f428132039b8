# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""A firstboot script as the user states it, and the three files that it is in the guest.

``script`` is the program, ``launch`` a bit of shell that sets its environment and starts its interpreter, ``options``
what the runner has to know: ``KEY=VALUE`` lines, never sourced.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
import shlex
import typing as t

from .._errors import OptionError, printable

OnFailure = t.Literal["continue", "stop"]

MAX_NAME = 200  # a file name has 255 bytes, and names get suffixes
MAX_SCRIPT = 64 * 1024 * 1024
MAX_SECONDS = 366 * 24 * 3600
MAX_RETRIES = 100
DEFAULT_INTERPRETER = ("/bin/sh",)

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# useradd(8)'s rule, relaxed to capitals and dots as sites use them; it needs no quoting in a shell.
_USER = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
# Shells keep these for themselves: an assignment fails (bash: UID; dash: OPTIND), or is not what the program gets.
_SHELLS_OWN = re.compile(
    r"BASH(?!_ENV$).*|_|COMP_.*|DIRSTACK|EPOCH.*|EUID|FUNCNAME|FUNCNEST|GROUPS|HISTCMD|IFS|LINENO|OPTARG|OPTERR|OPTIND"
    r"|OFFLINE_GUEST_RUN|OLDPWD|PIPESTATUS|PPID|PWD|RANDOM|SECONDS|SHELLOPTS|SHLVL|SRANDOM|UID"
)


@dataclasses.dataclass(frozen=True)
class Options:
    """What the runner has to know of a script.

    :param timeout: seconds an attempt may take; 0 for no limit.
    :param on_failure: ``stop`` keeps the scripts after this one from running when this one has failed.
    :param retries: attempts after a first that failed.
    :param retry_delay: seconds between two attempts.
    :param reboot: restart the guest when the script has succeeded, then go on with the rest.
    :param wants_network: wait for a default route, a minute at most.
    :param user: name of the user to run as; empty for root.
    :param identity: digest of what the user stated; see :attr:`Script.identity`.
    """

    timeout: int = 3600
    on_failure: OnFailure = "continue"
    retries: int = 0
    retry_delay: int = 5
    reboot: bool = False
    wants_network: bool = False
    user: str = ""
    identity: str = ""

    def text(self) -> str:
        """Return the options file."""
        values = {
            field.name: _yes_no(getattr(self, field.name)) for field in dataclasses.fields(self) if field.name != "user"
        }
        if self.user:
            values["user"] = self.user
        return "".join(f"{key}={value}\n" for key, value in values.items())


@dataclasses.dataclass(frozen=True)
class Script:
    """A firstboot script.

    :param payload: what ``identity`` is made of: the program's bytes, or the commands or packages it was made from.
    :param interpreter: program and arguments that the script's path is appended to.
    :raises OptionError: a value cannot be meant.
    """

    name: str
    content: bytes
    payload: t.Any
    interpreter: tuple[str, ...] = DEFAULT_INTERPRETER
    env: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    options: Options = Options()

    def __post_init__(self) -> None:
        check_name(self.name)
        check_options(self.options)
        check_interpreter(self.interpreter)
        for key, value in self.env.items():
            check_variable(key, value)
        if len(self.content) > MAX_SCRIPT:
            raise OptionError(f"The firstboot script has {len(self.content)} bytes; at most {MAX_SCRIPT} are allowed.")

    @property
    def identity(self) -> str:
        """SHA-256 of what the user stated.

        Of that, not of the files made from it: or a new release of the collection, which words a generated script
        differently, would run it again in every guest where it ran long ago.
        """
        stated = [
            self.payload if isinstance(self.payload, list) else hashlib.sha256(self.payload).hexdigest(),
            list(self.interpreter),
            sorted(self.env.items()),
            dataclasses.asdict(dataclasses.replace(self.options, identity="")),
        ]
        return hashlib.sha256(json.dumps(stated, sort_keys=True).encode()).hexdigest()

    def files(self) -> dict[str, tuple[int, bytes]]:
        """Return mode and content by file name."""
        options = dataclasses.replace(self.options, identity=self.identity)
        return {
            "script": (0o700, self.content),
            "launch": (0o600, launch_text(self.interpreter, self.env).encode("utf-8", "surrogateescape")),
            "options": (0o600, options.text().encode()),
        }


def launch_text(interpreter: t.Sequence[str], env: t.Mapping[str, str]) -> str:
    """Return the bit of shell that becomes the interpreter, with the environment set.

    Not ``env NAME=VALUE``: every user of the guest could read the values from the process list.
    """
    exports = "".join(f"export {key}={shlex.quote(value)}\n" for key, value in sorted(env.items()))
    return f'{exports}exec {shlex.join(interpreter)} "$1"\n'


def check_name(name: str) -> None:
    """:raises OptionError: ``name`` is no name for a script; it becomes a file name and decides the order."""
    if len(name) > MAX_NAME or not _NAME.fullmatch(name):
        raise OptionError(
            f"'{printable(name)}' is not a name for a firstboot script.",
            hint=f"Use at most {MAX_NAME} letters, digits, '.', '_' and '-', and begin with a letter or digit.",
        )


def check_options(options: Options) -> None:
    """:raises OptionError: a number is out of range, or the user is no user's name."""
    for field, limit in (("timeout", MAX_SECONDS), ("retry_delay", MAX_SECONDS), ("retries", MAX_RETRIES)):
        if not 0 <= getattr(options, field) <= limit:
            raise OptionError(f"The option '{field}' is {getattr(options, field)}; it must be between 0 and {limit}.")
    if options.user and (len(options.user) > 255 or not _USER.fullmatch(options.user)):
        raise OptionError(f"'{printable(options.user)}' is not a user's name.", hint="Name the user, not its number.")


def check_interpreter(interpreter: t.Sequence[str]) -> None:
    """:raises OptionError: no absolute path, or a character that no path or argument has."""
    if not interpreter or not interpreter[0].startswith("/"):
        raise OptionError(
            f"The interpreter '{printable(' '.join(interpreter))}' is not an absolute path.", hint="Use /bin/bash, say."
        )
    if any(char in part for part in interpreter for char in "\0\r\n"):
        raise OptionError(
            f"The interpreter '{printable(' '.join(interpreter))}' holds a line break or a NUL.",
            hint="A script with Windows line endings does not run in a Linux guest.",
        )


def check_variable(name: str, value: str) -> None:
    """:raises OptionError: the name is none, or a shell's own, or the value holds a NUL."""
    if not _VARIABLE.fullmatch(name) or _SHELLS_OWN.fullmatch(name):
        raise OptionError(f"'{printable(name)}' cannot be set in the environment of a firstboot script.")
    if "\0" in value:
        raise OptionError(f"The value of the environment variable '{name}' holds a NUL character.")


def shebang(content: bytes) -> tuple[str, ...] | None:
    """Return the interpreter of a ``#!`` line as the kernel splits it, execve(2): a path and at most one argument.

    :raises OptionError: the line is longer than the kernel reads (255 bytes), or is not text.
    """
    if not content.startswith(b"#!"):
        return None
    line = content[2:].split(b"\n", 1)[0]
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError:
        text = ""
    if len(line) > 253 or not text.strip(" \t"):
        raise OptionError("The '#!' line of the firstboot script names no interpreter, or is too long.")
    return tuple(re.split("[ \t]+", text.strip(" \t"), maxsplit=1))


def _yes_no(value: t.Any) -> t.Any:
    return value if not isinstance(value, bool) else "yes" if value else "no"
