"""From the parser's callbacks to whole exchanges, with every cap on what a client may send.

The grammar is llhttp's in its strict mode; what it tolerates and we do not is refused here.
"""

from typing import NoReturn, Protocol

import httptools
from msgspec import Struct

from seawall.gateway import refusals
from seawall.gateway.exchange import Exchange, Handler, Line
from seawall.gateway.refusals import Refusal


class Limits(Struct, frozen=True):
    """What a client may send and how long it may take. Sizes in bytes, times in seconds."""

    head_bytes: int = 32 * 1024
    headers: int = 100
    body_bytes: int = 10 * 1024 * 1024
    refused_body_bytes: int = 64 * 1024
    """What is still read of a request that is refused already, so that its connection can be kept."""
    pipelined: int = 64
    """Requests that may wait on one connection for their turn."""
    connections: int = 4096
    head_seconds: float = 10.0
    body_seconds: float = 60.0
    body_rate: int = 1024
    """The slowest body that is waited for, in bytes per second, and the slowest reader."""
    idle_seconds: float = 75.0
    heartbeat_seconds: float = 15.0
    stall_seconds: float = 30.0
    """How long a reader may make no progress while the write buffer is full."""
    linger_seconds: float = 2.0
    """How long a refused client is listened to, so that the refusal reaches it before the reset."""
    write_buffer: int = 256 * 1024
    """What may be unsent in our memory before a handler has to wait."""
    kernel_buffer: int = 128 * 1024
    """What may be unsent in the kernel's memory, besides what is on its way."""


class Face(Protocol):
    """Decides, as soon as a request's head is there, who answers it: before its body is taken."""

    def open(self, exchange: Exchange) -> Handler | Refusal: ...

    def refused(self, refusal: Refusal) -> None:
        """A client was refused without asking `open`, because it broke the protocol."""
        ...


class Inbox(Line, Protocol):
    """Where whole exchanges go."""

    @property
    def waiting(self) -> int:
        """How many exchanges wait for their turn."""
        ...

    def take(self, exchange: Exchange) -> None: ...

    def take_last(self, exchange: Exchange) -> None:
        """Take a refused exchange after which nothing more is read."""
        ...

    def invite(self) -> None:
        """The client waits for `100 Continue` before it sends the body."""
        ...


BETWEEN, HEAD, BODY = range(3)
"""Where in a request the reader stands: before its first byte, in its head, in its body."""


class Stopped(Exception):
    """Raised out of the parser's callbacks once the request has been refused."""


_SINGLE = frozenset(
    (
        b"host",
        b"authorization",
        b"x-api-key",
        b"api-key",
        b"x-goog-api-key",
        b"content-type",
        b"content-encoding",
        b"transfer-encoding",
        b"expect",
        b"x-request-id",
    )
)
"""Headers that decide something: a second one is refused rather than guessed about."""


class Reader:
    """The parser's callbacks for one connection."""

    __slots__ = (
        "_allowed",
        "_exchange",
        "_face",
        "_feeding",
        "_inbox",
        "_limits",
        "_mixed",
        "_over",
        "_pairs",
        "_parser",
        "_pieces",
        "_raw",
        "_size",
        "_url",
        "_verbs",
        "phase",
        "rejected",
    )

    def __init__(self, inbox: Inbox, face: Face, limits: Limits, verbs: frozenset[bytes]) -> None:
        self._inbox = inbox
        self._face = face
        self._limits = limits
        self._verbs = verbs
        self._parser = httptools.HttpRequestParser(self)
        self.phase = BETWEEN
        self.rejected = False
        """The client was refused in a way after which nothing it sends is read."""
        self._raw = 0  # bytes since the present request began: bounds what the parser holds back from us
        self._mixed = False  # the bytes being parsed end one request and begin another
        self._feeding = 0  # length of the bytes being parsed
        self._pairs: list[tuple[bytes, bytes]] = []  # lines of a head; after it, of trailers
        self._size = 0  # of the body so far
        self._allowed = 0
        self._over = refusals.BODY_LARGE
        self._url = b""
        self._pieces: list[bytes] = []

    def feed(self, data: bytes) -> None:
        """Parse *data*. Raises the errors of httptools; after `Stopped`, its callback error."""
        self._mixed = False
        self._feeding = len(data)
        self._parser.feed_data(data)
        if self.phase == BETWEEN:
            return
        if not self._mixed:
            self._raw += len(data)
        if self.phase == HEAD:
            if self._raw > self._limits.head_bytes or len(self._pairs) > self._limits.headers:
                self._refuse(refusals.HEAD_LARGE)
        elif self._raw > self._limits.head_bytes + self._limits.refused_body_bytes + 8 * self._size:
            self._refuse(refusals.FRAMING)

    @property
    def received(self) -> int:
        """Bytes of the body so far."""
        return self._size if self.phase is BODY else 0

    # What follows is called by httptools, in the order of a request.

    def on_message_begin(self) -> None:
        self.phase = HEAD
        self._raw = self._size = 0
        self._url = b""
        self._pairs = []
        self._exchange = Exchange(self._inbox)
        if self._inbox.waiting >= self._limits.pipelined:
            self._refuse(refusals.TOO_MANY)

    def on_url(self, url: bytes) -> None:
        self._url = self._url + url if self._url else url  # it comes in pieces when it is cut between reads

    def on_header(self, name: bytes, value: bytes) -> None:
        self._pairs.append((name, value))

    def on_headers_complete(self) -> None:
        exchange = self._exchange
        exchange.method = self._parser.get_method()
        url = self._url
        if b"?" in url:
            exchange.path, _, exchange.query = url.partition(b"?")
        else:
            exchange.path = url
        exchange.headers = self._gathered()
        self._check_protocol(exchange)
        opened = self._face.open(exchange)
        if isinstance(opened, Refusal):
            exchange.refusal = opened
            self._allowed, self._over = self._limits.refused_body_bytes, opened
        else:
            exchange.handler = opened
            self._allowed, self._over = self._limits.body_bytes, refusals.BODY_LARGE
        self.phase = BODY
        headers = exchange.headers
        if b"content-length" in headers and int(headers[b"content-length"]) > self._allowed:
            self._refuse(self._over)
        if b"expect" in headers:
            self._meet_expectation(exchange)

    def on_body(self, body: bytes) -> None:
        self._size += len(body)
        if self._size > self._allowed:
            self._refuse(self._over)
        self._pieces.append(body)

    def on_message_complete(self) -> None:
        exchange = self._exchange
        if self._pairs:
            self._refuse(refusals.TRAILERS)
        pieces = self._pieces
        if pieces:
            exchange.body = pieces[0] if len(pieces) == 1 else b"".join(pieces)
            self._pieces = []
        if exchange.keep_alive:
            exchange.keep_alive = self._parser.should_keep_alive()
        self.phase = BETWEEN
        self._mixed = True
        self._inbox.take(exchange)

    def _gathered(self) -> dict[bytes, bytes]:
        """The head's lines as one dict, once they are known to be few, small and clear."""
        pairs, self._pairs = self._pairs, []
        if len(pairs) > self._limits.headers:
            self._refuse(refusals.HEAD_LARGE)
        if self._raw + self._feeding > self._limits.head_bytes:  # or else the head cannot be too large
            size = sum(len(name) + len(value) + 4 for name, value in pairs)
            if size + len(self._url) > self._limits.head_bytes:
                self._refuse(refusals.HEAD_LARGE)
        headers = {name.lower(): value.rstrip() for name, value in pairs}
        if len(headers) != len(pairs):
            headers = {}
            for raw_name, raw_value in pairs:
                name = raw_name.lower()
                if name in headers and name in _SINGLE:
                    self._refuse(refusals.REPEATED)
                value = raw_value.rstrip()
                headers[name] = b"%b, %b" % (headers[name], value) if name in headers else value
        return headers

    def _check_protocol(self, exchange: Exchange) -> None:
        """Refuse what the grammar lets through and we do not."""
        headers = exchange.headers
        version = self._parser.get_http_version()
        if version == "1.0":
            exchange.speak_http_1_0()
            if b"transfer-encoding" in headers:
                self._refuse(refusals.ENCODING)
        elif version != "1.1":
            self._refuse(refusals.VERSION)
        elif b"host" not in headers:
            self._refuse(refusals.NO_HOST)
        if exchange.method not in self._verbs:
            self._refuse(refusals.method_refused(self._verbs))
        if b"upgrade" in headers:
            self._refuse(refusals.UPGRADE)
        if b"transfer-encoding" in headers and headers[b"transfer-encoding"].lower() != b"chunked":
            self._refuse(refusals.ENCODING)
        if b"content-encoding" in headers and headers[b"content-encoding"].lower() != b"identity":
            self._refuse(refusals.COMPRESSED)

    def _meet_expectation(self, exchange: Exchange) -> None:
        if exchange.headers[b"expect"].lower() != b"100-continue":
            self._refuse(refusals.EXPECTATION)
        if exchange.refusal is not None:
            self._refuse(exchange.refusal)  # the client has not sent the body and need not
        if exchange.keep_alive:
            self._inbox.invite()

    def reject(self, refusal: Refusal) -> None:
        """Answer the present request, or what was taken for one, with *refusal*, and read no further."""
        exchange = Exchange(self._inbox) if self.phase is BETWEEN else self._exchange
        if refusal is not exchange.refusal:
            self._face.refused(refusal)
            exchange.refusal = refusal
        exchange.keep_alive = False
        self.phase = BETWEEN
        self.rejected = True
        self._inbox.take_last(exchange)

    def _refuse(self, refusal: Refusal) -> NoReturn:
        self.reject(refusal)
        raise Stopped
