"""Each rule of the stream contract, broken."""

import asyncio
from collections.abc import Sequence

import pytest

from seawall.core.contract import ContractBroken, StrictEmit
from seawall.core.events import Event, MessageEnd, MessageStart, PartDelta, PartEnd, PartStart

START = MessageStart("a", "m", 0)
END = MessageEnd(("stop",))


async def swallow(event: Event) -> None:
    return None


@pytest.mark.parametrize(
    ("events", "complaint"),
    [
        ([PartStart(0, "text")], "before MessageStart"),
        ([START, START], "second MessageStart"),
        ([START, PartDelta(0, "x")], "part 0, which is not open"),
        ([START, PartEnd(3)], "ended part 3"),
        ([START, PartStart(0, "text"), PartStart(0, "text")], "started part 0 twice"),
        ([START, PartStart(0, "text"), PartEnd(0), PartDelta(0, "x")], "not open"),
        ([START, PartStart(0, "text"), END], "parts [0] still open"),
        ([START, END, END], "after MessageEnd"),
    ],
)
def test_a_broken_rule_is_named(events: Sequence[Event], complaint: str) -> None:
    async def main() -> None:
        strict = StrictEmit(swallow, "the layer")
        for event in events:
            await strict(event)

    with pytest.raises(ContractBroken, match=r"the layer") as caught:
        asyncio.run(main())
    assert complaint in str(caught.value)


def test_returning_without_an_end_is_refused() -> None:
    with pytest.raises(ContractBroken, match="returned without MessageEnd"):
        StrictEmit(swallow, "the layer").close(failed=False)


def test_nothing_may_come_after_the_handler_is_over() -> None:
    async def main() -> None:
        strict = StrictEmit(swallow, "the layer")
        strict.close(failed=True)
        await strict(START)

    with pytest.raises(ContractBroken, match="after its handler was over"):
        asyncio.run(main())


def test_two_tasks_may_not_emit_at_once() -> None:
    async def main() -> None:
        blocked = asyncio.Event()

        async def slow(event: Event) -> None:
            await blocked.wait()

        strict = StrictEmit(slow, "the layer")
        async with asyncio.TaskGroup() as tasks:
            first = tasks.create_task(strict(START))
            await asyncio.sleep(0)
            with pytest.raises(ContractBroken, match="while another emit was under way"):
                await strict(PartStart(0, "text"))
            blocked.set()
            await first

    asyncio.run(main())
