"""The events of a stream of server-sent events do not depend on how the bytes were cut."""

from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.wire.sse import SseDecoder

lines = st.sampled_from(
    [
        b"",
        b"",
        b"data: a",
        b"data:b",
        b"data",
        b"data: ",
        b": c",
        b"event: e",
        b"id",
        b"x\xef\xbb\xbf",
        b"data: \xff",
    ]
)
newlines = st.sampled_from([b"\n", b"\r", b"\r\n"])


def decoded(pieces: list[bytes]) -> list[bytes]:
    decoder = SseDecoder()
    return [event for piece in pieces for event in decoder.feed(piece)] + decoder.end()


def reference(stream: bytes) -> list[bytes]:
    """The standard's rules, read off line by line, for a stream that is all there."""
    events, data = [], []
    for line in [
        *stream.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n"),
        b"",
    ]:
        name, _, value = line.partition(b":")
        if name == b"data":
            data.append(value.removeprefix(b" "))
        elif not line:
            events.append(b"\n".join(data))
            data = []
    return [event for event in events if event]


@given(st.lists(st.tuples(lines, newlines), max_size=12), st.booleans(), st.data())
@settings(max_examples=120, deadline=None)
def test_any_cut_gives_what_the_standard_says(
    content: list[tuple[bytes, bytes]], bom: bool, data: st.DataObject
) -> None:
    stream = (b"\xef\xbb\xbf" if bom else b"") + b"".join(line + newline for line, newline in content)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    pieces = [stream[start:end] for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    assert decoded(pieces) == reference(stream)
    assert decoded([stream[at : at + 1] for at in range(len(stream))]) == reference(stream)
