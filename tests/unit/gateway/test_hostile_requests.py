"""Requests that try to reach a handler by another door: hosts, spellings of paths, methods, keys."""

import json

import pytest

from tests.support.raw_client import RawClient, get, post
from tests.unit.gateway.harness import ADMIN_KEY, KEY, House, run, serving


@pytest.mark.parametrize(
    "host", ["a/?x", "a#", "evil.example:99999", "[::1", "user@host", "a b", "..", "", "livez"]
)
def test_a_hostile_host_changes_no_verdict(host: str):
    async def main() -> None:
        house = House()
        async with serving(house.gateway, house.clock) as server:
            client = await RawClient.connect(server.address)
            for path in ("/v1/models", "/v1/models/support", "/openai/v1/models"):
                assert (await client.ask(get(path, host=host))).status == 401
            assert (await client.ask(get("/livez", host=host))).status == 200
            assert house.backend.authenticated == 0
            client.close()

    run(main)


@pytest.mark.parametrize(
    "path",
    [
        "/v1/%6dodels",
        "/v1//models",
        "//v1/models",
        "/v1/./models",
        "/v1/../v1/models",
        "/v1/%2e%2e/v1/models",
        "/v1/models;a=b",
        "/v1/models%00",
        "/v1/models.",
        "/v1/models/",
        "/V1/models",
        "/v1/Models",
        "/v1%2fmodels",
        "/v1\\models",
        "/v1/models#a",
        "http://test/v1/models",
        "/livez/../v1/models",
        "/livez/",
        "/metrics/",
        "/%6detrics",
    ],
)
def test_no_other_spelling_of_a_path_reaches_its_handler(path: str):
    async def main() -> None:
        house = House()
        async with serving(house.gateway, house.clock) as server:
            for headers in ((), (f"Authorization: Bearer {ADMIN_KEY}",)):
                client = await RawClient.connect(server.address)
                assert (await client.ask(get(path, *headers))).status in (400, 404)
                client.close()

    run(main)


def test_without_a_key_no_byte_of_a_large_body_is_taken():
    async def main() -> None:
        house = House()
        async with serving(house.gateway, house.clock) as server:
            client = await RawClient.connect(server.address)
            client.send(b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 9000000\r\n\r\n")
            response = await client.response()
            assert response.status == 401
            assert response.headers["connection"] == "close"
            client.close()
            client = await RawClient.connect(server.address)
            client.send(post("/v1/chat/completions", b"", "Expect: 100-continue").replace(b": 0", b": 9"))
            assert (await client.response()).status == 401, "and no invitation to send it"
            client.close()
            assert not house.backend.calls

    run(main)


def test_a_key_in_the_query_string_is_refused_and_not_repeated():
    async def main() -> None:
        house = House()
        async with serving(house.gateway, house.clock) as server:
            client = await RawClient.connect(server.address)
            for query in (f"key={KEY}", f"a=b&api%5Fkey={KEY}", f"ACCESS_TOKEN={KEY}", f"api-key={KEY}&x"):
                response = await client.ask(get(f"/v1/models?{query}", f"Authorization: Bearer {KEY}"))
                assert response.status == 400
                assert json.loads(response.body)["error"]["code"] == "key_in_query"
                assert KEY.encode() not in response.body
            assert (await client.ask(get("/v1/models?api-version=1", f"api-key: {KEY}"))).status == 200
            client.close()

    run(main)


def test_head_and_method_override_reach_nothing():
    async def main() -> None:
        house = House()
        async with serving(house.gateway, house.clock) as server:
            client = await RawClient.connect(server.address)
            client.send(b"HEAD /livez HTTP/1.1\r\nHost: x\r\n\r\n")
            status, headers, _ = await client.head()
            assert (status, headers["allow"]) == (405, "GET, POST")
            assert int(headers["content-length"]) > 0
            client.writer.write_eof()
            assert await client.ended() == b"", "an answer to HEAD has no body"
            client = await RawClient.connect(server.address)
            sneaky = get("/v1/chat/completions", "X-HTTP-Method-Override: POST", "X-Method-Override: POST")
            response = await client.ask(sneaky)
            assert (response.status, response.headers["allow"]) == (405, "POST")
            client.close()

    run(main)
