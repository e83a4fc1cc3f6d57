"""What flows outwards: one answer as a sequence of typed events, the same for a streamed and a whole one.

An answer is a `MessageStart`, then parts, then one `MessageEnd`. A part is `PartStart`, any number of
`PartDelta`, `PartEnd`; parts may interleave and are told apart by `index`, which is unique within the
answer. With several choices (`n` > 1) each part names its choice.

The event classes hold no references that could form cycles, so they are left out of the cyclic garbage
collector (`gc=False`): a long stream makes no work for it.
"""

from typing import Any, Literal

from msgspec import Struct

PartKind = Literal["text", "refusal", "reasoning", "tool_call"]
FinishReason = Literal["stop", "length", "tool_calls", "content_filter"]


class Usage(Struct, frozen=True, omit_defaults=True, gc=False):
    """Tokens of one answer. `input_tokens` includes cached ones, `output_tokens` includes reasoning."""

    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    input_audio_tokens: int = 0
    output_audio_tokens: int = 0
    accepted_prediction_tokens: int = 0
    rejected_prediction_tokens: int = 0
    estimated: bool = False
    """True when the provider sent no usage and this was counted from the text."""


class MessageStart(Struct, frozen=True, gc=False):
    """The answer begins."""

    id: str
    model: str
    """The model that serves, as the provider names it."""
    created: int
    """Unix time in seconds, as the provider gave it."""
    fingerprint: str = ""
    service_tier: str = ""


class PartStart(Struct, frozen=True, gc=False):
    """A part begins; `id` and `name` are those of a tool call."""

    index: int
    kind: PartKind
    choice: int = 0
    id: str = ""
    name: str = ""
    custom: bool = False
    """A tool call whose input is free text."""


class PartDelta(Struct, frozen=True):
    """A piece of a part's text: of the words, or of a tool call's arguments."""

    index: int
    text: str
    logprobs: tuple[Any, ...] | None = None


class PartEnd(Struct, frozen=True, gc=False):
    """A part is whole; `signature` seals reasoning where the vendor signs it."""

    index: int
    signature: str = ""


class MessageEnd(Struct, frozen=True, gc=False):
    """The answer is complete. One finish reason for each choice, in order of choice."""

    finish: tuple[str, ...]
    usage: Usage | None = None
    service_tier: str = ""


Event = MessageStart | PartStart | PartDelta | PartEnd | MessageEnd
