import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.transport.framing import MAX_HEAD, MAX_HEADERS, MAX_INFORMATIONAL, ResponseReader

from tests.support.raw_server import answer

BODY = b'{"text":"\xc3\xa9\\n\r\n\r\n"}\r\n'
SOUND = {
    "length": answer(BODY, "200 OK", "Content-Type: application/json", "x-a: 1", "X-A: 2"),
    "chunked": answer(BODY, "201 Created", "content-type: text/event-stream", chunked=True),
    "empty": answer(b"", "429 Too Many"),
    "empty chunked": answer(b"", chunked=True),
    "no content": b"HTTP/1.1 204 No Content\r\nx:\r\n\r\n",
    "not modified": b"HTTP/1.1 304 Not Modified\r\ncontent-length: 99\r\n\r\n",
    "informed": b"HTTP/1.1 100 Continue\r\nx: 1\r\n\r\nHTTP/1.1 103 Early\r\nlink: a\r\n\r\n" + answer(BODY),
    "trailers": answer(BODY, chunked=True)[:-2] + b"digest: x\r\nx-b:\r\n\r\n",
    "extension": answer(b"hi", chunked=True).replace(b"2\r\n", b'2;a="b"\r\n'),
    "upgrade offered": answer(BODY, "200 OK", "upgrade: h2c"),
    "identity": answer(BODY, "200 OK", "content-encoding: Identity"),
}


def read(*parts: bytes) -> ResponseReader:
    reader = ResponseReader()
    for part in parts:
        reader.feed(part)
    return reader


def told(reader: ResponseReader) -> tuple[object, ...]:
    body = b"".join(reader.pieces)
    return reader.status, reader.headers, body, reader.ended, reader.clean, reader.fault


@pytest.mark.parametrize("raw", SOUND.values(), ids=SOUND)
def test_a_sound_response_is_read_to_its_end_and_leaves_the_connection_clean(raw: bytes) -> None:
    reader = read(raw)
    assert not reader.fault
    assert reader.ended
    assert reader.clean


@pytest.mark.parametrize("raw", SOUND.values(), ids=SOUND)
def test_every_cut_in_two_and_single_bytes_read_the_same(raw: bytes) -> None:
    whole = told(read(raw))
    assert told(read(*(raw[at : at + 1] for at in range(len(raw))))) == whole
    for at in range(1, len(raw)):
        assert told(read(raw[:at], raw[at:])) == whole, at


@given(st.sampled_from(sorted(SOUND)), st.lists(st.integers(1, 300), max_size=12, unique=True))
def test_random_cuts_read_the_same(name: str, cuts: list[int]) -> None:
    raw = SOUND[name]
    edges = [0, *sorted(cut for cut in cuts if cut < len(raw)), len(raw)]
    assert told(read(*(raw[a:b] for a, b in itertools.pairwise(edges)))) == told(read(raw))


def test_status_headers_and_body_come_out_as_sent() -> None:
    reader = read(SOUND["length"])
    assert reader.status == 200
    assert reader.headers == {
        b"content-type": b"application/json",
        b"x-a": b"1, 2",
        b"content-length": b"%d" % len(BODY),
    }
    assert reader.take() == BODY
    assert (reader.buffered, reader.pieces) == (0, [])


def test_informational_responses_and_trailers_leave_no_headers() -> None:
    assert set(read(SOUND["informed"]).headers) == {b"content-length"}
    assert set(read(SOUND["trailers"]).headers) == {b"transfer-encoding"}


def test_one_response_after_another_is_read_on_the_same_connection() -> None:
    reader = ResponseReader()
    for _ in range(2):
        for raw in SOUND.values():
            reader.start()
            reader.feed(raw)
            assert told(reader) == told(read(raw))


FAULTS = {
    "not HTTP": b"SSH-2.0-OpenSSH_9\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01",
    "two lengths": b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nhi!",
    "the same length twice": b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 2\r\n\r\nhi",
    "length list": b"HTTP/1.1 200 OK\r\ncontent-length: 2, 2\r\n\r\nhi",
    "signed length": b"HTTP/1.1 200 OK\r\ncontent-length: +2\r\n\r\nhi",
    "huge length": b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999999999999\r\n\r\nhi",
    "length then chunked": answer(b"hi", "200 OK", "content-length: 2", chunked=True),
    "chunked then length": answer(b"hi", "200 OK", "transfer-encoding: chunked"),
    "chunked twice": answer(b"hi", "200 OK", "transfer-encoding: chunked", chunked=True),
    "unknown coding": b"HTTP/1.1 200 OK\r\ntransfer-encoding: xchunked\r\n\r\n0\r\n\r\n",
    "compressed chunks": b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "bad chunk size": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nhi\r\n0\r\n\r\n",
    "bare line feeds": b"HTTP/1.1 200 OK\ncontent-length: 0\n\n",
    "space before colon": b"HTTP/1.1 200 OK\r\nx : 1\r\ncontent-length: 0\r\n\r\n",
    "folded line": b"HTTP/1.1 200 OK\r\nx: 1\r\n 2\r\ncontent-length: 0\r\n\r\n",
    "control character": b"HTTP/1.1 200 OK\r\nx: \x01\r\ncontent-length: 0\r\n\r\n",
    "status 000": b"HTTP/1.1 000 Eh\r\ncontent-length: 0\r\n\r\n",
    "switching protocols": b"HTTP/1.1 101 S\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n",
    "gzip": answer(b"\x1f\x8b", "200 OK", "content-encoding: gzip"),
    "brotli": answer(b"x", "200 OK", "Content-Encoding: BR", chunked=True),
    "too many headers": answer(b"", "200 OK", *(f"x-{n}: 1" for n in range(MAX_HEADERS))),
    "too many of one header": answer(b"", "200 OK", *["x: 1"] * (MAX_HEADERS + 1)),
    "too many trailers": answer(b"hi", chunked=True)[:-2] + b"x: 1\r\n" * (MAX_HEADERS + 1) + b"\r\n",
    "one long header": answer(b"", "200 OK", "x: " + "y" * MAX_HEAD),
    "informational flood": b"HTTP/1.1 100 Continue\r\n\r\n" * (MAX_INFORMATIONAL + 1) + answer(),
    "headers in informational ones": b"HTTP/1.1 103 E\r\n" + b"x: 1\r\n" * 150 + b"\r\n"
    + b"HTTP/1.1 103 E\r\n" + b"x: 1\r\n" * 60 + b"\r\n" + answer(),
}  # fmt: skip


@pytest.mark.parametrize("size", [1, 7, 1 << 20])
@pytest.mark.parametrize("raw", FAULTS.values(), ids=FAULTS)
def test_what_can_be_read_in_two_ways_or_exceeds_a_limit_is_a_fault(raw: bytes, size: int) -> None:
    reader = ResponseReader()
    for at in range(0, len(raw), size):
        reader.feed(raw[at : at + size])
        if reader.fault:
            break
    assert reader.fault
    assert not reader.ended
    assert not reader.clean


def test_limits_admit_what_just_keeps_to_them() -> None:
    lines = [f"x-{n}: 1" for n in range(MAX_HEADERS - 1)]
    assert read(answer(b"", "200 OK", *lines)).clean
    assert read(answer(b"", "200 OK", "x: " + "y" * (MAX_HEAD - 100))).clean
    assert read(b"HTTP/1.1 100 Continue\r\n\r\n" * MAX_INFORMATIONAL + answer()).clean
    assert read(answer(b"z" * 4 * MAX_HEAD)).clean, "a body is not part of the head it arrives with"


def test_an_endless_header_is_refused_before_it_ends() -> None:
    reader = read(b"HTTP/1.1 200 OK\r\nx: ")
    fed = 0
    while not reader.fault:
        reader.feed(b"y" * 4096)
        fed += 4096
    assert fed <= MAX_HEAD


@pytest.mark.parametrize("start", [b"1;", b"0\r\nx: "])
def test_endless_framing_without_data_is_refused(start: bytes) -> None:
    """Chunk extensions and trailers, that is."""
    reader = read(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + start)
    fed = 0
    while not reader.fault:
        reader.feed(b"y" * 4096)
        fed += 4096
    assert fed <= MAX_HEAD + 4096


def test_a_long_stream_of_tiny_chunks_is_not_mistaken_for_framing_without_data() -> None:
    reader = read(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
    for _ in range(2 * MAX_HEAD // 5):
        reader.feed(b"1\r\n")
        reader.feed(b"z\r\n")
    assert not reader.fault


LEFT_OVER = {
    "second response": answer(b"for somebody else"),
    "start of one": b"HTTP/1.1 2",
    "garbage": b"garbage",
    "line ends": b"\r\n",
    "more line ends": b"\r\n\r\n",
    "line feed": b"\n",
}


@pytest.mark.parametrize("extra", LEFT_OVER.values(), ids=LEFT_OVER)
@pytest.mark.parametrize("raw", SOUND.values(), ids=SOUND)
def test_bytes_after_the_response_spoil_the_connection_but_not_the_response(raw: bytes, extra: bytes) -> None:
    reader = read(raw + extra)
    assert not reader.clean
    assert told(reader)[:4] == told(read(raw))[:4]
    assert not reader.fault


@pytest.mark.parametrize(
    "raw",
    [
        answer(b"hi", "200 OK", "connection: close"),
        answer(b"hi", "200 OK", "Connection: Close", chunked=True),
        answer(b"hi").replace(b"1.1", b"1.0"),
        answer(b"hi").replace(b"HTTP/1.1", b"HTTP/2.0"),
    ],
)
def test_a_server_that_will_close_is_believed(raw: bytes) -> None:
    reader = read(raw)
    assert reader.ended
    assert not reader.clean


def test_a_body_without_length_ends_with_the_connection_and_only_then() -> None:
    reader = read(b"HTTP/1.1 200 OK\r\n\r\nhel", b"lo")
    assert not reader.ended
    reader.eof()
    assert (reader.ended, reader.clean, reader.take()) == (True, False, b"hello")


@pytest.mark.parametrize("raw", SOUND.values(), ids=SOUND)
def test_an_early_end_of_the_connection_ends_no_framed_response(raw: bytes) -> None:
    for at in range(1, len(raw)):
        reader = read(raw[:at])
        reader.eof()
        assert not reader.ended, at
