"""Token estimates: never zero for something, never wild, and cheap."""

import base64
import json
import random
import time

import pytest

from seawall.core.messages import Media, Message, Reasoning, Text, ToolCall, ToolResult, ToolSpec
from seawall.core.request import ChatRequest, ResponseFormat
from seawall.layers.llm.tokens import estimate_request, estimate_tokens

PROSE = (
    "The harbour wall was finished in the spring, and by the end of that year the town had already "
    "forgotten how the winter storms used to come over the road and into the houses behind it. "
)
BLOB = base64.b64encode(random.Random(1).randbytes(900)).decode()


def test_nothing_is_nothing_and_something_is_never_nothing() -> None:
    assert estimate_tokens("") == 0
    for text in (" ", "a", "\n", "é", "\ud800", "\x00", "🚀"):
        assert estimate_tokens(text) >= 1


@pytest.mark.parametrize(
    ("text", "least", "most"),
    [
        (PROSE, 3.8, 5.2),  # characters per token
        (json.dumps([{"id": n, "price": n / 4} for n in range(9)]), 1.8, 3.5),
        ("def add(one: int, two: int) -> int:\n    return one + two\n", 2.5, 4.5),
        (BLOB, 1.3, 2.2),
        ("3.14159 26535 89793 ", 1.5, 3.2),
        ("今天天气很好我们去公园散步吧", 0.8, 1.5),
        ("すべての人間は生まれながらにして自由である", 0.8, 1.5),
        ("모든 인간은 태어날 때부터 자유로우며", 0.8, 1.6),
        ("Все люди рождаются свободными и равными", 1.8, 3.2),
        ("يولد جميع الناس أحراراً متساوين", 1.8, 3.2),
        ("Größere Häuser müssen überall schön ausgestattet sein", 2.8, 4.6),
        ("🚀🎉🔥", 0.3, 0.6),
    ],
)
def test_scripts_have_their_own_density(text: str, least: float, most: float) -> None:
    assert least <= len(text) / estimate_tokens(text) <= most


@pytest.mark.parametrize("text", [PROSE, "今天天气很好，我们去公园。", BLOB, PROSE + BLOB])
def test_a_long_text_is_estimated_in_proportion(text: str) -> None:
    assert estimate_tokens(text * 200) == pytest.approx(200 * estimate_tokens(text), rel=0.1)


def test_a_long_text_costs_no_more_than_a_short_one() -> None:
    text = PROSE * 20_000
    started = time.process_time()
    for _ in range(20):
        estimate_tokens(text)
    per_kilobyte = (time.process_time() - started) / 20 / (len(text) / 1024)
    assert per_kilobyte < 5e-6


def request(*parts: object, **fields: object) -> ChatRequest:
    return ChatRequest("m", (Message("user", parts),), **fields)  # type: ignore[arg-type]  # built from parts


def test_everything_that_is_sent_is_counted() -> None:
    bare = estimate_request(request(Text("Hello")))
    assert bare > estimate_tokens("Hello")
    schema = {"type": "object", "properties": {"city": {"type": "string"}}}
    for richer in (
        request(Text("Hello " + PROSE)),
        request(Text("Hello"), Media("image", url="https://x.test/a.png")),
        request(Text("Hello"), Media("audio", data="A" * 9000, media_type="wav")),
        request(Text("Hello"), Media("file", file_id="f-1")),
        request(Text("Hello"), ToolCall("1", "look_up", '{"q": "tides"}')),
        request(Text("Hello"), ToolResult("1", (Text("high at noon"),))),
        request(Text("Hello"), Reasoning("let me think")),
        request(Text("Hello"), tools=(ToolSpec("look_up", "Looks it up", schema),)),
        request(Text("Hello"), response_format=ResponseFormat("json_schema", "place", schema=schema)),
        ChatRequest("m", (Message("user", (Text("Hello"),), name="ann"),)),
        ChatRequest("m", (Message("system", (Text("Be kind"),)), Message("user", (Text("Hello"),)))),
    ):
        assert estimate_request(richer) > bare


def test_a_small_image_is_less_than_a_large_one() -> None:
    small = estimate_request(request(Media("image", url="u", detail="low")))
    assert small < estimate_request(request(Media("image", url="u", detail="high")))
