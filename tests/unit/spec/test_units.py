import pytest

from seawall.spec.problems import BadValue
from seawall.spec.units import (
    Concurrency,
    Rate,
    parse_concurrency,
    parse_duration,
    parse_money,
    parse_percent,
    parse_rate,
    parse_size,
    show_duration,
    show_percent,
    show_size,
)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2 s", 2.0),
        ("2s", 2.0),
        ("500 ms", 0.5),
        ("1.5 min", 90.0),
        ("2 h", 7200.0),
        ("7 d", 604800.0),
        ("1 000 ms", 1.0),
    ],
)
def test_a_duration_is_read_in_seconds(text, seconds):
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text", ["2", "s", "2 S", "-2 s", "2  s", "1e3 s", "2 s ", "1 00 s", "٢ s", "2 s\n", "2 years", ""]
)
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(BadValue, match="is not a duration"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("text", "size"),
    [("1 B", 1), ("256 KiB", 262144), ("1 KB", 1000), ("1.5 KiB", 1536), ("20 000 B", 20000)],
)
def test_a_size_is_read_in_bytes(text, size):
    assert parse_size(text) == size


def test_a_size_is_whole_bytes():
    with pytest.raises(BadValue, match="not a whole number of bytes"):
        parse_size("1.5 B")


def test_a_share_is_read_as_a_fraction():
    assert parse_percent("20 %") == 0.2
    assert parse_percent("12.5%") == 0.125


def test_money_is_read_exactly_in_nano_dollars():
    assert parse_money("0.05 USD") == 50_000_000
    assert parse_money("20 000 USD") == 20_000 * 10**9
    assert parse_money("0.1 USD") + parse_money("0.2 USD") == parse_money("0.3 USD")


def test_money_finer_than_a_nano_dollar_is_refused():
    with pytest.raises(BadValue, match="finer than a nano-dollar"):
        parse_money("0.0000000001 USD")


@pytest.mark.parametrize("text", ["0.05", "0.05 EUR", "$5", "-1 USD"])
def test_money_needs_its_currency(text):
    with pytest.raises(BadValue, match="is not an amount of money"):
        parse_money(text)


def test_a_rate_counts_calls_in_a_time_for_a_scope():
    assert parse_rate("60/min per key") == Rate(60, 60.0, "key")
    assert parse_rate("5 / 10 s per tenant") == Rate(5, 10.0, "tenant")
    assert parse_rate("5/s") == Rate(5, 1.0, "key")


@pytest.mark.parametrize("text", ["0/min", "60/min per user", "60", "60/fortnight", "1/0 s"])
def test_a_rate_that_lets_nobody_through_or_is_none_is_refused(text):
    with pytest.raises(BadValue):
        parse_rate(text)


def test_concurrency_counts_calls_at_a_time():
    assert parse_concurrency("20 per feature") == Concurrency(20, "feature")
    assert parse_concurrency("3") == Concurrency(3, "key")


def test_quantities_are_shown_in_their_largest_whole_unit():
    assert show_duration(7200) == "2 h"
    assert show_duration(0.25) == "250 ms"
    assert show_duration(2.5) == "2.5 s"
    assert show_size(262144) == "256 KiB"
    assert show_size(1000) == "1000 B"
    assert show_percent(0.125) == "12.5 %"
    assert str(Rate(60, 60.0)) == "60/min per key"
