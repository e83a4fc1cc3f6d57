"""Fold events into an answer, and replay an answer as events. The two are inverse (property-tested)."""

from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from seawall.core.events import (
    Event,
    MessageEnd,
    MessageStart,
    PartDelta,
    PartEnd,
    PartKind,
    PartStart,
    Usage,
)
from seawall.core.messages import Message, Part, Reasoning, Refusal, Text, ToolCall


class Choice(Struct, frozen=True):
    """One of the alternative answers to a request."""

    message: Message
    finish: str = ""
    """Why it ended; empty while it has not."""


class Answer(Struct, frozen=True):
    """All that was answered to one request."""

    id: str
    model: str
    created: int
    choices: tuple[Choice, ...]
    usage: Usage | None = None
    fingerprint: str = ""
    service_tier: str = ""
    complete: bool = True
    """False when the events stopped before `MessageEnd`."""

    @property
    def message(self) -> Message:
        """The first choice, which is the only one unless `n` was above 1."""
        return self.choices[0].message

    @property
    def text(self) -> str:
        """The words of the first choice."""
        return self.message.text


class _Growing:
    """A part while it grows."""

    __slots__ = ("logprobs", "signature", "start", "texts")

    def __init__(self, start: PartStart) -> None:
        self.start = start
        self.texts: list[str] = []
        self.logprobs: list[Any] | None = None
        self.signature = ""

    def close(self) -> Part:
        text = "".join(self.texts)
        start = self.start
        logprobs = None if self.logprobs is None else tuple(self.logprobs)
        if start.kind == "text":
            return Text(text, logprobs)
        if start.kind == "tool_call":
            return ToolCall(start.id, start.name, text, "custom" if start.custom else "function")
        if start.kind == "reasoning":
            return Reasoning(text, self.signature)
        return Refusal(text, logprobs)


class Accumulator:
    """Takes events one by one and can say at any moment what the answer is so far."""

    __slots__ = ("_growing", "_whole", "_whole_at", "end", "events", "start")

    def __init__(self) -> None:
        self._growing: dict[int, _Growing] = {}
        self.start: MessageStart | None = None
        self.end: MessageEnd | None = None
        self.events = 0
        self._whole: Answer | None = None
        self._whole_at = -1

    def add(self, event: Event) -> None:
        """Fold one event in."""
        self.events += 1
        kind = type(event)
        if kind is PartDelta:
            part = self._growing[event.index]  # type: ignore[union-attr]
            part.texts.append(event.text)  # type: ignore[union-attr]
            if event.logprobs is not None:  # type: ignore[union-attr]
                part.logprobs = [*(part.logprobs or ()), *event.logprobs]  # type: ignore[union-attr]
        elif kind is PartStart:
            self._growing[event.index] = _Growing(event)  # type: ignore[union-attr, arg-type]
        elif kind is PartEnd:
            if event.signature:  # type: ignore[union-attr]
                self._growing[event.index].signature = event.signature  # type: ignore[union-attr]
        elif kind is MessageStart:
            self.start = event  # type: ignore[assignment]
        else:
            self.end = event  # type: ignore[assignment]

    async def emit(self, event: Event) -> None:
        """The same as `add`, in the shape of an `Emit`."""
        self.add(event)

    @property
    def started(self) -> bool:
        """Whether anything at all has come."""
        return self.events > 0

    @property
    def answer(self) -> Answer:
        """What has come so far, as an answer."""
        if self._whole is None or self._whole_at != self.events:
            self._whole = self._folded()
            self._whole_at = self.events
        return self._whole

    def _folded(self) -> Answer:
        start = self.start or MessageStart("", "", 0)
        finish = self.end.finish if self.end else ()
        parts: dict[int, list[Part]] = {number: [] for number in range(max(len(finish), 1))}
        for growing in self._growing.values():
            parts.setdefault(growing.start.choice, []).append(growing.close())
        choices = tuple(
            Choice(Message("assistant", tuple(parts[number])), finish[number] if number < len(finish) else "")
            for number in sorted(parts)
        )
        return Answer(
            id=start.id,
            model=start.model,
            created=start.created,
            choices=choices,
            usage=self.end.usage if self.end else None,
            fingerprint=start.fingerprint,
            service_tier=(self.end.service_tier if self.end else "") or start.service_tier,
            complete=self.end is not None,
        )


def replay(answer: Answer) -> Iterator[Event]:
    """The events of a complete answer: each part in one piece."""
    yield MessageStart(answer.id, answer.model, answer.created, answer.fingerprint, answer.service_tier)
    index = 0
    for number, choice in enumerate(answer.choices):
        for part in choice.message.parts:
            yield from _replay_part(index, number, part)
            index += 1
    yield MessageEnd(tuple(choice.finish for choice in answer.choices), answer.usage)


def _replay_part(index: int, choice: int, part: Part) -> Iterator[Event]:
    signature = ""
    logprobs = None
    if isinstance(part, ToolCall):
        yield PartStart(index, "tool_call", choice, part.id, part.name, part.kind == "custom")
        text = part.arguments
    elif isinstance(part, Text | Refusal | Reasoning):
        kind: PartKind = (
            "text" if isinstance(part, Text) else "refusal" if isinstance(part, Refusal) else "reasoning"
        )
        yield PartStart(index, kind, choice)
        text = part.text
        if isinstance(part, Reasoning):
            signature = part.signature
        else:
            logprobs = part.logprobs
    else:
        raise TypeError(f"an answer cannot hold {part!r}")
    if text or logprobs is not None:
        yield PartDelta(index, text, logprobs)
    yield PartEnd(index, signature)
