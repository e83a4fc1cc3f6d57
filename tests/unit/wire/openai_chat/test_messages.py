"""Messages: what each of them holds comes through, both ways."""

import json
from typing import Any

import pytest

from seawall.core.errors import InvalidRequest
from seawall.core.messages import Media, Message, Reasoning, Refusal, Text, ToolCall, ToolResult
from seawall.core.ports import ProviderRequest
from seawall.core.request import ChatRequest
from seawall.wire.openai_chat import Capabilities, decode_request, encode_request

EVERYTHING = Capabilities(developer_role=True, custom_tools=True, reasoning_field="reasoning_content")


def decode(*messages: dict[str, Any]) -> ChatRequest:
    return decode_request(json.dumps({"model": "m", "messages": messages}).encode())


def encode(chat: ChatRequest, dialect: Capabilities = EVERYTHING) -> list[dict[str, Any]]:
    sent = ProviderRequest(chat=chat, model="m", call_id="c", correlation_id="r", timeout=1.0)
    messages: list[dict[str, Any]] = json.loads(encode_request(sent, dialect))["messages"]
    return messages


MESSAGES: list[tuple[dict[str, Any], Message]] = [
    ({"role": "system", "content": "s"}, Message("system", (Text("s"),))),
    ({"role": "developer", "content": "s", "name": "n"}, Message("developer", (Text("s"),), "n")),
    ({"role": "user", "content": ""}, Message("user", (Text(""),))),
    (
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "see"},
                {"type": "image_url", "image_url": {"url": "https://x/y.png", "detail": "low"}},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
                {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
                {"type": "file", "file": {"file_id": "f-1"}},
                {
                    "type": "file",
                    "file": {"file_data": "data:application/pdf;base64,AA", "filename": "a.pdf"},
                },
            ],
        },
        Message(
            "user",
            (
                Text("see"),
                Media("image", url="https://x/y.png", detail="low"),
                Media("image", url="data:image/png;base64,AAAA"),
                Media("audio", data="AAAA", media_type="wav"),
                Media("file", file_id="f-1"),
                Media("file", data="data:application/pdf;base64,AA", name="a.pdf"),
            ),
        ),
    ),
    ({"role": "assistant", "content": "a", "name": "n"}, Message("assistant", (Text("a"),), "n")),
    ({"role": "assistant", "content": None, "refusal": "no"}, Message("assistant", (Refusal("no"),))),
    (
        {
            "role": "assistant",
            "content": [{"type": "text", "text": "a"}, {"type": "refusal", "refusal": "no"}],
        },
        Message("assistant", (Text("a"), Refusal("no"))),
    ),
    (
        {
            "role": "assistant",
            "content": "a",
            "reasoning_content": "because",
            "tool_calls": [
                {"id": "t1", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}},
                {"id": "t2", "type": "custom", "custom": {"name": "c", "input": "free"}},
            ],
        },
        Message(
            "assistant",
            (
                Reasoning("because"),
                Text("a"),
                ToolCall("t1", "f", '{"a":1}'),
                ToolCall("t2", "c", "free", "custom"),
            ),
        ),
    ),
    (
        {"role": "tool", "tool_call_id": "t1", "content": "42"},
        Message("tool", (ToolResult("t1", (Text("42"),)),)),
    ),
    (
        {
            "role": "tool",
            "tool_call_id": "t1",
            "content": [{"type": "text", "text": "4"}, {"type": "text", "text": "2"}],
        },
        Message("tool", (ToolResult("t1", (Text("4"), Text("2"))),)),
    ),
]


@pytest.mark.parametrize(("wire", "message"), MESSAGES)
def test_each_kind_of_message_survives_both_ways(wire: dict[str, Any], message: Message) -> None:
    chat = decode(wire)
    assert chat.messages == (message,)
    assert encode(chat) == [wire]


def test_a_message_comes_back_as_the_sdk_dumps_it() -> None:
    dumped = {
        "role": "assistant",
        "content": None,
        "refusal": None,
        "annotations": [{"type": "url_citation", "url_citation": {"url": "x", "start_index": 1}}],
        "audio": None,
        "function_call": None,
        "tool_calls": [
            {"index": 0, "id": "t", "type": "function", "function": {"name": "f", "arguments": ""}}
        ],
    }
    assert decode(dumped).messages == (Message("assistant", (ToolCall("t", "f", ""),)),)


def test_one_text_part_is_the_same_as_a_string() -> None:
    chat = decode({"role": "user", "content": [{"type": "text", "text": "hi"}]})
    assert chat == decode({"role": "user", "content": "hi"})


def test_reasoning_is_taken_under_both_names_and_sent_back_only_where_it_is_wanted() -> None:
    for name in ("reasoning", "reasoning_content"):
        chat = decode({"role": "assistant", "content": "a", name: "because"})
        assert encode(chat, Capabilities()) == [{"role": "assistant", "content": "a"}]
        assert encode(chat)[0]["reasoning_content"] == "because"


def test_tool_results_of_another_dialect_become_messages_of_their_own() -> None:
    results = (ToolResult("t1", (Text("1"),)), ToolResult("t2", (Text("2"),)), Text("and now?"))
    chat = ChatRequest("m", (Message("user", results),))
    assert encode(chat) == [
        {"role": "tool", "tool_call_id": "t1", "content": "1"},
        {"role": "tool", "tool_call_id": "t2", "content": "2"},
        {"role": "user", "content": [{"type": "text", "text": "and now?"}]},
    ]


def test_media_given_as_data_travel_as_data_urls() -> None:
    media = (
        Media("image", data="AA", media_type="image/png"),
        Media("file", data="BB", media_type="application/pdf", name="a.pdf"),
        Media("audio", data="CC", media_type="audio/mp3"),
    )
    content = encode(ChatRequest("m", (Message("user", media),)))[0]["content"]
    assert content[0]["image_url"]["url"] == "data:image/png;base64,AA"
    assert content[1]["file"] == {"file_data": "data:application/pdf;base64,BB", "filename": "a.pdf"}
    assert content[2]["input_audio"] == {"data": "CC", "format": "mp3"}


@pytest.mark.parametrize(
    "message",
    [
        Message("user", (Media("image", file_id="f"),)),
        Message("user", (Media("audio", url="https://x"),)),
        Message("user", (Media("file", url="https://x"),)),
        Message("assistant", (Text("a"), Media("image", url="https://x"))),
        Message("user", (Text("a"), Reasoning("b"))),
        Message("tool", (ToolResult("t", (Media("image", url="https://x"),)),)),
    ],
)
def test_what_the_dialect_cannot_say_is_refused_by_place(message: Message) -> None:
    with pytest.raises(InvalidRequest, match=r"messages\[1\]") as caught:
        encode(ChatRequest("m", (Message("user", (Text("x"),)), message)))
    assert caught.value.param == "messages[1].content"
