"""The small pure parts: draws, timing, faults as text, the plan, requests, limits, the log."""

import math
import statistics
from typing import Any

import msgspec
import pytest

from seawall.plugins.providers.scripted import PROFILES, Capacity, FaultSyntaxError
from seawall.plugins.providers.scripted.draw import Draw
from seawall.plugins.providers.scripted.faults import FAULTS, parse_faults
from seawall.plugins.providers.scripted.limits import Limits, duration
from seawall.plugins.providers.scripted.log import Received, RequestLog
from seawall.plugins.providers.scripted.plan import FaultPlan, Sightings, in_force
from seawall.plugins.providers.scripted.request import BadRequest, decode, read_model
from seawall.plugins.providers.scripted.timing import LoopClock, Pace
from seawall.testing import FakeClock


def test_draws_are_even_and_depend_on_every_part() -> None:
    units = [Draw("seed", number).unit("x") for number in range(500)]
    assert 0.45 < statistics.mean(units) < 0.55
    assert Draw("a", "bc").unit("x") != Draw("ab", "c").unit("x")
    assert Draw("a").unit("x") == Draw("a").unit("x") != Draw("a").unit("y")


def test_delays_are_log_normal_around_the_profile_and_scale_with_speed() -> None:
    large = PROFILES["scripted-large"]
    firsts = [Pace(large, Draw(number), 1.0).first() for number in range(400)]
    assert statistics.median(firsts) == pytest.approx(large.first_token, rel=0.15)
    assert statistics.stdev(map(math.log, firsts)) == pytest.approx(large.spread, rel=0.15)
    assert Pace(large, Draw(1), 10.0).first() == pytest.approx(Pace(large, Draw(1), 1.0).first() / 10)
    assert Pace(PROFILES["scripted-instant"], Draw(1), 1.0).total(100) == 0.0


def test_the_clock_of_the_loop_runs() -> None:
    assert LoopClock().monotonic() <= LoopClock().monotonic()
    assert LoopClock().wall() > 1_700_000_000


def test_every_fault_can_be_written_with_its_own_default() -> None:
    for fault in FAULTS.values():
        assert fault.text
        written = fault.name if fault.default is None else f"{fault.name}={fault.default}"
        assert parse_faults(written) == parse_faults(fault.name)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("nope", "unknown fault 'nope'; there are: after_done, "),
        ("hang=3", "'hang' takes no value, got '3'"),
        ("status=abc", "'status' wants a whole number of 0 or more, got 'abc'"),
        ("status=7", "from 100 to 999, got '7'"),
        ("speed=0", "'speed' wants a number above 0, got '0'"),
        ("pieces=0", "'pieces' wants a whole number above 0"),
        ("pause=nan", "'pause' wants a number of 0 or more, got 'nan'"),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_reason(text: str, says: str) -> None:
    with pytest.raises(FaultSyntaxError, match=says):
        parse_faults(text)


def test_a_plan_refuses_what_cannot_be() -> None:
    plan = FaultPlan(FakeClock(), 0)
    with pytest.raises(ValueError, match="rate 2"):
        plan.add("hang", rate=2)
    with pytest.raises(ValueError, match="stop 1 must be later"):
        plan.add("hang", start=2, stop=1)


def test_planned_faults_add_up() -> None:
    plan = FaultPlan(FakeClock(), 0)
    plan.set("usage_missing")
    plan.add("hedge", model="scripted-large*")
    assert set(plan.for_request("scripted-large", Draw(1))) == {"usage_missing", "hedge"}
    assert set(plan.for_request("scripted-small", Draw(1))) == {"usage_missing"}


def test_the_oldest_sightings_are_forgotten() -> None:
    sightings = Sightings()
    counts = [sightings.add(b"a"), sightings.add(b"a")]
    for number in range(10_001):
        sightings.add(b"%d" % number)
    assert [*counts, sightings.add(b"a")] == [0, 1, 0]


def test_speed_survives_a_rate_that_spares_the_request() -> None:
    assert in_force({"hang": 1, "speed": 2.0, "rate": 0.0}, Draw(1), 0) == {"speed": 2.0}
    assert in_force({"hang": 1, "first": 2}, Draw(1), 1) == {"hang": 1}
    assert in_force({"hang": 1, "first": 2}, Draw(1), 2) == {}


USER: Any = {"role": "user", "content": "x"}
CALLS: Any = {"role": "assistant", "tool_calls": [{"id": "c", "function": {"name": "f", "arguments": "{}"}}]}


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"{", "not JSON"),
        (b"\xff", "not JSON"),
        ({"messages": []}, "model"),
        ({"model": "m", "messages": []}, "messages is empty"),
        ({"model": "m", "messages": [{"role": "robot", "content": "x"}]}, "robot"),
        ({"model": "m", "messages": [USER], "n": 0}, "n is 0"),
        ({"model": "m", "messages": [USER], "temperature": 3}, "temperature is 3"),
        ({"model": "m", "messages": [USER], "top_logprobs": 2}, "needs logprobs"),
        ({"model": "m", "messages": [USER], "tool_choice": "auto"}, "only allowed when tools"),
        ({"model": "m", "messages": [USER, CALLS]}, r"\['c'\] have no tool message"),
        ({"model": "m", "messages": [USER, CALLS, USER]}, r"\['c'\] have no tool message"),
        (
            {"model": "m", "messages": [{"role": "tool", "tool_call_id": "c", "content": ""}]},
            "answers no tool call",
        ),
        (
            {
                "model": "m",
                "messages": [USER],
                "tools": [{"function": {"name": "f", "parameters": {"type": 3}}}],
            },
            "Invalid schema for 'f'",
        ),
        ({"model": "m", "messages": [USER], "response_format": {"type": "xml"}}, "'xml' is unknown"),
        ({"model": "m", "messages": [USER], "response_format": {"type": "json_object"}}, "the word 'json'"),
    ],
)
def test_bad_requests_are_refused_as_a_vendor_would(body: Any, says: str) -> None:
    with pytest.raises(BadRequest, match=says):
        decode(body if isinstance(body, bytes) else msgspec.json.encode(body))


def test_a_model_name_carries_profile_version_and_faults() -> None:
    served, profile, chosen = read_model("scripted-small-2026-02-01+status=529+hang")
    assert (served, profile.name) == ("scripted-small-2026-02-01", "scripted-small")
    assert chosen == {"status": 529, "hang": 1}
    with pytest.raises(BadRequest, match="does not exist") as caught:
        read_model("gpt-4")
    assert caught.value.status == 404


def test_a_limit_refills_evenly_and_takes_nothing_when_it_refuses() -> None:
    clock = FakeClock()
    limits = Limits(Capacity(requests_per_minute=10, tokens_per_minute=600), clock)
    assert limits.admit(600) is None
    kind, wait = limits.admit(60) or ("", 0.0)
    assert kind == "tokens"
    assert wait == pytest.approx(6.0)
    assert dict(limits.headers())["x-ratelimit-remaining-requests"] == "9"
    clock.advance(6)
    assert limits.admit(60) is None
    assert limits.admit(10_000) is not None
    clock.advance(60)
    assert limits.admit(10_000) is None


def test_a_limit_of_nothing_is_an_error() -> None:
    with pytest.raises(ValueError, match="concurrent 0"):
        Limits(Capacity(concurrent=0), FakeClock())


@pytest.mark.parametrize(("seconds", "text"), [(0.25, "250ms"), (1, "1s"), (59.2, "1m0s"), (90, "1m30s")])
def test_durations_are_written_as_openai_does(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_the_log_is_bounded_in_number_and_bytes() -> None:
    log = RequestLog(most=3, most_bytes=100)
    for number in range(5):
        log.add(Received(number, 0.0, "GET", "/", {}, b"x" * 10, 1))
    assert [entry.number for entry in log] == [2, 3, 4]
    log.add(Received(5, 0.0, "GET", "/", {}, b"x" * 95, 1))
    assert [entry.number for entry in log] == [5]
    log.clear()
    assert len(log) == 0
