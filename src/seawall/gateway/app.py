"""`Gateway`: binds routes, keys and the faces; the only place where an error meets a client."""

import asyncio
import re
from functools import partial

from seawall.core.errors import Forbidden, Overloaded, SeawallError
from seawall.core.ports import Clock, ModelInfo
from seawall.gateway.auth import require_key
from seawall.gateway.backend import Backend
from seawall.gateway.counting import HttpMetrics
from seawall.gateway.exchange import Exchange, Handler
from seawall.gateway.failure import (
    MethodNotAllowed,
    UnknownPath,
    answer_bug,
    answer_error,
    ensure_id,
    refusal_of,
)
from seawall.gateway.health import Health, is_local
from seawall.gateway.openai import OpenAIFace
from seawall.gateway.refusals import Refusal
from seawall.gateway.routes import GuardedRoute, OpenRoute, Route, Routes

__all__ = ["Backend", "Gateway", "ModelInfo"]

PREFIXES = ("/v1", "/openai/v1")

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._:-]{1,128}")


class Gateway:
    """The `Face` of the server: finds the route, checks the key, runs the handler, tells of errors."""

    def __init__(self, backend: Backend, clock: Clock, metrics: HttpMetrics) -> None:
        self._backend = backend
        self._metrics = metrics
        self.routes = Routes()
        openai, health = OpenAIFace(backend, clock), Health(backend)
        for prefix in PREFIXES:
            self.routes.add(GuardedRoute("POST", f"{prefix}/chat/completions", "call", openai.chat))
            self.routes.add(GuardedRoute("GET", f"{prefix}/models", "call", openai.models))
            self.routes.add(GuardedRoute("GET", f"{prefix}/models/", "call", openai.model, subtree=True))
        for path in ("/livez", "/health/liveness", "/health/liveliness"):
            self.routes.add(OpenRoute("GET", path, "public", health.liveness))
        for path in ("/readyz", "/health/readiness", "/health"):
            self.routes.add(OpenRoute("GET", path, "public", health.readiness))
        self.routes.add(OpenRoute("GET", "/metrics", "local", health.metrics))

    def open(self, exchange: Exchange) -> Handler | Refusal:
        """Who answers *exchange*. The key is checked here, before the body is taken or a handler runs."""
        said = exchange.headers.get(b"x-request-id")
        if said is not None and _REQUEST_ID.fullmatch(said):
            exchange.identify(said.decode("ascii"))
        route = self.routes.find(exchange.method, exchange.path)
        try:
            if route is None:
                raise self._no_route(exchange)
            return partial(self._serve, route, self._admitted(route, exchange))
        except SeawallError as error:
            ensure_id(exchange)
            self._metrics.count(route.path if route is not None else "", error.status)
            return refusal_of(error, exchange.request_id)

    def refused(self, refusal: Refusal) -> None:
        """Count a client that broke the protocol."""
        self._metrics.count("", refusal.status)

    def _admitted(self, route: Route, exchange: Exchange) -> Handler:
        """The handler of *route*, with its principal where it takes one. Raises what the key deserves."""
        if isinstance(route, OpenRoute):
            if route.permission == "local" and not is_local(exchange):
                self._require_admin(exchange)
            return route.handler
        principal = self._backend.authenticate(require_key(exchange))
        if route.permission == "admin" and not principal.admin:
            raise Forbidden("this takes an admin key")
        answer = route.handler
        return lambda exchange: answer(exchange, principal)

    def _require_admin(self, exchange: Exchange) -> None:
        if not self._backend.authenticate(require_key(exchange)).admin:
            raise Forbidden("this takes an admin key")

    def _no_route(self, exchange: Exchange) -> SeawallError:
        methods = self.routes.methods(exchange.path)
        if methods:
            return MethodNotAllowed(exchange.method.decode("ascii"), methods)
        return UnknownPath("there is nothing at this path; paths are matched exactly as sent")

    async def _serve(self, route: Route, handler: Handler, exchange: Exchange) -> None:
        try:
            await handler(exchange)
            if not exchange.ended:
                raise RuntimeError(f"the handler of {route.path!r} returned without an answer")
        except SeawallError as error:
            answer_error(exchange, error)
        except asyncio.CancelledError:
            if exchange.shutting_down:
                answer_error(exchange, Overloaded("the server is shutting down; try again"))
            raise
        except Exception as error:  # noqa: BLE001  # the outermost place: a bug becomes an id and a log line
            answer_bug(exchange, error)
        finally:
            self._metrics.count(route.path, exchange.status)
