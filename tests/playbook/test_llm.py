"""The LLM layer as a conversation: given these targets and these failures, this is tried and recorded."""

import asyncio

import pytest

from seawall.core.accumulate import Accumulator, replay
from seawall.core.call import Call
from seawall.core.contract import StrictEmit
from seawall.core.errors import CallError, DeadlineExceeded, ProviderError
from seawall.core.events import MessageStart
from seawall.layers.llm.attempt import Target
from seawall.layers.llm.backoff import RetryBudget
from seawall.layers.llm.layer import LLM, Patience
from seawall.testing import FakeClock

from tests.support.fakes import HANG, FakeProvider, answer, call, events_of, request

OK = list(replay(answer("Hello there.")))
MODES = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])


def failing(code: str, **facts: object) -> ProviderError:
    return ProviderError(code, f"it said {code}", **facts)  # type: ignore[arg-type]


class Bench:
    """An LLM layer over fakes, and what came of one call through it."""

    def __init__(
        self, *providers: FakeProvider, budget: RetryBudget | None = None, **patience: float
    ) -> None:
        self.clock = FakeClock()
        self.providers = providers
        targets = [Target(f"p{n}/m", provider, "m", None) for n, provider in enumerate(providers)]
        limits = Patience(**({"first_token": 2.0, "idle": 1.0} | patience))  # type: ignore[arg-type]
        self.llm = LLM(targets, limits, budget=budget or RetryBudget(), clock=self.clock, chance=lambda: 0.5)
        self.got = Accumulator()
        self.call: Call = call(clock=self.clock)

    def run(self, stream: bool, seconds: float = 10.0) -> Exception | None:
        self.call = call(request(stream=stream), clock=self.clock, seconds=seconds)
        strict = StrictEmit(self.got.emit, "LLM")

        async def main() -> None:
            await self.clock.run(self.llm(self.call, strict))

        try:
            asyncio.run(main())
        except CallError as error:
            strict.close(failed=True)
            return error
        else:
            strict.close(failed=False)
            return None
        finally:
            assert all(each.open_streams == 0 for each in self.providers), "a stream was left open"
            assert self.clock.pending == 0, "a timer was left behind"

    @property
    def tried(self) -> list[tuple[str, str]]:
        return [(each.target, each.outcome) for each in self.call.record.attempts]


@MODES
def test_the_first_target_answers(stream: bool) -> None:
    bench = Bench(FakeProvider(OK), FakeProvider(OK))

    assert bench.run(stream) is None

    assert bench.got.answer.text == "Hello there."
    assert bench.tried == [("p0/m", "ok")]
    assert bench.call.record.usage == answer().usage


@MODES
@pytest.mark.parametrize("code", ["rate_limited", "overloaded", "unavailable", "bad_response"])
def test_a_passing_failure_is_retried_on_the_same_target(stream: bool, code: str) -> None:
    bench = Bench(FakeProvider([failing(code)], OK), FakeProvider(OK))

    assert bench.run(stream) is None

    assert bench.tried == [("p0/m", code), ("p0/m", "ok")]


@MODES
def test_after_its_retries_the_next_target_is_asked(stream: bool) -> None:
    bench = Bench(FakeProvider([failing("unavailable")]), FakeProvider(OK))

    assert bench.run(stream) is None

    assert [target for target, _ in bench.tried] == ["p0/m", "p0/m", "p0/m", "p1/m"]


@MODES
@pytest.mark.parametrize("code", ["auth", "not_found", "protocol_error", "connect_failed", "context_length"])
def test_what_a_retry_cannot_mend_goes_to_the_next_target_at_once(stream: bool, code: str) -> None:
    bench = Bench(FakeProvider([failing(code)]), FakeProvider(OK))

    assert bench.run(stream) is None

    assert bench.tried == [("p0/m", code), ("p1/m", "ok")]


@MODES
@pytest.mark.parametrize("code", ["bad_request", "content_filtered"])
def test_what_no_target_can_mend_is_neither_retried_nor_shopped_around(stream: bool, code: str) -> None:
    bench = Bench(FakeProvider([failing(code)]), FakeProvider(OK))

    error = bench.run(stream)

    assert isinstance(error, ProviderError)
    assert error.code == code
    assert bench.tried == [("p0/m", code)]


@MODES
def test_a_silent_target_is_left_for_the_next_and_not_asked_again(stream: bool) -> None:
    bench = Bench(FakeProvider([HANG]), FakeProvider(OK))

    assert bench.run(stream) is None

    assert bench.tried == [("p0/m", "first_token_timeout"), ("p1/m", "ok")]


def test_an_announced_answer_without_content_still_counts_as_silent() -> None:
    bench = Bench(FakeProvider([OK[0], HANG]), FakeProvider(OK))

    assert bench.run(stream=True) is None

    assert bench.tried == [("p0/m", "first_token_timeout"), ("p1/m", "ok")]
    assert bench.got.start == OK[0]
    assert isinstance(OK[0], MessageStart)


def test_a_stream_that_dies_after_text_left_is_an_error_and_nothing_is_mixed_in() -> None:
    cut = [*events_of("Hello there.", 4)[:4], failing("stream_interrupted")]
    bench = Bench(FakeProvider(cut), FakeProvider(OK))

    error = bench.run(stream=True)

    assert isinstance(error, ProviderError)
    assert error.code == "stream_interrupted"
    assert bench.tried == [("p0/m", "stream_interrupted")]
    assert bench.got.answer.text == "Hello "
    assert not bench.got.answer.complete


def test_a_stream_that_dies_before_any_text_is_tried_again() -> None:
    bench = Bench(FakeProvider([OK[0], failing("stream_interrupted")], OK))

    assert bench.run(stream=True) is None

    assert bench.tried == [("p0/m", "stream_interrupted"), ("p0/m", "ok")]


def test_an_answer_that_just_stops_is_an_error_and_never_looks_complete() -> None:
    bench = Bench(FakeProvider(events_of("Hello there.", 4)[:4]))

    error = bench.run(stream=True)

    assert isinstance(error, ProviderError)
    assert error.code == "stream_interrupted"
    assert not bench.got.answer.complete


def test_a_stall_in_the_middle_is_told_apart_from_silence() -> None:
    bench = Bench(FakeProvider([*events_of("Hello there.", 4)[:4], HANG]))

    error = bench.run(stream=True)

    assert isinstance(error, ProviderError)
    assert error.code == "idle_timeout"
    usage = bench.call.record.usage
    assert usage is not None
    assert usage.estimated
    assert usage.output_tokens > 0


def test_a_slow_reader_is_not_a_slow_provider() -> None:
    bench = Bench(FakeProvider(events_of("Hello there.", 4)))

    async def main() -> None:
        async def slow(event: object) -> None:
            await bench.clock.sleep(1.5)  # longer than the idle limit of one second

        bench.call = call(request(stream=True), clock=bench.clock, seconds=60.0)
        await bench.clock.run(bench.llm(bench.call, slow))

    asyncio.run(main())

    assert bench.tried == [("p0/m", "ok")]


@MODES
def test_the_deadline_covers_all_attempts_and_waits(stream: bool) -> None:
    bench = Bench(FakeProvider([failing("unavailable")]), FakeProvider([HANG]))
    started = bench.clock.monotonic()

    error = bench.run(stream, seconds=3.0)

    assert isinstance(error, DeadlineExceeded | ProviderError)
    assert error.status == 504
    assert bench.clock.monotonic() - started <= 3.0 + 0.1


@MODES
def test_a_whole_answer_may_not_eat_the_time_of_its_fallback(stream: bool) -> None:
    bench = Bench(FakeProvider([HANG]), FakeProvider(OK), first_token=1.0)

    assert bench.run(stream, seconds=4.0) is None

    took = bench.call.record.attempts[0].took_us / 1e6
    assert took == pytest.approx(1.0 if stream else 2.4, abs=0.1)


def test_retry_after_is_waited_out_when_there_is_no_other_target() -> None:
    bench = Bench(FakeProvider([failing("rate_limited", retry_after=2.0)], OK))

    assert bench.run(stream=False) is None

    first, second = bench.call.record.attempts
    assert (second.started_us - first.started_us) / 1e6 >= 2.0


def test_retry_after_is_not_waited_out_while_another_target_can_answer() -> None:
    bench = Bench(FakeProvider([failing("rate_limited", retry_after=2.0)]), FakeProvider(OK))

    assert bench.run(stream=False) is None

    assert bench.tried == [("p0/m", "rate_limited"), ("p1/m", "ok")]
    assert bench.call.record.attempts[1].started_us < 100_000


def test_retry_after_beyond_the_deadline_is_handed_to_the_caller() -> None:
    bench = Bench(FakeProvider([failing("rate_limited", retry_after=60.0)]))

    error = bench.run(stream=False)

    assert isinstance(error, ProviderError)
    assert (error.status, error.retry_after) == (429, 60.0)
    assert len(bench.tried) == 1


def test_an_empty_retry_budget_stops_retries_but_not_fallbacks() -> None:
    bench = Bench(FakeProvider([failing("unavailable")]), FakeProvider(OK), budget=RetryBudget(0.0, 0.0))

    assert bench.run(stream=False) is None

    assert bench.tried == [("p0/m", "unavailable"), ("p1/m", "ok")]
    assert any(each.what == "retry_budget_empty" for each in bench.call.record.decisions)


def test_when_all_targets_fail_the_error_tells_of_each_attempt() -> None:
    bench = Bench(FakeProvider([failing("auth")]), FakeProvider([failing("not_found")]))

    error = bench.run(stream=False)

    assert str(error) == "2 attempts failed: it said auth; it said not_found"


@MODES
def test_a_client_that_leaves_is_recorded_as_cancelled_and_closes_the_upstream(stream: bool) -> None:
    bench = Bench(FakeProvider([*events_of("Hello there.", 4)[:3], HANG]))

    async def main() -> None:
        bench.call = call(request(stream=stream), clock=bench.clock)
        task = asyncio.ensure_future(bench.llm(bench.call, bench.got.emit))
        for _ in range(20):
            await asyncio.sleep(0)
        assert bench.providers[0].open_streams == 1
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())

    assert bench.tried == [("p0/m", "cancelled")]
    assert bench.providers[0].open_streams == 0
    assert bench.clock.pending == 0
