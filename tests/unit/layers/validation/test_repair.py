"""From what was written to the one answer it can mean, or to none."""

import json
from typing import Any

import pytest

from seawall.layers.validation.repair import partial, repair
from seawall.layers.validation.schema import OutputSchema

TICKET = OutputSchema(
    {
        "type": "object",
        "properties": {
            "title": {"type": "string"},
            "priority": {"enum": ["low", "high"]},
            "votes": {"type": "integer", "minimum": 0},
            "tags": {"type": "array", "items": {"type": "string"}},
            "owner": {
                "type": "object",
                "properties": {"name": {"type": "string"}},
                "required": ["name"],
            },
        },
        "required": ["title", "votes"],
        "additionalProperties": False,
    }
)
WANTED = {"title": "Lamp is dark", "votes": 3}


@pytest.mark.parametrize(
    "text",
    [
        '{"title": "Lamp is dark", "votes": 3}',
        '\n{"votes":3,"title":"// not a comment"}  ',
        '{"title": "```json\\n{}\\n``` and it\'s <think> \\"quoted\\"", "votes": 0}',
    ],
)
def test_a_valid_answer_comes_back_as_it_was(text: str) -> None:
    repaired = repair(text, TICKET)
    assert repaired is not None
    assert repaired.text == text
    assert repaired.fixes == ()
    assert repaired.value == json.loads(text)


@pytest.mark.parametrize(
    ("text", "fix"),
    [
        ('```json\n{"title": "Lamp is dark", "votes": 3}\n```', "fence"),
        ('Sure! {"title": "Lamp is dark", "votes": 3} Anything else?', "prose"),
        ('<think>{"title": "no", "votes": 0}</think>{"title": "Lamp is dark", "votes": 3}', "reasoning"),
        ('{"title": "Lamp is dark", "votes": 3,}', "trailing_comma"),
        ("{'title': 'Lamp is dark', 'votes': 3}", "quotes"),
        ('{title: "Lamp is dark", votes: 3}', "unquoted_keys"),
        ('{"title": "Lamp is dark", "votes": "3"}', "number_as_string"),
        ('{"title": ["Lamp is dark"], "votes": 3}', "array_for_scalar"),
        ('{"Title": "Lamp is dark", "votes": 3}', "key_case"),
        ('{"title": "Lamp is dark", "votes": 3, "tags": null}', "null_optional"),
        ('{"title": "Lamp is dark", "votes": 3, "comment": "done"}', "extra_keys"),
        ('{"result": {"title": "Lamp is dark", "votes": 3}}', "wrapper"),
        ('{"name": "ticket", "arguments": {"title": "Lamp is dark", "votes": 3}}', "wrapper"),
        ('"{\\"title\\": \\"Lamp is dark\\", \\"votes\\": 3}"', "json_as_string"),
        ('{"title": "Lamp is dark", "votes": 3}\n{"title": "Lamp is dark", "votes": 3}', "repeated"),
        ('{"title": "Lamp is dark", "votes": 3', "missing_closer"),
    ],
)
def test_one_fault_is_repaired_and_named(text: str, fix: str) -> None:
    repaired = repair(text, TICKET)
    assert repaired is not None
    assert repaired.value == WANTED
    assert json.loads(repaired.text) == WANTED
    assert fix in repaired.fixes


def test_several_faults_at_once_are_repaired() -> None:
    text = """<think>Let me see.</think>
    Here you are:
    ~~~json
    {'Title': 'Say "hi"\nto all', "votes": '+7', // counted
     priority: "HIGH",, tags: "urgent"
     "owner": "{\\"name\\": \\"Ann\\"}"
    ~~~"""
    repaired = repair(text, TICKET)
    assert repaired is not None
    assert repaired.value == {
        "title": 'Say "hi"\nto all',
        "votes": 7,
        "priority": "high",
        "tags": ["urgent"],
        "owner": {"name": "Ann"},
    }


@pytest.mark.parametrize(
    "text",
    [
        "",
        "I cannot answer that.",
        "{}",
        '{"title": "Lamp is dark"}',
        '{"title": "Lamp is dark", "votes": null}',
        '{"title": "Lamp is dark", "votes": "several"}',
        '{"title": "Lamp is dark", "votes": NaN}',
        '{"title": "Lamp is dark", "votes": -1}',
        '{"title": "Lamp is dark", "votes": "-1"}',
        '{"title": "Lamp is dark", "votes": 3, "priority": "urgent"}',
        '{"title": "Lamp is dark", "votes": 3, "votes": 4}',
        '{"title": "Lamp is dark", "votes": 3} {"title": "Lamp is dark", "votes": 4}',
        '{"title": "Lamp is dark", "votes": 3} {"title": "Lamp is dark", "votes": "4"}',
        '<think>{"title": "Lamp is dark", "votes": 3}',
        '{"title": "Lamp is dark", "votes": 3, "owner": {}}',
        '{"title": "Lamp is dark", "votes": 3, ',
        '{"title": "Lamp is da',
        '{"title": "C:\\new\\Data", "votes": 3}',
        '{"title": "\\ud800", "votes": 3}',
    ],
)
def test_nothing_is_made_up_and_no_side_is_taken(text: str) -> None:
    assert repair(text, TICKET) is None


def test_without_a_schema_an_object_is_wanted() -> None:
    assert repair('{"a": 1}', None) == repair('{"a": 1}', None)
    for text in ("Answer: {a: 1}", '[1] {"a": 1}', '"{\\"a\\": 1}"', "```\n{'a': 1}\n```"):
        repaired = repair(text, None)
        assert repaired is not None, text
        assert repaired.value == {"a": 1}
    listed = repair("[1, 2,]", None)
    assert listed is not None
    assert listed.value == [1, 2]
    for text in ("", "words", "5", '{"a": 1} {"a": 2}', "{a: undefined}", "{a: word}", '"{broken"'):
        assert repair(text, None) is None


def test_a_root_that_is_no_container_is_read_as_a_whole() -> None:
    choice = OutputSchema({"enum": ["positive", "negative"]})
    for text in ("Positive", '```\n"positive"\n```', '["positive"]', "'positive'"):
        repaired = repair(text, choice)
        assert repaired is not None, text
        assert repaired.value == "positive"
    assert repair("positive, I think", choice) is None
    number = repair("+5", OutputSchema({"type": "integer"}))
    assert number is not None
    assert number.text == "5"


def test_the_text_of_a_number_survives_where_a_string_is_wanted() -> None:
    schema = OutputSchema({"type": "object", "properties": {"zip": {"type": "string"}}, "required": ["zip"]})
    for text, value in (('{"zip": 1.50}', "1.50"), ('{"zip": 01234}', "01234"), ('{"zip": 7}', "7")):
        repaired = repair(text, schema)
        assert repaired is not None
        assert repaired.value == {"zip": value}


def test_the_validator_has_the_last_word() -> None:
    schema = OutputSchema({"type": "object", "properties": {"d": {"type": "string", "format": "date"}}})
    assert repair("{'d': '2024-02-30'}", schema) is None
    assert repair("{'d': '2024-02-29'}", schema) is not None


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": [1, 2, 3', {"a": [1, 2]}),
        ("{'a': 'b', 'c", {"a": "b"}),
        ('{"a": 1}', {"a": 1}),
        ("nothing yet", None),
        ("<think>{", None),
        ('{"a": NaN, "b', None),
    ],
)
def test_of_a_cut_answer_only_what_is_certain_is_given(text: str, value: Any) -> None:
    assert partial(text) == value


def test_a_text_that_is_far_too_long_is_not_repaired() -> None:
    assert repair("{" * (4 * 1024 * 1024 + 1), TICKET) is None
    assert repair("{" * (4 * 1024 * 1024 + 1), None) is None
