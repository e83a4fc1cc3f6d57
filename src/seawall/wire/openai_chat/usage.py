"""Token counts of the chat dialect ↔ `Usage`."""

from typing import Any

from seawall.core.events import Usage

MOST_TOKENS = 10**9
"""No answer has more; a count above is a fault of the provider's, or a lie."""


def decode_usage(wire: object) -> Usage | None:
    """The counts, or `None` if they are missing or cannot be right: then they have to be estimated.

    Some vendors leave reasoning out of `completion_tokens`; where the total shows it, it is put in.
    """
    if not isinstance(wire, dict):
        return None
    asked = wire.get("prompt_tokens")
    answered = wire.get("completion_tokens")
    if asked is None or answered is None:
        return None
    of_input = _object(wire.get("prompt_tokens_details"))
    of_output = _object(wire.get("completion_tokens_details"))
    counts = (
        asked,
        answered,
        _first(of_input.get("cached_tokens"), wire.get("prompt_cache_hit_tokens")),
        of_input.get("cache_write_tokens") or 0,
        of_output.get("reasoning_tokens") or 0,
        of_input.get("audio_tokens") or 0,
        of_output.get("audio_tokens") or 0,
        of_output.get("accepted_prediction_tokens") or 0,
        of_output.get("rejected_prediction_tokens") or 0,
    )
    for count in counts:
        if type(count) is not int or not 0 <= count <= MOST_TOKENS:
            return None
    reasoning = counts[4]
    if reasoning and wire.get("total_tokens") == asked + answered + reasoning:
        answered += reasoning
    cached = min(counts[2], asked)  # part of the input, so that what is left cannot be negative
    return Usage(
        asked, answered, cached, min(counts[3], asked - cached), min(reasoning, answered), *counts[5:]
    )


def _object(wire: Any) -> dict[str, Any]:
    return wire if isinstance(wire, dict) else {}


def _first(one: Any, other: Any) -> Any:
    return one if one is not None else other or 0


def encode_usage(usage: Usage) -> dict[str, Any]:
    """The counts as the dialect writes them. That they were estimated cannot be said in it."""
    of_input = {"cached_tokens": usage.cache_read_tokens, "audio_tokens": usage.input_audio_tokens}
    if usage.cache_write_tokens:
        of_input["cache_write_tokens"] = usage.cache_write_tokens
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.input_tokens + usage.output_tokens,
        "prompt_tokens_details": of_input,
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning_tokens,
            "audio_tokens": usage.output_audio_tokens,
            "accepted_prediction_tokens": usage.accepted_prediction_tokens,
            "rejected_prediction_tokens": usage.rejected_prediction_tokens,
        },
    }
