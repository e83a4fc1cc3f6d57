"""Where in a text the values stand."""

from typing import Any

import pytest

from seawall.layers.validation.readings import MAX_BRACKETS, MAX_READINGS, read_cut, read_text, readings
from seawall.layers.validation.tokens import Budget, Unreadable, Written


def find(text: str) -> list[tuple[Any, set[str]]]:
    return [(each.value, set(each.fixes)) for each in readings(text, Budget(len(text)))]


@pytest.mark.parametrize(
    ("text", "value", "fixes"),
    [
        ('{"a": 1}', {"a": 1}, set()),
        ('```json\n{"a": 1}\n```', {"a": 1}, {"fence"}),
        ('```\n{"a": 1}', {"a": 1}, {"fence"}),
        ('Here it is: {"a": 1}', {"a": 1}, {"prose"}),
        ('{"a": 1}\n\nI hope this helps.', {"a": 1}, {"prose"}),
        ('<answer>{"a": 1}</answer>', {"a": 1}, {"tags"}),
        ('<think>maybe {"a": 2}?</think>\n{"a": 1}', {"a": 1}, {"reasoning"}),
        ('I think so.</think>{"a": 1}', {"a": 1}, {"reasoning"}),
        ('\ufeff{"a": 1}', {"a": 1}, {"bom"}),
        ('In {place} of [the list]: {"a": 1}', {"a": 1}, {"prose"}),
        ('"{\\"a\\": 1}"', '{"a": 1}', {"json_string"}),
        ("```\n5\n```", 5, {"fence"}),
        ("open", Written("open"), set()),
        ('{"a": "</think> is a tag"}', {"a": "</think> is a tag"}, set()),
        ('{"a": "</think> is a tag",}', {"a": "</think> is a tag"}, {"trailing_comma"}),
    ],
)
def test_the_value_is_found(text: str, value: Any, fixes: set[str]) -> None:
    assert find(text) == [(value, fixes)]


def test_every_value_is_found() -> None:
    assert [value for value, _ in find('{"a": 1} or {"a": 2}')] == [{"a": 1}, {"a": 2}]


@pytest.mark.parametrize(
    "text",
    [
        '<think>perhaps {"a": 1}',
        '{"a": 1, "b": ???} {"a": 2}',
        "{} " * (MAX_READINGS + 1),
        "{ x " * (MAX_BRACKETS + 1),
    ],
)
def test_a_text_in_which_the_answer_is_not_certain_is_refused(text: str) -> None:
    with pytest.raises(Unreadable):
        find(text)


def test_what_stands_inside_something_unreadable_is_no_answer() -> None:
    assert find("{a: {x: 1}, b: ???}") == []


def test_json_in_a_string_stands_alone() -> None:
    assert read_text('{"a": 1,}', Budget(100)) == {"a": 1}
    with pytest.raises(Unreadable):
        read_text('{"a": 1} and more', Budget(100))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no braces", None),
        ('Here: {"a": [1, ', {"a": [1]}),
        ('In {place}: {"a": 1, "b": "x', {"a": 1, "b": "x"}),
        ('{"a": 1} then {"a": 2, "b', {"a": 2}),
        ('<think>x</think>{"a": "y', {"a": "y"}),
    ],
)
def test_of_a_cut_text_the_last_value_counts(text: str, value: Any) -> None:
    assert read_cut(text, Budget(len(text))) == value
