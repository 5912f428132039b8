# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Build the images of the tests: ``build.py [NAME…]``, all where none is named; ``--list`` shows what there is.

Run by an interpreter that has the libguestfs bindings (the platform's own, /usr/bin/python3). What exists and is what
its recipe says is kept; builders keep out of each other's way; an image appears whole or not at all.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from factory import appliance, debian_real, disk, store


def say(line: str) -> None:
    """Tell the user."""
    sys.stderr.write(f"images: {line}\n")
    sys.stderr.flush()


def build_synthetic(names: list[str], scratch: Path) -> None:
    """Build synthetic guests: what the host can make, then one launch for the rest."""
    jobs: list[appliance.Job] = []
    seconds: dict[str, float] = {}
    for name in names:
        began, made = time.monotonic(), scratch / f"{name}.raw"
        later = disk.assemble(store.recipe(name), name, made)
        jobs += [appliance.Job(name, made, content, slot) for content, slot in later]
        seconds[name] = time.monotonic() - began
        if not later:
            store.keep(name, made, seconds=round(seconds[name], 2), appliance=False)
    waiting = {job.name: job.disk for job in jobs}
    if not waiting:
        return
    say(f"filling {', '.join(sorted(waiting))} in an appliance")
    began = time.monotonic()
    appliance.fill(jobs, scratch)
    shared = (time.monotonic() - began) / len(waiting)
    for name in sorted(waiting):
        store.keep(name, waiting[name], seconds=round(seconds[name] + shared, 2), appliance=True)


def build(names: list[str]) -> None:
    """Build whatever of ``names`` is missing or out of date."""
    with store.locked() as scratch:
        stale = [name for name in names if not store.fresh(name)]
        if not stale:
            return
        began = time.monotonic()
        say(f"building {', '.join(stale)}")
        synthetic = [name for name in stale if name != debian_real.NAME]
        if synthetic:
            build_synthetic(synthetic, scratch)
            say(f"{len(synthetic)} synthetic images took {time.monotonic() - began:.0f} s")
        if debian_real.NAME in stale:
            began = time.monotonic()
            made = scratch / f"{debian_real.NAME}.raw"
            debian_real.build(made, say)
            store.keep(debian_real.NAME, made, seconds=round(time.monotonic() - began, 2), appliance=False)
            say(f"{debian_real.NAME} took {time.monotonic() - began:.0f} s")


def show() -> None:
    """List the images: state, seconds, MiB virtual and allocated, what it is."""
    for name in store.NAMES:
        facts = store.record(name)
        state = "fresh" if store.fresh(name) else "stale" if facts else "missing"
        summary = "a Debian that boots" if name == debian_real.NAME else store.recipe(name).summary
        mib = [facts.get(key, 0) // 1048576 for key in ("size", "allocated")]
        sys.stdout.write(f"{name:16} {state:8} {facts.get('seconds', 0):7} s {mib[0]:5} {mib[1]:5} MiB  {summary}\n")


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Build the images of the tests.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="an image; all where none is named")
    parser.add_argument("--list", action="store_true", help="show what there is")
    options = parser.parse_args()
    unknown = sorted(set(options.names) - set(store.NAMES))
    if unknown:
        parser.error(f"no such image: {', '.join(unknown)}")
    if options.list:
        show()
    else:
        build(options.names or list(store.NAMES))


if __name__ == "__main__":
    main()
