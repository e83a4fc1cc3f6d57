"""Several requests on one connection before the first is answered."""

import asyncio

from seawall.gateway.exchange import Exchange
from seawall.gateway.reader import Limits

from tests.support.raw_client import RawClient, get, post, until
from tests.unit.gateway.harness import EchoFace, run, serving


def test_pipelined_requests_are_answered_one_after_the_other_while_one_streams():
    release = asyncio.Event()

    async def stream(exchange: Exchange) -> None:
        exchange.start(200, b"text/event-stream")
        await exchange.write(b"first")
        await release.wait()
        await exchange.write(b"second")
        exchange.end(b"third")

    async def main() -> None:
        face = EchoFace(s=stream)
        async with serving(face) as server:
            client = await RawClient.connect(server.address)
            client.send(get("/s") + post("/a", b"one") + get("/s") + post("/b", b"two"))
            await client.head()
            assert await client.chunk() == b"first"
            await asyncio.sleep(0.02)
            assert not face.exchanges, "what is pipelined waits for its turn"
            release.set()
            assert [await client.chunk() for _ in range(3)] == [b"second", b"third", b""]
            assert (await client.response()).body == b"one"
            assert (await client.response()).chunks == [b"first", b"second", b"third"]
            assert (await client.response()).body == b"two"
            client.close()

    run(main)


def test_a_malformed_request_in_a_pipeline_is_refused_in_its_turn():
    release = asyncio.Event()

    async def late(exchange: Exchange) -> None:
        await release.wait()
        exchange.respond(200, b"late")

    async def main() -> None:
        face = EchoFace(late=late)
        async with serving(face) as server:
            client = await RawClient.connect(server.address)
            client.send(get("/late") + b"BROKEN\x00\r\n\r\n" + get("/never"))
            await until(lambda: face.refusals)
            release.set()
            assert (await client.response()).body == b"late"
            assert (await client.response()).status == 405
            client.writer.write_eof()
            assert await client.ended() == b""
            assert not face.exchanges

    run(main)


def test_too_many_pipelined_requests_are_cut_off_after_those_that_fit():
    async def main() -> None:
        hold = asyncio.Event()

        async def held(exchange: Exchange) -> None:
            await hold.wait()
            exchange.respond(200, b"held")

        face = EchoFace(held=held)
        async with serving(face, limits=Limits(pipelined=4)) as server:
            client = await RawClient.connect(server.address)
            client.send(get("/held") + get("/a") * 1000)
            await until(lambda: face.refusals)
            hold.set()
            answers = [await client.response() for _ in range(6)]
            assert [answer.status for answer in answers] == [200] * 5 + [400]
            client.close()

    run(main)


def test_a_client_that_pipelines_and_never_reads_fills_no_memory():
    async def main() -> None:
        served = 0

        async def large(exchange: Exchange) -> None:
            nonlocal served
            served += 1
            exchange.respond(200, b"x" * 500_000)

        async with serving(EchoFace(l=large)) as server:
            client = await RawClient.connect(server.address, receive_buffer=4096)
            client.writer.transport.pause_reading()
            for _ in range(12):
                client.send(get("/l"))
            await asyncio.sleep(0.2)
            assert served < 12, "the next answer waits until the last one was taken"
            client.reset()

    run(main)
