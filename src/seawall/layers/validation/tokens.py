"""Tokens of broken JSON: numbers in any form, words, and the count of the work."""

import re
from enum import Enum
from typing import Any

from msgspec import Struct

_STOP = r"(?=[\s,\]}:/#\ufeff`~<]|\Z)"
_NUMBER = re.compile(rf"-?(?:0|[1-9]\d*+)((?:\.\d+)?(?:[eE][+-]?\d+)?){_STOP}", re.ASCII)
_ODD_NUMBER = re.compile(
    rf"([+-]?)(?:0[xX]([0-9a-fA-F]+)|((?:\d[\d_]*+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)){_STOP}", re.ASCII
)
WORD = re.compile(r"[\w+\-][\w.+\-/@$%]*+")
_GROUPED = re.compile(r"[+-]?\d{1,3}(?:,\d{3})+(\.\d+)?", re.ASCII)
LITERALS: dict[str, Any] = {
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys(("null", "None", "NULL", "Null")),
}
NOT_NUMBERS = frozenset(("nan", "inf", "infinity", "-inf", "-infinity", "+inf", "+infinity", "-nan"))


class Unreadable(ValueError):
    """There is no reading, or more than one."""


class Budget:
    """How much work a text of *size* characters is worth; `spend` raises `Unreadable` when it is used up.

    A step takes about 1 us, so that a text of 1 MB is given up after less than a second.
    """

    __slots__ = ("left", "limit")

    def __init__(self, size: int) -> None:
        self.limit = self.left = 2_000 + size // 3

    def spend(self, steps: int = 1) -> None:
        self.left -= steps
        if self.left < 0:
            raise Unreadable("too much work for a text of this size")

    @property
    def spent(self) -> int:
        """Steps taken so far."""
        return self.limit - self.left


class Odd(Enum):
    """Words that are no JSON value."""

    UNDEFINED = "undefined"
    NOT_A_NUMBER = "NaN"


class Written(Struct, frozen=True, gc=False):
    """A token whose text says more than the value it stands for: `007`, `1.50`, `+3`, or a bare word."""

    text: str
    number: int | float | None = None
    """`None` for a word."""


def read_float(token: str) -> float | Written:
    """A JSON number with a fraction or an exponent; raises `ValueError` if no double holds it."""
    number = float(token)
    if number - number != 0.0:
        raise Unreadable(f"number out of range: {token[:40]!r}")
    return number if repr(number) == token else Written(token, number)


def read_number_text(text: str) -> int | float | None:
    """The number that *text* is, if it is one and nothing else; with thousands grouped as in `12,345,678`."""
    text = text.strip()
    if "," in text:
        grouped = _GROUPED.fullmatch(text)
        # One group and no fraction (`1,234`) may be a decimal comma: whole numbers only, see `coerce`.
        if grouped is None or (text.count(",") == 1 and grouped[1] is None):
            return None
        text = text.replace(",", "")
    token = parse_number(text, 0)
    if token is None or token[1] != len(text):
        return None
    value = token[0]
    return value.number if isinstance(value, Written) else value


def parse_number(text: str, at: int) -> tuple[int | float | Written, int, bool] | None:
    """The number at *at*, where it ends, and whether JSON knows this form of it."""
    found = _NUMBER.match(text, at)
    try:
        if found is not None:
            return (read_float(found[0]) if found[1] else int(found[0])), found.end(), True
        found = _ODD_NUMBER.match(text, at)
        if found is None:
            return None
        sign, hexadecimal, digits = found.groups()
        if hexadecimal:
            number: int | float = int(hexadecimal, 16)
        else:
            plain = digits.replace("_", "")
            number = int(plain) if plain.isdigit() else float(plain)
    except (ValueError, OverflowError) as error:
        raise Unreadable(f"number out of range at {at}") from error
    return Written(found[0], -number if sign == "-" else number), found.end(), False
