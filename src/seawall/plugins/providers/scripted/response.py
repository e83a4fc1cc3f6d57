"""Responses as bytes: heads, lengths, chunks, and every way in which they can be wrong."""

import gzip
import zlib
from collections.abc import Iterator
from email.utils import formatdate
from http import HTTPStatus
from typing import Final

import msgspec
from msgspec import Struct

from seawall.plugins.providers.scripted.draw import Draw
from seawall.plugins.providers.scripted.events import Ending, Step
from seawall.plugins.providers.scripted.faults import Chosen, count, seconds

JSON: Final = "application/json"
_MIB: Final = 1 << 20
_STRANGERS: Final = b'{"id":"chatcmpl-somebody-else","object":"chat.completion","choices":[]}'
_HTML: Final = (
    b"<!DOCTYPE html><html><head><title>Sign in</title></head>"
    b"<body><h1>Please sign in to continue</h1></body></html>"
)
_NAMES: Final = {
    400: "invalid_request_error",
    401: "invalid_api_key",
    403: "permission_denied",
    404: "not_found",
    408: "timeout",
    413: "request_too_large",
    429: "rate_limit_exceeded",
    503: "service_unavailable",
    529: "overloaded_error",
}


class Response(Struct):
    """What is to be sent. A body that is `bytes` has its length announced; steps are sent in chunks."""

    status: int
    body: bytes | Iterator[Step]
    content_type: str = JSON
    headers: list[tuple[str, str]] = []


def error_body(status: int, message: str, *, code: str | None = None, param: str | None = None) -> bytes:
    """An error in the shape that OpenAI gives it."""
    kind = "invalid_request_error" if 400 <= status < 500 and status not in (408, 429) else "server_error"
    kind = "requests" if status == 429 else kind
    name = code or _NAMES.get(status)
    return msgspec.json.encode({"error": {"message": message, "type": kind, "param": param, "code": name}})


def failing(chosen: Chosen, *, wall: float) -> Response | None:
    """The response that stands in the place of an answer, if a fault wants one."""
    if "status" in chosen or "retry_after" in chosen:
        status = count(chosen, "status") or 429
        headers = (
            [("retry-after", _retry_after(str(chosen["retry_after"]), wall))]
            if "retry_after" in chosen
            else []
        )
        return Response(
            status, error_body(status, f"The scripted provider answers {status}"), headers=headers
        )
    if "error_in_body" in chosen:
        return Response(200, error_body(500, "The server had an error while processing your request"))
    if "html" in chosen:
        return Response(200, _HTML, "text/html; charset=utf-8")
    if "redirect" in chosen:
        return Response(307, b"", headers=[("location", str(chosen["redirect"]))])
    return Response(200, b"") if "empty_body" in chosen else None


def _retry_after(value: str, wall: float) -> str:
    """`date` and `date:N` become an HTTP date 2 or N seconds ahead; all else is sent as it is written."""
    word, _, ahead = value.partition(":")
    if word != "date":
        return value
    return formatdate(wall + (float(ahead) if ahead.replace(".", "", 1).isdigit() else 2.0), usegmt=True)


def play(response: Response, chosen: Chosen, draw: Draw) -> Iterator[Step]:
    """Everything that is done on the connection to send *response*, or to fail at it."""
    for name, ending in (("hang", Ending.HANG), ("close", Ending.CLOSE), ("reset", Ending.RESET)):
        if name in chosen:
            yield ending
            return
    if "slow_first_byte" in chosen:
        yield seconds(chosen, "slow_first_byte")
    size = count(chosen, "pieces")
    for step in _sent(response, chosen, draw):
        if size and isinstance(step, bytes):
            for at in range(0, len(step), size):
                yield step[at : at + size]
                yield 0.0  # gives the event loop a turn, so that the piece really leaves on its own
        else:
            yield step


def _sent(response: Response, chosen: Chosen, draw: Draw) -> Iterator[Step]:
    for _ in range(count(chosen, "informational_flood")):
        yield b"HTTP/1.1 103 Early Hints\r\nlink: </a>; rel=preload\r\n\r\n"
    body = _encoded(response.body, chosen)
    yield _head(response, body, chosen, draw)
    for name, ending in (("hang_after_headers", Ending.HANG), ("reset_after_headers", Ending.RESET)):
        if name in chosen:
            yield ending
            return
    yield from _cut_short(_whole_body(body) if isinstance(body, bytes) else _chunked(body, chosen), chosen)
    if "length_long" in chosen:
        yield Ending.CLOSE
    if "extra_response" in chosen:
        head = f"HTTP/1.1 200 OK\r\ncontent-type: {JSON}\r\ncontent-length: {len(_STRANGERS)}\r\n\r\n"
        yield head.encode() + _STRANGERS
    if "close_after" in chosen:
        if wait := seconds(chosen, "close_after"):
            yield wait
        yield Ending.CLOSE


def _whole_body(body: bytes) -> Iterator[Step]:
    half = len(body) // 2
    yield body[:half]
    yield body[half:]


def _cut_short(steps: Iterator[Step], chosen: Chosen) -> Iterator[Step]:
    """End after the first piece that has content, if a fault cuts bodies."""
    for step in steps:
        yield step
        if step and isinstance(step, bytes):
            if "reset_mid_body" in chosen:
                yield Ending.RESET
                return
            if "close_mid_body" in chosen:
                yield Ending.CLOSE
                return


def _chunked(steps: Iterator[Step], chosen: Chosen) -> Iterator[Step]:
    first = True
    for step in steps:
        if isinstance(step, bytes):
            if not step:
                continue  # an empty chunk would end the body
            size = b"zz" if first and "bad_chunk_size" in chosen else b"%x" % len(step)
            first = False
            yield b"%b\r\n%b\r\n" % (size, step)
        else:
            yield step
            if isinstance(step, Ending):
                return
    yield b"0\r\n\r\n"


def _encoded(body: bytes | Iterator[Step], chosen: Chosen) -> bytes | Iterator[Step]:
    if "gzip_bomb" in chosen:
        return _bomb(count(chosen, "gzip_bomb"))
    if "gzip" not in chosen:
        return _one_chunk(body) if "bad_chunk_size" in chosen and isinstance(body, bytes) else body
    return gzip.compress(body, mtime=0) if isinstance(body, bytes) else _gzipped(body)


def _one_chunk(body: bytes) -> Iterator[Step]:
    yield body


def _gzipped(steps: Iterator[Step]) -> Iterator[Step]:
    packer = zlib.compressobj(wbits=31)
    for step in steps:
        yield packer.compress(step) + packer.flush(zlib.Z_SYNC_FLUSH) if isinstance(step, bytes) else step
    yield packer.flush()


def _bomb(mebibytes: int) -> Iterator[Step]:
    """Spaces, which JSON allows, so that it only fails for its size."""
    packer = zlib.compressobj(level=9, wbits=31)
    blank = b" " * _MIB
    for _ in range(mebibytes):
        if piece := packer.compress(blank):
            yield piece
    yield packer.flush()


def _head(response: Response, body: bytes | Iterator[Step], chosen: Chosen, draw: Draw) -> bytes:
    foreign = Draw("somebody else") if "foreign_request_id" in chosen else draw
    content_type = "text/plain" if "wrong_content_type" in chosen else response.content_type
    headers = [
        ("content-type", content_type),
        ("x-request-id", f"req_{foreign.name('request')}"),
        ("openai-version", "2020-10-01"),
        *response.headers,
    ]
    if "gzip" in chosen or "gzip_lie" in chosen or "gzip_bomb" in chosen:
        headers.append(("content-encoding", "gzip"))
    headers += _lengths(body, chosen)
    if "huge_header" in chosen:
        headers.append(("x-padding", "x" * count(chosen, "huge_header")))
    headers += ((f"x-flood-{number}", "1") for number in range(count(chosen, "header_flood")))
    version = "HTTP/9.x banana" if "bad_status_line" in chosen else "HTTP/1.1"
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
    return f"{version} {response.status} {_phrase(response.status)}\r\n{lines}\r\n".encode(
        "latin-1", "replace"
    )


def _lengths(body: bytes | Iterator[Step], chosen: Chosen) -> Iterator[tuple[str, str]]:
    """How the end of the body is announced, truly or not."""
    length = len(body) if isinstance(body, bytes) else 100
    wrong = {"length_short": max(length // 2, 1), "length_long": length + 100}
    lies = [value for name, value in wrong.items() if name in chosen]
    if isinstance(body, bytes) or lies or "length_and_chunked" in chosen or "length_duplicate" in chosen:
        yield "content-length", str(lies[0] if lies else length)
    if "length_duplicate" in chosen:
        yield "content-length", str(length + 7)
    if "length_and_chunked" in chosen or not (
        isinstance(body, bytes) or lies or "length_duplicate" in chosen
    ):
        yield "transfer-encoding", "chunked"


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
