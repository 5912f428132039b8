#!/usr/bin/python

# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: unarchive
short_description: Extract an archive into a guest
version_added: 0.1.0
description:
  - Extracts a tar archive, plain or compressed by gzip, bzip2, xz or zstd, or a zip archive, into a directory of a
    guest.
  - It is the twin of M(ansible.builtin.unarchive), but runs neither C(tar) nor C(unzip), and also works in check mode.
    Only for zstd, the host needs the program C(zstd).
  - What an archive is, its first bytes say, and not its name.
  - An entry of the guest that is as in the archive is left alone. What is compared is kind, permissions, owner, group,
    and of a file its time and content. What the archive does not have is left alone, too.
  - From a tar archive, everything has the permissions, owner and group of the archive. A name of a user or group that
    the guest has counts more than the number, as it does for C(tar) that root runs. From a zip archive, everything
    belongs to root, and the permissions are those that C(unzip) gives under a umask of 022.
  - Files and directories have the times of the archive. A symbolic link has the time at which it was made.
  - Nothing is written outside of O(dest). A slash at the beginning of a name is passed over. An archive with a name
    that has C(..) in it is refused, and so is one of which something would be written through a symbolic link, its own
    or the guest's, that leads out of O(dest).
  - A directory of the archive that is a symbolic link to a directory in the guest goes there, and the link stays.
  - Devices and named pipes are refused.
extends_documentation_fragment:
  - offline.guest.attributes
  - offline.guest.image
  - offline.guest.appliance
  - offline.guest.files
attributes:
  idempotent:
    details:
      - A zip archive without extended timestamps has times by the time zone of the host, which must stay the same.
options:
  src:
    description:
      - The archive on the controller, or with O(remote_src=true) its absolute path on the host that works on the image.
      - A URL is refused. Fetch it with M(ansible.builtin.get_url) and set O(remote_src=true).
    type: path
    required: true
  dest:
    description:
      - The absolute path of a directory in the guest, which must exist. Symbolic links are followed, but only inside
        the guest.
      - A path that is not UTF-8 is given as V(base64:) with its bytes in base64 after it, such as
        V(base64:L3Nydi9jYWbp).
    type: str
    required: true
  remote_src:
    description: Whether the archive is on the host that works on the image already, rather than on the controller.
    type: bool
    default: false
  copy:
    description:
      - The opposite of O(remote_src), which replaces it. They exclude each other.
    type: bool
    default: true
  creates:
    description: An absolute path in the guest. If there is anything, nothing is done.
    type: str
  list_files:
    description: Whether to return the names of what is extracted.
    type: bool
    default: false
  include:
    description:
      - Extract only these members.
      - Of a tar archive, they are names, and a directory includes what is below it. Of a zip archive, they are shell
        patterns.
      - Excludes O(exclude).
    type: list
    elements: str
    default: []
  exclude:
    description:
      - Shell patterns of members to leave out, in which V(*) matches slashes, too.
      - Of a tar archive, a pattern may match any part of a name between slashes, and excludes what is below it. Of a
        zip archive, it must match the whole name.
    type: list
    elements: str
    default: []
  keep_newer:
    description: Whether to leave files alone that are as new as those of the archive, or newer.
    type: bool
    default: false
  allow_setuid:
    description:
      - Whether files may have a set-user-ID or set-group-ID bit. An archive with such a file is refused otherwise.
    type: bool
    default: false
  max_members:
    description: How many members the archive may have.
    type: int
    default: 200000
  max_size:
    description: How many bytes the content of the archive may have, uncompressed.
    type: int
    default: 17179869184
  extra_opts:
    description: Refused unless it is empty, because there is no program to give options to.
    type: list
    elements: str
    default: []
  io_buffer_size:
    description: How many bytes of the archive are read at once.
    type: int
    default: 65536
  decrypt:
    description: Whether an archive that is encrypted with Ansible Vault is decrypted.
    type: bool
    default: true
  validate_certs:
    description: Without effect, because nothing is downloaded.
    type: bool
    default: true
  owner:
    description: The owner of all that is extracted, as a number or a name of the B(guest).
  group:
    description: The group of all that is extracted, as a number or a name of the B(guest).
  mode:
    description:
      - The permissions of all that is extracted, octal such as V('0644') (quote it), or symbolic such as
        V(u=rwX,go=rX), which starts from those of the archive.
seealso:
  - module: ansible.builtin.unarchive
author:
  - offline.guest contributors (@offline-guest)
"""

EXAMPLES = r"""
- name: Install an agent
  offline.guest.unarchive:
    image: /srv/images/web.qcow2
    format: qcow2
    src: agent.tar.gz
    dest: /opt
    owner: root
    group: root
    creates: /opt/agent/bin/agent

- name: Download a release and extract one of its directories
  ansible.builtin.get_url:
    url: https://example.com/release.zip
    dest: /tmp/release.zip
    checksum: sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
    mode: '0644'

- name: Extract it
  offline.guest.unarchive:
    image: /srv/images/web.qcow2
    format: qcow2
    src: /tmp/release.zip
    dest: /usr/share/nginx/html
    remote_src: true
    include: ['static/*']
"""

RETURN = r"""
dest:
  description: The directory in the guest, as it was given.
  returned: success
  type: str
  sample: /opt/software
dest_b64:
  description: The bytes of that path in base64.
  returned: if RV(dest) has escapes in it, because it is not UTF-8 or has control characters
  type: str
  sample: L3Nydi9jYWbp
src:
  description: The archive on the host that works on the image, which is a temporary copy if it was sent there.
  returned: success
  type: str
  sample: /home/paul/test.tar.gz
handler:
  description:
    - What the archive is, by the twin's names, which are V(TarArchive), V(TgzArchive), V(TarBzipArchive),
      V(TarXzArchive), V(TarZstdArchive) and V(ZipArchive).
    - The twin itself says V(TarArchive) where C(tar) knows the compression without being told.
  returned: success
  type: str
  sample: TgzArchive
files:
  description: The names of what is extracted.
  returned: if O(list_files=true)
  type: list
  elements: str
  sample: [agent/, agent/bin/agent]
state:
  description: Always V(directory).
  returned: success
  type: str
  sample: directory
uid:
  description: The number of the owner of O(dest).
  returned: success
  type: int
  sample: 1000
gid:
  description: The number of the group of O(dest).
  returned: success
  type: int
  sample: 1000
owner:
  description: The name of the owner of O(dest), or the number if the guest has no such user.
  returned: success
  type: str
  sample: paul
group:
  description: The name of the group of O(dest), or the number if the guest has no such group.
  returned: success
  type: str
  sample: librarians
mode:
  description: The permissions of O(dest).
  returned: success
  type: str
  sample: '0755'
size:
  description: The size of the directory O(dest) itself, in bytes.
  returned: success
  type: int
  sample: 4096
msg:
  description: Why nothing was done.
  returned: if there is what O(creates) names
  type: str
  sample: skipped, since /opt/agent exists
"""

import typing as t

from ..module_utils._ansible_module import FILE_SPEC, run_guest_module
from ..module_utils._guest._unarchive import handle


def main() -> t.NoReturn:
    run_guest_module(
        argument_spec={
            "src": {"type": "path", "required": True},
            "dest": {"type": "str", "required": True},
            "remote_src": {"type": "bool", "default": False},
            "copy": {"type": "bool", "default": True},
            "creates": {"type": "str"},
            "list_files": {"type": "bool", "default": False},
            "include": {"type": "list", "elements": "str", "default": []},
            "exclude": {"type": "list", "elements": "str", "default": []},
            "keep_newer": {"type": "bool", "default": False},
            "allow_setuid": {"type": "bool", "default": False},
            "max_members": {"type": "int", "default": 200_000},
            "max_size": {"type": "int", "default": 16 * 1024**3},
            "extra_opts": {"type": "list", "elements": "str", "default": []},
            "io_buffer_size": {"type": "int", "default": 64 * 1024},
            "decrypt": {"type": "bool", "default": True},
            "validate_certs": {"type": "bool", "default": True},
            **FILE_SPEC,
        },
        handler=handle,
        writes=True,
        mutually_exclusive=[("include", "exclude")],
    )


if __name__ == "__main__":
    main()
