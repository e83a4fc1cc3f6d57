"""Folding and replaying are inverse; every replay keeps the stream contract."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from seawall.core.accumulate import Accumulator, Answer, Choice, replay
from seawall.core.contract import StrictEmit
from seawall.core.events import Event, PartDelta, Usage
from seawall.core.messages import Message, Reasoning, Refusal, Text, ToolCall

WORDS = st.text(max_size=40)
LOGPROBS = st.none() | st.lists(st.fixed_dictionaries({"token": WORDS}), min_size=1, max_size=3).map(tuple)
PARTS = st.one_of(
    st.builds(Text, WORDS, LOGPROBS),
    st.builds(Refusal, WORDS),
    st.builds(Reasoning, WORDS, WORDS),
    st.builds(ToolCall, WORDS, WORDS, WORDS, st.sampled_from(["function", "custom"])),
)
CHOICES = st.builds(
    Choice,
    st.lists(PARTS, max_size=4).map(lambda parts: Message("assistant", tuple(parts))),
    st.sampled_from(["stop", "length", "tool_calls", "content_filter", "something_new"]),
)
ANSWERS = st.builds(
    Answer,
    id=WORDS,
    model=WORDS,
    created=st.integers(0, 2**40),
    choices=st.lists(CHOICES, min_size=1, max_size=3).map(tuple),
    usage=st.none() | st.builds(Usage, st.integers(0, 10**6), st.integers(0, 10**6)),
    fingerprint=WORDS,
    service_tier=WORDS,
)


def fold(events: list[Event]) -> Answer:
    whole = Accumulator()
    for event in events:
        whole.add(event)
    return whole.answer


@given(ANSWERS)
def test_folding_a_replay_gives_the_answer_back(answer: Answer) -> None:
    assert fold(list(replay(answer))) == answer


@given(ANSWERS, st.data())
def test_how_the_text_is_cut_into_deltas_does_not_matter(answer: Answer, data: st.DataObject) -> None:
    cut: list[Event] = []
    for event in replay(answer):
        if isinstance(event, PartDelta) and len(event.text) > 1 and event.logprobs is None:
            at = data.draw(st.integers(1, len(event.text) - 1))
            cut += [PartDelta(event.index, event.text[:at]), PartDelta(event.index, event.text[at:])]
        else:
            cut.append(event)

    assert fold(cut) == answer


@given(ANSWERS)
def test_every_replay_keeps_the_stream_contract(answer: Answer) -> None:
    async def main() -> None:
        whole = Accumulator()
        strict = StrictEmit(whole.emit, "replay")
        for event in replay(answer):
            await strict(event)
        strict.close(failed=False)

    asyncio.run(main())


@given(ANSWERS, st.data())
def test_a_prefix_of_the_events_is_an_incomplete_answer(answer: Answer, data: st.DataObject) -> None:
    events = list(replay(answer))
    prefix = events[: data.draw(st.integers(0, len(events) - 1))]

    assert not fold(prefix).complete
