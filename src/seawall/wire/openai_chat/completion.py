"""The JSON of answers and chunks as typed structs: lenient, since every vendor has its own habits.

Fields that are not listed are read over. Whatever a vendor may send in another type than OpenAI does is
`Any` here and looked at by the code. All of it comes from JSON and forms no cycles, hence `gc=False`.
"""

from hashlib import blake2b
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

MOST_CHOICES = 128
"""Alternative answers to one request; a number beyond is a fault, and would cost memory."""


class Called(Struct, gc=False):
    """The function of a call, or (with `input`) the custom tool. In chunks all of it may be missing."""

    name: str | None = None
    arguments: Any = None
    input: str | None = None


class Call(Struct, gc=False):
    """A tool call, or in a chunk a piece of one."""

    index: int | None = None
    id: str | None = None
    type: str | None = None
    function: Called | None = None
    custom: Called | None = None


class Said(Struct, gc=False):
    """A message, or in a chunk a piece of one."""

    content: Any = None
    """A string; with some vendors an array of parts of type `text` and `thinking`."""
    refusal: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    tool_calls: list[Call] | None = None
    function_call: Called | None = None


class Logprobs(Struct, gc=False):
    content: list[Any] | None = None
    refusal: list[Any] | None = None


class WireChoice(Struct, gc=False):
    index: Annotated[int, Meta(ge=0, lt=MOST_CHOICES)] | None = None
    message: Said | None = None
    delta: Said | None = None
    finish_reason: str | None = None
    logprobs: Logprobs | None = None


class Chunk(Struct, gc=False):
    """What is still of interest in a chunk once the answer has begun."""

    choices: list[WireChoice] | None = None
    usage: Any = None
    service_tier: str | None = None
    object: str | None = None
    error: Any = None


class Completion(Chunk, gc=False):
    """A whole answer, or the first chunk of a streamed one."""

    id: str | None = None
    model: str | None = None
    created: int | float | None = None
    system_fingerprint: str | None = None


DECODER = msgspec.json.Decoder(Completion)
CHUNK_DECODER = msgspec.json.Decoder(Chunk)
UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What these decoders raise for what is not such an object."""

_FINISH = {"function_call": "tool_calls"}


def finish_reason(wire: str) -> str:
    """The reason in the vocabulary's words; one that is not known is kept as it is."""
    return _FINISH.get(wire, wire)


def arguments_text(wire: Any) -> str:
    """Arguments as text; some servers send the object itself."""
    if wire is None:
        return ""
    return wire if isinstance(wire, str) else msgspec.json.encode(wire).decode()


def made_up_id(answer_id: str, choice: int, number: int) -> str:
    """An id for a tool call that came without: the same each time, another in each answer, and short."""
    return f"call_{blake2b(f'{answer_id} {choice} {number}'.encode(), digest_size=8).hexdigest()}"


def content_pieces(wire: list[Any]) -> list[tuple[str, str]]:
    """Kind and text of each part of a content in pieces; what is neither words nor thinking is read over."""
    pieces = []
    for part in wire:
        if not isinstance(part, dict):
            continue
        text = part.get("text")
        thinking = part.get("thinking")
        if isinstance(text, str):
            pieces.append(("text", text))
        elif isinstance(thinking, list):
            pieces += [("reasoning", words) for _, words in content_pieces(thinking)]
        elif isinstance(thinking, str):
            pieces.append(("reasoning", thinking))
    return pieces
