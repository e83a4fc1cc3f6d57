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
