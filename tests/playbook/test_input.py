"""The Input layer: what it lets in, what it refuses, what it cleans."""

import asyncio

import pytest

from seawall.core.call import Call
from seawall.core.errors import CallError, RateLimited, TooLarge
from seawall.core.handler import Emit
from seawall.core.messages import Media, Message, Text, ToolResult
from seawall.core.request import ChatRequest
from seawall.layers.input.layer import Caps, Input
from seawall.layers.input.limits import Concurrency, LimitState, Rate
from seawall.testing import FakeClock

from tests.support.fakes import call, request


class Door:
    """An Input layer and the calls that came through it."""

    def __init__(
        self,
        *,
        caps: Caps | None = None,
        rates: tuple[Rate, ...] = (),
        concurrency: tuple[Concurrency, ...] = (),
        clean: bool = True,
    ) -> None:
        self.clock = FakeClock()
        self.limits = LimitState()
        self.layer = Input(
            caps=caps or Caps(),
            rates=rates,
            concurrency=concurrency,
            clean=clean,
            limits=self.limits,
            clock=self.clock,
        )
        self.through: list[Call] = []

    def knock(self, asked: ChatRequest) -> CallError | None:
        async def inner(call: Call, emit: Emit) -> None:
            self.through.append(call)

        async def emit(event: object) -> None:
            return None

        try:
            asyncio.run(self.layer(call(asked, clock=self.clock), emit, inner))
        except CallError as error:
            return error
        return None


def test_text_is_cleaned_for_the_model_and_the_record_keeps_what_was_asked() -> None:
    door = Door()
    door.knock(request("order\u200b 7\U000e0041"))

    (came,) = door.through
    assert came.request.messages[0].text == "order 7"
    assert came.record.asked.messages[0].text == "order\u200b 7\U000e0041"
    assert came.record.decisions[0].what == "normalised"
    assert came.record.decisions[0].detail == {"zero_width": 1, "tags": 1}


def test_tool_results_are_cleaned_like_everything_else_that_comes_from_outside() -> None:
    door = Door()
    result = Message("tool", (ToolResult("t1", (Text("a\u202eb"), Media("image", url="https://x/y"))),))
    door.knock(request(messages=(*request().messages, result)))

    part = door.through[0].request.messages[1].parts[0]
    assert isinstance(part, ToolResult)
    assert part.parts == (Text("ab"), Media("image", url="https://x/y"))


def test_clean_text_goes_through_as_the_same_object() -> None:
    door = Door()
    asked = request("nothing hidden here")
    door.knock(asked)

    assert door.through[0].request is asked


def test_switched_off_cleaning_changes_nothing() -> None:
    door = Door(clean=False)
    asked = request("order\u200b 7")
    door.knock(asked)

    assert door.through[0].request is asked


@pytest.mark.parametrize(
    ("caps", "asked", "message"),
    [
        (
            Caps(size=10),
            request("x" * 11),
            "the messages hold 11 bytes of text; feature 'support' takes 10 at most",
        ),
        (
            Caps(size=10),
            request("é" * 6),
            "the messages hold 12 bytes of text; feature 'support' takes 10 at most",
        ),
        (Caps(messages=1), request(messages=request().messages * 2), "2 messages are too many; 1 at most"),
        (Caps(parts=1), request(messages=request().messages * 2), "2 content parts are too many; 1 at most"),
    ],
)
def test_what_is_over_a_cap_is_refused_with_both_numbers(
    caps: Caps, asked: ChatRequest, message: str
) -> None:
    door = Door(caps=caps)

    error = door.knock(asked)

    assert isinstance(error, TooLarge)
    assert str(error) == message
    assert door.through == []


def test_over_its_rate_a_caller_is_told_when_to_come_back() -> None:
    door = Door(rates=(Rate(2, 60),))

    assert door.knock(request()) is None
    assert door.knock(request()) is None
    error = door.knock(request())
    assert isinstance(error, RateLimited)
    assert error.retry_after == pytest.approx(30)
    door.clock.advance(30.1)
    assert door.knock(request()) is None


def test_a_call_refused_by_one_rate_costs_nothing_of_the_others() -> None:
    door = Door(rates=(Rate(10, 60, "tenant"), Rate(1, 3600, "key")))
    door.knock(request())
    for _ in range(50):
        assert isinstance(door.knock(request()), RateLimited)

    wide = Door(rates=(Rate(10, 60, "tenant"),))
    wide.layer._limits = door.limits
    assert [wide.knock(request()) for _ in range(9)] == [None] * 9


def test_places_are_given_back_however_the_call_ends() -> None:
    door = Door(concurrency=(Concurrency(1),))

    async def failing(call: Call, emit: Emit) -> None:
        raise TooLarge("something inside")

    async def emit(event: object) -> None:
        return None

    for _ in range(3):
        with pytest.raises(TooLarge):
            asyncio.run(door.layer(call(clock=door.clock), emit, failing))

    assert door.limits.running == 0


def test_more_calls_at_a_time_than_allowed_are_refused() -> None:
    door = Door(concurrency=(Concurrency(5, "tenant"), Concurrency(1)))

    async def main() -> None:
        release = asyncio.Event()

        async def waiting(call: Call, emit: Emit) -> None:
            await release.wait()

        async def emit(event: object) -> None:
            return None

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(door.layer(call(clock=door.clock), emit, waiting))
            await asyncio.sleep(0)
            with pytest.raises(RateLimited, match="1 calls at a time per key"):
                await door.layer(call(clock=door.clock), emit, waiting)
            assert door.limits.running == 2
            release.set()

    asyncio.run(main())
    assert door.limits.running == 0
