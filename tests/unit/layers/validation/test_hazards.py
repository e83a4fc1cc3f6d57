"""What is refused about a schema before it is compiled."""

import math
from typing import Any

import pytest

from seawall.layers.validation.hazards import MAX_BYTES, MAX_DEPTH, MAX_EXPANSION, MAX_SUBSCHEMAS, hazards


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


@pytest.mark.parametrize(
    ("schema", "says"),
    [
        ({"description": "x" * MAX_BYTES}, f"at most {MAX_BYTES}"),
        (nested(3 * MAX_DEPTH), "levels deep"),
        ({"anyOf": [{"type": "null"}] * (MAX_SUBSCHEMAS + 1)}, f"more than {MAX_SUBSCHEMAS}"),
        ({"pattern": "a" * 600}, "600 characters"),
        ({"patternProperties": {"a" * 600: {}}}, "600 characters"),
        ({"items": {"$ref": "file:///etc/passwd"}}, "nothing is fetched"),
        ({"$ref": "#"}, "refers to itself"),
        ({"allOf": [{"$ref": "#"}]}, "refers to itself"),
        ({"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"not": {"$ref": "#/$defs/a"}}}}, "refers to itself"),
        (doubling(12), f"more than {MAX_EXPANSION}"),
        ({"const": object()}, "not a JSON document"),
    ],
)
def test_it_is_a_hazard(schema: dict[str, Any], says: str) -> None:
    assert says in "; ".join(hazards(schema))


@pytest.mark.parametrize(
    "schema",
    [
        {},
        nested(MAX_DEPTH - 1),
        doubling(6),
        {"properties": {"child": {"$ref": "#"}}},
        {"items": {"allOf": [{"$ref": "#"}, {"type": "object"}]}},
        {"$defs": {"a~b/c": {"type": "null"}}, "anyOf": [{"$ref": "#/$defs/a~0b~1c"}, {"type": "string"}]},
        {"properties": {"$ref": {"type": "string"}, "pattern": {"type": "string"}}},
        {"enum": [{"$ref": "not a reference, but a value"}]},
        {"properties": {"a": True, "b": False}, "items": True},
    ],
)
def test_it_is_harmless(schema: dict[str, Any]) -> None:
    assert list(hazards(schema)) == []


def test_ten_megabytes_are_refused_without_being_walked() -> None:
    assert len(list(hazards({"enum": ["x" * 10_000_000]}))) == 1


def test_numbers_no_document_can_hold_do_not_get_past_the_door() -> None:
    assert isinstance(list(hazards({"minimum": math.inf})), list)
