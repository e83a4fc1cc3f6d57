"""Laws of the repair: it never harms, invents or crashes, and its time grows no faster than the text."""

import contextlib
import json
import re
import time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seawall.layers.validation.readings import readings
from seawall.layers.validation.repair import partial, repair
from seawall.layers.validation.schema import OutputSchema, decode
from seawall.layers.validation.tokens import Budget, Unreadable

ANYTHING = OutputSchema({"type": "object"})
PERSON = OutputSchema(
    {
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "age": {"type": "integer"},
            "score": {"type": "number"},
            "member": {"type": "boolean"},
            "tags": {"type": "array", "items": {"type": "string"}},
            "home": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
        },
        "required": ["name", "age", "member", "tags", "home"],
        "additionalProperties": False,
    }
)
WORDS = st.text(
    st.one_of(st.sampled_from(list("ab xyz,:{}[]/#é日\\\"'`\n<>")), st.characters(exclude_categories=["Cs"])),
    max_size=20,
)
PLAIN = st.text(st.sampled_from(list("abc xyz 123 éß日 -_.")), max_size=12)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=12,
)
OBJECTS = st.dictionaries(WORDS, VALUES, max_size=5)


def people(text: st.SearchStrategy[str]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {
            "name": text,
            "age": st.integers(-9, 10**6),
            "member": st.booleans(),
            "tags": st.lists(text, max_size=3),
            "home": st.fixed_dictionaries({"city": text}),
        },
        optional={"score": st.floats(-1e6, 1e6).filter(lambda number: "e" not in repr(number))},
    )


@given(OBJECTS, st.sampled_from([None, 1, "\t"]), st.booleans())
def test_a_valid_answer_is_never_touched(value: dict[str, Any], indent: Any, ascii_only: bool) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    for schema in (ANYTHING, None):
        repaired = repair(text, schema)
        assert repaired is not None
        assert (repaired.text, repaired.fixes) == (text, ())
        assert repaired.value == value


PIECES = (
    *('"', "'", "{", "}", "[", "]", ":", ",", "\\", "\\u12", "name", '"age": 3', "true", "NaN", "```", "//"),
    *("/*", "*/", "\n", " ", "<think>", "</think>", "“", "”", "1e9", "-", "'member': no", "undefined", "é"),
)
BROKEN = st.lists(st.sampled_from(PIECES), max_size=30).map("".join)


@given(BROKEN)
def test_whatever_comes_out_is_strict_json_that_meets_the_schema(text: str) -> None:
    for schema in (PERSON, ANYTHING):
        repaired = repair(text, schema)
        if repaired is not None:
            checked = schema.check(repaired.text)
            assert checked.valid
            assert checked.value == repaired.value
    unguided = repair(text, None)
    if unguided is not None:
        assert decode(unguided.text) == unguided.value
    assert isinstance(partial(text), dict | list | None)


@given(st.text(max_size=60))
def test_no_text_makes_it_raise(text: str) -> None:
    repair(text, PERSON)
    repair(text, None)
    partial(text)


def scalars(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [leaf for member in value.values() for leaf in scalars(member)]
    if isinstance(value, list):
        return [leaf for item in value for leaf in scalars(item)]
    return [value]


@given(BROKEN)
def test_every_number_and_word_of_the_answer_stood_in_the_text(text: str) -> None:
    repaired = repair(text, PERSON)
    if repaired is None:
        return
    for leaf in scalars(repaired.value):
        if isinstance(leaf, int) and not isinstance(leaf, bool):
            assert str(abs(leaf))[0] in text


def fenced(text: str) -> str:
    return f"Here it is:\n```json\n{text}\n```\nDone."


def bare_keys(text: str) -> str:
    for name in ("name", "age", "score", "member", "tags", "home", "city"):
        text = text.replace(f'"{name}": ', f"{name}: ")
    return text


def single_quotes(text: str) -> str:
    return text.replace('"', "'")


def smart_quotes(text: str) -> str:
    pieces = text.split('"')
    return "".join(piece + ("“" if at % 2 == 0 else "”") for at, piece in enumerate(pieces[:-1])) + pieces[-1]


FAULTS = {
    "fence": fenced,
    "reasoning": lambda text: '<think>Is it {"name": "x"}? No.</think>\n' + text,
    "tags": lambda text: f"<answer>{text}</answer>",
    "twice": lambda text: f"{text}\n{text}",
    "trailing": lambda text: text.replace("\n}", ",\n}"),
    "comments": lambda text: text.replace(",\n", ", // note\n"),
    "no commas": lambda text: text.replace(",\n", "\n"),
    "literals": lambda text: text.replace(": true", ": True").replace(": false", ": False"),
    "no closer": lambda text: text.rstrip("}\n "),
    "bare keys": bare_keys,
    "single quotes": single_quotes,
    "smart quotes": smart_quotes,
    "bom": lambda text: "\ufeff" + text.replace("\n  ", "\n\u00a0\u00a0"),
    "in a string": json.dumps,
    "number as text": lambda text: re.sub(r'"age": (-?\d+)', r'"age": "\1"', text),
    "key case": lambda text: text.replace('"member"', '"MEMBER"').replace('"city"', '"City"'),
    "wrapped": lambda text: f'{{"output": {text}}}',
}


@pytest.mark.parametrize("fault", sorted(FAULTS))
def test_a_fault_is_undone_exactly(fault: str) -> None:
    @settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.differing_executors])
    @given(people(PLAIN))
    def undone(value: dict[str, Any]) -> None:
        repaired = repair(FAULTS[fault](json.dumps(value, indent=2, ensure_ascii=False)), PERSON)
        assert repaired is not None
        assert repaired.value == value

    undone()


def is_beginning(value: Any, whole: Any, *, last: bool = True) -> bool:
    """Whether *value* is *whole* up to some point; only the last string may be incomplete."""
    if isinstance(value, dict) and isinstance(whole, dict):
        keys = list(value)
        return keys == list(whole)[: len(keys)] and all(
            is_beginning(value[key], whole[key], last=last and key == keys[-1]) for key in keys
        )
    if isinstance(value, list) and isinstance(whole, list):
        return len(value) <= len(whole) and all(
            is_beginning(item, whole[at], last=last and at == len(value) - 1) for at, item in enumerate(value)
        )
    if last and isinstance(value, str) and isinstance(whole, str):
        return whole.startswith(value)
    return bool(value == whole)


@settings(max_examples=60, deadline=None)
@given(people(PLAIN), st.sampled_from([None, 2]), st.data())
def test_of_any_beginning_a_true_beginning_is_given(value: dict[str, Any], indent: Any, data: Any) -> None:
    text = json.dumps(value, indent=indent)
    known = partial(text[: data.draw(st.integers(0, len(text)))])
    assert known is None or is_beginning(known, value)
    assert partial(text) == value


HOSTILE = {
    "brackets": "[",
    "objects": '{"a":',
    "quotes": '"',
    "quotes and commas": '",',
    "quotes and keys": '", "b',
    "backslashes": "\\",
    "escaped quotes": '\\"',
    "commas": ",",
    "comments": "/**/",
    "open comments": "/*",
    "numbers": "1,",
    "prose braces": "{ x ",
    "fenced braces": "```{",
    "empty objects": "{}",
    "smart quotes": "“",
    "apostrophes": "'s ",
    "strings in lists": '["x" ',
    "tags": "<a",
    "closers": '"}',
    "spaces": " ",
}


@pytest.mark.parametrize("name", sorted(HOSTILE))
@pytest.mark.parametrize("head", ["", '{"name": ', '{"name": "', '{"tags": ['])
def test_hostile_texts_are_given_up_after_a_bounded_number_of_steps(name: str, head: str) -> None:
    text = head + HOSTILE[name] * (20_000 // len(HOSTILE[name]))
    budget = Budget(len(text))
    with contextlib.suppress(Unreadable):
        readings(text, budget)
    assert budget.spent <= budget.limit + 100
    partial(text)


def seconds(text: str) -> float:
    best = 9.0
    for _ in range(3):
        started = time.process_time()
        repair(text, PERSON)
        best = min(best, time.process_time() - started)
    return best


@pytest.mark.parametrize(
    "name", ["brackets", "quotes", "prose braces", "fenced braces", "quotes and keys", "numbers"]
)
def test_time_grows_no_faster_than_the_text(name: str) -> None:
    piece = HOSTILE[name]
    small = seconds('{"name": "' + piece * (8_000 // len(piece)))
    large = seconds('{"name": "' + piece * (64_000 // len(piece)))
    assert large < 24 * small + 0.02  # 8 times the text; a quadratic step would make it 64
