"""Requests: what a caller says is what the provider is told."""

import json
from typing import Any

import pytest

from seawall.core.errors import InvalidRequest
from seawall.core.messages import Message, Text, ToolSpec
from seawall.core.ports import ProviderRequest
from seawall.core.request import ChatRequest, ResponseFormat, Sampling, ToolChoice
from seawall.wire.openai_chat import Capabilities, decode_request, encode_request

EVERYTHING = Capabilities(
    developer_role=True,
    user=True,
    metadata=True,
    custom_tools=True,
    reasoning_field="reasoning_content",
    extras=frozenset({"store", "top_k"}),
)
SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}}
TOOLS = [
    {"type": "function", "function": {"name": "f", "description": "d", "parameters": SCHEMA, "strict": True}},
    {"type": "function", "function": {"name": "g"}},
    {"type": "custom", "custom": {"name": "c", "description": "d", "format": {"type": "text"}}},
]


def request(**fields: Any) -> dict[str, Any]:
    return {"model": "m", "messages": [{"role": "user", "content": "hi"}], **fields}


def decode(**fields: Any) -> ChatRequest:
    return decode_request(json.dumps(request(**fields)).encode())


def encode(chat: ChatRequest, dialect: Capabilities = EVERYTHING, model: str = "m") -> dict[str, Any]:
    sent = ProviderRequest(chat=chat, model=model, call_id="c", correlation_id="r", timeout=1.0)
    fields: dict[str, Any] = json.loads(encode_request(sent, dialect))
    return fields


@pytest.mark.parametrize(
    ("fields", "sampling"),
    [
        ({}, Sampling()),
        ({"temperature": 0}, Sampling(temperature=0.0)),
        ({"top_p": 0.5}, Sampling(top_p=0.5)),
        ({"max_tokens": 5}, Sampling(max_tokens=5)),
        ({"max_completion_tokens": 5}, Sampling(max_tokens=5)),
        ({"max_completion_tokens": 5, "max_tokens": 5}, Sampling(max_tokens=5)),
        ({"stop": "x"}, Sampling(stop=("x",))),
        ({"stop": ["x", "y"]}, Sampling(stop=("x", "y"))),
        ({"stop": None}, Sampling()),
        ({"seed": 0}, Sampling(seed=0)),
        (
            {"frequency_penalty": -1, "presence_penalty": 0},
            Sampling(frequency_penalty=-1, presence_penalty=0),
        ),
        ({"logit_bias": {"50256": -100}}, Sampling(logit_bias={"50256": -100.0})),
        ({"n": 3}, Sampling(n=3)),
        ({"logprobs": True, "top_logprobs": 0}, Sampling(logprobs=True, top_logprobs=0)),
        ({"reasoning_effort": "low"}, Sampling(reasoning_effort="low")),
        ({"n": None, "logprobs": None, "temperature": None, "seed": None}, Sampling()),
    ],
)
def test_how_to_draw_the_answer_survives_both_ways(fields: dict[str, Any], sampling: Sampling) -> None:
    chat = decode(**fields)
    assert chat.sampling == sampling
    assert decode_request(json.dumps(encode(chat)).encode()) == chat


def test_everything_else_that_can_be_asked_survives_both_ways() -> None:
    chat = decode(
        tools=TOOLS,
        tool_choice={"type": "function", "function": {"name": "f"}},
        parallel_tool_calls=False,
        response_format={
            "type": "json_schema",
            "json_schema": {"name": "s", "schema": SCHEMA, "strict": True},
        },
        stream=True,
        stream_options={"include_usage": True},
        user="u",
        metadata={"k": "v"},
        store=True,
        top_k=5,
    )
    assert chat == ChatRequest(
        model="m",
        messages=(Message("user", (Text("hi"),)),),
        tools=(
            ToolSpec("f", "d", SCHEMA, True),
            ToolSpec("g"),
            ToolSpec("c", "d", kind="custom", format={"type": "text"}),
        ),
        tool_choice=ToolChoice("tool", ("f",)),
        parallel_tool_calls=False,
        response_format=ResponseFormat("json_schema", "s", "", SCHEMA, True),
        stream=True,
        include_usage=True,
        user="u",
        metadata={"k": "v"},
        extras={"store": True, "top_k": 5},
    )
    assert decode_request(json.dumps(encode(chat)).encode()) == chat


@pytest.mark.parametrize(
    ("wire", "choice"),
    [
        ("auto", ToolChoice()),
        ("none", ToolChoice("none")),
        ("required", ToolChoice("required")),
        ({"type": "function", "function": {"name": "f"}}, ToolChoice("tool", ("f",))),
        ({"type": "custom", "custom": {"name": "c"}}, ToolChoice("tool", ("c",))),
        (
            {
                "type": "allowed_tools",
                "allowed_tools": {
                    "mode": "required",
                    "tools": [
                        {"type": "function", "function": {"name": "f"}},
                        {"type": "custom", "custom": {"name": "c"}},
                    ],
                },
            },
            ToolChoice("allowed", ("f", "c"), True),
        ),
    ],
)
def test_each_form_of_tool_choice_survives_both_ways(wire: Any, choice: ToolChoice) -> None:
    chat = decode(tools=TOOLS, tool_choice=wire)
    assert chat.tool_choice == choice
    assert encode(chat)["tool_choice"] == wire


@pytest.mark.parametrize(
    ("wire", "form"),
    [
        ({"type": "text"}, ResponseFormat()),
        ({"type": "json_object"}, ResponseFormat("json_object")),
        (
            {"type": "json_schema", "json_schema": {"name": "s", "description": "d"}},
            ResponseFormat("json_schema", "s", "d"),
        ),
    ],
)
def test_each_form_of_response_format_survives_both_ways(wire: Any, form: ResponseFormat) -> None:
    chat = decode(response_format=wire)
    assert chat.response_format == form
    assert encode(chat)["response_format"] == wire


def test_the_provider_is_asked_for_its_own_model_and_always_for_usage() -> None:
    sent = encode(decode(stream=True), model="theirs")
    assert sent["model"] == "theirs"
    assert sent["stream"] is True
    assert sent["stream_options"] == {"include_usage": True}
    assert "stream" not in encode(decode())
    assert "stream_options" not in encode(decode(stream=True), Capabilities(stream_options=False))


def test_a_dialect_spells_fields_its_own_way() -> None:
    chat = decode(max_tokens=5, seed=1, messages=[{"role": "developer", "content": "x"}])
    sent = encode(chat, Capabilities(max_tokens="max_completion_tokens", seed="random_seed"))
    assert sent == {
        "model": "m",
        "messages": [{"role": "system", "content": "x"}],
        "max_completion_tokens": 5,
        "random_seed": 1,
    }


def test_user_and_metadata_stay_with_us_unless_they_are_wanted() -> None:
    chat = decode(user="u", metadata={"k": "v"})
    assert encode(chat, Capabilities()).keys() == {"model", "messages"}
    assert encode(chat).keys() == {"model", "messages", "user"}


@pytest.mark.parametrize(
    ("fields", "dialect", "param"),
    [
        ({"top_k": 1}, Capabilities(), "top_k"),
        ({"modalities": ["audio"]}, EVERYTHING, "modalities"),
        ({"n": 2}, Capabilities(unsupported=frozenset({"n"})), "n"),
        ({"logprobs": True}, Capabilities(unsupported=frozenset({"logprobs"})), "logprobs"),
        ({"tools": TOOLS}, Capabilities(), "tools"),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"name": "s"}}},
            Capabilities(json_schema=False),
            "response_format",
        ),
        (
            {"messages": [{"role": "user", "content": "x", "name": "n"}]},
            Capabilities(message_names=False),
            "messages[0].name",
        ),
    ],
)
def test_a_field_that_a_provider_does_not_take_is_refused_by_name(
    fields: dict[str, Any], dialect: Capabilities, param: str
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        encode(decode(**fields), dialect)
    assert caught.value.param == param


def test_a_field_that_is_null_counts_as_not_given() -> None:
    assert decode(top_k=None, functions=None, tools=None, stream_options=None, metadata=None) == decode()
