"""Routes, keys and errors bound together, over a real socket."""

import asyncio
import json
import logging

import pytest

from seawall.gateway.exchange import Exchange
from seawall.gateway.routes import GuardedRoute, OpenRoute

from tests.support.raw_client import RawClient, get, post
from tests.unit.gateway.harness import ADMIN_KEY, KEY, OTHER_KEY, House, run, serving

EXPECTED = {
    ("POST", "/v1/chat/completions"): "call",
    ("GET", "/v1/models"): "call",
    ("GET", "/v1/models/"): "call",
    ("POST", "/openai/v1/chat/completions"): "call",
    ("GET", "/openai/v1/models"): "call",
    ("GET", "/openai/v1/models/"): "call",
    ("GET", "/livez"): "public",
    ("GET", "/health/liveness"): "public",
    ("GET", "/health/liveliness"): "public",
    ("GET", "/readyz"): "public",
    ("GET", "/health/readiness"): "public",
    ("GET", "/health"): "public",
    ("GET", "/metrics"): "local",
}


def test_every_route_is_on_this_list_with_its_permission():
    assert {(route.method, route.path): route.permission for route in House().gateway.routes} == EXPECTED


@pytest.mark.parametrize(("method", "path"), [key for key, value in EXPECTED.items() if value != "public"])
@pytest.mark.parametrize(
    "credentials", [(), ("Authorization: Bearer sw-wrong",), ("Authorization: Basic eA==",)]
)
def test_without_a_valid_key_no_handler_is_touched(method: str, path: str, credentials: tuple[str, ...]):
    async def main() -> None:
        house = House()
        touched: list[str] = []

        async def guarded(exchange: Exchange, principal: object) -> None:
            touched.append(path)

        async def opened(exchange: Exchange) -> None:
            touched.append(path)

        for key, route in dict(house.gateway.routes._exact).items():
            handler = guarded if isinstance(route, GuardedRoute) else opened
            kind = GuardedRoute if isinstance(route, GuardedRoute) else OpenRoute
            house.gateway.routes._exact[key] = kind(route.method, route.path, route.permission, handler)
        async with serving(house.gateway, house.clock) as server:
            client = await RawClient.connect(server.address)
            asked = path + ("support" if path.endswith("/") else "")
            proxied = (*credentials, "X-Forwarded-For: 10.0.0.1")
            data = get(asked, *proxied) if method == "GET" else post(asked, b"{}", *proxied)
            response = await client.ask(data)
            assert response.status == 401
            assert response.headers["www-authenticate"] == "Bearer"
            assert json.loads(response.body)["error"]["type"] == "authentication_error"
            assert response.headers["x-request-id"]
            assert not touched
            assert (await client.ask(get("/livez"))).status in (200, 500), "the connection is kept"
            client.close()

    logging.getLogger("seawall.gateway").setLevel(logging.CRITICAL)
    try:
        run(main)
    finally:
        logging.getLogger("seawall.gateway").setLevel(logging.NOTSET)


@pytest.mark.parametrize(
    "carrier", ["Authorization: Bearer {}", "x-api-key: {}", "api-key: {}", "x-goog-api-key: {}"]
)
def test_each_carrier_has_the_same_rights_on_each_route(carrier: str):
    async def main() -> None:
        house = House()
        body = json.dumps({"model": "support", "messages": [{"role": "user", "content": "Hi"}]}).encode()
        async with serving(house.gateway, house.clock) as server:
            client = await RawClient.connect(server.address)
            verdicts = []
            for key in (KEY, ADMIN_KEY, OTHER_KEY, "sw-wrong"):
                header = carrier.format(key)
                requests = (
                    post("/v1/chat/completions", body, header),
                    get("/v1/models/support", header),
                    get("/metrics", header, "X-Forwarded-For: 10.0.0.1"),
                )
                verdicts += [(await client.ask(data)).status for data in requests]
            assert verdicts == [200, 200, 403, 200, 200, 200, 403, 404, 403, 401, 401, 401]
            client.close()

    run(main)


def test_the_wrong_method_is_405_with_what_is_allowed_and_an_unknown_path_404():
    async def main() -> None:
        house = House()
        async with serving(house.gateway, house.clock) as server:
            client = await RawClient.connect(server.address)
            response = await client.ask(get("/v1/chat/completions"))
            assert (response.status, response.headers["allow"]) == (405, "POST")
            assert (await client.ask(post("/v1/models/support", b"{}"))).headers["allow"] == "GET"
            response = await client.ask(get("/v2/models", "X-Request-Id: r-1"))
            assert response.status == 404
            assert response.headers["x-request-id"] == "r-1"
            client.close()
            assert house.count_of("none", "4xx") == 3

    run(main)


def test_a_refusal_after_a_small_body_keeps_the_connection():
    async def main() -> None:
        house = House()
        async with serving(house.gateway, house.clock) as server:
            client = await RawClient.connect(server.address)
            for _ in range(3):
                response = await client.ask(post("/v1/chat/completions", b"x" * 5000))
                assert response.status == 401
                assert "connection" not in response.headers
            client.close()

    run(main)


def test_answers_are_counted_by_route_and_class_and_a_client_that_left_apart():
    entered = asyncio.Event()

    async def hangs(call: object, emit: object) -> None:
        entered.set()
        await asyncio.get_running_loop().create_future()

    async def main() -> None:
        house = House(hangs)  # type: ignore[arg-type]
        body = json.dumps({"model": "support", "messages": [{"role": "user", "content": "Hi"}]}).encode()
        async with serving(house.gateway, house.clock) as server:
            client = await RawClient.connect(server.address)
            await client.ask(get("/livez"))
            await client.ask(get("/health/liveness?a=b"))
            await client.ask(post("/v1/chat/completions", b"{", f"api-key: {KEY}"))
            client.send(post("/v1/chat/completions", body, f"api-key: {KEY}"))
            await entered.wait()
            client.close()
        assert house.count_of("/livez", "2xx") == 1
        assert house.count_of("/health/liveness", "2xx") == 1
        assert house.count_of("/v1/chat/completions", "4xx") == 1
        assert house.count_of("/v1/chat/completions", "left") == 1

    run(main)
