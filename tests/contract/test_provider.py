"""What every provider must keep, whatever protocol it speaks.

To put another provider to it, write a `Harness` for it and add it to `HARNESSES`: the tests know nothing of
the vendor's protocol.
"""

import asyncio
import json
from collections.abc import Callable
from typing import Protocol

import pytest

from seawall.core.accumulate import Accumulator, Answer, Choice, replay
from seawall.core.errors import ProviderError
from seawall.core.events import Event, MessageEnd, Usage
from seawall.core.messages import Message, Reasoning, Text, ToolCall
from seawall.core.ports import Provider, ProviderRequest
from seawall.core.request import ChatRequest
from seawall.plugins.providers.openai import OpenAI
from seawall.testing import StrictEmit
from seawall.wire.openai_chat import DONE, StreamEncoder, encode_answer

from tests.support.upstream import HANG, FakeClient, FakeResponse

PARTS = (Reasoning("let me see"), Text("Hello wörld"), ToolCall("t1", "look", '{"id":7}'))
ANSWER = Answer(
    "a-1",
    "served",
    17,
    (Choice(Message("assistant", PARTS), "tool_calls"),),
    Usage(12, 5, cache_read_tokens=4, reasoning_tokens=2),
)


class Upstream(Protocol):
    """The vendor's side of one exchange."""

    left: bool
    """Whether the exchange was left, and with it the connection given back or closed."""
    ended: bool
    """Whether its response was read to the end."""


class Harness(Protocol):
    """Makes a provider whose vendor behaves in a certain way, for one exchange."""

    def answering(self, answer: Answer, *, streamed: bool) -> tuple[Provider, Upstream]:
        """It answers."""
        ...

    def refusing(self, status: int) -> tuple[Provider, Upstream]:
        """It refuses with an HTTP status."""
        ...

    def breaking(self, answer: Answer) -> tuple[Provider, Upstream]:
        """It streams an answer, and the connection is lost before the end."""
        ...

    def hanging(self, answer: Answer) -> tuple[Provider, Upstream]:
        """It begins to stream an answer and falls silent."""
        ...


class OpenAIHarness:
    """OpenAI's chat API."""

    def _made(self, response: FakeResponse) -> tuple[Provider, Upstream]:
        client = FakeClient(response)
        return OpenAI(client=client.as_client, base_url="http://test/v1", api_key="sk-contract-1"), response

    def _frames(self, answer: Answer) -> list[bytes]:
        encoder = StreamEncoder(include_usage=True)
        return [frame for event in replay(answer) if (frame := encoder.encode(event))]

    def answering(self, answer: Answer, *, streamed: bool) -> tuple[Provider, Upstream]:
        pieces = [*self._frames(answer), DONE] if streamed else [encode_answer(answer, model=answer.model)]
        return self._made(FakeResponse(pieces=pieces))

    def refusing(self, status: int) -> tuple[Provider, Upstream]:
        return self._made(FakeResponse(status, [json.dumps({"error": {"message": "no"}}).encode()]))

    def breaking(self, answer: Answer) -> tuple[Provider, Upstream]:
        cut = ProviderError("stream_interrupted", "the provider's answer was cut off")
        return self._made(FakeResponse(pieces=[*self._frames(answer)[:3], cut]))

    def hanging(self, answer: Answer) -> tuple[Provider, Upstream]:
        return self._made(FakeResponse(pieces=[*self._frames(answer)[:3], HANG]))


HARNESSES: list[Callable[[], Harness]] = [OpenAIHarness]


@pytest.fixture(params=HARNESSES, ids=lambda each: each.__name__)
def harness(request: pytest.FixtureRequest) -> Harness:
    made: Harness = request.param()
    return made


def request_for(*, stream: bool) -> ProviderRequest:
    chat = ChatRequest("alias", (Message("user", (Text("hi"),)),), stream=stream)
    return ProviderRequest(chat=chat, model="m", call_id="c", correlation_id="r", timeout=5.0)


async def collect(provider: Provider, *, stream: bool) -> tuple[Answer, list[Event]]:
    sink = Accumulator()
    strict = StrictEmit(sink.emit, repr(provider))
    events = []
    async with provider.open(request_for(stream=stream)) as pulled:
        async for event in pulled:
            await strict(event)
            events.append(event)
    strict.close(failed=False)
    return sink.answer, events


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_an_answer_comes_through_complete_and_by_the_contract(harness: Harness, streamed: bool) -> None:
    provider, upstream = harness.answering(ANSWER, streamed=streamed)
    answer, events = asyncio.run(collect(provider, stream=streamed))
    assert answer == ANSWER
    assert isinstance(events[-1], MessageEnd)
    assert upstream.left
    assert upstream.ended, "the connection could be used again"


@pytest.mark.parametrize(
    "status", [301, 400, 401, 403, 404, 408, 413, 422, 425, 429, 500, 502, 503, 504, 529, 599]
)
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_a_refusal_is_a_provider_error_and_leaves_nothing_open(
    harness: Harness, status: int, streamed: bool
) -> None:
    provider, upstream = harness.refusing(status)
    with pytest.raises(ProviderError) as caught:
        asyncio.run(collect(provider, stream=streamed))
    assert caught.value.upstream_status == status
    assert upstream.left


def test_a_broken_stream_is_an_error_and_never_complete(harness: Harness) -> None:
    async def run() -> None:
        provider, upstream = harness.breaking(ANSWER)
        seen: list[Event] = []

        async def read() -> None:
            async with provider.open(request_for(stream=True)) as stream:
                async for event in stream:
                    seen.append(event)  # noqa: PERF401  # what was seen before the error is the point

        with pytest.raises(ProviderError) as caught:
            await read()
        assert caught.value.code == "stream_interrupted"
        assert seen
        assert not any(isinstance(event, MessageEnd) for event in seen)
        assert upstream.left

    asyncio.run(run())


@pytest.mark.parametrize("at", range(8))
def test_leaving_at_any_event_leaves_the_exchange(harness: Harness, at: int) -> None:
    async def run() -> None:
        provider, upstream = harness.answering(ANSWER, streamed=True)
        async with provider.open(request_for(stream=True)) as stream:
            for _ in range(at):
                await anext(stream)
        assert upstream.left

    asyncio.run(run())


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_what_others_raise_inside_passes_through_unchanged(harness: Harness, streamed: bool) -> None:
    async def fail(provider: Provider, error: BaseException) -> None:
        async with provider.open(request_for(stream=streamed)) as stream:
            await anext(stream)
            raise error

    async def run() -> None:
        for error in (ValueError("theirs"), ProviderError("auth", "theirs"), asyncio.CancelledError()):
            provider, upstream = harness.answering(ANSWER, streamed=streamed)
            with pytest.raises(type(error)) as caught:
                await fail(provider, error)
            assert caught.value is error
            assert upstream.left

    asyncio.run(run())


def test_a_cancelled_pull_leaves_the_exchange(harness: Harness) -> None:
    async def run() -> None:
        provider, upstream = harness.hanging(ANSWER)
        seen = 0

        async def read() -> None:
            nonlocal seen
            async with provider.open(request_for(stream=True)) as stream:
                async for _ in stream:
                    seen += 1

        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(read())
            for _ in range(20):
                await asyncio.sleep(0)
            task.cancel()
        assert task.cancelled()
        assert seen
        assert upstream.left

    asyncio.run(run())
