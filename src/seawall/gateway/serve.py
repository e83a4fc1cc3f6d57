"""A project behind its HTTP server: start, signals, drain. What `seawall serve`, the demo and drills use."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from msgspec import Struct

from seawall.gateway.app import Gateway
from seawall.gateway.counting import HttpMetrics
from seawall.gateway.http import Server
from seawall.gateway.reader import Limits
from seawall.runtime.app import App


class Served(Struct, frozen=True):
    """A gateway that answers."""

    app: App
    server: Server

    @property
    def url(self) -> str:
        """What clients set as `base_url`."""
        host, port = self.server.address
        return f"http://{f'[{host}]' if ':' in host else host}:{port}/v1"


@asynccontextmanager
async def served(app: App, *, host: str | None = None, port: int | None = None) -> AsyncIterator[Served]:
    """Answer for *app* at the project's address, or at *host* and *port* (0: any free one).

    Leaving drains: no new calls, those under way get the project's `drain` time. Raises `OSError` when the
    address cannot be had.
    """
    project = app.project
    gateway = Gateway(app, app.clock, HttpMetrics(app.registry))
    server = Server(
        gateway,
        app.clock,
        host=project.listen.host if host is None else host,
        port=project.listen.port if port is None else port,
        limits=Limits(body_bytes=project.body_limit),
    )
    await server.start()
    _expose(app, server)
    try:
        yield Served(app, server)
    finally:
        await server.drain(project.drain)


def _expose(app: App, server: Server) -> None:
    """Figures that are read when they are asked for."""
    for name, text, read in (
        ("seawall_requests_in_flight", "Requests being answered.", lambda: server.in_flight),
        ("seawall_connections", "Clients connected.", lambda: server.connections),
        (
            "seawall_records_waiting_bytes",
            "Records not in the store yet.",
            lambda: app.recorder.counters.spooled_bytes,
        ),
        ("seawall_records_dropped", "Records lost.", lambda: app.recorder.counters.dropped),
        (
            "seawall_records_oldest_seconds",
            "Age of the oldest of them.",
            lambda: app.recorder.counters.oldest_age,
        ),
    ):
        app.registry.reading(name, text, read)


async def until_signal(app: App) -> str:
    """Wait for SIGTERM or SIGINT, and say which came; SIGHUP reloads the files."""
    loop = asyncio.get_running_loop()
    stopped: asyncio.Future[str] = loop.create_future()

    def stop(name: str) -> None:
        if not stopped.done():
            stopped.set_result(name)

    async with asyncio.TaskGroup() as tasks:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop, number.name)
        loop.add_signal_handler(signal.SIGHUP, lambda: tasks.create_task(app.reload()))
        try:
            return await stopped
        finally:
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                loop.remove_signal_handler(number)
