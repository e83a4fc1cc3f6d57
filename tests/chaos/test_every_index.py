"""Cancel and fail at every event index: always one record, the upstream closed, nothing left behind."""

import asyncio
from collections.abc import Sequence

import pytest

from seawall.core.accumulate import Accumulator
from seawall.core.call import Call
from seawall.core.contract import StrictEmit
from seawall.core.errors import CallError, ProviderError
from seawall.core.events import Event

from tests.support.fakes import FakeProvider, Step, call, events_of, request
from tests.support.house import PERSON, House

TEXT = events_of("Hello there, how are you today?", 6)
JSON = events_of('{"name": "Ada", "age": 36}', 6)
CASES = pytest.mark.parametrize(
    ("events", "schema"), [(TEXT, None), (JSON, PERSON)], ids=["free text", "held-back JSON"]
)
INDEXES = pytest.mark.parametrize("index", range(len(TEXT) + 1))


def nothing_left(house: House, provider: FakeProvider) -> None:
    assert len(house.recorder.calls) == 1
    assert len(house.observed) == 1
    assert house.recorder.reserved == 0
    assert house.limits.running == 0
    assert provider.open_streams == 0
    assert house.clock.pending == 0


def run(house: House, asked: Call, got: Accumulator, stop_at: int | None = None) -> BaseException | None:
    """Run the call; with *stop_at* the client leaves as the event of that index arrives."""

    async def main() -> BaseException | None:
        async def emit(event: Event) -> None:
            if got.events == stop_at:
                task.cancel()
                await asyncio.sleep(0)
            got.add(event)

        strict = StrictEmit(emit, "the house")
        task = asyncio.ensure_future(house.handler(asked, strict))
        before = len(asyncio.all_tasks())
        try:
            await house.clock.run(_outcome(task))
        finally:
            assert len(asyncio.all_tasks()) <= before, "a task was left behind"
        error = task.exception() if not task.cancelled() else asyncio.CancelledError()
        strict.close(failed=error is not None)
        return error

    return asyncio.run(main())


async def _outcome(task: "asyncio.Future[None]") -> None:
    await asyncio.wait([task])


@CASES
@INDEXES
@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
def test_a_client_that_leaves_at_any_event_leaves_one_record(
    events: Sequence[Event], schema: dict[str, object] | None, index: int, stream: bool
) -> None:
    provider = FakeProvider(events)
    house = House(provider, schema=schema)
    got = Accumulator()

    error = run(house, call(request(stream=stream), clock=house.clock), got, stop_at=index)

    nothing_left(house, provider)
    record, content = house.recorder.calls[0]
    assert record.outcome == ("cancelled" if isinstance(error, asyncio.CancelledError) else "ok")
    assert record.outcome == ("ok" if index >= len(events) else "cancelled")
    assert record.events_sent == got.events
    assert record.usage is not None, "what was used before the client left is settled"
    if content.answer is not None:
        assert content.answer.text == got.answer.text


@CASES
@pytest.mark.parametrize("index", range(len(TEXT)))
@pytest.mark.parametrize(
    "failure",
    [
        ProviderError("stream_interrupted", "cut"),
        ProviderError("bad_request", "no"),
        RuntimeError("a bug of ours"),
    ],
    ids=["cut", "refused", "bug"],
)
def test_a_provider_that_fails_at_any_event_leaves_one_record(
    events: Sequence[Event], schema: dict[str, object] | None, index: int, failure: Exception
) -> None:
    script: list[Step] = [*events[:index], failure]
    provider = FakeProvider(script)
    house = House(provider, schema=schema)
    got = Accumulator()

    error = run(house, call(request(stream=True), clock=house.clock), got)

    nothing_left(house, provider)
    assert error is not None
    record = house.recorder.only
    expected = "provider_error" if isinstance(failure, CallError) else "internal_error"
    assert record.outcome == expected
    assert record.events_sent == got.events
    assert not got.answer.complete


@CASES
def test_what_happens_after_the_end_of_an_answer_changes_nothing(
    events: Sequence[Event], schema: dict[str, object] | None
) -> None:
    provider = FakeProvider([*events, ProviderError("stream_interrupted", "late"), events[0]])
    house = House(provider, schema=schema)
    got = Accumulator()

    error = run(house, call(request(stream=True), clock=house.clock), got)

    nothing_left(house, provider)
    assert error is None
    assert house.recorder.only.outcome == "ok"
    assert got.answer.complete


@CASES
def test_the_reader_may_be_slow_at_every_event(
    events: Sequence[Event], schema: dict[str, object] | None
) -> None:
    provider = FakeProvider(events)
    house = House(provider, schema=schema)
    got = Accumulator()

    async def main() -> None:
        async def slow(event: Event) -> None:
            await house.clock.sleep(0.4)
            got.add(event)

        await house.clock.run(house.handler(call(request(stream=True), clock=house.clock, seconds=60), slow))

    asyncio.run(main())

    nothing_left(house, provider)
    assert house.recorder.only.outcome == "ok"
    assert got.answer.text == "".join(event.text for event in events if hasattr(event, "text"))
