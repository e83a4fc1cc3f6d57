"""The stage of a drill: scripted providers that can be broken, a gateway of its own, and a plain client."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from seawall.core.accumulate import Accumulator
from seawall.core.errors import ProviderError
from seawall.lifecycle.process import gateway_process
from seawall.plugins.providers.scripted import ScriptedServer
from seawall.runtime.first_key import local_key
from seawall.transport.client import HttpClient
from seawall.wire.openai_chat import StreamDecoder, decode_answer


class Result(Struct, frozen=True):
    """What a client got for one request."""

    ms: float
    status: int
    """0 when there was no answer at all."""
    text: str = ""
    complete: bool = False
    """Whether the answer came to its proper end."""
    first_ms: float = 0.0
    error: str = ""
    served: str = ""

    @property
    def ok(self) -> bool:
        """A whole, proper answer."""
        return self.status == 200 and self.complete


class Place(Struct, frozen=True):
    """Where requests of a drill go: straight to a provider, or to Seawall."""

    url: str
    key: str
    model: str


class Stage(Struct, frozen=True):
    """Everything a drill needs, running."""

    servers: tuple[ScriptedServer, ...]
    off: Place
    on: Place
    folder: Path


@asynccontextmanager
async def staged(
    files: dict[str, str], *servers: ScriptedServer, feature: str, model: str
) -> AsyncIterator[Stage]:
    """Start *servers* and a gateway on a project of *files*.

    In `files`, `{0}`, `{1}`… stand for the addresses of the servers. `off` asks *model* of the first server
    directly, `on` asks *feature* of the gateway.
    """
    async with AsyncExitStack() as stack:
        for server in servers:
            await stack.enter_async_context(server)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="seawall-drill-")))
        for name, text in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            for number, server in enumerate(servers):
                text = text.replace(f"{{{number}}}", server.url)
            path.write_text(text, encoding="utf-8")
        url = await stack.enter_async_context(gateway_process(folder))
        key = local_key(folder / ".seawall")
        yield Stage(tuple(servers), Place(servers[0].url, "none", model), Place(url, key, feature), folder)


class Client:
    """A plain client: no retries, no fallbacks; what most first programs are."""

    def __init__(self, place: Place, *, patience: float) -> None:
        """*patience* is how many seconds it waits for an answer."""
        self._place = place
        self._patience = patience
        self._http = HttpClient(place.url)
        self._headers = f"content-type: application/json\r\nauthorization: Bearer {place.key}\r\n".encode()

    async def close(self) -> None:
        """Close its connections."""
        await self._http.close()

    async def ask(self, request: dict[str, Any]) -> Result:
        """Send one chat request; whatever happens becomes a `Result`."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        stream = bool(request.get("stream"))
        fold, first = Accumulator(), 0.0
        status, error = 0, ""
        body = msgspec.json.encode({**request, "model": self._place.model})
        try:
            async with (
                asyncio.timeout(self._patience),
                self._http.exchange(
                    b"POST", self._http.prefix + b"/chat/completions", self._headers, body
                ) as response,
            ):
                status = response.status
                if status != 200 or not stream:
                    raw = await response.read(1 << 24)
                    if status == 200:
                        answer = decode_answer(raw)
                        ms = (loop.time() - began) * 1000
                        return Result(ms, status, answer.text, True, ms, "", answer.model)
                    error = raw.decode("utf-8", "replace")[:200]
                else:
                    decoder = StreamDecoder()
                    while data := await response.chunk():
                        for event in decoder.feed(data):
                            first = first or (loop.time() - began) * 1000
                            fold.add(event)
                    for event in decoder.end():
                        fold.add(event)
        except TimeoutError:
            error = f"no end within {self._patience:g} s"
        except ProviderError as caught:
            error = caught.code
        answer_so_far = fold.answer
        return Result(
            ms=(loop.time() - began) * 1000,
            status=status,
            text=answer_so_far.text,
            complete=answer_so_far.complete and not error,
            first_ms=first,
            error=error,
            served=answer_so_far.model,
        )


async def load(
    place: Place, requests: Sequence[dict[str, Any]], *, at_a_time: int, patience: float
) -> list[Result]:
    """Send *requests*, so many at a time, and give the results in order."""
    client = Client(place, patience=patience)
    results: list[Result | None] = [None] * len(requests)
    left = iter(range(len(requests)))

    async def worker() -> None:
        for number in left:
            results[number] = await client.ask(requests[number])

    try:
        async with asyncio.TaskGroup() as tasks:
            for _ in range(at_a_time):
                tasks.create_task(worker())
    finally:
        await client.close()
    return [each for each in results if each is not None]
