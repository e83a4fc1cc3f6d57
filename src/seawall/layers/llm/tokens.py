"""Estimate tokens without a tokenizer: for budgets before a call, and for providers that report no usage.

The rates are those of current byte-pair vocabularies of 100,000 to 200,000 entries, leaning to the high side:
an estimate that is too low lets a budget be overdrawn. Long texts are sampled evenly, so that the estimate of
a whole prompt costs a few microseconds.
"""

import string
from math import ceil

import msgspec

from seawall.core.messages import Media, Message, Part, ToolCall, ToolResult
from seawall.core.request import ChatRequest

_SAMPLE = 384
_LETTERS_AND_SPACE = string.ascii_letters.encode() + b" "
_DIGITS = string.digits.encode()
_ASCII = bytes(range(128))
_WORD, _UNBROKEN, _DIGIT, _SIGN = 0.23, 0.55, 0.45, 0.75
"""Tokens per letter of words, per letter of unbroken text (base64, identifiers), per digit, per sign."""
_UNBROKEN_FROM = 16
"""Letters between spaces and signs, on average, from which a text does not consist of words."""

_BY_LEAD_BYTE = (
    (bytes(range(0xC2, 0xC6)), 0.6),  # accented Latin
    (bytes(range(0xC6, 0xE0)), 0.45),  # Greek, Cyrillic, Hebrew, Arabic
    (bytes(range(0xE3, 0xEE)), 1.0),  # Chinese, Japanese, Korean
    (
        bytes((*range(0xE0, 0xE3), 0xEE, 0xEF)),
        0.8,
    ),  # Indic scripts, Thai, typographic signs, full-width forms
    (bytes(range(0xF0, 0xF5)), 2.5),  # emoji, rare scripts
)

_PER_MESSAGE = 4
_PER_REQUEST = 3
_PER_TOOL = 8
_PER_MEDIA = {"image": 1_100, "audio": 500, "file": 3_000}
"""What a medium of unknown size is taken for."""
_SMALL_IMAGE = 85
_DATA_PER_TOKEN = {"audio": 800, "file": 64}
"""Characters of base64 to a token."""


def estimate_tokens(text: str) -> int:
    """Roughly how many tokens *text* is; at least 1 unless it is empty."""
    size = len(text)
    if not size:
        return 0
    sample = text if size <= _SAMPLE else text[:: size // _SAMPLE + 1]
    raw = sample.encode("utf-8", "surrogatepass")
    if len(raw) == len(sample):
        tokens = _ascii_tokens(raw)
    else:
        tokens = _ascii_tokens(sample.encode("ascii", "ignore"))
        multibyte = raw.translate(None, _ASCII)
        for leads, rate in _BY_LEAD_BYTE:
            tokens += rate * (len(multibyte) - len(multibyte.translate(None, leads)))
    return max(ceil(tokens * size / len(sample)), 1)


def _ascii_tokens(raw: bytes) -> float:
    signs_and_digits = raw.translate(None, _LETTERS_AND_SPACE)
    signs = len(signs_and_digits.translate(None, _DIGITS))
    digits = len(signs_and_digits) - signs
    spaces = raw.count(b" ")
    letters = len(raw) - len(signs_and_digits) - spaces
    words = letters < _UNBROKEN_FROM * (spaces + signs + 1) or letters < _UNBROKEN_FROM
    return letters * (_WORD if words else _UNBROKEN) + digits * _DIGIT + signs * _SIGN + spaces * 0.02


def estimate_request(chat: ChatRequest) -> int:
    """Roughly how many input tokens *chat* is: messages, tools and the schema of the answer."""
    tokens = _PER_REQUEST + sum(_message_tokens(message) for message in chat.messages)
    for tool in chat.tools:
        tokens += _PER_TOOL + estimate_tokens(tool.name) + estimate_tokens(tool.description)
        tokens += _json_tokens(tool.parameters) + _json_tokens(tool.format)
    form = chat.response_format
    if form is not None:
        tokens += estimate_tokens(form.name) + estimate_tokens(form.description) + _json_tokens(form.schema)
    return tokens


def _message_tokens(message: Message) -> int:
    name = estimate_tokens(message.name) + 1 if message.name else 0
    return _PER_MESSAGE + name + sum(_part_tokens(part) for part in message.parts)


def _part_tokens(part: Part) -> int:
    if isinstance(part, ToolCall):
        return _PER_TOOL + estimate_tokens(part.name) + estimate_tokens(part.arguments)
    if isinstance(part, ToolResult):
        return _PER_TOOL + sum(_part_tokens(inner) for inner in part.parts)
    if isinstance(part, Media):
        return _media_tokens(part)
    return estimate_tokens(part.text)


def _media_tokens(media: Media) -> int:
    if media.kind == "image":
        return _SMALL_IMAGE if media.detail == "low" else _PER_MEDIA["image"]
    if media.data:
        return len(media.data) // _DATA_PER_TOKEN[media.kind] + 1
    return _PER_MEDIA[media.kind]


def _json_tokens(document: object) -> int:
    return estimate_tokens(msgspec.json.encode(document).decode()) if document else 0
