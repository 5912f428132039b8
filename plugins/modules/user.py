#!/usr/bin/python

# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: user
short_description: Manage a user of a guest
version_added: 0.1.0
description:
  - Creates, changes or removes a user in C(/etc/passwd), C(/etc/shadow), C(/etc/group), C(/etc/gshadow),
    C(/etc/subuid) and C(/etc/subgid) of a guest, with its home and its mail spool.
  - The files become what C(useradd), C(usermod), C(userdel) and C(chage) of the guest would make of them. No program of
    the guest runs.
  - Free numbers, the mode of a home and other defaults come from C(/etc/login.defs) and C(/etc/default/useradd) of the
    guest, the files of a new home from its C(/etc/skel).
  - Lines that are not about the user stay as they are, damaged ones too, and so does the order of lines. A file is
    written once, and only if its bytes change.
  - The hash of a password is never shown, neither in a result nor in a difference.
extends_documentation_fragment:
  - offline.guest.attributes
  - offline.guest.image
  - offline.guest.appliance
options:
  name:
    description:
      - The name of the user.
    type: str
    required: true
    aliases: [user]
  state:
    description:
      - Whether the user is to be there.
    type: str
    choices: [absent, present]
    default: present
  uid:
    description:
      - The number of the user.
      - If it changes, what the user owned in the home, and the mail spool, get the new one.
    type: int
  non_unique:
    description:
      - Whether O(uid) may be another user's, too.
    type: bool
    default: false
  group:
    description:
      - The primary group, as a name or a number. The group must be there.
      - If it changes, what belonged to the old one in the home belongs to the new one.
      - A new user gets a group of its own name unless C(USERGROUPS_ENAB) of the guest says otherwise, or there is a
        group of that name. It then gets the C(GROUP) of C(/etc/default/useradd), or else the number 100.
    type: str
  groups:
    description:
      - The groups that the user is a member of, by name or number.
      - An empty list removes the user from all groups but the primary one.
    type: list
    elements: str
  append:
    description:
      - Whether the user stays a member of other groups than O(groups), without which it means nothing.
    type: bool
    default: false
  comment:
    description:
      - The description of the user, also called GECOS.
    type: str
  home:
    description:
      - The absolute path of the home in the guest.
      - The default for a new user is the name below the C(HOME) of C(/etc/default/useradd), or else below C(/home).
    type: str
  create_home:
    description:
      - Whether to make a home that is missing, whether the user is new or not.
      - It has the mode C(HOME_MODE) of the guest's C(login.defs), or what C(UMASK) leaves. Directories missing above it
        belong to root.
      - A home that is there is left as it is.
    type: bool
    default: true
    aliases: [createhome]
  move_home:
    description:
      - Whether to move the old home if O(home) changes, unless something is there already.
      - It must stay on the same file system of the guest.
    type: bool
    default: false
  skeleton:
    description:
      - The directory in the guest whose files a new home gets, or V(/dev/null) for none.
      - The default is the C(SKEL) of C(/etc/default/useradd), or else C(/etc/skel).
      - Regular files, directories and symbolic links are copied, at most 64 MiB of them.
      - Requires O(create_home).
    type: str
  umask:
    description:
      - The umask of a new home, octal with a leading zero, such as V('027'). Quote it.
      - As for C(useradd), a C(HOME_MODE) in the guest's C(login.defs) counts more.
    type: str
  shell:
    description:
      - The login shell. If the guest does not have it, there is a warning.
      - The default for a new user is the C(SHELL) of C(/etc/default/useradd), or else C(/bin/bash), or C(/bin/sh) where
        the guest has no bash.
    type: str
  system:
    description:
      - Whether a new user gets a number of the system's range, no subordinate ids, no mail spool and no ageing of the
        password.
      - This does not change a user that is there.
    type: bool
    default: false
  password:
    description:
      - The hash of the password, as the filter P(ansible.builtin.password_hash#filter) makes it, or V(!) or V(*) for
        none.
      - A password in plain text is refused.
      - An empty string lets anybody in without a password, and there is a warning.
      - A new user without this option has no password and cannot log in with one.
    type: str
  update_password:
    description:
      - Whether to set the password of a user that is there, too, or only of a new one.
    type: str
    choices: [always, on_create]
    default: always
  password_lock:
    description:
      - Whether the password is locked, by a V(!) before the hash. Other ways to log in stay open.
      - If not set, a lock stays. A password that would be empty without its lock keeps it, and there is a warning.
    type: bool
  expires:
    description:
      - When the account expires, in seconds since 1970; negative for never. What counts is the day, in UTC.
      - Unlike C(useradd), this and O(password_expire_account_disable) also count for a new user of the system.
    type: float
  password_expire_max:
    description:
      - The number of days after which the password must be changed; V(-1) for never.
    type: int
  password_expire_min:
    description:
      - The number of days before which the password cannot be changed again; V(-1) for none.
    type: int
  password_expire_warn:
    description:
      - How many days before it must be changed the user is warned; V(-1) for none.
    type: int
  password_expire_account_disable:
    description:
      - How many days after that the account is disabled; V(-1) for never.
    type: int
  uid_min:
    description:
      - The lowest number for a new user, instead of C(UID_MIN) of the guest's C(login.defs).
    type: int
  uid_max:
    description:
      - The highest number for a new user, instead of C(UID_MAX) of the guest's C(login.defs).
    type: int
  local:
    description:
      - Accepted because the twin has it. What is in a stopped guest is local.
      - Excludes O(umask), O(uid_min) and O(uid_max), as in the twin.
    type: bool
  remove:
    description:
      - Whether to remove the home and the mail spool with the user, as C(userdel --remove) does.
      - One that is not the user's own is refused, and so is a home with another user's home in it, unless O(force) is
        set. Directories of the system, such as C(/usr/sbin), are always refused.
      - If the home is a symbolic link, the link is removed and what it leads to stays.
    type: bool
    default: false
  force:
    description:
      - With O(state=absent), whether to remove what O(remove) would refuse, and the user's own group even if it is
        another user's primary group.
    type: bool
    default: false
  generate_ssh_key:
    description:
      - Refused if set, because C(ssh-keygen) would be a program of the guest. Make the key on the host, and let it in
        with M(offline.guest.authorized_key).
    type: bool
  ssh_key_bits:
    description:
      - Only for O(generate_ssh_key), which is refused.
    type: int
  ssh_key_type:
    description:
      - Only for O(generate_ssh_key), which is refused.
    type: str
    default: rsa
  ssh_key_file:
    description:
      - Only for O(generate_ssh_key), which is refused.
    type: str
  ssh_key_comment:
    description:
      - Only for O(generate_ssh_key), which is refused.
    type: str
  ssh_key_passphrase:
    description:
      - Only for O(generate_ssh_key), which is refused.
    type: str
  seuser:
    description:
      - Refused. The mapping of users is part of the compiled SELinux policy; have M(offline.guest.firstboot) run
        C(semanage login).
    type: str
  hidden:
    description:
      - Refused, because only macOS has it.
    type: bool
  login_class:
    description:
      - Refused, because only BSD systems have it.
    type: str
  profile:
    description:
      - Refused, because only Solaris has it.
    type: str
  authorization:
    description:
      - Refused, because only Solaris has it.
    type: str
  role:
    description:
      - Refused, because only Solaris has it.
    type: str
notes:
  - A new password is said to be of today, or of the day of the environment variable C(SOURCE_DATE_EPOCH) if that is
    set, so that the same image can be made again.
  - The backups that the tools keep, such as C(/etc/passwd-), are neither made nor changed.
  - A mail spool is made if C(CREATE_MAIL_SPOOL=yes) is in C(/etc/default/useradd) of the guest. The records of former
    logins in C(/var/log/lastlog) and C(/var/log/faillog) are left alone, where C(useradd) would blank those of a number
    that is used again.
  - Scripts in C(/etc/shadow-maint) and C(USERDEL_CMD) of the guest are not run. Jobs of cron and at stay.
  - New subordinate ids are the ones that C(useradd) takes, at the end of the file, which C(useradd) sorts.
  - A lock such as C(/etc/passwd.lock) with the number of a process is what a tool left that died in the guest. It does
    not count, and there is a warning. A lock without a number is refused, as the tools do.
  - Each of the files may have 4 MiB.
seealso:
  - module: ansible.builtin.user
  - module: offline.guest.group
  - module: offline.guest.authorized_key
author:
  - offline.guest contributors (@offline-guest)
"""

EXAMPLES = r"""
- name: A user who may use sudo
  offline.guest.user:
    image: /srv/images/web.qcow2
    format: qcow2
    name: deploy
    groups: [sudo]
    append: true
    shell: /bin/bash
    password: "{{ deploy_password | password_hash('sha512') }}"

- name: A user for a service
  offline.guest.user:
    image: /srv/images/web.qcow2
    format: qcow2
    name: app
    system: true
    home: /var/lib/app
    shell: /usr/sbin/nologin

- name: Lock the password of root
  offline.guest.user:
    image: /srv/images/web.qcow2
    format: qcow2
    name: root
    password_lock: true

- name: Remove a user with its home
  offline.guest.user:
    image: /srv/images/web.qcow2
    format: qcow2
    name: vagrant
    state: absent
    remove: true
"""

RETURN = r"""
name:
  description: The name of the user.
  returned: success
  type: str
  sample: deploy
state:
  description: The state that was asked for.
  returned: success
  type: str
  sample: present
uid:
  description: The number of the user.
  returned: if O(state=present)
  type: int
  sample: 1000
group:
  description: The number of the primary group.
  returned: if O(state=present)
  type: int
  sample: 1000
groups:
  description: The groups that were asked for, with commas between them.
  returned: if O(groups) is set and O(state=present)
  type: str
  sample: sudo,adm
comment:
  description: The description of the user.
  returned: if O(state=present)
  type: str
  sample: ''
home:
  description: The path of the home.
  returned: if O(state=present)
  type: str
  sample: /home/deploy
shell:
  description: The login shell.
  returned: if O(state=present)
  type: str
  sample: /bin/bash
password:
  description: Always the same text, whatever the password is.
  returned: if O(password) is set and O(state=present)
  type: str
  sample: NOT_LOGGING_PASSWORD
append:
  description: The option of that name.
  returned: if O(state=present) and the user was there
  type: bool
  sample: true
move_home:
  description: The option of that name.
  returned: if O(state=present) and the user was there
  type: bool
  sample: false
create_home:
  description: The option of that name.
  returned: if O(state=present) and the user was not there
  type: bool
  sample: true
system:
  description: The option of that name.
  returned: if O(state=present) and the user was not there
  type: bool
  sample: false
force:
  description: The option of that name.
  returned: if O(state=absent) and the user was there
  type: bool
  sample: false
remove:
  description: The option of that name.
  returned: if O(state=absent) and the user was there
  type: bool
  sample: true
"""

from typing import Any, NoReturn

from ..module_utils._ansible_module import run_guest_module
from ..module_utils._guest._user import handle

OPTIONS: dict[str, dict[str, Any]] = {
    "name": {"type": "str", "required": True, "aliases": ["user"]},
    "state": {"type": "str", "choices": ["absent", "present"], "default": "present"},
    "uid": {"type": "int"},
    "non_unique": {"type": "bool", "default": False},
    "group": {"type": "str"},
    "groups": {"type": "list", "elements": "str"},
    "append": {"type": "bool", "default": False},
    "comment": {"type": "str"},
    "home": {"type": "str"},
    "create_home": {"type": "bool", "default": True, "aliases": ["createhome"]},
    "move_home": {"type": "bool", "default": False},
    "skeleton": {"type": "str"},
    "umask": {"type": "str"},
    "shell": {"type": "str"},
    "system": {"type": "bool", "default": False},
    "password": {"type": "str", "no_log": True},
    "update_password": {"type": "str", "choices": ["always", "on_create"], "default": "always", "no_log": False},
    "password_lock": {"type": "bool", "no_log": False},
    "expires": {"type": "float"},
    "password_expire_max": {"type": "int", "no_log": False},
    "password_expire_min": {"type": "int", "no_log": False},
    "password_expire_warn": {"type": "int", "no_log": False},
    "password_expire_account_disable": {"type": "int", "no_log": False},
    "uid_min": {"type": "int"},
    "uid_max": {"type": "int"},
    "local": {"type": "bool"},
    "remove": {"type": "bool", "default": False},
    "force": {"type": "bool", "default": False},
    "generate_ssh_key": {"type": "bool"},
    "ssh_key_bits": {"type": "int"},
    "ssh_key_type": {"type": "str", "default": "rsa"},
    "ssh_key_file": {"type": "str"},
    "ssh_key_comment": {"type": "str"},
    "ssh_key_passphrase": {"type": "str", "no_log": True},
    "seuser": {"type": "str"},
    "hidden": {"type": "bool"},
    "login_class": {"type": "str"},
    "profile": {"type": "str"},
    "authorization": {"type": "str"},
    "role": {"type": "str"},
}


def main() -> NoReturn:
    """Run the module."""
    run_guest_module(argument_spec=OPTIONS, handler=handle, writes=True)


if __name__ == "__main__":
    main()
