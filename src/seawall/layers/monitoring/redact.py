"""Redactors: what is taken out of a finished call before anything of it is stored."""

from collections.abc import Sequence
from operator import is_
from typing import Any

import msgspec

from seawall.core.accumulate import Answer, Choice
from seawall.core.messages import Media, Message, Part, Reasoning, Refusal, Text, ToolCall, ToolResult
from seawall.core.record import Content
from seawall.core.request import ChatRequest
from seawall.layers.monitoring.patterns import describe_media, redact_text

_copy = msgspec.structs.replace


class KeepAll:
    """Keeps what was said as it was said."""

    def redact(self, content: Content) -> Content:
        """The content itself."""
        return content

    def redact_text(self, text: str) -> str:
        """The text itself."""
        return text


class NoContent:
    """Keeps nothing of what was said, only the figures."""

    def redact(self, content: Content) -> Content:
        """No content."""
        return Content()

    def redact_text(self, text: str) -> str:
        """The text without what identifies anybody: it says what happened, and is no content."""
        return redact_text(text)


class PatternRedactor:
    """Replaces keys, tokens, e-mail addresses, card numbers, IBANs and US social security numbers by what
    they were, as in `[EMAIL]`, and media by a digest. Returns the same object when nothing had to change."""

    def redact(self, content: Content) -> Content:
        """The content as it may be stored."""
        seen: dict[int, Message] = {}  # what the model saw mostly is what was asked: look at it once
        asked = content.asked and _request(content.asked, seen)
        prompted = content.prompted and _request(content.prompted, seen)
        answer = content.answer and _answer(content.answer)
        if asked is content.asked and prompted is content.prompted and answer is content.answer:
            return content
        return Content(asked, prompted, answer)

    def redact_text(self, text: str) -> str:
        """The text without what identifies anybody."""
        return redact_text(text)


def _request(request: ChatRequest, seen: dict[int, Message]) -> ChatRequest:
    changes: dict[str, Any] = {}
    messages = list(request.messages)
    changed = False
    for index, message in enumerate(messages):
        known = seen.get(id(message))
        if known is None:
            known = seen[id(message)] = _message(message)
        if known is not message:
            messages[index] = known
            changed = True
    if changed:
        changes["messages"] = tuple(messages)
    if request.user or request.metadata or request.extras:
        changes |= {name: _anything(getattr(request, name)) for name in ("user", "metadata", "extras")}
    if _same(tuple(changes.values()), [getattr(request, name) for name in changes]):
        return request
    return _copy(request, **changes)


def _answer(answer: Answer) -> Answer:
    choices = tuple(map(_choice, answer.choices))
    return answer if _same(choices, answer.choices) else _copy(answer, choices=choices)


def _choice(choice: Choice) -> Choice:
    message = _message(choice.message)
    return choice if message is choice.message else _copy(choice, message=message)


def _same(new: Sequence[object], old: Sequence[object]) -> bool:
    return all(map(is_, new, old))


def _message(message: Message) -> Message:
    parts = tuple(map(_part, message.parts))
    name = redact_text(message.name) if message.name else message.name
    if name is message.name and _same(parts, message.parts):
        return message
    return _copy(message, parts=parts, name=name)


def _part(part: Part) -> Part:
    kind = type(part)
    if kind is Text or kind is Refusal or kind is Reasoning:
        return _words(part)  # type: ignore[arg-type]  # mypy does not narrow by `kind`, which is faster
    if isinstance(part, ToolCall):
        arguments = redact_text(part.arguments)
        return part if arguments is part.arguments else _copy(part, arguments=arguments)
    if isinstance(part, ToolResult):
        parts = tuple(map(_part, part.parts))
        return part if _same(parts, part.parts) else _copy(part, parts=parts)
    return _media(part)  # type: ignore[arg-type]  # the same


def _words(part: Text | Refusal | Reasoning) -> Text | Refusal | Reasoning:
    text = redact_text(part.text)
    if text is part.text:
        return part
    if isinstance(part, Reasoning):
        return _copy(part, text=text)
    return _copy(part, text=text, logprobs=None)  # they spell the text out token by token


def _media(media: Media) -> Media:
    data = describe_media(media.media_type, media.data) if media.data else media.data
    url = redact_text(media.url) if media.url else media.url
    name = redact_text(media.name) if media.name else media.name
    if data is media.data and url is media.url and name is media.name:
        return media
    return _copy(media, data=data, url=url, name=name)


def _anything(value: Any) -> Any:
    """JSON of any shape, the same object when nothing in it changes."""
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, dict):
        new = {key: _anything(item) for key, item in value.items()}
        return new if any(new[key] is not item for key, item in value.items()) else value
    if isinstance(value, list | tuple):
        items = [_anything(item) for item in value]
        return items if any(a is not b for a, b in zip(items, value, strict=True)) else value
    return value
