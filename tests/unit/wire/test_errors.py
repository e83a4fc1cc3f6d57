"""Errors to the wire and from it."""

import json

import pytest

from seawall.core.errors import (
    BudgetExceeded,
    DeadlineExceeded,
    Forbidden,
    InvalidRequest,
    Overloaded,
    ProviderError,
    RateLimited,
    SeawallError,
    TooLarge,
    Unauthorized,
    UnknownFeature,
)
from seawall.wire.errors import (
    clean,
    error_under_success,
    internal,
    openai_body,
    openai_event,
    provider_error,
    request_id,
    retry_after,
)


@pytest.mark.parametrize(
    ("error", "type_"),
    [
        (InvalidRequest("no", param="n"), "invalid_request_error"),
        (Unauthorized("no"), "authentication_error"),
        (BudgetExceeded("no"), "insufficient_quota"),
        (Forbidden("no"), "permission_error"),
        (UnknownFeature("no"), "not_found_error"),
        (TooLarge("no"), "invalid_request_error"),
        (RateLimited("no", retry_after=1.0), "rate_limit_error"),
        (Overloaded("no"), "api_error"),
        (DeadlineExceeded("no"), "timeout"),
        (ProviderError("rate_limited", "no"), "rate_limit_error"),
        (ProviderError("auth", "no"), "api_error"),
        (SeawallError("no"), "api_error"),
    ],
)
def test_an_error_has_openais_envelope_and_type(error: SeawallError, type_: str) -> None:
    assert json.loads(openai_body(error)) == {
        "error": {
            "message": "no",
            "type": type_,
            "param": getattr(error, "param", "") or None,
            "code": error.code,
        }
    }


def test_a_hint_never_travels_and_the_request_id_does() -> None:
    body = openai_body(InvalidRequest("no", hint="secret"), request_id="r-1")
    assert b"secret" not in body
    assert json.loads(body)["error"]["request_id"] == "r-1"


def test_the_event_that_ends_a_failed_stream_is_one_frame_without_terminator() -> None:
    event = openai_event(ProviderError("stream_interrupted", "cut\n\noff", hint="secret"))
    assert event.startswith(b'data: {"error":')
    assert event.count(b"\n\n") == 1
    assert b"[DONE]" not in event
    assert b"secret" not in event


def test_of_a_bug_a_caller_learns_only_where_it_is_logged() -> None:
    error = json.loads(openai_body(internal("r-9")))["error"]
    assert error["code"] == "internal_error"
    assert error["type"] == "api_error"
    assert "r-9" in error["message"]


def body(**fields: object) -> bytes:
    return json.dumps({"error": fields}).encode()


@pytest.mark.parametrize(
    ("status", "content", "kind"),
    [
        (400, b"", "bad_request"),
        (400, b"<html>", "bad_request"),
        (400, body(message="x", code="context_length_exceeded"), "context_length"),
        (400, body(message="This model's maximum context length is 8192 tokens"), "context_length"),
        (400, body(message="too big", type="exceed_context_size_error", code=400), "context_length"),
        (400, body(message="x", code="content_filter"), "content_filtered"),
        (400, body(message="x", code="content_policy_violation"), "content_filtered"),
        (400, body(message="x", innererror={"code": "ResponsibleAIPolicyViolation"}), "content_filtered"),
        (400, body(message="Incorrect API key provided: sk-abcdef123456"), "auth"),
        (400, b'{"message":"Invalid model: x","type":"invalid_model","code":"1500"}', "not_found"),
        (400, body(message="Model Not Exist"), "not_found"),
        (401, b"", "auth"),
        (401, body(code="context_length_exceeded"), "auth"),
        (402, body(message="Insufficient Balance"), "auth"),
        (403, b"", "auth"),
        (403, body(code="moderation_blocked"), "content_filtered"),
        (404, b"", "not_found"),
        (405, b"", "bad_request"),
        (408, b"", "unavailable"),
        (413, body(code="rate_limit_exceeded"), "context_length"),
        (422, b'{"detail":[{"loc":["body"]}]}', "bad_request"),
        (425, b"", "unavailable"),
        (429, b"", "rate_limited"),
        (429, body(code="insufficient_quota"), "auth"),
        (429, body(message="maximum context length"), "rate_limited"),
        (500, b"", "unavailable"),
        (502, b"<html>", "unavailable"),
        (503, b"", "overloaded"),
        (504, b"", "unavailable"),
        (520, b"", "unavailable"),
        (529, b"", "overloaded"),
        (599, b"", "unavailable"),
        (301, b"", "protocol_error"),
        (307, b"", "protocol_error"),
        (101, b"", "protocol_error"),
        (600, b"", "protocol_error"),
    ],
)
def test_an_upstream_status_and_body_have_one_kind(status: int, content: bytes, kind: str) -> None:
    error = provider_error(status, {}, content)
    assert error.code == kind
    assert error.upstream_status == status


def test_only_a_refused_request_is_explained_in_the_providers_words() -> None:
    said = body(message="Unsupported value: 'temperature'\x1b[31m", param="temperature", code="x")
    error = provider_error(400, {}, said)
    assert error.message == "the provider refused the request: Unsupported value: 'temperature' [31m"
    assert error.param == "temperature"
    for status in (401, 403, 404, 413, 429, 500, 503):
        assert "temperature" not in provider_error(status, {}, said).message


def test_what_looks_like_a_key_is_cut_out_everywhere() -> None:
    keys = ["sk-proj-abc_DEF-123", "gsk_abcdefgh", "0123456789abcdef0123456789abcdef", "Bearer abcdefgh"]
    for key in keys:
        error = provider_error(400, {}, body(message=f"odd field near '{key}'", code=key))
        assert key not in error.message + error.hint
    assert clean("model meta-llama/Llama-3.3-70B-Instruct-Turbo is gone") == (
        "model meta-llama/Llama-3.3-70B-Instruct-Turbo is gone"
    )


def test_upstream_text_is_capped_in_linear_time() -> None:
    assert len(clean("x y" * 1_000_000)) == 500
    assert clean("a" * 1_000_000) == "a" * 499 + "…"


def test_an_error_body_cannot_break_the_classification() -> None:
    for content in (
        b"[" * 100_000,
        b"\xff" * 10,
        b'{"error":' * 5000,
        b'{"error":[]}',
        b'{"error":7}',
        b"[]",
    ):
        assert provider_error(400, {}, content).code == "bad_request"
    for content in (b'{"error":"plain words"}', b'[{"error":{"message":"plain words"}}]'):
        assert provider_error(400, {}, content).message.endswith("plain words")


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({b"retry-after": b"2"}, 2.0),
        ({b"retry-after": b" 1.5 "}, 1.5),
        ({b"retry-after": b"-5"}, None),
        ({b"retry-after": b"1e9"}, None),
        ({b"retry-after": b"1000000000"}, 86_400.0),
        ({b"retry-after": b"soon"}, None),
        ({b"retry-after": b"nan"}, None),
        ({b"retry-after": b"inf"}, None),
        ({b"retry-after": b"1_0"}, None),
        ({b"retry-after": "٣".encode()}, None),
        ({b"retry-after": b"9", b"retry-after-ms": b"250"}, 0.25),
        ({b"retry-after": b"9", b"retry-after-ms": b"no"}, 9.0),
        (
            {
                b"date": b"Wed, 21 Oct 2026 07:28:00 GMT",
                b"retry-after": b"Wed, 21 Oct 2026 07:28:30 GMT",
            },
            30.0,
        ),
        (
            {
                b"date": b"Wed, 21 Oct 2026 07:28:00 GMT",
                b"retry-after": b"Tue, 20 Oct 2026 07:28:30 GMT",
            },
            0.0,
        ),
        ({b"retry-after": b"Wed, 21 Oct 2026 07:28:30 GMT"}, None),
    ],
)
def test_retry_after_is_understood_or_ignored(headers: dict[bytes, bytes], seconds: float | None) -> None:
    assert retry_after(headers) == seconds
    assert provider_error(429, headers, b"").retry_after == seconds


def test_the_upstream_request_id_is_kept_if_it_can_be_shown() -> None:
    assert request_id({b"x-request-id": b"req_1"}) == "req_1"
    assert request_id({b"request-id": b"req_2"}) == "req_2"
    assert request_id({b"x-request-id": b"bad\x00"}) == ""
    assert request_id({b"x-request-id": b"x" * 201}) == ""
    assert provider_error(500, {b"x-request-id": b"req_1"}, b"").request_id == "req_1"


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (body(message="x", code=429), "rate_limited"),
        (body(message="x", code=502), "unavailable"),
        (body(message="x", code="418"), "bad_response"),
        (body(message="x", type="overloaded_error"), "overloaded"),
        (body(message="x", type="server_error"), "bad_response"),
        (body(message="x", code="content_filter"), "content_filtered"),
        (body(message="maximum context length is 5"), "context_length"),
        (b'{"object":"error","message":"x","code":400}', "bad_request"),
        (b'{"error":"x"}', "bad_response"),
    ],
)
def test_an_error_under_status_200_says_what_it_is(content: bytes, kind: str) -> None:
    error = error_under_success(content)
    assert error.code == kind
    final = kind if kind in ("content_filtered", "context_length") else "bad_response"
    assert error_under_success(content, only_final=True).code == final
