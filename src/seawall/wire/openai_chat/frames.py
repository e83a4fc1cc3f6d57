"""An answer's events as the chunks of a streamed response, ready to be written."""

from typing import Any

import msgspec

from seawall.core.events import Event, MessageEnd, MessageStart, PartDelta, PartKind, PartStart
from seawall.wire.openai_chat.usage import encode_usage

DONE = b"data: [DONE]\n\n"
"""Ends a stream that ended well, and no other."""

_encode = msgspec.json.Encoder().encode

_FIELDS: dict[PartKind, str] = {"text": "content", "refusal": "refusal", "reasoning": "reasoning_content"}


class StreamEncoder:
    """Encodes the events of one answer. The caller sees to it that they obey the stream contract.

    A choice's first chunk carries the role. What the dialect cannot say is left out: the end of a part
    (the next part or the finish reason implies it) and a signature.
    """

    __slots__ = (
        "_calls",
        "_frames",
        "_head",
        "_include_usage",
        "_logprob_fields",
        "_spoken",
        "_start",
        "_tail",
    )

    def __init__(self, *, include_usage: bool) -> None:
        self._include_usage = include_usage
        # With usage asked for, it is null in all chunks but the last.
        self._tail = b',"usage":null}\n\n' if include_usage else b"}\n\n"
        self._start: MessageStart | None = None
        self._head = b""
        self._frames: dict[int, tuple[bytes, bytes]] = {}  # what stands before and after a delta's text
        self._logprob_fields: dict[int, str] = {}
        self._calls: dict[int, int] = {}  # how many tool calls each choice has so far
        self._spoken: set[int] = set()  # choices whose role was sent

    def encode(self, event: Event) -> bytes:
        """The frames for *event*; `b""` when it has none."""
        kind = type(event)
        if kind is PartDelta:
            before, after = self._frames[event.index]  # type: ignore[union-attr]
            if event.logprobs is None:  # type: ignore[union-attr]
                return before + _encode(event.text) + after  # type: ignore[union-attr]
            return self._with_logprobs(event, before)  # type: ignore[arg-type]
        if kind is PartStart:
            return self._begin_part(event)  # type: ignore[arg-type]
        if kind is MessageStart:
            self._start = event  # type: ignore[assignment]
            self._head = self._head_of(event, event.service_tier)  # type: ignore[arg-type, union-attr]
        elif kind is MessageEnd:
            return self._end(event)  # type: ignore[arg-type]
        return b""

    def _head_of(self, start: MessageStart, service_tier: str) -> bytes:
        fields: dict[str, Any] = {
            "id": start.id,
            "object": "chat.completion.chunk",
            "created": start.created,
            "model": start.model,
        }
        if service_tier:
            fields["service_tier"] = service_tier
        if start.fingerprint:
            fields["system_fingerprint"] = start.fingerprint
        return b'data: %b,"choices":[' % _encode(fields)[:-1]

    def _chunk(self, choice: int, delta: bytes, finish: str = "") -> bytes:
        return b'%b{"index":%d,"delta":%b,"logprobs":null,"finish_reason":%b}]%b' % (
            self._head,
            choice,
            delta,
            _encode(finish or None),
            self._tail,
        )

    def _begin_part(self, event: PartStart) -> bytes:
        choice = event.choice
        delta: dict[str, Any] = {}
        if choice not in self._spoken:
            self._spoken.add(choice)
            delta = {"role": "assistant", "content": None}
        opening = b'%b{"index":%d,"delta":' % (self._head, choice)
        closing = b',"logprobs":null,"finish_reason":null}]%b' % self._tail
        if event.kind == "tool_call":
            call = self._calls.get(choice, 0)
            self._calls[choice] = call + 1
            kind, name, text = (
                ("custom", "custom", "input") if event.custom else ("function", "function", "arguments")
            )
            called = {"name": event.name, text: ""}
            delta["tool_calls"] = [{"index": call, "id": event.id, "type": kind, name: called}]
            before = b'{"tool_calls":[{"index":%d,"%b":{"%b":' % (call, name.encode(), text.encode())
            self._frames[event.index] = (opening + before, b"}}]}" + closing)
            return self._chunk(choice, _encode(delta))
        field = _FIELDS[event.kind]
        self._frames[event.index] = (b'%b{"%b":' % (opening, field.encode()), b"}" + closing)
        if event.kind != "reasoning":
            self._logprob_fields[event.index] = field
        if not delta:
            return b""
        delta[field] = ""
        return self._chunk(choice, _encode(delta))

    def _with_logprobs(self, event: PartDelta, before: bytes) -> bytes:
        logprobs = {"content": None, "refusal": None, self._logprob_fields[event.index]: event.logprobs}
        return b'%b%b},"logprobs":%b,"finish_reason":null}]%b' % (
            before,
            _encode(event.text),
            _encode(logprobs),
            self._tail,
        )

    def _end(self, event: MessageEnd) -> bytes:
        if event.service_tier and self._start is not None:
            self._head = self._head_of(self._start, event.service_tier)
        frames = []
        for choice, finish in enumerate(event.finish):
            silent = choice not in self._spoken
            delta = b'{"role":"assistant","content":""}' if silent else b"{}"
            frames.append(self._chunk(choice, delta, finish))
        if self._include_usage and event.usage is not None:
            frames.append(b'%b],"usage":%b}\n\n' % (self._head, _encode(encode_usage(event.usage))))
        return b"".join(frames)
