"""One connection: reads requests, plays responses step by step, notices when the client is gone.

There is no task: a response is an iterator of steps, moved on by the clock and by the transport's
flow control, so that closing the connection is all the clean-up there is.
"""

import asyncio
import socket
import struct
from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final, cast

import httptools

from seawall.core.ports import Timer
from seawall.plugins.providers.scripted.events import Ending, Step
from seawall.plugins.providers.scripted.log import Outcome, Received
from seawall.plugins.providers.scripted.response import error_body

if TYPE_CHECKING:
    from seawall.plugins.providers.scripted.server import ScriptedServer

_LINGER_NONE: Final = struct.pack("ii", 1, 0)
_MOST_BODY: Final = 64 << 20
_BURST: Final = 256


class Connection(asyncio.Protocol):
    """The server's end of one TCP connection."""

    def __init__(self, server: "ScriptedServer") -> None:
        self._server = server
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpRequestParser(self)
        self._queue: deque[Received] = deque()
        self._steps: Iterator[Step] | None = None
        self._current: Received | None = None
        self._timer: Timer | None = None
        self._paused = False
        self._advancing = False
        self._leaving: Outcome | None = None
        self.number = 0
        self._reset_request()

    def _reset_request(self) -> None:
        self._path = b""
        self._headers: dict[str, str] = {}
        self._body: list[bytes] = []
        self._size = 0

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        if not self._server.connected(self):
            self._reset()

    def connection_lost(self, exc: Exception | None) -> None:
        self._cancel_timer()
        self._transport = None
        if self._current is not None:
            self._over(self._leaving or "closed_by_client")
        for entry in self._queue:
            self._server.ended(entry, "closed_by_client")
        self._queue.clear()
        self._server.disconnected(self)

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserCallbackError:
            raise  # a mistake of ours, which the event loop reports; not one of the client
        except httptools.HttpParserUpgrade:
            self._refuse(400, "this server does not upgrade connections")
        except httptools.HttpParserError as error:
            self._refuse(400, f"the request is not HTTP/1.1: {error}")

    def pause_writing(self) -> None:
        self._paused = True

    def resume_writing(self) -> None:
        self._paused = False
        if self._steps is not None and self._timer is None:
            self._advance()

    # What the parser calls.

    def on_url(self, url: bytes) -> None:
        self._path += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_body(self, body: bytes) -> None:
        self._size += len(body)
        if self._size > _MOST_BODY:
            self._refuse(413, f"the body is larger than {_MOST_BODY} bytes")
        else:
            self._body.append(body)

    def on_message_complete(self) -> None:
        method = self._parser.get_method().decode("latin-1")
        path = self._path.decode("latin-1").partition("?")[0]
        entry = self._server.received(self, method, path, self._headers, b"".join(self._body))
        entry.keeps_alive = bool(self._parser.should_keep_alive())
        self._reset_request()
        self._queue.append(entry)
        if self._current is None:
            self._next()

    # Playing responses.

    def _next(self) -> None:
        if self._queue and self._transport is not None and not self._transport.is_closing():
            self._current = self._queue.popleft()
            self._server.submit(self, self._current)

    def play(self, steps: Iterator[Step]) -> None:
        """Begin the response to the current request."""
        self._steps = steps
        if not self._advancing:  # else the loop below goes on with it: pipelining must not nest
            self._advance()

    def _advance(self) -> None:
        """Take steps until one has to wait, the client reads too slowly, or there are none left."""
        self._timer = None
        self._advancing = True
        try:
            self._take_steps()
        finally:
            self._advancing = False

    def _take_steps(self) -> None:
        burst = 0
        while self._steps is not None and self._transport is not None and not self._paused:
            step = next(self._steps, None)
            if step is None:
                self._finish()
            elif isinstance(step, bytes):
                self._write(step)
                burst += 1
                if burst >= _BURST:
                    self._soon()
                    return
            elif isinstance(step, Ending):
                self._end(step)
                return
            elif step > 0:
                self._timer = self._server.clock.call_at(self._server.clock.monotonic() + step, self._advance)
                return
            else:
                self._soon()
                return

    def _finish(self) -> None:
        """The response is written: go on with the next request, unless the client wants no more."""
        keeps_alive = self._current is None or self._current.keeps_alive
        self._over("finished")
        if keeps_alive:
            self._next()
        elif self._transport is not None:
            self._transport.close()

    def _soon(self) -> None:
        """Go on at the loop's next turn, so that others get theirs."""
        self._timer = asyncio.get_running_loop().call_soon(self._advance)

    def _write(self, data: bytes) -> None:
        if self._current is not None:
            self._current.written += len(data)
        if self._transport is not None:
            self._transport.write(data)

    def _end(self, ending: Ending) -> None:
        """Stop short. A hanging answer stays under way until the client or the server goes."""
        if ending is Ending.CLOSE:
            self._leave("ended_by_fault")
            if self._transport is not None:
                self._transport.close()
        elif ending is Ending.RESET:
            self._leave("ended_by_fault")
            self._reset()

    def _leave(self, outcome: Outcome) -> None:
        """Note that the connection ends because of us, for the moment at which it is gone."""
        self._leaving = outcome
        self._steps = None

    def _reset(self) -> None:
        """Tear the connection down with RST, once what was written has reached the kernel."""
        transport = self._transport
        if transport is None:
            return
        if transport.get_write_buffer_size() > 0:
            self._timer = asyncio.get_running_loop().call_later(0.001, self._reset)
            return
        sock: socket.socket = transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NONE)
        transport.abort()

    def _refuse(self, status: int, message: str) -> None:
        if self._transport is not None and not self._transport.is_closing():
            body = error_body(status, message)
            head = f"HTTP/1.1 {status} Refused\r\nconnection: close\r\ncontent-length: {len(body)}\r\n\r\n"
            self._transport.write(head.encode() + body)
            self._transport.close()

    def _over(self, outcome: Outcome) -> None:
        entry, self._current, self._steps = self._current, None, None
        if entry is not None:
            self._server.ended(entry, outcome)

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def stop(self) -> None:
        """The server closes: let go at once."""
        self._cancel_timer()
        self._leaving = "stopped"
        if self._transport is not None:
            self._transport.abort()
