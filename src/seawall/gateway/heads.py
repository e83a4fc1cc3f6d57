"""The first lines of a response: status lines and header lines that no value can break out of."""

from email.utils import formatdate
from typing import NewType
from urllib.parse import quote

from seawall.core.ports import Clock

HeaderLines = NewType("HeaderLines", bytes)
"""Whole header lines, each ended by CRLF. Made by `header_lines` only, so no CR or LF of a value is in it."""

NO_LINES = HeaderLines(b"")

JSON = b"application/json"
EVENT_STREAM = b"text/event-stream; charset=utf-8"
PLAIN = b"text/plain; charset=utf-8"

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
CLOSE = b"connection: close\r\n"

_REASONS = {
    200: b"OK",
    400: b"Bad Request",
    401: b"Unauthorized",
    402: b"Payment Required",
    403: b"Forbidden",
    404: b"Not Found",
    405: b"Method Not Allowed",
    408: b"Request Timeout",
    413: b"Content Too Large",
    415: b"Unsupported Media Type",
    417: b"Expectation Failed",
    429: b"Too Many Requests",
    431: b"Request Header Fields Too Large",
    500: b"Internal Server Error",
    502: b"Bad Gateway",
    503: b"Service Unavailable",
    504: b"Gateway Timeout",
    505: b"HTTP Version Not Supported",
}
_OK = b"HTTP/1.1 200 OK\r\n"


def status_line(status: int) -> bytes:
    """The status line with its CRLF; a status without a reason of its own gets an empty one."""
    if status == 200:
        return _OK
    return b"HTTP/1.1 %d %b\r\n" % (status, _REASONS.get(status, b""))


class HeaderForm:
    """Header lines of which only the values are open. Names are ours, without any percent sign."""

    __slots__ = ("_form",)

    def __init__(self, *names: str) -> None:
        self._form = "".join([f"{name}: %s\r\n" for name in names])

    def fill(self, *values: str) -> HeaderLines:
        """The lines with these values, one for each name. Values may be anything: what is not printable
        ASCII is percent-encoded, so that none can end its line.
        """
        together = "".join(values)
        if not (together.isascii() and together.isprintable()):
            values = tuple([_on_one_line(value) for value in values])
        return HeaderLines((self._form % values).encode("ascii"))


def header_lines(*pairs: tuple[str, str]) -> HeaderLines:
    """Header lines of *pairs*, made safe as in `HeaderForm.fill`."""
    return HeaderForm(*[name for name, _ in pairs]).fill(*[value for _, value in pairs])


def _on_one_line(value: str) -> str:
    return value if value.isascii() and value.isprintable() else quote(value, errors="replace")


class DateLine:
    """The `date` header, formatted once a second at most."""

    __slots__ = ("_clock", "_line", "_second")

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._second = -1
        self._line = b""

    def __call__(self) -> bytes:
        second = int(self._clock.wall())
        if second != self._second:
            self._second = second
            self._line = b"date: %b\r\n" % formatdate(second, usegmt=True).encode("ascii")
        return self._line
