"""An answer as JSON: whole, or as the payloads of the events of a stream."""

import math
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from seawall.plugins.providers.scripted.answer import ChoiceText, Composed, Usage
from seawall.plugins.providers.scripted.draw import Draw
from seawall.plugins.providers.scripted.faults import Chosen
from seawall.plugins.providers.scripted.text import tokens
from seawall.plugins.providers.scripted.tools import Call

_encode: Final = msgspec.json.Encoder().encode
_RIVALS: Final = (
    " the",
    " a",
    " of",
    " to",
    " is",
    " in",
    " not",
    " and",
    " for",
    " it",
    " no",
    " on",
    ".",
    ",",
)
DONE: Final = b"[DONE]"


def _usage(usage: Usage) -> dict[str, Any]:
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.total_tokens,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
    }


def whole(answer: Composed) -> bytes:
    """The body of an answer that is not streamed."""
    body: dict[str, Any] = {
        "id": answer.id,
        "object": "chat.completion",
        "created": answer.created,
        "model": answer.model,
        "choices": [_whole_choice(answer, number) for number in range(len(answer.choices))],
        "system_fingerprint": answer.fingerprint,
        "service_tier": "default",
    }
    if answer.usage is not None:
        body["usage"] = _usage(answer.usage)
    return _encode(body)


def _whole_choice(answer: Composed, number: int) -> dict[str, Any]:
    choice = answer.choices[number]
    said = choice.said
    message: dict[str, Any] = {
        "role": "assistant",
        "content": None if said.calls or said.refusal else said.text,
        "refusal": said.refusal or None,
        "annotations": [],
    }
    if said.calls:
        message["tool_calls"] = [_call(call, call.arguments) for call in said.calls]
    return {
        "index": number,
        "message": message,
        "logprobs": _logprobs(answer, number, choice.tokens, 0),
        "finish_reason": said.finish,
    }


def _call(call: Call, arguments: str) -> dict[str, Any]:
    written = {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": arguments}}
    return written if call.id else {key: value for key, value in written.items() if key != "id"}


def _logprobs(answer: Composed, number: int, pieces: list[str], start: int) -> dict[str, Any] | None:
    """The log-probabilities of some tokens of a choice, of which the first is token *start*."""
    if answer.logprobs is None:
        return None
    said = answer.choices[number].said
    draw = answer.draw.child(f"logprobs {number}")
    entries = [
        _logprob(piece, said.confidence, answer.logprobs, draw.child(f"token {start + place}"))
        for place, piece in enumerate(pieces)
    ]
    return {"content": None, "refusal": entries} if said.refusal else {"content": entries, "refusal": None}


def _logprob(piece: str, confidence: float, rivals: int, draw: Draw) -> dict[str, Any]:
    sure = min(0.9999, confidence + (1 - confidence) * draw.unit("own"))
    top = [(piece, sure)]
    left = 1 - sure
    first = draw.below("rival", len(_RIVALS))
    for place in range(rivals - 1):
        left *= 0.5
        rival = _RIVALS[(first + place) % len(_RIVALS)]
        top.append((rival if rival != piece else f"{rival}-", left))
    return {
        **_candidate(piece, sure),
        "top_logprobs": [_candidate(text, share) for text, share in top[:rivals]],
    }


def _candidate(text: str, share: float) -> dict[str, Any]:
    return {
        "token": text,
        "logprob": round(math.log(share), 6),
        "bytes": list(text.encode("utf-8", "replace")),
    }


def payloads(answer: Composed, chosen: Chosen, *, usage: bool) -> list[bytes]:
    """The data of each event of a stream in order, [DONE] included.

    With *usage*, each says usage and the last but one counts the tokens.
    """
    head = _encode(
        {
            "id": answer.id,
            "object": "chat.completion.chunk",
            "created": answer.created,
            "model": answer.model,
            "service_tier": "default",
            "system_fingerprint": answer.fingerprint,
        }
    )[:-1]
    tail = b'],"usage":null}' if usage else b"]}"
    series = [list(_choice_events(answer, number, chosen)) for number in range(len(answer.choices))]
    events = [
        head + b',"choices":[' + _encode(one[place]) + tail
        for place in range(max(map(len, series)))
        for one in series
        if place < len(one)
    ]
    if usage and answer.usage is not None:
        events.append(head + b',"choices":[],"usage":' + _encode(_usage(answer.usage)) + b"}")
    return events if "no_done" in chosen else [*events, DONE]


def _choice_events(answer: Composed, number: int, chosen: Chosen) -> Iterator[dict[str, Any]]:
    choice = answer.choices[number]
    for delta, logprobs in _deltas(answer, number, choice, chosen):
        yield {"index": number, "delta": delta, "logprobs": logprobs, "finish_reason": None}
    if "no_finish" not in chosen:
        yield {"index": number, "delta": {}, "logprobs": None, "finish_reason": choice.said.finish}


def _deltas(
    answer: Composed, number: int, choice: ChoiceText, chosen: Chosen
) -> Iterator[tuple[dict[str, Any], dict[str, Any] | None]]:
    said = choice.said
    if said.calls:
        yield {"role": "assistant", "content": None}, None
        for delta in _call_deltas(said.calls, chosen):
            yield {"tool_calls": [delta]}, None
        return
    field = "refusal" if said.refusal else "content"
    opening = {
        "role": "assistant",
        "content": None if said.refusal else "",
        "refusal": "" if said.refusal else None,
    }
    yield opening, None
    for place, piece in enumerate(choice.tokens):
        yield {field: piece}, _logprobs(answer, number, [piece], place)


def _call_deltas(calls: list[Call], chosen: Chosen) -> Iterator[dict[str, Any]]:
    """Each call opens with its name; its arguments follow, split and in the order that the faults say."""
    pieces = [list(call.arguments) if "tool_split" in chosen else tokens(call.arguments) for call in calls]
    opened = [{"index": index, **_call(call, "")} for index, call in enumerate(calls)]
    if "tool_interleaved" in chosen:
        yield from (_numbered(delta, chosen) for delta in opened)
        for place in range(max(map(len, pieces))):
            for index, own in enumerate(pieces):
                if place < len(own):
                    yield _numbered({"index": index, "function": {"arguments": own[place]}}, chosen)
        return
    for index, own in enumerate(pieces):
        yield _numbered(opened[index], chosen)
        for piece in own:
            yield _numbered({"index": index, "function": {"arguments": piece}}, chosen)


def _numbered(delta: dict[str, Any], chosen: Chosen) -> dict[str, Any]:
    return (
        {key: value for key, value in delta.items() if key != "index"} if "tool_no_index" in chosen else delta
    )
