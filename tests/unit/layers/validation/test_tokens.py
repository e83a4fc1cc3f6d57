"""Numbers in any form, and the count of the work."""

import pytest

from seawall.layers.validation.tokens import (
    Budget,
    Unreadable,
    Written,
    parse_number,
    read_float,
    read_number_text,
)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("5", 5),
        (" -0.5 ", -0.5),
        ("+3", 3),
        ("007", 7),
        (".5", 0.5),
        ("5.", 5.0),
        ("1_000", 1000),
        ("0x1F", 31),
        ("-0x10", -16),
        ("1e3", 1000.0),
        ("1,234,567", 1234567),
        ("12,345.5", 12345.5),
    ],
)
def test_a_text_that_is_a_number(text: str, number: float) -> None:
    assert read_number_text(text) == number


@pytest.mark.parametrize(
    "text", ["", "five", "5 kg", "$5", "5%", "1.2.3", "--5", "NaN", "1,5", "1,234", "12,34,567", "٣", "5e"]
)
def test_a_text_that_is_not_certainly_a_number(text: str) -> None:
    assert read_number_text(text) is None


def test_a_number_keeps_its_text_where_that_says_more() -> None:
    assert read_float("1.5") == 1.5
    assert read_float("1.50") == Written("1.50", 1.5)
    assert parse_number("007]", 0) == (Written("007", 7), 3, False)
    assert parse_number("12]", 0) == (12, 2, True)
    assert parse_number("12ab", 0) is None


def test_numbers_no_double_holds_are_refused() -> None:
    for text in ("1e999", "9" * 5000):
        with pytest.raises(Unreadable, match="out of range"):
            parse_number(text, 0)


def test_a_budget_is_proportional_to_the_text_and_ends() -> None:
    assert Budget(1_000_000).limit < 1_000_000
    budget = Budget(0)
    budget.spend(budget.limit)
    assert budget.spent == budget.limit
    with pytest.raises(Unreadable, match="too much work"):
        budget.spend()
