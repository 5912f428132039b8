# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""The option ``validate``: a program of the host looks at the new content before the guest gets it."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import tempfile

from .._errors import HostError, OptionError, printable
from ._files import HostFile

_TIMEOUT = 300  # seconds
_SHOWN = 4000


def validate(command: str | None, content: bytes | HostFile) -> None:
    """Run ``command`` on a copy of the content; without one there is nothing to do.

    :param command: holds ``%s``, which becomes the path of the copy; it is started without a shell.
    :raises OptionError: the command is no command, or it refuses the content.
    :raises HostError: the host has no such program, or it does not come to an end.
    """
    if command is None:
        return
    if "%s" not in command:
        raise OptionError(f"validate: '{printable(command)}' has no %s in it.", hint="Put it where the path goes.")
    with tempfile.TemporaryDirectory(prefix="offline-guest-") as folder:
        path = os.path.join(folder, "content")
        if isinstance(content, HostFile):
            shutil.copyfile(content.path, path)
        else:
            with open(path, "wb") as stream:
                stream.write(content)
        _run(command, path)


def _run(command: str, path: str) -> None:
    try:
        words = [word.replace("%s", path) for word in shlex.split(command)]
        done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, timeout=_TIMEOUT, check=False)
    except ValueError as exc:
        raise OptionError(f"validate: '{printable(command)}' is no command: {exc}.") from exc
    except (OSError, subprocess.SubprocessError) as exc:
        raise HostError(
            f"validate: '{printable(command)}' cannot be run: {printable(str(exc))}.",
            hint="The program must be on the host that works on the image; programs of the guest never run.",
        ) from exc
    if done.returncode:
        said = printable(done.stderr.strip() or done.stdout.strip(), limit=_SHOWN)
        raise OptionError(
            f"failed to validate: rc:{done.returncode} error:{said}",
            details={
                "rc": done.returncode,
                "stdout": printable(done.stdout, limit=_SHOWN),
                "stderr": printable(done.stderr, limit=_SHOWN),
            },
        )
