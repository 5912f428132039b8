#!/usr/bin/python

# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: locale
short_description: Set the language and the keyboard of a guest
version_added: 0.1.0
description:
  - Sets the language of a guest, its other locale settings and its keyboard. No program of the guest is run.
  - The language goes to C(/etc/locale.conf) in guests with systemd, C(/etc/default/locale) in Debian and its relatives,
    C(/etc/sysconfig/i18n) in Red Hat's before 7, C(/etc/sysconfig/language) in SUSE's before systemd,
    C(/etc/env.d/02locale) in Gentoo with OpenRC and C(/etc/profile.d/10locale.sh) in Alpine.
  - The keyboard goes to C(/etc/vconsole.conf) in guests with systemd, C(/etc/default/keyboard) in Debian and its
    relatives, C(/etc/sysconfig/keyboard) in Red Hat's before 7 and C(/etc/conf.d/keymaps) in Gentoo with OpenRC.
  - Options that are not set leave what is there.
extends_documentation_fragment:
  - offline.guest.attributes
  - offline.guest.image
  - offline.guest.appliance
options:
  lang:
    description:
      - The locale for all that O(variables) do not name, which is the variable C(LANG), such as V(de_DE.UTF-8).
    type: str
  variables:
    description:
      - Further variables by name, which are C(LANGUAGE) and those that begin with C(LC_). An empty value removes one.
      - C(LC_ALL) is refused, because it would override all others and systemd ignores it there.
    type: dict
  keymap:
    description:
      - The keyboard of the console, such as V(de-latin1).
      - Refused in Debian and its relatives, where the console has the keyboard of X, and in Alpine.
    type: str
  font:
    description: The font of the console. Refused where O(keymap) is.
    type: str
  xkb_layout:
    description:
      - The layout of the keyboard of X and, in Debian, of the console, such as V(de), or several as in V(us,de).
      - In guests with systemd it goes to C(/etc/vconsole.conf), which systemd reads it from since version 254.
        C(/etc/X11/xorg.conf.d/00-keyboard.conf) is left alone.
      - An empty value removes it. So it is for the following options.
    type: str
  xkb_model:
    description: The model of the keyboard, such as V(pc105).
    type: str
  xkb_variant:
    description: The variant of the layout, such as V(nodeadkeys).
    type: str
  xkb_options:
    description: Options of the keyboard, such as V(compose:caps).
    type: str
  generate:
    description:
      - What to do with a locale that the guest does not have yet.
      - V(false) sets it all the same and warns. Programs fall back to the locale C.
      - V(true) enables it in C(/etc/locale.gen). Then C(locale-gen) must run in the guest, for which
        M(offline.guest.firstboot) is made. Guests without C(/etc/locale.gen) need a package instead, so they are
        refused.
    type: bool
    default: false
notes:
  - Which locales the guest has is read from C(/usr/lib/locale). Alpine's C library takes any name.
seealso:
  - module: community.general.locale_gen
  - module: offline.guest.firstboot
author:
  - offline.guest contributors (@offline-guest)
"""

EXAMPLES = r"""
- name: Speak German, with English messages
  offline.guest.locale:
    image: /srv/images/web.qcow2
    format: qcow2
    lang: de_DE.UTF-8
    variables:
      LC_MESSAGES: en_US.UTF-8
    keymap: de-nodeadkeys

- name: Have the locale generated at the first boot of a Debian
  offline.guest.locale:
    image: /srv/images/debian.qcow2
    format: qcow2
    lang: de_DE.UTF-8
    xkb_layout: de
    generate: true
  register: locale

- name: Run what generates it
  offline.guest.firstboot:
    image: /srv/images/debian.qcow2
    format: qcow2
    name: 10-locale
    commands: ["{{ locale.command }}"]
  when: locale.locale_gen_needed
"""

RETURN = r"""
lang:
  description: The value of the option O(lang).
  returned: success
  type: str
  sample: de_DE.UTF-8
missing:
  description: The locales of O(lang) and O(variables) that the guest does not have.
  returned: success
  type: list
  elements: str
  sample: [de_DE.UTF-8]
locale_gen_needed:
  description: Whether missing locales are enabled, so that they are there once C(locale-gen) was run in the guest.
  returned: success
  type: bool
  sample: true
command:
  description: The command that has to be run in the guest, null if there is none.
  returned: success
  type: str
  sample: locale-gen
files:
  description: The paths of the files in the guest that are changed.
  returned: success
  type: list
  elements: str
  sample: [/etc/default/locale, /etc/locale.gen]
msg:
  description: What is left to do.
  returned: success
  type: str
  sample: Language and keyboard are as they were asked for.
"""

from typing import NoReturn

from ..module_utils._ansible_module import run_guest_module
from ..module_utils._guest._locale import handle

SETTINGS = ("lang", "variables", "keymap", "font", "xkb_layout", "xkb_model", "xkb_variant", "xkb_options")


def main() -> NoReturn:
    """Run the module."""
    run_guest_module(
        argument_spec={
            **{name: {"type": "str"} for name in SETTINGS},
            "variables": {"type": "dict"},
            "keymap": {"type": "str", "no_log": False},  # the name alone looks like a secret
            "generate": {"type": "bool", "default": False},
        },
        handler=handle,
        writes=True,
        required_one_of=[list(SETTINGS)],
    )


if __name__ == "__main__":
    main()
