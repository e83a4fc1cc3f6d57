"""How much the scripted provider takes: requests and tokens per minute, and how many at a time."""

import math

from msgspec import Struct

from seawall.core.ports import Clock


class Capacity(Struct, frozen=True):
    """The limits of a server; `None` means there is none."""

    concurrent: int | None = None
    """Answers at a time."""
    queue: int = 0
    """How many more may wait for their turn before 429 is answered."""
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    """Prompt tokens plus the most tokens the answer may have (16 when the request does not say)."""


class _Bucket:
    """Holds a minute's worth and refills evenly, as the vendors' limits do."""

    def __init__(self, clock: Clock, size: int) -> None:
        self._clock = clock
        self.size = size
        self._level = float(size)
        self._at = clock.monotonic()

    def _refill(self) -> float:
        now = self._clock.monotonic()
        self._level = min(self.size, self._level + (now - self._at) * self.size / 60.0)
        self._at = now
        return self._level

    @property
    def remaining(self) -> int:
        return int(self._refill() + 1e-9)

    @property
    def until_full(self) -> float:
        """Seconds until the bucket is full again."""
        return (self.size - self._refill()) * 60.0 / self.size

    def missing(self, amount: float) -> float:
        """Seconds until *amount* is there; 0 when it is."""
        return max(0.0, (min(amount, self.size) - self._refill()) * 60.0 / self.size - 1e-9)

    def take(self, amount: float) -> None:
        self._level = self._refill() - amount


class Limits:
    """Counts against a `Capacity`, and says so in the headers that OpenAI uses."""

    def __init__(self, capacity: Capacity, clock: Clock) -> None:
        for name in ("concurrent", "requests_per_minute", "tokens_per_minute"):
            value = getattr(capacity, name)
            if value is not None and value < 1:
                raise ValueError(f"{name} {value!r} must be at least 1, or None for no limit")
        self.capacity = capacity
        sizes = {"requests": capacity.requests_per_minute, "tokens": capacity.tokens_per_minute}
        self._buckets = {kind: _Bucket(clock, size) for kind, size in sizes.items() if size is not None}

    def admit(self, tokens: int) -> tuple[str, float] | None:
        """Take what a request of so many *tokens* needs.

        Returns `None`, or which limit is used up and the seconds until there is room; then nothing is taken.
        """
        needs = {"requests": 1, "tokens": tokens}
        for kind, bucket in self._buckets.items():
            if wait := bucket.missing(needs[kind]):
                return kind, wait
        for kind, bucket in self._buckets.items():
            bucket.take(needs[kind])
        return None

    def headers(self) -> list[tuple[str, str]]:
        """`x-ratelimit-*` as they stand now; none for what has no limit."""
        return [
            header
            for kind, bucket in self._buckets.items()
            for header in (
                (f"x-ratelimit-limit-{kind}", str(bucket.size)),
                (f"x-ratelimit-remaining-{kind}", str(max(bucket.remaining, 0))),
                (f"x-ratelimit-reset-{kind}", duration(bucket.until_full)),
            )
        ]


def duration(seconds: float) -> str:
    """Seconds as OpenAI writes them in headers: `850ms`, `2s`, `1m30s`."""
    if seconds < 1:
        return f"{math.ceil(seconds * 1000)}ms"
    whole = math.ceil(seconds)
    minutes, rest = divmod(whole, 60)
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"


def retry_headers(wait: float) -> list[tuple[str, str]]:
    """When to come back, in the two forms in which OpenAI says it."""
    return [("retry-after", str(max(1, math.ceil(wait)))), ("retry-after-ms", str(math.ceil(wait * 1000)))]
