"""What counts as a word."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.plugins.stores import words
from seawall.plugins.stores.words import words_of, words_said

from tests.support.recorded import content


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Where is it?", {"where", "is", "it"}),
        ("e-mail a_b x2", {"e", "mail", "a_b", "x2"}),
        ("ﬁle ＦＵＬＬ STRASSE straße", {"file", "full", "strasse"}),
        ("東京タワー", {"東", "京", "タ", "ワ", "ー"}),
        ("서울 타워", {"서울", "타워"}),
        ("100% ... ''", {"100"}),
        ("\x00\ud800", set()),
    ],
)
def test_words_are_folded_runs_of_letters_and_digits(text: str, words: set[str]) -> None:
    assert words_of(text) == words


@given(st.text(), st.text())
def test_a_text_has_the_words_of_its_parts_and_every_word_has_itself(one: str, other: str) -> None:
    assert words_of(f"{one}\n{other}") == words_of(one) | words_of(other)
    for word in words_of(one):
        assert words_of(word) == {word}


@given(st.text())
def test_no_word_holds_what_a_query_could_be_broken_with(text: str) -> None:
    assert not any(set(word) & set("\"'*^:()-+{} \t\n\0") for word in words_of(text))


def test_all_that_was_asked_and_answered_counts() -> None:
    assert {"parcel", "way"} <= words_said(content())


@given(st.text(alphabet=st.characters(max_codepoint=127)))
def test_the_quick_rule_for_ascii_is_the_rule(text: str) -> None:
    assert words_of(text) == {word[:100] for word in words._WORD.findall(text.casefold())}
