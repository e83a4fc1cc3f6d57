"""Fakes for layer tests: a provider that plays a script, a recorder that remembers, calls ready made."""

import asyncio
from collections.abc import Iterator, Sequence
from types import TracebackType

import msgspec

from seawall.core.accumulate import Answer, Choice, replay
from seawall.core.call import Call, Principal
from seawall.core.events import Event, Usage
from seawall.core.messages import Message, Text, ToolCall
from seawall.core.ports import ProviderRequest
from seawall.core.record import CallRecord, Content, Record
from seawall.core.request import ChatRequest
from seawall.testing import FakeClock

HANG = "hang"

USAGE = Usage(input_tokens=12, output_tokens=5)


def answer(text: str = "Hello there.", *, finish: str = "stop", usage: Usage | None = USAGE) -> Answer:
    """An answer of one text part."""
    choice = Choice(Message("assistant", (Text(text),)), finish)
    return Answer("a-1", "served-1", 1_790_000_000, (choice,), usage)


def tool_answer(name: str = "lookup", arguments: str = '{"id":7}') -> Answer:
    """An answer of words and one tool call."""
    parts = (Text("Let me look."), ToolCall("t-1", name, arguments))
    return Answer(
        "a-2", "served-1", 1_790_000_000, (Choice(Message("assistant", parts), "tool_calls"),), USAGE
    )


def events_of(text: str, pieces: int = 1) -> list[Event]:
    """The events of a text answer, with the text in several deltas."""
    whole = list(replay(answer(text)))
    if pieces == 1:
        return whole
    size = max(1, -(-len(text) // pieces))
    deltas = [
        msgspec.structs.replace(whole[2], text=text[at : at + size]) for at in range(0, len(text), size)
    ]
    return [*whole[:2], *deltas, *whole[3:]]


Step = Event | Exception | str


class FakeStream:
    """Plays steps: an event is given, an exception raised, `HANG` waits for ever."""

    def __init__(self, steps: Sequence[Step], owner: "FakeProvider") -> None:
        self._steps: Iterator[Step] = iter(steps)
        self._owner = owner
        self.upstream_request_id = "up-1"
        self.upstream_status = 200

    async def __aenter__(self) -> "FakeStream":
        self._owner.open_streams += 1
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._owner.open_streams -= 1

    def __aiter__(self) -> "FakeStream":
        return self

    async def __anext__(self) -> Event:
        await asyncio.sleep(0)
        step = next(self._steps, None)
        if step is None:
            raise StopAsyncIteration
        if isinstance(step, Exception):
            raise step
        if isinstance(step, str):
            await asyncio.get_running_loop().create_future()
        return step  # type: ignore[return-value]


class FakeProvider:
    """Each call of `open` plays the next script; the last one is played again for ever."""

    def __init__(self, *scripts: Sequence[Step]) -> None:
        self._scripts = list(scripts)
        self.requests: list[ProviderRequest] = []
        self.open_streams = 0

    def open(self, request: ProviderRequest) -> FakeStream:
        script = self._scripts[min(len(self.requests), len(self._scripts) - 1)]
        self.requests.append(request)
        return FakeStream(script, self)


class ListRecorder:
    """Remembers what was submitted; counts places."""

    def __init__(self) -> None:
        self.calls: list[tuple[Record, Content]] = []
        self.reserved = 0

    def reserve(self) -> None:
        self.reserved += 1

    def submit(self, record: Record, content: Content) -> None:
        self.reserved -= 1
        self.calls.append((record, content))

    @property
    def only(self) -> Record:
        assert len(self.calls) == 1, f"{len(self.calls)} records"
        return self.calls[0][0]


def request(text: str = "Hi", **changes: object) -> ChatRequest:
    """A request of one user message."""
    base = ChatRequest("support", (Message("user", (Text(text),)),))
    return msgspec.structs.replace(base, **changes)


def call(asked: ChatRequest | None = None, *, clock: FakeClock | None = None, seconds: float = 10.0) -> Call:
    """A call with *seconds* left on *clock*."""
    clock = clock or FakeClock()
    asked = asked or request()
    record = CallRecord(
        id="c-1",
        at=clock.wall(),
        started=clock.monotonic(),
        feature="support",
        digest="d1",
        request_type="realtime",
        tenant="acme",
        key_id="k-1",
        dialect="openai.chat",
        correlation_id="x-1",
        asked=asked,
    )
    who = Principal("k-1", "acme")
    return Call("c-1", "support", who, asked, clock.monotonic() + seconds, record)
