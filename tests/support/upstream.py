"""A transport in memory: answers requests from a script, and remembers how they were asked and left."""

import asyncio
from collections.abc import Sequence
from types import TracebackType
from typing import Self, cast

from seawall.core.errors import ProviderError
from seawall.transport.client import HttpClient

HANG = "hang"

Step = bytes | ProviderError | str


class FakeResponse:
    """Gives the pieces of a body one by one; an error among them is raised, `HANG` waits for ever."""

    def __init__(
        self, status: int = 200, pieces: Sequence[Step] = (), headers: dict[bytes, bytes] | None = None
    ) -> None:
        self.status = status
        self.headers = headers or {}
        self.entered = self.left = self.ended = False
        self.left_with: BaseException | None = None
        self._pieces = list(pieces)

    async def __aenter__(self) -> Self:
        self.entered = True
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.left = True
        self.left_with = error

    async def chunk(self) -> bytes:
        assert self.entered
        assert not self.left
        if not self._pieces:
            self.ended = True
            return b""
        piece = self._pieces.pop(0)
        if isinstance(piece, ProviderError):
            raise piece
        if isinstance(piece, str):
            await asyncio.get_running_loop().create_future()
        return cast("bytes", piece)

    async def read(self, limit: int) -> bytes:
        body = b""
        while piece := await self.chunk():
            body += piece
            if len(body) > limit:
                raise ProviderError("protocol_error", "too large")
        return body


class FakeClient:
    """The shape of an `HttpClient`; *responses* are used one after the other."""

    prefix = b"/v1"

    def __init__(self, *responses: FakeResponse) -> None:
        self.responses = list(responses)
        self.requests: list[tuple[bytes, bytes, bytes, bytes]] = []

    def exchange(self, method: bytes, path: bytes, headers: bytes, body: bytes) -> FakeResponse:
        self.requests.append((method, path, headers, body))
        return self.responses[len(self.requests) - 1]

    @property
    def as_client(self) -> HttpClient:
        """Itself, for the type checker."""
        return cast("HttpClient", self)
