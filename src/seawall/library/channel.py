"""From push to pull: the one adapter for those who want `async for`."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from seawall.core.call import Call
from seawall.core.events import Event
from seawall.core.groups import collapse_groups
from seawall.core.handler import Handler


class Channel:
    """Hands over one event at a time and holds none: the reader sets the pace."""

    def __init__(self) -> None:
        self._event: Event | None = None
        self._ready = asyncio.Event()
        self._taken = asyncio.Event()
        self._closed = False

    async def send(self, event: Event) -> None:
        """Returns once the reader has taken *event*."""
        self._event = event
        self._ready.set()
        await self._taken.wait()
        self._taken.clear()

    def close(self) -> None:
        """No more will come."""
        self._closed = True
        self._ready.set()

    def __aiter__(self) -> "Channel":
        return self

    async def __anext__(self) -> Event:
        await self._ready.wait()
        event, self._event = self._event, None
        if event is None:
            raise StopAsyncIteration
        if not self._closed:
            self._ready.clear()
        self._taken.set()
        return event


@asynccontextmanager
async def events_of(handler: Handler, call: Call) -> AsyncIterator[AsyncIterator[Event]]:
    """The events of *call* to iterate over; leaving the context early stops the call.

    An error of the call is raised as itself, where the reader waits for the next event or leaves.
    """
    channel = Channel()

    async def produce() -> None:
        try:
            await handler(call, channel.send)
        finally:
            channel.close()

    with collapse_groups():
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(produce())
            yield channel
            running.cancel()
