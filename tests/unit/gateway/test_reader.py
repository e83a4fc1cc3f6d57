"""The reader alone: any way of cutting the bytes gives the same requests."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from seawall.gateway.exchange import Exchange
from seawall.gateway.reader import BETWEEN, Limits, Reader

from tests.unit.gateway.harness import EchoFace

REQUESTS = (
    b"POST /a?q=1 HTTP/1.1\r\nHost: x\r\nX-Long: " + b"v" * 50 + b"\r\nContent-Length: 5\r\n\r\nhello"
    b"\r\nGET /b HTTP/1.1\r\nHost: x\r\n\r\n"
    b"POST /c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4;e\r\ndefg\r\n0\r\n\r\n"
)
EXPECTED = [
    (b"POST", b"/a", b"q=1", b"hello"),
    (b"GET", b"/b", b"", b""),
    (b"POST", b"/c", b"", b"abcdefg"),
]


class Tray:
    """Keeps what the reader delivers."""

    waiting = 0

    def __init__(self) -> None:
        self.taken: list[Exchange] = []
        self.last: list[Exchange] = []

    def take(self, exchange: Exchange) -> None:
        self.taken.append(exchange)

    def take_last(self, exchange: Exchange) -> None:
        self.last.append(exchange)

    def invite(self) -> None:
        raise AssertionError("nobody asked")


def reader(tray: Tray) -> Reader:
    return Reader(tray, EchoFace(), Limits(), frozenset((b"GET", b"POST")))  # type: ignore[arg-type]


@given(st.lists(st.integers(1, len(REQUESTS) - 1), unique=True, max_size=30))
def test_requests_are_the_same_however_they_are_cut(cuts: list[int]):
    tray = Tray()
    made = reader(tray)
    edges = [0, *sorted(cuts), len(REQUESTS)]
    for begin, end in pairwise(edges):
        made.feed(REQUESTS[begin:end])
    assert [(e.method, e.path, e.query, e.body) for e in tray.taken] == EXPECTED
    assert tray.last == []
    assert made.phase == BETWEEN


def test_many_requests_in_one_read_are_not_taken_for_a_large_head():
    tray = Tray()
    made = reader(tray)
    made.feed(b"GET /b HTTP/1.1\r\nHost: x\r\n\r\n" * 3000 + b"GET /b HT")
    assert len(tray.taken) == 3000
    assert not made.rejected
