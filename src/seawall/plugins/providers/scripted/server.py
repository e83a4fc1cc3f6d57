"""The scripted provider's HTTP server, which speaks OpenAI's Chat Completions and can break its word."""

import asyncio
from collections import deque

from seawall.core.ports import Clock
from seawall.plugins.providers.scripted.connection import Connection
from seawall.plugins.providers.scripted.limits import Capacity, Limits
from seawall.plugins.providers.scripted.log import Counters, Outcome, Received, RequestLog
from seawall.plugins.providers.scripted.plan import FaultPlan
from seawall.plugins.providers.scripted.service import Job, Options, Service
from seawall.plugins.providers.scripted.timing import LoopClock


class ScriptedServer:
    """A deterministic model behind a real HTTP server.

    The same request, model name and *seed* give the same answer, ids and delays. *speed* makes all models
    so many times as fast; *created* fixes the creation time in answers (Unix seconds), which is otherwise
    the clock's. With *api_key*, requests without that bearer token get 401. `faults` may be changed while
    it runs; `requests` and `counters` tell what it was asked and how that went.
    """

    def __init__(
        self,
        *,
        seed: int = 0,
        speed: float = 1.0,
        created: int | None = None,
        api_key: str | None = None,
        capacity: Capacity | None = None,
        clock: Clock | None = None,
    ) -> None:
        if not speed > 0:
            raise ValueError(f"speed {speed!r} must be above 0: 2 is twice as fast, 0.5 half as fast")
        self.clock: Clock = clock or LoopClock()
        self._capacity = capacity or Capacity()
        self.faults = FaultPlan(self.clock, seed)
        self.requests = RequestLog()
        self.counters = Counters()
        limits = Limits(self._capacity, self.clock)
        self._service = Service(Options(seed, speed, created, api_key), self.clock, self.faults, limits)
        self._waiting: deque[tuple[Connection, Job]] = deque()
        self._handing_on = False
        self._places: set[int] = set()
        self._connections: set[Connection] = set()
        self._empty = asyncio.Event()
        self._server: asyncio.Server | None = None
        self._address = ("", 0)

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen; with *port* 0 on any free one. Raises `OSError` when the address cannot be had."""
        if self._server is not None:
            raise RuntimeError(f"the server already listens at {self.url}")
        self._server = await asyncio.get_running_loop().create_server(
            lambda: Connection(self), host, port, backlog=1024
        )
        bound = self._server.sockets[0].getsockname()
        self._address = (bound[0], bound[1])

    @property
    def url(self) -> str:
        """The base URL that clients are given, `/v1` included."""
        host, port = self._address
        return f"http://{f'[{host}]' if ':' in host else host}:{port}/v1"

    @property
    def port(self) -> int:
        """The port it listens on, or last did."""
        return self._address[1]

    def stop_listening(self) -> None:
        """Refuse new connections as a crashed server would; those that are open go on."""
        if self._server is not None:
            self._server.close()
            self._server = None

    async def listen_again(self) -> None:
        """Come back at the same address after `stop_listening`."""
        await self.start(*self._address)

    async def close(self) -> None:
        """Stop listening, cut off every connection, and return once all are gone."""
        self.stop_listening()
        self._waiting.clear()
        for connection in list(self._connections):
            connection.stop()
        while self._connections:
            self._empty.clear()
            await self._empty.wait()

    async def __aenter__(self) -> "ScriptedServer":
        if self._server is None:
            await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    # What connections report.

    def connected(self, connection: Connection) -> bool:
        """Take in a connection; `False` when the fault plan refuses it."""
        self.counters.connections += 1
        self.counters.open_connections += 1
        connection.number = self.counters.connections
        self._connections.add(connection)
        return not self.faults.at_accept(connection.number)

    def disconnected(self, connection: Connection) -> None:
        """Forget a connection that is gone."""
        self.counters.open_connections -= 1
        self._connections.discard(connection)
        if not self._connections:
            self._empty.set()

    def received(
        self, connection: Connection, method: str, path: str, headers: dict[str, str], body: bytes
    ) -> Received:
        """Write a request into the log."""
        self.counters.received += 1
        entry = Received(
            self.counters.received, self.clock.wall(), method, path, headers, body, connection.number
        )
        self.requests.add(entry)
        return entry

    def submit(self, connection: Connection, entry: Received) -> None:
        """Answer a request: now, or when there is room."""
        job = self._service.respond(entry)
        if job.counted and self._is_full:
            if len(self._waiting) < self._capacity.queue:
                self._waiting.append((connection, job))
                self.counters.waiting += 1
                return
            job = self._service.overloaded(entry)
        self._begin(connection, job)

    @property
    def _is_full(self) -> bool:
        return self._capacity.concurrent is not None and len(self._places) >= self._capacity.concurrent

    def _begin(self, connection: Connection, job: Job) -> None:
        if job.counted:
            self._places.add(job.entry.number)
        job.entry.outcome = "answering"
        self.counters.started += 1
        self.counters.active += 1
        self.counters.most_active = max(self.counters.most_active, self.counters.active)
        connection.play(job.steps)

    def ended(self, entry: Received, outcome: Outcome) -> None:
        """A request is over; its place goes to the one that waits longest."""
        began = entry.outcome == "answering"
        entry.outcome = outcome
        entry.ended_at = self.clock.wall()
        if not began:
            kept = [item for item in self._waiting if item[1].entry is not entry]
            self.counters.waiting -= len(self._waiting) - len(kept)
            self._waiting = deque(kept)
            return
        self.counters.active -= 1
        if outcome == "finished":
            self.counters.finished += 1
        else:
            self.counters.aborted += 1
        self._places.discard(entry.number)
        if not self._handing_on:  # an answer that ends at once comes back here: the outer loop goes on
            self._handing_on = True
            while self._waiting and not self._is_full:
                self.counters.waiting -= 1
                self._begin(*self._waiting.popleft())
            self._handing_on = False
