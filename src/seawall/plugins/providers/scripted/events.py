"""Payloads as server-sent events, paced, and spoiled where stream faults are chosen."""

from collections.abc import Iterator
from enum import Enum
from typing import Final

from seawall.plugins.providers.scripted.faults import Chosen, count, seconds
from seawall.plugins.providers.scripted.stream import DONE
from seawall.plugins.providers.scripted.timing import Pace


class Ending(Enum):
    """How a response stops short of its end."""

    HANG = "hang"
    """Nothing more comes, the connection stays."""
    CLOSE = "close"
    """The connection is closed in order (FIN)."""
    RESET = "reset"
    """The connection is torn down (RST)."""


Step = bytes | float | Ending
"""What the server does next: write these bytes, wait so many seconds, or end so."""

_NOISE: Final = (
    b": keep-alive\n\n",
    b"retry: 3000\n\n",
    b"id: 7\n\n",
    b"data:\n\n",
    b"\n",
    b": \xc3\xa9\n\n",
)
_STRANGER: Final = b'event: telemetry\ndata: {"type":"telemetry","value":1}\n\n'
_TINY: Final = b'data: {"choices":[]}\n\n'
_ERROR: Final = (
    b'{"error":{"message":"The server had an error","type":"server_error","param":null,"code":null}}'
)


def sse(payloads: list[bytes], chosen: Chosen, pace: Pace) -> Iterator[Step]:
    """The body of a streamed answer, one event (or one wait, or the ending) at a time."""
    steps = _paced([_framed(data, chosen) for data in _spoiled(payloads, chosen)], pace, chosen)
    for step in _interrupted(steps, len(payloads), chosen):
        yield _line_ends(step, chosen) if isinstance(step, bytes) else step


def _spoiled(payloads: list[bytes], chosen: Chosen) -> list[bytes]:
    """Faults inside the data of events. Those of one event take one in the middle."""
    spoiled = list(payloads)
    middle = len(spoiled) // 2
    if "malformed_json" in chosen:
        spoiled[middle] = spoiled[middle][: len(spoiled[middle]) * 2 // 3]
    if "invalid_utf8" in chosen:
        victim = next(
            (i for i in range(middle, len(spoiled)) if b'"delta":{"content":"' in spoiled[i]), middle
        )
        spoiled[victim] = spoiled[victim].replace(b'"delta":{"content":"', b'"delta":{"content":"\xff\xfe', 1)
    if "huge_line" in chosen:
        filler = b"x" * count(chosen, "huge_line")
        spoiled.insert(middle, b'{"choices":[{"index":0,"delta":{"content":"' + filler + b'"}}]}')
    if "truncate" in chosen:
        spoiled = spoiled[:middle]
    if "stream_error" in chosen:
        spoiled = [*spoiled[:middle], _ERROR]
    if "after_done" in chosen:
        spoiled += [payload for payload in payloads[1:3] if payload != DONE]
    return spoiled


def _framed(data: bytes, chosen: Chosen) -> bytes:
    if "multi_line_data" in chosen and b',"' in data:
        data = data.replace(b',"', b',\ndata: "')
    return b"data: " + data + b"\n\n"


def _paced(events: list[bytes], pace: Pace, chosen: Chosen) -> Iterator[Step]:
    if "bom" in chosen:
        yield b"\xef\xbb\xbf"
    wait = pace.first() + seconds(chosen, "slow_first_token")
    for number, event in enumerate(events):
        if wait > 0:
            yield wait
        if "comments" in chosen:
            yield _NOISE[number % len(_NOISE)]
        if "unknown_events" in chosen and number % 2 == 0:
            yield _STRANGER
        yield event
        wait = pace.gap(number) if number + 2 < len(events) else 0.0


def _interrupted(steps: Iterator[Step], length: int, chosen: Chosen) -> Iterator[Step]:
    """Faults that strike after so many events (half of them, where the fault has no count)."""
    strikes = {
        count(chosen, name): ending
        for name, ending in (
            ("stall", Ending.HANG),
            ("drop_after", Ending.CLOSE),
            ("reset_after", Ending.RESET),
        )
        if name in chosen
    }
    sent = 0
    if 0 in strikes:
        yield strikes[0]
        return
    for step in steps:
        if isinstance(step, bytes) and sent == length // 2:
            yield from _half_way(chosen)
        yield step
        sent += isinstance(step, bytes)
        if sent in strikes and isinstance(step, bytes):
            yield strikes[sent]
            return


def _half_way(chosen: Chosen) -> Iterator[Step]:
    if "pause" in chosen:
        yield seconds(chosen, "pause")
    for _ in range(count(chosen, "many_events")):
        yield _TINY
    if "endless_line" in chosen:
        left = count(chosen, "endless_line")
        yield b"data: "
        while left > 0:
            yield b"x" * min(left, 65_536)
            left -= 65_536
        yield Ending.HANG
    while "ping_forever" in chosen:
        yield max(seconds(chosen, "ping_forever"), 0.001)
        yield b": ping\n\n"


def _line_ends(event: bytes, chosen: Chosen) -> bytes:
    if "crlf" in chosen:
        return event.replace(b"\n", b"\r\n")
    return event.replace(b"\n", b"\r") if "cr" in chosen else event
