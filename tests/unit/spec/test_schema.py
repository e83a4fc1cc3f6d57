import jsonschema_rs
import pytest

from seawall.spec.layout import Layout
from seawall.spec.model import FeatureFile, ProcessFile
from seawall.spec.schema import json_schema

SMALLEST = {
    "seawall": 1,
    "feature": "a",
    "intent": {"purpose": "p", "owner": "o", "request_type": "realtime"},
    "llm": {"targets": ["openai/a@1"]},
}


@pytest.mark.parametrize("kind", ["feature", "project"])
def test_the_schema_is_a_schema(kind):
    jsonschema_rs.validator_for(json_schema(kind))


def test_the_schema_takes_the_smallest_feature_and_refuses_typing_errors():
    validator = jsonschema_rs.validator_for(json_schema("feature"))
    assert validator.is_valid(SMALLEST)
    assert not validator.is_valid({**SMALLEST, "inptu": {}})
    assert not validator.is_valid({**SMALLEST, "input": {"size": 12}})
    assert not validator.is_valid({key: value for key, value in SMALLEST.items() if key != "llm"})


def test_every_key_is_described():
    def undescribed(section, path):
        for name, value in section.get("properties", {}).items():
            if not value.get("description"):
                yield f"{path}.{name}"
            yield from undescribed(value, f"{path}.{name}")

    assert [
        *undescribed(json_schema("feature"), "feature"),
        *undescribed(json_schema("project"), "project"),
    ] == []


def test_every_key_has_a_kind_or_is_a_section():
    layout = Layout()

    def sections(section):
        yield section
        for key in layout.keys(section):
            if key.section is not None:
                yield from sections(key.section)

    keys = [
        key
        for file in (FeatureFile, ProcessFile)
        for section in sections(file)
        for key in layout.keys(section)
    ]
    assert len(keys) > 50
    assert all(key.kind is not None or key.section is not None for key in keys)


def test_defaults_are_shown_as_they_are_written():
    properties = json_schema("feature")["properties"]
    assert properties["input"]["properties"]["size"]["default"] == "256 KiB"
    assert (
        "Default: by request type"
        in properties["llm"]["properties"]["deadline"]["properties"]["total"]["description"]
    )
