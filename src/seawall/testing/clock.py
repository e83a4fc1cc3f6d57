"""A clock that stands still until the test moves it."""

import asyncio
import heapq
from collections.abc import Awaitable, Callable
from itertools import count


class FakeTimer:
    """A callback waiting for its moment."""

    def __init__(self, callback: Callable[[], None]) -> None:
        self.callback: Callable[[], None] | None = callback

    def cancel(self) -> None:
        self.callback = None


class FakeClock:
    """Implements `seawall.core.ports.Clock`. Both clocks move only by `advance`, timers fire in order."""

    def __init__(self, monotonic: float = 1000.0, wall: float = 1_790_000_000.0) -> None:
        self._now = monotonic
        self._wall = wall
        self._order = count()
        self._timers: list[tuple[float, int, FakeTimer]] = []

    def monotonic(self) -> float:
        return self._now

    def wall(self) -> float:
        return self._wall

    def call_at(self, when: float, callback: Callable[[], None]) -> FakeTimer:
        timer = FakeTimer(callback)
        heapq.heappush(self._timers, (when, next(self._order), timer))
        return timer

    def sleep(self, seconds: float) -> Awaitable[None]:
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def wake() -> None:
            if not done.done():
                done.set_result(None)

        self.call_at(self._now + seconds, wake)
        return done

    @property
    def pending(self) -> int:
        """Timers that are still to fire: a leak check."""
        return sum(timer.callback is not None for _, _, timer in self._timers)

    def advance(self, seconds: float) -> None:
        """Move both clocks on and fire what is due, in order of time."""
        target = self._now + seconds
        while self._timers and self._timers[0][0] <= target:
            when, _, timer = heapq.heappop(self._timers)
            if timer.callback is None:
                continue
            self._wall += max(0.0, when - self._now)
            self._now = max(self._now, when)
            timer.callback()
        self._wall += target - self._now
        self._now = target

    async def run(self, work: Awaitable[object], *, step: float = 0.05, limit: float = 3600.0) -> object:
        """Run *work* to its end, moving time on whenever it waits for nothing but time."""
        task = asyncio.ensure_future(work)  # noqa: TID251  # owned by this very call
        end = self._now + limit
        try:
            while not task.done():
                for _ in range(20):  # let everything that is ready run first
                    await asyncio.sleep(0)
                    if task.done():
                        break
                else:
                    if self._now >= end:
                        raise TimeoutError(f"not done after {limit} fake seconds")
                    self.advance(step)
            return await task
        finally:
            task.cancel()
