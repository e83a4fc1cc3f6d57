"""Instances of JSON Schemas: valid whatever the schema and the text, and filled where the text allows."""

from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.plugins.providers.scripted.schema import Filling

TEXT = (
    "Dear support, my name is Ana Pereira. Invoice: INV-2291\nI was billed 49.90 EUR instead of 39.90 EUR on "
    "3 May 2026. Please answer to ana@mail.example. The parcel has not arrived."
)

scalars = st.one_of(
    st.just({"type": "boolean"}),
    st.just({"type": "null"}),
    st.builds(
        lambda low, span: {"type": "integer", "minimum": low, "maximum": low + span},
        st.integers(-50, 50),
        st.integers(0, 50),
    ),
    st.builds(
        lambda low, span: {"type": "number", "exclusiveMinimum": low, "exclusiveMaximum": low + span},
        st.integers(-9, 9),
        st.integers(1, 9),
    ),
    st.builds(
        lambda low, span: {"type": "string", "minLength": low, "maxLength": low + span},
        st.integers(0, 9),
        st.integers(0, 40),
    ),
    st.builds(
        lambda form: {"type": "string", "format": form},
        st.sampled_from(["date", "date-time", "email", "uuid", "uri", "ipv4"]),
    ),
    st.builds(
        lambda pattern: {"type": "string", "pattern": pattern},
        st.sampled_from([r"^[A-Z]{3}-\d{4}$", r"^\d+$", r"^(yes|no)$", r"^#?[a-f0-9]{6}$"]),
    ),
    st.builds(
        lambda options: {"enum": options},
        st.lists(st.one_of(st.text(max_size=8), st.integers(), st.none()), min_size=1, max_size=4),
    ),
    st.builds(lambda value: {"const": value}, st.integers()),
)
names = st.sampled_from(
    ["invoice_id", "name", "email", "total", "date", "reason", "arrived", "kind", "x", "tags"]
)


def objects(inner: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    def build(properties: dict[str, Any], data: list[bool]) -> dict[str, Any]:
        required = [name for name, is_needed in zip(properties, data, strict=False) if is_needed]
        return {
            "type": "object",
            "properties": properties,
            "required": required,
            "additionalProperties": False,
        }

    return st.builds(
        build, st.dictionaries(names, inner, max_size=5), st.lists(st.booleans(), min_size=5, max_size=5)
    )


schemas = st.recursive(
    scalars,
    lambda inner: st.one_of(
        objects(inner),
        st.builds(
            lambda part, least: {"type": "array", "items": part, "minItems": least}, inner, st.integers(0, 3)
        ),
        st.builds(lambda part: {"anyOf": [part, {"type": "null"}]}, inner),
        st.builds(lambda part: {"$ref": "#/$defs/part", "$defs": {"part": part}}, scalars),
    ),
    max_leaves=6,
)


@settings(max_examples=50, deadline=None)
@given(
    objects(schemas.filter(lambda schema: "$defs" not in str(schema))),
    st.sampled_from([TEXT, "", "7 yes - no"]),
)
def test_an_instance_is_valid_whatever_the_text(schema: dict[str, Any], text: str) -> None:
    filled = Filling(schema, text).fill()
    jsonschema_rs.validator_for(schema, validate_formats=True).validate(filled)


def test_fields_are_found_by_name_kind_and_label() -> None:
    properties = {
        "customer_name": {"type": "string"},
        "invoice": {"type": "string"},
        "billed_amount": {"type": "number"},
        "date": {"type": "string", "format": "date"},
        "email": {"type": "string", "format": "email"},
        "arrived": {"type": "boolean"},
        "currency": {"type": "string"},
        "category": {"type": "string", "enum": ["billing", "shipping", "other"]},
        "note": {"type": ["string", "null"]},
    }
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    assert Filling(schema, TEXT).fill() == {
        "customer_name": "Ana Pereira",
        "invoice": "INV-2291",
        "billed_amount": 49.9,
        "date": "2026-05-03",
        "email": "ana@mail.example",
        "arrived": False,
        "currency": "EUR",
        "category": "billing",
        "note": None,
    }


def test_optional_fields_that_the_text_does_not_have_are_left_out() -> None:
    schema = {
        "type": "object",
        "properties": {"email": {"type": "string"}, "phone": {"type": "string"}},
        "required": ["email"],
    }
    assert Filling(schema, "Write to a@b.example").fill() == {"email": "a@b.example"}


def test_an_array_of_objects_takes_one_per_listed_item() -> None:
    item = {
        "type": "object",
        "properties": {"product_name": {"type": "string"}, "quantity": {"type": "integer"}},
        "required": ["product_name", "quantity"],
    }
    schema = {
        "type": "object",
        "properties": {"lines": {"type": "array", "items": item}},
        "required": ["lines"],
    }
    text = "I need:\n- 2 of the Desk Lamp\n- 5 of the Floor Mat\n"
    assert Filling(schema, text).fill() == {
        "lines": [{"product_name": "Desk Lamp", "quantity": 2}, {"product_name": "Floor Mat", "quantity": 5}]
    }


def test_answers_and_citations_come_from_the_model() -> None:
    schema = {
        "type": "object",
        "properties": {
            "answer": {"type": "string"},
            "citations": {"type": "array", "items": {"type": "string"}},
        },
        "required": ["answer", "citations"],
    }
    filling = Filling(schema, "Why?", say=lambda: "Because.", sources=["doc-3"])
    assert filling.fill() == {"answer": "Because.", "citations": ["doc-3"]}


@pytest.mark.parametrize("required", [[], ["left"], ["left", "right"]])
def test_recursive_schemas_come_to_an_end(required: list[str]) -> None:
    node = {
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "left": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]},
            "right": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]},
        },
        "required": required,
    }
    schema = {"$ref": "#/$defs/node", "$defs": {"node": node}}
    jsonschema_rs.validate(schema, Filling(schema, "My name is Ana Silva").fill())


@pytest.mark.parametrize(
    "schema",
    [
        {"allOf": [{"$ref": "#"}, {"$ref": "#"}]},
        {"anyOf": [{"$ref": "#"}]},
        {"$ref": "#"},
        {"type": "array", "items": {"$ref": "#"}, "minItems": 2},
        {"$ref": "#/$defs/nowhere"},
    ],
)
def test_schemas_without_an_instance_come_to_an_end(schema: dict[str, Any]) -> None:
    Filling(schema, TEXT).fill()


def test_combined_schemas_are_merged() -> None:
    schema = {
        "allOf": [
            {"type": "object", "properties": {"a": {"const": 1}}, "required": ["a"]},
            {"properties": {"b": {"enum": [2]}}, "required": ["b"]},
        ]
    }
    assert Filling(schema, "").fill() == {"a": 1, "b": 2}
