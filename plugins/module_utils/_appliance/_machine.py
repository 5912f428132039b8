# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""The appliance as the server runs it: launched under an accelerator that works, resumed or booted, called, stopped."""

from __future__ import annotations

import contextlib
import errno
import typing as t

from ._accelerator import boot_id, kvm_state, qemu_version, recall_verdict, remember_verdict
from ._allowlist import CALLS, ServerError, require_safe_transfer
from ._handle import Bindings, configure, load_bindings
from ._watchdog import Console, Watch, kill_children
from ._wire import RESUME_LIMIT

if t.TYPE_CHECKING:
    from ._raw_names import RawNames
    from ._warm import Warm


class Appliance:
    """A handle and its state: CONFIG → LAUNCHING → READY ⇄ BUSY → CLOSED."""

    def __init__(self, watch: Watch, bindings: Bindings, directory: str = "") -> None:
        self._watch = watch
        self._directory = directory
        self._make, self._errno, self._hear = bindings
        self._handle: t.Any = None
        self.console = Console()
        self.state = "CONFIG"
        self.accelerator = ""
        self.start = ""
        self.warnings: list[str] = []
        self._broken: tuple[str, str] | None = None  # key and reason of a KVM that has just failed
        self._raw: RawNames | None = None

    def launch(self, options: dict[str, t.Any]) -> None:
        """Start the appliance as ``options`` say; see :func:`configure` for what they hold."""
        if self.state != "CONFIG":
            raise ServerError("protocol", f"launch is not possible in state {self.state}")
        wanted = options.get("accelerator", "auto")
        if wanted != "auto":
            self._attempt(options, wanted, float(options["launch_timeout"]))
            return
        self._launch_auto(options)

    def _launch_auto(self, options: dict[str, t.Any]) -> None:
        """Try KVM unless it is known to be broken, then fall back to TCG, and remember what was learnt."""
        state = kvm_state()
        if state != "usable":
            if state == "denied":
                self.warnings.append(
                    "/dev/kvm exists but may not be used by this user, so the appliance runs under slow emulation. "
                    "Add the user to the group that owns /dev/kvm."
                )
            self._attempt(options, "tcg", float(options["launch_timeout"]))
            return
        key = f"{boot_id()} {qemu_version(options.get('hv') or self._default_emulator())}"
        verdict = recall_verdict(key)
        # Nothing is resumed, and nothing saved, under a KVM that nobody knows to work.
        tried = options if verdict else {**options, "start": "cold"}
        if (verdict is None or verdict["accelerator"] == "kvm") and self._kvm_works(tried, key):
            return
        self._attempt(options, "tcg", float(options["launch_timeout"]))

    def _default_emulator(self) -> str:
        handle = self._make()
        try:
            return str(handle.get_hv())
        finally:
            handle.close()

    def _kvm_works(self, options: dict[str, t.Any], key: str) -> bool:
        try:
            self._attempt(options, "kvm", float(options["launch_timeout"]), self.console)
        except ServerError as exc:
            if self._watch.reason.startswith("the session"):
                raise
            reason = self._watch.reason or str(exc).partition("\n")[0]
            lines = [line.strip() for line in self.console.tail().splitlines()]
            said = [line for line in lines if "qemu" in line.lower() or "kvm" in line.lower()]
            reason = (said[-1] if said else reason)[:300]
            self._broken = (key, reason)
            self.console = Console()
            self.state = "CONFIG"
            return False
        remember_verdict(key, "kvm", "")
        return True

    def _attempt(
        self, options: dict[str, t.Any], accelerator: str, seconds: float, trial: Console | None = None
    ) -> None:
        warm = load_warm(options, self._directory)
        if warm and self._resume(warm, options, accelerator, seconds):
            return
        self._boot(options, accelerator, seconds, trial)
        if warm and warm.mode == "auto":  # "warm" has just tried in vain
            warm.build_for_later(options, accelerator)

    def _resume(self, warm: Warm, options: dict[str, t.Any], accelerator: str, seconds: float) -> bool:
        """Start from the warm store; False, with one warning where there is a reason, for a cold start instead."""
        self.state = "LAUNCHING"
        handle = self._make()
        entry = None
        try:
            configure(handle, options, accelerator)
            with self._watch.deadline(seconds):  # the builder is a child, and ends with the appliance
                entry = warm.find_or_build(handle, options, accelerator)
            if entry is not None:
                warm.prepare(handle, entry)
                self._hear(handle, self.console)
                with self._watch.deadline(min(seconds, RESUME_LIMIT)):
                    handle.launch()
                self._ready(handle, accelerator, "warm")
                return True
        except (RuntimeError, OSError, ValueError) as exc:
            if self._watch.reason.startswith("the session"):
                self.state = "CLOSED"
                raise ServerError("launch", self._watch.reason, console=self.console.tail()) from exc
            reason = self._watch.reason or str(exc).partition("\n")[0]
            if entry is not None:
                reason = warm.give_up(entry, reason)
            self.warnings.append(f"The appliance was started cold, because no saved one could be resumed: {reason}.")
            self.console = Console()
        with contextlib.suppress(RuntimeError):
            handle.close()
        return False

    def _boot(self, options: dict[str, t.Any], accelerator: str, seconds: float, trial: Console | None = None) -> None:
        self.state = "LAUNCHING"
        handle = self._make()
        try:
            configure(handle, options, accelerator)
            self._hear(handle, self.console)
            with self._watch.deadline(seconds, trial=trial):
                handle.launch()
        except RuntimeError as exc:
            self.state = "CLOSED"
            with contextlib.suppress(RuntimeError):
                handle.close()
            message = self._watch.reason or str(exc)
            raise ServerError("launch", message, console=self.console.tail(), accelerator=accelerator) from exc
        self._ready(handle, accelerator, "cold")

    def _ready(self, handle: t.Any, accelerator: str, start: str) -> None:
        self._handle = handle
        self.accelerator = accelerator
        self.start = start
        self.state = "READY"
        if accelerator == "tcg" and self._broken:
            # Only now is it known that KVM was to blame, and not something that stops any launch.
            remember_verdict(self._broken[0], "tcg", self._broken[1])
            self.warnings.append(
                f"/dev/kvm is there but does not work ({self._broken[1]}), so the appliance runs under slow emulation. "
                "This is remembered until the host boots again or QEMU changes."
            )
            self._broken = None

    def call(self, name: str, args: list[t.Any], kwargs: dict[str, t.Any], seconds: float) -> t.Any:
        """Make one libguestfs call of the allowlist."""
        if name not in CALLS:
            raise ServerError("protocol", f"{name!r} is not one of the calls this server makes")
        if self.state != "READY":
            raise ServerError("appliance", f"the appliance is {self.state}", console=self.console.tail())
        require_safe_transfer(name, args)
        self.state = "BUSY"
        try:
            with self._watch.deadline(seconds):
                result = self._make_call(name, args, kwargs)
        except RuntimeError as exc:
            raise self._failed(name, exc) from exc
        except (TypeError, ValueError, OverflowError) as exc:  # arguments, or a text that has no bytes
            self.state = "READY"
            raise ServerError("call", f"{exc}", call=name, errno=84 if isinstance(exc, UnicodeError) else 22) from exc
        self.state = "READY"
        return result

    def _make_call(self, name: str, args: list[t.Any], kwargs: dict[str, t.Any]) -> t.Any:
        """Make a call through the bindings, or, where a text is not UTF-8, through the C library."""
        if not has_utf8(args):
            return self._raw_names().call(self._handle, name, args, kwargs)
        try:
            return getattr(self._handle, name)(*args, **kwargs)
        except UnicodeDecodeError:  # the result, or libguestfs's message
            if CALLS[name] != "read" or not self._raw_names().knows(name):
                raise
        return self._raw_names().call(self._handle, name, args, kwargs)

    def _raw_names(self) -> RawNames:
        if self._raw is None:
            from ._raw_names import RawNames  # pylint: disable=import-outside-toplevel  # seldom needed

            self._raw = RawNames.load()
        return self._raw

    def _failed(self, name: str, exc: RuntimeError) -> ServerError:
        number = self._errno(self._handle)
        # That something is missing is what the daemon says, so it lives; it is also what is said the most.
        if self._watch.reason or (number != errno.ENOENT and not self._alive()):
            self.state = "CLOSED"
            why = self._watch.reason or "the appliance died"
            return ServerError("appliance", f"{name}: {why}", console=self.console.tail(), reason=self._watch.reason)
        self.state = "READY"
        return ServerError("call", str(exc), call=name, errno=number)

    def _alive(self) -> bool:
        try:
            with self._watch.deadline(10):
                self._handle.ping_daemon()
        except RuntimeError:
            return False
        return True

    def shutdown(self, seconds: float) -> None:
        """Unmount, sync and stop the appliance, so that the overlay holds all that was written; back to CONFIG.

        :raises ServerError: QEMU did not end well, so that the overlay cannot be trusted.
        """
        handle, self._handle = self._handle, None
        if handle is None:
            return
        self.state = "CLOSED"
        try:
            with self._watch.deadline(seconds):
                handle.umount_all()
                handle.sync()
                handle.shutdown()
        except RuntimeError as exc:
            raise ServerError("appliance", self._watch.reason or str(exc), console=self.console.tail()) from exc
        finally:
            with contextlib.suppress(RuntimeError):
                handle.close()
        self.state = "CONFIG"

    def kill(self) -> None:
        """Stop the appliance without caring for what it has not written."""
        handle, self._handle = self._handle, None
        self.state = "CLOSED"
        kill_children()
        if handle is not None:
            with self._watch.deadline(30), contextlib.suppress(RuntimeError):
                handle.close()


def load_warm(options: dict[str, t.Any], directory: str) -> Warm | None:
    """Return the warm store as this launch may use it, or None where it is to be cold."""
    if options.get("start", "cold") == "cold":
        return None
    from ._warm import Warm  # which a cold start does not need

    warm = Warm(options, directory)
    return warm if warm.applies(options) else None


def has_utf8(args: t.Iterable[t.Any]) -> bool:
    """Return whether every text is UTF-8, as the bindings want it: other bytes are surrogates here (PEP 383)."""
    for arg in args:
        if isinstance(arg, str):
            if not arg.isascii() and any("\ud800" <= char <= "\udfff" for char in arg):
                return False
        elif isinstance(arg, (list, tuple)) and not has_utf8(arg):
            return False
    return True


def open_handle(drives: list[dict[str, str]], **options: t.Any) -> t.Any:
    """Return a launched handle outside of any server: for the image factory of the tests.

    :param drives: ``{"path", "format"}`` of each.
    :param options: as for :func:`configure`, and ``accelerator``, ``launch_timeout`` in seconds.
    """
    appliance = Appliance(Watch(lambda: False, lambda: True), load_bindings())
    appliance.launch({"launch_timeout": 600, **options, "drives": drives})
    return appliance._handle  # pylint: disable=protected-access
