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

    The one who pulls keeps two fields up to date, which is all that an event costs: `waiting`, since when
    the provider is being waited for (0 while it is not: a slow reader is not a slow provider, and only the
    total limit runs), and `begun`, whether any content has come.
    """

    __slots__ = ("_clock", "_expired", "_first", "_idle", "_task", "_timer", "_total", "begun", "waiting")

    def __init__(self, clock: Clock, now: float, *, first: float, idle: float, total: float) -> None:
        """*first* and *idle* are seconds; *now* and *total* are moments on the clock."""
        self._clock = clock
        self._first = first
        self._idle = idle
        self._total = total
        self._expired: Phase | None = None
        self._task: asyncio.Task[object] | None = None
        self._timer: Timer | None = None
        self.waiting = now
        self.begun = False

    async def __aenter__(self) -> None:
        self._task = asyncio.current_task()
        self._timer = self._clock.call_at(self._due()[0], self._fire)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()
        task, self._task = self._task, None
        if self._expired is None or task is None:
            return
        # Ours is the only cancellation outstanding: anybody else's (a client that left) has precedence.
        if task.uncancel() == 0 and isinstance(error, asyncio.CancelledError):
            raise Expired(self._expired) from None

    def _due(self) -> tuple[float, Phase]:
        """When the limit that is running now will be reached, and which that is."""
        if self.waiting:
            phase: Phase = "idle" if self.begun else "first_token"
            due = self.waiting + (self._idle if self.begun else self._first)
            if due < self._total:
                return due, phase
        return self._total, "total"

    def _fire(self) -> None:
        due, phase = self._due()
        if self._clock.monotonic() < due:
            self._timer = self._clock.call_at(due, self._fire)
            return
        self._timer = None
        if self._task is not None:
            self._expired = phase
            self._task.cancel()
