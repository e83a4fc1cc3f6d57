"""One connection: keep-alive, turns, timers, heartbeats, back-pressure."""

import asyncio

import pytest

from seawall.gateway.exchange import Exchange
from seawall.gateway.reader import Limits
from seawall.testing import FakeClock

from tests.support.raw_client import RawClient, get, post, until
from tests.unit.gateway.harness import EchoFace, run, serving

PING = b": ping\n\n"


def test_a_connection_is_kept_for_the_next_request_and_closed_after_75_idle_seconds():
    async def main() -> None:
        clock = FakeClock()
        async with serving(EchoFace(), clock) as server:
            client = await RawClient.connect(server.address)
            for number in range(5):
                assert (await client.ask(post("/a", b"%d" % number))).body == b"%d" % number
                clock.advance(70.0)
            clock.advance(6.0)
            assert await client.ended() == b""

    run(main)


def test_a_connection_has_one_timer_however_many_requests_it_carries():
    async def main() -> None:
        clock = FakeClock()
        async with serving(EchoFace(), clock) as server:
            client = await RawClient.connect(server.address)
            for _ in range(50):
                await client.ask(get("/a"))
            assert clock.pending == 1
            client.send(b"GET /b HT")  # a head that is not whole has an earlier deadline
            await asyncio.sleep(0.01)
            assert clock.pending == 1
            client.close()
            await until(lambda: server.connections == 0)
            assert clock.pending == 0

    run(main)


def test_each_head_of_a_pipeline_has_its_own_ten_seconds():
    async def main() -> None:
        clock = FakeClock()
        async with serving(EchoFace(), clock) as server:
            client = await RawClient.connect(server.address)
            client.send(b"GET /a HTTP/1.1\r\nHo")
            await until(lambda: server.connections)
            await asyncio.sleep(0.01)
            clock.advance(9.0)
            client.send(b"st: x\r\n\r\nGET /b HTTP/1.1\r\nHo")
            assert (await client.response()).status == 200
            clock.advance(9.0)
            client.send(b"st: x\r\n\r\n")
            assert (await client.response()).status == 200
            client.close()

    run(main)


def test_a_running_answer_has_no_deadline_of_the_connection():
    release = asyncio.Event()

    async def slow(exchange: Exchange) -> None:
        await release.wait()
        exchange.respond(200, b"done")

    async def main() -> None:
        clock = FakeClock()
        async with serving(EchoFace(slow=slow), clock) as server:
            client = await RawClient.connect(server.address)
            client.send(get("/slow"))
            await until(lambda: server.in_flight)
            clock.advance(3600.0)
            release.set()
            assert (await client.response()).body == b"done"
            client.close()

    run(main)


def test_a_silent_stream_gets_a_heartbeat_every_15_seconds_and_a_busy_one_none():
    pieces: asyncio.Queue[bytes] = asyncio.Queue()

    async def stream(exchange: Exchange) -> None:
        exchange.start(200, b"text/event-stream", heartbeat=PING)
        while piece := await pieces.get():
            await exchange.write(piece)
        exchange.end()

    async def main() -> None:
        clock = FakeClock()
        async with serving(EchoFace(s=stream), clock) as server:
            client = await RawClient.connect(server.address)
            client.send(get("/s"))
            await client.head()
            for number in range(4):
                clock.advance(10.0)
                pieces.put_nowait(b"%d" % number)
                assert await client.chunk() == b"%d" % number
            clock.advance(14.9)
            clock.advance(0.2)
            assert await client.chunk() == PING
            clock.advance(15.1)
            assert await client.chunk() == PING
            pieces.put_nowait(b"")
            assert await client.chunk() == b""
            clock.advance(74.0)
            assert (await client.ask(get("/a"))).status == 200, "no heartbeat after the end"
            client.close()

    run(main)


def test_no_heartbeat_before_the_head_so_that_the_status_stays_open():
    release = asyncio.Event()

    async def stream(exchange: Exchange) -> None:
        await release.wait()
        exchange.respond(503, b"")

    async def main() -> None:
        clock = FakeClock()
        async with serving(EchoFace(s=stream), clock) as server:
            client = await RawClient.connect(server.address)
            client.send(get("/s"))
            await until(lambda: server.in_flight)
            clock.advance(60.0)
            release.set()
            assert (await client.response()).status == 503
            client.close()

    run(main)


def test_a_slow_reader_gets_everything_once_it_reads():
    async def stream(exchange: Exchange) -> None:
        exchange.start(200, b"text/event-stream")
        for number in range(2000):
            await exchange.write(b"%07d\n" % number * 250)
        exchange.end()

    async def main() -> None:
        async with serving(EchoFace(s=stream)) as server:
            client = await RawClient.connect(server.address, receive_buffer=8192)
            client.writer.transport.pause_reading()
            client.send(get("/s"))
            await asyncio.sleep(0.05)
            client.writer.transport.resume_reading()
            body = (await client.response()).body
            assert body == b"".join(b"%07d\n" % number * 250 for number in range(2000))
            client.close()

    run(main)


def test_a_reader_that_makes_progress_is_not_dropped():
    async def stream(exchange: Exchange) -> None:
        exchange.start(200, b"text/event-stream")
        for _ in range(1000):
            await exchange.write(b"x" * 10_000)
        exchange.end()

    async def main() -> None:
        clock = FakeClock()
        async with serving(EchoFace(s=stream), clock) as server:
            client = await RawClient.connect(server.address, receive_buffer=8192)
            client.send(get("/s"))
            await client.head()
            taken = 0
            for _ in range(20):
                for _ in range(30):
                    taken += len(await client.chunk())
                await asyncio.sleep(0.005)
                clock.advance(20.0)
            assert taken == 6_000_000
            client.reset()

    run(main)


@pytest.mark.parametrize("ask", ["Connection: close", "HTTP/1.0"])
def test_a_client_that_wants_no_more_gets_its_answer_and_a_close(ask: str):
    async def stream(exchange: Exchange) -> None:
        exchange.start(200, b"text/event-stream", heartbeat=PING)
        await exchange.write(b"one")
        exchange.end(b"two")

    async def main() -> None:
        face = EchoFace(s=stream)
        async with serving(face) as server:
            old = ask == "HTTP/1.0"
            for path, expected in (("/a", b""), ("/s", b"onetwo")):
                client = await RawClient.connect(server.address)
                data = get(path) if old else get(path, ask)
                client.send((data.replace(b"HTTP/1.1", b"HTTP/1.0") if old else data) + get("/never"))
                response = await client.response()
                assert response.headers["connection"] == "close"
                assert response.body == expected
                if old:
                    assert "transfer-encoding" not in response.headers
                assert await client.ended() == b""
            assert [exchange.path for exchange in face.exchanges] == [b"/a"]

    run(main)


def test_a_client_that_waits_for_100_continue_gets_it_in_its_turn():
    release = asyncio.Event()

    async def slow(exchange: Exchange) -> None:
        await release.wait()
        exchange.respond(200, b"slow")

    async def main() -> None:
        clock = FakeClock()
        asks = post("/a", b"", "Expect: 100-continue").replace(b": 0", b": 4")
        async with serving(EchoFace(slow=slow), clock) as server:
            client = await RawClient.connect(server.address)
            status, headers, _ = (client.send(asks), await client.head())[1]
            assert (status, headers) == (100, {})
            assert (await client.ask(b"body")).body == b"body"
            client.send(get("/slow") + asks)
            await until(lambda: server.in_flight)
            clock.advance(30.0)  # it waits for us: it is not late
            release.set()
            assert (await client.response()).body == b"slow"
            assert (await client.head())[0] == 100
            assert (await client.ask(b"body")).body == b"body"
            client.close()

    run(main)


@pytest.mark.parametrize("begun", [False, True])
def test_a_handler_that_dies_half_way_leaves_no_answer_that_looks_whole(
    begun: bool, caplog: pytest.LogCaptureFixture
):
    async def dies(exchange: Exchange) -> None:
        if begun:
            exchange.start(200, b"text/event-stream")
            await exchange.write(b"half")
        raise asyncio.CancelledError

    async def main() -> None:
        async with serving(EchoFace(d=dies)) as server:
            client = await RawClient.connect(server.address)
            client.send(get("/d"))
            assert b"0\r\n\r\n" not in await client.ended()

    run(main)


@pytest.mark.parametrize("leave", ["close", "reset", "half"])
def test_a_client_that_leaves_cancels_the_handler_once(leave: str):
    cancelled = 0
    entered = asyncio.Event()

    async def hangs(exchange: Exchange) -> None:
        nonlocal cancelled
        entered.set()
        while True:
            try:
                await asyncio.get_running_loop().create_future()
            except asyncio.CancelledError:
                cancelled += 1
                await asyncio.sleep(0)  # what takes a moment to clean up is not interrupted again
                await asyncio.sleep(0)
                raise

    async def main() -> None:
        async with serving(EchoFace(h=hangs)) as server:
            client = await RawClient.connect(server.address)
            client.send(get("/h") + get("/h"))  # also when more is waiting
            await entered.wait()
            if leave == "half":
                client.writer.write_eof()
            elif leave == "close":
                client.close()
            else:
                client.reset()
            await until(lambda: server.connections == 0)
            assert cancelled == 1
            client.close()

    run(main)


def test_what_waits_behind_an_answer_to_a_client_that_left_is_not_begun():
    begun = 0

    async def tidy(exchange: Exchange) -> None:
        nonlocal begun
        begun += 1
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            exchange.respond(503, b"too late")
            raise

    async def main() -> None:
        async with serving(EchoFace(t=tidy)) as server:
            client = await RawClient.connect(server.address)
            client.send(get("/t") + get("/t"))
            await until(lambda: begun)
            client.writer.write_eof()
            await until(lambda: server.connections == 0)
            assert begun == 1
            client.close()

    run(main)


def test_writing_to_a_client_that_left_does_nothing():
    seen: list[str] = []

    async def deaf(exchange: Exchange) -> None:
        exchange.start(200, b"text/event-stream")
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            await exchange.write(b"nobody")
            exchange.end(b"hears")
            seen.append("ended")

    async def main() -> None:
        async with serving(EchoFace(d=deaf)) as server:
            client = await RawClient.connect(server.address)
            client.send(get("/d"))
            await client.head()
            client.reset()
            await until(lambda: server.connections == 0)
            assert seen == ["ended"]

    run(main)


def test_reading_stops_once_enough_waits_and_goes_on_afterwards():
    release = asyncio.Event()

    async def slow(exchange: Exchange) -> None:
        await release.wait()
        exchange.respond(200, b"slow")

    async def main() -> None:
        clock = FakeClock()
        async with serving(EchoFace(slow=slow), clock, Limits(refused_body_bytes=1000)) as server:
            client = await RawClient.connect(server.address)
            client.send(get("/slow"))
            await until(lambda: server.in_flight)
            for _ in range(30):
                client.send(post("/a", b"x" * 1500))
                await asyncio.sleep(0)
            await asyncio.sleep(0.02)
            clock.advance(500.0)  # what we do not read is not late
            release.set()
            assert (await client.response()).body == b"slow"
            for _ in range(30):
                assert len((await client.response()).body) == 1500
            client.close()

    run(main)
