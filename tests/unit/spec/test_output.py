import msgspec
import pytest

from seawall.spec.output import MOST_BYTES, MOST_NODES, OutputSchema, read_schema


def read(schema):
    return read_schema(msgspec.json.encode(schema), "s.json")


def refused(schema):
    found, problems = read(schema)
    assert found is None
    return problems[0].message


def test_a_schema_judges_answers():
    schema, problems = read({"type": "object", "required": ["a"], "properties": {"a": {"pattern": "^x+$"}}})
    assert problems == []
    validator = schema.validator()
    assert validator.is_valid({"a": "xx"})
    assert not validator.is_valid({"a": "y"})
    assert not validator.is_valid({})


def test_without_a_draft_it_is_2020_12():
    schema, _ = read({"prefixItems": [{"type": "integer"}]})
    assert not schema.validator().is_valid(["a"])


def test_a_recursive_schema_that_descends_is_taken():
    schema, problems = read({"type": "object", "properties": {"child": {"$ref": "#"}}})
    assert problems == []
    assert schema.validator().is_valid({"child": {"child": {}}})


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#"},
        {"allOf": [{"$ref": "#"}]},
        {"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"not": {"$ref": "#/$defs/a"}}}},
        {"$anchor": "me", "properties": {"x": {"if": {"$ref": "#/properties/x"}}}},
        {"$defs": {"a~b/c": {"anyOf": [{"$ref": "#/$defs/a~0b~1c"}]}}},
    ],
)
def test_a_reference_that_never_descends_is_refused(schema):
    assert "leads back to itself" in refused(schema)


def test_a_shared_definition_is_no_loop():
    schema = {
        "allOf": [{"$ref": "#/$defs/a"}, {"$ref": "#/$defs/b"}],
        "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {}},
    }
    assert read(schema)[1] == []


@pytest.mark.parametrize(
    "reference", ["https://example.com/s", "file:///etc/passwd", "other.json", "//host/s"]
)
def test_nothing_is_fetched(reference):
    assert "remote reference" in refused({"properties": {"a": {"items": {"$ref": reference}}}})


def test_a_reference_inside_data_is_data():
    data = {"$ref": "https://example.com", "pattern": "(?=x)"}
    assert read({"enum": [data], "const": data, "default": data, "examples": [data]})[1] == []


@pytest.mark.parametrize("pattern", ["(?=a)b", r"(a)\1", "(a{1000}){1000}", "x" * 600, "[a"])
def test_only_patterns_that_match_in_linear_time_are_taken(pattern):
    assert "pattern" in refused({"items": {"pattern": pattern}})
    assert "pattern" in refused({"patternProperties": {pattern: {}}})


def test_a_pattern_that_would_backtrack_elsewhere_is_quick_here():
    schema, _ = read({"pattern": "^(a+)+$"})
    assert not schema.validator().is_valid("a" * 50_000 + "b")


def test_a_deep_schema_is_refused():
    schema: dict = {}
    for _ in range(100):
        schema = {"properties": {"a": schema}}
    assert "nested deeper" in refused(schema)


def test_json_nested_beyond_reading_is_refused():
    assert read_schema(b"[" * 100_000, "s.json")[0] is None


def test_a_schema_of_too_many_parts_is_refused():
    assert "subschemas" in refused({"properties": {f"p{n}": {} for n in range(MOST_NODES + 1)}})


def test_a_schema_that_is_too_large_is_refused():
    assert read_schema(b" " * (MOST_BYTES + 1), "s.json")[0] is None


def test_a_schema_with_an_inner_id_is_refused():
    assert "$id" in refused({"$defs": {"a": {"$id": "https://example.com/a"}}})


def test_broken_json_is_refused_on_its_line():
    _, problems = read_schema(b'{\n "a": }', "s.json")
    assert problems[0].line == 2


def test_a_schema_knows_its_file():
    assert read({"type": "object"})[0] == OutputSchema("s.json", {"type": "object"})
