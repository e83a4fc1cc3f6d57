"""JSON that is not quite JSON."""

from typing import Any

import pytest

from seawall.layers.validation.tokens import Budget, Odd, Unreadable, Written
from seawall.layers.validation.tolerant import MAX_DEPTH, Reader


def read(text: str, *, loose: bool = False, cut: bool = False) -> Any:
    return Reader(text, Budget(len(text)), loose=loose, cut=cut).read(0)


@pytest.mark.parametrize(
    ("text", "value", "fixes"),
    [
        ('{"a": [1, true, null, "x"]}', {"a": [1, True, None, "x"]}, set()),
        ('{"a": 1,}', {"a": 1}, {"trailing_comma"}),
        ("[1,, 2]", [1, 2], {"extra_comma"}),
        ("[, 1]", [1], {"extra_comma"}),
        ('{"a": 1 "b": 2}', {"a": 1, "b": 2}, {"missing_comma"}),
        ('["a" "b"]', ["a", "b"], {"missing_comma"}),
        ('[{"a": 1} {"a": 2}]', [{"a": 1}, {"a": 2}], {"missing_comma"}),
        ("{a: 1, $b-c: 2}", {"a": 1, "$b-c": 2}, {"unquoted_keys"}),
        ("{'a': 'b'}", {"a": "b"}, {"quotes"}),
        ("{“a”: “b”}", {"a": "b"}, {"quotes"}),
        ('{"a": 1 // one\n, /* two */ "b": 2 # three\n}', {"a": 1, "b": 2}, {"comments"}),
        ("[True, FALSE, None]", [True, False, None], {"literals"}),
        ('{"a": {"b": [1, 2}}', {"a": {"b": [1, 2]}}, {"missing_closer"}),
        ('{"a": {"b": 1}', {"a": {"b": 1}}, {"missing_closer"}),
        ('{"a": 1\n```', {"a": 1}, {"missing_closer"}),
        ('{"a": 1, "a": 1}', {"a": 1}, {"repeated_key"}),
        ('{\u00a0"a":\ufeff1}', {"a": 1}, set()),
        ("[+5, 1.50]", [Written("+5", 5), Written("1.50", 1.5)], {"odd_numbers"}),
        ("[undefined, NaN, -Infinity]", [Odd.UNDEFINED, Odd.NOT_A_NUMBER, Odd.NOT_A_NUMBER], set()),
        ("[ok]", [Written("ok")], set()),
    ],
)
def test_it_is_read_and_what_was_odd_is_named(text: str, value: Any, fixes: set[str]) -> None:
    reading = read(text)
    assert reading.value == value
    assert reading.fixes == fixes


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 1, "a": 2}',
        '{"a": }',
        '{"a" 1}',
        '{"a": 1, ',
        '{"a": "x',
        '{"a": 1]',
        "[1 /* no end",
        "[1; 2]",
        "{a b}",
        "[see below]",
        "[...]",
        '{"a": 1e999}',
        "[" * (MAX_DEPTH + 1),
    ],
)
def test_what_has_no_single_reading_is_refused(text: str) -> None:
    for loose in (False, True):
        with pytest.raises(Unreadable):
            read(text, loose=loose)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": 1, "b', {"a": 1}),
        ('{"a": 1, "b"', {"a": 1}),
        ('{"a": 1, "b":', {"a": 1}),
        ('{"a": "half a sen', {"a": "half a sen"}),
        ('{"a": "x", "', {"a": "x"}),
        ('{"a": "x\\', {"a": "x"}),
        ('{"a": [1, 2', {"a": [1]}),
        ('{"a": [1, 2,', {"a": [1, 2]}),
        ('{"a": tr', {}),
        ('{"a": 1 /* no', {"a": 1}),
        ("{", {}),
    ],
)
def test_of_a_text_that_was_cut_the_certain_part_is_kept(text: str, value: Any) -> None:
    assert read(text, cut=True).value == value


def test_a_value_ends_at_its_closer() -> None:
    reader = Reader('{"a": 1} and more', Budget(100))
    assert reader.read(0).end == 8
    assert reader.closed
    assert reader.members == 1
