"""Values of named fields in a text."""

import pytest

from seawall.plugins.providers.scripted import fields

TEXT = "Ship 3 boxes to Oslo by 2026-07-01, total $1,249.50. Call +47 22 33 44 55 or see https://a.example/x."


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("city", "Oslo"),
        ("due_date", "2026-07-01"),
        ("phone", "+47 22 33 44 55"),
        ("url", "https://a.example/x"),
    ],
)
def test_a_text_field_is_found_by_its_kind(name: str, value: str) -> None:
    assert fields.string(name, "", "", TEXT, set()) == value


@pytest.mark.parametrize(("name", "value"), [("total", 1249.5), ("boxes", 3.0)])
def test_a_number_is_found_near_its_name_or_by_its_currency(name: str, value: float) -> None:
    assert fields.number(name, "", TEXT, set()) == value


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("on 3rd of", None),
        ("on May 3rd, 2026", "2026-05-03"),
        ("3 May 2026", "2026-05-03"),
        ("03.05.2026", "2026-05-03"),
    ],
)
def test_dates_are_written_in_iso_form(text: str, date: str | None) -> None:
    assert fields.string("date", "", "date", text, set()) == date


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("The parcel arrived.", True),
        ("It has not arrived", False),
        ("It hasn't arrived", False),
        ("Hello", None),
        ("arrived: yes", True),
    ],
)
def test_a_truth_is_what_the_sentence_says(text: str, value: bool | None) -> None:
    assert fields.truth("arrived", "", text) is value


def test_a_label_beats_everything() -> None:
    assert fields.string("order_id", "", "", "See B-2.\nOrder ID: A-1\n", set()) == "A-1"
    assert fields.labelled("unit_price", '{"unit_price": 12.5}') == "12.5"


def test_values_that_are_used_give_way_to_fresh_ones() -> None:
    assert fields.string("buyer_email", "", "", "a@x.example b@x.example", {"a@x.example"}) == "b@x.example"
