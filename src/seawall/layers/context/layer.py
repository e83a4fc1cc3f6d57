"""The Context layer: decides what the model sees."""

import datetime
from collections.abc import Mapping

import msgspec

from seawall.core.call import Call
from seawall.core.errors import InvalidRequest
from seawall.core.handler import Emit, Handler
from seawall.core.messages import Message, Text
from seawall.core.ports import Clock
from seawall.core.request import ChatRequest, Sampling
from seawall.layers.context.prompt import Section, Template, notice, render

_SYSTEM_ROLES = frozenset({"system", "developer"})


class Context:
    """Puts the feature's own prompt around the conversation, and the feature's settings on the request.

    `fixed` are sampling settings the spec decides: they win over the caller's, and the record says so.
    `most_tokens` is a ceiling: a caller may ask for less, not for more.
    """

    def __init__(
        self,
        *,
        template: Template | None,
        date: bool,
        fixed: Mapping[str, float | int],
        most_tokens: int | None,
        clock: Clock,
    ) -> None:
        self._template = template
        self._date = date
        self._fixed = dict(fixed)
        self._most_tokens = most_tokens
        self._clock = clock

    async def __call__(self, call: Call, emit: Emit, inner: Handler) -> None:
        began = self._clock.monotonic()
        request = call.request
        messages = self._messages(call)
        sampling = self._sampling(call)
        if messages is not request.messages or sampling is not request.sampling:
            request = msgspec.structs.replace(request, messages=messages, sampling=sampling)
            call.record.prompted = request
            call = msgspec.structs.replace(call, request=request)
        elif request is not call.record.asked:
            call.record.prompted = request  # the Input layer changed it
        call.record.stages["context"] = int((self._clock.monotonic() - began) * 1e6)
        await inner(call, emit)

    def _messages(self, call: Call) -> tuple[Message, ...]:
        request = call.request
        if self._template is None:
            if not self._date:
                return request.messages
            return (Message("system", (Text(self._date_line()),)), *request.messages)
        template = self._template
        self._check_roles(call)
        before, last, after = _split(request)
        values = self._values(template, call, last)
        framed = [
            Message(section.role, (Text(self._framed(template, section, values)),))
            for section in template.sections
            if section is not template.asks
        ]
        framed += before
        if template.asks is not None:
            media = tuple(part for part in last.parts if not isinstance(part, Text)) if last else ()
            framed.append(Message("user", (Text(render(template.asks, values)), *media)))
        elif last is not None:
            framed.append(last)
        framed += after
        call.record.decide("context", "prompt", name=template.name, digest=template.digest)
        return tuple(framed)

    def _framed(self, template: Template, section: Section, values: dict[str, str]) -> str:
        text = render(section, values)
        if section.role != "system":
            return text
        if self._date and not any(_is_date(piece) for piece in section.pieces):
            text = f"{text.rstrip()}\n\n{self._date_line()}"
        if template.fenced:
            text = f"{text.rstrip()}\n\n{notice(template.fenced)}"
        return text

    def _check_roles(self, call: Call) -> None:
        for number, message in enumerate(call.request.messages):
            if message.role in _SYSTEM_ROLES:
                raise InvalidRequest(
                    f"feature {call.feature!r} has its own prompt and takes no {message.role!r} messages",
                    param=f"messages[{number}].role",
                )

    def _values(self, template: Template, call: Call, last: Message | None) -> dict[str, str]:
        values = {"date": self._today(), "user": last.text if last else ""}
        given = call.request.metadata or {}
        for name in template.metadata:
            if name not in given:
                raise InvalidRequest(
                    f"feature {call.feature!r} needs metadata[{name!r}] for its prompt", param="metadata"
                )
            values[f"metadata.{name}"] = given[name]
        return values

    def _sampling(self, call: Call) -> Sampling:
        asked = call.request.sampling
        changes = {name: value for name, value in self._fixed.items() if getattr(asked, name) != value}
        overruled = {name: getattr(asked, name) for name in changes if getattr(asked, name) is not None}
        if overruled:
            call.record.decide("context", "settings_by_spec", asked=overruled, used=changes)
        if self._most_tokens is not None:
            if asked.max_tokens is None:
                changes["max_tokens"] = self._most_tokens
            elif asked.max_tokens > self._most_tokens:
                raise InvalidRequest(
                    f"max_tokens is {asked.max_tokens}; feature {call.feature!r} allows {self._most_tokens}",
                    param="max_tokens",
                )
        return msgspec.structs.replace(asked, **changes) if changes else asked

    def _today(self) -> str:
        return datetime.datetime.fromtimestamp(self._clock.wall(), datetime.UTC).strftime("%A, %d %B %Y")

    def _date_line(self) -> str:
        return f"Today is {self._today()} (UTC)."


def _is_date(piece: object) -> bool:
    return getattr(piece, "source", "") == "date"


def _split(request: ChatRequest) -> tuple[tuple[Message, ...], Message | None, tuple[Message, ...]]:
    """The conversation before the caller's last message, that message, and what followed it (a tool loop)."""
    messages = request.messages
    for index in range(len(messages) - 1, -1, -1):
        if messages[index].role == "user":
            return messages[:index], messages[index], messages[index + 1 :]
    return messages, None, ()
