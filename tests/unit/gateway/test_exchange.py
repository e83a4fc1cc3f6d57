import asyncio

import pytest

from seawall.gateway.exchange import Exchange
from seawall.gateway.heads import header_lines

from tests.support.raw_client import RawClient, get, post
from tests.unit.gateway.harness import EchoFace, run, serving


def test_a_request_is_seen_as_it_was_sent():
    async def main() -> None:
        face = EchoFace()
        async with serving(face) as server:
            client = await RawClient.connect(server.address)
            await client.ask(post("/a%20b//c?x=1&y=%20?", b"body", "X-Many: 1", "x-many: 2", "X-ONE:  v  "))
            seen = face.exchanges[0]
            assert (seen.method, seen.path, seen.query) == (b"POST", b"/a%20b//c", b"x=1&y=%20?")
            assert (seen.headers[b"x-many"], seen.headers[b"x-one"], seen.body) == (b"1, 2", b"v", b"body")
            assert seen.peer == "127.0.0.1"
            client.close()

    run(main)


def test_a_body_in_pieces_and_in_chunks_is_one():
    async def main() -> None:
        async with serving(EchoFace()) as server:
            client = await RawClient.connect(server.address)
            for byte in post("/a", b"0123456789"):
                client.send(bytes((byte,)))
                await asyncio.sleep(0)
            assert (await client.response()).body == b"0123456789"
            head = b"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: Chunked\r\n\r\n"
            assert (await client.ask(head + b"3;x=y\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")).body == b"abcde"
            client.close()

    run(main)


def test_labels_and_id_go_out_with_whatever_answer_follows():
    async def whole(exchange: Exchange) -> None:
        exchange.identify("id-1")
        exchange.labels = header_lines(("x-l", "1"))
        exchange.respond(500, b"no", b"text/plain", header_lines(("x-m", "2")))

    async def stream(exchange: Exchange) -> None:
        exchange.identify("id-2\r\nx-evil: 1")
        exchange.labels = header_lines(("x-l", "1"))
        exchange.start(200, b"text/plain", header_lines(("x-m", "2")))
        await exchange.write(b"")  # would be the end, if it were sent
        exchange.end(b"all")

    async def main() -> None:
        async with serving(EchoFace(w=whole, s=stream)) as server:
            client = await RawClient.connect(server.address)
            for path, request_id in (("/w", "id-1"), ("/s", "id-2%0D%0Ax-evil%3A%201")):
                response = await client.ask(get(path))
                assert (
                    response.headers.items() >= {"x-l": "1", "x-m": "2", "x-request-id": request_id}.items()
                )
                assert response.headers["date"].endswith("GMT")
            assert response.body == b"all"
            client.close()

    run(main)


def test_an_exchange_is_answered_once_and_in_order():
    told: list[str] = []

    async def confused(exchange: Exchange) -> None:
        for wrong in (exchange.end, lambda: exchange.write(b"x").send(None)):
            with pytest.raises(RuntimeError):
                wrong()
        exchange.start(200, b"text/plain")
        for wrong in (lambda: exchange.respond(200, b""), lambda: exchange.start(200, b"")):
            with pytest.raises(RuntimeError, match="already been answered with 200"):
                wrong()
        exchange.end(b"once")
        for wrong in (exchange.end, lambda: exchange.write(b"x").send(None)):
            with pytest.raises(RuntimeError):
                wrong()
        told.append("all refused")

    async def main() -> None:
        async with serving(EchoFace(c=confused)) as server:
            client = await RawClient.connect(server.address)
            assert (await client.ask(get("/c"))).body == b"once"
            assert told
            client.close()

    run(main)


class Recorded:
    """A transport that remembers each write, and the connection around it."""

    def __init__(self) -> None:
        self.transport = self
        self.writes: list[bytes] = []
        self.later: list[object] = []
        self.gone = self.closing = False
        self.paused = None
        self.sent_at = 0.0

    def write(self, data: bytes) -> None:
        self.writes.append(data)

    def soon(self, callback: object) -> None:
        self.later.append(callback)

    def now(self) -> float:
        return 1.0

    def date(self) -> bytes:
        return b""

    def keep_alive_with(self, heartbeat: bytes) -> None:
        return None

    def turn(self) -> None:
        for callback in self.later:
            callback()  # type: ignore[operator]
        self.later.clear()


def test_what_comes_in_one_turn_leaves_as_one_write():
    line = Recorded()
    exchange = Exchange(line)  # type: ignore[arg-type]
    exchange.start(200, b"text/event-stream")
    exchange.send(b"one")
    exchange.send(b"two")
    assert line.writes == []
    line.turn()
    assert len(line.writes) == 1
    assert line.writes[0].endswith(b"\r\n\r\n3\r\none\r\n3\r\ntwo\r\n")
    exchange.send(b"three")
    exchange.end(b"four")
    line.turn()
    assert line.writes[1:] == [b"5\r\nthree\r\n4\r\nfour\r\n0\r\n\r\n"], "the end waits for nothing"


def test_a_large_piece_does_not_wait_for_the_end_of_the_turn():
    line = Recorded()
    exchange = Exchange(line)  # type: ignore[arg-type]
    exchange.start(200, b"text/event-stream")
    exchange.send(b"x" * 70_000)
    assert len(line.writes) == 1
    line.gone = True
    exchange.send(b"for nobody")
    line.turn()
    assert len(line.writes) == 1
