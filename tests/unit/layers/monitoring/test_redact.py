"""What is taken out of a call before anything of it is stored, wherever it stands."""

import json

from seawall.core.accumulate import Answer, Choice
from seawall.core.messages import Media, Message, Reasoning, Refusal, Text, ToolCall, ToolResult
from seawall.core.record import Content
from seawall.core.request import ChatRequest
from seawall.layers.monitoring.redact import KeepAll, NoContent, PatternRedactor

from tests.support.recorded import content


def redacted(content: Content) -> Content:
    return PatternRedactor().redact(content)


def test_clean_content_is_the_same_object_afterwards() -> None:
    clean = content()
    assert redacted(clean) is clean
    everything = Content(
        ChatRequest(
            "m",
            (Message("user", (Text("hi"), Media("image", url="https://x.example/y.png")), name="ada"),),
            user="u-1",
            metadata={"a": "b"},
            extras={"seed": [1, {"x": None}]},
        )
    )
    assert redacted(everything) is everything


def test_it_is_found_wherever_text_can_be() -> None:
    secret = "grace@example.org"
    parts = (
        Text(secret, logprobs=({"token": "grace"},)),
        Refusal(secret, logprobs=({"token": "grace"},)),
        Reasoning(secret, "sealed"),
        ToolCall("1", "send", json.dumps({"to": secret})),
        ToolResult("1", (Text(secret), Media("file", data="QUJD" * 20, media_type="text/plain"))),
        Media("image", url="data:image/png;base64," + "QUJD" * 20, name=secret),
    )
    message = Message("user", parts, name=secret)
    request = ChatRequest(
        "m",
        (message, Message("user", (Text("clean"),))),
        user=secret,
        metadata={"mail": secret},
        extras={"deep": [{"x": secret}, 1]},
    )
    said = Content(request, request, Answer("a", "m", 1, (Choice(message, "stop"),)))
    kept = redacted(said)
    assert "grace" not in repr(kept)
    assert "QUJD" not in repr(kept)
    assert kept.asked == kept.prompted
    assert kept.asked is not None
    assert kept.asked.messages[1] is request.messages[1]
    first = kept.asked.messages[0].parts
    assert first[0] == Text("[EMAIL]")  # its log-probabilities spelt it out
    assert first[2] == Reasoning("[EMAIL]", "sealed")
    assert json.loads(first[3].arguments) == {"to": "[EMAIL]"}  # type: ignore[union-attr]
    assert repr(said).count(secret) > 10  # what the caller holds is untouched


def test_what_was_asked_and_prompted_alike_is_looked_at_once() -> None:
    request = ChatRequest("m", (Message("user", (Text("mail ada@example.org"),)),))
    kept = redacted(Content(request, ChatRequest("m", (Message("system", ()), *request.messages))))
    assert kept.asked is not None
    assert kept.prompted is not None
    assert kept.prompted.messages[1] is kept.asked.messages[0]


def test_nothing_and_everything_can_be_kept_too() -> None:
    secret = content("ada@example.org")
    assert KeepAll().redact(secret) is secret
    assert NoContent().redact(secret) == Content()
