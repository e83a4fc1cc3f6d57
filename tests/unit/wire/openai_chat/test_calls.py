"""Tool calls are put together whatever the vendor forgets."""

from itertools import count
from typing import Any

import msgspec
import pytest

from seawall.core.events import Event, PartDelta, PartEnd, PartStart
from seawall.core.messages import ToolCall
from seawall.wire.openai_chat.calls import GrowingCalls
from seawall.wire.openai_chat.completion import Call


def read(*pieces: dict[str, Any]) -> list[Event]:
    calls = GrowingCalls(0, count())
    out: list[Event] = []
    for piece in pieces:
        calls.read(msgspec.convert(piece, Call), out)
    calls.close("a-1", out)
    return out


def calls_of(*pieces: dict[str, Any]) -> list[ToolCall]:
    """The calls, checked to be begun once, fed while open, and ended once."""
    made: dict[int, ToolCall] = {}
    ended = []
    for event in read(*pieces):
        if isinstance(event, PartStart):
            assert event.index not in made
            made[event.index] = ToolCall(event.id, event.name, "", "custom" if event.custom else "function")
        elif isinstance(event, PartDelta):
            assert event.index not in ended
            call = made[event.index]
            made[event.index] = msgspec.structs.replace(call, arguments=call.arguments + event.text)
        else:
            assert isinstance(event, PartEnd)
            ended.append(event.index)
    assert sorted(ended) == sorted(made)
    return [made[index] for index in sorted(made)]


@pytest.mark.parametrize(
    ("pieces", "calls"),
    [
        (  # id and name repeated in every piece
            [
                {"index": 0, "id": "t", "function": {"name": "f", "arguments": "{"}},
                {"index": 0, "id": "t", "function": {"name": "f", "arguments": "}"}},
            ],
            [("t", "f", "{}")],
        ),
        (  # only the name repeated
            [
                {"index": 0, "id": "t", "function": {"name": "f", "arguments": "{"}},
                {"index": 0, "function": {"name": "f", "arguments": "}"}},
            ],
            [("t", "f", "{}")],
        ),
        (  # the id comes late
            [
                {"index": 0, "function": {"name": "f", "arguments": "{"}},
                {"index": 0, "id": "t", "function": {"arguments": "}"}},
            ],
            [("t", "f", "{}")],
        ),
        (  # the name comes late
            [{"index": 0, "id": "t"}, {"index": 0, "function": {"name": "f", "arguments": "{}"}}],
            [("t", "f", "{}")],
        ),
        (  # always index 0
            [
                {"index": 0, "id": "t", "function": {"name": "f", "arguments": "1"}},
                {"index": 0, "id": "u", "function": {"name": "f", "arguments": "2"}},
                {"index": 0, "id": "t", "function": {"name": "f", "arguments": "3"}},
            ],
            [("t", "f", "13"), ("u", "f", "2")],
        ),
        (  # no index
            [
                {"id": "t", "function": {"name": "f", "arguments": "1"}},
                {"function": {"arguments": "2"}},
                {"id": "u", "function": {"name": "g", "arguments": "3"}},
            ],
            [("t", "f", "12"), ("u", "g", "3")],
        ),
        (  # the same id twice: which result belongs to which call is for others to judge
            [
                {"index": 0, "id": "t", "function": {"name": "f", "arguments": "1"}},
                {"index": 1, "id": "t", "function": {"name": "f", "arguments": "2"}},
            ],
            [("t", "f", "1"), ("t", "f", "2")],
        ),
        (  # an object in place of its text
            [{"index": 0, "id": "t", "function": {"name": "f", "arguments": {"a": 1}}}],
            [("t", "f", '{"a":1}')],
        ),
        ([{"index": 0, "id": "t", "function": {"name": "f"}}], [("t", "f", "")]),
    ],
)
def test_a_tool_call_is_put_together_whatever_the_vendor_forgets(
    pieces: list[dict[str, Any]], calls: list[tuple[str, str, str]]
) -> None:
    assert calls_of(*pieces) == [ToolCall(*each) for each in calls]


def test_tool_calls_without_any_id_get_different_ones() -> None:
    first, second = calls_of(*[{"function": {"name": "f", "arguments": text}} for text in "12"])
    assert (first.arguments, second.arguments) == ("1", "2")
    assert first.id.startswith("call_")
    assert first.id != second.id


def test_a_custom_call_takes_free_text() -> None:
    begin = {"index": 0, "id": "t", "type": "custom", "custom": {"name": "c", "input": "fr"}}
    assert calls_of(begin, {"index": 0, "custom": {"input": "ee"}}) == [ToolCall("t", "c", "free", "custom")]


def test_arguments_are_passed_on_as_they_come() -> None:
    events = read(
        {"index": 0, "id": "t", "function": {"name": "f", "arguments": ""}},
        {"index": 0, "function": {"arguments": "{"}},
        {"index": 0, "function": {"arguments": "}"}},
    )
    assert events == [
        PartStart(0, "tool_call", 0, "t", "f"),
        PartDelta(0, "{"),
        PartDelta(0, "}"),
        PartEnd(0),
    ]
