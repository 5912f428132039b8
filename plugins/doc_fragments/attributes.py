# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Attributes that modules share. A module overrides an attribute's ``support`` by naming it under ``attributes``."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
attributes:
  check_mode:
    description:
      - Can run in C(check_mode) and return changed status prediction without modifying the image.
      - The same work is done on an overlay that is thrown away, so the prediction is exact, also for tasks that depend
        on earlier tasks of the same session.
    support: full
  diff_mode:
    description: Returns details on what has changed, or possibly needs changing in C(check_mode), when in diff mode.
    support: full
  idempotent:
    description:
      - When run twice in a row outside check mode, with the same arguments, the second invocation changes nothing.
      - A task that changes nothing leaves the image byte for byte as it was.
    support: full
"""

    # For a module that only reads: there is no difference to show, and nothing to predict.
    READ_ONLY = r"""
attributes:
  check_mode:
    description: Reads only, so it does the same in C(check_mode).
    support: full
  diff_mode:
    description: Reads only, so there is never a difference to show.
    support: N/A
  idempotent:
    description: Reads only. The image stays byte for byte as it was.
    support: full
"""
