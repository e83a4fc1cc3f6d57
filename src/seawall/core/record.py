"""What is remembered of a call: facts added while it travels, closed once into one document.

`CallRecord` is open during the call; each of its fields has one writer, named beside it. `close` makes the
immutable `Record` that leaves the process. Metadata and content are separate halves of it, since they are
kept for different times. Money is in nano-dollars (1e-9 USD, an integer), time in microseconds.
"""

from typing import Any, Literal

from msgspec import Struct

from seawall.core.accumulate import Accumulator, Answer
from seawall.core.events import Usage
from seawall.core.request import ChatRequest

SCHEMA_VERSION = 1

Outcome = Literal[
    "ok",
    "rejected",  # we said no: limits, rights, a malformed request
    "guard_blocked",
    "provider_error",
    "output_invalid",
    "context_error",
    "deadline_exceeded",
    "overloaded",
    "cancelled",  # the client left
    "shutdown",
    "internal_error",
]


class Attempt(Struct, frozen=True, omit_defaults=True):
    """One try at one target."""

    target: str
    outcome: str
    """`ok`, `cancelled`, or the code of the error."""
    started_us: int
    """Since the call began."""
    took_us: int
    first_event_us: int = 0
    """From the start of the attempt to the provider's first event; 0 when none came."""
    served_model: str = ""
    fingerprint: str = ""
    upstream_status: int = 0
    upstream_request_id: str = ""
    usage: Usage | None = None
    cost_nano: int | None = None
    """`None` when the price is not known."""
    events: int = 0
    reason: str = ""
    """Why this target, or what was wrong: one line."""


class Decision(Struct, frozen=True, omit_defaults=True):
    """Something a layer decided, in the field's own words."""

    layer: str
    what: str
    detail: dict[str, Any] | None = None


class Verdict(Struct, frozen=True, omit_defaults=True):
    """What a check said of a piece of content."""

    check: str
    action: Literal["allow", "flag", "redact", "block"]
    reason: str = ""
    detail: dict[str, Any] | None = None


class Record(Struct, frozen=True, omit_defaults=True):
    """The metadata of a finished call, as one versioned document."""

    id: str
    at: float
    """Wall-clock start, Unix seconds."""
    feature: str
    digest: str
    """Of the spec and every file it names."""
    outcome: str
    dialect: str
    streamed: bool
    asked_model: str
    total_us: int
    v: int = SCHEMA_VERSION
    request_type: str = ""
    tenant: str = ""
    key_id: str = ""
    correlation_id: str = ""
    target: str = ""
    served_model: str = ""
    error_code: str = ""
    error_message: str = ""
    finish: tuple[str, ...] = ()
    usage: Usage | None = None
    cost_nano: int | None = None
    """Of all attempts together; `None` when a price is not known."""
    first_event_us: int = 0
    """Until the first event left for the client; 0 when none did."""
    provider_us: int = 0
    overhead_us: int = 0
    """Total minus the time spent waiting for providers and between retries."""
    stages: dict[str, int] = {}
    """Microseconds of our own by layer: `input` and `context` before the model, `validation` after it."""
    attempts: tuple[Attempt, ...] = ()
    decisions: tuple[Decision, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    events_sent: int = 0
    complete: bool = True


class Content(Struct, frozen=True, omit_defaults=True):
    """What was said in a call: as asked, as the model saw it (where that differs), and what left."""

    asked: ChatRequest | None = None
    prompted: ChatRequest | None = None
    answer: Answer | None = None


class CallRecord:
    """The open record of one call."""

    __slots__ = (
        "asked",
        "at",
        "attempts",
        "correlation_id",
        "cost_nano",
        "decisions",
        "dialect",
        "digest",
        "feature",
        "first_sent",
        "id",
        "key_id",
        "prompted",
        "request_type",
        "sent",
        "stages",
        "started",
        "target",
        "tenant",
        "usage",
        "verdicts",
        "waited",
    )

    def __init__(
        self,
        *,
        id: str,  # noqa: A002  # the field's own word
        at: float,
        started: float,
        feature: str,
        digest: str,
        request_type: str,
        tenant: str,
        key_id: str,
        dialect: str,
        correlation_id: str,
        asked: ChatRequest,
    ) -> None:
        self.id = id
        self.at = at
        self.started = started
        self.feature = feature
        self.digest = digest
        self.request_type = request_type
        self.tenant = tenant
        self.key_id = key_id
        self.dialect = dialect
        self.correlation_id = correlation_id
        self.asked = asked
        self.prompted: ChatRequest | None = None  # written by: context
        self.sent = Accumulator()  # written by: monitoring; only what really left
        self.first_sent = 0.0  # written by: monitoring
        self.attempts: list[Attempt] = []  # written by: llm
        self.waited = 0.0  # seconds spent waiting for providers and back-off; written by: llm
        self.target = ""  # written by: llm
        self.usage: Usage | None = None  # written by: llm
        self.cost_nano: int | None = 0  # written by: llm
        self.decisions: list[Decision] = []  # appended to by every layer
        self.verdicts: list[Verdict] = []  # appended to by validation and input
        self.stages: dict[str, int] = {}  # microseconds; written by each layer under its own name

    def decide(self, layer: str, what: str, **detail: Any) -> None:
        """Remember a decision."""
        self.decisions.append(Decision(layer, what, detail or None))

    def close(self, outcome: str, now: float, error: BaseException | None = None) -> tuple[Record, Content]:
        """Make the document. *now* is on the same monotonic clock as `started`."""
        sent = self.sent
        total = now - self.started
        start, end = sent.start, sent.end
        record = Record(
            id=self.id,
            at=self.at,
            feature=self.feature,
            digest=self.digest,
            outcome=outcome,
            dialect=self.dialect,
            streamed=self.asked.stream,
            asked_model=self.asked.model,
            total_us=int(total * 1e6),
            request_type=self.request_type,
            tenant=self.tenant,
            key_id=self.key_id,
            correlation_id=self.correlation_id,
            target=self.target,
            served_model=start.model if start else "",
            error_code=getattr(error, "code", "") or "",
            error_message=getattr(error, "message", "") or "",
            finish=end.finish if end else (),
            usage=self.usage,
            cost_nano=self.cost_nano,
            first_event_us=int((self.first_sent - self.started) * 1e6) if self.first_sent else 0,
            provider_us=int(self.waited * 1e6),
            overhead_us=int((total - self.waited) * 1e6),
            stages=self.stages,
            attempts=tuple(self.attempts),
            decisions=tuple(self.decisions),
            verdicts=tuple(self.verdicts),
            events_sent=sent.events,
            complete=end is not None,
        )
        return record, Content(self.asked, self.prompted, sent.answer if sent.events else None)
