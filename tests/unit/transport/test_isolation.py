"""R32: whatever becomes of an exchange, no answer reaches another one and no socket stays open."""

import asyncio
from collections.abc import Coroutine, Generator
from typing import Any

import pytest

from seawall.transport.client import HttpClient

from tests.support.raw_server import Certificates, Peer, RawServer, answer, make_certificates, server_tls
from tests.unit.transport.scenes import (
    LOOPS,
    Play,
    ask,
    exchange,
    meeting,
    play_on,
    settle,
    turns,
)


@pytest.fixture(params=LOOPS)
def play(request: pytest.FixtureRequest) -> Play:
    return play_on(request.param)


@pytest.fixture(params=["whole", "streamed"])
def mode(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


class Cancelled:
    """Awaits *work* and cancels its task at the suspension number *at*.

    Either while it waits, or (*late*) when what it waits for is done already and it only has to go on.
    """

    def __init__(self, work: Coroutine[Any, Any, object], at: int, *, late: bool) -> None:
        self.work, self.at, self.late = work, at, late
        self.reached = False

    def __await__(self) -> Generator[Any, Any, object]:
        task = asyncio.current_task()
        assert task is not None
        steps = self.work.__await__()
        try:
            waiting = next(steps)
            for number in range(1_000_000):
                if number == self.at:
                    self.reached = True
                    if self.late and waiting is not None:
                        waiting.add_done_callback(lambda _: task.cancel())
                    else:
                        asyncio.get_running_loop().call_soon(task.cancel)
                try:
                    yield waiting
                except BaseException as error:  # noqa: BLE001  # handed on into the work, whatever it is
                    waiting = steps.throw(error)
                else:
                    waiting = next(steps)
        except StopIteration as end:
            return end.value


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize("fresh", [True, False])
def test_cancelled_at_any_await_nothing_stays_open_and_no_answer_goes_astray(
    play: Play, mode: str, certificates: Certificates, tls: bool, late: bool, fresh: bool
) -> None:
    """R32, H-14: every answer repeats its request, and every request is another."""

    async def slow_echo(peer: Peer) -> None:
        while request := await peer.request():
            await peer.send_bytewise(answer(request.partition(b"\r\n\r\n")[2] * 5, chunked=True), 30)

    async def scene() -> None:
        async with RawServer(slow_echo, tls=server_tls(certificates.good) if tls else None) as server:
            reached, at = True, 0
            while reached:
                client = HttpClient(server.url, ca_file=str(certificates.ca) if tls else None)
                if not fresh:
                    assert await ask(client, mode, b"warm up") == b"warm up" * 5
                attempt = Cancelled(ask(client, mode, b"cancelled"), at, late=late)

                async def work(attempt: Cancelled = attempt) -> object:
                    return await attempt

                task = asyncio.get_running_loop().create_task(work())
                await asyncio.wait([task])
                assert task.cancelled() or task.result() == b"cancelled" * 5
                reached = attempt.reached
                assert client.active == 0
                if reached and task.cancelled():
                    assert client.idle == 0
                    await settle(server)
                mark = b"after %d" % at
                assert await ask(client, mode, mark) == mark * 5
                await client.close()
                await settle(server)
                at += 1
            assert at > 3, "the sweep has to meet the connection, the head and the body"

    play(scene())


def test_many_at_a_time_with_random_ends_never_mix_answers(play: Play, mode: str) -> None:
    """R32: half of the exchanges end early, by every way there is; the others get their own answer."""

    async def echo(peer: Peer) -> None:
        while request := await peer.request():
            await peer.send_bytewise(answer(request.partition(b"\r\n\r\n")[2] * 20, chunked=True), 200)

    async def scene() -> None:
        async with meeting(echo) as (server, client):

            async def one(number: int) -> None:
                body = b"<%d>" % number
                if number % 4 == 0:
                    async with exchange(client, body) as response:
                        await response.chunk()
                elif number % 4 == 1:
                    cut = asyncio.get_running_loop().create_task(ask(client, mode, body))
                    await turns(number % 23)
                    cut.cancel()
                    await asyncio.wait([cut])
                else:
                    assert await ask(client, mode, body) == body * 20

            async with asyncio.TaskGroup() as group:
                for worker in range(8):

                    async def run(worker: int = worker) -> None:
                        for number in range(25):
                            await one(worker * 1000 + number)

                    group.create_task(run())
            assert client.active == 0
            assert client.idle <= server.accepted
            while len(server.peers) > client.idle:
                await turns()

    play(scene())
