# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The option ``appliance``, which every module has that starts one."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  appliance:
    description:
      - How the appliance is started, the small virtual machine that opens the image.
      - A task that joins an open session uses the appliance of that session. These options then have no effect.
    type: dict
    suboptions:
      backend:
        description:
          - The libguestfs backend.
          - V(direct) runs QEMU as a child process. Another value is passed to libguestfs as it is, such as V(libvirt).
        type: str
        default: direct
      accelerator:
        description:
          - How the appliance's processor runs.
          - V(auto) uses KVM where it works and emulation elsewhere. Where KVM is present but broken, that is found out
            once in a bounded time and remembered until the host reboots or its QEMU changes.
          - V(kvm) fails where KVM does not work. V(tcg) always emulates.
        type: str
        choices: [auto, kvm, tcg]
        default: auto
      memory_mb:
        description:
          - The appliance's memory in MiB.
          - If not set, libguestfs decides.
        type: int
      smp:
        description:
          - The appliance's number of virtual processors.
          - If not set, libguestfs decides under KVM; under emulation there are two where the host has two, because that
            shortens a launch by a fifth.
        type: int
      launch_timeout:
        description: How many seconds the appliance may take to start.
        type: int
        default: 600
      call_timeout:
        description:
          - How many seconds one libguestfs call may take. A call that takes longer ends the appliance, and the image
            stays as it was.
        type: int
        default: 300
      hv:
        description:
          - The QEMU program, or a wrapper around it.
          - If not set, libguestfs decides.
        type: path
      path:
        description:
          - The folder of the libguestfs appliance, or several separated by colons.
          - If not set, libguestfs decides.
        type: str
      tmpdir:
        description:
          - The folder for temporary files, where the appliance is cached too.
          - If not set, libguestfs decides.
        type: path
      start:
        description:
          - Whether the appliance is resumed from one that was booted and saved before, which takes about a tenth of
            the time.
          - V(auto) resumes where there is a saved appliance, and starts a new one otherwise. It then also has one saved
            in the background, once, for the sessions that come.
          - V(warm) has it saved first where there is none.
          - V(cold) always starts a new one.
          - Where a saved appliance cannot be resumed, it is removed, a new one is started and a warning says why.
        type: str
        choices: [auto, warm, cold]
        default: auto
      cache_dir:
        description:
          - The folder of the saved appliances, a private one of the user who runs the module.
          - If not set, it is C(offline-guest/warm) in the user's cache folder (C(XDG_CACHE_HOME), or else C(~/.cache)).
        type: path
"""
