"""What comes out when something goes wrong: the SDK's exceptions, and never an answer that looks whole."""

import asyncio
import time
from typing import Any

import openai
import pytest

from tests.wire.conftest import Ask
from tests.wire.harness import Gateway, Ledger, ProviderThread, wait_until

FACT: Any = [{"role": "user", "content": "Order A-17 shipped on Monday. When did order A-17 ship?"}]


@pytest.fixture(params=[False, True], ids=["whole", "streamed"])
def stream(request: pytest.FixtureRequest) -> bool:
    """Whether a stream is asked for."""
    return bool(request.param)


def refused(client: openai.OpenAI, **wanted: Any) -> Any:
    """The SDK's exception for this request."""
    with pytest.raises(openai.APIError) as caught:
        finished(client, **({"model": "answers", "messages": FACT} | wanted))
    return caught.value


def finished(client: openai.OpenAI, **wanted: Any) -> Any:
    """The answer, read to its end."""
    answer = client.chat.completions.create(**wanted)
    return list(answer) if wanted.get("stream") else answer


def test_a_wrong_key_is_an_authentication_error(served: Gateway, stream: bool, ledger: Ledger) -> None:
    ledger.expected = 0
    with served.client(api_key="sw-nobody") as client:
        error = refused(client, stream=stream)
    assert isinstance(error, openai.AuthenticationError)
    assert error.code == "invalid_api_key"
    assert error.response.headers["www-authenticate"] == "Bearer"


def test_an_unknown_model_is_not_found_and_the_nearest_is_named(
    client: openai.OpenAI, stream: bool, ledger: Ledger
) -> None:
    ledger.expected = 0
    error = refused(client, model="answer", stream=stream)
    assert isinstance(error, openai.NotFoundError)
    assert (error.code, error.param) == ("model_not_found", "model")
    assert "Did you mean 'answers'?" in error.message


def test_an_unknown_provider_is_not_found(client: openai.OpenAI, stream: bool, ledger: Ledger) -> None:
    ledger.expected = 0
    assert isinstance(refused(client, model="nowhere/gpt-9", stream=stream), openai.NotFoundError)


def test_a_model_that_is_not_there_cannot_be_retrieved(client: openai.OpenAI, ledger: Ledger) -> None:
    ledger.expected = 0
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("answer")


@pytest.mark.parametrize(
    ("wanted", "param"),
    [
        ({"temperature": "hot"}, "temperature"),
        ({"messages": []}, "messages"),
        (
            {"messages": [{"role": "user", "content": [{"type": "video", "video": "x"}]}]},
            "messages[0].content[0].type",
        ),
        ({"max_tokens": 0}, "max_tokens"),
        ({"n": 0}, "n"),
        ({"functions": [{"name": "f"}]}, "functions"),
    ],
    ids=["type", "empty", "part", "zero", "choices", "legacy"],
)
def test_a_bad_parameter_is_named(
    client: openai.OpenAI, stream: bool, ledger: Ledger, wanted: dict[str, Any], param: str
) -> None:
    ledger.expected = 0
    error = refused(client, stream=stream, **wanted)
    assert isinstance(error, openai.BadRequestError)
    assert error.param == param
    assert param in error.message


def test_an_unknown_field_is_named_and_nothing_is_sent(
    client: openai.OpenAI, stream: bool, provider: ProviderThread
) -> None:
    before = provider.server.counters.received
    error = refused(client, stream=stream, extra_body={"frobnicate": 1})
    assert isinstance(error, openai.BadRequestError)
    assert error.param == "frobnicate"
    assert "'frobnicate'" in error.message
    assert provider.server.counters.received == before


def test_more_tokens_than_the_feature_allows_are_refused(
    client: openai.OpenAI, stream: bool, ledger: Ledger
) -> None:
    error = refused(client, stream=stream, max_tokens=101)
    assert isinstance(error, openai.BadRequestError)
    assert error.param == "max_tokens"
    assert "101" in error.message
    assert "100" in error.message
    assert ledger.last.outcome == "rejected"


def test_a_schema_that_is_not_the_features_is_refused(client: openai.OpenAI, stream: bool) -> None:
    form = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object"}}}
    error = refused(client, model="person", stream=stream, response_format=form)
    assert isinstance(error, openai.BadRequestError)
    assert error.param == "response_format"


def test_text_beyond_the_cap_is_too_large(client: openai.OpenAI, stream: bool, ledger: Ledger) -> None:
    error = refused(client, stream=stream, messages=[{"role": "user", "content": "x" * (256 * 1024 + 1)}])
    assert (error.status_code, error.code) == (413, "request_too_large")
    assert ledger.last.outcome == "rejected"


def test_a_body_beyond_the_limit_is_too_large(client: openai.OpenAI, stream: bool, ledger: Ledger) -> None:
    ledger.expected = 0
    error = refused(client, stream=stream, messages=[{"role": "user", "content": "x" * (301 * 1024)}])
    assert (error.status_code, error.code) == (413, "request_too_large")


def test_beyond_the_rate_the_time_to_wait_is_told(
    client: openai.OpenAI, stream: bool, ledger: Ledger
) -> None:
    ledger.expected = 0
    error: Any = None
    for _ in range(5):  # on a slow machine the allowance may be back already
        ledger.expected += 1
        try:
            list(client.chat.completions.create(model="rationed", messages=FACT, stream=True))
        except openai.RateLimitError as caught:
            error = caught
            break
    assert error is not None
    assert error.code == "rate_limited"
    assert 0 < int(error.response.headers["retry-after-ms"]) <= 400
    assert error.response.headers["retry-after"] == "1"


def test_the_sdks_own_retry_waits_as_long_as_it_is_told(served: Gateway, ledger: Ledger) -> None:
    with served.client(max_retries=3) as client:
        for _ in range(3):
            answer = client.chat.completions.create(model="rationed", messages=FACT)
            assert answer.choices[0].finish_reason == "stop"
    ledger.expected = 3
    refusals = wait_until(lambda: [each for each in ledger.new() if each.outcome == "rejected"])
    ledger.expected += len(refusals)


@pytest.mark.parametrize(
    ("faults", "status", "code"),
    [
        ("status=500", 502, "unavailable"),
        ("status=503", 503, "overloaded"),
        ("status=529", 503, "overloaded"),
        ("status=429", 429, "rate_limited"),
        ("status=401", 502, "auth"),
        ("status=400", 400, "bad_request"),
        ("reset", 502, "unavailable"),
        ("html", 502, "bad_response"),
        ("empty_body", 502, "bad_response"),
        ("bad_status_line", 502, "protocol_error"),
    ],
)
def test_what_the_provider_does_wrong_is_told_as_ours(
    client: openai.OpenAI, stream: bool, ledger: Ledger, faults: str, status: int, code: str
) -> None:
    error = refused(client, model=f"scripted/scripted-instant+{faults}", stream=stream)
    assert isinstance(error, openai.APIStatusError)
    assert (error.status_code, error.code) == (status, code)
    assert (ledger.last.outcome, ledger.last.error_code) == ("provider_error", code)


def test_a_silent_provider_is_a_timeout_of_ours(client: openai.OpenAI, stream: bool, ledger: Ledger) -> None:
    began = time.monotonic()
    error = refused(client, model="hasty", stream=stream)
    assert error.status_code == 504
    assert time.monotonic() - began < 3
    assert ledger.last.outcome in ("provider_error", "deadline_exceeded")


def test_an_answer_that_cannot_be_mended_is_withheld(
    client: openai.OpenAI, stream: bool, ledger: Ledger
) -> None:
    text = "This is Ada Berg. Please write to ada.berg@mail.example."
    error = refused(
        client, model="broken-person", stream=stream, messages=[{"role": "user", "content": text}]
    )
    assert (error.status_code, error.code) == (502, "output_invalid")
    assert ledger.last.outcome == "output_invalid"
    assert [decision.what for decision in ledger.last.decisions] == ["reask"]
    assert ledger.last.events_sent == 0


@pytest.mark.parametrize(
    "faults",
    [
        "drop_after=4",
        "reset_after=4",
        "truncate",
        "stream_error",
        "malformed_json",
    ],
)
def test_a_stream_that_breaks_ends_in_an_error_and_never_looks_complete(
    client: openai.OpenAI, ledger: Ledger, faults: str
) -> None:
    error = refused(client, model=f"scripted/scripted-instant+{faults}", stream=True)
    assert not isinstance(error, openai.APIConnectionError), "the error is told, not only felt"
    assert error.code in ("stream_interrupted", "bad_response", "protocol_error")
    record = ledger.last
    assert (record.outcome, record.complete, record.finish) == ("provider_error", False, ())
    assert record.events_sent > 0


def test_after_an_error_in_a_stream_there_is_no_done(client: openai.OpenAI) -> None:
    with client.chat.completions.with_streaming_response.create(
        model="scripted/scripted-instant+drop_after=4", messages=FACT, stream=True
    ) as response:
        lines = list(response.iter_lines())
    assert "data: [DONE]" not in lines
    assert '"finish_reason":"' not in "".join(lines)
    assert [line for line in lines if line][-1].startswith('data: {"error":')


def closed_upstream(provider: ProviderThread, number: int) -> bool:
    """Whether the provider's request of this *number* was given up by its client."""
    found = [entry for entry in provider.server.requests if entry.number == number]
    return bool(found) and found[0].outcome == "closed_by_client"


def test_a_client_that_leaves_a_stream_stops_the_provider(
    client: openai.OpenAI, provider: ProviderThread, ledger: Ledger
) -> None:
    answer = client.chat.completions.create(
        model="scripted/scripted-large+speed=20+tokens=2000", messages=FACT, stream=True
    )
    chunks = iter(answer)
    assert next(chunks).id == next(chunks).id
    number = provider.latest().number
    answer.close()
    wait_until(lambda: closed_upstream(provider, number), within=2)
    assert (ledger.last.outcome, ledger.last.complete) == ("cancelled", False)
    assert ledger.last.attempts[0].outcome == "cancelled"
    assert 0 < ledger.last.events_sent < 2000


def test_a_client_that_loses_patience_stops_the_provider(
    served: Gateway, provider: ProviderThread, stream: bool, ledger: Ledger
) -> None:
    before = provider.server.counters.received
    with served.client(timeout=0.5) as client, pytest.raises(openai.APITimeoutError):
        client.chat.completions.create(model="scripted/scripted-instant+hang", messages=FACT, stream=stream)
    wait_until(lambda: closed_upstream(provider, before + 1), within=2)
    assert ledger.last.outcome == "cancelled"
    assert ledger.last.events_sent == 0


def test_a_cancelled_task_stops_the_provider(
    served: Gateway, provider: ProviderThread, ledger: Ledger
) -> None:
    before = provider.server.counters.received

    async def main() -> None:
        async with served.async_client() as client:
            task = asyncio.create_task(
                client.chat.completions.create(model="scripted/scripted-instant+hang", messages=FACT)
            )
            while provider.server.counters.received == before:
                await asyncio.sleep(0.01)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(main())
    wait_until(lambda: closed_upstream(provider, before + 1), within=2)
    assert ledger.last.outcome == "cancelled"


def test_a_connection_goes_on_after_an_error(ask: Ask, client: openai.OpenAI, ledger: Ledger) -> None:
    assert isinstance(refused(client, model="scripted/scripted-instant+status=400"), openai.BadRequestError)
    assert ask(messages=FACT).finishes == ["stop"]
    ledger.expected = 2
