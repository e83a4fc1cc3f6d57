"""An error becomes an answer: before the first byte a status, after it an event in the stream."""

import logging
import os
from math import ceil

from seawall.core.errors import CallError, SeawallError, Unauthorized
from seawall.gateway.exchange import Exchange
from seawall.gateway.heads import NO_LINES, HeaderLines, header_lines
from seawall.gateway.refusals import Refusal
from seawall.wire.errors import internal, openai_body, openai_event

log = logging.getLogger("seawall.gateway")

_LONGEST_WAIT = 86_400.0  # seconds; what an upstream asks for beyond a day is not passed on


class MethodNotAllowed(CallError):
    """The path is there, but not for this method."""

    code, status = "method_not_allowed", 405

    def __init__(self, method: str, allowed: list[str]) -> None:
        super().__init__(f"{method} is not taken here; allowed: {', '.join(allowed)}")
        self.allowed = allowed


class UnknownPath(CallError):
    """No route has this path."""

    code, status = "unknown_path", 404


class UnsupportedMedia(CallError):
    """The body is not of a type that is taken."""

    code, status = "unsupported_media_type", 415


def refusal_of(error: SeawallError, request_id: str) -> Refusal:
    """The whole answer that stands for *error*."""
    return Refusal(error.status, openai_body(error, request_id=request_id), _lines_of(error))


def answer_error(exchange: Exchange, error: SeawallError) -> None:
    """Tell the client of *error*, and close the stream if one has begun: never with its usual last event."""
    ensure_id(exchange)
    if not exchange.started:
        exchange.refuse(refusal_of(error, exchange.request_id))
    elif not exchange.ended:
        exchange.end(openai_event(error), close=True)


def answer_bug(exchange: Exchange, error: Exception) -> None:
    """Tell the client only an id, and the log everything under that id."""
    ensure_id(exchange)
    log.error("internal error, id %s", exchange.request_id, exc_info=error)
    answer_error(exchange, internal(exchange.request_id))


def ensure_id(exchange: Exchange) -> None:
    """Give *exchange* an id if it has none yet."""
    if not exchange.request_id:
        exchange.identify(f"req-{os.urandom(8).hex()}")


def _lines_of(error: SeawallError) -> HeaderLines:
    retry_after = getattr(error, "retry_after", None)
    if retry_after is not None:
        milliseconds = ceil(min(max(0.0, retry_after), _LONGEST_WAIT) * 1000)
        return header_lines(
            ("retry-after", str(ceil(milliseconds / 1000))), ("retry-after-ms", str(milliseconds))
        )
    if isinstance(error, Unauthorized):
        return header_lines(("www-authenticate", "Bearer"))
    if isinstance(error, MethodNotAllowed):
        return header_lines(("allow", ", ".join(error.allowed)))
    return NO_LINES
