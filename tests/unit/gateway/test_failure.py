import json
import logging

import pytest

from seawall.core.errors import Forbidden, Overloaded, ProviderError, RateLimited, Unauthorized
from seawall.gateway.exchange import Exchange
from seawall.gateway.failure import MethodNotAllowed, answer_bug, ensure_id, refusal_of


@pytest.mark.parametrize(
    ("seconds", "lines"),
    [
        (0.0, b"retry-after: 0\r\nretry-after-ms: 0\r\n"),
        (0.001, b"retry-after: 1\r\nretry-after-ms: 1\r\n"),
        (2.0, b"retry-after: 2\r\nretry-after-ms: 2000\r\n"),
        (2.0001, b"retry-after: 3\r\nretry-after-ms: 2001\r\n"),
        (-5.0, b"retry-after: 0\r\nretry-after-ms: 0\r\n"),
        (1e300, b"retry-after: 86400\r\nretry-after-ms: 86400000\r\n"),
        (float("inf"), b"retry-after: 86400\r\nretry-after-ms: 86400000\r\n"),
        (float("nan"), b"retry-after: 0\r\nretry-after-ms: 0\r\n"),
    ],
)
def test_the_time_to_come_back_is_rounded_up(seconds: float, lines: bytes):
    assert refusal_of(RateLimited("slow", retry_after=seconds), "r").headers == lines


def test_an_error_brings_the_headers_that_belong_to_it():
    assert refusal_of(Unauthorized("no"), "r").headers == b"www-authenticate: Bearer\r\n"
    assert refusal_of(MethodNotAllowed("PUT", ["GET", "POST"]), "r").headers == b"allow: GET, POST\r\n"
    assert refusal_of(Forbidden("no"), "r").headers == b""
    assert refusal_of(ProviderError("timeout", "late"), "r").headers == b""
    assert refusal_of(Overloaded("full"), "r").status == 503


def test_a_hint_never_travels():
    told = refusal_of(Forbidden("no", hint="the operator's business"), "r")
    assert b"business" not in told.body


def test_an_id_is_made_once():
    exchange = Exchange(None)  # type: ignore[arg-type]  # nothing is answered
    ensure_id(exchange)
    made = exchange.request_id
    assert made.startswith("req-")
    ensure_id(exchange)
    assert exchange.request_id == made


def test_a_bug_after_the_answer_is_only_logged(caplog: pytest.LogCaptureFixture):
    exchange = Exchange(None)  # type: ignore[arg-type]  # writing would fail
    exchange.started = exchange.ended = True
    exchange.identify("r-1")
    with caplog.at_level(logging.ERROR, "seawall.gateway"):
        answer_bug(exchange, ValueError("detail"))
    assert caplog.records[0].getMessage() == "internal error, id r-1"
    assert caplog.records[0].exc_info is not None


def test_the_body_is_the_openai_envelope():
    body = json.loads(refusal_of(Forbidden("not you"), "r").body)
    assert body["error"]["code"] == "forbidden"
    assert body["error"]["message"] == "not you"
