"""Whatever is written, reading it ends in a value or in a spec error, and never in anything else."""

from pathlib import Path

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.spec.fmt import format_text
from seawall.spec.output import read_schema
from seawall.spec.problems import Findings, Source, SpecErrors
from seawall.spec.prompt import Slot, parse_prompt
from seawall.spec.yaml import parse_yaml

PIECES = [
    *("a: ", "b:", "- ", "[", "]", "{", "}", ",", "&x ", "*x", "!t ", "'", '"', "# c", ">- ", "? ", "<<: "),
    *("---", "%YAML 1.1", "1", "true", "2024-13-45", "1e999", "0o8", "@", "`", "\\", ": ", "...", "é"),
]
BREAKS = ["\n", "\n  ", " ", "  ", "\t", "\u2028", "\x85", "\x00", "|\n", "\n"]
YAMLISH = st.lists(st.sampled_from([*PIECES, *BREAKS]), max_size=40).map("".join)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.sampled_from(["#", "#/a", "object", "x", "(", "$ref"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "$ref",
                    "type",
                    "properties",
                    "items",
                    "allOf",
                    "not",
                    "$defs",
                    "pattern",
                    "$id",
                    "a",
                    "enum",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=15,
)


@settings(max_examples=120, deadline=None)
@given(YAMLISH | st.text(max_size=60))
def test_any_text_is_nodes_or_problems(text):
    source = Source(Path("/p/a.yaml"), Path("/p"), Findings(), {})
    tree = parse_yaml(text, source)
    assert (tree is None) == bool(source.findings.problems)


@settings(max_examples=100, deadline=None)
@given(YAMLISH)
def test_formatting_settles_or_is_refused(text):
    try:
        once = format_text(text, "a.yaml")
    except SpecErrors:
        return
    assert format_text(once, "a.yaml") == once


@settings(max_examples=120, deadline=None)
@given(JSON)
def test_any_json_is_a_schema_or_problems(document):
    schema, problems = read_schema(msgspec.json.encode(document), "s.json")
    assert (schema is None) == bool(problems)


@settings(max_examples=120, deadline=None)
@given(
    st.lists(
        st.sampled_from(["{{", "}}", "{", "a", " ", "\\", "\n", "--- user\n", "--- x\n", "---", "é"])
    ).map("".join)
)
def test_any_text_is_a_prompt_or_problems(text):
    try:
        template = parse_prompt(text, "p.md")
    except SpecErrors:
        return
    assert template.parts


@given(st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1))
def test_escaped_text_comes_out_as_it_was(text):
    escaped = text.replace("{{", "\\{{")
    if "\\{{" in text or text.startswith("\\---"):
        return
    template = parse_prompt(f"--- system\n{escaped}\n--- user\n{{{{q}}}}", "p.md")
    assert template.parts[0].pieces == (text,)
    assert [type(piece) for piece in template.parts[1].pieces] == [Slot]
