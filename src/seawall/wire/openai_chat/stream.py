"""A provider's streamed answer: bytes as they come, into events that obey the stream contract.

Words, refusal and reasoning are one part each as long as nothing else comes between; a tool call stays open
until its choice ends, since the pieces of several may be interleaved.
"""

from collections.abc import Iterator
from itertools import count
from typing import Any

from seawall.core.errors import ProviderError
from seawall.core.events import Event, MessageEnd, MessageStart, PartDelta, PartEnd, PartKind, PartStart
from seawall.wire.errors import error_under_success
from seawall.wire.openai_chat.calls import GrowingCalls
from seawall.wire.openai_chat.completion import (
    CHUNK_DECODER,
    DECODER,
    UNREADABLE,
    Call,
    Completion,
    Said,
    WireChoice,
    content_pieces,
    finish_reason,
)
from seawall.wire.openai_chat.frame import WordsFrame
from seawall.wire.openai_chat.usage import decode_usage
from seawall.wire.sse import SseDecoder


class _Choice:
    """What is open in one choice."""

    __slots__ = ("calls", "finish", "kind", "number", "part")

    def __init__(self, number: int, parts: Iterator[int]) -> None:
        self.number = number
        self.calls = GrowingCalls(number, parts)
        self.kind = ""  # of the open part of words, refusal or reasoning; empty for none
        self.part = 0
        self.finish = ""


def _only_words(wire: WireChoice) -> bool:
    """Whether a piece is a few more words and nothing else, as nearly all are."""
    said = wire.delta
    return (
        said is not None
        and type(said.content) is str
        and said.content != ""
        and wire.finish_reason is None
        and wire.logprobs is None
        and said.tool_calls is None
        and said.reasoning_content is None
        and said.reasoning is None
        and said.refusal is None
        and said.function_call is None
    )


class StreamDecoder:
    """Decodes one streamed answer. The events do not depend on how the bytes were cut.

    An event that cannot be read fails the stream: an answer without what it held would look whole.
    """

    __slots__ = (
        "_choices",
        "_frame",
        "_id",
        "_parts",
        "_sse",
        "_start",
        "_tier",
        "_usage",
        "done",
        "error",
    )

    def __init__(self) -> None:
        self._sse = SseDecoder()
        self._frame = WordsFrame()
        self._start: MessageStart | None = None
        self._id = ""
        self._choices: dict[int, _Choice] = {}
        self._parts = count()
        self._usage: Any = None
        self._tier = ""
        self.done = False
        """Whether `MessageEnd` was given; what comes after it is not looked at."""
        self.error: ProviderError | None = None
        """Why the stream failed. It is raised by the call after the one that gave the last good events."""

    def feed(self, data: bytes) -> list[Event]:
        """The events that *data* completes. Raises `ProviderError`, for good, once the stream has failed:

        `protocol_error` for an event stream that cannot be read, and for an error object within it what
        that says (`rate_limited`, `context_length`, …, else `bad_response`).
        """
        frame = self._frame
        if frame.part >= 0 and self._sse.between and (words := frame.words(data)):
            return [PartDelta(frame.part, words)]
        if self.error is not None:
            raise self.error
        out: list[Event] = []
        if self.done:
            return out
        try:
            payloads = self._sse.feed(data)
            for payload in payloads:
                if self._read(payload, out):
                    break
        except ProviderError as error:
            self._frame.forget()
            self.error = error
            if not out:
                raise
            return out
        if len(payloads) == len(out) == 1 and self._sse.between and len(payloads[0]) + 8 == len(data):
            self._learn(data, out[0])
        return out

    def _learn(self, data: bytes, event: Event) -> None:
        if isinstance(event, PartDelta) and event.logprobs is None:
            open_parts = [choice.part for choice in self._choices.values() if choice.kind == "text"]
            if event.index in open_parts:
                self._frame.learn(data, event.index, event.text)

    def end(self) -> list[Event]:
        """The connection ended. A complete answer that only lacks its terminator is finished with what
        there is; an incomplete one raises `ProviderError` `stream_interrupted`.
        """
        if self.error is not None:
            raise self.error
        out: list[Event] = []
        if self.done:
            return out
        for payload in self._sse.end():
            if self._read(payload, out, last=True):
                return out
        if not self._choices or not all(choice.finish for choice in self._choices.values()):
            self.error = ProviderError(
                "stream_interrupted",
                "the provider's answer was cut off",
                hint="the event stream ended without finish reason and terminator",
            )
            raise self.error
        self._finish(out)
        return out

    def _read(self, payload: bytes, out: list[Event], *, last: bool = False) -> bool:
        """Read one event; whether it was the terminator."""
        if payload[:6] == b"[DONE]":
            if self._start is None:
                raise ProviderError(
                    "bad_response",
                    "the provider's answer is not one of its API",
                    hint="the event stream ended without a single choice",
                )
            self._finish(out)
            return True
        try:
            chunk = DECODER.decode(payload) if self._start is None else CHUNK_DECODER.decode(payload)
        except UNREADABLE:
            if last:  # what was cut off by the end is no fault of its own
                return False
            raise ProviderError(
                "protocol_error",
                "the provider's event stream cannot be read",
                hint="an event is no chunk of an answer; what it held is unknown",
            ) from None
        if chunk.usage is not None:
            self._usage = chunk.usage
        if chunk.choices:
            if isinstance(chunk, Completion):
                self._begin(chunk, out)
            for wire in chunk.choices:
                choice = self._choices.get(wire.index or 0)
                if choice is not None and choice.kind == "text" and _only_words(wire):
                    out.append(PartDelta(choice.part, wire.delta.content))  # type: ignore[union-attr]  # checked
                else:
                    self._read_choice(wire, out)
        if chunk.service_tier is not None and chunk.service_tier != self._tier:
            self._tier = chunk.service_tier
            self._frame.forget()
        if chunk.error or chunk.object == "error":
            raise error_under_success(payload)
        return False

    def _begin(self, chunk: Completion, out: list[Event]) -> None:
        self._id = chunk.id or ""
        self._tier = chunk.service_tier or ""
        self._start = MessageStart(
            self._id,
            chunk.model or "",
            int(chunk.created or 0),
            chunk.system_fingerprint or "",
            self._tier,
        )
        out.append(self._start)

    def _read_choice(self, wire: WireChoice, out: list[Event]) -> None:
        number = wire.index or 0
        choice = self._choices.get(number)
        if choice is None:
            choice = self._choices[number] = _Choice(number, self._parts)
        if wire.delta is not None:
            self._read_delta(choice, wire.delta, wire, out)
        if wire.finish_reason:
            choice.finish = choice.finish or finish_reason(wire.finish_reason)
            self._close(choice, out)

    def _read_delta(self, choice: _Choice, said: Said, wire: WireChoice, out: list[Event]) -> None:
        logprobs = wire.logprobs
        if reasoning := said.reasoning_content or said.reasoning:
            self._say(choice, "reasoning", reasoning, None, out)
        content = said.content
        if isinstance(content, str):
            said_logprobs = logprobs.content if logprobs is not None else None
            if content or said_logprobs:
                self._say(choice, "text", content, said_logprobs, out)
        elif isinstance(content, list):
            for kind, text in content_pieces(content):
                if text:
                    self._say(choice, "text" if kind == "text" else "reasoning", text, None, out)
        if said.refusal:
            self._say(
                choice, "refusal", said.refusal, logprobs.refusal if logprobs is not None else None, out
            )
        if said.tool_calls or said.function_call is not None:
            self._close_words(choice, out)
            for call in said.tool_calls or [Call(index=0, function=said.function_call)]:
                choice.calls.read(call, out)

    def _say(
        self, choice: _Choice, kind: PartKind, text: str, logprobs: list[Any] | None, out: list[Event]
    ) -> None:
        if choice.kind != kind:
            self._close_words(choice, out)
            choice.kind = kind
            choice.part = next(self._parts)
            out.append(PartStart(choice.part, kind, choice.number))
        out.append(PartDelta(choice.part, text, None if logprobs is None else tuple(logprobs)))

    def _close_words(self, choice: _Choice, out: list[Event]) -> None:
        if choice.kind:
            out.append(PartEnd(choice.part))
            choice.kind = ""
            if choice.part == self._frame.part:
                self._frame.forget()

    def _close(self, choice: _Choice, out: list[Event]) -> None:
        self._close_words(choice, out)
        choice.calls.close(self._id, out)

    def _finish(self, out: list[Event]) -> None:
        start = self._start
        choices = self._choices
        for choice in choices.values():
            self._close(choice, out)
        finish = tuple(
            [choices[number].finish if number in choices else "" for number in range(max(choices) + 1)]
        )
        tier = self._tier if start is None or self._tier != start.service_tier else ""
        out.append(MessageEnd(finish, decode_usage(self._usage), tier))
        self.done = True
