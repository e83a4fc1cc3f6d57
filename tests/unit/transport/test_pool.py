import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence

import pytest

from seawall.core.errors import ProviderError
from seawall.transport.client import HttpClient

from tests.support.raw_server import Peer, RawServer, answer


class SkewedLoop(asyncio.SelectorEventLoop):
    """A loop whose time a test can put forward; timers follow."""

    skew = 0.0

    def time(self) -> float:
        return super().time() + self.skew

    async def advance(self, seconds: float) -> None:
        self.skew += seconds
        await turns()


async def turns(count: int = 10) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


def play(scene: Callable[[SkewedLoop], Awaitable[None]]) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, SkewedLoop)
        await scene(loop)

    with asyncio.Runner(loop_factory=SkewedLoop) as runner:
        runner.run(main())


async def echo(peer: Peer) -> None:
    """Answers with the number of the connection."""
    while await peer.request():
        await peer.send(answer(b"%d" % peer.number))


async def ask(client: HttpClient) -> bytes:
    async with client.exchange(b"POST", b"/", b"", b"{}") as response:
        return await response.read(100)


async def open_some(client: HttpClient, count: int) -> None:
    """Leaves *count* idle connections."""
    responses = [client.exchange(b"POST", b"/", b"", b"{}") for _ in range(count)]
    for response in responses:
        await response.__aenter__()
    assert (client.active, client.idle) == (count, 0)
    for response in responses:
        await response.__aexit__(None, None, None)
    assert client.active == 0


def test_idle_connections_are_closed_when_they_are_too_old_used_or_not() -> None:
    async def scene(loop: SkewedLoop) -> None:
        async with RawServer(echo) as server:
            client = HttpClient(server.url, keepalive=30)
            await open_some(client, 3)
            await loop.advance(20)
            assert await ask(client) == b"2", "the newest is used first"
            await loop.advance(11)
            assert client.idle == 1
            while len(server.peers) > 1:
                await turns()
            await loop.advance(20)
            assert client.idle == 0
            while server.peers:
                await turns()
            assert server.accepted == 3
            await client.close()

    play(scene)


def test_an_idle_connection_that_is_too_old_is_not_used_even_if_the_timer_is_late() -> None:
    async def scene(loop: SkewedLoop) -> None:
        async with RawServer(echo) as server:
            client = HttpClient(server.url, keepalive=30)
            assert await ask(client) == b"0"
            loop.skew += 31
            assert await ask(client) == b"1"
            await client.close()

    play(scene)


@pytest.mark.parametrize(
    ("hint", "kept"), [("timeout=5", 3.9), ("max=7, Timeout = 5", 3.9), ("timeout=99", 29.9), ("x", 29.9)]
)
def test_a_server_that_announces_to_close_earlier_is_forestalled(hint: str, kept: float) -> None:
    async def hinting(peer: Peer) -> None:
        while await peer.request():
            await peer.send(answer(b"%d" % peer.number, "200 OK", f"keep-alive: {hint}"))

    async def scene(loop: SkewedLoop) -> None:
        async with RawServer(hinting) as server:
            client = HttpClient(server.url, keepalive=30)
            assert await ask(client) == b"0"
            loop.skew += kept
            assert await ask(client) == b"0"
            loop.skew += kept + 0.2
            assert await ask(client) == b"1"
            await client.close()

    play(scene)


def test_a_server_that_keeps_a_connection_no_second_gets_none_kept() -> None:
    async def hinting(peer: Peer) -> None:
        await peer.request()
        await peer.send(answer(b"", "200 OK", "keep-alive: timeout=1"))
        await peer.gone()

    async def scene(loop: SkewedLoop) -> None:
        async with RawServer(hinting) as server:
            client = HttpClient(server.url)
            await ask(client)
            assert client.idle == 0
            await client.close()

    play(scene)


def test_no_more_than_max_idle_connections_are_kept() -> None:
    async def scene(loop: SkewedLoop) -> None:
        async with RawServer(echo) as server:
            client = HttpClient(server.url, max_idle=2)
            await open_some(client, 5)
            assert client.idle == 2
            while len(server.peers) > 2:
                await turns()
            await client.close()

    play(scene)


def test_close_leaves_no_connection_and_ends_what_is_under_way() -> None:
    async def half(peer: Peer) -> None:
        await peer.request()
        await peer.send(answer(b"whole") if peer.number == 0 else answer(b"whole")[:-1])
        await peer.gone()

    async def scene(loop: SkewedLoop) -> None:
        async with RawServer(half) as server:
            client = HttpClient(server.url)
            whole, cut = (client.exchange(b"POST", b"/", b"", b"{}") for _ in range(2))
            async with whole:
                await cut.__aenter__()
            assert (client.active, client.idle) == (1, 1)
            async with contextlib.AsyncExitStack() as stack:
                stack.push_async_exit(cut)
                assert await cut.chunk() == b"whol"
                await client.close()
                assert client.idle == 0
                with pytest.raises(ProviderError) as caught:
                    await cut.chunk()
                assert caught.value.code == "stream_interrupted"
            while server.peers:
                await turns()
            with pytest.raises(ProviderError, match="could not be reached") as refused:
                await ask(client)
            assert "closed" in refused.value.hint
            await client.close()

    play(scene)


def test_a_client_closed_while_it_connects_keeps_no_connection() -> None:
    async def scene(loop: SkewedLoop) -> None:
        names: asyncio.Future[Sequence[str]] = loop.create_future()

        async def resolve(host: str, port: int) -> Sequence[str]:
            return await names

        async with RawServer(echo) as server:
            client = HttpClient(server.url, resolve=resolve)
            task = loop.create_task(ask(client))
            await turns()
            assert client.active == 1
            await client.close()
            names.set_result(["127.0.0.1"])
            with pytest.raises(ProviderError) as caught:
                await task
            assert caught.value.code == "connect_failed"
            while server.peers:
                await turns()
            assert (client.active, client.idle) == (0, 0)

    play(scene)


def test_all_addresses_of_a_host_are_tried_and_the_one_that_answered_first_next_time() -> None:
    tried: list[str] = []

    async def resolve(host: str, port: int) -> Sequence[str]:
        tried.append(host)
        return ["127.0.0.9", "127.0.0.1"]  # the server listens on the second only

    async def scene(loop: SkewedLoop) -> None:
        connect = loop.create_connection

        async def noting(factory, address, *words, **options):  # type: ignore[no-untyped-def]
            tried.append(address)
            return await connect(factory, address, *words, **options)

        loop.create_connection = noting  # type: ignore[method-assign]
        async with RawServer(echo) as server:
            client = HttpClient(f"http://api.test:{server.port}", resolve=resolve)
            await open_some(client, 2)
            assert tried == ["api.test", "127.0.0.9", "127.0.0.1", "api.test", "127.0.0.1"]
            await client.close()

    play(scene)


def test_a_silent_address_leaves_time_for_the_next() -> None:
    async def resolve(host: str, port: int) -> Sequence[str]:
        return ["192.0.2.1", "127.0.0.1"]

    async def scene(loop: SkewedLoop) -> None:
        connect = loop.create_connection

        async def silent(factory, address, *words, **options):  # type: ignore[no-untyped-def]
            if address == "192.0.2.1":
                await loop.create_future()
            return await connect(factory, address, *words, **options)

        loop.create_connection = silent  # type: ignore[method-assign]
        async with RawServer(echo) as server:
            client = HttpClient(f"http://api.test:{server.port}", resolve=resolve, connect_timeout=3)
            task = loop.create_task(ask(client))
            await turns()
            await loop.advance(1.6)
            assert await task == b"0"
            await client.close()

    play(scene)


def test_all_that_failed_is_in_the_hint_and_none_of_it_in_the_message() -> None:
    async def resolve(host: str, port: int) -> Sequence[str]:
        return ["192.0.2.1", "127.0.0.1"] if port != 2 else []

    async def scene(loop: SkewedLoop) -> None:
        async def failing(factory, address, *words, **options):  # type: ignore[no-untyped-def]
            if address == "192.0.2.1":
                await loop.create_future()
            raise ConnectionRefusedError(111, "refused")

        loop.create_connection = failing  # type: ignore[method-assign]
        task = loop.create_task(ask(HttpClient("http://api.test:1", resolve=resolve)))
        await turns()
        await loop.advance(1.6)
        with pytest.raises(ProviderError) as caught:
            await task
        assert (caught.value.code, caught.value.message) == (
            "connect_failed",
            "the provider could not be reached",
        )
        for word in (
            "http://api.test:1",
            "192.0.2.1: no answer in time",
            "127.0.0.1: ConnectionRefusedError",
        ):
            assert word in caught.value.hint
        with pytest.raises(ProviderError) as caught:
            await ask(HttpClient("http://api.test:2", resolve=resolve))
        assert "no address" in caught.value.hint

    play(scene)


def test_an_idle_connection_known_to_be_closing_is_passed_over() -> None:
    async def scene(loop: SkewedLoop) -> None:
        async with RawServer(echo) as server:
            client = HttpClient(server.url)
            await open_some(client, 2)
            newest = list(client._pool.idle)[-1]
            newest.eof_received()  # its loss is reported one turn of the loop later
            assert client.idle == 2
            assert await ask(client) == b"0"
            await client.close()

    play(scene)
