"""A provider's stream becomes events, however it is cut and whatever its habits are."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import pytest

from seawall.core.accumulate import Accumulator, Answer
from seawall.core.errors import ProviderError
from seawall.core.events import Event, MessageEnd, MessageStart, PartDelta, PartEnd, PartStart, Usage
from seawall.core.messages import Reasoning, Refusal, Text, ToolCall
from seawall.testing import StrictEmit
from seawall.wire.openai_chat import StreamDecoder

DONE = b"data: [DONE]\n\n"
USAGE = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}


def frame(payload: Any) -> bytes:
    return b"data: %b\n\n" % json.dumps(payload, separators=(",", ":"), ensure_ascii=False).encode()


def chunk(delta: dict[str, Any] | None = None, finish: str | None = None, **fields: Any) -> bytes:
    """One chunk; *fields* beginning with `choice_` go into the choice, others to the top level."""
    choice = {"index": 0, "delta": delta or {}, "finish_reason": finish}
    choice |= {name[7:]: fields.pop(name) for name in list(fields) if name.startswith("choice_")}
    return frame({"id": "c-1", "created": 17, "model": "m-1", "choices": [choice], **fields})


def call(**fields: Any) -> bytes:
    return chunk({"tool_calls": [fields]})


def decode(*frames: bytes) -> list[Event]:
    decoder = StreamDecoder()
    events = [event for each in frames for event in decoder.feed(each)]
    return events + decoder.end()


def answer_of(events: Sequence[Event]) -> Answer:
    """The answer; on the way the stream contract is checked."""
    sink = Accumulator()

    async def run() -> None:
        strict = StrictEmit(sink.emit, "the decoder")
        for event in events:
            await strict(event)
        strict.close(failed=False)

    asyncio.run(run())
    return sink.answer


def parts_of(*frames: bytes) -> tuple[Any, ...]:
    return answer_of(decode(*frames)).message.parts


HELLO = [
    chunk(
        {"role": "assistant", "content": "", "refusal": None}, system_fingerprint="fp", service_tier="flex"
    ),
    chunk({"content": "Hello"}, usage=None),
    chunk({"content": " wörld 🌊"}, usage=None),
    chunk({"content": ' "\\\n'}, usage=None),
    chunk({}, "stop"),
    frame({"id": "c-1", "created": 17, "model": "m-1", "choices": [], "usage": USAGE}),
    DONE,
]

BUSY = [
    b": keep-alive\r\n\r\n",
    chunk({"role": "assistant", "content": None, "reasoning_content": "let me "}),
    chunk({"reasoning_content": "think"}),
    b"event: message\r\n" + chunk({"content": "words "}),
    chunk({"content": "and"}, choice_logprobs={"content": [{"token": "and"}], "refusal": None}),
    call(index=0, id="t1", type="function", function={"name": "f", "arguments": ""}),
    call(index=1, id="t2", type="function", function={"name": "g", "arguments": '{"b'}),
    call(index=0, function={"arguments": '{"a":'}),
    call(index=1, function={"arguments": '":2}'}),
    chunk({"content": "other"}, choice_index=1),
    call(index=0, function={"arguments": "1}"}),
    chunk({}, "tool_calls"),
    chunk({}, "length", choice_index=1),
    frame({"choices": [], "usage": USAGE}),
    DONE,
]


def test_a_plain_stream_becomes_a_plain_answer() -> None:
    assert decode(*HELLO) == [
        MessageStart("c-1", "m-1", 17, "fp", "flex"),
        PartStart(0, "text"),
        PartDelta(0, "Hello"),
        PartDelta(0, " wörld 🌊"),
        PartDelta(0, ' "\\\n'),
        PartEnd(0),
        MessageEnd(("stop",), Usage(3, 2)),
    ]


def test_a_busy_stream_keeps_all_that_it_says_apart() -> None:
    answer = answer_of(decode(*BUSY))
    assert answer.choices[0].message.parts == (
        Reasoning("let me think"),
        Text("words and", ({"token": "and"},)),
        ToolCall("t1", "f", '{"a":1}'),
        ToolCall("t2", "g", '{"b":2}'),
    )
    assert answer.choices[1].message.parts == (Text("other"),)
    assert [choice.finish for choice in answer.choices] == ["tool_calls", "length"]
    assert answer.usage == Usage(3, 2)


@pytest.mark.parametrize("frames", [HELLO, BUSY], ids=["hello", "busy"])
@pytest.mark.parametrize("newline", [b"\n", b"\r\n", b"\r"])
def test_no_cut_of_the_bytes_changes_the_events(frames: list[bytes], newline: bytes) -> None:
    stream = b"".join(frames).replace(b"\r\n", b"\n").replace(b"\n", newline)
    whole = decode(stream)
    assert decode(*[stream[at : at + 1] for at in range(len(stream))]) == whole
    for at in range(len(stream)):
        assert decode(stream[:at], stream[at:]) == whole
    for size in (2, 3, 7, 61, 250):
        assert decode(*[stream[at : at + size] for at in range(0, len(stream), size)]) == whole


def test_what_the_events_are_does_not_depend_on_the_short_cut_for_words() -> None:
    words = ["a", "b", " ", '"', "\\", "\n", "é", "🌊", "c" * 100, "[DONE]", "data: x\n\n", '"content":']
    frames = [chunk({"content": "start"}), *[chunk({"content": word}) for word in words], chunk({}, "stop")]
    assert parts_of(*frames, DONE) == (Text("start" + "".join(words)),)
    assert decode(*frames, DONE) == decode(b"".join([*frames, DONE]))


@pytest.mark.parametrize(
    "stranger",
    [
        chunk({"content": "x"}, choice_index=1),
        chunk({"content": "x"}, "stop"),
        chunk({"content": "x", "reasoning": "r"}),
        chunk({"content": "x"}, choice_logprobs={"content": [{"token": "x"}]}),
        chunk({"content": ""}),
        chunk({"content": None}),
        chunk({"content": ["x"]}),
        chunk({"content": "x"}, usage=USAGE),
        chunk({"content": "x"}, service_tier="late"),
        chunk({"content": "x"}).replace(b'"x"', b'"x","refusal":"y"'),
        chunk({"content": "x"}).replace(b'"x"', b' "x" '),
        b": ping\n\n",
    ],
)
def test_a_chunk_that_differs_from_the_usual_one_is_read_in_full(stranger: bytes) -> None:
    frames = [*[chunk({"content": "w"})] * 3, stranger, *[chunk({"content": "v"})] * 3]
    frames += [chunk({}, "stop"), chunk({}, "stop", choice_index=1), DONE]
    stream = b"".join(frames)
    bytewise = [stream[at : at + 1] for at in range(len(stream))]
    assert decode(*frames) == decode(*bytewise)


def test_words_after_a_tool_call_are_a_part_of_their_own() -> None:
    begin = call(index=0, id="t", function={"name": "f", "arguments": "{}"})
    frames = [*[chunk({"content": "a"})] * 3, begin, *[chunk({"content": "b"})] * 3, chunk({}, "stop"), DONE]
    assert parts_of(*frames) == (Text("aaa"), ToolCall("t", "f", "{}"), Text("bbb"))


@pytest.mark.parametrize(
    ("delta", "part"),
    [
        ({"refusal": "no"}, Refusal("no")),
        ({"reasoning": "r"}, Reasoning("r")),
        ({"reasoning_content": "r", "reasoning": "r"}, Reasoning("r")),
        ({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "r"}]}]}, Reasoning("r")),
        ({"content": [{"type": "text", "text": "a"}]}, Text("a")),
    ],
)
def test_each_kind_of_delta_becomes_its_kind_of_part(delta: dict[str, Any], part: Any) -> None:
    assert parts_of(chunk(delta), chunk({}, "stop"), DONE) == (part,)


def test_a_legacy_function_call_becomes_a_tool_call() -> None:
    frames = [
        chunk({"function_call": {"name": "f", "arguments": "{"}}),
        chunk({"function_call": {"arguments": "}"}}),
        chunk({}, "function_call"),
        DONE,
    ]
    answer = answer_of(decode(*frames))
    assert answer.message.tool_calls[0].arguments == "{}"
    assert answer.choices[0].finish == "tool_calls"


def test_a_first_chunk_without_choices_does_not_begin_the_answer() -> None:
    events = decode(frame({"id": "", "model": "", "created": 0, "choices": []}), *HELLO)
    assert events[0] == MessageStart("c-1", "m-1", 17, "fp", "flex")


def test_events_of_unknown_kinds_are_read_over() -> None:
    strangers = [b'event: metadata\ndata: {"x":1}\n\n', b"event: ping\n\n", b"data: \n\n"]
    decoder = StreamDecoder()
    events = [event for each in [*strangers, *HELLO] for event in decoder.feed(each)]
    assert events == decode(*HELLO)


@pytest.mark.parametrize(
    "broken",
    [b"{", b"[]", b'"x"', b'{"choices":5}', b"\xff", b"[" * 5000, b'{"choices":[{"index":999}]}'],
)
def test_an_event_that_cannot_be_read_fails_the_stream(broken: bytes) -> None:
    event = b"data: %b\n\n" % broken
    decoder = StreamDecoder()
    events = [out for each in HELLO[:2] for out in decoder.feed(each)]
    with pytest.raises(ProviderError) as caught:
        decoder.feed(event)
    assert caught.value.code == "protocol_error"
    assert not any(isinstance(each, MessageEnd) for each in events)


def test_an_error_within_the_stream_comes_after_the_events_before_it() -> None:
    error = frame({"error": {"message": "busy", "code": 429}})
    for frames in (
        [*HELLO[:3], HELLO[2] + error, HELLO[3]],
        [b"".join([*HELLO[:3], HELLO[2], error, HELLO[3]])],
    ):
        decoder = StreamDecoder()
        events: list[Event] = []
        while frames and decoder.error is None:
            events += decoder.feed(frames.pop(0))
        assert events == [*decode(*HELLO)[:4], PartDelta(0, " wörld 🌊")]
        for _ in range(2):
            with pytest.raises(ProviderError) as caught:
                decoder.feed(HELLO[1])
            assert caught.value.code == "rate_limited"
            assert "busy" not in caught.value.message
        with pytest.raises(ProviderError):
            decoder.end()


def test_an_error_beside_choices_is_still_an_error() -> None:
    decoder = StreamDecoder()
    decoder.feed(chunk({"content": "x"}))
    decoder.feed(chunk({"content": "y"}, "error", error={"code": 502, "message": "x"}))
    assert decoder.error is not None
    assert decoder.error.code == "unavailable"


@pytest.mark.parametrize(
    "frames",
    [
        [],
        [b"<html>busy</html>"],
        [b": ping\n\n"],
        HELLO[:1],
        HELLO[:4],
        [*HELLO[:4], chunk({}, "stop")[:-20]],
        [*HELLO[:4], chunk({"content": "x"}, choice_index=1), HELLO[4]],
        [frame({"choices": [], "usage": USAGE})],
    ],
)
def test_a_stream_that_ends_in_the_middle_is_interrupted_and_never_complete(frames: list[bytes]) -> None:
    decoder = StreamDecoder()
    for each in frames:
        assert not any(isinstance(event, MessageEnd) for event in decoder.feed(each))
    with pytest.raises(ProviderError) as caught:
        decoder.end()
    assert caught.value.code == "stream_interrupted"


def test_a_complete_answer_without_terminator_is_finished_with_its_usage() -> None:
    for end in (b"", DONE.strip(), b"data: [DO", b"data: {"):
        assert decode(*HELLO[:-1], end) == decode(*HELLO)


def test_a_terminator_without_any_choice_is_no_answer() -> None:
    with pytest.raises(ProviderError) as caught:
        decode(DONE)
    assert caught.value.code == "bad_response"


def test_what_comes_after_the_terminator_is_not_looked_at() -> None:
    late = [chunk({"content": "x"}), b"data: {\n\n", b"data: {\n\n", frame({"error": {"message": "x"}}), DONE]
    assert decode(*HELLO, *late) == decode(*HELLO)
    assert decode(b"".join([*HELLO, *late])) == decode(*HELLO)


@pytest.mark.parametrize(
    "usage",
    [
        None,
        {},
        {"prompt_tokens": -1, "completion_tokens": 1},
        {"prompt_tokens": 1, "completion_tokens": 10**12},
    ],
)
def test_missing_or_absurd_usage_is_unknown_usage(usage: Any) -> None:
    frames = [*HELLO[:5], frame({"choices": [], "usage": usage}), DONE]
    assert answer_of(decode(*frames)).usage is None


def test_of_running_totals_the_last_one_counts() -> None:
    totals = [{"prompt_tokens": 3, "completion_tokens": number} for number in range(1, 4)]
    frames = [chunk({"content": "x"}, usage=total) for total in totals]
    assert answer_of(decode(*frames, chunk({}, "stop"), DONE)).usage == Usage(3, 3)


def test_a_service_tier_that_goes_back_and_forth_is_followed() -> None:
    tiers = ["flex", "flex", "other", "flex", "other", "flex"]
    frames = [chunk({"content": "x"}, service_tier=tier) for tier in tiers]
    frames += [chunk({}, "stop"), DONE]
    assert decode(*frames) == decode(b"".join(frames))
    assert decode(*frames)[-1] == MessageEnd(("stop",), None)


@pytest.mark.parametrize("together", [False, True])
def test_a_whole_event_behind_half_a_line_is_part_of_that_line(together: bool) -> None:
    usual = chunk({"content": "x"})
    frames = [usual, usual, b"data: {", usual, chunk({}, "stop"), DONE]
    with pytest.raises(ProviderError, match="cannot be read"):
        decode(*([b"".join(frames)] if together else frames))


def test_an_event_that_the_end_cut_off_does_not_make_a_complete_answer_fail() -> None:
    frames = [*HELLO[:-1], b"data: {"]
    assert decode(*frames) == decode(*HELLO)


def test_the_service_tier_that_is_told_last_is_told_at_the_end() -> None:
    frames = [*HELLO[:4], chunk({}, "stop", service_tier="default"), DONE]
    assert decode(*frames)[-1] == MessageEnd(("stop",), None, "default")


def test_a_vendor_that_repeats_the_whole_message_beside_the_deltas_is_not_read_twice() -> None:
    frames = [chunk({"content": "a"}, choice_message={"content": "a"}), chunk({"content": "b"})]
    last = chunk(None, "stop", choice_delta=None, choice_message={"role": "assistant", "content": "ab"})
    assert parts_of(*frames, last, DONE) == (Text("ab"),)


def test_a_stream_without_finish_reason_but_with_terminator_is_over() -> None:
    assert decode(chunk({"content": "x"}), DONE)[-1] == MessageEnd(("",), None)
