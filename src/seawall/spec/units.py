"""Quantities as people write them: `2 s`, `256 KiB`, `0.05 USD`, `20 %`, `60/min per key`.

Numbers may group their digits with single spaces (`20 000`). A bare number is never a quantity.
"""

import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Literal, cast

from msgspec import Struct

from seawall.spec.problems import BadValue

Scope = Literal["key", "tenant", "feature"]

SCOPES = ("key", "tenant", "feature")
DURATIONS = {
    "ms": Decimal("0.001"),
    "s": Decimal(1),
    "min": Decimal(60),
    "h": Decimal(3600),
    "d": Decimal(86400),
}
SIZES = {
    "B": 1,
    "KB": 1000,
    "MB": 1000**2,
    "GB": 1000**3,
    "KiB": 1024,
    "MiB": 1024**2,
    "GiB": 1024**3,
}

NUMBER = r"(?:[0-9]{1,3}(?: [0-9]{3})+|[0-9]{1,15})(?:\.[0-9]{1,12})?"
DURATION_PATTERN = rf"^{NUMBER} ?(?:{'|'.join(DURATIONS)})$"
SIZE_PATTERN = rf"^{NUMBER} ?(?:{'|'.join(SIZES)})$"
PERCENT_PATTERN = rf"^{NUMBER} ?%$"
MONEY_PATTERN = rf"^{NUMBER} ?USD$"
RATE_PATTERN = (
    rf"^[0-9]{{1,9}} ?/ ?(?:[0-9]{{1,6}} ?)?(?:{'|'.join(DURATIONS)})(?: per (?:{'|'.join(SCOPES)}))?$"
)
CONCURRENCY_PATTERN = rf"^[0-9]{{1,9}}(?: per (?:{'|'.join(SCOPES)}))?$"


class Rate(Struct, frozen=True):
    """At most `count` calls in `per` seconds for each `scope`."""

    count: int
    per: float
    scope: Scope = "key"

    def __str__(self) -> str:
        return f"{self.count}/{show_duration(self.per).removeprefix('1 ')} per {self.scope}"


class Concurrency(Struct, frozen=True):
    """At most `count` calls at a time for each `scope`."""

    count: int
    scope: Scope = "key"

    def __str__(self) -> str:
        return f"{self.count} per {self.scope}"


def parse_duration(text: str) -> float:
    """Seconds. Raises `BadValue`."""
    number, unit = _split(text, DURATION_PATTERN, "a duration", "30 s", DURATIONS)
    return float(number * DURATIONS[unit])


def parse_size(text: str) -> int:
    """Bytes. Raises `BadValue`."""
    number, unit = _split(text, SIZE_PATTERN, "a size", "256 KiB", SIZES)
    size = number * SIZES[unit]
    if size != int(size):
        raise BadValue(f"{text!r} is not a whole number of bytes")
    return int(size)


def parse_percent(text: str) -> float:
    """A fraction: `20 %` is 0.2. Raises `BadValue`."""
    number, _ = _split(text, PERCENT_PATTERN, "a share", "20 %", ("%",))
    return float(number / 100)


def parse_money(text: str) -> int:
    """Nano-dollars (1e-9 USD). Raises `BadValue`, also for what is finer than that."""
    number, _ = _split(text, MONEY_PATTERN, "an amount of money", "0.05 USD", ("USD",))
    nano = number * 10**9
    if nano != int(nano):
        raise BadValue(f"{text!r} is finer than a nano-dollar (1e-9 USD)")
    return int(nano)


def parse_rate(text: str) -> Rate:
    """So many calls in so much time for each key, tenant or feature. Raises `BadValue`."""
    hint = f"Write it like 60/min per key; scopes: {', '.join(SCOPES)}; units: {', '.join(DURATIONS)}"
    if not re.fullmatch(RATE_PATTERN, text):
        raise BadValue(f"{text!r} is not a rate", hint)
    amount, _, scope = text.partition(" per ")
    count, _, period = amount.partition("/")
    period = period.strip()
    seconds = parse_duration(period if period[0].isdigit() else f"1 {period}")
    if int(count) == 0 or seconds == 0:
        raise BadValue(f"{text!r} lets nobody through", hint)
    return Rate(int(count), seconds, cast("Scope", scope or "key"))


def parse_concurrency(text: str) -> Concurrency:
    """So many calls at a time for each key, tenant or feature. Raises `BadValue`."""
    hint = f"Write it like 20 per key; scopes: {', '.join(SCOPES)}"
    if not re.fullmatch(CONCURRENCY_PATTERN, text):
        raise BadValue(f"{text!r} is not a number of calls at a time", hint)
    count, _, scope = text.partition(" per ")
    if int(count) == 0:
        raise BadValue(f"{text!r} lets nobody through", hint)
    return Concurrency(int(count), cast("Scope", scope or "key"))


def show_duration(seconds: float) -> str:
    """The shortest exact way to write it."""
    exact = Decimal(repr(seconds))
    for unit in ("d", "h", "min", "s"):
        amount = exact / DURATIONS[unit]
        if amount >= 1 and amount == int(amount):
            return f"{int(amount)} {unit}"
    if exact >= 1:
        return f"{exact.normalize():f} s"
    return f"{(exact * 1000).normalize():f} ms"


def show_size(size: int) -> str:
    """The shortest exact way to write it."""
    for unit in ("GiB", "MiB", "KiB"):
        if size and size % SIZES[unit] == 0:
            return f"{size // SIZES[unit]} {unit}"
    return f"{size} B"


def show_percent(share: float) -> str:
    """A fraction as a percentage."""
    return f"{(Decimal(repr(share)) * 100).normalize():f} %"


def _split(text: str, pattern: str, what: str, example: str, units: Iterable[str]) -> tuple[Decimal, str]:
    """The number and the unit of a quantity."""
    if not re.fullmatch(pattern, text):
        names = ", ".join(units)
        raise BadValue(f"{text!r} is not {what}", f"Write it like {example}; units: {names}")
    unit = text.lstrip("0123456789. ")
    return Decimal(text[: len(text) - len(unit)].replace(" ", "")), unit
