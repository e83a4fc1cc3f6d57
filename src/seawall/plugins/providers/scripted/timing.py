"""How fast the scripted models speak, and the clock they go by."""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from typing import Final

from msgspec import Struct

from seawall.core.ports import Timer
from seawall.plugins.providers.scripted.draw import Draw


class Profile(Struct, frozen=True):
    """One scripted model: its pace and how careful it is."""

    name: str
    first_token: float
    """Median seconds until the first token."""
    gap: float
    """Median seconds between tokens."""
    spread: float
    """Sigma of the log-normal from which both are drawn."""
    misses: float
    """Share of the answers in which it drops a detail or breaks the form that was asked for."""


PROFILES: Final = {
    profile.name: profile
    for profile in (
        Profile("scripted-instant", first_token=0.0, gap=0.0, spread=0.0, misses=0.0),
        Profile("scripted-fast", first_token=0.03, gap=0.002, spread=0.25, misses=0.0),
        Profile("scripted-small", first_token=0.18, gap=0.008, spread=0.35, misses=0.04),
        Profile("scripted-large", first_token=0.65, gap=0.022, spread=0.45, misses=0.0),
    )
}


class Pace:
    """The delays of one answer, drawn from its request."""

    __slots__ = ("_draw", "_profile", "_scale")

    def __init__(self, profile: Profile, draw: Draw, speed: float) -> None:
        if not speed > 0:
            raise ValueError(f"speed {speed!r} must be above 0: 2 is twice as fast, 0.5 half as fast")
        self._profile = profile
        self._draw = draw
        self._scale = 1.0 / speed

    def _seconds(self, label: str, median: float) -> float:
        if median <= 0.0:
            return 0.0
        return median * self._scale * math.exp(self._profile.spread * self._draw.normal(label))

    def first(self) -> float:
        """Seconds until the first token."""
        return self._seconds("first", self._profile.first_token)

    def gap(self, number: int) -> float:
        """Seconds between token *number* and the next."""
        if self._profile.gap <= 0.0:
            return 0.0
        return self._seconds(f"gap {number}", self._profile.gap)

    def total(self, tokens: int) -> float:
        """Seconds until an answer of so many tokens is there as a whole."""
        return self.first() + sum(self.gap(number) for number in range(tokens))


class LoopClock:
    """Implements `seawall.core.ports.Clock` on the machine's clocks and the running event loop."""

    def monotonic(self) -> float:
        return time.monotonic()

    def wall(self) -> float:
        return time.time()

    def call_at(self, when: float, callback: Callable[[], None]) -> Timer:
        return asyncio.get_running_loop().call_later(max(0.0, when - time.monotonic()), callback)

    def sleep(self, seconds: float) -> Awaitable[None]:
        return asyncio.sleep(seconds)
