"""What a word is, for every database alike: one rule when text is indexed and when it is searched."""

import re
import unicodedata
from collections.abc import Iterator

from seawall.core.messages import Message, Reasoning, Refusal, Text, ToolCall, ToolResult
from seawall.core.record import Content

_LONGEST = 100
"""Characters of a word that count: databases refuse index entries of some thousand bytes."""

_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]|[^\W\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]+")
"""Scripts written without spaces are taken character by character, everything else in runs."""


_ASCII_WORDS = (
    bytes(byte if chr(byte).isalnum() or byte == ord("_") else 32 for byte in range(128)) + b" " * 128
)
"""What is not part of a word becomes a space: the same rule as `_WORD`, five times as fast."""


def words_of(text: str) -> set[str]:
    """The different words of *text*, folded so that case and compatibility forms do not matter."""
    if text.isascii():
        words = set(text.lower().encode().translate(_ASCII_WORDS).decode().split())
        return words if max(map(len, words), default=0) <= _LONGEST else {word[:_LONGEST] for word in words}
    text = unicodedata.normalize("NFKC", text)
    return {word[:_LONGEST] for word in _WORD.findall(text.casefold())}


def words_said(content: Content) -> set[str]:
    """The different words of everything that was asked, prompted and answered in a call."""
    return words_of("\n".join(_texts(content)))


def _texts(content: Content) -> Iterator[str]:
    for request in (content.asked, content.prompted):
        if request is not None:
            for message in request.messages:
                yield from _texts_of(message)
    if content.answer is not None:
        for choice in content.answer.choices:
            yield from _texts_of(choice.message)


def _texts_of(message: Message) -> Iterator[str]:
    for part in message.parts:
        if isinstance(part, (Text, Refusal, Reasoning)):
            yield part.text
        elif isinstance(part, ToolCall):
            yield part.name
            yield part.arguments
        elif isinstance(part, ToolResult):
            yield from (inner.text for inner in part.parts if isinstance(inner, Text))
        else:
            yield part.name
