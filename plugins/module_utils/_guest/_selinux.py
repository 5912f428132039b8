# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""SELinux labels for what we write, computed from the text of the guest's own policy.

The rules are libselinux's (selabel_file(5), file_contexts(5), and its label_file.c): the files are read in the order
base, homedirs, local; of the specifications that match, the last one counts, except that one without regular
expression characters counts before all that have some; ``<<none>>`` means no label; a pattern matches the whole path.
Path prefixes are first substituted by ``file_contexts.subs``, then by ``file_contexts.subs_dist``.
"""

from __future__ import annotations

import dataclasses
import functools
import re
import typing as t

from .._errors import GuestError, printable
from ._linear_regex import Budget, LinearRegex, Unsupported

_MAX_CONFIG = 64 * 1024
_MAX_CONTEXTS = 8 * 1024 * 1024  # Fedora's is about 0.4 MiB
_MAX_SUBS = 1024 * 1024
_MAX_PATTERN = 4095  # libselinux's own limit
_BUDGET = 2_000_000  # a few seconds; a lookup in a real policy takes 3 ms
_KINDS = {
    "--": "file",
    "-d": "directory",
    "-l": "link",
    "-c": "char",
    "-b": "block",
    "-p": "fifo",
    "-s": "socket",
}
_META = frozenset(".^$?*+|[({])}")
# Escapes that libselinux takes for the character itself; any other makes the pattern a regular expression.
_ESCAPABLE = _META | frozenset("-_,")
_TYPE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}\Z")
_LABEL = re.compile(r"[!-~]{1,1024}\Z")


class Reader(t.Protocol):
    """What is needed of :class:`GuestFiles`."""

    def read_optional(self, path: str, *, max_size: int) -> bytes | None:
        """Return a file's content, None when it is missing."""


@dataclasses.dataclass(frozen=True)
class Spec:
    """One line of a file_contexts file; text is bytes as Latin-1.

    :param prefix: what every path that matches begins with; the whole path where ``literal``.
    :param kind: a ``FileStat.kind``, None for any.
    :param label: None for ``<<none>>``.
    """

    pattern: str
    prefix: str
    literal: bool
    kind: str | None
    label: str | None


@dataclasses.dataclass(frozen=True)
class Labeler:
    """Labels by a guest's policy; one without specifications gives none."""

    specs: tuple[Spec, ...] = ()
    substitutions: tuple[t.Mapping[str, str], ...] = ()

    @classmethod
    def read(cls, files: Reader) -> Labeler:
        """Read the policy that /etc/selinux/config names; without one, or where SELinux is disabled, give no labels.

        :raises GuestError: a file is too large or no regular file.
        """
        policy = policy_type(files.read_optional("/etc/selinux/config", max_size=_MAX_CONFIG) or b"")
        if policy is None:
            return cls()
        base = f"/etc/selinux/{policy}/contexts/files/file_contexts"
        texts = [files.read_optional(base + end, max_size=_MAX_CONTEXTS) or b"" for end in ("", ".homedirs", ".local")]
        subs = [files.read_optional(base + end, max_size=_MAX_SUBS) or b"" for end in (".subs", ".subs_dist")]
        return cls(
            tuple(spec for text in texts for spec in parse_specs(text)),
            tuple(parse_substitutions(text) for text in subs),
        )

    def label_for(self, path: str, kind: str) -> str | None:
        """Return the label of an entry of ``kind`` (as ``FileStat.kind``) at ``path``; None when it gets none.

        :raises GuestError: the policy's patterns are too costly to evaluate (a bound against hostile guests).
        """
        raw = path.encode("utf-8", "surrogateescape").decode("latin-1")
        for table in self.substitutions:
            raw = _substitute(table, raw)
        for spec in self._literal.get(raw, ()):
            if spec.kind in (None, kind):
                return spec.label
        return self._last_pattern(raw, kind)

    @functools.cached_property
    def _literal(self) -> dict[str, list[Spec]]:
        """Literal path → its specifications, the one that counts first."""
        found: dict[str, list[Spec]] = {}
        for spec in reversed(self.specs):
            if spec.literal:
                found.setdefault(spec.prefix, []).append(spec)
        return found

    @functools.cached_property
    def _patterns(self) -> tuple[Spec, ...]:
        return tuple(spec for spec in reversed(self.specs) if not spec.literal)

    def _last_pattern(self, raw: str, kind: str) -> str | None:
        budget = Budget(_BUDGET)
        for spec in self._patterns:
            if spec.kind in (None, kind) and raw.startswith(spec.prefix) and _matches(spec, raw, budget):
                return spec.label
        return None


def policy_type(config: bytes) -> str | None:
    """Return SELINUXTYPE of /etc/selinux/config (``targeted`` where it is not set); None where SELinux is not used.

    :raises GuestError: the type is no plain name.
    """
    values: dict[str, str] = {}
    for line in config.decode("latin-1").splitlines():
        name, equals, value = line.strip().partition("=")
        if equals:
            values.setdefault(name.strip(), value.strip())
    if values.get("SELINUX", "disabled").lower() not in ("enforcing", "permissive"):
        return None
    policy = values.get("SELINUXTYPE", "targeted")
    if not _TYPE.match(policy):
        raise GuestError(f"SELINUXTYPE '{printable(policy)}' in the guest's /etc/selinux/config is no policy name.")
    return policy


def parse_specs(text: bytes) -> t.Iterator[Spec]:
    """Yield the specifications of a file_contexts file in order, passing over damaged lines."""
    for line in text.decode("latin-1").split("\n"):
        fields = line.split()
        if len(fields) not in (2, 3) or fields[0].startswith("#") or len(fields[0]) > _MAX_PATTERN:
            continue
        kind = _KINDS.get(fields[1]) if len(fields) == 3 else None
        label = None if fields[-1] == "<<none>>" else fields[-1]
        if (len(fields) == 3 and kind is None) or (label is not None and not _LABEL.match(label)):
            continue
        prefix, literal = literal_prefix(fields[0])
        yield Spec(fields[0], prefix, literal, kind, label)


def parse_substitutions(text: bytes) -> dict[str, str]:
    """Return the prefixes of a ``subs`` file: path → path that it is labeled like, in order."""
    found: dict[str, str] = {}
    for line in text.decode("latin-1").split("\n"):
        fields = line.split()
        if len(fields) >= 2 and not fields[0].startswith("#"):
            found.setdefault(fields[0], fields[1])
    return found


def literal_prefix(pattern: str) -> tuple[str, bool]:
    """Return the text that each match begins with, and whether the pattern is nothing but that text."""
    done: list[str] = []
    at = 0
    while at < len(pattern):
        char = pattern[at]
        if char in _META:
            break
        if char == "\\":
            at += 1
            char = pattern[at : at + 1]
            if not char or char not in _ESCAPABLE:
                return _cut(done, pattern, ""), False
        done.append(char)
        at += 1
    if at >= len(pattern):
        return "".join(done), True
    return _cut(done, pattern, pattern[at]), False


def _cut(done: list[str], pattern: str, meta: str) -> str:
    """Drop a last character that ``meta`` makes optional; with a ``|`` outside of groups nothing is certain."""
    depth = 0
    for char in re.sub(r"\\.", "", pattern):
        depth += (char == "(") - (char == ")")
        if char == "|" and depth <= 0:
            return ""
    return "".join(done[:-1] if meta and meta in "?*{" else done)


def _substitute(table: t.Mapping[str, str], path: str) -> str:
    for source, target in table.items():
        if path == source or path.startswith(source + "/"):
            rest = path[len(source) :]
            return target + (rest[1:] if target == "/" else rest)
    return path


def _matches(spec: Spec, path: str, budget: Budget) -> bool:
    try:
        return LinearRegex(spec.pattern, budget).fullmatch(path)
    except Unsupported:
        return False  # the next specification decides, as for a system whose libselinux knows no such pattern
