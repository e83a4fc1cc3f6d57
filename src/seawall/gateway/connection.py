"""One client's connection: requests in, answered strictly one after the other, and the timers on both.

There is one timer for each connection. It is moved lazily: a deadline that moves away costs an assignment,
and the timer finds out when it fires.
"""

import asyncio
import logging
from collections.abc import Callable
from math import inf
from typing import cast

import httptools
from msgspec import Struct

from seawall.core.ports import Clock, Timer
from seawall.gateway import refusals
from seawall.gateway.exchange import Exchange
from seawall.gateway.heads import CONTINUE, DateLine
from seawall.gateway.reader import BETWEEN, HEAD, Face, Limits, Reader, Stopped

log = logging.getLogger("seawall.gateway")

SHUTDOWN = "shutdown"
"""The message with which a handler is cancelled because the server stops, not because its client left."""

_BODY_WINDOW = 5.0  # seconds over which the rate of a body is judged


class Shared(Struct, eq=False):
    """What all connections of a server have in common."""

    face: Face
    limits: Limits
    clock: Clock
    loop: asyncio.AbstractEventLoop
    verbs: frozenset[bytes]
    date: DateLine
    connections: set["Connection"]
    draining: bool = False
    when_empty: Callable[[], None] | None = None

    def leave(self, connection: "Connection") -> None:
        """*connection* is closed and its handler over."""
        self.connections.discard(connection)
        if self.when_empty is not None and not self.connections:
            self.when_empty()


class Connection(asyncio.Protocol):
    """The protocol object of one connection."""

    __slots__ = (
        "_armed",
        "_body_from",
        "_body_mark",
        "_cancelled",
        "_closing",
        "_current",
        "_deaf",
        "_heartbeat",
        "_ignored",
        "_invited",
        "_limits",
        "_queue",
        "_read_due",
        "_reader",
        "_reading_paused",
        "_shared",
        "_stall_mark",
        "_task",
        "_timed",
        "_timer",
        "_write_due",
        "date",
        "gone",
        "now",
        "paused",
        "sent_at",
        "soon",
        "transport",
    )

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._limits = shared.limits
        self.now = shared.clock.monotonic
        self.date = shared.date
        self.soon = shared.loop.call_soon
        self._reader = Reader(self, shared.face, shared.limits, shared.verbs)
        self._queue: list[Exchange] = []
        self._current: Exchange | None = None
        self._task: asyncio.Task[None] | None = None
        self._cancelled = self._closing = self._deaf = self._invited = self._reading_paused = False
        self._ignored = 0
        self.gone = False
        self.paused: asyncio.Future[None] | None = None
        self.sent_at = 0.0
        self._heartbeat = b""
        self._timer: Timer | None = None
        self._armed = inf  # when the timer fires
        self._read_due = self._write_due = inf  # when the client, or our answer to it, is late
        self._timed = BETWEEN  # what `_read_due` was set for
        self._body_from = 0.0
        self._body_mark = 0
        self._stall_mark = 0

    # Called by the event loop.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        connections = self._shared.connections
        connections.add(self)
        self.transport.set_write_buffer_limits(high=self._limits.write_buffer)
        if self._shared.draining:
            self._close()
        elif len(connections) > self._limits.connections:
            self._reader.reject(refusals.FULL)
        else:
            self._read_by(self.now() + self._limits.head_seconds)

    def data_received(self, data: bytes) -> None:
        if self._deaf:
            self._ignore(data)
            return
        reader = self._reader
        try:
            reader.feed(data)
        except Stopped:
            return
        except httptools.HttpParserCallbackError:
            if not reader.rejected:  # not our own `Stopped` but a bug
                self.transport.abort()
                raise
            return
        except httptools.HttpParserInvalidMethodError:
            self._reject_broken(refusals.method_refused(self._shared.verbs))
            return
        except httptools.HttpParserError:
            self._reject_broken(refusals.MALFORMED)
            return
        if reader.phase != self._timed:
            self._time_reader()
        if self._queue and not self._reading_paused and not self._deaf:
            self._hold_back()

    def eof_received(self) -> bool:
        self._cancel_task()  # a client that has hung up its half is taken to have left
        self._close()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self.gone = self._deaf = True
        self._queue.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._task is None:
            self._shared.leave(self)
        else:
            self._task.add_done_callback(self._forget)
            self._cancel_task()

    def pause_writing(self) -> None:
        self.paused = self._shared.loop.create_future()
        self._stall_mark = self.transport.get_write_buffer_size()
        self._write_by(self.now() + self._limits.stall_seconds)

    def resume_writing(self) -> None:
        paused, self.paused = self.paused, None
        if paused is not None and not paused.done():
            paused.set_result(None)
        if not self._closing:
            self._write_by(self.sent_at + self._limits.heartbeat_seconds if self._heartbeat else inf)
            if self._task is None:
                self._next()

    # Called by the reader.

    @property
    def waiting(self) -> int:
        return len(self._queue)

    def take(self, exchange: Exchange) -> None:
        self._timed = BETWEEN
        self._read_due = inf
        if not exchange.keep_alive:
            self._deaf = True
        if self._task is None and self.paused is None and not self._queue:
            self._begin(exchange)
        else:
            self._queue.append(exchange)

    def take_last(self, exchange: Exchange) -> None:
        self._deaf = True
        self.take(exchange)

    def invite(self) -> None:
        if self._task is None and self.paused is None and not self._queue:
            self.transport.write(CONTINUE)
        else:
            self._invited = True  # an answer is still due before: see `_next`

    # Called by the exchange.

    @property
    def closing(self) -> bool:
        return self._closing or self._shared.draining

    def keep_alive_with(self, heartbeat: bytes) -> None:
        self._heartbeat = heartbeat
        if self.paused is None and not self._closing:
            if heartbeat:
                self.sent_at = self.now()
                self._write_by(self.sent_at + self._limits.heartbeat_seconds)
            else:
                self._write_due = inf

    # Called by the server.

    @property
    def busy(self) -> bool:
        """Whether a handler is at work."""
        return self._task is not None and not self.gone

    def retire(self) -> None:
        """Close now if nothing is under way, otherwise after the answer that is."""
        if self._task is None and not self._queue and self._reader.phase == BETWEEN:
            self._close()

    def expire(self) -> None:
        """End what is under way: its handler is cancelled and tells the client so."""
        if self._task is None or self._current is None:
            self._close()
        else:
            self._current.shutting_down = True
            self._task.add_done_callback(self._abandon)
            self._cancel_task(SHUTDOWN)

    def abort(self) -> None:
        """Drop the connection with whatever is unsent."""
        if not self.gone:
            self.transport.abort()

    # One exchange after the other.

    def _begin(self, exchange: Exchange) -> None:
        self._current = exchange
        if exchange.refusal is not None:
            exchange.refuse(exchange.refusal)
            self._conclude(exchange)
        else:
            self._task = self._shared.loop.create_task(self._run(exchange))

    async def _run(self, exchange: Exchange) -> None:
        try:
            assert exchange.handler is not None  # noqa: S101  # a taken exchange has a refusal or a handler
            await exchange.handler(exchange)
        finally:
            self._task = None
            self._conclude(exchange)

    def _conclude(self, exchange: Exchange) -> None:
        """An answer is over; go on with what waits."""
        self._current = None
        if self.gone:
            self._shared.leave(self)
        elif not exchange.ended:
            self.transport.abort()  # an answer that stopped half-way must not look like a whole one
        elif self._closing:
            return  # the client has hung up: what still waits is not begun
        elif exchange.refusal is not None and not exchange.keep_alive:
            self._linger()
        elif not exchange.keep_alive or self._shared.draining:
            self._close()
        else:
            self._next()

    def _next(self) -> None:
        if self.paused is not None:
            return  # the client must take its answers before it gets more
        if self._queue:
            self._begin(self._queue.pop(0))
            return
        phase = self._reader.phase
        if self._invited:
            self._invited = False
            self.transport.write(CONTINUE)
            self._time_reader()
        if self._reading_paused:
            self._reading_paused = False
            self.transport.resume_reading()
            if phase != BETWEEN:
                self._time_reader()
        if phase == BETWEEN:
            self._read_by(self.now() + self._limits.idle_seconds)

    def _hold_back(self) -> None:
        """Stop reading once enough waits. Not before: who does not read does not notice a client leave."""
        waiting = sum(len(exchange.body) for exchange in self._queue) + self._reader.received
        if 2 * len(self._queue) >= self._limits.pipelined or waiting > self._limits.refused_body_bytes:
            self._reading_paused = True
            self._read_due = inf  # what we do not read cannot be late
            self.transport.pause_reading()

    def _ignore(self, data: bytes) -> None:
        self._ignored += len(data)
        if self._ignored > self._limits.body_bytes:
            self.transport.abort()

    def _reject_broken(self, refusal: refusals.Refusal) -> None:
        if not self._deaf:  # bytes after the last request are nobody's request
            self._reader.reject(refusal)

    # The end.

    def _close(self) -> None:
        """Close once everything is sent, or has been refused by a client that does not read."""
        self._closing = self._deaf = True
        self._read_due = inf
        self._heartbeat = b""
        self._write_by(self.now() + self._limits.stall_seconds)
        self.transport.close()

    def _linger(self) -> None:
        """Close, but throw away for a while what the client still sends.

        Closing with unread bytes resets the connection, and the reset may overtake the refusal.
        """
        self._closing = True
        self._write_by(self.now() + self._limits.linger_seconds)
        self.transport.write_eof()

    def _cancel_task(self, reason: str | None = None) -> None:
        if self._task is not None and not self._cancelled:
            self._cancelled = True
            self._task.cancel(reason)

    def _forget(self, _task: asyncio.Task[None]) -> None:
        self._shared.leave(self)

    def _abandon(self, _task: asyncio.Task[None]) -> None:
        if self._current is not None:  # cancelled before it began: nothing was said to the client
            self.abort()

    # Time.

    def _time_reader(self) -> None:
        """The client has begun something: it must finish it in time."""
        self._timed = self._reader.phase
        if self._invited:
            return  # it waits for us
        now = self.now()
        if self._timed == HEAD:
            self._read_by(now + self._limits.head_seconds)
        else:
            self._body_from = now
            self._body_mark = 0
            self._read_by(now + _BODY_WINDOW)

    def _read_by(self, due: float) -> None:
        self._read_due = due
        self._arm(due)

    def _write_by(self, due: float) -> None:
        self._write_due = due
        self._arm(due)

    def _arm(self, due: float) -> None:
        if due < self._armed and not self.gone:
            if self._timer is not None:
                self._timer.cancel()
            self._armed = due
            self._timer = self._shared.clock.call_at(due, self._tick)

    def _tick(self) -> None:
        self._timer = None
        self._armed = inf
        now = self.now()
        if now >= self._read_due:
            self._client_is_late(now)
        if now >= self._write_due:
            self._answer_is_late(now)
        due = min(self._read_due, self._write_due)
        if due < inf:
            self._arm(due)

    def _client_is_late(self, now: float) -> None:
        reader = self._reader
        self._read_due = inf
        if reader.phase == HEAD:
            reader.reject(refusals.HEAD_LATE)
        elif reader.phase == BETWEEN:
            self._close()
        elif (
            now - self._body_from < self._limits.body_seconds
            and reader.received - self._body_mark >= self._limits.body_rate * _BODY_WINDOW
        ):
            self._body_mark = reader.received
            self._read_due = now + _BODY_WINDOW
        else:
            reader.reject(refusals.BODY_LATE)

    def _answer_is_late(self, now: float) -> None:
        limits = self._limits
        if self._closing:
            self.transport.abort()
            self._write_due = inf
        elif self.paused is not None:
            unsent = self.transport.get_write_buffer_size()
            if self._stall_mark - unsent < limits.body_rate * limits.stall_seconds:
                log.info("a client that had stopped reading was dropped")
                self.transport.abort()
                self._write_due = inf
            else:
                self._stall_mark = unsent
                self._write_due = now + limits.stall_seconds
        elif self._heartbeat:
            if now >= self.sent_at + limits.heartbeat_seconds:
                self.transport.write(self._heartbeat)
                self.sent_at = now
            self._write_due = self.sent_at + limits.heartbeat_seconds
        else:
            self._write_due = inf
