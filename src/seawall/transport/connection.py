"""One connection to a provider. It carries one exchange at a time, and no exchange after an unclean one."""

import asyncio
from collections.abc import Callable
from typing import cast

from seawall.core.errors import ProviderError
from seawall.transport.address import probe
from seawall.transport.framing import ResponseReader

PAUSE_ABOVE = 256 * 1024
"""Bytes of body that nobody has read yet, above which no more is taken from the socket.

All of it is handed over at once, so that reading goes on from an empty buffer."""

_JOIN_BELOW = 64 * 1024  # a larger body is not copied once more to travel in one write with its head


class Connection(asyncio.Protocol):
    """The protocol of one connection; *made* and *lost* tell when its socket begins and ends to be.

    Outside of an exchange (`send` … `finish`) the server has nothing to say: whatever comes then closes
    the connection.
    """

    __slots__ = (
        "_error",
        "_loop",
        "_lost",
        "_made",
        "_paused",
        "_transport",
        "_unsent",
        "_used",
        "_waiter",
        "busy",
        "closed",
        "expires",
        "reader",
    )

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        *,
        made: Callable[["Connection"], None],
        lost: Callable[["Connection"], None],
    ) -> None:
        self._loop = loop
        self._made = made
        self._lost = lost
        self._transport: asyncio.Transport | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._error: ProviderError | None = None
        self._paused = self._unsent = self._used = False
        self.reader = ResponseReader()
        self.busy = False  # whether an exchange is under way
        self.closed = False  # whether it is of no more use; the socket may live a little longer
        self.expires = 0.0  # when an idle connection is too old to be used, on the loop's clock

    def send(self, head: bytes, body: bytes) -> None:
        """Begin an exchange."""
        if self.busy:
            raise RuntimeError("send on a connection whose exchange is not over")
        self.busy = True
        self.reader.start()
        transport = self._transport
        if transport is None:  # lost between the handshake and now
            self._fail_unanswered("connection closed as soon as it was open")
            return
        if len(body) < _JOIN_BELOW:
            transport.write(head + body)
        else:
            transport.write(head)
            transport.write(body)

    def more(self) -> asyncio.Future[None]:
        """What to await until something happens. Raises `ProviderError` once nothing can happen any more.

        Who is cancelled while awaiting it has to `abort` or `finish`.
        """
        self.check()
        if not self.busy or self._waiter is not None:
            raise RuntimeError("the exchange is over, or two tasks read one response")
        self._waiter = waiter = self._loop.create_future()
        return waiter

    def check(self) -> None:
        """Raise the `ProviderError` that has ended the exchange, if one has."""
        if self._error is not None:
            raise self._error

    async def chunk(self) -> bytes:
        """The body's next bytes, as many as there are; `b""` at its end. Raises `ProviderError`."""
        reader = self.reader
        while not reader.pieces:
            if reader.ended:
                return b""
            try:
                await self.more()
            except asyncio.CancelledError:
                self._waiter = None
                self.abort()
                raise
        data = reader.take()
        if self._paused:
            self._resume()
        return data

    async def read(self, limit: int) -> bytes:
        """The rest of the body. Raises `ProviderError`, also when it has more than *limit* bytes."""
        reader = self.reader
        if reader.ended and reader.buffered <= limit:
            return reader.take()  # a short answer is complete as soon as its head is
        pieces = []
        size = 0
        while piece := await self.chunk():
            size += len(piece)
            if size > limit:
                self.abort()
                raise ProviderError(
                    "protocol_error", "the provider's answer is too large", hint=f"more than {limit} bytes"
                )
            pieces.append(piece)
        return b"".join(pieces)

    def finish(self) -> bool:
        """End the exchange. Whether the connection can serve another; if not, it is closed already."""
        self.busy = False
        self._used = True
        self.reader.pieces.clear()
        clean = self.reader.clean and not (self.closed or self._unsent or self._paused)
        if not clean:
            self.abort()
        return clean

    def abort(self) -> None:
        """Close at once; what is still to be sent is not sent."""
        self.closed = True
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The handshakes are over."""
        if self.closed:  # given up meanwhile
            cast("asyncio.Transport", transport).abort()
            return
        self._transport = cast("asyncio.Transport", transport)
        probe(transport.get_extra_info("socket"))
        self._made(self)

    def data_received(self, data: bytes) -> None:
        """Bytes from the server."""
        if not self.busy or self.closed:
            self.abort()
            return
        reader = self.reader
        begun = reader.begun
        reader.feed(data)
        if reader.fault:
            self._fail("protocol_error", "the provider's answer is not valid HTTP", reader.fault)
        elif reader.begun:
            if not begun and self._transport is not None and self._transport.get_write_buffer_size():
                self._unsent = True  # answered before it was asked in full: no telling what comes next
            if reader.buffered > PAUSE_ABOVE and not self._paused:
                self._pause()
        else:
            return
        if self._waiter is not None:
            self._wake()

    def eof_received(self) -> bool:
        """The server closed its side. Ours closes at once: it may have stopped reading what we still send."""
        self.reader.eof()
        self.abort()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """The socket is gone, for whatever reason."""
        self.closed = True
        self._transport = None
        reader = self.reader
        if self.busy and not reader.ended:
            hint = f"{exc!r}" if exc is not None else "connection closed"
            if reader.touched:
                self._fail("stream_interrupted", "the provider's answer was cut off", hint)
            else:
                self._fail_unanswered(f"{hint}, on a connection kept open" if self._used else hint)
        self._wake()
        self._lost(self)

    def _wake(self) -> None:
        waiter = self._waiter
        if waiter is not None:
            self._waiter = None
            if not waiter.done():
                waiter.set_result(None)

    def _fail(self, code: str, message: str, hint: str) -> None:
        if self._error is None:
            self._error = ProviderError(code, message, hint=hint)
        self.abort()

    def _fail_unanswered(self, hint: str) -> None:
        self._fail("unavailable", "the provider closed the connection without an answer", hint)

    def _pause(self) -> None:
        if self._transport is not None and not self.closed:
            self._paused = True
            self._transport.pause_reading()

    def _resume(self) -> None:
        self._paused = False
        if self._transport is not None and not self.closed:
            self._transport.resume_reading()
