"""A short cut for the one thing that makes up nearly all of a stream: a few more words.

The chunks of one answer that bring words are the same bytes but for the words. Once such a chunk has been
read in full, the next one that has the same bytes before and after a JSON string need not be: it says the
same, with other words. Vendors that put something new into each chunk are simply read in full each time.
"""

import msgspec

from seawall.wire.openai_chat.completion import CHUNK_DECODER, UNREADABLE

_KEY = b'"content":'
_MOST_TRIES = 3  # how often a stream is looked at for a frame that repeats
_MOST_BYTES = 64 * 1024  # of a chunk that may take the short cut
_QUOTE = 0x22
_PROBE = "any other words"

_TEXT_DECODER = msgspec.json.Decoder(str)
_encode = msgspec.json.Encoder().encode


class WordsFrame:
    """What surrounds the words in the chunks of one part; empty until learnt."""

    __slots__ = ("_after", "_before", "_size", "_tries", "part")

    def __init__(self) -> None:
        self._before = self._after = b""
        self._size = 0
        self._tries = 0
        self.part = -1
        """The part that the words belong to; -1 while no frame is known."""

    def words(self, data: bytes) -> str | None:
        """The words, if *data* is one whole event in this frame; `None` if it has to be read in full."""
        before, after = self._before, self._after
        if (
            not self._size <= len(data) <= _MOST_BYTES
            or not data.startswith(before)
            or not data.endswith(after)
            or data[len(before)] != _QUOTE
            or data[-len(after) - 1] != _QUOTE
        ):
            return None
        try:
            return _TEXT_DECODER.decode(data[len(before) : -len(after)])
        except UNREADABLE:
            return None

    def learn(self, data: bytes, part: int, words: str) -> None:
        """Remember the frame of *data*, one whole event that was read and brought nothing but *words*."""
        if self._tries == _MOST_TRIES or data.count(_KEY) != 1 or not data.endswith(b"\n\n"):
            return
        self._tries += 1
        literal = _encode(words)
        at = data.find(_KEY) + len(_KEY)
        while data[at : at + 1] == b" ":
            at += 1
        before, after = data[:at], data[at + len(literal) :]
        if before + literal + after != data:
            return
        # That the words stand where they seem to stand is not inferred but tried.
        try:
            chunk = CHUNK_DECODER.decode(before[len(b"data: ") :] + _encode(_PROBE) + after)
        except UNREADABLE:
            return
        delta = chunk.choices[0].delta if chunk.choices and len(chunk.choices) == 1 else None
        if delta is not None and delta.content == _PROBE and chunk.usage is None:
            self._before, self._after, self.part = before, after, part
            self._size = len(before) + len(after) + 2

    def forget(self) -> None:
        """The part is over."""
        self.part = -1
