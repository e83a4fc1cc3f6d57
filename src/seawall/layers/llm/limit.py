"""A time limit around one attempt that follows its phases: first token, idle, total.

One timer serves all phases: it is set when the attempt begins and, when it fires early, set again for
what is then due. So an event of a stream costs one reading of the clock and no timer.
"""

import asyncio
from types import TracebackType
from typing import Literal

from seawall.core.ports import Clock, Timer

Phase = Literal["first_token", "idle", "total"]


class Expired(Exception):
    """The limit of this phase was reached while the provider was awaited."""

    def __init__(self, phase: Phase) -> None:
        super().__init__(phase)
        self.phase = phase


class AttemptLimit:
    """`async with`: cancels what runs inside when the provider takes too long, and raises `Expired`.

    Only the total limit runs while `emitting` is set: a slow reader is not a slow provider.
    """

    __slots__ = ("_clock", "_due", "_expired", "_idle", "_phase", "_task", "_timer", "_total", "emitting")

    def __init__(self, clock: Clock, *, first: float, idle: float, total: float) -> None:
        """*first* and *idle* are seconds; *total* is a moment on the clock."""
        self._clock = clock
        self._idle = idle
        self._total = total
        now = clock.monotonic()
        self._due = min(now + first, total)
        self._phase: Phase = "first_token" if now + first < total else "total"
        self._expired: Phase | None = None
        self._task: asyncio.Task[object] | None = None
        self._timer: Timer | None = None
        self.emitting = False

    def pulled(self, now: float) -> None:
        """An event has come and gone: from *now* on the idle limit runs."""
        self.emitting = False
        due = now + self._idle
        if due < self._total:
            self._due, self._phase = due, "idle"
        else:
            self._due, self._phase = self._total, "total"

    async def __aenter__(self) -> "AttemptLimit":
        self._task = asyncio.current_task()
        self._timer = self._clock.call_at(self._due, self._fire)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        task, self._task = self._task, None
        if self._expired is None or task is None:
            return
        # Ours is the only cancellation outstanding: anybody else's (a client that left) has precedence.
        if task.uncancel() == 0 and isinstance(error, asyncio.CancelledError):
            raise Expired(self._expired) from None

    def _fire(self) -> None:
        now = self._clock.monotonic()
        due = self._total if self.emitting else self._due
        if now < due:
            self._timer = self._clock.call_at(due, self._fire)
            return
        self._timer = None
        if self._task is not None:
            self._expired = "total" if self.emitting else self._phase
            self._task.cancel()
