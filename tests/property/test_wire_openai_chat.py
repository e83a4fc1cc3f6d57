"""Laws of the chat dialect: nothing is lost on the way, and no cut of the bytes matters."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.core.accumulate import Accumulator, Answer, Choice, replay
from seawall.core.errors import InvalidRequest, ProviderError
from seawall.core.events import Event, MessageStart, PartDelta, PartEnd, PartStart, Usage
from seawall.core.messages import (
    Media,
    Message,
    Part,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
    ToolSpec,
)
from seawall.core.ports import ProviderRequest
from seawall.core.request import ChatRequest, ResponseFormat, Sampling, ToolChoice
from seawall.wire.openai_chat import (
    DONE,
    Capabilities,
    StreamDecoder,
    StreamEncoder,
    decode_answer,
    decode_request,
    encode_answer,
    encode_request,
)
from seawall.wire.openai_chat.strict import MOST_DEPTH, check_depth

ALL = Capabilities(
    developer_role=True,
    user=True,
    metadata=True,
    custom_tools=True,
    reasoning_field="reasoning_content",
    extras=frozenset({"store", "x"}),
)

words = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
some = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
names = st.text("abc_-0", min_size=1, max_size=6)
numbers = st.floats(-2, 2)
counts = st.integers(0, 10**6)
plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | words,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(words, inner, max_size=2),
    max_leaves=4,
)
objects = st.dictionaries(words, plain, max_size=3)


def perhaps(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


texts = st.builds(Text, words)
calls = st.builds(ToolCall, some, some, words, st.sampled_from(["function", "custom"]))
media = st.one_of(
    st.builds(Media, st.just("image"), url=some, detail=st.sampled_from(["", "low"])),
    st.builds(Media, st.just("audio"), data=words.filter(bool), media_type=st.sampled_from(["wav", "mp3"])),
    st.builds(Media, st.just("file"), data=words, file_id=words, name=words),
)


@st.composite
def spoken(draw: st.DrawFn) -> tuple[Part, ...]:
    """What an assistant may have said, in the dialect's order."""
    parts: list[Part] = [Reasoning(draw(some))] if draw(st.booleans()) else []
    said: list[Part] = draw(st.lists(texts, max_size=2))
    if draw(st.booleans()):
        said.append(Refusal(draw(some)))
    return (*parts, *said, *draw(st.lists(calls, max_size=2)))


messages = st.one_of(
    st.builds(Message, st.sampled_from(["system", "developer"]), st.tuples(texts), names),
    st.builds(Message, st.just("user"), st.lists(texts | media, max_size=3).map(tuple), names),
    st.builds(Message, st.just("assistant"), spoken(), names),
    st.builds(
        Message,
        st.just("tool"),
        st.tuples(st.builds(ToolResult, some, st.lists(texts, max_size=2).map(tuple))),
    ),
)
requests = st.builds(
    ChatRequest,
    model=some,
    messages=st.lists(messages, min_size=1, max_size=3).map(tuple),
    tools=st.lists(
        st.builds(ToolSpec, names, words, perhaps(objects), perhaps(st.booleans()))
        | st.builds(ToolSpec, names, words, kind=st.just("custom"), format=perhaps(objects.filter(bool))),
        max_size=2,
    ).map(tuple),
    tool_choice=perhaps(
        st.sampled_from(
            [ToolChoice(), ToolChoice("none"), ToolChoice("required"), ToolChoice("tool", ("zz",))]
        )
    ),
    parallel_tool_calls=perhaps(st.booleans()),
    sampling=st.builds(
        Sampling,
        temperature=perhaps(numbers),
        top_p=perhaps(numbers),
        max_tokens=perhaps(st.integers(1, 10**6)),
        stop=st.lists(words, max_size=2).map(tuple),
        seed=perhaps(st.integers(-(2**63), 2**63)),
        frequency_penalty=perhaps(numbers),
        presence_penalty=perhaps(numbers),
        logit_bias=perhaps(st.dictionaries(words, numbers, min_size=1, max_size=2)),
        n=st.integers(1, 5),
        logprobs=st.booleans(),
        top_logprobs=perhaps(counts),
        reasoning_effort=perhaps(some),
    ),
    response_format=perhaps(
        st.builds(
            ResponseFormat, st.just("json_schema"), words, words, perhaps(objects), perhaps(st.booleans())
        )
        | st.sampled_from([ResponseFormat(), ResponseFormat("json_object")])
    ),
    stream=st.booleans(),
    user=words,
    metadata=st.just({"k": "v"}),
    extras=st.fixed_dictionaries(
        {"store": st.just(True)}, optional={"x": plain.filter(lambda x: x is not None)}
    ),
)


def sent(chat: ChatRequest) -> bytes:
    return encode_request(
        ProviderRequest(chat=chat, model=chat.model, call_id="c", correlation_id="r", timeout=1.0), ALL
    )


@given(requests)
@settings(max_examples=70, deadline=None)
def test_a_request_survives_the_wire(chat: ChatRequest) -> None:
    """Apart from `include_usage`, since a provider is always asked."""
    expected = msgspec.structs.replace(chat, include_usage=chat.stream)
    body = sent(chat)
    assert decode_request(body) == expected
    # However it is spelled: spaces, escapes, order.
    tree = json.loads(body)
    respelled = json.dumps(dict(reversed(tree.items())), indent=1, ensure_ascii=True)
    assert decode_request(respelled.encode()) == expected


@given(requests)
@settings(max_examples=30, deadline=None)
def test_what_goes_upstream_says_what_came_in_for_every_json_parser(chat: ChatRequest) -> None:
    body = sent(chat)
    assert json.loads(body) == msgspec.json.decode(body)
    assert sent(decode_request(body)) == body


@given(requests, st.data())
@settings(max_examples=50, deadline=None)
def test_a_key_that_is_doubled_anywhere_is_refused(chat: ChatRequest, data: st.DataObject) -> None:
    tree = json.loads(sent(chat))
    objects_within: list[dict[str, Any]] = []
    pending: list[Any] = [tree]
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            if value:
                objects_within.append(value)
            pending += value.values()
        elif isinstance(value, list):
            pending += value
    victim = data.draw(st.sampled_from(objects_within))
    key = data.draw(st.sampled_from(sorted(victim)))
    victim["\0mark"] = victim[key]
    spelled = data.draw(st.sampled_from([json.dumps(key), '"' + "".join(map(escaped, key)) + '"']))
    body = json.dumps(tree).replace('"\\u0000mark"', spelled)
    with pytest.raises(InvalidRequest, match="occurs twice"):
        decode_request(body.encode())


def escaped(char: str) -> str:
    units = char.encode("utf-16-be")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))


@given(st.binary(max_size=200) | plain.map(lambda value: json.dumps(value).encode()))
@settings(max_examples=80, deadline=None)
def test_no_body_can_do_more_than_be_refused(body: bytes) -> None:
    with pytest.raises(InvalidRequest):
        decode_request(body)
    with pytest.raises(ProviderError):
        decode_answer(body)


usages = st.builds(
    lambda a, b, c, d, e, f: Usage(a + c + d, b + e, c, d, e, f, f, f, f),
    counts,
    counts,
    counts,
    counts,
    counts,
    counts,
)
logprobs = perhaps(st.lists(objects, min_size=1, max_size=2).map(tuple))


@st.composite
def answers(draw: st.DrawFn) -> Answer:
    """Answers in the dialect's order: reasoning, words, refusal, tool calls, each with something in it."""
    choices = []
    for _ in range(draw(st.integers(1, 3))):
        parts: list[Part] = [Reasoning(draw(some))] if draw(st.booleans()) else []
        parts += [Text(draw(some), draw(logprobs))] if draw(st.booleans()) else []
        parts += [Refusal(draw(some), draw(logprobs))] if draw(st.booleans()) else []
        parts += draw(st.lists(calls, max_size=2))
        finish = draw(st.sampled_from(["stop", "length", "tool_calls", "content_filter", "eos"]))
        choices.append(Choice(Message("assistant", tuple(parts)), finish))
    return Answer(
        draw(words),
        draw(words),
        draw(counts),
        tuple(choices),
        draw(perhaps(usages)),
        draw(words),
        draw(words),
    )


@given(answers())
@settings(max_examples=70, deadline=None)
def test_an_answer_survives_the_wire(answer: Answer) -> None:
    assert decode_answer(encode_answer(answer, model=answer.model)) == answer


def stream_of(events: list[Event], *, include_usage: bool = True) -> list[bytes]:
    encoder = StreamEncoder(include_usage=include_usage)
    return [*[frame for event in events if (frame := encoder.encode(event))], DONE]


def decoded(pieces: list[bytes]) -> list[Event]:
    decoder = StreamDecoder()
    return [event for piece in pieces for event in decoder.feed(piece)] + decoder.end()


def folded(events: list[Event]) -> Answer:
    sink = Accumulator()
    for event in events:
        sink.add(event)
    return sink.answer


@st.composite
def streams(draw: st.DrawFn) -> tuple[Answer, list[Event]]:
    """An answer, and events of it in small pieces; what may interleave does."""
    answer = draw(answers())
    start, *rest, end = replay(answer)
    assert isinstance(start, MessageStart)
    lanes: dict[int, list[Event]] = {}
    choice = 0
    for event in rest:
        if isinstance(event, PartStart):
            choice = event.choice
        lane = lanes.setdefault(choice, [])
        if isinstance(event, PartDelta) and event.logprobs is None and len(event.text) > 1:
            at = draw(st.integers(1, len(event.text) - 1))
            lane += [PartDelta(event.index, event.text[:at]), PartDelta(event.index, event.text[at:])]
        else:
            lane.append(event)
    events: list[Event] = [start]
    while lanes:
        number = draw(st.sampled_from(sorted(lanes)))
        events.append(lanes[number].pop(0))
        if not lanes[number]:
            del lanes[number]
    return answer, [*events, end]


@given(streams())
@settings(max_examples=70, deadline=None)
def test_a_stream_survives_the_wire(case: tuple[Answer, list[Event]]) -> None:
    answer, events = case
    assert folded(events) == answer
    frames = stream_of(events)
    again = decoded(frames)
    assert folded(again) == answer
    deltas = [event.text for event in events if isinstance(event, PartDelta)]
    assert [event.text for event in again if isinstance(event, PartDelta)] == deltas
    assert sum(isinstance(event, PartEnd) for event in again) == sum(isinstance(e, PartEnd) for e in events)


@given(streams(), st.data(), st.sampled_from([b"\n", b"\r\n", b"\r"]))
@settings(max_examples=50, deadline=None)
def test_no_cut_of_the_bytes_changes_the_events(
    case: tuple[Answer, list[Event]], data: st.DataObject, newline: bytes
) -> None:
    frames = [frame.replace(b"\n", newline) for frame in stream_of(case[1])]
    stream = b"".join(frames)
    cuts = sorted(data.draw(st.sets(st.integers(0, len(stream)), max_size=12)))
    pieces = [stream[start:end] for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    assert decoded(pieces) == decoded([stream]) == decoded(frames)


@given(
    st.lists(
        st.binary(max_size=40) | st.sampled_from([b"data: ", b"\n\n", b'{"choices":[', b"]}"]), max_size=12
    )
)
@settings(max_examples=70, deadline=None)
def test_no_bytes_can_do_more_to_a_stream_than_fail_it(pieces: list[bytes]) -> None:
    with pytest.raises(ProviderError):
        decoded(pieces)


def depth_of(value: Any) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inner is None else 1 + max(map(depth_of, inner), default=0)


brackets_around = '}]"[{\\'
brackets = st.text('{}[]"\\:, a', max_size=5)


@given(
    st.recursive(
        brackets,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(brackets, inner, max_size=3),
        max_leaves=10,
    ),
    st.integers(55, 64),
)
@settings(max_examples=80, deadline=None)
def test_depth_is_counted_outside_strings_only(value: Any, around: int) -> None:
    for number in range(around):
        value = [value, brackets_around] if number % 2 else {brackets_around: value}
    body = json.dumps(value).encode()
    if depth_of(value) <= MOST_DEPTH:
        check_depth(body)
    else:
        with pytest.raises(InvalidRequest, match="deeper"):
            check_depth(body)
