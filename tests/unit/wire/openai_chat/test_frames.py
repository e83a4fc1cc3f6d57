"""Events become the chunks that OpenAI would send."""

import json
from typing import Any

import pytest

from seawall.core.events import Event, MessageEnd, MessageStart, PartDelta, PartEnd, PartStart, Usage
from seawall.wire.openai_chat import DONE, StreamEncoder

START = MessageStart("a", "m", 17, "fp", "flex")


def encode(events: list[Event], *, include_usage: bool = False) -> list[dict[str, Any]]:
    encoder = StreamEncoder(include_usage=include_usage)
    stream = b"".join(encoder.encode(event) for event in events)
    frames = stream.split(b"\n\n")
    assert frames.pop() == b""
    assert all(frame.startswith(b"data: ") and b"\n" not in frame for frame in frames)
    return [json.loads(frame[6:]) for frame in frames]


def deltas(chunks: list[dict[str, Any]]) -> list[Any]:
    return [(choice["delta"], choice["finish_reason"]) for chunk in chunks for choice in chunk["choices"]]


def test_words_come_as_openai_sends_them() -> None:
    chunks = encode([START, PartStart(0, "text"), PartDelta(0, 'h"i'), PartEnd(0), MessageEnd(("stop",))])
    assert deltas(chunks) == [
        ({"role": "assistant", "content": ""}, None),
        ({"content": 'h"i'}, None),
        ({}, "stop"),
    ]
    for chunk in chunks:
        assert {name: value for name, value in chunk.items() if name != "choices"} == {
            "id": "a",
            "object": "chat.completion.chunk",
            "created": 17,
            "model": "m",
            "service_tier": "flex",
            "system_fingerprint": "fp",
        }
        assert chunk["choices"][0]["logprobs"] is None


def test_usage_comes_last_and_only_if_it_was_asked_for() -> None:
    events = [START, PartStart(0, "text"), PartEnd(0), MessageEnd(("stop",), Usage(3, 2))]
    assert not any("usage" in chunk for chunk in encode(events))
    *others, last = encode(events, include_usage=True)
    assert last["choices"] == []
    assert last["usage"]["total_tokens"] == 5
    assert [chunk["usage"] for chunk in others] == [None] * len(others)


def test_usage_that_is_not_known_has_no_chunk() -> None:
    chunks = encode([START, MessageEnd(("stop",))], include_usage=True)
    assert deltas(chunks) == [({"role": "assistant", "content": ""}, "stop")]


def test_tool_calls_are_numbered_within_their_choice() -> None:
    events: list[Event] = [
        START,
        PartStart(0, "text"),
        PartEnd(0),
        PartStart(1, "tool_call", 0, "t1", "f"),
        PartStart(2, "tool_call", 0, "t2", "c", True),
        PartDelta(2, "free"),
        PartDelta(1, "{}"),
        PartStart(3, "tool_call", 1, "t3", "g"),
        PartDelta(3, "[]"),
        PartEnd(1),
        PartEnd(2),
        PartEnd(3),
        MessageEnd(("tool_calls", "tool_calls")),
    ]
    assert deltas(encode(events))[1:-2] == [
        (
            {
                "tool_calls": [
                    {"index": 0, "id": "t1", "type": "function", "function": {"name": "f", "arguments": ""}}
                ]
            },
            None,
        ),
        (
            {
                "tool_calls": [
                    {"index": 1, "id": "t2", "type": "custom", "custom": {"name": "c", "input": ""}}
                ]
            },
            None,
        ),
        ({"tool_calls": [{"index": 1, "custom": {"input": "free"}}]}, None),
        ({"tool_calls": [{"index": 0, "function": {"arguments": "{}"}}]}, None),
        (
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [
                    {"index": 0, "id": "t3", "type": "function", "function": {"name": "g", "arguments": ""}}
                ],
            },
            None,
        ),
        ({"tool_calls": [{"index": 0, "function": {"arguments": "[]"}}]}, None),
    ]


@pytest.mark.parametrize(("kind", "field"), [("refusal", "refusal"), ("reasoning", "reasoning_content")])
def test_refusal_and_reasoning_have_fields_of_their_own(kind: Any, field: str) -> None:
    chunks = encode([START, PartStart(0, kind), PartDelta(0, "x"), PartEnd(0), MessageEnd(("stop",))])
    assert deltas(chunks)[:2] == [
        ({"role": "assistant", "content": None, field: ""}, None),
        ({field: "x"}, None),
    ]


def test_logprobs_travel_with_their_words() -> None:
    token = {"token": "x", "logprob": -0.5}
    for kind, field in (("text", "content"), ("refusal", "refusal")):
        part = PartStart(0, kind)  # type: ignore[arg-type]
        chunks = encode([START, part, PartDelta(0, "x", (token,)), PartEnd(0), MessageEnd(("stop",))])
        assert chunks[1]["choices"][0]["logprobs"] == {"content": None, "refusal": None} | {field: [token]}


def test_each_choice_ends_with_its_own_reason_and_an_unknown_one_is_null() -> None:
    chunks = encode(
        [START, PartStart(0, "text", 1), PartEnd(0), MessageEnd(("eos", ""), service_tier="late")]
    )
    assert [(chunk["choices"][0]["index"], *deltas([chunk])[0]) for chunk in chunks] == [
        (1, {"role": "assistant", "content": ""}, None),
        (0, {"role": "assistant", "content": ""}, "eos"),
        (1, {}, None),
    ]
    assert [chunk["service_tier"] for chunk in chunks] == ["flex", "late", "late"]


def test_the_terminator_is_openais() -> None:
    assert DONE == b"data: [DONE]\n\n"
