"""Whole answers, from providers and to callers."""

import json
from typing import Any

import pytest

from seawall.core.accumulate import Answer, Choice
from seawall.core.errors import ProviderError
from seawall.core.events import Usage
from seawall.core.messages import Message, Reasoning, Refusal, Text, ToolCall
from seawall.wire.openai_chat import decode_answer, encode_answer


def completion(message: dict[str, Any], **fields: Any) -> bytes:
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": "stop"}
    return json.dumps(
        {"id": "a-1", "model": "m-1", "created": 17, "object": "chat.completion", "choices": [choice]}
        | fields
    ).encode()


def parts_of(message: dict[str, Any], **fields: Any) -> tuple[Any, ...]:
    return decode_answer(completion(message, **fields)).message.parts


def test_a_plain_answer_keeps_what_it_says_about_itself() -> None:
    body = completion({"content": "hi", "refusal": None}, system_fingerprint="fp", service_tier="flex")
    assert decode_answer(body) == Answer(
        "a-1",
        "m-1",
        17,
        (Choice(Message("assistant", (Text("hi"),)), "stop"),),
        None,
        fingerprint="fp",
        service_tier="flex",
    )


@pytest.mark.parametrize(
    ("message", "parts"),
    [
        ({"content": None}, ()),
        ({"content": ""}, ()),
        ({"content": None, "refusal": "no"}, (Refusal("no"),)),
        ({"content": "a", "reasoning_content": "r"}, (Reasoning("r"), Text("a"))),
        ({"content": "a", "reasoning": "r"}, (Reasoning("r"), Text("a"))),
        (
            {
                "content": [
                    {"type": "thinking", "thinking": [{"type": "text", "text": "r"}]},
                    {"type": "text", "text": "a"},
                    {"type": "reference", "reference_ids": [1]},
                ]
            },
            (Reasoning("r"), Text("a")),
        ),
        (
            {
                "content": None,
                "tool_calls": [
                    {"id": "t1", "type": "function", "function": {"name": "f", "arguments": "{}"}},
                    {"id": "t2", "type": "custom", "custom": {"name": "c", "input": "x"}},
                ],
            },
            (ToolCall("t1", "f", "{}"), ToolCall("t2", "c", "x", "custom")),
        ),
        (
            {"tool_calls": [{"id": "t1", "function": {"name": "f", "arguments": {"a": 1}}}]},
            (ToolCall("t1", "f", '{"a":1}'),),
        ),
    ],
)
def test_what_a_message_says_becomes_its_parts(message: dict[str, Any], parts: tuple[Any, ...]) -> None:
    assert parts_of(message) == parts


def test_a_tool_call_without_id_gets_one_that_differs_between_answers() -> None:
    message = {"function_call": {"name": "f", "arguments": "{}"}}
    (first,) = parts_of(message)
    assert parts_of(message) == (first,)
    (other,) = parts_of(message, id="a-2")
    assert first.id.startswith("call_")
    assert len(first.id) <= 40
    assert other.id != first.id


def test_logprobs_stay_with_the_words_they_belong_to() -> None:
    choice = {
        "message": {"content": "a", "refusal": "no"},
        "finish_reason": "stop",
        "logprobs": {"content": [{"token": "a"}], "refusal": [{"token": "no"}]},
    }
    answer = decode_answer(completion({}, choices=[choice]))
    assert answer.message.parts == (Text("a", ({"token": "a"},)), Refusal("no", ({"token": "no"},)))
    assert json.loads(encode_answer(answer, model="m"))["choices"][0]["logprobs"] == choice["logprobs"]


@pytest.mark.parametrize(
    ("wire", "reason"),
    [("stop", "stop"), ("function_call", "tool_calls"), ("eos", "eos"), (None, "")],
)
def test_a_finish_reason_is_normalised_only_if_it_is_known(wire: str | None, reason: str) -> None:
    answer = decode_answer(completion({}, choices=[{"message": {"content": "x"}, "finish_reason": wire}]))
    assert answer.choices[0].finish == reason


def test_several_choices_come_in_their_order() -> None:
    choices = [
        {"index": number, "message": {"content": str(number)}, "finish_reason": "stop"}
        for number in (2, 0, 1)
    ]
    answer = decode_answer(completion({}, choices=choices))
    assert [choice.message.text for choice in answer.choices] == ["0", "1", "2"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<!doctype html><html>busy</html>",
        b"null",
        b"[]",
        b"{}",
        b'{"choices":[]}',
        b'{"choices":null}',
        b'{"choices":[{}]}',
        b'{"choices":[{"message":{"content":"x"},"finish_reason":5}]}',
        b'{"choices":[{"message":{"content":"\xff"}}]}',
        b'{"choices":[{"message":{"content":' + b"[" * 100_000,
        b'{"error":{"message":"busy","code":429}}',
        b'{"error":"busy"}',
        b'{"object":"error","message":"busy"}',
        b'{"error":{"message":"busy"},"choices":[{"message":{"content":"x"}}]}',
    ],
)
def test_what_is_no_answer_is_a_bad_response_that_says_nothing_of_it(body: bytes) -> None:
    with pytest.raises(ProviderError) as caught:
        decode_answer(body)
    assert caught.value.code == "bad_response"
    assert "busy" not in caught.value.message


@pytest.mark.parametrize(
    ("code", "kind"), [("context_length_exceeded", "context_length"), ("content_filter", "content_filtered")]
)
def test_an_error_that_no_retry_can_mend_keeps_its_kind_under_status_200(code: str, kind: str) -> None:
    with pytest.raises(ProviderError) as caught:
        decode_answer(json.dumps({"error": {"message": "x", "code": code}}).encode())
    assert caught.value.code == kind


def test_an_answer_is_written_as_openai_writes_it() -> None:
    parts = (Reasoning("r"), Text("hi"), ToolCall("t", "f", "{}"))
    answer = Answer(
        "a", "m", 17, (Choice(Message("assistant", parts), "tool_calls"),), Usage(3, 2), "fp", "flex"
    )
    assert json.loads(encode_answer(answer, model="served")) == {
        "id": "a",
        "object": "chat.completion",
        "created": 17,
        "model": "served",
        "choices": [
            {
                "index": 0,
                "message": {
                    "role": "assistant",
                    "content": "hi",
                    "refusal": None,
                    "reasoning_content": "r",
                    "tool_calls": [
                        {"id": "t", "type": "function", "function": {"name": "f", "arguments": "{}"}}
                    ],
                },
                "logprobs": None,
                "finish_reason": "tool_calls",
            }
        ],
        "usage": {
            "prompt_tokens": 3,
            "completion_tokens": 2,
            "total_tokens": 5,
            "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
            "completion_tokens_details": {
                "reasoning_tokens": 0,
                "audio_tokens": 0,
                "accepted_prediction_tokens": 0,
                "rejected_prediction_tokens": 0,
            },
        },
        "service_tier": "flex",
        "system_fingerprint": "fp",
    }


def test_usage_that_is_not_known_is_left_out() -> None:
    answer = Answer("a", "m", 17, (Choice(Message("assistant", ()), ""),))
    written = json.loads(encode_answer(answer, model="m"))
    assert "usage" not in written
    assert written["choices"][0]["finish_reason"] is None
    assert written["choices"][0]["message"]["content"] is None
