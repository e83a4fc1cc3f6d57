"""Rates and concurrency, as pure machines: time is an argument, nothing waits.

The state lives in `LimitState`, outside the layers, so that a reload of the spec does not hand every
caller a fresh allowance.
"""

from typing import Literal

from msgspec import Struct

Scope = Literal["key", "tenant", "feature"]


class Rate(Struct, frozen=True):
    """At most `count` calls in `per` seconds for each `scope`; unused allowance is kept up to `count`."""

    count: int
    per: float
    scope: Scope = "key"

    def __str__(self) -> str:
        return f"{self.count} calls in {self.per:g} s per {self.scope}"


class Concurrency(Struct, frozen=True):
    """At most `count` calls at a time for each `scope`."""

    count: int
    scope: Scope = "key"

    def __str__(self) -> str:
        return f"{self.count} calls at a time per {self.scope}"


class TokenBucket:
    """Fills at a steady rate up to its capacity; each call takes one token."""

    __slots__ = ("_at", "_capacity", "_rate", "_tokens")

    def __init__(self, capacity: float, rate: float, now: float) -> None:
        self._capacity = capacity
        self._rate = rate
        self._tokens = capacity
        self._at = now

    def take(self, now: float) -> float:
        """Take a token: 0.0, or the seconds until there will be one (and nothing is taken)."""
        if now > self._at:
            self._tokens = min(self._capacity, self._tokens + (now - self._at) * self._rate)
            self._at = now
        if self._tokens >= 1.0:
            self._tokens -= 1.0
            return 0.0
        return (1.0 - self._tokens) / self._rate

    def give_back(self) -> None:
        """Undo one `take`."""
        self._tokens = min(self._capacity, self._tokens + 1.0)

    def full_at(self) -> float:
        """When it will be full again, that is, indistinguishable from a new one."""
        return self._at + (self._capacity - self._tokens) / self._rate


class LimitState:
    """Buckets and counts of all limits of all features. Buckets that are full again are forgotten."""

    SWEEP_EVERY = 4096

    def __init__(self) -> None:
        self._buckets: dict[tuple[str, Rate, str], TokenBucket] = {}
        self._running: dict[tuple[str, Concurrency, str], int] = {}
        self._until_sweep = self.SWEEP_EVERY

    def take(self, feature: str, rate: Rate, who: str, now: float) -> float:
        """Count one call of *who* against *rate*: 0.0, or the seconds to wait."""
        key = (feature, rate, who)
        bucket = self._buckets.get(key)
        if bucket is None:
            self._sweep(now)
            bucket = self._buckets[key] = TokenBucket(rate.count, rate.count / rate.per, now)
        return bucket.take(now)

    def give_back(self, feature: str, rate: Rate, who: str) -> None:
        """The call was not admitted after all."""
        self._buckets[(feature, rate, who)].give_back()

    def enter(self, feature: str, limit: Concurrency, who: str) -> bool:
        """Take one of the places, if one is free."""
        key = (feature, limit, who)
        running = self._running.get(key, 0)
        if running >= limit.count:
            return False
        self._running[key] = running + 1
        return True

    def leave(self, feature: str, limit: Concurrency, who: str) -> None:
        """Free a place."""
        key = (feature, limit, who)
        if self._running[key] == 1:
            del self._running[key]
        else:
            self._running[key] -= 1

    @property
    def running(self) -> int:
        """Places taken: a leak check."""
        return sum(self._running.values())

    def _sweep(self, now: float) -> None:
        self._until_sweep -= 1
        if self._until_sweep <= 0:
            self._until_sweep = self.SWEEP_EVERY
            self._buckets = {key: each for key, each in self._buckets.items() if each.full_at() > now}
