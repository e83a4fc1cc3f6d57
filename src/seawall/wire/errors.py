"""Errors ↔ the wire: ours as OpenAI's error objects, and the providers' as `ProviderError`.

What a provider says is not repeated to our caller, since it may name our account, our key or our limits;
except for the text of a 400, which is about the caller's own request and which only that caller can act on.
"""

import math
import re
from collections.abc import Iterator, Mapping
from email.utils import parsedate_to_datetime
from typing import Any

import msgspec
from msgspec import Struct

from seawall.core.errors import ProviderError, SeawallError

_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "insufficient_quota",
    403: "permission_error",
    404: "not_found_error",
    413: "invalid_request_error",
    429: "rate_limit_error",
    504: "timeout",
}

_KINDS_OF_STATUS = {
    400: "bad_request",
    401: "auth",
    402: "auth",  # the account is out of money: nothing a retry or the caller could change
    403: "auth",
    404: "not_found",
    408: "unavailable",
    413: "context_length",  # more than this target takes; another may take it
    425: "unavailable",
    429: "rate_limited",
    503: "overloaded",
    529: "overloaded",
}

_KINDS_OF_CODE = {
    "context_length_exceeded": "context_length",
    "exceed_context_size_error": "context_length",
    "content_filter": "content_filtered",
    "content_policy_violation": "content_filtered",
    "responsibleaipolicyviolation": "content_filtered",
    "invalid_prompt": "content_filtered",
    "moderation_blocked": "content_filtered",
    "content_filter_error": "content_filtered",
    "model_not_found": "not_found",
    "invalid_model": "not_found",
    "invalid_api_key": "auth",
    "authentication_error": "auth",
    "insufficient_quota": "auth",
    "billing_hard_limit_reached": "auth",
    "rate_limit_exceeded": "rate_limited",
    "rate_limit_error": "rate_limited",
    "too_many_requests": "rate_limited",
    "overloaded_error": "overloaded",
    "engine_overloaded": "overloaded",
}
"""What `code` or `type` of an error object says, in lower case; more precise than the status."""

_KINDS_OF_TEXT = (
    (
        re.compile(r"maximum context length|context (?:window|size|length)|prompt is too long"),
        "context_length",
    ),
    (
        re.compile(r"(?:incorrect|invalid).{0,20}api[ _-]?key|api[ _-]?key.{0,20}(?:invalid|not valid)"),
        "auth",
    ),
    (re.compile(r"model.{0,80}(?:does not exist|not exist|not found)"), "not_found"),
)
"""For the vendors that give a 400 no code; looked for in lower case."""

_OVERRULED = frozenset({400, 402, 403, 404, 422, 429})
"""The statuses whose kind the body may correct. A 401 is about our key whatever else is said, and a 413 does
not become smaller by waiting, though some call it a rate limit."""

_MESSAGES = {
    "rate_limited": "the provider takes no more requests for now",
    "overloaded": "the provider is overloaded",
    "unavailable": "the provider failed",
    "protocol_error": "the provider answered with something that is no answer of its API",
    "bad_response": "the provider reported an error in place of an answer",
    "auth": "the provider refused our credentials or account",
    "not_found": "the provider does not know this model or address",
    "context_length": "the request does not fit the model's context window",
    "content_filtered": "the provider refused the content under its policy",
}

_MOST_WAIT = 86_400.0  # seconds; who asks for more waits for somebody else
_MOST_READ = 64 * 1024  # bytes of an error's body
_MOST_TEXT = 500  # characters of an upstream message

_SECONDS = re.compile(rb"[0-9]{1,12}(?:\.[0-9]{1,9})?")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\s]+")
_LOOKS_SECRET = re.compile(
    r"\b(?:sk|pk|rk|gsk|xai|hf|nvapi|fw|tgp|key)[-_][^\s\"'`,;)]{4,}"
    r"|\b[Bb]earer [^\s\"'`,;)]{4,}"
    r"|(?<![\w+=])(?=[\w+=]{0,200}[0-9])(?=[\w+=]{0,200}[A-Za-z])[\w+=]{24,}"
)


def openai_body(error: SeawallError, *, request_id: str = "") -> bytes:
    """The body of an error response. `error.hint` stays here."""
    return msgspec.json.encode({"error": _error_object(error, request_id)})


def openai_event(error: SeawallError) -> bytes:
    """The frame that ends a stream in failure; no `[DONE]` may follow it."""
    return b"data: %b\n\n" % openai_body(error)


def internal(request_id: str) -> SeawallError:
    """What a caller is told of a bug of ours: nothing but where to find it in the log."""
    return SeawallError(f"an internal error occurred; it is in our log under {request_id!r}")


def _error_object(error: SeawallError, request_id: str) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "message": error.message,
        "type": _TYPES.get(error.status, "invalid_request_error" if error.status < 500 else "api_error"),
        "param": getattr(error, "param", "") or None,
        "code": error.code,
    }
    if request_id:
        fields["request_id"] = request_id
    return fields


class _Said(Struct):
    """What an error's body says, whichever of the usual shapes it has."""

    message: str = ""
    param: str = ""
    codes: tuple[str, ...] = ()


def provider_error(status: int, headers: Mapping[bytes, bytes], body: bytes) -> ProviderError:
    """The error for a response whose *status* is not a success. Names of *headers* are in lower case."""
    said = _read(body)
    kind = _KINDS_OF_STATUS.get(status)
    if kind is None:
        kind = "unavailable" if 500 <= status < 600 else "bad_request" if 400 <= status < 500 else ""
    if not kind:
        return _error("protocol_error", status, said, headers)
    if status in _OVERRULED:
        kind = _kind_said(said, by_text=status not in (402, 403, 429)) or kind
    return _error(kind, status, said, headers)


def error_under_success(body: bytes, *, only_final: bool = False) -> ProviderError:
    """The error for an error object that came where an answer, or an event of one, should have been.

    With *only_final* it is `bad_response` unless asking again can be of no use.
    """
    said = _read(body)
    kind = _kind_said(said, by_text=True)
    for code in said.codes:
        if not kind and code.isdecimal() and 400 <= int(code[:4]) < 600:
            kind = _KINDS_OF_STATUS.get(int(code[:4]), "unavailable" if code[0] == "5" else "bad_response")
    if only_final and kind not in ("context_length", "content_filtered"):
        kind = ""
    return _error(kind or "bad_response", 200, said, {})


def _error(kind: str, status: int, said: _Said, headers: Mapping[bytes, bytes]) -> ProviderError:
    text = clean(said.message)
    message = _MESSAGES.get(kind, "")
    if kind == "bad_request":
        message = f"the provider refused the request: {text or f'status {status}'}"
    error = ProviderError(
        kind,
        message,
        hint=f"status {status}, {' '.join(said.codes) or 'no code'}: {text or 'no message'}",
        upstream_status=status,
        retry_after=retry_after(headers),
        request_id=request_id(headers),
    )
    if kind in ("bad_request", "context_length"):
        error.param = clean(said.param)[:100]
    return error


def _kind_said(said: _Said, *, by_text: bool) -> str:
    for code in said.codes:
        if kind := _KINDS_OF_CODE.get(code):
            return kind
    if by_text:
        text = said.message.lower()
        for pattern, kind in _KINDS_OF_TEXT:
            if pattern.search(text):
                return kind
    return ""


def _read(body: bytes) -> _Said:
    try:
        tree = msgspec.json.decode(body[:_MOST_READ])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _Said()
    if isinstance(tree, list) and tree:
        tree = tree[0]
    outer = tree if isinstance(tree, dict) else {}
    error = outer.get("error") or outer
    if isinstance(error, str):
        return _Said(message=error[: 4 * _MOST_TEXT], codes=tuple(_codes(outer)))
    if not isinstance(error, dict):
        return _Said()
    message = error.get("message") or error.get("detail")
    param = error.get("param")
    return _Said(
        message=message[: 4 * _MOST_TEXT] if isinstance(message, str) else "",
        param=param if isinstance(param, str) else "",
        codes=tuple(_codes(error)),
    )


def _codes(error: dict[str, Any]) -> Iterator[str]:
    for holder in (error.get("innererror"), error):
        if isinstance(holder, dict):
            for name in ("code", "type", "error_type"):
                value = holder.get(name)
                if isinstance(value, str | int) and not isinstance(value, bool):
                    yield clean(str(value)).lower()[:100]


def retry_after(headers: Mapping[bytes, bytes]) -> float | None:
    """Seconds the provider asks to wait, at most a day; `None` if it does not say, or says nonsense.

    A date is taken against the response's own `Date`, so that clocks need not agree.
    """
    if milliseconds := _number(headers.get(b"retry-after-ms", b"")):
        return min(milliseconds / 1000, _MOST_WAIT)
    value = headers.get(b"retry-after", b"")
    seconds = _number(value)
    if seconds is None and value:
        seconds = _seconds_between(headers.get(b"date", b""), value)
    return None if seconds is None else min(seconds, _MOST_WAIT)


def _number(value: bytes) -> float | None:
    value = value.strip()
    return float(value) if _SECONDS.fullmatch(value) else None


def _seconds_between(now: bytes, then: bytes) -> float | None:
    try:
        moments = [parsedate_to_datetime(value.decode("ascii")) for value in (now, then)]
        seconds = (moments[1] - moments[0]).total_seconds()
    except (ValueError, TypeError, OverflowError):  # no date; one with a zone and one without; too far off
        return None
    return max(seconds, 0.0) if math.isfinite(seconds) else None


def request_id(headers: Mapping[bytes, bytes]) -> str:
    """The provider's own id of the exchange, if it sent one that can be shown."""
    for name in (b"x-request-id", b"request-id", b"apim-request-id", b"cf-ray"):
        if value := headers.get(name):
            text = value.decode("latin-1")
            return text if len(text) <= 200 and text.isascii() and text.isprintable() else ""
    return ""


def clean(text: str) -> str:
    """Upstream text on one line, without control characters and without what looks like a key; cut short."""
    text = _CONTROL.sub(" ", text[: 4 * _MOST_TEXT]).strip()
    text = _LOOKS_SECRET.sub("[…]", text)
    return text if len(text) <= _MOST_TEXT else f"{text[: _MOST_TEXT - 1]}…"
