"""The OpenAI face over a real socket: whole, streamed, failing before and after the first byte."""

import asyncio
import json
import logging

import msgspec
import pytest

from seawall.core.accumulate import replay
from seawall.core.call import Call
from seawall.core.errors import BudgetExceeded, Overloaded, ProviderError, RateLimited
from seawall.core.handler import Emit

from tests.support.fakes import answer
from tests.support.raw_client import RawClient, get, post, until
from tests.unit.gateway.harness import KEY, House, run, serving

AUTH = f"Authorization: Bearer {KEY}"
JSON = "Content-Type: application/json"


def chat(*headers: str, stream: bool = False, model: str = "support") -> bytes:
    body = {"model": model, "messages": [{"role": "user", "content": "Hi"}], "stream": stream}
    return post("/v1/chat/completions", json.dumps(body).encode(), AUTH, JSON, *headers)


def data_of(body: bytes) -> list[str]:
    return [line[6:] for line in body.decode().split("\n") if line.startswith("data: ")]


def test_a_whole_answer_says_what_was_served_and_what_it_took():
    async def main() -> None:
        house = House()
        async with serving(house.gateway, house.clock) as server:
            client = await RawClient.connect(server.address)
            response = await client.ask(chat("X-Request-Id: mine.1"))
            assert response.status == 200
            body = json.loads(response.body)
            assert body["choices"][0]["message"]["content"] == "Hello there."
            assert body["model"] == "served-1"
            headers = response.headers
            assert headers["x-request-id"] == "mine.1"
            assert headers["x-seawall-call-id"] == "c-1"
            assert headers["x-seawall-digest"] == "d1"
            assert headers["x-seawall-feature"] == "support"
            assert headers["x-seawall-served-model"] == "served-1"
            assert headers["x-seawall-attempts"] == "1"
            assert headers["x-seawall-cost-usd"] == "0.000000000"
            assert headers["x-seawall-overhead-ms"] == "0.000"
            assert house.backend.calls[0].record.correlation_id == "mine.1"
            client.close()

    run(main)


def test_a_cost_that_is_not_known_is_not_stated():
    async def unpriced(call: Call, emit: Emit) -> None:
        call.record.cost_nano = None
        for event in replay(answer()):
            await emit(event)

    async def main() -> None:
        house = House(unpriced)
        async with serving(house.gateway, house.clock) as server:
            client = await RawClient.connect(server.address)
            assert "x-seawall-cost-usd" not in (await client.ask(chat())).headers
            client.close()

    run(main)


@pytest.mark.parametrize("said", ["a b", "x" * 129, "ü", "a;b", ""])
def test_a_request_id_out_of_bounds_is_replaced_by_the_call_id(said: str):
    async def main() -> None:
        house = House()
        async with serving(house.gateway, house.clock) as server:
            client = await RawClient.connect(server.address)
            assert (await client.ask(chat(f"X-Request-Id: {said}"))).headers["x-request-id"] == "c-1"
            client.close()

    run(main)


def test_a_served_model_with_line_breaks_cannot_add_a_header():
    async def hostile(call: Call, emit: Emit) -> None:
        for event in replay(msgspec.structs.replace(answer(), model="m\r\nset-cookie: a=b\r\n\r\n")):
            await emit(event)

    async def main() -> None:
        house = House(hostile)
        async with serving(house.gateway, house.clock) as server:
            client = await RawClient.connect(server.address)
            response = await client.ask(chat())
            assert response.status == 200
            assert "set-cookie" not in response.headers
            assert "%0D%0A" in response.headers["x-seawall-served-model"]
            client.close()

    run(main)


def test_a_stream_ends_with_done_and_the_connection_lives_on():
    async def main() -> None:
        house = House()
        async with serving(house.gateway, house.clock) as server:
            client = await RawClient.connect(server.address)
            for _ in range(2):
                response = await client.ask(chat(stream=True))
                assert response.status == 200
                assert response.headers["content-type"].startswith("text/event-stream")
                assert response.headers["x-seawall-call-id"]
                frames = data_of(response.body)
                assert frames[-1] == "[DONE]"
                text = "".join(
                    choice["delta"].get("content") or ""
                    for frame in frames[:-1]
                    for choice in json.loads(frame)["choices"]
                )
                assert text == "Hello there."
            client.close()

    run(main)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("error", "status", "headers"),
    [
        (
            RateLimited("slow down", retry_after=1.2345),
            429,
            {"retry-after": "2", "retry-after-ms": "1235"},
        ),
        (Overloaded("full", retry_after=0.5), 503, {"retry-after": "1", "retry-after-ms": "500"}),
        (BudgetExceeded("used up"), 402, {}),
        (ProviderError("first_token_timeout", "silent", hint="SECRET HINT"), 504, {}),
    ],
)
def test_an_error_before_the_first_event_is_a_status(
    stream: bool, error: Exception, status: int, headers: dict[str, str]
):
    async def fails(call: Call, emit: Emit) -> None:
        raise error

    async def main() -> None:
        house = House(fails)
        async with serving(house.gateway, house.clock) as server:
            client = await RawClient.connect(server.address)
            response = await client.ask(chat(stream=stream))
            assert response.status == status
            assert response.headers.items() >= headers.items()
            assert response.headers["x-seawall-call-id"] == response.headers["x-request-id"] == "c-1"
            told = json.loads(response.body)["error"]
            assert told["code"] == error.code
            assert told["message"] == error.message
            assert b"SECRET" not in response.body
            assert (await client.ask(get("/livez"))).status == 200
            client.close()

    run(main)


def test_an_error_after_the_first_event_is_an_event_and_no_done_and_the_connection_closes():
    async def fails(call: Call, emit: Emit) -> None:
        for event in list(replay(answer()))[:3]:
            await emit(event)
        raise ProviderError("stream_interrupted", "the provider hung up")

    async def main() -> None:
        house = House(fails)
        async with serving(house.gateway, house.clock) as server:
            client = await RawClient.connect(server.address)
            response = await client.ask(chat(stream=True))
            frames = data_of(response.body)
            assert json.loads(frames[-1])["error"]["code"] == "stream_interrupted"
            assert "[DONE]" not in response.body.decode()
            assert await client.ended() == b""

    run(main)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("after", [0, 3])
def test_a_bug_is_told_by_an_id_only_and_logged_under_it(
    stream: bool, after: int, caplog: pytest.LogCaptureFixture
):
    async def fails(call: Call, emit: Emit) -> None:
        for event in list(replay(answer()))[:after]:
            await emit(event)
        raise KeyError("sk-secret")

    async def main() -> None:
        house = House(fails)
        async with serving(house.gateway, house.clock) as server:
            client = await RawClient.connect(server.address)
            response = await client.ask(chat(stream=stream))
            begun = stream and after > 0
            assert response.status == (200 if begun else 500)
            told = data_of(response.body)[-1] if begun else response.body
            assert json.loads(told)["error"]["code"] == "internal_error"
            assert "c-1" in json.loads(told)["error"]["message"]
            assert b"sk-secret" not in response.body
            client.close()

    with caplog.at_level(logging.ERROR, "seawall.gateway"):
        run(main)
    assert [record.getMessage() for record in caplog.records] == ["internal error, id c-1"]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("after", [0, 3])
def test_a_handler_that_emits_no_whole_answer_is_a_bug_not_an_answer(
    stream: bool, after: int, caplog: pytest.LogCaptureFixture
):
    async def stops_short(call: Call, emit: Emit) -> None:
        for event in list(replay(answer()))[:after]:
            await emit(event)

    async def main() -> None:
        house = House(stops_short)
        async with serving(house.gateway, house.clock) as server:
            client = await RawClient.connect(server.address)
            response = await client.ask(chat(stream=stream))
            assert response.status == (200 if stream and after else 500)
            assert b"internal_error" in response.body
            assert b"[DONE]" not in response.body
            client.close()

    run(main)
    assert caplog.records


def test_a_client_that_leaves_cancels_its_call():
    entered = asyncio.Event()

    async def hangs(call: Call, emit: Emit) -> None:
        await emit(next(iter(replay(answer()))))
        entered.set()
        await asyncio.get_running_loop().create_future()

    async def main() -> None:
        house = House(hangs)
        async with serving(house.gateway, house.clock) as server:
            client = await RawClient.connect(server.address)
            client.send(chat(stream=True))
            await entered.wait()
            client.reset()
            await until(lambda: house.backend.ended)
            assert isinstance(house.backend.ended[0], asyncio.CancelledError)
            assert "shutdown" not in house.backend.ended[0].args
            await until(lambda: server.connections == 0)
            assert house.clock.pending == 0

    run(main)


@pytest.mark.parametrize("stream", [False, True])
def test_a_drain_cancels_with_its_reason_and_tells_the_client(stream: bool):
    entered = asyncio.Event()

    async def hangs(call: Call, emit: Emit) -> None:
        await emit(next(iter(replay(answer()))))
        entered.set()
        await asyncio.get_running_loop().create_future()

    async def main() -> None:
        house = House(hangs)
        async with serving(house.gateway, house.clock) as server:
            client = await RawClient.connect(server.address)
            client.send(chat(stream=stream))
            await entered.wait()
            await server_drained_in(server, house)
            assert house.backend.ended[0].args == ("shutdown",)
            response = await client.response()
            assert response.status == (200 if stream else 503)
            told = data_of(response.body)[-1] if stream else response.body
            assert json.loads(told)["error"]["code"] == "overloaded"
            assert b"[DONE]" not in response.body
            assert await client.ended() == b""

    run(main)


async def server_drained_in(server, house) -> None:
    """Drain with 5 seconds of grace, all of which pass."""
    async with asyncio.TaskGroup() as group:
        draining = group.create_task(server.drain(5.0))
        await until(lambda: house.clock.pending)
        house.clock.advance(4.9)
        await asyncio.sleep(0)
        assert not house.backend.ended
        house.clock.advance(0.2)
        while not draining.done():
            await asyncio.sleep(0.001)
            house.clock.advance(0.1)


def test_an_unknown_model_is_404_and_a_body_that_is_not_json_415():
    async def main() -> None:
        house = House()
        async with serving(house.gateway, house.clock) as server:
            client = await RawClient.connect(server.address)
            response = await client.ask(chat(model="nowhere"))
            assert response.status == 404
            assert json.loads(response.body)["error"]["code"] == "model_not_found"
            multipart = post(
                "/v1/chat/completions",
                b"x",
                AUTH,
                "Content-Type: multipart/form-data; boundary=" + "b" * 9000,
            )
            assert (await client.ask(multipart)).status == 415
            assert (await client.ask(post("/v1/chat/completions", b"{", AUTH, JSON))).status == 400
            charset = post(
                "/v1/chat/completions", b"{", AUTH, "Content-Type: Application/JSON; charset=utf-8"
            )
            assert (await client.ask(charset)).status == 400
            client.close()

    run(main)


@pytest.mark.parametrize("prefix", ["/v1", "/openai/v1"])
def test_models_are_listed_and_found_by_either_spelling(prefix: str):
    async def main() -> None:
        house = House()
        async with serving(house.gateway, house.clock) as server:
            client = await RawClient.connect(server.address)
            listed = json.loads((await client.ask(get(f"{prefix}/models", AUTH))).body)
            assert [model["id"] for model in listed["data"]] == ["support", "p/big", "other"]
            assert listed["data"][0]["owned_by"] == "acme"
            for spelling in ("p/big", "p%2Fbig"):
                one = await client.ask(get(f"{prefix}/models/{spelling}", AUTH))
                assert json.loads(one.body)["id"] == "p/big"
            for wrong in ("p%2fbig", "P/big", "p/big/", "%70/big", "../models"):
                assert (await client.ask(get(f"{prefix}/models/{wrong}", AUTH))).status == 404
            client.close()

    run(main)
