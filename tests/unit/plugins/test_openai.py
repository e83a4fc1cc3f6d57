"""The provider for OpenAI and its like, over a transport in memory and over a socket."""

import asyncio
import json
import time
from typing import Any

import pytest

from seawall.core.accumulate import Answer, Choice
from seawall.core.errors import ProviderError, SpecConflict
from seawall.core.events import Event, MessageEnd, MessageStart, PartDelta, Usage
from seawall.core.messages import Message, Text
from seawall.core.ports import ProviderRequest
from seawall.core.request import ChatRequest
from seawall.plugins.providers.capabilities import VENDORS, find_vendor
from seawall.plugins.providers.openai import OpenAI
from seawall.transport.client import HttpClient
from seawall.wire.openai_chat import DONE, encode_answer

from tests.support.upstream import HANG, FakeClient, FakeResponse

KEY = "sk-test-1234567890"
ANSWER = Answer("a-1", "served", 17, (Choice(Message("assistant", (Text("Hello"),)), "stop"),), Usage(3, 2))
WHOLE = encode_answer(ANSWER, model="served")
STREAM = {b"content-type": b"text/event-stream"}


def chunk(text: str | None, finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": {} if text is None else {"content": text}, "finish_reason": finish}
    body = {"id": "a-1", "model": "served", "created": 17, "choices": [choice]}
    return b"data: %b\n\n" % json.dumps(body).encode()


PIECES = [chunk("Hel"), chunk("lo"), chunk(None, "stop"), DONE]


def provider(client: FakeClient, **options: Any) -> OpenAI:
    options = {"base_url": "http://test/v1", "api_key": KEY} | options
    return OpenAI(client=client.as_client, **options)


def request(*, stream: bool = False, correlation_id: str = "r-1", **fields: Any) -> ProviderRequest:
    chat = ChatRequest("alias", (Message("user", (Text("hi"),)),), stream=stream, **fields)
    return ProviderRequest(chat=chat, model="m-1", call_id="c-1", correlation_id=correlation_id, timeout=5.0)


async def events_of(openai: OpenAI, asked: ProviderRequest) -> list[Event]:
    async with openai.open(asked) as stream:
        return [event async for event in stream]


def fetch(response: FakeResponse, asked: ProviderRequest, **options: Any) -> list[Event]:
    return asyncio.run(events_of(provider(FakeClient(response), **options), asked))


def failure(response: FakeResponse, asked: ProviderRequest) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        fetch(response, asked)
    assert response.left
    return caught.value


def texts(events: list[Event]) -> list[str]:
    return [event.text for event in events if isinstance(event, PartDelta)]


def test_a_whole_answer_is_replayed_as_events() -> None:
    response = FakeResponse(pieces=[WHOLE[:50], WHOLE[50:]])
    events = fetch(response, request())
    assert texts(events) == ["Hello"]
    assert events[-1] == MessageEnd(("stop",), Usage(3, 2))
    assert response.ended
    assert response.left


def test_a_streamed_answer_gives_its_events_as_they_come() -> None:
    response = FakeResponse(pieces=PIECES, headers=STREAM)
    events = fetch(response, request(stream=True))
    assert texts(events) == ["Hel", "lo"]
    assert response.ended, "the end of the response was waited for, so that the connection can be used again"


def test_the_request_is_the_vendors_and_its_headers_are_complete() -> None:
    client = FakeClient(FakeResponse(pieces=[WHOLE]), FakeResponse(pieces=PIECES, headers=STREAM))
    openai = provider(client)
    asyncio.run(events_of(openai, request()))
    asyncio.run(events_of(openai, request(stream=True)))
    for stream, (method, path, headers, body) in zip((False, True), client.requests, strict=True):
        assert (method, path) == (b"POST", b"/v1/chat/completions")
        assert json.loads(body)["model"] == "m-1"
        assert json.loads(body).get("stream", False) is stream
        lines = dict(line.split(b": ", 1) for line in headers.removesuffix(b"\r\n").split(b"\r\n"))
        assert lines[b"authorization"] == b"Bearer " + KEY.encode()
        assert lines[b"content-type"] == b"application/json"
        assert lines[b"accept"] == (b"text/event-stream" if stream else b"application/json")
        assert lines[b"x-request-id"] == b"r-1"
        assert lines[b"user-agent"].startswith(b"seawall")


@pytest.mark.parametrize("bad", ["", "a\r\nx: y", "a\nb", "é", "x" * 300, "a\0b"])
def test_a_correlation_id_cannot_break_out_of_its_header(bad: str) -> None:
    client = FakeClient(FakeResponse(pieces=[WHOLE]))
    asyncio.run(events_of(provider(client), request(correlation_id=bad)))
    headers = client.requests[0][2]
    assert headers.endswith(b"x-request-id: c-1\r\n")
    assert headers.count(b"\r\n") == headers.count(b": ")


def test_what_is_known_of_the_exchange_is_there_on_entering() -> None:
    async def run() -> None:
        client = FakeClient(FakeResponse(pieces=[WHOLE], headers={b"x-request-id": b"up-1"}))
        async with provider(client).open(request()) as stream:
            assert (stream.upstream_status, stream.upstream_request_id) == (200, "up-1")

    asyncio.run(run())


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "bad_request"),
        (401, "auth"),
        (404, "not_found"),
        (429, "rate_limited"),
        (500, "unavailable"),
        (302, "protocol_error"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_a_status_that_is_no_success_is_raised_on_entering(status: int, kind: str, stream: bool) -> None:
    headers = {b"x-request-id": b"up-1", b"retry-after": b"2", b"location": b"http://elsewhere"}
    response = FakeResponse(status, [b'{"error":{"message":"no"}}'], headers)
    error = failure(response, request(stream=stream))
    assert error.code == kind
    assert (error.upstream_status, error.request_id, error.retry_after) == (status, "up-1", 2.0)


@pytest.mark.parametrize(
    "pieces", [[b"x" * 70_000], [b"half", ProviderError("stream_interrupted", "cut")]], ids=["endless", "cut"]
)
def test_an_error_whose_body_cannot_be_read_is_told_by_its_status(pieces: list[Any]) -> None:
    assert failure(FakeResponse(503, pieces), request()).code == "overloaded"


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("body", [b"<html>busy</html>", b'{"error":{"message":"busy"}}', b"{}"])
def test_an_error_under_status_200_is_an_error(stream: bool, body: bytes) -> None:
    content_type = b"text/html; charset=utf-8" if body.startswith(b"<") else b"application/json"
    headers = {b"content-type": content_type, b"x-request-id": b"up-1"}
    error = failure(FakeResponse(200, [body], headers), request(stream=stream))
    assert error.code == "bad_response"
    assert (error.upstream_status, error.request_id) == (200, "up-1")


def test_a_server_that_does_not_stream_is_understood() -> None:
    response = FakeResponse(pieces=[WHOLE], headers={b"content-type": b"application/json; charset=utf-8"})
    assert texts(fetch(response, request(stream=True))) == ["Hello"]


def test_a_request_that_the_vendor_does_not_take_is_refused_before_it_is_sent() -> None:
    client = FakeClient()
    with pytest.raises(ProviderError) as caught:
        asyncio.run(events_of(provider(client), request(extras={"top_k": 3})))
    assert (caught.value.code, caught.value.param, caught.value.upstream_status) == (
        "bad_request",
        "top_k",
        0,
    )
    assert client.requests == []


def test_an_error_in_the_stream_comes_after_the_events_before_it() -> None:
    async def run() -> None:
        pieces = [b"".join([chunk("Hel"), b'data: {"error":{"code":429,"message":"x"}}\n\n']), HANG]
        response = FakeResponse(pieces=pieces, headers=STREAM)
        async with provider(FakeClient(response)).open(request(stream=True)) as stream:
            seen = [await anext(stream) for _ in range(3)]
            assert texts(seen) == ["Hel"]
            with pytest.raises(ProviderError) as caught:
                await anext(stream)
        assert caught.value.code == "rate_limited"

    asyncio.run(run())


def test_a_cut_connection_is_told_with_the_id_of_the_exchange() -> None:
    headers = STREAM | {b"x-request-id": b"up-1"}
    response = FakeResponse(
        pieces=[chunk("Hel"), ProviderError("stream_interrupted", "cut")], headers=headers
    )
    error = failure(response, request(stream=True))
    assert (error.code, error.request_id) == ("stream_interrupted", "up-1")


def test_a_server_that_keeps_the_line_after_the_terminator_does_not_keep_us() -> None:
    response = FakeResponse(pieces=[*PIECES, HANG], headers=STREAM)
    started = time.monotonic()
    assert texts(fetch(response, request(stream=True))) == ["Hel", "lo"]
    assert time.monotonic() - started < 5
    assert not response.ended


def test_leaving_early_leaves_the_response_and_reading_on_is_a_bug() -> None:
    async def run() -> None:
        response = FakeResponse(pieces=PIECES, headers=STREAM)
        async with provider(FakeClient(response)).open(request(stream=True)) as stream:
            assert isinstance(await anext(stream), MessageStart)
            await anext(stream)
        assert response.left
        assert not response.ended
        await anext(stream)  # had come already
        with pytest.raises(RuntimeError, match="async with"):
            await anext(stream)

    asyncio.run(run())


def test_the_key_is_nowhere_but_in_its_header() -> None:
    client = FakeClient(FakeResponse(401, [json.dumps({"error": {"message": f"bad {KEY}"}}).encode()]))
    openai = provider(client)
    with pytest.raises(ProviderError) as caught:
        asyncio.run(events_of(openai, request()))
    assert KEY not in repr(openai) + repr(caught.value) + caught.value.hint + caught.value.message
    assert repr(openai) == "OpenAI(vendor='openai', base_url='http://test/v1')"


@pytest.mark.parametrize("key", ["sk-a\n", "sk a", "sk-é", "sk-\0"])
def test_a_key_that_cannot_be_a_header_is_refused_without_being_shown(key: str) -> None:
    with pytest.raises(SpecConflict, match="characters that no key has") as caught:
        provider(FakeClient(), api_key=key)
    assert key not in str(caught.value)


def test_a_vendors_own_address_needs_a_key_and_another_does_not() -> None:
    with pytest.raises(SpecConflict, match="without a key") as caught:
        provider(FakeClient(), api_key="", base_url="https://api.openai.com/v1/")
    assert "OPENAI_API_KEY" in caught.value.hint
    client = FakeClient(FakeResponse(pieces=[WHOLE]))
    asyncio.run(events_of(provider(client, api_key=""), request()))
    assert b"authorization" not in client.requests[0][2]
    provider(FakeClient(), api_key="", vendor="ollama", base_url=VENDORS["ollama"].base_url)


def test_an_unknown_vendor_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(SpecConflict, match="Did you mean 'mistral'") as caught:
        find_vendor("mistrall")
    assert "openrouter" in caught.value.hint


def test_the_table_of_vendors_is_consistent() -> None:
    builtin = {
        "openai",
        "mistral",
        "groq",
        "deepseek",
        "openrouter",
        "ollama",
        "vllm",
        "together",
        "fireworks",
        "xai",
    }
    assert builtin <= VENDORS.keys()
    for name, vendor in VENDORS.items():
        assert vendor.base_url.startswith(("https://", "http://127.0.0.1")) or name == "compatible"
        assert not vendor.base_url.endswith("/")
        assert vendor.keyless or vendor.key_variable
        assert not vendor.chat.unsupported & vendor.chat.extras


def test_it_works_over_a_socket_and_uses_the_connection_again() -> None:
    async def run() -> None:
        connections = 0

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal connections
            connections += 1
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
                body = await reader.readexactly(length)
                if b'"stream":true' not in body:
                    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(WHOLE), WHOLE))
                    continue
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n")
                writer.write(b"transfer-encoding: chunked\r\n\r\n")
                for piece in PIECES:
                    writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))
                    await asyncio.sleep(0)
                writer.write(b"0\r\n\r\n")

        async def quietly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                await serve(reader, writer)
            except asyncio.IncompleteReadError:
                writer.close()

        async with await asyncio.start_server(quietly, "127.0.0.1", 0) as server:
            base_url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
            client = HttpClient(base_url)
            openai = OpenAI(client=client, base_url=base_url)
            for _ in range(3):
                assert texts(await events_of(openai, request())) == ["Hello"]
                assert texts(await events_of(openai, request(stream=True))) == ["Hel", "lo"]
            assert connections == 1
            await client.close()

    asyncio.run(run())
