"""A server on a loopback port, with faces and a backend that tests can steer. Time stands still in it."""

from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import uvloop

from seawall.core.accumulate import replay
from seawall.core.call import Call, Principal
from seawall.core.errors import Forbidden, UnknownFeature
from seawall.core.events import Event
from seawall.core.handler import Emit
from seawall.core.handler import Handler as CallHandler
from seawall.core.ports import ApiKey
from seawall.core.record import Attempt, CallRecord
from seawall.core.request import ChatRequest
from seawall.gateway.app import Gateway, ModelInfo
from seawall.gateway.counting import HttpMetrics
from seawall.gateway.exchange import Exchange, Handler
from seawall.gateway.http import Server
from seawall.gateway.reader import Face, Limits
from seawall.gateway.refusals import Refusal
from seawall.layers.monitoring.metrics import Registry
from seawall.runtime.keyring import KeyRing
from seawall.testing import FakeClock

from tests.support.fakes import answer

PEPPER = b"p" * 32
KEY = "sw-caller"
ADMIN_KEY = "sw-admin"
OTHER_KEY = "sw-narrow"


def run(main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a test on the loop that serves in production."""
    uvloop.run(main())


class EchoFace:
    """Answers with what it was sent; `handlers` answers some paths otherwise."""

    def __init__(self, **handlers: Handler) -> None:
        self.handlers = handlers
        self.exchanges: list[Exchange] = []
        self.refusals: list[Refusal] = []

    def open(self, exchange: Exchange) -> Handler | Refusal:
        return self.handlers.get(exchange.path.decode("latin-1").strip("/"), self.echo)

    async def echo(self, exchange: Exchange) -> None:
        self.exchanges.append(exchange)
        exchange.respond(200, exchange.body)

    def refused(self, refusal: Refusal) -> None:
        self.refusals.append(refusal)


@asynccontextmanager
async def serving(
    face: Face, clock: FakeClock | None = None, limits: Limits | None = None
) -> AsyncIterator[Server]:
    """A started server; everything is closed afterwards."""
    server = Server(face, clock or FakeClock(), limits=limits)
    await server.start()
    try:
        yield server
    finally:
        await server.close()


async def plays_an_answer(call: Call, emit: Emit) -> None:
    """A handler that emits a short answer."""
    for event in replay(answer("Hello there.")):
        await emit(event)


class FakeBackend:
    """Lets three keys in and has every call answered by `handler`."""

    def __init__(self, clock: FakeClock, handler: CallHandler = plays_an_answer) -> None:
        self.clock = clock
        self.handler = handler
        self.keys = KeyRing(PEPPER, [], clock)
        self.keys.replace(
            [
                self.key("k-1", KEY),
                self.key("k-2", ADMIN_KEY, admin=True),
                self.key("k-3", OTHER_KEY, features=("other",)),
            ]
        )
        self.calls: list[Call] = []
        self.authenticated = 0
        self.is_ready = True
        self.ended: list[BaseException | None] = []

    def key(self, key_id: str, key: str, **fields: Any) -> ApiKey:
        return ApiKey(key_id, self.keys.digest_of(key), "acme", key_id, self.clock.wall(), **fields)

    def authenticate(self, key: bytes) -> Principal:
        self.authenticated += 1
        return self.keys.principal(key)

    def admit(
        self, request: ChatRequest, principal: Principal, *, dialect: str, correlation_id: str
    ) -> tuple[Call, CallHandler]:
        if request.model == "nowhere":
            raise UnknownFeature(f"no feature {request.model!r}", param="model")
        if not principal.may_use(request.model):
            raise Forbidden(f"this key may not use {request.model!r}", param="model")
        record = CallRecord(
            id=f"c-{len(self.calls) + 1}",
            at=self.clock.wall(),
            started=self.clock.monotonic(),
            feature=request.model,
            digest="d1",
            request_type="realtime",
            tenant=principal.tenant,
            key_id=principal.key_id,
            dialect=dialect,
            correlation_id=correlation_id,
            asked=request,
        )
        call = Call(record.id, request.model, principal, request, self.clock.monotonic() + 10, record)
        self.calls.append(call)
        return call, self._monitored

    async def _monitored(self, call: Call, emit: Emit) -> None:
        async def observed(event: Event) -> None:
            await emit(event)
            call.record.sent.add(event)

        call.record.attempts.append(Attempt("p/m", "ok", 0, 1))
        error: BaseException | None = None
        try:
            await self.handler(call, observed)
        except BaseException as caught:
            error = caught
            raise
        finally:
            self.ended.append(error)

    def models(self, principal: Principal) -> list[ModelInfo]:
        names = [name for name in ("support", "p/big", "other") if principal.may_use(name)]
        return [ModelInfo(name, "acme", 1_790_000_000) for name in names]

    def ready(self) -> tuple[bool, dict[str, Any]]:
        return self.is_ready, {"store": "writable" if self.is_ready else "full"}

    def metrics(self) -> bytes:
        return b"seawall_up 1\n"


class House:
    """A gateway over a fake backend."""

    def __init__(self, handler: CallHandler = plays_an_answer) -> None:
        self.clock = FakeClock()
        self.backend = FakeBackend(self.clock, handler)
        self.registry = Registry()
        self.gateway = Gateway(self.backend, self.clock, HttpMetrics(self.registry))

    def count_of(self, route: str, status: str) -> float:
        """How many answers of a class of status *route* gave."""
        line = f'seawall_http_responses_total{{route="{route}",status="{status}"}} '
        found = [row for row in self.registry.render().decode().splitlines() if row.startswith(line)]
        return float(found[0].rpartition(" ")[2]) if found else 0
