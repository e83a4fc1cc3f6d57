"""Laws of the token bucket, the concurrency count and the retry budget."""

from hypothesis import given
from hypothesis import strategies as st

from seawall.layers.input.limits import Concurrency, LimitState, Rate, TokenBucket
from seawall.layers.llm.backoff import Backoff, RetryBudget

GAPS = st.lists(st.floats(0, 5, allow_nan=False), min_size=1, max_size=200)


@given(GAPS, st.integers(1, 20), st.floats(0.1, 10))
def test_a_bucket_never_admits_more_than_it_holds_and_earns(
    gaps: list[float], count: int, per: float
) -> None:
    bucket = TokenBucket(count, count / per, 0.0)
    now, admitted = 0.0, 0
    for gap in gaps:
        now += gap
        admitted += bucket.take(now) == 0.0
        assert admitted <= count + now * count / per + 1e-6


@given(GAPS, st.integers(1, 5))
def test_after_the_wait_it_names_a_bucket_admits(gaps: list[float], count: int) -> None:
    bucket = TokenBucket(count, count, 0.0)
    now = 0.0
    for gap in gaps:
        now += gap
        wait = bucket.take(now)
        if wait:
            now += wait + 1e-9
            assert bucket.take(now) == 0.0


@given(st.lists(st.floats(-5, 5, allow_nan=False), max_size=100))
def test_a_clock_that_runs_backwards_gives_nothing_away(steps: list[float]) -> None:
    bucket = TokenBucket(3, 1.0, 0.0)
    now, latest, admitted = 0.0, 0.0, 0
    for step in steps:
        now += step
        latest = max(latest, now)
        admitted += bucket.take(now) == 0.0
        assert admitted <= 3 + latest + 1e-6


@given(st.lists(st.booleans(), max_size=200), st.integers(1, 5))
def test_no_more_run_at_a_time_than_allowed_and_none_is_lost(steps: list[bool], most: int) -> None:
    state, limit, running = LimitState(), Concurrency(most), 0
    for enter in steps:
        if enter:
            entered = state.enter("f", limit, "k")
            assert entered == (running < most)
            running += entered
        elif running:
            state.leave("f", limit, "k")
            running -= 1
        assert state.running == running


def test_one_key_does_not_use_up_the_allowance_of_another() -> None:
    state, rate = LimitState(), Rate(1, 60)

    assert state.take("f", rate, "a", 0.0) == 0.0
    assert state.take("f", rate, "a", 0.0) > 0.0
    assert state.take("f", rate, "b", 0.0) == 0.0


def test_full_buckets_are_forgotten() -> None:
    state, rate = LimitState(), Rate(10, 1)
    for number in range(LimitState.SWEEP_EVERY):
        state.take("f", rate, f"old-{number}", 0.0)
    for number in range(LimitState.SWEEP_EVERY):
        state.take("f", rate, f"new-{number}", 100.0)

    assert not any(who.startswith("old") for _, _, who in state._buckets)


@given(st.integers(1, 2000))
def test_retries_stay_a_fraction_of_the_calls(calls: int) -> None:
    budget = RetryBudget(ratio=0.2, reserve=10)
    retries = 0
    for _ in range(calls):
        budget.deposit()
        while budget.withdraw():
            retries += 1

    assert retries <= 0.2 * calls + 10 + 1e-6


@given(st.integers(0, 10_000), st.floats(0, 1, exclude_max=True))
def test_a_delay_is_never_negative_nor_above_the_ceiling(retry: int, chance: float) -> None:
    assert 0 <= Backoff().delay(retry, chance) <= Backoff().most
