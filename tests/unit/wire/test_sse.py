"""Server-sent events, whole and cut."""

import pytest

from seawall.core.errors import ProviderError
from seawall.wire.sse import MOST_BYTES, SseDecoder


def decoded(*pieces: bytes) -> list[bytes]:
    decoder = SseDecoder()
    out = [payload for piece in pieces for payload in decoder.feed(piece)]
    return out + decoder.end()


def bytewise(stream: bytes) -> list[bytes]:
    return decoded(*[stream[at : at + 1] for at in range(len(stream))])


@pytest.mark.parametrize(
    ("stream", "events"),
    [
        (b"data: a\n\n", [b"a"]),
        (b"data: a\n\ndata: b\n\n", [b"a", b"b"]),
        (b"data:a\n\n", [b"a"]),
        (b"data:  a\n\n", [b" a"]),
        (b"data: a\ndata: b\n\n", [b"a\nb"]),
        (b"data: a\ndata\ndata: b\n\n", [b"a\n\nb"]),
        (b"data: a\r\n\r\ndata: b\r\n\r\n", [b"a", b"b"]),
        (b"data: a\r\rdata: b\r\r", [b"a", b"b"]),
        (b"data: a\n\r\ndata: b\r\n\ndata: c\r\n\r\r\n", [b"a", b"b", b"c"]),
        (b"\xef\xbb\xbfdata: a\n\n", [b"a"]),
        (b"\xef\xbbdata: a\n\ndata: b\n\n", [b"b"]),
        (b": hello\n\ndata: a\n\n", [b"a"]),
        (b"event: x\nid: 1\nretry: 3\ndata: a\n\n", [b"a"]),
        (b"data: a\nevent: late\n\n", [b"a"]),
        (b"data:\n\ndata: \n\ndata: a\n\n", [b"a"]),
        (b"datum: a\n\ndata : b\n\n", []),
        (b"\n\n\n\ndata: a\n\n\n\n", [b"a"]),
        (b"data: a\n", [b"a"]),
        (b"data: a", [b"a"]),
        (b"data: a\n\ndata: b", [b"a", b"b"]),
        (b"data: \xff\xfe\n\n", [b"\xff\xfe"]),
        (b"", []),
    ],
)
def test_a_stream_gives_its_events_in_one_piece_and_byte_by_byte(stream: bytes, events: list[bytes]) -> None:
    assert decoded(stream) == events
    assert bytewise(stream) == events


def test_an_event_is_given_with_the_byte_that_completes_it() -> None:
    decoder = SseDecoder()
    assert decoder.feed(b"data: a\r\n") == []
    assert decoder.feed(b"\r") == [b"a"]
    assert decoder.feed(b"\n") == []
    assert decoder.feed(b"data: b\n\n") == [b"b"]


def test_an_endless_line_is_refused_at_the_cap() -> None:
    piece = b"data: " + b"x" * 65_530
    with pytest.raises(ProviderError, match="too large") as caught:
        decoded(*[piece] * (MOST_BYTES // len(piece) + 2))
    assert caught.value.code == "protocol_error"


def test_many_lines_of_one_event_count_together() -> None:
    with pytest.raises(ProviderError):
        decoded(*[b"data: " + b"x" * 1000 + b"\n"] * (MOST_BYTES // 1000 + 2))


def test_an_overlong_event_in_one_piece_is_refused_after_the_good_one_before_it() -> None:
    decoder = SseDecoder()
    assert decoder.feed(b"data: a\n\ndata: " + b"x" * MOST_BYTES + b"\n\n") == [b"a"]
    for _ in range(2):
        with pytest.raises(ProviderError):
            decoder.feed(b"data: b\n\n")
    with pytest.raises(ProviderError):
        decoder.end()


def test_events_within_the_cap_do_not_add_up() -> None:
    decoder = SseDecoder()
    event = b"data: " + b"x" * 300_000 + b"\n\n"
    assert sum(len(decoder.feed(event)) for _ in range(8)) == 8
    assert sum(len(decoder.feed(piece)) for _ in range(8) for piece in (event[:9], event[9:])) == 8
