"""When to try again, as pure machines: time and chance are arguments."""

from msgspec import Struct


class Backoff(Struct, frozen=True):
    """Exponential back-off with full jitter (the delay is drawn evenly from nothing up to the ceiling)."""

    first: float = 0.1
    """Ceiling of the first delay, in seconds."""
    factor: float = 2.0
    most: float = 5.0

    def delay(self, retry: int, chance: float) -> float:
        """Seconds before the *retry*-th retry (from 0); *chance* is even in [0, 1)."""
        return min(self.most, self.first * self.factor ** min(retry, 60)) * chance


class RetryBudget:
    """Keeps retries a fraction of the calls, so that they never become the outage.

    Each call pays in `ratio`, each retry takes out one. Up to `reserve` can be saved, which is also the
    first balance: a quiet feature may still retry.
    """

    __slots__ = ("_balance", "_ratio", "_reserve")

    def __init__(self, ratio: float = 0.2, reserve: float = 10.0) -> None:
        self._ratio = ratio
        self._reserve = reserve
        self._balance = reserve

    def deposit(self) -> None:
        """A call began."""
        self._balance = min(self._reserve, self._balance + self._ratio)

    def withdraw(self) -> bool:
        """Whether one more retry is affordable; if so it is paid for."""
        if self._balance < 1.0:
            return False
        self._balance -= 1.0
        return True
