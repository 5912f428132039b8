# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Trees of units, and what is done to them, for the comparison with systemctl."""

from __future__ import annotations

import dataclasses
import os
import typing as t

from ansible_collections.offline.guest.tests.unit.differential.systemctl import Scope
from ansible_collections.offline.guest.tests.unit.differential.trees import Spec

Step = tuple[str, ...]
VENDOR = "/usr/lib/systemd/system"
CONFIG = "/etc/systemd/system"
PRESETS = "/usr/lib/systemd/system-preset"


def unit(*install: str, section: str = "Service") -> str:
    """Return a unit file with these lines in [Install]."""
    return "\n".join(["[Unit]", "Description=x", f"[{section}]", "ExecStart=/bin/true", "[Install]", *install, ""])


WANTED = unit("WantedBy=multi-user.target")
PLAIN = {f"{VENDOR}/a.service": WANTED}


@dataclasses.dataclass(frozen=True)
class Case:
    """A tree and steps, ``(verb, unit, …)`` each.

    :param asked: units whose state is compared after each step, beside those that steps name.
    :param force: whether the steps have --force.
    :param refused: the last step must be refused by both: a case that shows a refusal says so.
    """

    tree: Spec
    steps: t.Sequence[Step]
    asked: t.Sequence[str] = ()
    force: bool = False
    refused: bool = False
    scope: Scope = "system"


def enabled_and_back(tree: Spec, *names: str, **more: t.Any) -> Case:
    return Case(tree, [("enable", *names), ("enable", *names), ("disable", *names), ("disable", *names)], **more)


CASES: dict[str, Case] = {
    "wanted": enabled_and_back(PLAIN, "a.service"),
    "wanted and required by several": enabled_and_back(
        {f"{VENDOR}/a.service": unit("WantedBy=x.target y.target", "RequiredBy=z.target", "WantedBy=w.service")},
        "a.service",
    ),
    "several units": enabled_and_back(
        {**PLAIN, f"{VENDOR}/b.timer": unit("WantedBy=timers.target")}, "a.service", "b.timer"
    ),
    "no [Install]": enabled_and_back({f"{VENDOR}/a.service": "[Service]\nExecStart=/bin/true\n"}, "a.service"),
    "unit of the administrator": enabled_and_back({f"{CONFIG}/a.service": WANTED}, "a.service"),
    "unit of the administrator over the vendor's": enabled_and_back(
        {f"{VENDOR}/a.service": unit("WantedBy=old.target"), f"{CONFIG}/a.service": WANTED}, "a.service"
    ),
    "unit in /usr/local": enabled_and_back({"/usr/local/lib/systemd/system/a.service": WANTED}, "a.service"),
    "unit in /run": enabled_and_back({"/run/systemd/system/a.service": WANTED}, "a.service"),
    "unit in system.control": enabled_and_back({"/etc/systemd/system.control/a.service": WANTED}, "a.service"),
    "unit in system.attached": enabled_and_back({"/etc/systemd/system.attached/a.service": WANTED}, "a.service"),
    "generated": Case({"/run/systemd/generator/a.service": WANTED}, [("enable", "a.service")], refused=True),
    "transient": Case({"/run/systemd/transient/a.service": WANTED}, [("enable", "a.service")], refused=True),
    "generated late, disabled": Case(
        {"/run/systemd/generator.late/a.service": WANTED, f"{CONFIG}/x.target.wants/a.service": ("/x/a.service",)},
        [("disable", "a.service")],
    ),
    "missing": Case(PLAIN, [("enable", "b.service")], refused=True),
    "missing, disabled": Case(PLAIN, [("disable", "b.service")]),
    "missing, with links, disabled": Case(
        {f"{CONFIG}/x.target.wants/b.service": ("/lib/systemd/system/b.service",)}, [("disable", "b.service")]
    ),
    "reset by an empty value": enabled_and_back(
        {
            f"{VENDOR}/a.service": unit(
                "WantedBy=x.target", "WantedBy=", "WantedBy=y.target", "Alias=b.service", "Alias="
            )
        },
        "a.service",
    ),
    "continued lines and comments": enabled_and_back(
        {
            f"{VENDOR}/a.service": "\ufeff[Install]\r\n  WantedBy = x.target \\\n# a comment\n;another\n y.target\\\n\n"
            "; RequiredBy=no.target\nRequiredBy=z.target\\"
        },
        "a.service",
    ),
    "quotes": enabled_and_back(
        {f"{VENDOR}/a.service": unit("WantedBy='x.target' \"y.target\" z'.ta'rget")}, "a.service"
    ),
    "open quote": enabled_and_back({f"{VENDOR}/a.service": unit("WantedBy=x.target 'y.target z.target")}, "a.service"),
    "open quote in a word": enabled_and_back(
        {f"{VENDOR}/a.service": unit("WantedBy=x.target y'.target z")}, "a.service"
    ),
    "escapes": enabled_and_back({f"{VENDOR}/a.service": unit(r"WantedBy=dev-a\x2db.device")}, "a.service"),
    "escapes in Also": enabled_and_back(
        {f"{VENDOR}/a.service": unit(r"Also=b\x2dc.service"), f"{VENDOR}/bx2dc.service": WANTED}, "a.service"
    ),
    "a backslash ends Also": Case(
        {f"{VENDOR}/a.service": "[Install]\nAlso=b.service c\\\n"}, [("enable", "a.service")], refused=True
    ),
    "broken section": Case(
        {f"{VENDOR}/a.service": "[Install\nWantedBy=x.target\n"}, [("enable", "a.service")], refused=True
    ),
    "not UTF-8": Case({f"{VENDOR}/a.service": b"[Install]\nWantedBy=\xff\n"}, [("enable", "a.service")], refused=True),
    "not UTF-8 in a comment": Case({f"{VENDOR}/a.service": b"# \xff\n" + WANTED.encode()}, [("enable", "a.service")]),
    "not UTF-8 in another section": Case(
        {f"{VENDOR}/a.service": b"[Unit]\nDescription=\xff\n" + WANTED.encode()},
        [("enable", "a.service")],
        refused=True,
    ),
    "other sections and no assignments": enabled_and_back(
        {
            f"{VENDOR}/a.service": "WantedBy=0.target\n[X-Own]\nWantedBy=1.target\n"
            "[Foo]\nWantedBy=2.target\n[Install]\nfoo\n"
            "=x\nwantedby=3.target\n WantedBy=4.target\n[Unit]\nWantedBy=5.target\n[Install]\nWantedBy=6.target\n"
        },
        "a.service",
    ),
    "name that is none in WantedBy": Case(
        {f"{VENDOR}/a.service": unit("WantedBy=x.target multi-user")}, [("enable", "a.service")], refused=True
    ),
    # Templates
    "template without an instance": Case(
        {f"{VENDOR}/a@.service": WANTED}, [("enable", "a@.service")], asked=["a@1.service"], refused=True
    ),
    "instance": enabled_and_back({f"{VENDOR}/a@.service": WANTED}, "a@1.service", asked=["a@.service", "a@2.service"]),
    "instances, and the template disabled": Case(
        {f"{VENDOR}/a@.service": WANTED},
        [("enable", "a@1.service"), ("enable", "a@2.service"), ("disable", "a@2.service"), ("disable", "a@.service")],
        asked=["a@.service", "a@1.service"],
    ),
    "default instance": enabled_and_back(
        {f"{VENDOR}/a@.service": unit("WantedBy=x.target", "DefaultInstance=tty1")},
        "a@.service",
        asked=["a@tty1.service"],
    ),
    "instance beside a default instance": enabled_and_back(
        {f"{VENDOR}/a@.service": unit("WantedBy=x.target", "DefaultInstance=tty1")}, "a@b.service", asked=["a@.service"]
    ),
    "default instance that is none": Case(
        {f"{VENDOR}/a@.service": unit("WantedBy=x.target", "DefaultInstance=a b")},
        [("enable", "a@.service")],
        refused=True,
    ),
    "default instance of no template": enabled_and_back(
        {f"{VENDOR}/a.service": unit("WantedBy=x.target", "DefaultInstance=tty1")}, "a.service"
    ),
    "default instance, masked": Case(
        {
            f"{VENDOR}/a@.service": unit("WantedBy=x.target", "DefaultInstance=1"),
            f"{CONFIG}/a@1.service": ("/dev/null",),
        },
        [("enable", "a@.service")],
        refused=True,
    ),
    "template wanted by a template": enabled_and_back(
        {f"{VENDOR}/a@.service": unit("WantedBy=x@.target")}, "a@.service", asked=["a@1.service"]
    ),
    "instance wanted by its like": enabled_and_back(
        {f"{VENDOR}/a@.service": unit("WantedBy=x@%i.target y@.target")}, "a@b-c.service"
    ),
    "instance with a file of its own": enabled_and_back(
        {f"{VENDOR}/a@.service": WANTED, f"{CONFIG}/a@1.service": unit("WantedBy=own.target")}, "a@1.service"
    ),
    "instance that is a link to the template": enabled_and_back(
        {f"{VENDOR}/a@.service": WANTED, f"{CONFIG}/a@1.service": (f"{VENDOR}/a@.service",)},
        "a@1.service",
        asked=["a@.service"],
    ),
    "instance that is a vendor's link to the template": enabled_and_back(
        {f"{VENDOR}/a@.service": WANTED, f"{VENDOR}/a@1.service": ("a@.service",)}, "a@1.service", asked=["a@.service"]
    ),
    "instance that the vendor enabled": Case(
        {f"{VENDOR}/a@.service": WANTED, f"{VENDOR}/x.target.wants/a@1.service": ("../a@.service",)},
        [("disable", "a@1.service")],
        asked=["a@.service"],
    ),
    "type without templates": Case({f"{VENDOR}/a@.mount": WANTED}, [("enable", "a@1.mount")], refused=True),
    # Specifiers
    "specifiers of an instance": enabled_and_back(
        {f"{VENDOR}/a-b@.service": unit("WantedBy=x-%i.target %p.target %n %N.target %j.target")},
        "a-b@c-d.service",
    ),
    "specifiers": enabled_and_back(
        {f"{VENDOR}/a-b@.service": unit("DefaultInstance=%j", "WantedBy=x-%i.target %p.target %n %N.target %j.target")},
        "a-b@.service",
    ),
    "specifiers of a plain unit": enabled_and_back(
        {f"{VENDOR}/a-b.service": unit("WantedBy=x%i.target %p.target %n %N.target %j.target")}, "a-b.service"
    ),
    "a percent sign": Case(
        {f"{VENDOR}/a.service": unit("WantedBy=x%%.target")}, [("enable", "a.service")], refused=True
    ),
    "specifiers that do not exist": Case(
        {f"{VENDOR}/a.service": unit("WantedBy=%Z.target %")}, [("enable", "a.service")], refused=True
    ),
    "machine id and release": enabled_and_back(
        {
            f"{VENDOR}/a.service": unit("WantedBy=%m.target %o-%w.target x%W.target %U-%u.target"),
            "/etc/machine-id": "0123456789abcdef0123456789abcdef\n",
            "/etc/os-release": ("../usr/lib/os-release",),
            "/usr/lib/os-release": "NAME=x\nID='deb'\nVERSION_ID=\"12\"\n",
        },
        "a.service",
    )
    if os.geteuid() == 0
    else enabled_and_back(PLAIN, "a.service"),
    "no machine id": Case({f"{VENDOR}/a.service": unit("WantedBy=%m.target")}, [("enable", "a.service")], refused=True),
    # Aliases
    "alias": enabled_and_back(
        {f"{VENDOR}/a.service": unit("Alias=b.service c.service")}, "a.service", asked=["b.service"]
    ),
    "alias of itself": enabled_and_back(
        {f"{VENDOR}/a.service": unit("Alias=a.service", "WantedBy=x.target")}, "a.service"
    ),
    "alias of another type": Case(
        {f"{VENDOR}/a.service": unit("Alias=b.socket")}, [("enable", "a.service")], refused=True
    ),
    "alias of a mount": enabled_and_back({f"{VENDOR}/a.mount": unit("Alias=b.mount", "WantedBy=x.target")}, "a.mount"),
    "alias that is no name": Case({f"{VENDOR}/a.service": unit("Alias=b")}, [("enable", "a.service")], refused=True),
    "alias that is a wants link": enabled_and_back(
        {f"{VENDOR}/a.service": unit("Alias=x.target.wants/a.service")}, "a.service"
    ),
    "alias that is another wants link": Case(
        {f"{VENDOR}/a.service": unit("Alias=x.target.wants/b.service")}, [("enable", "a.service")], refused=True
    ),
    "alias in another folder": Case(
        {f"{VENDOR}/a.service": unit("Alias=x/a.service")}, [("enable", "a.service")], refused=True
    ),
    "alias of a template's wants": enabled_and_back(
        {f"{VENDOR}/a@.service": unit("Alias=x@.target.wants/a@.service")}, "a@.service"
    ),
    "alias with the instance": enabled_and_back({f"{VENDOR}/a@.service": unit("Alias=b@.service")}, "a@1.service"),
    "alias of a template": enabled_and_back({f"{VENDOR}/a@.service": unit("Alias=b@.service")}, "a@.service"),
    "alias that is an instance": enabled_and_back({f"{VENDOR}/a@.service": unit("Alias=b@1.service")}, "a@.service"),
    "alias of another instance": Case(
        {f"{VENDOR}/a@.service": unit("Alias=b@2.service")}, [("enable", "a@1.service")], refused=True
    ),
    "alias without an instance": Case(
        {f"{VENDOR}/a@.service": unit("Alias=b.service")}, [("enable", "a@1.service")], refused=True
    ),
    "alias taken": Case(
        {f"{VENDOR}/a.service": unit("Alias=b.service"), f"{CONFIG}/b.service": (f"{VENDOR}/c.service",)},
        [("enable", "a.service")],
        refused=True,
    ),
    "alias taken, forced": Case(
        {f"{VENDOR}/a.service": unit("Alias=b.service"), f"{CONFIG}/b.service": (f"{VENDOR}/c.service",)},
        [("enable", "a.service"), ("disable", "a.service")],
        force=True,
    ),
    "alias taken by a file": Case(
        {f"{VENDOR}/a.service": unit("Alias=b.service"), f"{CONFIG}/b.service": WANTED},
        [("enable", "a.service")],
        refused=True,
    ),
    "alias taken by a file, forced": Case(
        {f"{VENDOR}/a.service": unit("Alias=b.service"), f"{CONFIG}/b.service": WANTED},
        [("enable", "a.service")],
        force=True,
        refused=True,
    ),
    "enabling by an alias of the administrator": Case(
        {**PLAIN, f"{CONFIG}/b.service": (f"{VENDOR}/a.service",)},
        [("enable", "b.service")],
        asked=["a.service"],
        refused=True,
    ),
    "disabling by an alias": Case(
        {f"{VENDOR}/a.service": unit("Alias=b.service", "WantedBy=x.target")},
        [("enable", "a.service"), ("disable", "b.service")],
        asked=["b.service", "a.service"],
    ),
    "enabling by an alias of the vendor": enabled_and_back(
        {**PLAIN, f"{VENDOR}/b.service": ("a.service",)}, "b.service", asked=["a.service"]
    ),
    "alias of an alias": enabled_and_back(
        {**PLAIN, f"{VENDOR}/b.service": ("a.service",), f"{VENDOR}/c.service": ("b.service",)}, "c.service"
    ),
    "alias in a loop": Case(
        {f"{VENDOR}/b.service": ("a.service",), f"{VENDOR}/a.service": ("b.service",)},
        [("enable", "b.service")],
        refused=True,
    ),
    "alias of what is missing": Case({f"{VENDOR}/b.service": ("a.service",)}, [("enable", "b.service")], refused=True),
    "disabling an alias of what is missing": Case(
        {f"{CONFIG}/b.service": (f"{VENDOR}/a.service",)}, [("disable", "b.service")]
    ),
    "link to its own name": Case(
        {**PLAIN, f"{CONFIG}/a.service": (f"{VENDOR}/a.service",)}, [("enable", "a.service")], refused=True
    ),
    "alias of another type on the disk": Case(
        {**PLAIN, f"{VENDOR}/b.socket": ("a.service",)}, [("enable", "b.socket")], refused=True
    ),
    # Linked units
    "linked": Case(
        {"/opt/a.service": WANTED, f"{CONFIG}/a.service": ("/opt/a.service",)},
        [("enable", "a.service"), ("disable", "a.service")],
    ),
    "linked under another name": Case(
        {"/opt/b.service": WANTED, f"{CONFIG}/a.service": ("/opt/b.service",)},
        [("enable", "a.service"), ("disable", "a.service")],
    ),
    "linked through a relative link": Case(
        {"/opt/x/a.service": WANTED, "/opt/y": ("x",), f"{CONFIG}/a.service": ("../../../opt/y/../y/a.service",)},
        [("enable", "a.service"), ("disable", "a.service")],
    ),
    "linked to what is missing": Case(
        {f"{CONFIG}/a.service": ("/opt/a.service",)}, [("enable", "a.service")], refused=True
    ),
    "by a path": Case(
        {"/opt/a.service": WANTED}, [("enable", "/opt/a.service"), ("disable", "a.service")], asked=["a.service"]
    ),
    "by a path in the search path": Case(
        PLAIN, [("enable", f"{VENDOR}/a.service"), ("disable", "a.service")], asked=["a.service"]
    ),
    "by a path that is missing": Case(PLAIN, [("enable", "/opt/a.service")], refused=True),
    "linked, then disabled with drop-ins": Case(
        {
            "/opt/a.service": WANTED,
            f"{CONFIG}/a.service": ("/opt/a.service",),
            f"{CONFIG}/a.service.d/x.conf": "[Install]\nWantedBy=drop.target\n",
        },
        [("enable", "a.service"), ("disable", "a.service")],
    ),
    # Also
    "also": enabled_and_back(
        {
            f"{VENDOR}/a.service": unit("WantedBy=x.target", "Also=a.socket b.timer"),
            f"{VENDOR}/a.socket": unit("WantedBy=s.target"),
            f"{VENDOR}/b.timer": unit("WantedBy=t.target", "Also=c.path"),
            f"{VENDOR}/c.path": unit("RequiredBy=p.target"),
        },
        "a.service",
        asked=["a.socket", "b.timer", "c.path"],
    ),
    "also in a circle": enabled_and_back(
        {
            f"{VENDOR}/a.service": unit("Also=b.service", "WantedBy=x.target"),
            f"{VENDOR}/b.service": unit("Also=a.service", "Alias=c.service"),
        },
        "a.service",
        asked=["b.service"],
    ),
    "also alone": enabled_and_back(
        {f"{VENDOR}/a.service": unit("Also=b.service"), f"{VENDOR}/b.service": WANTED}, "a.service"
    ),
    "also what is missing": enabled_and_back(
        {f"{VENDOR}/a.service": unit("Also=b.service", "WantedBy=x.target")}, "a.service"
    ),
    "also what is no name": Case(
        {f"{VENDOR}/a.service": unit("Also=b", "WantedBy=x.target")}, [("enable", "a.service")], refused=True
    ),
    "also what is masked": enabled_and_back(
        {
            f"{VENDOR}/a.service": unit("Also=b.service"),
            f"{VENDOR}/b.service": WANTED,
            f"{CONFIG}/b.service": ("/dev/null",),
        },
        "a.service",
    ),
    "also an alias": Case(
        {
            f"{VENDOR}/a.service": unit("Also=c.service"),
            f"{VENDOR}/b.service": WANTED,
            f"{CONFIG}/c.service": (f"{VENDOR}/b.service",),
        },
        [("enable", "a.service"), ("disable", "a.service")],
    ),
    "also an alias of the vendor": enabled_and_back(
        {
            f"{VENDOR}/a.service": unit("Also=c.service"),
            f"{VENDOR}/b.service": WANTED,
            f"{VENDOR}/c.service": ("b.service",),
        },
        "a.service",
    ),
    "also with specifiers": enabled_and_back(
        {
            f"{VENDOR}/a@.service": unit("Also=b@%i.service", "WantedBy=x.target"),
            f"{VENDOR}/b@.service": unit("WantedBy=y.target"),
        },
        "a@1.service",
        asked=["b@1.service"],
    ),
    "also reset": enabled_and_back(
        {f"{VENDOR}/a.service": unit("Also=b.service", "Also="), f"{VENDOR}/b.service": WANTED}, "a.service"
    ),
    # Drop-ins
    "drop-ins": enabled_and_back(
        {
            **PLAIN,
            f"{VENDOR}/a.service.d/10.conf": "[Install]\nWantedBy=ten.target\n",
            f"{CONFIG}/a.service.d/05.conf": "[Install]\nAlias=b.service\n",
            "/run/systemd/system/a.service.d/20.conf": "[Install]\nRequiredBy=r.target\n",
            f"{CONFIG}/a.service.d/.hidden.conf": "[Install]\nWantedBy=hidden.target\n",
            f"{CONFIG}/a.service.d/no.txt": "[Install]\nWantedBy=txt.target\n",
        },
        "a.service",
    ),
    "drop-in that resets": enabled_and_back(
        {**PLAIN, f"{CONFIG}/a.service.d/x.conf": "[Install]\nWantedBy=\nWantedBy=y.target\n"}, "a.service"
    ),
    "drop-in over another of its name": enabled_and_back(
        {
            **PLAIN,
            f"{VENDOR}/a.service.d/x.conf": "[Install]\nWantedBy=v.target\n",
            f"{CONFIG}/a.service.d/x.conf": "[Install]\nWantedBy=c.target\n",
        },
        "a.service",
    ),
    "drop-in masked": enabled_and_back(
        {
            **PLAIN,
            f"{VENDOR}/a.service.d/x.conf": "[Install]\nWantedBy=v.target\n",
            f"{CONFIG}/a.service.d/x.conf": b"",
        },
        "a.service",
    ),
    "drop-ins of the template and the instance": enabled_and_back(
        {
            f"{VENDOR}/a@.service": WANTED,
            f"{VENDOR}/a@.service.d/x.conf": "[Install]\nWantedBy=tx.target\n",
            f"{CONFIG}/a@.service.d/y.conf": "[Install]\nWantedBy=ty.target\n",
            f"{CONFIG}/a@1.service.d/x.conf": "[Install]\nWantedBy=ix.target\n",
        },
        "a@1.service",
    ),
    "drop-ins of the type and of a prefix": enabled_and_back(
        {
            f"{VENDOR}/a-b.service": WANTED,
            f"{CONFIG}/service.d/x.conf": "[Install]\nWantedBy=type.target\n",
            f"{CONFIG}/a-.service.d/x.conf": "[Install]\nWantedBy=prefix.target\n",
        },
        "a-b.service",
    ),
    "drop-in that is a link": enabled_and_back(
        {
            **PLAIN,
            "/usr/share/x": "[Install]\nWantedBy=linked.target\n",
            f"{CONFIG}/a.service.d/x.conf": ("../../../../usr/share/x",),
        },
        "a.service",
    ),
    "drop-in that is a link to nothing": Case(
        {**PLAIN, f"{CONFIG}/a.service.d/x.conf": ("nothing",)}, [("enable", "a.service")], refused=True
    ),
    "drop-in alone": Case(
        {f"{CONFIG}/a.service.d/x.conf": "[Install]\nWantedBy=x.target\n"}, [("enable", "a.service")], refused=True
    ),
    # Links that are there
    "enabled by a relative link": enabled_and_back(
        {**PLAIN, f"{CONFIG}/multi-user.target.wants/a.service": (f"../../../..{VENDOR}/a.service",)}, "a.service"
    ),
    "enabled by the other name of the folder": enabled_and_back(
        {**PLAIN, f"{CONFIG}/multi-user.target.wants/a.service": ("/lib/systemd/system/a.service",)}, "a.service"
    ),
    "enabled by a link to another unit": enabled_and_back(
        {**PLAIN, f"{CONFIG}/multi-user.target.wants/a.service": ("/x/b.service",)}, "a.service"
    ),
    "links that others made": Case(
        {
            **PLAIN,
            f"{CONFIG}/mine.target.wants/a.service": (f"{VENDOR}/a.service",),
            f"{CONFIG}/n.target.requires/b.service": (f"{VENDOR}/a.service",),
            f"{CONFIG}/deep/er/a.service": ("/x",),
            f"{CONFIG}/o.target.wants/c.service": ("../a.service",),
            f"{CONFIG}/kept.target.wants/d.service": ("/x/d.service",),
            f"{CONFIG}/a.service.bak/a.service": ("/x",),
            f"{CONFIG}/.hidden/a.service": ("/x",),
            f"{CONFIG}/e.target.wants/a.txt": (f"{VENDOR}/a.service",),
        },
        [("disable", "a.service")],
    ),
    "folder that is kept": Case(
        {**PLAIN, f"{CONFIG}/multi-user.target.wants/other.service": ("/x/other.service",)},
        [("enable", "a.service"), ("disable", "a.service")],
    ),
    "file in place of a wants link": Case(
        {**PLAIN, f"{CONFIG}/multi-user.target.wants/a.service": "text"},
        [("disable", "a.service"), ("enable", "a.service")],
        refused=True,
    ),
    "no configuration yet": enabled_and_back({f"{VENDOR}/b.service": WANTED, "/etc/systemd/user": None}, "b.service"),
    # Masks
    "masked": Case(
        PLAIN, [("mask", "a.service"), ("mask", "a.service"), ("unmask", "a.service"), ("unmask", "a.service")]
    ),
    "masked, missing": Case(PLAIN, [("mask", "b.service"), ("unmask", "b.service")]),
    "masked, enabled": Case(PLAIN, [("mask", "a.service"), ("enable", "a.service")], refused=True),
    "enabled, then masked, then disabled": Case(
        PLAIN, [("enable", "a.service"), ("mask", "a.service"), ("disable", "a.service"), ("unmask", "a.service")]
    ),
    "masked where a file is": Case({f"{CONFIG}/a.service": WANTED}, [("mask", "a.service")], refused=True),
    "masked where a file is, forced": Case(
        {f"{CONFIG}/a.service": WANTED}, [("mask", "a.service")], force=True, refused=True
    ),
    "masked where a link is": Case(
        {**PLAIN, f"{CONFIG}/b.service": (f"{VENDOR}/a.service",)}, [("mask", "b.service")], refused=True
    ),
    "unmasked where a file is": Case({f"{CONFIG}/a.service": WANTED}, [("unmask", "a.service")]),
    "unmasked where an alias is": Case(
        {**PLAIN, f"{CONFIG}/b.service": (f"{VENDOR}/a.service",)}, [("unmask", "b.service")]
    ),
    "masked by an empty file": Case({**PLAIN, f"{CONFIG}/a.service": ""}, [("enable", "a.service")], refused=True),
    "unmasked, an empty file": Case(
        {**PLAIN, f"{CONFIG}/a.service": ""}, [("unmask", "a.service"), ("enable", "a.service")]
    ),
    "masked by the vendor": Case(
        {f"{VENDOR}/a.service": ("/dev/null",)}, [("unmask", "a.service"), ("enable", "a.service")], refused=True
    ),
    "masked in /run": Case(
        {**PLAIN, "/run/systemd/system/a.service": ("/dev/null",)},
        [("unmask", "a.service"), ("enable", "a.service")],
        refused=True,
    ),
    "masked template": Case(
        {f"{VENDOR}/a@.service": WANTED},
        [("mask", "a@.service"), ("unmask", "a@.service"), ("mask", "a@1.service")],
        asked=["a@1.service"],
    ),
    # Presets
    "preset without rules": Case(PLAIN, [("preset", "a.service")]),
    "preset that enables": Case(
        {**PLAIN, f"{PRESETS}/90.preset": "enable a.service\ndisable *\n"},
        [("preset", "a.service"), ("preset", "a.service")],
    ),
    "preset that disables": Case(
        {**PLAIN, f"{PRESETS}/90.preset": "disable a*\nenable *\n"}, [("enable", "a.service"), ("preset", "a.service")]
    ),
    "preset in order of names": Case(
        {
            **PLAIN,
            f"{PRESETS}/90.preset": "enable *\n",
            "/etc/systemd/system-preset/95.preset": "disable *\n",
            "/run/systemd/system-preset/10.preset": "# x\n;y\n\nfoo\ndisable [ab].service\n",
        },
        [("enable", "a.service"), ("preset", "a.service")],
    ),
    "preset over another of its name": Case(
        {**PLAIN, f"{PRESETS}/90.preset": "enable *\n", "/etc/systemd/system-preset/90.preset": "disable *\n"},
        [("enable", "a.service"), ("preset", "a.service")],
    ),
    "preset masked": Case(
        {**PLAIN, f"{PRESETS}/90.preset": "disable *\n", "/etc/systemd/system-preset/90.preset": ("/dev/null",)},
        [("preset", "a.service")],
    ),
    "preset with sets": Case(
        {**PLAIN, f"{PRESETS}/90.preset": "enable [^a].service\ndisable ?.service\n"},
        [("enable", "a.service"), ("preset", "a.service")],
    ),
    "preset of a template with instances": Case(
        {f"{VENDOR}/a@.service": WANTED, f"{PRESETS}/90.preset": "enable a@.service one two\ndisable *\n"},
        [
            ("preset", "a@.service"),
            ("preset", "a@one.service"),
            ("preset", "a@three.service"),
            ("preset", "a@two.service"),
        ],
    ),
    "preset with instances of no template": Case(
        {**PLAIN, f"{PRESETS}/90.preset": "enable a.service one\ndisable *\n"},
        [("enable", "a.service"), ("preset", "a.service")],
    ),
    "preset of a template with a default instance": Case(
        {
            f"{VENDOR}/a@.service": unit("WantedBy=x.target", "DefaultInstance=1"),
            f"{PRESETS}/90.preset": "enable a@.service\n",
        },
        [("preset", "a@.service")],
    ),
    "preset of a template without one": Case({f"{VENDOR}/a@.service": WANTED}, [("preset", "a@.service")]),
    "preset of an alias": Case({**PLAIN, f"{VENDOR}/b.service": ("a.service",)}, [("preset", "b.service")]),
    "preset of what is masked": Case(
        {**PLAIN, f"{CONFIG}/a.service": ("/dev/null",)}, [("preset", "a.service")], refused=True
    ),
    "preset that disables what is masked": Case(
        {
            **PLAIN,
            f"{CONFIG}/a.service": ("/dev/null",),
            f"{CONFIG}/x.target.wants/a.service": (f"{VENDOR}/a.service",),
            f"{PRESETS}/9.preset": "disable *\n",
        },
        [("preset", "a.service")],
    ),
    "preset of what is missing": Case(PLAIN, [("preset", "b.service")], refused=True),
    "preset and Also": Case(
        {
            f"{VENDOR}/a.service": unit("Also=b.service", "WantedBy=x.target"),
            f"{VENDOR}/b.service": WANTED,
            f"{PRESETS}/9.preset": "disable *\n",
        },
        [("enable", "a.service"), ("preset", "a.service"), ("disable", "b.service")],
    ),
    # Users' units
    "of all users": enabled_and_back({"/usr/lib/systemd/user/a.service": WANTED}, "a.service", scope="global"),
    "of all users, masked": Case(
        {"/usr/share/systemd/user/a.service": WANTED}, [("mask", "a.service"), ("unmask", "a.service")], scope="global"
    ),
    "of all users, preset": Case(
        {
            "/usr/lib/systemd/user/a.service": WANTED,
            "/usr/lib/systemd/user-preset/1.preset": "enable a.service\n",
            f"{PRESETS}/1.preset": "disable *\n",
        },
        [("preset", "a.service")],
        scope="global",
    ),
}
