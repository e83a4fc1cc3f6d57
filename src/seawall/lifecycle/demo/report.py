"""The demo's result, told from what the store recorded and checked against what the application saw."""

from collections import Counter
from collections.abc import Iterator, Sequence

from msgspec import Struct

from seawall.core.record import Record
from seawall.layers.monitoring.story import story
from seawall.lifecycle.demo.caller import Seen
from seawall.lifecycle.drills.frame import percentile


class Row(Struct, frozen=True):
    """One feature's figures. Times are of answered calls, in milliseconds; `None`: there were none."""

    feature: str
    calls: int
    p50: float | None
    p90: float | None
    p99: float | None
    first_p50: float | None
    """Until the first token left, of streamed calls."""
    own_p50: float | None
    """Of the time, what was not spent waiting for a provider."""
    input_tokens: int
    output_tokens: int
    cost_usd: float | None
    """`None`: unknown, since a price is."""
    repairs: int
    reasks: int
    retries: int
    fallbacks: int
    refused: int
    errors: int


class Story(Struct, frozen=True):
    """The life of one call, in words."""

    title: str
    call_id: str
    lines: tuple[str, ...]


class Check(Struct, frozen=True):
    """Something the demo claims, and whether it held."""

    statement: str
    held: bool


class Report(Struct, frozen=True):
    """What came of the demo."""

    rows: tuple[Row, ...]
    """By feature, and all together in the last one."""
    stories: tuple[Story, ...]
    checks: tuple[Check, ...]
    seen: Seen
    seconds: float

    @property
    def passed(self) -> bool:
        """Whether every check held."""
        return all(check.held for check in self.checks)


def make_report(records: Sequence[Record], seen: Seen, seconds: float) -> Report:
    """The report on *records*, which are all of the demo's store."""
    features = sorted({record.feature for record in records})
    rows = [_row(name, [each for each in records if each.feature == name]) for name in features]
    return Report(
        rows=(*rows, _row("all", records)),
        stories=tuple(_stories(records)),
        checks=_checks(records, seen),
        seen=seen,
        seconds=round(seconds, 2),
    )


def _row(name: str, records: Sequence[Record]) -> Row:
    answered = [record for record in records if record.outcome == "ok"]
    times = [record.total_us / 1000 for record in answered]
    firsts = [record.first_event_us / 1000 for record in answered if record.streamed]
    owns = [record.overhead_us / 1000 for record in answered]
    decided = Counter(each.what for record in records for each in record.decisions)
    used = [record.usage for record in records if record.usage is not None]
    return Row(
        feature=name,
        calls=len(records),
        p50=_at(times, 0.5),
        p90=_at(times, 0.9),
        p99=_at(times, 0.99),
        first_p50=_at(firsts, 0.5),
        own_p50=_at(owns, 0.5),
        input_tokens=sum(usage.input_tokens for usage in used),
        output_tokens=sum(usage.output_tokens for usage in used),
        cost_usd=_cost(records),
        repairs=decided["repaired"],
        reasks=decided["reask"],
        retries=decided["retry"],
        fallbacks=decided["fallback"],
        refused=sum(record.outcome == "rejected" for record in records),
        errors=sum(record.outcome not in ("ok", "rejected") for record in records),
    )


def _at(values: list[float], share: float) -> float | None:
    return round(percentile(values, share), 3) if values else None


def _cost(records: Sequence[Record]) -> float | None:
    total = 0
    for record in records:
        if record.cost_nano is None:
            return None
        total += record.cost_nano
    return total / 1e9


def _stories(records: Sequence[Record]) -> Iterator[Story]:
    """The first call that fell back, the first that was mended, the first that was refused."""
    answered = [record for record in records if record.outcome == "ok"]
    kinds = (
        ("answered by the backup", [each for each in answered if _has(each, "fallback")]),
        (
            "a broken answer mended before it left",
            [each for each in answered if _has(each, "repaired") or _has(each, "reask")],
        ),
        ("refused before it cost anything", [each for each in records if each.outcome == "rejected"]),
    )
    for title, found in kinds:
        if found:
            yield Story(title, found[0].id, tuple(story(found[0])))


def _has(record: Record, what: str) -> bool:
    return any(decision.what == what for decision in record.decisions)


def _checks(records: Sequence[Record], seen: Seen) -> tuple[Check, ...]:
    recorded = Counter(record.correlation_id for record in records)
    complete = sum(record.outcome == "ok" for record in records)
    refused = sum(record.outcome == "rejected" for record in records)
    return (
        Check(
            f"each of the {len(seen.sent)} calls has exactly one record ({len(records)} records)",
            recorded == Counter(seen.sent),
        ),
        Check(
            f"invalid JSON delivered: {seen.invalid}, of {seen.forms} answers that had to be JSON",
            seen.invalid == 0,
        ),
        Check(f"answers that ended without saying so: {seen.silent}", seen.silent == 0),
        Check(
            f"everything that was not refused was answered (never answered: {len(seen.unanswered)})",
            not seen.unanswered,
        ),
        Check(
            f"client and records agree on {seen.answered} answers, {seen.refused} refusals, "
            f"{seen.errors} errors",
            (complete, refused, len(records) - complete - refused)
            == (seen.answered, seen.refused, seen.errors),
        ),
    )
