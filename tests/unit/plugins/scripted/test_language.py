"""Words, reading, labels: what the scripted model makes of a prompt."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.plugins.providers.scripted import labels
from seawall.plugins.providers.scripted.reading import Reading
from seawall.plugins.providers.scripted.request import Asked, Turn
from seawall.plugins.providers.scripted.text import sentences, stems, tokens

from tests.unit.plugins.scripted.raw import CONTEXT, said


@given(st.text())
def test_tokens_joined_are_the_text(text: str) -> None:
    assert "".join(tokens(text)) == text


def test_forms_of_a_word_meet_in_one_stem() -> None:
    assert len({*stems("return returns returned returning")}) == 1
    assert len({*stems("policy policies")}) == 1
    assert stems("getOrderStatus of_the_order") == ["order", "statu", "order"]


def test_a_line_end_ends_a_sentence() -> None:
    assert list(sentences("One. Two!\nThree [doc-1] four. [x-1] Five")) == [
        "One.",
        "Two!",
        "Three [doc-1] four. [x-1]",
        "Five",
    ]


def reading(*turns: tuple[str, str]) -> Reading:
    return Reading(
        Asked("m", [msgspec.convert({"role": role, "content": text}, Turn) for role, text in turns])
    )


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("[a-1] Fact.\n\nQuestion: what now\n", "what now"),
        ("Some text. How is it? Tell me more.", "How is it?"),
        ("<context>Is it? It is.</context><question>Who says</question>", "Who says"),
        ("list the colours", "list the colours"),
    ],
)
def test_the_question_is_told_from_its_context(text: str, question: str) -> None:
    assert reading(("user", text)).question == question


@pytest.mark.parametrize(
    "text",
    [
        "[doc-1] Cats sleep.\n[doc-2] Dogs run.\n\nDo dogs run?",
        '<source id="doc-1">\nCats sleep.\n</source>\n<source id="doc-2">Dogs run.</source>\nDo dogs run?',
        "Cats sleep [doc-1].\nDogs run [doc-2].\nDo dogs run?",
    ],
)
def test_passages_keep_their_sources_however_they_are_marked(text: str) -> None:
    found = reading(("user", text))
    assert found.sources == ["doc-1", "doc-2"]
    assert said(text) == "Dogs run [doc-2]."


def test_what_no_sentence_answers_is_not_known() -> None:
    assert "do not know" in said("Who won the world cup in 1998?")


def test_earlier_turns_are_remembered_in_the_second_person() -> None:
    turns = [("user", "I live in Lisbon."), ("assistant", "Nice."), ("user", "Where do I live?")]
    ranked = reading(*turns).ranked("Where do I live?")
    assert ranked[0][1].text == "I live in Lisbon."


def test_instructions_are_no_answers() -> None:
    found = reading(
        ("system", "You are a helpful bot. Answer in French. Paris is large."), ("user", "Answer: what?")
    )
    assert [sentence.text for sentence in found.given] == ["Paris is large."]


def test_the_middle_is_lost_and_old_instructions_forgotten_on_demand() -> None:
    turns = [Turn("system", CONTEXT), Turn("user", "Express?")]
    assert Reading(Asked("m", turns), edges=1).sources == ["doc-1", "doc-3"]
    assert Reading(Asked("m", turns), remembers=1).system == ""
    assert Reading(Asked("m", turns), remembers=2).system == CONTEXT


@pytest.mark.parametrize(
    ("prompt", "offered"),
    [
        ("Classify into one of: billing, technical, other.", ["billing", "technical", "other"]),
        ("What is the sentiment: positive, negative or neutral?", []),
        ("Classify the sentiment as positive, negative or neutral.", ["positive", "negative", "neutral"]),
        ("Classify the ticket. Categories:\n- bug: a crash\n- idea: a wish\n", ["bug", "idea"]),
        ("Tell me about cats, dogs or birds.", []),
    ],
)
def test_labels_are_read_from_classification_prompts_only(prompt: str, offered: list[str]) -> None:
    assert list(labels.offered(prompt)) == offered


@pytest.mark.parametrize(
    ("text", "label"),
    [("I was charged twice", "billing"), ("It crashes on login", "technical"), ("Nice day", "other")],
)
def test_the_best_label_has_the_words_or_the_cues_of_the_text(text: str, label: str) -> None:
    assert labels.best_label(dict.fromkeys(["billing", "technical", "other"], ""), text)[0] == label


def test_descriptions_of_labels_count() -> None:
    offered = {"a": "invoices and payments", "b": "lamps and light"}
    assert labels.best_label(offered, "My lamp is dark")[0] == "b"
