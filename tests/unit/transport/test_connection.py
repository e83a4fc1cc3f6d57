import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import pytest

from seawall.core.errors import ProviderError
from seawall.transport.connection import PAUSE_ABOVE, Connection

from tests.support.raw_server import answer


class FakeSocket:
    def setsockopt(self, *_: object) -> None:
        pass


class FakeTransport(asyncio.Transport):
    """Notes what the connection does to it."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.done: list[str] = []
        self.unsent = 0

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return FakeSocket() if name == "socket" else default

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += bytes(data)

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def abort(self) -> None:
        self.done.append("abort")

    def pause_reading(self) -> None:
        self.done.append("pause")

    def resume_reading(self) -> None:
        self.done.append("resume")


def play(scene: Callable[[Connection, FakeTransport], Awaitable[None]]) -> None:
    async def main() -> None:
        seen: list[str] = []
        connection = Connection(
            asyncio.get_running_loop(),
            made=lambda _: seen.append("made"),
            lost=lambda _: seen.append("lost"),
        )
        transport = FakeTransport()
        connection.connection_made(transport)
        await scene(connection, transport)
        if "lost" not in seen:
            connection.connection_lost(None)
        assert seen == ["made", "lost"]

    asyncio.run(main())


async def step() -> None:
    for _ in range(3):
        await asyncio.sleep(0)


async def begin(work: Coroutine[Any, Any, bytes]) -> asyncio.Task[bytes]:
    task = asyncio.get_running_loop().create_task(work)
    await step()
    return task


def test_reading_stops_above_the_bound_and_goes_on_once_all_is_taken() -> None:
    async def scene(connection: Connection, transport: FakeTransport) -> None:
        connection.send(b"", b"")
        connection.data_received(b"HTTP/1.1 200 OK\r\ncontent-length: 9999999\r\n\r\n")
        connection.data_received(b"x" * PAUSE_ABOVE)
        assert transport.done == []
        connection.data_received(b"x")
        assert transport.done == ["pause"]
        connection.data_received(b"x" * 10)
        assert transport.done == ["pause"]
        assert len(await connection.chunk()) == PAUSE_ABOVE + 11
        assert transport.done == ["pause", "resume"]

    play(scene)


@pytest.mark.parametrize("size", [10, 100_000])
def test_a_request_is_written_in_full(size: int) -> None:
    async def scene(connection: Connection, transport: FakeTransport) -> None:
        connection.send(b"head", b"x" * size)
        assert transport.written == b"head" + b"x" * size

    play(scene)


def test_an_exchange_that_came_to_its_end_leaves_a_usable_connection() -> None:
    async def scene(connection: Connection, transport: FakeTransport) -> None:
        for _ in range(3):
            connection.send(b"", b"")
            connection.data_received(answer(b"hello"))
            assert await connection.read(5) == b"hello"
            assert connection.finish()
        assert transport.done == []

    play(scene)


@pytest.mark.parametrize(
    "said",
    [b"", answer(b"hi")[:-1], answer(b"hi") + b"HTTP", answer(b"hi", "200 OK", "connection: close")],
)
def test_an_exchange_that_did_not_come_to_a_clean_end_closes_the_connection(said: bytes) -> None:
    async def scene(connection: Connection, transport: FakeTransport) -> None:
        connection.send(b"", b"")
        if said:
            connection.data_received(said)
        assert not connection.finish()
        assert transport.done == ["abort"]

    play(scene)


def test_an_answer_that_comes_before_the_whole_request_was_sent_is_the_last() -> None:
    async def scene(connection: Connection, transport: FakeTransport) -> None:
        connection.send(b"", b"x")
        transport.unsent = 1
        connection.data_received(answer(b"too large", "413 Too Large"))
        transport.unsent = 0
        assert await connection.read(100) == b"too large"
        assert not connection.finish()

    play(scene)


def test_bytes_that_nobody_asked_for_close_an_idle_connection() -> None:
    async def scene(connection: Connection, transport: FakeTransport) -> None:
        connection.data_received(answer(b"surprise"))
        assert connection.closed
        assert transport.done == ["abort"]

    play(scene)


def test_a_response_that_arrived_in_full_is_given_although_the_server_then_closed() -> None:
    async def scene(connection: Connection, transport: FakeTransport) -> None:
        connection.send(b"", b"")
        connection.data_received(answer(b"hello"))
        connection.eof_received()
        assert await connection.read(5) == b"hello"
        assert not connection.finish()

    play(scene)


def test_what_came_before_a_cut_is_given_before_the_error() -> None:
    async def scene(connection: Connection, transport: FakeTransport) -> None:
        connection.send(b"", b"")
        connection.data_received(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhel")
        connection.connection_lost(ConnectionResetError("reset"))
        assert await connection.chunk() == b"hel"
        with pytest.raises(ProviderError) as caught:
            await connection.chunk()
        assert caught.value.code == "stream_interrupted"
        assert "reset" in caught.value.hint

    play(scene)


def test_a_read_beyond_its_limit_is_refused_however_the_body_comes() -> None:
    async def scene(connection: Connection, transport: FakeTransport) -> None:
        connection.send(b"", b"")
        connection.data_received(answer(b"hello"))
        with pytest.raises(ProviderError, match="too large") as caught:
            await connection.read(4)
        assert caught.value.code == "protocol_error"
        assert not connection.finish()

    play(scene)


def test_two_tasks_cannot_read_one_response() -> None:
    async def scene(connection: Connection, transport: FakeTransport) -> None:
        connection.send(b"", b"")
        first = await begin(connection.chunk())
        with pytest.raises(RuntimeError, match="two tasks"):
            await connection.chunk()
        connection.data_received(answer(b"hello"))
        assert await first == b"hello"

    play(scene)


def test_a_cancelled_read_closes_the_connection_at_once_and_a_later_one_fails() -> None:
    async def scene(connection: Connection, transport: FakeTransport) -> None:
        connection.send(b"", b"")
        connection.data_received(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n")
        task = await begin(connection.chunk())
        task.cancel()
        await step()
        assert task.cancelled()
        assert transport.done == ["abort"]
        later = await begin(connection.chunk())
        connection.connection_lost(None)
        with pytest.raises(ProviderError):
            await later

    play(scene)


def test_the_exchange_has_to_be_over_before_the_next_and_cannot_be_read_after() -> None:
    async def scene(connection: Connection, transport: FakeTransport) -> None:
        connection.send(b"", b"")
        with pytest.raises(RuntimeError, match="not over"):
            connection.send(b"", b"")
        connection.finish()
        with pytest.raises(RuntimeError, match="is over"):
            await connection.chunk()

    play(scene)


def test_a_connection_lost_as_soon_as_it_was_open_is_unavailable() -> None:
    async def scene(connection: Connection, transport: FakeTransport) -> None:
        connection.connection_lost(None)
        connection.send(b"", b"")
        with pytest.raises(ProviderError) as caught:
            connection.more()
        assert caught.value.code == "unavailable"

    play(scene)


def test_a_connection_that_no_longer_reads_is_not_used_again_although_its_response_is_whole() -> None:
    async def scene(connection: Connection, transport: FakeTransport) -> None:
        connection.send(b"", b"")
        connection.data_received(answer(b"x" * (PAUSE_ABOVE + 1)))
        assert transport.done == ["pause"]
        assert not connection.finish()
        assert transport.done == ["pause", "abort"]

    play(scene)


def test_a_task_still_reading_when_the_exchange_ends_is_told_so() -> None:
    async def scene(connection: Connection, transport: FakeTransport) -> None:
        connection.send(b"", b"")
        reading = await begin(connection.chunk())
        assert not connection.finish()
        connection.connection_lost(None)
        with pytest.raises(RuntimeError, match="is over"):
            await reading

    play(scene)
