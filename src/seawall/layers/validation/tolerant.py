"""Read JSON that is not quite JSON.

A machine over the text with its own stack: no recursion, each step moves on, and every step is counted
against a `Budget`. It repairs what has one reading and raises `Unreadable` for the rest. What only a schema
can decide is left open in the value: `Written` (a number in a form JSON does not know, or a bare word) and
`Odd` (`undefined`, `NaN`).
"""

import re
from collections.abc import Callable
from typing import Any

from msgspec import Struct

from seawall.layers.validation.quoting import (
    ANSWER_END,
    OPENERS,
    SPACE,
    Ambiguous,
    Place,
    find_string,
    unescape,
)
from seawall.layers.validation.tokens import (
    LITERALS,
    NOT_NUMBERS,
    WORD,
    Budget,
    Odd,
    Unreadable,
    Written,
    parse_number,
)

MAX_DEPTH = 128
"""Containers within containers; deeper text is not an answer."""

_GAP = re.compile(SPACE)
_ANSWER_END = re.compile(ANSWER_END)
_BARE_KEY = re.compile(rf"([A-Za-z_$][\w$.\-]*+){SPACE}:")


class Reading(Struct, frozen=True):
    """A value read from the text, and where it ended."""

    value: Any
    end: int
    fixes: frozenset[str]


_Step = Callable[[], "_Step | None"]


class Reader:
    """Reads one value of *text*; to be used once.

    *loose* takes the first quote that could end a string. With *cut* the text may stop anywhere: what is
    complete is kept, and the beginning of a string that is not.
    """

    def __init__(self, text: str, budget: Budget, *, loose: bool = False, cut: bool = False) -> None:
        self._text = text
        self._budget = budget
        self._loose = loose
        self._cut = cut
        self.at = 0
        """How far the text was read."""
        self._open: list[Any] = []
        self._keys: list[str] = []
        self._comma = False  # a comma was just read
        self._bare_keys = False
        self._odd = 0
        self._root: Any = None
        self._fixes: set[str] = set()
        self.members = 0
        """Members with a quoted key that were read: whether this was JSON at all."""
        self.closed = False
        """Whether the value was ended by its own closer."""

    def read(self, at: int) -> Reading:
        """The value that begins at *at*; raises `Unreadable`."""
        self.at = at
        step: _Step | None = self._value
        while step is not None:
            self._budget.spend()
            step = step()
        return Reading(self._root, self.at, frozenset(self._fixes))

    def _gap(self) -> str:
        """Skip space and comments; the next character, or nothing at the end of the answer."""
        text = self._text
        while True:
            found = _GAP.match(text, self.at)
            self.at = at = found.end() if found else self.at
            char = text[at : at + 1]
            if char == "#" or (char == "/" and text[at + 1 : at + 2] == "/"):
                end = text.find("\n", at)
                self.at = len(text) if end < 0 else end
            elif char == "/" and text[at + 1 : at + 2] == "*":
                end = text.find("*/", at)
                if end < 0 and not self._cut:
                    raise Unreadable(f"comment at {at} has no end")
                self.at = len(text) if end < 0 else end + 2
            else:
                return "" if char and char in "`~<" and _ANSWER_END.match(text, at) else char
            self._budget.spend()
            self._fixes.add("comments")

    def _value(self) -> _Step | None:
        char = self._gap()
        if char == "{" or char == "[":
            if len(self._open) >= MAX_DEPTH:
                raise Unreadable(f"more than {MAX_DEPTH} containers within each other")
            self._open.append({} if char == "{" else [])
            self._keys.append("")
            self.at += 1
            self._comma = False
            return self._next
        if not char:
            return self._stop("a value is missing")
        if char in OPENERS:
            return self._string_value()
        return self._token()

    def _string_value(self) -> _Step | None:
        found = find_string(self._text, self.at, self._place(), loose=self._loose, most=self._budget.left)
        self._budget.spend(found.tries)
        self._fixes.update(found.fixes)
        self._odd += found.odd
        if self._odd > 1:  # two halves of one string rather than two strings with a stray quote each
            raise Unreadable(f"quotes in the string at {self.at} do not pair up, and not for the first time")
        if not found.closed and not self._cut:
            raise Unreadable(f"string at {self.at} has no end")
        said = self._say(found.raw, cut=not found.closed)
        self.at = found.end
        return self._put(said)

    def _say(self, raw: str, *, cut: bool = False) -> str:
        try:
            said, fixes = unescape(raw, cut=cut)
        except Ambiguous as error:
            raise Unreadable(str(error)) from error
        self._fixes.update(fixes)
        return said

    def _place(self) -> Place:
        if not self._open:
            return Place.ROOT
        if type(self._open[-1]) is list:
            return Place.LOOSE_ITEM if self._loose else Place.ITEM
        if self._loose:
            return Place.LOOSE_MEMBER
        return Place.MEMBER_OF_BARE_KEYS if self._bare_keys else Place.MEMBER

    def _token(self) -> _Step | None:
        parsed = parse_number(self._text, self.at)
        if parsed is not None:
            value, end, known = parsed
            if self._cut and end == len(self._text):
                return self._stop("a number may go on")
            if not known:
                self._fixes.add("odd_numbers")
            self.at = end
            return self._put(value)
        found = WORD.match(self._text, self.at)
        if found is None:
            raise Unreadable(f"no value at {self.at}")
        word, self.at = found[0], found.end()
        if word in LITERALS:
            if word not in ("true", "false", "null"):
                self._fixes.add("literals")
            return self._put(LITERALS[word])
        if self._cut and self.at == len(self._text):
            return self._stop("a word may go on")
        if word == "undefined":
            return self._put(Odd.UNDEFINED)
        return self._put(Odd.NOT_A_NUMBER if word.lower() in NOT_NUMBERS else Written(word))

    def _put(self, value: Any) -> _Step | None:
        if not self._open:
            self._root = value
            self.closed = True
            return None
        top = self._open[-1]
        if type(top) is list:
            top.append(value)
            return self._after
        key = self._keys[-1]
        if key in top:
            if top[key] != value:
                raise Unreadable(f"key {key[:40]!r} occurs twice with different values")
            self._fixes.add("repeated_key")
        top[key] = value
        return self._after

    def _close(self) -> _Step | None:
        self._keys.pop()
        return self._put(self._open.pop())

    def _close_with(self, char: str) -> _Step | None:
        """Take the closer *char*; if another one is due first, that was forgotten."""
        due = "]" if type(self._open[-1]) is list else "}"
        if char == due:
            self.at += 1
        elif any((type(container) is list) == (char == "]") for container in self._open):
            self._fixes.add("missing_closer")
        else:
            return self._stop(f"{char!r} at {self.at} closes nothing")
        return self._close()

    def _after(self) -> _Step | None:
        """A value is complete: a comma, a closer, or one of them is missing."""
        char = self._gap()
        if char == ",":
            self.at += 1
            self._comma = True
            return self._next
        if char == "}" or char == "]":
            return self._close_with(char)
        if not char:
            self._fixes.add("missing_closer")
            return self._finish()
        starts = OPENERS + ("{[-0123456789" if type(self._open[-1]) is list else "_$")
        if char in starts or (char.isalpha() and type(self._open[-1]) is dict):
            self._fixes.add("missing_comma")
            self._comma = False
            return self._next
        return self._stop(f"{char!r} at {self.at} where a comma or the end was expected")

    def _next(self) -> _Step | None:
        """The next key or item, or the end of the container."""
        char = self._gap()
        if char == ",":
            self._fixes.add("extra_comma")
            self.at += 1
            self._comma = True
            return self._next
        if char == "}" or char == "]":
            if self._comma:
                self._fixes.add("trailing_comma")
            return self._close_with(char)
        if not char:
            return self._stop("the text ends where more was announced")
        return self._value if type(self._open[-1]) is list else self._key

    def _key(self) -> _Step | None:
        if self._text[self.at] in OPENERS:
            found = find_string(self._text, self.at, Place.KEY, loose=True, most=self._budget.left)
            self._budget.spend(found.tries)
            if not found.closed or "\n" in found.raw:
                return self._stop(f"key at {self.at} has no end")
            self._keys[-1] = self._say(found.raw)
            self._fixes.update(found.fixes)
            self.at = found.end
            self._gap()
            self._bare_keys = False
            self.members += 1
        else:
            bare = _BARE_KEY.match(self._text, self.at)
            if bare is None:
                return self._stop(f"no key at {self.at}")
            self._keys[-1] = bare[1]
            self.at = bare.end() - 1
            self._bare_keys = True
            self._fixes.add("unquoted_keys")
        self.at += 1
        return self._value

    def _stop(self, why: str) -> _Step | None:
        if not self._cut:
            raise Unreadable(why)
        return self._finish()

    def _finish(self) -> _Step | None:
        """The text is over: close what is open."""
        while self._open:
            self._close()
        self.closed = False
        return None
