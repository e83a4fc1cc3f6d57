"""Clients that are slow, huge, lying or malformed: each is refused, and the others are served."""

import asyncio
import json
import resource
import socket
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.gateway.exchange import Exchange
from seawall.gateway.reader import Limits
from seawall.testing import FakeClock

from tests.support.raw_client import RawClient, get, post, until
from tests.unit.gateway.harness import EchoFace, run, serving

HOST = b"POST /a HTTP/1.1\r\nHost: x\r\n"
CHUNKED = HOST + b"Transfer-Encoding: chunked\r\n\r\n"

SMUGGLING: dict[str, tuple[int, bytes]] = {
    "length and chunks": (400, HOST + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    "chunks and length": (400, HOST + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n"),
    "two lengths": (400, HOST + b"Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcde"),
    "the same length twice": (400, HOST + b"Content-Length: 4\r\nContent-Length: 4\r\n\r\nabcd"),
    "list of lengths": (400, HOST + b"Content-Length: 4, 4\r\n\r\nabcd"),
    "signed length": (400, HOST + b"Content-Length: +4\r\n\r\nabcd"),
    "negative length": (400, HOST + b"Content-Length: -4\r\n\r\nabcd"),
    "hexadecimal length": (400, HOST + b"Content-Length: 0x4\r\n\r\nabcd"),
    "empty length": (400, HOST + b"Content-Length: \r\n\r\nabcd"),
    "length beyond 64 bits": (400, HOST + b"Content-Length: 99999999999999999999999\r\n\r\nabcd"),
    "length with a space inside": (400, HOST + b"Content-Length: 4 4\r\n\r\nabcd"),
    "folded header": (400, HOST + b"X-A: 1\r\n 2\r\n\r\n"),
    "folded transfer-encoding": (400, HOST + b"Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n"),
    "bare LF after the request line": (400, b"POST /a HTTP/1.1\nHost: x\r\nContent-Length: 0\r\n\r\n"),
    "bare LF after a header": (400, b"POST /a HTTP/1.1\r\nHost: x\nContent-Length: 0\r\n\r\n"),
    "bare LF at the head's end": (400, HOST + b"Content-Length: 0\r\n\n"),
    "bare CR in a header": (400, b"POST /a HTTP/1.1\r\nHost: x\rX: y\r\nContent-Length: 0\r\n\r\n"),
    "space before the colon": (400, HOST + b"Content-Length : 0\r\n\r\n"),
    "unknown coding": (400, HOST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
    "chunked not last": (400, HOST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n"),
    "identity coding": (400, HOST + b"Transfer-Encoding: identity\r\n\r\n0\r\n\r\n"),
    "coding before chunked": (400, HOST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
    "chunked twice": (
        400,
        HOST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ),
    "quoted chunked": (400, HOST + b'Transfer-Encoding: "chunked"\r\n\r\n0\r\n\r\n'),
    "vertical tab before chunked": (400, HOST + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n"),
    "chunks over HTTP/1.0": (
        400,
        b"POST /a HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ),
    "negative chunk": (400, CHUNKED + b"-1\r\n\r\n"),
    "signed chunk": (400, CHUNKED + b"+1\r\na\r\n0\r\n\r\n"),
    "prefixed chunk size": (400, CHUNKED + b"0x1\r\na\r\n0\r\n\r\n"),
    "chunk size beyond 64 bits": (400, CHUNKED + b"fffffffffffffffff\r\na\r\n0\r\n\r\n"),
    "bare LF in a chunk extension": (400, CHUNKED + b"1;a\nb\r\na\r\n0\r\n\r\n"),
    "bare LF after a chunk size": (400, CHUNKED + b"1\na\r\n0\r\n\r\n"),
    "bare LF after chunk data": (400, CHUNKED + b"1\r\na\n0\r\n\r\n"),
    "chunk longer than said": (400, CHUNKED + b"1\r\nab0\r\n\r\n"),
    "space after a chunk size": (400, CHUNKED + b"1 \r\na\r\n0\r\n\r\n"),
    "trailer": (400, CHUNKED + b"0\r\nX-T: 1\r\n\r\n"),
    "length as trailer": (400, CHUNKED + b"0\r\nContent-Length: 10\r\n\r\n"),
    "NUL in a value": (400, HOST + b"X: a\x00b\r\n\r\n"),
    "control character in a value": (400, HOST + b"X: a\x01b\r\n\r\n"),
    "NUL in a name": (400, HOST + b"X\x00: ab\r\n\r\n"),
    "empty name": (400, HOST + b": ab\r\n\r\n"),
    "no colon": (400, HOST + b"abc\r\n\r\n"),
    "space in a name": (400, HOST + b"a b: c\r\n\r\n"),
    "space before the first header": (400, b"POST /a HTTP/1.1\r\n Host: x\r\n\r\n"),
    "HTTP/0.9": (505, b"GET /a\r\n\r\n"),
    "HTTP/2.0": (505, b"GET /a HTTP/2.0\r\nHost: x\r\n\r\n"),
    "HTTP/1.2": (400, b"GET /a HTTP/1.2\r\nHost: x\r\n\r\n"),
    "space after the version": (400, b"GET /a HTTP/1.1 \r\nHost: x\r\n\r\n"),
    "no host": (400, b"GET /a HTTP/1.1\r\n\r\n"),
    "two hosts": (400, b"GET /a HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n"),
    "two keys": (400, get("/a", "Authorization: Bearer a", "Authorization: Bearer b")),
    "control character in the path": (400, b"GET /a\x01 HTTP/1.1\r\nHost: x\r\n\r\n"),
    "bytes beyond ASCII in the path": (400, b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n"),
    "HTTP/2 preface": (400, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    "unknown method": (405, b"BREW /a HTTP/1.1\r\nHost: x\r\n\r\n"),
    "method of another protocol": (405, b"SOURCE /a HTTP/1.1\r\nHost: x\r\n\r\n"),
    "method in lower case": (405, b"get /a HTTP/1.1\r\nHost: x\r\n\r\n"),
    "CONNECT": (405, b"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n"),
    "TRACE": (405, b"TRACE /a HTTP/1.1\r\nHost: x\r\n\r\n"),
    "OPTIONS": (405, b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n"),
    "DELETE": (405, b"DELETE /a HTTP/1.1\r\nHost: x\r\n\r\n"),
    "a TLS greeting": (405, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
    "WebSocket": (400, get("/a", "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13")),
    "upgrade to HTTP/2": (400, get("/a", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c")),
    "compressed body": (415, post("/a", b"\x1f\x8b", "Content-Encoding: gzip")),
    "unknown expectation": (417, post("/a", b"", "Expect: a-miracle")),
}


@pytest.mark.parametrize("case", SMUGGLING)
def test_what_two_parsers_could_read_differently_is_refused_and_the_connection_closed(case: str):
    status, data = SMUGGLING[case]

    async def main() -> None:
        face = EchoFace()
        async with serving(face) as server:
            client = await RawClient.connect(server.address)
            client.send(data + get("/smuggled"))
            response = await client.response()
            assert response.status == status
            assert response.headers["connection"] == "close"
            assert json.loads(response.body)["error"]["message"]
            assert b"smuggled" not in response.body
            client.writer.write_eof()
            assert await client.ended() == b""
            assert not any(exchange.path == b"/smuggled" for exchange in face.exchanges)

    run(main)


@pytest.mark.parametrize("case", [name for name, (status, _) in SMUGGLING.items() if status == 400])
def test_cut_into_single_bytes_it_is_refused_just_the_same(case: str):
    _, data = SMUGGLING[case]

    async def main() -> None:
        face = EchoFace()
        async with serving(face) as server:
            client = await RawClient.connect(server.address)
            for byte in data:
                client.send(bytes((byte,)))
                await asyncio.sleep(0)
            assert (await client.response()).status == 400
            assert not face.exchanges or face.exchanges[0].path != b"/smuggled"
            client.close()

    run(main)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200), st.integers(0, 60))
def test_no_bytes_break_the_server(noise: bytes, at: int):
    async def main() -> None:
        good = post("/a", b"body", "X-A: 1")
        async with serving(EchoFace()) as server:
            client = await RawClient.connect(server.address)
            client.send(good[:at] + noise + good[at:])
            client.writer.write_eof()
            answered = await client.ended()
            assert answered == b"" or answered.startswith(b"HTTP/1.1 ")
            other = await RawClient.connect(server.address)
            assert (await other.ask(good)).body == b"body"
            other.close()

    run(main)


def test_slow_heads_are_let_go_after_ten_seconds_and_others_are_served():
    async def main() -> None:
        clock = FakeClock()
        async with serving(EchoFace(), clock) as server:
            slow = [await RawClient.connect(server.address) for _ in range(100)]
            for client in slow:
                client.send(b"GET / HTTP/1.1\r\nHo")
            await until(lambda: server.connections == 100)
            other = await RawClient.connect(server.address)
            for second in range(9):
                clock.advance(1.0)
                for client in slow:
                    client.send(b"s")
                assert (await other.ask(get(f"/{second}"))).status == 200
            assert server.connections == 101
            clock.advance(1.5)
            for client in slow:
                assert (await client.response()).status == 408
            clock.advance(2.5)  # those who do not go are not waited for any longer
            await until(lambda: server.connections == 1)
            for client in (*slow, other):
                client.close()

    run(main)


def test_a_client_that_never_says_anything_is_let_go():
    async def main() -> None:
        clock = FakeClock()
        async with serving(EchoFace(), clock) as server:
            client = await RawClient.connect(server.address)
            await until(lambda: server.connections)
            clock.advance(9.9)
            assert server.connections == 1
            clock.advance(0.2)
            assert await client.ended() == b""

    run(main)


def test_a_body_below_the_least_rate_is_refused_and_one_above_it_taken():
    async def main() -> None:
        clock = FakeClock()
        face = EchoFace()
        async with serving(face, clock, Limits(body_rate=1000)) as server:
            slow, steady = [await RawClient.connect(server.address) for _ in range(2)]
            for client in (slow, steady):
                client.send(HOST + b"Content-Length: 30000\r\n\r\n")
            await until(lambda: server.connections == 2)
            for _ in range(4):
                steady.send(b"x" * 6000)
                if slow:
                    slow.send(b"x" * 4000)  # 800 a second
                await asyncio.sleep(0.02)
                clock.advance(5.0)
                if slow:
                    assert (await slow.response()).status == 408
                    slow = slow.close()
            steady.send(b"x" * 6000)
            assert len((await steady.response()).body) == 30_000
            steady.close()

    run(main)


def test_a_body_that_is_fast_enough_but_endless_is_cut_off_after_a_minute():
    async def main() -> None:
        clock = FakeClock()
        async with serving(EchoFace(), clock) as server:
            client = await RawClient.connect(server.address)
            client.send(CHUNKED)
            await until(lambda: clock.pending)
            for _ in range(12):
                client.send(b"1800\r\n" + b"x" * 0x1800 + b"\r\n")
                await client.flush()
                await asyncio.sleep(0.01)
                clock.advance(5.0)
            assert (await client.response()).status == 408
            client.close()

    run(main)


def peak_kib() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


@pytest.mark.parametrize("kind", ["said", "lying", "chunked"])
def test_a_body_of_100_mb_is_refused_with_413_before_it_is_buffered(kind: str):
    head, piece = {
        "said": (HOST + b"Content-Length: 104857600\r\n\r\n", b"x" * 65536),
        "lying": (HOST + b"Content-Length: 9223372036854775807\r\n\r\n", b"x" * 65536),
        "chunked": (CHUNKED, b"10000\r\n%b\r\n" % (b"x" * 65536)),
    }[kind]

    def blast(address: tuple[str, int]) -> bytes:
        with socket.create_connection(address, timeout=10) as sock:
            try:
                sock.sendall(head)
                for _ in range(1600):
                    sock.sendall(piece)
            except ConnectionError:
                pass  # the server need not take it all; the answer is there nevertheless
            return sock.recv(65536)

    async def main() -> None:
        face = EchoFace()
        async with serving(face) as server:
            before = peak_kib()
            answer = await asyncio.to_thread(blast, server.address)
            assert answer.startswith(b"HTTP/1.1 413 ")
            assert peak_kib() - before < 32 * 1024
            assert not face.exchanges

    run(main)


async def flood(client: RawClient) -> None:
    """Send 65 MB."""
    for _ in range(1000):
        client.send(b"x" * 65536)
        await client.flush()


def test_a_refused_client_that_goes_on_sending_is_dropped():
    async def main() -> None:
        async with serving(EchoFace()) as server:
            client = await RawClient.connect(server.address)
            client.send(b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 104857600\r\n\r\n")
            assert (await client.response()).status == 413
            with pytest.raises(ConnectionError):
                await flood(client)
            await until(lambda: server.connections == 0)

    run(main)


def test_a_body_just_within_the_cap_is_taken_and_one_byte_more_is_not():
    async def main() -> None:
        async with serving(EchoFace(), limits=Limits(body_bytes=1000)) as server:
            client = await RawClient.connect(server.address)
            assert len((await client.ask(post("/a", b"x" * 1000))).body) == 1000
            chunk = b"1f4\r\n%b\r\n" % (b"x" * 500)
            assert len((await client.ask(CHUNKED + chunk * 2 + b"0\r\n\r\n")).body) == 1000
            assert (await client.ask(CHUNKED + chunk * 2 + b"1\r\nx\r\n0\r\n\r\n")).status == 413
            client.close()
            client = await RawClient.connect(server.address)
            assert (await client.ask(post("/a", b"x" * 1001))).status == 413
            client.close()

    run(main)


def test_chunks_that_are_mostly_wrapping_are_refused():
    async def main() -> None:
        async with serving(EchoFace()) as server:
            client = await RawClient.connect(server.address)
            client.send(CHUNKED + b"1;" + b"e" * 300_000)
            assert (await client.response()).status == 400
            client.close()

    run(main)


@pytest.mark.parametrize(
    "lines",
    [
        [f"X-{number}: 1" for number in range(10_000)],
        [f"X-{number}: 1" for number in range(100)],  # and Host: one too many
        ["X: 1"] * 101,
        ["X: " + "a" * 40_000],
        ["X" * 40_000 + ": a"],
    ],
    ids=["10000 lines", "101 lines", "101 times the same", "large value", "large name"],
)
def test_a_head_with_too_much_in_it_is_431(lines: list[str]):
    async def main() -> None:
        async with serving(EchoFace()) as server:
            client = await RawClient.connect(server.address)
            assert (await client.ask(get("/a", *lines))).status == 431
            client.close()

    run(main)


def test_an_endless_head_is_431_without_an_end_in_sight():
    async def main() -> None:
        async with serving(EchoFace()) as server:
            client = await RawClient.connect(server.address)
            client.send(b"GET /a HTTP/1.1\r\nHost: x\r\nX: ")
            for _ in range(40):
                client.send(b"a" * 1000)
                await asyncio.sleep(0)
            assert (await client.response()).status == 431
            client.close()
            client = await RawClient.connect(server.address)
            client.send(b"GET /" + b"a" * 40_000)
            assert (await client.response()).status == 431
            client.close()

    run(main)


def test_a_reader_that_stops_is_held_back_at_256_kib_then_dropped_and_others_are_served():
    async def main() -> None:
        written = 0
        over = asyncio.Event()

        async def firehose(exchange: Exchange) -> None:
            nonlocal written
            exchange.start(200, b"text/event-stream")
            try:
                while True:
                    await exchange.write(b"x" * 1000)
                    written += 1000
            finally:
                over.set()

        clock = FakeClock()
        async with serving(EchoFace(s=firehose), clock) as server:
            client = await RawClient.connect(server.address, receive_buffer=4096)
            client.writer.transport.pause_reading()
            client.send(get("/s"))
            await until(lambda: written > 256_000)
            await asyncio.sleep(0.1)
            full = written
            other = await RawClient.connect(server.address)
            assert (await other.ask(get("/a"))).status == 200
            clock.advance(29.0)
            await asyncio.sleep(0.01)
            assert written == full
            assert not over.is_set()
            clock.advance(2.0)
            await asyncio.wait_for(over.wait(), 5)
            assert full < 8_000_000, "the kernel's buffers and ours"
            client.reset()
            other.close()

    run(main)


def test_more_clients_than_there_is_room_for_are_told_so():
    async def main() -> None:
        async with serving(EchoFace(), limits=Limits(connections=2)) as server:
            first = await RawClient.connect(server.address)
            second = await RawClient.connect(server.address)
            assert (await first.ask(get("/a"))).status == (await second.ask(get("/a"))).status == 200
            third = await RawClient.connect(server.address)
            response = await third.response()
            assert (response.status, response.headers["retry-after"]) == (503, "1")
            third.close()
            first.close()
            await until(lambda: server.connections == 1)
            fourth = await RawClient.connect(server.address)
            assert (await fourth.ask(get("/a"))).status == 200
            second.close()
            fourth.close()

    run(main)


async def is_served(address: tuple[str, int]) -> bool:
    """Whether a new client gets an answer; a server without descriptors resets it instead."""
    client = await RawClient.connect(address)
    try:
        client.send(get("/a"))
        return await client.reader.read(12) == b"HTTP/1.1 200"
    except ConnectionError:
        return False
    finally:
        client.reset()


def test_running_out_of_file_descriptors_is_survived_without_a_busy_loop():
    program = """
        import asyncio, resource, sys, time, uvloop
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
        from tests.unit.gateway.harness import EchoFace
        from seawall.testing import FakeClock
        from seawall.gateway.http import Server
        async def main():
            server = Server(EchoFace(), FakeClock())
            await server.start()
            print(server.address[1], flush=True)
            await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
            print(time.process_time(), flush=True)
        uvloop.run(main())
    """
    root = Path(__file__).parents[2]
    child = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)],
        cwd=root,
        env={"PYTHONPATH": f"{root / 'src'}:{root}", "PATH": "/usr/bin:/bin"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdin is not None
    assert child.stdout is not None

    async def main(port: int) -> None:
        crowd = [await RawClient.connect(("127.0.0.1", port)) for _ in range(120)]
        await asyncio.sleep(0.5)
        for client in crowd:
            client.reset()
        for _ in range(50):  # the server notices those who left in its own time
            if await is_served(("127.0.0.1", port)):
                return
            await asyncio.sleep(0.05)
        raise AssertionError("nobody is served any more")

    with child:
        began = time.monotonic()
        asyncio.run(main(int(child.stdout.readline())))
        child.stdin.write("\n")
        child.stdin.flush()
        cpu = float(child.stdout.readline())
        assert cpu < 1.5 + (time.monotonic() - began) / 4, "a busy loop would have used all of the time"
        assert child.wait(10) == 0
