"""What a provider's connection can do wrong, provoked on real sockets, on both event loops.

Each test names its row of the catalogue of failures.
"""

import asyncio
import socket
from collections.abc import Sequence

import pytest

from seawall.transport.client import HttpClient

from tests.support.raw_server import Peer, RawServer, answer
from tests.unit.transport.scenes import (
    BODY,
    LOOPS,
    Play,
    ask,
    consume,
    exchange,
    failure,
    meeting,
    play_on,
    saying,
    settle,
    turns,
)


@pytest.fixture(params=LOOPS)
def play(request: pytest.FixtureRequest) -> Play:
    return play_on(request.param)


@pytest.fixture(params=["whole", "streamed"])
def mode(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize("chunked", [False, True])
def test_answers_come_out_as_sent_and_connections_are_used_again(
    play: Play, mode: str, chunked: bool
) -> None:
    async def scene() -> None:
        async with meeting(saying(answer(BODY, chunked=chunked))) as (server, client):
            for _ in range(5):
                assert await ask(client, mode) == BODY
            assert (server.accepted, client.idle, client.active) == (1, 1, 0)

    play(scene())


@pytest.mark.parametrize("chunked", [False, True])
def test_an_answer_in_single_bytes_is_the_same_answer(play: Play, mode: str, chunked: bool) -> None:
    """B-01"""

    async def bytewise(peer: Peer) -> None:
        while await peer.request():
            await peer.send_bytewise(answer(BODY, chunked=chunked))

    async def scene() -> None:
        async with meeting(bytewise) as (server, client):
            assert [await ask(client, mode) for _ in range(2)] == [BODY, BODY]
            assert server.accepted == 1

    play(scene())


def test_a_streamed_piece_is_handed_on_as_soon_as_it_comes(play: Play) -> None:
    async def scene() -> None:
        go_on = asyncio.Event()

        async def script(peer: Peer) -> None:
            await peer.request()
            raw = answer(b"1234567abc", chunked=True)
            await peer.send(raw[: raw.index(b"3\r\nabc")])
            await go_on.wait()
            await peer.send(raw[raw.index(b"3\r\nabc") :])
            await peer.gone()

        async with meeting(script) as (_, client), exchange(client) as response:
            assert await response.chunk() == b"1234567"
            go_on.set()
            assert await consume(response, "streamed") == b"abc"

    play(scene())


def test_a_redirect_is_an_answer_and_is_not_followed(play: Play, mode: str) -> None:
    """A-08"""

    async def scene() -> None:
        async with RawServer(saying(answer())) as elsewhere:
            moved = answer(b"moved", "307 Temporary Redirect", f"location: {elsewhere.url}/v1")
            async with meeting(saying(moved)) as (_, client), exchange(client) as response:
                assert response.status == 307
                assert response.headers[b"location"].startswith(b"http://127.0.0.1")
                assert await consume(response, mode) == b"moved"
            assert elsewhere.accepted == 0

    play(scene())


def test_a_provider_that_never_answers_is_left_and_its_connection_closed(play: Play) -> None:
    """A-09, A-10: the caller's timer cancels; nothing stays behind."""

    async def silent(peer: Peer) -> None:
        await peer.request()
        await peer.gone()

    async def scene() -> None:
        async with meeting(silent) as (server, client):
            task = asyncio.get_running_loop().create_task(ask(client))
            while not server.peers:
                await turns()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await settle(server)
            assert (client.active, client.idle) == (0, 0)

    play(scene())


def test_a_refused_connection_is_told_at_once(play: Play) -> None:
    """A-11"""

    async def scene() -> None:
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            client = HttpClient(f"http://127.0.0.1:{closed.getsockname()[1]}")
            error = await failure(ask(client))
        assert error.code == "connect_failed"
        assert "refused" in error.hint.lower()
        assert "127.0.0.1" not in error.message
        assert (client.active, client.idle) == (0, 0)

    play(scene())


def test_a_host_that_never_accepts_is_given_up_in_time(play: Play) -> None:
    """A-12"""

    async def scene() -> None:
        with socket.socket() as full:
            full.bind(("127.0.0.1", 0))
            full.listen(0)
            address = full.getsockname()
            fillers = [socket.socket() for _ in range(3)]  # more than the backlog takes
            for filler in fillers:
                filler.setblocking(False)
                filler.connect_ex(address)
            error = await failure(ask(HttpClient(f"http://127.0.0.1:{address[1]}", connect_timeout=0.1)))
            for filler in fillers:
                filler.close()
        assert error.code == "connect_failed"
        assert "connect_timeout is 0.1 s" in error.hint

    play(scene())


@pytest.mark.parametrize("number", [socket.EAI_NONAME, socket.EAI_AGAIN, socket.EAI_FAIL])
def test_a_name_that_does_not_resolve_is_asked_for_again_next_time(play: Play, number: int) -> None:
    """A-13: failures of the resolver are not remembered."""

    async def scene() -> None:
        failing = True

        async def resolve(host: str, port: int) -> Sequence[str]:
            if failing:
                raise socket.gaierror(number, "no luck with the name")
            return ["127.0.0.1"]

        async with RawServer(saying(answer(BODY))) as server:
            client = HttpClient(f"http://api.test:{server.port}", resolve=resolve)
            error = await failure(ask(client))
            assert error.code == "connect_failed"
            assert "no luck with the name" in error.hint
            failing = False
            assert await ask(client) == BODY
            await client.close()

    play(scene())


def test_a_resolver_that_hangs_is_given_up_in_time(play: Play) -> None:
    """A-13"""

    async def resolve(host: str, port: int) -> Sequence[str]:
        return await asyncio.get_running_loop().create_future()

    async def scene() -> None:
        client = HttpClient("http://api.test", resolve=resolve, connect_timeout=0.05)
        assert (await failure(ask(client))).code == "connect_failed"

    play(scene())


HEAD = b"HTTP/1.1 200 OK\r\ncontent-length: 23\r\n\r\n"
CUTS = {
    "before the head": (b"", "unavailable"),
    "in the head": (HEAD[:20], "stream_interrupted"),
    "after the head": (HEAD, "stream_interrupted"),
    "in the body": (HEAD + BODY[:5], "stream_interrupted"),
    "between chunks": (answer(BODY, chunked=True)[:-5], "stream_interrupted"),
    "before the last line end": (answer(BODY, chunked=True)[:-1], "stream_interrupted"),
    "after an informational response": (b"HTTP/1.1 100 Continue\r\n\r\n", "stream_interrupted"),
}


@pytest.mark.parametrize("how", ["reset", "close", "half close"])
@pytest.mark.parametrize(("said", "code"), CUTS.values(), ids=CUTS)
def test_a_lost_connection_is_told_by_whether_the_answer_had_begun(
    play: Play, mode: str, said: bytes, code: str, how: str
) -> None:
    """A-15, and A-17 for a length that is too large."""

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(said)
        await turns()  # so that a reset does not overtake what was said
        if how == "reset":
            peer.reset()
        elif how == "half close":
            peer.half_close()
            await peer.gone()

    async def scene() -> None:
        async with meeting(script) as (server, client):
            error = await failure(ask(client, mode))
            assert (error.code, error.retryable) == (code, True)
            assert error.hint
            assert (client.active, client.idle) == (0, 0)
            await settle(server)

    play(scene())


def test_a_body_that_ends_with_the_connection_is_told_from_one_that_is_reset(play: Play, mode: str) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\n\r\n" + BODY)
        await turns()
        if peer.number:
            peer.reset()

    async def scene() -> None:
        async with meeting(script) as (_, client):
            assert await ask(client, mode) == BODY
            assert (await failure(ask(client, mode))).code == "stream_interrupted"

    play(scene())


def test_an_idle_connection_that_the_server_closed_is_not_used(play: Play) -> None:
    """A-16: when we know of it in time."""

    async def once(peer: Peer) -> None:
        await peer.request()
        await peer.send(answer(b"%d" % peer.number))

    async def scene() -> None:
        async with meeting(once) as (server, client):
            for number in range(3):
                assert await ask(client) == b"%d" % number
                await settle(server)
                while client.idle:
                    await turns()

    play(scene())


@pytest.mark.parametrize("reset", [False, True])
def test_a_connection_that_closes_while_we_send_is_unavailable_and_nothing_is_asked_twice(
    play: Play, reset: bool
) -> None:
    """A-16: the race. Whether to ask again is not for the connection to decide."""
    heard = []

    async def script(peer: Peer) -> None:
        while request := await peer.request():
            heard.append(request)
            if len(heard) == 2:
                break
            await peer.send(answer())
        if reset:
            peer.reset()

    async def scene() -> None:
        async with meeting(script) as (server, client):
            await ask(client)
            error = await failure(ask(client))
            assert (error.code, error.retryable) == ("unavailable", True)
            assert "kept open" in error.hint
            assert (len(heard), server.accepted, client.idle) == (2, 1, 0)
            await ask(client)
            assert server.accepted == 2

    play(scene())


NONSENSE = {
    "not HTTP": b"SSH-2.0-OpenSSH_9.9\r\n",
    "two lengths": b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nhi",
    "length and chunked": answer(b"hi", "200 OK", "content-length: 2", chunked=True),
    "bad chunk": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n-1\r\n",
    "compressed": answer(b"\x1f\x8b\x08", "200 OK", "content-encoding: gzip"),
    "compressed chunks": answer(b"\x1f\x8b\x08", "200 OK", "content-encoding: br", chunked=True),
    "100,000 headers": b"HTTP/1.1 200 OK\r\n"
    + b"".join(b"x-%d: 1\r\n" % n for n in range(100_000))
    + b"\r\n",
    "the same header 100,000 times": b"HTTP/1.1 200 OK\r\n" + b"x: 1\r\n" * 100_000 + b"\r\n",
    "a header of 1 MB": b"HTTP/1.1 200 OK\r\nx: " + b"y" * 1_000_000 + b"\r\n\r\n",
    "1xx flood": b"HTTP/1.1 103 Early Hints\r\n\r\n" * 10_000 + answer(),
    "upgrade": b"HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
}


@pytest.mark.parametrize("said", NONSENSE.values(), ids=NONSENSE)
def test_an_answer_that_is_not_sound_http_is_refused_and_the_connection_closed(
    play: Play, mode: str, said: bytes
) -> None:
    """A-17, A-19, A-20, A-21"""

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(said)
        await peer.gone()

    async def scene() -> None:
        async with meeting(script) as (server, client):
            error = await failure(ask(client, mode))
            assert (error.code, error.elsewhere) == ("protocol_error", True)
            assert error.message == "the provider's answer is not valid HTTP"
            assert error.hint
            await settle(server)

    play(scene())


def test_a_body_longer_than_its_length_spoils_only_the_connection(play: Play, mode: str) -> None:
    """A-17: too small a length"""

    async def scene() -> None:
        async with meeting(saying(answer(BODY) + b"more of it")) as (server, client):
            for count in (1, 2):
                assert await ask(client, mode) == BODY
                assert (server.accepted, client.idle) == (count, 0)

    play(scene())


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("chunked", [False, True])
def test_a_second_answer_never_reaches_another_request(
    play: Play, mode: str, chunked: bool, late: bool
) -> None:
    """A-22, whether it comes together with the first or when the connection is idle."""
    stray = answer(b"for somebody else", chunked=chunked)

    async def script(peer: Peer) -> None:
        await peer.request()
        if late:
            await peer.send(answer(b"%d" % peer.number, chunked=chunked))
            await turns()
            await peer.send(stray)
        else:
            await peer.send(answer(b"%d" % peer.number, chunked=chunked) + stray)
        await peer.gone()

    async def scene() -> None:
        async with meeting(script) as (server, client):
            for number in range(3):
                assert await ask(client, mode) == b"%d" % number
                await settle(server)
                assert client.idle == 0

    play(scene())


def test_an_answer_to_half_a_request_is_the_last_on_its_connection(play: Play, mode: str) -> None:
    async def hasty(peer: Peer) -> None:
        if peer.number == 0:
            await peer.reader.readuntil(b"\r\n\r\n")
        else:
            await peer.request()
        await peer.send(answer(b"%d" % peer.number, "413 Too Large"))
        if peer.number == 0:
            peer.writer.transport.pause_reading()
            await asyncio.get_running_loop().create_future()

    async def scene() -> None:
        async with RawServer(hasty) as server:
            client = HttpClient(server.url)
            assert await ask(client, mode, b"x" * 20_000_000) == b"0"
            assert client.idle == 0
            assert await ask(client, mode) == b"1"
            await client.close()

    play(scene())


def test_a_request_of_many_megabytes_arrives(play: Play) -> None:
    async def counting(peer: Peer) -> None:
        peer.reader._limit = 1 << 26  # type: ignore[attr-defined]
        while request := await peer.request():
            await peer.send(answer(b"%d" % len(request.partition(b"\r\n\r\n")[2])))

    async def scene() -> None:
        async with meeting(counting) as (server, client):
            assert await ask(client, body=b"x" * 8_000_000) == b"8000000"
            assert await ask(client) == b"2"
            assert server.accepted == 1

    play(scene())


def test_leaving_early_closes_the_upstream_connection_within_moments(play: Play) -> None:
    """B-13"""

    async def endless(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + b"5\r\nhello\r\n")
        await peer.gone()

    async def scene() -> None:
        async with meeting(endless) as (server, client):

            async def leave() -> None:
                async with exchange(client) as response:
                    assert await response.chunk() == b"hello"
                    raise KeyError("the reader's own trouble passes through unchanged")

            with pytest.raises(KeyError):
                await leave()
            assert (client.active, client.idle) == (0, 0)
            await settle(server)

    play(scene())


def test_a_slow_reader_slows_the_provider_down(play: Play) -> None:
    """B-07, B-14: memory stays bounded, and nothing is lost."""
    total = 20_000_000
    sent = 0

    async def pouring(peer: Peer) -> None:
        nonlocal sent
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % total)
        while sent < total:
            await peer.send(b"x" * 50_000)
            sent += 50_000
        await peer.gone()

    async def scene() -> None:
        async with meeting(pouring) as (_, client), exchange(client) as response:
            got = len(await response.chunk())
            last = -1
            while sent != last:  # until the provider stands still
                last = sent
                await turns(50)
            assert sent < total, "all was taken although nobody read it"
            piece = await response.chunk()
            assert len(piece) < 1_000_000
            got += len(piece)
            while piece := await response.chunk():
                got += len(piece)
            assert got == total

    play(scene())


@pytest.mark.parametrize("name", ["http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"])
def test_proxy_variables_are_not_honoured(play: Play, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """I-07"""
    monkeypatch.setenv(name, "http://127.0.0.1:9")

    async def scene() -> None:
        async with meeting(saying(answer(BODY))) as (_, client):
            assert await ask(client) == BODY

    play(scene())
