import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest
import uvloop

from seawall.core.ports import Clock
from seawall.runtime.clock import SystemClock


@pytest.fixture(params=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Callable[[Any], Any]:
    def play(work: Any) -> Any:
        factory = uvloop.new_event_loop if request.param == "uvloop" else asyncio.SelectorEventLoop
        with asyncio.Runner(loop_factory=factory) as runner:
            return runner.run(work)

    return play


def test_it_tells_the_systems_time() -> None:
    clock: Clock = SystemClock()
    assert time.monotonic() <= clock.monotonic() <= time.monotonic()
    assert time.time() <= clock.wall() <= time.time()


@pytest.mark.parametrize("delay", [-1.0, 0.0, 0.0004, 0.003])
def test_a_callback_runs_once_and_never_early(run: Callable[[Any], Any], delay: float) -> None:
    async def main() -> None:
        clock = SystemClock()
        rang: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        when = clock.monotonic() + delay
        clock.call_at(when, lambda: rang.set_result(clock.monotonic()))  # a second time would raise
        assert await rang >= when
        await clock.sleep(0.002)

    run(main())


def test_a_callback_is_not_early_although_the_loops_turn_began_long_before(run: Callable[[Any], Any]) -> None:
    async def main() -> None:
        clock = SystemClock()
        rang: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        begun = clock.monotonic()
        while clock.monotonic() < begun + 0.01:  # a loop may count from before this
            pass
        when = clock.monotonic() + 0.005
        clock.call_at(when, lambda: rang.set_result(clock.monotonic()))
        assert await rang >= when

    run(main())


def test_a_cancelled_callback_does_not_run(run: Callable[[Any], Any]) -> None:
    async def main() -> None:
        clock = SystemClock()
        rang: list[int] = []
        timer = clock.call_at(clock.monotonic(), lambda: rang.append(1))
        timer.cancel()
        timer.cancel()
        await clock.sleep(0.003)
        assert rang == []

    run(main())


def test_sleep_waits(run: Callable[[Any], Any]) -> None:
    async def main() -> None:
        clock = SystemClock()
        begun = clock.monotonic()
        await clock.sleep(0)
        await clock.sleep(-1)
        await clock.sleep(0.01)
        assert clock.monotonic() - begun >= 0.009

    run(main())
