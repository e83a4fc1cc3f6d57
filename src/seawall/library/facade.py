"""The library face: the same features, the same layers, in your own process.

async with seawall.open(".") as app:
    answer = await app.feature("support-answer").complete("Where is my refund?")
    async with app.feature("support-answer").stream("Where is my refund?") as events:
        async for event in events:
            ...
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

from seawall.core.accumulate import Answer
from seawall.core.call import Call, Principal
from seawall.core.events import Event
from seawall.core.handler import Handler
from seawall.core.messages import Message, Text, ToolSpec
from seawall.core.request import ChatRequest, ResponseFormat, Sampling, ToolChoice
from seawall.library.channel import events_of
from seawall.runtime.app import App

LOCAL = Principal(key_id="library", tenant="default", name="library")
"""Who calls from inside the process: whoever runs the code, so no key is asked for."""


class FeatureHandle:
    """One feature (or `provider/model`), to be called as often as you like."""

    def __init__(self, app: App, name: str, principal: Principal) -> None:
        self._app = app
        self._name = name
        self._principal = principal

    async def complete(self, asked: str | Sequence[Message], **options: Any) -> Answer:
        """Ask, and wait for the whole answer.

        *asked* is the user's text, or the conversation. *options* are the fields of
        `seawall.core.request.Sampling` (`temperature`, `max_tokens`, …) and `tools`, `tool_choice`,
        `response_format`, `metadata`, `user`. Raises a subclass of `CallError` when the call fails.
        """
        call, handler = self._open(asked, stream=False, options=options)
        await handler(call, _ignore)
        return call.record.sent.answer

    def stream(
        self, asked: str | Sequence[Message], **options: Any
    ) -> AbstractAsyncContextManager[AsyncIterator[Event]]:
        """Ask, and iterate over the events of the answer as they come. Takes what `complete` takes."""
        call, handler = self._open(asked, stream=True, options=options)
        return events_of(handler, call)

    def _open(
        self, asked: str | Sequence[Message], *, stream: bool, options: dict[str, Any]
    ) -> tuple[Call, Handler]:
        request = _request(self._name, asked, stream=stream, **options)
        return self._app.admit(request, self._principal, dialect="library", correlation_id="")


class Seawall:
    """An open project."""

    def __init__(self, app: App) -> None:
        self.app = app
        """What runs behind it: the store, the recorder, the metrics."""

    def feature(self, name: str, *, principal: Principal = LOCAL) -> FeatureHandle:
        """The feature *name* (or `provider/model`). Whether there is one shows when it is called."""
        return FeatureHandle(self.app, name, principal)


@asynccontextmanager
async def open_project(project: str | Path = ".") -> AsyncIterator[Seawall]:
    """Open the project in the folder *project*; its records go to the same store as the gateway's."""
    async with App.open(Path(project)) as app:
        yield Seawall(app)


def _request(
    model: str,
    asked: str | Sequence[Message],
    *,
    stream: bool,
    tools: Sequence[ToolSpec] = (),
    tool_choice: ToolChoice | None = None,
    response_format: ResponseFormat | None = None,
    metadata: dict[str, str] | None = None,
    user: str = "",
    **sampling: Any,
) -> ChatRequest:
    messages = (Message("user", (Text(asked),)),) if isinstance(asked, str) else tuple(asked)
    return ChatRequest(
        model=model,
        messages=messages,
        tools=tuple(tools),
        tool_choice=tool_choice,
        sampling=Sampling(**sampling),
        response_format=response_format,
        stream=stream,
        include_usage=True,
        metadata=metadata,
        user=user,
    )


async def _ignore(event: Event) -> None:
    """The whole answer is taken from the record of what was emitted."""
