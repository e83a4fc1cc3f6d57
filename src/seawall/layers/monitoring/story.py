"""A record told in words: why this answer came out."""

from collections.abc import Iterator

from seawall.core.events import Usage
from seawall.core.record import Attempt, Content, Decision, Record

_OUTCOMES = {
    "ok": "It was answered.",
    "rejected": "We refused it before any model was asked.",
    "guard_blocked": "A guard blocked it.",
    "provider_error": "No model gave an answer that could be passed on.",
    "output_invalid": "The model's answer did not have the required form, and was withheld.",
    "context_error": "The prompt could not be made.",
    "deadline_exceeded": "Its time ran out.",
    "overloaded": "We were too busy to take it.",
    "cancelled": "The client left before it was over.",
    "shutdown": "The server was shut down before it was over.",
    "internal_error": "It failed through a fault of our own; the log has the details under its id.",
}


def story(record: Record, content: Content | None = None) -> list[str]:
    """The life of a call, one sentence to a line, in the order in which things happened."""
    return list(_lines(record, content))


def _lines(record: Record, content: Content | None) -> Iterator[str]:
    who = f"key {record.key_id} of tenant {record.tenant}"
    way = "as a stream" if record.streamed else "as a whole"
    kind = f" ({record.request_type})" if record.request_type else ""
    yield f"{who} asked feature {record.feature!r}{kind} for an answer {way}."
    if record.asked_model != record.feature:
        yield f"The model it named was {record.asked_model!r}."
    yield f"The feature's state was {record.digest[:16]}."
    for layer in ("input", "context"):
        yield from _decided(record, layer)
    if content is not None and content.prompted is not None:
        count = len(content.prompted.messages)
        yield f"What the model saw differed from what was asked: {count} messages, shown with --content."
    tried = list(_attempts(record))
    if tried:
        yield from tried
    elif record.outcome != "rejected":
        yield "No model was asked."
    yield from _decided(record, "validation")
    for verdict in record.verdicts:
        passed = {"allow": "passed", "flag": "was flagged", "redact": "was redacted", "block": "was blocked"}
        yield f"The check {verdict.check!r} {passed[verdict.action]}: {verdict.reason}."
    yield _OUTCOMES.get(record.outcome, f"It ended as {record.outcome!r}.") + _error(record)
    if record.finish:
        yield f"The model stopped because of: {', '.join(record.finish)}."
    yield _time(record)
    yield _cost(record.usage, record.cost_nano)


def _decided(record: Record, layer: str) -> Iterator[str]:
    for decision in record.decisions:
        if decision.layer == layer:
            yield _decision(decision)


def _decision(decision: Decision) -> str:
    detail = decision.detail or {}
    match decision.what:
        case "normalised":
            removed = ", ".join(f"{count} × {kind}" for kind, count in sorted(detail.items()))
            return f"Hidden or unusual characters were cleaned out of the text: {removed}."
        case "prompt":
            return f"The prompt {detail.get('name')} was used, state {str(detail.get('digest'))[:16]}."
        case "settings_by_spec":
            asked, used = detail.get("asked"), detail.get("used")
            return f"Settings of the spec replaced the caller's: {asked} became {used}."
        case "repaired":
            return f"The answer's form was repaired: {', '.join(detail.get('fixes', []))}."
        case "reask":
            wrong = "; ".join(detail.get("violations", []))
            return f"The model was asked once more, because its answer was wrong: {wrong}."
    facts = ", ".join(f"{name} {value}" for name, value in detail.items())
    return f"{decision.layer}: {decision.what.replace('_', ' ')}" + (f" ({facts})." if facts else ".")


def _attempts(record: Record) -> Iterator[str]:
    for number, attempt in enumerate(record.attempts, 1):
        yield f"Attempt {number}: {_attempt(attempt)}"
    if any(each.what == "retry_budget_empty" for each in record.decisions):
        yield "It was not tried again: retries had reached their share of the calls."


def _attempt(attempt: Attempt) -> str:
    took = f"{attempt.took_us / 1000:.0f} ms"
    if attempt.outcome != "ok":
        return f"{attempt.target} failed after {took} ({attempt.outcome}): {attempt.reason}."
    served = f", served as {attempt.served_model}" if attempt.served_model else ""
    first = f", first content after {attempt.first_event_us / 1000:.0f} ms" if attempt.first_event_us else ""
    return f"{attempt.target} answered in {took}{first}{served} ({attempt.reason})."


def _error(record: Record) -> str:
    return f" {record.error_code}: {record.error_message}." if record.error_message else ""


def _time(record: Record) -> str:
    total, waited, own = (each / 1000 for each in (record.total_us, record.provider_us, record.overhead_us))
    stages = ", ".join(f"{name} {took / 1000:.2f}" for name, took in record.stages.items())
    where = f" ({stages})" if stages else ""
    return f"It took {total:.1f} ms: {waited:.1f} ms waiting for models, {own:.1f} ms of our own{where}."


def _cost(usage: Usage | None, cost_nano: int | None) -> str:
    if usage is None:
        return "No tokens were used."
    guess = " (estimated: the provider reported none)" if usage.estimated else ""
    price = "at a price that is not known" if cost_nano is None else f"for {cost_nano / 1e9:.6f} USD"
    return f"It used {usage.input_tokens} tokens in and {usage.output_tokens} out{guess}, {price}."
