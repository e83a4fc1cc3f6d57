"""Whatever is asked, there is an answer: the service is total."""

from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.plugins.providers.scripted import FAULTS
from seawall.plugins.providers.scripted.limits import Capacity, Limits
from seawall.plugins.providers.scripted.log import Received
from seawall.plugins.providers.scripted.plan import FaultPlan
from seawall.plugins.providers.scripted.service import Options, Service
from seawall.testing import FakeClock

from tests.unit.plugins.scripted.raw import CONTEXT, ORDERS, WEATHER, asked

ENDLESS = {"ping_forever", "many_events", "huge_line", "header_flood", "gzip_bomb", "endless_line"}
words = st.one_of(
    st.text(max_size=60),
    st.lists(
        st.sampled_from([*CONTEXT.split(), "and", "?", "\n", "Say", '"x"', "[a-1]", "<b id='c'>"]),
        max_size=30,
    ).map(" ".join),
)
more = st.fixed_dictionaries(
    {},
    optional={
        "stream": st.booleans(),
        "n": st.integers(1, 3),
        "logprobs": st.just(True),
        "max_tokens": st.integers(1, 20),
        "stop": st.lists(st.text(max_size=2), max_size=2),
        "temperature": st.floats(0, 2),
        "tools": st.just([WEATHER, ORDERS]),
        "response_format": st.sampled_from(
            [
                {"type": "text"},
                {"type": "json_schema", "json_schema": {"schema": {"properties": {"x": True}}}},
            ]
        ),
    },
)


def service() -> Service:
    clock = FakeClock()
    return Service(Options(), clock, FaultPlan(clock, 0), Limits(Capacity(), clock))


@settings(max_examples=60, deadline=None)
@given(words, more, st.lists(st.sampled_from(sorted(FAULTS.keys() - ENDLESS)), max_size=3))
def test_every_request_with_any_faults_has_a_response(
    text: str, rest: dict[str, Any], faults: list[str]
) -> None:
    model = "+".join(["scripted-large", *faults])
    body = msgspec.json.encode(asked(model, text, **rest))
    job = service().respond(Received(1, 0.0, "POST", "/v1/chat/completions", {}, body, 1))
    for _ in job.steps:
        pass
    assert job.entry.status >= 100


@given(st.binary(max_size=200))
def test_a_body_that_is_no_request_is_refused(body: bytes) -> None:
    job = service().respond(Received(1, 0.0, "POST", "/v1/chat/completions", {}, body, 1))
    assert job.entry.status == 400


def test_the_draw_of_a_request_does_not_depend_on_what_came_before() -> None:
    one = service()
    bodies = [msgspec.json.encode(asked(text=text)) for text in ("a?", "b?")]
    received = [Received(1, 0.0, "POST", "/v1/chat/completions", {}, body, 1) for body in bodies]
    alone = b"".join(step for step in service().respond(received[1]).steps if isinstance(step, bytes))
    one.respond(received[0])
    after = b"".join(step for step in one.respond(received[1]).steps if isinstance(step, bytes))
    assert alone == after
