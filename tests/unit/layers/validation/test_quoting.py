"""Where a string ends, and what it says."""

import pytest

from seawall.layers.validation.quoting import Ambiguous, Place, find_string, unescape


@pytest.mark.parametrize(
    ("text", "place", "content"),
    [
        ('"plain", "b": 1}', Place.MEMBER, "plain"),
        ('"say "hi" twice", "b": 1}', Place.MEMBER, 'say "hi" twice'),
        ('"Open "File", then "Save"", "b": 1}', Place.MEMBER, 'Open "File", then "Save"'),
        ('"take "a", b: 3"}', Place.MEMBER_OF_BARE_KEYS, 'take "a", b: 3'),
        ('"brace "}" inside"\n}', Place.MEMBER, 'brace "}" inside'),
        ('"x" "b": 1}', Place.MEMBER, "x"),
        ('"x" // note\n}', Place.MEMBER, "x"),
        ('"a "quoted" item", "next"]', Place.ITEM, 'a "quoted" item'),
        ('"x" "y"]', Place.ITEM, "x"),
        ("'it's one o'clock', 'b': 1}", Place.MEMBER, "it's one o'clock"),
        ("“smart “inner” text”, “b”: 1}", Place.MEMBER, "smart “inner” text"),
        ("«guillemets»}", Place.MEMBER, "guillemets"),
        ("`ticks`]", Place.ITEM, "ticks"),
        ('"""three"""}', Place.MEMBER, "three"),
        ('"key" : 1', Place.KEY, "key"),
        (r'"an \" escaped one"}', Place.MEMBER, r"an \" escaped one"),
    ],
)
def test_a_string_ends_where_what_follows_fits(text: str, place: Place, content: str) -> None:
    found = find_string(text, 0, place, loose=False)
    assert found.closed
    assert found.raw == content


def test_an_odd_number_of_inner_quotes_needs_the_loose_reading() -> None:
    text = '"a 5" pipe", "b": 1}'
    assert find_string(text, 0, Place.MEMBER, loose=False).raw != 'a 5" pipe'
    assert find_string(text, 0, Place.LOOSE_MEMBER, loose=True).raw == 'a 5" pipe'


@pytest.mark.parametrize("text", ['"no end', '"ends in a backslash\\', '"a" b'])
def test_a_string_without_an_end_is_not_closed(text: str) -> None:
    assert not find_string(text, 0, Place.MEMBER, loose=False).closed


@pytest.mark.parametrize(
    ("raw", "says", "fixes"),
    [
        ("plain", "plain", ()),
        (r"a\nb\u00e9\/", "a\nbé/", ()),
        (r"\ud83d\ude80", "🚀", ()),
        ("a\nb", "a\nb", ("raw_newline",)),
        (r"it\'s", "it's", ("bad_escape",)),
        (r"C:\Data\Pool", r"C:\Data\Pool", ("bad_escape",)),
        (r"\x41\d", r"A\d", ("bad_escape",)),
        ("tab\\\there", "tab\there", ("raw_newline", "bad_escape")),
        (r'say "x"\n', 'say "x"\n', ()),
        (r"\'\ud83d\ude80", "'🚀", ("bad_escape",)),
    ],
)
def test_escapes_say_one_thing(raw: str, says: str, fixes: tuple[str, ...]) -> None:
    assert unescape(raw) == (says, fixes)


@pytest.mark.parametrize("raw", [r"C:\new\Data", r"\ud800", r"\'\ud800"])
def test_escapes_that_may_be_content_are_refused(raw: str) -> None:
    with pytest.raises(Ambiguous):
        unescape(raw)


@pytest.mark.parametrize(
    ("raw", "says"), [("ab\\", "ab"), ("ab\\u00", "ab"), ("ab\\\\", "ab\\"), ("a\\n", "a\n")]
)
def test_an_escape_that_was_cut_is_left_out(raw: str, says: str) -> None:
    assert unescape(raw, cut=True)[0] == says
