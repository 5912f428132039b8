# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What modules document that write a file of the guest: ``FILE_SPEC`` in ``module_utils/_ansible_module.py``."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  owner:
    description:
      - The owner that the file is to have, as a number or a name of the B(guest).
      - A change of owner or group clears the set-user-ID and set-group-ID bits unless O(mode) sets them.
    type: str
  group:
    description:
      - The group that the file is to have, as a number or a name of the B(guest).
    type: str
  mode:
    description:
      - The permissions that the file is to have, octal such as V('0644') (quote it), or symbolic such as V(u=rw,go=r).
      - A new file gets V('0644') and a new directory V('0755') if this is not set, whatever the umask of the host is.
    type: raw
  attributes:
    description:
      - The flags that the file is to have, as C(chattr) takes them, such as V(+i), V(-A) or V(=i).
      - Refused if the file system of the guest does not have them. Those of ext2, ext3 and ext4 are supported.
    type: str
    aliases: [attr]
  seuser:
    description:
      - The user of the SELinux context that the file is to have.
      - With V(_default), it is what the policy of the guest says, where it has one. That holds for the other parts too.
      - A new file gets the context of the policy of the guest, if none of the parts is set.
    type: str
  serole:
    description: The role of the SELinux context that the file is to have.
    type: str
  setype:
    description: The type of the SELinux context that the file is to have.
    type: str
  selevel:
    description: The level of the SELinux context that the file is to have, which is the MLS or MCS range.
    type: str
  unsafe_writes:
    description:
      - Refused if V(true). A file of a guest can always be replaced at one instant.
    type: bool
    default: false
"""

    # For modules that show a staged copy to a program before the guest gets it.
    VALIDATE = r"""
options:
  validate:
    description:
      - A command that checks the new content before the guest gets it. It must contain V(%s), which becomes the path of
        a copy of the content on the host.
      - The command is a program of the B(host) that works on the image, because programs of the guest never run. It is
        started without a shell. If it fails, nothing is changed.
    type: str
"""

    # For modules that can keep what they replace.
    BACKUP = r"""
options:
  backup:
    description:
      - Whether to keep the file as it was beside it, in the guest, if its content changes.
      - The name ends in a digest of the content, the time and a tilde. If the environment variable
        C(SOURCE_DATE_EPOCH) is set, it is the time, so that the same image can be made again.
    type: bool
    default: false
"""

    # For modules that edit a file as a whole.
    MAX_SIZE = r"""
options:
  max_size:
    description:
      - The size of the largest file to edit, in bytes. A larger one is refused.
    type: int
    default: 8388608
"""
