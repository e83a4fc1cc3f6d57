"""The Validation layer: nothing structured leaves unchecked, streamed or whole."""

import asyncio

import pytest

from seawall.core.accumulate import Accumulator, Choice, replay
from seawall.core.contract import StrictEmit
from seawall.core.errors import CallError, InvalidRequest, OutputInvalid, ProviderError
from seawall.core.events import Event, Usage
from seawall.core.messages import Message, Refusal, Text
from seawall.core.request import ResponseFormat

from tests.support.fakes import FakeProvider, answer, call, events_of, request, tool_answer
from tests.support.house import PERSON, House

GOOD = '{"name": "Ada", "age": 36}'
FENCED = '```json\n{"name": "Ada", "age": 36,}\n```'
WRONG = '{"name": "Ada"}'
MODES = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])


class Run:
    """One call through all five layers."""

    def __init__(self, *texts: str, schema: dict[str, object] | None = PERSON, reasks: int = 1) -> None:
        self.provider = FakeProvider(*(events_of(text, 4) for text in texts))
        self.house = House(self.provider, schema=schema, reasks=reasks)
        self.got = Accumulator()
        self.seen_at: list[int] = []

    def go(self, stream: bool, **changes: object) -> CallError | None:
        async def emit(event: Event) -> None:
            self.got.add(event)

        strict = StrictEmit(emit, "the house")

        async def main() -> None:
            asked = call(request(stream=stream, **changes), clock=self.house.clock)
            await self.house.clock.run(self.house.handler(asked, strict))

        try:
            asyncio.run(main())
        except CallError as error:
            return error
        return None


@MODES
def test_a_valid_answer_leaves_as_it_came(stream: bool) -> None:
    run = Run(GOOD)

    assert run.go(stream) is None

    assert run.got.answer.text == GOOD
    assert run.house.recorder.only.verdicts[0].reason == "valid"


@MODES
def test_the_time_of_each_stage_is_recorded(stream: bool) -> None:
    run = Run(GOOD)
    ticks = iter(range(1000, 100_000))
    run.house.clock.monotonic = lambda: next(ticks) / 1000  # type: ignore[method-assign]

    asyncio.run(run.house.handler(call(request(stream=stream)), run.got.emit))  # type: ignore[arg-type]

    stages = run.house.recorder.only.stages
    assert set(stages) == {"input", "context", "validation"}
    assert all(900 <= took <= 5000 for took in stages.values()), stages


@MODES
def test_a_broken_but_unambiguous_answer_is_repaired_without_asking_again(stream: bool) -> None:
    run = Run(FENCED)

    assert run.go(stream) is None

    assert run.got.answer.text.replace(" ", "") == GOOD.replace(" ", "")
    assert len(run.provider.requests) == 1
    assert run.house.recorder.only.verdicts[0].reason == "repaired"


@MODES
def test_an_answer_that_lacks_something_is_asked_for_once_more_with_the_complaint(stream: bool) -> None:
    run = Run(WRONG, GOOD)

    assert run.go(stream) is None

    assert run.got.answer.text == GOOD
    again = run.provider.requests[1].chat.messages
    assert again[-2] == Message("assistant", (Text(WRONG),))
    assert "age" in again[-1].text
    assert run.house.recorder.only.verdicts[0].reason == "valid after re-ask"
    assert run.got.end is not None
    assert run.got.end.usage == Usage(input_tokens=24, output_tokens=10), "both turns were billed"


@MODES
def test_what_stays_invalid_never_leaves(stream: bool) -> None:
    run = Run(WRONG)

    error = run.go(stream)

    assert isinstance(error, OutputInvalid)
    assert "age" in str(error)
    assert run.got.events == 0
    assert len(run.provider.requests) == 2
    record = run.house.recorder.only
    assert (record.outcome, record.verdicts[0].action) == ("output_invalid", "block")


@MODES
def test_with_repair_off_the_model_is_not_asked_again(stream: bool) -> None:
    run = Run(WRONG, GOOD, reasks=0)

    assert isinstance(run.go(stream), OutputInvalid)
    assert len(run.provider.requests) == 1


@MODES
def test_a_callers_own_schema_is_enforced_the_same_way(stream: bool) -> None:
    run = Run(WRONG, GOOD, schema=None)

    form = ResponseFormat("json_schema", name="person", schema=PERSON)
    assert run.go(stream, response_format=form) is None

    assert run.got.answer.text == GOOD


@MODES
def test_json_object_mode_means_an_object(stream: bool) -> None:
    run = Run("[1, 2]", "{}", schema=None)

    assert run.go(stream, response_format=ResponseFormat("json_object")) is None

    assert run.got.answer.text == "{}"


@MODES
def test_the_features_schema_is_asked_of_the_model(stream: bool) -> None:
    run = Run(GOOD)
    run.go(stream)

    form = run.provider.requests[0].chat.response_format
    assert form is not None
    assert (form.kind, form.schema) == ("json_schema", PERSON)


def test_another_schema_than_the_features_is_refused() -> None:
    run = Run(GOOD)

    error = run.go(False, response_format=ResponseFormat("json_schema", name="x", schema={"type": "array"}))

    assert isinstance(error, InvalidRequest)
    assert error.param == "response_format"


def test_a_schema_that_is_none_is_refused_with_the_reason() -> None:
    run = Run(GOOD, schema=None)

    error = run.go(False, response_format=ResponseFormat("json_schema", name="x", schema={"type": "objekt"}))

    assert isinstance(error, InvalidRequest)
    assert "objekt" in str(error)


@MODES
def test_an_answer_cut_off_at_its_token_limit_is_not_passed_off_as_complete(stream: bool) -> None:
    run = Run()
    run.provider._scripts = [list(replay(answer('{"name": "Ad', finish="length")))]

    error = run.go(stream)

    assert isinstance(error, OutputInvalid)
    assert "cut off at max_tokens" in str(error)
    assert len(run.provider.requests) == 1


@MODES
def test_a_refusal_of_the_model_is_surfaced_as_such(stream: bool) -> None:
    run = Run()
    declined = Choice(Message("assistant", (Refusal("I cannot help with that."),)), "stop")
    run.provider._scripts = [list(replay(answer().__class__("a", "m", 0, (declined,))))]

    assert run.go(stream) is None

    assert run.got.answer.message.parts == (Refusal("I cannot help with that."),)


@MODES
def test_a_tool_call_instead_of_an_answer_is_let_through(stream: bool) -> None:
    run = Run()
    tools_only = tool_answer()
    silent = Choice(Message("assistant", tools_only.message.tool_calls), "tool_calls")
    run.provider._scripts = [list(replay(answer().__class__("a", "m", 0, (silent,))))]

    assert run.go(stream) is None

    assert run.got.answer.message.tool_calls == tools_only.message.tool_calls


@pytest.mark.parametrize("at", range(1, 6))
def test_while_an_answer_is_held_back_a_cut_stream_is_tried_again(at: int) -> None:
    run = Run(GOOD)
    cut = [*events_of(GOOD, 4)[:at], ProviderError("stream_interrupted", "cut")]
    run.provider._scripts = [cut, events_of(GOOD, 4)]

    assert run.go(stream=True) is None

    assert run.got.answer.text == GOOD
    outcomes = [each.outcome for each in run.house.recorder.only.attempts]
    assert outcomes == ["stream_interrupted", "ok"]


def test_free_text_is_not_held_back() -> None:
    run = Run("Hello there.", schema=None)
    held: list[int] = []

    async def main() -> None:
        async def emit(event: Event) -> None:
            held.append(len(run.got.answer.text))
            run.got.add(event)

        asked = call(request(stream=True), clock=run.house.clock)
        await run.house.clock.run(run.house.handler(asked, emit))

    asyncio.run(main())

    assert len(held) > 5
    assert run.house.recorder.only.verdicts == ()
