# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A Windows-like guest: NTFS, a system root, and registry hives with what inspection reads."""

from __future__ import annotations

from .elf import windows_program
from .hive import Key, hive
from .model import Ntfs, Partition, Recipe
from .tree import Tree, folder, text


def _software() -> Key:
    root = Key()
    root.at("Microsoft\\Windows NT\\CurrentVersion").set(
        ProductName="Windows Server 2022 Standard",
        CurrentVersion="6.3",
        CurrentMajorVersionNumber=10,
        CurrentMinorVersionNumber=0,
        CurrentBuild="20348",
        CurrentBuildNumber="20348",
        InstallationType="Server",
        EditionID="ServerStandard",
        SystemRoot="C:\\Windows",
        PathName="C:\\Windows",
    )
    root.at("Microsoft\\Windows\\CurrentVersion").set(ProgramFilesDir="C:\\Program Files")
    root.at("Microsoft\\Windows\\CurrentVersion\\RunOnce")
    root.at("Microsoft\\Windows\\CurrentVersion\\Uninstall\\7-Zip").set(DisplayName="7-Zip", DisplayVersion="24.01")
    return root


def _system() -> Key:
    root = Key()
    root.at("Select").set(Current=1, Default=1, Failed=0, LastKnownGood=1)
    root.at("ControlSet001\\Control\\ComputerName\\ComputerName").set(ComputerName="WINGUEST")
    root.at("ControlSet001\\Services\\Tcpip\\Parameters").set(Hostname="winguest", Domain="")
    root.at("ControlSet001\\Control\\Session Manager\\Environment").set(PROCESSOR_ARCHITECTURE="AMD64")
    signature = (0x77696E64).to_bytes(4, "little") + (1024 * 1024).to_bytes(8, "little")
    root.at("MountedDevices").values["\\DosDevices\\C:"] = (3, signature)
    root.at("Setup").set(SystemSetupInProgress=0)
    return root


def windows_like() -> Recipe:
    """Return the guest."""
    config = "/Windows/System32/config"
    hives = {"SOFTWARE": _software(), "SYSTEM": _system(), "SAM": Key(), "SECURITY": Key(), "DEFAULT": Key()}
    tree = Tree().add({
        **{f"{config}/{name}": hive(keys, f"\\{name}") for name, keys in hives.items()},
        "/Windows/System32/cmd.exe": text(windows_program(), 0o755),
        "/Windows/System32/drivers/etc/hosts": "127.0.0.1 localhost\r\n",
        "/Windows/explorer.exe": text(windows_program(), 0o755),
        "/Windows/Temp": folder(),
        "/Program Files": folder(),
        "/Program Files (x86)": folder(),
        "/Users/Administrator/Desktop": folder(),
        "/Users/Public/readme.txt": "Hello\r\n",
        "/System Volume Information": folder(),
        "/autoexec.bat": "",
    })  # fmt: skip
    return Recipe(
        160,
        (Partition(Ntfs(tree, "System"), 0, "7", bootable=True),),
        "mbr",
        "Windows Server 2022, MBR, NTFS, registry hives",
    )
