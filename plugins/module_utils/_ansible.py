# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""Ansible's AnsibleModule, and a quicker way to import it and all that a module of this collection consists of.

Ansible runs a module from a zip archive that holds no bytecode. The import system asks the importer of an archive for
the name of each file, which ``zipimporter.get_filename()`` finds out by compiling the file; and then it is compiled
once more to be run (CPython 3.11: Lib/zipimport.py, and ``spec_from_file_location()`` in _bootstrap_external.py of
Lib/importlib). A task of ours imports some 60 files, so that is a tenth of its time. The finder here leaves the first
compilation out.

What is imported before this goes the slow way, so this stands first in ``_ansible_module.py``, and that in each module.
"""

from __future__ import annotations

import pkgutil
import sys
import typing as t
import zipimport
from importlib.machinery import ModuleSpec


class ArchiveFinder:
    """Finds what is in a package that is in a zip archive; whatever else it is asked for is left to the others."""

    @classmethod
    def find_spec(cls, name: str, path: t.Sequence[str] | None = None, _target: t.Any = None) -> ModuleSpec | None:
        """Return where a module is, as the import system wants it (importlib.abc.MetaPathFinder); None if not here."""
        for folder in path or ():
            importer = pkgutil.get_importer(folder)
            if isinstance(importer, zipimport.zipimporter):
                try:
                    is_package = importer.is_package(name)
                except ImportError:  # this folder of the archive has no such module
                    continue
                return cls._spec(name, importer, is_package=is_package)
        return None

    @staticmethod
    def _spec(name: str, importer: zipimport.zipimporter, *, is_package: bool) -> ModuleSpec:
        place = f"{importer.archive}/{importer.prefix}{name.rpartition('.')[2]}"
        file = f"{place}/__init__.py" if is_package else f"{place}.py"
        loader: t.Any = importer  # typeshed does not know it to be one
        spec = ModuleSpec(name, loader, origin=file, is_package=is_package)
        spec.has_location = True
        if is_package:
            spec.submodule_search_locations = [place]
        return spec


_loader: t.Any = __spec__.loader if __spec__ else None
if isinstance(_loader, zipimport.zipimporter):  # and not where tests import this file
    sys.meta_path.insert(0, ArchiveFinder)

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

__all__ = ["AnsibleModule", "missing_required_lib"]
