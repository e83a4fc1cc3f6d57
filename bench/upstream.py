"""A stand-in for a provider of the OpenAI chat API: `python bench/upstream.py PORT`.

The model's name says how it behaves, so that this survives any gateway in between:

    …-d20      the answer comes after 20 ms                       (default: at once)
    …-s50x20   a streamed answer has 50 chunks, 20 ms apart       (default: 20 chunks, no gap)
    …-e429     an error with this HTTP status

Every answer carries stamps: when its request came and when it left, in nanoseconds of the monotonic clock,
which all processes of a machine share. So the path is measured without the time that was spent here.
A stamp is spelled in letters, since a long number could be taken for a card number by whoever redacts.
"""

import asyncio
import re
import sys
import time
from functools import lru_cache
from typing import NamedTuple, cast

import uvloop

_TO_LETTERS = bytes.maketrans(b"0123456789", b"hjklmnpqrs")
_TO_DIGITS = bytes.maketrans(b"hjklmnpqrs", b"0123456789")
STAMP = re.compile(rb"~([hj-np-s]{4,24})~")

_MODEL = re.compile(rb'"model": ?"([^"]{1,200})"')
_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)
_LAST_CHUNK = b"0\r\n\r\n"
_PLAIN_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
_STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: no-cache\r\n"
    b"transfer-encoding: chunked\r\n\r\n"
)
_FILLER = ("The team agreed on the plan for the next quarter and on who writes it down. " * 12)[:620].encode()
_USAGE = b'{"prompt_tokens":210,"completion_tokens":130,"total_tokens":340}'


def stamp(nanoseconds: int) -> bytes:
    """A point in time as it is written into an answer."""
    return b"~%b~" % str(nanoseconds).encode().translate(_TO_LETTERS)


def stamps(data: bytes) -> list[int]:
    """The points in time that are written in *data*, in nanoseconds."""
    return [int(found.translate(_TO_DIGITS)) for found in STAMP.findall(data)]


def is_whole(message: bytes) -> bool:
    """Whether *message*, a request or an answer without trailers, has come to its end."""
    head = message.find(b"\r\n\r\n")
    if head < 0:
        return False
    length = _LENGTH.search(message, 0, head)
    if length is not None:
        return len(message) >= head + 4 + int(length[1])
    return message.endswith(_LAST_CHUNK) or b"\r\ntransfer-encoding:" not in message[:head].lower()


class Behaviour(NamedTuple):
    """What a model's name asks for; times in seconds."""

    delay: float = 0.0
    chunks: int = 20
    gap: float = 0.0
    status: int = 200


@lru_cache(maxsize=64)
def behaviour(model: bytes) -> Behaviour:
    """What *model* asks for by its name."""
    asked = Behaviour()
    for part in model.decode("utf-8", "replace").split("-")[1:]:
        if match := re.fullmatch(r"d(\d+)", part):
            asked = asked._replace(delay=int(match[1]) / 1000)
        elif match := re.fullmatch(r"s(\d+)x(\d+)", part):
            asked = asked._replace(chunks=int(match[1]), gap=int(match[2]) / 1000)
        elif match := re.fullmatch(r"e([45]\d\d)", part):
            asked = asked._replace(status=int(match[1]))
    return asked


def _whole_answer(model: bytes, came: int) -> bytes:
    body = (
        b'{"id":"chatcmpl-bench","object":"chat.completion","created":1700000000,"model":"%b","choices":'
        b'[{"index":0,"message":{"role":"assistant","content":"%b%b %b","refusal":null},"logprobs":null,'
        b'"finish_reason":"stop"}],"usage":%b}'
    ) % (model, stamp(came), stamp(time.monotonic_ns()), _FILLER, _USAGE)
    return _PLAIN_HEAD % len(body) + body


def _error(status: int) -> bytes:
    body = b'{"error":{"message":"as asked","type":"bench","param":null,"code":"bench"}}'
    return b"HTTP/1.1 %d Asked\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (
        status,
        len(body),
        body,
    )


class Provider(asyncio.Protocol):
    """One connection; requests on it come one after the other."""

    transport: asyncio.Transport

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._received = b""
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def data_received(self, data: bytes) -> None:
        if self._received:
            data = self._received + data
        if not is_whole(data):
            self._received = data
            return
        self._received = b""
        came = time.monotonic_ns()
        found = _MODEL.search(data)
        model = found[1] if found else b"unnamed"
        asked = behaviour(model)
        if asked.delay:
            self._timer = self._loop.call_later(asked.delay, self._answer, data, model, asked, came)
        else:
            self._answer(data, model, asked, came)

    def _answer(self, request: bytes, model: bytes, asked: Behaviour, came: int) -> None:
        if asked.status != 200:
            self.transport.write(_error(asked.status))
        elif b'"stream":true' in request or b'"stream": true' in request:
            self._begin_stream(model, asked)
        else:
            self.transport.write(_whole_answer(model, came))

    def _begin_stream(self, model: bytes, asked: Behaviour) -> None:
        head = (
            b'data: {"id":"chatcmpl-bench","object":"chat.completion.chunk","created":1700000000,'
            b'"model":"%b","choices":[' % model
        )
        opening = b'%b{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}\n\n' % head
        self.transport.write(_STREAM_HEAD + _chunk(opening))
        self._send_piece(head, asked, 0, self._loop.time())

    def _send_piece(self, head: bytes, asked: Behaviour, sent: int, began: float) -> None:
        while sent < asked.chunks:
            piece = b'%b{"index":0,"delta":{"content":"%b and so on "},"finish_reason":null}]}\n\n' % (
                head,
                stamp(time.monotonic_ns()),
            )
            self.transport.write(_chunk(piece))
            sent += 1
            if asked.gap:
                due = began + sent * asked.gap
                self._timer = self._loop.call_at(due, self._send_piece, head, asked, sent, began)
                return
        finish = b'%b{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n' % head
        usage = b'%b],"usage":%b}\n\n' % (head, _USAGE)
        self.transport.write(_chunk(finish) + _chunk(usage) + _chunk(b"data: [DONE]\n\n") + _LAST_CHUNK)


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


async def serve(port: int) -> None:
    """Answer on *port* of the loopback interface until cancelled."""
    server = await asyncio.get_running_loop().create_server(Provider, "127.0.0.1", port, backlog=2048)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
