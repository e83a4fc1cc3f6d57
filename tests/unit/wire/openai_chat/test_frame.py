"""The short cut for words is taken only where it must say the same as reading in full."""

import json
from typing import Any

import pytest

from seawall.wire.openai_chat.frame import WordsFrame


def chunk(content: str, **fields: Any) -> bytes:
    choice = {"index": 0, "delta": {"content": content}, "finish_reason": None}
    return (
        b"data: %b\n\n" % json.dumps({"id": "c", "choices": [choice], **fields}, ensure_ascii=False).encode()
    )


def learnt(data: bytes, words: str) -> WordsFrame:
    frame = WordsFrame()
    frame.learn(data, 7, words)
    return frame


def test_the_words_of_the_next_chunk_are_found() -> None:
    frame = learnt(chunk("Hello"), "Hello")
    assert frame.part == 7
    for words in ("x", " ", 'a"b', "\\", "\n", "é🌊", "content", ""):
        assert frame.words(chunk(words)) == words


def test_a_chunk_that_differs_anywhere_else_is_not_taken() -> None:
    frame = learnt(chunk("Hello"), "Hello")
    usual = chunk("x")
    for other in (
        chunk("x", usage=None),
        usual.replace(b'"index": 0', b'"index": 1'),
        usual.replace(b'"c"', b'"d"'),
        usual.replace(b'"x"', b'"x", "refusal": "y"'),
        usual.replace(b'"x"', b"null"),
        usual.replace(b'"x"', b"5"),
        usual.replace(b'"x"', b'"\xff"'),
        usual.replace(b'"x"', b'\r"x"'),
        usual.replace(b'"x"', b'"x"\r'),
        usual.replace(b'"x"', b'"x\n\n"'),
        usual.replace(b'"x"', b'"'),
        usual.replace(b'"x"', b""),
        usual + usual,
        usual[:-1],
        usual[1:],
        b"",
        chunk("x" * 70_000),
    ):
        assert frame.words(other) is None


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (chunk("x", usage={"prompt_tokens": 1}), "x"),  # counts may be in each chunk, and the last one holds
        (chunk("x", logprobs={"content": []}), "x"),  # two keys of the name
        (chunk("x"), "y"),
        (chunk("x")[:-1], "x"),
        (b'data: {"content":"x","choices":[{"delta":{"content" :"x"}}]}\n\n', "x"),
        (b'data: {"content":"x","choices":[{"delta":{"cont\\u0065nt":"x"}}]}\n\n', "x"),
        (b'data: {"choices":[{"delta":{"content":"x"}},{"delta":{}}]}\n\n', "x"),
        (b'data:  {"choices":[{"delta":{"content":"\\u0078"}}]}\n\n', "x"),
    ],
)
def test_a_frame_that_is_not_certain_is_not_learnt(data: bytes, words: str) -> None:
    assert learnt(data, words).part == -1


def test_a_stream_that_never_repeats_itself_is_not_studied_for_ever() -> None:
    frame = WordsFrame()
    for number in range(5):
        frame.learn(chunk("x", number=number), number, "x")
    assert frame.part == 2


def test_the_frame_is_forgotten_with_its_part() -> None:
    frame = learnt(chunk("Hello"), "Hello")
    frame.forget()
    assert frame.part == -1
