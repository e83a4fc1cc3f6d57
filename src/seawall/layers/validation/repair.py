"""Deterministic repair of structured output: from what the model wrote, never from what it might have meant.

`repair` accepts a reading only if it is the only one and meets the schema; it refuses (`None`) when a value
would have to be made up. What it may do is in `Repaired.fixes`, one word each:

    text     prose, fence, tags, reasoning, bom, repeated, comments, missing_comma, extra_comma,
             trailing_comma, missing_closer, quotes, inner_quotes, unquoted_keys, raw_newline, bad_escape,
             literals, odd_numbers, undefined, repeated_key, json_string
    meaning  number_as_string, boolean_as_string, null_as_string, json_as_string, string_expected,
             array_for_scalar, scalar_for_array, enum_case, enum_type, key_case, extra_keys, null_optional,
             wrapper
"""

import json
import re
from typing import Any

from msgspec import Struct

from seawall.layers.validation.coerce import MISFIT, Fitter, same_value
from seawall.layers.validation.readings import read_cut, read_text, readings
from seawall.layers.validation.schema import NotJson, OutputSchema, decode
from seawall.layers.validation.shape import Shape
from seawall.layers.validation.tokens import Budget, Odd, Unreadable, Written
from seawall.layers.validation.tolerant import MAX_DEPTH, Reading

MAX_SIZE = 4 * 1024 * 1024
"""Characters of a text that is worth repairing."""
_LONE = re.compile(r"[\ud800-\udfff]")
_WRAPPED = (frozenset(("arguments", "parameters", "input")), frozenset(("name", "type", "id")))


class Repaired(Struct, frozen=True):
    """A text that is JSON and meets its schema."""

    text: str
    """As it was, if it was valid; otherwise the value written anew."""
    value: Any
    fixes: tuple[str, ...] = ()
    """What was done, in the words of this module; empty if nothing was."""


def repair(text: str, schema: OutputSchema | None) -> Repaired | None:
    """The one honest reading of *text* under *schema*, or `None`. Time is linear in the length of *text*.

    For answers the model ended itself: one cut short by a limit of tokens may read as complete when it is
    not; use `partial` for those. Without a schema any object is wanted (or, if there is none, any list).
    """
    if schema is None:
        return _repair_unguided(text)
    if len(text) > MAX_SIZE:
        return None
    checked = schema.check(text)
    if checked.valid:
        return Repaired(text, checked.value)
    budget = Budget(len(text))
    answers: list[_Answer] = []
    try:
        for reading in readings(text, budget):
            answer = _fit(reading, schema, budget)
            if answer is not None:
                answers.append(answer)
    except Unreadable:
        return None
    return _only(answers)


def partial(text: str) -> Any:
    """What can be known of an answer whose text was cut anywhere: an object or a list, or `None`.

    Every value is complete, except that the last one may be the beginning of a string; the last number of
    the text is left out, as it may go on. Not checked against any schema.
    """
    budget = Budget(len(text))
    try:
        return _plain(read_cut(text, budget), budget)
    except Unreadable:
        return None


class _Answer(Struct, frozen=True):
    value: Any
    fixes: tuple[str, ...]


def _fit(reading: Reading, schema: OutputSchema, budget: Budget) -> _Answer | None:
    fixes = tuple(sorted(reading.fixes))
    try:
        value = _plain(reading.value, budget)
        if schema.accepts(value):
            return _Answer(value, fixes)
    except Unreadable:  # perhaps the schema knows what an open token is meant to be
        budget.spend()
    fitted = _fit_shape(reading.value, schema.shape, schema, budget)
    return None if fitted is None else _Answer(fitted[0], fixes + tuple(dict.fromkeys(fitted[1])))


def _fit_shape(
    value: Any, shape: Shape, schema: OutputSchema, budget: Budget
) -> tuple[Any, tuple[str, ...]] | None:
    """*value* made to fit, or what it wraps."""
    for inner, wrapper in ((value, ()), *((each, ("wrapper",)) for each in _unwrapped(value, shape))):
        fitter = Fitter(read_text, budget)
        fitted = fitter.fit(inner, shape)
        if fitted is MISFIT:
            continue
        fitted = _plain(fitted, budget)
        if schema.accepts(fitted):
            return fitted, (*wrapper, *fitter.fixes)
    return None


def _unwrapped(value: Any, shape: Shape) -> list[Any]:
    """What *value* could be a wrapper of: its only member, or the arguments of a named call."""
    if not isinstance(value, dict) or any(shape.names(key) for key in value):
        return []
    arguments, labels = _WRAPPED
    inner = [member for key, member in value.items() if len(value) == 1 or key in arguments]
    if len(inner) != 1 or (len(value) > 1 and not value.keys() <= arguments | labels):
        return []
    return inner if isinstance(inner[0], dict | list | str) else []


def _plain(value: Any, budget: Budget, depth: int = 0) -> Any:
    """*value* without open tokens; a word or `NaN` that nothing claimed is unreadable."""
    if isinstance(value, str | int | float) or value is None:
        return value
    budget.spend()
    if depth > MAX_DEPTH:
        raise Unreadable("nested too deeply")
    if isinstance(value, dict):
        return {key: _plain(member, budget, depth + 1) for key, member in value.items()}
    if isinstance(value, list):
        return [_plain(item, budget, depth + 1) for item in value]
    if isinstance(value, Written) and value.number is not None:
        return value.number
    said = value.text if isinstance(value, Written) else value.value if isinstance(value, Odd) else value
    raise Unreadable(f"{said!r} is no JSON value")


def _only(answers: list[_Answer]) -> Repaired | None:
    """The one answer among *answers*, which must all say the same."""
    if not answers or any(not same_value(answers[0].value, other.value) for other in answers[1:]):
        return None
    value = answers[0].value
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    if not text.isascii() and _LONE.search(text):
        return None  # half a surrogate pair: no encoding can send it
    return Repaired(text, value, answers[0].fixes + (("repeated",) if len(answers) > 1 else ()))


def _repair_unguided(text: str) -> Repaired | None:
    try:
        value = decode(text)
        if isinstance(value, dict | list):
            return Repaired(text, value)
    except NotJson:
        pass
    if len(text) > MAX_SIZE:
        return None
    budget = Budget(len(text))
    try:
        found = readings(text, budget)
        if len(found) == 1 and isinstance(found[0].value, str):
            value = read_text(found[0].value.strip(), budget)
            found = [Reading(value, found[0].end, found[0].fixes | {"json_string"})]
        answers = [
            _Answer(_plain(reading.value, budget), tuple(sorted(reading.fixes)))
            for reading in found
            if isinstance(reading.value, dict | list)
        ]
    except Unreadable:
        return None
    return _only([answer for answer in answers if isinstance(answer.value, dict)] or answers)
