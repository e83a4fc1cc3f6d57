"""Whole answers of the chat dialect: from a provider's body, and to a caller's."""

from collections.abc import Iterator
from typing import Any

import msgspec

from seawall.core.accumulate import Answer, Choice
from seawall.core.errors import ProviderError
from seawall.core.messages import Message, Part, Reasoning, Refusal, Text, ToolCall
from seawall.wire.errors import error_under_success
from seawall.wire.openai_chat.completion import (
    DECODER,
    UNREADABLE,
    Call,
    Called,
    Logprobs,
    Said,
    WireChoice,
    arguments_text,
    content_pieces,
    finish_reason,
    made_up_id,
)
from seawall.wire.openai_chat.messages import encode_call
from seawall.wire.openai_chat.usage import decode_usage, encode_usage

_ENCODER = msgspec.json.Encoder()


def decode_answer(body: bytes) -> Answer:
    """The answer in the *body* of a response with status 200.

    Raises `ProviderError`: `bad_response` for an error object or anything else that is no answer;
    `context_length` or `content_filtered` where the error object says so, since asking again is no use.
    """
    try:
        wire = DECODER.decode(body)
    except UNREADABLE as error:
        raise _no_answer(f"{type(error).__name__}, body of {len(body)} bytes") from None
    if wire.error or wire.object == "error":
        raise error_under_success(body, only_final=True)
    choices = wire.choices
    if not choices:
        raise _no_answer("no choices")
    if len(choices) > 1:
        choices = sorted(choices, key=lambda choice: choice.index or 0)
    return Answer(
        id=wire.id or "",
        model=wire.model or "",
        created=int(wire.created or 0),
        choices=tuple([_decode_choice(wire.id or "", *pair) for pair in enumerate(choices)]),
        usage=decode_usage(wire.usage),
        fingerprint=wire.system_fingerprint or "",
        service_tier=wire.service_tier or "",
    )


def _no_answer(hint: str) -> ProviderError:
    return ProviderError("bad_response", "the provider's answer is not one of its API", hint=hint)


def _decode_choice(answer_id: str, number: int, wire: WireChoice) -> Choice:
    said = wire.message
    if said is None:
        raise _no_answer("a choice without message")
    if (
        type(said.content) is str
        and wire.logprobs is None
        and not (said.tool_calls or said.refusal or said.reasoning_content or said.reasoning)
        and said.function_call is None
    ):
        parts: tuple[Part, ...] = (Text(said.content),) if said.content else ()
    else:
        calls = _decode_calls(said, answer_id, number)
        parts = (*_decode_words(said, wire.logprobs or Logprobs()), *calls)
    return Choice(Message("assistant", parts), finish_reason(wire.finish_reason or ""))


def _decode_words(said: Said, logprobs: Logprobs) -> Iterator[Part]:
    content = said.content
    pieces = content_pieces(content) if isinstance(content, list) else []
    reasoning = said.reasoning_content or said.reasoning
    reasoning = reasoning or "".join(text for kind, text in pieces if kind == "reasoning")
    if reasoning:
        yield Reasoning(reasoning)
    text = content if isinstance(content, str) else "".join(text for kind, text in pieces if kind == "text")
    if text or logprobs.content:
        yield Text(text, None if logprobs.content is None else tuple(logprobs.content))
    if said.refusal or logprobs.refusal:
        yield Refusal(said.refusal or "", None if logprobs.refusal is None else tuple(logprobs.refusal))


def _decode_calls(said: Said, answer_id: str, choice: int) -> Iterator[ToolCall]:
    calls = said.tool_calls or []
    if said.function_call is not None and not calls:
        calls = [Call(function=said.function_call)]
    for number, call in enumerate(calls):
        called = call.custom or call.function or Called()
        custom = call.custom is not None
        yield ToolCall(
            call.id or made_up_id(answer_id, choice, number),
            called.name or "",
            (called.input or "") if custom else arguments_text(called.arguments),
            "custom" if custom else "function",
        )


def encode_answer(answer: Answer, *, model: str) -> bytes:
    """The body of a whole answer, saying that *model* gave it. Usage that is not known is left out."""
    wire: dict[str, Any] = {
        "id": answer.id,
        "object": "chat.completion",
        "created": answer.created,
        "model": model,
        "choices": [_encode_choice(number, choice) for number, choice in enumerate(answer.choices)],
    }
    if answer.usage is not None:
        wire["usage"] = encode_usage(answer.usage)
    if answer.service_tier:
        wire["service_tier"] = answer.service_tier
    if answer.fingerprint:
        wire["system_fingerprint"] = answer.fingerprint
    return _ENCODER.encode(wire)


def _encode_choice(number: int, choice: Choice) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": None, "refusal": None}
    logprobs: dict[str, Any] | None = None
    calls = []
    for part in choice.message.parts:
        if isinstance(part, Text | Refusal):
            field = "content" if isinstance(part, Text) else "refusal"
            message[field] = (message[field] or "") + part.text
            if part.logprobs is not None:
                logprobs = logprobs or {"content": None, "refusal": None}
                logprobs[field] = [*(logprobs[field] or ()), *part.logprobs]
        elif isinstance(part, ToolCall):
            calls.append(encode_call(part))
        elif isinstance(part, Reasoning):
            message["reasoning_content"] = message.get("reasoning_content", "") + part.text
        else:
            raise TypeError(f"an answer cannot hold {part!r}")
    if calls:
        message["tool_calls"] = calls
    return {
        "index": number,
        "message": message,
        "logprobs": logprobs,
        "finish_reason": choice.finish or None,
    }
