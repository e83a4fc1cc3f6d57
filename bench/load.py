"""Asks a gateway and measures its answers: `python bench/load.py JOB`, a JSON object (see `Job`).

    closed   each connection asks again as soon as it is answered
    open     requests fall due at a fixed rate and are timed from then on, however late they could be sent,
             so that a gateway which stalls cannot hide it
    streams  streamed answers only; each piece carries the moment it was written by the provider

Prints one JSON object: counts, and percentiles in microseconds. An `open` latency leaves out the time that
the provider itself took, as it is told by the stamps in the answer.
"""

import asyncio
import json
import os
import sys
import threading
import time
from typing import Any, NamedTuple, cast
from urllib.parse import urlsplit

import uvloop
from upstream import STAMP, is_whole, stamps

GRACE = 10.0  # seconds for what is still under way at the end
OK = b"HTTP/1.1 200"
SENTENCE = "Summarise the following meeting notes for the team in three short points. "


class Job(NamedTuple):
    """What to ask, how often, for how long."""

    mode: str
    url: str
    key: str
    model: str
    connections: int
    seconds: float
    rate: int = 0
    prompt: int = 1000
    """Bytes of the user's message."""

    def request(self) -> bytes:
        """The request as it goes out, always the same."""
        document: dict[str, Any] = {
            "model": self.model,
            "messages": [
                {"role": "system", "content": "You are a helpful assistant."},
                {"role": "user", "content": (SENTENCE * (self.prompt // len(SENTENCE) + 1))[: self.prompt]},
            ],
            "temperature": 0.7,
            "max_tokens": 256,
        }
        if self.mode == "streams":
            document |= {"stream": True, "stream_options": {"include_usage": True}}
        body = json.dumps(document, separators=(",", ":")).encode()
        place = urlsplit(self.url)
        return (
            f"POST {place.path} HTTP/1.1\r\nhost: {place.netloc}\r\nauthorization: Bearer {self.key}\r\n"
            f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        ).encode() + body


def percentile(sorted_values: list[float], share: float) -> float | None:
    """The value that *share* of all values do not exceed; `None` where there are none."""
    if not sorted_values:
        return None
    return sorted_values[max(0, min(len(sorted_values) - 1, round(share * len(sorted_values)) - 1))]


class Connection(asyncio.Protocol):
    """One connection with at most one question under way."""

    transport: asyncio.Transport

    def __init__(self, load: "Load") -> None:
        self._load = load
        self.due = 0.0
        self.received = b""
        self.asking = False
        self.heard = False
        """Whether a piece of the streamed answer has come."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        if self.asking:
            self.asking = False
            self._load.answered(self, b"")

    def ask(self, due: float) -> None:
        """Send the request; its time counts from *due*, on the monotonic clock."""
        self.due = due
        self.asking = True
        self.heard = False
        self.transport.write(self._load.request)

    def data_received(self, data: bytes) -> None:
        if self.received:
            data = self.received + data
        if not is_whole(data):
            self.received = data
            return
        self.received = b""
        self.asking = False
        self._load.answered(self, data)


class Stream(Connection):
    """A connection whose answers are read piece by piece."""

    def __init__(self, load: "Streams") -> None:
        super().__init__(load)
        self._streams = load
        self._status = b""

    def data_received(self, data: bytes) -> None:
        now = time.monotonic_ns()
        data = self.received + data
        if not self._status:
            self._status = data[: len(OK)]
        if self._status != OK:
            self.received = data
            if is_whole(data):
                self._end(data)
            return
        end = 0
        for found in STAMP.finditer(data):
            self._streams.arrived(self, now, stamps(found[0])[0])
            end = found.end()
        if data.endswith(b"0\r\n\r\n"):
            self._end(self._status)
        else:
            self.received = data[max(end, len(data) - 32) :]  # a stamp, or the end, may have been cut

    def _end(self, answer: bytes) -> None:
        self.received = self._status = b""
        self.asking = False
        self._streams.answered(self, answer)


class Load:
    """Closed loop; the other modes differ in when they ask."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.request = job.request()
        self.latencies: list[float] = []
        self.answered_ok = self.failed = self.under_way = 0
        self.began = self.ended = self.until = 0.0
        self.over = asyncio.Event()

    async def run(self) -> dict[str, Any]:
        """Ask for as long as the job says, wait for what is under way, and tell."""
        loop = asyncio.get_running_loop()
        place = urlsplit(self.job.url)
        connections: list[Connection] = []
        for _ in range(self.job.connections):
            _, connection = await loop.create_connection(self.connect, place.hostname or "", place.port or 80)
            connections.append(connection)
        self.began = self.ended = time.monotonic()
        self.until = self.began + self.job.seconds
        self.begin(connections)
        try:
            await asyncio.wait_for(self.over.wait(), self.job.seconds + GRACE)
        except TimeoutError:
            self.failed += self.under_way
        return self.told()

    def connect(self) -> Connection:
        """The protocol of one more connection."""
        return Connection(self)

    def begin(self, connections: list[Connection]) -> None:
        """Ask for the first time, on every connection."""
        for connection in connections:
            self.ask(connection, time.monotonic())

    def ask(self, connection: Connection, due: float) -> None:
        self.under_way += 1
        connection.ask(due)

    def answered(self, connection: Connection, answer: bytes) -> None:
        """An answer is complete; an empty one means that the connection broke."""
        self.under_way -= 1
        now = time.monotonic()
        self.count(connection, answer, now)
        if now < self.until and answer:
            self.ask(connection, now)
        elif not self.under_way:
            self.over.set()

    def count(self, connection: Connection, answer: bytes, now: float) -> None:
        self.ended = now
        if answer.startswith(OK):
            self.answered_ok += 1
            self.latencies.append((now - connection.due) * 1e6)
        else:
            self.failed += 1

    def told(self) -> dict[str, Any]:
        """The result, with percentiles in microseconds."""
        took = self.ended - self.began
        return {
            "ok": self.answered_ok,
            "failed": self.failed,
            "per_second": self.answered_ok / took if took else 0.0,
            **_percentiles("latency", self.latencies),
            "load_cpu": time.process_time(),
        }


class Open(Load):
    """A fixed rate. What falls due while all connections are busy waits, and its time runs."""

    def __init__(self, job: Job) -> None:
        super().__init__(job)
        self._idle: list[Connection] = []
        self._waiting: list[float] = []
        self._due = 0
        self._all = round(job.rate * job.seconds)
        # A thread that sleeps is on time to some 60 us; the loop's own timers count in milliseconds.
        self._bell = os.eventfd(0)

    def begin(self, connections: list[Connection]) -> None:
        self._idle = connections
        asyncio.get_running_loop().add_reader(self._bell, self._send_due)
        threading.Thread(target=self._ring, daemon=True).start()

    def _ring(self) -> None:
        for number in range(self._all):
            time.sleep(max(0.0, self.began + number / self.job.rate - time.monotonic()))
            os.eventfd_write(self._bell, 1)

    def _send_due(self) -> None:
        for _ in range(os.eventfd_read(self._bell)):
            self._waiting.append(self.began + self._due / self.job.rate)
            self._due += 1
        while self._waiting and self._idle:
            self.ask(self._idle.pop(), self._waiting.pop(0))

    def answered(self, connection: Connection, answer: bytes) -> None:
        self.under_way -= 1
        self.count(connection, answer, time.monotonic())
        if answer and self._waiting:
            self.ask(connection, self._waiting.pop(0))
        elif answer:
            self._idle.append(connection)
        if self.answered_ok + self.failed == self._all:
            self.over.set()

    def count(self, connection: Connection, answer: bytes, now: float) -> None:
        super().count(connection, answer, now)
        if answer.startswith(OK):
            came, left = stamps(answer)
            self.latencies[-1] -= (left - came) / 1000


class Streams(Load):
    """As many streamed answers at a time as there are connections, begun evenly over the first second."""

    def __init__(self, job: Job) -> None:
        super().__init__(job)
        self.lags: list[float] = []

    def connect(self) -> Connection:
        return Stream(self)

    def begin(self, connections: list[Connection]) -> None:
        loop = asyncio.get_running_loop()
        for number, connection in enumerate(connections):
            loop.call_later(number / len(connections), self._first_ask, connection)

    def _first_ask(self, connection: Connection) -> None:
        self.ask(connection, time.monotonic())

    def arrived(self, connection: Connection, now: int, written: int) -> None:
        """A piece that was written at *written* has come at *now*, both in nanoseconds."""
        self.lags.append((now - written) / 1000)
        if not connection.heard:
            connection.heard = True
            self.latencies.append(now / 1000 - connection.due * 1e6)

    def count(self, connection: Connection, answer: bytes, now: float) -> None:
        self.ended = now
        if answer.startswith(OK):
            self.answered_ok += 1
        else:
            self.failed += 1

    def told(self) -> dict[str, Any]:
        return super().told() | {"chunks": len(self.lags)} | _percentiles("lag", self.lags)


def _percentiles(name: str, values: list[float]) -> dict[str, float | None]:
    values.sort()
    return {f"{name}_p50": percentile(values, 0.5), f"{name}_p99": percentile(values, 0.99)}


MODES: dict[str, type[Load]] = {"closed": Load, "open": Open, "streams": Streams}


async def carry_out(job: Job) -> dict[str, Any]:
    """Do *job*."""
    return await MODES[job.mode](job).run()


if __name__ == "__main__":
    print(json.dumps(uvloop.run(carry_out(Job(**json.loads(sys.argv[1]))))))
