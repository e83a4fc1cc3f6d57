"""One try at one target: the place where the provider's pull becomes the gateway's push."""

import asyncio
from collections.abc import Callable

from msgspec import Struct

from seawall.core.call import Call
from seawall.core.errors import CallError, DeadlineExceeded, ProviderError
from seawall.core.events import MessageEnd, MessageStart, PartDelta, Usage
from seawall.core.handler import Emit
from seawall.core.ports import Provider, ProviderRequest
from seawall.core.record import Attempt
from seawall.layers.llm.limit import AttemptLimit, Phase
from seawall.layers.llm.pricing import Price
from seawall.layers.llm.tokens import estimate_request, estimate_tokens


class Target(Struct, frozen=True):
    """A model at a provider, as the spec names it."""

    name: str
    """`provider/model@version`."""
    provider: Provider
    model: str
    """What is sent upstream."""
    price: Price | None


class Trace:
    """What one attempt learns on its way; turned into an `Attempt` when it is over."""

    __slots__ = (
        "emitted",
        "end",
        "events",
        "first",
        "request_id",
        "start",
        "started",
        "status",
        "text",
        "waited",
    )

    def __init__(self, started: float) -> None:
        self.started = started
        self.first = 0.0
        self.waited = 0.0
        self.events = 0
        self.emitted = False
        self.start: MessageStart | None = None
        self.end: MessageEnd | None = None
        self.text: list[str] = []
        """All that was said, to estimate from should no usage come."""
        self.request_id = ""
        self.status = 0

    def usage(self, call: Call) -> Usage | None:
        """What the provider reported; else our own estimate, marked as one; `None` if nothing was used."""
        if self.end is not None and self.end.usage is not None:
            return self.end.usage
        if not self.events:
            return None
        return Usage(
            input_tokens=estimate_request(call.request),
            output_tokens=estimate_tokens("".join(self.text)),
            estimated=True,
        )


async def pull(
    call: Call, target: Target, emit: Emit, trace: Trace, limit: AttemptLimit, monotonic: Callable[[], float]
) -> None:
    """Ask *target* and emit its events. The stream is closed on every way out.

    The first-token limit runs until the first event with content: servers that announce an answer at once
    and then think do not count as having begun. Until then another target can still answer, so what
    announces the answer is kept back as long.
    """
    request = ProviderRequest(
        call.request, target.model, call.id, call.record.correlation_id, call.deadline - trace.started
    )
    async with target.provider.open(request) as stream:
        trace.request_id = stream.upstream_request_id
        trace.status = stream.upstream_status
        async for event in stream:
            trace.events += 1
            kind = type(event)
            if kind is PartDelta:
                trace.text.append(event.text)  # type: ignore[union-attr]
            elif kind is MessageStart:
                trace.start = event  # type: ignore[assignment]
                continue
            now = monotonic()
            trace.waited += now - limit.waiting
            limit.waiting = 0.0
            if not trace.emitted:
                trace.emitted = limit.begun = True
                trace.first = now
                if trace.start is not None:
                    await emit(trace.start)
            await emit(event)
            if kind is MessageEnd:
                trace.end = event  # type: ignore[assignment]
                return  # whatever a server sends after its end is nobody's business
            limit.waiting = monotonic()
    raise ProviderError("stream_interrupted", f"{target.name} stopped without ending its answer")


def expired(phase: Phase, target: Target, first: float, idle: float) -> CallError:
    """The error for a limit that was reached."""
    if phase == "first_token":
        return ProviderError("first_token_timeout", f"{target.name} sent nothing for {first:g} s")
    if phase == "idle":
        return ProviderError("idle_timeout", f"{target.name} fell silent for {idle:g} s within its answer")
    return DeadlineExceeded(f"the time allowed to the call ran out while {target.name} was answering")


def settle(
    call: Call,
    target: Target,
    trace: Trace,
    limit: AttemptLimit,
    error: BaseException | None,
    now: float,
    why: str,
) -> None:
    """Add the attempt to the record: outcome, usage, cost. No await, so it cannot be cut short."""
    record = call.record
    usage = trace.usage(call)
    cost = None
    if usage is not None:
        cost = target.price.cost_nano(usage) if target.price is not None else None
        record.usage = add_usage(record.usage, usage)
        record.cost_nano = None if cost is None or record.cost_nano is None else record.cost_nano + cost
    if limit.waiting:
        trace.waited += now - limit.waiting
    record.waited += trace.waited
    record.attempts.append(
        Attempt(
            target=target.name,
            outcome=_outcome(error),
            started_us=int((trace.started - record.started) * 1e6),
            took_us=int((now - trace.started) * 1e6),
            first_event_us=int((trace.first - trace.started) * 1e6) if trace.first else 0,
            served_model=trace.start.model if trace.start else "",
            fingerprint=trace.start.fingerprint if trace.start else "",
            upstream_status=getattr(error, "upstream_status", 0) or trace.status,
            upstream_request_id=trace.request_id or getattr(error, "request_id", ""),
            usage=usage,
            cost_nano=cost,
            events=trace.events,
            reason=why if error is None else str(error) if isinstance(error, CallError) else why,
        )
    )


def _outcome(error: BaseException | None) -> str:
    if error is None:
        return "ok"
    if isinstance(error, CallError):
        return error.code
    if isinstance(error, asyncio.CancelledError):
        return "cancelled"
    return "internal_error"


def add_usage(one: Usage | None, other: Usage) -> Usage:
    """The tokens of both."""
    if one is None:
        return other
    return Usage(
        input_tokens=one.input_tokens + other.input_tokens,
        output_tokens=one.output_tokens + other.output_tokens,
        cache_read_tokens=one.cache_read_tokens + other.cache_read_tokens,
        cache_write_tokens=one.cache_write_tokens + other.cache_write_tokens,
        reasoning_tokens=one.reasoning_tokens + other.reasoning_tokens,
        input_audio_tokens=one.input_audio_tokens + other.input_audio_tokens,
        output_audio_tokens=one.output_audio_tokens + other.output_audio_tokens,
        accepted_prediction_tokens=one.accepted_prediction_tokens + other.accepted_prediction_tokens,
        rejected_prediction_tokens=one.rejected_prediction_tokens + other.rejected_prediction_tokens,
        estimated=one.estimated or other.estimated,
    )
