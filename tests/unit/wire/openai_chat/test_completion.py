"""The vendors' habits in the details of an answer."""

from typing import Any

import pytest

from seawall.wire.openai_chat.completion import (
    CHUNK_DECODER,
    DECODER,
    MOST_CHOICES,
    UNREADABLE,
    arguments_text,
    content_pieces,
    finish_reason,
    made_up_id,
)


@pytest.mark.parametrize(
    ("wire", "text"), [(None, ""), ("", ""), ('{"a":1}', '{"a":1}'), ({"a": 1}, '{"a":1}'), ([], "[]")]
)
def test_arguments_become_text(wire: Any, text: str) -> None:
    assert arguments_text(wire) == text


@pytest.mark.parametrize(
    ("wire", "pieces"),
    [
        ([], []),
        (["x", 5, None, {}, {"type": "image"}], []),
        ([{"type": "text", "text": "a"}], [("text", "a")]),
        ([{"type": "thinking", "thinking": "r"}], [("reasoning", "r")]),
        ([{"type": "thinking", "thinking": [{"type": "text", "text": "r"}, 5]}], [("reasoning", "r")]),
    ],
)
def test_a_content_in_pieces_is_words_and_thinking(wire: list[Any], pieces: list[tuple[str, str]]) -> None:
    assert content_pieces(wire) == pieces


def test_a_made_up_id_is_stable_short_and_differs_by_answer_choice_and_number() -> None:
    ids = {made_up_id(answer, choice, number) for answer in "ab" for choice in (0, 1) for number in (0, 1)}
    assert len(ids) == 8
    assert made_up_id("a", 0, 0) in ids
    assert all(len(each) <= 40 for each in ids)


def test_only_a_known_old_finish_reason_is_renamed() -> None:
    assert [finish_reason(each) for each in ("function_call", "stop", "other")] == [
        "tool_calls",
        "stop",
        "other",
    ]


@pytest.mark.parametrize(
    "body", [b"", b"[]", b'{"choices":5}', b'{"choices":[{"index":%d}]}' % MOST_CHOICES, b"\xff"]
)
def test_what_is_no_completion_is_unreadable(body: bytes) -> None:
    for decoder in (DECODER, CHUNK_DECODER):
        with pytest.raises(UNREADABLE):
            decoder.decode(body)
