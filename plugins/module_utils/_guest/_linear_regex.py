# Copyright (c) 2026, the offline.guest contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module utility is private to this collection: it may change at any time.

"""Regular expressions of a hostile guest, matched in bounded time.

Python's ``re`` backtracks: ``(a|a)*b`` from a guest's policy would hold the builder for ever. Here a pattern becomes a
program whose states are all followed at once (Thompson, 1968), so time is at most states times characters, and a
:class:`Budget` bounds even that. The dialect is what SELinux policies use of PCRE: literals, ``.``, classes, groups,
``|``, ``* + ? {m,n}`` and escapes; not look-around, back references or possessive quantifiers. Characters are bytes,
as Latin-1 text.
"""

from __future__ import annotations

import dataclasses
import string

from .._errors import GuestError

_ALL = frozenset(range(256))
_DIGIT = frozenset(b"0123456789")
_WORD = frozenset((string.ascii_letters + string.digits + "_").encode())
_SPACE = frozenset(b" \t\n\r\f\v")
_CLASSES = {"d": _DIGIT, "w": _WORD, "s": _SPACE, "D": _ALL - _DIGIT, "W": _ALL - _WORD, "S": _ALL - _SPACE}
_CONTROLS = {"n": "\n", "t": "\t", "r": "\r", "f": "\f"}
_MAX_DEPTH = 50
_MAX_REPEAT = 255
_MAX_STATES = 20_000


class Unsupported(Exception):
    """The pattern is wrong, too large, or uses what this dialect has not."""


class Budget:
    """The work that may still be done, in units of about a microsecond."""

    def __init__(self, steps: int) -> None:
        self._left = steps

    def spend(self, steps: int) -> None:
        """:raises GuestError: nothing is left."""
        self._left -= steps
        if self._left < 0:
            raise GuestError(
                "The guest's SELinux file contexts are too costly to evaluate.", hint="Is the policy damaged?"
            )


@dataclasses.dataclass(frozen=True)
class _Step:
    """One state: either take a character of ``chars`` to the next state, or go on at each of ``jumps`` (relative)."""

    chars: frozenset[int] | None = None
    jumps: tuple[int, ...] = ()


_Program = list[_Step]


class LinearRegex:
    """A compiled pattern.

    :raises Unsupported: see there.
    """

    def __init__(self, pattern: str, budget: Budget) -> None:
        budget.spend(len(pattern))
        self._program = _Parser(pattern, budget).parse()
        self._budget = budget

    def fullmatch(self, text: str) -> bool:
        """Tell whether the whole of ``text`` (Latin-1) matches."""
        states = self._closure({0})
        for char in text.encode("latin-1"):
            taken = {
                state + 1
                for state in states
                if state < len(self._program) and char in (self._program[state].chars or ())
            }
            if not taken:
                return False
            states = self._closure(taken)
        return len(self._program) in states

    def _closure(self, states: set[int]) -> set[int]:
        found = set(states)
        waiting = list(states)
        while waiting:
            state = waiting.pop()
            jumps = self._program[state].jumps if state < len(self._program) else ()
            fresh = {state + jump for jump in jumps} - found
            found |= fresh
            waiting.extend(fresh)
        self._budget.spend(len(found))
        return found


class _Parser:
    """Recursive descent; every method returns the program of what it consumed."""

    def __init__(self, pattern: str, budget: Budget) -> None:
        self._text = pattern
        self._budget = budget
        self._at = 0
        self._depth = 0

    def parse(self) -> _Program:
        program = self._alternatives()
        if self._at < len(self._text):
            raise Unsupported("an unmatched parenthesis")
        return program

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _next(self) -> str:
        char = self._peek()
        if not char:
            raise Unsupported("an early end")
        self._at += 1
        return char

    def _take(self, token: str) -> bool:
        if self._text.startswith(token, self._at):
            self._at += len(token)
            return True
        return False

    def _alternatives(self) -> _Program:
        program = self._sequence()
        while self._take("|"):
            program = _either(program, self._sequence())
            self._budget.spend(len(program))
        return program

    def _sequence(self) -> _Program:
        program: _Program = []
        while self._peek() not in ("", "|", ")"):
            program += self._quantified(self._atom())
            if len(program) > _MAX_STATES:
                raise Unsupported("too large a pattern")
        return program

    def _atom(self) -> _Program:
        char = self._next()
        if char == "(":
            return self._group()
        if char == "[":
            return [_Step(self._char_class())]
        if char == ".":
            return [_Step(_ALL)]
        if char == "\\":
            return [_Step(self._escape())]
        if (char == "^" and self._at == 1 and self._peek() not in "*+?{") or (char == "$" and not self._peek()):
            return []
        if char in "*+?^$":
            raise Unsupported(f"a misplaced {char}")
        return [_Step(frozenset(char.encode("latin-1")))]

    def _group(self) -> _Program:
        if self._peek() == "?" and not self._take("?:"):
            raise Unsupported("a special group")
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise Unsupported("too deep a nesting")
        program = self._alternatives()
        self._depth -= 1
        if not self._take(")"):
            raise Unsupported("an unmatched parenthesis")
        return program

    def _escape(self) -> frozenset[int]:
        char = self._next()
        if char in _CLASSES:
            return _CLASSES[char]
        if char.isalnum() and char not in _CONTROLS:
            raise Unsupported(f"the escape {char}")
        return frozenset(_CONTROLS.get(char, char).encode("latin-1"))

    def _char_class(self) -> frozenset[int]:
        negated = self._take("^")
        members: set[int] = set()
        first = True
        while first or self._peek() != "]":
            first = False
            members |= self._class_item()
        self._next()
        return _ALL - members if negated else frozenset(members)

    def _class_item(self) -> frozenset[int]:
        if self._text.startswith("[:", self._at):
            raise Unsupported("a named class")
        char = self._next()
        low = self._escape() if char == "\\" else frozenset(char.encode("latin-1"))
        following = self._text[self._at : self._at + 2]
        if len(low) != 1 or len(following) < 2 or following[0] != "-" or following[1] == "]":
            return low
        self._next()
        char = self._next()
        high = self._escape() if char == "\\" else frozenset(char.encode("latin-1"))
        if len(high) != 1 or min(high) < min(low):
            raise Unsupported("a wrong range")
        return frozenset(range(min(low), min(high) + 1))

    def _quantified(self, program: _Program) -> _Program:
        for token, least, most in (("*", 0, None), ("+", 1, None), ("?", 0, 1)):
            if self._take(token):
                return self._repeat(program, least, most)
        braces = self._braces()
        return program if braces is None else self._repeat(program, *braces)

    def _braces(self) -> tuple[int, int | None] | None:
        """Consume ``{m}``, ``{m,}`` or ``{m,n}``; any other brace is a literal, as in PCRE."""
        end = self._text.find("}", self._at, self._at + 10)
        if self._peek() != "{" or end < 0:
            return None
        least, comma, most = self._text[self._at + 1 : end].partition(",")
        if not least.isdigit() or (most and not most.isdigit()):
            return None
        self._at = end + 1
        return int(least), int(most) if most else (None if comma else int(least))

    def _repeat(self, program: _Program, least: int, most: int | None) -> _Program:
        if self._take("+"):
            raise Unsupported("a possessive quantifier")
        self._take("?")  # lazy or greedy: the same for a match of the whole text
        if max(least, most or 0) > _MAX_REPEAT or len(program) * max(least, most or 0, 1) > _MAX_STATES:
            raise Unsupported("too large a repetition")
        self._budget.spend(len(program) * max(least, most or 0, 1))
        repeated = program * least
        if most is None:
            return repeated + [_Step(jumps=(1, len(program) + 2)), *program, _Step(jumps=(-len(program) - 1,))]
        optional: _Program = []
        for _unused in range(most - least):
            optional = [_Step(jumps=(1, len(program) + len(optional) + 1)), *program, *optional]
        return repeated + optional


def _either(first: _Program, second: _Program) -> _Program:
    return [_Step(jumps=(1, len(first) + 2)), *first, _Step(jumps=(len(second) + 1,)), *second]
