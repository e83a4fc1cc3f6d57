"""The Validation layer: nothing structured leaves before it was checked against its form.

An answer that must be JSON is held back until it is whole (a prefix proves nothing), judged, repaired
deterministically where there is only one reading, else asked for once more with what was wrong. Free text
passes straight through.
"""

from collections.abc import Sequence

import msgspec
from msgspec import Struct

from seawall.core.accumulate import Accumulator, Answer, Choice, replay
from seawall.core.call import Call
from seawall.core.errors import InvalidRequest, OutputInvalid
from seawall.core.events import Event, MessageEnd, PartDelta
from seawall.core.handler import Emit, Handler
from seawall.core.messages import Message, Refusal, Text
from seawall.core.ports import Clock
from seawall.core.record import Verdict
from seawall.core.request import ChatRequest, ResponseFormat
from seawall.layers.validation.forms import SchemaCache
from seawall.layers.validation.repair import repair
from seawall.layers.validation.schema import OutputSchema

MOST_HELD = 4 * 1024 * 1024
"""Characters of an answer held back for its check; more than any sensible JSON answer."""
MOST_NAMED = 8
"""Violations named to the model and to the caller."""


class Held:
    """Takes the events of an answer and keeps them."""

    __slots__ = ("_size", "events", "fold")

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.fold = Accumulator()
        self._size = 0

    async def emit(self, event: Event) -> None:
        if type(event) is PartDelta:
            self._size += len(event.text)
            if self._size > MOST_HELD:
                raise OutputInvalid(f"the answer is longer than {MOST_HELD} characters and cannot be checked")
        self.events.append(event)
        self.fold.add(event)


class Judgement(Struct, frozen=True):
    """What came of checking one choice."""

    choice: Choice
    """As it may leave; the same object unless it was repaired."""
    fixes: tuple[str, ...] = ()
    violations: tuple[str, ...] = ()
    cut_off: bool = False


class Validation:
    """Holds back, judges, repairs, asks again, releases."""

    def __init__(
        self, *, output: OutputSchema | None, form: ResponseFormat | None, reasks: int, clock: Clock
    ) -> None:
        """*output* and *form* are the feature's own schema, compiled and as it is asked of the model."""
        self._output = output
        self._form = form
        self._reasks = reasks
        self._clock = clock
        self._schemas = SchemaCache()

    async def __call__(self, call: Call, emit: Emit, inner: Handler) -> None:
        schema = self._schema_for(call)
        if schema is None:
            await inner(call, emit)
            return
        if self._form is not None and call.request.response_format is None:
            call = _with_request(call, response_format=self._form)
        asked = call = msgspec.structs.replace(call, held=True)
        for turn in range(self._reasks + 1):
            held = Held()
            await inner(asked, held.emit)
            answer = held.fold.answer
            began = self._clock.monotonic()
            judgements = [judge(choice, schema) for choice in answer.choices]
            took = int((self._clock.monotonic() - began) * 1e6)
            call.record.stages["validation"] = call.record.stages.get("validation", 0) + took
            if not any(each.violations for each in judgements):
                _remember(call, judgements, turn)
                for event in _released(call, held, answer, judgements, turn):
                    await emit(event)
                return
            if turn == self._reasks or any(each.cut_off for each in judgements):
                break
            call.record.decide("validation", "reask", violations=list(_named(judgements)))
            asked = _again(call, answer, judgements)
        violations = _named(judgements)
        call.record.verdicts.append(Verdict("output", "block", "; ".join(violations)))
        raise OutputInvalid(f"the model's answer does not have the required form: {'; '.join(violations)}")

    def _schema_for(self, call: Call) -> OutputSchema | None:
        """What the answer must meet: the feature's schema, else the caller's; `None` for free text."""
        form = call.request.response_format
        if self._output is not None:
            if form is not None and form.kind == "json_schema" and form.schema != self._output.schema:
                raise InvalidRequest(
                    f"feature {call.feature!r} has its own output schema; leave response_format out",
                    param="response_format",
                )
            return self._output
        return None if form is None else self._schemas.compiled(form)


def judge(choice: Choice, schema: OutputSchema) -> Judgement:
    """Check one choice against *schema*, and repair it if there is exactly one honest way."""
    message = choice.message
    text = message.text
    declined = any(isinstance(part, Refusal) for part in message.parts) or choice.finish == "content_filter"
    if declined or (message.tool_calls and not text):
        return Judgement(choice)
    if choice.finish == "length":
        return Judgement(choice, violations=("it was cut off at max_tokens",), cut_off=True)
    checked = schema.check(text)
    if not checked.violations:
        return Judgement(choice)
    repaired = repair(text, schema)
    if repaired is None:
        return Judgement(choice, violations=tuple(str(each) for each in checked.violations))
    return Judgement(_with_text(choice, repaired.text), fixes=repaired.fixes)


def _with_text(choice: Choice, text: str) -> Choice:
    kept = [part for part in choice.message.parts if not isinstance(part, Text)]
    message = Message("assistant", (*kept, Text(text)))
    return Choice(message, choice.finish)


def _remember(call: Call, judgements: Sequence[Judgement], turn: int) -> None:
    fixes = sorted({fix for each in judgements for fix in each.fixes})
    if fixes:
        call.record.decide("validation", "repaired", fixes=fixes)
    reason = "repaired" if fixes else "valid"
    call.record.verdicts.append(Verdict("output", "allow", f"{reason} after re-ask" if turn else reason))


def _released(
    call: Call, held: Held, answer: Answer, judgements: Sequence[Judgement], turn: int
) -> Sequence[Event]:
    """The events that may leave: as they came, or replayed from what was repaired."""
    usage = call.record.usage  # of all turns: the caller is told what was really used
    if any(each.fixes for each in judgements):
        choices = tuple(each.choice for each in judgements)
        return list(replay(msgspec.structs.replace(answer, choices=choices, usage=usage)))
    if not turn:
        return held.events
    return [
        msgspec.structs.replace(event, usage=usage) if isinstance(event, MessageEnd) else event
        for event in held.events
    ]


def _named(judgements: Sequence[Judgement]) -> tuple[str, ...]:
    named = dict.fromkeys(violation for each in judgements for violation in each.violations)
    return tuple(named)[:MOST_NAMED]


def _again(call: Call, answer: Answer, judgements: Sequence[Judgement]) -> Call:
    """The same call, with the failed answer and what was wrong with it."""
    wrong = next(each for each in judgements if each.violations)
    said = wrong.choice.message.text or "(nothing)"
    complaint = "\n".join(f"- {violation}" for violation in _named([wrong]))
    correction = (
        "That answer does not have the required form:\n"
        f"{complaint}\n"
        "Answer again with the corrected JSON only: no explanation, no code fence."
    )
    messages = (
        *call.request.messages,
        Message("assistant", (Text(said),)),
        Message("user", (Text(correction),)),
    )
    return _with_request(call, messages=messages)


def _with_request(call: Call, **changes: object) -> Call:
    request: ChatRequest = msgspec.structs.replace(call.request, **changes)
    return msgspec.structs.replace(call, request=request)
