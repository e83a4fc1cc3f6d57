"""Values made to fit a shape, where there is one reading."""

from typing import Any

import pytest

from seawall.layers.validation.coerce import MISFIT, Fitter, same_value, type_name
from seawall.layers.validation.readings import read_text
from seawall.layers.validation.shape import compile_shape
from seawall.layers.validation.tokens import Budget, Odd, Written

INTEGER = {"type": "integer"}
NUMBER = {"type": "number"}
STRING = {"type": "string"}
BOOLEAN = {"type": "boolean"}
POINT = {"type": "object", "properties": {"x": NUMBER, "y": NUMBER}, "required": ["x"]}
CLOSED = {**POINT, "additionalProperties": False}


def fit(value: Any, schema: dict[str, Any]) -> tuple[Any, list[str]]:
    fitter = Fitter(read_text, Budget(10_000))
    return fitter.fit(value, compile_shape(schema)), fitter.fixes


@pytest.mark.parametrize(
    ("value", "schema", "fitted", "fix"),
    [
        ("5", NUMBER, 5, "number_as_string"),
        ("3.0", INTEGER, 3, "number_as_string"),
        ("1,234", INTEGER, 1234, "number_as_string"),
        ("True", BOOLEAN, True, "boolean_as_string"),
        ("no", BOOLEAN, False, "boolean_as_string"),
        ("None", {"type": "null"}, None, "null_as_string"),
        (5, STRING, "5", "string_expected"),
        (False, STRING, "false", "string_expected"),
        (Written("007", 7), STRING, "007", "string_expected"),
        (Written("1.50", 1.5), STRING, "1.50", "string_expected"),
        (Written("open"), STRING, "open", "quotes"),
        (Odd.UNDEFINED, {"type": ["string", "null"]}, None, "undefined"),
        (["5"], STRING, "5", "array_for_scalar"),
        ("a, b", {"type": "array", "items": STRING}, ["a, b"], "scalar_for_array"),
        ({"x": 1}, {"type": "array", "items": POINT}, [{"x": 1}], "scalar_for_array"),
        (' {"x": 1} ', POINT, {"x": 1}, "json_as_string"),
        ("[1, 2]", {"type": "array", "items": NUMBER}, [1, 2], "json_as_string"),
        ("OPEN ", {"enum": ["open", "closed"]}, "open", "enum_case"),
        ("in progress", {"enum": ["in_progress", "done"]}, "in_progress", "enum_case"),
        ("2", {"enum": [1, 2]}, 2, "enum_type"),
        (["open"], {"enum": ["open"]}, "open", "array_for_scalar"),
        ({"X": 1}, POINT, {"x": 1}, "key_case"),
        ({"x": 1, "z": 2}, CLOSED, {"x": 1}, "extra_keys"),
        ({"x": 1, "y": None}, POINT, {"x": 1}, "null_optional"),
        ({"x": 1, "y": Odd.UNDEFINED}, POINT, {"x": 1}, "null_optional"),
        ("5", {"anyOf": [NUMBER, {"type": "null"}]}, 5, "number_as_string"),
        (Written("1.50", 1.5), {"anyOf": [STRING, {"type": "null"}]}, "1.50", "string_expected"),
        ("5", {"$defs": {"n": NUMBER}, "$ref": "#/$defs/n"}, 5, "number_as_string"),
        ("5", {"allOf": [NUMBER, {"minimum": 1}]}, 5, "number_as_string"),
        (["1"], {"prefixItems": [INTEGER], "items": STRING}, [1], "number_as_string"),
    ],
)
def test_the_one_reading_is_taken(value: Any, schema: dict[str, Any], fitted: Any, fix: str) -> None:
    result, fixes = fit(value, schema)
    assert same_value(result, fitted)
    assert fixes == [fix]


@pytest.mark.parametrize(
    ("value", "schema"),
    [
        ("a few", NUMBER),
        ("1,234", NUMBER),  # a thousand, or one and a bit
        ("5 kg", NUMBER),
        ("3.7", INTEGER),
        (3.7, INTEGER),
        ("maybe", BOOLEAN),
        (1, BOOLEAN),
        (None, STRING),
        ({"a": 1}, STRING),
        (Odd.NOT_A_NUMBER, NUMBER),
        (Odd.NOT_A_NUMBER, {}),
        (Odd.UNDEFINED, STRING),
        (Written("ok"), {}),
        (["a", "b"], STRING),
        ([], STRING),
        ([["5"]], STRING),
        (5, {"type": "array"}),
        ("lost", {"enum": ["open", "closed"]}),
        ("A-B", {"enum": ["ab", "a_b"]}),
        ({}, POINT),
        ({"y": 1}, POINT),
        ({"x": None}, POINT),
        ({"x": 1, "y": "words"}, POINT),
        ({"z": 1}, {**CLOSED, "required": []}),
        ({"X": 1, "x ": 2}, POINT),
        ("not json", POINT),
        ("{broken", POINT),
        ("7", {"anyOf": [{"const": 7}, BOOLEAN, {"type": "array", "items": STRING}]}),
    ],
)
def test_without_one_reading_nothing_is_made_up(value: Any, schema: dict[str, Any]) -> None:
    assert fit(value, schema)[0] is MISFIT


@pytest.mark.parametrize(
    ("value", "schema"),
    [
        ("5", STRING),
        ({"X": 1}, {"properties": {"x": NUMBER}}),
        ({"x": 1, "z": "5"}, POINT),
        ({"a": None}, {"properties": {"a": {"type": ["string", "null"]}}}),
        (["x"], {"type": ["array", "string"]}),
        ("5", {"anyOf": [NUMBER, STRING]}),
        ({"x-a": 1}, {"patternProperties": {"^x-": NUMBER}, "additionalProperties": False}),
    ],
)
def test_what_fits_is_not_touched(value: Any, schema: dict[str, Any]) -> None:
    assert fit(value, schema) == (value, [])


def test_the_alternative_that_keeps_most_is_meant() -> None:
    one = {"properties": {"a": NUMBER}, "required": ["a"], "additionalProperties": False}
    two = {"properties": {"a": NUMBER, "b": NUMBER}, "required": ["a"], "additionalProperties": False}
    assert fit({"a": "1", "b": 2}, {"anyOf": [one, two]})[0] == {"a": 1, "b": 2}


def test_a_list_of_lists_of_itself_does_not_wrap_for_ever() -> None:
    assert fit("x", {"type": "array", "items": {"$ref": "#"}})[0] is MISFIT


def test_true_is_not_one() -> None:
    assert not same_value(True, 1)
    assert type_name(True) == "boolean"
    assert type_name(Odd.UNDEFINED) == ""
