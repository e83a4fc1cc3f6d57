"""The server as a whole: listening, counting, draining."""

import asyncio
import socket

import pytest

from seawall.gateway.exchange import Exchange
from seawall.gateway.http import Server
from seawall.testing import FakeClock

from tests.support.raw_client import RawClient, get, until
from tests.unit.gateway.harness import EchoFace, run, serving


def test_it_listens_on_this_machine_only_unless_told_otherwise():
    async def main() -> None:
        async with serving(EchoFace()) as server:
            assert server.address[0] == "127.0.0.1"

    run(main)


def test_it_serves_on_an_inherited_socket():
    async def main() -> None:
        with socket.create_server(("127.0.0.1", 0)) as sock:
            server = Server(EchoFace(), FakeClock(), sock=sock)
            with pytest.raises(RuntimeError, match="not been started"):
                _ = server.address
            await server.start()
            assert server.address == sock.getsockname()
            client = await RawClient.connect(server.address)
            assert (await client.ask(get("/a"))).status == 200
            client.close()
            await server.close()

    run(main)


def test_a_drain_lets_the_running_finish_closes_the_idle_and_takes_nobody_new():
    release = asyncio.Event()

    async def slow(exchange: Exchange) -> None:
        exchange.start(200, b"text/event-stream")
        await release.wait()
        exchange.end(b"whole")

    async def main() -> None:
        clock = FakeClock()
        server = Server(EchoFace(slow=slow), clock)
        await server.start()
        address = server.address
        idle, busy = [await RawClient.connect(server.address) for _ in range(2)]
        assert (await idle.ask(get("/a"))).status == 200
        busy.send(get("/slow") + get("/a"))
        await busy.head()
        assert (server.connections, server.in_flight) == (2, 1)
        async with asyncio.TaskGroup() as group:
            drained = group.create_task(server.drain(30.0))
            assert await idle.ended() == b""
            with pytest.raises(ConnectionError):
                await RawClient.connect(address)
            assert not drained.done()
            release.set()
            assert [await busy.chunk(), await busy.chunk()] == [b"whole", b""]
            assert await busy.ended() == b"", "what only waited is not begun"
        assert (server.connections, server.in_flight, clock.pending) == (0, 0, 0)

    run(main)


def test_an_answer_that_begins_during_a_drain_says_that_the_connection_closes():
    release = asyncio.Event()

    async def slow(exchange: Exchange) -> None:
        await release.wait()
        exchange.respond(200, b"late")

    async def main() -> None:
        server = Server(EchoFace(slow=slow), FakeClock())
        await server.start()
        client = await RawClient.connect(server.address)
        client.send(get("/slow"))
        await until(lambda: server.in_flight)
        async with asyncio.TaskGroup() as group:
            group.create_task(server.drain(30.0))
            await asyncio.sleep(0.01)
            release.set()
            assert (await client.response()).headers["connection"] == "close"
            assert await client.ended() == b""

    run(main)


def test_after_the_grace_handlers_are_cancelled_with_the_reason():
    reasons: list[object] = []

    async def stubborn(exchange: Exchange) -> None:
        exchange.start(200, b"text/event-stream")
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError as error:
            reasons.append((error.args, exchange.shutting_down))
            exchange.end(b"bye", close=True)
            raise

    async def main() -> None:
        clock = FakeClock()
        server = Server(EchoFace(s=stubborn), clock)
        await server.start()
        clients = [await RawClient.connect(server.address) for _ in range(50)]
        for client in clients:
            client.send(get("/s"))
            await client.head()
        async with asyncio.TaskGroup() as group:
            drained = group.create_task(server.drain(10.0))
            await asyncio.sleep(0.01)
            clock.advance(9.9)
            await asyncio.sleep(0.01)
            assert not reasons
            clock.advance(0.2)
            for client in clients:
                assert [await client.chunk(), await client.chunk()] == [b"bye", b""]
                assert await client.ended() == b""
            await drained
        assert reasons == [(("shutdown",), True)] * 50

    run(main)


def test_a_drain_does_not_wait_for_clients_that_do_not_read():
    async def firehose(exchange: Exchange) -> None:
        exchange.start(200, b"text/event-stream")
        while True:
            await exchange.write(b"x" * 100_000)

    async def main() -> None:
        clock = FakeClock()
        server = Server(EchoFace(f=firehose), clock)
        await server.start()
        client = await RawClient.connect(server.address, receive_buffer=4096)
        client.writer.transport.pause_reading()
        client.send(get("/f"))
        await until(lambda: server.in_flight)
        await asyncio.sleep(0.05)
        async with asyncio.TaskGroup() as group:
            drained = group.create_task(server.drain(0.0))
            while not drained.done():
                await asyncio.sleep(0.001)
                clock.advance(0.1)
        assert server.connections == 0
        client.reset()

    run(main)


def test_close_waits_until_the_handlers_it_cancels_are_over():
    over = False

    async def slow_to_end(exchange: Exchange) -> None:
        nonlocal over
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            await asyncio.sleep(0.02)
            over = True

    async def main() -> None:
        server = Server(EchoFace(s=slow_to_end), FakeClock())
        await server.start()
        client = await RawClient.connect(server.address)
        client.send(get("/s"))
        await until(lambda: server.in_flight)
        await server.close()
        assert over
        client.close()

    run(main)
