from hypothesis import given
from hypothesis import strategies as st

from seawall.spec.units import (
    DURATIONS,
    SCOPES,
    SIZES,
    Rate,
    parse_duration,
    parse_money,
    parse_percent,
    parse_rate,
    parse_size,
    show_duration,
    show_percent,
    show_size,
)


@given(st.integers(1, 10**10))
def test_a_duration_in_whole_milliseconds_is_read_back_as_shown(milliseconds):
    seconds = milliseconds / 1000
    assert parse_duration(show_duration(seconds)) == seconds


@given(st.integers(1, 2**40))
def test_a_size_is_read_back_as_shown(size):
    assert parse_size(show_size(size)) == size


@given(st.integers(0, 100_000))
def test_a_share_is_read_back_as_shown(share):
    assert parse_percent(show_percent(share / 100_000)) == share / 100_000


@given(st.integers(0, 10**14))
def test_money_is_read_exactly(nano):
    assert parse_money(f"{nano // 10**9}.{nano % 10**9:09} USD") == nano


@given(
    st.integers(1, 10**6), st.integers(1, 999), st.sampled_from(sorted(DURATIONS)), st.sampled_from(SCOPES)
)
def test_a_rate_is_read_back_as_shown(count, number, unit, scope):
    rate = parse_rate(f"{count}/{number} {unit} per {scope}")
    assert rate == Rate(count, parse_duration(f"{number} {unit}"), scope)
    assert parse_rate(str(rate)) == rate


@given(st.integers(1, 10**6), st.sampled_from(sorted(SIZES)))
def test_digits_may_be_grouped(number, unit):
    assert parse_size(f"{number:,} {unit}".replace(",", " ")) == parse_size(f"{number} {unit}")
