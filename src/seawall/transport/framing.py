"""Where a response begins and where it ends, found in the bytes as they come. Does no I/O.

An HTTP/1.1 connection carries one response after another, so a mistake about an end hands the rest of
one answer to the next caller. Whatever could be read in two ways is therefore a fault, never a guess.
"""

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

MAX_HEAD = 64 * 1024
"""Bytes of status line and headers, informational responses included; also of chunk framing without data."""
MAX_HEADERS = 200
"""Headers, trailers and repetitions included."""
MAX_INFORMATIONAL = 10
"""1xx responses before the real one."""

_BODILESS = frozenset((204, 304))
_LINE_ENDS = frozenset(b"\r\n")


class ResponseReader:
    """Reads one response at a time; `start` makes it ready for the next, on the same connection.

    `on_…` are the parser's callbacks. They only note what is wrong; `feed` leaves it in `fault`.
    """

    __slots__ = (
        "_head_size",
        "_idle_size",
        "_informational",
        "_parser",
        "_repeats",
        "_until_close",
        "begun",
        "buffered",
        "ended",
        "fault",
        "headers",
        "keep_alive",
        "pieces",
        "status",
        "touched",
    )

    def __init__(self) -> None:
        self._parser = HttpResponseParser(self)
        self.start()

    def start(self) -> None:
        """Expect a new response. Only to be called when there was none, or the last was `clean`."""
        self.touched = False  # whether any byte of the response has come
        self.begun = False  # whether its head is complete
        self.ended = False  # whether all of it has come
        self.keep_alive = False  # whether another may follow: nothing forbids it, and nothing was left over
        self.fault = ""  # what made it unreadable
        self.status = 0
        self.headers: dict[bytes, bytes] = {}
        self.pieces: list[bytes] = []
        self.buffered = 0  # bytes in `pieces`
        self._head_size = self._idle_size = self._informational = self._repeats = 0
        self._until_close = False

    def feed(self, data: bytes) -> None:
        """Take what the connection received."""
        begun = self.begun
        before = self.buffered
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade) as error:
            if self.ended:
                self.keep_alive = False  # the response is whole, but something came after it
            elif not self.fault:
                self.fault = str(error)
        if not begun:
            self._head_size += len(data)
            if self._head_size > MAX_HEAD:
                self._judge_size()
        elif self.buffered == before and not self.ended:
            self._idle_size += len(data)
            if self._idle_size > MAX_HEAD:
                self.fault = f"more than {MAX_HEAD} bytes of framing without data"
        else:
            self._idle_size = 0
        if self.fault:
            self.ended = False
        elif self.ended and data[-1] in _LINE_ENDS and self._overshot(data, before):
            self.keep_alive = False

    def eof(self) -> None:
        """The server will send no more: the end of a body that has no other end."""
        if self._until_close and not self.fault:
            self.ended = True

    def take(self) -> bytes:
        """The body as far as it has come and was not taken yet."""
        pieces = self.pieces
        data = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        pieces.clear()
        self.buffered = 0
        return data

    @property
    def clean(self) -> bool:
        """Whether the connection stands exactly before the next response."""
        return self.ended and self.keep_alive

    def on_message_begin(self) -> None:
        """The first byte of a response: of ours, or of one that nobody asked for."""
        if self.ended:
            raise ValueError("a response after the end of the response")  # stops the parser; see `feed`
        self.touched = True

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header line, or a trailer."""
        name = name.lower()
        headers = self.headers
        if self.begun or name in headers:
            self._repeat(name, value)
        else:
            headers[name] = value

    def _repeat(self, name: bytes, value: bytes) -> None:
        self._repeats += 1
        if self._repeats > MAX_HEADERS:
            self.fault = f"more than {MAX_HEADERS} headers"
        elif not self.begun:  # trailers are of no use to anybody
            self.headers[name] += b", " + value

    def _judge_size(self) -> None:
        # The bytes read so far may hold some of the body as well: count what belongs to the head.
        if not self.begun or sum(len(each) for line in self.headers.items() for each in line) > MAX_HEAD:
            self.fault = f"a head of more than {MAX_HEAD} bytes"

    def on_headers_complete(self) -> None:
        """A head is complete: that of an informational response, or the real one."""
        status = self._parser.get_status_code()
        headers = self.headers
        if len(headers) + self._repeats > MAX_HEADERS:
            self.fault = f"more than {MAX_HEADERS} headers"
        if status < 200:
            self._inform(status)
            return
        encoding = headers.get(b"content-encoding")
        if encoding is not None and encoding.lower() not in (b"identity", b""):
            self.fault = f"content-encoding {encoding[:40]!r} although only identity is accepted"
        coding = headers.get(b"transfer-encoding")
        if coding is not None:
            if coding.lower() != b"chunked":
                self.fault = f"transfer-encoding {coding[:40]!r} instead of chunked"
        elif b"content-length" not in headers and status not in _BODILESS:
            self._until_close = True
        self.status = status
        self.begun = True

    def _inform(self, status: int) -> None:
        self._informational += 1
        if status < 100:
            self.fault = f"status {status}"
        elif status == 101:
            self.fault = "a change of protocol that was not asked for"
        elif self._informational > MAX_INFORMATIONAL:
            self.fault = f"more than {MAX_INFORMATIONAL} informational responses"
        self._repeats += len(self.headers)
        self.headers = {}

    def on_body(self, piece: bytes) -> None:
        """A piece of the body, without its framing."""
        self.pieces.append(piece)
        self.buffered += len(piece)

    def on_message_complete(self) -> None:
        """The end, as the framing has it."""
        if self.begun:  # else it was an informational response
            self.ended = True
            self.keep_alive = self._parser.should_keep_alive()

    def _overshot(self, data: bytes, before: int) -> bool:
        """Whether line ends follow the response: the only bytes after it that the parser passes over."""
        if self.buffered > before and b"transfer-encoding" not in self.headers:
            return not data.endswith(self.pieces[-1])
        tail = data[-5:]  # what ends with an empty line has something other than a line end before it
        return len(tail) == 5 and (tail[0] in _LINE_ENDS or tail[1:] != b"\r\n\r\n")
