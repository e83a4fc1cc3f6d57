"""Keys: where a request carries one."""

import hmac
from urllib.parse import unquote_to_bytes

from seawall.core.errors import InvalidRequest, Unauthorized
from seawall.gateway.exchange import Exchange

_BARE_CARRIERS = (b"x-api-key", b"api-key", b"x-goog-api-key")
_KEY_PARAMETERS = frozenset(
    (
        b"key",
        b"apikey",
        b"api_key",
        b"api-key",
        b"x-api-key",
        b"x-goog-api-key",
        b"access_token",
        b"token",
        b"authorization",
    )
)


def key_of(exchange: Exchange) -> bytes | None:
    """The one key that *exchange* carries, in whichever header; `None` when it carries none.

    Raises `InvalidRequest` for two different keys and for one in the query string.
    """
    if exchange.query:
        _refuse_key_in_query(exchange.query)
    headers = exchange.headers
    found = None
    if b"authorization" in headers:
        scheme, _, value = headers[b"authorization"].partition(b" ")
        if scheme.lower() == b"bearer":
            found = value.strip() or None
    for carrier in _BARE_CARRIERS:
        if carrier in headers:
            key = headers[carrier]
            if key and found is not None and not hmac.compare_digest(found, key):
                raise InvalidRequest("the request carries two different keys; send one", code="ambiguous_key")
            found = key or found
    return found


def require_key(exchange: Exchange) -> bytes:
    """The key that *exchange* carries. Raises `Unauthorized` when it carries none."""
    key = key_of(exchange)
    if key is None:
        raise Unauthorized("no API key: send one as 'Authorization: Bearer …'", code="missing_api_key")
    return key


def _refuse_key_in_query(query: bytes) -> None:
    for pair in query.split(b"&"):
        name = unquote_to_bytes(pair.partition(b"=")[0]).lower()
        if name in _KEY_PARAMETERS:
            raise InvalidRequest(
                f"the query string carries {name.decode('ascii')!r}: addresses end up in logs, so keys are "
                "taken from headers only; send 'Authorization: Bearer …' and consider this key leaked",
                code="key_in_query",
            )
