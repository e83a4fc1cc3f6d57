"""Time as it is."""

import asyncio
import time
from collections.abc import Awaitable, Callable


class SystemClock:
    """Implements `seawall.core.ports.Clock` on the running event loop."""

    monotonic = staticmethod(time.monotonic)
    wall = staticmethod(time.time)

    def call_at(self, when: float, callback: Callable[[], None]) -> "Alarm":
        """Run *callback* in the running loop, never before `monotonic()` has reached *when*."""
        return Alarm(asyncio.get_running_loop(), when, callback)

    def sleep(self, seconds: float) -> Awaitable[None]:
        """Wait; not at all when *seconds* is not positive."""
        return asyncio.sleep(seconds)


class Alarm:
    """A callback that will run, unless it is cancelled."""

    __slots__ = ("_callback", "_handle", "_loop", "_when")

    def __init__(self, loop: asyncio.AbstractEventLoop, when: float, callback: Callable[[], None]) -> None:
        self._loop = loop
        self._when = when
        self._callback = callback
        self._handle = loop.call_later(max(0.0, when - time.monotonic()), self._ring)

    def cancel(self) -> None:
        """See to it that it does not run. Harmless when it has run already."""
        self._handle.cancel()

    def _ring(self) -> None:
        early = self._when - time.monotonic()
        if early > 0:  # a loop counts from the beginning of its turn, and may round
            self._handle = self._loop.call_later(early + 0.001, self._ring)
        else:
            self._callback()
