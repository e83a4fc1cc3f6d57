"""What the tests of the upstream connection share: two loops, a server and its client, ways to ask."""

import asyncio
import contextlib
import os
import stat
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
import uvloop

from seawall.core.errors import ProviderError
from seawall.transport.client import HttpClient, Response

from tests.support.raw_server import Peer, RawServer

Play = Callable[[Coroutine[Any, Any, None]], None]
Script = Callable[[Peer], Awaitable[None]]

LOOPS = {"asyncio": asyncio.SelectorEventLoop, "uvloop": uvloop.new_event_loop}
BODY = b'{"text":"hello, world"}'


def play_on(loop: str) -> Play:
    """Something that runs a scene on that loop, and fails if the scene leaves a socket behind."""

    def run(scene: Coroutine[Any, Any, None]) -> None:
        before = open_sockets()
        with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
            runner.run(scene)
        assert open_sockets() == before

    return run


def open_sockets() -> int:
    """Not all descriptors: libuv keeps a pipe for the life of the process."""
    count = 0
    for entry in Path("/dev/fd").iterdir():
        with contextlib.suppress(OSError):  # the directory's own
            count += stat.S_ISSOCK(os.fstat(int(entry.name)).st_mode)
    return count


async def turns(count: int = 20) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def settle(server: RawServer) -> None:
    """Wait until the server has seen all its connections end."""
    while server.peers:
        await turns()


def exchange(client: HttpClient, body: bytes = b"{}") -> Response:
    return client.exchange(b"POST", b"/v1/chat/completions", b"authorization: Bearer sk-secret\r\n", body)


async def consume(response: Response, mode: str) -> bytes:
    if mode == "whole":
        return await response.read(1 << 20)
    pieces = []
    while piece := await response.chunk():
        pieces.append(piece)
    return b"".join(pieces)


async def ask(client: HttpClient, mode: str = "whole", body: bytes = b"{}") -> bytes:
    async with exchange(client, body) as response:
        return await consume(response, mode)


async def failure(work: Awaitable[object]) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        await work
    return caught.value


@contextlib.asynccontextmanager
async def meeting(script: Script, **options: Any) -> AsyncIterator[tuple[RawServer, HttpClient]]:
    """A server and its client; on leaving, nothing of the client may be left."""
    async with RawServer(script) as server:
        client = HttpClient(server.url, **options)
        try:
            yield server, client
        finally:
            await client.close()
            assert (client.active, client.idle) == (0, 0)
        await settle(server)


def saying(*parts: bytes) -> Script:
    """Answers each request with *parts* and waits for the client to go on or to close."""

    async def script(peer: Peer) -> None:
        while await peer.request():
            for part in parts:
                await peer.send(part)

    return script
