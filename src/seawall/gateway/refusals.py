"""What a client is told that does not speak HTTP properly: a closed catalogue, made once.

Nothing of what the client sent and no exception's text is in these answers.
"""

import msgspec
from msgspec import Struct

from seawall.gateway.heads import NO_LINES, HeaderLines, header_lines


class Refusal(Struct, frozen=True):
    """An answer that is known before any handler runs."""

    status: int
    body: bytes
    headers: HeaderLines = NO_LINES


def refusal(status: int, code: str, message: str, headers: HeaderLines = NO_LINES) -> Refusal:
    """A refusal in the OpenAI envelope."""
    kind = "api_error" if status >= 500 else "invalid_request_error"
    body = {"error": {"message": message, "type": kind, "param": None, "code": code}}
    return Refusal(status, msgspec.json.encode(body), headers)


MALFORMED = refusal(400, "malformed_http", "the request is not valid HTTP/1.1")
NO_HOST = refusal(400, "malformed_http", "an HTTP/1.1 request needs exactly one host header")
REPEATED = refusal(400, "repeated_header", "a header that may occur once was sent more than once")
ENCODING = refusal(400, "malformed_http", "the only transfer-encoding taken is 'chunked', over HTTP/1.1")
TRAILERS = refusal(400, "malformed_http", "trailers after a chunked body are not taken")
FRAMING = refusal(400, "malformed_http", "the body's chunks are wrapped in far more bytes than they carry")
UPGRADE = refusal(400, "upgrade_refused", "this server speaks HTTP/1.1 only; send no upgrade header")
TOO_MANY = refusal(400, "too_many_pipelined", "too many requests were sent ahead of their answers")
HEAD_LATE = refusal(408, "request_timeout", "the request's head did not arrive in time")
BODY_LATE = refusal(408, "request_timeout", "the request's body arrived too slowly")
BODY_LARGE = refusal(413, "request_too_large", "the request's body is larger than this server takes")
COMPRESSED = refusal(415, "unsupported_encoding", "send the body without content-encoding")
EXPECTATION = refusal(417, "expectation_failed", "the only expectation that is met is 100-continue")
HEAD_LARGE = refusal(431, "headers_too_large", "the request's head has too many or too large headers")
VERSION = refusal(505, "http_version", "this server speaks HTTP/1.1")
FULL = refusal(
    503,
    "overloaded",
    "too many connections; try again later",
    header_lines(("retry-after", "1"), ("retry-after-ms", "1000")),
)


def method_refused(verbs: frozenset[bytes]) -> Refusal:
    """The answer to a method outside the closed set *verbs*."""
    allowed = b", ".join(sorted(verbs)).decode("ascii")
    return refusal(
        405, "method_not_allowed", f"the methods taken are {allowed}", header_lines(("allow", allowed))
    )
