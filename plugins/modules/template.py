# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The work is done by the action plugin of this name and by the module copy.

from __future__ import annotations

DOCUMENTATION = r"""
module: template
short_description: Make a file of a guest from a template
version_added: 0.1.0
description:
  - Renders a Jinja2 template on the controller, as M(ansible.builtin.template) does, and copies the result into the
    guest as M(offline.guest.copy) does.
  - The options and results are those of M(ansible.builtin.template), so that a task moves over by its prefix.
extends_documentation_fragment:
  - offline.guest.attributes
  - offline.guest.image
  - offline.guest.appliance
  - offline.guest.files
  - offline.guest.files.backup
  - offline.guest.files.validate
attributes:
  idempotent:
    support: partial
    details:
      - A template that renders to something else each time, a date for example, changes the file each time.
options:
  src:
    description:
      - The template on the controller, in UTF-8. It is looked for as M(ansible.builtin.template) does, and may be
        encrypted with Ansible Vault.
    type: path
    required: true
  dest:
    description:
      - Where to write the file, an absolute path in the guest.
      - If it is a directory, or ends in a slash, the file is put into it under the name of the template.
    type: str
    required: true
  mode:
    description:
      - The permissions of the file, octal such as V('0644') (quote it), or symbolic such as V(u=rw,go=r).
      - With V(preserve), those that the template has.
      - A new file gets V('0644') if this is not set, whatever the umask of the host is.
    type: raw
  force:
    description:
      - Whether a file that is there is replaced if its content differs.
    type: bool
    default: true
  follow:
    description:
      - Whether a link at O(dest) is followed to the file it leads to. Otherwise a file takes its place.
    type: bool
    default: false
  newline_sequence:
    description:
      - What ends the lines of the file.
    type: str
    choices: ['\n', '\r', '\r\n']
    default: '\n'
  block_start_string:
    description:
      - What begins a block of the template.
    type: str
    default: '{%'
  block_end_string:
    description:
      - What ends a block of the template.
    type: str
    default: '%}'
  variable_start_string:
    description:
      - What begins an expression whose value is printed.
    type: str
    default: '{{'
  variable_end_string:
    description:
      - What ends an expression whose value is printed.
    type: str
    default: '}}'
  comment_start_string:
    description:
      - What begins a comment.
    type: str
  comment_end_string:
    description:
      - What ends a comment.
    type: str
  trim_blocks:
    description:
      - Whether the line end after a block goes.
    type: bool
    default: true
  lstrip_blocks:
    description:
      - Whether blanks before a block go, if nothing else is before it in its line.
    type: bool
    default: false
  output_encoding:
    description:
      - The encoding of the file, any that Python knows.
    type: str
    default: utf-8
notes:
  - The variables that M(ansible.builtin.template) adds, such as C(template_path) and C(ansible_managed), are there.
seealso:
  - module: ansible.builtin.template
  - module: offline.guest.copy
author:
  - offline.guest contributors (@offline-guest)
"""

EXAMPLES = r"""
- name: Configure the SSH server, if its own check finds nothing wrong
  offline.guest.template:
    image: /srv/images/web.qcow2
    format: qcow2
    src: sshd_config.j2
    dest: /etc/ssh/sshd_config
    mode: '0600'
    validate: /usr/sbin/sshd -t -f %s
    backup: true

- name: Write a file with the line ends of Windows
  offline.guest.template:
    image: /srv/images/desktop.qcow2
    format: qcow2
    src: hosts.j2
    dest: /Windows/System32/drivers/etc/hosts
    newline_sequence: '\r\n'
"""

RETURN = r"""
dest:
  description: The file.
  returned: success
  type: str
  sample: /etc/ssh/sshd_config
src:
  description: The rendered file, where the host that works on the image found it.
  returned: success
  type: str
  sample: /root/.ansible/tmp/ansible-local-1/tmp2/sshd_config.j2
checksum:
  description: The SHA-1 digest of the file.
  returned: success
  type: str
  sample: 6e642bb8dd5c2e027bf21dd923337cbb4214f827
md5sum:
  description: The MD5 digest of the file, or nothing if the host may not compute it.
  returned: success
  type: str
  sample: 2a5aeecc61dc98c4d780b14b330e3282
backup_file:
  description: Where the file is kept as it was.
  returned: if O(backup=true) and the content changed
  type: str
  sample: /etc/ssh/sshd_config.01d09d19.2025-01-02@03:04:05~
msg:
  description: Why nothing was done.
  returned: if O(force=false) and there is a file
  type: str
  sample: file already exists
state:
  description: What is there.
  returned: success
  type: str
  sample: file
uid:
  description: The owner's number.
  returned: success
  type: int
  sample: 0
gid:
  description: The group's number.
  returned: success
  type: int
  sample: 0
owner:
  description: The owner's name in the guest, or its number if it has no name.
  returned: success
  type: str
  sample: root
group:
  description: The group's name in the guest, or its number if it has no name.
  returned: success
  type: str
  sample: root
mode:
  description: The permissions.
  returned: success
  type: str
  sample: '0600'
size:
  description: The size in bytes.
  returned: success
  type: int
  sample: 3264
secontext:
  description: The SELinux context.
  returned: if there is one
  type: str
  sample: system_u:object_r:sshd_config_t:s0
"""
