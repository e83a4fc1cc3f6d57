"""Everything that one state of the project's files became: features, and the connections they use.

A reload builds a second graph beside the first; each call belongs to the graph that admitted it, and an
old graph is closed when its last call is over.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence

from seawall.core.call import Call
from seawall.core.errors import SeawallError, UnknownFeature
from seawall.core.handler import Emit, Handler
from seawall.runtime.feature import Feature
from seawall.transport.client import HttpClient

MOST_PASSTHROUGH = 512
"""Models kept compiled for the default feature; the least recently used is compiled again when needed."""


class Graph:
    """The features of one state of the files."""

    def __init__(
        self,
        clients: Sequence[HttpClient],
        digest: str,
        reachable: Sequence[str],
        kept: Callable[[], Awaitable[None]],
        passthrough: Callable[[str], Feature | None],
    ) -> None:
        self.features: Mapping[str, Feature] = {}
        self.reachable = tuple(reachable)
        """Providers whose models can be named without a feature."""
        self.digest = digest
        self.in_flight = 0
        self._clients = clients
        self._kept = kept
        self._passthrough = passthrough
        self._models: OrderedDict[str, Feature] = OrderedDict()
        self._leaving: asyncio.Event | None = None

    def find(self, model: str) -> Feature:
        """The feature a request names: by its own name, or `provider/model` through the default one."""
        feature = self.features.get(model) or self._models.get(model)
        if feature is not None:
            return feature
        feature = self._passthrough(model)
        if feature is None:
            raise UnknownFeature(
                f"no feature or model {model[:200]!r}{self._suggestion(model)}", param="model"
            )
        self._models[model] = feature
        if len(self._models) > MOST_PASSTHROUGH:
            self._models.popitem(last=False)
        return feature

    def _suggestion(self, model: str) -> str:
        import difflib

        close = difflib.get_close_matches(model[:200], self.features, n=1)
        return f". Did you mean {close[0]!r}?" if close else ""

    def outermost(self, handler: Handler) -> Handler:
        """*handler*, counted while it runs, and over only once the record of its call is kept."""

        async def running(call: Call, emit: Emit) -> None:
            self.in_flight += 1
            try:
                try:
                    await handler(call, emit)
                except SeawallError:
                    await self._kept()
                    raise
                await self._kept()
            finally:
                self.in_flight -= 1
                if self._leaving is not None and not self.in_flight:
                    self._leaving.set()

        return running

    async def close(self) -> None:
        """Wait for the calls under way, then close the connections."""
        if self.in_flight:
            self._leaving = asyncio.Event()
            await self._leaving.wait()
        for client in self._clients:
            await client.close()
