"""The Input layer: what comes in is counted, capped and cleaned before anything is spent on it."""

from collections.abc import Sequence

import msgspec
from msgspec import Struct

from seawall.core.call import Call
from seawall.core.errors import RateLimited, TooLarge
from seawall.core.handler import Emit, Handler
from seawall.core.messages import Message, Part, Reasoning, Refusal, Text, ToolCall, ToolResult
from seawall.core.ports import Clock
from seawall.layers.input.limits import Concurrency, LimitState, Rate
from seawall.layers.input.normalise import normalise

BUSY_RETRY_AFTER = 1.0
"""Seconds named to a caller who has too many calls open; nobody knows when the next of them ends."""


class Caps(Struct, frozen=True):
    """How much one request may hold."""

    size: int = 256 * 1024
    """Bytes of all text together."""
    messages: int = 512
    parts: int = 2048
    tools: int = 256


class Input:
    """Admits a call or says why not; passes on its text in one clean form."""

    def __init__(
        self,
        *,
        caps: Caps,
        rates: Sequence[Rate],
        concurrency: Sequence[Concurrency],
        clean: bool,
        limits: LimitState,
        clock: Clock,
    ) -> None:
        self._caps = caps
        self._rates = tuple(rates)
        self._concurrency = tuple(concurrency)
        self._clean = clean
        self._limits = limits
        self._clock = clock

    async def __call__(self, call: Call, emit: Emit, inner: Handler) -> None:
        began = self._clock.monotonic()
        self._check_caps(call)
        self._take_rates(call)
        entered = self._enter(call)
        try:
            if self._clean:
                call = self._normalised(call)
            call.record.stages["input"] = int((self._clock.monotonic() - began) * 1e6)
            await inner(call, emit)
        finally:
            for limit, who in entered:
                self._limits.leave(call.feature, limit, who)

    def _check_caps(self, call: Call) -> None:
        caps, request = self._caps, call.request
        if len(request.messages) > caps.messages:
            raise _too_many("messages", len(request.messages), caps.messages)
        if len(request.tools) > caps.tools:
            raise _too_many("tools", len(request.tools), caps.tools)
        parts = size = 0
        for message in request.messages:
            parts += len(message.parts)
            for part in message.parts:
                size += _size(part)
        if parts > caps.parts:
            raise _too_many("messages", parts, caps.parts, "content parts")
        if size > caps.size:
            raise TooLarge(
                f"the messages hold {size} bytes of text; feature {call.feature!r} takes {caps.size} at most",
                param="messages",
            )

    def _take_rates(self, call: Call) -> None:
        if not self._rates:
            return
        now = self._clock.monotonic()
        taken: list[tuple[Rate, str]] = []
        for rate in self._rates:
            who = _who(rate.scope, call)
            wait = self._limits.take(call.feature, rate, who, now)
            if wait:
                for each, owner in taken:  # all or nothing: a refused call costs no allowance
                    self._limits.give_back(call.feature, each, owner)
                raise RateLimited(f"the limit is {rate}", retry_after=wait, limit=str(rate))
            taken.append((rate, who))

    def _enter(self, call: Call) -> list[tuple[Concurrency, str]]:
        entered: list[tuple[Concurrency, str]] = []
        for limit in self._concurrency:
            who = _who(limit.scope, call)
            if not self._limits.enter(call.feature, limit, who):
                for each, owner in entered:
                    self._limits.leave(call.feature, each, owner)
                raise RateLimited(f"the limit is {limit}", retry_after=BUSY_RETRY_AFTER, limit=str(limit))
            entered.append((limit, who))
        return entered

    def _normalised(self, call: Call) -> Call:
        removed: dict[str, int] = {}
        messages = [_clean_message(message, removed) for message in call.request.messages]
        if not removed:
            return call
        call.record.decide("input", "normalised", **removed)
        request = msgspec.structs.replace(call.request, messages=tuple(messages))
        return msgspec.structs.replace(call, request=request)


def _who(scope: str, call: Call) -> str:
    if scope == "key":
        return call.principal.key_id
    return call.principal.tenant if scope == "tenant" else ""


def _size(part: Part) -> int:
    """Bytes of text in a part; media are bounded by the size of the request body."""
    if isinstance(part, Text | Refusal | Reasoning):
        text = part.text
    elif isinstance(part, ToolCall):
        text = part.arguments
    elif isinstance(part, ToolResult):
        return sum(_size(inner) for inner in part.parts)
    else:
        return 0
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def _clean_message(message: Message, removed: dict[str, int]) -> Message:
    changed = False
    parts: list[Part] = []
    for part in message.parts:
        cleaned = _clean_part(part, removed)
        changed = changed or cleaned is not part
        parts.append(cleaned)
    return msgspec.structs.replace(message, parts=tuple(parts)) if changed else message


def _clean_part(part: Part, removed: dict[str, int]) -> Part:
    if isinstance(part, Text):
        clean, found = normalise(part.text)
        if not found:
            return part
        for kind, count in found.items():
            removed[kind] = removed.get(kind, 0) + count
        return Text(clean)
    if isinstance(part, ToolResult):
        inner = tuple(_clean_part(each, removed) for each in part.parts)
        if all(new is old for new, old in zip(inner, part.parts, strict=True)):
            return part
        return msgspec.structs.replace(part, parts=inner)
    return part


def _too_many(param: str, found: int, most: int, what: str = "") -> TooLarge:
    return TooLarge(f"{found} {what or param} are too many; {most} at most", param=param)
