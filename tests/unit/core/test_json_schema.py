"""Which schemas are taken, which are refused, and that the refusal names value, place and way out."""

import datetime
import math
import time
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.core.json_schema import (
    DRAFTS,
    MOST_BYTES,
    MOST_DEPTH,
    MOST_FLAWS,
    MOST_SUBSCHEMAS,
    MOST_TRIED,
    Flaw,
    UnfitSchema,
    compile_schema,
)


def compiled(schema: dict[str, Any]) -> Any:
    return compile_schema(schema, jsonschema_rs)


def flaws(schema: dict[str, Any]) -> list[Flaw]:
    with pytest.raises(UnfitSchema) as caught:
        compiled(schema)
    return caught.value.flaws


def nested(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {}
    for _ in range(levels):
        schema = {"items": schema}
    return schema


def doubling(levels: int) -> dict[str, Any]:
    defs = {
        f"a{n}": {"anyOf": [{"$ref": f"#/$defs/a{n + 1}"}, {"$ref": f"#/$defs/a{n + 1}"}]}
        for n in range(levels)
    }
    return {"$defs": {**defs, f"a{levels}": {"type": "string"}}, "$ref": "#/$defs/a0"}


LOOPS: list[dict[str, Any]] = [
    {"$ref": "#"},
    {"allOf": [{"$ref": "#"}]},
    {"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"not": {"$ref": "#/$defs/a"}}}},
    {"$anchor": "me", "properties": {"x": {"if": {"$ref": "#/properties/x"}}}},
    {"$anchor": "me", "anyOf": [{"$ref": "#me"}]},
    {"$dynamicAnchor": "me", "allOf": [{"$dynamicRef": "#me"}]},
    {"$id": "#me", "allOf": [{"$ref": "#me"}]},
    {"$schema": DRAFTS[1], "$recursiveAnchor": True, "allOf": [{"$recursiveRef": "#"}]},
    {"$schema": DRAFTS[2], "dependencies": {"a": {"$ref": "#"}}},
    {"dependentSchemas": {"a": {"$ref": "#"}}},
    {"$defs": {"a~b/c": {"anyOf": [{"$ref": "#/$defs/a~0b~1c"}]}}},
    {"$defs": {"a": {"anyOf": [{"$ref": "#/%24defs/a"}]}}},
    {"x-own": {"a": {"anyOf": [{"$ref": "#/x-own/a"}]}}, "items": {"$ref": "#/x-own/a"}},
]


@pytest.mark.parametrize("schema", LOOPS)
def test_a_reference_that_never_descends_is_refused(schema: dict[str, Any]) -> None:
    assert "leads back to itself" in flaws(schema)[0].message


@pytest.mark.parametrize(
    ("schema", "at", "says"),
    [
        ({"description": "x" * MOST_BYTES}, "#", f"{MOST_BYTES} at most"),
        ({"enum": ["x" * 10_000_000]}, "#", f"{MOST_BYTES} at most"),
        (nested(3 * MOST_DEPTH), "#/items/items", f"nested deeper than {MOST_DEPTH}"),
        ({"anyOf": [{"type": "null"}] * (MOST_SUBSCHEMAS + 1)}, "#/anyOf/", f"more than {MOST_SUBSCHEMAS}"),
        ({"pattern": "a" * 600}, "#/pattern", "600 characters"),
        ({"patternProperties": {"a" * 600: {}}}, "#/patternProperties", "600 characters"),
        ({"items": {"$ref": "file:///etc/passwd"}}, "#/items/$ref", "remote reference 'file:///etc/passwd'"),
        ({"items": {"$ref": "https://example.com/s"}}, "#/items/$ref", "remote reference 'https://exam"),
        ({"items": {"$ref": "//host/s"}}, "#/items/$ref", "remote reference '//host/s'"),
        ({"$ref": "other.json#/a"}, "#/$ref", "remote reference 'other.json#/a'"),
        ({"x-own": {"a": {"$ref": "s.json"}}, "$ref": "#/x-own/a"}, "#/x-own/a/$ref", "remote reference"),
        ({"$ref": "#/$defs/none"}, "#/$ref", "'#/$defs/none' does not exist"),
        ({"$ref": "#/enum/²", "enum": [1]}, "#/$ref", "does not exist"),
        ({"$ref": "#/enum/7", "enum": [1]}, "#/$ref", "does not exist"),
        ({"$ref": "#none"}, "#/$ref", "'#none' does not exist"),
        (doubling(12), "#/$defs/a", f"more than {MOST_TRIED}"),
        ({"$defs": {"a": {"$id": "https://example.com/a"}}}, "#/$defs/a/$id", "$id of its own"),
        ({"$anchor": "me", "items": {"$anchor": "me"}}, "#/items/$anchor", "'me' occurs twice"),
        ({"$schema": "https://example.com/draft"}, "#/$schema", "unknown draft 'https://example.com/draft'"),
        ({"$schema": "http://json-schema.org/draft-04/schema#"}, "#/$schema", "unknown draft"),
        ({"type": "objekt"}, "#/type", "'objekt' is no type"),
        ({"properties": {"a": {"type": ["string", "nul"]}}}, "#/properties/a/type", "'nul' is no type"),
        ({"type": 5}, "#/type", "5 is not valid"),
        ({"required": "name"}, "#/required", '"name" is not of type "array"'),
        ({"minimum": "many"}, "#/minimum", '"many"'),
        ({"const": object()}, "#", "not a JSON document"),
        ({"const": datetime.date(2024, 2, 29)}, "#", "not a JSON Schema"),
        ({"properties": {1: {}}}, "#", "not a JSON Schema"),
        ({"minimum": math.inf}, "#", "not a JSON Schema"),
    ],
)
def test_a_flaw_names_its_place_and_the_value(schema: dict[str, Any], at: str, says: str) -> None:
    flaw = flaws(schema)[0]
    assert flaw.at.startswith(at)
    assert says in flaw.message
    assert str(flaw).startswith(f"{flaw.at}: {flaw.message}")
    assert flaw.hint in str(flaw)


@pytest.mark.parametrize("pattern", ["(?=a)b", "(?<!a)b", r"(a)\1", "(a{1000}){1000}", "x" * 600, "[a"])
def test_only_patterns_that_match_in_linear_time_are_taken(pattern: str) -> None:
    assert f"pattern {pattern[:20]!r}"[:-1] in flaws({"items": {"pattern": pattern}})[0].message
    assert f"pattern {pattern[:20]!r}"[:-1] in flaws({"patternProperties": {pattern: {}}})[0].message


def test_every_flaw_is_told_in_one_go_up_to_a_limit() -> None:
    both = flaws({"properties": {"a": {"$ref": "s.json"}, "b": {"pattern": "(?=a)"}, "c": {"type": "x"}}})
    assert sorted(each.at for each in both) == [
        "#/properties/a/$ref",
        "#/properties/b/pattern",
        "#/properties/c/type",
    ]
    assert len(flaws({"properties": {f"p{n}": {"type": "x"} for n in range(200)}})) == MOST_FLAWS


def test_what_a_flaw_quotes_is_bounded() -> None:
    (flaw,) = flaws({"properties": {"a" * 5_000: {"type": "b" * 5_000}}})
    assert len(str(flaw)) < 600


@pytest.mark.parametrize(
    "schema",
    [
        {},
        nested(MOST_DEPTH - 1),
        doubling(6),
        {"properties": {"child": {"$ref": "#"}}},
        {"items": {"allOf": [{"$ref": "#"}, {"type": "object"}]}},
        {"$defs": {"a~b/c": {"type": "null"}}, "anyOf": [{"$ref": "#/$defs/a~0b~1c"}, {"type": "string"}]},
        {
            "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {}},
            "allOf": [{"$ref": "#/$defs/a"}, {"$ref": "#/$defs/b"}],
        },
        {"$defs": {"yes": True}, "$ref": "#/$defs/yes"},
        {"$defs": {"a": {"$anchor": "here"}}, "$ref": "#here"},
        {
            "properties": {
                "$ref": {"type": "string"},
                "pattern": {"type": "string"},
                "$id": {"type": "integer"},
            }
        },
        {"enum": [{"$ref": "https://example.com", "pattern": "(?=x)"}], "default": {"$ref": "x"}},
        {"properties": {"a": True, "b": False}, "items": True},
        {"$id": "https://example.com/whole", "items": {"$ref": "#/$defs/a"}, "$defs": {"a": {}}},
        *({"$schema": draft} for draft in DRAFTS),
        {"$schema": "http://json-schema.org/draft-07/schema#"},
    ],
)
def test_it_is_taken(schema: dict[str, Any]) -> None:
    assert compiled(schema) is not None


def test_the_parts_of_a_schema_may_be_one_object_in_memory() -> None:
    text = {"type": "string"}
    assert compiled({"properties": {"a": text, "b": text}, "anyOf": [{"required": ["a"]}, text]})


def test_without_a_draft_it_is_2020_12() -> None:
    assert not compiled({"prefixItems": [{"type": "integer"}]}).is_valid(["a"])
    assert compiled({"$schema": DRAFTS[2], "prefixItems": [{"type": "integer"}]}).is_valid(["a"])


def test_formats_are_checked_and_answers_are_not_quoted() -> None:
    validator = compiled({"properties": {"due": {"format": "date"}}})
    assert validator.is_valid({"due": "2024-02-29"})
    (error,) = validator.iter_errors({"due": "SECRET"})
    assert "SECRET" not in error.message


def test_a_pattern_that_would_backtrack_elsewhere_is_quick_here() -> None:
    assert not compiled({"pattern": "^(a+)+$"}).is_valid("a" * 50_000 + "b")


def test_alternatives_by_the_thousand_are_judged_in_linear_time() -> None:
    wide = {"anyOf": [{"type": "null"}] * (MOST_SUBSCHEMAS - 1)}
    began = time.process_time()
    assert "may have to be tried" in flaws(wide)[0].message
    assert time.process_time() - began < 1.0  # some 15 ms; were each looked for among all, minutes


KEYS = st.sampled_from(
    ("$ref", "$defs", "a", "items", "anyOf", "not", "type", "properties", "pattern", "$anchor", "$id", "enum")
)
SCHEMAS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(("#", "#/$defs/a", "#a", "a", "(", "string")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=20,
)


def told(schema: dict[str, Any]) -> list[Flaw]:
    try:
        compiled(schema).is_valid({"a": [1, "x"]})
    except UnfitSchema as error:
        return error.flaws or [Flaw("", "")]
    return []


@given(st.dictionaries(KEYS, SCHEMAS, max_size=4))
def test_any_document_is_compiled_or_has_flaws(schema: dict[str, Any]) -> None:
    assert all(each.at.startswith("#") and each.message for each in told(schema))
