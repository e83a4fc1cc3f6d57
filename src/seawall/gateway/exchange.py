"""`Exchange`: one request and its answer, as a handler sees them."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from seawall.gateway.heads import CLOSE, JSON, NO_LINES, HeaderForm, HeaderLines, status_line
from seawall.gateway.refusals import Refusal

_ID_LINE = HeaderForm("x-request-id")


AT_ONCE = 64 * 1024
"""Bytes of pieces that wait for the end of the loop's turn; more leave at once."""


class Line(Protocol):
    """What an exchange needs of the connection it came on."""

    transport: asyncio.Transport
    gone: bool
    """Nobody is there any more; what is written goes nowhere."""
    paused: asyncio.Future[None] | None
    """Set while the write buffer is full."""
    sent_at: float

    def soon(self, callback: Callable[[], None], /) -> object:
        """Call *callback* in the next turn of the event loop."""
        ...

    def now(self) -> float: ...

    def date(self) -> bytes: ...

    @property
    def closing(self) -> bool:
        """Whether this connection takes no further request."""
        ...

    def keep_alive_with(self, heartbeat: bytes) -> None:
        """Send *heartbeat* whenever nothing else was sent for a while; empty: no longer."""
        ...


class Exchange:
    """One request and its answer.

    The request: `method`, `path` (raw, never decoded or normalised), `query` (raw, without the question
    mark), `headers` (names in lower case; a repeated one is joined by commas), `body`.

    The answer is either one `respond`, or `start`, any `write`, `end`. The id given to `identify` and
    `labels`, once set, go out with whatever answer follows, an error as well.
    """

    __slots__ = (
        "_chunked",
        "_id_line",
        "_line",
        "_unsent",
        "_unsent_bytes",
        "body",
        "ended",
        "handler",
        "headers",
        "keep_alive",
        "labels",
        "method",
        "path",
        "query",
        "refusal",
        "request_id",
        "shutting_down",
        "started",
        "status",
    )

    def __init__(self, line: Line) -> None:
        self._line = line
        self.method = b""
        self.path = b""
        self.query = b""
        self.headers: dict[bytes, bytes] = {}
        self.body = b""
        self.keep_alive = True
        self._chunked = True
        self._unsent: list[bytes] = []
        self._unsent_bytes = 0
        self.handler: Handler | None = None
        self.refusal: Refusal | None = None
        self.request_id = ""
        self._id_line: HeaderLines = NO_LINES
        self.labels: HeaderLines = NO_LINES
        self.status = 0
        """Of the answer; 0 until one has begun."""
        self.started = False
        self.ended = False
        self.shutting_down = False
        """Set before the handler is cancelled because the server stops, not because the client left."""

    def speak_http_1_0(self) -> None:
        """The client knows neither chunks nor, with us, keep-alive."""
        self._chunked = self.keep_alive = False

    def identify(self, request_id: str) -> None:
        """Set the id under which client and log can name this exchange; sent as `x-request-id`."""
        self.request_id = request_id
        self._id_line = _ID_LINE.fill(request_id)

    @property
    def peer(self) -> str:
        """The address at the other end of the connection; empty when it is not known."""
        name = self._line.transport.get_extra_info("peername")
        return str(name[0]) if isinstance(name, tuple) else ""

    def respond(
        self, status: int, body: bytes, content_type: bytes = JSON, headers: HeaderLines = NO_LINES
    ) -> None:
        """Answer all at once."""
        if self.started:
            raise RuntimeError(f"the exchange has already been answered with {self.status}")
        self.started = self.ended = True
        line = self._line
        if line.gone:
            return
        line.transport.write(
            b"".join(
                (
                    *self._opening(status),
                    b"content-type: %b\r\ncontent-length: %d\r\n" % (content_type, len(body)),
                    headers,
                    b"\r\n",
                    body if self.method != b"HEAD" else b"",
                )
            )
        )

    def refuse(self, refusal: Refusal) -> None:
        """Answer with *refusal*."""
        self.respond(refusal.status, refusal.body, headers=refusal.headers)

    def start(
        self, status: int, content_type: bytes, headers: HeaderLines = NO_LINES, heartbeat: bytes = b""
    ) -> None:
        """Begin an answer that comes in pieces. *heartbeat* is sent whenever nothing was for a while."""
        if self.started:
            raise RuntimeError(f"the exchange has already been answered with {self.status}")
        self.started = True
        line = self._line
        if line.gone:
            return
        self._later(
            b"".join(
                (
                    *self._opening(status),
                    b"content-type: %b\r\n" % content_type,
                    b"transfer-encoding: chunked\r\n" if self._chunked else b"",
                    headers,
                    b"\r\n",
                )
            )
        )
        line.keep_alive_with(self._framed(heartbeat) if heartbeat else b"")

    def send(self, data: bytes) -> None:
        """Send a piece. Await `drained` before the next one, or use `write`, which does."""
        if self.ended or not self.started:
            raise RuntimeError("send belongs between start and end")
        line = self._line
        if data and not line.gone:
            self._later(b"%x\r\n%b\r\n" % (len(data), data) if self._chunked else data)
            line.sent_at = line.now()

    @property
    def drained(self) -> asyncio.Future[None] | None:
        """What to await before the next piece; `None` while no more than allowed is unsent."""
        return self._line.paused

    async def write(self, data: bytes) -> None:
        """Send a piece; waits only while more than the allowed number of bytes is still unsent."""
        self.send(data)
        if (drained := self.drained) is not None:
            await drained

    def end(self, last: bytes = b"", *, close: bool = False) -> None:
        """Finish the answer, with *last* as its last piece; *close*: and the connection with it.

        Waits for nothing, so that it can still be called when the handler has been cancelled.
        """
        if self.ended or not self.started:
            raise RuntimeError("end belongs after start, once")
        self.ended = True
        if close:
            self.keep_alive = False
        line = self._line
        if line.gone:
            return
        line.keep_alive_with(b"")
        tail = b"0\r\n\r\n" if self._chunked else b""
        self._unsent.append(self._framed(last) + tail if last else tail)
        self._flush()

    def _later(self, data: bytes) -> None:
        # What comes in one turn of the loop leaves as one write: a provider often sends several events at
        # once, and a system call costs more than all that is done to an event.
        unsent = self._unsent
        unsent.append(data)
        self._unsent_bytes += len(data)
        if self._unsent_bytes > AT_ONCE:
            self._flush()
        elif len(unsent) == 1:
            self._line.soon(self._flush)

    def _flush(self) -> None:
        unsent = self._unsent
        if unsent:
            self._unsent = []
            self._unsent_bytes = 0
            if not self._line.gone:
                self._line.transport.write(unsent[0] if len(unsent) == 1 else b"".join(unsent))

    def _framed(self, data: bytes) -> bytes:
        return b"%x\r\n%b\r\n" % (len(data), data) if self._chunked else data

    def _opening(self, status: int) -> tuple[bytes, ...]:
        """Status line and the headers that every answer has."""
        self.status = status
        line = self._line
        if line.closing:
            self.keep_alive = False
        closing = b"" if self.keep_alive else CLOSE
        return status_line(status), line.date(), self._id_line, self.labels, closing


Handler = Callable[[Exchange], Coroutine[Any, Any, None]]
"""Answers an exchange."""
