import msgspec

from seawall.core.json_schema import MOST_BYTES
from seawall.spec.output import OutputSchema, read_schema


def read(schema):
    return read_schema(msgspec.json.encode(schema), "s.json")


def test_a_schema_that_can_judge_answers_is_read():
    document = {"type": "object", "required": ["a"], "properties": {"a": {"pattern": "^x+$"}}}
    assert read(document) == (OutputSchema("s.json", document), [])


def test_each_flaw_is_a_problem_with_its_file_place_and_way_out():
    found, problems = read({"properties": {"a": {"type": "objekt"}, "b": {"$ref": "other.json"}}})
    assert found is None
    assert [(each.file, each.path) for each in problems] == [
        ("s.json", "#/properties/a/type"),
        ("s.json", "#/properties/b/$ref"),
    ]
    assert "'objekt'" in problems[0].message
    assert "object" in problems[0].hint
    assert "#/$defs/NAME" in problems[1].hint


def test_patterns_only_the_engine_can_judge_are_problems_too():
    _, problems = read({"items": {"pattern": "(?=a)b"}})
    assert [each.path for each in problems] == ["#/items/pattern"]
    assert "'(?=a)b'" in problems[0].message


def test_json_nested_beyond_reading_is_refused():
    assert read_schema(b"[" * 100_000, "s.json")[0] is None


def test_a_schema_that_is_too_large_is_refused():
    assert read_schema(b" " * (MOST_BYTES + 1), "s.json")[0] is None


def test_broken_json_is_refused_on_its_line():
    _, problems = read_schema(b'{\n "a": }', "s.json")
    assert problems[0].line == 2
