"""What a load accepts, the editors' schema accepts; layout, order and comments do not change the meaning."""

import tempfile
from pathlib import Path
from random import Random

import jsonschema_rs
import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.spec.fmt import format_text
from seawall.spec.load import load_project
from seawall.spec.problems import SpecErrors
from seawall.spec.schema import json_schema

SCHEMA = json_schema("feature")


def maybe(**keys):
    return st.fixed_dictionaries({}, optional=keys)


DURATION = st.sampled_from(["1 s", "500 ms", "2 min", "1", 3, None])
FEATURES = st.fixed_dictionaries(
    {
        "seawall": st.sampled_from([1, 1, 1, 2]),
        "feature": st.sampled_from(["a", "support-answer", "A b", 3]),
        "intent": st.fixed_dictionaries(
            {
                "purpose": st.sampled_from(["Answer.", "x: y # z", "", 'quote " and \\ back']),
                "owner": st.sampled_from(["ana", "é"]),
                "request_type": st.sampled_from(["realtime", "reasoning", "classification", "odd"]),
            }
        ),
        "llm": st.fixed_dictionaries(
            {"targets": st.lists(st.sampled_from(["openai/a@1", "openai/b", "x/y", 3]), max_size=3)},
            optional={
                "temperature": st.sampled_from([0, 0.5, 2, 2.5, "1", None]),
                "max_tokens": st.sampled_from([1, 0, 4096, "4 096", 1.5]),
                "deadline": maybe(total=DURATION, first_token=DURATION, idle=DURATION) | st.none(),
                "retry": maybe(attempts=st.integers(-1, 4), budget=st.sampled_from(["20 %", "200 %", 0.2])),
            },
        ),
    },
    optional={
        "version": st.sampled_from(["1.0.0", "1.0", 1.0]),
        "input": maybe(
            size=st.sampled_from(["1 KiB", 1024, "x"]),
            rate=st.sampled_from(["60/min", ["1/s per tenant", "5/min"], [], 5]),
            concurrency=st.sampled_from([5, "5 per key", ["5", "5 per tenant"], "0"]),
            normalise=st.sampled_from(["on", "off", {"off": "because"}, True]),
        )
        | st.none(),
        "validation": maybe(repair=maybe(attempts=st.integers(0, 2))),
        "monitoring": maybe(keep=maybe(content=st.sampled_from(["full", "none", "some"]))),
        "guards": st.just({}),
    },
)


def load(text):
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "features").mkdir()
        (Path(folder) / "features/a.yaml").write_text(text)
        return load_project(folder, vendors={"openai"}, environ={})


@settings(max_examples=100, deadline=None)
@given(FEATURES)
def test_what_a_load_accepts_the_schema_accepts(document):
    try:
        load(msgspec.json.encode(document).decode())
    except SpecErrors as errors:
        problems = errors.problems
    else:
        problems = ()
        jsonschema_rs.validate(SCHEMA, document)
    assert all(problem.line and problem.path for problem in problems)


SOUND = {
    "seawall": 1,
    "feature": "a",
    "version": "1.0.0",
    "intent": {"purpose": "Answer: questions # here", "owner": "ana", "request_type": "extraction"},
    "input": {"size": "1 KiB", "rate": ["60/min per key", "5/s per tenant"], "concurrency": 5},
    "llm": {
        "targets": ["openai/a@1", "openai/b@2"],
        "temperature": 0,
        "deadline": {"total": "6 s", "idle": "1 s"},
    },
    "monitoring": {"keep": {"content": "none"}},
}
WANTED = load(msgspec.json.encode(SOUND).decode()).features["a"].digest


def shuffled(value, random):
    if not isinstance(value, dict):
        return value
    keys = list(value)
    random.shuffle(keys)
    return {key: shuffled(value[key], random) for key in keys}


def block(document, random, indent=""):
    """The document in block style, with comments and blank lines strewn in."""
    for key, value in document.items():
        yield from random.choice([[], [""], [f"{indent}# about {key}"], ["", f"{indent}# about {key}", ""]])
        if isinstance(value, dict) and random.random() < 0.7:
            yield f"{indent}{key}:"
            yield from block(value, random, indent + random.choice(["  ", "    "]))
        else:
            yield f"{indent}{key}: {msgspec.json.encode(value).decode()}{random.choice(['', '   # end'])}"


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32).map(Random))
def test_order_layout_and_comments_do_not_change_the_digest_and_formatting_keeps_them(random):
    text = "\n".join(block(shuffled(SOUND, random), random)) + "\n"
    assert load(text).features["a"].digest == WANTED
    tidy = format_text(text, "a.yaml")
    assert load(tidy).features["a"].digest == WANTED
    assert tidy.count("#") == text.count("#")
    assert format_text(tidy, "a.yaml") == tidy
