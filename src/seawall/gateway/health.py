"""Is the process alive, is it ready, and its metrics. None of these calls a model."""

from ipaddress import ip_address

import msgspec

from seawall.core.errors import Rejected
from seawall.gateway.auth import key_of
from seawall.gateway.backend import Backend
from seawall.gateway.exchange import Exchange

METRICS_TYPE = b"text/plain; version=0.0.4; charset=utf-8"

_UP = b'{"status":"up"}'
_DOWN = b'{"status":"down"}'
_FORWARDED = (b"forwarded", b"x-forwarded-for", b"x-real-ip", b"via")


class Health:
    """The routes by which a machine looks after us."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def liveness(self, exchange: Exchange) -> None:
        """200 for as long as the event loop turns."""
        exchange.respond(200, _UP)

    async def readiness(self, exchange: Exchange) -> None:
        """200 or 503; the reasons are for administrators only."""
        ready, detail = self._backend.ready()
        body = _UP if ready else _DOWN
        if self._is_admin(exchange):
            body = msgspec.json.encode({"status": "up" if ready else "down", "detail": detail})
        exchange.respond(200 if ready else 503, body)

    async def metrics(self, exchange: Exchange) -> None:
        """The metrics in Prometheus' text format."""
        exchange.respond(200, self._backend.metrics(), METRICS_TYPE)

    def _is_admin(self, exchange: Exchange) -> bool:
        try:
            key = key_of(exchange)
            return key is not None and self._backend.authenticate(key).admin
        except Rejected:
            return False


def is_local(exchange: Exchange) -> bool:
    """Whether the client runs on this machine, as far as can be told.

    A proxy on this machine connects from here as well: what says that it was forwarded is not local.
    """
    if any(name in exchange.headers for name in _FORWARDED):
        return False
    try:
        return ip_address(exchange.peer).is_loopback
    except ValueError:
        return False
