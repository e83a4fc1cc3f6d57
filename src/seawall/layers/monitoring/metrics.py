"""Counters, gauges and histograms of our own, rendered as Prometheus text when they are asked for.

A metric with labels is a family; `labels(…)` finds one child of it, which the caller keeps, so that what runs
per request is an addition. The number of children is bounded: what comes after is counted together under the
label value `other`. Not thread-safe: everything is to be called from the event loop's thread.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from math import inf, isnan
from typing import Any, Generic, Protocol, TypeVar

from seawall.core.record import Attempt, Record

OTHER = "other"
MOST_CHILDREN = 500

SECONDS = tuple(0.01 * 2**k for k in range(14))
"""The buckets that OpenTelemetry's GenAI conventions give to durations."""
OVERHEAD_SECONDS = tuple(25e-6 * 2**k for k in range(14))


class Counter:
    """Only grows."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value: float = 0

    def inc(self, amount: float = 1) -> None:
        self.value += amount

    def samples(self, name: str, labels: str) -> Iterator[str]:
        yield f"{name}{_braced(labels)} {_number(self.value)}"


class Gauge:
    """Goes up and down; or reads its value when it is rendered."""

    __slots__ = ("read", "value")

    def __init__(self) -> None:
        self.value: float = 0
        self.read: Callable[[], float] | None = None

    def set(self, value: float) -> None:
        self.value = value

    def samples(self, name: str, labels: str) -> Iterator[str]:
        value = self.value if self.read is None else self.read()
        yield f"{name}{_braced(labels)} {_number(value)}"


class Histogram:
    """How often a value fell into which bucket. A bound belongs to its own bucket."""

    __slots__ = ("_bounds", "_counts", "_sum")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = tuple(bounds)
        self._counts = [0] * (len(self._bounds) + 1)
        self._sum = 0.0

    def observe(self, value: float) -> None:
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    def samples(self, name: str, labels: str) -> Iterator[str]:
        total = 0
        for bound, count in zip((*self._bounds, inf), self._counts, strict=True):
            total += count
            edge = f'{labels},le="{_number(bound)}"' if labels else f'le="{_number(bound)}"'
            yield f"{name}_bucket{{{edge}}} {total}"
        yield f"{name}_sum{_braced(labels)} {_number(self._sum)}"
        yield f"{name}_count{_braced(labels)} {total}"


class _Sampled(Protocol):
    def samples(self, name: str, labels: str) -> Iterator[str]: ...


Child = TypeVar("Child", bound=_Sampled)


class Family(Generic[Child]):
    """All children of one metric, told apart by the values of its labels."""

    def __init__(
        self,
        kind: str,
        name: str,
        text: str,
        names: tuple[str, ...],
        make: Callable[[], Child],
        overflow: Callable[[], None],
        most: int,
    ) -> None:
        self.name = name
        self._head = f"# HELP {name} {_escaped(text)}\n# TYPE {name} {kind}"
        self._names = names
        self._make = make
        self._overflow = overflow
        self._most = most
        self._children: dict[tuple[str, ...], Child] = {}

    def labels(self, *values: str) -> Child:
        """The child with these label values, in the order of the label names; keep it."""
        child = self._children.get(values)
        if child is None:
            if len(values) != len(self._names):
                raise ValueError(f"{self.name} has the labels {self._names}, got the values {values!r}")
            if len(self._children) >= self._most:
                self._overflow()
                values = (OTHER,) * len(values)
            child = self._children.setdefault(values, self._make())
        return child

    def render(self) -> Iterator[str]:
        """The lines of this metric."""
        yield self._head
        for values, child in self._children.items():
            labels = ",".join(
                f'{name}="{_quoted(value)}"' for name, value in zip(self._names, values, strict=True)
            )
            yield from child.samples(self.name, labels)


class Registry:
    """The metrics of a process."""

    def __init__(self, *, most_children: int = MOST_CHILDREN) -> None:
        self._most = most_children
        self._families: dict[str, Family[Any]] = {}
        self._overflows = self.counter(
            "seawall_metric_labels_dropped_total",
            "Look-ups of label values beyond the most that a metric may have.",
            ("metric",),
        )

    def counter(self, name: str, text: str, labels: tuple[str, ...] = ()) -> Family[Counter]:
        """A counter; its name ends with `_total`."""
        if not name.endswith("_total"):
            raise ValueError(f"the name of a counter ends with '_total', not {name!r}")
        return self._add(Family("counter", name, text, labels, Counter, self._overflow_of(name), self._most))

    def gauge(self, name: str, text: str, labels: tuple[str, ...] = ()) -> Family[Gauge]:
        """A gauge."""
        return self._add(Family("gauge", name, text, labels, Gauge, self._overflow_of(name), self._most))

    def reading(self, name: str, text: str, read: Callable[[], float]) -> None:
        """A gauge without labels that is read when it is rendered."""
        self.gauge(name, text).labels().read = read

    def histogram(
        self, name: str, text: str, labels: tuple[str, ...] = (), bounds: Sequence[float] = SECONDS
    ) -> Family[Histogram]:
        """A histogram over ascending *bounds*."""
        if list(bounds) != sorted(set(bounds)):
            raise ValueError(f"the bounds of {name} must ascend: {bounds!r}")
        overflow = self._overflow_of(name)
        return self._add(
            Family("histogram", name, text, labels, lambda: Histogram(bounds), overflow, self._most)
        )

    def render(self) -> bytes:
        """All metrics as Prometheus text, version 0.0.4."""
        lines = [line for family in self._families.values() for line in family.render()]
        return ("\n".join(lines) + "\n").encode("utf-8")

    def _add(self, family: Family[Child]) -> Family[Child]:
        if family.name in self._families:
            raise ValueError(f"the metric {family.name!r} exists already")
        self._families[family.name] = family
        return family

    def _overflow_of(self, name: str) -> Callable[[], None]:
        # Looked up when it happens: the counter of overflows is itself made by `counter`.
        return lambda: self._overflows.labels(name).inc()


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")


def _quoted(text: str) -> str:
    return _escaped(text).replace('"', '\\"')


def _braced(labels: str) -> str:
    return f"{{{labels}}}" if labels else ""


def _number(value: float) -> str:
    if value == inf:
        return "+Inf"
    if value == -inf:
        return "-Inf"
    if isnan(value):
        return "NaN"
    return str(int(value)) if value == int(value) else repr(value)


class _FeatureChildren:
    """What a call of one feature adds to."""

    __slots__ = ("cost", "duration", "fallbacks", "first", "outcomes", "overhead", "reasks", "repairs")

    def __init__(self, feature: str, families: "CallMetrics") -> None:
        self.outcomes: dict[str, Counter] = {}
        self.duration = families.durations.labels(feature)
        self.first = families.firsts.labels(feature)
        self.overhead = families.overheads.labels(feature)
        self.cost = families.costs.labels(feature)
        self.fallbacks = families.fallbacks.labels(feature)
        self.repairs = families.repairs.labels(feature)
        self.reasks = families.reasks.labels(feature)


class _TargetChildren:
    """What an attempt at one target that ended one way adds to."""

    __slots__ = ("attempts", "cached", "duration", "first", "input", "output", "reasoning", "retries")

    def __init__(self, target: str, outcome: str, families: "CallMetrics") -> None:
        provider, _, model = target.partition("/")
        error = "" if outcome == "ok" else outcome
        self.attempts = families.attempts.labels(target, outcome)
        self.retries = families.retries.labels(target)
        self.duration = families.operations.labels("chat", provider, model, error)
        self.first = families.first_chunks.labels("chat", provider, model)
        self.input = families.input_tokens.labels("chat", provider, model, "unknown")
        self.output = families.output_tokens.labels("chat", provider, model, "unknown")
        self.cached = families.cached_tokens.labels("chat", provider, model, "unknown")
        self.reasoning = families.reasoning_tokens.labels("chat", provider, model, "unknown")


class CallMetrics:
    """Turns each finished call into metrics. Names are OpenTelemetry's where it has one.

    A client operation of OpenTelemetry is one attempt at a provider, so the `gen_ai_*` metrics are by
    attempt, the `seawall_*` ones by call unless they say otherwise. No label holds a key, a tenant or
    anything a caller can choose freely.
    """

    def __init__(self, registry: Registry) -> None:
        r = registry
        by_feature = ("feature",)
        model = ("gen_ai_operation_name", "gen_ai_provider_name", "gen_ai_request_model")
        tokens = (*model, "gen_ai_token_modality")
        usage = "gen_ai_client_inference_usage"
        self.calls = r.counter("seawall_calls_total", "Finished calls.", ("feature", "outcome"))
        self.durations = r.histogram("seawall_call_duration_seconds", "Whole calls.", by_feature)
        self.firsts = r.histogram(
            "seawall_call_time_to_first_event_seconds", "Until the client got the first event.", by_feature
        )
        self.overheads = r.histogram(
            "seawall_overhead_seconds", "Calls less the wait for providers.", by_feature, OVERHEAD_SECONDS
        )
        self.costs = r.counter("seawall_cost_usd_total", "Known cost of calls, in dollars.", by_feature)
        self.unpriced = r.counter("seawall_unpriced_calls_total", "Calls of unknown cost.", by_feature)
        self.fallbacks = r.counter("seawall_fallbacks_total", "Attempts at another target.", by_feature)
        self.repairs = r.counter("seawall_repairs_total", "Answers repaired by rule.", by_feature)
        self.reasks = r.counter("seawall_reasks_total", "Answers asked for again.", by_feature)
        self.attempts = r.counter("seawall_attempts_total", "Attempts at targets.", ("target", "outcome"))
        self.retries = r.counter("seawall_retries_total", "Attempts at the same target again.", ("target",))
        self.verdicts = r.counter("seawall_verdicts_total", "What checks said.", ("check", "action"))
        self.operations = r.histogram(
            "gen_ai_client_operation_duration_seconds", "Attempts at providers.", (*model, "error_type")
        )
        self.first_chunks = r.histogram(
            "gen_ai_client_operation_time_to_first_chunk_seconds", "Until a provider's first event.", model
        )
        self.input_tokens = r.counter(f"{usage}_input_tokens_total", "Input tokens.", tokens)
        self.output_tokens = r.counter(f"{usage}_output_tokens_total", "Output tokens.", tokens)
        self.cached_tokens = r.counter(
            f"{usage}_cache_read_input_tokens_total", "Input tokens read from the provider's cache.", tokens
        )
        self.reasoning_tokens = r.counter(
            f"{usage}_reasoning_output_tokens_total", "Output tokens spent on reasoning.", tokens
        )
        self._features: dict[str, _FeatureChildren] = {}
        self._targets: dict[tuple[str, str], _TargetChildren] = {}

    def observe(self, record: Record) -> None:
        """Count one finished call."""
        children = self._features.get(record.feature)
        if children is None:
            children = self._features[record.feature] = _FeatureChildren(record.feature, self)
        outcome = children.outcomes.get(record.outcome)
        if outcome is None:
            outcome = children.outcomes[record.outcome] = self.calls.labels(record.feature, record.outcome)
        outcome.inc()
        children.duration.observe(record.total_us / 1e6)
        children.overhead.observe(record.overhead_us / 1e6)
        if record.first_event_us:
            children.first.observe(record.first_event_us / 1e6)
        if record.cost_nano is None:
            self.unpriced.labels(record.feature).inc()
        elif record.cost_nano:
            children.cost.inc(record.cost_nano / 1e9)
        before = ""
        for attempt in record.attempts:
            self._observe_attempt(attempt, before, children)
            before = attempt.target
        for decision in record.decisions:
            if decision.layer == "validation":
                if decision.what == "repaired":
                    children.repairs.inc()
                elif decision.what == "reask":
                    children.reasks.inc()
        for verdict in record.verdicts:
            self.verdicts.labels(verdict.check, verdict.action).inc()

    def _observe_attempt(self, attempt: Attempt, before: str, feature: _FeatureChildren) -> None:
        key = (attempt.target, attempt.outcome)
        children = self._targets.get(key)
        if children is None:
            children = self._targets[key] = _TargetChildren(attempt.target, attempt.outcome, self)
        children.attempts.inc()
        children.duration.observe(attempt.took_us / 1e6)
        if before == attempt.target:
            children.retries.inc()
        elif before:
            feature.fallbacks.inc()
        if attempt.first_event_us:
            children.first.observe(attempt.first_event_us / 1e6)
        usage = attempt.usage
        if usage is not None:
            children.input.inc(usage.input_tokens)
            children.output.inc(usage.output_tokens)
            if usage.cache_read_tokens:
                children.cached.inc(usage.cache_read_tokens)
            if usage.reasoning_tokens:
                children.reasoning.inc(usage.reasoning_tokens)
