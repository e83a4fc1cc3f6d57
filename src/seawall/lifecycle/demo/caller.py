"""The shop's application: it asks through the official OpenAI SDK, and asks again after an explicit error."""

import asyncio
import itertools
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from seawall.core.errors import SeawallError

if TYPE_CHECKING:
    from openai import AsyncOpenAI
    from openai.types.chat import ChatCompletion

MOST_ASKS = 7
PAUSE = 0.25
"""Seconds before the application asks again; doubled each time."""
PATIENCE = 30.0
"""Seconds after which the application gives up on a call."""
REFUSALS = (400, 413, 429)


class Seen(Struct):
    """What the application saw, which is compared with what was recorded."""

    sent: list[str] = []
    """The request ids under which calls were sent."""
    answered: int = 0
    refused: int = 0
    errors: int = 0
    """Explicit errors, after each of which it asked again."""
    cut: int = 0
    """Those among them that came after the answer had begun."""
    unanswered: list[str] = []
    """What never got an answer, or was refused although it should not have been, or the other way round."""
    silent: int = 0
    """Answers that ended without saying how: must not be."""
    forms: int = 0
    """Answers that had to be JSON."""
    invalid: int = 0
    """Those that were not, or not of the form asked for: must not be."""


def require_sdk() -> None:
    """Raise `SeawallError` unless the OpenAI SDK is installed."""
    if find_spec("openai") is None:
        raise SeawallError(
            "the demo calls Seawall with the official OpenAI SDK, which is not installed",
            hint="pip install 'seawall[demo]'",
        )


def open_client(url: str, key: str) -> "AsyncOpenAI":
    """The SDK's client for the gateway, without retries of its own."""
    import openai

    return openai.AsyncOpenAI(
        base_url=url,
        api_key=key,
        max_retries=0,
        timeout=PATIENCE,
        # A proxy of the surroundings has no business between this machine and itself.
        http_client=openai.DefaultAsyncHttpxClient(trust_env=False),
    )


class Caller:
    """Asks, and keeps count."""

    def __init__(self, client: "AsyncOpenAI") -> None:
        self._client = client
        self._numbers = itertools.count(1)
        self.seen = Seen()

    async def ask(self, *, streamed: bool, **request: Any) -> "ChatCompletion | None":
        """A complete answer. After an explicit error it asks again; `None` when it never got one."""
        import openai

        pause = PAUSE
        for _ in range(MOST_ASKS):
            try:
                answer: ChatCompletion = await self._once(streamed=streamed, **request)
            except openai.APIError as error:
                if getattr(error, "status_code", 500) in (400, 401, 403, 404, 413):
                    self._never(request, error)
                    return None
                self.seen.errors += 1
                self.seen.cut += type(error) is openai.APIError
                last = error
            else:
                finish: str = answer.choices[0].finish_reason
                if finish:
                    self.seen.answered += 1
                else:
                    self.seen.silent += 1
                return answer
            await asyncio.sleep(pause)
            pause *= 2
        self._never(request, last)
        return None

    async def is_refused(self, **request: Any) -> bool:
        """Ask for what may be refused: whether it was."""
        import openai

        try:
            await self._once(streamed=False, **request)
        except openai.APIStatusError as error:
            if error.status_code not in REFUSALS:
                self._never(request, error)
            self.seen.refused += 1
            return True
        self.seen.answered += 1
        return False

    async def _once(self, *, streamed: bool, **request: Any) -> Any:
        number = f"demo-{next(self._numbers)}"
        self.seen.sent.append(number)
        request["extra_headers"] = {"x-request-id": number}
        if "response_format" in request:
            return await self._client.chat.completions.parse(**request)
        if not streamed:
            return await self._client.chat.completions.create(**request)
        async with self._client.chat.completions.stream(**request) as stream:
            return await stream.get_final_completion()

    def _never(self, request: dict[str, Any], error: Exception) -> None:
        self.seen.unanswered.append(f"{request['model']}: {error}")
